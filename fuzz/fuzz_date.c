/* SPDX-License-Identifier: Apache-2.0 */
/* What is read can be written and read again. Message identifiers ride along: they are as small. */
#include <stdlib.h>

#include "sigillo/date.h"
#include "sigillo/message_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_buf) buf = SGL_BUF_INIT(100);
    sgl_view in = sgl_view_of(data, size), rest = in, id;
    struct sgl_date date, again;

    if (sgl_date_parse(in, &date, NULL) == SGL_OK) {
        sgl_date_put(&buf, date.time);
        if (sgl_date_parse(sgl_buf_view(&buf), &again, NULL) != SGL_OK)
            abort();
        if (again.time != date.time && date.time < INT64_C(253402300799) &&
            date.time > INT64_C(-2208988800))
            abort();
    }
    if (sgl_message_id_parse(in, &id, NULL) == SGL_OK &&
        (id.len < 5 || id.ptr[0] != '<' || id.ptr[id.len - 1] != '>'))
        abort();
    while (sgl_message_id_next(rest, &id, &rest, NULL) == SGL_OK && id.len > 0)
        ;
    return 0;
}
