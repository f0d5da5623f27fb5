/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions in memory: equal ones are one row, there is an end to them, and none is forgotten. */
#include "../../server/reports/session.h"

#include <string.h>

#include "check.h"
#include "fail_alloc.h"

#define V(s) sgl_view_cstr(s)

static struct tlsrpt_count a_count(const char *domain, const char *result, const char *host)
{
    return (struct tlsrpt_count){.day = 1,
                                 .domain = V(domain),
                                 .policy = {.type = 1, .strings = V("3 1 1 ab"), .mx = V("m")},
                                 .result = V(result),
                                 .sending = V("1.1.1.1"),
                                 .host = V(host),
                                 .receiving = V("2.2.2.2"),
                                 .reason = V("why"),
                                 .sessions = 1,
                                 .due_at = 7};
}

static void add(struct tally *t, const struct tlsrpt_count *c)
{
    struct tally_count count;

    session_count(c, &count);
    tally_add(t, &count);
}

static uint64_t sum(const struct tlsrpt_count *c, size_t n)
{
    uint64_t all = 0;

    for (size_t i = 0; i < n; i++)
        all += c[i].sessions;
    return all;
}

static void equal_ones_are_one(void **state)
{
    static struct tally t = {.form = &session_form};
    struct tally_row *rows = NULL;
    struct tlsrpt_count c = a_count("a.test", "", "x"), *taken;
    size_t n = 0;

    (void)state;
    add(&t, &c);
    c.host = V("y"); /* of a success nobody asks where */
    add(&t, &c);
    c = a_count("a.test", "certificate-expired", "x");
    add(&t, &c);
    add(&t, &c);
    c.host = V("y");
    add(&t, &c);
    c.day = 2;
    add(&t, &c);
    c.policy.type = 2;
    add(&t, &c);
    c.policy.mx = V("n");
    add(&t, &c);
    taken = tally_take(&t, &rows, &n);
    assert_non_null(taken);
    CHECK_EQ("rows", n, 6);
    CHECK_EQ("sessions", sum(taken, n), 8);
    for (size_t i = 0; i < n; i++)
        CHECK_TRUE("a success has no host", taken[i].result.len > 0 || taken[i].host.len == 0);
    assert_null(tally_take(&t, &rows, &n));
    tally_return(&t, rows); /* the store did not take them */
    tally_taken(rows, taken);
    taken = tally_take(&t, &rows, &n);
    CHECK_EQ("rows", n, 6);
    CHECK_EQ("sessions", sum(taken, n), 8);
    tally_taken(rows, taken);
}

static void there_is_an_end(void **state)
{
    static struct tally t = {.form = &session_form};
    struct tally_row *rows = NULL;
    struct tlsrpt_count *taken;
    size_t n = 0, bare = 0;

    (void)state;
    for (unsigned i = 0; i < TALLY_ROWS_MAX + 1000; i++) {
        char host[32];
        struct tlsrpt_count c;

        snprintf(host, sizeof(host), "h%u", i);
        c = a_count("a.test", "tlsa-invalid", host);
        add(&t, &c);
    }
    for (unsigned i = 0; i < 2 * TALLY_ROWS_MAX; i++) {
        char domain[32];
        struct tlsrpt_count c;

        snprintf(domain, sizeof(domain), "d%u.test", i);
        c = a_count(domain, "tlsa-invalid", "h");
        add(&t, &c);
    }
    taken = tally_take(&t, &rows, &n);
    CHECK_EQ("rows", n, 2 * TALLY_ROWS_MAX);
    CHECK_EQ("none is forgotten", sum(taken, n) + t.lost, 3 * TALLY_ROWS_MAX + 1000);
    for (size_t i = 0; i < n; i++)
        bare += taken[i].host.len == 0;
    CHECK_EQ("the later ones have no addresses", bare, TALLY_ROWS_MAX);
    tally_taken(rows, taken);
}

/* Domains with long policies. */
static void and_an_end_in_bytes(void **state)
{
    static struct tally t = {.form = &session_form};
    static char strings[(16 << 10) + 1];
    struct tally_row *rows = NULL;
    struct tlsrpt_count *taken, last;
    size_t n = 0, bytes = 0, added = TALLY_BYTES_MAX / (16 << 10) + 100;

    (void)state;
    memset(strings, 'x', sizeof(strings) - 1);
    for (size_t i = 0; i < added; i++) {
        char domain[32];
        struct tlsrpt_count c;

        snprintf(domain, sizeof(domain), "d%zu.test", i);
        c = a_count(domain, "", "");
        c.policy.strings = V(strings);
        add(&t, &c);
    }
    CHECK_TRUE("some had no room", t.lost > 0);
    taken = tally_take(&t, &rows, &n);
    for (size_t i = 0; i < n; i++)
        bytes += taken[i].policy.strings.len;
    CHECK_TRUE("bounded", bytes <= TALLY_BYTES_MAX && bytes > TALLY_BYTES_MAX / 2);
    CHECK_EQ("none is forgotten", sum(taken, n) + t.lost, added);
    tally_taken(rows, taken);
    t.lost = 0;
    last = a_count("a.test", "", "");
    add(&t, &last);
    CHECK_EQ("then there is room again", t.lost, 0);
    tally_done(&t);
}

static void no_memory(void **state)
{
    (void)state;
    for (size_t round = 1; fail_alloc_round(round); round++) {
        static struct tally t = {.form = &session_form};
        struct tally_row *rows = NULL;
        struct tlsrpt_count c = a_count("a.test", "tlsa-invalid", "x"), *taken;
        size_t n = 0;

        t.lost = 0;
        add(&t, &c);
        add(&t, &c);
        taken = tally_take(&t, &rows, &n);
        if (taken == NULL)
            taken = tally_take(&t, &rows, &n); /* it stayed as it was */
        CHECK_EQ("none is forgotten", (taken == NULL ? 0 : sum(taken, n)) + t.lost, 2);
        if (taken != NULL)
            tally_taken(rows, taken);
        tally_done(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_ones_are_one),
        cmocka_unit_test(there_is_an_end),
        cmocka_unit_test(and_an_end_in_bytes),
        cmocka_unit_test(no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
