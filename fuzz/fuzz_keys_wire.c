/* SPDX-License-Identifier: Apache-2.0 */
/* Packets as the keys process takes them, down to the answers.  Keys are not generated here: it would take the time of everything else. */
#include <stdlib.h>

#include "../server/keys/vault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t master[32] = {1};
    static struct vault *vault;
    static struct vault_space space;
    static uint8_t out[KEYS_FRAME_MAX];
    sgl_view packet = sgl_view_of(data, size);
    struct keys_frame request, reply;

    if (vault == NULL)
        vault = vault_new(master);
    while (vault != NULL && keys_frame_take(&packet, &request)) {
        if (request.what == KEYS_GENERATE)
            continue;
        vault_answer(vault, &request, &space, &reply);
        if (reply.id != request.id || keys_frame_size(&reply) > sizeof out)
            abort();
        keys_frame_put(out, &reply);
    }
    return 0;
}
