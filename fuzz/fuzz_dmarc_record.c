/* SPDX-License-Identifier: Apache-2.0 */
/* Any TXT text is a record or none; what is written of one reads as the same; findings are printable. */
#include <stdlib.h>

#include "sigillo/buf.h"
#include "sigillo/dmarc.h"
#include "sigillo/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(const struct sgl_dmarc_record *r, struct sgl_buf *out)
{
    if (sgl_dmarc_put(r, out) != SGL_OK || r->ruas > SGL_LIMIT_DMARC_URIS || r->percent > 100 ||
        (r->has_p && r->bad_p) || (r->has_sp && r->bad_sp) || (r->has_np && r->bad_np))
        abort();
}

static void lint(sgl_view text, struct sgl_arena *arena, bool parses)
{
    struct sgl_name domain = {SGL_LIT("example.org")};
    struct sgl_findings list = {0};

    if (sgl_dmarc_lint(domain, text, arena, &list) != SGL_OK || (!parses && list.errors == 0))
        abort();
    for (const struct sgl_finding *f = list.first; f != NULL; f = f->next) {
        for (size_t i = 0; i < f->text.len; i++) {
            if (f->text.ptr[i] < ' ' || f->text.ptr[i] > '~')
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(8u << 20);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1u << 20), again = SGL_BUF_INIT(1u << 20);
    struct sgl_dmarc_record r;
    sgl_view in = sgl_view_of(data, size);
    enum sgl_status st = sgl_dmarc_parse(in, &arena, &r, NULL);

    if (st == SGL_OK && !sgl_dmarc_is_record(in))
        abort();
    if (size <= 8192)
        lint(in, &arena, st == SGL_OK);
    if (st != SGL_OK)
        return 0;
    put(&r, &text);
    if (sgl_dmarc_parse(sgl_buf_view(&text), &arena, &r, NULL) != SGL_OK)
        abort();
    put(&r, &again);
    if (!sgl_view_eq(sgl_buf_view(&text), sgl_buf_view(&again)))
        abort();
    return 0;
}
