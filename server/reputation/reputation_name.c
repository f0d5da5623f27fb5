/* SPDX-License-Identifier: Apache-2.0 */
/* Who is who.  A customer of a network has at least a /64 of IPv6: its single addresses say nothing. */
#include <stdio.h>
#include <string.h>

#include "reputation_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"

#define ADDRESS_6_BITS 64
#define NETWORK_6_BITS 48
#define NETWORK_4_BITS 24

static void name_prefix(struct sgl_ip ip, unsigned bits, char out[REPUTATION_NAME_SIZE])
{
    char text[SGL_IP_TEXT_SIZE];

    memset(ip.bytes + bits / 8, 0, sizeof(ip.bytes) - bits / 8);
    sgl_ip_text(&ip, text);
    snprintf(out, REPUTATION_NAME_SIZE, "%s/%u", text, bits);
}

void name_address(const struct sgl_ip *ip, char out[REPUTATION_NAME_SIZE])
{
    struct sgl_ip plain = sgl_ip_unmap(ip);

    if (plain.version == 6)
        name_prefix(plain, ADDRESS_6_BITS, out);
    else
        sgl_ip_text(&plain, out);
}

void name_network(const struct sgl_ip *ip, char out[REPUTATION_NAME_SIZE])
{
    struct sgl_ip plain = sgl_ip_unmap(ip);

    name_prefix(plain, plain.version == 6 ? NETWORK_6_BITS : NETWORK_4_BITS, out);
}

bool name_domain(sgl_view domain, char out[REPUTATION_NAME_SIZE])
{
    if (sgl_view_ends(domain, SGL_LIT(".")))
        domain = sgl_view_sub(domain, 0, domain.len - 1);
    if (domain.len == 0 || domain.len >= REPUTATION_NAME_SIZE)
        return false;
    for (size_t i = 0; i < domain.len; i++) {
        if (!sgl_ascii_is_visible(domain.ptr[i]))
            return false;
        out[i] = (char)sgl_ascii_lower(domain.ptr[i]);
    }
    out[domain.len] = '\0';
    return true;
}

/* "192.0.2.7/24" is the network, "2001:db8::1/64" an address. */
static bool read_prefix(sgl_view text, enum reputation_kind *kind, char out[REPUTATION_NAME_SIZE])
{
    struct sgl_ip_prefix p;
    unsigned whole;

    if (sgl_ip_prefix_parse(text, &p) != SGL_OK)
        return false;
    whole = p.ip.version == 6 ? ADDRESS_6_BITS : 32;
    if (p.bits == (p.ip.version == 6 ? NETWORK_6_BITS : NETWORK_4_BITS)) {
        *kind = REPUTATION_NETWORK;
        name_network(&p.ip, out);
        return true;
    }
    *kind = REPUTATION_ADDRESS;
    name_address(&p.ip, out);
    return p.bits == whole;
}

bool name_read(sgl_view text, enum reputation_kind *kind, char out[REPUTATION_NAME_SIZE])
{
    struct sgl_ip ip;

    if (sgl_ip_parse(text, &ip) == SGL_OK) {
        *kind = REPUTATION_ADDRESS;
        name_address(&ip, out);
        return true;
    }
    if (sgl_view_find(text, '/') < text.len)
        return read_prefix(text, kind, out);
    *kind = REPUTATION_DOMAIN;
    return name_domain(text, out);
}
