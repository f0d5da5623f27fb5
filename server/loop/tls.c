/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tls_client {
    SSL_CTX *ctx;
};

void tls_say(char *why, size_t why_size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, why_size, format, args);
    va_end(args);
    ERR_clear_error();
}

const char *tls_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    return reason != NULL ? reason : "unknown reason";
}

/* A key file with a passphrase must not make the daemon ask on a terminal. */
int tls_no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

BIO *tls_bio(sgl_view bytes)
{
    return bytes.len > INT32_MAX
               ? NULL
               : BIO_new_mem_buf(bytes.len == 0 ? (const void *)"" : bytes.ptr, (int)bytes.len);
}

SSL_CTX *tls_new_ctx(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets cost the server no memory */
    SSL_CTX_set_read_ahead(ctx, 0);
    return ctx;
}

/* ---- clients ---- */

/* Roots from a bundle; a broken entry ends the reading with an error, an empty bundle is allowed. */
static bool add_roots(SSL_CTX *ctx, sgl_view pem)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    BIO *in = tls_bio(pem);
    X509 *x;
    bool good = in != NULL;

    ERR_clear_error();
    while (good && (x = PEM_read_bio_X509(in, NULL, tls_no_passphrase, NULL)) != NULL) {
        good = X509_STORE_add_cert(store, x) == 1;
        X509_free(x);
    }
    BIO_free(in);
    good = good && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (good)
        ERR_clear_error();
    return good;
}

/* 0: the session stays OpenSSL's. */
static int session_made(SSL *ssl, SSL_SESSION *session)
{
    const struct tls_sessions *sessions = SSL_get_app_data(ssl);

    if (sessions != NULL)
        sessions->made(sessions->ctx, session);
    return 0;
}

void tls_client_silence(SSL *ssl)
{
    SSL_set_app_data(ssl, NULL);
}

struct tls_client *tls_client_new(sgl_view ca_pem, char *why, size_t why_size)
{
    struct tls_client *c = calloc(1, sizeof(*c));

    if (c != NULL)
        c->ctx = tls_new_ctx(TLS_client_method());
    if (c == NULL || c->ctx == NULL || SSL_CTX_dane_enable(c->ctx) != 1) {
        tls_say(why, why_size, "out of memory");
        tls_client_free(c);
        return NULL;
    }
    SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c->ctx, session_made);
    if (ca_pem.len > 0 && !add_roots(c->ctx, ca_pem)) {
        tls_say(why, why_size, "roots: broken PEM (%s)", tls_reason());
        tls_client_free(c);
        return NULL;
    }
    return c;
}

const char *tls_system_ca_file(void)
{
    static const char *const place[] = {"/etc/ssl/certs/ca-certificates.crt",
                                        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

    for (size_t i = 0; i < sizeof(place) / sizeof(place[0]); i++)
        if (access(place[i], R_OK) == 0)
            return place[i];
    return place[0];
}

/* How many records OpenSSL could use; [RFC 7672 s3.1]: of usages 2 and 3 only, and with 3 the name and the dates do not count. */
static size_t add_tlsa(SSL *ssl, const struct tls_target *t)
{
    size_t usable = 0;

    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    for (size_t i = 0; i < t->tlsas; i++) {
        const struct tls_tlsa *r = &t->tlsa[i];

        if (r->usage == 2 || r->usage == 3)
            usable += SSL_dane_tlsa_add(ssl, r->usage, r->selector, r->matching,
                                        (unsigned char *)(uintptr_t)r->data.ptr, r->data.len) > 0;
    }
    return usable;
}

static bool expect_dane(SSL *ssl, const struct tls_target *t, size_t *usable)
{
    if (t->name == NULL || SSL_dane_enable(ssl, t->name) <= 0) /* SNI and the first name, too */
        return false;
    *usable = add_tlsa(ssl, t);
    for (size_t i = 0; i < t->more_names; i++)
        if (SSL_add1_host(ssl, t->more_name[i]) != 1)
            return false;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS); /* [RFC 7672 s3.2.3] */
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    return *usable > 0;
}

/* The subject's common name is no name [RFC 8461 s4.1, RFC 9525 s2]. */
#define NAME_FLAGS (X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)

static bool compare_names(SSL *ssl, const struct tls_target *t)
{
    if (SSL_set1_host(ssl, t->name) != 1)
        return false;
    for (size_t i = 0; i < t->more_names; i++)
        if (SSL_add1_host(ssl, t->more_name[i]) != 1)
            return false;
    SSL_set_hostflags(ssl, NAME_FLAGS);
    return true;
}

static bool expect_name(SSL *ssl, const struct tls_target *t)
{
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    return t->name != NULL && compare_names(ssl, t);
}

/* Whoever it is, and with weak means, too: what fails here would go out in the clear.  The name is compared for the record only. */
static bool expect_anybody(SSL *ssl, const struct tls_target *t)
{
    SSL_set_security_level(ssl, 1);
    SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    return t->name == NULL || compare_names(ssl, t);
}

SSL *tls_client_session(struct tls_client *c, const struct tls_target *target, size_t *dane_usable)
{
    SSL *ssl = SSL_new(c->ctx);
    size_t usable = 0;
    bool good = ssl != NULL;

    if (good && target->name != NULL)
        good = SSL_set_tlsext_host_name(ssl, target->name) == 1;
    switch (target->verify) {
    case TLS_VERIFY_NONE:
        good = good && expect_anybody(ssl, target);
        break;
    case TLS_VERIFY_NAME:
        good = good && expect_name(ssl, target);
        break;
    case TLS_VERIFY_DANE:
        good = good && expect_dane(ssl, target, &usable);
        break;
    }
    if (dane_usable != NULL)
        *dane_usable = usable;
    if (good && target->resume != NULL)
        good = SSL_set_session(ssl, target->resume) == 1;
    if (good) {
        SSL_set_app_data(ssl, (struct tls_sessions *)(uintptr_t)target->sessions);
        SSL_set_connect_state(ssl);
        return ssl;
    }
    SSL_free(ssl);
    ERR_clear_error();
    return NULL;
}

long tls_client_would_accept(struct tls_client *c, SSL *ssl, const char *name)
{
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    X509 *leaf = SSL_get0_peer_certificate(ssl);
    long result = X509_V_ERR_OUT_OF_MEM;

    if (check != NULL &&
        X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(c->ctx), leaf,
                            SSL_get_peer_cert_chain(ssl)) == 1 &&
        X509_STORE_CTX_set_default(check, "ssl_server") == 1) {
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(check);

        X509_VERIFY_PARAM_set_hostflags(param, NAME_FLAGS);
        if (X509_VERIFY_PARAM_set1_host(param, name, 0) == 1)
            result = X509_verify_cert(check) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(check);
    }
    X509_STORE_CTX_free(check);
    ERR_clear_error();
    return result;
}

void tls_client_free(struct tls_client *c)
{
    if (c == NULL)
        return;
    SSL_CTX_free(c->ctx);
    free(c);
}

/* ---- both ---- */

const char *tls_version_text(const SSL *ssl)
{
    return SSL_get_version(ssl);
}

const char *tls_cipher_text(const SSL *ssl)
{
    const char *name = SSL_get_cipher_name(ssl);

    return name != NULL ? name : "";
}

const char *tls_verify_text(const SSL *ssl)
{
    return X509_verify_cert_error_string(SSL_get_verify_result(ssl));
}
