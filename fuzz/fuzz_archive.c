/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever comes as an archive gives at most what it may, or says why not. */
#include <stdlib.h>

#include "../server/archive/zip.h"

#define MAX ((uint64_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool count(void *ctx, sgl_view bytes)
{
    uint64_t *sum = ctx;

    *sum += bytes.len;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why = NULL;
    uint64_t got = 0;
    enum sgl_status status = zip_first(sgl_view_of(data, size), MAX, count, &got, &why);

    if (why == NULL || got > MAX || (status == SGL_OK) != (why[0] == '\0'))
        abort();
    return 0;
}
