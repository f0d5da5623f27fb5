/* SPDX-License-Identifier: Apache-2.0 */
/* Where the domain takes mail, and what a connection there has to prove: MX and DANE. */
#include <stdio.h>

#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "sigillo/nullmx.h"
#include "survey_internal.h"

#define RECORD_SIZE 600

static struct sgl_findings *findings(struct sgl_survey_work *w, enum sgl_survey_part part)
{
    return &w->s->part[part].findings;
}

static uint16_t port_of(const struct sgl_survey_work *w)
{
    return w->request->port == 0 ? 25 : w->request->port;
}

/* ---- hosts ---- */

static enum sgl_status look_at_host(struct sgl_survey_work *w, struct sgl_survey_host *h)
{
    const struct sgl_mx *mx = &w->s->mx;
    struct sgl_dane_request request = {.host = h->name,
                                       .port = port_of(w),
                                       .ipv4 = true,
                                       .ipv6 = true,
                                       .domain = w->request->domain,
                                       .canonical = mx->canonical,
                                       .mx_secure = mx->security == SGL_DNS_SECURE};
    const struct sgl_dns_answer *a = NULL;

    SGL_TRY(sgl_dane_check(&request, w->dns, w->arena, &h->dane));
    SGL_TRY(sgl_dns_get(w->dns, h->name, SGL_RR_A, &a)); /* it was asked for above */
    h->aliased = a->aliased;
    return SGL_OK;
}

static enum sgl_status look_at_hosts(struct sgl_survey_work *w)
{
    const struct sgl_mx *mx = &w->s->mx;
    struct sgl_survey_host *host;
    enum sgl_status st = SGL_OK;

    if (mx->state != SGL_MX_HOSTS)
        return SGL_OK;
    host = SGL_NEW_N(w->arena, mx->hosts, struct sgl_survey_host);
    if (host == NULL)
        return w->arena->status;
    for (size_t i = 0; i < mx->hosts; i++) {
        host[i].name = mx->host[i].name;
        host[i].preference = mx->host[i].preference;
        st = sgl_join(st, look_at_host(w, &host[i]));
    }
    w->s->host = host;
    w->s->hosts = mx->hosts;
    return st;
}

/* ---- what is wrong with them ---- */

static enum sgl_status judge_addresses(struct sgl_survey_work *w, const struct sgl_survey_host *h)
{
    static const struct sgl_finding none = {.code = "mx-no-address",
                                            .severity = SGL_ERROR,
                                            .rule = "RFC 5321 s5.1"},
                                    special = {.code = "mx-private-address",
                                               .severity = SGL_ERROR,
                                               .rule = "RFC 5321 s5.1"};
    struct sgl_findings *list = findings(w, SGL_SURVEY_MX);
    char mend[RECORD_SIZE], text[SGL_IP_TEXT_SIZE];
    size_t bad = 0;

    snprintf(mend, sizeof mend, "%.*s A (its public IPv4 address)", SGL_FMT(h->name.text));
    if (h->dane.addresses_state == SGL_DANE_ADDRESSES_NONE &&
        !sgl_name_ok(h->name.text, SGL_NAME_HOST))
        return SGL_OK; /* it needs another name, not an address: judge_name() says so */
    if (h->dane.addresses_state == SGL_DANE_ADDRESSES_NONE)
        return sgl_finding_add(list, w->arena, &none, mend,
                               "The MX host %.*s has no address: mail that is sent there can't be "
                               "delivered.",
                               SGL_FMT(h->name.text));
    for (size_t i = 0; i < h->dane.addresses; i++)
        bad += sgl_ip_is_special(&h->dane.address[i]);
    if (bad == 0)
        return SGL_OK;
    for (size_t i = 0; i < h->dane.addresses; i++) {
        if (!sgl_ip_is_special(&h->dane.address[i]))
            continue;
        sgl_ip_text(&h->dane.address[i], text);
        break;
    }
    return sgl_finding_add(list, w->arena, &special, mend,
                           "The MX host %.*s has the address %s, which nobody on the Internet can "
                           "reach.",
                           SGL_FMT(h->name.text), text);
}

static enum sgl_status judge_name(struct sgl_survey_work *w, const struct sgl_survey_host *h)
{
    static const struct sgl_finding name = {.code = "mx-not-a-host",
                                            .severity = SGL_ERROR,
                                            .rule = "RFC 5321 s2.3.5"},
                                    alias = {.code = "mx-alias",
                                             .severity = SGL_WARNING,
                                             .rule = "RFC 2181 s10.3"};
    struct sgl_findings *list = findings(w, SGL_SURVEY_MX);
    char mend[RECORD_SIZE];

    snprintf(mend, sizeof mend, "%.*s MX %u HOST", SGL_FMT(w->request->domain.text), h->preference);
    if (!sgl_name_ok(h->name.text, SGL_NAME_HOST))
        return sgl_finding_add(list, w->arena, &name, mend,
                               "The MX record names %.*s, which is not the name of a host: many "
                               "senders refuse it.",
                               SGL_FMT(h->name.text));
    if (h->aliased && !w->s->mx.implicit)
        return sgl_finding_add(list, w->arena, &alias, mend,
                               "The MX host %.*s is an alias (CNAME): some senders do not follow "
                               "it. Name the host that it leads to.",
                               SGL_FMT(h->name.text));
    return SGL_OK;
}

static enum sgl_status judge_families(struct sgl_survey_work *w)
{
    static const struct sgl_finding no_ipv4 = {.code = "mx-no-ipv4", .severity = SGL_WARNING},
                                    no_ipv6 = {.code = "mx-no-ipv6", .severity = SGL_INFO};
    struct sgl_findings *list = findings(w, SGL_SURVEY_MX);
    char mend[RECORD_SIZE];
    size_t v4 = 0, v6 = 0;

    for (size_t i = 0; i < w->s->hosts; i++) {
        const struct sgl_dane *d = &w->s->host[i].dane;

        for (size_t a = 0; a < d->addresses; a++) {
            v4 += d->address[a].version == 4;
            v6 += d->address[a].version == 6;
        }
    }
    if (v6 > 0 && v4 == 0) {
        snprintf(mend, sizeof mend, "%.*s A (its public IPv4 address)",
                 SGL_FMT(w->s->host[0].name.text));
        return sgl_finding_add(list, w->arena, &no_ipv4, mend,
                               "No MX host has an IPv4 address: senders without IPv6 can't deliver "
                               "mail.");
    }
    if (v4 > 0 && v6 == 0)
        return sgl_finding_add(list, w->arena, &no_ipv6, NULL, "No MX host has an IPv6 address.");
    return SGL_OK;
}

static enum sgl_status judge_hosts(struct sgl_survey_work *w)
{
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_MX];

    for (size_t i = 0; i < w->s->hosts; i++) {
        const struct sgl_survey_host *h = &w->s->host[i];

        SGL_TRY(judge_name(w, h));
        if (h->dane.addresses_state == SGL_DANE_ADDRESSES_FAILED)
            part->failed = true;
        else
            SGL_TRY(judge_addresses(w, h));
    }
    SGL_TRY(judge_families(w));
    part->state = sgl_survey_state_by(&part->findings);
    if (part->failed && part->state != SGL_SURVEY_BAD)
        part->state = SGL_SURVEY_UNKNOWN;
    return sgl_survey_say(w, SGL_SURVEY_MX, "%zu host%s%s", w->s->hosts,
                          w->s->hosts == 1 ? "" : "s",
                          w->s->mx.security == SGL_DNS_SECURE ? ", signed by DNSSEC" : "");
}

/* No MX record: the domain's own addresses count, when there are any. */
static enum sgl_status judge_implicit(struct sgl_survey_work *w)
{
    static const struct sgl_finding implicit = {.code = "mx-implicit",
                                                .severity = SGL_WARNING,
                                                .rule = "RFC 5321 s5.1"},
                                    missing = {.code = "mx-missing",
                                               .severity = SGL_WARNING,
                                               .rule = "RFC 7505 s3"};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_MX];
    sgl_view domain = w->request->domain.text;
    char mend[RECORD_SIZE];

    if (w->s->host[0].dane.addresses_state == SGL_DANE_ADDRESSES_OK) {
        snprintf(mend, sizeof mend, "%.*s MX 10 %.*s.", SGL_FMT(domain), SGL_FMT(domain));
        SGL_TRY(sgl_finding_add(&part->findings, w->arena, &implicit, mend,
                                "The domain has no MX record: senders try its own address, which "
                                "may be a web server."));
        return judge_hosts(w);
    }
    w->s->hosts = 0;
    if (w->s->host[0].dane.addresses_state == SGL_DANE_ADDRESSES_FAILED) {
        part->failed = true;
        part->state = SGL_SURVEY_UNKNOWN;
        return sgl_survey_say(w, SGL_SURVEY_MX, "its addresses could not be looked up");
    }
    snprintf(mend, sizeof mend, "%.*s MX 0 .", SGL_FMT(domain));
    part->state = SGL_SURVEY_ABSENT;
    SGL_TRY(sgl_finding_add(&part->findings, w->arena, &missing, mend,
                            "The domain has neither an MX record nor an address: mail to it stays "
                            "in the senders' queues for days. If it takes no mail, say so."));
    return sgl_survey_say(w, SGL_SURVEY_MX, "none");
}

static enum sgl_status judge_failed(struct sgl_survey_work *w)
{
    static const struct sgl_finding bogus = {
        .code = "dnssec-bogus", .severity = SGL_ERROR, .rule = "RFC 4035 s5.5"};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_MX];
    const struct sgl_dns_answer *answer = NULL;

    SGL_TRY(sgl_dns_get(w->dns, w->request->domain, SGL_RR_MX, &answer));
    part->failed = true;
    part->state = SGL_SURVEY_UNKNOWN;
    if (answer->outcome == SGL_DNS_BOGUS) {
        part->state = SGL_SURVEY_BAD;
        SGL_TRY(sgl_finding_add(&part->findings, w->arena, &bogus,
                                "sign the zone anew, or take its DS record out of the parent zone",
                                "The domain's DNSSEC signatures are not valid: for everyone whose "
                                "resolver validates it does not exist (%s).",
                                answer->why));
    }
    return sgl_survey_say(w, SGL_SURVEY_MX, "the lookup failed");
}

static enum sgl_status judge_no_domain(struct sgl_survey_work *w)
{
    static const struct sgl_finding none = {.code = "domain-missing", .severity = SGL_ERROR};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_MX];

    part->state = SGL_SURVEY_BAD;
    SGL_TRY(sgl_finding_add(&part->findings, w->arena, &none,
                            "register the domain, or look for a slip in its name",
                            "There is no such domain: mail in its name is refused, mail to it "
                            "comes back."));
    return sgl_survey_say(w, SGL_SURVEY_MX, "no such domain");
}

static enum sgl_status judge_null(struct sgl_survey_work *w, enum sgl_nullmx null)
{
    static const struct sgl_finding broken = {
        .code = "mx-null-mixed", .severity = SGL_ERROR, .rule = "RFC 7505 s3"};
    struct sgl_findings *list = findings(w, SGL_SURVEY_MX);
    char mend[RECORD_SIZE];

    if (null != SGL_NULLMX_BROKEN)
        return SGL_OK;
    snprintf(mend, sizeof mend, "%.*s MX 0 . (and no other MX record)",
             SGL_FMT(w->request->domain.text));
    return sgl_finding_add(list, w->arena, &broken,
                           sgl_survey_takes_mail(w->s) ? "remove the MX record whose host is \".\""
                                                       : mend,
                           "An MX record says \"takes no mail\" (a host named \".\") in a form or "
                           "beside others that it may not have: senders read it differently.");
}

/* Names that no host can have, all of them. */
static enum sgl_status judge_unusable(struct sgl_survey_work *w, enum sgl_nullmx null)
{
    static const struct sgl_finding unusable = {
        .code = "mx-unusable", .severity = SGL_ERROR, .rule = "RFC 5321 s5.1"};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_MX];
    char mend[RECORD_SIZE];

    part->state = SGL_SURVEY_BAD;
    SGL_TRY(sgl_survey_say(w, SGL_SURVEY_MX, "no record names a host"));
    if (null == SGL_NULLMX_BROKEN) /* said already */
        return SGL_OK;
    snprintf(mend, sizeof mend, "%.*s MX 10 HOST", SGL_FMT(w->request->domain.text));
    return sgl_finding_add(&part->findings, w->arena, &unusable, mend,
                           "No MX record of the domain names a possible host: mail to it can't be "
                           "delivered.");
}

enum sgl_status sgl_survey_mx(struct sgl_survey_work *w)
{
    struct sgl_mx_request request = {.domain = w->request->domain, .seed = 1};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_MX];
    enum sgl_nullmx null = SGL_NULLMX_ABSENT;

    SGL_TRY(sgl_mx_check(&request, w->dns, w->arena, &w->s->mx));
    SGL_TRY(sgl_nullmx_check(w->request->domain, w->dns, &null));
    SGL_TRY(look_at_hosts(w));
    SGL_TRY(judge_null(w, null));
    switch (w->s->mx.state) {
    case SGL_MX_HOSTS:
        return w->s->mx.implicit ? judge_implicit(w) : judge_hosts(w);
    case SGL_MX_NULL:
        part->state = SGL_SURVEY_GOOD;
        return sgl_survey_say(w, SGL_SURVEY_MX, "takes no mail, and says so");
    case SGL_MX_NO_DOMAIN:
        return judge_no_domain(w);
    case SGL_MX_FAILED:
        return judge_failed(w);
    case SGL_MX_UNUSABLE:
    case SGL_MX_LOOP:
        return judge_unusable(w, null);
    }
    return SGL_OK;
}

/* ---- DANE ---- */

struct dane_count {
    size_t authenticated, unusable, failed, none;
};

static enum sgl_status judge_tlsa(struct sgl_survey_work *w, const struct sgl_survey_host *h,
                                  struct dane_count *n)
{
    static const struct sgl_finding unusable = {.code = "dane-unusable",
                                                .severity = SGL_ERROR,
                                                .rule = "RFC 7672 s3.1.3"},
                                    failed = {.code = "dane-lookup-failed",
                                              .severity = SGL_WARNING,
                                              .rule = "RFC 7672 s2.1.2"};
    struct sgl_findings *list = findings(w, SGL_SURVEY_DANE);
    char mend[RECORD_SIZE];

    snprintf(mend, sizeof mend, "_%u._tcp.%.*s TLSA 3 1 1 (SHA-256 of the server's public key)",
             (unsigned)port_of(w), SGL_FMT(h->name.text));
    switch (h->dane.level) {
    case SGL_DANE_AUTHENTICATE:
        n->authenticated++;
        return SGL_OK;
    case SGL_DANE_ENCRYPT:
        n->unusable++;
        return sgl_finding_add(list, w->arena, &unusable, mend,
                               "No TLSA record of %.*s can be used for mail: senders encrypt, but "
                               "do not know to whom.",
                               SGL_FMT(h->name.text));
    case SGL_DANE_LOOKUP_ERROR:
        n->failed++;
        w->s->part[SGL_SURVEY_DANE].failed = true;
        return sgl_finding_add(list, w->arena, &failed,
                               "see to the name servers: they have to answer for TLSA records",
                               "%s: where this lasts, senders that know DANE do not deliver to "
                               "%.*s.",
                               h->dane.why, SGL_FMT(h->name.text));
    case SGL_DANE_NONE:
        n->none++;
        return SGL_OK;
    }
    return SGL_OK;
}

static enum sgl_status judge_partial(struct sgl_survey_work *w)
{
    static const struct sgl_finding partial = {
        .code = "dane-partial", .severity = SGL_WARNING, .rule = "RFC 7672 s2.2.1"};
    char mend[RECORD_SIZE];

    for (size_t i = 0; i < w->s->hosts; i++) {
        const struct sgl_survey_host *h = &w->s->host[i];

        if (h->dane.level != SGL_DANE_NONE || h->dane.addresses == 0)
            continue;
        snprintf(mend, sizeof mend, "_%u._tcp.%.*s TLSA 3 1 1 (SHA-256 of the server's public key)",
                 (unsigned)port_of(w), SGL_FMT(h->name.text));
        SGL_TRY(sgl_finding_add(findings(w, SGL_SURVEY_DANE), w->arena, &partial, mend,
                                "The MX host %.*s has no TLSA record, others do: an attacker who "
                                "blocks those leads mail here.",
                                SGL_FMT(h->name.text)));
    }
    return SGL_OK;
}

/* Secure MX records and TLSA records at some host. */
static enum sgl_status judge_dane(struct sgl_survey_work *w, const struct dane_count *n)
{
    static const struct sgl_finding insecure = {.code = "dane-mx-unsigned",
                                                .severity = SGL_WARNING,
                                                .rule = "RFC 7672 s2.2.1"},
                                    missing = {.code = "dane-missing", .severity = SGL_INFO},
                                    unsigned_ = {.code = "dane-no-dnssec", .severity = SGL_INFO};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_DANE];
    bool secure = w->s->mx.security == SGL_DNS_SECURE;

    if (n->authenticated + n->unusable + n->failed == 0) {
        part->state = SGL_SURVEY_ABSENT;
        SGL_TRY(sgl_survey_say(w, SGL_SURVEY_DANE, secure ? "no TLSA records" : "no DNSSEC"));
        return sgl_finding_add(&part->findings, w->arena, secure ? &missing : &unsigned_,
                               secure ? "_25._tcp.HOST TLSA 3 1 1 (SHA-256 of the server's public "
                                        "key), for each MX host"
                                      : "sign the zone",
                               secure ? "No MX host has a TLSA record: senders can't check by DANE "
                                        "whom they encrypt to."
                                      : "The MX records are not signed by DNSSEC (or the resolver "
                                        "does not pass it on): DANE can't protect mail.");
    }
    if (!secure)
        SGL_TRY(sgl_finding_add(&part->findings, w->arena, &insecure, "sign the zone",
                                "MX hosts have TLSA records, but the MX records are not signed by "
                                "DNSSEC: whoever forges them leads mail elsewhere."));
    if (n->authenticated > 0)
        SGL_TRY(judge_partial(w));
    part->state = sgl_survey_state_by(&part->findings);
    if (n->failed > 0 && part->state != SGL_SURVEY_BAD)
        part->state = SGL_SURVEY_UNKNOWN;
    return sgl_survey_say(w, SGL_SURVEY_DANE, "%zu of %zu hosts authenticated", n->authenticated,
                          w->s->hosts);
}

enum sgl_status sgl_survey_dane(struct sgl_survey_work *w)
{
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_DANE];
    struct dane_count n = {0};

    if (w->s->mx.state == SGL_MX_FAILED || w->s->part[SGL_SURVEY_MX].failed) {
        part->state = SGL_SURVEY_UNKNOWN;
        part->failed = true;
        return sgl_survey_say(w, SGL_SURVEY_DANE, "the MX hosts are not known");
    }
    if (!sgl_survey_takes_mail(w->s)) {
        part->state = SGL_SURVEY_APART;
        return sgl_survey_say(w, SGL_SURVEY_DANE, "the domain takes no mail");
    }
    for (size_t i = 0; i < w->s->hosts; i++)
        SGL_TRY(judge_tlsa(w, &w->s->host[i], &n));
    return judge_dane(w, &n);
}
