/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_TRANSPORT_TLSA_INTERNAL_H
#define LIB_TRANSPORT_TLSA_INTERNAL_H

#include "sigillo/dane.h"

/*
 * The records of an answer that may authenticate a server: the usable ones, and of those with equal usage and selector only the strongest digest (a full certificate or key always
 * stays). [RFC 7671 s9]  NULL: arena->status says why; else *count of them, which may be 0.
 */
const struct sgl_tlsa *sgl_tlsa_pick(const struct sgl_dns_answer *answer, struct sgl_arena *arena,
                                     size_t *count);

#endif
