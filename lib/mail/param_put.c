/* SPDX-License-Identifier: Apache-2.0 */
/* Writing parameters: a token or a quoted string where it does, RFC 2231 where it must. */
#include "param_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

#define PIECE_MAX  76 /* one piece, its blank and its semicolon on one line */
#define QUOTED_MAX 60 /* a longer quoted string goes out in pieces */

/* attribute-char of RFC 2231 s7: token without * ' % */
static bool attribute_byte(uint8_t c)
{
    return sgl_ascii_is_visible(c) && memchr("()<>@,;:\\\"/[]?=*'%", c, 18) == NULL;
}

static bool value_ok(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (sgl_ascii_is_control(v.ptr[i]))
            return false;
    return sgl_utf8_valid(v);
}

static void put_quoted(struct sgl_buf *buf, sgl_view v)
{
    sgl_buf_add_byte(buf, '"');
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] == '"' || v.ptr[i] == '\\')
            sgl_buf_add_byte(buf, '\\');
        sgl_buf_add_byte(buf, v.ptr[i]);
    }
    sgl_buf_add_byte(buf, '"');
}

static void put_percent(struct sgl_buf *buf, sgl_view v)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < v.len; i++) {
        if (attribute_byte(v.ptr[i])) {
            sgl_buf_add_byte(buf, v.ptr[i]);
        } else {
            sgl_buf_add_byte(buf, '%');
            sgl_buf_add_byte(buf, (uint8_t)hex[v.ptr[i] >> 4]);
            sgl_buf_add_byte(buf, (uint8_t)hex[v.ptr[i] & 15]);
        }
    }
}

/* Bytes from the front of v, whole characters, whose percent form fits `room`. */
static size_t fitting(sgl_view v, size_t room)
{
    size_t take = 0, cost = 0;

    while (take < v.len) {
        uint32_t code;
        size_t n = sgl_utf8_next(v, take, &code), more = 0;

        for (size_t i = 0; i < n; i++)
            more += attribute_byte(v.ptr[take + i]) ? 1 : 3;
        if (n == 0 || cost + more > room)
            break;
        cost += more;
        take += n;
    }
    return take;
}

static void put_pieces(struct sgl_buf *buf, sgl_view name, sgl_view value, sgl_view before)
{
    size_t fixed = name.len + sizeof " **=;" + 20 /* number */;
    size_t room = fixed + 24 < PIECE_MAX ? PIECE_MAX - fixed : 24;

    /* "utf-8''" takes part of the first piece. */
    if (fitting(value, room - 7) == value.len) {
        sgl_buf_add(buf, before);
        sgl_buf_add(buf, name);
        sgl_buf_add(buf, SGL_LIT("*=utf-8''"));
        put_percent(buf, value);
        return;
    }
    for (uint64_t n = 0; value.len > 0; n++) {
        size_t take = fitting(value, n == 0 ? room - 7 : room);

        sgl_buf_add(buf, before);
        sgl_buf_add(buf, name);
        sgl_buf_add_byte(buf, '*');
        sgl_buf_add_u64(buf, n);
        sgl_buf_add(buf, n == 0 ? SGL_LIT("*=utf-8''") : SGL_LIT("*="));
        put_percent(buf, sgl_view_sub(value, 0, take));
        value = sgl_view_from(value, take);
    }
}

/* A token, but without * ' and %, which some readers take for signs of RFC 2231 wherever they stand. */
static bool bare_ok(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (!attribute_byte(v.ptr[i]))
            return false;
    return v.len > 0;
}

void sgl_param_put_with(struct sgl_buf *buf, sgl_view name, sgl_view value, sgl_view before)
{
    if (buf->status != SGL_OK)
        return;
    if (!sgl_token_ok(name) || !value_ok(value)) {
        buf->status = SGL_E_SYNTAX;
        return;
    }
    if (!sgl_ascii_only(value) || value.len > QUOTED_MAX) {
        put_pieces(buf, name, value, before);
        return;
    }
    sgl_buf_add(buf, before);
    sgl_buf_add(buf, name);
    sgl_buf_add_byte(buf, '=');
    if (bare_ok(value))
        sgl_buf_add(buf, value);
    else
        put_quoted(buf, value);
}

void sgl_param_put(struct sgl_buf *buf, sgl_view name, sgl_view value)
{
    sgl_param_put_with(buf, name, value, SGL_LIT("; "));
}
