/* SPDX-License-Identifier: Apache-2.0 */
#include "http_internal.h"
#include "sigillo/ascii.h"

bool http_decode(sgl_view in, bool plus_is_space, struct sgl_arena *arena, sgl_view *out)
{
    uint8_t *to = sgl_arena_alloc(arena, in.len + 1);
    size_t len = 0;

    if (to == NULL)
        return false;
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.ptr[i];

        if (c == '%') {
            int high = in.len - i > 2 ? sgl_ascii_hex_value(in.ptr[i + 1]) : -1;
            int low = in.len - i > 2 ? sgl_ascii_hex_value(in.ptr[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (uint8_t)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == 0)
            return false;
        to[len++] = c;
    }
    *out = sgl_view_of(to, len);
    return true;
}

/* The next segment of a pattern or path that starts with "/"; *rest is what follows it, with its "/". */
static sgl_view next_segment(sgl_view path, sgl_view *rest)
{
    sgl_view from = sgl_view_from(path, 1);
    size_t len = sgl_view_find(from, '/');

    *rest = sgl_view_from(from, len);
    return sgl_view_sub(from, 0, len);
}

bool http_pattern_match(const char *pattern, sgl_view path, struct sgl_arena *arena,
                        struct http_param param[HTTP_PARAMS_MAX], size_t *params)
{
    sgl_view want = sgl_view_cstr(pattern);
    size_t count = 0;

    while (want.len > 0) {
        sgl_view name, value;

        if (path.len == 0)
            return false;
        name = next_segment(want, &want);
        value = next_segment(path, &path);
        if (name.len < 2 || name.ptr[0] != '{') {
            if (!sgl_view_eq(name, value))
                return false;
            continue;
        }
        if (count == HTTP_PARAMS_MAX || value.len == 0 ||
            !http_decode(value, false, arena, &param[count].value))
            return false;
        param[count].name = (const char *)name.ptr + 1;
        param[count].name_len = name.len - 2;
        count++;
    }
    *params = count;
    return path.len == 0;
}

struct http_json_size http_json_measure(sgl_view text)
{
    struct http_json_size size = {0, 1};
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            size.depth = ++depth > size.depth ? depth : size.depth;
            size.values++; /* the first one within */
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        } else if (c == ',') {
            size.values++;
        }
    }
    return size;
}
