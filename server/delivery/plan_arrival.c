/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan for mail that has arrived: its route names the server, as the configuration names a smart host.
 *
 * What an operator chose may be this machine or a private network; what somebody else chose leads to public addresses only, whatever its name is looked up to.  A server has to prove
 * its name, unless it is near.
 */
#include "plan_internal.h"

#include <stdio.h>

#define NAME_SIZE 64

static char *text_in(struct sgl_arena *arena, sgl_view text)
{
    char *copy = sgl_arena_alloc(arena, text.len + 1);

    if (copy == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

bool plan_take_arrival(struct plan *plan, struct arrival_route *route)
{
    bool lmtp = route->action == ROUTE_LMTP;
    struct route_server server = {.port = 0};
    char *name = sgl_arena_alloc(&plan->arena, NAME_SIZE), *host;

    (void)route_server_parse(sgl_view_cstr(route->targets > 0 ? route->target[0] : ""),
                             lmtp ? ROUTE_PORT_LMTP : ROUTE_PORT_SMTP, true, &server);
    host = text_in(&plan->arena, server.path.len > 0 ? server.path : server.host);
    if (name == NULL || host == NULL)
        return false;
    /* a connection that was made for another target carries nothing for this one */
    snprintf(name, NAME_SIZE, "%.40s/%llu", route->owned.key,
             (unsigned long long)route->owned.version);
    plan->arrival = arrival_route_ref(route);
    plan->arrival_as = (struct config_route){
        .name = name, .host = host, .port = server.port, .tls = ROUTE_TLS_VERIFIED};
    if (server.path.len > 0) {
        plan->socket = host;
        plan->arrival_as.tls = ROUTE_TLS_NONE;
    }
    plan->route = &plan->arrival_as;
    return true;
}

/* Nobody listens in on it, and nothing has to be looked up. */
enum sgl_status plan_evaluate_socket(struct plan *plan)
{
    struct plan_host *host = SGL_NEW(&plan->arena, struct plan_host);
    struct sgl_ip *none = SGL_NEW(&plan->arena, struct sgl_ip);

    if (host == NULL || none == NULL)
        return plan->arena.status;
    host->demand = DEMAND_NOTHING;
    host->why = "";
    host->usable = plan->arrival->inside;
    host->failure = FAILURE_NO_ADDRESS;
    if (!host->usable)
        host->why = "a socket of this machine, which only an operator's route may lead to";
    host->dane.address = none;
    host->dane.addresses = 1;
    plan->host = host;
    plan->hosts = 1;
    return SGL_OK;
}

bool plan_is_near(const struct plan *plan, const struct plan_host *host)
{
    bool literal = host->name.text.len == 0; /* which no certificate can prove */
    bool own_network = plan->arrival->inside && (literal || plan->arrival->action == ROUTE_LMTP);

    for (size_t i = 0; i < host->dane.addresses; i++)
        if (!sgl_ip_is_loopback(&host->dane.address[i]) &&
            !(own_network && sgl_ip_is_private(&host->dane.address[i])))
            return false;
    return host->dane.addresses > 0;
}
