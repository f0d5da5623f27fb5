/* SPDX-License-Identifier: Apache-2.0 */
/* Guesses of a password: counted by user and address, slowed down, and nobody else's trouble. */
#include "../../server/doors/smtp/peers.h"
#include "check.h"

static struct sgl_ip ip(const char *text)
{
    struct sgl_ip out;

    assert_int_equal(sgl_ip_parse(sgl_view_cstr(text), &out), SGL_OK);
    return out;
}

static void test_guesses(void **state)
{
    struct peers *p = peers_new();
    struct sgl_ip here = ip("192.0.2.1"), there = ip("192.0.2.2");
    sgl_view lob = SGL_LIT("lob@example.org");
    uint64_t now = 5000000;

    (void)state;
    assert_non_null(p);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ("ten guesses are looked at", peers_pause_ms(p, &here, lob, now), 0);
        peers_guessed(p, &here, lob, false, now);
    }
    CHECK_EQ("then there is a pause", peers_pause_ms(p, &here, lob, now), 8000);
    CHECK_EQ("in whatever case the name is",
             peers_pause_ms(p, &here, SGL_LIT("LOB@example.org"), now), 8000);
    CHECK_EQ("not for another address", peers_pause_ms(p, &there, lob, now), 0);
    CHECK_EQ("nor for another user", peers_pause_ms(p, &here, SGL_LIT("bob"), now), 0);
    CHECK_EQ("it ends", peers_pause_ms(p, &here, lob, now + 8000), 0);
    peers_guessed(p, &here, lob, false, now + 8000);
    CHECK_EQ("the next one is twice as long", peers_pause_ms(p, &here, lob, now + 8000), 16000);
    for (int i = 0; i < 40; i++)
        peers_guessed(p, &here, lob, false, now + 9000);
    CHECK_EQ("up to ten minutes", peers_pause_ms(p, &here, lob, now + 9000), 600000);
    peers_guessed(p, &here, lob, true, now + 10000);
    CHECK_EQ("a right one ends it", peers_pause_ms(p, &here, lob, now + 10000), 0);
    peers_free(p);
}

static void test_neighbours(void **state)
{
    struct peers *p = peers_new();
    struct sgl_ip one = ip("2001:db8::1"), same = ip("2001:db8::ffff:1"),
                  next = ip("2001:db8:0:1::1");

    (void)state;
    for (int i = 0; i < 10; i++)
        peers_guessed(p, &one, SGL_LIT("app"), false, 1000);
    CHECK_TRUE("a /64 is one address", peers_pause_ms(p, &same, SGL_LIT("app"), 1000) > 0);
    CHECK_EQ("another /64 is another", peers_pause_ms(p, &next, SGL_LIT("app"), 1000), 0);
    peers_free(p);
}

/* Loops read their clocks before they wait for the lock: the later one to get it may have the older time. */
static void test_clocks(void **state)
{
    struct peers *p = peers_new();
    struct sgl_ip here = ip("192.0.2.1");
    sgl_view app = SGL_LIT("app");

    (void)state;
    for (int i = 0; i < 10; i++) {
        peers_guessed(p, &here, app, false, 1001);
        peers_failed(p, &here, 1001);
    }
    peers_guessed(p, &here, app, false, 1000);
    peers_failed(p, &here, 1000);
    CHECK_TRUE("guesses stay counted", peers_pause_ms(p, &here, app, 1000) > 0);
    CHECK_EQ("failures, too", peers_failures(p, &here, 1000), 11);
    CHECK_EQ("until they are old", peers_failures(p, &here, 1001 + 600001), 0);
    peers_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guesses),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_clocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
