/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted and logged of each outcome. */
#include <string.h>

#include "../log/log.h"
#include "../metrics/metrics.h"
#include "../store/transit.h"
#include "internal.h"

#define OUTCOMES      "sigillo_delivery_recipients_total"
#define OUTCOMES_HELP "Recipients by what became of an attempt"
#define LAYERS        "sigillo_delivery_tls_total"
#define LAYERS_HELP   "Recipients delivered, by what the connection proved"

static struct metric outcome[] = {
    /* in the order of enum rcpt_verdict */
    METRIC_COUNTER(OUTCOMES, OUTCOMES_HELP, "outcome=\"delivered\""),
    METRIC_COUNTER(OUTCOMES, OUTCOMES_HELP, "outcome=\"deferred\""),
    METRIC_COUNTER(OUTCOMES, OUTCOMES_HELP, "outcome=\"failed\""),
    METRIC_COUNTER(OUTCOMES, OUTCOMES_HELP, "outcome=\"put_back\""),
};
static struct metric repeated = METRIC_COUNTER(
    "sigillo_delivery_possibly_repeated_total",
    "Recipients whose server may have the message although its answer never came", NULL);
static struct metric took = METRIC_HISTOGRAM(
    "sigillo_delivery_seconds", "From the start of an attempt to the answer, delivered", NULL);

static const char *const proved_word[] = {"dane-ee", "dane-ta", "certificate", "nobody"};
static struct metric layer[] = {
    METRIC_COUNTER(LAYERS, LAYERS_HELP, "proved=\"dane-ee\""),
    METRIC_COUNTER(LAYERS, LAYERS_HELP, "proved=\"dane-ta\""),
    METRIC_COUNTER(LAYERS, LAYERS_HELP, "proved=\"certificate\""),
    METRIC_COUNTER(LAYERS, LAYERS_HELP, "proved=\"nobody\""),
    METRIC_COUNTER(LAYERS, LAYERS_HELP, "proved=\"plain\""),
};

#define TRANSIT      "sigillo_delivery_transit_total"
#define TRANSIT_HELP "Recipients delivered, by the mechanism that secured the connection"
static struct metric transit[TRANSIT_MECHANISMS] = {
    [TRANSIT_DANE] = METRIC_COUNTER(TRANSIT, TRANSIT_HELP, "mechanism=\"dane\""),
    [TRANSIT_MTA_STS] = METRIC_COUNTER(TRANSIT, TRANSIT_HELP, "mechanism=\"mta-sts\""),
    [TRANSIT_VERIFIED] = METRIC_COUNTER(TRANSIT, TRANSIT_HELP, "mechanism=\"verified\""),
    [TRANSIT_ENCRYPTED] = METRIC_COUNTER(TRANSIT, TRANSIT_HELP, "mechanism=\"encrypted\""),
    [TRANSIT_PLAIN] = METRIC_COUNTER(TRANSIT, TRANSIT_HELP, "mechanism=\"plain\""),
};

#define VERSIONS      "sigillo_delivery_tls_version_total"
#define VERSIONS_HELP "Recipients delivered, by the version of TLS"
static struct metric version[TRANSIT_VERSIONS] = {
    [TRANSIT_TLS_1_2] = METRIC_COUNTER(VERSIONS, VERSIONS_HELP, "version=\"TLSv1.2\""),
    [TRANSIT_TLS_1_3] = METRIC_COUNTER(VERSIONS, VERSIONS_HELP, "version=\"TLSv1.3\""),
};

#define SHAKEN      "sigillo_delivery_handshakes_total"
#define SHAKEN_HELP "TLS handshakes that went well, in full or by a session of an earlier one"
static struct metric shaken[] = {
    METRIC_COUNTER(SHAKEN, SHAKEN_HELP, "kind=\"full\""),
    METRIC_COUNTER(SHAKEN, SHAKEN_HELP, "kind=\"resumed\""),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void account_register(void)
{
    for (size_t i = 0; i < COUNT(outcome); i++)
        metrics_register(&outcome[i]);
    for (size_t i = 0; i < COUNT(layer); i++)
        metrics_register(&layer[i]);
    for (size_t i = 1; i < COUNT(transit); i++)
        metrics_register(&transit[i]);
    for (size_t i = 1; i < COUNT(version); i++)
        metrics_register(&version[i]);
    for (size_t i = 0; i < COUNT(shaken); i++)
        metrics_register(&shaken[i]);
    metrics_register(&repeated);
    metrics_register(&took);
}

static void count_layer(const char *proved)
{
    size_t i = 0;

    while (i < COUNT(proved_word) && (proved == NULL || strcmp(proved, proved_word[i]) != 0))
        i++;
    metric_add(&layer[i], 1); /* the last one is plain */
}

void account_handshake(bool resumed)
{
    metric_add(&shaken[resumed], 1);
}

static void count_transit(const struct store_transit *t)
{
    if (t->mechanism > 0)
        metric_add(&transit[t->mechanism], 1);
    if (t->version > 0)
        metric_add(&version[t->version], 1);
}

static void count(struct delivery *d, enum rcpt_verdict verdict, const struct attempt *a)
{
    metric_add(&outcome[verdict], 1);
    if (a->possibly_repeated)
        metric_add(&repeated, 1);
    switch (verdict) {
    case RCPT_OK:
        d->stats.delivered++;
        count_layer(a->proved);
        count_transit(&a->transit);
        metric_observe_us(&took, a->total_ms * 1000);
        break;
    case RCPT_TEMPORARY:
        d->stats.deferred++;
        break;
    case RCPT_PERMANENT:
        d->stats.failed++;
        break;
    case RCPT_UNTRIED:
        d->stats.put_back++;
        break;
    case RCPT_STOPPED:
        break; /* the queue's own: delivery does not get to see it */
    }
}

/* What a mail store of one's own refuses says nothing of somebody who is written to. */
static bool is_arrival(const struct store_rcpt *rcpt)
{
    return rcpt->domain.len > 0 && rcpt->domain.ptr[0] == DELIVERY_ARRIVAL;
}

void account_outcome(struct delivery *d, const struct job *job, const struct store_rcpt *rcpt,
                     enum rcpt_verdict verdict, sgl_view status, const struct attempt *a)
{
    static const char *const word[] = {"delivered", "deferred", "failed", "put back"};
    enum log_level level = verdict == RCPT_UNTRIED ? LOG_DEBUG_ : LOG_INFO_;
    enum delivery_bounce kind;

    count(d, verdict, a);
    if (verdict == RCPT_PERMANENT && !is_arrival(rcpt) && d->bounced.bounced != NULL &&
        policy_bounce_kind(a->stage, status, job->rcpts, &kind))
        d->bounced.bounced(d->bounced.ctx, job->message, rcpt, kind, status, a->reason);
    if (!log_wants(level))
        return;
    log_line(level, word[verdict], LOG_ID(job->message->id), LOG_VIEW("to", rcpt->address),
             LOG_STR("host", a->host != NULL ? a->host : ""),
             LOG_STR("address", a->address != NULL ? a->address : ""), LOG_VIEW("status", status),
             LOG_STR("tls", a->seen != NULL ? a->seen->version : ""),
             LOG_STR("proved", a->proved != NULL ? a->proved : ""), LOG_INT("ms", a->total_ms),
             LOG_BOOL("possibly_repeated", a->possibly_repeated), LOG_VIEW("reply", a->reason));
}
