/* SPDX-License-Identifier: Apache-2.0 */
/* Old trail goes: whole messages, all of whose recipients are final. */
#include "../statistics.h"
#include "sigillo/banned.h"
#include "sqlite_internal.h"

#define CHARGES_MIN_MS INT64_C(90000000) /* 25 hours: limits count a day back */

struct old {
    uint64_t id, first, rcpts;
};

static void run_range(struct store *store, int which, uint64_t from, uint64_t to)
{
    sqlite3_stmt *s = sql_use(&store->db, which);

    if (store->db.hard != 0)
        return;
    sql_bind_u64(s, 1, from);
    if (to != 0)
        sql_bind_u64(s, 2, to);
    sql_run(&store->db, s);
}

static void run_before(struct store *store, int which, int64_t before_ms)
{
    sqlite3_stmt *s = sql_use(&store->db, which);

    if (store->db.hard != 0)
        return;
    sqlite3_bind_int64(s, 1, before_ms);
    sql_run(&store->db, s);
}

static void find_old(struct store *store, const struct store_expire_trail *e, struct vector *found)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_OLD_MESSAGES);

    /* Ids are made at the door, a moment before the acceptance that counts. */
    sql_bind_u64(s, 1, id_of_time_ms(e->before_ms));
    sqlite3_bind_int64(s, 2, e->before_ms);
    sql_bind_u64(s, 3, e->max);
    while (sql_step(&store->db, s)) {
        struct old *old = vector_add(found);

        if (old != NULL)
            *old = (struct old){sql_u64(s, 0), sql_u64(s, 1), sql_u64(s, 2)};
    }
}

enum store_result apply_expire_trail(struct store *store, struct store_expire_trail *e)
{
    struct vector found = {.size = sizeof(struct old)};
    int64_t day_ago = clock_now_ms() - CHARGES_MIN_MS;

    e->removed = 0;
    find_old(store, e, &found);
    for (size_t i = 0; i < found.count && store->db.hard == 0; i++) {
        const struct old *old = (struct old *)found.item + i;

        run_range(store, SQL_OLD_EVENTS, old->id, 0);
        run_range(store, SQL_OLD_NOTES, old->first, old->first + old->rcpts);
        run_range(store, SQL_OLD_RCPTS, old->first, old->first + old->rcpts);
        run_range(store, SQL_OLD_BATCH_MESSAGE, old->id, 0);
        run_range(store, SQL_OLD_MESSAGE, old->id, 0);
        e->removed++;
    }
    if (found.count < e->max) {
        run_before(store, SQL_OLD_KEYS, e->before_ms);
        batches_expire(store, e->before_ms);
        run_before(store, SQL_OLD_USAGE, e->before_ms < day_ago ? e->before_ms : day_ago);
        if (e->audit_before_ms > 0)
            audit_expire(store, e->audit_before_ms, e->max);
    }
    vector_done(&found);
    if (store->db.hard == 0)
        drafts_expire(store, clock_now_s());
    statistics_expire(store, clock_now_ms());
    run_before(store, SQL_OLD_RECEIVED, clock_now_ms() - STATISTICS_DAYS * STATISTICS_DAY_MS);
    dmarc_received_expire(store, clock_now_ms());
    return STORE_OK;
}
