/* SPDX-License-Identifier: Apache-2.0 */
/* What receivers ask of bulk mail, at the gate: what is refused, what is counted, and when not. */
#include "admission_fixture.h"

#define LIST    "List-Id: <a.app.test>\r\n"
#define MAILTO  "List-Unsubscribe: <mailto:stop@app.test>\r\n"
#define HTTPS   "List-Unsubscribe: <https://app.test/stop>\r\n"
#define POST    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
#define REST    "From: me@app.test\r\nTo: you@good.test\r\nSubject: Hello\r\n\r\nHello.\r\n"
#define GUARDED "you@gmail.com"

static uint64_t counted(struct fixture *x)
{
    static struct guard_report report;
    uint64_t n = 0;

    guard_report(x->guard, SGL_LIT("app.test"), clock_now_ms(), &report);
    for (size_t i = 0; i < report.counts; i++)
        n += report.count[i].messages;
    return n;
}

static void test_list_mail(void **state)
{
    static const struct {
        const char *name, *raw;
        unsigned smtp;
    } rows[] = {
        {"mail to one is nobody's list", REST, 250},
        {"a list without a way out [RFC 8058 s3.1]", LIST REST, 550},
        {"a mail address is not one click", LIST MAILTO REST, 550},
        {"https alone is not", HTTPS REST, 550},
        {"both fields are", LIST HTTPS POST REST, 250},
        {"bulk says that it is a list", "Precedence: bulk\r\n" REST, 550},
        {"an automatic answer is none", "Precedence: bulk\r\nAuto-Submitted: auto-replied\r\n" REST,
         250},
    };
    struct fixture *x = *state;
    uint64_t passed = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sending *g = send_one(x, "me@app.test", GUARDED, rows[i].raw);

        CHECK_EQ(rows[i].name, g->answer.smtp, rows[i].smtp);
        passed += g->answer.smtp == 250;
        CHECK_EQ("what was refused does not count", counted(x), passed);
        if (g->answer.smtp != 250) {
            CHECK_EQ("it is the message's fault", g->answer.http, 422);
            CHECK_STR("with a word", g->answer.code, "bulk-no-one-click");
            CHECK_STR("the field", g->answer.field, "List-Unsubscribe");
            CHECK_TRUE(g->answer.text, strstr(g->answer.text, "X-Sigillo-List") != NULL);
        }
        sending_free(g);
    }
}

/* Of each state of a record: is it held against the domain when it nears the figure? */
static void test_records(void **state)
{
    static const struct {
        const char *name;
        struct domain_status status;
        unsigned smtp;
    } rows[] = {
        {"never looked at", {.state = DOMAIN_NOT_STARTED}, 250},
        {"seen", {.state = DOMAIN_VERIFIED, .verified_at_s = 1}, 250},
        {"not there yet", {.state = DOMAIN_IN_PROGRESS}, 450},
        {"something else is there", {.state = DOMAIN_FAILED}, 450},
        {"gone for long", {.state = DOMAIN_FAILED, .verified_at_s = 1, .lost_at_s = 2}, 450},
        {"gone since now",
         {.state = DOMAIN_FAILED, .verified_at_s = 1, .lost_at_s = INT32_MAX},
         250},
    };
    static const struct {
        enum domain_part part;
        const char *code;
    } parts[] = {{PART_DMARC, "bulk-no-dmarc"},
                 {PART_SPF, "bulk-no-spf-dkim"},
                 {PART_DKIM, "bulk-no-spf-dkim"}};
    static const char *const one[] = {"gmail.com"};
    struct config_receiver receiver = {
        .name = "gmail", .domain = (const char **)(uintptr_t)one, .domains = 1, .messages = 1};
    struct config c = {
        .guard = {.action = GUARD_STOP, .near_percent = 80, .complaints_messages = 1},
        .receiver = &receiver,
        .receivers = 1};
    struct fixture *x = *state;

    assert_true(guard_configure(x->guard, &c));
    for (size_t p = 0; p < 3; p++)
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct domain_status all[DOMAIN_PARTS] = {{.state = DOMAIN_NOT_STARTED}};
            struct domain_change change = {.status = all};
            struct directory_change dc = {.noun = DIRECTORY_DOMAIN,
                                          .verb = DIRECTORY_CHANGE,
                                          .name = SGL_LIT("app.test"),
                                          .domain_change = &change};
            struct sending *g;

            all[parts[p].part] = rows[i].status;
            assert_int_equal(fixture_change(x->f, &dc), DIRECTORY_OK);
            g = send_one(x, "me@app.test", GUARDED, REST);
            CHECK_EQ(rows[i].name, g->answer.smtp, rows[i].smtp);
            if (g->answer.smtp != 250) {
                CHECK_STR(rows[i].name, g->answer.code, parts[p].code);
                CHECK_EQ("it may come again", g->answer.http, 429);
                CHECK_TRUE(g->answer.text, strstr(g->answer.text, "app.test") != NULL);
            }
            sending_free(g);
        }
}

/* A message that is not stored, or was there already, has not been sent. */
static void test_given_back(void **state)
{
    struct fixture *x = *state;
    struct sending *g;

    for (int i = 0; i < 2; i++) {
        g = send_as(x, x->who, "me@app.test", GUARDED, sgl_view_cstr(REST));
        g->s.idempotency_key = SGL_LIT("once");
        go(g);
        CHECK_EQ("the answer is the same", g->answer.smtp, 250);
        CHECK_EQ("it counts once", counted(x), 1);
        sending_free(g);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_list_mail), TEST(test_records),
                                       TEST(test_given_back)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
