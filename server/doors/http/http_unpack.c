/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that came compressed: gzip [RFC 1952], one member or several, and never more bytes than a body may have. */
#include "../../gzip/gzip.h"
#include "http_internal.h"

static bool is_gzip(sgl_view coding)
{
    return sgl_view_eq_nocase(coding, SGL_LIT("gzip")) ||
           sgl_view_eq_nocase(coding, SGL_LIT("x-gzip")); /* [RFC 9110 s8.4.1.3] */
}

static size_t memory_left(const struct http *http)
{
    return http->bytes < http->config.memory_max ? http->config.memory_max - http->bytes : 0;
}

static bool refuse(struct http_request *r, enum sgl_status status, bool full)
{
    if (status == SGL_E_NOMEM || full) {
        http_reply_header(r, "Retry-After", SGL_LIT("5"));
        http_reply_problem(r, 503, "memory-full", NULL,
                           "The server holds as many requests as it may; try again soon.");
    } else if (status == SGL_E_LIMIT) {
        http_reply_problem(r, 413, "body-too-large", "body",
                           "The body, unpacked, is larger than this server accepts.");
    } else {
        http_reply_problem(r, 400, "body-gzip", "body", "The body is not gzip, or not whole.");
    }
    return false;
}

/* The operator's tools compress nothing. */
static bool refuse_coding(struct http_request *r)
{
    bool admin = r->listener->side == HTTP_ADMIN;

    http_reply_header(r, "Accept-Encoding", /* [RFC 9110 s15.5.16] */
                      admin ? SGL_LIT("identity") : SGL_LIT("gzip"));
    http_reply_problem(r, 415, "content-encoding", "Content-Encoding",
                       admin ? "The body must not be compressed."
                             : "A body may be compressed by gzip, and by nothing else.");
    return false;
}

bool http_unpack(struct http_request *r)
{
    sgl_view coding = sgl_view_trim(http_header(r, "Content-Encoding"));
    size_t left = memory_left(r->http), max = r->http->config.body_max;
    enum sgl_status status;

    if (r->is_unpacked || coding.len == 0 || sgl_view_eq_nocase(coding, SGL_LIT("identity")))
        return true;
    if (!is_gzip(coding) || r->listener->side == HTTP_ADMIN)
        return refuse_coding(r);
    sgl_buf_init(&r->unpacked, left < max ? left : max);
    status = gunzip(r->body, &r->unpacked);
    if (status != SGL_OK)
        return refuse(r, status, status == SGL_E_LIMIT && left < max);
    http_body_done(r);
    r->is_unpacked = true;
    r->is_hashed = false;
    r->body = sgl_buf_view(&r->unpacked);
    r->bytes += r->unpacked.cap;
    r->http->bytes += r->unpacked.cap;
    return true;
}
