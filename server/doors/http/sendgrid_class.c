/* SPDX-License-Identifier: Apache-2.0 */
/* Why mail came back: entries of the lists of bounces, blocks and invalid addresses, counted by the day and by what their status says [RFC 3463 s3]. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sendgrid_walk.h"

#define PATH "/v3/suppression/bounces/classifications"

static const char *const names[] = {
    "Content",         "Frequency or Volume Too High",
    "Invalid Address", "Mailbox Unavailable",
    "Reputation",      "Technical Failure",
    "Unclassified",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

/* The longest beginning that fits says which. */
static const char *class_of(const struct sendgrid_entry *e)
{
    static const struct {
        const char *status, *name;
    } rows[] = {
        {"5.1.8", "Reputation"},
        {"5.1.", "Invalid Address"},
        {"5.2.", "Mailbox Unavailable"},
        {"5.3.4", "Content"},
        {"5.3.", "Technical Failure"},
        {"5.4.5", "Frequency or Volume Too High"},
        {"5.4.", "Technical Failure"},
        {"5.5.", "Technical Failure"},
        {"5.6.", "Content"},
        {"5.7.28", "Frequency or Volume Too High"},
        {"5.7.", "Reputation"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (sgl_view_starts(e->status, sgl_view_cstr(rows[i].status)))
            return rows[i].name;
    return e->reason == SUPPRESSION_INVALID ? "Invalid Address" : "Unclassified";
}

struct counting {
    struct sendgrid_walk walk; /* first: cast from it */
    json_t *days;              /* {"2026-11-22": {"Content": 3}} */
    const char *only;          /* this one, by the domain of the address; NULL: by classification */
    char from[16], until[16];  /* days, both included; "": no bound */
};

static void counting_free(struct counting *c)
{
    sendgrid_walk_done(&c->walk);
    json_decref(c->days);
    free(c);
}

/* ---- on a worker ---- */

static bool day_of(int64_t at, char out[16])
{
    time_t s = (time_t)at;
    struct tm tm;

    return gmtime_r(&s, &tm) != NULL && tm.tm_year <= 8099 &&
           strftime(out, 16, "%Y-%m-%d", &tm) == 10;
}

static json_t *inner(json_t *object, const char *key)
{
    json_t *found = json_object_get(object, key);

    if (found == NULL) {
        found = json_object();
        if (json_object_set_new(object, key, found) != 0)
            return NULL;
    }
    return found;
}

static bool each(struct sendgrid_walk *w, const struct sendgrid_entry *e)
{
    struct counting *c = (struct counting *)(void *)w;
    const char *name = class_of(e);
    char day[16], domain[256];
    json_t *of_day;

    if (!day_of(e->created_at, day) || strcmp(day, c->from) < 0 ||
        (c->until[0] != '\0' && strcmp(day, c->until) > 0))
        return true;
    if (c->only != NULL) {
        if (strcmp(name, c->only) != 0)
            return true;
        snprintf(domain, sizeof(domain), "%.*s",
                 SGL_FMT(sgl_view_from(e->address, sgl_view_find(e->address, '@') + 1)));
        name = domain;
    }
    of_day = inner(c->days, day);
    if (of_day == NULL ||
        json_object_set_new(of_day, name,
                            json_integer(json_integer_value(json_object_get(of_day, name)) + 1)) !=
            0) {
        w->result = STORE_NOMEM;
        return false;
    }
    return true;
}

/* ---- on the loop ---- */

struct row {
    const char *name;
    json_int_t count;
};

static int more_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return strcmp(x->name, y->name);
}

static json_t *stats_json(json_t *of_day, const char *member)
{
    struct row *row = calloc(json_object_size(of_day), sizeof(*row));
    json_t *list = json_array(), *value;
    const char *name;
    size_t count = 0;

    if (row == NULL)
        return list;
    json_object_foreach(of_day, name, value) row[count++] =
        (struct row){name, json_integer_value(value)};
    qsort(row, count, sizeof(*row), more_first);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:I}", member, row[i].name, "count", row[i].count));
    free(row);
    return list;
}

static int earlier_first(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static json_t *result_json(const struct counting *c)
{
    size_t days = json_object_size(c->days), count = 0;
    struct row *row = calloc(days + 1, sizeof(*row));
    json_t *list = json_array(), *of_day;
    const char *day;

    if (row == NULL)
        return list;
    json_object_foreach(c->days, day, of_day) row[count++].name = day;
    qsort(row, count, sizeof(*row), earlier_first);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:o}", "date", row[i].name, "stats",
                                        stats_json(json_object_get(c->days, row[i].name),
                                                   c->only == NULL ? "classification" : "domain")));
    free(row);
    return list;
}

static void page(struct sendgrid_walk *w)
{
    struct counting *c = (struct counting *)(void *)w;

    if (w->result == STORE_OK && !w->over && sendgrid_walk_on(w))
        return;
    if (w->result == STORE_OK && w->over)
        http_reply_json(w->r, 200, json_pack("{s:o}", "result", result_json(c)));
    else
        sendgrid_walk_fault(w, w->r);
    counting_free(c);
}

/* ---- asked ---- */

static bool take_day(struct http_request *r, const char *name, char out[16])
{
    static const char shape[] = "dddd-dd-dd";
    sgl_view text = http_query(r, name);
    bool fine = text.len == sizeof(shape) - 1;

    if (text.ptr == NULL)
        return true;
    for (size_t i = 0; fine && i < text.len; i++)
        fine = shape[i] == 'd' ? text.ptr[i] >= '0' && text.ptr[i] <= '9'
                               : text.ptr[i] == (uint8_t)shape[i];
    if (fine)
        snprintf(out, 16, "%.*s", SGL_FMT(text));
    else
        http_reply_problem(r, 400, "time", name, "A day is wanted, as in 2026-11-22.");
    return fine;
}

static bool take_class(struct http_request *r, const char **out)
{
    sgl_view text = http_param(r, "classification");

    for (size_t i = 0; text.ptr != NULL && i < NAMES; i++)
        if (sgl_view_eq(text, sgl_view_cstr(names[i])))
            *out = names[i];
    if (text.ptr == NULL || *out != NULL)
        return true;
    http_reply_problem(r, 400, "member-value", "classification",
                       "There is no such classification.");
    return false;
}

static void classes_get(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, "suppression.bounces.read");
    struct counting *c = who == NULL ? NULL : calloc(1, sizeof(*c));
    bool fine = c != NULL && sendgrid_walk_init(&c->walk, r, api, who, 2) &&
                (c->days = json_object()) != NULL &&
                sendgrid_walk_between(&c->walk, "/", "/list:") &&
                sendgrid_walk_between(&c->walk, "/list;", "0");

    if (who == NULL)
        return;
    identity_unref(who);
    if (!fine) {
        sendgrid_no_memory(r);
        if (c != NULL)
            counting_free(c);
        return;
    }
    c->walk.each = each;
    c->walk.page = page;
    c->walk.reasons = SUPPRESSION_REASON_BIT(SUPPRESSION_HARD_BOUNCE) |
                      SUPPRESSION_REASON_BIT(SUPPRESSION_INVALID) |
                      SUPPRESSION_REASON_BIT(SUPPRESSION_BLOCKED);
    if (!take_class(r, &c->only) || !take_day(r, "start_date", c->from) ||
        !take_day(r, "end_date", c->until)) {
        counting_free(c);
    } else if (!sendgrid_walk_on(&c->walk)) {
        sendgrid_walk_fault(&c->walk, r);
        counting_free(c);
    }
}

void sendgrid_class_routes(struct http *http, const struct api *api)
{
    void *ctx = (void *)(uintptr_t)api;

    http_route(http, HTTP_PUBLIC, "GET", PATH, classes_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", PATH "/{classification}", classes_get, ctx);
}
