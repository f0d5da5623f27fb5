/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text and tags become programs.  A program ends where its block goes on or closes:
 *
 *   {{#helper ...}} program {{else helper ...}} program {{else}} program {{/helper}}
 *
 * What follows {{else helper}} is a block of its own, alone in the inverse of the one before.
 */
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "template_internal.h"

enum tag_kind {
    TAG_VALUE,
    TAG_COMMENT,
    TAG_OPEN,
    TAG_OPEN_INVERSE,
    TAG_ELSE,
    TAG_ELSE_IF,
    TAG_CLOSE,
    TAG_END
};
struct tag {
    enum tag_kind kind;
    size_t off;
    struct expr *expr;
    bool raw;
    struct strip strip;
};

/* ---- tags ---- */

static enum sgl_status read_end(struct parse *p, struct tag *tag, const char *braces)
{
    sgl_template_skip_space(p);
    tag->strip.close = sgl_template_take(p, "~");
    if (sgl_template_take(p, braces))
        return SGL_OK;
    if (p->at >= p->text.len)
        return sgl_template_wrong(p, "a tag is not closed", tag->off);
    return sgl_template_wrong(p, "this cannot stand within a tag", p->at);
}

static enum sgl_status read_comment(struct parse *p, struct tag *tag)
{
    bool dashes = sgl_template_take(p, "--");
    sgl_view rest = sgl_view_from(p->text, p->at);
    size_t end = 0;

    tag->kind = TAG_COMMENT;
    for (;;) {
        size_t step = sgl_view_find_view(sgl_view_from(rest, end), SGL_LIT("}}"));
        sgl_view body;

        end += step;
        if (end >= rest.len)
            return sgl_template_wrong(p, "a comment is not closed", tag->off);
        body = sgl_view_sub(rest, 0, end);
        tag->strip.close = sgl_view_ends(body, SGL_LIT("~"));
        body.len -= tag->strip.close;
        if (!dashes || sgl_view_ends(body, SGL_LIT("--")))
            break;
        end++;
    }
    p->at += end + 2;
    return SGL_OK;
}

/* {{{x}}}, whose ~ stand between the outer two braces and the inner one. */
static enum sgl_status read_raw(struct parse *p, struct tag *tag)
{
    tag->raw = true;
    SGL_TRY(sgl_template_expression(p, PLACE_VALUE, &tag->expr));
    sgl_template_skip_space(p);
    if (!sgl_template_take(p, "}"))
        return sgl_template_wrong(p, "}}} is wanted here", p->at);
    tag->strip.close = sgl_template_take(p, "~");
    return sgl_template_take(p, "}}") ? SGL_OK : sgl_template_wrong(p, "}}} is wanted here", p->at);
}

/* else, and not a name that only begins with it. */
static bool take_else(struct parse *p)
{
    size_t at = p->at;
    uint8_t c;

    sgl_template_skip_space(p);
    if (sgl_template_take(p, "else")) {
        c = p->at < p->text.len ? p->text.ptr[p->at] : 0;
        if (!sgl_ascii_is_alnum(c) && c != '_')
            return true;
    }
    p->at = at;
    return false;
}

static enum sgl_status read_else(struct parse *p, struct tag *tag)
{
    sgl_template_skip_space(p);
    tag->kind = TAG_ELSE;
    if (p->at < p->text.len && (p->text.ptr[p->at] == '}' || p->text.ptr[p->at] == '~'))
        return read_end(p, tag, "}}");
    tag->kind = TAG_ELSE_IF;
    SGL_TRY(sgl_template_expression(p, PLACE_BLOCK, &tag->expr));
    return read_end(p, tag, "}}");
}

static enum sgl_status read_inverse(struct parse *p, struct tag *tag)
{
    sgl_template_skip_space(p);
    if (p->at < p->text.len && (p->text.ptr[p->at] == '}' || p->text.ptr[p->at] == '~')) {
        tag->kind = TAG_ELSE;
        return read_end(p, tag, "}}");
    }
    tag->kind = TAG_OPEN_INVERSE;
    SGL_TRY(sgl_template_expression(p, PLACE_BLOCK, &tag->expr));
    return read_end(p, tag, "}}");
}

/* The place is behind the two braces of a tag. */
static enum sgl_status read_tag(struct parse *p, struct tag *tag)
{
    if (sgl_template_take(p, "{{"))
        return sgl_template_wrong(p, "raw blocks are not known here", tag->off);
    tag->strip.open = sgl_template_take(p, "~");
    if (sgl_template_take(p, "!"))
        return read_comment(p, tag);
    if (sgl_template_take(p, ">") || sgl_template_take(p, "#>"))
        return sgl_template_wrong(p, "partials are not known here", tag->off);
    if (sgl_template_take(p, "*") || sgl_template_take(p, "#*"))
        return sgl_template_wrong(p, "decorators are not known here", tag->off);
    if (sgl_template_take(p, "{"))
        return read_raw(p, tag);
    if (sgl_template_take(p, "^"))
        return read_inverse(p, tag);
    if (take_else(p))
        return read_else(p, tag);
    if (sgl_template_take(p, "/")) {
        tag->kind = TAG_CLOSE;
        SGL_TRY(sgl_template_name(p, &tag->expr));
    } else if (sgl_template_take(p, "#")) {
        tag->kind = TAG_OPEN;
        SGL_TRY(sgl_template_expression(p, PLACE_BLOCK, &tag->expr));
    } else {
        tag->raw = sgl_template_take(p, "&");
        SGL_TRY(sgl_template_expression(p, PLACE_VALUE, &tag->expr));
    }
    return read_end(p, tag, "}}");
}

/* ---- text ---- */

static struct node *add_node(struct parse *p, struct program *to, enum node_kind kind, size_t off)
{
    struct node *n = sgl_template_alloc(p, sizeof(*n));

    if (n == NULL)
        return NULL;
    n->kind = kind;
    n->off = off;
    n->prev = to->last;
    if (to->last == NULL)
        to->first = n;
    else
        to->last->next = n;
    to->last = n;
    return n;
}

static enum sgl_status add_text(struct parse *p, struct program *to, size_t from, size_t end)
{
    struct node *n;

    if (from == end)
        return SGL_OK;
    n = add_node(p, to, NODE_TEXT, from);
    if (n == NULL)
        return sgl_template_no_memory(p);
    n->text = n->original = sgl_view_sub(p->text, from, end - from);
    return SGL_OK;
}

/* Where the next two braces stand, from there on; the end of the text without any. */
static size_t find_braces(const struct parse *p, size_t from)
{
    return from + sgl_view_find_view(sgl_view_from(p->text, from), SGL_LIT("{{"));
}

/*
 * The text up to the next tag.  \{{ is no tag: what stands there is text, up to the next braces.  \\{{ is a backslash and a tag.
 */
static enum sgl_status read_text(struct parse *p, struct program *to)
{
    for (;;) {
        size_t from = p->at, braces = find_braces(p, from), end = braces;
        bool escaped = false;

        if (braces < p->text.len && braces > from && p->text.ptr[braces - 1] == '\\') {
            end--;
            escaped = !(end > from && p->text.ptr[end - 1] == '\\');
        }
        SGL_TRY(add_text(p, to, from, end));
        p->at = braces;
        if (!escaped)
            return SGL_OK;
        end = find_braces(p, braces + 2);
        for (size_t back = 0;
             back < 2 && end < p->text.len && end > braces + 2 && p->text.ptr[end - 1] == '\\';
             back++)
            end--;
        SGL_TRY(add_text(p, to, braces, end));
        p->at = end;
    }
}

/* ---- programs ---- */

static enum sgl_status read_program(struct parse *p, struct program **out, struct tag *end);

static enum sgl_status check_close(struct parse *p, const struct node *block, const struct tag *tag)
{
    if (tag->kind == TAG_END)
        return sgl_template_wrong(p, "a block is not closed", block->off);
    if (tag->kind != TAG_CLOSE)
        return sgl_template_wrong(p, "else stands here a second time", tag->off);
    return SGL_OK;
}

/* {{else helper}}: a block alone in a program. */
static enum sgl_status chained(struct parse *p, const struct tag *tag, struct program **out)
{
    struct program *program = sgl_template_alloc(p, sizeof(*program));
    struct node *block = program == NULL ? NULL : add_node(p, program, NODE_BLOCK, tag->off);

    if (block == NULL)
        return sgl_template_no_memory(p);
    program->chained = true;
    block->expr = tag->expr;
    block->strip = tag->strip;
    *out = program;
    return SGL_OK;
}

/*
 * What follows the opening tag, up to the closing one, which *close gets.  All blocks of a chain are closed by it.  Where that has a ~ at its left, the first two of them
 * feel it; those behind have the ~ of their own opening tags there, as Handlebars does it.
 */
static enum sgl_status read_block(struct parse *p, struct node *first, struct tag *close)
{
    struct node *block = first;
    size_t links = 0;
    unsigned depth = p->depth;

    for (;; links++) {
        struct tag tag;

        if (++p->depth > SGL_LIMIT_TEMPLATE_DEPTH) {
            sgl_diag_set(p->diag, "blocks are nested too deep", TEMPLATE_RULE, p->text, block->off);
            return SGL_E_LIMIT;
        }
        SGL_TRY(read_program(p, &block->program, &tag));
        if (tag.kind != TAG_ELSE_IF) {
            *close = tag;
            break;
        }
        block->inverse_strip = tag.strip;
        SGL_TRY(chained(p, &tag, &block->inverse));
        block = block->inverse->first;
    }
    if (close->kind == TAG_ELSE) {
        block->inverse_strip = close->strip;
        SGL_TRY(read_program(p, &block->inverse, close));
    }
    SGL_TRY(check_close(p, first, close));
    block = first;
    for (size_t i = 0; i <= links; i++) {
        block->close_strip = i < 2 ? close->strip : block->strip;
        if (i < links)
            block = block->inverse->first;
    }
    p->depth = depth;
    return SGL_OK;
}

static enum sgl_status add_block(struct parse *p, struct program *to, const struct tag *tag)
{
    struct node *block = add_node(p, to, NODE_BLOCK, tag->off);
    struct tag close = {.kind = TAG_END};
    struct program *swap;

    if (block == NULL)
        return sgl_template_no_memory(p);
    block->expr = tag->expr;
    block->strip = tag->strip;
    SGL_TRY(read_block(p, block, &close));
    if (!sgl_view_eq(tag->expr->text, close.expr->text))
        return sgl_template_wrong(p, "the block that is open here has another name",
                                  close.expr->off);
    if (tag->kind == TAG_OPEN_INVERSE) {
        swap = block->program;
        block->program = block->inverse;
        block->inverse = swap;
    }
    return SGL_OK;
}

static enum sgl_status add_tag(struct parse *p, struct program *to, const struct tag *tag)
{
    struct node *n;

    if (tag->kind == TAG_OPEN || tag->kind == TAG_OPEN_INVERSE)
        return add_block(p, to, tag);
    n = add_node(p, to, tag->kind == TAG_COMMENT ? NODE_COMMENT : NODE_VALUE, tag->off);
    if (n == NULL)
        return sgl_template_no_memory(p);
    n->expr = tag->expr;
    n->raw = tag->raw;
    n->strip = tag->strip;
    return SGL_OK;
}

static bool goes_on(enum tag_kind kind)
{
    return kind == TAG_VALUE || kind == TAG_COMMENT || kind == TAG_OPEN || kind == TAG_OPEN_INVERSE;
}

static enum sgl_status read_program(struct parse *p, struct program **out, struct tag *end)
{
    struct program *program = sgl_template_alloc(p, sizeof(*program));

    if (program == NULL)
        return sgl_template_no_memory(p);
    for (;;) {
        SGL_TRY(read_text(p, program));
        *end = (struct tag){.kind = TAG_END, .off = p->at};
        if (p->at == p->text.len)
            break;
        p->at += 2;
        end->kind = TAG_VALUE;
        SGL_TRY(read_tag(p, end));
        if (!goes_on(end->kind))
            break;
        SGL_TRY(add_tag(p, program, end));
    }
    *out = program;
    return SGL_OK;
}

enum sgl_status sgl_template_parse(sgl_view text, struct sgl_arena *arena,
                                   const struct sgl_template **out, struct sgl_diag *diag)
{
    struct parse p = {.text = text, .arena = arena, .diag = diag};
    struct sgl_template *t;
    struct tag end = {.kind = TAG_END};

    if (text.len > SGL_LIMIT_TEMPLATE) {
        sgl_diag_set(diag, "the template is too long", TEMPLATE_RULE, text, SGL_LIMIT_TEMPLATE);
        return SGL_E_LIMIT;
    }
    t = sgl_template_alloc(&p, sizeof(*t));
    if (t == NULL)
        return sgl_template_no_memory(&p);
    t->text = text;
    SGL_TRY(read_program(&p, &t->program, &end));
    if (end.kind != TAG_END)
        return sgl_template_wrong(&p, "no block is open here", end.off);
    sgl_template_strip_space(t->program);
    *out = t;
    return SGL_OK;
}
