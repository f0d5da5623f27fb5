/* SPDX-License-Identifier: Apache-2.0 */
/* Transit: gathered in memory while a group runs, written once before its commit, forgotten with its rollback; as statistics are. */
#include "../transit.h"

#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sqlite_internal.h"

#define MOVED_MAX  4096u /* as many sums are held before they are written, within the group */
#define DOMAIN_MAX 255u

struct names {
    sgl_view subscription, sender, domain;
};
struct moved {
    struct sum sum; /* first: cast from it; its names are those three */
    struct store_transit how;
    uint64_t delivered, failed;
};

/* ---- in memory ---- */

static void count(struct store *store, int64_t day, const struct names *n,
                  const struct store_transit *how, bool delivered)
{
    struct sum_key key = {.day = day,
                          .kind = how->mechanism | (uint32_t)how->version << 8 |
                                  (uint32_t)how->cause << 16,
                          .name = {n->subscription, n->sender, n->domain}};
    struct moved *m = (struct moved *)(void *)sums_find(&store->pending.moved, &key);

    if (m == NULL) {
        store->pending.nomem = true;
        return;
    }
    m->how = *how;
    m->delivered += delivered;
    m->failed += !delivered;
}

void transit_init(struct store *store)
{
    sums_init(&store->pending.moved, sizeof(struct moved));
}

void transit_forget(struct store *store)
{
    sums_forget(&store->pending.moved);
}

void transit_done(struct store *store)
{
    sums_done(&store->pending.moved);
}

/* ---- what is counted ---- */

bool transit_counts(const struct store_outcome_rcpt *r)
{
    if (r->result != STORE_OK || r->transit.mechanism >= TRANSIT_MECHANISMS ||
        r->transit.version >= TRANSIT_VERSIONS || r->transit.cause >= TRANSIT_CAUSES)
        return false;
    if (r->now_state == RCPT_DELIVERED)
        return r->transit.mechanism != TRANSIT_NONE;
    return r->attempted && r->transit.cause != TRANSIT_CAUSE_NONE;
}

/* Behind the last @, in lower case; empty: there is none. */
static sgl_view domain_of(sgl_view address, uint8_t room[DOMAIN_MAX])
{
    size_t at = address.len;

    while (at > 0 && address.ptr[at - 1] != '@')
        at--;
    if (at == 0 || address.len - at > DOMAIN_MAX)
        return SGL_LIT("");
    for (size_t i = at; i < address.len; i++)
        room[i - at] = sgl_ascii_lower(address.ptr[i]);
    return sgl_view_of(room, address.len - at);
}

void transit_add(struct store *store, int64_t at_ms, const struct transit_mail *mail,
                 const struct store_outcome *o)
{
    uint8_t room[DOMAIN_MAX];
    struct names n = {.subscription = mail->subscription,
                      .sender = domain_of(mail->header_from, room)};
    sqlite3_stmt *lane = NULL;
    uint64_t lane_id = 0;

    if (n.sender.len == 0)
        n.sender = domain_of(mail->env_from, room);
    for (size_t i = 0; i < o->rcpts && store->db.hard == 0; i++) {
        const struct store_outcome_rcpt *r = &o->rcpt[i];

        if (!r->own.moved)
            continue;
        if (lane == NULL || lane_id != r->own.lane) {
            lane = sql_use(&store->db, SQL_LANE_NAME);
            sql_bind_u64(lane, 1, r->own.lane);
            lane_id = r->own.lane;
            n.domain = sql_step(&store->db, lane) ? sql_view(lane, 0) : SGL_LIT("");
        }
        if (store->db.hard == 0)
            count(store, at_ms / STATISTICS_DAY_MS, &n, &r->transit,
                  r->now_state == RCPT_DELIVERED);
    }
    if (lane != NULL)
        sqlite3_reset(lane);
    if (store->pending.moved.all.count > MOVED_MAX)
        transit_write(store);
}

/* ---- in the store ---- */

void transit_write(struct store *store)
{
    const struct sums *moved = &store->pending.moved;

    for (size_t i = 0; i < moved->all.count && store->db.hard == 0; i++) {
        const struct moved *m = (const struct moved *)(const void *)sums_at(moved, i);
        struct sum_key key = sum_key(&m->sum);
        sqlite3_stmt *s = sql_use(&store->db, SQL_TRANSIT_ADD);

        sqlite3_bind_int64(s, 1, key.day);
        for (int n = 0; n < SUM_NAMES; n++)
            sql_bind_view(s, 2 + n, key.name[n]);
        sqlite3_bind_int(s, 5, m->how.mechanism);
        sqlite3_bind_int(s, 6, m->how.version);
        sqlite3_bind_int(s, 7, m->how.cause);
        sql_bind_u64(s, 8, m->delivered);
        sql_bind_u64(s, 9, m->failed);
        sql_run(&store->db, s);
    }
    transit_forget(store);
}

static bool run_of_day(struct store *store, int which, int64_t day)
{
    sqlite3_stmt *s = sql_use(&store->db, which);

    sqlite3_bind_int64(s, 1, day);
    return sql_run(&store->db, s);
}

bool transit_expire(struct store *store, int64_t day)
{
    sqlite3_stmt *s;
    int64_t named;

    if (!run_of_day(store, SQL_OLD_TRANSIT, day - STATISTICS_DAYS))
        return false;
    s = sql_use(&store->db, SQL_TRANSIT_NAMED_DAY);
    sqlite3_bind_int64(s, 1, day - TRANSIT_NAMED_DAYS);
    if (!sql_step(&store->db, s))
        return store->db.hard == 0;
    named = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    if (run_of_day(store, SQL_TRANSIT_FOLD, named))
        (void)run_of_day(store, SQL_TRANSIT_UNNAME, named);
    return false; /* one day at a time: others wait for the writer */
}

/* ---- reads ---- */

enum store_result store_read_transit(struct store *store, const struct transit_query *q,
                                     bool (*each)(void *ctx, const struct transit_figure *f),
                                     void *ctx)
{
    enum store_result result;
    struct db *db = read_begin(store, &result);
    sqlite3_stmt *s;
    bool more = true;

    if (result != STORE_OK)
        return read_end(store, db, result);
    s = sql_use(db, READ_TRANSIT);
    sql_bind_view(s, 1, q->subscription);
    sqlite3_bind_int64(s, 2, q->from_day);
    sqlite3_bind_int64(s, 3, q->to_day);
    sqlite3_bind_int(s, 4, (int)q->by);
    sqlite3_bind_int(s, 5, q->troubled);
    sql_bind_u64(s, 6, q->max);
    sql_bind_u64(s, 7, q->skip);
    while (more && sql_step(db, s)) {
        struct transit_figure f = {
            .how = {.mechanism = (uint8_t)sqlite3_column_int(s, 1),
                    .version = (uint8_t)sqlite3_column_int(s, 2),
                    .cause = (uint8_t)sqlite3_column_int(s, 3)},
            .delivered = sql_u64(s, 4),
            .failed = sql_u64(s, 5),
        };

        if (q->by == TRANSIT_BY_DAY)
            f.day = sqlite3_column_int64(s, 0);
        else
            f.name = sql_view(s, 0);
        more = each(ctx, &f);
    }
    return read_end(store, db, STORE_OK);
}
