/* SPDX-License-Identifier: Apache-2.0 */
/* Rolling windows: by their edges, and against a slow counter that keeps every charge. */
#include "check.h"
#include "fail_alloc.h"

#include <stdlib.h>
#include <string.h>

#include "../../server/limits/counter.h"

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

static struct limit_charge charge_of(uint64_t messages, uint64_t rcpts, uint64_t bytes)
{
    return (struct limit_charge){.n = {messages, rcpts, rcpts / 2, rcpts - rcpts / 2, bytes}};
}

static int64_t charge_at(struct counter *c, int64_t now, uint64_t messages)
{
    struct limit_charge charge = charge_of(messages, messages, messages);
    int64_t at = -1;

    assert_true(counter_add(c, now, &charge, &at));
    return at;
}

/* ---- edges ---- */

static void test_edges(void **state)
{
    static const struct {
        const char *name;
        enum limit_window w;
        int64_t ms;
    } rows[] = {{"a minute is a minute to the millisecond", LIMIT_MINUTE, 60000},
                {"an hour is an hour to the millisecond", LIMIT_HOUR, HOUR},
                {"a day is a day to the millisecond", LIMIT_DAY, DAY}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct counter c = {0};

        charge_at(&c, 1000, 2);
        charge_at(&c, 1500, 1);
        CHECK_EQ(rows[i].name, counter_frees_ms(&c, rows[i].w, LIMIT_MESSAGES, 1, 3),
                 1000 + rows[i].ms);
        CHECK_EQ("what waits for the second charge", 1500 + rows[i].ms,
                 counter_frees_ms(&c, rows[i].w, LIMIT_MESSAGES, 3, 3));
        CHECK_EQ("what fits now", counter_frees_ms(&c, rows[i].w, LIMIT_MESSAGES, 1, 4), 1500);
        CHECK_EQ("what never fits", counter_frees_ms(&c, rows[i].w, LIMIT_MESSAGES, 5, 4), -1);
        counter_advance(&c, 1000 + rows[i].ms - 1);
        CHECK_EQ("a millisecond before it counts", c.sum[rows[i].w].n[LIMIT_MESSAGES], 3);
        counter_advance(&c, 1000 + rows[i].ms);
        CHECK_EQ("at the edge it does not", c.sum[rows[i].w].n[LIMIT_MESSAGES], 1);
        counter_advance(&c, 1500 + rows[i].ms);
        CHECK_EQ("nor the second at its own", c.sum[rows[i].w].n[LIMIT_MESSAGES], 0);
        counter_done(&c);
    }
}

static void test_clock_back(void **state)
{
    struct counter c = {0};

    (void)state;
    charge_at(&c, 100000, 1);
    CHECK_EQ("a clock that steps back stands still", charge_at(&c, 1, 1), 100000);
    CHECK_EQ("and both count", c.sum[LIMIT_MINUTE].n[LIMIT_MESSAGES], 2);
    CHECK_EQ("one millisecond is one entry", c.end, 1);
    counter_advance(&c, 160000);
    CHECK_EQ("until they leave together", c.sum[LIMIT_MINUTE].n[LIMIT_MESSAGES], 0);
    counter_done(&c);
}

static void test_give_back(void **state)
{
    struct counter c = {0};
    struct limit_charge one = charge_of(1, 1, 1);
    int64_t at = charge_at(&c, 1000, 1);

    (void)state;
    charge_at(&c, 2000, 1);
    counter_advance(&c, 61500);
    counter_give_back(&c, at, &one);
    CHECK_EQ("what has left the minute does not leave it twice",
             c.sum[LIMIT_MINUTE].n[LIMIT_MESSAGES], 1);
    CHECK_EQ("the hour has it back", c.sum[LIMIT_HOUR].n[LIMIT_MESSAGES], 1);
    counter_advance(&c, 2000 + DAY);
    counter_give_back(&c, 2000, &one);
    CHECK_EQ("after a day there is nothing to give back", c.sum[LIMIT_DAY].n[LIMIT_MESSAGES], 0);
    counter_done(&c);
}

/* ---- the slow counter ---- */

struct slow {
    struct slow_charge {
        int64_t at;
        struct limit_charge charge;
    } * list;
    size_t count, room;
};

static void slow_add(struct slow *s, int64_t at, const struct limit_charge *charge)
{
    if (s->count == s->room) {
        s->room = s->room * 2 + 64;
        s->list = realloc(s->list, s->room * sizeof(*s->list));
        assert_non_null(s->list);
    }
    s->list[s->count++] = (struct slow_charge){at, *charge};
}

static uint64_t slow_sum(const struct slow *s, int64_t now, int64_t window, enum limit_what what)
{
    uint64_t sum = 0;

    for (size_t i = s->count; i > 0 && s->list[i - 1].at > now - window; i--)
        if (s->list[i - 1].at <= now)
            sum += s->list[i - 1].charge.n[what];
    return sum;
}

/* The sums only change when a charge leaves: those moments are tried in their order. */
static int64_t slow_frees(const struct slow *s, int64_t now, enum limit_window w,
                          enum limit_what what, uint64_t want, uint64_t max)
{
    int64_t window = counter_window_ms(w);
    uint64_t sum = slow_sum(s, now, window, what);

    if (want > max)
        return -1;
    if (sum + want <= max)
        return now;
    for (size_t i = 0; i < s->count; i++) {
        if (s->list[i].at <= now - window)
            continue;
        sum -= s->list[i].charge.n[what];
        if (sum + want <= max && (i + 1 == s->count || s->list[i + 1].at != s->list[i].at))
            return s->list[i].at + window;
    }
    return -2;
}

static uint64_t random_state;
static uint64_t random_below(uint64_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 33) % n;
}

/* Mostly small steps, sometimes to an edge, sometimes long, sometimes back. */
static int64_t random_time(const struct slow *s, int64_t now)
{
    static const int64_t window[] = {60000, HOUR, DAY};

    switch (random_below(8)) {
    case 0:
        return now - (int64_t)random_below(100000);
    case 1:
        return now + (int64_t)random_below(HOUR / 2);
    case 2:
        if (s->count > 0) {
            const struct slow_charge *some = &s->list[random_below(s->count)];
            int64_t edge = some->at + window[random_below(3)] - (int64_t)random_below(2);

            return edge < now + DAY / 4 ? edge : now;
        }
        return now;
    case 3:
        return now + 60000 - (int64_t)random_below(3);
    default:
        return now + (int64_t)random_below(2000);
    }
}

static void compare(const struct counter *c, const struct slow *s, uint64_t round)
{
    char name[64];

    snprintf(name, sizeof(name), "seed %llu, charge %zu", (unsigned long long)round, s->count);
    for (size_t w = 0; w < LIMIT_WINDOWS; w++)
        for (size_t what = 0; what < LIMIT_WHATS; what++) {
            enum limit_window window = (enum limit_window)w;
            uint64_t sum = slow_sum(s, c->now_ms, counter_window_ms(window), (enum limit_what)what);
            uint64_t max = sum / 2 + random_below(20), want = random_below(10) + 1;

            CHECK_EQ(name, c->sum[w].n[what], sum);
            CHECK_EQ(name, counter_frees_ms(c, window, (enum limit_what)what, want, max),
                     slow_frees(s, c->now_ms, window, (enum limit_what)what, want, max));
        }
}

static void test_against_slow(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct counter c = {0};
        struct slow s = {0};
        int64_t now = (int64_t)seed * 1000000;

        counter_advance(&c, now);
        random_state = seed;
        for (size_t n = 0; n < 1500; n++) {
            struct limit_charge charge =
                charge_of(1, random_below(50) + 1, random_below(100000) + 1);
            int64_t wall = random_time(&s, now), at = -1;

            now = wall > now ? wall : now;
            assert_true(counter_add(&c, wall, &charge, &at));
            CHECK_EQ("a charge has the latest time", at, now);
            slow_add(&s, at, &charge);
            if (random_below(4) == 0) {
                counter_give_back(&c, at, &charge);
                s.count--;
            }
            if (n % 10 == 0)
                compare(&c, &s, seed);
        }
        CHECK_TRUE("the memory has its bound", c.room <= COUNTER_ENTRIES_MAX);
        counter_done(&c);
        free(s.list);
    }
}

/* ---- more moments than there are entries ---- */

static void test_never_early(void **state)
{
    struct counter c = {0};
    struct slow s = {0};
    int64_t now = 1000000;

    (void)state;
    random_state = 7;
    for (size_t n = 0; n < 30000; n++) {
        struct limit_charge charge = charge_of(1, random_below(9) + 1, 1);
        int64_t at;

        now += 1 + (int64_t)random_below(random_below(50) == 0 ? 200000 : 1500);
        assert_true(counter_add(&c, now, &charge, &at));
        slow_add(&s, at, &charge);
        CHECK_TRUE("the memory has its bound", c.room <= COUNTER_ENTRIES_MAX);
        if (n % 50 != 0)
            continue;
        for (size_t w = 0; w < LIMIT_WINDOWS; w++) {
            int64_t window = counter_window_ms((enum limit_window)w);
            uint64_t least = slow_sum(&s, now, window, LIMIT_RECIPIENTS);
            uint64_t most = slow_sum(&s, now, window + window / COUNTER_GRID + 1, LIMIT_RECIPIENTS);

            CHECK_TRUE("nothing is forgotten early", c.sum[w].n[LIMIT_RECIPIENTS] >= least);
            CHECK_TRUE("and not later than 1/512 of the window",
                       c.sum[w].n[LIMIT_RECIPIENTS] <= most);
        }
    }
    counter_advance(&c, now + DAY);
    for (size_t w = 0; w < LIMIT_WINDOWS; w++)
        CHECK_EQ("a day later all has left", c.sum[w].n[LIMIT_RECIPIENTS], 0);
    counter_done(&c);
    free(s.list);
}

static void test_give_back_merged(void **state)
{
    struct counter c = {0};
    static int64_t at[20000];
    struct limit_charge one = charge_of(1, 1, 1);

    (void)state;
    for (size_t n = 0; n < 20000; n++)
        at[n] = charge_at(&c, (int64_t)n * 1000, 1);
    for (size_t n = 0; n < 20000; n++)
        counter_give_back(&c, at[n], &one);
    for (size_t w = 0; w < LIMIT_WINDOWS; w++)
        CHECK_EQ("all that was merged can be given back", c.sum[w].n[LIMIT_MESSAGES], 0);
    counter_done(&c);
}

/* ---- memory ends ---- */

static void test_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct counter c = {0};
        struct limit_charge one = charge_of(1, 1, 1);
        int64_t at, now = 0;
        uint64_t counted = 0;

        for (; now < 200; now++)
            counted += counter_add(&c, now, &one, &at);
        CHECK_TRUE("only the first charge can find no place", counted >= 199);
        CHECK_EQ("what was counted counts", c.sum[LIMIT_MINUTE].n[LIMIT_MESSAGES], counted);
        counter_advance(&c, 60000 + 198);
        CHECK_TRUE("the last is not forgotten early", c.sum[LIMIT_MINUTE].n[LIMIT_MESSAGES] >= 1);
        counter_advance(&c, 60000 + 199);
        CHECK_EQ("nor kept", c.sum[LIMIT_MINUTE].n[LIMIT_MESSAGES], 0);
        counter_done(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),       cmocka_unit_test(test_clock_back),
        cmocka_unit_test(test_give_back),   cmocka_unit_test(test_against_slow),
        cmocka_unit_test(test_never_early), cmocka_unit_test(test_give_back_merged),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
