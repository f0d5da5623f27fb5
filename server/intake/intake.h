/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports of others, as they arrive: a JSON text, the same as gzip, or a mail that carries either.  Pure: bytes in, text out.
 * [RFC 8460 s5.2, s5.3]
 */
#ifndef SERVER_INTAKE_INTAKE_H
#define SERVER_INTAKE_INTAKE_H

#include "sigillo/buf.h"

#define INTAKE_PACKED_MAX                                                                          \
    ((size_t)16 << 20) /* bytes of what arrives: large senders stay below 1 MiB */
#define INTAKE_TEXT_MAX ((size_t)32 << 20) /* of the report in it; what unpacks to more is a bomb */
#define INTAKE_MEMORY_MAX                                                                          \
    ((size_t)64 << 20) /* of an arena for sgl_tls_report_parse(): what a text of that size takes */

/*
 * The text of the TLS report in `bytes`, appended to `text`, whose maximum counts (INTAKE_TEXT_MAX).
 * SGL_OK; SGL_E_SYNTAX, SGL_E_LIMIT: *why says what is wrong, a static clause; SGL_E_NOMEM.
 */
enum sgl_status intake_tls_report(sgl_view bytes, struct sgl_buf *text,
                                  const char **why) SGL_MUST_USE;

#endif
