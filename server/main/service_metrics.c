/* SPDX-License-Identifier: Apache-2.0 */
/* What the rooms count, for /metrics; asked for when it is shown. */
#include "../metrics/metrics.h"
#include "service_internal.h"

/* A reader of one member of a room's statistics. */
#define READER(name, room, stats, field)                                                           \
    static int64_t name(void *ctx)                                                                 \
    {                                                                                              \
        struct stats out = {0};                                                                    \
                                                                                                   \
        stats(((struct service *)ctx)->room, &out);                                                \
        return (int64_t)out.field;                                                                 \
    }

READER(sessions, submission, submission_stats, sessions)
READER(sessions_now, submission, submission_stats, sessions_now)
READER(sessions_refused, submission, submission_stats, refused_connections)
READER(tls_sessions, submission, submission_stats, tls_sessions)
READER(tls_failures, submission, submission_stats, tls_failures)
READER(auth_ok, submission, submission_stats, auth_ok)
READER(auth_failed, submission, submission_stats, auth_failed)
READER(timeouts, submission, submission_stats, timeouts)
READER(bytes_in, submission, submission_stats, bytes_in)

READER(accepted, admission, admission_stats, accepted)
READER(refused, admission, admission_stats, refused)
READER(unavailable, admission, admission_stats, unavailable)
READER(bytes_accepted, admission, admission_stats, bytes_accepted)
READER(suppressed, admission, admission_stats, suppressed)
READER(signatures, admission, admission_stats, signatures)
READER(busy, admission, admission_stats, busy)

READER(in_memory, queue, queue_stats, in_memory)
READER(out_with_delivery, queue, queue_stats, out)
READER(delivered, queue, queue_stats, delivered)
READER(deferred, queue, queue_stats, deferred)
READER(failed, queue, queue_stats, failed)
READER(expired, queue, queue_stats, expired)
READER(claims, queue, queue_stats, claims)
READER(bounces, queue, queue_stats, bounces)

READER(commits, store, store_stats, commits)
READER(operations, store, store_stats, operations)
READER(commit_us, store, store_stats, commit_us_total)
READER(commit_us_max, store, store_stats, commit_us_max)
READER(store_waiting, store, store_stats, waiting)

READER(connections_open, delivery, delivery_stats, connections_open)
READER(connections_made, delivery, delivery_stats, connections_made)
READER(connections_reused, delivery, delivery_stats, connections_reused)
READER(sites, delivery, delivery_stats, sites)
READER(destinations, delivery, delivery_stats, destinations)

READER(dns_queries, resolver, resolver_stats, queries)
READER(dns_failures, resolver, resolver_stats, failures)
READER(dns_bogus, resolver, resolver_stats, bogus)
READER(dns_timeouts, resolver, resolver_stats, timeouts)

READER(tokens_issued, tokens, tokens_stats, issued)
READER(tokens_accepted, tokens, tokens_stats, accepted)
READER(tokens_refused, tokens, tokens_stats, refused)

READER(domain_checks, domain_setup, setup_stats, checks)
READER(domain_checks_unknown, domain_setup, setup_stats, unknown)

READER(domains, directory, directory_stats, domains)
READER(suppressions, directory, directory_stats, suppressions)
READER(selectors_loading, directory, directory_stats, selectors_loading)

static int64_t body_bytes(void *ctx)
{
    (void)ctx;
    return (int64_t)body_bytes_held();
}

static int64_t is_ready(void *ctx)
{
    char why[200];

    return service_ready(ctx, why, sizeof(why));
}

static int64_t certificate_end(void *ctx)
{
    const struct service *s = ctx;

    return certs_expire_at(s->certs);
}

static int64_t certificates_waiting(void *ctx)
{
    const struct service *s = ctx;

    return certs_waiting(s->certs);
}

static int64_t certificates_over(void *ctx)
{
    const struct service *s = ctx;

    return certs_expired(s->certs, clock_now_s());
}

static struct {
    struct metric metric;
    int64_t (*read)(void *ctx);
} rows[] = {
    {METRIC_GAUGE("sigillo_ready", "1 when messages are taken", NULL), is_ready},
    {METRIC_COUNTER("sigillo_smtp_sessions_total", "SMTP sessions accepted", NULL), sessions},
    {METRIC_GAUGE("sigillo_smtp_sessions", "SMTP sessions open", NULL), sessions_now},
    {METRIC_COUNTER("sigillo_smtp_sessions_refused_total", "Connections refused by a limit", NULL),
     sessions_refused},
    {METRIC_COUNTER("sigillo_smtp_tls_sessions_total", "SMTP sessions that became encrypted", NULL),
     tls_sessions},
    {METRIC_COUNTER("sigillo_smtp_tls_failures_total", "TLS handshakes that failed", NULL),
     tls_failures},
    {METRIC_COUNTER("sigillo_smtp_auth_total", "Authentications", "result=\"ok\""), auth_ok},
    {METRIC_COUNTER("sigillo_smtp_auth_total", "Authentications", "result=\"failed\""),
     auth_failed},
    {METRIC_COUNTER("sigillo_tokens_total", "Tokens made, and looked at", "result=\"issued\""),
     tokens_issued},
    {METRIC_COUNTER("sigillo_tokens_total", "Tokens made, and looked at", "result=\"accepted\""),
     tokens_accepted},
    {METRIC_COUNTER("sigillo_tokens_total", "Tokens made, and looked at", "result=\"refused\""),
     tokens_refused},
    {METRIC_COUNTER("sigillo_smtp_timeouts_total", "Sessions that were idle too long", NULL),
     timeouts},
    {METRIC_COUNTER("sigillo_smtp_received_bytes_total", "Bytes received from SMTP clients", NULL),
     bytes_in},
    {METRIC_COUNTER("sigillo_messages_total", "Messages submitted, all doors",
                    "result=\"accepted\""),
     accepted},
    {METRIC_COUNTER("sigillo_messages_total", "Messages submitted, all doors",
                    "result=\"refused\""),
     refused},
    {METRIC_COUNTER("sigillo_messages_total", "Messages submitted, all doors",
                    "result=\"unavailable\""),
     unavailable},
    {METRIC_COUNTER("sigillo_accepted_bytes_total", "Bytes of accepted messages", NULL),
     bytes_accepted},
    {METRIC_COUNTER("sigillo_signatures_total", "DKIM signatures made", NULL), signatures},
    {METRIC_GAUGE("sigillo_admissions", "Messages between end of data and the answer", NULL), busy},
    {METRIC_GAUGE("sigillo_queue_recipients_in_memory", "Recipients that the queue holds in memory",
                  NULL),
     in_memory},
    {METRIC_GAUGE("sigillo_queue_recipients_out", "Recipients being delivered", NULL),
     out_with_delivery},
    {METRIC_COUNTER("sigillo_recipients_total",
                    "Recipients by the state that an attempt or a decision led to",
                    "state=\"delivered\""),
     delivered},
    {METRIC_COUNTER("sigillo_recipients_total",
                    "Recipients by the state that an attempt or a decision led to",
                    "state=\"deferred\""),
     deferred},
    {METRIC_COUNTER("sigillo_recipients_total",
                    "Recipients by the state that an attempt or a decision led to",
                    "state=\"failed\""),
     failed},
    {METRIC_COUNTER("sigillo_recipients_total",
                    "Recipients by the state that an attempt or a decision led to",
                    "state=\"expired\""),
     expired},
    {METRIC_COUNTER("sigillo_recipients_total",
                    "Recipients by the state that an attempt or a decision led to",
                    "state=\"suppressed\""),
     suppressed},
    {METRIC_COUNTER("sigillo_queue_claims_total", "Times the queue took work from the store", NULL),
     claims},
    {METRIC_COUNTER("sigillo_bounces_total", "Delivery status notifications written", NULL),
     bounces},
    {METRIC_COUNTER("sigillo_store_commits_total", "Transactions made durable", NULL), commits},
    {METRIC_COUNTER("sigillo_store_operations_total", "Operations in them", NULL), operations},
    {METRIC_COUNTER("sigillo_store_commit_microseconds_total", "Time spent making them durable",
                    NULL),
     commit_us},
    {METRIC_GAUGE("sigillo_store_commit_microseconds_max", "The slowest one", NULL), commit_us_max},
    {METRIC_GAUGE("sigillo_store_waiting", "Operations that wait for the next transaction", NULL),
     store_waiting},
    {METRIC_GAUGE("sigillo_delivery_connections", "Connections to other servers", NULL),
     connections_open},
    {METRIC_COUNTER("sigillo_delivery_connections_total", "Connections made", NULL),
     connections_made},
    {METRIC_COUNTER("sigillo_delivery_reuses_total",
                    "Transactions over a connection that had carried one before", NULL),
     connections_reused},
    {METRIC_GAUGE("sigillo_delivery_sites", "MX sites remembered", NULL), sites},
    {METRIC_GAUGE("sigillo_delivery_destinations", "Destination domains remembered", NULL),
     destinations},
    {METRIC_COUNTER("sigillo_dns_queries_total", "Questions to the resolver", NULL), dns_queries},
    {METRIC_COUNTER("sigillo_dns_errors_total", "Answers that are no answers", "kind=\"failed\""),
     dns_failures},
    {METRIC_COUNTER("sigillo_dns_errors_total", "Answers that are no answers", "kind=\"bogus\""),
     dns_bogus},
    {METRIC_COUNTER("sigillo_dns_errors_total", "Answers that are no answers", "kind=\"deadline\""),
     dns_timeouts},
    {METRIC_COUNTER("sigillo_domain_checks_total", "Times the records of a domain were looked at",
                    NULL),
     domain_checks},
    {METRIC_COUNTER("sigillo_domain_checks_unknown_total",
                    "Times a record could not be looked at, so that nothing is known of it", NULL),
     domain_checks_unknown},
    {METRIC_GAUGE("sigillo_domains", "Domains that may send", NULL), domains},
    {METRIC_GAUGE("sigillo_suppressions", "Addresses that are not sent to", NULL), suppressions},
    {METRIC_GAUGE("sigillo_selectors_loading", "DKIM keys not yet in the keys process", NULL),
     selectors_loading},
    {METRIC_GAUGE("sigillo_body_bytes", "Memory held by message bodies", NULL), body_bytes},
    {METRIC_GAUGE("sigillo_certificate_expires_seconds",
                  "When the first of the TLS certificates ends, Unix time; 0: none", NULL),
     certificate_end},
    {METRIC_GAUGE("sigillo_certificates_expired", "TLS certificates that are over", NULL),
     certificates_over},
    {METRIC_GAUGE("sigillo_certificates_waiting",
                  "TLS certificates whose key has to be published before they are used", NULL),
     certificates_waiting},
};

void service_metrics(struct service *s)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        metrics_register_read(&rows[i].metric, rows[i].read, s);
    service_inbound_metrics(s);
}
