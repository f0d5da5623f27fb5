/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/authres by command line, for the Python tests (tool.h). Bytes come and go as base64.
 *   {"op":"parse","in":VALUE}                      {"ok":true,"id":...,"results":[[method,version,result,reason or null,[[ptype,property,value],...]],...]}
 *   {"op":"put","id":...,"results":[...as above]}  {"ok":true,"field":...}
 */
#include <stdlib.h>

#include "sigillo/authres.h"
#include "tool.h"

static json_t *bytes(sgl_view v)
{
    return v.ptr == NULL ? json_null() : tool_base64(v);
}

static sgl_view item(struct tool *t, const json_t *list, size_t i)
{
    return tool_unbase64(t, json_array_get(list, i));
}

static json_t *parse(struct tool *t)
{
    struct sgl_authres ar;
    json_t *results = json_array();

    if (sgl_authres_parse(tool_unbase64(t, json_object_get(t->in, "in")), &t->arena, &ar,
                          &t->diag) != SGL_OK) {
        json_decref(results);
        return tool_failed_diag(t);
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

static struct sgl_authres_result result_of(struct tool *t, const json_t *list)
{
    const json_t *properties = json_array_get(list, 4);
    size_t count = json_array_size(properties);
    struct sgl_authres_property *p = SGL_NEW_N(&t->arena, count, struct sgl_authres_property);

    if (p == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(properties, i);

        p[i] = (struct sgl_authres_property){item(t, one, 0), item(t, one, 1), item(t, one, 2)};
    }
    return (struct sgl_authres_result){item(t, list, 0),
                                       (unsigned)json_integer_value(json_array_get(list, 1)),
                                       item(t, list, 2),
                                       item(t, list, 3),
                                       p,
                                       count};
}

static json_t *put(struct tool *t)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 20);
    const json_t *list = json_object_get(t->in, "results");
    size_t count = json_array_size(list);
    struct sgl_authres_result *r = SGL_NEW_N(&t->arena, count, struct sgl_authres_result);
    struct sgl_authres ar = {tool_unbase64(t, json_object_get(t->in, "id")), 1, r, count};

    if (r == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        r[i] = result_of(t, json_array_get(list, i));
    if (sgl_authres_put(&ar, &out) != SGL_OK)
        return tool_failed("refused");
    return json_pack("{s:b, s:o}", "ok", 1, "field", bytes(sgl_buf_view(&out)));
}

int main(void)
{
    static const struct tool_op ops[] = {{"parse", parse}, {"put", put}, {NULL, NULL}};

    return tool_main(ops);
}
