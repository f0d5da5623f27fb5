/* SPDX-License-Identifier: Apache-2.0 */
/* A subscription with its limits and what counts against them now; profiles; usage. */
#include <stdio.h>
#include <stdlib.h>

#include "admin_internal.h"

#define DAY_MS    INT64_C(86400000)
#define USAGE_MAX 10000

bool admin_profile_known(struct http_request *r, const struct admin *admin, sgl_view name)
{
    char text[128];
    struct limit_profile p;

    if (name.len < sizeof(text) &&
        memchr(name.ptr == NULL ? (const uint8_t *)"" : name.ptr, 0, name.len) == NULL) {
        snprintf(text, sizeof(text), "%.*s", SGL_FMT(name));
        if (limits_profile(admin->limits, text, &p))
            return true;
    }
    http_reply_problem(
        r, 422, "profile-unknown", "profile",
        "There is no limit profile of this name; `sigillo profile list` shows them.");
    return false;
}

/* ---- profiles ---- */

static json_t *limit_json(const struct limit *limit)
{
    return json_pack("{s:s, s:s, s:I}", "what", limit_what_name(limit->what), "window",
                     limit_window_name(limit->window), "max", (json_int_t)limit->max);
}

static json_t *cap_json(uint64_t cap)
{
    return cap == 0 ? json_null() : json_integer((json_int_t)cap);
}

static json_t *profile_json(const char *name, const struct limit_profile *p)
{
    json_t *limits = json_array();

    for (size_t i = 0; i < p->limits; i++)
        json_array_append_new(limits, limit_json(&p->limit[i]));
    return json_pack("{s:s, s:o, s:o, s:o}", "name", name, "recipients_per_message",
                     cap_json(p->recipients_max), "message_size", cap_json(p->size_max), "limits",
                     limits);
}

static bool list_profile(void *ctx, const struct limit_profile *p)
{
    json_array_append_new(ctx, profile_json(p->name, p));
    return true;
}

static void profiles_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    sgl_view scope; /* profiles are nobody's */
    json_t *list;

    if (!admin_may_read(r, admin, &scope))
        return;
    list = json_array();
    limits_each_profile(admin->limits, list_profile, list);
    http_reply_json(r, 200, json_pack("{s:o}", "profiles", list));
}

/* ---- one subscription ---- */

static json_t *charge_json(const struct limit_charge *c)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "messages", (json_int_t)c->n[LIMIT_MESSAGES],
                     "recipients", (json_int_t)c->n[LIMIT_RECIPIENTS], "internal_recipients",
                     (json_int_t)c->n[LIMIT_INTERNAL], "external_recipients",
                     (json_int_t)c->n[LIMIT_EXTERNAL], "bytes", (json_int_t)c->n[LIMIT_BYTES]);
}

/* The profile's limits, each with what counts against it now. */
static json_t *used_json(const struct limit_profile *p,
                         const struct limit_charge sum[LIMIT_WINDOWS])
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->limits; i++) {
        json_t *one = limit_json(&p->limit[i]);

        json_object_set_new(one, "used",
                            json_integer((json_int_t)sum[p->limit[i].window].n[p->limit[i].what]));
        json_array_append_new(list, one);
    }
    return list;
}

json_t *admin_subscription_json(const struct admin *admin, const struct subscription *s)
{
    const char *name = s->profile[0] == '\0' ? LIMITS_DEFAULT : s->profile;
    struct limit_charge sum[LIMIT_WINDOWS];
    struct limit_profile p = {0};
    bool known = limits_profile(admin->limits, name, &p);

    limits_now(admin->limits, sgl_view_cstr(s->name), sum);
    return json_pack("{s:s, s:I, s:s, s:b, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o}}", "name", s->name,
                     "version", (json_int_t)s->version, "profile", name, "profile_known",
                     (int)known, "created_at", admin_time(s->created_at * 1000),
                     "recipients_per_message", cap_json(p.recipients_max), "message_size",
                     cap_json(p.size_max), "limits", used_json(&p, sum), "used", "minute",
                     charge_json(&sum[LIMIT_MINUTE]), "hour", charge_json(&sum[LIMIT_HOUR]), "day",
                     charge_json(&sum[LIMIT_DAY]));
}

static void subscription_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct subscription *s;
    sgl_view scope;

    if (!admin_may_read(r, admin, &scope))
        return;
    s = directory_subscription(admin->directory, http_param(r, "name"));
    if (s == NULL || (scope.len > 0 && !sgl_view_eq(scope, sgl_view_cstr(s->name))))
        http_reply_problem(
            r, 404, "not-found", "name",
            "there is no such subscription; sigillo subscription list shows those that are there");
    else
        http_reply_json(r, 200, admin_subscription_json(admin, s));
    subscription_unref(s);
}

/* ---- usage ---- */

struct usage_read {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    int64_t since_ms;
    sgl_view subscription;
    json_t *list;
    enum store_result result;
};

static bool add_usage(void *ctx, const struct store_usage *u)
{
    const struct store_charge *c = &u->charge;

    json_array_append_new(
        ctx, json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "subscription",
                       admin_json_view(u->subscription), "identity", admin_json_view(u->identity),
                       "messages", (json_int_t)c->messages, "recipients", (json_int_t)c->recipients,
                       "internal_recipients", (json_int_t)c->internal, "external_recipients",
                       (json_int_t)c->external, "bytes", (json_int_t)c->bytes));
    return json_array_size(ctx) < USAGE_MAX;
}

static void usage_on_worker(struct work *w)
{
    struct usage_read *u = (struct usage_read *)(void *)w;

    u->result = store_read_usage(u->admin->store, u->since_ms, u->subscription, add_usage, u->list);
}

static void usage_done(struct work *w)
{
    struct usage_read *u = (struct usage_read *)(void *)w;

    if (u->result == STORE_OK)
        http_reply_json(
            u->r, 200, json_pack("{s:o, s:O}", "since", admin_time(u->since_ms), "usage", u->list));
    else
        http_reply_problem(u->r, 503, "store", NULL, store_result_text(u->result));
    json_decref(u->list);
    free(u);
}

static void usage_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct usage_read *u;
    sgl_view scope, subscription = http_query(r, "subscription");
    int64_t since_ms = clock_now_ms() - DAY_MS;

    if (!admin_may_read(r, admin, &scope) || !admin_take_scope(r, scope, &subscription) ||
        !admin_take_time(r, "since", &since_ms))
        return;
    u = calloc(1, sizeof(*u));
    if (u != NULL) {
        *u = (struct usage_read){
            .work = {.work = usage_on_worker, .done = usage_done, .loop = http_loop(r)},
            .r = r,
            .admin = admin,
            .since_ms = since_ms,
            .subscription = subscription,
            .list = json_array()};
        if (u->list != NULL && workers_submit(admin->workers, &u->work))
            return;
        json_decref(u->list);
    }
    free(u);
    http_reply_problem(r, 503, "busy", NULL, "Too much is waiting to be read; try again soon.");
}

void admin_limits_routes(struct http *http, const struct admin *admin)
{
    void *ctx = (void *)(uintptr_t)admin;

    http_route(http, HTTP_BOTH, "GET", "/admin/v1/profiles", profiles_get, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/subscriptions/{name}", subscription_get, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/usage", usage_get, ctx);
}
