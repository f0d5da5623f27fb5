/* SPDX-License-Identifier: Apache-2.0 */
/* What is put into the store, there and back: messages with their bodies and trail, notices, ids. */
#include "store_steps.h"

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
    CHECK_VIEW("labels", m->labels, s.message.labels);
    CHECK_VIEW("pool", m->pool, s.message.pool);
    CHECK_EQ("bypass", m->bypass, 0x8a);
    CHECK_EQ("ret", m->ret, 'H');
    CHECK_TRUE("flags", m->eightbit && m->require_tls && !m->smtputf8);
    CHECK_EQ("nothing else was asked of TLS", m->tls, MESSAGE_TLS_DEFAULT);
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

/* What a message asks of TLS lasts as long as the message, beside everything else in the same number. */
static void test_tls(void **state)
{
    static const uint8_t asked[] = {MESSAGE_TLS_DEFAULT, MESSAGE_TLS_OPTIONAL, MESSAGE_TLS_VERIFIED,
                                    3 /* of another version: never less than the most */};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof asked; i++) {
        struct store_message *m = NULL, *copy;
        struct store_sample s;
        struct store_claim c;
        uint8_t want = asked[i / 2] == 3 ? MESSAGE_TLS_VERIFIED : asked[i / 2];

        store_sample_init(&s, "example.net", 1, 100);
        s.message.tls = asked[i / 2];
        s.message.require_tls = i % 2 == 1;
        assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
        assert_int_equal(store_read_message(fx.store, s.message.id, &m), STORE_OK);
        copy = store_message_dup(m);
        assert_non_null(copy);
        CHECK_EQ("read", copy->tls, want);
        CHECK_TRUE("and the others", copy->require_tls == (i % 2 == 1) && copy->eightbit &&
                                         copy->ret == 'H' && copy->bypass == 0x8a);
        assert_int_equal(claim(&c, 10, 0, NOW), 1);
        CHECK_EQ("claimed", c.message[0]->tls, want);
        store_claim_done(&c);
        store_message_free(copy);
        store_message_free(m);
        store_sample_done(&s);
    }
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
    CHECK_VIEW("a claim has the pool", c.message[0]->pool, s.message.pool);
    CHECK_EQ("and what it passes over", c.message[0]->bypass, 0x8a);
    CHECK_EQ("and no labels", c.message[0]->labels.len, 0);
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

static void test_idempotency(void **state)
{
    struct store_sample a, b, other;
    uint64_t found = 0;

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
    CHECK_EQ("a key finds its message",
             store_read_key(fx.store, a.message.subscription, SGL_LIT("k1"), &found), STORE_OK);
    CHECK_EQ("the first one", found, a.message.id);
    CHECK_EQ("of its subscription",
             store_read_key(fx.store, SGL_LIT("sub2"), SGL_LIT("k1"), &found), STORE_OK);
    CHECK_EQ("not of another", found, other.message.id);
    found = 7;
    CHECK_EQ("an unknown key finds nothing",
             store_read_key(fx.store, a.message.subscription, SGL_LIT("k2"), &found),
             STORE_NOT_FOUND);
    CHECK_EQ("and nothing is said", found, 7);
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
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_accept_and_read), STORE_TEST(test_tls),
        STORE_TEST(test_trail),           STORE_TEST(test_body_goes),
        STORE_TEST(test_idempotency),     STORE_TEST(test_same_id),
        STORE_TEST(test_notices),         STORE_TEST(test_final_at_birth),
        cmocka_unit_test(test_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
