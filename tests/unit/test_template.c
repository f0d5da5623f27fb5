/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/template.h"

#include "../../server/templates/template_json.h"
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

static const struct {
    const char *name, *text, *data, *want;
} fills[] = {
    {"a value", "Hello {{ name }}!", "{'name':'Ben'}", "Hello Ben!"},
    {"a path", "{{user.profile.firstName}}", "{'user':{'profile':{'firstName':'Ben'}}}", "Ben"},
    {"what is missing is nothing", "<p>{{user.no.firstName}}</p>", "{'user':{}}", "<p></p>"},
    {"null is nothing, false and 0 are shown", "{{a}}|{{b}}|{{c}}", "{'a':null,'b':false,'c':0}",
     "|false|0"},
    {"two braces escape for HTML", "{{x}}", "{'x':'<b>&\\\"\\u0027`=</b>'}",
     "&lt;b&gt;&amp;&quot;&#x27;&#x60;&#x3D;&lt;/b&gt;"},
    {"three do not", "{{{x}}}{{&x}}", "{'x':'<b>'}", "<b><b>"},
    {"an item by its number", "{{a.0}}{{a.[1]}}{{a.2}}", "{'a':['x','y']}", "xy"},
    {"a list has its items with commas", "{{a}}", "{'a':[1,['b',null],{}]}",
     "1,b,,[object Object]"},
    {"numbers as JavaScript has them", "{{a}} {{b}} {{c}} {{d}} {{e}}",
     "{'a':1.0,'b':0.1,'c':1e21,'d':1e-7,'e':9007199254740993}",
     "1 0.1 1e+21 1e-7 9007199254740993"},
    {"if, else if, else: the second", "{{#if a}}A{{else if b}}B{{else}}C{{/if}}", "{'b':1}", "B"},
    {"if, else if, else: the last", "{{#if a}}A{{else if b}}B{{else}}C{{/if}}", "{'b':''}", "C"},
    {"an empty list is false, an empty object is not", "{{#if a}}A{{/if}}{{#if o}}O{{/if}}",
     "{'a':[],'o':{}}", "O"},
    {"zero is false unless it is included", "{{#if n}}a{{/if}}{{#if n includeZero=true}}b{{/if}}",
     "{'n':0}", "b"},
    {"@root within a loop", "{{#each a}}{{@root.p}}{{this}} {{/each}}", "{'p':'-','a':[1,2]}",
     "-1 -2 "},
    {"unless", "{{#unless a}}no{{else}}yes{{/unless}}", "{'a':false}", "no"},
    {"greaterThan of numbers", "{{#greaterThan a b}}more{{else}}not{{/greaterThan}}",
     "{'a':100,'b':78}", "more"},
    {"greaterThan of a text that is a number", "{{#greaterThan a 9}}more{{/greaterThan}}",
     "{'a':' 10 '}", "more"},
    {"what is missing is not greater", "{{#greaterThan a 0}}y{{else}}n{{/greaterThan}}", "{}", "n"},
    {"lessThan", "{{#lessThan a b}}less{{/lessThan}}", "{'a':-1.5,'b':-1}", "less"},
    {"texts are compared as texts", "{{#lessThan a b}}less{{/lessThan}}", "{'a':'10','b':'9'}",
     "less"},
    {"equals takes a text for a number", "{{#equals 3 '3'}}y{{else}}n{{/equals}}", "{}", "y"},
    {"notEquals", "{{#notEquals a b}}y{{else}}n{{/notEquals}}", "{'a':1,'b':2}", "y"},
    {"and", "{{#and a b}}y{{else}}n{{/and}}", "{'a':'Pasta','b':''}", "n"},
    {"or", "{{#or a b}}y{{else}}n{{/or}}", "{'a':'','b':'x'}", "y"},
    {"length of a list within brackets",
     "{{#greaterThan (length a) 0}}{{length a}}{{/greaterThan}}", "{'a':[1,2,3]}", "3"},
    {"length of a text, in units of UTF-16", "{{length a}} {{a.length}} {{length b}}",
     "{'a':'é€😀','b':7}", "4 4 0"},
    {"a comparison within brackets", "{{#if (and a (equals b 2))}}y{{/if}}", "{'a':1,'b':2}", "y"},
    {"insert has a default", "{{insert name \"default=Customer\"}} {{insert b \"you\"}}",
     "{'b':''}", "Customer you"},
    {"insert of what is there", "{{insert name \"default=Customer\"}}", "{'name':'Ben'}", "Ben"},
    {"the name of a helper alone is a value", "{{length}} {{insert}}", "{'length':1,'insert':2}",
     "1 2"},
    {"a member of null is null, which counts as 0", "{{#greaterThan 1 a.b}}y{{/greaterThan}}",
     "{'a':null}", "y"},
    {"each over a list", "{{#each a}}{{@index}}{{@first}}{{@last}}{{this.n}} {{/each}}",
     "{'a':[{'n':1},{'n':2}]}", "0truefalse1 1falsetrue2 "},
    {"each over an object", "{{#each a}}{{@key}}={{this}}{{#unless @last}},{{/unless}}{{/each}}",
     "{'a':{'x':1,'y':2}}", "x=1,y=2"},
    {"each over nothing", "{{#each a}}x{{else}}none{{/each}}", "{'a':[]}", "none"},
    {"each over an empty object", "{{#each a}}x{{else}}none{{/each}}", "{'a':{}}", "none"},
    {"../ leads out of a loop", "{{#each a}}{{../p}}{{#if this}}{{../p}}{{/if}}{{/each}}",
     "{'p':'-','a':[1]}", "--"},
    {"@../ leads to the loop without",
     "{{#each a}}{{#each this}}{{@../index}}{{@index}} {{/each}}{{/each}}", "{'a':[[1],[2,3]]}",
     "00 10 11 "},
    {"with", "{{#with u}}{{n}}{{../p}}{{else}}none{{/with}}", "{'u':{'n':1},'p':2}", "12"},
    {"a block of a value: a loop, a condition", "{{#a}}{{this}}{{/a}}{{#b}}b{{/b}}{{^c}}c{{/c}}",
     "{'a':[1,2],'b':true}", "12bc"},
    {"comments are nothing", "a{{! x }}b{{!-- }} --}}c", "{}", "abc"},
    {"a tag alone on its line takes it along",
     "<ul>\n  {{#each a}}\n  <li>{{this}}\n  {{/each}}\n</ul>", "{'a':[1,2]}",
     "<ul>\n  <li>1\n  <li>2\n</ul>"},
    {"~ takes white space away", "a {{~x~}} \n b {{#if x~}} c {{~/if}}", "{'x':1}", "a1b c"},
    {"a backslash makes braces text", "\\{{x}} \\\\{{x}}", "{'x':1}", "{{x}} \\1"},
    {"braces alone are text", "{ { } }} {", "{}", "{ { } }} {"},
    {"a member with a blank in its name", "{{[a b]}}", "{'a b':1}", "1"},
    {"formatDate of ISO 8601", "{{formatDate t f}}",
     "{'t':'2020-01-01T23:00:00.000Z','f':'MMMM DD, YYYY h:mm:ssA'}",
     "January 01, 2020 11:00:00PM"},
    {"formatDate in a zone", "{{formatDate t f z}}",
     "{'t':'2020-01-01T23:00:00.000Z','f':'MMMM DD, YYYY h:mm:ssA','z':'-0800'}",
     "January 01, 2020 3:00:00PM"},
    {"all of its tokens", "{{formatDate 0 f '+05:30'}}",
     "{'f':'YYYY YY MMMM MMM MM M DD D dddd ddd hh h HH H mm m ss s A ZZ Z o'}",
     "1970 70 January Jan 01 1 01 1 Thursday Thu 05 5 05 5 30 30 00 0 AM +0530 +05:30 o"},
    {"milliseconds are known by their size", "{{formatDate t 'YYYY-MM-DD HH:mm:ss'}}",
     "{'t':1577919600000}", "2020-01-01 23:00:00"},
    {"a leap day, and the clock of another zone",
     "{{formatDate '2024-02-28T20:00:00-08:00' 'dddd D MMM'}}", "{}", "Thursday 29 Feb"},
    {"before 1970", "{{formatDate -1 'YYYY-MM-DD HH:mm:ss ddd'}}", "{}", "1969-12-31 23:59:59 Wed"},
    {"a date that is missing is nothing", "[{{formatDate t 'YYYY'}}]", "{'t':null}", "[]"},
};

/* Data with ' for ", which is easier to read in C. */
static json_t *data_of(const char *text)
{
    char copy[400];
    size_t i = 0;

    for (; text[i] != '\0' && i < sizeof(copy) - 1; i++)
        copy[i] = text[i] == '\'' ? '"' : text[i];
    copy[i] = '\0';
    return json_loads(copy, 0, NULL);
}

struct filled {
    struct sgl_arena arena;
    struct sgl_buf out;
    struct sgl_diag diag;
    json_t *json;
    size_t steps;
};

static enum sgl_status fill(struct filled *f, const char *text, const char *data, bool html)
{
    struct sgl_template_data d = {.reader = &template_json_reader, .html = html};
    const struct sgl_template *t = NULL;
    enum sgl_status st;

    f->json = data_of(data);
    f->diag = (struct sgl_diag){0};
    d.root = template_json_value(f->json);
    d.steps = &f->steps;
    st = sgl_template_parse(sgl_view_cstr(text), &f->arena, &t, &f->diag);
    if (st == SGL_OK)
        st = sgl_template_put(t, &d, &f->out, &f->diag);
    else
        CHECK_TRUE(text, t == NULL);
    return st;
}

static struct filled start(size_t out, size_t steps)
{
    return (struct filled){
        .arena = SGL_ARENA_INIT(1 << 20), .out = SGL_BUF_INIT(out), .steps = steps};
}

static void end(struct filled *f)
{
    json_decref(f->json);
    sgl_buf_done(&f->out);
    sgl_arena_done(&f->arena);
}

static void filled_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
        struct filled f = start(4000, 4000);
        sgl_view want = sgl_view_cstr(fills[i].want), got;

        CHECK_EQ(fills[i].name, fill(&f, fills[i].text, fills[i].data, true), SGL_OK);
        got = sgl_buf_view(&f.out);
        CHECK_VIEW(fills[i].name, got, want);
        end(&f);
    }
}

static void text_is_not_escaped(void **state)
{
    struct filled f = start(100, 100);

    (void)state;
    CHECK_EQ("two braces", fill(&f, "{{a}}", "{'a':'O\\u0027Neil & <b>'}", false), SGL_OK);
    CHECK_VIEW("two braces", sgl_buf_view(&f.out), sgl_view_cstr("O'Neil & <b>"));
    end(&f);
}

static const struct {
    const char *name, *text, *what;
    size_t line, column;
} wrongs[] = {
    {"a tag is open", "a\n  {{b", "this cannot stand behind a name", 2, 6},
    {"a block is open", "é{{#if a}}", "a block is not closed", 1, 2},
    {"another block is closed", "{{#if a}}\n{{/each}}",
     "the block that is open here has another name", 2, 4},
    {"nothing is open", "x{{/if}}", "no block is open here", 1, 2},
    {"else twice", "{{#if a}}{{else}}{{else}}{{/if}}", "else stands here a second time", 1, 18},
    {"else outside of a block", "{{else}}", "no block is open here", 1, 1},
    {"an unknown helper", "{{shout name}}", "there is no helper of this name", 1, 3},
    {"an unknown helper in brackets", "{{#if (eq a 1)}}{{/if}}", "there is no helper of this name",
     1, 8},
    {"an unknown block with arguments", "{{#eq a b}}{{/eq}}", "there is no helper of this name", 1,
     4},
    {"too few arguments", "{{#if}}{{/if}}", "the helper has another number of arguments", 1, 4},
    {"too many", "{{#if a b}}{{/if}}", "the helper has another number of arguments", 1, 4},
    {"a block helper as a value", "{{equals a b}}", "this helper begins a block: #", 1, 3},
    {"a value helper as a block", "{{#length a}}{{/length}}", "this helper begins no block", 1, 4},
    {"a partial", "{{> footer}}", "partials are not known here", 1, 1},
    {"a raw block", "{{{{raw}}}}", "raw blocks are not known here", 1, 1},
    {"a decorator", "{{*x}}", "decorators are not known here", 1, 1},
    {"block parameters", "{{#each a as |x|}}{{/each}}", "block parameters are not known here", 1,
     11},
    {"an argument by name", "{{insert a b=1}}", "the helper has no argument of this name", 1, 12},
    {"a quote is open", "{{insert a \"b}}", "a quote is not closed", 1, 12},
    {"a comment is open", "{{!-- a }}", "a comment is not closed", 1, 1},
    {"three braces closed by two", "{{{a}}", "}}} is wanted here", 1, 6},
    {"this in the middle of a path", "{{a/../b}}",
     "this, . and .. stand at the beginning of a path only", 1, 3},
    {"nothing within braces", "{{}}", "a name, a path or a value is wanted here", 1, 3},
    {"a date that is none", "\n{{formatDate a 'D'}}", "formatDate: the value is no time", 2, 1},
    {"a zone that is none", "{{formatDate 0 'D' 'Paris'}}",
     "formatDate: the zone is no offset as -0800", 1, 1},
    {"a day that is not in the calendar", "{{formatDate '2023-02-29' 'D'}}",
     "formatDate: the value is no time", 1, 1},
};

static void refused_with_a_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        struct filled f = start(100, 100);
        size_t line, column;

        CHECK_EQ(wrongs[i].name, fill(&f, wrongs[i].text, "{'a':'x'}", true), SGL_E_SYNTAX);
        CHECK_STR(wrongs[i].name, f.diag.what == NULL ? "" : f.diag.what, wrongs[i].what);
        sgl_template_place(sgl_view_cstr(wrongs[i].text), f.diag.off, &line, &column);
        CHECK_EQ(wrongs[i].name, line, wrongs[i].line);
        CHECK_EQ(wrongs[i].name, column, wrongs[i].column);
        end(&f);
    }
}

/* ---- limits ---- */

static char *repeated(const char *text, size_t count)
{
    size_t len = strlen(text);
    char *all = malloc(len * count + 1);

    assert_non_null(all);
    for (size_t i = 0; i < count; i++)
        memcpy(all + i * len, text, len);
    all[len * count] = '\0';
    return all;
}

static void limits(void **state)
{
    static const struct {
        const char *name, *text;
        size_t count;
        size_t steps;
        const char *what;
    } rows[] = {
        {"blocks within each other", "{{#if a}}", SGL_LIMIT_TEMPLATE_DEPTH + 1, 100,
         "blocks are nested too deep"},
        {"parts", "{{a}}", SGL_LIMIT_TEMPLATE_NODES / 2, 100, "the template has too many parts"},
        {"bytes", "aaaaaaaa", SGL_LIMIT_TEMPLATE / 8 + 1, 100, "the template is too long"},
        {"steps", "{{a}}", 100, 100, "filling the template in takes too long"},
        {"what comes out", "{{a}}{{a}}", 200, 4000, "what comes out is too long"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct filled f = start(300, rows[i].steps);
        char *text = repeated(rows[i].text, rows[i].count);

        f.arena.max = 64u << 20;
        CHECK_EQ(rows[i].name, fill(&f, text, "{'a':'x'}", true), SGL_E_LIMIT);
        CHECK_STR(rows[i].name, f.diag.what, rows[i].what);
        free(text);
        end(&f);
    }
}

/* Loops within loops cost steps, and the template says where it stopped. */
static void loops_cannot_explode(void **state)
{
    struct filled f = start(1 << 20, 100000);
    const char *text = "{{#each a}}{{#each @root.a}}{{#each @root.a}}{{#each @root.a}}{{#each "
                       "@root.a}}{{#each @root.a}}{{#each @root.a}}{{/each}}{{/each}}{{/each}}{{/"
                       "each}}{{/each}}{{/each}}{{/each}}";

    (void)state;
    CHECK_EQ("loops", fill(&f, text, "{'a':[1,2,3,4,5,6,7,8,9,10]}", true), SGL_E_LIMIT);
    CHECK_EQ("loops", f.steps, 0);
    end(&f);
}

static void long_texts_cost_steps(void **state)
{
    struct filled f = start(1 << 20, 2000);

    (void)state;
    CHECK_EQ("a short text",
             fill(&f, "{{#each a}}{{length @root.t}}{{/each}}", "{'a':[1,2,3,4,5],'t':'x'}", true),
             SGL_OK);
    CHECK_TRUE("a short text", f.steps > 1900);
    end(&f);
}

/* Of what is in the loop: a text of the data, its like, a name in the template, a time, a zone. */
static void long_texts_end_a_loop(const char *name, const char *what)
{
    struct filled f = start(1 << 20, 4000);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 20);
    char *t = repeated("x", 64000), *blanks = repeated(" ", 64000);
    json_t *json = json_pack("{s:[sssss], s:s, s:s+, s:s}", "a", t, t, t, t, t, "t", t, "d", blanks,
                             "2020-01-01", "b", blanks);
    struct sgl_template_data d = {.reader = &template_json_reader, .html = true};
    const struct sgl_template *template;
    size_t at = strcspn(what, "$"); /* there stands the long text itself */

    d.root = template_json_value(json);
    d.steps = &f.steps;
    sgl_buf_addf(&text, "{{#each a}}");
    sgl_buf_add(&text, sgl_view_sub(sgl_view_cstr(what), 0, at));
    sgl_buf_add_cstr(&text, what[at] == '\0' ? "" : t);
    sgl_buf_add(&text, sgl_view_from(sgl_view_cstr(what), at + 1));
    sgl_buf_addf(&text, "{{/each}}");
    CHECK_EQ(name, sgl_template_parse(sgl_buf_view(&text), &f.arena, &template, NULL), SGL_OK);
    CHECK_EQ(name, sgl_template_put(template, &d, &f.out, &f.diag), SGL_E_LIMIT);
    json_decref(json);
    free(t);
    free(blanks);
    end(&f);
}

static void looking_at_long_texts_costs_steps(void **state)
{
    (void)state;
    long_texts_end_a_loop("length", "{{length @root.t}}");
    long_texts_end_a_loop("another context", "{{#with @root.t}}{{/with}}");
    long_texts_end_a_loop("a name", "{{@root.[$]}}");
    long_texts_end_a_loop("a time", "{{formatDate @root.d 'YYYY'}}");
    long_texts_end_a_loop("a zone", "{{formatDate 0 'YYYY' @root.b}}");
}

static void each_allocation_fails_once(void **state)
{
    const char *text = "{{#each a}}{{#if (and this 'x')}}{{insert b \"default=c\"}}{{else if "
                       "c}}{{{d}}}{{/if}}{{/each}}";
    struct filled f;

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct sgl_template_data d = {.reader = &template_json_reader, .html = true};
        const struct sgl_template *t = NULL;
        json_t *json;
        enum sgl_status st;

        fail_alloc_off();
        f = start(1000, 1000);
        json = data_of("{'a':[1,2],'b':'<'}");
        d.root = template_json_value(json);
        d.steps = &f.steps;
        fail_alloc_on();
        st = sgl_template_parse(sgl_view_cstr(text), &f.arena, &t, &f.diag);
        if (st == SGL_OK)
            st = sgl_template_put(t, &d, &f.out, &f.diag);
        CHECK_EQ("out of memory", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        fail_alloc_off();
        f.json = json;
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filled_in),
        cmocka_unit_test(text_is_not_escaped),
        cmocka_unit_test(refused_with_a_place),
        cmocka_unit_test(limits),
        cmocka_unit_test(loops_cannot_explode),
        cmocka_unit_test(long_texts_cost_steps),
        cmocka_unit_test(looking_at_long_texts_costs_steps),
        cmocka_unit_test(each_allocation_fails_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
