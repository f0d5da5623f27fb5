/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain of certificates against TLSA records by command line, for the Python tests (tool.h), as the delivery does it: the records are an answer of DNS
 * (lib/transport), what is left of them is given to a client (server/loop), and the chain comes in a handshake.
 *
 *   {"op":"check","host":NAME,"domain":NAME,"tlsa":[{"usage":N,"selector":N,"matching_type":N,"data":HEX},...],"chain":[PEM,...],"root":PEM}
 *
 * Nobody has the keys of published chains.  The server signs with another one, so a client that takes the certificate ends one step later, at the signature.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "../../server/loop/tls.h"
#include "sigillo/dane.h"
#include "sigillo/limits.h"
#include "tool.h"

enum { RECORDS_MAX = 32, NAMES_MAX = 3, ROUNDS_MAX = 16 };

/* ---- DNS: all of it signed ---- */

static unsigned number_of(const json_t *record, const char *name)
{
    return (unsigned)json_integer_value(json_object_get(record, name));
}

static sgl_view tlsa_rdata(struct tool *t, const json_t *record)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
    sgl_view copy;
    const uint8_t head[3] = {(uint8_t)number_of(record, "usage"),
                             (uint8_t)number_of(record, "selector"),
                             (uint8_t)number_of(record, "matching_type")};

    sgl_buf_add(&out, sgl_view_of((const char *)head, sizeof head));
    sgl_buf_add(&out, tool_unhex(t, json_object_get(record, "data")));
    if (out.status != SGL_OK || sgl_arena_dup(&t->arena, sgl_buf_view(&out), &copy) != SGL_OK)
        abort();
    return copy;
}

static void answer(struct tool *t, struct sgl_dns *dns, const struct sgl_dns_question *q)
{
    sgl_view rdata[RECORDS_MAX];
    const json_t *records = json_object_get(t->in, "tlsa");
    struct sgl_dns_raw raw = {
        .name = q->name, .type = q->type, .security = SGL_DNS_SECURE, .ttl_s = 300, .rdata = rdata};

    if (q->type == SGL_RR_A)
        rdata[raw.rdatas++] = SGL_LIT("\xc0\x00\x02\x01");
    for (size_t i = 0; q->type == SGL_RR_TLSA && i < json_array_size(records) && i < RECORDS_MAX;
         i++)
        rdata[raw.rdatas++] = tlsa_rdata(t, json_array_get(records, i));
    if (sgl_dns_add_answer(dns, &raw) != SGL_OK)
        sgl_dns_fail(dns, q->name, q->type, "does not fit");
}

static enum sgl_status find_dane(struct tool *t, struct sgl_dns *dns, struct sgl_dane *out)
{
    struct sgl_dane_request request = {.port = 25, .ipv4 = true, .mx_secure = true};
    const struct sgl_dns_question *q;
    enum sgl_status st;

    SGL_TRY(sgl_name_parse(tool_member(t, "host"), SGL_NAME_HOST, &t->arena, NULL, &request.host));
    SGL_TRY(
        sgl_name_parse(tool_member(t, "domain"), SGL_NAME_HOST, &t->arena, NULL, &request.domain));
    request.canonical = request.domain;
    sgl_dns_init(dns, 0);
    while ((st = sgl_dane_check(&request, dns, &t->arena, out)) == SGL_NEED_DNS)
        while ((q = sgl_dns_next_open(dns, NULL)) != NULL)
            answer(t, dns, q);
    return st;
}

/* ---- the server ---- */

static X509 *certificate_of(const json_t *pem)
{
    BIO *in = BIO_new_mem_buf(json_string_value(pem), (int)json_string_length(pem));
    X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);

    BIO_free(in);
    if (x == NULL)
        abort();
    return x;
}

/* The certificate's public key, with a private one that does not belong to it. */
static EVP_PKEY *false_key(const X509 *x)
{
    EVP_PKEY *public = X509_get0_pubkey(x), *key = NULL;
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM_BLD *list = OSSL_PARAM_BLD_new();
    BIGNUM *seven = BN_new();
    OSSL_PARAM *all = NULL;
    char group[64];
    unsigned char point[256];
    size_t len = 0;

    if (make == NULL || list == NULL || seven == NULL || BN_set_word(seven, 7) != 1 ||
        EVP_PKEY_get_group_name(public, group, sizeof group, NULL) != 1 ||
        EVP_PKEY_get_octet_string_param(public, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
                                        &len) != 1 ||
        OSSL_PARAM_BLD_push_utf8_string(list, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(list, OSSL_PKEY_PARAM_PUB_KEY, point, len) != 1 ||
        OSSL_PARAM_BLD_push_BN(list, OSSL_PKEY_PARAM_PRIV_KEY, seven) != 1 ||
        (all = OSSL_PARAM_BLD_to_param(list)) == NULL || EVP_PKEY_fromdata_init(make) != 1 ||
        EVP_PKEY_fromdata(make, &key, EVP_PKEY_KEYPAIR, all) != 1)
        abort();
    OSSL_PARAM_free(all);
    BN_free(seven);
    OSSL_PARAM_BLD_free(list);
    EVP_PKEY_CTX_free(make);
    return key;
}

/* Sends the chain as it is given, neither more nor less. */
static SSL *server_of(const json_t *chain)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    X509 *leaf = certificate_of(json_array_get(chain, 0));
    EVP_PKEY *key = false_key(leaf);
    SSL *ssl;

    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
    if (SSL_CTX_use_certificate(ctx, leaf) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1)
        abort();
    for (size_t i = 1; i < json_array_size(chain); i++)
        if (SSL_CTX_add_extra_chain_cert(ctx, certificate_of(json_array_get(chain, i))) != 1)
            abort();
    EVP_PKEY_free(key);
    X509_free(leaf);
    ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    SSL_set_accept_state(ssl);
    return ssl;
}

/* ---- the handshake ---- */

/* Until the client has ended it: the reason, by OpenSSL's number. */
static int handshake(SSL *client, SSL *server)
{
    BIO *there, *here;

    if (BIO_new_bio_pair(&here, 1 << 16, &there, 1 << 16) != 1)
        abort();
    SSL_set_bio(client, here, here);
    SSL_set_bio(server, there, there);
    for (int i = 0; i < ROUNDS_MAX; i++) {
        int done;

        ERR_clear_error();
        done = SSL_do_handshake(client);
        if (done != 1 && SSL_get_error(client, done) == SSL_ERROR_SSL)
            return ERR_GET_REASON(ERR_peek_error());
        ERR_clear_error();
        (void)SSL_do_handshake(server);
    }
    return 0;
}

static json_t *shake(struct tool *t, SSL *client, size_t usable)
{
    SSL *server = server_of(json_object_get(t->in, "chain"));
    int reason = handshake(client, server);
    json_t *out = json_pack(
        "{s:b, s:s, s:i, s:i, s:i, s:b, s:b}", "ok", 1, "level", "authenticate", "usable",
        (int)usable, "verify_result", (int)SSL_get_verify_result(client), "match_depth",
        SSL_get0_dane_authority(client, NULL, NULL), "taken", reason == SSL_R_BAD_SIGNATURE,
        "refused", reason == SSL_R_CERTIFICATE_VERIFY_FAILED);

    SSL_free(server);
    ERR_clear_error();
    return out;
}

/* As connection_tls() puts it. */
static json_t *check_chain(struct tool *t, const struct sgl_dane *dane)
{
    struct tls_tlsa record[SGL_LIMIT_TLSA_RECORDS];
    const char *more[NAMES_MAX];
    struct tls_target target = {.verify = TLS_VERIFY_DANE,
                                .name = (const char *)dane->base.text.ptr,
                                .tlsa = record,
                                .more_name = more};
    char why[200] = "no session";
    size_t usable = 0;
    struct tls_client *c = tls_client_new(tool_member(t, "root"), why, sizeof why);
    SSL *client;
    json_t *out;

    for (; target.tlsas < dane->tlsas; target.tlsas++)
        record[target.tlsas] =
            (struct tls_tlsa){dane->tlsa[target.tlsas].usage, dane->tlsa[target.tlsas].selector,
                              dane->tlsa[target.tlsas].matching, dane->tlsa[target.tlsas].data};
    for (size_t i = 1; i < dane->names && i < NAMES_MAX; i++)
        more[target.more_names++] = (const char *)dane->name[i].text.ptr;
    client = c == NULL ? NULL : tls_client_session(c, &target, &usable);
    out = client == NULL ? tool_failed(why) : shake(t, client, usable);
    SSL_free(client);
    tls_client_free(c);
    return out;
}

static json_t *op_check(struct tool *t)
{
    sgl_auto(sgl_dns) dns = {0};
    struct sgl_dane dane;
    enum sgl_status st = find_dane(t, &dns, &dane);

    if (st != SGL_OK)
        return tool_failed(sgl_status_name(st));
    if (dane.level != SGL_DANE_AUTHENTICATE)
        return json_pack("{s:b, s:s}", "ok", 1, "level", sgl_dane_level_name(dane.level));
    return check_chain(t, &dane);
}

int main(void)
{
    static const struct tool_op ops[] = {{"check", op_check}, {NULL, NULL}};

    return tool_main(ops);
}
