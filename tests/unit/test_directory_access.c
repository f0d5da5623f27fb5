/* SPDX-License-Identifier: Apache-2.0 */
/* What senders, groups and policies decide for every kind of identity, and that they decide the same after a restart. */
#include "directory_access_fixture.h"

static const char own_a[] = "a@app.test", own_b[] = "b@app.test", of_shared[] = "box@shared.test",
                  foreign[] = "ceo@foreign.test";

/* What is set up before a row is asked, for the identity %: groups "+g" and senders, policies. */
enum state_of {
    NO_POLICY,
    ALLOW_A,       /* group with a@app.test */
    ALLOW_SHARED,  /* group with box@shared.test */
    ALLOW_ALL_APP, /* group with all of app.test */
    ALLOW_EMPTY,
    DENY_A,
    DENY_ALL_APP,
    DENY_A_ALLOW_ALL_APP,
    DENY_ALL_APP_ALLOW_A,
    ALLOW_FOREIGN, /* of no domain that is here */
    SENDER_A,      /* a@app.test is its only sender */
    SENDER_A_ALLOW_SHARED,
    SENDER_A_DENY_A,
    DOMAIN_LISTS_A, /* a@app.test is the domain's only sender */
    STATES
};
static const struct {
    const char *allow, *deny; /* members of a group; NULL: no policy */
    bool sender_a, lists_a;
} states[STATES] = {
    [NO_POLICY] = {NULL, NULL, false, false},
    [ALLOW_A] = {"+a@app.test", NULL, false, false},
    [ALLOW_SHARED] = {"+box@shared.test", NULL, false, false},
    [ALLOW_ALL_APP] = {"+app.test", NULL, false, false},
    [ALLOW_EMPTY] = {"", NULL, false, false},
    [DENY_A] = {NULL, "+a@app.test", false, false},
    [DENY_ALL_APP] = {NULL, "+app.test", false, false},
    [DENY_A_ALLOW_ALL_APP] = {"+app.test", "+a@app.test", false, false},
    [DENY_ALL_APP_ALLOW_A] = {"+a@app.test", "+app.test", false, false},
    [ALLOW_FOREIGN] = {"+foreign.test", NULL, false, false},
    [SENDER_A] = {NULL, NULL, true, false},
    [SENDER_A_ALLOW_SHARED] = {"+box@shared.test", NULL, true, false},
    [SENDER_A_DENY_A] = {NULL, "+a@app.test", true, false},
    [DOMAIN_LISTS_A] = {NULL, NULL, false, true},
};
/* The answers for a@, b@ of the own domain, box@shared.test, and one that is not here; an identity that may use all domains has another word for the third. */
static const struct {
    enum state_of state;
    const char *a, *b, *shared, *shared_of_any;
} wanted[STATES] = {
    {NO_POLICY, "yes own-domain", "yes own-domain", "no not-own-domain", "yes own-domain"},
    {ALLOW_A, "yes allow-policy g1 a@app.test", "no not-in-allowed-group",
     "no not-in-allowed-group", "no not-in-allowed-group"},
    {ALLOW_SHARED, "no not-in-allowed-group", "no not-in-allowed-group",
     "yes allow-policy g1 box@shared.test", "yes allow-policy g1 box@shared.test"},
    {ALLOW_ALL_APP, "yes allow-policy g1 *@app.test", "yes allow-policy g1 *@app.test",
     "no not-in-allowed-group", "no not-in-allowed-group"},
    {ALLOW_EMPTY, "no not-in-allowed-group", "no not-in-allowed-group", "no not-in-allowed-group",
     "no not-in-allowed-group"},
    {DENY_A, "no deny-policy g2 a@app.test", "yes own-domain", "no not-own-domain",
     "yes own-domain"},
    {DENY_ALL_APP, "no deny-policy g2 *@app.test", "no deny-policy g2 *@app.test",
     "no not-own-domain", "yes own-domain"},
    {DENY_A_ALLOW_ALL_APP, "no deny-policy g2 a@app.test", "yes allow-policy g1 *@app.test",
     "no not-in-allowed-group", "no not-in-allowed-group"},
    {DENY_ALL_APP_ALLOW_A, "no deny-policy g2 *@app.test", "no deny-policy g2 *@app.test",
     "no not-in-allowed-group", "no not-in-allowed-group"},
    {ALLOW_FOREIGN, "no not-in-allowed-group", "no not-in-allowed-group", "no not-in-allowed-group",
     "no not-in-allowed-group"},
    {SENDER_A, "yes own-sender a@app.test", "no not-own-sender", "no not-own-domain",
     "no not-own-sender"},
    {SENDER_A_ALLOW_SHARED, "no not-in-allowed-group", "no not-in-allowed-group",
     "yes allow-policy g1 box@shared.test", "yes allow-policy g1 box@shared.test"},
    {SENDER_A_DENY_A, "no deny-policy g2 a@app.test", "no not-own-sender", "no not-own-domain",
     "no not-own-sender"},
    {DOMAIN_LISTS_A, "yes domain-sender a@app.test", "no not-domain-sender", "no not-own-domain",
     "yes own-domain"},
};

static void check_answers(struct directory_fixture *f, size_t n, const char *pattern,
                          const char *identity, bool any)
{
    const char *shared = any ? wanted[n].shared_of_any : wanted[n].shared;
    char name[128];

    snprintf(name, sizeof(name), "state %zu, policy of %s, asked by %s", n, pattern, identity);
    assert_true(wanted[n].a != NULL && wanted[n].b != NULL && shared != NULL);
    CHECK_STR(name, asked(f, identity, own_a), wanted[n].a);
    CHECK_STR(name, asked(f, identity, "A@App.TEST"), wanted[n].a);
    CHECK_STR(name, asked(f, identity, own_b), wanted[n].b);
    CHECK_STR(name, asked(f, identity, of_shared), shared);
    CHECK_STR(name, asked(f, identity, foreign), "no no-such-domain");
}

/* The groups of the state are there: the rest of it, for `pattern`; what has to be taken back is in the ids. */
static void set_state(struct directory_fixture *f, enum state_of s, const char *pattern,
                      const char *identity, char first[32], char second[32])
{
    first[0] = second[0] = '\0';
    if (states[s].allow != NULL) {
        assert_int_equal(policy(f, pattern, false, "g1"), DIRECTORY_OK);
        snprintf(first, 32, "%s", last_id);
    }
    if (states[s].deny != NULL) {
        assert_int_equal(policy(f, pattern, true, "g2"), DIRECTORY_OK);
        snprintf(second, 32, "%s", last_id);
    }
    if (states[s].sender_a)
        assert_int_equal(sender(f, DIRECTORY_ADD, own_a, identity), DIRECTORY_OK);
}

static void unset_state(struct directory_fixture *f, enum state_of s, const char *identity,
                        const char *first, const char *second)
{
    if (first[0] != '\0')
        assert_int_equal(removed(f, DIRECTORY_POLICY, first), DIRECTORY_OK);
    if (second[0] != '\0')
        assert_int_equal(removed(f, DIRECTORY_POLICY, second), DIRECTORY_OK);
    if (states[s].sender_a)
        assert_int_equal(sender(f, DIRECTORY_REMOVE, own_a, identity), DIRECTORY_OK);
}

static void check_state(struct directory_fixture *f, size_t n, const char *pattern,
                        const char *identity, bool any)
{
    char first[32], second[32];

    set_state(f, wanted[n].state, pattern, identity, first, second);
    check_answers(f, n, pattern, identity, any);
    unset_state(f, wanted[n].state, identity, first, second);
}

static void set_groups(struct directory_fixture *f, enum state_of s)
{
    if (states[s].allow != NULL)
        assert_int_equal(group(f, DIRECTORY_ADD, "g1", states[s].allow, ""), DIRECTORY_OK);
    if (states[s].deny != NULL)
        assert_int_equal(group(f, DIRECTORY_ADD, "g2", states[s].deny, ""), DIRECTORY_OK);
    if (states[s].lists_a)
        assert_int_equal(sender(f, DIRECTORY_ADD, own_a, ""), DIRECTORY_OK);
}

static void remove_groups(struct directory_fixture *f, enum state_of s)
{
    if (states[s].allow != NULL)
        assert_int_equal(removed(f, DIRECTORY_GROUP, "g1"), DIRECTORY_OK);
    if (states[s].deny != NULL)
        assert_int_equal(removed(f, DIRECTORY_GROUP, "g2"), DIRECTORY_OK);
    if (states[s].lists_a)
        assert_int_equal(sender(f, DIRECTORY_REMOVE, own_a, ""), DIRECTORY_OK);
}

static void test_every_kind_and_state(void **state)
{
    struct directory_fixture *f = *state;
    const struct {
        const char *identity, *kind;
        bool any; /* domain */
    } who[] = {{"credential:app", "credential:*", false},
               {"credential:other", "credential:*", true},
               {key_name(f, "app.test"), "key:*", false},
               {"app:app", "app:*", false},
               {"local:uid=1000", NULL, true}};

    for (size_t n = 0; n < STATES; n++) {
        bool patterns = wanted[n].state == ALLOW_SHARED || wanted[n].state == DENY_A;

        set_groups(f, wanted[n].state);
        for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
            check_state(f, n, who[i].identity, who[i].identity, who[i].any);
            if (patterns)
                check_state(f, n, "*", who[i].identity, who[i].any);
            if (patterns && who[i].kind != NULL)
                check_state(f, n, who[i].kind, who[i].identity, who[i].any);
        }
        remove_groups(f, wanted[n].state);
    }
}

/* An account has its address as its sender from the start; policies count for it as for all. */
static const struct {
    enum state_of state;
    const char *a, *b, *shared;
} wanted_of_account[STATES] = {
    {NO_POLICY, "yes own-sender a@app.test", "no not-own-sender", "no not-own-domain"},
    {ALLOW_A, "yes allow-policy g1 a@app.test", "no not-in-allowed-group",
     "no not-in-allowed-group"},
    {ALLOW_SHARED, "no not-in-allowed-group", "no not-in-allowed-group",
     "yes allow-policy g1 box@shared.test"},
    {ALLOW_ALL_APP, "yes allow-policy g1 *@app.test", "yes allow-policy g1 *@app.test",
     "no not-in-allowed-group"},
    {ALLOW_EMPTY, "no not-in-allowed-group", "no not-in-allowed-group", "no not-in-allowed-group"},
    {DENY_A, "no deny-policy g2 a@app.test", "no not-own-sender", "no not-own-domain"},
    {DENY_ALL_APP, "no deny-policy g2 *@app.test", "no deny-policy g2 *@app.test",
     "no not-own-domain"},
    {DENY_A_ALLOW_ALL_APP, "no deny-policy g2 a@app.test", "yes allow-policy g1 *@app.test",
     "no not-in-allowed-group"},
    {DENY_ALL_APP_ALLOW_A, "no deny-policy g2 *@app.test", "no deny-policy g2 *@app.test",
     "no not-in-allowed-group"},
    {ALLOW_FOREIGN, "no not-in-allowed-group", "no not-in-allowed-group",
     "no not-in-allowed-group"},
    {SENDER_A, "yes own-sender a@app.test", "no not-own-sender", "no not-own-domain"},
    {SENDER_A_ALLOW_SHARED, "no not-in-allowed-group", "no not-in-allowed-group",
     "yes allow-policy g1 box@shared.test"},
    {SENDER_A_DENY_A, "no deny-policy g2 a@app.test", "no not-own-sender", "no not-own-domain"},
    {DOMAIN_LISTS_A, "yes own-sender a@app.test", "no not-own-sender", "no not-own-domain"},
};

static void test_an_account_in_every_state(void **state)
{
    static const char who[] = "account:a@app.test";
    struct directory_fixture *f = *state;
    char first[32], second[32], name[64];

    assert_int_equal(change(f, (struct directory_change){.noun = DIRECTORY_ACCOUNT,
                                                         .verb = DIRECTORY_ADD,
                                                         .name = SGL_LIT("a@app.test"),
                                                         .label = SGL_LIT("LOB App 1")}),
                     DIRECTORY_OK);
    for (size_t n = 0; n < STATES; n++) {
        enum state_of s = wanted_of_account[n].state;

        snprintf(name, sizeof(name), "an account in state %zu", n);
        set_groups(f, s);
        set_state(f, s, who, who, first, second);
        CHECK_STR(name, asked(f, who, own_a), wanted_of_account[n].a);
        CHECK_STR(name, asked(f, who, own_b), wanted_of_account[n].b);
        CHECK_STR(name, asked(f, who, of_shared), wanted_of_account[n].shared);
        CHECK_STR(name, asked(f, who, foreign), "no no-such-domain");
        unset_state(f, s, who, first, second);
        remove_groups(f, s);
    }
}

static void test_a_policy_of_one_is_not_for_another(void **state)
{
    struct directory_fixture *f = *state;

    assert_int_equal(group(f, DIRECTORY_ADD, "g", "+box@shared.test", ""), DIRECTORY_OK);
    assert_int_equal(policy(f, "app:app", false, "g"), DIRECTORY_OK);
    CHECK_STR("the application has it", asked(f, "app:app", of_shared),
              "yes allow-policy g box@shared.test");
    CHECK_STR("the credential of its name does not", asked(f, "credential:app", of_shared),
              "no not-own-domain");
    CHECK_STR("and sends as before", asked(f, "credential:app", own_a), "yes own-domain");
    assert_int_equal(sender(f, DIRECTORY_ADD, own_b, "credential:app"), DIRECTORY_OK);
    CHECK_STR("a sender of one confines nobody else", asked(f, "credential:other", own_a),
              "yes own-domain");
}

/* Another spelling is another address: never what was allowed, and not sent as where single addresses are denied. */
static void test_look_alikes(void **state)
{
    static const struct {
        const char *name, *address;
    } rows[] = {
        {"a Cyrillic letter", "b\xd0\xbess@app.test"},
        {"a full-width letter", "\xef\xbd\x82oss@app.test"},
        {"a letter and a mark", "bo\xcc\x88ss@app.test"},
        {"a zero-width sign", "boss\xe2\x80\x8d@app.test"},
        {"a soft hyphen", "bo\xc2\xadss@app.test"},
        {"an encoded word [RFC 2047 s5]", "=?utf-8?q?boss?=@app.test"},
    };
    struct directory_fixture *f = *state;

    assert_int_equal(group(f, DIRECTORY_ADD, "boss", "+Boss@app.test", ""), DIRECTORY_OK);
    assert_int_equal(policy(f, "app:app", true, "boss"), DIRECTORY_OK);
    assert_int_equal(policy(f, "credential:app", false, "boss"), DIRECTORY_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_TRUE(rows[i].name, strncmp(asked(f, "app:app", rows[i].address), "no ", 3) == 0);
        CHECK_TRUE(rows[i].name,
                   strncmp(asked(f, "credential:app", rows[i].address), "no ", 3) == 0);
    }
    CHECK_STR("another ASCII address is not in doubt", asked(f, "app:app", own_b),
              "yes own-domain");
    CHECK_STR("quotes change nothing", asked(f, "app:app", "\"boss\"@app.test"),
              "no deny-policy boss Boss@app.test");
    assert_int_equal(sender(f, DIRECTORY_ADD, "j\xc3\xb6rg@app.test", "app:app"), DIRECTORY_OK);
    CHECK_STR("one that is listed itself is not in doubt",
              asked(f, "app:app", "j\xc3\xb6rg@app.test"), "yes own-sender j\xc3\xb6rg@app.test");
}

static void test_exact_local_parts(void **state)
{
    struct directory_fixture *f = *state;

    assert_int_equal(sender(f, DIRECTORY_ADD, "News@app.test", "app:app"), DIRECTORY_OK);
    CHECK_STR("at first the case does not count", asked(f, "app:app", "news@app.test"),
              "yes own-sender News@app.test");
    directory_exact_local_parts(f->directory, true);
    CHECK_STR("then it does", asked(f, "app:app", "news@app.test"), "no not-own-sender");
    CHECK_STR("of the local part only", asked(f, "app:app", "News@APP.test"),
              "yes own-sender News@app.test");
    CHECK_EQ("another one may stand beside it",
             sender(f, DIRECTORY_ADD, "news@app.test", "app:app"), DIRECTORY_OK);
    directory_exact_local_parts(f->directory, false);
    CHECK_EQ("one goes", sender(f, DIRECTORY_REMOVE, "news@app.test", "app:app"), DIRECTORY_OK);
    CHECK_TRUE("the other is there still",
               strncmp(asked(f, "app:app", "news@app.test"), "yes ", 4) == 0);
}

/* ---- over a restart ---- */

static void test_restart(void **state)
{
    struct directory_fixture *f = *state;

    assert_int_equal(group(f, DIRECTORY_ADD, "g", "+box@shared.test +*@app.test", ""),
                     DIRECTORY_OK);
    assert_int_equal(group(f, DIRECTORY_ADD, "d", "+a@app.test", ""), DIRECTORY_OK);
    assert_int_equal(policy(f, "app:app", false, "g"), DIRECTORY_OK);
    assert_int_equal(policy(f, "*", true, "d"), DIRECTORY_OK);
    assert_int_equal(sender(f, DIRECTORY_ADD, "B@app.test", "credential:app"), DIRECTORY_OK);
    for (unsigned round = 0; round < 2; round++) {
        CHECK_STR("allowed", asked(f, "app:app", of_shared), "yes allow-policy g box@shared.test");
        CHECK_STR("denied", asked(f, "app:app", own_a), "no deny-policy d a@app.test");
        CHECK_STR("its sender", asked(f, "credential:app", own_b), "yes own-sender B@app.test");
        CHECK_STR("none of its", asked(f, "credential:app", "c@app.test"), "no not-own-sender");
        fixture_close(f);
        fixture_open(f);
    }
}

static void test_a_group_that_is_gone_grants_nothing(void **state)
{
    struct directory_fixture *f = *state;

    write_noun(f, "policy", "p1",
               "{\"created_at\":1,\"identity\":\"app:app\",\"group\":\"gone\",\"deny\":true,"
               "\"description\":\"\"}");
    fixture_close(f);
    fixture_open(f);
    CHECK_STR("nothing is granted", asked(f, "app:app", own_a), "no group-missing gone");
    CHECK_STR("to others it is", asked(f, "credential:app", own_a), "yes own-domain");
    assert_int_equal(group(f, DIRECTORY_ADD, "gone", "+b@app.test", ""), DIRECTORY_OK);
    CHECK_STR("until it is there again", asked(f, "app:app", own_a), "yes own-domain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_kind_and_state, access_setup, access_teardown),
        cmocka_unit_test_setup_teardown(test_an_account_in_every_state, access_setup,
                                        access_teardown),
        cmocka_unit_test_setup_teardown(test_a_policy_of_one_is_not_for_another, access_setup,
                                        access_teardown),
        cmocka_unit_test_setup_teardown(test_look_alikes, access_setup, access_teardown),
        cmocka_unit_test_setup_teardown(test_exact_local_parts, access_setup, access_teardown),
        cmocka_unit_test_setup_teardown(test_restart, access_setup, access_teardown),
        cmocka_unit_test_setup_teardown(test_a_group_that_is_gone_grants_nothing, access_setup,
                                        access_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
