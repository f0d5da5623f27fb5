/* SPDX-License-Identifier: Apache-2.0 */
/* What is due gets an owner: lanes take turns, and the recipients of one message travel together. */
#include <stdlib.h>

#include "sigillo/banned.h"
#include "sqlite_internal.h"

#define TURN           64u /* recipients of one lane before the next has its turn */
#define SWEEP_EVERY_S  10
#define CLOCK_SLACK_MS 2000 /* less is a clock being disciplined */

struct pick {
    uint64_t message, rcpt, lane;
};

/* Leases that ran out: their owner has gone. The fence changes with the next claim only, so a late but true end can still be written until then. */
static void sweep_leases(struct store *store, int64_t now)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_LEASE_OVER);
    struct vector ids = {.size = sizeof(uint64_t)};
    struct rcpt_row before, after;

    if (now >= store->swept_at && now - store->swept_at < SWEEP_EVERY_S)
        return;
    store->swept_at = now;
    sqlite3_bind_int64(s, 1, now);
    while (sql_step(&store->db, s)) {
        uint64_t *id = vector_add(&ids);

        if (id != NULL)
            *id = sql_u64(s, 0);
    }
    for (size_t i = 0; i < ids.count && store->db.hard == 0; i++) {
        if (!rcpt_get(store, ((uint64_t *)ids.item)[i], &before))
            continue;
        after = before;
        after.lease = 0;
        rcpt_set(store, &before, &after);
    }
    vector_done(&ids);
}

void pull_back(struct store *store, int64_t now, int64_t seconds)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_PULL_BACK);

    sqlite3_bind_int64(s, 1, now);
    sqlite3_bind_int64(s, 2, seconds);
    if (!sql_run(&store->db, s))
        return;
    s = sql_use(&store->db, SQL_LANES_FIRST);
    while (
        sql_step(&store->db, s)) /* too early does no harm: a lane without due mail waits again */
        lanes_wait(&store->lanes, sql_u64(s, 0), sqlite3_column_int64(s, 1));
}

/* Somebody has set the clock back since the latest claim. */
static void follow_clock(struct store *store, const struct store_claim *c)
{
    int64_t back_ms = store->clock_seen_ms - c->op.clock_ms;

    if (back_ms > CLOCK_SLACK_MS)
        pull_back(store, c->now, (back_ms + 999) / 1000);
}

/* One turn of one lane: up to `room` recipients; the lane goes back with the time of what it has left. */
static void pick_lane(struct store *store, uint64_t lane, int64_t now, size_t room,
                      struct vector *picks)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_LANE_DUE);
    size_t taken = 0;

    sql_bind_u64(s, 1, lane);
    sql_bind_u64(s, 2, room + 1);
    while (sql_step(&store->db, s)) {
        int64_t next_at = sqlite3_column_int64(s, 1);
        struct pick *p;

        if (next_at > now || taken == room) {
            lanes_wait(&store->lanes, lane, next_at > now ? next_at : now);
            sqlite3_reset(s);
            break;
        }
        p = vector_add(picks);
        if (p == NULL) {
            store->pending.nomem = true;
            sqlite3_reset(s);
            break;
        }
        p->rcpt = sql_u64(s, 0);
        p->lane = lane;
        taken++;
    }
}

/* A lane's rows leave the index at the end of its turn, so that its next turn finds others. */
static void take_rows(struct store *store, struct vector *picks, size_t from, int64_t lease_until)
{
    struct pick *p = picks->item;
    struct rcpt_row before, after;

    for (size_t i = from; i < picks->count && store->db.hard == 0; i++) {
        if (!rcpt_get(store, p[i].rcpt, &before)) {
            if (store->db.hard == 0)
                store->db.hard = SQLITE_CORRUPT; /* the index names a row that is not there */
            return;
        }
        p[i].message = before.message;
        after = before;
        after.lease = lease_until;
        after.fence++;
        rcpt_set(store, &before, &after);
    }
}

/* The lane has left the line; whatever goes wrong from here on, it must come back. */
static void note_turn(struct store *store, uint64_t lane)
{
    uint64_t *turn = vector_add(&store->pending.turns);

    if (turn != NULL) {
        *turn = lane;
        return;
    }
    lanes_wait(&store->lanes, lane, 0);
    store->pending.nomem = true;
}

static void pick_all(struct store *store, const struct store_claim *c, struct vector *picks)
{
    uint32_t out = 0;
    uint64_t lane;

    while (picks->count < c->max && store->db.hard == 0 &&
           (lane = lanes_pop(&store->lanes, c->now, &out)) != 0) {
        size_t room = c->max - picks->count, from = picks->count;

        note_turn(store, lane);
        if (store->pending.nomem)
            return;
        /* What this very group has claimed is not yet in `out`. */
        for (size_t i = 0; i < store->pending.changes.count && c->lane_max > 0; i++) {
            const struct change *change = (struct change *)store->pending.changes.item + i;

            if (change->lane == lane && change->out > 0)
                out += (uint32_t)change->out;
        }
        if (c->lane_max > 0 && out >= c->lane_max) {
            lanes_park(&store->lanes, lane, c->now);
            continue;
        }
        room = room < TURN ? room : TURN;
        if (c->lane_max > 0 && c->lane_max - out < room)
            room = c->lane_max - out;
        pick_lane(store, lane, c->now, room, picks);
        take_rows(store, picks, from, lease_time(store, &c->op, c->lease_until));
    }
}

static int by_message(const void *a, const void *b)
{
    const struct pick *x = a, *y = b;

    if (x->message != y->message)
        return x->message < y->message ? -1 : 1;
    return (x->rcpt > y->rcpt) - (x->rcpt < y->rcpt);
}

/* One message with the picked recipients, in memory of its own. */
static struct store_message *build(struct store *store, const struct pick *p, size_t count)
{
    struct sgl_arena_mark mark = sgl_arena_mark(&store->scratch);
    struct store_message m, *copy = NULL;
    sqlite3_stmt *s = sql_use(&store->db, SQL_MESSAGE_GET);
    uint64_t first;
    bool ok;

    sql_bind_u64(s, 1, p->message);
    ok = sql_step(&store->db, s) && row_message(s, &store->scratch, &m, &first);
    sqlite3_reset(s);
    if (ok) {
        m.rcpts = count;
        m.labels = SGL_LIT("");
        m.rcpt = SGL_NEW_N(&store->scratch, count, struct store_rcpt);
        ok = m.rcpt != NULL;
    }
    for (size_t i = 0; ok && i < count; i++) {
        s = sql_use(&store->db, SQL_RCPT_FULL);
        sql_bind_u64(s, 1, p[i].rcpt);
        ok = sql_step(&store->db, s) && row_rcpt(s, &store->scratch, &m.rcpt[i]);
        sqlite3_reset(s);
    }
    if (ok)
        copy = store_message_dup(&m);
    else if (store->db.hard == 0 && store->scratch.status == SGL_OK)
        store->db.hard = SQLITE_CORRUPT;
    sgl_arena_rewind(&store->scratch, mark);
    return copy;
}

static bool build_all(struct store *store, struct store_claim *c, const struct vector *picks)
{
    const struct pick *p = picks->item;
    size_t messages = 0;

    if (picks->count == 0)
        return true;
    for (size_t i = 0; i < picks->count; i++)
        messages += i == 0 || p[i].message != p[i - 1].message;
    c->message = calloc(messages + 1, sizeof(struct store_message *));
    if (c->message == NULL)
        return false;
    for (size_t i = 0, end; i < picks->count; i = end) {
        for (end = i + 1; end < picks->count && p[end].message == p[i].message;)
            end++;
        c->message[c->messages] = build(store, &p[i], end - i);
        if (c->message[c->messages] == NULL)
            return false;
        c->messages++;
    }
    return true;
}

enum store_result apply_claim(struct store *store, struct store_claim *c)
{
    struct vector picks = {.size = sizeof(struct pick)};

    c->message = NULL;
    c->messages = 0;
    sgl_arena_reset(&store->scratch);
    if (c->lane_max != store->lane_max)
        lanes_unpark(&store->lanes);
    store->lane_max = c->lane_max;
    follow_clock(store, c);
    sweep_leases(store, lease_time(store, &c->op, c->now));
    if (store->db.hard == 0)
        pick_all(store, c, &picks);
    if (picks.count > 0)
        qsort(picks.item, picks.count, sizeof(struct pick), by_message);
    if (store->db.hard == 0 && !build_all(store, c, &picks) && store->db.hard == 0)
        store->db.hard = SQLITE_NOMEM;
    c->memory = picks.item;
    return STORE_OK;
}

void undo_claim(struct store *store, struct store_claim *c)
{
    store->swept_at = 0;
    free(c->memory);
    c->memory = NULL;
    store_claim_done(c);
}

void store_claim_done(struct store_claim *c)
{
    for (size_t i = 0; i < c->messages; i++)
        store_message_free(c->message[i]);
    free(c->message);
    c->message = NULL;
    c->messages = 0;
}
