/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/base64.h"

#include <assert.h>

#include "sigillo/arith.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"

static const uint8_t alphabet[64] = {
    'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P',
    'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'a', 'b', 'c', 'd', 'e', 'f',
    'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v',
    'w', 'x', 'y', 'z', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '+', '/',
};

/* One more than the value, so that everything that is not named here is 0: no base64. */
static const uint8_t value_plus_1[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

size_t sgl_base64_size(size_t n)
{
    size_t groups = n / 3 + (n % 3 != 0), size;

    return sgl_mul_size(groups, 4, &size) ? size : SIZE_MAX;
}

static uint8_t *encode_at(uint8_t *to, sgl_view v)
{
    size_t i = 0;

    for (; v.len - i >= 3; i += 3) {
        uint32_t group = (uint32_t)v.ptr[i] << 16 | (uint32_t)v.ptr[i + 1] << 8 | v.ptr[i + 2];

        to[0] = alphabet[group >> 18];
        to[1] = alphabet[group >> 12 & 63];
        to[2] = alphabet[group >> 6 & 63];
        to[3] = alphabet[group & 63];
        to += 4;
    }
    if (i < v.len) {
        bool two = v.len - i == 2;
        uint32_t group = (uint32_t)v.ptr[i] << 16 | (two ? (uint32_t)v.ptr[i + 1] << 8 : 0);

        to[0] = alphabet[group >> 18];
        to[1] = alphabet[group >> 12 & 63];
        to[2] = two ? alphabet[group >> 6 & 63] : '=';
        to[3] = '=';
        to += 4;
    }
    return to;
}

void sgl_base64_encode(struct sgl_buf *out, sgl_view v)
{
    size_t size = sgl_base64_size(v.len);

    if (sgl_buf_reserve(out, size) != SGL_OK)
        return;
    if (size > 0)
        (void)encode_at(out->data + out->len, v);
    out->len += size;
}

void sgl_base64_encode_lines(struct sgl_buf *out, sgl_view v, size_t line_max)
{
    size_t line = line_max / 4 * 3;
    size_t size = sgl_base64_size(v.len), ends;

    assert(line_max >= 4);
    if (v.len == 0)
        return;
    ends = v.len / line + (v.len % line != 0);
    if (!sgl_mul_size(ends, 2, &ends) || !sgl_add_size(size, ends, &size))
        size = SIZE_MAX;
    if (sgl_buf_reserve(out, size) != SGL_OK)
        return;
    for (size_t off = 0; off < v.len; off += line) {
        uint8_t *to = encode_at(out->data + out->len, sgl_view_sub(v, off, line));

        *to++ = '\r';
        *to++ = '\n';
        out->len = (size_t)(to - out->data);
    }
}

/* Gathers characters into groups of four. */
struct group {
    uint8_t value[4];
    size_t have; /* characters, padding included */
    size_t padding;
};

/* Puts the bytes of a full group; false when its padding is wrong or unused bits are set. */
static bool put_group(const struct group *g, uint8_t **to)
{
    uint32_t bits = (uint32_t)g->value[0] << 18 | (uint32_t)g->value[1] << 12 |
                    (uint32_t)g->value[2] << 6 | g->value[3];

    if (g->padding > 2 || (g->padding == 2 && (bits & 0xffff) != 0) ||
        (g->padding == 1 && (bits & 0xff) != 0))
        return false;
    *(*to)++ = (uint8_t)(bits >> 16);
    if (g->padding < 2)
        *(*to)++ = (uint8_t)(bits >> 8);
    if (g->padding < 1)
        *(*to)++ = (uint8_t)bits;
    return true;
}

/* The common case, four good characters in a row, until something else is met. Returns how many were read. */
static size_t decode_fast(sgl_view text, uint8_t **to)
{
    size_t i = 0;
    uint8_t *at = *to;

    for (; text.len - i >= 4; i += 4) {
        uint32_t a = value_plus_1[text.ptr[i]], b = value_plus_1[text.ptr[i + 1]];
        uint32_t c = value_plus_1[text.ptr[i + 2]], d = value_plus_1[text.ptr[i + 3]];
        uint32_t bits;

        if (a == 0 || b == 0 || c == 0 || d == 0)
            break;
        bits = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
        at[0] = (uint8_t)(bits >> 16);
        at[1] = (uint8_t)(bits >> 8);
        at[2] = (uint8_t)bits;
        at += 3;
    }
    *to = at;
    return i;
}

/*
 * Decodes groups from the front of *text while `room` has place for one, and moves *text behind them.  false: this is not
 * base64, or it ends within a group.
 */
static bool decode_at(sgl_view *text, bool skip_fws, uint8_t **to, size_t room)
{
    const uint8_t *end = *to + room / 3 * 3;
    struct group g = {{0}, 0, 0};
    bool ended = false;
    size_t i = 0;

    for (; i < text->len; i++) {
        uint8_t c;

        if (g.have == 0 && !ended) {
            size_t left = (size_t)(end - *to) / 3 * 4;

            i += decode_fast(sgl_view_sub(*text, i, left), to);
            if (i == text->len || *to == end)
                break;
        }
        c = text->ptr[i];
        if (skip_fws && sgl_ascii_is_fws(c))
            continue;
        if (ended || (g.padding > 0 && c != '='))
            return false;
        if (c == '=')
            g.padding++;
        else if (value_plus_1[c] == 0)
            return false;
        g.value[g.have++] = c == '=' ? 0 : (uint8_t)(value_plus_1[c] - 1);
        if (g.have == 4) {
            if (!put_group(&g, to))
                return false;
            ended = g.padding > 0;
            g = (struct group){{0}, 0, 0};
        }
    }
    *text = sgl_view_from(*text, i);
    return g.have == 0;
}

enum sgl_status sgl_base64_decode_some(sgl_view *text, uint8_t *to, size_t room, size_t *got)
{
    uint8_t *at = to;
    sgl_view rest = *text;

    assert(room >= 3);
    if (!decode_at(&rest, true, &at, room))
        return SGL_E_SYNTAX;
    *text = rest;
    *got = (size_t)(at - to);
    return SGL_OK;
}

static enum sgl_status decode(sgl_view text, bool skip_fws, struct sgl_buf *out)
{
    size_t room = text.len / 4 * 3;
    uint8_t *to;

    SGL_TRY(sgl_buf_reserve(out, room));
    if (text.len == 0)
        return SGL_OK;
    if (text.len < 4)
        return skip_fws && sgl_view_trim(text).len == 0 ? SGL_OK : SGL_E_SYNTAX;
    to = out->data + out->len;
    if (!decode_at(&text, skip_fws, &to, room) || (text.len > 0 && !skip_fws) ||
        sgl_view_trim(text).len > 0)
        return SGL_E_SYNTAX;
    out->len = (size_t)(to - out->data);
    return SGL_OK;
}

enum sgl_status sgl_base64_decode(sgl_view text, struct sgl_buf *out)
{
    return decode(text, false, out);
}

enum sgl_status sgl_base64_decode_fws(sgl_view text, struct sgl_buf *out)
{
    return decode(text, true, out);
}
