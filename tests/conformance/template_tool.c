/* SPDX-License-Identifier: Apache-2.0 */
/* Templates by command line, for the Python tests (tool.h): {"op":"render","text":...,"data":...,"html":true}. */
#include "../../server/templates/template_json.h"
#include "tool.h"

static json_t *wrong(const struct tool *t, sgl_view text)
{
    json_t *answer = tool_failed_diag(t);
    size_t line, column;

    sgl_template_place(text, t->diag.off, &line, &column);
    json_object_set_new(answer, "line", json_integer((json_int_t)line));
    json_object_set_new(answer, "column", json_integer((json_int_t)column));
    return answer;
}

static json_t *op_render(struct tool *t)
{
    sgl_view text = tool_member(t, "text");
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(8 << 20);
    size_t steps = 1000000;
    struct sgl_template_data data = {.reader = &template_json_reader,
                                     .root = template_json_value(json_object_get(t->in, "data")),
                                     .html = json_is_true(json_object_get(t->in, "html")),
                                     .steps = &steps};
    const struct sgl_template *template;

    if (sgl_template_parse(text, &t->arena, &template, &t->diag) != SGL_OK ||
        sgl_template_put(template, &data, &out, &t->diag) != SGL_OK)
        return wrong(t, text);
    return json_pack("{s:b, s:o}", "ok", 1, "text", tool_text(sgl_buf_view(&out)));
}

int main(void)
{
    static const struct tool_op ops[] = {{"render", op_render}, {NULL, NULL}};

    return tool_main(ops);
}
