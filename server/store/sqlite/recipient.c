/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a recipient's row.
 *
 *   waits (queued, no lease) -> claimed (queued, lease) -> waits | final
 *   waits, claimed <-> held -> cancelled;  a claimed row that a hand held or cancelled keeps its lease, so that the true end of an attempt under way can still be written
 */
#include "sigillo/banned.h"
#include "sqlite_internal.h"

bool rcpt_get(struct store *store, uint64_t id, struct rcpt_row *out)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_RCPT_GET);

    sql_bind_u64(s, 1, id);
    if (!sql_step(&store->db, s))
        return false;
    out->id = id;
    out->message = sql_u64(s, 0);
    out->lane = sql_u64(s, 1);
    out->state = sqlite3_column_int(s, 2);
    out->next_at = sqlite3_column_int64(s, 3);
    out->lease = sqlite3_column_int64(s, 4);
    out->fence = sql_u64(s, 5);
    out->attempts = (uint32_t)sqlite3_column_int64(s, 6);
    out->flags = sqlite3_column_int(s, 7);
    sqlite3_reset(s);
    return true;
}

void note_change(struct store *store, uint64_t lane, int64_t due, int out)
{
    struct change *c = vector_add(&store->pending.changes);

    if (c == NULL) {
        store->pending.nomem = true;
        return;
    }
    c->lane = lane;
    c->due = due;
    c->out = out;
}

static bool waits(const struct rcpt_row *r)
{
    return r->state == RCPT_QUEUED && r->lease == 0;
}

void rcpt_set(struct store *store, const struct rcpt_row *before, const struct rcpt_row *after)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_RCPT_SET);
    int out = (after->lease > 0) - (before->lease > 0);
    bool begins = waits(after) && (!waits(before) || after->next_at < before->next_at);

    sql_bind_u64(s, 1, after->id);
    sqlite3_bind_int(s, 2, after->state);
    sqlite3_bind_int64(s, 3, after->next_at);
    sqlite3_bind_int64(s, 4, after->lease);
    sql_bind_u64(s, 5, after->fence);
    sqlite3_bind_int64(s, 6, after->attempts);
    sqlite3_bind_int(s, 7, after->flags);
    if (!sql_run(&store->db, s))
        return;
    if (begins || out != 0)
        note_change(store, after->lane, begins ? after->next_at : INT64_MAX, out);
    store->pending.waiting += (after->state == RCPT_QUEUED) - (before->state == RCPT_QUEUED);
    store->pending.held += (after->state == RCPT_HELD) - (before->state == RCPT_HELD);
}

void message_less(struct store *store, uint64_t message, uint64_t finals)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_UNFINISHED_GET);
    uint64_t remaining;
    bool spooled;

    sql_bind_u64(s, 1, message);
    if (finals == 0 || !sql_step(&store->db, s))
        return;
    remaining = sql_u64(s, 0);
    spooled = sqlite3_column_int(s, 1) != 0;
    sqlite3_reset(s);
    remaining = remaining > finals ? remaining - finals : 0;
    s = sql_use(&store->db, SQL_UNFINISHED_SET);
    sql_bind_u64(s, 1, message);
    sql_bind_u64(s, 2, remaining);
    if (sql_run(&store->db, s) && remaining == 0) {
        struct gone *gone = vector_add(&store->pending.gone);

        store->pending.messages--;
        if (gone == NULL)
            return; /* found again at the next start */
        gone->id = message;
        gone->spooled = spooled;
    }
}

void note_put(struct store *store, uint64_t rcpt, sgl_view status, sgl_view reason,
              sgl_view why_wait, sgl_view remote_mta)
{
    sqlite3_stmt *s;

    if (status.len + reason.len + why_wait.len + remote_mta.len == 0)
        return;
    s = sql_use(&store->db, SQL_NOTE_PUT);
    sql_bind_u64(s, 1, rcpt);
    sql_bind_view(s, 2, status);
    sql_bind_view(s, 3, sgl_view_sub(reason, 0, 1000));
    sql_bind_view(s, 4, why_wait);
    sql_bind_view(s, 5, remote_mta);
    sql_run(&store->db, s);
}

void trail_add(struct store *store, uint64_t message, const struct store_event *event,
               size_t events)
{
    sqlite3_stmt *s = sql_use(&store->db, SQL_EVENT_MAX);
    uint64_t n = 0;

    if (events == 0)
        return;
    sql_bind_u64(s, 1, message);
    if (sql_step(&store->db, s))
        n = sql_u64(s, 0);
    sqlite3_reset(s);
    for (size_t i = 0; i < events; i++) {
        s = sql_use(&store->db, SQL_EVENT_ADD);
        sql_bind_u64(s, 1, message);
        sql_bind_u64(s, 2, ++n);
        sql_bind_u64(s, 3, event[i].rcpt);
        sqlite3_bind_int64(s, 4, event[i].at_ms);
        sql_bind_view(s, 5, event[i].kind);
        sql_bind_view(s, 6, event[i].detail);
        if (!sql_run(&store->db, s))
            return;
    }
}
