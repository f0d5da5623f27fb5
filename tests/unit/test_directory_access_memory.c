/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation is made to fail while senders, groups and policies are shown: never is more granted than would be with all of them. */
#include "../../server/directory/directory_internal.h"
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/mailbox.h"

void keys_submit(struct keys *keys, struct keys_op *op)
{
    (void)keys;
    (void)op;
    fail_msg("nothing is asked of the keys process here");
}

static const struct {
    enum directory_noun noun;
    const char *key, *value;
} nouns[] = {
    {DIRECTORY_GROUP, "default/allowed", "{\"members\":[\"b@app.test\",\"c@app.test\"]}"},
    {DIRECTORY_GROUP, "default/denied", "{\"members\":[\"a@app.test\",\"*@shared.test\"]}"},
    {DIRECTORY_POLICY, "p1", "{\"identity\":\"app:x\",\"group\":\"denied\",\"deny\":true}"},
    {DIRECTORY_POLICY, "p2", "{\"identity\":\"app:x\",\"group\":\"allowed\",\"deny\":false}"},
    {DIRECTORY_SENDER, "b@app.test app:y", "{\"address\":\"b@app.test\",\"identity\":\"app:y\"}"},
    {DIRECTORY_SENDER, "d@app.test app:y", "{\"address\":\"d@app.test\",\"identity\":\"app:y\"}"},
    {DIRECTORY_SENDER, "e@app.test", "{\"address\":\"e@app.test\",\"identity\":\"\"}"},
};
#define NOUNS (sizeof(nouns) / sizeof(nouns[0]))

/* Who may, with all of them. */
static const struct {
    const char *identity, *address;
    bool may;
} asked[] = {
    {"x", "a@app.test", false}, {"x", "b@app.test", true},       {"x", "c@app.test", true},
    {"x", "d@app.test", false}, {"x", "box@shared.test", false}, {"y", "b@app.test", true},
    {"y", "d@app.test", true},  {"y", "a@app.test", false},      {"z", "e@app.test", true},
    {"z", "a@app.test", false},
};

static void add_domain(struct directory *d, const char *name)
{
    struct store_noun stored = {.key = sgl_view_cstr(name), .subscription = SGL_LIT("default")};
    json_t *json = json_pack("{s:I, s:[]}", "created_at", (json_int_t)1, "selectors");
    void *domain = noun_kind_of(DIRECTORY_DOMAIN)->from_json(&stored, json);

    json_decref(json);
    assert_non_null(domain);
    assert_true(noun_show(d, DIRECTORY_DOMAIN, domain));
}

static void open_tables(struct directory *d)
{
    memset(d, 0, sizeof(*d));
    pthread_rwlock_init(&d->lock, NULL);
    for (unsigned i = 0; i < DIRECTORY_NOUNS; i++) {
        table_init(&d->table[i]);
        table_init(&d->alias[i]);
    }
    access_init(d);
    add_domain(d, "app.test");
    add_domain(d, "shared.test");
}

static void close_tables(struct directory *d)
{
    for (unsigned i = 0; i < DIRECTORY_NOUNS; i++) {
        for (size_t at = 0; at < d->table[i].slots; at++)
            if (d->table[i].slot[at].name != NULL)
                noun_kind_of((enum directory_noun)i)->free(d->table[i].slot[at].value);
        table_done(&d->table[i]);
        table_done(&d->alias[i]);
    }
    access_done(d);
    pthread_rwlock_destroy(&d->lock);
}

static bool may(struct directory *d, const char *name, const char *address)
{
    struct identity *who =
        identity_new(IDENTITY_APP, "app:", sgl_view_cstr(name), SGL_LIT("default"));
    struct sgl_arena arena = SGL_ARENA_INIT(8192);
    struct directory_access access;
    struct sgl_mailbox mailbox;
    size_t before;
    bool yes;

    assert_true(identity_add_domain(who, SGL_LIT("app.test")));
    assert_int_equal(sgl_mailbox_parse(sgl_view_cstr(address), &arena, &mailbox, NULL), SGL_OK);
    before = fail_alloc.seen;
    fail_alloc_on();
    yes = directory_may_send(d, who, &mailbox, NULL, &access);
    fail_alloc_off();
    CHECK_EQ("a look-up takes no memory", fail_alloc.seen, before);
    sgl_arena_done(&arena);
    identity_unref(who);
    return yes;
}

/* All are shown, as after they were stored: what cannot be made is as one that cannot be shown. */
static bool show_all(struct directory *d)
{
    bool all = true;

    for (size_t i = 0; i < NOUNS; i++) {
        struct store_noun stored = {.key = sgl_view_cstr(nouns[i].key),
                                    .subscription = SGL_LIT("default")};
        json_t *json = json_loads(nouns[i].value, 0, NULL);
        void *noun = NULL;

        assert_non_null(json);
        while (noun == NULL) /* it is made before it is stored: without memory there is no change */
            noun = noun_kind_of(nouns[i].noun)->from_json(&stored, json);
        json_decref(json);
        if (noun_show(d, nouns[i].noun, noun))
            continue;
        noun_kind_of(nouns[i].noun)->free(noun);
        all = false;
    }
    return all;
}

static void test_each_allocation(void **state)
{
    static struct directory d;
    size_t failures = 0;

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        bool all;

        fail_alloc_off();
        open_tables(&d);
        fail_alloc_on();
        all = show_all(&d);
        fail_alloc_off();
        failures += !all;
        for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
            bool yes = may(&d, asked[i].identity, asked[i].address);

            CHECK_EQ(asked[i].address, yes, all && asked[i].may);
        }
        close_tables(&d);
    }
    CHECK_TRUE("some of them could not be shown", failures > 5);
}

/* What is in use is never taken for unused because there is no memory to look. */
static void test_in_use_without_memory(void **state)
{
    static struct directory d;
    char by[160];
    bool enough = false;

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        fail_alloc_off();
        open_tables(&d);
        assert_true(show_all(&d));
        fail_alloc_on();
        CHECK_TRUE("a group", access_uses_group(&d, "default/denied", by, sizeof(by)));
        CHECK_TRUE("a domain", access_uses_domain(&d, "default", "app.test", by, sizeof(by)));
        CHECK_TRUE("an identity", access_uses_identity(&d, "default", "app:y", by, sizeof(by)));
        enough = !access_uses_group(&d, "default/unused", by, sizeof(by));
        fail_alloc_off();
        close_tables(&d);
    }
    CHECK_TRUE("with enough of it, what is not used is not", enough);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_allocation),
                                       cmocka_unit_test(test_in_use_without_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
