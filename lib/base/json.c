/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON text as a tree.  The reader goes down by its own stack of open arrays and objects, never by that of the program. */
#include "sigillo/json.h"

#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"

struct reader {
    sgl_view text;
    size_t at;
    struct sgl_arena *arena;
    struct sgl_diag *diag;
    struct sgl_json *open[SGL_LIMIT_JSON_DEPTH]; /* arrays and objects that have not ended */
    struct sgl_json *last[SGL_LIMIT_JSON_DEPTH]; /* what came last in each of them */
    size_t depth;
};

static enum sgl_status wrong(struct reader *r, const char *what)
{
    sgl_diag_set(r->diag, what, "RFC 8259", r->text, r->at);
    return SGL_E_SYNTAX;
}

static enum sgl_status too_much(struct reader *r, const char *what)
{
    sgl_diag_set(r->diag, what, NULL, r->text, r->at);
    return SGL_E_LIMIT;
}

static bool at_end(const struct reader *r)
{
    return r->at >= r->text.len;
}

static uint8_t peek(const struct reader *r)
{
    return at_end(r) ? 0 : r->text.ptr[r->at];
}

static bool take(struct reader *r, uint8_t byte)
{
    if (at_end(r) || r->text.ptr[r->at] != byte)
        return false;
    r->at++;
    return true;
}

static void skip_blanks(struct reader *r)
{
    while (!at_end(r) && (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\n' || peek(r) == '\r'))
        r->at++;
}

/* ---- strings ---- */

static bool four_digits(sgl_view digits, uint32_t *out)
{
    *out = 0;
    if (digits.len != 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        int value = sgl_ascii_hex_value(digits.ptr[i]);

        if (value < 0)
            return false;
        *out = *out << 4 | (uint32_t)value;
    }
    return true;
}

/* Behind "\u": one unit, or two that are a pair.  A half of a pair is no character [RFC 7493 s2.1]. */
static bool unicode(struct reader *r, uint32_t *code)
{
    uint32_t low;

    if (!four_digits(sgl_view_sub(r->text, r->at, 4), code))
        return false;
    r->at += 4;
    if (*code < 0xd800 || *code > 0xdfff)
        return true;
    if (*code > 0xdbff || !sgl_view_eq(sgl_view_sub(r->text, r->at, 2), SGL_LIT("\\u")) ||
        !four_digits(sgl_view_sub(r->text, r->at + 2, 4), &low) || low < 0xdc00 || low > 0xdfff)
        return false;
    r->at += 6;
    *code = 0x10000 + ((*code & 0x3ff) << 10 | (low & 0x3ff));
    return true;
}

/* Behind a backslash. */
static bool escaped(struct reader *r, uint32_t *code)
{
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";

    if (take(r, 'u'))
        return unicode(r, code);
    for (size_t i = 0; plain[i] != '\0'; i++)
        if (take(r, (uint8_t)plain[i])) {
            *code = (uint8_t)meant[i];
            return true;
        }
    return false;
}

/* Where the string ends that begins at r->at, and whether something in it is written otherwise than it is. */
static enum sgl_status measure(struct reader *r, size_t *end, bool *escapes)
{
    size_t i = r->at;

    *escapes = false;
    for (; i < r->text.len && r->text.ptr[i] != '"'; i++) {
        if (r->text.ptr[i] < ' ') {
            r->at = i;
            return wrong(r, "a control character stands in a string");
        }
        if (r->text.ptr[i] == '\\') {
            *escapes = true;
            i++; /* the escape is read when the string is */
        }
    }
    if (i >= r->text.len)
        return wrong(r, "a string has no end");
    *end = i;
    return SGL_OK;
}

static enum sgl_status unescape(struct reader *r, size_t end, sgl_view *out)
{
    uint8_t *bytes =
        sgl_arena_alloc(r->arena, end - r->at); /* an escape is longer than what it means */
    size_t len = 0;

    if (bytes == NULL)
        return r->arena->status;
    while (r->at < end) {
        uint32_t code;

        if (peek(r) != '\\') {
            bytes[len++] = r->text.ptr[r->at++];
            continue;
        }
        r->at++;
        if (!escaped(r, &code))
            return wrong(r, "a backslash is followed by nothing that is known");
        len += sgl_utf8_put(code, bytes + len);
    }
    *out = sgl_view_of(bytes, len);
    return SGL_OK;
}

static enum sgl_status string(struct reader *r, sgl_view *out)
{
    size_t end = 0;
    bool escapes;

    if (!take(r, '"'))
        return wrong(r, "a string is missing");
    SGL_TRY(measure(r, &end, &escapes));
    if (!sgl_utf8_valid(sgl_view_sub(r->text, r->at, end - r->at)))
        return wrong(r, "a string is not UTF-8");
    if (escapes)
        SGL_TRY(unescape(r, end, out));
    else
        *out = sgl_view_sub(r->text, r->at, end - r->at);
    r->at = end + 1;
    return SGL_OK;
}

/* ---- numbers and words ---- */

static size_t digits(struct reader *r)
{
    size_t from = r->at;

    while (sgl_ascii_is_digit(peek(r)))
        r->at++;
    return r->at - from;
}

static enum sgl_status number(struct reader *r, sgl_view *out)
{
    size_t from = r->at;
    bool good;

    (void)take(r, '-');
    good = take(r, '0') || digits(r) > 0;
    if (good && take(r, '.'))
        good = digits(r) > 0;
    if (good && (take(r, 'e') || take(r, 'E'))) {
        if (!take(r, '+'))
            (void)take(r, '-');
        good = digits(r) > 0;
    }
    if (!good)
        return wrong(r, "a number breaks off");
    *out = sgl_view_sub(r->text, from, r->at - from);
    return SGL_OK;
}

static bool word(struct reader *r, sgl_view text)
{
    if (!sgl_view_starts(sgl_view_from(r->text, r->at), text))
        return false;
    r->at += text.len;
    return true;
}

static enum sgl_status scalar(struct reader *r, struct sgl_json *node)
{
    if (peek(r) == '"') {
        node->kind = SGL_JSON_STRING;
        return string(r, &node->text);
    }
    if (peek(r) == '-' || sgl_ascii_is_digit(peek(r))) {
        node->kind = SGL_JSON_NUMBER;
        return number(r, &node->text);
    }
    if (word(r, SGL_LIT("true")))
        node->kind = SGL_JSON_TRUE;
    else if (word(r, SGL_LIT("false")))
        node->kind = SGL_JSON_FALSE;
    else if (word(r, SGL_LIT("null")))
        node->kind = SGL_JSON_NULL;
    else
        return wrong(r, at_end(r) ? "the text ends where a value must stand" : "this is no value");
    return SGL_OK;
}

/* ---- arrays and objects ---- */

static struct sgl_json *inside(const struct reader *r)
{
    return r->depth == 0 ? NULL : r->open[r->depth - 1];
}

/* [RFC 7493 s2.3] */
static enum sgl_status check_new(struct reader *r, const struct sgl_json *object, sgl_view name)
{
    if (object->count >= SGL_LIMIT_JSON_MEMBERS)
        return too_much(r, "an object has too many members");
    if (sgl_json_member(object, name) != NULL)
        return wrong(r, "a member stands twice in its object");
    return SGL_OK;
}

/* `"name" :` in front of a member's value. */
static enum sgl_status member_name(struct reader *r, struct sgl_json *node)
{
    SGL_TRY(string(r, &node->name));
    SGL_TRY(check_new(r, inside(r), node->name));
    skip_blanks(r);
    if (!take(r, ':'))
        return wrong(r, "a colon is missing behind the name of a member");
    skip_blanks(r);
    return SGL_OK;
}

static void hang_in(struct reader *r, struct sgl_json *node)
{
    struct sgl_json *parent = inside(r);

    if (parent == NULL)
        return;
    if (parent->count++ == 0)
        parent->first = node;
    else
        r->last[r->depth - 1]->next = node;
    r->last[r->depth - 1] = node;
}

static enum sgl_status open_one(struct reader *r, struct sgl_json *node, enum sgl_json_kind kind)
{
    node->kind = kind;
    if (r->depth == SGL_LIMIT_JSON_DEPTH)
        return too_much(r, "arrays and objects are too deep within each other");
    r->open[r->depth] = node;
    r->last[r->depth++] = NULL;
    return SGL_OK;
}

/* One value: a scalar whole, of an array or object the beginning. */
static enum sgl_status value(struct reader *r, struct sgl_json **out)
{
    struct sgl_json *node = SGL_NEW(r->arena, struct sgl_json), *parent = inside(r);

    if (node == NULL)
        return r->arena->status;
    if (parent != NULL && parent->kind == SGL_JSON_OBJECT)
        SGL_TRY(member_name(r, node));
    hang_in(r, node);
    *out = node;
    if (take(r, '{'))
        return open_one(r, node, SGL_JSON_OBJECT);
    if (take(r, '['))
        return open_one(r, node, SGL_JSON_ARRAY);
    return scalar(r, node);
}

/* The end of as many arrays and objects as end here. *more: another value follows in the one that is open. */
static enum sgl_status close_those_that_end(struct reader *r, bool *more)
{
    for (*more = false; r->depth > 0;) {
        const struct sgl_json *top = inside(r);

        skip_blanks(r);
        if (take(r, top->kind == SGL_JSON_OBJECT ? '}' : ']')) {
            r->depth--;
            continue;
        }
        if (top->count > 0 && !take(r, ','))
            return wrong(r, at_end(r) ? "the text ends within an array or an object"
                                      : "a comma is missing between two values");
        skip_blanks(r);
        *more = true;
        return SGL_OK;
    }
    return SGL_OK;
}

enum sgl_status sgl_json_parse(sgl_view text, struct sgl_arena *arena, const struct sgl_json **out,
                               struct sgl_diag *diag)
{
    struct reader r = {.text = text, .arena = arena, .diag = diag};
    struct sgl_json *root = NULL, *node;
    bool more;

    (void)word(&r, SGL_LIT("\xef\xbb\xbf"));
    skip_blanks(&r);
    SGL_TRY(value(&r, &root));
    for (;;) {
        SGL_TRY(close_those_that_end(&r, &more));
        if (!more)
            break;
        SGL_TRY(value(&r, &node));
    }
    skip_blanks(&r);
    if (!at_end(&r))
        return wrong(&r, "something follows the value");
    *out = root;
    return SGL_OK;
}

/* ---- looking ---- */

const struct sgl_json *sgl_json_member(const struct sgl_json *object, sgl_view name)
{
    if (object == NULL || object->kind != SGL_JSON_OBJECT)
        return NULL;
    for (const struct sgl_json *m = object->first; m != NULL; m = m->next)
        if (sgl_view_eq(m->name, name))
            return m;
    return NULL;
}

bool sgl_json_u64(const struct sgl_json *value, uint64_t max, uint64_t *out)
{
    return value != NULL && value->kind == SGL_JSON_NUMBER && sgl_view_u64(value->text, max, out);
}
