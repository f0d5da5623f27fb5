/* SPDX-License-Identifier: Apache-2.0 */
/* Paths, queries, nesting of JSON and times, as strangers send them. */
#include "../server/doors/http/admin_internal.h"
#include "../server/doors/http/http_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sgl_arena arena = SGL_ARENA_INIT(1024u * 1024u);
    struct http_param param[HTTP_PARAMS_MAX];
    sgl_view in = sgl_view_of(data, size), out;
    struct sgl_buf path = SGL_BUF_INIT(4096);
    size_t params;
    int64_t ms;

    (void)http_pattern_match("/v1/messages/{id}", in, &arena, param, &params);
    (void)http_pattern_match("/{a}/{b}/{c}/{d}", in, &arena, param, &params);
    if (http_decode(in, true, &arena, &out) && out.len > in.len)
        __builtin_trap();
    (void)http_json_measure(in);
    http_json_path(in, size - size / 3, &path);
    for (size_t i = 0; i < path.len; i++)
        if (path.data[i] < ' ')
            __builtin_trap();
    sgl_buf_done(&path);
    (void)admin_time_parse(in, 1795348800000, &ms);
    sgl_arena_done(&arena);
    return 0;
}
