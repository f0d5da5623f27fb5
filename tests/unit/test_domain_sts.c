/* SPDX-License-Identifier: Apache-2.0 */
/* The MTA-STS policy that a domain keeps here, and when it may go. */
#include <time.h>

#include "../../server/directory/domain_internal.h"
#include "check.h"
#include "directory_fixture.h"

#define HEAD    "version: STSv1\r\nmode: "
#define ENFORCE HEAD "enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n"
#define TESTING HEAD "testing\r\nmx: mx.example.org\r\nmax_age: 86400\r\n"
#define NONE    HEAD "none\r\nmax_age: 86400\r\n"

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

static struct domain *domain_with(const char *policy, int64_t until_s)
{
    struct domain *d = domain_new(SGL_LIT("example.org"), SGL_LIT("default"), 0);

    free(d->sts_policy);
    d->sts_policy = strdup(policy);
    d->sts_until_s = until_s;
    return d;
}

/* [RFC 8461 s8.3] */
static void what_is_remembered_is_not_forgotten(void **state)
{
    static const struct {
        const char *rule, *was;
        int64_t until_s;
        const char *becomes;
        bool forget, done;
        int64_t then_s;
    } rows[] = {
        {"a first one", "", 0, ENFORCE, false, true, 0},
        {"the same one", ENFORCE, 0, ENFORCE, false, true, 0},
        {"none, while the former one is remembered", ENFORCE, 0, NONE, false, true, 605800},
        {"from testing to enforce", TESTING, 0, ENFORCE, false, true, 87400},
        {"what is remembered longer stays so", TESTING, 900000, ENFORCE, false, true, 900000},
        {"off is refused while it asks for something", ENFORCE, 0, "", false, false, 0},
        {"off is refused while it tests", TESTING, 0, "", false, false, 0},
        {"off is refused while a former one is remembered", NONE, 1001, "", false, false, 1001},
        {"off, when that is over", NONE, 1000, "", false, true, 0},
        {"off, by force", ENFORCE, 0, "", true, true, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct domain *d = domain_with(rows[i].was, rows[i].until_s);
        struct domain_change dc = {.sts_policy = sgl_view_cstr(rows[i].becomes),
                                   .sts_forget = rows[i].forget};
        const char *why = domain_sts_set(d, &dc, 1000);

        CHECK_EQ(rows[i].rule, why == NULL, rows[i].done);
        CHECK_STR(rows[i].rule, d->sts_policy, rows[i].done ? rows[i].becomes : rows[i].was);
        CHECK_EQ(rows[i].rule, d->sts_until_s, rows[i].then_s);
        domain_unref(d);
    }
}

/* [RFC 8461 s3.1] */
static void another_text_has_another_id(void **state)
{
    struct domain *d = domain_with("", 0), *e = domain_with(ENFORCE, 0),
                  *f = domain_with(TESTING, 0), *again = domain_with(ENFORCE, 7);
    char id[4][DOMAIN_STS_ID_SIZE];

    (void)state;
    domain_sts_id(d, id[0]);
    domain_sts_id(e, id[1]);
    domain_sts_id(f, id[2]);
    domain_sts_id(again, id[3]);
    CHECK_STR("without a policy there is none", id[0], "");
    CHECK_EQ("letters and digits", strspn(id[1], "0123456789abcdef"), 20);
    CHECK_TRUE("another one", strcmp(id[1], id[2]) != 0);
    CHECK_STR("the same one", id[1], id[3]);
    domain_unref(d);
    domain_unref(e);
    domain_unref(f);
    domain_unref(again);
}

static struct domain *named(struct directory_fixture *f, const char *name)
{
    struct domain *d = directory_domain(f->directory, sgl_view_cstr(name));

    assert_non_null(d);
    return d;
}

static void it_is_kept_with_its_domain(void **state)
{
    struct domain_change dc = {.sts_policy = SGL_LIT(ENFORCE)},
                         none = {.sts_policy = SGL_LIT(NONE)},
                         parked = {.set_kind = true, .kind = DOMAIN_PARKED};
    struct directory_change c = {.noun = DIRECTORY_DOMAIN,
                                 .verb = DIRECTORY_CHANGE,
                                 .name = SGL_LIT("example.org"),
                                 .domain_change = &dc};
    struct directory_fixture *f = *state;
    struct domain *d;

    assert_int_equal(fixture_domain(f, "example.org", false), DIRECTORY_OK);
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    c.domain_change = &none;
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    fixture_close(f);
    fixture_open(f);
    d = named(f, "example.org");
    CHECK_STR("its text", d->sts_policy, NONE);
    CHECK_TRUE("the former one", d->sts_until_s > time(NULL) + 604700);
    domain_unref(d);
    c.domain_change = &parked;
    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    c.domain_change = &dc;
    CHECK_EQ("a parked domain has none", fixture_change(f, &c), DIRECTORY_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_remembered_is_not_forgotten),
        cmocka_unit_test(another_text_has_another_id),
        cmocka_unit_test_setup_teardown(it_is_kept_with_its_domain, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
