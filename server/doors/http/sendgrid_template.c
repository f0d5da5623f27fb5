/* SPDX-License-Identifier: Apache-2.0 */
/* /v3/templates and their versions: those of the caller's subscription, in the words of SendGrid's API. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../templates/templates.h"
#include "http_internal.h"
#include "sendgrid_internal.h"

#define ALL_TEMPLATES "/v3/templates"
#define ONE_TEMPLATE  ALL_TEMPLATES "/{template_id}"
#define ALL_VERSIONS  ONE_TEMPLATE "/versions"
#define ONE_VERSION   ALL_VERSIONS "/{version_id}"
#define PAGE_MAX      200

struct call {
    struct templates_call c; /* first: cast from it */
    struct http_request *r;
    struct identity *who; /* a reference */
    json_t *body;         /* NULL: none was read */
    struct sgl_buf after;
};

static void call_free(struct call *call)
{
    templates_call_done(&call->c);
    identity_unref(call->who);
    json_decref(call->body);
    sgl_buf_done(&call->after);
    free(call);
}

/* ---- as JSON ---- */

static json_t *time_json(const json_t *at)
{
    time_t time = (time_t)json_integer_value(at);
    struct tm tm;
    char text[32];

    if (gmtime_r(&time, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0)
        return json_null();
    return json_string(text);
}

static json_t *ref(const json_t *object, const char *name)
{
    return json_object_get(object, name);
}

/* A version as it stands in lists, without what it holds. */
static json_t *version_json(const json_t *of, const json_t *row)
{
    return json_pack("{s:O, s:O, s:i, s:O, s:O, s:O, s:O, s:o}", "id", ref(row, "id"),
                     "template_id", ref(of, "id"), "active", (int)json_is_true(ref(row, "active")),
                     "name", ref(row, "name"), "subject", ref(row, "subject"),
                     "generate_plain_content", ref(row, "generate"), "editor", ref(row, "editor"),
                     "updated_at", time_json(ref(row, "updated_at")));
}

static json_t *template_json(const json_t *of)
{
    json_t *versions = json_array(), *row;
    size_t i;

    json_array_foreach(ref(of, "versions"), i, row)
    {
        json_array_append_new(versions, version_json(of, row));
    }
    return json_pack("{s:O, s:O, s:s, s:o, s:o}", "id", ref(of, "id"), "name", ref(of, "name"),
                     "generation", json_is_true(ref(of, "dynamic")) ? "dynamic" : "legacy",
                     "updated_at", time_json(ref(of, "updated_at")), "versions", versions);
}

static json_t *whole_version_json(const struct templates_call *c)
{
    json_t *json = version_json(c->json, c->row);

    json_object_set(json, "html_content", ref(c->content, "html"));
    json_object_set(json, "plain_content", ref(c->content, "plain"));
    json_object_set(json, "test_data", ref(c->content, "test_data"));
    return json;
}

/* ---- the answer ---- */

static void out_of_memory(struct http_request *r)
{
    http_reply_header(r, "Retry-After", SGL_LIT("5"));
    http_reply_problem(r, 503, "memory-full", NULL,
                       "The server has no memory left for this; try again soon.");
}

/* The room has names of its own for what a version holds. */
static const char *member_of(const char *field)
{
    static const struct {
        const char *ours, *theirs;
    } names[] = {
        {"html", "html_content"},
        {"plain", "plain_content"},
        {"template", "template_id"},
        {"version", "version_id"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(field, names[i].ours) == 0)
            return names[i].theirs;
    return field;
}

static void refuse(const struct call *call)
{
    const struct templates_call *c = &call->c;
    const char *field = member_of(c->field);

    switch (c->result) {
    case TEMPLATES_INVALID:
        http_reply_problem(call->r, 400, SENDGRID_WRONG, field, c->why);
        return;
    case TEMPLATES_LIMIT:
        http_reply_problem(call->r, 400, "too-many", field, c->why);
        return;
    case TEMPLATES_NOT_FOUND:
        http_reply_problem(call->r, 404, "not-found", field, c->why);
        return;
    case TEMPLATES_OK:
    case TEMPLATES_UNAVAILABLE:
        break;
    }
    http_reply_header(call->r, "Retry-After", SGL_LIT("5"));
    http_reply_problem(call->r, 503, "store", NULL, c->why);
}

static void add_parameter(struct sgl_buf *url, char before, const char *name, sgl_view value)
{
    sgl_buf_add_byte(url, (uint8_t)before);
    sgl_buf_add_cstr(url, name);
    sgl_buf_add_byte(url, '=');
    sgl_buf_add(url, value);
}

/* Where a page is found, by the name that the client has for this server. */
static json_t *page_url(const struct call *call, sgl_view token)
{
    const struct templates_page *p = &call->c.page;
    struct sgl_buf url = SGL_BUF_INIT(4096);
    char size[16];
    json_t *json;

    snprintf(size, sizeof(size), "%zu", p->max);
    sgl_buf_add_cstr(&url, http_is_tls(call->r) ? "https://" : "http://");
    sgl_buf_add(&url, http_header(call->r, "Host"));
    sgl_buf_add_cstr(&url, ALL_TEMPLATES);
    add_parameter(&url, '?', "generations",
                  p->dynamic && p->legacy ? SGL_LIT("legacy,dynamic")
                  : p->dynamic            ? SGL_LIT("dynamic")
                                          : SGL_LIT("legacy"));
    add_parameter(&url, '&', "page_size", sgl_view_cstr(size));
    if (token.len > 0)
        add_parameter(&url, '&', "page_token", token);
    json = json_stringn((const char *)url.data, url.len);
    sgl_buf_done(&url);
    return json == NULL ? json_null() : json;
}

static json_t *list_json(const struct call *call)
{
    const struct templates_call *c = &call->c;
    json_t *list = json_array(), *meta, *row = NULL;
    size_t i;

    json_array_foreach(c->json, i, row)
    {
        json_array_append_new(list, template_json(row));
    }
    meta = json_pack("{s:o, s:I}", "self", page_url(call, c->page.after), "count",
                     (json_int_t)c->count);
    if (c->more)
        json_object_set_new(
            meta, "next",
            page_url(call, api_string_view(
                               ref(json_array_get(c->json, json_array_size(c->json) - 1), "id"))));
    return json_pack("{s:o, s:o}", "result", list, "_metadata", meta);
}

static void reply(const struct call *call)
{
    const struct templates_call *c = &call->c;

    switch (c->verb) {
    case TEMPLATES_LIST:
        http_reply_json(call->r, 200, list_json(call));
        return;
    case TEMPLATES_GET:
    case TEMPLATES_RENAME:
        http_reply_json(call->r, 200, template_json(c->json));
        return;
    case TEMPLATES_ADD:
    case TEMPLATES_COPY:
        http_reply_json(call->r, 201, template_json(c->json));
        return;
    case TEMPLATES_VERSION_GET:
    case TEMPLATES_VERSION_CHANGE:
    case TEMPLATES_VERSION_ACTIVATE:
        http_reply_json(call->r, 200, whole_version_json(c));
        return;
    case TEMPLATES_VERSION_ADD:
        http_reply_json(call->r, 201, whole_version_json(c));
        return;
    case TEMPLATES_REMOVE:
    case TEMPLATES_VERSION_REMOVE:
        break;
    }
    http_reply_empty(call->r, 204);
}

static void done(struct templates_call *c)
{
    struct call *call = (struct call *)(void *)c;

    if (c->result == TEMPLATES_OK)
        reply(call);
    else
        refuse(call);
    call_free(call);
}

/* ---- the request ---- */

/* NULL: answered. */
static struct call *call_new(struct http_request *r, const struct api *api, const char *scope,
                             enum templates_verb verb)
{
    struct identity *who = http_caller(r, api->directory, scope);
    struct call *call = who == NULL ? NULL : calloc(1, sizeof(*call));

    if (call == NULL) {
        if (who != NULL)
            out_of_memory(r);
        identity_unref(who);
        return NULL;
    }
    call->r = r;
    call->who = who;
    call->after = (struct sgl_buf)SGL_BUF_INIT(128);
    call->c.templates = api->templates;
    call->c.verb = verb;
    call->c.loop = http_loop(r);
    call->c.done = done;
    call->c.subscription = sgl_view_cstr(who->subscription);
    call->c.actor = sgl_view_cstr(who->name);
    call->c.peer = sgl_view_cstr(http_peer(r));
    call->c.id = http_param(r, "template_id");
    call->c.version = http_param(r, "version_id");
    call->c.change.active = call->c.change.generate = -1;
    return call;
}

static bool read_flag(const struct api_reader *p, const json_t *body, const char *name, int *out)
{
    const json_t *value = sendgrid_member(body, name);

    if (value == NULL)
        return true;
    if (json_is_integer(value) &&
        (json_integer_value(value) == 0 || json_integer_value(value) == 1))
        *out = (int)json_integer_value(value);
    else if (json_is_boolean(value))
        *out = json_is_true(value);
    else
        return api_wrong(p, "member-type", name, "0 or 1, or false or true, is wanted here.");
    return true;
}

static bool read_generation(const struct api_reader *p, const json_t *body, bool *dynamic)
{
    sgl_view generation = SGL_LIT("legacy");

    if (!api_read_string(p, body, "generation", "generation", &generation))
        return false;
    *dynamic = sgl_view_eq(generation, SGL_LIT("dynamic"));
    return *dynamic || sgl_view_eq(generation, SGL_LIT("legacy")) ||
           api_wrong(p, SENDGRID_WRONG, "generation",
                     "The generation is \"legacy\" or \"dynamic\".");
}

static bool read_change(const struct api_reader *p, const json_t *body,
                        struct templates_change *out)
{
    if (!json_is_object(body))
        return api_wrong(p, "member-type", "", "The body is an object.");
    return api_read_string(p, body, "name", "name", &out->name) &&
           api_read_string(p, body, "subject", "subject", &out->subject) &&
           api_read_string(p, body, "html_content", "html_content", &out->html) &&
           api_read_string(p, body, "plain_content", "plain_content", &out->plain) &&
           api_read_string(p, body, "test_data", "test_data", &out->test_data) &&
           api_read_string(p, body, "editor", "editor", &out->editor) &&
           read_flag(p, body, "active", &out->active) &&
           read_flag(p, body, "generate_plain_content", &out->generate) &&
           read_generation(p, body, &out->dynamic);
}

/* needed: without a body there is nothing to do. */
static void change(struct http_request *r, void *ctx, const char *scope, enum templates_verb verb,
                   bool needed)
{
    const struct api *api = ctx;
    struct call *call = call_new(r, api, scope, verb);
    struct api_refusal why = {0};
    struct api_reader reader = {.api = api, .why = &why};

    if (call == NULL)
        return;
    if (needed || http_body(r).len > 0) {
        call->body = http_json(r);
        if (call->body == NULL) {
            call_free(call);
            return;
        }
        if (!read_change(&reader, call->body, &call->c.change)) {
            http_reply_problem(r, why.status, why.code, why.field, why.detail);
            call_free(call);
            return;
        }
    }
    templates_call(api->templates, &call->c);
}

static void look(struct http_request *r, void *ctx, const char *scope, enum templates_verb verb)
{
    const struct api *api = ctx;
    struct call *call = call_new(r, api, scope, verb);

    if (call != NULL)
        templates_call(api->templates, &call->c);
}

/* ---- the routes ---- */

static bool read_page(struct call *call)
{
    struct templates_page *p = &call->c.page;
    sgl_view size = http_query(call->r, "page_size"), rest;
    uint64_t n = 0;

    if (size.ptr == NULL || !sgl_view_u64(size, PAGE_MAX, &n) || n == 0) {
        http_reply_problem(call->r, 400, SENDGRID_WRONG, "page_size",
                           "The page_size is required: a number from 1 to 200.");
        return false;
    }
    p->max = (size_t)n;
    sgl_buf_add(&call->after, http_query(call->r, "page_token"));
    p->after = sgl_buf_view(&call->after);
    rest = http_query(call->r, "generations");
    p->legacy = rest.ptr == NULL;
    while (rest.ptr != NULL) {
        sgl_view kind = sgl_view_split(rest, ',', &rest);

        if (sgl_view_eq(kind, SGL_LIT("dynamic"))) {
            p->dynamic = true;
        } else if (sgl_view_eq(kind, SGL_LIT("legacy"))) {
            p->legacy = true;
        } else {
            http_reply_problem(call->r, 400, SENDGRID_WRONG, "generations",
                               "The generations are legacy, dynamic or legacy,dynamic.");
            return false;
        }
    }
    return true;
}

static void list_get(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct call *call = call_new(r, api, "templates.read", TEMPLATES_LIST);

    if (call == NULL)
        return;
    if (read_page(call))
        templates_call(api->templates, &call->c);
    else
        call_free(call);
}

static void template_post(struct http_request *r, void *ctx)
{
    change(r, ctx, "templates.create", TEMPLATES_ADD, true);
}

static void template_get(struct http_request *r, void *ctx)
{
    look(r, ctx, "templates.read", TEMPLATES_GET);
}

static void template_patch(struct http_request *r, void *ctx)
{
    change(r, ctx, "templates.update", TEMPLATES_RENAME, true);
}

static void template_copy(struct http_request *r, void *ctx)
{
    change(r, ctx, "templates.create", TEMPLATES_COPY, false);
}

static void template_delete(struct http_request *r, void *ctx)
{
    look(r, ctx, "templates.delete", TEMPLATES_REMOVE);
}

static void version_post(struct http_request *r, void *ctx)
{
    change(r, ctx, "templates.versions.create", TEMPLATES_VERSION_ADD, true);
}

static void version_get(struct http_request *r, void *ctx)
{
    look(r, ctx, "templates.versions.read", TEMPLATES_VERSION_GET);
}

static void version_patch(struct http_request *r, void *ctx)
{
    change(r, ctx, "templates.versions.update", TEMPLATES_VERSION_CHANGE, true);
}

static void version_activate(struct http_request *r, void *ctx)
{
    look(r, ctx, "templates.versions.activate.create", TEMPLATES_VERSION_ACTIVATE);
}

static void version_delete(struct http_request *r, void *ctx)
{
    look(r, ctx, "templates.versions.delete", TEMPLATES_VERSION_REMOVE);
}

void sendgrid_template_routes(struct http *http, const struct api *api)
{
    void *ctx = (void *)(uintptr_t)api;

    http_route(http, HTTP_PUBLIC, "GET", ALL_TEMPLATES, list_get, ctx);
    http_route(http, HTTP_PUBLIC, "POST", ALL_TEMPLATES, template_post, ctx);
    http_route(http, HTTP_PUBLIC, "GET", ONE_TEMPLATE, template_get, ctx);
    http_route(http, HTTP_PUBLIC, "POST", ONE_TEMPLATE, template_copy, ctx);
    http_route(http, HTTP_PUBLIC, "PATCH", ONE_TEMPLATE, template_patch, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", ONE_TEMPLATE, template_delete, ctx);
    http_route(http, HTTP_PUBLIC, "POST", ALL_VERSIONS, version_post, ctx);
    http_route(http, HTTP_PUBLIC, "GET", ONE_VERSION, version_get, ctx);
    http_route(http, HTTP_PUBLIC, "PATCH", ONE_VERSION, version_patch, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", ONE_VERSION, version_delete, ctx);
    http_route(http, HTTP_PUBLIC, "POST", ONE_VERSION "/activate", version_activate, ctx);
}
