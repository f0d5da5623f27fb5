/* SPDX-License-Identifier: Apache-2.0 */
/* What parses is made of terms that stand in the text in their order, and parses to the same when written anew; what does not says where. */
#include <stdlib.h>

#include "sigillo/buf.h"
#include "sigillo/limits.h"
#include "sigillo/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_terms(const struct sgl_spf_record *r, struct sgl_buf *again)
{
    const uint8_t *at = r->text.ptr + 6;

    sgl_buf_add(again, SGL_LIT("v=spf1"));
    for (size_t i = 0; i < r->count; i++) {
        const struct sgl_spf_term *t = &r->term[i];

        if (t->text.len == 0 || t->text.ptr < at || t->bits4 > 32 || t->bits6 > 128 ||
            sgl_view_find(t->text, ' ') != t->text.len || t->domain.len > t->text.len)
            abort();
        at = t->text.ptr + t->text.len;
        sgl_buf_add_byte(again, ' ');
        sgl_buf_add(again, t->text);
    }
    if (at > r->text.ptr + r->text.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 20), again = SGL_BUF_INIT(1 << 20);
    struct sgl_spf_record one, other;
    struct sgl_diag diag = {0};
    enum sgl_status st;

    sgl_buf_add(&text, SGL_LIT("v=spf1 "));
    sgl_buf_add(&text, sgl_view_of(data, size));
    if (text.status != SGL_OK)
        return 0;
    st = sgl_spf_parse(sgl_buf_view(&text), &arena, &one, &diag);
    if ((st == SGL_OK) != (diag.what == NULL) || diag.off > text.len)
        abort();
    if (st != SGL_OK)
        return 0;
    if (one.count > SGL_LIMIT_SPF_TERMS || text.len > SGL_LIMIT_SPF_RECORD)
        abort();
    check_terms(&one, &again);
    if (again.status != SGL_OK)
        return 0;
    if (sgl_spf_parse(sgl_buf_view(&again), &arena, &other, NULL) != SGL_OK ||
        other.count != one.count)
        abort();
    return 0;
}
