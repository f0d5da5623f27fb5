/* SPDX-License-Identifier: Apache-2.0 */
/* Records as data by command line, for the Python tests (tool.h): {"op":...,"text":...}. */
#include "sigillo/bimi.h"
#include "sigillo/mta_sts.h"
#include "sigillo/tlsrpt.h"
#include "tool.h"

static sgl_view given(const struct tool *t)
{
    return tool_member(t, "text");
}

static json_t *op_mta_sts_record(struct tool *t)
{
    struct sgl_mta_sts_record r;

    if (sgl_mta_sts_record_parse(given(t), &r, &t->diag) != SGL_OK)
        return tool_failed_diag(t);
    return json_pack("{s:b, s:o}", "ok", 1, "id", tool_text(r.id));
}

static json_t *op_mta_sts_policy(struct tool *t)
{
    struct sgl_mta_sts_policy p;
    json_t *mx = json_array();

    if (sgl_mta_sts_policy_parse(given(t), &t->arena, &p, &t->diag) != SGL_OK) {
        json_decref(mx);
        return tool_failed_diag(t);
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

    if (sgl_tlsrpt_parse(given(t), &t->arena, &r, &t->diag) != SGL_OK) {
        json_decref(rua);
        return tool_failed_diag(t);
    }
    for (size_t i = 0; i < r.count; i++)
        json_array_append_new(rua, tool_text(r.rua[i].text));
    return json_pack("{s:b, s:o}", "ok", 1, "rua", rua);
}

static json_t *op_bimi(struct tool *t)
{
    struct sgl_bimi_record r;

    if (sgl_bimi_parse(given(t), &t->arena, &r, &t->diag) != SGL_OK)
        return tool_failed_diag(t);
    return json_pack("{s:b, s:o}", "ok", 1, "location", tool_text(r.location));
}

int main(void)
{
    static const struct tool_op ops[] = {{"mta-sts-record", op_mta_sts_record},
                                         {"mta-sts-policy", op_mta_sts_policy},
                                         {"tlsrpt-record", op_tlsrpt},
                                         {"bimi-record", op_bimi},
                                         {NULL, NULL}};

    return tool_main(ops);
}
