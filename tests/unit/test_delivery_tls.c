/* SPDX-License-Identifier: Apache-2.0 */
/* How secure a connection must be before it carries a message: opportunistic TLS, DANE, REQUIRETLS. */
#include "delivery_rows.h"

/* [RFC 7672 s2.2] */
static void opportunistic_tls(void **state)
{
    static const struct row rows[] = {
        {"opportunistic: used where offered", ONE, .one.tls = true, .want = "o", .status = "2.6.0",
         .trail = "\"tls\":\"TLSv1.3\"", .in_one = 1, .tls = 1},
        {"opportunistic: nobody is claimed to be proved", ONE, .one.tls = true, .want = "o",
         .status = "2.6.0", .trail = "\"proved\":\"nobody\"", .in_one = 1, .tls = 1},
        {"opportunistic: plain where not offered", ONE, .want = "o", .status = "2.6.0",
         .trail = "does not offer STARTTLS", .in_one = 1},
        {"opportunistic: plain after a broken handshake", ONE, .one.tls = true,
         .one.deaf_hands = true, .want = "o", .status = "2.6.0", .trail = "handshake failed",
         .in_one = 1},
        {"opportunistic: plain after 454", ONE, .one.tls = true,
         .one.starttls = "454 4.7.0 not now", .want = "o", .status = "2.6.0",
         .trail = "refused STARTTLS", .in_one = 1},
        {"what was learned at one host does not count at the next",
         "$SECURE\n" TWO "_PORT._tcp.two.test TLSA 3 1 1 GOOD\n", .one.tls = true,
         .one.deaf_hands = true, .one.mail = "^421 no", .two.tls = true, .want = "o",
         .status = "2.6.0", .trail = "\"proved\":\"dane-ee\"", .in_two = 1, .tls = 1},
        {"injected plaintext ends the session", ONE, .one.tls = true,
         .one.starttls = "220 go\r\n250 injected", .want = "t", .status = "4.5.0"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* [RFC 7672 s2.2, s3] */
static void dane(void **state)
{
    static const struct row rows[] = {
        {"DANE-EE: the key matches", "$SECURE\n" ONE DANE "GOOD\n", .one.tls = true, .want = "o",
         .status = "2.6.0", .trail = "\"proved\":\"dane-ee\"", .in_one = 1, .tls = 1},
        {"DANE-EE: names do not count",
         "$SECURE\nMX 10 two.test\ntwo.test A 127.0.0.1\n_PORT._tcp.two.test TLSA 3 1 1 GOOD\n",
         .one.tls = true, .want = "o", .status = "2.6.0", .trail = "\"proved\":\"dane-ee\"",
         .in_one = 1, .tls = 1},
        {"DANE: no record matches, no message", "$SECURE\n" ONE DANE "WRONG\n", .one.tls = true,
         .want = "t", .status = "4.7.5", .says = "DANE: none of its 1 TLSA records matches",
         .trail = "\"failure\":\"tls-verify\""},
        {"DANE: one of two matches", "$SECURE\n" ONE DANE "WRONG\n" DANE "GOOD\n", .one.tls = true,
         .want = "o", .status = "2.6.0", .in_one = 1, .tls = 1},
        {"DANE: STARTTLS is not offered, no message", "$SECURE\n" ONE DANE "GOOD\n", .want = "t",
         .status = "4.7.4", .says = "DANE requires it"},
        {"DANE: STARTTLS is refused, no message", "$SECURE\n" ONE DANE "GOOD\n", .one.tls = true,
         .one.starttls = "454 4.7.0 not now", .want = "t", .status = "4.7.4", .says = "refused"},
        {"DANE: STARTTLS is refused for good, still no bounce", "$SECURE\n" ONE DANE "GOOD\n",
         .one.tls = true, .one.starttls = "554 5.7.0 never", .want = "t", .status = "4.7.4"},
        {"DANE: the handshake breaks, no message", "$SECURE\n" ONE DANE "GOOD\n", .one.tls = true,
         .one.deaf_hands = true, .want = "t", .status = "4.7.5"},
        {"DANE: the lookup fails, no message", "$SECURE\n" ONE "_PORT._tcp.one.test SERVFAIL\n",
         .one.tls = true, .want = "t", .status = "4.7.5", .says = "TLSA lookup"},
        {"DANE: the lookup fails, the next host takes it",
         "$SECURE\n" TWO "_PORT._tcp.one.test SERVFAIL\n", .one.tls = true, .want = "o",
         .status = "2.6.0", .trail = "dane-lookup", .in_two = 1},
        {"DANE: no match at the first host, the next one takes it",
         "$SECURE\n" TWO DANE "WRONG\n_PORT._tcp.two.test TLSA 3 1 1 GOOD\n", .one.tls = true,
         .two.tls = true, .want = "o", .status = "2.6.0", .trail = "\"failure\":\"tls-verify\"",
         .in_two = 1, .tls = 1},
        {"DANE-TA: a leaf is nobody's anchor",
         "$SECURE\n" ONE "_PORT._tcp.one.test TLSA 2 1 1 GOOD\n", .one.tls = true, .want = "t",
         .status = "4.7.5"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* [RFC 7672 s2.2] */
static void records_that_bind_less(void **state)
{
    static const struct row rows[] = {
        {"all records unusable: TLS with anybody",
         "$SECURE\n" ONE "_PORT._tcp.one.test TLSA 1 1 1 WRONG\n", .one.tls = true, .want = "o",
         .status = "2.6.0", .trail = "\"demand\":\"encrypted\"", .in_one = 1, .tls = 1},
        {"all records unusable: never in clear",
         "$SECURE\n" ONE "_PORT._tcp.one.test TLSA 1 1 1 WRONG\n", .want = "t", .status = "4.7.4"},
        {"unsigned records bind nobody", ONE DANE "WRONG\n", .want = "o", .status = "2.6.0",
         .in_one = 1},
        {"unsigned MX, signed host: its records are used, and not called more",
         ONE "$SECURE\none.test A 127.0.0.1\n" DANE "GOOD\n", .one.tls = true, .want = "o",
         .status = "2.6.0", .trail = "\"proved\":\"dane-ee\"", .in_one = 1, .tls = 1},
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* A failed TLSA lookup stops its own mail only, but that for good: a connection that was made when the host had no records is no way around it. [RFC 7672 s2.1.2] */
static void a_failed_lookup_takes_no_open_connection(void **state)
{
    struct world w;
    char *zone;

    (void)state;
    world_init(&w, "$SECURE\na.test MX 10 one.test\nb.test MX 10 one.test\none.test A 127.0.0.1\n");
    world_start(&w);
    world_put(&w, "a.test", 1, BODY);
    world_deliver(&w, "no TLSA records yet");
    CHECK_EQ("the first message came", w.peer[0].messages, 1);
    zone = w.zone;
    w.zone = world_zone(&w, "$SECURE\na.test MX 10 one.test\nb.test MX 10 one.test\n"
                            "one.test A 127.0.0.1\n_PORT._tcp.one.test SERVFAIL\n");
    free(zone);
    world_put(&w, "b.test", 1, BODY);
    world_deliver(&w, "now the lookup fails");
    CHECK_EQ("the second did not", w.peer[0].messages, 1);
    world_done(&w);
}

/* [RFC 8689 s4.2.1] */
static void required_tls(void **state)
{
    static const struct {
        const char *name, *zone;
        const char *tls_ehlo;
        char want;
    } rows[] = {
        {"DANE and the extension", "$SECURE\n" ONE DANE "GOOD\n", "250-peer.test\r\n250 REQUIRETLS",
         'o'},
        {"DANE without the extension", "$SECURE\n" ONE DANE "GOOD\n", NULL, 'p'},
        {"TLS with anybody", ONE, "250-peer.test\r\n250 REQUIRETLS", 'p'},
        {"DANE behind an unsigned MX", ONE "$SECURE\none.test A 127.0.0.1\n" DANE "GOOD\n",
         "250-peer.test\r\n250 REQUIRETLS", 'p'},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;

        world_init(&w, rows[i].zone);
        w.peer[0].script = (struct script){.tls = true, .tls_ehlo = rows[i].tls_ehlo};
        world_start(&w);
        world_put(&w, "d.test", 1, BODY)->message->require_tls = true;
        world_deliver(&w, rows[i].name);
        CHECK_EQ(rows[i].name, w.outcome[0].verdict, rows[i].want);
        CHECK_EQ(rows[i].name, w.peer[0].messages, rows[i].want == 'o');
        CHECK_STR(rows[i].name, w.outcome[0].status, rows[i].want == 'o' ? "2.6.0" : "5.7.30");
        world_done(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opportunistic_tls),
        cmocka_unit_test(dane),
        cmocka_unit_test(records_that_bind_less),
        cmocka_unit_test(a_failed_lookup_takes_no_open_connection),
        cmocka_unit_test(required_tls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
