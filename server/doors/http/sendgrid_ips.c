/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses to send from, and their pools, looked at.  Addresses change nowhere but in the configuration: which ones a machine has, and who may speak with their reputation, is no
 * program's to say.
 */
#include <string.h>

#include "sendgrid_internal.h"

#define READ_IPS      "ips.read"
#define READ_ASSIGNED "ips.assigned.read"
#define READ_POOLS    "ips.pools.read"

/* ---- what there is ---- */

/* An address is in a pool once, and stands for it once. */
static void append_once(json_t *list, const char *text)
{
    const json_t *item;
    size_t at;

    json_array_foreach(list, at, item)
    {
        if (strcmp(json_string_value(item), text) == 0)
            return;
    }
    json_array_append_new(list, json_string(text));
}

static void put_into(json_t *all, const char *key, const char *item)
{
    if (json_object_get(all, key) == NULL)
        json_object_set_new(all, key, json_array());
    if (item != NULL)
        append_once(json_object_get(all, key), item);
}

/* {"192.0.2.1": ["marketing"], ...} */
static void collect_addresses(void *ctx, const char *pool, const char *address)
{
    if (address != NULL)
        put_into(ctx, address, pool);
}

/* {"marketing": ["192.0.2.1"], ...} */
static void collect_pools(void *ctx, const char *pool, const char *address)
{
    put_into(ctx, pool, address);
}

/* An object of all that the caller may use, or NULL: answered. */
static json_t *collect(struct http_request *r, const struct api *api, const char *scope,
                       void (*each)(void *ctx, const char *pool, const char *address))
{
    struct identity *who = http_caller(r, api->directory, scope);
    json_t *all;

    if (who == NULL)
        return NULL;
    all = json_object();
    if (all != NULL)
        admission_each_pool(api->admission, sgl_view_cstr(who->subscription), each, all);
    else
        http_reply_problem(r, 503, "memory-full", NULL,
                           "The server has no memory left for this; try again soon.");
    identity_unref(who);
    return all;
}

static const char *name_of(struct http_request *r, const char *param)
{
    return sgl_arena_cstr(http_arena(r), http_param(r, param));
}

/* ---- pools ---- */

static void pools_get(struct http_request *r, void *ctx)
{
    json_t *all = collect(r, ctx, READ_POOLS, collect_pools), *list, *addresses;
    const char *name;

    if (all == NULL)
        return;
    list = json_array();
    json_object_foreach(all, name, addresses)
    {
        json_array_append_new(list, json_pack("{s:s}", "name", name));
    }
    json_decref(all);
    http_reply_json(r, 200, list);
}

static void pool_get(struct http_request *r, void *ctx)
{
    json_t *all = collect(r, ctx, READ_POOLS, collect_pools), *addresses;
    const char *name = name_of(r, "pool_name");

    if (all == NULL)
        return;
    addresses = name == NULL ? NULL : json_incref(json_object_get(all, name));
    json_decref(all);
    if (addresses == NULL)
        sendgrid_no_pool(r);
    else
        http_reply_json(r, 200, json_pack("{s:s, s:o}", "pool_name", name, "ips", addresses));
}

/* ---- addresses ---- */

/* Nothing is warmed up here, and nobody shares: there are no subusers. */
static json_t *address_json(const char *address, json_t *pools)
{
    return json_pack("{s:s, s:O, s:[], s:s, s:b, s:n, s:b, s:n}", "ip", address, "pools", pools,
                     "subusers", "rdns", "", "warmup", 0, "start_date", "whitelabeled", 0,
                     "assigned_at");
}

static void addresses_get(struct http_request *r, void *ctx)
{
    json_t *all = collect(r, ctx, READ_IPS, collect_addresses), *list, *pools;
    sgl_view wanted = http_query(r, "ip");
    const char *address;

    if (all == NULL)
        return;
    list = json_array();
    json_object_foreach(all, address, pools)
    {
        if (wanted.ptr == NULL || sgl_view_eq(wanted, sgl_view_cstr(address)))
            json_array_append_new(list, address_json(address, pools));
    }
    json_decref(all);
    http_reply_json(r, 200, list);
}

static void assigned_get(struct http_request *r, void *ctx)
{
    json_t *all = collect(r, ctx, READ_ASSIGNED, collect_addresses), *list, *pools;
    const char *address;

    if (all == NULL)
        return;
    list = json_array();
    json_object_foreach(all, address, pools)
    {
        json_array_append_new(list, json_pack("{s:s, s:O, s:b, s:i}", "ip", address, "pools", pools,
                                              "warmup", 0, "start_date", 0));
    }
    json_decref(all);
    http_reply_json(r, 200, list);
}

static void address_get(struct http_request *r, void *ctx)
{
    json_t *all = collect(r, ctx, READ_IPS, collect_addresses), *pools;
    const char *address = name_of(r, "ip_address");

    if (all == NULL)
        return;
    pools = address == NULL ? NULL : json_object_get(all, address);
    if (pools == NULL)
        http_reply_problem(r, 404, "address-unknown", "ip_address", "resource not found");
    else
        http_reply_json(r, 200, address_json(address, pools));
    json_decref(all);
}

/* ---- which addresses there are ---- */

static void change_refused(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, READ_IPS);

    if (who == NULL)
        return;
    identity_unref(who);
    http_reply_problem(r, 403, "operator-only", NULL,
                       "Addresses are in the configuration of this server: its operator says "
                       "which there are, and who may use them.");
}

void sendgrid_ips_routes(struct http *http, const struct api *api)
{
    void *ctx = (void *)(uintptr_t)api;

    http_route(http, HTTP_PUBLIC, "GET", "/v3/ips", addresses_get, ctx);
    http_route(http, HTTP_PUBLIC, "POST", "/v3/ips", change_refused, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v3/ips/assigned", assigned_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v3/ips/pools", pools_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v3/ips/{ip_address}", address_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v3/ips/pools/{pool_name}", pool_get, ctx);
    sendgrid_pool_routes(http, api);
}
