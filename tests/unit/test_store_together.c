/* SPDX-License-Identifier: Apache-2.0 */
/* Several messages become durable in one transaction, or none; bodies that wait for it in files. */
#include "store_steps.h"

#define SAMPLES 3

static size_t files_seen;

static int see_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    files_seen += kind == FTW_F && strstr(path, "/spool/") != NULL;
    return 0;
}

/* Files in the spool, when its threads have done what waits. */
static size_t files(void)
{
    store_fixture_close(&fx);
    files_seen = 0;
    nftw(fx.folder, see_file, 16, FTW_PHYS);
    store_fixture_open(&fx);
    return files_seen;
}

static void begin(struct store_sample s[SAMPLES], const size_t size[SAMPLES])
{
    for (size_t i = 0; i < SAMPLES; i++) {
        store_sample_init(&s[i], "example.net", i + 1, size[i]);
        s[i].accept.with = i + 1 < SAMPLES ? &s[i + 1].accept : NULL;
    }
}

static void end(struct store_sample s[SAMPLES])
{
    for (size_t i = 0; i < SAMPLES; i++)
        store_sample_done(&s[i]);
}

static size_t there(const struct store_sample *s, size_t count)
{
    struct store_message *m = NULL;
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        if (store_read_message(fx.store, s[i].message.id, &m) == STORE_OK) {
            found++;
            store_message_free(m);
        }
    return found;
}

static void test_all(void **state)
{
    const size_t size[SAMPLES] = {2000, 200000, 0};
    struct store_sample s[SAMPLES];
    struct store_counts counts;
    struct body *b = NULL;

    (void)state;
    begin(s, size);
    CHECK_EQ("three are accepted", store_sample_accept(&fx, &s[0]), STORE_OK);
    CHECK_EQ("all are there", there(s, SAMPLES), 3);
    assert_int_equal(store_read_counts(fx.store, &counts), STORE_OK);
    CHECK_EQ("with their recipients", counts.waiting, 6);
    CHECK_TRUE("whose ids are told", s[2].rcpt[2].id > s[1].rcpt[1].id && s[1].rcpt[0].id != 0);
    for (size_t i = 0; i < SAMPLES; i++) {
        assert_int_equal(store_read_body(fx.store, s[i].message.id, &b), STORE_OK);
        CHECK_EQ("each has its body", b->len, size[i]);
        body_unref(b);
    }
    CHECK_EQ("the large one in a file", files(), 1);
    end(s);
}

static void test_none(void **state)
{
    const size_t size[SAMPLES] = {2000, 200000, 300000};
    struct store_sample s[SAMPLES], first, neighbour;

    (void)state;
    store_sample_init(&first, "example.net", 1, 10);
    first.accept.idempotency_key = SGL_LIT("k1");
    assert_int_equal(store_sample_accept(&fx, &first), STORE_OK);
    begin(s, size);
    s[2].accept.idempotency_key = SGL_LIT("k1");
    s[2].accept.request_hash[0] = 1;
    CHECK_EQ("a conflict of the last is that of all", store_sample_accept(&fx, &s[0]),
             STORE_CONFLICT);
    CHECK_EQ("none is there", there(s, SAMPLES), 0);
    CHECK_EQ("nor a file", files(), 0);
    s[2].accept.idempotency_key = SGL_LIT("");
    s[2].message.id = first.message.id;
    store_sample_init(&neighbour, "example.net", 1, 10);
    store_fixture_send(&fx, &s[0].accept.op, 1);
    store_fixture_send(&fx, &neighbour.accept.op, 2);
    CHECK_EQ("an id that is taken shows only when it is written", store_fixture_await(1),
             STORE_EXISTS);
    CHECK_EQ("what shares the group is accepted", store_fixture_await(2), STORE_OK);
    CHECK_EQ("of the three none is there", there(s, SAMPLES - 1), 0);
    CHECK_EQ("nor a file", files(), 0);
    end(s);
    store_sample_done(&first);
    store_sample_done(&neighbour);
}

static enum store_result stage(struct store_sample *s)
{
    s->accept.op.kind = STORE_STAGE;
    return store_sample_accept(&fx, s);
}

static void test_staged(void **state)
{
    struct store_sample s[2];
    struct body *b = NULL;

    (void)state;
    store_sample_init(&s[0], "example.net", 1, 50);
    store_sample_init(&s[1], "example.net", 1, 300000);
    CHECK_EQ("a small one is staged", stage(&s[0]), STORE_OK);
    CHECK_EQ("a large one is staged", stage(&s[1]), STORE_OK);
    CHECK_EQ("neither is there yet", there(s, 2), 0);
    s[0].accept.op.kind = STORE_ACCEPT;
    s[0].accept.with = &s[1].accept;
    s[0].accept.body = s[1].accept.body = NULL;
    CHECK_EQ("accepted without their bodies", store_sample_accept(&fx, &s[0]), STORE_OK);
    for (size_t i = 0; i < 2; i++) {
        store_unstage(fx.store, &s[i].accept);
        assert_int_equal(store_read_body(fx.store, s[i].message.id, &b), STORE_OK);
        CHECK_VIEW("which are there", sgl_view_of(b->bytes, b->len),
                   sgl_view_of(s[i].body->bytes, s[i].body->len));
        CHECK_EQ("and where the header ends", b->header_len, 16);
        body_unref(b);
    }
    CHECK_EQ("accepted is not given up", files(), 2);
    store_sample_done(&s[0]);
    store_sample_done(&s[1]);
}

static void test_given_up(void **state)
{
    struct store_sample s;
    char path[128];

    (void)state;
    store_sample_init(&s, "example.net", 1, 50);
    assert_int_equal(stage(&s), STORE_OK);
    CHECK_EQ("what nobody accepts goes at the next start", files(), 1);
    CHECK_EQ("so it does", files(), 0);
    assert_int_equal(stage(&s), STORE_OK);
    store_unstage(fx.store, &s.accept);
    CHECK_EQ("what is given up goes at once", files(), 0);
    snprintf(path, sizeof(path), "%s/spool", fx.folder);
    nftw(path, store_fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
    CHECK_EQ("without a spool nothing is staged", stage(&s), STORE_IO);
    CHECK_TRUE("and nothing is said to be", !s.accept.staged);
    store_sample_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_all),
        STORE_TEST(test_none),
        STORE_TEST(test_staged),
        STORE_TEST(test_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
