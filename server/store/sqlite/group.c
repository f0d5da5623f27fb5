/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group of operations is one transaction.
 *
 * It runs without savepoints, because operations find out what is wrong by reading before they write.  When one fails all the same (disk full, a row that is there already), the whole
 * transaction is rolled back and its operations run one by one, each in a transaction of its own: a neighbour is never hurt, and nothing is half done.
 */
#include <stdlib.h>

#include "../dmarc_judged.h"
#include "../dmarc_received.h"
#include "../draft.h"
#include "../received.h"
#include "../report.h"
#include "../reputation.h"
#include "../returned.h"
#include "../tlsrpt.h"
#include "sigillo/banned.h"
#include "sqlite_internal.h"

/* A message is refused for want of space while there is still enough for the ends of others. */
static enum store_result apply_op(struct store *store, struct store_op *op)
{
    switch (op->kind) {
    case STORE_ACCEPT: {
        struct store_accept *a = (struct store_accept *)(void *)op;

        if (atomic_load_explicit(&store->full, memory_order_relaxed))
            return STORE_FULL;
        return apply_accept(store, a);
    }
    case STORE_STAGE:
        return STORE_OK; /* done by a thread of the spool */
    case STORE_CLAIM:
        return apply_claim(store, (struct store_claim *)(void *)op);
    case STORE_OUTCOME:
        return apply_outcome(store, (struct store_outcome *)(void *)op);
    case STORE_RELEASE:
    case STORE_EXTEND:
        return apply_release(store, (struct store_release *)(void *)op);
    case STORE_CONTROL:
        return apply_control(store, (struct store_control *)(void *)op);
    case STORE_BATCH:
        return apply_batch(store, (struct store_batch *)(void *)op);
    case STORE_NOUN_PUT:
    case STORE_NOUN_DELETE:
        return apply_nouns(store, (struct store_noun_op *)(void *)op);
    case STORE_AUDIT:
        audit_add(store, ((struct store_audit_op *)(void *)op)->audit, SGL_LIT(""));
        return STORE_OK;
    case STORE_TALLY:
        apply_tally(store, &((struct store_tally_op *)(void *)op)->tally);
        return STORE_OK;
    case STORE_DRAFT:
        return apply_draft(store, (struct store_draft_op *)(void *)op);
    case STORE_RECEIVED:
        return apply_received(store, (const struct received_op *)(const void *)op);
    case STORE_DMARC_RECEIVED:
        return apply_dmarc_received(store, (const struct dmarc_received_op *)(const void *)op);
    case STORE_TLSRPT:
        return apply_tlsrpt(store, (const struct tlsrpt_op *)(const void *)op);
    case STORE_REPUTATION:
        return apply_reputation(store, (const struct reputation_op *)(const void *)op);
    case STORE_DMARC_JUDGED:
        return apply_dmarc_judged(store, (const struct dmarc_count_op *)(const void *)op);
    case STORE_REPORT:
        return apply_report(store, (struct report_op *)(void *)op);
    case STORE_RETURNED:
        return apply_returned(store, (struct returned_op *)(void *)op);
    case STORE_EXPIRE_TRAIL:
        return apply_expire_trail(store, (struct store_expire_trail *)(void *)op);
    }
    return STORE_IO;
}

static void undo_op(struct store *store, struct store_op *op)
{
    if (op->kind == STORE_CLAIM)
        undo_claim(store, (struct store_claim *)(void *)op);
    else if (op->kind == STORE_CONTROL)
        undo_control((struct store_control *)(void *)op);
    else if (op->kind == STORE_ACCEPT)
        undo_accept((struct store_accept *)(void *)op);
}

/* true: it goes on in a later group. */
static bool op_committed(struct store *store, struct store_op *op)
{
    if (op->kind == STORE_CLAIM) {
        struct store_claim *c = (struct store_claim *)(void *)op;

        free(c->memory);
        c->memory = NULL;
        store->clock_seen_ms = op->clock_ms;
        c->next_due = lanes_next(&store->lanes, c->now);
        if (!store->inherit.complete && c->next_due > c->now + 1)
            c->next_due = c->now + 1; /* more may turn up */
    } else if (op->kind == STORE_CONTROL) {
        return ((struct store_control *)(void *)op)->own.again;
    } else if (op->result == STORE_OK && op->kind == STORE_NOUN_PUT) {
        nouns_committed((struct store_noun_op *)(void *)op);
    }
    return false;
}

/* ---- the transaction ---- */

static void forget_pending(struct store *store)
{
    struct pending *p = &store->pending;

    p->changes.count = p->gone.count = p->watched.count = p->turns.count = 0;
    batches_forget(store);
    statistics_forget(store);
    transit_forget(store);
    p->waiting = p->held = p->messages = 0;
    p->nomem = false;
}

static void forget_lane_names(struct store *store)
{
    for (size_t i = 0; i < LANE_NAMES; i++)
        store->lane_name[i].id = 0;
}

static void add_count(_Atomic uint64_t *to, int64_t change)
{
    atomic_fetch_add_explicit(to, (uint64_t)change, memory_order_relaxed);
}

/* The commit is durable: what it means for memory becomes true. */
void group_settle(struct store *store)
{
    struct pending *p = &store->pending;
    const struct change *change = p->changes.item;

    for (size_t i = 0; i < p->changes.count; i++) {
        if (change[i].out != 0)
            lanes_out(&store->lanes, change[i].lane, change[i].out);
        if (change[i].due != INT64_MAX)
            lanes_wait(&store->lanes, change[i].lane, change[i].due);
    }
    for (size_t i = 0; i < p->gone.count; i++) {
        struct gone *gone = vector_add(&store->gone);

        if (gone != NULL)
            *gone = ((struct gone *)p->gone.item)[i];
    }
    add_count(&store->waiting, p->waiting);
    add_count(&store->held, p->held);
    add_count(&store->messages, p->messages);
    batches_settle(store);
    tell_watched(store);
    forget_pending(store);
}

bool group_begin(struct store *store)
{
    store->db.hard = 0;
    return sql_run(&store->db, sql_use(&store->db, SQL_BEGIN));
}

void group_roll_back(struct store *store)
{
    for (size_t i = 0; i < store->db.stmts; i++)
        sqlite3_reset(store->db.stmt[i]);
    if (sqlite3_get_autocommit(store->db.handle) == 0)
        sqlite3_exec(store->db.handle, "ROLLBACK", NULL, NULL, NULL);
    for (size_t i = 0; i < store->pending.turns.count; i++)
        lanes_wait(&store->lanes, ((uint64_t *)store->pending.turns.item)[i], 0);
    forget_pending(store);
    forget_lane_names(store);
}

bool group_commit(struct store *store)
{
    uint64_t start = clock_mono_us(), us;

    if (store->db.hard == 0)
        statistics_write(store);
    if (store->db.hard == 0)
        transit_write(store);
    if (store->pending.nomem && store->db.hard == 0)
        store->db.hard = SQLITE_NOMEM;
    if (store->db.hard != 0 || !sql_run(&store->db, sql_use(&store->db, SQL_COMMIT)))
        return false;
    us = clock_mono_us() - start;
    atomic_fetch_add_explicit(&store->commits, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->commit_us_total, us, memory_order_relaxed);
    if (us > atomic_load_explicit(&store->commit_us_max, memory_order_relaxed))
        atomic_store_explicit(&store->commit_us_max, us, memory_order_relaxed);
    health_set(store, NULL, 0);
    store->leased_refused = false;
    return true;
}

/* Sends what is finished to *tail, the rest to the end of the line. */
static struct store_op **settle_op(struct store *store, struct store_op *op, struct store_op **tail)
{
    op->next = NULL;
    if (op_committed(store, op)) {
        writer_enqueue(store, op);
        return tail;
    }
    *tail = op;
    return &op->next;
}

static bool run_one(struct store *store, struct store_op *op)
{
    int hard;

    if (group_begin(store)) {
        op->result = apply_op(store, op);
        if (group_commit(store)) {
            group_settle(store);
            return true;
        }
    }
    hard = store->db.hard;
    group_roll_back(store);
    undo_op(store, op);
    op->result = result_of_sqlite(hard);
    if (op->result != STORE_EXISTS)
        health_set(store, "write", hard);
    return false;
}

/* Each by itself. Once the disk has refused, new messages of the same group are not tried again. */
static struct store_op *run_alone(struct store *store, struct store_op *list)
{
    struct store_op *done = NULL, **tail = &done;
    enum store_result refused = STORE_OK;

    for (struct store_op *op = list, *next; op != NULL; op = next) {
        next = op->next;
        if (op->kind == STORE_ACCEPT && refused != STORE_OK) {
            op->result = refused;
        } else if (run_one(store, op)) {
            tail = settle_op(store, op, tail);
            continue;
        } else if (op->result == STORE_FULL || op->result == STORE_IO) {
            refused = op->result;
        }
        op->next = NULL;
        *tail = op;
        tail = &op->next;
    }
    return done;
}

struct store_op *group_run(struct store *store, struct store_op *list)
{
    struct store_op *done = NULL, **tail = &done;
    struct store_op *op = list;

    if (group_begin(store)) {
        for (; op != NULL && store->db.hard == 0; op = op->next)
            op->result = apply_op(store, op);
    }
    if (store->db.hard != 0 || !group_commit(store)) {
        group_roll_back(store);
        for (struct store_op *tried = list; tried != op; tried = tried->next)
            undo_op(store, tried);
        return run_alone(store, list);
    }
    group_settle(store);
    for (struct store_op *next; list != NULL; list = next) {
        next = list->next;
        tail = settle_op(store, list, tail);
    }
    return done;
}
