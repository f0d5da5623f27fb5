/* SPDX-License-Identifier: Apache-2.0 */
/* What has become of an operation is made from the states of its recipients. */
#include "../../server/doors/http/acs_internal.h"

#include "check.h"

#define NOW 1700000000

static void results(void **state)
{
    enum { Q, H, D, F, S, E, C }; /* as enum rcpt_state */
    static const struct {
        const char *name;
        size_t rcpts;
        uint8_t state[3];
        uint32_t attempts[3];
        int64_t age_s;
        const char *status, *code;
        unsigned retry_after;
    } cases[] = {
        {"nobody was tried", 2, {Q, Q}, {0}, 0, "Running", NULL, 1},
        {"it may take a while", 1, {Q}, {0}, 10, "Running", NULL, 5},
        {"it takes its time", 1, {H}, {0}, 3600, "Running", NULL, 20},
        {"the clock was set back", 1, {Q}, {0}, -3600, "Running", NULL, 1},
        {"one was tried and waits", 2, {Q, Q}, {0, 1}, 0, "Succeeded", NULL, 0},
        {"one was held after a try", 1, {H}, {2}, 0, "Succeeded", NULL, 0},
        {"one got it", 3, {Q, D, F}, {0, 1, 1}, 0, "Succeeded", NULL, 0},
        {"all got it", 2, {D, D}, {1, 1}, 0, "Succeeded", NULL, 0},
        {"one failed, the other is next", 2, {F, Q}, {1, 0}, 0, "Running", NULL, 1},
        {"nobody got it", 2, {F, E}, {1, 9}, 0, "Failed", "EmailDropped", 0},
        {"failed and suppressed", 2, {S, F}, {0, 1}, 0, "Failed", "EmailDropped", 0},
        {"failed and cancelled", 2, {C, F}, {0, 1}, 0, "Failed", "EmailDropped", 0},
        {"all are suppressed",
         2,
         {S, S},
         {0},
         0,
         "Failed",
         "EmailDroppedAllRecipientsSuppressed",
         0},
        {"one is suppressed, the other waits", 2, {S, Q}, {0}, 0, "Running", NULL, 1},
        {"one is suppressed, the other got it", 2, {S, D}, {0, 1}, 0, "Succeeded", NULL, 0},
        {"all were cancelled", 1, {C}, {0}, 0, "Canceled", "OperationCanceled", 0},
        {"cancelled and suppressed", 2, {S, C}, {0}, 0, "Canceled", "OperationCanceled", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct store_rcpt rcpt[3] = {0};
        struct store_message m = {
            .accepted_at = (NOW - cases[i].age_s) * 1000, .rcpt = rcpt, .rcpts = cases[i].rcpts};
        struct acs_result got;

        for (size_t k = 0; k < cases[i].rcpts; k++) {
            rcpt[k].state = (enum rcpt_state)cases[i].state[k];
            rcpt[k].attempts = cases[i].attempts[k];
            rcpt[k].reason = SGL_LIT("550 no");
        }
        acs_result(&m, NOW, &got);
        CHECK_STR(cases[i].name, got.status, cases[i].status);
        CHECK_EQ(cases[i].name, got.retry_after, cases[i].retry_after);
        CHECK_EQ(cases[i].name, got.code == NULL, cases[i].code == NULL);
        CHECK_EQ(cases[i].name, got.message == NULL, cases[i].code == NULL);
        if (got.code != NULL)
            CHECK_STR(cases[i].name, got.code, cases[i].code);
        if (got.code != NULL && strcmp(got.code, "EmailDropped") == 0)
            CHECK_VIEW(cases[i].name, got.reason, SGL_LIT("550 no"));
    }
}

static void keys(void **state)
{
    char key[ACS_KEY_SIZE];

    (void)state;
    CHECK_TRUE("a GUID in whatever case",
               acs_key(SGL_LIT("8540C0DE-899f-5cce-acb5-3ec493af3800"), key));
    CHECK_STR("is one operation", key, "acs:8540c0de-899f-5cce-acb5-3ec493af3800");
    CHECK_TRUE("what is none is refused",
               !acs_key(SGL_LIT("8540C0DE-899f-5cce-acb5-3ec493af380"), key) &&
                   !acs_key(SGL_LIT("8540C0DE_899f-5cce-acb5-3ec493af3800"), key) &&
                   !acs_key(SGL_LIT(""), key));
}

static void codes(void **state)
{
    static const struct {
        const char *code, *rule, *want;
    } cases[] = {
        {"sender-not-allowed", "no-such-domain", "domain-not-linked"},
        {"sender-not-allowed", "not-own-domain", "domain-not-linked"},
        {"sender-not-allowed", "not-own-sender", "sender-unknown"},
        {"sender-not-allowed", "not-domain-sender", "sender-unknown"},
        {"sender-not-allowed", "deny-policy", "sender-not-allowed"},
        {"address-syntax", NULL, "address-syntax"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_STR(cases[i].code, acs_code(cases[i].code, cases[i].rule), cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results),
        cmocka_unit_test(keys),
        cmocka_unit_test(codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
