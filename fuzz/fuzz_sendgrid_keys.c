/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as a request for an API key: refused with a reason, or a name and scopes that are known. */
#include <stdlib.h>

#include "../server/doors/http/sendgrid_internal.h"
#include "api_seam.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *list = json_object_get(json, "scopes");
    struct api_refusal why = {0};
    struct sendgrid_key key;
    size_t at = 0, count = 0;

    if (sendgrid_key_parse(json, &key, &why)) {
        while (scopes_next(&key.scopes, &at) != NULL)
            count++;
        if (key.name.len == 0 || key.scopes.listed != (count > 0) || count > json_array_size(list))
            abort();
    } else if (why.status != 400 || why.detail[0] == '\0') {
        abort();
    }
    json_decref(json);
    return 0;
}
