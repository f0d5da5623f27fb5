/* SPDX-License-Identifier: Apache-2.0 */
/* The gate: who may send what, what is completed, and that nothing goes out unsigned or is half stored. */
#include "admission_fixture.h"

#include "sigillo/header.h"

/* ---- what is refused ---- */

/* A message as it is handed in, and what its sender is told at each door. */
struct refusal {
    const char *name, *from, *rcpts, *raw;
    unsigned smtp, http;
    const char *enhanced, *code, *field;
};

static void check_refusals(struct fixture *x, const struct refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sending *g = send_one(x, rows[i].from, rows[i].rcpts, rows[i].raw);

        CHECK_EQ(rows[i].name, g->answer.smtp, rows[i].smtp);
        CHECK_EQ(rows[i].name, g->answer.http, rows[i].http);
        CHECK_STR(rows[i].name, g->answer.enhanced, rows[i].enhanced);
        if (rows[i].code != NULL)
            CHECK_STR(rows[i].name, g->answer.code, rows[i].code);
        if (rows[i].field != NULL)
            CHECK_STR(rows[i].name, g->answer.field, rows[i].field);
        CHECK_TRUE(rows[i].name, g->answer.text[0] != '\0');
        sending_free(g);
    }
}

#define CHECK_REFUSALS(x, rows) check_refusals(x, rows, sizeof(rows) / sizeof((rows)[0]))

static void test_who_may_send(void **state)
{
    static const struct refusal rows[] = {
        {"an ordinary message is taken", "me@app.test", "you@good.test", PLAIN, 250, 202, "2.0.0",
         "accepted", ""},
        {"upper case in the domain is the same domain", "me@APP.Test", "you@good.test",
         "From: <me@ApP.TEST>\r\n\r\nx\r\n", 250, 202, "2.0.0", "accepted", ""},
        {"an IDN in From is its A-label", "me@app.test", "you@good.test",
         "From: me@b\xc3\xbc"
         "cher.test\r\n\r\nx\r\n",
         554, 422, "5.6.7", "smtputf8-needed", "header"},
        {"MAIL FROM of another's domain is refused", "me@other.test", "you@good.test", PLAIN, 550,
         403, "5.7.1", "sender-not-allowed", "MAIL FROM"},
        {"a stranger's domain is refused", "me@good.test", "you@good.test", PLAIN, 550, 403,
         "5.7.1", "sender-not-allowed", "MAIL FROM"},
        {"a subdomain is not the domain", "me@sub.app.test", "you@good.test", PLAIN, 550, 403,
         "5.7.1", "sender-not-allowed", "MAIL FROM"},
        {"From of another's domain is refused", "me@app.test", "you@good.test",
         "From: me@other.test\r\n\r\nx\r\n", 550, 403, "5.7.1", "sender-not-allowed", "From"},
        {"the null sender may send", "", "you@good.test", PLAIN, 250, 202, "2.0.0", "accepted", ""},
        {"the null sender does not free From", "", "you@good.test",
         "From: me@good.test\r\n\r\nx\r\n", 550, 403, "5.7.1", "sender-not-allowed", "From"},
        {"Sender is checked, too", "me@app.test", "you@good.test",
         "From: me@app.test\r\nSender: boss@other.test\r\n\r\nx\r\n", 550, 403, "5.7.1",
         "sender-not-allowed", "Sender"},
        {"every mailbox of From is checked", "me@app.test", "you@good.test",
         "From: me@app.test, boss@other.test\r\n\r\nx\r\n", 550, 403, "5.7.1", "sender-not-allowed",
         "From"},
        {"also within a group", "me@app.test", "you@good.test",
         "From: us: me@app.test, boss@other.test;\r\n\r\nx\r\n", 550, 403, "5.7.1",
         "sender-not-allowed", "From"},
        {"also behind a display name that looks right", "me@app.test", "you@good.test",
         "From: \"me@app.test\" <boss@other.test>\r\n\r\nx\r\n", 550, 403, "5.7.1",
         "sender-not-allowed", "From"},
        {"also behind an encoded word", "me@app.test", "you@good.test",
         "From: =?utf-8?q?me=40app=2Etest?= <boss@other.test>\r\n\r\nx\r\n", 550, 403, "5.7.1",
         "sender-not-allowed", "From"},
        {"also behind a comment", "me@app.test", "you@good.test",
         "From: (me@app.test) boss@other.test\r\n\r\nx\r\n", 550, 403, "5.7.1",
         "sender-not-allowed", "From"},
        {"an @ in a quoted local part does not make a domain", "me@app.test", "you@good.test",
         "From: \"x@app.test\"@other.test\r\n\r\nx\r\n", 550, 403, "5.7.1", "sender-not-allowed",
         "From"},
    };

    CHECK_REFUSALS(*state, rows);
}

static void test_what_is_no_message(void **state)
{
    static const struct refusal rows[] = {
        {"a source route in From, which a reader may take for the author [RFC 5322 s4.4]",
         "me@app.test", "you@good.test", "From: <@bank.test:me@app.test>\r\n\r\nx\r\n", 554, 422,
         "5.6.0", "address-syntax", "From"},
        {"a group without mailboxes is no sender", "me@app.test", "you@good.test",
         "From: nobody:;\r\n\r\nx\r\n", 554, 422, "5.6.0", "address-missing", "From"},
        {"no From", "me@app.test", "you@good.test", "Subject: x\r\n\r\nx\r\n", 554, 422, "5.6.0",
         NULL, NULL},
        {"two From fields", "me@app.test", "you@good.test",
         "From: me@app.test\r\nFrom: me@app.test\r\n\r\nx\r\n", 554, 422, "5.6.0", NULL, "From"},
        {"a bare LF", "me@app.test", "you@good.test", "From: me@app.test\r\n\r\na\nb\r\n", 554, 422,
         "5.6.0", "bare-lf", "body line 3"},
        {"a bare CR", "me@app.test", "you@good.test", "From: me@app.test\r\n\r\na\rb\r\n", 554, 422,
         "5.6.0", "bare-cr", "body line 3"},
        {"no recipient", "me@app.test", "", PLAIN, 554, 422, "5.5.1", "no-recipients", "to"},
        {"a recipient that is none", "me@app.test", "you@good.test you@@good.test", PLAIN, 553, 422,
         "5.1.3", "address-syntax", "rcpt[1]"},
        {"a recipient at an address literal", "me@app.test", "you@[192.0.2.1]", PLAIN, 550, 422,
         "5.1.2", "address-literal", "rcpt[0]"},
        {"a sender that is none", "me@app..test", "you@good.test", PLAIN, 553, 422, "5.1.7",
         "address-syntax", "MAIL FROM"},
        {"a sender with a trailing dot", "me@app.test.", "you@good.test", PLAIN, 553, 422, "5.1.7",
         "address-syntax", "MAIL FROM"},
    };

    CHECK_REFUSALS(*state, rows);
}

static void test_limits(void **state)
{
    struct fixture *x = *state;
    struct sgl_buf big = SGL_BUF_INIT(300000), many = SGL_BUF_INIT(100000);
    struct sending *g;

    sgl_buf_add_cstr(&big, "From: me@app.test\r\n\r\n");
    while (big.len <= 200000)
        sgl_buf_add_cstr(&big, "0123456789012345678901234567890123456789\r\n");
    g = go(send_as(x, x->who, "me@app.test", "you@good.test", sgl_buf_view(&big)));
    CHECK_EQ("a message above the limit", g->answer.smtp, 552);
    CHECK_EQ("a message above the limit", g->answer.http, 413);
    sending_free(g);
    for (int i = 0; i < 41; i++)
        sgl_buf_addf(&many, "%su%d@good.test", i == 0 ? "" : " ", i);
    g = send_one(x, "me@app.test", sgl_cstr(&many), PLAIN);
    CHECK_EQ("too many recipients", g->answer.smtp, 452);
    sending_free(g);
    sgl_buf_reset(&big);
    for (int i = 0; i < 51; i++)
        sgl_buf_add_cstr(&big, "Received: from a by b; Sun, 22 Nov 2026 12:00:00 +0000\r\n");
    sgl_buf_add_cstr(&big, PLAIN);
    g = go(send_as(x, x->who, "me@app.test", "you@good.test", sgl_buf_view(&big)));
    CHECK_STR("a loop ends", g->answer.enhanced, "5.4.6");
    sending_free(g);
    CHECK_EQ("nothing of it is stored", stored(x), 0);
    sgl_buf_done(&big);
    sgl_buf_done(&many);
}

/* ---- what is stored ---- */

static char *body_of(struct fixture *x, uint64_t id)
{
    struct body *body = NULL;
    char *text;

    assert_int_equal(store_read_body(x->f->store, id, &body), STORE_OK);
    text = strndup((const char *)body->bytes, body->len);
    body_unref(body);
    return text;
}

static void test_completed(void **state)
{
    struct fixture *x = *state;
    struct sending *g =
        send_one(x, "me@app.test", "you@good.test YOU@good.test you@GOOD.test postmaster",
                 "Return-Path: <x@y>\r\nBCC: secret@good.test\r\nFrom: Me "
                 "<me@app.test>\r\nSubject: A\r\n B\r\n\r\n\xc3\xa4\r\n");
    char *text = body_of(x, g->s.message.id);
    char *end = strstr(text, "\r\n\r\n");

    CHECK_EQ("it is accepted", g->answer.smtp, 250);
    CHECK_TRUE("the signature stands first", strncmp(text, "DKIM-Signature: ", 16) == 0);
    CHECK_TRUE("by both keys",
               strstr(text, "a=ed25519-sha256") != NULL && strstr(text, "a=rsa-sha256") != NULL);
    CHECK_TRUE("no Bcc is left", strstr(text, "secret") == NULL);
    CHECK_TRUE("no Return-Path is left", strstr(text, "Return-Path") == NULL);
    CHECK_TRUE("Received names us", strstr(text, "by mail.sigillo.test") != NULL);
    CHECK_TRUE("Date is added", strstr(text, "\r\nDate: ") != NULL);
    CHECK_TRUE("Message-ID is added, in the sender's domain",
               strstr(text, "\r\nMessage-ID: <") != NULL && strstr(text, "@app.test>\r\n") != NULL);
    CHECK_TRUE("a body of 8 bits gets its MIME fields",
               strstr(text, "\r\nContent-Type: text/plain; charset=utf-8\r\n") != NULL);
    CHECK_TRUE("folds stay as they are", strstr(text, "\r\nSubject: A\r\n B\r\n") != NULL);
    CHECK_STR("the body stays as it is", end + 4, "\xc3\xa4\r\n");
    CHECK_EQ("who is named twice gets one", g->s.message.rcpts, 3);
    CHECK_VIEW("the local part keeps its case, the domain does not", g->s.message.rcpt[1].address,
               SGL_LIT("YOU@good.test"));
    CHECK_VIEW("postmaster without a domain is ours", g->s.message.rcpt[2].address,
               SGL_LIT("postmaster@mail.sigillo.test"));
    CHECK_VIEW("the destination is the domain", g->s.message.rcpt[1].domain, SGL_LIT("good.test"));
    CHECK_VIEW("the subject is unfolded", g->s.message.subject, SGL_LIT("A B"));
    CHECK_VIEW("the trail says what signed", g->s.message.signed_by,
               SGL_LIT("d=app.test s=s1 rsa-sha256; d=app.test s=e1 ed25519-sha256"));
    CHECK_TRUE("it needs 8BITMIME", g->s.message.eightbit);
    CHECK_EQ("the queue got it in memory", offered, 1);
    CHECK_EQ("it is stored", stored(x), 1);
    free(text);
    sending_free(g);
}

static void test_what_is_there_stays(void **state)
{
    struct fixture *x = *state;
    struct sending *g = send_one(x, "me@app.test", "a@good.test b@good.test",
                                 "Message-ID: <1@app.test>\r\nDate: Sun, 22 Nov 2026 12:00:00 "
                                 "+0000\r\nFrom: me@app.test\r\n\r\nx\r\n");
    char *text = body_of(x, g->s.message.id);

    CHECK_TRUE("one Message-ID",
               strstr(strstr(text, "\nMessage-ID:") + 1, "\nMessage-ID:") == NULL);
    CHECK_TRUE("one Date", strstr(strstr(text, "\nDate:") + 1, "\nDate:") == NULL);
    CHECK_VIEW("the trail knows the Message-ID", g->s.message.message_id, SGL_LIT("<1@app.test>"));
    CHECK_TRUE("with several recipients, Received names none", strstr(text, "for <") == NULL);
    free(text);
    sending_free(g);
}

/* ---- trouble ---- */

static void test_never_unsigned(void **state)
{
    struct fixture *x = *state;
    struct sending *g;

    atomic_store(&fake_keys.down, 1);
    g = send_one(x, "me@app.test", "you@good.test", PLAIN);
    CHECK_EQ("without the keys process nothing is accepted", g->answer.smtp, 451);
    CHECK_EQ("without the keys process nothing is accepted", g->answer.http, 503);
    sending_free(g);
    atomic_store(&fake_keys.refuse, 1);
    g = send_one(x, "me@app.test", "you@good.test", PLAIN);
    CHECK_EQ("nor with one of two signatures", g->answer.smtp, 451);
    sending_free(g);
    CHECK_EQ("nothing is stored", stored(x), 0);
    g = send_one(x, "me@app.test", "you@good.test", PLAIN);
    CHECK_EQ("then it works", g->answer.smtp, 250);
    sending_free(g);
}

static void test_no_room_in_the_queue(void **state)
{
    struct fixture *x = *state;
    struct sending *g;

    no_room = true;
    g = send_one(x, "me@app.test", "you@good.test", PLAIN);
    CHECK_EQ("a full queue is no reason to refuse", g->answer.smtp, 250);
    CHECK_EQ("the queue is told to look into the store", nudged, 1);
    CHECK_EQ("it got nothing in memory", offered, 0);
    sending_free(g);
}

static void test_idempotency(void **state)
{
    struct fixture *x = *state;
    struct sending *first = send_as(x, x->who, "me@app.test", "you@good.test", SGL_LIT(PLAIN));
    struct sending *again = send_as(x, x->who, "me@app.test", "you@good.test", SGL_LIT(PLAIN));
    struct sending *other = send_as(x, x->who, "me@app.test", "you@good.test", SGL_LIT(PLAIN));

    first->s.idempotency_key = again->s.idempotency_key = other->s.idempotency_key = SGL_LIT("k1");
    other->s.request_hash[0] = 1;
    go(first);
    go(again);
    go(other);
    CHECK_EQ("the first is new", first->s.existing_id, 0);
    CHECK_EQ("the same again is the first", again->s.existing_id, first->s.message.id);
    CHECK_EQ("and is answered alike", again->answer.http, 202);
    CHECK_EQ("another message under the same key is refused", other->answer.http, 409);
    CHECK_EQ("one is stored", stored(x), 1);
    sending_free(first);
    sending_free(again);
    sending_free(other);
}

static void test_early_checks(void **state)
{
    struct fixture *x = *state;
    struct identity *local = directory_local(0);
    struct admission_answer a;

    CHECK_TRUE("an own domain",
               admission_may_send_as(x->admission, x->who, SGL_LIT("me@app.test"), &a));
    CHECK_TRUE("the null sender", admission_may_send_as(x->admission, x->who, SGL_LIT(""), &a));
    CHECK_TRUE("another's domain",
               !admission_may_send_as(x->admission, x->who, SGL_LIT("me@other.test"), &a));
    CHECK_EQ("is refused for good", a.smtp, 550);
    CHECK_TRUE("an administrator may use any domain that is here",
               admission_may_send_as(x->admission, local, SGL_LIT("me@other.test"), &a));
    CHECK_TRUE("but none that is not",
               !admission_may_send_as(x->admission, local, SGL_LIT("me@good.test"), &a));
    CHECK_TRUE("a recipient",
               admission_may_send_to(x->admission, x->who, SGL_LIT("you@good.test"), &a));
    CHECK_TRUE("not a recipient", !admission_may_send_to(x->admission, x->who, SGL_LIT("you"), &a));
    CHECK_STR("is a wrong address", a.enhanced, "5.1.3");
    CHECK_TRUE("room", admission_has_room(x->admission, 1000, &a));
    CHECK_TRUE("too large", !admission_has_room(x->admission, 200001, &a));
    CHECK_EQ("for good", a.smtp, 552);
    identity_unref(local);
}

/* What a check saw of app.test, or that it is parked. */
static void set_domain(struct fixture *x, const struct domain_change *dc)
{
    struct directory_change c = {.noun = DIRECTORY_DOMAIN,
                                 .verb = DIRECTORY_CHANGE,
                                 .name = SGL_LIT("app.test"),
                                 .domain_change = dc};

    assert_int_equal(fixture_change(x->f, &c), DIRECTORY_OK);
}

static void check_gate(struct fixture *x, const char *rule, unsigned smtp, const char *code,
                       const char *says)
{
    struct sending *g = send_one(x, "me@app.test", "you@good.test", PLAIN);
    struct admission_answer early = {.smtp = 250, .code = "accepted"};

    CHECK_EQ(rule, g->answer.smtp, smtp);
    CHECK_STR(rule, g->answer.code, code);
    CHECK_TRUE(rule, strstr(g->answer.text, says) != NULL);
    CHECK_EQ(rule, admission_may_send_as(x->admission, x->who, SGL_LIT("me@app.test"), &early),
             smtp == 250);
    CHECK_STR(rule, early.code, code);
    sending_free(g);
    g = send_one(x, "", "you@good.test", PLAIN);
    CHECK_EQ("the null sender does not free From", g->answer.smtp, smtp);
    if (smtp != 250)
        CHECK_STR("which is named", g->answer.field, "From");
    sending_free(g);
}

static void test_domain_gate(void **state)
{
    static const struct domain_status there[DOMAIN_PARTS] = {
        [PART_OWNERSHIP] = {.state = DOMAIN_VERIFIED, .verified_at_s = 1},
        [PART_SPF] = {.state = DOMAIN_VERIFIED, .verified_at_s = 1},
        [PART_DKIM] = {.state = DOMAIN_VERIFIED, .verified_at_s = 1}};
    static const struct domain_status gone[DOMAIN_PARTS] = {
        [PART_OWNERSHIP] = {.state = DOMAIN_VERIFIED, .verified_at_s = 1},
        [PART_SPF] = {.state = DOMAIN_VERIFIED, .verified_at_s = 1},
        [PART_DKIM] = {.state = DOMAIN_FAILED, .verified_at_s = 1, .lost_at_s = 2}};
    static const struct domain_change verified = {.status = there}, lost = {.status = gone};
    static const struct domain_change parked = {.kind = DOMAIN_PARKED, .set_kind = true};
    struct fixture *x = *state;
    struct admission_config config = {.message_size_max = 200000,
                                      .recipients_max = 100,
                                      .memory_max = 10000000,
                                      .expire_s = 3600,
                                      .domains = {.required = true, .grace_s = 3600}};

    admission_reconfigure(x->admission, &config);
    check_gate(x, "nothing is verified yet", 550, "domain-not-verified",
               "(Domain, SPF and DKIM); see: sigillo domain show app.test");
    set_domain(x, &verified);
    check_gate(x, "all of it is", 250, "accepted", "accepted");
    set_domain(x, &lost);
    check_gate(x, "one was gone for too long", 450, "domain-records-lost",
               "DKIM was verified and has been gone");
    config.domains.grace_s = clock_now_s();
    admission_reconfigure(x->admission, &config);
    check_gate(x, "within the grace period", 250, "accepted", "accepted");
    config.domains.required = false;
    admission_reconfigure(x->admission, &config);
    set_domain(x, &parked);
    check_gate(x, "parked", 550, "domain-parked", "app.test is parked");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_may_send, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_message, setup, teardown),
        cmocka_unit_test_setup_teardown(test_domain_gate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_completed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_there_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_never_unsigned, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_room_in_the_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_idempotency, setup, teardown),
        cmocka_unit_test_setup_teardown(test_early_checks, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
