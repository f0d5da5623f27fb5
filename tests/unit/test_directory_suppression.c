/* SPDX-License-Identifier: Apache-2.0 */
/* Suppressed addresses: whose, compared how, together or not at all, kept over a restart. */
#include "../../server/directory/directory_internal.h"
#include "directory_fixture.h"
#include "fail_alloc.h"

#define NOW 1800000000

static int setup(void **state)
{
    struct directory_fixture *f;
    struct directory_change other = {
        .noun = DIRECTORY_SUBSCRIPTION, .verb = DIRECTORY_ADD, .name = SGL_LIT("acme")};

    fail_alloc_this_thread();
    f = fixture_new();
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

static bool is_passed_over(struct directory_fixture *f, const char *domain, const char *address,
                           unsigned passed)
{
    struct suppression_question q = {.subscription = SGL_LIT("default"),
                                     .domain = sgl_view_cstr(domain),
                                     .address = sgl_view_cstr(address),
                                     .now = NOW,
                                     .passed = passed};
    enum suppression_reason reason;

    return !directory_suppressed_now(f->directory, &q, &reason);
}

/* One entry of each reason for one address: all mail, mail of the domain. */
static void test_passed_over(void **state)
{
    struct suppression item = {.address = SGL_LIT("User@x.test"),
                               .reason = SUPPRESSION_HARD_BOUNCE,
                               .spelling = SUPPRESSION_ANY};
    struct directory_suppress s = {.item = &item, .items = 1};
    const unsigned bounce = 1u << SUPPRESSION_HARD_BOUNCE, left = 1u << SUPPRESSION_UNSUBSCRIBE;

    CHECK_EQ("for all mail: it bounced", suppress(*state, &s), DIRECTORY_OK);
    CHECK_TRUE("nothing is passed over", !is_passed_over(*state, "a.test", "user@x.test", 0));
    CHECK_TRUE("another reason is", !is_passed_over(*state, "a.test", "user@x.test", ~bounce));
    CHECK_TRUE("this reason is", is_passed_over(*state, "a.test", "USER@x.test", bounce));
    item.reason = SUPPRESSION_UNSUBSCRIBE;
    s.domain = SGL_LIT("a.test");
    CHECK_EQ("for a.test: it unsubscribed", suppress(*state, &s), DIRECTORY_OK);
    CHECK_TRUE("the other entry counts", !is_passed_over(*state, "a.test", "user@x.test", bounce));
    CHECK_TRUE("both reasons", is_passed_over(*state, "a.test", "user@x.test", bounce | left));
    item.reason = SUPPRESSION_COMPLAINT;
    item.spelling = SUPPRESSION_EXACT;
    item.address = SGL_LIT("Exact@x.test");
    s.domain = SGL_LIT("");
    CHECK_EQ("in one spelling: it complained", suppress(*state, &s), DIRECTORY_OK);
    CHECK_TRUE("that counts", !is_passed_over(*state, "a.test", "Exact@x.test", bounce | left));
    CHECK_TRUE("and no other spelling",
               is_passed_over(*state, "a.test", "eXact@x.test", bounce | left));
    CHECK_TRUE("unless it is passed over",
               is_passed_over(*state, "a.test", "Exact@x.test", 1u << SUPPRESSION_COMPLAINT));
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

static enum directory_result one_by(struct directory_fixture *f, const char *actor,
                                    const char *address, char *why, size_t size)
{
    struct suppression item = {.address = sgl_view_cstr(address)};
    struct directory_suppress s = {.item = &item, .items = 1, .actor = sgl_view_cstr(actor)};
    enum directory_result result = suppress(f, &s);

    snprintf(why, size, "%s", s.why);
    return result;
}

/* What one subscription imports keeps nobody else from unsubscribing. */
static void test_the_last_of_the_room_is_the_servers(void **state)
{
    struct directory_fixture *f = *state;
    char why[300];

    f->directory->suppressions_max = 3;
    f->directory->suppressions_own = 1;
    assert_int_equal(one_by(f, "key:k", "a@x.test", why, sizeof(why)), DIRECTORY_OK);
    assert_int_equal(one_by(f, "key:k", "b@x.test", why, sizeof(why)), DIRECTORY_OK);
    CHECK_EQ("somebody's", one_by(f, "key:k", "c@x.test", why, sizeof(why)), DIRECTORY_UNAVAILABLE);
    CHECK_TRUE("which limit", strstr(why, "at most 3 suppressed addresses, of all its") != NULL);
    CHECK_EQ("a click's", one_by(f, "system:unsubscribe", "c@x.test", why, sizeof(why)),
             DIRECTORY_OK);
    CHECK_EQ("a bounce's, until all is full", one_by(f, "", "d@x.test", why, sizeof(why)),
             DIRECTORY_UNAVAILABLE);
    CHECK_EQ("room again", one(f, true, "", "", "a@x.test"), DIRECTORY_OK);
    CHECK_EQ("for it", one_by(f, "", "d@x.test", why, sizeof(why)), DIRECTORY_OK);
}

/* What saves a look at which list it is never hides an entry, also after a restart. */
static void test_of_some_list(void **state)
{
    struct directory_fixture *f = *state;
    sgl_view whose = SGL_LIT("default");

    CHECK_TRUE("of none", !directory_may_be_unsubscribed(f->directory, whose, SGL_LIT("a@x.test")));
    assert_int_equal(one(f, false, "", "list:news.a.test", "A@x.test"), DIRECTORY_OK);
    assert_int_equal(one(f, false, "", "a.test", "b@x.test"), DIRECTORY_OK);
    for (int again = 0; again < 2; again++) {
        CHECK_TRUE("of one",
                   directory_may_be_unsubscribed(f->directory, whose, SGL_LIT("a@X.test")));
        CHECK_TRUE("a domain is no list",
                   !directory_may_be_unsubscribed(f->directory, whose, SGL_LIT("b@x.test")));
        CHECK_TRUE("somebody else's", !directory_may_be_unsubscribed(f->directory, SGL_LIT("acme"),
                                                                     SGL_LIT("a@x.test")));
        fixture_close(f);
        fixture_open(f);
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
    CHECK_TRUE("from then on, it is not",
               !directory_suppressed(((struct directory_fixture *)*state)->directory, d,
                                     item.address, now + 60, &reason));
    item.expires_at = 1;
    CHECK_EQ("an end that has passed is refused", suppress(*state, &s), DIRECTORY_INVALID);
    CHECK_STR("by name", s.field, "expires_at");
    domain_unref(d);
}

static bool count_noun(void *ctx, const struct store_noun *n)
{
    assert_true(sgl_view_starts(n->key, SGL_LIT("default/")));
    assert_true(sgl_view_find_view(n->value, SGL_LIT("\"reason\"")) < n->value.len);
    ++*(size_t *)ctx;
    return true;
}

static size_t rows_stored(struct directory_fixture *f)
{
    struct store_noun_page page = {.kind = SGL_LIT(SUPPRESSION_KIND), .max = 10000};
    size_t count = 0;

    assert_int_equal(store_read_noun_page(f->store, &page, count_noun, &count), STORE_OK);
    return count;
}

static enum directory_result spelled(struct directory_fixture *f, enum suppression_spelling how,
                                     const char *address)
{
    struct suppression item = {.address = sgl_view_cstr(address), .spelling = how};
    struct directory_suppress s = {.item = &item, .items = 1};

    return suppress(f, &s);
}

static void test_spelling(void **state)
{
    struct directory_fixture *f = *state;

    CHECK_EQ("one spelling", spelled(f, SUPPRESSION_EXACT, "Joe@X.test"), DIRECTORY_OK);
    CHECK_TRUE("is covered", is_suppressed(f, "a.test", "Joe@x.test"));
    CHECK_TRUE("another is not", !is_suppressed(f, "a.test", "joe@x.test") &&
                                     !is_suppressed(f, "a.test", "JOE@x.test"));
    CHECK_EQ("nor removed", one(f, true, "", "", "joe@x.test"), DIRECTORY_NOT_FOUND);
    CHECK_EQ("a lower one", spelled(f, SUPPRESSION_EXACT, "joe@x.test"), DIRECTORY_OK);
    CHECK_TRUE("is covered, too", is_suppressed(f, "a.test", "joe@x.test"));
    CHECK_TRUE("and no third", !is_suppressed(f, "a.test", "JOE@x.test"));
    CHECK_EQ("any spelling", spelled(f, SUPPRESSION_ANY, "JOE@x.test"), DIRECTORY_OK);
    CHECK_TRUE("covers all", is_suppressed(f, "a.test", "jOe@x.test"));
    CHECK_EQ("it is not narrowed down", spelled(f, SUPPRESSION_EXACT, "joe@x.test"), DIRECTORY_OK);
    CHECK_TRUE("to one", is_suppressed(f, "a.test", "jOe@x.test"));
    fixture_close(f);
    fixture_open(f);
    CHECK_TRUE("nor by a restart", is_suppressed(f, "a.test", "jOe@x.test"));
    CHECK_EQ("what is removed", one(f, true, "", "", "Joe@x.test"), DIRECTORY_OK);
    CHECK_TRUE("is not covered by another entry", !is_suppressed(f, "a.test", "Joe@x.test"));
    CHECK_EQ("and nothing is left of it", rows_stored(f), 0);
}

static void test_spelling_as_configured(void **state)
{
    struct directory_fixture *f = *state;

    CHECK_EQ("before", one(f, false, "", "", "Any@x.test"), DIRECTORY_OK);
    directory_suppress_exact(f->directory, true);
    CHECK_EQ("then", one(f, false, "", "", "One@x.test"), DIRECTORY_OK);
    CHECK_TRUE("an entry that was made before covers any spelling",
               is_suppressed(f, "a.test", "aNY@x.test"));
    CHECK_TRUE("a new one its own", is_suppressed(f, "a.test", "One@x.test"));
    CHECK_TRUE("only", !is_suppressed(f, "a.test", "oNE@x.test"));
    fixture_close(f);
    fixture_open(f);
    CHECK_TRUE("a restart changes neither", is_suppressed(f, "a.test", "aNY@x.test") &&
                                                is_suppressed(f, "a.test", "One@x.test") &&
                                                !is_suppressed(f, "a.test", "oNE@x.test"));
}

static void test_keep(void **state)
{
    struct directory_fixture *f = *state;
    struct suppression item = {.address = SGL_LIT("GONE@x.test"),
                               .reason = SUPPRESSION_HARD_BOUNCE,
                               .expires_at = clock_now_s() + 1000};
    struct directory_suppress s = {.keep = true, .item = &item, .items = 1};
    struct domain *d = directory_domain(f->directory, SGL_LIT("a.test"));
    enum suppression_reason reason;

    assert_int_equal(one(f, false, "", "", "gone@x.test"), DIRECTORY_OK);
    CHECK_EQ("who is suppressed", suppress(f, &s), DIRECTORY_OK);
    CHECK_EQ("is not added", s.fresh, 0);
    CHECK_TRUE("stays so for ever",
               directory_suppressed(f->directory, d, SGL_LIT("gone@x.test"), INT64_MAX, &reason));
    CHECK_EQ("and for what it was", reason, SUPPRESSION_COMPLAINT);
    item.address = SGL_LIT("new@x.test");
    CHECK_EQ("another", suppress(f, &s), DIRECTORY_OK);
    CHECK_EQ("is", s.fresh, 1);
    domain_unref(d);
}

static enum directory_result put(struct directory_fixture *f, const char *domain,
                                 const char *address, enum suppression_reason reason, bool keep)
{
    struct suppression item = {.address = sgl_view_cstr(address), .reason = reason};
    struct directory_suppress s = {
        .domain = sgl_view_cstr(domain), .keep = keep, .item = &item, .items = 1};

    return suppress(f, &s);
}

/* Where a refusal is kept, mail goes on; and it takes the place of nothing that stops. */
static void test_blocked_stops_nothing(void **state)
{
    struct directory_fixture *f = *state;

    assert_int_equal(put(f, "", "b@x.test", SUPPRESSION_BLOCKED, true), DIRECTORY_OK);
    CHECK_TRUE("known, and sent to", !is_suppressed(f, "a.test", "b@x.test"));
    CHECK_EQ("it is kept", rows_stored(f), 1);
    assert_int_equal(put(f, "", "b@x.test", SUPPRESSION_HARD_BOUNCE, true), DIRECTORY_OK);
    CHECK_TRUE("what stops takes its place, also where what is there is kept",
               is_suppressed(f, "a.test", "b@x.test"));
    assert_int_equal(put(f, "", "B@x.test", SUPPRESSION_BLOCKED, false), DIRECTORY_OK);
    CHECK_TRUE("and is not taken away by it", is_suppressed(f, "a.test", "b@x.test"));
    fixture_close(f);
    fixture_open(f);
    CHECK_TRUE("after a restart", is_suppressed(f, "a.test", "b@x.test"));
}

/* What gives way stands beside the entry of another spelling, not in its place. */
static void test_another_spelling_stays(void **state)
{
    struct directory_fixture *f = *state;

    CHECK_EQ("one spelling", spelled(f, SUPPRESSION_EXACT, "joe@x.test"), DIRECTORY_OK);
    CHECK_EQ("a refusal of another", put(f, "", "Joe@x.test", SUPPRESSION_BLOCKED, false),
             DIRECTORY_OK);
    CHECK_TRUE("stops nothing", !is_suppressed(f, "a.test", "Joe@x.test"));
    CHECK_TRUE("and the first still does", is_suppressed(f, "a.test", "joe@x.test"));
    CHECK_EQ("both are kept", rows_stored(f), 2);
    CHECK_EQ("a bounce of another", put(f, "", "JOE@x.test", SUPPRESSION_HARD_BOUNCE, true),
             DIRECTORY_OK);
    CHECK_TRUE("stops that one", is_suppressed(f, "a.test", "JOE@x.test"));
    CHECK_EQ("the first is not forgotten with it", rows_stored(f), 3);
    fixture_close(f);
    fixture_open(f);
    CHECK_TRUE("after a restart", is_suppressed(f, "a.test", "joe@x.test"));
}

static void test_removed_by_reason(void **state)
{
    struct directory_fixture *f = *state;
    struct suppression item[2] = {{.address = SGL_LIT("u@x.test")},
                                  {.address = SGL_LIT("nobody@x.test")}};
    struct directory_suppress s = {.remove = true,
                                   .absent_ok = true,
                                   .reasons = SUPPRESSION_REASON_BIT(SUPPRESSION_HARD_BOUNCE),
                                   .item = item,
                                   .items = 2};

    assert_int_equal(put(f, "", "u@x.test", SUPPRESSION_UNSUBSCRIBE, false), DIRECTORY_OK);
    CHECK_EQ("none of these", suppress(f, &s), DIRECTORY_OK);
    CHECK_EQ("nothing went", s.fresh, 0);
    CHECK_TRUE("who left stays away", is_suppressed(f, "a.test", "u@x.test"));
    s.reasons |= SUPPRESSION_REASON_BIT(SUPPRESSION_UNSUBSCRIBE);
    CHECK_EQ("of these", suppress(f, &s), DIRECTORY_OK);
    CHECK_EQ("one", s.fresh, 1);
    CHECK_TRUE("he is sent to", !is_suppressed(f, "a.test", "u@x.test"));
    s.absent_ok = false;
    CHECK_EQ("without leave what is not there is a fault", suppress(f, &s), DIRECTORY_NOT_FOUND);
}

static bool is_unsubscribed_but(struct directory_fixture *f, const char *list, unsigned passed)
{
    const struct suppression_question q = {.subscription = SGL_LIT_INIT("default"),
                                           .domain = sgl_view_cstr(list),
                                           .address = SGL_LIT_INIT("u@x.test"),
                                           .now = NOW,
                                           .passed = passed};
    enum suppression_reason reason;

    return directory_unsubscribed(f->directory, &q, &reason);
}

static bool is_unsubscribed(struct directory_fixture *f, const char *list)
{
    return is_unsubscribed_but(f, list, 0);
}

/* A group is the same for all domains of its subscription. */
static void test_groups(void **state)
{
    struct directory_fixture *f = *state;

    assert_int_equal(put(f, "list:asm-42.a.test", "u@x.test", SUPPRESSION_UNSUBSCRIBE, false),
                     DIRECTORY_OK);
    CHECK_TRUE("from where it was", is_unsubscribed(f, "asm-42.a.test"));
    CHECK_TRUE("from the other domain", is_unsubscribed(f, "ASM-42.b.test"));
    CHECK_TRUE("but no other group", !is_unsubscribed(f, "asm-4.a.test"));
    CHECK_TRUE(
        "who passes over who unsubscribed does not pass over this",
        is_unsubscribed_but(f, "asm-42.a.test", SUPPRESSION_REASON_BIT(SUPPRESSION_UNSUBSCRIBE)));
    CHECK_TRUE("but by saying so",
               !is_unsubscribed_but(f, "asm-42.a.test",
                                    SUPPRESSION_REASON_BIT(SUPPRESSION_UNSUBSCRIBE) |
                                        SUPPRESSION_PASS_LISTS));
    CHECK_TRUE("it is of a list", directory_may_be_unsubscribed(f->directory, SGL_LIT("default"),
                                                                SGL_LIT("u@x.test")));
    CHECK_EQ("added again it is the same",
             put(f, "list:asm-42", "u@x.test", SUPPRESSION_UNSUBSCRIBE, false), DIRECTORY_OK);
    CHECK_EQ("one row", rows_stored(f), 1);
    CHECK_EQ("another list needs its domain",
             put(f, "list:news", "u@x.test", SUPPRESSION_UNSUBSCRIBE, false), DIRECTORY_INVALID);
    CHECK_EQ("removed by any of its names", one(f, true, "", "list:asm-42.b.test", "u@x.test"),
             DIRECTORY_OK);
    CHECK_TRUE("everywhere", !is_unsubscribed(f, "asm-42.a.test"));
}

static bool has_left(struct directory_fixture *f, const char *header_from)
{
    struct suppression_question q = {.subscription = SGL_LIT_INIT("default"),
                                     .domain = SGL_LIT_INIT("a.test"),
                                     .address = SGL_LIT_INIT("u@x.test"),
                                     .now = NOW};
    enum suppression_reason reason;

    return directory_left_sender(f->directory, &q, sgl_view_cstr(header_from), &reason);
}

static void test_lists_of_senders(void **state)
{
    static const char *const none[] = {"list:@news@acme.test", "list:@news@none.test", "list:@a",
                                       "list:@@a.test", "list:@a/b@a.test"};
    struct directory_fixture *f = *state;

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        CHECK_EQ(none[i], put(f, none[i], "u@x.test", SUPPRESSION_MANUAL, false),
                 DIRECTORY_INVALID);
    CHECK_TRUE("nobody has left", !has_left(f, "news@a.test"));
    assert_int_equal(put(f, "list:@News@a.test", "u@x.test", SUPPRESSION_MANUAL, false),
                     DIRECTORY_OK);
    CHECK_TRUE("the sender, in whichever case", has_left(f, "NEWS@a.test"));
    CHECK_TRUE("no other one of the domain", !has_left(f, "shop@a.test"));
    CHECK_TRUE("no other domain", !has_left(f, "news@b.test"));
    CHECK_TRUE("no sender", !has_left(f, ""));
    CHECK_TRUE("it is not for all mail", !is_suppressed(f, "a.test", "u@x.test"));
    assert_int_equal(one(f, true, "", "list:@news@a.test", "u@x.test"), DIRECTORY_OK);
    CHECK_TRUE("taken back", !has_left(f, "news@a.test"));
}

static void test_domain_of_an_item(void **state)
{
    struct directory_fixture *f = *state;
    struct suppression item[2] = {{.address = SGL_LIT("x@x.test"), .domain = SGL_LIT("A.test")},
                                  {.address = SGL_LIT("x@x.test"), .domain = SGL_LIT("acme.test")}};
    struct directory_suppress s = {.item = item, .items = 2};

    CHECK_EQ("a domain of somebody else", suppress(f, &s), DIRECTORY_NOT_FOUND);
    CHECK_EQ("is named", s.wrong, 1);
    CHECK_TRUE("and nothing is done", !is_suppressed(f, "a.test", "x@x.test"));
    item[1].domain = SGL_LIT("b.test");
    CHECK_EQ("own ones", suppress(f, &s), DIRECTORY_OK);
    CHECK_TRUE("count each for itself",
               is_suppressed(f, "a.test", "x@x.test") && is_suppressed(f, "b.test", "x@x.test"));
    CHECK_EQ("two rows", rows_stored(f), 2);
}

struct hold {
    struct loop_task task;
    sem_t held, go;
};

static void hold_loop(struct loop_task *task)
{
    struct hold *h = (struct hold *)(void *)task;

    sem_post(&h->held);
    sem_wait(&h->go);
}

static void test_one_large_change_at_a_time(void **state)
{
    struct directory_fixture *f = *state;
    struct suppression *item = calloc(1001, sizeof(*item));
    struct directory_suppress large = {
        .item = item, .items = 1001, .loop = f->loop, .done = suppressed, .ctx = f};
    struct directory_suppress second = large, small = {.item = item, .items = 1000};
    struct hold h = {.task = {.run = hold_loop}};

    sem_init(&h.held, 0, 0);
    sem_init(&h.go, 0, 0);
    for (size_t i = 0; i < 1001; i++)
        item[i].address = SGL_LIT("same@x.test");
    loop_post(f->loop, &h.task); /* nothing is done before it lets go */
    sem_wait(&h.held);
    directory_suppress(f->directory, &large);
    directory_suppress(f->directory, &second);
    sem_post(&h.go);
    sem_wait(&f->done);
    sem_wait(&f->done);
    CHECK_EQ("the first is stored", large.result, DIRECTORY_OK);
    CHECK_EQ("the second comes too early", second.result, DIRECTORY_UNAVAILABLE);
    CHECK_EQ("then it is its turn", suppress(f, &second), DIRECTORY_OK);
    CHECK_EQ("a small one need not wait", suppress(f, &small), DIRECTORY_OK);
    CHECK_EQ("there is one address", rows_stored(f), 1);
    sem_destroy(&h.held);
    sem_destroy(&h.go);
    free(item);
}

static bool take_value(void *ctx, const struct store_noun *n)
{
    snprintf(ctx, 4096, "%.*s", SGL_FMT(n->value));
    return false;
}

static void test_reply(void **state)
{
    struct directory_fixture *f = *state;
    char text[700], value[4096] = "";
    struct suppression item = {.address = SGL_LIT("x@x.test"), .created_at = 1700000000};
    struct directory_suppress s = {.item = &item, .items = 1};

    memset(text, 'a', sizeof(text));
    memcpy(text, "550\r\n\0 x", 8);
    memcpy(text + 499, "\xc3\xa9", 2);
    item.reply = sgl_view_of(text, sizeof(text));
    assert_int_equal(suppress(f, &s), DIRECTORY_OK);
    assert_int_equal(store_read_nouns(f->store, SGL_LIT(SUPPRESSION_KIND), take_value, value),
                     STORE_OK);
    CHECK_TRUE("control characters are blanks", strstr(value, "\"reply\":\"550    xaaa") != NULL);
    CHECK_TRUE("no character is cut in two",
               strstr(value, "aaa\",\"created_at\":1700000000") != NULL);
    item.created_at = clock_now_s() + 100;
    CHECK_EQ("nothing is made later than now", suppress(f, &s), DIRECTORY_INVALID);
    CHECK_STR("by name", s.field, "created_at");
}

struct sweeping {
    struct loop_task task;
    struct directory_fixture *f;
    bool no_memory;
};

static void sweep_on_loop(struct loop_task *task)
{
    struct sweeping *s = (struct sweeping *)(void *)task;

    if (s->no_memory) {
        fail_alloc_this_thread();
        assert_true(fail_alloc_round(1));
    }
    directory_sweep(s->f->directory);
    fail_alloc_off();
    sem_post(&s->f->done);
}

static void sweep(struct directory_fixture *f, bool no_memory)
{
    struct sweeping s = {.task = {.run = sweep_on_loop}, .f = f, .no_memory = no_memory};

    loop_post(f->loop, &s.task);
    sem_wait(&f->done);
}

/* What the sweep has not come to counts no more all the same. */
static void test_sweep(void **state)
{
    struct directory_fixture *f = *state;
    struct suppression *item = calloc(1300, sizeof(*item));
    char(*address)[32] = calloc(1300, sizeof(*address));
    struct directory_suppress s = {.item = item, .items = 1300};
    struct directory_stats stats;
    int64_t end = clock_now_s() + 2;

    for (unsigned i = 0; i < 1300; i++) {
        snprintf(address[i], sizeof(address[i]), "user%04u@x.test", i);
        item[i] = (struct suppression){.address = sgl_view_cstr(address[i]),
                                       .expires_at = i % 100 == 7 ? 0 : end};
    }
    assert_int_equal(suppress(f, &s), DIRECTORY_OK);
    sweep(f, true);
    CHECK_TRUE("without memory there is no sweep, until the next one", fail_alloc_hit());
    sweep(f, false);
    CHECK_EQ("none is over", rows_stored(f), 1300);
    while (clock_now_s() < end)
        usleep(20000);
    for (unsigned tries = 0; tries < 500 && rows_stored(f) != 13; tries++) {
        sweep(f, false);
        usleep(10000);
    }
    CHECK_EQ("what has an end leaves the store", rows_stored(f), 13);
    directory_stats(f->directory, &stats);
    CHECK_EQ("and the set", stats.suppressions, 13);
    CHECK_TRUE("the others stay", is_suppressed(f, "a.test", "user1207@x.test"));
    free(item);
    free(address);
}

static void test_no_memory(void **state)
{
    struct directory_fixture *f = *state;
    struct suppression item[2] = {{.address = SGL_LIT("One@x.test"), .domain = SGL_LIT("a.test")},
                                  {.address = SGL_LIT("two@x.test"), .reply = SGL_LIT("550 no")}};
    struct directory_suppress s = {.item = item, .items = 2};

    for (unsigned remove = 0; remove < 2; remove++) {
        bool before = remove != 0, after = remove == 0;

        s.remove = remove != 0;
        for (size_t n = 1; fail_alloc_round(n); n++) {
            enum directory_result result = suppress(f, &s);
            bool hit = fail_alloc_hit(), want = hit ? before : after;

            fail_alloc_off();
            CHECK_EQ("memory ends", result, hit ? DIRECTORY_UNAVAILABLE : DIRECTORY_OK);
            CHECK_EQ("all or nothing", is_suppressed(f, "a.test", "one@x.test"), want);
            CHECK_EQ("in memory", is_suppressed(f, "b.test", "two@x.test"), want);
            CHECK_EQ("and stored", rows_stored(f), want ? 2 : 0);
            fail_alloc_on();
        }
    }
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
        cmocka_unit_test_setup_teardown(test_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whose, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_last_of_the_room_is_the_servers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_of_some_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_together_or_not_at_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spelling, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spelling_as_configured, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_blocked_stops_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_spelling_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removed_by_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists_of_senders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_domain_of_an_item, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reply, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_large_change_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sweep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
