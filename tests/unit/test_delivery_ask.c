/* SPDX-License-Identifier: Apache-2.0 */
/* Would the server of a route take mail for an address?  Nothing is sent, and what is not known is not yes. */
#include "../../server/delivery/internal.h"
#include "delivery_rows.h"

static struct arrival_route *made(struct world *w, enum route_action action, const char *host,
                                  bool inside)
{
    struct arrival_route *r = calloc(1, sizeof *r + sizeof(char *) + 256);
    char *text = (char *)(r + 1) + sizeof(char *);

    r->owned.refs = 1;
    r->owned.key = text;
    r->owned.subscription = (char *)(uintptr_t) "a";
    r->action = action;
    r->inside = inside;
    r->target = (char **)(void *)(r + 1);
    r->target[0] = text + 64;
    r->targets = 1;
    snprintf(r->owned.key, 64, "r_1");
    snprintf(r->target[0], 128, "%s:%u", host, (unsigned)w->port);
    return r;
}

static void on_asked(struct delivery_ask *a)
{
    (void)a;
    loop_stop(the_world->loop);
}

struct qrow {
    const char *name, *host, *zone;
    enum route_action action;
    bool inside, dead;
    struct script one;
    enum delivery_asked want;
    unsigned code;
    const char *says;
};

static void check(const struct qrow *row)
{
    struct world w;
    struct delivery_ask a = {.address = SGL_LIT_INIT("anna@a.test"), .done = on_asked};

    world_init(&w, row->zone);
    w.peer[0].script = row->one;
    if (row->dead)
        smtp_peer_close(&w.peer[0]);
    world_start(&w);
    a.route = made(&w, row->action, row->host, row->inside);
    delivery_ask(w.delivery, &a);
    loop_run(w.loop);
    CHECK_EQ(row->name, a.asked, row->want);
    CHECK_EQ(row->name, a.code, row->code);
    if (strstr(a.why, row->says != NULL ? row->says : "") == NULL)
        fail_msg("%s: it says: %s", row->name, a.why);
    CHECK_EQ("nothing is sent", w.peer[0].messages, 0);
    if (row->want != ASKED_UNKNOWN)
        CHECK_STR("from nobody", w.peer[0].mail, "MAIL FROM:<>");
    arrival_route_unref(a.route);
    world_done(&w);
}

static void what_is_answered(void **state)
{
    static const char at[] = "127.0.0.1", name[] = "one.test A 127.0.0.1\n";
    static const struct qrow rows[] = {
        {"taken", at, "", ROUTE_LMTP, true, .want = ASKED_TAKEN, .code = 250},
        {"by SMTP", at, "", ROUTE_SMTP, true, .want = ASKED_TAKEN, .code = 250},
        {"by its name", "one.test", name, ROUTE_LMTP, true, .want = ASKED_TAKEN, .code = 250},
        {"nobody", at, "", ROUTE_LMTP, true, .one = {.rcpt = "550 5.1.1 nobody"},
         .want = ASKED_REFUSED, .code = 550, .says = "nobody"},
        {"full for now", at, "", ROUTE_LMTP, true, .one = {.rcpt = "452 4.2.2 full"},
         .want = ASKED_UNKNOWN, .code = 452},
        {"a refusal of all mail says nothing of one", at, "", ROUTE_LMTP, true,
         .one = {.mail = "550 no"}, .want = ASKED_UNKNOWN, .code = 550},
        {"nor does one at the greeting", at, "", ROUTE_LMTP, true, .one = {.greeting = "554 no"},
         .want = ASKED_UNKNOWN, .says = "did not answer"},
        {"gone", at, "", ROUTE_LMTP, true, .dead = true, .want = ASKED_UNKNOWN,
         .says = "cannot be reached"},
        {"gone in the middle", at, "", ROUTE_LMTP, true, .one = {.rcpt = "!"},
         .want = ASKED_UNKNOWN},
        {"what a tenant chose is not asked here", at, "", ROUTE_LMTP, false, .want = ASKED_UNKNOWN,
         .says = "loopback"},
        {"a name that leads nowhere", "none.test", "", ROUTE_SMTP, true, .want = ASKED_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

/* It ends with delivery, and is answered all the same. */
static void an_answer_comes_in_any_case(void **state)
{
    struct world w;
    struct delivery_ask a = {
        .address = SGL_LIT_INIT("anna@a.test"), .done = on_asked, .asked = ASKED_TAKEN};

    (void)state;
    world_init(&w, "");
    world_start(&w);
    a.route = made(&w, ROUTE_LMTP, "127.0.0.1", true);
    delivery_ask(w.delivery, &a);
    a.asked = ASKED_TAKEN;
    delivery_free(w.delivery);
    w.delivery = NULL;
    CHECK_EQ("it is not known", a.asked, ASKED_UNKNOWN);
    arrival_route_unref(a.route);
    world_turn(&w);
    world_done(&w);
}

/* A server that says a byte now and then keeps nobody waiting for long. */
static void a_question_has_an_end(void **state)
{
    struct world w;
    struct delivery_ask a = {.address = SGL_LIT_INIT("anna@a.test"), .done = on_asked};

    (void)state;
    world_init(&w, "");
    w.peer[0].script.greeting = "";
    world_start(&w);
    a.route = made(&w, ROUTE_LMTP, "127.0.0.1", true);
    delivery_ask(w.delivery, &a);
    a.asked = ASKED_TAKEN;
    ask_end_late(w.delivery, clock_mono_ms() + ASK_MS / 2);
    CHECK_EQ("there is time", a.asked, ASKED_TAKEN);
    ask_end_late(w.delivery, clock_mono_ms() + ASK_MS);
    CHECK_EQ("it is not known", a.asked, ASKED_UNKNOWN);
    CHECK_STR("why", a.why, "its server takes too long");
    arrival_route_unref(a.route);
    world_turn(&w);
    world_done(&w);
}

static unsigned answers;

static void on_counted(struct delivery_ask *a)
{
    (void)a;
    answers++;
}

/* Who has a server that never answers takes no more than his share of the places. */
static void a_subscription_has_its_share(void **state)
{
    struct world w;
    struct delivery_ask a[DELIVERY_ASKS_MAX];
    struct arrival_route *route, *other;

    (void)state;
    world_init(&w, "");
    w.peer[0].script.greeting = "";
    world_start(&w);
    route = made(&w, ROUTE_LMTP, "127.0.0.1", true);
    other = made(&w, ROUTE_LMTP, "127.0.0.1", true);
    other->owned.subscription = (char *)(uintptr_t) "b";
    answers = 0;
    for (size_t i = 0; i <= DELIVERY_ASKS_SHARE + 1; i++) {
        a[i] = (struct delivery_ask){.route = i <= DELIVERY_ASKS_SHARE ? route : other,
                                     .address = SGL_LIT_INIT("anna@a.test"),
                                     .done = on_counted};
        delivery_ask(w.delivery, &a[i]);
    }
    world_turn(&w);
    CHECK_EQ("one too many", answers, 1);
    CHECK_EQ("it is not known", a[DELIVERY_ASKS_SHARE].asked, ASKED_UNKNOWN);
    delivery_free(w.delivery);
    w.delivery = NULL;
    CHECK_EQ("all are answered", answers, DELIVERY_ASKS_SHARE + 2);
    arrival_route_unref(route);
    arrival_route_unref(other);
    world_turn(&w);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_answered), cmocka_unit_test(an_answer_comes_in_any_case),
        cmocka_unit_test(a_question_has_an_end), cmocka_unit_test(a_subscription_has_its_share)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
