/* SPDX-License-Identifier: Apache-2.0 */
#include "roll.h"

#include <string.h>

#include "sigillo/dane.h"

/* With the hash alone only "3 1 1" can be told. */
static bool matches(const struct sgl_tlsa *r, const struct tls_pair *pair, const uint8_t hash[32])
{
    if (pair != NULL)
        return tls_pair_matches(pair,
                                &(struct tls_tlsa){r->usage, r->selector, r->matching, r->data});
    return r->usage == 3 && r->selector == 1 && r->matching == 1 && r->data.len == 32 &&
           memcmp(r->data.ptr, hash, 32) == 0;
}

enum roll_seen roll_look(const struct sgl_dns_answer *tlsa, const struct tls_pair *pair,
                         const uint8_t hash[32])
{
    bool usable = false;

    if (sgl_dns_is_error(tlsa))
        return ROLL_UNKNOWN;
    if (tlsa->outcome != SGL_DNS_OK || tlsa->security != SGL_DNS_SECURE)
        return ROLL_NONE;
    for (size_t i = 0; i < tlsa->count; i++) {
        if (!sgl_tlsa_is_usable(&tlsa->rr[i].tlsa))
            continue;
        usable = true;
        if (matches(&tlsa->rr[i].tlsa, pair, hash))
            return ROLL_MATCHES;
    }
    return usable ? ROLL_OTHERS : ROLL_NONE;
}

enum roll_do roll_decide(struct roll *r, const struct roll_facts *f, int64_t *until_s)
{
    *until_s = f->old_expires_s;
    if (f->old_expires_s <= f->now_s) /* the old one helps nobody any more */
        return ROLL_TAKE;
    switch (f->seen) {
    case ROLL_UNKNOWN:
        return ROLL_ASK;
    case ROLL_NONE:
        return ROLL_TAKE;
    case ROLL_OTHERS:
        r->since_s = 0;
        return ROLL_PUBLISH;
    case ROLL_MATCHES:
        break;
    }
    if (r->ttl_s < f->ttl_s)
        r->ttl_s = f->ttl_s;
    if (r->since_s == 0)
        r->since_s = f->now_s;
    if (f->now_s >= r->since_s + 2 * (int64_t)r->ttl_s)
        return ROLL_TAKE;
    if (r->since_s + 2 * (int64_t)r->ttl_s < f->old_expires_s)
        *until_s = r->since_s + 2 * (int64_t)r->ttl_s;
    return ROLL_SETTLE;
}
