/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong at the hosts, what follows from it, and which record or setting mends it.  Pure. */
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

#include "tls_check.h"

#define DAY         86400
#define EXPIRY_DAYS 14
#define MEND_SIZE   (SGL_LIMIT_FINDING_TEXT + 1)

struct finder {
    struct tls_check *k;
    struct sgl_arena *arena;
    const struct tls_host *h;
    const struct tls_probe *p;
    char where[SGL_LIMIT_NAME_TEXT + SGL_IP_TEXT_SIZE + 8]; /* "mx.example.org [192.0.2.1]" */
};

static sgl_view host_name(const struct finder *f)
{
    return f->h->found->name.text;
}

/* A fault of what a delivery insists on is an error; of what it only would like, less. */
static enum sgl_severity unless_demanded(const struct finder *f, enum sgl_severity else_)
{
    return f->h->level >= TLS_LEVEL_MTA_STS ? SGL_ERROR : else_;
}

/* ---- what the survey found ---- */

/* Whoever answered here is reached from here at least. */
static bool answered_all(const struct tls_check *k)
{
    bool any = false;

    for (size_t i = 0; i < k->hosts; i++) {
        for (size_t a = 0; a < k->host[i].probes; a++) {
            if (k->host[i].probe[a].end == TLS_PROBE_UNREACHABLE)
                return false;
            any = true;
        }
    }
    return any;
}

/* "_25._tcp.HOST TLSA 3 1 1 " and the digest of the key that the host shows. */
static void put_record(const struct tls_check *k, const struct tls_host *h,
                       const struct tls_probe *p, char mend[MEND_SIZE])
{
    snprintf(mend, MEND_SIZE, "_%u._tcp.%.*s TLSA 3 1 1 %s", (unsigned)k->port,
             SGL_FMT(h->found->dane.base.text), p->certificate.spki_sha256);
}

/* The survey knows where a TLSA record is missing, but not the key: the first such host that showed one gives it. */
static void fill_in_key(const struct tls_check *k, const struct sgl_finding *one,
                        char mend[MEND_SIZE])
{
    bool unusable = strcmp(one->code, "dane-unusable") == 0;

    if (!unusable && strcmp(one->code, "dane-missing") != 0 &&
        strcmp(one->code, "dane-partial") != 0)
        return;
    for (size_t i = 0; i < k->hosts; i++) {
        const struct tls_host *h = &k->host[i];

        if (h->shown == NULL ||
            h->found->dane.level != (unusable ? SGL_DANE_ENCRYPT : SGL_DANE_NONE) ||
            (strcmp(one->code, "dane-missing") != 0 &&
             sgl_view_find_view(one->text, h->found->name.text) == one->text.len))
            continue;
        put_record(k, h, h->shown, mend);
        return;
    }
}

static enum sgl_status adopt(struct finder *f)
{
    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        const struct sgl_finding *one = f->k->survey->part[i].findings.first;

        for (; one != NULL; one = one->next) {
            struct sgl_finding what = *one;
            char mend[MEND_SIZE];

            snprintf(mend, sizeof mend, "%.*s", SGL_FMT(one->mend));
            fill_in_key(f->k, one, mend);
            if (strcmp(one->code, "mx-private-address") == 0 && answered_all(f->k))
                what.severity = SGL_WARNING;
            SGL_TRY(sgl_finding_add(&f->k->findings, f->arena, &what, mend, "%.*s",
                                    SGL_FMT(one->text)));
        }
    }
    return SGL_OK;
}

/* ---- the dialogue ---- */

static bool another_address_offers(const struct finder *f)
{
    for (size_t a = 0; a < f->h->probes; a++) {
        if (f->h->probe[a].starttls)
            return true;
    }
    return false;
}

static enum sgl_status no_starttls(struct finder *f)
{
    const struct sgl_finding missing = {.code = "starttls-missing",
                                        .severity = unless_demanded(f, SGL_WARNING),
                                        .rule = "RFC 3207 s4"},
                             selective = {.code = "starttls-selective",
                                          .severity = unless_demanded(f, SGL_WARNING),
                                          .rule = "RFC 7672 s9.2"};
    const char *so = f->h->level >= TLS_LEVEL_MTA_STS
                         ? "senders that know the policy do not deliver here"
                         : "mail to it travels in plaintext";

    if (another_address_offers(f))
        return sgl_finding_add(&f->k->findings, f->arena, &selective,
                               "offer STARTTLS at every address, and to every client",
                               "%s does not offer STARTTLS, another address of the host does: %s.",
                               f->where, so);
    return sgl_finding_add(&f->k->findings, f->arena, &missing,
                           "offer STARTTLS with a certificate of the host's name (Postfix: "
                           "smtpd_tls_security_level = may, smtpd_tls_chain_files)",
                           "%s does not offer STARTTLS: %s.", f->where, so);
}

static enum sgl_status look_at_end(struct finder *f)
{
    const struct sgl_finding unreachable = {.code = "host-unreachable", .severity = SGL_WARNING},
                             no_smtp = {.code = "host-no-smtp", .severity = SGL_WARNING},
                             refused = {.code = "starttls-refused",
                                        .severity = unless_demanded(f, SGL_WARNING),
                                        .rule = "RFC 3207 s4"},
                             handshake = {.code = "tls-handshake-failed",
                                          .severity = unless_demanded(f, SGL_WARNING)};
    struct sgl_findings *list = &f->k->findings;

    switch (f->p->end) {
    case TLS_PROBE_UNREACHABLE:
        return sgl_finding_add(list, f->arena, &unreachable,
                               "open the port there, or take the address out of DNS",
                               "%s could not be reached from here (%s).", f->where, f->p->why);
    case TLS_PROBE_NO_SMTP:
        return sgl_finding_add(list, f->arena, &no_smtp, NULL, "%s broke off at %s (%s).", f->where,
                               sgl_smtp_stage_name(f->p->stage), f->p->why);
    case TLS_PROBE_NO_STARTTLS:
        return no_starttls(f);
    case TLS_PROBE_REFUSED:
        return sgl_finding_add(list, f->arena, &refused,
                               "see the server's log: certificate and key may be unreadable",
                               "%s offers STARTTLS and refuses it (%s).", f->where, f->p->why);
    case TLS_PROBE_HANDSHAKE:
        return sgl_finding_add(list, f->arena, &handshake,
                               "TLS 1.2 or 1.3 with a certificate that the server can use",
                               "The TLS handshake with %s failed (%s).", f->where, f->p->why);
    case TLS_PROBE_DONE:
    case TLS_PROBE_LOCAL:
        return SGL_OK;
    }
    return SGL_OK;
}

/* ---- DANE ---- */

static bool any_matched(const struct finder *f)
{
    for (size_t i = 0; i < f->h->records; i++) {
        if (f->p->matched[i] && tls_record_counts(f->h, &f->h->record[i].tlsa))
            return true;
    }
    return false;
}

static enum sgl_status dane_failed(struct finder *f)
{
    static const struct sgl_finding no_match = {.code = "dane-no-match",
                                                .severity = SGL_ERROR,
                                                .rule = "RFC 7672 s2.2"},
                                    anchor = {.code = "dane-anchor-failed",
                                              .severity = SGL_ERROR,
                                              .rule = "RFC 7672 s3.1.2"};
    char mend[MEND_SIZE];

    put_record(f->k, f->h, f->p, mend);
    if (any_matched(f))
        return sgl_finding_add(&f->k->findings, f->arena, &anchor, mend,
                               "A TLSA record of usage 2 names the authority of %s, but its "
                               "certificate does not hold (%s): senders that know DANE do not "
                               "deliver here.",
                               f->where, X509_verify_cert_error_string(f->p->verified));
    return sgl_finding_add(&f->k->findings, f->arena, &no_match, mend,
                           "No TLSA record matches the certificate of %s: senders that know DANE "
                           "do not deliver here. Was the key changed before its record?",
                           f->where);
}

static enum sgl_status look_at_record(struct finder *f, const struct sgl_tlsa *r, bool matched)
{
    static const struct sgl_finding unusable = {.code = "dane-record-unusable",
                                                .severity = SGL_WARNING,
                                                .rule = "RFC 7672 s3.1.3"},
                                    outdone = {.code = "dane-record-outdone",
                                               .severity = SGL_INFO,
                                               .rule = "RFC 7671 s9"},
                                    unmatched = {.code = "dane-record-unmatched",
                                                 .severity = SGL_INFO,
                                                 .rule = "RFC 7671 s8.1"};
    struct sgl_findings *list = &f->k->findings;
    unsigned u = r->usage, s = r->selector, m = r->matching;

    if (tls_record_why(r) != NULL)
        return sgl_finding_add(list, f->arena, &unusable, "remove it",
                               "A TLSA record %u %u %u of %.*s can't be used: %s.", u, s, m,
                               SGL_FMT(host_name(f)), tls_record_why(r));
    if (!tls_record_counts(f->h, r))
        return sgl_finding_add(list, f->arena, &outdone, NULL,
                               "A TLSA record %u %u %u of %.*s is passed over: another one of the "
                               "same kind has a stronger digest.",
                               u, s, m, SGL_FMT(host_name(f)));
    if (matched || !any_matched(f))
        return SGL_OK;
    return sgl_finding_add(list, f->arena, &unmatched,
                           "keep it while a new key is prepared; remove it when it is an old one's",
                           "A TLSA record %u %u %u of %.*s matches no certificate that the server "
                           "shows: it stands for the next key, or is stale.",
                           u, s, m, SGL_FMT(host_name(f)));
}

/* Renewals and new keys that break nothing  [RFC 7671 s8.1]. */
static enum sgl_status advise(struct finder *f)
{
    static const struct sgl_finding single = {.code = "dane-single-record",
                                              .severity = SGL_INFO,
                                              .rule = "RFC 7671 s8.1"},
                                    whole = {.code = "dane-whole-certificate",
                                             .severity = SGL_INFO,
                                             .rule = "RFC 7671 s5.1"};
    const struct sgl_tlsa *only = f->h->found->dane.tlsa;
    char mend[MEND_SIZE];

    if (f->h->found->dane.tlsas == 1)
        SGL_TRY(sgl_finding_add(&f->k->findings, f->arena, &single,
                                "publish the record of the next key beside it, two times its TTL "
                                "before that key is used",
                                "%.*s has one TLSA record that can be used: a new key without its "
                                "record published before stops mail.",
                                SGL_FMT(host_name(f))));
    put_record(f->k, f->h, f->p, mend);
    for (size_t i = 0; i < f->h->found->dane.tlsas; i++) {
        if (only[i].usage == 3 && only[i].selector == 0)
            return sgl_finding_add(&f->k->findings, f->arena, &whole, mend,
                                   "A TLSA record 3 0 %u of %.*s stands for the whole certificate: "
                                   "each renewal changes it. One of the key stays as long as the "
                                   "key does.",
                                   (unsigned)only[i].matching, SGL_FMT(host_name(f)));
    }
    return SGL_OK;
}

static enum sgl_status look_at_dane(struct finder *f)
{
    if (f->h->found->dane.level != SGL_DANE_AUTHENTICATE)
        return SGL_OK;
    if (f->p->verified != X509_V_OK)
        SGL_TRY(dane_failed(f));
    for (size_t i = 0; i < f->h->records; i++)
        SGL_TRY(look_at_record(f, &f->h->record[i].tlsa, f->p->matched[i]));
    return f->p->verified == X509_V_OK ? advise(f) : SGL_OK;
}

/* ---- the certificate by itself ---- */

static enum sgl_status look_at_proof(struct finder *f)
{
    bool enforce = tls_has_mode(f->k, SGL_MTA_STS_ENFORCE);
    bool testing = tls_has_mode(f->k, SGL_MTA_STS_TESTING);
    const struct sgl_finding sts = {.code = "mta-sts-certificate",
                                    .severity = enforce ? SGL_ERROR : SGL_WARNING,
                                    .rule = "RFC 8461 s4.2"},
                             unproved = {.code = "certificate-unproved", .severity = SGL_INFO};
    const char *why = tls_unproved(f->p);
    char mend[MEND_SIZE];

    if (why == NULL)
        return SGL_OK;
    snprintf(mend, sizeof mend, "a certificate of a public authority with the DNS name %.*s",
             SGL_FMT(host_name(f)));
    if (enforce || testing)
        return sgl_finding_add(&f->k->findings, f->arena, &sts, mend,
                               "The certificate of %s does not prove its name (%s): senders that "
                               "know MTA-STS %s.",
                               f->where, why,
                               enforce ? "do not deliver here"
                                       : "will not deliver here once the policy is enforced");
    if (tls_goes_by_dane(f->h))
        return SGL_OK; /* DANE needs no authority */
    return sgl_finding_add(&f->k->findings, f->arena, &unproved, mend,
                           "The certificate of %s does not prove its name (%s): mail is encrypted, "
                           "but senders that insist on knowing to whom do not deliver here.",
                           f->where, why);
}

static enum sgl_status look_at_dates(struct finder *f)
{
    static const struct sgl_finding soon = {.code = "certificate-expires-soon",
                                            .severity = SGL_WARNING},
                                    fine = {.code = "dane-certificate-expired",
                                            .severity = SGL_INFO,
                                            .rule = "RFC 7672 s3.1.1"};
    sgl_time left = f->p->certificate.not_after - f->k->now;

    if (left > 0 && left < EXPIRY_DAYS * DAY)
        return sgl_finding_add(&f->k->findings, f->arena, &soon, "renew it",
                               "The certificate of %s ends in %lld day%s.", f->where,
                               (long long)(left / DAY), left / DAY == 1 ? "" : "s");
    if (left <= 0 && f->h->found->dane.level == SGL_DANE_AUTHENTICATE &&
        f->p->verified == X509_V_OK)
        return sgl_finding_add(&f->k->findings, f->arena, &fine, NULL,
                               "The certificate of %s has expired: under a TLSA record of usage 3 "
                               "that does not count.",
                               f->where);
    return SGL_OK;
}

static enum sgl_status look_at_key(struct finder *f)
{
    static const struct sgl_finding weak = {
        .code = "certificate-key-weak", .severity = SGL_WARNING, .rule = "RFC 9325 s4.2.1"};
    const struct tls_certificate *c = &f->p->certificate;
    unsigned least = strncmp(c->key, "RSA", 3) == 0 ? 2048 : 224;

    if (c->key_bits == 0 || c->key_bits >= least)
        return SGL_OK;
    return sgl_finding_add(&f->k->findings, f->arena, &weak,
                           "a new key: EC P-256, or RSA with 2048 bits",
                           "The key of %s has %u bits only.", f->where, c->key_bits);
}

/* Several addresses with one certificate are one thing to say. */
static bool seen_before(const struct finder *f)
{
    for (const struct tls_probe *p = f->h->probe; p < f->p; p++) {
        if (p->tls && strcmp(p->certificate.sha256, f->p->certificate.sha256) == 0)
            return true;
    }
    return false;
}

static enum sgl_status look_at_address(struct finder *f)
{
    char address[SGL_IP_TEXT_SIZE];

    sgl_ip_text(&f->p->target.ip, address);
    snprintf(f->where, sizeof f->where, "%.*s [%s]", SGL_FMT(host_name(f)), address);
    SGL_TRY(look_at_end(f));
    if (!f->p->tls || seen_before(f))
        return SGL_OK;
    SGL_TRY(look_at_dane(f));
    SGL_TRY(look_at_proof(f));
    SGL_TRY(look_at_dates(f));
    return look_at_key(f);
}

enum sgl_status tls_find(struct tls_check *k, struct sgl_arena *arena)
{
    struct finder f = {.k = k, .arena = arena};

    SGL_TRY(adopt(&f));
    for (size_t i = 0; i < k->hosts; i++) {
        f.h = &k->host[i];
        for (size_t a = 0; a < f.h->probes; a++) {
            f.p = &f.h->probe[a];
            SGL_TRY(look_at_address(&f));
        }
    }
    return SGL_OK;
}
