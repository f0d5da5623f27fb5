/* SPDX-License-Identifier: Apache-2.0 */
/* RCPT: is this address somebody's, and what becomes of its mail? */
#include <stdlib.h>
#include <string.h>

#include "reception_internal.h"

void reception_to_done(struct reception_to *to)
{
    arrival_route_unref(to->route);
    free(to->text);
    *to = (struct reception_to){.route = NULL};
}

static sgl_view domain_of(sgl_view address)
{
    size_t at = address.len;

    while (at > 0 && address.ptr[at - 1] != '@')
        at--;
    return sgl_view_from(address, at);
}

static enum judge_mode mode_of(struct reception *r, sgl_view domain)
{
    struct reception_rules *rules = gate_rules_of(r);
    struct domain *d = directory_domain(r->directory, domain);
    enum judge_mode mode = rules->policy.dmarc;

    if (d != NULL && d->incoming != DOMAIN_INCOMING_PRESET)
        mode = (enum judge_mode)(d->incoming - DOMAIN_INCOMING_FOLLOW);
    domain_unref(d);
    gate_rules_unref(rules);
    return mode;
}

static bool take_route(struct reception *r, struct reception_to *to, sgl_view address)
{
    to->route = directory_route(r->directory, address);
    if (to->route == NULL)
        return false;
    to->action = to->route->action;
    to->subscription = to->route->owned.subscription;
    return true;
}

/* The postmaster of each domain here is somebody.  [RFC 5321 s4.5.1] */
static bool take_postmaster(struct reception *r, struct reception_to *to)
{
    sgl_view domain = domain_of(to->address);
    sgl_view local = sgl_view_sub(to->address, 0, to->address.len - domain.len - 1);
    struct reception_rules *rules = gate_rules_of(r);
    const char *postmaster = rules->config->inbound.postmaster;
    bool is = sgl_view_eq_nocase(local, SGL_LIT("postmaster")) &&
              (sgl_view_eq_nocase(domain, sgl_view_cstr(rules->config->hostname)) ||
               directory_receives_for(r->directory, domain));

    is = is && postmaster != NULL && (to->text = strdup(postmaster)) != NULL &&
         take_route(r, to, sgl_view_cstr(to->text));
    if (is)
        to->address = sgl_view_cstr(to->text);
    gate_rules_unref(rules);
    return is;
}

/* true: known, and by whom; false, with *out: not. */
static bool ask_others(struct reception *r, struct reception_to *to, bool *forged)
{
    *forged = false;
    for (size_t i = 0; i < r->knowers; i++) {
        enum route_action action = ROUTE_BOUNCES;

        switch (r->knows[i].knows(r->knows[i].ctx, to->address, &action)) {
        case RECEPTION_NOT_MINE:
            break;
        case RECEPTION_KNOWN:
            to->action = action;
            to->subscription = "";
            return true;
        case RECEPTION_FORGED:
            *forged = true;
            return false;
        }
    }
    return false;
}

static bool is_known(struct reception *r, struct reception_to *to)
{
    bool forged;

    if (ask_others(r, to, &forged))
        return true;
    return !forged && (take_route(r, to, to->address) || take_postmaster(r, to));
}

static void refuse_unknown(struct reception *r, const struct reception_to *to,
                           struct reception_answer *out)
{
    sgl_view domain = domain_of(to->address);

    atomic_fetch_add_explicit(&r->unknown, 1, memory_order_relaxed);
    if (directory_receives_for(r->directory, domain))
        told_about(out, 550, "5.1.1", "there is no %s here", to->address);
    else
        told_about(out, 550, "5.7.1", "mail of %s is not received here", domain);
}

/* A postmaster whom the server behind the route of all of his domain does not know: as one without a route. */
static bool is_postmaster_all_the_same(struct reception *r, struct reception_to *to)
{
    struct arrival_route *asked = to->route;

    if (!take_postmaster(r, to)) {
        to->route = asked;
        return false;
    }
    arrival_route_unref(asked);
    return true;
}

static void settle(struct reception *r, struct reception_ask *ask);

static void answered(struct reception_ask *ask, const struct reception_answer *answer)
{
    struct reception_answer said = *answer;

    if (said.code >= 500 && ask->to->text == NULL &&
        is_postmaster_all_the_same(ask->reception, ask->to)) {
        settle(ask->reception, ask);
        return;
    }
    if (said.code >= 500)
        atomic_fetch_add_explicit(&ask->reception->unknown, 1, memory_order_relaxed);
    ask->done(ask, &said);
}

/* Somebody knows it; does the server behind its route? */
static void settle(struct reception *r, struct reception_ask *ask)
{
    struct reception_to *to = ask->to;
    struct reception_answer answer;

    to->mode = mode_of(r, domain_of(to->address));
    if (to->route != NULL && to->route->ask && r->callout.ask != NULL) {
        r->callout.ask(r->callout.ctx, ask, answered);
        return;
    }
    told_set(&answer, 250, "2.1.5", "recipient ok");
    ask->done(ask, &answer);
}

void reception_ask(struct reception *r, struct reception_ask *ask)
{
    struct reception_answer answer;

    ask->reception = r;
    if (is_known(r, ask->to)) {
        settle(r, ask);
        return;
    }
    refuse_unknown(r, ask->to, &answer);
    ask->done(ask, &answer);
}
