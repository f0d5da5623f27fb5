/* SPDX-License-Identifier: Apache-2.0 */
/* Forged fields are known and removed. */
#include "sigillo/authres.h"

#include "authres_fixture.h"
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

static const struct {
    const char *name, *value, *id;
    enum sgl_authres_forgery want;
} judgements[] = {
    {"ours", " mx.example; spf=pass", "mx.example", SGL_AUTHRES_OURS},
    {"somebody else's", " mx.other; spf=pass", "mx.example", SGL_AUTHRES_FOREIGN},
    {"in other case", " MX.Example; spf=pass", "mx.example", SGL_AUTHRES_OURS},
    {"in quotes", " \"mx.example\"; spf=pass", "mx.example", SGL_AUTHRES_OURS},
    {"in quotes with backslashes", " \"m\\x.exa\\mple\"; spf=pass", "mx.example", SGL_AUTHRES_OURS},
    {"in quotes with blanks", " \" mx.example \"; spf=pass", "mx.example", SGL_AUTHRES_OURS},
    {"behind comments", " (a (b) c)(d) mx.example; spf=pass", "mx.example", SGL_AUTHRES_OURS},
    {"before comments", "mx.example(.evil.example); spf=pass", "mx.example", SGL_AUTHRES_OURS},
    {"folded", "\r\n\tmx.example\r\n ; spf=pass", "mx.example", SGL_AUTHRES_OURS},
    {"folded in quotes", " \"mx.example\r\n \"; spf=pass", "mx.example", SGL_AUTHRES_OURS},
    {"with a version", " mx.example 1; spf=pass", "mx.example", SGL_AUTHRES_OURS},
    {"with a part behind it", " mx.example/filter-7; spf=pass", "mx.example", SGL_AUTHRES_OURS},
    {"ours has one", " mx.example; spf=pass", "mx.example/filter-7", SGL_AUTHRES_OURS},
    {"with a dot behind it", " mx.example.; spf=pass", "mx.example", SGL_AUTHRES_OURS},
    {"as U-label [RFC 8601 s5]",
     " b\xc3\xbc"
     "cher.example; none",
     "xn--bcher-kva.example", SGL_AUTHRES_OURS},
    {"as A-label", " XN--bcher-KVA.example; none",
     "b\xc3\xbc"
     "cher.example",
     SGL_AUTHRES_OURS},
    {"as U-label in other case",
     " \"B\xc3\x9c"
     "CHER.example\"; none",
     "xn--bcher-kva.example", SGL_AUTHRES_OURS},
    {"in letters that only look wider", " \xef\xbd\x8dx.example; none", "mx.example",
     SGL_AUTHRES_OURS},
    {"ours and broken is ours", " mx.example; ;;", "mx.example", SGL_AUTHRES_OURS},
    {"ours and of another version is ours", " mx.example 2; spf=pass", "mx.example",
     SGL_AUTHRES_OURS},
    {"a name below ours", " a.mx.example; none", "mx.example", SGL_AUTHRES_FOREIGN},
    {"a name with ours in front", " mx.example.evil; none", "mx.example", SGL_AUTHRES_FOREIGN},
    {"an id that is no name", " a_b c; none", "mx.example", SGL_AUTHRES_BROKEN},
    {"an id with a NUL's place taken by \\", " \"a\\\\\"; none", "mx.example", SGL_AUTHRES_FOREIGN},
    {"unknown version", " mx.other 2; spf=pass", "mx.example", SGL_AUTHRES_BROKEN},
    {"no result", " mx.other; spf", "mx.example", SGL_AUTHRES_BROKEN},
    {"nothing", "", "mx.example", SGL_AUTHRES_BROKEN},
    {"an open comment", " (mx.example; spf=pass", "mx.example", SGL_AUTHRES_BROKEN},
    {"an open quote", " \"mx.example; spf=pass", "mx.example", SGL_AUTHRES_BROKEN},
    {"no UTF-8", " m\xff.example; spf=pass", "mx.example", SGL_AUTHRES_FOREIGN},
};

/* [RFC 8601 s5; RFC 8616 s3] */
static void judging(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof judgements / sizeof judgements[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        struct sgl_header field = {V(""), V("Authentication-Results"), V(judgements[i].value)};
        enum sgl_authres_forgery got = (enum sgl_authres_forgery)99;

        CHECK_EQ(judgements[i].name, sgl_authres_judge(&field, V(judgements[i].id), &arena, &got),
                 SGL_OK);
        CHECK_EQ(judgements[i].name, got, judgements[i].want);
        CHECK_EQ("the arena is where it was", arena.used, 0);
    }
}

static void long_and_deep_ones_are_broken(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 20);
    struct sgl_header field = {V(""), V("Authentication-Results"), V("")};
    enum sgl_authres_forgery got = SGL_AUTHRES_FOREIGN;

    (void)state;
    for (int i = 0; i < 100000; i++)
        sgl_buf_add_byte(&text, '(');
    field.value = sgl_buf_view(&text);
    CHECK_EQ("100000 bytes", sgl_authres_judge(&field, V("a"), &arena, &got), SGL_OK);
    CHECK_EQ("100000 bytes", got, SGL_AUTHRES_BROKEN);
    field.value.len = 1000;
    got = SGL_AUTHRES_FOREIGN;
    CHECK_EQ("1000 deep", sgl_authres_judge(&field, V("a"), &arena, &got), SGL_OK);
    CHECK_EQ("1000 deep", got, SGL_AUTHRES_BROKEN);
}

/* Fields of which the first `forged` bear our name, at places drawn by lot between others; none survives, the rest keeps its order. [RFC 8601 s5] */
static void stripping(void **state)
{
    static const char *const forgeries[] = {
        "Authentication-Results: mx.example; dmarc=pass\r\n",
        "authentication-results: MX.EXAMPLE; dmarc=pass\r\n",
        "Authentication-Results : (x) \"mx.example\" 1; dmarc=pass\r\n",
        "AUTHENTICATION-RESULTS:\r\n mx.example/1;\r\n\tdmarc=pass\r\n",
        "Authentication-Results: mx.example; broken\r\n",
        "Authentication-Results: other.example 2; dmarc=pass\r\n",
    };
    static const char *const others[] = {
        "Authentication-Results: other.example; dmarc=pass\r\n",
        "Received: from a by b; 1 Jan 2026 00:00:00 +0000\r\n",
        "X-Authentication-Results: mx.example; dmarc=pass\r\n",
    };

    (void)state;
    for (int round = 0; round < 600; round++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 16);
        struct sgl_headers headers;
        bool forged[12], removed[12];
        size_t count = 1 + draw(12), want = 0, got = 99;

        for (size_t i = 0; i < count; i++) {
            forged[i] = want < 5 && draw(2) == 0;
            want += forged[i];
            sgl_buf_add_cstr(&text, forged[i] ? forgeries[draw(6)] : others[draw(3)]);
        }
        CHECK_EQ(
            "headers",
            sgl_headers_parse(sgl_buf_view(&text), SGL_HEADERS_TOLERANT, &arena, &headers, NULL),
            SGL_OK);
        CHECK_EQ("fields", headers.count, count);
        CHECK_EQ("strip", sgl_authres_strip(&headers, V("mx.example"), &arena, removed, &got),
                 SGL_OK);
        CHECK_EQ("so many", got, want);
        for (size_t i = 0; i < count; i++)
            CHECK_EQ("none survives, others stay", removed[i], forged[i]);
    }
}

static void fields_that_nobody_looks_at_are_removed(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 18);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 18);
    struct sgl_headers headers;
    bool removed[200];
    size_t got = 0;

    (void)state;
    for (int i = 0; i < 150; i++)
        sgl_buf_add_cstr(&text, "Authentication-Results: other.example; none\r\n");
    CHECK_EQ("headers",
             sgl_headers_parse(sgl_buf_view(&text), SGL_HEADERS_STRICT, &arena, &headers, NULL),
             SGL_OK);
    CHECK_EQ("strip", sgl_authres_strip(&headers, V("mx.example"), &arena, removed, &got), SGL_OK);
    CHECK_EQ("those above the limit", got, 150 - SGL_LIMIT_AUTHRES_FIELDS);
}

static void out_of_memory(void **state)
{
    const char *value = " \"B\xc3\x9c"
                        "cher.example\"; DKIM=Pass reason=\"a\\b\" header.i=\"x y\"@z.example";

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(4096);
        struct sgl_header field = {V(""), V("Authentication-Results"), V(value)};
        struct sgl_authres ar = {.version = 77};
        enum sgl_authres_forgery forgery = SGL_AUTHRES_FOREIGN;
        enum sgl_status st =
            sgl_authres_judge(&field, SGL_LIT("xn--bcher-kva.example"), &arena, &forgery);

        if (st == SGL_OK) {
            CHECK_EQ("never foreign because memory ended", forgery, SGL_AUTHRES_OURS);
            st = sgl_authres_parse(V(value), &arena, &ar, NULL);
        }
        if (st == SGL_OK)
            st = sgl_authres_put(&ar, &out);
        if (fail_alloc_hit())
            CHECK_EQ("says so", st, SGL_E_NOMEM);
        else
            CHECK_EQ("works", st, SGL_OK);
    }
}

static void a_small_arena(void **state)
{
    (void)state;
    for (size_t max = 0; max < 600; max += 8) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(max);
        struct sgl_authres ar = {.version = 77};
        enum sgl_status st = sgl_authres_parse(V("a; DKIM=pass x.y=\"z\\z\""), &arena, &ar, NULL);

        CHECK_TRUE("all or nothing", st == SGL_OK || (st == SGL_E_LIMIT && ar.version == 77));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judging),       cmocka_unit_test(long_and_deep_ones_are_broken),
        cmocka_unit_test(stripping),     cmocka_unit_test(fields_that_nobody_looks_at_are_removed),
        cmocka_unit_test(out_of_memory), cmocka_unit_test(a_small_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
