/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others report about domains of this server: an aggregate report of DMARC is read on a worker, as it is unpacked, and kept in the store.
 *
 * Only what is about a domain of this server is kept, each report once.  Who sent it is not asked here: whoever takes a report says whether its mail was authenticated.
 */
#ifndef SERVER_HEARD_HEARD_H
#define SERVER_HEARD_HEARD_H

#include "../loop/loop.h"
#include "../store/dmarc_received.h"
#include "sigillo/arena.h"

struct directory;

#define HEARD_XML_MAX                                                                              \
    ((uint64_t)128 << 20) /* bytes of XML: a hundred thousand records have some 70 MiB */

enum heard_result {
    HEARD_KEPT,
    HEARD_KNOWN,    /* it was there already */
    HEARD_NOT_OURS, /* about no domain of this server, or of this subscription */
    HEARD_NONE,     /* no report, or one that cannot be read: why */
    HEARD_LARGE,    /* why */
    HEARD_MEMORY,
    HEARD_STORE /* the store says no: why */
};

struct heard_sums;
/* One report on its way; embedded in the caller's struct, zeroed, alive until done(). */
struct heard {
    struct work work; /* first: cast from it */
    struct directory *directory;
    struct store *store;
    sgl_view bytes; /* as it came: XML, packed, or a mail that carries it; borrowed */
    sgl_view scope; /* only domains of this subscription; empty: of any; borrowed */
    bool verified;  /* its mail passed DMARC */
    int64_t now;    /* wall seconds */
    void (*done)(struct heard *h); /* on the loop of heard_take() */

    enum heard_result result;
    const char *why; /* a static clause; "" */
    bool strange;    /* of NONE: there was no XML at all in it; perhaps it is something else */
    struct dmarc_received report; /* of KEPT and KNOWN; until heard_end() */
    /* private */
    struct dmarc_received_op op;
    struct sgl_arena arena;
    struct heard_sums *sums;
};

/* false: too much is waiting, or memory has ended; done() will not be called. */
bool heard_take(struct heard *h, struct workers *workers, struct loop *loop);
/* Frees what it holds; not the struct. */
void heard_end(struct heard *h);

/* ---- for tests: pure ---- */

/* Reads h->bytes: h->result is KEPT where there is something to keep, whoever it is about. */
void heard_read(struct heard *h);

#endif
