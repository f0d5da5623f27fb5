/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a route, checked: its pattern, where it leads, what it does besides. */
#include "route_form.h"

#include <stdio.h>
#include <stdlib.h>

static bool say(struct change *g, const char *field, const char *why)
{
    change_say(g->c, DIRECTORY_INVALID, field, "%s", why);
    return false;
}

/* A member of a list: "target[2]". */
static bool say_target(struct change *g, size_t at, const char *what, const char *why)
{
    char field[32];

    snprintf(field, sizeof(field), "target[%zu]", at);
    change_say(g->c, DIRECTORY_INVALID, field, "%s%s", what, why);
    return false;
}

/* What only an operator may name is refused to others. */
static bool may_lead(struct change *g, bool is_inside)
{
    if (!is_inside || g->c->within.len == 0)
        return true;
    return say_target(g, 0, "",
                      "this leads to the server's own machine or to a private network, which only "
                      "an operator may choose");
}

/* The texts of the targets, as they are kept, until the route has its own. */
struct room {
    char text[ROUTE_TARGETS_MAX][ROUTE_TARGET_MAX + 1];
};

static bool keep(struct change *g, struct route_form *f, struct room *room, size_t at,
                 sgl_view text)
{
    if (text.len > ROUTE_TARGET_MAX)
        return say_target(g, at, "", "this is too long");
    memcpy(room->text[at], text.ptr, text.len);
    f->target[at] = sgl_view_of(room->text[at], text.len);
    return true;
}

static bool take_server(struct change *g, struct route_form *f, sgl_view text, struct room *room)
{
    sgl_auto(sgl_buf) kept = SGL_BUF_INIT(2 * ROUTE_TARGET_MAX);
    bool lmtp = f->action == ROUTE_LMTP;
    struct route_server server;
    const char *why =
        route_server_parse(text, lmtp ? ROUTE_PORT_LMTP : ROUTE_PORT_SMTP, lmtp, &server);

    if (why != NULL)
        return say_target(g, 0, "this ", why);
    if (!may_lead(g, server.path.len > 0 || route_host_is_inside(server.host)))
        return false;
    route_server_put(&kept, &server);
    if (kept.status == SGL_OK)
        return keep(g, f, room, 0, sgl_buf_view(&kept));
    change_no_memory(g->c);
    return false;
}

static bool take_url(struct change *g, struct route_form *f, sgl_view text, struct room *room)
{
    sgl_view host;
    const char *why = route_url_parse(text, &host);

    if (why != NULL)
        return say_target(g, 0, "this ", why);
    return may_lead(g, route_host_is_inside(host)) && keep(g, f, room, 0, text);
}

/* Would mail for this address come back by this route?  One that has a route of its own would not. */
static bool is_itself(struct change *g, const struct route_form *f, const char *address)
{
    struct arrival_route *own = directory_route_named(g->d, sgl_view_cstr(address));
    bool same = sgl_view_eq(sgl_view_cstr(address), f->pattern) ||
                (own == NULL && sgl_view_eq(sgl_view_cstr(strchr(address, '@')), f->pattern));

    arrival_route_unref(own);
    return same;
}

/* One of a person or a program, not all of a domain. false: said. */
static bool read_address(struct change *g, const char *field, sgl_view text,
                         struct access_address *out, char pattern[ROUTE_PATTERN_SIZE])
{
    const char *why;
    enum sgl_status status = route_pattern_read(text, pattern, &why);

    if (status == SGL_OK)
        status = access_address_parse(text, out, &why);
    if (status == SGL_E_NOMEM)
        change_no_memory(g->c);
    else if (status != SGL_OK)
        (void)say(g, field, why);
    else if (pattern[0] == '@')
        (void)say(g, field, "one address is needed, not all of a domain");
    else
        return true;
    return false;
}

static bool take_address(struct change *g, struct route_form *f, size_t at, sgl_view text,
                         struct room *room)
{
    char pattern[ROUTE_PATTERN_SIZE], field[32];
    struct access_address address;

    snprintf(field, sizeof(field), "target[%zu]", at);
    if (!read_address(g, field, text, &address, pattern))
        return false;
    if (is_itself(g, f, pattern))
        return say_target(g, at, "", "the route would forward to itself");
    for (size_t i = 0; i < at; i++)
        if (sgl_view_eq_nocase(f->target[i], sgl_view_of(address.text, address.len)))
            return say_target(g, at, "", "this address is there twice");
    return keep(g, f, room, at, sgl_view_of(address.text, address.len));
}

/* So many targets as the action wants. false: said. */
static bool check_count(struct change *g, const struct route_form *f)
{
    size_t n = f->targets;

    switch (f->action) {
    case ROUTE_LMTP:
    case ROUTE_SMTP:
        return n == 1 || say(g, "target", "one server is needed");
    case ROUTE_WEBHOOK:
        return n == 1 || say(g, "target", "one URL is needed");
    case ROUTE_FORWARD:
        return (n > 0 && n <= ROUTE_TARGETS_MAX) ||
               say(g, "target", "1 to 20 addresses to forward to are needed");
    case ROUTE_BOUNCES:
    case ROUTE_COMPLAINTS:
    case ROUTE_REPORTS:
    case ROUTE_TRAP:
    case ROUTE_DISCARD:
        break;
    }
    return n == 0 || say(g, "target", "mail of this action goes nowhere: it has no target");
}

static bool take_target(struct change *g, struct route_form *f, size_t at, sgl_view text,
                        struct room *room)
{
    switch (f->action) {
    case ROUTE_LMTP:
    case ROUTE_SMTP:
        return take_server(g, f, text, room);
    case ROUTE_WEBHOOK:
        return take_url(g, f, text, room);
    case ROUTE_FORWARD:
    case ROUTE_BOUNCES:
    case ROUTE_COMPLAINTS:
    case ROUTE_REPORTS:
    case ROUTE_TRAP:
    case ROUTE_DISCARD:
        break;
    }
    return take_address(g, f, at, text, room);
}

static bool take_action(struct change *g, struct route_form *f, struct room *room)
{
    const struct route_change *c = g->c->route;

    if (!c->set_action)
        return true;
    f->action = c->action;
    f->targets = c->targets;
    f->inside = g->c->within.len == 0;
    if (!check_count(g, f))
        return false;
    for (size_t i = 0; i < f->targets; i++)
        if (!take_target(g, f, i, c->target[i], room))
            return false;
    return true;
}

static bool take_junk(struct change *g, struct route_form *f, struct access_address *room)
{
    char pattern[ROUTE_PATTERN_SIZE];
    sgl_view junk = g->c->route->junk;

    if (junk.ptr != NULL && junk.len == 0)
        f->junk = SGL_LIT("");
    if (junk.len > 0) {
        if (!read_address(g, "junk", junk, room, pattern))
            return false;
        if (f->action == ROUTE_FORWARD && is_itself(g, f, pattern))
            return say(g, "junk", "the route would forward to itself");
        f->junk = sgl_view_of(room->text, room->len);
    }
    return f->junk.len == 0 || route_is_carried(f->action) ||
           say(g, "junk", "only mail that is carried further has a junk address");
}

static bool take_ask(struct change *g, struct route_form *f)
{
    enum route_ask ask = g->c->route->ask;
    bool can = (f->action == ROUTE_LMTP || f->action == ROUTE_SMTP) && f->pattern.ptr[0] == '@';

    if (ask != ROUTE_ASK_AS_IT_IS)
        f->ask = ask == ROUTE_ASK_YES;
    return !f->ask || can ||
           say(g, "ask",
               "recipients are asked for only by a route for all of a domain to LMTP or SMTP");
}

struct arrival_route *route_form_take(struct change *g, struct route_form *f)
{
    struct access_address junk;
    struct arrival_route *r = NULL;
    struct room *room = malloc(sizeof(*room));

    if (room == NULL) {
        change_no_memory(g->c);
        return NULL;
    }
    if (take_action(g, f, room) && take_junk(g, f, &junk) && take_ask(g, f)) {
        if (f->action != ROUTE_WEBHOOK || g->c->route->new_secret)
            f->secret = SGL_LIT("");
        r = route_new(f);
        if (r == NULL)
            change_no_memory(g->c);
    }
    free(room);
    if (r != NULL && g->c->route->new_secret && r->action != ROUTE_WEBHOOK) {
        arrival_route_unref(r);
        (void)say(g, "new_secret", "only a webhook has a secret");
        return NULL;
    }
    return r;
}

/* ---- the pattern ---- */

static bool say_taken(struct change *g, const char *pattern)
{
    change_say(g->c, DIRECTORY_EXISTS, "pattern",
               "there is a route for %.200s; change it: sigillo route set", pattern);
    return false;
}

/* The route's subscription becomes that of the domain; where one was named, that must be it. */
static bool take_owner(struct change *g, const struct domain *domain)
{
    bool any = g->c->subscription.len == 0 && g->c->within.len == 0;

    if (domain == NULL || (!any && strcmp(domain->subscription, g->subscription) != 0)) {
        change_say(g->c, DIRECTORY_NOT_FOUND, "pattern",
                   "the subscription has no such domain; add it first: sigillo domain add");
        return false;
    }
    free(g->subscription);
    g->subscription = text_of(sgl_view_cstr(domain->subscription));
    if (g->subscription == NULL)
        change_no_memory(g->c);
    return g->subscription != NULL;
}

/* May mail be received for it?  A tenant has to have proved that it is his. false: said. */
static bool may_receive(struct change *g, const struct domain *domain)
{
    if (domain->kind != DOMAIN_CUSTOM)
        change_say(g->c, DIRECTORY_INVALID, "pattern",
                   "%.180s is a %s domain, and no mail is received for it", domain->name,
                   domain_kind_name(domain->kind));
    else if (g->c->within.len > 0 && domain->status[PART_OWNERSHIP].verified_at_s == 0)
        change_say(g->c, DIRECTORY_INVALID, "pattern",
                   "%.150s is not proved to be yours; publish its record first: sigillo domain "
                   "records",
                   domain->name);
    else
        return true;
    return false;
}

static bool check_domain(struct change *g, const char *name)
{
    struct domain *domain = directory_domain(g->d, sgl_view_cstr(name));
    bool fine = take_owner(g, domain) && may_receive(g, domain);

    domain_unref(domain);
    return fine;
}

struct counted {
    size_t count;
    bool taken;
};

static struct counted count(struct directory *d, const char *subscription, const char *pattern)
{
    const struct table *t = &d->table[DIRECTORY_ROUTE];
    struct counted n = {0};

    pthread_rwlock_rdlock(&d->lock);
    n.taken = table_find(&d->alias[DIRECTORY_ROUTE], sgl_view_cstr(pattern)) != NULL;
    for (size_t i = 0; i < t->slots; i++) {
        const struct arrival_route *r = t->slot[i].name == NULL ? NULL : t->slot[i].value;

        n.count += r != NULL && strcmp(r->owned.subscription, subscription) == 0;
    }
    pthread_rwlock_unlock(&d->lock);
    return n;
}

bool route_form_pattern(struct change *g, char pattern[ROUTE_PATTERN_SIZE])
{
    const char *why;
    enum sgl_status status = route_pattern_read(g->c->name, pattern, &why);
    struct counted n;

    if (status == SGL_E_NOMEM) {
        change_no_memory(g->c);
        return false;
    }
    if (status != SGL_OK)
        return say(g, "pattern", why);
    if (!check_domain(g, strrchr(pattern, '@') + 1))
        return false;
    n = count(g->d, g->subscription, pattern);
    if (n.taken)
        return say_taken(g, pattern);
    return n.count < ROUTES_MAX || say(g, "pattern", "a subscription has at most 10000 routes");
}
