/* SPDX-License-Identifier: Apache-2.0 */
/* DMARC reports of others: brought by hand, and what they say of those who send as our domains. */
#include <stdlib.h>

#include "../../heard/heard_names.h"
#include "../../intake/intake.h"
#include "../../log/log.h"
#include "../../store/statistics.h"
#include "admin_internal.h"
#include "admin_transit.h"
#include "dmarc_advice.h"
#include "received.h"

#define PATH         "/admin/v1/reports/dmarc"
#define DAYS_DEFAULT 30
#define ROWS_DEFAULT 100
#define DOMAINS_MAX  1000
#define ADVICE_SIZE  400
#define TEXTS_MAX    ((size_t)8 << 20) /* of a thousand sources */

/* ---- what they say ---- */

struct dmarc_read {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct dmarc_query query; /* of the rows */
    const char *by;
    json_t *total, *rows, *domains;
    struct sgl_arena texts;      /* what sources need until their names are there */
    struct dmarc_figure *source; /* of `texts`, as name is */
    struct heard_name *name;
    size_t sources;
    struct heard_names_ask ask;
    bool more;
    enum store_result result;
};

static json_t *counts_json(const struct dmarc_figure *f)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "messages",
                     (json_int_t)f->messages, "passed", (json_int_t)f->passed, "dkim",
                     (json_int_t)f->dkim, "spf", (json_int_t)f->spf, "quarantined",
                     (json_int_t)f->quarantined, "rejected", (json_int_t)f->rejected, "overridden",
                     (json_int_t)f->overridden, "unverified", (json_int_t)f->unverified, "days",
                     (json_int_t)f->days);
}

static json_t *view_json(sgl_view text)
{
    return text.len == 0 ? json_null() : json_stringn((const char *)text.ptr, text.len);
}

static json_t *word_json(const char *word)
{
    return word == NULL || word[0] == '\0' ? json_null() : json_string(word);
}

static void put_advice(json_t *row, const char *advice)
{
    json_object_set_new(row, "advice", word_json(advice));
}

/* What most of its messages have in common. */
static void put_source(json_t *row, const struct dmarc_figure *f, const char *reverse)
{
    const struct dmarc_source *s = &f->most;
    char advice[ADVICE_SIZE], network[DMARC_NETWORK_SIZE];

    dmarc_source_advice(f, reverse, advice, sizeof(advice));
    json_object_set_new(row, "reverse_name", word_json(reverse));
    json_object_set_new(row, "network", view_json(dmarc_network(f->name, network)));
    json_object_set_new(row, "service", word_json(dmarc_service(s, reverse)));
    json_object_set_new(row, "header_from", view_json(s->header_from));
    json_object_set_new(row, "envelope_from", view_json(s->envelope_from));
    json_object_set_new(row, "dkim_domain", view_json(s->dkim_domain));
    json_object_set_new(row, "dkim_selector", view_json(s->dkim_selector));
    json_object_set_new(row, "dkim_result",
                        word_json(sgl_dmarc_raw_name((enum sgl_dmarc_raw)s->dkim_result)));
    json_object_set_new(row, "spf_domain", view_json(s->spf_domain));
    json_object_set_new(row, "spf_result",
                        word_json(sgl_dmarc_raw_name((enum sgl_dmarc_raw)s->spf_result)));
    put_advice(row, advice);
}

static bool add_total(void *ctx, const struct dmarc_figure *f)
{
    struct dmarc_read *g = ctx;

    g->total = counts_json(f);
    return true;
}

static bool keep_texts(struct sgl_arena *texts, struct dmarc_figure *f)
{
    sgl_view *const text[] = {&f->name,
                              &f->most.header_from,
                              &f->most.envelope_from,
                              &f->most.dkim_domain,
                              &f->most.dkim_selector,
                              &f->most.spf_domain};

    for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
        if (sgl_arena_dup(texts, *text[i], text[i]) != SGL_OK)
            return false;
    return true;
}

/* A source waits for its name. */
static bool keep_source(struct dmarc_read *g, const struct dmarc_figure *f)
{
    size_t room = g->query.max - 1;

    if (g->source == NULL) {
        g->source = sgl_arena_alloc_n(&g->texts, room, sizeof(*g->source));
        g->name = sgl_arena_alloc_n(&g->texts, room, sizeof(*g->name));
        if (g->name == NULL)
            return false;
    }
    g->source[g->sources] = *f;
    g->name[g->sources] = (struct heard_name){.ip = {.version = 0}};
    if (sgl_ip_parse(f->name, &g->name[g->sources].ip) != SGL_OK)
        g->name[g->sources].ip.version = 0; /* not told */
    return keep_texts(&g->texts, &g->source[g->sources++]);
}

/* One more than was asked for is read: then there is a next page. */
static bool add_row(void *ctx, const struct dmarc_figure *f)
{
    struct dmarc_read *g = ctx;
    json_t *row;

    if (g->sources + json_array_size(g->rows) + 1 == g->query.max) {
        g->more = true;
        return false;
    }
    if (g->query.by == DMARC_BY_SOURCE)
        return keep_source(g, f);
    row = counts_json(f);
    json_object_set_new(
        row, "name", g->query.by == DMARC_BY_DAY ? transit_day_json(f->day) : view_json(f->name));
    json_array_append_new(g->rows, row);
    return true;
}

static void add_sources(struct dmarc_read *g)
{
    for (size_t i = 0; i < g->sources; i++) {
        const struct dmarc_figure *f = &g->source[i];
        json_t *row = counts_json(f);

        json_object_set_new(row, "name", view_json(f->name));
        put_source(row, f, g->name[i].name);
        json_array_append_new(g->rows, row);
    }
}

static bool add_domain(void *ctx, const struct dmarc_figure *f)
{
    struct dmarc_read *g = ctx;
    json_t *row = counts_json(f);
    char advice[ADVICE_SIZE];

    dmarc_policy_advice(f, advice, sizeof(advice));
    json_object_set_new(row, "name", view_json(f->name));
    json_object_set_new(row, "p",
                        word_json(sgl_dmarc_disposition_name((enum sgl_dmarc_disposition)f->p)));
    put_advice(row, advice);
    json_array_append_new(g->domains, row);
    return true;
}

static void read_as(struct dmarc_read *g, enum dmarc_by by, uint64_t max,
                    bool (*each)(void *ctx, const struct dmarc_figure *f))
{
    struct dmarc_query q = g->query;

    q.by = by;
    q.skip = 0;
    q.max = max;
    if (g->result == STORE_OK)
        g->result = store_read_dmarc(g->admin->store, &q, each, g);
}

static void read_on_worker(struct work *w)
{
    struct dmarc_read *g = (struct dmarc_read *)(void *)w;
    const struct dmarc_figure nothing = {.messages = 0};

    read_as(g, DMARC_BY_ALL, 1, add_total);
    read_as(g, DMARC_BY_DOMAIN, DOMAINS_MAX, add_domain);
    if (g->result == STORE_OK)
        g->result = store_read_dmarc(g->admin->store, &g->query, add_row, g);
    if (g->total == NULL)
        g->total = counts_json(&nothing);
}

static void read_free(struct dmarc_read *g)
{
    if (g == NULL)
        return;
    json_decref(g->total);
    json_decref(g->rows);
    json_decref(g->domains);
    sgl_arena_done(&g->texts);
    free(g);
}

static void reply_read(struct dmarc_read *g)
{
    json_int_t next = (json_int_t)(g->query.skip + g->query.max - 1);

    add_sources(g);
    if (g->result != STORE_OK)
        http_reply_problem(g->r, 503, "store", NULL, store_result_text(g->result));
    else if (g->texts.status != SGL_OK)
        http_reply_problem(g->r, 503, "memory-full", NULL,
                           "The server has no memory left for this.");
    else
        http_reply_json(g->r, 200,
                        json_pack("{s:o, s:o, s:s, s:O, s:O, s:O, s:o}", "from",
                                  transit_day_json(g->query.from_day), "to",
                                  transit_day_json(g->query.to_day), "by", g->by, "total", g->total,
                                  "domains", g->domains, "rows", g->rows, "next",
                                  g->more ? json_integer(next) : json_null()));
    read_free(g);
}

static void named(struct heard_names_ask *a)
{
    reply_read((struct dmarc_read *)(void *)((char *)a - offsetof(struct dmarc_read, ask)));
}

static void read_done(struct work *w)
{
    struct dmarc_read *g = (struct dmarc_read *)(void *)w;

    if (g->sources == 0 || g->admin->names == NULL) {
        reply_read(g);
        return;
    }
    g->ask = (struct heard_names_ask){
        .row = g->name, .rows = g->sources, .loop = w->loop, .done = named};
    heard_names_ask(g->admin->names, &g->ask);
}

/* ---- the question ---- */

/* false: answered. */
static bool take_by(struct http_request *r, struct dmarc_read *g)
{
    static const struct admin_by known[] = {{"source", DMARC_BY_SOURCE},
                                            {"domain", DMARC_BY_DOMAIN},
                                            {"org", DMARC_BY_ORG},
                                            {"day", DMARC_BY_DAY},
                                            {"result", DMARC_BY_RESULT},
                                            {"network", DMARC_BY_NETWORK},
                                            {NULL, 0}};
    const struct admin_by *by =
        admin_take_by(r, known, "One of source, network, domain, org, day, result is wanted.");

    if (by == NULL)
        return false;
    g->by = by->name;
    g->query.by = (enum dmarc_by)by->value;
    return true;
}

static bool take_query(struct http_request *r, struct dmarc_read *g)
{
    struct dmarc_query *q = &g->query;

    q->domain = http_query(r, "domain");
    q->to_day = clock_now_ms() / STATISTICS_DAY_MS + 2;
    q->from_day = clock_now_ms() / STATISTICS_DAY_MS - (DAYS_DEFAULT - 1);
    q->max = ROWS_DEFAULT;
    if (!take_by(r, g) || !admin_take_day(r, "since", &q->from_day) ||
        !admin_take_day(r, "until", &q->to_day) || !admin_take_page(r, &q->max, &q->skip))
        return false;
    q->max++; /* one more tells that there is a next page */
    return true;
}

static void dmarc_get(struct http_request *r, void *ctx)
{
    sgl_view scope, subscription = http_query(r, "subscription");
    struct dmarc_read *g;

    if (!admin_may_read(r, ctx, &scope) || !admin_take_scope(r, scope, &subscription))
        return;
    g = calloc(1, sizeof(*g));
    if (g == NULL) {
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        return;
    }
    *g = (struct dmarc_read){
        .work = {.work = read_on_worker, .done = read_done, .loop = http_loop(r)},
        .r = r,
        .admin = ctx,
        .query = {.subscription = subscription},
        .rows = json_array(),
        .domains = json_array()};
    sgl_arena_init(&g->texts, TEXTS_MAX);
    if (!take_query(r, g))
        read_free(g);
    else if (!workers_submit(g->admin->workers, &g->work)) {
        read_free(g);
        http_reply_problem(r, 503, "busy", NULL, "Too much is waiting to be read; try again soon.");
    }
}

/* ---- one is brought ---- */

struct taking {
    struct heard heard; /* first: cast from it */
    struct http_request *r;
    struct sgl_buf bytes;
    sgl_view scope;
};

static void taking_free(struct taking *t)
{
    heard_end(&t->heard);
    sgl_buf_done(&t->bytes);
    free(t);
}

static void reply_kept(struct taking *t)
{
    const struct dmarc_received *d = &t->heard.report;
    bool known = t->heard.result == HEARD_KNOWN;

    if (!known)
        log_line(LOG_INFO_, "DMARC report taken", LOG_VIEW("domain", d->domain),
                 LOG_VIEW("organization", sgl_view_sub(d->organization, 0, 100)),
                 LOG_VIEW("peer", sgl_view_cstr(http_peer(t->r))));
    http_reply_json(t->r, 201,
                    json_pack("{s:o, s:o, s:o, s:I, s:b, s:b}", "domain", view_json(d->domain),
                              "organization", view_json(d->organization), "report_id",
                              view_json(d->report), "messages", (json_int_t)d->messages, "partial",
                              (int)d->partial, "known", (int)known));
}

static void taken(struct heard *h)
{
    struct taking *t = (struct taking *)(void *)h;

    if (h->result == HEARD_KEPT || h->result == HEARD_KNOWN)
        reply_kept(t);
    else
        received_refuse(t->r, h->result, h->why, "policy_published", "");
    taking_free(t);
}

static bool start(struct taking *t, const struct admin *admin)
{
    if (!http_body_move(t->r, &t->bytes))
        return false;
    t->heard = (struct heard){.directory = admin->directory,
                              .store = admin->store,
                              .bytes = sgl_buf_view(&t->bytes),
                              .scope = t->scope,
                              .verified = true, /* he who brings it vouches for it */
                              .now = clock_now_s(),
                              .done = taken};
    return heard_take(&t->heard, admin->workers, http_loop(t->r));
}

static void dmarc_post(struct http_request *r, void *ctx)
{
    struct identity *who = admin_who(r, ctx);
    struct taking *t = who == NULL ? NULL : calloc(1, sizeof(*t));

    if (who == NULL)
        return;
    if (t != NULL) {
        t->r = r;
        if (sgl_arena_dup(http_arena(r), admin_scope(who), &t->scope) == SGL_OK && start(t, ctx)) {
            identity_unref(who);
            return;
        }
        taking_free(t);
    }
    identity_unref(who);
    received_busy(r);
}

void admin_dmarc_routes(struct http *http, const struct admin *admin)
{
    http_route(http, HTTP_BOTH, "GET", PATH, dmarc_get, (void *)(uintptr_t)admin);
    http_route(http, HTTP_BOTH, "POST", PATH, dmarc_post, (void *)(uintptr_t)admin);
}
