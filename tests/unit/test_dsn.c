/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/dsn.h"

#include "check.h"
#include "sigillo/ascii.h"
#include "sigillo/message_check.h"

#define V(s) sgl_view_cstr(s)

#define ORIGINAL                                                                                   \
    "From: a@example.org\r\nMessage-ID: <1@example.org>\r\nSubject: x\r\n\r\nthe body\r\n"

/* [RFC 3461 s4.1, s5.2; RFC 5321 s4.5.5] */
static void wanted(void **state)
{
    static const struct {
        const char *name, *from;
        unsigned notify;
        bool failed, delayed, relayed;
    } cases[] = {
        {"nothing said means failure and delay", "a@b.c", 0, true, true, false},
        {"NEVER", "a@b.c", SGL_DSN_NOTIFY_NEVER, false, false, false},
        {"only SUCCESS", "a@b.c", SGL_DSN_NOTIFY_SUCCESS, false, false, true},
        {"only FAILURE", "a@b.c", SGL_DSN_NOTIFY_FAILURE, true, false, false},
        {"DELAY and FAILURE", "a@b.c", SGL_DSN_NOTIFY_FAILURE | SGL_DSN_NOTIFY_DELAY, true, true,
         false},
        {"the null sender hears nothing", "", SGL_DSN_NOTIFY_FAILURE | SGL_DSN_NOTIFY_SUCCESS,
         false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_view from = V(cases[i].from);

        CHECK_EQ(cases[i].name, sgl_dsn_wanted(from, cases[i].notify, SGL_DSN_FAILED),
                 cases[i].failed);
        CHECK_EQ(cases[i].name, sgl_dsn_wanted(from, cases[i].notify, SGL_DSN_DELAYED),
                 cases[i].delayed);
        CHECK_EQ(cases[i].name, sgl_dsn_wanted(from, cases[i].notify, SGL_DSN_RELAYED),
                 cases[i].relayed);
        CHECK_EQ(cases[i].name, sgl_dsn_wanted(from, cases[i].notify, SGL_DSN_DELIVERED),
                 cases[i].relayed);
    }
}

static struct sgl_dsn_rcpt failed_rcpt(void)
{
    return (struct sgl_dsn_rcpt){
        .address = V("bob@example.net"),
        .orcpt = V("rfc822;Bob@example.net"),
        .action = SGL_DSN_FAILED,
        .status = V("5.1.1"),
        .remote_mta = V("mx1.example.net [192.0.2.1]"),
        .reply = V("550 5.1.1 no such user here"),
        .last_attempt = 1790000000,
        .attempts = 3,
    };
}

static struct sgl_dsn report_of(const struct sgl_dsn_rcpt *rcpt)
{
    return (struct sgl_dsn){
        .reporting_mta = V("mail.example.org"),
        .from_address = V("mailer-daemon@example.org"),
        .to = V("a@example.org"),
        .env_id = V("env-1"),
        .message_id = V("<r1@mail.example.org>"),
        .queue_id = V("0123456789abc"),
        .now = 1790000100,
        .arrival = 1789990000,
        .random = {1, 2, 3},
        .return_max = 10000,
        .original = V(ORIGINAL),
        .rcpt = rcpt,
        .rcpts = 1,
    };
}

static bool has(const struct sgl_buf *b, const char *text)
{
    return sgl_view_find_view(sgl_buf_view(b), V(text)) < b->len;
}

/* Whatever the input, the report must be a message that our own door would take. */
static void check_sendable(const char *name, const struct sgl_buf *b)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    struct sgl_message_report r;

    CHECK_EQ(name, sgl_message_check(sgl_buf_view(b), &arena, &r), SGL_OK);
    CHECK_STR(name, sgl_message_fault_code(r.fault), "fine");
}

static void put(const char *name, struct sgl_buf *b, const struct sgl_dsn *d,
                struct sgl_dsn_result *result)
{
    sgl_buf_reset(b);
    CHECK_EQ(name, sgl_dsn_put(b, d, result), SGL_OK);
    check_sendable(name, b);
}

/* [RFC 3464 s2.3.4] [RFC 3834 s5] */
static void shape(void **state)
{
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 20);
    struct sgl_dsn_rcpt rcpt = failed_rcpt();
    struct sgl_dsn d = report_of(&rcpt);
    struct sgl_dsn_result result;
    static const char *const lines[] = {
        "From: Mail Delivery System <mailer-daemon@example.org>\r\n",
        "To: <a@example.org>\r\n",
        "Auto-Submitted: auto-replied\r\n",
        "In-Reply-To: <1@example.org>\r\n",
        "Content-Type: multipart/report; report-type=delivery-status;\r\n",
        "Content-Type: message/delivery-status\r\n",
        "\r\nOriginal-Envelope-Id: env-1\r\nReporting-MTA: dns; mail.example.org\r\n",
        "\r\n\r\nOriginal-Recipient: rfc822;Bob@example.net\r\nFinal-Recipient: rfc822; "
        "bob@example.net\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx1.example.net\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user here\r\n",
        "  <bob@example.net>\r\n    The server mx1.example.net [192.0.2.1] said:\r\n      550 "
        "5.1.1 no such user here\r\n    Tried 3 times",
        "Content-Type: message/rfc822\r\n\r\n" ORIGINAL,
    };

    (void)state;
    put("failure", &b, &d, &result);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        CHECK_TRUE(lines[i], has(&b, lines[i]));
    CHECK_TRUE("pure ASCII", !result.eightbit && !result.smtputf8);
}

/* [RFC 3461 s4.3] */
static void returned_content(void **state)
{
    static const struct {
        const char *name;
        char ret;
        enum sgl_dsn_action action;
        size_t max;
        bool body;
    } cases[] = {
        {"RET=FULL", 'F', SGL_DSN_FAILED, 1000, true},
        {"RET=HDRS", 'H', SGL_DSN_FAILED, 1000, false},
        {"nothing said", 0, SGL_DSN_FAILED, 1000, true},
        {"too large", 'F', SGL_DSN_FAILED, 10, false},
        {"a delay returns no body", 'F', SGL_DSN_DELAYED, 1000, false},
        {"a success returns no body", 'F', SGL_DSN_RELAYED, 1000, false},
    };
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 20);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sgl_dsn_rcpt rcpt = failed_rcpt();
        struct sgl_dsn d = report_of(&rcpt);
        struct sgl_dsn_result result;

        rcpt.action = cases[i].action;
        d.ret = cases[i].ret;
        d.return_max = cases[i].max;
        put(cases[i].name, &b, &d, &result);
        CHECK_EQ(cases[i].name, has(&b, "the body"), cases[i].body);
        CHECK_EQ(cases[i].name, has(&b, "text/rfc822-headers"), !cases[i].body);
        CHECK_TRUE(cases[i].name, has(&b, "Subject: x"));
        if (cases[i].action != SGL_DSN_FAILED) /* a class that does not go with the action */
            CHECK_TRUE(
                cases[i].name,
                has(&b, cases[i].action == SGL_DSN_DELAYED ? "Status: 4.0.0" : "Status: 2.0.0"));
    }
}

/* [RFC 6533 s3, s4, s5] */
static void international(void **state)
{
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 20);
    struct sgl_dsn_rcpt rcpt = failed_rcpt();
    struct sgl_dsn d = report_of(&rcpt);
    struct sgl_dsn_result result;

    (void)state;
    rcpt.address = V("jos\xc3\xa9@example.net");
    put("7bit", &b, &d, &result);
    CHECK_TRUE("escaped address", has(&b, "Final-Recipient: utf-8; jos\\x{E9}@example.net\r\n"));
    CHECK_TRUE("no 8-bit byte", sgl_ascii_only(sgl_buf_view(&b)) && !result.eightbit);
    d.smtputf8 = true;
    put("global", &b, &d, &result);
    CHECK_TRUE("raw address", has(&b, "Final-Recipient: utf-8; jos\xc3\xa9@example.net\r\n"));
    CHECK_TRUE("types", has(&b, "message/global-delivery-status") &&
                            has(&b, "Content-Type: message/global\r\n"));
    CHECK_TRUE("8BITMIME, but its own header is ASCII", result.eightbit && !result.smtputf8);
    d.to = V("\xc3\xa9@example.org");
    put("to", &b, &d, &result);
    CHECK_TRUE("SMTPUTF8", result.smtputf8);
    d = report_of(&rcpt);
    d.original = V("From: a@b.c\r\n\r\n\xe9\r\n");
    put("8-bit original", &b, &d, &result);
    CHECK_TRUE("8BITMIME", result.eightbit && !result.smtputf8);
}

static void hostile(void **state)
{
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) reason = SGL_BUF_INIT(20000);
    struct sgl_dsn_rcpt rcpt = failed_rcpt();
    struct sgl_dsn d = report_of(&rcpt);
    struct sgl_dsn_result result;

    (void)state;
    rcpt.reply = V("550 bye\r\nBcc: victim@example.com\r\n\r\n--=_0102\r\n.\r\n");
    rcpt.remote_mta = V("evil\r\nX-Injected: 1 [192.0.2.1]");
    rcpt.orcpt = V("rfc822;a\r\nX-Injected: 2");
    rcpt.status = V("5.1.1\r\nX-Injected: 3");
    rcpt.reason = sgl_view_of("a\0b\x1b[2J\xff", 8);
    d.env_id = V("e\r\nX-Injected: 4");
    d.queue_id = V("q\nX-Injected: 5");
    put("line ends", &b, &d, &result);
    CHECK_TRUE("nothing is injected", !has(&b, "\nBcc:") && !has(&b, "\nX-Injected"));
    CHECK_TRUE("an odd status is replaced", has(&b, "Status: 5.0.0\r\n"));
    for (size_t i = 0; i < 10000; i++)
        sgl_buf_add_byte(&reason, i % 3 == 0 ? 'x' : (uint8_t)(i % 3 == 1 ? 0xc3 : 0xa9));
    rcpt = failed_rcpt();
    rcpt.reply = sgl_buf_view(&reason);
    put("10,000 bytes without a blank", &b, &d, &result);
    CHECK_TRUE("it is cut", b.len < 12000);
    d = report_of(&rcpt);
    d.original = V("no mail\nat all");
    put("an original that cannot be returned", &b, &d, &result);
    CHECK_TRUE("it is left out", !has(&b, "at all"));
    d.original = V("");
    put("no original", &b, &d, &result);
}

static void misuse(void **state)
{
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) small = SGL_BUF_INIT(100);
    struct sgl_dsn_rcpt rcpt = failed_rcpt();
    struct sgl_dsn d = report_of(&rcpt);
    struct sgl_dsn_result result;

    (void)state;
    CHECK_EQ("out is too small", sgl_dsn_put(&small, &d, &result), SGL_E_LIMIT);
    CHECK_TRUE("and as it was", small.len == 0 && small.status == SGL_OK);
    d.to = V("");
    CHECK_EQ("to the null sender", sgl_dsn_put(&b, &d, &result), SGL_E_MISUSE);
    d.to = V("a@b.c\r\nBcc: x@y.z");
    CHECK_EQ("a line end in to", sgl_dsn_put(&b, &d, &result), SGL_E_MISUSE);
    d = report_of(&rcpt);
    d.rcpts = 0;
    CHECK_EQ("no recipient", sgl_dsn_put(&b, &d, &result), SGL_E_MISUSE);
    CHECK_EQ("nothing is written", b.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wanted),           cmocka_unit_test(shape),
        cmocka_unit_test(returned_content), cmocka_unit_test(international),
        cmocka_unit_test(hostile),          cmocka_unit_test(misuse)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
