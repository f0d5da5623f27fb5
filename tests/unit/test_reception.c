/* SPDX-License-Identifier: Apache-2.0 */
/* The gate for what arrives: who is known, what is put on top and taken out, when it is accepted, and that nothing is accepted in part. */
#include "reception_fixture.h"

#define INSIDE  "192.0.2.1"
#define OUTSIDE "203.0.113.9"
#define JOE     "joe@example.org"

static const struct letter good = {INSIDE, JOE, "box@example.net", MESSAGE};

/* ---- RCPT ---- */

static enum reception_known knows(void *ctx, sgl_view address, enum route_action *action)
{
    (void)ctx;
    if (!sgl_view_starts(address, V("b-")))
        return RECEPTION_NOT_MINE;
    *action = ROUTE_BOUNCES;
    return sgl_view_starts(address, V("b-good")) ? RECEPTION_KNOWN : RECEPTION_FORGED;
}

static void who_is_known(void **state)
{
    static const struct {
        const char *rule, *address;
        uint16_t code;
        const char *enhanced;
        int action; /* -1: none */
    } rows[] = {
        {"an address with a route", "box@example.net", 250, "2.1.5", ROUTE_LMTP},
        {"nobody: 5.1.1", "nobody@example.net", 550, "5.1.1", -1},
        {"another domain is not relayed to", "x@elsewhere.test", 550, "5.7.1", -1},
        {"the postmaster of a domain here [RFC 5321 s4.5.1]", "Postmaster@example.net", 250,
         "2.1.5", ROUTE_LMTP},
        {"the postmaster of the host [RFC 5321 s4.5.1]", "postmaster@mx.test", 250, "2.1.5",
         ROUTE_LMTP},
        {"no postmaster for strangers", "postmaster@elsewhere.test", 550, "5.7.1", -1},
        {"a return path of ours", "b-good@bounces.example.net", 250, "2.1.5", ROUTE_BOUNCES},
        {"a forged one", "b-bad@bounces.example.net", 550, "5.7.1", -1},
        {"a forged one in a domain with routes", "b-bad@example.net", 550, "5.1.1", -1},
    };
    struct gate g;

    (void)state;
    gate_init(&g, ZONE);
    g.config.inbound.postmaster = "pm@example.net";
    assert_true(gate_open(&g));
    reception_add_known(g.reception, &(struct reception_knows){.knows = knows});
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct reception_to to;

        CHECK_EQ(rows[i].rule, gate_ask(&g, rows[i].address, &to), rows[i].code);
        CHECK_STR(rows[i].rule, g.answer.enhanced, rows[i].enhanced);
        if (rows[i].action >= 0)
            CHECK_EQ(rows[i].rule, to.action, rows[i].action);
        reception_to_done(&to);
    }
    gate_done(&g);
}

static void without_a_postmaster_nobody_is_there(void **state)
{
    struct gate g;
    struct reception_to to;

    (void)state;
    gate_init(&g, ZONE);
    assert_true(gate_open(&g));
    CHECK_EQ("none configured", gate_ask(&g, "postmaster@example.net", &to), 550);
    reception_to_done(&to);
    gate_done(&g);
}

static void refuse_callout(void *ctx, struct reception_ask *question,
                           void (*answered)(struct reception_ask *question,
                                            const struct reception_answer *answer))
{
    struct reception_answer a = {.code = *(uint16_t *)ctx, .enhanced = "5.1.1"};

    answered(question, &a);
}

static void a_route_with_ask_asks(void **state)
{
    static uint16_t code;
    struct gate g;
    struct reception_to to;

    (void)state;
    gate_init(&g, ZONE);
    assert_true(gate_open(&g));
    reception_set_callout(g.reception, &(struct reception_callout){&code, refuse_callout});
    for (code = 250; code <= 550; code += 100) {
        CHECK_EQ("as the target says", gate_ask(&g, "ask@example.net", &to), code);
        reception_to_done(&to);
    }
    CHECK_EQ("others are not asked for", gate_ask(&g, "box@example.net", &to), 250);
    reception_to_done(&to);
    gate_done(&g);
}

/* The postmaster is somebody, though the server behind the route of all of his domain does not know him.  [RFC 5321 s4.5.1] */
static void a_postmaster_whom_the_target_does_not_know(void **state)
{
    static uint16_t code;
    static const struct {
        uint16_t said, want;
        const char *postmaster, *key;
    } rows[] = {
        {250, 250, "pm@example.net", "r_other2"},   {451, 451, "pm@example.net", "r_other2"},
        {550, 250, "pm@example.net", "r_pm"},       {550, 550, NULL, "r_other2"},
        {550, 550, "gone@example.net", "r_other2"}, {550, 550, "ask@example.net", "r_ask"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gate g;
        struct reception_to to;

        gate_init(&g, ZONE);
        g.config.inbound.postmaster = rows[i].postmaster;
        assert_true(gate_open(&g));
        reception_set_callout(g.reception, &(struct reception_callout){&code, refuse_callout});
        code = rows[i].said;
        CHECK_EQ("[RFC 5321 s4.5.1]", gate_ask(&g, "Postmaster@other.net", &to), rows[i].want);
        CHECK_STR("by which route", to.route->owned.key, rows[i].key);
        reception_to_done(&to);
        gate_done(&g);
    }
}

static void a_domain_says_how_it_is_protected(void **state)
{
    struct gate g;
    struct reception_to to;

    (void)state;
    gate_init(&g, ZONE);
    g.config.inbound.dmarc = INCOMING_QUARANTINE;
    assert_true(gate_open(&g));
    (void)gate_ask(&g, "box@example.net", &to);
    CHECK_EQ("as configured", to.mode, JUDGE_QUARANTINE);
    reception_to_done(&to);
    the_domain.incoming = DOMAIN_INCOMING_MARK;
    (void)gate_ask(&g, "box@example.net", &to);
    CHECK_EQ("its own", to.mode, JUDGE_MARK);
    reception_to_done(&to);
    the_domain.incoming = DOMAIN_INCOMING_FOLLOW;
    (void)gate_ask(&g, "box@example.net", &to);
    CHECK_EQ("its own", to.mode, JUDGE_FOLLOW);
    reception_to_done(&to);
    gate_done(&g);
}

/* ---- the header ---- */

static void take(struct gate *g, const char *zone, const struct letter *l, uint16_t want)
{
    gate_init(g, zone);
    assert_true(gate_open(g));
    CHECK_EQ(l->raw, gate_take(g, l), want);
}

static void what_we_found_out_stands_on_top(void **state)
{
    struct gate g;
    sgl_view body, received;

    (void)state;
    take(&g, ZONE, &good, 250);
    body = V(stored.body[0]);
    CHECK_TRUE("[RFC 8601 s4.1]",
               sgl_view_starts(body, V("Authentication-Results: mx.test;\r\n spf=pass")));
    received = sgl_view_from(body, sgl_view_find_view(body, V("\r\nReceived: from mx.other.test")));
    CHECK_TRUE("above Received", received.len > 0);
    CHECK_TRUE("then what came, byte for byte", sgl_view_ends(body, V(MESSAGE)));
    CHECK_TRUE("for its one recipient", strstr(stored.body[0], "for <box@example.net>") != NULL);
    CHECK_TRUE("no mark", strstr(stored.body[0], "Quarantine") == NULL);
    CHECK_STR("envelope", stored.envelope[0], "a <" JOE "> box@example.net=r_box/4");
    CHECK_STR("the trail", stored.event[0],
              "judged {\"spf\":\"pass\",\"dkim\":\"none\",\"arc\":\"none\",\"dmarc\":\"pass\","
              "\"author\":\"example.org\",\"action\":\"accept\",\"disposition\":\"pass\"}");
    CHECK_EQ("handed to the queue", queue.offers, 1);
    CHECK_EQ("told", g.judged, 1);
    gate_done(&g);
}

static void what_others_wrote_in_our_name_goes(void **state)
{
    static const struct letter forged = {
        INSIDE, JOE, "box@example.net",
        "Authentication-Results: mx.test; dmarc=pass header.from=bank.test\r\n"
        "Authentication-Results: (c) \"MX.test\"; spf=pass\r\n"
        "authentication-results: mx.test/1; dkim=pass\r\n"
        "Authentication-Results: mx.test 99; dkim=pass\r\n"
        "Authentication-Results: \"mx.te\r\n"
        "Authentication-Results: other.test; spf=pass\r\n"
        "ARC-Authentication-Results: i=1; mx.test; dmarc=pass\r\n"
        "ARC-Authentication-Results: i=2; other.test; dmarc=pass\r\n"
        "Received-SPF: pass (mx.test: ok) receiver=MX.test; client-ip=1.2.3.4\r\n"
        "Received-SPF: pass receiver=\"mx.test\"\r\n"
        "Received-SPF: pass receiver = MX.test.; client-ip=1.2.3.4\r\n"
        "Received-SPF: pass (mx.test: domain of a@bank.test designates it)\r\n"
        "Received-SPF: fail receiver=other.test\r\n"
        "Received-SPF: fail receiver=amx.test.example\r\n"
        "ARC-Authentication-Results: mx.test; dmarc=pass header.from=bank.test\r\n"
        "ARC-Authentication-Results: i=3; mx.test dmarc=pass header.from=bank.test\r\n"
        "X-Spam-Flag: NO\r\nx-sigillo-quarantine: no\r\nReturn-Path: <x@y.test>\r\n" MESSAGE};
    struct gate g;

    (void)state;
    take(&g, ZONE, &forged, 250);
    CHECK_TRUE("[RFC 8601 s5]",
               sgl_view_ends(V(stored.body[0]),
                             V("\r\nAuthentication-Results: other.test; spf=pass\r\n"
                               "ARC-Authentication-Results: i=2; other.test; dmarc=pass\r\n"
                               "Received-SPF: fail receiver=other.test\r\n"
                               "Received-SPF: fail receiver=amx.test.example\r\n" MESSAGE)));
    CHECK_TRUE("not a word of theirs", strstr(stored.body[0], "bank.test") == NULL);
    CHECK_TRUE("nor a copy", strstr(stored.body[0], "i=1") == NULL);
    gate_done(&g);
}

static void quarantine_is_marked_or_goes_elsewhere(void **state)
{
    static const struct letter bad = {OUTSIDE, "x@other.test", "box@example.net two@example.net",
                                      MESSAGE};
    struct gate g;

    (void)state;
    gate_init(&g, "_dmarc.example.org TXT v=DMARC1; p=quarantine\n");
    assert_true(gate_open(&g));
    CHECK_EQ("accepted", gate_take(&g, &bad), 250);
    CHECK_TRUE("marks", strstr(stored.body[0],
                               "\r\nX-Sigillo-Quarantine: yes\r\nX-Spam-Flag: YES\r\n") != NULL);
    CHECK_STR("to the junk's address, and nobody is told", stored.envelope[0],
              "a <x@other.test> box@example.net=r_box/1 junk@example.net=r_two/1");
    CHECK_EQ("observers", g.action, JUDGED_QUARANTINE);
    gate_done(&g);
}

/* ---- refused ---- */

static void what_the_judge_refuses_is_not_stored(void **state)
{
    static const struct letter bad = {OUTSIDE, "x@other.test", "box@example.net", MESSAGE};
    struct gate g;

    (void)state;
    take(&g, ZONE, &bad, 550);
    CHECK_STR("code", g.answer.enhanced, "5.7.1");
    CHECK_EQ("not stored", stored.messages, 0);
    CHECK_EQ("observers hear of it", g.judged, 1);
    CHECK_EQ("as refused", g.action, JUDGED_REJECT);
    gate_done(&g);
    gate_init(&g, ZONE);
    the_domain.incoming = DOMAIN_INCOMING_MARK;
    assert_true(gate_open(&g));
    CHECK_EQ("a domain that only marks", gate_take(&g, &bad), 250);
    gate_done(&g);
}

static void an_override_lets_it_through(void **state)
{
    static const struct letter bad = {OUTSIDE, "x@other.test", "box@example.net", MESSAGE};
    struct config_network network = {AF_INET, {203, 0, 113, 0}, 24};
    struct config_override override = {
        .name = "branch", .network = &network, .networks = 1, .reason = REASON_TRUSTED_FORWARDER};
    struct gate g;

    (void)state;
    gate_init(&g, ZONE);
    g.config.override = &override;
    g.config.overrides = 1;
    assert_true(gate_open(&g));
    CHECK_EQ("accepted", gate_take(&g, &bad), 250);
    CHECK_TRUE("the trail tells", strstr(stored.event[0], "\"override\":\"branch\",\"reason\":"
                                                          "\"trusted_forwarder\"") != NULL);
    CHECK_TRUE("and the field, what DMARC says", strstr(stored.body[0], "dmarc=fail") != NULL);
    gate_done(&g);
}

static void a_dead_resolver_defers(void **state)
{
    struct gate g;

    (void)state;
    gate_init(&g, ZONE);
    g.resolver.dead = true;
    assert_true(gate_open(&g));
    CHECK_EQ("never accepted as if it passed", gate_take(&g, &good), 451);
    CHECK_EQ("not stored", stored.messages, 0);
    gate_done(&g);
}

static void what_the_store_refuses(void **state)
{
    static const struct {
        enum store_result result;
        uint16_t code;
        const char *enhanced;
    } rows[] = {{STORE_FULL, 452, "4.3.1"}, {STORE_BUSY, 451, "4.3.2"}, {STORE_IO, 451, "4.3.0"}};
    struct gate g;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        gate_init(&g, ZONE);
        stored.result = rows[i].result;
        assert_true(gate_open(&g));
        CHECK_EQ("code", gate_take(&g, &good), rows[i].code);
        CHECK_STR("code", g.answer.enhanced, rows[i].enhanced);
        CHECK_EQ("nothing is handed on", queue.offers, 0);
        CHECK_EQ("it comes again, and is told then", g.judged, 0);
        gate_done(&g);
    }
}

static void a_loop_ends(void **state)
{
    sgl_auto(sgl_buf) raw = SGL_BUF_INIT(1 << 20);
    struct letter l = good;
    struct gate g;

    (void)state;
    for (int i = 0; i < 100; i++)
        sgl_buf_add_cstr(&raw, "Received: from a by b; x\r\n");
    sgl_buf_add_cstr(&raw, MESSAGE);
    l.raw = sgl_cstr(&raw);
    take(&g, ZONE, &l, 250);
    gate_done(&g);
    sgl_buf_reset(&raw);
    for (int i = 0; i < 101; i++)
        sgl_buf_add_cstr(&raw, "Received: from a by b; x\r\n");
    sgl_buf_add_cstr(&raw, MESSAGE);
    l.raw = sgl_cstr(&raw);
    take(&g, ZONE, &l, 554);
    CHECK_STR("[RFC 5321 s6.3]", g.answer.enhanced, "5.4.6");
    gate_done(&g);
    l = (struct letter){INSIDE, JOE, "fwd@example.net",
                        "Delivered-To: FWD@example.net\r\n" MESSAGE};
    take(&g, ZONE, &l, 554);
    CHECK_STR("it was forwarded from here before", g.answer.enhanced, "5.4.6");
    gate_done(&g);
}

static void what_is_no_message(void **state)
{
    struct letter l = good;
    struct gate g;

    (void)state;
    l.raw = "\r\nno header\r\n";
    take(&g, ZONE, &l, 554);
    gate_done(&g);
    gate_init(&g, ZONE);
    g.config.limits.message_size = 10;
    assert_true(gate_open(&g));
    CHECK_EQ("too large", gate_take(&g, &good), 552);
    gate_done(&g);
}

/* ---- who is told of what fails later ---- */

static void only_a_proved_sender_hears_of_failures(void **state)
{
    static const struct {
        const char *rule, *ip, *from, *sign;
        int notify;
    } rows[] = {
        {"SPF pass", INSIDE, JOE, NULL, RCPT_NOTIFY_FAILURE},
        {"a signature of its domain", OUTSIDE, JOE, "example.org", RCPT_NOTIFY_FAILURE},
        {"of a domain above", OUTSIDE, "x@news.example.org", "example.org", RCPT_NOTIFY_FAILURE},
        {"a signature of another domain", OUTSIDE, "x@victim.test", "example.org",
         RCPT_NOTIFY_NEVER},
        {"the null sender", OUTSIDE, "", "example.org", RCPT_NOTIFY_NEVER},
    };
    struct gate g;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sgl_auto(sgl_buf) raw = SGL_BUF_INIT(1 << 16);
        struct letter l = {rows[i].ip, rows[i].from, "box@example.net", NULL};
        char want[8];

        sgl_buf_add_cstr(&raw, MESSAGE);
        if (rows[i].sign != NULL)
            sign_message(&signer, &raw, rows[i].sign, "s1");
        l.raw = sgl_cstr(&raw);
        gate_init(&g, ZONE);
        the_domain.incoming = DOMAIN_INCOMING_MARK;
        assert_true(gate_open(&g));
        CHECK_EQ(rows[i].rule, gate_take(&g, &l), 250);
        snprintf(want, sizeof(want), "/%d", rows[i].notify);
        CHECK_TRUE(rows[i].rule, sgl_view_ends(V(stored.envelope[0]), V(want)));
        gate_done(&g);
    }
}

/* ---- several recipients ---- */

static void each_subscription_has_its_own_message(void **state)
{
    static const struct letter l = {INSIDE, JOE, "box@example.net box@other.net two@example.net",
                                    MESSAGE};
    struct gate g;

    (void)state;
    take(&g, ZONE, &l, 250);
    CHECK_EQ("in one transaction", stored.messages, 2);
    CHECK_STR("a", stored.envelope[0],
              "a <" JOE "> box@example.net=r_box/4 two@example.net=r_two/4");
    CHECK_STR("b", stored.envelope[1], "b <" JOE "> box@other.net=r_other/4");
    CHECK_EQ("both are handed on", queue.offers, 2);
    CHECK_TRUE("they do not learn of each other", strstr(stored.body[0], "for <") == NULL);
    gate_done(&g);
}

static void without_room_in_memory_the_queue_fetches_it(void **state)
{
    struct gate g;

    (void)state;
    gate_init(&g, ZONE);
    queue.full = true;
    assert_true(gate_open(&g));
    CHECK_EQ("accepted", gate_take(&g, &good), 250);
    CHECK_EQ("not offered", queue.offers, 0);
    CHECK_EQ("but told", queue.nudges, 1);
    gate_done(&g);
}

/* ---- handlers ---- */

static struct {
    size_t taken;
    enum arrival_result result;
    const char *why;
    bool later;
    struct arrival *held;
    struct loop_task task;
} handler;

static void handle_later(struct loop_task *task)
{
    (void)task;
    handler.held->done(handler.held, handler.result, handler.why);
}

static void handle(void *ctx, struct arrival *a)
{
    (void)ctx;
    handler.taken++;
    CHECK_TRUE("raw is as received", sgl_view_eq(a->raw, V(MESSAGE)));
    CHECK_TRUE("with its verdict", a->verdict != NULL && a->decision != NULL);
    if (!handler.later) {
        a->done(a, handler.result, handler.why);
        return;
    }
    handler.held = a;
    handler.task.run = handle_later;
    loop_post(a->loop, &handler.task);
}

static void handlers_run_before_the_answer(void **state)
{
    static const struct {
        const char *rule, *to;
        enum arrival_result result;
        const char *why;
        uint16_t code;
        size_t taken, stored;
    } rows[] = {
        {"done", "reports@example.net", ARRIVAL_DONE, NULL, 250, 1, 0},
        {"with mail that is carried", "reports@example.net box@example.net", ARRIVAL_DONE, NULL,
         250, 1, 1},
        {"later: nothing is carried either", "box@example.net reports@example.net", ARRIVAL_LATER,
         NULL, 451, 1, 0},
        {"refused", "reports@example.net box@example.net", ARRIVAL_REFUSED, "no report is in it",
         550, 1, 0},
        {"each of them", "reports@example.net bounces@example.net", ARRIVAL_DONE, NULL, 250, 2, 0},
        {"the first that cannot ends it", "reports@example.net bounces@example.net", ARRIVAL_LATER,
         NULL, 451, 1, 0},
    };
    struct gate g;

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        size_t at = i / 2;
        struct letter l = {INSIDE, JOE, rows[at].to, MESSAGE};

        memset(&handler, 0, sizeof(handler));
        handler.result = rows[at].result;
        handler.why = rows[at].why;
        handler.later = i % 2 == 1;
        gate_init(&g, ZONE);
        assert_true(gate_open(&g));
        reception_set_handler(g.reception, ROUTE_REPORTS, handle, NULL);
        reception_set_handler(g.reception, ROUTE_BOUNCES, handle, NULL);
        CHECK_EQ(rows[at].rule, gate_take(&g, &l), rows[at].code);
        CHECK_EQ(rows[at].rule, handler.taken, rows[at].taken);
        CHECK_EQ(rows[at].rule, stored.messages, rows[at].stored);
        if (rows[at].why != NULL)
            CHECK_STR(rows[at].rule, g.answer.text, rows[at].why);
        gate_done(&g);
    }
}

static void what_nobody_handles_waits(void **state)
{
    static const struct letter l = {INSIDE, JOE, "bounces@example.net", MESSAGE};
    struct gate g;

    (void)state;
    take(&g, ZONE, &l, 451);
    gate_done(&g);
}

static void traps_and_bins_need_nobody(void **state)
{
    static const struct letter trap = {INSIDE, JOE, "trap@example.net", MESSAGE};
    static const struct letter bin = {INSIDE, JOE, "null@example.net", MESSAGE};
    struct gate g;

    (void)state;
    take(&g, ZONE, &trap, 250);
    CHECK_EQ("noted", g.trapped, 1);
    CHECK_EQ("not stored", stored.messages, 0);
    gate_done(&g);
    take(&g, ZONE, &bin, 250);
    CHECK_EQ("no trap", g.trapped, 0);
    CHECK_EQ("not stored", stored.messages, 0);
    gate_done(&g);
}

/* Who reports a failure answers whoever forged the trap as his sender; and what waits comes again. */
static void a_trap_catches_only_who_sends_to_it(void **state)
{
    static const struct letter report = {INSIDE, "", "trap@example.net", MESSAGE};
    static const struct letter trap = {INSIDE, JOE, "trap@example.net", MESSAGE};
    struct gate g;

    (void)state;
    take(&g, "", &report, 250);
    CHECK_EQ("a report of a failure", g.trapped, 0);
    gate_done(&g);
    gate_init(&g, ZONE);
    g.resolver.dead = true;
    assert_true(gate_open(&g));
    CHECK_EQ("DNS does not answer", gate_take(&g, &trap), 451);
    CHECK_EQ("it comes again", g.trapped, 0);
    gate_done(&g);
}

/* ---- forwards ---- */

static struct {
    size_t made;
    enum arrival_result result;
    bool later;
    struct reception_forward *held;
    struct loop_task task;
} forwarder;

static void forward_now(struct reception_forward *f)
{
    struct store_rcpt *rcpt = SGL_NEW(f->arena, struct store_rcpt);

    forwarder.made++;
    f->made = body_new(f->fields.len + f->header.len);
    if (rcpt == NULL || f->made == NULL) {
        body_unref(f->made);
        f->made = NULL;
        f->done(f, ARRIVAL_LATER, NULL);
        return;
    }
    memcpy(f->made->bytes, f->fields.ptr, f->fields.len);
    memcpy(f->made->bytes + f->fields.len, f->header.ptr, f->header.len);
    *rcpt = (struct store_rcpt){.address = V("far@away.test"), .domain = V("away.test")};
    f->message->rcpt = rcpt;
    f->message->rcpts = 1;
    f->message->size = f->made->len;
    if (forwarder.result != ARRIVAL_DONE) {
        body_unref(f->made);
        f->made = NULL;
    }
    f->done(f, forwarder.result, NULL);
}

static void forward_posted(struct loop_task *task)
{
    (void)task;
    forward_now(forwarder.held);
}

static void forward(void *ctx, struct reception_forward *f)
{
    (void)ctx;
    CHECK_TRUE("results", sgl_view_starts(f->results, V("spf=pass")));
    CHECK_TRUE("our fields", sgl_view_starts(f->fields, V("Authentication-Results: mx.test;")));
    if (!forwarder.later) {
        forward_now(f);
        return;
    }
    forwarder.held = f;
    forwarder.task.run = forward_posted;
    loop_post(f->arrival.loop, &forwarder.task);
}

static void forwards_become_durable_with_the_rest(void **state)
{
    static const struct letter l = {INSIDE, JOE, "fwd@example.net box@example.net fwd2@example.net",
                                    MESSAGE};
    struct gate g;

    (void)state;
    for (int later = 0; later < 2; later++) {
        memset(&forwarder, 0, sizeof(forwarder));
        forwarder.later = later == 1;
        gate_init(&g, ZONE);
        assert_true(gate_open(&g));
        reception_set_forward(g.reception, forward, NULL);
        CHECK_EQ("accepted", gate_take(&g, &l), 250);
        CHECK_EQ("one a recipient", forwarder.made, 2);
        CHECK_EQ("all of it", stored.messages, 3);
        CHECK_STR("the plain one", stored.envelope[0], "a <" JOE "> box@example.net=r_box/4");
        CHECK_STR("a forward", stored.envelope[1], "a <" JOE "> far@away.testaway.test/0");
        gate_done(&g);
        memset(&forwarder, 0, sizeof(forwarder));
        forwarder.later = later == 1;
        forwarder.result = ARRIVAL_LATER;
        gate_init(&g, ZONE);
        assert_true(gate_open(&g));
        reception_set_forward(g.reception, forward, NULL);
        CHECK_EQ("not now", gate_take(&g, &l), 451);
        CHECK_EQ("then nothing", stored.messages, 0);
        gate_done(&g);
    }
}

static void nobody_forwards_yet(void **state)
{
    static const struct letter l = {INSIDE, JOE, "fwd@example.net", MESSAGE};
    struct gate g;

    (void)state;
    take(&g, ZONE, &l, 451);
    gate_done(&g);
}

/* ---- memory ---- */

static void each_allocation_may_fail(void **state)
{
    static const struct letter l = {
        INSIDE, JOE, "box@example.net reports@example.net box@other.net fwd@example.net", MESSAGE};
    struct gate g;
    size_t accepted = 0;

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        fail_alloc_off();
        memset(&handler, 0, sizeof(handler));
        memset(&forwarder, 0, sizeof(forwarder));
        gate_init(&g, ZONE);
        fail_alloc_on();
        if (gate_open(&g)) {
            uint16_t code;

            reception_set_handler(g.reception, ROUTE_REPORTS, handle, NULL);
            reception_set_forward(g.reception, forward, NULL);
            code = gate_take(&g, &l);
            CHECK_TRUE("told", code == 0 || code == 250 || code == 451 || code == 452);
            CHECK_EQ("accepted is stored", stored.messages, code == 250 ? 3 : 0);
            accepted += code == 250;
        }
        gate_done(&g);
    }
    CHECK_TRUE("the last round", accepted > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_known),
        cmocka_unit_test(without_a_postmaster_nobody_is_there),
        cmocka_unit_test(a_route_with_ask_asks),
        cmocka_unit_test(a_postmaster_whom_the_target_does_not_know),
        cmocka_unit_test(a_domain_says_how_it_is_protected),
        cmocka_unit_test(what_we_found_out_stands_on_top),
        cmocka_unit_test(what_others_wrote_in_our_name_goes),
        cmocka_unit_test(quarantine_is_marked_or_goes_elsewhere),
        cmocka_unit_test(what_the_judge_refuses_is_not_stored),
        cmocka_unit_test(an_override_lets_it_through),
        cmocka_unit_test(a_dead_resolver_defers),
        cmocka_unit_test(what_the_store_refuses),
        cmocka_unit_test(a_loop_ends),
        cmocka_unit_test(what_is_no_message),
        cmocka_unit_test(only_a_proved_sender_hears_of_failures),
        cmocka_unit_test(each_subscription_has_its_own_message),
        cmocka_unit_test(without_room_in_memory_the_queue_fetches_it),
        cmocka_unit_test(handlers_run_before_the_answer),
        cmocka_unit_test(what_nobody_handles_waits),
        cmocka_unit_test(traps_and_bins_need_nobody),
        cmocka_unit_test(a_trap_catches_only_who_sends_to_it),
        cmocka_unit_test(forwards_become_durable_with_the_rest),
        cmocka_unit_test(nobody_forwards_yet),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
