/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports of others, as they arrive: the text itself, the same packed, or a mail that carries either.  Pure: bytes in, text out.
 * About TLS [RFC 8460 s5.2, s5.3]; aggregate reports of DMARC [RFC 9990 s3.5, s8.1], which are told by their first bytes, whatever a sender calls them.
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

#define INTAKE_MAIL_MAX        ((size_t)25 << 20) /* bytes of a mail that carries a DMARC report */
#define INTAKE_DMARC_PACKED    ((size_t)10 << 20) /* of what it carries [RFC 9990 s8.1] */
#define INTAKE_ATTACHMENTS_MAX 10                 /* looked at in one mail */

/* Where the XML of a DMARC report goes. */
struct intake_sink {
    bool (*piece)(void *ctx, sgl_view bytes); /* false: no more is wanted */
    void *ctx;
    uint64_t max; /* bytes of it */
};

/* Is it the beginning of XML that is not packed? */
bool intake_is_xml(sgl_view bytes);
/*
 * The XML of the aggregate report in `bytes`, piece by piece, as it is unpacked: XML, gzip, zlib's form, zip, or a mail that carries one.
 * SGL_OK, also when the sink wanted no more; SGL_E_SYNTAX, SGL_E_LIMIT: *why says what is wrong, a static clause; SGL_E_NOMEM.  Pieces may have been given before an error is seen.
 */
enum sgl_status intake_dmarc_report(sgl_view bytes, const struct intake_sink *sink,
                                    const char **why) SGL_MUST_USE;

#endif
