/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What several name servers of a zone have, each asked by itself, becomes one answer.  Pure.  A resolver somewhere asks any of them, so a record is there when all that answer have it:
 *
 *   all that answer have it     present
 *   none of them has it         as the worst of them has it
 *   some have it, others don't  missing, and it says where: never verified and failed in turn, as chance picks a server
 *   none answers                unknown
 */
#ifndef SERVER_SETUP_AGREE_H
#define SERVER_SETUP_AGREE_H

#include "sigillo/setup.h"

struct agree_seen {
    const char *where;            /* "ns1.example.org (192.0.2.1)", printable */
    const struct sgl_setup *seen; /* of the same request each, so with the same rows */
};

/*
 * count   one at least
 * out     set only with SGL_OK; lives as long as the arena and what was given
 * Returns SGL_OK; SGL_E_NOMEM, SGL_E_LIMIT: of the arena.
 */
enum sgl_status agree(const struct agree_seen *each, size_t count, struct sgl_arena *arena,
                      struct sgl_setup *out) SGL_MUST_USE;

#endif
