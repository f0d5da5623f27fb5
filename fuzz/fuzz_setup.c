/* SPDX-License-Identifier: Apache-2.0 */
/* A domain's setup beside answers that an enemy chose: it ends, and what it says and proposes is printable. */
#include "answers.h"
#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "sigillo/setup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct sgl_setup *s)
{
    bool ready = true;

    for (size_t i = 0; i < s->rows; i++) {
        const struct sgl_setup_row *r = &s->row[i];

        if (!sgl_ascii_is_printable(r->value) || !sgl_ascii_is_printable(r->found) ||
            !sgl_ascii_is_printable(r->why) || r->state == SGL_SETUP_UNCHECKED ||
            !sgl_name_is_at_or_below(r->name, r->zone))
            abort();
        if (r->state == SGL_SETUP_MISSING && (r->why.len == 0 || r->old_count > 0))
            abort();
        ready = ready && (!r->required || r->state == SGL_SETUP_PRESENT);
    }
    if (ready != s->ready || !sgl_ascii_is_printable(s->coach.text) ||
        !sgl_ascii_is_printable(s->coach.record))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[32] = {1};
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_SETUP_MEMORY);
    sgl_auto(sgl_dns) dns = {0};
    sgl_view in = sgl_view_of(data, size), term = SGL_LIT("a:h.test");
    struct sgl_setup_selector selector[2] = {
        {SGL_LIT("s1"), SGL_DKIM_ED25519_SHA256, {key, 32}, {{NULL, 0}}, true},
        {SGL_LIT("s2"), SGL_DKIM_ED25519_SHA256, {key, 32}, {SGL_LIT("k.test")}, false}};
    struct sgl_setup_request q = {.domain = {SGL_LIT("m.a.test")},
                                  .token = SGL_LIT("t"),
                                  .spf_term = &term,
                                  .spf_terms = 1,
                                  .selector = selector,
                                  .selectors = 2,
                                  .return_path = {SGL_LIT("b.m.a.test")},
                                  .return_mx = {SGL_LIT("h.test")},
                                  .sts_id = SGL_LIT("1"),
                                  .sts_host = {SGL_LIT("h.test")},
                                  .tlsrpt = true};
    struct sgl_setup s;
    enum sgl_status st;

    sgl_dns_init(&dns, SGL_LIMIT_SETUP_QUESTIONS);
    q.parked = (take_byte(&in) & 1) != 0;
    while ((st = sgl_setup_check(&q, &dns, &arena, &s)) == SGL_NEED_DNS)
        answer_open(&dns, answer_of_bytes, &in, false);
    if (st == SGL_OK)
        check(&s);
    return 0;
}
