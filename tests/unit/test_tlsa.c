/* SPDX-License-Identifier: Apache-2.0 */
/* Which TLSA records are to be published, and which may go.  [RFC 7671 s8.1] */
#include "../../server/certs/tlsa.h"

#include <stdlib.h>

#include "check.h"
#include "fail_alloc.h"

#define NAME "_25._tcp.mx.a.test"

static const uint8_t a[32] = {1}, b[32] = {2};
static bool on = true;

static bool publishes(const void *ctx, const char *certificate)
{
    (void)ctx;
    return on && strcmp(certificate, "mx") == 0;
}

/* From now on these are ours. */
static bool wanted(struct tlsa *t, int64_t now_s, const uint8_t *one, const uint8_t *two)
{
    struct tlsa_want w = {NAME, "mx", one, 60};
    bool done = true;

    tlsa_begin(t);
    if (one != NULL)
        done = tlsa_want(t, &w);
    w.hash = two;
    if (two != NULL)
        done = tlsa_want(t, &w) && done;
    tlsa_end(t, now_s, publishes, NULL);
    return done;
}

static const bool none[TLSA_KEYS_MAX] = {false};

/* The store has it, and the zone. */
static void published(struct tlsa_set *s, uint32_t ttl_s, int64_t now_s)
{
    s->kept = true;
    s->due_s = now_s + 1;
    tlsa_told(s, TLSA_DONE, ttl_s, none, now_s);
}

static void a_record_goes_when_its_key_is_out_of_use_for_twice_the_ttl(void **state)
{
    struct tlsa t = {.sets = 0};
    bool first[TLSA_KEYS_MAX] = {true};
    struct tlsa_set *s;

    (void)state;
    on = true;
    CHECK_TRUE("wanted", wanted(&t, 1000, a, b));
    s = tlsa_find(&t, NAME);
    CHECK_TRUE("is to be done at once, after the store", tlsa_next(&t, 1000) == s && !s->kept);
    published(s, 50, 1000);
    CHECK_TRUE("rests", tlsa_next(&t, 4599) == NULL && tlsa_next(&t, 4600) == s);
    CHECK_TRUE("in use", !tlsa_may_go(s, &s->key[0], 999999));
    CHECK_TRUE("the other alone", wanted(&t, 2000, b, NULL));
    CHECK_TRUE("is to be kept", tlsa_next(&t, 2000) == s && !s->kept);
    CHECK_EQ("out of use since", s->key[0].gone_s, 2000);
    CHECK_TRUE("again", wanted(&t, 2100, b, NULL));
    CHECK_EQ("not since later", s->key[0].gone_s, 2000);
    CHECK_TRUE("not yet", !tlsa_may_go(s, &s->key[0], 2119));
    CHECK_TRUE("now", tlsa_may_go(s, &s->key[0], 2120));
    CHECK_TRUE("the one in use stays", !tlsa_may_go(s, &s->key[1], 2120));
    published(s, 100, 2050);
    CHECK_TRUE("a longer TTL counts", !tlsa_may_go(s, &s->key[0], 2199));
    s->kept = true;
    s->due_s = 2051;
    tlsa_told(s, TLSA_DONE, 100, none, 2051);
    CHECK_EQ("it is looked at then", s->due_s, 2200);
    tlsa_told(s, TLSA_DONE, 100, first, 2200);
    CHECK_EQ("one is left", s->keys, 1);
    CHECK_TRUE("the right one", memcmp(s->key[0].hash, b, 32) == 0 && !s->kept);
    tlsa_done(&t);
}

static void a_key_that_comes_back_stays(void **state)
{
    struct tlsa t = {.sets = 0};
    bool first[TLSA_KEYS_MAX] = {true};
    struct tlsa_set *s;

    (void)state;
    on = true;
    CHECK_TRUE("both", wanted(&t, 1000, a, b));
    s = tlsa_find(&t, NAME);
    published(s, 60, 1000);
    CHECK_TRUE("gone", wanted(&t, 2000, b, NULL) && s->key[0].gone_s == 2000);
    CHECK_TRUE("back", wanted(&t, 3000, b, a) && s->key[0].gone_s == 0);
    CHECK_TRUE("published again", tlsa_next(&t, 3000) == s && !s->kept);
    tlsa_told(s, TLSA_DONE, 60, first, 3000);
    CHECK_EQ("not forgotten", s->keys, 2);
    tlsa_done(&t);
}

static void what_is_switched_off_is_left_alone(void **state)
{
    struct tlsa t = {.sets = 0};
    struct tlsa_set *s;

    (void)state;
    on = true;
    CHECK_TRUE("wanted", wanted(&t, 1000, a, NULL));
    s = tlsa_find(&t, NAME);
    published(s, 60, 1000);
    on = false;
    CHECK_TRUE("off", wanted(&t, 2000, NULL, NULL));
    CHECK_EQ("not gone", s->key[0].gone_s, 0);
    CHECK_TRUE("nothing is done", tlsa_next(&t, 9999999) == NULL);
    on = true;
    CHECK_TRUE("on, with another key", wanted(&t, 3000, b, NULL));
    CHECK_EQ("out of use as far as is known", s->key[0].gone_s, 3000);
    tlsa_done(&t);
}

static void a_failure_changes_nothing_and_is_tried_again_later_each_time(void **state)
{
    struct tlsa t = {.sets = 0};
    bool all[TLSA_KEYS_MAX] = {true, true};
    struct tlsa_set *s;

    (void)state;
    on = true;
    CHECK_TRUE("wanted", wanted(&t, 1000, a, b) && wanted(&t, 1001, b, NULL));
    s = tlsa_find(&t, NAME);
    s->there = true;
    s->due_s = 2;
    for (int i = 0; i < 12; i++) {
        tlsa_told(s, TLSA_FAILED, 0, all, 5000);
        CHECK_EQ("later", s->due_s, 5000 + (10 << (i < 8 ? i : 8)));
        CHECK_EQ("all are remembered", s->keys, 2);
    }
    CHECK_TRUE("without an answer it may be there", s->there);
    tlsa_told(s, TLSA_REFUSED, 0, all, 5000);
    CHECK_TRUE("refused, it never was", !s->there);
    published(s, 60, 6000);
    tlsa_told(s, TLSA_REFUSED, 0, all, 6000);
    CHECK_TRUE("it was there before", s->there);
    CHECK_EQ("from the beginning", s->due_s, 6010);
    tlsa_done(&t);
}

static void there_is_an_end(void **state)
{
    struct tlsa t = {.sets = 0};
    char name[TLSA_NAME + 1];
    uint8_t hash[32] = {0};
    struct tlsa_want w = {NAME, "mx", hash, 60};

    (void)state;
    for (size_t i = 0; i <= TLSA_KEYS_MAX; i++) {
        hash[0] = (uint8_t)i;
        CHECK_EQ("keys", tlsa_want(&t, &w), i < TLSA_KEYS_MAX);
    }
    for (size_t i = 1; i <= TLSA_SETS_MAX; i++) {
        snprintf(name, sizeof(name), "_%zu._tcp.a.test", i);
        CHECK_EQ("names", tlsa_add(&t, name, "mx") != NULL, i < TLSA_SETS_MAX);
    }
    tlsa_forget(&t, &t.set[0]);
    CHECK_TRUE("the others stay", tlsa_find(&t, "_1._tcp.a.test") == &t.set[0]);
    memset(name, 'x', TLSA_NAME);
    name[TLSA_NAME] = '\0';
    CHECK_TRUE("too long", tlsa_add(&t, name, "mx") == NULL);
    tlsa_done(&t);
}

static void memory_ends(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct tlsa t = {.sets = 0};
        bool done = wanted(&t, 1000, a, b);

        CHECK_TRUE("all or nothing", (t.sets == 1 && t.set[0].keys == 2) == done);
        tlsa_done(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_goes_when_its_key_is_out_of_use_for_twice_the_ttl),
        cmocka_unit_test(a_key_that_comes_back_stays),
        cmocka_unit_test(what_is_switched_off_is_left_alone),
        cmocka_unit_test(a_failure_changes_nothing_and_is_tried_again_later_each_time),
        cmocka_unit_test(there_is_an_end),
        cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
