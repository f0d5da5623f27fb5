/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with one record by its text alone, and the record that would mend it. */
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "spf_tree_internal.h"

#define WIDE4        16  /* a network with fewer bits than this holds other people's hosts, too */
#define WIDE6        32  /* what a provider gets in one piece */
#define UDP_TEXT_MAX 450 /* [RFC 7208 s3.4] */
#define STRING_MAX   255 /* [RFC 1035 s3.3] */

struct lint {
    struct spf_walk *w;
    const struct spf_level *level;
    const struct sgl_spf_record *record;
    size_t all; /* index of the first "all"; count when there is none */
};

/* A draft of the record, to be changed. */
static enum sgl_status draft(const struct lint *l, struct spf_draft *out)
{
    return sgl_spf_draft_read(l->level->text, 1, l->w->arena, out);
}

/* The record without the terms for which `drop` holds; *out stays where nobody could send then. */
static enum sgl_status mend_without(const struct lint *l,
                                    bool (*drop)(const struct sgl_spf_term *term), const char **out)
{
    struct spf_draft d;

    SGL_TRY(draft(l, &d));
    for (size_t i = 0; i < l->record->count; i++) {
        if (!drop(&l->record->term[i]))
            continue;
        for (size_t k = 0; k < d.count; k++) {
            if (d.term[k].ptr == l->record->term[i].text.ptr) {
                sgl_spf_draft_drop(&d, k);
                break;
            }
        }
    }
    return sgl_spf_draft_sends(&d) ? sgl_spf_mend(l->w, l->level, &d, out) : SGL_OK;
}

static enum sgl_status mend_all(const struct lint *l, sgl_view all, const char **out)
{
    struct spf_draft d;

    SGL_TRY(draft(l, &d));
    sgl_spf_draft_set_all(&d, all);
    return sgl_spf_mend(l->w, l->level, &d, out);
}

/* ---- the end of the record ---------------------------------------------------------------------------------------- */

static bool is_everything(const struct sgl_spf_term *term)
{
    switch (term->mechanism) {
    case SGL_SPF_ALL:
        return true;
    case SGL_SPF_IP4:
    case SGL_SPF_IP6:
        return term->network.bits == 0;
    case SGL_SPF_A:
    case SGL_SPF_MX:
        return term->bits4 == 0 || term->bits6 == 0;
    case SGL_SPF_INCLUDE:
    case SGL_SPF_PTR:
    case SGL_SPF_EXISTS:
        return false;
    }
    return false;
}

/* "+all", and what comes to the same: here, or in a record that is included. */
static enum sgl_status lint_pass_all(const struct lint *l)
{
    static const struct sgl_finding what = {
        .code = "spf-pass-all", .severity = SGL_ERROR, .rule = "RFC 7208 s5.1"};

    for (size_t i = 0; i < l->record->count && i <= l->all; i++) {
        const struct sgl_spf_term *term = &l->record->term[i];
        const char *mend = "take the include out: its record lets everybody pass";

        if (term->qualifier != SGL_SPF_PASS || !is_everything(term))
            continue;
        if (l->level->own && term->mechanism == SGL_SPF_ALL)
            SGL_TRY(mend_all(l, SGL_LIT("-all"), &mend));
        else if (l->level->own)
            mend = "name the addresses that send, one network each";
        SGL_TRY(sgl_spf_say(l->w, &what, mend,
                            "\"%.*s\" in the record of %.*s lets every host in the world send as "
                            "%.*s, with the blessing of SPF.",
                            SPF_SHORT(term->text), SGL_FMT(l->level->name.text),
                            SGL_FMT(l->w->domain.text)));
    }
    return SGL_OK;
}

static enum sgl_status lint_no_all(const struct lint *l)
{
    static const struct sgl_finding what = {
        .code = "spf-no-all", .severity = SGL_WARNING, .rule = "RFC 7208 s4.7"};
    const char *mend;

    SGL_TRY(mend_all(l, SGL_LIT("-all"), &mend));
    return sgl_spf_say(l->w, &what, mend,
                       "The record of %.*s ends without \"all\" and without redirect: of all other "
                       "senders it says nothing, as if it were not there.",
                       SGL_FMT(l->level->name.text));
}

static enum sgl_status lint_weak_all(const struct lint *l)
{
    static const struct sgl_finding neutral = {
        .code = "spf-neutral-all", .severity = SGL_WARNING, .rule = "RFC 7208 s8.2"};
    static const struct sgl_finding soft = {
        .code = "spf-soft-all", .severity = SGL_INFO, .rule = "RFC 7208 s8.5"};
    enum sgl_spf_result qualifier = l->record->term[l->all].qualifier;
    const char *mend;

    if (qualifier != SGL_SPF_NEUTRAL && qualifier != SGL_SPF_SOFTFAIL)
        return SGL_OK;
    SGL_TRY(mend_all(l, SGL_LIT("-all"), &mend));
    if (qualifier == SGL_SPF_NEUTRAL)
        return sgl_spf_say(l->w, &neutral, mend,
                           "\"?all\" says nothing of other senders: receivers treat forged mail of "
                           "%.*s as if there were no record.",
                           SGL_FMT(l->w->domain.text));
    return sgl_spf_say(l->w, &soft, mend,
                       "\"~all\" asks receivers to take mail of other senders with suspicion "
                       "rather than to refuse it; \"-all\" is firm.");
}

static enum sgl_status lint_end(const struct lint *l)
{
    SGL_TRY(lint_pass_all(l));
    if (l->level->included) /* there, "all" only says that the include does not match */
        return SGL_OK;
    if (l->all < l->record->count)
        return lint_weak_all(l);
    return l->record->redirect.ptr == NULL ? lint_no_all(l) : SGL_OK;
}

/* [RFC 7208 s5.1]: what stands behind "all" is never looked at, and a redirect beside it neither. */
static enum sgl_status lint_behind_all(const struct lint *l)
{
    static const struct sgl_finding after = {
        .code = "spf-after-all", .severity = SGL_WARNING, .rule = "RFC 7208 s5.1"};
    static const struct sgl_finding redirect = {
        .code = "spf-redirect-ignored", .severity = SGL_WARNING, .rule = "RFC 7208 s6.1"};
    const struct sgl_spf_record *r = l->record;
    struct spf_draft d;
    const char *mend;
    size_t at;

    if (l->all + 1 < r->count) {
        SGL_TRY(draft(l, &d));
        at = sgl_spf_draft_find_all(&d);
        sgl_spf_draft_drop(&d, at);
        while ((at = sgl_spf_draft_find_all(&d)) != SIZE_MAX)
            sgl_spf_draft_drop(&d, at);
        sgl_spf_draft_set_all(&d, r->term[l->all].text);
        SGL_TRY(sgl_spf_mend(l->w, l->level, &d, &mend));
        SGL_TRY(sgl_spf_say(l->w, &after, mend,
                            "\"%.*s\" stands behind \"%.*s\": no receiver looks at it, and mail "
                            "from there fails.",
                            SPF_SHORT(r->term[l->all + 1].text), SPF_SHORT(r->term[l->all].text)));
    }
    if (l->all == r->count || r->redirect.ptr == NULL)
        return SGL_OK;
    SGL_TRY(draft(l, &d));
    for (size_t i = 0; i < d.count; i++) {
        if (d.term[i].ptr + SGL_LIT("redirect=").len == r->redirect.ptr)
            sgl_spf_draft_drop(&d, i);
    }
    SGL_TRY(sgl_spf_mend(l->w, l->level, &d, &mend));
    return sgl_spf_say(l->w, &redirect, mend,
                       "\"redirect=%.*s\" stands beside \"%.*s\": no receiver follows it.",
                       SPF_SHORT(r->redirect), SPF_SHORT(r->term[l->all].text));
}

/* ---- single terms ------------------------------------------------------------------------------------------------- */

static bool is_ptr(const struct sgl_spf_term *term)
{
    return term->mechanism == SGL_SPF_PTR;
}

/* [RFC 7208 s5.5] */
static enum sgl_status lint_ptr(const struct lint *l, const struct sgl_spf_term *term)
{
    static const struct sgl_finding what = {
        .code = "spf-ptr", .severity = SGL_WARNING, .rule = "RFC 7208 s5.5"};
    const char *mend = l->level->own ? "name the networks that send, with ip4: and ip6:, instead"
                                     : "ask its owner for networks instead";

    if (!is_ptr(term))
        return SGL_OK;
    if (l->level->own)
        SGL_TRY(mend_without(l, is_ptr, &mend));
    return sgl_spf_say(l->w, &what, mend,
                       "\"%.*s\" in the record of %.*s makes every receiver search the names of "
                       "the client: slow, unreliable, and some do not look at all.",
                       SPF_SHORT(term->text), SGL_FMT(l->level->name.text));
}

static bool is_wide(const struct sgl_spf_term *term)
{
    switch (term->mechanism) {
    case SGL_SPF_IP4:
        return term->network.bits < WIDE4;
    case SGL_SPF_IP6:
        return term->network.bits < WIDE6;
    case SGL_SPF_A:
    case SGL_SPF_MX:
        return term->bits4 < WIDE4 || term->bits6 < WIDE6;
    case SGL_SPF_ALL:
    case SGL_SPF_INCLUDE:
    case SGL_SPF_PTR:
    case SGL_SPF_EXISTS:
        return false;
    }
    return false;
}

static bool is_private(const struct sgl_spf_term *term)
{
    return (term->mechanism == SGL_SPF_IP4 || term->mechanism == SGL_SPF_IP6) &&
           sgl_ip_is_private(&term->network.ip);
}

void sgl_spf_lint_mark(const struct spf_level *level, const struct sgl_spf_term *term,
                       struct sgl_spf_node *node)
{
    if (is_ptr(term)) {
        node->severity = SGL_WARNING;
        node->fault = "should not be published";
    } else if (term->qualifier != SGL_SPF_PASS) {
        return;
    } else if (is_everything(term)) {
        node->severity = SGL_ERROR;
        node->fault = "everybody passes";
    } else if (is_private(term)) {
        node->severity = SGL_WARNING;
        node->fault = "a private network";
    } else if (is_wide(term)) {
        node->severity = level->own ? SGL_WARNING : SGL_INFO;
        node->fault = "a wide network";
    }
}

static enum sgl_status lint_network(const struct lint *l, const struct sgl_spf_term *term)
{
    static const struct sgl_finding wide = {
        .code = "spf-wide-network", .severity = SGL_WARNING, .rule = "RFC 7208 s11.4"};
    static const struct sgl_finding wide_foreign = {
        .code = "spf-wide-network", .severity = SGL_INFO, .rule = "RFC 7208 s11.4"};
    static const struct sgl_finding local = {
        .code = "spf-private-network", .severity = SGL_WARNING, .rule = "RFC 1918 s3"};

    if (term->qualifier != SGL_SPF_PASS || is_everything(term))
        return SGL_OK;
    if (is_private(term))
        return sgl_spf_say(l->w, &local,
                           "name the public address behind which these hosts send, or take the "
                           "term out",
                           "\"%.*s\" in the record of %.*s is a private network: no receiver on "
                           "the Internet ever sees it.",
                           SPF_SHORT(term->text), SGL_FMT(l->level->name.text));
    if (!is_wide(term))
        return SGL_OK;
    return sgl_spf_say(l->w, l->level->own ? &wide : &wide_foreign,
                       l->level->own ? "name the hosts that send, or smaller networks" : NULL,
                       "\"%.*s\" in the record of %.*s is a wide network: whoever gets an address "
                       "in it may send as %.*s.",
                       SPF_SHORT(term->text), SGL_FMT(l->level->name.text),
                       SGL_FMT(l->w->domain.text));
}

static bool stands_before(const struct lint *l, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (sgl_spf_term_same_bare(l->record->term[k].text, l->record->term[i].text))
            return true;
    }
    return false;
}

static enum sgl_status lint_double(const struct lint *l, size_t i)
{
    static const struct sgl_finding what = {
        .code = "spf-duplicate-term", .severity = SGL_WARNING, .rule = "RFC 7208 s4.6.2"};
    const struct sgl_spf_term *term = &l->record->term[i];
    struct spf_draft d;
    const char *mend;

    if (!l->level->own || term->mechanism == SGL_SPF_ALL || !stands_before(l, i))
        return SGL_OK;
    SGL_TRY(draft(l, &d));
    for (size_t k = 0; k < d.count; k++) {
        if (d.term[k].ptr == term->text.ptr) {
            sgl_spf_draft_drop(&d, k);
            break;
        }
    }
    SGL_TRY(sgl_spf_mend(l->w, l->level, &d, &mend));
    return sgl_spf_say(l->w, &what, mend,
                       "\"%.*s\" stands twice in the record of %.*s: the second one can never "
                       "match, and costs what the first one costs.",
                       SPF_SHORT(term->text), SGL_FMT(l->level->name.text));
}

/* Does anything else send for the domain? A record for one service only is the subdomain of its own already. */
static bool has_other_senders(const struct lint *l)
{
    for (size_t i = 0; i < l->all; i++) {
        const struct sgl_spf_term *term = &l->record->term[i];

        if (term->mechanism != SGL_SPF_INCLUDE || sgl_spf_service_of(term->domain) == NULL)
            return true;
    }
    return false;
}

static enum sgl_status lint_service(const struct lint *l, const struct sgl_spf_term *term)
{
    static const struct sgl_finding what = {.code = "spf-bulk-service", .severity = SGL_WARNING};
    const struct spf_service *service = sgl_spf_service_of(term->domain);
    sgl_auto(sgl_buf) mend = SGL_BUF_INIT(1024);
    const char *text;

    if (term->mechanism != SGL_SPF_INCLUDE || service == NULL || l->level->included ||
        !has_other_senders(l))
        return SGL_OK;
    sgl_buf_addf(&mend, "sigillo spf build --subdomain news:%.*s %.*s", SPF_SHORT(term->domain),
                 SGL_FMT(l->level->name.text));
    text = sgl_cstr(&mend);
    if (text == NULL)
        return SGL_E_NOMEM;
    return sgl_spf_say(l->w, &what, text,
                       "%s (include:%.*s) belongs on a subdomain of its own: %s.", service->name,
                       SPF_SHORT(term->domain), service->reason);
}

static enum sgl_status lint_terms(const struct lint *l)
{
    for (size_t i = 0; i < l->all; i++) {
        const struct sgl_spf_term *term = &l->record->term[i];

        SGL_TRY(lint_ptr(l, term));
        SGL_TRY(lint_network(l, term));
        SGL_TRY(lint_double(l, i));
        SGL_TRY(lint_service(l, term));
    }
    return SGL_OK;
}

/* ---- the text as a whole ------------------------------------------------------------------------------------------ */

/* "include=x": the record with a colon there. */
static enum sgl_status mend_typo(const struct lint *l, size_t i, const char **mend)
{
    struct spf_draft d;
    sgl_view term;
    size_t sign;
    bool ok;

    *mend = "write \":\" instead of \"=\"";
    SGL_TRY(draft(l, &d));
    sign = sgl_view_find(d.term[i], '=');
    SGL_TRY(sgl_spf_join(sgl_view_sub(d.term[i], 0, sign), SGL_LIT(":"), l->w->arena, &term));
    SGL_TRY(sgl_spf_join(term, sgl_view_from(d.term[i], sign + 1), l->w->arena, &term));
    d.term[i] = term;
    SGL_TRY(sgl_spf_term_ok(term, l->w->arena, &ok));
    return ok ? sgl_spf_mend(l->w, l->level, &d, mend) : SGL_OK;
}

/* "include=x" is a modifier that nobody knows: it is ignored without a word.  [RFC 7208 s6] */
static enum sgl_status lint_modifiers(const struct lint *l)
{
    static const struct sgl_finding known = {
        .code = "spf-unknown-modifier", .severity = SGL_INFO, .rule = "RFC 7208 s6"};
    static const struct sgl_finding typo = {
        .code = "spf-misspelt-mechanism", .severity = SGL_WARNING, .rule = "RFC 7208 s6"};
    static const char *const mechanisms[] = {
        "include=", "a=", "mx=", "ptr=", "ip=", "exists=", "ip4=", "ip6=", "all="};
    const char *mend = NULL;
    struct spf_draft d;

    SGL_TRY(draft(l, &d));
    for (size_t i = 0; i < d.count; i++) {
        const struct sgl_finding *what = &known;

        if (sgl_spf_term_kind(d.term[i]) != SPF_KIND_MODIFIER ||
            sgl_view_starts_nocase(d.term[i], SGL_LIT("redirect=")) ||
            sgl_view_starts_nocase(d.term[i], SGL_LIT("exp=")))
            continue;
        for (size_t k = 0; k < sizeof mechanisms / sizeof mechanisms[0]; k++) {
            if (sgl_view_starts_nocase(d.term[i], sgl_view_cstr(mechanisms[k])))
                what = &typo;
        }
        if (what == &typo)
            SGL_TRY(mend_typo(l, i, &mend));
        SGL_TRY(sgl_spf_say(l->w, what, what == &typo ? mend : NULL,
                            "\"%.*s\" in the record of %.*s is a modifier that receivers do not "
                            "know: they ignore it.",
                            SPF_SHORT(d.term[i]), SGL_FMT(l->level->name.text)));
    }
    return SGL_OK;
}

static bool has_upper(sgl_view text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z')
            return true;
    }
    return false;
}

/* Letters of mechanisms and names are the same in both cases, but not all checkers know.  Macros are left out: there it means something. */
static enum sgl_status lint_case(const struct lint *l)
{
    static const struct sgl_finding what = {
        .code = "spf-upper-case", .severity = SGL_INFO, .rule = "RFC 7208 s4.6.1"};
    struct spf_draft d;
    const char *mend;
    size_t changed = 0;

    SGL_TRY(draft(l, &d));
    for (size_t i = 0; i < d.count; i++) {
        sgl_view term = d.term[i];
        uint8_t *copy;

        if (!has_upper(term) || sgl_view_find(term, '%') < term.len)
            continue;
        copy = sgl_arena_alloc(l->w->arena, term.len);
        if (copy == NULL)
            return l->w->arena->status;
        for (size_t k = 0; k < term.len; k++)
            copy[k] = sgl_ascii_lower(term.ptr[k]);
        d.term[i] = sgl_view_of(copy, term.len);
        changed++;
    }
    if (changed == 0 && sgl_view_starts(l->level->text, SGL_LIT("v=spf1")))
        return SGL_OK;
    SGL_TRY(sgl_spf_mend(l->w, l->level, &d, &mend));
    return sgl_spf_say(l->w, &what, mend,
                       "The record of %.*s has capital letters: allowed, but some checkers stumble "
                       "over them.",
                       SGL_FMT(l->level->name.text));
}

static enum sgl_status lint_size(const struct lint *l)
{
    static const struct sgl_finding size = {
        .code = "spf-long-record", .severity = SGL_WARNING, .rule = "RFC 7208 s3.4"};
    static const struct sgl_finding split = {
        .code = "spf-split-record", .severity = SGL_INFO, .rule = "RFC 7208 s3.3"};
    size_t len = l->level->text.len;

    if (len + l->level->name.text.len > UDP_TEXT_MAX)
        SGL_TRY(sgl_spf_say(l->w, &size, "move networks to a record of their own and include that",
                            "The record of %.*s has %zu bytes: its answer may not fit a UDP packet "
                            "of 512, and receivers behind strict firewalls never get it.",
                            SGL_FMT(l->level->name.text), len));
    if (len <= STRING_MAX)
        return SGL_OK;
    return sgl_spf_say(l->w, &split, NULL,
                       "The record of %.*s has %zu bytes: it must be published as several strings "
                       "of at most 255 bytes, which receivers join without a blank.",
                       SGL_FMT(l->level->name.text), len);
}

enum sgl_status sgl_spf_lint_record(struct spf_walk *w, const struct spf_level *level,
                                    const struct sgl_spf_record *record)
{
    struct lint l = {w, level, record, 0};

    while (l.all < record->count && record->term[l.all].mechanism != SGL_SPF_ALL)
        l.all++;
    SGL_TRY(lint_end(&l));
    SGL_TRY(lint_terms(&l));
    if (!level->own)
        return SGL_OK;
    SGL_TRY(lint_behind_all(&l));
    SGL_TRY(lint_modifiers(&l));
    SGL_TRY(lint_case(&l));
    return lint_size(&l);
}
