/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of a session, and in which words.  [RFC 8460 s3, s4.4, s4.5] */
#include "../../server/reports/session.h"

#include "../../server/sts/sts.h"
#include "check.h"
#include "sigillo/tls_report.h"

#define V(s) sgl_view_cstr(s)

static struct delivery_session a_session(void)
{
    return (struct delivery_session){.domain = V("A.test"),
                                     .mx = V("mx.a.test"),
                                     .from = {4, {192, 0, 2, 1}},
                                     .to = {4, {192, 0, 2, 2}},
                                     .result = SGL_TLS_CERTIFICATE_EXPIRED,
                                     .reason = "certificate has expired"};
}

/* The order of an answer is chance; the policy is the same one. */
static void records_in_one_order(void **state)
{
    static const uint8_t data[2][2] = {{0xab, 0x12}, {0x01, 0x02}};
    struct sgl_tlsa tlsa[] = {
        {3, 1, 1, {data[0], 2}}, {2, 0, 1, {data[0], 2}}, {3, 1, 1, {data[1], 2}}};
    struct sgl_tlsa other[] = {tlsa[2], tlsa[0], tlsa[1]};
    struct sgl_dane dane = {.tlsa = tlsa, .tlsas = 3};
    struct delivery_session s = a_session();

    (void)state;
    s.type = DELIVERY_POLICY_TLSA;
    s.dane = &dane;
    for (int i = 0; i < 2; i++) {
        struct session_text text;
        struct tlsrpt_count c;

        dane.tlsa = i == 0 ? tlsa : other;
        assert_true(session_read(&s, &text, &c));
        CHECK_EQ("type", c.policy.type, SGL_TLS_POLICY_TLSA);
        CHECK_VIEW("sorted", c.policy.strings, V("2 0 1 ab12\n3 1 1 0102\n3 1 1 ab12"));
        CHECK_VIEW("no patterns", c.policy.mx, V(""));
        session_text_done(&text);
    }
    s.dane = NULL; /* the lookup of the MX failed */
    {
        struct session_text text;
        struct tlsrpt_count c;

        assert_true(session_read(&s, &text, &c));
        CHECK_VIEW("nothing was there to be applied", c.policy.strings, V(""));
        session_text_done(&text);
    }
}

static void a_policy_with_its_errors(void **state)
{
    struct sgl_mta_sts_pattern mx[] = {{false, {V("mx.a.test")}}, {true, {V("b.test")}}};
    struct sts_policy policy = {
        .body = V("version: STSv1\r\nmode: testing\nmx: mx.a.test\r\n\r\nnonsense \"\nmax_age: 1"),
        .policy = {.mode = SGL_MTA_STS_TESTING, .mx = mx, .count = 2}};
    struct delivery_session s = a_session();
    struct session_text text;
    struct tlsrpt_count c;

    (void)state;
    s.type = DELIVERY_POLICY_STS;
    s.sts = &policy;
    assert_true(session_read(&s, &text, &c));
    CHECK_EQ("type", c.policy.type, SGL_TLS_POLICY_STS);
    CHECK_VIEW("its lines", c.policy.strings,
               V("version: STSv1\nmode: testing\nmx: mx.a.test\nnonsense \"\nmax_age: 1"));
    CHECK_VIEW("its patterns", c.policy.mx, V("mx.a.test\n*.b.test"));
    session_text_done(&text);
}

static void what_went_wrong(void **state)
{
    struct delivery_session s = a_session();
    struct session_text text;
    struct tlsrpt_count c;

    (void)state;
    assert_true(session_read(&s, &text, &c));
    CHECK_VIEW("lower case", c.domain, V("a.test"));
    CHECK_EQ("no policy", c.policy.type, SGL_TLS_POLICY_NONE);
    CHECK_VIEW("result", c.result, V("certificate-expired"));
    CHECK_VIEW("from", c.sending, V("192.0.2.1"));
    CHECK_VIEW("to", c.receiving, V("192.0.2.2"));
    CHECK_VIEW("host", c.host, V("mx.a.test"));
    CHECK_VIEW("why", c.reason, V("certificate has expired"));
    session_text_done(&text);
    s.from.version = s.to.version = 0;
    s.mx = V("");
    assert_true(session_read(&s, &text, &c));
    CHECK_VIEW("no connection", c.sending, V(""));
    CHECK_VIEW("no connection", c.receiving, V(""));
    CHECK_VIEW("no host", c.host, V(""));
    session_text_done(&text);
    s.result = SGL_TLS_OK;
    s.reason = "";
    assert_true(session_read(&s, &text, &c));
    CHECK_VIEW("a success", c.result, V(""));
    session_text_done(&text);
}

static void not_counted(void **state)
{
    struct delivery_session s = a_session();
    struct session_text text;
    struct tlsrpt_count c;

    (void)state;
    s.of_report = true; /* [RFC 8460 s3] */
    assert_false(session_read(&s, &text, &c));
    session_text_done(&text);
    s = a_session();
    s.domain = V("[192.0.2.1]");
    assert_false(session_read(&s, &text, &c));
    session_text_done(&text);
    s.domain = V("");
    assert_false(session_read(&s, &text, &c));
    session_text_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_in_one_order),
        cmocka_unit_test(a_policy_with_its_errors),
        cmocka_unit_test(what_went_wrong),
        cmocka_unit_test(not_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
