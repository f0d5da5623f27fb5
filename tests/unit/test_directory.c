/* SPDX-License-Identifier: Apache-2.0 */
/* Nouns: added, looked up, refused, kept over a restart; passwords, keys, SCRAM. */
#include "directory_fixture.h"

#include "sigillo/sasl.h"

static int setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

struct password_test {
    struct auth_check check; /* first: cast from it */
    struct directory_fixture *f;
};

static char last_user[64]; /* as the end of the last check told it */

static void password_done(struct auth_check *a)
{
    snprintf(last_user, sizeof(last_user), "%.*s", SGL_FMT(a->user));
    sem_post(&((struct password_test *)(void *)a)->f->done);
}

/* The name of the identity, or "refused", "unavailable". */
static const char *login(struct directory_fixture *f, const char *user, const char *password)
{
    static char text[128];
    struct password_test t = {.check = {.user = sgl_view_cstr(user),
                                        .password = sgl_view_cstr(password),
                                        .done = password_done},
                              .f = f};

    directory_check_password(f->directory, f->loop, &t.check);
    sem_wait(&f->done);
    snprintf(text, sizeof(text), "%s",
             t.check.identity != NULL ? t.check.identity->name
             : t.check.unavailable    ? "unavailable"
                                      : "refused");
    identity_unref(t.check.identity);
    return text;
}

static void test_domains(void **state)
{
    static const struct {
        const char *name, *domain;
        enum directory_result want;
    } rows[] = {
        {"a domain is added", "example.org", DIRECTORY_OK},
        {"a name is the same in upper case and with a dot at its end", "EXAMPLE.org.",
         DIRECTORY_EXISTS},
        {"a subdomain is a domain of its own", "mail.example.org", DIRECTORY_OK},
        {"U-labels become A-labels",
         "b\xc3\xbc"
         "cher.example",
         DIRECTORY_OK},
        {"one label is no domain for mail", "localhost", DIRECTORY_INVALID},
        {"an empty name is refused", "", DIRECTORY_INVALID},
        {"two dots are refused", "a..example", DIRECTORY_INVALID},
        {"an address is refused", "me@example.net", DIRECTORY_INVALID},
        {"a literal is refused", "[192.0.2.1]", DIRECTORY_INVALID},
        {"a blank is refused", "exa mple.net", DIRECTORY_INVALID},
        {"a label of 64 is refused",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.net", DIRECTORY_INVALID},
    };
    struct directory_fixture *f = *state;
    struct domain *d;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_EQ(rows[i].name, fixture_domain(f, rows[i].domain, i == 0), rows[i].want);
    d = directory_domain(f->directory, SGL_LIT("xn--bcher-kva.example"));
    CHECK_TRUE("an IDN is found by its A-label", d != NULL);
    domain_unref(d);
    d = directory_domain(f->directory, SGL_LIT("Example.ORG."));
    CHECK_TRUE("a look-up ignores case and the last dot", d != NULL);
    CHECK_EQ("two take turns, and dual signing has one more", d->selectors, 3);
    CHECK_TRUE("all are loaded", d->selector[0].key->handle != 0 &&
                                     d->selector[1].key->handle != 0 &&
                                     d->selector[2].key->handle != 0);
    CHECK_TRUE("the first signs, the second waits, Ed25519 signs",
               d->selector[0].active && !d->selector[1].active && d->selector[2].active);
    CHECK_EQ("an Ed25519 key is 32 bytes", d->selector[2].key->public_len, 32);
    domain_unref(d);
    CHECK_TRUE("another is not found",
               directory_domain(f->directory, SGL_LIT("example.com")) == NULL);
}

static void test_keys_down_leaves_nothing(void **state)
{
    struct directory_fixture *f = *state;

    atomic_store(&fake_keys.down, 1);
    CHECK_EQ("without the keys process no domain is added", fixture_domain(f, "example.org", false),
             DIRECTORY_UNAVAILABLE);
    CHECK_TRUE("and none is there", directory_domain(f->directory, SGL_LIT("example.org")) == NULL);
    CHECK_EQ("later it works", fixture_domain(f, "example.org", false), DIRECTORY_OK);
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
    CHECK_STR("the right password", login(f, "app1", "correct horse"), "credential:app1");
    directory_stats(f->directory, &before);
    CHECK_STR("the right password again", login(f, "app1", "correct horse"), "credential:app1");
    directory_stats(f->directory, &after);
    CHECK_EQ("a password that was right a moment ago is not hashed again", after.passwords_hashed,
             before.passwords_hashed);
    CHECK_STR("a wrong password", login(f, "app1", "correct hors"), "refused");
    CHECK_STR("an empty password", login(f, "app1", ""), "refused");
    CHECK_STR("nobody", login(f, "nobody", "correct horse"), "refused");
    CHECK_STR("who was refused is known at the end of the check", last_user, "nobody");
    directory_stats(f->directory, &before);
    CHECK_EQ("every wrong one is hashed, whether the user exists or not", before.passwords_hashed,
             after.passwords_hashed + 3);
    CHECK_EQ("it is removed", fixture_change(f, &c), DIRECTORY_OK);
    CHECK_STR("then it opens nothing, also not from the cache", login(f, "app1", "correct horse"),
              "refused");
    CHECK_EQ("a second time there is nothing to remove", fixture_change(f, &c),
             DIRECTORY_NOT_FOUND);
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
    CHECK_STR("the password stays", login(f, "app1", "correct horse"), "credential:app1");
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
    CHECK_STR("the old one is right", login(f, "app1", "correct horse"), "credential:app1");
    CHECK_EQ("a password is changed", fixture_change(f, &given), DIRECTORY_OK);
    CHECK_STR("what was given is not shown", given.secret, "");
    CHECK_STR("the old one opens nothing, also not from the cache",
              login(f, "app1", "correct horse"), "refused");
    CHECK_STR("the new one does", login(f, "app1", "battery staple"), "credential:app1");
    directory_scram(f->directory, SGL_LIT("app1"), &after);
    CHECK_TRUE("SCRAM has a new salt", memcmp(before.salt, after.salt, 16) != 0 && after.known);
    CHECK_EQ("one is made", fixture_change(f, &made), DIRECTORY_OK);
    CHECK_STR("and right", login(f, "app1", made.secret), "credential:app1");
    fixture_close(f);
    fixture_open(f);
    CHECK_STR("it stays over a restart", login(f, "app1", made.secret), "credential:app1");
    CHECK_STR("the one before does not come back", login(f, "app1", "battery staple"), "refused");
}

/* Two administrators at once: both have read the same version. */
static void test_two_changes_at_once(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change key = {.noun = DIRECTORY_KEY,
                                   .verb = DIRECTORY_ADD,
                                   .name = SGL_LIT("label"),
                                   .domain = {SGL_LIT("*")},
                                   .domains = 1};
    struct directory_change two[2];
    unsigned fine = 0, refused = 0;
    struct identity *who;

    assert_int_equal(fixture_change(f, &key), DIRECTORY_OK);
    for (size_t i = 0; i < 2; i++)
        two[i] = (struct directory_change){.noun = DIRECTORY_KEY,
                                           .verb = DIRECTORY_CHANGE,
                                           .name = sgl_view_cstr(key.id),
                                           .label = i == 0 ? SGL_LIT("one") : SGL_LIT("two"),
                                           .version = 1,
                                           .loop = f->loop,
                                           .done = fixture_changed,
                                           .ctx = f};
    for (size_t i = 0; i < 2; i++)
        directory_change(f->directory, &two[i]);
    for (size_t i = 0; i < 2; i++)
        sem_wait(&f->done);
    for (size_t i = 0; i < 2; i++) {
        fine += two[i].result == DIRECTORY_OK;
        refused += two[i].result == DIRECTORY_CONFLICT;
        if (two[i].result == DIRECTORY_CONFLICT)
            CHECK_TRUE("the loser hears why", strstr(two[i].why, "somebody else") != NULL);
    }
    CHECK_EQ("one wins", fine, 1);
    CHECK_EQ("one is refused", refused, 1);
    who = directory_bearer(f->directory, sgl_view_cstr(key.secret));
    CHECK_STR("what is shown is what was stored", who->label,
              two[0].result == DIRECTORY_OK ? "one" : "two");
    CHECK_EQ("in its second version", who->version, 2);
    identity_unref(who);
}

static void test_what_cannot_be_changed(void **state)
{
    static const struct {
        const char *name;
        enum directory_noun noun;
        const char *key;
        enum directory_result want;
    } rows[] = {
        {"a domain has nothing to change", DIRECTORY_DOMAIN, "example.org", DIRECTORY_INVALID},
        {"a subscription that is not there", DIRECTORY_SUBSCRIPTION, "nobody", DIRECTORY_NOT_FOUND},
        {"a credential that is not there", DIRECTORY_CREDENTIAL, "nobody", DIRECTORY_NOT_FOUND},
        {"a key that is not there", DIRECTORY_KEY, "", DIRECTORY_NOT_FOUND},
        {"a domain of somebody else", DIRECTORY_CREDENTIAL, "app1", DIRECTORY_NOT_FOUND},
    };
    struct directory_fixture *f = *state;

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "app1", "correct horse", "example.org"), DIRECTORY_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct directory_change c = {.noun = rows[i].noun,
                                     .verb = DIRECTORY_CHANGE,
                                     .name = sgl_view_cstr(rows[i].key),
                                     .domain = {SGL_LIT("example.net")},
                                     .domains = 1};

        CHECK_EQ(rows[i].name, fixture_change(f, &c), rows[i].want);
    }
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
    CHECK_STR("and is right", login(f, "any", c.secret), "credential:any");
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

static void test_in_use(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c = {
        .noun = DIRECTORY_DOMAIN, .verb = DIRECTORY_REMOVE, .name = SGL_LIT("example.org")};
    struct directory_change gone = {
        .noun = DIRECTORY_CREDENTIAL, .verb = DIRECTORY_REMOVE, .name = SGL_LIT("app1")};

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "app1", "correct horse", "example.org"), DIRECTORY_OK);
    CHECK_EQ("a domain in use is not removed", fixture_change(f, &c), DIRECTORY_IN_USE);
    CHECK_TRUE("and says by whom", strstr(c.why, "credential:app1") != NULL);
    assert_int_equal(fixture_change(f, &gone), DIRECTORY_OK);
    CHECK_EQ("then it is", fixture_change(f, &c), DIRECTORY_OK);
    CHECK_TRUE("and is gone", directory_domain(f->directory, SGL_LIT("example.org")) == NULL);
}

static void test_subscriptions(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change add = {
        .noun = DIRECTORY_SUBSCRIPTION, .verb = DIRECTORY_ADD, .name = SGL_LIT("acme")};
    struct directory_change domain = {.noun = DIRECTORY_DOMAIN,
                                      .verb = DIRECTORY_ADD,
                                      .name = SGL_LIT("acme.example"),
                                      .subscription = SGL_LIT("acme")};
    struct directory_change gone = {
        .noun = DIRECTORY_SUBSCRIPTION, .verb = DIRECTORY_REMOVE, .name = SGL_LIT("acme")};
    struct directory_change credential = {.noun = DIRECTORY_CREDENTIAL,
                                          .verb = DIRECTORY_ADD,
                                          .name = SGL_LIT("thief"),
                                          .password = SGL_LIT("correct horse"),
                                          .domain = {SGL_LIT("acme.example")},
                                          .domains = 1};
    struct identity *who;
    struct domain *d;

    CHECK_EQ("a domain needs its subscription", fixture_change(f, &domain), DIRECTORY_NOT_FOUND);
    assert_int_equal(fixture_change(f, &add), DIRECTORY_OK);
    CHECK_EQ("a second of the same name is refused", fixture_change(f, &add), DIRECTORY_EXISTS);
    CHECK_EQ("then it is added", fixture_change(f, &domain), DIRECTORY_OK);
    CHECK_EQ("a subscription cannot be removed", fixture_change(f, &gone), DIRECTORY_INVALID);
    CHECK_EQ("another subscription's domain cannot be used", fixture_change(f, &credential),
             DIRECTORY_NOT_FOUND);
    d = directory_domain(f->directory, SGL_LIT("acme.example"));
    who = directory_local(0);
    CHECK_TRUE("a local administrator may use any", directory_may_use(f->directory, who, d));
    identity_unref(who);
    domain_unref(d);
}

static void test_restart(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change key = {.noun = DIRECTORY_KEY,
                                   .verb = DIRECTORY_ADD,
                                   .domain = {SGL_LIT("example.org")},
                                   .domains = 1};
    struct scram_secret before, after;
    struct identity *who;
    struct domain *d;

    assert_int_equal(fixture_domain(f, "example.org", true), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "app1", "correct horse", "example.org"), DIRECTORY_OK);
    assert_int_equal(fixture_change(f, &key), DIRECTORY_OK);
    directory_scram(f->directory, SGL_LIT("nobody"), &before);
    fixture_close(f);
    atomic_store(&fake_keys.down, 0);
    fixture_open(f);
    CHECK_STR("the password is the same", login(f, "app1", "correct horse"), "credential:app1");
    who = directory_bearer(f->directory, sgl_view_cstr(key.secret));
    CHECK_TRUE("so is the key", who != NULL);
    identity_unref(who);
    d = directory_domain(f->directory, SGL_LIT("example.org"));
    CHECK_TRUE("the domain is there with its selectors", d != NULL && d->selectors == 3);
    while (!directory_ready(f->directory)) /* the loop is loading them */
        sched_yield();
    CHECK_TRUE("its keys are loaded",
               d->selector[0].key->handle != 0 && d->selector[1].key->handle != 0);
    domain_unref(d);
    directory_scram(f->directory, SGL_LIT("nobody"), &after);
    CHECK_TRUE("unknown users look the same as before",
               memcmp(before.salt, after.salt, 16) == 0 && !after.known);
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
        cmocka_unit_test_setup_teardown(test_domains, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_down_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_credentials, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removed_while_held, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_while_held, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_password, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_changes_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_generated_password, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_use, setup, teardown),
        cmocka_unit_test_setup_teardown(test_subscriptions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scram, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
