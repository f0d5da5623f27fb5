/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as a request of sendMail: refused with a reason, or composed into a message that passes our own door. */
#include "../server/doors/http/graph_internal.h"
#include "api_seam.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    const struct api api = {.recipients_max = 100};
    struct api_message m = {0};
    struct api_refusal why = {0};
    struct api_reader p = {.api = &api, .arena = &arena, .m = &m, .why = &why};
    struct graph_reader g = {.p = &p, .at = "message", .random = {1}};
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

    if (json == NULL)
        return 0;
    if (sgl_mailbox_parse(SGL_LIT("a@b.test"), &arena, &g.mailbox, NULL) != SGL_OK)
        abort();
    check_parsed(graph_send_mail(&g, json), &m, &why);
    json_decref(json);
    return 0;
}
