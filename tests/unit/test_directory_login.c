/* SPDX-License-Identifier: Apache-2.0 */
/* Applications at a door that has user names: by a secret, by a token that was good; and a queue of hashes that is full. */
#include "directory_fixture.h"

#include "../../server/directory/app_user.h"
#include "../../server/directory/directory_internal.h"

struct app_names {
    char secret[128], client_id[GUID_TEXT_SIZE], tenant[GUID_TEXT_SIZE];
};

static void change(struct directory_fixture *f, struct directory_change c)
{
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
}

static struct app_names app_until(struct directory_fixture *f, const char *name,
                                  const char *subscription, int64_t until)
{
    struct app_change made = {.secret_until = until};
    struct directory_change c = {.noun = DIRECTORY_APP,
                                 .verb = DIRECTORY_ADD,
                                 .name = sgl_view_cstr(name),
                                 .subscription = sgl_view_cstr(subscription),
                                 .domain = {SGL_LIT("*")},
                                 .domains = 1,
                                 .app = &made};
    struct subscription *s;
    struct app_names out;
    struct app_facts facts;

    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    identity_unref(directory_app(f->directory, sgl_view_cstr(name), &facts));
    s = directory_subscription(f->directory, sgl_view_cstr(subscription));
    assert_non_null(s);
    snprintf(out.secret, sizeof(out.secret), "%s", c.secret);
    memcpy(out.client_id, facts.client_id, sizeof(out.client_id));
    memcpy(out.tenant, s->guid, sizeof(out.tenant));
    subscription_unref(s);
    return out;
}

static struct app_names app_added(struct directory_fixture *f, const char *name,
                                  const char *subscription)
{
    return app_until(f, name, subscription, 0);
}

static void account_added(struct directory_fixture *f, const char *address,
                          const char *subscription, const struct account_change *account)
{
    change(f, (struct directory_change){.noun = DIRECTORY_ACCOUNT,
                                        .verb = DIRECTORY_ADD,
                                        .name = sgl_view_cstr(address),
                                        .subscription = sgl_view_cstr(subscription),
                                        .label = SGL_LIT("x"),
                                        .account = account});
}

static int setup(void **state)
{
    struct directory_fixture *f = *state = fixture_new();

    assert_int_equal(fixture_domain(f, "contoso.test", false), DIRECTORY_OK);
    change(f, (struct directory_change){
                  .noun = DIRECTORY_SUBSCRIPTION, .verb = DIRECTORY_ADD, .name = SGL_LIT("other")});
    change(f, (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                        .verb = DIRECTORY_ADD,
                                        .name = SGL_LIT("other.test"),
                                        .subscription = SGL_LIT("other")});
    return 0;
}

/* ---- by a secret ---- */

static const char *user_of(const char *resource, char separator, const char *client_id,
                           const char *tenant)
{
    static char text[256];

    snprintf(text, sizeof(text), "%s%c%s%c%s", resource, separator, client_id, separator, tenant);
    return text;
}

static void test_secret(void **state)
{
    struct directory_fixture *f = *state;
    struct app_names app = app_added(f, "crm", "default"), other = app_added(f, "erp", "other");
    struct directory_change gone = {
        .noun = DIRECTORY_APP, .verb = DIRECTORY_REMOVE, .name = SGL_LIT("crm")};
    char user[256];

    snprintf(user, sizeof(user), "%s", user_of("main", '|', app.client_id, "default"));
    CHECK_STR("with bars", fixture_login(f, user, app.secret), "app:crm");
    CHECK_STR("its name is told", last_user, user);
    CHECK_STR("and again", fixture_login(f, user, app.secret), "app:crm");
    CHECK_STR("a wrong secret", fixture_login(f, user, other.secret), "refused");
    CHECK_STR("no secret", fixture_login(f, user, ""), "refused");
    CHECK_STR("with dots and GUIDs",
              fixture_login(f, user_of("r", '.', app.client_id, app.tenant), app.secret),
              "app:crm");
    CHECK_STR("with bars and GUIDs",
              fixture_login(f, user_of("r", '|', app.client_id, app.tenant), app.secret),
              "app:crm");
    CHECK_STR("in another subscription",
              fixture_login(f, user_of("r", '|', app.client_id, "other"), app.secret), "refused");
    CHECK_STR("in one that is not there",
              fixture_login(f, user_of("r", '|', app.client_id, "nobody"), app.secret), "refused");
    CHECK_STR("another application with this secret",
              fixture_login(f, user_of("r", '|', other.client_id, "other"), app.secret), "refused");
    CHECK_STR("its client id alone", fixture_login(f, app.client_id, app.secret), "refused");
    CHECK_EQ("it is removed", fixture_change(f, &gone), DIRECTORY_OK);
    CHECK_STR("and at once nobody", fixture_login(f, user, app.secret), "refused");
}

static void test_removed_secret(void **state)
{
    struct directory_fixture *f = *state;
    struct app_names app = app_added(f, "crm", "default");
    struct app_change drop = {0};
    struct directory_change c = {
        .noun = DIRECTORY_APP, .verb = DIRECTORY_CHANGE, .name = SGL_LIT("crm"), .app = &drop};
    struct app_facts facts;

    CHECK_STR("it is right",
              fixture_login(f, user_of("r", '|', app.client_id, "default"), app.secret), "app:crm");
    identity_unref(directory_app(f->directory, SGL_LIT("crm"), &facts));
    drop.secret_remove = sgl_view_cstr(facts.secret[0].id);
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    CHECK_STR("removed, it is not for a moment more",
              fixture_login(f, user_of("r", '|', app.client_id, "default"), app.secret), "refused");
}

static void test_expired_secret(void **state)
{
    struct directory_fixture *f = *state;
    int64_t now = clock_now_s();
    struct app_names app = app_until(f, "crm", "default", now + 100);
    sgl_view secret = sgl_view_cstr(app.secret);
    enum login_fault fault;
    struct app_user user;
    struct identity *who;

    assert_true(app_user_parse(sgl_view_cstr(user_of("r", '|', app.client_id, "default")), &user));
    who = login_by_secret(f->directory, &user, secret, now + 99, &fault);
    CHECK_TRUE("in time", who != NULL && fault == LOGIN_FINE);
    identity_unref(who);
    who = login_by_secret(f->directory, &user, secret, now + 101, &fault);
    CHECK_TRUE("too late", who == NULL);
    CHECK_EQ("and who has it hears that", fault, LOGIN_EXPIRED);
    who = login_by_secret(f->directory, &user, SGL_LIT("guess"), now + 101, &fault);
    CHECK_EQ("who has it not does not", fault, LOGIN_WRONG);
}

/* ---- by a token that was good ---- */

static enum login_fault as_of(struct directory_fixture *f, const char *app, const char *user,
                              const char *want)
{
    struct identity *it = directory_app(f->directory, sgl_view_cstr(app), NULL), *who;
    enum login_fault fault;

    assert_non_null(it);
    who = directory_login_of_app(f->directory, it, sgl_view_cstr(user), &fault);
    CHECK_EQ(user, who != NULL, fault == LOGIN_FINE);
    if (who != NULL)
        CHECK_STR(user, who->name, want);
    identity_unref(who);
    identity_unref(it);
    return fault;
}

static void test_token(void **state)
{
    struct directory_fixture *f = *state;
    struct app_names crm = app_added(f, "crm", "default"), erp = app_added(f, "erp", "other");
    sgl_view name = SGL_LIT("crm");
    struct account_change allow = {.allow = &name, .allows = 1}, nobody = {0},
                          off = {.allow = &name, .allows = 1, .oauth = ACCOUNT_OFF};
    const struct {
        const char *name, *user;
        enum login_fault want;
        const char *who;
    } rows[] = {
        {"an account that lets it in", "LobApp1@contoso.test", LOGIN_FINE,
         "account:lobapp1@contoso.test"},
        {"one that does not", "b@contoso.test", LOGIN_NOT_ALLOWED, NULL},
        {"one that takes no tokens", "c@contoso.test", LOGIN_NO_TOKENS, NULL},
        {"one of another subscription", "d@other.test", LOGIN_NOT_ITS, NULL},
        {"an address that it may send as", "news@contoso.test", LOGIN_FINE, "app:crm"},
        {"one that it may not", "news@other.test", LOGIN_NOT_ITS, NULL},
        {"one that is nowhere", "news@nowhere.test", LOGIN_NOT_ITS, NULL},
        {"no name", "", LOGIN_FINE, "app:crm"},
        {"what is no address", "crm", LOGIN_NOT_ITS, NULL},
        {"a line", "a\r\nb@contoso.test", LOGIN_NOT_ITS, NULL},
    };

    account_added(f, "lobapp1@contoso.test", "default", &allow);
    account_added(f, "b@contoso.test", "default", &nobody);
    account_added(f, "c@contoso.test", "default", &off);
    account_added(f, "d@other.test", "other", NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_EQ(rows[i].name, as_of(f, "crm", rows[i].user, rows[i].who), rows[i].want);
    CHECK_EQ("its own user name",
             as_of(f, "crm", user_of("main", '|', crm.client_id, "default"), "app:crm"),
             LOGIN_FINE);
    CHECK_EQ("with dots", as_of(f, "crm", user_of("r", '.', crm.client_id, crm.tenant), "app:crm"),
             LOGIN_FINE);
    CHECK_EQ("that of another application",
             as_of(f, "crm", user_of("r", '.', erp.client_id, erp.tenant), NULL), LOGIN_NOT_ITS);
    CHECK_EQ("its own in another subscription",
             as_of(f, "crm", user_of("r", '|', crm.client_id, "other"), NULL), LOGIN_NOT_ITS);
}

static void test_what_a_refusal_says(void **state)
{
    struct directory_fixture *f = *state;
    struct account_change off = {.basic = ACCOUNT_OFF}, on = {.basic = ACCOUNT_ON};

    CHECK_TRUE("no application yet", !directory_has_apps(f->directory));
    (void)app_added(f, "crm", "default");
    CHECK_TRUE("one now", directory_has_apps(f->directory));
    account_added(f, "off@contoso.test", "default", &off);
    account_added(f, "on@contoso.test", "default", &on);
    CHECK_EQ("switched off", directory_login_fault(f->directory, SGL_LIT("OFF@contoso.test")),
             LOGIN_NO_PASSWORDS);
    CHECK_EQ("switched on", directory_login_fault(f->directory, SGL_LIT("on@contoso.test")),
             LOGIN_WRONG);
    CHECK_EQ("not there", directory_login_fault(f->directory, SGL_LIT("no@contoso.test")),
             LOGIN_WRONG);
}

/* ---- a queue of hashes that is full ---- */

struct stuck {
    struct work work; /* first: cast from it */
    sem_t *go, *over;
};

static void wait_for_go(struct work *w)
{
    sem_wait(((struct stuck *)(void *)w)->go);
}

static void tell_end(struct work *w)
{
    sem_post(((struct stuck *)(void *)w)->over);
}

static void test_full_queue(void **state)
{
    enum { THREADS = 2, WAITING = 100, ALL = THREADS + WAITING };
    struct directory_fixture *f = *state;
    struct app_names app = app_added(f, "crm", "default");
    struct stuck *stuck = calloc(ALL, sizeof(*stuck));
    sem_t go, over;

    assert_int_equal(fixture_credential(f, "a", "correct horse", "contoso.test"), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "b", "correct horse", "contoso.test"), DIRECTORY_OK);
    CHECK_STR("it is right", fixture_login(f, "a", "correct horse"), "credential:a");
    sem_init(&go, 0, 0);
    sem_init(&over, 0, 0);
    for (size_t i = 0; i < ALL; i++) {
        stuck[i] = (struct stuck){.work = {.work = wait_for_go, .done = tell_end, .loop = f->loop},
                                  .go = &go,
                                  .over = &over};
        for (unsigned n = 0; !workers_submit(f->workers, &stuck[i].work) && n < 500; n++)
            usleep(10000); /* until a thread has taken one */
    }
    CHECK_STR("another user waits for no hash: try again later",
              fixture_login(f, "b", "correct horse"), "unavailable");
    CHECK_STR("as does whoever is wrong", fixture_login(f, "nobody", "correct horse"),
              "unavailable");
    CHECK_STR("whose password was right a moment ago needs none",
              fixture_login(f, "a", "correct horse"), "credential:a");
    CHECK_STR("nor does an application",
              fixture_login(f, user_of("r", '|', app.client_id, "default"), app.secret), "app:crm");
    CHECK_EQ("a new password is not made either",
             fixture_credential(f, "c", "correct horse", "contoso.test"), DIRECTORY_UNAVAILABLE);
    for (size_t i = 0; i < ALL; i++)
        sem_post(&go);
    for (size_t i = 0; i < ALL; i++)
        sem_wait(&over);
    CHECK_STR("when there is room again, all is well", fixture_login(f, "b", "correct horse"),
              "credential:b");
    free(stuck);
    sem_destroy(&go);
    sem_destroy(&over);
}

#define LOGIN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, directory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOGIN_TEST(test_secret),
        LOGIN_TEST(test_removed_secret),
        LOGIN_TEST(test_expired_secret),
        LOGIN_TEST(test_token),
        LOGIN_TEST(test_what_a_refusal_says),
        LOGIN_TEST(test_full_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
