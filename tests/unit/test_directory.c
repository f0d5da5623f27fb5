/* SPDX-License-Identifier: Apache-2.0 */
/* Nouns: added, looked up, changed, refused, kept over a restart. */
#include "directory_fixture.h"

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
        {"an IP address is refused [RFC 1123 s2.1]", "192.0.2.1", DIRECTORY_INVALID},
        {"so is what ends like one", "example.123", DIRECTORY_INVALID},
        {"digits may stand before the end", "163.example", DIRECTORY_OK},
        {"xn-- that stands for nothing is refused", "xn--a.example", DIRECTORY_INVALID},
        {"an A-label is a name", "xn--mnchen-3ya.example", DIRECTORY_OK},
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
    CHECK_STR("the password is the same", fixture_login(f, "app1", "correct horse"),
              "credential:app1");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTORY_TEST(test_domains),
        DIRECTORY_TEST(test_keys_down_leaves_nothing),
        DIRECTORY_TEST(test_two_changes_at_once),
        DIRECTORY_TEST(test_what_cannot_be_changed),
        DIRECTORY_TEST(test_in_use),
        DIRECTORY_TEST(test_subscriptions),
        DIRECTORY_TEST(test_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
