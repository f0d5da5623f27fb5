/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <stdlib.h>

#include "crypto_internal.h"

struct sgl_crypto *sgl_crypto_new(void)
{
    struct sgl_crypto *crypto = calloc(1, sizeof *crypto);

    if (crypto == NULL)
        return NULL;
    crypto->self = crypto;
    crypto->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    crypto->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    crypto->pbkdf2 = EVP_KDF_fetch(NULL, "PBKDF2", NULL);
    if (crypto->sha256 == NULL || crypto->hmac == NULL || crypto->pbkdf2 == NULL) {
        sgl_crypto_free(crypto);
        return NULL;
    }
    return crypto;
}

void sgl_crypto_free(struct sgl_crypto *crypto)
{
    if (crypto == NULL)
        return;
    BN_CTX_free(atomic_load(&crypto->scratch));
    EVP_KDF_free(crypto->pbkdf2);
    EVP_MAC_free(crypto->hmac);
    EVP_MD_free(crypto->sha256);
    free(crypto);
}

void sgl_wipe(void *memory, size_t size)
{
    OPENSSL_cleanse(memory, size);
}
