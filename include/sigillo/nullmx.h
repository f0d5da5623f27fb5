/* SPDX-License-Identifier: Apache-2.0 */
/* Null MX: a domain that takes no mail and says so. [RFC 7505] */
#ifndef SIGILLO_NULLMX_H
#define SIGILLO_NULLMX_H

#include "sigillo/dns.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_nullmx { SGL_NULLMX_ABSENT, SGL_NULLMX_PRESENT, SGL_NULLMX_BROKEN, SGL_NULLMX_TEMPERROR };

/*
 * Does `domain` declare that it takes no mail?  [RFC 7505 s3]
 *
 * domain   borrowed for the call
 * dns      answers known so far; a missing one is noted there (at most 1: MX)
 * out      set only with SGL_OK:
 *            PRESENT    one MX, preference 0, exchange is the root
 *            BROKEN     a root exchange in any other arrangement
 *            TEMPERROR  the lookup failed: try again later
 *            ABSENT     everything else, including no such name
 * Returns SGL_OK, or SGL_NEED_DNS: resolve what `dns` noted and call again; errors of sgl_dns_get().
 */
SGL_API enum sgl_status sgl_nullmx_check(struct sgl_name domain, struct sgl_dns *dns,
                                         enum sgl_nullmx *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
