/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MTA-STS of those who are sent to  [RFC 8461]: finds the policy of a domain, keeps it in memory and in the store, and refreshes it before it ends.
 *
 * What is known stays in force until its max_age has passed, whatever fails meanwhile: a record that is gone, a lookup, the web server, the store.  What cannot be known is
 * STS_UNKNOWN and never "no policy".  Lives on the outgoing loop.
 */
#ifndef SERVER_STS_STS_H
#define SERVER_STS_STS_H

#include "../https/https.h"
#include "../resolver/resolver.h"
#include "../store/store.h"
#include "sigillo/mta_sts.h"
#include "sigillo/tlsrpt.h"

#define STS_WHY_SIZE 200

/* A policy as it was fetched: counted, immutable. On the outgoing loop only. */
struct sts_policy {
    unsigned refs;
    sgl_view domain;                  /* whose it is: lower-case A-labels */
    sgl_view id;                      /* of the record that told of it */
    sgl_view body;                    /* as it was fetched */
    struct sgl_mta_sts_policy policy; /* mode, max_age_s, patterns */
    int64_t fetched_at, expires_at;   /* wall seconds */
    struct sgl_arena arena;
};
struct sts_policy *sts_policy_ref(struct sts_policy *p);
void sts_policy_unref(struct sts_policy *p); /* NULL accepted */
/* Copies what it is given. SGL_E_SYNTAX, SGL_E_LIMIT: `why` says what is wrong with the body; SGL_E_NOMEM. */
enum sgl_status sts_policy_read(sgl_view domain, sgl_view id, sgl_view body, int64_t fetched_at,
                                struct sts_policy **out, char why[STS_WHY_SIZE]) SGL_MUST_USE;
/* Does it say something about connections, now or for reports: enforce or testing? NULL: no. */
static inline bool sts_policy_counts(const struct sts_policy *p)
{
    return p != NULL && p->policy.mode != SGL_MTA_STS_MODE_NONE;
}

struct sts;

struct sts_config {
    struct loop *loop; /* the outgoing one */
    struct resolver *resolver;
    struct https *https; /* of this room alone: it ends first */
    struct store *store;
    struct workers *workers;
    uint64_t resolve_ms;
};
/* NULL: no memory. */
struct sts *sts_new(const struct sts_config *config);
void sts_free(struct sts *sts); /* after its loop and the workers have ended; NULL accepted */

enum sts_state {
    STS_NONE,    /* no policy, and no reason to doubt that */
    STS_POLICY,  /* this one is in force; its mode may be none */
    STS_UNKNOWN, /* whether there is one cannot be found out now: nothing may be sent */
};
struct sts_answer {
    enum sts_state state;
    struct sts_policy *policy; /* STS_POLICY: a reference for who asks; else NULL */
    /* For reports: why the policy could not be fetched now (sts-policy-fetch-error, -invalid, sts-webpki-invalid); SGL_TLS_OK: nothing failed. It may be there with each state. */
    enum sgl_tls_result trouble;
    char why[STS_WHY_SIZE]; /* of the trouble or of STS_UNKNOWN, printable; else "" */
};
struct sts_ask { /* embedded in the caller's struct; alive until done() or sts_cancel() */
    void (*done)(struct sts_ask *ask);
    struct sts_answer answer;
    /* private */
    struct sts_ask *next, **link; /* link NULL: waits for nothing */
};
/*
 * What does the policy domain itself say (never its parent)  [RFC 8461 s3.4]?  true: the answer is there, done() is not called; false: done() comes later on the loop.  Those who
 * ask for the same domain meanwhile share one lookup and one fetch.
 */
bool sts_ask(struct sts *sts, struct sgl_name domain, struct sts_ask *ask);
/* Gives up: done() will not be called. Harmless when it is over; the struct is zeroed at first. */
void sts_cancel(struct sts_ask *ask);

#endif
