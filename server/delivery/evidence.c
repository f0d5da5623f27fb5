/* SPDX-License-Identifier: Apache-2.0 */
/* What an attempt has to show for itself: whose policy counted, how far DNS may be believed, what TLS was got, what was proved, and by what. */
#include <openssl/x509_vfy.h>

#include "../store/transit.h"
#include "connection.h"
#include "tls_result.h"

static const char *host_name(const struct connection *c)
{
    if (c->plan->socket != NULL)
        return c->peer;
    return connection_host(c)->name.text.len > 0 ? (const char *)connection_host(c)->name.text.ptr
                                                 : c->address_text;
}

/* ---- policy and DNS ---- */

static bool dane_counts(const struct plan_host *host)
{
    switch (host->dane.level) {
    case SGL_DANE_NONE:
        return false;
    case SGL_DANE_ENCRYPT:
        return host->demand == DEMAND_ENCRYPTED;
    case SGL_DANE_AUTHENTICATE:
        return host->demand == DEMAND_DANE;
    case SGL_DANE_LOOKUP_ERROR:
        return !host->usable && tls_result_of_host(host) != SGL_TLS_OK;
    }
    return false;
}

static bool is_of_sts(enum failure failure)
{
    return failure == FAILURE_STS_MX || failure == FAILURE_STS_UNKNOWN;
}

static const char *policy_of(const struct plan_host *host)
{
    if (is_of_sts(host->failure))
        return "mta-sts";
    if (dane_counts(host))
        return "dane";
    if (host->demand == DEMAND_STS)
        return "mta-sts";
    return demand_requires_tls(host->demand) || host->failure == FAILURE_DEMAND ? "demand" : "none";
}

/* What the message, or its domain, asks beside what receivers publish. */
static const char *asked_text(const struct connection *c)
{
    if (c->job == NULL)
        return NULL;
    switch ((enum message_tls)c->job->message->tls) {
    case MESSAGE_TLS_DEFAULT:
        break;
    case MESSAGE_TLS_OPTIONAL:
        return "optional";
    case MESSAGE_TLS_VERIFIED:
        return "verified";
    }
    return NULL;
}

/* Another domain's mail may use the same connection: its MX records are its own. */
static enum dnssec mx_of(const struct connection *c)
{
    const struct dest *dest = c->job != NULL ? *queue_dest_slot(c->job->dest) : NULL;

    return dest != NULL && dest->plan != NULL ? dest->plan->mx : c->plan->mx;
}

static enum dnssec addresses_of(const struct plan_host *host)
{
    if (host->name.text.len == 0)
        return DNSSEC_NOT_ASKED;
    if (host->dane.addresses_state == SGL_DANE_ADDRESSES_FAILED)
        return host->dane.bogus ? DNSSEC_BOGUS : DNSSEC_INDETERMINATE;
    return host->dane.address_security == SGL_DNS_SECURE ? DNSSEC_SECURE : DNSSEC_INSECURE;
}

static enum dnssec tlsa_of(const struct plan_host *host)
{
    switch (host->dane.level) {
    case SGL_DANE_NONE:
        return DNSSEC_NOT_ASKED;
    case SGL_DANE_ENCRYPT:
    case SGL_DANE_AUTHENTICATE:
        return DNSSEC_SECURE;
    case SGL_DANE_LOOKUP_ERROR:
        break;
    }
    if (host->dane.addresses_state != SGL_DANE_ADDRESSES_OK)
        return DNSSEC_NOT_ASKED;
    return host->dane.bogus ? DNSSEC_BOGUS : DNSSEC_INDETERMINATE;
}

/* ---- TLS ---- */

/* The name of the host was compared, unless it has none: the chain alone proves nobody. */
static const char *proved_text(const struct connection *c)
{
    if (!c->tls_on)
        return NULL;
    if (c->seen.verify != X509_V_OK || connection_host(c)->name.text.len == 0)
        return "nobody";
    if (c->seen.matched)
        return c->seen.usage == 3 ? "dane-ee" : "dane-ta";
    return "certificate";
}

static const char *unproved_text(const struct connection *c)
{
    if (c->seen.version == NULL || c->seen.sha256[0] == '\0')
        return NULL;
    if (c->seen.verify != X509_V_OK)
        return X509_verify_cert_error_string(c->seen.verify);
    return connection_host(c)->name.text.len == 0 ? "an address has no name to compare" : NULL;
}

/* Asked, and if it has come to that: the server offers it, and MAIL FROM says so. */
static const char *requiretls_text(const struct connection *c)
{
    if (c->job == NULL || !c->job->message->require_tls)
        return NULL;
    return c->phase == PHASE_SENDING && c->envelope.require_tls ? "honoured" : "asked";
}

/* ---- in numbers ---- */

static const struct {
    enum failure failure;
    uint8_t cause;
} causes[] = {
    {FAILURE_NO_STARTTLS, TRANSIT_STARTTLS_NOT_SUPPORTED},
    {FAILURE_NO_ENCRYPTION, TRANSIT_STARTTLS_NOT_SUPPORTED},
    {FAILURE_TLS, TRANSIT_VALIDATION_FAILURE},
    {FAILURE_NO_REQUIRETLS, TRANSIT_REQUIRETLS_NOT_SUPPORTED},
    {FAILURE_DEMAND, TRANSIT_DEMAND_NOT_MET},
};

/* Also of a policy that is only tested, or that could not be fetched. */
static uint8_t sts_cause(const struct connection *c)
{
    struct session_sts worth;

    if (session_sts(c, &worth))
        return worth.mx_mismatch ? TRANSIT_STS_MX_MISMATCH : (uint8_t)worth.result;
    return c->session.known && c->plan->sts == NULL ? (uint8_t)c->plan->sts_trouble
                                                    : TRANSIT_CAUSE_NONE;
}

/* What a policy asked for and did not get; of what nobody asked for nothing is missing. */
static uint8_t cause_of(const struct connection *c, enum failure failure, bool failed)
{
    const struct plan_host *host = connection_host(c);

    if (!host->usable && host->failure == FAILURE_STS_MX)
        return TRANSIT_STS_MX_MISMATCH;
    if (!host->usable && host->failure != FAILURE_DEMAND)
        return (uint8_t)tls_result_of_host(host);
    if (demand_requires_tls(host->demand) && c->session.known && c->session.result != SGL_TLS_OK)
        return (uint8_t)c->session.result; /* the numbers are the same */
    for (size_t i = 0; failed && i < sizeof causes / sizeof *causes; i++)
        if (causes[i].failure == failure)
            return causes[i].cause;
    return sts_cause(c);
}
_Static_assert((int)TRANSIT_STS_WEBPKI_INVALID == (int)SGL_TLS_STS_WEBPKI_INVALID &&
                   (int)TRANSIT_VALIDATION_FAILURE == (int)SGL_TLS_VALIDATION_FAILURE,
               "causes begin with the result types");

/* Delivered: what was proved.  In vain: what was owed. */
static uint8_t mechanism_of(const struct connection *c, bool failed)
{
    const struct plan_host *host = connection_host(c);
    struct session_sts worth;

    if (failed && is_of_sts(host->failure))
        return TRANSIT_MTA_STS;
    if (host->demand == DEMAND_DANE || (failed && dane_counts(host)))
        return TRANSIT_DANE;
    if (host->demand == DEMAND_STS)
        return TRANSIT_MTA_STS;
    if (host->demand == DEMAND_NAME)
        return TRANSIT_VERIFIED;
    if (!failed && session_sts(c, &worth) && worth.result == SGL_TLS_OK)
        return TRANSIT_MTA_STS;
    if (failed)
        return host->demand == DEMAND_ENCRYPTED ? TRANSIT_ENCRYPTED : TRANSIT_NONE;
    return c->tls_on ? TRANSIT_ENCRYPTED : TRANSIT_PLAIN;
}

static uint8_t version_of(const struct connection *c)
{
    if (!c->tls_on || c->stream == NULL)
        return TRANSIT_VERSION_NONE;
    switch (SSL_version(stream_tls(c->stream))) {
    case TLS1_2_VERSION:
        return TRANSIT_TLS_1_2;
    case TLS1_3_VERSION:
        return TRANSIT_TLS_1_3;
    default:
        return TRANSIT_VERSION_NONE;
    }
}

static struct store_transit transit_of(const struct connection *c, enum failure failure,
                                       bool failed)
{
    struct store_transit t = {mechanism_of(c, failed), version_of(c), cause_of(c, failure, failed)};

    if (t.cause == TRANSIT_CAUSE_NONE)
        t.cause = c->before_cause; /* a host that was tried before this one */
    return t;
}

/* ---- all of it ---- */

static const char *sts_result(const struct connection *c)
{
    uint8_t cause = sts_cause(c);

    if (cause == TRANSIT_CAUSE_NONE)
        return NULL;
    return cause == TRANSIT_STS_MX_MISMATCH ? "sts-mx-mismatch"
                                            : sgl_tls_result_name((enum sgl_tls_result)cause);
}

struct attempt evidence_of(const struct connection *c, enum failure failure, bool failed,
                           enum sgl_smtp_stage stage)
{
    const struct plan_host *host = connection_host(c);
    bool no_dane = host->usable && host->dane.level == SGL_DANE_NONE && host->name.text.len > 0;

    return (struct attempt){
        .host = host_name(c),
        .address = c->address_text,
        .port = c->plan->port,
        .policy = policy_of(host),
        .demand = host->demand,
        .mx = mx_of(c),
        .addresses = addresses_of(host),
        .tlsa = tlsa_of(host),
        .dane = no_dane ? host->why : NULL,
        .sts = c->plan->sts,
        .sts_result = sts_result(c),
        .seen = c->seen.version != NULL ? &c->seen : NULL,
        .proved = proved_text(c),
        .unproved = unproved_text(c),
        .tls_why = c->tls_on ? NULL : c->tls_why,
        .tls_error = c->tls_why != NULL ? c->tls_error : NULL,
        .asked = asked_text(c),
        .requiretls = requiretls_text(c),
        .reused = c->carried > 0,
        .connect_ms =
            c->carried == 0 && c->connected_ms >= c->began_ms ? c->connected_ms - c->began_ms : 0,
        .total_ms = clock_mono_ms() - c->attempt_ms,
        .stage = failed ? sgl_smtp_stage_name(stage) : NULL,
        .failure = failed ? failure_name(failure) : NULL,
        .transit = transit_of(c, failure, failed),
    };
}
