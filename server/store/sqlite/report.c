/* SPDX-License-Identifier: Apache-2.0 */
/* Reports that are made of a day: when they are due, which went where. What they are made of is counted by tlsrpt.c and dmarc_judged.c. */
#include "../report.h"

#include "sigillo/banned.h"
#include "sqlite_internal.h"

void report_run_day(struct store *store, int which, int64_t day, sgl_view domain)
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

void report_day_add(struct store *store, int kind, int64_t day, sgl_view domain, int64_t due_at)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_REPORT_DAY_ADD);

    sqlite3_bind_int(s, 1, kind);
    sqlite3_bind_int64(s, 2, day);
    sql_bind_view(s, 3, domain);
    sqlite3_bind_int64(s, 4, due_at);
    sql_run(&store->db, s);
}

static sqlite3_stmt *use_day(struct store *store, int which, const struct store_report *r)
{
    sqlite3_stmt *s = sql_use(&store->db, which);

    sqlite3_bind_int(s, 1, (int)r->kind);
    sqlite3_bind_int64(s, 2, r->day);
    sql_bind_view(s, 3, r->domain);
    return s;
}

static void forget_counts(struct store *store, const struct store_report *r)
{
    if (r->kind == REPORT_TLS)
        tlsrpt_forget(store, r->day, r->domain);
    else
        dmarc_judged_forget(store, r->day, r->domain);
}

static enum store_result found(struct store *store, const struct report_op *op)
{
    const struct store_report *r = &op->report;
    sqlite3_stmt *s = use_day(store, SQL_REPORT_DAY_FIND, r);

    if (sql_number(&store->db, s) == 0)
        return STORE_NOT_FOUND;
    sql_run(&store->db, use_day(store, SQL_REPORT_DAY_DELETE, r));
    if (op->destinations == 0 && store->db.hard == 0)
        forget_counts(store, r);
    for (size_t i = 0; i < op->destinations && store->db.hard == 0; i++) {
        s = use_day(store, SQL_REPORT_ADD, r);
        sql_bind_view(s, 4, op->destination[i]);
        sqlite3_bind_int64(s, 5, r->changed_at);
        sql_run(&store->db, s);
    }
    return STORE_OK;
}

/* What was sent is never sent again: only a row that waits takes a step. */
static enum store_result step(struct store *store, const struct report_op *op)
{
    const struct store_report *r = &op->report;
    sqlite3_stmt *s = use_day(store, SQL_REPORT_STEP, r);

    sql_bind_view(s, 4, r->destination);
    sqlite3_bind_int(s, 5, (int)r->state);
    sqlite3_bind_int64(s, 6, r->next_at);
    sqlite3_bind_int64(s, 7, r->first_at);
    sql_bind_u64(s, 8, r->attempts);
    sql_bind_u64(s, 9, r->message);
    sqlite3_bind_int64(s, 10, r->changed_at);
    sql_bind_view(s, 11, r->detail);
    if (!sql_run(&store->db, s))
        return STORE_IO;
    if (sqlite3_changes(store->db.handle) == 0)
        return STORE_NOT_FOUND;
    if (op->mail == NULL)
        return STORE_OK;
    op->mail->op.clock_ms = op->op.clock_ms;
    return apply_accept(store, op->mail);
}

static void forget(struct store *store, enum report_kind kind, int64_t before)
{
    sqlite3_stmt *s;

    if (kind == REPORT_TLS)
        tlsrpt_forget_old(store, before);
    else
        dmarc_judged_forget_old(store, before);
    if (store->db.hard != 0)
        return;
    s = sql_use(&store->db, SQL_OLD_REPORTS);
    sqlite3_bind_int(s, 1, (int)kind);
    sqlite3_bind_int64(s, 2, before);
    sql_run(&store->db, s);
}

/* What became of a report is told on a full disk, too: else it would be made and sent again. */
static bool grows(const struct report_op *op)
{
    return op->verb == REPORT_STEP && op->mail != NULL;
}

enum store_result apply_report(struct store *store, struct report_op *op)
{
    if (grows(op) && atomic_load_explicit(&store->full, memory_order_relaxed))
        return STORE_FULL;
    switch (op->verb) {
    case REPORT_FOUND:
        return found(store, op);
    case REPORT_STEP:
        return step(store, op);
    case REPORT_FORGET:
        break;
    }
    forget(store, op->report.kind, op->report.day);
    return STORE_OK;
}

/* ---- reads ---- */

static void read_report(sqlite3_stmt *s, struct store_report *out)
{
    *out = (struct store_report){.kind = (enum report_kind)sqlite3_column_int(s, 0),
                                 .day = sqlite3_column_int64(s, 1),
                                 .domain = sql_view(s, 2),
                                 .destination = sql_view(s, 3),
                                 .state = (enum report_state)sqlite3_column_int(s, 4),
                                 .next_at = sqlite3_column_int64(s, 5),
                                 .first_at = sqlite3_column_int64(s, 6),
                                 .attempts = (unsigned)sqlite3_column_int(s, 7),
                                 .message = sql_u64(s, 8),
                                 .changed_at = sqlite3_column_int64(s, 9),
                                 .detail = sql_view(s, 10)};
}

static void each_report(struct db *db, sqlite3_stmt *s,
                        bool (*each)(void *ctx, const struct store_report *r), void *ctx)
{
    struct store_report r;
    bool more = true;

    while (more && sql_step(db, s)) {
        read_report(s, &r);
        more = each(ctx, &r);
    }
}

enum store_result store_read_reports_due(struct store *store, unsigned kinds, int64_t now,
                                         size_t max,
                                         bool (*each)(void *ctx, const struct store_report *r),
                                         void *ctx)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_REPORTS_DUE);
    sqlite3_bind_int64(s, 1, now);
    sql_bind_u64(s, 2, max);
    sqlite3_bind_int64(s, 3, kinds);
    each_report(db, s, each, ctx);
    return read_end(store, db, STORE_OK);
}

enum store_result store_read_reports(struct store *store, const struct report_query *q,
                                     bool (*each)(void *ctx, const struct store_report *r),
                                     void *ctx)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    sqlite3_stmt *s;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_REPORTS);
    sqlite3_bind_int64(s, 1, q->from_day);
    sql_bind_view(s, 2, q->domain);
    sql_bind_u64(s, 3, q->max);
    sql_bind_u64(s, 4, q->skip);
    sqlite3_bind_int(s, 5, (int)q->kind);
    each_report(db, s, each, ctx);
    return read_end(store, db, STORE_OK);
}
