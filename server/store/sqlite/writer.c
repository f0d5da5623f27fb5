/* SPDX-License-Identifier: Apache-2.0 */
/* The writer thread: whatever waits becomes one group; between groups it looks after space, health and what is left of the former life. */
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

/* ---- between groups ---- */

static void remove_gone(struct store *store)
{
    struct gone *gone = store->gone.item;

    if (!group_begin(store))
        return;
    apply_gone(store);
    if (!group_commit(store)) {
        health_set(store, "write", store->db.hard);
        group_roll_back(store);
        return; /* tried again with the next batch */
    }
    for (size_t i = 0; i < store->gone.count; i++) {
        if (gone[i].spooled)
            spools_remove(store, gone[i].id);
    }
    store->gone.count = 0;
}

/* The file was there first; its row has not come to be. */
static void drop_refused_files(struct store *store, struct store_op *list)
{
    for (struct store_op *op = list; op != NULL; op = op->next)
        if (op->kind == STORE_ACCEPT && op->result != STORE_OK)
            spools_forget(store, (struct store_accept *)(void *)op);
}

/* Claims of the former life go back, some after each group. */
static void give_back_leased(struct store *store)
{
    size_t used;

    inherit_take(store);
    if (store->leased.count == 0 || store->leased_refused)
        return;
    if (group_begin(store)) {
        used = apply_leased(store);
        if (group_commit(store)) {
            group_settle(store);
            store->leased.count -= used;
            inherit_take(store);
            return;
        }
    }
    health_set(store, "write", store->db.hard);
    group_roll_back(store);
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
    if (!group_begin(store) || !sql_run(&store->db, sql_use(&store->db, SQL_PROBE)) ||
        !group_commit(store)) {
        health_set(store, "write", store->db.hard);
        group_roll_back(store);
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
        list = group_run(store, list);
        drop_refused_files(store, list);
        ops_complete(list);
        atomic_fetch_add_explicit(&store->operations, ops, memory_order_relaxed);
        if (store->gone.count >= GONE_BATCH)
            remove_gone(store);
        finish_checkpoint(store);
    }
    return NULL;
}
