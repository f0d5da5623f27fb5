/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS that others have sent. */
#include "../received.h"

#include "sigillo/banned.h"
#include "sqlite_internal.h"

static bool is_there(struct store *store, const struct received_report *r)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_RECEIVED_FIND);
    bool there;

    sql_bind_view(s, 1, r->domain);
    sql_bind_view(s, 2, r->organization);
    sql_bind_view(s, 3, r->report);
    there = sql_step(&store->db, s);
    sqlite3_reset(s);
    return there;
}

static void add(struct store *store, const struct received_report *r)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_RECEIVED_ADD);

    sql_bind_view(s, 1, r->domain);
    sql_bind_view(s, 2, r->organization);
    sql_bind_view(s, 3, r->report);
    sqlite3_bind_int64(s, 4, r->begin);
    sqlite3_bind_int64(s, 5, r->end);
    sqlite3_bind_int64(s, 6, r->at);
    sql_bind_view(s, 7, r->peer);
    sql_bind_view(s, 8, r->text);
    sql_run(&store->db, s);
}

/* Whoever sends more than anybody can read fills nobody's disk. */
static void make_room(struct store *store, sgl_view domain)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_RECEIVED_MAKE_ROOM);

    sql_bind_view(s, 1, domain);
    sql_bind_u64(s, 2, RECEIVED_MAX);
    sql_run(&store->db, s);
}

enum store_result apply_received(struct store *store, const struct received_op *op)
{
    if (atomic_load_explicit(&store->full, memory_order_relaxed))
        return STORE_FULL;
    if (is_there(store, op->report))
        return STORE_EXISTS;
    if (store->db.hard == 0)
        add(store, op->report);
    if (store->db.hard == 0)
        make_room(store, op->report->domain);
    return STORE_OK;
}

enum store_result store_read_received(struct store *store, const struct received_query *q,
                                      bool (*each)(void *ctx, const struct received_report *r),
                                      void *ctx)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    sqlite3_stmt *s;
    bool more = true;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_RECEIVED);
    sql_bind_view(s, 1, q->domain);
    sqlite3_bind_int64(s, 2, q->since);
    sql_bind_u64(s, 3, q->max);
    while (more && sql_step(db, s)) {
        struct received_report r = {.domain = sql_view(s, 0),
                                    .organization = sql_view(s, 1),
                                    .report = sql_view(s, 2),
                                    .begin = sqlite3_column_int64(s, 3),
                                    .end = sqlite3_column_int64(s, 4),
                                    .at = sqlite3_column_int64(s, 5),
                                    .peer = sql_view(s, 6),
                                    .text = sql_view(s, 7)};

        more = each(ctx, &r);
    }
    return read_end(store, db, STORE_OK);
}
