/* SPDX-License-Identifier: Apache-2.0 */
#include "list_url.h"

#include <string.h>

#include "sigillo/ascii.h"

#define HTTPS SGL_LIT("https://")

/* How long the host is that follows the scheme. */
static size_t host_length(sgl_view rest)
{
    size_t len = sgl_view_find(rest, '/'), port = sgl_view_find(rest, ':');

    return port < len ? port : len;
}

/* The last label of a name has a letter; that of an IPv4 address has none, and one of IPv6 stands in brackets. */
static bool is_name(sgl_view host)
{
    bool letter = false;

    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.ptr[i];

        if (!sgl_ascii_is_alnum(c) && c != '-' && c != '.')
            return false;
        letter = c != '.' && (letter || sgl_ascii_is_alpha(c));
    }
    return letter;
}

void list_url_host(sgl_view url, char out[LIST_HOST_SIZE])
{
    sgl_view host;

    out[0] = '\0';
    if (!sgl_view_starts_nocase(url, HTTPS))
        return;
    host = sgl_view_from(url, HTTPS.len);
    host = sgl_view_sub(host, 0, host_length(host));
    if (host.len >= LIST_HOST_SIZE || !is_name(host))
        return;
    for (size_t i = 0; i < host.len; i++)
        out[i] = (char)sgl_ascii_lower(host.ptr[i]);
    out[host.len] = '\0';
}

void list_url_put(sgl_view url, const char *host, struct sgl_buf *out)
{
    char own[LIST_HOST_SIZE];

    list_url_host(url, own);
    if (host == NULL || own[0] == '\0') {
        sgl_buf_add(out, url);
        return;
    }
    sgl_buf_add(out, HTTPS);
    sgl_buf_add(out, sgl_view_cstr(host));
    sgl_buf_add(out, sgl_view_from(url, HTTPS.len + strlen(own)));
}
