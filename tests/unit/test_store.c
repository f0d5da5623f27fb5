/* SPDX-License-Identifier: Apache-2.0 */
/* Each operation of the store, there and back. */
#include "store_fixture.h"

#define NOW 1700000100

static struct store_fixture fx;

static int setup(void **state)
{
    (void)state;
    store_fixture_init(&fx);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_fixture_done(&fx);
    return 0;
}

static size_t claim(struct store_claim *c, size_t max, size_t lane_max, int64_t now)
{
    size_t rcpts = 0;

    memset(c, 0, sizeof(*c));
    c->op.kind = STORE_CLAIM;
    c->now = now;
    c->lease_until = now + 600;
    c->max = max;
    c->lane_max = lane_max;
    assert_int_equal(store_fixture_run(&fx, &c->op), STORE_OK);
    for (size_t i = 0; i < c->messages; i++)
        rcpts += c->message[i]->rcpts;
    return rcpts;
}

static enum store_result outcome(uint64_t message, uint64_t rcpt, uint64_t fence,
                                 enum rcpt_state state, struct store_outcome_rcpt *r)
{
    struct store_event event = {1700000101000, rcpt, SGL_LIT("attempt"),
                                SGL_LIT("{\"host\":\"mx\"}")};
    struct store_outcome o = {.op = {.kind = STORE_OUTCOME},
                              .message = message,
                              .rcpt = r,
                              .rcpts = 1,
                              .event = &event,
                              .events = 1};

    *r = (struct store_outcome_rcpt){.rcpt = rcpt,
                                     .fence = fence,
                                     .state = state,
                                     .next_at = NOW + 60,
                                     .attempted = true,
                                     .status = SGL_LIT("4.4.1"),
                                     .reason = SGL_LIT("connection refused"),
                                     .why_wait = SGL_LIT("retry schedule, step 1"),
                                     .remote_mta = SGL_LIT("mx [192.0.2.1]")};
    return store_fixture_run(&fx, &o.op);
}

static enum store_result control(enum store_control_verb verb, uint64_t message, uint64_t rcpt,
                                 const char *domain, size_t *changed)
{
    struct store_control c = {.op = {.kind = STORE_CONTROL},
                              .verb = verb,
                              .message = message,
                              .rcpt = rcpt,
                              .domain = sgl_view_cstr(domain),
                              .actor = SGL_LIT("local:uid=0"),
                              .now = NOW + 5};
    enum store_result r = store_fixture_run(&fx, &c.op);

    *changed = c.changed;
    return r;
}

static enum rcpt_state state_of(uint64_t message, size_t i)
{
    struct store_message *m = NULL;
    enum rcpt_state state;

    assert_int_equal(store_read_message(fx.store, message, &m), STORE_OK);
    state = m->rcpt[i].state;
    store_message_free(m);
    return state;
}

static void test_accept_and_read(void **state)
{
    struct store_sample s;
    struct store_message *m = NULL;
    struct body *b = NULL;

    (void)state;
    store_sample_init(&s, "example.net", 2, 2048);
    CHECK_EQ("a message is accepted", store_sample_accept(&fx, &s), STORE_OK);
    CHECK_EQ("it can be read", store_read_message(fx.store, s.message.id, &m), STORE_OK);
    CHECK_VIEW("sender", m->env_from, s.message.env_from);
    CHECK_VIEW("env_id", m->env_id, s.message.env_id);
    CHECK_VIEW("subject", m->subject, s.message.subject);
    CHECK_VIEW("peer", m->peer, s.message.peer);
    CHECK_VIEW("signed_by", m->signed_by, s.message.signed_by);
    CHECK_EQ("ret", m->ret, 'H');
    CHECK_TRUE("flags", m->eightbit && m->require_tls && !m->smtputf8);
    CHECK_EQ("recipients", m->rcpts, 2);
    CHECK_EQ("their ids were told", m->rcpt[1].id, s.rcpt[1].id);
    CHECK_VIEW("address", m->rcpt[1].address, sgl_view_cstr("User1@example.net"));
    CHECK_VIEW("domain", m->rcpt[1].domain, sgl_view_cstr("example.net"));
    CHECK_VIEW("orcpt", m->rcpt[0].orcpt, s.rcpt[0].orcpt);
    CHECK_EQ("notify", m->rcpt[0].notify, RCPT_NOTIFY_FAILURE);
    CHECK_EQ("due since its acceptance", m->rcpt[0].next_at, 1700000000);
    CHECK_EQ("its body too", store_read_body(fx.store, s.message.id, &b), STORE_OK);
    CHECK_VIEW("body", sgl_view_of(b->bytes, b->len), sgl_view_of(s.body->bytes, s.body->len));
    CHECK_EQ("header_len", b->header_len, 16);
    body_unref(b);
    store_message_free(m);
    CHECK_EQ("another is not there", store_read_message(fx.store, 12345, &m), STORE_NOT_FOUND);
    CHECK_EQ("nor its body", store_read_body(fx.store, 12345, &b), STORE_NOT_FOUND);
    store_sample_done(&s);
}

static void test_claim_and_outcome(void **state)
{
    struct store_sample s;
    struct store_claim c, none;
    struct store_outcome_rcpt r;
    struct store_message *m = NULL;

    (void)state;
    store_sample_init(&s, "example.net", 2, 100);
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    CHECK_EQ("nothing is due before its time", claim(&c, 10, 0, 1699999999), 0);
    CHECK_EQ("and it is known when", c.next_due, 1700000000);
    store_claim_done(&c);
    CHECK_EQ("both are due", claim(&c, 10, 0, NOW), 2);
    CHECK_EQ("as one message", c.messages, 1);
    CHECK_EQ("under a fence", c.message[0]->rcpt[0].fence, 1);
    CHECK_EQ("none is given twice", claim(&none, 10, 0, NOW), 0);
    CHECK_EQ("nothing waits", none.next_due, INT64_MAX);
    store_claim_done(&none);

    CHECK_EQ("an outcome under another fence is refused",
             outcome(s.message.id, s.rcpt[0].id, 7, RCPT_DELIVERED, &r), STORE_CONFLICT);
    CHECK_EQ("and says so", r.result, STORE_CONFLICT);
    CHECK_EQ("one of another message, too",
             outcome(s.message.id + 1, s.rcpt[0].id, 1, RCPT_DELIVERED, &r), STORE_CONFLICT);
    CHECK_EQ("delivered", outcome(s.message.id, s.rcpt[0].id, 1, RCPT_DELIVERED, &r), STORE_OK);
    CHECK_EQ("deferred", outcome(s.message.id, s.rcpt[1].id, 1, RCPT_QUEUED, &r), STORE_OK);
    CHECK_EQ("a second end is refused", outcome(s.message.id, s.rcpt[0].id, 1, RCPT_FAILED, &r),
             STORE_CONFLICT);
    store_claim_done(&c);

    assert_int_equal(store_read_message(fx.store, s.message.id, &m), STORE_OK);
    CHECK_EQ("first", m->rcpt[0].state, RCPT_DELIVERED);
    CHECK_EQ("second", m->rcpt[1].state, RCPT_QUEUED);
    CHECK_EQ("attempts", m->rcpt[1].attempts, 1);
    CHECK_EQ("next try", m->rcpt[1].next_at, NOW + 60);
    CHECK_VIEW("why", m->rcpt[1].why_wait, SGL_LIT("retry schedule, step 1"));
    CHECK_VIEW("status", m->rcpt[1].status, SGL_LIT("4.4.1"));
    CHECK_VIEW("reason", m->rcpt[1].reason, SGL_LIT("connection refused"));
    CHECK_VIEW("remote", m->rcpt[1].remote_mta, SGL_LIT("mx [192.0.2.1]"));
    store_message_free(m);

    CHECK_EQ("not before its time", claim(&c, 10, 0, NOW + 59), 0);
    CHECK_EQ("known", c.next_due, NOW + 60);
    store_claim_done(&c);
    CHECK_EQ("due again", claim(&c, 10, 0, NOW + 60), 1);
    CHECK_EQ("the fence grows", c.message[0]->rcpt[0].fence, 2);
    CHECK_VIEW("what was answered is known", c.message[0]->rcpt[0].reason,
               SGL_LIT("connection refused"));
    CHECK_EQ("a late worker's write is refused",
             outcome(s.message.id, s.rcpt[1].id, 1, RCPT_DELIVERED, &r), STORE_CONFLICT);
    CHECK_EQ("its state stays", state_of(s.message.id, 1), RCPT_QUEUED);
    store_claim_done(&c);
    store_sample_done(&s);
}

static bool collect(void *ctx, const struct store_event *e)
{
    char *text = ctx;

    snprintf(text + strlen(text), 1000 - strlen(text), "%.*s %.*s;", SGL_FMT(e->kind),
             SGL_FMT(e->detail));
    return true;
}

static void test_trail(void **state)
{
    struct store_sample s;
    struct store_claim c;
    struct store_outcome_rcpt r;
    char text[1000] = "";

    (void)state;
    store_sample_init(&s, "example.net", 1, 100);
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    claim(&c, 10, 0, NOW);
    assert_int_equal(outcome(s.message.id, s.rcpt[0].id, 1, RCPT_QUEUED, &r), STORE_OK);
    assert_int_equal(store_read_events(fx.store, s.message.id, collect, text), STORE_OK);
    CHECK_STR("the trail begins with the acceptance", text,
              "accepted "
              "{\"door\":\"submission\",\"peer\":\"198.51.100.7\",\"identity\":\"credential:app1\","
              "\"from\":\"Sender@example.org\",\"signed\":\"d=example.org s=s1 "
              "rsa-sha256\",\"bytes\":100,"
              "\"recipients\":1};attempt {\"host\":\"mx\"};");
    store_claim_done(&c);
    store_sample_done(&s);
}

static void test_body_goes(void **state)
{
    static const size_t size[] = {2048, 200000};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct store_sample s;
        struct store_claim c;
        struct store_outcome_rcpt r;
        struct body *b = NULL;

        store_sample_init(&s, "example.net", 1, size[i]);
        s.accept.claim = true;
        s.accept.lease_until = NOW + 600;
        assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
        CHECK_EQ("born claimed: nobody else gets it", claim(&c, 10, 0, NOW), 0);
        CHECK_EQ("with a fence", s.rcpt[0].fence, 1);
        assert_int_equal(store_read_body(fx.store, s.message.id, &b), STORE_OK);
        CHECK_VIEW("body", sgl_view_of(b->bytes, b->len), sgl_view_of(s.body->bytes, s.body->len));
        body_unref(b);
        assert_int_equal(outcome(s.message.id, s.rcpt[0].id, 1, RCPT_DELIVERED, &r), STORE_OK);
        store_fixture_close(&fx);
        store_fixture_open(&fx);
        store_fixture_close(&fx);
        store_fixture_open(&fx);
        CHECK_EQ("the body goes after the last recipient",
                 store_read_body(fx.store, s.message.id, &b), STORE_NOT_FOUND);
        CHECK_EQ("the trail stays", state_of(s.message.id, 0), RCPT_DELIVERED);
        store_sample_done(&s);
    }
}

static void test_clock_set_back_while_down(void **state)
{
    int64_t ahead = clock_now_s() + 86400, back = ahead - 86400;
    struct store_sample s;
    struct store_claim c;

    (void)state;
    store_sample_init(&s, "example.net", 1, 100);
    s.rcpt[0].next_at = ahead;
    s.accept.claim = true;
    s.accept.lease_until = (uint64_t)ahead + 600;
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    CHECK_EQ("what was claimed was due, and still is", claim(&c, 10, 0, back + 60), 1);
    store_claim_done(&c);
    store_sample_done(&s);
}

static void test_put_off_by_a_clock_that_was_ahead(void **state)
{
    const uint64_t day = 86400, id_per_s = 1000ull << 22;
    int64_t now = clock_now_s(), ahead = now + (int64_t)day;
    struct store_sample s, later;
    struct store_claim c;

    (void)state;
    store_sample_init(&later, "example.org", 1, 100);
    later.message.not_before = later.rcpt[0].next_at = ahead;
    assert_int_equal(store_sample_accept(&fx, &later), STORE_OK);
    store_sample_init(&s, "example.net", 1, 100);
    s.message.id = id_new() + day * id_per_s; /* made while the clock was a day ahead */
    s.rcpt[0].next_at = ahead + 30;
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    CHECK_EQ("nothing is due by the true clock", claim(&c, 10, 0, now + 60), 0);
    store_claim_done(&c);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    CHECK_EQ("what was put off comes a day earlier", claim(&c, 10, 0, now + 60), 1);
    CHECK_TRUE("and what was asked for later does not",
               c.messages == 1 && c.message[0]->id == s.message.id);
    store_claim_done(&c);
    store_sample_done(&s);
    store_sample_done(&later);
}

static void test_idempotency(void **state)
{
    struct store_sample a, b, other;

    (void)state;
    store_sample_init(&a, "example.net", 1, 10);
    store_sample_init(&b, "example.net", 1, 10);
    store_sample_init(&other, "example.net", 1, 10);
    a.accept.idempotency_key = b.accept.idempotency_key = other.accept.idempotency_key =
        SGL_LIT("k1");
    other.message.subscription = SGL_LIT("sub2");
    /* Both in one group, most likely: the second must see the first. */
    store_fixture_send(&fx, &a.accept.op, 1);
    store_fixture_send(&fx, &b.accept.op, 2);
    CHECK_EQ("the first is taken", store_fixture_await(1), STORE_OK);
    CHECK_EQ("the second is known", store_fixture_await(2), STORE_EXISTS);
    CHECK_EQ("by its first id", b.accept.existing_id, a.message.id);
    b.accept.request_hash[3] = 1;
    CHECK_EQ("another request with this key is a conflict", store_sample_accept(&fx, &b),
             STORE_CONFLICT);
    CHECK_EQ("keys are a subscription's own", store_sample_accept(&fx, &other), STORE_OK);
    store_sample_done(&a);
    store_sample_done(&b);
    store_sample_done(&other);
}

static void test_same_id(void **state)
{
    struct store_sample a, b, c;

    (void)state;
    store_sample_init(&a, "example.net", 1, 10);
    store_sample_init(&b, "example.net", 1, 10);
    store_sample_init(&c, "example.net", 1, 10);
    b.message.id = a.message.id;
    store_fixture_send(&fx, &a.accept.op, 1);
    store_fixture_send(&fx, &b.accept.op, 2);
    store_fixture_send(&fx, &c.accept.op, 3);
    CHECK_EQ("first", store_fixture_await(1), STORE_OK);
    CHECK_EQ("an id that is taken is refused", store_fixture_await(2), STORE_EXISTS);
    CHECK_EQ("a failing operation does not hurt its neighbours", store_fixture_await(3), STORE_OK);
    CHECK_EQ("which are there", state_of(c.message.id, 0), RCPT_QUEUED);
    store_sample_done(&a);
    store_sample_done(&b);
    store_sample_done(&c);
}

static void test_control(void **state)
{
    struct store_sample s;
    struct store_claim c;
    struct store_outcome_rcpt r;
    size_t changed;

    (void)state;
    store_sample_init(&s, "example.net", 2, 10);
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    CHECK_EQ("hold", control(CONTROL_HOLD, s.message.id, 0, NULL, &changed), STORE_OK);
    CHECK_EQ("both", changed, 2);
    CHECK_EQ("held ones are not due", claim(&c, 10, 0, NOW), 0);
    store_claim_done(&c);
    CHECK_EQ("release one", control(CONTROL_RELEASE, s.message.id, s.rcpt[0].id, NULL, &changed),
             STORE_OK);
    CHECK_EQ("one", changed, 1);
    CHECK_EQ("due", claim(&c, 10, 0, NOW + 5), 1);
    store_claim_done(&c);

    CHECK_EQ("held while it is out", control(CONTROL_HOLD, 0, s.rcpt[0].id, NULL, &changed),
             STORE_OK);
    CHECK_EQ("a try that failed for now stays held",
             outcome(s.message.id, s.rcpt[0].id, 1, RCPT_QUEUED, &r), STORE_OK);
    CHECK_EQ("as it says", r.now_state, RCPT_HELD);
    CHECK_EQ("release all of the domain", control(CONTROL_RELEASE, 0, 0, "example.net", &changed),
             STORE_OK);
    CHECK_EQ("two", changed, 2);
    CHECK_EQ("both are due", claim(&c, 10, 0, NOW + 5), 2);
    store_claim_done(&c);

    CHECK_EQ("cancel all", control(CONTROL_CANCEL, 0, 0, NULL, &changed), STORE_OK);
    CHECK_EQ("two of two", changed, 2);
    CHECK_EQ("cancelled", state_of(s.message.id, 1), RCPT_CANCELLED);
    CHECK_EQ("a true end is written all the same",
             outcome(s.message.id, s.rcpt[0].id, 2, RCPT_DELIVERED, &r), STORE_OK);
    CHECK_EQ("delivered", state_of(s.message.id, 0), RCPT_DELIVERED);
    CHECK_EQ("a wish to try again is not", outcome(s.message.id, s.rcpt[1].id, 1, RCPT_QUEUED, &r),
             STORE_OK);
    CHECK_EQ("cancelled stays", r.now_state, RCPT_CANCELLED);
    CHECK_EQ("an unknown message", control(CONTROL_HOLD, 77, 0, NULL, &changed), STORE_NOT_FOUND);
    CHECK_EQ("another domain", control(CONTROL_CANCEL, 0, 0, "example.com", &changed), STORE_OK);
    CHECK_EQ("touches nothing", changed, 0);
    store_sample_done(&s);
}

static void test_retry(void **state)
{
    struct store_sample s;
    struct store_claim c;
    size_t changed;

    (void)state;
    store_sample_init(&s, "example.net", 1, 10);
    s.message.not_before = NOW + 5000;
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    CHECK_EQ("not before its time", claim(&c, 10, 0, NOW), 0);
    CHECK_EQ("which is known", c.next_due, NOW + 5000);
    store_claim_done(&c);
    CHECK_EQ("retry", control(CONTROL_RETRY, s.message.id, 0, NULL, &changed), STORE_OK);
    CHECK_EQ("makes it due now", claim(&c, 10, 0, NOW + 5), 1);
    store_claim_done(&c);
    store_sample_done(&s);
}

static void test_release_and_extend(void **state)
{
    struct store_sample s;
    struct store_claim c;
    struct store_release r = {.op = {.kind = STORE_EXTEND}, .lease_until = NOW + 5000, .rcpts = 1};
    struct store_outcome_rcpt o;
    uint64_t fence = 1;

    (void)state;
    store_sample_init(&s, "example.net", 1, 10);
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    claim(&c, 10, 0, NOW);
    store_claim_done(&c);
    r.rcpt = &s.rcpt[0].id;
    r.fence = &fence;
    assert_int_equal(store_fixture_run(&fx, &r.op), STORE_OK);
    CHECK_EQ("an extended lease holds", claim(&c, 10, 0, NOW + 4999), 0);
    store_claim_done(&c);
    claim(&c, 10, 0, NOW + 5011);
    store_claim_done(&c);
    CHECK_EQ("one that ran out does not", claim(&c, 10, 0, NOW + 5011), 1);
    store_claim_done(&c);
    CHECK_EQ("and its late outcome is refused",
             outcome(s.message.id, s.rcpt[0].id, 1, RCPT_QUEUED, &o), STORE_CONFLICT);
    r.op.kind = STORE_RELEASE;
    fence = 1;
    assert_int_equal(store_fixture_run(&fx, &r.op), STORE_OK);
    CHECK_EQ("only the owner gives back", claim(&c, 10, 0, NOW + 5012), 0);
    store_claim_done(&c);
    fence = 2;
    assert_int_equal(store_fixture_run(&fx, &r.op), STORE_OK);
    CHECK_EQ("given back, due again", claim(&c, 10, 0, NOW + 5012), 1);
    CHECK_EQ("without an attempt", c.message[0]->rcpt[0].attempts, 0);
    store_claim_done(&c);
    store_sample_done(&s);
}

static void test_lanes(void **state)
{
    struct store_sample big[6], small;
    struct store_claim c;
    struct store_outcome_rcpt r;
    bool seen = false;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        store_sample_init(&big[i], "big.example", 8, 10);
        assert_int_equal(store_sample_accept(&fx, &big[i]), STORE_OK);
    }
    store_sample_init(&small, "small.example", 1, 10);
    small.rcpt[0].next_at = NOW - 1; /* younger than all the others */
    assert_int_equal(store_sample_accept(&fx, &small), STORE_OK);
    CHECK_EQ("of one lane no more is out than its share", claim(&c, 20, 10, NOW), 11);
    for (size_t i = 0; i < c.messages; i++)
        seen = seen || c.message[i]->id == small.message.id;
    CHECK_TRUE("so another has its turn", seen);
    CHECK_EQ("oldest first", c.message[0]->id, big[0].message.id);
    CHECK_EQ("what is left comes back", c.next_due, NOW + 1);
    store_claim_done(&c);
    CHECK_EQ("the share is used up", claim(&c, 20, 10, NOW), 0);
    store_claim_done(&c);
    assert_int_equal(outcome(big[0].message.id, big[0].rcpt[0].id, 1, RCPT_DELIVERED, &r),
                     STORE_OK);
    CHECK_EQ("one home, one out", claim(&c, 20, 10, NOW), 1);
    store_claim_done(&c);
    CHECK_EQ("without a bound all are given", claim(&c, 100, 0, NOW), 37);
    store_claim_done(&c);
    for (size_t i = 0; i < 6; i++)
        store_sample_done(&big[i]);
    store_sample_done(&small);
}

static void test_notices(void **state)
{
    struct store_sample s, bounce;
    struct store_claim c;
    struct store_outcome o = {.op = {.kind = STORE_OUTCOME}, .rcpts = 1};
    struct store_outcome_rcpt r = {.fence = 9, .state = RCPT_FAILED};

    (void)state;
    store_sample_init(&s, "example.net", 1, 10);
    store_sample_init(&bounce, "example.org", 1, 10);
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    claim(&c, 10, 0, NOW);
    store_claim_done(&c);
    o.message = s.message.id;
    o.rcpt = &r;
    r.rcpt = s.rcpt[0].id;
    o.notice[0] = &bounce.accept;
    bounce.accept.claim = true;
    bounce.accept.lease_until = NOW + 600;
    CHECK_EQ("a late worker", store_fixture_run(&fx, &o.op), STORE_CONFLICT);
    CHECK_EQ("writes no bounce", claim(&c, 10, 0, NOW), 0);
    store_claim_done(&c);
    r.fence = 1;
    CHECK_EQ("failed", store_fixture_run(&fx, &o.op), STORE_OK);
    CHECK_EQ("with its bounce, in one transaction", state_of(bounce.message.id, 0), RCPT_QUEUED);
    CHECK_TRUE("whose recipient has an id", bounce.rcpt[0].id != 0);
    store_sample_done(&s);
    store_sample_done(&bounce);
}

static enum store_result put_noun(enum store_op_kind kind, struct store_noun *n, size_t count)
{
    struct store_noun_op op = {.op = {.kind = kind}, .noun = n, .nouns = count};

    return store_fixture_run(&fx, &op.op);
}

static bool count_noun(void *ctx, const struct store_noun *n)
{
    (void)n;
    ++*(size_t *)ctx;
    return true;
}

static void test_nouns(void **state)
{
    struct store_noun n[2] = {
        {.kind = SGL_LIT("domain"), .key = SGL_LIT("example.org"), .value = SGL_LIT("{}")},
        {.kind = SGL_LIT("credential"), .key = SGL_LIT("app1"), .value = SGL_LIT("{}")}};
    size_t count = 0;

    (void)state;
    CHECK_EQ("two are made", put_noun(STORE_NOUN_PUT, n, 2), STORE_OK);
    CHECK_EQ("their version is told", n[1].version, 1);
    n[0].version = 0;
    n[1].value = SGL_LIT("{\"x\":1}");
    CHECK_EQ("one that exists cannot be made", put_noun(STORE_NOUN_PUT, n, 2), STORE_EXISTS);
    n[0].version = 1;
    CHECK_EQ("the other was not changed with it", put_noun(STORE_NOUN_PUT, n, 2), STORE_OK);
    n[0].version = 1;
    CHECK_EQ("an old version is a conflict", put_noun(STORE_NOUN_PUT, n, 1), STORE_CONFLICT);
    assert_int_equal(store_read_nouns(fx.store, SGL_LIT("domain"), count_noun, &count), STORE_OK);
    CHECK_EQ("by kind", count, 1);
    assert_int_equal(store_read_nouns(fx.store, (sgl_view){0}, count_noun, &count), STORE_OK);
    CHECK_EQ("all", count, 3);
    n[0].version = 2;
    CHECK_EQ("deleted", put_noun(STORE_NOUN_DELETE, n, 1), STORE_OK);
    CHECK_EQ("not twice", put_noun(STORE_NOUN_DELETE, n, 1), STORE_NOT_FOUND);
}

static void test_nouns_of_the_last_writer(void **state)
{
    struct store_noun n = {.kind = SGL_LIT("suppression"),
                           .key = SGL_LIT("a"),
                           .value = SGL_LIT("{}"),
                           .version = STORE_NOUN_ANY};
    struct store_noun pair[2] = {n, n};
    struct store_noun_page page = {.kind = n.kind, .max = 10};
    size_t count = 0;

    (void)state;
    CHECK_EQ("made, whatever is there", put_noun(STORE_NOUN_PUT, &n, 1), STORE_OK);
    CHECK_TRUE("its version stays a wish", n.version == STORE_NOUN_ANY);
    CHECK_EQ("and replaced", put_noun(STORE_NOUN_PUT, &n, 1), STORE_OK);
    pair[1].key = SGL_LIT("b");
    CHECK_EQ("one old, one new", put_noun(STORE_NOUN_PUT, pair, 2), STORE_OK);
    pair[1].key = SGL_LIT("c");
    CHECK_EQ("one that is not there is no reason to refuse the deletion",
             put_noun(STORE_NOUN_DELETE, pair, 2), STORE_OK);
    assert_int_equal(store_read_noun_page(fx.store, &page, count_noun, &count), STORE_OK);
    CHECK_EQ("what is left", count, 1);
    page.after = SGL_LIT("a");
    page.before = SGL_LIT("b");
    assert_int_equal(store_read_noun_page(fx.store, &page, count_noun, &count), STORE_OK);
    CHECK_EQ("both bounds are left out", count, 1);
    page.before = SGL_LIT("c");
    assert_int_equal(store_read_noun_page(fx.store, &page, count_noun, &count), STORE_OK);
    CHECK_EQ("between them it is found", count, 2);
    page.max = 0;
    assert_int_equal(store_read_noun_page(fx.store, &page, count_noun, &count), STORE_OK);
    CHECK_EQ("at most so many", count, 2);
}

static bool note_event(void *ctx, const struct store_event *e)
{
    struct store_event *last = ctx;

    last->rcpt = e->rcpt;
    last->at_ms++;
    if (sgl_view_eq(e->kind, SGL_LIT("suppressed")))
        last->kind = SGL_LIT("suppressed");
    return true;
}

static void test_final_at_birth(void **state)
{
    struct store_sample some, all;
    struct store_counts before, after;
    struct store_message *m = NULL;
    struct store_event told = {0};
    struct body *b = NULL;

    (void)state;
    assert_int_equal(store_read_counts(fx.store, &before), STORE_OK);
    store_sample_init(&some, "example.net", 2, 100);
    some.rcpt[1].state = RCPT_SUPPRESSED;
    some.rcpt[1].reason = SGL_LIT("suppressed by hand");
    some.accept.claim = true;
    some.accept.lease_until = 1700000600;
    CHECK_EQ("one of two is final at birth", store_sample_accept(&fx, &some), STORE_OK);
    assert_int_equal(store_read_message(fx.store, some.message.id, &m), STORE_OK);
    CHECK_EQ("the other waits", m->rcpt[0].state, RCPT_QUEUED);
    CHECK_EQ("it is suppressed", m->rcpt[1].state, RCPT_SUPPRESSED);
    CHECK_EQ("and not claimed", m->rcpt[1].fence, 0);
    CHECK_TRUE("its reason is kept", sgl_view_eq(m->rcpt[1].reason, SGL_LIT("suppressed by hand")));
    assert_int_equal(store_read_events(fx.store, some.message.id, note_event, &told), STORE_OK);
    CHECK_EQ("accepted, and one event", told.at_ms, 2);
    CHECK_TRUE("of the state's name", told.kind.len > 0);
    CHECK_EQ("that names the recipient", told.rcpt, m->rcpt[1].id);
    store_message_free(m);
    assert_int_equal(store_read_counts(fx.store, &after), STORE_OK);
    CHECK_EQ("one waits", after.waiting, before.waiting + 1);
    CHECK_EQ("the message is open", after.messages, before.messages + 1);
    store_sample_init(&all, "example.net", 2, 100);
    all.rcpt[0].state = all.rcpt[1].state = RCPT_SUPPRESSED;
    CHECK_EQ("all are final at birth", store_sample_accept(&fx, &all), STORE_OK);
    assert_int_equal(store_read_counts(fx.store, &before), STORE_OK);
    CHECK_EQ("nothing more waits", before.waiting, after.waiting);
    CHECK_EQ("no message is open for it", before.messages, after.messages);
    CHECK_EQ("the trail has it", state_of(all.message.id, 1), RCPT_SUPPRESSED);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    CHECK_EQ("its body is gone after a restart at the latest",
             store_read_body(fx.store, all.message.id, &b), STORE_NOT_FOUND);
    CHECK_EQ("the state stays", state_of(all.message.id, 0), RCPT_SUPPRESSED);
    store_sample_done(&some);
    store_sample_done(&all);
}

static bool count_message(void *ctx, const struct store_message *m)
{
    size_t *n = ctx;

    n[0]++;
    n[1] = (size_t)m->id;
    return true;
}

static void test_lists(void **state)
{
    struct store_sample s[3];
    struct store_filter f;
    struct store_outcome_rcpt r;
    struct store_claim c;
    struct store_counts counts;
    static const struct {
        const char *name, *to, *from, *domain;
        size_t want;
    } cases[] = {
        {"no filter finds all", "", "", "", 3},
        {"a recipient, whatever its case", "user0@A.EXAMPLE", "", "", 2},
        {"a sender, whatever its case", "", "sender@EXAMPLE.org", "", 3},
        {"a destination", "", "", "b.example", 1},
        {"nobody", "", "x@example.org", "", 0},
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        store_sample_init(&s[i], i == 1 ? "b.example" : "a.example", 1, 10);
        assert_int_equal(store_sample_accept(&fx, &s[i]), STORE_OK);
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t n[2] = {0, 0};

        f = (struct store_filter){.to = sgl_view_cstr(cases[i].to),
                                  .from = sgl_view_cstr(cases[i].from),
                                  .domain = sgl_view_cstr(cases[i].domain)};
        assert_int_equal(store_read_messages(fx.store, &f, count_message, n), STORE_OK);
        CHECK_EQ(cases[i].name, n[0], cases[i].want);
        f.open_only = true;
        n[0] = 0;
        assert_int_equal(store_read_messages(fx.store, &f, count_message, n), STORE_OK);
        CHECK_EQ(cases[i].name, n[0], cases[i].want);
    }
    size_t n[2] = {0, 0};
    f = (struct store_filter){.max = 1};
    assert_int_equal(store_read_messages(fx.store, &f, count_message, n), STORE_OK);
    CHECK_EQ("newest first", n[1], s[2].message.id);
    f.after = s[2].message.id;
    assert_int_equal(store_read_messages(fx.store, &f, count_message, n), STORE_OK);
    CHECK_EQ("then the next page", n[1], s[1].message.id);
    claim(&c, 10, 0, NOW);
    store_claim_done(&c);
    assert_int_equal(outcome(s[1].message.id, s[1].rcpt[0].id, 1, RCPT_DELIVERED, &r), STORE_OK);
    n[0] = 0;
    f = (struct store_filter){.open_only = true};
    assert_int_equal(store_read_messages(fx.store, &f, count_message, n), STORE_OK);
    CHECK_EQ("finished ones are not open", n[0], 2);
    assert_int_equal(store_read_counts(fx.store, &counts), STORE_OK);
    CHECK_EQ("waiting", counts.waiting, 2);
    CHECK_EQ("messages", counts.messages, 2);
    CHECK_EQ("oldest", counts.oldest_ms, id_time_ms(s[0].message.id));
    for (size_t i = 0; i < 3; i++)
        store_sample_done(&s[i]);
}

static void test_expire_trail(void **state)
{
    struct store_sample s[2];
    struct store_claim c;
    struct store_outcome_rcpt r;
    struct store_message *m;
    struct store_expire_trail e = {.op = {.kind = STORE_EXPIRE_TRAIL}, .max = 10};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        store_sample_init(&s[i], "a.example", 1, 10);
        assert_int_equal(store_sample_accept(&fx, &s[i]), STORE_OK);
    }
    claim(&c, 10, 0, NOW);
    store_claim_done(&c);
    assert_int_equal(outcome(s[0].message.id, s[0].rcpt[0].id, 1, RCPT_DELIVERED, &r), STORE_OK);
    store_fixture_close(&fx); /* the body has gone after this */
    store_fixture_open(&fx);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    e.before_ms = 1700000000123;
    assert_int_equal(store_fixture_run(&fx, &e.op), STORE_OK);
    CHECK_EQ("what is young stays", e.removed, 0);
    e.before_ms = clock_now_ms() + 1000;
    assert_int_equal(store_fixture_run(&fx, &e.op), STORE_OK);
    CHECK_EQ("what is finished and old goes", e.removed, 1);
    CHECK_EQ("gone", store_read_message(fx.store, s[0].message.id, &m), STORE_NOT_FOUND);
    CHECK_EQ("what waits stays", state_of(s[1].message.id, 0), RCPT_QUEUED);
    for (size_t i = 0; i < 2; i++)
        store_sample_done(&s[i]);
}

/* ---- charges ---- */

struct usage {
    size_t rows;
    struct store_charge sum;
    char last[64];
};

static bool add_usage(void *ctx, const struct store_usage *u)
{
    struct usage *g = ctx;

    g->rows++;
    g->sum.messages += u->charge.messages;
    g->sum.recipients += u->charge.recipients;
    g->sum.internal += u->charge.internal;
    g->sum.external += u->charge.external;
    g->sum.bytes += u->charge.bytes;
    g->sum.at_ms = u->charge.at_ms;
    snprintf(g->last, sizeof(g->last), "%.*s %.*s", SGL_FMT(u->subscription), SGL_FMT(u->identity));
    return true;
}

static struct usage charges(int64_t since_ms)
{
    struct usage g = {0};

    assert_int_equal(store_read_charges(fx.store, since_ms, add_usage, &g), STORE_OK);
    return g;
}

static struct usage usage_of(int64_t since_ms, const char *subscription)
{
    struct usage g = {0};

    assert_int_equal(
        store_read_usage(fx.store, since_ms, sgl_view_cstr(subscription), add_usage, &g), STORE_OK);
    return g;
}

static void accept_charged(const char *subscription, const char *identity, int64_t at_ms,
                           const char *key, enum store_result want)
{
    struct store_sample s;

    store_sample_init(&s, "example.net", 1, 10);
    s.message.subscription = sgl_view_cstr(subscription);
    s.message.identity = sgl_view_cstr(identity);
    s.accept.idempotency_key = sgl_view_cstr(key);
    s.accept.charge = (struct store_charge){at_ms, 1, 3, 1, 2, 100};
    CHECK_EQ("it is taken or not", store_sample_accept(&fx, &s), want);
    store_sample_done(&s);
}

static void test_usage(void **state)
{
    struct store_expire_trail e = {.op = {.kind = STORE_EXPIRE_TRAIL}, .max = 10};
    struct store_sample none;
    struct usage u;

    (void)state;
    accept_charged("a", "credential:x", 5000, "", STORE_OK);
    accept_charged("a", "credential:x", 5000, "k", STORE_OK);
    accept_charged("a", "credential:y", 6000, "", STORE_OK);
    accept_charged("b", "key:z", 200000000, "", STORE_OK);
    accept_charged("a", "credential:x", 7000, "k", STORE_EXISTS);
    store_sample_init(&none, "example.net", 1, 10);
    assert_int_equal(store_sample_accept(&fx, &none), STORE_OK);
    store_sample_done(&none);
    u = charges(0);
    CHECK_EQ("a row for moment, subscription and identity; none for a repeat or a notice", u.rows,
             3);
    CHECK_EQ("messages", u.sum.messages, 4);
    CHECK_EQ("recipients", u.sum.recipients, 12);
    CHECK_EQ("internal", u.sum.internal, 4);
    CHECK_EQ("external", u.sum.external, 8);
    CHECK_EQ("bytes", u.sum.bytes, 400);
    CHECK_EQ("the newest is last", u.sum.at_ms, 200000000);
    CHECK_EQ("since a time, which counts", charges(6000).rows, 2);
    u = usage_of(0, "a");
    CHECK_EQ("of one subscription, by identity", u.rows, 2);
    CHECK_EQ("all of it", u.sum.messages, 3);
    CHECK_STR("in the order of names", u.last, "a credential:y");
    CHECK_EQ("of all", usage_of(5500, "").rows, 2);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    CHECK_EQ("it is there after a restart", charges(0).sum.messages, 4);
    e.before_ms = INT64_MAX;
    assert_int_equal(store_fixture_run(&fx, &e.op), STORE_OK);
    CHECK_EQ("old ones go, but those of the last day stay", charges(0).rows, 1);
}

static struct {
    size_t count;
    enum store_control_verb verb;
    uint64_t rcpt;
} heard;

static void hear(void *ctx, enum store_control_verb verb, const uint64_t *rcpt, size_t rcpts)
{
    (void)ctx;
    heard.count += rcpts;
    heard.verb = verb;
    heard.rcpt = rcpt[0];
}

static void test_watch(void **state)
{
    struct store_sample s;
    struct store_watch watch = {.loop = fx.loop, .changed = hear};
    size_t changed;

    (void)state;
    memset(&heard, 0, sizeof(heard));
    store_set_watch(fx.store, &watch);
    store_sample_init(&s, "a.example", 2, 10);
    s.accept.claim = true;
    s.accept.lease_until = NOW + 600;
    s.rcpt[1].state = RCPT_HELD; /* held at birth: not claimed */
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    assert_int_equal(control(CONTROL_CANCEL, s.message.id, 0, NULL, &changed), STORE_OK);
    CHECK_EQ("both are cancelled", changed, 2);
    CHECK_EQ("the queue hears of the one that it has, before the answer", heard.count, 1);
    CHECK_EQ("which", heard.rcpt, s.rcpt[0].id);
    CHECK_EQ("and why", heard.verb, CONTROL_CANCEL);
    store_sample_done(&s);
}

static void test_ids(void **state)
{
    char text[ID_TEXT_SIZE];
    uint64_t last = 0, back;

    (void)state;
    for (size_t i = 0; i < 10000; i++) {
        uint64_t id = id_new();

        CHECK_TRUE("ids grow", id > last && id <= INT64_MAX);
        last = id;
    }
    id_text(last, text);
    CHECK_TRUE("the text reads back", id_parse(sgl_view_cstr(text), &back) && back == last);
    CHECK_TRUE("the time is in it", clock_now_ms() - id_time_ms(last) < 2000);
    CHECK_TRUE("too short", !id_parse(SGL_LIT("123"), &back));
    CHECK_TRUE("not its alphabet", !id_parse(SGL_LIT("01h2xcejqtf2u"), &back));
    CHECK_TRUE("too great", !id_parse(SGL_LIT("zzzzzzzzzzzzz"), &back));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_accept_and_read),
        T(test_claim_and_outcome),
        T(test_trail),
        T(test_body_goes),
        T(test_clock_set_back_while_down),
        T(test_put_off_by_a_clock_that_was_ahead),
        T(test_idempotency),
        T(test_same_id),
        T(test_control),
        T(test_retry),
        T(test_release_and_extend),
        T(test_lanes),
        T(test_notices),
        T(test_nouns),
        T(test_nouns_of_the_last_writer),
        T(test_final_at_birth),
        T(test_lists),
        T(test_expire_trail),
        T(test_usage),
        T(test_watch),
        cmocka_unit_test(test_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
