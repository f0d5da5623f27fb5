/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message and the answers to its questions, both from an enemy: the verdicts do not depend on how the body was cut, on the order of the answers, or on
 * how often they were asked for; and without a key nothing passes.
 *   input: one byte "how", one byte n, n bytes of a TXT record, the message
 */
#include "answers.h"
#include "sigillo/dkim_verify.h"
#include "sigillo/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    size_t count, passes;
    enum sgl_dkim_result result[SGL_LIMIT_DKIM_SIGNATURES];
    const char *reason[SGL_LIMIT_DKIM_SIGNATURES];
};

struct input {
    unsigned how;
    sgl_view txt, message;
};

static void answer(struct sgl_dns *dns, const struct sgl_dns_question *q, void *from)
{
    const struct input *in = from;
    uint8_t wire[256];
    sgl_view rdata = txt_rdata(in->txt, wire);
    const struct sgl_dns_raw raw = {.name = q->name,
                                    .type = q->type,
                                    .outcome = (enum sgl_dns_outcome)((in->how & 7) % 5),
                                    .rdata = &rdata,
                                    .rdatas = 1};

    put_answer(dns, &raw);
}

static bool verify(const struct sgl_crypto *crypto, struct input *in, bool whole,
                   struct outcome *out)
{
    static const struct sgl_dkim_verify_options options = {.now = 1700000000};
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(8u << 20);
    sgl_auto(sgl_dkim_hashes) hashes = {0};
    sgl_auto(sgl_dns) dns = {0};
    struct sgl_dkim_verifier v;
    struct sgl_dkim_verdicts verdicts;
    struct sgl_headers headers;
    sgl_view body;

    sgl_dns_init(&dns, 0);
    sgl_dkim_hashes_init(&hashes, crypto);
    if (sgl_headers_parse(in->message, SGL_HEADERS_TOLERANT, &arena, &headers, NULL) != SGL_OK)
        return false;
    if (sgl_dkim_verifier_init(&v, crypto, &options, &headers, &hashes, &arena) != SGL_OK)
        abort();
    body = sgl_view_from(in->message, headers.body_off);
    for (size_t at = 0, n = whole ? body.len : 1; at < body.len; at += n, n = whole ? n : n % 7 + 1)
        sgl_dkim_hashes_feed(&hashes, sgl_view_sub(body, at, n));
    if (sgl_dkim_hashes_finish(&hashes) != SGL_OK)
        abort();
    for (int passes = 0; sgl_dkim_verify(&v, &dns, &verdicts) != SGL_OK; passes++) {
        if (passes > SGL_LIMIT_DKIM_TRIED)
            abort();
        answer_open(&dns, answer, in, !whole);
    }
    *out = (struct outcome){.count = verdicts.count, .passes = verdicts.passes};
    for (size_t i = 0; i < verdicts.count; i++) {
        out->result[i] = verdicts.item[i].result;
        out->reason[i] = verdicts.item[i].reason;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sgl_crypto *crypto;
    struct outcome a = {0}, b = {0};
    struct input in;

    if (crypto == NULL)
        crypto = sgl_crypto_new();
    if (crypto == NULL || size < 2)
        return 0;
    in.how = data[0];
    in.txt = sgl_view_sub(sgl_view_of(data, size), 2, data[1]);
    in.message = sgl_view_from(sgl_view_of(data, size), 2 + in.txt.len);
    if (!verify(crypto, &in, true, &a))
        return 0;
    if (!verify(crypto, &in, false, &b) || memcmp(&a, &b, sizeof a) != 0)
        abort();
    if (a.passes > 0 && (data[0] & 7) % 5 != SGL_DNS_OK)
        abort();
    for (size_t i = 0; i < a.count; i++) {
        if (a.result[i] == SGL_DKIM_NONE ||
            (a.reason[i][0] == '\0') != (a.result[i] == SGL_DKIM_PASS))
            abort();
    }
    return 0;
}
