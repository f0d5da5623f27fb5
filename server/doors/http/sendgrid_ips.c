/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses to send from, and their pools, as the operator has configured them for the caller's subscription.  They are looked at here, and changed nowhere but in the
 * configuration: which addresses a machine has, and who may speak with their reputation, is no program's to say.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "sendgrid_internal.h"

#define READ_IPS      "ips.read"
#define READ_ASSIGNED "ips.assigned.read"
#define READ_POOLS    "ips.pools.read"

/* ---- what there is ---- */

/* In a pool's text form; empty when it cannot be. */
static void address_text(const struct config_address *a, char out[INET6_ADDRSTRLEN])
{
    const void *from =
        a->addr.ss_family == AF_INET6
            ? (const void *)&((const struct sockaddr_in6 *)(const void *)&a->addr)->sin6_addr
            : (const void *)&((const struct sockaddr_in *)(const void *)&a->addr)->sin_addr;

    if (inet_ntop(a->addr.ss_family, from, out, INET6_ADDRSTRLEN) == NULL)
        out[0] = '\0';
}

/* The addresses of the pool into its list of texts. */
static json_t *addresses_of(const struct config_pool *pool)
{
    json_t *list = json_array();
    char text[INET6_ADDRSTRLEN];

    for (size_t i = 0; i < pool->sources; i++) {
        address_text(&pool->source[i], text);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

/* {"192.0.2.1": ["marketing"], ...} */
static void collect_addresses(void *ctx, const struct config_pool *pool)
{
    char text[INET6_ADDRSTRLEN];

    for (size_t i = 0; i < pool->sources; i++) {
        json_t *pools;

        address_text(&pool->source[i], text);
        if (json_object_get(ctx, text) == NULL)
            json_object_set_new(ctx, text, json_array());
        pools = json_object_get(ctx, text);
        json_array_append_new(pools, json_string(pool->name));
    }
}

static void collect_pools(void *ctx, const struct config_pool *pool)
{
    json_object_set_new(ctx, pool->name, addresses_of(pool));
}

/* An object of all that the caller may use, or NULL: answered. */
static json_t *collect(struct http_request *r, const struct api *api, const char *scope,
                       void (*each)(void *ctx, const struct config_pool *pool))
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
        http_reply_json(r, 404, json_pack("{s:s}", "error", "Unable to locate specified IPs Pool"));
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

/* ---- changes ---- */

static void change_refused(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, READ_POOLS);

    if (who == NULL)
        return;
    identity_unref(who);
    http_reply_problem(r, 403, "operator-only", NULL,
                       "Addresses and pools are in the configuration of this server: its operator "
                       "says which there are, and who may use them.");
}

void sendgrid_ips_routes(struct http *http, const struct api *api)
{
    static const struct {
        const char *method, *pattern;
    } changes[] = {
        {"POST", "/v3/ips"},
        {"POST", "/v3/ips/pools"},
        {"PUT", "/v3/ips/pools/{pool_name}"},
        {"DELETE", "/v3/ips/pools/{pool_name}"},
        {"POST", "/v3/ips/pools/{pool_name}/ips"},
        {"DELETE", "/v3/ips/pools/{pool_name}/ips/{ip}"},
    };
    void *ctx = (void *)(uintptr_t)api;

    http_route(http, HTTP_PUBLIC, "GET", "/v3/ips", addresses_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v3/ips/assigned", assigned_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v3/ips/pools", pools_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v3/ips/{ip_address}", address_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v3/ips/pools/{pool_name}", pool_get, ctx);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        http_route(http, HTTP_PUBLIC, changes[i].method, changes[i].pattern, change_refused, ctx);
}
