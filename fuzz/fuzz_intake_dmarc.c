/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever arrives has XML in it or none; no more than the sink wants. */
#include <stdlib.h>

#include "../server/intake/intake.h"

#define MAX ((uint64_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool count(void *ctx, sgl_view bytes)
{
    uint64_t *sum = ctx;

    *sum += bytes.len;
    return *sum < MAX / 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why = NULL;
    uint64_t got = 0;
    const struct intake_sink sink = {count, &got, MAX};
    enum sgl_status status = intake_dmarc_report(sgl_view_of(data, size), &sink, &why);

    if (why == NULL || got > MAX || (status == SGL_OK) != (why[0] == '\0'))
        abort();
    return 0;
}
