/* SPDX-License-Identifier: Apache-2.0 */
/* Suppressed addresses: whose, compared how, together or not at all, kept over a restart. */
#include "directory_fixture.h"

#define NOW 1800000000

static int setup(void **state)
{
    struct directory_fixture *f = fixture_new();
    struct directory_change other = {
        .noun = DIRECTORY_SUBSCRIPTION, .verb = DIRECTORY_ADD, .name = SGL_LIT("acme")};

    assert_int_equal(fixture_domain(f, "a.test", false), DIRECTORY_OK);
    assert_int_equal(fixture_domain(f, "b.test", false), DIRECTORY_OK);
    assert_int_equal(fixture_change(f, &other), DIRECTORY_OK);
    other = (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                      .verb = DIRECTORY_ADD,
                                      .name = SGL_LIT("acme.test"),
                                      .subscription = SGL_LIT("acme")};
    assert_int_equal(fixture_change(f, &other), DIRECTORY_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

static void suppressed(struct directory_suppress *s)
{
    sem_post(&((struct directory_fixture *)s->ctx)->done);
}

static enum directory_result suppress(struct directory_fixture *f, struct directory_suppress *s)
{
    s->loop = f->loop;
    s->done = suppressed;
    s->ctx = f;
    directory_suppress(f->directory, s);
    sem_wait(&f->done);
    return s->result;
}

static enum directory_result one(struct directory_fixture *f, bool remove, const char *subscription,
                                 const char *domain, const char *address)
{
    struct suppression item = {.address = sgl_view_cstr(address),
                               .reason = SUPPRESSION_COMPLAINT,
                               .reply = SGL_LIT("550 5.1.1 no such user")};
    struct directory_suppress s = {.remove = remove,
                                   .subscription = sgl_view_cstr(subscription),
                                   .domain = sgl_view_cstr(domain),
                                   .item = &item,
                                   .items = 1};

    return suppress(f, &s);
}

static bool is_suppressed(struct directory_fixture *f, const char *domain, const char *address)
{
    struct domain *d = directory_domain(f->directory, sgl_view_cstr(domain));
    enum suppression_reason reason = SUPPRESSION_MANUAL;
    bool found;

    assert_non_null(d);
    found = directory_suppressed(f->directory, d, sgl_view_cstr(address), NOW, &reason);
    domain_unref(d);
    return found;
}

static void test_compared(void **state)
{
    static const struct {
        const char *name, *address, *asked;
        bool want;
    } rows[] = {
        {"the same address", "user@example.test", "user@example.test", true},
        {"another local part", "user@example.test", "user2@example.test", false},
        {"another domain", "user@example.test", "user@example.com", false},
        {"the domain in upper case", "user@EXAMPLE.test", "user@example.test", true},
        {"the local part in another case", "User@example.test", "uSER@example.test", true},
        {"a U-label",
         "user@b\xc3\xbc"
         "cher.test",
         "user@xn--bcher-kva.test", true},
        {"a tag behind a plus is another address", "user@example.test", "user+x@example.test",
         false},
        {"dots are not left out", "us.er@example.test", "user@example.test", false},
        {"letters outside ASCII are compared as they are", "\xc3\xbcser@example.test",
         "\xc3\x9cser@example.test", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_EQ(rows[i].name, one(*state, false, "", "", rows[i].address), DIRECTORY_OK);
        CHECK_EQ(rows[i].name, is_suppressed(*state, "a.test", rows[i].asked), rows[i].want);
        CHECK_EQ(rows[i].name, one(*state, true, "", "", rows[i].address), DIRECTORY_OK);
        CHECK_TRUE(rows[i].name, !is_suppressed(*state, "a.test", rows[i].asked));
    }
}

static void test_whose(void **state)
{
    struct directory_fixture *f = *state;

    assert_int_equal(one(f, false, "", "", "all@x.test"), DIRECTORY_OK);
    assert_int_equal(one(f, false, "", "A.test.", "some@x.test"), DIRECTORY_OK);
    CHECK_TRUE("without a domain it is all mail", is_suppressed(f, "a.test", "all@x.test") &&
                                                      is_suppressed(f, "b.test", "all@x.test"));
    CHECK_TRUE("but not that of another subscription",
               !is_suppressed(f, "acme.test", "all@x.test"));
    CHECK_TRUE("with a domain its mail", is_suppressed(f, "a.test", "some@x.test"));
    CHECK_TRUE("and no other", !is_suppressed(f, "b.test", "some@x.test"));
    CHECK_EQ("it is removed where it was added", one(f, true, "", "", "some@x.test"),
             DIRECTORY_NOT_FOUND);
    CHECK_EQ("there", one(f, true, "", "a.test", "some@x.test"), DIRECTORY_OK);
    CHECK_TRUE("then it is sent to", !is_suppressed(f, "a.test", "some@x.test"));
}

static void test_refused(void **state)
{
    static const struct {
        const char *name, *subscription, *domain, *address;
        enum directory_result want;
        const char *field;
    } rows[] = {
        {"no address", "", "", "nobody", DIRECTORY_INVALID, "address"},
        {"an empty one", "", "", "", DIRECTORY_INVALID, "address"},
        {"a literal", "", "", "user@[192.0.2.1]", DIRECTORY_INVALID, "address"},
        {"two of them", "", "", "a@x.test b@x.test", DIRECTORY_INVALID, "address"},
        {"no such subscription", "nobody", "", "a@x.test", DIRECTORY_NOT_FOUND, "subscription"},
        {"no such domain", "", "c.test", "a@x.test", DIRECTORY_NOT_FOUND, "domain"},
        {"a domain of somebody else", "", "acme.test", "a@x.test", DIRECTORY_NOT_FOUND, "domain"},
    };
    struct directory_fixture *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct suppression item = {.address = sgl_view_cstr(rows[i].address)};
        struct directory_suppress s = {.subscription = sgl_view_cstr(rows[i].subscription),
                                       .domain = sgl_view_cstr(rows[i].domain),
                                       .item = &item,
                                       .items = 1};

        CHECK_EQ(rows[i].name, suppress(f, &s), rows[i].want);
        CHECK_STR(rows[i].name, s.field, rows[i].field);
    }
}

static void test_together_or_not_at_all(void **state)
{
    struct suppression item[3] = {{.address = SGL_LIT("one@x.test")},
                                  {.address = SGL_LIT("two@x.test")},
                                  {.address = SGL_LIT("three")}};
    struct directory_suppress s = {.item = item, .items = 3};
    struct directory_suppress none = {.item = item, .items = 0};
    struct directory_stats stats;

    CHECK_EQ("none is refused", suppress(*state, &none), DIRECTORY_INVALID);
    CHECK_EQ("one that is no address refuses all", suppress(*state, &s), DIRECTORY_INVALID);
    CHECK_EQ("and is named", s.wrong, 2);
    CHECK_TRUE("the others are not suppressed", !is_suppressed(*state, "a.test", "one@x.test"));
    item[2].address = SGL_LIT("TWO@x.test");
    CHECK_EQ("the same twice is fine", suppress(*state, &s), DIRECTORY_OK);
    CHECK_EQ("and counts once", s.fresh, 2);
    CHECK_EQ("again they are not new", suppress(*state, &s), DIRECTORY_OK);
    CHECK_EQ("none of them", s.fresh, 0);
    directory_stats(((struct directory_fixture *)*state)->directory, &stats);
    CHECK_EQ("two are in memory", stats.suppressions, 2);
    s.remove = true;
    CHECK_EQ("they are removed together", suppress(*state, &s), DIRECTORY_OK);
    CHECK_TRUE("and gone", !is_suppressed(*state, "a.test", "two@x.test"));
}

static void test_expiry(void **state)
{
    int64_t now = clock_now_s();
    struct suppression item = {.address = SGL_LIT("a@x.test"), .expires_at = now + 60};
    struct directory_suppress s = {.item = &item, .items = 1};
    struct domain *d =
        directory_domain(((struct directory_fixture *)*state)->directory, SGL_LIT("a.test"));
    enum suppression_reason reason;

    CHECK_EQ("an end is given", suppress(*state, &s), DIRECTORY_OK);
    CHECK_TRUE("before it, it is suppressed",
               directory_suppressed(((struct directory_fixture *)*state)->directory, d,
                                    item.address, now, &reason));
    CHECK_TRUE("long after, it is not",
               !directory_suppressed(((struct directory_fixture *)*state)->directory, d,
                                     item.address, now + 7200, &reason));
    item.expires_at = 1;
    CHECK_EQ("an end that has passed is refused", suppress(*state, &s), DIRECTORY_INVALID);
    CHECK_STR("by name", s.field, "expires_at");
    domain_unref(d);
}

static bool count_noun(void *ctx, const struct store_noun *n)
{
    assert_true(sgl_view_starts(n->key, SGL_LIT("default/")));
    assert_true(sgl_view_find(n->value, 'h') < n->value.len);
    ++*(size_t *)ctx;
    return true;
}

static void test_restart(void **state)
{
    struct directory_fixture *f = *state;
    struct store_noun_page page = {.kind = SGL_LIT(SUPPRESSION_KIND), .max = 10};
    struct domain *d;
    enum suppression_reason reason = SUPPRESSION_MANUAL;
    size_t count = 0;

    assert_int_equal(one(f, false, "", "", "Kept@x.test"), DIRECTORY_OK);
    assert_int_equal(one(f, false, "", "a.test", "gone@x.test"), DIRECTORY_OK);
    assert_int_equal(one(f, true, "", "a.test", "gone@x.test"), DIRECTORY_OK);
    fixture_close(f);
    fixture_open(f);
    CHECK_TRUE("it is there after a restart", is_suppressed(f, "b.test", "kept@x.test"));
    CHECK_TRUE("what was removed is not", !is_suppressed(f, "a.test", "gone@x.test"));
    d = directory_domain(f->directory, SGL_LIT("b.test"));
    CHECK_TRUE("with its reason",
               directory_suppressed(f->directory, d, SGL_LIT("kept@x.test"), NOW, &reason) &&
                   reason == SUPPRESSION_COMPLAINT);
    domain_unref(d);
    assert_int_equal(store_read_noun_page(f->store, &page, count_noun, &count), STORE_OK);
    CHECK_EQ("one is stored", count, 1);
    page.after = SGL_LIT("default//kept@x.test");
    assert_int_equal(store_read_noun_page(f->store, &page, count_noun, &count), STORE_OK);
    CHECK_EQ("behind it there is none", count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_compared, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whose, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_together_or_not_at_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
