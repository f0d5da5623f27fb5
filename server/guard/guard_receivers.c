/* SPDX-License-Identifier: Apache-2.0 */
/* Which destinations are one receiver, and from how many messages a day it makes demands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "guard_internal.h"
#include "sigillo/ascii.h"

/* Yahoo names no figure; what the others say is assumed. Japan's Yahoo is another company. */
static const char *gmail[] = {"gmail.com", "googlemail.com"};
static const char *yahoo[] = {
    "yahoo.com",    "ymail.com",   "rocketmail.com", "myyahoo.com",  "aol.com",      "aim.com",
    "yahoo.ca",     "yahoo.co.in", "yahoo.co.uk",    "yahoo.com.ar", "yahoo.com.au", "yahoo.com.br",
    "yahoo.com.mx", "yahoo.de",    "yahoo.es",       "yahoo.fr",     "yahoo.in",     "yahoo.it"};
static const char *microsoft[] = {"outlook.com", "hotmail.com", "live.com", "msn.com"};

#define SHIPPED(title, list)                                                                       \
    {                                                                                              \
        .name = title, .domain = list, .domains = sizeof(list) / sizeof((list)[0]),                \
        .messages = 5000                                                                           \
    }

/* Those that come with the program; of two with the same name the configured one counts. */
static const struct config_receiver shipped[] = {SHIPPED("gmail", gmail), SHIPPED("yahoo", yahoo),
                                                 SHIPPED("microsoft", microsoft)};
#define SHIPPED_COUNT (sizeof(shipped) / sizeof(shipped[0]))

unsigned receiver_named(const struct guard *g, sgl_view name)
{
    for (unsigned i = 1; i < g->receivers; i++)
        if (sgl_view_eq(sgl_view_cstr(g->receiver[i]), name))
            return i;
    return OTHER;
}

/* Numbers stay while the program runs, because counts go by them. OTHER when there is no number left. */
static unsigned number_of(struct guard *g, const char *name)
{
    unsigned known = receiver_named(g, sgl_view_cstr(name));

    if (known != OTHER)
        return known;
    if (g->receivers == GUARD_RECEIVERS_MAX) {
        log_line(LOG_WARN_, "too many receivers since the start: this one counts as other",
                 LOG_STR("receiver", name));
        return OTHER;
    }
    snprintf(g->receiver[g->receivers], RECEIVER_NAME_SIZE, "%s", name);
    return (unsigned)g->receivers++;
}

unsigned receiver_of(const struct guard *g, sgl_view destination)
{
    const struct place *p = table_find(&g->rules->place, destination);

    return p == NULL ? OTHER : p->receiver;
}

/* A domain that somebody has already stays with him. */
static bool add_place(struct rules *rules, unsigned receiver, const char *domain)
{
    size_t len = strlen(domain);
    struct place *p = calloc(1, sizeof(*p) + len + 1);

    if (p == NULL)
        return false;
    p->receiver = receiver;
    for (size_t i = 0; i < len; i++)
        p->domain[i] = (char)sgl_ascii_lower((uint8_t)domain[i]);
    if (table_find(&rules->place, sgl_view_cstr(p->domain)) != NULL) {
        free(p);
        return true;
    }
    if (table_add(&rules->place, p->domain, p))
        return true;
    free(p);
    return false;
}

static bool add_receiver(struct guard *g, struct rules *rules, const struct config_receiver *r)
{
    unsigned receiver = number_of(g, r->name);

    if (receiver == OTHER || rules->named[receiver])
        return true;
    rules->named[receiver] = true;
    rules->messages[receiver] = r->messages;
    for (size_t i = 0; i < r->domains; i++)
        if (!add_place(rules, receiver, r->domain[i]))
            return false;
    return true;
}

struct rules *rules_new(struct guard *g, const struct config *config)
{
    struct rules *rules = calloc(1, sizeof(*rules));
    bool done = true;

    if (rules == NULL)
        return NULL;
    table_init(&rules->place);
    rules->action = config->guard.action;
    rules->near_percent = config->guard.near_percent;
    rules->complaints_warn = config->guard.complaints_warn;
    rules->complaints_stop = config->guard.complaints_stop;
    rules->complaints_messages = config->guard.complaints_messages;
    rules->named[OTHER] = true;
    for (size_t i = 0; done && i < config->receivers; i++)
        done = add_receiver(g, rules, &config->receiver[i]);
    for (size_t i = 0; done && i < SHIPPED_COUNT; i++)
        done = add_receiver(g, rules, &shipped[i]);
    if (done)
        return rules;
    rules_free(rules);
    return NULL;
}

void rules_free(struct rules *rules)
{
    if (rules == NULL)
        return;
    for (size_t i = 0; i < rules->place.slots; i++)
        if (rules->place.slot[i].name != NULL)
            free(rules->place.slot[i].value);
    table_done(&rules->place);
    free(rules);
}
