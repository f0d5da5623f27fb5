/* SPDX-License-Identifier: Apache-2.0 */
/* A header section: what is written in the place of its fields is one click, and of the same list. */
#include <stdlib.h>

#include "../server/lists/list_fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_written(const struct sgl_headers *headers, const struct list_mail *list)
{
    struct sgl_arena arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_buf out = SGL_BUF_INIT(1 << 20);
    struct sgl_headers written;
    sgl_view id;

    list_put(list, SGL_LIT("https://h.test/u/x"), &out);
    for (size_t i = 0; i < headers->count; i++)
        if (!list_dropped(list, headers->field[i].name))
            sgl_buf_add(&out, headers->field[i].raw);
    if (out.status == SGL_OK &&
        (sgl_headers_parse(sgl_buf_view(&out), SGL_HEADERS_STRICT, &arena, &written, NULL) !=
             SGL_OK ||
         !list_is_one_click(&written, &arena) || !list_is_recognisable(&written, &arena) ||
         !list_id_of(&written, &arena, &id) || !sgl_view_eq(id, list->id)))
        abort();
    sgl_buf_done(&out);
    sgl_arena_done(&arena);
}

/* Nothing is one click that does not say that it is a list. */
static bool is_consistent(const struct sgl_headers *headers, struct sgl_arena *arena)
{
    if (list_is_one_click(headers, arena) && !list_is_recognisable(headers, arena))
        abort();
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sgl_arena arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_headers headers;
    struct list_mail list;

    if (size < 65536 &&
        sgl_headers_parse(sgl_view_of(data, size), SGL_HEADERS_STRICT, &arena, &headers, NULL) ==
            SGL_OK &&
        headers.count < 200 && is_consistent(&headers, &arena) &&
        list_read(&headers, sgl_view_of(NULL, 0), sgl_view_of(NULL, 0), SGL_LIT("app.test"), &arena,
                  &list) == LIST_FINE)
        check_written(&headers, &list);
    sgl_arena_done(&arena);
    return 0;
}
