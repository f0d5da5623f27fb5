/* SPDX-License-Identifier: Apache-2.0 */
/* URIs of rua= and ruf=.  [RFC 9989 s4.6, s4.8; RFC 3986 s2, s3; RFC 6068 s2] */
#include "dmarc_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"

#define MAILTO SGL_LIT("mailto:")

bool sgl_dmarc_uri_is_mailto(sgl_view uri)
{
    return sgl_view_starts_nocase(uri, MAILTO);
}

/* Unreserved, sub-delims and gen-delims without ",", "!" and ";", which the record needs for itself. */
static bool char_ok(uint8_t c)
{
    static const char others[] = "-._~:/?#[]@$&'()*+=";

    return sgl_ascii_is_alnum(c) || (c != 0 && memchr(others, c, sizeof others - 1) != NULL);
}

static bool chars_ok(sgl_view text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '%') {
            if (!char_ok(text.ptr[i]))
                return false;
            continue;
        }
        if (text.len - i < 3 || sgl_ascii_hex_value(text.ptr[i + 1]) < 0 ||
            sgl_ascii_hex_value(text.ptr[i + 2]) < 0)
            return false;
        i += 2;
    }
    return true;
}

static bool scheme_ok(sgl_view scheme)
{
    if (scheme.len == 0 || !sgl_ascii_is_alpha(scheme.ptr[0]))
        return false;
    for (size_t i = 1; i < scheme.len; i++) {
        uint8_t c = scheme.ptr[i];

        if (!sgl_ascii_is_alnum(c) && c != '+' && c != '-' && c != '.')
            return false;
    }
    return true;
}

/* Up to the first of the bytes, or all. */
static sgl_view until(sgl_view text, const char *bytes)
{
    size_t n = strlen(bytes);

    for (size_t i = 0; i < text.len; i++) {
        if (memchr(bytes, text.ptr[i], n) != NULL)
            return sgl_view_sub(text, 0, i);
    }
    return text;
}

/* local@domain, one "@", a host name behind it. */
static bool address_ok(sgl_view address)
{
    sgl_view domain, local = sgl_view_split(address, '@', &domain);

    return local.len > 0 && sgl_name_ok(domain, SGL_NAME_HOST);
}

bool sgl_dmarc_uri_ok(sgl_view uri)
{
    sgl_view rest, scheme = sgl_view_split(uri, ':', &rest);

    if (rest.len == 0 || !scheme_ok(scheme) || !chars_ok(rest))
        return false;
    return !sgl_dmarc_uri_is_mailto(uri) || address_ok(until(rest, "?#"));
}

/* "!" 1*DIGIT [ "k" / "m" / "g" / "t" ] */
static bool size_ok(sgl_view size)
{
    sgl_view digits = size;
    uint8_t last;

    if (size.len == 0)
        return false;
    last = sgl_ascii_lower(size.ptr[size.len - 1]);
    if (last == 'k' || last == 'm' || last == 'g' || last == 't')
        digits.len--;
    for (size_t i = 0; i < digits.len; i++) {
        if (!sgl_ascii_is_digit(digits.ptr[i]))
            return false;
    }
    return digits.len > 0;
}

bool sgl_dmarc_uri_read(sgl_view item, sgl_view *uri, bool *sized)
{
    sgl_view size;

    *uri = sgl_view_split(sgl_view_trim(item), '!', &size);
    *sized = size.ptr != NULL;
    return (!*sized || size_ok(size)) && sgl_dmarc_uri_ok(*uri);
}

/* The host part as it stands; empty: none. */
static sgl_view host_text(sgl_view uri)
{
    sgl_view host = {NULL, 0}, rest;
    size_t at;

    (void)sgl_view_split(uri, ':', &rest);
    if (sgl_dmarc_uri_is_mailto(uri)) {
        (void)sgl_view_split(until(rest, "?#"), '@', &host);
        return host;
    }
    if (!sgl_view_starts(rest, SGL_LIT("//")))
        return host;
    host = until(sgl_view_from(rest, 2), "/?#");
    at = sgl_view_find(host, '@'); /* user information in front of it */
    if (at < host.len)
        host = sgl_view_from(host, at + 1);
    return until(host, ":");
}

enum sgl_status sgl_dmarc_uri_host(sgl_view uri, struct sgl_arena *arena, struct sgl_name *out)
{
    if (!sgl_dmarc_uri_ok(uri))
        return SGL_E_SYNTAX;
    return sgl_name_parse(host_text(uri), SGL_NAME_HOST, arena, NULL, out);
}
