/* SPDX-License-Identifier: Apache-2.0 */
/* A composed report on its way: as mail of the queue [RFC 8460 s5.3; RFC 9990 s3.5], or by HTTPS [RFC 8460 s5.4]. */
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
static void address_it(struct errand *e, const struct body *body)
{
    sgl_view from = sgl_view_cstr(e->kind->settings(e->config)->from);
    struct store_message *m = &e->message;
    int64_t now = clock_now_s();

    e->rcpt = (struct store_rcpt){
        .address = e->to.text, .domain = e->to.domain, .notify = RCPT_NOTIFY_NEVER, .next_at = now};
    m->subscription = SGL_LIT("");
    m->identity = SGL_LIT("system");
    m->env_from = m->header_from = from;
    if (e->kind->tls_optional)
        m->tls = MESSAGE_TLS_OPTIONAL;
    m->size = body->len;
    m->accepted_at = now * 1000;
    m->expires_at = now + TRY_FOR_S;
    m->message_id = sgl_view_cstr(e->message_id);
    m->subject = sgl_view_cstr(e->kind->subject);
    m->door = sgl_view_cstr(e->kind->door);
    m->rcpt = &e->rcpt;
    m->rcpts = 1;
    e->accept = (struct store_accept){.message = m, .body = e->notice.signed_bytes};
}

/* A report without a signature is ignored by who gets it: it is not sent. [RFC 8460 s3; RFC 9990 s3.5] */
static void have_signature(struct queue_notice *notice)
{
    struct errand *e = (struct errand *)(void *)((char *)notice - offsetof(struct errand, notice));

    if (notice->signed_bytes == NULL) {
        snprintf(e->detail, sizeof(e->detail), "no key signs for %.*s",
                 SGL_FMT(notice->from_domain));
        errand_again(e, e->detail);
    } else {
        address_it(e, notice->signed_bytes);
        errand_step(e, REPORT_QUEUED, "", &e->accept);
    }
}

static void mail(struct errand *e)
{
    sgl_view domain = domain_of(sgl_view_cstr(e->kind->settings(e->config)->from));
    char id[ID_TEXT_SIZE];

    if (sgl_tlsrpt_mailbox(e->about.destination, &e->arena, &e->to) != SGL_OK) {
        errand_again(e, "its destination is no mailbox");
        return;
    }
    e->message.id = id_new();
    id_text(e->message.id, id);
    snprintf(e->message_id, sizeof(e->message_id), "<%s@%.*s>", id, SGL_FMT(domain));
    if (e->kind->put_mail(e, sgl_view_cstr(e->message_id)) != SGL_OK) {
        errand_again(e, "its mail can't be written");
        return;
    }
    e->notice = (struct queue_notice){
        .raw = sgl_buf_view(&e->raw), .from_domain = domain, .done = have_signature};
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
        errand_step(e, REPORT_TAKEN, e->detail, NULL);
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
