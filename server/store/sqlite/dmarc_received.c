/* SPDX-License-Identifier: Apache-2.0 */
/* DMARC reports of others: each once, their records summed up. */
#include "../dmarc_received.h"

#include "../statistics.h"
#include "sigillo/banned.h"
#include "sqlite_internal.h"

#define DAY_S 86400

int64_t dmarc_received_day(const struct dmarc_received *r)
{
    return (r->begin + (r->end - r->begin) / 2) / DAY_S;
}

/* ---- one report ---- */

/* What anybody may have sent does not stand in the way of the true one. */
static bool is_there(struct store *store, const struct dmarc_received *r)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_DMARC_FIND);
    bool there;

    sql_bind_view(s, 1, r->domain);
    sql_bind_view(s, 2, r->organization);
    sql_bind_view(s, 3, r->report);
    sqlite3_bind_int64(s, 4, r->begin);
    sqlite3_bind_int(s, 5, r->verified);
    there = sql_step(&store->db, s);
    sqlite3_reset(s);
    return there;
}

static void add_report(struct store *store, const struct dmarc_received *r)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_DMARC_ADD);

    sql_bind_view(s, 1, r->domain);
    sql_bind_view(s, 2, r->organization);
    sql_bind_view(s, 3, r->report);
    sqlite3_bind_int64(s, 4, r->begin);
    sqlite3_bind_int64(s, 5, r->end);
    sqlite3_bind_int64(s, 6, dmarc_received_day(r));
    sqlite3_bind_int64(s, 7, r->at);
    sql_bind_view(s, 8, r->subscription);
    sqlite3_bind_int(s, 9, r->verified);
    sqlite3_bind_int(s, 10, r->partial);
    sqlite3_bind_int(s, 11, r->p);
    sql_bind_u64(s, 12, r->messages);
    sql_run(&store->db, s);
}

/* How many of the report's day and domain there are of its kind: what anybody may send takes no room from the rest. */
static uint64_t of_day(struct store *store, int which, const struct dmarc_received *r)
{
    sqlite3_stmt *s = sql_use(&store->db, which);

    sqlite3_bind_int64(s, 1, dmarc_received_day(r));
    sql_bind_view(s, 2, r->domain);
    sqlite3_bind_int(s, 3, r->verified);
    return sql_number(&store->db, s);
}

static uint64_t room_of_day(struct store *store, const struct dmarc_received *r)
{
    uint64_t most = r->verified ? DMARC_DAY_ROWS : DMARC_DAY_ROWS_UNVERIFIED;
    uint64_t rows = of_day(store, SQL_DMARC_DAY_ROWS, r);

    return rows < most ? most - rows : 0;
}

static bool is_enough(struct store *store, const struct dmarc_received *r)
{
    return of_day(store, SQL_DMARC_DAY_REPORTS, r) >=
           (r->verified ? DMARC_DAY_REPORTS : DMARC_DAY_REPORTS_UNVERIFIED);
}

static void add_source(struct store *store, const struct dmarc_received *r,
                       const struct dmarc_source *c)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_DMARC_SUM);

    sqlite3_bind_int64(s, 1, dmarc_received_day(r));
    sql_bind_view(s, 2, r->domain);
    sql_bind_view(s, 3, r->subscription);
    sql_bind_view(s, 4, r->organization);
    sqlite3_bind_int(s, 5, r->verified);
    sql_bind_view(s, 6, c->source);
    sqlite3_bind_int(s, 7, c->disposition);
    sqlite3_bind_int(s, 8, c->dkim);
    sqlite3_bind_int(s, 9, c->spf);
    sql_bind_view(s, 10, c->header_from);
    sql_bind_view(s, 11, c->envelope_from);
    sql_bind_view(s, 12, c->dkim_domain);
    sql_bind_view(s, 13, c->dkim_selector);
    sqlite3_bind_int(s, 14, c->dkim_result);
    sql_bind_view(s, 15, c->spf_domain);
    sqlite3_bind_int(s, 16, c->spf_result);
    sqlite3_bind_int(s, 17, c->reason);
    sql_bind_u64(s, 18, c->messages);
    sql_run(&store->db, s);
}

/* What is left of a source that there is no room for: its result. */
static struct dmarc_source nameless(const struct dmarc_source *c)
{
    return (struct dmarc_source){
        .disposition = c->disposition, .dkim = c->dkim, .spf = c->spf, .messages = c->messages};
}

/* Nor is it told who reported it: else each new name would be a new row. */
static void add_nameless(struct store *store, const struct dmarc_received *r,
                         const struct dmarc_source *c)
{
    struct dmarc_received nobodys = *r;
    struct dmarc_source without = nameless(c);

    nobodys.organization = SGL_LIT("");
    add_source(store, &nobodys, &without);
}

enum store_result apply_dmarc_received(struct store *store, const struct dmarc_received_op *op)
{
    const struct dmarc_received *r = op->report;
    uint64_t room;

    if (atomic_load_explicit(&store->full, memory_order_relaxed))
        return STORE_FULL;
    if (is_there(store, r))
        return STORE_EXISTS;
    if (store->db.hard == 0 && is_enough(store, r))
        return STORE_CONFLICT;
    if (store->db.hard == 0)
        add_report(store, r);
    room = store->db.hard == 0 ? room_of_day(store, r) : 0;
    for (size_t i = 0; i < r->sources && store->db.hard == 0; i++) {
        if (i < room)
            add_source(store, r, &r->source[i]);
        else
            add_nameless(store, r, &r->source[i]);
    }
    return STORE_OK;
}

void dmarc_received_expire(struct store *store, int64_t now_ms)
{
    static const int which[] = {SQL_OLD_DMARC, SQL_OLD_DMARC_SUM};

    for (size_t i = 0; i < 2 && store->db.hard == 0; i++) {
        sqlite3_stmt *s = sql_use(&store->db, which[i]);

        sqlite3_bind_int64(s, 1, now_ms / STATISTICS_DAY_MS - STATISTICS_DAYS);
        sql_run(&store->db, s);
    }
}

/* ---- reads ---- */

static struct dmarc_figure figure_of(sqlite3_stmt *s, enum dmarc_by by)
{
    struct dmarc_figure f = {.messages = sql_u64(s, 1),
                             .passed = sql_u64(s, 2),
                             .dkim = sql_u64(s, 3),
                             .spf = sql_u64(s, 4),
                             .quarantined = sql_u64(s, 5),
                             .rejected = sql_u64(s, 6),
                             .overridden = sql_u64(s, 7),
                             .unverified = sql_u64(s, 8),
                             .days = sql_u64(s, 9),
                             .p = (uint8_t)sqlite3_column_int(s, 10)};

    f.most = (struct dmarc_source){.messages = sql_u64(s, 11),
                                   .header_from = sql_view(s, 12),
                                   .envelope_from = sql_view(s, 13),
                                   .dkim_domain = sql_view(s, 14),
                                   .dkim_selector = sql_view(s, 15),
                                   .dkim_result = (uint8_t)sqlite3_column_int(s, 16),
                                   .spf_domain = sql_view(s, 17),
                                   .spf_result = (uint8_t)sqlite3_column_int(s, 18),
                                   .dkim = (uint8_t)sqlite3_column_int(s, 19),
                                   .spf = (uint8_t)sqlite3_column_int(s, 20),
                                   .reason = (uint8_t)sqlite3_column_int(s, 21)};
    if (by == DMARC_BY_DAY)
        f.day = sqlite3_column_int64(s, 0);
    else
        f.name = sql_view(s, 0);
    return f;
}

enum store_result store_read_dmarc(struct store *store, const struct dmarc_query *q,
                                   bool (*each)(void *ctx, const struct dmarc_figure *f), void *ctx)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    sqlite3_stmt *s;
    bool more = true;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_DMARC);
    sql_bind_view(s, 1, q->subscription);
    sql_bind_view(s, 2, q->domain);
    sqlite3_bind_int64(s, 3, q->from_day);
    sqlite3_bind_int64(s, 4, q->to_day);
    sqlite3_bind_int(s, 5, (int)q->by);
    sql_bind_u64(s, 6, q->max);
    sql_bind_u64(s, 7, q->skip);
    while (more && sql_step(db, s)) {
        struct dmarc_figure f = figure_of(s, q->by);

        more = each(ctx, &f);
    }
    return read_end(store, db, STORE_OK);
}
