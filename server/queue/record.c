/* SPDX-License-Identifier: Apache-2.0 */
/* What delivery found out becomes durable, and what the queue makes of it: when to try again, what is given up, who is told. */
#include <stdio.h>
#include <stdlib.h>

#include "../log/log.h"
#include "../store/json_text.h"
#include "queue_internal.h"
#include "sigillo/banned.h"

#define WHY_MAX    400u
#define DETAIL_MAX 700u
#define REASON_MAX 1000u

/* ---- one block of memory for a record and all that it copies ---- */

struct room {
    uint8_t *at, *end;
};

static sgl_view put(struct room *room, sgl_view v)
{
    uint8_t *at = room->at;

    if (v.len > (size_t)(room->end - at))
        v.len = (size_t)(room->end - at);
    if (v.len > 0)
        memcpy(at, v.ptr, v.len);
    room->at += v.len;
    return sgl_view_of(at, v.len);
}

static size_t outcome_bytes(const struct rcpt_outcome *o)
{
    return o->status.len + (o->reason.len < REASON_MAX ? o->reason.len : REASON_MAX) + WHY_MAX +
           o->remote_mta.len + DETAIL_MAX + 16;
}

/* Every recipient may add an event of ours (expired); a notice adds one. */
static struct record *record_new(struct queue *q, struct qjob *j,
                                 const struct rcpt_outcome *outcome,
                                 const struct store_event *event, size_t events, struct room *room)
{
    size_t n = j->job.rcpts;
    size_t size = sizeof(struct record) + n * sizeof(struct store_outcome_rcpt) +
                  (events + n + 1) * sizeof(struct store_event) + n;
    struct record *r;

    for (size_t i = 0; i < n; i++)
        size += outcome_bytes(&outcome[i]);
    for (size_t i = 0; i < events; i++)
        size += event[i].kind.len + event[i].detail.len;
    r = malloc(size);
    if (r == NULL)
        return NULL;
    memset(r, 0, sizeof(*r));
    r->op.rcpt = (struct store_outcome_rcpt *)(r + 1);
    r->op.event = (struct store_event *)(r->op.rcpt + n);
    r->tell = (uint8_t *)(r->op.event + events + n + 1);
    room->at = r->tell + n;
    room->end = (uint8_t *)r + size;
    memset(r->op.rcpt, 0, n * sizeof(*r->op.rcpt));
    r->op.message = j->env->m->id;
    r->op.rcpts = n;
    r->q = q;
    r->job = j;
    r->outcome = outcome;
    r->next = q->records;
    if (q->records != NULL)
        q->records->prev = r;
    q->records = r;
    for (size_t i = 0; i < events; i++) {
        struct store_event *e = &r->op.event[r->op.events++];

        *e = event[i];
        e->kind = put(room, event[i].kind);
        e->detail = put(room, event[i].detail);
    }
    return r;
}

void record_free(struct record *r)
{
    struct queue *q = r->q;

    if (r->prev != NULL)
        r->prev->next = r->next;
    else
        q->records = r->next;
    if (r->next != NULL)
        r->next->prev = r->prev;
    notice_free(r->notice);
    body_unref(r->loaded);
    free(r);
}

/* ---- deciding ---- */

static sgl_view put_wait(struct room *room, sgl_view why, const char *rule)
{
    char text[WHY_MAX];
    int n = snprintf(text, sizeof(text), "%.*s%s%s", (int)(why.len < 300 ? why.len : 300),
                     (const char *)why.ptr, why.len > 0 ? "; " : "", rule);

    return put(room, sgl_view_of(text, n < 0                      ? 0
                                       : (size_t)n < sizeof(text) ? (size_t)n
                                                                  : sizeof(text) - 1));
}

static void decide_retry(struct queue *q, struct record *r, size_t i, int64_t now,
                         struct room *room)
{
    const struct rcpt_outcome *o = &r->outcome[i];
    const struct store_rcpt *rcpt = r->job->rcpt[i];
    struct retry_schedule schedule = {q->config.retry_s, q->config.retries,
                                      q->config.jitter_percent};
    uint32_t attempts = rcpt->attempts + 1;
    uint32_t wait = retry_wait_s(&schedule, attempts, queue_random(q));
    char rule[80];

    r->op.rcpt[i].state = RCPT_QUEUED;
    r->op.rcpt[i].next_at = retry_next_at(now, wait, o->not_before, r->job->env->m->expires_at);
    if (r->op.rcpt[i].next_at == r->job->env->m->expires_at)
        snprintf(rule, sizeof(rule), "last attempt at the end of its time");
    else if (o->not_before > now + wait)
        snprintf(rule, sizeof(rule), "the site asks for patience");
    else
        snprintf(rule, sizeof(rule), "retry schedule, step %zu of %zu",
                 retry_step(&schedule, attempts), q->config.retries);
    r->op.rcpt[i].why_wait = put_wait(room, o->why_wait, rule);
}

static void decide_expired(struct record *r, size_t i, int64_t now, struct room *room)
{
    const struct rcpt_outcome *o = &r->outcome[i];
    const struct store_message *m = r->job->env->m;
    struct sgl_buf detail = SGL_BUF_INIT(DETAIL_MAX);
    struct store_event *e = &r->op.event[r->op.events];

    r->op.rcpt[i].state = RCPT_EXPIRED;
    sgl_buf_add_byte(&detail, '{');
    json_text_number(&detail, "after_s", now - m->accepted_at / 1000);
    json_text_number(&detail, "attempts", r->job->rcpt[i]->attempts + 1);
    json_text_member(&detail, "reason", sgl_view_sub(o->reason, 0, 80));
    sgl_buf_add_byte(&detail, '}');
    if (detail.status == SGL_OK) {
        *e = (struct store_event){now * 1000, r->job->rcpt[i]->id, SGL_LIT("expired"),
                                  put(room, sgl_buf_view(&detail))};
        r->op.events++;
    }
    sgl_buf_done(&detail);
}

/*
 * A message expires only after a last attempt, so that a clock that jumps ahead gives up nothing that was not tried.  What could not even be tried gets an hour more.
 */
static bool is_expired(const struct record *r, size_t i, int64_t now)
{
    int64_t end = r->job->env->m->expires_at;

    if (r->outcome[i].verdict == RCPT_UNTRIED)
        end += EXPIRE_GRACE_S;
    return now >= end;
}

static void decide_untried(struct record *r, size_t i, int64_t now, struct room *room)
{
    const struct rcpt_outcome *o = &r->outcome[i];
    struct store_outcome_rcpt *to = &r->op.rcpt[i];

    to->state = RCPT_QUEUED;
    to->attempted = false;
    to->next_at = o->not_before > now ? o->not_before : now + PUT_BACK_S;
    if (to->next_at > r->job->env->m->expires_at + EXPIRE_GRACE_S)
        to->next_at = r->job->env->m->expires_at + EXPIRE_GRACE_S > now
                          ? r->job->env->m->expires_at + EXPIRE_GRACE_S
                          : now + 1;
    to->why_wait = put(room, sgl_view_sub(o->why_wait, 0, WHY_MAX));
}

static void decide(struct queue *q, struct record *r, size_t i, int64_t now, struct room *room)
{
    const struct rcpt_outcome *o = &r->outcome[i];
    struct store_outcome_rcpt *to = &r->op.rcpt[i];

    to->rcpt = r->job->rcpt[i]->id;
    to->fence = r->job->rcpt[i]->fence;
    to->attempted = true;
    to->possibly_repeated = o->possibly_repeated;
    to->transit = o->transit;
    to->status = put(room, sgl_view_sub(o->status, 0, 16));
    to->reason = put(room, sgl_view_sub(o->reason, 0, REASON_MAX));
    to->remote_mta = put(room, o->remote_mta);
    switch (o->verdict) {
    case RCPT_OK:
        to->state = RCPT_DELIVERED;
        return;
    case RCPT_STOPPED:
        to->state = RCPT_SUPPRESSED;
        to->attempted = false;
        to->drop = o->drop;
        return;
    case RCPT_PERMANENT:
        to->state = RCPT_FAILED;
        return;
    case RCPT_TEMPORARY:
        if (is_expired(r, i, now))
            decide_expired(r, i, now, room);
        else
            decide_retry(q, r, i, now, room);
        return;
    case RCPT_UNTRIED:
        if (is_expired(r, i, now))
            decide_expired(r, i, now, room);
        else
            decide_untried(r, i, now, room);
        return;
    }
}

/* What is left after this outcome stays in memory if all of it is due soon. */
static void decide_keep(struct queue *q, struct record *r, int64_t now)
{
    r->op.keep_claim = !q->draining;
    for (size_t i = 0; i < r->op.rcpts; i++) {
        if (r->op.rcpt[i].state != RCPT_QUEUED)
            continue;
        r->resume_at = r->op.rcpt[i].next_at > r->resume_at ? r->op.rcpt[i].next_at : r->resume_at;
        if (r->op.rcpt[i].next_at > now + KEEP_S / 2 || r->outcome[i].verdict != RCPT_UNTRIED)
            r->op.keep_claim = false;
    }
}

/* ---- after the store's answer ---- */

static void count_outcome(struct queue *q, enum rcpt_state state)
{
    _Atomic uint64_t *count = NULL;

    switch (state) {
    case RCPT_DELIVERED:
        count = &q->n_delivered;
        break;
    case RCPT_FAILED:
        count = &q->n_failed;
        break;
    case RCPT_EXPIRED:
        count = &q->n_expired;
        break;
    case RCPT_QUEUED:
        count = &q->n_deferred;
        break;
    case RCPT_HELD:
    case RCPT_SUPPRESSED:
    case RCPT_CANCELLED:
        return;
    }
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

/* Remembers why it waits, so that saying the same again writes nothing. */
static void keep_note(struct qjob *j, sgl_view why)
{
    char *note = malloc(why.len + 1);

    if (note == NULL)
        return;
    if (why.len > 0)
        memcpy(note, why.ptr, why.len);
    note[why.len] = '\0';
    free(j->note);
    j->note = note;
}

static void resume(struct record *r)
{
    struct qjob *j = r->job;
    bool stack[128], *keep = r->op.rcpts <= 128 ? stack : malloc(r->op.rcpts * sizeof(bool));
    size_t kept = 0;

    for (size_t i = 0; keep != NULL && i < r->op.rcpts; i++) {
        const struct store_outcome_rcpt *o = &r->op.rcpt[i];

        keep[i] = o->result == STORE_OK && o->now_state == RCPT_QUEUED;
        if (keep[i] && j->rcpt[i]->state != RCPT_QUEUED) { /* a hand, in the same commit */
            keep[i] = false;
            give_back_rcpts(r->q, &o->rcpt, &o->fence, 1);
        }
        kept += keep[i];
        if (keep[i] && o->why_wait.len > 0)
            keep_note(j, o->why_wait);
    }
    if (kept == 0) {
        job_free(j); /* without memory for the list: the claims end with their leases */
    } else {
        job_shrink(j, keep);
        job_wait(j, r->resume_at);
    }
    if (keep != stack)
        free(keep);
}

static void recorded(struct store_op *op)
{
    struct record *r = (struct record *)(void *)op;
    struct queue *q = r->q;

    if (op->result != STORE_OK && op->result != STORE_CONFLICT) {
        /* It has happened, so it must be written: again, until the store takes it. */
        r->tries++;
        r->try_at =
            queue_now(q) + (r->tries < RECORD_WAIT_MAX ? (int64_t)r->tries : RECORD_WAIT_MAX);
        if (r->tries == 1)
            log_line(LOG_ERROR_, "outcome not recorded yet", LOG_ID(r->op.message),
                     LOG_STR("why", store_result_text(op->result)));
        return;
    }
    if (r->doubt_slot != UINT32_MAX)
        store_doubt_clear(q->store, r->doubt_slot);
    for (size_t i = 0; i < r->op.rcpts; i++) {
        const struct store_outcome_rcpt *o = &r->op.rcpt[i];

        if (o->result == STORE_OK) {
            count_outcome(q, o->now_state);
        } else {
            log_line(LOG_WARN_, "late outcome refused", LOG_ID(r->op.message),
                     LOG_STR("outcome", rcpt_state_name(o->state)));
        }
        if (o->now_state == RCPT_QUEUED && !r->op.keep_claim && o->next_at < q->next_claim)
            q->next_claim = o->next_at;
    }
    if (r->notice != NULL && op->result == STORE_OK)
        notice_durable(r);
    if (r->op.keep_claim)
        resume(r);
    else
        job_free(r->job);
    record_free(r);
    queue_check_drained(q);
    queue_claim_more(q);
}

void record_submit(struct record *r)
{
    r->try_at = 0;
    r->op.op = (struct store_op){.kind = STORE_OUTCOME, .loop = r->q->loop, .done = recorded};
    store_submit(r->q->store, &r->op.op);
}

void records_retry(struct queue *q, int64_t now)
{
    for (struct record *r = q->records; r != NULL; r = r->next) {
        if (r->try_at != 0 && (r->try_at <= now || r->try_at > now + 2 * RECORD_WAIT_MAX))
            record_submit(r);
    }
}

/* ---- the call ---- */

/* Put back for a moment, nothing new to say, and no hand on it meanwhile: no need to tell the store. */
static bool is_nothing(const struct qjob *j, const struct rcpt_outcome *o, size_t events,
                       int64_t now, int64_t *due)
{
    sgl_view note = sgl_view_cstr(j->note);

    *due = now + PUT_BACK_S;
    if (events > 0 || now >= j->env->m->expires_at)
        return false;
    for (size_t i = 0; i < j->job.rcpts; i++) {
        if (o[i].verdict != RCPT_UNTRIED || j->rcpt[i]->state != RCPT_QUEUED ||
            o[i].not_before > now + KEEP_S / 2 ||
            (o[i].why_wait.len > 0 && !sgl_view_eq(note, sgl_view_sub(o[i].why_wait, 0, WHY_MAX))))
            return false;
        *due = o[i].not_before > *due ? o[i].not_before : *due;
    }
    return true;
}

static void load_original(struct work *w)
{
    struct record *r = (struct record *)(void *)((char *)w - offsetof(struct record, load));

    if (store_read_body(r->q->store, r->op.message, &r->loaded) != STORE_OK)
        r->loaded = NULL;
}

static void original_loaded(struct work *w)
{
    notice_begin((struct record *)(void *)((char *)w - offsetof(struct record, load)));
}

/* A report needs the message that it reports on. */
static void begin_notice(struct record *r)
{
    r->load = (struct work){.work = load_original, .done = original_loaded, .loop = r->q->loop};
    if (r->job->env->body != NULL)
        r->loaded = body_ref(r->job->env->body);
    else if (workers_submit(r->q->workers, &r->load))
        return;
    notice_begin(r); /* without the original, if need be */
}

void queue_outcome(struct queue *q, struct job *job, const struct rcpt_outcome *outcome,
                   const struct store_event *event, size_t events, uint32_t doubt_slot)
{
    struct qjob *j = (struct qjob *)(void *)job;
    int64_t now = queue_now(q), due;
    struct record *r;
    struct room room;
    bool wanted;

    j->env->out--;
    q->out--;
    atomic_fetch_sub_explicit(&q->n_out, 1, memory_order_relaxed);
    job->body = NULL;
    if (!q->draining && is_nothing(j, outcome, events, now, &due)) {
        if (doubt_slot != UINT32_MAX)
            store_doubt_clear(q->store, doubt_slot);
        job_wait(j, due);
        return;
    }
    r = record_new(q, j, outcome, event, events, &room);
    if (r ==
        NULL) { /* it cannot be kept, so it is tried again; its place among the doubtful stays taken */
        log_line(LOG_ERROR_, "out of memory: an outcome is lost, the message is tried again",
                 LOG_ID(j->env->m->id));
        job_wait(j, now + PUT_BACK_S);
        return;
    }
    j->place = RECORDING;
    r->doubt_slot = doubt_slot;
    for (size_t i = 0; i < r->op.rcpts; i++)
        decide(q, r, i, now, &room);
    decide_keep(q, r, now);
    wanted = notice_wanted(q, r);
    r->outcome = NULL; /* the caller's */
    if (wanted)
        begin_notice(r);
    else
        record_submit(r);
}
