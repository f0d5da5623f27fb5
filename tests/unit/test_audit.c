/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that come by themselves: copied, stored, and logged when they are lost. */
#include "../../server/audit/audit.h"
#include "fail_alloc.h"
#include "store_steps.h"

static bool see(void *ctx, const struct store_audit *a)
{
    char *text = ctx;
    size_t at = strlen(text);

    CHECK_TRUE("it has a time", a->at_ms > 1700000000000);
    snprintf(text + at, 1000 - at, "%.*s|%.*s|%.*s|%.*s|%.*s\n", SGL_FMT(a->actor),
             SGL_FMT(a->action), SGL_FMT(a->object), SGL_FMT(a->result), SGL_FMT(a->detail));
    return true;
}

static void test_notes(void **state)
{
    char object[16] = "domain:a.test", text[1000] = "";

    (void)state;
    audit_note(fx.store, SGL_LIT("system:verification"), SGL_LIT("domain unverified"),
               sgl_view_cstr(object), SGL_LIT("sub"), SGL_LIT("the SPF record is gone"));
    memset(object, 'x', sizeof(object)); /* all was copied */
    audit_note(fx.store, SGL_LIT("system"), SGL_LIT("server start"), SGL_LIT(""), SGL_LIT(""),
               SGL_LIT(""));
    store_fixture_close(&fx); /* what was submitted is finished first */
    store_fixture_open(&fx);
    assert_int_equal(store_read_audit(fx.store, &(struct store_audit_filter){0}, see, text),
                     STORE_OK);
    CHECK_STR("both are there, newest first", text,
              "system|server start||noted|\n"
              "system:verification|domain unverified|domain:a.test|noted|the SPF record is gone\n");
}

/* ---- what was refused ---- */

struct count {
    size_t lines;
    char newest[200];
};

static bool count_line(void *ctx, const struct store_audit *a)
{
    struct count *c = ctx;

    if (c->lines++ == 0)
        snprintf(c->newest, sizeof(c->newest), "%.*s", SGL_FMT(a->detail));
    return true;
}

/* What was submitted before is durable when this is done. */
static void settle(void)
{
    struct store_expire_trail e = {.op = {.kind = STORE_EXPIRE_TRAIL}};

    (void)store_fixture_run(&fx, &e.op);
}

static struct count lines_of(const char *actor)
{
    struct count c = {0};

    settle();
    assert_int_equal(store_read_audit(fx.store,
                                      &(struct store_audit_filter){.actor = sgl_view_cstr(actor)},
                                      count_line, &c),
                     STORE_OK);
    return c;
}

static void test_refused(void **state)
{
    struct audit *audit = audit_new(fx.store);
    struct store_audit line = {.actor = SGL_LIT("key:k1"), .detail = SGL_LIT("name: taken")};
    uint64_t now = 5;

    (void)state;
    for (int i = 0; i < AUDIT_REFUSED_MAX; i++)
        audit_refused(audit, &line, now);
    CHECK_EQ("as many as may be in a minute", lines_of("key:k1").lines, AUDIT_REFUSED_MAX);
    for (int i = 0; i < 7; i++)
        audit_refused(audit, &line, now);
    CHECK_EQ("are kept of one actor", lines_of("key:k1").lines, AUDIT_REFUSED_MAX);
    line.actor = SGL_LIT("key:k2");
    audit_refused(audit, &line, now);
    CHECK_EQ("another has room of his own", lines_of("key:k2").lines, 1);
    audit_refused(NULL, &line, now);
    CHECK_EQ("without an audit nothing is kept", lines_of("key:k2").lines, 1);
    now += 60000;
    line.actor = SGL_LIT("key:k1");
    audit_refused(audit, &line, now);
    CHECK_EQ("a minute later there is room again", lines_of("key:k1").lines, AUDIT_REFUSED_MAX + 1);
    CHECK_STR("and it says what is missing", lines_of("key:k1").newest,
              "name: taken (7 before it are left out)");
    audit_free(audit);
    audit_free(NULL);
}

static void test_memory(void **state)
{
    const struct store_audit line = {.actor = SGL_LIT("key:m"), .action = SGL_LIT("x y")};

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        size_t before, after;

        fail_alloc_off();
        before = lines_of("key:m").lines;
        fail_alloc_on();
        audit_append(fx.store, &line);
        settle();
        fail_alloc_off();
        after = lines_of("key:m").lines;
        CHECK_TRUE("a line is there or it is lost", after == before || after == before + 1);
        CHECK_TRUE("lost for want of memory only", after == before + 1 || fail_alloc_hit());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {STORE_TEST(test_notes), STORE_TEST(test_refused),
                                       STORE_TEST(test_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
