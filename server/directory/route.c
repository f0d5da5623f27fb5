/* SPDX-License-Identifier: Apache-2.0 */
/* What a route is to who only holds one: its words and its references. */
#include "route.h"

#include <stdio.h>
#include <stdlib.h>

struct arrival_route *arrival_route_ref(struct arrival_route *r)
{
    atomic_fetch_add_explicit(&r->owned.refs, 1, memory_order_relaxed);
    return r;
}

void arrival_route_unref(struct arrival_route *r)
{
    if (r != NULL && atomic_fetch_sub_explicit(&r->owned.refs, 1, memory_order_acq_rel) == 1)
        free(r); /* its texts are behind it */
}

static const char *const names[ROUTE_ACTIONS] = {
    "lmtp", "smtp", "webhook", "forward", "bounces", "complaints", "reports", "trap", "discard"};

const char *route_action_name(enum route_action action)
{
    return names[action];
}

bool route_action_parse(sgl_view name, enum route_action *out)
{
    for (unsigned i = 0; i < ROUTE_ACTIONS; i++)
        if (sgl_view_eq(name, sgl_view_cstr(names[i]))) {
            *out = (enum route_action)i;
            return true;
        }
    return false;
}

bool route_is_carried(enum route_action action)
{
    switch (action) {
    case ROUTE_LMTP:
    case ROUTE_SMTP:
    case ROUTE_WEBHOOK:
    case ROUTE_FORWARD:
        return true;
    case ROUTE_BOUNCES:
    case ROUTE_COMPLAINTS:
    case ROUTE_REPORTS:
    case ROUTE_TRAP:
    case ROUTE_DISCARD:
        break;
    }
    return false;
}

const char *route_match_name(enum route_match match)
{
    static const char *const match_name[] = {"none", "address", "without detail", "domain"};

    return match_name[match];
}

void arrival_route_context(const struct arrival_route *r, char out[ROUTE_CONTEXT_SIZE])
{
    snprintf(out, ROUTE_CONTEXT_SIZE, "route:%.40s", r->owned.key);
}
