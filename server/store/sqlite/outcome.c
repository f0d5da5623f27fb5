/* SPDX-License-Identifier: Apache-2.0 */
/* What became of recipients, under their fences; claims given back or prolonged; bodies that nobody needs. */
#include <stdlib.h>

#include "sigillo/banned.h"
#include "sqlite_internal.h"

/* An end is an end, whatever a hand did meanwhile; a wish to try again yields to the hand. */
static int state_after(int now, int wanted)
{
    if (state_is_final(wanted) || now == RCPT_QUEUED)
        return wanted;
    return now;
}

/* Returns 1 when the recipient has become final by this. */
static uint64_t one_outcome(struct store *store, const struct store_outcome *o,
                            struct store_outcome_rcpt *r, uint64_t sum[STATISTICS])
{
    struct rcpt_row before, after;
    bool keep;

    r->result = STORE_CONFLICT;
    r->own.moved = false;
    if (!rcpt_get(store, r->rcpt, &before) || before.message != o->message ||
        before.fence != r->fence)
        return 0;
    if (before.lease == 0 && (state_is_final(before.state) || !state_is_final((int)r->state)))
        return 0; /* the claim is no longer ours; but a true end is worth to be known */
    after = before;
    after.state = state_after(before.state, (int)r->state);
    keep = o->keep_claim && after.state == RCPT_QUEUED;
    after.lease = keep ? before.lease : 0;
    after.next_at = r->state == RCPT_QUEUED ? r->next_at : before.next_at;
    after.attempts += r->attempted;
    after.flags |= r->delay_told ? RCPT_FLAG_DELAY_TOLD : 0;
    after.flags |= r->possibly_repeated ? RCPT_FLAG_POSSIBLY_REPEATED : 0;
    rcpt_set(store, &before, &after);
    note_put(store, r->rcpt, r->status, r->reason, r->why_wait, r->remote_mta);
    r->result = STORE_OK;
    r->now_state = (enum rcpt_state)after.state;
    statistics_outcome(r, before.state, sum);
    r->own.lane = before.lane;
    r->own.moved = transit_counts(r);
    return state_is_final(after.state) && !state_is_final(before.state);
}

/* Reports of our own are in no figure, nor is what arrives. */
static void count_outcome(struct store *store, const struct store_outcome *o,
                          const uint64_t sum[STATISTICS])
{
    int64_t at_ms = o->events > 0 ? o->event[0].at_ms : clock_now_ms();
    uint64_t all = 0;
    sqlite3_stmt *s;

    for (size_t i = 0; i < STATISTICS; i++)
        all += sum[i];
    for (size_t i = 0; i < o->rcpts; i++)
        all += o->rcpt[i].own.moved;
    if (all == 0 || store->db.hard != 0)
        return;
    s = sql_use(&store->db, SQL_MESSAGE_CALLED);
    sql_bind_u64(s, 1, o->message);
    if (sql_step(&store->db, s)) {
        struct transit_mail mail = {sql_view(s, 0), sql_view(s, 2), sql_view(s, 3)};

        statistics_add(store, at_ms, mail.subscription, sql_view(s, 1), sum);
        transit_add(store, at_ms, &mail, o);
    }
    sqlite3_reset(s);
}

enum store_result apply_outcome(struct store *store, struct store_outcome *o)
{
    uint64_t finals = 0, sum[STATISTICS] = {0};
    size_t written = 0;

    for (size_t i = 0; i < o->rcpts && store->db.hard == 0; i++) {
        finals += one_outcome(store, o, &o->rcpt[i], sum);
        written += o->rcpt[i].result == STORE_OK;
    }
    if (store->db.hard != 0 || written == 0)
        return written == 0 && o->rcpts > 0 ? STORE_CONFLICT : STORE_OK;
    message_less(store, o->message, finals);
    count_outcome(store, o, sum);
    if (store->db.hard == 0)
        trail_add(store, o->message, o->event, o->events);
    for (size_t i = 0; i < 2 && store->db.hard == 0; i++) {
        if (o->notice[i] != NULL) {
            o->notice[i]->op.clock_ms = o->op.clock_ms;
            apply_accept(store, o->notice[i]);
        }
    }
    return STORE_OK;
}

enum store_result apply_release(struct store *store, struct store_release *r)
{
    struct rcpt_row before, after;

    for (size_t i = 0; i < r->rcpts && store->db.hard == 0; i++) {
        if (!rcpt_get(store, r->rcpt[i], &before) || before.fence != r->fence[i] ||
            before.lease == 0)
            continue;
        after = before;
        after.lease = r->op.kind == STORE_EXTEND ? lease_time(store, &r->op, r->lease_until) : 0;
        rcpt_set(store, &before, &after);
    }
    return STORE_OK;
}

static int by_id(const void *a, const void *b)
{
    const struct gone *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

void apply_gone(struct store *store)
{
    struct gone *gone = store->gone.item;

    qsort(gone, store->gone.count, sizeof(*gone), by_id);
    for (size_t i = 0; i < store->gone.count && store->db.hard == 0; i++) {
        sqlite3_stmt *s = sql_use(&store->db, SQL_BODY_DELETE);

        sql_bind_u64(s, 1, gone[i].id);
        sql_run(&store->db, s);
    }
    for (size_t i = 0; i < store->gone.count && store->db.hard == 0; i++) {
        sqlite3_stmt *s = sql_use(&store->db, SQL_UNFINISHED_DELETE);

        sql_bind_u64(s, 1, gone[i].id);
        sql_run(&store->db, s);
    }
}
