/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern and an address, divided by a line end: the answer is that of trying every way. */
#include <stdlib.h>

#include "../server/doors/http/sendgrid_walk.h"
#include "api_seam.h"
#include "sigillo/ascii.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool every_way(sgl_view pattern, sgl_view address)
{
    if (pattern.len == 0)
        return true;
    if (pattern.ptr[0] == '%')
        return every_way(sgl_view_from(pattern, 1), address) ||
               (address.len > 0 && every_way(pattern, sgl_view_from(address, 1)));
    return address.len > 0 && sgl_ascii_lower(pattern.ptr[0]) == sgl_ascii_lower(address.ptr[0]) &&
           every_way(sgl_view_from(pattern, 1), sgl_view_from(address, 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_view address, pattern = sgl_view_split(sgl_view_of(data, size), '\n', &address);

    if (size <= 24 && sendgrid_email_match(pattern, address) != every_way(pattern, address))
        abort();
    (void)sendgrid_email_match(pattern, address);
    return 0;
}
