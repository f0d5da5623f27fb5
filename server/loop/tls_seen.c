/* SPDX-License-Identifier: Apache-2.0 */
/* What a client saw of a server's TLS, copied out as evidence.  Texts of the certificate are the server's own: only what is printable leaves here. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "tls.h"

static void put_digest(const X509 *x, char out[65])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (X509_digest(x, EVP_sha256(), digest, &len) != 1 || len != 32)
        return;
    for (size_t i = 0; i < 32; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 15];
    }
    out[64] = '\0';
}

static void put_name(const unsigned char *text, size_t len, char out[TLS_NAME_SIZE])
{
    size_t n = len < TLS_NAME_SIZE ? len : TLS_NAME_SIZE - 1;

    for (size_t i = 0; i < n; i++)
        out[i] = text[i] > ' ' && text[i] < 0x7f && text[i] != '"' && text[i] != '\\'
                     ? (char)text[i]
                     : '?';
    if (n < len)
        memcpy(out + n - 2, "..", 2);
    out[n] = '\0';
}

static void put_names(const X509 *x, struct tls_seen *out)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        int type = -1;
        const ASN1_STRING *name = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all, i), &type);

        if (type != GEN_DNS)
            continue;
        if (out->names < TLS_NAMES_MAX)
            put_name(ASN1_STRING_get0_data(name), (size_t)ASN1_STRING_length(name),
                     out->name[out->names++]);
        else
            out->more_names++;
    }
    GENERAL_NAMES_free(all);
}

/* One that was refused is no part of the session: it is the first of the chain that was looked at. */
static const X509 *certificate_of(const SSL *ssl)
{
    const STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
    const X509 *x = SSL_get0_peer_certificate(ssl);

    return x != NULL || sk_X509_num(chain) <= 0 ? x : sk_X509_value(chain, 0);
}

static void put_group(const SSL *ssl, char out[24])
{
    SSL *s = (SSL *)(uintptr_t)ssl;
    const char *name = SSL_group_to_name(s, (int)SSL_get_negotiated_group(s));

    snprintf(out, 24, "%s", name != NULL ? name : "");
}

void tls_see_certificate(const X509 *certificate, struct tls_seen *out)
{
    put_digest(certificate, out->sha256);
    put_names(certificate, out);
    ERR_clear_error();
}

void tls_see(const SSL *ssl, struct tls_seen *out)
{
    const X509 *x = certificate_of(ssl);
    bool through = SSL_is_init_finished(ssl) == 1;

    *out = (struct tls_seen){.version = through ? tls_version_text(ssl) : "",
                             .cipher = through ? tls_cipher_text(ssl) : "",
                             .verify =
                                 x != NULL ? SSL_get_verify_result(ssl) : X509_V_ERR_UNSPECIFIED};
    out->matched = through && SSL_get0_dane_tlsa((SSL *)(uintptr_t)ssl, &out->usage, &out->selector,
                                                 &out->matching, NULL, NULL) >= 0;
    if (through)
        put_group(ssl, out->group);
    if (x != NULL)
        tls_see_certificate(x, out);
}
