/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as a message: refused with a reason, or composed into a message that passes our own door. */
#include "api_seam.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    const struct api api = {.recipients_max = 100};
    struct api_message m = {0};
    struct api_refusal why = {0};
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

    if (json == NULL)
        return 0;
    check_parsed(api_parse(&api, NULL, json, &arena, &m, &why), &m, &why);
    json_decref(json);
    return 0;
}
