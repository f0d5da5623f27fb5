/* SPDX-License-Identifier: Apache-2.0 */
/* Who may send in the domain's name: SPF, DKIM, DMARC. */
#include <stdio.h>

#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "survey_internal.h"

#define RECORD_SIZE 600

/* ---- SPF ---- */

enum sgl_status sgl_survey_spf(struct sgl_survey_work *w)
{
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_SPF];
    struct sgl_spf_tree *tree = &w->s->spf;

    SGL_TRY(sgl_spf_tree(w->request->domain, w->dns, w->arena, tree));
    part->findings = tree->findings;
    part->record = tree->record;
    part->failed = tree->failed;
    part->state = sgl_survey_state_by(&part->findings);
    if (tree->records == 0 && part->state == SGL_SURVEY_BAD)
        part->state = SGL_SURVEY_ABSENT;
    if (tree->failed && part->findings.errors == 0)
        part->state = SGL_SURVEY_UNKNOWN;
    if (tree->records == 0)
        return sgl_survey_say(w, SGL_SURVEY_SPF, tree->failed ? "the lookup failed" : "no record");
    if (tree->records > 1)
        return sgl_survey_say(w, SGL_SURVEY_SPF, "%zu records", tree->records);
    return sgl_survey_say(w, SGL_SURVEY_SPF, "%u of 10 lookups", tree->lookups);
}

/* ---- DKIM ---- */

/* Selectors that services and guides use. */
static const sgl_view well_known[] = {
    SGL_LIT_INIT("selector1"),  SGL_LIT_INIT("selector2"), SGL_LIT_INIT("google"),
    SGL_LIT_INIT("default"),    SGL_LIT_INIT("dkim"),      SGL_LIT_INIT("mail"),
    SGL_LIT_INIT("s1"),         SGL_LIT_INIT("s2"),        SGL_LIT_INIT("k1"),
    SGL_LIT_INIT("k2"),         SGL_LIT_INIT("k3"),        SGL_LIT_INIT("sig1"),
    SGL_LIT_INIT("fm1"),        SGL_LIT_INIT("fm2"),       SGL_LIT_INIT("fm3"),
    SGL_LIT_INIT("protonmail"), SGL_LIT_INIT("mxvault"),   SGL_LIT_INIT("zoho"),
    SGL_LIT_INIT("mandrill"),   SGL_LIT_INIT("smtp"),      SGL_LIT_INIT("key1"),
    SGL_LIT_INIT("sigillo"),
};

struct key_search {
    struct sgl_survey_work *w;
    const sgl_view *selector;
    size_t selectors;
    bool given; /* the caller named them: one that is missing is a fault */
    struct sgl_dkim_key_answer *answer;
    sgl_view *record; /* TXT that was judged, for each */
    bool *possible;
    struct sgl_survey_key *key;
};

/* The TXT at SELECTOR._domainkey.DOMAIN that is a key record, or the first one. */
static enum sgl_status key_text(struct key_search *k, sgl_view selector, sgl_view *out)
{
    struct sgl_survey_work *w = k->w;
    struct sgl_arena_mark mark = sgl_arena_mark(w->arena);
    const struct sgl_dns_answer *txt = NULL;
    struct sgl_name domainkey, name;
    struct sgl_dkim_key key;
    enum sgl_status st;

    SGL_TRY(sgl_name_under(SGL_LIT("_domainkey"), w->request->domain, w->arena, &domainkey));
    SGL_TRY(sgl_name_under(selector, domainkey, w->arena, &name));
    st = sgl_dns_get(w->dns, name, SGL_RR_TXT, &txt);
    *out = sgl_view_of(NULL, 0);
    for (size_t i = 0; st == SGL_OK && txt->outcome == SGL_DNS_OK && i < txt->count; i++) {
        enum sgl_status parsed = sgl_dkim_key_parse(txt->rr[i].txt, w->arena, &key, NULL);

        if (parsed == SGL_E_NOMEM)
            st = parsed;
        if (i == 0 || parsed == SGL_OK)
            *out = txt->rr[i].txt;
        if (parsed == SGL_OK)
            break;
    }
    sgl_arena_rewind(w->arena, mark);
    return st;
}

static enum sgl_status find_keys(struct key_search *k)
{
    struct sgl_survey_work *w = k->w;
    enum sgl_status all = SGL_OK;

    for (size_t i = 0; i < k->selectors; i++) {
        enum sgl_status st = sgl_dkim_key_find(w->request->domain.text, k->selector[i], w->dns,
                                               w->arena, &k->answer[i]);

        k->possible[i] = st != SGL_E_SYNTAX;
        if (st == SGL_OK)
            st = key_text(k, k->selector[i], &k->record[i]);
        if (st != SGL_E_SYNTAX)
            all = sgl_join(all, st);
    }
    return all;
}

static void note_key(struct key_search *k, size_t i)
{
    const struct sgl_dkim_key_answer *a = &k->answer[i];
    struct sgl_survey_key *key = &k->key[k->w->s->keys++];

    key->selector = k->selector[i];
    key->record = k->record[i];
    key->revoked = a->state == SGL_DKIM_KEY_REVOKED;
    key->broken = a->state == SGL_DKIM_KEY_BROKEN;
    key->type = SGL_KEY_RSA;
    if (a->state == SGL_DKIM_KEY_FOUND && a->count > 0) {
        key->type = a->key[0].type;
        key->testing = a->key[0].testing;
        key->bits = key->type == SGL_KEY_RSA ? sgl_rsa_public_bits(a->key[0].bytes) : 256;
    }
}

static enum sgl_status key_missing(struct key_search *k, size_t i)
{
    static const struct sgl_finding missing = {
        .code = "dkim-key-missing", .severity = SGL_ERROR, .rule = "RFC 6376 s6.1.2"};
    struct sgl_survey_work *w = k->w;
    char mend[RECORD_SIZE];

    if (!k->given)
        return SGL_OK;
    if (!k->possible[i])
        return sgl_finding_add(&w->s->part[SGL_SURVEY_DKIM].findings, w->arena, &missing,
                               "name the selector as it stands in s= of DKIM-Signature",
                               "%.*s can't be a DKIM selector: nothing is published there.",
                               SGL_FMT(k->selector[i]));
    snprintf(mend, sizeof mend, "%.*s._domainkey.%.*s TXT \"v=DKIM1; k=rsa; p=...\"",
             SGL_FMT(k->selector[i]), SGL_FMT(w->request->domain.text));
    return sgl_finding_add(&w->s->part[SGL_SURVEY_DKIM].findings, w->arena, &missing, mend,
                           "There is no DKIM key at the selector %.*s: signatures made with it "
                           "fail.",
                           SGL_FMT(k->selector[i]));
}

static enum sgl_status lint_key(struct key_search *k, size_t i)
{
    struct sgl_survey_adoption how = {.selector = k->selector[i]};
    struct sgl_findings found = {0};

    SGL_TRY(sgl_dkim_key_lint(k->w->request->crypto, k->record[i], k->w->arena, &found));
    return sgl_survey_adopt(k->w, SGL_SURVEY_DKIM, &found, &how);
}

static enum sgl_status judge_key(struct key_search *k, size_t i)
{
    struct sgl_survey_work *w = k->w;
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_DKIM];

    if (!k->possible[i])
        return key_missing(k, i);
    switch (k->answer[i].state) {
    case SGL_DKIM_KEY_NONE:
        return key_missing(k, i);
    case SGL_DKIM_KEY_TEMPERROR:
        part->failed = true;
        return SGL_OK;
    case SGL_DKIM_KEY_REVOKED:
        note_key(k, i);
        if (!k->given)
            return SGL_OK; /* a selector that was in use once */
        return lint_key(k, i);
    case SGL_DKIM_KEY_FOUND:
    case SGL_DKIM_KEY_BROKEN:
        note_key(k, i);
        return lint_key(k, i);
    }
    return SGL_OK;
}

/* [RFC 8463 s3] Not every receiver knows Ed25519 yet. */
static enum sgl_status judge_types(struct key_search *k)
{
    const struct sgl_finding what = {.code = "dkim-ed25519-only",
                                     .severity = k->given ? SGL_WARNING : SGL_INFO,
                                     .rule = "RFC 8463 s3"};
    struct sgl_survey *s = k->w->s;
    size_t usable = 0, rsa = 0;

    for (size_t i = 0; i < s->keys; i++) {
        bool good = !s->key[i].revoked && !s->key[i].broken;

        usable += good;
        rsa += good && s->key[i].type == SGL_KEY_RSA;
    }
    if (usable == 0 || rsa > 0 || s->part[SGL_SURVEY_DKIM].failed)
        return SGL_OK;
    return sgl_finding_add(&s->part[SGL_SURVEY_DKIM].findings, k->w->arena, &what,
                           "an RSA key of 2048 bits at a second selector; sign with both",
                           "All keys that were found are Ed25519: receivers that do not know it "
                           "see no signature.");
}

/* A wildcard answers for every selector: all of the well-known ones have the same record. */
static bool is_wildcard(const struct key_search *k)
{
    for (size_t i = 0; i < k->selectors; i++) {
        if (k->record[i].len == 0 || !sgl_view_eq(k->record[i], k->record[0]))
            return false;
    }
    return !k->given;
}

static enum sgl_status judge_keys(struct key_search *k)
{
    static const struct sgl_finding not_seen = {.code = "dkim-not-seen", .severity = SGL_INFO},
                                    wildcard = {.code = "dkim-wildcard", .severity = SGL_WARNING};
    struct sgl_survey_work *w = k->w;
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_DKIM];
    bool all = is_wildcard(k);
    size_t usable = 0;

    for (size_t i = 0; i < (all ? 1 : k->selectors); i++)
        SGL_TRY(judge_key(k, i));
    w->s->key = k->key;
    SGL_TRY(judge_types(k));
    if (all)
        SGL_TRY(sgl_finding_add(&part->findings, w->arena, &wildcard,
                                "remove the wildcard record, and publish each key at its selector",
                                "A wildcard record answers for every DKIM selector: keys that were "
                                "withdrawn seem to be there still."));
    for (size_t i = 0; i < w->s->keys; i++)
        usable += !w->s->key[i].revoked && !w->s->key[i].broken;
    part->state = sgl_survey_state_by(&part->findings);
    if (usable == 0 && part->state != SGL_SURVEY_BAD)
        part->state = SGL_SURVEY_UNKNOWN;
    if (part->failed && part->state == SGL_SURVEY_GOOD)
        part->state = SGL_SURVEY_UNKNOWN;
    if (w->s->keys > 0)
        part->record = w->s->key[0].record;
    if (usable > 0)
        return sgl_survey_say(w, SGL_SURVEY_DKIM, "%zu key%s", usable, usable == 1 ? "" : "s");
    if (k->given || part->failed)
        return sgl_survey_say(w, SGL_SURVEY_DKIM,
                              part->failed ? "the lookup failed" : "no usable key");
    SGL_TRY(sgl_finding_add(&part->findings, w->arena, &not_seen, NULL,
                            "No DKIM key was found at the well-known selectors. Mail may be signed "
                            "all the same: name its selector (s= in DKIM-Signature)."));
    return sgl_survey_say(w, SGL_SURVEY_DKIM, "no key at a well-known selector");
}

enum sgl_status sgl_survey_dkim(struct sgl_survey_work *w)
{
    const struct sgl_survey_request *q = w->request;
    struct key_search k = {.w = w, .given = q->selectors > 0};

    k.selector = k.given ? q->selector : well_known;
    k.selectors = k.given ? q->selectors : sizeof well_known / sizeof well_known[0];
    if (k.selectors > SGL_LIMIT_SURVEY_SELECTORS)
        k.selectors = SGL_LIMIT_SURVEY_SELECTORS;
    k.answer = SGL_NEW_N(w->arena, k.selectors, struct sgl_dkim_key_answer);
    k.record = SGL_NEW_N(w->arena, k.selectors, sgl_view);
    k.possible = SGL_NEW_N(w->arena, k.selectors, bool);
    k.key = SGL_NEW_N(w->arena, k.selectors, struct sgl_survey_key);
    if (k.answer == NULL || k.record == NULL || k.possible == NULL || k.key == NULL)
        return w->arena->status;
    SGL_TRY(find_keys(&k));
    return judge_keys(&k);
}

/* ---- DMARC ---- */

/* How many records stand at _dmarc.DOMAIN itself? */
static enum sgl_status count_records(struct sgl_survey_work *w, size_t *count)
{
    struct sgl_arena_mark mark = sgl_arena_mark(w->arena);
    const struct sgl_dns_answer *txt = NULL;
    struct sgl_name name;
    enum sgl_status st;

    *count = 0;
    st = sgl_name_under(SGL_LIT("_dmarc"), w->request->domain, w->arena, &name);
    if (st == SGL_E_LIMIT && w->arena->status == SGL_OK)
        return SGL_OK; /* a name that long cannot exist */
    SGL_TRY(st);
    st = sgl_dns_get(w->dns, name, SGL_RR_TXT, &txt);
    sgl_arena_rewind(w->arena, mark);
    SGL_TRY(st);
    for (size_t i = 0; txt->outcome == SGL_DNS_OK && i < txt->count; i++)
        *count += sgl_dmarc_is_record(txt->rr[i].txt);
    return SGL_OK;
}

static enum sgl_status no_record(struct sgl_survey_work *w, size_t here)
{
    static const struct sgl_finding missing = {.code = "dmarc-missing",
                                               .severity = SGL_ERROR,
                                               .rule = "RFC 9989 s5.1"},
                                    several = {.code = "dmarc-several",
                                               .severity = SGL_ERROR,
                                               .rule = "RFC 9989 s4.10.1"};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_DMARC];
    sgl_view domain = w->request->domain.text;
    char mend[RECORD_SIZE];
    bool misspelt;

    if (here > 1) {
        part->state = SGL_SURVEY_BAD;
        SGL_TRY(sgl_survey_say(w, SGL_SURVEY_DMARC, "%zu records", here));
        return sgl_finding_add(&part->findings, w->arena, &several, "keep one of them",
                               "There are %zu DMARC records at _dmarc.%.*s: receivers act as if "
                               "there were none.",
                               here, SGL_FMT(domain));
    }
    snprintf(mend, sizeof mend, "_dmarc.%.*s TXT \"v=DMARC1; p=none; rua=mailto:dmarc@%.*s\"",
             SGL_FMT(domain), SGL_FMT(domain));
    SGL_TRY(sgl_survey_near_miss(w, SGL_SURVEY_DMARC, SGL_LIT("_dmarc"), SGL_LIT("dmarc"),
                                 "v=DMARC1;", mend, &misspelt));
    if (misspelt)
        return SGL_OK;
    part->state = SGL_SURVEY_ABSENT;
    SGL_TRY(sgl_survey_say(w, SGL_SURVEY_DMARC, "no record"));
    return sgl_finding_add(&part->findings, w->arena, &missing, mend,
                           "There is no DMARC record: anyone can put this domain into From, and "
                           "large receivers refuse bulk mail from it.");
}

static enum sgl_status judge_dmarc(struct sgl_survey_work *w)
{
    static const struct sgl_finding inherited = {
        .code = "dmarc-inherited", .severity = SGL_INFO, .rule = "RFC 9989 s4.10.1"};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_DMARC];
    const struct sgl_dmarc *d = &w->s->dmarc;
    /* whether they take the reports is asked below */
    struct sgl_survey_adoption how = {.without = "dmarc-external-destination"};
    struct sgl_findings found = {0};

    part->record = d->record;
    SGL_TRY(sgl_dmarc_lint(d->policy_domain, d->record, w->arena, &found));
    SGL_TRY(sgl_survey_adopt(w, SGL_SURVEY_DMARC, &found, &how));
    part->state = sgl_survey_state_by(&part->findings);
    if (!sgl_name_eq(d->policy_domain, w->request->domain)) {
        SGL_TRY(sgl_finding_add(&part->findings, w->arena, &inherited, NULL,
                                "The domain has no DMARC record of its own: that of %.*s applies.",
                                SGL_FMT(d->policy_domain.text)));
    }
    if (!d->has_policy || d->policy == SGL_DMARC_POLICY_NONE) {
        if (part->state == SGL_SURVEY_GOOD)
            part->state = SGL_SURVEY_WEAK; /* it reports, but protects nothing */
    }
    return sgl_survey_say(w, SGL_SURVEY_DMARC, "%s%s",
                          d->has_policy ? sgl_dmarc_policy_name(d->policy) : "no policy",
                          d->has_policy && d->tested ? " (tested only)" : "");
}

enum sgl_status sgl_survey_dmarc(struct sgl_survey_work *w)
{
    struct sgl_dmarc_request request = {.author = w->request->domain, .rules = SGL_DMARC_RFC9989};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_DMARC];
    size_t here = 0;
    enum sgl_status st = sgl_dmarc_check(&request, w->dns, w->arena, &w->s->dmarc);

    SGL_TRY(sgl_join(st, count_records(w, &here)));
    if (w->s->dmarc.result == SGL_DMARC_TEMPERROR && w->s->dmarc.record.len == 0) {
        part->failed = true;
        part->state = SGL_SURVEY_UNKNOWN;
        return sgl_survey_say(w, SGL_SURVEY_DMARC, "the lookup failed");
    }
    return w->s->dmarc.record.len == 0 ? no_record(w, here) : judge_dmarc(w);
}

/* ---- where its reports go ---- */

static bool seen_before(const struct sgl_name *host, size_t count, struct sgl_name one)
{
    for (size_t i = 0; i < count; i++) {
        if (sgl_name_eq(host[i], one))
            return true;
    }
    return false;
}

static enum sgl_status judge_destination(struct sgl_survey_work *w, struct sgl_name host)
{
    static const struct sgl_finding refused = {
        .code = "dmarc-destination-refused", .severity = SGL_WARNING, .rule = "RFC 9990 s4"};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_DMARC];
    struct sgl_name domain = w->s->dmarc.policy_domain;
    enum sgl_dmarc_destination state;
    char mend[RECORD_SIZE];
    sgl_view rua;

    SGL_TRY(sgl_dmarc_destination(domain, host, w->dns, w->arena, &state, &rua));
    switch (state) {
    case SGL_DMARC_DEST_OWN:
    case SGL_DMARC_DEST_AUTHORISED:
        return SGL_OK;
    case SGL_DMARC_DEST_TEMPERROR:
        part->failed = true;
        return SGL_OK;
    case SGL_DMARC_DEST_REFUSED:
        break;
    }
    if (part->state == SGL_SURVEY_GOOD)
        part->state = SGL_SURVEY_WEAK;
    snprintf(mend, sizeof mend, "%.*s._report._dmarc.%.*s TXT \"v=DMARC1;\"", SGL_FMT(domain.text),
             SGL_FMT(host.text));
    return sgl_finding_add(&part->findings, w->arena, &refused, mend,
                           "%.*s has not agreed to take DMARC reports about %.*s: none are sent "
                           "there.",
                           SGL_FMT(host.text), SGL_FMT(domain.text));
}

/* Hosts outside of the domain that rua= and ruf= name, each once. */
static enum sgl_status destination_hosts(struct sgl_survey_work *w, struct sgl_name *host,
                                         size_t *count)
{
    const struct sgl_dmarc_record *r = &w->s->dmarc.parsed;

    for (size_t i = 0; i < r->ruas + r->rufs; i++) {
        sgl_view uri = i < r->ruas ? r->rua[i] : r->ruf[i - r->ruas];
        enum sgl_status st;

        if (!sgl_view_starts_nocase(uri, SGL_LIT("mailto:")))
            continue;
        st = sgl_dmarc_uri_host(uri, w->arena, &host[*count]);
        if (st == SGL_E_SYNTAX || (st == SGL_E_LIMIT && w->arena->status == SGL_OK))
            continue;
        SGL_TRY(st);
        if (!seen_before(host, *count, host[*count]))
            (*count)++;
    }
    return SGL_OK;
}

enum sgl_status sgl_survey_destinations(struct sgl_survey_work *w)
{
    const struct sgl_dmarc_record *r = &w->s->dmarc.parsed;
    struct sgl_name *host;
    size_t count = 0;
    enum sgl_status st = SGL_OK;

    if (w->s->dmarc.record.len == 0 || r->ruas + r->rufs == 0)
        return SGL_OK;
    host = SGL_NEW_N(w->arena, r->ruas + r->rufs, struct sgl_name);
    if (host == NULL)
        return w->arena->status;
    SGL_TRY(destination_hosts(w, host, &count));
    for (size_t i = 0; i < count; i++)
        st = sgl_join(st, judge_destination(w, host[i]));
    return st;
}
