/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a template in: each node is a step, and so is each look at the data. */
#include "sigillo/banned.h"
#include "template_internal.h"

#define BYTES_A_STEP 64

bool sgl_template_fault(struct run *r, const char *what, size_t off)
{
    if (r->status == SGL_OK) {
        r->status = SGL_E_SYNTAX;
        sgl_diag_set(r->diag, what, TEMPLATE_RULE, r->t->text, off);
    }
    return false;
}

bool sgl_template_step(struct run *r, size_t steps, size_t off)
{
    if (r->status != SGL_OK)
        return false;
    if (r->out->status != SGL_OK) {
        r->status = r->out->status;
        sgl_diag_set(r->diag, "what comes out is too long", TEMPLATE_RULE, r->t->text, off);
        return false;
    }
    if (*r->data->steps >= steps) {
        *r->data->steps -= steps;
        return true;
    }
    *r->data->steps = 0;
    r->status = SGL_E_LIMIT;
    sgl_diag_set(r->diag, "filling the template in takes too long", TEMPLATE_RULE, r->t->text, off);
    return false;
}

bool sgl_template_step_bytes(struct run *r, size_t bytes, size_t off)
{
    return sgl_template_step(r, 1 + bytes / BYTES_A_STEP, off);
}

/* ---- expressions ---- */

static struct sgl_template_value walk(struct run *r, const struct expr *e, size_t part,
                                      struct sgl_template_value v)
{
    for (; part < e->parts; part++) {
        struct sgl_template_value next;

        if (!sgl_template_step_bytes(r, e->part[part].len, e->off))
            break;
        sgl_template_value_member(r, &v, e->part[part], e->off, &next);
        v = next;
    }
    return v;
}

static struct sgl_template_value eval_path(struct run *r, const struct expr *e,
                                           const struct scope *scope)
{
    for (unsigned i = 0; i < e->up && scope != NULL; i++)
        scope = scope->up;
    if (scope == NULL)
        return (struct sgl_template_value){.kind = SGL_TEMPLATE_MISSING};
    return walk(r, e, 0, scope->here);
}

static struct sgl_template_value frame_value(const struct frame *f, sgl_view name)
{
    if (sgl_view_eq(name, SGL_LIT("index")))
        return sgl_template_value_number((double)f->index, f->index);
    if (sgl_view_eq(name, SGL_LIT("key")))
        return f->key.ptr == NULL
                   ? sgl_template_value_number((double)f->index, f->index)
                   : (struct sgl_template_value){.kind = SGL_TEMPLATE_STRING, .text = f->key};
    if (sgl_view_eq(name, SGL_LIT("first")))
        return sgl_template_value_bool(f->first);
    if (sgl_view_eq(name, SGL_LIT("last")))
        return sgl_template_value_bool(f->last);
    return (struct sgl_template_value){.kind = SGL_TEMPLATE_MISSING};
}

static struct sgl_template_value eval_data(struct run *r, const struct expr *e,
                                           const struct frame *frame)
{
    struct sgl_template_value none = {.kind = SGL_TEMPLATE_MISSING};

    if (e->parts == 0)
        return none;
    if (sgl_view_eq(e->part[0], SGL_LIT("root")))
        return walk(r, e, 1, r->data->root);
    for (unsigned i = 0; i < e->up && frame != NULL; i++)
        frame = frame->up;
    return frame == NULL ? none : walk(r, e, 1, frame_value(frame, e->part[0]));
}

static bool compare(struct run *r, const struct expr *e, const struct sgl_template_value *a,
                    const struct sgl_template_value *b)
{
    switch (e->helper) {
    case HELPER_EQUALS:
        return sgl_template_value_equal(r, a, b, e->off);
    case HELPER_NOT_EQUALS:
        return !sgl_template_value_equal(r, a, b, e->off);
    case HELPER_GREATER:
        return sgl_template_value_less(r, b, a, e->off);
    case HELPER_LESS:
        return sgl_template_value_less(r, a, b, e->off);
    case HELPER_NONE:
    case HELPER_IF:
    case HELPER_UNLESS:
    case HELPER_EACH:
    case HELPER_WITH:
    case HELPER_AND:
    case HELPER_OR:
    case HELPER_LENGTH:
    case HELPER_INSERT:
    case HELPER_FORMAT_DATE:
        break;
    }
    return false;
}

/* and, or: the first argument that decides it ends the search. */
static bool eval_logic(struct run *r, const struct expr *e, const struct scope *scope,
                       const struct frame *frame)
{
    bool wanted = e->helper == HELPER_OR;

    for (const struct expr *a = e->first; a != NULL; a = a->next) {
        struct sgl_template_value v = sgl_template_eval(r, a, scope, frame);

        if (sgl_template_value_true(&v) == wanted)
            return wanted;
    }
    return !wanted;
}

static bool is_empty(const struct sgl_template_value *v)
{
    return v->kind == SGL_TEMPLATE_MISSING || v->kind == SGL_TEMPLATE_NULL ||
           (v->kind == SGL_TEMPLATE_STRING && v->text.len == 0);
}

/* The value, or what stands in its place: "default=TEXT", or "TEXT". */
static struct sgl_template_value eval_insert(struct run *r, const struct expr *e,
                                             const struct scope *scope, const struct frame *frame)
{
    struct sgl_template_value v = sgl_template_eval(r, e->first, scope, frame);

    if (!is_empty(&v) || e->args < 2)
        return v;
    v = sgl_template_eval(r, e->first->next, scope, frame);
    if (v.kind == SGL_TEMPLATE_STRING && sgl_view_starts(v.text, SGL_LIT("default=")))
        v.text = sgl_view_from(v.text, strlen("default="));
    return v;
}

static struct sgl_template_value eval_call(struct run *r, const struct expr *e,
                                           const struct scope *scope, const struct frame *frame)
{
    struct sgl_template_value a, b;
    size_t length;

    if (e->helper == HELPER_INSERT)
        return eval_insert(r, e, scope, frame);
    if (e->helper == HELPER_AND || e->helper == HELPER_OR)
        return sgl_template_value_bool(eval_logic(r, e, scope, frame));
    a = sgl_template_eval(r, e->first, scope, frame);
    if (e->helper == HELPER_LENGTH) {
        length = sgl_template_value_length(r, &a, e->off);
        return sgl_template_value_number((double)length, length);
    }
    b = sgl_template_eval(r, e->first->next, scope, frame);
    return sgl_template_value_bool(compare(r, e, &a, &b));
}

struct sgl_template_value sgl_template_eval(struct run *r, const struct expr *e,
                                            const struct scope *scope, const struct frame *frame)
{
    struct sgl_template_value none = {.kind = SGL_TEMPLATE_MISSING};

    if (!sgl_template_step(r, 1, e->off))
        return none;
    switch (e->kind) {
    case EXPR_PATH:
        return eval_path(r, e, scope);
    case EXPR_DATA:
        return eval_data(r, e, frame);
    case EXPR_LITERAL:
        return e->literal;
    case EXPR_CALL:
        return eval_call(r, e, scope, frame);
    }
    return none;
}

/* ---- nodes ---- */

static void put_program(struct run *r, const struct program *p, const struct scope *scope,
                        const struct frame *frame);

static void put_date(struct run *r, const struct node *n, const struct scope *scope,
                     const struct frame *frame, bool escape)
{
    const struct expr *e = n->expr->first;
    struct sgl_template_value when = sgl_template_eval(r, e, scope, frame);
    struct sgl_template_value format = sgl_template_eval(r, e->next, scope, frame);
    struct sgl_template_value zone = {.kind = SGL_TEMPLATE_MISSING};

    if (e->next->next != NULL)
        zone = sgl_template_eval(r, e->next->next, scope, frame);
    if (is_empty(&when) || r->status != SGL_OK)
        return;
    if (format.kind != SGL_TEMPLATE_STRING)
        sgl_template_fault(r, "formatDate: the format is no text", n->off);
    else
        sgl_template_put_date(r, &when, format.text, &zone, escape, n->off);
}

static void put_value(struct run *r, const struct node *n, const struct scope *scope,
                      const struct frame *frame)
{
    bool escape = r->data->html && !n->raw;
    struct sgl_template_value v;

    if (n->expr->kind == EXPR_CALL && n->expr->helper == HELPER_FORMAT_DATE) {
        put_date(r, n, scope, frame, escape);
        return;
    }
    v = sgl_template_eval(r, n->expr, scope, frame);
    sgl_template_value_put(r, &v, escape, n->off);
}

/* With another value as what is looked at; ../ leads back only from one that is another. */
static void put_with(struct run *r, const struct program *p, const struct sgl_template_value *v,
                     const struct scope *scope, const struct frame *frame, size_t off)
{
    struct scope inner = {.here = *v, .up = scope};

    if (sgl_template_step_bytes(r, v->kind == SGL_TEMPLATE_STRING ? v->text.len : 0, off))
        put_program(r, p, sgl_template_value_same(v, &scope->here) ? scope : &inner, frame);
}

static void put_array(struct run *r, const struct node *n, const struct sgl_template_value *v,
                      const struct scope *scope, const struct frame *frame)
{
    for (size_t i = 0; i < v->count && sgl_template_step(r, 1, n->off); i++) {
        struct sgl_template_value item = {.kind = SGL_TEMPLATE_MISSING};
        struct frame f = {.index = i, .first = i == 0, .last = i + 1 == v->count, .up = frame};

        r->data->reader->item(v->node, i, &item);
        put_with(r, n->program, &item, scope, &f, n->off);
    }
}

/* Which is the last is known when there is none behind it. false: there was none at all. */
static bool put_object(struct run *r, const struct node *n, const struct sgl_template_value *v,
                       const struct scope *scope, const struct frame *frame)
{
    const struct sgl_template_reader *reader = r->data->reader;
    struct sgl_template_value item = {.kind = SGL_TEMPLATE_MISSING}, after;
    struct frame f = {.first = true, .up = frame};
    const void *at = NULL;
    sgl_view key;

    if (!reader->next(v->node, &at, &f.key, &item))
        return false;
    while (!f.last && sgl_template_step(r, 1, n->off)) {
        after = (struct sgl_template_value){.kind = SGL_TEMPLATE_MISSING};
        f.last = !reader->next(v->node, &at, &key, &after);
        put_with(r, n->program, &item, scope, &f, n->off);
        f.first = false;
        f.index++;
        f.key = key;
        item = after;
    }
    return true;
}

static void put_each(struct run *r, const struct node *n, const struct sgl_template_value *v,
                     const struct scope *scope, const struct frame *frame)
{
    if (v->kind == SGL_TEMPLATE_ARRAY && v->count > 0)
        put_array(r, n, v, scope, frame);
    else if (v->kind != SGL_TEMPLATE_OBJECT || !put_object(r, n, v, scope, frame))
        put_program(r, n->inverse, scope, frame);
}

/* {{#name}}: a loop, a condition, or another context, as the value is. */
static void put_section(struct run *r, const struct node *n, const struct scope *scope,
                        const struct frame *frame)
{
    struct sgl_template_value v = sgl_template_eval(r, n->expr, scope, frame);

    if (v.kind == SGL_TEMPLATE_TRUE)
        put_program(r, n->program, scope, frame);
    else if (v.kind == SGL_TEMPLATE_ARRAY)
        put_each(r, n, &v, scope, frame);
    else if (v.kind == SGL_TEMPLATE_MISSING || v.kind == SGL_TEMPLATE_NULL ||
             v.kind == SGL_TEMPLATE_FALSE)
        put_program(r, n->inverse, scope, frame);
    else
        put_with(r, n->program, &v, scope, frame, n->off);
}

static bool zero_counts(struct run *r, const struct expr *e, const struct sgl_template_value *v,
                        const struct scope *scope, const struct frame *frame)
{
    struct sgl_template_value include;

    if (e->include_zero == NULL || v->kind != SGL_TEMPLATE_NUMBER)
        return false;
    include = sgl_template_eval(r, e->include_zero, scope, frame);
    return sgl_template_value_true(&include);
}

static void put_block(struct run *r, const struct node *n, const struct scope *scope,
                      const struct frame *frame)
{
    const struct expr *e = n->expr;
    struct sgl_template_value v;
    bool yes;

    if (e->kind != EXPR_CALL) {
        put_section(r, n, scope, frame);
        return;
    }
    v = e->helper >= HELPER_EQUALS ? eval_call(r, e, scope, frame)
                                   : sgl_template_eval(r, e->first, scope, frame);
    if (e->helper == HELPER_EACH) {
        put_each(r, n, &v, scope, frame);
        return;
    }
    yes = sgl_template_value_true(&v);
    if (e->helper == HELPER_WITH && (yes || v.kind == SGL_TEMPLATE_NUMBER)) {
        put_with(r, n->program, &v, scope, frame, n->off);
        return;
    }
    yes = yes || zero_counts(r, e, &v, scope, frame);
    put_program(r, yes != (e->helper == HELPER_UNLESS) ? n->program : n->inverse, scope, frame);
}

static void put_program(struct run *r, const struct program *p, const struct scope *scope,
                        const struct frame *frame)
{
    for (const struct node *n = p == NULL ? NULL : p->first;
         n != NULL && sgl_template_step(r, 1, n->off); n = n->next) {
        switch (n->kind) {
        case NODE_TEXT:
            sgl_buf_add(r->out, n->text);
            break;
        case NODE_VALUE:
            put_value(r, n, scope, frame);
            break;
        case NODE_BLOCK:
            put_block(r, n, scope, frame);
            break;
        case NODE_COMMENT:
            break;
        }
    }
}

enum sgl_status sgl_template_put(const struct sgl_template *t, const struct sgl_template_data *data,
                                 struct sgl_buf *out, struct sgl_diag *diag)
{
    struct run r = {.t = t, .data = data, .out = out, .diag = diag, .status = SGL_OK};
    struct scope scope = {.here = data->root, .up = NULL};

    put_program(&r, t->program, &scope, NULL);
    if (r.status == SGL_OK && out->status != SGL_OK) {
        r.status = out->status;
        sgl_diag_set(diag, "what comes out is too long", TEMPLATE_RULE, t->text, t->text.len);
    }
    return r.status;
}
