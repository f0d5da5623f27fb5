/* SPDX-License-Identifier: Apache-2.0 */
#include "heard_internal.h"

#include <stdlib.h>
#include <sys/random.h>

#include "../directory/directory.h"
#include "../intake/intake.h"
#include "../store/statistics.h"
#include "sigillo/dns_name.h"

#define TEXTS_MAX ((size_t)64 << 10)
#define DAY_S     INT64_C(86400)
#define SPAN_MAX  (8 * DAY_S)
#define MESSAGES_MAX                                                                               \
    (UINT64_C(1) << 34) /* of a report: nobody has as many in a day, and sums of them have an end */
#define AHEAD_MAX (2 * DAY_S) /* clocks differ, and days end later elsewhere */

static void fail(struct heard *h, enum heard_result result, const char *why)
{
    h->result = result;
    h->why = why;
}

/* ---- reading, on a worker ---- */

struct reading {
    struct heard *h;
    struct sgl_dmarc_report_reader *reader;
    bool memory_ended, begun;
};

static bool on_record(void *ctx, const struct sgl_dmarc_report_meta *meta,
                      const struct sgl_dmarc_report_record *record)
{
    struct reading *r = ctx;

    (void)meta;
    r->memory_ended = !heard_sums_add(r->h->sums, record);
    return !r->memory_ended;
}

static bool on_piece(void *ctx, sgl_view bytes)
{
    struct reading *r = ctx;

    r->begun = true;
    return sgl_dmarc_report_feed(r->reader, bytes) == SGL_OK;
}

/* What day it tells of must be known, and be one whose figures are kept. */
static bool has_days(const struct dmarc_received *r, int64_t now)
{
    return r->begin > 0 && r->end >= r->begin && r->end - r->begin <= SPAN_MAX &&
           r->end <= now + AHEAD_MAX && r->begin >= now - STATISTICS_DAYS * DAY_S;
}

static void keep(struct heard *h, const struct sgl_dmarc_report_meta *m,
                 const struct sgl_dmarc_report_summary *sum)
{
    struct dmarc_received *r = &h->report;
    struct sgl_name name;

    r->domain = SGL_LIT("");
    if (sgl_name_parse(m->domain, SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT, &h->arena, NULL,
                       &name) == SGL_OK)
        r->domain = heard_domain(&h->arena, name.text);
    r->organization = heard_text(&h->arena, m->org_name);
    r->report = heard_text(&h->arena, m->report_id);
    r->begin = m->begin;
    r->end = m->end;
    r->at = h->now;
    r->verified = h->verified;
    r->partial = sum->partial;
    r->p = (uint8_t)m->p;
    r->messages = sum->messages;
    r->source = heard_sums_all(h->sums, &r->sources);
    if (h->arena.status != SGL_OK)
        fail(h, HEARD_MEMORY, "");
    else if (r->domain.len == 0)
        fail(h, HEARD_NONE, "it does not say which domain it is about");
    else if (!has_days(r, h->now))
        fail(h, HEARD_NONE,
             "it does not say which day it tells of, or that is none whose figures are kept");
    else if (r->messages > MESSAGES_MAX)
        fail(h, HEARD_NONE, "it tells of more messages than anybody has");
    else
        fail(h, HEARD_KEPT, "");
}

static void judge(struct heard *h, struct reading *r, enum sgl_status taken, const char *why)
{
    struct sgl_dmarc_report_summary sum;
    struct sgl_diag diag = {0};
    enum sgl_status status = sgl_dmarc_report_end(r->reader, &sum, &diag);

    if (taken == SGL_E_NOMEM || status == SGL_E_NOMEM || r->memory_ended)
        fail(h, HEARD_MEMORY, "");
    else if (taken == SGL_E_LIMIT || status == SGL_E_LIMIT)
        fail(h, HEARD_LARGE, why[0] != '\0' ? why : diag.what);
    else if (status != SGL_OK)
        fail(h, HEARD_NONE, why[0] != '\0' ? why : diag.what);
    else {
        sum.partial = sum.partial || taken != SGL_OK;
        keep(h, sgl_dmarc_report_meta(r->reader), &sum);
    }
}

void heard_read(struct heard *h)
{
    struct reading r = {.h = h};
    const struct sgl_dmarc_report_sink records = {on_record, &r};
    const struct intake_sink pieces = {on_piece, &r, HEARD_XML_MAX};
    const char *why = "";
    uint64_t salt = 0;

    fail(h, HEARD_MEMORY, "");
    sgl_arena_init(&h->arena, TEXTS_MAX);
    (void)!getrandom(&salt, sizeof(salt), GRND_NONBLOCK);
    h->sums = heard_sums_new(salt);
    r.reader = sgl_dmarc_report_reader_new(&records, salt);
    if (h->sums != NULL && r.reader != NULL) {
        enum sgl_status taken = intake_dmarc_report(h->bytes, &pieces, &why);

        judge(h, &r, taken, why);
        h->strange = !r.begun;
    }
    sgl_dmarc_report_reader_free(r.reader);
}

/* A domain of this server, and of his subscription. */
static void claim(struct heard *h)
{
    struct domain *d = directory_domain(h->directory, h->report.domain);
    sgl_view whose = d == NULL ? SGL_LIT("") : sgl_view_cstr(d->subscription);

    if (d == NULL || (h->scope.len > 0 && !sgl_view_eq(h->scope, whose)))
        fail(h, HEARD_NOT_OURS, "it is about no domain of this server");
    else if (sgl_arena_dup(&h->arena, whose, &h->report.subscription) != SGL_OK)
        fail(h, HEARD_MEMORY, "");
    domain_unref(d);
}

static void on_worker(struct work *w)
{
    struct heard *h = (struct heard *)(void *)w;

    heard_read(h);
    if (h->result == HEARD_KEPT)
        claim(h);
}

/* ---- back on the loop ---- */

static void stored(struct store_op *op)
{
    struct heard *h = (struct heard *)(void *)((char *)op - offsetof(struct heard, op));

    if (op->result == STORE_EXISTS)
        fail(h, HEARD_KNOWN, "");
    else if (op->result == STORE_CONFLICT)
        fail(h, HEARD_LARGE, "there are too many reports about that day of the domain");
    else if (op->result != STORE_OK)
        fail(h, HEARD_STORE, store_result_text(op->result));
    h->done(h);
}

static void was_read(struct work *w)
{
    struct heard *h = (struct heard *)(void *)w;

    if (h->result != HEARD_KEPT) {
        h->done(h);
        return;
    }
    h->op = (struct dmarc_received_op){
        .op = {.kind = STORE_DMARC_RECEIVED, .loop = h->work.loop, .done = stored},
        .report = &h->report};
    store_submit(h->store, &h->op.op);
}

bool heard_take(struct heard *h, struct workers *workers, struct loop *loop)
{
    h->work = (struct work){.work = on_worker, .done = was_read, .loop = loop};
    return workers_submit(workers, &h->work);
}

void heard_end(struct heard *h)
{
    heard_sums_free(h->sums);
    h->sums = NULL;
    sgl_arena_done(&h->arena);
}
