/* SPDX-License-Identifier: Apache-2.0 */
/* Any address is no return path, or a forged one; of one that opens the same is made again. */
#include <stdlib.h>

#include "../server/returns/return_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t secret[1][RETURN_PATH_SECRET] = {{1}};
    struct return_path path;
    char local[RETURN_PATH_LOCAL + 1];
    sgl_view address = sgl_view_of(data, size);

    if (return_path_open(secret, 1, address, &path) != RETURN_PATH_OURS)
        return 0;
    return_path_put(secret[0], &path, sgl_view_from(address, RETURN_PATH_LOCAL + 1), local);
    if (!sgl_view_eq_nocase(sgl_view_cstr(local), sgl_view_sub(address, 0, RETURN_PATH_LOCAL)))
        abort();
    return 0;
}
