/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic updates of a zone: records are added and taken away in one transaction that its primary server takes whole or not at all, signed with a key that both sides have.
 * [RFC 2136] [RFC 8945]
 *
 * Each record set that is touched is read first.  The update carries what was read as a prerequisite, so that what somebody else puts there in between is never overwritten: the server
 * refuses then, and so do we when a record that was to go is not there.
 *
 * When a server does not answer, or does not let us, the next one of the zone is asked: an update that has happened all the same changes nothing a second time.
 *
 * An update blocks, with a deadline for each server: it runs on a worker thread.  The one place that knows libldns.
 */
#ifndef SERVER_UPDATE_UPDATE_H
#define SERVER_UPDATE_UPDATE_H

#include "../config/config.h"
#include "sigillo/dns.h"

#define UPDATE_CHANGES_MAX 32
#define UPDATE_OLD_MAX     16
#define UPDATE_WHY_SIZE    400

/* One record set.  Values are as lib/setup writes them: the text of a TXT record, "10 host." of an MX, "host." of a CNAME, "3 1 1 0123..." of a TLSA record. */
struct update_change {
    struct sgl_name name;
    enum sgl_rr type;             /* TXT, MX, CNAME or TLSA */
    sgl_view add;                 /* empty: nothing */
    sgl_view old[UPDATE_OLD_MAX]; /* what goes */
    size_t olds;
    bool lenient; /* what is in `old` and does not stand there any more is no conflict */
    bool only;    /* refuse when anything else of this type stands there, that is not in `old` */
};

enum update_result {
    UPDATE_DONE,     /* the zone is as it was asked for */
    UPDATE_CONFLICT, /* something else stands there, or stood there when it came to it */
    UPDATE_REFUSED,  /* the server does not let us: `why` says what to mend, and where */
    UPDATE_FAILED    /* no server, no answer, no memory: try again */
};

/* All is borrowed until it has run. */
struct update {
    /* in */
    const struct config_update *to;
    const struct update_change *change;
    size_t changes;
    /* out */
    enum update_result result;
    size_t changed; /* records that were added or taken away; 0: all was so already */
    uint32_t ttl_s; /* the longest of the sets, as they stand there */
    char why
        [UPDATE_WHY_SIZE]; /* one sentence for each server that failed, printable; "" with DONE */
    const struct config_address *at; /* its own: the server that is asked now */
};
/* The zone with a key of ours that the name lies in, the nearest one; NULL: none. */
const struct config_update *update_zone(const struct config *config, struct sgl_name name);
/* On a worker thread. */
void update_run(struct update *u);

#endif
