/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as key records carry them.  The first byte chooses the type. */
#include <stdlib.h>

#include "sigillo/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sgl_crypto *crypto;
    struct sgl_public_key *key = NULL;
    uint8_t digest[SGL_SHA256_SIZE] = {0}, signature[SGL_SIGNATURE_MAX] = {1};
    bool valid = true;

    if (crypto == NULL)
        crypto = sgl_crypto_new();
    if (crypto == NULL || size == 0)
        return 0;
    if (sgl_public_key_parse(crypto, data[0] & 1 ? SGL_KEY_ED25519 : SGL_KEY_RSA,
                             sgl_view_of(data + 1, size - 1), &key) != SGL_OK)
        return 0;
    if (sgl_public_key_verify(
            crypto, key, digest,
            sgl_view_of(signature, data[0] & 1 ? 64 : (sgl_public_key_bits(key) + 7) / 8),
            &valid) == SGL_OK &&
        valid && (data[0] & 1) == 0)
        abort(); /* a signature out of nothing; Ed25519 has points for which that is right */
    sgl_public_key_free(key);
    return 0;
}
