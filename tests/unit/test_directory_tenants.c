/* SPDX-License-Identifier: Apache-2.0 */
/* What one subscription does about senders and policies decides nothing for another one, and stops nobody. */
#include <unistd.h>

#include "directory_access_fixture.h"

/* 63 letters: a label as long as DNS has them. */
#define LABEL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void add_tenant(struct directory_fixture *f, const char *domain)
{
    assert_int_equal(change(f, (struct directory_change){.noun = DIRECTORY_SUBSCRIPTION,
                                                         .verb = DIRECTORY_ADD,
                                                         .name = SGL_LIT("tenant")}),
                     DIRECTORY_OK);
    assert_int_equal(change(f, (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                                         .verb = DIRECTORY_ADD,
                                                         .name = sgl_view_cstr(domain),
                                                         .subscription = SGL_LIT("tenant")}),
                     DIRECTORY_OK);
}

/* within: of the subscription that asks; empty: the operator. */
static enum directory_result sender_by(struct directory_fixture *f, enum directory_verb verb,
                                       const char *address, const char *identity,
                                       const char *within)
{
    struct sender_change s = {sgl_view_cstr(identity)};

    return change(f, (struct directory_change){.noun = DIRECTORY_SENDER,
                                               .verb = verb,
                                               .name = sgl_view_cstr(address),
                                               .within = sgl_view_cstr(within),
                                               .sender = &s});
}

/* The operator is nobody's in particular: what confines him in one subscription must not reach into the others. */
static void test_the_operator_is_confined_by_no_tenant(void **state)
{
    static const char operator_[] = "local:uid=1000";
    struct policy_change p = {
        .identity = SGL_LIT("local:uid=1000"), .group = SGL_LIT("g"), .deny = true};
    struct directory_fixture *f = *state;

    add_tenant(f, "tenant.test");
    assert_int_equal(group(f, DIRECTORY_ADD, "g", "+tenant.test", "tenant"), DIRECTORY_OK);
    CHECK_EQ("an owner names him by no sender",
             sender_by(f, DIRECTORY_ADD, "a@tenant.test", operator_, "tenant"),
             DIRECTORY_NOT_FOUND);
    CHECK_STR("says which field", last_field, "identity");
    CHECK_EQ("and by no policy",
             change(f, (struct directory_change){.noun = DIRECTORY_POLICY,
                                                 .verb = DIRECTORY_ADD,
                                                 .within = SGL_LIT("tenant"),
                                                 .policy = &p}),
             DIRECTORY_NOT_FOUND);
    CHECK_EQ("he may do so himself", sender_by(f, DIRECTORY_ADD, "a@tenant.test", operator_, ""),
             DIRECTORY_OK);
    CHECK_STR("then it counts there", asked(f, operator_, "b@tenant.test"), "no not-own-sender");
    CHECK_STR("and nowhere else", asked(f, operator_, "b@app.test"), "yes own-domain");
    CHECK_EQ("until it is gone", sender_by(f, DIRECTORY_REMOVE, "A@tenant.test", operator_, ""),
             DIRECTORY_OK);
    CHECK_STR("there, too", asked(f, operator_, "b@tenant.test"), "yes own-domain");
}

static void test_a_key_of_the_operator_is_not_there_for_an_owner(void **state)
{
    struct directory_fixture *f = *state;
    char key[64];

    assert_int_equal(change(f, (struct directory_change){.noun = DIRECTORY_KEY,
                                                         .verb = DIRECTORY_ADD,
                                                         .role = ROLE_OPERATOR,
                                                         .domain = {SGL_LIT("app.test")},
                                                         .domains = 1}),
                     DIRECTORY_OK);
    snprintf(key, sizeof(key), "key:%s", last_id);
    CHECK_EQ("it is of his subscription, and not his",
             sender_by(f, DIRECTORY_ADD, "a@app.test", key, "default"), DIRECTORY_NOT_FOUND);
    CHECK_EQ("the operator may", sender_by(f, DIRECTORY_ADD, "a@app.test", key, ""), DIRECTORY_OK);
}

/* Who claimed a domain and never proved it leaves nothing behind that the next one meets. */
static void test_senders_of_a_claim_that_ended(void **state)
{
    struct domain_change expired = {.claim_expires_s = 1};
    struct directory_fixture *f = *state;
    struct domain *d;
    int64_t claimed_at;

    add_tenant(f, "claimed.test");
    assert_int_equal(sender_by(f, DIRECTORY_ADD, "x@claimed.test", "", "tenant"), DIRECTORY_OK);
    d = directory_domain(f->directory, SGL_LIT("claimed.test"));
    claimed_at = d->created_at;
    domain_unref(d);
    while (clock_now_s() <= claimed_at + 1)
        usleep(20000);
    assert_int_equal(change(f, (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                                         .verb = DIRECTORY_ADD,
                                                         .name = SGL_LIT("claimed.test"),
                                                         .domain_change = &expired}),
                     DIRECTORY_OK);
    for (unsigned round = 0; round < 2; round++) {
        CHECK_STR("they confine nobody", asked(f, "credential:other", "me@claimed.test"),
                  "yes own-domain");
        fixture_close(f);
        fixture_open(f);
    }
    assert_int_equal(sender_by(f, DIRECTORY_ADD, "y@claimed.test", "", "default"), DIRECTORY_OK);
    assert_int_equal(sender_by(f, DIRECTORY_REMOVE, "y@claimed.test", "", ""), DIRECTORY_OK);
    CHECK_EQ("they keep no domain", removed(f, DIRECTORY_DOMAIN, "claimed.test"), DIRECTORY_OK);
    assert_int_equal(fixture_domain(f, "claimed.test", false), DIRECTORY_OK);
    CHECK_EQ("the same sender can be added",
             sender_by(f, DIRECTORY_ADD, "x@claimed.test", "", "default"), DIRECTORY_OK);
    CHECK_STR("and counts", asked(f, "credential:other", "me@claimed.test"),
              "no not-domain-sender");
    CHECK_EQ("once", sender_by(f, DIRECTORY_ADD, "X@claimed.test", "", "default"),
             DIRECTORY_EXISTS);
    CHECK_EQ("it is the new one's", sender_by(f, DIRECTORY_REMOVE, "x@claimed.test", "", "tenant"),
             DIRECTORY_NOT_FOUND);
    CHECK_EQ("who removes it", sender_by(f, DIRECTORY_REMOVE, "X@claimed.test", "", "default"),
             DIRECTORY_OK);
}

/* The longest name of an identity is found as the shortest is; one that is not would stop all mail. */
static void test_a_policy_of_the_longest_name(void **state)
{
    static const char domain[] = LABEL ".test";
    char address[160], who[200];
    struct directory_fixture *f = *state;

    assert_int_equal(fixture_domain(f, domain, false), DIRECTORY_OK);
    snprintf(address, sizeof(address), "%.59s@%s", LABEL, domain);
    CHECK_EQ("as long as an account may be", strlen(address), 128);
    assert_int_equal(change(f, (struct directory_change){.noun = DIRECTORY_ACCOUNT,
                                                         .verb = DIRECTORY_ADD,
                                                         .name = sgl_view_cstr(address)}),
                     DIRECTORY_OK);
    snprintf(who, sizeof(who), "account:%s", address);
    assert_int_equal(group(f, DIRECTORY_ADD, "g", "+box@shared.test", ""), DIRECTORY_OK);
    CHECK_EQ("a policy for it", policy(f, who, false, "g"), DIRECTORY_OK);
    for (unsigned round = 0; round < 2; round++) {
        CHECK_STR("counts", asked(f, who, "box@shared.test"), "yes allow-policy g box@shared.test");
        CHECK_STR("and is in nobody's way", asked(f, "credential:app", "a@app.test"),
                  "yes own-domain");
        fixture_close(f);
        fixture_open(f);
    }
    CHECK_EQ("it is in use", removed(f, DIRECTORY_ACCOUNT, address), DIRECTORY_IN_USE);
}

#define TENANTS_TEST(t) cmocka_unit_test_setup_teardown(t, access_setup, access_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENANTS_TEST(test_the_operator_is_confined_by_no_tenant),
        TENANTS_TEST(test_a_key_of_the_operator_is_not_there_for_an_owner),
        TENANTS_TEST(test_senders_of_a_claim_that_ended),
        TENANTS_TEST(test_a_policy_of_the_longest_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
