/* SPDX-License-Identifier: Apache-2.0 */
/* A click: up to the first NUL the Content-Type, then the body. */
#include <stdlib.h>

#include "../server/lists/list_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_view body, type = sgl_view_split(sgl_view_of(data, size), '\0', &body);

    if (list_form_read(type, body) == LIST_FORM_CLICK &&
        (sgl_view_find_view(body, SGL_LIT("List-Unsubscribe")) == body.len &&
         sgl_view_find_view(type, SGL_LIT("List-Unsubscribe")) == type.len))
        abort(); /* nobody said it */
    return 0;
}
