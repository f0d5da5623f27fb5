/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owned bytes that grow, up to a maximum that every buffer must name.  Appends return nothing: the first failure is
 * remembered in `status`, later appends do nothing, and the writer checks once at its end.
 */
#ifndef SIGILLO_BUF_H
#define SIGILLO_BUF_H

#include <stdarg.h>

#include "sigillo/view.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_buf {
    uint8_t *data;
    size_t len, cap, max;
    enum sgl_status status; /* SGL_OK, SGL_E_LIMIT, SGL_E_NOMEM */
};

#define SGL_BUF_INIT(max_bytes)                                                                    \
    {                                                                                              \
        NULL, 0, 0, (max_bytes), SGL_OK                                                            \
    }

SGL_API void sgl_buf_init(struct sgl_buf *buf, size_t max);
SGL_API void
sgl_buf_done(struct sgl_buf *buf); /* frees; zeroed accepted; leaves it empty and usable */
SGL_API void sgl_buf_reset(struct sgl_buf *buf); /* empty, status OK, memory kept */
SGL_API enum sgl_status sgl_buf_reserve(struct sgl_buf *buf, size_t more)
    SGL_MUST_USE; /* room for `more` bytes without growing */
SGL_API void sgl_buf_add(struct sgl_buf *buf, sgl_view v);
SGL_API void sgl_buf_add_cstr(struct sgl_buf *buf, const char *s);
SGL_API void sgl_buf_add_byte(struct sgl_buf *buf, uint8_t byte);
SGL_API void sgl_buf_add_u64(struct sgl_buf *buf, uint64_t n); /* decimal */
SGL_API void sgl_buf_add_i64(struct sgl_buf *buf, int64_t n);
/* printf into the buffer; for our own formats, never for foreign bytes. */
SGL_API void sgl_buf_addf(struct sgl_buf *buf, const char *format, ...) SGL_PRINTF(2, 3);
/* Foreign bytes for people and logs: printable ASCII stays (and valid UTF-8), the rest becomes \xNN, a backslash \\; at most max_shown bytes of input, then "...". */
SGL_API void sgl_buf_add_escaped(struct sgl_buf *buf, sgl_view v, size_t max_shown);
/* For line protocols: adds v, or sets status to SGL_E_SYNTAX when v has CR, LF or NUL (nothing is added then). */
SGL_API void sgl_buf_add_line_safe(struct sgl_buf *buf, sgl_view v);
SGL_API void sgl_buf_remove_front(struct sgl_buf *buf, size_t n); /* n <= len */
SGL_API void sgl_buf_truncate(struct sgl_buf *buf, size_t len);   /* len <= buf->len */
SGL_API void sgl_buf_fit(struct sgl_buf *buf); /* no more memory is held than the contents take */
/* Ownership of the bytes moves to *to (whatever it held is freed); *from becomes empty. */
SGL_API void sgl_buf_take(struct sgl_buf *to, struct sgl_buf *from);
/* The invariant, for asserts, tests and fuzzers. */
SGL_API bool sgl_buf_sane(const struct sgl_buf *buf);

static inline sgl_view sgl_buf_view(const struct sgl_buf *buf)
{
    return sgl_view_of(buf->data, buf->len);
}

/* NUL-terminated view of the contents for the OS edge; NULL if it holds a NUL or memory ends. Valid until the next change. */
SGL_API const char *sgl_cstr(struct sgl_buf *buf);

/* sgl_auto(sgl_buf) b = SGL_BUF_INIT(n);  frees at scope end. Works for any struct X with void X_done(struct X *). */
#define sgl_auto(tag) __attribute__((cleanup(tag##_done))) struct tag

#ifdef __cplusplus
}
#endif
#endif
