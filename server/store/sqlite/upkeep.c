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

#define CHECKPOINT_PAGES 4000 /* of the log: 32 MiB */

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

/*
 * ---- the check ----
 *
 * Every row is read, whole, in small slices: unlike one long quick_check a slice holds no view of the database that would keep the log from starting anew, and between two of them the check
 * rests, long when there is mail.  The indices that work is found by were read when the store was opened, the nouns by those who keep them in memory.
 */

static bool stopping(struct upkeep *u)
{
    bool stop;

    pthread_mutex_lock(&u->lock);
    stop = u->stop;
    pthread_mutex_unlock(&u->lock);
    return stop;
}

static void found_damage(struct store *store, const char *table, const char *what)
{
    pthread_mutex_lock(&store->health_lock);
    snprintf(store->damaged, sizeof(store->damaged), "%s: damaged: table %s: %.100s", store->path,
             table, what);
    pthread_mutex_unlock(&store->health_lock);
}

struct walk { /* the first two columns say where the next slice begins */
    const char *table, *sql;
};
#define SLICE "LIMIT 200"
static const struct walk walks[] = {
    {"lane", "SELECT id,0,subscription FROM lane WHERE id>?1 ORDER BY id " SLICE},
    {"unfinished", "SELECT id,0,spooled FROM unfinished WHERE id>?1 ORDER BY id " SLICE},
    {"recipient", "SELECT id,0,orcpt FROM recipient WHERE id>?1 ORDER BY id " SLICE},
    {"message", "SELECT id,0,peer FROM message WHERE id>?1 ORDER BY id " SLICE},
    {"note", "SELECT rcpt,0,remote_mta FROM note WHERE rcpt>?1 ORDER BY rcpt " SLICE},
    {"event", "SELECT message,n,substr(detail,-1) FROM event WHERE (message,n)>(?1,?2)"
              " ORDER BY message,n " SLICE},
    {"usage", "SELECT at_ms,0,max(bytes) FROM usage WHERE at_ms>?1 GROUP BY at_ms ORDER BY at_ms"
              " " SLICE},
    {"audit", "SELECT id,0,detail FROM audit WHERE id>?1 ORDER BY id " SLICE},
    {"body", "SELECT id,0,substr(bytes,-1) FROM body WHERE id>?1 ORDER BY id " SLICE},
};

/* SQLITE_ROW: there may be more; SQLITE_DONE: the table is good. */
static int read_slice(sqlite3_stmt *s, int64_t at[2])
{
    int code, rows = 0;

    sqlite3_bind_int64(s, 1, at[0]);
    sqlite3_bind_int64(s, 2, at[1]);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        at[0] = sqlite3_column_int64(s, 0);
        at[1] = sqlite3_column_int64(s, 1);
        sqlite3_column_bytes(s, 2);
        rows++;
    }
    sqlite3_reset(s);
    return code == SQLITE_DONE && rows > 0 ? SQLITE_ROW : code;
}

/* As long as the work took, or twenty times that while mail is being written. */
static void rest(struct store *store, uint64_t worked_us, uint64_t *seen)
{
    uint64_t commits = atomic_load_explicit(&store->commits, memory_order_relaxed);
    uint64_t us = commits == *seen ? worked_us : 20 * worked_us;
    struct timespec t = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};

    *seen = commits;
    clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static bool walk_table(struct store *store, struct db *db, const struct walk *w)
{
    sqlite3_stmt *s = NULL;
    int64_t at[2] = {INT64_MIN, 0};
    uint64_t seen = 0;
    int code = sqlite3_prepare_v2(db->handle, w->sql, -1, &s, NULL) == SQLITE_OK ? SQLITE_ROW
                                                                                 : SQLITE_ERROR;

    while (code == SQLITE_ROW && !stopping(&store->upkeep)) {
        uint64_t start = clock_mono_us();

        code = read_slice(s, at);
        if (code == SQLITE_ROW)
            rest(store, clock_mono_us() - start, &seen);
    }
    if (result_of_sqlite(code) == STORE_CORRUPT)
        found_damage(store, w->table, sqlite3_errmsg(db->handle));
    sqlite3_finalize(s);
    return result_of_sqlite(code) != STORE_CORRUPT;
}

static void *checker_main(void *arg)
{
    struct store *store = arg;
    struct db db;
    char why[256];
    bool good = true;

    thread_quiet("store-check");
    if (!db_open(&db, store->path, false, why, sizeof(why)))
        return NULL;
    for (size_t i = 0; good && i < sizeof(walks) / sizeof(walks[0]); i++)
        good = walk_table(store, &db, &walks[i]);
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
