/* SPDX-License-Identifier: Apache-2.0 */
/* Reports that leave the domain: does the other side want them?  [RFC 9990 s4] */
#include "dmarc_internal.h"
#include "sigillo/banned.h"

struct asked {
    struct sgl_name policy_domain, host;
    bool failure; /* of failure reports: ruf instead of rua [RFC 9991 s3] */
};

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

struct wanted {             /* by the records of the destination that pass */
    bool agrees, elsewhere; /* elsewhere: an address of another host stands there */
    sgl_view uri;           /* the first that stays at this host */
};

/* Others would start a chain. [RFC 9990 s4 step 9] */
static enum sgl_status take_uris(const sgl_view *uri, size_t uris, struct sgl_name host,
                                 struct sgl_arena *arena, struct wanted *out)
{
    for (size_t i = 0; i < uris; i++) {
        struct sgl_name at;
        enum sgl_status st = sgl_dmarc_uri_host(uri[i], arena, &at);

        if (st == SGL_E_SYNTAX)
            continue;
        SGL_TRY(st);
        if (!sgl_name_eq(at, host))
            out->elsewhere = true;
        else if (out->uri.len == 0)
            out->uri = uri[i];
    }
    return SGL_OK;
}

/* One record that passes is enough. [RFC 9990 s4 steps 6 to 8] */
static enum sgl_status read_answer(const struct sgl_dns_answer *answer, const struct asked *asked,
                                   struct sgl_arena *arena, struct wanted *out)
{
    for (size_t i = 0; i < answer->count; i++) {
        struct sgl_dmarc_record record;
        enum sgl_status st = sgl_dmarc_parse(answer->rr[i].txt, arena, &record, NULL);

        if (st == SGL_E_SYNTAX || (st == SGL_E_LIMIT && arena->status == SGL_OK))
            continue;
        SGL_TRY(st);
        out->agrees = true;
        if (asked->failure)
            SGL_TRY(take_uris(record.ruf, record.rufs, asked->host, arena, out));
        else
            SGL_TRY(take_uris(record.rua, record.ruas, asked->host, arena, out));
    }
    return SGL_OK;
}

/* Who points to others only gets nothing, neither here nor there. [RFC 9990 s4] */
static enum sgl_status judge_answer(const struct sgl_dns_answer *answer, const struct asked *asked,
                                    struct sgl_arena *arena, enum sgl_dmarc_destination *out,
                                    sgl_view *uri)
{
    struct wanted wanted = {.agrees = false};

    SGL_TRY(read_answer(answer, asked, arena, &wanted));
    *uri = wanted.uri;
    *out = wanted.agrees && (wanted.uri.len > 0 || !wanted.elsewhere) ? SGL_DMARC_DEST_AUTHORISED
                                                                      : SGL_DMARC_DEST_REFUSED;
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

static enum sgl_status run(const struct asked *asked, struct sgl_dns *dns, struct sgl_arena *arena,
                           enum sgl_dmarc_destination *out, sgl_view *uri)
{
    const struct sgl_dns_answer *answer = NULL;
    struct sgl_name name;
    bool own, known, exists;

    SGL_TRY(is_own(asked->policy_domain, asked->host, dns, arena, &own, &known));
    *out = SGL_DMARC_DEST_OWN;
    if (own)
        return SGL_OK;
    *out = known ? SGL_DMARC_DEST_REFUSED : SGL_DMARC_DEST_TEMPERROR;
    SGL_TRY(permission_name(asked->policy_domain, asked->host, arena, &name, &exists));
    if (!exists)
        return SGL_OK;
    SGL_TRY(sgl_dmarc_get(dns, name, SGL_RR_TXT, &answer));
    if (answer == NULL || sgl_dns_is_error(answer)) {
        *out = SGL_DMARC_DEST_TEMPERROR;
        return SGL_OK;
    }
    SGL_TRY(judge_answer(answer, asked, arena, out, uri));
    if (*out == SGL_DMARC_DEST_REFUSED && !known)
        *out = SGL_DMARC_DEST_TEMPERROR; /* it may be the domain's own */
    return SGL_OK;
}

static enum sgl_status check(const struct asked *asked, struct sgl_dns *dns,
                             struct sgl_arena *arena, enum sgl_dmarc_destination *out,
                             sgl_view *uri)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    enum sgl_dmarc_destination found;
    sgl_view other = {NULL, 0};
    enum sgl_status st;

    if (sgl_name_is_root(asked->policy_domain) || sgl_name_is_root(asked->host))
        return SGL_E_MISUSE;
    st = run(asked, dns, arena, &found, &other);
    sgl_arena_rewind(arena, mark); /* the URI is in the snapshot */
    if (st == SGL_OK) {
        *out = found;
        *uri = other;
    }
    return st;
}

enum sgl_status sgl_dmarc_destination(struct sgl_name policy_domain, struct sgl_name host,
                                      struct sgl_dns *dns, struct sgl_arena *arena,
                                      enum sgl_dmarc_destination *out, sgl_view *rua)
{
    return check(&(struct asked){policy_domain, host, false}, dns, arena, out, rua);
}

enum sgl_status sgl_dmarc_failure_destination(struct sgl_name policy_domain, struct sgl_name host,
                                              struct sgl_dns *dns, struct sgl_arena *arena,
                                              enum sgl_dmarc_destination *out, sgl_view *ruf)
{
    return check(&(struct asked){policy_domain, host, true}, dns, arena, out, ruf);
}
