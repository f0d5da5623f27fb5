/* SPDX-License-Identifier: Apache-2.0 */
/* Changes that come at the same time: what one was told is so until it is stored. */
#include "directory_fixture.h"

#define AT_ONCE 8

/* Begun one after the other, none waited for; then all are done. */
static void at_once(struct directory_fixture *f, struct directory_change *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        c[i].loop = f->loop;
        c[i].done = fixture_changed;
        c[i].ctx = f;
        directory_change(f->directory, &c[i]);
    }
    for (size_t i = 0; i < n; i++)
        sem_wait(&f->done);
}

static size_t count(const struct directory_change *c, size_t n, enum directory_result result)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++)
        found += c[i].result == result;
    return found;
}

static void test_one_uid(void **state)
{
    static const char *const name[AT_ONCE] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    static const struct local_change local = {34};
    struct directory_fixture *f = *state;
    struct directory_change c[AT_ONCE];
    struct identity *who;

    assert_int_equal(fixture_domain(f, "a.test", false), DIRECTORY_OK);
    for (size_t i = 0; i < AT_ONCE; i++)
        c[i] = (struct directory_change){.noun = DIRECTORY_LOCAL,
                                         .verb = DIRECTORY_ADD,
                                         .name = sgl_view_cstr(name[i]),
                                         .domain = {SGL_LIT_INIT("a.test")},
                                         .domains = 1,
                                         .local = &local};
    at_once(f, c, AT_ONCE);
    CHECK_EQ("a uid is one identity's", count(c, AT_ONCE, DIRECTORY_OK), 1);
    CHECK_EQ("the others are told so", count(c, AT_ONCE, DIRECTORY_EXISTS), AT_ONCE - 1);
    CHECK_EQ("who comes first is first", c[0].result, DIRECTORY_OK);
    who = directory_process(f->directory, 34);
    CHECK_TRUE("it is he", who != NULL && strcmp(who->name, "local:a") == 0);
    identity_unref(who);
}

static struct directory_change account(const char *address)
{
    static const struct account_change on = {.basic = ACCOUNT_ON};

    return (struct directory_change){.noun = DIRECTORY_ACCOUNT,
                                     .verb = DIRECTORY_ADD,
                                     .name = sgl_view_cstr(address),
                                     .account = &on};
}

static void test_one_user_name(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c[2];

    assert_int_equal(fixture_domain(f, "a.test", false), DIRECTORY_OK);
    c[0] = account("app@a.test");
    c[1] = (struct directory_change){.noun = DIRECTORY_CREDENTIAL,
                                     .verb = DIRECTORY_ADD,
                                     .name = SGL_LIT_INIT("app@a.test"),
                                     .domain = {SGL_LIT_INIT("a.test")},
                                     .domains = 1};
    at_once(f, c, 2);
    CHECK_EQ("the account is there", c[0].result, DIRECTORY_OK);
    CHECK_EQ("its user name is taken", c[1].result, DIRECTORY_EXISTS);
}

static void test_how_many(void **state)
{
    static const char *const address[] = {"a@a.test", "b@a.test", "c@a.test", "d@a.test"};
    struct directory_fixture *f = *state;
    struct directory_change c[4];

    assert_int_equal(fixture_domain(f, "a.test", false), DIRECTORY_OK);
    directory_accounts_max(f->directory, 2);
    for (size_t i = 0; i < 4; i++)
        c[i] = account(address[i]);
    at_once(f, c, 4);
    CHECK_EQ("no more than there may be", count(c, 4, DIRECTORY_OK), 2);
}

static void test_what_is_in_use(void **state)
{
    const struct directory_change login = {.noun = DIRECTORY_CREDENTIAL,
                                           .verb = DIRECTORY_ADD,
                                           .name = SGL_LIT_INIT("app"),
                                           .domain = {SGL_LIT_INIT("a.test")},
                                           .domains = 1},
                                  gone = {.noun = DIRECTORY_DOMAIN,
                                          .verb = DIRECTORY_REMOVE,
                                          .name = SGL_LIT_INIT("a.test")};
    struct directory_fixture *f = *state;
    struct directory_change c[2] = {login, gone}, no_login = login;

    no_login.verb = DIRECTORY_REMOVE;
    assert_int_equal(fixture_domain(f, "a.test", false), DIRECTORY_OK);
    at_once(f, c, 2);
    CHECK_EQ("the login is there", c[0].result, DIRECTORY_OK);
    CHECK_EQ("so its domain stays", c[1].result, DIRECTORY_IN_USE);
    assert_int_equal(fixture_change(f, &no_login), DIRECTORY_OK);
    c[0] = gone;
    c[1] = login;
    at_once(f, c, 2);
    CHECK_EQ("the domain is gone", c[0].result, DIRECTORY_OK);
    CHECK_EQ("so nobody can use it", c[1].result, DIRECTORY_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTORY_TEST(test_one_uid), DIRECTORY_TEST(test_one_user_name),
        DIRECTORY_TEST(test_how_many), DIRECTORY_TEST(test_what_is_in_use)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
