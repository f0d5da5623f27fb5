/* SPDX-License-Identifier: Apache-2.0 */
/* A report out of what the store has counted.  Reads the store, so on a worker thread. */
#ifndef SERVER_REPORTS_COMPOSE_H
#define SERVER_REPORTS_COMPOSE_H

#include "../store/store.h"
#include "sigillo/dmarc_report.h"
#include "sigillo/tls_report.h"

#define COMPOSE_TEXT_MAX ((size_t)8 << 20) /* of what is held at once, and of the attachment */
#define COMPOSE_ID_SIZE  48

struct compose { /* zeroed at first */
    /* in */
    struct store *store;
    int64_t day;
    sgl_view domain, organization, contact, hostname;
    /* out; views into the arena */
    struct sgl_tls_report tls;
    struct sgl_dmarc_report_meta dmarc;
    uint64_t records, messages, passed;            /* of DMARC's */
    char id[COMPOSE_ID_SIZE], date[9], unique[17]; /* date: "20261123" */
    struct sgl_arena arena;
    struct sgl_buf gzip; /* of its text */
};
/* NULL, or why not. Nothing counted is a reason. */
const char *compose_tls(struct compose *c);
const char *compose_dmarc(struct compose *c);
void compose_done(struct compose *c);

/* For those who compose: arena and gzip are there, date and unique are set. */
void compose_begin(struct compose *c);

#endif
