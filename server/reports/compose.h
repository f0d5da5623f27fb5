/* SPDX-License-Identifier: Apache-2.0 */
/* A report out of what the store has counted.  Reads the store, so on a worker thread. */
#ifndef SERVER_REPORTS_COMPOSE_H
#define SERVER_REPORTS_COMPOSE_H

#include "../store/tlsrpt.h"
#include "sigillo/tls_report.h"

#define COMPOSE_JSON_MAX ((size_t)8 << 20)
#define COMPOSE_ID_SIZE  48

struct compose { /* zeroed at first */
    /* in */
    struct store *store;
    int64_t day;
    sgl_view domain, organization, contact, hostname;
    /* out; views into the arena */
    struct sgl_tls_report report;
    char id[COMPOSE_ID_SIZE], unique[17];
    struct sgl_arena arena;
    struct sgl_buf gzip; /* of its JSON */
};
/* NULL, or why not. Nothing counted is a reason. */
const char *compose_report(struct compose *c);
void compose_done(struct compose *c);

#endif
