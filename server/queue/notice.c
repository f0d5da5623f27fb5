/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports to the sender: failed, delayed, relayed. One message for all that an outcome has to say; it becomes durable in the outcome's own transaction. [RFC 3461, RFC 3464]
 * A null sender is never answered [RFC 5321 s4.5.5].
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "../log/log.h"
#include "../store/json_text.h"
#include "queue_internal.h"
#include "sigillo/arena.h"
#include "sigillo/banned.h"
#include "sigillo/dsn.h"

#define RAW_MAX    ((size_t)1 << 20)
#define RETURN_MAX ((size_t)64 << 10) /* larger originals come back as their header */
#define TEXT_MAX   400u

struct notice {
    struct queue_notice n; /* first */
    struct record *record;
    struct sgl_buf raw;
    struct store_accept accept;
    struct store_message message;
    struct store_rcpt rcpt;
    bool room; /* taken with queue_room() */
    size_t room_bytes;
    bool failed; /* it speaks of a failure */
    char from[TEXT_MAX], message_id[TEXT_MAX], detail[128];
};

/* What there is to tell of this recipient; false: nothing, or nobody wants to hear it. */
static bool tell(const struct queue *q, const struct record *r, size_t i,
                 enum sgl_dsn_action *action)
{
    const struct store_message *m = r->job->env->m;
    const struct store_rcpt *rcpt = r->job->rcpt[i];

    switch (r->op.rcpt[i].state) {
    case RCPT_FAILED:
    case RCPT_EXPIRED:
        *action = SGL_DSN_FAILED;
        break;
    case RCPT_DELIVERED:
        if (r->outcome != NULL && r->outcome[i].dsn_taken)
            return false;
        *action = SGL_DSN_RELAYED;
        break;
    case RCPT_QUEUED:
        if (q->config.delay_notice_s == 0 || rcpt->delay_told || !r->op.rcpt[i].attempted ||
            queue_now(q) < m->accepted_at / 1000 + (int64_t)q->config.delay_notice_s)
            return false;
        *action = SGL_DSN_DELAYED;
        break;
    case RCPT_HELD:
    case RCPT_SUPPRESSED:
    case RCPT_CANCELLED:
        return false;
    }
    return sgl_dsn_wanted(m->env_from, rcpt->notify, *action);
}

bool notice_wanted(const struct queue *q, struct record *r)
{
    enum sgl_dsn_action action = SGL_DSN_FAILED;
    bool wanted = false;

    for (size_t i = 0; i < r->op.rcpts; i++) {
        r->tell[i] = tell(q, r, i, &action) ? (uint8_t)(action + 1) : 0;
        wanted = wanted || r->tell[i] != 0;
    }
    return wanted;
}

/* ---- composing ---- */

static void put_rcpt(const struct record *r, size_t i, int64_t now, struct sgl_dsn_rcpt *out)
{
    const struct store_outcome_rcpt *o = &r->op.rcpt[i];
    const struct store_rcpt *rcpt = r->job->rcpt[i];
    bool spoke = o->remote_mta.len > 0;

    *out = (struct sgl_dsn_rcpt){.address = rcpt->address,
                                 .orcpt = rcpt->orcpt,
                                 .action = (enum sgl_dsn_action)(r->tell[i] - 1),
                                 .status = o->state == RCPT_EXPIRED ? SGL_LIT("5.4.7") : o->status,
                                 .remote_mta = o->remote_mta,
                                 .last_attempt = o->attempted ? now : 0,
                                 .attempts = rcpt->attempts + o->attempted,
                                 .will_retry_until = r->job->env->m->expires_at,
                                 .next_attempt = o->next_at};
    if (spoke)
        out->reply = o->reason;
    else
        out->reason = o->reason;
}

static sgl_view domain_of(sgl_view address, sgl_view otherwise)
{
    size_t at = address.len;

    while (at > 0 && address.ptr[at - 1] != '@')
        at--;
    return at == 0 ? otherwise : sgl_view_from(address, at);
}

/* From the sender's own domain: that one we can sign for, and its sender trusts it. */
static bool name_it(struct notice *n, const struct queue *q, const struct store_message *about)
{
    char id[ID_TEXT_SIZE];
    sgl_view host = q->config.hostname.len > 0 ? q->config.hostname : SGL_LIT("localhost");
    sgl_view domain = domain_of(about->env_from, host);
    int from, message_id;

    n->message.id = id_new();
    id_text(n->message.id, id);
    from = snprintf(n->from, sizeof(n->from), "mailer-daemon@%.*s", SGL_FMT(domain));
    message_id = snprintf(n->message_id, sizeof(n->message_id), "<%s@%.*s>", id, SGL_FMT(host));
    n->n.from_domain = sgl_view_of(n->from + 14, (size_t)from - 14);
    return from > 14 && (size_t)from < sizeof(n->from) && message_id > 0 &&
           (size_t)message_id < sizeof(n->message_id);
}

/* About a message that had to be proved TLS all the way: its header only, whatever RET says, and never in clear. [RFC 8689 s5] */
static bool compose(struct notice *n, const struct queue *q, struct sgl_arena *arena)
{
    struct record *r = n->record;
    const struct store_message *m = r->job->env->m;
    struct sgl_dsn_rcpt *rcpt = SGL_NEW_N(arena, r->op.rcpts, struct sgl_dsn_rcpt);
    struct sgl_dsn_result result = {false, false};
    bool demanded = message_dest_tls(m) == DEST_TLS_PROVED;
    char queue_id[ID_TEXT_SIZE];
    struct sgl_dsn d = {.reporting_mta = q->config.hostname,
                        .from_address = sgl_view_cstr(n->from),
                        .to = m->env_from,
                        .env_id = m->env_id,
                        .message_id = sgl_view_cstr(n->message_id),
                        .now = queue_now(q),
                        .arrival = m->accepted_at / 1000,
                        .ret = demanded ? 'H' : m->ret,
                        .return_max = RETURN_MAX,
                        .smtputf8 = m->smtputf8,
                        .rcpt = rcpt};

    if (rcpt == NULL)
        return false;
    if (d.reporting_mta.len == 0)
        d.reporting_mta = SGL_LIT("localhost");
    id_text(m->id, queue_id);
    d.queue_id = sgl_view_cstr(queue_id);
    if (getrandom(d.random, sizeof(d.random), 0) != (ssize_t)sizeof(d.random))
        memcpy(d.random, &n->message.id, sizeof(n->message.id));
    if (r->loaded != NULL)
        d.original = sgl_view_of(r->loaded->bytes, r->loaded->len);
    for (size_t i = 0; i < r->op.rcpts; i++) {
        if (r->tell[i] == 0)
            continue;
        put_rcpt(r, i, d.now, &rcpt[d.rcpts++]);
        n->failed = n->failed || r->tell[i] == SGL_DSN_FAILED + 1;
    }
    if (sgl_dsn_put(&n->raw, &d, &result) != SGL_OK) {
        d.original = SGL_LIT(""); /* too much to return: better that than no report */
        if (sgl_dsn_put(&n->raw, &d, &result) != SGL_OK)
            return false;
    }
    n->message.require_tls = demanded;
    n->message.eightbit = result.eightbit;
    n->message.smtputf8 = result.smtputf8;
    return true;
}

static void address_it(struct notice *n, const struct queue *q, const struct store_message *about)
{
    int64_t now = queue_now(q);
    struct store_message *m = &n->message;

    n->rcpt.address = about->env_from;
    n->rcpt.domain = domain_of(about->env_from, SGL_LIT(""));
    n->rcpt.notify = RCPT_NOTIFY_NEVER; /* [RFC 3461 s6.1] */
    n->rcpt.next_at = now;
    m->subscription = about->subscription;
    m->identity = SGL_LIT("system");
    m->size = n->raw.len;
    m->accepted_at = now * 1000;
    m->expires_at = now + (int64_t)q->config.expire_s;
    m->message_id = sgl_view_cstr(n->message_id);
    m->header_from = sgl_view_cstr(n->from);
    m->subject = n->failed ? SGL_LIT("Delivery status: failed") : SGL_LIT("Delivery status");
    m->door = SGL_LIT("bounce");
    m->rcpt = &n->rcpt;
    m->rcpts = 1;
}

/* The trail of the message says which report was sent. */
static void add_event(struct notice *n)
{
    struct record *r = n->record;
    char id[ID_TEXT_SIZE];

    id_text(n->message.id, id);
    snprintf(n->detail, sizeof(n->detail), "{\"notice\":\"%s\",\"about\":\"%s\"}", id,
             n->failed ? "failure" : "status");
    r->op.event[r->op.events++] = (struct store_event){
        queue_now(r->q) * 1000, 0, n->failed ? SGL_LIT("bounced") : SGL_LIT("notified"),
        sgl_view_cstr(n->detail)};
    for (size_t i = 0; i < r->op.rcpts; i++)
        r->op.rcpt[i].delay_told = r->tell[i] == SGL_DSN_DELAYED + 1;
}

static struct body *unsigned_body(const struct notice *n)
{
    struct body *b = body_new(n->raw.len);
    sgl_view raw = sgl_buf_view(&n->raw);

    if (b == NULL)
        return NULL;
    memcpy(b->bytes, raw.ptr, raw.len);
    b->header_len = sgl_view_find_view(raw, SGL_LIT("\r\n\r\n"));
    b->header_len = b->header_len == raw.len ? raw.len : b->header_len + 4;
    return b;
}

static void notice_signed(struct queue_notice *signed_notice)
{
    struct notice *n = (struct notice *)(void *)signed_notice;
    struct record *r = n->record;
    struct queue *q = r->q;
    struct body *body = n->n.signed_bytes != NULL ? n->n.signed_bytes : unsigned_body(n);

    n->n.signed_bytes = body; /* freed with the notice */
    if (body == NULL) {
        log_line(LOG_ERROR_, "out of memory: a report is not sent", LOG_ID(r->op.message));
        record_submit(r);
        return;
    }
    n->message.size = body->len;
    n->accept.message = &n->message;
    n->accept.body = body;
    n->room_bytes = body->len;
    n->room = queue_room(q, 1, body->len);
    if (n->room) {
        n->accept.claim = true;
        n->accept.lease_until = (uint64_t)(queue_now(q) + q->config.lease_s);
    }
    r->op.notice[0] = &n->accept;
    add_event(n);
    record_submit(r);
}

void notice_begin(struct record *r)
{
    struct queue *q = r->q;
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT((size_t)16 << 20);
    struct notice *n = calloc(1, sizeof(*n));

    if (n != NULL) {
        r->notice = n;
        n->record = r;
        sgl_buf_init(&n->raw, RAW_MAX);
    }
    if (n == NULL || !name_it(n, q, r->job->env->m) || !compose(n, q, &arena)) {
        log_line(LOG_ERROR_, "a report could not be written", LOG_ID(r->op.message));
        record_submit(r);
        return;
    }
    address_it(n, q, r->job->env->m);
    n->n.raw = sgl_buf_view(&n->raw);
    n->n.done = notice_signed;
    if (q->signer.sign != NULL)
        q->signer.sign(q->signer.ctx, &n->n);
    else
        notice_signed(&n->n);
}

void notice_durable(struct record *r)
{
    struct notice *n = r->notice;
    struct store_message *copy;
    struct envelope *env;
    struct queue *q = r->q;

    if (r->op.notice[0] == NULL)
        return;
    atomic_fetch_add_explicit(&q->n_bounces, n->failed, memory_order_relaxed);
    if (!n->room) {
        q->next_claim = 0;
        return;
    }
    copy = store_message_dup(&n->message);
    env = copy == NULL ? NULL : envelope_new(q, copy, body_ref(n->accept.body));
    if (env == NULL) {
        store_message_free(copy);
        return; /* its lease ends */
    }
    n->room = false;
    env->bytes = n->room_bytes;
    queue_add(q, env, (int64_t)n->accept.lease_until);
}

void notice_free(struct notice *n)
{
    if (n == NULL)
        return;
    if (n->room)
        queue_unreserve(n->record->q, 1, n->room_bytes);
    body_unref(n->n.signed_bytes);
    sgl_buf_done(&n->raw);
    free(n);
}
