/* SPDX-License-Identifier: Apache-2.0 */
/* A DNS answer as bytes, taken apart: follows the alias chain and hands on the records at its end.  Pure. */
#ifndef SERVER_RESOLVER_PACKET_H
#define SERVER_RESOLVER_PACKET_H

#include "sigillo/dns.h"

/*
 * Fills outcome, canonical, ttl_s, rdata and why of *out (name, type and security are the caller's); everything lives in the arena or is static.
 * SGL_E_SYNTAX: not a whole answer; SGL_E_NOMEM, SGL_E_LIMIT: the arena is full. *out is untouched then.
 */
enum sgl_status packet_read(sgl_view packet, enum sgl_rr type, struct sgl_arena *arena,
                            struct sgl_dns_raw *out) SGL_MUST_USE;

#endif
