/* SPDX-License-Identifier: Apache-2.0 */
/* Templates and versions: kept, changed and read as the rules say; another subscription's are not there. */
#include "store_fixture.h"

#include <sodium.h>

#include "../../server/directory/guid.h"
#include "../../server/templates/templates.h"

static struct store_fixture fx;
static struct workers *workers;
static struct templates *templates;

static int setup(void **state)
{
    (void)state;
    if (sodium_init() < 0)
        return -1;
    store_fixture_init(&fx);
    workers = workers_new("test", 2, 64);
    templates = templates_new(fx.store, workers);
    assert_non_null(templates);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    workers_free(workers);
    templates_free(templates);
    store_fixture_done(&fx);
    return 0;
}

struct asked {
    struct templates_call c;
    sem_t done;
    char id[GUID_TEXT_SIZE], version[GUID_TEXT_SIZE];
};

static void answered(struct templates_call *c)
{
    sem_post(&((struct asked *)(void *)c)->done);
}

static struct asked question(enum templates_verb verb, const char *subscription, const char *id)
{
    return (struct asked){
        .c = {.verb = verb,
              .subscription = sgl_view_cstr(subscription),
              .actor = SGL_LIT("key:k"),
              .peer = SGL_LIT("192.0.2.1"),
              .id = sgl_view_cstr(id),
              .change = {.active = -1, .generate = -1},
              .page = {.dynamic = true, .legacy = true, .max = 200}},
    };
}

static enum templates_result ask(struct asked *a)
{
    sem_init(&a->done, 0, 0);
    a->c.loop = fx.loop;
    a->c.done = answered;
    templates_call(templates, &a->c);
    sem_wait(&a->done);
    sem_destroy(&a->done);
    return a->c.result;
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static enum templates_result add(const char *subscription, const char *name, bool dynamic,
                                 char id[GUID_TEXT_SIZE])
{
    struct asked a = question(TEMPLATES_ADD, subscription, "");
    enum templates_result result;

    a.c.change.name = sgl_view_cstr(name);
    a.c.change.dynamic = dynamic;
    result = ask(&a);
    snprintf(id, GUID_TEXT_SIZE, "%s", member(a.c.json, "id"));
    templates_call_done(&a.c);
    return result;
}

static enum templates_result add_version(const char *id, const char *html, int active,
                                         char version[GUID_TEXT_SIZE])
{
    struct asked a = question(TEMPLATES_VERSION_ADD, "acme", id);
    enum templates_result result;

    a.c.change.name = SGL_LIT("first");
    a.c.change.subject = SGL_LIT("Hello {{name}}");
    a.c.change.html = sgl_view_cstr(html);
    a.c.change.active = active;
    result = ask(&a);
    snprintf(version, GUID_TEXT_SIZE, "%s", member(a.c.row, "id"));
    templates_call_done(&a.c);
    return result;
}

/* The active version's HTML, or "". */
static void active_html(const char *id, char out[200])
{
    struct asked a = question(TEMPLATES_VERSION_GET, "acme", id);

    out[0] = '\0';
    if (ask(&a) == TEMPLATES_OK)
        snprintf(out, 200, "%s", member(a.c.content, "html"));
    templates_call_done(&a.c);
}

static size_t count_listed(void)
{
    struct asked a = question(TEMPLATES_LIST, "acme", "");
    size_t n = 0;

    if (ask(&a) == TEMPLATES_OK)
        n = a.c.count;
    templates_call_done(&a.c);
    return n;
}

static bool count_one(void *ctx, const struct store_noun *n)
{
    (void)n;
    ++*(size_t *)ctx;
    return true;
}

static size_t stored(const char *kind)
{
    size_t n = 0;

    assert_int_equal(store_read_nouns(fx.store, sgl_view_cstr(kind), count_one, &n), STORE_OK);
    return n;
}

static void the_life_of_a_template(void **state)
{
    char id[GUID_TEXT_SIZE], one[GUID_TEXT_SIZE], two[GUID_TEXT_SIZE], html[200];
    struct asked a;

    (void)state;
    CHECK_EQ("it is made", add("acme", "welcome", true, id), TEMPLATES_OK);
    CHECK_TRUE("its id is d- and 32 digits", strlen(id) == 34 && strncmp(id, "d-", 2) == 0);
    active_html(id, html);
    CHECK_STR("it has no active version", html, "");
    CHECK_EQ("a version", add_version(id, "<p>one {{name}}</p>", 0, one), TEMPLATES_OK);
    active_html(id, html);
    CHECK_STR("the first one is active, whatever was said", html, "<p>one {{name}}</p>");
    CHECK_EQ("another one", add_version(id, "<p>two</p>", -1, two), TEMPLATES_OK);
    active_html(id, html);
    CHECK_STR("which is not", html, "<p>one {{name}}</p>");
    a = question(TEMPLATES_VERSION_ACTIVATE, "acme", id);
    a.c.version = sgl_view_cstr(two);
    CHECK_EQ("it is made active", ask(&a), TEMPLATES_OK);
    templates_call_done(&a.c);
    active_html(id, html);
    CHECK_STR("it is", html, "<p>two</p>");
    a = question(TEMPLATES_VERSION_CHANGE, "acme", id);
    a.c.version = sgl_view_cstr(two);
    a.c.change.html = SGL_LIT("<h1>three</h1>");
    CHECK_EQ("it is changed", ask(&a), TEMPLATES_OK);
    CHECK_STR("what was not said stays", member(a.c.row, "subject"), "Hello {{name}}");
    CHECK_STR("its plain text is made of the HTML", member(a.c.content, "plain"), "three\n");
    CHECK_EQ("only one is active",
             json_is_true(json_object_get(json_array_get(json_object_get(a.c.json, "versions"), 0),
                                          "active")),
             0);
    templates_call_done(&a.c);
    a = question(TEMPLATES_VERSION_REMOVE, "acme", id);
    a.c.version = sgl_view_cstr(one);
    CHECK_EQ("one goes", ask(&a), TEMPLATES_OK);
    templates_call_done(&a.c);
    CHECK_EQ("with what it held", stored("template-version"), 1);
    CHECK_EQ("it goes once", ask(&a), TEMPLATES_NOT_FOUND);
    CHECK_STR("it is the version that is not there", a.c.field, "version");
    templates_call_done(&a.c);
    a = question(TEMPLATES_REMOVE, "acme", id);
    CHECK_EQ("all of it goes", ask(&a), TEMPLATES_OK);
    templates_call_done(&a.c);
    CHECK_EQ("nothing is left", stored("template-version") + stored("template"), 0);
}

static void another_subscription_has_none_of_it(void **state)
{
    static const enum templates_verb verbs[] = {
        TEMPLATES_GET,
        TEMPLATES_RENAME,
        TEMPLATES_COPY,
        TEMPLATES_REMOVE,
        TEMPLATES_VERSION_GET,
        TEMPLATES_VERSION_ADD,
        TEMPLATES_VERSION_CHANGE,
        TEMPLATES_VERSION_ACTIVATE,
        TEMPLATES_VERSION_REMOVE,
    };
    char id[GUID_TEXT_SIZE], version[GUID_TEXT_SIZE], html[200];

    (void)state;
    CHECK_EQ("it is made", add("acme", "welcome", true, id), TEMPLATES_OK);
    CHECK_EQ("a version", add_version(id, "mine", 1, version), TEMPLATES_OK);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        struct asked a = question(verbs[i], "other", id);

        a.c.version = sgl_view_cstr(version);
        a.c.change.name = a.c.change.subject = SGL_LIT("theirs");
        CHECK_EQ("not found", ask(&a), TEMPLATES_NOT_FOUND);
        CHECK_TRUE("nothing is told", a.c.json == NULL && a.c.content == NULL);
        templates_call_done(&a.c);
    }
    active_html(id, html);
    CHECK_STR("it is as it was", html, "mine");
    {
        struct asked a = question(TEMPLATES_LIST, "other", "");

        CHECK_EQ("a list", ask(&a), TEMPLATES_OK);
        CHECK_EQ("of nothing", a.c.count + json_array_size(a.c.json), 0);
        templates_call_done(&a.c);
    }
}

static void ids_that_are_none(void **state)
{
    static const char *const ids[] = {"",
                                      "d-",
                                      "d-0123456789abcdef0123456789abcdeg",
                                      "d-0123456789ABCDEF0123456789ABCDEF",
                                      "../acme",
                                      "d-0123456789abcdef0123456789abcdef/x",
                                      "F47AC10B-58CC-4372-A567-0E02B2C3D479"};

    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct asked a = question(TEMPLATES_GET, "acme", ids[i]);

        CHECK_EQ(ids[i], ask(&a), TEMPLATES_NOT_FOUND);
        templates_call_done(&a.c);
    }
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *name, *field;
        const char *title, *subject, *html, *plain, *editor;
        int generate;
        const char *why;
    } rows[] = {
        {"no name", "name", "", "s", "", "", "code", 1, "A name is wanted."},
        {"a name of two lines", "name", "a\nb", "s", "", "", "code", 1,
         "A name is one line of at most 100 characters."},
        {"no subject", "subject", "n", "", "", "", "code", 1, "A subject is wanted."},
        {"a subject of two lines", "subject", "n", "a\r\nBcc: x@y.test", "", "", "code", 1,
         "A subject is one line of at most 255 characters."},
        {"an editor", "editor", "n", "s", "", "", "vi", 1, "The editor is \"code\" or \"design\"."},
        {"a subject with an open block", "subject", "n", "{{#if a}}", "", "", "code", 1,
         "Line 1, column 1: a block is not closed."},
        {"HTML with an unknown helper", "html", "n", "s", "<p>\n  {{shout a}}", "", "code", 1,
         "Line 2, column 5: there is no helper of this name."},
        {"text that is not made of HTML", "plain", "n", "s", "", "{{> x}}", "code", 0,
         "Line 1, column 1: partials are not known here."},
    };
    char id[GUID_TEXT_SIZE], version[GUID_TEXT_SIZE], legacy[GUID_TEXT_SIZE];

    (void)state;
    CHECK_EQ("it is made", add("acme", "welcome", true, id), TEMPLATES_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct asked a = question(TEMPLATES_VERSION_ADD, "acme", id);

        a.c.change.name = sgl_view_cstr(rows[i].title);
        a.c.change.subject = sgl_view_cstr(rows[i].subject);
        a.c.change.html = sgl_view_cstr(rows[i].html);
        a.c.change.plain = sgl_view_cstr(rows[i].plain);
        a.c.change.editor = sgl_view_cstr(rows[i].editor);
        a.c.change.generate = rows[i].generate;
        CHECK_EQ(rows[i].name, ask(&a), TEMPLATES_INVALID);
        CHECK_STR(rows[i].name, a.c.field, rows[i].field);
        CHECK_STR(rows[i].name, a.c.why, rows[i].why);
        templates_call_done(&a.c);
    }
    CHECK_EQ("nothing was kept", stored("template-version"), 0);
    CHECK_EQ("a legacy one", add("acme", "old", false, legacy), TEMPLATES_OK);
    CHECK_EQ("has a GUID", strlen(legacy), 36);
    CHECK_EQ("and may hold any text", add_version(legacy, "{{#if <%body%>", 1, version),
             TEMPLATES_OK);
}

static void limits(void **state)
{
    char id[GUID_TEXT_SIZE], version[GUID_TEXT_SIZE], *big = malloc(TEMPLATES_TEXT_MAX + 2);
    struct asked a;

    (void)state;
    assert_non_null(big);
    memset(big, 'x', TEMPLATES_TEXT_MAX + 1);
    big[TEMPLATES_TEXT_MAX + 1] = '\0';
    for (size_t i = 0; i < TEMPLATES_MAX; i++)
        CHECK_EQ("300 templates", add("acme", "n", true, id), TEMPLATES_OK);
    CHECK_EQ("and no more", add("acme", "n", true, version), TEMPLATES_LIMIT);
    CHECK_EQ("but of another subscription", add("other", "n", true, version), TEMPLATES_OK);
    a = question(TEMPLATES_COPY, "acme", id);
    CHECK_EQ("nor a copy", ask(&a), TEMPLATES_LIMIT);
    templates_call_done(&a.c);
    CHECK_EQ("a megabyte and a byte", add_version(id, big, 1, version), TEMPLATES_INVALID);
    big[TEMPLATES_TEXT_MAX] = '\0';
    CHECK_EQ("a megabyte", add_version(id, big, 1, version), TEMPLATES_OK);
    for (size_t i = 1; i < TEMPLATES_VERSIONS_MAX; i++)
        CHECK_EQ("300 versions", add_version(id, "x", -1, version), TEMPLATES_OK);
    CHECK_EQ("and no more", add_version(id, "x", -1, version), TEMPLATES_LIMIT);
    CHECK_EQ("all are there", stored("template-version"), 300);
    free(big);
}

static void all_bytes_of_a_subscription(void **state)
{
    char id[GUID_TEXT_SIZE], version[GUID_TEXT_SIZE], *big = malloc(TEMPLATES_TEXT_MAX + 1);
    size_t kept = 0;

    (void)state;
    assert_non_null(big);
    memset(big, 'x', TEMPLATES_TEXT_MAX);
    big[TEMPLATES_TEXT_MAX] = '\0';
    CHECK_EQ("it is made", add("acme", "n", true, id), TEMPLATES_OK);
    while (add_version(id, big, -1, version) == TEMPLATES_OK)
        kept++;
    /* HTML, and the text that is made of it, with the end of its line */
    CHECK_EQ("256 MiB", kept, TEMPLATES_BYTES_MAX / (2 * TEMPLATES_TEXT_MAX + 1));
    CHECK_EQ("are counted", stored("template-version"), kept);
    {
        struct asked a = question(TEMPLATES_COPY, "acme", id);

        CHECK_EQ("too large for a copy", ask(&a), TEMPLATES_LIMIT);
        templates_call_done(&a.c);
    }
    free(big);
}

static void a_copy_holds_the_same(void **state)
{
    char id[GUID_TEXT_SIZE], one[GUID_TEXT_SIZE], two[GUID_TEXT_SIZE], html[200];
    struct asked a;

    (void)state;
    CHECK_EQ("it is made", add("acme", "welcome", true, id), TEMPLATES_OK);
    CHECK_EQ("a version", add_version(id, "one", 1, one), TEMPLATES_OK);
    CHECK_EQ("another", add_version(id, "two", 1, two), TEMPLATES_OK);
    a = question(TEMPLATES_COPY, "acme", id);
    a.c.change.name = SGL_LIT("again");
    CHECK_EQ("a copy", ask(&a), TEMPLATES_OK);
    CHECK_STR("has its name", member(a.c.json, "name"), "again");
    CHECK_TRUE("and its id", strcmp(member(a.c.json, "id"), id) != 0);
    active_html(member(a.c.json, "id"), html);
    CHECK_STR("the same is active", html, "two");
    templates_call_done(&a.c);
    a = question(TEMPLATES_REMOVE, "acme", id);
    CHECK_EQ("the first one goes", ask(&a), TEMPLATES_OK);
    templates_call_done(&a.c);
    CHECK_EQ("the copy stays", stored("template-version"), 2);
}

static void pages(void **state)
{
    char id[GUID_TEXT_SIZE], after[GUID_TEXT_SIZE] = "";
    size_t seen = 0, turns = 0;
    bool more = true;

    (void)state;
    for (size_t i = 0; i < 10; i++)
        CHECK_EQ("made", add("acme", "n", i % 2 == 0, id), TEMPLATES_OK);
    while (more) {
        struct asked a = question(TEMPLATES_LIST, "acme", "");

        a.c.page =
            (struct templates_page){.dynamic = true, .after = sgl_view_cstr(after), .max = 2};
        CHECK_EQ("a page", ask(&a), TEMPLATES_OK);
        CHECK_EQ("all are counted", a.c.count > 5 ? a.c.count : 5, 5);
        for (size_t i = 0; i < json_array_size(a.c.json); i++)
            CHECK_TRUE("one kind",
                       json_is_true(json_object_get(json_array_get(a.c.json, i), "dynamic")));
        seen += json_array_size(a.c.json);
        snprintf(after, sizeof(after), "%s",
                 member(json_array_get(a.c.json, json_array_size(a.c.json) - 1), "id"));
        more = a.c.more && ++turns < 10;
        templates_call_done(&a.c);
    }
    CHECK_EQ("each once", seen, 5);
    CHECK_EQ("all of both kinds", count_listed(), 10);
}

/* Rows of many versions are long: a page ends before its number is reached. */
static void pages_of_long_rows(void **state)
{
    static char subject[255 * 4 + 1];
    char id[GUID_TEXT_SIZE];
    struct asked a;

    (void)state;
    for (size_t i = 0; i + 4 < sizeof(subject); i += 4)
        memcpy(subject + i, "\xf0\x9f\x98\x80", 4);
    CHECK_EQ("made", add("acme", "n", true, id), TEMPLATES_OK);
    for (size_t i = 0; i < 60; i++) {
        a = question(TEMPLATES_VERSION_ADD, "acme", id);
        a.c.change.name = SGL_LIT("v");
        a.c.change.subject = sgl_view_cstr(subject);
        CHECK_EQ("a version", ask(&a), TEMPLATES_OK);
        templates_call_done(&a.c);
    }
    for (size_t i = 0; i < 24; i++) {
        a = question(TEMPLATES_COPY, "acme", id);
        CHECK_EQ("a copy", ask(&a), TEMPLATES_OK);
        templates_call_done(&a.c);
    }
    a = question(TEMPLATES_LIST, "acme", "");
    a.c.page = (struct templates_page){.dynamic = true, .max = 200};
    CHECK_EQ("a page", ask(&a), TEMPLATES_OK);
    CHECK_TRUE("it has some", json_array_size(a.c.json) > 1 && json_array_size(a.c.json) < 20);
    CHECK_TRUE("and there are more", a.c.more && a.c.count == 25);
    templates_call_done(&a.c);
}

static struct asked many[120];

static void begin_change(struct asked *a, const char *id)
{
    *a = question(TEMPLATES_VERSION_ADD, "acme", id);
    a->c.change.name = a->c.change.subject = SGL_LIT("v");
    a->c.loop = fx.loop;
    a->c.done = answered;
    sem_init(&a->done, 0, 0);
    templates_call(templates, &a->c);
}

/* Many at once, and more while those wait: each change stands upon the one before, and none is lost. */
static void changes_take_turns(void **state)
{
    const size_t count = sizeof(many) / sizeof(many[0]), first = 40;
    char id[GUID_TEXT_SIZE];
    struct asked g;

    (void)state;
    CHECK_EQ("made", add("acme", "n", true, id), TEMPLATES_OK);
    for (size_t i = 0; i < first; i++)
        begin_change(&many[i], id);
    for (size_t i = 0; i < count; i++) {
        sem_wait(&many[i].done);
        CHECK_EQ("each", many[i].c.result, TEMPLATES_OK);
        templates_call_done(&many[i].c);
        sem_destroy(&many[i].done);
        if (first + i < count)
            begin_change(&many[first + i], id);
    }
    g = question(TEMPLATES_GET, "acme", id);
    CHECK_EQ("it is there", ask(&g), TEMPLATES_OK);
    CHECK_EQ("with all", json_array_size(json_object_get(g.c.json, "versions")), count);
    templates_call_done(&g.c);
}

/* What is held counts until it is given back; above the maximum nothing more is read. */
static void what_is_held_is_bounded(void **state)
{
    char id[GUID_TEXT_SIZE], version[GUID_TEXT_SIZE];
    struct asked a, b;

    (void)state;
    CHECK_EQ("made", add("acme", "n", true, id), TEMPLATES_OK);
    CHECK_EQ("a version", add_version(id, "0123456789", 1, version), TEMPLATES_OK);
    a = question(TEMPLATES_VERSION_GET, "acme", id);
    CHECK_EQ("it is read", ask(&a), TEMPLATES_OK);
    CHECK_EQ("and counted, with the text of its HTML", a.c.held, 21);
    CHECK_TRUE("more than there may be", !templates_hold(&a.c, TEMPLATES_HELD_MAX));
    b = question(TEMPLATES_VERSION_GET, "acme", id);
    CHECK_EQ("no other one is read", ask(&b), TEMPLATES_UNAVAILABLE);
    templates_call_done(&b.c);
    templates_call_done(&a.c);
    b = question(TEMPLATES_VERSION_GET, "acme", id);
    CHECK_EQ("until it is given back", ask(&b), TEMPLATES_OK);
    templates_call_done(&b.c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_life_of_a_template, setup, teardown),
        cmocka_unit_test_setup_teardown(another_subscription_has_none_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_that_are_none, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(limits, setup, teardown),
        cmocka_unit_test_setup_teardown(all_bytes_of_a_subscription, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_holds_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(pages, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_of_long_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(changes_take_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_held_is_bounded, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
