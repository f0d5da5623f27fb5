/* SPDX-License-Identifier: Apache-2.0 */
/* Words, comments and parts of an Authentication-Results value  [RFC 8601 s2.2, RFC 5322 s3.2.2]. */
#include "arc_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"

static uint8_t head(sgl_view v)
{
    return v.len == 0 ? 0 : v.ptr[0];
}

/* Behind the comment whose "(" stands first. */
static bool skip_comment(sgl_view *rest)
{
    size_t depth = 0;

    while (rest->len > 0) {
        uint8_t c = rest->ptr[0];

        *rest = sgl_view_from(*rest, c == '\\' ? 2 : 1);
        if (c == '(' && ++depth > SGL_LIMIT_COMMENT_DEPTH)
            return false;
        if (c == ')' && --depth == 0)
            return true;
    }
    return false;
}

bool sgl_arc_skip(sgl_view *rest)
{
    while (rest->len > 0) {
        if (sgl_ascii_is_fws(rest->ptr[0]))
            *rest = sgl_view_from(*rest, 1);
        else if (rest->ptr[0] != '(')
            return true;
        else if (!skip_comment(rest))
            return false;
    }
    return true;
}

/* Behind the quoted string whose first quote stands first. */
static bool skip_quoted(sgl_view *rest)
{
    *rest = sgl_view_from(*rest, 1);
    while (rest->len > 0) {
        uint8_t c = rest->ptr[0];

        *rest = sgl_view_from(*rest, c == '\\' ? 2 : 1);
        if (c == '"')
            return true;
    }
    return false;
}

bool sgl_arc_part(sgl_view *rest, sgl_view *out)
{
    sgl_view all = *rest;

    while (rest->len > 0 && rest->ptr[0] != ';') {
        if (head(*rest) == '(') {
            if (!skip_comment(rest))
                return false;
        } else if (head(*rest) == '"') {
            if (!skip_quoted(rest))
                return false;
        } else {
            *rest = sgl_view_from(*rest, 1);
        }
    }
    *out = sgl_view_sub(all, 0, all.len - rest->len);
    *rest = rest->len > 0 ? sgl_view_from(*rest, 1) : sgl_view_of(NULL, 0);
    return true;
}

/* Everything but blanks, controls and the specials of RFC 2045; UTF-8 stays. */
size_t sgl_arc_token_length(sgl_view v)
{
    static const char specials[] = "()<>@,;:\\\"/[]?=";
    size_t n = 0;

    while (n < v.len && v.ptr[n] > ' ' && v.ptr[n] != 0x7f &&
           memchr(specials, v.ptr[n], sizeof specials - 1) == NULL)
        n++;
    return n;
}

static bool unquote(sgl_view quoted, struct sgl_arena *arena, sgl_view *out)
{
    uint8_t *text = sgl_arena_alloc(arena, quoted.len);
    size_t len = 0;

    if (text == NULL)
        return false;
    for (size_t i = 1; i + 1 < quoted.len; i++) {
        if (quoted.ptr[i] == '\\')
            i++;
        else if (quoted.ptr[i] == '\r' || quoted.ptr[i] == '\n')
            continue; /* a fold: the blank behind it stays */
        text[len++] = quoted.ptr[i];
    }
    *out = sgl_view_of(text, len);
    return true;
}

bool sgl_arc_word(sgl_view *rest, struct sgl_arena *arena, sgl_view *out)
{
    sgl_view all;
    size_t len;

    if (!sgl_arc_skip(rest))
        return false;
    all = *rest;
    if (head(all) == '"') {
        if (!skip_quoted(rest))
            return false;
        return unquote(sgl_view_sub(all, 0, all.len - rest->len), arena, out);
    }
    len = sgl_arc_token_length(all);
    *out = sgl_view_sub(all, 0, len);
    *rest = sgl_view_from(all, len);
    return len > 0;
}

unsigned sgl_arc_instance(sgl_view text)
{
    uint64_t n = 0;

    if (text.len > 2 || head(text) == '0' || !sgl_view_u64(text, SGL_LIMIT_ARC_SETS, &n))
        return 0;
    return (unsigned)n;
}

unsigned sgl_arc_results_instance(sgl_view value, sgl_view *payload)
{
    sgl_view rest = value;
    unsigned instance;
    size_t digits = 0;

    /* "i" is case-sensitive; blanks and comments may stand between all parts. */
    if (!sgl_arc_skip(&rest) || head(rest) != 'i')
        return 0;
    rest = sgl_view_from(rest, 1);
    if (!sgl_arc_skip(&rest) || head(rest) != '=')
        return 0;
    rest = sgl_view_from(rest, 1);
    if (!sgl_arc_skip(&rest))
        return 0;
    while (digits < rest.len && sgl_ascii_is_digit(rest.ptr[digits]))
        digits++;
    instance = sgl_arc_instance(sgl_view_sub(rest, 0, digits));
    rest = sgl_view_from(rest, digits);
    if (!sgl_arc_skip(&rest) || head(rest) != ';')
        return 0;
    *payload = sgl_view_trim(sgl_view_from(rest, 1));
    return instance;
}
