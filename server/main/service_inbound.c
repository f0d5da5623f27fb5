/* SPDX-License-Identifier: Apache-2.0 */
/* What arrives: the judge, the gate, the door, and who hears of it. */
#include <stdlib.h>

#include "../log/log.h"
#include "../metrics/metrics.h"
#include "service_dmarc.h"
#include "service_internal.h"

/* ---- reputation hears what was judged ---- */

/* Whose mail it is known to be: the author's, or that of a signature, or of the envelope. Empty: nobody's. */
static sgl_view proved_domain(const struct sgl_verdict *v)
{
    if (v->dmarc.result == SGL_DMARC_PASS)
        return v->dmarc.author.text;
    for (size_t i = 0; i < v->dkim.count; i++)
        if (v->dkim.item[i].result == SGL_DKIM_PASS)
            return v->dkim.item[i].tags.domain;
    return v->spf_checked && v->spf.result == SGL_SPF_PASS ? v->spf.domain : SGL_LIT("");
}

static void note(struct service *s, const struct reception_judged *j, enum reputation_event event)
{
    reputation_note(s->reputation, &j->ip, proved_domain(j->verdict), event, j->at_ms / 1000);
}

/* What waits for DNS says nothing of anybody. */
static void on_judged(void *ctx, const struct reception_judged *j)
{
    bool failed = j->verdict->dmarc.result == SGL_DMARC_FAIL && j->decision->override == NULL &&
                  !j->verdict->overridden;

    if (j->decision->unanswered)
        return;
    switch (j->decision->action) {
    case JUDGED_DEFER:
        break;
    case JUDGED_QUARANTINE:
    case JUDGED_REJECT:
        note(ctx, j, REPUTATION_JUNK);
        break;
    case JUDGED_ACCEPT:
        if (failed)
            note(ctx, j, REPUTATION_FAILED);
        else if (proved_domain(j->verdict).len > 0)
            note(ctx, j, REPUTATION_GOOD);
        break;
    }
}

static void on_trapped(void *ctx, const struct reception_judged *j)
{
    note(ctx, j, REPUTATION_TRAP);
}

/* ---- built ---- */

static bool has_door(const struct config *c)
{
    for (size_t i = 0; i < c->listens; i++)
        if (c->listen[i].door == DOOR_INBOUND)
            return true;
    return false;
}

/* The postmaster of each domain has to be somebody.  [RFC 5321 s4.5.1] */
static void warn_of_postmaster(const struct config *c)
{
    if (has_door(c) && c->inbound.postmaster == NULL)
        log_line(LOG_WARN_, "mail to a postmaster without a route is refused",
                 LOG_STR("set", "inbound.postmaster"));
}

static bool build_door(struct service *s, char *why, size_t why_size)
{
    const struct bound_sockets *b = s->setup->sockets;
    struct inbound_socket *sockets = calloc(b->sockets + 1, sizeof(*sockets));
    struct inbound_setup setup = {.config = s->config,
                                  .loop = s->door,
                                  .loops = s->doors,
                                  .socket = sockets,
                                  .reception = s->reception,
                                  .reputation = s->reputation,
                                  .tls = s->tls};

    for (size_t i = 0; sockets != NULL && i < b->sockets; i++)
        if (s->config->listen[b->socket[i].listen].door == DOOR_INBOUND)
            sockets[setup.sockets++] =
                (struct inbound_socket){b->socket[i].fd, b->socket[i].listen};
    if (sockets != NULL)
        s->inbound = inbound_new(&setup, why, why_size);
    free(sockets);
    return s->inbound != NULL;
}

bool service_build_inbound(struct service *s, char *why, size_t why_size)
{
    struct judge_setup judge = {.resolver = s->resolver,
                                .resolver_loop = s->outgoing,
                                .timeout_ms = s->config->resolver.timeout_ms,
                                .memory_max = s->config->inbound.judged_memory};
    struct reception_setup reception = {.directory = s->directory,
                                        .store = s->store,
                                        .queue = s->queue,
                                        .config = s->config,
                                        .lease_s = SERVICE_LEASE_S};

    s->judge = reception.judge = judge_new(&judge);
    s->reception = s->judge == NULL ? NULL : reception_new(&reception);
    if (s->reception == NULL)
        return false;
    reception_set_judged(s->reception, on_judged, s);
    reception_set_judged(s->reception, service_dmarc_judged, s->reports);
    reception_set_trapped(s->reception, on_trapped, s);
    s->heard =
        (struct heard_room){.directory = s->directory, .store = s->store, .workers = s->workers};
    reception_set_handler(s->reception, ROUTE_REPORTS, heard_arrival, &s->heard);
    reception_add_known(s->reception,
                        &(struct reception_knows){.ctx = s->returns, .knows = returns_knows});
    reception_set_handler(s->reception, ROUTE_BOUNCES, returns_take, s->returns);
    reception_set_handler(s->reception, ROUTE_COMPLAINTS, returns_take, s->returns);
    warn_of_postmaster(s->config);
    return service_build_forward(s, why, why_size) && build_door(s, why, why_size);
}

void service_reload_inbound(struct service *s, struct config *next)
{
    reception_reconfigure(s->reception, next);
    inbound_reload(s->inbound, next);
    warn_of_postmaster(next);
}

/* ---- figures ---- */

#define READER(name, room, stats, field)                                                           \
    static int64_t name(void *ctx)                                                                 \
    {                                                                                              \
        struct stats out = {0};                                                                    \
                                                                                                   \
        stats(((struct service *)ctx)->room, &out);                                                \
        return (int64_t)out.field;                                                                 \
    }

READER(sessions, inbound, inbound_stats, sessions)
READER(sessions_now, inbound, inbound_stats, sessions_now)
READER(sessions_refused, inbound, inbound_stats, refused_connections)
READER(tls_sessions, inbound, inbound_stats, tls_sessions)
READER(tls_failures, inbound, inbound_stats, tls_failures)
READER(timeouts, inbound, inbound_stats, timeouts)
READER(early, inbound, inbound_stats, early)
READER(limited, inbound, inbound_stats, limited)
READER(unknown, inbound, inbound_stats, unknown)
READER(bytes_in, inbound, inbound_stats, bytes_in)
READER(accepted, inbound, inbound_stats, messages_accepted)
READER(refused, inbound, inbound_stats, messages_refused)
READER(deferred, inbound, inbound_stats, messages_deferred)
READER(quarantined, reception, reception_stats, quarantined)
READER(overridden, reception, reception_stats, overridden)
READER(handled, reception, reception_stats, handled)
READER(carried, reception, reception_stats, carried)
READER(dmarc_pass, reception, reception_stats, dmarc_pass)
READER(dmarc_fail, reception, reception_stats, dmarc_fail)
READER(dmarc_none, reception, reception_stats, dmarc_none)
READER(dmarc_error, reception, reception_stats, dmarc_error)
READER(judging_bytes, judge, judge_stats, memory)
READER(judging_late, judge, judge_stats, late)

#define ARRIVED "Messages at the inbound door"
#define DMARC   "Messages judged, by what DMARC says"
static struct {
    struct metric metric;
    int64_t (*read)(void *ctx);
} rows[] = {
    {METRIC_COUNTER("sigillo_inbound_sessions_total", "Sessions of other servers", NULL), sessions},
    {METRIC_GAUGE("sigillo_inbound_sessions", "Sessions of other servers that are open", NULL),
     sessions_now},
    {METRIC_COUNTER("sigillo_inbound_sessions_refused_total",
                    "Connections refused: limits, rates, reputation", NULL),
     sessions_refused},
    {METRIC_COUNTER("sigillo_inbound_early_total", "Clients that talked before the greeting", NULL),
     early},
    {METRIC_COUNTER("sigillo_inbound_limited_total", "Commands that a rate refused", NULL),
     limited},
    {METRIC_COUNTER("sigillo_inbound_unknown_recipients_total", "Recipients that nobody knows",
                    NULL),
     unknown},
    {METRIC_COUNTER("sigillo_inbound_tls_sessions_total", "Sessions that became encrypted", NULL),
     tls_sessions},
    {METRIC_COUNTER("sigillo_inbound_tls_failures_total", "TLS handshakes that failed", NULL),
     tls_failures},
    {METRIC_COUNTER("sigillo_inbound_timeouts_total", "Sessions that were idle too long", NULL),
     timeouts},
    {METRIC_COUNTER("sigillo_inbound_received_bytes_total", "Bytes of messages", NULL), bytes_in},
    {METRIC_COUNTER("sigillo_inbound_messages_total", ARRIVED, "result=\"accepted\""), accepted},
    {METRIC_COUNTER("sigillo_inbound_messages_total", ARRIVED, "result=\"refused\""), refused},
    {METRIC_COUNTER("sigillo_inbound_messages_total", ARRIVED, "result=\"deferred\""), deferred},
    {METRIC_COUNTER("sigillo_inbound_quarantined_total", "Accepted, and put aside", NULL),
     quarantined},
    {METRIC_COUNTER("sigillo_inbound_overridden_total", "Accepted though DMARC failed", NULL),
     overridden},
    {METRIC_COUNTER("sigillo_inbound_recipients_total", "Recipients of accepted messages",
                    "way=\"handled\""),
     handled},
    {METRIC_COUNTER("sigillo_inbound_recipients_total", "Recipients of accepted messages",
                    "way=\"carried\""),
     carried},
    {METRIC_COUNTER("sigillo_inbound_dmarc_total", DMARC, "result=\"pass\""), dmarc_pass},
    {METRIC_COUNTER("sigillo_inbound_dmarc_total", DMARC, "result=\"fail\""), dmarc_fail},
    {METRIC_COUNTER("sigillo_inbound_dmarc_total", DMARC, "result=\"none\""), dmarc_none},
    {METRIC_COUNTER("sigillo_inbound_dmarc_total", DMARC, "result=\"error\""), dmarc_error},
    {METRIC_GAUGE("sigillo_judging_bytes", "Memory of messages that are judged now", NULL),
     judging_bytes},
    {METRIC_COUNTER("sigillo_judging_late_total", "Messages for which DNS answered too late", NULL),
     judging_late},
};

void service_inbound_metrics(struct service *s)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        metrics_register_read(&rows[i].metric, rows[i].read, s);
}
