/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a template or refused at a place within them; data, behind a NUL, fills it in within its steps, twice the same. */
#include <stdlib.h>

#include "../server/templates/template_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sgl_status fill(const struct sgl_template *t, const json_t *json, struct sgl_buf *out)
{
    size_t steps = 5000;
    struct sgl_template_data data = {.reader = &template_json_reader,
                                     .root = template_json_value(json),
                                     .html = true,
                                     .steps = &steps};
    struct sgl_diag diag = {0};
    enum sgl_status st = sgl_template_put(t, &data, out, &diag);

    if (steps > 5000 || (st != SGL_OK) != (diag.what != NULL))
        abort();
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(8 << 20);
    sgl_auto(sgl_buf) once = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) twice = SGL_BUF_INIT(1 << 20);
    sgl_view rest, text = sgl_view_split(sgl_view_of(data, size), 0, &rest);
    const struct sgl_template *t = NULL;
    struct sgl_diag diag = {0};
    json_t *json;

    if (sgl_template_parse(text, &arena, &t, &diag) != SGL_OK) {
        if (t != NULL || diag.what == NULL || diag.off > text.len)
            abort();
        return 0;
    }
    json = json_loadb((const char *)rest.ptr, rest.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (fill(t, json, &once) != fill(t, json, &twice) ||
        !sgl_view_eq(sgl_buf_view(&once), sgl_buf_view(&twice)))
        abort();
    json_decref(json);
    return 0;
}
