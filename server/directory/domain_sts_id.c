/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>
#include <string.h>

#include "domain.h"

#define ID_BYTES 10

/* Of the text: the same one has the same id, whatever was in between. */
void domain_sts_id(const struct domain *domain, char out[DOMAIN_STS_ID_SIZE])
{
    uint8_t hash[crypto_hash_sha256_BYTES];

    out[0] = '\0';
    if (domain->sts_policy == NULL || domain->sts_policy[0] == '\0')
        return;
    crypto_hash_sha256(hash, (const uint8_t *)domain->sts_policy, strlen(domain->sts_policy));
    sodium_bin2hex(out, DOMAIN_STS_ID_SIZE, hash, ID_BYTES);
}
