/* SPDX-License-Identifier: Apache-2.0 */
/* A token request: up to the first NUL what stands behind "Basic ", then the form. */
#include <stdlib.h>

#include "../server/tokens/request.h"
#include "sigillo/ascii.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (sgl_ascii_is_control(v.ptr[i]))
            abort(); /* it would stand in a log or in an answer */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sgl_arena arena = SGL_ARENA_INIT(1 << 18);
    sgl_view body, basic = sgl_view_split(sgl_view_of(data, size), '\0', &body), resource;
    struct token_request r;
    const char *field;

    if (body.ptr == NULL) { /* no NUL: all of it is the form */
        body = basic;
        basic.ptr = NULL;
    }
    if (token_request_read(body, basic, &arena, &r, &field) == REQUEST_FINE) {
        check_value(r.grant_type);
        check_value(r.client_id);
        check_value(r.client_secret);
        check_value(r.assertion);
        if (field[0] != '\0')
            abort();
        if (token_scope_resource(r.scope, &resource) && resource.len + 9 != r.scope.len)
            abort();
    }
    sgl_arena_done(&arena);
    return 0;
}
