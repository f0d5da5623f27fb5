/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a verdict, put together:
 *
 *   DKIM keys, ARC keys, the author's policy, SPF twice  -> all asked for before anything is missed
 *   what of them passed                                  -> DMARC -> override -> the field
 *
 * A part that is known stays known: it depends on answers that do not change.  What it found out stays in the arena, what a pass left unfinished does not.
 */
#include "verdict_internal.h"

#include "sigillo/limits.h"

#include "sigillo/banned.h"

#define NAMELESS "localhost"

static enum sgl_status read_message(struct sgl_verdict_state *v, sgl_view header,
                                    struct sgl_diag *diag)
{
    SGL_TRY(sgl_headers_parse(header, SGL_HEADERS_TOLERANT, v->arena, &v->headers, diag));
    if (v->headers.count == 0) {
        sgl_diag_set(diag, "no header field: not a message", "RFC 5322 s3.6", header, 0);
        return SGL_E_SYNTAX;
    }
    SGL_TRY(sgl_dkim_verifier_init(&v->dkim, v->crypto, &v->request.dkim, &v->headers, &v->hashes,
                                   v->arena));
    SGL_TRY(sgl_arc_verifier_init(&v->arc, v->crypto, &v->request.dkim, &v->headers, &v->hashes,
                                  v->arena));
    SGL_TRY(sgl_dmarc_author(&v->headers, v->arena, &v->author, &v->author_domain));
    sgl_verdict_body(v, sgl_view_from(header, v->headers.body_off));
    return SGL_OK;
}

enum sgl_status sgl_verdict_begin(struct sgl_verdict_state *v, const struct sgl_crypto *crypto,
                                  const struct sgl_verdict_request *request, sgl_view header,
                                  struct sgl_arena *arena, struct sgl_diag *diag)
{
    *v = (struct sgl_verdict_state){.crypto = crypto, .request = *request, .arena = arena};
    v->request.dkim.now = request->now;
    if (v->request.authserv_id.len == 0)
        v->request.authserv_id = SGL_LIT(NAMELESS);
    sgl_dkim_hashes_init(&v->hashes, crypto);
    if (request->rules == SGL_DMARC_RFC7489 && request->psl == NULL)
        v->status = SGL_E_MISUSE;
    else
        v->status = read_message(v, header, diag);
    return v->status;
}

void sgl_verdict_body(struct sgl_verdict_state *v, sgl_view piece)
{
    if (v->status == SGL_OK)
        sgl_dkim_hashes_feed(&v->hashes, piece);
}

void sgl_verdict_end(struct sgl_verdict_state *v)
{
    sgl_dkim_hashes_done(&v->hashes);
    v->status = SGL_E_MISUSE;
}

/* ---- independent parts ---------------------------------------------------------------------------------------------- */

static enum sgl_status check_dkim(struct sgl_verdict_state *v, struct sgl_dns *dns)
{
    if (!v->dkim_known) {
        SGL_TRY(sgl_dkim_verify(&v->dkim, dns, &v->known.dkim));
        v->dkim_known = true;
    }
    return SGL_OK;
}

static enum sgl_status check_arc(struct sgl_verdict_state *v, struct sgl_dns *dns)
{
    if (!v->arc_known) {
        SGL_TRY(sgl_arc_verify(&v->arc, dns, &v->known.arc));
        v->arc_known = true;
    }
    return SGL_OK;
}

static enum sgl_status check_spf(const struct sgl_verdict_state *v, enum sgl_spf_identity identity,
                                 struct sgl_dns *dns, struct sgl_spf *out)
{
    const struct sgl_verdict_request *q = &v->request;
    struct sgl_spf_request request = {.ip = q->ip,
                                      .sender = q->sender,
                                      .helo = q->helo,
                                      .identity = identity,
                                      .receiver = q->authserv_id,
                                      .now = q->now,
                                      .trace = q->spf_trace};

    return sgl_spf_check(&request, dns, v->arena, out);
}

static enum sgl_status check_spf_twice(struct sgl_verdict_state *v, struct sgl_dns *dns)
{
    enum sgl_status st = SGL_OK, one;

    if (v->request.ip.version == 0)
        return SGL_OK;
    if (!v->spf_known) {
        st = check_spf(v, SGL_SPF_MAILFROM, dns, &v->known.spf);
        v->spf_known = st == SGL_OK;
    }
    if (!v->helo_known) {
        one = check_spf(v, SGL_SPF_HELO, dns, &v->known.spf_helo);
        v->helo_known = one == SGL_OK;
        st = sgl_join(st, one);
    }
    v->known.spf_checked = st == SGL_OK;
    return st;
}

/* ---- DMARC ---------------------------------------------------------------------------------------------------------- */

static enum sgl_dmarc_auth auth_of(bool pass, bool temperror)
{
    if (pass)
        return SGL_DMARC_AUTH_PASS;
    return temperror ? SGL_DMARC_AUTH_TEMPERROR : SGL_DMARC_AUTH_FAIL;
}

/* The domain that SPF's first identity is about: of the reverse-path, or HELO's for the null one. [RFC 7208 s2.4] */
static sgl_view sender_domain(const struct sgl_verdict_request *q)
{
    size_t at = q->sender.len;

    while (at > 0 && q->sender.ptr[at - 1] != '@')
        at--;
    return q->sender.len == 0 ? q->helo : sgl_view_from(q->sender, at);
}

/*
 * Results go from one part to the next as data, never as the text of a field.  HELO's own result is not among them: only MAIL FROM
 * speaks for the author.  [RFC 9989 s4.4.2]
 */
static enum sgl_status check_dmarc(const struct sgl_verdict_state *v, struct sgl_dns *dns,
                                   struct sgl_dmarc *out)
{
    const struct sgl_spf *spf = &v->known.spf;
    const struct sgl_dkim_verdicts *dkim = &v->known.dkim;
    struct sgl_dmarc_identifier mail_from = {
        spf->domain, auth_of(spf->result == SGL_SPF_PASS, spf->result == SGL_SPF_TEMPERROR)};
    struct sgl_dmarc_identifier signature[SGL_LIMIT_DKIM_SIGNATURES] = {{{NULL, 0}, 0}};
    struct sgl_dmarc_request request = {.author = v->author_domain,
                                        .spf = v->known.spf_checked ? &mail_from : NULL,
                                        .dkim = signature,
                                        .dkims = dkim->count,
                                        .rules = v->request.rules,
                                        .psl = v->request.psl,
                                        .sample = v->request.sample};

    for (size_t i = 0; i < dkim->count; i++) {
        enum sgl_dkim_result result = dkim->item[i].result;

        signature[i] = (struct sgl_dmarc_identifier){
            dkim->item[i].tags.domain,
            auth_of(result == SGL_DKIM_PASS, result == SGL_DKIM_TEMPERROR)};
    }
    return sgl_dmarc_check(&request, dns, v->arena, out);
}

/* The author's policy is asked for along with the rest, and what will be asked for the identifiers if they pass; the result is thrown away. */
static enum sgl_status want_policy(const struct sgl_verdict_state *v, struct sgl_dns *dns)
{
    struct sgl_dmarc_identifier mail_from = {sender_domain(&v->request), SGL_DMARC_AUTH_PASS};
    struct sgl_dmarc_identifier signature[SGL_LIMIT_DKIM_SIGNATURES] = {{{NULL, 0}, 0}};
    struct sgl_dmarc_request request = {.author = v->author_domain,
                                        .spf = v->request.ip.version == 0 ? NULL : &mail_from,
                                        .dkim = signature,
                                        .dkims = v->dkim.count,
                                        .rules = v->request.rules,
                                        .psl = v->request.psl};
    struct sgl_arena_mark mark = sgl_arena_mark(v->arena);
    struct sgl_dmarc ignored;
    enum sgl_status st;

    if (v->author != SGL_DMARC_AUTHOR_OK)
        return SGL_OK;
    for (size_t i = 0; i < v->dkim.count; i++) {
        bool hope = !v->dkim.checked[i].decided || v->dkim.verdict[i].result == SGL_DKIM_PASS;

        signature[i] =
            (struct sgl_dmarc_identifier){v->dkim.verdict[i].tags.domain, auth_of(hope, false)};
    }
    st = sgl_dmarc_check(&request, dns, v->arena, &ignored);
    if (st == SGL_OK)
        sgl_arena_rewind(v->arena, mark);
    return st;
}

static enum sgl_status conclude(struct sgl_verdict_state *v, struct sgl_dns *dns,
                                struct sgl_verdict *out)
{
    struct sgl_verdict verdict = v->known;

    verdict.author = v->author;
    if (v->author == SGL_DMARC_AUTHOR_OK) {
        SGL_TRY(check_dmarc(v, dns, &verdict.dmarc));
    } else {
        verdict.dmarc.rules = v->request.rules;
        verdict.dmarc.reason = sgl_dmarc_author_name(v->author);
    }
    verdict.disposition = verdict.dmarc.disposition;
    if (verdict.dmarc.result == SGL_DMARC_FAIL)
        SGL_TRY(sgl_verdict_override(v, dns, &verdict));
    SGL_TRY(sgl_verdict_list(v, &verdict));
    *out = verdict;
    return SGL_OK;
}

enum sgl_status sgl_verdict_finish(struct sgl_verdict_state *v, struct sgl_dns *dns,
                                   struct sgl_verdict *out)
{
    struct sgl_arena_mark mark;
    enum sgl_status st;

    SGL_TRY(v->status);
    if (!v->hashes.finished)
        SGL_TRY(sgl_dkim_hashes_finish(&v->hashes));
    /* Few questions first: a sender's SPF record that asks for hundreds takes no place from them. */
    st = check_dkim(v, dns);
    st = sgl_join(st, check_arc(v, dns));
    if (!v->spf_known || !v->dkim_known)
        st = sgl_join(st, want_policy(v, dns));
    st = sgl_join(st, check_spf_twice(v, dns));
    SGL_TRY(st);
    mark = sgl_arena_mark(v->arena);
    st = conclude(v, dns, out);
    if (st != SGL_OK)
        sgl_arena_rewind(v->arena, mark);
    return st;
}

enum sgl_status sgl_verdict_of(const struct sgl_crypto *crypto,
                               const struct sgl_verdict_request *request, sgl_view message,
                               void (*resolve)(void *ctx, struct sgl_dns *dns), void *ctx,
                               struct sgl_dns *dns, struct sgl_arena *arena,
                               struct sgl_verdict *out)
{
    struct sgl_verdict_state v;
    enum sgl_status st = sgl_verdict_begin(&v, crypto, request, message, arena, NULL);

    if (st == SGL_OK)
        st = sgl_verdict_finish(&v, dns, out);
    while (st == SGL_NEED_DNS) {
        resolve(ctx, dns);
        sgl_dns_fail_open(dns, "not answered"); /* so each pass brings the end nearer */
        st = sgl_verdict_finish(&v, dns, out);
    }
    sgl_verdict_end(&v);
    return st;
}
