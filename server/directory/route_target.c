/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of routes as text. */
#include "route_target.h"

#include "sigillo/ascii.h"

#define LABEL_MAX 63
#define HOST_MAX  253

static bool is_label(sgl_view label)
{
    bool fits = label.len > 0 && label.len <= LABEL_MAX && label.ptr[0] != '-' &&
                label.ptr[label.len - 1] != '-';

    for (size_t i = 0; fits && i < label.len; i++)
        fits = sgl_ascii_is_alnum(label.ptr[i]) || label.ptr[i] == '-' || label.ptr[i] == '_';
    return fits;
}

/* A name whose last label is no number: "1.2.3" is a mistyped address. */
static bool is_name(sgl_view host)
{
    sgl_view rest = host, label = SGL_LIT("");
    uint64_t number;

    if (host.len > HOST_MAX)
        return false;
    do {
        label = sgl_view_split(rest, '.', &rest);
        if (!is_label(label))
            return false;
    } while (rest.ptr != NULL);
    return !sgl_view_u64(label, UINT64_MAX, &number);
}

static const char *parse_path(sgl_view path, struct route_server *out)
{
    if (path.len == 0 || path.ptr[0] != '/')
        return "needs the whole path of a socket, unix:/run/dovecot/lmtp";
    if (path.len > ROUTE_PATH_MAX)
        return "has a path that is too long for a socket (107 bytes)";
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] <= ' ' || path.ptr[i] > '~')
            return "has a path with a blank, a control character or a byte that is not ASCII";
    if (sgl_view_find_view(path, SGL_LIT("/../")) < path.len || sgl_view_ends(path, SGL_LIT("/..")))
        return "has a path with .. in it";
    *out = (struct route_server){.path = path};
    return NULL;
}

/* "[2001:db8::1]:24", "host:24", "host"; an address of version 6 without brackets has no port. */
static bool split_port(sgl_view text, sgl_view *host, sgl_view *port)
{
    size_t end;

    *port = SGL_LIT("");
    if (text.len > 0 && text.ptr[0] == '[') {
        end = sgl_view_find(text, ']');
        *host = sgl_view_sub(text, 1, end - 1);
        if (end + 1 >= text.len)
            return end < text.len;
        *port = sgl_view_from(text, end + 2);
        return text.ptr[end + 1] == ':' && port->len > 0;
    }
    *host = sgl_view_split(text, ':', port);
    if (port->ptr != NULL && sgl_view_find(*port, ':') < port->len) {
        *host = text;
        *port = SGL_LIT("");
        return true;
    }
    return port->ptr == NULL || port->len > 0;
}

const char *route_server_parse(sgl_view text, uint16_t port, bool unix_paths,
                               struct route_server *out)
{
    struct route_server found = {.port = port};
    bool bracket = sgl_view_starts(text, SGL_LIT("["));
    sgl_view digits;
    uint64_t number = port;

    if (text.len > ROUTE_TARGET_MAX)
        return "is too long";
    if (sgl_view_starts(text, SGL_LIT("unix:")))
        return unix_paths ? parse_path(sgl_view_from(text, 5), out)
                          : "is a socket of this machine, which only LMTP is spoken at";
    if (!split_port(text, &found.host, &digits))
        return "is no address: write 192.0.2.1:24, [2001:db8::1]:24 or mail.example.org:24";
    if (digits.len > 0 && (!sgl_view_u64(digits, 65535, &number) || number == 0))
        return "has no port between 1 and 65535";
    found.port = (uint16_t)number;
    if (sgl_ip_parse(found.host, &found.ip) != SGL_OK) {
        found.ip = (struct sgl_ip){.version = 0};
        if (bracket || !is_name(found.host))
            return "is no address: write 192.0.2.1:24, [2001:db8::1]:24 or mail.example.org:24";
    }
    *out = found;
    return NULL;
}

void route_server_put(struct sgl_buf *out, const struct route_server *server)
{
    if (server->path.len > 0) {
        sgl_buf_add(out, SGL_LIT("unix:"));
        sgl_buf_add(out, server->path);
        return;
    }
    if (server->ip.version == 6)
        sgl_buf_add_byte(out, '[');
    for (size_t i = 0; i < server->host.len; i++)
        sgl_buf_add_byte(out, sgl_ascii_lower(server->host.ptr[i]));
    sgl_buf_addf(out, server->ip.version == 6 ? "]:%u" : ":%u", (unsigned)server->port);
}

const char *route_url_parse(sgl_view text, sgl_view *host)
{
    sgl_view rest = sgl_view_from(text, 8), authority;
    struct route_server server;
    size_t end = 0;

    if (!sgl_view_starts_nocase(text, SGL_LIT("https://")))
        return "must begin with https://";
    if (text.len > ROUTE_TARGET_MAX)
        return "is too long (512 bytes)";
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || text.ptr[i] == '\\' || text.ptr[i] == '"')
            return "has a blank or another character that must be written as %XX";
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?' && rest.ptr[end] != '#')
        end++;
    authority = sgl_view_sub(rest, 0, end);
    if (sgl_view_find(authority, '@') < authority.len)
        return "has a user name in it; requests are signed instead";
    if (sgl_view_find(rest, '#') < rest.len)
        return "has a fragment (#), which is never sent";
    if (route_server_parse(authority, 443, false, &server) != NULL)
        return "has no host, or a port that is none";
    *host = server.host;
    return NULL;
}

bool route_host_is_inside(sgl_view host)
{
    struct sgl_ip ip;

    return sgl_ip_parse(host, &ip) == SGL_OK && sgl_ip_is_special(&ip);
}
