/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed bytes: a pointer to const and a length.  A view owns nothing and may hold any byte. */
#ifndef SIGILLO_VIEW_H
#define SIGILLO_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sigillo/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sgl_view {
    const uint8_t *ptr; /* may be NULL only when len is 0 */
    size_t len;
} sgl_view;

/* Wall time: seconds since 1970-01-01T00:00:00Z. */
typedef int64_t sgl_time;

/* A view of a string literal, without its NUL. */
#ifdef __cplusplus
#define SGL_LIT(s) (sgl_view{reinterpret_cast<const uint8_t *>("" s), sizeof(s) - 1})
#else
#define SGL_LIT(s) ((sgl_view){(const uint8_t *)("" s), sizeof(s) - 1})
#endif
/* The same for a static initialiser. */
#define SGL_LIT_INIT(s)                                                                            \
    {                                                                                              \
        (const uint8_t *)("" s), sizeof(s) - 1                                                     \
    }
/* printf("%.*s", SGL_FMT(v)): only for bytes already known to be printable. */
#define SGL_FMT(v) (int)(v).len, (const char *)(v).ptr

static inline sgl_view sgl_view_of(const void *ptr, size_t len)
{
    sgl_view v;
    v.ptr = (const uint8_t *)ptr;
    v.len = len;
    return v;
}

/* A view of a NUL-terminated string from the OS or a library; NULL gives the empty view. */
static inline sgl_view sgl_view_cstr(const char *s)
{
    return sgl_view_of(s, s == NULL ? 0 : strlen(s));
}

/* Bytes [off, off + len); clipped to what is there, so that it never reaches outside. */
static inline sgl_view sgl_view_sub(sgl_view v, size_t off, size_t len)
{
    if (off > v.len)
        off = v.len;
    if (len > v.len - off)
        len = v.len - off;
    return sgl_view_of(v.len == 0 ? v.ptr : v.ptr + off, len);
}

/* Everything from `off` on. */
static inline sgl_view sgl_view_from(sgl_view v, size_t off)
{
    return sgl_view_sub(v, off, v.len);
}

static inline bool sgl_view_eq(sgl_view a, sgl_view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Equal when ASCII letters are folded; other bytes must be the same. */
SGL_API bool sgl_view_eq_nocase(sgl_view a, sgl_view b);
/* Does v begin, or end, with this?  The empty view is at both ends of any. */
SGL_API bool sgl_view_starts(sgl_view v, sgl_view prefix);
SGL_API bool sgl_view_starts_nocase(sgl_view v, sgl_view prefix);
SGL_API bool sgl_view_ends(sgl_view v, sgl_view suffix);
SGL_API bool sgl_view_ends_nocase(sgl_view v, sgl_view suffix);
/* Byte order, then length: <0, 0, >0. */
SGL_API int sgl_view_cmp(sgl_view a, sgl_view b);
/* Offset of the first such byte, or v.len. */
SGL_API size_t sgl_view_find(sgl_view v, uint8_t byte);
/* Offset of the first occurrence, or v.len. An empty needle is at 0. */
SGL_API size_t sgl_view_find_view(sgl_view v, sgl_view needle);
/* Without SP, HTAB, CR, LF at both ends. */
SGL_API sgl_view sgl_view_trim(sgl_view v);
/* Cuts up to the first `sep`: the part before it is the result, *rest what follows; without `sep` all of v, *rest empty with ptr NULL. */
SGL_API sgl_view sgl_view_split(sgl_view v, uint8_t sep, sgl_view *rest);
/* Equal in time that depends on the lengths only. */
SGL_API bool sgl_view_eq_secret(sgl_view a, sgl_view b);
/* Strict decimal digits only, no sign, no blank; false when empty, not digits, or above max. */
SGL_API bool sgl_view_u64(sgl_view v, uint64_t max, uint64_t *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
