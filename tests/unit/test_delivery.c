/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery_world.h"

#define ONE    "MX 10 one.test\none.test A 127.0.0.1\n"
#define TWO    ONE "MX 20 two.test\ntwo.test A 127.0.0.2\n"
#define DANE   "_PORT._tcp.one.test TLSA 3 1 1 "
#define BODY   "Subject: x\r\n\r\nhello\r\n.dot\r\n"
#define STORED "Subject: x\r\n\r\nhello\r\n..dot\r\n"

struct row {
    const char *name, *zone;
    struct script one, two;
    const char *want;   /* a letter for each recipient: o, t, p, u */
    const char *status; /* of the first */
    const char *says;   /* its reason has this */
    const char *trail;  /* its events have this */
    unsigned in_one, in_two, tls;
    bool repeated, one_is_dead;
};

static void check_row(const struct row *row)
{
    struct world w;
    size_t rcpts = strlen(row->want);

    world_init(&w, row->zone);
    w.config.delivery.command_timeout_ms = w.config.delivery.data_timeout_ms = 300;
    w.config.delivery.dot_timeout_ms = 300;
    w.peer[0].script = row->one;
    w.peer[1].script = row->two;
    if (row->one_is_dead)
        smtp_peer_close(&w.peer[0]);
    world_start(&w);
    world_put(&w, "d.test", rcpts, BODY);
    world_deliver(&w, row->name);
    for (size_t i = 0; i < rcpts; i++)
        if (w.outcome[i].verdict != row->want[i])
            fail_msg("%s: recipient %zu: got %c (%s %s), want %c\n%s", row->name, i,
                     w.outcome[i].verdict, w.outcome[i].status, w.outcome[i].why, row->want[i],
                     w.outcome[i].detail);
    CHECK_STR(row->name, w.outcome[0].status, row->status);
    if (strstr(w.outcome[0].why, row->says != NULL ? row->says : "") == NULL)
        fail_msg("%s: the reason is: %s", row->name, w.outcome[0].why);
    if (strstr(w.outcome[0].detail, row->trail != NULL ? row->trail : "") == NULL)
        fail_msg("%s: the trail is: %s", row->name, w.outcome[0].detail);
    CHECK_EQ(row->name, w.peer[0].messages, row->in_one);
    CHECK_EQ(row->name, w.peer[1].messages, row->in_two);
    CHECK_EQ(row->name, w.peer[0].tls_messages + w.peer[1].tls_messages, row->tls);
    CHECK_EQ(row->name, w.outcome[0].repeated, row->repeated);
    if (row->in_one == 1)
        CHECK_VIEW(row->name, sgl_buf_view(&w.peer[0].received), sgl_view_cstr(STORED));
    world_done(&w);
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_row(&rows[i]);
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void answers(void **state)
{
    static const struct row rows[] = {
        {"all is well",
         ONE,
         {0},
         {0},
         "o",
         "2.6.0",
         "250 2.6.0 taken",
         "\"host\":\"one.test\"",
         1,
         0,
         0,
         false,
         false},
        {"implicit MX",
         "A 127.0.0.1\n",
         {0},
         {0},
         "o",
         "2.6.0",
         NULL,
         "\"host\":\"d.test\"",
         1,
         0,
         0,
         false,
         false},
        {"an address literal in the MX record is no host",
         "MX 10 127.0.0.1\n",
         {0},
         {0},
         "t",
         "4.4.4",
         "",
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"three recipients, one transaction",
         ONE,
         {0},
         {0},
         "ooo",
         "2.6.0",
         NULL,
         NULL,
         1,
         0,
         0,
         false,
         false},
        {"each recipient has its own answer",
         ONE,
         {.rcpt = "550 5.1.1 who?|450 4.2.0 grey|250 ok"},
         {0},
         "pto",
         "5.1.1",
         "said at RCPT: 550 5.1.1 who?",
         "\"stage\":\"RCPT\"",
         1,
         0,
         0,
         false,
         false},
        {"all recipients refused: no message",
         ONE,
         {.rcpt = "550 5.1.1 who?"},
         {0},
         "pp",
         "5.1.1",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"a refusal at RCPT is not asked of the next host",
         TWO,
         {.rcpt = "550 5.1.1 who?"},
         {0},
         "p",
         "5.1.1",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"too many recipients: the others' turn comes",
         ONE,
         {.rcpt = "250 ok|452 4.5.3 too many"},
         {0},
         "ouu",
         "2.6.0",
         NULL,
         NULL,
         1,
         0,
         0,
         false,
         false},
        {"too many although there is one: later",
         ONE,
         {.rcpt = "452 4.5.3 too many"},
         {0},
         "t",
         "4.5.3",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"4xx at MAIL",
         ONE,
         {.mail = "451 4.7.1 later"},
         {0},
         "t",
         "4.7.1",
         "at MAIL",
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"5xx at MAIL bounces",
         ONE,
         {.mail = "553 5.1.8 no"},
         {0},
         "p",
         "5.1.8",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"4xx to DATA",
         ONE,
         {.data = "451 4.3.0 no"},
         {0},
         "t",
         "4.3.0",
         "at DATA",
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"5xx to DATA",
         ONE,
         {.data = "554 no"},
         {0},
         "p",
         "5.0.0",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"5xx after the dot",
         ONE,
         {.dot = "554 5.7.1 spam"},
         {0},
         "pp",
         "5.7.1",
         "at end of data: 554 5.7.1 spam",
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"4xx after the dot",
         ONE,
         {.dot = "452 4.3.1 full"},
         {0},
         "t",
         "4.3.1",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"a greeting of 554 leads to the next host",
         TWO,
         {.greeting = "554 go away"},
         {0},
         "o",
         "2.6.0",
         NULL,
         "attempt:{\"host\":\"one.test\"",
         0,
         1,
         0,
         false,
         false},
        {"a greeting of 421 leads to the next host",
         TWO,
         {.greeting = "^421 busy"},
         {0},
         "o",
         "2.6.0",
         NULL,
         NULL,
         0,
         1,
         0,
         false,
         false},
        {"421 of the only host",
         ONE,
         {.greeting = "^421 4.3.2 busy"},
         {0},
         "t",
         "4.3.2",
         "421 4.3.2 busy",
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"421 at MAIL leads to the next host",
         TWO,
         {.mail = "^421 4.7.0 slow down"},
         {0},
         "o",
         "2.6.0",
         NULL,
         NULL,
         0,
         1,
         0,
         false,
         false},
        {"a dead host leads to the next one",
         TWO,
         {0},
         {0},
         "o",
         "2.6.0",
         NULL,
         "\"failure\":\"refused\"",
         0,
         1,
         0,
         false,
         true},
        {"a dead only host",
         ONE,
         {0},
         {0},
         "t",
         "4.4.1",
         "one.test [127.0.0.1]: connection refused",
         NULL,
         0,
         0,
         0,
         false,
         true},
        {"a message above SIZE is not sent",
         ONE,
         {.ehlo = "250-peer.test\r\n250 SIZE 10"},
         {0},
         "p",
         "5.3.4",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"a message above SIZE leads to the next host",
         TWO,
         {.ehlo = "250-peer.test\r\n250 SIZE 10"},
         {0},
         "o",
         "2.6.0",
         NULL,
         "\"failure\":\"too-large\"",
         0,
         1,
         0,
         false,
         false},
        {"no ESMTP: HELO will do",
         ONE,
         {.ehlo = "*502 what?"},
         {0},
         "o",
         "2.6.0",
         NULL,
         NULL,
         1,
         0,
         0,
         false,
         false},
        {"no such domain",
         "NXDOMAIN\n",
         {0},
         {0},
         "pp",
         "5.1.2",
         NULL,
         "no-domain",
         0,
         0,
         0,
         false,
         false},
        {"a null MX", "MX 0 .\n", {0}, {0}, "p", "5.1.10", "null MX", NULL, 0, 0, 0, false, false},
        {"a failed MX lookup",
         "SERVFAIL\n",
         {0},
         {0},
         "t",
         "4.4.3",
         "SERVFAIL",
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"forged MX records", "BOGUS\n", {0}, {0}, "t", "4.4.3", NULL, NULL, 0, 0, 0, false, false},
        {"we are the best host",
         "MX 10 client.test\nMX 20 one.test\n",
         {0},
         {0},
         "p",
         "5.4.6",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"neither MX nor address",
         "TXT hello\n",
         {0},
         {0},
         "p",
         "5.1.2",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"a host without address leads to the next one",
         "MX 10 one.test\nMX 20 two.test\ntwo.test A 127.0.0.2\n",
         {0},
         {0},
         "o",
         "2.6.0",
         NULL,
         NULL,
         0,
         1,
         0,
         false,
         false},
        {"the lookup of the only host fails",
         "MX 10 one.test\none.test SERVFAIL\n",
         {0},
         {0},
         "t",
         "4.4.3",
         "SERVFAIL",
         NULL,
         0,
         0,
         0,
         false,
         false},
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* Each cut, silence and nonsense, at each step: with one host the recipient waits; with two the second takes the message, but for what happens after the dot. */
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
    static const char *const steps[] = {"greeting", "ehlo", "mail", "rcpt", "data", "dot"};

    (void)state;
    for (size_t step = 0; step < 6; step++) {
        for (size_t i = 0; i < sizeof plays / sizeof plays[0]; i++) {
            struct script script = {0};
            const char **at[] = {&script.greeting, &script.ehlo, &script.mail,
                                 &script.rcpt,     &script.data, &script.dot};
            bool after_dot = step == 5;
            bool taken = after_dot &&
                         strcmp(plays[i], "^250") == 0; /* a whole reply of three digits is one */

            *at[step] = plays[i];
            for (int hosts = 1; hosts <= 2; hosts++) {
                struct world w;
                char name[120], got;

                snprintf(name, sizeof name, "%s: %.20s, %d hosts", steps[step], plays[i], hosts);
                world_init(&w, hosts == 1 ? ONE : TWO);
                w.config.delivery.command_timeout_ms = w.config.delivery.data_timeout_ms = 150;
                w.config.delivery.dot_timeout_ms = 150;
                w.peer[0].script = script;
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
                CHECK_TRUE(name,
                           w.peer[1].messages <= 1 && (w.peer[1].messages == 0 || got == 'o'));
                CHECK_EQ(name, w.outcome[0].repeated, after_dot && !taken);
                CHECK_TRUE(name,
                           !after_dot || w.peer[1].connections == 0); /* never twice at once */
                world_done(&w);
            }
        }
    }
}

static void cuts_have_their_meaning(void **state)
{
    static const struct row rows[] = {
        {"cut at the dot: it may have been taken",
         TWO,
         {.dot = "!"},
         {0},
         "t",
         "4.4.2",
         NULL,
         "\"possibly_repeated\":true",
         0,
         0,
         0,
         true,
         false},
        {"silence at the dot: it may have been taken",
         ONE,
         {.dot = ""},
         {0},
         "t",
         "4.4.2",
         NULL,
         NULL,
         0,
         0,
         0,
         true,
         false},
        {"silence at the greeting: the next host",
         TWO,
         {.greeting = ""},
         {0},
         "o",
         "2.6.0",
         NULL,
         NULL,
         0,
         1,
         0,
         false,
         false},
        {"a refused recipient stays refused when the dot is cut",
         ONE,
         {.rcpt = "550 5.1.1 no|250 ok", .dot = "!"},
         {0},
         "pt",
         "5.1.1",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"not SMTP at all: the next host",
         TWO,
         {.greeting = "SSH-2.0-OpenSSH_9.2"},
         {0},
         "o",
         "2.6.0",
         NULL,
         "\"failure\":\"protocol\"",
         0,
         1,
         0,
         false,
         false},
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

/* [RFC 7672 s2.2, s3] */
static void tls_and_dane(void **state)
{
    static const struct row rows[] = {
        {"opportunistic: used where offered",
         ONE,
         {.tls = true},
         {0},
         "o",
         "2.6.0",
         NULL,
         "\"tls\":\"TLSv1.3\"",
         1,
         0,
         1,
         false,
         false},
        {"opportunistic: nobody is claimed to be proved",
         ONE,
         {.tls = true},
         {0},
         "o",
         "2.6.0",
         NULL,
         "\"proved\":\"nobody\"",
         1,
         0,
         1,
         false,
         false},
        {"opportunistic: plain where not offered",
         ONE,
         {0},
         {0},
         "o",
         "2.6.0",
         NULL,
         "does not offer STARTTLS",
         1,
         0,
         0,
         false,
         false},
        {"opportunistic: plain after a broken handshake",
         ONE,
         {.tls = true, .deaf_hands = true},
         {0},
         "o",
         "2.6.0",
         NULL,
         "handshake failed",
         1,
         0,
         0,
         false,
         false},
        {"opportunistic: plain after 454",
         ONE,
         {.tls = true, .starttls = "454 4.7.0 not now"},
         {0},
         "o",
         "2.6.0",
         NULL,
         "refused STARTTLS",
         1,
         0,
         0,
         false,
         false},
        {"what was learned at one host does not count at the next",
         "$SECURE\n" TWO "_PORT._tcp.two.test TLSA 3 1 1 GOOD\n",
         {.tls = true, .deaf_hands = true, .mail = "^421 no"},
         {.tls = true},
         "o",
         "2.6.0",
         NULL,
         "\"proved\":\"dane-ee\"",
         0,
         1,
         1,
         false,
         false},
        {"injected plaintext ends the session",
         ONE,
         {.tls = true, .starttls = "220 go\r\n250 injected"},
         {0},
         "t",
         "4.5.0",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},

        {"DANE-EE: the key matches",
         "$SECURE\n" ONE DANE "GOOD\n",
         {.tls = true},
         {0},
         "o",
         "2.6.0",
         NULL,
         "\"proved\":\"dane-ee\"",
         1,
         0,
         1,
         false,
         false},
        {"DANE-EE: names do not count",
         "$SECURE\nMX 10 two.test\ntwo.test A 127.0.0.1\n_PORT._tcp.two.test TLSA 3 1 1 GOOD\n",
         {.tls = true},
         {0},
         "o",
         "2.6.0",
         NULL,
         "\"proved\":\"dane-ee\"",
         1,
         0,
         1,
         false,
         false},
        {"DANE: no record matches, no message",
         "$SECURE\n" ONE DANE "WRONG\n",
         {.tls = true},
         {0},
         "t",
         "4.7.5",
         "DANE: none of its 1 TLSA records matches",
         "\"failure\":\"tls-verify\"",
         0,
         0,
         0,
         false,
         false},
        {"DANE: one of two matches",
         "$SECURE\n" ONE DANE "WRONG\n" DANE "GOOD\n",
         {.tls = true},
         {0},
         "o",
         "2.6.0",
         NULL,
         NULL,
         1,
         0,
         1,
         false,
         false},
        {"DANE: STARTTLS is not offered, no message",
         "$SECURE\n" ONE DANE "GOOD\n",
         {0},
         {0},
         "t",
         "4.7.4",
         "DANE requires it",
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"DANE: STARTTLS is refused, no message",
         "$SECURE\n" ONE DANE "GOOD\n",
         {.tls = true, .starttls = "454 4.7.0 not now"},
         {0},
         "t",
         "4.7.4",
         "refused",
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"DANE: STARTTLS is refused for good, still no bounce",
         "$SECURE\n" ONE DANE "GOOD\n",
         {.tls = true, .starttls = "554 5.7.0 never"},
         {0},
         "t",
         "4.7.4",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"DANE: the handshake breaks, no message",
         "$SECURE\n" ONE DANE "GOOD\n",
         {.tls = true, .deaf_hands = true},
         {0},
         "t",
         "4.7.5",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"DANE: the lookup fails, no message",
         "$SECURE\n" ONE "_PORT._tcp.one.test SERVFAIL\n",
         {.tls = true},
         {0},
         "t",
         "4.7.5",
         "TLSA lookup",
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"DANE: the lookup fails, the next host takes it",
         "$SECURE\n" TWO "_PORT._tcp.one.test SERVFAIL\n",
         {.tls = true},
         {0},
         "o",
         "2.6.0",
         NULL,
         "dane-lookup",
         0,
         1,
         0,
         false,
         false},
        {"DANE: no match at the first host, the next one takes it",
         "$SECURE\n" TWO DANE "WRONG\n_PORT._tcp.two.test TLSA 3 1 1 GOOD\n",
         {.tls = true},
         {.tls = true},
         "o",
         "2.6.0",
         NULL,
         "\"failure\":\"tls-verify\"",
         0,
         1,
         1,
         false,
         false},
        {"DANE-TA: a leaf is nobody's anchor",
         "$SECURE\n" ONE "_PORT._tcp.one.test TLSA 2 1 1 GOOD\n",
         {.tls = true},
         {0},
         "t",
         "4.7.5",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"all records unusable: TLS with anybody",
         "$SECURE\n" ONE "_PORT._tcp.one.test TLSA 1 1 1 WRONG\n",
         {.tls = true},
         {0},
         "o",
         "2.6.0",
         NULL,
         "\"demand\":\"encrypted\"",
         1,
         0,
         1,
         false,
         false},
        {"all records unusable: never in clear",
         "$SECURE\n" ONE "_PORT._tcp.one.test TLSA 1 1 1 WRONG\n",
         {0},
         {0},
         "t",
         "4.7.4",
         NULL,
         NULL,
         0,
         0,
         0,
         false,
         false},
        {"unsigned records bind nobody",
         ONE DANE "WRONG\n",
         {0},
         {0},
         "o",
         "2.6.0",
         NULL,
         NULL,
         1,
         0,
         0,
         false,
         false},
        {"unsigned MX, signed host: its records are used, and not called more",
         ONE "$SECURE\none.test A 127.0.0.1\n" DANE "GOOD\n",
         {.tls = true},
         {0},
         "o",
         "2.6.0",
         NULL,
         "\"proved\":\"dane-ee\"",
         1,
         0,
         1,
         false,
         false},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void connections_are_reused(void **state)
{
    struct world w;
    struct delivery_stats stats;

    (void)state;
    world_init(&w, ONE);
    w.config.delivery.connections_per_site = 1;
    w.config.delivery.messages_per_connection = 4;
    world_start(&w);
    for (int i = 0; i < 10; i++)
        world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "ten messages");
    delivery_stats(w.delivery, &stats);
    CHECK_EQ("ten messages came", w.peer[0].messages, 10);
    CHECK_EQ("over three connections of four each", w.peer[0].connections, 3);
    CHECK_EQ("delivered", stats.delivered, 10);
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "one more");
    CHECK_EQ("an idle connection takes it", w.peer[0].connections, 3);
    world_done(&w);
}

static void a_reused_connection_that_broke_is_no_failure(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, ONE);
    w.config.delivery.connections_per_site = 1;
    world_start(&w);
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "first");
    w.peer[0].script.mail = "*!";
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "cut at MAIL");
    CHECK_EQ("delivered over a fresh connection", w.outcome[1].verdict, 'o');
    CHECK_EQ("two connections", w.peer[0].connections, 2);
    w.peer[0].used_once = 0;
    w.peer[0].script.mail = "*^421 4.4.2 idle too long";
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "421 at MAIL");
    CHECK_EQ("delivered over a fresh connection", w.outcome[2].verdict, 'o');
    world_done(&w);
}

static void destinations_share_a_site(void **state)
{
    struct world w;
    struct delivery_stats stats;

    (void)state;
    world_init(&w, "a.test MX 10 one.test\nb.test MX 10 one.test\nc.test MX 10 two.test\none.test "
                   "A 127.0.0.1\ntwo.test A 127.0.0.2\n");
    w.config.delivery.connections_per_site = 1;
    world_start(&w);
    for (int i = 0; i < 4; i++) {
        world_put(&w, "a.test", 1, BODY);
        world_put(&w, "b.test", 1, BODY);
        world_put(&w, "c.test", 1, BODY);
    }
    world_deliver(&w, "three domains");
    delivery_stats(w.delivery, &stats);
    CHECK_EQ("two sites", stats.sites, 2);
    CHECK_EQ("one connection for two domains", w.peer[0].connections, 1);
    CHECK_EQ("their messages", w.peer[0].messages, 8);
    CHECK_EQ("the other site's", w.peer[1].messages, 4);
    world_done(&w);
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

static void the_overall_maximum_is_shared(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, "a.test MX 10 one.test\nc.test MX 10 two.test\none.test A 127.0.0.1\ntwo.test A "
                   "127.0.0.2\n");
    w.config.delivery.connections = 1;
    world_start(&w);
    for (int i = 0; i < 3; i++) {
        world_put(&w, "a.test", 1, BODY);
        world_put(&w, "c.test", 1, BODY);
    }
    world_deliver(&w, "one connection for two sites");
    CHECK_EQ("first site", w.peer[0].messages, 3);
    CHECK_EQ("second site, without waiting for the idle time", w.peer[1].messages, 3);
    world_done(&w);
}

static void a_resting_site_puts_its_mail_back(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, ONE);
    w.peer[0].script.greeting = "^421 4.3.2 closed";
    w.config.delivery.connections_per_site = 1;
    world_start(&w);
    for (int i = 0; i < 5; i++)
        world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "rest");
    CHECK_EQ("the first was an attempt", w.outcome[0].verdict, 't');
    for (size_t i = 1; i < 5; i++) {
        CHECK_EQ("the others were not", w.outcome[i].verdict, 'u');
        CHECK_TRUE("it is said why they wait",
                   strstr(w.outcome[i].why, "rest after trouble at one.test") != NULL);
        CHECK_TRUE("and until when", w.outcome[i].not_before > clock_now_s());
    }
    CHECK_EQ("one connection", w.peer[0].connections, 1);
    world_done(&w);
}

static void addresses_that_may_not_be_reached(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, ONE);
    w.config.delivery.allow_loopback = false;
    world_start(&w);
    world_put(&w, "d.test", 1, BODY);
    world_put(&w, "[127.0.0.1]", 1, BODY);
    world_deliver(&w, "loopback");
    CHECK_EQ("not delivered", w.outcome[0].verdict, 't');
    CHECK_EQ("nor to the literal", w.outcome[1].verdict, 't');
    CHECK_TRUE("it is said why", strstr(w.outcome[0].why, "loopback, private or reserved") != NULL);
    CHECK_EQ("nobody was asked", w.peer[0].connections, 0);
    world_done(&w);
}

/* A door of ours at 127.0.0.1, on the port that delivery goes to or on another one.  [RFC 5321 s5.1] */
static void our_own_doors_are_not_asked(void **state)
{
    static const struct {
        const char *name, *zone;
        int elsewhere;
        char verdict;
        size_t first, second; /* connections to the peers */
    } cases[] = {
        {"the only host is a door of ours", ONE, 0, 'p', 0, 0},
        {"nor is one that is worse than we are", TWO, 0, 'p', 0, 0},
        {"nor an equal one", ONE "MX 10 two.test\ntwo.test A 127.0.0.2\n", 0, 'p', 0, 0},
        {"a better one is", ONE "MX 5 two.test\ntwo.test A 127.0.0.2\n", 0, 'o', 0, 1},
        {"without MX the domain itself", "A 127.0.0.1", 0, 'p', 0, 0},
        {"another server of this machine, at another port, is", ONE, 1, 'o', 1, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config_address address = {.len = sizeof(struct sockaddr_in)};
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)&address.addr;
        struct config_listen door = {.name = "mail", .address = &address, .addresses = 1};
        struct world w;

        world_init(&w, cases[i].zone);
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)(w.port + cases[i].elsewhere));
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        w.config.listen = &door;
        w.config.listens = 1;
        world_start(&w);
        world_put(&w, "d.test", 1, BODY);
        world_deliver(&w, cases[i].name);
        CHECK_EQ(cases[i].name, w.outcome[0].verdict, cases[i].verdict);
        CHECK_EQ(cases[i].name, w.peer[0].connections, cases[i].first);
        CHECK_EQ(cases[i].name, w.peer[1].connections, cases[i].second);
        if (cases[i].verdict == 'p')
            CHECK_STR(cases[i].name, w.outcome[0].status, "5.4.6");
        world_done(&w);
    }
}

static void an_address_literal(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, "");
    world_start(&w);
    world_put(&w, "[127.0.0.2]", 1, BODY);
    world_deliver(&w, "literal");
    CHECK_EQ("delivered", w.outcome[0].verdict, 'o');
    CHECK_EQ("there", w.peer[1].messages, 1);
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

static void bodies_from_the_store(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, ONE);
    world_start(&w);
    world_put(&w, "d.test", 1, NULL);
    world_put(&w, "d.test", 1, NULL);
    world_deliver(&w, "bodies");
    CHECK_EQ("loaded", w.body_loads, 2);
    CHECK_EQ("delivered", w.outcome[0].verdict, 'o');
    CHECK_EQ("delivered", w.outcome[1].verdict, 'o');
    w.body_missing = true;
    world_put(&w, "d.test", 1, NULL);
    world_deliver(&w, "no body");
    CHECK_EQ("not tried without a body", w.outcome[2].verdict, 'u');
    CHECK_TRUE("nor at once again", w.outcome[2].not_before > clock_now_s());
    world_done(&w);
}

static void without_a_doubt_no_dot(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, ONE);
    w.no_doubt = true;
    world_start(&w);
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "no doubt");
    CHECK_EQ("not sent", w.peer[0].messages, 0);
    CHECK_TRUE("tried again later", w.outcome[0].verdict == 't' || w.outcome[0].verdict == 'u');
    CHECK_EQ("and it can't be there twice", w.outcome[0].repeated, 0);
    world_done(&w);
}

/* ---- smart hosts ---- */

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void smart_hosts(void **state)
{
    static const struct {
        const char *name;
        enum config_route_tls tls;
        const char *host, *user;
        bool trusted;
        struct script script;
        char want;
        const char *trail;
    } rows[] = {
        {"verified: trusted root and the right name",
         ROUTE_TLS_VERIFIED,
         "one.test",
         "app",
         true,
         {.tls = true},
         'o',
         "\"proved\":\"certificate\""},
        {"verified: the wrong name",
         ROUTE_TLS_VERIFIED,
         "two.test",
         NULL,
         true,
         {.tls = true},
         't',
         "tls-verify"},
        {"verified: an unknown root",
         ROUTE_TLS_VERIFIED,
         "one.test",
         NULL,
         false,
         {.tls = true},
         't',
         "tls-verify"},
        {"verified: no STARTTLS",
         ROUTE_TLS_VERIFIED,
         "one.test",
         NULL,
         true,
         {0},
         't',
         "no-starttls"},
        {"required: anybody",
         ROUTE_TLS_REQUIRED,
         "two.test",
         "app",
         false,
         {.tls = true},
         'o',
         "\"demand\":\"encrypted\""},
        {"required: no STARTTLS",
         ROUTE_TLS_REQUIRED,
         "one.test",
         NULL,
         false,
         {0},
         't',
         "no-starttls"},
        {"none: not even where offered",
         ROUTE_TLS_NONE,
         "one.test",
         NULL,
         false,
         {.tls = true},
         'o',
         "\"demand\":\"none\""},
        {"no password in plain",
         ROUTE_TLS_OPPORTUNISTIC,
         "one.test",
         "app",
         false,
         {.ehlo = "250-peer.test\r\n250 AUTH PLAIN"},
         't',
         "auth"},
        {"a wrong password bounces nothing",
         ROUTE_TLS_REQUIRED,
         "one.test",
         "app",
         false,
         {.tls = true, .auth = "535 5.7.8 no"},
         't',
         "535"},
    };
    char ca[] = "/tmp/sigillo-test-ca-XXXXXX";
    int fd = mkstemp(ca);

    (void)state;
    close(fd);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        const char *domains[] = {"*"};
        struct config_route route = {.name = "out",
                                     .domain = domains,
                                     .domains = 1,
                                     .host = rows[i].host,
                                     .tls = rows[i].tls,
                                     .user = rows[i].user,
                                     .password = rows[i].user == NULL ? NULL : "secret",
                                     .concurrency = 3};

        world_init(&w, "one.test A 127.0.0.1\ntwo.test A 127.0.0.1\n");
        write_file(ca, rows[i].trusted ? w.made.certificate : "");
        route.ca_file = ca;
        route.port = w.port;
        w.config.route = &route;
        w.config.routes = 1;
        w.config.delivery.allow_loopback = false; /* the administrator named the host himself */
        w.peer[0].script = rows[i].script;
        world_start(&w);
        world_put(&w, "anywhere.example", 1, BODY);
        world_deliver(&w, rows[i].name);
        if (w.outcome[0].verdict != rows[i].want ||
            strstr(w.outcome[0].detail, rows[i].trail) == NULL)
            fail_msg("%s: got %c: %s\n%s", rows[i].name, w.outcome[0].verdict, w.outcome[0].why,
                     w.outcome[0].detail);
        CHECK_EQ(rows[i].name, w.peer[0].messages, rows[i].want == 'o');
        world_done(&w);
    }
    unlink(ca);
}

static void on_drained(void *ctx)
{
    *(bool *)ctx = true;
    loop_stop(the_world->loop);
}

static void draining(void **state)
{
    struct world w;
    bool drained = false;

    (void)state;
    world_init(&w, ONE);
    world_start(&w);
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "before");
    delivery_drain(w.delivery, on_drained, &drained);
    if (!drained)
        world_run(&w, "drain");
    CHECK_TRUE("idle connections are closed", drained);
    world_done(&w);
}

static void stopping_at_any_time(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 12; turns++) {
        struct world w;

        world_init(&w, ONE);
        w.peer[0].script.dot = "";
        world_start(&w);
        for (int i = 0; i < 3; i++)
            world_put(&w, "d.test", 1, i == 0 ? NULL : BODY);
        w.wanted = SIZE_MAX;
        w.hooks.ready(w.hooks.ctx, w.dest[0], queue_dest_domain(w.dest[0]));
        for (unsigned i = 0; i < turns; i++)
            world_turn(&w);
        delivery_free(w.delivery);
        w.delivery = NULL;
        for (unsigned i = 0; i < 3; i++)
            world_turn(&w);
        for (struct job *job; (job = queue_take(NULL, w.dest[0])) != NULL;)
            world_free_job(job);
        CHECK_TRUE("a doubt stays noted for the next start", w.cleared <= w.doubts);
        w.cleared = w.doubts;
        world_done(&w);
    }
}

static void stopping_while_a_body_is_read(void **state)
{
    (void)state;
    for (int freed = 0; freed < 2; freed++) {
        struct world w;

        world_init(&w, ONE);
        w.hold = true;
        world_start(&w);
        world_put(&w, "d.test", 1, NULL);
        w.wanted = SIZE_MAX;
        w.hooks.ready(w.hooks.ctx, w.dest[0], queue_dest_domain(w.dest[0]));
        for (unsigned i = 0; i < 10; i++)
            world_turn(&w);
        CHECK_TRUE("a body is awaited", w.held != NULL);
        if (freed) {
            delivery_free(w.delivery);
            w.delivery = NULL;
        }
        w.held->run(w.held);
        w.wanted = 1;
        if (!freed)
            world_run(&w, "released");
        CHECK_EQ("the job came back or was carried", w.outcome[0].verdict, freed ? 'u' : 'o');
        world_done(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(every_point_of_the_dialogue),
        cmocka_unit_test(cuts_have_their_meaning),
        cmocka_unit_test(a_cut_within_the_body_is_no_doubt),
        cmocka_unit_test(tls_and_dane),
        cmocka_unit_test(connections_are_reused),
        cmocka_unit_test(a_reused_connection_that_broke_is_no_failure),
        cmocka_unit_test(destinations_share_a_site),
        cmocka_unit_test(a_failed_lookup_takes_no_open_connection),
        cmocka_unit_test(the_overall_maximum_is_shared),
        cmocka_unit_test(a_resting_site_puts_its_mail_back),
        cmocka_unit_test(addresses_that_may_not_be_reached),
        cmocka_unit_test(our_own_doors_are_not_asked),
        cmocka_unit_test(an_address_literal),
        cmocka_unit_test(required_tls),
        cmocka_unit_test(bodies_from_the_store),
        cmocka_unit_test(without_a_doubt_no_dot),
        cmocka_unit_test(smart_hosts),
        cmocka_unit_test(draining),
        cmocka_unit_test(stopping_at_any_time),
        cmocka_unit_test(stopping_while_a_body_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
