/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /metrics shows: counters, gauges and histograms of the process, in Prometheus' text format.  Every room declares its own as static objects with labels written down
 * at compile time, so that the number of series is bounded:
 *
 *   static struct metric accepted = METRIC_COUNTER("sigillo_messages_accepted_total", "Messages made durable", "door=\"submission\"");
 *   metrics_register(&accepted);   // once, at start
 *   metric_add(&accepted, 1);      // any thread
 */
#ifndef SERVER_METRICS_METRICS_H
#define SERVER_METRICS_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "sigillo/buf.h"

enum metric_kind { METRIC_KIND_COUNTER, METRIC_KIND_GAUGE, METRIC_KIND_HISTOGRAM };

#define METRIC_BUCKETS 14

struct metric {
    enum metric_kind kind;
    const char *name, *help;
    const char *labels;    /* "a=\"b\",c=\"d\"", or NULL; our own literals */
    _Atomic int64_t value; /* counter, gauge */
    int64_t (*read)(
        void *ctx); /* gauge that is asked when it is shown, or NULL; any thread may call it */
    void *ctx;
    _Atomic uint64_t bucket[METRIC_BUCKETS + 1],
        sum_us; /* histogram of durations; bounds from 100 us to 60 s */
    struct metric *next;
    _Atomic bool registered;
};
#define METRIC_COUNTER(name, help, labels)                                                         \
    {                                                                                              \
        METRIC_KIND_COUNTER, (name), (help), (labels), 0, NULL, NULL, {0}, 0, NULL, false          \
    }
#define METRIC_GAUGE(name, help, labels)                                                           \
    {                                                                                              \
        METRIC_KIND_GAUGE, (name), (help), (labels), 0, NULL, NULL, {0}, 0, NULL, false            \
    }
#define METRIC_HISTOGRAM(name, help, labels)                                                       \
    {                                                                                              \
        METRIC_KIND_HISTOGRAM, (name), (help), (labels), 0, NULL, NULL, {0}, 0, NULL, false        \
    }

/* Adds it to the list (a second time is harmless). Series of one name must have the same kind and help; they are shown together. Any thread. */
void metrics_register(struct metric *m);
/* A gauge that is read when it is shown; `m` is a METRIC_GAUGE. */
void metrics_register_read(struct metric *m, int64_t (*read)(void *ctx), void *ctx);
/* Takes it out (its ctx goes away). */
void metrics_unregister(struct metric *m);

static inline void metric_add(struct metric *m, int64_t n)
{
    atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}
static inline void metric_set(struct metric *m, int64_t n)
{
    atomic_store_explicit(&m->value, n, memory_order_relaxed);
}
void metric_observe_us(struct metric *m, uint64_t us); /* histogram */

/* All of them, in Prometheus' text format 0.0.4; the process's own (RSS, CPU, descriptors, start) first. Content-Type: text/plain; version=0.0.4 */
void metrics_put(struct sgl_buf *out);

#endif
