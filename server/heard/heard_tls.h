/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS that others send [RFC 8460]: read on a worker, then kept for each domain in them that is ours. */
#ifndef SERVER_HEARD_HEARD_TLS_H
#define SERVER_HEARD_HEARD_TLS_H

#include "../store/received.h"
#include "heard.h"
#include "sigillo/tls_report.h"

#define HEARD_TLS_DOMAINS_MAX 20 /* of one report: honest ones are about one */

struct heard_tls_kept {
    sgl_view domain;
    bool known; /* it was there already */
};
/* One report on its way; embedded in the caller's struct, zeroed, alive until done(). */
struct heard_tls {
    struct work work; /* first: cast from it */
    struct directory *directory;
    struct store *store;
    sgl_view bytes;     /* as it came: JSON, gzip, or a mail that carries either; borrowed */
    sgl_view scope;     /* only domains of this subscription; empty: of any; borrowed */
    sgl_view peer;      /* who brought it; borrowed */
    size_t text_max;    /* bytes of its JSON */
    size_t domains_max; /* it is kept for so many of ours at most */
    int64_t now;        /* wall seconds */
    void (*done)(struct heard_tls *h); /* on the loop of heard_tls_take() */

    enum heard_result result; /* KEPT also where all was known */
    const char *why;
    struct sgl_tls_report report;
    struct heard_tls_kept kept[HEARD_TLS_DOMAINS_MAX];
    size_t keeps;
    /* private */
    struct received_op op;
    struct received_report one;
    struct sgl_buf text;
    struct sgl_arena arena;
    size_t next;
};

/* false: too much is waiting; done() will not be called. */
bool heard_tls_take(struct heard_tls *h, struct workers *workers, struct loop *loop);
/* Frees what it holds; not the struct. */
void heard_tls_end(struct heard_tls *h);

#endif
