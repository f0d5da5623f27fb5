/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a request: one piece of memory, held once and no longer than it is needed. */
#include <malloc.h>

#include "http_internal.h"

#define SHORT (64u * 1024)
#define PIECE (256u * 1024)
#define SLICE (4u * 1024 * 1024) /* a multiple of PIECE */

/* What the buffer gave back lies between what others hold: the system gets it only when it is asked to take it. */
static void give_back(size_t bytes)
{
    if (bytes > SHORT * 16)
        (void)malloc_trim(0);
}

/* A long one came in many pieces, which go back as they are copied: never is there much of it twice. */
static bool gather(struct http_request *r, struct evbuffer *input)
{
    size_t len = evbuffer_get_length(input);
    int got;

    sgl_buf_init(&r->gathered, len);
    if (sgl_buf_reserve(&r->gathered, len) != SGL_OK)
        return false;
    while (r->gathered.len < len) {
        size_t want = len - r->gathered.len < PIECE ? len - r->gathered.len : PIECE;

        got = evbuffer_remove(input, r->gathered.data + r->gathered.len, want);
        if (got <= 0) {
            sgl_buf_done(&r->gathered);
            return false;
        }
        r->gathered.len += (size_t)got;
        if (r->gathered.len % SLICE == 0)
            give_back(SLICE);
    }
    give_back(len);
    r->body = sgl_buf_view(&r->gathered);
    return true;
}

bool http_body_take(struct http_request *r)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(r->ev);
    size_t len = evbuffer_get_length(input);
    uint8_t *bytes;

    if (len > SHORT)
        return gather(r, input);
    if (len == 0)
        return true;
    /* A copy: the shell may end, and its buffers with it, while a worker still reads. */
    bytes = sgl_arena_alloc(&r->arena, len);
    if (bytes == NULL || evbuffer_remove(input, bytes, len) != (int)len)
        return false;
    r->body = sgl_view_of(bytes, len);
    return true;
}

bool http_body_move(struct http_request *r, struct sgl_buf *to)
{
    sgl_view body = r->body;

    r->body = sgl_view_of(NULL, 0);
    if (r->is_unpacked || r->gathered.len > 0) {
        sgl_buf_take(to, r->is_unpacked ? &r->unpacked : &r->gathered);
        return true;
    }
    sgl_buf_init(to, body.len);
    sgl_buf_add(to, body);
    return to->status == SGL_OK;
}

bool http_body_hash(struct http_request *r, uint8_t out[32])
{
    if (!r->is_hashed) {
        if (r->http == NULL || sgl_sha256(r->http->crypto, r->body, r->body_hash) != SGL_OK)
            return false;
        r->is_hashed = true;
    }
    memcpy(out, r->body_hash, sizeof(r->body_hash));
    return true;
}

void http_body_done(struct http_request *r)
{
    struct evbuffer *input = r->ev == NULL ? NULL : evhttp_request_get_input_buffer(r->ev);

    if (input != NULL)
        (void)evbuffer_drain(input, evbuffer_get_length(input));
    sgl_buf_done(&r->gathered);
    if (r->is_unpacked)
        sgl_buf_done(&r->unpacked);
    if (r->http != NULL)
        r->http->bytes -= r->bytes;
    r->bytes = 0;
    r->body = sgl_view_of(NULL, 0);
}
