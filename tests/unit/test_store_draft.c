/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that are not finished, and their files, as the store keeps them. */
#include "../../server/store/draft.h"
#include "sigillo/buf.h"
#include "store_steps.h"

#define DRAFT_A UINT64_C(1000)
#define FILE_A  UINT64_C(1)

static int64_t far(void)
{
    return clock_now_s() + 3600;
}

static struct store_draft_op an_op(enum store_draft_verb verb, uint64_t draft)
{
    return (struct store_draft_op){.op = {.kind = STORE_DRAFT},
                                   .verb = verb,
                                   .draft = draft,
                                   .subscription = SGL_LIT("default"),
                                   .mailbox = SGL_LIT("a@example.org"),
                                   .value = SGL_LIT("{\"subject\":\"S\"}"),
                                   .now = clock_now_s(),
                                   .expires_at = far(),
                                   .drafts_max = 2,
                                   .bytes_max = 1000,
                                   .files_max = 3};
}

static enum store_result run(struct store_draft_op *op)
{
    return store_fixture_run(&fx, &op->op);
}

static enum store_result add(uint64_t id)
{
    struct store_draft_op op = an_op(DRAFT_ADD, id);

    return run(&op);
}

static enum store_result add_file(uint64_t draft, uint64_t id, uint64_t size)
{
    struct store_draft_file f = {.id = id, .value = SGL_LIT("{}"), .size = size};
    struct store_draft_op op = an_op(DRAFT_FILE_ADD, draft);

    op.value = SGL_LIT("");
    op.file = &f;
    op.files = 1;
    return run(&op);
}

static enum store_result put(uint64_t at, const char *bytes, uint64_t *have)
{
    struct store_draft_file f = {.id = FILE_A};
    struct store_draft_op op = an_op(DRAFT_FILE_PUT, DRAFT_A);
    enum store_result result;

    op.file = &f;
    op.at = at;
    op.bytes = sgl_view_cstr(bytes);
    result = run(&op);
    *have = f.have;
    return result;
}

static enum store_result remove_it(enum store_draft_verb verb, uint64_t draft, uint64_t file)
{
    struct store_draft_file f = {.id = file};
    struct store_draft_op op = an_op(verb, draft);

    op.file = &f;
    return run(&op);
}

static enum store_result read_it(uint64_t id, struct sgl_arena *arena, struct store_draft *d)
{
    sgl_arena_reset(arena);
    return store_read_draft(fx.store, id, clock_now_s(), true, arena, d);
}

static void test_life(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct store_draft_op op = an_op(DRAFT_SET, DRAFT_A);
    struct store_draft d;

    (void)state;
    CHECK_EQ("it is not there", read_it(DRAFT_A, &arena, &d), STORE_NOT_FOUND);
    CHECK_EQ("nor to be changed", run(&op), STORE_NOT_FOUND);
    CHECK_EQ("added", add(DRAFT_A), STORE_OK);
    op.value = SGL_LIT("{}");
    op.version = 1;
    CHECK_EQ("changed", run(&op), STORE_OK);
    CHECK_EQ("not by who has not seen the change", run(&op), STORE_CONFLICT);
    CHECK_TRUE("which is no limit", !op.over_limit);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    CHECK_EQ("it outlives the server", read_it(DRAFT_A, &arena, &d), STORE_OK);
    CHECK_VIEW("with its value", d.value, SGL_LIT("{}"));
    CHECK_VIEW("its owner", d.subscription, SGL_LIT("default"));
    CHECK_VIEW("its mailbox", d.mailbox, SGL_LIT("a@example.org"));
    CHECK_EQ("its version", d.version, 2);
    CHECK_EQ("removed", remove_it(DRAFT_REMOVE, DRAFT_A, 0), STORE_OK);
    CHECK_EQ("once", remove_it(DRAFT_REMOVE, DRAFT_A, 0), STORE_NOT_FOUND);
}

static void test_pieces(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct store_draft_file f;
    struct store_draft d;
    uint8_t bytes[8];
    uint64_t have;

    (void)state;
    CHECK_EQ("a file of nothing", add_file(DRAFT_A, FILE_A, 6), STORE_NOT_FOUND);
    CHECK_EQ("draft", add(DRAFT_A), STORE_OK);
    CHECK_EQ("its file", add_file(DRAFT_A, FILE_A, 6), STORE_OK);
    CHECK_EQ("the first bytes first", put(2, "cd", &have), STORE_CONFLICT);
    CHECK_EQ("none has come", have, 0);
    CHECK_EQ("now", put(0, "abc", &have), STORE_OK);
    CHECK_EQ("not twice", put(0, "abc", &have), STORE_CONFLICT);
    CHECK_EQ("three have come", have, 3);
    CHECK_EQ("not more than were announced", put(3, "defg", &have), STORE_CONFLICT);
    CHECK_EQ("and not none", put(3, "", &have), STORE_CONFLICT);
    CHECK_EQ("half of a file is none", store_read_draft_bytes(fx.store, FILE_A, bytes, 6),
             STORE_CORRUPT);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    CHECK_EQ("the rest, in another life", put(3, "def", &have), STORE_OK);
    CHECK_EQ("all of it", store_read_draft_bytes(fx.store, FILE_A, bytes, 6), STORE_OK);
    CHECK_VIEW("in its order", sgl_view_of(bytes, 6), SGL_LIT("abcdef"));
    CHECK_EQ("never into less room", store_read_draft_bytes(fx.store, FILE_A, bytes, 5),
             STORE_CORRUPT);
    CHECK_EQ("with its draft", read_it(DRAFT_A, &arena, &d), STORE_OK);
    CHECK_EQ("whose version has moved", d.version, 4);
    CHECK_EQ("one file", d.files, 1);
    CHECK_EQ("by itself", store_read_draft_file(fx.store, FILE_A, clock_now_s(), &arena, &f),
             STORE_OK);
    CHECK_TRUE("whole, of its draft, until then",
               f.have == 6 && f.size == 6 && f.draft == DRAFT_A && f.expires_at == d.expires_at);
    CHECK_EQ("not as another draft's", remove_it(DRAFT_FILE_REMOVE, 1, FILE_A), STORE_NOT_FOUND);
    CHECK_EQ("removed", remove_it(DRAFT_FILE_REMOVE, DRAFT_A, FILE_A), STORE_OK);
    CHECK_EQ("gone", store_read_draft_file(fx.store, FILE_A, clock_now_s(), &arena, &f),
             STORE_NOT_FOUND);
    CHECK_EQ("with its bytes", store_read_draft_bytes(fx.store, FILE_A, bytes, 6), STORE_CORRUPT);
}

static void test_limits(void **state)
{
    struct store_draft_op op = an_op(DRAFT_ADD, 3);

    (void)state;
    CHECK_EQ("one", add(1), STORE_OK);
    CHECK_EQ("two", add(2), STORE_OK);
    CHECK_EQ("three are too many", run(&op), STORE_CONFLICT);
    CHECK_TRUE("which is said", op.over_limit);
    op.subscription = SGL_LIT("other");
    CHECK_EQ("of one subscription", run(&op), STORE_OK);
    CHECK_EQ("bytes are counted when they are announced", add_file(1, 10, 900), STORE_OK);
    CHECK_EQ("of all its drafts", add_file(2, 11, 100), STORE_CONFLICT);
    CHECK_EQ("never beyond a number", add_file(2, 11, UINT64_MAX), STORE_CONFLICT);
    CHECK_EQ("less is fine", add_file(2, 11, 10), STORE_OK);
    CHECK_EQ("what is removed makes room", remove_it(DRAFT_REMOVE, 1, 0), STORE_OK);
    CHECK_EQ("again", add_file(2, 12, 900), STORE_OK);
}

/* Those that come at the same time have each seen room for one more: the store counts. */
static void test_files(void **state)
{
    struct store_draft_file f = {.id = 13, .value = SGL_LIT("{}")};
    struct store_draft_op op = an_op(DRAFT_FILE_ADD, 1);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct store_draft d;

    (void)state;
    op.file = &f;
    op.files = 1;
    CHECK_EQ("draft", add(1), STORE_OK);
    CHECK_EQ("another", add(2), STORE_OK);
    for (uint64_t i = 10; i < 13; i++)
        CHECK_EQ("as many as a message may have", add_file(1, i, 0), STORE_OK);
    CHECK_EQ("and no more", run(&op), STORE_CONFLICT);
    CHECK_TRUE("which is said", op.over_files && !op.over_limit);
    op.draft = 2;
    CHECK_EQ("of one draft", run(&op), STORE_OK);
    CHECK_EQ("read", read_it(2, &arena, &d), STORE_OK);
    CHECK_VIEW("with what they are", d.file[0].value, SGL_LIT("{}"));
    CHECK_EQ("or without", store_read_draft(fx.store, 2, clock_now_s(), false, &arena, &d),
             STORE_OK);
    CHECK_EQ("which takes no room", d.file[0].value.len, 0);
    CHECK_EQ("and still says how much it is", d.file[0].value_len, 2);
    CHECK_EQ("what is removed makes room", remove_it(DRAFT_FILE_REMOVE, 1, 10), STORE_OK);
    CHECK_EQ("again", add_file(1, 14, 0), STORE_OK);
}

/* A character may be several of them. */
static void test_bytes_are_counted(void **state)
{
    static char text[601];
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct store_draft_op op = an_op(DRAFT_ADD, 1), set = an_op(DRAFT_SET, 1);
    struct store_draft_file f = {.id = FILE_A};
    struct store_draft d;

    (void)state;
    for (size_t i = 0; i < 600; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    op.value = set.value = f.value = sgl_view_of(text, 600);
    CHECK_EQ("one", run(&op), STORE_OK);
    op.draft = 2;
    CHECK_EQ("the next one is too much", run(&op), STORE_CONFLICT);
    CHECK_TRUE("in bytes", op.over_limit);
    set.bytes_max = 1200;
    CHECK_EQ("changed", run(&set), STORE_OK);
    CHECK_EQ("which is as much", run(&op), STORE_CONFLICT);
    CHECK_EQ("it stays what it was", read_it(1, &arena, &d), STORE_OK);
    CHECK_VIEW("all of it", d.value, set.value);
    op = an_op(DRAFT_FILE_ADD, 1);
    op.value = SGL_LIT("");
    op.file = &f;
    op.files = 1;
    op.bytes_max = 1200;
    CHECK_EQ("with a file", run(&op), STORE_OK);
    CHECK_EQ("that is counted, too", add_file(1, 11, 1), STORE_CONFLICT);
    op = an_op(DRAFT_ADD, 2);
    op.value = SGL_LIT("12");
    op.bytes_max = 1201;
    CHECK_EQ("to the last byte", run(&op), STORE_CONFLICT);
    op.bytes_max = 1202;
    CHECK_EQ("fits", run(&op), STORE_OK);
    CHECK_EQ("without the file", remove_it(DRAFT_FILE_REMOVE, 1, FILE_A), STORE_OK);
    op.draft = 3;
    op.drafts_max = 9;
    op.bytes_max = 603;
    CHECK_EQ("there is more room", run(&op), STORE_CONFLICT);
    op.bytes_max = 604;
    CHECK_EQ("by as much", run(&op), STORE_OK);
    set.value = SGL_LIT("{}");
    set.drafts_max = 9;
    CHECK_EQ("less is said", run(&set), STORE_OK);
    op.draft = 4;
    op.bytes_max = 7;
    CHECK_EQ("which counts, too", run(&op), STORE_CONFLICT);
    op.bytes_max = 8;
    CHECK_EQ("to the last", run(&op), STORE_OK);
}

static void test_time(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct store_draft_op op = an_op(DRAFT_ADD, 1), late = an_op(DRAFT_SET, 1);
    struct store_draft d;
    uint8_t byte;

    (void)state;
    op.expires_at = op.now + 10;
    CHECK_EQ("until then", run(&op), STORE_OK);
    CHECK_EQ("with a file", add_file(1, 10, 1), STORE_OK);
    CHECK_EQ("it is there", read_it(1, &arena, &d), STORE_OK);
    CHECK_EQ("then it is not", store_read_draft(fx.store, 1, op.expires_at, true, &arena, &d),
             STORE_NOT_FOUND);
    late.now = op.expires_at;
    CHECK_EQ("nor to be changed", run(&late), STORE_NOT_FOUND);
    late = an_op(DRAFT_ADD, 2);
    late.now = op.expires_at;
    CHECK_EQ("another one", run(&late), STORE_OK);
    CHECK_EQ("sweeps it", read_it(1, &arena, &d), STORE_NOT_FOUND);
    CHECK_EQ("and its files", store_read_draft_bytes(fx.store, 10, &byte, 0), STORE_OK);
    CHECK_EQ("the other one stays", read_it(2, &arena, &d), STORE_OK);
}

/* It becomes a message once, and only as it was seen. */
static void test_sent(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct store_sample s;
    struct store_draft d;
    struct store_counts counts;

    (void)state;
    CHECK_EQ("draft", add(DRAFT_A), STORE_OK);
    CHECK_EQ("file", add_file(DRAFT_A, FILE_A, 1), STORE_OK);
    store_sample_init(&s, "example.net", 1, 100);
    s.accept.draft = DRAFT_A;
    s.accept.draft_version = 1;
    CHECK_EQ("it has changed meanwhile", store_fixture_run(&fx, &s.accept.op), STORE_CONFLICT);
    CHECK_EQ("and stays", read_it(DRAFT_A, &arena, &d), STORE_OK);
    s.accept.draft_version = d.version;
    CHECK_EQ("as it is", store_fixture_run(&fx, &s.accept.op), STORE_OK);
    CHECK_EQ("it is gone", read_it(DRAFT_A, &arena, &d), STORE_NOT_FOUND);
    s.message.id++;
    CHECK_EQ("once", store_fixture_run(&fx, &s.accept.op), STORE_NOT_FOUND);
    assert_int_equal(store_read_counts(fx.store, &counts), STORE_OK);
    CHECK_EQ("one message", counts.messages, 1);
    store_sample_done(&s);
}

/* A full disk refuses what grows, and takes back what goes. */
static void test_full(void **state)
{
    static char piece[64 << 10];
    enum store_result result = STORE_OK;
    struct store_draft_file f = {.id = FILE_A};
    struct store_draft_op op = an_op(DRAFT_ADD, DRAFT_A);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct store_draft d;

    (void)state;
    store_fixture_close(&fx);
    fx.config.bytes_max = 2 << 20;
    store_fixture_open(&fx);
    memset(piece, 'x', sizeof(piece));
    CHECK_EQ("draft", run(&op), STORE_OK);
    op = an_op(DRAFT_FILE_ADD, DRAFT_A);
    op.bytes_max = UINT64_C(1) << 30;
    f.size = UINT64_C(1) << 29;
    f.value = SGL_LIT("{}");
    op.file = &f;
    op.files = 1;
    CHECK_EQ("file", run(&op), STORE_OK);
    op = an_op(DRAFT_FILE_PUT, DRAFT_A);
    op.file = &f;
    op.bytes = sgl_view_of(piece, sizeof(piece));
    for (op.at = 0; result == STORE_OK && op.at < (64 << 20); op.at += sizeof(piece))
        result = run(&op);
    CHECK_EQ("the disk is full", result, STORE_FULL);
    assert_int_equal(store_read_draft_file(fx.store, FILE_A, clock_now_s(), &arena, &f), STORE_OK);
    CHECK_EQ("what came is there", f.have, op.at - sizeof(piece));
    CHECK_EQ("and it can be removed", remove_it(DRAFT_REMOVE, DRAFT_A, 0), STORE_OK);
    CHECK_EQ("gone", read_it(DRAFT_A, &arena, &d), STORE_NOT_FOUND);
    CHECK_EQ("which makes room", add(2), STORE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STORE_TEST(test_life),
                                       STORE_TEST(test_pieces),
                                       STORE_TEST(test_limits),
                                       STORE_TEST(test_files),
                                       STORE_TEST(test_bytes_are_counted),
                                       STORE_TEST(test_time),
                                       STORE_TEST(test_sent),
                                       STORE_TEST(test_full)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
