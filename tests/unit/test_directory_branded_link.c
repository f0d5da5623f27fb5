/* SPDX-License-Identifier: Apache-2.0 */
/* Branded links: of which domains, which is the default, what is kept. */
#include "directory_fixture.h"

static void add_domain(struct directory_fixture *f, const char *subscription, const char *name)
{
    struct directory_change c = {.noun = DIRECTORY_DOMAIN,
                                 .verb = DIRECTORY_ADD,
                                 .subscription = sgl_view_cstr(subscription),
                                 .name = sgl_view_cstr(name)};

    CHECK_EQ(name, fixture_change(f, &c), DIRECTORY_OK);
}

static enum directory_result add(struct directory_fixture *f, const char *domain,
                                 const char *subdomain, bool is_default,
                                 struct directory_change *out)
{
    const struct branded_link_change l = {.domain = sgl_view_cstr(domain),
                                          .subdomain = sgl_view_cstr(subdomain),
                                          .set_default = is_default,
                                          .is_default = is_default};

    *out = (struct directory_change){
        .noun = DIRECTORY_BRANDED_LINK, .verb = DIRECTORY_ADD, .branded_link = &l};
    return fixture_change(f, out);
}

static enum directory_result alter(struct directory_fixture *f, const char *subscription,
                                   const char *host, struct branded_link_change l)
{
    struct directory_change c = {.noun = DIRECTORY_BRANDED_LINK,
                                 .verb = DIRECTORY_CHANGE,
                                 .subscription = sgl_view_cstr(subscription),
                                 .within = sgl_view_cstr(subscription),
                                 .name = sgl_view_cstr(host),
                                 .branded_link = &l};

    return fixture_change(f, &c);
}

static enum directory_result drop(struct directory_fixture *f, const char *host)
{
    struct directory_change c = {
        .noun = DIRECTORY_BRANDED_LINK, .verb = DIRECTORY_REMOVE, .name = sgl_view_cstr(host)};

    return fixture_change(f, &c);
}

/* "HOST>TARGET", or "none" */
static const char *chosen(struct directory_fixture *f, const char *subscription, const char *domain)
{
    static char text[600];
    struct branded_link *l =
        directory_branded_link(f->directory, sgl_view_cstr(subscription), sgl_view_cstr(domain));

    if (l == NULL)
        return "none";
    snprintf(text, sizeof(text), "%s>%s", l->host, l->target);
    branded_link_unref(l);
    return text;
}

static void test_default(void **state)
{
    struct directory_fixture *f = *state;
    const struct branded_link_change yes = {.set_default = true, .is_default = true},
                                     no = {.set_default = true},
                                     seen = {.target = SGL_LIT_INIT("mail.test")},
                                     gone = {.target = SGL_LIT_INIT("")};
    struct directory_change c;

    add_domain(f, "default", "a.test");
    add_domain(f, "default", "b.test");
    CHECK_STR("there is none", chosen(f, "default", "a.test"), "none");
    CHECK_EQ("added", add(f, "A.test.", "", false, &c), DIRECTORY_OK);
    CHECK_STR("its host", c.canonical, "links.a.test");
    CHECK_EQ("more", add(f, "a.test", "Click", false, &c), DIRECTORY_OK);
    CHECK_EQ("of another domain", add(f, "b.test", "news", true, &c), DIRECTORY_OK);
    CHECK_EQ("twice", add(f, "a.test", "click", false, &c), DIRECTORY_EXISTS);
    CHECK_EQ("said", alter(f, "default", "LINKS.a.test", yes), DIRECTORY_OK);
    CHECK_STR("the one that was said", chosen(f, "default", "A.TEST"), "links.a.test>");
    CHECK_EQ("said of another", alter(f, "default", "click.a.test", yes), DIRECTORY_OK);
    CHECK_STR("the last one", chosen(f, "default", "a.test"), "click.a.test>");
    CHECK_STR("of the other domain", chosen(f, "default", "b.test"), "news.b.test>");
    CHECK_STR("of all", chosen(f, "default", ""), "click.a.test>");
    CHECK_EQ("its alias is there", alter(f, "default", "click.a.test", seen), DIRECTORY_OK);
    fixture_close(f);
    fixture_open(f);
    CHECK_STR("also after a restart", chosen(f, "default", "a.test"), "click.a.test>mail.test");
    CHECK_EQ("taken back", alter(f, "default", "click.a.test", no), DIRECTORY_OK);
    CHECK_STR("the one before", chosen(f, "default", "a.test"), "links.a.test>");
    CHECK_EQ("removed", drop(f, "links.a.test"), DIRECTORY_OK);
    CHECK_STR("what is left", chosen(f, "default", "a.test"), "click.a.test>mail.test");
    CHECK_EQ("its alias is gone", alter(f, "default", "click.a.test", gone), DIRECTORY_OK);
    CHECK_STR("is known", chosen(f, "default", "a.test"), "click.a.test>");
}

static void test_refused(void **state)
{
    static const struct {
        const char *domain, *subdomain, *field;
        enum directory_result result;
    } cases[] = {
        {"none.test", "links", "domain", DIRECTORY_NOT_FOUND},
        {"acme.test", "links", "domain", DIRECTORY_NOT_FOUND},
        {"", "links", "domain", DIRECTORY_NOT_FOUND},
        {"r.test", "a.b", "subdomain", DIRECTORY_INVALID},
        {"r.test", "-a", "subdomain", DIRECTORY_INVALID},
        {"r.test", "a-", "subdomain", DIRECTORY_INVALID},
        {"r.test", "a\r\nb", "subdomain", DIRECTORY_INVALID},
        {"r.test", "a_b", "subdomain", DIRECTORY_INVALID},
        {"r.test", "*", "subdomain", DIRECTORY_INVALID},
        {"r.test", "Bounces", "subdomain", DIRECTORY_INVALID},
        {"r.test", "a234567890123456789012345678901234567890123456789012345678901234", "subdomain",
         DIRECTORY_INVALID},
    };
    struct directory_fixture *f = *state;
    struct directory_change c, acme = {.noun = DIRECTORY_SUBSCRIPTION,
                                       .verb = DIRECTORY_ADD,
                                       .name = SGL_LIT_INIT("acme")};
    const struct branded_link_change nothing = {.set_default = false};

    assert_int_equal(fixture_change(f, &acme), DIRECTORY_OK);
    add_domain(f, "default", "r.test");
    add_domain(f, "acme", "acme.test");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ(cases[i].subdomain, add(f, cases[i].domain, cases[i].subdomain, false, &c),
                 cases[i].result);
        CHECK_STR(cases[i].subdomain, c.field, cases[i].field);
    }
    CHECK_STR("none was made", chosen(f, "default", ""), "none");
    CHECK_EQ("of one's own", add(f, "r.test", "links", false, &c), DIRECTORY_OK);
    CHECK_EQ("not there for another", alter(f, "acme", "links.r.test", nothing),
             DIRECTORY_NOT_FOUND);
    CHECK_STR("nor his", chosen(f, "acme", "r.test"), "none");
}

static void test_so_many(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c;
    char subdomain[16];

    add_domain(f, "default", "many.test");
    for (unsigned i = 0; i < DIRECTORY_BRANDED_LINKS_MAX; i++) {
        snprintf(subdomain, sizeof(subdomain), "l%u", i);
        assert_int_equal(add(f, "many.test", subdomain, false, &c), DIRECTORY_OK);
    }
    CHECK_EQ("one too many", add(f, "many.test", "more", false, &c), DIRECTORY_INVALID);
}

static int setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_default, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_so_many, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
