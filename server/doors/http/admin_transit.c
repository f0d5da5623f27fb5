/* SPDX-License-Identifier: Apache-2.0 */
/* How mail went over the wire: by day, sender, destination or subscription, and who could be stricter. */
#include "admin_transit.h"

#include <stdlib.h>
#include <string.h>

#include "../../certs/certs.h"
#include "../../store/statistics.h"
#include "admin_internal.h"

#define DAYS_DEFAULT 30
#define ROWS_DEFAULT 100
#define TROUBLED_MAX 100 /* destinations that are looked at for who could be stricter */
#define OWN_MAX      100
#define OWN_ADVICE                                                                                 \
    "Publish what is missing: sigillo domain records DOMAIN shows the records, sigillo domain "    \
    "verify DOMAIN looks for them. sigillo tls records prints the TLSA records of this server. "   \
    "Then others can be strict with mail for it, and say when that fails. What another "           \
    "operator's "                                                                                  \
    "host lacks is that operator's to publish: sigillo tls check DOMAIN shows it."

struct transit_read {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct transit_query query; /* of the rows */
    const char *by;
    struct transit_sum sum; /* that is being gathered */
    bool by_day;
    transit_whole *whole;
    json_t *total, *rows, *failing, *testing;
    bool more;
    enum store_result result;
};

/* ---- reading, on a worker ---- */

static bool add_figure(void *ctx, const struct transit_figure *f)
{
    struct transit_read *g = ctx;

    transit_sum_add(&g->sum, f, g->by_day, g->whole, g);
    return true;
}

static void total_whole(void *ctx, const struct transit_sum *sum)
{
    ((struct transit_read *)ctx)->total = transit_sum_json(sum, false);
}

/* One more than was asked for is read: then there is a next page. */
static void row_whole(void *ctx, const struct transit_sum *sum)
{
    struct transit_read *g = ctx;

    if (json_array_size(g->rows) + 1 == g->query.max)
        g->more = true;
    else
        json_array_append_new(g->rows, transit_sum_json(sum, true));
}

static void trouble_whole(void *ctx, const struct transit_sum *sum)
{
    struct transit_read *g = ctx;
    bool named = sum->name[0] != '\0'; /* those of old days are not */
    json_t *failing = named ? transit_trouble_json(sum, true) : NULL;
    json_t *testing = named ? transit_trouble_json(sum, false) : NULL;

    if (failing != NULL)
        json_array_append_new(g->failing, failing);
    if (testing != NULL)
        json_array_append_new(g->testing, testing);
}

static void read_figures(struct transit_read *g, const struct transit_query *q,
                         transit_whole *whole)
{
    if (g->result != STORE_OK)
        return;
    g->whole = whole;
    g->by_day = q->by == TRANSIT_BY_DAY;
    g->result = store_read_transit(g->admin->store, q, add_figure, g);
    transit_sum_end(&g->sum, whole, g);
}

static void read_on_worker(struct work *w)
{
    struct transit_read *g = (struct transit_read *)(void *)w;
    struct transit_query total = g->query, troubled = g->query;

    total.by = TRANSIT_BY_ALL;
    total.skip = 0;
    total.max = 1;
    troubled.by = TRANSIT_BY_DOMAIN;
    troubled.troubled = true;
    troubled.skip = 0;
    troubled.max = TROUBLED_MAX;
    read_figures(g, &total, total_whole);
    read_figures(g, &g->query, row_whole);
    read_figures(g, &troubled, trouble_whole);
    if (g->total == NULL)
        g->total = transit_sum_json(&g->sum, false);
}

/* ---- own domains ---- */

struct own {
    sgl_view subscription; /* empty: all */
    struct certs *certs;   /* NULL: there are none */
    json_t *list;
};

static void note_key(void *ctx, const struct certs_key *key)
{
    (void)key;
    *(bool *)ctx = true;
}

/* Is it this server's?  One of its certificates names it. */
static bool is_ours(const struct own *own, sgl_view host)
{
    char name[DOMAIN_HOSTS_MAX + 1];
    bool ours = false;

    snprintf(name, sizeof(name), "%.*s", SGL_FMT(host));
    if (own->certs != NULL)
        certs_each_key(own->certs, name, note_key, &ours);
    return ours;
}

/* Hosts that take its mail without TLSA records, as its last check saw them.  *ours: such a one is ours. */
static json_t *unproved_hosts(const struct own *own, const struct domain *d, bool *ours)
{
    sgl_view rest = sgl_view_cstr(d->hosts);
    json_t *list = json_array();
    struct domain_host h;

    *ours = false;
    while (domain_hosts_next(&rest, &h)) {
        bool one = is_ours(own, h.name);

        if (h.tlsa == DOMAIN_TLSA_PUBLISHED || h.tlsa == DOMAIN_TLSA_UNKNOWN)
            continue;
        *ours = *ours || one;
        json_array_append_new(list, json_pack("{s:o, s:b, s:s}", "host", admin_json_view(h.name),
                                              "own", (int)one, "tlsa", domain_tlsa_name(h.tlsa)));
    }
    return list;
}

/* What lets others be strict with mail for it. */
static json_t *missing_of(const struct domain *d, bool tlsa)
{
    static const enum domain_part parts[] = {PART_MTA_STS, PART_TLS_RPT};
    json_t *missing = json_array();

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (d->status[parts[i]].state != DOMAIN_VERIFIED)
            json_array_append_new(missing, json_string(domain_part_name(parts[i])));
    if (tlsa)
        json_array_append_new(missing, json_string("tlsa"));
    return missing;
}

static bool add_own(void *ctx, struct domain *d)
{
    struct own *own = ctx;
    json_t *missing, *hosts;
    bool tlsa;

    if (d->kind != DOMAIN_CUSTOM ||
        (own->subscription.len > 0 &&
         !sgl_view_eq(own->subscription, sgl_view_cstr(d->subscription))))
        return true;
    hosts = unproved_hosts(own, d, &tlsa);
    missing = missing_of(d, tlsa);
    if (json_array_size(missing) + json_array_size(hosts) > 0)
        json_array_append_new(own->list,
                              json_pack("{s:s, s:O, s:O, s:s}", "domain", d->name, "missing",
                                        missing, "hosts", hosts, "advice", OWN_ADVICE));
    json_decref(missing);
    json_decref(hosts);
    return json_array_size(own->list) < OWN_MAX;
}

static json_t *own_json(const struct transit_read *g)
{
    struct own own = {g->query.subscription, g->admin->certs, json_array()};

    directory_each_domain(g->admin->directory, add_own, &own);
    return own.list;
}

/* ---- the request ---- */

static void read_done(struct work *w)
{
    struct transit_read *g = (struct transit_read *)(void *)w;
    json_int_t next = (json_int_t)(g->query.skip + g->query.max - 1);

    if (g->result != STORE_OK)
        http_reply_problem(g->r, 503, "store", NULL, store_result_text(g->result));
    else
        http_reply_json(g->r, 200,
                        json_pack("{s:o, s:o, s:s, s:O, s:O, s:o, s:{s:O, s:O, s:o}}", "from",
                                  transit_day_json(g->query.from_day), "to",
                                  transit_day_json(g->query.to_day), "by", g->by, "total", g->total,
                                  "rows", g->rows, "next",
                                  g->more ? json_integer(next) : json_null(), "stricter", "failing",
                                  g->failing, "testing", g->testing, "own", own_json(g)));
    json_decref(g->total);
    json_decref(g->rows);
    json_decref(g->failing);
    json_decref(g->testing);
    free(g);
}

/* false: answered. */
static bool take_days(struct http_request *r, struct transit_query *q)
{
    q->to_day = clock_now_ms() / STATISTICS_DAY_MS;
    q->from_day = q->to_day - (DAYS_DEFAULT - 1);
    if (!admin_take_day(r, "since", &q->from_day) || !admin_take_day(r, "until", &q->to_day))
        return false;
    if (q->from_day <= q->to_day)
        return true;
    http_reply_problem(r, 400, "time-order", "until", "The end is before the beginning.");
    return false;
}

static bool take_by(struct http_request *r, struct transit_read *g)
{
    static const struct admin_by known[] = {{"day", TRANSIT_BY_DAY},
                                            {"domain", TRANSIT_BY_DOMAIN},
                                            {"sender", TRANSIT_BY_SENDER},
                                            {"subscription", TRANSIT_BY_SUBSCRIPTION},
                                            {NULL, 0}};
    const struct admin_by *by =
        admin_take_by(r, known, "One of day, domain, sender, subscription is wanted.");

    if (by == NULL)
        return false;
    g->by = by->name;
    g->query.by = (enum transit_by)by->value;
    return true;
}

static bool take_page(struct http_request *r, struct transit_query *q)
{
    q->max = ROWS_DEFAULT;
    if (!admin_take_page(r, &q->max, &q->skip))
        return false;
    q->max++;
    return true;
}

static struct transit_read *read_new(struct http_request *r, const struct admin *admin)
{
    struct transit_read *g = calloc(1, sizeof(*g));

    if (g == NULL)
        return NULL;
    g->work = (struct work){.work = read_on_worker, .done = read_done, .loop = http_loop(r)};
    g->r = r;
    g->admin = admin;
    g->rows = json_array();
    g->failing = json_array();
    g->testing = json_array();
    return g;
}

static void read_free(struct transit_read *g)
{
    if (g == NULL)
        return;
    json_decref(g->rows);
    json_decref(g->failing);
    json_decref(g->testing);
    free(g);
}

static void transit_get(struct http_request *r, void *ctx)
{
    sgl_view scope, subscription = http_query(r, "subscription");
    struct transit_read *g;

    if (!admin_may_read(r, ctx, &scope) || !admin_take_scope(r, scope, &subscription))
        return;
    g = read_new(r, ctx);
    if (g == NULL) {
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        return;
    }
    g->query.subscription = subscription;
    if (!take_by(r, g) || !take_days(r, &g->query) || !take_page(r, &g->query)) {
        read_free(g);
        return;
    }
    if (workers_submit(g->admin->workers, &g->work))
        return;
    read_free(g);
    http_reply_problem(r, 503, "busy", NULL, "Too much is waiting to be read; try again soon.");
}

void admin_transit_routes(struct http *http, const struct admin *admin)
{
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/reports/transit", transit_get,
               (void *)(uintptr_t)admin);
}
