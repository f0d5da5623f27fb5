/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of each session, for reports about TLS: once for each domain whose mail it carries, or was to carry.  [RFC 8460 s4] */
#include <string.h>

#include "connection.h"
#include "sigillo/ascii.h"
#include "tls_result.h"

/* A smart host is asked by its own name, whoever the mail is for. */
static sgl_view policy_domain(const struct plan *plan, const struct job *job)
{
    if (plan->route != NULL && plan->route->host != NULL)
        return sgl_view_cstr(plan->route->host);
    return queue_dest_domain(job->dest);
}

static bool is_of_report(const struct job *job)
{
    return sgl_view_eq(job->message->door, SGL_LIT("tlsrpt"));
}

static uint64_t hash_of(sgl_view domain, bool of_report)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ of_report;

    for (size_t i = 0; i < domain.len; i++)
        h = (h ^ sgl_ascii_lower(domain.ptr[i])) * UINT64_C(1099511628211);
    return h;
}

/* Of so many domains that the first ones are forgotten, one may be told twice: a report counts a little high then. */
static bool was_told(struct session *s, uint64_t domain)
{
    unsigned n = s->domains < SESSION_DOMAINS_MAX ? s->domains : SESSION_DOMAINS_MAX;

    for (unsigned i = 0; i < n; i++)
        if (s->domain[i] == domain)
            return true;
    s->domain[s->domains++ % SESSION_DOMAINS_MAX] = domain;
    return false;
}

/* A certificate that DANE proved, or that was compared with a route's own roots, is looked at as the policy would. */
static enum sgl_tls_result certificate_result(const struct connection *c)
{
    const struct config_route *route = c->plan->route;
    long verify = c->seen.verify;

    if (connection_host(c)->demand == DEMAND_DANE || (route != NULL && route->ca_file != NULL))
        verify = tls_client_would_accept(delivery_trust(c->delivery, NULL), stream_tls(c->stream),
                                         (const char *)connection_host(c)->name.text.ptr);
    return tls_result_of_certificate(verify);
}

bool session_sts(const struct connection *c, struct session_sts *out)
{
    const struct plan_host *host = connection_host(c);

    if (c->plan->sts == NULL)
        return false;
    *out = (struct session_sts){.reason = ""};
    if (!host->sts_listed) {
        out->mx_mismatch = true;
        out->result = SGL_TLS_VALIDATION_FAILURE;
        out->reason = "the MX host is not in the policy";
        return host->usable || host->failure == FAILURE_STS_MX;
    }
    if (!c->session.known ||
        !host->usable) /* a lookup of DANE that failed is no word of this policy */
        return false;
    if (!c->tls_on) { /* and that by itself is what the policy says */
        out->result = c->session.result;
        out->reason = c->session.reason;
        return host->demand != DEMAND_DANE || out->result == SGL_TLS_STARTTLS_NOT_SUPPORTED;
    }
    out->result = host->demand == DEMAND_STS ? SGL_TLS_OK : c->session.sts_certificate;
    if (out->result != SGL_TLS_OK)
        out->reason = "the certificate is not what the policy asks for";
    return true;
}

/* false: there is nothing to tell. */
static bool judge_sts(const struct connection *c, struct delivery_session *s)
{
    struct session_sts worth = {.result = c->plan->sts_trouble, .reason = c->plan->sts_why};

    if (c->plan->sts == NULL ? worth.result == SGL_TLS_OK : !session_sts(c, &worth))
        return false;
    s->type = DELIVERY_POLICY_STS;
    s->dane = NULL;
    s->sts = c->plan->sts;
    s->result = worth.result;
    s->reason = worth.reason;
    return true;
}

/* Both where there are both  [RFC 8460 s4.4]. */
static void tell(const struct connection *c, struct delivery_session *session)
{
    const struct delivery_sessions *to = &c->delivery->sessions;
    const struct plan_host *host = connection_host(c);
    /* what would have met its TLSA records was not asked, because the policy does not allow the host */
    bool unasked = host->failure == FAILURE_STS_MX && host->dane.level == SGL_DANE_AUTHENTICATE;
    bool dane = host->dane.level != SGL_DANE_NONE && !unasked;
    bool sts = c->plan->sts != NULL || c->plan->sts_trouble != SGL_TLS_OK;

    if (dane) {
        session->type = DELIVERY_POLICY_TLSA;
        session->dane = &host->dane;
    }
    if (dane || !sts)
        to->session(to->ctx, session);
    if (sts && judge_sts(c, session))
        to->session(to->ctx, session);
}

void session_carries(struct connection *c)
{
    const struct plan_host *host = connection_host(c);
    struct delivery_session session;

    if (!c->session.known || c->job == NULL || c->delivery->sessions.session == NULL ||
        c->plan->arrival != NULL) /* the policy of a mail store is nobody's */
        return;
    session = (struct delivery_session){.domain = policy_domain(c->plan, c->job),
                                        .mx = host->name.text,
                                        .from = c->session.from,
                                        .result = c->session.result,
                                        .reason = c->session.reason,
                                        .of_report = is_of_report(c->job)};
    if (host->name.text.len == 0 || /* an address: no domain, no policy */
        was_told(&c->session, hash_of(session.domain, session.of_report)))
        return;
    if (session.from.version != 0)
        session.to = host->dane.address[c->address];
    tell(c, &session);
}

void session_is(struct connection *c, enum sgl_tls_result result, const char *reason)
{
    if (c->session.known || connection_host(c)->demand == DEMAND_NOTHING ||
        c->plan->tls == DEST_TLS_LAX) /* nobody looked at what the policy says */
        return;
    c->session.known = true;
    c->session.result = result;
    c->session.reason = result == SGL_TLS_OK ? "" : reason;
    if (c->tls_on && c->plan->sts != NULL)
        c->session.sts_certificate = certificate_result(c);
    session_carries(c);
}

void session_is_not(struct connection *c)
{
    const struct plan_host *host = connection_host(c);
    enum sgl_tls_result result = tls_result_of_host(host);

    if (result == SGL_TLS_OK && host->failure == FAILURE_STS_MX)
        result = SGL_TLS_VALIDATION_FAILURE;
    if (result == SGL_TLS_OK)
        return;
    c->session = (struct session){.known = false};
    session_is(c, result, host->why);
    c->session = (struct session){.known = false}; /* there is none */
}

void session_tell_plan(struct delivery *d, sgl_view domain, const struct plan *plan)
{
    enum sgl_tls_result result = tls_result_of_plan(plan);

    if (result == SGL_TLS_OK || d->sessions.session == NULL || plan->arrival != NULL)
        return;
    d->sessions.session(d->sessions.ctx, &(struct delivery_session){.domain = domain,
                                                                    .type = DELIVERY_POLICY_TLSA,
                                                                    .result = result,
                                                                    .reason = plan->why});
}
