/* SPDX-License-Identifier: Apache-2.0 */
/* What is due: a round takes the counts to the store, then asks it for what is to be done, and is over when all of that is. */
#include "reports.h"

#include <stdlib.h>

#include "internal.h"
#include "session.h"

#define EVERY_S   5
#define KEEP_DAYS 30 /* of reports and what they were made of */

const struct kind *const kinds[REPORT_KINDS] = {&kind_tls, &kind_dmarc};

/* ---- counting ---- */

void reports_session(void *ctx, const struct delivery_session *session)
{
    struct reports *r = ctx;
    struct session_text text;
    struct tally_count count;
    struct tlsrpt_count c;

    if (!r->counts[REPORT_TLS])
        return;
    if (session_read(session, &text, &c)) {
        session_count(&c, &count);
        counting_add(&r->counting[REPORT_TLS], &count);
    }
    session_text_done(&text);
}

/* ---- what is due ---- */

static bool take_due(void *ctx, const struct store_report *about)
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

    l->result = store_read_reports_due(l->reports->parts.store, l->kinds, clock_now_s(), DUE_MAX,
                                       take_due, l);
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

static unsigned wanted(const struct reports *r)
{
    unsigned bits = 0;

    for (int i = 0; i < REPORT_KINDS; i++)
        bits |= (unsigned)r->counts[i] << i;
    return bits;
}

/* Nobody's turn comes twice at once: not before all that was found is done with. */
static void look(struct reports *r)
{
    if (r->looking || wanted(r) == 0 || r->waiting != NULL || r->busy != NULL ||
        clock_mono_ms() < r->rest_until_ms)
        return;
    r->look = (struct look){.work = {.work = read_due, .done = have_due, .loop = r->parts.loop},
                            .reports = r,
                            .kinds = wanted(r)};
    r->look.tail = &r->look.first;
    r->looking = workers_submit(r->parts.workers, &r->look.work);
}

/* What is due is looked for when all that was counted is in the store. */
void reports_flushed(struct reports *r)
{
    for (int i = 0; i < REPORT_KINDS; i++)
        if (r->counting[i].flushing)
            return;
    look(r);
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
    struct report_op *forget = (struct report_op *)(void *)op;
    struct reports *r = (struct reports *)(void *)((char *)(forget - forget->report.kind) -
                                                   offsetof(struct reports, forget));

    r->forgetting--;
}

/* Once a day. */
static void forget(struct reports *r)
{
    int64_t day = clock_now_s() / DAY_S;

    if (r->forgetting > 0 || r->forgotten_day == day)
        return;
    r->forgotten_day = day;
    for (int i = 0; i < REPORT_KINDS; i++) {
        r->forgetting++;
        r->forget[i] = (struct report_op){
            .op = {.kind = STORE_REPORT, .loop = r->parts.loop, .done = forgotten},
            .verb = REPORT_FORGET,
            .report = {.kind = (enum report_kind)i, .day = day - KEEP_DAYS}};
        store_submit(r->parts.store, &r->forget[i].op);
    }
}

static void round_begins(evutil_socket_t fd, short what, void *arg)
{
    struct reports *r = arg;
    bool flushing = false;

    (void)fd;
    (void)what;
    forget(r);
    if (r->looking)
        return;
    for (int i = 0; i < REPORT_KINDS; i++)
        flushing |= counting_flush(&r->counting[i]);
    if (!flushing)
        look(r);
}

/* ---- life ---- */

static bool is_it(sgl_view address, const char *mine)
{
    sgl_view v = sgl_view_cstr(mine == NULL ? "" : mine);

    if (sgl_view_starts(v, SGL_LIT("mailto:")))
        v = sgl_view_from(v, sizeof("mailto:") - 1);
    return v.len > 0 && sgl_view_eq_nocase(address, v);
}

/* What the records of our domains name: an address of the configuration, or that one of the domain itself. */
static bool takes(sgl_view address, const char *mine, sgl_view preset)
{
    return mine != NULL ? is_it(address, mine) : sgl_view_starts_nocase(address, preset);
}

bool reports_takes(struct reports *r, sgl_view address)
{
    const struct config *c;
    bool is;

    pthread_mutex_lock(&r->config_lock);
    c = r->config;
    is = takes(address, c->domains.dmarc_reports, SGL_LIT("dmarc@")) ||
         takes(address, c->domains.tls_reports, SGL_LIT("tls-reports@"));
    for (int i = 0; i < REPORT_KINDS; i++)
        is = is || is_it(address, kinds[i]->settings(c)->from) ||
             is_it(address, kinds[i]->settings(c)->contact);
    pthread_mutex_unlock(&r->config_lock);
    return is;
}

static void take_config(struct reports *r, struct config *config)
{
    pthread_mutex_lock(&r->config_lock);
    r->config = config_ref(config);
    pthread_mutex_unlock(&r->config_lock);
    for (int i = 0; i < REPORT_KINDS; i++) {
        const struct config_reports *c = kinds[i]->settings(config);

        r->delay_s[i] = c->delay_s;
        r->counts[i] = c->from != NULL;
    }
}

struct reports *reports_new(const struct reports_parts *parts, struct config *config)
{
    struct reports *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->parts = *parts;
    pthread_mutex_init(&r->config_lock, NULL);
    for (int i = 0; i < REPORT_KINDS; i++) {
        if (!counting_init(&r->counting[i], r, kinds[i])) {
            free(r);
            return NULL;
        }
    }
    take_config(r, config);
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

    take_config(r, config);
    config_unref(former);
}

void reports_end(struct reports *r)
{
    for (int i = 0; i < REPORT_KINDS; i++)
        counting_end(&r->counting[i]);
}

void reports_free(struct reports *r)
{
    if (r == NULL)
        return;
    if (r->looking)
        r->waiting = r->look.first;
    free_all(r->waiting);
    for (struct errand *e = r->busy, *next; e != NULL; e = next) {
        next = e->next;
        errand_cut(e);
        errand_free(e);
    }
    for (int i = 0; i < REPORT_KINDS; i++)
        counting_done(&r->counting[i]);
    if (r->timer != NULL)
        event_free(r->timer);
    config_unref(r->config);
    pthread_mutex_destroy(&r->config_lock);
    free(r);
}
