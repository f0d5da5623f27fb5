/* SPDX-License-Identifier: Apache-2.0 */
/* High-volume accounts: who logs in as one, by what, and as whom it may send. */
#include "directory_fixture.h"

static enum directory_result add(struct directory_fixture *f, const char *address,
                                 const struct account_change *account, struct directory_change *c)
{
    *c = (struct directory_change){.noun = DIRECTORY_ACCOUNT,
                                   .verb = DIRECTORY_ADD,
                                   .name = sgl_view_cstr(address),
                                   .label = SGL_LIT("LOB App 1"),
                                   .account = account};
    return fixture_change(f, c);
}

static enum directory_result set(struct directory_fixture *f, const char *address,
                                 const struct account_change *account, struct directory_change *c)
{
    *c = (struct directory_change){.noun = DIRECTORY_ACCOUNT,
                                   .verb = DIRECTORY_CHANGE,
                                   .name = sgl_view_cstr(address),
                                   .account = account};
    return fixture_change(f, c);
}

static enum directory_result app(struct directory_fixture *f, const char *name,
                                 enum directory_verb verb)
{
    struct directory_change c = {.noun = DIRECTORY_APP,
                                 .verb = verb,
                                 .name = sgl_view_cstr(name),
                                 .domain = {SGL_LIT("*")},
                                 .domains = 1};

    return fixture_change(f, &c);
}

static bool may_send(struct directory_fixture *f, const struct identity *who, const char *address)
{
    struct sgl_arena arena = SGL_ARENA_INIT(4096);
    struct directory_access access;
    struct sgl_mailbox mailbox;
    bool yes;

    assert_int_equal(sgl_mailbox_parse(sgl_view_cstr(address), &arena, &mailbox, NULL), SGL_OK);
    yes = directory_may_send(f->directory, who, &mailbox, NULL, &access);
    sgl_arena_done(&arena);
    return yes;
}

static void test_added(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c;
    struct account_facts facts;
    struct identity *who;

    assert_int_equal(fixture_domain(f, "contoso.test", false), DIRECTORY_OK);
    CHECK_EQ("an account is added", add(f, "LobApp1@Contoso.test", NULL, &c), DIRECTORY_OK);
    CHECK_EQ("a password is made for it", strlen(c.secret), 29);
    who = directory_account(f->directory, SGL_LIT("lobapp1@contoso.TEST"), &facts);
    assert_non_null(who);
    CHECK_STR("it is known by its address in lower case", who->name,
              "account:lobapp1@contoso.test");
    CHECK_STR("and has what people call it", who->label, "LOB App 1");
    CHECK_TRUE("both ways are on where there is no application",
               facts.basic && facts.oauth && facts.password && facts.apps == 0);
    CHECK_STR("its password logs in, in whatever case the address is",
              fixture_login(f, "lobAPP1@contoso.test", c.secret), "account:lobapp1@contoso.test");
    CHECK_STR("another one does not", fixture_login(f, "lobapp1@contoso.test", "correct horse"),
              "refused");
    CHECK_TRUE("it sends as its address", may_send(f, who, "lobapp1@contoso.test"));
    CHECK_TRUE("in whatever case", may_send(f, who, "LOBAPP1@CONTOSO.test"));
    CHECK_TRUE("and as no other one", !may_send(f, who, "boss@contoso.test"));
    CHECK_TRUE("nor as one that is longer", !may_send(f, who, "lobapp11@contoso.test"));
    identity_unref(who);
    fixture_close(f);
    fixture_open(f);
    CHECK_STR("it is there after a restart", fixture_login(f, "lobapp1@contoso.test", c.secret),
              "account:lobapp1@contoso.test");
}

static void test_refused(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c;
    char text[200];

    assert_int_equal(fixture_domain(f, "contoso.test", false), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "a@contoso.test", "correct horse", "contoso.test"),
                     DIRECTORY_OK);
    CHECK_EQ("the domain must be there", add(f, "a@other.test", NULL, &c), DIRECTORY_NOT_FOUND);
    CHECK_STR("and the refusal names the address", c.field, "address");
    CHECK_EQ("a whole domain is none", add(f, "*@contoso.test", NULL, &c), DIRECTORY_INVALID);
    CHECK_EQ("a domain is none", add(f, "contoso.test", NULL, &c), DIRECTORY_INVALID);
    CHECK_EQ("nothing is none", add(f, "", NULL, &c), DIRECTORY_INVALID);
    CHECK_EQ("a line is none", add(f, "a\r\nb@contoso.test", NULL, &c), DIRECTORY_INVALID);
    CHECK_EQ("a slash is none", add(f, "a/b@contoso.test", NULL, &c), DIRECTORY_INVALID);
    memset(text, 'a', sizeof(text));
    memcpy(text + 120, "@contoso.test", 14);
    CHECK_EQ("one that is too long is none", add(f, text, NULL, &c), DIRECTORY_INVALID);
    CHECK_EQ("a credential's user name is taken", add(f, "A@contoso.test", NULL, &c),
             DIRECTORY_EXISTS);
    CHECK_EQ("another one is free", add(f, "b@contoso.test", NULL, &c), DIRECTORY_OK);
    CHECK_EQ("and taken then, in any case", add(f, "B@contoso.test", NULL, &c), DIRECTORY_EXISTS);
    CHECK_EQ("also for credentials",
             fixture_credential(f, "B@contoso.test", "correct horse", "contoso.test"),
             DIRECTORY_EXISTS);
    directory_accounts_max(f->directory, 1);
    CHECK_EQ("a subscription has so many", add(f, "c@contoso.test", NULL, &c), DIRECTORY_INVALID);
    c = (struct directory_change){
        .noun = DIRECTORY_DOMAIN, .verb = DIRECTORY_REMOVE, .name = SGL_LIT("contoso.test")};
    assert_int_equal(fixture_change(f, &c), DIRECTORY_IN_USE);
}

static void test_passwords_switched_off(void **state)
{
    struct directory_fixture *f = *state;
    struct account_change on = {.basic = ACCOUNT_ON}, off = {.basic = ACCOUNT_OFF};
    struct directory_change c;
    struct scram_secret scram;
    struct identity *who;
    char secret[128];

    assert_int_equal(fixture_domain(f, "contoso.test", false), DIRECTORY_OK);
    assert_int_equal(app(f, "billing", DIRECTORY_ADD), DIRECTORY_OK);
    CHECK_EQ("with an application there", add(f, "a@contoso.test", NULL, &c), DIRECTORY_OK);
    CHECK_STR("an account has no password", c.secret, "");
    CHECK_EQ("until that is asked for", set(f, "A@contoso.test", &on, &c), DIRECTORY_OK);
    snprintf(secret, sizeof(secret), "%s", c.secret);
    CHECK_STR("then it logs in", fixture_login(f, "a@contoso.test", secret),
              "account:a@contoso.test");
    CHECK_EQ("it is switched off", set(f, "a@contoso.test", &off, &c), DIRECTORY_OK);
    CHECK_STR("and opens nothing, also not from the cache",
              fixture_login(f, "a@contoso.test", secret), "refused");
    directory_scram(f->directory, SGL_LIT("a@contoso.test"), &scram);
    CHECK_TRUE("nor does SCRAM", !scram.known);
    who = directory_login(f->directory, SGL_LIT("a@contoso.test"));
    CHECK_TRUE("nobody logs in by it", who == NULL);
    CHECK_EQ("it is switched on again", set(f, "a@contoso.test", &on, &c), DIRECTORY_OK);
    CHECK_STR("without a new one", c.secret, "");
    CHECK_STR("the former is right", fixture_login(f, "a@contoso.test", secret),
              "account:a@contoso.test");
}

static struct identity *as_app(struct directory_fixture *f, const char *name)
{
    struct identity *who = directory_app(f->directory, sgl_view_cstr(name), NULL), *account;

    if (who == NULL)
        return NULL;
    account = directory_account_of_app(f->directory, SGL_LIT("A@contoso.test"), who);
    identity_unref(who);
    identity_unref(account); /* it is only compared */
    return account;
}

static void test_applications(void **state)
{
    struct directory_fixture *f = *state;
    sgl_view billing = SGL_LIT("billing"), many[ACCOUNT_APPS_MAX + 1];
    struct account_change allow = {.allow = &billing, .allows = 1},
                          forbid = {.forbid = &billing, .forbids = 1}, off = {.oauth = ACCOUNT_OFF},
                          on = {.oauth = ACCOUNT_ON}, all = {.allow = many};
    struct directory_change c;
    char name[ACCOUNT_APPS_MAX + 1][8];

    assert_int_equal(fixture_domain(f, "contoso.test", false), DIRECTORY_OK);
    CHECK_EQ("an application must be there", add(f, "a@contoso.test", &allow, &c),
             DIRECTORY_NOT_FOUND);
    CHECK_STR("the refusal names the member", c.field, "app");
    assert_int_equal(app(f, "billing", DIRECTORY_ADD), DIRECTORY_OK);
    assert_int_equal(app(f, "other", DIRECTORY_ADD), DIRECTORY_OK);
    assert_int_equal(add(f, "a@contoso.test", &allow, &c), DIRECTORY_OK);
    CHECK_TRUE("one that is allowed logs in", as_app(f, "billing") != NULL);
    CHECK_TRUE("another one does not", as_app(f, "other") == NULL);
    assert_int_equal(set(f, "a@contoso.test", &off, &c), DIRECTORY_OK);
    CHECK_TRUE("nor does any with OAuth switched off", as_app(f, "billing") == NULL);
    assert_int_equal(set(f, "a@contoso.test", &on, &c), DIRECTORY_OK);
    CHECK_TRUE("it does when it is on again", as_app(f, "billing") != NULL);
    assert_int_equal(set(f, "a@contoso.test", &forbid, &c), DIRECTORY_OK);
    CHECK_TRUE("one that was taken off does not", as_app(f, "billing") == NULL);
    CHECK_EQ("twice it cannot be taken off", set(f, "a@contoso.test", &forbid, &c),
             DIRECTORY_NOT_FOUND);
    assert_int_equal(set(f, "a@contoso.test", &allow, &c), DIRECTORY_OK);
    assert_int_equal(app(f, "billing", DIRECTORY_REMOVE), DIRECTORY_OK);
    assert_int_equal(app(f, "billing", DIRECTORY_ADD), DIRECTORY_OK);
    CHECK_TRUE("a new one of the same name is another", as_app(f, "billing") == NULL);
    for (size_t i = 0; i <= ACCOUNT_APPS_MAX; i++) {
        snprintf(name[i], sizeof(name[i]), "app%zu", i);
        assert_int_equal(app(f, name[i], DIRECTORY_ADD), DIRECTORY_OK);
        many[i] = sgl_view_cstr(name[i]);
    }
    all.allows = ACCOUNT_APPS_MAX + 1;
    CHECK_EQ("more than ten are refused", set(f, "a@contoso.test", &all, &c), DIRECTORY_INVALID);
    all.allows = ACCOUNT_APPS_MAX - 1; /* and the one that is gone */
    CHECK_EQ("ten are not", set(f, "a@contoso.test", &all, &c), DIRECTORY_OK);
}

static void test_profile(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c, p = {.noun = DIRECTORY_ACCOUNT,
                                    .verb = DIRECTORY_CHANGE,
                                    .name = SGL_LIT("a@contoso.test"),
                                    .profile = SGL_LIT("mailbox")};
    struct identity *before, *after;

    assert_int_equal(fixture_domain(f, "contoso.test", false), DIRECTORY_OK);
    assert_int_equal(add(f, "a@contoso.test", NULL, &c), DIRECTORY_OK);
    before = directory_account(f->directory, SGL_LIT("a@contoso.test"), NULL);
    CHECK_STR("it has no profile of its own", identity_profile(before), "");
    CHECK_EQ("it gets one", fixture_change(f, &p), DIRECTORY_OK);
    CHECK_STR("who holds it already sees it", identity_profile(before), "mailbox");
    identity_unref(before);
    fixture_close(f);
    fixture_open(f);
    after = directory_account(f->directory, SGL_LIT("a@contoso.test"), NULL);
    CHECK_STR("it stays over a restart", identity_profile(after), "mailbox");
    identity_unref(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTORY_TEST(test_added),
        DIRECTORY_TEST(test_refused),
        DIRECTORY_TEST(test_passwords_switched_off),
        DIRECTORY_TEST(test_applications),
        DIRECTORY_TEST(test_profile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
