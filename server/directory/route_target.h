/* SPDX-License-Identifier: Apache-2.0 */
/* Where a route leads, as text: read, judged, and as it is kept. Pure. */
#ifndef SERVER_DIRECTORY_ROUTE_TARGET_H
#define SERVER_DIRECTORY_ROUTE_TARGET_H

#include "sigillo/buf.h"
#include "sigillo/ip.h"

#define ROUTE_TARGET_MAX 512
#define ROUTE_PATH_MAX   107 /* what fits into a socket's name */
#define ROUTE_PORT_LMTP  24
#define ROUTE_PORT_SMTP  25

/* A server: "127.0.0.1:24", "[2001:db8::1]:24", "imap.example.org:24", "unix:/run/dovecot/lmtp". */
struct route_server {
    sgl_view path;    /* of a socket on this machine; empty: the rest counts */
    sgl_view host;    /* a name, or the text of ip */
    struct sgl_ip ip; /* version 0: host is a name */
    uint16_t port;
};
/*
 * text         what it points to must outlive *out
 * port         the one that counts where none is written
 * unix_paths   "unix:PATH" may be written
 * Returns NULL, or what is wrong, for a sentence that begins with the target; *out is untouched then.
 */
const char *route_server_parse(sgl_view text, uint16_t port, bool unix_paths,
                               struct route_server *out);
/* As it is kept: the port always written, the name in lower case. */
void route_server_put(struct sgl_buf *out, const struct route_server *server);
/* "https://host[:port]/path": printable ASCII, nobody's name or password in it, no fragment. *host: its host, an address without brackets. */
const char *route_url_parse(sgl_view text, sgl_view *host);
/* Is that an address (not a name) which only an operator's route may lead to?  Loopback, private and other special ones. */
bool route_host_is_inside(sgl_view host);

#endif
