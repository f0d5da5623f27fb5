/* SPDX-License-Identifier: Apache-2.0 */
/* Any address: what is rewritten comes back as it was; nothing that was not made here is valid. */
#include <stdlib.h>

#include "sigillo/srs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET SGL_LIT("0123456789abcdef")

static void there_and_back(const struct sgl_crypto *crypto, const struct sgl_mailbox *sender,
                           struct sgl_arena *arena)
{
    sgl_auto(sgl_buf) there = SGL_BUF_INIT(1000), back = SGL_BUF_INIT(1000);
    struct sgl_mailbox made;
    enum sgl_srs verdict;

    if (sgl_srs_put(crypto, SECRET, sender, SGL_LIT("ours.test"), 1000000000, &there) != SGL_OK)
        return;
    if (sgl_mailbox_parse(sgl_buf_view(&there), arena, &made, NULL) != SGL_OK || made.literal ||
        sgl_srs_open(crypto, SECRET, &made, 1000000000, 5, &back, &verdict) != SGL_OK ||
        verdict == SGL_SRS_NONE || verdict == SGL_SRS_EXPIRED)
        abort();
    if (verdict == SGL_SRS_VALID && sgl_view_find(sgl_buf_view(&back), '@') == back.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sgl_crypto *crypto;
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1000);
    struct sgl_mailbox mailbox;
    enum sgl_srs verdict;

    if (crypto == NULL)
        crypto = sgl_crypto_new();
    if (sgl_mailbox_parse(sgl_view_of(data, size), &arena, &mailbox, NULL) != SGL_OK)
        return 0;
    if (sgl_srs_open(crypto, SECRET, &mailbox, 1000000000, 5, &out, &verdict) != SGL_OK ||
        (verdict != SGL_SRS_VALID && out.len != 0))
        abort();
    there_and_back(crypto, &mailbox, &arena);
    return 0;
}
