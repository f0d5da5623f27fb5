/* SPDX-License-Identifier: Apache-2.0 */
/* Routes: which one takes an address, where they may lead, what is refused, what is kept. */
#include "../../server/directory/route.h"
#include "directory_fixture.h"

static void add_domain(struct directory_fixture *f, const char *subscription, const char *name,
                       bool proved)
{
    struct domain_status status[DOMAIN_PARTS] = {
        [PART_OWNERSHIP] = {.state = DOMAIN_VERIFIED, .since_s = 1, .verified_at_s = 1}};
    const struct domain_change verified = {.status = status};
    struct directory_change c = {.noun = DIRECTORY_DOMAIN,
                                 .verb = DIRECTORY_ADD,
                                 .subscription = sgl_view_cstr(subscription),
                                 .name = sgl_view_cstr(name)};

    CHECK_EQ(name, fixture_change(f, &c), DIRECTORY_OK);
    c.verb = DIRECTORY_CHANGE;
    c.domain_change = &verified;
    if (proved)
        CHECK_EQ(name, fixture_change(f, &c), DIRECTORY_OK);
}

static void add_subscription(struct directory_fixture *f, const char *name)
{
    struct directory_change c = {
        .noun = DIRECTORY_SUBSCRIPTION, .verb = DIRECTORY_ADD, .name = sgl_view_cstr(name)};

    CHECK_EQ(name, fixture_change(f, &c), DIRECTORY_OK);
}

/* What is asked for, as a row of a test: targets with blanks between them; within: a tenant asks; NULL: an operator. */
struct want {
    const char *pattern, *action, *targets, *within, *junk;
    enum route_ask ask;
    bool new_secret;
};

static struct directory_change last;

static enum directory_result ask_for(struct directory_fixture *f, enum directory_verb verb,
                                     const struct want *w)
{
    sgl_view target[ROUTE_TARGETS_MAX + 1], rest = sgl_view_cstr(w->targets);
    struct route_change r = {.set_action = w->action != NULL,
                             .target = target,
                             .junk = sgl_view_cstr(w->junk),
                             .ask = w->ask,
                             .new_secret = w->new_secret};

    if (w->action != NULL)
        assert_true(route_action_parse(sgl_view_cstr(w->action), &r.action));
    while (rest.len > 0)
        target[r.targets++] = sgl_view_split(rest, ' ', &rest);
    last = (struct directory_change){.noun = DIRECTORY_ROUTE,
                                     .verb = verb,
                                     .name = sgl_view_cstr(w->pattern),
                                     .subscription = sgl_view_cstr(w->within),
                                     .within = sgl_view_cstr(w->within),
                                     .route = &r};
    return fixture_change(f, &last);
}

static enum directory_result add(struct directory_fixture *f, const char *pattern,
                                 const char *action, const char *targets)
{
    const struct want w = {.pattern = pattern, .action = action, .targets = targets};

    return ask_for(f, DIRECTORY_ADD, &w);
}

/* "PATTERN by address: lmtp 127.0.0.1:24", or "nobody" */
static const char *taken(struct directory_fixture *f, const char *address)
{
    static char text[900];
    enum route_match match;
    struct arrival_route *r = directory_route_match(f->directory, sgl_view_cstr(address), &match);

    if (r == NULL)
        return "nobody";
    snprintf(text, sizeof(text), "%s by %s: %s%s%s", r->pattern, route_match_name(match),
             route_action_name(r->action), r->targets > 0 ? " " : "",
             r->targets > 0 ? r->target[0] : "");
    arrival_route_unref(r);
    return text;
}

static void test_which(void **state)
{
    struct directory_fixture *f = *state;

    add_domain(f, "default", "a.test", false);
    add_domain(f, "default", "b.test", false);
    CHECK_STR("there is none", taken(f, "u@a.test"), "nobody");
    CHECK_EQ("all", add(f, "@A.test", "lmtp", "127.0.0.1"), DIRECTORY_OK);
    CHECK_STR("its name", last.canonical, "@a.test");
    CHECK_EQ("its key", strncmp(last.id, "r_", 2), 0);
    CHECK_EQ("one", add(f, "Sales@a.test", "forward", "x@c.test"), DIRECTORY_OK);
    CHECK_EQ("a detail", add(f, "sales+vip@a.test", "discard", ""), DIRECTORY_OK);
    CHECK_EQ("of another", add(f, "bounce@b.test", "bounces", ""), DIRECTORY_OK);
    CHECK_STR("all else", taken(f, "u@a.test"), "@a.test by domain: lmtp 127.0.0.1:24");
    CHECK_STR("itself", taken(f, "SALES@a.TEST"), "sales@a.test by address: forward x@c.test");
    CHECK_STR("without its detail", taken(f, "sales+q@a.test"),
              "sales@a.test by without detail: forward x@c.test");
    CHECK_STR("a longer detail", taken(f, "sales+vip+x@a.test"),
              "sales@a.test by without detail: forward x@c.test");
    CHECK_STR("the detail's own", taken(f, "sales+VIP@a.test"),
              "sales+vip@a.test by address: discard");
    CHECK_STR("a plus in front is no detail", taken(f, "+sales@a.test"),
              "@a.test by domain: lmtp 127.0.0.1:24");
    CHECK_STR("a plus in quotes is none", taken(f, "\"sa +x\"@a.test"),
              "@a.test by domain: lmtp 127.0.0.1:24");
    CHECK_STR("nobody else's", taken(f, "u@b.test"), "nobody");
    CHECK_STR("not below it", taken(f, "u@x.a.test"), "nobody");
    CHECK_STR("all of a domain is no address", taken(f, "*@a.test"), "nobody");
    CHECK_STR("nor is this", taken(f, "a.test"), "nobody");
    CHECK_STR("nor nothing", taken(f, ""), "nobody");
    CHECK_EQ("receives", directory_receives_for(f->directory, SGL_LIT("B.test")), true);
    CHECK_EQ("does not", directory_receives_for(f->directory, SGL_LIT("c.test")), false);
    fixture_close(f);
    fixture_open(f);
    CHECK_STR("after a restart", taken(f, "sales+q@a.test"),
              "sales@a.test by without detail: forward x@c.test");
}

static void test_refused(void **state)
{
    static const struct {
        struct want want;
        enum directory_result result;
        const char *field;
    } cases[] = {
        {{"u@none.test", "discard", ""}, DIRECTORY_NOT_FOUND, "pattern"},
        {{"u@parked.test", "discard", ""}, DIRECTORY_INVALID, "pattern"},
        {{"a.test", "discard", ""}, DIRECTORY_INVALID, "pattern"},
        {{"", "discard", ""}, DIRECTORY_INVALID, "pattern"},
        {{"a b@a.test", "discard", ""}, DIRECTORY_INVALID, "pattern"},
        {{"a\r\nb@a.test", "discard", ""}, DIRECTORY_INVALID, "pattern"},
        {{"u@[192.0.2.1]", "discard", ""}, DIRECTORY_INVALID, "pattern"},
        {{"there@a.test", "discard", ""}, DIRECTORY_EXISTS, "pattern"},
        {{"THERE@A.test.", "discard", ""}, DIRECTORY_EXISTS, "pattern"},
        {{"u@a.test", "lmtp", ""}, DIRECTORY_INVALID, "target"},
        {{"u@a.test", "lmtp", "a b"}, DIRECTORY_INVALID, "target"},
        {{"u@a.test", "lmtp", "a:0"}, DIRECTORY_INVALID, "target[0]"},
        {{"u@a.test", "smtp", "unix:/run/x"}, DIRECTORY_INVALID, "target[0]"},
        {{"u@a.test", "webhook", "http://a.test/"}, DIRECTORY_INVALID, "target[0]"},
        {{"u@a.test", "webhook", ""}, DIRECTORY_INVALID, "target"},
        {{"u@a.test", "forward", ""}, DIRECTORY_INVALID, "target"},
        {{"u@a.test", "forward", "x@c.test @c.test"}, DIRECTORY_INVALID, "target[1]"},
        {{"u@a.test", "forward", "x@c.test X@c.test"}, DIRECTORY_INVALID, "target[1]"},
        {{"u@a.test", "forward", "U@A.test"}, DIRECTORY_INVALID, "target[0]"},
        {{"@a.test", "forward", "x@a.test"}, DIRECTORY_INVALID, "target[0]"},
        {{"u@a.test", "bounces", "x@a.test"}, DIRECTORY_INVALID, "target"},
        {{"u@a.test", "discard", "", .junk = "j@a.test"}, DIRECTORY_INVALID, "junk"},
        {{"u@a.test", "lmtp", "a", .junk = "@a.test"}, DIRECTORY_INVALID, "junk"},
        {{"u@a.test", "lmtp", "a", .junk = "a.test"}, DIRECTORY_INVALID, "junk"},
        {{"u@a.test", "forward", "x@c.test", .junk = "u@a.test"}, DIRECTORY_INVALID, "junk"},
        {{"u@a.test", "lmtp", "a", .ask = ROUTE_ASK_YES}, DIRECTORY_INVALID, "ask"},
        {{"@a.test", "webhook", "https://c.test/", .ask = ROUTE_ASK_YES}, DIRECTORY_INVALID, "ask"},
        {{"u@a.test", "lmtp", "a", .new_secret = true}, DIRECTORY_INVALID, "new_secret"},
        /* a tenant */
        {{"u@acme.test", "lmtp", "127.0.0.1", "acme"}, DIRECTORY_INVALID, "target[0]"},
        {{"u@acme.test", "lmtp", "[::1]:24", "acme"}, DIRECTORY_INVALID, "target[0]"},
        {{"u@acme.test", "smtp", "10.0.0.1", "acme"}, DIRECTORY_INVALID, "target[0]"},
        {{"u@acme.test", "lmtp", "unix:/run/x", "acme"}, DIRECTORY_INVALID, "target[0]"},
        {{"u@acme.test", "webhook", "https://127.0.0.1/x", "acme"}, DIRECTORY_INVALID, "target[0]"},
        {{"u@acme.test", "webhook", "https://[::ffff:10.0.0.1]/x", "acme"},
         DIRECTORY_INVALID,
         "target[0]"},
        {{"u@unproved.test", "discard", "", "acme"}, DIRECTORY_INVALID, "pattern"},
        {{"u@a.test", "discard", "", "acme"}, DIRECTORY_NOT_FOUND, "pattern"},
        {{"u@acme.test", "discard", "", "nobody"}, DIRECTORY_NOT_FOUND, "subscription"},
    };
    struct directory_fixture *f = *state;
    const struct domain_change parked = {.kind = DOMAIN_PARKED};
    struct directory_change park = {.noun = DIRECTORY_DOMAIN,
                                    .verb = DIRECTORY_ADD,
                                    .name = SGL_LIT_INIT("parked.test"),
                                    .domain_change = &parked};

    add_subscription(f, "acme");
    add_domain(f, "default", "a.test", false);
    add_domain(f, "acme", "acme.test", true);
    add_domain(f, "acme", "unproved.test", false);
    assert_int_equal(fixture_change(f, &park), DIRECTORY_OK);
    CHECK_EQ("there", add(f, "there@a.test", "discard", ""), DIRECTORY_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ(cases[i].want.pattern, ask_for(f, DIRECTORY_ADD, &cases[i].want), cases[i].result);
        CHECK_STR(cases[i].want.targets, last.field, cases[i].field);
    }
    CHECK_STR("nothing was made", taken(f, "u@a.test"), "nobody");
    CHECK_STR("nor his", taken(f, "u@acme.test"), "nobody");
}

static bool is_inside(struct directory_fixture *f, const char *pattern)
{
    struct arrival_route *r = directory_route_named(f->directory, sgl_view_cstr(pattern));
    bool inside;

    assert_non_null(r);
    inside = r->inside;
    arrival_route_unref(r);
    return inside;
}

static void test_changed(void **state)
{
    struct directory_fixture *f = *state;
    const struct want junk = {.pattern = "@acme.test", .junk = "junk@acme.test", .within = "acme"},
                      lead = {.pattern = "@acme.test",
                              .action = "lmtp",
                              .targets = "mail.acme.test",
                              .within = "acme"},
                      loop = {.pattern = "@acme.test",
                              .action = "smtp",
                              .targets = "127.0.0.1",
                              .within = "acme"},
                      foreign = {.pattern = "@acme.test", .junk = "x@a.test", .within = "other"},
                      asked = {.pattern = "@acme.test", .ask = ROUTE_ASK_YES},
                      only = {.pattern = "@acme.test", .action = "discard"},
                      quiet = {.pattern = "@acme.test",
                               .action = "discard",
                               .junk = "",
                               .ask = ROUTE_ASK_NO};
    char key[32];
    struct arrival_route *r;

    add_subscription(f, "acme");
    add_subscription(f, "other");
    add_domain(f, "acme", "acme.test", true);
    last = (struct directory_change){0};
    {
        const sgl_view target = SGL_LIT("127.0.0.1:24");
        const struct route_change made = {
            .set_action = true, .action = ROUTE_LMTP, .target = &target, .targets = 1};
        struct directory_change c = {.noun = DIRECTORY_ROUTE,
                                     .verb = DIRECTORY_ADD,
                                     .name = SGL_LIT_INIT("@acme.test"),
                                     .route = &made};

        CHECK_EQ("the operator's", fixture_change(f, &c), DIRECTORY_OK);
        snprintf(key, sizeof(key), "%s", c.id);
    }
    CHECK_EQ("may lead inside", is_inside(f, "@acme.test"), true);
    CHECK_EQ("not there for another", ask_for(f, DIRECTORY_CHANGE, &foreign), DIRECTORY_NOT_FOUND);
    CHECK_EQ("the tenant's junk", ask_for(f, DIRECTORY_CHANGE, &junk), DIRECTORY_OK);
    CHECK_EQ("still leads inside", is_inside(f, key), true);
    CHECK_EQ("asked", ask_for(f, DIRECTORY_CHANGE, &asked), DIRECTORY_OK);
    CHECK_EQ("not inside", ask_for(f, DIRECTORY_CHANGE, &loop), DIRECTORY_INVALID);
    CHECK_EQ("by a name", ask_for(f, DIRECTORY_CHANGE, &lead), DIRECTORY_OK);
    CHECK_EQ("which may not", is_inside(f, "@acme.test"), false);
    r = directory_route_by_key(f->directory, sgl_view_cstr(key));
    assert_non_null(r);
    CHECK_STR("junk stays", r->junk, "junk@acme.test");
    CHECK_EQ("ask stays", r->ask, true);
    CHECK_STR("its target", r->target[0], "mail.acme.test:24");
    arrival_route_unref(r);
    CHECK_EQ("junk does not fit", ask_for(f, DIRECTORY_CHANGE, &only), DIRECTORY_INVALID);
    CHECK_EQ("taken away", ask_for(f, DIRECTORY_CHANGE, &quiet), DIRECTORY_OK);
    CHECK_STR("changed", taken(f, "u@acme.test"), "@acme.test by domain: discard");
    fixture_close(f);
    fixture_open(f);
    CHECK_STR("after a restart", taken(f, "u@acme.test"), "@acme.test by domain: discard");
    r = directory_route_by_key(f->directory, sgl_view_cstr(key));
    assert_non_null(r);
    CHECK_EQ("no junk", r->junk == NULL && !r->ask, true);
    arrival_route_unref(r);
}

/* Mail waits under a route's key: another one of the same pattern is another. */
static void test_removed(void **state)
{
    struct directory_fixture *f = *state;
    const struct want all = {.pattern = "@a.test"};
    struct directory_change domain = {
        .noun = DIRECTORY_DOMAIN, .verb = DIRECTORY_REMOVE, .name = SGL_LIT_INIT("a.test")};
    char key[32];

    add_domain(f, "default", "a.test", false);
    CHECK_EQ("made", add(f, "@a.test", "lmtp", "a"), DIRECTORY_OK);
    snprintf(key, sizeof(key), "%s", last.id);
    CHECK_EQ("its domain stays", fixture_change(f, &domain), DIRECTORY_IN_USE);
    CHECK_EQ("removed", ask_for(f, DIRECTORY_REMOVE, &all), DIRECTORY_OK);
    CHECK_STR("nobody's", taken(f, "u@a.test"), "nobody");
    CHECK_EQ("gone", ask_for(f, DIRECTORY_REMOVE, &all), DIRECTORY_NOT_FOUND);
    CHECK_EQ("again", add(f, "@a.test", "lmtp", "a"), DIRECTORY_OK);
    CHECK_EQ("is another", strcmp(key, last.id) == 0, false);
    assert_null(directory_route_by_key(f->directory, sgl_view_cstr(key)));
    snprintf(key, sizeof(key), "%s", last.id);
    CHECK_EQ("removed by its key", ask_for(f, DIRECTORY_REMOVE, &(struct want){.pattern = key}),
             DIRECTORY_OK);
    CHECK_EQ("its domain may go", fixture_change(f, &domain), DIRECTORY_OK);
}

/* A webhook's secret is shown once, kept sealed for its route, and stays until another is wanted. */
static void test_secret(void **state)
{
    struct directory_fixture *f = *state;
    const struct want moved = {.pattern = "u@a.test",
                               .action = "webhook",
                               .targets = "https://d.test/"},
                      renewed = {.pattern = "u@a.test", .new_secret = true},
                      mail = {.pattern = "u@a.test", .action = "discard"};
    char shown[128], sealed[256];
    struct arrival_route *r;

    add_domain(f, "default", "a.test", false);
    atomic_store(&fake_keys.down, 1);
    CHECK_EQ("no keys", add(f, "u@a.test", "webhook", "https://c.test/"), DIRECTORY_UNAVAILABLE);
    CHECK_STR("nothing shown", last.secret, "");
    CHECK_EQ("made", add(f, "u@a.test", "webhook", "https://c.test/"), DIRECTORY_OK);
    CHECK_EQ("shown", strncmp(last.secret, "whsec_", 6) == 0 && strlen(last.secret) == 6 + 44,
             true);
    snprintf(shown, sizeof(shown), "%s", last.secret);
    r = directory_route_named(f->directory, SGL_LIT("u@a.test"));
    snprintf(sealed, sizeof(sealed), "%s", r->secret);
    CHECK_EQ("not as it is", strstr(sealed, shown + 6) == NULL, true);
    arrival_route_unref(r);
    CHECK_EQ("moved", ask_for(f, DIRECTORY_CHANGE, &moved), DIRECTORY_OK);
    CHECK_STR("not shown again", last.secret, "");
    r = directory_route_named(f->directory, SGL_LIT("u@a.test"));
    CHECK_STR("the same", r->secret, sealed);
    CHECK_STR("moved", r->target[0], "https://d.test/");
    arrival_route_unref(r);
    CHECK_EQ("renewed", ask_for(f, DIRECTORY_CHANGE, &renewed), DIRECTORY_OK);
    CHECK_EQ("another", last.secret[0] != '\0' && strcmp(last.secret, shown) != 0, true);
    CHECK_EQ("no webhook", ask_for(f, DIRECTORY_CHANGE, &mail), DIRECTORY_OK);
    r = directory_route_named(f->directory, SGL_LIT("u@a.test"));
    assert_null(r->secret);
    arrival_route_unref(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTORY_TEST(test_which),   DIRECTORY_TEST(test_refused), DIRECTORY_TEST(test_changed),
        DIRECTORY_TEST(test_removed), DIRECTORY_TEST(test_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
