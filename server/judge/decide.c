/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done with a message that was judged.  Pure: the same facts give the same decision.
 *
 *   what the author's domain asks (after a trusted chain)  ->  may it be refused?  ->  our own mode  ->  an override of ours
 *
 * DMARC speaks first: where the domain has a policy, SPF's "fail" alone decides nothing, and p=none changes nothing at all.  [RFC 9989 s5.4]
 */
#include <stdio.h>

#include "judge.h"
#include "sigillo/limits.h"

/* ---- words ---- */

static void answer(struct judge_decision *out, enum judge_action action, uint16_t code,
                   const char *enhanced)
{
    out->action = action;
    out->code = code;
    snprintf(out->enhanced, sizeof(out->enhanced), "%s", enhanced);
}

/* A domain as part of a sentence: only one that is a name. */
static const char *shown(sgl_view domain, char out[SGL_LIMIT_NAME_TEXT + 1])
{
    if (domain.len == 0 || domain.len > SGL_LIMIT_NAME_TEXT ||
        !sgl_name_ok(domain, SGL_NAME_UNDERSCORE))
        return "the domain";
    memcpy(out, domain.ptr, domain.len);
    out[domain.len] = '\0';
    return out;
}

static void give(struct judge_decision *out, enum judge_reason reason, const char *comment)
{
    struct judge_given *g;

    if (out->givens == JUDGE_REASONS_MAX)
        return;
    g = &out->given[out->givens++];
    g->reason = reason;
    snprintf(g->comment, sizeof(g->comment), "%s", comment);
}

/* ---- what is asked for ---- */

/* The author's own signature is there, but the message was changed behind it: it came from him by way of somebody. */
static bool is_broken_on_the_way(const struct sgl_verdict *v)
{
    struct sgl_name domain;

    for (size_t i = 0; i < v->dkim.count; i++) {
        domain.text = v->dkim.item[i].tags.domain;
        if (v->dkim.item[i].result == SGL_DKIM_FAIL && domain.text.len > 0 &&
            sgl_name_ok(domain.text, SGL_NAME_UNDERSCORE) &&
            sgl_name_is_at_or_below(domain, v->dmarc.org))
            return true;
    }
    return false;
}

static bool spf_says(const struct sgl_verdict *v, enum sgl_spf_result result)
{
    return v->spf_checked && v->spf.result == result;
}

static bool failed_dkim(const struct sgl_verdict *v)
{
    for (size_t i = 0; i < v->dkim.count; i++)
        if (v->dkim.item[i].result == SGL_DKIM_FAIL)
            return true;
    return false;
}

/* [RFC 9989 s7.2; RFC 7372 s3.3] */
static void refuse_by_dmarc(const struct sgl_verdict *v, struct judge_decision *out)
{
    char name[SGL_LIMIT_NAME_TEXT + 1];
    bool several = spf_says(v, SGL_SPF_FAIL) && failed_dkim(v);

    answer(out, JUDGED_REJECT, 550, several ? "5.7.26" : "5.7.1");
    out->disposition = JUDGE_DISPOSED_REJECT;
    snprintf(out->text, sizeof(out->text),
             "refused by the DMARC policy of %s: neither SPF nor DKIM shows that it is from there",
             shown(v->dmarc.author.text, name));
}

static void quarantine(struct judge_decision *out)
{
    answer(out, JUDGED_QUARANTINE, 250, "2.0.0");
    out->disposition = JUDGE_DISPOSED_QUARANTINE;
}

/*
 * "reject" alone is not enough to refuse a message; that nothing in it tells of a list, of a forwarder or of a change on the way is what we know beside.  [RFC 9989 s7.4, s8]
 */
static void obey_reject(const struct judge_facts *f, struct judge_decision *out)
{
    if (f->path == JUDGE_PATH_LIST) {
        quarantine(out);
        give(out, JUDGE_MAILING_LIST, "it came by a mailing list");
    } else if (f->path == JUDGE_PATH_RELAYED) {
        quarantine(out);
        give(out, JUDGE_LOCAL_POLICY, "it was passed on by another server");
    } else if (is_broken_on_the_way(f->verdict)) {
        quarantine(out);
        give(out, JUDGE_LOCAL_POLICY, "it is signed by its domain and was changed on the way");
    } else {
        refuse_by_dmarc(f->verdict, out);
    }
}

static void wait_or_not(const struct judge_policy *p, struct judge_decision *out,
                        const char *enhanced, const char *text)
{
    out->unanswered = true;
    switch (p->on_temperror) {
    case JUDGE_TEMPERROR_DEFER:
        answer(out, JUDGED_DEFER, 451, enhanced);
        snprintf(out->text, sizeof(out->text), "%s", text);
        break;
    case JUDGE_TEMPERROR_QUARANTINE:
        answer(out, JUDGED_QUARANTINE, 250, "2.0.0");
        break;
    case JUDGE_TEMPERROR_ACCEPT:
        break;
    }
}

static void obey_failure(const struct judge_policy *p, const struct judge_facts *f,
                         struct judge_decision *out)
{
    const struct sgl_verdict *v = f->verdict;

    if (v->disposition != SGL_DMARC_POLICY_NONE && v->override_unknown) {
        wait_or_not(p, out, "4.7.1",
                    "whether a trusted server vouches for it cannot be looked up now");
        return;
    }
    switch (v->disposition) {
    case SGL_DMARC_POLICY_NONE:
        break;
    case SGL_DMARC_QUARANTINE:
        quarantine(out);
        break;
    case SGL_DMARC_REJECT:
        obey_reject(f, out);
        break;
    }
    if (v->dmarc.tested)
        give(out, JUDGE_POLICY_TEST_MODE, "");
}

/* A trusted chain: the sealer that is believed, as receivers write it.  [RFC 8617 s7.2.2] */
static void tell_chain(const struct sgl_verdict *v, struct judge_decision *out)
{
    const struct sgl_arc_set *w = v->witness;
    char domain[SGL_LIMIT_NAME_TEXT + 1], selector[SGL_LIMIT_NAME_TEXT + 1], text[200];

    if (w == NULL)
        return;
    snprintf(text, sizeof(text), "arc=pass as[%u].d=%.90s as[%u].s=%.60s", w->instance,
             shown(w->seal_tags.domain, domain), w->instance,
             shown(w->seal_tags.selector, selector));
    give(out, JUDGE_LOCAL_POLICY, text);
}

/* Without a policy of DMARC: SPF by itself.  [RFC 7208 s8.4, RFC 7372 s3.2] */
static void obey_spf(const struct judge_policy *p, const struct sgl_verdict *v,
                     struct judge_decision *out)
{
    char name[SGL_LIMIT_NAME_TEXT + 1];

    if (spf_says(v, SGL_SPF_TEMPERROR) && p->spf_fail != JUDGED_ACCEPT) {
        wait_or_not(p, out, "4.7.24", "the SPF record of the sender cannot be looked up now");
        return;
    }
    if (!spf_says(v, SGL_SPF_FAIL))
        return;
    switch (p->spf_fail) {
    case JUDGED_ACCEPT:
        break;
    case JUDGED_QUARANTINE:
        answer(out, JUDGED_QUARANTINE, 250, "2.0.0");
        break;
    case JUDGED_REJECT:
        answer(out, JUDGED_REJECT, 550, "5.7.23");
        snprintf(out->text, sizeof(out->text),
                 "SPF: your address may not send mail of %s, and nothing else shows that it may",
                 shown(v->spf.domain, name));
        break;
    case JUDGED_DEFER:
        answer(out, JUDGED_DEFER, 451, "4.7.23");
        snprintf(out->text, sizeof(out->text), "SPF: your address may not send mail of %s",
                 shown(v->spf.domain, name));
        break;
    }
}

/* Whose mail it is cannot be told: not harmless.  Two From fields are made for readers who look at the other one.  [RFC 9989 s5.3.1, s11.5] */
static void obey_nobody(const struct sgl_verdict *v, struct judge_decision *out)
{
    if (v->author == SGL_DMARC_AUTHOR_FIELDS) {
        answer(out, JUDGED_REJECT, 550, "5.7.1");
        snprintf(out->text, sizeof(out->text), "it has more than one From field");
        return;
    }
    answer(out, JUDGED_QUARANTINE, 250, "2.0.0");
}

static void obey(const struct judge_policy *p, const struct judge_facts *f,
                 struct judge_decision *out)
{
    const struct sgl_verdict *v = f->verdict;

    if (v->author != SGL_DMARC_AUTHOR_OK) {
        obey_nobody(v, out);
        return;
    }
    switch (v->dmarc.result) {
    case SGL_DMARC_PASS:
        out->disposition = JUDGE_DISPOSED_PASS;
        break;
    case SGL_DMARC_FAIL:
        if (v->overridden)
            tell_chain(v, out);
        obey_failure(p, f, out);
        break;
    case SGL_DMARC_TEMPERROR: /* the policy is not applied  [RFC 9989 s5.3.6]; one of "none" is known to change nothing */
        if (!v->dmarc.has_policy || v->dmarc.policy != SGL_DMARC_POLICY_NONE ||
            v->dmarc.author_exists_unknown)
            wait_or_not(p, out, "4.7.1",
                        "DMARC: what is needed to judge this message cannot be looked up now");
        break;
    case SGL_DMARC_NONE:
    case SGL_DMARC_PERMERROR:
        obey_spf(p, v, out);
        break;
    }
}

/* ---- what we make of it ---- */

static bool is_covered(const struct judge_override *o, sgl_view domain)
{
    for (size_t i = 0; i < o->domains; i++) {
        sgl_view d = o->domain[i];

        if (d.len > 0 && d.ptr[0] == '.' ? domain.len > d.len && sgl_view_ends_nocase(domain, d)
                                         : sgl_view_eq_nocase(domain, d))
            return true;
    }
    return false;
}

static bool is_authenticated_as(const struct judge_override *o, const struct sgl_verdict *v)
{
    if (spf_says(v, SGL_SPF_PASS) && is_covered(o, v->spf.domain))
        return true;
    for (size_t i = 0; i < v->dkim.count; i++)
        if (v->dkim.item[i].result == SGL_DKIM_PASS && is_covered(o, v->dkim.item[i].tags.domain))
            return true;
    return false;
}

static bool is_from(const struct judge_override *o, const struct sgl_ip *ip)
{
    struct sgl_ip plain = sgl_ip_unmap(ip);

    for (size_t i = 0; i < o->networks; i++)
        if (sgl_ip_in_prefix(&plain, &o->network[i]))
            return true;
    return false;
}

static const struct judge_override *find_override(const struct judge_policy *p,
                                                  const struct judge_facts *f)
{
    for (size_t i = 0; i < p->overrides; i++) {
        const struct judge_override *o = &p->override[i];

        if ((o->networks == 0 && o->domains == 0) || (o->networks > 0 && !is_from(o, &f->ip)) ||
            (o->domains > 0 && !is_authenticated_as(o, f->verdict)))
            continue;
        return o;
    }
    return NULL;
}

/* A report tells of what is done in the end. */
static void dispose(struct judge_decision *out, enum judge_disposition disposition)
{
    if (out->disposition == JUDGE_DISPOSED_REJECT || out->disposition == JUDGE_DISPOSED_QUARANTINE)
        out->disposition = disposition;
}

static void let_through(struct judge_decision *out, enum judge_reason reason, const char *comment)
{
    answer(out, JUDGED_ACCEPT, 250, "2.0.0");
    out->text[0] = '\0';
    dispose(out, JUDGE_DISPOSED_NONE);
    give(out, reason, comment);
}

/* Our own mode.  Whether a message waits for an answer of DNS is another question: on_temperror has answered it. */
static void soften(const struct judge_policy *p, struct judge_decision *out)
{
    switch (p->dmarc) {
    case JUDGE_FOLLOW:
        break;
    case JUDGE_QUARANTINE:
        if (out->action != JUDGED_REJECT)
            break;
        answer(out, JUDGED_QUARANTINE, 250, "2.0.0");
        out->text[0] = '\0';
        dispose(out, JUDGE_DISPOSED_QUARANTINE);
        give(out, JUDGE_LOCAL_POLICY, "nothing is refused here");
        break;
    case JUDGE_MARK:
        if (out->action != JUDGED_DEFER)
            let_through(out, JUDGE_LOCAL_POLICY, "messages are only marked here");
        break;
    }
}

void judge_decide(const struct judge_policy *policy, const struct judge_facts *facts,
                  struct judge_decision *out)
{
    const struct judge_override *o;

    memset(out, 0, sizeof(*out));
    answer(out, JUDGED_ACCEPT, 250, "2.0.0");
    obey(policy, facts, out);
    if (out->action == JUDGED_ACCEPT)
        return;
    o = find_override(policy, facts);
    if (o != NULL) {
        out->override = o->name;
        out->givens = 0;
        let_through(out, o->reason, o->comment != NULL ? o->comment : o->name);
        return;
    }
    soften(policy, out);
}
