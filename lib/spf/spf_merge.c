/* SPDX-License-Identifier: Apache-2.0 */
/* One record: what is there already and what is added, then judged as a receiver would. */
#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "spf_build_internal.h"

struct merge {
    struct spf_build *b;
    const struct spf_target *target;
    struct spf_existing existing;
    struct spf_draft draft;
};

static enum sgl_status say(struct spf_build *b, const struct sgl_finding *what, const char *mend,
                           const char *text, sgl_view one, sgl_view two)
{
    sgl_auto(sgl_buf) line = SGL_BUF_INIT(SGL_LIMIT_FINDING_TEXT);
    const char *at = text;

    /* "%1" and "%2" stand for the two. */
    for (; *at != '\0'; at++) {
        if (at[0] == '%' && (at[1] == '1' || at[1] == '2')) {
            sgl_buf_add(&line, sgl_view_sub(at[1] == '1' ? one : two, 0, 300));
            at++;
        } else {
            sgl_buf_add_byte(&line, (uint8_t)*at);
        }
    }
    SGL_TRY(line.status);
    b->out->refused = b->out->refused || what->severity == SGL_ERROR;
    return sgl_finding_add(&b->out->findings, b->arena, what, mend, "%.*s",
                           SGL_FMT(sgl_buf_view(&line)));
}

/* ---- what is there ------------------------------------------------------------------------------------------------ */

/* May the record be merged into?  What receivers cannot read, we do not mend by guessing. */
static enum sgl_status check_readable(struct merge *m, sgl_view record, bool *ok)
{
    static const struct sgl_finding what = {
        .code = "spf-syntax", .severity = SGL_ERROR, .rule = "RFC 7208 s4.6"};
    struct sgl_arena_mark mark = sgl_arena_mark(m->b->arena);
    struct sgl_spf_record parsed;
    struct sgl_diag diag = {0};
    enum sgl_status st = sgl_spf_parse(record, m->b->arena, &parsed, &diag);

    *ok = st == SGL_OK;
    if (st == SGL_E_NOMEM || (st == SGL_E_LIMIT && m->b->arena->status != SGL_OK))
        return st;
    sgl_arena_rewind(m->b->arena, mark);
    if (st == SGL_OK)
        return SGL_OK;
    return say(m->b, &what, "mend it first, or give what should be kept of it with --existing",
               "The record that is published at %1 cannot be read (%2): it cannot be merged into.",
               m->target->name.text, sgl_view_cstr(diag.what));
}

static enum sgl_status take_record(struct merge *m, sgl_view record, bool *ok)
{
    SGL_TRY(check_readable(m, record, ok));
    if (!*ok)
        return SGL_OK;
    if (m->draft.count > 0 || m->existing.count > 1)
        return sgl_spf_draft_join(&m->draft, record, m->b->arena, &m->draft);
    return sgl_spf_draft_read(record, 0, m->b->arena, &m->draft);
}

static enum sgl_status take_answer(struct merge *m, const struct sgl_dns_answer *answer, bool *ok)
{
    static const struct sgl_finding many = {
        .code = "spf-many-records", .severity = SGL_WARNING, .rule = "RFC 7208 s4.5"};

    for (size_t i = 0; *ok && i < answer->count; i++) {
        if (sgl_spf_is_record(answer->rr[i].txt))
            SGL_TRY(take_record(m, answer->rr[i].txt, ok));
    }
    if (m->existing.count < 2 || !*ok)
        return SGL_OK;
    return say(m->b, &many, "remove them all when you publish the new one",
               "%1 has several SPF records, which is a permerror: one with the terms of all takes "
               "their place.",
               m->target->name.text, m->target->name.text);
}

/* *ok false: unknown, or refused; it has been said. */
static enum sgl_status take_existing(struct merge *m, bool *ok)
{
    const struct sgl_dns_answer *answer;

    *ok = true;
    if (m->target->existing.ptr != NULL) {
        if (m->target->existing.len == 0) /* nothing, as far as the caller knows */
            return SGL_OK;
        m->existing = (struct spf_existing){m->target->existing, 1};
        return take_record(m, m->target->existing, ok);
    }
    SGL_TRY(sgl_spf_build_ask(m->b, m->target->name, SGL_RR_TXT, &answer, ok));
    if (answer == NULL)
        return SGL_OK;
    m->existing = sgl_spf_existing(answer);
    return take_answer(m, answer, ok);
}

/* ---- what changes ------------------------------------------------------------------------------------------------- */

static enum sgl_status make_room(struct merge *m)
{
    struct spf_draft larger = {.room = m->draft.count + m->target->adds + 1};

    larger.term = SGL_NEW_N(m->b->arena, larger.room, sgl_view);
    if (larger.term == NULL)
        return m->b->arena->status;
    for (; larger.count < m->draft.count; larger.count++)
        larger.term[larger.count] = m->draft.term[larger.count];
    m->draft = larger;
    return SGL_OK;
}

static enum sgl_status drop_moved(struct merge *m)
{
    static const struct sgl_finding what = {.code = "spf-moved", .severity = SGL_WARNING};

    for (size_t k = 0; k < m->target->drops; k++) {
        for (size_t i = 0; i < m->draft.count;) {
            if (!sgl_spf_term_same_bare(m->draft.term[i], m->target->drop[k])) {
                i++;
                continue;
            }
            SGL_TRY(say(m->b, &what,
                        "publish the subdomain's record first, then have the service send with "
                        "bounce addresses there, then publish this one",
                        "\"%1\" moves from %2 to the subdomain: until the service sends with "
                        "addresses of the subdomain, its mail fails.",
                        m->draft.term[i], m->target->name.text));
            sgl_spf_draft_drop(&m->draft, i);
        }
    }
    return SGL_OK;
}

/* Does a network that passes hold this one already? */
static bool covers(sgl_view term, sgl_view added)
{
    struct sgl_ip_prefix outer, inner;

    if (term.len > 0 && term.ptr[0] == '+')
        term = sgl_view_from(term, 1);
    if (!sgl_view_starts_nocase(term, SGL_LIT("ip")) || !sgl_view_starts(added, SGL_LIT("ip")) ||
        sgl_ip_prefix_parse(sgl_view_from(term, 4), &outer) != SGL_OK ||
        sgl_ip_prefix_parse(sgl_view_from(added, 4), &inner) != SGL_OK)
        return false;
    return inner.bits > outer.bits && sgl_ip_in_prefix(&inner.ip, &outer);
}

/* *there: the term need not be added. */
static enum sgl_status find_same(struct merge *m, sgl_view added, bool *there)
{
    static const struct sgl_finding other = {
        .code = "spf-other-qualifier", .severity = SGL_WARNING, .rule = "RFC 7208 s4.6.2"};
    static const struct sgl_finding inside = {.code = "spf-covered", .severity = SGL_INFO};
    size_t all = sgl_spf_draft_find_all(&m->draft);

    *there = false;
    for (size_t i = 0; !*there && i < m->draft.count && i < all; i++) {
        sgl_view term = m->draft.term[i];

        if (sgl_spf_term_same_bare(term, added)) {
            *there = true;
            if (!sgl_spf_term_same(term, added))
                return say(m->b, &other, "take it out of the record, then build again",
                           "\"%1\" is in the record of %2 already, but does not let its hosts "
                           "pass: it is left as it is.",
                           term, m->target->name.text);
        } else if (covers(term, added)) {
            *there = true;
            return say(m->b, &inside, NULL, "\"%1\" is part of \"%2\" already.", added, term);
        }
    }
    for (size_t i = m->draft.count; all != SIZE_MAX && i > all + 1; i--) {
        if (sgl_spf_term_same_bare(m->draft.term[i - 1], added)) /* where nobody looks at it */
            sgl_spf_draft_drop(&m->draft, i - 1);
    }
    return SGL_OK;
}

static enum sgl_status add_terms(struct merge *m)
{
    for (size_t i = 0; i < m->target->adds; i++) {
        bool there;

        SGL_TRY(find_same(m, m->target->add[i], &there));
        if (!there)
            sgl_spf_draft_add(&m->draft, m->target->add[i]);
    }
    return SGL_OK;
}

static sgl_view all_of(enum sgl_spf_policy policy)
{
    switch (policy) {
    case SGL_SPF_POLICY_SOFT:
    case SGL_SPF_POLICY_GENTLE:
        return SGL_LIT("~all");
    case SGL_SPF_POLICY_NEUTRAL:
        return SGL_LIT("?all");
    case SGL_SPF_POLICY_KEEP:
    case SGL_SPF_POLICY_HARD:
        return SGL_LIT("-all");
    }
    return SGL_LIT("-all");
}

static enum sgl_status set_policy(struct merge *m)
{
    static const struct sgl_finding redirect = {
        .code = "spf-redirect-kept", .severity = SGL_WARNING, .rule = "RFC 7208 s6.1"};
    static const struct sgl_finding added = {
        .code = "spf-all-added", .severity = SGL_WARNING, .rule = "RFC 7208 s4.7"};
    enum sgl_spf_policy policy = m->b->request->policy;
    size_t at = sgl_spf_draft_find_all(&m->draft);
    bool asked = policy != SGL_SPF_POLICY_KEEP && policy != SGL_SPF_POLICY_GENTLE;

    if (policy == SGL_SPF_POLICY_GENTLE && m->existing.count > 0)
        return SGL_OK;
    if (at == SIZE_MAX && sgl_spf_draft_has_redirect(&m->draft))
        return !asked ? SGL_OK
                      : say(m->b, &redirect, "set the policy in the record that redirect names",
                            "The record of %1 has a redirect, which \"all\" would switch off: the "
                            "policy is left to the record that it leads to.",
                            m->target->name.text, m->target->name.text);
    if (at != SIZE_MAX && (!asked || sgl_spf_term_same(m->draft.term[at], all_of(policy))))
        return SGL_OK;
    sgl_spf_draft_set_all(&m->draft, all_of(policy));
    if (asked || m->existing.count == 0)
        return SGL_OK;
    return say(m->b, &added, "give --policy soft or neutral if that is too early",
               "The record of %1 had no \"all\": \"-all\" is added, so that mail of other senders "
               "now fails.",
               m->target->name.text, m->target->name.text);
}

/* ---- what receivers will say -------------------------------------------------------------------------------------- */

/* Why not: with DKIM and DMARC beside it "-all" loses no rightful mail.  [RFC 7208 s8.2, s8.5] */
static enum sgl_status judge_policy(struct merge *m)
{
    static const struct sgl_finding soft = {
        .code = "spf-soft-all", .severity = SGL_WARNING, .rule = "RFC 7208 s8.5"};
    static const struct sgl_finding neutral = {
        .code = "spf-neutral-all", .severity = SGL_WARNING, .rule = "RFC 7208 s8.2"};
    static const struct sgl_finding nobody = {.code = "spf-no-sender", .severity = SGL_WARNING};
    size_t at = sgl_spf_draft_find_all(&m->draft);
    sgl_view name = m->target->name.text;

    if (at == SIZE_MAX)
        return SGL_OK;
    if (m->draft.term[at].ptr[0] == '~')
        return say(m->b, &soft, "--policy hard, once all that sends is named",
                   "\"~all\" at %1: forged mail is only suspicious. Forwarded mail, for which it "
                   "is meant, is saved by DKIM and DMARC anyway, so that \"-all\" costs nothing.",
                   name, name);
    if (m->draft.term[at].ptr[0] == '?')
        return say(m->b, &neutral, "--policy hard, once all that sends is named",
                   "\"?all\" at %1: forged mail is treated as if there were no record at all; it "
                   "is for a first day of trying, no longer.",
                   name, name);
    if (at > 0 || m->draft.term[at].ptr[0] != '-')
        return SGL_OK;
    return say(m->b, &nobody, "name what sends: --m365, --ip, --include; or say --parked",
               "The record of %1 lets nobody send, as none of its senders was named.", name, name);
}

static bool is_ours_to_say(const struct sgl_finding *f)
{
    /* judge_policy() says these with reference to the options. */
    return f->severity != SGL_INFO && strcmp(f->code, "spf-neutral-all") != 0;
}

/* Errors refuse, warnings go along. */
static enum sgl_status take_findings(struct merge *m, const struct sgl_spf_tree *tree)
{
    struct spf_build *b = m->b;

    for (const struct sgl_finding *f = tree->findings.first; f != NULL; f = f->next) {
        const char *mend = sgl_arena_cstr(b->arena, f->mend);

        if (mend == NULL)
            return b->arena->status;
        if (!is_ours_to_say(f))
            continue;
        if (strcmp(f->code, "spf-include-none") == 0 && sgl_view_starts(f->mend, SGL_LIT("v=")))
            mend =
                "look for a slip in that name, or leave it out"; /* the record is not there yet */
        b->out->refused = b->out->refused || f->severity == SGL_ERROR;
        SGL_TRY(sgl_finding_add(&b->out->findings, b->arena, f, mend, "%.*s", SGL_FMT(f->text)));
    }
    b->out->failed = b->out->failed || tree->failed;
    return SGL_OK;
}

static enum sgl_status publish(struct merge *m, sgl_view text)
{
    struct spf_build *b = m->b;
    struct sgl_spf_tree tree = {0};
    enum sgl_status st = sgl_spf_tree_text(m->target->name, text, b->dns, b->arena, &tree);

    if (st == SGL_NEED_DNS) {
        b->pending = true;
        return SGL_OK;
    }
    SGL_TRY(st);
    SGL_TRY(take_findings(m, &tree));
    SGL_TRY(judge_policy(m));
    b->record[b->records++] = (struct sgl_spf_publish){
        .name = m->target->name,
        .text = text,
        .replaces = m->existing.first,
        .unchanged = m->existing.count == 1 && sgl_view_eq(m->existing.first, text),
        .lookups = tree.lookups,
        .void_lookups = tree.void_lookups,
    };
    return SGL_OK;
}

enum sgl_status sgl_spf_build_target(struct spf_build *b, const struct spf_target *target)
{
    struct merge m = {.b = b, .target = target};
    sgl_view text;
    bool ok;

    SGL_TRY(take_existing(&m, &ok));
    if (!ok)
        return SGL_OK;
    SGL_TRY(make_room(&m));
    (void)sgl_spf_draft_drop_doubles(&m.draft);
    SGL_TRY(drop_moved(&m));
    SGL_TRY(add_terms(&m));
    SGL_TRY(set_policy(&m));
    (void)sgl_spf_draft_drop_doubles(&m.draft); /* a second "all" may say the same now */
    SGL_TRY(sgl_spf_draft_text(&m.draft, b->arena, &text));
    return publish(&m, text);
}
