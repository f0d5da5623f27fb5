/* SPDX-License-Identifier: Apache-2.0 */
/* Replies, read and written.  The parser's states follow one line: CODE (its three digits), AFTER (the byte behind them), TEXT, LF (a CR was seen). */
#include "sigillo/smtp_reply.h"

#include <assert.h>

#include "sigillo/limits.h"
#include "smtp_internal.h"

enum { AT_CODE, AT_AFTER, AT_TEXT, AT_LF_MORE, AT_LF_LAST, AT_END };

/* A number of one to three digits, no leading zero  [RFC 3463 s2]. Returns its length, 0 when there is none. */
static size_t number(sgl_view v, uint16_t *out)
{
    size_t n = 0;
    unsigned value = 0;

    while (n < v.len && n < 4 && v.ptr[n] >= '0' && v.ptr[n] <= '9')
        value = value * 10 + (unsigned)(v.ptr[n++] - '0');
    if (n == 0 || n > 3 || (n > 1 && v.ptr[0] == '0'))
        return 0;
    *out = (uint16_t)value;
    return n;
}

size_t sgl_smtp_enhanced_parse(sgl_view v, struct sgl_smtp_enhanced *out)
{
    struct sgl_smtp_enhanced e = {0};
    size_t n, off = 2;

    if (v.len < 5 || (v.ptr[0] != '2' && v.ptr[0] != '4' && v.ptr[0] != '5') || v.ptr[1] != '.')
        return 0;
    e.class_ = (uint8_t)(v.ptr[0] - '0');
    n = number(sgl_view_from(v, off), &e.subject);
    off += n;
    if (n == 0 || off >= v.len || v.ptr[off] != '.')
        return 0;
    n = number(sgl_view_from(v, ++off), &e.detail);
    off += n;
    if (n == 0 || (off < v.len && v.ptr[off] != ' '))
        return 0;
    *out = e;
    return off;
}

void sgl_smtp_reply_parser_init(struct sgl_smtp_reply_parser *p)
{
    *p = (struct sgl_smtp_reply_parser){.text = SGL_BUF_INIT(SGL_LIMIT_SMTP_REPLY)};
}

void sgl_smtp_reply_parser_done(struct sgl_smtp_reply_parser *p)
{
    sgl_buf_done(&p->text);
}

static void begin_reply(struct sgl_smtp_reply_parser *p)
{
    sgl_buf_reset(&p->text);
    p->line_len = p->total = p->line_start = 0;
    p->code = p->line_code = p->lines = p->enhanced_len = 0;
    p->state = AT_CODE;
}

/* The enhanced code stands at the head of the first line, and often of every other: text keeps it once, at its head. */
static void end_line(struct sgl_smtp_reply_parser *p)
{
    sgl_view text = sgl_buf_view(&p->text);
    struct sgl_smtp_enhanced e;
    size_t n, len;

    if (p->lines++ == 0) {
        n = sgl_smtp_enhanced_parse(text, &e);
        if (n != 0 && e.class_ == p->code / 100)
            p->enhanced_len = (uint16_t)n;
        return;
    }
    n = p->enhanced_len;
    len = text.len - p->line_start;
    if (n == 0 || len < n || memcmp(text.ptr, text.ptr + p->line_start, n) != 0 ||
        (len > n && text.ptr[p->line_start + n] != ' '))
        return;
    if (len > n)
        n++;
    memmove(p->text.data + p->line_start, p->text.data + p->line_start + n,
            len - (n > len ? len : n));
    sgl_buf_truncate(&p->text, text.len - n);
}

static void give(const struct sgl_smtp_reply_parser *p, struct sgl_smtp_reply *out)
{
    sgl_view all = sgl_buf_view(&p->text);
    size_t skip = p->enhanced_len;

    *out = (struct sgl_smtp_reply){.code = p->code, .lines = p->lines};
    if (skip != 0) {
        (void)sgl_smtp_enhanced_parse(all, &out->enhanced);
        out->enhanced_text = sgl_view_sub(all, 0, skip);
        if (skip < all.len && all.ptr[skip] == ' ')
            skip++;
    }
    out->text = sgl_view_from(all, skip);
}

static enum sgl_status code_byte(struct sgl_smtp_reply_parser *p, uint8_t byte)
{
    if (byte < '0' || byte > '9' || (p->line_len == 1 && (byte < '2' || byte > '5')))
        return SGL_E_SYNTAX;
    p->line_code = (uint16_t)(p->line_code * 10 + (byte - '0'));
    if (p->line_len == 3)
        p->state = AT_AFTER;
    return SGL_MORE;
}

/* Behind the code: " " and the text, "-" and the text of a line that is not the last, or the end of the line. */
static enum sgl_status after_byte(struct sgl_smtp_reply_parser *p, uint8_t byte)
{
    if (p->lines != 0 && p->line_code != p->code)
        return SGL_E_SYNTAX; /* [RFC 5321 s4.2.1] one reply, one code */
    p->code = p->line_code;
    if (p->lines != 0)
        sgl_buf_add_byte(&p->text, '\n');
    p->line_start = (uint32_t)p->text.len;
    if (byte == '\r') {
        p->state = AT_LF_LAST;
        return SGL_MORE;
    }
    if (byte != ' ' && byte != '-')
        return SGL_E_SYNTAX;
    p->state = AT_TEXT;
    p->line_code = byte == '-' ? 0 : 1; /* until the line ends: is it the last? */
    return SGL_MORE;
}

static enum sgl_status line_feed(struct sgl_smtp_reply_parser *p, uint8_t byte)
{
    if (byte != '\n')
        return SGL_E_SYNTAX;
    end_line(p);
    if (p->state == AT_LF_LAST) {
        p->state = AT_END;
        return SGL_OK;
    }
    if (p->lines >= SGL_LIMIT_SMTP_REPLY_LINES)
        return SGL_E_LIMIT;
    p->state = AT_CODE;
    p->line_len = 0;
    p->line_code = 0;
    return SGL_MORE;
}

static enum sgl_status one_byte(struct sgl_smtp_reply_parser *p, uint8_t byte)
{
    if (++p->line_len > SGL_LIMIT_SMTP_REPLY_LINE || ++p->total > SGL_LIMIT_SMTP_REPLY)
        return SGL_E_LIMIT;
    switch (p->state) {
    case AT_CODE:
        return code_byte(p, byte);
    case AT_AFTER:
        return after_byte(p, byte);
    case AT_TEXT:
        if (byte == '\r') {
            p->state = p->line_code == 1 ? AT_LF_LAST : AT_LF_MORE;
            return SGL_MORE;
        }
        if (byte == '\n' || byte == '\0')
            return SGL_E_SYNTAX;
        sgl_buf_add_byte(&p->text, byte);
        return SGL_MORE;
    default:
        return line_feed(p, byte);
    }
}

enum sgl_status sgl_smtp_reply_feed(struct sgl_smtp_reply_parser *p, sgl_view bytes, size_t *used,
                                    struct sgl_smtp_reply *out)
{
    enum sgl_status st = SGL_MORE;

    if (p->state == AT_END)
        begin_reply(p);
    for (*used = 0; *used < bytes.len && st == SGL_MORE;)
        st = one_byte(p, bytes.ptr[(*used)++]);
    if (p->text.status != SGL_OK)
        return p->text.status;
    if (st == SGL_OK)
        give(p, out);
    return st;
}

bool sgl_smtp_text_ok(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] == '\r' || v.ptr[i] == '\n' || v.ptr[i] == '\0')
            return false;
    }
    return true;
}

static void put_line(struct sgl_buf *out, uint16_t code, bool last, sgl_view enhanced,
                     sgl_view text)
{
    sgl_buf_add_u64(out, code);
    sgl_buf_add_byte(out, last ? ' ' : '-');
    sgl_buf_add_line_safe(out, enhanced);
    if (enhanced.len != 0 && text.len != 0)
        sgl_buf_add_byte(out, ' ');
    sgl_buf_add_line_safe(out, text);
    sgl_buf_add(out, SGL_LIT("\r\n"));
}

/* How much of text goes into one line of `room` bytes: up to a blank where there is one, and never through a UTF-8 character. */
static size_t fold_at(sgl_view text, size_t room)
{
    size_t n = room;

    if (text.len <= room)
        return text.len;
    while (n > room / 2 && text.ptr[n] != ' ')
        n--;
    if (text.ptr[n] == ' ')
        return n;
    for (n = room; n > room - 4 && (text.ptr[n] & 0xC0) == 0x80;)
        n--;
    return n;
}

void sgl_smtp_reply_put(struct sgl_buf *out, uint16_t code, sgl_view enhanced, sgl_view text)
{
    size_t room;

    assert(code >= 200 && code <= 599);
    if (!sgl_smtp_text_ok(enhanced) || !sgl_smtp_text_ok(text) || enhanced.len > 32) {
        if (out->status == SGL_OK)
            out->status = SGL_E_SYNTAX;
        return;
    }
    room = SGL_LIMIT_SMTP_REPLY_OURS - 4 - 2 - (enhanced.len == 0 ? 0 : enhanced.len + 1);
    while (text.len > room) {
        size_t n = fold_at(text, room);

        put_line(out, code, false, enhanced, sgl_view_sub(text, 0, n));
        text = sgl_view_from(text, n < text.len && text.ptr[n] == ' ' ? n + 1 : n);
    }
    put_line(out, code, true, enhanced, text);
}

void sgl_smtp_reply_put_line(struct sgl_buf *out, uint16_t code, bool last, sgl_view text)
{
    if (!sgl_smtp_text_ok(text)) {
        if (out->status == SGL_OK)
            out->status = SGL_E_SYNTAX;
        return;
    }
    put_line(out, code, last, (sgl_view){NULL, 0}, text);
}
