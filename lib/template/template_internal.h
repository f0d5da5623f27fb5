/* SPDX-License-Identifier: Apache-2.0 */
/* What a template is after it was read: programs of nodes, and expressions. */
#ifndef LIB_TEMPLATE_TEMPLATE_INTERNAL_H
#define LIB_TEMPLATE_TEMPLATE_INTERNAL_H

#include "sigillo/arith.h"
#include "sigillo/limits.h"
#include "sigillo/template.h"

#define TEMPLATE_RULE "Handlebars"

/* ---- helpers: one row each in template_expression.c ---- */

enum helper {
    HELPER_NONE,
    HELPER_IF,
    HELPER_UNLESS,
    HELPER_EACH,
    HELPER_WITH,
    HELPER_EQUALS,
    HELPER_NOT_EQUALS,
    HELPER_GREATER,
    HELPER_LESS,
    HELPER_AND,
    HELPER_OR,
    HELPER_LENGTH,
    HELPER_INSERT,
    HELPER_FORMAT_DATE,
};

/* ---- expressions ---- */

enum expr_kind { EXPR_PATH, EXPR_DATA, EXPR_LITERAL, EXPR_CALL };
struct expr {
    enum expr_kind kind;
    size_t off;
    sgl_view text; /* as it stands in the template */
    /* PATH: so many contexts up, then the members; DATA: "index", "root" ..., so many loops up */
    unsigned up;
    sgl_view *part;
    size_t parts;
    bool scoped; /* it began with this, . or .. and is no helper's name */
    struct sgl_template_value literal;
    /* CALL */
    enum helper helper;
    struct expr *first, *next; /* arguments; the one behind this one */
    size_t args;
    const struct expr *include_zero; /* if, unless: the argument of that name, or NULL */
};

/* ---- nodes ---- */

struct strip { /* a ~ at the left and at the right edge of a tag */
    bool open, close;
};
enum node_kind { NODE_TEXT, NODE_VALUE, NODE_BLOCK, NODE_COMMENT };
struct program;
struct node {
    enum node_kind kind;
    struct node *next, *prev;
    size_t off;
    /* TEXT */
    sgl_view text, original; /* what is left of it, and what stood there */
    bool left_stripped, right_stripped;
    /* VALUE, BLOCK: a call of a helper, or a path */
    struct expr *expr;
    bool raw;
    struct strip strip; /* VALUE, COMMENT; BLOCK: of its opening tag */
    struct strip inverse_strip, close_strip;
    struct program *program, *inverse; /* either may be NULL */
};
struct program {
    struct node *first, *last;
    bool chained; /* holds one block, which began with {{else HELPER}} */
};
struct sgl_template {
    sgl_view text;
    struct program *program;
};

/* ---- reading ---- */

struct parse {
    sgl_view text;
    size_t at;
    struct sgl_arena *arena;
    struct sgl_diag *diag;
    size_t nodes;
    unsigned depth;
    unsigned nested; /* brackets of expressions */
};
enum sgl_status sgl_template_wrong(struct parse *p, const char *what, size_t off);
/* Memory, counted; NULL: see sgl_template_no_memory(). */
void *sgl_template_alloc(struct parse *p, size_t size);
enum sgl_status sgl_template_no_memory(struct parse *p);
void sgl_template_skip_space(struct parse *p);
/* Is this what stands at the place?  Then it is passed. */
bool sgl_template_take(struct parse *p, const char *what);

/* Where an expression may stand. */
enum place { PLACE_VALUE, PLACE_BLOCK };
/* The expression of a tag: a value, or a helper with its arguments; up to what can belong to none. */
enum sgl_status sgl_template_expression(struct parse *p, enum place place, struct expr **out);
/* A path or a literal, as in a closing tag. */
enum sgl_status sgl_template_name(struct parse *p, struct expr **out);

/* White space beside tags that stand alone on their line, or that have a ~. */
void sgl_template_strip_space(struct program *root);

/* ---- filling in ---- */

struct scope {
    struct sgl_template_value here;
    const struct scope *up;
};
struct frame {    /* of a loop */
    sgl_view key; /* of an object's member; ptr NULL: of an array */
    size_t index;
    bool first, last;
    const struct frame *up;
};
struct run {
    const struct sgl_template *t;
    const struct sgl_template_data *data;
    struct sgl_buf *out;
    struct sgl_diag *diag;
    enum sgl_status status;
};
/* false: no steps are left, or something failed before. */
bool sgl_template_step(struct run *r, size_t steps, size_t off);
/* The same for so many bytes that are looked at without a step of their own. */
bool sgl_template_step_bytes(struct run *r, size_t bytes, size_t off);
bool sgl_template_fault(struct run *r, const char *what, size_t off);

struct sgl_template_value sgl_template_value_number(double n, size_t whole);
struct sgl_template_value sgl_template_value_bool(bool b);
bool sgl_template_value_true(const struct sgl_template_value *v);
bool sgl_template_value_same(const struct sgl_template_value *a,
                             const struct sgl_template_value *b);
bool sgl_template_value_equal(struct run *r, const struct sgl_template_value *a,
                              const struct sgl_template_value *b, size_t off);
/* less: a < b; else a > b.  What cannot be compared is neither. */
bool sgl_template_value_less(struct run *r, const struct sgl_template_value *a,
                             const struct sgl_template_value *b, size_t off);
double sgl_template_value_to_number(const struct sgl_template_value *v);
size_t sgl_template_value_length(struct run *r, const struct sgl_template_value *v, size_t off);
void sgl_template_value_member(struct run *r, const struct sgl_template_value *v, sgl_view name,
                               size_t off, struct sgl_template_value *out);
void sgl_template_value_put(struct run *r, const struct sgl_template_value *v, bool escape,
                            size_t off);
void sgl_template_put_text(struct run *r, sgl_view text, bool escape);

struct sgl_template_value sgl_template_eval(struct run *r, const struct expr *e,
                                            const struct scope *scope, const struct frame *frame);
/* The date itself; off is where the helper stands. */
void sgl_template_put_date(struct run *r, const struct sgl_template_value *when, sgl_view format,
                           const struct sgl_template_value *zone, bool escape, size_t off);

#endif
