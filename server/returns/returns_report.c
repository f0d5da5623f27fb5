/* SPDX-License-Identifier: Apache-2.0 */
/* The sender hears of a bounce that came later as he hears of one that came at once: from us. [RFC 3464; RFC 5321 s4.5.5: never to a null sender] */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "returns_internal.h"
#include "sigillo/dsn.h"

#define RAW_MAX    ((size_t)1 << 20)
#define RETURN_MAX ((size_t)64 << 10)
#define TEXT_MAX   400

struct report {
    struct queue_notice notice; /* first */
    struct sgl_buf raw;
    struct store_message message;
    struct store_rcpt rcpt;
    struct store_accept accept;
    void (*done)(void *ctx);
    void *ctx;
    char from[TEXT_MAX], message_id[TEXT_MAX];
};

static enum sgl_dsn_action action_of(const struct taking *t)
{
    switch (t->said->action) {
    case SGL_BOUNCE_FAILED:
        return SGL_DSN_FAILED;
    case SGL_BOUNCE_DELAYED:
        return SGL_DSN_DELAYED;
    case SGL_BOUNCE_ACTION_DELIVERED:
        return SGL_DSN_DELIVERED;
    case SGL_BOUNCE_RELAYED:
    case SGL_BOUNCE_EXPANDED:
    case SGL_BOUNCE_COMPLAINED:
        break;
    }
    return SGL_DSN_RELAYED;
}

/* A failure, unless he has heard of one; what is none only when he has asked for it, for the report would have come to him [RFC 3461 s4.1]. */
bool report_is_wanted(const struct taking *t)
{
    enum sgl_dsn_action action;

    if (t->complaint || t->said->class_ == SGL_BOUNCE_AUTO_REPLY)
        return false;
    action = action_of(t);
    return (action == SGL_DSN_FAILED ? !taking_failed_before(t) : t->rcpt->notify != 0) &&
           sgl_dsn_wanted(t->message->env_from, t->rcpt->notify, action);
}

static sgl_view subject_of(enum sgl_dsn_action action)
{
    switch (action) {
    case SGL_DSN_FAILED:
        break;
    case SGL_DSN_DELAYED:
        return SGL_LIT("Delivery status: delayed");
    case SGL_DSN_DELIVERED:
        return SGL_LIT("Delivery status: delivered");
    case SGL_DSN_RELAYED:
        return SGL_LIT("Delivery status: relayed");
    }
    return SGL_LIT("Delivery status: failed");
}

static sgl_view domain_of(sgl_view address)
{
    size_t at = address.len;

    while (at > 0 && address.ptr[at - 1] != '@')
        at--;
    return sgl_view_from(address, at);
}

static void name_it(struct report *p, const struct store_message *about, sgl_view hostname)
{
    char id[ID_TEXT_SIZE];

    p->message.id = id_new();
    id_text(p->message.id, id);
    snprintf(p->from, sizeof(p->from), "mailer-daemon@%.*s", SGL_FMT(domain_of(about->env_from)));
    snprintf(p->message_id, sizeof(p->message_id), "<%s@%.*s>", id, SGL_FMT(hostname));
    p->notice.from_domain = sgl_view_cstr(p->from + strlen("mailer-daemon@"));
}

static bool compose(struct report *p, const struct taking *t, sgl_view hostname)
{
    const struct store_message *m = t->message;
    struct sgl_dsn_rcpt rcpt = {.address = t->rcpt->address,
                                .orcpt = t->rcpt->orcpt,
                                .action = action_of(t),
                                .status = t->said->status,
                                .remote_mta = t->said->remote_mta.len > 0 ? t->said->remote_mta
                                                                          : t->bounce.reporting_mta,
                                .reply = t->said->diagnostic,
                                .last_attempt = t->arrival->at_ms / 1000,
                                .attempts = t->rcpt->attempts};
    char queue_id[ID_TEXT_SIZE];
    struct sgl_dsn_result result = {false, false};
    struct sgl_dsn d = {.reporting_mta = hostname,
                        .from_address = sgl_view_cstr(p->from),
                        .to = m->env_from,
                        .env_id = m->env_id,
                        .message_id = sgl_view_cstr(p->message_id),
                        .now = t->arrival->at_ms / 1000,
                        .arrival = m->accepted_at / 1000,
                        .ret = 'H', /* what came back may have been changed on its way */
                        .return_max = RETURN_MAX,
                        .original = t->bounce.original,
                        .smtputf8 = m->smtputf8,
                        .rcpt = &rcpt,
                        .rcpts = 1};

    id_text(m->id, queue_id);
    d.queue_id = sgl_view_cstr(queue_id);
    if (getrandom(d.random, sizeof(d.random), 0) != (ssize_t)sizeof(d.random))
        memcpy(d.random, &p->message.id, sizeof(p->message.id));
    if (sgl_dsn_put(&p->raw, &d, &result) != SGL_OK) {
        d.original = SGL_LIT("");
        if (sgl_dsn_put(&p->raw, &d, &result) != SGL_OK)
            return false;
    }
    p->message.eightbit = result.eightbit;
    p->message.smtputf8 = result.smtputf8;
    return true;
}

static void address_it(struct report *p, const struct taking *t, int64_t expire_s)
{
    const struct store_message *about = t->message;
    int64_t now = t->arrival->at_ms / 1000;

    p->rcpt = (struct store_rcpt){.address = about->env_from,
                                  .domain = domain_of(about->env_from),
                                  .notify = RCPT_NOTIFY_NEVER, /* [RFC 3461 s6.1] */
                                  .next_at = now};
    p->message.subscription = about->subscription;
    p->message.identity = SGL_LIT("system");
    p->message.require_tls = message_dest_tls(about) == DEST_TLS_PROVED; /* [RFC 8689 s5] */
    p->message.accepted_at = t->arrival->at_ms;
    p->message.expires_at = now + expire_s;
    p->message.message_id = sgl_view_cstr(p->message_id);
    p->message.header_from = sgl_view_cstr(p->from);
    p->message.subject = subject_of(action_of(t));
    p->message.door = SGL_LIT("bounce");
    p->message.rcpt = &p->rcpt;
    p->message.rcpts = 1;
}

struct report *report_new(const struct taking *t, sgl_view hostname, int64_t expire_s)
{
    struct report *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    sgl_buf_init(&p->raw, RAW_MAX);
    name_it(p, t->message, hostname);
    if (!compose(p, t, hostname)) {
        report_free(p);
        return NULL;
    }
    address_it(p, t, expire_s);
    return p;
}

/* Unsigned rather than not at all. */
static struct body *unsigned_body(sgl_view raw)
{
    struct body *b = body_new(raw.len);
    size_t end = sgl_view_find_view(raw, SGL_LIT("\r\n\r\n"));

    if (b == NULL)
        return NULL;
    memcpy(b->bytes, raw.ptr, raw.len);
    b->header_len = end == raw.len ? raw.len : end + 4;
    return b;
}

static void is_signed(struct queue_notice *notice)
{
    struct report *p = (struct report *)(void *)notice;

    if (notice->signed_bytes == NULL)
        notice->signed_bytes = unsigned_body(sgl_buf_view(&p->raw));
    p->done(p->ctx);
}

void report_sign(struct report *p, const struct queue_signer *signer, void (*done)(void *ctx),
                 void *ctx)
{
    p->done = done;
    p->ctx = ctx;
    p->notice.raw = sgl_buf_view(&p->raw);
    p->notice.done = is_signed;
    if (signer->sign != NULL)
        signer->sign(signer->ctx, &p->notice);
    else
        is_signed(&p->notice);
}

struct store_accept *report_accept(struct report *p)
{
    if (p->notice.signed_bytes == NULL)
        return NULL;
    p->message.size = p->notice.signed_bytes->len;
    p->accept = (struct store_accept){.message = &p->message, .body = p->notice.signed_bytes};
    return &p->accept;
}

void report_free(struct report *p)
{
    if (p == NULL)
        return;
    body_unref(p->notice.signed_bytes);
    sgl_buf_done(&p->raw);
    free(p);
}
