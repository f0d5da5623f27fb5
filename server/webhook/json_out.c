/* SPDX-License-Identifier: Apache-2.0 */
#include "json_out.h"

#include "sigillo/banned.h"
#include "sigillo/base64.h"
#include "sigillo/utf8.h"

/* What ends in one of these waits for its first part; a string ends in its quote. */
static bool needs_comma(const struct sgl_buf *out)
{
    uint8_t last = out->len == 0 ? '{' : out->data[out->len - 1];

    return last != '{' && last != '[' && last != ':';
}

static void put_key(struct sgl_buf *out, const char *key)
{
    if (needs_comma(out))
        sgl_buf_add_byte(out, ',');
    if (key != NULL)
        sgl_buf_addf(out, "\"%s\":", key);
}

void json_out_open(struct sgl_buf *out, const char *key, char bracket)
{
    put_key(out, key);
    sgl_buf_add_byte(out, (uint8_t)bracket);
}

void json_out_close(struct sgl_buf *out, char bracket)
{
    sgl_buf_add_byte(out, (uint8_t)bracket);
}

/* Bytes of v from `off` that may stand as they are. */
static size_t plain_bytes(sgl_view v, size_t off)
{
    size_t at = off;

    while (at < v.len) {
        uint32_t code;
        size_t len = 1;

        if (v.ptr[at] >= 0x80)
            len = sgl_utf8_next(v, at, &code);
        else if (v.ptr[at] < 0x20 || v.ptr[at] == 0x7f || v.ptr[at] == '"' || v.ptr[at] == '\\')
            len = 0;
        if (len == 0)
            break;
        at += len;
    }
    return at - off;
}

static void put_byte(struct sgl_buf *out, uint8_t c)
{
    if (c >= 0x80)
        sgl_buf_add(out, SGL_LIT("\\ufffd"));
    else if (c == '\n')
        sgl_buf_add(out, SGL_LIT("\\n"));
    else if (c == '"' || c == '\\')
        sgl_buf_addf(out, "\\%c", c);
    else
        sgl_buf_addf(out, "\\u%04x", c);
}

void json_out_string(struct sgl_buf *out, const char *key, sgl_view text)
{
    size_t at = 0;

    put_key(out, key);
    sgl_buf_add_byte(out, '"');
    while (at < text.len) {
        size_t plain = plain_bytes(text, at);

        sgl_buf_add(out, sgl_view_sub(text, at, plain));
        at += plain;
        if (at < text.len)
            put_byte(out, text.ptr[at++]);
    }
    sgl_buf_add_byte(out, '"');
}

void json_out_text(struct sgl_buf *out, const char *key, sgl_view text)
{
    if (text.len == 0)
        json_out_nothing(out, key);
    else
        json_out_string(out, key, text);
}

void json_out_base64(struct sgl_buf *out, const char *key, sgl_view bytes)
{
    put_key(out, key);
    sgl_buf_add_byte(out, '"');
    sgl_base64_encode(out, bytes);
    sgl_buf_add_byte(out, '"');
}

void json_out_u64(struct sgl_buf *out, const char *key, uint64_t n)
{
    put_key(out, key);
    sgl_buf_add_u64(out, n);
}

void json_out_bool(struct sgl_buf *out, const char *key, bool value)
{
    put_key(out, key);
    sgl_buf_add_cstr(out, value ? "true" : "false");
}

void json_out_nothing(struct sgl_buf *out, const char *key)
{
    put_key(out, key);
    sgl_buf_add(out, SGL_LIT("null"));
}
