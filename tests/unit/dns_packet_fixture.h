/* SPDX-License-Identifier: Apache-2.0 */
/* DNS answers written by hand. */
#ifndef TESTS_UNIT_DNS_PACKET_FIXTURE_H
#define TESTS_UNIT_DNS_PACKET_FIXTURE_H

#include <stdint.h>
#include <string.h>

struct answer_bytes {
    uint8_t bytes[2048];
    size_t len;
};

static inline void put8(struct answer_bytes *p, unsigned v)
{
    p->bytes[p->len++] = (uint8_t)v;
}

static inline void put16(struct answer_bytes *p, unsigned v)
{
    put8(p, v >> 8);
    put8(p, v & 255);
}

static inline void put32(struct answer_bytes *p, unsigned long v)
{
    put16(p, (unsigned)(v >> 16));
    put16(p, (unsigned)(v & 65535));
}

/* "a.test": labels and a zero. */
static inline void put_dns_name(struct answer_bytes *p, const char *name)
{
    while (*name != '\0') {
        size_t len = strcspn(name, ".");

        put8(p, (unsigned)len);
        memcpy(p->bytes + p->len, name, len);
        p->len += len;
        name += len + (name[len] == '.');
    }
    put8(p, 0);
}

static inline void put_header(struct answer_bytes *p, unsigned rcode, const char *name,
                              unsigned type, unsigned answers)
{
    p->len = 0;
    put16(p, 0x1234);
    put16(p, 0x8180 | rcode);
    put16(p, 1);
    put16(p, answers);
    put32(p, 0);
    put_dns_name(p, name);
    put16(p, type);
    put16(p, 1);
}

/* Owner, type, class, ttl; then the rdata behind its length, which put_rdata_end() fills in. */
static inline size_t put_record(struct answer_bytes *p, const char *owner, unsigned type,
                                unsigned ttl)
{
    put_dns_name(p, owner);
    put16(p, type);
    put16(p, 1);
    put32(p, ttl);
    put16(p, 0);
    return p->len;
}

static inline void put_rdata_end(struct answer_bytes *p, size_t start)
{
    size_t len = p->len - start;

    p->bytes[start - 2] = (uint8_t)(len >> 8);
    p->bytes[start - 1] = (uint8_t)len;
}

static inline void put_a(struct answer_bytes *p, const char *owner, unsigned long ip)
{
    size_t at = put_record(p, owner, 1, 300);

    put32(p, ip);
    put_rdata_end(p, at);
}

static inline void put_mx(struct answer_bytes *p, const char *owner, unsigned preference,
                          const char *host)
{
    size_t at = put_record(p, owner, 15, 300);

    put16(p, preference);
    put_dns_name(p, host);
    put_rdata_end(p, at);
}

static inline void put_cname(struct answer_bytes *p, const char *owner, const char *target,
                             unsigned ttl)
{
    size_t at = put_record(p, owner, 5, ttl);

    put_dns_name(p, target);
    put_rdata_end(p, at);
}

#endif
