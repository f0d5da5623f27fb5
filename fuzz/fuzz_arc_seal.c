/* SPDX-License-Identifier: Apache-2.0 */
/* Any message is sealed or refused: three proper fields, the next instance, and a structure that holds where the seal says so. */
#include <stdlib.h>

#include "sigillo/arc.h"
#include "sigillo/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sgl_dkim_verify_options options;

/* What a message looks like before any key is known. */
static bool look(const struct sgl_crypto *crypto, sgl_view message, struct sgl_arena *arena,
                 struct sgl_headers *headers, struct sgl_arc *out)
{
    sgl_auto(sgl_dkim_hashes) hashes = {0};
    struct sgl_arc_verifier v;

    sgl_dkim_hashes_init(&hashes, crypto);
    if (sgl_headers_parse(message, SGL_HEADERS_TOLERANT, arena, headers, NULL) != SGL_OK ||
        sgl_arc_verifier_init(&v, crypto, &options, headers, &hashes, arena) != SGL_OK)
        return false;
    *out = v.arc;
    return true;
}

static void check(const struct sgl_crypto *crypto, const struct sgl_arc *before,
                  const struct sgl_arc_pending *pending, struct sgl_buf *fields, sgl_view message)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(16u << 20);
    struct sgl_headers headers;
    struct sgl_arc after;

    if (sgl_headers_parse(sgl_buf_view(fields), SGL_HEADERS_STRICT, &arena, &headers, NULL) !=
            SGL_OK ||
        headers.count != 3)
        abort();
    sgl_buf_add(fields, message);
    if (!look(crypto, sgl_buf_view(fields), &arena, &headers, &after))
        return; /* the header is over its limits now */
    if (after.sound != (pending->chain != SGL_ARC_FAIL) && after.reason != NULL &&
        after.reason[0] != 'm') /* "more fields than ..." */
        abort();
    if (after.sets > 0 && after.set[after.sets - 1].instance != pending->instance)
        abort();
    if (pending->chain == SGL_ARC_PASS && !before->sound)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sgl_crypto *crypto;
    static const uint8_t bytes[SGL_SIGNATURE_MAX];
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(16u << 20);
    sgl_auto(sgl_buf) fields = SGL_BUF_INIT(4u << 20);
    struct sgl_arc_sealer sealer = {.domain = SGL_LIT("a.test"),
                                    .selector = SGL_LIT("k"),
                                    .authserv_id = SGL_LIT("mx"),
                                    .algorithm = SGL_DKIM_RSA_SHA256,
                                    .now = 1};
    struct sgl_arc_pending pending;
    struct sgl_arc_arrival arrival;
    struct sgl_headers headers;
    struct sgl_arc arc;
    sgl_view message;

    if (crypto == NULL)
        crypto = sgl_crypto_new();
    if (crypto == NULL || size == 0)
        return 0;
    message = sgl_view_of(data + 1, size - 1);
    sealer.chain = data[0] & 1 ? SGL_ARC_PASS : SGL_ARC_FAIL;
    if (!look(crypto, message, &arena, &headers, &arc) ||
        sgl_arc_arrival_read(&headers, sealer.authserv_id, &arena, &arrival) != SGL_OK)
        return 0;
    sealer.results = arrival.results;
    if (sgl_arc_seal_message(crypto, &sealer, &headers, bytes, &arc, &arena, &pending, NULL) !=
            SGL_OK ||
        pending.nothing)
        return 0;
    if (sgl_arc_seal_chain(crypto, sgl_view_of(bytes, 256), &arena, &pending) != SGL_OK ||
        sgl_arc_seal_finish(&pending, sgl_view_of(bytes, 512), &fields) != SGL_OK)
        abort();
    check(crypto, &arc, &pending, &fields, message);
    return 0;
}
