/* SPDX-License-Identifier: Apache-2.0 */
/* What came back after a message had left. */
#include "../returned.h"

#include "../statistics.h"
#include "sigillo/banned.h"
#include "sqlite_internal.h"

static bool is_known(struct store *store, const struct returned *r)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_RETURNED_FIND);
    bool known;

    sql_bind_u64(s, 1, r->message);
    sql_bind_u64(s, 2, r->rcpt);
    sql_bind_view(s, 3, r->kind);
    known = sql_step(&store->db, s);
    sqlite3_reset(s);
    return known;
}

static void count(struct store *store, const struct returned *r)
{
    uint64_t sum[STATISTICS] = {0};
    sqlite3_stmt *s;

    if (r->counts == STATISTIC_NONE || r->counts >= STATISTICS)
        return;
    sum[r->counts] = 1;
    s = sql_use(&store->db, SQL_MESSAGE_CALLED);
    sql_bind_u64(s, 1, r->message);
    if (sql_step(&store->db, s))
        statistics_add(store, r->at_ms, sql_view(s, 0), sql_view(s, 1), sum);
    sqlite3_reset(s);
}

/* The day is noted, and days that are too old go. */
static unsigned days_of(struct store *store, const struct returned *r)
{
    int64_t day = r->at_ms / STATISTICS_DAY_MS;
    unsigned days = 0;
    sqlite3_stmt *s = sql_use(&store->db, SQL_REFUSING_ADD);

    sql_bind_u64(s, 1, r->message);
    sql_bind_view(s, 2, r->refuses);
    sqlite3_bind_int64(s, 3, day);
    sql_run(&store->db, s);
    if (store->db.hard == 0) {
        s = sql_use(&store->db, SQL_REFUSING_OLD);
        sqlite3_bind_int64(s, 1, day - RETURNED_DAYS + 1);
        sql_run(&store->db, s);
    }
    if (store->db.hard != 0)
        return 0;
    s = sql_use(&store->db, SQL_REFUSING_COUNT);
    sql_bind_u64(s, 1, r->message);
    sql_bind_view(s, 2, r->refuses);
    if (sql_step(&store->db, s))
        days = (unsigned)sqlite3_column_int(s, 0);
    sqlite3_reset(s);
    return days;
}

enum store_result apply_returned(struct store *store, struct returned_op *op)
{
    const struct returned *r = op->returned;
    struct store_event event = {r->at_ms, r->rcpt, r->kind, r->detail};
    struct rcpt_row row;

    op->days = 0;
    if (atomic_load_explicit(&store->full, memory_order_relaxed))
        return STORE_FULL;
    if (!rcpt_get(store, r->rcpt, &row) || row.message != r->message)
        return STORE_NOT_FOUND;
    if (is_known(store, r))
        return STORE_EXISTS;
    if (store->db.hard == 0)
        trail_add(store, r->message, &event, 1);
    if (store->db.hard == 0)
        count(store, r);
    if (store->db.hard == 0 && r->refuses.len > 0)
        op->days = days_of(store, r);
    if (store->db.hard == 0 && op->notice != NULL) {
        op->notice->op.clock_ms = op->op.clock_ms;
        apply_accept(store, op->notice);
    }
    return STORE_OK;
}
