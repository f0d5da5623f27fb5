/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSASSA-PKCS1-v1_5 with SHA-256, verification  [RFC 8017 s8.2.2].
 *
 * On libcrypto's numbers and not on its EVP_PKEY: there is no secret in a verification, and most keys are used once, for one message.  An EVP_PKEY that is
 * built, used and freed costs 33 us with a key of 2048 bits; the same arithmetic without the layers around it 23 us.  The check is the RFC's:
 * what the signature opens to is compared, all of it, with the one block that is right, so there is no padding to be read and nothing to hide in it.
 */
#include <openssl/bn.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "crypto_internal.h"

/* DigestInfo of SHA-256 up to the digest  [RFC 8017 s9.2 note 1]. */
static const uint8_t digest_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                      0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

static BN_CTX *take_scratch(const struct sgl_crypto *crypto)
{
    BN_CTX *scratch = atomic_exchange(&crypto->self->scratch, NULL);

    return scratch != NULL ? scratch : BN_CTX_new();
}

static void give_scratch(const struct sgl_crypto *crypto, BN_CTX *scratch)
{
    BN_CTX_free(atomic_exchange(&crypto->self->scratch, scratch));
}

bool sgl_rsa_init(struct sgl_rsa *rsa, const struct sgl_crypto *crypto,
                  const struct sgl_rsa_numbers *numbers)
{
    BN_CTX *scratch = take_scratch(crypto);
    bool good;

    *rsa = (struct sgl_rsa){
        .modulus = BN_bin2bn(numbers->modulus.ptr, (int)numbers->modulus.len, NULL),
        .exponent = BN_bin2bn(numbers->exponent.ptr, (int)numbers->exponent.len, NULL),
        .mont = BN_MONT_CTX_new(),
        .size = numbers->modulus.len,
    };
    good = scratch != NULL && rsa->modulus != NULL && rsa->exponent != NULL && rsa->mont != NULL &&
           BN_MONT_CTX_set(rsa->mont, rsa->modulus, scratch) == 1;
    give_scratch(crypto, scratch);
    if (!good)
        sgl_rsa_done(rsa);
    return good;
}

void sgl_rsa_done(struct sgl_rsa *rsa)
{
    BN_MONT_CTX_free(rsa->mont);
    BN_free(rsa->exponent);
    BN_free(rsa->modulus);
    *rsa = (struct sgl_rsa){0};
}

/* EMSA-PKCS1-v1_5: 00 01 ff...ff 00 DigestInfo  [RFC 8017 s9.2]. */
static void encode(const uint8_t digest[SGL_SHA256_SIZE], uint8_t *out, size_t size)
{
    size_t tail = sizeof digest_info + SGL_SHA256_SIZE, padding = size - tail - 3;

    out[0] = 0;
    out[1] = 1;
    memset(out + 2, 0xff, padding);
    out[2 + padding] = 0;
    memcpy(out + 3 + padding, digest_info, sizeof digest_info);
    memcpy(out + size - SGL_SHA256_SIZE, digest, SGL_SHA256_SIZE);
}

/*
 * number^exponent, from the highest bit of the exponent down.  The exponent is odd, so the last step multiplies with the number itself instead of its
 * Montgomery form, and the result is an ordinary number without a step of its own.
 */
static bool power(const struct sgl_rsa *rsa, BN_CTX *scratch, const BIGNUM *number, BIGNUM *out)
{
    BIGNUM *base = BN_CTX_get(scratch);
    bool good = base != NULL && BN_to_montgomery(base, number, rsa->mont, scratch) == 1 &&
                BN_copy(out, base) != NULL;

    for (int bit = BN_num_bits(rsa->exponent) - 2; good && bit >= 0; bit--) {
        good = BN_mod_mul_montgomery(out, out, out, rsa->mont, scratch) == 1;
        if (good && BN_is_bit_set(rsa->exponent, bit))
            good =
                BN_mod_mul_montgomery(out, out, bit == 0 ? number : base, rsa->mont, scratch) == 1;
    }
    return good;
}

/* RSAVP1  [RFC 8017 s5.2.2]: the block that the signature opens to. *valid false: it is no number below the modulus. */
static enum sgl_status open_signature(const struct sgl_rsa *rsa, BN_CTX *scratch,
                                      sgl_view signature, uint8_t *out, bool *valid)
{
    enum sgl_status status = SGL_E_NOMEM;
    BIGNUM *number, *opened;

    BN_CTX_start(scratch);
    number = BN_CTX_get(scratch);
    opened = BN_CTX_get(scratch);
    if (opened != NULL && BN_bin2bn(signature.ptr, (int)signature.len, number) != NULL) {
        *valid = BN_ucmp(number, rsa->modulus) < 0;
        if (!*valid || (power(rsa, scratch, number, opened) &&
                        BN_bn2binpad(opened, out, (int)rsa->size) == (int)rsa->size))
            status = SGL_OK;
    }
    BN_CTX_end(scratch);
    return status;
}

enum sgl_status sgl_rsa_verify(const struct sgl_crypto *crypto, const struct sgl_rsa *rsa,
                               const uint8_t digest[SGL_SHA256_SIZE], sgl_view signature,
                               bool *valid)
{
    uint8_t want[SGL_RSA_BITS_MAX / 8], got[SGL_RSA_BITS_MAX / 8];
    BN_CTX *scratch = take_scratch(crypto);
    enum sgl_status status = SGL_E_NOMEM;
    bool good = false;

    if (scratch != NULL)
        status = open_signature(rsa, scratch, signature, got, &good);
    give_scratch(crypto, scratch);
    if (status != SGL_OK)
        return status;
    encode(digest, want, rsa->size);
    *valid = good && memcmp(want, got, rsa->size) == 0;
    return SGL_OK;
}
