/* SPDX-License-Identifier: Apache-2.0 */
/* A route while it is being made: noun_route.c is its row, route_form.c what people ask for; for this folder. */
#ifndef SERVER_DIRECTORY_ROUTE_FORM_H
#define SERVER_DIRECTORY_ROUTE_FORM_H

#include "directory_change.h"
#include "route.h"

/* What a route is made of; an empty view: none. */
struct route_form {
    sgl_view key, subscription, pattern, junk, secret;
    enum route_action action;
    sgl_view target[ROUTE_TARGETS_MAX];
    size_t targets;
    bool ask, inside;
    int64_t created_at;
    uint64_t version;
};
struct arrival_route *route_new(const struct route_form *f); /* NULL: memory has ended */

/* The route of the form with what was asked for; NULL: said. */
struct arrival_route *route_form_take(struct change *g, struct route_form *f);
/* The pattern that was asked for, of a domain where it may be; false: said. */
bool route_form_pattern(struct change *g, char pattern[ROUTE_PATTERN_SIZE]);

#endif
