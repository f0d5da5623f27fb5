/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/qp.h"

#include "sigillo/ascii.h"

#include "sigillo/banned.h"

#define LINE_MAX 76

/*
 * One walk serves both writing and counting: buf NULL only counts.  A line takes at most 75 characters and the "=" of a
 * soft break; only its last piece may fill it to 76. [RFC 2045 s6.7 (5)]
 */
struct qp {
    struct sgl_buf *buf;
    size_t total, column;
    char line[LINE_MAX + 2];
};

static void end_line(struct qp *q, bool soft)
{
    if (soft)
        q->line[q->column++] = '=';
    q->line[q->column] = '\r';
    q->line[q->column + 1] = '\n';
    q->total += q->column + 2;
    if (q->buf != NULL)
        sgl_buf_add(q->buf, sgl_view_of(q->line, q->column + 2));
    q->column = 0;
}

/* Length of the line end at `i`: 0 none, 1 LF, 2 CRLF. */
static size_t line_end_at(sgl_view v, size_t i, bool text)
{
    if (!text || i >= v.len)
        return 0;
    if (v.ptr[i] == '\n')
        return 1;
    return v.ptr[i] == '\r' && v.len - i > 1 && v.ptr[i + 1] == '\n' ? 2 : 0;
}

static bool is_plain(sgl_view v, size_t i, const struct qp *q, bool last)
{
    uint8_t c = v.ptr[i];

    if (c == ' ' || c == '\t')
        return !last;
    if (!sgl_ascii_is_visible(c) || c == '=')
        return false;
    /* "." alone ends a message in SMTP, "From " begins one in an mbox: careless relays have trouble with both. [RFC 2049 s3] */
    if (q->column > 0)
        return true;
    return c != '.' && !(c == 'F' && sgl_view_starts(sgl_view_from(v, i), SGL_LIT("From ")));
}

/* last: a line end, or the end of all, follows. */
static void put(struct qp *q, sgl_view v, size_t i, bool last)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t most = LINE_MAX - (last ? 0u : 1u);
    bool plain = is_plain(v, i, q, last);

    if (q->column + (plain ? 1 : 3) > most) {
        end_line(q, true);
        plain = is_plain(v, i, q, last);
    }
    if (plain) {
        q->line[q->column++] = (char)v.ptr[i];
    } else {
        q->line[q->column++] = '=';
        q->line[q->column++] = hex[v.ptr[i] >> 4];
        q->line[q->column++] = hex[v.ptr[i] & 15];
    }
}

static void walk(struct qp *q, sgl_view data, bool text)
{
    for (size_t i = 0; i < data.len;) {
        size_t eol = line_end_at(data, i, text);
        bool last;

        if (eol > 0) {
            end_line(q, false);
            i += eol;
            continue;
        }
        last = i + 1 == data.len || line_end_at(data, i + 1, text) > 0;
        put(q, data, i, last);
        i++;
    }
    q->total += q->column;
    if (q->buf != NULL)
        sgl_buf_add(q->buf, sgl_view_of(q->line, q->column));
}

void sgl_qp_put(struct sgl_buf *buf, sgl_view data, bool text)
{
    struct qp q = {.buf = buf};

    walk(&q, data, text);
}

size_t sgl_qp_size(sgl_view data, bool text)
{
    struct qp q = {.buf = NULL};

    walk(&q, data, text);
    return q.total;
}

/* ---- reading ---- */

static void wrong(struct sgl_buf *buf, bool strict)
{
    if (strict && buf->status == SGL_OK)
        buf->status = SGL_E_SYNTAX;
}

/* One line without its end; true when a soft break ends it. */
static bool decode_line(struct sgl_buf *buf, sgl_view line, bool strict)
{
    size_t run = 0;
    bool soft;

    while (line.len > 0 && sgl_ascii_is_wsp(line.ptr[line.len - 1]))
        line.len--;
    soft = line.len > 0 && line.ptr[line.len - 1] == '=';
    if (soft)
        line.len--;
    for (size_t i = 0; i < line.len; i++) {
        int high, low;

        if (line.ptr[i] != '=') {
            if (!sgl_ascii_is_visible(line.ptr[i]) && !sgl_ascii_is_wsp(line.ptr[i]))
                wrong(buf, strict);
            continue;
        }
        high = line.len - i > 2 ? sgl_ascii_hex_value(line.ptr[i + 1]) : -1;
        low = line.len - i > 2 ? sgl_ascii_hex_value(line.ptr[i + 2]) : -1;
        if (high < 0 || low < 0) {
            wrong(buf, strict);
            continue;
        }
        sgl_buf_add(buf, sgl_view_sub(line, run, i - run));
        sgl_buf_add_byte(buf, (uint8_t)(high << 4 | low));
        i += 2;
        run = i + 1;
    }
    sgl_buf_add(buf, sgl_view_from(line, run));
    return soft;
}

void sgl_qp_decode(struct sgl_buf *buf, sgl_view data, bool strict)
{
    while (data.len > 0) {
        size_t lf = sgl_view_find(data, '\n');
        sgl_view line = sgl_view_sub(data, 0, lf);
        bool ended = lf < data.len, cr = ended && lf > 0 && data.ptr[lf - 1] == '\r';
        bool soft;

        if (cr)
            line.len--;
        if (strict && ((ended && !cr) || line.len > LINE_MAX))
            wrong(buf, strict);
        soft = decode_line(buf, line, strict);
        if (ended && !soft)
            sgl_buf_add(buf, cr ? SGL_LIT("\r\n") : SGL_LIT("\n"));
        data = sgl_view_from(data, ended ? lf + 1 : lf);
    }
}
