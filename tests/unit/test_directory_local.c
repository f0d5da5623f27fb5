/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of this machine: which uid is which identity. */
#include "directory_fixture.h"

static enum directory_result add(struct directory_fixture *f, const char *name, int64_t uid,
                                 struct directory_change *out)
{
    const struct local_change local = {uid};

    *out = (struct directory_change){.noun = DIRECTORY_LOCAL,
                                     .verb = DIRECTORY_ADD,
                                     .name = sgl_view_cstr(name),
                                     .domain = {SGL_LIT_INIT("a.test")},
                                     .domains = 1,
                                     .local = &local};
    return fixture_change(f, out);
}

/* The name of whoever has this uid, or "nobody". */
static const char *whose(struct directory_fixture *f, uint32_t uid)
{
    static char text[96];
    struct identity *who = directory_process(f->directory, uid);

    snprintf(text, sizeof(text), "%s", who == NULL ? "nobody" : who->name);
    identity_unref(who);
    return text;
}

static void test_uids(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c;
    struct identity *who;
    uint32_t uid = 0;

    assert_int_equal(fixture_domain(f, "a.test", false), DIRECTORY_OK);
    CHECK_STR("at first", whose(f, 34), "nobody");
    assert_int_equal(add(f, "backup", 34, &c), DIRECTORY_OK);
    CHECK_STR("once it is added", whose(f, 34), "local:backup");
    CHECK_STR("and no other", whose(f, 3), "nobody");
    CHECK_STR("nor one that is none", whose(f, UINT32_MAX), "nobody");
    CHECK_EQ("a uid is one identity", add(f, "other", 34, &c), DIRECTORY_EXISTS);
    CHECK_STR("that is its fault", c.field, "uid");
    CHECK_EQ("a name, too", add(f, "backup", 35, &c), DIRECTORY_EXISTS);
    assert_int_equal(add(f, "root", 0, &c), DIRECTORY_OK);
    assert_int_equal(add(f, "last", UINT32_MAX - 1, &c), DIRECTORY_OK);
    fixture_close(f);
    fixture_open(f);
    CHECK_STR("after a restart", whose(f, 34), "local:backup");
    CHECK_STR("the greatest", whose(f, UINT32_MAX - 1), "local:last");
    who = directory_process_named(f->directory, SGL_LIT("root"), &uid);
    CHECK_TRUE("by its name", who != NULL && uid == 0 && who->role == ROLE_NONE);
    identity_unref(who);
    who = directory_identity(f->directory, SGL_LIT("local:backup"));
    CHECK_TRUE("by its full name",
               who != NULL && who->kind == IDENTITY_LOCAL && who->role == ROLE_NONE);
    identity_unref(who);
    who = directory_identity(f->directory, SGL_LIT("local:uid=34"));
    CHECK_TRUE("who used the admin socket is another", who != NULL && who->role == ROLE_OPERATOR);
    identity_unref(who);
}

static void test_refused(void **state)
{
    static const int64_t bad[] = {-1, UINT32_MAX, INT64_MAX, INT64_MIN};
    struct directory_fixture *f = *state;
    struct directory_change c;

    assert_int_equal(fixture_domain(f, "a.test", false), DIRECTORY_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ("no uid", add(f, "x", bad[i], &c), DIRECTORY_INVALID);
        CHECK_STR("that is its fault", c.field, "uid");
    }
    CHECK_EQ("a name that would be read as the admin's", add(f, "uid=5", 5, &c), DIRECTORY_INVALID);
    c = (struct directory_change){.noun = DIRECTORY_LOCAL,
                                  .verb = DIRECTORY_ADD,
                                  .name = SGL_LIT_INIT("x"),
                                  .domain = {SGL_LIT_INIT("a.test")},
                                  .domains = 1};
    CHECK_EQ("without a uid", fixture_change(f, &c), DIRECTORY_INVALID);
    CHECK_STR("nobody is there", whose(f, 5), "nobody");
}

static void test_removed(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c,
        gone = {.noun = DIRECTORY_LOCAL, .verb = DIRECTORY_REMOVE, .name = SGL_LIT_INIT("backup")};
    struct identity *held;
    struct domain *domain;

    assert_int_equal(fixture_domain(f, "a.test", false), DIRECTORY_OK);
    assert_int_equal(add(f, "backup", 34, &c), DIRECTORY_OK);
    held = directory_process(f->directory, 34);
    domain = directory_domain(f->directory, SGL_LIT("a.test"));
    CHECK_TRUE("it may", directory_may_use(f->directory, held, domain));
    assert_int_equal(fixture_change(f, &gone), DIRECTORY_OK);
    CHECK_TRUE("a session that is open may no more",
               !directory_may_use(f->directory, held, domain));
    CHECK_STR("a new one is nobody's", whose(f, 34), "nobody");
    CHECK_EQ("its uid can be another's", add(f, "other", 34, &c), DIRECTORY_OK);
    CHECK_STR("which it is", whose(f, 34), "local:other");
    identity_unref(held);
    domain_unref(domain);
}

/* By what tokens name it: as long as it is this one. */
static void test_guid(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c,
        gone = {.noun = DIRECTORY_LOCAL, .verb = DIRECTORY_REMOVE, .name = SGL_LIT_INIT("backup")};
    char guid[GUID_TEXT_SIZE], other[GUID_TEXT_SIZE];
    struct identity *who, *found;

    assert_int_equal(fixture_domain(f, "a.test", false), DIRECTORY_OK);
    assert_int_equal(add(f, "backup", 34, &c), DIRECTORY_OK);
    who = directory_process(f->directory, 34);
    CHECK_TRUE("it has one", directory_process_guid(f->directory, who, guid));
    found = directory_process_of_guid(f->directory, SGL_LIT("backup"), sgl_view_cstr(guid));
    CHECK_TRUE("by which it is found", found == who);
    identity_unref(found);
    CHECK_TRUE("with its name only", directory_process_of_guid(f->directory, SGL_LIT("other"),
                                                               sgl_view_cstr(guid)) == NULL);
    CHECK_TRUE("and not without it",
               directory_process_of_guid(f->directory, SGL_LIT("backup"), SGL_LIT("")) == NULL);
    c = (struct directory_change){.noun = DIRECTORY_LOCAL,
                                  .verb = DIRECTORY_CHANGE,
                                  .name = SGL_LIT("backup"),
                                  .domain = {SGL_LIT_INIT("*")},
                                  .domains = 1};
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    fixture_close(f);
    fixture_open(f);
    identity_unref(who);
    who = directory_process(f->directory, 34);
    CHECK_TRUE("still", directory_process_guid(f->directory, who, other));
    CHECK_STR("changed, and after a restart, it is the same", other, guid);
    assert_int_equal(fixture_change(f, &gone), DIRECTORY_OK);
    CHECK_TRUE("removed, it has none", !directory_process_guid(f->directory, who, other));
    identity_unref(who);
    assert_int_equal(add(f, "backup", 35, &c), DIRECTORY_OK);
    CHECK_TRUE("another one of its name is not it",
               directory_process_of_guid(f->directory, SGL_LIT("backup"), sgl_view_cstr(guid)) ==
                   NULL);
    who = directory_local(34);
    CHECK_TRUE("who used the admin socket has none",
               !directory_process_guid(f->directory, who, other));
    identity_unref(who);
}

int main(void)
{
    const struct CMUnitTest tests[] = {DIRECTORY_TEST(test_uids), DIRECTORY_TEST(test_refused),
                                       DIRECTORY_TEST(test_removed), DIRECTORY_TEST(test_guid)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
