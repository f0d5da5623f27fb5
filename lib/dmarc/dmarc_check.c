/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One evaluation, as straight lines:
 *
 *   walk from the author -> the record that applies -> p, sp or np -> which identifiers align? -> result and disposition
 */
#include "dmarc_internal.h"
#include "sigillo/banned.h"
#include "sigillo/idn.h"

/* Names with this many labels in common are likely to have one Organizational Domain: their walks are asked for at once. */
#define LABELS_OF_KIN 2

enum aligned { NOT_ALIGNED, ALIGNED, NOT_KNOWN };

struct check {
    const struct sgl_dmarc_request *request;
    struct sgl_dns *dns;
    struct sgl_arena *arena;
    struct sgl_dmarc *result;
    struct sgl_dmarc_walk walk; /* from the author */
    struct {
        struct sgl_name domain;
        enum aligned aligned;
    } known[SGL_LIMIT_DMARC_WALKS]; /* walks of identifiers: many signatures may have one domain */
    size_t knowns;
    bool undecided;        /* an identifier might have passed and aligned, but a lookup failed */
    bool existence_failed; /* np= and sp= differ and the author's existence is not known */
};

const char *sgl_dmarc_result_name(enum sgl_dmarc_result result)
{
    switch (result) {
    case SGL_DMARC_NONE:
        return "none";
    case SGL_DMARC_PASS:
        return "pass";
    case SGL_DMARC_FAIL:
        return "fail";
    case SGL_DMARC_TEMPERROR:
        return "temperror";
    case SGL_DMARC_PERMERROR:
        return "permerror";
    }
    return "?";
}

/* ---- identifiers ---- */

/* A-labels, lower case, no final dot; false: not a name, so it aligns with nothing. [RFC 9989 s4.10.2, s5.3.1] */
static enum sgl_status read_domain(struct check *c, sgl_view text, struct sgl_name *out, bool *is)
{
    sgl_view ascii;
    enum sgl_status st = sgl_idn_to_ascii(text, c->arena, &ascii);

    if (st == SGL_OK)
        st = sgl_name_parse(ascii, SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT, c->arena, NULL, out);
    *is = st == SGL_OK;
    if (st == SGL_E_SYNTAX || (st == SGL_E_LIMIT && c->arena->status == SGL_OK))
        return SGL_OK;
    return st;
}

static void want_kin(struct check *c, const struct sgl_dmarc_identifier *id)
{
    struct sgl_name domain;
    bool is;

    if (id->auth == SGL_DMARC_AUTH_FAIL || read_domain(c, id->domain, &domain, &is) != SGL_OK ||
        !is || sgl_name_eq(domain, c->result->author))
        return;
    if (sgl_dmarc_share_labels(domain, c->result->author, LABELS_OF_KIN))
        sgl_dmarc_walk_want(domain, c->dns, c->arena);
}

/*
 * While the author's walk waits for answers, those of its kin are asked for as well: most verdicts need one round of DNS.  Nothing here
 * changes a result; scratch memory goes back.
 */
static void want_all_kin(struct check *c)
{
    const struct sgl_dmarc_request *q = c->request;
    struct sgl_arena_mark mark = sgl_arena_mark(c->arena);
    size_t dkims = q->dkims < SGL_LIMIT_DMARC_WALKS ? q->dkims : SGL_LIMIT_DMARC_WALKS;

    if (q->spf != NULL)
        want_kin(c, q->spf);
    for (size_t i = 0; i < dkims; i++)
        want_kin(c, &q->dkim[i]);
    sgl_arena_rewind(c->arena, mark);
}

/* The walk of one identifier. [RFC 9989 s4.10.2] */
static enum sgl_status walk_identifier(struct check *c, struct sgl_name domain, enum aligned *out)
{
    const struct sgl_psl *psl = c->request->psl;
    struct sgl_arena_mark mark = sgl_arena_mark(c->arena);
    struct sgl_dmarc_walk walk;
    enum sgl_status st = sgl_dmarc_walk(domain, psl, c->dns, c->arena, &walk);

    sgl_arena_rewind(c->arena, mark); /* what stays is a tail of domain */
    SGL_TRY(st);
    if (walk.failed)
        *out = NOT_KNOWN;
    else
        *out = sgl_name_eq(walk.org, c->walk.org) ? ALIGNED : NOT_ALIGNED;
    return SGL_OK;
}

/* Walks once for each domain, and for so many domains only. [RFC 9989 s11.5] */
static enum sgl_status align_by_walk(struct check *c, struct sgl_name domain, enum aligned *out)
{
    for (size_t i = 0; i < c->knowns; i++) {
        if (sgl_name_eq(c->known[i].domain, domain)) {
            *out = c->known[i].aligned;
            return SGL_OK;
        }
    }
    *out = NOT_ALIGNED;
    if (c->knowns == SGL_LIMIT_DMARC_WALKS)
        return SGL_OK;
    SGL_TRY(walk_identifier(c, domain, out));
    c->known[c->knowns].domain = domain;
    c->known[c->knowns++].aligned = *out;
    return SGL_OK;
}

/* [RFC 9989 s4.4.1, s4.4.2, s4.10.2] */
static enum sgl_status align(struct check *c, sgl_view text, bool strict, enum aligned *out)
{
    struct sgl_name domain;
    bool is;

    *out = NOT_ALIGNED;
    SGL_TRY(read_domain(c, text, &domain, &is));
    if (!is)
        return SGL_OK;
    if (sgl_name_eq(domain, c->result->author)) {
        *out = ALIGNED;
        return SGL_OK;
    }
    /* An Organizational Domain is the name itself or above it: without a label in common it can't be the same. */
    if (strict || !sgl_dmarc_share_labels(domain, c->result->author, 1))
        return SGL_OK;
    if (c->walk.failed && c->request->rules == SGL_DMARC_RFC9989) {
        *out = NOT_KNOWN;
        return SGL_OK;
    }
    if (!sgl_name_is_at_or_below(domain, c->walk.org))
        return SGL_OK;
    if (c->request->rules == SGL_DMARC_RFC9989)
        return align_by_walk(c, domain, out);
    if (sgl_name_eq(sgl_psl_registrable(c->request->psl, domain), c->walk.org))
        *out = ALIGNED; /* [RFC 7489 s3.1] */
    return SGL_OK;
}

/* *passed: it passed and aligns. A check that ended in temperror might have. [RFC 9989 s5.3.6] */
static enum sgl_status judge(struct check *c, const struct sgl_dmarc_identifier *id, bool strict,
                             bool *passed)
{
    enum aligned aligned;

    *passed = false;
    if (id->auth == SGL_DMARC_AUTH_FAIL)
        return SGL_OK;
    SGL_TRY(align(c, id->domain, strict, &aligned));
    *passed = id->auth == SGL_DMARC_AUTH_PASS && aligned == ALIGNED;
    if (!*passed && aligned != NOT_ALIGNED)
        c->undecided = true;
    return SGL_OK;
}

/* All identifiers are looked at before a missing answer is told of: their questions travel together. */
static enum sgl_status judge_all(struct check *c)
{
    const struct sgl_dmarc_request *q = c->request;
    const struct sgl_dmarc_record *record = &c->walk.record;
    struct sgl_dmarc *r = c->result;
    enum sgl_status st = SGL_OK;
    bool passed;

    if (q->spf != NULL) {
        st = judge(c, q->spf, record->strict_spf, &passed);
        r->spf_aligned = st == SGL_OK && passed;
    }
    for (size_t i = 0; i < q->dkims; i++) {
        enum sgl_status one = judge(c, &q->dkim[i], record->strict_dkim, &passed);

        st = sgl_join(st, one);
        if (one == SGL_OK && passed && !r->dkim_aligned) {
            r->dkim_aligned = true;
            r->dkim_index = i;
        }
    }
    return st;
}

/* ---- the policy ---- */

static void apply_tag(struct sgl_dmarc *r, const char *tag, enum sgl_dmarc_policy policy)
{
    size_t len = strlen(tag);

    memcpy(r->tag, tag, len + 1);
    r->requested = policy;
}

/*
 * NXDOMAIN for the name itself, whatever the type; TXT, because SPF asks that, too.  An alias exists even if it leads nowhere.
 * [RFC 9989 s3.2.13; RFC 8020 s2; RFC 6604 s3]
 */
static enum sgl_status author_exists(struct check *c, bool *exists)
{
    const struct sgl_dns_answer *answer = NULL;

    *exists = true;
    SGL_TRY(sgl_dmarc_get(c->dns, c->result->author, SGL_RR_TXT, &answer));
    if (answer == NULL || sgl_dns_is_error(answer))
        c->existence_failed = true;
    else
        *exists = answer->outcome != SGL_DNS_NXDOMAIN || answer->aliased;
    return SGL_OK;
}

/* Below the record's domain: np or sp or p. [RFC 9989 s4.7, s4.10.1] */
static enum sgl_status choose_below(struct check *c)
{
    const struct sgl_dmarc_record *record = &c->walk.record;
    enum sgl_dmarc_policy existing = record->has_sp ? record->sp : record->p;
    bool exists = true;

    if (c->request->rules == SGL_DMARC_RFC9989 && record->has_np && record->np != existing)
        SGL_TRY(author_exists(c, &exists));
    if (!exists)
        apply_tag(c->result, "np", record->np);
    else
        apply_tag(c->result, record->has_sp ? "sp" : "p", existing);
    return SGL_OK;
}

/* A p= that is missing or not valid, or an sp= or np= that is not: the record counts as p=none, or not at all. [RFC 9989 s4.10.1] */
static bool is_damaged(const struct sgl_dmarc_record *record, enum sgl_dmarc_rules rules)
{
    return !record->has_p || record->bad_sp || (record->bad_np && rules == SGL_DMARC_RFC9989);
}

static enum sgl_dmarc_policy one_below(enum sgl_dmarc_policy policy)
{
    return policy == SGL_DMARC_REJECT ? SGL_DMARC_QUARANTINE : SGL_DMARC_POLICY_NONE;
}

/* t=y, or the share of messages that pct= spares: the next weaker policy. [RFC 9989 s4.7; RFC 7489 s6.6.4] */
static void soften(struct check *c)
{
    const struct sgl_dmarc_record *record = &c->walk.record;
    struct sgl_dmarc *r = c->result;
    bool softer = c->request->rules == SGL_DMARC_RFC9989
                      ? record->test
                      : record->percent < 100 && c->request->sample >= record->percent;

    r->policy = softer ? one_below(r->requested) : r->requested;
    r->tested = r->policy != r->requested;
}

static enum sgl_status choose(struct check *c)
{
    struct sgl_dmarc *r = c->result;

    if (is_damaged(&c->walk.record, c->request->rules))
        apply_tag(r, "", SGL_DMARC_POLICY_NONE);
    else if (sgl_name_eq(c->walk.record_at, r->author))
        apply_tag(r, "p", c->walk.record.p);
    else
        SGL_TRY(choose_below(c));
    r->has_policy = true;
    soften(c);
    return SGL_OK;
}

/* ---- the whole ---- */

static void conclude(struct check *c)
{
    struct sgl_dmarc *r = c->result;

    r->author_exists_unknown = c->existence_failed;
    if (r->spf_aligned || r->dkim_aligned) {
        r->result = SGL_DMARC_PASS;
        r->reason = "";
    } else if (c->undecided) {
        r->result = SGL_DMARC_TEMPERROR;
        r->reason = "a lookup failed that might have made an identifier pass";
    } else if (c->existence_failed) {
        r->result = SGL_DMARC_TEMPERROR;
        r->reason = "whether the author's domain exists could not be looked up";
    } else {
        r->result = SGL_DMARC_FAIL;
        r->reason = "no aligned identifier passed";
        r->disposition = r->policy;
    }
}

static void finish(struct check *c, enum sgl_dmarc_result result, const char *reason)
{
    c->result->result = result;
    c->result->reason = reason;
}

static enum sgl_status use_record(struct check *c)
{
    const struct sgl_dmarc_walk *w = &c->walk;
    struct sgl_dmarc *r = c->result;
    enum sgl_status st;

    r->policy_domain = w->record_at;
    r->record = w->record.text;
    r->parsed = w->record;
    if (is_damaged(&w->record, r->rules) && w->record.ruas == 0) {
        finish(c, SGL_DMARC_NONE, "the record has no valid policy and no address for reports");
        return SGL_OK;
    }
    st = choose(c);
    st = sgl_join(st, judge_all(c));
    if (st == SGL_OK)
        conclude(c);
    return st;
}

static enum sgl_status walk_author(struct check *c)
{
    const struct sgl_dmarc_request *q = c->request;
    struct sgl_name author = c->result->author;

    enum sgl_status st;

    if (q->rules == SGL_DMARC_RFC7489)
        return sgl_dmarc_walk_psl(author, q->psl, c->dns, c->arena, &c->walk);
    st = sgl_dmarc_walk(author, q->psl, c->dns, c->arena, &c->walk);
    if (st == SGL_NEED_DNS)
        want_all_kin(c);
    return st;
}

static enum sgl_status run(struct check *c)
{
    struct sgl_dmarc *r = c->result;
    struct sgl_name *asked;

    SGL_TRY(sgl_name_dup(c->request->author, c->arena, &r->author));
    SGL_TRY(walk_author(c));
    asked = SGL_NEW_N(c->arena, c->walk.asked_count, struct sgl_name);
    if (asked == NULL)
        return c->arena->status;
    memcpy(asked, c->walk.asked, c->walk.asked_count * sizeof *asked);
    r->asked = asked;
    r->asked_count = c->walk.asked_count;
    if (!c->walk.failed || r->rules == SGL_DMARC_RFC7489)
        r->org = c->walk.org;
    if (c->walk.found)
        return use_record(c);
    if (c->walk.failed)
        finish(c, SGL_DMARC_TEMPERROR, "a lookup for the policy failed");
    else if (c->walk.terminated)
        finish(c, SGL_DMARC_NONE, "there are several records where only one may be");
    else
        finish(c, SGL_DMARC_NONE, "no record applies");
    return SGL_OK;
}

enum sgl_status sgl_dmarc_check(const struct sgl_dmarc_request *request, struct sgl_dns *dns,
                                struct sgl_arena *arena, struct sgl_dmarc *out)
{
    struct sgl_name root = {SGL_LIT("")};
    struct sgl_dmarc result = {
        .rules = request->rules, .reason = "", .org = root, .policy_domain = root};
    struct check c = {.request = request, .dns = dns, .arena = arena, .result = &result};
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    enum sgl_status st;

    if (sgl_name_is_root(request->author) ||
        (request->rules == SGL_DMARC_RFC7489 && request->psl == NULL))
        return SGL_E_MISUSE;
    st = run(&c);
    if (st == SGL_OK)
        *out = result;
    else
        sgl_arena_rewind(arena, mark);
    return st;
}
