/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of any kind are signed or refused; the field is one field, and it comes out the same for the same input. */
#include <stdlib.h>

#include "sigillo/dkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_field(const struct sgl_dkim_pending *pending)
{
    static const uint8_t signature[256];
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(2 * SGL_DKIM_FIELD_MAX);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1u << 20);
    struct sgl_headers again;

    if (sgl_dkim_sign_finish(pending, sgl_view_of(signature, sizeof signature), &field) != SGL_OK)
        abort();
    if (sgl_headers_parse(sgl_buf_view(&field), SGL_HEADERS_STRICT, &arena, &again, NULL) != SGL_OK)
        abort();
    if (again.count != 1 || !sgl_view_eq(again.field[0].name, SGL_LIT("DKIM-Signature")))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sgl_crypto *crypto;
    static const uint8_t body_hash[SGL_SHA256_SIZE];
    static const struct sgl_dkim_signer signers[] = {
        {SGL_LIT_INIT("example.org"), SGL_LIT_INIT("s1"), SGL_DKIM_RSA_SHA256},
        {SGL_LIT_INIT("example.org"), SGL_LIT_INIT("e1"), SGL_DKIM_ED25519_SHA256}};
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(4u << 20);
    struct sgl_dkim_options options = {.now = 1700000000, .valid_s = 1};
    struct sgl_dkim_pending pending[2];
    struct sgl_headers headers;

    if (crypto == NULL)
        crypto = sgl_crypto_new();
    if (crypto == NULL || size == 0)
        return 0;
    options.header_canon = data[0] & 1 ? SGL_DKIM_SIMPLE : SGL_DKIM_RELAXED;
    if (sgl_headers_parse(sgl_view_of(data + 1, size - 1),
                          data[0] & 2 ? SGL_HEADERS_TOLERANT : SGL_HEADERS_STRICT, &arena, &headers,
                          NULL) != SGL_OK)
        return 0;
    if (sgl_dkim_sign_prepare(crypto, &options, &headers, body_hash, signers, 2, &arena, pending,
                              NULL) != SGL_OK)
        return 0;
    check_field(&pending[0]);
    check_field(&pending[1]);
    return 0;
}
