/* SPDX-License-Identifier: Apache-2.0 */
/* One judgement of a chain, step by step. */
#ifndef TESTS_UNIT_ARC_TRIAL_H
#define TESTS_UNIT_ARC_TRIAL_H

#include "arc_fixture.h"
#include "check.h"
#include "dns_fixture.h"
#include "sigillo/limits.h"

/* The rest of a signature behind its i= and a=, as arc_fixture_add() wants it. */
#define AMS_TAIL "d=s$I.test; s=k; h=from:subject; bh=$BH; b=$B"
#define AS_TAIL  "d=s$I.test; s=k; b=$B"

/* A judgement in the making, and what it needs. */
struct trial {
    struct sgl_arena arena;
    struct sgl_headers headers;
    struct sgl_dkim_hashes hashes;
    struct sgl_arc_verifier v;
    struct sgl_dkim_verify_options options;
    int passes;
};

static inline void trial_done(struct trial *t)
{
    sgl_dkim_hashes_done(&t->hashes);
    sgl_arena_done(&t->arena);
}

/* Up to the end of the body. taken: places of the hashes that others have. */
static inline enum sgl_status trial_begin(struct trial *t, const struct sgl_crypto *crypto,
                                          sgl_view message, size_t taken)
{
    size_t index;

    sgl_arena_init(&t->arena, 8u << 20);
    SGL_TRY(sgl_headers_parse(message, SGL_HEADERS_TOLERANT, &t->arena, &t->headers, NULL));
    sgl_dkim_hashes_init(&t->hashes, crypto);
    for (size_t i = 0; i < taken; i++)
        SGL_TRY(sgl_dkim_hashes_want(&t->hashes, SGL_DKIM_SIMPLE, i, &index));
    SGL_TRY(sgl_arc_verifier_init(&t->v, crypto, &t->options, &t->headers, &t->hashes, &t->arena));
    sgl_dkim_hashes_feed(&t->hashes, sgl_view_from(message, t->headers.body_off));
    return sgl_dkim_hashes_finish(&t->hashes);
}

static inline enum sgl_status trial_end(struct trial *t, struct dns_fixture *dns,
                                        enum dns_driver driver, struct sgl_arc *out)
{
    size_t used = t->arena.used;
    enum sgl_status st;

    for (t->passes = 1; (st = sgl_arc_verify(&t->v, &dns->dns, out)) == SGL_NEED_DNS; t->passes++) {
        CHECK_TRUE("passes are bounded", t->passes <= 2 * SGL_LIMIT_ARC_SETS);
        CHECK_EQ("scratch memory goes back", t->arena.used, used);
        CHECK_EQ("nothing leaks out of a pending pass", out->result, 99);
        dns_fixture_step(dns, driver);
    }
    return st;
}

static inline void judge_plain(struct arc_fixture *fx, const char *zone, size_t taken,
                               struct sgl_arc *out, struct trial *t, struct dns_fixture *dns)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_view copy;

    arc_put_message(fx, &message);
    arc_must(sgl_arena_dup(&fx->arena, sgl_buf_view(&message), &copy));
    *dns = dns_fixture_init("a.test", zone);
    *out = (struct sgl_arc){.result = (enum sgl_arc_result)99};
    CHECK_EQ("begin", trial_begin(t, fx->crypto, copy, taken), SGL_OK);
    CHECK_EQ("end", trial_end(t, dns, DNS_ALL_AT_ONCE, out), SGL_OK);
}

#endif
