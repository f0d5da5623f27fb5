/* SPDX-License-Identifier: Apache-2.0 */
#include "spf_build_internal.h"

#include "sigillo/banned.h"
#include "sigillo/limits.h"

#define TERM_MAX 300 /* "include:" and a name */

static const struct {
    const char *name;
    sgl_view include;
} clouds[] = {
    [SGL_SPF_M365_NONE] = {"", SGL_LIT_INIT("")},
    [SGL_SPF_M365_WORLDWIDE] = {"worldwide", SGL_LIT_INIT("spf.protection.outlook.com")},
    [SGL_SPF_M365_GCC] = {"gcc", SGL_LIT_INIT("spf.protection.outlook.com")},
    [SGL_SPF_M365_GCC_HIGH] = {"gcchigh", SGL_LIT_INIT("spf.protection.office365.us")},
    [SGL_SPF_M365_DOD] = {"dod", SGL_LIT_INIT("spf.protection.office365.us")},
    [SGL_SPF_M365_21VIANET] = {"21vianet", SGL_LIT_INIT("spf.protection.partner.outlook.cn")},
};

bool sgl_spf_m365_parse(sgl_view text, enum sgl_spf_m365 *out)
{
    for (size_t i = 1; i < sizeof clouds / sizeof clouds[0]; i++) {
        if (sgl_view_eq_nocase(text, sgl_view_cstr(clouds[i].name))) {
            *out = (enum sgl_spf_m365)i;
            return true;
        }
    }
    return false;
}

sgl_view sgl_spf_m365_include(enum sgl_spf_m365 cloud)
{
    return (size_t)cloud < sizeof clouds / sizeof clouds[0] ? clouds[cloud].include
                                                            : clouds[0].include;
}

bool sgl_spf_policy_parse(sgl_view text, enum sgl_spf_policy *out)
{
    static const struct {
        sgl_view name;
        enum sgl_spf_policy policy;
    } known[] = {
        {SGL_LIT_INIT("hard"), SGL_SPF_POLICY_HARD},
        {SGL_LIT_INIT("soft"), SGL_SPF_POLICY_SOFT},
        {SGL_LIT_INIT("neutral"), SGL_SPF_POLICY_NEUTRAL},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (sgl_view_eq_nocase(text, known[i].name)) {
            *out = known[i].policy;
            return true;
        }
    }
    return false;
}

/* ---- asking ------------------------------------------------------------------------------------------------------- */

enum sgl_status sgl_spf_build_ask(struct spf_build *b, struct sgl_name name, enum sgl_rr type,
                                  const struct sgl_dns_answer **answer, bool *known)
{
    static const struct sgl_finding what = {.code = "spf-lookup-failed", .severity = SGL_WARNING};
    enum sgl_status st;

    *answer = NULL;
    *known = true;
    if (b->dns == NULL)
        return SGL_OK;
    st = sgl_dns_get(b->dns, name, type, answer);
    if (st == SGL_NEED_DNS) {
        b->pending = true;
        return SGL_OK;
    }
    if (st != SGL_OK && st != SGL_E_LIMIT)
        return st;
    if (st == SGL_OK && !sgl_dns_is_error(*answer))
        return SGL_OK;
    *known = false;
    b->out->failed = true;
    st = sgl_finding_add(
        &b->out->findings, b->arena, &what,
        "try again; or give what is there with --existing; or --offline, if you know it",
        "The %s lookup of %.*s failed (%s): what is published there is not known, so nothing is "
        "built.",
        sgl_rr_name(type), SGL_FMT(name.text),
        *answer == NULL ? "too many questions" : (*answer)->why);
    *answer = NULL;
    return st;
}

struct spf_existing sgl_spf_existing(const struct sgl_dns_answer *answer)
{
    struct spf_existing existing = {0};

    for (size_t i = 0; answer != NULL && i < answer->count; i++) {
        if (sgl_spf_is_record(answer->rr[i].txt) && existing.count++ == 0)
            existing.first = answer->rr[i].txt;
    }
    return existing;
}

/* ---- terms -------------------------------------------------------------------------------------------------------- */

static void clear_behind(struct sgl_ip *ip, unsigned bits)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned left = bits > i * 8 ? bits - i * 8 : 0;

        if (left < 8)
            ip->bytes[i] &= (uint8_t)(0xff00u >> left);
    }
}

/* "ip4:192.0.2.0/24" */
static enum sgl_status network_term(struct spf_build *b, const struct sgl_ip_prefix *network,
                                    sgl_view *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(TERM_MAX);
    struct sgl_ip ip = sgl_ip_unmap(&network->ip);
    unsigned bits = network->bits;
    char address[SGL_IP_TEXT_SIZE];

    if (ip.version != network->ip.version && bits >= 96)
        bits -=
            96; /* receivers see a mapped address as the IPv4 address that it is  [RFC 7208 s5] */
    else
        ip = network->ip;
    clear_behind(&ip, bits);
    sgl_buf_addf(&text, "ip%u:", (unsigned)ip.version);
    sgl_buf_add(&text, sgl_ip_text(&ip, address));
    if (bits < (ip.version == 4 ? 32u : 128u))
        sgl_buf_addf(&text, "/%u", bits);
    SGL_TRY(text.status);
    return sgl_arena_dup(b->arena, sgl_buf_view(&text), out);
}

static enum sgl_status include_term(struct spf_build *b, sgl_view name, sgl_view *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(TERM_MAX);

    sgl_buf_add(&text, SGL_LIT("include:"));
    sgl_buf_add(&text, name);
    SGL_TRY(text.status);
    return sgl_arena_dup(b->arena, sgl_buf_view(&text), out);
}

/* ---- the domain itself -------------------------------------------------------------------------------------------- */

/* What sends for the domain: networks first, they cost nothing. */
static enum sgl_status list_adds(struct spf_build *b, struct spf_target *target)
{
    const struct sgl_spf_build_request *r = b->request;
    sgl_view *add = SGL_NEW_N(b->arena, r->networks + r->includes + r->terms + 1, sgl_view);
    sgl_view cloud = sgl_spf_m365_include(r->m365);

    if (add == NULL)
        return b->arena->status;
    for (size_t i = 0; i < r->networks; i++)
        SGL_TRY(network_term(b, &r->network[i], &add[target->adds++]));
    if (cloud.len > 0)
        SGL_TRY(include_term(b, cloud, &add[target->adds++]));
    for (size_t i = 0; i < r->includes; i++)
        SGL_TRY(include_term(b, r->include[i].text, &add[target->adds++]));
    for (size_t i = 0; i < r->terms; i++)
        add[target->adds++] = r->term[i];
    target->add = add;
    return SGL_OK;
}

/* What moves to a subdomain, unless it is asked for here as well. */
static enum sgl_status list_drops(struct spf_build *b, struct spf_target *target)
{
    const struct sgl_spf_build_request *r = b->request;
    sgl_view *drop = SGL_NEW_N(b->arena, r->subdomains, sgl_view);

    if (drop == NULL)
        return b->arena->status;
    for (size_t i = 0; i < r->subdomains; i++) {
        bool asked = false;

        SGL_TRY(include_term(b, r->subdomain[i].include.text, &drop[target->drops]));
        for (size_t k = 0; k < target->adds; k++)
            asked = asked || sgl_spf_term_same(target->add[k], drop[target->drops]);
        target->drops += !asked;
    }
    target->drop = drop;
    return SGL_OK;
}

/* Is there anything to do at the domain itself?  A call for subdomains only leaves it alone, unless it holds what moves there. */
static enum sgl_status wants_domain(struct spf_build *b, const struct spf_target *target, bool *out)
{
    const struct sgl_dns_answer *answer;
    struct spf_existing existing;
    struct spf_draft draft;
    bool known;

    *out = true;
    if (target->adds > 0 || b->request->policy != SGL_SPF_POLICY_KEEP ||
        b->request->subdomains == 0 || target->existing.ptr != NULL)
        return SGL_OK;
    *out = false;
    SGL_TRY(sgl_spf_build_ask(b, target->name, SGL_RR_TXT, &answer, &known));
    existing = sgl_spf_existing(answer);
    if (existing.count == 0)
        return SGL_OK;
    SGL_TRY(sgl_spf_draft_read(existing.first, 0, b->arena, &draft));
    for (size_t i = 0; i < draft.count; i++) {
        for (size_t k = 0; k < target->drops; k++)
            *out = *out || sgl_spf_term_same_bare(draft.term[i], target->drop[k]);
    }
    *out = *out || existing.count > 1;
    return SGL_OK;
}

static enum sgl_status build_domain(struct spf_build *b)
{
    struct spf_target target = {.name = b->request->domain, .existing = b->request->existing};
    bool wanted;

    SGL_TRY(list_adds(b, &target));
    SGL_TRY(list_drops(b, &target));
    SGL_TRY(wants_domain(b, &target, &wanted));
    return wanted ? sgl_spf_build_target(b, &target) : SGL_OK;
}

/* ---- subdomains --------------------------------------------------------------------------------------------------- */

static enum sgl_status refuse_name(struct spf_build *b, struct sgl_name name, const char *why)
{
    static const struct sgl_finding what = {.code = "spf-bad-subdomain", .severity = SGL_ERROR};

    b->out->refused = true;
    return sgl_finding_add(&b->out->findings, b->arena, &what,
                           "name the first label only: --subdomain news:sendgrid.net",
                           "\"%.*s\" cannot be the subdomain: %s.", SGL_FMT(name.text), why);
}

/* "news" below the domain; a whole name below it stays as it is. */
static enum sgl_status full_name(struct spf_build *b, struct sgl_name name, struct sgl_name *out,
                                 bool *ok)
{
    struct sgl_name domain = b->request->domain;
    enum sgl_status st;

    *ok = false;
    if (sgl_name_eq(name, domain) || sgl_name_is_root(name))
        return refuse_name(b, name, "it is the domain itself");
    *ok = true;
    if (sgl_name_is_at_or_below(name, domain)) {
        *out = name;
        return SGL_OK;
    }
    st = sgl_name_under(name.text, domain, b->arena, out);
    if (st == SGL_E_NOMEM || b->arena->status != SGL_OK)
        return st;
    *ok = st == SGL_OK;
    return st == SGL_OK ? SGL_OK : refuse_name(b, name, "the whole name is too long");
}

/* All services of one subdomain; it comes when its first one does. */
static enum sgl_status build_subdomain(struct spf_build *b, const struct sgl_name *full,
                                       size_t first)
{
    const struct sgl_spf_build_request *r = b->request;
    struct spf_target target = {.name = full[first]};
    sgl_view *add = SGL_NEW_N(b->arena, r->subdomains, sgl_view);

    if (add == NULL)
        return b->arena->status;
    for (size_t i = 0; i < first; i++) {
        if (sgl_name_eq(full[i], full[first]))
            return SGL_OK;
    }
    for (size_t i = first; i < r->subdomains; i++) {
        if (sgl_name_eq(full[i], full[first]))
            SGL_TRY(include_term(b, r->subdomain[i].include.text, &add[target.adds++]));
    }
    target.add = add;
    return sgl_spf_build_target(b, &target);
}

static enum sgl_status build_subdomains(struct spf_build *b)
{
    const struct sgl_spf_build_request *r = b->request;
    struct sgl_name *full = SGL_NEW_N(b->arena, r->subdomains, struct sgl_name);
    bool ok = true, all_ok = true;

    if (full == NULL)
        return b->arena->status;
    for (size_t i = 0; i < r->subdomains; i++) {
        SGL_TRY(full_name(b, r->subdomain[i].name, &full[i], &ok));
        all_ok = all_ok && ok;
    }
    for (size_t i = 0; all_ok && i < r->subdomains; i++)
        SGL_TRY(build_subdomain(b, full, i));
    return SGL_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------- */

/* Names that Microsoft gives to its customers, and publishes the records of. */
static bool is_microsofts(struct sgl_name domain)
{
    static const struct sgl_name zones[] = {{SGL_LIT_INIT("onmicrosoft.com")},
                                            {SGL_LIT_INIT("onmicrosoft.us")},
                                            {SGL_LIT_INIT("onmschina.cn")}};

    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        if (sgl_name_is_at_or_below(domain, zones[i]))
            return true;
    }
    return false;
}

static enum sgl_status say_microsofts(struct spf_build *b)
{
    static const struct sgl_finding what = {.code = "spf-onmicrosoft", .severity = SGL_WARNING};

    return sgl_finding_add(&b->out->findings, b->arena, &what,
                           "build the records of the domains that you have added yourself",
                           "%.*s needs nothing: Microsoft publishes the records of these names, "
                           "and nobody else can.",
                           SGL_FMT(b->request->domain.text));
}

static enum sgl_status build_all(struct spf_build *b)
{
    b->record = SGL_NEW_N(b->arena, SGL_LIMIT_SPF_BUILD_RECORDS + 2, struct sgl_spf_publish);
    if (b->record == NULL)
        return b->arena->status;
    if (is_microsofts(b->request->domain))
        return say_microsofts(b);
    if (b->request->parked)
        return sgl_spf_build_parked(b);
    SGL_TRY(build_domain(b));
    return build_subdomains(b);
}

enum sgl_status sgl_spf_build(const struct sgl_spf_build_request *request, struct sgl_dns *dns,
                              struct sgl_arena *arena, struct sgl_spf_build *out)
{
    struct sgl_spf_build result = {0};
    struct spf_build b = {
        .request = request, .dns = request->offline ? NULL : dns, .arena = arena, .out = &result};
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    enum sgl_status st;

    if (dns == NULL && !request->offline)
        return SGL_E_MISUSE;
    if (request->subdomains > SGL_LIMIT_SPF_BUILD_RECORDS)
        return SGL_E_LIMIT;
    st = build_all(&b);
    if (st == SGL_OK && b.pending)
        st = SGL_NEED_DNS;
    if (st != SGL_OK) {
        sgl_arena_rewind(arena, mark);
        return st;
    }
    if (!result.refused && !result.failed) { /* all or nothing */
        result.record = b.record;
        result.records = b.records;
    }
    *out = result;
    return SGL_OK;
}
