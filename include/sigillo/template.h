/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates in the words of Handlebars, the part of it that templates for mail use (docs/templates.md): values, paths, conditions, loops, comparisons, dates.
 *
 * A template is read once and filled in many times.  The data belongs to the caller, who shows it through three functions: any tree of objects, arrays, strings and numbers will do.
 */
#ifndef SIGILLO_TEMPLATE_H
#define SIGILLO_TEMPLATE_H

#include "sigillo/arena.h"
#include "sigillo/buf.h"
#include "sigillo/diag.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_template;

/*
 * Reads a template.  *out lives in the arena and points into the text, which must stay.
 * SGL_OK; SGL_E_SYNTAX: diag says what is wrong, and diag->off where (sgl_template_place()); SGL_E_LIMIT: larger than SGL_LIMIT_TEMPLATE, of more than SGL_LIMIT_TEMPLATE_NODES
 * parts, nested deeper than SGL_LIMIT_TEMPLATE_DEPTH, or the arena is full; SGL_E_NOMEM.  Time and memory grow with the length of the text.
 */
SGL_API enum sgl_status sgl_template_parse(sgl_view text, struct sgl_arena *arena,
                                           const struct sgl_template **out,
                                           struct sgl_diag *diag) SGL_MUST_USE;
/* An offset as people count: lines from 1, characters of the line from 1. */
SGL_API void sgl_template_place(sgl_view text, size_t off, size_t *line, size_t *column);

enum sgl_template_kind {
    SGL_TEMPLATE_MISSING,
    SGL_TEMPLATE_NULL,
    SGL_TEMPLATE_FALSE,
    SGL_TEMPLATE_TRUE,
    SGL_TEMPLATE_NUMBER,
    SGL_TEMPLATE_STRING,
    SGL_TEMPLATE_ARRAY,
    SGL_TEMPLATE_OBJECT,
};
struct sgl_template_value {
    enum sgl_template_kind kind;
    double number;    /* NUMBER */
    char shown[48];   /* NUMBER: as it is written, with a NUL */
    sgl_view text;    /* STRING: UTF-8 */
    size_t count;     /* ARRAY: of its items */
    const void *node; /* ARRAY, OBJECT: the caller's own */
};
/* How the data is looked at.  *out is all zero before each call, and what it points to stays until the template is filled in. */
struct sgl_template_reader {
    /* The member of an object; false: there is none of that name. */
    bool (*member)(const void *node, sgl_view name, struct sgl_template_value *out);
    /* An item of an array; i is below its count. */
    void (*item)(const void *node, size_t i, struct sgl_template_value *out);
    /* The members of an object one after the other; *at is NULL at first, and the caller's own then.  false: that was the last. */
    bool (*next)(const void *node, const void **at, sgl_view *name, struct sgl_template_value *out);
};
struct sgl_template_data {
    const struct sgl_template_reader *reader;
    struct sgl_template_value root;
    bool html;     /* {{x}} is escaped for HTML; else it is written as {{{x}}} is */
    size_t *steps; /* what filling in may still cost, in nodes that are visited; counts down to 0 */
};
/*
 * Fills the template in, behind what `out` holds.  What is missing in the data is written as nothing.
 * SGL_OK; SGL_E_LIMIT: no steps are left, or the buffer is full; SGL_E_SYNTAX: a value cannot be what the template takes it for, a date that is none; SGL_E_NOMEM.
 * But for SGL_OK the buffer's new bytes are worth nothing, and diag says what happened where in the template.
 */
SGL_API enum sgl_status sgl_template_put(const struct sgl_template *t,
                                         const struct sgl_template_data *data, struct sgl_buf *out,
                                         struct sgl_diag *diag) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
