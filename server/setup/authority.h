/* SPDX-License-Identifier: Apache-2.0 */
/* Who answers for a name: the zone that it lies in, and that zone's servers with their addresses.  An evaluator like those of the library. */
#ifndef SERVER_SETUP_AUTHORITY_H
#define SERVER_SETUP_AUTHORITY_H

#include "sigillo/dns.h"
#include "sigillo/limits.h"

#define AUTHORITY_HOSTS_MAX   6
#define AUTHORITY_EACH_MAX    4 /* addresses of one: two of each family */
#define AUTHORITY_SERVERS_MAX (AUTHORITY_HOSTS_MAX * AUTHORITY_EACH_MAX)
#define AUTHORITY_QUESTIONS   64
#define AUTHORITY_WHERE_SIZE  (SGL_LIMIT_NAME_TEXT + SGL_IP_TEXT_SIZE + 8)

struct authority {
    struct sgl_name zone;
    char server[AUTHORITY_SERVERS_MAX][SGL_IP_TEXT_SIZE];
    size_t servers; /* 0: none was found, or their names have no address */
    struct authority_host {
        struct sgl_name name;
        size_t first, count; /* its addresses in server[]; there is one at least */
    } host[AUTHORITY_HOSTS_MAX];
    size_t hosts; /* a name server is its name: it answers by one address or another */
};

/*
 * dns    asked are NS from the name upwards, A and AAAA of the servers: room for AUTHORITY_QUESTIONS
 * out    set only with SGL_OK; zone borrows from the name and lives as long as it, the hosts' names borrow from the snapshot
 * Returns SGL_OK, SGL_NEED_DNS, SGL_E_NOMEM, SGL_E_LIMIT.
 */
enum sgl_status authority_find(struct sgl_name name, struct sgl_dns *dns,
                               struct authority *out) SGL_MUST_USE;

/* "ns1.example.org (192.0.2.1)", printable. */
void authority_where(const struct authority *a, size_t host, char out[AUTHORITY_WHERE_SIZE]);

#endif
