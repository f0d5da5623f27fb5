/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

bool route_matches(sgl_view pattern, sgl_view domain)
{
    if (sgl_view_eq(pattern, SGL_LIT("*")))
        return true;
    if (pattern.len > 1 &&
        pattern.ptr[0] ==
            '.') /* below the name, not the name itself; the dot keeps to a label's edge */
        return domain.len > pattern.len && sgl_view_ends_nocase(domain, pattern);
    return sgl_view_eq_nocase(pattern, domain);
}

const struct config_route *route_find(const struct config *config, sgl_view domain)
{
    for (size_t i = 0; i < config->routes; i++) {
        const struct config_route *route = &config->route[i];

        for (size_t k = 0; k < route->domains; k++)
            if (route_matches(sgl_view_cstr(route->domain[k]), domain))
                return route;
    }
    return NULL;
}
