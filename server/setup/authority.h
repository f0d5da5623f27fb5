/* SPDX-License-Identifier: Apache-2.0 */
/* Who answers for a name: the zone that it lies in, and the addresses of that zone's servers.  An evaluator like those of the library. */
#ifndef SERVER_SETUP_AUTHORITY_H
#define SERVER_SETUP_AUTHORITY_H

#include "sigillo/dns.h"

#define AUTHORITY_SERVERS_MAX 16
#define AUTHORITY_QUESTIONS   64

struct authority {
    struct sgl_name zone;
    char server[AUTHORITY_SERVERS_MAX][SGL_IP_TEXT_SIZE];
    size_t servers; /* 0: none was found, or their names have no address */
};

/*
 * dns    asked are NS from the name upwards, A and AAAA of the servers: room for AUTHORITY_QUESTIONS
 * out    set only with SGL_OK; zone borrows from the name and lives as long as it
 * Returns SGL_OK, SGL_NEED_DNS, SGL_E_NOMEM, SGL_E_LIMIT.
 */
enum sgl_status authority_find(struct sgl_name name, struct sgl_dns *dns,
                               struct authority *out) SGL_MUST_USE;

#endif
