/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DANE for SMTP: what a connection to one host must prove.  [RFC 7672 s2.2 and s3, RFC 7671 s9]
 *
 * The addresses of the host are looked up first and are part of the result: their DNSSEC state decides whether TLSA records are asked for at all.
 */
#ifndef SIGILLO_DANE_H
#define SIGILLO_DANE_H

#include "sigillo/dns.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_dane_level {
    SGL_DANE_NONE,    /* DANE does not apply: opportunistic TLS, or what another policy asks */
    SGL_DANE_ENCRYPT, /* secure TLSA records exist, none is usable: TLS is required, nobody is authenticated; never in clear */
    SGL_DANE_AUTHENTICATE, /* usable TLSA records: TLS is required and one of them must match; never anything less */
    SGL_DANE_LOOKUP_ERROR, /* a lookup failed or was forged: this host is unreachable for now; never "no records" */
};
SGL_API const char *sgl_dane_level_name(enum sgl_dane_level level);

enum sgl_dane_addresses {
    SGL_DANE_ADDRESSES_OK,
    SGL_DANE_ADDRESSES_NONE,   /* the host has none of the wanted families, or does not exist */
    SGL_DANE_ADDRESSES_FAILED, /* nothing is known: try again later */
};

struct sgl_dane_request {
    struct sgl_name host; /* of an MX record, a configured host, or the domain itself */
    uint16_t port;
    bool ipv4, ipv6; /* families to look up, at least one */
    /* The next-hop domain before MX resolution; the host itself when it was configured */
    struct sgl_name domain;
    /* The same after its alias chain; equal to domain when there is none */
    struct sgl_name canonical;
    /* How the host was found: a secure MX RRset, a secure denial of one, or configuration */
    bool mx_secure;
};

struct sgl_dane {
    enum sgl_dane_addresses addresses_state;
    /* IPv6 first, then IPv4, each sorted; at most SGL_LIMIT_MX_ADDRESSES */
    const struct sgl_ip *address;
    size_t addresses;
    enum sgl_dns_security address_security;

    enum sgl_dane_level level;
    /* The TLSA base domain: SNI, and the first reference identity; the host where DANE does not apply */
    struct sgl_name base;
    /* AUTHENTICATE: the usable records that are left after digest agility */
    const struct sgl_tlsa *tlsa;
    size_t tlsas;
    size_t tlsa_published; /* records in the RRset that was used, usable or not */
    /* Reference identities for DANE-TA(2), base first [RFC 7672 s3.2.2] */
    const struct sgl_name *name;
    size_t names;
    /* Level is AUTHENTICATE and the MX was secure: this protects the domain, not only the host [RFC 7672 s2.2.1] */
    bool domain_protected;
    uint32_t ttl_s; /* how long all of this may be used */
    /* One short clause for people: "TLSA lookup for _25._tcp.mx.example failed: timeout"; never NULL */
    const char *why;
    bool bogus; /* LOOKUP_ERROR: an answer came, and was forged or is wrongly signed */
};

/*
 * Finds addresses and TLSA records of one host.  Asks at most 5 questions (A, AAAA, CNAME, 2 TLSA), in at most 4 passes.
 *
 * arena    takes addresses, records, names and texts
 * out      set only with SGL_OK; its views live as long as dns and arena
 * Returns SGL_OK, SGL_NEED_DNS, or the errors of sgl_dns_get() and the arena.
 */
SGL_API enum sgl_status sgl_dane_check(const struct sgl_dane_request *request, struct sgl_dns *dns,
                                       struct sgl_arena *arena, struct sgl_dane *out) SGL_MUST_USE;

/*
 * Is this record usable for SMTP?  Usage 2 or 3, a known selector and matching type, a digest of the right length, or a
 * whole DER SEQUENCE.
 * [RFC 7672 s3.1; RFC 6698 s2.1]
 */
SGL_API bool sgl_tlsa_is_usable(const struct sgl_tlsa *record);

#ifdef __cplusplus
}
#endif
#endif
