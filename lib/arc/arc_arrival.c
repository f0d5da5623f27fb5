/* SPDX-License-Identifier: Apache-2.0 */
/* The results that this hand wrote down when the message arrived, for the set that it adds  [RFC 8617 s4.1.1, s5.1]. */
#include "arc_internal.h"

#include "sigillo/banned.h"
#include "sigillo/limits.h"

struct collector {
    struct sgl_buf *text;
    struct sgl_arena *arena;
    struct sgl_arc_arrival found;
};

/* "arc=pass", "arc/1 = pass": its result as a chain's state. */
static void read_chain(struct collector *c, sgl_view part)
{
    sgl_view rest = part, word;

    if (c->found.chain_known || !sgl_arc_word(&rest, c->arena, &word) ||
        !sgl_view_eq_nocase(word, SGL_LIT("arc")) || !sgl_arc_skip(&rest))
        return;
    if (rest.len > 0 && rest.ptr[0] == '/') {
        rest = sgl_view_from(rest, 1);
        if (!sgl_arc_word(&rest, c->arena, &word) || !sgl_arc_skip(&rest))
            return;
    }
    if (rest.len == 0 || rest.ptr[0] != '=')
        return;
    rest = sgl_view_from(rest, 1);
    if (!sgl_arc_word(&rest, c->arena, &word))
        word = sgl_view_of(NULL, 0);
    c->found.chain_known = true;
    c->found.chain = sgl_view_eq_nocase(word, SGL_LIT("none"))   ? SGL_ARC_NONE
                     : sgl_view_eq_nocase(word, SGL_LIT("pass")) ? SGL_ARC_PASS
                                                                 : SGL_ARC_FAIL;
}

static bool is_none(sgl_view part, struct sgl_arena *arena)
{
    sgl_view word;

    return sgl_arc_word(&part, arena, &word) && sgl_view_eq_nocase(word, SGL_LIT("none")) &&
           sgl_arc_skip(&part) && part.len == 0;
}

static void add_results(struct collector *c, sgl_view rest)
{
    sgl_view part;

    while (rest.ptr != NULL && sgl_arc_part(&rest, &part)) {
        part = sgl_view_trim(part);
        if (part.len == 0 || is_none(part, c->arena))
            continue;
        if (c->text->len > 0)
            sgl_buf_add(c->text, SGL_LIT("; "));
        sgl_buf_add(c->text, part);
        read_chain(c, part);
    }
}

/* Are all comments and quoted strings closed? */
static bool whole(sgl_view rest)
{
    sgl_view part;

    while (rest.ptr != NULL) {
        if (!sgl_arc_part(&rest, &part))
            return false;
    }
    return true;
}

static enum sgl_status add_field(struct collector *c, sgl_view value, sgl_view authserv_id)
{
    sgl_view line, rest, head, id;

    SGL_TRY(sgl_header_unfold(value, c->arena, &line));
    rest = line;
    if (!whole(rest) || !sgl_arc_part(&rest, &head))
        return SGL_OK;
    if (sgl_arc_word(&head, c->arena, &id) && sgl_view_eq_nocase(id, authserv_id)) {
        c->found.fields++;
        add_results(c, rest);
    }
    return c->arena->status;
}

enum sgl_status sgl_arc_arrival_read(const struct sgl_headers *headers, sgl_view authserv_id,
                                     struct sgl_arena *arena, struct sgl_arc_arrival *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(SGL_LIMIT_AUTHRES_FIELD);
    struct collector c = {.text = &text, .arena = arena, .found = {.chain = SGL_ARC_NONE}};
    const struct sgl_header *field = NULL;
    size_t seen = 0;

    while ((field = sgl_headers_next(headers, SGL_LIT("Authentication-Results"), field)) != NULL &&
           seen++ < SGL_LIMIT_AUTHRES_FIELDS)
        SGL_TRY(add_field(&c, field->value, authserv_id));
    SGL_TRY(text.status);
    SGL_TRY(sgl_arena_dup(arena, sgl_buf_view(&text), &c.found.results));
    *out = c.found;
    return SGL_OK;
}
