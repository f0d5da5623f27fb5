/* SPDX-License-Identifier: Apache-2.0 */
#include "list_form.h"

#include "sigillo/ascii.h"

#define NAME  SGL_LIT("List-Unsubscribe")
#define VALUE SGL_LIT("One-Click")

/* Neither name nor value has a character that a form would encode. */
static bool in_urlencoded(sgl_view body)
{
    while (body.len > 0) {
        sgl_view rest, value, pair = sgl_view_trim(sgl_view_split(body, '&', &rest));
        sgl_view name = sgl_view_split(pair, '=', &value);

        if (sgl_view_eq(name, NAME) && sgl_view_eq(value, VALUE))
            return true;
        body = rest;
    }
    return false;
}

static sgl_view unquoted(sgl_view v)
{
    v = sgl_view_trim(v);
    if (v.len >= 2 && v.ptr[0] == '"' && v.ptr[v.len - 1] == '"')
        return sgl_view_sub(v, 1, v.len - 2);
    return v;
}

/* The parameter of a field's value: "form-data; name=\"x\"". Empty: there is none. */
static sgl_view parameter(sgl_view value, sgl_view wanted)
{
    sgl_view rest;

    (void)sgl_view_split(value, ';', &rest);
    while (rest.len > 0) {
        sgl_view text, next, one = sgl_view_split(rest, ';', &next);
        sgl_view name = sgl_view_trim(sgl_view_split(one, '=', &text));

        if (sgl_view_eq_nocase(name, wanted))
            return unquoted(text);
        rest = next;
    }
    return SGL_LIT("");
}

/* A part, from behind the line end of its delimiter to before that of the next one. */
static bool is_click(sgl_view part)
{
    size_t blank = sgl_view_find_view(part, SGL_LIT("\r\n\r\n"));
    sgl_view fields = sgl_view_sub(part, 0, blank), line;

    if (blank == part.len || !sgl_view_eq(sgl_view_from(part, blank + 4), VALUE))
        return false;
    while (fields.len > 0) {
        size_t end = sgl_view_find_view(fields, SGL_LIT("\r\n"));
        sgl_view value;

        line = sgl_view_sub(fields, 0, end);
        fields = end == fields.len ? sgl_view_of(NULL, 0) : sgl_view_from(fields, end + 2);
        if (sgl_view_eq_nocase(sgl_view_split(line, ':', &value), SGL_LIT("Content-Disposition")))
            return sgl_view_eq(parameter(value, SGL_LIT("name")), NAME);
    }
    return false;
}

/* The next delimiter: "--BOUNDARY" at the start of a line; SIZE_MAX: there is none  [RFC 2046 s5.1.1] */
static size_t delimiter(sgl_view body, sgl_view boundary, size_t from)
{
    for (size_t at = from; at + 2 + boundary.len <= body.len; at++)
        if ((at == 0 || body.ptr[at - 1] == '\n') && body.ptr[at] == '-' &&
            body.ptr[at + 1] == '-' &&
            sgl_view_eq(sgl_view_sub(body, at + 2, boundary.len), boundary))
            return at;
    return SIZE_MAX;
}

static bool in_multipart(sgl_view body, sgl_view boundary)
{
    size_t at = delimiter(body, boundary, 0);

    while (at != SIZE_MAX) {
        size_t start = at + 2 + boundary.len, next = delimiter(body, boundary, start);
        sgl_view part;

        if (next == SIZE_MAX)
            return false;
        part = sgl_view_sub(body, start, next - start);
        /* behind the delimiter stands a line end, and one before the next is that one's own */
        if (part.len >= 4 && sgl_view_starts(part, SGL_LIT("\r\n")) &&
            sgl_view_ends(part, SGL_LIT("\r\n")) && is_click(sgl_view_sub(part, 2, part.len - 4)))
            return true;
        at = next;
    }
    return false;
}

enum list_form list_form_read(sgl_view type, sgl_view body)
{
    sgl_view rest, kind = sgl_view_trim(sgl_view_split(type, ';', &rest)), boundary;

    if (body.len > LIST_FORM_MAX)
        return LIST_FORM_TOO_LONG;
    if (sgl_view_eq_nocase(kind, SGL_LIT("application/x-www-form-urlencoded")))
        return in_urlencoded(body) ? LIST_FORM_CLICK : LIST_FORM_OTHER;
    if (!sgl_view_eq_nocase(kind, SGL_LIT("multipart/form-data")))
        return LIST_FORM_TYPE;
    boundary = parameter(type, SGL_LIT("boundary"));
    if (boundary.len == 0 || boundary.len > 70)
        return LIST_FORM_TYPE;
    return in_multipart(body, boundary) ? LIST_FORM_CLICK : LIST_FORM_OTHER;
}
