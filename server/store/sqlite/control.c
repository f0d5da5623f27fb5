/* SPDX-License-Identifier: Apache-2.0 */
/* An administrator's hand on recipients. What touches everything is done in slices, so that the mail goes on in between. */
#include <stdlib.h>

#include "../json_text.h"
#include "sigillo/banned.h"
#include "sqlite_internal.h"

#define SLICE_RCPTS 1000u

struct hand {
    struct store *store;
    struct store_control *control;
    struct vector lanes; /* uint64_t: those of the wanted domain */
    struct sgl_buf detail;
    size_t seen;
};

static bool lane_wanted(const struct hand *h, uint64_t lane)
{
    const uint64_t *id = h->lanes.item;

    if (h->control->domain.len == 0)
        return true;
    for (size_t i = 0; i < h->lanes.count; i++) {
        if (id[i] == lane)
            return true;
    }
    return false;
}

static void find_lanes(struct hand *h)
{
    sqlite3_stmt *s = sql_use(&h->store->db, SQL_LANE_DOMAIN);

    if (h->control->domain.len == 0)
        return;
    sql_bind_view(s, 1, h->control->domain);
    while (sql_step(&h->store->db, s)) {
        uint64_t *id = vector_add(&h->lanes);

        if (id != NULL)
            *id = sql_u64(s, 0);
    }
}

/* What a verb makes of a row of a batch: its own time stays. */
static bool change_batch_row(enum store_control_verb verb, int64_t now, struct rcpt_row *r)
{
    if (verb == CONTROL_CANCEL) {
        r->state = RCPT_CANCELLED;
        return true;
    }
    if (verb == CONTROL_HOLD && r->state == RCPT_QUEUED) {
        r->state = RCPT_HELD;
        r->flags |= RCPT_FLAG_BATCH_HELD;
        return true;
    }
    if (verb != CONTROL_RELEASE || (r->flags & RCPT_FLAG_BATCH_HELD) == 0)
        return false;
    r->state = RCPT_QUEUED;
    r->flags &= ~RCPT_FLAG_BATCH_HELD;
    r->next_at = r->next_at > now ? r->next_at : now;
    return true;
}

/* What the verb makes of a row; false: it does not apply. */
static bool change_row(const struct store_control *c, struct rcpt_row *r)
{
    int64_t now = c->now;

    if (state_is_final(r->state))
        return false;
    if (c->batch.len > 0)
        return change_batch_row(c->verb, now, r);
    switch (c->verb) {
    case CONTROL_RETRY:
        r->next_at = now;
        return r->state == RCPT_QUEUED;
    case CONTROL_HOLD:
        if (r->state == RCPT_HELD && (r->flags & RCPT_FLAG_BATCH_HELD) == 0)
            return false;
        r->state = RCPT_HELD;
        r->flags &= ~RCPT_FLAG_BATCH_HELD;
        return true;
    case CONTROL_RELEASE:
        if (r->state != RCPT_HELD || (r->flags & RCPT_FLAG_BATCH_HELD) != 0)
            return false;
        r->state = RCPT_QUEUED;
        r->next_at = now;
        return true;
    case CONTROL_CANCEL:
        r->state = RCPT_CANCELLED;
        return true;
    }
    return false;
}

static sgl_view verb_event(enum store_control_verb verb)
{
    switch (verb) {
    case CONTROL_RETRY:
        return SGL_LIT("retried");
    case CONTROL_HOLD:
        return SGL_LIT("held");
    case CONTROL_RELEASE:
        return SGL_LIT("released");
    case CONTROL_CANCEL:
        return SGL_LIT("cancelled");
    }
    return SGL_LIT("changed");
}

static void touch(struct hand *h, uint64_t rcpt, uint64_t message, uint64_t *finals)
{
    struct store *store = h->store;
    struct store_control *c = h->control;
    struct rcpt_row before, after;
    struct store_event event;

    h->seen++;
    if (!rcpt_get(store, rcpt, &before) || before.message != message ||
        !lane_wanted(h, before.lane))
        return;
    after = before;
    if (!change_row(c, &after))
        return;
    rcpt_set(store, &before, &after);
    *finals += state_is_final(after.state);
    c->changed++;
    event =
        (struct store_event){c->now * 1000, rcpt, verb_event(c->verb), sgl_buf_view(&h->detail)};
    trail_add(store, message, &event, 1);
    if (before.lease > 0) {
        struct watched *watched = vector_add(&store->pending.watched);

        if (watched != NULL)
            *watched = (struct watched){rcpt, c->verb};
    }
}

static void touch_message(struct hand *h, uint64_t message, uint64_t first, uint64_t rcpts)
{
    uint64_t finals = 0;

    for (uint64_t i = 0; i < rcpts && h->store->db.hard == 0; i++) {
        if (h->control->rcpt == 0 || h->control->rcpt == first + i)
            touch(h, first + i, message, &finals);
    }
    message_less(h->store, message, finals);
}

/* *others: it is of another subscription than the one that the hand is held to. */
static bool next_message(struct hand *h, enum sql which, uint64_t id, uint64_t out[3], bool *others)
{
    struct store *store = h->store;
    sqlite3_stmt *s = sql_use(&store->db, (int)which);
    sgl_view only = h->control->subscription;

    sql_bind_u64(s, 1, id);
    if (!sql_step(&store->db, s))
        return false;
    for (int i = 0; i < 3; i++)
        out[i] = sql_u64(s, i);
    *others = only.len > 0 && !sgl_view_eq(only, sql_view(s, 3));
    sqlite3_reset(s);
    return true;
}

static enum store_result touch_batch(struct hand *h)
{
    struct store *store = h->store;
    struct store_control *c = h->control;
    enum store_result r = c->own.cursor == 0 ? batch_control(store, c) : STORE_OK;

    if (r != STORE_OK)
        return r;
    while (h->seen < SLICE_RCPTS && store->db.hard == 0) {
        sqlite3_stmt *s = sql_use(&store->db, SQL_BATCH_AFTER);
        uint64_t m[3];

        sql_bind_u64(s, 1, c->own.cursor);
        sql_bind_view(s, 2, c->subscription);
        sql_bind_view(s, 3, c->batch);
        if (!sql_step(&store->db, s))
            return STORE_OK;
        for (int i = 0; i < 3; i++)
            m[i] = sql_u64(s, i);
        sqlite3_reset(s);
        touch_message(h, m[0], m[1], m[2]);
        c->own.cursor = m[0];
    }
    c->own.again = true;
    return STORE_OK;
}

static enum store_result touch_one(struct hand *h, uint64_t message)
{
    uint64_t m[3];
    bool others;

    if (!next_message(h, SQL_UNFINISHED_ONE, message, m, &others) || others)
        return STORE_NOT_FOUND;
    if (h->control->rcpt != 0 && (h->control->rcpt < m[1] || h->control->rcpt - m[1] >= m[2]))
        return STORE_NOT_FOUND;
    touch_message(h, m[0], m[1], m[2]);
    return STORE_OK;
}

static enum store_result touch_all(struct hand *h)
{
    uint64_t m[3];
    bool others;

    while (h->seen < SLICE_RCPTS && h->store->db.hard == 0) {
        if (!next_message(h, SQL_UNFINISHED_AFTER, h->control->own.cursor, m, &others))
            return STORE_OK;
        if (others)
            h->seen++;
        else
            touch_message(h, m[0], m[1], m[2]);
        h->control->own.cursor = m[0];
    }
    h->control->own.again = true;
    return STORE_OK;
}

void undo_control(struct store_control *c)
{
    c->own.audited = c->own.audited_before;
    c->own.cursor = c->own.cursor_before;
    c->own.again = false;
    c->changed = c->own.changed_before;
}

/* A line with the first group that changes something; when it took several, another tells the sum. */
static void audit_control(struct store *store, struct store_control *c)
{
    bool first = !c->own.audited && c->changed > c->own.changed_before;
    bool last = c->own.audited && !c->own.again;
    struct sgl_buf more = SGL_BUF_INIT(80);

    if (c->audit == NULL || (!first && !last))
        return;
    sgl_buf_addf(&more, "%s%zu recipients%s", c->audit->detail.len > 0 ? ": " : "", c->changed,
                 last           ? " in all"
                 : c->own.again ? " so far"
                                : "");
    if (more.status != SGL_OK)
        store->pending.nomem = true;
    else
        audit_add(store, c->audit, sgl_buf_view(&more));
    c->own.audited = true;
    sgl_buf_done(&more);
}

enum store_result apply_control(struct store *store, struct store_control *c)
{
    struct hand h = {.store = store,
                     .control = c,
                     .lanes = {.size = sizeof(uint64_t)},
                     .detail = SGL_BUF_INIT(4096)};
    struct rcpt_row row;
    enum store_result r;

    c->own.again = false;
    c->own.cursor_before = c->own.cursor;
    c->own.changed_before = c->changed;
    c->own.audited_before = c->own.audited;
    find_lanes(&h);
    sgl_buf_add_byte(&h.detail, '{');
    json_text_member(&h.detail, "by", sgl_view_sub(c->actor, 0, 500));
    sgl_buf_add_byte(&h.detail, '}');
    if (h.detail.status != SGL_OK)
        sgl_buf_reset(&h.detail);
    if (c->batch.len > 0)
        r = touch_batch(&h);
    else if (c->message != 0)
        r = touch_one(&h, c->message);
    else if (c->rcpt != 0)
        r = rcpt_get(store, c->rcpt, &row) ? touch_one(&h, row.message) : STORE_NOT_FOUND;
    else
        r = touch_all(&h);
    audit_control(store, c);
    vector_done(&h.lanes);
    sgl_buf_done(&h.detail);
    return r;
}
