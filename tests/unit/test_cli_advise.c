/* SPDX-License-Identifier: Apache-2.0 */
#include "../../cli/advise.h"

#include <string.h>

#include "check.h"

static const struct {
    const char *name;
    struct advise_request q;
    enum advise_kind kind;
    bool here, managed, own_subdomain;
} rows[] = {
    {"an application by SMTP",
     {ADVISE_TRANSACTIONAL, ADVISE_EXTERNAL, ADVISE_SMTP, ADVISE_PASSWORD, 0, 100, 0},
     ADVISE_SMTP_CREDENTIAL,
     true,
     false,
     false},
    {"devices that write to our own people",
     {ADVISE_NOTIFICATIONS, ADVISE_INTERNAL, ADVISE_SMTP, ADVISE_PASSWORD, 0, 20000, 0},
     ADVISE_HIGH_VOLUME,
     true,
     false,
     false},
    {"devices that write to others, too",
     {ADVISE_NOTIFICATIONS, ADVISE_BOTH, ADVISE_SMTP, ADVISE_PASSWORD, 0, 20000, 0},
     ADVISE_SMTP_CREDENTIAL,
     true,
     false,
     true},
    {"people's own mail is not high volume",
     {ADVISE_PEOPLE, ADVISE_INTERNAL, ADVISE_SMTP, ADVISE_PASSWORD, 0, 10, 0},
     ADVISE_SMTP_CREDENTIAL,
     true,
     false,
     false},
    {"tokens by SMTP",
     {ADVISE_TRANSACTIONAL, ADVISE_EXTERNAL, ADVISE_SMTP, ADVISE_OAUTH, 0, 100, 0},
     ADVISE_OAUTH_APPLICATION,
     true,
     false,
     false},
    {"tokens by HTTP",
     {ADVISE_TRANSACTIONAL, ADVISE_EXTERNAL, ADVISE_HTTP, ADVISE_OAUTH, 0, 100, 0},
     ADVISE_OAUTH_APPLICATION,
     true,
     false,
     false},
    {"tokens of its platform",
     {ADVISE_NOTIFICATIONS, ADVISE_INTERNAL, ADVISE_HTTP, ADVISE_FEDERATED, 0, 100, 0},
     ADVISE_OAUTH_APPLICATION,
     true,
     false,
     false},
    {"Graph always has tokens",
     {ADVISE_TRANSACTIONAL, ADVISE_BOTH, ADVISE_GRAPH, ADVISE_PASSWORD, 0, 100, 0},
     ADVISE_OAUTH_APPLICATION,
     true,
     false,
     false},
    {"an SDK with a key",
     {ADVISE_TRANSACTIONAL, ADVISE_EXTERNAL, ADVISE_ACS, ADVISE_PASSWORD, 0, 100, 0},
     ADVISE_ACCESS_KEY,
     true,
     false,
     false},
    {"a newsletter by HTTP",
     {ADVISE_NEWSLETTER, ADVISE_EXTERNAL, ADVISE_HTTP, ADVISE_PASSWORD, 0, 100000, 0},
     ADVISE_ACCESS_KEY,
     true,
     false,
     true},
    {"a program on the same machine",
     {ADVISE_NOTIFICATIONS, ADVISE_INTERNAL, ADVISE_SENDMAIL, ADVISE_PASSWORD, 0, 10, 0},
     ADVISE_LOCAL_PROCESS,
     false,
     false,
     false},
    {"a test",
     {ADVISE_TEST, ADVISE_EXTERNAL, ADVISE_HTTP, ADVISE_PASSWORD, 0, 10, 0},
     ADVISE_ACCESS_KEY,
     true,
     true,
     false},
};

static void kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct advice a;

        advise(&rows[i].q, &a);
        CHECK_STR(rows[i].name, advise_kind_name(a.kind), advise_kind_name(rows[i].kind));
        CHECK_EQ(rows[i].name, a.in_this_version, rows[i].here);
        CHECK_EQ(rows[i].name, a.instead == NULL, rows[i].here);
        CHECK_EQ(rows[i].name, a.managed, rows[i].managed);
        CHECK_EQ(rows[i].name, a.own_subdomain, rows[i].own_subdomain);
        CHECK_EQ(rows[i].name, a.records > 0, !rows[i].managed);
    }
}

static const struct advise_limit *limit(const struct advice *a, const char *of, const char *counted,
                                        uint64_t window_s)
{
    for (size_t i = 0; i < a->limits; i++) {
        const struct advise_limit *l = &a->limit[i];

        if (strcmp(l->of, of) == 0 && strcmp(l->counted, counted) == 0 && l->window_s == window_s)
            return l;
    }
    fail_msg("no limit: %s, %s", of, counted);
    return NULL;
}

static void limits(void **state)
{
    struct advise_request q = {
        ADVISE_TRANSACTIONAL, ADVISE_EXTERNAL, ADVISE_ACS, ADVISE_PASSWORD, 0, 2400, 0};
    struct advice a;

    (void)state;
    advise(&q, &a);
    assert_int_equal(limit(&a, "Azure Communication Services", "messages", 60)->maximum, 30);
    assert_true(limit(&a, "Azure Communication Services", "messages", 3600)->fits);
    q.per_day = 2401;
    advise(&q, &a);
    assert_false(limit(&a, "Azure Communication Services", "messages", 3600)->fits);
    q.by = ADVISE_SMTP;
    q.per_day = 10001;
    q.licences = 100;
    advise(&q, &a);
    assert_false(limit(&a, "Exchange Online mailbox", "recipients", 86400)->fits);
    assert_int_equal(limit(&a, "Microsoft 365 tenant", "recipients outside", 86400)->maximum,
                     22059);
    assert_false(
        limit(&a, "Exchange Online, High Volume Email", "recipients outside", 86400)->fits);
}

static void profiles(void **state)
{
    static const struct {
        const char *name;
        struct advise_request q;
        const char *profile;
    } cases[] = {
        {"a mailbox's limits are room enough",
         {ADVISE_TRANSACTIONAL, ADVISE_EXTERNAL, ADVISE_SMTP, ADVISE_PASSWORD, 0, 2000, 0},
         "mailbox"},
        {"one more is too many for others",
         {ADVISE_TRANSACTIONAL, ADVISE_EXTERNAL, ADVISE_SMTP, ADVISE_PASSWORD, 0, 2001, 0},
         NULL},
        {"but not for our own people",
         {ADVISE_TRANSACTIONAL, ADVISE_INTERNAL, ADVISE_HTTP, ADVISE_PASSWORD, 0, 10000, 0},
         "mailbox"},
        {"devices of our own are counted together",
         {ADVISE_NOTIFICATIONS, ADVISE_INTERNAL, ADVISE_SMTP, ADVISE_PASSWORD, 0, 50000, 0},
         "high-volume"},
        {"a test sends little",
         {ADVISE_TEST, ADVISE_EXTERNAL, ADVISE_HTTP, ADVISE_PASSWORD, 0, 10, 0},
         "managed-test"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct advice a;

        advise(&cases[i].q, &a);
        CHECK_STR(cases[i].name, a.profile == NULL ? "none" : a.profile,
                  cases[i].profile == NULL ? "none" : cases[i].profile);
    }
}

static bool has(const struct advice *a, const char *part)
{
    for (size_t i = 0; i < a->commands; i++)
        if (strstr(a->command[i], part) != NULL)
            return true;
    return false;
}

static void tenant_limit(void **state)
{
    (void)state;
    assert_int_equal(advise_tenant_limit(1), 10000);
    assert_int_equal(advise_tenant_limit(100), 22059);
    assert_int_equal(advise_tenant_limit(1000), 72446);
}

/* Whatever is answered: a kind with a reason, three things to do, and nothing that runs over its table. */
static void every_answer(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 5 * 3 * 6 * 3 * 8 * 2; n++) {
        struct advise_request q = {.what = (enum advise_what)(n % 5),
                                   .to = (enum advise_to)(n / 5 % 3),
                                   .by = (enum advise_by)(n / 15 % 6),
                                   .login = (enum advise_login)(n / 90 % 3),
                                   .wants = n / 270 % 8,
                                   .licences = n / 2160 % 2,
                                   .per_day = n * 37};
        unsigned wanted = (q.wants & 1) + (q.wants >> 1 & 1) + (q.wants >> 2 & 1);
        struct advice a;

        advise(&q, &a);
        CHECK_TRUE("a reason", a.why != NULL && a.why[0] != '\0');
        CHECK_TRUE("commands", a.commands >= 3 && a.commands < ADVISE_COMMANDS_MAX);
        CHECK_EQ("what comes back", a.backs, wanted);
        CHECK_TRUE("no table runs full", a.limits < ADVISE_LIMITS_MAX &&
                                             a.records < ADVISE_RECORDS_MAX &&
                                             a.notes < ADVISE_TEXTS_MAX);
        CHECK_EQ("a credential is for passwords by SMTP", has(&a, "credential add"),
                 a.kind == ADVISE_SMTP_CREDENTIAL);
        CHECK_EQ("an application is for tokens", has(&a, "app add"),
                 a.kind == ADVISE_OAUTH_APPLICATION);
        CHECK_EQ("one that shows other tokens has no secret", has(&a, "--no-secret"),
                 q.login == ADVISE_FEDERATED && q.by != ADVISE_SENDMAIL);
        CHECK_EQ("an account is for SMTP", has(&a, "account add"),
                 a.kind == ADVISE_HIGH_VOLUME ||
                     (a.kind == ADVISE_OAUTH_APPLICATION && q.by == ADVISE_SMTP));
        CHECK_EQ("a newsletter is list mail", has(&a, "--list"), q.what == ADVISE_NEWSLETTER);
        CHECK_EQ("a managed domain has nothing to verify", has(&a, "domain verify"), !a.managed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),        cmocka_unit_test(limits),       cmocka_unit_test(profiles),
        cmocka_unit_test(tenant_limit), cmocka_unit_test(every_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
