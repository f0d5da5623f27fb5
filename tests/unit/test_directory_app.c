/* SPDX-License-Identifier: Apache-2.0 */
/* Applications: their secrets, who may log in with which, kept over a restart. */
#include "directory_fixture.h"

static int setup(void **state)
{
    struct directory_fixture *f = fixture_new();

    *state = f;
    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

static struct directory_change app_named(const char *name, enum directory_verb verb)
{
    return (struct directory_change){
        .noun = DIRECTORY_APP, .verb = verb, .name = sgl_view_cstr(name)};
}

/* The application "crm" with its first secret. */
static struct app_facts add_crm(struct directory_fixture *f, char secret[128])
{
    struct directory_change c = app_named("crm", DIRECTORY_ADD);
    struct app_facts facts;

    c.domain[0] = SGL_LIT("example.org");
    c.domains = 1;
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    snprintf(secret, 128, "%s", c.secret);
    identity_unref(directory_app(f->directory, SGL_LIT("crm"), &facts));
    return facts;
}

static enum app_login login(struct directory_fixture *f, const char *client, const char *tenant,
                            const char *secret, int64_t now)
{
    struct identity *who = NULL;
    enum app_login found =
        directory_app_login(f->directory, sgl_view_cstr(client), sgl_view_cstr(tenant),
                            sgl_view_cstr(secret), now, &who);

    CHECK_EQ("an identity comes with APP_OK, and only then", who != NULL, found == APP_OK);
    if (who != NULL)
        CHECK_STR("it is the application's", who->name, "app:crm");
    identity_unref(who);
    return found;
}

static void test_login(void **state)
{
    struct directory_fixture *f = *state;
    char secret[128], wrong[128], upper[GUID_TEXT_SIZE];
    struct app_facts facts = add_crm(f, secret);
    int64_t now = clock_now_s();
    const char *id = facts.client_id;

    snprintf(wrong, sizeof(wrong), "%s", secret);
    wrong[0] = wrong[0] == 'x' ? 'y' : 'x';
    for (size_t i = 0; i < sizeof(upper); i++)
        upper[i] = (char)(id[i] >= 'a' && id[i] <= 'f' ? id[i] - 32 : id[i]);
    CHECK_EQ("a secret is 256 bits", strlen(secret), 43);
    CHECK_EQ("it lasts a year", facts.secret[0].expires_at - facts.secret[0].created_at,
             365 * 86400);
    CHECK_EQ("the right secret", login(f, id, "", secret, now), APP_OK);
    CHECK_EQ("the client id in upper case", login(f, upper, "", secret, now), APP_OK);
    CHECK_EQ("its own subscription", login(f, id, "default", secret, now), APP_OK);
    CHECK_EQ("another subscription has no such application", login(f, id, "other", secret, now),
             APP_UNKNOWN);
    CHECK_EQ("a wrong secret", login(f, id, "", wrong, now), APP_WRONG);
    CHECK_EQ("the start of a secret", login(f, id, "", "x", now), APP_WRONG);
    CHECK_EQ("no secret", login(f, id, "", "", now), APP_WRONG);
    CHECK_EQ("a client that is not there",
             login(f, "f47ac10b-58cc-4372-a567-0e02b2c3d479", "", secret, now), APP_UNKNOWN);
    CHECK_EQ("a client id that is none", login(f, "crm", "", secret, now), APP_UNKNOWN);
    CHECK_EQ("the last second of a secret",
             login(f, id, "", secret, facts.secret[0].expires_at - 1), APP_OK);
    CHECK_EQ("its end", login(f, id, "", secret, facts.secret[0].expires_at), APP_EXPIRED);
    CHECK_EQ("a wrong one says nothing of the end",
             login(f, id, "", wrong, facts.secret[0].expires_at), APP_WRONG);
}

static void test_secrets(void **state)
{
    struct directory_fixture *f = *state;
    char first[128], second[128];
    struct app_facts facts = add_crm(f, first);
    struct app_change more = {.secret_add = true, .secret_until = clock_now_s() + 3600};
    struct app_change less = {0};
    struct directory_change c = app_named("crm", DIRECTORY_CHANGE);
    int64_t now = clock_now_s();
    const char *id = facts.client_id;

    c.app = &more;
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    snprintf(second, sizeof(second), "%s", c.secret);
    CHECK_EQ("both secrets are good", login(f, id, "", first, now), APP_OK);
    CHECK_EQ("both secrets are good", login(f, id, "", second, now), APP_OK);
    CHECK_EQ("the second ends when it was told to", login(f, id, "", second, now + 3700),
             APP_EXPIRED);
    fixture_close(f);
    fixture_open(f);
    CHECK_EQ("after a restart both are there", login(f, id, "", first, now), APP_OK);
    CHECK_EQ("after a restart both are there", login(f, id, "", second, now), APP_OK);
    less.secret_remove = sgl_view_cstr(facts.secret[0].id);
    c.app = &less;
    CHECK_EQ("the first goes", fixture_change(f, &c), DIRECTORY_OK);
    CHECK_EQ("it is no good any more", login(f, id, "", first, now), APP_WRONG);
    CHECK_EQ("the other is", login(f, id, "", second, now), APP_OK);
    CHECK_EQ("it cannot go twice", fixture_change(f, &c), DIRECTORY_NOT_FOUND);
    CHECK_STR("the field is named", c.field, "secret");
}

static void test_bounds_of_secrets(void **state)
{
    struct directory_fixture *f = *state;
    char first[128];
    struct app_change more = {.secret_add = true, .secret_until = clock_now_s() - 1};
    struct directory_change c = app_named("crm", DIRECTORY_CHANGE);

    (void)add_crm(f, first);
    c.app = &more;
    CHECK_EQ("a secret cannot have ended", fixture_change(f, &c), DIRECTORY_INVALID);
    CHECK_STR("the field is named", c.field, "expires");
    more.secret_until = clock_now_s() + (int64_t)20 * 365 * 86400;
    CHECK_EQ("nor last for twenty years", fixture_change(f, &c), DIRECTORY_INVALID);
    more.secret_until = 0;
    for (unsigned i = 1; i < APP_SECRETS_MAX; i++)
        CHECK_EQ("there is room for several", fixture_change(f, &c), DIRECTORY_OK);
    CHECK_EQ("not for more", fixture_change(f, &c), DIRECTORY_INVALID);
    CHECK_STR("nothing is shown then", c.secret, "");
}

static void test_nouns(void **state)
{
    struct directory_fixture *f = *state;
    char secret[128];
    struct app_facts facts = add_crm(f, secret);
    struct app_change none = {.no_secret = true};
    struct directory_change c = app_named("crm", DIRECTORY_ADD);
    struct identity *held =
        directory_app_of_client(f->directory, sgl_view_cstr(facts.client_id), NULL);

    c.domain[0] = SGL_LIT("example.org");
    c.domains = 1;
    CHECK_EQ("a second of the same name is not added", fixture_change(f, &c), DIRECTORY_EXISTS);
    c.name = SGL_LIT("erp");
    c.domain[0] = SGL_LIT("example.net");
    CHECK_EQ("its domain must exist", fixture_change(f, &c), DIRECTORY_NOT_FOUND);
    c.domain[0] = SGL_LIT("example.org");
    c.app = &none;
    CHECK_EQ("one without a secret", fixture_change(f, &c), DIRECTORY_OK);
    CHECK_STR("has none to show", c.secret, "");
    c = (struct directory_change){
        .noun = DIRECTORY_DOMAIN, .verb = DIRECTORY_REMOVE, .name = SGL_LIT("example.org")};
    CHECK_EQ("its domain is in use", fixture_change(f, &c), DIRECTORY_IN_USE);
    c = app_named("crm", DIRECTORY_REMOVE);
    CHECK_EQ("it is removed", fixture_change(f, &c), DIRECTORY_OK);
    CHECK_TRUE("who holds it may do nothing more with it", atomic_load(&held->removed));
    CHECK_EQ("it cannot log in", login(f, facts.client_id, "", secret, clock_now_s()), APP_UNKNOWN);
    CHECK_TRUE("nor be found", directory_app(f->directory, SGL_LIT("crm"), NULL) == NULL);
    identity_unref(held);
    (void)add_crm(f, secret);
    CHECK_EQ("a new one of the same name is another",
             login(f, facts.client_id, "", secret, clock_now_s()), APP_UNKNOWN);
}

static void test_tenants(void **state)
{
    struct directory_fixture *f = *state;
    struct subscription *by_name = directory_tenant(f->directory, SGL_LIT("default")), *by_guid;
    char guid[GUID_TEXT_SIZE];

    assert_non_null(by_name);
    snprintf(guid, sizeof(guid), "%s", by_name->guid);
    by_guid = directory_tenant(f->directory, sgl_view_cstr(guid));
    CHECK_TRUE("a subscription is found by its GUID", by_guid == by_name);
    subscription_unref(by_name);
    subscription_unref(by_guid);
    CHECK_TRUE("another GUID is nobody's",
               directory_tenant(f->directory, SGL_LIT("f47ac10b-58cc-4372-a567-0e02b2c3d479")) ==
                   NULL);
    fixture_close(f);
    fixture_open(f);
    by_guid = directory_tenant(f->directory, sgl_view_cstr(guid));
    CHECK_TRUE("and it is the same after a restart", by_guid != NULL);
    subscription_unref(by_guid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_login, setup, teardown),
        cmocka_unit_test_setup_teardown(test_secrets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds_of_secrets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nouns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tenants, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
