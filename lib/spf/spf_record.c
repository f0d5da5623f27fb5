/* SPDX-License-Identifier: Apache-2.0 */
/* The record as data: RFC 7208 section 12 from left to right, nothing looked up. */
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "spf_internal.h"

static const char rule_abnf[] = "RFC 7208 s12";

/* What one parse works on. */
struct parser {
    sgl_view text;
    struct sgl_diag *diag;
    struct sgl_spf_term *term; /* room for all that the text can hold */
    struct sgl_spf_record *record;
};

const char *sgl_spf_result_name(enum sgl_spf_result result)
{
    switch (result) {
    case SGL_SPF_NONE:
        return "none";
    case SGL_SPF_NEUTRAL:
        return "neutral";
    case SGL_SPF_PASS:
        return "pass";
    case SGL_SPF_FAIL:
        return "fail";
    case SGL_SPF_SOFTFAIL:
        return "softfail";
    case SGL_SPF_TEMPERROR:
        return "temperror";
    case SGL_SPF_PERMERROR:
        return "permerror";
    }
    return "?";
}

bool sgl_spf_is_record(sgl_view txt)
{
    return sgl_view_starts_nocase(txt, SGL_LIT("v=spf1")) && (txt.len == 6 || txt.ptr[6] == ' ');
}

/* `at` points into the text. */
static enum sgl_status refuse(const struct parser *p, const char *what, const char *rule,
                              const uint8_t *at)
{
    sgl_diag_set(p->diag, what, rule, p->text, (size_t)(at - p->text.ptr));
    return SGL_E_SYNTAX;
}

static enum sgl_status check_domain_spec(const struct parser *p, sgl_view spec)
{
    size_t off;
    const char *what = sgl_spf_domain_spec_fault(spec, &off);

    return what == NULL ? SGL_OK : refuse(p, what, "RFC 7208 s7.1", spec.ptr + off);
}

/* ---- modifiers  [RFC 7208 s6] ------------------------------------------------------------------------------------- */

static enum sgl_status read_known_modifier(const struct parser *p, sgl_view name, sgl_view value,
                                           sgl_view *slot)
{
    if (slot->ptr != NULL)
        return refuse(p, "modifier stands twice", "RFC 7208 s6", name.ptr);
    SGL_TRY(check_domain_spec(p, value));
    *slot = value;
    return SGL_OK;
}

static enum sgl_status read_modifier(const struct parser *p, sgl_view term, sgl_view name)
{
    sgl_view value = sgl_view_from(term, name.len + 1);
    const char *what;
    size_t off;

    if (sgl_view_eq_nocase(name, SGL_LIT("redirect")))
        return read_known_modifier(p, name, value, &p->record->redirect);
    if (sgl_view_eq_nocase(name, SGL_LIT("exp")))
        return read_known_modifier(p, name, value, &p->record->exp);
    what = sgl_spf_macro_fault(value, SPF_TERM, &off);
    return what == NULL ? SGL_OK : refuse(p, what, "RFC 7208 s7.1", value.ptr + off);
}

/* ---- mechanisms  [RFC 7208 s5] ------------------------------------------------------------------------------------ */

/* Takes "/NUMBER" off the end of *spec. False: there is none. */
static bool take_length(sgl_view *spec, sgl_view *digits)
{
    size_t at = spec->len;

    while (at > 0 && sgl_ascii_is_digit(spec->ptr[at - 1]))
        at--;
    if (at == 0 || spec->ptr[at - 1] != '/')
        return false;
    *digits = sgl_view_from(*spec, at);
    *spec = sgl_view_sub(*spec, 0, at - 1);
    return true;
}

/* Without zeros in front, not above `most`.  [RFC 7208 s5.6] */
static enum sgl_status read_length(const struct parser *p, sgl_view digits, uint8_t most,
                                   uint8_t *out)
{
    uint64_t n;

    if ((digits.len > 1 && digits.ptr[0] == '0') || !sgl_view_u64(digits, most, &n))
        return refuse(p, "prefix length is not a number of that range", "RFC 7208 s5.6",
                      digits.ptr);
    *out = (uint8_t)n;
    return SGL_OK;
}

/*
 * [ ip4-cidr-length ] [ "/" ip6-cidr-length ] is read from the end: a domain-spec may hold slashes but never ends in one with a number.
 */
static enum sgl_status read_dual_length(const struct parser *p, sgl_view *spec,
                                        struct sgl_spf_term *term)
{
    sgl_view digits;

    if (!take_length(spec, &digits))
        return SGL_OK;
    if (spec->len == 0 || spec->ptr[spec->len - 1] != '/')
        return read_length(p, digits, 32, &term->bits4);
    *spec = sgl_view_sub(*spec, 0, spec->len - 1);
    SGL_TRY(read_length(p, digits, 128, &term->bits6));
    return take_length(spec, &digits) ? read_length(p, digits, 32, &term->bits4) : SGL_OK;
}

/* `rest` is what follows the mechanism's name: nothing, ":domain-spec". */
static enum sgl_status read_domain(const struct parser *p, sgl_view rest, bool wanted,
                                   struct sgl_spf_term *term)
{
    if (rest.len == 0 && wanted)
        return refuse(p, "mechanism wants a domain", rule_abnf, term->text.ptr);
    if (rest.len == 0)
        return SGL_OK;
    if (rest.ptr[0] != ':')
        return refuse(p, "mechanism can't have this behind its name", rule_abnf, rest.ptr);
    term->domain = sgl_view_from(rest, 1);
    return check_domain_spec(p, term->domain);
}

static enum sgl_status read_address(const struct parser *p, sgl_view rest, uint8_t version,
                                    struct sgl_spf_term *term)
{
    sgl_view network = sgl_view_from(rest, 1);

    if (rest.len == 0 || rest.ptr[0] != ':')
        return refuse(p, "mechanism wants an address", rule_abnf, term->text.ptr);
    if (sgl_ip_prefix_parse(network, &term->network) != SGL_OK ||
        term->network.ip.version != version)
        return refuse(
            p, version == 4 ? "not an IPv4 address or network" : "not an IPv6 address or network",
            "RFC 7208 s5.6", network.ptr);
    return SGL_OK;
}

static enum sgl_status read_arguments(const struct parser *p, sgl_view rest,
                                      struct sgl_spf_term *term)
{
    switch (term->mechanism) {
    case SGL_SPF_ALL:
        return rest.len == 0 ? SGL_OK
                             : refuse(p, "\"all\" takes no argument", "RFC 7208 s5.1", rest.ptr);
    case SGL_SPF_INCLUDE:
    case SGL_SPF_EXISTS:
        return read_domain(p, rest, true, term);
    case SGL_SPF_PTR:
        return read_domain(p, rest, false, term);
    case SGL_SPF_A:
    case SGL_SPF_MX:
        SGL_TRY(read_dual_length(p, &rest, term));
        return read_domain(p, rest, false, term);
    case SGL_SPF_IP4:
        return read_address(p, rest, 4, term);
    case SGL_SPF_IP6:
        return read_address(p, rest, 6, term);
    }
    return SGL_E_SYNTAX;
}

static bool find_mechanism(sgl_view name, enum sgl_spf_mechanism *out)
{
    static const struct {
        sgl_view name;
        enum sgl_spf_mechanism mechanism;
    } known[] = {
        {SGL_LIT_INIT("ip4"), SGL_SPF_IP4},       {SGL_LIT_INIT("include"), SGL_SPF_INCLUDE},
        {SGL_LIT_INIT("all"), SGL_SPF_ALL},       {SGL_LIT_INIT("ip6"), SGL_SPF_IP6},
        {SGL_LIT_INIT("a"), SGL_SPF_A},           {SGL_LIT_INIT("mx"), SGL_SPF_MX},
        {SGL_LIT_INIT("exists"), SGL_SPF_EXISTS}, {SGL_LIT_INIT("ptr"), SGL_SPF_PTR},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (sgl_view_eq_nocase(name, known[i].name)) {
            *out = known[i].mechanism;
            return true;
        }
    }
    return false;
}

/* ---- terms -------------------------------------------------------------------------------------------------------- */

static bool take_qualifier(sgl_view *term, enum sgl_spf_result *out)
{
    *out = SGL_SPF_PASS;
    switch (term->ptr[0]) {
    case '+':
        break;
    case '-':
        *out = SGL_SPF_FAIL;
        break;
    case '~':
        *out = SGL_SPF_SOFTFAIL;
        break;
    case '?':
        *out = SGL_SPF_NEUTRAL;
        break;
    default:
        return false;
    }
    *term = sgl_view_from(*term, 1);
    return true;
}

/* ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ): its length. */
static size_t name_length(sgl_view term)
{
    size_t len = 0;

    if (term.len == 0 || !sgl_ascii_is_alpha(term.ptr[0]))
        return 0;
    while (len < term.len && (sgl_ascii_is_alnum(term.ptr[len]) || term.ptr[len] == '-' ||
                              term.ptr[len] == '_' || term.ptr[len] == '.'))
        len++;
    return len;
}

/* What follows the name tells the kind: "=" only stands in modifiers, and never with a qualifier.  [RFC 7208 s4.6.1] */
static enum sgl_status read_term(const struct parser *p, sgl_view text)
{
    struct sgl_spf_term term = {.text = text, .bits4 = 32, .bits6 = 128};
    sgl_view body = text, name;
    bool qualified = take_qualifier(&body, &term.qualifier);

    name = sgl_view_sub(body, 0, name_length(body));
    if (name.len < body.len && body.ptr[name.len] == '=' && name.len > 0) {
        if (qualified)
            return refuse(p, "modifier with a qualifier", rule_abnf, text.ptr);
        return read_modifier(p, body, name);
    }
    if (!find_mechanism(name, &term.mechanism))
        return refuse(p, "unknown mechanism", "RFC 7208 s4.6.1", text.ptr);
    SGL_TRY(read_arguments(p, sgl_view_from(body, name.len), &term));
    p->term[p->record->count++] = term;
    return SGL_OK;
}

sgl_view sgl_spf_next_term(sgl_view *rest)
{
    sgl_view term;
    size_t len;

    while (rest->len > 0 && rest->ptr[0] == ' ')
        *rest = sgl_view_from(*rest, 1);
    len = sgl_view_find(*rest, ' ');
    term = sgl_view_sub(*rest, 0, len);
    *rest = sgl_view_from(*rest, len);
    return term;
}

static size_t count_terms(sgl_view terms)
{
    size_t count = 0;

    while (sgl_spf_next_term(&terms).len > 0)
        count++;
    return count;
}

enum sgl_status sgl_spf_parse(sgl_view text, struct sgl_arena *arena, struct sgl_spf_record *out,
                              struct sgl_diag *diag)
{
    struct sgl_spf_record record = {.text = text};
    struct parser p = {text, diag, NULL, &record};
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    sgl_view rest = sgl_view_from(text, 6), term;
    size_t terms;

    if (!sgl_spf_is_record(text)) {
        sgl_diag_set(diag, "not an SPF record", "RFC 7208 s4.5", text, 0);
        return SGL_E_SYNTAX;
    }
    terms = text.len > SGL_LIMIT_SPF_RECORD ? SIZE_MAX : count_terms(rest);
    if (terms > SGL_LIMIT_SPF_TERMS) {
        sgl_diag_set(diag, "record is too long", NULL, text, 0);
        return SGL_E_LIMIT;
    }
    p.term = SGL_NEW_N(arena, terms, struct sgl_spf_term);
    if (p.term == NULL)
        return arena->status;
    while ((term = sgl_spf_next_term(&rest)).len > 0) {
        enum sgl_status st = read_term(&p, term);

        if (st != SGL_OK) {
            sgl_arena_rewind(arena, mark);
            return st;
        }
    }
    record.term = p.term;
    *out = record;
    return SGL_OK;
}

/* ---- which record stands at a name  [RFC 7208 s4.4, s4.5] ----------------------------------------------------------- */

enum sgl_status sgl_spf_find_record(struct sgl_name name, struct sgl_dns *dns,
                                    struct spf_found *out)
{
    struct spf_found found = {0};

    SGL_TRY(sgl_dns_get(dns, name, SGL_RR_TXT, &found.answer));
    for (size_t i = 0; i < found.answer->count; i++) {
        sgl_view txt = found.answer->rr[i].txt;

        if (sgl_spf_is_record(txt) && found.records++ == 0)
            found.text = txt;
    }
    found.hidden = found.records == 0 && found.answer->dropped > 0;
    *out = found;
    return SGL_OK;
}
