/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the former life left: which lanes have mail, which claims were open, which bodies and files are nobody's.  With a million messages on a cold disk that takes many seconds to read, and new
 * mail need not wait for it.  So a thread reads it from a view of the database as it was before the new life wrote anything; the writer, which knows of its own changes, adds what was found.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "sigillo/banned.h"
#include "sqlite_internal.h"

#define BATCH       256u
#define LEASES_TURN 100u
#define WAIT_S      1

struct finder {
    struct store *store;
    sqlite3_stmt *s;
    struct vector *to; /* of store->inherit */
    size_t count;
};

static bool is_stopping(struct store *store)
{
    bool stop;

    pthread_mutex_lock(&store->lock);
    stop = store->inherit.stop;
    pthread_mutex_unlock(&store->lock);
    return stop;
}

static bool open_statement(struct finder *f, const char *sql)
{
    struct inherit *in = &f->store->inherit;

    f->s = NULL;
    f->count = 0;
    if (in->db.hard == 0 && sqlite3_prepare_v2(in->db.handle, sql, -1, &f->s, NULL) != SQLITE_OK)
        in->db.hard = sqlite3_extended_errcode(in->db.handle);
    return in->db.hard == 0;
}

/* The next row, unless the store closes. */
static bool next_row(struct finder *f)
{
    return !(f->count++ % BATCH == 0 && is_stopping(f->store)) &&
           sql_step(&f->store->inherit.db, f->s);
}

/* Hands one thing to the writer; the lock is not for long. */
static void *hand_over_begin(struct finder *f)
{
    void *item;

    pthread_mutex_lock(&f->store->lock);
    item = vector_add(f->to);
    if (item == NULL)
        f->store->inherit.db.hard = SQLITE_NOMEM;
    return item;
}

static void hand_over_end(struct finder *f)
{
    bool wake = !f->store->inherit.news;

    f->store->inherit.news = true;
    pthread_mutex_unlock(&f->store->lock);
    if (wake)
        pthread_cond_signal(&f->store->more);
}

static void find_lanes(struct store *store)
{
    struct finder f = {.store = store, .to = &store->inherit.waits};

    if (!open_statement(&f, "SELECT lane,min(next_at),count(*) FROM recipient INDEXED BY"
                            " recipient_due WHERE state=0 AND lease=0 GROUP BY lane"))
        return;
    while (next_row(&f)) {
        struct change *c = hand_over_begin(&f);

        if (c != NULL)
            *c = (struct change){sql_u64(f.s, 0), sqlite3_column_int64(f.s, 1), 0};
        hand_over_end(&f);
        atomic_fetch_add(&store->waiting, sql_u64(f.s, 2));
    }
    sqlite3_finalize(f.s);
}

static void find_leased(struct store *store)
{
    struct finder f = {.store = store, .to = &store->inherit.leased};

    if (!open_statement(&f, "SELECT id,state FROM recipient INDEXED BY recipient_leased"
                            " WHERE lease>0"))
        return;
    while (next_row(&f)) {
        uint64_t *id = hand_over_begin(&f);

        if (id != NULL)
            *id = sql_u64(f.s, 0);
        hand_over_end(&f);
        atomic_fetch_add(&store->waiting, sqlite3_column_int(f.s, 1) == RCPT_QUEUED);
        atomic_fetch_add(&store->held, sqlite3_column_int(f.s, 1) == RCPT_HELD);
    }
    sqlite3_finalize(f.s);
}

static void find_held(struct store *store)
{
    struct finder f = {.store = store};

    if (!open_statement(&f, "SELECT lease FROM recipient INDEXED BY recipient_held WHERE state=1"))
        return;
    while (next_row(&f))
        atomic_fetch_add(&store->held, sqlite3_column_int64(f.s, 0) == 0);
    sqlite3_finalize(f.s);
}

static void find_unfinished(struct store *store)
{
    struct finder f = {.store = store, .to = &store->inherit.gone};

    if (!open_statement(&f, "SELECT id,remaining,spooled FROM unfinished"))
        return;
    while (next_row(&f)) {
        struct gone *gone;

        if (sql_u64(f.s, 1) > 0) {
            atomic_fetch_add_explicit(&store->messages, 1, memory_order_relaxed);
            continue;
        }
        gone = hand_over_begin(&f);
        if (gone != NULL)
            *gone = (struct gone){sql_u64(f.s, 0), sqlite3_column_int(f.s, 2) != 0};
        hand_over_end(&f);
    }
    sqlite3_finalize(f.s);
}

static bool is_wanted(void *ctx, uint64_t id)
{
    struct finder *f = ctx;
    bool found;

    if (id > f->store->inherit.born)
        return true; /* this life's: its row may be on the way */
    sql_bind_u64(f->s, 1, id);
    found = sql_step(&f->store->inherit.db, f->s) || f->store->inherit.db.hard != 0;
    sqlite3_reset(f->s);
    return found; /* in doubt it stays */
}

static void *inherit_main(void *arg)
{
    struct store *store = arg;
    struct inherit *in = &store->inherit;
    struct finder f = {.store = store};

    thread_quiet("store-inherit");
    find_leased(store);
    find_lanes(store);
    find_held(store);
    find_unfinished(store);
    if (!is_stopping(store) && open_statement(&f, "SELECT 1 FROM unfinished WHERE id=?1")) {
        spool_sweep(store->spool, is_wanted, &f);
        sqlite3_finalize(f.s);
    }
    pthread_mutex_lock(&store->lock);
    in->hard = in->db.hard;
    in->found_all = in->news = true;
    pthread_mutex_unlock(&store->lock);
    pthread_cond_signal(&store->more);
    if (in->hard != 0) {
        pthread_mutex_lock(&store->health_lock);
        snprintf(store->damaged, sizeof(store->damaged), "%s: damaged: %s", store->path,
                 sqlite3_errmsg(in->db.handle));
        pthread_mutex_unlock(&store->health_lock);
    }
    sqlite3_exec(in->db.handle, "COMMIT", NULL, NULL, NULL); /* the view ends */
    return NULL;
}

bool inherit_start(struct store *store, char *why, size_t why_size)
{
    struct inherit *in = &store->inherit;

    in->born = id_new();
    if (!db_open(&in->db, store->path, false, why, why_size))
        return false;
    /* The view begins with the first read: here, before the writer lives. */
    if (sqlite3_exec(in->db.handle, "BEGIN; SELECT max(step) FROM version", NULL, NULL, NULL) !=
        SQLITE_OK) {
        snprintf(why, why_size, "%s: damaged: %s", store->path, sqlite3_errmsg(in->db.handle));
        return false;
    }
    in->has_thread = pthread_create(&in->thread, NULL, inherit_main, store) == 0;
    if (!in->has_thread)
        snprintf(why, why_size, "%s: cannot start threads", store->folder);
    return in->has_thread;
}

bool inherit_wait(struct store *store, char *why, size_t why_size)
{
    struct inherit *in = &store->inherit;
    struct timespec until;
    int error = 0, hard;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&store->lock);
    while (!in->complete && in->hard == 0 && error == 0)
        error = pthread_cond_timedwait(&in->done, &store->lock, &until);
    hard = in->hard;
    pthread_mutex_unlock(&store->lock);
    if (hard != 0)
        snprintf(why, why_size, "%s: %s: %s", store->path,
                 result_of_sqlite(hard) == STORE_CORRUPT ? "damaged" : "unreadable",
                 sqlite3_errstr(hard));
    return hard == 0;
}

/* ---- the writer's part ---- */

bool inherit_has_work(const struct store *store)
{
    return store->inherit.news || (store->leased.count > 0 && !store->leased_refused);
}

static void move_all(struct vector *to, struct vector *from)
{
    for (size_t i = 0; i < from->count; i++) {
        void *item = vector_add(to);

        if (item != NULL)
            memcpy(item, (const uint8_t *)from->item + i * from->size, from->size);
    }
    from->count = 0;
}

void inherit_take(struct store *store)
{
    struct inherit *in = &store->inherit;
    const struct change *wait;

    pthread_mutex_lock(&store->lock);
    if (in->news) {
        wait = in->waits.item;
        for (size_t i = 0; i < in->waits.count; i++)
            lanes_wait(&store->lanes, wait[i].lane, wait[i].due);
        in->waits.count = 0;
        move_all(&store->gone, &in->gone);
        move_all(&store->leased, &in->leased);
        in->news = false;
    }
    if (in->found_all && store->leased.count == 0 && !in->complete) {
        in->complete = true;
        pthread_cond_broadcast(&in->done);
    }
    pthread_mutex_unlock(&store->lock);
}

/* Until this very moment they are the former life's: nobody claims what has a lease. */
size_t apply_leased(struct store *store)
{
    size_t used = store->leased.count < LEASES_TURN ? store->leased.count : LEASES_TURN;
    const uint64_t *id = (const uint64_t *)store->leased.item + (store->leased.count - used);
    struct rcpt_row before, after;
    int64_t now = clock_now_s();
    size_t changes;

    for (size_t i = 0; i < used && store->db.hard == 0; i++) {
        if (!rcpt_get(store, id[i], &before) || before.lease == 0)
            continue;
        after = before;
        after.lease = 0;
        if (after.next_at >
            now) /* what was claimed was due: it stays so when the clock has been set back since */
            after.next_at = now;
        changes = store->pending.changes.count;
        rcpt_set(store, &before, &after);
        if (store->pending.changes.count >
            changes) /* what the former life had out, this one never counted */
            ((struct change *)store->pending.changes.item)[changes].out = 0;
    }
    return used;
}

void inherit_stop(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    store->inherit.stop = true;
    pthread_mutex_unlock(&store->lock);
    if (store->inherit.has_thread)
        pthread_join(store->inherit.thread, NULL);
    store->inherit.has_thread = false;
    if (store->inherit.db.handle != NULL)
        db_close(&store->inherit.db);
}
