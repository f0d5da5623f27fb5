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
    enum sgl_key_type type;
    bool valid = true;
    size_t len;

    if (crypto == NULL)
        crypto = sgl_crypto_new();
    if (crypto == NULL || size == 0)
        return 0;
    type = data[0] & 1 ? SGL_KEY_ED25519 : data[0] & 2 ? SGL_KEY_P256 : SGL_KEY_RSA;
    if (sgl_public_key_parse(crypto, type, sgl_view_of(data + 1, size - 1), &key) != SGL_OK)
        return 0;
    len = type == SGL_KEY_RSA ? (sgl_public_key_bits(key) + 7) / 8 : 64;
    if (sgl_public_key_verify(crypto, key, digest, sgl_view_of(signature, len), &valid) == SGL_OK &&
        valid && type != SGL_KEY_ED25519)
        abort(); /* a signature out of nothing; Ed25519 has points for which that is right */
    sgl_public_key_free(key);
    return 0;
}
