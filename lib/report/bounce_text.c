/* SPDX-License-Identifier: Apache-2.0 */
/* Lines, addresses and phrases of text that people were meant to read. */
#include "bounce_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/limits.h"

#include "sigillo/banned.h"

bool sgl_bounce_line(sgl_view *rest, sgl_view *line)
{
    if (rest->len == 0)
        return false;
    *line = sgl_view_split(*rest, '\n', rest);
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    return true;
}

size_t sgl_bounce_find(sgl_view v, const char *needle)
{
    size_t len = strlen(needle);

    for (size_t at = 0; len > 0 && at + len <= v.len; at++) {
        size_t i = 0;

        while (i < len && sgl_ascii_lower(v.ptr[at + i]) == (uint8_t)needle[i])
            i++;
        if (i == len)
            return at;
    }
    return v.len;
}

bool sgl_bounce_has(sgl_view v, const char *needle)
{
    return sgl_bounce_find(v, needle) < v.len;
}

/* ---- addresses ---- */

static bool local_byte(uint8_t c)
{
    return c > 0x7f || sgl_ascii_is_alnum(c) ||
           sgl_view_find(SGL_LIT("!#$%&'*+-/=?^_`{|}~."), c) < 20;
}

static size_t local_len(sgl_view v)
{
    size_t n = 0;

    if (v.len > 0 && v.ptr[0] == '"') {
        for (n = 1; n < v.len && v.ptr[n] != '"' && !sgl_ascii_is_control(v.ptr[n]); n++)
            if (v.ptr[n] == '\\' && n + 1 < v.len && !sgl_ascii_is_control(v.ptr[n + 1]))
                n++;
        return n < v.len && v.ptr[n] == '"' ? n + 1 : 0;
    }
    while (n < v.len && local_byte(v.ptr[n]))
        n++;
    return n;
}

static size_t domain_len(sgl_view v)
{
    size_t n = 0;

    while (n < v.len &&
           (sgl_ascii_is_alnum(v.ptr[n]) || v.ptr[n] == '-' || v.ptr[n] == '_' || v.ptr[n] > 0x7f ||
            (v.ptr[n] == '.' && n > 0 && n + 1 < v.len &&
             (sgl_ascii_is_alnum(v.ptr[n + 1]) || v.ptr[n + 1] > 0x7f))))
        n++;
    return n;
}

#define LOCAL_MAX ((size_t)SGL_LIMIT_LOCAL_PART + 64)
#define SPEC_MAX  ((size_t)SGL_LIMIT_MAILBOX + 64)

/* A bare one.  It is looked for at each place of a text: no step looks further than one may be long. */
static size_t spec_len(sgl_view v)
{
    size_t local = local_len(sgl_view_sub(v, 0, LOCAL_MAX + 1)), domain;

    if (local == 0 || local > LOCAL_MAX || local >= v.len || v.ptr[local] != '@')
        return 0;
    domain = domain_len(sgl_view_sub(v, local + 1, SPEC_MAX + 1));
    return domain == 0 || local + 1 + domain > SPEC_MAX ? 0 : local + 1 + domain;
}

size_t sgl_bounce_address(sgl_view v, sgl_view *address)
{
    size_t skip = 0, n;
    uint8_t end = 0;

    if (v.len > 0 && (v.ptr[0] == '<' || v.ptr[0] == '(' || v.ptr[0] == '[')) {
        end = v.ptr[0] == '<' ? '>' : v.ptr[0] == '(' ? ')' : ']';
        skip = 1;
    }
    n = spec_len(sgl_view_from(v, skip));
    if (n == 0 && skip == 0 && v.len > 0 && (v.ptr[0] == '"' || v.ptr[0] == '\'')) {
        end = v.ptr[0];
        skip = 1;
        n = spec_len(sgl_view_from(v, 1));
        if (n > 0 && v.ptr[n] == end) /* a quote may end the domain, never be in it */
            n--;
    }
    if (n == 0)
        return 0;
    *address = sgl_view_sub(v, skip, n);
    return skip + n + (end != 0 && skip + n < v.len && v.ptr[skip + n] == end ? 1 : 0);
}

bool sgl_bounce_address_in(sgl_view v, sgl_view *address)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.ptr[i] == '<' && sgl_bounce_address(sgl_view_from(v, i), address) > 0)
            return true;
    for (size_t i = 0; i < v.len; i++)
        if ((i == 0 || !local_byte(v.ptr[i - 1])) &&
            sgl_bounce_address(sgl_view_from(v, i), address) > 0)
            return true;
    return false;
}

/* ---- one line of several ---- */

enum sgl_status sgl_bounce_flat(sgl_view v, struct sgl_arena *arena, sgl_view *out)
{
    uint8_t *to;
    size_t len = 0;

    v = sgl_view_trim(v);
    v = sgl_view_sub(v, 0, SGL_LIMIT_BOUNCE_DIAGNOSTIC);
    to = sgl_arena_alloc(arena, v.len + 1);
    if (to == NULL)
        return arena->status;
    for (size_t i = 0; i < v.len; i++) {
        bool blank = sgl_ascii_is_control(v.ptr[i]) || v.ptr[i] == ' ';

        if (!blank)
            to[len++] = v.ptr[i];
        else if (len > 0 && to[len - 1] != ' ')
            to[len++] = ' ';
    }
    *out = sgl_view_of(to, len);
    return SGL_OK;
}
