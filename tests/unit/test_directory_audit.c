/* SPDX-License-Identifier: Apache-2.0 */
/* A change and its line: who, what, of whom, from what to what, and never a secret; what lies outside of a caller's subscription is not there. */
#include "directory_fixture.h"

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

#define ACTOR .actor = SGL_LIT_INIT("key:k1"), .peer = SGL_LIT_INIT("192.0.2.7")

static enum directory_result run(struct directory_fixture *f, struct directory_change c)
{
    return fixture_change(f, &c);
}

struct lines {
    size_t count;
    char newest[600], all[8000];
};

static bool see(void *ctx, const struct store_audit *a)
{
    struct lines *l = ctx;
    size_t at = strlen(l->all);

    snprintf(l->all + at, sizeof(l->all) - at, "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s\n", SGL_FMT(a->actor),
             SGL_FMT(a->peer), SGL_FMT(a->action), SGL_FMT(a->object), SGL_FMT(a->subscription),
             SGL_FMT(a->detail));
    if (l->count++ == 0)
        snprintf(l->newest, sizeof(l->newest), "%s", l->all);
    CHECK_VIEW("it was done", a->result, SGL_LIT("done"));
    return true;
}

static struct lines lines_of(struct directory_fixture *f)
{
    struct lines l = {0};

    assert_int_equal(store_read_audit(f->store, &(struct store_audit_filter){0}, see, &l),
                     STORE_OK);
    return l;
}

static void test_lines(void **state)
{
    struct directory_fixture *f = *state;
    const struct {
        struct directory_change change;
        const char *want;
    } rows[] = {
        {{.noun = DIRECTORY_SUBSCRIPTION,
          ACTOR,
          .name = SGL_LIT_INIT("two"),
          .profile = SGL_LIT_INIT("standard")},
         "key:k1|192.0.2.7|subscription add|subscription:two|two|profile standard\n"},
        {{.noun = DIRECTORY_SUBSCRIPTION,
          .verb = DIRECTORY_CHANGE,
          ACTOR,
          .name = SGL_LIT_INIT("two"),
          .profile = SGL_LIT_INIT("unlimited")},
         "key:k1|192.0.2.7|subscription change|subscription:two|two|"
         "profile standard -> unlimited\n"},
        {{.noun = DIRECTORY_DOMAIN,
          ACTOR,
          .name = SGL_LIT_INIT("A.Test"),
          .subscription = SGL_LIT_INIT("two")},
         "key:k1|192.0.2.7|domain add|domain:a.test|two|"},
        {{.noun = DIRECTORY_CREDENTIAL,
          ACTOR,
          .name = SGL_LIT_INIT("app"),
          .subscription = SGL_LIT_INIT("two"),
          .password = SGL_LIT_INIT("a secret password"),
          .domain = {SGL_LIT_INIT("a.test")},
          .domains = 1},
         "key:k1|192.0.2.7|credential add|credential:app|two|domains a.test\n"},
        {{.noun = DIRECTORY_CREDENTIAL,
          .verb = DIRECTORY_CHANGE,
          ACTOR,
          .name = SGL_LIT_INIT("app"),
          .domain = {SGL_LIT_INIT("*")},
          .domains = 1,
          .password = SGL_LIT_INIT("another secret")},
         "key:k1|192.0.2.7|credential change|credential:app|two|"
         "domains a.test -> *; password changed\n"},
        {{.noun = DIRECTORY_CREDENTIAL,
          .verb = DIRECTORY_CHANGE,
          ACTOR,
          .name = SGL_LIT_INIT("app"),
          .domain = {SGL_LIT_INIT("a.test")},
          .domains = 1},
         "key:k1|192.0.2.7|credential change|credential:app|two|domains * -> a.test\n"},
        {{.noun = DIRECTORY_CREDENTIAL,
          .verb = DIRECTORY_REMOVE,
          ACTOR,
          .name = SGL_LIT_INIT("app")},
         "key:k1|192.0.2.7|credential remove|credential:app|two|domains a.test\n"},
        {{.noun = DIRECTORY_DOMAIN, .verb = DIRECTORY_REMOVE, .name = SGL_LIT_INIT("a.TEST.")},
         "system||domain remove|domain:a.test|two|"},
    };
    struct lines l = {0};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_EQ(rows[i].want, run(f, rows[i].change), DIRECTORY_OK);
        l = lines_of(f);
        CHECK_EQ("each change has one line", l.count, i + 2);
        CHECK_STR("which tells it",
                  sgl_view_starts(sgl_view_cstr(l.newest), sgl_view_cstr(rows[i].want))
                      ? rows[i].want
                      : l.newest,
                  rows[i].want);
    }
    CHECK_TRUE("no secret is in any", strstr(l.all, "secret") == NULL &&
                                          strstr(l.all, "argon") == NULL &&
                                          strstr(l.all, "sealed") == NULL);
    CHECK_TRUE("the first subscription has one, too",
               strstr(l.all, "system||subscription add|subscription:default|default|") != NULL);
    CHECK_EQ("a change that is refused",
             run(f, (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                              ACTOR,
                                              .name = SGL_LIT_INIT("nodots")}),
             DIRECTORY_INVALID);
    CHECK_EQ("has none", lines_of(f).count, l.count);
}

static void test_key(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change add = {
        .noun = DIRECTORY_KEY, ACTOR, .name = SGL_LIT("for it"), .role = ROLE_OWNER};
    char want[200];
    struct lines l;

    assert_int_equal(fixture_change(f, &add), DIRECTORY_OK);
    l = lines_of(f);
    snprintf(want, sizeof(want),
             "key:k1|192.0.2.7|key add|key:%s|default|label for it; role owner\n", add.id);
    CHECK_STR("a key is named by its id", l.newest, want);
    CHECK_TRUE("and its secret is not there", strstr(l.newest, add.secret + 16) == NULL);
    CHECK_EQ("without a domain",
             run(f, (struct directory_change){.noun = DIRECTORY_KEY, .role = ROLE_READER}),
             DIRECTORY_OK);
    CHECK_EQ("which others need", run(f, (struct directory_change){.noun = DIRECTORY_KEY}),
             DIRECTORY_INVALID);
}

static void test_long_list(void **state)
{
    static char member[5000][40];
    static sgl_view add[5000];
    struct directory_fixture *f = *state;
    const sgl_view two[] = {SGL_LIT("new@example.org"), SGL_LIT("new2@example.org")};
    struct group_change all = {.add = add, .adds = 5000};
    struct group_change few = {.add = two, .adds = 2, .drop = &add[7], .drops = 1};
    struct group_change hundred = {.drop = &add[100], .drops = 100};

    for (int i = 0; i < 5000; i++) {
        snprintf(member[i], sizeof(member[i]), "someone%d@example.org", i);
        add[i] = sgl_view_cstr(member[i]);
    }
    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    CHECK_EQ("a group of thousands",
             run(f,
                 (struct directory_change){
                     .noun = DIRECTORY_GROUP, ACTOR, .name = SGL_LIT_INIT("all"), .group = &all}),
             DIRECTORY_OK);
    CHECK_EQ("is changed",
             run(f, (struct directory_change){.noun = DIRECTORY_GROUP,
                                              .verb = DIRECTORY_CHANGE,
                                              ACTOR,
                                              .name = SGL_LIT_INIT("all"),
                                              .group = &few}),
             DIRECTORY_OK);
    CHECK_STR("and what differs is told", strrchr(lines_of(f).newest, '|'),
              "|members -someone7@example.org, +new@example.org, +new2@example.org\n");
    CHECK_EQ("much of it goes",
             run(f, (struct directory_change){.noun = DIRECTORY_GROUP,
                                              .verb = DIRECTORY_CHANGE,
                                              ACTOR,
                                              .name = SGL_LIT_INIT("all"),
                                              .group = &hundred}),
             DIRECTORY_OK);
    CHECK_TRUE("which is told in part", strstr(lines_of(f).all, "members -someone1") != NULL);
}

/* ---- roles ---- */

static void test_role_is_kept(void **state)
{
    struct directory_fixture *f = *state;

    for (int role = ROLE_NONE; role <= ROLE_OPERATOR; role++) {
        struct directory_change add = {.noun = DIRECTORY_KEY,
                                       .role = (enum role)role,
                                       .domain = {SGL_LIT_INIT("*")},
                                       .domains = 1};
        struct directory_change label = {
            .noun = DIRECTORY_KEY, .verb = DIRECTORY_CHANGE, .label = SGL_LIT("x")};
        enum role parsed = ROLE_NONE;
        struct identity *who;

        assert_int_equal(fixture_change(f, &add), DIRECTORY_OK);
        fixture_close(f);
        fixture_open(f);
        label.name = sgl_view_cstr(add.id);
        CHECK_EQ("changed, it keeps it", fixture_change(f, &label), DIRECTORY_OK);
        who = directory_bearer(f->directory, sgl_view_cstr(add.secret));
        assert_non_null(who);
        CHECK_EQ("through a restart", who->role, role);
        CHECK_TRUE("its name means it",
                   role_parse(sgl_view_cstr(role_name(who->role)), &parsed) && parsed == who->role);
        identity_unref(who);
    }
}

struct put {
    struct store_noun_op op;
    sem_t done;
};

static void put_done(struct store_op *op)
{
    sem_post(&((struct put *)(void *)op)->done);
}

static enum store_result put_key(struct directory_fixture *f, const char *value)
{
    struct store_noun noun = {.kind = SGL_LIT("key"),
                              .key = SGL_LIT("old"),
                              .subscription = SGL_LIT("default"),
                              .value = sgl_view_cstr(value),
                              .version = STORE_NOUN_ANY};
    struct put p = {.op = {.op = {.kind = STORE_NOUN_PUT, .loop = f->loop, .done = put_done},
                           .noun = &noun,
                           .nouns = 1}};

    sem_init(&p.done, 0, 0);
    store_submit(f->store, &p.op.op);
    sem_wait(&p.done);
    sem_destroy(&p.done);
    return p.op.op.result;
}

static bool see_role(void *ctx, struct identity *i)
{
    *(enum role *)ctx = i->role;
    return true;
}

static void test_older_documents(void **state)
{
#define REST                                                                                       \
    "\"created_at\":1,\"domains\":[],\"label\":\"\",\"sha256\":"                                   \
    "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}"
    struct directory_fixture *f = *state;
    enum role role = ROLE_NONE;
    char why[256] = "";

    assert_int_equal(put_key(f, "{\"admin\":true," REST), STORE_OK);
    fixture_close(f);
    fixture_open(f);
    directory_each_identity(f->directory, IDENTITY_KEY, see_role, &role);
    CHECK_EQ("an operator's key of before there were roles", role, ROLE_OPERATOR);
    assert_int_equal(put_key(f, "{\"role\":\"emperor\"," REST), STORE_OK);
    CHECK_TRUE("a role that is not known is no role",
               directory_open(f->store, (struct keys *)&fake_keys, f->workers, f->loop, why,
                              sizeof(why)) == NULL);
    CHECK_STR("and says so", why, "the stored key \"old\" cannot be read");
}

static void test_within(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change operators = {.noun = DIRECTORY_KEY, .role = ROLE_OPERATOR};
    struct directory_change c;
    size_t before;

    assert_int_equal(run(f, (struct directory_change){.noun = DIRECTORY_SUBSCRIPTION,
                                                      .name = SGL_LIT_INIT("two")}),
                     DIRECTORY_OK);
    assert_int_equal(fixture_domain(f, "one.test", false), DIRECTORY_OK);
    assert_int_equal(fixture_credential(f, "one", "long enough 1", "one.test"), DIRECTORY_OK);
    assert_int_equal(fixture_change(f, &operators), DIRECTORY_OK);
    before = lines_of(f).count;
    c = (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                  .verb = DIRECTORY_REMOVE,
                                  .name = SGL_LIT_INIT("one.test"),
                                  .within = SGL_LIT_INIT("two")};
    CHECK_EQ("another's domain is not there", fixture_change(f, &c), DIRECTORY_NOT_FOUND);
    CHECK_STR("it says what is said of none", c.why,
              "there is no such domain; sigillo domain list shows those that are there");
    c = (struct directory_change){.noun = DIRECTORY_CREDENTIAL,
                                  .verb = DIRECTORY_CHANGE,
                                  .name = SGL_LIT_INIT("one"),
                                  .within = SGL_LIT_INIT("two"),
                                  .password_new = true};
    CHECK_EQ("nor a credential", fixture_change(f, &c), DIRECTORY_NOT_FOUND);
    CHECK_STR("no password is made", c.secret, "");
    c = (struct directory_change){.noun = DIRECTORY_KEY,
                                  .verb = DIRECTORY_REMOVE,
                                  .name = sgl_view_cstr(operators.id),
                                  .within = SGL_LIT_INIT("default")};
    CHECK_EQ("nor an operator's key of the same subscription", fixture_change(f, &c),
             DIRECTORY_NOT_FOUND);
    c = (struct directory_change){
        .noun = DIRECTORY_KEY, .role = ROLE_OPERATOR, .within = SGL_LIT_INIT("two")};
    CHECK_EQ("nor can one be made", fixture_change(f, &c), DIRECTORY_NOT_FOUND);
    CHECK_STR("or seen", c.secret, "");
    c = (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                  .name = SGL_LIT_INIT("x.test"),
                                  .subscription = SGL_LIT_INIT("default"),
                                  .within = SGL_LIT_INIT("two")};
    CHECK_EQ("nothing is added elsewhere", fixture_change(f, &c), DIRECTORY_NOT_FOUND);
    CHECK_STR("for that is not there", c.field, "subscription");
    c = (struct directory_change){.noun = DIRECTORY_SUBSCRIPTION,
                                  .name = SGL_LIT_INIT("three"),
                                  .within = SGL_LIT_INIT("two")};
    CHECK_EQ("no subscription either", fixture_change(f, &c), DIRECTORY_NOT_FOUND);
    CHECK_EQ("nothing of this is a change", lines_of(f).count, before);
    c = (struct directory_change){
        .noun = DIRECTORY_DOMAIN, .name = SGL_LIT_INIT("x.test"), .within = SGL_LIT_INIT("two")};
    CHECK_EQ("its own is added", fixture_change(f, &c), DIRECTORY_OK);
    CHECK_TRUE("to it", strstr(lines_of(f).newest, "|domain:x.test|two|") != NULL);
    c = (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                  .verb = DIRECTORY_REMOVE,
                                  .name = SGL_LIT_INIT("x.test"),
                                  .within = SGL_LIT_INIT("two")};
    CHECK_EQ("and removed", fixture_change(f, &c), DIRECTORY_OK);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_lines),           T(test_key),    T(test_long_list), T(test_role_is_kept),
        T(test_older_documents), T(test_within),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
