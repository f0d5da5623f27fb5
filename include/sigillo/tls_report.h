/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports about TLS: what a sender saw of a domain's TLS in a day, as data, as its JSON and as the mail that brings it.  [RFC 8460 s4, s5]
 * Where a domain wants them to go stands in tlsrpt.h.
 */
#ifndef SIGILLO_TLS_REPORT_H
#define SIGILLO_TLS_REPORT_H

#include "sigillo/arena.h"
#include "sigillo/buf.h"
#include "sigillo/diag.h"
#include "sigillo/ip.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The type of the policy that was applied  [RFC 8460 s4.4]. */
enum sgl_tls_policy_type {
    SGL_TLS_POLICY_NONE, /* "no-policy-found" */
    SGL_TLS_POLICY_TLSA, /* "tlsa": DANE */
    SGL_TLS_POLICY_STS,  /* "sts": MTA-STS */
    SGL_TLS_POLICY_OTHER /* a word that came later; only in reports of others */
};
/* The word of the report; OTHER: "". */
SGL_API const char *sgl_tls_policy_type_name(enum sgl_tls_policy_type type);
SGL_API enum sgl_tls_policy_type sgl_tls_policy_type_of_name(sgl_view name);

/*
 * Sessions that failed in one way.  Views are texts as the report has them: those of somebody else's report are foreign bytes, and the URI is never to be
 * fetched.
 */
struct sgl_tls_report_failure {
    sgl_view result; /* sgl_tls_result_name(), or a word that came later: the registry grows */
    struct sgl_ip sending, receiving;   /* version 0: not told */
    sgl_view mx;                        /* receiving-mx-hostname; empty: not told */
    sgl_view helo, information, reason; /* each may be empty */
    uint64_t sessions;
};
/* One policy of the day and what came of it.  failure[] may count a session more than once, or say nothing. */
struct sgl_tls_report_policy {
    enum sgl_tls_policy_type type;
    sgl_view domain;        /* policy-domain, A-labels */
    const sgl_view *string; /* "3 1 1 ab12..." each, or the lines of an MTA-STS policy */
    size_t strings;
    const sgl_view *mx; /* mx-host: patterns of an MTA-STS policy */
    size_t mxs;
    uint64_t successes, failed; /* sessions */
    const struct sgl_tls_report_failure *failure;
    size_t failures;
};
struct sgl_tls_report {
    sgl_view organization, contact, id; /* contact: an address, without a name */
    sgl_time begin, end;                /* the first and the last second that it covers */
    const struct sgl_tls_report_policy *policy;
    size_t policies;
};

/* The domain of `contact`, which is the submitter  [RFC 8460 s5.3]; empty when there is none. */
SGL_API sgl_view sgl_tls_report_submitter(const struct sgl_tls_report *report);

/*
 * Appends the report as one line of I-JSON  [RFC 8460 s4.4; RFC 7493], names in the order of the RFC, without what is not told.
 *
 * Texts become harmless: what I-JSON does not allow becomes U+FFFD, a reason has printable ASCII only and at most SGL_LIMIT_TLS_REPORT_REASON bytes of it.
 * Returns SGL_OK; SGL_E_MISUSE: no policy, a policy of type OTHER, a domain, a host or a contact that can't be one, an empty id or result, a count over
 * 2^53 - 1, an end before the begin; SGL_E_LIMIT: out is full; SGL_E_NOMEM.  On failure `out` is as it was.
 */
SGL_API enum sgl_status sgl_tls_report_put(const struct sgl_tls_report *report,
                                           struct sgl_buf *out) SGL_MUST_USE;

/*
 * Reads somebody else's report: what RFC 8460 says, and what senders make of it: counts in quotes, one text where a list of them must stand, mx-host-pattern, null for what is
 * not told.  What is not told is empty or 0; a policy without a type is of type OTHER.  Members that nobody knows are passed over.
 *
 * json     pointed into by *out; at most as large as the caller lets it be
 * arena    some 3 times the text for a whole report; when it is full, SGL_E_LIMIT
 * SGL_OK; SGL_E_SYNTAX (diag says what and where): no JSON, no policies, a member of the wrong kind, a negative count; SGL_E_LIMIT, SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_tls_report_parse(sgl_view json, struct sgl_arena *arena,
                                             struct sgl_tls_report *out,
                                             struct sgl_diag *diag) SGL_MUST_USE;

/* A report on its way. */
struct sgl_tls_report_mail {
    const struct sgl_tls_report *report;
    sgl_view domain; /* the policy domain that it is about */
    sgl_view
        unique; /* letters and digits that tell its file from others of the day; may be empty */
    sgl_view attachment; /* the JSON, or its gzip */
    bool gzip;
    sgl_view from, to;   /* addresses; from stands in the domain of the report's contact */
    sgl_view message_id; /* "<...@...>"; empty: no field */
    sgl_time now;
    uint8_t random[16]; /* for the boundary */
};

/* Appends the name of the file, "sender!domain!begin!end!unique.json.gz"  [RFC 8460 s5.1]. SGL_E_MISUSE: as below. */
SGL_API enum sgl_status sgl_tls_report_put_filename(const struct sgl_tls_report_mail *mail,
                                                    struct sgl_buf *out) SGL_MUST_USE;
/*
 * Appends the whole message, ready to be signed: multipart/report, a text for people, the report  [RFC 8460 s5.3].  Lines end in CRLF, ASCII only. It says "TLS-Required: No": a report about TLS that fails must not fail with it.
 * Returns SGL_OK; SGL_E_MISUSE: an address or a domain that can't be one, a from that is not the submitter's, an id that can't stand in the Subject, an empty
 * attachment; SGL_E_LIMIT, SGL_E_NOMEM.  On failure `out` is as it was.
 */
SGL_API enum sgl_status sgl_tls_report_put_mail(const struct sgl_tls_report_mail *mail,
                                                struct sgl_buf *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
