/* SPDX-License-Identifier: Apache-2.0 */
/* Reports that leave the domain: does the other side want them?  [RFC 9990 s4] */
#include "dmarc_internal.h"
#include "sigillo/banned.h"

/* Do both have one Organizational Domain? *known false: a lookup failed. */
static enum sgl_status is_own(struct sgl_name policy_domain, struct sgl_name host,
                              struct sgl_dns *dns, struct sgl_arena *arena, bool *own, bool *known)
{
    struct sgl_name a, b;
    enum sgl_status st;

    *known = true;
    *own = sgl_name_eq(policy_domain, host);
    if (*own || !sgl_dmarc_share_labels(policy_domain, host, 1))
        return SGL_OK;
    st = sgl_dmarc_org(policy_domain, dns, arena, &a);
    st = sgl_join(st, sgl_dmarc_org(host, dns, arena, &b));
    SGL_TRY(st);
    *known = !sgl_name_is_root(a) && !sgl_name_is_root(b);
    *own = *known && sgl_name_eq(a, b);
    return SGL_OK;
}

/* The first URI of rua= that stays at the same host: others would start a chain. [RFC 9990 s4 step 9] */
static enum sgl_status pick_uri(const struct sgl_dmarc_record *record, struct sgl_name host,
                                struct sgl_arena *arena, sgl_view *out)
{
    for (size_t i = 0; i < record->ruas && out->len == 0; i++) {
        struct sgl_name at;
        enum sgl_status st = sgl_dmarc_uri_host(record->rua[i], arena, &at);

        if (st == SGL_E_SYNTAX)
            continue;
        SGL_TRY(st);
        if (sgl_name_eq(at, host))
            *out = record->rua[i];
    }
    return SGL_OK;
}

/* One record that passes is enough. [RFC 9990 s4 steps 6 to 8] */
static enum sgl_status judge_answer(const struct sgl_dns_answer *answer, struct sgl_name host,
                                    struct sgl_arena *arena, enum sgl_dmarc_destination *out,
                                    sgl_view *rua)
{
    *out = SGL_DMARC_DEST_REFUSED;
    for (size_t i = 0; i < answer->count; i++) {
        struct sgl_dmarc_record record;
        enum sgl_status st = sgl_dmarc_parse(answer->rr[i].txt, arena, &record, NULL);

        if (st == SGL_E_SYNTAX || (st == SGL_E_LIMIT && arena->status == SGL_OK))
            continue;
        SGL_TRY(st);
        *out = SGL_DMARC_DEST_AUTHORISED;
        SGL_TRY(pick_uri(&record, host, arena, rua));
    }
    return SGL_OK;
}

/* "example.com._report._dmarc.host"; *exists false: too long to exist [RFC 9990 s4 step 4] */
static enum sgl_status permission_name(struct sgl_name policy_domain, struct sgl_name host,
                                       struct sgl_arena *arena, struct sgl_name *out, bool *exists)
{
    struct sgl_name under;
    enum sgl_status st = sgl_name_under(SGL_LIT("_report._dmarc"), host, arena, &under);

    if (st == SGL_OK)
        st = sgl_name_under(policy_domain.text, under, arena, out);
    *exists = st == SGL_OK;
    return st == SGL_E_LIMIT && arena->status == SGL_OK ? SGL_OK : st;
}

static enum sgl_status run(struct sgl_name policy_domain, struct sgl_name host, struct sgl_dns *dns,
                           struct sgl_arena *arena, enum sgl_dmarc_destination *out, sgl_view *rua)
{
    const struct sgl_dns_answer *answer = NULL;
    struct sgl_name name;
    bool own, known, exists;

    SGL_TRY(is_own(policy_domain, host, dns, arena, &own, &known));
    *out = SGL_DMARC_DEST_OWN;
    if (own)
        return SGL_OK;
    *out = known ? SGL_DMARC_DEST_REFUSED : SGL_DMARC_DEST_TEMPERROR;
    SGL_TRY(permission_name(policy_domain, host, arena, &name, &exists));
    if (!exists)
        return SGL_OK;
    SGL_TRY(sgl_dmarc_get(dns, name, SGL_RR_TXT, &answer));
    if (answer == NULL || sgl_dns_is_error(answer)) {
        *out = SGL_DMARC_DEST_TEMPERROR;
        return SGL_OK;
    }
    SGL_TRY(judge_answer(answer, host, arena, out, rua));
    if (*out == SGL_DMARC_DEST_REFUSED && !known)
        *out = SGL_DMARC_DEST_TEMPERROR; /* it may be the domain's own */
    return SGL_OK;
}

enum sgl_status sgl_dmarc_destination(struct sgl_name policy_domain, struct sgl_name host,
                                      struct sgl_dns *dns, struct sgl_arena *arena,
                                      enum sgl_dmarc_destination *out, sgl_view *rua)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    enum sgl_dmarc_destination found;
    sgl_view uri = {NULL, 0};
    enum sgl_status st;

    if (sgl_name_is_root(policy_domain) || sgl_name_is_root(host))
        return SGL_E_MISUSE;
    st = run(policy_domain, host, dns, arena, &found, &uri);
    sgl_arena_rewind(arena, mark); /* the URI is in the snapshot */
    if (st == SGL_OK) {
        *out = found;
        *rua = uri;
    }
    return st;
}
