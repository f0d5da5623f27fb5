/* SPDX-License-Identifier: Apache-2.0 */
/* Where a message goes, and where it may not: literals, our own doors, addresses out of bounds, smart hosts. */
#include "delivery_rows.h"

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

#define SELF "MX 10 client.test\nclient.test A 127.0.0.1\n"

/* A door of ours at 127.0.0.1, on the port that delivery goes to or on another one.  [RFC 5321 s5.1] */
static void our_own_doors_are_not_asked(void **state)
{
    static const struct {
        const char *name, *zone;
        int elsewhere;
        char verdict;
        size_t first, second; /* connections to the peers */
        enum config_door door;
    } cases[] = {
        {"the only host is a door of ours", ONE, 0, 'p', 0, 0},
        {"nor is one that is worse than we are", TWO, 0, 'p', 0, 0},
        {"nor an equal one", ONE "MX 10 two.test\ntwo.test A 127.0.0.2\n", 0, 'p', 0, 0},
        {"a better one is", ONE "MX 5 two.test\ntwo.test A 127.0.0.2\n", 0, 'o', 0, 1},
        {"without MX the domain itself", "A 127.0.0.1", 0, 'p', 0, 0},
        {"another server of this machine, at another port, is", ONE, 1, 'o', 1, 0},
        {"where mail arrives for others, it does for ourselves", ONE, 0, 'o', 1, 0, DOOR_INBOUND},
        {"by our name, too", SELF, 0, 'o', 1, 0, DOOR_INBOUND},
        {"our name alone is no door", SELF, 0, 'p', 0, 0},
        {"nor one at another port", SELF, 1, 'p', 0, 0, DOOR_INBOUND},
        {"a better host comes first", ONE "MX 5 two.test\ntwo.test A 127.0.0.2\n", 0, 'o', 0, 1,
         DOOR_INBOUND},
        {"and we are not asked behind it", SELF "MX 5 none.test\n", 0, 't', 0, 0, DOOR_INBOUND},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config_address address = {.len = sizeof(struct sockaddr_in)};
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)&address.addr;
        struct config_listen door = {
            .name = "mail", .door = cases[i].door, .address = &address, .addresses = 1};
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

/* ---- smart hosts ---- */

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

struct smart_row {
    const char *name;
    enum config_route_tls tls;
    const char *host, *user;
    bool trusted; /* our root is that of the server */
    struct script script;
    char want;
    const char *trail;
};

static void check_smart_host(const struct smart_row *row, char *ca)
{
    struct world w;
    const char *domains[] = {"*"};
    struct config_route route = {.name = "out",
                                 .domain = domains,
                                 .domains = 1,
                                 .host = row->host,
                                 .tls = row->tls,
                                 .user = row->user,
                                 .password = row->user == NULL ? NULL : "secret",
                                 .concurrency = 3};

    world_init(&w, "one.test A 127.0.0.1\ntwo.test A 127.0.0.1\n");
    write_file(ca, row->trusted ? w.made.certificate : "");
    route.ca_file = ca;
    route.port = w.port;
    w.config.route = &route;
    w.config.routes = 1;
    w.config.delivery.allow_loopback = false; /* the administrator named the host himself */
    w.peer[0].script = row->script;
    world_start(&w);
    world_put(&w, "anywhere.example", 1, BODY);
    world_deliver(&w, row->name);
    if (w.outcome[0].verdict != row->want || strstr(w.outcome[0].detail, row->trail) == NULL)
        fail_msg("%s: got %c: %s\n%s", row->name, w.outcome[0].verdict, w.outcome[0].why,
                 w.outcome[0].detail);
    CHECK_EQ(row->name, w.peer[0].messages, row->want == 'o');
    world_done(&w);
}

static void smart_hosts(void **state)
{
    static const struct smart_row rows[] = {
        {"verified: trusted root and the right name", ROUTE_TLS_VERIFIED, "one.test", "app", true,
         .script.tls = true, .want = 'o', .trail = "\"proved\":\"certificate\""},
        {"verified: the wrong name", ROUTE_TLS_VERIFIED, "two.test", NULL, true, .script.tls = true,
         .want = 't', .trail = "tls-verify"},
        {"verified: an unknown root", ROUTE_TLS_VERIFIED, "one.test", NULL, false,
         .script.tls = true, .want = 't', .trail = "tls-verify"},
        {"verified: no STARTTLS", ROUTE_TLS_VERIFIED, "one.test", NULL, true, .want = 't',
         .trail = "no-starttls"},
        {"required: anybody", ROUTE_TLS_REQUIRED, "two.test", "app", false, .script.tls = true,
         .want = 'o', .trail = "\"demand\":\"encrypted\""},
        {"required: no STARTTLS", ROUTE_TLS_REQUIRED, "one.test", NULL, false, .want = 't',
         .trail = "no-starttls"},
        {"none: not even where offered", ROUTE_TLS_NONE, "one.test", NULL, false,
         .script.tls = true, .want = 'o', .trail = "\"demand\":\"none\""},
        {"no password in plain", ROUTE_TLS_OPPORTUNISTIC, "one.test", "app", false,
         .script.ehlo = "250-peer.test\r\n250 AUTH PLAIN", .want = 't', .trail = "auth"},
        {"a wrong password bounces nothing", ROUTE_TLS_REQUIRED, "one.test", "app", false,
         .script.tls = true, .script.auth = "535 5.7.8 no", .want = 't', .trail = "535"},
    };
    char ca[] = "/tmp/sigillo-test-ca-XXXXXX";
    int fd = mkstemp(ca);

    (void)state;
    close(fd);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_smart_host(&rows[i], ca);
    unlink(ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_that_may_not_be_reached),
        cmocka_unit_test(our_own_doors_are_not_asked),
        cmocka_unit_test(an_address_literal),
        cmocka_unit_test(smart_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
