/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/tls_report.h"

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/base64.h"
#include "sigillo/limits.h"
#include "sigillo/message_check.h"

#define V(s) sgl_view_cstr(s)

static struct sgl_ip ip_of(const char *text)
{
    struct sgl_ip ip = {0};

    if (sgl_ip_parse(V(text), &ip) != SGL_OK)
        fail_msg("not an address: %s", text);
    return ip;
}

/* ---- the example of RFC 8460, appendix B, with its pattern as the array that s4.4 asks for ---- */

struct example {
    sgl_view string[4], mx[1];
    struct sgl_tls_report_failure failure[3];
    struct sgl_tls_report_policy policy;
    struct sgl_tls_report report;
};

static void example_of(struct example *e)
{
    *e = (struct example){
        .string = {V("version: STSv1"), V("mode: testing"), V("mx: *.mail.company-y.example"),
                   V("max_age: 86400")},
        .mx = {V("*.mail.company-y.example")},
        .failure = {{.result = V("certificate-expired"),
                     .sending = ip_of("2001:db8:abcd:0012::1"),
                     .mx = V("mx1.mail.company-y.example"),
                     .sessions = 100},
                    {.result = V("starttls-not-supported"),
                     .sending = ip_of("2001:db8:abcd:0013::1"),
                     .mx = V("mx2.mail.company-y.example"),
                     .helo = V("mx2"),
                     .receiving = ip_of("203.0.113.56"),
                     .sessions = 200,
                     .information = V("https://reports.company-x.example/info?id=5065427c")},
                    {.result = V("validation-failure"),
                     .sending = ip_of("198.51.100.62"),
                     .mx = V("mx-backup.mail.company-y.example"),
                     .receiving = ip_of("203.0.113.58"),
                     .sessions = 3,
                     .reason = V("X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED")}},
        .policy = {.type = SGL_TLS_POLICY_STS,
                   .domain = V("company-y.example"),
                   .strings = 4,
                   .mxs = 1,
                   .successes = 5326,
                   .failed = 303,
                   .failures = 3},
        .report = {.organization = V("Company-X"),
                   .contact = V("sts-reporting@company-x.example"),
                   .id = V("5065427c-23d3-47ca-b6e0-946ea0e8c4be"),
                   .begin = 1459468800,
                   .end = 1459555199,
                   .policies = 1},
    };
    e->policy.string = e->string;
    e->policy.mx = e->mx;
    e->policy.failure = e->failure;
    e->report.policy = &e->policy;
}

static const char example_json[] =
    "{\"organization-name\":\"Company-X\",\"date-range\":{\"start-datetime\":\"2016-04-01T00:00:"
    "00Z\","
    "\"end-datetime\":\"2016-04-01T23:59:59Z\"},\"contact-info\":\"sts-reporting@company-x."
    "example\","
    "\"report-id\":\"5065427c-23d3-47ca-b6e0-946ea0e8c4be\",\"policies\":[{\"policy\":{"
    "\"policy-type\":\"sts\",\"policy-string\":[\"version: STSv1\",\"mode: testing\","
    "\"mx: *.mail.company-y.example\",\"max_age: 86400\"],\"policy-domain\":\"company-y.example\","
    "\"mx-host\":[\"*.mail.company-y.example\"]},\"summary\":{"
    "\"total-successful-session-count\":5326,\"total-failure-session-count\":303},"
    "\"failure-details\":[{\"result-type\":\"certificate-expired\","
    "\"sending-mta-ip\":\"2001:db8:abcd:12::1\","
    "\"receiving-mx-hostname\":\"mx1.mail.company-y.example\",\"failed-session-count\":100},{"
    "\"result-type\":\"starttls-not-supported\",\"sending-mta-ip\":\"2001:db8:abcd:13::1\","
    "\"receiving-mx-hostname\":\"mx2.mail.company-y.example\",\"receiving-mx-helo\":\"mx2\","
    "\"receiving-ip\":\"203.0.113.56\",\"failed-session-count\":200,"
    "\"additional-information\":\"https://reports.company-x.example/info?id=5065427c\"},{"
    "\"result-type\":\"validation-failure\",\"sending-mta-ip\":\"198.51.100.62\","
    "\"receiving-mx-hostname\":\"mx-backup.mail.company-y.example\","
    "\"receiving-ip\":\"203.0.113.58\",\"failed-session-count\":3,"
    "\"failure-reason-code\":\"X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED\"}]}]}";

/* [RFC 8460 s4.4] */
static void the_example(void **state)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
    struct example e;

    (void)state;
    example_of(&e);
    CHECK_EQ("written", sgl_tls_report_put(&e.report, &out), SGL_OK);
    CHECK_VIEW("appendix B", sgl_buf_view(&out), V(example_json));
}

/* [RFC 8460 s4, s4.5] */
static void two_policies(void **state)
{
    static const char want[] =
        "\"policies\":[{\"policy\":{\"policy-type\":\"tlsa\",\"policy-string\":[\"3 1 1 ab12\","
        "\"2 0 1 cd\"],\"policy-domain\":\"a.test\"},\"summary\":{"
        "\"total-successful-session-count\":1,\"total-failure-session-count\":0},"
        "\"failure-details\":[]},{\"policy\":{"
        "\"policy-type\":\"no-policy-found\",\"policy-domain\":\"a.test\"},\"summary\":{"
        "\"total-successful-session-count\":0,\"total-failure-session-count\":2},"
        "\"failure-details\":[]}]}";
    sgl_view tlsa[] = {SGL_LIT_INIT("3 1 1 ab12"), SGL_LIT_INIT("2 0 1 cd")};
    struct sgl_tls_report_policy policy[] = {
        {.type = SGL_TLS_POLICY_TLSA,
         .domain = V("a.test"),
         .string = tlsa,
         .strings = 2,
         .successes = 1},
        {.type = SGL_TLS_POLICY_NONE, .domain = V("a.test"), .failed = 2},
    };
    struct sgl_tls_report r = {
        .contact = V("a@b.test"), .id = V("1"), .policy = policy, .policies = 2};
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);

    (void)state;
    CHECK_EQ("written", sgl_tls_report_put(&r, &out), SGL_OK);
    CHECK_TRUE("an array, no details where nothing failed",
               sgl_view_ends(sgl_buf_view(&out), V(want)));
}

/* [RFC 7493 s2.1; RFC 8460 s4.3.3] */
static void hostile_texts(void **state)
{
    static const struct {
        const char *name;
        sgl_view organization, reason;
        const char *want;
    } cases[] = {
        {"a quote ends no string", SGL_LIT_INIT("a\"b\\c"), SGL_LIT_INIT(""), "\"a\\\"b\\\\c\""},
        {"control characters are escaped", SGL_LIT_INIT("\r\n\0\x7f"), SGL_LIT_INIT(""),
         "\"\\u000d\\u000a\\u0000\\u007f\""},
        {"UTF-8 stays", SGL_LIT_INIT("J\xc3\xbcrgen"), SGL_LIT_INIT(""), "\"J\xc3\xbcrgen\""},
        {"what is no UTF-8 is replaced", SGL_LIT_INIT("a\xff\xc3"), SGL_LIT_INIT(""),
         "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
        {"a surrogate is no UTF-8", SGL_LIT_INIT("\xed\xa0\x80"), SGL_LIT_INIT(""),
         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"a noncharacter is replaced", SGL_LIT_INIT("\xef\xb7\x90 \xef\xbf\xbf \xf0\x9f\xbf\xbe"),
         SGL_LIT_INIT(""), "\"\xef\xbf\xbd \xef\xbf\xbd \xef\xbf\xbd\""},
        {"a reason has printable ASCII only", SGL_LIT_INIT(""),
         SGL_LIT_INIT("bad\r\nSubject: x\x1b[31m \xc3\xa9\""),
         "\"failure-reason-code\":\"bad??Subject: x?[31m ??\\\"\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
        struct example e;

        example_of(&e);
        e.report.organization = cases[i].organization;
        e.failure[0].reason = cases[i].reason;
        CHECK_EQ(cases[i].name, sgl_tls_report_put(&e.report, &out), SGL_OK);
        CHECK_TRUE(cases[i].name,
                   sgl_view_find_view(sgl_buf_view(&out), V(cases[i].want)) < out.len);
    }
}

static void long_reason(void **state)
{
    char text[1000];
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
    struct example e;
    size_t from;

    (void)state;
    memset(text, 'x', sizeof text);
    example_of(&e);
    e.failure[2].reason = sgl_view_of(text, sizeof text);
    CHECK_EQ("written", sgl_tls_report_put(&e.report, &out), SGL_OK);
    from = sgl_view_find_view(sgl_buf_view(&out), V("xxx"));
    CHECK_EQ("cut", sgl_view_find(sgl_view_from(sgl_buf_view(&out), from), '"'),
             SGL_LIMIT_TLS_REPORT_REASON);
}

static void misuse(void **state)
{
    (void)state;
    for (int i = 0; i < 13; i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
        struct example e;
        char name[20];

        example_of(&e);
        (void)snprintf(name, sizeof name, "case %d", i);
        sgl_buf_add(&out, V("before"));
        e.report.policies = i == 0 ? 0 : 1;
        e.report.id = i == 1 ? V("") : e.report.id;
        e.report.end = i == 2 ? e.report.begin - 1 : e.report.end;
        e.report.contact = i == 3 ? V("nobody") : i == 4 ? V("a\n@b.test") : e.report.contact;
        e.policy.type = i == 5 ? SGL_TLS_POLICY_OTHER : e.policy.type;
        e.policy.domain = i == 6 ? V("") : i == 7 ? V("a b") : e.policy.domain;
        e.policy.failed = i == 8 ? UINT64_C(1) << 53 : e.policy.failed;
        e.policy.successes = i == 9 ? UINT64_MAX : e.policy.successes;
        e.failure[2].sessions = i == 10 ? UINT64_C(1) << 53 : 3;
        e.failure[1].mx = i == 11 ? V("mx\"") : e.failure[1].mx;
        e.failure[0].result = i == 12 ? V("") : e.failure[0].result;
        CHECK_EQ(name, sgl_tls_report_put(&e.report, &out), SGL_E_MISUSE);
        CHECK_VIEW(name, sgl_buf_view(&out), V("before"));
    }
}

static void greatest_count(void **state)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
    struct example e;

    (void)state;
    example_of(&e);
    e.policy.successes = (UINT64_C(1) << 53) - 1; /* [RFC 7493 s2.2] */
    CHECK_EQ("written", sgl_tls_report_put(&e.report, &out), SGL_OK);
    CHECK_TRUE("digits only",
               sgl_view_find_view(sgl_buf_view(&out), V("count\":9007199254740991,")) < out.len);
}

static void words(void **state)
{
    (void)state;
    for (int t = SGL_TLS_POLICY_NONE; t < SGL_TLS_POLICY_OTHER; t++) {
        enum sgl_tls_policy_type type = (enum sgl_tls_policy_type)t;

        CHECK_EQ("there and back", sgl_tls_policy_type_of_name(V(sgl_tls_policy_type_name(type))),
                 type);
    }
    CHECK_EQ("a later word", sgl_tls_policy_type_of_name(V("pki")), SGL_TLS_POLICY_OTHER);
    CHECK_EQ("no word", sgl_tls_policy_type_of_name(V("")), SGL_TLS_POLICY_OTHER);
    CHECK_STR("OTHER has none", sgl_tls_policy_type_name(SGL_TLS_POLICY_OTHER), "");
}

/* ---- the mail ---- */

static struct sgl_tls_report_mail mail_of(const struct example *e)
{
    return (struct sgl_tls_report_mail){.report = &e->report,
                                        .domain = V("company-y.example"),
                                        .unique = V("001"),
                                        .attachment = V("gzip of it"),
                                        .gzip = true,
                                        .from = V("tlsrpt@company-x.example"),
                                        .to = V("reports@company-y.example"),
                                        .message_id = V("<1@company-x.example>"),
                                        .now = 1459560000,
                                        .random = {0xab, 1}};
}

static const char example_mail[] =
    "Date: Sat, 2 Apr 2016 01:20:00 +0000\r\n"
    "From: <tlsrpt@company-x.example>\r\n"
    "To: <reports@company-y.example>\r\n"
    "Message-ID: <1@company-x.example>\r\n"
    "Subject: Report Domain: company-y.example Submitter: company-x.example\r\n"
    " Report-ID: <5065427c-23d3-47ca-b6e0-946ea0e8c4be@company-x.example>\r\n"
    "TLS-Report-Domain: company-y.example\r\n"
    "TLS-Report-Submitter: company-x.example\r\n"
    "Auto-Submitted: auto-generated\r\n"
    "TLS-Required: No\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n"
    " boundary=\"=_ab010000000000000000000000000000\"\r\n"
    "\r\n"
    "This is a multipart message in MIME format.\r\n"
    "\r\n"
    "--=_ab010000000000000000000000000000\r\n"
    "Content-Type: text/plain; charset=us-ascii\r\n"
    "\r\n"
    "This is an aggregate TLS report from company-x.example\r\n"
    "about sessions to company-y.example,\r\n"
    "from 2016-04-01T00:00:00Z to 2016-04-01T23:59:59Z.\r\n"
    "\r\n"
    "Policy sts:\r\n"
    "  sessions as the policy asks: 5326\r\n"
    "  sessions that failed: 303\r\n"
    "    certificate-expired: 110\r\n"
    "    validation-failure: 3\r\n"
    "\r\n"
    "The whole report is attached. Its form is that of RFC 8460.\r\n"
    "The domain asks for it by its record _smtp._tls.company-y.example\r\n"
    "\r\n"
    "--=_ab010000000000000000000000000000\r\n"
    "Content-Type: application/tlsrpt+gzip\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "Content-Disposition: attachment; "
    "filename=\"company-x.example!company-y.example!1459468800!1459555199!001.json.gz\"\r\n"
    "\r\n"
    "Z3ppcCBvZiBpdA==\r\n"
    "\r\n"
    "--=_ab010000000000000000000000000000--\r\n";

/* [RFC 8460 s3, s5.1, s5.3; RFC 8689 s3; RFC 2045 s6.8] */
static void the_mail(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
    struct sgl_message_report check;
    struct example e;
    struct sgl_tls_report_mail m;

    (void)state;
    example_of(&e);
    e.failure[1].result = V("certificate-expired");
    e.failure[1].sessions = 10;
    m = mail_of(&e);
    CHECK_EQ("written", sgl_tls_report_put_mail(&m, &out), SGL_OK);
    CHECK_VIEW("the whole message", sgl_buf_view(&out), V(example_mail));
    CHECK_EQ("a message", sgl_message_check(sgl_buf_view(&out), &arena, &check), SGL_OK);
}

static void the_filename(void **state)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1000);
    struct example e;
    struct sgl_tls_report_mail m;

    (void)state;
    example_of(&e);
    m = mail_of(&e);
    m.unique = V("");
    m.gzip = false;
    CHECK_EQ("written", sgl_tls_report_put_filename(&m, &out), SGL_OK);
    CHECK_VIEW("neither unique nor compressed", sgl_buf_view(&out),
               V("company-x.example!company-y.example!1459468800!1459555199.json"));
    m.unique = V("a!b");
    CHECK_EQ("unique is letters and digits", sgl_tls_report_put_filename(&m, &out), SGL_E_MISUSE);
}

/* [RFC 5322 s3.2.3] */
static void hostile_mail(void **state)
{
    (void)state;
    for (int i = 0; i < 11; i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
        struct example e;
        struct sgl_tls_report_mail m;
        char name[20];

        example_of(&e);
        m = mail_of(&e);
        (void)snprintf(name, sizeof name, "case %d", i);
        sgl_buf_add(&out, V("before"));
        m.domain = i == 0 ? V("a\r\nBcc: x") : m.domain;
        m.unique = i == 1 ? V("..") : m.unique;
        m.attachment = i == 2 ? V("") : m.attachment;
        m.from = i == 3 ? V("a@other.test") : i == 4 ? V("x") : m.from;
        m.to = i == 5 ? V("a@b.test\r\nBcc: x") : i == 6 ? V("a b@c.test") : m.to;
        m.to = i == 7 ? V("a>@c.test") : m.to;
        e.report.id = i == 8 ? V("a b") : i == 9 ? V("a@b") : e.report.id;
        e.report.contact = i == 10 ? V("sts@") : e.report.contact;
        CHECK_EQ(name, sgl_tls_report_put_mail(&m, &out), SGL_E_MISUSE);
        CHECK_VIEW(name, sgl_buf_view(&out), V("before"));
    }
}

static void full_buffer(void **state)
{
    (void)state;
    for (size_t max = 1; max < sizeof example_json - 1; max += 7) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(max);
        struct example e;
        struct sgl_tls_report_mail m;

        example_of(&e);
        m = mail_of(&e);
        CHECK_EQ("too small", sgl_tls_report_put(&e.report, &out), SGL_E_LIMIT);
        CHECK_EQ("nothing stays", out.len, 0);
        CHECK_EQ("too small", sgl_tls_report_put_mail(&m, &out), SGL_E_LIMIT);
        CHECK_EQ("nothing stays", out.len, 0);
    }
}

static void no_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 16);
        struct example e;
        struct sgl_tls_report_mail m;
        enum sgl_status status;

        example_of(&e);
        m = mail_of(&e);
        status = sgl_tls_report_put(&e.report, &out);
        CHECK_TRUE("all or nothing", status == SGL_OK ? out.len == sizeof example_json - 1
                                                      : status == SGL_E_NOMEM && out.len == 0);
        if (status == SGL_OK)
            status = sgl_tls_report_put_mail(&m, &text);
        CHECK_TRUE("all or nothing",
                   fail_alloc_hit() ? status == SGL_E_NOMEM && text.len == 0 : status == SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example),   cmocka_unit_test(two_policies),
        cmocka_unit_test(hostile_texts), cmocka_unit_test(long_reason),
        cmocka_unit_test(misuse),        cmocka_unit_test(greatest_count),
        cmocka_unit_test(words),         cmocka_unit_test(the_mail),
        cmocka_unit_test(the_filename),  cmocka_unit_test(hostile_mail),
        cmocka_unit_test(full_buffer),   cmocka_unit_test(no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
