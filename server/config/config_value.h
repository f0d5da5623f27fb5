/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a configuration as values. Each call returns NULL, or what is wrong as a static text; out is set only with NULL. */
#ifndef SERVER_CONFIG_CONFIG_VALUE_H
#define SERVER_CONFIG_CONFIG_VALUE_H

#include "config.h"

const char *value_number(sgl_view text, uint64_t *out); /* "25" */
const char *value_size(sgl_view text, uint64_t *out); /* "36M": bytes; K, M, G are powers of 1024 */
const char *value_duration_ms(sgl_view text,
                              uint64_t *out);         /* "500ms", "30s", "5m", "4h", "3d"; "0" */
const char *value_bool(sgl_view text, uint64_t *out); /* true, yes, on, false, no, off */
/* "192.0.2.1:587", "[2001:db8::1]:587"; with a port of 0 as default_port none may be left out. Also "192.0.2.1@587" as resolvers write it. */
const char *value_address(sgl_view text, uint16_t default_port, struct config_address *out);
const char *value_ip(sgl_view text, struct config_address *out); /* no port */
const char *value_network(sgl_view text, struct config_network *out);
const char *value_host(sgl_view text);           /* a host name: letters, digits, hyphens, dots */
const char *value_key_name(sgl_view text);       /* of TSIG: "sigillo", "sigillo_1.example.org" */
const char *value_spf_term(sgl_view text);       /* "ip4:192.0.2.1", "a:mail.example.org" */
const char *value_mailto(sgl_view text);         /* "mailto:reports@example.org" */
const char *value_mailbox(sgl_view text);        /* "reports@example.org" */
const char *value_url(sgl_view text);            /* https://HOST[:PORT], without a path */
const char *value_domain_pattern(sgl_view text); /* "example.org", ".example.org", "*" */

#endif
