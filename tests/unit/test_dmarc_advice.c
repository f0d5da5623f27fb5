/* SPDX-License-Identifier: Apache-2.0 */
/* What a source is, and what to do about it. */
#include "../../server/doors/http/dmarc_advice.h"
#include "check.h"

#define V(s) SGL_LIT_INIT(s)

static const struct {
    const char *name, *signer, *bounces;
    uint8_t dkim_result, spf_result;
    int passed, dkim, spf;        /* of 100 messages */
    const char *service, *advice; /* its beginning */
    const char *reverse;
} cases[] = {
    {"all is well", "a.test", "a.test", 2, 2, 100, 100, 100, NULL, "", ""},
    {"forwarded", "a.test", "list.test", 2, 3, 100, 100, 0, NULL, "Passes by DKIM; SPF fails", ""},
    {"a service with a return path of its own", "a.test", "em1.sendgrid.net", 2, 2, 100, 100, 0,
     "SendGrid", "Passes by DKIM. SendGrid uses a return path", ""},
    {"SPF alone", "", "a.test", 0, 2, 100, 0, 100, NULL, "Passes by SPF alone", ""},
    {"a service that nobody set up", "sendgrid.net", "sendgrid.net", 2, 2, 0, 0, 0, "SendGrid",
     "SendGrid sends as you and is not set up", ""},
    {"a service by its signature alone", "a-test.20230601.gappssmtp.com", "a.test", 2, 4, 0, 0, 0,
     "Google Workspace", "Google Workspace sends as you", ""},
    {"whoever has a name that only ends so is not it", "notsendgrid.net", "", 2, 0, 0, 0, 0, NULL,
     "It signs as notsendgrid.net", ""},
    {"a list, or a service", "list.test", "list.test", 2, 2, 0, 0, 0, NULL, "It signs as list.test",
     ""},
    {"our signature broke", "a.test", "list.test", 3, 3, 0, 0, 0, NULL,
     "The signature of a.test does not verify", ""},
    {"that of a subdomain broke", "news.a.test", "", 3, 0, 0, 0, 0, NULL,
     "The signature of news.a.test does not verify", ""},
    {"only a return path of somebody else", "", "other.test", 0, 2, 0, 0, 0, NULL,
     "SPF passes for other.test", ""},
    {"forged, with a signature of a service that does not verify", "sendgrid.net", "", 3, 3, 0, 0,
     0, NULL, "Neither signs as you nor stands in SPF", ""},
    {"forged, with a return path of a service that SPF refuses", "", "em1.sendgrid.net", 0, 3, 0, 0,
     0, NULL, "Neither signs as you nor stands in SPF", ""},
    {"forged", "", "a.test", 0, 3, 0, 0, 0, NULL, "Neither signs as you nor stands in SPF", ""},
    {"a service by its host", "", "a.test", 0, 3, 0, 0, 0, "SendGrid",
     "It comes from servers of SendGrid", "o1.ptr1.sendgrid.net"},
    {"a host with another domain than its service", "", "a.test", 0, 3, 0, 0, 0, "Microsoft 365",
     "It comes from servers of Microsoft 365", "mail-db8.outbound.protection.outlook.com"},
    {"a host that only ends so", "", "a.test", 0, 3, 0, 0, 0, NULL, "Neither signs as you",
     "mail.notgoogle.com"},
    {"what the mail says counts more", "mcsv.net", "a.test", 2, 3, 0, 0, 0, "Mailchimp",
     "Mailchimp sends as you", "o1.ptr1.sendgrid.net"},
    {"forwarded by a service: its return path is not told", "a.test", "a.test", 2, 3, 100, 100, 0,
     "Google", "Passes by DKIM; SPF fails", "mail-ed1-f41.google.com"},
};

static void sources(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dmarc_figure f = {.name = V("192.0.2.1"),
                                 .messages = 100,
                                 .passed = (uint64_t)cases[i].passed,
                                 .dkim = (uint64_t)cases[i].dkim,
                                 .spf = (uint64_t)cases[i].spf};
        const char *service;
        char advice[400];

        f.most = (struct dmarc_source){.header_from = V("a.test"),
                                       .dkim_domain = sgl_view_cstr(cases[i].signer),
                                       .spf_domain = sgl_view_cstr(cases[i].bounces),
                                       .dkim_result = cases[i].dkim_result,
                                       .spf_result = cases[i].spf_result};
        service = dmarc_service(&f.most, cases[i].reverse);
        dmarc_source_advice(&f, cases[i].reverse, advice, sizeof advice);
        CHECK_TRUE(cases[i].name, (service == NULL) == (cases[i].service == NULL));
        if (service != NULL)
            CHECK_STR(cases[i].name, service, cases[i].service);
        CHECK_EQ(cases[i].name, strncmp(advice, cases[i].advice, strlen(cases[i].advice)), 0);
        CHECK_EQ(cases[i].name, advice[0] == '\0', cases[i].advice[0] == '\0');
    }
}

static const struct {
    const char *name;
    uint8_t p;
    uint64_t days, messages, passed, unverified;
    const char *advice;
} policies[] = {
    {"there is nothing above reject", 4, 30, 1000, 1000, 0, ""},
    {"a policy that nobody told", 0, 30, 1000, 1000, 0, ""},
    {"a few days", 1, 13, 1000, 1000, 0, "Too little is known yet to be stricter: 13 days, 1000 "},
    {"a few messages", 1, 30, 99, 99, 0, "Too little is known yet to be stricter: 30 days, 99 "},
    {"nearly all pass", 1, 30, 1000, 985, 0, "98.5 % pass, over 30 days: p=quarantine is within"},
    {"the next step", 3, 14, 1000, 980, 0, "98.0 % pass, over 14 days: p=reject is within"},
    {"what anybody may have sent is no ground", 1, 30, 1000, 1000, 21,
     "21 of 1000 messages stand in reports that anybody may have sent"},
    {"a little of it is", 1, 30, 1000, 1000, 20, "100.0 % pass, over 30 days"},
    {"one less", 3, 14, 1000, 979, 0, "97.9 % pass: mend the sources"},
};

static void policy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        struct dmarc_figure f = {.p = policies[i].p,
                                 .days = policies[i].days,
                                 .messages = policies[i].messages,
                                 .passed = policies[i].passed,
                                 .unverified = policies[i].unverified};
        char advice[400];

        dmarc_policy_advice(&f, advice, sizeof advice);
        CHECK_EQ(policies[i].name, strncmp(advice, policies[i].advice, strlen(policies[i].advice)),
                 0);
        CHECK_EQ(policies[i].name, advice[0] == '\0', policies[i].advice[0] == '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sources), cmocka_unit_test(policy)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
