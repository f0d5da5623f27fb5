/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that are made of a template: what comes out, and what is refused where. */
#include "../../server/doors/http/sendgrid_internal.h"
#include "../../server/templates/templates.h"
#include "api_request_fixture.h"
#include "fail_alloc.h"

static const struct api some_recipients = {.recipients_max = 1000};

struct made {
    struct fixture f;
    json_t *version;
    struct sendgrid_template template_;
    struct sendgrid_mail mail;
    struct sendgrid_one one;
};

/* With ' for ". */
static json_t *quoted(const char *text)
{
    char copy[2000];
    size_t i = 0;

    for (; text[i] != '\0' && i + 1 < sizeof(copy); i++)
        copy[i] = text[i] == '\'' ? '"' : text[i];
    copy[i] = '\0';
    return json_loads(copy, JSON_REJECT_DUPLICATES, NULL);
}

/* version: what was found; person and more: members of the personalization and of the request. */
static bool make(struct made *m, const char *version, const char *person, const char *more)
{
    struct api_reader reader = {
        .api = &some_recipients, .arena = &m->f.arena, .m = &m->mail.common, .why = &m->f.why};
    struct templates_call found = {.id = V("d-1")};
    char text[2000];

    fail_alloc_off();
    memset(m, 0, sizeof(*m));
    begin(&m->f, "{}");
    json_decref(m->f.json);
    snprintf(text, sizeof(text),
             "{'from':{'email':'a@b.test'},'template_id':'d-1','personalizations':[{'to':[{'email':"
             "'c@d.test'}]%s}]%s}",
             person, more);
    m->f.json = quoted(text);
    m->version = quoted(version);
    assert_non_null(m->f.json);
    assert_non_null(m->version);
    found.json = found.row = found.content = m->version;
    fail_alloc_on();
    if (!sendgrid_template_read(&reader, &found, &m->template_))
        return false;
    m->mail.template_ = &m->template_;
    if (!sendgrid_parse(&reader, m->f.json, 1000000000, &m->mail))
        return false;
    reader.rcpt_room = 0;
    return sendgrid_personal(&reader, &m->mail, 0, &m->one);
}

static void end(struct made *m)
{
    json_decref(m->version);
    done(&m->f);
}

static const struct {
    const char *name, *version, *person, *more, *subject, *html, *text;
} rows[] = {
    {"a dynamic template",
     "{'dynamic':true,'generate':true,'subject':'Hi {{n}}','html':'<p>Dear {{n}}</p>'}",
     ",'dynamic_template_data':{'n':'O\\u0027Neil & Co'}", "", "Hi O'Neil & Co",
     "<p>Dear O&#x27;Neil &amp; Co</p>", "Dear O'Neil & Co\n"},
    {"with a plain text of its own",
     "{'dynamic':true,'generate':false,'subject':'S','html':'<p>{{n}}</p>','plain':'{{n}}!'}",
     ",'dynamic_template_data':{'n':'<x>'}", "", "S", "<p>&lt;x&gt;</p>", "<x>!"},
    {"plain text only", "{'dynamic':true,'generate':true,'subject':'S','html':'','plain':'{{n}}!'}",
     ",'dynamic_template_data':{'n':1}", "", "S", "", "1!"},
    {"without data", "{'dynamic':true,'generate':true,'subject':'S','html':'<p>{{n}}x</p>'}", "",
     "", "S", "<p>x</p>", "x\n"},
    {"subject and content of the request give way",
     "{'dynamic':true,'generate':true,'subject':'S','html':'<p>T'}", "",
     ",'subject':'mine','content':[{'type':'text/plain','value':'mine'}]", "S", "<p>T", "T\n"},
    {"a footer comes last",
     "{'dynamic':true,'generate':true,'subject':'S','html':'<body>T</body>'}", "",
     ",'mail_settings':{'footer':{'enable':true,'text':'--f','html':'<i>f</i>'}}", "S",
     "<body>T<i>f</i></body>", "T\n--f"},
    {"a legacy template has places",
     "{'subject':'[shop] <%subject%>','html':'<b><%body%></b>','plain':'> <%body%> <'}", "",
     ",'subject':'S','content':[{'type':'text/plain','value':'T'},{'type':'text/"
     "html','value':'<i>H</i>'}]",
     "[shop] S", "<b><i>H</i></b>", "> T <"},
    {"of a text it makes HTML",
     "{'subject':'<%subject%>','html':'<b><%body%></b>','plain':'<%body%>'}", "",
     ",'subject':'S','content':[{'type':'text/plain','value':'a < b\\n'}]", "S",
     "<b>a &lt; b<br>\n</b>", "a < b\n"},
    {"and of HTML a text", "{'subject':'<%subject%>','html':'<%body%>','plain':'> <%body%>'}", "",
     ",'subject':'S','content':[{'type':'text/html','value':'<p>H</p>'}]", "S", "<p>H</p>",
     "> H\n"},
    {"its substitutions are replaced", "{'subject':'-n-: <%subject%>','html':'<p>-n-</p>'}",
     ",'substitutions':{'-n-':'Ben'}", ",'subject':'S -n-'", "Ben: S Ben", "<p>Ben</p>", ""},
    {"braces of a legacy template are text", "{'subject':'{{a}}','html':'{{#if'}", "", "", "{{a}}",
     "{{#if", ""},
};

static void what_comes_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct made m;

        if (!make(&m, rows[i].version, rows[i].person, rows[i].more))
            fail_msg("%s: %s: %s", rows[i].name, m.f.why.field, m.f.why.detail);
        CHECK_VIEW(rows[i].name, m.one.m.compose.subject, V(rows[i].subject));
        CHECK_VIEW(rows[i].name, m.one.m.compose.html, V(rows[i].html));
        CHECK_VIEW(rows[i].name, m.one.m.compose.text, V(rows[i].text));
        end(&m);
    }
}

#define DATA "personalizations.0.dynamic_template_data"

static const struct {
    const char *name, *version, *person, *more;
    int status;
    const char *field, *detail;
} refused[] = {
    {"no content", "{'dynamic':true,'subject':'S','html':'','plain':''}", "", "", 422,
     "template_id", "The active version of the template has no content."},
    {"a date that is none",
     "{'dynamic':true,'generate':true,'subject':'S','html':'<p>\\n {{formatDate d "
     "\\u0022YYYY\\u0022}}'}",
     ",'dynamic_template_data':{'d':'soon'}", "", 422, DATA,
     "The template d-1, html_content, line 2, column 2: formatDate: the value is no time."},
    {"a subject of two lines", "{'dynamic':true,'generate':true,'subject':'{{s}}','html':'x'}",
     ",'dynamic_template_data':{'s':'a\\r\\nBcc: x@y.test'}", "", 422, DATA,
     "A line end or another control character cannot stand here: it would begin a new header "
     "field."},
    {"a subject that comes out empty",
     "{'dynamic':true,'generate':true,'subject':'{{s}}','html':'x'}", "", "", 422, DATA,
     "The template's subject comes out empty."},
    {"substitutions", "{'dynamic':true,'generate':true,'subject':'S','html':'x'}",
     ",'substitutions':{'a':'b'}", "", 422, "personalizations.0.substitutions",
     "Substitutions may not be used with dynamic templating."},
    {"data of a wrong type", "{'dynamic':true,'generate':true,'subject':'S','html':'x'}",
     ",'dynamic_template_data':[]", "", 422, DATA, "An object is wanted here."},
    {"loops without an end",
     "{'dynamic':true,'generate':true,'subject':'S','html':'{{#each a}}{{#each @root.a}}{{#each "
     "@root.a}}{{#each @root.a}}{{#each @root.a}}{{#each "
     "@root.a}}{{#each @root.a}}{{#each @root.a}}{{#each "
     "@root.a}}{{/each}}{{/each}}{{/each}}{{/each}}{{/each}}{{/each}}{{/each}}{{/each}}{{/each}}'}",
     ",'dynamic_template_data':{'a':[1,2,3,4,5,6,7,8,9,10]}", "", 413, DATA, NULL},
    {"a legacy template without a subject to put in", "{'subject':'<%subject%>','html':'x'}", "",
     "", 422, "subject", NULL},
};

static void what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct made m;

        CHECK_TRUE(refused[i].name,
                   !make(&m, refused[i].version, refused[i].person, refused[i].more));
        CHECK_EQ(refused[i].name, m.f.why.status, refused[i].status);
        CHECK_STR(refused[i].name, m.f.why.field, refused[i].field);
        if (refused[i].detail != NULL)
            CHECK_STR(refused[i].name, m.f.why.detail, refused[i].detail);
        end(&m);
    }
}

/* For each allocation that fails: refused for want of memory, and nothing leaks. */
static void memory(void **state)
{
    static const size_t which[] = {0, 5, 6, 7, 8, 9};

    (void)state;
    for (size_t k = 0; k < sizeof(which) / sizeof(which[0]); k++) {
        for (size_t n = 1; fail_alloc_round(n); n++) {
            struct made m;

            if (!make(&m, rows[which[k]].version, rows[which[k]].person, rows[which[k]].more)) {
                CHECK_EQ(rows[which[k]].name, m.f.why.status, 503);
                CHECK_TRUE(rows[which[k]].name, fail_alloc_hit());
            }
            fail_alloc_off();
            end(&m);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_out),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
