/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "sigillo/arith.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/utf8.h"

enum { FIRST_SIZE = 64 };

void sgl_buf_init(struct sgl_buf *buf, size_t max)
{
    *buf = (struct sgl_buf)SGL_BUF_INIT(max);
}

void sgl_buf_done(struct sgl_buf *buf)
{
    free(buf->data);
    sgl_buf_init(buf, buf->max);
}

void sgl_buf_reset(struct sgl_buf *buf)
{
    buf->len = 0;
    buf->status = SGL_OK;
}

bool sgl_buf_sane(const struct sgl_buf *buf)
{
    /* One byte more than max may be held: the NUL of sgl_cstr(). */
    return buf->len <= buf->cap && buf->len <= buf->max && buf->cap - (buf->cap > 0) <= buf->max &&
           (buf->data == NULL) == (buf->cap == 0) &&
           (buf->status == SGL_OK || buf->status == SGL_E_LIMIT || buf->status == SGL_E_NOMEM ||
            buf->status == SGL_E_SYNTAX);
}

static enum sgl_status fail(struct sgl_buf *buf, enum sgl_status why)
{
    if (buf->status == SGL_OK)
        buf->status = why;
    return buf->status;
}

/* At least `want` bytes of memory, where want <= max + 1. */
static bool grow(struct sgl_buf *buf, size_t want)
{
    size_t cap = buf->cap < FIRST_SIZE ? FIRST_SIZE : buf->cap;
    size_t most = buf->max == SIZE_MAX ? SIZE_MAX : buf->max + 1;
    uint8_t *data;

    if (want <= buf->cap)
        return true;
    while (cap < want) {
        if (!sgl_add_size(cap, cap / 2 + FIRST_SIZE, &cap))
            cap = want;
    }
    if (cap > most)
        cap = most;
    data = realloc(buf->data, cap);
    if (data == NULL)
        return false;
    buf->data = data;
    buf->cap = cap;
    return true;
}

enum sgl_status sgl_buf_reserve(struct sgl_buf *buf, size_t more)
{
    if (buf->status != SGL_OK)
        return buf->status;
    if (more > buf->max || buf->len > buf->max - more)
        return fail(buf, SGL_E_LIMIT);
    if (more > buf->cap - buf->len && !grow(buf, buf->len + more))
        return fail(buf, SGL_E_NOMEM);
    return SGL_OK;
}

void sgl_buf_fit(struct sgl_buf *buf)
{
    uint8_t *data = buf->len == 0 || buf->len == buf->cap ? NULL : realloc(buf->data, buf->len);

    if (data == NULL) /* without room for less it stays as it is */
        return;
    buf->data = data;
    buf->cap = buf->len;
}

void sgl_buf_add(struct sgl_buf *buf, sgl_view v)
{
    if (v.len == 0 || sgl_buf_reserve(buf, v.len) != SGL_OK)
        return;
    memcpy(buf->data + buf->len, v.ptr, v.len);
    buf->len += v.len;
}

void sgl_buf_add_cstr(struct sgl_buf *buf, const char *s)
{
    sgl_buf_add(buf, sgl_view_cstr(s));
}

void sgl_buf_add_byte(struct sgl_buf *buf, uint8_t byte)
{
    if (sgl_buf_reserve(buf, 1) != SGL_OK)
        return;
    buf->data[buf->len++] = byte;
}

void sgl_buf_add_u64(struct sgl_buf *buf, uint64_t n)
{
    uint8_t digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (uint8_t)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    sgl_buf_add(buf, sgl_view_of(digits + at, sizeof digits - at));
}

void sgl_buf_add_i64(struct sgl_buf *buf, int64_t n)
{
    if (n < 0) {
        sgl_buf_add_byte(buf, '-');
        sgl_buf_add_u64(buf, UINT64_C(0) - (uint64_t)n);
    } else {
        sgl_buf_add_u64(buf, (uint64_t)n);
    }
}

void sgl_buf_addf(struct sgl_buf *buf, const char *format, ...)
{
    va_list args;
    int n;

    if (buf->status != SGL_OK)
        return;
    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) {
        (void)fail(buf, SGL_E_LIMIT);
        return;
    }
    if (sgl_buf_reserve(buf, (size_t)n) != SGL_OK)
        return;
    if (!grow(buf, buf->len + (size_t)n + 1)) { /* vsnprintf writes a NUL */
        (void)fail(buf, SGL_E_NOMEM);
        return;
    }
    va_start(args, format);
    (void)vsnprintf((char *)buf->data + buf->len, (size_t)n + 1, format, args);
    va_end(args);
    buf->len += (size_t)n;
}

/* Characters that would move the cursor or turn the reading direction of the line they stand in. */
static bool disturbs(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0x200e && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xfeff;
}

void sgl_buf_add_escaped(struct sgl_buf *buf, sgl_view v, size_t max_shown)
{
    static const char hex[] = "0123456789abcdef";
    size_t off = 0;

    while (off < v.len && off < max_shown) {
        uint32_t code = 0;
        size_t n = sgl_utf8_next(v, off, &code);

        if (n == 0 || disturbs(code)) {
            uint8_t pair[4] = {'\\', 'x', (uint8_t)hex[v.ptr[off] >> 4],
                               (uint8_t)hex[v.ptr[off] & 15]};

            sgl_buf_add(buf, sgl_view_of(pair, sizeof pair));
            off++;
            continue;
        }
        if (code == '\\')
            sgl_buf_add_byte(buf, '\\');
        sgl_buf_add(buf, sgl_view_sub(v, off, n));
        off += n;
    }
    if (off < v.len)
        sgl_buf_add(buf, SGL_LIT("..."));
}

void sgl_buf_add_line_safe(struct sgl_buf *buf, sgl_view v)
{
    if (sgl_view_find(v, '\r') != v.len || sgl_view_find(v, '\n') != v.len ||
        sgl_view_find(v, 0) != v.len) {
        (void)fail(buf, SGL_E_SYNTAX);
        return;
    }
    sgl_buf_add(buf, v);
}

void sgl_buf_remove_front(struct sgl_buf *buf, size_t n)
{
    assert(n <= buf->len);
    buf->len -= n;
    if (n > 0 && buf->len > 0)
        memmove(buf->data, buf->data + n, buf->len);
}

void sgl_buf_truncate(struct sgl_buf *buf, size_t len)
{
    assert(len <= buf->len);
    buf->len = len;
}

void sgl_buf_take(struct sgl_buf *to, struct sgl_buf *from)
{
    assert(to != from);
    free(to->data);
    *to = *from;
    sgl_buf_init(from, from->max);
}

const char *sgl_cstr(struct sgl_buf *buf)
{
    if (buf->len == SIZE_MAX || sgl_view_find(sgl_buf_view(buf), 0) != buf->len)
        return NULL;
    if (!grow(buf, buf->len + 1)) {
        (void)fail(buf, SGL_E_NOMEM);
        return NULL;
    }
    buf->data[buf->len] = 0;
    return (const char *)buf->data;
}
