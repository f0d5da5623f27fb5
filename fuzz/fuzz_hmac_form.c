/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a signed request: Authorization, x-ms-date, x-ms-content-sha256, method, target, host. What is accepted can be written one way only. */
#include <stdlib.h>

#include "../server/directory/hmac.h"
#include "../server/directory/hmac_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(8192);
    uint8_t signature[HMAC_SIZE], content[HMAC_SIZE];
    sgl_view rest = sgl_view_of(data, size);
    sgl_view authorization = sgl_view_split(rest, '\n', &rest);
    struct hmac_text t = {.date = sgl_view_split(rest, '\n', &rest)};
    int64_t time;

    t.content_sha256 = sgl_view_split(rest, '\n', &rest);
    t.method = sgl_view_split(rest, '\n', &rest);
    t.target = sgl_view_split(rest, '\n', &rest);
    t.host = rest;
    if (hmac_authorization_parse(authorization, signature) && !hmac_is_meant(authorization))
        abort();
    if (hmac_base64_parse(t.content_sha256, content) && t.content_sha256.len != 44)
        abort();
    if (!hmac_date_parse(t.date, &time) || !hmac_text_put(&t, &out) || out.status != SGL_OK)
        return 0;
    /* Three lines, of which the first two are as they came. */
    rest = sgl_buf_view(&out);
    if (!sgl_view_eq(sgl_view_split(rest, '\n', &rest), t.method) ||
        !sgl_view_eq(sgl_view_split(rest, '\n', &rest), t.target) ||
        !sgl_view_eq(sgl_view_split(rest, ';', &rest), t.date))
        abort();
    return 0;
}
