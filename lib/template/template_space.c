/* SPDX-License-Identifier: Apache-2.0 */
/*
 * White space.  A ~ takes all of it away at its side of a tag.  A tag of a block, or a comment, that stands alone on its line takes its line with it: what is before it on the
 * line, and what is behind it up to and with the end of the line.
 */
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "template_internal.h"

static bool is_space(uint8_t c)
{
    return sgl_ascii_is_fws(c) || c == '\f' || c == '\v';
}

/* Are there only blanks from the end of the text back to the end of a line, or, where `edge` says so, back to its beginning? */
static bool ends_line(sgl_view text, bool edge)
{
    for (size_t i = text.len; i > 0; i--) {
        if (text.ptr[i - 1] == '\n')
            return true;
        if (!is_space(text.ptr[i - 1]))
            return false;
    }
    return edge;
}

static bool begins_line(sgl_view text, bool edge)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n')
            return true;
        if (!is_space(text.ptr[i]))
            return false;
    }
    return edge;
}

/* prev is the node before a place, NULL: the place is at the beginning of its program. */
static bool line_before(const struct node *prev, bool root)
{
    if (prev == NULL)
        return root;
    return prev->kind == NODE_TEXT && ends_line(prev->original, root && prev->prev == NULL);
}

static bool line_after(const struct node *next, bool root)
{
    if (next == NULL)
        return root;
    return next->kind == NODE_TEXT && begins_line(next->original, root && next->next == NULL);
}

/* From the beginning of the text behind a tag: all white space, or the rest of the line. */
static void strip_right(struct node *n, bool all)
{
    size_t i = 0;

    if (n == NULL || n->kind != NODE_TEXT || (!all && n->right_stripped))
        return;
    while (i < n->text.len && (all ? is_space(n->text.ptr[i]) : sgl_ascii_is_wsp(n->text.ptr[i])))
        i++;
    if (!all && sgl_view_starts(sgl_view_from(n->text, i), SGL_LIT("\r\n")))
        i += 2;
    else if (!all && sgl_view_starts(sgl_view_from(n->text, i), SGL_LIT("\n")))
        i++;
    else if (!all && sgl_view_starts(sgl_view_from(n->text, i), SGL_LIT("\r")))
        i++;
    n->text = sgl_view_from(n->text, i);
    n->right_stripped = i > 0;
}

/* From the end of the text before a tag: all white space, or the blanks of its line. */
static void strip_left(struct node *n, bool all)
{
    size_t len;

    if (n == NULL || n->kind != NODE_TEXT || (!all && n->left_stripped))
        return;
    len = n->text.len;
    while (len > 0 &&
           (all ? is_space(n->text.ptr[len - 1]) : sgl_ascii_is_wsp(n->text.ptr[len - 1])))
        len--;
    n->left_stripped = len < n->text.len;
    n->text.len = len;
}

static struct node *first_of(const struct program *p)
{
    return p == NULL ? NULL : p->first;
}

static struct node *last_of(const struct program *p)
{
    return p == NULL ? NULL : p->last;
}

struct edges { /* is the line before, or behind, a tag its own? */
    struct strip strip;
    bool open_alone, close_alone, alone;
};

static void strip_program(struct program *p, bool root);

static void strip_inverse(const struct node *block, struct program *program,
                          struct program *inverse)
{
    struct program *first = inverse, *last = inverse;

    if (inverse->chained) {
        first = inverse->first->program;
        while (last->chained)
            last = last->last->program;
    }
    if (block->inverse_strip.open)
        strip_left(last_of(program), true);
    if (block->inverse_strip.close)
        strip_right(first_of(first), true);
    if (block->close_strip.open)
        strip_left(last_of(last), true);
    if (line_before(last_of(program), false) && line_after(first_of(first), false)) {
        strip_left(last_of(program), false);
        strip_right(first_of(first), false);
    }
}

static struct edges strip_block(const struct node *block)
{
    struct program *program = block->program == NULL ? block->inverse : block->program;
    struct program *inverse = block->program == NULL ? NULL : block->inverse;
    struct program *behind = inverse != NULL && inverse->chained ? inverse->first->program
                             : inverse != NULL                   ? inverse
                                                                 : program;
    struct edges e = {.strip = {block->strip.open, block->close_strip.close}};

    strip_program(block->program, false);
    strip_program(block->inverse, false);
    e.open_alone = line_after(first_of(program), false);
    e.close_alone = line_before(last_of(behind), false);
    if (block->strip.close)
        strip_right(first_of(program), true);
    if (inverse != NULL)
        strip_inverse(block, program, inverse);
    else if (block->close_strip.open)
        strip_left(last_of(program), true);
    return e;
}

static struct edges edges_of(const struct node *n)
{
    switch (n->kind) {
    case NODE_TEXT:
        break;
    case NODE_VALUE:
        return (struct edges){.strip = n->strip};
    case NODE_COMMENT:
        return (struct edges){.strip = n->strip, .alone = true};
    case NODE_BLOCK:
        return strip_block(n);
    }
    return (struct edges){0};
}

static void strip_node(const struct node *n, bool root)
{
    struct edges e = edges_of(n);
    bool before = line_before(n->prev, root), after = line_after(n->next, root);

    if (e.strip.close)
        strip_right(n->next, true);
    if (e.strip.open)
        strip_left(n->prev, true);
    if (e.alone && before && after) {
        strip_right(n->next, false);
        strip_left(n->prev, false);
    }
    if (e.open_alone && before) {
        strip_right(first_of(n->program == NULL ? n->inverse : n->program), false);
        strip_left(n->prev, false);
    }
    if (e.close_alone && after) {
        strip_right(n->next, false);
        strip_left(last_of(n->inverse == NULL ? n->program : n->inverse), false);
    }
}

static void strip_program(struct program *p, bool root)
{
    for (const struct node *n = first_of(p); n != NULL; n = n->next)
        if (n->kind != NODE_TEXT)
            strip_node(n, root);
}

void sgl_template_strip_space(struct program *root)
{
    strip_program(root, true);
}
