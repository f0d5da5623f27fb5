/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The little DER that RSA keys need.  libcrypto's decoders do it too, because they try every format that they know for 100 us a public key and 350 us a private one;
 * building a key from its numbers costs 3 us and 13 us.
 */
#include "crypto_internal.h"

enum { TAG_INTEGER = 0x02, TAG_BIT_STRING = 0x03, TAG_OCTET_STRING = 0x04, TAG_SEQUENCE = 0x30 };

/* AlgorithmIdentifier's contents for rsaEncryption: the OID, and NULL parameters.  [RFC 3279 s2.3.1] */
static const uint8_t rsa_algorithm[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                        0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
#define RSA_OID_SIZE 11

/* Takes one element with this tag from the front of *in. Lengths are definite and minimal, as DER demands. */
static bool take(sgl_view *in, uint8_t tag, sgl_view *out)
{
    size_t len, off = 2;

    if (in->len < 2 || in->ptr[0] != tag)
        return false;
    len = in->ptr[1];
    if (len >= 0x80) {
        size_t octets = len & 0x7f;

        if (octets == 0 || octets > 2 || in->len - off < octets)
            return false;
        len = 0;
        for (size_t i = 0; i < octets; i++)
            len = len << 8 | in->ptr[off + i];
        if (len < (octets == 1 ? 0x80u : 0x100u))
            return false;
        off += octets;
    }
    if (len > in->len - off)
        return false;
    *out = sgl_view_sub(*in, off, len);
    *in = sgl_view_from(*in, off + len);
    return true;
}

/* A positive INTEGER in its shortest form. */
static bool take_positive(sgl_view *in, sgl_view *out)
{
    sgl_view number;

    if (!take(in, TAG_INTEGER, &number) || number.len == 0 || number.ptr[0] >= 0x80)
        return false;
    if (number.ptr[0] == 0) {
        if (number.len == 1 || number.ptr[1] < 0x80)
            return false;
        number = sgl_view_from(number, 1);
    }
    *out = number;
    return true;
}

static bool rsa_public_key(sgl_view der, struct sgl_rsa_numbers *out)
{
    sgl_view body;

    return take(&der, TAG_SEQUENCE, &body) && der.len == 0 && take_positive(&body, &out->modulus) &&
           take_positive(&body, &out->exponent) && body.len == 0;
}

static bool subject_public_key_info(sgl_view der, struct sgl_rsa_numbers *out)
{
    sgl_view body, algorithm, bits;

    if (!take(&der, TAG_SEQUENCE, &body) || der.len != 0 ||
        !take(&body, TAG_SEQUENCE, &algorithm) || !take(&body, TAG_BIT_STRING, &bits) ||
        body.len != 0)
        return false;
    /* The NULL is required, and left out by some. */
    if (!sgl_view_eq(algorithm, sgl_view_of(rsa_algorithm, sizeof rsa_algorithm)) &&
        !sgl_view_eq(algorithm, sgl_view_of(rsa_algorithm, RSA_OID_SIZE)))
        return false;
    if (bits.len == 0 || bits.ptr[0] != 0)
        return false;
    return rsa_public_key(sgl_view_from(bits, 1), out);
}

bool sgl_der_rsa_public(sgl_view der, struct sgl_rsa_numbers *out)
{
    return subject_public_key_info(der, out) || rsa_public_key(der, out);
}

/* ---- private keys ---- */

static bool take_version_0(sgl_view *in)
{
    sgl_view version;

    return take(in, TAG_INTEGER, &version) && sgl_view_eq(version, SGL_LIT("\0"));
}

/* [RFC 8017 sA.1.2] */
static bool rsa_private_key(sgl_view der, struct sgl_rsa_private_numbers *out)
{
    sgl_view body;

    if (!take(&der, TAG_SEQUENCE, &body) || der.len != 0 || !take_version_0(&body))
        return false;
    for (size_t i = 0; i < SGL_RSA_PRIVATE_NUMBERS; i++)
        if (!take_positive(&body, &out->number[i]))
            return false;
    return body.len == 0;
}

/* [RFC 5208 s5] */
static bool private_key_info(sgl_view der, struct sgl_rsa_private_numbers *out)
{
    sgl_view body, algorithm, key;

    return take(&der, TAG_SEQUENCE, &body) && der.len == 0 && take_version_0(&body) &&
           take(&body, TAG_SEQUENCE, &algorithm) &&
           sgl_view_eq(algorithm, sgl_view_of(rsa_algorithm, sizeof rsa_algorithm)) &&
           take(&body, TAG_OCTET_STRING, &key) && body.len == 0 && rsa_private_key(key, out);
}

bool sgl_der_rsa_private(sgl_view der, struct sgl_rsa_private_numbers *out)
{
    struct sgl_rsa_private_numbers found;

    if (!private_key_info(der, &found) && !rsa_private_key(der, &found))
        return false;
    *out = found;
    return true;
}
