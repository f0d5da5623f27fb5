/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/view.h"

#include "sigillo/ascii.h"
#include "sigillo/banned.h"

bool sgl_view_eq_nocase(sgl_view a, sgl_view b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (a.ptr[i] != b.ptr[i] && sgl_ascii_lower(a.ptr[i]) != sgl_ascii_lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool sgl_view_starts(sgl_view v, sgl_view prefix)
{
    return prefix.len <= v.len && sgl_view_eq(sgl_view_sub(v, 0, prefix.len), prefix);
}

bool sgl_view_starts_nocase(sgl_view v, sgl_view prefix)
{
    return prefix.len <= v.len && sgl_view_eq_nocase(sgl_view_sub(v, 0, prefix.len), prefix);
}

bool sgl_view_ends(sgl_view v, sgl_view suffix)
{
    return suffix.len <= v.len && sgl_view_eq(sgl_view_from(v, v.len - suffix.len), suffix);
}

bool sgl_view_ends_nocase(sgl_view v, sgl_view suffix)
{
    return suffix.len <= v.len && sgl_view_eq_nocase(sgl_view_from(v, v.len - suffix.len), suffix);
}

int sgl_view_cmp(sgl_view a, sgl_view b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter == 0 ? 0 : memcmp(a.ptr, b.ptr, shorter);

    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

size_t sgl_view_find(sgl_view v, uint8_t byte)
{
    const uint8_t *at = v.len == 0 ? NULL : memchr(v.ptr, byte, v.len);

    return at == NULL ? v.len : (size_t)(at - v.ptr);
}

size_t sgl_view_find_view(sgl_view v, sgl_view needle)
{
    const uint8_t *at;

    if (needle.len == 0)
        return 0;
    if (needle.len > v.len)
        return v.len;
    at = memmem(v.ptr, v.len, needle.ptr, needle.len);
    return at == NULL ? v.len : (size_t)(at - v.ptr);
}

sgl_view sgl_view_trim(sgl_view v)
{
    while (v.len > 0 && sgl_ascii_is_fws(v.ptr[0]))
        v = sgl_view_from(v, 1);
    while (v.len > 0 && sgl_ascii_is_fws(v.ptr[v.len - 1]))
        v.len--;
    return v;
}

sgl_view sgl_view_split(sgl_view v, uint8_t sep, sgl_view *rest)
{
    size_t at = sgl_view_find(v, sep);
    sgl_view head = sgl_view_sub(v, 0, at);

    *rest = at == v.len ? sgl_view_of(NULL, 0) : sgl_view_from(v, at + 1);
    return head;
}

bool sgl_view_eq_secret(sgl_view a, sgl_view b)
{
    uint8_t difference = 0;

    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        difference |= (uint8_t)(a.ptr[i] ^ b.ptr[i]);
        __asm__ volatile("" : "+r"(difference)); /* keeps the compiler from leaving early */
    }
    return difference == 0;
}

bool sgl_view_u64(sgl_view v, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;

    if (v.len == 0)
        return false;
    for (size_t i = 0; i < v.len; i++) {
        if (!sgl_ascii_is_digit(v.ptr[i]))
            return false;
        if (__builtin_mul_overflow(n, UINT64_C(10), &n) ||
            __builtin_add_overflow(n, (uint64_t)(v.ptr[i] - '0'), &n) || n > max)
            return false;
    }
    *out = n;
    return true;
}
