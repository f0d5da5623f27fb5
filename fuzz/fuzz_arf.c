/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a feedback report or none. */
#include <stdlib.h>

#include "sigillo/arf.h"
#include "sigillo/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool one_line(sgl_view v)
{
    return sgl_view_find(v, '\n') == v.len && sgl_view_find(v, '\0') == v.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY);
    struct sgl_arf a;

    if (sgl_arf_parse(sgl_view_of(data, size), &arena, &a, NULL) != SGL_OK)
        return 0;
    if (a.original_rcpts > SGL_ARF_LIST_MAX || a.reported_domains > SGL_ARF_LIST_MAX ||
        a.incidents == 0)
        abort();
    if (!one_line(a.original_mail_from) || !one_line(a.auth_failure) || !one_line(a.user_agent))
        abort();
    for (size_t i = 0; i < a.original_rcpts; i++)
        if (!one_line(a.original_rcpt[i]))
            abort();
    return 0;
}
