/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the store: opened, taken over from its former life, closed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema.h"
#include "sigillo/banned.h"
#include "sqlite_internal.h"

#define SCRATCH_MAX ((size_t)256 << 20)

/* ---- the former life ---- */

struct doubts {
    struct store *store;
    uint64_t count;
};

static void mark_doubtful(void *ctx, uint64_t rcpt)
{
    struct doubts *d = ctx;
    struct rcpt_row before, after;

    if (d->store->db.hard != 0 || !rcpt_get(d->store, rcpt, &before) ||
        state_is_final(before.state))
        return;
    after = before;
    after.flags |= RCPT_FLAG_POSSIBLY_REPEATED;
    rcpt_set(d->store, &before, &after);
    d->count++;
}

static uint64_t count_of(struct db *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    uint64_t n = 0;

    if (sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        n = sql_u64(s, 0);
    if (sqlite3_finalize(s) != SQLITE_OK && db->hard == 0)
        db->hard = sqlite3_extended_errcode(db->handle);
    return n;
}

#define CLOCK_BEHIND_S 30

/* What the former life had in doubt is marked, once and for all, before the notes are forgotten. Its claims and its waiting mail are taken over beside the new life: inherit.c. */
static bool takeover(struct store *store, char *why, size_t why_size)
{
    static const char all_leased[] =
        "UPDATE recipient SET flags=flags|1 WHERE lease>0 AND state<=1";
    struct doubts d = {store, 0};
    /* The newest message is from the future: the clock was set back between the two lives. */
    int64_t newest =
        id_time_ms(count_of(&store->db, "SELECT coalesce(max(id),0) FROM message")) / 1000;
    int64_t now = clock_now_s();

    if (sqlite3_exec(store->db.handle, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        store->db.hard = sqlite3_extended_errcode(store->db.handle);
    if (store->db.hard == 0 && doubt_machine_died(store->doubt)) {
        /* The notes may be older than the truth: whoever was claimed may have been on the way. */
        if (sqlite3_exec(store->db.handle, all_leased, NULL, NULL, NULL) == SQLITE_OK)
            d.count = (uint64_t)sqlite3_changes(store->db.handle);
        else
            store->db.hard = sqlite3_extended_errcode(store->db.handle);
    } else if (store->db.hard == 0) {
        doubt_each(store->doubt, mark_doubtful, &d);
    }
    if (store->db.hard == 0 &&
        sqlite3_exec(store->db.handle, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        store->db.hard = sqlite3_extended_errcode(store->db.handle);
    atomic_store(&store->doubtful, d.count);
    store->pending.changes.count = 0;
    if (store->db.hard == 0 && newest > now + CLOCK_BEHIND_S)
        pull_back(store, now, newest - now);
    if (store->db.hard == 0)
        store->next_rcpt = count_of(&store->db, "SELECT coalesce(max(id),0)+1 FROM recipient");
    if (store->db.hard == 0) {
        doubt_forget(store->doubt);
        return true;
    }
    snprintf(why, why_size, "%s: %s: %s", store->path,
             result_of_sqlite(store->db.hard) == STORE_CORRUPT ? "damaged" : "unreadable",
             sqlite3_errmsg(store->db.handle));
    return false;
}

/* ---- opening ---- */

static bool lock_folder(struct store *store, char *why, size_t why_size)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/lock", store->folder);
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (store->lock_fd >= 0 && flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    snprintf(why, why_size, "%s: %s", path,
             errno == EWOULDBLOCK ? "another Sigillo uses this folder" : strerror(errno));
    return false;
}

/* What costs nothing to see: the size and the first bytes of the file. */
static bool check_file(struct store *store, char *why, size_t why_size)
{
    int fd = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    uint8_t head[100];
    struct stat st;
    bool ok;

    if (fd < 0 || fstat(fd, &st) != 0) {
        snprintf(why, why_size, "%s: %s", store->path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    ok =
        st.st_size == 0 || (st.st_size >= 512 && pread(fd, head, sizeof(head), 0) == sizeof(head) &&
                            memcmp(head, "SQLite format 3", 16) == 0);
    close(fd);
    if (!ok)
        snprintf(why, why_size, "%s: damaged: this is not a database", store->path);
    return ok;
}

/* The root and both ends of every table and index can be read, and what they hold fits together. */
static bool check_structure(struct store *store, char *why, size_t why_size)
{
    /* One end at a time: asked for both at once, SQLite reads everything in between. */
    static const char *const look[] = {
        "SELECT min(id) FROM message",
        "SELECT max(id) FROM message",
        "SELECT min(id) FROM recipient",
        "SELECT max(id) FROM recipient",
        "SELECT min(rcpt) FROM note",
        "SELECT max(rcpt) FROM note",
        "SELECT min(id) FROM unfinished",
        "SELECT max(id) FROM unfinished",
        "SELECT min(id) FROM body",
        "SELECT max(id) FROM body",
        "SELECT min(id) FROM lane",
        "SELECT max(id) FROM lane",
        "SELECT count(*) FROM noun",
        "SELECT min(message) FROM event",
        "SELECT max(message) FROM event",
        "SELECT 1 FROM idempotency LIMIT 1",
        "SELECT min(at_ms) FROM usage",
        "SELECT max(at_ms) FROM usage",
        "SELECT min(at_ms) FROM idempotency INDEXED BY idempotency_at",
        "SELECT min(lease) FROM recipient INDEXED BY recipient_leased WHERE lease>0",
        "SELECT count(*) FROM recipient INDEXED BY recipient_held WHERE state=1",
        "SELECT * FROM version",
        "PRAGMA freelist_count",
    };

    for (size_t i = 0; i < sizeof(look) / sizeof(look[0]); i++) {
        if (sqlite3_exec(store->db.handle, look[i], NULL, NULL, NULL) != SQLITE_OK) {
            snprintf(why, why_size, "%s: damaged: %s", store->path,
                     sqlite3_errmsg(store->db.handle));
            return false;
        }
    }
    return true;
}

static bool open_database(struct store *store, char *why, size_t why_size)
{
    char sql[64];

    if (!check_file(store, why, why_size) ||
        !db_open(&store->db, store->path, true, why, why_size) ||
        !schema_migrate(store->db.handle, store->path, why, why_size) ||
        !check_structure(store, why, why_size))
        return false;
    if (store->config.bytes_max > 0) {
        uint64_t page = count_of(&store->db, "PRAGMA page_size");

        snprintf(sql, sizeof(sql), "PRAGMA max_page_count=%llu",
                 (unsigned long long)(store->config.bytes_max / page));
        sqlite3_exec(store->db.handle, sql, NULL, NULL, NULL);
    }
    return db_prepare(&store->db, sql_text, SQL_COUNT, why, why_size);
}

static void set_up_sqlite(void)
{
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
}

static void init_threads(struct store *store)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->more, &monotonic);
    pthread_cond_init(&store->inherit.done, &monotonic);
    pthread_mutex_init(&store->upkeep.lock, NULL);
    pthread_cond_init(&store->upkeep.more, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&store->watch_lock, NULL);
    pthread_mutex_init(&store->health_lock, NULL);
    readers_init(&store->readers);
}

static struct store *store_make(const struct store_config *config)
{
    struct store *store = calloc(1, sizeof(*store));
    size_t len = strlen(config->folder);

    if (store == NULL)
        return NULL;
    store->config = *config;
    if (store->config.inline_max == 0)
        store->config.inline_max = (size_t)128 << 10;
    if (store->config.group_max == 0)
        store->config.group_max = 256;
    if (store->config.waiting_max == 0)
        store->config.waiting_max = 20000;
    store->lock_fd = -1;
    store->tail = &store->head;
    store->gone.size = store->inherit.gone.size = sizeof(struct gone);
    store->leased.size = store->inherit.leased.size = sizeof(uint64_t);
    store->inherit.waits.size = sizeof(struct change);
    store->pending.changes.size = sizeof(struct change);
    store->pending.turns.size = sizeof(uint64_t);
    store->pending.gone.size = sizeof(struct gone);
    store->pending.watched.size = sizeof(struct watched);
    batches_init(store);
    statistics_init(store);
    transit_init(store);
    sgl_arena_init(&store->scratch, SCRATCH_MAX);
    lanes_init(&store->lanes);
    init_threads(store);
    store->folder = strdup(config->folder);
    store->path = malloc(len + sizeof("/sigillo.db"));
    if (store->folder == NULL || store->path == NULL) {
        store_close(store);
        return NULL;
    }
    memcpy(store->path, config->folder, len);
    memcpy(store->path + len, "/sigillo.db", sizeof("/sigillo.db"));
    store->clock_ms = store->clock_seen_ms = clock_ahead_ms();
    return store;
}

const char *store_folder(const struct store *store)
{
    return store->folder;
}

static bool start_threads(struct store *store, char *why, size_t why_size)
{
    if (!inherit_start(store, why, why_size))
        return false;
    if (!spools_start(store) || !upkeep_start(store) ||
        pthread_create(&store->writer, NULL, writer_main, store) != 0) {
        snprintf(why, why_size, "%s: cannot start threads: %s", store->folder, strerror(errno));
        return false;
    }
    store->has_writer = true;
    return inherit_wait(store, why, why_size);
}

static bool load_batches(struct store *store, char *why, size_t why_size)
{
    if (batches_load(store))
        return true;
    snprintf(why, why_size, "%s: the batches cannot be read", store->path);
    return false;
}

struct store *store_open(const struct store_config *config, char *why, size_t why_size)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct store *store;

    pthread_once(&once, set_up_sqlite);
    store = store_make(config);
    if (store == NULL) {
        snprintf(why, why_size, "%s: out of memory", config->folder);
        return NULL;
    }
    if (lock_folder(store, why, why_size) &&
        (store->spool = spool_open(store->folder, why, why_size)) != NULL &&
        open_database(store, why, why_size) &&
        (store->doubt = doubt_open(store->folder, why, why_size)) != NULL &&
        takeover(store, why, why_size) && load_batches(store, why, why_size) &&
        start_threads(store, why, why_size))
        return store;
    store_close(store);
    return NULL;
}

/* ---- closing ---- */

static void stop_writer(struct store *store)
{
    if (!store->has_writer)
        return;
    pthread_mutex_lock(&store->lock);
    store->closing = true;
    pthread_mutex_unlock(&store->lock);
    pthread_cond_signal(&store->more);
    pthread_join(store->writer, NULL);
    store->has_writer = false;
}

static void free_memory(struct store *store)
{
    for (size_t i = 0; i < LANE_NAMES; i++)
        free(store->lane_name[i].text);
    vector_done(&store->pending.changes);
    vector_done(&store->pending.turns);
    vector_done(&store->pending.gone);
    vector_done(&store->pending.watched);
    batches_done(store);
    statistics_done(store);
    transit_done(store);
    vector_done(&store->gone);
    vector_done(&store->leased);
    vector_done(&store->inherit.waits);
    vector_done(&store->inherit.gone);
    vector_done(&store->inherit.leased);
    pthread_cond_destroy(&store->inherit.done);
    lanes_done(&store->lanes);
    sgl_arena_done(&store->scratch);
    pthread_cond_destroy(&store->more);
    pthread_mutex_destroy(&store->lock);
    pthread_cond_destroy(&store->upkeep.more);
    pthread_mutex_destroy(&store->upkeep.lock);
    pthread_mutex_destroy(&store->watch_lock);
    pthread_mutex_destroy(&store->health_lock);
    free(store->folder);
    free(store->path);
    free(store);
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    stop_writer(store);
    spools_stop(store);
    upkeep_stop(store);
    inherit_stop(store);
    readers_done(&store->readers);
    if (store->db.handle != NULL)
        db_close(&store->db);
    spool_close(store->spool);
    doubt_close(store->doubt);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    free_memory(store);
}

/* ---- the door ---- */

static void refuse(struct store_op *op, enum store_result result)
{
    op->result = result;
    op->next = NULL;
    ops_complete(op);
}

/* Is there a body that has to become a file? */
static bool is_large(const struct store *store, struct store_accept *a)
{
    bool large = a->op.kind == STORE_STAGE;

    for (; a != NULL; a = a->with) {
        a->spooled = a->staged;
        large |= !a->staged && a->body->len >= store->config.inline_max;
    }
    return large;
}

void store_unstage(struct store *store, struct store_accept *a)
{
    if (a->staged)
        spools_remove(store, a->message->id);
    a->staged = false;
}

void store_submit(struct store *store, struct store_op *op)
{
    bool large, full, room;

    op->clock_ms = clock_ahead_ms();
    if (op->kind != STORE_ACCEPT && op->kind != STORE_STAGE) {
        writer_enqueue(store, op);
        return;
    }
    large = is_large(store, (struct store_accept *)(void *)op);
    full = atomic_load_explicit(&store->full, memory_order_relaxed) &&
           (!large || op->kind == STORE_STAGE);
    pthread_mutex_lock(&store->lock);
    room = store->waiting_ops + store->spooling < store->config.waiting_max;
    store->spooling += room && large && !full;
    pthread_mutex_unlock(&store->lock);
    if (!room)
        refuse(op, STORE_BUSY);
    else if (full)
        refuse(op, STORE_FULL);
    else if (large)
        spools_submit(store, op);
    else
        writer_enqueue(store, op);
}

bool store_doubt(struct store *store, const uint64_t *rcpt, size_t rcpts, uint32_t *slot)
{
    return doubt_note(store->doubt, rcpt, rcpts, slot);
}

void store_doubt_clear(struct store *store, uint32_t slot)
{
    doubt_clear(store->doubt, slot);
}

void store_stats(struct store *store, struct store_stats *out)
{
    out->commits = atomic_load_explicit(&store->commits, memory_order_relaxed);
    out->operations = atomic_load_explicit(&store->operations, memory_order_relaxed);
    out->commit_us_total = atomic_load_explicit(&store->commit_us_total, memory_order_relaxed);
    out->commit_us_max = atomic_load_explicit(&store->commit_us_max, memory_order_relaxed);
    pthread_mutex_lock(&store->lock);
    out->waiting = store->waiting_ops + store->spooling;
    pthread_mutex_unlock(&store->lock);
}
