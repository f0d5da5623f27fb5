/* SPDX-License-Identifier: Apache-2.0 */
/* A mailbox that was made is its own text's mailbox; header lists written and read again are the same. */
#include <stdlib.h>

#include "sigillo/mailbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_again(const struct sgl_mailbox *m, struct sgl_arena *arena)
{
    struct sgl_mailbox again;
    enum sgl_status st = sgl_mailbox_parse(m->text, arena, &again, NULL);

    if (st == SGL_E_LIMIT && arena->status != SGL_OK)
        return;
    if (st != SGL_OK || !sgl_mailbox_eq(m, &again) || again.utf8 != m->utf8 ||
        again.literal != m->literal)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) buf = SGL_BUF_INIT(1 << 16);
    sgl_view in = sgl_view_of(data, size);
    struct sgl_address_list list;
    struct sgl_mailbox m;
    struct sgl_path path;

    if (sgl_mailbox_parse(in, &arena, &m, NULL) == SGL_OK)
        same_again(&m, &arena);
    if (sgl_path_parse(in, &arena, &path, NULL) == SGL_OK &&
        (path.used > size || data[path.used - 1] != '>'))
        abort();
    if (sgl_address_list_parse(in, &arena, &list, NULL) != SGL_OK)
        return 0;
    for (size_t i = 0; i < list.count; i++) {
        struct sgl_address again;

        same_again(&list.item[i].mailbox, &arena);
        sgl_buf_reset(&buf);
        sgl_address_put(&buf, list.item[i].name, &list.item[i].mailbox);
        if (buf.status == SGL_OK && arena.status == SGL_OK &&
            sgl_address_parse(sgl_buf_view(&buf), &arena, &again, NULL) != SGL_OK &&
            arena.status == SGL_OK)
            abort();
    }
    return 0;
}
