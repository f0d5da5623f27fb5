/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregate reports of others [RFC 9990 s3.1, RFC 7489 s7.2]: what is read of them, written in one line; and what is refused [RFC 9990 s8.1]. */
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/dmarc_report.h"
#include "sigillo/limits.h"

#define V(s)      sgl_view_cstr(s)
#define META(s)   "<report_metadata>" s "</report_metadata>"
#define POLICY(s) "<policy_published>" s "</policy_published>"
#define RECORD(s) "<record>" s "</record>"
#define ROW(s)    RECORD("<row>" s "</row>")
#define REPORT(s) "<feedback>" META("<org_name>O</org_name>") s "</feedback>"

/* ---- one line of a report ---- */

static void put_results(struct sgl_buf *out, const struct sgl_dmarc_report_record *r)
{
    for (size_t i = 0; i < r->reasons; i++)
        sgl_buf_addf(out, " {%s %.*s}", sgl_dmarc_override_name(r->reason[i].type),
                     SGL_FMT(r->reason[i].comment));
    for (size_t i = 0; i < r->dkims; i++)
        sgl_buf_addf(out, " dkim=%.*s/%.*s/%s/%.*s", SGL_FMT(r->dkim_result[i].domain),
                     SGL_FMT(r->dkim_result[i].selector),
                     sgl_dmarc_raw_name(r->dkim_result[i].result),
                     SGL_FMT(r->dkim_result[i].human));
    for (size_t i = 0; i < r->spfs; i++)
        sgl_buf_addf(out, " spf=%.*s/%d/%s/%.*s", SGL_FMT(r->spf_result[i].domain),
                     (int)r->spf_result[i].scope, sgl_dmarc_raw_name(r->spf_result[i].result),
                     SGL_FMT(r->spf_result[i].human));
}

static bool put_record(void *ctx, const struct sgl_dmarc_report_meta *meta,
                       const struct sgl_dmarc_report_record *r)
{
    struct sgl_buf *out = ctx;
    char ip[SGL_IP_TEXT_SIZE];

    (void)meta;
    sgl_buf_addf(out, "[%.*s %d %s %s %s %.*s", SGL_FMT(sgl_ip_text(&r->ip, ip)), (int)r->count,
                 sgl_dmarc_disposition_name(r->disposition), sgl_dmarc_aligned_name(r->dkim),
                 sgl_dmarc_aligned_name(r->spf), SGL_FMT(r->header_from));
    if (r->has_envelope_from)
        sgl_buf_addf(out, " <%.*s>", SGL_FMT(r->envelope_from));
    sgl_buf_addf(out, " %.*s", SGL_FMT(r->envelope_to));
    put_results(out, r);
    sgl_buf_add_byte(out, ']');
    return true;
}

static void put_meta(struct sgl_buf *out, const struct sgl_dmarc_report_meta *m)
{
    sgl_buf_addf(out, "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s %d-%d %.*s %s p=%s sp=%s np=%s %d%d%d %.*s %s",
                 SGL_FMT(m->org_name), SGL_FMT(m->email), SGL_FMT(m->extra_contact),
                 SGL_FMT(m->report_id), SGL_FMT(m->error), SGL_FMT(m->generator), (int)m->begin,
                 (int)m->end, SGL_FMT(m->domain), sgl_dmarc_discovery_name(m->discovery),
                 sgl_dmarc_disposition_name(m->p), sgl_dmarc_disposition_name(m->sp),
                 sgl_dmarc_disposition_name(m->np), (int)m->adkim, (int)m->aspf, (int)m->testing,
                 SGL_FMT(m->fo), m->rfc9990 ? "new" : "old");
}

/* Records, then what the report says of itself.  piece: bytes that are fed at once. */
static enum sgl_status read_in(sgl_view xml, size_t piece, struct sgl_buf *out,
                               struct sgl_dmarc_report_summary *sum, struct sgl_diag *diag)
{
    const struct sgl_dmarc_report_sink sink = {put_record, out};
    struct sgl_dmarc_report_reader *r = sgl_dmarc_report_reader_new(&sink, 7);
    enum sgl_status status = SGL_OK;

    if (r == NULL)
        return SGL_E_NOMEM;
    for (; xml.len > 0 && status == SGL_OK; xml = sgl_view_from(xml, piece))
        status = sgl_dmarc_report_feed(r, sgl_view_sub(xml, 0, piece));
    status = sgl_dmarc_report_end(r, sum, diag);
    if (status == SGL_OK)
        put_meta(out, sgl_dmarc_report_meta(r));
    sgl_dmarc_report_reader_free(r);
    return status;
}

/* ---- what is read ---- */

static const struct {
    const char *name, *xml, *want;
} cases[] = {
    {"the whole of a report of RFC 9990",
     "<?xml version=\"1.0\"?>\n<feedback "
     "xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\"><version>1.0</version>" META(
         "<org_name> S &amp; Co\n</org_name><email>a@s.example</email><extra_contact_info "
         "lang=\"en\">x</extra_contact_info><report_id>r1</report_id><date_range><begin>1700000000"
         "</begin><end>1700086399</end></date_range><error>e</error><generator>g</generator>")
         POLICY("<domain>d.example</domain><discovery_method>treewalk</discovery_method><p>reject</"
                "p>"
                "<sp>none</sp><np>quarantine</np><fo>1:d</fo><adkim>s</adkim><aspf>r</"
                "aspf><testing>"
                "y</testing>") "<extension><x:a xmlns:x=\"y\">z</x:a></extension>" RECORD("<row><"
                                                                                          "source_"
                                                                                          "ip>192."
                                                                                          "0.2.1</"
                                                                                          "source_"
                                                                                          "ip><"
                                                                                          "count>5<"
                                                                                          "/count><"
                                                                                          "policy_"
                                                                                          "evaluate"
                                                                                          "d>"
                                                                                          "<disposi"
                                                                                          "tion>"
                                                                                          "pass</"
                                                                                          "disposit"
                                                                                          "ion><"
                                                                                          "dkim>"
                                                                                          "pass</"
                                                                                          "dkim><"
                                                                                          "spf>"
                                                                                          "fail</"
                                                                                          "spf><"
                                                                                          "reason><"
                                                                                          "type>"
                                                                                          "mailing_"
                                                                                          "list</"
                                                                                          "type><"
                                                                                          "comment>"
                                                                                          "c</"
                                                                                          "comment>"
                                                                                          "</"
                                                                                          "reason><"
                                                                                          "/policy_"
                                                                                          "evaluate"
                                                                                          "d></row>"
                                                                                          "<identif"
                                                                                          "iers><"
                                                                                          "header_"
                                                                                          "from>d."
                                                                                          "example<"
                                                                                          "/header_"
                                                                                          "from><"
                                                                                          "envelope"
                                                                                          "_from/>"
                                                                                          "<envelop"
                                                                                          "e_to>t."
                                                                                          "example<"
                                                                                          "/envelop"
                                                                                          "e_to></"
                                                                                          "identifi"
                                                                                          "ers><"
                                                                                          "auth_"
                                                                                          "results>"
                                                                                          "<dkim>"
                                                                                          "<domain>"
                                                                                          "d."
                                                                                          "example<"
                                                                                          "/domain>"
                                                                                          "<selecto"
                                                                                          "r>k</"
                                                                                          "selector"
                                                                                          "><"
                                                                                          "result>"
                                                                                          "pass</"
                                                                                          "result>"
                                                                                          "<human_"
                                                                                          "result>"
                                                                                          "h</"
                                                                                          "human_"
                                                                                          "result><"
                                                                                          "/dkim><"
                                                                                          "spf><"
                                                                                          "domain>"
                                                                                          "b."
                                                                                          "example<"
                                                                                          "/domain>"
                                                                                          "<scope>"
                                                                                          "mfrom</"
                                                                                          "scope><"
                                                                                          "result>"
                                                                                          "softfail"
                                                                                          "</"
                                                                                          "result><"
                                                                                          "/spf></"
                                                                                          "auth_"
                                                                                          "results"
                                                                                          ">") "</"
                                                                                               "fee"
                                                                                               "dba"
                                                                                               "ck"
                                                                                               ">",
     "[192.0.2.1 5 pass pass fail d.example <> t.example {mailing_list c} dkim=d.example/k/pass/h "
     "spf=b.example/1/softfail/]S & Co|a@s.example|x|r1|e|g 1700000000-1700086399 d.example "
     "treewalk p=reject sp=none np=quarantine 212 1:d new"},
    {"a prefix, another order, upper case",
     "<n:FEEDBACK xmlns:n=\"http://dmarc.org/dmarc-xml/0.1\"><n:record><n:identifiers>"
     "<n:header_from>d</n:header_from></n:identifiers><n:row><n:count>1</n:count><n:source_ip>::1"
     "</n:source_ip><n:policy_evaluated><n:spf>PASS</n:spf><n:disposition>None</n:disposition>"
     "</n:policy_evaluated></n:row></n:record></n:FEEDBACK>",
     "[::1 1 none  pass d ]||||| 0-0   p= sp= np= 000  old"},
    {"identities, which came before identifiers",
     REPORT(RECORD("<identities><header_from>d</header_from></identities>")),
     "[ 0    d ]O||||| 0-0   p= sp= np= 000  old"},
    {"several results of SPF",
     REPORT(RECORD("<auth_results><spf><domain>a</domain><scope>helo</scope><result>hardfail"
                   "</result></spf><spf><result>unknown</result></spf></auth_results>")),
     "[ 0      spf=a/2/fail/ spf=/0/permerror/]O||||| 0-0   p= sp= np= 000  old"},
    {"a reason that says nothing is none",
     REPORT(ROW("<policy_evaluated><reason><type/><comment></comment></reason><reason><type>"
                "sampled_out</type></reason></policy_evaluated>")),
     "[ 0      {sampled_out }]O||||| 0-0   p= sp= np= 000  old"},
    {"an address in brackets, mapped, with blanks",
     REPORT(ROW("<source_ip>\n [IPv6:::ffff:192.0.2.9] </source_ip>")),
     "[192.0.2.9 0     ]O||||| 0-0   p= sp= np= 000  old"},
    {"an address that is none", REPORT(ROW("<source_ip>mail.example</source_ip>")),
     "[ 0     ]O||||| 0-0   p= sp= np= 000  old"},
    {"times with fractions, in milliseconds, as text",
     "<feedback>" META("<date_range><begin>1337270400.0</begin><end>1337356799000</end>"
                       "</date_range><org_name>O</org_name>") "</feedback>",
     "O||||| 1337270400-1337356799   p= sp= np= 000  old"},
    {"times as dates",
     "<feedback>" META("<date_range><begin>2012-05-17 16:00:00</begin><end>Fri, 18 May 2012 "
                       "15:59:59 +0000</end></date_range><org_name>O</org_name>") "</feedback>",
     "O||||| 1337270400-1337356799   p= sp= np= 000  old"},
    {"a result with words behind it",
     REPORT(RECORD("<auth_results><dkim><result>pass (2048 bits)</result></dkim></auth_results>")),
     "[ 0      dkim=//pass/]O||||| 0-0   p= sp= np= 000  old"},
    {"aligned that is not pass is fail",
     REPORT(ROW("<policy_evaluated><dkim>temperror</dkim><spf>what</spf></policy_evaluated>")),
     "[ 0  fail   ]O||||| 0-0   p= sp= np= 000  old"},
    {"the first of a text counts",
     "<feedback>" META("<org_name>O</org_name><org_name>P</org_name>") "</feedback>",
     "O||||| 0-0   p= sp= np= 000  old"},
    {"blank lines before, and whatever follows",
     "\n\r\n <feedback>" META("<report_id>1</report_id>") "</feedback></x><!DOCTYPE a>\x00\xff",
     "|||1|| 0-0   p= sp= np= 000  old"},
    {"a report within a schema", "<xs:schema>" REPORT("") "om></xs:schema>",
     "O||||| 0-0   p= sp= np= 000  old"},
    {"Windows-1252",
     "<?xml version=\"1.0\" encoding=\"windows-1252\"?><feedback>" META(
         "<org_name>\x80\xe4</org_name>") "</feedback>",
     "\xe2\x82\xac\xc3\xa4||||| 0-0   p= sp= np= 000  old"},
    {"text of an unknown element is not that of its neighbour",
     REPORT(ROW("<count>2<x>3</x></count><y><count>9</count></y>")),
     "[ 2     ]O||||| 0-0   p= sp= np= 000  old"},
};

static void rows(void **state)
{
    static const size_t pieces[] = {SIZE_MAX / 2, 1, 13};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t k = 0; k < 3; k++) {
            sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);
            struct sgl_dmarc_report_summary sum = {.records = 99};
            struct sgl_diag diag = {0};

            CHECK_EQ(cases[i].name, read_in(V(cases[i].xml), pieces[k], &got, &sum, &diag), SGL_OK);
            CHECK_VIEW(cases[i].name, sgl_buf_view(&got), V(cases[i].want));
            CHECK_TRUE(cases[i].name, !sum.partial);
        }
}

/* ---- what is noted ---- */

static const struct {
    enum sgl_dmarc_report_problem problem;
    const char *xml;
} problems[] = {
    {SGL_DMARC_REPORT_CUT, "<feedback>" META("<org_name>O</org_name>") "<record><row"},
    {SGL_DMARC_REPORT_CUT, "<feedback>" META("<org_name>O</org_name>") "</record>"},
    {SGL_DMARC_REPORT_CUT, "<feedback>" META("<org_name>O</org_name>") "\xff</feedback>"},
    {SGL_DMARC_REPORT_CUT, "<feedback>" META("<org_name>O</org_name>") "&a;</feedback>"},
    {SGL_DMARC_REPORT_NO_ORG, "<feedback></feedback>"},
    {SGL_DMARC_REPORT_NO_EMAIL, REPORT("")},
    {SGL_DMARC_REPORT_NO_ID, REPORT("")},
    {SGL_DMARC_REPORT_NO_DATES, REPORT("")},
    {SGL_DMARC_REPORT_NO_DOMAIN, REPORT(POLICY("<domain/>"))},
    {SGL_DMARC_REPORT_DATE, REPORT(META("<date_range><begin>soon</begin></date_range>"))},
    {SGL_DMARC_REPORT_DATE, REPORT(META("<date_range><begin>-1</begin></date_range>"))},
    {SGL_DMARC_REPORT_DATE, REPORT(META("<date_range><end>1e9</end></date_range>"))},
    {SGL_DMARC_REPORT_RANGE, REPORT(META("<date_range><begin>9</begin><end>8</end></date_range>"))},
    {SGL_DMARC_REPORT_RANGE,
     REPORT(META("<date_range><begin>1</begin><end>700000</end></date_range>"))},
    {SGL_DMARC_REPORT_EMPTY, REPORT("")},
    {SGL_DMARC_REPORT_POLICY, REPORT(POLICY("<p>maybe</p>"))},
    {SGL_DMARC_REPORT_POLICY, REPORT("")},
    {SGL_DMARC_REPORT_IP, REPORT(ROW("<source_ip>1.2.3</source_ip>"))},
    {SGL_DMARC_REPORT_COUNT, REPORT(ROW(""))},
    {SGL_DMARC_REPORT_COUNT, REPORT(ROW("<count>0</count>"))},
    {SGL_DMARC_REPORT_COUNT, REPORT(ROW("<count>-3</count>"))},
    {SGL_DMARC_REPORT_COUNT, REPORT(ROW("<count>1099511627777</count>"))},
    {SGL_DMARC_REPORT_NO_FROM, REPORT(RECORD(""))},
    {SGL_DMARC_REPORT_WORD,
     REPORT(ROW("<policy_evaluated><disposition>x</disposition></policy_evaluated>"))},
    {SGL_DMARC_REPORT_WORD,
     REPORT(RECORD("<auth_results><spf><result>hardfail</result></spf></auth_results>"))},
    {SGL_DMARC_REPORT_NAME, REPORT(RECORD("<identities/>"))},
};

static void each_problem_is_noted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);
        const char *text = sgl_dmarc_report_problem_text(problems[i].problem);
        struct sgl_dmarc_report_summary sum = {.records = 99};

        CHECK_EQ(problems[i].xml, read_in(V(problems[i].xml), 1000, &got, &sum, NULL), SGL_OK);
        CHECK_EQ(problems[i].xml, sum.problem[problems[i].problem], 1);
        CHECK_EQ(problems[i].xml, sum.partial, problems[i].problem == SGL_DMARC_REPORT_CUT);
        CHECK_TRUE(problems[i].xml, text != NULL && text[0] != '\0');
    }
}

/* A report without a fault has no problem. */
static void a_clean_report_has_none(void **state)
{
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);
    struct sgl_dmarc_report_summary sum;

    (void)state;
    assert_int_equal(read_in(V(cases[0].xml), 1000, &got, &sum, NULL), SGL_OK);
    for (size_t i = 0; i < SGL_DMARC_REPORT_PROBLEMS; i++)
        CHECK_EQ(sgl_dmarc_report_problem_text((enum sgl_dmarc_report_problem)i), sum.problem[i],
                 0);
    assert_true(sum.records == 1 && sum.messages == 5);
}

/* ---- what is refused ---- */

static const struct {
    const char *name, *xml;
} refused[] = {
    {"nothing", ""},
    {"blanks", " \n"},
    {"no XML", "hello"},
    {"JSON", "{\"policies\":[]}"},
    {"another document", "<html><feedback/></html>"},
    {"a schema within a schema", "<schema><schema><feedback/></schema></schema>"},
    {"a report that has not said who sent it", "<feedback><report_metadata>"},
    {"a DOCTYPE", "<!DOCTYPE feedback>" REPORT("")},
    {"entities within each other",
     "<?xml version=\"1.0\"?><!DOCTYPE f [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "
     "\"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]><feedback>" META("<org_name>&c;</org_name>")},
    {"an entity that is a file",
     "<!DOCTYPE f [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>" REPORT("")},
    {"a DOCTYPE of elsewhere", "<!DOCTYPE f SYSTEM \"http://x.example/a.dtd\">" REPORT("")},
    {"UTF-7", "<?xml version=\"1.0\" encoding=\"UTF-7\"?>+ADw-feedback+AD4-"},
    {"an encoding that lies", "<?xml version=\"1.0\" encoding=\"UTF-16\"?><feedback>"},
};

static void is_no_report(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);
        struct sgl_dmarc_report_summary sum = {.records = 99};
        struct sgl_diag diag = {0};

        CHECK_EQ(refused[i].name, read_in(V(refused[i].xml), 1000, &got, &sum, &diag),
                 SGL_E_SYNTAX);
        CHECK_TRUE(refused[i].name, sum.records == 99 && diag.what != NULL && got.len == 0);
    }
}

/* NUL is no character of XML. */
static void a_nul_ends_it(void **state)
{
    static const char xml[] = "<feedback><report_metadata><org_name>O</org_name><email>a\0b";
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);
    struct sgl_dmarc_report_summary sum;

    (void)state;
    assert_int_equal(read_in(sgl_view_of(xml, sizeof xml - 1), 1000, &got, &sum, NULL), SGL_OK);
    assert_true(sum.partial);
}

static void repeat(struct sgl_buf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sgl_buf_add_cstr(out, text);
}

/* before, n times this, after: the limit holds, and one less is read. */
static void limit(const char *name, const char *before, const char *each, const char *after,
                  size_t max)
{
    for (size_t n = max; n <= max + 1; n++) {
        sgl_auto(sgl_buf) xml = SGL_BUF_INIT(64 << 20);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 20);
        struct sgl_dmarc_report_summary sum = {.records = 99};

        sgl_buf_add_cstr(&xml, before);
        repeat(&xml, each, n);
        sgl_buf_add_cstr(&xml, after);
        CHECK_EQ(name, xml.status, SGL_OK);
        CHECK_EQ(name, read_in(sgl_buf_view(&xml), 5000, &got, &sum, NULL),
                 n == max ? SGL_OK : SGL_E_LIMIT);
        CHECK_TRUE(name, n == max || sum.records == 99);
    }
}

#define OPEN "<feedback>" META("<org_name>O</org_name>")

/* [RFC 9990 s8.1] */
static void limits_hold(void **state)
{
    (void)state;
    limit("levels", OPEN, "<a>", "", SGL_LIMIT_DMARC_REPORT_DEPTH - 1);
    limit("text", OPEN "<record><a>", "x", "</a></record></feedback>", SGL_LIMIT_DMARC_REPORT_TEXT);
    limit("text of a leaf", OPEN "<record><row><count>", "1", "</count></row></record></feedback>",
          SGL_LIMIT_DMARC_REPORT_TEXT);
    limit("names that nobody knows", OPEN "<record><a b1='' b2='' b3=''></a><", "y",
          "/></record></feedback>", 256);
}

static void endless(const char *name, const char *before, const char *each)
{
    sgl_auto(sgl_buf) xml = SGL_BUF_INIT(4 << 20);
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 20);
    struct sgl_dmarc_report_summary sum;
    struct sgl_diag diag = {0};

    sgl_buf_add_cstr(&xml, before);
    repeat(&xml, each, (1 << 20) / strlen(each));
    CHECK_EQ(name, read_in(sgl_buf_view(&xml), 5000, &got, &sum, &diag), SGL_E_LIMIT);
    CHECK_TRUE(name, diag.what != NULL);
}

static void numbered(struct sgl_buf *xml, const char *before, const char *after, int n)
{
    for (int i = 0; i < n; i++)
        sgl_buf_addf(xml, "%s%d%s", before, i, after);
}

static void many(const char *name, const char *before, const char *after)
{
    sgl_auto(sgl_buf) xml = SGL_BUF_INIT(4 << 20);
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 20);
    struct sgl_dmarc_report_summary sum;

    sgl_buf_add_cstr(&xml, OPEN);
    numbered(&xml, before, after, 301);
    CHECK_EQ(name, read_in(sgl_buf_view(&xml), 5000, &got, &sum, NULL), SGL_E_LIMIT);
}

static void what_never_ends_is_refused(void **state)
{
    (void)state;
    endless("a comment", OPEN "<!--", "x");
    endless("an instruction", OPEN "<?x ", "x");
    endless("an attribute", OPEN "<a b='", "x");
    endless("a name", OPEN "<a", "a");
    endless("attributes", OPEN "<a", " b='' c='' d=''");
    endless("the declaration", "<?xml ", " ");
    endless("text between", OPEN, " \n");
    many("names", "<a", "/>");
    many("names with prefixes of what is known", "<p", ":record/>");
    many("names of attributes", "<a b", "=''/>");
}

static void attributes_are_counted(void **state)
{
    sgl_auto(sgl_buf) xml = SGL_BUF_INIT(4000);
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);
    struct sgl_dmarc_report_summary sum;

    (void)state;
    sgl_buf_add_cstr(&xml, OPEN "<a");
    numbered(&xml, " b", "=''", SGL_LIMIT_DMARC_REPORT_ATTRIBUTES);
    sgl_buf_add_cstr(&xml, "/>");
    assert_int_equal(read_in(sgl_buf_view(&xml), 5000, &got, &sum, NULL), SGL_OK);
    sgl_buf_truncate(&xml, xml.len - 2);
    sgl_buf_add_cstr(&xml, " x=''/>");
    assert_int_equal(read_in(sgl_buf_view(&xml), 5000, &got, &sum, NULL), SGL_E_LIMIT);
}

/* What a record has more than we keep is passed over, and said. */
static void a_record_keeps_so_many_results(void **state)
{
    sgl_auto(sgl_buf) xml = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 20);
    struct sgl_dmarc_report_summary sum;

    (void)state;
    sgl_buf_add_cstr(&xml, OPEN "<record><auth_results>");
    repeat(&xml, "<dkim><domain>a</domain></dkim>", SGL_LIMIT_DMARC_REPORT_DKIM + 1);
    repeat(&xml, "<spf/>", SGL_LIMIT_DMARC_REPORT_SPF + 1);
    sgl_buf_add_cstr(&xml, "</auth_results><row><policy_evaluated>");
    repeat(&xml, "<reason><type>other</type></reason>", SGL_LIMIT_DMARC_REPORT_REASONS + 1);
    sgl_buf_add_cstr(&xml, "</policy_evaluated></row></record>");
    assert_int_equal(read_in(sgl_buf_view(&xml), 5000, &got, &sum, NULL), SGL_OK);
    assert_int_equal(sum.problem[SGL_DMARC_REPORT_MANY], 3);
    assert_int_equal(sum.records, 1);
}

static bool count_only(void *ctx, const struct sgl_dmarc_report_meta *meta,
                       const struct sgl_dmarc_report_record *record)
{
    size_t *left = ctx;

    (void)meta;
    (void)record;
    return (*left)-- > 0;
}

/* A million records, in memory that does not grow; one more is too many, and a caller may stop before. */
static void records_stream(void **state)
{
    for (size_t more = 0; more < 3; more++) {
        size_t left = more == 2 ? 5 : SIZE_MAX;
        const struct sgl_dmarc_report_sink sink = {count_only, &left};
        struct sgl_dmarc_report_reader *r = sgl_dmarc_report_reader_new(&sink, 0);
        struct sgl_dmarc_report_summary sum;
        enum sgl_status status = sgl_dmarc_report_feed(r, V(OPEN));

        for (size_t i = 0; i < SGL_LIMIT_DMARC_REPORT_RECORDS + more && status == SGL_OK; i++)
            status = sgl_dmarc_report_feed(r, SGL_LIT("<record/>"));
        assert_int_equal(status, more == 0 ? SGL_OK : SGL_E_LIMIT);
        assert_int_equal(sgl_dmarc_report_feed(r, SGL_LIT("<record/>")), SGL_E_LIMIT);
        assert_int_equal(sgl_dmarc_report_end(r, &sum, NULL), SGL_E_LIMIT);
        sgl_dmarc_report_reader_free(r);
    }
    (void)state;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);
        struct sgl_dmarc_report_summary sum;
        enum sgl_status status;

        fail_alloc_off();
        assert_int_equal(sgl_buf_reserve(&got, 4000), SGL_OK);
        fail_alloc_on();
        status = read_in(V(cases[0].xml), 50, &got, &sum, NULL);
        CHECK_EQ("out of memory", status, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
        cmocka_unit_test(each_problem_is_noted),
        cmocka_unit_test(a_clean_report_has_none),
        cmocka_unit_test(is_no_report),
        cmocka_unit_test(a_nul_ends_it),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(what_never_ends_is_refused),
        cmocka_unit_test(attributes_are_counted),
        cmocka_unit_test(a_record_keeps_so_many_results),
        cmocka_unit_test(records_stream),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
