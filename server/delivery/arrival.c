/* SPDX-License-Identifier: Apache-2.0 */
/* Mail that has arrived and is on its way to where its route leads: which route that is, now. */
#include "internal.h"

#include <stdio.h>

bool dest_is_arrival(const struct dest *dest)
{
    return dest->domain[0] == DELIVERY_ARRIVAL;
}

static struct arrival_route *route_of(const struct dest *dest)
{
    const struct delivery_arrivals *a = &dest->delivery->arrivals;

    return a->by_key == NULL ? NULL : a->by_key(a->ctx, sgl_view_cstr(dest->domain + 1));
}

bool arrival_is_current(const struct dest *dest)
{
    const struct arrival_route *planned = dest->plan->arrival;
    struct arrival_route *now;
    bool same;

    if (planned == NULL)
        return true;
    now = route_of(dest);
    same = now != NULL && now->owned.version == planned->owned.version;
    arrival_route_unref(now);
    return same;
}

/* What was planned for it before is another way. */
static void forget_plan(struct dest *dest)
{
    dest_leave_site(dest);
    plan_unref(dest->plan);
    dest->plan = NULL;
}

bool arrival_choose(struct dest *dest, struct arrival_route **route)
{
    struct arrival_route *found;

    if (!dest_is_arrival(dest))
        return true;
    found = route_of(dest);
    if (found != NULL && (found->action == ROUTE_LMTP || found->action == ROUTE_SMTP)) {
        *route = found;
        return true;
    }
    forget_plan(dest);
    if (found == NULL)
        dest_put_back(dest, "no route takes mail for its address any more; add one: sigillo "
                            "route add");
    else if (found->action == ROUTE_WEBHOOK && dest->delivery->courier.carry != NULL)
        courier_pump(dest, found);
    else
        dest_put_back(dest, "its route leads to no server any more, and it waits for one");
    arrival_route_unref(found);
    return false;
}

/* ---- where the route is gone ---- */

static bool is_there(const struct delivery_arrivals *a, sgl_view key)
{
    struct arrival_route *r = a->by_key(a->ctx, key);
    bool found = r != NULL;

    arrival_route_unref(r);
    return found;
}

sgl_view arrival_lane(void *ctx, const struct store_message *m, const struct store_rcpt *rcpt,
                      char *room, size_t size)
{
    const struct delivery *d = ctx;
    const struct delivery_arrivals *a = &d->arrivals;
    sgl_view lane = rcpt->domain;
    struct arrival_route *now;
    int len;

    if (lane.len == 0 || lane.ptr[0] != DELIVERY_ARRIVAL || a->by_key == NULL ||
        is_there(a, sgl_view_from(lane, 1)))
        return lane;
    now = a->of_address(a->ctx, rcpt->address);
    /* the domain may be somebody else's by now */
    if (now != NULL && sgl_view_eq(sgl_view_cstr(now->owned.subscription), m->subscription)) {
        len = snprintf(room, size, "%c%s", DELIVERY_ARRIVAL, now->owned.key);
        if (len > 0 && (size_t)len < size)
            lane = sgl_view_of(room, (size_t)len);
    }
    arrival_route_unref(now);
    return lane;
}
