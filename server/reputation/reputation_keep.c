/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store.  Rows that changed go there in batches, one batch at a time; what it does not take waits for the next tick.  Rows tell the time of the wall, which is what the next
 * process begins with; in memory time may have stood still meanwhile, see score_clock().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "reputation_internal.h"
#include "sigillo/banned.h"

_Static_assert(REPUTATION_COUNTS == REPUTATION_EVENTS, "what is counted is what is kept");

/* ---- to the store ---- */

static struct reputation *owner_of(struct store_op *op)
{
    return (struct reputation *)(void *)((char *)op - offsetof(struct reputation, writing.op.op));
}

/* With the lock held. */
static bool take_row(struct reputation *r, struct writing *w)
{
    struct seen *e = seen_take_changed(&r->seen);
    struct reputation_row *row = &w->row[w->op.rows];

    if (e == NULL)
        return false;
    snprintf(w->name[w->op.rows], REPUTATION_NAME_SIZE, "%s", e->name);
    *row = (struct reputation_row){.kind = e->kind,
                                   .name = sgl_view_cstr(w->name[w->op.rows]),
                                   .at = e->at + (r->clock.wall - r->clock.time),
                                   .last = e->last + (r->clock.wall - r->clock.time),
                                   .remove = e->gone};
    memcpy(row->count, e->counts.of, sizeof(row->count));
    w->op.rows++;
    if (e->gone)
        free(e);
    else
        e->stored = true;
    return true;
}

static size_t take_rows(struct reputation *r, struct writing *w)
{
    w->op = (struct reputation_op){.op = {.kind = STORE_REPUTATION}, .row = w->row};
    pthread_mutex_lock(&r->lock);
    while (w->op.rows < WRITE_ROWS && take_row(r, w))
        ;
    pthread_mutex_unlock(&r->lock);
    return w->op.rows;
}

static void write_again(struct reputation *r)
{
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->writing.op.rows; i++) {
        const struct reputation_row *row = &r->writing.row[i];
        struct seen *e = seen_find(&r->seen, row->kind, row->name);

        if (e != NULL)
            seen_changed(&r->seen, e);
    }
    pthread_mutex_unlock(&r->lock);
}

static void written(struct store_op *op)
{
    struct reputation *r = owner_of(op);

    r->is_writing = false;
    if (op->result != STORE_OK) {
        log_line(LOG_WARN_, "reputations are not written",
                 LOG_STR("why", store_result_text(op->result)));
        write_again(r);
    } else if (r->writing.op.rows == WRITE_ROWS) {
        reputation_write(r);
    }
}

void reputation_write(struct reputation *r)
{
    if (r->is_writing || take_rows(r, &r->writing) == 0)
        return;
    r->is_writing = true;
    r->writing.op.op.loop = r->parts.loop;
    r->writing.op.op.done = written;
    store_submit(r->parts.store, &r->writing.op.op);
}

static void last_written(struct store_op *op)
{
    free(op); /* its first member; what the store did not take is lost with the process */
}

/* The loop has ended: a batch that is on its way is the store's, and what is left goes in batches of its own. */
void reputation_end(struct reputation *r)
{
    struct writing *w;

    while ((w = malloc(sizeof(*w))) != NULL && take_rows(r, w) > 0) {
        w->op.op.done = last_written;
        store_submit(r->parts.store, &w->op.op);
    }
    free(w);
}

/* ---- from the store ---- */

struct loading {
    struct reputation *r;
    int64_t now;
    size_t left_out;
};

/* What is worth nothing any more, or finds no room, goes from the store as well. */
static bool load_row(void *ctx, const struct reputation_row *row)
{
    struct loading *l = ctx;
    struct seen_set *k = &l->r->seen;
    struct seen *e = NULL;

    if (row->kind < REPUTATION_KINDS && row->name.len > 0 && row->name.len < REPUTATION_NAME_SIZE &&
        seen_find(k, row->kind, row->name) == NULL)
        e = seen_add(k, row->kind, row->name, l->now);
    if (e == NULL) {
        l->left_out++;
        return true;
    }
    for (int i = 0; i < REPUTATION_EVENTS; i++)
        e->counts.of[i] = row->count[i] >= 0 && row->count[i] < 1e12 ? row->count[i] : 0;
    e->at = row->at < l->now ? row->at : l->now; /* a clock that was wrong then */
    e->last = row->last < l->now ? row->last : l->now;
    e->stored = true;
    seen_age(k, e, l->now);
    if (score_telling(&e->counts) < SEEN_WORTH)
        seen_remove(k, e);
    return true;
}

void reputation_load(struct reputation *r, int64_t now_s)
{
    struct loading l = {.r = r};
    enum store_result result;

    pthread_mutex_lock(&r->lock);
    l.now = score_clock(&r->clock, now_s);
    result = store_read_reputation(r->parts.store, load_row, &l);
    pthread_mutex_unlock(&r->lock);
    if (result != STORE_OK || l.left_out > 0)
        log_line(LOG_WARN_, "not all reputations are read",
                 LOG_STR("why", result != STORE_OK ? store_result_text(result) : "unreadable rows"),
                 LOG_INT("rows", (int64_t)l.left_out));
}
