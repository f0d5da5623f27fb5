/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feedback reports: a recipient called a message unwanted, or a receiver could not authenticate one.  [RFC 5965, 6591, 6692, 9991]
 * Whether the report can be believed is for the caller to know: anybody can write one.
 */
#ifndef SIGILLO_ARF_H
#define SIGILLO_ARF_H

#include "sigillo/arena.h"
#include "sigillo/diag.h"
#include "sigillo/header.h"
#include "sigillo/ip.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_arf_type {
    SGL_ARF_ABUSE,
    SGL_ARF_FRAUD,
    SGL_ARF_VIRUS,
    SGL_ARF_OTHER,
    SGL_ARF_NOT_SPAM, /* the recipient takes a complaint back: no complaint */
    SGL_ARF_AUTH_FAILURE,
    SGL_ARF_UNKNOWN, /* a word that came later */
};

#define SGL_ARF_LIST_MAX 100 /* values of one field that may stand there several times */

/* Views point into the message or the arena; they are foreign bytes, and empty where nothing is told. */
struct sgl_arf {
    enum sgl_arf_type type;
    sgl_view type_text;
    bool machine; /* the fields of RFC 5965 are there; otherwise the mail is known by its form */
    bool
        malformed; /* a field is there twice, or missing, that must be there once [RFC 5965 s3.1, s3.2] */
    sgl_view user_agent, version;
    sgl_view original_mail_from; /* without brackets; "" may be the null sender, too */
    sgl_view original_envelope_id;
    sgl_view *original_rcpt; /* Original-Rcpt-To and Removal-Recipient: often redacted */
    size_t original_rcpts;
    sgl_view *reported_domain;
    size_t reported_domains;
    sgl_view reporting_mta;
    struct sgl_ip source; /* version 0: not told */
    uint16_t source_port; /* [RFC 6692] */
    sgl_time arrival;     /* 0: not told */
    uint64_t incidents;   /* 1 when not told */
    sgl_view authentication_results, auth_failure, delivery_result, identity_alignment;
    sgl_view dkim_domain, dkim_identity, dkim_selector, spf_dns; /* [RFC 6591 s3.2] */
    sgl_view original; /* the message reported on, or its header */
    struct sgl_headers header;
    sgl_view message_id; /* of that, with its brackets */
};

SGL_API const char *sgl_arf_type_name(enum sgl_arf_type type);

/*
 * Reads a feedback report; what has no machine part is read when it comes in a form that is known (complaints of Outlook.com).
 *
 * message  whole, lines ended by CRLF or LF. Borrowed as long as the result is used.
 * out      set only with SGL_OK
 * Returns SGL_OK; SGL_E_SYNTAX: it is none (diag says why); SGL_E_LIMIT: parts too many or too deep, or the arena is full; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_arf_parse(sgl_view message, struct sgl_arena *arena,
                                      struct sgl_arf *out, struct sgl_diag *diag) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
