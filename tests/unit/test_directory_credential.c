/* SPDX-License-Identifier: Apache-2.0 */
/* Who it is: passwords, keys, SCRAM, and what a change means for who is there already. */
#include "directory_fixture.h"

#include <sys/resource.h>

#include "../../server/directory/directory_internal.h"
#include "sigillo/sasl.h"

/* What this process takes of the address space, in bytes. */
static rlim_t address_space(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    uint64_t pages = 0;
    char line[200];

    assert_true(f != NULL && fgets(line, sizeof(line), f) != NULL);
    fclose(f);
    assert_true(sgl_view_u64(sgl_view_of(line, strcspn(line, " ")), UINT64_MAX / 65536, &pages));
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* A hash takes 19 MiB: without them nobody knows whether the password is right, and nobody is told that it is wrong. */
static void test_no_memory_to_hash(void **state)
{
    struct directory_fixture *f = *state;
    struct rlimit before, little;

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "app1", "correct horse", "example.org"), DIRECTORY_OK);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    little = (struct rlimit){.rlim_cur = address_space() + (8u << 20), .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &little), 0);
    CHECK_STR("the right password", fixture_login(f, "app1", "correct horse"), "unavailable");
    CHECK_STR("a wrong one", fixture_login(f, "app1", "correct hors"), "unavailable");
    CHECK_STR("nobody's", fixture_login(f, "nobody", "correct horse"), "unavailable");
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    CHECK_STR("it was right", fixture_login(f, "app1", "correct horse"), "credential:app1");
    CHECK_STR("and it was wrong", fixture_login(f, "app1", "correct hors"), "refused");
}

static void test_credentials(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_stats before, after;
    struct directory_change c = {
        .noun = DIRECTORY_CREDENTIAL, .verb = DIRECTORY_REMOVE, .name = SGL_LIT("app1")};

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    CHECK_EQ("a credential is added", fixture_credential(f, "app1", "correct horse", "example.org"),
             DIRECTORY_OK);
    CHECK_EQ("a second of the same name is not",
             fixture_credential(f, "app1", "correct horse", "example.org"), DIRECTORY_EXISTS);
    CHECK_EQ("its domain must exist", fixture_credential(f, "app2", "correct horse", "example.com"),
             DIRECTORY_NOT_FOUND);
    CHECK_EQ("a short password is refused", fixture_credential(f, "app3", "short", "example.org"),
             DIRECTORY_INVALID);
    CHECK_EQ("a name with a blank is refused",
             fixture_credential(f, "a b", "correct horse", "example.org"), DIRECTORY_INVALID);
    CHECK_STR("the right password", fixture_login(f, "app1", "correct horse"), "credential:app1");
    directory_stats(f->directory, &before);
    CHECK_STR("the right password again", fixture_login(f, "app1", "correct horse"),
              "credential:app1");
    directory_stats(f->directory, &after);
    CHECK_EQ("a password that was right a moment ago is not hashed again", after.passwords_hashed,
             before.passwords_hashed);
    CHECK_STR("a wrong password", fixture_login(f, "app1", "correct hors"), "refused");
    CHECK_STR("an empty password", fixture_login(f, "app1", ""), "refused");
    CHECK_STR("nobody", fixture_login(f, "nobody", "correct horse"), "refused");
    CHECK_STR("who was refused is known at the end of the check", last_user, "nobody");
    directory_stats(f->directory, &before);
    CHECK_EQ("every wrong one is hashed, whether the user exists or not", before.passwords_hashed,
             after.passwords_hashed + 3);
    CHECK_EQ("it is removed", fixture_change(f, &c), DIRECTORY_OK);
    CHECK_STR("then it opens nothing, also not from the cache",
              fixture_login(f, "app1", "correct horse"), "refused");
    CHECK_EQ("a second time there is nothing to remove", fixture_change(f, &c),
             DIRECTORY_NOT_FOUND);
}

/* As after a restart, when all connections of an application log in anew. */
static void test_many_at_once(void **state)
{
    struct password_test t[20];
    struct directory_fixture *f = *state;
    struct directory_stats before, after;

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "app1", "correct horse", "example.org"), DIRECTORY_OK);
    directory_stats(f->directory, &before);
    for (size_t i = 0; i < 20; i++) {
        t[i] = (struct password_test){.check = {.user = SGL_LIT("app1"),
                                                .password = SGL_LIT("correct horse"),
                                                .done = password_done},
                                      .f = f};
        directory_check_password(f->directory, f->loop, &t[i].check);
    }
    for (size_t i = 0; i < 20; i++)
        sem_wait(&f->done);
    directory_stats(f->directory, &after);
    for (size_t i = 0; i < 20; i++) {
        CHECK_TRUE("each is let in", t[i].check.identity != NULL);
        identity_unref(t[i].check.identity);
    }
    CHECK_TRUE("hashed by those who were first, one for each worker thread",
               after.passwords_hashed - before.passwords_hashed <= 2);
}

/* A hash that would have to wait too long is not begun with. */
static void test_too_many_wait(void **state)
{
    struct directory_fixture *f = *state;

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "app1", "correct horse", "example.org"), DIRECTORY_OK);
    atomic_store(&f->directory->hashing.under_way, 4000);
    CHECK_STR("the right password", fixture_login(f, "app1", "correct horse"), "unavailable");
    CHECK_EQ("a new one", fixture_credential(f, "app2", "correct horse", "example.org"),
             DIRECTORY_UNAVAILABLE);
    atomic_store(&f->directory->hashing.under_way, 0);
    CHECK_STR("later", fixture_login(f, "app1", "correct horse"), "credential:app1");
    atomic_store(&f->directory->hashing.under_way, 4000);
    CHECK_STR("who was there a moment ago need not wait", fixture_login(f, "app1", "correct horse"),
              "credential:app1");
    atomic_store(&f->directory->hashing.under_way, 0);
}

/* A session holds its identity for hours. */
static void test_removed_while_held(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c = {
        .noun = DIRECTORY_CREDENTIAL, .verb = DIRECTORY_REMOVE, .name = SGL_LIT("app1")};
    struct identity *who, *again;
    struct domain *domain;

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "app1", "correct horse", "example.org"), DIRECTORY_OK);
    who = directory_credential(f->directory, SGL_LIT("app1"));
    domain = directory_domain(f->directory, SGL_LIT("example.org"));
    assert_true(who != NULL && domain != NULL);
    CHECK_TRUE("a credential may use its domain", directory_may_use(f->directory, who, domain));
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    CHECK_TRUE("whoever logged in before it was removed may not",
               !directory_may_use(f->directory, who, domain));
    assert_int_equal(fixture_credential(f, "app1", "battery staple", "example.org"), DIRECTORY_OK);
    again = directory_credential(f->directory, SGL_LIT("app1"));
    CHECK_TRUE("a new one of the same name does not revive it",
               !directory_may_use(f->directory, who, domain));
    CHECK_TRUE("the new one may", directory_may_use(f->directory, again, domain));
    identity_unref(who);
    identity_unref(again);
    domain_unref(domain);
}

static void test_changed_while_held(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change narrow = {.noun = DIRECTORY_CREDENTIAL,
                                      .verb = DIRECTORY_CHANGE,
                                      .name = SGL_LIT("app1"),
                                      .domain = {SGL_LIT("b.example")},
                                      .domains = 1};
    struct directory_change gone = {
        .noun = DIRECTORY_CREDENTIAL, .verb = DIRECTORY_REMOVE, .name = SGL_LIT("app1")};
    struct domain *a, *b;
    struct identity *who;

    assert_int_equal(fixture_domain(f, "a.example", false), DIRECTORY_OK);
    assert_int_equal(fixture_domain(f, "b.example", false), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "app1", "correct horse", "a.example"), DIRECTORY_OK);
    who = directory_credential(f->directory, SGL_LIT("app1"));
    a = directory_domain(f->directory, SGL_LIT("a.example"));
    b = directory_domain(f->directory, SGL_LIT("b.example"));
    CHECK_EQ("its domains are changed", fixture_change(f, &narrow), DIRECTORY_OK);
    CHECK_TRUE("who logged in before may use the new one", directory_may_use(f->directory, who, b));
    CHECK_TRUE("and no longer the old one", !directory_may_use(f->directory, who, a));
    CHECK_STR("the password stays", fixture_login(f, "app1", "correct horse"), "credential:app1");
    assert_int_equal(fixture_change(f, &gone), DIRECTORY_OK);
    CHECK_TRUE("removed, he may do nothing", !directory_may_use(f->directory, who, b));
    assert_int_equal(fixture_credential(f, "app1", "correct horse", "b.example"), DIRECTORY_OK);
    CHECK_TRUE("and a new one of the same name does not revive him",
               !directory_may_use(f->directory, who, b));
    identity_unref(who);
    domain_unref(a);
    domain_unref(b);
}

static void test_changed_password(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change given = {.noun = DIRECTORY_CREDENTIAL,
                                     .verb = DIRECTORY_CHANGE,
                                     .name = SGL_LIT("app1"),
                                     .password = SGL_LIT("battery staple")};
    struct directory_change made = {.noun = DIRECTORY_CREDENTIAL,
                                    .verb = DIRECTORY_CHANGE,
                                    .name = SGL_LIT("app1"),
                                    .password_new = true};
    struct scram_secret before, after;

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "app1", "correct horse", "example.org"), DIRECTORY_OK);
    directory_scram(f->directory, SGL_LIT("app1"), &before);
    CHECK_STR("the old one is right", fixture_login(f, "app1", "correct horse"), "credential:app1");
    CHECK_EQ("a password is changed", fixture_change(f, &given), DIRECTORY_OK);
    CHECK_STR("what was given is not shown", given.secret, "");
    CHECK_STR("the old one opens nothing, also not from the cache",
              fixture_login(f, "app1", "correct horse"), "refused");
    CHECK_STR("the new one does", fixture_login(f, "app1", "battery staple"), "credential:app1");
    directory_scram(f->directory, SGL_LIT("app1"), &after);
    CHECK_TRUE("SCRAM has a new salt", memcmp(before.salt, after.salt, 16) != 0 && after.known);
    CHECK_EQ("one is made", fixture_change(f, &made), DIRECTORY_OK);
    CHECK_STR("and right", fixture_login(f, "app1", made.secret), "credential:app1");
    fixture_close(f);
    fixture_open(f);
    CHECK_STR("it stays over a restart", fixture_login(f, "app1", made.secret), "credential:app1");
    CHECK_STR("the one before does not come back", fixture_login(f, "app1", "battery staple"),
              "refused");
}

static void test_generated_password(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c = {.noun = DIRECTORY_CREDENTIAL,
                                 .verb = DIRECTORY_ADD,
                                 .name = SGL_LIT("any"),
                                 .domain = {SGL_LIT("*")},
                                 .domains = 1};
    struct domain *domain;
    struct identity *who;

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    CHECK_EQ("a made password has five groups of five", strlen(c.secret), 29);
    CHECK_STR("and is right", fixture_login(f, "any", c.secret), "credential:any");
    domain = directory_domain(f->directory, SGL_LIT("example.org"));
    who = directory_credential(f->directory, SGL_LIT("any"));
    CHECK_TRUE("a star is any domain of the subscription",
               directory_may_use(f->directory, who, domain));
    identity_unref(who);
    domain_unref(domain);
}

static void test_keys(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c = {.noun = DIRECTORY_KEY,
                                 .verb = DIRECTORY_ADD,
                                 .name = SGL_LIT("for tests"),
                                 .domain = {SGL_LIT("example.org")},
                                 .domains = 1};
    struct directory_change none = {.noun = DIRECTORY_KEY, .verb = DIRECTORY_ADD};
    struct identity *who;
    char wrong[128];

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    CHECK_EQ("a key needs a domain", fixture_change(f, &none), DIRECTORY_INVALID);
    CHECK_STR("and the refusal names it", none.field, "domain");
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    who = directory_bearer(f->directory, sgl_view_cstr(c.secret));
    CHECK_TRUE("a key is known",
               who != NULL && who->kind == IDENTITY_KEY && who->role == ROLE_NONE);
    CHECK_STR("by its label", who->label, "for tests");
    identity_unref(who);
    snprintf(wrong, sizeof(wrong), "%s", c.secret);
    wrong[strlen(wrong) - 1] ^= 1;
    CHECK_TRUE("one letter changed is not",
               directory_bearer(f->directory, sgl_view_cstr(wrong)) == NULL);
    CHECK_TRUE("its id alone is not",
               directory_bearer(f->directory, sgl_view_sub(sgl_view_cstr(c.secret), 0, 15)) ==
                   NULL);
    CHECK_TRUE("nothing is not", directory_bearer(f->directory, SGL_LIT("")) == NULL);
}

static void test_scram(void **state)
{
    struct directory_fixture *f = *state;
    struct sgl_scram_secret want = {.iterations = 0};
    struct scram_secret got, other;

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "app1", "correct horse", "example.org"), DIRECTORY_OK);
    directory_scram(f->directory, SGL_LIT("app1"), &got);
    want.salt = sgl_view_of(got.salt, sizeof(got.salt));
    want.iterations = got.iterations;
    assert_int_equal(sgl_scram_secret_make(fake_keys.crypto, SGL_LIT("correct horse"), &want),
                     SGL_OK);
    CHECK_TRUE("what is kept proves the password",
               got.known && memcmp(got.stored_key, want.stored_key, 32) == 0);
    CHECK_TRUE("and the server", memcmp(got.server_key, want.server_key, 32) == 0);
    directory_scram(f->directory, SGL_LIT("nobody"), &got);
    directory_scram(f->directory, SGL_LIT("nobody"), &other);
    CHECK_TRUE("an unknown user looks the same each time", memcmp(&got, &other, sizeof(got)) == 0);
    CHECK_EQ("and like a known one", got.iterations, want.iterations);
    CHECK_TRUE("but is not", !got.known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTORY_TEST(test_credentials),
        DIRECTORY_TEST(test_no_memory_to_hash),
        DIRECTORY_TEST(test_many_at_once),
        DIRECTORY_TEST(test_too_many_wait),
        DIRECTORY_TEST(test_removed_while_held),
        DIRECTORY_TEST(test_changed_while_held),
        DIRECTORY_TEST(test_changed_password),
        DIRECTORY_TEST(test_generated_password),
        DIRECTORY_TEST(test_keys),
        DIRECTORY_TEST(test_scram),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
