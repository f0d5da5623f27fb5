/* SPDX-License-Identifier: Apache-2.0 */
/* A limit as text: what is accepted is one of the few kinds there are; what is refused leaves nothing. */
#include <stdlib.h>

#include "../server/config/config_limit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct limit limit = {LIMIT_WHATS, LIMIT_WINDOWS, 7};
    const char *why = limit_parse(sgl_view_of(data, size), &limit);

    if (why != NULL &&
        (limit.what != LIMIT_WHATS || limit.window != LIMIT_WINDOWS || limit.max != 7))
        abort();
    if (why == NULL &&
        (limit.what >= LIMIT_WHATS || limit.window >= LIMIT_WINDOWS || limit.max > INT64_MAX))
        abort();
    return 0;
}
