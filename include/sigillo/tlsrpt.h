/* SPDX-License-Identifier: Apache-2.0 */
/* Where a domain wants reports about TLS to go: _smtp._tls.DOMAIN TXT "v=TLSRPTv1; rua=mailto:..."  [RFC 8460 s3] */
#ifndef SIGILLO_TLSRPT_H
#define SIGILLO_TLSRPT_H

#include "sigillo/buf.h"
#include "sigillo/dns.h"
#include "sigillo/finding.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_tlsrpt_scheme { SGL_TLSRPT_MAILTO, SGL_TLSRPT_HTTPS };

struct sgl_tlsrpt_uri {
    enum sgl_tlsrpt_scheme scheme;
    sgl_view text; /* the whole URI, still percent-encoded */
};
struct sgl_tlsrpt_record {
    sgl_view text;
    const struct sgl_tlsrpt_uri *rua; /* in their order; at least one */
    size_t count;
    size_t skipped; /* of a scheme that nobody knows, or above SGL_LIMIT_TLSRPT_URIS */
};

/* Does this TXT text begin with "v=TLSRPTv1" and ";"?  Others are passed over  [RFC 8460 s3]. */
SGL_API bool sgl_tlsrpt_is_record(sgl_view txt);
/*
 * SGL_OK; SGL_E_SYNTAX (diag says what and where), also when no usable destination is left: as if there were no record; SGL_E_LIMIT, SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_tlsrpt_parse(sgl_view text, struct sgl_arena *arena,
                                         struct sgl_tlsrpt_record *out,
                                         struct sgl_diag *diag) SGL_MUST_USE;
/* What is wrong with this record, for its owner: codes tlsrpt-... */
SGL_API enum sgl_status sgl_tlsrpt_lint(sgl_view text, struct sgl_arena *arena,
                                        struct sgl_findings *out) SGL_MUST_USE;
/* Appends the record. SGL_E_MISUSE: no destination, or one that can't stand in a record. */
SGL_API enum sgl_status sgl_tlsrpt_put(const struct sgl_tlsrpt_record *record,
                                       struct sgl_buf *out) SGL_MUST_USE;

enum sgl_tlsrpt_state {
    SGL_TLSRPT_NONE,
    SGL_TLSRPT_FOUND,
    SGL_TLSRPT_SEVERAL, /* more than one: counts as none */
    SGL_TLSRPT_BROKEN,  /* one that can't be read: counts as none */
    SGL_TLSRPT_TEMPERROR,
};
struct sgl_tlsrpt_answer {
    enum sgl_tlsrpt_state state;
    struct sgl_tlsrpt_record record; /* FOUND; BROKEN: text only */
    const char *why;                 /* BROKEN, TEMPERROR: a short reason; else "" */
};
/* The record of a domain; NONE, too, where the name would be too long to exist.  SGL_OK; SGL_NEED_DNS (one TXT question); SGL_E_LIMIT, SGL_E_NOMEM. */
SGL_API enum sgl_status sgl_tlsrpt_find(struct sgl_name domain, struct sgl_dns *dns,
                                        struct sgl_arena *arena,
                                        struct sgl_tlsrpt_answer *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
