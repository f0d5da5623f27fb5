/* SPDX-License-Identifier: Apache-2.0 */
/* From judged messages to the report of a day: who is counted, what is told of it, the same text whenever it is made.  [RFC 9990 s3.1] */
#include <stdlib.h>

#include "../../server/gzip/gzip.h"
#include "../../server/reports/compose.h"
#include "../../server/reports/dmarc_count.h"
#include "fail_alloc.h"
#include "store_steps.h"

#define DAY  20000 /* 2024-10-04 */
#define V(s) sgl_view_cstr(s)

/* ---- a message ---- */

struct sample {
    struct sgl_verdict verdict;
    struct sgl_dkim_verdict dkim[120];
    struct sgl_arena arena;
    struct sgl_dmarc_report_reason reason[1];
    struct reports_judged judged;
};

static struct sgl_name name_of(struct sample *s, const char *text)
{
    struct sgl_name name;

    assert_int_equal(sgl_name_parse(V(text), SGL_NAME_UNDERSCORE, &s->arena, NULL, &name), SGL_OK);
    return name;
}

static void add_dkim(struct sample *s, enum sgl_dkim_result result, const char *domain,
                     const char *selector, const char *why)
{
    s->dkim[s->verdict.dkim.count++] = (struct sgl_dkim_verdict){
        .result = result, .reason = why, .tags = {.domain = V(domain), .selector = V(selector)}};
}

/* A message of sub.a.test, judged by the record of a.test. */
static void sample_of(struct sample *s, const char *record)
{
    struct sgl_dmarc *d = &s->verdict.dmarc;

    memset(s, 0, sizeof(*s));
    sgl_arena_init(&s->arena, 1 << 16);
    assert_int_equal(sgl_dmarc_parse(V(record), &s->arena, &d->parsed, NULL), SGL_OK);
    d->result = SGL_DMARC_FAIL;
    d->author = name_of(s, "Sub.a.test");
    d->org = d->policy_domain = name_of(s, "A.test");
    d->has_policy = true;
    d->requested = d->policy = d->disposition = SGL_DMARC_REJECT;
    s->verdict.dkim.item = s->dkim;
    s->verdict.spf_checked = true;
    s->verdict.spf = (struct sgl_spf){.result = SGL_SPF_SOFTFAIL, .domain = V("b.test")};
    s->judged = (struct reports_judged){.sender = V("x@B.test"),
                                        .verdict = &s->verdict,
                                        .disposition = SGL_DMARC_DISPOSITION_REJECT,
                                        .reason = s->reason};
    assert_int_equal(sgl_ip_parse(V("192.0.2.7"), &s->judged.ip), SGL_OK);
}

/* Into the store, as the room does it. */
static void judged(const struct sample *s, uint64_t messages)
{
    static struct tally t = {.form = &dmarc_form};
    struct dmarc_count_op op = {.op = {.kind = STORE_DMARC_JUDGED}};
    struct dmarc_text text;
    struct tally_count c;
    struct tally_row *rows;
    void *array;

    assert_true(dmarc_count(&s->judged, &text, &c));
    c.day = DAY;
    c.n = messages;
    tally_add(&t, &c);
    dmarc_text_done(&text);
    array = tally_take(&t, &rows, &op.counts);
    assert_non_null(array);
    op.count = array;
    assert_int_equal(store_fixture_run(&fx, &op.op), STORE_OK);
    tally_taken(rows, array);
}

static void about(struct compose *c, const char *domain)
{
    *c = (struct compose){.store = fx.store,
                          .day = DAY,
                          .domain = V(domain),
                          .organization = V("Us"),
                          .contact = V("dmarc@us.test"),
                          .hostname = V("mail.us.test")};
}

static const char *report_of(const char *domain, char *out, size_t size)
{
    sgl_auto(sgl_buf) xml = SGL_BUF_INIT(16 << 20);
    struct compose c;
    const char *wrong;

    about(&c, domain);
    wrong = compose_dmarc(&c);
    if (wrong == NULL) {
        assert_int_equal(gunzip(sgl_buf_view(&c.gzip), &xml), SGL_OK);
        snprintf(out, size, "%s", sgl_cstr(&xml));
    }
    compose_done(&c);
    return wrong;
}

static size_t times(const char *text, const char *word)
{
    size_t n = 0;

    for (; (text = strstr(text, word)) != NULL; text++)
        n++;
    return n;
}

#define ROW_ONE                                                                                    \
    "  <record>\n    <row>\n      <source_ip>192.0.2.7</source_ip>\n      <count>3</count>\n"      \
    "      <policy_evaluated>\n        <disposition>reject</disposition>\n"                        \
    "        <dkim>fail</dkim>\n        <spf>fail</spf>\n      </policy_evaluated>\n"              \
    "    </row>\n    <identifiers>\n      <header_from>sub.a.test</header_from>\n"                 \
    "      <envelope_from>b.test</envelope_from>\n    </identifiers>\n    <auth_results>\n"        \
    "      <dkim>\n        <domain>c.test</domain>\n        <selector>s</selector>\n"              \
    "        <result>pass</result>\n      </dkim>\n"                                               \
    "      <dkim>\n        <domain>a.test</domain>\n        <selector>s</selector>\n"              \
    "        <result>fail</result>\n"                                                              \
    "        <human_result>the body was changed</human_result>\n      </dkim>\n"                   \
    "      <spf>\n        <domain>b.test</domain>\n        <scope>mfrom</scope>\n"                 \
    "        <result>softfail</result>\n      </spf>\n    </auth_results>\n  </record>\n"

static void the_report(void **state)
{
    static char got[1 << 16], again[1 << 16];
    static struct sample s;
    struct compose c;

    (void)state;
    sample_of(&s, "v=DMARC1; p=reject; sp=none; adkim=s; fo=1:d; rua=mailto:r@a.test;"
                  " ruf=mailto:f@a.test");
    add_dkim(&s, SGL_DKIM_FAIL, "a.test", "s", "the body was changed");
    add_dkim(&s, SGL_DKIM_PASS, "c.test", "s", "");
    judged(&s, 2);
    judged(&s, 1);
    s.verdict.dmarc.result = SGL_DMARC_PASS;
    s.verdict.dmarc.spf_aligned = true;
    s.verdict.dkim.count = 0;
    s.verdict.spf_checked = false;
    s.judged.disposition = SGL_DMARC_DISPOSITION_PASS;
    s.judged.sender = V("");
    judged(&s, 1);
    assert_null(report_of("a.test", got, sizeof(got)));
    about(&c, "a.test");
    assert_null(compose_dmarc(&c));
    assert_int_equal(c.records, 2);
    assert_int_equal(c.messages, 4);
    assert_int_equal(c.passed, 1);
    assert_int_equal(strlen(c.id), 24);
    assert_true(strncmp(c.id, "20241004", 8) == 0); /* of the day, too [RFC 9990 s3.5.1] */
    assert_non_null(strstr(got, c.id));
    compose_done(&c);
    assert_non_null(strstr(got, "<begin>1728000000</begin>\n      <end>1728086399</end>"));
    assert_non_null(strstr(got, "    <domain>a.test</domain>\n"
                                "    <discovery_method>treewalk</discovery_method>\n"
                                "    <p>reject</p>\n    <sp>none</sp>\n    <np>none</np>\n"
                                "    <fo>1:d</fo>\n    <adkim>s</adkim>\n    <aspf>r</aspf>\n"
                                "    <testing>n</testing>\n"));
    assert_non_null(strstr(got, ROW_ONE));
    assert_int_equal(times(got, "<record>"), 2);
    /* [RFC 9990 s3.1.1.8] the null sender */
    assert_non_null(strstr(got, "<disposition>pass</disposition>\n        <dkim>fail</dkim>\n"
                                "        <spf>pass</spf>\n      </policy_evaluated>"));
    assert_non_null(strstr(got, "<envelope_from></envelope_from>"));
    assert_non_null(strstr(got, "<auth_results>\n    </auth_results>"));
    assert_null(report_of("a.test", again, sizeof(again)));
    assert_string_equal(got, again);
    sgl_arena_done(&s.arena);
}

/* [RFC 9990 s3.1.3] strictly aligned, aligned, other ones that pass, those that do not; 100 of them */
static void the_order_of_signatures(void **state)
{
    static const char *const want[] = {"sub.a.test", "a.test", "other.a.test",
                                       "xa.test",    "z.test", "sub.a.test"};
    static struct sample s;
    struct dmarc_text text;
    struct tally_count c;
    sgl_view rest;

    (void)state;
    sample_of(&s, "v=DMARC1; p=reject; rua=mailto:r@a.test");
    add_dkim(&s, SGL_DKIM_FAIL, "sub.a.test", "f", "no");
    add_dkim(&s, SGL_DKIM_PASS, "xa.test", "s", "");
    add_dkim(&s, SGL_DKIM_PASS, "z.test", "s", "");
    add_dkim(&s, SGL_DKIM_PASS, "a.test", "s", "");
    add_dkim(&s, SGL_DKIM_PASS, "other.a.test", "s", "");
    add_dkim(&s, SGL_DKIM_PASS, "sub.a.test", "s", "");
    add_dkim(&s, SGL_DKIM_NEUTRAL, "", "", "it can't be read");
    add_dkim(&s, SGL_DKIM_NEUTRAL, "a b\n.test", "s", "a line of its own");
    assert_true(dmarc_count(&s.judged, &text, &c));
    rest = c.text[6];
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        sgl_view line = sgl_view_split(rest, '\n', &rest);

        (void)sgl_view_split(line, ' ', &line);
        CHECK_VIEW("in its place", sgl_view_split(line, ' ', &line), V(want[i]));
    }
    assert_true(rest.ptr == NULL);
    dmarc_text_done(&text);
    while (s.verdict.dkim.count < 120)
        add_dkim(&s, SGL_DKIM_PASS, "z.test", "s", "");
    assert_true(dmarc_count(&s.judged, &text, &c));
    assert_int_equal(times(sgl_cstr(&text.dkim), "\n"), 99);
    dmarc_text_done(&text);
    sgl_arena_done(&s.arena);
}

/* [RFC 9990 s3.1.1.7] who does something else than what is published says why */
static void reasons(void **state)
{
    static struct sample s;
    struct dmarc_text text;
    struct tally_count c;
    struct sgl_dmarc_report_record r;
    struct dmarc_row row;

    (void)state;
    sample_of(&s, "v=DMARC1; p=reject; rua=mailto:r@a.test");
    s.judged.disposition = SGL_DMARC_DISPOSITION_NONE;
    assert_true(dmarc_count(&s.judged, &text, &c));
    CHECK_VIEW("some reason", c.text[3], V("none fail fail\nlocal_policy"));
    dmarc_text_done(&text);
    s.verdict.dmarc.tested = true;
    assert_true(dmarc_count(&s.judged, &text, &c));
    CHECK_VIEW("the test", c.text[3], V("none fail fail\npolicy_test_mode"));
    dmarc_text_done(&text);
    s.reason[0] =
        (struct sgl_dmarc_report_reason){SGL_DMARC_OVERRIDE_MAILING_LIST, V("List-Id: <x>\n y")};
    s.judged.reasons = 1;
    assert_true(dmarc_count(&s.judged, &text, &c));
    CHECK_VIEW("the one given", c.text[3], V("none fail fail\nmailing_list List-Id: <x>? y"));
    row = (struct dmarc_row){.source = c.text[2], .evaluated = c.text[3], .messages = 1};
    assert_int_equal(dmarc_row_record(&row, &s.arena, &r), SGL_OK);
    assert_int_equal(r.reasons, 1);
    assert_int_equal(r.reason[0].type, SGL_DMARC_OVERRIDE_MAILING_LIST);
    CHECK_VIEW("its words", r.reason[0].comment, V("List-Id: <x>? y"));
    assert_int_equal(r.disposition, SGL_DMARC_DISPOSITION_NONE);
    dmarc_text_done(&text);
    sgl_arena_done(&s.arena);
}

/* [RFC 9990 s3.3] one policy a report: what an older one asked for is told as such */
static void a_policy_that_changes(void **state)
{
    static char got[1 << 16];
    static struct sample s;

    (void)state;
    sample_of(&s, "v=DMARC1; p=reject; rua=mailto:r@a.test");
    judged(&s, 1);
    sgl_arena_done(&s.arena);
    sample_of(&s, "v=DMARC1; p=none; t=y; rua=mailto:r@a.test");
    s.verdict.dmarc.requested = SGL_DMARC_POLICY_NONE;
    s.judged.disposition = SGL_DMARC_DISPOSITION_NONE;
    judged(&s, 5);
    assert_null(report_of("a.test", got, sizeof(got)));
    assert_non_null(strstr(got, "<p>none</p>"));
    assert_non_null(strstr(got, "<testing>y</testing>"));
    assert_int_equal(times(got, "<policy_published>"), 1);
    assert_int_equal(times(got, "<reason>"), 1);
    assert_non_null(
        strstr(got, "<disposition>reject</disposition>\n        <dkim>fail</dkim>\n"
                    "        <spf>fail</spf>\n        <reason>\n          <type>other</type>\n"
                    "          <comment>judged by a policy that was published before"));
    sgl_arena_done(&s.arena);
}

static void who_is_not_counted(void **state)
{
    static struct sample s;
    struct dmarc_text text;
    struct tally_count c;

    (void)state;
    for (int i = 0; i < 8; i++) {
        bool told;

        sample_of(&s, i == 0 ? "v=DMARC1; p=reject" : "v=DMARC1; p=reject; rua=mailto:r@a.test");
        if (i == 1)
            s.judged.of_report = true; /* or each would be told of for ever [RFC 9990 s3.5] */
        if (i == 2)
            s.judged.disposition = SGL_DMARC_DISPOSITION_UNKNOWN;
        if (i == 3)
            s.judged.ip.version = 0;
        if (i == 4)
            s.verdict.dmarc.result = SGL_DMARC_TEMPERROR;
        if (i == 5)
            s.verdict.dmarc.result = SGL_DMARC_NONE;
        if (i == 6)
            memset(&s.verdict.dmarc.policy_domain, 0, sizeof(s.verdict.dmarc.policy_domain));
        told = dmarc_count(&s.judged, &text, &c);
        CHECK_EQ("only who asks, of what is known", told, i == 7);
        dmarc_text_done(&text);
        sgl_arena_done(&s.arena);
    }
}

/* Where a sender is no name at all, nothing is told of it. */
static void senders(void **state)
{
    static const struct {
        const char *sender, *want;
    } rows[] = {{"a@B.test", "b.test"}, {"\"x@y\"@b.test", "b.test"}, {"", "<>"},
                {"a@[192.0.2.1]", ""},  {"a@b test\n", ""},           {"postmaster", ""}};
    static struct sample s;

    (void)state;
    sample_of(&s, "v=DMARC1; p=reject; rua=mailto:r@a.test");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dmarc_text text;
        struct tally_count c;

        s.judged.sender = V(rows[i].sender);
        assert_true(dmarc_count(&s.judged, &text, &c));
        CHECK_VIEW(rows[i].sender, c.text[5], V(rows[i].want));
        dmarc_text_done(&text);
    }
    sgl_arena_done(&s.arena);
}

static void nothing_counted(void **state)
{
    static char got[100];

    (void)state;
    assert_string_equal(report_of("b.test", got, sizeof(got)), "nothing was counted");
}

/* Many records: memory is that of one, and they are all there. */
static void many(void **state)
{
    static struct sample s;
    struct compose c;

    (void)state;
    sample_of(&s, "v=DMARC1; p=reject; rua=mailto:r@a.test");
    for (unsigned i = 0; i < 300; i++) {
        char ip[20];

        snprintf(ip, sizeof(ip), "10.0.%u.%u", i >> 8, i & 255);
        assert_int_equal(sgl_ip_parse(V(ip), &s.judged.ip), SGL_OK);
        judged(&s, i + 1);
    }
    about(&c, "a.test");
    assert_null(compose_dmarc(&c));
    assert_int_equal(c.records, 300);
    assert_int_equal(c.messages, 300 * 301 / 2);
    compose_done(&c);
    sgl_arena_done(&s.arena);
}

static void no_memory(void **state)
{
    static struct sample s;

    (void)state;
    sample_of(&s, "v=DMARC1; p=reject; rua=mailto:r@a.test");
    add_dkim(&s, SGL_DKIM_PASS, "z.test", "s", "");
    judged(&s, 1);
    fail_alloc_this_thread();
    for (size_t round = 1; fail_alloc_round(round); round++) {
        struct dmarc_text text;
        struct tally_count count;
        struct compose c;

        if (dmarc_count(&s.judged, &text, &count))
            CHECK_TRUE("whole, or not", count.text[6].len > 0 && count.text[3].len > 0);
        dmarc_text_done(&text);
        about(&c, "a.test");
        CHECK_TRUE("whole, or a reason", (compose_dmarc(&c) == NULL) == (c.gzip.len > 20));
        compose_done(&c);
    }
    sgl_arena_done(&s.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(the_report),
        STORE_TEST(the_order_of_signatures),
        STORE_TEST(reasons),
        STORE_TEST(a_policy_that_changes),
        STORE_TEST(who_is_not_counted),
        STORE_TEST(senders),
        STORE_TEST(nothing_counted),
        STORE_TEST(many),
        STORE_TEST(no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
