/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite engine's own seams.  One thread writes; others read through a pool of connections; a third kind checkpoints and checks. */
#ifndef SERVER_STORE_SQLITE_INTERNAL_H
#define SERVER_STORE_SQLITE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "../doubt.h"
#include "../spool.h"
#include "../statistics.h"
#include "../store_internal.h"
#include "lanes.h"
#include "sigillo/arena.h"

#define RCPT_FLAG_POSSIBLY_REPEATED 1
#define RCPT_FLAG_DELAY_TOLD        2
#define RCPT_FLAG_BATCH_HELD        4 /* by its batch, not by another hand */
#define MESSAGE_FLAG_EIGHTBIT       1
#define MESSAGE_FLAG_SMTPUTF8       2
#define MESSAGE_FLAG_REQUIRE_TLS    4
#define MESSAGE_TLS_SHIFT           3 /* two bits of enum message_tls */
#define MESSAGE_RET_SHIFT           8 /* the letter of RET */
#define MESSAGE_BYPASS_SHIFT        16

/* Statements of the writer, prepared once; the text of each is in sql.c. */
enum sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_LANE_FIND,
    SQL_LANE_ADD,
    SQL_LANE_NAME,
    SQL_IDEMPOTENCY_FIND,
    SQL_IDEMPOTENCY_ADD,
    SQL_MESSAGE_ADD,
    SQL_MESSAGE_GET,
    SQL_RCPT_ADD,
    SQL_RCPT_GET,
    SQL_RCPT_SET,
    SQL_RCPT_FULL,
    SQL_NOTE_PUT,
    SQL_UNFINISHED_ADD,
    SQL_UNFINISHED_GET,
    SQL_UNFINISHED_SET,
    SQL_UNFINISHED_DELETE,
    SQL_UNFINISHED_AFTER,
    SQL_UNFINISHED_ONE,
    SQL_BODY_ADD,
    SQL_BODY_DELETE,
    SQL_EVENT_MAX,
    SQL_EVENT_ADD,
    SQL_LANE_DUE,
    SQL_LANE_DOMAIN,
    SQL_LEASE_OVER,
    SQL_PULL_BACK,
    SQL_LANES_FIRST,
    SQL_BATCH_GET,
    SQL_BATCH_COUNT,
    SQL_BATCH_ADD,
    SQL_BATCH_SET,
    SQL_BATCH_MESSAGE_ADD,
    SQL_BATCH_AFTER,
    SQL_NOUN_GET,
    SQL_NOUN_ADD,
    SQL_NOUN_SET,
    SQL_NOUN_DELETE,
    SQL_OLD_MESSAGES,
    SQL_OLD_EVENTS,
    SQL_OLD_NOTES,
    SQL_OLD_RCPTS,
    SQL_OLD_MESSAGE,
    SQL_OLD_BATCH_MESSAGE,
    SQL_OLD_BATCHES,
    SQL_BATCH_DELETE,
    SQL_OLD_KEYS,
    SQL_OLD_USAGE,
    SQL_USAGE_ADD,
    SQL_AUDIT_ADD,
    SQL_AUDIT_EXPIRY,
    SQL_OLD_AUDIT,
    SQL_DRAFT_ADD,
    SQL_DRAFT_GET,
    SQL_DRAFT_SET,
    SQL_DRAFT_TOUCH,
    SQL_DRAFT_DELETE,
    SQL_DRAFT_OLD,
    SQL_DRAFT_USED,
    SQL_DRAFT_FILES_COUNT,
    SQL_DRAFT_FILE_ADD,
    SQL_DRAFT_FILE_GET,
    SQL_DRAFT_FILE_SET,
    SQL_DRAFT_FILE_DELETE,
    SQL_DRAFT_FILES_DELETE,
    SQL_DRAFT_PIECE_ADD,
    SQL_DRAFT_FILE_PIECES_DELETE,
    SQL_DRAFT_PIECES_DELETE,
    SQL_CATEGORIES,
    SQL_MESSAGE_CALLED,
    SQL_RETURNED_FIND,
    SQL_REFUSING_ADD,
    SQL_REFUSING_OLD,
    SQL_REFUSING_COUNT,
    SQL_STATISTIC_ADD,
    SQL_OLD_STATISTICS,
    SQL_TRANSIT_ADD,
    SQL_OLD_TRANSIT,
    SQL_TRANSIT_NAMED_DAY,
    SQL_TRANSIT_FOLD,
    SQL_TRANSIT_UNNAME,
    SQL_RECEIVED_FIND,
    SQL_RECEIVED_ADD,
    SQL_RECEIVED_MAKE_ROOM,
    SQL_OLD_RECEIVED,
    SQL_DMARC_FIND,
    SQL_DMARC_ADD,
    SQL_DMARC_DAY_ROWS,
    SQL_DMARC_DAY_REPORTS,
    SQL_DMARC_SUM,
    SQL_OLD_DMARC,
    SQL_OLD_DMARC_SUM,
    SQL_TLSRPT_POLICY_FIND,
    SQL_TLSRPT_POLICY_ADD,
    SQL_TLSRPT_POLICY_COUNT,
    SQL_TLSRPT_POLICY_SUM,
    SQL_TLSRPT_POLICIES_DELETE,
    SQL_TLSRPT_FAILURE_FIND,
    SQL_TLSRPT_FAILURE_COUNT,
    SQL_TLSRPT_FAILURE_ADD,
    SQL_TLSRPT_FAILURES_DELETE,
    SQL_OLD_TLSRPT_FAILURES,
    SQL_OLD_TLSRPT_POLICIES,
    SQL_REPUTATION_PUT,
    SQL_REPUTATION_DELETE,
    SQL_DMARC_POLICY_FIND,
    SQL_DMARC_POLICY_ADD,
    SQL_DMARC_POLICY_COUNT,
    SQL_DMARC_POLICY_LAST,
    SQL_DMARC_POLICY_LATEST,
    SQL_DMARC_POLICIES_DELETE,
    SQL_DMARC_ROW_FIND,
    SQL_DMARC_ROW_ADD,
    SQL_DMARC_ROWS,
    SQL_DMARC_ROWS_GROW,
    SQL_DMARC_ROWS_DELETE,
    SQL_OLD_DMARC_ROWS,
    SQL_OLD_DMARC_POLICIES,
    SQL_REPORT_DAY_ADD,
    SQL_REPORT_DAY_FIND,
    SQL_REPORT_DAY_DELETE,
    SQL_REPORT_ADD,
    SQL_REPORT_STEP,
    SQL_OLD_REPORTS,
    SQL_PROBE,
    SQL_COUNT
};
extern const char *const sql_text[SQL_COUNT];

struct db {
    sqlite3 *handle;
    sqlite3_stmt *stmt[SQL_COUNT];
    const char *const *text; /* sql_text or that of the readers */
    size_t stmts;
    int hard; /* SQLite's code of the first failure since it was cleared: the transaction cannot go on */
};

/* Binding starts with sql_use(): the statement is reset and its values are empty. Views must live until sql_step()'s row has been read. */
sqlite3_stmt *sql_use(struct db *db, int n);
void sql_bind_view(sqlite3_stmt *s, int at, sgl_view v);
static inline void sql_bind_u64(sqlite3_stmt *s, int at, uint64_t v)
{
    sqlite3_bind_int64(s, at, (sqlite3_int64)v);
}
/* true: there is a row. Failures go to db->hard. */
bool sql_step(struct db *db, sqlite3_stmt *s);
/* The number of its one row; 0: there is none, or it failed. */
uint64_t sql_number(struct db *db, sqlite3_stmt *s);
/* For statements without rows: false on failure. */
bool sql_run(struct db *db, sqlite3_stmt *s);
sgl_view sql_view(sqlite3_stmt *s, int column); /* until the next step */
static inline uint64_t sql_u64(sqlite3_stmt *s, int column)
{
    return (uint64_t)sqlite3_column_int64(s, column);
}
bool db_open(struct db *db, const char *path, bool writer, char *why, size_t why_size);
bool db_prepare(struct db *db, const char *const *text, size_t count, char *why, size_t why_size);
void db_close(struct db *db);
enum store_result result_of_sqlite(int code);

/* What a group changes in memory, kept until its commit has succeeded. */
struct change {
    uint64_t lane;
    int64_t due; /* INT64_MAX: no one begins to wait */
    int out;
};
struct gone { /* a message whose body has to go */
    uint64_t id;
    bool spooled;
};
struct watched { /* a recipient that a hand changed while it was claimed */
    uint64_t rcpt;
    enum store_control_verb verb;
};
struct vector {
    void *item;
    size_t count, capacity, size;
};
void *vector_add(struct vector *v); /* zeroed; NULL: memory ended */
void vector_done(struct vector *v);

/* ---- sums.c: what is counted in memory, each by a day, a kind and names ---- */

#define SUM_NAMES 3
#define SUM_LINES 1024u

struct sum_key {
    int64_t day;
    uint32_t kind; /* whatever else tells one from another */
    sgl_view name[SUM_NAMES];
};
struct sum {     /* first in the struct of what is counted */
    size_t next; /* in its line, from 1; 0: the last */
    uint64_t hash;
    int64_t day;
    uint32_t kind;
    char *text; /* the names, one behind the other */
    size_t len[SUM_NAMES];
};
struct sums {
    struct vector all; /* each stands in one of the lines */
    size_t line[SUM_LINES];
};
void sums_init(struct sums *sums, size_t size); /* of the struct of what is counted */
/* The one of this key, until the next is asked for: a new one is zero. NULL: memory ended. */
struct sum *sums_find(struct sums *sums, const struct sum_key *k);
const struct sum *sums_at(const struct sums *sums, size_t i);
struct sum_key sum_key(const struct sum *s); /* borrowed from it */
void sums_forget(struct sums *sums);
void sums_done(struct sums *sums);

/* Facts of a group, undone by forgetting them. */
struct pending {
    struct vector changes, gone, watched;
    struct vector
        turns; /* lanes that a claim took from the line: they wait again when it is rolled back */
    struct vector stops; /* struct batch_stop: batches whose status changes */
    struct sums counted; /* statistics */
    struct sums moved;   /* figures of transit */
    int64_t waiting, held, messages;
    bool nomem;
};

struct batch_stop {
    char *name; /* "SUBSCRIPTION/ID" */
    enum batch_status status;
};
struct batches { /* those that do not go, in the order of their names */
    pthread_rwlock_t lock;
    struct vector stops;
};

struct lane_name { /* one place of the cache of lane numbers */
    uint64_t id;
    size_t domain_len, subscription_len;
    char *text;
};
#define LANE_NAMES 2048u

struct spool_pool {
    pthread_t thread[3];
    unsigned threads;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct store_op *head, **tail;
    struct vector remove; /* uint64_t */
    bool stop;
};

struct readers {
    pthread_mutex_t lock;
    pthread_cond_t free;
    struct db db[4];
    bool open[4], busy[4];
};

struct upkeep { /* checkpoints and the integrity check, each with a connection of its own */
    pthread_t checkpointer, checker;
    bool has_checkpointer, has_checker;
    pthread_mutex_t lock;
    pthread_cond_t more;
    bool wanted, stop;
    _Atomic bool finish; /* a checkpoint is done but for the tail: the writer's turn */
    _Atomic int wal_pages;
};

/* What the former life left, found by a thread of its own in the database as it was at the start, and worked off by the writer in slices. Under store->lock. */
struct inherit {
    pthread_t thread;
    struct db db;
    bool has_thread;
    struct vector waits, gone,
        leased; /* struct change, struct gone, uint64_t: found, not yet taken by the writer */
    bool news, found_all, complete, stop;
    int hard;      /* SQLite's code when it failed */
    uint64_t born; /* ids of this life are greater */
    pthread_cond_t done;
};

struct store {
    char *folder, *path;
    struct store_config config;
    int lock_fd;
    struct db db;
    struct doubt *doubt;
    struct spool *spool;
    struct lanes lanes;
    struct lane_name lane_name[LANE_NAMES];
    uint64_t next_rcpt;
    struct pending pending;
    struct batches batches;
    struct vector gone; /* bodies to remove, of committed groups */
    struct inherit inherit;
    struct vector leased; /* uint64_t: claims of the former life, the writer's */
    bool leased_refused;  /* the medium did not take the last slice of them */
    struct sgl_arena scratch;
    int64_t
        clock_seen_ms; /* clock_ms at the latest claim: less than before when the clock was set back */
    int64_t swept_at; /* when leases were last looked at */
    int64_t
        clock_ms; /* what the wall clock was ahead of the monotonic one when the store was opened */
    size_t lane_max;        /* of the last claim */
    int64_t statistics_day; /* when old statistics were last swept */

    pthread_t writer;
    bool has_writer;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct store_op *head, **tail;
    size_t waiting_ops, urgent_ops, last_group;
    uint64_t group_began_us;
    size_t spooling; /* operations with the spool threads */
    bool closing, asleep;

    struct spool_pool spools;
    struct readers readers;
    struct upkeep upkeep;

    pthread_mutex_t watch_lock;
    struct store_watch watch;

    _Atomic uint64_t waiting, held, messages, doubtful;
    _Atomic uint64_t commits, operations, commit_us_total, commit_us_max;
    _Atomic bool full; /* the last look at the disk: too little is left to take in more */
    uint64_t space_seen_us;
    pthread_mutex_t health_lock;
    char sick[256];    /* the medium, now; empty: well */
    char damaged[256]; /* the check found something; stays */
};

/* ---- the operations: each inside the writer's transaction; a hard failure shows in store->db.hard ---- */
enum store_result apply_accept(struct store *store, struct store_accept *a);
void undo_accept(struct store_accept *a);
void apply_tally(struct store *store, const struct store_tally *tally);
enum store_result apply_claim(struct store *store, struct store_claim *c);
void undo_claim(struct store *store, struct store_claim *c);
enum store_result apply_outcome(struct store *store, struct store_outcome *o);
enum store_result apply_release(struct store *store, struct store_release *r);
/* own.again: there is more to change in a later group. */
enum store_result apply_control(struct store *store, struct store_control *c);
void undo_control(struct store_control *c);
struct store_draft_op;
enum store_result apply_draft(struct store *store, struct store_draft_op *op);
struct returned_op;
enum store_result apply_returned(struct store *store, struct returned_op *op);
struct received_op;
enum store_result apply_received(struct store *store, const struct received_op *op);
struct dmarc_received_op;
enum store_result apply_dmarc_received(struct store *store, const struct dmarc_received_op *op);
void dmarc_received_expire(struct store *store, int64_t now_ms);
struct reputation_op;
enum store_result apply_reputation(struct store *store, const struct reputation_op *op);
struct tlsrpt_op;
enum store_result apply_tlsrpt(struct store *store, const struct tlsrpt_op *op);
void tlsrpt_forget(struct store *store, int64_t day, sgl_view domain);
void tlsrpt_forget_old(struct store *store, int64_t before);
struct dmarc_count_op;
enum store_result apply_dmarc_judged(struct store *store, const struct dmarc_count_op *op);
void dmarc_judged_forget(struct store *store, int64_t day, sgl_view domain);
void dmarc_judged_forget_old(struct store *store, int64_t before);
struct report_op;
enum store_result apply_report(struct store *store, struct report_op *op);
/* A day of a domain is due at this time, unless it is known already. */
void report_day_add(struct store *store, int kind, int64_t day, sgl_view domain, int64_t due_at);
void report_run_day(struct store *store, int which, int64_t day, sgl_view domain);
void drafts_expire(struct store *store, int64_t now); /* at most 100 of them */
/* It becomes a message: may it, in that version (0: any)?  And it goes, with the transaction that this is part of. */
enum store_result draft_check(struct store *store, uint64_t id, uint64_t version);
void draft_remove(struct store *store, uint64_t id);

/* ---- batch.c ---- */
void batches_init(struct store *store);
bool batches_load(
    struct store *store); /* before the writer starts; false: shows in store->db.hard */
void batches_done(struct store *store);
enum store_result apply_batch(struct store *store, struct store_batch *b);
/* What is stored; false: there is none. */
bool batch_get(struct store *store, sgl_view subscription, sgl_view id, enum batch_status *out);
enum store_result batch_control(struct store *store, const struct store_control *c);
void batch_add_message(struct store *store, const struct store_message *m);
void batches_expire(struct store *store, int64_t before_ms);
void batches_settle(struct store *store); /* committed */
void batches_forget(struct store *store); /* rolled back */

/* ---- statistics.c ---- */
void statistics_init(struct store *store);
void statistics_done(struct store *store);
/* What becomes durable with this recipient; what this outcome changed from the state before. */
void statistics_accept(const struct store_rcpt *r, uint64_t sum[STATISTICS]);
void statistics_outcome(const struct store_outcome_rcpt *r, int before, uint64_t sum[STATISTICS]);
/* For the subscription and each category of the labels. */
void statistics_add(struct store *store, int64_t at_ms, sgl_view subscription, sgl_view labels,
                    const uint64_t sum[STATISTICS]);
void statistics_noun(struct store *store, int64_t at_ms, const struct store_noun *n);
void statistics_write(struct store *store);  /* as part of the transaction, before its commit */
void statistics_forget(struct store *store); /* rolled back */
void statistics_expire(struct store *store, int64_t now_ms); /* those of transit, too */

/* ---- transit.c ---- */
struct transit_mail { /* whose mail it is; borrowed */
    sgl_view subscription, header_from, env_from;
};
void transit_init(struct store *store);
void transit_done(struct store *store);
/* Does what became of it count?  A recipient becomes delivered once: it has no claim any more. */
bool transit_counts(const struct store_outcome_rcpt *r);
/* All recipients of it that are marked so. */
void transit_add(struct store *store, int64_t at_ms, const struct transit_mail *mail,
                 const struct store_outcome *o);
void transit_write(struct store *store);
/* What is too old by that day goes, and destinations of a day that is old enough become one.  true: nothing is left to do on that day. */
bool transit_expire(struct store *store, int64_t day);
void transit_forget(struct store *store);

enum store_result apply_nouns(struct store *store, struct store_noun_op *n);
void nouns_committed(struct store_noun_op *n);
enum store_result apply_expire_trail(struct store *store, struct store_expire_trail *e);
/* Removes bodies that nobody needs, as part of the group. */
void apply_gone(struct store *store);

/* ---- recipients, shared by the operations (recipient.c) ---- */
struct rcpt_row {
    uint64_t id, message, lane, fence;
    int state;
    int64_t next_at, lease;
    uint32_t attempts;
    int flags;
};
static inline bool state_is_final(int state)
{
    return state != RCPT_QUEUED && state != RCPT_HELD;
}
bool rcpt_get(struct store *store, uint64_t id, struct rcpt_row *out);
/* Writes the row and notes what that means for lanes and counts. */
void rcpt_set(struct store *store, const struct rcpt_row *before, const struct rcpt_row *after);

/* The clock was set back: tries that were put off until a time of the old clock come that much earlier. `now` of the new one. */
void pull_back(struct store *store, int64_t now, int64_t seconds);

/* What the wall clock is ahead of the monotonic one: it changes only when somebody sets the clock. */
static inline int64_t clock_ahead_ms(void)
{
    return clock_now_ms() - (int64_t)clock_mono_ms();
}
/*
 * A lease's wall time as the clock would have it if nobody had set it since the store was opened.  Rows hold leases in this time, so that a clock
 * that jumps neither ends a lease whose owner lives nor keeps one for ever.
 */
static inline int64_t lease_time(const struct store *store, const struct store_op *op, int64_t wall)
{
    return wall - (op->clock_ms - store->clock_ms) / 1000;
}
/* So many of the message have become final: its body goes after the last. */
void message_less(struct store *store, uint64_t message, uint64_t finals);
/* The last answer and reason of a recipient; all empty: nothing is written. */
void note_put(struct store *store, uint64_t rcpt, sgl_view status, sgl_view reason,
              sgl_view why_wait, sgl_view remote_mta);
void trail_add(struct store *store, uint64_t message, const struct store_event *event,
               size_t events);
/* A line of the audit; `more` is put behind its detail. Without it the transaction cannot go on. */
void audit_add(struct store *store, const struct store_audit *a, sgl_view more);
void audit_expire(struct store *store, int64_t before_ms, size_t max);
void note_change(struct store *store, uint64_t lane, int64_t due, int out);

/* ---- rows into structs, for claims and reads; views into `arena` ---- */
#define MESSAGE_COLUMNS                                                                            \
    "m.id,m.first_rcpt,m.rcpts,m.accepted_at,m.expires_at,m.not_before,m.size,m.flags,m."          \
    "subscription,"                                                                                \
    "m.identity,m.env_from,m.env_id,m.message_id,m.header_from,m.subject,m.signed_by,m.door,m."    \
    "peer,m.labels,m.batch,m.pool"
#define MESSAGE_TEXTS 13
#define RCPT_COLUMNS                                                                               \
    "r.id,r.state,r.next_at,r.attempts,r.fence,r.flags,r.notify,r.address,r.orcpt,n.status,n."     \
    "reason,"                                                                                      \
    "n.why_wait,n.remote_mta,l.domain"
#define RCPT_TABLES "recipient r CROSS JOIN lane l ON l.id=r.lane LEFT JOIN note n ON n.rcpt=r.id"
bool row_message(sqlite3_stmt *s, struct sgl_arena *arena, struct store_message *out,
                 uint64_t *first);
bool row_rcpt(sqlite3_stmt *s, struct sgl_arena *arena, struct store_rcpt *out);

/* ---- reads: a connection of the pool; its statements are read_text of read.c ---- */
enum read_sql {
    READ_BODY,
    READ_MESSAGE,
    READ_KEY,
    READ_RCPTS,
    READ_LIST,
    READ_LIST_OPEN,
    READ_EVENTS,
    READ_NOUNS,
    READ_NOUNS_ALL,
    READ_NOUNS_PAGE,
    READ_NOUN,
    READ_DUE,
    READ_OLDEST,
    READ_CHARGES,
    READ_USAGE,
    READ_AUDIT,
    READ_BATCH,
    READ_BATCHES,
    READ_DRAFT,
    READ_DRAFT_FILES,
    READ_DRAFT_FILE,
    READ_DRAFT_PIECES,
    READ_STATISTICS,
    READ_CATEGORIES,
    READ_TRANSIT,
    READ_RECEIVED,
    READ_DMARC,
    READ_TLSRPT,
    READ_REPUTATION,
    READ_DMARC_JUDGED,
    READ_REPORTS_DUE,
    READ_REPORTS,
    READ_COUNT
};
struct db *read_begin(struct store *store, enum store_result *result);
/* Ends the reader's view of the database; a failure of the medium becomes the result. */
enum store_result read_end(struct store *store, struct db *db, enum store_result result);

/* ---- threads ---- */
void *writer_main(void *arg);
void writer_enqueue(struct store *store, struct store_op *op);
/* Sends the operations of a list home: one wake-up for each loop. */
void ops_complete(struct store_op *list);
/* The commit that changed them is durable: tells the watch of the recipients in store->pending. */
void tell_watched(struct store *store);
/* One transaction for all of a list, or one for each; returns what is finished. The writer's own, as is what follows. */
struct store_op *group_run(struct store *store, struct store_op *list);
bool group_begin(struct store *store);
bool group_commit(struct store *store); /* false: roll back */
void group_settle(struct store *store); /* committed: what it means for memory becomes true */
void group_roll_back(struct store *store);
bool spools_start(struct store *store);
void spools_submit(struct store *store, struct store_op *op);
void spools_remove(struct store *store, uint64_t id);
/* The files of these messages, which have not become durable. */
void spools_forget(struct store *store, struct store_accept *a);
void spools_stop(struct store *store);
bool upkeep_start(struct store *store);
void upkeep_wal(struct store *store, int pages); /* the writer: the log has grown to this */
void upkeep_stop(struct store *store);
void readers_init(struct readers *r);
void readers_done(struct readers *r);
void health_set(struct store *store, const char *what, int code); /* NULL: well */
/* ---- inherit.c ---- */
bool inherit_start(struct store *store, char *why, size_t why_size); /* before the writer starts */
/* For a moment, so that a small store is whole when it opens. */
bool inherit_wait(struct store *store, char *why, size_t why_size);
void inherit_take(struct store *store);           /* the writer, between groups */
bool inherit_has_work(const struct store *store); /* with store->lock held */
/* A slice of the former life's claims, as a transaction's content. How many ids it used up from the end of store->leased. */
size_t apply_leased(struct store *store);
void inherit_stop(struct store *store);
void thread_quiet(const char *name); /* blocks signals, names the thread */

#endif
