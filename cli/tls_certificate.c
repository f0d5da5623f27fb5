/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- texts ---- */

void tls_text_put(char out[TLS_TEXT_SIZE], sgl_view text)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool plain = c >= ' ' && c <= '~' && c != '\\';
        size_t more = plain ? 1 : 4;

        if (len + more >= TLS_TEXT_SIZE)
            return;
        snprintf(out + len, TLS_TEXT_SIZE - len, plain ? "%c" : "\\x%02x", c);
        len += more;
    }
}

static bool put_entry(char out[TLS_TEXT_SIZE], X509_NAME *name, int nid)
{
    int at = X509_NAME_get_index_by_NID(name, nid, -1), len;
    unsigned char *text = NULL;

    if (at < 0)
        return false;
    len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (len > 0)
        tls_text_put(out, sgl_view_of(text, (size_t)len));
    OPENSSL_free(text);
    return len > 0;
}

static void put_name(char out[TLS_TEXT_SIZE], X509_NAME *name)
{
    out[0] = '\0';
    if (!put_entry(out, name, NID_commonName))
        (void)put_entry(out, name, NID_organizationName);
}

static void read_names(struct tls_certificate *out, X509 *leaf)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);

        if (one->type != GEN_DNS)
            continue;
        if (out->names == TLS_NAMES_SHOWN)
            out->names_more++;
        else
            tls_text_put(out->name[out->names++],
                         sgl_view_of(ASN1_STRING_get0_data(one->d.dNSName),
                                     (size_t)ASN1_STRING_length(one->d.dNSName)));
    }
    GENERAL_NAMES_free(all);
}

static sgl_time time_of(const ASN1_TIME *t)
{
    struct tm tm;

    return ASN1_TIME_to_tm(t, &tm) == 1 ? (sgl_time)timegm(&tm) : 0;
}

/* ---- digests ---- */

static void put_hex(char out[65], const unsigned char digest[32])
{
    for (size_t i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* What a selector means: the certificate, or its public key, as DER. The caller frees; NULL: unknown, or no memory. */
static unsigned char *selected(X509 *x, uint8_t selector, size_t *len)
{
    unsigned char *der = NULL;
    int n = selector == 0   ? i2d_X509(x, &der)
            : selector == 1 ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der)
                            : -1;

    *len = n > 0 ? (size_t)n : 0;
    return n > 0 ? der : NULL;
}

static void digest_of(X509 *x, uint8_t selector, char out[65])
{
    unsigned char digest[32];
    size_t len;
    unsigned char *der = selected(x, selector, &len);

    out[0] = '\0';
    if (der != NULL && EVP_Digest(der, len, digest, NULL, EVP_sha256(), NULL) == 1)
        put_hex(out, digest);
    OPENSSL_free(der);
}

static bool matches_one(X509 *x, const struct sgl_tlsa *record)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;
    size_t len;
    unsigned char *der = selected(x, record->selector, &len);
    sgl_view got = sgl_view_of(der, len);

    if (der != NULL && (record->matching == 1 || record->matching == 2)) {
        if (EVP_Digest(der, len, digest, &digest_len,
                       record->matching == 1 ? EVP_sha256() : EVP_sha512(), NULL) != 1)
            digest_len = 0;
        got = sgl_view_of(digest, digest_len);
    }
    bool same = got.len > 0 && record->matching <= 2 && sgl_view_eq(got, record->data);
    OPENSSL_free(der);
    return same;
}

bool tls_certificate_matches(X509 *leaf, STACK_OF(X509) * sent, const struct sgl_tlsa *record)
{
    if (record->usage == 3)
        return matches_one(leaf, record);
    for (int i = 0; record->usage == 2 && i < sk_X509_num(sent); i++) {
        X509 *x = sk_X509_value(sent, i);

        if (X509_cmp(x, leaf) != 0 && matches_one(x, record))
            return true;
    }
    return false;
}

/* ---- all together ---- */

static void read_key(struct tls_certificate *out, X509 *leaf)
{
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    const char *type = key == NULL ? NULL : EVP_PKEY_get0_type_name(key);

    snprintf(out->key, sizeof out->key, "%s", type == NULL ? "" : type);
    out->key_bits = key == NULL ? 0 : (unsigned)EVP_PKEY_get_bits(key);
}

void tls_certificate_read(struct tls_certificate *out, X509 *leaf, STACK_OF(X509) * sent)
{
    memset(out, 0, sizeof *out);
    put_name(out->subject, X509_get_subject_name(leaf));
    put_name(out->issuer, X509_get_issuer_name(leaf));
    read_names(out, leaf);
    out->not_before = time_of(X509_get0_notBefore(leaf));
    out->not_after = time_of(X509_get0_notAfter(leaf));
    read_key(out, leaf);
    digest_of(leaf, 0, out->sha256);
    digest_of(leaf, 1, out->spki_sha256);
    out->sent = sent == NULL ? 1 : (size_t)sk_X509_num(sent);
    out->self_signed = X509_self_signed(leaf, 0) == 1;
    ERR_clear_error();
}

int tls_certificate_chain(X509 *leaf, STACK_OF(X509) * sent, X509_STORE *roots, sgl_time now)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int result = X509_V_ERR_OUT_OF_MEM;

    if (ctx != NULL && X509_STORE_CTX_init(ctx, roots, leaf, sent) == 1 &&
        X509_STORE_CTX_set_default(ctx, "ssl_server") == 1) {
        if (now != 0)
            X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), now);
        result = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
        if (result == X509_V_OK && X509_STORE_CTX_get0_chain(ctx) == NULL)
            result = X509_V_ERR_UNSPECIFIED;
    }
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return result;
}

bool tls_certificate_names(X509 *leaf, const char *host)
{
    if (host == NULL || host[0] == '\0' || host[0] == '.')
        return false;
    return X509_check_host(leaf, host, strlen(host),
                           X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                           NULL) == 1;
}
