/* SPDX-License-Identifier: Apache-2.0 */
/* RSA private keys in DER: their numbers lie inside, and what is made of them signs or does not, and never with what is wrong. */
#include <stdlib.h>

#include "../lib/crypto/crypto_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sgl_crypto *crypto;
    struct sgl_rsa_private_numbers n;
    struct sgl_private_key *key = NULL;
    uint8_t digest[SGL_SHA256_SIZE] = {0}, signature[SGL_SIGNATURE_MAX];
    size_t len = 0;

    if (crypto == NULL)
        crypto = sgl_crypto_new();
    if (crypto == NULL || !sgl_der_rsa_private(sgl_view_of(data, size), &n))
        return 0;
    for (size_t i = 0; i < SGL_RSA_PRIVATE_NUMBERS; i++)
        if (n.number[i].len == 0 || n.number[i].ptr[0] == 0 || n.number[i].ptr < data ||
            n.number[i].ptr + n.number[i].len > data + size)
            abort();
    if (sgl_private_key_import(crypto, sgl_view_of(data, size), &key) != SGL_OK)
        return 0;
    if (sgl_private_key_sign(crypto, key, digest, signature, &len) == SGL_OK &&
        len != (sgl_private_key_bits(key) + 7) / 8)
        abort();
    sgl_private_key_free(key);
    return 0;
}
