/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that were judged by the DMARC policies of others, counted. */
#include "../dmarc_judged.h"

#include "../report.h"
#include "sigillo/banned.h"
#include "sqlite_internal.h"

static sqlite3_stmt *use_policy(struct store *store, int which, const struct dmarc_count *c)
{
    sqlite3_stmt *s = sql_use(&store->db, which);

    sqlite3_bind_int64(s, 1, c->day);
    sql_bind_view(s, 2, c->domain);
    if (sqlite3_bind_parameter_count(s) > 2) {
        sqlite3_bind_int(s, 3, c->rules);
        sql_bind_view(s, 4, c->record);
    }
    return s;
}

/* The one of the last message is what a report tells of. Which it is; 0: it failed. A domain that has another policy each time it is asked fills nobody's disk. */
static uint64_t policy_of(struct store *store, const struct dmarc_count *c)
{
    struct db *db = &store->db;
    uint64_t id = sql_number(db, use_policy(store, SQL_DMARC_POLICY_FIND, c));

    if (db->hard != 0)
        return 0;
    if (id != 0)
        return sql_run(db, use_policy(store, SQL_DMARC_POLICY_LATEST, c)) ? id : 0;
    if (sql_number(db, use_policy(store, SQL_DMARC_POLICY_COUNT, c)) >= DMARC_POLICIES_MAX)
        return sql_number(db, use_policy(store, SQL_DMARC_POLICY_LAST, c));
    if (db->hard == 0 && sql_run(db, use_policy(store, SQL_DMARC_POLICY_ADD, c)))
        id = (uint64_t)sqlite3_last_insert_rowid(db->handle);
    return id;
}

static sqlite3_stmt *use_row(struct store *store, int which, uint64_t policy,
                             const struct dmarc_count *c, bool bare)
{
    const sgl_view text[] = {c->source,        c->evaluated, c->header_from,
                             c->envelope_from, c->dkim,      c->spf};
    sqlite3_stmt *s = sql_use(&store->db, which);

    sql_bind_u64(s, 1, policy);
    for (int i = 0; i < 6; i++)
        sql_bind_view(s, 2 + i, bare && i > 2 ? SGL_LIT("") : text[i]);
    return s;
}

static bool is_there(struct store *store, uint64_t policy, const struct dmarc_count *c, bool bare)
{
    return sql_number(&store->db, use_row(store, SQL_DMARC_ROW_FIND, policy, c, bare)) != 0;
}

static sqlite3_stmt *use_rows(struct store *store, int which, uint64_t policy)
{
    sqlite3_stmt *s = sql_use(&store->db, which);

    sql_bind_u64(s, 1, policy);
    return s;
}

/* Into which row: false: into none, there are as many as a report may have. */
static bool find_row(struct store *store, uint64_t policy, const struct dmarc_count *c, bool *bare,
                     bool *is_new)
{
    uint64_t rows;

    *bare = *is_new = false;
    if (is_there(store, policy, c, false))
        return true;
    rows = sql_number(&store->db, use_rows(store, SQL_DMARC_ROWS, policy));
    *bare = rows >= DMARC_ROWS_MAX;
    *is_new = !*bare || !is_there(store, policy, c, true);
    return !*is_new || rows < UINT64_C(2) * DMARC_ROWS_MAX;
}

static void count_one(struct store *store, const struct dmarc_count *c)
{
    uint64_t policy = policy_of(store, c);
    bool bare, is_new;
    sqlite3_stmt *s;

    if (policy == 0 || store->db.hard != 0 || !find_row(store, policy, c, &bare, &is_new) ||
        store->db.hard != 0)
        return;
    s = use_row(store, SQL_DMARC_ROW_ADD, policy, c, bare);
    sql_bind_u64(s, 8, c->messages);
    if (sql_run(&store->db, s) && is_new)
        sql_run(&store->db, use_rows(store, SQL_DMARC_ROWS_GROW, policy));
    if (store->db.hard == 0)
        report_day_add(store, REPORT_DMARC, c->day, c->domain, c->due_at);
}

enum store_result apply_dmarc_judged(struct store *store, const struct dmarc_count_op *op)
{
    if (atomic_load_explicit(&store->full, memory_order_relaxed))
        return STORE_FULL;
    for (size_t i = 0; i < op->counts && store->db.hard == 0; i++)
        count_one(store, &op->count[i]);
    return STORE_OK;
}

void dmarc_judged_forget(struct store *store, int64_t day, sgl_view domain)
{
    report_run_day(store, SQL_DMARC_ROWS_DELETE, day, domain);
    report_run_day(store, SQL_DMARC_POLICIES_DELETE, day, domain);
}

void dmarc_judged_forget_old(struct store *store, int64_t before)
{
    report_run_day(store, SQL_OLD_DMARC_ROWS, before, SGL_LIT(""));
    report_run_day(store, SQL_OLD_DMARC_POLICIES, before, SGL_LIT(""));
}

enum store_result store_read_dmarc_judged(struct store *store, int64_t day, sgl_view domain,
                                          bool (*each)(void *ctx, const struct dmarc_row *r),
                                          void *ctx)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    sqlite3_stmt *s;
    bool more = true;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_DMARC_JUDGED);
    sqlite3_bind_int64(s, 1, day);
    sql_bind_view(s, 2, domain);
    while (more && sql_step(db, s)) {
        struct dmarc_row r = {.rules = (uint8_t)sqlite3_column_int(s, 0),
                              .record = sql_view(s, 1),
                              .former = sqlite3_column_int(s, 2) != 0,
                              .source = sql_view(s, 3),
                              .evaluated = sql_view(s, 4),
                              .header_from = sql_view(s, 5),
                              .envelope_from = sql_view(s, 6),
                              .dkim = sql_view(s, 7),
                              .spf = sql_view(s, 8),
                              .messages = sql_u64(s, 9)};

        more = each(ctx, &r);
    }
    return read_end(store, db, STORE_OK);
}
