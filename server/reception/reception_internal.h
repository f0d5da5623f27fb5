/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder know of each other.
 *
 *   reception.c  life, rules of a configuration, who handles what
 *   ask.c        RCPT: who is known
 *   fields.c     what is put on top of a message, and what goes
 *   take.c       one message: judged, decided, handled
 *   carry.c      carried mail: made, committed, handed to the queue
 *   told.c       answers, log, trail
 */
#ifndef SERVER_RECEPTION_RECEPTION_INTERNAL_H
#define SERVER_RECEPTION_RECEPTION_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "reception.h"
#include "sigillo/arena.h"

#define RECEIVED_MAX 100 /* [RFC 5321 s6.3]: at least so many are no loop */

/* What a configuration says, ready to decide by. */
struct reception_rules {
    _Atomic unsigned refs;
    struct config *config;
    sgl_view authserv_id;
    struct judge_policy policy; /* its dmarc is that of domains that say nothing */
    struct sgl_arc_trust trust;
    struct sgl_arena arena;
};
struct reception_rules *gate_rules_new(struct config *config);
struct reception_rules *
gate_rules_of(struct reception *r); /* a reference to those that count now */
void gate_rules_unref(struct reception_rules *rules);

struct reception_handler {
    void (*take)(void *ctx, struct arrival *a);
    void *ctx;
};

struct reception {
    struct directory *directory;
    struct judge *judge;
    struct store *store;
    struct queue *queue;
    uint32_t lease_s;
    pthread_mutex_t lock; /* rules */
    struct reception_rules *rules;
    struct reception_handler handler[ROUTE_ACTIONS];
    struct reception_knows knows[RECEPTION_KNOWS_MAX];
    size_t knowers;
    struct reception_callout callout;
    void (*forward)(void *ctx, struct reception_forward *f);
    void *forward_ctx;
    struct reception_observer {
        void (*judged)(void *ctx, const struct reception_judged *j);
        void *ctx;
    } judged[RECEPTION_OBSERVERS_MAX], trapped[RECEPTION_OBSERVERS_MAX];
    size_t judgeds, trappeds;
    _Atomic uint64_t accepted, refused, deferred, quarantined, overridden, unknown, handled,
        carried;
    _Atomic uint64_t dmarc_pass, dmarc_fail, dmarc_none, dmarc_error, bytes, busy;
};

/* ---- one message ---- */

struct carried; /* carry.c */

struct run {
    struct reception *r;
    struct reception_mail *m;
    struct reception_rules *rules;
    struct judging *judging;
    const struct sgl_verdict *verdict;
    const struct sgl_headers *headers;
    struct judge_decision decision;
    bool authenticated; /* its envelope sender is who he says: he may be told of what fails later */
    int64_t at_ms;
    struct sgl_arena arena;
    struct sgl_buf fields, header;
    sgl_view body; /* behind the blank line */
    char id[14];   /* ID_TEXT_SIZE */
    size_t next;   /* of the recipients to be handled, then of those to be sent on */
    bool calling, answered;
    bool over; /* decided: the answer stands */
    struct arrival arrival;
    struct reception_forward forward;
    struct carried *first, **tail; /* what is made of it */
    struct reception_answer answer;
    struct loop_task task;
};

/* ---- fields.c ---- */

/*
 * Our fields, and what stays of those that came.  SGL_OK, SGL_E_NOMEM, SGL_E_LIMIT.
 *
 * Gone are Authentication-Results in our name or that nobody can read, ARC-Authentication-Results in our name where no chain holds them, Received-SPF in our name, our own marks and
 * Return-Path, which the last server writes.  [RFC 8601 s5]
 */
enum sgl_status fields_make(struct run *run);

/* ---- carry.c ---- */

/* All that is carried becomes durable, then run_end(). */
void carry_all(struct run *run);
void carry_free(struct run *run);

/* ---- take.c ---- */

/* The answer stands: it is told, later on the loop. */
void run_end(struct run *run);

/* ---- told.c ---- */

void told_set(struct reception_answer *out, uint16_t code, const char *enhanced, const char *text);
/* With foreign bytes in place of "%s": escaped, at most 100 of them. */
void told_about(struct reception_answer *out, uint16_t code, const char *enhanced, const char *text,
                sgl_view about);
void told_memory(struct reception_answer *out);
void told_store(struct reception_answer *out, enum store_result result);
void told_count(struct reception *r, const struct sgl_verdict *v);
/* {"spf":"pass","dkim":"pass",...}: for the trail. */
void told_detail(const struct run *run, struct sgl_buf *out);
void told_log(const struct run *run);

#endif
