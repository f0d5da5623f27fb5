/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sigillo/ascii.h"
#include "tls_internal.h"

#define NAMES_MAX 1000
#define NAME_MAX_ 255

/* ---- read ---- */

static bool use_certificate(SSL_CTX *ctx, BIO *in, char *why, size_t why_size)
{
    X509 *x = PEM_read_bio_X509_AUX(in, NULL, tls_no_passphrase, NULL);

    if (x == NULL || SSL_CTX_use_certificate(ctx, x) != 1) {
        tls_say(why, why_size, "certificate: not a PEM certificate that can be used (%s)",
                tls_reason());
        X509_free(x);
        return false;
    }
    X509_free(x);
    while ((x = PEM_read_bio_X509(in, NULL, tls_no_passphrase, NULL)) != NULL) {
        if (SSL_CTX_add0_chain_cert(ctx, x) != 1) {
            X509_free(x);
            tls_say(why, why_size, "certificate: its chain can't be used (%s)", tls_reason());
            return false;
        }
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        tls_say(why, why_size, "certificate: broken PEM in its chain (%s)", tls_reason());
        return false;
    }
    ERR_clear_error();
    return true;
}

static bool use_key(SSL_CTX *ctx, BIO *in, char *why, size_t why_size)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, tls_no_passphrase, NULL);
    bool good = key != NULL;

    if (!good)
        tls_say(why, why_size, "key: not an unencrypted PEM private key (%s)", tls_reason());
    else if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
        tls_say(why, why_size, "key: does not belong to the certificate (%s)", tls_reason());
        good = false;
    }
    EVP_PKEY_free(key);
    return good;
}

static int64_t time_of(const ASN1_TIME *t)
{
    struct tm tm;

    return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

/* Of SubjectPublicKeyInfo, as TLSA 3 1 1 has it  [RFC 6698 s2.1]. */
static bool hash_of(const EVP_PKEY *key, uint8_t out[32])
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    bool good = len > 0 && EVP_Digest(der, (size_t)len, out, NULL, EVP_sha256(), NULL) == 1;

    OPENSSL_free(der);
    return good;
}

/* ---- names  [RFC 9525 s6.3]: those of the extension only, CN is none ---- */

static bool add_name(struct tls_pair *p, const ASN1_STRING *from)
{
    const unsigned char *bytes = ASN1_STRING_get0_data(from);
    int len = ASN1_STRING_length(from);
    char *name;

    if (len <= 0 || len > NAME_MAX_)
        return true;
    for (int i = 0; i < len; i++)
        if (!sgl_ascii_is_visible(bytes[i]))
            return true; /* nobody asks for it */
    name = malloc((size_t)len + 1);
    if (name == NULL)
        return false;
    for (int i = 0; i < len; i++)
        name[i] = (char)sgl_ascii_lower(bytes[i]);
    name[len] = '\0';
    p->name[p->names++] = name;
    return true;
}

static bool read_names(struct tls_pair *p)
{
    GENERAL_NAMES *all =
        X509_get_ext_d2i(SSL_CTX_get0_certificate(p->ctx), NID_subject_alt_name, NULL, NULL);
    int count = all != NULL ? sk_GENERAL_NAME_num(all) : 0;
    bool good;

    p->name = calloc((size_t)count + 1, sizeof(*p->name));
    good = p->name != NULL;
    for (int i = 0; good && i < count && p->names < NAMES_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);

        if (name->type == GEN_DNS)
            good = add_name(p, name->d.dNSName);
    }
    GENERAL_NAMES_free(all);
    ERR_clear_error();
    return good;
}

/* "*.example.org" is any one label in front of it; no other star is one  [RFC 9525 s6.3]. */
enum tls_match tls_pair_match(const struct tls_pair *p, const char *host)
{
    const char *dot = strchr(host, '.');
    enum tls_match best = TLS_MATCH_NONE;

    for (size_t i = 0; i < p->names; i++) {
        if (strcasecmp(p->name[i], host) == 0)
            return TLS_MATCH_EXACT;
        if (dot != NULL && dot != host && p->name[i][0] == '*' && p->name[i][1] == '.' &&
            strcasecmp(p->name[i] + 1, dot) == 0)
            best = TLS_MATCH_WILDCARD;
    }
    return best;
}

/* ---- life ---- */

static bool fill(struct tls_pair *p, sgl_view certificate_pem, sgl_view key_pem, char *why,
                 size_t why_size)
{
    BIO *certificate = tls_bio(certificate_pem), *key = tls_bio(key_pem);
    bool good = p->ctx != NULL && certificate != NULL && key != NULL;

    ERR_clear_error();
    if (!good)
        tls_say(why, why_size, "out of memory");
    good = good && use_certificate(p->ctx, certificate, why, why_size) &&
           use_key(p->ctx, key, why, why_size);
    if (good) {
        const X509 *x = SSL_CTX_get0_certificate(p->ctx);

        p->starts_at = time_of(X509_get0_notBefore(x));
        p->expires_at = time_of(X509_get0_notAfter(x));
        good = hash_of(SSL_CTX_get0_privatekey(p->ctx), p->key_hash) && read_names(p);
        if (!good)
            tls_say(why, why_size, "out of memory");
    }
    BIO_free(certificate);
    BIO_free(key);
    return good;
}

struct tls_pair *tls_pair_new(sgl_view certificate_pem, sgl_view key_pem, char *why,
                              size_t why_size)
{
    struct tls_pair *p = calloc(1, sizeof(*p));

    if (p == NULL) {
        tls_say(why, why_size, "out of memory");
        return NULL;
    }
    atomic_init(&p->refs, 1);
    p->ctx = tls_new_server_ctx();
    if (fill(p, certificate_pem, key_pem, why, why_size))
        return p;
    tls_pair_unref(p);
    return NULL;
}

struct tls_pair *tls_pair_ref(struct tls_pair *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void tls_pair_unref(struct tls_pair *p)
{
    if (p == NULL || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    for (size_t i = 0; i < p->names; i++)
        free(p->name[i]);
    free(p->name);
    SSL_CTX_free(p->ctx);
    free(p);
}

int64_t tls_pair_starts_at(const struct tls_pair *p)
{
    return p->starts_at;
}

int64_t tls_pair_expires_at(const struct tls_pair *p)
{
    return p->expires_at;
}

const X509 *tls_pair_x509(const struct tls_pair *p)
{
    return SSL_CTX_get0_certificate(p->ctx);
}

const uint8_t *tls_pair_key_hash(const struct tls_pair *p)
{
    return p->key_hash;
}

const char *tls_pair_name(const struct tls_pair *p, size_t i)
{
    return i < p->names ? p->name[i] : NULL;
}

bool tls_key_hash(sgl_view pem, uint8_t out[32])
{
    BIO *in = tls_bio(pem);
    EVP_PKEY *key = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, tls_no_passphrase, NULL) : NULL;
    bool good;

    BIO_free(in);
    if (key == NULL) {
        in = tls_bio(pem);
        key = in != NULL ? PEM_read_bio_PUBKEY(in, NULL, tls_no_passphrase, NULL) : NULL;
        BIO_free(in);
    }
    good = key != NULL && hash_of(key, out);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return good;
}

/* ---- TLSA ---- */

static bool holds(const unsigned char *der, int len, const struct tls_tlsa *r)
{
    const EVP_MD *md = r->matching == 1 ? EVP_sha256() : r->matching == 2 ? EVP_sha512() : NULL;
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (len <= 0 || r->matching > 2)
        return false;
    if (md == NULL)
        return sgl_view_eq(r->data, sgl_view_of(der, (size_t)len));
    return EVP_Digest(der, (size_t)len, hash, &n, md, NULL) == 1 &&
           sgl_view_eq(r->data, sgl_view_of(hash, n));
}

static bool is_of(X509 *x, const struct tls_tlsa *r)
{
    unsigned char *der = NULL;
    int len = r->selector == 0   ? i2d_X509(x, &der)
              : r->selector == 1 ? i2d_PUBKEY(X509_get0_pubkey(x), &der)
                                 : 0;
    bool is = holds(der, len, r);

    OPENSSL_free(der);
    return is;
}

bool tls_pair_matches(const struct tls_pair *p, const struct tls_tlsa *record)
{
    STACK_OF(X509) *chain = NULL;
    bool found = false;

    if (record->usage == 3)
        return is_of(SSL_CTX_get0_certificate(p->ctx), record);
    SSL_CTX_get0_chain_certs(p->ctx, &chain);
    for (int i = 0; record->usage == 2 && !found && i < sk_X509_num(chain); i++)
        found = is_of(sk_X509_value(chain, i), record);
    return found;
}

/* ---- as text ---- */

static bool take_text(BIO *from, struct sgl_buf *to)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(from, &bytes);

    if (len <= 0)
        return false;
    sgl_buf_add(to, sgl_view_of(bytes, (size_t)len));
    return to->status == SGL_OK;
}

bool tls_pair_export(const struct tls_pair *p, struct sgl_buf *certificate, struct sgl_buf *key)
{
    BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_secmem());
    STACK_OF(X509) *chain = NULL;
    bool good = c != NULL && k != NULL &&
                PEM_write_bio_X509(c, SSL_CTX_get0_certificate(p->ctx)) == 1 &&
                PEM_write_bio_PKCS8PrivateKey(k, SSL_CTX_get0_privatekey(p->ctx), NULL, NULL, 0,
                                              NULL, NULL) == 1;

    SSL_CTX_get0_chain_certs(p->ctx, &chain);
    for (int i = 0; good && i < sk_X509_num(chain); i++)
        good = PEM_write_bio_X509(c, sk_X509_value(chain, i)) == 1;
    good = good && take_text(c, certificate) && take_text(k, key);
    BIO_free(c);
    BIO_free(k);
    ERR_clear_error();
    return good;
}
