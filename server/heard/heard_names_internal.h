/* SPDX-License-Identifier: Apache-2.0 */
/* What is found of an address, and what is remembered. */
#ifndef SERVER_HEARD_HEARD_NAMES_INTERNAL_H
#define SERVER_HEARD_HEARD_NAMES_INTERNAL_H

#include "heard_names.h"

#define HEARD_NAMES_TRIED  5 /* of an address that has more names */
#define HEARD_NAMES_LEAST  300
#define HEARD_NAMES_MOST   86400
#define HEARD_NAMES_FAILED 60 /* seconds until what failed is asked for again */

/* ---- pure ---- */

struct heard_name_found {
    sgl_view name;  /* of the snapshot; empty: none leads back */
    uint32_t ttl_s; /* how long that is remembered */
};
/* SGL_OK, SGL_NEED_DNS, or why it cannot be known. */
enum sgl_status heard_name_find(const struct sgl_ip *ip, struct sgl_dns *dns,
                                struct sgl_arena *arena, struct heard_name_found *out);

/* ---- remembered: never more than HEARD_NAMES_KEPT ---- */

struct heard_memory;
struct heard_memory *heard_memory_new(uint64_t salt); /* NULL: out of memory */
void heard_memory_free(struct heard_memory *m);       /* NULL accepted */
/* false: nothing is known of it now. */
bool heard_memory_get(const struct heard_memory *m, const struct sgl_ip *ip, uint64_t now_ms,
                      char out[HEARD_NAME_SIZE]);
/* When memory ends it is not kept. */
void heard_memory_put(struct heard_memory *m, const struct sgl_ip *ip, sgl_view name,
                      uint64_t until_ms);

#endif
