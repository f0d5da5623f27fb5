/* SPDX-License-Identifier: Apache-2.0 */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sigillo/base64.h"
#include "sigillo/hex.h"

/* ---- values ---- */

json_t *tool_failed(const char *why)
{
    return json_pack("{s:b, s:s}", "ok", 0, "why", why);
}

json_t *tool_failed_diag(const struct tool *t)
{
    return json_pack("{s:b, s:s, s:I}", "ok", 0, "why",
                     t->diag.what == NULL ? "limit or memory" : t->diag.what, "off",
                     (json_int_t)t->diag.off);
}

json_t *tool_text(sgl_view v)
{
    json_t *s = json_stringn(v.len == 0 ? "" : (const char *)v.ptr, v.len);

    return s == NULL ? json_null() : s;
}

json_t *tool_base64(sgl_view v)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(SIZE_MAX);

    sgl_base64_encode(&out, v);
    return tool_text(sgl_buf_view(&out));
}

sgl_view tool_string(const json_t *value)
{
    return sgl_view_of(json_string_value(value), json_string_length(value));
}

sgl_view tool_member(const struct tool *t, const char *name)
{
    return tool_string(json_object_get(t->in, name));
}

/* The bytes that `decode` makes of a string, in the arena. */
static sgl_view decoded(struct tool *t, const json_t *value,
                        enum sgl_status (*decode)(sgl_view text, struct sgl_buf *out))
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(SIZE_MAX);
    sgl_view copy = {NULL, 0};

    if (!json_is_string(value))
        return copy;
    if (decode(tool_string(value), &out) != SGL_OK ||
        sgl_arena_dup(&t->arena, sgl_buf_view(&out), &copy) != SGL_OK)
        abort();
    return copy.ptr == NULL ? SGL_LIT("") : copy;
}

sgl_view tool_unhex(struct tool *t, const json_t *value)
{
    return decoded(t, value, sgl_hex_decode);
}

sgl_view tool_unbase64(struct tool *t, const json_t *value)
{
    return decoded(t, value, sgl_base64_decode);
}

/* ---- lines ---- */

static json_t *run(struct tool *t, const struct tool_op *op)
{
    const char *name = json_string_value(json_object_get(t->in, "op"));

    for (; op->name != NULL; op++) {
        if (name != NULL && strcmp(name, op->name) == 0)
            return op->run(t);
    }
    return tool_failed("no such op");
}

int tool_main(const struct tool_op *op)
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        struct tool t = {.arena = SGL_ARENA_INIT((size_t)64 << 20)};
        json_t *out;

        t.in = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        if (t.in == NULL)
            return 2;
        out = run(&t, op);
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(out);
        json_decref(t.in);
        sgl_arena_done(&t.arena);
    }
    free(line);
    return 0;
}
