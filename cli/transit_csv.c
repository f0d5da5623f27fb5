/* SPDX-License-Identifier: Apache-2.0 */
/* Cells that neither break a line of CSV nor run in a spreadsheet. */
#include "sigillo/view.h"
#include "transit_chart.h"

static bool is_one_of(uint8_t byte, const char *set)
{
    for (; *set != '\0'; set++)
        if (byte == (uint8_t)*set)
            return true;
    return false;
}

void transit_csv_put(struct sgl_buf *out, sgl_view cell, const char *end)
{
    bool formula = cell.len > 0 && is_one_of(cell.ptr[0], "=+-@\t\r");
    bool quoted = false;

    for (size_t i = 0; i < cell.len; i++)
        quoted = quoted || is_one_of(cell.ptr[i], ",\"\r\n");
    sgl_buf_add_cstr(out, quoted ? "\"" : "");
    sgl_buf_add_cstr(out, formula ? "'" : "");
    for (size_t i = 0; i < cell.len; i++) {
        if (cell.ptr[i] == '"')
            sgl_buf_add_byte(out, '"');
        sgl_buf_add_byte(out, cell.ptr[i]);
    }
    sgl_buf_add_cstr(out, quoted ? "\"" : "");
    sgl_buf_add_cstr(out, end);
}
