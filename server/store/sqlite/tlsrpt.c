/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions counted for reports about TLS. */
#include "../tlsrpt.h"

#include "../report.h"

#include "sigillo/banned.h"
#include "sqlite_internal.h"

/* ---- counts ---- */

static uint64_t find_policy(struct store *store, const struct tlsrpt_count *c,
                            const struct tlsrpt_policy *p)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_TLSRPT_POLICY_FIND);

    sqlite3_bind_int64(s, 1, c->day);
    sql_bind_view(s, 2, c->domain);
    sqlite3_bind_int(s, 3, p->type);
    sql_bind_view(s, 4, p->strings);
    sql_bind_view(s, 5, p->mx);
    return sql_number(&store->db, s);
}

static uint64_t add_policy(struct store *store, const struct tlsrpt_count *c,
                           const struct tlsrpt_policy *p)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_TLSRPT_POLICY_ADD);

    sqlite3_bind_int64(s, 1, c->day);
    sql_bind_view(s, 2, c->domain);
    sqlite3_bind_int(s, 3, p->type);
    sql_bind_view(s, 4, p->strings);
    sql_bind_view(s, 5, p->mx);
    return sql_run(&store->db, s) ? (uint64_t)sqlite3_last_insert_rowid(store->db.handle) : 0;
}

/* A domain that has another policy each time it is asked fills nobody's disk. */
static uint64_t policy_of(struct store *store, const struct tlsrpt_count *c)
{
    struct tlsrpt_policy p = c->policy;
    uint64_t id = find_policy(store, c, &p);
    sqlite3_stmt *s;

    if (id != 0 || store->db.hard != 0)
        return id;
    s = sql_use(&store->db, SQL_TLSRPT_POLICY_COUNT);
    sqlite3_bind_int64(s, 1, c->day);
    sql_bind_view(s, 2, c->domain);
    if (sql_number(&store->db, s) >= TLSRPT_POLICIES_MAX) {
        p.strings = p.mx = SGL_LIT("");
        id = find_policy(store, c, &p);
    }
    return id != 0 || store->db.hard != 0 ? id : add_policy(store, c, &p);
}

/* As many rows are in the way of one more with all that is known of it. */
static bool is_full(struct store *store, uint64_t policy)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_TLSRPT_FAILURE_COUNT);

    sql_bind_u64(s, 1, policy);
    return sql_number(&store->db, s) >= TLSRPT_FAILURES_MAX;
}

static void bind_failure(sqlite3_stmt *s, uint64_t policy, const struct tlsrpt_count *c, bool bare)
{
    const sgl_view text[] = {c->result, c->sending, c->host, c->receiving, c->reason};

    sql_bind_u64(s, 1, policy);
    for (int i = 0; i < 5; i++)
        sql_bind_view(s, 2 + i, bare && i > 0 ? SGL_LIT("") : text[i]);
}

static void add_failure(struct store *store, uint64_t policy, const struct tlsrpt_count *c)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_TLSRPT_FAILURE_FIND);
    bool bare;

    bind_failure(s, policy, c, false);
    bare = sql_number(&store->db, s) == 0 && store->db.hard == 0 && is_full(store, policy);
    if (store->db.hard != 0)
        return;
    s = sql_use(&store->db, SQL_TLSRPT_FAILURE_ADD);
    bind_failure(s, policy, c, bare);
    sql_bind_u64(s, 7, c->sessions);
    sql_run(&store->db, s);
}

static void count_one(struct store *store, const struct tlsrpt_count *c)
{
    uint64_t policy = policy_of(store, c);
    sqlite3_stmt *s;

    if (policy == 0 || store->db.hard != 0)
        return;
    s = sql_use(&store->db, SQL_TLSRPT_POLICY_SUM);
    sql_bind_u64(s, 1, policy);
    sql_bind_u64(s, 2, c->result.len == 0 ? c->sessions : 0);
    sql_bind_u64(s, 3, c->result.len == 0 ? 0 : c->sessions);
    if (sql_run(&store->db, s) && c->result.len > 0)
        add_failure(store, policy, c);
    if (store->db.hard == 0)
        report_day_add(store, REPORT_TLS, c->day, c->domain, c->due_at);
}

enum store_result apply_tlsrpt(struct store *store, const struct tlsrpt_op *op)
{
    if (atomic_load_explicit(&store->full, memory_order_relaxed))
        return STORE_FULL;
    for (size_t i = 0; i < op->counts && store->db.hard == 0; i++)
        count_one(store, &op->count[i]);
    return STORE_OK;
}

void tlsrpt_forget(struct store *store, int64_t day, sgl_view domain)
{
    report_run_day(store, SQL_TLSRPT_FAILURES_DELETE, day, domain);
    report_run_day(store, SQL_TLSRPT_POLICIES_DELETE, day, domain);
}

void tlsrpt_forget_old(struct store *store, int64_t before)
{
    report_run_day(store, SQL_OLD_TLSRPT_FAILURES, before, SGL_LIT(""));
    report_run_day(store, SQL_OLD_TLSRPT_POLICIES, before, SGL_LIT(""));
}

/* ---- reads ---- */

enum store_result store_read_tlsrpt(struct store *store, int64_t day, sgl_view domain,
                                    bool (*each)(void *ctx, const struct tlsrpt_row *r), void *ctx)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    sqlite3_stmt *s;
    bool more = true;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_TLSRPT);
    sqlite3_bind_int64(s, 1, day);
    sql_bind_view(s, 2, domain);
    while (more && sql_step(db, s)) {
        struct tlsrpt_row r = {.policy = sql_u64(s, 0),
                               .is = {.type = (uint8_t)sqlite3_column_int(s, 1),
                                      .strings = sql_view(s, 2),
                                      .mx = sql_view(s, 3)},
                               .successes = sql_u64(s, 4),
                               .failed = sql_u64(s, 5),
                               .failure = sqlite3_column_int(s, 6) != 0,
                               .result = sql_view(s, 7),
                               .sending = sql_view(s, 8),
                               .host = sql_view(s, 9),
                               .receiving = sql_view(s, 10),
                               .reason = sql_view(s, 11),
                               .sessions = sql_u64(s, 12)};

        more = each(ctx, &r);
    }
    return read_end(store, db, STORE_OK);
}
