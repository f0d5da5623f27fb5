/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder know of each other.
 *
 *   inbound.c  the door: generations of the configuration, who may connect
 *   mail.c     one message: envelope, bytes, what reception says
 *   rates.c    what an address did in the last minute
 */
#ifndef SERVER_DOORS_INBOUND_INTERNAL_H
#define SERVER_DOORS_INBOUND_INTERNAL_H

#include "../smtp/door.h"
#include "inbound.h"
#include "rates.h"

#define SLOW_SHARE 10 /* who is to be slow gets a tenth of what others may */

/* One configuration; sessions keep the one that they began with. */
struct inbound_generation {
    _Atomic unsigned refs;
    struct config *config;
    struct sgl_smtp_server_config smtp[]; /* for each listen section */
};
void inbound_generation_unref(struct inbound_generation *g);

struct inbound_door {
    struct smtp_door smtp; /* first */
    struct reception *reception;
    struct reputation *reputation;
    struct rates *rates;
    struct inbound_generation *generation; /* under smtp.lock */
    _Atomic size_t collecting;             /* bytes of messages that are coming in */
    _Atomic uint64_t early, limited, unknown, accepted, declined, deferred, bytes_in;
};

struct arriving; /* mail.c */
struct inbound_session {
    struct smtp_session smtp; /* first */
    struct inbound_door *door;
    struct inbound_generation *generation;
    struct arriving *mail;
    unsigned unknown; /* recipients of this session */
    bool slow;        /* its address has a bad name */
};

static inline const struct config *inbound_config(const struct inbound_session *s)
{
    return s->generation->config;
}

/* What its reputation leaves of a limit; 0 stays: no limit. */
static inline unsigned inbound_share(const struct inbound_session *s, unsigned limit)
{
    return s->slow && limit > 0 ? (limit + SLOW_SHARE - 1) / SLOW_SHARE : limit;
}

/* ---- inbound.c ---- */

/* What reputation says of an address now. */
enum reputation_advice inbound_advice(struct inbound_door *d, const struct sgl_ip *ip);

/* ---- mail.c ---- */

void inbound_event(struct smtp_session *s, const struct sgl_smtp_server_event *e);
bool inbound_pending(const struct smtp_session *s); /* reception has it: the session must stay */
void inbound_mail_free(struct inbound_session *s);

#endif
