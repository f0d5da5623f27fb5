/* SPDX-License-Identifier: Apache-2.0 */
/* What comes back, read.  [RFC 3464, 3834, 6533] */
#include "sigillo/bounce.h"

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

#define V(s) sgl_view_cstr(s)

#define REPORT                                                                                     \
    "From: MAILER-DAEMON@mx.test\r\nTo: a@our.test\r\nSubject: Undelivered\r\n"                    \
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"              \
    "--b\r\n\r\nIt failed.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"                \
    "Reporting-MTA: dns; mx.test\r\nOriginal-Envelope-Id: QQ314\r\n\r\n"
#define END                                                                                        \
    "\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <1@our.test>\r\n"             \
    "Subject: hello\r\n--b--\r\n"
#define NOTICE(from, subject)                                                                      \
    "Return-Path: <>\r\nFrom: " from "\r\nTo: a@our.test\r\nSubject: " subject "\r\n\r\n"

/* Each recipient: "address action status code class cause", lines ended by "|". */
static const struct {
    const char *name, *message, *want;
} cases[] = {
    {"the fields of one recipient [RFC 3464 s2.3]",
     REPORT "Final-Recipient: rfc822; u@x.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
            "Remote-MTA: dns; mx.x.test\r\n"
            "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n" END,
     "u@x.test failed 5.1.1 550 hard user-unknown|"},
    {"two recipients, two groups",
     REPORT "Final-Recipient: rfc822; u@x.test\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n"
            "Final-Recipient: rfc822; v@x.test\r\nAction: delayed\r\nStatus: 4.4.1\r\n" END,
     "u@x.test failed 5.2.2 0 full mailbox-full|v@x.test delayed 4.4.1 0 soft network|"},
    {"the empty line between two groups is missing",
     REPORT "Final-Recipient: rfc822; u@x.test\r\nStatus: 5.1.1\r\n"
            "Final-Recipient: rfc822; v@x.test\r\nStatus: 5.7.1\r\n" END,
     "u@x.test failed 5.1.1 0 hard user-unknown|v@x.test failed 5.7.1 0 policy policy|"},
    {"empty lines that are too many are no groups",
     REPORT "\r\n\r\nFinal-Recipient: rfc822; u@x.test\r\nStatus: 5.1.1\r\n\r\n\r\n" END,
     "u@x.test failed 5.1.1 0 hard user-unknown|"},
    {"whom the sender named counts, not the alias [RFC 3464 s2.3.1]",
     REPORT "Original-Recipient: rfc822;u@x.test\r\nFinal-Recipient: x400; /S=u/C=GB/\r\n"
            "Action: failed\r\nStatus: 5.1.1\r\n" END,
     "u@x.test failed 5.1.1 0 hard user-unknown|"},
    {"an address that had to travel as ASCII [RFC 6533 s3]",
     REPORT "Final-Recipient: utf-8; \\x{E9}l\\x{E8}ve@x.test\r\nAction: failed\r\n"
            "Status: 5.1.1\r\n" END,
     "\xc3\xa9l\xc3\xa8ve@x.test failed 5.1.1 0 hard user-unknown|"},
    {"a success notice is no failure",
     REPORT "Final-Recipient: rfc822; u@x.test\r\nAction: relayed\r\nStatus: 2.0.0\r\n" END,
     "u@x.test relayed 2.0.0 0 delivered relayed|"},
    {"delayed is not failed: nothing is hard yet",
     REPORT "Final-Recipient: rfc822; u@x.test\r\nAction: delayed\r\nStatus: 5.1.1\r\n" END,
     "u@x.test delayed 5.1.1 0 soft user-unknown|"},
    {"a code of the diagnostic counts more than a vague status",
     REPORT "Final-Recipient: rfc822; u@x.test\r\nAction: failed\r\nStatus: 5.0.0\r\n"
            "Diagnostic-Code: smtp; 550-5.2.2 over\r\n 550 5.2.2 quota\r\n" END,
     "u@x.test failed 5.2.2 550 full mailbox-full|"},
    {"the text counts more than a careless status",
     REPORT "Final-Recipient: rfc822; u@x.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
            "Diagnostic-Code: smtp; 550 5.1.1 192.0.2.1 is listed at dnsbl.test\r\n" END,
     "u@x.test failed 5.1.1 550 block blocklist|"},
    {"words in addresses and links mean nothing",
     REPORT "Final-Recipient: rfc822; spam@x.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
            "Diagnostic-Code: smtp; 550 5.1.1 <spam@virus.test> https://blacklist.test/ 1\r\n" END,
     "spam@x.test failed 5.1.1 550 hard user-unknown|"},
    {"a policy is no dead mailbox",
     REPORT "Final-Recipient: rfc822; u@x.test\r\nAction: failed\r\nStatus: 5.7.1\r\n"
            "Diagnostic-Code: smtp; 550 5.7.1 Recipient address rejected: User unknown\r\n" END,
     "u@x.test failed 5.7.1 550 policy filtered|"},
    {"no such user, said after the message, is not sure",
     REPORT "Final-Recipient: rfc822; u@x.test\r\nAction: failed\r\nStatus: 5.0.0\r\n"
            "Diagnostic-Code: smtp; 550 Unknown user (in reply to end of DATA command)\r\n" END,
     "u@x.test failed 5.0.0 550 soft filtered|"},
    {"a time-out is soft, whatever the domain",
     REPORT "Final-Recipient: rfc822; u@x.test\r\nAction: failed\r\nStatus: 4.4.1\r\n"
            "Diagnostic-Code: X-Postfix; connect to x.test: Connection timed out\r\n" END,
     "u@x.test failed 4.4.1 0 soft network|"},
    {"the domain takes no mail [RFC 7505 s3]",
     REPORT "Final-Recipient: rfc822; u@x.test\r\nAction: failed\r\nStatus: 5.1.10\r\n" END,
     "u@x.test failed 5.1.10 0 hard no-mail|"},
    {"who sends has no reverse name [RFC 7372 s3.3]",
     REPORT "Final-Recipient: rfc822; u@x.test\r\nAction: failed\r\nStatus: 5.7.25\r\n" END,
     "u@x.test failed 5.7.25 0 block reverse-dns|"},
    {"a challenge in the form of a report is no failure",
     REPORT "Final-Recipient: rfc822; u@x.test\r\nAction: failed\r\nStatus: 5.7.1\r\n"
            "Diagnostic-Code: smtp; Sender not pre-approved.\r\n" END,
     "u@x.test failed 5.7.1 0 auto-reply challenge|"},
    {"qmail",
     NOTICE("MAILER-DAEMON@x.test",
            "failure notice") "Hi. This is the qmail-send program at x.test.\r\n\r\n<u@x.test>:\r\n"
                              "Sorry, no mailbox here by that name. (#5.1.1)\r\n\r\n"
                              "--- Below this line is a copy of the message.\r\n\r\nMessage-ID: "
                              "<1@our.test>\r\n\r\nx\r\n",
     "u@x.test failed 5.1.1 0 hard user-unknown|"},
    {"Exim names them in its header",
     "From: Mail Delivery System <Mailer-Daemon@x.test>\r\nTo: a@our.test\r\n"
     "X-Failed-Recipients: u@x.test,\r\n v@x.test\r\nAuto-Submitted: auto-replied\r\n\r\n"
     "This message was created automatically by mail delivery software.\r\n\r\n"
     "  u@x.test\r\n    host mx [192.0.2.1]: 550 5.1.1 User Unknown\r\n\r\n"
     "  v@x.test\r\n    host mx [192.0.2.1]: 552 5.2.2 Mailbox full\r\n",
     "u@x.test failed 5.1.1 550 hard user-unknown|v@x.test failed 5.2.2 552 full mailbox-full|"},
    {"a delayed message in words",
     NOTICE("Mailer-Daemon@x.test",
            "Warning: message delayed 24 hours") "This message was created automatically by mail "
                                                 "delivery software.\r\n"
                                                 "A message that you sent has not yet been "
                                                 "delivered:\r\n\r\n  u@x.test\r\n",
     "u@x.test delayed - 0 soft temporary|"},
    {"a form that nobody knows, sent by a mail system",
     NOTICE("postmaster@x.test", "Undeliverable mail") "<u@x.test>: no such person here\r\n",
     "u@x.test failed - 0 hard user-unknown|"},
    {"the same text in a letter reports nothing",
     "From: anna@x.test\r\nTo: a@our.test\r\nSubject: your list\r\n\r\n<u@x.test>: no such person "
     "here\r\n",
     ""},
    {"somebody is away [RFC 3834 s3.1]",
     "From: <u@x.test>\r\nSubject: Away\r\nAuto-Submitted: auto-replied\r\n\r\nBack on Monday\r\n",
     "u@x.test delivered - 0 auto-reply auto-reply|"},
    {"a letter that was made by a machine is no reply [RFC 3834 s5]",
     "From: <u@x.test>\r\nSubject: Invoice\r\nAuto-Submitted: auto-generated\r\n\r\nx\r\n", ""},
    {"a receipt for reading reports no delivery [RFC 8098]",
     "From: <u@x.test>\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
     "Content-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822; u@x.test\r\n"
     "--b--\r\n",
     ""},
    {"a complaint",
     "From: fbl@x.test\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
     "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n"
     "Original-Rcpt-To: <u@x.test>\r\n--b--\r\n",
     "u@x.test complaint - 0 complaint abuse|"},
    {"a letter", "From: <u@x.test>\r\nSubject: hi\r\n\r\nhello\r\n", ""},
};

static void put(struct sgl_buf *out, sgl_view v)
{
    sgl_buf_add(out, v.len == 0 ? SGL_LIT("-") : v);
    sgl_buf_add_byte(out, ' ');
}

static void describe(const struct sgl_bounce *b, struct sgl_buf *out)
{
    for (size_t i = 0; i < b->rcpts; i++) {
        const struct sgl_bounce_rcpt *r = &b->rcpt[i];

        put(out, r->recipient);
        put(out, V(sgl_bounce_action_name(r->action)));
        put(out, r->status);
        sgl_buf_addf(out, "%u %s %s|", r->code, sgl_bounce_class_name(r->class_), r->cause);
    }
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY);
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 16);
        struct sgl_bounce b;

        CHECK_EQ(cases[i].name, sgl_bounce_parse(V(cases[i].message), &arena, &b), SGL_OK);
        describe(&b, &text);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&text), V(cases[i].want));
        CHECK_EQ(cases[i].name, b.kind == SGL_BOUNCE_NONE, b.rcpts == 0);
    }
}

/* Every message again with the line ends of Unix. */
static void test_line_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY);
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 16), lf = SGL_BUF_INIT(1 << 16);
        struct sgl_bounce b;

        for (const char *p = cases[i].message; *p != '\0'; p++)
            if (*p != '\r')
                sgl_buf_add_byte(&lf, (uint8_t)*p);
        CHECK_EQ(cases[i].name, sgl_bounce_parse(sgl_buf_view(&lf), &arena, &b), SGL_OK);
        describe(&b, &text);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&text), V(cases[i].want));
    }
}

static void test_what_finds_the_message(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY);
    struct sgl_bounce b;

    (void)state;
    assert_int_equal(sgl_bounce_parse(V(cases[0].message), &arena, &b), SGL_OK);
    CHECK_VIEW("the id of the envelope", b.env_id, V("QQ314"));
    CHECK_VIEW("who reports", b.reporting_mta, V("mx.test"));
    CHECK_VIEW("who refused", b.rcpt[0].remote_mta, V("mx.x.test"));
    CHECK_VIEW("the original's Message-ID", b.message_id, V("<1@our.test>"));
    CHECK_STR("the form", b.form, "rfc3464");
}

static void test_limits(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY),
                        small = SGL_ARENA_INIT(4096);
    sgl_auto(sgl_buf) m = SGL_BUF_INIT(1 << 20);
    struct sgl_bounce b = {.rcpts = 77};

    (void)state;
    sgl_buf_add_cstr(&m, REPORT);
    for (unsigned i = 0; i <= SGL_LIMIT_BOUNCE_RCPTS; i++)
        sgl_buf_addf(&m, "Final-Recipient: rfc822; u%u@x.test\r\nStatus: 5.1.1\r\n\r\n", i);
    sgl_buf_add_cstr(&m, END);
    assert_int_equal(sgl_bounce_parse(sgl_buf_view(&m), &small, &b), SGL_E_LIMIT);
    CHECK_EQ("nothing is set", b.rcpts, 77);
    assert_int_equal(sgl_bounce_parse(sgl_buf_view(&m), &arena, &b), SGL_OK);
    CHECK_EQ("as many as are told of", b.rcpts, SGL_LIMIT_BOUNCE_RCPTS);
    CHECK_TRUE("that there are more is said", b.more);
    CHECK_EQ("parts within parts without end",
             sgl_bounce_parse(V("Content-Type: message/rfc822"), &arena, &b), SGL_OK);
}

/* A line end or a NUL of a report goes no further. */
static void add_many(struct sgl_buf *to, const char *text, size_t count)
{
    while (count-- > 0)
        sgl_buf_add_cstr(to, text);
}

/* Texts that took minutes when they were searched again for each of their bytes, or each address. */
static void test_time_grows_with_the_length(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY);
    sgl_auto(sgl_buf) m = SGL_BUF_INIT((size_t)8 << 20);
    struct sgl_bounce b;

    (void)state;
    sgl_buf_add_cstr(&m, "From: MAILER-DAEMON@mx.test\r\nX-Failed-Recipients: u@x");
    add_many(&m, ",u@x,u@x,\r\n u@x", 30000);
    sgl_buf_add_cstr(&m, "\r\n\r\n");
    add_many(&m, "failure ", SGL_LIMIT_BOUNCE_TEXT / 8);
    assert_int_equal(sgl_bounce_parse(sgl_buf_view(&m), &arena, &b), SGL_OK);
    CHECK_EQ("one address, however often it is told", b.rcpts, 1);
    for (unsigned i = 0; i < 100; i++) {
        sgl_arena_reset(&arena);
        sgl_buf_reset(&m);
        sgl_buf_add_cstr(
            &m, NOTICE("MAILER-DAEMON@mx.test",
                       "failure") "I wasn't able to deliver the following message\r\nTo: \"");
        add_many(&m, "\\\"", SGL_LIMIT_BOUNCE_TEXT / 2 - 100);
        assert_int_equal(sgl_bounce_parse(sgl_buf_view(&m), &arena, &b), SGL_OK);
    }
    CHECK_EQ("no address in what only begins like some", b.rcpts, 0);
}

static void test_nothing_breaks_a_line(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY);
    struct sgl_bounce b;

    (void)state;
    assert_int_equal(
        sgl_bounce_parse(V(REPORT "Final-Recipient: rfc822; u@x.test\r\nStatus: 5.1.1\r\n"
                                  "Diagnostic-Code: smtp; 550 one\r\n\ttwo\x01\r\n" END),
                         &arena, &b),
        SGL_OK);
    CHECK_VIEW("one line", b.rcpt[0].diagnostic, V("550 one two "));
}

static void test_no_memory(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++)
        for (size_t n = 1; fail_alloc_round(n); n++) {
            sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY);
            struct sgl_bounce b = {.rcpts = 77};
            enum sgl_status status = sgl_bounce_parse(V(cases[c].message), &arena, &b);

            if (fail_alloc_hit()) {
                CHECK_EQ(cases[c].name, status, SGL_E_NOMEM);
                CHECK_EQ(cases[c].name, b.rcpts, 77);
            } else {
                CHECK_EQ(cases[c].name, status, SGL_OK);
            }
        }
}

static const struct {
    const char *status;
    uint16_t code;
    const char *text, *class_, *cause;
} said[] = {
    {"", 0, "", "unknown", ""},
    {"", 550, "550 something", "unknown", ""},
    {"", 450, "450 something", "soft", "temporary"},
    {"", 552, "552 something", "full", "mailbox-full"},
    {"", 556, "556 something", "hard", "no-mail"},
    {"4.1.1", 450, "user unknown", "soft", "user-unknown"},
    {"5.7.1", 550, "5.7.1 SPF check failed", "policy", "authentication"},
    {"5.7.606", 550, "denied by 606", "policy", "policy"},
    {"5.7.606", 550, "606", "block", "blocklist"},
    {"5.4.6", 554, "x", "soft", "loop"},
    {"5.2.1", 550, "the account is disabled", "soft", "disabled"},
    {"5.2.1", 550, "receiving mail at a rate that", "soft", "rate"},
    {"5.3.4", 552, "x", "policy", "size"},
    {"5.1.2", 550, "Host or domain name not found", "hard", "host-unknown"},
    {"5.4.4", 550, "Host not found, try again", "soft", "network"},
};

static void test_classify(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        struct sgl_bounce_said s = {V(said[i].status), said[i].code, V(said[i].text), false};
        enum sgl_bounce_class class_;
        const char *cause;

        assert_int_equal(sgl_bounce_classify(&s, &arena, &class_, &cause), SGL_OK);
        CHECK_STR(said[i].text, sgl_bounce_class_name(class_), said[i].class_);
        CHECK_STR(said[i].text, cause, said[i].cause);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_what_finds_the_message),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_time_grows_with_the_length),
        cmocka_unit_test(test_nothing_breaks_a_line),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_classify),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
