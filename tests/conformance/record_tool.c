/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as data by command line, for the Python tests: a JSON object a line on stdin, {"op":...,"text":...}, and one a line on stdout:
 * {"ok":false,"why":...} or {"ok":true,...}.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "sigillo/bimi.h"
#include "sigillo/mta_sts.h"
#include "sigillo/tlsrpt.h"

struct tool {
    struct sgl_arena arena;
    struct sgl_diag diag;
    sgl_view text;
};

static json_t *text(sgl_view v)
{
    return json_stringn(v.len == 0 ? "" : (const char *)v.ptr, v.len);
}

static json_t *failed(const struct tool *t)
{
    return json_pack("{s:b, s:s}", "ok", 0, "why",
                     t->diag.what == NULL ? "limit or memory" : t->diag.what);
}

static json_t *op_mta_sts_record(struct tool *t)
{
    struct sgl_mta_sts_record r;

    if (sgl_mta_sts_record_parse(t->text, &r, &t->diag) != SGL_OK)
        return failed(t);
    return json_pack("{s:b, s:o}", "ok", 1, "id", text(r.id));
}

static json_t *op_mta_sts_policy(struct tool *t)
{
    struct sgl_mta_sts_policy p;
    json_t *mx = json_array();

    if (sgl_mta_sts_policy_parse(t->text, &t->arena, &p, &t->diag) != SGL_OK) {
        json_decref(mx);
        return failed(t);
    }
    for (size_t i = 0; i < p.count; i++)
        json_array_append_new(
            mx, json_sprintf("%s%.*s", p.mx[i].wildcard ? "*." : "", SGL_FMT(p.mx[i].name.text)));
    return json_pack("{s:b, s:s, s:o, s:I}", "ok", 1, "mode", sgl_mta_sts_mode_name(p.mode), "mx",
                     mx, "max_age", (json_int_t)p.max_age_s);
}

static json_t *op_tlsrpt(struct tool *t)
{
    struct sgl_tlsrpt_record r;
    json_t *rua = json_array();

    if (sgl_tlsrpt_parse(t->text, &t->arena, &r, &t->diag) != SGL_OK) {
        json_decref(rua);
        return failed(t);
    }
    for (size_t i = 0; i < r.count; i++)
        json_array_append_new(rua, text(r.rua[i].text));
    return json_pack("{s:b, s:o}", "ok", 1, "rua", rua);
}

static json_t *op_bimi(struct tool *t)
{
    struct sgl_bimi_record r;

    if (sgl_bimi_parse(t->text, &t->arena, &r, &t->diag) != SGL_OK)
        return failed(t);
    return json_pack("{s:b, s:o}", "ok", 1, "location", text(r.location));
}

static json_t *answer(struct tool *t, const char *op)
{
    static const struct {
        const char *name;
        json_t *(*run)(struct tool *t);
    } ops[] = {{"mta-sts-record", op_mta_sts_record},
               {"mta-sts-policy", op_mta_sts_policy},
               {"tlsrpt-record", op_tlsrpt},
               {"bimi-record", op_bimi}};

    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (strcmp(op, ops[i].name) == 0)
            return ops[i].run(t);
    }
    return json_pack("{s:b, s:s}", "ok", 0, "why", "no such op");
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        json_t *in = json_loads(line, JSON_ALLOW_NUL, NULL), *out;
        const json_t *value = json_object_get(in, "text");
        struct tool t = {0};

        sgl_arena_init(&t.arena, 1 << 20);
        t.text = sgl_view_of(json_string_value(value), json_string_length(value));
        out = answer(&t, json_string_value(json_object_get(in, "op")));
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(out);
        json_decref(in);
        sgl_arena_done(&t.arena);
    }
    free(line);
    return 0;
}
