/* SPDX-License-Identifier: Apache-2.0 */
/* Mail that has arrived goes where its route leads now: to a mail store, a mail server, a courier; or it waits. */
#include <sys/un.h>

#include "delivery_rows.h"

/* ---- routes ---- */

static struct arrival_route *the_route, *of_the_address; /* what directory would know; NULL: none */
static int routes_asked;

static struct arrival_route *made(enum route_action action, const char *target, bool inside,
                                  uint64_t version)
{
    struct arrival_route *r = calloc(1, sizeof *r + sizeof(char *) + 3 * 128);
    char *text = (char *)(r + 1) + sizeof(char *);

    r->owned.refs = 1;
    r->owned.key = text;
    r->owned.subscription = text + 128;
    r->owned.version = version;
    r->action = action;
    r->inside = inside;
    r->target = (char **)(void *)(r + 1);
    r->target[0] = text + 256;
    r->targets = 1;
    snprintf(r->owned.key, 128, "r_1");
    snprintf(r->owned.subscription, 128, "shop");
    snprintf(r->target[0], 128, "%s", target);
    return r;
}

static struct arrival_route *by_key(void *ctx, sgl_view key)
{
    (void)ctx;
    routes_asked++;
    if (the_route == NULL || !sgl_view_eq(key, sgl_view_cstr(the_route->owned.key)))
        return NULL;
    return arrival_route_ref(the_route);
}

static struct arrival_route *of_address(void *ctx, sgl_view address)
{
    (void)ctx;
    (void)address;
    return of_the_address == NULL ? NULL : arrival_route_ref(of_the_address);
}

static void route_is(struct arrival_route *r)
{
    arrival_route_unref(the_route);
    the_route = r;
}

/* "HERE" in a target is the port where the servers listen. */
static char *with_port(const struct world *w, const char *target)
{
    static char text[128];
    const char *here = strstr(target, "HERE");

    snprintf(text, sizeof text, "%.*s", here == NULL ? 100 : (int)(here - target), target);
    if (here != NULL)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%u", (unsigned)w->port);
    return text;
}

static void world_routes(struct world *w)
{
    static const struct delivery_arrivals arrivals = {by_key, of_address, NULL};

    world_start(w);
    delivery_set_arrivals(w->delivery, &arrivals);
}

static struct job *put(struct world *w, size_t rcpts)
{
    struct job *job = world_put(w, "=r_1", rcpts, BODY);

    for (size_t i = 0; i < rcpts; i++)
        job->rcpt[i]->domain = SGL_LIT("=r_1");
    return job;
}

/* ---- to servers ---- */

struct arow {
    const char *name, *target, *zone;
    enum route_action action;
    bool inside;
    struct script one;
    const char *want, *says, *helo;
    unsigned in_one, tls;
};

static void check(const struct arow *row)
{
    struct world w;

    world_init(&w, row->zone);
    w.config.delivery.command_timeout_ms = w.config.delivery.data_timeout_ms = 300;
    w.peer[0].script = row->one;
    route_is(made(row->action, with_port(&w, row->target), row->inside, 1));
    world_routes(&w);
    put(&w, strlen(row->want));
    world_deliver(&w, row->name);
    for (size_t i = 0; row->want[i] != '\0'; i++)
        if (w.outcome[i].verdict != row->want[i])
            fail_msg("%s: recipient %zu: got %c (%s %s), want %c", row->name, i,
                     w.outcome[i].verdict, w.outcome[i].status, w.outcome[i].why, row->want[i]);
    if (strstr(w.outcome[0].why, row->says != NULL ? row->says : "") == NULL)
        fail_msg("%s: the reason is: %s", row->name, w.outcome[0].why);
    CHECK_EQ(row->name, w.peer[0].messages, row->in_one);
    CHECK_EQ(row->name, w.peer[0].tls_messages, row->tls);
    if (row->helo != NULL)
        CHECK_STR(row->name, w.peer[0].helo, row->helo);
    world_done(&w);
    route_is(NULL);
}

/* The servers' certificate is signed by nobody. */
static void a_route_leads_to_a_server(void **state)
{
    static const char nowhere[] = "", name[] = "one.test A 127.0.0.1\n";
    static const struct arow rows[] = {
        {"LMTP is spoken to a mail store", "127.0.0.1:HERE", nowhere, ROUTE_LMTP, true,
         .one = {.dot = "250 2.0.0 kept"}, .want = "o", .helo = "LHLO Client.Test"},
        {"which answers for each recipient", "127.0.0.1:HERE", nowhere, ROUTE_LMTP, true,
         .one = {.dot = "250 kept\r\n452 4.2.2 full\r\n552 5.2.2 full for good"}, .want = "otp"},
        {"SMTP to a server near by is not asked for a proof", "127.0.0.1:HERE", nowhere, ROUTE_SMTP,
         true, .want = "o", .helo = "EHLO Client.Test", .in_one = 1},
        {"and is encrypted where that can be had", "127.0.0.1:HERE", nowhere, ROUTE_SMTP, true,
         .one = {.tls = true}, .want = "o", .in_one = 1, .tls = 1},
        {"also by its name", "one.test:HERE", name, ROUTE_SMTP, true, .want = "o", .in_one = 1},
        {"one of MX records counts for nobody", "d.test:HERE",
         "MX 10 one.test\n"
         "one.test A 127.0.0.1\n",
         ROUTE_SMTP, true, .want = "t", .says = "no address"},
        {"what a tenant chose leads to no machine of ours", "127.0.0.1:HERE", nowhere, ROUTE_SMTP,
         false, .want = "t", .says = "loopback, private or reserved"},
        {"whatever its name is looked up to", "one.test:HERE", name, ROUTE_LMTP, false, .want = "t",
         .says = "loopback, private or reserved"},
        {"nor to a socket", "unix:/run/store", nowhere, ROUTE_LMTP, false, .want = "t",
         .says = "only an operator's route"},
        {"a server that is gone is tried again", "127.0.0.1:1", nowhere, ROUTE_LMTP, true,
         .want = "t", .says = "connection refused"},
        {"a socket that is not there, too", "unix:/nowhere/lmtp", nowhere, ROUTE_LMTP, true,
         .want = "t", .says = "unix:/nowhere/lmtp: connection refused"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

/* A public address: nobody is connected to here, what is asked of it can be seen in the trail. */
static void a_server_far_away_has_to_prove_itself(void **state)
{
    static const struct {
        const char *name, *target, *demand;
        enum route_action action;
        bool inside;
    } rows[] = {
        {"SMTP by name", "far.test:HERE", "verified", ROUTE_SMTP, true},
        {"LMTP by name", "far.test:HERE", "verified", ROUTE_LMTP, true},
        {"SMTP by name in a private network", "ten.test:HERE", "verified", ROUTE_SMTP, true},
        {"LMTP by name in a private network", "ten.test:HERE", "opportunistic", ROUTE_LMTP, true},
        {"SMTP by address in a private network", "10.255.255.1:HERE", "opportunistic", ROUTE_SMTP,
         true},
        {"a name with one address far away", "both.test:HERE", "verified", ROUTE_LMTP, true},
    };
    struct world w;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char want[64];

        world_init(&w, "far.test A 198.18.0.1\nten.test A 10.255.255.1\nboth.test A "
                       "127.0.0.9\nboth.test A 198.18.0.1\n");
        w.config.delivery.connect_timeout_ms = 50;
        route_is(made(rows[i].action, with_port(&w, rows[i].target), rows[i].inside, 1));
        world_routes(&w);
        put(&w, 1);
        world_deliver(&w, rows[i].name);
        snprintf(want, sizeof want, "\"demand\":\"%s\"", rows[i].demand);
        if (strstr(w.outcome[0].detail, want) == NULL)
            fail_msg("%s: the trail is: %s", rows[i].name, w.outcome[0].detail);
        world_done(&w);
        route_is(NULL);
    }
}

static void listen_at(struct world *w, const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct smtp_peer *p = &w->peer[1];

    smtp_peer_close(p);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(p->fd, 8), 0);
    p->listener = listener_new(w->loop, p->fd, peer_accepted, p);
}

static void a_route_leads_to_a_socket(void **state)
{
    char folder[] = "/tmp/test_arrival.XXXXXX", path[64], target[80];
    struct world w;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/lmtp", folder);
    snprintf(target, sizeof target, "unix:%s", path);
    world_init(&w, "");
    listen_at(&w, path);
    w.peer[1].script = (struct script){.tls = true};
    route_is(made(ROUTE_LMTP, target, true, 1));
    world_routes(&w);
    put(&w, 1);
    put(&w, 1);
    world_deliver(&w, "by a socket");
    CHECK_EQ("the first", w.outcome[0].verdict, 'o');
    CHECK_EQ("the second", w.outcome[1].verdict, 'o');
    CHECK_EQ("both", w.peer[1].messages, 2);
    CHECK_EQ("as they are", w.peer[1].tls_messages, 0);
    if (strstr(w.outcome[0].mta, "unix:/tmp/test_arrival") == NULL)
        fail_msg("the host is: %s", w.outcome[0].mta);
    world_done(&w);
    route_is(NULL);
    unlink(path);
    rmdir(folder);
}

/* ---- which route it is, now ---- */

static void a_changed_route_counts_at_once(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, "");
    route_is(made(ROUTE_SMTP, with_port(&w, "127.0.0.1:HERE"), true, 1));
    world_routes(&w);
    put(&w, 1);
    world_deliver(&w, "before");
    CHECK_EQ("there", w.peer[0].messages, 1);
    route_is(made(ROUTE_SMTP, with_port(&w, "127.0.0.2:HERE"), true, 2));
    put(&w, 1);
    world_deliver(&w, "after");
    CHECK_EQ("not there", w.peer[0].messages, 1);
    CHECK_EQ("but where it leads now", w.peer[1].messages, 1);
    route_is(NULL);
    put(&w, 1);
    world_deliver(&w, "without");
    CHECK_EQ("it is no attempt", w.outcome[2].verdict, 'u');
    CHECK_TRUE("and is looked at again", w.outcome[2].not_before > clock_now_s());
    if (strstr(w.outcome[2].why, "no route takes mail") == NULL)
        fail_msg("it waits since: %s", w.outcome[2].why);
    CHECK_EQ("nobody has it", w.peer[0].messages + w.peer[1].messages, 2);
    route_is(made(ROUTE_DISCARD, "", true, 3));
    put(&w, 1);
    world_deliver(&w, "one that carries nothing");
    CHECK_EQ("waits, too", w.outcome[3].verdict, 'u');
    world_done(&w);
    route_is(NULL);
}

static void is_lane(const struct world *w, const char *name, const char *subscription,
                    const char *domain, const char *want)
{
    const struct store_message m = {.subscription = sgl_view_cstr(subscription)};
    const struct store_rcpt rcpt = {.address = SGL_LIT_INIT("a@a.test"),
                                    .domain = sgl_view_cstr(domain)};
    char room[64];

    CHECK_VIEW(name, w->hooks.lane(w->hooks.ctx, &m, &rcpt, room, sizeof room),
               sgl_view_cstr(want));
}

/* Where the route of waiting mail is gone, the one that takes its address now does. */
static void another_route_takes_over(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, "");
    route_is(made(ROUTE_SMTP, "a:1", true, 1));
    of_the_address = made(ROUTE_SMTP, "a:1", true, 1);
    snprintf(of_the_address->owned.key, 16, "r_2");
    world_routes(&w);
    is_lane(&w, "its own is there", "shop", "=r_1", "=r_1");
    is_lane(&w, "a domain is none", "shop", "a.test", "a.test");
    is_lane(&w, "its own is gone", "shop", "=r_0", "=r_2");
    is_lane(&w, "the address is somebody else's by now", "other", "=r_0", "=r_0");
    arrival_route_unref(of_the_address);
    of_the_address = NULL;
    is_lane(&w, "nobody takes it", "shop", "=r_0", "=r_0");
    world_done(&w);
    route_is(NULL);
}

/* ---- couriers ---- */

static struct delivery_load *carrying[200];
static size_t carried;

static void carry(void *ctx, struct delivery_load *load)
{
    (void)ctx;
    carrying[carried++] = load;
}

/* The same for all of its recipients. */
static void over(struct delivery_load *load, enum delivery_carried how, const char *status,
                 const char *said)
{
    struct delivery_receipt receipt[2];

    for (size_t i = 0; i < 2; i++)
        receipt[i] = (struct delivery_receipt){
            .carried = how, .status = status, .said = sgl_view_cstr(said)};
    assert_true(load->rcpts <= 2);
    delivery_carried(load, receipt, 7);
}

static void with_courier(struct world *w)
{
    static const struct delivery_courier courier = {carry, NULL};

    carried = 0;
    world_init(w, "");
    route_is(made(ROUTE_WEBHOOK, "https://hook.test/", false, 1));
    world_routes(w);
    delivery_set_courier(w->delivery, &courier);
}

static void ready(struct world *w)
{
    w->hooks.ready(w->hooks.ctx, w->dest[0], queue_dest_domain(w->dest[0]));
}

static void a_courier_carries_the_rest(void **state)
{
    struct world w;

    (void)state;
    with_courier(&w);
    put(&w, 2);
    put(&w, 1);
    put(&w, 1);
    ready(&w);
    CHECK_EQ("all are with it", carried, 3);
    CHECK_EQ("and noted", w.doubts, 3);
    CHECK_VIEW("the body", carrying[0]->body, SGL_LIT(BODY));
    CHECK_EQ("its recipients", carrying[0]->rcpts, 2);
    CHECK_STR("the route", carrying[0]->route->target[0], "https://hook.test/");
    over(carrying[0], CARRIED, "2.0.0", "200 OK");
    over(carrying[1], CARRIED_LATER, "4.4.1", "503 not\r\nnow");
    over(carrying[2], CARRIED_NEVER, "5.7.1", "410 gone");
    CHECK_EQ("one", w.outcome[0].verdict, 'o');
    CHECK_EQ("and its other recipient", w.outcome[1].verdict, 'o');
    CHECK_EQ("later", w.outcome[2].verdict, 't');
    CHECK_STR("later", w.outcome[2].why, "503 not\\x0d\\x0anow");
    CHECK_EQ("never", w.outcome[3].verdict, 'p');
    CHECK_STR("never", w.outcome[3].status, "5.7.1");
    CHECK_EQ("the trail has it", strstr(w.outcome[0].detail, "\"host\":\"hook.test\"") != NULL,
             true);
    world_done(&w);
    route_is(NULL);
}

/* One recipient's copy may be taken while another's is not. */
static void each_recipient_for_itself(void **state)
{
    static const struct delivery_receipt receipt[] = {
        {.carried = CARRIED, .status = "2.0.0", .said = SGL_LIT_INIT("HTTP 204")},
        {.carried = CARRIED_LATER,
         .status = "4.3.0",
         .said = SGL_LIT_INIT("HTTP 429"),
         .not_before = 1234},
    };
    struct world w;

    (void)state;
    with_courier(&w);
    put(&w, 2);
    put(&w, 1);
    ready(&w);
    delivery_carried(carrying[0], receipt, 7);
    delivery_carried(carrying[1], NULL, 7);
    CHECK_EQ("one", w.outcome[0].verdict, 'o');
    CHECK_EQ("not the other", w.outcome[1].verdict, 't');
    CHECK_STR("why", w.outcome[1].why, "HTTP 429");
    CHECK_EQ("until when", w.outcome[1].not_before, 1234);
    CHECK_EQ("without memory later", w.outcome[2].verdict, 't');
    CHECK_STR("why", w.outcome[2].why, "this server has no memory left");
    world_done(&w);
    route_is(NULL);
}

static void so_many_at_once(void **state)
{
    struct world w;

    (void)state;
    with_courier(&w);
    for (size_t i = 0; i < DELIVERY_LOADS_ROUTE_MAX + 2; i++)
        put(&w, 1);
    ready(&w);
    CHECK_EQ("of one route", carried, DELIVERY_LOADS_ROUTE_MAX);
    over(carrying[0], CARRIED, "2.0.0", "");
    CHECK_EQ("the next one", carried, DELIVERY_LOADS_ROUTE_MAX + 1);
    for (size_t i = 1; i < carried; i++)
        over(carrying[i], CARRIED, "2.0.0", "");
    CHECK_EQ("all", w.outcomes, DELIVERY_LOADS_ROUTE_MAX + 2);
    w.no_doubt = true;
    put(&w, 1);
    ready(&w);
    CHECK_EQ("what cannot be noted does not go", w.outcome[DELIVERY_LOADS_ROUTE_MAX + 2].verdict,
             'u');
    world_done(&w);
    route_is(NULL);
}

/* "s1", "s2" and so on are of one subscription, others of another. */
static struct arrival_route *by_any_key(void *ctx, sgl_view key)
{
    (void)ctx;
    return arrival_route_ref(key.ptr[0] == 's' ? the_route : of_the_address);
}

/* Who has many routes to a program that does not answer leaves room for others. */
static void a_subscription_has_its_share(void **state)
{
    static const struct delivery_arrivals arrivals = {by_any_key, of_address, NULL};
    static const char *const lane[] = {"=s1", "=s2", "=s3", "=s4", "=s5", "=x1"};
    struct world w;
    size_t lanes = sizeof lane / sizeof *lane;

    (void)state;
    with_courier(&w);
    delivery_set_arrivals(w.delivery, &arrivals);
    of_the_address = made(ROUTE_WEBHOOK, "https://hook.test/", false, 1);
    snprintf(of_the_address->owned.subscription, 128, "other");
    for (size_t i = 0; i < lanes; i++)
        for (size_t n = 0; n <= DELIVERY_LOADS_ROUTE_MAX; n++)
            world_put(&w, lane[i], 1, BODY);
    for (size_t i = 0; i + 1 < lanes; i++)
        w.hooks.ready(w.hooks.ctx, w.dest[i], queue_dest_domain(w.dest[i]));
    CHECK_EQ("its share", carried, DELIVERY_LOADS_SHARE);
    w.hooks.ready(w.hooks.ctx, w.dest[lanes - 1], queue_dest_domain(w.dest[lanes - 1]));
    CHECK_EQ("there is room", carried, DELIVERY_LOADS_SHARE + DELIVERY_LOADS_ROUTE_MAX);
    over(carrying[0], CARRIED, "2.0.0", "");
    CHECK_EQ("the next one", carried, DELIVERY_LOADS_SHARE + DELIVERY_LOADS_ROUTE_MAX + 1);
    for (size_t i = 1; i < carried; i++)
        over(carrying[i], CARRIED, "2.0.0", "");
    CHECK_EQ("all", w.outcomes, lanes * (DELIVERY_LOADS_ROUTE_MAX + 1));
    world_done(&w);
    route_is(NULL);
    arrival_route_unref(of_the_address);
    of_the_address = NULL;
}

static void a_body_is_brought(void **state)
{
    struct world w;

    (void)state;
    with_courier(&w);
    for (int missing = 0; missing < 2; missing++) {
        struct job *job = put(&w, 1);

        body_unref(job->body);
        job->body = NULL;
        w.body_missing = missing == 1;
        ready(&w);
        world_turn(&w);
    }
    CHECK_EQ("with its body only", carried, 1);
    CHECK_VIEW("which is there", carrying[0]->body,
               SGL_LIT("Subject: from the store\r\n\r\nhello\r\n"));
    CHECK_EQ("without", w.outcome[0].verdict, 'u');
    over(carrying[0], CARRIED, "2.0.0", "");
    world_done(&w);
    route_is(NULL);
}

/* The room ends while the courier has one, and the queue brings the body of another. */
static void a_load_outlives_the_room(void **state)
{
    struct world w;
    struct job *job;

    (void)state;
    with_courier(&w);
    put(&w, 1);
    ready(&w);
    job = put(&w, 1);
    body_unref(job->body);
    job->body = NULL;
    w.hold = true;
    ready(&w);
    CHECK_EQ("one is carried", carried, 1);
    assert_non_null(w.held);
    delivery_free(w.delivery);
    w.delivery = NULL;
    CHECK_EQ("it is the queue's again", w.outcome[0].verdict, 'u');
    CHECK_VIEW("its body is there still", carrying[0]->body, SGL_LIT(BODY));
    over(carrying[0], CARRIED, "2.0.0", "");
    CHECK_EQ("nothing more is said of it", w.outcomes, 1);
    loop_post(w.loop, w.held);
    world_turn(&w);
    CHECK_EQ("nor is the other one lost", w.outcome[1].verdict, 'u');
    world_done(&w);
    route_is(NULL);
}

static bool drained;

static void on_drained_(void *ctx)
{
    (void)ctx;
    drained = true;
}

static void draining_waits_for_the_courier(void **state)
{
    struct world w;

    (void)state;
    with_courier(&w);
    put(&w, 1);
    ready(&w);
    drained = false;
    delivery_drain(w.delivery, on_drained_, NULL);
    CHECK_EQ("not yet", drained, false);
    over(carrying[0], CARRIED, "2.0.0", "");
    CHECK_EQ("now", drained, true);
    world_done(&w);
    route_is(NULL);
}

/* A refusal by a store of one's own suppresses nobody. */
static void on_bounced(void *ctx, const struct store_message *m, const struct store_rcpt *rcpt,
                       enum delivery_bounce kind, sgl_view status, sgl_view reply)
{
    (void)m;
    (void)rcpt;
    (void)kind;
    (void)status;
    (void)reply;
    ++*(unsigned *)ctx;
}

static void a_refusal_here_is_no_hard_bounce(void **state)
{
    struct world w;
    unsigned bounced = 0;

    (void)state;
    world_init(&w, "");
    w.peer[0].script = (struct script){.rcpt = "550 5.1.1 nobody"};
    route_is(made(ROUTE_LMTP, with_port(&w, "127.0.0.1:HERE"), true, 1));
    world_routes(&w);
    delivery_set_bounced(w.delivery, &(struct delivery_bounced){on_bounced, &bounced});
    put(&w, 1);
    world_deliver(&w, "nobody of that name");
    CHECK_EQ("it failed", w.outcome[0].verdict, 'p');
    CHECK_STR("as the store said", w.outcome[0].status, "5.1.1");
    CHECK_EQ("and nobody is suppressed", bounced, 0);
    world_done(&w);
    route_is(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_leads_to_a_server),
        cmocka_unit_test(a_server_far_away_has_to_prove_itself),
        cmocka_unit_test(a_route_leads_to_a_socket),
        cmocka_unit_test(a_changed_route_counts_at_once),
        cmocka_unit_test(another_route_takes_over),
        cmocka_unit_test(a_courier_carries_the_rest),
        cmocka_unit_test(each_recipient_for_itself),
        cmocka_unit_test(so_many_at_once),
        cmocka_unit_test(a_subscription_has_its_share),
        cmocka_unit_test(a_body_is_brought),
        cmocka_unit_test(a_load_outlives_the_room),
        cmocka_unit_test(draining_waits_for_the_courier),
        cmocka_unit_test(a_refusal_here_is_no_hard_bounce),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
