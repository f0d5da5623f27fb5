/* SPDX-License-Identifier: Apache-2.0 */
#include "well_known.h"

#include "sigillo/ascii.h"
#include "sigillo/limits.h"

/* The domain of "mta-sts.DOMAIN", with a port or without; empty: the host is none of those. */
static sgl_view domain_of(sgl_view host, char space[SGL_LIMIT_NAME_TEXT + 2])
{
    sgl_view prefix = SGL_LIT("mta-sts.");

    host.len = sgl_view_find(host, ':');
    if (!sgl_view_starts_nocase(host, prefix) || host.len - prefix.len >= SGL_LIMIT_NAME_TEXT + 2)
        return SGL_LIT("");
    host = sgl_view_from(host, prefix.len);
    if (host.len > 0 && host.ptr[host.len - 1] == '.')
        host.len--;
    for (size_t i = 0; i < host.len; i++)
        space[i] = (char)sgl_ascii_lower(host.ptr[i]);
    return sgl_view_of(space, host.len);
}

/* Over plain HTTP nobody has a policy: what somebody on the way changes would be one. [RFC 8461 s3.3] */
static void policy_get(struct http_request *r, void *ctx)
{
    char space[SGL_LIMIT_NAME_TEXT + 2];
    sgl_view name = domain_of(http_header(r, "Host"), space);
    struct domain *d =
        http_is_tls(r) && name.len > 0 ? directory_domain((struct directory *)ctx, name) : NULL;

    if (d != NULL && d->kind == DOMAIN_CUSTOM && d->sts_policy[0] != '\0')
        http_reply_bytes(r, 200, "text/plain", sgl_view_cstr(d->sts_policy));
    else
        http_reply_problem(r, 404, "path", NULL, "There is nothing at this path.");
    domain_unref(d);
}

void well_known_routes(struct http *http, struct directory *directory)
{
    http_route(http, HTTP_PUBLIC, "GET", "/.well-known/mta-sts.txt", policy_get, directory);
}
