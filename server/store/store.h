/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one narrow door to durable storage.  Writers submit operations; the engine gathers all that wait into one transaction, makes it
 * durable, and only then calls done() on the operation's loop (group commit).  Readers run on other threads and never hold up the writer.
 *
 * Nothing here knows SQL: SQLite is one engine, PostgreSQL another.  An operation is embedded in its caller's struct and must live until done().
 */
#ifndef SERVER_STORE_STORE_H
#define SERVER_STORE_STORE_H

#include "../loop/loop.h"
#include "sigillo/view.h"

struct store;

enum store_result {
    STORE_OK,
    STORE_FULL,     /* disk or quota full: nothing was written */
    STORE_IO,       /* the medium failed: nothing was written */
    STORE_BUSY,     /* too many operations wait: refuse the work with 4xx/503 */
    STORE_CONFLICT, /* the row has another version, fence or owner: a late or a second writer */
    STORE_NOT_FOUND,
    STORE_EXISTS, /* idempotency key or noun key is taken; the existing one is reported */
    STORE_CORRUPT,
    STORE_NOMEM,
};
const char *store_result_text(enum store_result r); /* for people */

/* ---- messages -------------------------------------------------------------------------------------------------- */

/* Bytes of a message, shared between threads, counted, immutable once made. */
struct body {
    _Atomic unsigned refs;
    size_t len;
    uint8_t *bytes;    /* the whole message as it goes on the wire (without dot-stuffing) */
    size_t header_len; /* up to and including the blank line */
};
struct body *
body_new(size_t len); /* refs = 1; counts into body_bytes_held(); NULL when memory ends */
struct body *body_ref(struct body *b);
void body_unref(struct body *b); /* NULL accepted */
size_t body_bytes_held(void);    /* of all bodies alive */

enum rcpt_state { /* DESIGN section 7: every recipient ends in exactly one of the last five */
                  RCPT_QUEUED,
                  RCPT_HELD,
                  RCPT_DELIVERED,
                  RCPT_FAILED,
                  RCPT_SUPPRESSED,
                  RCPT_EXPIRED,
                  RCPT_CANCELLED,
};
const char *rcpt_state_name(enum rcpt_state s);

enum {
    RCPT_NOTIFY_NEVER = 1,
    RCPT_NOTIFY_SUCCESS = 2,
    RCPT_NOTIFY_FAILURE = 4,
    RCPT_NOTIFY_DELAY = 8
}; /* RFC 3461; 0: not given */

/* What a message asks of the connections that carry it, beside REQUIRETLS. In the store by number: add at the end. */
enum message_tls {
    MESSAGE_TLS_DEFAULT,
    MESSAGE_TLS_OPTIONAL, /* "TLS-Required: No" [RFC 8689 s3]: what its receivers publish does not hold it up */
    MESSAGE_TLS_VERIFIED, /* only to servers that prove who they are; it waits for one */
};
const char *message_tls_name(enum message_tls tls); /* "default", "optional", "verified" */
bool message_tls_parse(sgl_view name, enum message_tls *out);

struct store_rcpt {
    uint64_t id;      /* unique in the store; assigned by the engine at accept */
    sgl_view address; /* validated mailbox, local part as given, domain lower case A-label */
    sgl_view
        domain; /* destination: the part behind the @, lower case A-label, borrowed from address; or of its own: "=KEY", the route that carries it */
    sgl_view orcpt; /* RFC 3461 ORCPT decoded "rfc822;a@b", or empty */
    uint8_t notify;
    enum rcpt_state state;
    int64_t next_at; /* wall seconds: earliest next try */
    uint32_t attempts;
    uint64_t fence;         /* grows with each claim */
    bool possibly_repeated; /* a crash happened between the final dot and our record */
    bool delay_told;        /* a delay notice has been sent */
    uint8_t drop;    /* accepted as suppressed: as which enum statistic it counts; not kept */
    sgl_view status; /* last enhanced status "4.4.1", or empty */
    sgl_view reason; /* last answer or reason, printable, at most 1000 bytes */
    sgl_view
        why_wait; /* the rule that makes it wait: "retry schedule, step 3", "site backs off", ... */
    sgl_view remote_mta; /* last host asked, "mx1.example.net [192.0.2.1]" */
};

#define STORE_LABELS_MAX ((size_t)16 << 10)

struct store_message {
    uint64_t id; /* time-ordered, unique; see id_new() */
    sgl_view subscription;
    sgl_view identity; /* "credential:app1", "key:k_...", "local:uid=0", "system" */
    sgl_view env_from; /* "" is the null sender */
    sgl_view env_id;   /* RFC 3461 ENVID, decoded, or empty */
    char ret;          /* 'F', 'H' or 0 */
    bool eightbit;     /* body has 8-bit bytes: needs 8BITMIME */
    bool smtputf8;     /* needs SMTPUTF8 */
    bool require_tls;  /* REQUIRETLS [RFC 8689 s4.1] */
    uint8_t tls;       /* enum message_tls */
    uint64_t size;
    int64_t accepted_at; /* wall milliseconds */
    int64_t expires_at;  /* wall seconds */
    int64_t not_before;  /* wall seconds; 0 now */
    sgl_view message_id; /* RFC 5322 Message-ID with angle brackets */
    sgl_view header_from;
    sgl_view subject;   /* raw, at most 200 bytes, for listings */
    sgl_view signed_by; /* "d=example.org s=s1 rsa-sha256; d=example.org s=e1 ed25519-sha256" */
    sgl_view door;      /* "submission", "http", "bounce" */
    sgl_view peer;      /* "198.51.100.7" */
    sgl_view
        labels; /* what the sender calls it: {"categories":["a"],"custom_args":{"k":"v"}}, or empty. A claim leaves it empty: nobody delivers by it */
    sgl_view batch; /* messages that are held or cancelled together, or empty */
    sgl_view pool;  /* of addresses to send from, or empty: the server's own */
    uint8_t bypass; /* bits, 1 << reason: suppressions for these reasons do not count */
    struct store_rcpt *rcpt;
    size_t rcpts;
};

/* A copy in one block of memory, recipients and strings included; NULL when memory ends. Any thread. Free with store_message_free(). */
struct store_message *store_message_dup(const struct store_message *m);
void store_message_free(struct store_message *m); /* NULL accepted */

/*
 * 64-bit, positive as a signed number: 41 bits of milliseconds since 2024-01-01, 22 of counter and random; a later id of this process is greater, also when the clock steps
 * back.  The text form is 13 characters of lower-case base32 (Crockford) and sorts like the number.  Any thread.
 */
uint64_t id_new(void);
int64_t id_time_ms(uint64_t id); /* wall milliseconds at which it was made */
#define ID_TEXT_SIZE 14
void id_text(uint64_t id, char out[ID_TEXT_SIZE]);
bool id_parse(sgl_view text, uint64_t *out);

/* Something that happened, for the trail of a message. */
struct store_event {
    int64_t at_ms;
    uint64_t rcpt; /* 0: of the whole message */
    sgl_view
        kind; /* "accepted", "attempt", "delivered", "deferred", "failed", "held", "released", "retried", "cancelled", "bounced", "expired", "suppressed" */
    sgl_view detail; /* one JSON object: host, address, tls, cipher, dane, reply, ms, ... */
};

/* ---- operations ------------------------------------------------------------------------------------------------ */

enum store_op_kind {
    STORE_ACCEPT,
    STORE_STAGE,
    STORE_CLAIM,
    STORE_OUTCOME,
    STORE_RELEASE,
    STORE_EXTEND,
    STORE_CONTROL,
    STORE_BATCH,
    STORE_NOUN_PUT,
    STORE_NOUN_DELETE,
    STORE_AUDIT,
    STORE_TALLY,
    STORE_DMARC_RECEIVED, /* dmarc_received.h */
    STORE_DRAFT,          /* draft.h */
    STORE_RECEIVED,       /* received.h */
    STORE_TLSRPT,         /* tlsrpt.h */
    STORE_REPUTATION,     /* reputation.h */
    STORE_DMARC_JUDGED,   /* dmarc_judged.h */
    STORE_REPORT,         /* report.h */
    STORE_RETURNED,       /* returned.h */
    STORE_EXPIRE_TRAIL
};

struct store_op {
    struct store_op *next;
    enum store_op_kind kind;
    enum store_result result;
    struct loop
        *loop; /* where done() runs; NULL: on a thread of the store, so that it only tidies up */
    void (*done)(struct store_op *op);
    struct loop_task task;
    int64_t
        clock_ms; /* the store's own: what the wall clock was ahead of the monotonic one when it was submitted */
};

struct store_charge { /* what a message counts against the limits of its subscription */
    int64_t at_ms;    /* wall milliseconds */
    uint64_t messages, recipients, internal, external, bytes;
};

/*
 * What is counted of a message beside what it was charged, under a name that belongs to no subscription: "guard:example.org/gmail".  Kept and read as charges are, without a
 * subscription, the name as the identity; in no report of usage.
 */
struct store_tally {
    sgl_view name;
    struct store_charge charge; /* no messages: none */
};
struct store_tally_op {       /* one by itself */
    struct store_op op;       /* kind STORE_TALLY */
    struct store_tally tally; /* borrowed until done() */
};

/*
 * One line of the audit: who changed what, when, from where.  Lines are appended and read; the engine itself refuses to change one, and to delete one other than by age.
 * Control characters and bytes that are no UTF-8 become U+FFFD when a line is written, and each member is cut to its maximum.
 */
struct store_audit {
    uint64_t id;           /* read: grows from line to line */
    int64_t at_ms;         /* wall milliseconds */
    sgl_view actor;        /* "key:k1", "local:uid=0", "system:verification" */
    sgl_view peer;         /* "198.51.100.7", "unix:uid=0"; empty: it came from within */
    sgl_view action;       /* "domain add", "queue hold", "server start" */
    sgl_view object;       /* "domain:example.org"; empty: the server */
    sgl_view subscription; /* whose it is; empty: nobody's */
    sgl_view result;       /* "done", or why it was not: "invalid", "refused", "conflict" ... */
    sgl_view detail;       /* for people: "profile standard -> unlimited"; never a secret */
};
#define STORE_AUDIT_DETAIL_MAX 1000
#define STORE_AUDIT_TEXT_MAX   320 /* each of the others */
struct store_audit_op {
    struct store_op op;              /* kind STORE_AUDIT */
    const struct store_audit *audit; /* borrowed until done() */
};

/*
 * The message, its recipients and its body become durable, or nothing does.  With `claim` the recipients are born claimed by this node (fence 1), so that the queue can
 * deliver from memory without asking again.  A recipient may be born final (RCPT_SUPPRESSED): its status and reason are kept, and an event of the state's name; when all are, the
 * body goes at once.  An idempotency key that exists with the same request hash gives STORE_EXISTS and existing_id; with another hash STORE_CONFLICT.
 *
 * `with` is another message that becomes durable in the same transaction, and so on: all of them, or none, with the result of the first that fails in the op of the first.
 *
 * A message of a batch that is paused is born held, of one that is cancelled cancelled; of one that is not there, STORE_NOT_FOUND.
 *
 * STORE_STAGE writes the body of one to a file, and nothing else: after STORE_OK body may be NULL when the same struct is accepted, so that many messages can be made ready
 * without holding their bodies in memory.  What is staged and not accepted is given up with store_unstage(), or with the end of the process.
 */
struct store_accept {
    struct store_op op;
    struct store_accept *with;     /* or NULL; its op is not used */
    struct store_message *message; /* rcpt[].id are filled in */
    struct body *body;             /* borrowed until done() */
    bool claim;
    uint64_t lease_until;     /* wall seconds, with claim */
    sgl_view idempotency_key; /* scoped by message->subscription; or empty */
    uint8_t request_hash[32];
    uint64_t existing_id;
    struct store_charge
        charge; /* kept with the message, by its subscription and identity; no messages: none */
    sgl_view charged_domain; /* a domain that has limits of its own, or empty */
    struct store_charge
        domain_charge; /* kept beside, without a subscription, by the identity "domain:NAME": of one message too, and in no report */
    const struct store_tally *tally; /* borrowed until done() */
    size_t tallies;
    const struct store_event *event; /* into its trail; borrowed until done() */
    size_t events;
    /* It was this draft, which goes; 0: none.  STORE_NOT_FOUND: it is not there any more; STORE_CONFLICT: it has another version (0: any) */
    uint64_t draft, draft_version;
    bool staged;  /* result of STORE_STAGE */
    bool spooled; /* the engine's own, as what follows */
    size_t header_len;
    bool born_stopped;
};
void store_unstage(struct store *store,
                   struct store_accept *a); /* any thread; does nothing to what is not staged */

/*
 * Recipients that are due get an owner, a lease and a fence.  A lane is one subscription's mail to one destination; lanes take turns, oldest first within a lane, and of a
 * lane not more than lane_max are ever out with this node at once, so that one big backlog starves nobody.  Recipients whose lease ran out are due again.
 */
struct store_claim {
    struct store_op op;
    int64_t now;
    int64_t lease_until;
    size_t max;      /* recipients */
    size_t lane_max; /* recipients of one lane that this node may hold; 0: no such bound */
    int64_t
        next_due; /* result: wall seconds at which more becomes due (not before `now` + 1 when all that is due was given), INT64_MAX: nothing waits;
                                <= now: more is due already and waits for room */
    /* result: messages with only the claimed recipients; free with store_claim_done() */
    struct store_message **message;
    size_t messages;
    void *memory;
};
void store_claim_done(struct store_claim *c);

/* How it went over the wire, and what TLS failed at; the numbers of transit.h.  All zero: not told. */
struct store_transit {
    uint8_t mechanism, version, cause;
};

/* What became of one recipient in one attempt (or by a decision of the queue). */
struct store_outcome_rcpt {
    uint64_t rcpt;
    uint64_t fence;
    enum rcpt_state state; /* QUEUED: try again at next_at */
    int64_t next_at;
    bool attempted;         /* counts an attempt */
    bool possibly_repeated; /* from now on: the remote may have it already; never taken back */
    bool delay_told;
    uint8_t drop; /* RCPT_SUPPRESSED: as which enum statistic it counts */
    struct store_transit transit;
    sgl_view status, reason, why_wait, remote_mta;
    enum store_result
        result; /* STORE_OK, or STORE_CONFLICT: a late worker; nothing was written for it */
    enum rcpt_state
        now_state; /* result: the state it has now. A hand may have held or cancelled it meanwhile: then QUEUED becomes HELD or CANCELLED, and a true end wins */
    struct {       /* the engine's own */
        uint64_t lane;
        bool moved; /* counts in transit.h */
    } own;
};
struct store_outcome {
    struct store_op op;
    uint64_t message;
    struct store_outcome_rcpt *rcpt;
    size_t rcpts;
    bool
        keep_claim; /* what is QUEUED afterwards stays with this node, in memory (due soon); other states give the claim back */
    struct store_event *event; /* appended to the trail in the same transaction */
    size_t events;
    struct store_accept *notice
        [2]; /* reports (bounce, delay) that become durable in the same transaction, or NULL; their op members are not used */
};

/* STORE_RELEASE gives claimed recipients back unchanged (drain, memory pressure); STORE_EXTEND moves the lease of those that are still ours to lease_until. Others are passed over. */
struct store_release {
    struct store_op op;
    int64_t lease_until; /* EXTEND */
    uint64_t *rcpt;
    uint64_t *fence;
    size_t rcpts;
};

/* An administrator's hand: applies to one recipient, a whole message, or everything that matches a domain. */
enum store_control_verb { CONTROL_RETRY, CONTROL_HOLD, CONTROL_RELEASE, CONTROL_CANCEL };
struct store_control {
    struct store_op op;
    enum store_control_verb verb;
    uint64_t message;      /* 0: all messages */
    uint64_t rcpt;         /* 0: all recipients of it */
    sgl_view domain;       /* only this destination, or empty */
    sgl_view subscription; /* only messages of this one, or empty; another's message is not found */
    sgl_view
        batch; /* of that subscription, or empty: all its messages. STORE_NOT_FOUND; STORE_BUSY: too many are stopped */
    bool
        batch_new; /* it has to go now, else STORE_EXISTS; without, it has to be stopped, else STORE_CONFLICT */
    sgl_view actor; /* who asked, for the trail */
    int64_t now;
    /* Written with the first group that changes something, and once more at the end when there were several; how many recipients is added to its detail. May be NULL. */
    const struct store_audit *audit;
    size_t changed; /* result: recipients changed */
    struct
    { /* the engine's own; zeroed at first. What touches everything is done in several groups */
        uint64_t cursor, cursor_before;
        size_t changed_before;
        bool again, audited, audited_before;
    } own;
};
/* ---- batches ---- */

/*
 * Messages that are held or cancelled together, those that come later as well.  The verbs of a hand on a batch set what becomes of it: hold pauses it, cancel cancels it, release
 * lets it go.  From the first moment that is durable nobody is given such a message to deliver: store_batch_status() says so before done(), whatever is claimed already.
 * Cancelled messages stay so.  What its batch holds no other hand releases, and what another hand holds no batch does.
 */
enum batch_status { BATCH_GOES, BATCH_PAUSED, BATCH_CANCELLED };
#define STORE_BATCH_ID_MAX        100
#define STORE_BATCHES_MAX         10000 /* of a subscription */
#define STORE_BATCHES_STOPPED_MAX 1000  /* of these, not going */
struct store_batch {    /* makes one; STORE_EXISTS, or STORE_BUSY when there are too many */
    struct store_op op; /* kind STORE_BATCH */
    sgl_view subscription, id;
    int64_t at_ms;
};
/* What is decided of it now; a batch that is not there goes. Any thread, never waits for the medium. */
enum batch_status store_batch_status(struct store *store, sgl_view subscription, sgl_view id);

/* The queue wants to hear which recipients that it has claimed were changed by a hand. `changed` runs on `loop` before the done() of the operation when both share the loop. */
struct store_watch {
    struct loop *loop;
    void *ctx;
    void (*changed)(void *ctx, enum store_control_verb verb, const uint64_t *rcpt, size_t rcpts);
};
void store_set_watch(struct store *store, const struct store_watch *watch);

/* Nouns: what administrators manage, as small JSON documents by kind and key.  The directory gives them meaning; the store only keeps them. */
struct store_noun {
    sgl_view kind; /* "domain", "credential", ... */
    sgl_view key;
    sgl_view subscription; /* may be empty */
    sgl_view value;        /* JSON */
    uint64_t
        version; /* 0 to create (STORE_EXISTS if taken), else must equal the stored one (STORE_CONFLICT) */
    bool remove;    /* in STORE_NOUN_PUT: this one goes while others are put */
    uint8_t counts; /* put: as which enum statistic of its subscription; not kept */
};
/* As a version: put, whatever is there; delete, if it is there. For nouns whose last writer is right. */
#define STORE_NOUN_ANY UINT64_MAX
struct store_noun_op {  /* several nouns change together or not at all */
    struct store_op op; /* kind STORE_NOUN_PUT or STORE_NOUN_DELETE */
    struct store_noun *noun;
    size_t nouns;                    /* versions are updated on STORE_OK */
    const struct store_audit *audit; /* durable with the change, or not at all; may be NULL */
};

/*
 * Old trail goes: finished messages accepted before `before_ms`, at most `max` per call; with the last of them charges of that time, but for those of the latest day, and lines of
 * the audit from before `audit_before_ms`, 0: none.
 */
struct store_expire_trail {
    struct store_op op;
    int64_t before_ms, audit_before_ms;
    size_t max;
    size_t removed;
};

/* Thread-safe. done() is always called, later, on op->loop. STORE_BUSY is only for STORE_ACCEPT and STORE_STAGE: the end of a recipient is never turned away. */
void store_submit(struct store *store, struct store_op *op);

/*
 * Before the final dot is sent: notes that these recipients are in doubt.  No I/O wait (a mapped file that survives the death of the process); any thread.
 * The slot is given back after the outcome was recorded.  At the next start what is still noted becomes possibly_repeated.
 */
bool store_doubt(struct store *store, const uint64_t *rcpt, size_t rcpts, uint32_t *slot);
void store_doubt_clear(struct store *store, uint32_t slot);

/* ---- reads: on worker threads (the engine has its own reader connections); synchronous, never on a loop ---------- */

/* The body, from row or file. */
enum store_result store_read_body(struct store *store, uint64_t message, struct body **out);
/* One message with recipients; memory from a malloc that free()s with store_message_free(). */
enum store_result store_read_message(struct store *store, uint64_t id, struct store_message **out);

/* The message that was accepted with this idempotency key, as long as its trail is there. */
enum store_result store_read_key(struct store *store, sgl_view subscription, sgl_view key,
                                 uint64_t *message);

struct store_filter {
    uint64_t message; /* 0: any */
    sgl_view subscription, to, from,
        domain; /* empty: any; `to` and `from` compare case-insensitively */
    int64_t since_ms;
    bool open_only; /* only messages with a recipient that is not final */
    uint64_t after; /* paging: ids greater than this (newest first: smaller) */
    size_t max;
};
/* Calls each() for every match, newest first; stops when it returns false. */
enum store_result store_read_messages(struct store *store, const struct store_filter *filter,
                                      bool (*each)(void *ctx, const struct store_message *m),
                                      void *ctx);
enum store_result store_read_events(struct store *store, uint64_t message,
                                    bool (*each)(void *ctx, const struct store_event *e),
                                    void *ctx);
enum store_result store_read_nouns(struct store *store, sgl_view kind,
                                   bool (*each)(void *ctx, const struct store_noun *n), void *ctx);

/* One of them; each() is called at most once. */
enum store_result store_read_noun(struct store *store, sgl_view kind, sgl_view key,
                                  bool (*each)(void *ctx, const struct store_noun *n), void *ctx);

/* BATCH_GOES as well; STORE_NOT_FOUND: there is none. */
enum store_result store_read_batch(struct store *store, sgl_view subscription, sgl_view id,
                                   enum batch_status *out);
/* Those that do not go, in the order of their ids. */
enum store_result store_read_batches(struct store *store, sgl_view subscription,
                                     bool (*each)(void *ctx, sgl_view id, enum batch_status status),
                                     void *ctx);

struct store_usage {
    sgl_view subscription, identity;
    struct store_charge charge; /* of a sum: at_ms is the latest */
};
/* Charges since a time, oldest first; those of one millisecond, subscription and identity are one. */
enum store_result store_read_charges(struct store *store, int64_t since_ms,
                                     bool (*each)(void *ctx, const struct store_usage *u),
                                     void *ctx);
/* Their sums by subscription and identity, in the order of both names. subscription: only this, or empty. */
enum store_result store_read_usage(struct store *store, int64_t since_ms, sgl_view subscription,
                                   bool (*each)(void *ctx, const struct store_usage *u), void *ctx);
/* A page of them: keys greater than `after` and smaller than `before` (empty: no bound), in their order, at most max. */
struct store_noun_page {
    sgl_view kind, after, before;
    size_t max;
};
enum store_result store_read_noun_page(struct store *store, const struct store_noun_page *page,
                                       bool (*each)(void *ctx, const struct store_noun *n),
                                       void *ctx);

struct store_audit_filter {
    int64_t since_ms;
    sgl_view subscription, action; /* empty: any */
    sgl_view actor,
        object; /* all of it, or what stands before or behind its first colon: "key", "example.org"; empty: any */
    uint64_t after; /* paging: ids smaller than this; 0: from the newest */
    size_t max;     /* 0: all */
};
/* Newest first; stops when each() returns false. */
enum store_result store_read_audit(struct store *store, const struct store_audit_filter *filter,
                                   bool (*each)(void *ctx, const struct store_audit *a), void *ctx);

struct store_counts {
    uint64_t waiting, held, due_now, doubtful_at_start; /* recipients */
    uint64_t messages;                                  /* with a recipient that is not final */
    int64_t oldest_ms; /* when the oldest of them was accepted; 0: none */
};
enum store_result store_read_counts(struct store *store, struct store_counts *out);

/* ---- life ------------------------------------------------------------------------------------------------------ */

struct store_config {
    const char *folder; /* the state folder; exists */
    size_t inline_max;  /* bodies of at least this many bytes are files in the spool: 128 KiB */
    unsigned group_max; /* operations in one transaction */
    size_t waiting_max; /* operations that may wait before STORE_BUSY */
    uint64_t bytes_max; /* quota of the database file; 0: the disk */
};
/*
 * Opens or creates; migrates forward; checks integrity; takes over leases of this node's former life, counts what was in doubt, sweeps orphans of the spool.
 * On failure NULL, and `why` (size why_size) has one sentence that names the file.
 */
struct store *store_open(const struct store_config *config, char *why, size_t why_size);
/* Finishes what was submitted, then closes. */
void store_close(struct store *store);
/* Where it stands. */
const char *store_folder(const struct store *store);
/* The background integrity check and the medium: false with a reason once something is wrong; for /readyz. */
bool store_healthy(struct store *store, char *why, size_t why_size);

struct store_stats {
    uint64_t commits, operations, commit_us_total, commit_us_max, waiting;
};
void store_stats(struct store *store, struct store_stats *out);

#endif
