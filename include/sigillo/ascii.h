/* SPDX-License-Identifier: Apache-2.0 */
/* Character classes of grammars: ASCII only, whatever the locale, for any byte. */
#ifndef SIGILLO_ASCII_H
#define SIGILLO_ASCII_H

#include "sigillo/view.h"

#ifdef __cplusplus
extern "C" {
#endif

static inline bool sgl_ascii_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool sgl_ascii_is_upper(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static inline bool sgl_ascii_is_lower(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static inline bool sgl_ascii_is_alpha(uint8_t c)
{
    return sgl_ascii_is_upper(c) || sgl_ascii_is_lower(c);
}

static inline bool sgl_ascii_is_alnum(uint8_t c)
{
    return sgl_ascii_is_alpha(c) || sgl_ascii_is_digit(c);
}

/* 0 to 15, or -1. */
static inline int sgl_ascii_hex_value(uint8_t c)
{
    if (sgl_ascii_is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* SP or HTAB: what RFC 5234 calls WSP. */
static inline bool sgl_ascii_is_wsp(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* SP, HTAB, CR, LF: the bytes of folding white space. */
static inline bool sgl_ascii_is_fws(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* 0x00 to 0x1f, and DEL. */
static inline bool sgl_ascii_is_control(uint8_t c)
{
    return c < 0x20 || c == 0x7f;
}

/* 0x21 to 0x7e: VCHAR. */
static inline bool sgl_ascii_is_visible(uint8_t c)
{
    return c > 0x20 && c < 0x7f;
}

static inline uint8_t sgl_ascii_lower(uint8_t c)
{
    return sgl_ascii_is_upper(c) ? (uint8_t)(c | 0x20) : c;
}

static inline uint8_t sgl_ascii_upper(uint8_t c)
{
    return sgl_ascii_is_lower(c) ? (uint8_t)(c & 0xdf) : c;
}

/* No byte above 0x7f. */
SGL_API bool sgl_ascii_only(sgl_view v);
/* All bytes are 0x20 to 0x7e. */
SGL_API bool sgl_ascii_is_printable(sgl_view v);

#ifdef __cplusplus
}
#endif
#endif
