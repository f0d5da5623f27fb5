/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs the message on standard input, for peers to verify.
 *   dkim_sign HEADER_CANON/BODY_CANON ALGORITHM:DOMAIN:SELECTOR:KEY.pem ...
 * The body is fed in pieces of uneven sizes, as it would come from a socket.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sigillo/dkim.h"

#define MESSAGE_MAX (64u << 20)

static struct sgl_crypto *crypto;

static _Noreturn void die(const char *why)
{
    fprintf(stderr, "dkim_sign: %s\n", why);
    exit(1);
}

static void slurp(FILE *f, struct sgl_buf *out)
{
    uint8_t piece[65536];
    size_t n;

    if (f == NULL)
        die("cannot open");
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        sgl_buf_add(out, sgl_view_of(piece, n));
    if (f != stdin)
        fclose(f);
    if (out->status != SGL_OK)
        die("too large");
}

static enum sgl_dkim_canon canon(sgl_view name)
{
    return sgl_view_eq(name, SGL_LIT("simple")) ? SGL_DKIM_SIMPLE : SGL_DKIM_RELAXED;
}

static void hash_body(enum sgl_dkim_canon form, sgl_view body, uint8_t *out)
{
    sgl_auto(sgl_hash) hash = {0};
    struct sgl_dkim_body state;

    sgl_hash_init(&hash, crypto);
    sgl_dkim_body_init_hash(&state, form, &hash);
    for (size_t at = 0, n = 1; at < body.len; at += n, n = n * 3 % 1009 + 1)
        sgl_dkim_body_feed(&state, sgl_view_sub(body, at, n));
    sgl_dkim_body_finish(&state);
    if (sgl_hash_final(&hash, out) != SGL_OK)
        die("hash");
}

/* ALGORITHM:DOMAIN:SELECTOR:KEY.pem */
static struct sgl_private_key *read_signer(const char *text, struct sgl_dkim_signer *out)
{
    sgl_auto(sgl_buf) pem = SGL_BUF_INIT(65536);
    sgl_view rest, algorithm = sgl_view_split(sgl_view_cstr(text), ':', &rest);
    struct sgl_private_key *key = NULL;

    out->algorithm =
        sgl_view_eq(algorithm, SGL_LIT("rsa")) ? SGL_DKIM_RSA_SHA256 : SGL_DKIM_ED25519_SHA256;
    out->domain = sgl_view_split(rest, ':', &rest);
    out->selector = sgl_view_split(rest, ':', &rest);
    slurp(fopen((const char *)rest.ptr, "rb"), &pem);
    if (sgl_private_key_import(crypto, sgl_buf_view(&pem), &key) != SGL_OK)
        die("bad key");
    return key;
}

static void sign_all(struct sgl_dkim_pending *pending, struct sgl_private_key **keys, size_t count)
{
    sgl_auto(sgl_buf) fields = SGL_BUF_INIT(SGL_DKIM_SIGNATURES_MAX * SGL_DKIM_FIELD_MAX);

    for (size_t i = 0; i < count; i++) {
        uint8_t signature[SGL_SIGNATURE_MAX];
        size_t len = 0;

        if (sgl_private_key_sign(crypto, keys[i], pending[i].digest, signature, &len) != SGL_OK ||
            sgl_dkim_sign_finish(&pending[i], sgl_view_of(signature, len), &fields) != SGL_OK)
            die("sign");
        sgl_private_key_free(keys[i]);
    }
    fwrite(fields.data, 1, fields.len, stdout);
}

int main(int argc, char **argv)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(MESSAGE_MAX);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(MESSAGE_MAX);
    struct sgl_dkim_options options = {.now = 1700000000};
    struct sgl_dkim_signer signers[SGL_DKIM_SIGNATURES_MAX];
    struct sgl_private_key *keys[SGL_DKIM_SIGNATURES_MAX];
    struct sgl_dkim_pending pending[SGL_DKIM_SIGNATURES_MAX];
    struct sgl_headers headers;
    uint8_t hash[SGL_SHA256_SIZE];
    size_t count = argc < 3 ? 0 : (size_t)argc - 2;
    sgl_view body_name;

    crypto = sgl_crypto_new();
    if (crypto == NULL || count == 0 || count > SGL_DKIM_SIGNATURES_MAX)
        die("usage: see the head of dkim_sign.c");
    options.header_canon = canon(sgl_view_split(sgl_view_cstr(argv[1]), '/', &body_name));
    options.body_canon = canon(body_name);
    for (size_t i = 0; i < count; i++)
        keys[i] = read_signer(argv[i + 2], &signers[i]);
    slurp(stdin, &message);
    if (sgl_headers_parse(sgl_buf_view(&message), SGL_HEADERS_STRICT, &arena, &headers, NULL) !=
        SGL_OK)
        die("bad header");
    hash_body(options.body_canon, sgl_view_from(sgl_buf_view(&message), headers.body_off), hash);
    if (sgl_dkim_sign_prepare(crypto, &options, &headers, hash, signers, count, &arena, pending,
                              NULL) != SGL_OK)
        die("prepare");
    sign_all(pending, keys, count);
    fwrite(message.data, 1, message.len, stdout);
    sgl_crypto_free(crypto);
    return 0;
}
