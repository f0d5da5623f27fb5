/* SPDX-License-Identifier: Apache-2.0 */
/* A report out of the store: every policy of the day, the same text whenever it is made.  [RFC 8460 s4] */
#include "../../server/gzip/gzip.h"
#include "../../server/reports/compose.h"
#include "../../server/store/tlsrpt.h"
#include "fail_alloc.h"
#include "store_steps.h"

#define DAY  20000 /* 2024-10-04 */
#define V(s) sgl_view_cstr(s)

static void count(uint8_t type, const char *strings, const char *mx, const char *result,
                  uint64_t sessions)
{
    struct tlsrpt_count c = {.day = DAY,
                             .domain = V("a.test"),
                             .policy = {type, V(strings), V(mx)},
                             .result = V(result),
                             .sending = V("192.0.2.1"),
                             .host = V("mx.a.test"),
                             .receiving = V("2001:db8::1"),
                             .reason = V("why \"so\"\n"),
                             .sessions = sessions};
    struct tlsrpt_op op = {.op = {.kind = STORE_TLSRPT}, .count = &c, .counts = 1};

    assert_int_equal(store_fixture_run(&fx, &op.op), STORE_OK);
}

static void about(struct compose *c, const char *domain)
{
    *c = (struct compose){.store = fx.store,
                          .day = DAY,
                          .domain = V(domain),
                          .organization = V("Us"),
                          .contact = V("tls@us.test"),
                          .hostname = V("mail.us.test")};
}

static const char want[] =
    "{\"organization-name\":\"Us\",\"date-range\":{\"start-datetime\":\"2024-10-04T00:00:00Z\","
    "\"end-datetime\":\"2024-10-04T23:59:59Z\"},\"contact-info\":\"tls@us.test\","
    "\"report-id\":\"ID\",\"policies\":["
    "{\"policy\":{\"policy-type\":\"sts\",\"policy-string\":[\"version: STSv1\",\"mode: enforce\"],"
    "\"policy-domain\":\"a.test\",\"mx-host\":[\"mx.a.test\",\"*.b.test\"]},\"summary\":{"
    "\"total-successful-session-count\":7,\"total-failure-session-count\":0},"
    "\"failure-details\":[]},"
    "{\"policy\":{\"policy-type\":\"sts\",\"policy-string\":[\"version: STSv1\",\"mode: testing\"],"
    "\"policy-domain\":\"a.test\",\"mx-host\":[\"mx.a.test\"]},\"summary\":{"
    "\"total-successful-session-count\":0,\"total-failure-session-count\":3},\"failure-details\":["
    "{\"result-type\":\"certificate-expired\",\"sending-mta-ip\":\"192.0.2.1\","
    "\"receiving-mx-hostname\":\"mx.a.test\",\"receiving-ip\":\"2001:db8::1\","
    "\"failed-session-count\":2,\"failure-reason-code\":\"why \\\"so\\\"?\"},"
    "{\"result-type\":\"starttls-not-supported\",\"sending-mta-ip\":\"192.0.2.1\","
    "\"receiving-mx-hostname\":\"mx.a.test\",\"receiving-ip\":\"2001:db8::1\","
    "\"failed-session-count\":1,\"failure-reason-code\":\"why \\\"so\\\"?\"}]},"
    "{\"policy\":{\"policy-type\":\"no-policy-found\",\"policy-domain\":\"a.test\"},\"summary\":{"
    "\"total-successful-session-count\":1,\"total-failure-session-count\":0},"
    "\"failure-details\":[]}]}";

/* A policy that changes at noon is another one. */
static void all_policies(void **state)
{
    sgl_auto(sgl_buf) json = SGL_BUF_INIT(1 << 16);
    sgl_auto(sgl_buf) expected = SGL_BUF_INIT(1 << 16);
    struct compose c, again;
    size_t at;

    (void)state;
    count(SGL_TLS_POLICY_STS, "version: STSv1\nmode: enforce", "mx.a.test\n*.b.test", "", 7);
    count(SGL_TLS_POLICY_STS, "version: STSv1\nmode: testing", "mx.a.test", "certificate-expired",
          2);
    count(SGL_TLS_POLICY_STS, "version: STSv1\nmode: testing", "mx.a.test",
          "starttls-not-supported", 1);
    count(SGL_TLS_POLICY_NONE, "", "", "", 1);
    about(&c, "a.test");
    assert_null(compose_tls(&c));
    assert_int_equal(gunzip(sgl_buf_view(&c.gzip), &json), SGL_OK);
    at = sgl_view_find_view(V(want), V("ID"));
    sgl_buf_add(&expected, sgl_view_sub(V(want), 0, at));
    sgl_buf_add_cstr(&expected, c.id);
    sgl_buf_add(&expected, sgl_view_from(V(want), at + 2));
    CHECK_VIEW("the report", sgl_buf_view(&json), sgl_buf_view(&expected));
    about(&again, "a.test");
    assert_null(compose_tls(&again));
    CHECK_VIEW("the same", sgl_buf_view(&again.gzip), sgl_buf_view(&c.gzip));
    compose_done(&again);
    about(&again, "a.test");
    again.hostname = V("mail2.us.test");
    assert_null(compose_tls(&again));
    CHECK_TRUE("another server's is another one", strcmp(again.id, c.id) != 0);
    compose_done(&again);
    compose_done(&c);
}

static void nothing_counted(void **state)
{
    struct compose c;

    (void)state;
    about(&c, "b.test");
    assert_string_equal(compose_tls(&c), "nothing was counted");
    compose_done(&c);
}

static void no_memory(void **state)
{
    (void)state;
    count(SGL_TLS_POLICY_TLSA, "3 1 1 ab", "", "tlsa-invalid", 7);
    fail_alloc_this_thread();
    for (size_t round = 1; fail_alloc_round(round); round++) {
        struct compose c;

        about(&c, "a.test");
        CHECK_TRUE("whole, or a reason", (compose_tls(&c) == NULL) == (c.gzip.len > 20));
        compose_done(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(all_policies),
        STORE_TEST(nothing_counted),
        STORE_TEST(no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
