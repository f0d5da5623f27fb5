/* SPDX-License-Identifier: Apache-2.0 */
/* What all calls of the admin API share: who is asking, members of a body, times. */
#include "admin.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../log/log.h"
#include "admin_internal.h"
#include "received.h"
#include "sigillo/utf8.h"

static struct identity *authenticated(struct http_request *r, const struct admin *admin)
{
    uid_t uid = http_peer_uid(r);
    struct identity *who;

    if (uid != (uid_t)-1) {
        who = directory_local(uid);
        if (who == NULL)
            http_reply_problem(r, 503, "memory-full", NULL,
                               "The server has no memory left for this.");
        return who;
    }
    if (!http_is_tls(r)) {
        http_reply_problem(r, 403, "tls-needed", NULL,
                           "The admin API is served over TLS and on the unix socket only.");
        return NULL;
    }
    return http_authenticate(r, admin->directory);
}

struct identity *admin_who(struct http_request *r, const struct admin *admin)
{
    struct identity *who = authenticated(r, admin);

    if (who == NULL || admin_role_fits(r, admin, who))
        return who;
    identity_unref(who);
    return NULL;
}

void admin_audit(const struct http_request *r, const struct identity *who, const char *what,
                 const char *about, const char *result)
{
    log_line(LOG_INFO_, "admin", LOG_STR("who", who == NULL ? "" : who->name),
             LOG_STR("peer", http_peer(r)), LOG_STR("what", what), LOG_STR("about", about),
             LOG_STR("result", result));
}

/* ---- members ---- */

static bool fits_type(const json_t *value, json_type type)
{
    const json_t *item;
    size_t at;

    switch (type) {
    case JSON_TRUE:
    case JSON_FALSE:
        return json_is_boolean(value);
    case JSON_ARRAY:
        if (!json_is_array(value))
            return false;
        json_array_foreach(value, at, item) if (!json_is_string(item)) return false;
        return true;
    case JSON_STRING:
    case JSON_INTEGER:
    case JSON_OBJECT:
    case JSON_REAL:
    case JSON_NULL:
        break;
    }
    return json_typeof(value) == type;
}

static const char *type_name(json_type type)
{
    switch (type) {
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_ARRAY:
        return "a list of strings";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_STRING:
    case JSON_OBJECT:
    case JSON_REAL:
    case JSON_NULL:
        break;
    }
    return "a string";
}

static struct admin_member *member_named(struct admin_member *member, size_t members,
                                         const char *name)
{
    for (size_t i = 0; i < members; i++)
        if (strcmp(member[i].name, name) == 0)
            return &member[i];
    return NULL;
}

static bool take_members(struct http_request *r, json_t *object, struct admin_member *member,
                         size_t members)
{
    const char *name;
    json_t *value;
    char text[160];

    json_object_foreach(object, name, value)
    {
        struct admin_member *m = member_named(member, members, name);

        if (m == NULL) {
            http_reply_problem(r, 400, "unknown-member", name, "There is no such member.");
            return false;
        }
        if (!fits_type(value, m->type)) {
            snprintf(text, sizeof(text), "This must be %s.", type_name(m->type));
            http_reply_problem(r, 400, "member-type", m->name, text);
            return false;
        }
        m->value = value;
    }
    for (size_t i = 0; i < members; i++)
        if (member[i].required && member[i].value == NULL) {
            http_reply_problem(r, 400, "member-missing", member[i].name, "This must be given.");
            return false;
        }
    return true;
}

json_t *admin_object(struct http_request *r, struct admin_member *member, size_t members)
{
    json_t *object = http_json(r);

    if (object == NULL)
        return NULL;
    if (!json_is_object(object)) {
        json_decref(object);
        http_reply_problem(r, 400, "json-type", "body", "The body must be a JSON object.");
        return NULL;
    }
    if (take_members(r, object, member, members))
        return object;
    json_decref(object);
    return NULL;
}

sgl_view admin_text(const json_t *value)
{
    return value == NULL ? SGL_LIT("")
                         : sgl_view_of(json_string_value(value), json_string_length(value));
}

/* ---- strings ---- */

json_t *admin_json_view(sgl_view v)
{
    struct sgl_buf safe = SGL_BUF_INIT(65536);
    json_t *json;

    if (sgl_utf8_valid(v))
        return json_stringn(v.len == 0 ? "" : (const char *)v.ptr, v.len);
    for (size_t i = 0; i < v.len; i++)
        sgl_buf_add_byte(&safe, v.ptr[i] < 0x80 ? v.ptr[i] : '?');
    json = json_stringn(safe.len == 0 ? "" : (const char *)safe.data, safe.len);
    sgl_buf_done(&safe);
    return json;
}

/* ---- figures ---- */

struct stats_read {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct store_counts counts;
    enum store_result result;
};

static void stats_on_worker(struct work *w)
{
    struct stats_read *s = (struct stats_read *)(void *)w;

    s->result = store_read_counts(s->admin->store, &s->counts);
}

static json_t *stats_json(const struct stats_read *s)
{
    struct directory_stats d;
    struct admission_stats a;
    struct queue_stats q;
    struct store_stats t;

    directory_stats(s->admin->directory, &d);
    admission_stats(s->admin->admission, &a);
    queue_stats(s->admin->queue, &q);
    store_stats(s->admin->store, &t);
    return json_pack(
        "{s:{s:I,s:I,s:I,s:I,s:I,s:o}, s:{s:I,s:I,s:I,s:I}, s:{s:I,s:I,s:I,s:I,s:I,s:I}, "
        "s:{s:I,s:I,s:I}, s:{s:I,s:I,s:I,s:I}}",
        "queue", "waiting", (json_int_t)s->counts.waiting, "held", (json_int_t)s->counts.held,
        "due", (json_int_t)s->counts.due_now, "messages", (json_int_t)s->counts.messages,
        "doubtful_at_start", (json_int_t)s->counts.doubtful_at_start, "oldest",
        admin_time(s->counts.oldest_ms), "accepted", "messages", (json_int_t)a.accepted, "refused",
        (json_int_t)a.refused, "turned_away", (json_int_t)a.unavailable, "bytes",
        (json_int_t)a.bytes_accepted, "recipients", "in_memory", (json_int_t)q.in_memory, "out",
        (json_int_t)q.out, "delivered", (json_int_t)q.delivered, "deferred", (json_int_t)q.deferred,
        "failed", (json_int_t)q.failed, "expired", (json_int_t)q.expired, "store", "commits",
        (json_int_t)t.commits, "operations", (json_int_t)t.operations, "commit_us_max",
        (json_int_t)t.commit_us_max, "directory", "subscriptions", (json_int_t)d.subscriptions,
        "domains", (json_int_t)d.domains, "credentials", (json_int_t)d.credentials, "keys",
        (json_int_t)d.keys);
}

static void stats_done(struct work *w)
{
    struct stats_read *s = (struct stats_read *)(void *)w;

    if (s->result == STORE_OK)
        http_reply_json(s->r, 200, stats_json(s));
    else
        http_reply_problem(s->r, 503, "store", NULL, store_result_text(s->result));
    free(s);
}

static void stats_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = admin_who(r, admin);
    struct stats_read *s;

    if (who == NULL)
        return;
    identity_unref(who);
    s = calloc(1, sizeof(*s));
    if (s != NULL) {
        s->work = (struct work){.work = stats_on_worker, .done = stats_done, .loop = http_loop(r)};
        s->r = r;
        s->admin = admin;
        if (workers_submit(admin->workers, &s->work))
            return;
    }
    free(s);
    http_reply_problem(r, 503, "busy", NULL, "Too much is waiting to be read; try again soon.");
}

/* For everybody: it says nothing of what is here. */
static void openapi_get(struct http_request *r, void *ctx)
{
    (void)ctx;
    http_reply_bytes(r, 200, "application/json",
                     sgl_view_of(admin_openapi_json, admin_openapi_json_len));
}

void admin_routes(struct http *http, const struct admin *admin)
{
    admin_nouns_routes(http, admin);
    admin_audit_routes(http, admin);
    admin_reports_sent_routes(http, admin);
    admin_doors_routes(http, (void *)(uintptr_t)admin);
    admin_guard_routes(http, admin);
    admin_reputation_routes(http, admin);
    admin_limits_routes(http, admin);
    admin_messages_routes(http, admin);
    admin_send_routes(http, admin);
    admin_transit_routes(http, admin);
    admin_received_routes(http, admin);
    admin_dmarc_routes(http, admin);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/openapi.json", openapi_get, NULL);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/stats", stats_get, (void *)(uintptr_t)admin);
}
