/* SPDX-License-Identifier: Apache-2.0 */
/* A self-made certificate and its key as PEM. */
#ifndef TESTS_UNIT_TLS_FIXTURE_H
#define TESTS_UNIT_TLS_FIXTURE_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

struct made_pair {
    char certificate[4096], key[4096];
    uint8_t spki_sha256[32];
};

static inline void bio_text(BIO *bio, char *out, size_t size)
{
    int n = BIO_read(bio, out, (int)size - 1);

    out[n < 0 ? 0 : n] = '\0';
    BIO_free(bio);
}

/* names: of the extension, "DNS:a.test,DNS:b.test"; NULL: the one of the subject. */
static inline void make_named_certificate(struct made_pair *out, const char *name,
                                          const char *names, long valid_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);
    char alt[128];
    X509_EXTENSION *san;
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *der = NULL;
    int len;

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -86400);
    X509_gmtime_adj(X509_getm_notAfter(x), valid_s);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, subject);
    X509_set_pubkey(x, key);
    snprintf(alt, sizeof(alt), "DNS:%s", name);
    san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names == NULL ? alt : names);
    X509_add_ext(x, san, -1);
    X509_EXTENSION_free(san);
    X509_sign(x, key, EVP_sha256());
    PEM_write_bio_X509(bio, x);
    bio_text(bio, out->certificate, sizeof(out->certificate));
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    bio_text(bio, out->key, sizeof(out->key));
    len = i2d_PUBKEY(key, &der);
    EVP_Digest(der, (size_t)len, out->spki_sha256, NULL, EVP_sha256(), NULL);
    OPENSSL_free(der);
    X509_free(x);
    EVP_PKEY_free(key);
}

static inline void make_certificate(struct made_pair *out, const char *name, long valid_s)
{
    make_named_certificate(out, name, NULL, valid_s);
}

#endif
