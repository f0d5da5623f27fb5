/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as a request to send: refused with a reason, or composed into a message that passes our own door. */
#include "../server/doors/http/acs_internal.h"
#include "api_seam.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses the version. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    const struct api api = {.recipients_max = 100};
    struct api_message m = {0};
    struct api_refusal why = {0};
    struct api_reader p = {.api = &api, .arena = &arena, .m = &m, .why = &why};
    json_t *json = size == 0
                       ? NULL
                       : json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES, NULL);

    if (json == NULL)
        return 0;
    check_parsed(acs_parse(&p, json, data[0] % 2 == 1), &m, &why);
    json_decref(json);
    return 0;
}
