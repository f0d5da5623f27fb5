/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of others  [RFC 8460 s4.4]: what is read of them, written in one line. */
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/tls_report.h"

#define V(s)      sgl_view_cstr(s)
#define POLICY(s) "{\"policies\":[" s "]}"

static const struct {
    const char *name, *json, *want;
} cases[] = {
    {"the whole of a report",
     "{\"organization-name\":\"X\",\"date-range\":{\"start-datetime\":\"2016-04-01T00:00:00Z\","
     "\"end-datetime\":\"2016-04-01T23:59:59Z\"},\"contact-info\":\"a@x.example\",\"report-id\":"
     "\"1@x\",\"policies\":[{\"policy\":{\"policy-type\":\"sts\",\"policy-string\":[\"version: "
     "STSv1\",\"mode: testing\"],\"policy-domain\":\"y.example\",\"mx-host\":[\"*.y.example\"]},"
     "\"summary\":{\"total-successful-session-count\":5,\"total-failure-session-count\":3},"
     "\"failure-details\":[{\"result-type\":\"certificate-expired\",\"sending-mta-ip\":"
     "\"2001:db8::1\",\"receiving-mx-hostname\":\"mx.y.example\",\"receiving-mx-helo\":\"mx\","
     "\"receiving-ip\":\"192.0.2.1\",\"failed-session-count\":3,\"additional-information\":"
     "\"https://x.example/1\",\"failure-reason-code\":\"E\"}]}]}",
     "X 1459468800-1459555199 a@x.example 1@x [sts y.example (version: STSv1)(mode: testing) "
     "<*.y.example> 5/3 {certificate-expired 2001:db8::1 192.0.2.1 mx.y.example mx "
     "https://x.example/1 E 3}]"},
    {"only policies must be there", POLICY("{}"), " 0-0   [  0/0]"},
    {"one text instead of a list",
     POLICY("{\"policy\":{\"policy-type\":\"tlsa\",\"policy-string\":\"3 1 1 "
            "ab\",\"mx-host\":\"m\"}}"),
     " 0-0   [tlsa  (3 1 1 ab) <m> 0/0]"},
    {"the other name of patterns",
     POLICY("{\"policy\":{\"policy-type\":\"sts\",\"mx-host-pattern\":[\"a\",\"b\"]}}"),
     " 0-0   [sts  <a> <b> 0/0]"},
    {"counts in quotes",
     POLICY(
         "{\"summary\":{\"total-successful-session-count\":\"7\",\"total-failure-session-count\":"
         "\"1\"}}"),
     " 0-0   [  7/1]"},
    {"null is not told", POLICY("{\"policy\":null,\"summary\":null,\"failure-details\":null}"),
     " 0-0   [  0/0]"},
    {"two policies",
     POLICY("{\"policy\":{\"policy-domain\":\"a\"}},{\"policy\":{\"policy-domain\":\"b\"}}"),
     " 0-0   [ a 0/0] [ b 0/0]"},
    {"a result that came later is kept",
     POLICY("{\"failure-details\":[{\"result-type\":\"new-in-2030\",\"failed-session-count\":1}]}"),
     " 0-0   [  0/0 {new-in-2030 - -     1}]"},
    {"an address that is none is not told",
     POLICY("{\"failure-details\":[{\"sending-mta-ip\":\"mx.example\",\"receiving-ip\":\"[192.0.2."
            "9]\"}]}"),
     " 0-0   [  0/0 { - 192.0.2.9     0}]"},
    {"no failures are none", POLICY("{\"failure-details\":[]}"), " 0-0   [  0/0]"},
    {"what nobody knows is passed over", "{\"x\":{\"y\":[1]},\"policies\":[{\"z\":1}]}",
     " 0-0   [  0/0]"},
    {"an array is no report", "[]", NULL},
    {"no policies", "{}", NULL},
    {"an empty list of policies", "{\"policies\":[]}", NULL},
    {"policies that are no list", "{\"policies\":{}}", NULL},
    {"a policy that is no object", POLICY("1"), NULL},
    {"a policy's own object that is none", POLICY("{\"policy\":[]}"), NULL},
    {"a summary that is none", POLICY("{\"summary\":\"x\"}"), NULL},
    {"failures that are no list", POLICY("{\"failure-details\":{}}"), NULL},
    {"a failure that is no object", POLICY("{\"failure-details\":[1]}"), NULL},
    {"a number where text must stand", POLICY("{\"policy\":{\"policy-type\":1}}"), NULL},
    {"a list of numbers", POLICY("{\"policy\":{\"mx-host\":[1]}}"), NULL},
    {"an object instead of a list", POLICY("{\"policy\":{\"mx-host\":{}}}"), NULL},
    {"a negative count", POLICY("{\"summary\":{\"total-failure-session-count\":-1}}"), NULL},
    {"a count with a fraction", POLICY("{\"summary\":{\"total-failure-session-count\":1.5}}"),
     NULL},
    {"a count above 2^53 - 1",
     POLICY("{\"summary\":{\"total-failure-session-count\":9007199254740992}}"), NULL},
    {"a count that is no number", POLICY("{\"summary\":{\"total-failure-session-count\":\"x\"}}"),
     NULL},
    {"a time that is none", "{\"date-range\":{\"start-datetime\":\"yesterday\"},\"policies\":[{}]}",
     NULL},
    {"a time as a number", "{\"date-range\":{\"end-datetime\":5},\"policies\":[{}]}", NULL},
    {"a member twice", "{\"policies\":[{}],\"policies\":[{}]}", NULL},
};

static void put_texts(struct sgl_buf *out, const sgl_view *text, size_t count, const char *ends)
{
    for (size_t i = 0; i < count; i++)
        sgl_buf_addf(out, "%s%c%.*s%c",
                     ends[0] == '<' ? " "
                     : i == 0       ? " "
                                    : "",
                     ends[0], SGL_FMT(text[i]), ends[1]);
}

static void put_ip(struct sgl_buf *out, const struct sgl_ip *ip)
{
    char text[SGL_IP_TEXT_SIZE];

    sgl_buf_add(out, ip->version == 0 ? SGL_LIT("-") : sgl_ip_text(ip, text));
    sgl_buf_add_byte(out, ' ');
}

static void put_policy(struct sgl_buf *out, const struct sgl_tls_report_policy *p)
{
    sgl_buf_addf(out, " [%s %.*s", sgl_tls_policy_type_name(p->type), SGL_FMT(p->domain));
    put_texts(out, p->string, p->strings, "()");
    put_texts(out, p->mx, p->mxs, "<>");
    sgl_buf_addf(out, " %d/%d", (int)p->successes, (int)p->failed);
    for (size_t i = 0; i < p->failures; i++) {
        const struct sgl_tls_report_failure *f = &p->failure[i];

        sgl_buf_addf(out, " {%.*s ", SGL_FMT(f->result));
        put_ip(out, &f->sending);
        put_ip(out, &f->receiving);
        sgl_buf_addf(out, "%.*s %.*s %.*s %.*s %d}", SGL_FMT(f->mx), SGL_FMT(f->helo),
                     SGL_FMT(f->information), SGL_FMT(f->reason), (int)f->sessions);
    }
    sgl_buf_add_byte(out, ']');
}

static void put_report(struct sgl_buf *out, const struct sgl_tls_report *r)
{
    sgl_buf_addf(out, "%.*s %d-%d %.*s %.*s", SGL_FMT(r->organization), (int)r->begin, (int)r->end,
                 SGL_FMT(r->contact), SGL_FMT(r->id));
    for (size_t i = 0; i < r->policies; i++)
        put_policy(out, &r->policy[i]);
}

static void rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);
        struct sgl_tls_report report = {.policies = 99};
        struct sgl_diag diag = {0};
        enum sgl_status status = sgl_tls_report_parse(V(cases[i].json), &arena, &report, &diag);

        if (cases[i].want == NULL) {
            CHECK_EQ(cases[i].name, status, SGL_E_SYNTAX);
            CHECK_TRUE(cases[i].name, report.policies == 99 && diag.what != NULL);
            continue;
        }
        CHECK_EQ(cases[i].name, status, SGL_OK);
        put_report(&got, &report);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&got), V(cases[i].want));
    }
}

/* What we write is what we read. */
static void own_report_comes_back(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) json = SGL_BUF_INIT(8000);
    sgl_auto(sgl_buf) again = SGL_BUF_INIT(8000);
    struct sgl_tls_report report;

    (void)state;
    assert_int_equal(sgl_tls_report_parse(V(cases[0].json), &arena, &report, NULL), SGL_OK);
    assert_int_equal(sgl_tls_report_put(&report, &json), SGL_OK);
    assert_int_equal(sgl_tls_report_parse(sgl_buf_view(&json), &arena, &report, NULL), SGL_OK);
    put_report(&again, &report);
    CHECK_VIEW("the same", sgl_buf_view(&again), V(cases[0].want));
}

static void says_where(void **state)
{
    static const char json[] = POLICY("{\"summary\":{\"total-failure-session-count\":-1}}");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_tls_report report;
    struct sgl_diag diag = {0};

    (void)state;
    assert_int_equal(sgl_tls_report_parse(V(json), &arena, &report, &diag), SGL_E_SYNTAX);
    CHECK_EQ("at the number", json[diag.off], '-');
}

static void bounds(void **state)
{
    sgl_auto(sgl_buf) json = SGL_BUF_INIT(1 << 22);
    struct sgl_tls_report report;

    (void)state;
    for (size_t i = 0; i < 100000; i++)
        sgl_buf_add_cstr(&json, i == 0 ? "{\"policies\":[{}" : ",{}");
    sgl_buf_add_cstr(&json, "]}");
    for (size_t max = 1 << 20; max <= 1 << 25; max <<= 5) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(max);

        CHECK_EQ("a hundred thousand policies",
                 sgl_tls_report_parse(sgl_buf_view(&json), &arena, &report, NULL),
                 max == 1 << 20 ? SGL_E_LIMIT : SGL_OK);
    }
}

static void no_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct sgl_tls_report report = {.policies = 99};
        enum sgl_status status = sgl_tls_report_parse(V(cases[0].json), &arena, &report, NULL);

        CHECK_EQ("memory ends", status, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        CHECK_EQ("nothing came of it", report.policies, fail_alloc_hit() ? 99 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),       cmocka_unit_test(own_report_comes_back),
        cmocka_unit_test(says_where), cmocka_unit_test(bounds),
        cmocka_unit_test(no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
