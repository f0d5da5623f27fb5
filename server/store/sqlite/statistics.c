/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics: gathered in memory while a group runs, written once before its commit, forgotten with its rollback.
 *
 * One message in a group of hundreds mostly counts under a name and a day that are there already, so that a group costs a few rows, not a few for each message.
 */
#include "../statistics.h"

#include "sigillo/banned.h"
#include "sqlite_internal.h"

#define COUNTED_MAX 4096u /* as many names are held before they are written, within the group */

struct counted {
    struct sum sum; /* first: cast from it; the names are the subscription and the category */
    uint64_t count[STATISTICS];
};

/* ---- in memory ---- */

static void count(struct store *store, int64_t day, sgl_view subscription, sgl_view category,
                  const uint64_t sum[STATISTICS])
{
    struct sum_key key = {.day = day, .name = {subscription, category}};
    struct counted *c = (struct counted *)(void *)sums_find(&store->pending.counted, &key);

    if (c == NULL) {
        store->pending.nomem = true;
        return;
    }
    for (size_t i = 0; i < STATISTICS; i++)
        c->count[i] += sum[i];
}

void statistics_init(struct store *store)
{
    sums_init(&store->pending.counted, sizeof(struct counted));
}

void statistics_forget(struct store *store)
{
    sums_forget(&store->pending.counted);
}

void statistics_done(struct store *store)
{
    sums_done(&store->pending.counted);
}

/* ---- what is counted ---- */

void statistics_accept(const struct store_rcpt *r, uint64_t sum[STATISTICS])
{
    sum[STATISTIC_REQUESTS]++;
    if (r->state != RCPT_SUPPRESSED)
        sum[STATISTIC_PROCESSED]++;
    else if (r->drop != STATISTIC_NONE && r->drop < STATISTICS)
        sum[r->drop]++;
}

static bool is_of_address(sgl_view status)
{
    return sgl_view_starts(status, SGL_LIT("5.1."));
}

void statistics_outcome(const struct store_outcome_rcpt *r, int before, uint64_t sum[STATISTICS])
{
    if (r->state == RCPT_QUEUED) {
        sum[STATISTIC_DEFERRED] += r->attempted;
        return;
    }
    if ((int)r->now_state == before)
        return;
    if (r->now_state == RCPT_DELIVERED)
        sum[STATISTIC_DELIVERED]++;
    else if (r->now_state == RCPT_FAILED)
        sum[is_of_address(r->status) ? STATISTIC_BOUNCES : STATISTIC_BLOCKS]++;
    else if (r->now_state == RCPT_EXPIRED)
        sum[STATISTIC_BLOCKS]++;
    else if (r->now_state == RCPT_SUPPRESSED && r->drop != STATISTIC_NONE && r->drop < STATISTICS)
        sum[r->drop]++;
}

void statistics_add(struct store *store, int64_t at_ms, sgl_view subscription, sgl_view labels,
                    const uint64_t sum[STATISTICS])
{
    int64_t day = at_ms / STATISTICS_DAY_MS;
    sqlite3_stmt *s;

    if (store->db.hard != 0)
        return;
    if (store->pending.counted.all.count > COUNTED_MAX)
        statistics_write(store);
    count(store, day, subscription, SGL_LIT(""), sum);
    if (labels.len == 0)
        return;
    s = sql_use(&store->db, SQL_CATEGORIES);
    sql_bind_view(s, 1, labels);
    while (sql_step(&store->db, s))
        count(store, day, subscription, sql_view(s, 0), sum);
    sqlite3_reset(s);
}

void statistics_noun(struct store *store, int64_t at_ms, const struct store_noun *n)
{
    uint64_t sum[STATISTICS] = {0};

    if (n->counts == STATISTIC_NONE || n->counts >= STATISTICS)
        return;
    sum[n->counts] = 1;
    statistics_add(store, at_ms, n->subscription, SGL_LIT(""), sum);
}

/* ---- in the store ---- */

static void write_one(struct store *store, const struct counted *c)
{
    struct sum_key key = sum_key(&c->sum);

    for (int i = 0; i < STATISTICS && store->db.hard == 0; i++) {
        sqlite3_stmt *s;

        if (c->count[i] == 0)
            continue;
        s = sql_use(&store->db, SQL_STATISTIC_ADD);
        sql_bind_view(s, 1, key.name[0]);
        sql_bind_view(s, 2, key.name[1]);
        sqlite3_bind_int64(s, 3, key.day);
        sqlite3_bind_int(s, 4, i);
        sql_bind_u64(s, 5, c->count[i]);
        sql_run(&store->db, s);
    }
}

void statistics_write(struct store *store)
{
    const struct sums *counted = &store->pending.counted;

    for (size_t i = 0; i < counted->all.count && store->db.hard == 0; i++)
        write_one(store, (const struct counted *)(const void *)sums_at(counted, i));
    statistics_forget(store);
}

/* Once a day: nothing else can have grown too old. */
void statistics_expire(struct store *store, int64_t now_ms)
{
    int64_t day = now_ms / STATISTICS_DAY_MS;
    sqlite3_stmt *s;

    if (store->db.hard != 0 || store->statistics_day == day)
        return;
    s = sql_use(&store->db, SQL_OLD_STATISTICS);
    sqlite3_bind_int64(s, 1, day - STATISTICS_DAYS);
    sql_run(&store->db, s);
    if (store->db.hard == 0 && transit_expire(store, day))
        store->statistics_day = day;
}

/* ---- reads ---- */

enum store_result store_read_statistics(struct store *store, const struct store_statistics_query *q,
                                        bool (*each)(void *ctx, const struct store_statistic *s),
                                        void *ctx)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    sqlite3_stmt *s;
    bool more = true;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_STATISTICS);
    sql_bind_view(s, 1, q->subscription);
    sql_bind_view(s, 2, q->category);
    sqlite3_bind_int64(s, 3, q->from_day);
    sqlite3_bind_int64(s, 4, q->to_day);
    while (more && sql_step(db, s)) {
        struct store_statistic one = {.day = sqlite3_column_int64(s, 0),
                                      .what = (enum statistic)sqlite3_column_int(s, 1),
                                      .count = sql_u64(s, 2)};

        more = each(ctx, &one);
    }
    return read_end(store, db, STORE_OK);
}

enum store_result store_read_categories(struct store *store, const struct store_categories_query *q,
                                        bool (*each)(void *ctx, sgl_view category), void *ctx)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    sqlite3_stmt *s;
    bool more = true;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_CATEGORIES);
    sql_bind_view(s, 1, q->subscription);
    sql_bind_view(s, 2, q->prefix);
    sqlite3_bind_int64(s, 3, q->from_day);
    sqlite3_bind_int64(s, 4, q->to_day);
    sqlite3_bind_int(s, 5, (int)q->by);
    sqlite3_bind_int(s, 6, q->falling ? -1 : 1);
    sql_bind_u64(s, 7, q->max);
    sql_bind_u64(s, 8, q->skip);
    while (more && sql_step(db, s))
        more = each(ctx, sql_view(s, 0));
    return read_end(store, db, STORE_OK);
}
