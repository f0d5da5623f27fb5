/* SPDX-License-Identifier: Apache-2.0 */
/* A composed report on its way: as mail of the queue [RFC 8460 s5.3], or by HTTPS [RFC 8460 s5.4]. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "sigillo/tlsrpt.h"

#define HTTPS_MS   60000
#define ANSWER_MAX ((size_t)16 << 10)
#define TYPE       "application/tlsrpt+gzip"

/* ---- mail ---- */

static sgl_view domain_of(sgl_view address)
{
    return sgl_view_from(address, sgl_view_find(address, '@') + 1);
}

/*
 * Ours, not a subscription's: nobody is charged for it.  Its sender is real, because some refuse what comes from nobody to an address that never writes; who can't deliver
 * it is asked to keep that to himself.
 */
static void address_it(struct errand *e, const struct sgl_mailbox *to, const struct body *body)
{
    sgl_view from = sgl_view_cstr(e->config->tls_reports.from);
    struct store_message *m = &e->message;
    int64_t now = clock_now_s();

    e->rcpt = (struct store_rcpt){
        .address = to->text, .domain = to->domain, .notify = RCPT_NOTIFY_NEVER, .next_at = now};
    m->subscription = SGL_LIT("");
    m->identity = SGL_LIT("system");
    m->env_from = m->header_from = from;
    m->tls = MESSAGE_TLS_OPTIONAL; /* [RFC 8460 s3] */
    m->size = body->len;
    m->accepted_at = now * 1000;
    m->expires_at = now + TRY_FOR_S;
    m->message_id = sgl_view_cstr(e->message_id);
    m->subject = SGL_LIT("Report about TLS");
    m->door = SGL_LIT("tlsrpt");
    m->rcpt = &e->rcpt;
    m->rcpts = 1;
    e->accept = (struct store_accept){.message = m, .body = e->notice.signed_bytes};
}

/* A report without a signature is ignored by who gets it: it is not sent. [RFC 8460 s3] */
static void have_signature(struct queue_notice *notice)
{
    struct errand *e = (struct errand *)(void *)((char *)notice - offsetof(struct errand, notice));
    struct sgl_mailbox to;

    if (notice->signed_bytes == NULL) {
        snprintf(e->detail, sizeof(e->detail), "no key signs for %.*s",
                 SGL_FMT(domain_of(sgl_view_cstr(e->config->tls_reports.from))));
        errand_again(e, e->detail);
    } else if (sgl_tlsrpt_mailbox(e->about.destination, &e->arena, &to) != SGL_OK) {
        errand_again(e, "out of memory");
    } else {
        address_it(e, &to, notice->signed_bytes);
        errand_step(e, TLSRPT_QUEUED, "", &e->accept);
    }
}

static void mail(struct errand *e)
{
    struct sgl_tls_report_mail m = {.report = &e->compose.report,
                                    .domain = e->about.domain,
                                    .unique = sgl_view_cstr(e->compose.unique),
                                    .attachment = sgl_buf_view(&e->compose.gzip),
                                    .gzip = true,
                                    .from = sgl_view_cstr(e->config->tls_reports.from),
                                    .now = clock_now_s()};
    struct sgl_mailbox to;
    char id[ID_TEXT_SIZE];

    if (sgl_tlsrpt_mailbox(e->about.destination, &e->arena, &to) != SGL_OK) {
        errand_again(e, "its destination is no mailbox");
        return;
    }
    e->message.id = id_new();
    id_text(e->message.id, id);
    snprintf(e->message_id, sizeof(e->message_id), "<%s@%.*s>", id, SGL_FMT(domain_of(m.from)));
    m.to = to.text;
    m.message_id = sgl_view_cstr(e->message_id);
    randombytes_buf(m.random, sizeof(m.random));
    if (sgl_tls_report_put_mail(&m, &e->raw) != SGL_OK) {
        errand_again(e, "its mail can't be written");
        return;
    }
    e->notice = (struct queue_notice){
        .raw = sgl_buf_view(&e->raw), .from_domain = domain_of(m.from), .done = have_signature};
    e->reports->parts.signer.sign(e->reports->parts.signer.ctx, &e->notice);
}

/* ---- HTTPS ---- */

static void posted(struct https_get *get)
{
    struct errand *e = (struct errand *)(void *)((char *)get - offsetof(struct errand, get));
    bool taken = get->ok || (get->end == HTTPS_TOO_LARGE && get->status / 100 == 2);

    e->waits = ERRAND_IDLE;
    if (taken) {
        snprintf(e->detail, sizeof(e->detail), "it answered %u", get->status);
        errand_step(e, TLSRPT_TAKEN, e->detail, NULL);
    } else {
        errand_again(e, get->why);
    }
}

static void post(struct errand *e)
{
    const sgl_view uri = e->about.destination;
    uint8_t *url = sgl_arena_alloc(&e->arena, uri.len + 1);

    if (url == NULL) {
        errand_again(e, "out of memory");
        return;
    }
    memcpy(url, uri.ptr, uri.len);
    url[uri.len] = 0;
    e->get = (struct https_get){.url = (const char *)url,
                                .size_max = ANSWER_MAX,
                                .timeout_ms = HTTPS_MS,
                                .send_type = TYPE,
                                .send = sgl_buf_view(&e->compose.gzip),
                                .done = posted};
    e->waits = ERRAND_POSTS;
    https_get(e->reports->parts.https, &e->get);
}

void errand_send(struct errand *e)
{
    if (sgl_view_starts_nocase(e->about.destination, SGL_LIT("https:")))
        post(e);
    else
        mail(e);
}
