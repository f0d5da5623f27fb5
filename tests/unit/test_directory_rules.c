/* SPDX-License-Identifier: Apache-2.0 */
/* Senders, groups, policies: added, refused, in use, removed; and what the store has of them and cannot be read. */
#include "directory_access_fixture.h"

static void test_senders(void **state)
{
    struct directory_fixture *f = *state;

    CHECK_EQ("a sender of a domain", sender(f, DIRECTORY_ADD, "News@app.test", ""), DIRECTORY_OK);
    CHECK_EQ("it is there in another case", sender(f, DIRECTORY_ADD, "news@APP.test.", ""),
             DIRECTORY_EXISTS);
    CHECK_EQ("one of an identity is another", sender(f, DIRECTORY_ADD, "news@app.test", "app:app"),
             DIRECTORY_OK);
    CHECK_EQ("no address", sender(f, DIRECTORY_ADD, "news", ""), DIRECTORY_INVALID);
    CHECK_EQ("a domain that is not here", sender(f, DIRECTORY_ADD, "a@b.test", ""),
             DIRECTORY_NOT_FOUND);
    CHECK_STR("says which field", last_field, "address");
    CHECK_EQ("an identity that is not here", sender(f, DIRECTORY_ADD, "a@app.test", "app:b"),
             DIRECTORY_NOT_FOUND);
    CHECK_EQ("a kind that is none", sender(f, DIRECTORY_ADD, "a@app.test", "user:app"),
             DIRECTORY_NOT_FOUND);
    CHECK_EQ("a name without its kind", sender(f, DIRECTORY_ADD, "a@app.test", "app"),
             DIRECTORY_NOT_FOUND);
    CHECK_STR("says which field", last_field, "identity");
    CHECK_EQ("an identity that may not use the domain",
             sender(f, DIRECTORY_ADD, "a@shared.test", "app:app"), DIRECTORY_INVALID);
    CHECK_EQ("a blank", sender(f, DIRECTORY_ADD, "a b@app.test", ""), DIRECTORY_INVALID);
    CHECK_EQ("who has senders stays", removed(f, DIRECTORY_APP, "app"), DIRECTORY_IN_USE);
    CHECK_STR("and it says which", last_why,
              "sender news@app.test names it; remove that first: "
              "sigillo policy remove, sigillo sender remove");
    CHECK_EQ("a domain that has senders stays", removed(f, DIRECTORY_DOMAIN, "app.test"),
             DIRECTORY_IN_USE);
    CHECK_EQ("it is removed in any case", sender(f, DIRECTORY_REMOVE, "NEWS@app.test", ""),
             DIRECTORY_OK);
    CHECK_EQ("once", sender(f, DIRECTORY_REMOVE, "news@app.test", ""), DIRECTORY_NOT_FOUND);
    CHECK_EQ("of its identity", sender(f, DIRECTORY_REMOVE, "news@app.test", "app:app"),
             DIRECTORY_OK);
    CHECK_EQ("then it may go", removed(f, DIRECTORY_APP, "app"), DIRECTORY_OK);
}

static void test_groups(void **state)
{
    struct directory_fixture *f = *state;
    const char *first;
    struct group *g;

    CHECK_EQ("a group", group(f, DIRECTORY_ADD, "sales", "+a@app.test +shared.test", ""),
             DIRECTORY_OK);
    CHECK_EQ("of the same name", group(f, DIRECTORY_ADD, "sales", "+b@app.test", ""),
             DIRECTORY_EXISTS);
    CHECK_EQ("a name with a slash", group(f, DIRECTORY_ADD, "a/b", "", ""), DIRECTORY_INVALID);
    CHECK_EQ("a member that is none", group(f, DIRECTORY_ADD, "bad", "+a@app.test +a@@b", ""),
             DIRECTORY_INVALID);
    CHECK_STR("says which", last_field, "members[1]");
    CHECK_EQ("a subscription that is not here", group(f, DIRECTORY_ADD, "sales", "", "nobody"),
             DIRECTORY_NOT_FOUND);
    assert_int_equal(change(f, (struct directory_change){.noun = DIRECTORY_SUBSCRIPTION,
                                                         .verb = DIRECTORY_ADD,
                                                         .name = SGL_LIT("second")}),
                     DIRECTORY_OK);
    CHECK_EQ("the same name in another subscription",
             group(f, DIRECTORY_ADD, "sales", "", "second"), DIRECTORY_OK);
    CHECK_EQ("members come and go",
             group(f, DIRECTORY_CHANGE, "sales", "+c@app.test -A@app.test", ""), DIRECTORY_OK);
    CHECK_EQ("one that is not there cannot go",
             group(f, DIRECTORY_CHANGE, "sales", "-x@app.test", ""), DIRECTORY_NOT_FOUND);
    CHECK_STR("says which", last_field, "drop[0]");
    g = directory_group(f->directory, SGL_LIT("default"), SGL_LIT("sales"));
    CHECK_EQ("nothing half done", g->members.used, 2);
    first = access_set_next(&g->members, NULL);
    CHECK_TRUE("those that stay first", first != NULL && strcmp(first, "@shared.test") == 0);
    group_unref(g);
    assert_int_equal(policy(f, "app:app", false, "sales"), DIRECTORY_OK);
    CHECK_EQ("a group in use stays", removed(f, DIRECTORY_GROUP, "sales"), DIRECTORY_IN_USE);
    CHECK_TRUE("and it says by what", strncmp(last_why, "policy ", 7) == 0);
}

static void test_group_limit(void **state)
{
    static char text[DIRECTORY_MEMBERS_MAX + 1][40];
    static sgl_view add[DIRECTORY_MEMBERS_MAX + 1];
    struct directory_fixture *f = *state;
    struct group_change g = {.add = add, .adds = DIRECTORY_MEMBERS_MAX + 1};
    struct directory_change c = {
        .noun = DIRECTORY_GROUP, .verb = DIRECTORY_ADD, .name = SGL_LIT("large"), .group = &g};

    for (size_t i = 0; i < g.adds; i++) {
        snprintf(text[i], sizeof(text[i]), "user%zu@app.test", i);
        add[i] = sgl_view_cstr(text[i]);
    }
    CHECK_EQ("one too many", change(f, c), DIRECTORY_INVALID);
    g.adds--;
    CHECK_EQ("as many as there may be", change(f, c), DIRECTORY_OK);
    assert_int_equal(policy(f, "app:app", false, "large"), DIRECTORY_OK);
    CHECK_STR("the last is found", asked(f, "app:app", "user9999@app.test"),
              "yes allow-policy large user9999@app.test");
    fixture_close(f);
    fixture_open(f);
    CHECK_STR("also after a restart", asked(f, "app:app", "user9999@app.test"),
              "yes allow-policy large user9999@app.test");
    CHECK_STR("no other", asked(f, "app:app", "user10000@app.test"), "no not-in-allowed-group");
}

static void test_policies(void **state)
{
    struct directory_fixture *f = *state;
    char id[32];

    assert_int_equal(group(f, DIRECTORY_ADD, "g", "+a@app.test", ""), DIRECTORY_OK);
    CHECK_EQ("a group that is not here", policy(f, "app:app", false, "h"), DIRECTORY_NOT_FOUND);
    CHECK_STR("says which field", last_field, "group");
    CHECK_EQ("an identity that is not here", policy(f, "app:b", false, "g"), DIRECTORY_NOT_FOUND);
    CHECK_STR("says which field", last_field, "identity");
    CHECK_EQ("all of a kind that is none", policy(f, "user:*", false, "g"), DIRECTORY_NOT_FOUND);
    CHECK_EQ("a policy", policy(f, "credential:app", true, "g"), DIRECTORY_OK);
    snprintf(id, sizeof(id), "%s", last_id);
    CHECK_EQ("an identity with policies stays", removed(f, DIRECTORY_CREDENTIAL, "app"),
             DIRECTORY_IN_USE);
    CHECK_TRUE("and it says which", strstr(last_why, id) != NULL);
    CHECK_STR("it decides at once", asked(f, "credential:app", "a@app.test"),
              "no deny-policy g a@app.test");
    CHECK_EQ("it is removed", removed(f, DIRECTORY_POLICY, id), DIRECTORY_OK);
    CHECK_STR("and decides no more", asked(f, "credential:app", "a@app.test"), "yes own-domain");
    CHECK_EQ("once", removed(f, DIRECTORY_POLICY, id), DIRECTORY_NOT_FOUND);
    for (unsigned i = 0; i < DIRECTORY_POLICIES_MAX; i++)
        assert_int_equal(policy(f, "*", true, "g"), DIRECTORY_OK);
    CHECK_EQ("there is an end to them", policy(f, "*", true, "g"), DIRECTORY_INVALID);
}

static void test_what_cannot_be_read_stops_the_start(void **state)
{
    static const struct {
        const char *kind, *key, *value;
    } rows[] = {
        {"policy", "p1", "{\"identity\":\"app:app\",\"group\":\"g\"}"},
        {"policy", "p1", "{\"identity\":\"app:app\",\"deny\":true}"},
        {"policy", "p1", "{\"group\":\"g\",\"deny\":true}"},
        {"group", "default/g", "{\"members\":[\"a@b.test\",\"no address\"]}"},
        {"group", "default/g", "{\"members\":[7]}"},
        {"group", "no-slash", "{\"members\":[]}"},
        {"sender", "a@app.test", "{\"address\":\"a@app.test\"}"},
        {"sender", "a@app.test", "{\"address\":\"no address\",\"identity\":\"\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct directory_fixture *f = fixture_new();
        struct directory *d;
        char why[256] = "";

        write_noun(f, rows[i].kind, rows[i].key, rows[i].value);
        d = directory_open(f->store, (struct keys *)&fake_keys, f->workers, f->loop, why,
                           sizeof(why));
        CHECK_TRUE(rows[i].value, d == NULL);
        CHECK_TRUE(rows[i].value, strstr(why, rows[i].key) != NULL);
        fixture_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_senders, access_setup, access_teardown),
        cmocka_unit_test_setup_teardown(test_groups, access_setup, access_teardown),
        cmocka_unit_test_setup_teardown(test_group_limit, access_setup, access_teardown),
        cmocka_unit_test_setup_teardown(test_policies, access_setup, access_teardown),
        cmocka_unit_test(test_what_cannot_be_read_stops_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
