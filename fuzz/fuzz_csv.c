/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as comma-separated values: lines count upwards, fields lie in the text, and what is written again reads the same. */
#include <stdlib.h>
#include <string.h>

#include "../server/doors/http/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct csv *c)
{
    struct sgl_buf out = SGL_BUF_INIT(CSV_FIELDS_MAX * (2 * CSV_FIELD_MAX + 3));
    struct csv again;

    for (size_t i = 0; i < c->fields; i++)
        csv_put(&out, c->field[i], i + 1 < c->fields ? ',' : '\n');
    csv_init(&again, out.data, out.len);
    /* One empty field alone is an empty line. */
    if (out.status != SGL_OK ||
        (csv_next(&again) == CSV_RECORD) != (c->fields > 1 || c->field[0].len > 0))
        abort();
    for (size_t i = 0; i < again.fields; i++)
        if (again.fields != c->fields || !sgl_view_eq(again.field[i], c->field[i]))
            abort();
    sgl_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *text = malloc(size + 1);
    size_t line = 0;
    struct csv c;
    enum csv_step step;

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    csv_init(&c, text, size);
    while ((step = csv_next(&c)) == CSV_RECORD) {
        if (c.line <= line || c.fields == 0)
            abort();
        line = c.line;
        check_again(&c);
    }
    if ((step == CSV_FAULT) != (c.fault != NULL) || csv_next(&c) != CSV_END)
        abort();
    free(text);
    return 0;
}
