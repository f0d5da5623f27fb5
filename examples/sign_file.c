/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs a message with DKIM.
 *
 *     sign_file DOMAIN SELECTOR KEY.pem < MESSAGE > SIGNED
 *
 * MESSAGE has CRLF line ends.  KEY.pem holds an RSA key of 1024 bits or more.
 */
#include <sigillo/dkim.h>
#include <stdio.h>
#include <time.h>

#include "read_all.h"

/* Appends the DKIM-Signature field of a message. */
static enum sgl_status sign(const struct sgl_crypto *crypto, const struct sgl_private_key *key,
                            const struct sgl_dkim_signer *signer, sgl_view message,
                            struct sgl_arena *arena, struct sgl_buf *field)
{
    const struct sgl_dkim_options options = {.now = time(NULL)}; /* relaxed/relaxed */
    struct sgl_headers headers;
    struct sgl_dkim_pending pending;
    uint8_t hash[SGL_SHA256_SIZE], signature[SGL_SIGNATURE_MAX];
    size_t len;

    SGL_TRY(sgl_headers_parse(message, SGL_HEADERS_STRICT, arena, &headers, NULL));
    SGL_TRY(sgl_dkim_body_hash(crypto, SGL_DKIM_RELAXED, sgl_view_from(message, headers.body_off),
                               hash));
    SGL_TRY(
        sgl_dkim_sign_prepare(crypto, &options, &headers, hash, signer, 1, arena, &pending, NULL));
    SGL_TRY(sgl_private_key_sign(crypto, key, pending.digest, signature, &len));
    return sgl_dkim_sign_finish(&pending, sgl_view_of(signature, len), field);
}

int main(int argc, char **argv)
{
    struct sgl_arena arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_buf message = SGL_BUF_INIT(100 << 20), pem = SGL_BUF_INIT(1 << 16),
                   field = SGL_BUF_INIT(SGL_DKIM_FIELD_MAX);
    struct sgl_crypto *crypto = sgl_crypto_new();
    struct sgl_private_key *key = NULL;
    enum sgl_status status = SGL_E_MISUSE;

    if (argc != 4 || !read_all(argv[3], &pem) || !read_all(NULL, &message)) {
        fprintf(stderr, "usage: sign_file DOMAIN SELECTOR KEY.pem < MESSAGE > SIGNED\n");
    } else if ((status = sgl_private_key_import(crypto, sgl_buf_view(&pem), &key)) != SGL_OK) {
        fprintf(stderr, "sign_file: %s: not a private key that signs\n", argv[3]);
    } else {
        struct sgl_dkim_signer signer = {sgl_view_cstr(argv[1]), sgl_view_cstr(argv[2]),
                                         SGL_DKIM_RSA_SHA256};

        status = sign(crypto, key, &signer, sgl_buf_view(&message), &arena, &field);
        if (status != SGL_OK) {
            fprintf(stderr, "sign_file: cannot sign: %s\n", sgl_status_name(status));
        } else {
            fwrite(field.data, 1, field.len, stdout);
            fwrite(message.data, 1, message.len, stdout);
        }
    }
    sgl_private_key_free(key);
    sgl_crypto_free(crypto);
    sgl_wipe(pem.data, pem.len);
    sgl_buf_done(&pem);
    sgl_buf_done(&field);
    sgl_buf_done(&message);
    sgl_arena_done(&arena);
    return status == SGL_OK ? 0 : 2;
}
