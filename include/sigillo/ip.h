/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses as values. */
#ifndef SIGILLO_IP_H
#define SIGILLO_IP_H

#include "sigillo/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_ip {
    uint8_t version;   /* 4 or 6; 0: none */
    uint8_t bytes[16]; /* network order; version 4 uses the first 4, the rest are zero */
};

struct sgl_ip_prefix {
    struct sgl_ip ip;
    uint8_t bits; /* 0 to 32 or 128 */
};

#define SGL_IP_TEXT_SIZE 46 /* the longest text and its NUL */

/*
 * Strict: "192.0.2.1" (four decimal numbers, no leading zeros) or an IPv6 address of RFC 4291 s2.2 (also with a dotted
 * quad at its end), no zone, no brackets, no blanks.  SGL_E_SYNTAX otherwise, out untouched.
 */
SGL_API enum sgl_status sgl_ip_parse(sgl_view text, struct sgl_ip *out) SGL_MUST_USE;
/* "192.0.2.0/24"; without a slash the whole address. Bits behind the prefix may be set; they are ignored by the match. */
SGL_API enum sgl_status sgl_ip_prefix_parse(sgl_view text, struct sgl_ip_prefix *out) SGL_MUST_USE;
SGL_API struct sgl_ip sgl_ip_v4(const uint8_t bytes[4]);
SGL_API struct sgl_ip sgl_ip_v6(const uint8_t bytes[16]);

/* The text (RFC 5952 for version 6), NUL-terminated in `out`; the result is a view of it. */
SGL_API sgl_view sgl_ip_text(const struct sgl_ip *ip, char out[SGL_IP_TEXT_SIZE]);
SGL_API bool sgl_ip_eq(const struct sgl_ip *a, const struct sgl_ip *b);
/* Same version and the first `bits` bits are equal. */
SGL_API bool sgl_ip_in_prefix(const struct sgl_ip *ip, const struct sgl_ip_prefix *prefix);
/* Appends the labels in reverse, "1.2.0.192" or 32 nibbles, without the zone (in-addr.arpa, ip6.arpa). */
SGL_API void sgl_ip_put_reverse(struct sgl_buf *out, const struct sgl_ip *ip);
/* ::ffff:192.0.2.1 becomes 192.0.2.1; everything else stays. */
SGL_API struct sgl_ip sgl_ip_unmap(const struct sgl_ip *ip);

/* These look through IPv4-mapped addresses. */
SGL_API bool sgl_ip_is_loopback(const struct sgl_ip *ip);
/* RFC 1918, RFC 4193 (fc00::/7), link-local, RFC 6598 shared space. */
SGL_API bool sgl_ip_is_private(const struct sgl_ip *ip);
/*
 * Not an address of a host on the public Internet: loopback, private, unspecified, multicast, broadcast, reserved,
 * documentation, benchmarking, discard, and translations (6to4, Teredo, NAT64) which may lead back to any of them.
 */
SGL_API bool sgl_ip_is_special(const struct sgl_ip *ip);

#ifdef __cplusplus
}
#endif
#endif
