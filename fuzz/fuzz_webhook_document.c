/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes have a document: it is JSON, within its bound, and has the message whole. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../server/webhook/document.h"
#include "sigillo/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(DOCUMENT_ARENA);
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(document_size_max(size)), raw = SGL_BUF_INIT(size + 4);
    struct document_mail mail = {.id = "msg_1",
                                 .route = SGL_LIT_INIT("r_1"),
                                 .pattern = SGL_LIT_INIT("@a.test"),
                                 .recipient = sgl_view_of(data, size < 20 ? size : 20),
                                 .sender = SGL_LIT_INIT("b@b.test"),
                                 .ip = SGL_LIT_INIT("192.0.2.1"),
                                 .raw = sgl_view_of(data, size)};
    const char *text;
    json_t *json;

    if (document_put(&mail, &arena, &out) != SGL_OK)
        abort();
    json =
        json_loadb((const char *)out.data, out.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    text = json_string_value(json_object_get(json_object_get(json, "data"), "raw"));
    if (text == NULL || sgl_base64_decode(sgl_view_cstr(text), &raw) != SGL_OK ||
        !sgl_view_eq(sgl_buf_view(&raw), mail.raw))
        abort();
    json_decref(json);
    return 0;
}
