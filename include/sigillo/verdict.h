/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message and its connection in, one answer out: SPF, DKIM, ARC, DMARC, and the field that tells of them.
 *
 *     sgl_verdict_begin(&v, crypto, &request, header, &arena);
 *     while (body arrives) sgl_verdict_body(&v, piece);
 *     while (sgl_verdict_finish(&v, dns, &verdict) == SGL_NEED_DNS) resolve;
 *     sgl_verdict_end(&v);
 *
 * The DNS of independent parts is asked together.  Memory does not depend on the size of the body.
 */
#ifndef SIGILLO_VERDICT_H
#define SIGILLO_VERDICT_H

#include "sigillo/arc.h"
#include "sigillo/authres.h"
#include "sigillo/dmarc.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_verdict_request {
    struct sgl_ip ip; /* version 0: the connection is not known; SPF is not checked */
    sgl_view helo,
        sender; /* as the client sent them; sender without brackets, empty: the null sender */
    sgl_view authserv_id; /* who judges; empty: "localhost" */
    sgl_time now;
    enum sgl_dmarc_rules rules;
    const struct sgl_psl *psl; /* this and sample as in struct sgl_dmarc_request */
    unsigned sample;
    struct sgl_dkim_verify_options dkim; /* now is taken from above */
    struct sgl_arc_trust trust;
    bool spf_trace;
};

struct sgl_verdict {
    bool spf_checked;
    struct sgl_spf spf;      /* MAIL FROM, or HELO for the null sender; zeroed unless spf_checked */
    struct sgl_spf spf_helo; /* HELO by itself; the same */
    struct sgl_dkim_verdicts dkim;
    struct sgl_arc arc;
    struct sgl_dmarc dmarc; /* result NONE where no Author Domain could be found */
    enum sgl_dmarc_author author;
    /* Dmarc failed, but a trusted chain says that it passed where it entered: disposition below */
    bool overridden;
    const struct sgl_arc_set *witness; /* overridden: the set that said so; else NULL */
    /* Not overridden, but a lookup failed that might have shown a trusted chain's word to be about the author */
    bool override_unknown;
    enum sgl_dmarc_policy disposition; /* what the owner asks for, after the override */
    struct sgl_authres results;        /* the same as data, ready for sgl_authres_put() */
};

struct sgl_verdict_state {
    const struct sgl_crypto *crypto;
    struct sgl_verdict_request request;
    struct sgl_arena *arena;
    struct sgl_headers headers;
    struct sgl_dkim_hashes hashes;
    struct sgl_dkim_verifier dkim;
    struct sgl_arc_verifier arc;
    enum sgl_dmarc_author author;
    struct sgl_name author_domain;
    struct sgl_verdict known; /* private: what earlier passes found out */
    bool spf_known, helo_known, dkim_known, arc_known;
    enum sgl_status status;
};

/*
 * A message begins: its header is read, and what has to be known of its body.
 *
 * header   the message's header section (SGL_HEADERS_TOLERANT), or the whole message: what follows the blank line is fed as body then, and
 *          sgl_verdict_body() goes on behind it. Must outlive the state, as must crypto and arena.
 * request  copied; what its views and pointers lead to must outlive the state
 * diag     may be NULL: why it is no message
 * arena    bounded by SGL_LIMIT_JUDGE_MEMORY: a smaller one may be too small for a hostile header
 * SGL_OK, also for a hostile message; SGL_E_SYNTAX: not a message (no field at all); SGL_E_LIMIT: the header is over its limits; SGL_E_NOMEM;
 * SGL_E_MISUSE: RFC 7489 without a list of public suffixes.  End the state in any case.
 * Line ends are CRLF: what comes from a file with LF must be converted first, or no signature passes.
 */
SGL_API enum sgl_status sgl_verdict_begin(struct sgl_verdict_state *v,
                                          const struct sgl_crypto *crypto,
                                          const struct sgl_verdict_request *request,
                                          sgl_view header, struct sgl_arena *arena,
                                          struct sgl_diag *diag) SGL_MUST_USE;
/* The next bytes of the body, cut anywhere. */
SGL_API void sgl_verdict_body(struct sgl_verdict_state *v, sgl_view piece);
/*
 * The body is over.
 *
 * dns   one snapshot for all calls, made for SGL_LIMIT_JUDGE_QUESTIONS.  Parts that are known are not done again.
 * out   set only with SGL_OK; its views live in the arena, the header, the request and the snapshot, and outlive the state
 * SGL_OK, for every verdict; SGL_NEED_DNS; SGL_E_LIMIT: the arena is full; SGL_E_NOMEM; SGL_E_MISUSE: begin failed.
 */
SGL_API enum sgl_status sgl_verdict_finish(struct sgl_verdict_state *v, struct sgl_dns *dns,
                                           struct sgl_verdict *out) SGL_MUST_USE;
SGL_API void sgl_verdict_end(struct sgl_verdict_state *v); /* zeroed accepted */

/*
 * The whole of it for a message in memory and a caller that resolves in one go.
 *
 * resolve() answers all that is open in dns (sgl_dns_next_open()); what it leaves open counts as failed.
 * out       set only with SGL_OK; its views live in the arena, the message, the request and the snapshot
 * Returns as sgl_verdict_begin() and sgl_verdict_finish(), never SGL_NEED_DNS.
 */
SGL_API enum sgl_status sgl_verdict_of(const struct sgl_crypto *crypto,
                                       const struct sgl_verdict_request *request, sgl_view message,
                                       void (*resolve)(void *ctx, struct sgl_dns *dns), void *ctx,
                                       struct sgl_dns *dns, struct sgl_arena *arena,
                                       struct sgl_verdict *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
