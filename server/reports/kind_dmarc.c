/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about messages by the DMARC policies of others: who asks for them, who agreed to get them, and their mail.  [RFC 9990] */
#include <sodium.h>

#include "dmarc_count.h"
#include "internal.h"
#include "sigillo/dmarc.h"
#include "sigillo/limits.h"
#include "sigillo/tlsrpt.h"

static struct metric counted = METRIC_COUNTER("sigillo_dmarc_report_messages_total",
                                              "Messages counted for DMARC reports", NULL);
static struct metric lost = METRIC_COUNTER("sigillo_dmarc_report_messages_lost_total",
                                           "Messages that there was no room to count", NULL);
static struct metric made[3] = {
    METRIC_COUNTER("sigillo_dmarc_reports_total", "DMARC reports", "result=\"queued\""),
    METRIC_COUNTER("sigillo_dmarc_reports_total", "DMARC reports", "result=\"accepted\""),
    METRIC_COUNTER("sigillo_dmarc_reports_total", "DMARC reports", "result=\"failed\""),
};

static const struct config_reports *settings(const struct config *c)
{
    return &c->dmarc_reports;
}

void reports_judged(void *ctx, const struct reports_judged *m)
{
    struct reports *r = ctx;
    struct tally_count count;
    struct dmarc_text text;

    if (!r->counts[REPORT_DMARC])
        return;
    if (dmarc_count(m, &text, &count))
        counting_add(&r->counting[REPORT_DMARC], &count);
    dmarc_text_done(&text);
}

/* ---- who gets them ---- */

struct asked {
    enum sgl_dmarc_destination agreed;
    sgl_view uri;
    struct sgl_mailbox mailbox;
    bool mail; /* it is an address that can be written to */
};

/* A report goes to names: an address in the record would lead past what guards names.  Another scheme, or what is no address, is passed over, and not the others with it. [RFC 9990 s3.5] */
static enum sgl_status read_mailbox(struct errand *e, sgl_view uri, struct asked *out,
                                    struct sgl_name *host)
{
    enum sgl_status status = sgl_tlsrpt_mailbox(uri, &e->arena, &out->mailbox);

    out->uri = uri;
    out->mail = status == SGL_OK && !out->mailbox.literal && !out->mailbox.utf8;
    if (out->mail)
        status = sgl_name_parse(out->mailbox.domain, SGL_NAME_UNDERSCORE, &e->arena, NULL, host);
    out->mail = out->mail && status == SGL_OK;
    return status == SGL_E_SYNTAX ? SGL_OK : status;
}

static enum sgl_status ask(struct errand *e, const struct sgl_dmarc *found, sgl_view uri,
                           struct asked *out)
{
    sgl_view instead = SGL_LIT("");
    struct sgl_name host;

    SGL_TRY(read_mailbox(e, uri, out, &host));
    if (!out->mail)
        return SGL_OK;
    SGL_TRY(sgl_dmarc_destination(found->policy_domain, host, &e->dns, &e->arena, &out->agreed,
                                  &instead));
    return instead.len > 0 ? read_mailbox(e, instead, out, &host) : SGL_OK;
}

/* Who did not agree gets none. [RFC 9990 s4] */
static void add(struct errand *e, const struct asked *to, const char **why)
{
    if (!to->mail)
        return;
    if (to->agreed == SGL_DMARC_DEST_OWN || to->agreed == SGL_DMARC_DEST_AUTHORISED)
        errand_add_destination(e, to->uri, to->mailbox.domain);
    else if (to->agreed == SGL_DMARC_DEST_TEMPERROR && errand_may_wait(e))
        *why = "whether its destination wants it can't be looked up";
    else
        log_line(LOG_INFO_, "DMARC report not wanted by its destination",
                 LOG_VIEW("domain", e->about.domain), LOG_VIEW("to", to->uri));
}

static enum sgl_status ask_all(struct errand *e, const struct sgl_dmarc *found, const char **why)
{
    struct asked to[SGL_LIMIT_DMARC_URIS] = {{0}};
    enum sgl_status status = SGL_OK;

    for (size_t i = 0; i < found->parsed.ruas && i < SGL_LIMIT_DMARC_URIS; i++)
        status = sgl_join(status, ask(e, found, found->parsed.rua[i], &to[i]));
    SGL_TRY(status);
    for (size_t i = 0; i < found->parsed.ruas && i < SGL_LIMIT_DMARC_URIS; i++)
        add(e, &to[i], why);
    return SGL_OK;
}

/* The record as it stands now, at the domain that was judged by it. */
static enum sgl_status find(struct errand *e, const char **why)
{
    struct sgl_dmarc_request request = {.rules = SGL_DMARC_RFC9989};
    struct sgl_dmarc found;

    SGL_TRY(sgl_name_parse(e->about.domain, SGL_NAME_UNDERSCORE, &e->arena, NULL, &request.author));
    SGL_TRY(sgl_dmarc_check(&request, &e->dns, &e->arena, &found));
    if (found.result == SGL_DMARC_TEMPERROR) {
        *why = "the record of the domain can't be looked up";
        return SGL_OK;
    }
    if (!sgl_name_eq(found.policy_domain, request.author))
        return SGL_OK; /* it asks no more */
    return ask_all(e, &found, why);
}

/* ---- its mail ---- */

static enum sgl_status put_mail(struct errand *e, sgl_view message_id)
{
    struct sgl_dmarc_report_mail m = {.meta = &e->compose.dmarc,
                                      .messages = e->compose.messages,
                                      .passed = e->compose.passed,
                                      .attachment = sgl_buf_view(&e->compose.gzip),
                                      .gzip = true,
                                      .from = sgl_view_cstr(e->config->dmarc_reports.from),
                                      .to = e->to.text,
                                      .message_id = message_id,
                                      .now = clock_now_s()};

    randombytes_buf(m.random, sizeof(m.random));
    return sgl_dmarc_report_put_mail(&m, &e->raw);
}

const struct kind kind_dmarc = {
    .id = REPORT_DMARC,
    .name = "DMARC report",
    .waits = "DMARC report waits",
    .door = "dmarc-report",
    .subject = "DMARC report",
    .settings = settings,
    .tally = &dmarc_form,
    .count = STORE_DMARC_JUDGED,
    .find = find,
    .compose = compose_dmarc,
    .put_mail = put_mail,
    .counted = &counted,
    .lost = &lost,
    .made = made,
};
