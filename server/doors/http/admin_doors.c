/* SPDX-License-Identifier: Apache-2.0 */
/* Where clients connect: what somebody who gets a login has to be told with it. */
#include <arpa/inet.h>

#include "../../config/config.h"
#include "admin_internal.h"

static uint16_t port_of(const struct config_address *a)
{
    return ntohs(a->addr.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)(const void *)&a->addr)->sin6_port
                     : ((const struct sockaddr_in *)(const void *)&a->addr)->sin_port);
}

static bool is_loopback(const struct config_address *a)
{
    if (a->addr.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(
            &((const struct sockaddr_in6 *)(const void *)&a->addr)->sin6_addr);
    return ntohl(((const struct sockaddr_in *)(const void *)&a->addr)->sin_addr.s_addr) >> 24 ==
           127;
}

/* The server's name, which its certificate has; on a loopback address, that address. */
static json_t *host_json(const struct config *config, const struct config_address *a)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (!is_loopback(a))
        return json_string(config->hostname);
    if (a->addr.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)&a->addr)->sin6_addr, text,
                  sizeof(text));
    else
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)&a->addr)->sin_addr, text,
                  sizeof(text));
    return json_string(text);
}

static const char *tls_name(enum config_listen_tls tls)
{
    switch (tls) {
    case LISTEN_PLAIN:
        return "plain";
    case LISTEN_STARTTLS:
        return "starttls";
    case LISTEN_IMPLICIT:
        return "implicit";
    }
    return "?";
}

static bool is_there(const json_t *list, const json_t *door)
{
    const json_t *one;
    size_t at;

    json_array_foreach(list, at, one) if (json_equal(one, door)) return true;
    return false;
}

/* "*:587" is two addresses to the server, and one to its clients. */
static void add_listen(json_t *list, const struct config *config, const struct config_listen *l)
{
    bool smtp = l->door == DOOR_SUBMISSION;

    for (size_t i = 0; i < l->addresses; i++) {
        json_t *door = json_pack("{s:s, s:s, s:o, s:i, s:s, s:b, s:b}", "name", l->name, "speaks",
                                 smtp ? "smtp" : "http", "host", host_json(config, &l->address[i]),
                                 "port", (int)port_of(&l->address[i]), "tls", tls_name(l->tls),
                                 "login", (int)(!smtp || l->tls != LISTEN_PLAIN),
                                 "this_machine_only", (int)is_loopback(&l->address[i]));

        if (door != NULL && !is_there(list, door))
            json_array_append(list, door);
        json_decref(door);
    }
}

static void doors_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    const struct config *config;
    sgl_view scope; /* doors are everybody's */
    json_t *list;

    if (!admin_may_read(r, admin, &scope))
        return;
    config = atomic_load(&admin->config);
    list = json_array();
    for (size_t i = 0; i < config->listens; i++)
        add_listen(list, config, &config->listen[i]);
    http_reply_json(r, 200,
                    json_pack("{s:s, s:s, s:o}", "hostname", config->hostname, "public_url",
                              config->public_url, "doors", list));
}

void admin_doors_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/doors", doors_get, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/tls/records", admin_tls_records, ctx);
}
