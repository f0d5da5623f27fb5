/* SPDX-License-Identifier: Apache-2.0 */
/* What a check saw becomes what is known of a domain; and who is asked. */
#include "../../server/setup/authority.h"
#include "../../server/setup/state.h"
#include "dns_fixture.h"

#define NOW 1000

#define NEVER                                                                                      \
    {                                                                                              \
        .state = DOMAIN_NOT_STARTED                                                                \
    }
#define WAITS(at)                                                                                  \
    {                                                                                              \
        .state = DOMAIN_IN_PROGRESS, .since_s = (at)                                               \
    }
#define FAILS(at)                                                                                  \
    {                                                                                              \
        .state = DOMAIN_FAILED, .since_s = (at)                                                    \
    }
#define HOLDS(at)                                                                                  \
    {                                                                                              \
        .state = DOMAIN_VERIFIED, .since_s = (at), .verified_at_s = (at)                           \
    }
#define GONE(at, first, lost)                                                                      \
    {                                                                                              \
        .state = DOMAIN_FAILED, .since_s = (at), .verified_at_s = (first), .lost_at_s = (lost)     \
    }
#define BACK(at, first)                                                                            \
    {                                                                                              \
        .state = DOMAIN_VERIFIED, .since_s = (at), .verified_at_s = (first)                        \
    }

static void check_status(const char *rule, const struct domain_status *got,
                         const struct domain_status *want)
{
    CHECK_EQ(rule, got->state, want->state);
    CHECK_EQ(rule, got->since_s, want->since_s);
    CHECK_EQ(rule, got->verified_at_s, want->verified_at_s);
    CHECK_EQ(rule, got->lost_at_s, want->lost_at_s);
}

static void test_one_record(void **state)
{
    static const struct {
        const char *rule;
        struct domain_status was;
        enum sgl_setup_state saw;
        struct domain_status want;
        unsigned verified, lost, back;
    } rows[] = {
        {"nothing there yet is waited for", NEVER, SGL_SETUP_MISSING, WAITS(NOW), 0, 0, 0},
        {"it goes on waiting since then", WAITS(5), SGL_SETUP_MISSING, WAITS(5), 0, 0, 0},
        {"something wrong has failed", WAITS(5), SGL_SETUP_WRONG, FAILS(NOW), 0, 0, 0},
        {"and goes on failing since then", FAILS(5), SGL_SETUP_WRONG, FAILS(5), 0, 0, 0},
        {"what is wrong and taken away is waited for", FAILS(5), SGL_SETUP_MISSING, WAITS(NOW), 0,
         0, 0},
        {"what is there is verified", FAILS(5), SGL_SETUP_PRESENT, HOLDS(NOW), 1, 0, 0},
        {"and stays so since then", HOLDS(5), SGL_SETUP_PRESENT, HOLDS(5), 0, 0, 0},
        {"what was verified and is not there has failed, and is lost", HOLDS(5), SGL_SETUP_MISSING,
         GONE(NOW, 5, NOW), 0, 1, 0},
        {"also when something wrong is there", HOLDS(5), SGL_SETUP_WRONG, GONE(NOW, 5, NOW), 0, 1,
         0},
        {"it is lost since the first time", GONE(7, 5, 7), SGL_SETUP_MISSING, GONE(7, 5, 7), 0, 0,
         0},
        {"it comes back", GONE(7, 5, 7), SGL_SETUP_PRESENT, BACK(NOW, 5), 0, 0, 1},
        {"no answer is no loss", HOLDS(5), SGL_SETUP_UNKNOWN, HOLDS(5), 0, 0, 0},
        {"no answer is no proof", FAILS(5), SGL_SETUP_UNKNOWN, FAILS(5), 0, 0, 0},
        {"no answer brings nothing back", GONE(7, 5, 7), SGL_SETUP_UNKNOWN, GONE(7, 5, 7), 0, 0, 0},
        {"no answer at first leaves it not started", NEVER, SGL_SETUP_UNKNOWN, NEVER, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sgl_setup_row row = {.purpose = SGL_SETUP_SPF,
                                    .required = true,
                                    .state = rows[i].saw,
                                    .found = SGL_LIT("v=spf1 -all"),
                                    .value = SGL_LIT("v=spf1 a ~all"),
                                    .why = SGL_LIT("It is another one.")};
        struct sgl_setup seen = {.row = &row, .rows = 1};
        struct sgl_arena arena = SGL_ARENA_INIT(4096);
        struct domain d = {.status = {[PART_SPF] = rows[i].was}};
        struct state_next next;
        unsigned bit = 1u << PART_SPF;

        assert_int_equal(state_next(&d, &seen, NOW, &arena, &next), SGL_OK);
        check_status(rows[i].rule, &next.status[PART_SPF], &rows[i].want);
        CHECK_EQ(rows[i].rule, next.verified, rows[i].verified * bit);
        CHECK_EQ(rows[i].rule, next.lost, rows[i].lost * bit);
        CHECK_EQ(rows[i].rule, next.back, rows[i].back * bit);
        CHECK_EQ(rows[i].rule, next.unknown, rows[i].saw == SGL_SETUP_UNKNOWN);
        sgl_arena_done(&arena);
    }
}

static void test_texts(void **state)
{
    struct sgl_setup_row row = {.purpose = SGL_SETUP_SPF,
                                .state = SGL_SETUP_WRONG,
                                .found = SGL_LIT("v=spf1 -all"),
                                .value = SGL_LIT("v=spf1 a ~all"),
                                .why = SGL_LIT("It is another one.")};
    struct sgl_setup seen = {.row = &row, .rows = 1};
    struct sgl_arena arena = SGL_ARENA_INIT(65536);
    struct domain d = {.refs = 1};
    struct state_next next;

    (void)state;
    assert_int_equal(state_next(&d, &seen, NOW, &arena, &next), SGL_OK);
    CHECK_STR("what was found", next.status[PART_SPF].found, "v=spf1 -all");
    CHECK_STR("what was expected", next.status[PART_SPF].expected, "v=spf1 a ~all");
    CHECK_STR("and why", next.status[PART_SPF].why, "It is another one.");
    CHECK_TRUE("that is a change", next.changed);
    memcpy(d.status, next.status, sizeof(d.status));
    assert_int_equal(state_next(&d, &seen, NOW + 1, &arena, &next), SGL_OK);
    CHECK_TRUE("the same again is none", !next.changed);
    row.found = SGL_LIT("v=spf1 +all");
    assert_int_equal(state_next(&d, &seen, NOW + 1, &arena, &next), SGL_OK);
    CHECK_TRUE("something else that is found is one", next.changed);
    row.state = SGL_SETUP_PRESENT;
    assert_int_equal(state_next(&d, &seen, NOW + 1, &arena, &next), SGL_OK);
    CHECK_TRUE("of what is there only the advice is kept",
               next.status[PART_SPF].found == NULL && next.status[PART_SPF].expected == NULL &&
                   next.status[PART_SPF].why != NULL);
    sgl_arena_done(&arena);
}

/* Several rows are one part: the worst of them says how it is. */
static void test_several_rows(void **state)
{
    static const struct {
        const char *rule;
        enum sgl_setup_state one, other;
        enum domain_state want;
        bool unknown;
    } rows[] = {
        {"both are there", SGL_SETUP_PRESENT, SGL_SETUP_PRESENT, DOMAIN_VERIFIED, false},
        {"one is missing", SGL_SETUP_PRESENT, SGL_SETUP_MISSING, DOMAIN_IN_PROGRESS, false},
        {"wrong is worse than missing", SGL_SETUP_WRONG, SGL_SETUP_MISSING, DOMAIN_FAILED, false},
        {"one could not be asked", SGL_SETUP_PRESENT, SGL_SETUP_UNKNOWN, DOMAIN_NOT_STARTED, true},
        {"missing is known all the same", SGL_SETUP_UNKNOWN, SGL_SETUP_MISSING, DOMAIN_IN_PROGRESS,
         false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sgl_setup_row row[] = {
            {.purpose = SGL_SETUP_DKIM, .required = true, .state = rows[i].one},
            {.purpose = SGL_SETUP_DKIM, .required = true, .state = rows[i].other}};
        struct sgl_setup seen = {.row = row, .rows = 2};
        struct sgl_arena arena = SGL_ARENA_INIT(4096);
        struct domain d = {.refs = 1};
        struct state_next next;

        assert_int_equal(state_next(&d, &seen, NOW, &arena, &next), SGL_OK);
        CHECK_EQ(rows[i].rule, next.status[PART_DKIM].state, rows[i].want);
        CHECK_EQ(rows[i].rule, next.unknown, rows[i].unknown);
        sgl_arena_done(&arena);
    }
}

static void test_no_row(void **state)
{
    struct sgl_setup seen = {.rows = 0};
    struct sgl_arena arena = SGL_ARENA_INIT(4096), full = SGL_ARENA_INIT(8);
    struct domain d = {.status = {[PART_MTA_STS] = HOLDS(5)}};
    struct sgl_setup_row row = {
        .purpose = SGL_SETUP_SPF, .state = SGL_SETUP_WRONG, .why = SGL_LIT("a long enough text")};
    struct state_next next = {.complete = true};

    (void)state;
    assert_int_equal(state_next(&d, &seen, NOW, &arena, &next), SGL_OK);
    CHECK_EQ("what is not wanted any more is not started", next.status[PART_MTA_STS].state,
             DOMAIN_NOT_STARTED);
    CHECK_TRUE("which is a change, and no loss", next.changed && next.lost == 0);
    seen = (struct sgl_setup){.row = &row, .rows = 1};
    next.complete = true;
    CHECK_EQ("no memory is told", state_next(&d, &seen, NOW, &full, &next), SGL_E_LIMIT);
    CHECK_TRUE("and nothing is given out", next.complete);
    sgl_arena_done(&arena);
    sgl_arena_done(&full);
}

/* ---- who is asked ---- */

static void test_authority(void **state)
{
    static const struct {
        const char *rule, *name, *zone, *want; /* zone and servers */
    } rows[] = {
        {"the zone's own servers", "app.test",
         "NS ns.app.test\nns.app.test A 192.0.2.1\nns.app.test AAAA 2001:db8::1",
         "app.test 192.0.2.1 2001:db8::1; ns.app.test (192.0.2.1), 2"},
        {"of each family of a server's addresses the first two", "app.test",
         "NS ns.app.test\nNS two.app.test\nns.app.test A 192.0.2.1\nns.app.test A 192.0.2.2\n"
         "ns.app.test A 192.0.2.3\nns.app.test AAAA 2001:db8::1\ntwo.app.test AAAA 2001:db8::2",
         "app.test 192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2; ns.app.test (192.0.2.1), 3; "
         "two.app.test (2001:db8::2), 1"},
        {"those of the zone that a subdomain lies in", "a.b.app.test",
         "a.b.app.test NODATA\nb.app.test NODATA\napp.test NS ns.app.test\nns.app.test A 192.0.2.1",
         "app.test 192.0.2.1; ns.app.test (192.0.2.1), 1"},
        {"those of the parent, where the zone's own cannot be found out", "app.test",
         "SERVFAIL NS\ntest NS ns.test\nns.test A 192.0.2.2",
         "test 192.0.2.2; ns.test (192.0.2.2), 1"},
        {"a name that does not exist is its parent's matter", "new.test",
         "new.test NXDOMAIN\ntest NS ns.test\nns.test A 192.0.2.2",
         "test 192.0.2.2; ns.test (192.0.2.2), 1"},
        {"a server without an address is left out", "app.test",
         "NS ns.app.test\nNS gone.test\nns.app.test A 192.0.2.1\ngone.test NXDOMAIN",
         "app.test 192.0.2.1; ns.app.test (192.0.2.1), 1"},
        {"six servers at most", "app.test",
         "NS a.ns.test\nNS b.ns.test\nNS c.ns.test\nNS d.ns.test\nNS e.ns.test\nNS f.ns.test\n"
         "NS g.ns.test\na.ns.test A 192.0.2.1\nb.ns.test NXDOMAIN\nc.ns.test A 192.0.2.3\n"
         "d.ns.test NODATA\ne.ns.test SERVFAIL\nf.ns.test A 192.0.2.6\ng.ns.test A 192.0.2.7",
         "app.test 192.0.2.1 192.0.2.3 192.0.2.6; a.ns.test (192.0.2.1), 1; "
         "c.ns.test (192.0.2.3), 1; f.ns.test (192.0.2.6), 1"},
        {"none at all", "app.test", "app.test NXDOMAIN\ntest NXDOMAIN", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int driver = 0; driver < DNS_DRIVERS; driver++) {
            struct dns_fixture fx = dns_fixture_init(rows[i].name, rows[i].zone);
            struct sgl_buf got = SGL_BUF_INIT(2000);
            struct authority a;

            while (authority_find(fx.name, &fx.dns, &a) == SGL_NEED_DNS)
                dns_fixture_step(&fx, (enum dns_driver)driver);
            sgl_buf_add(&got, a.zone.text);
            for (size_t n = 0; n < a.servers; n++)
                sgl_buf_addf(&got, " %s", a.server[n]);
            for (size_t n = 0; n < a.hosts; n++) {
                char where[AUTHORITY_WHERE_SIZE];

                authority_where(&a, n, where);
                sgl_buf_addf(&got, "; %s, %zu", where, a.host[n].count);
                CHECK_TRUE(rows[i].rule, a.host[n].first + a.host[n].count <= a.servers);
            }
            CHECK_VIEW(rows[i].rule, sgl_buf_view(&got), sgl_view_cstr(rows[i].want));
            sgl_buf_done(&got);
            dns_fixture_done(&fx);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_record),   cmocka_unit_test(test_texts),
        cmocka_unit_test(test_several_rows), cmocka_unit_test(test_no_row),
        cmocka_unit_test(test_authority),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
