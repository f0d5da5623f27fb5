/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/authres by command line, for the Python tests: a JSON object a line on stdin, one a line on stdout. Bytes come and go as base64.
 *   {"op":"parse","in":VALUE}                      {"ok":true,"id":...,"results":[[method,version,result,reason or null,[[ptype,property,value],...]],...]}
 *   {"op":"put","id":...,"results":[...as above]}  {"ok":true,"field":...}
 * or {"ok":false,"why":...}.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "sigillo/authres.h"
#include "sigillo/base64.h"

static json_t *bytes(sgl_view v)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(SIZE_MAX);

    if (v.ptr == NULL)
        return json_null();
    sgl_base64_encode(&out, v);
    return json_stringn(out.len == 0 ? "" : (const char *)out.data, out.len);
}

static sgl_view unbytes(struct sgl_arena *arena, const json_t *value)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(SIZE_MAX);
    sgl_view copy = {NULL, 0};

    if (!json_is_string(value))
        return copy;
    if (sgl_base64_decode(sgl_view_of(json_string_value(value), json_string_length(value)), &out) !=
            SGL_OK ||
        sgl_arena_dup(arena, sgl_buf_view(&out), &copy) != SGL_OK)
        abort();
    return copy.ptr == NULL ? SGL_LIT("") : copy;
}

static json_t *failed(const char *why)
{
    return json_pack("{s:b, s:s}", "ok", 0, "why", why == NULL ? "limit" : why);
}

static json_t *parse(struct sgl_arena *arena, const json_t *in)
{
    struct sgl_authres ar;
    struct sgl_diag diag = {0};
    json_t *results = json_array();

    if (sgl_authres_parse(unbytes(arena, json_object_get(in, "in")), arena, &ar, &diag) != SGL_OK) {
        json_decref(results);
        return failed(diag.what);
    }
    for (size_t i = 0; i < ar.results; i++) {
        const struct sgl_authres_result *r = &ar.result[i];
        json_t *properties = json_array();

        for (size_t p = 0; p < r->properties; p++)
            json_array_append_new(properties, json_pack("[o,o,o]", bytes(r->property[p].ptype),
                                                        bytes(r->property[p].property),
                                                        bytes(r->property[p].value)));
        json_array_append_new(results, json_pack("[o,i,o,o,o]", bytes(r->method), (int)r->version,
                                                 bytes(r->result), bytes(r->reason), properties));
    }
    return json_pack("{s:b, s:o, s:o}", "ok", 1, "id", bytes(ar.authserv_id), "results", results);
}

static struct sgl_authres_result result_of(struct sgl_arena *arena, const json_t *list)
{
    const json_t *properties = json_array_get(list, 4);
    size_t count = json_array_size(properties);
    struct sgl_authres_property *p = SGL_NEW_N(arena, count, struct sgl_authres_property);

    if (p == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(properties, i);

        p[i] = (struct sgl_authres_property){unbytes(arena, json_array_get(one, 0)),
                                             unbytes(arena, json_array_get(one, 1)),
                                             unbytes(arena, json_array_get(one, 2))};
    }
    return (struct sgl_authres_result){unbytes(arena, json_array_get(list, 0)),
                                       (unsigned)json_integer_value(json_array_get(list, 1)),
                                       unbytes(arena, json_array_get(list, 2)),
                                       unbytes(arena, json_array_get(list, 3)),
                                       p,
                                       count};
}

static json_t *put(struct sgl_arena *arena, const json_t *in)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 20);
    const json_t *list = json_object_get(in, "results");
    size_t count = json_array_size(list);
    struct sgl_authres_result *r = SGL_NEW_N(arena, count, struct sgl_authres_result);
    struct sgl_authres ar = {unbytes(arena, json_object_get(in, "id")), 1, r, count};

    if (r == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        r[i] = result_of(arena, json_array_get(list, i));
    if (sgl_authres_put(&ar, &out) != SGL_OK)
        return failed("refused");
    return json_pack("{s:b, s:o}", "ok", 1, "field", bytes(sgl_buf_view(&out)));
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(64u << 20);
        json_t *in = json_loads(line, JSON_REJECT_DUPLICATES, NULL), *out;
        const char *op = json_string_value(json_object_get(in, "op"));

        if (op == NULL)
            return 2;
        out = strcmp(op, "put") == 0 ? put(&arena, in) : parse(&arena, in);
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(out);
        json_decref(in);
    }
    free(line);
    return 0;
}
