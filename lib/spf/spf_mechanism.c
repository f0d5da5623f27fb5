/* SPDX-License-Identifier: Apache-2.0 */
/* The mechanisms that look at addresses and names  [RFC 7208 s5], and what they cost  [RFC 7208 s4.6.4]. */
#include "sigillo/banned.h"
#include "spf_check_internal.h"

/* ---- limits ------------------------------------------------------------------------------------------------------- */

static void fail(struct spf_check *c, struct spf_run *run, enum sgl_spf_outcome outcome,
                 const char *why, sgl_view at)
{
    run->outcome = outcome;
    run->why = why;
    sgl_spf_blame(c, why, at);
}

bool sgl_spf_count_lookup(struct spf_check *c, struct spf_run *run)
{
    if (++c->lookups <= SPF_LOOKUPS_MAX)
        return true;
    fail(c, run, SGL_SPF_TERM_PERMERROR, "more than 10 terms that need DNS lookups", run->text);
    return false;
}

/*
 * The RFC counts "terms for which DNS queries return" nothing, so an "mx" of three hosts without an address for the client's family is one
 * void lookup and not three, and the names that a client gives its address can't turn a fail into a permerror.
 */
bool sgl_spf_count_void(struct spf_check *c, struct spf_run *run,
                        const struct sgl_dns_answer *answer)
{
    if (answer->outcome != SGL_DNS_NXDOMAIN && answer->outcome != SGL_DNS_NODATA)
        return true;
    if (run->why[0] == 0)
        run->why = answer->outcome == SGL_DNS_NXDOMAIN ? "no such name" : "no such records";
    if (run->is_void)
        return true;
    run->is_void = true;
    if (++c->voids <= SPF_VOIDS_MAX)
        return true;
    fail(c, run, SGL_SPF_TERM_PERMERROR, "more than 2 lookups that found nothing",
         answer->name.text);
    return false;
}

/*
 * A question of a mechanism.  *out is NULL when the term ends here: run->outcome says how.
 * An error ends the whole evaluation, no such name is an empty answer.  [RFC 7208 s5]
 */
static enum sgl_status ask(struct spf_check *c, struct spf_run *run, struct sgl_name name,
                           enum sgl_rr type, const struct sgl_dns_answer **out)
{
    const struct sgl_dns_answer *answer = NULL;
    enum sgl_status st = sgl_dns_get(c->dns, name, type, &answer);

    *out = NULL;
    if (st == SGL_E_LIMIT) {
        fail(c, run, SGL_SPF_TERM_PERMERROR, "too many DNS questions", name.text);
        return SGL_OK;
    }
    SGL_TRY(st);
    if (sgl_dns_is_error(answer)) {
        fail(c, run, SGL_SPF_TERM_TEMPERROR, "DNS lookup failed", name.text);
        return SGL_OK;
    }
    if (sgl_spf_count_void(c, run, answer))
        *out = answer;
    return SGL_OK;
}

/* ---- the name behind an address ------------------------------------------------------------------------------------ */

static enum sgl_rr address_type(const struct spf_check *c)
{
    return c->ip.version == 4 ? SGL_RR_A : SGL_RR_AAAA;
}

/* What an error or a full snapshot says about a client's name is nothing.  [RFC 7208 s5.5] */
static enum sgl_status ask_client(struct spf_check *c, struct sgl_name name, enum sgl_rr type,
                                  const struct sgl_dns_answer **out)
{
    enum sgl_status st = sgl_dns_get(c->dns, name, type, out);

    if (st == SGL_E_LIMIT || (st == SGL_OK && sgl_dns_is_error(*out)))
        *out = NULL;
    return st == SGL_E_LIMIT ? SGL_OK : st;
}

static enum sgl_status ask_ptr(struct spf_check *c, const struct sgl_dns_answer **out)
{
    struct sgl_name name;

    SGL_TRY(sgl_spf_prepare_values(c, NULL, SPF_LETTER('i')));
    SGL_TRY(sgl_spf_expand_name(SGL_LIT("%{ir}.%{v}.arpa"), &c->values, c->arena, &name));
    return ask_client(c, name, SGL_RR_PTR, out);
}

/* Does the name lead back to the client? */
static enum sgl_status validate(struct spf_check *c, struct spf_run *run, struct sgl_name name,
                                bool *valid)
{
    const struct sgl_dns_answer *answer = NULL;

    *valid = false;
    SGL_TRY(ask_client(c, name, address_type(c), &answer));
    if (answer == NULL || (run != NULL && !sgl_spf_count_void(c, run, answer)))
        return SGL_OK;
    for (size_t i = 0; i < answer->count && !*valid; i++)
        *valid = sgl_ip_eq(&answer->rr[i].ip, &c->ip);
    return SGL_OK;
}

static size_t names_of(const struct sgl_dns_answer *ptr)
{
    return ptr->count > SPF_PTR_MAX ? SPF_PTR_MAX : ptr->count;
}

/* Validated names are asked for in one go when they are asked for at all. */
static void want_names(struct spf_check *c, const struct sgl_dns_answer *ptr, size_t from,
                       const struct sgl_name *below)
{
    for (size_t i = from; i < names_of(ptr); i++) {
        if (below == NULL || sgl_name_is_at_or_below(ptr->rr[i].name, *below))
            sgl_dns_want(c->dns, ptr->rr[i].name, address_type(c));
    }
}

/*
 * "ptr": one of the first ten names of the client is the target or lies below it and leads back.  Names that could not match are not
 * asked for: whoever owns the address would choose what we wait for.  [RFC 7208 s5.5]
 */
static enum sgl_status match_ptr(struct spf_check *c, struct spf_run *run)
{
    const struct sgl_dns_answer *ptr = NULL;

    SGL_TRY(ask_ptr(c, &ptr));
    if (ptr == NULL) {
        run->why = "lookup of the client's name failed";
        return SGL_OK;
    }
    if (!sgl_spf_count_void(c, run, ptr))
        return SGL_OK;
    for (size_t i = 0; i < names_of(ptr); i++) {
        enum sgl_status st;
        bool valid;

        if (!sgl_name_is_at_or_below(ptr->rr[i].name, run->target))
            continue;
        st = validate(c, run, ptr->rr[i].name, &valid);
        if (st == SGL_NEED_DNS)
            want_names(c, ptr, i + 1, &run->target);
        SGL_TRY(st);
        if (run->outcome != SGL_SPF_NOT_MATCHED)
            return SGL_OK;
        if (valid) {
            run->outcome = SGL_SPF_MATCHED;
            return SGL_OK;
        }
    }
    return SGL_OK;
}

/* How good a name for "%{p}": the domain itself, one below it, any.  [RFC 7208 s7.3] */
static unsigned rank(struct sgl_name name, struct sgl_name domain)
{
    if (sgl_name_eq(name, domain))
        return 0;
    return sgl_name_is_at_or_below(name, domain) ? 1 : 2;
}

/* values.validated: "unknown" where no name leads back or DNS fails. */
static enum sgl_status find_validated(struct spf_check *c, struct sgl_name domain)
{
    const struct sgl_dns_answer *ptr = NULL;

    c->values.validated = SGL_LIT("unknown");
    SGL_TRY(ask_ptr(c, &ptr));
    for (unsigned wanted = 0; ptr != NULL && wanted <= 2; wanted++) {
        for (size_t i = 0; i < names_of(ptr); i++) {
            enum sgl_status st;
            bool valid;

            if (rank(ptr->rr[i].name, domain) != wanted)
                continue;
            st = validate(c, NULL, ptr->rr[i].name, &valid);
            if (st == SGL_NEED_DNS)
                want_names(c, ptr, 0, NULL);
            SGL_TRY(st);
            if (valid) {
                c->values.validated = ptr->rr[i].name.text;
                return SGL_OK;
            }
        }
    }
    return SGL_OK;
}

/* ---- targets ------------------------------------------------------------------------------------------------------ */

/* "%{i}": of IPv6 the nibbles with dots, in their order; in upper case as other verifiers write them into explanations.  [RFC 7208 s7.3] */
static sgl_view put_address(const struct sgl_ip *ip, char text[64])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;

    if (ip->version == 4)
        return sgl_ip_text(ip, text);
    for (size_t i = 0; i < sizeof ip->bytes; i++) {
        text[len++] = digits[ip->bytes[i] >> 4];
        text[len++] = '.';
        text[len++] = digits[ip->bytes[i] & 15];
        text[len++] = '.';
    }
    return sgl_view_of(text, len - 1);
}

static enum sgl_status make_values(struct spf_check *c)
{
    sgl_auto(sgl_buf) now = SGL_BUF_INIT(32);
    char address[64], readable[SGL_IP_TEXT_SIZE];
    struct spf_values *v = &c->values;

    sgl_buf_add_i64(&now, c->request->now);
    SGL_TRY(now.status);
    SGL_TRY(sgl_arena_dup(c->arena, put_address(&c->ip, address), &v->address));
    SGL_TRY(sgl_arena_dup(c->arena, sgl_ip_text(&c->ip, readable), &v->readable));
    SGL_TRY(sgl_arena_dup(c->arena, sgl_buf_view(&now), &v->now));
    v->version = c->ip.version == 4 ? SGL_LIT("in-addr") : SGL_LIT("ip6");
    return SGL_OK;
}

enum sgl_status sgl_spf_prepare_values(struct spf_check *c, const struct spf_level *level,
                                       uint32_t letters)
{
    if (letters != 0 && !c->values_known) {
        SGL_TRY(make_values(c));
        c->values_known = true;
    }
    if (level == NULL)
        return SGL_OK;
    c->values.domain = level->domain.text;
    return (letters & SPF_LETTER('p')) != 0 ? find_validated(c, level->domain) : SGL_OK;
}

enum sgl_status sgl_spf_find_target(struct spf_check *c, struct spf_run *run, sgl_view spec,
                                    enum spf_target *out)
{
    uint32_t letters = sgl_spf_macro_letters(spec);
    enum sgl_status st;

    *out = SPF_TARGET_FOUND;
    run->target = run->level->domain;
    if (spec.len == 0)
        return SGL_OK;
    *out = SPF_TARGET_NONE;
    if (c->foreign_local && (letters & (SPF_LETTER('s') | SPF_LETTER('l'))) != 0) {
        run->target.text.len = 0;
        run->why = "the sender's local part is not ASCII"; /* [RFC 8616 s4] */
        return SGL_OK;
    }
    if ((letters & SPF_LETTER('p')) != 0 && !sgl_spf_count_lookup(c, run)) /* as "ptr" would */
        return SGL_OK;
    SGL_TRY(sgl_spf_prepare_values(c, run->level, letters));
    st = sgl_spf_expand_name(spec, &c->values, c->arena, &run->target);
    if (st == SGL_E_SYNTAX) {
        run->target.text.len = 0;
        run->why = "its domain expands to no possible name";
        *out = SPF_TARGET_MALFORMED;
        return SGL_OK;
    }
    *out = SPF_TARGET_FOUND;
    return st;
}

/* ---- mechanisms --------------------------------------------------------------------------------------------------- */

static enum sgl_status match_addresses(struct spf_check *c, struct spf_run *run,
                                       const struct sgl_spf_term *term, struct sgl_name host)
{
    struct sgl_ip_prefix prefix = {.bits = c->ip.version == 4 ? term->bits4 : term->bits6};
    const struct sgl_dns_answer *answer;

    SGL_TRY(ask(c, run, host, address_type(c), &answer));
    for (size_t i = 0; answer != NULL && i < answer->count; i++) {
        prefix.ip = answer->rr[i].ip;
        if (sgl_ip_in_prefix(&c->ip, &prefix)) {
            run->outcome = SGL_SPF_MATCHED;
            run->why = "";
            break;
        }
    }
    return SGL_OK;
}

static void want_hosts(struct spf_check *c, const struct sgl_dns_answer *mx, size_t from)
{
    for (size_t i = from; i < mx->count; i++) {
        if (!sgl_name_is_root(mx->rr[i].mx.host))
            sgl_dns_want(c->dns, mx->rr[i].mx.host, address_type(c));
    }
}

/* The names of the MX records and nothing else: without any the domain itself is not looked at.  [RFC 7208 s5.4] */
static enum sgl_status match_mx(struct spf_check *c, struct spf_run *run,
                                const struct sgl_spf_term *term)
{
    const struct sgl_dns_answer *mx;

    SGL_TRY(ask(c, run, run->target, SGL_RR_MX, &mx));
    if (mx == NULL)
        return SGL_OK;
    if (mx->count + mx->dropped > SPF_MX_MAX) {
        fail(c, run, SGL_SPF_TERM_PERMERROR, "more than 10 MX records", run->target.text);
        return SGL_OK;
    }
    for (size_t i = 0; i < mx->count && run->outcome == SGL_SPF_NOT_MATCHED; i++) {
        enum sgl_status st;

        if (sgl_name_is_root(mx->rr[i].mx.host)) /* a null MX has no address [RFC 7505 s3] */
            continue;
        st = match_addresses(c, run, term, mx->rr[i].mx.host);
        if (st == SGL_NEED_DNS)
            want_hosts(c, mx, i + 1);
        SGL_TRY(st);
    }
    return SGL_OK;
}

/* Always an A record, whatever the client's family.  [RFC 7208 s5.7] */
static enum sgl_status match_exists(struct spf_check *c, struct spf_run *run)
{
    const struct sgl_dns_answer *answer;

    SGL_TRY(ask(c, run, run->target, SGL_RR_A, &answer));
    if (answer != NULL && answer->outcome == SGL_DNS_OK)
        run->outcome = SGL_SPF_MATCHED;
    return SGL_OK;
}

enum sgl_status sgl_spf_match(struct spf_check *c, struct spf_run *run,
                              const struct sgl_spf_term *term)
{
    enum spf_target target;

    if (term->mechanism == SGL_SPF_IP4 || term->mechanism == SGL_SPF_IP6) {
        if (sgl_ip_in_prefix(&c->ip, &term->network))
            run->outcome = SGL_SPF_MATCHED;
        return SGL_OK;
    }
    if (!sgl_spf_count_lookup(c, run))
        return SGL_OK;
    SGL_TRY(sgl_spf_find_target(c, run, term->domain, &target));
    if (target != SPF_TARGET_FOUND) /* malformed is undefined; here it does not match */
        return SGL_OK;
    if (term->mechanism == SGL_SPF_A)
        return match_addresses(c, run, term, run->target);
    if (term->mechanism == SGL_SPF_MX)
        return match_mx(c, run, term);
    return term->mechanism == SGL_SPF_PTR ? match_ptr(c, run) : match_exists(c, run);
}
