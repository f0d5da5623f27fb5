/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/ip.h"

#include "sigillo/ascii.h"
#include "sigillo/banned.h"

struct sgl_ip sgl_ip_v4(const uint8_t bytes[4])
{
    struct sgl_ip ip = {4, {bytes[0], bytes[1], bytes[2], bytes[3]}};

    return ip;
}

struct sgl_ip sgl_ip_v6(const uint8_t bytes[16])
{
    struct sgl_ip ip = {6, {0}};

    memcpy(ip.bytes, bytes, sizeof ip.bytes);
    return ip;
}

static bool parse_v4(sgl_view text, uint8_t out[4])
{
    sgl_view rest = text;

    for (size_t i = 0; i < 4; i++) {
        sgl_view part = sgl_view_split(rest, '.', &rest);
        uint64_t n;

        if ((part.len > 1 && part.ptr[0] == '0') || part.len > 3 || !sgl_view_u64(part, 255, &n))
            return false;
        if ((i < 3) != (rest.ptr != NULL)) /* a dot after each but the last */
            return false;
        out[i] = (uint8_t)n;
    }
    return true;
}

static bool parse_group(sgl_view text, uint8_t out[2])
{
    unsigned n = 0;

    if (text.len == 0 || text.len > 4)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = sgl_ascii_hex_value(text.ptr[i]);

        if (digit < 0)
            return false;
        n = n << 4 | (unsigned)digit;
    }
    out[0] = (uint8_t)(n >> 8);
    out[1] = (uint8_t)n;
    return true;
}

/* Groups between colons, at most `max` bytes; a dotted quad may be the last. Bytes written, or -1. Empty text is 0. */
static int parse_groups(sgl_view text, bool quad_allowed, uint8_t *out, int max)
{
    sgl_view rest = text;
    int n = 0;

    if (text.len == 0)
        return 0;
    do {
        sgl_view part = sgl_view_split(rest, ':', &rest);

        if (rest.ptr == NULL && quad_allowed && sgl_view_find(part, '.') != part.len) {
            if (n > max - 4 || !parse_v4(part, out + n))
                return -1;
            return n + 4;
        }
        if (n > max - 2 || !parse_group(part, out + n))
            return -1;
        n += 2;
    } while (rest.ptr != NULL);
    return n;
}

static bool parse_v6(sgl_view text, uint8_t out[16])
{
    size_t gap = sgl_view_find_view(text, SGL_LIT("::"));
    uint8_t tail[16];
    int before, after;

    memset(out, 0, 16);
    if (gap == text.len)
        return parse_groups(text, true, out, 16) == 16;
    before = parse_groups(sgl_view_sub(text, 0, gap), false, out, 14);
    after = parse_groups(sgl_view_from(text, gap + 2), true, tail, 14);
    if (before < 0 || after < 0 || before + after > 14) /* "::" stands for one group at least */
        return false;
    memcpy(out + 16 - after, tail, (size_t)after);
    return true;
}

enum sgl_status sgl_ip_parse(sgl_view text, struct sgl_ip *out)
{
    struct sgl_ip ip = {0, {0}};

    if (sgl_view_find(text, ':') != text.len) {
        if (!parse_v6(text, ip.bytes))
            return SGL_E_SYNTAX;
        ip.version = 6;
    } else {
        if (!parse_v4(text, ip.bytes))
            return SGL_E_SYNTAX;
        ip.version = 4;
    }
    *out = ip;
    return SGL_OK;
}

enum sgl_status sgl_ip_prefix_parse(sgl_view text, struct sgl_ip_prefix *out)
{
    sgl_view bits;
    sgl_view address = sgl_view_split(text, '/', &bits);
    struct sgl_ip_prefix prefix;
    uint64_t n, most;

    SGL_TRY(sgl_ip_parse(address, &prefix.ip));
    most = prefix.ip.version == 4 ? 32 : 128;
    n = most;
    if (bits.ptr != NULL && ((bits.len > 1 && bits.ptr[0] == '0') || !sgl_view_u64(bits, most, &n)))
        return SGL_E_SYNTAX;
    prefix.bits = (uint8_t)n;
    *out = prefix;
    return SGL_OK;
}

static size_t put_decimal(char *to, unsigned n)
{
    size_t len = 0;

    if (n >= 100)
        to[len++] = (char)('0' + n / 100);
    if (n >= 10)
        to[len++] = (char)('0' + n / 10 % 10);
    to[len++] = (char)('0' + n % 10);
    return len;
}

static size_t put_v4(char *to, const uint8_t bytes[4])
{
    size_t len = 0;

    for (size_t i = 0; i < 4; i++) {
        if (i > 0)
            to[len++] = '.';
        len += put_decimal(to + len, bytes[i]);
    }
    return len;
}

static size_t put_group(char *to, const uint8_t bytes[2])
{
    static const char digits[] = "0123456789abcdef";
    unsigned n = (unsigned)bytes[0] << 8 | bytes[1];
    size_t len = 0;

    for (unsigned shift = 16; shift > 0; shift -= 4) {
        unsigned digit = n >> (shift - 4) & 15;

        if (digit != 0 || len > 0 || shift == 4)
            to[len++] = digits[digit];
    }
    return len;
}

/* The longest run of zero groups, the first of equals, at least two. [RFC 5952 s4.2] */
static void find_gap(const uint8_t bytes[16], size_t *gap, size_t *gap_len)
{
    *gap = 8;
    *gap_len = 1;
    for (size_t i = 0; i < 8; i++) {
        size_t n = 0;

        while (i + n < 8 && bytes[2 * (i + n)] == 0 && bytes[2 * (i + n) + 1] == 0)
            n++;
        if (n > *gap_len) {
            *gap = i;
            *gap_len = n;
        }
    }
}

static bool is_mapped(const struct sgl_ip *ip)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    return ip->version == 6 && memcmp(ip->bytes, prefix, sizeof prefix) == 0;
}

static size_t put_v6(char *to, const struct sgl_ip *ip)
{
    size_t len = 0, gap, gap_len;

    if (is_mapped(ip)) { /* [RFC 5952 s5] */
        memcpy(to, "::ffff:", 7);
        return 7 + put_v4(to + 7, ip->bytes + 12);
    }
    find_gap(ip->bytes, &gap, &gap_len);
    for (size_t i = 0; i < 8; i++) {
        if (i == gap) {
            to[len++] = ':';
            to[len++] = ':';
            i += gap_len - 1;
            continue;
        }
        if (i > 0 && to[len - 1] != ':')
            to[len++] = ':';
        len += put_group(to + len, ip->bytes + 2 * i);
    }
    return len;
}

sgl_view sgl_ip_text(const struct sgl_ip *ip, char out[SGL_IP_TEXT_SIZE])
{
    size_t len = 0;

    if (ip->version == 4)
        len = put_v4(out, ip->bytes);
    else if (ip->version == 6)
        len = put_v6(out, ip);
    out[len] = 0;
    return sgl_view_of(out, len);
}

bool sgl_ip_eq(const struct sgl_ip *a, const struct sgl_ip *b)
{
    return a->version == b->version && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool sgl_ip_in_prefix(const struct sgl_ip *ip, const struct sgl_ip_prefix *prefix)
{
    size_t whole = prefix->bits / 8, rest = prefix->bits % 8;
    uint8_t mask = (uint8_t)(0xff00u >> rest);

    if (ip->version != prefix->ip.version || whole > sizeof ip->bytes)
        return false;
    if (memcmp(ip->bytes, prefix->ip.bytes, whole) != 0)
        return false;
    return rest == 0 || ((ip->bytes[whole] ^ prefix->ip.bytes[whole]) & mask) == 0;
}

void sgl_ip_put_reverse(struct sgl_buf *out, const struct sgl_ip *ip)
{
    static const char digits[] = "0123456789abcdef";

    if (ip->version == 4) {
        for (size_t i = 4; i > 0; i--) {
            sgl_buf_add_u64(out, ip->bytes[i - 1]);
            if (i > 1)
                sgl_buf_add_byte(out, '.');
        }
        return;
    }
    for (size_t i = 16; i > 0; i--) {
        sgl_buf_add_byte(out, (uint8_t)digits[ip->bytes[i - 1] & 15]);
        sgl_buf_add_byte(out, '.');
        sgl_buf_add_byte(out, (uint8_t)digits[ip->bytes[i - 1] >> 4]);
        if (i > 1)
            sgl_buf_add_byte(out, '.');
    }
}

struct sgl_ip sgl_ip_unmap(const struct sgl_ip *ip)
{
    return is_mapped(ip) ? sgl_ip_v4(ip->bytes + 12) : *ip;
}

static bool in_any(const struct sgl_ip *ip, const struct sgl_ip_prefix *prefix, size_t count)
{
    struct sgl_ip plain = sgl_ip_unmap(ip);

    for (size_t i = 0; i < count; i++) {
        if (sgl_ip_in_prefix(&plain, &prefix[i]))
            return true;
    }
    return false;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool sgl_ip_is_loopback(const struct sgl_ip *ip)
{
    static const struct sgl_ip_prefix loopback[] = {
        {{4, {127}}, 8},
        {{6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, 128},
    };

    return in_any(ip, loopback, COUNT(loopback));
}

bool sgl_ip_is_private(const struct sgl_ip *ip)
{
    static const struct sgl_ip_prefix private[] = {
        {{4, {10}}, 8},          {{4, {172, 16}}, 12}, {{4, {192, 168}}, 16},
        {{4, {100, 64}}, 10}, /* shared between a provider and its customers */
        {{4, {169, 254}}, 16},   {{6, {0xfc}}, 7},     {{6, {0xfe, 0x80}}, 10},
        {{6, {0xfe, 0xc0}}, 10}, /* site-local, withdrawn */
    };

    return in_any(ip, private, COUNT(private));
}

bool sgl_ip_is_special(const struct sgl_ip *ip)
{
    /* [RFC 6890] and the IANA special-purpose registries. */
    static const struct sgl_ip_prefix special[] = {
        {{4, {0}}, 8},
        {{4, {192, 0, 0}}, 24},
        {{4, {192, 0, 2}}, 24},
        {{4, {192, 88, 99}}, 24},
        {{4, {198, 18}}, 15},
        {{4, {198, 51, 100}}, 24},
        {{4, {203, 0, 113}}, 24},
        {{4, {224}}, 3}, /* multicast and reserved, 255.255.255.255 with them */
        {{6, {0}}, 8},   /* unspecified, IPv4-compatible; the mapped ones were looked through */
        {{6, {0x00, 0x64, 0xff, 0x9b}}, 32},
        {{6, {0x01}}, 8}, /* discard-only */
        {{6, {0x20, 0x01, 0x00, 0x00}}, 23},
        {{6, {0x20, 0x01, 0x0d, 0xb8}}, 32},
        {{6, {0x20, 0x02}}, 16},
        {{6, {0x3f, 0xff}}, 20},
        {{6, {0x5f, 0x00}}, 16},
        {{6, {0xff}}, 8},
    };

    return ip->version == 0 || sgl_ip_is_loopback(ip) || sgl_ip_is_private(ip) ||
           in_any(ip, special, COUNT(special));
}
