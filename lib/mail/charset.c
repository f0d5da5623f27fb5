/* SPDX-License-Identifier: Apache-2.0 */
#include "charset_internal.h"

#include "sigillo/utf8.h"

#include "sigillo/banned.h"

enum sgl_charset sgl_charset_find(sgl_view name)
{
    static const struct {
        sgl_view name;
        enum sgl_charset charset;
    } table[] = {
        {SGL_LIT_INIT("utf-8"), SGL_CHARSET_UTF8},
        {SGL_LIT_INIT("utf8"), SGL_CHARSET_UTF8},
        {SGL_LIT_INIT("us-ascii"), SGL_CHARSET_UTF8},
        {SGL_LIT_INIT("ascii"), SGL_CHARSET_UTF8},
        {SGL_LIT_INIT("iso-8859-1"), SGL_CHARSET_LATIN1},
        {SGL_LIT_INIT("latin1"), SGL_CHARSET_LATIN1},
        {SGL_LIT_INIT("iso-8859-15"), SGL_CHARSET_LATIN9},
        {SGL_LIT_INIT("windows-1252"), SGL_CHARSET_WINDOWS_1252},
        {SGL_LIT_INIT("cp1252"), SGL_CHARSET_WINDOWS_1252},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (sgl_view_eq_nocase(name, table[i].name))
            return table[i].charset;
    return SGL_CHARSET_OTHER;
}

/* 0x80 to 0x9f of Windows-1252; 0: not assigned. */
static const uint16_t windows[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

static uint16_t latin9(uint8_t c)
{
    switch (c) {
    case 0xa4:
        return 0x20ac;
    case 0xa6:
        return 0x0160;
    case 0xa8:
        return 0x0161;
    case 0xb4:
        return 0x017d;
    case 0xb8:
        return 0x017e;
    case 0xbc:
        return 0x0152;
    case 0xbd:
        return 0x0153;
    case 0xbe:
        return 0x0178;
    default:
        return c;
    }
}

static uint16_t code_of(enum sgl_charset charset, uint8_t c)
{
    if (charset == SGL_CHARSET_WINDOWS_1252 && c >= 0x80 && c < 0xa0)
        return windows[c - 0x80] == 0 ? 0xfffd : windows[c - 0x80];
    return charset == SGL_CHARSET_LATIN9 ? latin9(c) : c;
}

static size_t clean_utf8(sgl_view v, uint8_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < v.len;) {
        uint32_t code;
        size_t len = sgl_utf8_next(v, i, &code);

        if (len == 0) {
            n += sgl_utf8_put(0xfffd, out + n);
            i++;
            continue;
        }
        memcpy(out + n, v.ptr + i, len);
        n += len;
        i += len;
    }
    return n;
}

size_t sgl_charset_to_utf8(enum sgl_charset charset, sgl_view v, uint8_t *out)
{
    size_t n = 0;

    if (charset == SGL_CHARSET_UTF8 || charset == SGL_CHARSET_OTHER)
        return clean_utf8(v, out);
    for (size_t i = 0; i < v.len; i++)
        n += sgl_utf8_put(code_of(charset, v.ptr[i]), out + n);
    return n;
}
