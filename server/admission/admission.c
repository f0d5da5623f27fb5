/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate and the way behind it, for one message:
 *
 *   checked (envelope, bytes, From and Sender) -> marked (suppressed recipients) -> completed (header) -> charged (limits) -> counted (guard) -> signed (keys process) -> built (one body) -> stored (group commit) -> answered, handed to the queue
 *
 * The first three happen inside admission_submit(), the rest in callbacks on the submission's loop.  Any failure ends in finish() with an answer; what was taken on the way
 * (memory, the queue's room, the charge) is given back there.
 */
#include "admission.h"

#include <stdio.h>
#include <stdlib.h>

#include "../log/log.h"
#include "../metrics/metrics.h"
#include "admission_internal.h"

static struct metric accept_time =
    METRIC_HISTOGRAM("sigillo_accept_seconds", "From the end of the message to its answer", NULL);
static struct metric durable_time =
    METRIC_HISTOGRAM("sigillo_durable_seconds", "From the start of the commit to durable", NULL);

/* ---- ends ---- */

static void count_end(struct admission *a, const struct admission_answer *answer)
{
    _Atomic uint64_t *count = answer->smtp < 400   ? &a->accepted
                              : answer->smtp < 500 ? &a->unavailable
                                                   : &a->refused;

    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&a->busy, 1, memory_order_relaxed);
}

void admit_free(struct admit *m)
{
    if (m == NULL)
        return;
    if (m->room_bytes > 0)
        queue_unreserve(m->a->queue, m->message->rcpts, m->room_bytes);
    charges_give_back(m->a, &m->charges);
    if (m->bulk.used > 0)
        guard_give_back(m->a->guard, &m->bulk);
    domain_unref(m->domain);
    signing_free(m->signing);
    body_unref(m->body);
    sgl_buf_done(&m->header);
    free(m->charged_domain);
    if (m->s == NULL)
        store_message_free(m->message);
    free(m);
}

static void log_refusal(const struct submission *s)
{
    log_line(LOG_INFO_, "refused", LOG_STR("identity", s->who == NULL ? "" : s->who->name),
             LOG_VIEW("peer", s->message.peer), LOG_INT("smtp", s->answer.smtp),
             LOG_STR("code", s->answer.code), LOG_STR("field", s->answer.field),
             LOG_STR("text", s->answer.text));
}

void admit_finish(struct submission *s)
{
    struct admit *m = s->private_;

    if (m != NULL)
        metric_observe_us(&accept_time, clock_mono_us() - m->started_us);
    admit_free(m);
    s->private_ = NULL;
    count_end(s->admission, &s->answer);
    if (s->answer.smtp >= 400)
        log_refusal(s);
    s->done(s, &s->answer);
}

static void finish_task(struct loop_task *task)
{
    admit_finish((struct submission *)(void *)((char *)task - offsetof(struct submission, task)));
}

static void finish_later(struct submission *s)
{
    s->task.run = finish_task;
    loop_post(s->loop, &s->task);
}

/* ---- stored ---- */

static void log_accepted(const struct admit *m, uint64_t durable_us)
{
    const struct store_message *g = m->message;

    log_line(LOG_INFO_, "accepted", LOG_ID(g->id), LOG_VIEW("door", g->door),
             LOG_VIEW("peer", g->peer), LOG_VIEW("identity", g->identity),
             LOG_VIEW("from", g->env_from), LOG_INT("recipients", g->rcpts),
             LOG_INT("suppressed", g->rcpts - m->open), LOG_INT("size", g->size),
             LOG_VIEW("signed", g->signed_by), LOG_INT("durable_us", durable_us));
}

static struct durable *durable_slot(struct admission *a, uint64_t id)
{
    return &a->durable[(id ^ id >> 13) % DURABLE_SLOTS];
}

static void durable_keep(struct admission *a, uint64_t id, uint64_t us)
{
    struct durable *slot = durable_slot(a, id);

    atomic_store(&slot->id, 0);
    atomic_store(&slot->us, us);
    atomic_store(&slot->id, id);
}

bool admission_durable_us(struct admission *a, uint64_t id, uint64_t *us)
{
    struct durable *slot = durable_slot(a, id);

    if (atomic_load(&slot->id) != id)
        return false;
    *us = atomic_load(&slot->us);
    return atomic_load(&slot->id) == id;
}

static void answer_accepted(struct submission *s, uint64_t id)
{
    char text[ID_TEXT_SIZE];

    id_text(id, text);
    answer_set(&s->answer, 250, "2.0.0", 202, "accepted", "");
    snprintf(s->answer.text, sizeof(s->answer.text), "%s accepted", text);
}

/* Its batch may have stopped it. */
static bool has_work(const struct store_message *m)
{
    for (size_t i = 0; i < m->rcpts; i++)
        if (m->rcpt[i].state == RCPT_QUEUED)
            return true;
    return false;
}

static void hand_to_queue(struct admit *m)
{
    struct store_message g = *m->message, *copy;

    g.labels = SGL_LIT(""); /* as when it is claimed later */
    copy = store_message_dup(&g);
    if (copy == NULL)
        return; /* the room goes back; the claim ends with its lease, and the store hands the message out again */
    m->room_bytes = 0;
    queue_offer(m->a->queue, copy, body_ref(m->body));
}

bool admit_stored(struct admit *m, uint64_t durable_us)
{
    m->charges = (struct charges){0};
    m->bulk.used = 0;
    metric_observe_us(&durable_time, durable_us);
    durable_keep(m->a, m->message->id, durable_us);
    atomic_fetch_add_explicit(&m->a->bytes, m->message->size, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->a->suppressed, m->message->rcpts - m->open, memory_order_relaxed);
    log_accepted(m, durable_us);
    if (!has_work(m->message))
        return false;
    if (m->accept.claim)
        hand_to_queue(m);
    return !m->accept.claim;
}

/* false: what is wrong is not the draft. */
static bool answer_draft(struct admission_answer *out, enum store_result result)
{
    if (result == STORE_NOT_FOUND)
        (void)refuse(out, 554, "5.5.4", 404, "draft-unknown", "",
                     "There is no such draft any more: it was sent or removed.", SGL_LIT(""));
    else if (result == STORE_CONFLICT)
        (void)refuse(out, 554, "5.5.4", 409, "draft-changed", "",
                     "The draft was changed while it was read; send it again.", SGL_LIT(""));
    else
        return false;
    return true;
}

static void stored(struct store_op *op)
{
    struct admit *m = (struct admit *)(void *)((char *)op - offsetof(struct admit, accept));
    struct submission *s = m->s;

    s->durable_us = clock_mono_us() - m->stored_us;
    if (op->result == STORE_OK) {
        answer_accepted(s, s->message.id);
        if (admit_stored(m, s->durable_us))
            queue_nudge(m->a->queue);
    } else if (op->result == STORE_EXISTS) {
        s->existing_id = m->accept.existing_id;
        answer_accepted(s, s->existing_id);
    } else if (s->draft == 0 || !answer_draft(&s->answer, op->result)) {
        answer_store(&s->answer, op->result);
    }
    admit_finish(s);
}

void admit_fill(struct admit *m, struct loop *loop, void (*done)(struct store_op *op))
{
    m->accept = (struct store_accept){.op = {.kind = STORE_ACCEPT, .loop = loop, .done = done},
                                      .message = m->message,
                                      .body = m->body,
                                      .charge = m->charges.subscription.stored,
                                      .charged_domain = m->charges.domain_name,
                                      .domain_charge = m->charges.domain.stored,
                                      .tally = m->bulk.tally,
                                      .tallies = m->bulk.used};
}

void admit_claim(struct admit *m)
{
    const struct store_message *g = m->message;

    if (m->open > 0 && g->not_before <= g->accepted_at / 1000 &&
        queue_room(m->a->queue, g->rcpts, m->body->len)) {
        m->room_bytes = m->body->len;
        m->accept.claim = true;
        m->accept.lease_until = (uint64_t)(g->accepted_at / 1000) + m->a->lease_s;
    }
}

static void store_it(struct admit *m)
{
    struct submission *s = m->s;

    admit_fill(m, s->loop, stored);
    m->accept.idempotency_key = s->idempotency_key;
    memcpy(m->accept.request_hash, s->request_hash, sizeof(s->request_hash));
    m->accept.draft = s->draft;
    m->accept.draft_version = s->draft_version;
    admit_claim(m);
    m->stored_us = clock_mono_us();
    store_submit(m->a->store, &m->accept.op);
}

/* ---- signed ---- */

static bool build_body(struct admit *m)
{
    sgl_view fields = signing_fields(m->signing), header = sgl_buf_view(&m->header);
    sgl_view rest = sgl_view_from(m->s->raw, m->body_off);
    struct body *body = body_new(fields.len + header.len + 2 + rest.len);
    uint8_t *to;

    if (body == NULL)
        return refuse_memory(&m->s->answer);
    to = body->bytes;
    memcpy(to, fields.ptr, fields.len);
    to += fields.len;
    memcpy(to, header.ptr, header.len);
    to += header.len;
    memcpy(to, "\r\n", 2);
    if (rest.len > 0)
        memcpy(to + 2, rest.ptr, rest.len);
    body->header_len = fields.len + header.len + 2;
    m->body = body;
    m->s->message.size = body->len;
    return sgl_arena_dup(m->s->arena, signing_text(m->signing), &m->s->message.signed_by) ==
               SGL_OK ||
           refuse_memory(&m->s->answer);
}

static bool refuse_signing(struct admission_answer *out, enum signing_result why)
{
    switch (why) {
    case SIGNING_NO_KEY:
        return refuse(out, 451, "4.3.0", 503, "no-signing-key", "From",
                      "The domain has no active DKIM key, and nothing is sent unsigned.",
                      SGL_LIT(""));
    case SIGNING_FAILED:
        return refuse_memory(out);
    case SIGNING_OK:
    case SIGNING_UNAVAILABLE:
        break;
    }
    return refuse(out, 451, "4.3.0", 503, "signing-unavailable", "",
                  "The message cannot be signed at the moment; try again soon.", SGL_LIT(""));
}

static void signed_(struct signing *g, void *ctx)
{
    struct admit *m = ctx;

    m->signing = g;
    if (signing_result(g) != SIGNING_OK)
        (void)refuse_signing(&m->s->answer, signing_result(g));
    else if (build_body(m)) {
        if (m->all != NULL)
            all_ready(m);
        else
            store_it(m);
        return;
    }
    admit_finish(m->s);
}

static bool start_signing(struct admit *m)
{
    struct submission *s = m->s;
    struct signing_request request = {.domain = m->domain,
                                      .header = sgl_buf_view(&m->header),
                                      .body_hash = s->body_hash,
                                      .now = s->message.accepted_at / 1000,
                                      .loop = s->loop,
                                      .done = signed_,
                                      .ctx = m};
    enum signing_result why;

    if (request.body_hash == NULL) {
        if (sgl_dkim_body_hash(m->a->crypto, SGL_DKIM_RELAXED, sgl_view_from(s->raw, m->body_off),
                               m->body_hash) != SGL_OK)
            return refuse_memory(&s->answer);
        request.body_hash = m->body_hash;
    }
    return signing_start(m->a, &request, &why) != NULL || refuse_signing(&s->answer, why);
}

/* ---- checked and completed ---- */

static sgl_view subject_of(const struct sgl_headers *headers, struct sgl_arena *arena)
{
    const struct sgl_header *subject = sgl_headers_first(headers, SGL_LIT("Subject"));
    sgl_view text;

    if (subject == NULL || sgl_header_unfold(subject->value, arena, &text) != SGL_OK)
        return SGL_LIT("");
    return sgl_view_sub(text, 0, SUBJECT_MAX);
}

static bool describe(struct admit *m, const struct sgl_message_report *report)
{
    struct submission *s = m->s;
    struct store_message *g = &s->message;

    g->id = id_new();
    g->identity = sgl_view_cstr(s->who->name);
    g->eightbit = report->eightbit;
    g->accepted_at = clock_now_ms();
    g->expires_at =
        (g->not_before > g->accepted_at / 1000 ? g->not_before : g->accepted_at / 1000) +
        m->a->expire_s;
    g->subject = subject_of(&report->headers, s->arena);
    g->subscription =
        sgl_view_cstr(sgl_arena_cstr(s->arena, sgl_view_cstr(m->domain->subscription)));
    return g->subscription.ptr != NULL || refuse_memory(&s->answer);
}

static bool is_suppressed(const struct admit *m, sgl_view address, enum suppression_reason *reason)
{
    const struct store_message *g = &m->s->message;
    struct suppression_question q = {.subscription = sgl_view_cstr(m->domain->subscription),
                                     .domain = sgl_view_cstr(m->domain->name),
                                     .address = address,
                                     .now = g->accepted_at / 1000,
                                     .passed = g->bypass};

    if (directory_suppressed_now(m->a->directory, &q, reason) ||
        directory_left_sender(m->a->directory, &q, g->header_from, reason))
        return true;
    q.domain = m->list.mail.id;
    return q.domain.len > 0 && directory_unsubscribed(m->a->directory, &q, reason);
}

/* Who is suppressed is final at birth; that is no error, and the others go their way. */
static void suppress(struct admit *m)
{
    struct store_message *g = &m->s->message;
    enum suppression_reason reason;

    m->open = g->rcpts;
    for (size_t i = 0; i < g->rcpts; i++) {
        if (!is_suppressed(m, g->rcpt[i].address, &reason))
            continue;
        g->rcpt[i].state = RCPT_SUPPRESSED;
        g->rcpt[i].reason = sgl_view_cstr(suppression_reason_text(reason));
        g->rcpt[i].drop = (uint8_t)suppression_reason_drop(reason);
        m->open--;
    }
}

static bool complete(struct admit *m, const struct sgl_message_report *report)
{
    struct submission *s = m->s;
    struct header_fixup fixup = {.s = s,
                                 .report = report,
                                 .hostname = sgl_view_cstr(m->a->hostname),
                                 .domain = sgl_view_cstr(m->domain->name),
                                 .now = s->message.accepted_at / 1000,
                                 .list = &m->list};
    char id[ID_TEXT_SIZE];
    sgl_view message_id;

    id_text(s->message.id, id);
    fixup.id = id;
    m->body_off = report->headers.body_off;
    return (header_complete(&fixup, &m->header, &message_id) == SGL_OK &&
            sgl_arena_dup(s->arena, message_id, &s->message.message_id) == SGL_OK) ||
           refuse_memory(&s->answer);
}

static bool check_and_complete(struct admit *m)
{
    struct submission *s = m->s;
    struct admission_answer *out = &s->answer;
    struct sgl_message_report report;
    bool announced = s->message.smtputf8, utf8 = false;

    if (s->raw.len > m->a->message_size_max)
        return refuse(out, 552, "5.3.4", 413, "message-too-large", "",
                      "The message is larger than this server accepts.", SGL_LIT(""));
    if (s->message.labels.len > STORE_LABELS_MAX)
        return refuse(out, 552, "5.3.4", 422, "labels-too-long", "labels",
                      "Categories and metadata together have at most 16384 bytes.", SGL_LIT(""));
    if (!admission_has_room(m->a, s->raw.len, out) || !check_envelope(m->a, s, &utf8, out))
        return false;
    if (sgl_message_check(s->raw, s->arena, &report) != SGL_OK)
        return refuse_memory(out);
    if (report.fault != SGL_MESSAGE_FINE)
        return refuse_fault(out, &report);
    if (report.header_utf8 && !announced)
        return refuse(out, 554, "5.6.7", 422, "smtputf8-needed", "header",
                      "The header has UTF-8, which needs the parameter SMTPUTF8.", SGL_LIT(""));
    s->message.smtputf8 = report.header_utf8 || utf8;
    if (!check_header(m->a, s, &report.headers, &m->domain, out))
        return false;
    if (!check_tls(s, &report.headers, m->domain, out) || !describe(m, &report) ||
        (s->message.pool.len > 0 &&
         !admission_may_use_pool(m->a, s->message.subscription, s->message.pool, out)) ||
        !check_list(m->a, s, &report.headers, m->domain, &m->list, out))
        return false;
    suppress(m);
    return complete(m, &report) && charge_limits(m->a, s, m->domain, &m->charges, out) &&
           check_guard(m->a, s, &report.headers, m->domain, &m->list, &m->bulk, out) &&
           start_signing(m);
}

void admission_submit(struct admission *a, struct submission *s)
{
    struct admit *m = calloc(1, sizeof(*m));

    atomic_fetch_add_explicit(&a->busy, 1, memory_order_relaxed);
    s->admission = a;
    s->private_ = m;
    s->existing_id = 0;
    s->durable_us = 0;
    if (m == NULL) {
        (void)refuse_memory(&s->answer);
        finish_later(s);
        return;
    }
    m->a = a;
    m->s = s;
    m->all = s->all;
    m->message = &s->message;
    m->started_us = clock_mono_us();
    sgl_buf_init(&m->header, 2u * 1024u * 1024u);
    if (!check_and_complete(m))
        finish_later(s);
}

/* ---- the rest ---- */

bool admission_has_room(struct admission *a, size_t bytes, struct admission_answer *out)
{
    size_t held = body_bytes_held(), most = atomic_load(&a->memory_max);

    if (bytes > a->message_size_max)
        return refuse(out, 552, "5.3.4", 413, "message-too-large", "SIZE",
                      "The message is larger than this server accepts.", SGL_LIT(""));
    if (held > most || bytes > most - held)
        return refuse_memory(out);
    return true;
}

void admission_stats(struct admission *a, struct admission_stats *out)
{
    *out = (struct admission_stats){.accepted = atomic_load(&a->accepted),
                                    .refused = atomic_load(&a->refused),
                                    .unavailable = atomic_load(&a->unavailable),
                                    .bytes_accepted = atomic_load(&a->bytes),
                                    .suppressed = atomic_load(&a->suppressed),
                                    .signatures = atomic_load(&a->signatures),
                                    .busy = atomic_load(&a->busy)};
}

void admission_reconfigure(struct admission *a, const struct admission_config *config)
{
    atomic_store(&a->message_size_max, config->message_size_max);
    atomic_store(&a->recipients_max, config->recipients_max);
    atomic_store(&a->memory_max, config->memory_max);
    atomic_store(&a->expire_s, config->expire_s);
    atomic_store(&a->domain_required, config->domains.required);
    atomic_store(&a->domain_grace_s, config->domains.grace_s);
    admission_take_config(a, config->config);
}

struct admission *admission_new(const struct admission_config *config, struct directory *directory,
                                struct keys *keys, struct store *store, struct queue *queue)
{
    struct admission *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return NULL;
    pthread_mutex_init(&a->config_lock, NULL);
    admission_reconfigure(a, config);
    a->lease_s = config->lease_s == 0 ? LEASE_S_DEFAULT : config->lease_s;
    a->loop = config->loop;
    a->limits = config->limits;
    a->guard = config->guard;
    a->lists = config->lists;
    a->directory = directory;
    a->keys = keys;
    a->store = store;
    a->queue = queue;
    a->crypto = sgl_crypto_new();
    a->hostname = strndup((const char *)config->hostname.ptr, config->hostname.len);
    if (a->crypto == NULL || a->hostname == NULL) {
        admission_free(a);
        return NULL;
    }
    metrics_register(&accept_time);
    metrics_register(&durable_time);
    return a;
}

void admission_free(struct admission *a)
{
    if (a == NULL)
        return;
    sgl_crypto_free(a->crypto);
    admission_take_config(a, NULL);
    pthread_mutex_destroy(&a->config_lock);
    free(a->hostname);
    free(a);
}
