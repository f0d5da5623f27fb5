/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/encoded_word.h"

#include "charset_internal.h"
#include "lex_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/base64.h"
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

/* ---- writing ---- */

/*
 * 75 is the most that RFC 2047 s2 allows. 64 leaves room for "Subject: " on the same line of 76, which looks better in
 * the source and costs nothing.
 */
#define WORD_MAX      64
#define WORD_OVERHEAD 12 /* =?UTF-8?Q?...?= */
#define WORD_ROOM     (WORD_MAX - WORD_OVERHEAD)

/* Bytes that stay as they are in Q; the set of a phrase is the smaller one and does everywhere. [RFC 2047 s5 (3)] */
static bool q_plain(uint8_t c)
{
    return sgl_ascii_is_alnum(c) || c == '!' || c == '*' || c == '+' || c == '-' || c == '/';
}

static size_t q_cost(sgl_view v)
{
    size_t n = 0;

    for (size_t i = 0; i < v.len; i++)
        n += q_plain(v.ptr[i]) || v.ptr[i] == ' ' ? 1 : 3;
    return n;
}

static void put_q(struct sgl_buf *buf, sgl_view v)
{
    static const char hex[] = "0123456789ABCDEF";

    sgl_buf_add(buf, SGL_LIT("=?UTF-8?Q?"));
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.ptr[i];

        if (q_plain(c)) {
            sgl_buf_add_byte(buf, c);
        } else if (c == ' ') {
            sgl_buf_add_byte(buf, '_');
        } else {
            sgl_buf_add_byte(buf, '=');
            sgl_buf_add_byte(buf, (uint8_t)hex[c >> 4]);
            sgl_buf_add_byte(buf, (uint8_t)hex[c & 15]);
        }
    }
    sgl_buf_add(buf, SGL_LIT("?="));
}

static void put_b(struct sgl_buf *buf, sgl_view v)
{
    sgl_buf_add(buf, SGL_LIT("=?UTF-8?B?"));
    sgl_base64_encode(buf, v);
    sgl_buf_add(buf, SGL_LIT("?="));
}

/* Text that may stand in a header as it is: ASCII, no encoded word by accident, nothing that a fold would eat. */
static bool harmless(sgl_view text, enum sgl_word_place place)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c >= 0x80)
            return false;
        if (place == SGL_WORD_PHRASE && !sgl_ascii_is_alnum(c) && c != ' ' && c != '-' && c != '_')
            return false;
    }
    return sgl_view_find_view(text, SGL_LIT("=?")) == text.len &&
           sgl_view_trim(text).len == text.len;
}

static bool text_ok(sgl_view text)
{
    for (size_t i = 0; i < text.len; i++)
        if (sgl_ascii_is_control(text.ptr[i]) && text.ptr[i] != '\t')
            return false;
    return sgl_utf8_valid(text);
}

/* A plain word over 900 bytes would leave no place to fold: such text is encoded, too. */
static bool has_giant_word(sgl_view text)
{
    size_t run = 0;

    for (size_t i = 0; i < text.len; i++) {
        run = sgl_ascii_is_wsp(text.ptr[i]) ? 0 : run + 1;
        if (run > 900)
            return true;
    }
    return false;
}

void sgl_encoded_word_put(struct sgl_buf *buf, sgl_view text, enum sgl_word_place place)
{
    bool b, first = true;

    if (buf->status != SGL_OK)
        return;
    if (!text_ok(text)) {
        buf->status = SGL_E_SYNTAX;
        return;
    }
    if (harmless(text, place) && !has_giant_word(text)) {
        sgl_buf_add(buf, text);
        return;
    }
    /* Q is easier to read in the source: it may be a quarter longer. */
    b = 5 * sgl_base64_size(text.len) < 4 * q_cost(text);
    while (text.len > 0) {
        size_t take = 0, cost = 0;

        /* Whole characters, as many as fit. */
        while (take < text.len) {
            uint32_t code;
            size_t n = sgl_utf8_next(text, take, &code);
            size_t more =
                b ? sgl_base64_size(take + n) : cost + q_cost(sgl_view_sub(text, take, n));

            if (n == 0 || more > WORD_ROOM)
                break;
            cost = more;
            take += n;
        }
        if (!first)
            sgl_buf_add_byte(buf, ' ');
        first = false;
        if (b)
            put_b(buf, sgl_view_sub(text, 0, take));
        else
            put_q(buf, sgl_view_sub(text, 0, take));
        text = sgl_view_from(text, take);
    }
}

/* ---- reading ---- */

struct word {
    enum sgl_charset charset;
    bool b;
    sgl_view text;
    size_t len; /* all of it, =? to ?= */
};

/* Is there an encoded word at `off`? =?charset*language?B?text?= [RFC 2047 s2; RFC 2231 s5] */
static bool word_at(sgl_view v, size_t off, struct word *out)
{
    sgl_view rest = sgl_view_from(v, off), charset, encoding, text;

    if (!sgl_view_starts(rest, SGL_LIT("=?")))
        return false;
    rest = sgl_view_from(rest, 2);
    charset = sgl_view_split(rest, '?', &rest);
    encoding = sgl_view_split(rest, '?', &rest);
    if (rest.ptr == NULL || encoding.len != 1 || charset.len == 0 || charset.len > 64)
        return false;
    text = sgl_view_sub(rest, 0, sgl_view_find(rest, '?'));
    if (text.len == rest.len || !sgl_view_starts(sgl_view_from(rest, text.len), SGL_LIT("?=")))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (sgl_ascii_is_fws(text.ptr[i]))
            return false;
    out->charset = sgl_charset_find(sgl_view_sub(charset, 0, sgl_view_find(charset, '*')));
    out->b = encoding.ptr[0] == 'B' || encoding.ptr[0] == 'b';
    if (out->charset == SGL_CHARSET_OTHER ||
        (!out->b && encoding.ptr[0] != 'Q' && encoding.ptr[0] != 'q'))
        return false;
    out->text = text;
    out->len = (size_t)(text.ptr + text.len + 2 - (v.ptr + off));
    return true;
}

static int base64_value(uint8_t c)
{
    if (sgl_ascii_is_upper(c))
        return c - 'A';
    if (sgl_ascii_is_lower(c))
        return c - 'a' + 26;
    if (sgl_ascii_is_digit(c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Tolerant: padding may be missing, what is not base64 is skipped. At most v.len bytes. */
static size_t decode_b(sgl_view v, uint8_t *out)
{
    uint32_t held = 0;
    unsigned bits = 0;
    size_t n = 0;

    for (size_t i = 0; i < v.len && v.ptr[i] != '='; i++) {
        int value = base64_value(v.ptr[i]);

        if (value < 0)
            continue;
        held = (held << 6 | (uint32_t)value) & 0xffffu;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (uint8_t)(held >> bits);
        }
    }
    return n;
}

/* [RFC 2047 s4.2] */
static size_t decode_q(sgl_view v, uint8_t *out)
{
    for (size_t i = 0; i < v.len; i++)
        out[i] = v.ptr[i] == '_' ? ' ' : v.ptr[i];
    return sgl_lex_unescape(sgl_view_of(out, v.len), '=', out);
}

struct decoding {
    sgl_view in;
    uint8_t *out; /* room for 3 * in.len */
    size_t len;
    uint8_t *pending; /* bytes of adjacent words of one charset: writers cut characters in two */
    size_t pending_len;
    enum sgl_charset charset;
};

static void flush(struct decoding *d)
{
    d->len +=
        sgl_charset_to_utf8(d->charset, sgl_view_of(d->pending, d->pending_len), d->out + d->len);
    d->pending_len = 0;
}

static void take_word(struct decoding *d, const struct word *w)
{
    if (w->charset != d->charset)
        flush(d);
    d->charset = w->charset;
    if (w->b)
        d->pending_len += decode_b(w->text, d->pending + d->pending_len);
    else
        d->pending_len += decode_q(w->text, d->pending + d->pending_len);
}

/* The word behind the blanks at `off`, if there are only blanks before it. */
static bool word_behind_blanks(sgl_view v, size_t off, size_t *at, struct word *w)
{
    while (off < v.len && sgl_ascii_is_fws(v.ptr[off]))
        off++;
    *at = off;
    return word_at(v, off, w);
}

static void decode_all(struct decoding *d)
{
    sgl_view v = d->in;

    for (size_t i = 0; i < v.len;) {
        struct word w;
        size_t start = i;

        if (v.ptr[i] == '=' && word_at(v, i, &w)) {
            bool another = true;

            while (another) {
                take_word(d, &w);
                i += w.len;
                another = word_behind_blanks(v, i, &start, &w);
                if (another)
                    i = start;
            }
            flush(d);
            continue;
        }
        /* Up to the next place where a word may begin, or a line end. */
        i++;
        while (i < v.len && v.ptr[i] != '=' && v.ptr[i] != '\r' && v.ptr[i] != '\n')
            i++;
        while (start < i && (v.ptr[start] == '\r' || v.ptr[start] == '\n'))
            start++;
        d->len += sgl_charset_to_utf8(SGL_CHARSET_UTF8, sgl_view_sub(v, start, i - start),
                                      d->out + d->len);
    }
}

enum sgl_status sgl_encoded_word_decode(sgl_view value, struct sgl_arena *arena, sgl_view *out)
{
    struct decoding d = {.in = value, .charset = SGL_CHARSET_UTF8};

    if (sgl_ascii_is_printable(value) && sgl_view_find_view(value, SGL_LIT("=?")) == value.len) {
        *out = value;
        return SGL_OK;
    }
    d.out = sgl_arena_alloc_n(arena, value.len, 3);
    d.pending = sgl_arena_alloc(arena, value.len);
    if (d.out == NULL || d.pending == NULL)
        return arena->status;
    decode_all(&d);
    *out = sgl_view_of(d.out, d.len);
    return SGL_OK;
}
