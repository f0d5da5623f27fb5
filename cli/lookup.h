/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS for the verbs that need no server: --resolver, --trust-anchor, --timeout; and --now.
 *
 *     struct lookup l;
 *     if (!lookup_init(&l, c, &status)) return status;
 *     while ((st = evaluator(..., &l.dns, ...)) == SGL_NEED_DNS) lookup_fill(&l);
 *     lookup_done(&l);
 *
 * On a terminal a line on stderr says what is waited for when it takes over two seconds.  When the time of --timeout is over, what is
 * open and all that is asked later has failed.
 */
#ifndef CLI_LOOKUP_H
#define CLI_LOOKUP_H

#include "cli.h"
#include "sigillo/dns.h"

struct lookup_driver;
struct lookup {
    struct sgl_dns dns;
    struct lookup_driver *driver; /* made with the first question */
    const struct cli *c;
    uint64_t ends_ms;
    unsigned failures; /* questions that got no answer */
    bool
        unvalidated; /* the name servers do not pass DNSSEC on, and --trust-anchor was not given: every answer is insecure */
    bool probed, broken; /* private */
};

/* false: an option is wrong, the error has been printed and *status set. questions: as for sgl_dns_init(). */
bool lookup_init(struct lookup *l, const struct cli *c, size_t questions, int *status);
/* Answers all that is open in l->dns, validated by DNSSEC where the name servers let us. */
void lookup_fill(struct lookup *l);
/* Forgets the answers; the time goes on. For verbs that judge several things. */
void lookup_reset(struct lookup *l);
void lookup_done(struct lookup *l);

/* --now, or the clock. false: --now is no number; said so. */
bool lookup_now(const struct cli *c, sgl_time *now, int *status);

#endif
