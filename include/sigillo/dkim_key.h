/* SPDX-License-Identifier: Apache-2.0 */
/* DKIM key records: "v=DKIM1; k=rsa; p=MIIB..." at SELECTOR._domainkey.DOMAIN.  [RFC 6376 s3.6, RFC 8463] */
#ifndef SIGILLO_DKIM_KEY_H
#define SIGILLO_DKIM_KEY_H

#include "sigillo/dkim.h"
#include "sigillo/dns.h"
#include "sigillo/finding.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_dkim_key {
    enum sgl_key_type type;
    sgl_view bytes; /* p= decoded; empty: revoked */
    bool revoked;   /* p= is there and empty */
    bool testing;   /* t=y */
    bool strict;    /* t=s: the identity's domain must be d= itself */
    bool sha256;    /* h= is absent or names sha256 */
    bool email;     /* s= is absent or names email or * */
    sgl_view notes; /* n=; foreign bytes */
};

/*
 * Reads one key record  [RFC 6376 s3.6.1].
 *
 * txt    borrowed; views of the result point into it and the arena
 * out    set only with SGL_OK
 * diag   may be NULL
 * SGL_OK; SGL_E_SYNTAX: not a usable key record (diag says why): v= not first or not DKIM1, no p=, unknown k=, p= no base64, a tag twice, more
 * than SGL_LIMIT_TAGS tags; SGL_E_LIMIT: the arena is full; SGL_E_NOMEM.  Whether the bytes are a key says sgl_public_key_parse().  g= of RFC 4871 is ignored.
 */
SGL_API enum sgl_status sgl_dkim_key_parse(sgl_view txt, struct sgl_arena *arena,
                                           struct sgl_dkim_key *out,
                                           struct sgl_diag *diag) SGL_MUST_USE;
/*
 * What is wrong with this record, for its owner: too short, revoked, testing, SHA-1 only, a key that cannot be read ...: codes dkim-...
 * The findings are added to *out.  SGL_OK for every text; SGL_E_LIMIT: the arena is full; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_dkim_key_lint(const struct sgl_crypto *crypto, sgl_view txt,
                                          struct sgl_arena *arena,
                                          struct sgl_findings *out) SGL_MUST_USE;

enum sgl_dkim_key_state {
    SGL_DKIM_KEY_FOUND,
    SGL_DKIM_KEY_NONE,   /* no such name, no TXT, or none of them a key record */
    SGL_DKIM_KEY_BROKEN, /* key records are there, none usable: `why` of the first */
    SGL_DKIM_KEY_REVOKED,
    SGL_DKIM_KEY_TEMPERROR, /* the lookup failed */
};
struct sgl_dkim_key_answer {
    enum sgl_dkim_key_state state;
    /* FOUND: at most SGL_LIMIT_DKIM_KEYS, in the order of the answer */
    const struct sgl_dkim_key *key;
    size_t count;
    enum sgl_dns_security security;
    const char *why; /* a static sentence, "" for FOUND */
};
/*
 * The keys at SELECTOR._domainkey.DOMAIN  [RFC 6376 s3.6.2].
 *
 * domain, selector   ASCII (A-labels)
 * out                set only with SGL_OK; lives in the arena and the snapshot
 * SGL_OK; SGL_NEED_DNS (one TXT question); SGL_E_SYNTAX: the two make no possible name; SGL_E_LIMIT; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_dkim_key_find(sgl_view domain, sgl_view selector, struct sgl_dns *dns,
                                          struct sgl_arena *arena,
                                          struct sgl_dkim_key_answer *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
