/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: sts.c (who asks), sts_find.c (finding out), sts_judge.c (what follows from it), sts_row.c (the store), sts_sweep.c (refreshed without being asked), sts_cache.c (memory), sts_count.c. */
#ifndef SERVER_STS_STS_INTERNAL_H
#define SERVER_STS_STS_INTERNAL_H

#include "../log/log.h"
#include "../loop/loop.h"
#include "../metrics/metrics.h"
#include "sts.h"

#define STS_ID_SIZE 33           /* [RFC 8461 s3.1] */
#define STS_DAY_S   86400        /* a policy is fetched again after this [RFC 8461 s3.3] */
#define STS_RETRY_S 300          /* after a failed fetch [RFC 8461 s3.3] */
#define STS_LEAST_S 30           /* a policy counts so long, however small its max_age */
#define STS_FRESH_S 300          /* what the record said counts no longer, whatever its TTL */
#define STS_SOON_S  10           /* nor less; and so long after trouble */
#define STS_ENTRIES 16384        /* domains in memory */
#define STS_MEMORY  (32u << 20)  /* bytes of policies in memory */
#define STS_STORED  (128u << 20) /* bytes of policies in the store: no new ones above */
#define STS_KIND    "mta-sts"

/* The last fetch that went wrong. */
struct sts_failure {
    char id[STS_ID_SIZE]; /* of the record; "": none went wrong since one went well */
    int64_t until;        /* wall seconds: not asked again before */
    enum sgl_tls_result trouble;
    char why[STS_WHY_SIZE];
};

/* A domain that was asked for. */
struct sts_entry {
    struct sts *sts;
    struct sts_entry *next_hash, *older, *newer;
    uint32_t hash;
    struct sts_policy *policy; /* the last one that was fetched, or NULL */
    struct sts_failure failure;
    bool read;                   /* the store was; else what it has is not known */
    bool stored;                 /* it has a row of this domain */
    enum sgl_mta_sts_state said; /* by the record */
    char id[STS_ID_SIZE];        /* SGL_MTA_STS_FOUND */
    char said_why[80];           /* SGL_MTA_STS_TEMPERROR */
    uint64_t fresh_until_ms;     /* monotonic; 0: the record was not asked for */
    struct inquiry *inquiry;     /* under way */
    struct sts_ask *asks;        /* who waits for it */
    bool answering;              /* somebody is being answered: it stays */
    struct sgl_name domain;      /* its text stands behind */
    char text[];
};

struct sts {
    struct loop *loop;
    struct resolver *resolver;
    struct https *https;
    struct store *store;
    struct workers *workers;
    uint64_t resolve_ms;
    struct sts_entry **bucket, *newest, *oldest;
    size_t entries, memory;
    struct sweep *sweep;
    uint64_t stored;                        /* bytes, as far as they have been counted */
    struct inquiry *line_first, *line_last; /* wait until fewer are being fetched */
    unsigned fetching;
    _Atomic int64_t policies;
};

/* ---- sts_judge.c ---- */

struct sts_facts {
    const struct sts_policy *known; /* the last one that was fetched, or NULL */
    bool read;                      /* the store could be: there is no other */
    enum sgl_mta_sts_state said;
    sgl_view id;
    const struct sts_failure *failure;
    int64_t now;
};
struct sts_verdict {
    enum sts_state state; /* as things are */
    bool fetch;           /* there is reason to, and it may be done */
    bool wait;            /* and its result is the answer */
};
struct sts_verdict sts_judge(const struct sts_facts *facts);
bool sts_in_force(const struct sts_policy *p, int64_t now);
/* Has it been here for so long that it is fetched again? */
bool sts_is_due(int64_t fetched_at, int64_t expires_at, int64_t now);

/* ---- sts_cache.c ---- */

bool cache_init(struct sts *s);
void cache_done(struct sts *s);
/* The domain's, as the one that was used last; a new one where there is none. NULL: memory, or too many are being asked. */
struct sts_entry *cache_entry(struct sts *s, struct sgl_name domain);
/* Takes the reference; NULL: none. */
void cache_set_policy(struct sts_entry *e, struct sts_policy *p);

/* ---- sts_find.c ---- */

/* Begins to find out; false: no memory. Whoever waits is answered in any case. */
bool find_begin(struct sts_entry *e);
void find_end(struct sts_entry *e);                 /* without an answer, when the room ends */
bool find_is_background(const struct sts_entry *e); /* all have their answer already */
/* Only the fetch, what the record says being known. */
bool find_fetch(struct sts_entry *e);

/* ---- sts.c ---- */

struct sts_verdict entry_judge(const struct sts_entry *e);
void entry_answer(struct sts_entry *e);                  /* everybody who waits */
void entry_refuse(struct sts_entry *e, const char *why); /* the same, with STS_UNKNOWN */

/* ---- sts_row.c: how a policy is kept ---- */

struct sts_row {
    struct sts_policy *policy; /* or NULL */
    struct sts_failure failure;
};
/* On a worker. STORE_NOT_FOUND: there is none; STORE_CORRUPT: it cannot be read. */
enum store_result row_read(struct store *store, sgl_view domain, struct sts_row *out);
void row_write(struct sts_entry *e); /* what the entry knows now */
/* Of a row: when it was fetched, and ends; until when it is worth keeping. */
struct sts_times {
    int64_t fetched_at, expires_at, keep_until;
};
bool row_times(sgl_view value, struct sts_times *out);

/* ---- sts_sweep.c ---- */

bool sweep_start(struct sts *s);
void sweep_stop(struct sts *s);
void sweep_tick(struct sts *s); /* once a minute */

/* ---- sts_count.c ---- */

void count_register(void);
void count_fetch(enum sgl_tls_result trouble);
void count_unknown(void);

#endif
