/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregate reports as they are written: the form of RFC 9990, harmless whatever a sender made of his fields, read back as they were.  [RFC 9990 s3.1, s3.5] */
#include "sigillo/dmarc_report.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

#define V(s) sgl_view_cstr(s)

static struct sgl_ip ip_of(const char *text)
{
    struct sgl_ip ip = {0};

    if (sgl_ip_parse(V(text), &ip) != SGL_OK)
        fail_msg("not an address: %s", text);
    return ip;
}

struct example {
    struct sgl_dmarc_report_reason reason[2];
    struct sgl_dmarc_report_dkim dkim[2];
    struct sgl_dmarc_report_spf spf[1];
    struct sgl_dmarc_report_record record;
    struct sgl_dmarc_report_meta meta;
};

static void example_of(struct example *e)
{
    *e = (struct example){
        .reason = {{SGL_DMARC_OVERRIDE_TRUSTED_FORWARDER, V("arc=pass")},
                   {SGL_DMARC_OVERRIDE_OTHER, V("")}},
        .dkim = {{V("a.test"), V("s1"), SGL_DMARC_RAW_FAIL, V("the body was changed")},
                 {V("b.test"), V("s2"), SGL_DMARC_RAW_PASS, V("")}},
        .spf = {{V("list.test"), SGL_DMARC_SCOPE_MFROM, SGL_DMARC_RAW_SOFTFAIL, V("")}},
        .record = {.ip = ip_of("2001:db8::1"),
                   .count = 7,
                   .disposition = SGL_DMARC_DISPOSITION_NONE,
                   .dkim = SGL_DMARC_ALIGNED_FAIL,
                   .spf = SGL_DMARC_ALIGNED_FAIL,
                   .reasons = 2,
                   .header_from = V("a.test"),
                   .envelope_from = V("list.test"),
                   .has_envelope_from = true,
                   .dkims = 2,
                   .spfs = 1},
        .meta = {.org_name = V("Us & them"),
                 .email = V("dmarc@us.test"),
                 .report_id = V("20241004aa"),
                 .generator = V("Sigillo 1"),
                 .begin = 1728000000,
                 .end = 1728086399,
                 .domain = V("a.test"),
                 .discovery = SGL_DMARC_DISCOVERY_TREEWALK,
                 .p = SGL_DMARC_DISPOSITION_REJECT,
                 .sp = SGL_DMARC_DISPOSITION_QUARANTINE,
                 .np = SGL_DMARC_DISPOSITION_REJECT,
                 .fo = V("1:d"),
                 .adkim = SGL_DMARC_MODE_STRICT,
                 .aspf = SGL_DMARC_MODE_RELAXED,
                 .testing = SGL_DMARC_TESTING_NO}};
    e->record.reason = e->reason;
    e->record.dkim_result = e->dkim;
    e->record.spf_result = e->spf;
}

static const char want[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                           "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n"
                           "  <version>1.0</version>\n"
                           "  <report_metadata>\n"
                           "    <org_name>Us &amp; them</org_name>\n"
                           "    <email>dmarc@us.test</email>\n"
                           "    <report_id>20241004aa</report_id>\n"
                           "    <date_range>\n"
                           "      <begin>1728000000</begin>\n"
                           "      <end>1728086399</end>\n"
                           "    </date_range>\n"
                           "    <generator>Sigillo 1</generator>\n"
                           "  </report_metadata>\n"
                           "  <policy_published>\n"
                           "    <domain>a.test</domain>\n"
                           "    <discovery_method>treewalk</discovery_method>\n"
                           "    <p>reject</p>\n"
                           "    <sp>quarantine</sp>\n"
                           "    <np>reject</np>\n"
                           "    <fo>1:d</fo>\n"
                           "    <adkim>s</adkim>\n"
                           "    <aspf>r</aspf>\n"
                           "    <testing>n</testing>\n"
                           "  </policy_published>\n"
                           "  <record>\n"
                           "    <row>\n"
                           "      <source_ip>2001:db8::1</source_ip>\n"
                           "      <count>7</count>\n"
                           "      <policy_evaluated>\n"
                           "        <disposition>none</disposition>\n"
                           "        <dkim>fail</dkim>\n"
                           "        <spf>fail</spf>\n"
                           "        <reason>\n"
                           "          <type>trusted_forwarder</type>\n"
                           "          <comment>arc=pass</comment>\n"
                           "        </reason>\n"
                           "        <reason>\n"
                           "          <type>other</type>\n"
                           "        </reason>\n"
                           "      </policy_evaluated>\n"
                           "    </row>\n"
                           "    <identifiers>\n"
                           "      <header_from>a.test</header_from>\n"
                           "      <envelope_from>list.test</envelope_from>\n"
                           "    </identifiers>\n"
                           "    <auth_results>\n"
                           "      <dkim>\n"
                           "        <domain>a.test</domain>\n"
                           "        <selector>s1</selector>\n"
                           "        <result>fail</result>\n"
                           "        <human_result>the body was changed</human_result>\n"
                           "      </dkim>\n"
                           "      <dkim>\n"
                           "        <domain>b.test</domain>\n"
                           "        <selector>s2</selector>\n"
                           "        <result>pass</result>\n"
                           "      </dkim>\n"
                           "      <spf>\n"
                           "        <domain>list.test</domain>\n"
                           "        <scope>mfrom</scope>\n"
                           "        <result>softfail</result>\n"
                           "      </spf>\n"
                           "    </auth_results>\n"
                           "  </record>\n"
                           "</feedback>\n";

static enum sgl_status put(const struct example *e, struct sgl_buf *out)
{
    SGL_TRY(sgl_dmarc_report_put_begin(&e->meta, out));
    SGL_TRY(sgl_dmarc_report_put_record(&e->record, out));
    return sgl_dmarc_report_put_end(out);
}

/* [RFC 9990 s3.1.1] elements, their names and their order */
static void the_form(void **state)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
    struct example e;

    (void)state;
    example_of(&e);
    assert_int_equal(put(&e, &out), SGL_OK);
    CHECK_VIEW("the report", sgl_buf_view(&out), V(want));
}

/* ---- hostile texts, and back ---- */

struct seen {
    char text[8192];
    size_t records;
};

static bool see(void *ctx, const struct sgl_dmarc_report_meta *meta,
                const struct sgl_dmarc_report_record *r)
{
    struct seen *s = ctx;
    size_t len = 0;

    s->records++;
    len += (size_t)snprintf(s->text + len, sizeof(s->text) - len, "%.*s|%.*s|%.*s|%d|%d|",
                            SGL_FMT(meta->org_name), SGL_FMT(meta->report_id),
                            SGL_FMT(meta->domain), (int)meta->p, meta->rfc9990);
    len += (size_t)snprintf(s->text + len, sizeof(s->text) - len, "%d|%d|%.*s|%d<%.*s>|%zu|",
                            (int)r->count, (int)r->disposition, SGL_FMT(r->header_from),
                            r->has_envelope_from, SGL_FMT(r->envelope_from), r->reasons);
    for (size_t i = 0; i < r->dkims && i < 2; i++)
        len += (size_t)snprintf(
            s->text + len, sizeof(s->text) - len, "%.*s/%.*s=%s (%.*s)|",
            SGL_FMT(r->dkim_result[i].domain), SGL_FMT(r->dkim_result[i].selector),
            sgl_dmarc_raw_name(r->dkim_result[i].result), SGL_FMT(r->dkim_result[i].human));
    snprintf(s->text + len, sizeof(s->text) - len, "%zu", r->dkims);
    return true;
}

static struct seen read_back(sgl_view xml)
{
    struct seen seen = {.records = 0};
    struct sgl_dmarc_report_sink sink = {.record = see, .ctx = &seen};
    struct sgl_dmarc_report_reader *reader = sgl_dmarc_report_reader_new(&sink, 1);
    struct sgl_dmarc_report_summary sum;

    assert_non_null(reader);
    assert_int_equal(sgl_dmarc_report_feed(reader, xml), SGL_OK);
    assert_int_equal(sgl_dmarc_report_end(reader, &sum, NULL), SGL_OK);
    for (size_t i = 0; i < SGL_DMARC_REPORT_PROBLEMS; i++)
        if (sum.problem[i] != 0)
            fail_msg("%s", sgl_dmarc_report_problem_text((enum sgl_dmarc_report_problem)i));
    sgl_dmarc_report_reader_free(reader);
    return seen;
}

static void what_a_sender_chose_is_text(void **state)
{
    static const struct {
        const char *name;
        sgl_view text, want;
    } rows[] = {
        {"markup", SGL_LIT_INIT("</comment><x y='z'>&lt;]]>\""),
         SGL_LIT_INIT("</comment><x y='z'>&lt;]]>\"")},
        {"control characters", SGL_LIT_INIT("a\0b\x1b[31m\x7f\xc2\x9b"),
         SGL_LIT_INIT("a\xef\xbf\xbd\x62\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbd")},
        {"broken UTF-8", SGL_LIT_INIT("\xff\xc0\x80z"),
         SGL_LIT_INIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz")},
        {"no characters", SGL_LIT_INIT("\xef\xbf\xbe\xef\xb7\x90y"),
         SGL_LIT_INIT("\xef\xbf\xbd\xef\xbf\xbdy")},
        {"several lines", SGL_LIT_INIT("a\r\n\tb"), SGL_LIT_INIT("a\r\n\tb")},
        {"other scripts", SGL_LIT_INIT("\xd0\x9f\xf0\x9f\x93\xa7"),
         SGL_LIT_INIT("\xd0\x9f\xf0\x9f\x93\xa7")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
        char expected[8192];
        struct example e;
        struct seen seen;

        example_of(&e);
        e.meta.org_name = e.record.header_from = e.record.envelope_from = rows[i].text;
        e.dkim[0].domain = e.dkim[0].selector = e.dkim[0].human = rows[i].text;
        e.reason[0].comment = e.spf[0].domain = rows[i].text;
        CHECK_EQ(rows[i].name, put(&e, &out), SGL_OK);
        seen = read_back(sgl_buf_view(&out));
        CHECK_EQ(rows[i].name, seen.records, 1);
        snprintf(expected, sizeof(expected),
                 "%.*s|20241004aa|a.test|%d|1|7|%d|%.*s|1<%.*s>|2|%.*s/%.*s=fail (%.*s)|"
                 "b.test/s2=pass ()|2",
                 SGL_FMT(rows[i].want), (int)SGL_DMARC_DISPOSITION_REJECT,
                 (int)SGL_DMARC_DISPOSITION_NONE, SGL_FMT(rows[i].want), SGL_FMT(rows[i].want),
                 SGL_FMT(rows[i].want), SGL_FMT(rows[i].want), SGL_FMT(rows[i].want));
        CHECK_STR(rows[i].name, seen.text, expected);
    }
}

/* [RFC 9990 s3.1.1.8] the null sender is told as an empty element; who is not told has none */
static void envelopes(void **state)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
    struct example e;

    (void)state;
    example_of(&e);
    e.record.envelope_from = V("");
    assert_int_equal(sgl_dmarc_report_put_record(&e.record, &out), SGL_OK);
    assert_non_null(strstr(sgl_cstr(&out), "<envelope_from></envelope_from>"));
    sgl_buf_reset(&out);
    e.record.has_envelope_from = false;
    assert_int_equal(sgl_dmarc_report_put_record(&e.record, &out), SGL_OK);
    assert_null(strstr(sgl_cstr(&out), "envelope_from"));
}

/* [RFC 9990 s3.1.3] no more than 100 signatures, the first ones */
static void many_signatures(void **state)
{
    static struct sgl_dmarc_report_dkim dkim[SGL_LIMIT_DMARC_REPORT_DKIM + 50];
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
    size_t n = 0;
    struct example e;

    (void)state;
    example_of(&e);
    for (size_t i = 0; i < sizeof dkim / sizeof dkim[0]; i++)
        dkim[i] = (struct sgl_dmarc_report_dkim){
            .domain = i < SGL_LIMIT_DMARC_REPORT_DKIM ? V("first.test") : V("late.test"),
            .selector = V("s"),
            .result = SGL_DMARC_RAW_PASS};
    e.record.dkim_result = dkim;
    e.record.dkims = sizeof dkim / sizeof dkim[0];
    assert_int_equal(sgl_dmarc_report_put_record(&e.record, &out), SGL_OK);
    for (const char *at = sgl_cstr(&out); (at = strstr(at, "first.test")) != NULL; at++)
        n++;
    assert_int_equal(n, SGL_LIMIT_DMARC_REPORT_DKIM);
    assert_null(strstr(sgl_cstr(&out), "late.test"));
}

/* ---- what can't be said in that form ---- */

static void refused(void **state)
{
    struct example e[20];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < 20; i++)
        example_of(&e[i]);
    e[n++].meta.org_name = V("");
    e[n++].meta.email = V("postmaster");
    e[n++].meta.report_id = V("a b");
    e[n++].meta.report_id = V("");
    e[n++].meta.domain = V("a!test>");
    e[n++].meta.p = SGL_DMARC_DISPOSITION_UNKNOWN;
    e[n++].meta.np = SGL_DMARC_DISPOSITION_PASS;
    e[n++].meta.end = e[0].meta.begin - 1;
    e[n++].record.ip.version = 0;
    e[n++].record.count = 0;
    e[n++].record.disposition = SGL_DMARC_DISPOSITION_UNKNOWN;
    e[n++].record.dkim = SGL_DMARC_ALIGNED_UNKNOWN;
    e[n++].record.spf = SGL_DMARC_ALIGNED_UNKNOWN;
    e[n++].record.header_from = V("");
    e[n++].reason[1].type = SGL_DMARC_OVERRIDE_SAMPLED_OUT;
    e[n++].reason[0].type = SGL_DMARC_OVERRIDE_UNKNOWN;
    e[n++].dkim[1].result = SGL_DMARC_RAW_UNKNOWN;
    e[n++].dkim[0].domain = V("");
    e[n++].spf[0].scope = SGL_DMARC_SCOPE_HELO;
    e[n++].record.spfs = 2;
    for (size_t i = 0; i < n; i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
        size_t before;

        e[i].record.reason = e[i].reason;
        e[i].record.dkim_result = e[i].dkim;
        e[i].record.spf_result = e[i].spf;
        if (sgl_dmarc_report_put_begin(&e[i].meta, &out) == SGL_OK) {
            before = out.len;
            CHECK_EQ("a record", sgl_dmarc_report_put_record(&e[i].record, &out), SGL_E_MISUSE);
            CHECK_EQ("nothing stays", out.len, before);
        } else {
            CHECK_TRUE("what it says of itself", i < 8 && out.len == 0);
        }
    }
}

/* ---- the mail ---- */

static void mail_of(struct sgl_dmarc_report_mail *m, const struct example *e)
{
    *m = (struct sgl_dmarc_report_mail){.meta = &e->meta,
                                        .messages = 9,
                                        .passed = 2,
                                        .attachment = V(want),
                                        .gzip = true,
                                        .from = V("dmarc@US.test"),
                                        .to = V("rua@a.test"),
                                        .message_id = V("<1@us.test>"),
                                        .now = 1728090000};
    memset(m->random, 0xab, sizeof(m->random));
}

/* [RFC 9990 s3.5.2] the name of the file, the Subject, the media type */
static void the_mail(void **state)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
    sgl_auto(sgl_buf) name = SGL_BUF_INIT(1 << 10);
    struct sgl_dmarc_report_mail m;
    struct example e;
    const char *text;

    (void)state;
    example_of(&e);
    mail_of(&m, &e);
    assert_int_equal(sgl_dmarc_report_put_filename(&m, &name), SGL_OK);
    assert_string_equal(sgl_cstr(&name), "us.test!a.test!1728000000!1728086399!20241004aa.xml.gz");
    assert_int_equal(sgl_dmarc_report_put_mail(&m, &out), SGL_OK);
    text = sgl_cstr(&out);
    assert_non_null(strstr(text, "Subject: Report Domain: a.test Submitter: us.test"));
    assert_non_null(strstr(text, "Report-ID: <20241004aa>\r\n"));
    assert_non_null(strstr(text, "Content-Type: application/gzip\r\n"));
    assert_non_null(strstr(text, "us.test!a.test!1728000000!1728086399!20241004aa.xml.gz\""));
    assert_non_null(strstr(text, "Auto-Submitted: auto-generated\r\n"));
    assert_non_null(strstr(text, "Messages: 9\r\nPassed: 2\r\n"));
    assert_null(strstr(text, "TLS-"));
    m.gzip = false;
    e.meta.report_id = V("2024.aa@us"); /* no id of a file [RFC 9990 s3.5.2] */
    CHECK_EQ("an id is no address", sgl_dmarc_report_put_mail(&m, &out), SGL_E_MISUSE);
    e.meta.report_id = V("2024.aa");
    sgl_buf_reset(&out);
    assert_int_equal(sgl_dmarc_report_put_mail(&m, &out), SGL_OK);
    assert_non_null(strstr(sgl_cstr(&out), "Content-Type: text/xml\r\n"));
    assert_non_null(strstr(sgl_cstr(&out), "!1728086399.xml\""));
}

static void mails_refused(void **state)
{
    static const struct {
        const char *name, *from, *to, *email;
    } rows[] = {
        {"the domain of another", "dmarc@them.test", "rua@a.test", "dmarc@us.test"},
        {"a line of its own", "dmarc@us.test", "rua@a.test\r\nBcc: x@y.test", "dmarc@us.test"},
        {"brackets", "dmarc@us.test", "<rua@a.test>", "dmarc@us.test"},
        {"nobody", "dmarc@us.test", "", "dmarc@us.test"},
        {"no contact", "dmarc@us.test", "rua@a.test", "us.test"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
        struct sgl_dmarc_report_mail m;
        struct example e;

        example_of(&e);
        mail_of(&m, &e);
        m.from = V(rows[i].from);
        m.to = V(rows[i].to);
        e.meta.email = V(rows[i].email);
        CHECK_EQ(rows[i].name, sgl_dmarc_report_put_mail(&m, &out), SGL_E_MISUSE);
        CHECK_EQ(rows[i].name, out.len, 0);
    }
}

static void no_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
        sgl_auto(sgl_buf) raw = SGL_BUF_INIT(1 << 16);
        struct sgl_dmarc_report_mail m;
        enum sgl_status status;
        struct example e;

        example_of(&e);
        status = put(&e, &out);
        CHECK_TRUE("a status", status == SGL_OK || status == SGL_E_NOMEM);
        mail_of(&m, &e);
        status = sgl_dmarc_report_put_mail(&m, &raw);
        CHECK_TRUE("a status", status == SGL_OK || status == SGL_E_NOMEM);
        CHECK_TRUE("whole, or nothing", (status == SGL_OK) == (raw.len > 0));
    }
}

static void no_room(void **state)
{
    struct example e;

    (void)state;
    example_of(&e);
    for (size_t max = 10; max < sizeof(want) - 1; max += 97) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(max);

        assert_int_equal(put(&e, &out), SGL_E_LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form),      cmocka_unit_test(what_a_sender_chose_is_text),
        cmocka_unit_test(envelopes),     cmocka_unit_test(many_signatures),
        cmocka_unit_test(refused),       cmocka_unit_test(the_mail),
        cmocka_unit_test(mails_refused), cmocka_unit_test(no_memory),
        cmocka_unit_test(no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
