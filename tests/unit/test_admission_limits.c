/* SPDX-License-Identifier: Apache-2.0 */
/* Recipients that are not sent to, and what a subscription may send. */
#include "admission_fixture.h"

static void suppress_done(struct directory_suppress *s)
{
    sem_post(&((struct directory_fixture *)s->ctx)->done);
}

static void suppress(struct fixture *x, const char *domain, const char *address)
{
    struct suppression item = {.address = sgl_view_cstr(address),
                               .reason = SUPPRESSION_UNSUBSCRIBE};
    struct directory_suppress s = {.domain = sgl_view_cstr(domain),
                                   .item = &item,
                                   .items = 1,
                                   .loop = x->f->loop,
                                   .done = suppress_done,
                                   .ctx = x->f};

    directory_suppress(x->f->directory, &s);
    sem_wait(&x->f->done);
    assert_int_equal(s.result, DIRECTORY_OK);
}

static void test_some_are_suppressed(void **state)
{
    struct fixture *x = *state;
    struct admission_stats stats;
    struct store_message *m = NULL;
    struct sending *g;

    suppress(x, "", "gone@good.test");
    suppress(x, "other.test", "here@good.test");
    g = send_one(x, "me@app.test", "here@good.test Gone@GOOD.test", PLAIN);
    CHECK_EQ("it is no error for the others", g->answer.smtp, 250);
    CHECK_EQ("the queue gets the message", offered, 1);
    assert_int_equal(store_read_message(x->f->store, g->s.message.id, &m), STORE_OK);
    CHECK_EQ("suppressed for another domain is not suppressed", m->rcpt[0].state, RCPT_QUEUED);
    CHECK_EQ("case makes no difference", m->rcpt[1].state, RCPT_SUPPRESSED);
    CHECK_TRUE("the reason says why",
               sgl_view_eq(m->rcpt[1].reason, SGL_LIT("suppressed: the recipient unsubscribed")));
    admission_stats(x->admission, &stats);
    CHECK_EQ("one is counted", stats.suppressed, 1);
    store_message_free(m);
    sending_free(g);
}

/* What was asked for when it was sent counts when it is handed out, too: it is kept with the message. */
static void test_bypass(void **state)
{
    struct fixture *x = *state;
    struct sending *g;
    struct store_message *m = NULL;

    suppress(x, "", "gone@good.test");
    g = send_as(x, x->who, "me@app.test", "gone@good.test", sgl_view_cstr(PLAIN));
    g->s.message.bypass = 1u << SUPPRESSION_HARD_BOUNCE;
    go(g);
    CHECK_EQ("another reason is passed over", g->s.message.rcpt[0].state, RCPT_SUPPRESSED);
    sending_free(g);
    g = send_as(x, x->who, "me@app.test", "gone@good.test", sgl_view_cstr(PLAIN));
    g->s.message.bypass = 1u << SUPPRESSION_UNSUBSCRIBE;
    go(g);
    CHECK_EQ("this reason is", g->s.message.rcpt[0].state, RCPT_QUEUED);
    assert_int_equal(store_read_message(x->f->store, g->s.message.id, &m), STORE_OK);
    CHECK_EQ("it is kept", m->bypass, 1u << SUPPRESSION_UNSUBSCRIBE);
    store_message_free(m);
    sending_free(g);
    g = send_as(x, x->who, "me@foreign.test", "gone@good.test", sgl_view_cstr(PLAIN));
    g->s.message.bypass = 0xff;
    go(g);
    CHECK_STR("who may send as whom is no suppression", g->answer.code, "sender-not-allowed");
    sending_free(g);
}

/* Whichever door it came by: a pool is one of the configuration, and none is there. */
static void test_pool(void **state)
{
    struct fixture *x = *state;
    struct sending *g = send_as(x, x->who, "me@app.test", "you@good.test", sgl_view_cstr(PLAIN));

    g->s.message.pool = SGL_LIT("mar\r\nketing");
    go(g);
    CHECK_EQ("it is refused", g->answer.http, 422);
    CHECK_STR("for its pool", g->answer.code, "pool-unknown");
    CHECK_TRUE("in one line", strpbrk(g->answer.text, "\r\n") == NULL);
    CHECK_EQ("nothing is stored", stored(x), 0);
    sending_free(g);
}

static void test_labels(void **state)
{
    static char text[STORE_LABELS_MAX + 1];
    struct fixture *x = *state;

    memset(text, 'x', sizeof(text));
    for (size_t over = 0; over < 2; over++) {
        struct sending *g = send_as(x, x->who, "me@app.test", "a@good.test", sgl_view_cstr(PLAIN));

        g->s.message.labels = sgl_view_of(text, STORE_LABELS_MAX + over);
        go(g);
        CHECK_STR("labels have a maximum", g->answer.code,
                  over == 1 ? "labels-too-long" : "accepted");
        sending_free(g);
    }
}

static void test_all_are_suppressed(void **state)
{
    struct fixture *x = *state;
    struct store_counts counts;
    struct sending *g;

    suppress(x, "app.test", "gone@good.test");
    g = send_one(x, "me@app.test", "gone@good.test", PLAIN);
    CHECK_EQ("the message is accepted", g->answer.smtp, 250);
    CHECK_EQ("the queue gets nothing", offered, 0);
    CHECK_EQ("and need not look", nudged, 0);
    CHECK_EQ("the message is stored, for its trail", stored(x), 1);
    assert_int_equal(store_read_counts(x->f->store, &counts), STORE_OK);
    CHECK_EQ("nobody waits", counts.waiting, 0);
    CHECK_EQ("it is final at once", counts.messages, 0);
    sending_free(g);
}

/* ---- what the subscription may send ---- */

static void set_profile(struct fixture *x, const char *profile)
{
    struct directory_change c = {.noun = DIRECTORY_SUBSCRIPTION,
                                 .verb = DIRECTORY_CHANGE,
                                 .name = SGL_LIT("default"),
                                 .profile = sgl_view_cstr(profile)};

    CHECK_EQ("the profile is set", fixture_change(x->f, &c), DIRECTORY_OK);
}

static unsigned long long used(struct fixture *x, enum limit_what what)
{
    struct limit_charge sum[LIMIT_WINDOWS];

    limits_now(x->limits, SGL_LIT("default"), sum);
    return sum[LIMIT_MINUTE].n[what];
}

/* The same charges as a server that starts now finds them. */
static uint64_t charged_before(struct fixture *x, const char *key)
{
    struct limit_charge sum[LIMIT_WINDOWS];
    struct limits *again = limits_new();
    char why[200] = "";

    if (!limits_load(again, x->f->store, admission_charged_beside, x->f->directory, why,
                     sizeof(why)))
        fail_msg("%s", why);
    limits_now(again, sgl_view_cstr(key), sum);
    limits_free(again);
    return sum[LIMIT_HOUR].n[LIMIT_MESSAGES];
}

static bool count_usage(void *ctx, const struct store_usage *u)
{
    *(uint64_t *)ctx += u->charge.messages;
    return true;
}

/* 5 messages a minute, beside the limits of the subscription; it has none here. */
static void test_managed(void **state)
{
    static const struct domain_change dc = {.kind = DOMAIN_MANAGED,
                                            .managed_zone = SGL_LIT_INIT("zone.test")};
    struct fixture *x = *state;
    struct directory_change c = {.noun = DIRECTORY_DOMAIN,
                                 .verb = DIRECTORY_ADD,
                                 .name = SGL_LIT("try"),
                                 .domain_change = &dc};
    struct identity *who = directory_local(0);
    uint64_t reported = 0;
    struct sending *g;

    assert_int_equal(fixture_change(x->f, &c), DIRECTORY_OK);
    for (int i = 0; i < 6; i++) {
        g = go(send_as(x, who, "me@try.zone.test", "you@good.test",
                       SGL_LIT("From: me@try.zone.test\r\n\r\nx\r\n")));
        CHECK_EQ("five a minute", g->answer.smtp, i < 5 ? 250 : 452);
        if (i == 5)
            CHECK_TRUE("by its own profile",
                       strstr(g->answer.text, "5 messages a minute (profile managed-test)") !=
                           NULL);
        sending_free(g);
    }
    CHECK_EQ("they count for the subscription, too", used(x, LIMIT_MESSAGES), 5);
    g = send_one(x, "me@app.test", "you@good.test", PLAIN);
    CHECK_EQ("which may go on as another domain", g->answer.smtp, 250);
    sending_free(g);
    CHECK_EQ("a restart finds them", charged_before(x, "domain:try.zone.test"), 5);
    CHECK_EQ("and those of the subscription", charged_before(x, "default"), 6);
    assert_int_equal(store_read_usage(x->f->store, 0, SGL_LIT(""), count_usage, &reported),
                     STORE_OK);
    CHECK_EQ("a report counts each message once", reported, 6);
    identity_unref(who);
}

static void test_profile(void **state)
{
    struct fixture *x = *state;
    struct sending *g;

    set_profile(x, "managed-test");
    atomic_store(&fake_keys.down, 1);
    g = send_one(x, "me@app.test", "you@good.test", PLAIN);
    CHECK_EQ("a message that cannot be signed", g->answer.smtp, 451);
    sending_free(g);
    CHECK_EQ("has its charge given back", used(x, LIMIT_MESSAGES), 0);
    for (int i = 0; i < 5; i++) {
        g = send_one(x, "me@app.test", "you@good.test us@app.test us@other.test", PLAIN);
        CHECK_EQ("five a minute", g->answer.smtp, 250);
        sending_free(g);
    }
    CHECK_EQ("recipients of the same subscription are internal", used(x, LIMIT_INTERNAL), 10);
    CHECK_EQ("others are not", used(x, LIMIT_EXTERNAL), 5);
    g = send_one(x, "me@app.test", "you@good.test", PLAIN);
    CHECK_EQ("and not a sixth", g->answer.smtp, 452);
    CHECK_STR("by policy", g->answer.enhanced, "4.7.0");
    CHECK_EQ("in HTTP's words", g->answer.http, 429);
    CHECK_STR("a stable word", g->answer.code, "limit-reached");
    CHECK_TRUE("which, how many, when",
               strstr(g->answer.text, "5 messages a minute (profile managed-test)") != NULL &&
                   strstr(g->answer.text, "Z.") != NULL);
    CHECK_TRUE("in seconds", g->answer.retry_after_s > 50 && g->answer.retry_after_s <= 60);
    sending_free(g);
    CHECK_EQ("five are stored", stored(x), 5);
    set_profile(x, "unlimited");
    g = send_one(x, "me@app.test", "you@good.test", PLAIN);
    CHECK_EQ("another profile counts at once", g->answer.smtp, 250);
    sending_free(g);
    set_profile(x, "gone");
    g = send_one(x, "me@app.test", "you@good.test", PLAIN);
    CHECK_EQ("a profile that is not there turns away for now", g->answer.smtp, 451);
    sending_free(g);
    set_profile(x, "");
    g = send_one(x, "me@app.test", "you@good.test", PLAIN);
    CHECK_EQ("no profile has no limit", g->answer.smtp, 250);
    sending_free(g);
}

static void test_charged_once(void **state)
{
    struct fixture *x = *state;
    struct sending *first = send_as(x, x->who, "me@app.test", "you@good.test", SGL_LIT(PLAIN));
    struct sending *again = send_as(x, x->who, "me@app.test", "you@good.test", SGL_LIT(PLAIN));

    first->s.idempotency_key = again->s.idempotency_key = SGL_LIT("k1");
    go(first);
    go(again);
    CHECK_EQ("a repeat is answered as accepted", again->answer.smtp, 250);
    CHECK_EQ("and charged once", used(x, LIMIT_MESSAGES), 1);
    CHECK_EQ("with the bytes as they came", used(x, LIMIT_BYTES), sizeof(PLAIN) - 1);
    sending_free(first);
    sending_free(again);
}

/* ---- beside it: identities with limits of their own, and accounts ---- */

static const struct limit_profile own_profiles[] = {
    {.name = "two",
     .recipients_max = 3,
     .size_max = 2000,
     .limits = 1,
     .limit = {{LIMIT_MESSAGES, LIMIT_DAY, 2}}},
    {.name = "high-volume",
     .limits = 2,
     .limit = {{LIMIT_INTERNAL, LIMIT_DAY, 4}, {LIMIT_EXTERNAL, LIMIT_DAY, 1}}},
};

static void set_identity_profile(struct fixture *x, enum directory_noun noun, const char *name,
                                 const char *profile)
{
    struct directory_change c = {.noun = noun,
                                 .verb = DIRECTORY_CHANGE,
                                 .name = sgl_view_cstr(name),
                                 .profile = sgl_view_cstr(profile)};

    CHECK_EQ("the profile of an identity is set", fixture_change(x->f, &c), DIRECTORY_OK);
}

static void test_identity_profile(void **state)
{
    struct fixture *x = *state;
    struct limit_charge sum[LIMIT_WINDOWS];
    struct admission_rate rate;
    struct sending *g;

    assert_true(limits_configure(x->limits, own_profiles, 2));
    CHECK_TRUE("without limits there is none to ask for",
               !admission_rate(x->admission, x->who, &rate));
    set_identity_profile(x, DIRECTORY_CREDENTIAL, "app", "two");
    for (int i = 0; i < 3; i++) {
        g = send_one(x, "me@app.test", "you@good.test", PLAIN);
        CHECK_EQ("two, though the session is older than the profile", g->answer.smtp,
                 i < 2 ? 250 : 452);
        if (i == 2)
            CHECK_TRUE("whose limit it is is said",
                       strstr(g->answer.text, "(profile two of credential:app)") != NULL);
        sending_free(g);
    }
    CHECK_TRUE("how many are left can be asked", admission_rate(x->admission, x->who, &rate));
    CHECK_EQ("of so many", rate.max, 2);
    CHECK_EQ("none", rate.left, 0);
    CHECK_TRUE("for a day", rate.frees_at_s > clock_now_s() + 86300);
    limits_now(x->limits, SGL_LIT("credential:app"), sum);
    CHECK_EQ("it is charged under its name", sum[LIMIT_DAY].n[LIMIT_MESSAGES], 2);
    CHECK_EQ("beside its subscription", used(x, LIMIT_MESSAGES), 2);
    set_identity_profile(x, DIRECTORY_CREDENTIAL, "app", "");
    g = send_one(x, "me@app.test", "you@good.test", PLAIN);
    CHECK_EQ("without a profile the subscription's counts alone", g->answer.smtp, 250);
    sending_free(g);
}

static void test_accounts(void **state)
{
    struct fixture *x = *state;
    struct directory_change c = {.noun = DIRECTORY_ACCOUNT, .verb = DIRECTORY_ADD};
    const char *name[] = {"lob1@app.test", "lob2@app.test"};
    struct identity *who[2];
    struct sending *g;

    assert_true(limits_configure(x->limits, own_profiles, 2));
    for (int i = 0; i < 2; i++) {
        c.name = sgl_view_cstr(name[i]);
        assert_int_equal(fixture_change(x->f, &c), DIRECTORY_OK);
        who[i] = directory_account(x->f->directory, c.name, NULL);
    }
    g = send_as(x, who[0], name[0], "us@app.test we@app.test",
                SGL_LIT("From: lob1@app.test\r\n\r\nx\r\n"));
    go(g);
    CHECK_EQ("an account sends", g->answer.smtp, 250);
    sending_free(g);
    g = send_as(x, who[1], name[1], "us@app.test we@app.test you@good.test",
                SGL_LIT("From: lob2@app.test\r\n\r\nx\r\n"));
    go(g);
    CHECK_EQ("another one, too", g->answer.smtp, 250);
    sending_free(g);
    g = send_as(x, who[0], name[0], "us@app.test", SGL_LIT("From: lob1@app.test\r\n\r\nx\r\n"));
    go(g);
    CHECK_EQ("the accounts of a subscription share their limits", g->answer.smtp, 452);
    CHECK_TRUE("which the refusal says",
               strstr(g->answer.text, "internal recipients a day (profile high-volume of "
                                      "default/accounts)") != NULL);
    sending_free(g);
    g = send_one(x, "me@app.test", "us@app.test", PLAIN);
    CHECK_EQ("others do not", g->answer.smtp, 250);
    sending_free(g);
    identity_unref(who[0]);
    identity_unref(who[1]);
}

/* ---- before the message is there ---- */

static bool add(struct fixture *x, struct admission_draft *d, const char *to,
                struct admission_answer *out)
{
    return admission_add(x->admission, x->who, sgl_view_cstr(to), d, out);
}

static void test_draft(void **state)
{
    struct fixture *x = *state;
    struct admission_answer out;
    struct admission_draft d;
    struct sending *g;
    sgl_view me = SGL_LIT("me@app.test");

    assert_true(limits_configure(x->limits, own_profiles, 2));
    set_identity_profile(x, DIRECTORY_CREDENTIAL, "app", "two");
    CHECK_TRUE("a message may begin", admission_begin(x->admission, x->who, me, 2000, &d, &out));
    CHECK_TRUE("not one that is announced too large",
               !admission_begin(x->admission, x->who, me, 2001, &d, &out));
    CHECK_STR("in these words", out.enhanced, "5.3.4");
    assert_true(admission_begin(x->admission, x->who, me, 0, &d, &out));
    for (int i = 0; i < 3; i++)
        CHECK_TRUE("three recipients", add(x, &d, "you@good.test", &out));
    CHECK_TRUE("and not a fourth", !add(x, &d, "you@good.test", &out));
    CHECK_EQ("which has to wait for another message", out.smtp, 452);
    CHECK_STR("as RFC 5321 has it", out.enhanced, "4.5.3");
    CHECK_EQ("nothing was charged", used(x, LIMIT_MESSAGES), 0);
    CHECK_TRUE("two in a row", admission_may_send_many(x->admission, x->who, me, 2, &out));
    CHECK_TRUE("and never three", !admission_may_send_many(x->admission, x->who, me, 3, &out));
    CHECK_EQ("which is not to be tried again", out.http, 422);
    CHECK_EQ("and nothing was charged", used(x, LIMIT_MESSAGES), 0);
    for (int i = 0; i < 2; i++) {
        g = send_one(x, "me@app.test", "you@good.test", PLAIN);
        assert_int_equal(g->answer.smtp, 250);
        sending_free(g);
        CHECK_EQ("as many as there is room for",
                 admission_may_send_many(x->admission, x->who, me, 1, &out), i == 0);
    }
    CHECK_EQ("for now", out.http, 429);
    CHECK_TRUE("a limit that is full is said at once",
               !admission_begin(x->admission, x->who, me, 0, &d, &out));
    CHECK_EQ("for now", out.smtp, 452);
    CHECK_TRUE("with the time",
               strstr(out.text, "there is room again at 2") != NULL && out.retry_after_s > 86390);
}

/* Whoever adds a name that is somebody else's has not proven it, and does not get the limits of his own for it. */
static void test_unproven_is_external(void **state)
{
    struct fixture *x = *state;
    struct admission_config strict = {.message_size_max = 200000,
                                      .recipients_max = 100,
                                      .memory_max = 100000000,
                                      .expire_s = 1000,
                                      .domains = {.required = true}};
    struct admission_answer out;
    struct admission_draft d;

    assert_true(admission_begin(x->admission, x->who, SGL_LIT("me@app.test"), 0, &d, &out));
    assert_true(add(x, &d, "us@other.test", &out));
    CHECK_EQ("internal where no proof is wanted", d.charge.n[LIMIT_INTERNAL], 1);
    admission_reconfigure(x->admission, &strict);
    assert_true(add(x, &d, "us@other.test", &out));
    CHECK_EQ("else external until it is there", d.charge.n[LIMIT_EXTERNAL], 1);
}

static void test_draft_kinds(void **state)
{
    struct fixture *x = *state;
    struct admission_answer out;
    struct admission_draft d;

    assert_true(limits_configure(x->limits, own_profiles, 2));
    set_profile(x, "high-volume");
    assert_true(admission_begin(x->admission, x->who, SGL_LIT("me@app.test"), 0, &d, &out));
    for (int i = 0; i < 4; i++)
        CHECK_TRUE("four internal ones", add(x, &d, "us@APP.test", &out));
    CHECK_TRUE("not a fifth", !add(x, &d, "us@other.test", &out));
    CHECK_TRUE("one external one", add(x, &d, "you@good.test", &out));
    CHECK_TRUE("not a second", !add(x, &d, "you@good.test", &out));
    CHECK_EQ("the others are not refused with it", out.smtp, 452);
    CHECK_TRUE("the null sender of an identity with a subscription",
               admission_begin(x->admission, x->who, SGL_LIT(""), 0, &d, &out) && d.known);
}

static void test_suppressed_is_not_charged(void **state)
{
    struct fixture *x = *state;
    struct sending *g;

    suppress(x, "", "gone@good.test");
    suppress(x, "", "us@other.test");
    g = send_one(x, "me@app.test", "gone@good.test you@good.test us@other.test us@app.test", PLAIN);
    CHECK_EQ("the message is accepted", g->answer.smtp, 250);
    CHECK_EQ("and is one", used(x, LIMIT_MESSAGES), 1);
    CHECK_EQ("who is not sent to is left out", used(x, LIMIT_RECIPIENTS), 2);
    CHECK_EQ("of the internal recipients", used(x, LIMIT_INTERNAL), 1);
    CHECK_EQ("and of the external ones", used(x, LIMIT_EXTERNAL), 1);
    sending_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_some_are_suppressed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bypass, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pool, setup, teardown),
        cmocka_unit_test_setup_teardown(test_labels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_are_suppressed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_profile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_managed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_identity_profile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_accounts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_draft, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unproven_is_external, setup, teardown),
        cmocka_unit_test_setup_teardown(test_draft_kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_suppressed_is_not_charged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_charged_once, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
