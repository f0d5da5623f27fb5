/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of those who send to us. */
#include "../reputation.h"

#include "sigillo/banned.h"
#include "sqlite_internal.h"

static void put(struct store *store, const struct reputation_row *r)
{
    sqlite3_stmt *s = sql_use(&store->db, r->remove ? SQL_REPUTATION_DELETE : SQL_REPUTATION_PUT);

    sqlite3_bind_int(s, 1, r->kind);
    sql_bind_view(s, 2, r->name);
    if (!r->remove) {
        sqlite3_bind_int64(s, 3, r->at);
        sqlite3_bind_int64(s, 4, r->last);
        for (int i = 0; i < REPUTATION_COUNTS; i++)
            sqlite3_bind_double(s, 5 + i, r->count[i]);
    }
    sql_run(&store->db, s);
}

/* On a full disk what goes still goes, and nothing comes. */
enum store_result apply_reputation(struct store *store, const struct reputation_op *op)
{
    bool full = atomic_load_explicit(&store->full, memory_order_relaxed);

    for (size_t i = 0; i < op->rows && store->db.hard == 0; i++)
        if (!full || op->row[i].remove)
            put(store, &op->row[i]);
    return full ? STORE_FULL : STORE_OK;
}

enum store_result store_read_reputation(struct store *store,
                                        bool (*each)(void *ctx, const struct reputation_row *r),
                                        void *ctx)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    sqlite3_stmt *s;
    bool more = true;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_REPUTATION);
    while (more && sql_step(db, s)) {
        struct reputation_row r = {.kind = (uint8_t)sqlite3_column_int(s, 0),
                                   .name = sql_view(s, 1),
                                   .at = sqlite3_column_int64(s, 2),
                                   .last = sqlite3_column_int64(s, 3)};

        for (int i = 0; i < REPUTATION_COUNTS; i++)
            r.count[i] = sqlite3_column_double(s, 4 + i);
        more = each(ctx, &r);
    }
    return read_end(store, db, STORE_OK);
}
