/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a JSON text a place lies, as people write it: "recipients.to[3].address". */
#include "http_internal.h"

#define KEY_SHOWN 60

/* Of its closing quote, or the end. */
static size_t end_of_string(sgl_view text, size_t begin)
{
    size_t i = begin + 1;

    while (i < text.len && text.ptr[i] != '"')
        i += text.ptr[i] == '\\' ? 2 : 1;
    return i < text.len ? i : text.len;
}

size_t http_json_skip_string(struct http_json_place *p, sgl_view text, size_t begin)
{
    size_t end = end_of_string(text, begin);
    struct http_json_level *l = p->depth == 0 ? NULL : &p->level[p->depth - 1];

    if (l != NULL && !l->array && l->key_is_next) {
        l->key = sgl_view_sub(text, begin + 1, end - begin - 1);
        l->key_is_next = false;
    }
    return end + 1;
}

bool http_json_skip_mark(struct http_json_place *p, uint8_t c)
{
    struct http_json_level *l = p->depth == 0 ? NULL : &p->level[p->depth - 1];

    if (c == '[' || c == '{') {
        if (p->depth == HTTP_JSON_DEPTH_MAX)
            return false;
        p->level[p->depth++] = (struct http_json_level){.array = c == '[', .key_is_next = c == '{'};
    } else if ((c == ']' || c == '}') && p->depth > 0) {
        p->depth--;
    } else if (c == ',' && l != NULL) {
        l->index++;
        l->key_is_next = true;
    }
    return true;
}

void http_json_path(sgl_view text, size_t off, struct sgl_buf *out)
{
    struct http_json_place p = {.depth = 0};
    size_t i = 0;

    while (i < text.len && i < off) {
        if (text.ptr[i] == '"')
            i = http_json_skip_string(&p, text, i);
        else if (!http_json_skip_mark(&p, text.ptr[i++]))
            break;
    }
    for (i = 0; i < p.depth; i++) {
        const struct http_json_level *l = &p.level[i];

        if (l->array) {
            sgl_buf_addf(out, "[%zu]", l->index);
        } else if (l->key.len > 0) {
            sgl_buf_addf(out, "%s", out->len == 0 ? "" : ".");
            sgl_buf_add_escaped(out, l->key, KEY_SHOWN);
        }
    }
}
