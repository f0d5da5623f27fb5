/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a message, or the administrator, demands of the connections that carry it: verified TLS, REQUIRETLS, "TLS-Required: No".  The servers show a certificate for one.test,
 * which is trusted here.
 */
#include "delivery_rows.h"

#define TLS_EHLO         "250-peer.test\r\n250-PIPELINING\r\n250 REQUIRETLS"
#define POLICY(mode, mx) "version: STSv1\nmode: " mode "\nmx: " mx "\nmax_age: 86400\n"
#define SIGNED           "$SECURE\n"
#define TWO_DANE         "_PORT._tcp.two.test TLSA 3 1 1 GOOD\n"
#define OFFERS           .one.tls = true, .one.tls_ehlo = TLS_EHLO
#define OTHER            .two.tls = true, .two.tls_ehlo = TLS_EHLO
#define TEMPORARY        .want = 't', .in_one = 0, .in_two = 0

struct demand {
    const char *name, *zone;
    struct script one, two;
    uint8_t tls; /* enum message_tls */
    bool require_tls, null_sender;
    const char *domain; /* NULL: d.test */
    const char *sts;    /* its policy */
    struct config_route *route;
    char want;
    const char *status, *says, *trail;
    const char *mail;    /* in the MAIL command of the first server */
    const char *no_mail; /* not there */
    unsigned in_one, in_two, tls_messages;
    bool one_is_dead, not_connected;
};

static enum dest_tls dest_of(const struct demand *row)
{
    if (row->tls == MESSAGE_TLS_VERIFIED || (row->require_tls && !row->null_sender))
        return DEST_TLS_PROVED;
    if (row->require_tls)
        return DEST_TLS_ENCRYPTED;
    return row->tls == MESSAGE_TLS_OPTIONAL ? DEST_TLS_LAX : DEST_TLS_PUBLISHED;
}

static struct job *put(struct world *w, const struct demand *row)
{
    const char *domain = row->domain != NULL ? row->domain : "d.test";
    struct job *job = world_put_at(w, world_dest_tls(w, domain, dest_of(row)), 1, BODY);

    job->message->tls = row->tls;
    job->message->require_tls = row->require_tls;
    if (row->null_sender)
        job->message->env_from = SGL_LIT("");
    return job;
}

static char ca_file[64];

static void trust(struct world *w)
{
    FILE *f = fopen(ca_file, "w");

    assert_non_null(f);
    fputs(w->made.certificate, f);
    fclose(f);
    w->config.delivery.ca_file = ca_file;
}

static void check(const struct demand *row)
{
    struct world w;

    world_init(&w, row->zone);
    trust(&w);
    w.config.delivery.command_timeout_ms = 300;
    w.peer[0].script = row->one;
    w.peer[1].script = row->two;
    w.sts_body = row->sts;
    w.sts_state = row->sts != NULL ? STS_POLICY : STS_NONE;
    if (row->one_is_dead)
        smtp_peer_close(&w.peer[0]);
    if (row->route != NULL) {
        row->route->port = w.port;
        row->route->ca_file = ca_file;
        w.config.route = row->route;
        w.config.routes = 1;
    }
    world_start(&w);
    put(&w, row);
    world_deliver(&w, row->name);
    if (w.outcome[0].verdict != row->want)
        fail_msg("%s: got %c (%s %s), want %c\n%s", row->name, w.outcome[0].verdict,
                 w.outcome[0].status, w.outcome[0].why, row->want, w.outcome[0].detail);
    CHECK_STR(row->name, w.outcome[0].status, row->status);
    if (strstr(w.outcome[0].why, row->says != NULL ? row->says : "") == NULL)
        fail_msg("%s: the reason is: %s", row->name, w.outcome[0].why);
    if (strstr(w.outcome[0].detail, row->trail != NULL ? row->trail : "") == NULL)
        fail_msg("%s: the trail is: %s", row->name, w.outcome[0].detail);
    CHECK_EQ(row->name, w.peer[0].messages, row->in_one);
    CHECK_EQ(row->name, w.peer[1].messages, row->in_two);
    CHECK_EQ(row->name, w.peer[0].tls_messages + w.peer[1].tls_messages, row->tls_messages);
    if (row->want == 't')
        CHECK_EQ(row->name, w.peer[0].mails, 0);
    if (row->not_connected)
        CHECK_EQ(row->name, w.peer[0].connections + w.peer[1].connections, 0);
    if (strstr(w.peer[0].mail, row->mail != NULL ? row->mail : "") == NULL)
        fail_msg("%s: MAIL is: %s", row->name, w.peer[0].mail);
    if (row->no_mail != NULL && strstr(w.peer[0].mail, row->no_mail) != NULL)
        fail_msg("%s: MAIL is: %s", row->name, w.peer[0].mail);
    world_done(&w);
}

#define CHECK_ALL(rows)                                                                            \
    for (size_t i_ = 0; i_ < sizeof(rows) / sizeof((rows)[0]); i_++)                               \
    check(&(rows)[i_])

static void verified(void **state)
{
#define VERIFIED .tls = MESSAGE_TLS_VERIFIED
    static const struct demand rows[] = {
        {"DANE with signed MX records", SIGNED ONE DANE "GOOD\n", OFFERS, VERIFIED, .want = 'o',
         .status = "2.6.0", .trail = "\"proved\":\"dane-ee\"", .in_one = 1, .tls_messages = 1},
        {"signed MX records and a certificate of the host", SIGNED ONE, OFFERS, VERIFIED,
         .want = 'o', .status = "2.6.0", .trail = "\"proved\":\"certificate\"", .in_one = 1,
         .tls_messages = 1, .no_mail = "REQUIRETLS"},
        {"the domain is its own host", "one.test A 127.0.0.1\n", OFFERS, VERIFIED,
         .domain = "one.test", .want = 'o', .status = "2.6.0",
         .trail = "\"proved\":\"certificate\"", .in_one = 1, .tls_messages = 1},
        {"unsigned MX records, whatever the certificate", ONE, OFFERS, VERIFIED, TEMPORARY,
         .status = "4.7.5", .says = "not signed", .trail = "\"failure\":\"demand-not-met\"",
         .not_connected = true},
        {"unsigned MX records, a signed host with DANE",
         ONE SIGNED "one.test A 127.0.0.1\n" DANE "GOOD\n", OFFERS, VERIFIED, TEMPORARY,
         .status = "4.7.5", .trail = "demand-not-met", .not_connected = true},
        {"unsigned MX records, a policy that lists the host", ONE, OFFERS, VERIFIED,
         .sts = POLICY("enforce", "one.test"), .want = 'o', .status = "2.6.0",
         .trail = "\"demand\":\"mta-sts\"", .in_one = 1, .tls_messages = 1},
        {"unsigned MX records, one in testing that lists it", ONE, OFFERS, VERIFIED,
         .sts = POLICY("testing", "one.test"), .want = 'o', .status = "2.6.0",
         .trail = "\"proved\":\"certificate\"", .in_one = 1, .tls_messages = 1},
        {"one in testing, and the certificate has another name",
         "MX 10 two.test\ntwo.test A 127.0.0.1\n", OFFERS, VERIFIED,
         .sts = POLICY("testing", "two.test"), TEMPORARY, .status = "4.7.5", .trail = "tls-verify"},
        {"one in testing that lists another host", ONE, OFFERS, VERIFIED,
         .sts = POLICY("testing", "two.test"), TEMPORARY, .status = "4.7.5",
         .trail = "demand-not-met", .not_connected = true},
        {"a policy of the mode none lists nobody", ONE, OFFERS, VERIFIED,
         .sts = POLICY("none", "one.test"), TEMPORARY, .status = "4.7.5", .trail = "demand-not-met",
         .not_connected = true},
        {"the certificate has another name", SIGNED "MX 10 two.test\ntwo.test A 127.0.0.1\n",
         OFFERS, VERIFIED, TEMPORARY, .status = "4.7.5", .trail = "tls-verify"},
        {"DANE does not match, though the certificate would do", SIGNED ONE DANE "WRONG\n", OFFERS,
         VERIFIED, TEMPORARY, .status = "4.7.5", .trail = "tls-verify"},
        {"the TLSA lookup fails", SIGNED ONE "_PORT._tcp.one.test SERVFAIL\n", OFFERS, VERIFIED,
         TEMPORARY, .status = "4.7.5", .trail = "dane-lookup", .not_connected = true},
        {"no STARTTLS: never in clear", SIGNED ONE, VERIFIED, TEMPORARY, .status = "4.7.4",
         .trail = "no-starttls"},
        {"STARTTLS is refused: never in clear", SIGNED ONE, .one.tls = true,
         .one.starttls = "454 4.7.0 not now", VERIFIED, TEMPORARY, .status = "4.7.4"},
        {"the handshake breaks: not again without", SIGNED ONE, .one.tls = true,
         .one.deaf_hands = true, VERIFIED, TEMPORARY, .status = "4.7.5"},
        {"the next host can", SIGNED TWO TWO_DANE, .two.tls = true, VERIFIED, .want = 'o',
         .status = "2.6.0", .trail = "no-starttls", .in_two = 1, .tls_messages = 1},
        {"a report with the null sender no less", SIGNED ONE, .null_sender = true, VERIFIED,
         TEMPORARY, .status = "4.7.4"},
        {"an address literal proves nothing", "x A 127.0.0.1\n", OFFERS, VERIFIED,
         .domain = "[127.0.0.1]", TEMPORARY, .status = "4.7.5", .trail = "demand-not-met",
         .not_connected = true},
    };

    (void)state;
    CHECK_ALL(rows);
}

/* [RFC 8689 s2, s4.2.1] */
static void required(void **state)
{
#define REQUIRED .require_tls = true
    static const struct demand rows[] = {
        {"DANE, the extension", SIGNED ONE DANE "GOOD\n", OFFERS, REQUIRED, .want = 'o',
         .status = "2.6.0", .mail = " REQUIRETLS", .in_one = 1, .tls_messages = 1},
        {"signed MX records, a certificate, the extension", SIGNED ONE, OFFERS, REQUIRED,
         .want = 'o', .status = "2.6.0", .mail = " REQUIRETLS", .in_one = 1, .tls_messages = 1},
        {"unsigned MX records, a policy that lists the host, the extension", ONE, OFFERS, REQUIRED,
         .sts = POLICY("enforce", "one.test"), .want = 'o', .status = "2.6.0",
         .mail = " REQUIRETLS", .in_one = 1, .tls_messages = 1},
        {"a policy that lists another host: it may be changed", ONE, OFFERS, REQUIRED,
         .sts = POLICY("enforce", "two.test"), TEMPORARY, .status = "4.7.5", .not_connected = true},
        {"no extension", SIGNED ONE DANE "GOOD\n", .one.tls = true, REQUIRED, .want = 'p',
         .status = "5.7.30", .trail = "no-requiretls"},
        {"the extension in clear only is none", SIGNED ONE DANE "GOOD\n", .one.tls = true,
         .one.ehlo = "250-peer.test\r\n250-STARTTLS\r\n250 REQUIRETLS", REQUIRED, .want = 'p',
         .status = "5.7.30"},
        {"no STARTTLS", SIGNED ONE, REQUIRED, .want = 'p', .status = "5.7.10",
         .trail = "no-starttls"},
        {"STARTTLS is refused now: that may pass", SIGNED ONE, .one.tls = true,
         .one.starttls = "454 4.7.0 not now", REQUIRED, TEMPORARY, .status = "4.7.4"},
        {"the handshake breaks: that may pass", SIGNED ONE, .one.tls = true, .one.deaf_hands = true,
         REQUIRED, TEMPORARY, .status = "4.7.5"},
        {"the certificate has another name: that may pass",
         SIGNED "MX 10 two.test\ntwo.test A 127.0.0.1\n", OFFERS, REQUIRED, TEMPORARY,
         .status = "4.7.5", .trail = "tls-verify"},
        {"the TLSA lookup fails: that may pass", SIGNED ONE "_PORT._tcp.one.test SERVFAIL\n",
         OFFERS, REQUIRED, TEMPORARY, .status = "4.7.5", .not_connected = true},
        {"unsigned MX records", ONE, OFFERS, REQUIRED, .want = 'p', .status = "5.7.30",
         .not_connected = true},
        {"the next host has the extension", SIGNED TWO DANE "GOOD\n" TWO_DANE, .one.tls = true,
         OTHER, REQUIRED, .want = 'o', .status = "2.6.0", .trail = "no-requiretls", .in_two = 1,
         .tls_messages = 1},
        {"no host has it", SIGNED TWO DANE "GOOD\n" TWO_DANE, .one.tls = true, .two.tls = true,
         REQUIRED, .want = 'p', .status = "5.7.30"},
        {"one is down, and may have it", SIGNED TWO DANE "GOOD\n" TWO_DANE, .one_is_dead = true,
         .two.tls = true, REQUIRED, TEMPORARY, .status = "4.7.5", .trail = "demand-not-met"},
        {"a host with two addresses is one host",
         SIGNED ONE "one.test A 127.0.0.1\none.test A 127.0.0.2\n" DANE "GOOD\n", .one.tls = true,
         .two.tls = true, REQUIRED, .want = 'p', .status = "5.7.30"},
        {"the field of the header is no way out", SIGNED ONE, OFFERS, REQUIRED,
         .tls = MESSAGE_TLS_OPTIONAL, .want = 'o', .status = "2.6.0", .mail = " REQUIRETLS",
         .in_one = 1, .tls_messages = 1},
    };

    (void)state;
    CHECK_ALL(rows);
}

/* [RFC 8689 s5] */
static void reports_of_required(void **state)
{
#define REPORT .require_tls = true, .null_sender = true
    static const struct demand rows[] = {
        {"with the extension where it can be had", SIGNED ONE DANE "GOOD\n", OFFERS, REPORT,
         .want = 'o', .status = "2.6.0", .mail = " REQUIRETLS", .in_one = 1, .tls_messages = 1},
        {"with it where a certificate proves the name, though nobody asked for one", SIGNED ONE,
         OFFERS, REPORT, .want = 'o', .status = "2.6.0", .mail = " REQUIRETLS", .in_one = 1,
         .tls_messages = 1},
        {"not where it proves another name", SIGNED "MX 10 two.test\ntwo.test A 127.0.0.1\n",
         OFFERS, REPORT, .want = 'o', .status = "2.6.0", .no_mail = "REQUIRETLS", .in_one = 1,
         .tls_messages = 1},
        {"without where not", SIGNED ONE DANE "GOOD\n", .one.tls = true, REPORT, .want = 'o',
         .status = "2.6.0", .no_mail = "REQUIRETLS", .in_one = 1, .tls_messages = 1},
        {"not to an unproved server", ONE, OFFERS, REPORT, .want = 'o', .status = "2.6.0",
         .no_mail = "REQUIRETLS", .in_one = 1, .tls_messages = 1},
        {"never in clear", ONE, REPORT, TEMPORARY, .status = "4.7.4", .trail = "no-starttls"},
        {"nor after a broken handshake", ONE, .one.tls = true, .one.deaf_hands = true, REPORT,
         TEMPORARY, .status = "4.7.5"},
    };

    (void)state;
    CHECK_ALL(rows);
}

/* [RFC 8689 s3, s4.2.2] */
static void not_required(void **state)
{
#define OPTIONAL .tls = MESSAGE_TLS_OPTIONAL
    static const struct demand rows[] = {
        {"no record matches: TLS with anybody", SIGNED ONE DANE "WRONG\n", OFFERS, OPTIONAL,
         .want = 'o', .status = "2.6.0", .trail = "\"demand\":\"opportunistic\"", .in_one = 1,
         .tls_messages = 1, .no_mail = "REQUIRETLS"},
        {"DANE, and no STARTTLS", SIGNED ONE DANE "GOOD\n", OPTIONAL, .want = 'o',
         .status = "2.6.0", .in_one = 1},
        {"DANE, and STARTTLS is refused", SIGNED ONE DANE "GOOD\n", .one.tls = true,
         .one.starttls = "454 4.7.0 not now", OPTIONAL, .want = 'o', .status = "2.6.0",
         .in_one = 1},
        {"DANE, and a broken handshake", SIGNED ONE DANE "GOOD\n", .one.tls = true,
         .one.deaf_hands = true, OPTIONAL, .want = 'o', .status = "2.6.0", .in_one = 1},
        {"the TLSA lookup fails", SIGNED ONE "_PORT._tcp.one.test SERVFAIL\n", OFFERS, OPTIONAL,
         .want = 'o', .status = "2.6.0", .in_one = 1, .tls_messages = 1},
        {"MTA-STS, and no STARTTLS", ONE, OPTIONAL, .sts = POLICY("enforce", "one.test"),
         .want = 'o', .status = "2.6.0", .in_one = 1},
        {"MTA-STS that lists another host", ONE, OFFERS, OPTIONAL,
         .sts = POLICY("enforce", "two.test"), .want = 'o', .status = "2.6.0", .in_one = 1,
         .tls_messages = 1},
        {"all records unusable, no STARTTLS", SIGNED ONE "_PORT._tcp.one.test TLSA 1 1 1 WRONG\n",
         OPTIONAL, .want = 'o', .status = "2.6.0", .in_one = 1},
        {"the server insists on STARTTLS, and offers none", ONE,
         .one.mail = "530 5.7.0 STARTTLS first", OPTIONAL, .want = 'p', .status = "5.7.0",
         .says = "STARTTLS first"},
    };

    (void)state;
    CHECK_ALL(rows);
}

static const char *everywhere[] = {"*"};

/* What the administrator says of a destination counts, whatever its mail asks for. */
static void routes(void **state)
{
    struct config_route verify = {
        .name = "v", .domain = everywhere, .domains = 1, .tls = ROUTE_TLS_VERIFIED};
    struct config_route smart = {.name = "s",
                                 .domain = everywhere,
                                 .domains = 1,
                                 .host = "one.test",
                                 .tls = ROUTE_TLS_VERIFIED};
    struct config_route encrypt = {.name = "e",
                                   .domain = everywhere,
                                   .domains = 1,
                                   .host = "one.test",
                                   .tls = ROUTE_TLS_REQUIRED};
    struct config_route none = {
        .name = "n", .domain = everywhere, .domains = 1, .host = "one.test", .tls = ROUTE_TLS_NONE};
    const struct demand rows[] = {
        {"verified by MX: signed, and proved", SIGNED ONE, OFFERS, .route = &verify, .want = 'o',
         .status = "2.6.0", .trail = "\"proved\":\"certificate\"", .in_one = 1, .tls_messages = 1},
        {"verified by MX: unsigned records", ONE, OFFERS, .route = &verify, TEMPORARY,
         .status = "4.7.5", .trail = "demand-not-met", .not_connected = true},
        {"verified by MX: no STARTTLS", SIGNED ONE, .route = &verify, TEMPORARY, .status = "4.7.4"},
        {"verified by MX, also for TLS-Required: No", SIGNED ONE, OPTIONAL, .route = &verify,
         TEMPORARY, .status = "4.7.4"},
        {"a smart host that is verified is what a message asks for", "one.test A 127.0.0.1\n",
         OFFERS, VERIFIED, .route = &smart, .want = 'o', .status = "2.6.0",
         .trail = "\"proved\":\"certificate\"", .in_one = 1, .tls_messages = 1},
        {"a smart host that is not is verified for it", "one.test A 127.0.0.1\n", OFFERS, VERIFIED,
         .route = &encrypt, .want = 'o', .status = "2.6.0", .trail = "\"proved\":\"certificate\"",
         .in_one = 1, .tls_messages = 1},
        {"a route with TLS keeps it for TLS-Required: No", "one.test A 127.0.0.1\n", OPTIONAL,
         .route = &encrypt, TEMPORARY, .status = "4.7.4"},
        {"a route without TLS is no way for a demand", "one.test A 127.0.0.1\n", OFFERS, VERIFIED,
         .route = &none, TEMPORARY, .status = "4.7.5", .says = "no TLS", .trail = "demand-not-met",
         .not_connected = true},
        {"nor for REQUIRETLS", "one.test A 127.0.0.1\n", OFFERS, REQUIRED, .route = &none,
         .want = 'p', .status = "5.7.30", .not_connected = true},
        {"nor for a report about it", "one.test A 127.0.0.1\n", OFFERS, REPORT, .route = &none,
         TEMPORARY, .status = "4.7.5", .not_connected = true},
    };

    (void)state;
    CHECK_ALL(rows);
}

/* Two messages at a time, and then again over what they left open. */
static void two_by_two(const char *name, const char *zone, const struct demand *first,
                       const struct demand *second)
{
    struct world w;

    world_init(&w, zone);
    trust(&w);
    w.peer[0].script = first->one;
    world_start(&w);
    for (unsigned turn = 1; turn <= 2; turn++) {
        put(&w, first);
        put(&w, second);
        world_deliver(&w, name);
        CHECK_EQ(name, w.outcomes, 2 * turn);
        for (unsigned i = 2 * turn - 2; i < 2 * turn; i++)
            CHECK_TRUE(name, w.outcome[i].verdict == 'o' || w.outcome[i].verdict == 't');
        CHECK_EQ(name, w.outcome[2 * turn - 2].verdict == 'o',
                 w.outcome[2 * turn - 1].verdict != 'o');
        CHECK_EQ(name, w.peer[0].messages, turn);
        CHECK_EQ(name, w.peer[0].mails, turn);
    }
    world_done(&w);
}

/* A connection that was made for one is no way for the other. */
static void no_connection_carries_both(void **state)
{
    static const struct demand lax = {OFFERS, .tls = MESSAGE_TLS_OPTIONAL};
    static const struct demand plain = {.tls = MESSAGE_TLS_DEFAULT};
    static const struct demand strict = {.tls = MESSAGE_TLS_VERIFIED};
    static const struct demand ordinary = {OFFERS, .tls = MESSAGE_TLS_DEFAULT};
    static const struct demand report = {REPORT};

    (void)state;
    two_by_two("TLS-Required: No and an ordinary message, DANE does not match",
               SIGNED ONE DANE "WRONG\n", &lax, &ordinary);
    two_by_two("an ordinary message in clear and a verified one", SIGNED ONE, &plain, &strict);
    two_by_two("an ordinary message to an unsigned domain and a verified one", ONE, &ordinary,
               &strict);
    two_by_two("an ordinary message in clear and a report about REQUIRETLS", ONE, &plain, &report);
}

/* An open session at a worse host is not where the search for REQUIRETLS ends. [RFC 8689 s4.2.1] */
static void required_over_an_open_session(void **state)
{
    static const struct demand row = {.require_tls = true};
    static const struct demand other = {.tls = MESSAGE_TLS_VERIFIED};
    struct world w;

    (void)state;
    world_init(&w, SIGNED TWO DANE "GOOD\n" TWO_DANE);
    trust(&w);
    w.peer[0].script =
        (struct script){.tls = true, .greeting = "*^421 not now", .tls_ehlo = TLS_EHLO};
    w.peer[1].script = (struct script){.tls = true};
    world_start(&w);
    put(&w, &other);
    world_deliver(&w, "the first host is not there");
    CHECK_EQ("the second took it", w.peer[1].messages, 1);
    put(&w, &row);
    world_deliver(&w, "the second has no REQUIRETLS");
    CHECK_EQ("the first took it", w.outcome[1].verdict, 'o');
    CHECK_EQ("over a session of its own", w.peer[0].tls_messages, 1);
    CHECK_EQ("the second was not asked", w.peer[1].mails, 1);
    world_done(&w);
}

static void drained(void *ctx)
{
    (void)ctx;
}

/* Who is asked and can't have the message hears QUIT. [RFC 8689 s4.2.1] */
static void quit_is_said(void **state)
{
    static const struct demand row = {.require_tls = true};
    static const struct script scripts[] = {{.tls = true}, /* no REQUIRETLS */
                                            {.tls = false}};

    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct world w;

        world_init(&w, SIGNED TWO DANE "GOOD\n" TWO_DANE);
        trust(&w);
        w.peer[0].script = w.peer[1].script = scripts[i];
        world_start(&w);
        put(&w, &row);
        world_deliver(&w, "to nobody");
        CHECK_EQ("it comes back", w.outcome[0].verdict, 'p');
        if (i == 0) /* its session is good for others; it ends as idle ones do */
            delivery_drain(w.delivery, drained, NULL);
        for (unsigned turns = 0; turns < 50 && w.peer[1].quits == 0; turns++)
            world_turn(&w);
        CHECK_EQ("the first hears it", w.peer[0].quits, 1);
        CHECK_EQ("the last hears it", w.peer[1].quits, 1);
        world_done(&w);
    }
}

static void count_session(void *ctx, const struct delivery_session *session)
{
    (void)session;
    ++*(unsigned *)ctx;
}

/* A session that does not look at the policy is no success of it. */
static void lax_sessions_are_not_told(void **state)
{
    static const struct demand rows[] = {{.tls = MESSAGE_TLS_OPTIONAL},
                                         {.tls = MESSAGE_TLS_DEFAULT}};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct world w;
        unsigned told = 0;

        world_init(&w, SIGNED ONE DANE "GOOD\n");
        w.peer[0].script = (struct script){.tls = true};
        world_start(&w);
        delivery_set_sessions(w.delivery,
                              &(struct delivery_sessions){.session = count_session, .ctx = &told});
        put(&w, &rows[i]);
        world_deliver(&w, "one message");
        CHECK_EQ("it arrived", w.outcome[0].verdict, 'o');
        CHECK_EQ("an ordinary one tells", told, i);
        world_done(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verified),
        cmocka_unit_test(required),
        cmocka_unit_test(reports_of_required),
        cmocka_unit_test(not_required),
        cmocka_unit_test(routes),
        cmocka_unit_test(no_connection_carries_both),
        cmocka_unit_test(required_over_an_open_session),
        cmocka_unit_test(quit_is_said),
        cmocka_unit_test(lax_sessions_are_not_told),
    };
    int fd, failed;

    snprintf(ca_file, sizeof ca_file, "/tmp/sigillo-test-ca-XXXXXX");
    fd = mkstemp(ca_file);
    close(fd);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(ca_file);
    return failed;
}
