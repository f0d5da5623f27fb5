/* SPDX-License-Identifier: Apache-2.0 */
#include "config_value.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "sigillo/ascii.h"
#include "sigillo/ip.h"

const char *value_number(sgl_view text, uint64_t *out)
{
    uint64_t n;

    if (!sgl_view_u64(text, INT64_MAX, &n))
        return "not a whole number";
    *out = n;
    return NULL;
}

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* Digits and one of the units. */
static bool with_unit(sgl_view text, const struct unit *unit, size_t units, uint64_t *out)
{
    size_t digits = 0;
    uint64_t n;

    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    if (!sgl_view_u64(sgl_view_sub(text, 0, digits), INT64_MAX, &n))
        return false;
    for (size_t i = 0; i < units; i++) {
        if (!sgl_view_eq(sgl_view_from(text, digits), sgl_view_cstr(unit[i].suffix)))
            continue;
        if (n > INT64_MAX / unit[i].factor)
            return false;
        *out = n * unit[i].factor;
        return true;
    }
    return false;
}

const char *value_size(sgl_view text, uint64_t *out)
{
    static const struct unit unit[] = {
        {"", 1}, {"K", 1024}, {"M", 1024 * 1024}, {"G", 1024 * 1024 * 1024}};

    if (!with_unit(text, unit, sizeof(unit) / sizeof(unit[0]), out))
        return "not a size (write 500, 64K, 36M or 1G)";
    return NULL;
}

const char *value_duration_ms(sgl_view text, uint64_t *out)
{
    static const struct unit unit[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                       {"h", 3600000}, {"d", 86400000}, {"w", 604800000}};

    if (sgl_view_eq(text, SGL_LIT("0"))) {
        *out = 0;
        return NULL;
    }
    if (!with_unit(text, unit, sizeof(unit) / sizeof(unit[0]), out))
        return "not a duration (write 500ms, 30s, 5m, 4h or 3d)";
    return NULL;
}

const char *value_bool(sgl_view text, uint64_t *out)
{
    static const char *const word[] = {"false", "true", "no", "yes", "off", "on"};

    for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
        if (sgl_view_eq_nocase(text, sgl_view_cstr(word[i]))) {
            *out = i & 1;
            return NULL;
        }
    }
    return "not true or false";
}

static void fill(struct config_address *out, const struct sgl_ip *ip, uint16_t port)
{
    char text[SGL_IP_TEXT_SIZE];

    memset(out, 0, sizeof(*out));
    sgl_ip_text(ip, text);
    if (ip->version == 4) {
        struct sockaddr_in *sin = (struct sockaddr_in *)&out->addr;

        sin->sin_family = AF_INET;
        sin->sin_port = htons(port);
        memcpy(&sin->sin_addr, ip->bytes, 4);
        out->len = sizeof(*sin);
    } else {
        struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&out->addr;

        sin6->sin6_family = AF_INET6;
        sin6->sin6_port = htons(port);
        memcpy(&sin6->sin6_addr, ip->bytes, 16);
        out->len = sizeof(*sin6);
    }
    if (port == 0)
        snprintf(out->text, sizeof(out->text), "%s", text);
    else
        snprintf(out->text, sizeof(out->text), ip->version == 4 ? "%s:%u" : "[%s]:%u", text,
                 (unsigned)port);
}

/* Splits into address and port; *port is empty when there is none. */
static bool split_port(sgl_view text, sgl_view *ip, sgl_view *port)
{
    size_t at = sgl_view_find(text, '@');

    *port = sgl_view_of(NULL, 0);
    if (text.len > 0 && text.ptr[0] == '[') {
        size_t end = sgl_view_find(text, ']');

        *ip = sgl_view_sub(text, 1, end - 1);
        *port = sgl_view_from(text, end + 1);
        if (end == text.len || (port->len > 0 && port->ptr[0] != ':'))
            return false;
        *port = sgl_view_from(*port, 1);
        return true;
    }
    if (at == text.len) { /* one colon is a port's, more are an IPv6 address */
        at = sgl_view_find(text, ':');
        if (sgl_view_find(sgl_view_from(text, at + 1), ':') + at + 1 < text.len)
            at = text.len;
    }
    *ip = sgl_view_sub(text, 0, at);
    *port = sgl_view_from(text, at + 1);
    return at == text.len || port->len > 0;
}

const char *value_address(sgl_view text, uint16_t default_port, struct config_address *out)
{
    sgl_view ip_text, port_text;
    struct sgl_ip ip;
    uint64_t port = default_port;

    if (!split_port(text, &ip_text, &port_text) || sgl_ip_parse(ip_text, &ip) != SGL_OK)
        return "not an address (write 192.0.2.1:587 or [2001:db8::1]:587; names are not looked up)";
    if (port_text.len == 0 && default_port == 0)
        return "has no port";
    if (port_text.len > 0 && (!sgl_view_u64(port_text, 65535, &port) || port == 0))
        return "not a port (1 to 65535)";
    fill(out, &ip, (uint16_t)port);
    return NULL;
}

const char *value_ip(sgl_view text, struct config_address *out)
{
    struct sgl_ip ip;

    if (sgl_ip_parse(text, &ip) != SGL_OK)
        return "not an IP address";
    fill(out, &ip, 0);
    return NULL;
}

const char *value_network(sgl_view text, struct config_network *out)
{
    struct sgl_ip_prefix prefix;

    if (sgl_ip_prefix_parse(text, &prefix) != SGL_OK)
        return "not a network (write 192.0.2.0/24 or 2001:db8::/32)";
    memset(out, 0, sizeof(*out));
    out->family = prefix.ip.version == 4 ? AF_INET : AF_INET6;
    memcpy(out->bytes, prefix.ip.bytes, sizeof(out->bytes));
    out->prefix = prefix.bits;
    return NULL;
}

static bool label_good(sgl_view label)
{
    if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        uint8_t c = sgl_ascii_lower(label.ptr[i]);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return true;
}

const char *value_host(sgl_view text)
{
    sgl_view rest = text;

    if (text.len == 0 || text.len > 253)
        return "not a host name";
    while (rest.ptr != NULL) {
        if (!label_good(sgl_view_split(rest, '.', &rest)))
            return "not a host name (letters, digits, hyphens and dots; write xn-- labels for "
                   "others)";
    }
    return NULL;
}

/* Names of keys are domain names, and those that people give them have underscores. */
const char *value_key_name(sgl_view text)
{
    bool good = text.len > 0 && text.len <= 200 && text.ptr[0] != '.';

    for (size_t i = 0; good && i < text.len; i++) {
        uint8_t c = text.ptr[i];

        good =
            sgl_ascii_is_alnum(c) || c == '-' || c == '_' || (c == '.' && text.ptr[i - 1] != '.');
    }
    return good ? NULL : "not the name of a key (letters, digits, hyphens, underscores and dots)";
}

const char *value_url(sgl_view text)
{
    sgl_view port, host;
    uint64_t n;

    if (!sgl_view_starts(text, SGL_LIT("https://")))
        return "not https://HOST or https://HOST:PORT";
    host = sgl_view_split(sgl_view_from(text, 8), ':', &port);
    if (value_host(host) == NULL && (port.ptr == NULL || (sgl_view_u64(port, 65535, &n) && n > 0)))
        return NULL;
    return "not https://HOST or https://HOST:PORT (without a path, and without a slash at its end)";
}

const char *value_domain_pattern(sgl_view text)
{
    if (sgl_view_eq(text, SGL_LIT("*")))
        return NULL;
    if (text.len > 0 && text.ptr[0] == '.')
        text = sgl_view_from(text, 1);
    return value_host(text) == NULL ? NULL : "not a domain (write example.org, .example.org or *)";
}

/* A mechanism that names its target: without one it would mean the domain that publishes it, not this server. */
const char *value_spf_term(sgl_view text)
{
    static const char *const mechanism[] = {"a:", "mx:", "ip4:", "ip6:", "include:", "exists:"};

    for (size_t i = 0; i < sizeof(mechanism) / sizeof(mechanism[0]); i++)
        if (sgl_view_starts(text, sgl_view_cstr(mechanism[i])) && text.len > strlen(mechanism[i]) &&
            sgl_view_find(text, ' ') == text.len && sgl_ascii_is_printable(text))
            return NULL;
    return "not an SPF term (write ip4:192.0.2.1, ip6:2001:db8::1, a:HOST or include:NAME)";
}

const char *value_mailto(sgl_view text)
{
    sgl_view address = sgl_view_from(text, 7);

    if (sgl_view_starts(text, SGL_LIT("mailto:")) && sgl_ascii_is_printable(text) &&
        sgl_view_find(address, '@') > 0 && sgl_view_find(address, '@') + 1 < address.len &&
        sgl_view_find(text, ' ') == text.len && sgl_view_find(text, ',') == text.len &&
        sgl_view_find(text, ';') == text.len)
        return NULL;
    return "not an address for reports (write mailto:reports@example.org)";
}

const char *value_mailbox(sgl_view text)
{
    sgl_view domain, local = sgl_view_split(text, '@', &domain);
    bool fine = local.len > 0 && local.len <= 64 && domain.len > 0 && value_host(domain) == NULL;

    for (size_t i = 0; fine && i < local.len; i++)
        fine = sgl_ascii_is_alnum(local.ptr[i]) ||
               memchr("!#$%&'*+-/=?^_`{|}~.", local.ptr[i], 20) != NULL;
    if (fine && local.ptr[0] != '.' && local.ptr[local.len - 1] != '.' &&
        sgl_view_find_view(local, SGL_LIT("..")) == local.len)
        return NULL;
    return "not an address (write reports@example.org)";
}
