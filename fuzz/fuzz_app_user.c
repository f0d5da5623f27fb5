/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a client calls itself: what is taken for an application's name has a client id in its one form, and no credential could have it. */
#include <stdlib.h>

#include "../server/directory/app_user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_view user = sgl_view_of(data, size);
    char guid[GUID_TEXT_SIZE];
    struct app_user out;

    if (!app_user_parse(user, &out))
        return 0;
    if (!guid_take(sgl_view_cstr(out.client_id), guid) || strcmp(guid, out.client_id) != 0)
        abort();
    if (out.tenant.len == 0 || out.tenant.ptr + out.tenant.len != data + size)
        abort();
    if (sgl_view_find(user, '|') == size && size <= 64) /* a credential has 64 letters at most */
        abort();
    return 0;
}
