/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v3/stats and /v3/categories: what became of recipients, by day, week or month, and by category.
 *
 *   asked: its query read -> on a worker: names found, figures read -> answered
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../store/statistics.h"
#include "http_internal.h"
#include "sendgrid_walk.h"

#define DAYS_MAX       366 /* of one question */
#define LIMIT_MAX      500
#define LIMIT_NAMES    50
#define LIMIT_SUMS     5
#define CATEGORIES_MAX 10

enum period { PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH, PERIOD_ALL };

struct figures {
    uint64_t count[STATISTICS];
};
struct call {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct api *api;
    struct identity *who; /* a reference */
    int64_t from_day, to_day;
    enum period by;
    int64_t limit, skip;
    struct store_categories_query find;
    json_t *names;       /* of categories, in their order; of all mail: one that is empty */
    struct figures *row; /* of each name those of all periods */
    size_t periods, at;
    enum store_result result;
};

/* Opens and clicks are not looked at, who complained or unsubscribed is not counted by day. */
static const struct metric {
    const char *name;
    enum statistic what;
} metrics[] = {
    {"blocks", STATISTIC_BLOCKS},
    {"bounce_drops", STATISTIC_BOUNCE_DROPS},
    {"bounces", STATISTIC_BOUNCES},
    {"clicks", STATISTIC_NONE},
    {"deferred", STATISTIC_DEFERRED},
    {"delivered", STATISTIC_DELIVERED},
    {"invalid_emails", STATISTIC_INVALID_EMAILS},
    {"opens", STATISTIC_NONE},
    {"processed", STATISTIC_PROCESSED},
    {"requests", STATISTIC_REQUESTS},
    {"spam_report_drops", STATISTIC_SPAM_REPORT_DROPS},
    {"spam_reports", STATISTIC_SPAM_REPORTS},
    {"unique_clicks", STATISTIC_NONE},
    {"unique_opens", STATISTIC_NONE},
    {"unsubscribe_drops", STATISTIC_UNSUBSCRIBE_DROPS},
    {"unsubscribes", STATISTIC_UNSUBSCRIBES},
};
#define METRICS (sizeof(metrics) / sizeof(metrics[0]))

static void call_free(struct call *c)
{
    identity_unref(c->who);
    json_decref(c->names);
    free(c->row);
    free(c);
}

/* ---- days and periods ---- */

static struct tm date_of(int64_t day)
{
    time_t t = (time_t)(day * 86400);
    struct tm tm = {0};

    gmtime_r(&t, &tm);
    return tm;
}

static int64_t day_of(int year, int month, int day)
{
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month, .tm_mday = day};

    return (int64_t)timegm(&tm) / 86400;
}

static int64_t month_of(int64_t day)
{
    struct tm tm = date_of(day);

    return ((int64_t)tm.tm_year + 1900) * 12 + tm.tm_mon;
}

/* The Monday before, or this day; 1970 began on a Thursday. */
static int64_t monday_of(int64_t day)
{
    return day - (day + 3) % 7;
}

static size_t period_of(const struct call *c, int64_t day)
{
    switch (c->by) {
    case PERIOD_DAY:
        return (size_t)(day - c->from_day);
    case PERIOD_WEEK:
        return (size_t)((monday_of(day) - monday_of(c->from_day)) / 7);
    case PERIOD_MONTH:
        return (size_t)(month_of(day) - month_of(c->from_day));
    case PERIOD_ALL:
        break;
    }
    return 0;
}

static int64_t first_day(const struct call *c, size_t period)
{
    int64_t month = month_of(c->from_day) + (int64_t)period;

    switch (c->by) {
    case PERIOD_DAY:
        return c->from_day + (int64_t)period;
    case PERIOD_WEEK:
        return monday_of(c->from_day) + 7 * (int64_t)period;
    case PERIOD_MONTH:
        return day_of((int)(month / 12), (int)(month % 12), 1);
    case PERIOD_ALL:
        break;
    }
    return c->from_day;
}

/* ---- on a worker ---- */

static bool add_name(void *ctx, sgl_view category)
{
    struct call *c = ctx;

    if (json_array_append_new(c->names, json_stringn((const char *)category.ptr, category.len)) ==
        0)
        return true;
    c->result = STORE_NOMEM;
    return false;
}

static void find_names(struct call *c)
{
    enum store_result r = store_read_categories(c->api->store, &c->find, add_name, c);

    if (r != STORE_OK)
        c->result = r;
}

static bool add_figure(void *ctx, const struct store_statistic *s)
{
    struct call *c = ctx;

    if (s->what < STATISTICS)
        c->row[c->at * c->periods + period_of(c, s->day)].count[s->what] += s->count;
    return true;
}

static void read_on_worker(struct work *w)
{
    struct call *c = (struct call *)(void *)w;
    struct store_statistics_query q = {.subscription = sgl_view_cstr(c->who->subscription),
                                       .from_day = c->from_day,
                                       .to_day = c->to_day};
    size_t names;

    if (c->find.max > 0)
        find_names(c);
    names = json_array_size(c->names);
    if (c->result != STORE_OK || c->periods == 0)
        return;
    c->row = calloc(names * c->periods + 1, sizeof(*c->row));
    if (c->row == NULL)
        c->result = STORE_NOMEM;
    for (c->at = 0; c->at < names && c->result == STORE_OK; c->at++) {
        q.category = api_string_view(json_array_get(c->names, c->at));
        c->result = store_read_statistics(c->api->store, &q, add_figure, c);
    }
}

/* ---- answered ---- */

static json_t *metrics_json(const struct figures *f)
{
    json_t *json = json_object();

    for (size_t i = 0; i < METRICS; i++)
        json_object_set_new(json, metrics[i].name,
                            json_integer(metrics[i].what == STATISTIC_NONE
                                             ? 0
                                             : (json_int_t)f->count[metrics[i].what]));
    return json;
}

/* {"date", "stats"}: all names in that period. */
static json_t *period_json(const struct call *c, size_t period)
{
    struct tm tm = date_of(first_day(c, period));
    json_t *stats = json_array(), *name;
    char date[32];
    size_t i;

    snprintf(date, sizeof(date), "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    json_array_foreach(c->names, i, name)
    {
        json_t *metrics_of = metrics_json(&c->row[i * c->periods + period]);

        json_array_append_new(stats, json_string_length(name) == 0
                                         ? json_pack("{s:o}", "metrics", metrics_of)
                                         : json_pack("{s:s, s:O, s:o}", "type", "category", "name",
                                                     name, "metrics", metrics_of));
    }
    return json_pack("{s:s, s:o}", "date", date, "stats", stats);
}

/* false: answered, and the call is gone. */
static bool was_read(struct call *c)
{
    if (c->result == STORE_OK)
        return true;
    http_reply_header(c->r, "Retry-After", SGL_LIT("5"));
    http_reply_problem(c->r, 503, "store", NULL, "The figures cannot be read now.");
    call_free(c);
    return false;
}

static void periods_read(struct work *w)
{
    struct call *c = (struct call *)(void *)w;
    json_t *list;

    if (!was_read(c))
        return;
    list = json_array();
    for (size_t i = (size_t)c->skip; i < c->periods && json_array_size(list) < (size_t)c->limit;
         i++)
        json_array_append_new(list, period_json(c, i));
    http_reply_json(c->r, 200, list);
    call_free(c);
}

static void sums_read(struct work *w)
{
    struct call *c = (struct call *)(void *)w;

    if (!was_read(c))
        return;
    http_reply_json(c->r, 200, period_json(c, 0));
    call_free(c);
}

static void names_read(struct work *w)
{
    struct call *c = (struct call *)(void *)w;
    json_t *list, *name;
    size_t i;

    if (!was_read(c))
        return;
    list = json_array();
    json_array_foreach(c->names, i, name)
        json_array_append_new(list, json_pack("{s:O}", "category", name));
    http_reply_json(c->r, 200, list);
    call_free(c);
}

/* ---- asked ---- */

/* NULL: answered. */
static struct call *call_new(struct http_request *r, const struct api *api, const char *scope)
{
    struct identity *who = http_caller(r, api->directory, scope);
    struct call *c = who == NULL ? NULL : calloc(1, sizeof(*c));

    if (c == NULL) {
        if (who != NULL)
            sendgrid_no_memory(r);
        identity_unref(who);
        return NULL;
    }
    c->r = r;
    c->api = api;
    c->who = who;
    c->names = json_array();
    c->find.subscription = sgl_view_cstr(who->subscription);
    return c;
}

/* Takes it; fine: not answered yet. */
static void start(struct call *c, bool fine, void (*done)(struct work *w))
{
    c->work = (struct work){.work = read_on_worker, .done = done, .loop = http_loop(c->r)};
    if (fine && workers_submit(c->api->workers, &c->work))
        return;
    if (fine)
        sendgrid_no_memory(c->r);
    call_free(c);
}

static bool refuse(struct http_request *r, const char *field, const char *why)
{
    http_reply_problem(r, 400, SENDGRID_WRONG, field, why);
    return false;
}

/* As it has to be written, and a day that there is: no 30th of February. */
static bool parse_day(sgl_view text, int64_t *out)
{
    uint64_t year, month, day;
    struct tm tm;

    if (text.len != 10 || text.ptr[4] != '-' || text.ptr[7] != '-' ||
        !sgl_view_u64(sgl_view_sub(text, 0, 4), 9999, &year) ||
        !sgl_view_u64(sgl_view_sub(text, 5, 2), 12, &month) ||
        !sgl_view_u64(sgl_view_sub(text, 8, 2), 31, &day) || year < 1970 || month == 0 || day == 0)
        return false;
    *out = day_of((int)year, (int)month - 1, (int)day);
    tm = date_of(*out);
    return tm.tm_mday == (int)day;
}

static bool take_days(struct call *c)
{
    sgl_view from = http_query(c->r, "start_date"), to = http_query(c->r, "end_date");

    c->to_day = clock_now_s() / 86400;
    if (from.ptr == NULL)
        return refuse(c->r, "start_date", "start_date is required.");
    if (!parse_day(from, &c->from_day))
        return refuse(c->r, "start_date", "A day is wanted, as in 2026-11-22.");
    if (to.ptr != NULL && !parse_day(to, &c->to_day))
        return refuse(c->r, "end_date", "A day is wanted, as in 2026-11-22.");
    if (c->to_day < c->from_day)
        return refuse(c->r, to.ptr != NULL ? "end_date" : "start_date",
                      "The last day is before the first.");
    if (c->to_day - c->from_day >= DAYS_MAX)
        return refuse(c->r, "start_date", "A question has at most 366 days.");
    return true;
}

static bool take_period(struct call *c)
{
    static const char *const name[] = {"day", "week", "month"};
    sgl_view text = http_query(c->r, "aggregated_by");

    c->by = PERIOD_DAY;
    for (size_t i = 0; text.ptr != NULL && i < 3; i++)
        if (sgl_view_eq(text, sgl_view_cstr(name[i]))) {
            c->by = (enum period)i;
            return true;
        }
    return text.ptr == NULL ||
           refuse(c->r, "aggregated_by", "\"day\", \"week\" or \"month\" is wanted.");
}

static void stats_get(struct http_request *r, void *ctx)
{
    struct call *c = call_new(r, ctx, "stats.read");
    bool fine;

    if (c == NULL)
        return;
    c->limit = DAYS_MAX;
    fine = take_days(c) && take_period(c) &&
           sendgrid_query_number(r, "limit", 1, LIMIT_MAX, &c->limit) &&
           sendgrid_query_number(r, "offset", 0, INT32_MAX, &c->skip);
    c->periods = fine ? period_of(c, c->to_day) + 1 : 0;
    json_array_append_new(c->names, json_string(""));
    start(c, fine, periods_read);
}

/* "categories=a&categories=b"; the service's own client for Node.js writes "categories[]=a", with the brackets escaped or not. */
static bool take_categories(struct call *c, const char *parameter)
{
    sgl_view text;

    for (size_t i = 0; (text = http_query_at(c->r, parameter, i)).ptr != NULL; i++) {
        if (json_array_size(c->names) == CATEGORIES_MAX)
            return refuse(c->r, "categories", "At most 10 categories can be asked for.");
        if (text.len == 0 ||
            json_array_append_new(c->names, json_stringn((const char *)text.ptr, text.len)) != 0)
            return refuse(c->r, "categories", "A category is UTF-8, and not empty.");
    }
    return true;
}

static void category_stats_get(struct http_request *r, void *ctx)
{
    struct call *c = call_new(r, ctx, "categories.stats.read");
    bool fine;

    if (c == NULL)
        return;
    c->limit = DAYS_MAX;
    fine = take_days(c) && take_period(c) && take_categories(c, "categories") &&
           take_categories(c, "categories[]") && take_categories(c, "categories%5B%5D");
    if (fine && json_array_size(c->names) == 0)
        fine = refuse(r, "categories", "categories is required.");
    c->periods = fine ? period_of(c, c->to_day) + 1 : 0;
    start(c, fine, periods_read);
}

/* Those that are 0 for all leave the order to the names. */
static bool take_order(struct call *c)
{
    sgl_view metric = http_query(c->r, "sort_by_metric"),
             order = http_query(c->r, "sort_by_direction");
    size_t i = 0;

    if (metric.ptr == NULL)
        metric = SGL_LIT("delivered");
    while (i < METRICS && !sgl_view_eq(metric, sgl_view_cstr(metrics[i].name)))
        i++;
    if (i == METRICS)
        return refuse(c->r, "sort_by_metric", "There is no such metric.");
    c->find.by = metrics[i].what;
    c->find.falling = order.ptr == NULL || sgl_view_eq(order, SGL_LIT("desc"));
    return c->find.falling || sgl_view_eq(order, SGL_LIT("asc")) ||
           refuse(c->r, "sort_by_direction", "\"desc\" or \"asc\" is wanted.");
}

static bool take_page(struct call *c, int64_t limit)
{
    c->limit = limit;
    if (!sendgrid_query_number(c->r, "limit", 1, LIMIT_MAX, &c->limit) ||
        !sendgrid_query_number(c->r, "offset", 0, INT32_MAX, &c->skip))
        return false;
    c->find.max = (uint64_t)c->limit;
    c->find.skip = (uint64_t)c->skip;
    return true;
}

static void sums_get(struct http_request *r, void *ctx)
{
    struct call *c = call_new(r, ctx, "categories.stats.sums.read");
    bool fine;

    if (c == NULL)
        return;
    fine = take_days(c) && take_period(c) && take_order(c) && take_page(c, LIMIT_SUMS);
    c->by = PERIOD_ALL;
    c->periods = 1;
    c->find.from_day = c->from_day;
    c->find.to_day = c->to_day;
    start(c, fine, sums_read);
}

static void categories_get(struct http_request *r, void *ctx)
{
    struct call *c = call_new(r, ctx, "categories.read");

    if (c == NULL)
        return;
    c->find.to_day = INT64_MAX;
    c->find.prefix = http_query(r, "category");
    start(c, take_page(c, LIMIT_NAMES), names_read);
}

void sendgrid_stats_routes(struct http *http, const struct api *api)
{
    void *ctx = (void *)(uintptr_t)api;

    http_route(http, HTTP_PUBLIC, "GET", "/v3/stats", stats_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v3/categories", categories_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v3/categories/stats", category_stats_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v3/categories/stats/sums", sums_get, ctx);
}
