/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer thread: whatever waits becomes one transaction.
 *
 * A group runs without savepoints, because operations find out what is wrong by reading before they write.  When one fails all the same (disk full, a row that is there already), the whole
 * transaction is rolled back and its operations run one by one, each in a transaction of its own: a neighbour is never hurt, and nothing is half done.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <time.h>

#include "sigillo/banned.h"
#include "sqlite_internal.h"

#define GONE_BATCH     256u
#define IDLE_US        200000
#define PERIOD_US      2000 /* from group to group when there are many clients */
#define MANY_OPS       6u
#define COMPANY_US     4000 /* outcomes wait so long for an acceptance to share its commit */
#define SPACE_EVERY_US 200000u
#define SPACE_MIN      (UINT64_C(32) << 20) /* kept free for outcomes; of a small disk a tenth */
#define LOOPS_MAX      64u

/* ---- home again ---- */

static void run_done(struct loop_task *task)
{
    struct store_op *op =
        (struct store_op *)(void *)((char *)task - offsetof(struct store_op, task));

    while (op != NULL) {
        struct store_op *next = op->next;

        op->done(op);
        op = next;
    }
}

void ops_complete(struct store_op *list)
{
    struct {
        struct loop *loop;
        struct store_op *first, *last;
    } home[LOOPS_MAX];
    size_t homes = 0;

    while (list != NULL) {
        struct store_op *op = list;
        size_t i = 0;

        list = op->next;
        op->next = NULL;
        if (op->loop == NULL) {
            op->done(op);
            continue;
        }
        while (i < homes && home[i].loop != op->loop)
            i++;
        if (i < homes) {
            home[i].last->next = op;
            home[i].last = op;
        } else if (homes < LOOPS_MAX) {
            home[homes].loop = op->loop;
            home[homes].first = home[homes].last = op;
            homes++;
        } else {
            op->task.run = run_done;
            loop_post(op->loop, &op->task);
        }
    }
    for (size_t i = 0; i < homes; i++) {
        home[i].first->task.run = run_done;
        loop_post(home[i].loop, &home[i].first->task);
    }
}

/* ---- the watch ---- */

struct watch_call {
    struct loop_task task;
    struct store_watch watch;
    enum store_control_verb verb;
    size_t rcpts;
    uint64_t rcpt[];
};

static void run_watch(struct loop_task *task)
{
    struct watch_call *call = (struct watch_call *)(void *)task;

    call->watch.changed(call->watch.ctx, call->verb, call->rcpt, call->rcpts);
    free(call);
}

static void tell_watch(struct store *store, const struct watched *w, size_t rcpts)
{
    struct watch_call *call = malloc(sizeof(*call) + rcpts * sizeof(uint64_t));

    if (call == NULL)
        return; /* the outcome will meet the changed row */
    pthread_mutex_lock(&store->watch_lock);
    call->watch = store->watch;
    pthread_mutex_unlock(&store->watch_lock);
    if (call->watch.changed == NULL) {
        free(call);
        return;
    }
    call->task.run = run_watch;
    call->verb = w->verb;
    call->rcpts = rcpts;
    for (size_t i = 0; i < rcpts; i++)
        call->rcpt[i] = w[i].rcpt;
    loop_post(call->watch.loop, &call->task);
}

static void tell_watched(struct store *store)
{
    const struct watched *w = store->pending.watched.item;
    size_t count = store->pending.watched.count;

    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && w[end].verb == w[i].verb;)
            end++;
        tell_watch(store, &w[i], end - i);
    }
}

void store_set_watch(struct store *store, const struct store_watch *watch)
{
    pthread_mutex_lock(&store->watch_lock);
    store->watch = *watch;
    pthread_mutex_unlock(&store->watch_lock);
}

/* ---- one operation ---- */

/* A message is refused for want of space while there is still enough for the ends of others. */
static enum store_result apply_op(struct store *store, struct store_op *op)
{
    switch (op->kind) {
    case STORE_ACCEPT: {
        struct store_accept *a = (struct store_accept *)(void *)op;

        if (atomic_load_explicit(&store->full, memory_order_relaxed))
            return STORE_FULL;
        return apply_accept(store, a, a->body, a->spooled);
    }
    case STORE_CLAIM:
        return apply_claim(store, (struct store_claim *)(void *)op);
    case STORE_OUTCOME:
        return apply_outcome(store, (struct store_outcome *)(void *)op);
    case STORE_RELEASE:
    case STORE_EXTEND:
        return apply_release(store, (struct store_release *)(void *)op);
    case STORE_CONTROL:
        return apply_control(store, (struct store_control *)(void *)op);
    case STORE_NOUN_PUT:
    case STORE_NOUN_DELETE:
        return apply_nouns(store, (struct store_noun_op *)(void *)op);
    case STORE_AUDIT:
        audit_add(store, ((struct store_audit_op *)(void *)op)->audit, SGL_LIT(""));
        return STORE_OK;
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
static void settle_pending(struct store *store)
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
    tell_watched(store);
    forget_pending(store);
}

static bool begin(struct store *store)
{
    store->db.hard = 0;
    return sql_run(&store->db, sql_use(&store->db, SQL_BEGIN));
}

static void roll_back(struct store *store)
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

static bool commit(struct store *store)
{
    uint64_t start = clock_mono_us(), us;

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

    if (begin(store)) {
        op->result = apply_op(store, op);
        if (commit(store)) {
            settle_pending(store);
            return true;
        }
    }
    hard = store->db.hard;
    roll_back(store);
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

static struct store_op *run_group(struct store *store, struct store_op *list)
{
    struct store_op *done = NULL, **tail = &done;
    struct store_op *op = list;

    if (begin(store)) {
        for (; op != NULL && store->db.hard == 0; op = op->next)
            op->result = apply_op(store, op);
    }
    if (store->db.hard != 0 || !commit(store)) {
        roll_back(store);
        for (struct store_op *tried = list; tried != op; tried = tried->next)
            undo_op(store, tried);
        return run_alone(store, list);
    }
    settle_pending(store);
    for (struct store_op *next; list != NULL; list = next) {
        next = list->next;
        tail = settle_op(store, list, tail);
    }
    return done;
}

/* ---- between groups ---- */

static void remove_gone(struct store *store)
{
    struct gone *gone = store->gone.item;

    if (!begin(store))
        return;
    apply_gone(store);
    if (!commit(store)) {
        health_set(store, "write", store->db.hard);
        roll_back(store);
        return; /* tried again with the next batch */
    }
    for (size_t i = 0; i < store->gone.count; i++) {
        if (gone[i].spooled)
            spools_remove(store, gone[i].id);
    }
    store->gone.count = 0;
}

/* The file was there first; its row has not come to be. */
static void drop_refused_files(struct store *store, const struct store_op *list)
{
    for (const struct store_op *op = list; op != NULL; op = op->next) {
        const struct store_accept *a = (const struct store_accept *)(const void *)op;

        if (op->kind == STORE_ACCEPT && op->result != STORE_OK && a->spooled)
            spools_remove(store, a->message->id);
    }
}

/* Claims of the former life go back, some after each group. */
static void give_back_leased(struct store *store)
{
    size_t used;

    inherit_take(store);
    if (store->leased.count == 0 || store->leased_refused)
        return;
    if (begin(store)) {
        used = apply_leased(store);
        if (commit(store)) {
            settle_pending(store);
            store->leased.count -= used;
            inherit_take(store);
            return;
        }
    }
    health_set(store, "write", store->db.hard);
    roll_back(store);
    store->leased_refused = true; /* again when a commit has succeeded */
}

static void look_at_space(struct store *store)
{
    uint64_t now = clock_mono_us(), floor;
    struct statvfs fs;

    if (now - store->space_seen_us < SPACE_EVERY_US && store->space_seen_us != 0)
        return;
    store->space_seen_us = now;
    if (statvfs(store->folder, &fs) != 0)
        return;
    floor = (uint64_t)fs.f_blocks * fs.f_frsize / 10;
    floor = floor < SPACE_MIN ? floor : SPACE_MIN;
    atomic_store_explicit(&store->full, (uint64_t)fs.f_bavail * fs.f_frsize < floor,
                          memory_order_relaxed);
}

/* After a failure: does the medium take writes again? */
static void probe(struct store *store)
{
    bool sick;

    pthread_mutex_lock(&store->health_lock);
    sick = store->sick[0] != '\0';
    pthread_mutex_unlock(&store->health_lock);
    if (!sick)
        return;
    if (!begin(store) || !sql_run(&store->db, sql_use(&store->db, SQL_PROBE)) || !commit(store)) {
        health_set(store, "write", store->db.hard);
        roll_back(store);
    }
}

static void finish_checkpoint(struct store *store)
{
    if (!atomic_exchange_explicit(&store->upkeep.finish, false, memory_order_acquire))
        return;
    sqlite3_wal_checkpoint_v2(store->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    upkeep_wal(arg, pages);
    return SQLITE_OK;
}

/* Somebody waits for its answer; the rest (what became of recipients, leases) can share a commit that comes anyway. */
static bool is_urgent(enum store_op_kind kind)
{
    return kind != STORE_OUTCOME && kind != STORE_RELEASE && kind != STORE_EXTEND;
}

void writer_enqueue(struct store *store, struct store_op *op)
{
    bool wake;

    op->next = NULL;
    pthread_mutex_lock(&store->lock);
    *store->tail = op;
    store->tail = &op->next;
    store->waiting_ops++;
    store->urgent_ops += is_urgent(op->kind);
    wake = (store->asleep && (store->urgent_ops == 1 || store->waiting_ops == 1)) ||
           store->waiting_ops >= store->config.group_max;
    pthread_mutex_unlock(&store->lock);
    if (wake)
        pthread_cond_signal(&store->more);
}

static void add_us(struct timespec *t, long us)
{
    t->tv_nsec += us * 1000L;
    t->tv_sec += t->tv_nsec / 1000000000L;
    t->tv_nsec %= 1000000000L;
}

static bool may_go(const struct store *store)
{
    return store->urgent_ops > 0 || (store->closing && store->spooling == 0) ||
           store->waiting_ops >= store->config.group_max;
}

/* After a large group: there are many clients, so a moment's patience lets more of them share the next sync. */
static void gather(struct store *store)
{
    struct timespec until;
    uint64_t now = clock_mono_us(), due = store->group_began_us + PERIOD_US;
    int error = 0;

    if (store->last_group < MANY_OPS || now >= due)
        return;
    clock_gettime(CLOCK_MONOTONIC, &until);
    add_us(&until, (long)(due - now));
    while (store->waiting_ops < store->config.group_max && error == 0) {
        store->asleep = false; /* only a full group wakes */
        error = pthread_cond_timedwait(&store->more, &store->lock, &until);
    }
}

/*
 * Waits for something to do.  Outcomes alone wait a little for company.  A lone client never waits.
 */
static void wait_for_work(struct store *store)
{
    struct timespec until;
    int error = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    add_us(&until, IDLE_US);
    while (store->waiting_ops == 0 && !may_go(store) && !inherit_has_work(store) && error == 0) {
        store->asleep = true;
        error = pthread_cond_timedwait(&store->more, &store->lock, &until);
    }
    error = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    add_us(&until, COMPANY_US);
    while (store->waiting_ops > 0 && !may_go(store) && error == 0) {
        store->asleep = true;
        error = pthread_cond_timedwait(&store->more, &store->lock, &until);
    }
    gather(store);
    store->asleep = false;
}

static struct store_op *next_group(struct store *store, bool *end)
{
    struct store_op *list = NULL, **tail = &list;
    size_t before;

    pthread_mutex_lock(&store->lock);
    wait_for_work(store);
    before = store->waiting_ops;
    for (unsigned n = 0; n < store->config.group_max && store->head != NULL; n++) {
        struct store_op *op = store->head;

        store->head = op->next;
        *tail = op;
        tail = &op->next;
        store->waiting_ops--;
        store->urgent_ops -= is_urgent(op->kind);
    }
    *tail = NULL;
    if (store->head == NULL)
        store->tail = &store->head;
    store->last_group = before - store->waiting_ops;
    store->group_began_us = clock_mono_us();
    *end = store->closing && store->spooling == 0 && list == NULL;
    pthread_mutex_unlock(&store->lock);
    return list;
}

void *writer_main(void *arg)
{
    struct store *store = arg;
    bool end = false;

    thread_quiet("store-writer");
    sqlite3_wal_hook(store->db.handle, on_wal, store);
    while (!end) {
        struct store_op *list = next_group(store, &end);
        size_t ops = 0;

        look_at_space(store);
        give_back_leased(store);
        if (list == NULL) {
            if (store->gone.count > 0)
                remove_gone(store);
            probe(store);
            finish_checkpoint(store);
            continue;
        }
        for (const struct store_op *op = list; op != NULL; op = op->next)
            ops++;
        list = run_group(store, list);
        drop_refused_files(store, list);
        ops_complete(list);
        atomic_fetch_add_explicit(&store->operations, ops, memory_order_relaxed);
        if (store->gone.count >= GONE_BATCH)
            remove_gone(store);
        finish_checkpoint(store);
    }
    return NULL;
}
