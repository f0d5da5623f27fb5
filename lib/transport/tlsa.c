/* SPDX-License-Identifier: Apache-2.0 */
#include "tlsa_internal.h"

#include "sigillo/banned.h"
#include "sigillo/limits.h"

enum { USAGE_DANE_TA = 2, USAGE_DANE_EE = 3 };               /* [RFC 7218 s2.1] */
enum { SELECTOR_CERT = 0, SELECTOR_SPKI = 1 };               /* [RFC 7218 s2.2] */
enum { MATCH_FULL = 0, MATCH_SHA256 = 1, MATCH_SHA512 = 2 }; /* [RFC 7218 s2.3] */

/* A certificate or key in full is one DER SEQUENCE, no byte less and none more. */
static bool is_der_sequence(sgl_view v)
{
    size_t len, head = 2;

    if (v.len < 2 || v.ptr[0] != 0x30)
        return false;
    len = v.ptr[1];
    if (len >= 0x80) {
        size_t bytes = len & 0x7f;

        if (bytes < 1 || bytes > 3 || bytes > v.len - head)
            return false;
        len = 0;
        for (size_t i = 0; i < bytes; i++)
            len = len << 8 | v.ptr[head + i];
        head += bytes;
    }
    return len > 0 && len == v.len - head;
}

/* The PKIX usages are not mapped to the DANE ones: their publisher asked for another check. [RFC 7672 s3.1.3] */
bool sgl_tlsa_is_usable(const struct sgl_tlsa *record)
{
    if (record->usage != USAGE_DANE_TA && record->usage != USAGE_DANE_EE)
        return false;
    if (record->selector != SELECTOR_CERT && record->selector != SELECTOR_SPKI)
        return false;
    switch (record->matching) {
    case MATCH_FULL:
        return is_der_sequence(record->data);
    case MATCH_SHA256:
        return record->data.len == 32;
    case MATCH_SHA512:
        return record->data.len == 64;
    default: /* a number of the wire, not an enum: what is not known is not usable */
        return false;
    }
}

/* Is there a usable record with the same usage and selector and a stronger digest? */
static bool is_outdone(const struct sgl_dns_answer *answer, const struct sgl_tlsa *record)
{
    if (record->matching == MATCH_FULL)
        return false;
    for (size_t i = 0; i < answer->count; i++) {
        const struct sgl_tlsa *other = &answer->rr[i].tlsa;

        if (other->usage == record->usage && other->selector == record->selector &&
            other->matching > record->matching && sgl_tlsa_is_usable(other))
            return true;
    }
    return false;
}

const struct sgl_tlsa *sgl_tlsa_pick(const struct sgl_dns_answer *answer, struct sgl_arena *arena,
                                     size_t *count)
{
    struct sgl_tlsa *list = SGL_NEW_N(arena, answer->count, struct sgl_tlsa);
    size_t kept = 0;

    if (list == NULL)
        return NULL;
    for (size_t i = 0; i < answer->count && kept < SGL_LIMIT_TLSA_RECORDS; i++) {
        const struct sgl_tlsa *record = &answer->rr[i].tlsa;

        if (sgl_tlsa_is_usable(record) && !is_outdone(answer, record))
            list[kept++] = *record;
    }
    *count = kept;
    return list;
}
