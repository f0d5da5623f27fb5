/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of sessions, for reports about TLS.  [RFC 8460 s4] */
#include "delivery_rows.h"

/* Each session as "DOMAIN TYPE MX RESULT", a line each. */
struct told {
    char text[4096], reason[400];
    unsigned count, with_addresses, of_reports;
    size_t records;
};

static void tell(void *ctx, const struct delivery_session *s)
{
    static const char *const types[] = {"none", "tlsa", "sts"};
    struct told *t = ctx;

    snprintf(t->text + strlen(t->text), sizeof t->text - strlen(t->text), "%.*s %s %.*s %s\n",
             SGL_FMT(s->domain), types[s->type], SGL_FMT(s->mx),
             s->result == SGL_TLS_OK ? "ok" : sgl_tls_result_name(s->result));
    snprintf(t->reason, sizeof t->reason, "%s", s->reason);
    t->count++;
    t->with_addresses += s->from.version == 4 && s->to.version == 4;
    t->of_reports += s->of_report;
    if (s->dane != NULL)
        t->records = s->dane->tlsas;
}

static void listen_to(struct world *w, struct told *t)
{
    memset(t, 0, sizeof *t);
    delivery_set_sessions(w->delivery, &(struct delivery_sessions){tell, t});
}

struct case_ {
    const char *name, *zone;
    struct script one, two;
    const char *told, *reason;
    unsigned with_addresses;
    size_t records;
};

static void check_case(const struct case_ *row)
{
    struct told t;
    struct world w;

    world_init(&w, row->zone);
    w.config.delivery.command_timeout_ms = w.config.delivery.data_timeout_ms = 300;
    w.peer[0].script = row->one;
    w.peer[1].script = row->two;
    world_start(&w);
    listen_to(&w, &t);
    world_put(&w, "d.test", 2, BODY);
    world_deliver(&w, row->name);
    CHECK_STR(row->name, t.text, row->told);
    if (strstr(t.reason, row->reason != NULL ? row->reason : "") == NULL)
        fail_msg("%s: the reason is: %s", row->name, t.reason);
    CHECK_EQ(row->name, t.with_addresses, row->with_addresses);
    CHECK_EQ(row->name, t.records, row->records);
    world_done(&w);
}

#define SIGNED "$SECURE\n" ONE

static void what_became_of_tls(void **state)
{
    static const struct case_ rows[] = {
        {"no policy, TLS", ONE, .one.tls = true, .told = "d.test none one.test ok\n",
         .with_addresses = 1},
        {"no policy, no STARTTLS: counted against it, and the mail goes", ONE,
         .told = "d.test none one.test starttls-not-supported\n",
         .reason = "STARTTLS is not offered", .with_addresses = 1},
        {"STARTTLS is refused", ONE, .one.tls = true, .one.starttls = "454 4.7.0 not now",
         .told = "d.test none one.test starttls-not-supported\n", .reason = "STARTTLS was refused",
         .with_addresses = 1},
        {"the handshake breaks; what follows in plain is the same session", ONE, .one.tls = true,
         .one.deaf_hands = true, .told = "d.test none one.test validation-failure\n",
         .with_addresses = 1},
        {"plaintext is injected behind STARTTLS", ONE, .one.tls = true,
         .one.starttls = "220 go\r\n250 injected",
         .told = "d.test none one.test validation-failure\n", .with_addresses = 1},
        {"a record matches", SIGNED DANE "GOOD\n", .one.tls = true,
         .told = "d.test tlsa one.test ok\n", .with_addresses = 1, .records = 1},
        {"none matches", SIGNED DANE "WRONG\n" DANE "WRONG\n", .one.tls = true,
         .told = "d.test tlsa one.test validation-failure\n",
         .reason = "none of its 1 TLSA records", .with_addresses = 1, .records = 1},
        {"records, and no STARTTLS", SIGNED DANE "GOOD\n",
         .told = "d.test tlsa one.test starttls-not-supported\n", .with_addresses = 1,
         .records = 1},
        {"no usable record: TLS, and told", SIGNED "_PORT._tcp.one.test TLSA 1 1 1 WRONG\n",
         .one.tls = true, .told = "d.test tlsa one.test tlsa-invalid\n", .reason = "none is usable",
         .with_addresses = 1},
        {"the TLSA lookup is forged: nobody connects", SIGNED "_PORT._tcp.one.test BOGUS\n",
         .one.tls = true, .told = "d.test tlsa one.test dnssec-invalid\n",
         .reason = "TLSA lookup for"},
        {"the TLSA lookup fails", SIGNED "_PORT._tcp.one.test SERVFAIL\n", .one.tls = true,
         .told = "d.test tlsa one.test dnssec-invalid\n", .reason = "TLSA lookup for"},
        {"the addresses are forged", "$SECURE\nMX 10 one.test\none.test BOGUS\n",
         .told = "d.test tlsa one.test dnssec-invalid\n"},
        {"the MX records are forged", "$SECURE\nBOGUS MX\n",
         .told = "d.test tlsa  dnssec-invalid\n", .reason = "signature expired"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_case(&rows[i]);
}

static void each_host_is_a_session(void **state)
{
    static const struct case_ rows[] = {
        {"one fails, the next one takes it",
         "$SECURE\n" TWO DANE "WRONG\n_PORT._tcp.two.test TLSA 3 1 1 GOOD\n", .one.tls = true,
         .two.tls = true,
         .told = "d.test tlsa one.test validation-failure\nd.test tlsa two.test ok\n",
         .with_addresses = 2, .records = 1},
        {"one can't be asked for, the next one has no policy",
         "$SECURE\n" TWO "_PORT._tcp.one.test SERVFAIL\n", .two.tls = true,
         .told = "d.test tlsa one.test dnssec-invalid\nd.test none two.test ok\n",
         .with_addresses = 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_case(&rows[i]);
}

/* [RFC 8460 s4.3.4] */
static void trouble_of_the_network_is_not_told(void **state)
{
    static const struct case_ rows[] = {
        {"the address lookup fails", "MX 10 one.test\none.test SERVFAIL\n", .told = ""},
        {"the MX lookup fails", "SERVFAIL MX\n", .told = ""},
        {"no such domain", "NXDOMAIN\n", .told = ""},
        {"silence at the greeting", SIGNED DANE "GOOD\n", .one.greeting = "", .told = ""},
        {"refused at the greeting", SIGNED DANE "GOOD\n", .one.greeting = "421 busy", .told = ""},
        {"cut at EHLO", ONE, .one.ehlo = "!", .told = ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_case(&rows[i]);
}

static void a_reused_connection_counts_once_for_each_domain(void **state)
{
    struct told t;
    struct world w;

    (void)state;
    world_init(&w, "a.test MX 10 one.test\nb.test MX 10 one.test\none.test A 127.0.0.1\n");
    w.config.delivery.connections_per_site = 1;
    w.peer[0].script.tls = true;
    world_start(&w);
    listen_to(&w, &t);
    world_put(&w, "a.test", 1, BODY);
    world_put(&w, "a.test", 1, BODY);
    world_put(&w, "b.test", 1, BODY);
    world_put(&w, "b.test", 1, BODY);
    world_deliver(&w, "four messages");
    CHECK_EQ("over one connection", w.peer[0].connections, 1);
    CHECK_EQ("four came", w.peer[0].messages, 4);
    CHECK_STR("once for each domain", t.text, "a.test none one.test ok\nb.test none one.test ok\n");
    world_done(&w);
}

static void in_plain_after_a_broken_handshake_it_stays_that_session(void **state)
{
    struct told t;
    struct world w;

    (void)state;
    world_init(&w, "a.test MX 10 one.test\nb.test MX 10 one.test\none.test A 127.0.0.1\n");
    w.config.delivery.connections_per_site = 1;
    w.peer[0].script = (struct script){.tls = true, .deaf_hands = true};
    world_start(&w);
    listen_to(&w, &t);
    world_put(&w, "a.test", 1, BODY);
    world_put(&w, "b.test", 1, BODY);
    world_deliver(&w, "two messages");
    CHECK_EQ("one connection with TLS, one without", w.peer[0].connections, 2);
    CHECK_STR("the one that carries it in plain failed for it, too", t.text,
              "a.test none one.test validation-failure\nb.test none one.test validation-failure\n");
    world_done(&w);
}

/* [RFC 8460 s3] */
static void a_report_s_own_session_says_so(void **state)
{
    struct told t;
    struct world w;

    (void)state;
    world_init(&w, "a.test MX 10 one.test\none.test A 127.0.0.1\n");
    w.config.delivery.connections_per_site = 1;
    world_start(&w);
    listen_to(&w, &t);
    world_put(&w, "a.test", 1, BODY)->message->door = SGL_LIT("tlsrpt");
    world_put(&w, "a.test", 1, BODY);
    world_deliver(&w, "a report and a letter");
    CHECK_EQ("over one connection", w.peer[0].connections, 1);
    CHECK_EQ("both are told", t.count, 2);
    CHECK_EQ("one is of a report", t.of_reports, 1);
    world_done(&w);
}

static void set_route(struct world *w, struct config_route *route)
{
    static const char *all[] = {"*"};

    *route = (struct config_route){.name = "r",
                                   .domain = all,
                                   .domains = 1,
                                   .host = "one.test",
                                   .tls = ROUTE_TLS_OPPORTUNISTIC};
    w->config.route = route;
    w->config.routes = 1;
}

static void a_smart_host_is_its_own_domain(void **state)
{
    struct told t;
    struct world w;
    struct config_route route;

    (void)state;
    world_init(&w, "one.test A 127.0.0.1\n");
    set_route(&w, &route);
    w.peer[0].script.tls = true;
    world_start(&w);
    listen_to(&w, &t);
    world_put(&w, "a.test", 1, BODY);
    world_deliver(&w, "by a smart host");
    CHECK_STR("its name", t.text, "one.test none one.test ok\n");
    world_done(&w);
}

static void a_route_without_tls_is_not_told(void **state)
{
    struct told t;
    struct world w;
    struct config_route route;

    (void)state;
    world_init(&w, "one.test A 127.0.0.1\n");
    set_route(&w, &route);
    route.tls = ROUTE_TLS_NONE;
    w.peer[0].script.tls = true;
    world_start(&w);
    listen_to(&w, &t);
    world_put(&w, "a.test", 1, BODY);
    world_deliver(&w, "tls = none");
    CHECK_EQ("it came", w.peer[0].messages, 1);
    CHECK_STR("nothing was asked for", t.text, "");
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_became_of_tls),
        cmocka_unit_test(each_host_is_a_session),
        cmocka_unit_test(trouble_of_the_network_is_not_told),
        cmocka_unit_test(a_reused_connection_counts_once_for_each_domain),
        cmocka_unit_test(in_plain_after_a_broken_handshake_it_stays_that_session),
        cmocka_unit_test(a_report_s_own_session_says_so),
        cmocka_unit_test(a_smart_host_is_its_own_domain),
        cmocka_unit_test(a_route_without_tls_is_not_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
