/* SPDX-License-Identifier: Apache-2.0 */
/* Acting in the place of another subscription, and what narrows a key beside its domains. */
#include "directory_access_fixture.h"
#include "fail_alloc.h"

static void add_subscription(struct directory_fixture *f, const char *name)
{
    assert_int_equal(change(f, (struct directory_change){.noun = DIRECTORY_SUBSCRIPTION,
                                                         .verb = DIRECTORY_ADD,
                                                         .name = sgl_view_cstr(name)}),
                     DIRECTORY_OK);
}

static struct identity *key_of(struct directory_fixture *f, enum role role, const char *domain)
{
    struct directory_change c = {.noun = DIRECTORY_KEY, .verb = DIRECTORY_ADD, .role = role};

    if (domain != NULL)
        c.domain[c.domains++] = sgl_view_cstr(domain);
    assert_int_equal(change(f, c), DIRECTORY_OK);
    return directory_key(f->directory, sgl_view_cstr(last_id), NULL);
}

static void test_acting(void **state)
{
    struct directory_fixture *f = *state;
    struct identity *operator_ = key_of(f, ROLE_OPERATOR, NULL), *made = NULL;
    struct subscription *acme;

    add_subscription(f, "acme");
    acme = directory_subscription(f->directory, SGL_LIT("acme"));
    for (int by_guid = 0; by_guid < 2; by_guid++) {
        assert_int_equal(directory_acting_for(f->directory, operator_,
                                              sgl_view_cstr(by_guid ? acme->guid : "acme"), &made),
                         DIRECTORY_OK);
        CHECK_STR("under his own name", made->name, operator_->name);
        CHECK_STR("of that subscription", made->subscription, "acme");
        CHECK_TRUE("its owner, no more", made->role == ROLE_OWNER && made->any_domain);
        identity_unref(made);
    }
    for (size_t n = 1; fail_alloc_round(n); n++) {
        enum directory_result result =
            directory_acting_for(f->directory, operator_, SGL_LIT("acme"), &made);

        CHECK_EQ("without memory nobody", result,
                 fail_alloc_hit() ? DIRECTORY_UNAVAILABLE : DIRECTORY_OK);
        if (result == DIRECTORY_OK)
            identity_unref(made);
    }
    assert_int_equal(directory_acting_for(f->directory, operator_, SGL_LIT("default"), &made),
                     DIRECTORY_OK);
    CHECK_TRUE("his own is himself", made == operator_);
    identity_unref(made);
    CHECK_EQ("there is no such one",
             directory_acting_for(f->directory, operator_, SGL_LIT("nobody"), &made),
             DIRECTORY_NOT_FOUND);
    assert_int_equal(removed(f, DIRECTORY_KEY, strchr(operator_->name, ':') + 1), DIRECTORY_OK);
    CHECK_EQ("removed, he acts for nobody",
             directory_acting_for(f->directory, operator_, SGL_LIT("acme"), &made),
             DIRECTORY_NOT_FOUND);
    subscription_unref(acme);
    identity_unref(operator_);
}

static void test_not_acting(void **state)
{
    static const enum role roles[] = {ROLE_NONE, ROLE_READER, ROLE_OWNER};
    struct directory_fixture *f = *state;

    add_subscription(f, "acme");
    for (size_t i = 0; i < 3; i++) {
        struct identity *who = key_of(f, roles[i], "*"), *made = NULL;

        CHECK_EQ(role_name(roles[i]),
                 directory_acting_for(f->directory, who, SGL_LIT("acme"), &made),
                 DIRECTORY_NOT_FOUND);
        CHECK_TRUE("nobody is made", made == NULL);
        identity_unref(who);
    }
}

static void test_narrowed(void **state)
{
    struct directory_fixture *f = *state;
    struct identity *who = key_of(f, ROLE_NONE, "*");
    char address[64];

    CHECK_TRUE("nothing does", !directory_is_narrowed(f->directory, who));
    assert_int_equal(group(f, DIRECTORY_ADD, "g", "+a@app.test", "default"), DIRECTORY_OK);
    assert_int_equal(policy(f, "key:*", false, "g"), DIRECTORY_OK);
    CHECK_TRUE("what is for all keys is for new ones, too",
               !directory_is_narrowed(f->directory, who));
    assert_int_equal(policy(f, who->name, false, "g"), DIRECTORY_OK);
    CHECK_TRUE("a policy of its own does", directory_is_narrowed(f->directory, who));
    identity_unref(who);
    who = key_of(f, ROLE_NONE, "*");
    snprintf(address, sizeof(address), "b@app.test");
    assert_int_equal(sender(f, DIRECTORY_ADD, address, who->name), DIRECTORY_OK);
    CHECK_TRUE("a sender does", directory_is_narrowed(f->directory, who));
    identity_unref(who);
    who = key_of(f, ROLE_NONE, "*");
    assert_int_equal(change(f, (struct directory_change){.noun = DIRECTORY_KEY,
                                                         .verb = DIRECTORY_CHANGE,
                                                         .name = sgl_view_cstr(last_id),
                                                         .profile = SGL_LIT("small")}),
                     DIRECTORY_OK);
    CHECK_TRUE("limits do, for who holds the older one, too",
               directory_is_narrowed(f->directory, who));
    identity_unref(who);
}

static void test_domains(void **state)
{
    struct directory_fixture *f = *state;
    struct identity *any = key_of(f, ROLE_NONE, "*"), *one = key_of(f, ROLE_NONE, "app.test"),
                    *none = key_of(f, ROLE_READER, NULL);

    CHECK_TRUE("any is more than one", identity_has_domains_of(any, one));
    CHECK_TRUE("one is not any", !identity_has_domains_of(one, any));
    CHECK_TRUE("one has its own", identity_has_domains_of(one, one));
    CHECK_TRUE("none is within all", identity_has_domains_of(one, none));
    CHECK_TRUE("none has none", !identity_has_domains_of(none, one));
    identity_unref(any);
    identity_unref(one);
    identity_unref(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_acting, access_setup, access_teardown),
        cmocka_unit_test_setup_teardown(test_not_acting, access_setup, access_teardown),
        cmocka_unit_test_setup_teardown(test_narrowed, access_setup, access_teardown),
        cmocka_unit_test_setup_teardown(test_domains, access_setup, access_teardown),
    };

    fail_alloc_this_thread();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
