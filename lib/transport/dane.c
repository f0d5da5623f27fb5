/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search of RFC 7672 section 2.2.2 and 2.2.3 for one host, as straight lines:
 *
 *   addresses -> is the host in a signed zone? -> candidates for the base domain -> their TLSA records -> level
 */
#include "sigillo/dane.h"

#include "sigillo/banned.h"
#include "sigillo/buf.h"
#include "sigillo/limits.h"
#include "tlsa_internal.h"

const char *sgl_dane_level_name(enum sgl_dane_level level)
{
    switch (level) {
    case SGL_DANE_NONE:
        return "none";
    case SGL_DANE_ENCRYPT:
        return "encrypt";
    case SGL_DANE_AUTHENTICATE:
        return "authenticate";
    case SGL_DANE_LOOKUP_ERROR:
        return "lookup-error";
    }
    return "?";
}

/* What one check works on. */
struct search {
    const struct sgl_dane_request *request;
    struct sgl_dns *dns;
    struct sgl_arena *arena;
    const struct sgl_dns_answer *v4, *v6; /* NULL: not wanted */
    struct sgl_dane *result;
};

static void use_ttl(struct search *s, const struct sgl_dns_answer *answer)
{
    if (answer->ttl_s < s->result->ttl_s)
        s->result->ttl_s = answer->ttl_s;
}

/* "TLSA lookup for NAME failed: REASON" */
static enum sgl_status tell_failure(struct search *s, const struct sgl_dns_answer *answer)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(SGL_LIMIT_NAME_TEXT + 300);
    const char *why;

    sgl_buf_addf(&text, "%s lookup for %.*s %s: %s", sgl_rr_name(answer->type),
                 SGL_FMT(answer->name.text),
                 answer->outcome == SGL_DNS_BOGUS ? "was forged or is wrongly signed" : "failed",
                 answer->why);
    SGL_TRY(text.status);
    why = sgl_arena_cstr(s->arena, sgl_buf_view(&text));
    if (why == NULL)
        return SGL_E_NOMEM;
    s->result->why = why;
    s->result->bogus = answer->outcome == SGL_DNS_BOGUS;
    return SGL_OK;
}

static enum sgl_status get_addresses(struct search *s)
{
    const struct sgl_dane_request *q = s->request;
    enum sgl_status st = SGL_OK;

    if (q->ipv6)
        st = sgl_join(st, sgl_dns_get(s->dns, q->host, SGL_RR_AAAA, &s->v6));
    if (q->ipv4)
        st = sgl_join(st, sgl_dns_get(s->dns, q->host, SGL_RR_A, &s->v4));
    return st;
}

static size_t count_of(const struct sgl_dns_answer *answer)
{
    return answer == NULL ? 0 : answer->count;
}

/* Of two families with many addresses each gets half of the places; one alone gets them all. */
static enum sgl_status list_addresses(struct search *s)
{
    size_t six = count_of(s->v6), four = count_of(s->v4), half = SGL_LIMIT_MX_ADDRESSES / 2;
    struct sgl_ip *list;

    if (six + four > SGL_LIMIT_MX_ADDRESSES) {
        if (four < half)
            six = SGL_LIMIT_MX_ADDRESSES - four;
        else if (six > half)
            six = half;
        four = SGL_LIMIT_MX_ADDRESSES - six;
    }
    list = SGL_NEW_N(s->arena, six + four, struct sgl_ip);
    if (list == NULL)
        return s->arena->status;
    for (size_t i = 0; i < six; i++)
        list[i] = s->v6->rr[i].ip;
    for (size_t i = 0; i < four; i++)
        list[six + i] = s->v4->rr[i].ip;
    s->result->address = list;
    s->result->addresses = six + four;
    return SGL_OK;
}

/* The answer whose security counts: one with addresses, a signed one first, so that an unsigned family hides nothing. */
static const struct sgl_dns_answer *address_answer(const struct search *s)
{
    if (count_of(s->v6) == 0)
        return s->v4;
    if (count_of(s->v4) > 0 && s->v4->security == SGL_DNS_SECURE)
        return s->v4;
    return s->v6;
}

/*
 * The state of the addresses.  One family that failed does not hide the other: leaving addresses out is no downgrade, since the
 * security of those that are used is judged by themselves.
 */
static enum sgl_status judge_addresses(struct search *s)
{
    const struct sgl_dns_answer *both[2] = {s->v6, s->v4}, *failed = NULL;
    struct sgl_dane *result = s->result;

    for (size_t i = 0; i < 2; i++) {
        if (both[i] != NULL && sgl_dns_is_error(both[i]))
            failed = both[i];
        else if (both[i] != NULL)
            use_ttl(s, both[i]);
    }
    SGL_TRY(list_addresses(s));
    if (result->addresses > 0) {
        result->addresses_state = SGL_DANE_ADDRESSES_OK;
        result->address_security = address_answer(s)->security;
        return SGL_OK;
    }
    if (failed == NULL) {
        result->addresses_state = SGL_DANE_ADDRESSES_NONE;
        result->why = "host has no address";
        return SGL_OK;
    }
    result->addresses_state = SGL_DANE_ADDRESSES_FAILED;
    result->level = SGL_DANE_LOOKUP_ERROR;
    return tell_failure(s, failed);
}

/*
 * Where TLSA records may be: at most two names, none when the host is in no signed zone. [RFC 7672 s2.2.2]
 * *done: the level is decided already.
 */
static enum sgl_status find_candidates(struct search *s, struct sgl_name candidate[2],
                                       size_t *count, bool *done)
{
    const struct sgl_dns_answer *address = address_answer(s), *alias = NULL;

    *count = 0;
    *done = false;
    if (s->result->address_security == SGL_DNS_SECURE) {
        if (address->aliased)
            candidate[(*count)++] = address->canonical;
        candidate[(*count)++] = s->request->host;
        return SGL_OK;
    }
    if (!address->aliased) {
        s->result->why = "addresses of the host are not signed";
        return SGL_OK;
    }
    /* The end of the alias chain is not signed, but is its start? */
    SGL_TRY(sgl_dns_get(s->dns, s->request->host, SGL_RR_CNAME, &alias));
    if (sgl_dns_is_error(alias)) {
        *done = true;
        s->result->level = SGL_DANE_LOOKUP_ERROR;
        return tell_failure(s, alias);
    }
    use_ttl(s, alias);
    if (alias->security == SGL_DNS_SECURE)
        candidate[(*count)++] = s->request->host;
    else
        s->result->why = "the host's alias is not signed";
    return SGL_OK;
}

static enum sgl_status get_tlsa(struct search *s, struct sgl_name base,
                                const struct sgl_dns_answer **out)
{
    sgl_auto(sgl_buf) labels = SGL_BUF_INIT(32);
    struct sgl_name name;
    enum sgl_status st;

    *out = NULL;
    sgl_buf_addf(&labels, "_%u._tcp", (unsigned)s->request->port);
    SGL_TRY(labels.status);
    st = sgl_name_under(sgl_buf_view(&labels), base, s->arena, &name);
    if (st == SGL_E_LIMIT && s->arena->status == SGL_OK)
        return SGL_OK; /* a name that long cannot exist: no records */
    SGL_TRY(st);
    return sgl_dns_get(s->dns, name, SGL_RR_TLSA, out);
}

static bool has_name(const struct sgl_name *list, size_t count, struct sgl_name name)
{
    for (size_t i = 0; i < count; i++) {
        if (sgl_name_eq(list[i], name))
            return true;
    }
    return false;
}

/* Reference identities: the base; with a secure MX also the domain the mail is for. [RFC 7672 s3.2.2] */
static enum sgl_status list_names(struct search *s)
{
    const struct sgl_dane_request *q = s->request;
    struct sgl_name *list = SGL_NEW_N(s->arena, 3, struct sgl_name);
    size_t count = 0;

    if (list == NULL)
        return s->arena->status;
    list[count++] = s->result->base;
    if (q->mx_secure && !has_name(list, count, q->domain))
        list[count++] = q->domain;
    if (q->mx_secure && !has_name(list, count, q->canonical))
        list[count++] = q->canonical;
    s->result->name = list;
    s->result->names = count;
    return SGL_OK;
}

/* A secure RRset was found: from here on the connection is encrypted or does not happen. */
static enum sgl_status use_records(struct search *s, struct sgl_name base,
                                   const struct sgl_dns_answer *tlsa)
{
    struct sgl_dane *result = s->result;

    result->base = base;
    result->tlsa_published = tlsa->count + tlsa->dropped;
    result->tlsa = sgl_tlsa_pick(tlsa, s->arena, &result->tlsas);
    if (result->tlsa == NULL)
        return s->arena->status;
    if (result->tlsas == 0) {
        result->level = SGL_DANE_ENCRYPT;
        result->why = "TLSA records are published but none is usable";
    } else {
        result->level = SGL_DANE_AUTHENTICATE;
        result->domain_protected = s->request->mx_secure;
        result->why = s->request->mx_secure
                          ? "TLSA records are published"
                          : "TLSA records are published; the MX records are not signed";
    }
    return list_names(s);
}

static enum sgl_status search_tlsa(struct search *s)
{
    struct sgl_name candidate[2];
    size_t candidates;
    bool done;

    s->result->why = "no TLSA records";
    SGL_TRY(find_candidates(s, candidate, &candidates, &done));
    for (size_t i = 0; i < candidates && !done; i++) {
        const struct sgl_dns_answer *tlsa;

        SGL_TRY(get_tlsa(s, candidate[i], &tlsa));
        if (tlsa == NULL)
            continue;
        if (sgl_dns_is_error(tlsa)) { /* never "no records" [RFC 7672 s2.1.2] */
            s->result->level = SGL_DANE_LOOKUP_ERROR;
            return tell_failure(s, tlsa);
        }
        use_ttl(s, tlsa);
        if (tlsa->outcome == SGL_DNS_OK && tlsa->security == SGL_DNS_SECURE)
            return use_records(s, candidate[i], tlsa);
        if (tlsa->outcome == SGL_DNS_OK)
            s->result->why = "TLSA records are not signed";
    }
    return SGL_OK;
}

static enum sgl_status run(struct search *s)
{
    struct sgl_dane *result = s->result;

    SGL_TRY(get_addresses(s));
    SGL_TRY(judge_addresses(s));
    if (result->addresses_state == SGL_DANE_ADDRESSES_OK)
        SGL_TRY(search_tlsa(s));
    if (result->names == 0)
        SGL_TRY(list_names(s));
    if (result->ttl_s == UINT32_MAX)
        result->ttl_s = 0; /* nothing but failures: nothing to keep */
    return SGL_OK;
}

enum sgl_status sgl_dane_check(const struct sgl_dane_request *request, struct sgl_dns *dns,
                               struct sgl_arena *arena, struct sgl_dane *out)
{
    struct sgl_dane result = {.base = request->host, .ttl_s = UINT32_MAX, .why = ""};
    struct search s = {request, dns, arena, NULL, NULL, &result};
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    enum sgl_status st;

    if (!request->ipv4 && !request->ipv6)
        return SGL_E_MISUSE;
    st = run(&s);
    if (st == SGL_OK)
        *out = result;
    else
        sgl_arena_rewind(arena, mark);
    return st;
}
