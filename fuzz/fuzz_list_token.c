/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever stands in a link, only what was made by a key is opened; what was made is read back. */
#include <sodium.h>
#include <stdlib.h>

#include "../server/lists/list_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct list_key key = {.number = 7, .secret = "0123456789abcdef0123456789abcde"};
    struct sgl_arena arena = SGL_ARENA_INIT(1 << 16);
    struct sgl_buf text = SGL_BUF_INIT(LIST_TOKEN_TEXT);
    sgl_view input = sgl_view_of(data, size);
    struct list_token made = {.made_at = 1000}, got;

    if (sodium_init() < 0 || list_token_open(&key, 1, input, 1000, &arena, &got) == LIST_TOKEN_FINE)
        abort();
    made.subscription = sgl_view_split(input, '\n', &made.list);
    made.list = sgl_view_split(made.list, '\n', &made.address);
    list_token_put(&key, &made, &text);
    if (text.status == SGL_OK && made.address.len > 0 &&
        (list_token_open(&key, 1, sgl_buf_view(&text), 1000, &arena, &got) != LIST_TOKEN_FINE ||
         !sgl_view_eq(got.address, made.address) || !sgl_view_eq(got.list, made.list)))
        abort();
    sgl_buf_done(&text);
    sgl_arena_done(&arena);
    return 0;
}
