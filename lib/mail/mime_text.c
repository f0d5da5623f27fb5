/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a part, for programs that know UTF-8 only. [RFC 2046 s4.1.2] */
#include "sigillo/mime.h"

#include "charset_internal.h"
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

#define PIECE       1024u
#define REPLACEMENT "\xef\xbf\xbd"

/* One byte of it is one character: pieces may be cut anywhere. */
static void put_bytes(enum sgl_charset charset, sgl_view v, struct sgl_buf *out, bool *replaced)
{
    uint8_t text[3 * PIECE];

    while (v.len > 0) {
        sgl_view piece = sgl_view_sub(v, 0, PIECE);
        sgl_view made = sgl_view_of(text, sgl_charset_to_utf8(charset, piece, text));

        if (sgl_view_find_view(made, SGL_LIT(REPLACEMENT)) < made.len)
            *replaced = true;
        sgl_buf_add(out, made);
        v = sgl_view_from(v, piece.len);
    }
}

static void put_utf8(sgl_view v, struct sgl_buf *out, bool *replaced)
{
    size_t from = 0, at = 0, len;
    uint32_t code;

    while (at < v.len) {
        len = sgl_utf8_next(v, at, &code);
        if (len == 0) {
            sgl_buf_add(out, sgl_view_sub(v, from, at - from));
            sgl_buf_add(out, SGL_LIT(REPLACEMENT));
            from = at + 1;
            *replaced = true;
        }
        at += len == 0 ? 1 : len;
    }
    sgl_buf_add(out, sgl_view_from(v, from));
}

/* In place: text never grows by it. */
static void plain_line_ends(struct sgl_buf *out, size_t from)
{
    size_t to = from;

    for (size_t i = from; i < out->len; i++)
        if (out->data[i] != '\r' || i + 1 == out->len || out->data[i + 1] != '\n')
            out->data[to++] = out->data[i];
    sgl_buf_truncate(out, to);
}

enum sgl_status sgl_mime_text(const struct sgl_mime_part *part, struct sgl_buf *out, bool *replaced)
{
    sgl_auto(sgl_buf) body = SGL_BUF_INIT(part->body.len + 1);
    sgl_view name = sgl_param_get(&part->content_type, SGL_LIT("charset"));
    enum sgl_charset charset = name.len == 0 ? SGL_CHARSET_UTF8 : sgl_charset_find(name);
    size_t from = out->len;

    *replaced = false;
    SGL_TRY(sgl_mime_decode(part, &body));
    if (charset == SGL_CHARSET_UTF8 || charset == SGL_CHARSET_OTHER)
        put_utf8(sgl_buf_view(&body), out, replaced);
    else
        put_bytes(charset, sgl_buf_view(&body), out, replaced);
    if (out->status == SGL_OK)
        plain_line_ends(out, from);
    return out->status;
}
