/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/ascii.h"
#include "sigillo/spf.h"

#define V(s) sgl_view_cstr(s)

static struct sgl_spf_request request_of(const char *ip, const char *sender, const char *helo)
{
    struct sgl_spf_request q = {.sender = V(sender), .helo = V(helo), .receiver = V("mx.rcv.test")};

    if (sgl_ip_parse(V(ip), &q.ip) != SGL_OK)
        fail_msg("not an address: %s", ip);
    return q;
}

static const struct {
    const char *name;
    struct sgl_spf spf;
    const char *ip, *sender, *helo, *want;
} fields[] = {
    {"pass",
     {.result = SGL_SPF_PASS,
      .domain = SGL_LIT_INIT("a.test"),
      .mechanism = SGL_LIT_INIT("mx"),
      .problem = ""},
     "192.0.2.1",
     "u@a.test",
     "mail.a.test",
     "Received-SPF: pass (mx.rcv.test: domain of a.test designates\r\n"
     " 192.0.2.1 as permitted sender)\r\n"
     " client-ip=192.0.2.1; envelope-from=\"u@a.test\"; helo=\"mail.a.test\";\r\n"
     " receiver=mx.rcv.test; identity=mailfrom; mechanism=mx\r\n"},
    {"a value that is no dot-atom is quoted",
     {.result = SGL_SPF_FAIL,
      .domain = SGL_LIT_INIT("a.test"),
      .mechanism = SGL_LIT_INIT("-ip6:2001:db8::/32"),
      .problem = ""},
     "2001:db8::1",
     "",
     "h",
     "Received-SPF: fail (mx.rcv.test: domain of a.test does not designate\r\n"
     " 2001:db8::1 as permitted sender)\r\n"
     " client-ip=\"2001:db8::1\"; envelope-from=\"\"; helo=\"h\"; receiver=mx.rcv.test;\r\n"
     " identity=mailfrom; mechanism=\"-ip6:2001:db8::/32\"\r\n"},
    {"nothing that a client sends can end the line or the quotes",
     {.result = SGL_SPF_NONE,
      .identity = SGL_SPF_HELO,
      .domain = SGL_LIT_INIT("x)\r\nEvil: 1"),
      .problem = "not a domain name",
      .problem_at = SGL_LIT_INIT("x)\r\nEvil: \"1\"")},
     "192.0.2.1",
     "",
     "x)\r\n\"Evil: \\1\xff",
     "Received-SPF: none (mx.rcv.test: 192.0.2.1 is neither permitted\r\n"
     " nor denied by domain of the sender)\r\n"
     " client-ip=192.0.2.1; helo=\"x)??\\\"Evil: \\\\1?\"; receiver=mx.rcv.test;\r\n"
     " identity=helo; problem=\"not a domain name: x)\\\\x0d\\\\x0aEvil: \\\"1\\\"\"\r\n"},
    {"UTF-8 stays [RFC 6532 s3.2]",
     {.result = SGL_SPF_NEUTRAL,
      .domain = SGL_LIT_INIT("a.test"),
      .mechanism = SGL_LIT_INIT("default"),
      .problem = ""},
     "192.0.2.1",
     "j\xc3\xbcrg@a.test",
     "h.test",
     "Received-SPF: neutral (mx.rcv.test: 192.0.2.1 is neither permitted\r\n"
     " nor denied by domain of a.test)\r\n"
     " client-ip=192.0.2.1; envelope-from=\"j\xc3\xbcrg@a.test\"; helo=\"h.test\";\r\n"
     " receiver=mx.rcv.test; identity=mailfrom; mechanism=default\r\n"},
};

static void writes_the_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(4096);
        struct sgl_spf_request q = request_of(fields[i].ip, fields[i].sender, fields[i].helo);

        CHECK_EQ(fields[i].name, sgl_spf_put_received(&fields[i].spf, &q, &out), SGL_OK);
        CHECK_VIEW(fields[i].name, sgl_buf_view(&out), V(fields[i].want));
    }
}

/* No line is longer than 998, whatever the values.  [RFC 7208 s9.1; RFC 5322 s2.1.1] */
static void keeps_lines_short(void **state)
{
    static char huge[20000];
    struct sgl_spf_request q;
    struct sgl_spf spf = {.result = SGL_SPF_PERMERROR, .problem = "unknown mechanism"};

    (void)state;
    memset(huge, '"', sizeof huge - 1);
    q = request_of("192.0.2.1", huge, huge);
    q.receiver = V(huge);
    spf.domain = spf.mechanism = spf.problem_at = V(huge);
    for (enum sgl_spf_result r = SGL_SPF_NONE; r <= SGL_SPF_PERMERROR; r++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(65536);
        sgl_view rest;

        spf.result = r;
        assert_int_equal(sgl_spf_put_received(&spf, &q, &out), SGL_OK);
        for (rest = sgl_buf_view(&out); rest.len > 0;) {
            sgl_view line = sgl_view_split(rest, '\n', &rest);

            assert_true(line.len > 1 && line.len <= 999 && line.ptr[line.len - 1] == '\r');
        }
    }
}

static void writes_the_reply(void **state)
{
    static const struct {
        const char *name;
        struct sgl_spf spf;
        unsigned code;
        const char *want;
    } cases[] = {
        {"fail is 550 5.7.23 [RFC 7372 s3.2]",
         {.result = SGL_SPF_FAIL, .domain = SGL_LIT_INIT("a.test"), .problem = ""},
         550,
         "5.7.23 SPF MAIL FROM check failed: a.test does not let this client send its mail"},
        {"whose words they are is said [RFC 7208 s6.2]",
         {.result = SGL_SPF_FAIL,
          .identity = SGL_SPF_HELO,
          .domain = SGL_LIT_INIT("a.test"),
          .explanation = SGL_LIT_INIT("See http://a.test/"),
          .problem = ""},
         550,
         "5.7.23 SPF HELO check failed: a.test does not let this client send its mail; a.test "
         "explains: See http://a.test/"},
        {"temperror is 451 4.7.24 [RFC 7372 s3.2]",
         {.result = SGL_SPF_TEMPERROR,
          .domain = SGL_LIT_INIT("a.test"),
          .problem = "DNS lookup failed",
          .problem_at = SGL_LIT_INIT("b.test")},
         451,
         "4.7.24 SPF check of a.test ended in an error: DNS lookup failed: b.test"},
        {"permerror is 550 5.7.24 [RFC 7372 s3.2]",
         {.result = SGL_SPF_PERMERROR,
          .domain = SGL_LIT_INIT("a.test"),
          .problem = "unknown mechanism",
          .problem_at = SGL_LIT_INIT("fo\r\no")},
         550,
         "5.7.24 SPF check of a.test ended in an error: unknown mechanism"},
        {"softfail is no reason [RFC 7208 s8.5]",
         {.result = SGL_SPF_SOFTFAIL, .problem = ""},
         0,
         ""},
        {"neutral is none [RFC 7208 s8.2]", {.result = SGL_SPF_NEUTRAL, .problem = ""}, 0, ""},
        {"none is no reason", {.result = SGL_SPF_NONE, .problem = ""}, 0, ""},
        {"pass is no reason", {.result = SGL_SPF_PASS, .problem = ""}, 0, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(4096);
        unsigned code = 99;

        CHECK_EQ(cases[i].name, sgl_spf_put_reply(&cases[i].spf, &code, &out), SGL_OK);
        CHECK_EQ(cases[i].name, code, cases[i].code);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&out), V(cases[i].want));
    }
}

/* One line of a reply.  [RFC 5321 s4.5.3.1.5] */
static void keeps_the_reply_short(void **state)
{
    static char huge[2000];
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(4096);
    struct sgl_spf spf = {.result = SGL_SPF_FAIL, .problem = ""};
    unsigned code;

    (void)state;
    memset(huge, 'a', sizeof huge - 1);
    spf.explanation = spf.problem_at = V(huge);
    assert_int_equal(sgl_spf_put_reply(&spf, &code, &out), SGL_OK);
    assert_true(out.len <= 500);
    sgl_buf_reset(&out);
    spf.result = SGL_SPF_PERMERROR;
    assert_int_equal(sgl_spf_put_reply(&spf, &code, &out), SGL_OK);
    assert_true(out.len <= 500);
}

static void says_when_there_is_no_room(void **state)
{
    struct sgl_spf spf = {.result = SGL_SPF_FAIL, .problem = ""};
    struct sgl_spf_request q = request_of("192.0.2.1", "u@a.test", "h.test");
    unsigned code;

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(4096);
        enum sgl_status st = sgl_spf_put_received(&spf, &q, &out);

        CHECK_EQ("no memory", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
    for (size_t max = 0; max < 60; max++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(max);

        CHECK_EQ("no room", sgl_spf_put_received(&spf, &q, &out), SGL_E_LIMIT);
        sgl_buf_reset(&out);
        CHECK_EQ("no room", sgl_spf_put_reply(&spf, &code, &out), SGL_E_LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_field),           cmocka_unit_test(keeps_lines_short),
        cmocka_unit_test(writes_the_reply),           cmocka_unit_test(keeps_the_reply_short),
        cmocka_unit_test(says_when_there_is_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
