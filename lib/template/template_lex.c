/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest steps of reading a template, and where a place in it is. */
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "template_internal.h"

enum sgl_status sgl_template_wrong(struct parse *p, const char *what, size_t off)
{
    sgl_diag_set(p->diag, what, TEMPLATE_RULE, p->text, off);
    return SGL_E_SYNTAX;
}

void *sgl_template_alloc(struct parse *p, size_t size)
{
    if (++p->nodes > SGL_LIMIT_TEMPLATE_NODES)
        return NULL;
    return sgl_arena_alloc(p->arena, size);
}

enum sgl_status sgl_template_no_memory(struct parse *p)
{
    if (p->nodes > SGL_LIMIT_TEMPLATE_NODES || p->arena->status == SGL_E_LIMIT) {
        sgl_diag_set(p->diag, "the template has too many parts", TEMPLATE_RULE, p->text, p->at);
        return SGL_E_LIMIT;
    }
    return SGL_E_NOMEM;
}

static bool is_space(uint8_t c)
{
    return sgl_ascii_is_fws(c) || c == '\f' || c == '\v';
}

void sgl_template_skip_space(struct parse *p)
{
    while (p->at < p->text.len && is_space(p->text.ptr[p->at]))
        p->at++;
}

bool sgl_template_take(struct parse *p, const char *what)
{
    sgl_view v = sgl_view_cstr(what);

    if (!sgl_view_starts(sgl_view_from(p->text, p->at), v))
        return false;
    p->at += v.len;
    return true;
}

void sgl_template_place(sgl_view text, size_t off, size_t *line, size_t *column)
{
    sgl_view before = sgl_view_sub(text, 0, off);

    *line = *column = 1;
    for (size_t i = 0; i < before.len; i++) {
        if (before.ptr[i] == '\n') {
            ++*line;
            *column = 1;
        } else if ((before.ptr[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}
