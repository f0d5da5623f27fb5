/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <jansson.h>
#include <stdlib.h>

#include "dkim_internal.h"
#include "dkim_reference.h"
#include "sigillo/base64.h"

#define BODY_MAX (1u << 20)

static struct sgl_dkim_sink into(struct sgl_buf *buf)
{
    return (struct sgl_dkim_sink){reference_put, buf};
}

/* The body in pieces that end at the given offsets. */
static void canon_cut(enum sgl_dkim_canon canon, sgl_view body, const size_t *cut, size_t cuts,
                      struct sgl_buf *out)
{
    struct sgl_dkim_body state;
    size_t from = 0;

    sgl_buf_reset(out);
    sgl_dkim_body_init(&state, canon, into(out));
    for (size_t i = 0; i < cuts; i++) {
        sgl_dkim_body_feed(&state, sgl_view_sub(body, from, cut[i] - from));
        from = cut[i];
    }
    sgl_dkim_body_feed(&state, sgl_view_from(body, from));
    sgl_dkim_body_finish(&state);
}

/* Whole, byte by byte, and cut at every two places: always the same. */
static void check_body(const char *name, enum sgl_dkim_canon canon, sgl_view body, sgl_view want)
{
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(BODY_MAX);
    struct sgl_dkim_body state;

    canon_cut(canon, body, NULL, 0, &got);
    CHECK_VIEW(name, sgl_buf_view(&got), want);
    for (size_t a = 0; a <= body.len; a++) {
        for (size_t b = a; b <= body.len; b++) {
            canon_cut(canon, body, (size_t[]){a, b}, 2, &got);
            CHECK_VIEW(name, sgl_buf_view(&got), want);
        }
    }
    sgl_buf_reset(&got);
    sgl_dkim_body_init(&state, canon, into(&got));
    for (size_t i = 0; i < body.len; i++)
        sgl_dkim_body_feed(&state, sgl_view_sub(body, i, 1));
    sgl_dkim_body_finish(&state);
    CHECK_VIEW(name, sgl_buf_view(&got), want);
}

/* [RFC 6376 s3.4.3] [RFC 6376 s3.4.4] [RFC 6376 s3.4.5] */
static void test_bodies(void **state)
{
    static const struct {
        const char *name, *body, *simple, *relaxed;
    } cases[] = {
        {"an empty body is a line end, or nothing", "", "\r\n", ""},
        {"a body of line ends only is empty", "\r\n\r\n\r\n", "\r\n", ""},
        {"a body of blank lines only is empty when relaxed", " \r\n\t\r\n  ", " \r\n\t\r\n  \r\n",
         ""},
        {"the example of the RFC", " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n",
         " C\r\nD E\r\n"},
        {"a missing last line end is added", "a\r\nb", "a\r\nb\r\n", "a\r\nb\r\n"},
        {"empty lines inside stay", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n",
         "a\r\n\r\n\r\nb\r\n"},
        {"empty lines in front stay", "\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n"},
        {"blank lines inside become empty", "a\r\n \t\r\nb\r\n", "a\r\n \t\r\nb\r\n",
         "a\r\n\r\nb\r\n"},
        {"blanks in front of a line become one", "  a\r\n\tb\r\n c\r\n", "  a\r\n\tb\r\n c\r\n",
         " a\r\n b\r\n c\r\n"},
        {"blanks before the end of the body go", "a \t ", "a \t \r\n", "a\r\n"},
        {"blank lines at the end go", "a\r\n \r\n\t\r\n", "a\r\n \r\n\t\r\n", "a\r\n"},
        {"a tab alone becomes a blank", "a\tb\r\n", "a\tb\r\n", "a b\r\n"},
        {"vertical tab, form feed and NBSP are data", "a\v\f\xc2\xa0 b\r\n", "a\v\f\xc2\xa0 b\r\n",
         "a\v\f\xc2\xa0 b\r\n"},
        {"a bare LF is data", "a \n\nb\n", "a \n\nb\n\r\n", "a \n\nb\n\r\n"},
        {"a bare CR is data", "a\rb \r\r\n\r", "a\rb \r\r\n\r\r\n", "a\rb \r\r\n\r\r\n"},
        {"a CR at the very end is data", "a\r", "a\r\r\n", "a\r\r\n"},
        {"CR CR LF is a CR at the end of a line", "a\r\r\n", "a\r\r\n", "a\r\r\n"},
        {"LF CR is no line end", "a\n\r", "a\n\r\r\n", "a\n\r\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_view body = sgl_view_cstr(cases[i].body);

        check_body(cases[i].name, SGL_DKIM_SIMPLE, body, sgl_view_cstr(cases[i].simple));
        check_body(cases[i].name, SGL_DKIM_RELAXED, body, sgl_view_cstr(cases[i].relaxed));
    }
}

static void test_nul_is_data(void **state)
{
    (void)state;
    check_body("NUL is data", SGL_DKIM_RELAXED, SGL_LIT("a\0 b  c\0\r\n"),
               SGL_LIT("a\0 b c\0\r\n"));
}

static void test_reference_hashes(void **state)
{
    static const struct {
        const char *name;
        enum sgl_dkim_canon canon;
        const char *want;
    } cases[] = {
        {"the hash of an empty body, simple [RFC 6376 s3.4.3]", SGL_DKIM_SIMPLE,
         "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="},
        {"the hash of an empty body, relaxed [RFC 6376 s3.4.4]", SGL_DKIM_RELAXED,
         "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
    };
    struct sgl_crypto *crypto = sgl_crypto_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(64);
        uint8_t digest[SGL_SHA256_SIZE];

        CHECK_EQ(cases[i].name, sgl_dkim_body_hash(crypto, cases[i].canon, SGL_LIT(""), digest),
                 SGL_OK);
        sgl_base64_encode(&text, sgl_view_of(digest, sizeof digest));
        CHECK_VIEW(cases[i].name, sgl_buf_view(&text), sgl_view_cstr(cases[i].want));
    }
    sgl_crypto_free(crypto);
}

/* [RFC 6376 s3.4.1] [RFC 6376 s3.4.2] */
static void test_fields(void **state)
{
    static const struct {
        const char *name, *raw, *relaxed;
    } cases[] = {
        {"the first example of the RFC", "A: X\r\n", "a:X\r\n"},
        {"the second example of the RFC", "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n"},
        {"blanks around the colon go", "Subject \t:\t Your Name\t \r\n", "subject:Your Name\r\n"},
        {"nothing behind the colon stays nothing", "X-Empty:\r\n", "x-empty:\r\n"},
        {"blanks only are nothing", "X-Empty: \t \r\n", "x-empty:\r\n"},
        {"a fold of blanks only is nothing", "X: a\r\n \r\n\t\r\n", "x:a\r\n"},
        {"folds become one blank", "X:a\r\n   b\r\n\tc\r\n", "x:a b c\r\n"},
        {"a second colon is data", "X: a : b\r\n", "x:a : b\r\n"},
        {"only ASCII letters fold", "X-\xc3\x84: \xc3\x84\r\n", "x-\xc3\x84:\xc3\x84\r\n"},
        {"without a line end none is added", "DKIM-Signature: v=1; b=", "dkim-signature:v=1; b="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4096);
        sgl_view raw = sgl_view_cstr(cases[i].raw);

        sgl_dkim_canon_field(SGL_DKIM_RELAXED, raw, into(&got));
        CHECK_VIEW(cases[i].name, sgl_buf_view(&got), sgl_view_cstr(cases[i].relaxed));
        sgl_buf_reset(&got);
        sgl_dkim_canon_field(SGL_DKIM_SIMPLE, raw, into(&got));
        CHECK_VIEW(cases[i].name, sgl_buf_view(&got), raw);
    }
}

/* A small generator with a fixed seed: the same bodies in every run. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void random_body(uint32_t *seed, struct sgl_buf *out)
{
    static const char *const word[] = {
        " ",      "\t",
        "\r\n",   "\r",
        "\n",     "ab",
        "  \r\n", "\r\n\r\n",
        " a",     "a line of text that is longer than one step of a scanner"};

    sgl_buf_reset(out);
    for (uint32_t n = next_random(seed) % 60; n > 0; n--)
        sgl_buf_add_cstr(out, word[next_random(seed) % (sizeof word / sizeof word[0])]);
}

/* Long enough for several steps of the scanner, in random pieces, against the reference. */
static void test_random_bodies(void **state)
{
    sgl_auto(sgl_buf) body = SGL_BUF_INIT(BODY_MAX);
    sgl_auto(sgl_buf) want = SGL_BUF_INIT(BODY_MAX);
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(BODY_MAX);
    uint32_t seed = 6376;

    (void)state;
    for (int round = 0; round < 4000; round++) {
        enum sgl_dkim_canon canon = round & 1 ? SGL_DKIM_RELAXED : SGL_DKIM_SIMPLE;
        size_t cut[2];

        random_body(&seed, &body);
        cut[0] = next_random(&seed) % (body.len + 1);
        cut[1] = cut[0] + next_random(&seed) % (body.len - cut[0] + 1);
        sgl_buf_reset(&want);
        reference_body(canon, sgl_buf_view(&body), &want);
        canon_cut(canon, sgl_buf_view(&body), NULL, 0, &got);
        assert_true(sgl_view_eq(sgl_buf_view(&got), sgl_buf_view(&want)));
        canon_cut(canon, sgl_buf_view(&body), cut, 2, &got);
        assert_true(sgl_view_eq(sgl_buf_view(&got), sgl_buf_view(&want)));
    }
}

static void count_bytes(void *ctx, sgl_view bytes)
{
    *(uint64_t *)ctx += bytes.len;
}

/* Empty lines are counted, not kept: many of them cost no memory and come out again. */
static void test_many_pending_lines(void **state)
{
    struct sgl_dkim_body body;
    uint64_t total = 0;

    (void)state;
    sgl_dkim_body_init(&body, SGL_DKIM_RELAXED, (struct sgl_dkim_sink){count_bytes, &total});
    sgl_dkim_body_feed(&body, SGL_LIT("a"));
    for (int i = 0; i < 1000000; i++)
        sgl_dkim_body_feed(&body, SGL_LIT("\r\n"));
    assert_true(total <= 1);
    sgl_dkim_body_feed(&body, SGL_LIT("b"));
    sgl_dkim_body_finish(&body);
    assert_int_equal(total, 1 + 2000000 + 1 + 2);
}

/* Each scanner that this processor can run gives the same answer for every place of every kind of byte. */
static void check_scanner(sgl_dkim_scanner *scan)
{
    static const char kinds[] = "x \t\r\n";
    uint8_t text[150];

    for (size_t at = 0; at + 3 <= sizeof text; at++) {
        for (size_t kind = 0; kind < 125; kind++) {
            memset(text, 'x', sizeof text);
            text[at] = (uint8_t)kinds[kind % 5];
            text[at + 1] = (uint8_t)kinds[kind / 5 % 5];
            text[at + 2] = (uint8_t)kinds[kind / 25];
            for (size_t n = at; n <= sizeof text; n++)
                assert_int_equal(scan(text, n), sgl_dkim_scan_portable(text, n));
        }
    }
}

static void test_scanners_agree(void **state)
{
    (void)state;
    check_scanner(sgl_dkim_best_scan());
#ifdef HAVE_X86_SCAN
    check_scanner(sgl_dkim_scan_sse2);
    if (__builtin_cpu_supports("avx2"))
        assert_true(sgl_dkim_best_scan() == sgl_dkim_scan_avx2);
#endif
}

static char *shared_path(const char *rest)
{
    static char path[4096];
    const char *shared = getenv("SIGILLO_SHARED"), *source = getenv("SIGILLO_SOURCE");

    if (shared != NULL)
        snprintf(path, sizeof path, "%s/%s", shared, rest);
    else
        snprintf(path, sizeof path, "%s/../shared/%s", source == NULL ? "." : source, rest);
    return path;
}

static sgl_view json_view(const json_t *text)
{
    return sgl_view_of(json_string_value(text), json_string_length(text));
}

static void run_published_case(const json_t *c, int number)
{
    enum sgl_dkim_canon canon =
        strcmp(json_string_value(json_object_get(c, "algorithm")), "simple") == 0
            ? SGL_DKIM_SIMPLE
            : SGL_DKIM_RELAXED;
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(BODY_MAX);
    struct sgl_dkim_body body;
    json_t *chunk;
    size_t i;
    char name[40];

    snprintf(name, sizeof name, "published case %d", number);
    if (strcmp(json_string_value(json_object_get(c, "kind")), "header") == 0) {
        sgl_dkim_canon_field(canon, json_view(json_object_get(c, "input")), into(&got));
    } else {
        sgl_dkim_body_init(&body, canon, into(&got));
        json_array_foreach(json_object_get(c, "chunks"), i, chunk)
            sgl_dkim_body_feed(&body, json_view(chunk));
        sgl_dkim_body_finish(&body);
    }
    CHECK_VIEW(name, sgl_buf_view(&got), json_view(json_object_get(c, "canonical")));
}

/* Those with a bare CR or LF expect line ends to be repaired, which is not the canonicaliser's business. */
static void test_published_cases(void **state)
{
    json_t *cases = json_load_file(shared_path("conformance/dkim-canonicalization/cases.json"),
                                   JSON_ALLOW_NUL, NULL);
    json_t *c;
    size_t i;
    int ran = 0;

    (void)state;
    if (cases == NULL) {
        print_message("skipped: no %s\n",
                      shared_path("conformance/dkim-canonicalization/cases.json"));
        skip();
    }
    json_array_foreach(cases, i, c)
    {
        if (json_is_true(json_object_get(c, "bare_line_ends")))
            continue;
        run_published_case(c, (int)i);
        ran++;
    }
    json_decref(cases);
    assert_true(ran > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),           cmocka_unit_test(test_nul_is_data),
        cmocka_unit_test(test_reference_hashes), cmocka_unit_test(test_fields),
        cmocka_unit_test(test_random_bodies),    cmocka_unit_test(test_many_pending_lines),
        cmocka_unit_test(test_scanners_agree),   cmocka_unit_test(test_published_cases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
