/* SPDX-License-Identifier: Apache-2.0 */
/* A reply reads the same in any portions; what was read can be written and read again. */
#include <stdlib.h>

#include "sigillo/smtp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sgl_status read_in(sgl_view in, size_t portion, struct sgl_smtp_reply_parser *p,
                               struct sgl_smtp_reply *out, size_t *total)
{
    enum sgl_status st = SGL_MORE;
    size_t used;

    sgl_smtp_reply_parser_init(p);
    for (*total = 0; *total < in.len && st == SGL_MORE; *total += used)
        st = sgl_smtp_reply_feed(p, sgl_view_sub(in, *total, portion), &used, out);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sgl_smtp_reply_parser whole, single;
    struct sgl_smtp_reply a = {0}, b = {0};
    size_t used_a, used_b;
    enum sgl_status st = read_in(sgl_view_of(data, size), size, &whole, &a, &used_a);

    if (read_in(sgl_view_of(data, size), 1, &single, &b, &used_b) != st || used_a != used_b)
        abort();
    if (st == SGL_OK) {
        if (a.code != b.code || a.code < 200 || a.code > 599 || a.lines != b.lines ||
            !sgl_view_eq(a.text, b.text))
            abort();
        if (sgl_view_find(a.text, '\r') != a.text.len || sgl_view_find(a.text, '\0') != a.text.len)
            abort();
        if (a.enhanced.class_ != 0 && a.enhanced.class_ != a.code / 100)
            abort();
    }
    sgl_smtp_reply_parser_done(&whole);
    sgl_smtp_reply_parser_done(&single);
    return 0;
}
