/* SPDX-License-Identifier: Apache-2.0 */
#include "app_user.h"

#include "sigillo/ascii.h"

#define GUID_LEN (GUID_TEXT_SIZE - 1)

/* The resource has no separator in it, nor an @: so it is neither an address nor ambiguous. */
static bool resource_ok(sgl_view resource)
{
    for (size_t i = 0; i < resource.len; i++) {
        uint8_t c = resource.ptr[i];

        if (!sgl_ascii_is_alnum(c) && c != '-' && c != '_')
            return false;
    }
    return resource.len > 0 && resource.len <= APP_USER_RESOURCE_MAX;
}

bool app_user_parse(sgl_view user, struct app_user *out)
{
    bool dots = sgl_view_find(user, '|') == user.len;
    sgl_view rest, resource = sgl_view_split(user, dots ? '.' : '|', &rest);
    sgl_view tenant, client_id = sgl_view_split(rest, dots ? '.' : '|', &tenant);
    char guid[GUID_TEXT_SIZE];

    if (!resource_ok(resource) || client_id.len != GUID_LEN || tenant.len == 0)
        return false;
    if (dots && !guid_take(tenant, guid))
        return false;
    if (sgl_view_find(tenant, '|') != tenant.len || !guid_take(client_id, guid))
        return false;
    memcpy(out->client_id, guid, sizeof(guid));
    out->tenant = tenant;
    return true;
}
