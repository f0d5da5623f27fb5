/* SPDX-License-Identifier: Apache-2.0 */
/* Values: which are true, which are equal, which is less, what they look like.  As JavaScript has it, where a mail can tell the difference. */
#include <stdio.h>

#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/utf8.h"
#include "template_internal.h"

#define NESTED_MAX 16
#define NUMBER_MAX 400 /* digits of a text that is taken for a number */

struct sgl_template_value sgl_template_value_number(double n, size_t whole)
{
    struct sgl_template_value v = {.kind = SGL_TEMPLATE_NUMBER, .number = n};

    snprintf(v.shown, sizeof(v.shown), "%zu", whole);
    return v;
}

struct sgl_template_value sgl_template_value_bool(bool b)
{
    return (struct sgl_template_value){.kind = b ? SGL_TEMPLATE_TRUE : SGL_TEMPLATE_FALSE};
}

bool sgl_template_value_true(const struct sgl_template_value *v)
{
    switch (v->kind) {
    case SGL_TEMPLATE_MISSING:
    case SGL_TEMPLATE_NULL:
    case SGL_TEMPLATE_FALSE:
        return false;
    case SGL_TEMPLATE_NUMBER:
        return v->number < 0 || v->number > 0;
    case SGL_TEMPLATE_STRING:
        return v->text.len > 0;
    case SGL_TEMPLATE_ARRAY:
        return v->count > 0;
    case SGL_TEMPLATE_TRUE:
    case SGL_TEMPLATE_OBJECT:
        break;
    }
    return true;
}

static bool is_tree(const struct sgl_template_value *v)
{
    return v->kind == SGL_TEMPLATE_ARRAY || v->kind == SGL_TEMPLATE_OBJECT;
}

bool sgl_template_value_same(const struct sgl_template_value *a, const struct sgl_template_value *b)
{
    if (a->kind != b->kind)
        return false;
    if (is_tree(a))
        return a->node == b->node;
    if (a->kind == SGL_TEMPLATE_STRING)
        return sgl_view_eq(a->text, b->text);
    return a->kind != SGL_TEMPLATE_NUMBER || (a->number <= b->number && a->number >= b->number);
}

/* ---- numbers ---- */

/* Digits, taken into *n; how many of them. */
static size_t digits(sgl_view v, size_t at, double *n)
{
    size_t i = at;

    while (i < v.len && sgl_ascii_is_digit(v.ptr[i]))
        *n = *n * 10 + (v.ptr[i++] - '0');
    return i - at;
}

static double power(double n, unsigned exponent, bool down)
{
    double tens = 1;

    for (unsigned i = 0; i < exponent; i++)
        tens *= 10;
    return down ? n / tens : n * tens;
}

/* Signs, digits, a fraction, an exponent; false: it is no number. */
static bool text_number(sgl_view v, double *out)
{
    bool minus = v.len > 0 && v.ptr[0] == '-', down;
    size_t i = minus || (v.len > 0 && v.ptr[0] == '+') ? 1 : 0, whole, part = 0;
    double n = 0, exponent = 0;

    whole = digits(v, i, &n);
    i += whole;
    if (i < v.len && v.ptr[i] == '.') {
        part = digits(v, ++i, &n);
        i += part;
    }
    if (whole + part == 0)
        return false;
    n = power(n, (unsigned)part, true);
    if (i < v.len && (v.ptr[i] | 0x20) == 'e') {
        down = ++i < v.len && v.ptr[i] == '-';
        i += i < v.len && (v.ptr[i] == '-' || v.ptr[i] == '+');
        whole = digits(v, i, &exponent);
        if (whole == 0 || whole > 3)
            return false;
        i += whole;
        n = power(n, (unsigned)exponent, down);
    }
    *out = minus ? -n : n;
    return i == v.len;
}

double sgl_template_value_to_number(const struct sgl_template_value *v)
{
    sgl_view text;
    double n = 0;

    switch (v->kind) {
    case SGL_TEMPLATE_NUMBER:
        return v->number;
    case SGL_TEMPLATE_TRUE:
        return 1;
    case SGL_TEMPLATE_NULL:
    case SGL_TEMPLATE_FALSE:
        return 0;
    case SGL_TEMPLATE_STRING:
        if (v->text.len > NUMBER_MAX)
            break;
        text = sgl_view_trim(v->text);
        if (text.len == 0 || text_number(text, &n))
            return n;
        break;
    case SGL_TEMPLATE_MISSING:
    case SGL_TEMPLATE_ARRAY:
    case SGL_TEMPLATE_OBJECT:
        break;
    }
    return __builtin_nan("");
}

/* ---- comparing ---- */

static bool is_nothing(const struct sgl_template_value *v)
{
    return v->kind == SGL_TEMPLATE_MISSING || v->kind == SGL_TEMPLATE_NULL;
}

static bool charge_texts(struct run *r, const struct sgl_template_value *a,
                         const struct sgl_template_value *b, size_t off)
{
    size_t len = a->text.len < b->text.len ? a->text.len : b->text.len;

    return sgl_template_step_bytes(r, len, off);
}

bool sgl_template_value_equal(struct run *r, const struct sgl_template_value *a,
                              const struct sgl_template_value *b, size_t off)
{
    double x, y;

    if (!charge_texts(r, a, b, off))
        return false;
    if (is_nothing(a) || is_nothing(b))
        return is_nothing(a) && is_nothing(b);
    if (is_tree(a) || is_tree(b) ||
        (a->kind == SGL_TEMPLATE_STRING && b->kind == SGL_TEMPLATE_STRING))
        return sgl_template_value_same(a, b);
    x = sgl_template_value_to_number(a);
    y = sgl_template_value_to_number(b);
    return x <= y && x >= y;
}

bool sgl_template_value_less(struct run *r, const struct sgl_template_value *a,
                             const struct sgl_template_value *b, size_t off)
{
    if (!charge_texts(r, a, b, off))
        return false;
    if (a->kind == SGL_TEMPLATE_STRING && b->kind == SGL_TEMPLATE_STRING)
        return sgl_view_cmp(a->text, b->text) < 0;
    return sgl_template_value_to_number(a) < sgl_template_value_to_number(b);
}

/* In units of UTF-16, as the programs count that the templates were written with. */
size_t sgl_template_value_length(struct run *r, const struct sgl_template_value *v, size_t off)
{
    size_t n = 0;

    if (v->kind == SGL_TEMPLATE_ARRAY)
        return v->count;
    if (v->kind != SGL_TEMPLATE_STRING || !sgl_template_step_bytes(r, v->text.len, off))
        return 0;
    for (size_t i = 0; i < v->text.len; i++)
        n += (v->text.ptr[i] & 0xc0) == 0x80 ? 0 : v->text.ptr[i] >= 0xf0 ? 2 : 1;
    return n;
}

/* ---- members ---- */

void sgl_template_value_member(struct run *r, const struct sgl_template_value *v, sgl_view name,
                               size_t off, struct sgl_template_value *out)
{
    const struct sgl_template_reader *reader = r->data->reader;
    struct sgl_template_value found = {.kind = v->kind == SGL_TEMPLATE_NULL ? SGL_TEMPLATE_NULL
                                                                            : SGL_TEMPLATE_MISSING};
    uint64_t i;
    size_t length;

    if (v->kind == SGL_TEMPLATE_OBJECT) {
        if (!reader->member(v->node, name, &found))
            found.kind = SGL_TEMPLATE_MISSING;
    } else if (v->kind == SGL_TEMPLATE_ARRAY && v->count > 0 &&
               sgl_view_u64(name, v->count - 1, &i) && (name.len == 1 || name.ptr[0] != '0')) {
        reader->item(v->node, (size_t)i, &found);
    } else if ((v->kind == SGL_TEMPLATE_ARRAY || v->kind == SGL_TEMPLATE_STRING) &&
               sgl_view_eq(name, SGL_LIT("length"))) {
        length = sgl_template_value_length(r, v, off);
        found = sgl_template_value_number((double)length, length);
    }
    *out = found;
}

/* ---- text ---- */

static const char *entity(uint8_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#x27;";
    case '`':
        return "&#x60;";
    case '=':
        return "&#x3D;";
    default:
        return NULL;
    }
}

void sgl_template_put_text(struct run *r, sgl_view text, bool escape)
{
    size_t from = 0;

    for (size_t i = 0; escape && i < text.len; i++) {
        const char *instead = entity(text.ptr[i]);

        if (instead == NULL)
            continue;
        sgl_buf_add(r->out, sgl_view_sub(text, from, i - from));
        sgl_buf_add_cstr(r->out, instead);
        from = i + 1;
    }
    sgl_buf_add(r->out, sgl_view_from(text, from));
}

static void put(struct run *r, const struct sgl_template_value *v, bool escape, size_t off,
                unsigned nested);

static void put_items(struct run *r, const struct sgl_template_value *v, bool escape, size_t off,
                      unsigned nested)
{
    for (size_t i = 0; i < v->count && sgl_template_step(r, 1, off); i++) {
        struct sgl_template_value item = {.kind = SGL_TEMPLATE_MISSING};

        r->data->reader->item(v->node, i, &item);
        if (i > 0)
            sgl_buf_add_byte(r->out, ',');
        put(r, &item, escape, off, nested + 1);
    }
}

static void put(struct run *r, const struct sgl_template_value *v, bool escape, size_t off,
                unsigned nested)
{
    switch (v->kind) {
    case SGL_TEMPLATE_MISSING:
    case SGL_TEMPLATE_NULL:
        return;
    case SGL_TEMPLATE_FALSE:
        sgl_buf_add_cstr(r->out, "false");
        return;
    case SGL_TEMPLATE_TRUE:
        sgl_buf_add_cstr(r->out, "true");
        return;
    case SGL_TEMPLATE_NUMBER:
        sgl_buf_add_cstr(r->out, v->shown);
        return;
    case SGL_TEMPLATE_STRING:
        sgl_template_put_text(r, v->text, escape);
        return;
    case SGL_TEMPLATE_ARRAY:
        if (nested == NESTED_MAX)
            sgl_template_fault(r, "the arrays of a value are nested too deep", off);
        else
            put_items(r, v, escape, off, nested);
        return;
    case SGL_TEMPLATE_OBJECT:
        sgl_buf_add_cstr(r->out, "[object Object]");
        return;
    }
}

void sgl_template_value_put(struct run *r, const struct sgl_template_value *v, bool escape,
                            size_t off)
{
    put(r, v, escape, off, 0);
}
