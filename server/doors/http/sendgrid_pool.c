/* SPDX-License-Identifier: Apache-2.0 */
/* /v3/ips/pools: pools that a subscription makes of the addresses it may send from, renamed, filled, emptied, removed.  Those of the configuration stay as they are. */
#include <stdlib.h>

#include "sendgrid_internal.h"
#include "sendgrid_walk.h"

#define POOLS "/v3/ips/pools"
#define POOL  POOLS "/{pool_name}"

enum pool_step { POOL_MAKE, POOL_RENAME, POOL_REMOVE, POOL_FILL, POOL_TAKE_OUT };

struct pool_changing {
    struct directory_change change; /* first: cast from it */
    struct pool_change pool;
    enum pool_step step;
    struct http_request *r;
    const struct api *api;
    struct identity *who;
    json_t *body;
    char address[INET6_ADDRSTRLEN];
};

void sendgrid_no_pool(struct http_request *r)
{
    http_reply_json(r, 404, json_pack("{s:s}", "error", "Unable to locate specified IPs Pool"));
}

static void changing_free(struct pool_changing *c)
{
    identity_unref(c->who);
    json_decref(c->body);
    free(c);
}

/* ---- the answer ---- */

static void collect(void *ctx, const char *pool, const char *address)
{
    struct pool_changing *c = ctx;

    if (address != NULL && strcmp(address, c->address) == 0)
        json_array_append_new(c->body, json_string(pool));
}

/* All pools that the address is in now. */
static void answer_filled(struct pool_changing *c)
{
    json_decref(c->body);
    c->body = json_array();
    admission_each_pool(c->api->admission, sgl_view_cstr(c->who->subscription), collect, c);
    http_reply_json(c->r, 201,
                    json_pack("{s:s, s:O, s:i, s:b}", "ip", c->address, "pools", c->body,
                              "start_date", 0, "warmup", 0));
}

static void answer(struct pool_changing *c)
{
    sgl_view name = c->step == POOL_MAKE ? c->change.name : c->pool.rename;

    switch (c->step) {
    case POOL_MAKE:
    case POOL_RENAME:
        http_reply_json(c->r, 200, json_pack("{s:s%}", "name", name.ptr, name.len));
        break;
    case POOL_FILL:
        answer_filled(c);
        break;
    case POOL_REMOVE:
    case POOL_TAKE_OUT:
        http_reply_bytes(c->r, 204, "application/json", SGL_LIT(""));
        break;
    }
}

static void answer_fault(struct pool_changing *c)
{
    const struct directory_change *d = &c->change;

    switch (d->result) {
    case DIRECTORY_NOT_FOUND:
        if (strcmp(d->field, "ip") == 0)
            http_reply_json(c->r, 404, json_pack("{s:s}", "error", d->why));
        else
            sendgrid_no_pool(c->r);
        break;
    case DIRECTORY_CONFLICT:
    case DIRECTORY_UNAVAILABLE:
        http_reply_header(c->r, "Retry-After", SGL_LIT("5"));
        http_reply_problem(c->r, 503, "unavailable", NULL, d->why);
        break;
    case DIRECTORY_OK:
    case DIRECTORY_INVALID:
    case DIRECTORY_EXISTS:
    case DIRECTORY_IN_USE:
        http_reply_problem(c->r, 400, d->result == DIRECTORY_EXISTS ? "exists" : "invalid",
                           d->field, d->why);
        break;
    }
}

static void changed(struct directory_change *d)
{
    struct pool_changing *c = (struct pool_changing *)(void *)d;

    if (d->result == DIRECTORY_OK)
        answer(c);
    else
        answer_fault(c);
    changing_free(c);
}

/* ---- the request ---- */

/* A string of the body. false: answered. */
static bool take_string(struct pool_changing *c, const char *member, sgl_view *out)
{
    const json_t *value;

    c->body = http_json(c->r);
    if (c->body == NULL)
        return false;
    value = json_object_get(c->body, member);
    if (!json_is_string(value)) {
        http_reply_problem(c->r, 400, value == NULL ? "member-missing" : "member-type", member,
                           "A string is wanted here.");
        return false;
    }
    *out = api_string_view(value);
    return true;
}

/* false: answered. */
static bool is_not_configured(struct pool_changing *c, sgl_view name, const char *field)
{
    if (!admission_pool_is_configured(c->api->admission, sgl_view_cstr(c->who->subscription), name))
        return true;
    http_reply_problem(c->r, 403, "operator-only", field,
                       "This is the name of a pool in the configuration of this server: only its "
                       "operator changes it.");
    return false;
}

/* false: answered. */
static bool take_address(struct pool_changing *c)
{
    sgl_view text;

    if (!take_string(c, "ip", &text))
        return false;
    if (!admission_pool_address(c->api->admission, sgl_view_cstr(c->who->subscription), text,
                                c->address)) {
        http_reply_problem(c->r, 404, "address-unknown", "ip",
                           "This is no address that the subscription may send from.");
        return false;
    }
    c->pool.add = sgl_view_cstr(c->address);
    return true;
}

/* One that the subscription has no more is taken out as it is written. */
static void take_parted(struct pool_changing *c)
{
    sgl_view text = http_param(c->r, "ip");

    c->pool.drop = admission_pool_address(c->api->admission, sgl_view_cstr(c->who->subscription),
                                          text, c->address)
                       ? sgl_view_cstr(c->address)
                       : text;
}

static bool take(struct pool_changing *c)
{
    if (c->step == POOL_MAKE)
        return take_string(c, "name", &c->change.name) &&
               is_not_configured(c, c->change.name, "name");
    c->change.name = http_param(c->r, "pool_name");
    if (!is_not_configured(c, c->change.name, NULL))
        return false;
    if (c->step == POOL_RENAME)
        return take_string(c, "name", &c->pool.rename) &&
               is_not_configured(c, c->pool.rename, "name");
    if (c->step == POOL_TAKE_OUT)
        take_parted(c);
    return c->step != POOL_FILL || take_address(c);
}

static void change(struct http_request *r, const struct api *api, enum pool_step step,
                   const char *scope)
{
    static const enum directory_verb verb[] = {[POOL_MAKE] = DIRECTORY_ADD,
                                               [POOL_RENAME] = DIRECTORY_CHANGE,
                                               [POOL_REMOVE] = DIRECTORY_REMOVE,
                                               [POOL_FILL] = DIRECTORY_CHANGE,
                                               [POOL_TAKE_OUT] = DIRECTORY_CHANGE};
    struct identity *who = http_caller(r, api->directory, scope);
    struct pool_changing *c = who == NULL ? NULL : calloc(1, sizeof(*c));

    if (who == NULL)
        return;
    if (c == NULL) {
        identity_unref(who);
        sendgrid_no_memory(r);
        return;
    }
    c->r = r;
    c->api = api;
    c->who = who;
    c->step = step;
    c->change = (struct directory_change){.noun = DIRECTORY_POOL,
                                          .verb = verb[step],
                                          .loop = http_loop(r),
                                          .done = changed,
                                          .actor = sgl_view_cstr(who->name),
                                          .peer = sgl_view_cstr(http_peer(r)),
                                          .within = sgl_view_cstr(who->subscription),
                                          .pool = &c->pool};
    if (take(c))
        directory_change(api->directory, &c->change);
    else
        changing_free(c);
}

static void pools_post(struct http_request *r, void *ctx)
{
    change(r, ctx, POOL_MAKE, "ips.pools.create");
}

static void pool_put(struct http_request *r, void *ctx)
{
    change(r, ctx, POOL_RENAME, "ips.pools.update");
}

static void pool_delete(struct http_request *r, void *ctx)
{
    change(r, ctx, POOL_REMOVE, "ips.pools.delete");
}

static void addresses_post(struct http_request *r, void *ctx)
{
    change(r, ctx, POOL_FILL, "ips.pools.ips.create");
}

static void address_delete(struct http_request *r, void *ctx)
{
    change(r, ctx, POOL_TAKE_OUT, "ips.pools.ips.delete");
}

void sendgrid_pool_routes(struct http *http, const struct api *api)
{
    void *ctx = (void *)(uintptr_t)api;

    http_route(http, HTTP_PUBLIC, "POST", POOLS, pools_post, ctx);
    http_route(http, HTTP_PUBLIC, "PUT", POOL, pool_put, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", POOL, pool_delete, ctx);
    http_route(http, HTTP_PUBLIC, "POST", POOL "/ips", addresses_post, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", POOL "/ips/{ip}", address_delete, ctx);
}
