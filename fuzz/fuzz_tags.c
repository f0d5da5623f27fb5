/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a tag list or refused; what was read lies inside of the text, and no tag stands twice. */
#include <stdlib.h>

#include "sigillo/buf.h"
#include "sigillo/tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(sgl_view part, const uint8_t *data, size_t size)
{
    return part.len == 0 || (part.ptr >= data && part.ptr + part.len <= data + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_tags tags;
    sgl_view squeezed;

    if (size == 0 || sgl_tags_parse(sgl_view_of(data + 1, size - 1), data[0] & 3u, &arena, &tags,
                                    NULL) != SGL_OK)
        return 0;
    for (size_t i = 0; i < tags.count; i++) {
        const struct sgl_tag *tag = &tags.tag[i];

        if (!inside(tag->name, data, size) || !inside(tag->value, data, size) || tag->name.len == 0)
            abort();
        if (sgl_tags_find(&tags, tag->name) != tag)
            abort();
        if (sgl_tag_squeeze(tag->value, &arena, &squeezed) != SGL_OK ||
            squeezed.len > tag->value.len)
            abort();
    }
    return 0;
}
