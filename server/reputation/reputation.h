/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of those who send to us: of each address (IPv6: its /64), network (/24, /48) and authenticated domain, so that a door can answer before there is a message to look
 * at.  docs/inbound.md explains it; score.h has the arithmetic.
 *
 * It is in memory, bounded, and behind one lock that is held for a microsecond; every few seconds what changed goes to the store.  A crash loses those seconds and nothing else.  It
 * fails open: what memory cannot hold is not counted, and of whom nothing is known nothing is held against.  Any thread.
 */
#ifndef SERVER_REPUTATION_REPUTATION_H
#define SERVER_REPUTATION_REPUTATION_H

#include "../config/config.h"
#include "../store/store.h"
#include "score.h"
#include "sigillo/ip.h"

#define REPUTATION_ENTRIES_MAX 100000 /* the least telling goes first */
#define REPUTATION_NAME_SIZE   256

struct reputation;

struct reputation_parts {
    struct loop *loop; /* writes from here */
    struct store *store;
};
/* NULL: no memory. */
struct reputation *reputation_new(const struct reputation_parts *parts,
                                  const struct config *config);
/* What the store has, at start; and from then on what changes is written. What cannot be read is logged and is not known. false: no memory for a timer. */
bool reputation_start(struct reputation *r, int64_t now_s);
/* false: no memory; the former rules stay. */
bool reputation_configure(struct reputation *r, const struct config *config);
/* When its loop has ended: writes what is left. Then the store closes, then reputation_free(). */
void reputation_end(struct reputation *r);
void reputation_free(struct reputation *r); /* NULL accepted */

/*
 * Something was seen of who sends from `ip` (NULL: it is not known where), in the name of a domain that was authenticated (empty: of none).  Recipients that do not exist are not to be told of
 * for the null sender: those are bounces of what others forged, and whoever brings them did no wrong.
 */
void reputation_note(struct reputation *r, const struct sgl_ip *ip, sgl_view domain,
                     enum reputation_event event, int64_t now_s);

struct reputation_opinion {
    unsigned score; /* 0 to 100; 50: nothing is known */
    enum reputation_advice advice;
};
/* Of an address, for who connects and at each recipient. Always normal where the configuration exempts it. */
struct reputation_opinion reputation_of(struct reputation *r, const struct sgl_ip *ip,
                                        int64_t now_s);
/* Of a domain that was authenticated: never worse than DEFER, as its name is all that is known to be bad. */
struct reputation_opinion reputation_of_domain(struct reputation *r, sgl_view domain,
                                               int64_t now_s);

/* ---- reports ---- */

enum reputation_kind { /* numbers stay: they are in the store */
                       REPUTATION_ADDRESS,
                       REPUTATION_NETWORK,
                       REPUTATION_DOMAIN,
};
#define REPUTATION_KINDS 3
const char *reputation_kind_name(enum reputation_kind kind); /* "address", "network", "domain" */

struct reputation_line {
    char name
        [REPUTATION_NAME_SIZE]; /* "192.0.2.1", "2001:db8::/64", "192.0.2.0/24", "example.org" */
    struct score_counts counts; /* decayed: what they are worth now */
    int64_t last_s;             /* wall seconds: when something was last counted */
    struct reputation_opinion opinion;
};
/* The worst first, at most `max` of them; how many. Looks at all there are: not on a loop that others wait for. */
size_t reputation_top(struct reputation *r, enum reputation_kind kind, size_t max, int64_t now_s,
                      struct reputation_line *out);
/* One of them, as people write it. false: it is none of these, or nothing is known of it. */
bool reputation_find(struct reputation *r, sgl_view name, int64_t now_s, enum reputation_kind *kind,
                     struct reputation_line *out);
/* What is known of an address, a network or a domain is known no more. false: as above. */
bool reputation_forget(struct reputation *r, sgl_view name);

#endif
