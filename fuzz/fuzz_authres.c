/* SPDX-License-Identifier: Apache-2.0 */
/* What is read can be written, is one field then, and reads to the same; a field is never foreign to the one whose name it bears. */
#include <stdlib.h>

#include "sigillo/authres.h"
#include "sigillo/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same_value(sgl_view got, sgl_view want)
{
    for (size_t i = 0; i < want.len; i++)
        if (want.ptr[i] < ' ' || want.ptr[i] > '~' || want.len > SGL_LIMIT_AUTHRES_VALUE)
            return true; /* mended or cut on its way out */
    return sgl_view_eq(got, want);
}

static bool same(const struct sgl_authres *a, const struct sgl_authres *b)
{
    bool ok = a->results == b->results && sgl_view_eq(a->authserv_id, b->authserv_id);

    for (size_t i = 0; ok && i < a->results; i++) {
        const struct sgl_authres_result *x = &a->result[i], *y = &b->result[i];

        ok = sgl_view_eq(x->method, y->method) && x->version == y->version &&
             sgl_view_eq(x->result, y->result) && same_value(x->reason, y->reason) &&
             (x->reason.ptr == NULL) == (y->reason.ptr == NULL) && x->properties == y->properties;
        for (size_t p = 0; ok && p < x->properties; p++)
            ok = sgl_view_eq(x->property[p].ptype, y->property[p].ptype) &&
                 sgl_view_eq(x->property[p].property, y->property[p].property) &&
                 same_value(x->property[p].value, y->property[p].value);
    }
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 20);
    struct sgl_authres first, second;
    struct sgl_headers headers;
    enum sgl_authres_forgery forgery;

    if (sgl_authres_parse(sgl_view_of(data, size), &arena, &first, NULL) != SGL_OK ||
        sgl_authres_put(&first, &out) != SGL_OK)
        return 0;
    if (sgl_headers_parse(sgl_buf_view(&out), SGL_HEADERS_STRICT, &arena, &headers, NULL) !=
            SGL_OK ||
        headers.count != 1 || headers.section.len != out.len)
        abort();
    if (sgl_authres_parse(headers.field[0].value, &arena, &second, NULL) != SGL_OK) {
        if (headers.field[0].value.len <= SGL_LIMIT_AUTHRES_FIELD)
            abort();
        return 0;
    }
    if (!same(&second, &first))
        abort();
    if (sgl_authres_judge(&headers.field[0], first.authserv_id, &arena, &forgery) != SGL_OK ||
        forgery != SGL_AUTHRES_OURS)
        abort();
    return 0;
}
