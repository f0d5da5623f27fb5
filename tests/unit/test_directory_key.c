/* SPDX-License-Identifier: Apache-2.0 */
/* Access keys: two secrets each, replaced one at a time. */
#include "key_fixture.h"

static void test_added(void **state)
{
    struct directory_fixture *f = *state;
    struct made_key k = key_add(f);
    struct key_facts facts;
    struct identity *who = directory_key(f->directory, sgl_view_cstr(k.id), &facts);
    char dotted[128];

    CHECK_TRUE("it is found", who != NULL);
    identity_unref(who);
    CHECK_TRUE("its secret was made just now",
               facts.secret[0].made_at > clock_now_s() - 60 && facts.secret[0].signs);
    CHECK_EQ("the other one when it is wanted", facts.secret[1].made_at, 0);
    CHECK_EQ("it was not used", facts.secret[0].day, 0);
    CHECK_TRUE("a bearer shows it", key_bears(f, k.secret, k.id));
    CHECK_TRUE("who signs uses the same bytes", key_signs(f, k.access_key, k.id));
    identity_unref(directory_key(f->directory, sgl_view_cstr(k.id), &facts));
    CHECK_TRUE("then it was used", facts.secret[0].day > 20000);
    snprintf(dotted, sizeof(dotted), "SG.%s.%s", k.id, k.secret + 4 + strlen(k.id));
    CHECK_TRUE("written with dots it is the same", key_bears(f, dotted, k.id));
    dotted[2] = '_';
    CHECK_TRUE("half and half it is none", !key_bears(f, dotted, k.id));
    CHECK_TRUE("nobody else's id finds it",
               directory_key(f->directory, SGL_LIT("none"), &facts) == NULL);
}

static void test_rotated(void **state)
{
    static const enum key_rotate how[] = {
        KEY_ROTATE,           KEY_ROTATE,         KEY_ROTATE, KEY_ROTATE_SECONDARY,
        KEY_ROTATE_SECONDARY, KEY_ROTATE_PRIMARY, KEY_ROTATE};
    static const size_t which[] = {1, 0, 1, 1, 1, 0, 1};
    struct directory_fixture *f = *state;
    struct made_key now[2], old, first = key_add(f);

    now[0] = now[1] = first;
    for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
        struct made_key fresh;
        size_t place = which[i];

        assert_int_equal(key_rotate(f, first.id, how[i], &fresh), DIRECTORY_OK);
        CHECK_STR("it stays the same key", fresh.id, first.id);
        old = now[place];
        now[place] = fresh;
        for (size_t n = 0; n < 2; n++) {
            CHECK_TRUE("both are borne", key_bears(f, now[n].secret, first.id));
            CHECK_TRUE("both sign", key_signs(f, now[n].access_key, first.id));
        }
        if (i > 0) {
            CHECK_TRUE("the old one is refused", !key_bears(f, old.secret, first.id));
            CHECK_TRUE("and signs no more", !key_signs(f, old.access_key, first.id));
        }
        if (i == 3) { /* all of it outlives the process */
            fixture_close(f);
            fixture_open(f);
        }
    }
}

/* A key of before there were two: {"sha256"}. It is shown as ever, and signs once it has a new secret. */
static void test_older_document(void **state)
{
    static const char value[] =
        "{\"created_at\":1700000000,\"domains\":[\"*\"],\"label\":\"old\",\"role\":\"none\","
        "\"sha256\":\"K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=\"}"; /* of "secret" */
    struct directory_fixture *f = *state;
    struct key_facts facts;
    struct made_key fresh;

    key_put(f, "old", value);
    fixture_close(f);
    fixture_open(f);
    CHECK_TRUE("a bearer shows it", key_bears(f, "sk_old_secret", "old"));
    identity_unref(directory_key(f->directory, SGL_LIT("old"), &facts));
    CHECK_EQ("it was made with its key", facts.secret[0].made_at, 1700000000);
    CHECK_TRUE("it cannot sign", !facts.secret[0].signs && !facts.shared);
    assert_int_equal(key_rotate(f, "old", KEY_ROTATE, &fresh), DIRECTORY_OK);
    fixture_close(f);
    fixture_open(f);
    CHECK_TRUE("the new one signs", key_signs(f, fresh.access_key, "old"));
    CHECK_TRUE("the old one is still borne", key_bears(f, "sk_old_secret", "old"));
    identity_unref(directory_key(f->directory, SGL_LIT("old"), &facts));
    CHECK_EQ("and as old as it was", facts.secret[0].made_at, 1700000000);
    CHECK_TRUE("only the new one signs", !facts.secret[0].signs && facts.secret[1].signs);
    assert_int_equal(key_rotate(f, "old", KEY_ROTATE, &fresh), DIRECTORY_OK);
    CHECK_TRUE("until it is replaced", !key_bears(f, "sk_old_secret", "old"));
}

static void test_broken_documents(void **state)
{
#define HASH "\"K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=\""
    static const struct {
        const char *name, *secrets;
    } cases[] = {
        {"no secret", "\"x\":1"},
        {"an empty one", "\"primary\":{}"},
        {"no date", "\"primary\":{\"sha256\":" HASH "}"},
        {"a date that is none", "\"primary\":{\"sha256\":" HASH ",\"made_at\":\"1\"}"},
        {"a short hash", "\"primary\":{\"sha256\":\"AAAA\",\"made_at\":1}"},
        {"a short seal", "\"primary\":{\"sha256\":" HASH ",\"made_at\":1,\"sealed\":\"AAAA\"}"},
        {"a seal that is none", "\"primary\":{\"sha256\":" HASH ",\"made_at\":1,\"sealed\":7}"},
        {"a second one that is broken",
         "\"primary\":{\"sha256\":" HASH ",\"made_at\":1},\"secondary\":7"},
        {"scopes that are no list", "\"scopes\":7,\"primary\":{\"sha256\":" HASH ",\"made_at\":1}"},
        {"a scope that is no text",
         "\"scopes\":[7],\"primary\":{\"sha256\":" HASH ",\"made_at\":1}"},
    };
    struct directory_fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char value[512], why[256] = "";

        snprintf(value, sizeof(value),
                 "{\"created_at\":1,\"domains\":[],\"label\":\"\",\"role\":\"owner\",%s}",
                 cases[i].secrets);
        key_put(f, "broken", value);
        CHECK_TRUE(cases[i].name, directory_open(f->store, (struct keys *)&fake_keys, f->workers,
                                                 f->loop, why, sizeof(why)) == NULL);
        CHECK_STR(cases[i].name, why, "the stored key \"broken\" cannot be read");
    }
}

static void test_refused(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change c = {
        .noun = DIRECTORY_KEY, .verb = DIRECTORY_ADD, .domain = {SGL_LIT_INIT("*")}, .domains = 1};
    struct made_key k = key_add(f), fresh;

    for (int refused = 0; refused < 2; refused++) {
        atomic_store(refused ? &fake_keys.refuse : &fake_keys.down, 1);
        CHECK_EQ("without a seal nothing is added", fixture_change(f, &c), DIRECTORY_UNAVAILABLE);
        CHECK_TRUE("and nothing shown", c.secret[0] == '\0' && c.access_key[0] == '\0');
        atomic_store(refused ? &fake_keys.refuse : &fake_keys.down, 1);
        CHECK_EQ("nor replaced", key_rotate(f, k.id, KEY_ROTATE_PRIMARY, &fresh),
                 DIRECTORY_UNAVAILABLE);
        CHECK_TRUE("and nothing shown", fresh.secret[0] == '\0' && fresh.access_key[0] == '\0');
        CHECK_TRUE("the one that was there stays", key_bears(f, k.secret, k.id));
    }
    CHECK_EQ("a key that is not there", key_rotate(f, "nobody", KEY_ROTATE, &fresh),
             DIRECTORY_NOT_FOUND);
}

/* What is changed beside the secrets leaves them alone. */
static void test_kept(void **state)
{
    struct directory_fixture *f = *state;
    struct made_key k = key_add(f), second;
    struct directory_change c = {.noun = DIRECTORY_KEY,
                                 .verb = DIRECTORY_CHANGE,
                                 .name = sgl_view_cstr(k.id),
                                 .label = SGL_LIT_INIT("another")};

    assert_int_equal(key_rotate(f, k.id, KEY_ROTATE, &second), DIRECTORY_OK);
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    CHECK_TRUE("no secret is made", c.secret[0] == '\0' && c.which == NULL);
    CHECK_TRUE("both stay",
               key_signs(f, k.access_key, k.id) && key_signs(f, second.access_key, k.id));
}

/* ---- scopes ---- */

static enum directory_result add_scoped(struct directory_fixture *f, const char *scope,
                                        enum role role, bool domain, struct directory_change *c)
{
    static const sgl_view any = SGL_LIT_INIT("*");
    struct key_change key = {0};

    assert_true(scopes_add(&key.scopes, sgl_view_cstr(scope)));
    *c = (struct directory_change){
        .noun = DIRECTORY_KEY, .verb = DIRECTORY_ADD, .role = role, .key = &key};
    if (domain)
        c->domain[c->domains++] = any;
    return fixture_change(f, c);
}

static bool has_scope(struct directory_fixture *f, const char *id, const char *scope)
{
    struct identity *who = directory_key(f->directory, sgl_view_cstr(id), NULL);
    bool has;

    assert_non_null(who);
    has = identity_has_scope(who, scope);
    identity_unref(who);
    return has;
}

static void test_scopes(void **state)
{
    struct directory_fixture *f = *state;
    struct key_change other = {0};
    struct directory_change c, change;
    struct identity *held;

    CHECK_EQ("a key that sends needs a domain", add_scoped(f, "mail.send", ROLE_NONE, false, &c),
             DIRECTORY_INVALID);
    CHECK_STR("which is said", c.field, "domain");
    CHECK_EQ("scopes go with no role", add_scoped(f, "mail.send", ROLE_READER, true, &c),
             DIRECTORY_INVALID);
    CHECK_STR("which is said, too", c.field, "scopes");
    CHECK_EQ("one that does not send needs none", add_scoped(f, "stats.read", ROLE_NONE, false, &c),
             DIRECTORY_OK);
    for (int again = 0; again < 2; again++) {
        CHECK_TRUE("it has its scope", has_scope(f, c.id, "stats.read"));
        CHECK_TRUE("and no other", !has_scope(f, c.id, "mail.send"));
        fixture_close(f);
        fixture_open(f);
    }
    held = directory_key(f->directory, sgl_view_cstr(c.id), NULL);
    assert_true(scopes_add(&other.scopes, SGL_LIT("templates.read")));
    change = (struct directory_change){.noun = DIRECTORY_KEY,
                                       .verb = DIRECTORY_CHANGE,
                                       .name = sgl_view_cstr(c.id),
                                       .key = &other};
    assert_int_equal(fixture_change(f, &change), DIRECTORY_OK);
    CHECK_TRUE("another list takes its place",
               has_scope(f, c.id, "templates.read") && !has_scope(f, c.id, "stats.read"));
    CHECK_TRUE("for who holds it still, too", identity_has_scope(held, "templates.read") &&
                                                  !identity_has_scope(held, "stats.read"));
    change.key = NULL;
    change.label = SGL_LIT("renamed");
    assert_int_equal(fixture_change(f, &change), DIRECTORY_OK);
    CHECK_TRUE("another label leaves it alone", has_scope(f, c.id, "templates.read"));
    change = (struct directory_change){
        .noun = DIRECTORY_KEY, .verb = DIRECTORY_REMOVE, .name = sgl_view_cstr(c.id)};
    assert_int_equal(fixture_change(f, &change), DIRECTORY_OK);
    CHECK_TRUE("removed, it has none", !identity_has_scope(held, "templates.read"));
    identity_unref(held);
}

/* The role of a key cannot be changed, so this is how it keeps to "scopes or a role". */
static void test_a_role_gets_no_scopes(void **state)
{
    struct directory_fixture *f = *state;
    struct key_change key = {0};
    struct directory_change c = {.noun = DIRECTORY_KEY, .verb = DIRECTORY_ADD, .role = ROLE_OWNER};
    struct directory_change change = {.noun = DIRECTORY_KEY, .verb = DIRECTORY_CHANGE, .key = &key};

    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    change.name = sgl_view_cstr(c.id);
    assert_true(scopes_add(&key.scopes, SGL_LIT("stats.read")));
    CHECK_EQ("a key with a role", fixture_change(f, &change), DIRECTORY_INVALID);
    CHECK_TRUE("it is as it was", has_scope(f, c.id, "api_keys.create"));
}

/* What another version wrote: what is not known gives nothing, and a list of it is a list still. */
static void test_stored_scopes(void **state)
{
    static const struct {
        const char *name, *scopes;
        bool opens, sends; /* reads statistics */
    } cases[] = {
        {"none are listed", "", false, true},
        {"one that is known", "\"scopes\":[\"stats.read\"],", true, false},
        {"one that is not", "\"scopes\":[\"new.thing\"],", false, false},
        {"both", "\"scopes\":[\"new.thing\",\"stats.read\"],", true, false},
        {"an empty list", "\"scopes\":[],", false, false},
    };
    struct directory_fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char value[512];

        snprintf(value, sizeof(value),
                 "{\"created_at\":1,\"domains\":[\"*\"],\"label\":\"\",\"role\":\"none\",%s"
                 "\"primary\":{\"sha256\":" HASH ",\"made_at\":1}}",
                 cases[i].scopes);
        key_put(f, "stored", value);
        fixture_close(f);
        fixture_open(f);
        CHECK_EQ(cases[i].name, has_scope(f, "stored", "stats.read"), cases[i].opens);
        CHECK_EQ(cases[i].name, has_scope(f, "stored", "mail.send"), cases[i].sends);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTORY_TEST(test_added),         DIRECTORY_TEST(test_rotated),
        DIRECTORY_TEST(test_refused),       DIRECTORY_TEST(test_older_document),
        DIRECTORY_TEST(test_kept),          DIRECTORY_TEST(test_broken_documents),
        DIRECTORY_TEST(test_scopes),        DIRECTORY_TEST(test_a_role_gets_no_scopes),
        DIRECTORY_TEST(test_stored_scopes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
