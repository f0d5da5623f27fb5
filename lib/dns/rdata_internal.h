/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_DNS_RDATA_INTERNAL_H
#define LIB_DNS_RDATA_INTERNAL_H

#include "sigillo/dns.h"

/*
 * Reads one record's data; what it needs is copied into the arena.
 * SGL_OK; SGL_E_SYNTAX: malformed, leave it out; the arena's errors.
 */
enum sgl_status sgl_rdata_parse(enum sgl_rr type, sgl_view rdata, struct sgl_arena *arena,
                                struct sgl_dns_rr *out) SGL_MUST_USE;

#endif
