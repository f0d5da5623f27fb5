/* SPDX-License-Identifier: Apache-2.0 */
/* What a receiving server answers, step by step, and what the recipients make of it. */
#include "delivery_rows.h"

static void answers(void **state)
{
    static const struct row rows[] = {
        {"all is well", ONE, .want = "o", .status = "2.6.0", .says = "250 2.6.0 taken",
         .trail = "\"host\":\"one.test\"", .in_one = 1},
        {"three recipients, one transaction", ONE, .want = "ooo", .status = "2.6.0", .in_one = 1},
        {"each recipient has its own answer", ONE,
         .one.rcpt = "550 5.1.1 who?|450 4.2.0 grey|250 ok", .want = "pto", .status = "5.1.1",
         .says = "said at RCPT: 550 5.1.1 who?", .trail = "\"stage\":\"RCPT\"", .in_one = 1},
        {"all recipients refused: no message", ONE, .one.rcpt = "550 5.1.1 who?", .want = "pp",
         .status = "5.1.1"},
        {"a refusal at RCPT is not asked of the next host", TWO, .one.rcpt = "550 5.1.1 who?",
         .want = "p", .status = "5.1.1"},
        {"too many recipients: the others' turn comes", ONE,
         .one.rcpt = "250 ok|452 4.5.3 too many", .want = "ouu", .status = "2.6.0", .in_one = 1},
        {"too many although there is one: later", ONE, .one.rcpt = "452 4.5.3 too many",
         .want = "t", .status = "4.5.3"},
        {"4xx at MAIL", ONE, .one.mail = "451 4.7.1 later", .want = "t", .status = "4.7.1",
         .says = "at MAIL"},
        {"5xx at MAIL bounces", ONE, .one.mail = "553 5.1.8 no", .want = "p", .status = "5.1.8"},
        {"4xx to DATA", ONE, .one.data = "451 4.3.0 no", .want = "t", .status = "4.3.0",
         .says = "at DATA"},
        {"5xx to DATA", ONE, .one.data = "554 no", .want = "p", .status = "5.0.0"},
        {"5xx after the dot", ONE, .one.dot = "554 5.7.1 spam", .want = "pp", .status = "5.7.1",
         .says = "at end of data: 554 5.7.1 spam"},
        {"4xx after the dot", ONE, .one.dot = "452 4.3.1 full", .want = "t", .status = "4.3.1"},
        {"a message above SIZE is not sent", ONE, .one.ehlo = "250-peer.test\r\n250 SIZE 10",
         .want = "p", .status = "5.3.4"},
        {"no ESMTP: HELO will do", ONE, .one.ehlo = "*502 what?", .want = "o", .status = "2.6.0",
         .in_one = 1},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void hosts_in_turn(void **state)
{
    static const struct row rows[] = {
        {"a greeting of 554 leads to the next host", TWO, .one.greeting = "554 go away",
         .want = "o", .status = "2.6.0", .trail = "attempt:{\"host\":\"one.test\"", .in_two = 1},
        {"a greeting of 421 leads to the next host", TWO, .one.greeting = "^421 busy", .want = "o",
         .status = "2.6.0", .in_two = 1},
        {"421 of the only host", ONE, .one.greeting = "^421 4.3.2 busy", .want = "t",
         .status = "4.3.2", .says = "421 4.3.2 busy"},
        {"421 at MAIL leads to the next host", TWO, .one.mail = "^421 4.7.0 slow down", .want = "o",
         .status = "2.6.0", .in_two = 1},
        {"a dead host leads to the next one", TWO, .want = "o", .status = "2.6.0",
         .trail = "\"failure\":\"refused\"", .in_two = 1, .one_is_dead = true},
        {"a dead only host", ONE, .want = "t", .status = "4.4.1",
         .says = "one.test [127.0.0.1]: connection refused", .one_is_dead = true},
        {"a message above SIZE leads to the next host", TWO,
         .one.ehlo = "250-peer.test\r\n250 SIZE 10", .want = "o", .status = "2.6.0",
         .trail = "\"failure\":\"too-large\"", .in_two = 1},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void what_the_zone_says(void **state)
{
    static const struct row rows[] = {
        {"implicit MX", "A 127.0.0.1\n", .want = "o", .status = "2.6.0",
         .trail = "\"host\":\"d.test\"", .in_one = 1},
        {"an address literal in the MX record is no host", "MX 10 127.0.0.1\n", .want = "t",
         .status = "4.4.4"},
        {"no such domain", "NXDOMAIN\n", .want = "pp", .status = "5.1.2", .trail = "no-domain"},
        {"a null MX", "MX 0 .\n", .want = "p", .status = "5.1.10", .says = "null MX"},
        {"a failed MX lookup", "SERVFAIL\n", .want = "t", .status = "4.4.3", .says = "SERVFAIL"},
        {"forged MX records", "BOGUS\n", .want = "t", .status = "4.4.3"},
        {"we are the best host", "MX 10 client.test\nMX 20 one.test\n", .want = "p",
         .status = "5.4.6"},
        {"neither MX nor address", "TXT hello\n", .want = "p", .status = "5.1.2"},
        {"a host without address leads to the next one",
         "MX 10 one.test\nMX 20 two.test\ntwo.test A 127.0.0.2\n", .want = "o", .status = "2.6.0",
         .in_two = 1},
        {"the lookup of the only host fails", "MX 10 one.test\none.test SERVFAIL\n", .want = "t",
         .status = "4.4.3", .says = "SERVFAIL"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* Each cut, silence and nonsense, at each step: with one host the recipient waits; with two the second takes the message, but for what happens after the dot. */
static void one_point(unsigned step, const char *play, int hosts)
{
    static const char *const steps[] = {"greeting", "ehlo", "mail", "rcpt", "data", "dot"};
    bool after_dot = step == 5;
    bool taken = after_dot && strcmp(play, "^250") == 0; /* a whole reply of three digits is one */
    struct world w;
    const char **at[] = {&w.peer[0].script.greeting, &w.peer[0].script.ehlo, &w.peer[0].script.mail,
                         &w.peer[0].script.rcpt,     &w.peer[0].script.data, &w.peer[0].script.dot};
    char name[120], got;

    snprintf(name, sizeof name, "%s: %.20s, %d hosts", steps[step], play, hosts);
    world_init(&w, hosts == 1 ? ONE : TWO);
    w.config.delivery.command_timeout_ms = w.config.delivery.data_timeout_ms = 150;
    w.config.delivery.dot_timeout_ms = 150;
    *at[step] = play;
    world_start(&w);
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, name);
    got = w.outcome[0].verdict;
    if (taken)
        CHECK_EQ(name, got, 'o');
    else if (hosts == 2 && !after_dot)
        CHECK_EQ(name, got == 'o' || got == 't', 1);
    else
        CHECK_EQ(name, got, 't');
    CHECK_TRUE(name, w.peer[1].messages <= 1 && (w.peer[1].messages == 0 || got == 'o'));
    CHECK_EQ(name, w.outcome[0].repeated, after_dot && !taken);
    CHECK_TRUE(name, !after_dot || w.peer[1].connections == 0); /* never twice at once */
    world_done(&w);
}

static void every_point_of_the_dialogue(void **state)
{
    static const char *const plays[] = {
        "!",
        "",
        "HTTP/1.1 400 Bad Request",
        "250-one\r\n251 two",
        "2500 too long a code",
        "\x01\x02\x03",
        "99 low",
        "^250",
        "^25",
    };

    (void)state;
    for (unsigned step = 0; step < 6; step++)
        for (size_t i = 0; i < sizeof plays / sizeof plays[0]; i++)
            for (int hosts = 1; hosts <= 2; hosts++)
                one_point(step, plays[i], hosts);
}

static void cuts_have_their_meaning(void **state)
{
    static const struct row rows[] = {
        {"cut at the dot: it may have been taken", TWO, .one.dot = "!", .want = "t",
         .status = "4.4.2", .trail = "\"possibly_repeated\":true", .repeated = true},
        {"silence at the dot: it may have been taken", ONE, .one.dot = "", .want = "t",
         .status = "4.4.2", .repeated = true},
        {"silence at the greeting: the next host", TWO, .one.greeting = "", .want = "o",
         .status = "2.6.0", .in_two = 1},
        {"a refused recipient stays refused when the dot is cut", ONE,
         .one.rcpt = "550 5.1.1 no|250 ok", .one.dot = "!", .want = "pt", .status = "5.1.1"},
        {"not SMTP at all: the next host", TWO, .one.greeting = "SSH-2.0-OpenSSH_9.2", .want = "o",
         .status = "2.6.0", .trail = "\"failure\":\"protocol\"", .in_two = 1},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void a_cut_within_the_body_is_no_doubt(void **state)
{
    static char body[8 << 20];

    (void)state;
    for (size_t i = 0; i + 1 < sizeof body; i++)
        body[i] = "0123456789\r\n"[i % 12];
    for (int hosts = 1; hosts <= 2; hosts++) {
        struct world w;

        world_init(&w, hosts == 1 ? ONE : TWO);
        w.peer[0].script =
            (struct script){.ehlo = "250-peer.test\r\n250 PIPELINING", .cut_body = true};
        w.peer[1].script.ehlo = w.peer[0].script.ehlo;
        world_start(&w);
        world_put(&w, "d.test", 1, body);
        world_deliver(&w, "cut in the body");
        CHECK_EQ("the next host takes it, or it waits", w.outcome[0].verdict,
                 hosts == 1 ? 't' : 'o');
        CHECK_EQ("nobody can have it twice", w.outcome[0].repeated, false);
        CHECK_EQ("it came", w.peer[1].messages, hosts - 1);
        world_done(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(hosts_in_turn),
        cmocka_unit_test(what_the_zone_says),
        cmocka_unit_test(every_point_of_the_dialogue),
        cmocka_unit_test(cuts_have_their_meaning),
        cmocka_unit_test(a_cut_within_the_body_is_no_doubt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
