/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a report, a letter or refused; what is told stays within its limits, and in one line. */
#include <stdlib.h>

#include "sigillo/bounce.h"
#include "sigillo/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool one_line(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.ptr[i] == '\r' || v.ptr[i] == '\n' || v.ptr[i] == '\0')
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY);
    struct sgl_bounce b;

    if (sgl_bounce_parse(sgl_view_of(data, size), &arena, &b) != SGL_OK)
        return 0;
    if (b.rcpts > SGL_LIMIT_BOUNCE_RCPTS || (b.kind == SGL_BOUNCE_NONE) != (b.rcpts == 0))
        abort();
    if (!one_line(b.reporting_mta) || !one_line(b.env_id))
        abort();
    for (size_t i = 0; i < b.rcpts; i++) {
        const struct sgl_bounce_rcpt *r = &b.rcpt[i];

        if (!one_line(r->recipient) || !one_line(r->diagnostic) || !one_line(r->remote_mta) ||
            !one_line(r->final) || r->diagnostic.len > SGL_LIMIT_BOUNCE_DIAGNOSTIC ||
            r->cause == NULL)
            abort();
        if (r->class_ == SGL_BOUNCE_HARD && r->action != SGL_BOUNCE_FAILED)
            abort();
    }
    return 0;
}
