/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints and the integrity check, on connections of their own.
 *
 * A checkpoint beside a busy writer never reaches the end of the log, and a log that is not emptied grows for ever.  So the bulk is copied here, and then the writer itself copies the
 * short tail between two groups; its next transaction starts the log anew.  The file keeps its size, which makes later syncs cheap.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

#include "sigillo/banned.h"
#include "sqlite_internal.h"

#define CHECKPOINT_PAGES 4000  /* of the log: 32 MiB */
#define LOG_TOO_LONG     40000 /* the check lets go so that the log can start anew */
#define CHECK_STEP       2000  /* virtual machine steps between two looks around */
#define CHECK_REST_US    2000
#define CHECK_AGAIN_S    60

void thread_quiet(const char *name)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    prctl(PR_SET_NAME, name);
}

/* ---- health ---- */

void health_set(struct store *store, const char *what, int code)
{
    static _Thread_local bool was_well;

    if (what == NULL && was_well)
        return;
    pthread_mutex_lock(&store->health_lock);
    if (what == NULL)
        store->sick[0] = '\0';
    else
        snprintf(store->sick, sizeof(store->sick), "%s: %s: %s", store->path, what,
                 sqlite3_errstr(code));
    pthread_mutex_unlock(&store->health_lock);
    was_well = what == NULL;
}

bool store_healthy(struct store *store, char *why, size_t why_size)
{
    bool well;

    pthread_mutex_lock(&store->health_lock);
    well = store->sick[0] == '\0' && store->damaged[0] == '\0';
    if (!well)
        snprintf(why, why_size, "%s", store->damaged[0] != '\0' ? store->damaged : store->sick);
    pthread_mutex_unlock(&store->health_lock);
    if (well && atomic_load_explicit(&store->full, memory_order_relaxed)) {
        snprintf(why, why_size, "%s: too little space is left on the disk", store->folder);
        well = false;
    }
    return well;
}

/* ---- checkpoints ---- */

void upkeep_wal(struct store *store, int pages)
{
    struct upkeep *u = &store->upkeep;

    atomic_store_explicit(&u->wal_pages, pages, memory_order_relaxed);
    if (pages < CHECKPOINT_PAGES)
        return;
    pthread_mutex_lock(&u->lock);
    u->wanted = true;
    pthread_mutex_unlock(&u->lock);
    pthread_cond_broadcast(&u->more);
}

static void *checkpointer_main(void *arg)
{
    struct store *store = arg;
    struct upkeep *u = &store->upkeep;
    struct db db;
    char why[256];

    thread_quiet("store-log");
    if (!db_open(&db, store->path, false, why, sizeof(why)))
        return NULL;
    sqlite3_exec(db.handle, "PRAGMA query_only=OFF", NULL, NULL, NULL);
    pthread_mutex_lock(&u->lock);
    while (!u->stop) {
        int log = 0, copied = 0;

        if (!u->wanted) {
            pthread_cond_wait(&u->more, &u->lock);
            continue;
        }
        pthread_mutex_unlock(&u->lock);
        sqlite3_wal_checkpoint_v2(db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &copied);
        atomic_store_explicit(&u->finish, true, memory_order_release);
        pthread_mutex_lock(&u->lock);
        u->wanted = false;
    }
    pthread_mutex_unlock(&u->lock);
    db_close(&db);
    return NULL;
}

/* ---- the check ---- */

static bool stopping(struct upkeep *u)
{
    bool stop;

    pthread_mutex_lock(&u->lock);
    stop = u->stop;
    pthread_mutex_unlock(&u->lock);
    return stop;
}

/* Gives way to the mail: rests while there is traffic, and gives up for now when the log cannot shrink because of it. */
static int look_around(void *arg)
{
    struct store *store = arg;
    static _Thread_local uint64_t seen;
    uint64_t commits = atomic_load_explicit(&store->commits, memory_order_relaxed);
    struct timespec rest = {0, CHECK_REST_US * 1000L};

    if (stopping(&store->upkeep) ||
        atomic_load_explicit(&store->upkeep.wal_pages, memory_order_relaxed) > LOG_TOO_LONG)
        return 1;
    if (commits != seen)
        clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
    seen = commits;
    return 0;
}

enum check { CHECK_GOOD, CHECK_BAD, CHECK_LATER };

static enum check check_table(struct store *store, struct db *db, const char *table)
{
    sqlite3_stmt *s = NULL;
    char sql[128];
    enum check result = CHECK_LATER;
    int code;

    snprintf(sql, sizeof(sql), "PRAGMA quick_check('%s')", table);
    if (sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL) == SQLITE_OK) {
        code = sqlite3_step(s);
        if (code == SQLITE_ROW && sgl_view_eq(sql_view(s, 0), SGL_LIT("ok"))) {
            result = CHECK_GOOD;
        } else if (code == SQLITE_ROW || (code & 0xff) == SQLITE_CORRUPT) {
            result = CHECK_BAD;
            pthread_mutex_lock(&store->health_lock);
            snprintf(store->damaged, sizeof(store->damaged), "%s: damaged: table %s: %.100s",
                     store->path, table,
                     code == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0)
                                        : sqlite3_errmsg(db->handle));
            pthread_mutex_unlock(&store->health_lock);
        }
    }
    sqlite3_finalize(s);
    return result;
}

static void rest_before_retry(struct upkeep *u)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += CHECK_AGAIN_S;
    pthread_mutex_lock(&u->lock);
    while (!u->stop && pthread_cond_timedwait(&u->more, &u->lock, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&u->lock);
}

/* Table by table, the small ones that the mail depends on first. */
static void *checker_main(void *arg)
{
    static const char *const table[] = {"version",   "noun", "lane",    "unfinished", "idempotency",
                                        "recipient", "note", "message", "event",      "body"};
    struct store *store = arg;
    struct db db;
    char why[256];
    size_t i = 0;

    thread_quiet("store-check");
    if (!db_open(&db, store->path, false, why, sizeof(why)))
        return NULL;
    sqlite3_progress_handler(db.handle, CHECK_STEP, look_around, store);
    while (i < sizeof(table) / sizeof(table[0]) && !stopping(&store->upkeep)) {
        switch (check_table(store, &db, table[i])) {
        case CHECK_GOOD:
            i++;
            break;
        case CHECK_BAD:
            i = sizeof(table) / sizeof(table[0]);
            break;
        case CHECK_LATER:
            rest_before_retry(&store->upkeep);
            break;
        }
    }
    db_close(&db);
    return NULL;
}

bool upkeep_start(struct store *store)
{
    struct upkeep *u = &store->upkeep;

    u->has_checkpointer = pthread_create(&u->checkpointer, NULL, checkpointer_main, store) == 0;
    u->has_checker = pthread_create(&u->checker, NULL, checker_main, store) == 0;
    return u->has_checkpointer && u->has_checker;
}

void upkeep_stop(struct store *store)
{
    struct upkeep *u = &store->upkeep;

    pthread_mutex_lock(&u->lock);
    u->stop = true;
    pthread_mutex_unlock(&u->lock);
    pthread_cond_broadcast(&u->more);
    if (u->has_checkpointer)
        pthread_join(u->checkpointer, NULL);
    if (u->has_checker)
        pthread_join(u->checker, NULL);
    u->has_checkpointer = u->has_checker = false;
}
