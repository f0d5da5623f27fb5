/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: paths, literals, and helpers with their arguments. */
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "template_internal.h"

#define PARTS_MAX  64
#define NESTED_MAX 8

/* ---- helpers ---- */

static const struct helper_row {
    const char *name;
    enum helper helper;
    uint8_t min, max; /* arguments */
    bool block, value, inner;
} helpers[] = {
    {"if", HELPER_IF, 1, 1, true, false, false},
    {"unless", HELPER_UNLESS, 1, 1, true, false, false},
    {"each", HELPER_EACH, 1, 1, true, false, false},
    {"with", HELPER_WITH, 1, 1, true, false, false},
    {"equals", HELPER_EQUALS, 2, 2, true, false, true},
    {"notEquals", HELPER_NOT_EQUALS, 2, 2, true, false, true},
    {"greaterThan", HELPER_GREATER, 2, 2, true, false, true},
    {"lessThan", HELPER_LESS, 2, 2, true, false, true},
    {"and", HELPER_AND, 2, 16, true, false, true},
    {"or", HELPER_OR, 2, 16, true, false, true},
    {"length", HELPER_LENGTH, 1, 1, false, true, true},
    {"insert", HELPER_INSERT, 1, 2, false, true, true},
    {"formatDate", HELPER_FORMAT_DATE, 2, 3, false, true, false},
};

static const struct helper_row *find_helper(const struct expr *e)
{
    if (e->kind != EXPR_PATH || e->scoped || e->parts != 1)
        return NULL;
    for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++)
        if (sgl_view_eq(e->part[0], sgl_view_cstr(helpers[i].name)))
            return &helpers[i];
    return NULL;
}

/* ---- words ---- */

static int at(const struct parse *p, size_t ahead)
{
    return ahead < p->text.len - p->at ? p->text.ptr[p->at + ahead] : -1;
}

/* What may follow a name; the end of the text may not. */
static bool ends_name(int c)
{
    return c >= 0 && (sgl_ascii_is_fws((uint8_t)c) || strchr("=~}/.)|]\f\v", c) != NULL) && c != 0;
}

static bool ends_literal(int c)
{
    return c >= 0 && (sgl_ascii_is_fws((uint8_t)c) || strchr("~})\f\v", c) != NULL) && c != 0;
}

static bool in_name(int c)
{
    return c > 0 && !sgl_ascii_is_fws((uint8_t)c) &&
           strchr("!\"#%&'()*+,./;<=>@[\\]^`{|}~\f\v", c) == NULL;
}

static bool is_word(const struct parse *p, const char *word, size_t *len)
{
    *len = strlen(word);
    return sgl_view_starts(sgl_view_from(p->text, p->at), sgl_view_cstr(word)) &&
           ends_literal(at(p, *len));
}

/* ---- literals ---- */

/* Within quotes a backslash takes the meaning of the same quote away, and stays everywhere else. */
static enum sgl_status read_string(struct parse *p, struct expr *e)
{
    uint8_t quote = p->text.ptr[p->at], *copy;
    size_t from = p->at + 1, to = from, len = 0;

    while (to < p->text.len && p->text.ptr[to] != quote)
        to +=
            p->text.ptr[to] == '\\' && to + 1 < p->text.len && p->text.ptr[to + 1] == quote ? 2 : 1;
    if (to >= p->text.len)
        return sgl_template_wrong(p, "a quote is not closed", p->at);
    copy = sgl_template_alloc(p, to - from);
    if (copy == NULL)
        return sgl_template_no_memory(p);
    for (size_t i = from; i < to; i++) {
        if (p->text.ptr[i] == '\\' && p->text.ptr[i + 1] == quote)
            i++;
        copy[len++] = p->text.ptr[i];
    }
    e->kind = EXPR_LITERAL;
    e->literal.kind = SGL_TEMPLATE_STRING;
    e->literal.text = sgl_view_of(copy, len);
    p->at = to + 1;
    return SGL_OK;
}

/* The length of a number that stands here; 0: none does. */
static size_t number_length(const struct parse *p)
{
    size_t n = at(p, 0) == '-' ? 1 : 0, digits = n, dot;

    while (at(p, n) >= '0' && at(p, n) <= '9')
        n++;
    if (n == digits)
        return 0;
    dot = n;
    if (at(p, n) == '.') {
        do
            n++;
        while (at(p, n) >= '0' && at(p, n) <= '9');
        if (n == dot + 1)
            return 0;
    }
    return ends_literal(at(p, n)) ? n : 0;
}

static enum sgl_status read_number(struct parse *p, struct expr *e, size_t len)
{
    struct sgl_template_value *v = &e->literal;
    sgl_view text = sgl_view_sub(p->text, p->at, len);

    if (len >= sizeof(v->shown))
        return sgl_template_wrong(p, "a number is too long", p->at);
    e->kind = EXPR_LITERAL;
    v->kind = SGL_TEMPLATE_STRING;
    v->text = text;
    v->number = sgl_template_value_to_number(v);
    v->kind = SGL_TEMPLATE_NUMBER;
    memcpy(v->shown, text.ptr, len);
    p->at += len;
    return SGL_OK;
}

/* true: a literal stood here, or was begun; *st says how it ended. */
static bool read_literal(struct parse *p, struct expr *e, enum sgl_status *st)
{
    static const struct {
        const char *word;
        enum sgl_template_kind kind;
    } words[] = {
        {"true", SGL_TEMPLATE_TRUE},
        {"false", SGL_TEMPLATE_FALSE},
        {"null", SGL_TEMPLATE_NULL},
        {"undefined", SGL_TEMPLATE_MISSING},
    };
    size_t len = number_length(p);

    *st = SGL_OK;
    if (at(p, 0) == '"' || at(p, 0) == '\'') {
        *st = read_string(p, e);
        return true;
    }
    if (len > 0) {
        *st = read_number(p, e, len);
        return true;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (is_word(p, words[i].word, &len)) {
            e->kind = EXPR_LITERAL;
            e->literal.kind = words[i].kind;
            p->at += len;
            return true;
        }
    }
    return false;
}

/* ---- paths ---- */

/* One part; *plain: it is no [part in brackets]. */
static enum sgl_status read_part(struct parse *p, sgl_view *part, bool *plain)
{
    size_t from = p->at;

    *plain = true;
    if (sgl_template_take(p, "..")) {
        *part = sgl_view_sub(p->text, from, 2);
    } else if (at(p, 0) == '.' && ends_name(at(p, 1))) {
        p->at++;
        *part = sgl_view_sub(p->text, from, 1);
    } else if (at(p, 0) == '[') {
        size_t len = sgl_view_find(sgl_view_from(p->text, from), ']');

        if (len == p->text.len - from)
            return sgl_template_wrong(p, "a bracket is not closed", from);
        *part = sgl_view_sub(p->text, from + 1, len - 1);
        *plain = false;
        p->at += len + 1;
        return SGL_OK;
    } else {
        while (in_name(at(p, 0)))
            p->at++;
        *part = sgl_view_sub(p->text, from, p->at - from);
        if (part->len == 0)
            return sgl_template_wrong(p, "a name, a path or a value is wanted here", from);
    }
    return ends_name(at(p, 0)) ? SGL_OK
                               : sgl_template_wrong(p, "this cannot stand behind a name", p->at);
}

static enum sgl_status add_part(struct parse *p, struct expr *e, sgl_view part, bool plain,
                                sgl_view parts[PARTS_MAX])
{
    bool here = sgl_view_eq(part, SGL_LIT(".")) || sgl_view_eq(part, SGL_LIT("this"));
    bool up = sgl_view_eq(part, SGL_LIT(".."));

    if (plain && (here || up)) {
        if (e->parts > 0)
            return sgl_template_wrong(p, "this, . and .. stand at the beginning of a path only",
                                      e->off);
        e->scoped = true;
        e->up += up;
        return SGL_OK;
    }
    if (e->parts == PARTS_MAX)
        return sgl_template_wrong(p, "a path is too long", e->off);
    parts[e->parts++] = part;
    return SGL_OK;
}

static enum sgl_status read_path(struct parse *p, struct expr *e)
{
    sgl_view parts[PARTS_MAX], part = {NULL, 0};
    bool plain = true;

    e->kind = sgl_template_take(p, "@") ? EXPR_DATA : EXPR_PATH;
    do {
        SGL_TRY(read_part(p, &part, &plain));
        SGL_TRY(add_part(p, e, part, plain, parts));
    } while (sgl_template_take(p, ".") || sgl_template_take(p, "/"));
    if (e->up > SGL_LIMIT_TEMPLATE_DEPTH)
        return sgl_template_wrong(p, "a path goes up too far", e->off);
    e->part = sgl_template_alloc(p, e->parts * sizeof(*e->part));
    if (e->part == NULL)
        return sgl_template_no_memory(p);
    if (e->parts > 0)
        memcpy(e->part, parts, e->parts * sizeof(*e->part));
    return SGL_OK;
}

static enum sgl_status read_name(struct parse *p, struct expr **out)
{
    struct expr *e = sgl_template_alloc(p, sizeof(*e));
    enum sgl_status st;

    if (e == NULL)
        return sgl_template_no_memory(p);
    e->off = p->at;
    if (!read_literal(p, e, &st))
        st = read_path(p, e);
    e->text = sgl_view_sub(p->text, e->off, p->at - e->off);
    *out = e;
    return st;
}

/* ---- arguments ---- */

static enum sgl_status read_call(struct parse *p, struct expr *head, struct expr **out);

static enum sgl_status read_argument(struct parse *p, struct expr **out)
{
    struct expr *head = NULL;
    size_t off = p->at;

    if (!sgl_template_take(p, "("))
        return read_name(p, out);
    if (++p->nested > NESTED_MAX)
        return sgl_template_wrong(p, "brackets are nested too deep", off);
    sgl_template_skip_space(p);
    SGL_TRY(read_name(p, &head));
    SGL_TRY(read_call(p, head, out));
    if ((*out)->kind != EXPR_CALL)
        return sgl_template_wrong(p, "there is no helper of this name", off + 1);
    if (!sgl_template_take(p, ")"))
        return sgl_template_wrong(p, "a bracket is not closed", off);
    p->nested--;
    return SGL_OK;
}

/* NAME=ARGUMENT */
static enum sgl_status read_named(struct parse *p, struct expr *call, const struct expr *name)
{
    struct expr *value;

    p->at++;
    sgl_template_skip_space(p);
    SGL_TRY(read_argument(p, &value));
    if ((call->helper != HELPER_IF && call->helper != HELPER_UNLESS) ||
        !sgl_view_eq(name->text, SGL_LIT("includeZero")))
        return sgl_template_wrong(p, "the helper has no argument of this name", name->off);
    call->include_zero = value;
    return SGL_OK;
}

static bool ends_arguments(const struct parse *p)
{
    int c = at(p, 0);

    return c < 0 || c == '}' || c == '~' || c == ')' || c == '|';
}

static enum sgl_status read_arguments(struct parse *p, struct expr *call)
{
    struct expr **end = &call->first, *e;

    for (sgl_template_skip_space(p); !ends_arguments(p); sgl_template_skip_space(p)) {
        if (sgl_view_starts(sgl_view_from(p->text, p->at), SGL_LIT("as |")))
            return sgl_template_wrong(p, "block parameters are not known here", p->at);
        SGL_TRY(read_argument(p, &e));
        sgl_template_skip_space(p);
        if (at(p, 0) == '=' && e->kind == EXPR_PATH) {
            SGL_TRY(read_named(p, call, e));
            continue;
        }
        if (call->include_zero != NULL)
            return sgl_template_wrong(p, "named arguments come last", e->off);
        *end = e;
        end = &e->next;
        call->args++;
    }
    return SGL_OK;
}

/* Behind the head: it is a call if there is a helper of that name and anything follows, else it is the head itself. */
static enum sgl_status read_call(struct parse *p, struct expr *head, struct expr **out)
{
    const struct helper_row *row = find_helper(head);
    struct expr *call;

    sgl_template_skip_space(p);
    *out = head;
    if (ends_arguments(p) && (row == NULL || (row->value && p->nested == 0)))
        return SGL_OK;
    if (row == NULL)
        return sgl_template_wrong(p, "there is no helper of this name", head->off);
    call = sgl_template_alloc(p, sizeof(*call));
    if (call == NULL)
        return sgl_template_no_memory(p);
    *call = (struct expr){
        .kind = EXPR_CALL, .off = head->off, .text = head->text, .helper = row->helper};
    SGL_TRY(read_arguments(p, call));
    if (call->args < row->min || call->args > row->max)
        return sgl_template_wrong(p, "the helper has another number of arguments", head->off);
    if (p->nested > 0 && !row->inner)
        return sgl_template_wrong(p, "this helper cannot stand within brackets", head->off);
    *out = call;
    return SGL_OK;
}

enum sgl_status sgl_template_name(struct parse *p, struct expr **out)
{
    sgl_template_skip_space(p);
    SGL_TRY(read_name(p, out));
    sgl_template_skip_space(p);
    return SGL_OK;
}

/* A literal at the head is the name of a member: {{12}}. */
static enum sgl_status head_of_literal(struct parse *p, struct expr *e)
{
    sgl_view name = e->literal.kind == SGL_TEMPLATE_STRING ? e->literal.text : e->text;

    e->part = sgl_template_alloc(p, sizeof(*e->part));
    if (e->part == NULL)
        return sgl_template_no_memory(p);
    e->kind = EXPR_PATH;
    e->part[0] = name;
    e->parts = 1;
    return SGL_OK;
}

enum sgl_status sgl_template_expression(struct parse *p, enum place place, struct expr **out)
{
    struct expr *head = NULL;

    p->nested = 0;
    SGL_TRY(sgl_template_name(p, &head));
    if (head->kind == EXPR_LITERAL)
        SGL_TRY(head_of_literal(p, head));
    SGL_TRY(read_call(p, head, out));
    if ((*out)->kind != EXPR_CALL)
        return SGL_OK;
    if (place == PLACE_BLOCK ? !find_helper(head)->block : !find_helper(head)->value)
        return sgl_template_wrong(p,
                                  place == PLACE_BLOCK ? "this helper begins no block"
                                                       : "this helper begins a block: #",
                                  head->off);
    return SGL_OK;
}
