/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of this folder.  All of it belongs to the outgoing loop, except for what is _Atomic.
 *
 * A job's places, and its moves:
 *
 *   READY      in its destination's line                  -> OUT (taken), FREE (a hand, drain)
 *   WAITING    claimed, due within a minute               -> READY (time, a hand), FREE
 *   OUT        with delivery                              -> RECORDING (outcome), WAITING (put back for a moment)
 *   RECORDING  its outcome is on the way to the store     -> FREE, WAITING; stays as long as the store refuses
 */
#ifndef SERVER_QUEUE_QUEUE_INTERNAL_H
#define SERVER_QUEUE_QUEUE_INTERNAL_H

#include <stdatomic.h>

#include "queue.h"
#include "retry.h"

#define KEEP_S          60  /* what is due sooner than this stays in memory */
#define CLAIM_MAX       500 /* recipients of one claim */
#define POLL_S          30  /* the store is asked at least so often */
#define PUT_BACK_S      2   /* a job that was put back without a wish */
#define EXPIRE_GRACE_S  3600
#define RECORD_WAIT_MAX 30

/* A message in memory, shared by its jobs. */
struct envelope {
    struct loop_task task; /* on its way from another thread */
    struct queue *q;
    struct store_message *m;
    struct body *body;  /* NULL: not here */
    unsigned jobs, out; /* of them with delivery, which borrows the body */
    struct qjob *made;  /* while it is divided, by way of next */
    size_t bytes;       /* counted in held_bytes */
    bool alone;         /* each recipient has a job of its own */
};

enum place { READY, WAITING, OUT, RECORDING };

/* One subscription's jobs of a destination. */
struct line {
    struct line *next; /* a ring */
    struct qjob *first, *last;
    sgl_view subscription; /* points behind this struct */
};

struct qjob {
    struct job job; /* first: what delivery sees */
    struct envelope *env;
    struct line *line;
    enum place place;
    int64_t due;                      /* WAITING */
    int64_t lease_until;              /* 0: not known, extended at the next round */
    struct qjob *prev, *next;         /* in its line, or among those that wait */
    struct qjob *all_prev, *all_next; /* all jobs */
    char *note;                       /* why_wait as it was last written, or NULL */
    struct store_rcpt *rcpt[];
};

struct queue_dest {
    struct queue *q;
    struct queue_dest *hash_next;
    uint64_t hash;
    unsigned refs;
    size_t jobs, ready, rcpts; /* jobs and recipients in memory, wherever */
    struct line *turn;         /* whose turn was the last; NULL: no line yet */
    struct qjob *building;     /* while a message is divided */
    void *slot;
    enum dest_tls tls;
    size_t domain_len, pool_len;
    char domain[]; /* and the pool behind it */
};

struct record;

struct queue {
    struct loop *loop;
    struct store *store;
    struct workers *workers;
    struct queue_config config; /* retry_s and hostname are copies */
    uint32_t *retry_s;
    char *hostname;
    struct queue_delivery delivery;
    struct queue_signer signer;
    struct queue_stop stop;
    struct queue_alone alone;
    bool started, draining, released;
    void (*drained)(void *ctx);
    void *drained_ctx;

    struct queue_dest **table;
    size_t table_size, dests;
    struct qjob *all;
    struct qjob *waiting;
    size_t out;

    struct store_claim claim;
    bool claiming, claim_again;
    size_t claim_reserved;
    int64_t next_claim;

    struct record *records; /* all that are not durable yet */
    size_t giving_back;     /* releases on the way */
    size_t extending;       /* extensions on the way */
    bool
        lease_refused; /* the store could not extend: until it can, a claim might end our own leases */
    struct event *timer;
    int64_t extended_at, trail_at;
    struct store_expire_trail trail;
    bool expiring_trail;

    _Atomic size_t held_rcpts, held_bytes, max_rcpts, max_bytes;
    _Atomic bool open; /* queue_room() may say yes */
    _Atomic bool nudged;
    struct loop_task nudge, check;
    _Atomic uint64_t n_in_memory, n_out, n_delivered, n_deferred, n_failed, n_expired, n_claims,
        n_bounces;
};

int64_t queue_now(const struct queue *q);
uint32_t queue_random(const struct queue *q);
/* What the timer does each second; tests call it with their own time. */
void queue_run_due(struct queue *q);
/* What is in memory at half of its lease gets a new one; now and then, whenever it is called. */
void queue_extend_leases(struct queue *q, int64_t now);
/* Asks the store for more if there is room and something is due. */
void queue_claim_more(struct queue *q);
void queue_check_drained(struct queue *q);
void queue_run_nudge(struct loop_task *task);
/* hand.c: for store_set_watch(). */
void queue_hand_changed(void *ctx, enum store_control_verb verb, const uint64_t *rcpt,
                        size_t rcpts);
/* Divides a message into jobs and lines them up; the envelope is the queue's from now on. */
void queue_add(struct queue *q, struct envelope *env, int64_t lease_until);
struct envelope *envelope_new(struct queue *q, struct store_message *m, struct body *body);
/* The body has come into memory, or goes (NULL; while nothing of the message is out). */
void envelope_set_body(struct envelope *env, struct body *body);
void envelope_free(struct envelope *env);

/* ---- fair.c: destinations, and whose turn it is ---- */
/* For mail of the same pool as this message, and with the same demands on TLS; or makes it; NULL: memory ended. */
struct queue_dest *dest_find(struct queue *q, sgl_view domain, const struct store_message *m);
void dest_maybe_free(struct queue_dest *dest);
struct line *dest_line(struct queue_dest *dest, sgl_view subscription);
void dest_free_all(struct queue *q);
/* At the end of its line; tells delivery when the destination had no work. */
void line_up(struct qjob *j);
void line_leave(struct qjob *j);
/* The next by turns, out of its line; NULL: none. */
struct qjob *line_next(struct queue_dest *dest);

/* ---- job.c: memory of jobs ---- */
struct qjob *job_new(struct envelope *env, struct queue_dest *dest, size_t rcpts_max);
void job_add_rcpt(struct qjob *j, struct store_rcpt *r);
void job_free(struct qjob *j); /* out of whatever list it is in */
void job_wait(struct qjob *j, int64_t due);
void job_leave(struct qjob *j); /* its line or those that wait */
void job_take_out(
    struct qjob *j); /* nobody else touches it or its body, and a drain waits for it */
/* Keeps the recipients for which keep[] is true. */
void job_shrink(struct qjob *j, const bool *keep);
/* Claims go back to the store: whole jobs (freed), or some recipients. */
void give_back_job(struct qjob *j);
void give_back_rcpts(struct queue *q, const uint64_t *rcpt, const uint64_t *fence, size_t rcpts);

/* ---- stop.c: who is not to be sent to any more ---- */
/* A job that was taken from its line, without those who end here; NULL: nothing is left of it now. */
struct qjob *queue_stop_some(struct queue *q, struct qjob *j);

/* ---- record.c: outcomes on their way to the store ---- */
struct notice;
struct record {
    struct store_outcome op; /* first */
    struct queue *q;
    struct qjob *job;
    struct record *prev, *next;
    uint32_t doubt_slot;
    struct notice *notice;
    struct work load; /* of the body, for a notice */
    struct body *loaded;
    int64_t try_at; /* refused by the store: again at this time; 0: on its way */
    unsigned tries;
    int64_t resume_at; /* of what is kept */
    uint8_t
        *tell; /* for each recipient: 0, or what its sender is told, by enum sgl_dsn_action + 1 */
    const struct rcpt_outcome *outcome; /* during the call of queue_outcome() only */
};
void records_retry(struct queue *q, int64_t now);
void record_free(struct record *r);
void record_submit(struct record *r);

/* ---- notice.c: reports to the sender ---- */
/* Does somebody want to hear of any of these results? */
bool notice_wanted(const struct queue *q, struct record *r);
/* Composes, has it signed, then submits the record with it. The body of the message is in r->loaded, or NULL. */
void notice_begin(struct record *r);
/* Durable: the queue gets the notice. */
void notice_durable(struct record *r);
void notice_free(struct notice *n); /* NULL accepted */

#endif
