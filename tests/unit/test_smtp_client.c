/* SPDX-License-Identifier: Apache-2.0 */
/* The client's session against scripted servers, kind and hostile. */
#include "check.h"

#include <stdlib.h>

#include "sigillo/smtp_client.h"

static const struct sgl_smtp_client_config config = {.helo = {(const uint8_t *)"me.example", 10}};
static bool byte_by_byte;

struct peer {
    struct sgl_smtp_client *c;
    struct sgl_smtp_client_event event;
};

static void hear(struct peer *p, const char *said)
{
    sgl_view v = sgl_view_cstr(said);

    if (!byte_by_byte) {
        sgl_smtp_client_feed(p->c, v);
        return;
    }
    for (size_t i = 0; i < v.len; i++) {
        sgl_smtp_client_feed(p->c, sgl_view_sub(v, i, 1));
        CHECK_TRUE("sane", sgl_smtp_client_sane(p->c));
    }
}

static void says(struct peer *p, const char *want)
{
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 20);
    struct sgl_smtp_out out;

    while (sgl_smtp_client_pull(p->c, &out))
        sgl_buf_add(&got, out.bytes);
    CHECK_VIEW("the client says", sgl_buf_view(&got), sgl_view_cstr(want));
    CHECK_TRUE("sane", sgl_smtp_client_sane(p->c));
}

static void event(struct peer *p, enum sgl_smtp_client_event_kind kind)
{
    CHECK_TRUE("an event", sgl_smtp_client_next(p->c, &p->event));
    CHECK_EQ("the event", p->event.kind, kind);
}

static void no_event(struct peer *p)
{
    CHECK_TRUE("no event", !sgl_smtp_client_next(p->c, &p->event));
}

static void ended(struct peer *p, enum sgl_smtp_end why, enum sgl_smtp_stage stage)
{
    event(p, SGL_SMTP_CLIENT_END);
    CHECK_EQ(p->event.text, p->event.why, why);
    CHECK_EQ(p->event.text, p->event.stage, stage);
    no_event(p);
}

static struct peer begin(void)
{
    struct peer p = {.c = sgl_smtp_client_new(&config)};

    assert_non_null(p.c);
    return p;
}

static struct peer greeted(const char *offer)
{
    struct peer p = begin();

    hear(&p, "220 mx.example ESMTP\r\n");
    says(&p, "EHLO me.example\r\n");
    hear(&p, offer);
    event(&p, SGL_SMTP_CLIENT_READY);
    return p;
}

#define PIPELINING                                                                                 \
    "250-mx.example\r\n250-PIPELINING\r\n250-SIZE 5000\r\n250-DSN\r\n250 8BITMIME\r\n"

static const struct sgl_smtp_to two[] = {
    {SGL_LIT_INIT("a@b.test"), SGL_SMTP_NOTIFY_SUCCESS | SGL_SMTP_NOTIFY_FAILURE,
     SGL_LIT_INIT("rfc822;a+x@b.test")},
    {SGL_LIT_INIT("c@b.test"), SGL_SMTP_NOTIFY_NEVER, {NULL, 0}},
};
static const struct sgl_smtp_envelope envelope = {.from = SGL_LIT_INIT("me@a.test"),
                                                  .to = two,
                                                  .tos = 2,
                                                  .size = 100,
                                                  .envid = SGL_LIT_INIT("id=1"),
                                                  .ret = 'H',
                                                  .body_8bit = true};

#define SAID                                                                                       \
    "MAIL FROM:<me@a.test> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=id+3D1\r\n"                       \
    "RCPT TO:<a@b.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+2Bx@b.test\r\n"                      \
    "RCPT TO:<c@b.test> NOTIFY=NEVER\r\nDATA\r\n"

static void a_message_in_one_pipeline(void)
{
    struct peer p = greeted(PIPELINING);
    struct sgl_smtp_result r;

    CHECK_EQ("begin", sgl_smtp_client_begin(p.c, &envelope), SGL_OK);
    says(&p, SAID);
    hear(&p, "250 2.1.0 ok\r\n250 2.1.5 ok\r\n550-5.1.1 no such\r\n550 5.1.1 user\r\n354 go\r\n");
    event(&p, SGL_SMTP_CLIENT_BODY);
    CHECK_EQ("one was accepted", sgl_smtp_client_accepted(p.c), 1);
    CHECK_EQ("body", sgl_smtp_client_body(p.c, SGL_LIT("Subject: x\r\n\r\n.a\r\n..\r\n")), SGL_OK);
    says(&p, "Subject: x\r\n\r\n..a\r\n...\r\n");
    event(&p, SGL_SMTP_CLIENT_COMMIT);
    says(&p, "");
    CHECK_EQ("commit", sgl_smtp_client_commit(p.c), SGL_OK);
    says(&p, ".\r\n");
    no_event(&p);
    hear(&p, "250 2.0.0 queued as 1\r\n");
    event(&p, SGL_SMTP_CLIENT_DONE);
    r = sgl_smtp_client_result(p.c, 0);
    CHECK_EQ("first", r.stage, SGL_SMTP_AT_DOT);
    CHECK_EQ("first", r.reply.code, 250);
    CHECK_VIEW("first", r.reply.text, SGL_LIT("queued as 1"));
    r = sgl_smtp_client_result(p.c, 1);
    CHECK_EQ("second", r.stage, SGL_SMTP_AT_RCPT);
    CHECK_VIEW("second", r.reply.text, SGL_LIT("no such\nuser"));
    CHECK_VIEW("second", r.reply.enhanced_text, SGL_LIT("5.1.1"));
    CHECK_EQ("second", r.reply.enhanced.subject, 1);
    CHECK_EQ("again, with no RSET", sgl_smtp_client_begin(p.c, &envelope), SGL_OK);
    says(&p, SAID);
    hear(&p, "451 4.3.0 later\r\n503 no\r\n503 no\r\n503 no\r\n");
    event(&p, SGL_SMTP_CLIENT_DONE);
    r = sgl_smtp_client_result(p.c, 1);
    CHECK_EQ("refused at MAIL", r.stage, SGL_SMTP_AT_MAIL);
    CHECK_EQ("refused at MAIL", r.reply.code, 451);
    CHECK_EQ("quit", sgl_smtp_client_quit(p.c), SGL_OK);
    says(&p, "QUIT\r\n");
    hear(&p, "221 bye\r\n");
    ended(&p, SGL_SMTP_END_QUIT, SGL_SMTP_AT_QUIT);
    sgl_smtp_client_free(p.c);
}

static void a_command_at_a_time_without_pipelining(void)
{
    struct peer p = greeted("250 mx.example\r\n");
    struct sgl_smtp_envelope plain = envelope;

    CHECK_EQ("8BITMIME is missing", sgl_smtp_client_begin(p.c, &envelope), SGL_E_LIMIT);
    CHECK_EQ("and named", sgl_smtp_client_lacks(p.c, &envelope), SGL_SMTP_8BITMIME);
    plain.body_8bit = false;
    CHECK_EQ("begin", sgl_smtp_client_begin(p.c, &plain), SGL_OK);
    says(&p, "MAIL FROM:<me@a.test>\r\n");
    hear(&p, "250 ok\r\n");
    says(&p, "RCPT TO:<a@b.test>\r\n");
    hear(&p, "450 busy\r\n");
    says(&p, "RCPT TO:<c@b.test>\r\n");
    hear(&p, "550 no\r\n");
    event(&p, SGL_SMTP_CLIENT_DONE); /* no DATA for nobody */
    CHECK_EQ("first", sgl_smtp_client_result(p.c, 0).reply.code, 450);
    CHECK_EQ("second", sgl_smtp_client_result(p.c, 1).reply.code, 550);
    CHECK_EQ("begin", sgl_smtp_client_begin(p.c, &plain), SGL_OK);
    says(&p, "RSET\r\n");
    hear(&p, "250 ok\r\n");
    says(&p, "MAIL FROM:<me@a.test>\r\n");
    sgl_smtp_client_lost(p.c);
    ended(&p, SGL_SMTP_END_LOST, SGL_SMTP_AT_MAIL);
    CHECK_EQ("nothing was said", sgl_smtp_client_result(p.c, 0).reply.code, 0);
    sgl_smtp_client_free(p.c);
}

static void a_lone_dot_when_nobody_was_accepted(void)
{
    struct peer p = greeted(PIPELINING);

    CHECK_EQ("begin", sgl_smtp_client_begin(p.c, &envelope), SGL_OK);
    says(&p, SAID);
    hear(&p, "250 ok\r\n550 no\r\n551 no\r\n354 go\r\n");
    no_event(&p);
    says(&p, ".\r\n"); /* [RFC 2920 s3.1] */
    hear(&p, "554 no recipients\r\n");
    event(&p, SGL_SMTP_CLIENT_DONE);
    CHECK_EQ("first", sgl_smtp_client_result(p.c, 0).reply.code, 550);
    CHECK_EQ("second", sgl_smtp_client_result(p.c, 1).reply.code, 551);
    sgl_smtp_client_free(p.c);
}

static void the_dot_in_doubt(void)
{
    struct peer p = greeted(PIPELINING);

    CHECK_EQ("begin", sgl_smtp_client_begin(p.c, &envelope), SGL_OK);
    says(&p, SAID);
    hear(&p, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    event(&p, SGL_SMTP_CLIENT_BODY);
    CHECK_EQ("a bare LF is not sent", sgl_smtp_client_body(p.c, SGL_LIT("a\nb\r\n")), SGL_E_SYNTAX);
    CHECK_EQ("body", sgl_smtp_client_body(p.c, SGL_LIT("a")), SGL_OK);
    says(&p, "a\r\n");
    event(&p, SGL_SMTP_CLIENT_COMMIT);
    CHECK_EQ("commit", sgl_smtp_client_commit(p.c), SGL_OK);
    says(&p, ".\r\n");
    sgl_smtp_client_lost(p.c);
    ended(&p, SGL_SMTP_END_LOST, SGL_SMTP_AT_DOT);
    CHECK_EQ("in doubt", sgl_smtp_client_result(p.c, 0).stage, SGL_SMTP_AT_DOT);
    CHECK_EQ("in doubt", sgl_smtp_client_result(p.c, 0).reply.code, 0);
    sgl_smtp_client_free(p.c);
}

/* Would they be taken?  Nothing is sent, and the session goes on. */
static void a_question_ends_before_data(void)
{
    struct sgl_smtp_envelope question = {.to = two, .tos = 2, .probe = true};
    struct peer p = greeted("250-mx.example\r\n250 PIPELINING\r\n");

    for (int again = 0; again < 2; again++) {
        CHECK_EQ("begin", sgl_smtp_client_begin(p.c, &question), SGL_OK);
        says(&p, again ? "RSET\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.test>\r\nRCPT TO:<c@b.test>\r\n"
                       : "MAIL FROM:<>\r\nRCPT TO:<a@b.test>\r\nRCPT TO:<c@b.test>\r\n");
        if (again)
            hear(&p, "250 ok\r\n");
        hear(&p, "250 ok\r\n250 ok\r\n");
        no_event(&p);
        hear(&p, "550 5.1.1 no\r\n");
        event(&p, SGL_SMTP_CLIENT_DONE);
        CHECK_EQ("one would", sgl_smtp_client_result(p.c, 0).reply.code, 250);
        CHECK_EQ("at RCPT", sgl_smtp_client_result(p.c, 0).stage, SGL_SMTP_AT_RCPT);
        CHECK_EQ("the other would not", sgl_smtp_client_result(p.c, 1).reply.code, 550);
        says(&p, "");
    }
    sgl_smtp_client_free(p.c);

    p = greeted("250 mx.example\r\n");
    CHECK_EQ("a command at a time", sgl_smtp_client_begin(p.c, &question), SGL_OK);
    says(&p, "MAIL FROM:<>\r\n");
    hear(&p, "250 ok\r\n");
    says(&p, "RCPT TO:<a@b.test>\r\n");
    hear(&p, "250 ok\r\n");
    says(&p, "RCPT TO:<c@b.test>\r\n");
    hear(&p, "250 ok\r\n");
    event(&p, SGL_SMTP_CLIENT_DONE);
    says(&p, "");
    sgl_smtp_client_free(p.c);
}

/* ---- LMTP ---- */

static struct peer lmtp_greeted(const char *offer)
{
    static const struct sgl_smtp_client_config lmtp = {.helo = SGL_LIT_INIT("me.example"),
                                                       .lmtp = true};
    struct peer p = {.c = sgl_smtp_client_new(&lmtp)};

    assert_non_null(p.c);
    hear(&p, "220 store LMTP\r\n");
    says(&p, "LHLO me.example\r\n"); /* [RFC 2033 s4.1] */
    hear(&p, offer);
    return p;
}

/* Three recipients of a message whose final dot has gone; the second one was refused at RCPT. */
static struct peer lmtp_at_dot(void)
{
    static const struct sgl_smtp_to three[] = {{.mailbox = SGL_LIT_INIT("a@b.test")},
                                               {.mailbox = SGL_LIT_INIT("c@b.test")},
                                               {.mailbox = SGL_LIT_INIT("d@b.test")}};
    static const struct sgl_smtp_envelope to_three = {
        .from = SGL_LIT_INIT("me@a.test"), .to = three, .tos = 3};
    struct peer p = lmtp_greeted(PIPELINING);

    event(&p, SGL_SMTP_CLIENT_READY);
    CHECK_EQ("begin", sgl_smtp_client_begin(p.c, &to_three), SGL_OK);
    says(&p, "MAIL FROM:<me@a.test>\r\nRCPT TO:<a@b.test>\r\nRCPT TO:<c@b.test>\r\n"
             "RCPT TO:<d@b.test>\r\nDATA\r\n");
    hear(&p, "250 ok\r\n250 ok\r\n550 5.1.1 nobody\r\n250 ok\r\n354 go\r\n");
    event(&p, SGL_SMTP_CLIENT_BODY);
    CHECK_EQ("body", sgl_smtp_client_body(p.c, SGL_LIT("x\r\n")), SGL_OK);
    says(&p, "x\r\n");
    event(&p, SGL_SMTP_CLIENT_COMMIT);
    CHECK_EQ("commit", sgl_smtp_client_commit(p.c), SGL_OK);
    says(&p, ".\r\n");
    return p;
}

static void lmtp_result(const struct peer *p, size_t i, enum sgl_smtp_stage stage, unsigned code)
{
    struct sgl_smtp_result r = sgl_smtp_client_result(p->c, i);

    CHECK_EQ("stage", r.stage, stage);
    CHECK_EQ("code", r.reply.code, code);
}

/* Each of those who were accepted has an answer of his own, in their order  [RFC 2033 s4.2] */
static void lmtp_answers_for_each(void)
{
    struct peer p = lmtp_at_dot();

    hear(&p, "250 2.0.0 kept\r\n");
    no_event(&p);
    hear(&p, "452 4.2.2 full\r\n");
    event(&p, SGL_SMTP_CLIENT_DONE);
    lmtp_result(&p, 0, SGL_SMTP_AT_DOT, 250);
    lmtp_result(&p, 1, SGL_SMTP_AT_RCPT, 550);
    lmtp_result(&p, 2, SGL_SMTP_AT_DOT, 452);
    CHECK_VIEW("his own", sgl_smtp_client_result(p.c, 2).reply.enhanced_text, SGL_LIT("4.2.2"));
    hear(&p, "250 one too many\r\n");
    ended(&p, SGL_SMTP_END_PROTOCOL, SGL_SMTP_AT_REST);
    sgl_smtp_client_free(p.c);
}

static void lmtp_answers_in_one_breath(void)
{
    struct peer p = lmtp_at_dot();

    hear(&p, "552 5.2.2 full\r\n250 kept\r\n");
    event(&p, SGL_SMTP_CLIENT_DONE);
    lmtp_result(&p, 0, SGL_SMTP_AT_DOT, 552);
    lmtp_result(&p, 2, SGL_SMTP_AT_DOT, 250);
    sgl_smtp_client_free(p.c);
}

/* Who was answered has his answer; of the others nothing is known. */
static void lmtp_breaks_between_two(void)
{
    struct peer p = lmtp_at_dot();

    hear(&p, "250 kept\r\n");
    sgl_smtp_client_lost(p.c);
    ended(&p, SGL_SMTP_END_LOST, SGL_SMTP_AT_DOT);
    lmtp_result(&p, 0, SGL_SMTP_AT_DOT, 250);
    lmtp_result(&p, 1, SGL_SMTP_AT_RCPT, 550);
    lmtp_result(&p, 2, SGL_SMTP_AT_DOT, 0);
    sgl_smtp_client_free(p.c);

    p = lmtp_at_dot();
    hear(&p, "250 kept\r\n354 go on\r\n");
    ended(&p, SGL_SMTP_END_PROTOCOL, SGL_SMTP_AT_DOT);
    lmtp_result(&p, 0, SGL_SMTP_AT_DOT, 250);
    lmtp_result(&p, 2, SGL_SMTP_AT_DOT, 0);
    sgl_smtp_client_free(p.c);
}

/* There is no older form of LHLO, and no message for nobody. */
static void lmtp_has_no_way_back(void)
{
    struct peer p = lmtp_greeted("502 what\r\n");

    ended(&p, SGL_SMTP_END_REFUSED, SGL_SMTP_AT_EHLO);
    sgl_smtp_client_free(p.c);

    p = lmtp_greeted(PIPELINING);
    event(&p, SGL_SMTP_CLIENT_READY);
    CHECK_EQ("begin", sgl_smtp_client_begin(p.c, &envelope), SGL_OK);
    says(&p, SAID);
    hear(&p, "250 ok\r\n550 no\r\n550 no\r\n354 go\r\n");
    ended(&p, SGL_SMTP_END_PROTOCOL, SGL_SMTP_AT_DATA);
    lmtp_result(&p, 0, SGL_SMTP_AT_RCPT, 550);
    sgl_smtp_client_free(p.c);
}

static void tls_and_login(void)
{
    struct peer p = greeted("250-mx\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n");

    CHECK_EQ("no password in plaintext", sgl_smtp_client_auth(p.c, SGL_LIT("u"), SGL_LIT("p")),
             SGL_E_MISUSE);
    CHECK_EQ("starttls", sgl_smtp_client_start_tls(p.c), SGL_OK);
    says(&p, "STARTTLS\r\n");
    hear(&p, "220 go\r\n");
    event(&p, SGL_SMTP_CLIENT_TLS);
    CHECK_EQ("started", sgl_smtp_client_tls_started(p.c), SGL_OK);
    says(&p, "EHLO me.example\r\n");
    hear(&p, "250-mx\r\n250-STARTTLS\r\n250-LIMITS RCPTMAX=7 MAILMAX=9\r\n250 AUTH LOGIN\r\n");
    event(&p, SGL_SMTP_CLIENT_READY);
    CHECK_EQ("STARTTLS means nothing now", sgl_smtp_client_offer(p.c)->extensions & SGL_SMTP_TLS,
             0);
    CHECK_EQ("RCPTMAX", sgl_smtp_client_offer(p.c)->rcpt_max, 7);
    CHECK_EQ("auth", sgl_smtp_client_auth(p.c, SGL_LIT("user"), SGL_LIT("pass")), SGL_OK);
    says(&p, "AUTH LOGIN\r\n");
    hear(&p, "334 VXNlcm5hbWU6\r\n");
    says(&p, "dXNlcg==\r\n");
    hear(&p, "334 UGFzc3dvcmQ6\r\n");
    says(&p, "cGFzcw==\r\n");
    hear(&p, "535 5.7.8 no\r\n");
    event(&p, SGL_SMTP_CLIENT_REFUSED);
    CHECK_EQ("refused", p.event.stage, SGL_SMTP_AT_AUTH);
    CHECK_VIEW("refused", p.event.reply.text, SGL_LIT("no"));
    sgl_smtp_client_free(p.c);

    p = greeted("250-mx\r\n250 STARTTLS\r\n");
    CHECK_EQ("starttls", sgl_smtp_client_start_tls(p.c), SGL_OK);
    says(&p, "STARTTLS\r\n");
    hear(&p, "220 go\r\n250 injected\r\n");
    event(&p, SGL_SMTP_CLIENT_TLS);
    ended(&p, SGL_SMTP_END_PROTOCOL, SGL_SMTP_AT_STARTTLS);
    sgl_smtp_client_free(p.c);
}

/* HELO after a 5xx to EHLO  [RFC 5321 s3.2] */
static void greetings_and_fallback(void)
{
    struct peer p = begin();

    hear(&p, "554-go\r\n554 away\r\n");
    ended(&p, SGL_SMTP_END_REFUSED, SGL_SMTP_AT_GREETING);
    CHECK_EQ("reply", p.event.reply.code, 554);
    sgl_smtp_client_free(p.c);

    p = begin();
    hear(&p, "220 old\r\n");
    says(&p, "EHLO me.example\r\n");
    hear(&p, "502 what\r\n");
    says(&p, "HELO me.example\r\n");
    hear(&p, "250 PIPELINING\r\n");
    event(&p, SGL_SMTP_CLIENT_READY);
    CHECK_EQ("HELO offers nothing", sgl_smtp_client_offer(p.c)->extensions, 0);
    hear(&p, "421 4.4.2 idle\r\n");
    ended(&p, SGL_SMTP_END_CLOSING, SGL_SMTP_AT_REST);
    sgl_smtp_client_free(p.c);
}

static void hostile_servers(void)
{
    static const struct {
        const char *name, *after_envelope;
        enum sgl_smtp_end why;
    } rows[] = {
        {"codes that differ within a reply", "250-ok\r\n251 ok\r\n", SGL_SMTP_END_PROTOCOL},
        {"a bare LF", "250 ok\n", SGL_SMTP_END_PROTOCOL},
        {"letters for a code", "abc ok\r\n", SGL_SMTP_END_PROTOCOL},
        {"a code of one digit", "2 ok\r\n", SGL_SMTP_END_PROTOCOL},
        {"a code above 599", "650 ok\r\n", SGL_SMTP_END_PROTOCOL},
        {"354 to MAIL", "354 go\r\n", SGL_SMTP_END_PROTOCOL},
        {"250 to DATA", "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n", SGL_SMTP_END_PROTOCOL},
        {"421 in between", "250 ok\r\n421 bye\r\n", SGL_SMTP_END_CLOSING},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct peer p = greeted(PIPELINING);

        CHECK_EQ("begin", sgl_smtp_client_begin(p.c, &envelope), SGL_OK);
        says(&p, SAID);
        hear(&p, rows[i].after_envelope);
        event(&p, SGL_SMTP_CLIENT_END);
        CHECK_EQ(rows[i].name, p.event.why, rows[i].why);
        CHECK_TRUE(rows[i].name, sgl_smtp_client_result(p.c, 1).reply.code / 100 != 2);
        sgl_smtp_client_free(p.c);
    }
}

static void endless_replies(void)
{
    struct peer p = begin();

    for (size_t i = 0; i < 10000; i++)
        hear(&p, "220-more\r\n");
    ended(&p, SGL_SMTP_END_PROTOCOL, SGL_SMTP_AT_GREETING);
    sgl_smtp_client_free(p.c);
    p = begin();
    hear(&p, "220 ");
    for (size_t i = 0; i < 10000; i++)
        hear(&p, "more");
    ended(&p, SGL_SMTP_END_PROTOCOL, SGL_SMTP_AT_GREETING);
    sgl_smtp_client_free(p.c);
}

static void replies_out_of_turn(void)
{
    struct peer p = greeted(PIPELINING);

    hear(&p, "250 surprise\r\n");
    ended(&p, SGL_SMTP_END_PROTOCOL, SGL_SMTP_AT_REST);
    sgl_smtp_client_free(p.c);

    p = greeted(PIPELINING);
    CHECK_EQ("begin", sgl_smtp_client_begin(p.c, &envelope), SGL_OK);
    says(&p, SAID);
    hear(&p, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 too soon\r\n");
    event(&p, SGL_SMTP_CLIENT_BODY);
    ended(&p, SGL_SMTP_END_PROTOCOL, SGL_SMTP_AT_BODY);
    CHECK_EQ("not delivered", sgl_smtp_client_result(p.c, 0).reply.code, 250 - 250);
    sgl_smtp_client_free(p.c);
}

static void envelopes_that_would_inject(void)
{
    static const char *const bad[] = {"a@b.test\r\nRSET", "a@b> X=1", "a b@c", "a@b\n", "\"a@b",
                                      "\"a\\\"@b",        "a<@b"};
    struct peer p = greeted(PIPELINING);

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sgl_smtp_to to = {.mailbox = sgl_view_cstr(bad[i])};
        struct sgl_smtp_envelope e = {.from = SGL_LIT_INIT("a@b"), .to = &to, .tos = 1};

        CHECK_EQ(bad[i], sgl_smtp_client_begin(p.c, &e), SGL_E_SYNTAX);
        e.from = sgl_view_cstr(bad[i]);
        to.mailbox = SGL_LIT("a@b");
        CHECK_EQ(bad[i], sgl_smtp_client_begin(p.c, &e), SGL_E_SYNTAX);
        says(&p, "");
    }
    sgl_smtp_client_free(p.c);
}

/* [RFC 5321 s4.5.3.2] */
static void deadlines(void)
{
    struct peer p = begin();

    CHECK_EQ("5 minutes for the greeting", sgl_smtp_client_deadline(p.c, 1000), 301000);
    hear(&p, "220-slow\r\n");
    CHECK_EQ("half a reply is no progress", sgl_smtp_client_deadline(p.c, 300000), 301000);
    CHECK_EQ("over", sgl_smtp_client_deadline(p.c, 301000), 0);
    ended(&p, SGL_SMTP_END_TIMEOUT, SGL_SMTP_AT_GREETING);
    sgl_smtp_client_free(p.c);
}

static void each_way(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        byte_by_byte = i == 1;
        a_message_in_one_pipeline();
        a_command_at_a_time_without_pipelining();
        a_lone_dot_when_nobody_was_accepted();
        the_dot_in_doubt();
        a_question_ends_before_data();
        lmtp_answers_for_each();
        lmtp_answers_in_one_breath();
        lmtp_breaks_between_two();
        lmtp_has_no_way_back();
        tls_and_login();
        greetings_and_fallback();
        hostile_servers();
        endless_replies();
        replies_out_of_turn();
        envelopes_that_would_inject();
        deadlines();
    }
}

/* ---- what a server offers  [RFC 5321 s4.1.1.1] ------------------------------------------------- */

static const struct {
    const char *name, *reply;
    struct sgl_smtp_offer want;
} offers[] = {
    {"nothing", "250 mx\r\n", {0}},
    {"the server's own name is no extension", "250 PIPELINING\r\n", {0}},
    {"words fold case", "250-mx\r\n250 pipeLining\r\n", {.extensions = SGL_SMTP_PIPELINING}},
    {"unknown words are passed over",
     "250-mx\r\n250-XCLIENT NAME\r\n250 DSN\r\n",
     {.extensions = SGL_SMTP_DSN}},
    {"a size", "250-mx\r\n250 SIZE 1000\r\n", {.extensions = SGL_SMTP_SIZE, .size_max = 1000}},
    {"a size without a number is no limit [RFC 1870 s4]",
     "250-mx\r\n250 SIZE\r\n",
     {.extensions = SGL_SMTP_SIZE}},
    {"a size that is no number is no limit",
     "250-mx\r\n250 SIZE -5\r\n",
     {.extensions = SGL_SMTP_SIZE}},
    {"limits [RFC 9422 s3]",
     "250-mx\r\n250 LIMITS RCPTMAX=20 X=1 MAILMAX=5\r\n",
     {.extensions = SGL_SMTP_LIMITS, .rcpt_max = 20, .mail_max = 5}},
    {"limits that are no numbers",
     "250-mx\r\n250 LIMITS RCPTMAX=x MAILMAX\r\n",
     {.extensions = SGL_SMTP_LIMITS}},
    {"REQUIRETLS means nothing in plaintext [RFC 8689 s2]", "250-mx\r\n250 REQUIRETLS\r\n", {0}},
    {"mechanisms",
     "250-mx\r\n250 AUTH LOGIN X-FOO plain\r\n",
     {.extensions = SGL_SMTP_HAS_AUTH, .mechanisms = SGL_SASL_PLAIN | SGL_SASL_LOGIN}},
};

static void offers_are_read(void **state)
{
    (void)state;
    byte_by_byte = false;
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        struct peer p = greeted(offers[i].reply);
        const struct sgl_smtp_offer *got = sgl_smtp_client_offer(p.c);

        CHECK_EQ(offers[i].name, got->extensions, offers[i].want.extensions);
        CHECK_EQ(offers[i].name, got->mechanisms, offers[i].want.mechanisms);
        CHECK_EQ(offers[i].name, got->size_max, offers[i].want.size_max);
        CHECK_EQ(offers[i].name, got->rcpt_max, offers[i].want.rcpt_max);
        CHECK_EQ(offers[i].name, got->mail_max, offers[i].want.mail_max);
        sgl_smtp_client_free(p.c);
    }
}

/* ---- stuffing ---------------------------------------------------------------------------------------------------- */

/* The rule, byte by byte: a dot is doubled where a line starts. */
static void stuff(sgl_view body, struct sgl_buf *out)
{
    for (size_t i = 0; i < body.len; i++) {
        if (body.ptr[i] == '.' && (i == 0 || body.ptr[i - 1] == '\n'))
            sgl_buf_add_byte(out, '.');
        sgl_buf_add_byte(out, body.ptr[i]);
    }
    if (body.len != 0 && !sgl_view_ends(body, SGL_LIT("\r\n")))
        sgl_buf_add(out, SGL_LIT("\r\n"));
}

static void one_body(sgl_view body)
{
    struct peer p = greeted(PIPELINING);
    sgl_auto(sgl_buf) want = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 20);
    struct sgl_smtp_out out;

    CHECK_EQ("begin", sgl_smtp_client_begin(p.c, &envelope), SGL_OK);
    says(&p, SAID);
    hear(&p, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    event(&p, SGL_SMTP_CLIENT_BODY);
    CHECK_EQ("body", sgl_smtp_client_body(p.c, body), SGL_OK);
    while (sgl_smtp_client_pull(p.c, &out)) {
        if (out.borrowed)
            CHECK_TRUE("a borrowed piece lies in the body",
                       out.bytes.ptr >= body.ptr &&
                           out.bytes.ptr + out.bytes.len <= body.ptr + body.len);
        sgl_buf_add(&got, out.bytes);
    }
    event(&p, SGL_SMTP_CLIENT_COMMIT);
    stuff(body, &want);
    CHECK_VIEW("stuffed", sgl_buf_view(&got), sgl_buf_view(&want));
    sgl_smtp_client_free(p.c);
}

static void every_body_of_lines_and_dots(void **state)
{
    static const char *const words[] = {".", "\r\n", "a"};
    sgl_auto(sgl_buf) body = SGL_BUF_INIT(1 << 20);

    (void)state;
    byte_by_byte = false;
    for (size_t n = 0; n < 3 * 3 * 3 * 3 * 3 * 3; n++) {
        for (size_t len = 0; len <= 6; len++) {
            size_t rest = n;

            sgl_buf_reset(&body);
            for (size_t i = 0; i < len; i++, rest /= 3)
                sgl_buf_add_cstr(&body, words[rest % 3]);
            one_body(sgl_buf_view(&body));
        }
    }
    sgl_buf_reset(&body);
    for (size_t i = 0; i < 20000; i++)
        sgl_buf_add_cstr(&body, i % 7000 == 0 ? ".long line before many short ones\r\n"
                                : i % 3 == 0  ? ".\r\n"
                                              : "text\r\n");
    one_body(sgl_buf_view(&body));
    sgl_buf_reset(&body);
    for (size_t i = 0; i < 200; i++)
        sgl_buf_addf(&body, "%.*s%s\r\n", 900, "0123456789", i % 3 == 0 ? "\r\n." : "");
    one_body(sgl_buf_view(&body));
}

static void scans(void **state)
{
    static const struct {
        const char *name, *body;
        struct sgl_smtp_scan want;
    } rows[] = {
        {"clean", "a\r\nbc\r\n", {.line_max = 2}},
        {"a dot first", ".a\r\n", {.stuffing = true, .line_max = 2}},
        {"a dot in the middle of a line", "a.\r\n", {.line_max = 2}},
        {"8 bits", "\xc3\xa4\r\n", {.eightbit = true, .line_max = 2}},
        {"bare LF", "a\r\n\nb\r\n", {.bare_lf = true, .bad_line = 2, .line_max = 1}},
        {"bare CR", "a\rb\r\n", {.bare_cr = true, .bad_line = 1, .line_max = 3}},
        {"CR CR LF", "a\r\r\n", {.bare_cr = true, .bad_line = 1, .line_max = 2}},
        {"open end", "a\r\nb", {.open_end = true, .line_max = 1}},
        {"CR at the end", "a\r", {.open_end = true, .bare_cr = true, .bad_line = 1, .line_max = 2}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sgl_smtp_scan got;

        sgl_smtp_scan(sgl_view_cstr(rows[i].body), &got);
        CHECK_EQ(rows[i].name, got.stuffing, rows[i].want.stuffing);
        CHECK_EQ(rows[i].name, got.eightbit, rows[i].want.eightbit);
        CHECK_EQ(rows[i].name, got.bare_cr, rows[i].want.bare_cr);
        CHECK_EQ(rows[i].name, got.bare_lf, rows[i].want.bare_lf);
        CHECK_EQ(rows[i].name, got.open_end, rows[i].want.open_end);
        CHECK_EQ(rows[i].name, got.bad_line, rows[i].want.bad_line);
        CHECK_EQ(rows[i].name, got.line_max, rows[i].want.line_max);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way),
        cmocka_unit_test(offers_are_read),
        cmocka_unit_test(every_body_of_lines_and_dots),
        cmocka_unit_test(scans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
