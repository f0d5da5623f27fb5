/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS: who asks for them, and their mail.  [RFC 8460] */
#include <sodium.h>
#include <string.h>

#include "internal.h"
#include "session.h"
#include "sigillo/tlsrpt.h"

static struct metric counted = METRIC_COUNTER("sigillo_tls_report_sessions_total",
                                              "Sessions counted for reports about TLS", NULL);
static struct metric lost = METRIC_COUNTER("sigillo_tls_report_sessions_lost_total",
                                           "Sessions that there was no room to count", NULL);
static struct metric made[3] = {
    METRIC_COUNTER("sigillo_tls_reports_total", "Reports about TLS", "result=\"queued\""),
    METRIC_COUNTER("sigillo_tls_reports_total", "Reports about TLS", "result=\"accepted\""),
    METRIC_COUNTER("sigillo_tls_reports_total", "Reports about TLS", "result=\"failed\""),
};

static const struct config_reports *settings(const struct config *c)
{
    return &c->tls_reports;
}

/* The host of "https://host[:port]/..." as it stands. */
static sgl_view host_of(sgl_view uri)
{
    sgl_view rest = sgl_view_from(uri, sizeof("https://") - 1);
    size_t end = 0;

    while (end < rest.len && memchr(":/?#", rest.ptr[end], 4) == NULL)
        end++;
    return sgl_view_sub(rest, 0, end);
}

/* A report goes to names: an address in the record would lead past what guards names. */
static void add(struct errand *e, const struct sgl_tlsrpt_uri *uri)
{
    struct sgl_mailbox mailbox;

    if (uri->scheme == SGL_TLSRPT_HTTPS)
        errand_add_destination(e, uri->text, host_of(uri->text));
    else if (sgl_tlsrpt_mailbox(uri->text, &e->arena, &mailbox) == SGL_OK && !mailbox.literal &&
             !mailbox.utf8)
        errand_add_destination(e, uri->text, mailbox.domain);
}

/* Nobody had to agree to a report, so a record gets few of them sent. [RFC 8460 s3] */
static enum sgl_status find(struct errand *e, const char **why)
{
    struct sgl_tlsrpt_answer answer;
    struct sgl_name name;

    SGL_TRY(sgl_name_parse(e->about.domain, SGL_NAME_UNDERSCORE, &e->arena, NULL, &name));
    SGL_TRY(sgl_tlsrpt_find(name, &e->dns, &e->arena, &answer));
    if (answer.state == SGL_TLSRPT_TEMPERROR)
        *why = answer.why;
    for (size_t i = 0; answer.state == SGL_TLSRPT_FOUND && i < answer.record.count; i++)
        add(e, &answer.record.rua[i]);
    return SGL_OK;
}

static enum sgl_status put_mail(struct errand *e, sgl_view message_id)
{
    struct sgl_tls_report_mail m = {.report = &e->compose.tls,
                                    .domain = e->about.domain,
                                    .unique = sgl_view_cstr(e->compose.unique),
                                    .attachment = sgl_buf_view(&e->compose.gzip),
                                    .gzip = true,
                                    .from = sgl_view_cstr(e->config->tls_reports.from),
                                    .to = e->to.text,
                                    .message_id = message_id,
                                    .now = clock_now_s()};

    randombytes_buf(m.random, sizeof(m.random));
    return sgl_tls_report_put_mail(&m, &e->raw);
}

const struct kind kind_tls = {
    .id = REPORT_TLS,
    .name = "report about TLS",
    .waits = "report about TLS waits",
    .door = "tlsrpt",
    .subject = "Report about TLS",
    .tls_optional = true, /* [RFC 8460 s3] */
    .settings = settings,
    .tally = &session_form,
    .count = STORE_TLSRPT,
    .find = find,
    .compose = compose_tls,
    .put_mail = put_mail,
    .counted = &counted,
    .lost = &lost,
    .made = made,
};
