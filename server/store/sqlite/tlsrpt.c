/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions counted for reports about TLS, and the reports. */
#include "../tlsrpt.h"

#include "sigillo/banned.h"
#include "sqlite_internal.h"

/* ---- counts ---- */

static uint64_t one_number(struct store *store, sqlite3_stmt *s)
{
    uint64_t n = sql_step(&store->db, s) ? sql_u64(s, 0) : 0;

    sqlite3_reset(s);
    return n;
}

static uint64_t find_policy(struct store *store, const struct tlsrpt_count *c,
                            const struct tlsrpt_policy *p)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_TLSRPT_POLICY_FIND);

    sqlite3_bind_int64(s, 1, c->day);
    sql_bind_view(s, 2, c->domain);
    sqlite3_bind_int(s, 3, p->type);
    sql_bind_view(s, 4, p->strings);
    sql_bind_view(s, 5, p->mx);
    return one_number(store, s);
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
    if (one_number(store, s) >= TLSRPT_POLICIES_MAX) {
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
    return one_number(store, s) >= TLSRPT_FAILURES_MAX;
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
    bare = one_number(store, s) == 0 && store->db.hard == 0 && is_full(store, policy);
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
    if (store->db.hard != 0)
        return;
    s = sql_use(&store->db, SQL_TLSRPT_DAY_ADD);
    sqlite3_bind_int64(s, 1, c->day);
    sql_bind_view(s, 2, c->domain);
    sqlite3_bind_int64(s, 3, c->due_at);
    sql_run(&store->db, s);
}

/* ---- reports ---- */

static void run_day(struct store *store, int which, int64_t day, sgl_view domain)
{
    sqlite3_stmt *s;

    if (store->db.hard != 0)
        return;
    s = sql_use(&store->db, which);
    sqlite3_bind_int64(s, 1, day);
    if (sqlite3_bind_parameter_count(s) > 1)
        sql_bind_view(s, 2, domain);
    sql_run(&store->db, s);
}

static enum store_result found(struct store *store, const struct tlsrpt_op *op)
{
    const struct tlsrpt_report *r = &op->report;
    sqlite3_stmt *s = sql_use(&store->db, SQL_TLSRPT_DAY_FIND);

    sqlite3_bind_int64(s, 1, r->day);
    sql_bind_view(s, 2, r->domain);
    if (one_number(store, s) == 0)
        return STORE_NOT_FOUND;
    run_day(store, SQL_TLSRPT_DAY_DELETE, r->day, r->domain);
    if (op->destinations == 0) {
        run_day(store, SQL_TLSRPT_FAILURES_DELETE, r->day, r->domain);
        run_day(store, SQL_TLSRPT_POLICIES_DELETE, r->day, r->domain);
    }
    for (size_t i = 0; i < op->destinations && store->db.hard == 0; i++) {
        s = sql_use(&store->db, SQL_TLSRPT_REPORT_ADD);
        sqlite3_bind_int64(s, 1, r->day);
        sql_bind_view(s, 2, r->domain);
        sql_bind_view(s, 3, op->destination[i]);
        sqlite3_bind_int64(s, 4, r->changed_at);
        sql_run(&store->db, s);
    }
    return STORE_OK;
}

/* What was sent is never sent again: only a row that waits takes a step. */
static enum store_result step(struct store *store, const struct tlsrpt_op *op)
{
    const struct tlsrpt_report *r = &op->report;
    sqlite3_stmt *s = sql_use(&store->db, SQL_TLSRPT_STEP);

    sqlite3_bind_int64(s, 1, r->day);
    sql_bind_view(s, 2, r->domain);
    sql_bind_view(s, 3, r->destination);
    sqlite3_bind_int(s, 4, (int)r->state);
    sqlite3_bind_int64(s, 5, r->next_at);
    sqlite3_bind_int64(s, 6, r->first_at);
    sql_bind_u64(s, 7, r->attempts);
    sql_bind_u64(s, 8, r->message);
    sqlite3_bind_int64(s, 9, r->changed_at);
    sql_bind_view(s, 10, r->detail);
    if (!sql_run(&store->db, s))
        return STORE_IO;
    if (sqlite3_changes(store->db.handle) == 0)
        return STORE_NOT_FOUND;
    if (op->mail == NULL)
        return STORE_OK;
    op->mail->op.clock_ms = op->op.clock_ms;
    return apply_accept(store, op->mail);
}

/* What became of a report is told on a full disk, too: else it would be made and sent again. */
static bool grows(const struct tlsrpt_op *op)
{
    return op->verb == TLSRPT_COUNT || (op->verb == TLSRPT_STEP && op->mail != NULL);
}

enum store_result apply_tlsrpt(struct store *store, struct tlsrpt_op *op)
{
    if (grows(op) && atomic_load_explicit(&store->full, memory_order_relaxed))
        return STORE_FULL;
    switch (op->verb) {
    case TLSRPT_COUNT:
        for (size_t i = 0; i < op->counts && store->db.hard == 0; i++)
            count_one(store, &op->count[i]);
        return STORE_OK;
    case TLSRPT_FOUND:
        return found(store, op);
    case TLSRPT_STEP:
        return step(store, op);
    case TLSRPT_FORGET:
        break;
    }
    run_day(store, SQL_OLD_TLSRPT_FAILURES, op->report.day, SGL_LIT(""));
    run_day(store, SQL_OLD_TLSRPT_POLICIES, op->report.day, SGL_LIT(""));
    run_day(store, SQL_OLD_TLSRPT_REPORTS, op->report.day, SGL_LIT(""));
    return STORE_OK;
}

/* ---- reads ---- */

static void read_report(sqlite3_stmt *s, struct tlsrpt_report *out)
{
    *out = (struct tlsrpt_report){.day = sqlite3_column_int64(s, 0),
                                  .domain = sql_view(s, 1),
                                  .destination = sql_view(s, 2),
                                  .state = (enum tlsrpt_state)sqlite3_column_int(s, 3),
                                  .next_at = sqlite3_column_int64(s, 4),
                                  .first_at = sqlite3_column_int64(s, 5),
                                  .attempts = (unsigned)sqlite3_column_int(s, 6),
                                  .message = sql_u64(s, 7),
                                  .changed_at = sqlite3_column_int64(s, 8),
                                  .detail = sql_view(s, 9)};
}

enum store_result store_read_tlsrpt_due(struct store *store, int64_t now, size_t max,
                                        bool (*each)(void *ctx, const struct tlsrpt_report *r),
                                        void *ctx)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    struct tlsrpt_report r;
    sqlite3_stmt *s;
    bool more = true;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_TLSRPT_DUE);
    sqlite3_bind_int64(s, 1, now);
    sql_bind_u64(s, 2, max);
    while (more && sql_step(db, s)) {
        read_report(s, &r);
        more = each(ctx, &r);
    }
    return read_end(store, db, STORE_OK);
}

enum store_result store_read_tlsrpt_reports(struct store *store, const struct tlsrpt_query *q,
                                            bool (*each)(void *ctx, const struct tlsrpt_report *r),
                                            void *ctx)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    struct tlsrpt_report r;
    sqlite3_stmt *s;
    bool more = true;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_TLSRPT_REPORTS);
    sqlite3_bind_int64(s, 1, q->from_day);
    sql_bind_view(s, 2, q->domain);
    sql_bind_u64(s, 3, q->max);
    sql_bind_u64(s, 4, q->skip);
    while (more && sql_step(db, s)) {
        read_report(s, &r);
        more = each(ctx, &r);
    }
    return read_end(store, db, STORE_OK);
}

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
