/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a JSON text a place lies, as people write it: "recipients.to[3].address". */
#include "http_internal.h"

#define KEY_SHOWN 60

/* An array, with how many elements came before; or an object, with the key that came last. */
struct level {
    bool array, key_is_next;
    size_t index;
    sgl_view key;
};
struct place {
    struct level level[HTTP_JSON_DEPTH_MAX];
    size_t depth;
};

/* Of its closing quote, or the end. */
static size_t end_of_string(sgl_view text, size_t begin)
{
    size_t i = begin + 1;

    while (i < text.len && text.ptr[i] != '"')
        i += text.ptr[i] == '\\' ? 2 : 1;
    return i < text.len ? i : text.len;
}

/* What stands behind it. */
static size_t take_string(struct place *p, sgl_view text, size_t begin)
{
    size_t end = end_of_string(text, begin);
    struct level *l = p->depth == 0 ? NULL : &p->level[p->depth - 1];

    if (l != NULL && !l->array && l->key_is_next) {
        l->key = sgl_view_sub(text, begin + 1, end - begin - 1);
        l->key_is_next = false;
    }
    return end + 1;
}

/* false: deeper than a text may be. */
static bool take_mark(struct place *p, uint8_t c)
{
    struct level *l = p->depth == 0 ? NULL : &p->level[p->depth - 1];

    if (c == '[' || c == '{') {
        if (p->depth == HTTP_JSON_DEPTH_MAX)
            return false;
        p->level[p->depth++] = (struct level){.array = c == '[', .key_is_next = c == '{'};
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
    struct place p = {.depth = 0};
    size_t i = 0;

    while (i < text.len && i < off) {
        if (text.ptr[i] == '"')
            i = take_string(&p, text, i);
        else if (!take_mark(&p, text.ptr[i++]))
            break;
    }
    for (i = 0; i < p.depth; i++) {
        const struct level *l = &p.level[i];

        if (l->array) {
            sgl_buf_addf(out, "[%zu]", l->index);
        } else if (l->key.len > 0) {
            sgl_buf_addf(out, "%s", out->len == 0 ? "" : ".");
            sgl_buf_add_escaped(out, l->key, KEY_SHOWN);
        }
    }
}
