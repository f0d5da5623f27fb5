/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tools of this folder have in common: a JSON object a line on stdin, {"op":...}, and one a line on stdout, {"ok":true,...} or {"ok":false,"why":...}.
 */
#ifndef CONFORMANCE_TOOL_H
#define CONFORMANCE_TOOL_H

#include <jansson.h>

#include "sigillo/arena.h"
#include "sigillo/buf.h"
#include "sigillo/diag.h"

/* One line; all of it is made anew for the next. */
struct tool {
    json_t *in;
    struct sgl_arena arena;
    struct sgl_diag diag; /* of what failed */
};

struct tool_op {
    const char *name; /* NULL ends the list */
    json_t *(*run)(struct tool *t);
};

/* Until stdin ends; the result is main()'s. */
int tool_main(const struct tool_op *op);

json_t *tool_failed(const char *why);
/* What t->diag says, and where; "limit or memory" where it says nothing. */
json_t *tool_failed_diag(const struct tool *t);

/* ---- values ---- */

/* A view as a string; null when it is no UTF-8. */
json_t *tool_text(sgl_view v);
json_t *tool_base64(sgl_view v);
/* A string's bytes, borrowed; {NULL, 0} for what is no string. */
sgl_view tool_string(const json_t *value);
/* A member of the line as above. */
sgl_view tool_member(const struct tool *t, const char *name);
/* Decoded into the arena; {NULL, 0} for what is no string. What is not encoded so ends the program. */
sgl_view tool_unhex(struct tool *t, const json_t *value);
sgl_view tool_unbase64(struct tool *t, const json_t *value);

#endif
