/* SPDX-License-Identifier: Apache-2.0 */
/* From facts to what a delivery would make of them, host by host.  Pure. */
#include <openssl/x509_vfy.h>

#include "../server/delivery/tls_result.h"
#include "tls_check.h"

const char *tls_level_name(enum tls_level level)
{
    switch (level) {
    case TLS_LEVEL_NONE:
        return "none";
    case TLS_LEVEL_OPPORTUNISTIC:
        return "opportunistic";
    case TLS_LEVEL_MTA_STS:
        return "mta-sts";
    case TLS_LEVEL_DANE:
        return "dane";
    }
    return "?";
}

const char *tls_transit_name(enum tls_transit transit)
{
    switch (transit) {
    case TLS_BY_DANE:
        return "dane";
    case TLS_BY_MTA_STS:
        return "mta-sts";
    case TLS_ENCRYPTED:
        return "encrypted";
    case TLS_PLAIN:
        return "plain";
    case TLS_DEFERRED:
        return "deferred";
    case TLS_UNKNOWN:
        return "unknown";
    }
    return "?";
}

const char *tls_unproved(const struct tls_probe *p)
{
    if (p->chain != X509_V_OK)
        return X509_verify_cert_error_string(p->chain);
    return p->named ? NULL : X509_verify_cert_error_string(X509_V_ERR_HOSTNAME_MISMATCH);
}

bool tls_has_mode(const struct tls_check *k, enum sgl_mta_sts_mode mode)
{
    return k->survey->has_policy && k->survey->policy.mode == mode;
}

bool tls_goes_by_dane(const struct tls_host *h)
{
    return h->found->dane.level != SGL_DANE_NONE;
}

/* Records that prove nobody, or only a host that anybody may have named, leave the last word to the policy  [RFC 7672 s2.2.1]. */
bool tls_goes_by_policy(const struct tls_check *k, const struct tls_host *h)
{
    const struct sgl_dane *dane = &h->found->dane;

    if (!tls_has_mode(k, SGL_MTA_STS_ENFORCE) || dane->level == SGL_DANE_LOOKUP_ERROR)
        return false;
    return dane->level != SGL_DANE_AUTHENTICATE || (!dane->domain_protected && !h->listed);
}

/* ---- records ---- */

const char *tls_record_why(const struct sgl_tlsa *record)
{
    static const size_t digest[] = {0, 32, 64};

    if (sgl_tlsa_is_usable(record))
        return NULL;
    if (record->usage < 2)
        return "usages 0 and 1 are not for mail";
    if (record->usage > 3)
        return "its usage is not known";
    if (record->selector > 1)
        return "its selector is not known";
    if (record->matching > 2)
        return "its matching type is not known";
    if (record->matching > 0 && record->data.len != digest[record->matching])
        return "its digest has the wrong length";
    return "its data is no certificate or key";
}

bool tls_record_counts(const struct tls_host *h, const struct sgl_tlsa *record)
{
    for (size_t i = 0; i < h->found->dane.tlsas; i++) {
        const struct sgl_tlsa *r = &h->found->dane.tlsa[i];

        if (r->usage == record->usage && r->selector == record->selector &&
            r->matching == record->matching && sgl_view_eq(r->data, record->data))
            return true;
    }
    return false;
}

/* ---- one address ---- */

/* Of several addresses the greatest counts: who does not answer harms nobody where another does, and what one lacks a delivery meets sooner or later. */
enum weight { NOT_CHECKED, SILENT, GOOD, IN_PLAIN, FAILED };

struct verdict {
    const char *result, *problem;
    enum tls_transit transit;
    enum weight weight;
};

/* DANE decides where it applies; a policy that is enforced comes next; else whatever is offered  [RFC 8461 s2]. */
static struct verdict judge_session(const struct tls_host *h, const struct tls_probe *p)
{
    struct verdict v = {"ok", NULL, TLS_ENCRYPTED, GOOD};
    enum sgl_tls_result result = SGL_TLS_OK;

    if (h->level == TLS_LEVEL_DANE && h->found->dane.level == SGL_DANE_AUTHENTICATE) {
        result = tls_result_of_certificate(p->verified);
        v.transit = TLS_BY_DANE;
        v.problem = p->verified == X509_V_OK ? NULL : X509_verify_cert_error_string(p->verified);
    } else if (h->level == TLS_LEVEL_MTA_STS) {
        v.transit = TLS_BY_MTA_STS;
        v.problem = tls_unproved(p);
        if (v.problem != NULL)
            result = tls_result_of_certificate(
                p->chain != X509_V_OK ? p->chain : X509_V_ERR_HOSTNAME_MISMATCH);
    }
    if (v.problem == NULL)
        return v;
    v.result = sgl_tls_result_name(result);
    v.transit = TLS_DEFERRED;
    v.weight = FAILED;
    return v;
}

static struct verdict judge_address(const struct tls_host *h, const struct tls_probe *p)
{
    bool demanded = h->level >= TLS_LEVEL_MTA_STS;
    struct verdict v = {NULL, p->why, demanded ? TLS_DEFERRED : TLS_PLAIN,
                        demanded ? FAILED : IN_PLAIN};

    switch (p->end) {
    case TLS_PROBE_DONE:
        return judge_session(h, p);
    case TLS_PROBE_UNREACHABLE:
        v.result = "unreachable";
        v.transit = TLS_DEFERRED;
        v.weight = SILENT;
        return v;
    case TLS_PROBE_NO_SMTP:
        v.result = "no-smtp";
        v.transit = TLS_DEFERRED;
        v.weight = SILENT;
        return v;
    case TLS_PROBE_NO_STARTTLS:
    case TLS_PROBE_REFUSED:
        v.result = sgl_tls_result_name(SGL_TLS_STARTTLS_NOT_SUPPORTED);
        return v;
    case TLS_PROBE_HANDSHAKE:
        v.result = sgl_tls_result_name(SGL_TLS_VALIDATION_FAILURE);
        return v;
    case TLS_PROBE_LOCAL:
        v.result = "not-checked";
        v.transit = TLS_UNKNOWN;
        v.weight = NOT_CHECKED;
        return v;
    }
    return v;
}

/* ---- one host ---- */

static enum tls_level level_of(const struct tls_check *k, const struct tls_host *h)
{
    if (tls_goes_by_policy(k, h))
        return TLS_LEVEL_MTA_STS;
    return tls_goes_by_dane(h) ? TLS_LEVEL_DANE : TLS_LEVEL_OPPORTUNISTIC;
}

static void set(struct tls_host *h, const char *result, enum tls_transit transit,
                const char *problem)
{
    h->result = result;
    h->transit = transit;
    h->problem = problem;
}

/* What keeps a delivery from connecting at all. false: nothing. */
static bool judge_before(struct tls_host *h)
{
    const struct sgl_dane *dane = &h->found->dane;

    /* the addresses are the question before TLSA: where they came, it is the zone that gives no valid answer [RFC 8460 s4.3.2.1] */
    if (dane->level == SGL_DANE_LOOKUP_ERROR &&
        (dane->bogus || dane->addresses_state == SGL_DANE_ADDRESSES_OK))
        set(h, sgl_tls_result_name(SGL_TLS_DNSSEC_INVALID), TLS_DEFERRED, dane->why);
    else if (dane->addresses_state == SGL_DANE_ADDRESSES_FAILED)
        set(h, "addresses", TLS_DEFERRED, dane->why);
    else if (dane->addresses_state == SGL_DANE_ADDRESSES_NONE)
        set(h, "no-address", TLS_DEFERRED, "the host has no address");
    else if (h->level == TLS_LEVEL_MTA_STS && !h->listed)
        set(h, "sts-mx-mismatch", TLS_DEFERRED, "the MTA-STS policy does not name this host");
    else
        return false;
    return true;
}

static void judge_addresses(struct tls_host *h)
{
    struct verdict worst = {"not-checked", NULL, TLS_UNKNOWN, NOT_CHECKED};

    for (size_t i = 0; i < h->probes; i++) {
        struct verdict v = judge_address(h, &h->probe[i]);

        if (h->probe[i].tls && h->shown == NULL)
            h->shown = &h->probe[i];
        if (i == 0 || v.weight > worst.weight)
            worst = v;
    }
    set(h, worst.result, worst.transit, worst.problem);
    if (h->level == TLS_LEVEL_OPPORTUNISTIC && worst.transit == TLS_PLAIN && h->shown == NULL)
        h->level = TLS_LEVEL_NONE;
}

enum sgl_status tls_judge(struct tls_check *k, struct sgl_arena *arena)
{
    k->incomplete = k->survey->failed;
    for (size_t i = 0; i < k->hosts; i++) {
        struct tls_host *h = &k->host[i];

        h->level = level_of(k, h);
        judge_addresses(h);
        (void)judge_before(h);
        for (size_t a = 0; a < h->probes; a++)
            k->incomplete = k->incomplete || h->probe[a].end == TLS_PROBE_UNREACHABLE ||
                            h->probe[a].end == TLS_PROBE_LOCAL ||
                            h->probe[a].end == TLS_PROBE_NO_SMTP;
    }
    return tls_find(k, arena);
}
