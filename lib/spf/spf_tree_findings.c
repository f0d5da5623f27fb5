/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the walk through a tree has to say.  The codes, of which scripts may rely on:
 *
 *     spf-none                  error    no record at the domain
 *     spf-misspelt-record       error    a TXT record that was meant to be one
 *     spf-type99-only           error    a record of the old type alone
 *     spf-many-records          error    more than one, here or at a name that is included
 *     spf-syntax                error    a record that cannot be read
 *     spf-include-none          error    include or redirect to a name without a record
 *     spf-loop                  error    a record that includes itself
 *     spf-too-many-lookups      error    more than 10
 *     spf-too-many-voids        error    more than 2 that bring nothing
 *     spf-too-many-exchanges    error    "mx" of a name with more than 10
 *     spf-pass-all              error    everybody passes
 *     spf-many-lookups          warning  8 to 10
 *     spf-too-many-voids-ipv6   warning  more than 2 for a client over IPv6 only
 *     spf-void-lookup           warning  a term whose name has nothing to match
 *     spf-null-mx               warning  "mx" of a domain that takes no mail
 *     spf-bad-name              warning  a term whose name cannot exist
 *     spf-lookup-failed         warning  the tree is not whole: DNS did not answer
 *     spf-tree-cut              warning  the tree is not whole: it asks for too much
 *     spf-no-all                warning  neither "all" nor redirect
 *     spf-neutral-all           warning  "?all"
 *     spf-after-all             warning  terms behind "all"
 *     spf-redirect-ignored      warning  redirect beside "all"
 *     spf-ptr                   warning
 *     spf-wide-network          warning  (info where another owner publishes it)
 *     spf-wide-sum              warning  the networks of the tree, taken together
 *     spf-private-network       warning
 *     spf-duplicate-term        warning
 *     spf-bulk-service          warning  belongs on a subdomain of its own
 *     spf-misspelt-mechanism    warning  "include=" for "include:"
 *     spf-long-record           warning  the answer may not fit 512 bytes
 *     spf-soft-all              info     "~all"
 *     spf-type99                info     a record of the old type, too
 *     spf-large-answer          info     all TXT records of the name together
 *     spf-split-record          info     more than 255 bytes
 *     spf-upper-case            info
 *     spf-unknown-modifier      info
 *     spf-macro                 info     not walked: a client is needed
 */
#include "sigillo/banned.h"

#include <stdarg.h>
#include <stdio.h>

#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "spf_tree_internal.h"

#define UDP_TEXT_MAX  450                 /* [RFC 7208 s3.4] */
#define ADDRESSES_MAX (UINT64_C(1) << 20) /* a /12: more than any two large providers have */

enum sgl_status sgl_spf_say(struct spf_walk *w, const struct sgl_finding *what, const char *mend,
                            const char *text, ...)
{
    char line[SGL_LIMIT_FINDING_TEXT + 1];
    size_t same = 0;
    va_list args;

    for (const struct sgl_finding *f = w->tree->findings.first; f != NULL; f = f->next)
        same += strcmp(f->code, what->code) == 0;
    if (same >= SPF_SAME_CODE)
        return SGL_OK;
    va_start(args, text);
    (void)vsnprintf(line, sizeof line, text, args);
    va_end(args);
    return sgl_finding_add(&w->tree->findings, w->arena, what, mend, "%s", line);
}

enum sgl_status sgl_spf_mend(struct spf_walk *w, const struct spf_level *level,
                             const struct spf_draft *draft, const char **out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(4 * SGL_LIMIT_SPF_RECORD);
    const char *copy;

    if (level->above != NULL)
        sgl_buf_addf(&text, "at %.*s: ", SGL_FMT(level->name.text));
    sgl_spf_draft_put(draft, &text);
    SGL_TRY(text.status);
    /* Half a record is worse than none. */
    if (text.len > SGL_LIMIT_FINDING_TEXT || !sgl_ascii_is_printable(sgl_buf_view(&text))) {
        *out = "change that term; the record is too long to be shown here, or has strange bytes";
        return SGL_OK;
    }
    copy = sgl_arena_cstr(w->arena, sgl_buf_view(&text));
    if (copy == NULL)
        return w->arena->status;
    *out = copy;
    return SGL_OK;
}

/* ---- what a term met ---------------------------------------------------------------------------------------------- */

/* A record whose terms are corrected; where one had to go, it says so.  *mend stays where nothing is left that sends. */
static enum sgl_status mend_corrected(struct spf_walk *w, const struct spf_level *level,
                                      sgl_view text, const char **mend)
{
    struct spf_draft draft;
    const char *record;
    sgl_view whole;
    size_t dropped;

    SGL_TRY(sgl_spf_draft_read(text, 0, w->arena, &draft));
    SGL_TRY(sgl_spf_correct(&draft, w->arena, &dropped));
    if (dropped > 0 && !sgl_spf_draft_sends(&draft))
        return SGL_OK;
    SGL_TRY(sgl_spf_mend(w, level, &draft, &record));
    if (dropped == 0) {
        *mend = record;
        return SGL_OK;
    }
    SGL_TRY(sgl_spf_join(dropped == 1 ? SGL_LIT("without it: ") : SGL_LIT("without such terms: "),
                         sgl_view_cstr(record), w->arena, &whole));
    record = sgl_arena_cstr(w->arena, whole);
    if (record == NULL)
        return w->arena->status;
    *mend = record;
    return SGL_OK;
}

enum sgl_status sgl_spf_say_syntax(struct spf_walk *w, const struct spf_level *level,
                                   const struct sgl_diag *diag)
{
    static const struct sgl_finding what = {
        .code = "spf-syntax", .severity = SGL_ERROR, .rule = "RFC 7208 s4.6"};
    const char *mend = level->own ? "write that term as RFC 7208 section 12 allows"
                                  : "take the include out until its owner has mended it";
    sgl_view at = sgl_view_from(level->text, diag->off);

    at = sgl_view_sub(at, 0, sgl_view_find(at, ' '));
    if (level->own && level->text.len <= SGL_LIMIT_SPF_RECORD)
        SGL_TRY(mend_corrected(w, level, level->text, &mend));
    return sgl_spf_say(w, &what, mend,
                       "The record of %.*s cannot be read, at byte %zu, \"%.*s\": %s. Receivers "
                       "answer permerror, as if nobody were allowed to send.",
                       SGL_FMT(level->name.text), diag->off + 1, SPF_SHORT(at),
                       diag->what == NULL ? "syntax error" : diag->what);
}

/*
 * The record without that term, where its owner can change it and somebody can send still; else *mend stays as it is: the only term is more likely
 * to have a slip in its name than to be one too many.
 */
static enum sgl_status mend_without(struct spf_walk *w, const struct spf_level *level,
                                    const struct sgl_spf_node *node, const char **mend)
{
    struct spf_draft draft;

    if (!level->own || sgl_spf_term_kind(node->text) == SPF_KIND_MODIFIER)
        return SGL_OK;
    SGL_TRY(sgl_spf_draft_read(level->text, 0, w->arena, &draft));
    for (size_t i = 0; i < draft.count; i++) {
        if (draft.term[i].ptr == node->text.ptr) {
            sgl_spf_draft_drop(&draft, i);
            break;
        }
    }
    return sgl_spf_draft_sends(&draft) ? sgl_spf_mend(w, level, &draft, mend) : SGL_OK;
}

enum sgl_status sgl_spf_say_no_record(struct spf_walk *w, const struct spf_level *level,
                                      const struct sgl_spf_node *node,
                                      const struct spf_found *found, bool redirect)
{
    static const struct sgl_finding what = {
        .code = "spf-include-none", .severity = SGL_ERROR, .rule = "RFC 7208 s5.2"};
    const char *mend =
        "look for a slip in the name; else take the term out, or publish a record there";

    if (!redirect)
        SGL_TRY(mend_without(w, level, node, &mend));
    return sgl_spf_say(w, &what, mend,
                       "\"%.*s\": %.*s %s. Every check that gets there ends in permerror.",
                       SPF_SHORT(node->text), SGL_FMT(node->target),
                       found->answer->outcome == SGL_DNS_NXDOMAIN ? "does not exist"
                       : found->hidden ? "has no SPF record that can be read"
                                       : "has no SPF record");
}

enum sgl_status sgl_spf_say_many(struct spf_walk *w, const struct sgl_spf_node *node,
                                 size_t records)
{
    static const struct sgl_finding what = {
        .code = "spf-many-records", .severity = SGL_ERROR, .rule = "RFC 7208 s4.5"};

    return sgl_spf_say(w, &what, "one record only may stand there",
                       "\"%.*s\": %.*s has %zu SPF records. Every check that gets there ends in "
                       "permerror.",
                       SPF_SHORT(node->text), SGL_FMT(node->target), records);
}

enum sgl_status sgl_spf_say_loop(struct spf_walk *w, const struct spf_level *level,
                                 const struct sgl_spf_node *node)
{
    static const struct sgl_finding what = {
        .code = "spf-loop", .severity = SGL_ERROR, .rule = "RFC 7208 s4.6.4"};
    const char *mend = "take that term out";

    SGL_TRY(mend_without(w, level, node, &mend));
    return sgl_spf_say(w, &what, mend,
                       "\"%.*s\" in the record of %.*s leads back to a record that is being read "
                       "already: receivers go round until the limit, then answer permerror.",
                       SPF_SHORT(node->text), SGL_FMT(level->name.text));
}

enum sgl_status sgl_spf_say_void(struct spf_walk *w, const struct spf_level *level,
                                 const struct sgl_spf_node *node, struct sgl_name host, bool whole)
{
    static const struct sgl_finding what = {
        .code = "spf-void-lookup", .severity = SGL_WARNING, .rule = "RFC 7208 s4.6.4"};
    const char *mend = "take the term out, or give the name what the term looks for";

    if (whole)
        SGL_TRY(mend_without(w, level, node, &mend));
    return sgl_spf_say(w, &what, mend,
                       "\"%.*s\" in the record of %.*s: nothing to match is found at %.*s; "
                       "receivers allow 2 such void lookups.",
                       SPF_SHORT(node->text), SGL_FMT(level->name.text), SGL_FMT(host.text));
}

enum sgl_status sgl_spf_say_null_mx(struct spf_walk *w, const struct spf_level *level,
                                    const struct sgl_spf_node *node)
{
    static const struct sgl_finding what = {
        .code = "spf-null-mx", .severity = SGL_WARNING, .rule = "RFC 7505 s3"};

    return sgl_spf_say(w, &what, "take the term out",
                       "\"%.*s\" in the record of %.*s: %.*s has a null MX, which names no host.",
                       SPF_SHORT(node->text), SGL_FMT(level->name.text), SGL_FMT(node->target));
}

enum sgl_status sgl_spf_say_many_mx(struct spf_walk *w, const struct spf_level *level,
                                    const struct sgl_spf_node *node, size_t hosts)
{
    static const struct sgl_finding what = {
        .code = "spf-too-many-exchanges", .severity = SGL_ERROR, .rule = "RFC 7208 s4.6.4"};

    return sgl_spf_say(w, &what, "name the networks of these hosts with ip4: and ip6: instead",
                       "\"%.*s\" in the record of %.*s: %.*s has %zu MX hosts and 10 are allowed. "
                       "Every check that gets there ends in permerror.",
                       SPF_SHORT(node->text), SGL_FMT(level->name.text), SGL_FMT(node->target),
                       hosts);
}

enum sgl_status sgl_spf_say_failed(struct spf_walk *w, const struct sgl_dns_answer *answer)
{
    static const struct sgl_finding what = {
        .code = "spf-lookup-failed", .severity = SGL_WARNING, .rule = "RFC 7208 s4.4"};

    w->tree->failed = true;
    return sgl_spf_say(w, &what, "try again; if it stays so, see to the name servers",
                       "The %s lookup of %.*s failed (%s): what is behind it is not known, and "
                       "receivers put the mail off.",
                       sgl_rr_name(answer->type), SGL_FMT(answer->name.text), answer->why);
}

enum sgl_status sgl_spf_say_macro(struct spf_walk *w, const struct sgl_spf_node *node)
{
    static const struct sgl_finding what = {
        .code = "spf-macro", .severity = SGL_INFO, .rule = "RFC 7208 s7"};

    return sgl_spf_say(w, &what, NULL,
                       "\"%.*s\" depends on the client: what is behind it is not counted here.",
                       SPF_SHORT(node->text));
}

enum sgl_status sgl_spf_say_bad_name(struct spf_walk *w, const struct spf_level *level,
                                     const struct sgl_spf_node *node)
{
    static const struct sgl_finding what = {
        .code = "spf-bad-name", .severity = SGL_WARNING, .rule = "RFC 7208 s4.8"};
    const char *mend = "correct the name, or take the term out";

    SGL_TRY(mend_without(w, level, node, &mend));
    return sgl_spf_say(w, &what, mend,
                       "\"%.*s\" names what can be no name in DNS: receivers differ in what they "
                       "make of it.",
                       SPF_SHORT(node->text));
}

/* ---- the domain's own answer -------------------------------------------------------------------------------------- */

/* A text that was meant to be a record: quotes or blanks in front, something else than a blank behind "v=spf1", a slip in the version. */
static bool is_near_miss(sgl_view txt)
{
    while (txt.len > 0 && (sgl_ascii_is_fws(txt.ptr[0]) || txt.ptr[0] == '"' ||
                           txt.ptr[0] == '\'' || txt.ptr[0] == '\\'))
        txt = sgl_view_from(txt, 1);
    return sgl_view_starts_nocase(txt, SGL_LIT("v=spf")) ||
           sgl_view_starts_nocase(txt, SGL_LIT("v = spf")) ||
           sgl_view_starts_nocase(txt, SGL_LIT("v=\"spf")) ||
           sgl_view_starts_nocase(txt, SGL_LIT("v:spf")) ||
           sgl_view_starts_nocase(txt, SGL_LIT("spf1 "));
}

/* The record that it was meant to be: what stands behind the version and a blank, corrected. */
static enum sgl_status mend_miss(struct spf_walk *w, sgl_view txt, const char **mend)
{
    struct spf_level level = {.name = w->domain, .own = true};
    size_t at = 0;

    while (at < txt.len && !sgl_view_starts_nocase(sgl_view_from(txt, at), SGL_LIT("spf")))
        at++;
    at += SGL_LIT("spf").len;
    while (at < txt.len && (sgl_ascii_is_digit(txt.ptr[at]) || txt.ptr[at] == ';' ||
                            txt.ptr[at] == ',' || txt.ptr[at] == ':' || txt.ptr[at] == '"'))
        at++;
    if (at >= txt.len || txt.ptr[at] != ' ' || txt.len > SGL_LIMIT_SPF_RECORD)
        return SGL_OK;
    SGL_TRY(sgl_spf_join(SGL_LIT("v=spf1"), sgl_view_from(txt, at), w->arena, &level.text));
    return mend_corrected(w, &level, level.text, mend);
}

static bool has_record(const struct sgl_dns_answer *answer)
{
    for (size_t i = 0; answer != NULL && i < answer->count; i++) {
        if (sgl_spf_is_record(answer->rr[i].txt))
            return true;
    }
    return false;
}

static enum sgl_status say_none(struct spf_walk *w, const struct spf_found *found,
                                const struct sgl_dns_answer *old_type)
{
    static const struct sgl_finding none = {
        .code = "spf-none", .severity = SGL_ERROR, .rule = "RFC 7208 s4.5"};
    static const struct sgl_finding misspelt = {
        .code = "spf-misspelt-record", .severity = SGL_ERROR, .rule = "RFC 7208 s4.5"};
    static const struct sgl_finding old = {
        .code = "spf-type99-only", .severity = SGL_ERROR, .rule = "RFC 7208 s3.1"};
    const char *mend = "begin it with \"v=spf1\" and one blank";
    sgl_view domain = w->domain.text;

    for (size_t i = 0; i < found->answer->count; i++) {
        if (!is_near_miss(found->answer->rr[i].txt))
            continue;
        SGL_TRY(mend_miss(w, found->answer->rr[i].txt, &mend));
        return sgl_spf_say(w, &misspelt, mend,
                           "The TXT record \"%.*s\" of %.*s is no SPF record, since it does "
                           "not begin with \"v=spf1\" and a blank: receivers find none.",
                           SPF_SHORT(found->answer->rr[i].txt), SGL_FMT(domain));
    }
    if (has_record(old_type))
        return sgl_spf_say(w, &old, "publish the same text as a TXT record",
                           "%.*s has an SPF record of type SPF (99) only, for which no receiver "
                           "asks any more.",
                           SGL_FMT(domain));
    if (found->answer->outcome == SGL_DNS_NXDOMAIN)
        return sgl_spf_say(w, &none, "register the domain, or look for a slip in its name",
                           "%.*s does not exist: receivers refuse mail in its name.",
                           SGL_FMT(domain));
    return sgl_spf_say(
        w, &none, "if it sends no mail, publish v=spf1 -all; else see: sigillo spf build --help",
        "%.*s has no SPF record%s: receivers cannot tell its mail from forged mail.",
        SGL_FMT(domain), found->hidden ? " that can be read" : "");
}

/* One record with the terms of all, in their order; the first "all" and the first of each modifier stay, but never one that lets everybody pass. */
static enum sgl_status mend_many(struct spf_walk *w, const struct spf_found *found,
                                 const char **out)
{
    struct spf_level level = {.name = w->domain};
    struct spf_draft whole = {0};
    size_t all;

    for (size_t i = 0; i < found->answer->count; i++) {
        sgl_view txt = found->answer->rr[i].txt;

        if (sgl_spf_is_record(txt))
            SGL_TRY(sgl_spf_draft_join(&whole, txt, w->arena, &whole));
    }
    all = sgl_spf_draft_find_all(&whole);
    if (all != SIZE_MAX && sgl_spf_term_same(whole.term[all], SGL_LIT("+all")))
        whole.term[all] = SGL_LIT("-all");
    return sgl_spf_mend(w, &level, &whole, out);
}

enum sgl_status sgl_spf_say_domain(struct spf_walk *w, const struct spf_found *found,
                                   const struct sgl_dns_answer *old_type)
{
    static const struct sgl_finding many = {
        .code = "spf-many-records", .severity = SGL_ERROR, .rule = "RFC 7208 s4.5"};
    const char *mend;

    if (found->records == 0)
        return say_none(w, found, old_type);
    SGL_TRY(mend_many(w, found, &mend));
    return sgl_spf_say(w, &many, mend,
                       "%.*s has %zu SPF records and one is allowed: receivers answer permerror, "
                       "as if nobody were allowed to send.",
                       SGL_FMT(w->domain.text), found->records);
}

enum sgl_status sgl_spf_say_answer(struct spf_walk *w, const struct spf_found *found,
                                   const struct sgl_dns_answer *old_type)
{
    static const struct sgl_finding old = {
        .code = "spf-type99", .severity = SGL_INFO, .rule = "RFC 7208 s3.1"};
    static const struct sgl_finding large = {
        .code = "spf-large-answer", .severity = SGL_INFO, .rule = "RFC 7208 s3.4"};
    size_t size = w->domain.text.len;

    if (has_record(old_type))
        SGL_TRY(sgl_spf_say(w, &old, "remove the record of type SPF",
                            "%.*s has a record of the old type SPF (99), too: no receiver asks "
                            "for it any more.",
                            SGL_FMT(w->domain.text)));
    for (size_t i = 0; i < found->answer->count; i++)
        size += found->answer->rr[i].txt.len;
    if (size <= UDP_TEXT_MAX || found->text.len + w->domain.text.len > UDP_TEXT_MAX)
        return SGL_OK; /* or the record by itself is too long, which is said elsewhere */
    return sgl_spf_say(w, &large, "remove verification texts that have done their duty",
                       "The TXT records of %.*s have %zu bytes together: the answer may not fit a "
                       "UDP packet of 512.",
                       SGL_FMT(w->domain.text), size);
}

/* ---- the whole ---------------------------------------------------------------------------------------------------- */

static bool is_include(const struct sgl_spf_node *node)
{
    return sgl_view_starts_nocase(sgl_spf_term_bare(node->text), SGL_LIT("include:"));
}

/* The term that should go to a subdomain so that the record gets below 10 lookups: a bulk service first, then the costliest. NULL: none costs anything. */
static const struct sgl_spf_node *pick_costly(const struct sgl_spf_tree *tree)
{
    const struct sgl_spf_node *best = NULL;
    bool best_bulk = false;

    for (size_t i = 0; i < tree->nodes; i++) {
        const struct sgl_spf_node *node = &tree->node[i];
        bool bulk = sgl_spf_service_of(node->target) != NULL;

        if (!is_include(node) || node->lookups == 0)
            continue;
        if (best == NULL || (bulk && !best_bulk) ||
            (bulk == best_bulk && node->lookups > best->lookups)) {
            best = node;
            best_bulk = bulk;
        }
    }
    return best;
}

static enum sgl_status say_lookups(struct spf_walk *w)
{
    static const struct sgl_finding above = {
        .code = "spf-too-many-lookups", .severity = SGL_ERROR, .rule = "RFC 7208 s4.6.4"};
    static const struct sgl_finding near = {
        .code = "spf-many-lookups", .severity = SGL_WARNING, .rule = "RFC 7208 s4.6.4"};
    const struct sgl_spf_node *costly = pick_costly(w->tree);
    char mend[512] = "name networks with ip4: and ip6: instead of names";

    if (w->tree->lookups < SPF_LOOKUPS_NEAR)
        return SGL_OK;
    if (costly != NULL)
        (void)snprintf(mend, sizeof mend,
                       "move \"%.*s\" (%u of them) to a subdomain: sigillo spf build --subdomain "
                       "news:%.*s %.*s",
                       SPF_SHORT(costly->text), costly->lookups, SPF_SHORT(costly->target),
                       SGL_FMT(w->domain.text));
    if (w->tree->lookups > SPF_LOOKUPS_MAX)
        return sgl_spf_say(w, &above, mend,
                           "The record of %.*s costs %u lookups, all that it includes counted, and "
                           "10 are allowed: receivers answer permerror, and mail of rightful "
                           "senders fails.",
                           SGL_FMT(w->domain.text), w->tree->lookups);
    return sgl_spf_say(w, &near, mend,
                       "The record of %.*s costs %u lookups of 10: the next service that is added, "
                       "or that a provider adds, breaks it.",
                       SGL_FMT(w->domain.text), w->tree->lookups);
}

static enum sgl_status say_voids(struct spf_walk *w)
{
    static const struct sgl_finding above = {
        .code = "spf-too-many-voids", .severity = SGL_ERROR, .rule = "RFC 7208 s4.6.4"};
    static const struct sgl_finding six = {
        .code = "spf-too-many-voids-ipv6", .severity = SGL_WARNING, .rule = "RFC 7208 s4.6.4"};
    static const char mend[] = "take out terms whose names have nothing to match; name networks "
                               "with ip4: and ip6: instead";

    if (w->tree->void_lookups > SPF_VOIDS_MAX)
        return sgl_spf_say(w, &above, mend,
                           "The record of %.*s makes %u void lookups, which bring nothing, and 2 "
                           "are allowed: receivers answer permerror.",
                           SGL_FMT(w->domain.text), w->tree->void_lookups);
    if (w->tree->void_lookups6 <= SPF_VOIDS_MAX)
        return SGL_OK;
    return sgl_spf_say(w, &six, mend,
                       "For a client over IPv6 the record of %.*s makes %u void lookups, since its "
                       "hosts have no IPv6 address, and 2 are allowed: such mail ends in "
                       "permerror.",
                       SGL_FMT(w->domain.text), w->tree->void_lookups6);
}

enum sgl_status sgl_spf_say_totals(struct spf_walk *w)
{
    static const struct sgl_finding sum = {
        .code = "spf-wide-sum", .severity = SGL_WARNING, .rule = "RFC 7208 s11.4"};
    static const struct sgl_finding cut = {.code = "spf-tree-cut", .severity = SGL_WARNING};

    SGL_TRY(say_lookups(w));
    SGL_TRY(say_voids(w));
    if (w->addresses > ADDRESSES_MAX)
        SGL_TRY(sgl_spf_say(w, &sum, "leave out what sends no mail for you",
                            "The networks that may send as %.*s have %llu IPv4 addresses together: "
                            "most belong to strangers.",
                            SGL_FMT(w->domain.text), (unsigned long long)w->addresses));
    if (!w->cut)
        return SGL_OK;
    return sgl_spf_say(w, &cut, NULL,
                       "The record of %.*s asks for more than can be looked up here: the tree is "
                       "not whole.",
                       SGL_FMT(w->domain.text));
}
