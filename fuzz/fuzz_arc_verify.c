/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of any kind: the verdict does not depend on the order of answers or the cutting of the body, and keeps what arc.h promises of it. */
#include "../tests/unit/dkim_vectors.h"
#include "answers.h"
#include "sigillo/arc.h"
#include "sigillo/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORD "v=DKIM1; k=ed25519; p=" RFC8463_ED25519_PUBLIC

/* Most names have the key of the corpus; some have none, or cannot be looked up, as the input says. */
static void answer(struct sgl_dns *dns, const struct sgl_dns_question *q, void *from)
{
    const uint8_t mode = *(const uint8_t *)from;
    static const char txt[] = "\x42" RECORD;
    const sgl_view rdata = sgl_view_of(txt, sizeof txt - 1);
    unsigned sum = mode;
    struct sgl_dns_raw raw = {.name = q->name, .type = q->type, .rdata = &rdata, .rdatas = 1};

    for (size_t i = 0; i < q->name.text.len; i++)
        sum += q->name.text.ptr[i];
    if ((mode & 0xc0) != 0 && sum % 7 == 0)
        raw = (struct sgl_dns_raw){
            .name = q->name, .type = q->type, .outcome = (enum sgl_dns_outcome)(sum % 5)};
    put_answer(dns, &raw);
}

/* step: bytes of the body at once; one: answer by answer. */
static enum sgl_status judge(const struct sgl_crypto *crypto, sgl_view message, uint8_t mode,
                             size_t step, bool one, struct sgl_arena *arena, struct sgl_arc *out)
{
    sgl_auto(sgl_dkim_hashes) hashes = {0};
    sgl_auto(sgl_dns) dns = {0};
    const struct sgl_dkim_verify_options options = {.partial_body_ok = (mode & 2) != 0};
    struct sgl_arc_verifier v;
    struct sgl_headers headers;
    enum sgl_status st;

    sgl_dns_init(&dns, SGL_LIMIT_JUDGE_QUESTIONS);
    SGL_TRY(sgl_headers_parse(message, SGL_HEADERS_TOLERANT, arena, &headers, NULL));
    sgl_dkim_hashes_init(&hashes, crypto);
    SGL_TRY(sgl_arc_verifier_init(&v, crypto, &options, &headers, &hashes, arena));
    v.seals_only = (mode & 4) != 0;
    for (size_t at = headers.body_off; at < message.len; at += step)
        sgl_dkim_hashes_feed(&hashes, sgl_view_sub(message, at, step));
    SGL_TRY(sgl_dkim_hashes_finish(&hashes));
    while ((st = sgl_arc_verify(&v, &dns, out)) == SGL_NEED_DNS)
        answer_open(&dns, answer, &mode, one);
    return st;
}

static void check(const struct sgl_arc *a, const struct sgl_arc *b, bool seals_only)
{
    if (a->result != b->result || a->at != b->at || a->oldest_pass != b->oldest_pass ||
        a->reason != b->reason || a->detail != b->detail || a->sets != b->sets)
        abort();
    if ((a->result == SGL_ARC_FAIL) != (a->reason[0] != 0) || a->sets > SGL_LIMIT_ARC_SETS)
        abort();
    for (size_t i = 0; i < a->sets; i++) {
        const struct sgl_arc_set *x = &a->set[i], *y = &b->set[i];

        if (x->message_result != y->message_result || x->seal_result != y->seal_result ||
            (i > 0 && x->instance <= a->set[i - 1].instance))
            abort();
        if (a->result == SGL_ARC_PASS && (!a->sound || x->seal_result != SGL_DKIM_PASS))
            abort();
    }
    if (a->result == SGL_ARC_PASS && !seals_only &&
        a->set[a->sets - 1].message_result != SGL_DKIM_PASS)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sgl_crypto *crypto;
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(8u << 20);
    struct sgl_arc whole, pieces;
    sgl_view message;

    if (crypto == NULL)
        crypto = sgl_crypto_new();
    if (crypto == NULL || size == 0)
        return 0;
    message = sgl_view_of(data + 1, size - 1);
    if (judge(crypto, message, data[0], size, false, &arena, &whole) != SGL_OK)
        return 0;
    if (judge(crypto, message, data[0], 1 + data[0] % 9, true, &arena, &pieces) != SGL_OK)
        abort();
    check(&whole, &pieces, (data[0] & 4) != 0);
    return 0;
}
