/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain of trusted hands and a DMARC failure  [RFC 8617 s5.2, s7.2.2, s9.1].
 *
 * A chain that passes proves only who handled the message.  What the first trusted hand saw counts as evidence when its own field says, in its own name,
 * that the author was authenticated then.  The DMARC result stays what it is; only what is done about it changes  [RFC 9990 s3.1.1.9].
 */
#include "verdict_internal.h"

#include "sigillo/idn.h"
#include "sigillo/limits.h"

#include "sigillo/banned.h"

struct evidence {
    const struct sgl_verdict_state *v;
    struct sgl_dns *dns;
    const struct sgl_dmarc *dmarc;
    struct sgl_authres ar; /* what the witness wrote */
    size_t compared;       /* domains compared so far */
    bool unknown;          /* of one of them a lookup failed */
};

/* A domain as others write it; false: it is none. */
static enum sgl_status read_name(sgl_view text, struct sgl_arena *arena, struct sgl_name *out,
                                 bool *is)
{
    sgl_view ascii;
    enum sgl_status st = sgl_idn_to_ascii(text, arena, &ascii);

    if (st == SGL_OK)
        st = sgl_name_parse(ascii, SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT, arena, NULL, out);
    *is = st == SGL_OK;
    if (arena->status != SGL_OK)
        return arena->status;
    return st == SGL_E_NOMEM ? st : SGL_OK;
}

/* Is the name in that field one of the sealer's own?  Else the sealer would vouch for what somebody else wrote. */
static enum sgl_status speaks_for_itself(struct evidence *e, const struct sgl_arc_set *witness,
                                         bool *yes)
{
    struct sgl_arena *arena = e->v->arena;
    sgl_view id = e->ar.authserv_id;
    struct sgl_name name, sealer;
    bool both;

    *yes = false;
    SGL_TRY(read_name(sgl_view_sub(id, 0, sgl_view_find(id, '/')), arena, &name, &both));
    if (!both)
        return SGL_OK;
    SGL_TRY(read_name(witness->seal_tags.domain, arena, &sealer, &both));
    if (both)
        *yes = sgl_name_is_at_or_below(name, sealer) ||
               (sgl_name_labels(name) > 1 && sgl_name_is_at_or_below(sealer, name));
    return SGL_OK;
}

/* Does this domain align with the author's?  DMARC itself says so: would the message have passed had this domain, and nothing else? */
static enum sgl_status aligns(struct evidence *e, sgl_view text, bool by_spf, bool *yes)
{
    const struct sgl_verdict_request *q = &e->v->request;
    struct sgl_dmarc_identifier passed = {text, SGL_DMARC_AUTH_PASS};
    struct sgl_dmarc_request request = {.author = e->dmarc->author,
                                        .spf = by_spf ? &passed : NULL,
                                        .dkim = &passed,
                                        .dkims = by_spf ? 0 : 1,
                                        .rules = q->rules,
                                        .psl = q->psl,
                                        .sample = q->sample};
    struct sgl_name domain;
    struct sgl_dmarc then;
    bool is;

    *yes = false;
    SGL_TRY(read_name(text, e->v->arena, &domain, &is));
    if (!is || !sgl_name_is_at_or_below(domain, e->dmarc->org))
        return SGL_OK;
    if (e->compared == SGL_LIMIT_DKIM_TRIED) /* each may cost a walk */
        return SGL_OK;
    SGL_TRY(sgl_dmarc_check(&request, e->dns, e->v->arena, &then));
    e->compared++;
    e->unknown = e->unknown || then.result == SGL_DMARC_TEMPERROR;
    *yes = then.result == SGL_DMARC_PASS;
    return SGL_OK;
}

static bool is_pass(const struct sgl_authres_result *result)
{
    return result->version == 1 && sgl_view_eq(result->result, SGL_LIT("pass"));
}

static sgl_view behind_at(sgl_view address)
{
    size_t at = address.len;

    while (at > 0 && address.ptr[at - 1] != '@')
        at--;
    return sgl_view_from(address, at);
}

/* Without a word about DMARC, what it would have been made of: an aligned signature or MAIL FROM that passed. */
static enum sgl_status saw_alignment(struct evidence *e, bool *yes)
{
    for (size_t i = 0; i < e->ar.results && !*yes; i++) {
        const struct sgl_authres_result *result = &e->ar.result[i];
        sgl_view domain;

        if (!is_pass(result))
            continue;
        if (sgl_view_eq(result->method, SGL_LIT("dkim"))) {
            domain = sgl_authres_property(result, SGL_LIT("header"), SGL_LIT("d"));
            if (domain.len == 0)
                domain = behind_at(sgl_authres_property(result, SGL_LIT("header"), SGL_LIT("i")));
            SGL_TRY(aligns(e, domain, false, yes));
        } else if (sgl_view_eq(result->method, SGL_LIT("spf"))) {
            domain = behind_at(sgl_authres_property(result, SGL_LIT("smtp"), SGL_LIT("mailfrom")));
            SGL_TRY(aligns(e, domain, true, yes));
        }
    }
    return SGL_OK;
}

static enum sgl_status saw_author(struct evidence *e, bool *yes)
{
    const struct sgl_authres_result *dmarc = sgl_authres_find(&e->ar, SGL_LIT("dmarc"));
    struct sgl_name from;
    bool is;

    *yes = false;
    if (dmarc == NULL)
        return saw_alignment(e, yes);
    if (!is_pass(dmarc))
        return SGL_OK;
    SGL_TRY(read_name(behind_at(sgl_authres_property(dmarc, SGL_LIT("header"), SGL_LIT("from"))),
                      e->v->arena, &from, &is));
    *yes = is && sgl_name_eq(from, e->dmarc->author);
    return SGL_OK;
}

static enum sgl_status weigh(struct evidence *e, const struct sgl_arc_set *witness, bool *yes)
{
    struct sgl_diag diag = {0};
    enum sgl_status st = sgl_authres_parse(witness->payload, e->v->arena, &e->ar, &diag);

    *yes = false;
    if (st == SGL_E_NOMEM || (st == SGL_E_LIMIT && diag.what == NULL)) /* ours, not the field's */
        return st;
    if (st != SGL_OK) /* nobody can read it */
        return SGL_OK;
    SGL_TRY(speaks_for_itself(e, witness, yes));
    return *yes ? saw_author(e, yes) : SGL_OK;
}

enum sgl_status sgl_verdict_override(const struct sgl_verdict_state *v, struct sgl_dns *dns,
                                     struct sgl_verdict *verdict)
{
    struct evidence e = {.v = v, .dns = dns, .dmarc = &verdict->dmarc};
    struct sgl_arena_mark mark = sgl_arena_mark(v->arena);
    const struct sgl_arc_set *witness;
    enum sgl_status st;
    bool yes;

    if (!sgl_arc_trusted(&verdict->arc, &v->request.trust, &witness))
        return SGL_OK;
    st = weigh(&e, witness, &yes);
    sgl_arena_rewind(v->arena, mark);
    if (st == SGL_OK && yes) {
        verdict->overridden = true;
        verdict->witness = witness;
        verdict->disposition = SGL_DMARC_POLICY_NONE;
    }
    verdict->override_unknown = st == SGL_OK && !yes && e.unknown;
    return st;
}
