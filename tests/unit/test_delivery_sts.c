/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain's MTA-STS policy makes of its hosts.  [RFC 8461 s4, s5] */
#include <unistd.h>

#include "delivery_rows.h"

#define POLICY(mode, mx) "version: STSv1\nmode: " mode "\nmx: " mx "\nmax_age: 86400\n"
#define ENFORCE          POLICY("enforce", "one.test")
#define SIGNED           "$SECURE\n"
#define UNSIGNED_MX                                                                                \
    "$SECURE\none.test A 127.0.0.1\n" /* after ONE: all but the MX records is signed */

struct case_ {
    const char *name, *zone, *body;
    enum sts_state state; /* of no body */
    struct script one, two;
    char want;
    const char *status, *says, *trail, *told;
    unsigned in_one, in_two, tls_messages;
    enum message_tls tls;
    bool require_tls, untrusted, not_connected, not_asked, off;
    enum sgl_tls_result trouble;
    struct config_route *route;
};

static char ca_file[64];

static void trust(struct world *w)
{
    FILE *f = fopen(ca_file, "w");

    assert_non_null(f);
    fputs(w->made.certificate, f);
    fclose(f);
    w->config.delivery.ca_file = ca_file;
}

/* Each session as "TYPE MX RESULT". */
static void tell(void *ctx, const struct delivery_session *s)
{
    static const char *const types[] = {"none", "tlsa", "sts"};
    char *text = ctx;

    snprintf(text + strlen(text), 1000 - strlen(text), "%s %.*s %s\n", types[s->type],
             SGL_FMT(s->mx), s->result == SGL_TLS_OK ? "ok" : sgl_tls_result_name(s->result));
    CHECK_TRUE("a failure has a reason", (s->result == SGL_TLS_OK) == (s->reason[0] == '\0'));
    CHECK_TRUE("the records are those of TLSA only",
               s->dane == NULL || s->type != DELIVERY_POLICY_STS);
}

static void set(struct world *w, const struct case_ *row, bool later)
{
    if (!row->untrusted)
        trust(w);
    w->config.delivery.command_timeout_ms = 300;
    w->config.delivery.mta_sts = !row->off;
    w->peer[0].script = row->one;
    w->peer[1].script = row->two;
    w->sts_body = row->body;
    w->sts_state = row->body != NULL ? STS_POLICY : row->state;
    w->sts_why = row->state == STS_UNKNOWN ? "the lookup of its record failed" : "it answered 404";
    w->sts_trouble = row->trouble;
    w->sts_later = later;
    if (row->route != NULL) {
        row->route->port = w->port;
        w->config.route = row->route;
        w->config.routes = 1;
    }
}

static void check(const struct case_ *row, bool later)
{
    struct world w;
    struct job *job;
    char told[1000] = "";

    world_init(&w, row->zone);
    set(&w, row, later);
    world_start(&w);
    delivery_set_sessions(w.delivery, &(struct delivery_sessions){tell, told});
    job = world_put_at(&w,
                       world_dest_tls(&w, "d.test",
                                      row->require_tls                   ? DEST_TLS_PROVED
                                      : row->tls == MESSAGE_TLS_OPTIONAL ? DEST_TLS_LAX
                                                                         : DEST_TLS_PUBLISHED),
                       1, BODY);
    job->message->require_tls = row->require_tls;
    job->message->tls = (uint8_t)row->tls;
    world_deliver(&w, row->name);
    if (w.outcome[0].verdict != row->want)
        fail_msg("%s: got %c (%s %s), want %c\n%s", row->name, w.outcome[0].verdict,
                 w.outcome[0].status, w.outcome[0].why, row->want, w.outcome[0].detail);
    if (row->status != NULL)
        CHECK_STR(row->name, w.outcome[0].status, row->status);
    if (strstr(w.outcome[0].why, row->says != NULL ? row->says : "") == NULL)
        fail_msg("%s: the reason is: %s", row->name, w.outcome[0].why);
    if (strstr(w.outcome[0].detail, row->trail != NULL ? row->trail : "") == NULL)
        fail_msg("%s: the trail is: %s", row->name, w.outcome[0].detail);
    if (row->told != NULL)
        CHECK_STR(row->name, told, row->told);
    CHECK_EQ(row->name, w.peer[0].messages, row->in_one);
    CHECK_EQ(row->name, w.peer[1].messages, row->in_two);
    CHECK_EQ(row->name, w.peer[0].tls_messages + w.peer[1].tls_messages, row->tls_messages);
    if (row->want == 't')
        CHECK_EQ(row->name, w.peer[0].mails + w.peer[1].mails, 0);
    if (row->not_connected)
        CHECK_EQ(row->name, w.peer[0].connections + w.peer[1].connections, 0);
    if (row->not_asked)
        CHECK_EQ(row->name, w.sts_asked, 0);
    world_done(&w);
}

/* Whether the policy is there at once or comes when DNS has been through, nothing may depend on. */
#define CHECK_ALL(rows)                                                                            \
    for (size_t i_ = 0; i_ < 2 * sizeof(rows) / sizeof((rows)[0]); i_++)                           \
    check(&(rows)[i_ / 2], i_ % 2 == 1)

static void enforced(void **state)
{
    static const struct case_ rows[] = {
        {"a host of the policy whose certificate is good", ONE, ENFORCE, .one.tls = true,
         .want = 'o', .in_one = 1, .tls_messages = 1, .trail = "\"demand\":\"mta-sts\"",
         .told = "sts one.test ok\n"},
        {"and the trail has what was proved", ONE, ENFORCE, .one.tls = true, .want = 'o',
         .in_one = 1, .tls_messages = 1, .trail = "\"proved\":\"certificate\""},
        {"a wildcard allows the host below it", ONE, POLICY("enforce", "*.test"), .one.tls = true,
         .want = 'o', .in_one = 1, .tls_messages = 1},
        {"the host as DNS writes it: upper case and a final dot",
         "MX 10 ONE.Test.\none.test A 127.0.0.1\n", ENFORCE, .one.tls = true, .want = 'o',
         .in_one = 1, .tls_messages = 1},
        {"no STARTTLS: nothing is sent", ONE, ENFORCE, .want = 't', .status = "4.7.4",
         .says = "MTA-STS of d.test (enforce): STARTTLS is required",
         .told = "sts one.test starttls-not-supported\n"},
        {"STARTTLS is refused: nothing is sent", ONE, ENFORCE, .one.tls = true,
         .one.starttls = "454 4.7.0 not now", .want = 't', .status = "4.7.4",
         .says = "MTA-STS of d.test (enforce): STARTTLS was refused",
         .told = "sts one.test starttls-not-supported\n"},
        {"the handshake breaks: nothing is sent", ONE, ENFORCE, .one.tls = true,
         .one.deaf_hands = true, .want = 't', .status = "4.7.5",
         .says = "MTA-STS of d.test (enforce)", .told = "sts one.test validation-failure\n"},
        {"a certificate of no authority: nothing is sent", ONE, ENFORCE, .untrusted = true,
         .one.tls = true, .want = 't', .status = "4.7.5",
         .says = "MTA-STS of d.test (enforce): self",
         .told = "sts one.test certificate-not-trusted\n"},
        {"a certificate with another name: nothing is sent",
         "MX 10 two.test\ntwo.test A 127.0.0.1\n", POLICY("enforce", "two.test"), .one.tls = true,
         .want = 't', .status = "4.7.5", .says = "MTA-STS of d.test (enforce): hostname mismatch",
         .told = "sts two.test certificate-host-mismatch\n"},
        {"the domain's own name in the certificate is not the host's",
         "MX 10 x.test\nx.test A 127.0.0.1\n", POLICY("enforce", "x.test"), .one.tls = true,
         .want = 't', .status = "4.7.5"},
        {"a host that is not in the policy is not connected to", ONE, POLICY("enforce", "two.test"),
         .one.tls = true, .want = 't', .status = "4.7.5",
         .says = "MTA-STS of d.test (enforce): one.test is not in the policy",
         .not_connected = true, .told = "sts one.test validation-failure\n",
         .trail = "\"policy\":\"mta-sts\",\"demand\":\"opportunistic\""},
        {"and the trail says why", ONE, POLICY("enforce", "two.test"), .want = 't',
         .trail = "\"mta_sts\":{\"mode\":\"enforce\",\"id\":\"1\",\"result\":\"sts-mx-mismatch\"}"},
        {"a wildcard is for one label", "MX 10 a.one.test\na.one.test A 127.0.0.1\n",
         POLICY("enforce", "*.test"), .one.tls = true, .want = 't', .not_connected = true},
        {"and not for none", ONE, POLICY("enforce", "*.one.test"), .one.tls = true, .want = 't',
         .not_connected = true},
        {"the next host is tried [RFC 8461 s5.1]", TWO, POLICY("enforce", "two.test"),
         .one.tls = true, .two.tls = true, .want = 't', .says = "hostname mismatch",
         .told = "sts one.test validation-failure\nsts two.test certificate-host-mismatch\n"},
        {"the second host is good, the first is not in the policy [RFC 8461 s5.1]",
         "MX 10 two.test\ntwo.test A 127.0.0.2\nMX 20 one.test\none.test A 127.0.0.1\n", ENFORCE,
         .one.tls = true, .two.tls = true, .want = 'o', .in_one = 1, .tls_messages = 1},
        {"the second host is good, the first has no STARTTLS",
         "MX 10 two.test\ntwo.test A 127.0.0.2\nMX 20 one.test\none.test A 127.0.0.1\n",
         POLICY("enforce", "*.test"), .one.tls = true, .want = 'o', .in_one = 1, .tls_messages = 1,
         .told = "sts two.test starttls-not-supported\nsts one.test ok\n"},
        {"the order of preference stays: the first is good and gets it", TWO,
         POLICY("enforce", "*.test"), .one.tls = true, .two.tls = true, .want = 'o', .in_one = 1,
         .tls_messages = 1},
        {"without MX records the domain itself is the host [RFC 8461 s4.1]", "A 127.0.0.1\n",
         POLICY("enforce", "d.test"), .one.tls = true, .want = 't', .says = "hostname mismatch"},
        {"and has to be in the policy", "A 127.0.0.1\n", ENFORCE, .one.tls = true, .want = 't',
         .not_connected = true},
        {"a domain that takes no mail bounces it, whatever its policy", "MX 0 .\n", ENFORCE,
         .want = 'p', .status = "5.1.10"},
        {"a domain that is not there, too", "NXDOMAIN\n", ENFORCE, .want = 'p', .status = "5.1.2"},
    };

    (void)state;
    CHECK_ALL(rows);
}

static void not_enforced(void **state)
{
    static const struct case_ rows[] = {
        {"testing: no STARTTLS, and the mail goes", ONE, POLICY("testing", "one.test"), .want = 'o',
         .in_one = 1, .told = "sts one.test starttls-not-supported\n"},
        {"testing: the host is not in the policy, and the mail goes", ONE,
         POLICY("testing", "two.test"), .one.tls = true, .want = 'o', .in_one = 1,
         .tls_messages = 1, .told = "sts one.test validation-failure\n",
         .trail = "\"result\":\"sts-mx-mismatch\""},
        {"testing: nobody vouches for the certificate, and the mail goes", ONE,
         POLICY("testing", "one.test"), .untrusted = true, .one.tls = true, .want = 'o',
         .in_one = 1, .tls_messages = 1, .told = "sts one.test certificate-not-trusted\n"},
        {"testing: another name in the certificate, and the mail goes",
         "MX 10 two.test\ntwo.test A 127.0.0.1\n", POLICY("testing", "two.test"), .one.tls = true,
         .want = 'o', .in_one = 1, .tls_messages = 1,
         .told = "sts two.test certificate-host-mismatch\n"},
        {"testing: the handshake breaks, and the mail goes in clear", ONE,
         POLICY("testing", "one.test"), .one.tls = true, .one.deaf_hands = true, .want = 'o',
         .in_one = 1, .told = "sts one.test validation-failure\n"},
        {"testing: all is well", ONE, POLICY("testing", "one.test"), .one.tls = true, .want = 'o',
         .in_one = 1, .tls_messages = 1, .told = "sts one.test ok\n",
         .trail = "\"mta_sts\":{\"mode\":\"testing\",\"id\":\"1\"}"},
        {"none is as no policy", ONE, "version: STSv1\nmode: none\nmax_age: 1\n", .want = 'o',
         .in_one = 1, .told = "none one.test starttls-not-supported\n"},
        {"no policy", ONE, NULL, STS_NONE, .one.tls = true, .want = 'o', .in_one = 1,
         .tls_messages = 1, .told = "none one.test ok\n"},
        {"a policy that could not be fetched is told, and the mail goes [RFC 8461 s3.3]", ONE, NULL,
         STS_NONE, .one.tls = true, .want = 'o', .in_one = 1, .tls_messages = 1,
         .trouble = SGL_TLS_STS_WEBPKI_INVALID, .told = "sts one.test sts-webpki-invalid\n",
         .trail = "\"mta_sts\":{\"result\":\"sts-webpki-invalid\"}"},
        {"one that could not be refreshed counts as it is", ONE, ENFORCE, .one.tls = true,
         .want = 'o', .in_one = 1, .tls_messages = 1, .trouble = SGL_TLS_STS_POLICY_FETCH_ERROR,
         .told = "sts one.test ok\n"},
        {"switched off: nobody asks", ONE, ENFORCE, .off = true, .want = 'o', .in_one = 1,
         .not_asked = true},
        {"TLS-Required: No: nobody asks [RFC 8689 s4.2.2]", ONE, ENFORCE,
         .tls = MESSAGE_TLS_OPTIONAL, .want = 'o', .in_one = 1, .not_asked = true},
    };

    (void)state;
    CHECK_ALL(rows);
}

static void unknown(void **state)
{
    static const struct case_ rows[] = {
        {"not known: nothing is sent, and nobody is connected to", ONE, NULL, STS_UNKNOWN,
         .one.tls = true, .want = 't', .status = "4.7.5", .says = "the lookup of its record failed",
         .not_connected = true, .told = "", .trail = "\"failure\":\"sts-unknown\""},
        {"where DANE authenticates the host, it decides", SIGNED ONE DANE "GOOD\n", NULL,
         STS_UNKNOWN, .one.tls = true, .want = 'o', .in_one = 1, .tls_messages = 1},
        {"not where nobody signed that it is a host of the domain", ONE UNSIGNED_MX DANE "GOOD\n",
         NULL, STS_UNKNOWN, .one.tls = true, .want = 't', .status = "4.7.5", .not_connected = true,
         .trail = "\"policy\":\"mta-sts\"", .told = ""},
        {"where it can only encrypt, it does not", SIGNED ONE "_PORT._tcp.one.test TLSA 9 9 9 00\n",
         NULL, STS_UNKNOWN, .one.tls = true, .want = 't', .not_connected = true},
        {"nor is it known whether REQUIRETLS could be kept", ONE, NULL, STS_UNKNOWN,
         .require_tls = true, .one.tls = true, .want = 't', .not_connected = true},
        {"TLS-Required: No does not need to know", ONE, NULL, STS_UNKNOWN,
         .tls = MESSAGE_TLS_OPTIONAL, .want = 'o', .in_one = 1},
        {"a domain that takes no mail bounces it", "MX 0 .\n", NULL, STS_UNKNOWN, .want = 'p',
         .status = "5.1.10"},
    };

    (void)state;
    CHECK_ALL(rows);
}

/* [RFC 8461 s2]: what DANE refuses no policy allows, and what it proves no policy forbids; both are told. */
static void beside_dane(void **state)
{
    static const struct case_ rows[] = {
        {"DANE matches and the policy is kept", SIGNED ONE DANE "GOOD\n", ENFORCE, .one.tls = true,
         .want = 'o', .in_one = 1, .tls_messages = 1, .trail = "\"proved\":\"dane-ee\"",
         .told = "tlsa one.test ok\nsts one.test ok\n"},
        {"DANE does not match: the policy does not rescue it", SIGNED ONE DANE "WRONG\n", ENFORCE,
         .one.tls = true, .want = 't', .status = "4.7.5", .says = "DANE",
         .told = "tlsa one.test validation-failure\n"},
        {"DANE matches a host that is not in the policy", SIGNED ONE DANE "GOOD\n",
         POLICY("enforce", "two.test"), .one.tls = true, .want = 'o', .in_one = 1,
         .tls_messages = 1, .told = "tlsa one.test ok\nsts one.test validation-failure\n"},
        {"but where nobody signed that it is a host of the domain, the policy says who is [RFC "
         "7672 "
         "s2.2.1]",
         ONE UNSIGNED_MX DANE "GOOD\n", POLICY("enforce", "two.test"), .one.tls = true, .want = 't',
         .status = "4.7.5", .not_connected = true,
         .says = "MTA-STS of d.test (enforce): one.test is not in the policy",
         .trail = "\"policy\":\"mta-sts\"", .told = "sts one.test validation-failure\n"},
        {"and one that it lists has to match as well", ONE UNSIGNED_MX DANE "GOOD\n", ENFORCE,
         .untrusted = true, .one.tls = true, .want = 'o', .in_one = 1, .tls_messages = 1,
         .trail = "\"demand\":\"dane\""},
        {"a policy in testing refuses nothing", ONE UNSIGNED_MX DANE "GOOD\n",
         POLICY("testing", "two.test"), .one.tls = true, .want = 'o', .in_one = 1,
         .tls_messages = 1, .told = "tlsa one.test ok\nsts one.test validation-failure\n"},
        {"DANE matches a certificate that no authority knows", SIGNED ONE DANE "GOOD\n", ENFORCE,
         .untrusted = true, .one.tls = true, .want = 'o', .in_one = 1, .tls_messages = 1,
         .told = "tlsa one.test ok\nsts one.test certificate-not-trusted\n"},
        {"no STARTTLS under both", SIGNED ONE DANE "GOOD\n", ENFORCE, .want = 't',
         .status = "4.7.4",
         .told = "tlsa one.test starttls-not-supported\nsts one.test starttls-not-supported\n"},
        {"the TLSA lookup fails: the policy does not rescue it",
         SIGNED ONE "_PORT._tcp.one.test SERVFAIL\n", ENFORCE, .one.tls = true, .want = 't',
         .not_connected = true, .says = "TLSA", .told = "tlsa one.test dnssec-invalid\n"},
        {"records that nobody can use: the policy is kept",
         SIGNED ONE "_PORT._tcp.one.test TLSA 9 9 9 00\n", ENFORCE, .one.tls = true, .want = 'o',
         .in_one = 1, .tls_messages = 1, .trail = "\"demand\":\"mta-sts\"",
         .told = "tlsa one.test tlsa-invalid\nsts one.test ok\n"},
        {"and its certificate has to be good", SIGNED ONE "_PORT._tcp.one.test TLSA 9 9 9 00\n",
         ENFORCE, .untrusted = true, .one.tls = true, .want = 't', .status = "4.7.5"},
    };

    (void)state;
    CHECK_ALL(rows);
}

static void required(void **state)
{
    static const struct case_ rows[] = {
        {"a host of the policy is proved to be the domain's [RFC 8689 s4.2.1]", ONE, ENFORCE,
         .require_tls = true, .one.tls = true,
         .one.tls_ehlo = "250-one\r\n250-REQUIRETLS\r\n250 8BITMIME", .want = 'o', .in_one = 1,
         .tls_messages = 1},
        {"one that is only tested is not", ONE, POLICY("testing", "one.test"), .require_tls = true,
         .one.tls = true, .one.tls_ehlo = "250-one\r\n250-REQUIRETLS\r\n250 8BITMIME", .want = 'p',
         .status = "5.7.30"},
        {"a policy that could not be fetched now may be there soon: nothing is final", ONE, NULL,
         STS_NONE, .trouble = SGL_TLS_STS_POLICY_FETCH_ERROR, .require_tls = true, .one.tls = true,
         .want = 't', .status = "4.7.5", .not_connected = true},
        {"what a host that is proved lacks is final all the same", SIGNED ONE, NULL, STS_NONE,
         .trouble = SGL_TLS_STS_POLICY_FETCH_ERROR, .require_tls = true, .one.tls = true,
         .want = 'p', .status = "5.7.30"},
        {"and where there is no policy", ONE, NULL, STS_NONE, .require_tls = true, .one.tls = true,
         .want = 'p', .status = "5.7.30", .not_connected = true},
        {"nor one that is not in it", ONE, POLICY("enforce", "two.test"), .require_tls = true,
         .one.tls = true, .one.tls_ehlo = "250-one\r\n250-REQUIRETLS\r\n250 8BITMIME", .want = 't',
         .not_connected = true},
    };

    (void)state;
    CHECK_ALL(rows);
}

static const char *any[] = {"*"};

static struct config_route route_to(char *host, enum config_route_tls tls)
{
    return (struct config_route){
        .name = "r", .domain = any, .domains = 1, .host = host, .tls = tls};
}

/* The smart host's own name is the policy domain [RFC 8461 s3.4]. */
static void smart_hosts(void **state)
{
    static char name[] = "d.test";
    static struct config_route relaxed, demands, proves, nothing;
    static const struct case_ rows[] = {
        {"its own policy counts", "A 127.0.0.1\n", POLICY("enforce", "d.test"), .route = &relaxed,
         .one.tls = true, .want = 't', .says = "MTA-STS of d.test (enforce): hostname mismatch"},
        {"beside what the route asks", "A 127.0.0.1\n", POLICY("enforce", "d.test"),
         .route = &demands, .one.tls = true, .want = 't', .says = "hostname mismatch"},
        {"what has to prove its name anyway is not asked for a policy", "A 127.0.0.1\n",
         POLICY("enforce", "d.test"), .route = &proves, .one.tls = true, .want = 't',
         .not_asked = true},
        {"tls = none is the administrator's own word", "A 127.0.0.1\n", POLICY("enforce", "d.test"),
         .route = &nothing, .one.tls = true, .want = 'o', .in_one = 1, .not_asked = true},
    };

    (void)state;
    relaxed = route_to(name, ROUTE_TLS_OPPORTUNISTIC);
    demands = route_to(name, ROUTE_TLS_REQUIRED);
    proves = route_to(name, ROUTE_TLS_VERIFIED);
    nothing = route_to(name, ROUTE_TLS_NONE);
    CHECK_ALL(rows);
}

/* A certificate that only the route's own roots know is none from a public authority. */
static void roots_of_a_route(void **state)
{
    static char name[] = "one.test";
    struct config_route route = route_to(name, ROUTE_TLS_OPPORTUNISTIC);
    struct case_ row = {.body = ENFORCE, .route = &route, .one.tls = true};

    (void)state;
    for (int trusted = 0; trusted < 2; trusted++) {
        struct world w;

        world_init(&w, "one.test A 127.0.0.1\n");
        row.untrusted = trusted == 0;
        set(&w, &row, false);
        trust(&w); /* for the file */
        route.ca_file = ca_file;
        if (trusted == 0)
            w.config.delivery.ca_file = "/dev/null";
        w.sts_domain = name;
        world_start(&w);
        world_put(&w, "d.test", 1, BODY);
        world_deliver(&w, "to a smart host with a policy");
        CHECK_EQ("by the public authorities", w.outcome[0].verdict, trusted == 0 ? 't' : 'o');
        world_done(&w);
    }
}

/* Two domains with the same host, of which one has a policy that forbids it: the other one's mail goes, and over no connection of the first. */
static void nobody_elses(void **state)
{
    static const struct {
        const char *name, *body;
        char want;
        unsigned connections;
    } rows[] = {
        {"one forbids the host", POLICY("enforce", "two.test"), 't', 1},
        {"one allows it", ENFORCE, 'o', 2},
        {"one is only tested", POLICY("testing", "two.test"), 'o', 2},
    };

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct world w;

        world_init(&w, ONE "e.test MX 10 one.test\n");
        set(&w, &(struct case_){.body = rows[i / 2].body, .one.tls = true}, i % 2 == 1);
        world_start(&w);
        world_put(&w, "e.test", 1, BODY);
        world_deliver(&w, rows[i / 2].name);
        CHECK_EQ("no policy: it went", w.outcome[0].verdict, 'o');
        world_put(&w, "d.test", 1, BODY);
        world_deliver(&w, rows[i / 2].name);
        CHECK_EQ(rows[i / 2].name, w.outcome[1].verdict, rows[i / 2].want);
        CHECK_EQ("each over its own connection", w.peer[0].connections, rows[i / 2].connections);
        world_put(&w, "e.test", 1, BODY);
        world_deliver(&w, rows[i / 2].name);
        CHECK_EQ("the other still goes", w.outcome[2].verdict, 'o');
        world_done(&w);
    }
}

static void addresses(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, "");
    set(&w, &(struct case_){.body = ENFORCE}, false);
    world_start(&w);
    world_put(&w, "[127.0.0.1]", 1, BODY);
    world_deliver(&w, "to an address");
    CHECK_EQ("it goes", w.outcome[0].verdict, 'o');
    CHECK_EQ("nobody asks for a policy", w.sts_asked, 0);
    world_done(&w);
}

/* The planner is given up while the policy is still looked for. */
static void given_up(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, ONE);
    set(&w, &(struct case_){.body = ENFORCE, .one.tls = true}, true);
    world_start(&w);
    world_put(&w, "d.test", 1, BODY);
    w.hooks.ready(w.hooks.ctx, w.dest[0], queue_dest_domain(w.dest[0]));
    for (int i = 0; i < 10 && w.sts_asking == NULL; i++)
        world_turn(&w);
    CHECK_TRUE("somebody asks", w.sts_asking != NULL);
    delivery_free(w.delivery);
    w.delivery = NULL;
    CHECK_TRUE("and has given up", w.sts_asking == NULL);
    world_free_job(w.dest[0]->first);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enforced),         cmocka_unit_test(not_enforced),
        cmocka_unit_test(unknown),          cmocka_unit_test(beside_dane),
        cmocka_unit_test(required),         cmocka_unit_test(smart_hosts),
        cmocka_unit_test(nobody_elses),     cmocka_unit_test(given_up),
        cmocka_unit_test(roots_of_a_route), cmocka_unit_test(addresses),
    };
    int fd, failed;

    snprintf(ca_file, sizeof ca_file, "/tmp/sigillo-test-ca-XXXXXX");
    fd = mkstemp(ca_file);
    close(fd);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(ca_file);
    return failed;
}
