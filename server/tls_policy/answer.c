/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is owed is never said to be less.  Postfix knows one level for all hosts of a domain; so:
 *
 *                          every host by DANE    some by DANE    none     not known
 *   policy enforced        left to DANE          dane-only       secure   TEMP
 *   policy not known       left to DANE          TEMP            TEMP     TEMP
 *   none, or under test    left to DANE          dane *          nothing  TEMP *       (*: where DANE is said; else nothing)
 *
 * A host whose lookup failed is not "by DANE" where others are.
 * "secure" where DANE protects would override DANE [RFC 8461 s2]; "dane" where a policy binds the other hosts would let those go unproved.
 */
#include "answer.h"

#include "../sts/sts.h"

static bool is_enforced(const struct sts_answer *sts)
{
    return sts->state == STS_POLICY && sts->policy->policy.mode == SGL_MTA_STS_ENFORCE;
}

bool answer_needs_dane(const struct sts_answer *sts, bool says_dane)
{
    return says_dane || sts->state == STS_UNKNOWN || is_enforced(sts);
}

/* ---- words ---- */

static void put_temp(struct sgl_buf *out, sgl_view domain, const char *what, const char *why)
{
    sgl_buf_addf(out, "TEMP %s of %.*s not known", what, SGL_FMT(domain));
    if (why != NULL && why[0] != '\0') {
        sgl_buf_add_cstr(out, ": ");
        sgl_buf_add_escaped(out, sgl_view_cstr(why), 300);
    }
}

/* What a report says of the policy, made from what was understood of it: nothing foreign comes through [RFC 8460 s4.4]. */
static void put_details(struct sgl_buf *out, const struct sts_policy *p)
{
    const struct sgl_mta_sts_policy *m = &p->policy;

    sgl_buf_addf(out, " policy_type=sts policy_domain=%.*s policy_ttl=%u", SGL_FMT(p->domain),
                 m->max_age_s);
    for (size_t i = 0; i < m->count; i++)
        sgl_buf_addf(out, " mx_host_pattern=%s%.*s", m->mx[i].wildcard ? "*." : "",
                     SGL_FMT(m->mx[i].name.text));
    sgl_buf_addf(out, " { policy_string = version: STSv1 } { policy_string = mode: %s }",
                 sgl_mta_sts_mode_name(m->mode));
    for (size_t i = 0; i < m->count; i++)
        sgl_buf_addf(out, " { policy_string = mx: %s%.*s }", m->mx[i].wildcard ? "*." : "",
                     SGL_FMT(m->mx[i].name.text));
    sgl_buf_addf(out, " { policy_string = max_age: %u }", m->max_age_s);
}

/* A leading dot is how Postfix writes "*.".  The name asked for in TLS is that of the host [RFC 8461 s4.2]. */
static void put_secure(struct sgl_buf *out, const struct answer_facts *f)
{
    const struct sgl_mta_sts_policy *m = &f->sts->policy->policy;
    sgl_auto(sgl_buf) details = SGL_BUF_INIT(ANSWER_MAX);

    sgl_buf_add_cstr(out, "OK secure match=");
    for (size_t i = 0; i < m->count; i++)
        sgl_buf_addf(out, "%s%s%.*s", i == 0 ? "" : ":", m->mx[i].wildcard ? "." : "",
                     SGL_FMT(m->mx[i].name.text));
    sgl_buf_add_cstr(out, " servername=hostname");
    if (f->details)
        put_details(&details, f->sts->policy);
    if (details.status == SGL_OK && out->len + details.len <= ANSWER_MAX)
        sgl_buf_add(out, sgl_buf_view(&details));
}

/* ---- which ---- */

static void put_dane(struct sgl_buf *out, const struct answer_facts *f)
{
    sgl_buf_add_cstr(out, f->says_dane ? "OK dane-only" : "NOTFOUND ");
}

static bool all_by_dane(const struct answer_dane *d)
{
    return !d->failed && d->proved > 0 && d->bare == 0 &&
           d->unknown == 0; /* Postfix looks later, and may find there what lets it go unproved */
}

/* Whether DANE protects any host is not known. */
static bool is_open(const struct answer_dane *d)
{
    return d->failed || (d->proved == 0 && d->unknown > 0);
}

static void put_enforced(struct sgl_buf *out, const struct answer_facts *f)
{
    if (all_by_dane(f->dane))
        put_dane(out, f);
    else if (is_open(f->dane))
        put_temp(out, f->domain, "DANE", f->dane->why);
    else if (f->dane->proved > 0)
        sgl_buf_add_cstr(out, "OK dane-only");
    else
        put_secure(out, f);
}

static void put_without_policy(struct sgl_buf *out, const struct answer_facts *f)
{
    if (!f->says_dane)
        sgl_buf_add_cstr(out, "NOTFOUND ");
    else if (all_by_dane(f->dane))
        put_dane(out, f);
    else if (is_open(f->dane))
        put_temp(out, f->domain, "DANE", f->dane->why);
    else
        sgl_buf_add_cstr(out, f->dane->proved > 0 ? "OK dane" : "NOTFOUND ");
}

void answer_put(const struct answer_facts *f, struct sgl_buf *out)
{
    if (f->dane == NULL && answer_needs_dane(f->sts, f->says_dane))
        put_temp(out, f->domain, "DANE", "it was not looked at");
    else if (f->sts->state == STS_UNKNOWN && !all_by_dane(f->dane))
        put_temp(out, f->domain, "MTA-STS", f->sts->why);
    else if (f->sts->state == STS_UNKNOWN)
        put_dane(out, f);
    else if (is_enforced(f->sts))
        put_enforced(out, f);
    else
        put_without_policy(out, f);
}
