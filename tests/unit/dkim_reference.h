/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical bodies by the letter of RFC 6376 s3.4.3 and s3.4.4, one step after the other over the whole body: slow, and
 * easy to believe.  Tests and fuzzers compare the real thing with it.
 */
#ifndef TESTS_UNIT_DKIM_REFERENCE_H
#define TESTS_UNIT_DKIM_REFERENCE_H

#include "sigillo/dkim.h"

/* The line without blanks at its end, runs of blanks as one SP. */
static inline void reference_line(sgl_view line, struct sgl_buf *out)
{
    size_t start = out->len;

    while (line.len > 0 && (line.ptr[line.len - 1] == ' ' || line.ptr[line.len - 1] == '\t'))
        line.len--;
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] != ' ' && line.ptr[i] != '\t')
            sgl_buf_add_byte(out, line.ptr[i]);
        else if (out->len == start || out->data[out->len - 1] != ' ')
            sgl_buf_add_byte(out, ' ');
    }
}

static inline void reference_body(enum sgl_dkim_canon canon, sgl_view body, struct sgl_buf *out)
{
    while (body.len > 0) {
        size_t end = sgl_view_find_view(body, SGL_LIT("\r\n"));

        if (canon == SGL_DKIM_RELAXED)
            reference_line(sgl_view_sub(body, 0, end), out);
        else
            sgl_buf_add(out, sgl_view_sub(body, 0, end));
        sgl_buf_add(out, SGL_LIT("\r\n"));
        body = sgl_view_from(body, end + 2);
    }
    while (out->len >= 4 && memcmp(out->data + out->len - 4, "\r\n\r\n", 4) == 0)
        sgl_buf_truncate(out, out->len - 2);
    if (out->len == 2 && memcmp(out->data, "\r\n", 2) == 0)
        sgl_buf_truncate(out, 0);
    if (out->len == 0 && canon == SGL_DKIM_SIMPLE)
        sgl_buf_add(out, SGL_LIT("\r\n"));
}

static inline void reference_put(void *ctx, sgl_view bytes)
{
    sgl_buf_add((struct sgl_buf *)ctx, bytes);
}

#endif
