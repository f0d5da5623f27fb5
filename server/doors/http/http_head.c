/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first bytes of a request, looked at before they are parsed: what is asked for, and how much is to come.
 * Nothing is decided here but whether that is too much. A head that comes in pieces tells less, and its body is counted as it comes.
 */
#include "http_internal.h"
#include "sigillo/ascii.h"

/* A line with its CRLF, or with an LF alone; false: it does not end here. */
static bool next_line(sgl_view *rest, sgl_view *line)
{
    sgl_view behind;

    *line = sgl_view_split(*rest, '\n', &behind);
    *rest = behind;
    if (behind.ptr == NULL)
        return false;
    if (sgl_view_ends(*line, SGL_LIT("\r")))
        line->len--;
    return true;
}

/* "POST /v3/mail/send HTTP/1.1", and the path in it. */
static bool take_request_line(sgl_view line, sgl_view *target)
{
    sgl_view version, query, rest, method = sgl_view_split(line, ' ', &rest);
    sgl_view words = sgl_view_split(rest, ' ', &version);

    if (method.len == 0 || !sgl_view_starts(version, SGL_LIT("HTTP/1.")))
        return false;
    *target = sgl_view_split(words, '?', &query);
    return true;
}

static bool take_length(sgl_view line, uint64_t *out)
{
    sgl_view value, name = sgl_view_split(line, ':', &value);

    value = sgl_view_trim(value);
    if (!sgl_view_eq_nocase(name, SGL_LIT("Content-Length")) || value.len == 0)
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (!sgl_ascii_is_digit(value.ptr[i]))
            return false;
    if (!sgl_view_u64(value, UINT64_MAX, out))
        *out = UINT64_MAX; /* more than there is */
    return true;
}

void http_head_read(sgl_view first, struct http_head *out)
{
    sgl_view line;

    *out = (struct http_head){.content = 0};
    if (!next_line(&first, &line) || !take_request_line(line, &out->target))
        return;
    while (next_line(&first, &line) && line.len > 0)
        if (take_length(line, &out->content))
            return;
}
