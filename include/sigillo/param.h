/* SPDX-License-Identifier: Apache-2.0 */
/* Structured MIME values with parameters: Content-Type, Content-Disposition. [RFC 2045 s5.1; RFC 2183; RFC 2231] */
#ifndef SIGILLO_PARAM_H
#define SIGILLO_PARAM_H

#include "sigillo/arena.h"
#include "sigillo/buf.h"
#include "sigillo/diag.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_param {
    sgl_view name; /* lower case, without "*" and numbers */
    /* Quotes gone, continuations joined, percent octets and charset decoded to UTF-8 */
    sgl_view value;
};
struct sgl_param_value {
    sgl_view token; /* lower case: "text/plain", "attachment" */
    struct sgl_param *param;
    size_t count;
};

/*
 * Reads "token *(; name=value)". At most SGL_LIMIT_PARAMS parameters; comments are allowed and dropped. The first of
 * two parameters of one name counts.  A name with RFC 2231 parts wins over the plain one.
 * Returns SGL_OK, SGL_E_SYNTAX, SGL_E_LIMIT, SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_param_parse(sgl_view value, struct sgl_arena *arena,
                                        struct sgl_param_value *out,
                                        struct sgl_diag *diag) SGL_MUST_USE;
/* The value of a parameter, or an empty view with ptr NULL. */
SGL_API sgl_view sgl_param_get(const struct sgl_param_value *v, sgl_view name);

/*
 * Writes `; name=value`: a token, a quoted string, or RFC 2231 pieces (name*0*=utf-8''...) of at most 76 characters for text
 * that is long or not ASCII. value: UTF-8; control characters or no UTF-8 set buf->status to SGL_E_SYNTAX.
 */
SGL_API void sgl_param_put(struct sgl_buf *buf, sgl_view name, sgl_view value);

/* Is it a token of RFC 2045 s5.1? Of a media type "token/token"? */
SGL_API bool sgl_token_ok(sgl_view v);
SGL_API bool sgl_media_type_ok(sgl_view v);

#ifdef __cplusplus
}
#endif
#endif
