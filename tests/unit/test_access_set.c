/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of addresses: what is in them, in either case; many, removed again; and each allocation made to fail. */
#include "../../server/access/access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fail_alloc.h"

static struct access_address address(const char *text)
{
    struct access_address a;
    const char *why;

    if (access_address_parse(sgl_view_cstr(text), &a, &why) != SGL_OK)
        fail_msg("%s: %s", text, why);
    return a;
}

static bool add(struct access_set *s, const char *text)
{
    struct access_address a = address(text);

    return access_set_add(s, &a);
}

static const char *find(const struct access_set *s, const char *text, bool exact)
{
    struct access_address a = address(text);
    const char *found = access_set_find(s, &a, exact);

    return found == NULL ? "none" : found;
}

static void test_members(void **state)
{
    static const struct {
        const char *name, *address, *any_case, *exact;
    } rows[] = {
        {"a member", "info@example.org", "info@example.org", "info@example.org"},
        {"the case of ASCII letters does not count, unless it does", "INFO@example.org",
         "info@example.org", "none"},
        {"a member is found as it was written", "news@example.org", "News@example.org", "none"},
        {"that of a domain never does", "info@EXAMPLE.org", "info@example.org", "info@example.org"},
        {"another address of the domain", "other@example.org", "none", "none"},
        {"any address of a whole domain", "any@whole.example", "@whole.example", "@whole.example"},
        {"but the address itself comes first", "some@whole.example", "some@whole.example",
         "some@whole.example"},
        {"a subdomain is another domain", "any@sub.whole.example", "none", "none"},
        {"a longer name is another domain", "any@awhole.example", "none", "none"},
        {"quotes that need not be are not there", "\"info\"@example.org", "info@example.org",
         "info@example.org"},
        {"a U-label is its A-label",
         "a@b\xc3\xbc"
         "cher.example",
         "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"},
        {"UTF-8 in its own bytes", "j\xc3\xb6rg@example.org", "j\xc3\xb6rg@example.org",
         "j\xc3\xb6rg@example.org"},
        {"a letter and a mark are other bytes", "jo\xcc\x88rg@example.org", "none", "none"},
        {"upper case beyond ASCII is another letter", "j\xc3\x96rg@example.org", "none", "none"},
        {"a Cyrillic i is another letter", "\xd1\x96nfo@example.org", "none", "none"},
        {"a dotless i is another letter", "\xc4\xb1nfo@example.org", "none", "none"},
        {"a full-width letter is another one", "\xef\xbd\x89nfo@example.org", "none", "none"},
        {"a zero-width space is a letter more",
         "in\xe2\x80\x8b"
         "fo@example.org",
         "none", "none"},
        {"a tag makes another address", "info+x@example.org", "none", "none"},
        {"a dot makes another address", "in.fo@example.org", "none", "none"},
    };
    struct access_set s;

    (void)state;
    access_set_init(&s);
    CHECK_STR("an empty set has none", find(&s, "info@example.org", false), "none");
    assert_true(add(&s, "info@example.org") && add(&s, "News@example.org"));
    assert_true(add(&s, "*@whole.example") && add(&s, "some@whole.example"));
    assert_true(add(&s, "a@xn--bcher-kva.example") && add(&s, "j\xc3\xb6rg@example.org"));
    assert_true(add(&s, "info@example.org"));
    CHECK_EQ("one that comes again is one", s.used, 6);
    CHECK_EQ("domains are counted", s.wholes, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_STR(rows[i].name, find(&s, rows[i].address, false), rows[i].any_case);
        CHECK_STR(rows[i].name, find(&s, rows[i].address, true), rows[i].exact);
    }
    access_set_done(&s);
}

static void name_of(unsigned n, char out[64])
{
    snprintf(out, 64, "%s%u@d%u.example", n % 3 == 0 ? "User" : "user", n, n % 50);
}

/* Members i with i % 3 == leave are there, and in the order they came. */
static void check_left(const struct access_set *s, unsigned count, unsigned leave)
{
    const char *m = NULL;
    char text[64];

    for (unsigned i = 0; i < count; i++) {
        name_of(i, text);
        if (i % 3 == leave) {
            m = access_set_next(s, m);
            CHECK_TRUE("members come in their order", m != NULL && strcmp(m, text) == 0);
        }
        CHECK_STR("it is there, or not", find(s, text, true), i % 3 == leave ? text : "none");
    }
    CHECK_TRUE("there are no others", access_set_next(s, m) == NULL);
}

static void test_many(void **state)
{
    const unsigned count = 10000;
    struct access_set s, copy;
    struct access_address a;
    char text[64];

    (void)state;
    access_set_init(&s);
    access_set_init(&copy);
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < count; i++) {
            name_of(i, text);
            if (i % 3 != 1 || round == 0)
                assert_true(add(&s, text));
        }
        CHECK_EQ("all are there", s.used, count);
        for (unsigned i = 0; i < count; i++) {
            name_of(i, text);
            a = address(text);
            if (i % 3 != 1)
                CHECK_TRUE("what is there is removed", access_set_remove(&s, &a));
            if (i % 3 != 1)
                CHECK_TRUE("and only once", !access_set_remove(&s, &a));
        }
        check_left(&s, count, 1);
    }
    CHECK_TRUE("holes are filled again", s.text_room < count * 64);
    assert_true(access_set_copy(&copy, &s));
    access_set_done(&s);
    check_left(&copy, count, 1);
    access_set_done(&copy);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n);) {
        struct access_set s, copy;
        char text[64];
        bool fine = true;

        access_set_init(&s);
        access_set_init(&copy);
        for (unsigned i = 0; i < 40; i++) {
            struct access_address a;
            size_t before = s.used;

            name_of(i, text);
            fail_alloc_off();
            a = address(text);
            fail_alloc_on();
            if (!access_set_add(&s, &a)) {
                fine = false;
                CHECK_EQ("the set is as it was", s.used, before);
                CHECK_TRUE("it is not there", access_set_find(&s, &a, true) == NULL);
                CHECK_TRUE("later it is", access_set_add(&s, &a));
            }
            CHECK_TRUE("it is there", access_set_find(&s, &a, true) != NULL);
        }
        if (!access_set_copy(&copy, &s)) {
            fine = false;
            CHECK_EQ("no copy", copy.used, 0);
        }
        CHECK_EQ("a failure is told", fine, !fail_alloc_hit());
        access_set_done(&s);
        access_set_done(&copy);
        n++;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
