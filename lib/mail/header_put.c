/* SPDX-License-Identifier: Apache-2.0 */
/* Writing one field: folded at blanks, so that a line holds 76 characters where it can (the 76 of RFC 2047 s2, which is within the 78 of RFC 5322). */
#include "sigillo/ascii.h"
#include "sigillo/header.h"
#include "sigillo/limits.h"

#include "sigillo/banned.h"

#define FOLD_COLUMN 76

static bool value_ok(sgl_view value)
{
    for (size_t i = 0; i < value.len; i++)
        if (sgl_ascii_is_control(value.ptr[i]) && value.ptr[i] != '\t')
            return false;
    return true;
}

/* The blanks at the front of rest, and the word behind them, go out; on a new line if they do not fit this one. */
static sgl_view put_word(struct sgl_buf *buf, sgl_view rest, size_t *column)
{
    size_t blanks = 0, len;

    while (blanks < rest.len && sgl_ascii_is_wsp(rest.ptr[blanks]))
        blanks++;
    for (len = blanks; len < rest.len && !sgl_ascii_is_wsp(rest.ptr[len]);)
        len++;
    if (blanks > 0 && *column + len > FOLD_COLUMN && len <= FOLD_COLUMN) {
        sgl_buf_add(buf, SGL_LIT("\r\n"));
        *column = 0;
    } else if (blanks > 0 && *column + len > SGL_LIMIT_LINE) {
        sgl_buf_add(buf, SGL_LIT("\r\n"));
        *column = 0;
    }
    if (*column + len > SGL_LIMIT_LINE && buf->status == SGL_OK)
        buf->status = SGL_E_LIMIT;
    sgl_buf_add(buf, sgl_view_sub(rest, 0, len));
    *column += len;
    return sgl_view_from(rest, len);
}

void sgl_header_put(struct sgl_buf *buf, sgl_view name, sgl_view value)
{
    size_t start = buf->len, column = name.len + 1;
    sgl_view rest = sgl_view_trim(value);

    if (buf->status != SGL_OK)
        return;
    if (!sgl_header_name_ok(name) || !value_ok(rest)) {
        buf->status = SGL_E_SYNTAX;
        return;
    }
    sgl_buf_add(buf, name);
    sgl_buf_add_byte(buf, ':');
    if (rest.len > 0) {
        /* The word behind the colon stands behind one blank of ours. */
        size_t first = 0;

        while (first < rest.len && !sgl_ascii_is_wsp(rest.ptr[first]))
            first++;
        if ((column + 1 + first > FOLD_COLUMN && first + 1 <= FOLD_COLUMN) ||
            column + 1 + first > SGL_LIMIT_LINE) {
            sgl_buf_add(buf, SGL_LIT("\r\n"));
            column = 0;
        }
        sgl_buf_add_byte(buf, ' ');
        column++;
        while (rest.len > 0)
            rest = put_word(buf, rest, &column);
    }
    sgl_buf_add(buf, SGL_LIT("\r\n"));
    if (buf->status != SGL_OK) {
        enum sgl_status why = buf->status;

        sgl_buf_truncate(buf, start);
        buf->status = why;
    }
}
