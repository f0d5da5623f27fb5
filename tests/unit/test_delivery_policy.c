/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "../../server/delivery/policy.h"
#include "../../server/delivery/route.h"
#include "../../server/delivery/site.h"

static struct sgl_smtp_reply reply_of(uint16_t code, uint8_t class_, uint16_t subject,
                                      uint16_t detail, const char *text)
{
    struct sgl_smtp_reply r = {.code = code,
                               .enhanced = {class_, subject, detail},
                               .text = sgl_view_cstr(text),
                               .lines = 1};

    return r;
}

static void replies(void **state)
{
    static const struct {
        const char *name;
        enum sgl_smtp_stage stage;
        uint16_t code;
        uint8_t class_;
        uint16_t subject, detail;
        bool last;
        enum action action;
        enum site_effect site;
        bool over;
        const char *status;
    } rows[] = {
        {"an unknown user bounces at once", SGL_SMTP_AT_RCPT, 550, 5, 1, 1, true, ACTION_BOUNCE,
         SITE_UNTOUCHED, false, "5.1.1"},
        {"and does so while other hosts are left", SGL_SMTP_AT_RCPT, 550, 0, 0, 0, false,
         ACTION_BOUNCE, SITE_UNTOUCHED, false, "5.1.0"},
        {"greylisting defers the recipient, not the site", SGL_SMTP_AT_RCPT, 450, 4, 2, 0, true,
         ACTION_DEFER, SITE_UNTOUCHED, false, "4.2.0"},
        {"421 at RCPT rests the site [RFC 5321 s3.8]", SGL_SMTP_AT_RCPT, 421, 4, 7, 0, true,
         ACTION_DEFER, SITE_REST, true, "4.7.0"},
        {"421 in the greeting goes to the next host", SGL_SMTP_AT_GREETING, 421, 0, 0, 0, false,
         ACTION_NEXT_HOST, SITE_REST, true, "4.0.0"},
        {"a 554 greeting goes to the next host", SGL_SMTP_AT_GREETING, 554, 0, 0, 0, false,
         ACTION_NEXT_HOST, SITE_SLOWER, true, "5.0.0"},
        {"a 521 greeting of the last host bounces [RFC 7504 s4]", SGL_SMTP_AT_GREETING, 521, 0, 0,
         0, true, ACTION_BOUNCE, SITE_SLOWER, true, "5.0.0"},
        {"a content refusal after the dot bounces", SGL_SMTP_AT_DOT, 554, 0, 0, 0, true,
         ACTION_BOUNCE, SITE_UNTOUCHED, false, "5.6.0"},
        {"a full disk after the dot defers", SGL_SMTP_AT_DOT, 452, 4, 3, 1, false, ACTION_DEFER,
         SITE_UNTOUCHED, false, "4.3.1"},
        {"a bare 552 at RCPT is temporary [RFC 5321 s4.5.3.1.10]", SGL_SMTP_AT_RCPT, 552, 0, 0, 0,
         true, ACTION_DEFER, SITE_UNTOUCHED, false, "4.1.0"},
        {"552 5.2.2 at RCPT is a full mailbox for good", SGL_SMTP_AT_RCPT, 552, 5, 2, 2, true,
         ACTION_BOUNCE, SITE_UNTOUCHED, false, "5.2.2"},
        {"a wrong password of ours never bounces mail", SGL_SMTP_AT_AUTH, 535, 5, 7, 8, true,
         ACTION_DEFER, SITE_REST, true, "4.7.8"},
        {"an enhanced code of another class is not believed", SGL_SMTP_AT_RCPT, 450, 5, 1, 1, true,
         ACTION_DEFER, SITE_UNTOUCHED, false, "4.1.0"},
        {"4xx at MAIL slows the site", SGL_SMTP_AT_MAIL, 451, 0, 0, 0, true, ACTION_DEFER,
         SITE_SLOWER, false, "4.0.0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sgl_smtp_reply r =
            reply_of(rows[i].code, rows[i].class_, rows[i].subject, rows[i].detail, "x");
        struct decision d = policy_decide(FAILURE_REPLY, rows[i].stage, &r, rows[i].last);

        CHECK_EQ(rows[i].name, d.action, rows[i].action);
        CHECK_EQ(rows[i].name, d.site, rows[i].site);
        CHECK_EQ(rows[i].name, d.session_over, rows[i].over);
        CHECK_STR(rows[i].name, d.status, rows[i].status);
    }
}

static void failures(void **state)
{
    static const struct {
        const char *name;
        enum failure failure;
        enum sgl_smtp_stage stage;
        bool last;
        enum action action;
        bool repeated;
        const char *status;
    } rows[] = {
        {"a refused connection asks the next host", FAILURE_REFUSED, SGL_SMTP_AT_GREETING, false,
         ACTION_NEXT_HOST, false, "4.4.1"},
        {"and defers after the last one", FAILURE_REFUSED, SGL_SMTP_AT_GREETING, true, ACTION_DEFER,
         false, "4.4.1"},
        {"a cut before the dot asks the next host", FAILURE_LOST, SGL_SMTP_AT_BODY, false,
         ACTION_NEXT_HOST, false, "4.4.2"},
        {"a cut at the dot is in doubt and waits", FAILURE_LOST, SGL_SMTP_AT_DOT, false,
         ACTION_DEFER, true, "4.4.2"},
        {"silence at the dot is in doubt and waits", FAILURE_TIMEOUT, SGL_SMTP_AT_DOT, false,
         ACTION_DEFER, true, "4.4.2"},
        {"nonsense at the dot is in doubt and waits", FAILURE_PROTOCOL, SGL_SMTP_AT_DOT, false,
         ACTION_DEFER, true, "4.5.0"},
        {"required TLS that is not offered defers [RFC 7672 s2.2]", FAILURE_NO_STARTTLS,
         SGL_SMTP_AT_EHLO, true, ACTION_DEFER, false, "4.7.4"},
        {"a certificate that does not match defers [RFC 7672 s2.2]", FAILURE_TLS_VERIFY,
         SGL_SMTP_AT_STARTTLS, true, ACTION_DEFER, false, "4.7.5"},
        {"a failed TLSA lookup skips the host [RFC 7672 s2.1.2]", FAILURE_DANE_LOOKUP,
         SGL_SMTP_AT_GREETING, false, ACTION_NEXT_HOST, false, "4.7.5"},
        {"a failed MX lookup defers", FAILURE_MX_LOOKUP, SGL_SMTP_AT_GREETING, true, ACTION_DEFER,
         false, "4.4.3"},
        {"no such domain bounces", FAILURE_NO_DOMAIN, SGL_SMTP_AT_GREETING, true, ACTION_BOUNCE,
         false, "5.1.2"},
        {"a null MX bounces [RFC 7505 s4.2]", FAILURE_NULL_MX, SGL_SMTP_AT_GREETING, true,
         ACTION_BOUNCE, false, "5.1.10"},
        {"8-bit data is never just sent", FAILURE_NO_8BITMIME, SGL_SMTP_AT_MAIL, true,
         ACTION_BOUNCE, false, "5.6.3"},
        {"trouble of our own is no attempt", FAILURE_LOCAL, SGL_SMTP_AT_BODY, true, ACTION_PUT_BACK,
         false, "4.3.0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decision d = policy_decide(rows[i].failure, rows[i].stage, NULL, rows[i].last);

        CHECK_EQ(rows[i].name, d.action, rows[i].action);
        CHECK_EQ(rows[i].name, d.possibly_repeated, rows[i].repeated);
        CHECK_STR(rows[i].name, d.status, rows[i].status);
    }
}

static void every_failure_has_a_rule(void **state)
{
    (void)state;
    for (int f = FAILURE_REFUSED; f <= FAILURE_LOCAL; f++)
        for (int last = 0; last < 2; last++) {
            struct decision d =
                policy_decide((enum failure)f, SGL_SMTP_AT_GREETING, NULL, last != 0);

            CHECK_TRUE(failure_name((enum failure)f), d.status[0] == '4' || d.status[0] == '5');
            CHECK_TRUE(failure_name((enum failure)f), !(last && d.action == ACTION_NEXT_HOST));
            CHECK_TRUE(failure_name((enum failure)f),
                       d.action != ACTION_BOUNCE || d.status[0] == '5');
        }
}

static void reasons(void **state)
{
    struct sgl_smtp_reply r = reply_of(450, 4, 2, 0, "try\nlater\x1b");
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(2000);

    (void)state;
    r.enhanced_text = SGL_LIT("4.2.0");
    policy_reason_put(&out, FAILURE_REPLY, SGL_SMTP_AT_RCPT, &r, SGL_LIT("mx [192.0.2.1]"),
                      SGL_LIT(""));
    assert_int_equal(out.status, SGL_OK);
    CHECK_EQ("no line break passes into a reason", sgl_view_find(sgl_buf_view(&out), '\n'),
             out.len);
    CHECK_TRUE(
        "host, stage and code are named",
        sgl_view_starts(sgl_buf_view(&out), SGL_LIT("mx [192.0.2.1] said at RCPT: 450 4.2.0 try")));
    sgl_buf_reset(&out);
    policy_reason_put(&out, FAILURE_TLS_VERIFY, SGL_SMTP_AT_STARTTLS, NULL, SGL_LIT("mx.a.test"),
                      SGL_LIT("no TLSA record matches"));
    CHECK_VIEW(
        "a failure says what and why", sgl_buf_view(&out),
        SGL_LIT(
            "mx.a.test: the certificate does not prove who the server is: no TLSA record matches"));
}

static void routes(void **state)
{
    static const struct {
        const char *name, *pattern, *domain;
        bool want;
    } rows[] = {
        {"a name matches itself, in any case", "Example.org", "example.org", true},
        {"a name does not match what is below it", "example.org", "a.example.org", false},
        {"a dot matches what is below", ".example.org", "a.b.example.org", true},
        {"a dot does not match the name itself", ".example.org", "example.org", false},
        {"a dot keeps to the edge of a label", ".example.org", "badexample.org", false},
        {"a star matches everything", "*", "example.org", true},
    };
    const char *first[] = {"a.test", ".b.test"}, *second[] = {"*"};
    struct config_route route[] = {{.name = "one", .domain = first, .domains = 2},
                                   {.name = "rest", .domain = second, .domains = 1}};
    struct config config = {.route = route, .routes = 2};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_EQ(rows[i].name,
                 route_matches(sgl_view_cstr(rows[i].pattern), sgl_view_cstr(rows[i].domain)),
                 rows[i].want);
    CHECK_STR("the first that matches wins", route_find(&config, SGL_LIT("x.b.test"))->name, "one");
    CHECK_STR("the rest goes by the star", route_find(&config, SGL_LIT("c.test"))->name, "rest");
    config.routes = 1;
    CHECK_TRUE("no match means MX", route_find(&config, SGL_LIT("c.test")) == NULL);
}

static void pace(void **state)
{
    struct site_limits limits = {.start = 2, .max = 4, .rest_ms = 1000, .rest_max_ms = 3000};
    struct site_pace p;

    (void)state;
    site_pace_init(&p, &limits);
    assert_true(site_pace_take(&p, 0) && site_pace_take(&p, 0));
    CHECK_TRUE("no more connections than places", !site_pace_take(&p, 0));
    for (int i = 0; i < 100; i++)
        site_pace_success(&p);
    CHECK_EQ("success grows the places up to the maximum", p.places, 4);
    site_pace_trouble(&p, SITE_SLOWER, 0);
    CHECK_EQ("a refusal halves them", p.places, 2);
    site_pace_give_back(&p);
    site_pace_give_back(&p);
    site_pace_trouble(&p, SITE_REST, 100);
    CHECK_EQ("421 makes the site rest", site_pace_rest_until(&p, 100), 1100);
    CHECK_TRUE("nothing is opened while it rests", !site_pace_take(&p, 1099));
    site_pace_trouble(&p, SITE_REST, 500);
    CHECK_EQ("a late report does not lengthen the rest", site_pace_rest_until(&p, 500), 1100);
    CHECK_TRUE("one probe afterwards", site_pace_take(&p, 1100) && !site_pace_take(&p, 1100));
    site_pace_trouble(&p, SITE_REST, 1200);
    CHECK_EQ("the next rest is twice as long", site_pace_rest_until(&p, 1200), 3200);
    site_pace_trouble(&p, SITE_REST, 3300);
    CHECK_EQ("up to the longest", site_pace_rest_until(&p, 3300), 6300);
    site_pace_success(&p);
    CHECK_EQ("a success ends it", site_pace_rest_until(&p, 3300), 0);
    for (int i = 0; i < 4; i++)
        site_pace_trouble(&p, SITE_SLOWER, 7000);
    CHECK_TRUE("nothing but failures makes it rest too", site_pace_rest_until(&p, 7000) != 0);
}

/* [RFC 3463 s3.2] [RFC 7505 s4] */
static void hard_bounces(void **state)
{
    static const struct {
        const char *name, *stage, *status;
        size_t rcpts;
        int want; /* -1: nothing */
    } rows[] = {
        {"no such mailbox", "RCPT", "5.1.1", 3, BOUNCE_ADDRESS},
        {"no such host", "RCPT", "5.1.2", 1, BOUNCE_INVALID},
        {"bad syntax", "RCPT", "5.1.3", 1, BOUNCE_INVALID},
        {"moved without a new address", "RCPT", "5.1.6", 1, BOUNCE_ADDRESS},
        {"null MX, found without a dialogue", NULL, "5.1.10", 5, BOUNCE_INVALID},
        {"after the dot of a message for one", "end of data", "5.1.1", 1, BOUNCE_ADDRESS},
        {"after the dot for several it means nobody", "end of data", "5.1.1", 2, BOUNCE_REFUSED},
        {"at MAIL it means the sender", "MAIL", "5.1.2", 1, BOUNCE_REFUSED},
        {"a bad sender", "RCPT", "5.1.8", 1, BOUNCE_REFUSED},
        {"a plain 550", "RCPT", "5.1.0", 1, BOUNCE_REFUSED},
        {"a policy", "RCPT", "5.7.1", 1, BOUNCE_REFUSED},
        {"reputation, after the dot", "end of data", "5.7.26", 1, BOUNCE_REFUSED},
        {"a full mailbox", "RCPT", "5.2.2", 1, BOUNCE_REFUSED},
        {"for now only", "RCPT", "4.1.1", 1, BOUNCE_REFUSED},
        {"a longer number that begins alike", "RCPT", "5.1.11", 1, BOUNCE_REFUSED},
        {"our own failure, without a dialogue", NULL, "5.4.7", 1, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum delivery_bounce kind;
        bool said =
            policy_bounce_kind(rows[i].stage, sgl_view_cstr(rows[i].status), rows[i].rcpts, &kind);

        CHECK_EQ(rows[i].name, said ? (int)kind : -1, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies),
        cmocka_unit_test(failures),
        cmocka_unit_test(every_failure_has_a_rule),
        cmocka_unit_test(reasons),
        cmocka_unit_test(routes),
        cmocka_unit_test(pace),
        cmocka_unit_test(hard_bounces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
