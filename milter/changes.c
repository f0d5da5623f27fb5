/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be changed on a message, told to the mail server at its end. */
#include "filter.h"

#include "sigillo/header.h"

static void add(struct changes *c, struct change change)
{
    struct change *grown;

    if (c->status == SGL_OK && c->count == c->room) {
        size_t room = c->room * 2 + 8;

        grown = SGL_NEW_N(c->arena, room, struct change);
        if (grown == NULL) {
            c->status = c->arena->status;
            return;
        }
        if (c->count > 0)
            memcpy(grown, c->item, c->count * sizeof *grown);
        c->item = grown;
        c->room = room;
    }
    if (c->status == SGL_OK)
        c->item[c->count++] = change;
}

static const char *text_of(struct changes *c, sgl_view v)
{
    const char *text = sgl_arena_cstr(c->arena, v);

    if (text == NULL && c->status == SGL_OK)
        c->status = c->arena->status != SGL_OK ? c->arena->status : SGL_E_SYNTAX;
    return text;
}

void changes_remove(struct changes *c, const char *name, unsigned instance)
{
    add(c, (struct change){CHANGE_REMOVE, name, instance, NULL});
}

void changes_hold(struct changes *c, const char *why)
{
    add(c, (struct change){CHANGE_HOLD, NULL, 0, why});
}

void changes_keep_removals(struct changes *c)
{
    size_t kept = 0;

    for (size_t i = 0; i < c->count; i++)
        if (c->item[i].kind == CHANGE_REMOVE)
            c->item[kept++] = c->item[i];
    c->count = kept;
}

/* CRLF becomes LF, as libmilter wants it; any other CR, and every NUL, must not be there. */
static const char *value_of(struct changes *c, sgl_view value)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(FIELDS_MAX);

    for (size_t i = 0; i < value.len; i++) {
        bool end = value.ptr[i] == '\r' && i + 1 < value.len && value.ptr[i + 1] == '\n';

        if (value.ptr[i] == '\0' || (value.ptr[i] == '\r' && !end))
            c->status = SGL_E_SYNTAX;
        if (!end)
            sgl_buf_add_byte(&out, value.ptr[i]);
    }
    if (c->status == SGL_OK)
        c->status = out.status;
    return text_of(c, sgl_buf_view(&out));
}

void changes_insert(struct changes *c, sgl_view fields)
{
    struct sgl_headers h;
    struct sgl_diag diag = {0};

    if (c->status != SGL_OK)
        return;
    c->status = sgl_headers_parse(fields, SGL_HEADERS_STRICT, c->arena, &h, &diag);
    for (size_t i = 0; c->status == SGL_OK && i < h.count; i++) {
        const char *name = text_of(c, h.field[i].name), *value = value_of(c, h.field[i].value);

        if (c->status == SGL_OK)
            add(c, (struct change){CHANGE_INSERT, name, 0, value});
    }
}

/* Their numbers are by name, and change when one goes: the last one goes first. [RFC 8601 s5] */
void changes_strip(struct changes *c, const struct sgl_headers *headers, const bool *remove)
{
    static const char name[] = "Authentication-Results";
    unsigned instance = (unsigned)sgl_headers_count(headers, sgl_view_cstr(name));

    for (size_t i = headers->count; i-- > 0;) {
        if (!sgl_view_eq_nocase(headers->field[i].name, sgl_view_cstr(name)))
            continue;
        if (remove[i])
            changes_remove(c, name, instance);
        instance--;
    }
}
