/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are JSON or refused; strings are UTF-8, no member stands twice, the counts are true. */
#include <stdlib.h>

#include "sigillo/buf.h"
#include "sigillo/json.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct sgl_json *v, size_t depth)
{
    size_t count = 0;
    uint64_t n;

    if (depth > SGL_LIMIT_JSON_DEPTH + 1 || !sgl_utf8_valid(v->text) || !sgl_utf8_valid(v->name))
        abort();
    if (sgl_json_u64(v, 100, &n) && n > 100)
        abort();
    for (const struct sgl_json *in = v->first; in != NULL; in = in->next, count++) {
        if (v->kind == SGL_JSON_OBJECT && sgl_json_member(v, in->name) != in)
            abort();
        look(in, depth + 1);
    }
    if (count != v->count || (count > 0 && v->kind < SGL_JSON_ARRAY))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    const struct sgl_json *root = NULL;

    if (sgl_json_parse(sgl_view_of(data, size), &arena, &root, NULL) == SGL_OK)
        look(root, 1);
    else if (root != NULL)
        abort();
    return 0;
}
