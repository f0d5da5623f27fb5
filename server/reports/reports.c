/* SPDX-License-Identifier: Apache-2.0 */
/* Counting, and what is due: a round takes the counts to the store, then asks it for what is to be done, and is over when all of that is. */
#include "reports.h"

#include <sodium.h>
#include <stdlib.h>

#include "internal.h"
#include "session.h"

#define EVERY_S   5
#define DAY_S     86400
#define KEEP_DAYS 30 /* of reports and what they were made of */

static struct metric counted = METRIC_COUNTER("sigillo_tls_report_sessions_total",
                                              "Sessions counted for reports about TLS", NULL);
static struct metric lost = METRIC_COUNTER("sigillo_tls_report_sessions_lost_total",
                                           "Sessions that there was no room to count", NULL);
struct metric reports_made[3] = {
    METRIC_COUNTER("sigillo_tls_reports_total", "Reports about TLS", "result=\"queued\""),
    METRIC_COUNTER("sigillo_tls_reports_total", "Reports about TLS", "result=\"accepted\""),
    METRIC_COUNTER("sigillo_tls_reports_total", "Reports about TLS", "result=\"failed\""),
};

/* ---- counting ---- */

static int64_t due_at(const struct reports *r, int64_t day)
{
    return (day + 1) * DAY_S + 1 + (int64_t)randombytes_uniform(r->config->tls_reports.delay_s + 1);
}

void reports_session(void *ctx, const struct delivery_session *session)
{
    struct reports *r = ctx;
    struct session_text text;
    struct tlsrpt_count c;
    uint64_t lost_before = r->tally.lost;

    if (r->config->tls_reports.from == NULL)
        return;
    if (session_read(session, &text, &c)) {
        c.day = clock_now_s() / DAY_S;
        c.due_at = due_at(r, c.day);
        tally_add(&r->tally, &c);
        metric_add(&counted, 1);
        metric_add(&lost, (int64_t)(r->tally.lost - lost_before));
    }
    session_text_done(&text);
}

static void look(struct reports *r);

static void flushed(struct store_op *op)
{
    struct tlsrpt_op *flush = (struct tlsrpt_op *)(void *)op;
    struct reports *r = (struct reports *)(void *)((char *)flush - offsetof(struct reports, flush));

    for (size_t i = 0; op->result != STORE_OK && i < flush->counts; i++)
        tally_add(&r->tally, &r->taken[i]);
    tally_taken(r->taken_rows, r->taken);
    r->flushing = false;
    look(r);
}

static void flush(struct reports *r)
{
    size_t counts = 0;

    r->taken = tally_take(&r->tally, &r->taken_rows, &counts);
    if (r->taken == NULL) {
        look(r);
        return;
    }
    r->flushing = true;
    r->flush =
        (struct tlsrpt_op){.op = {.kind = STORE_TLSRPT, .loop = r->parts.loop, .done = flushed},
                           .verb = TLSRPT_COUNT,
                           .count = r->taken,
                           .counts = counts};
    store_submit(r->parts.store, &r->flush.op);
}

/* ---- what is due ---- */

static bool take_due(void *ctx, const struct tlsrpt_report *about)
{
    struct look *l = ctx;
    struct errand *e = errand_new(l->reports, about);

    if (e == NULL)
        return false;
    *l->tail = e;
    l->tail = &e->next;
    l->found++;
    return true;
}

static void read_due(struct work *work)
{
    struct look *l = (struct look *)(void *)work;

    l->result = store_read_tlsrpt_due(l->reports->parts.store, clock_now_s(), DUE_MAX, take_due, l);
}

static void start_some(struct reports *r)
{
    while (r->waiting != NULL && r->errands < ERRANDS_MAX) {
        struct errand *e = r->waiting;

        r->waiting = e->next;
        e->next = r->busy;
        e->link = &r->busy;
        if (r->busy != NULL)
            r->busy->link = &e->next;
        r->busy = e;
        r->errands++;
        errand_start(e);
    }
}

static void have_due(struct work *work)
{
    struct reports *r = ((struct look *)(void *)work)->reports;

    r->looking = false;
    r->waiting = r->look.first;
    for (struct errand *e = r->waiting; e != NULL; e = e->next)
        e->config = config_ref(r->config);
    start_some(r);
}

/* Nobody's turn comes twice at once: not before all that was found is done with. */
static void look(struct reports *r)
{
    if (r->config->tls_reports.from == NULL || r->waiting != NULL || r->busy != NULL ||
        clock_mono_ms() < r->rest_until_ms)
        return;
    r->look = (struct look){.work = {.work = read_due, .done = have_due, .loop = r->parts.loop},
                            .reports = r};
    r->look.tail = &r->look.first;
    r->looking = workers_submit(r->parts.workers, &r->look.work);
}

void reports_next(struct reports *r, struct errand *done)
{
    *done->link = done->next;
    if (done->next != NULL)
        done->next->link = done->link;
    r->errands--;
    errand_free(done);
    start_some(r);
}

static void free_all(struct errand *first)
{
    for (struct errand *e = first, *next; e != NULL; e = next) {
        next = e->next;
        errand_free(e);
    }
}

/* Those that have begun end; the others are due again. */
void reports_rest(struct reports *r)
{
    struct errand *waiting = r->waiting;

    r->rest_until_ms = clock_mono_ms() + REST_S * 1000;
    r->waiting = NULL;
    free_all(waiting);
}

/* ---- rounds ---- */

static void forgotten(struct store_op *op)
{
    struct tlsrpt_op *forget = (struct tlsrpt_op *)(void *)op;
    struct reports *r =
        (struct reports *)(void *)((char *)forget - offsetof(struct reports, forget));

    r->forgetting = false;
}

/* Once a day. */
static void forget(struct reports *r)
{
    int64_t day = clock_now_s() / DAY_S;

    if (r->forgetting || r->forgotten_day == day)
        return;
    r->forgotten_day = day;
    r->forgetting = true;
    r->forget =
        (struct tlsrpt_op){.op = {.kind = STORE_TLSRPT, .loop = r->parts.loop, .done = forgotten},
                           .verb = TLSRPT_FORGET,
                           .report = {.day = day - KEEP_DAYS}};
    store_submit(r->parts.store, &r->forget.op);
}

static void round_begins(evutil_socket_t fd, short what, void *arg)
{
    struct reports *r = arg;

    (void)fd;
    (void)what;
    forget(r);
    if (!r->flushing && !r->looking)
        flush(r);
}

/* ---- life ---- */

struct reports *reports_new(const struct reports_parts *parts, struct config *config)
{
    struct reports *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->parts = *parts;
    r->config = config_ref(config);
    metrics_register(&counted);
    metrics_register(&lost);
    for (size_t i = 0; i < sizeof(reports_made) / sizeof(reports_made[0]); i++)
        metrics_register(&reports_made[i]);
    return r;
}

bool reports_start(struct reports *r)
{
    struct timeval every = {EVERY_S, 0};

    r->timer = event_new(loop_base(r->parts.loop), -1, EV_PERSIST, round_begins, r);
    return r->timer != NULL && event_add(r->timer, &every) == 0;
}

void reports_reconfigure(struct reports *r, struct config *config)
{
    struct config *former = r->config;

    r->config = config_ref(config);
    config_unref(former);
}

static void last_flushed(struct store_op *op)
{
    (void)op; /* what it did not take is lost with the process */
}

/* A flush that is under way is the store's already. */
void reports_end(struct reports *r)
{
    size_t counts = 0;

    r->last_taken = tally_take(&r->tally, &r->last_rows, &counts);
    if (r->last_taken == NULL)
        return;
    r->last = (struct tlsrpt_op){.op = {.kind = STORE_TLSRPT, .done = last_flushed},
                                 .verb = TLSRPT_COUNT,
                                 .count = r->last_taken,
                                 .counts = counts};
    store_submit(r->parts.store, &r->last.op);
}

void reports_free(struct reports *r)
{
    if (r == NULL)
        return;
    if (r->flushing)
        tally_taken(r->taken_rows, r->taken);
    if (r->last_taken != NULL)
        tally_taken(r->last_rows, r->last_taken);
    if (r->looking)
        r->waiting = r->look.first;
    free_all(r->waiting);
    for (struct errand *e = r->busy, *next; e != NULL; e = next) {
        next = e->next;
        errand_cut(e);
        errand_free(e);
    }
    tally_done(&r->tally);
    if (r->timer != NULL)
        event_free(r->timer);
    config_unref(r->config);
    free(r);
}
