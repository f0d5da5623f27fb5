/* SPDX-License-Identifier: Apache-2.0 */
/* Any text, in which each '#' stands for a long run: read as the plain reader reads it, or refused at the same place. */
#include <stdlib.h>

#include "../server/doors/http/http_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;

    if (json_typeof(a) != json_typeof(b) || json_array_size(a) != json_array_size(b) ||
        json_object_size(a) != json_object_size(b))
        return false;
    if (json_is_string(a))
        return sgl_view_eq(http_json_view(a), http_json_view(b));
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!same(json_array_get(a, i), json_array_get(b, i)))
            return false;
    json_object_foreach((json_t *)(uintptr_t)a, key, value)
    {
        const json_t *other = json_object_get(b, key);

        if (other == NULL || !same(value, other))
            return false;
    }
    return json_is_array(a) || json_is_object(a) || json_equal(a, b);
}

static void check(struct sgl_buf *text, struct sgl_buf *copy)
{
    static const char *const paths[] = {"a", "b.*.c", "*", NULL};
    json_error_t e, want;
    json_t *plain = json_loadb((const char *)copy->data, copy->len, JSON_REJECT_DUPLICATES, &want);
    json_t *ours = http_json_load(text->data, text->len, paths, &e);

    if ((plain == NULL) != (ours == NULL) || (plain != NULL && !same(plain, ours)))
        abort();
    if (plain == NULL &&
        (e.position != want.position || e.line != want.line || e.column != want.column ||
         strcmp(e.text, want.text) != 0 || memcmp(text->data, copy->data, text->len) != 0))
        abort();
    json_decref(plain);
    json_decref(ours);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) copy = SGL_BUF_INIT(1 << 20);
    char run[HTTP_JSON_LONG];

    memset(run, 'x', sizeof(run));
    for (size_t i = 0; i < size; i++)
        sgl_buf_add(&text,
                    data[i] == '#' ? sgl_view_of(run, sizeof(run)) : sgl_view_of(data + i, 1));
    sgl_buf_add(&copy, sgl_buf_view(&text));
    if (text.status == SGL_OK && text.len > 0 &&
        http_json_measure(sgl_buf_view(&text)).depth <= HTTP_JSON_DEPTH_MAX)
        check(&text, &copy);
    return 0;
}
