/* SPDX-License-Identifier: Apache-2.0 */
/* What the guard of bulk mail has counted and found, by domain; complaints by hand. */
#include <stdlib.h>

#include "../../guard/guard.h"
#include "admin_internal.h"
#include "sigillo/ascii.h"

static const char *const actions[] = {
    [GUARD_OFF] = "off", [GUARD_WARN] = "warn", [GUARD_STOP] = "stop"};

/* ---- one domain ---- */

static json_t *counts_json(const struct guard_report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->counts; i++) {
        const struct guard_count *c = &report->count[i];
        json_t *limit = c->limit == 0 ? json_null() : json_integer((json_int_t)c->limit);

        json_array_append_new(list, json_pack("{s:s, s:I, s:o, s:I}", "receiver", c->receiver,
                                              "messages", (json_int_t)c->messages, "limit", limit,
                                              "complaints", (json_int_t)c->complaints));
    }
    return list;
}

static json_t *causes_json(const struct guard_report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->causes; i++) {
        const struct guard_told *t = &report->told[i];

        json_array_append_new(
            list,
            json_pack("{s:s, s:o, s:o, s:o, s:b, s:s}", "cause", guard_cause_name(t->cause),
                      "receiver", t->receiver[0] == '\0' ? json_null() : json_string(t->receiver),
                      "since", admin_time(t->since_ms), "last", admin_time(t->last_ms), "stopped",
                      (int)t->stopped, "text", t->text));
    }
    return list;
}

struct telling {
    const struct admin *admin;
    sgl_view subscription; /* only of this one, or empty */
    int64_t now_ms;
    json_t *list;
    struct guard_report report;
};

static void tell(struct telling *t, const struct domain *d)
{
    guard_report(t->admin->guard, sgl_view_cstr(d->name), t->now_ms, &t->report);
    if (t->report.counts == 0 && t->report.causes == 0)
        return;
    json_array_append_new(
        t->list, json_pack("{s:s, s:s, s:s, s:o, s:o}", "domain", d->name, "subscription",
                           d->subscription, "organisation", t->report.organisation, "receivers",
                           counts_json(&t->report), "causes", causes_json(&t->report)));
}

static bool tell_each(void *ctx, struct domain *d)
{
    struct telling *t = ctx;

    if (t->subscription.len == 0 || sgl_view_eq(t->subscription, sgl_view_cstr(d->subscription)))
        tell(t, d);
    return true;
}

/* ---- what is configured ---- */

static json_t *settings_json(const struct guard_settings *s)
{
    json_t *receivers = json_array();

    for (size_t i = 0; i < s->receivers; i++)
        json_array_append_new(receivers, json_pack("{s:s, s:I}", "name", s->receiver[i].receiver,
                                                   "messages", (json_int_t)s->receiver[i].limit));
    return json_pack("{s:s, s:i, s:i, s:i, s:I, s:o}", "action", actions[s->action], "near",
                     (int)s->near_percent, "complaints_warn", (int)s->complaints_warn,
                     "complaints_stop", (int)s->complaints_stop, "complaints_messages",
                     (json_int_t)s->complaints_messages, "receivers", receivers);
}

static void reply(struct http_request *r, const struct telling *t)
{
    struct guard_settings settings;

    guard_settings(t->admin->guard, &settings);
    http_reply_json(
        r, 200, json_pack("{s:o, s:O}", "settings", settings_json(&settings), "domains", t->list));
}

/* false: there is no such domain for him. */
static bool tell_named(struct telling *t, sgl_view name)
{
    struct domain *d = directory_domain(t->admin->directory, name);
    bool his = d != NULL && (t->subscription.len == 0 ||
                             sgl_view_eq(t->subscription, sgl_view_cstr(d->subscription)));

    if (his)
        tell(t, d);
    domain_unref(d);
    return his;
}

static void guard_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    sgl_view scope, subscription = http_query(r, "subscription"), domain = http_query(r, "domain");
    struct telling *t;

    if (!admin_may_read(r, admin, &scope) || !admin_take_scope(r, scope, &subscription))
        return;
    t = admin->guard == NULL ? NULL : calloc(1, sizeof(*t));
    if (t == NULL) {
        http_reply_problem(r, 503, "unavailable", NULL, "Nothing is counted at the moment.");
        return;
    }
    t->admin = admin;
    t->subscription = subscription;
    t->now_ms = clock_now_ms();
    t->list = json_array();
    if (domain.len > 0 && !tell_named(t, domain)) {
        http_reply_problem(r, 404, "not-found", "domain", "there is no such domain");
    } else {
        if (domain.len == 0)
            directory_each_domain(admin->directory, tell_each, t);
        reply(r, t);
    }
    json_decref(t->list);
    free(t);
}

/* ---- complaints ---- */

/* The part behind the last @, in lower case. */
static sgl_view destination(sgl_view address, char out[256])
{
    size_t at = address.len, n = 0;

    while (at > 0 && address.ptr[at - 1] != '@')
        at--;
    for (; at + n < address.len && n < 255; n++)
        out[n] = (char)sgl_ascii_lower(address.ptr[at + n]);
    return sgl_view_of(out, n);
}

void admin_guard_complaints(const struct admin *admin, sgl_view domain,
                            const struct suppression *item, size_t items)
{
    struct domain *d =
        admin->guard == NULL || domain.len == 0 ? NULL : directory_domain(admin->directory, domain);
    char to[256];

    for (size_t i = 0; d != NULL && i < items; i++)
        guard_complaint(admin->guard, sgl_view_cstr(d->name), sgl_view_cstr(d->subscription),
                        destination(item[i].address, to), 1, clock_now_ms());
    domain_unref(d);
}

void admin_guard_routes(struct http *http, const struct admin *admin)
{
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/guard", guard_get, (void *)(uintptr_t)admin);
}
