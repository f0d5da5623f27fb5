/* SPDX-License-Identifier: Apache-2.0 */
/* What signatures cover: bodies up to a length, and signed fields  [RFC 6376 s3.4.5, s3.7, s5.4.2]. */
#include "check.h"
#include "crypto_fixture.h"

#include "dkim_reference.h"
#include "fail_alloc.h"
#include "sigillo/dkim_verify.h"
#include "sigillo/limits.h"

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* ---- bodies -------------------------------------------------------------------------------------------------------- */

#define LIMITS 8

static void feed_cut(struct sgl_dkim_hashes *hashes, sgl_view body, uint32_t *seed)
{
    while (body.len > 0) {
        sgl_view piece = sgl_view_sub(body, 0, next_random(seed) % 9);

        sgl_dkim_hashes_feed(hashes, piece);
        body = sgl_view_from(body, piece.len);
    }
}

static void check_limits(sgl_view body, uint32_t *seed)
{
    struct sgl_dkim_hashes hashes;
    uint64_t limit[LIMITS] = {0, SGL_DKIM_ALL};
    size_t index[2][LIMITS];

    sgl_dkim_hashes_init(&hashes, crypto);
    for (size_t i = 2; i < LIMITS; i++)
        limit[i] = next_random(seed) % (body.len + 4);
    for (int canon = 0; canon < 2; canon++) {
        for (size_t i = 0; i < LIMITS; i++)
            CHECK_EQ("wanted",
                     sgl_dkim_hashes_want(&hashes, (enum sgl_dkim_canon)canon, limit[i],
                                          &index[canon][i]),
                     SGL_OK);
    }
    feed_cut(&hashes, body, seed);
    CHECK_EQ("finished", sgl_dkim_hashes_finish(&hashes), SGL_OK);
    for (int canon = 0; canon < 2; canon++) {
        sgl_auto(sgl_buf) all = SGL_BUF_INIT(65536);

        reference_body((enum sgl_dkim_canon)canon, body, &all);
        CHECK_EQ("length", sgl_dkim_hashes_length(&hashes, (enum sgl_dkim_canon)canon), all.len);
        for (size_t i = 0; i < LIMITS; i++) {
            size_t len = limit[i] < all.len ? (size_t)limit[i] : all.len;
            uint8_t want[SGL_SHA256_SIZE];

            CHECK_EQ("hashed", sgl_sha256(crypto, sgl_view_sub(sgl_buf_view(&all), 0, len), want),
                     SGL_OK);
            CHECK_TRUE("the hash of the first canonical bytes",
                       memcmp(want, hashes.want[index[canon][i]].digest, sizeof want) == 0);
        }
    }
    sgl_dkim_hashes_done(&hashes);
}

static void each_length_has_its_hash(void **state)
{
    static const char alphabet[] = "ab \t\r\n\r\n \r\n";
    uint32_t seed = 1;

    (void)state;
    check_limits(SGL_LIT(""), &seed);
    check_limits(SGL_LIT("\r\n\r\n"), &seed);
    for (int round = 0; round < 2000; round++) {
        uint8_t body[64];
        size_t len = next_random(&seed) % sizeof body;

        for (size_t i = 0; i < len; i++)
            body[i] = (uint8_t)alphabet[next_random(&seed) % (sizeof alphabet - 1)];
        check_limits(sgl_view_of(body, len), &seed);
    }
}

static void the_same_wish_is_one_hash(void **state)
{
    struct sgl_dkim_hashes hashes;
    size_t a = 9, b = 9, c = 9;

    (void)state;
    sgl_dkim_hashes_init(&hashes, crypto);
    CHECK_EQ("first", sgl_dkim_hashes_want(&hashes, SGL_DKIM_RELAXED, 5, &a), SGL_OK);
    CHECK_EQ("other length", sgl_dkim_hashes_want(&hashes, SGL_DKIM_RELAXED, 6, &b), SGL_OK);
    CHECK_EQ("again", sgl_dkim_hashes_want(&hashes, SGL_DKIM_RELAXED, 5, &c), SGL_OK);
    CHECK_TRUE("same place", a == c && a != b);
    for (size_t i = 2; i < SGL_DKIM_HASHES_MAX; i++)
        CHECK_EQ("room", sgl_dkim_hashes_want(&hashes, SGL_DKIM_SIMPLE, i, &b), SGL_OK);
    CHECK_EQ("no room", sgl_dkim_hashes_want(&hashes, SGL_DKIM_SIMPLE, 1, &b), SGL_E_LIMIT);
    sgl_dkim_hashes_feed(&hashes, SGL_LIT("")); /* nothing of the body has come by that */
    CHECK_EQ("what is there still has", sgl_dkim_hashes_want(&hashes, SGL_DKIM_RELAXED, 6, &b),
             SGL_OK);
    sgl_dkim_hashes_feed(&hashes, SGL_LIT("x"));
    CHECK_EQ("too late", sgl_dkim_hashes_want(&hashes, SGL_DKIM_RELAXED, 5, &b), SGL_E_MISUSE);
    CHECK_EQ("finished", sgl_dkim_hashes_finish(&hashes), SGL_OK);
    CHECK_EQ("finished twice", sgl_dkim_hashes_finish(&hashes), SGL_OK);
    sgl_dkim_hashes_done(&hashes);
}

static void nothing_wanted_is_nothing_hashed(void **state)
{
    struct sgl_dkim_hashes hashes;

    (void)state;
    sgl_dkim_hashes_init(&hashes, crypto);
    sgl_dkim_hashes_feed(&hashes, SGL_LIT("x\r\n"));
    CHECK_EQ("finished", sgl_dkim_hashes_finish(&hashes), SGL_OK);
    CHECK_EQ("no bytes", sgl_dkim_hashes_length(&hashes, SGL_DKIM_RELAXED), 0);
    sgl_dkim_hashes_done(&hashes);
}

/* ---- signed fields -------------------------------------------------------------------------------------------------- */

#define SIGNATURE                                                                                  \
    "DKIM-Signature: v=1; a=rsa-sha256; d=a.b; s=s; bh=AAAA;\r\n b=AA\r\n AA ; c=simple; h="

struct row {
    const char *name, *header, *names, *want; /* want: values of the instances, in order */
};
static const struct row rows[] = {
    {"each name takes one instance, in the order of h=", "From: 1\r\nTo: 2\r\n", "to:from", "2 1"},
    {"names match without case [RFC 6376 s6.1.3 step 1]", "FROM: 1\r\n", "fRoM", "1"},
    {"what is not there is nothing [RFC 6376 s5.4.2]", "From: 1\r\n", "from:to:subject", "1"},
    {"0 of 3 instances", "From: 1\r\n", "x:x:x:from", "1"},
    {"1 of 3", "From: 1\r\nX: a\r\n", "x:x:x:from", "a 1"},
    {"2 of 3, from the bottom up [RFC 6376 s5.4.2]", "X: b\r\nFrom: 1\r\nX: a\r\n", "x:x:x:from",
     "a b 1"},
    {"3 of 3", "X: c\r\nX: b\r\nFrom: 1\r\nX: a\r\n", "x:x:x:from", "a b c 1"},
    {"4 instances, 3 names: the topmost is not covered",
     "X: d\r\nX: c\r\nX: b\r\nFrom: 1\r\nX: a\r\n", "x:x:x:from", "a b c 1"},
    {"repeats need not stand together", "X: b\r\nFrom: 1\r\nX: a\r\n", "x:from:x", "a 1 b"},
    {"the signature's own field is never an instance", "From: 1\r\n", "from:dkim-signature", "1"},
    {"another signature is, with its b=", "DKIM-Signature: b=x\r\nFrom: 1\r\n",
     "from:dkim-signature:dkim-signature", "1 b=x"},
};

static void put_row(const struct row *row, struct sgl_buf *message)
{
    sgl_buf_add_cstr(message, row->header);
    sgl_buf_addf(message, SIGNATURE "%s\r\n", row->names);
}

/* By the letter, for c=simple. */
static void put_want(const struct row *row, struct sgl_buf *out)
{
    sgl_view rest = sgl_view_cstr(row->want);

    while (rest.len > 0) {
        sgl_view value = sgl_view_split(rest, ' ', &rest), lines = sgl_view_cstr(row->header);

        while (lines.len > 0) {
            sgl_view line = sgl_view_split(lines, '\n', &lines), text;

            (void)sgl_view_split(sgl_view_trim(line), ':', &text);
            if (!sgl_view_eq(sgl_view_trim(text), value))
                continue;
            sgl_buf_add(out, line);
            sgl_buf_add_byte(out, '\n');
        }
    }
    sgl_buf_addf(out,
                 "DKIM-Signature: v=1; a=rsa-sha256; d=a.b; s=s; bh=AAAA;\r\n b=; c=simple; h=%s",
                 row->names);
}

static void digest_of(sgl_view message, struct sgl_arena *arena, uint8_t out[SGL_SHA256_SIZE])
{
    struct sgl_headers headers;
    struct sgl_dkim_index index;
    struct sgl_dkim_tags tags;
    const struct sgl_header *own;

    assert_int_equal(sgl_headers_parse(message, SGL_HEADERS_TOLERANT, arena, &headers, NULL),
                     SGL_OK);
    own = sgl_headers_last(&headers, SGL_LIT("DKIM-Signature"));
    assert_int_equal(sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, own->value, arena, &tags, NULL),
                     SGL_OK);
    assert_int_equal(sgl_dkim_index_init(&index, crypto, &headers, arena), SGL_OK);
    size_t used = arena->used;
    for (int again = 0; again < 2; again++)
        assert_int_equal(sgl_dkim_header_digest(&index, own, &tags, out), SGL_OK);
    assert_int_equal(arena->used, used);
}

static void instances_are_taken_from_the_bottom(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
        sgl_auto(sgl_buf) input = SGL_BUF_INIT(65536);
        uint8_t got[SGL_SHA256_SIZE], want[SGL_SHA256_SIZE];

        put_row(&rows[i], &message);
        put_want(&rows[i], &input);
        digest_of(sgl_buf_view(&message), &arena, got);
        CHECK_EQ(rows[i].name, sgl_sha256(crypto, sgl_buf_view(&input), want), SGL_OK);
        CHECK_TRUE(rows[i].name, memcmp(got, want, sizeof got) == 0);
    }
}

/* The signature's own field. [RFC 6376 s3.7] */
static void only_the_value_of_b_is_emptied(void **state)
{
    static const struct {
        const char *name, *field, *want;
        enum sgl_dkim_canon canon;
    } cases[] = {
        {"b= in the middle, folds and blanks go with it, bh= stays",
         "DKIM-Signature: a=rsa-sha256; d=a.b; s=s; v=1; h=from; bh=AAAA; b= AA\r\n AA ; "
         "q=dns/txt\r\n",
         "DKIM-Signature: a=rsa-sha256; d=a.b; s=s; v=1; h=from; bh=AAAA; b=; q=dns/txt",
         SGL_DKIM_SIMPLE},
        {"b= at the end, without the line end",
         "DKIM-Signature: a=rsa-sha256; d=a.b; s=s; v=1; h=from; bh=AAAA; b=\r\n AAAA\r\n",
         "DKIM-Signature: a=rsa-sha256; d=a.b; s=s; v=1; h=from; bh=AAAA; b=", SGL_DKIM_SIMPLE},
        {"blanks before = are not its value",
         "DKIM-Signature: b  = AAAA;a=rsa-sha256; d=a.b; s=s; v=1; h=from; bh=AAAA;\r\n",
         "DKIM-Signature: b  =;a=rsa-sha256; d=a.b; s=s; v=1; h=from; bh=AAAA;", SGL_DKIM_SIMPLE},
        {"relaxed: name in lower case, folds and runs are one blank",
         "DKIM-SIGNATURE :\r\n  b =  AAAA ;\r\n\ta=rsa-sha256; d=a.b; s=s;  v=1; h=from; bh=AAAA;  "
         "\r\n",
         "dkim-signature:b =; a=rsa-sha256; d=a.b; s=s; v=1; h=from; bh=AAAA;", SGL_DKIM_RELAXED},
        {"unknown tags are covered",
         "DKIM-Signature: a=rsa-sha256; zz=1; d=a.b; s=s; v=1; h=from; bh=AAAA; b=AAAA\r\n",
         "dkim-signature:a=rsa-sha256; zz=1; d=a.b; s=s; v=1; h=from; bh=AAAA; b=",
         SGL_DKIM_RELAXED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(65536);
        struct sgl_headers headers;
        struct sgl_dkim_tags tags;

        assert_int_equal(sgl_headers_parse(sgl_view_cstr(cases[i].field), SGL_HEADERS_TOLERANT,
                                           &arena, &headers, NULL),
                         SGL_OK);
        assert_int_equal(
            sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, headers.field[0].value, &arena, &tags, NULL),
            SGL_OK);
        CHECK_EQ(cases[i].name,
                 sgl_dkim_put_own_field(cases[i].canon, &headers.field[0], &tags, &arena,
                                        (struct sgl_dkim_sink){reference_put, &got}),
                 SGL_OK);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&got), sgl_view_cstr(cases[i].want));
    }
}

static void a_header_without_its_last_line_end_gets_one(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    uint8_t with[SGL_SHA256_SIZE], without[SGL_SHA256_SIZE];

    (void)state;
    digest_of(SGL_LIT(SIGNATURE "from\r\nFrom: 1\r\n"), &arena, with);
    digest_of(SGL_LIT(SIGNATURE "from\r\nFrom: 1"), &arena, without);
    CHECK_TRUE("as if it were there", memcmp(with, without, sizeof with) == 0);
}

/* Names made to be hard: as many as go in, alike but for the last letters, or all the same. */
static void a_long_h_costs_its_length(void **state)
{
    static const bool different[] = {true, false};

    (void)state;
    for (size_t s = 0; s < 2; s++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 20);
        struct sgl_headers headers;
        struct sgl_dkim_index index;
        sgl_view name[SGL_LIMIT_DKIM_SIGNED];
        struct sgl_dkim_tags tags = {.signed_name = name, .signed_names = SGL_LIMIT_DKIM_SIGNED};
        uint8_t digest[SGL_SHA256_SIZE];

        for (size_t i = 0; i < SGL_LIMIT_HEADER_FIELDS; i++)
            sgl_buf_addf(&message, "X-%064zu: a\r\n", different[s] ? i : 0);
        CHECK_EQ(
            "parsed",
            sgl_headers_parse(sgl_buf_view(&message), SGL_HEADERS_STRICT, &arena, &headers, NULL),
            SGL_OK);
        for (size_t i = 0; i < SGL_LIMIT_DKIM_SIGNED; i++)
            name[i] = headers.field[i].name;
        tags.b_written = sgl_view_sub(headers.field[0].value, 0, 0);
        CHECK_EQ("indexed", sgl_dkim_index_init(&index, crypto, &headers, &arena), SGL_OK);
        CHECK_TRUE("1000 fields: 1000 log2(1000), and one for each", index.compared <= 11000);
        index.compared = 0;
        CHECK_EQ("hashed", sgl_dkim_header_digest(&index, &headers.field[0], &tags, digest),
                 SGL_OK);
        CHECK_TRUE("256 names: 11 or 12 for each", index.compared <= 256 * 12);
    }
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct sgl_dkim_hashes hashes;
        uint8_t digest[SGL_SHA256_SIZE];
        size_t index = 0;

        sgl_dkim_hashes_init(&hashes, crypto);
        CHECK_EQ("wanted", sgl_dkim_hashes_want(&hashes, SGL_DKIM_RELAXED, 3, &index), SGL_OK);
        CHECK_EQ("wanted", sgl_dkim_hashes_want(&hashes, SGL_DKIM_SIMPLE, SGL_DKIM_ALL, &index),
                 SGL_OK);
        sgl_dkim_hashes_feed(&hashes, SGL_LIT("body\r\n"));
        CHECK_EQ("out of memory is said", sgl_dkim_hashes_finish(&hashes),
                 fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        sgl_dkim_hashes_done(&hashes);
        (void)digest;
    }
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct sgl_dkim_index index;
        struct sgl_headers headers;
        struct sgl_dkim_tags tags;
        uint8_t digest[SGL_SHA256_SIZE];
        enum sgl_status status = sgl_headers_parse(SGL_LIT("From: 1\r\n" SIGNATURE "from\r\n"),
                                                   SGL_HEADERS_STRICT, &arena, &headers, NULL);

        if (status == SGL_OK)
            status = sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, headers.field[1].value, &arena, &tags,
                                         NULL);
        if (status == SGL_OK)
            status = sgl_dkim_index_init(&index, crypto, &headers, &arena);
        if (status == SGL_OK)
            status = sgl_dkim_header_digest(&index, &headers.field[1], &tags, digest);
        CHECK_EQ("out of memory is said", status, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_length_has_its_hash),
        cmocka_unit_test(the_same_wish_is_one_hash),
        cmocka_unit_test(nothing_wanted_is_nothing_hashed),
        cmocka_unit_test(instances_are_taken_from_the_bottom),
        cmocka_unit_test(only_the_value_of_b_is_emptied),
        cmocka_unit_test(a_header_without_its_last_line_end_gets_one),
        cmocka_unit_test(a_long_h_costs_its_length),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
