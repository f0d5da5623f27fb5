/* SPDX-License-Identifier: Apache-2.0 */
/* The insides: reputation.c (what is seen, and asked), reputation_name.c (who is who), reputation_keep.c (the store), reputation_report.c (for people). */
#ifndef SERVER_REPUTATION_REPUTATION_INTERNAL_H
#define SERVER_REPUTATION_REPUTATION_INTERNAL_H

#include <pthread.h>

#include "../metrics/metrics.h"
#include "../store/reputation.h"
#include "reputation.h"
#include "seen.h"

#define WRITE_ROWS 1000 /* in one transaction */

struct rules { /* one configuration */
    struct score_rules score;
    struct sgl_ip_prefix *exempt;
    size_t exempts;
};

struct writing { /* rows that are on their way */
    struct reputation_op op;
    struct reputation_row row[WRITE_ROWS];
    char name[WRITE_ROWS][REPUTATION_NAME_SIZE];
};

struct reputation {
    struct reputation_parts parts;
    pthread_mutex_t lock;
    struct seen_set seen;
    struct score_clock clock;
    struct rules rules;
    struct event *timer;
    size_t tidied; /* the next line of the memory that is looked at */
    bool is_writing;
    struct writing writing;
};

/* ---- reputation_name.c ---- */

/* What an address is known by. */
void name_address(const struct sgl_ip *ip, char out[REPUTATION_NAME_SIZE]);
void name_network(const struct sgl_ip *ip, char out[REPUTATION_NAME_SIZE]);
/* Lower case; false: it can be no domain. */
bool name_domain(sgl_view domain, char out[REPUTATION_NAME_SIZE]);
/* As people write it. */
bool name_read(sgl_view text, enum reputation_kind *kind, char out[REPUTATION_NAME_SIZE]);

/* ---- reputation_keep.c ---- */

void reputation_load(struct reputation *r, int64_t now_s);
void reputation_write(struct reputation *r); /* what changed, if nothing is on its way */

/* ---- with the lock held ---- */

/* As it is now; NULL: nothing is known. */
struct seen *reputation_seen(struct reputation *r, enum reputation_kind kind, const char *name,
                             int64_t now);
/* Of one who is known; in the report of an address its network counts as well. */
struct reputation_opinion reputation_opinion_of(struct reputation *r, const struct seen *e);

#endif
