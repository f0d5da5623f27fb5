/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS  [RFC 8460]: where a domain wants them to go (_smtp._tls.DOMAIN TXT "v=TLSRPTv1; rua=mailto:..."), and the words for what went wrong. */
#ifndef SIGILLO_TLSRPT_H
#define SIGILLO_TLSRPT_H

#include "sigillo/buf.h"
#include "sigillo/dns.h"
#include "sigillo/finding.h"
#include "sigillo/mailbox.h"

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

/* Whom a "mailto:" of a record means. SGL_OK; SGL_E_SYNTAX: nobody, or it is no such URI; SGL_E_LIMIT, SGL_E_NOMEM. Its query is passed over. */
SGL_API enum sgl_status sgl_tlsrpt_mailbox(sgl_view uri, struct sgl_arena *arena,
                                           struct sgl_mailbox *out) SGL_MUST_USE;

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

/* ---- what became of a session  [RFC 8460 s4.3] ---------------------------------------------------------------------------- */

enum sgl_tls_result {
    SGL_TLS_OK, /* TLS was negotiated as the policy asks; without a policy: was negotiated */
    /* negotiation [RFC 8460 s4.3.1] */
    SGL_TLS_STARTTLS_NOT_SUPPORTED,
    SGL_TLS_CERTIFICATE_HOST_MISMATCH,
    SGL_TLS_CERTIFICATE_EXPIRED,
    SGL_TLS_CERTIFICATE_NOT_TRUSTED,
    SGL_TLS_VALIDATION_FAILURE, /* anything else */
    /* DANE [RFC 8460 s4.3.2.1] */
    SGL_TLS_TLSA_INVALID,
    SGL_TLS_DNSSEC_INVALID,
    SGL_TLS_DANE_REQUIRED,
    /* MTA-STS [RFC 8460 s4.3.2.2] */
    SGL_TLS_STS_POLICY_FETCH_ERROR,
    SGL_TLS_STS_POLICY_INVALID,
    SGL_TLS_STS_WEBPKI_INVALID,
    SGL_TLS_RESULTS, /* how many there are */
};
/* "certificate-expired"; "" for SGL_TLS_OK, which has no word of its own. Static. */
SGL_API const char *sgl_tls_result_name(enum sgl_tls_result result);
/* false: no word of ours (the registry grows, and a report's unknown word is to be kept); *out is untouched then. "" is none. */
SGL_API bool sgl_tls_result_of_name(sgl_view name, enum sgl_tls_result *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
