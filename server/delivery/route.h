/* SPDX-License-Identifier: Apache-2.0 */
/* Which way a destination goes: the first configured route that matches, else MX. */
#ifndef SERVER_DELIVERY_ROUTE_H
#define SERVER_DELIVERY_ROUTE_H

#include "../config/config.h"
#include "sigillo/view.h"

/* The first route of the configuration whose domains match, or NULL: deliver by MX.  domain: lower-case A-label. A pattern is "example.org", ".example.org" (names below it) or "*". */
const struct config_route *route_find(const struct config *config, sgl_view domain);
/* One pattern. */
bool route_matches(sgl_view pattern, sgl_view domain);

#endif
