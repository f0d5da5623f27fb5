/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the audit: durable with their change or not at all, read newest first, never changed, gone by age only. */
#include <sqlite3.h>

#include "fail_alloc.h"
#include "store_steps.h"

static struct store_audit line(const char *actor, const char *action, const char *object,
                               const char *subscription, int64_t at_ms)
{
    return (struct store_audit){.at_ms = at_ms,
                                .actor = sgl_view_cstr(actor),
                                .peer = SGL_LIT("192.0.2.1"),
                                .action = sgl_view_cstr(action),
                                .object = sgl_view_cstr(object),
                                .subscription = sgl_view_cstr(subscription),
                                .result = SGL_LIT("done"),
                                .detail = SGL_LIT("a -> b")};
}

static enum store_result append(const struct store_audit *a)
{
    struct store_audit_op op = {.op = {.kind = STORE_AUDIT}, .audit = a};

    return store_fixture_run(&fx, &op.op);
}

static enum store_result put(const char *key, uint64_t version, enum store_op_kind kind,
                             const struct store_audit *a)
{
    struct store_noun noun = {.kind = SGL_LIT("domain"),
                              .key = sgl_view_cstr(key),
                              .subscription = SGL_LIT("sub"),
                              .value = SGL_LIT("{}"),
                              .version = version};
    struct store_noun_op op = {.op = {.kind = kind}, .noun = &noun, .nouns = 1, .audit = a};

    return store_fixture_run(&fx, &op.op);
}

struct seen {
    size_t lines, stop_at;
    uint64_t last_id;
    char text[2000];   /* the newest */
    char objects[400]; /* newest first */
};

static bool see(void *ctx, const struct store_audit *a)
{
    struct seen *s = ctx;
    size_t at = strlen(s->objects);

    CHECK_TRUE("newest first", s->lines == 0 || a->id < s->last_id);
    if (s->lines++ == 0)
        snprintf(s->text, sizeof(s->text), "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s", SGL_FMT(a->actor),
                 SGL_FMT(a->peer), SGL_FMT(a->action), SGL_FMT(a->object), SGL_FMT(a->subscription),
                 SGL_FMT(a->result), SGL_FMT(a->detail));
    snprintf(s->objects + at, sizeof(s->objects) - at, "%.*s ", SGL_FMT(a->object));
    s->last_id = a->id;
    return s->lines != s->stop_at;
}

static struct seen read_lines(struct store_audit_filter filter)
{
    struct seen s = {0};

    assert_int_equal(store_read_audit(fx.store, &filter, see, &s), STORE_OK);
    return s;
}

static struct seen all_lines(void)
{
    return read_lines((struct store_audit_filter){0});
}

static void test_with_its_change(void **state)
{
    struct store_audit a = line("key:k1", "domain add", "domain:a.test", "sub", 1000);

    (void)state;
    CHECK_EQ("a noun is put", put("a.test", 0, STORE_NOUN_PUT, &a), STORE_OK);
    CHECK_STR("its line is there", all_lines().text,
              "key:k1|192.0.2.1|domain add|domain:a.test|sub|done|a -> b");
    CHECK_EQ("what is refused has none", put("a.test", 0, STORE_NOUN_PUT, &a), STORE_EXISTS);
    CHECK_EQ("nor a conflict", put("a.test", 7, STORE_NOUN_PUT, &a), STORE_CONFLICT);
    CHECK_EQ("one line", all_lines().lines, 1);
    a.action = SGL_LIT("domain remove");
    CHECK_EQ("it is removed", put("a.test", 1, STORE_NOUN_DELETE, &a), STORE_OK);
    CHECK_EQ("and that, too, is a line", all_lines().lines, 2);
    CHECK_EQ("a change without one is possible", put("b.test", 0, STORE_NOUN_PUT, NULL), STORE_OK);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    CHECK_EQ("they are durable", all_lines().lines, 2);
}

static void test_filter(void **state)
{
    static const struct {
        const char *name;
        struct store_audit_filter filter;
        const char *want;
    } rows[] = {
        {"all", {0}, "server domain:b.test key:a domain:A.test "},
        {"of a subscription", {.subscription = SGL_LIT_INIT("two")}, "domain:b.test key:a "},
        {"an action", {.action = SGL_LIT_INIT("domain add")}, "domain:b.test domain:A.test "},
        {"since a time, which counts", {.since_ms = 3000}, "server domain:b.test "},
        {"a whole actor", {.actor = SGL_LIT_INIT("key:k1")}, "domain:A.test "},
        {"its kind", {.actor = SGL_LIT_INIT("key")}, "domain:b.test domain:A.test "},
        {"its name", {.actor = SGL_LIT_INIT("k2")}, "domain:b.test "},
        {"a whole object", {.object = SGL_LIT_INIT("domain:b.test")}, "domain:b.test "},
        {"an object's name, whatever its case",
         {.object = SGL_LIT_INIT("a.TEST")},
         "domain:A.test "},
        {"its kind", {.object = SGL_LIT_INIT("domain")}, "domain:b.test domain:A.test "},
        {"one without a kind", {.object = SGL_LIT_INIT("server")}, "server "},
        {"no part of a name", {.object = SGL_LIT_INIT("test")}, ""},
        {"two of them", {.max = 2}, "server domain:b.test "},
        {"the next two", {.max = 2, .after = 3}, "key:a domain:A.test "},
        {"nothing of a stranger", {.subscription = SGL_LIT_INIT("three")}, ""},
    };
    const struct store_audit lines[] = {
        line("key:k1", "domain add", "domain:A.test", "one", 1000),
        line("local:uid=0", "key add", "key:a", "two", 2000),
        line("key:k2", "domain add", "domain:b.test", "two", 3000),
        line("system", "server start", "server", "", 4000),
    };
    struct seen s = {.stop_at = 1};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(append(&lines[i]), STORE_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_STR(rows[i].name, read_lines(rows[i].filter).objects, rows[i].want);
    assert_int_equal(store_read_audit(fx.store, &(struct store_audit_filter){0}, see, &s),
                     STORE_OK);
    CHECK_EQ("a reader stops when it likes", s.lines, 1);
}

static void test_text(void **state)
{
    char long_text[3000];
    struct store_audit a = line("key:\r\nX", "a\x1b[31m", "\xff\xc3\xa9", "s\x7f", 1);
    struct seen s;

    (void)state;
    memset(long_text, 'x', sizeof(long_text));
    a.detail = sgl_view_of("a\0b\xc2\x85"
                           "c",
                           6);
    CHECK_EQ("hostile bytes", append(&a), STORE_OK);
    CHECK_STR(
        "are replaced, each", all_lines().text,
        "key:\xef\xbf\xbd\xef\xbf\xbdX|192.0.2.1|a\xef\xbf\xbd[31m|\xef\xbf\xbd\xc3\xa9|s\xef\xbf"
        "\xbd|done|a\xef\xbf\xbd"
        "b\xef\xbf\xbd"
        "c");
    a = line("k", "a", "o", "s", 1);
    a.detail = a.peer = sgl_view_of(long_text, sizeof(long_text));
    CHECK_EQ("long texts", append(&a), STORE_OK);
    s = all_lines();
    CHECK_EQ("are cut", strlen(s.text),
             strlen("k||a|o|s|done|") + STORE_AUDIT_TEXT_MAX + STORE_AUDIT_DETAIL_MAX);
}

static int direct(const char *sql)
{
    char path[128];
    sqlite3 *db;
    int code;

    snprintf(path, sizeof(path), "%s/sigillo.db", fx.folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_close(db);
    return code;
}

static size_t expire(int64_t before_ms, size_t max)
{
    struct store_expire_trail e = {
        .op = {.kind = STORE_EXPIRE_TRAIL}, .audit_before_ms = before_ms, .max = max};

    assert_int_equal(store_fixture_run(&fx, &e.op), STORE_OK);
    return all_lines().lines;
}

static void test_append_only(void **state)
{
    static const char *const tries[] = {
        "UPDATE audit SET actor='x'",
        "UPDATE audit SET actor='x' WHERE id=1",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE at_ms<2500",
        "INSERT OR REPLACE INTO audit VALUES(1,1,'x','','','','','','')",
        "PRAGMA recursive_triggers=1; REPLACE INTO audit VALUES(2,1,'x','','','','','','')",
    };
    struct store_audit a = line("key:k1", "domain add", "domain:a.test", "one", 0);

    (void)state;
    for (a.at_ms = 1000; a.at_ms <= 4000; a.at_ms += 1000)
        assert_int_equal(append(&a), STORE_OK);
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
        CHECK_EQ(tries[i], direct(tries[i]), SQLITE_CONSTRAINT);
    CHECK_EQ("all are there", all_lines().lines, 4);
    CHECK_EQ("without an age nothing goes", expire(0, 10), 4);
    CHECK_EQ("the old go, as many as may", expire(3000, 1), 3);
    CHECK_EQ("then the rest of them", expire(3000, 10), 2);
    CHECK_EQ("and no younger one", expire(3000, 10), 2);
    CHECK_EQ("afterwards the gate is shut", direct("DELETE FROM audit WHERE at_ms<3500"),
             SQLITE_CONSTRAINT);
    CHECK_EQ("numbers are not used again", append(&a), STORE_OK);
    CHECK_EQ("they grow", read_lines((struct store_audit_filter){.max = 1}).last_id, 5);
}

static enum store_result hold(const char *domain, const struct store_audit *a, size_t *changed)
{
    struct store_control c = {.op = {.kind = STORE_CONTROL},
                              .verb = CONTROL_HOLD,
                              .domain = sgl_view_cstr(domain),
                              .actor = SGL_LIT("key:k1"),
                              .audit = a,
                              .now = 1700000100};
    enum store_result r = store_fixture_run(&fx, &c.op);

    *changed = c.changed;
    return r;
}

static void test_control(void **state)
{
    struct store_audit a = line("key:k1", "queue hold", "queue", "", 1000);
    struct store_sample s;
    size_t changed;

    (void)state;
    a.detail = SGL_LIT("to big.example");
    for (int i = 0; i < 400; i++) { /* more than one group touches */
        store_sample_init(&s, "big.example", 3, 10);
        assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
        store_sample_done(&s);
    }
    CHECK_EQ("a hand that finds nothing", hold("none.example", &a, &changed), STORE_OK);
    CHECK_EQ("leaves no line", all_lines().lines, 0);
    CHECK_EQ("a hand on all", hold("big.example", &a, &changed), STORE_OK);
    CHECK_EQ("changes them", changed, 1200);
    CHECK_EQ("a line when it began, one when it ended", all_lines().lines, 2);
    CHECK_STR("with the sum", all_lines().text,
              "key:k1|192.0.2.1|queue hold|queue||done|to big.example: 1200 recipients in all");
}

static enum store_result hold_within(const char *subscription, uint64_t message, uint64_t rcpt,
                                     size_t *changed)
{
    struct store_control c = {.op = {.kind = STORE_CONTROL},
                              .verb = CONTROL_HOLD,
                              .message = message,
                              .rcpt = rcpt,
                              .subscription = sgl_view_cstr(subscription),
                              .now = 1700000100};
    enum store_result r = store_fixture_run(&fx, &c.op);

    *changed = c.changed;
    return r;
}

static void test_control_within(void **state)
{
    struct store_sample s[2];
    size_t changed;

    (void)state;
    for (int i = 0; i < 2; i++) {
        store_sample_init(&s[i], "a.example", 1, 10);
        s[i].message.subscription = i == 0 ? SGL_LIT("one") : SGL_LIT("two");
        assert_int_equal(store_sample_accept(&fx, &s[i]), STORE_OK);
    }
    CHECK_EQ("another's message is not found", hold_within("one", s[1].message.id, 0, &changed),
             STORE_NOT_FOUND);
    CHECK_EQ("nor its recipient", hold_within("one", 0, s[1].rcpt[0].id, &changed),
             STORE_NOT_FOUND);
    CHECK_EQ("all means all of one's own", hold_within("one", 0, 0, &changed), STORE_OK);
    CHECK_EQ("which is one", changed, 1);
    CHECK_EQ("it is held", state_of(s[0].message.id, 0), RCPT_HELD);
    CHECK_EQ("the other is not", state_of(s[1].message.id, 0), RCPT_QUEUED);
    CHECK_EQ("its own is found", hold_within("two", s[1].message.id, 0, &changed), STORE_OK);
    CHECK_EQ("and held", state_of(s[1].message.id, 0), RCPT_HELD);
    for (int i = 0; i < 2; i++)
        store_sample_done(&s[i]);
}

/* No change without its line, whatever allocation fails. */
static void test_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct store_audit a = line("key:k1", "domain add", "domain:m.test", "sub", 1000);
        struct store_audit_filter filter = {.object = SGL_LIT("domain:m.test")};
        char key[32];
        enum store_result result;
        size_t before, after;

        fail_alloc_off();
        snprintf(key, sizeof(key), "m%zu.test", n);
        before = read_lines(filter).lines;
        fail_alloc_on();
        result = put(key, 0, STORE_NOUN_PUT, &a);
        fail_alloc_off();
        after = read_lines(filter).lines;
        CHECK_TRUE("done, or no memory", result == STORE_OK || result == STORE_NOMEM);
        CHECK_EQ("with the change its line", after - before, result == STORE_OK);
        CHECK_EQ("without it none, and it can be made",
                 put(key, 0, STORE_NOUN_PUT, NULL) == STORE_OK, result != STORE_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_with_its_change), STORE_TEST(test_filter),  STORE_TEST(test_text),
        STORE_TEST(test_append_only),     STORE_TEST(test_control), STORE_TEST(test_control_within),
        STORE_TEST(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
