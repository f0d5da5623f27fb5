/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over a body by memchr(): it runs at memory speed because lines are short beside a vector register's reach. */
#include "sigillo/smtp_client.h"

static void note_bad(struct sgl_smtp_scan *scan, bool *flag, size_t line)
{
    *flag = true;
    if (scan->bad_line == 0)
        scan->bad_line = line;
}

static bool has_eightbit(sgl_view v)
{
    uint64_t word, seen = 0;
    size_t i = 0;

    for (; v.len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, v.ptr + i, sizeof word);
        seen |= word;
    }
    for (; i < v.len; i++)
        seen |= v.ptr[i];
    return (seen & UINT64_C(0x8080808080808080)) != 0;
}

/* A line without its LF; ended: the LF was there. */
static void scan_line(struct sgl_smtp_scan *scan, sgl_view line, bool ended, size_t number)
{
    size_t cr = sgl_view_find(line, '\r');

    if (line.len > 0 && line.ptr[0] == '.')
        scan->stuffing = true;
    if (cr != line.len && (!ended || cr != line.len - 1))
        note_bad(scan, &scan->bare_cr, number);
    if (ended && (line.len == 0 || line.ptr[line.len - 1] != '\r'))
        note_bad(scan, &scan->bare_lf, number);
    if (!ended)
        scan->open_end = true;
    else if (line.len > 0)
        line.len--;
    if (line.len > scan->line_max)
        scan->line_max = line.len;
}

void sgl_smtp_scan(sgl_view body, struct sgl_smtp_scan *out)
{
    struct sgl_smtp_scan scan = {0};
    size_t number = 0, nul = sgl_view_find(body, '\0');

    scan.eightbit = has_eightbit(body);
    for (sgl_view rest = body; rest.len != 0;) {
        size_t lf = sgl_view_find(rest, '\n');

        number++;
        if (nul < body.len && nul < (size_t)(rest.ptr - body.ptr) + lf && !scan.nul)
            note_bad(&scan, &scan.nul, number);
        scan_line(&scan, sgl_view_sub(rest, 0, lf), lf < rest.len, number);
        rest = sgl_view_from(rest, lf + 1);
    }
    *out = scan;
}
