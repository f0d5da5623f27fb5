/* SPDX-License-Identifier: Apache-2.0 */
#include "json_text.h"

#include "sigillo/banned.h"
#include "sigillo/utf8.h"

static void put_ascii(struct sgl_buf *out, uint8_t c)
{
    if (c == '"' || c == '\\') {
        sgl_buf_add_byte(out, '\\');
        sgl_buf_add_byte(out, c);
    } else if (c < 0x20 || c == 0x7f) {
        sgl_buf_addf(out, "\\u%04x", c);
    } else {
        sgl_buf_add_byte(out, c);
    }
}

/* A quoted JSON string: control characters are escaped, bytes that are not UTF-8 become U+FFFD. */
static void put(struct sgl_buf *out, sgl_view v)
{
    size_t off = 0;

    sgl_buf_add_byte(out, '"');
    while (off < v.len) {
        uint32_t code;
        size_t n = 1;

        if (v.ptr[off] < 0x80) {
            put_ascii(out, v.ptr[off]);
        } else if ((n = sgl_utf8_next(v, off, &code)) == 0) {
            sgl_buf_add(out, SGL_LIT("\\ufffd"));
            n = 1;
        } else {
            sgl_buf_add(out, sgl_view_sub(v, off, n));
        }
        off += n;
    }
    sgl_buf_add_byte(out, '"');
}

static void put_key(struct sgl_buf *out, const char *key)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        sgl_buf_add_byte(out, ',');
    sgl_buf_add_byte(out, '"');
    sgl_buf_add_cstr(out, key);
    sgl_buf_add(out, SGL_LIT("\":"));
}

void json_text_member(struct sgl_buf *out, const char *key, sgl_view value)
{
    if (value.len == 0)
        return;
    put_key(out, key);
    put(out, value);
}

void json_text_number(struct sgl_buf *out, const char *key, int64_t value)
{
    put_key(out, key);
    sgl_buf_add_i64(out, value);
}
