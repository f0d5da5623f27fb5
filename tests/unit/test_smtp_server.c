/* SPDX-License-Identifier: Apache-2.0 */
/* The server's session, as dialogues: commands and their order, parameters, AUTH, TLS. */
#include "smtp_server_fixture.h"

static void transactions(void **state)
{
    static const struct dialogue rows[] = {
        {"a message goes in", TO "DATA\r\nSubject: x\r\n\r\nhi\r\n.\r\nQUIT\r\n",
         SAID_TO "body(0) {Subject: x\r\n\r\nhi\r\n} message(18) close(0) ",
         "250 250 250 354 250 221 "},
        {"an empty message is a message", TO "DATA\r\n.\r\n", SAID_TO "body(0) message(0) ",
         "250 250 250 354 250 "},
        {"a stuffed dot is taken off [RFC 5321 s4.5.2]", TO "DATA\r\n..\r\n.a\r\n...b\r\n.\r\n",
         SAID_TO "body(0) {.\r\na\r\n..b\r\n} message(11) ", "250 250 250 354 250 "},
        {"verbs fold case, trailing blanks are ignored",
         "eHlO c \r\nnOOp x\r\nrset \r\nvrfy a\r\nhelp\r\n", "ehlo ", "250 250 250 252 214 "},
        {"HELO brings no extensions", "HELO c\r\nMAIL FROM:<a@a.test> SIZE=1\r\n", "helo ",
         "250 555 "},
        {"MAIL needs EHLO", "MAIL FROM:<a@a.test>\r\n", "", "503 "},
        {"RCPT needs MAIL", EHLO "RCPT TO:<a@a.test>\r\n", "ehlo ", "250 503 "},
        {"DATA needs MAIL", EHLO "DATA\r\n", "ehlo ", "250 503 "},
        {"DATA needs an accepted recipient",
         EHLO "MAIL FROM:<>\r\nRCPT TO:<bad@b.test>\r\nDATA\r\n", "ehlo mail<> rcpt<bad@b.test> ",
         "250 250 550 554 "},
        {"a refused MAIL begins nothing", EHLO "MAIL FROM:<bad@a.test>\r\nRCPT TO:<b@b.test>\r\n",
         "ehlo mail<bad@a.test> ", "250 550 503 "},
        {"a second MAIL is out of order", EHLO "MAIL FROM:<>\r\nMAIL FROM:<>\r\n", "ehlo mail<> ",
         "250 250 503 "},
        {"RSET clears a transaction", TO "RSET\r\nRCPT TO:<b@b.test>\r\nDATA\r\n", SAID_TO "reset ",
         "250 250 250 250 503 503 "},
        {"EHLO clears a transaction [RFC 5321 s4.1.4]", TO EHLO "DATA\r\n", SAID_TO "reset ehlo ",
         "250 250 250 250 503 "},
        {"the postmaster has no domain", EHLO "MAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\n",
         "ehlo mail<> rcpt<postmaster> ", "250 250 250 "},
        {"recipients over the limit get 452 [RFC 5321 s4.5.3.1.10]",
         EHLO
         "MAIL FROM:<>\r\nRCPT TO:<1@b>\r\nRCPT TO:<2@b>\r\nRCPT TO:<3@b>\r\nRCPT TO:<4@b>\r\n",
         "ehlo mail<> rcpt<1@b> rcpt<2@b> rcpt<3@b> ", "250 250 250 250 250 452 "},
    };

    (void)state;
    CHECK_DIALOGUES(rows, &standard, false);
}

static void commands_and_their_faults(void **state)
{
    static const struct dialogue rows[] = {
        {"SIZE= over the limit is refused at MAIL [RFC 1870 s6.1]",
         EHLO "MAIL FROM:<> SIZE=1001\r\n", "ehlo ", "250 552 "},
        {"an unknown parameter is 555 [RFC 5321 s4.1.1.11]", EHLO "MAIL FROM:<> HOLDFOR=5\r\n",
         "ehlo ", "250 555 "},
        {"unknown commands are 500, known ones that are off 502", "FOO\r\nEXPN x\r\n", "",
         "500 502 "},
        {"too many errors close", "A\r\nB\r\nC\r\nD\r\nE\r\nNOOP\r\n", "close(1) ",
         "500 500 500 500 500 421 "},
        {"a bare LF in a command closes", "NOOP\nNOOP\r\n", "close(2) ", "500 "},
        {"a bare CR in a command closes", "NO\rOP\r\nNOOP\r\n", "close(2) ", "500 "},
        {"plaintext behind STARTTLS closes [RFC 3207 s4.2]", EHLO "STARTTLS\r\nMAIL FROM:<>\r\n",
         "ehlo starttls close(2) ", "501 "},
        {"AUTH is not offered in plaintext and refused there", EHLO "AUTH PLAIN AGEAYg==\r\n",
         "ehlo ", "250 538 "},
        {"what follows a refused DATA is not read as commands", EHLO "DATA\r\nRSET\r\nNOOP\r\n",
         "ehlo close(2) ", "250 503 "},
        {"commands without a message are limited",
         "RSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\n"
         "NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n",
         "close(1) ", NULL},
    };

    (void)state;
    CHECK_DIALOGUES(rows, &standard, false);
}

static void auth_under_tls(void **state)
{
    static const struct dialogue rows[] = {
        {"PLAIN with an initial response", EHLO "AUTH PLAIN Z29vZA==\r\nMAIL FROM:<>\r\n",
         "ehlo auth[good] mail<> ", "250 235 250 "},
        {"MAIL needs AUTH [RFC 6409 s4.3]", EHLO "MAIL FROM:<>\r\n", "ehlo ", "250 530 "},
        {"a wrong password is 535", EHLO "AUTH PLAIN eA==\r\nMAIL FROM:<>\r\n", "ehlo auth[x] ",
         "250 535 530 "},
        {"an initial response may be empty", EHLO "AUTH PLAIN =\r\nZ29vZA==\r\n",
         "ehlo auth[] auth-response[good] ", "250 334 235 "},
        {"a star cancels", EHLO "AUTH LOGIN\r\n*\r\nNOOP\r\n", "ehlo auth[] cancel ",
         "250 334 501 250 "},
        {"what is not base64 is 501", EHLO "AUTH LOGIN\r\n!!\r\nAUTH PLAIN ?\r\n",
         "ehlo auth[] cancel ", "250 334 501 501 "},
        {"an unknown mechanism is 504", EHLO "AUTH CRAM-MD5\r\n", "ehlo ", "250 504 "},
        {"a second AUTH is out of order", EHLO "AUTH PLAIN Z29vZA==\r\nAUTH PLAIN Z29vZA==\r\n",
         "ehlo auth[good] ", "250 235 503 "},
        {"AUTH needs EHLO", "HELO c\r\nAUTH PLAIN Z29vZA==\r\n", "helo ", "250 503 "},
        {"STARTTLS within TLS is out of order", EHLO "STARTTLS\r\n", "ehlo ", "250 503 "},
    };
    struct sgl_smtp_server_config config = standard;

    (void)state;
    config.auth_required = true;
    CHECK_DIALOGUES(rows, &config, true);
}

static bool offers(sgl_view out, const char *word)
{
    return sgl_view_find_view(out, sgl_view_cstr(word)) < out.len;
}

static void offers_follow_tls(void **state)
{
    struct run r;

    (void)state;
    run_init(&r, &standard, false);
    run_all(&r, sgl_view_cstr(EHLO), SIZE_MAX);
    CHECK_TRUE("STARTTLS is offered in plain", offers(sgl_buf_view(&r.out), "STARTTLS"));
    CHECK_TRUE("AUTH is not", !offers(sgl_buf_view(&r.out), "AUTH"));
    CHECK_TRUE("LIMITS [RFC 9422 s4]", offers(sgl_buf_view(&r.out), "250-LIMITS RCPTMAX=3\r\n"));
    run_all(&r, sgl_view_cstr("STARTTLS\r\n"), SIZE_MAX);
    CHECK_EQ("tls", sgl_smtp_server_tls_started(r.s), SGL_OK);
    run_feed(&r, sgl_view_cstr("MAIL FROM:<>\r\n"));
    run_pull(&r);
    CHECK_TRUE("EHLO is forgotten", offers(sgl_buf_view(&r.out), "503 5.5.1 EHLO first"));
    sgl_buf_reset(&r.out);
    run_feed(&r, sgl_view_cstr(EHLO));
    run_pull(&r);
    CHECK_TRUE("AUTH is offered under TLS",
               offers(sgl_buf_view(&r.out), "250-AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n"));
    CHECK_TRUE("STARTTLS is not", !offers(sgl_buf_view(&r.out), "STARTTLS"));
    run_done(&r);
}

/* [RFC 8689 s2, s4.1] */
static void required_tls_within_tls(void **state)
{
    struct sgl_smtp_server_config config = standard;
    struct run r;

    (void)state;
    config.offer |= SGL_SMTP_REQUIRETLS | SGL_SMTP_XTLS;
    for (int tls = 0; tls < 2; tls++) {
        config.mechanisms = 0;
        run_init(&r, &config, tls == 1);
        run_all(&r, sgl_view_cstr(EHLO), SIZE_MAX);
        CHECK_EQ("REQUIRETLS", offers(sgl_buf_view(&r.out), "250-REQUIRETLS\r\n"), tls);
        CHECK_EQ("XTLS", offers(sgl_buf_view(&r.out), "250-XTLS\r\n"), tls);
        sgl_buf_reset(&r.out);
        run_all(&r, sgl_view_cstr("MAIL FROM:<> REQUIRETLS\r\n"), SIZE_MAX);
        CHECK_EQ("is taken within TLS only", offers(sgl_buf_view(&r.out), "250 "), tls);
        CHECK_EQ("and else refused", offers(sgl_buf_view(&r.out), "555 5.5.4"), 1 - tls);
        run_all(&r, sgl_view_cstr("RSET\r\nMAIL FROM:<> XTLS=verified\r\n"), SIZE_MAX);
        CHECK_EQ("as is XTLS", offers(sgl_buf_view(&r.out), "555 5.5.4"), 1 - tls);
        run_done(&r);
    }
}

/* [RFC 7628 s5]: whoever reads a token may use it */
static void tokens_need_tls(void **state)
{
    static const struct dialogue plain[] = {
        {"passwords may be allowed in plaintext", EHLO "AUTH PLAIN Z29vZA==\r\n",
         "ehlo auth[good] ", "250 235 "},
        {"tokens may not", EHLO "AUTH XOAUTH2 Z29vZA==\r\nAUTH OAUTHBEARER Z29vZA==\r\n", "ehlo ",
         "250 504 504 "},
    };
    static const struct dialogue tls[] = {
        {"with an initial response", EHLO "AUTH XOAUTH2 Z29vZA==\r\n", "ehlo auth[good] ",
         "250 235 "},
        {"and without", EHLO "AUTH oauthbearer\r\nZ29vZA==\r\n", "ehlo auth[] auth-response[good] ",
         "250 334 235 "},
    };
    struct sgl_smtp_server_config config = standard;
    struct run r;

    (void)state;
    config.auth_in_plain = true;
    config.mechanisms = SGL_SASL_PLAIN | SGL_SASL_OAUTHBEARER | SGL_SASL_XOAUTH2;
    CHECK_DIALOGUES(plain, &config, false);
    CHECK_DIALOGUES(tls, &config, true);
    run_init(&r, &config, false);
    run_all(&r, sgl_view_cstr(EHLO), SIZE_MAX);
    CHECK_TRUE("not listed in plaintext", offers(sgl_buf_view(&r.out), "250-AUTH PLAIN\r\n"));
    run_done(&r);
    run_init(&r, &config, true);
    run_all(&r, sgl_view_cstr(EHLO), SIZE_MAX);
    CHECK_TRUE("listed under TLS",
               offers(sgl_buf_view(&r.out), "250-AUTH PLAIN OAUTHBEARER XOAUTH2\r\n"));
    run_done(&r);
    config.mechanisms = SGL_SASL_XOAUTH2;
    run_init(&r, &config, false);
    run_all(&r, sgl_view_cstr(EHLO), SIZE_MAX);
    CHECK_TRUE("nothing else is there: no AUTH at all", !offers(sgl_buf_view(&r.out), "AUTH"));
    run_done(&r);
}

static void shutting_down_waits_for_the_message(void **state)
{
    struct run r;

    (void)state;
    run_init(&r, &standard, false);
    run_all(&r, sgl_view_cstr(TO "DATA\r\nhi\r\n"), SIZE_MAX);
    sgl_smtp_server_shut_down(r.s, "4.3.2", "going down");
    run_feed(&r, sgl_view_cstr(".\r\nNOOP\r\n"));
    run_pull(&r);
    CHECK_TRUE("the message is taken, then 421",
               sgl_view_ends(sgl_buf_view(&r.out),
                             SGL_LIT("250 2.6.0 stored\r\n421 4.3.2 going down\r\n")));
    CHECK_TRUE("closed", r.stop);
    run_done(&r);
}

static void answers_that_come_later_hold_the_session(void **state)
{
    struct sgl_smtp_server *s = sgl_smtp_server_new(&standard, false);
    struct sgl_smtp_server_event e;
    sgl_view input = sgl_view_cstr(EHLO "MAIL FROM:<a@a.test>\r\nNOOP\r\n"), out;
    size_t used;

    (void)state;
    assert_non_null(s);
    sgl_smtp_server_feed(s, input, &used);
    input = sgl_view_from(input, used);
    CHECK_TRUE("ehlo", sgl_smtp_server_next(s, &e) && e.kind == SGL_SMTP_SERVER_EHLO);
    sgl_smtp_server_feed(s, input, &used);
    input = sgl_view_from(input, used);
    CHECK_TRUE("mail", sgl_smtp_server_next(s, &e) && e.kind == SGL_SMTP_SERVER_MAIL);
    sgl_smtp_server_feed(s, input, &used);
    CHECK_EQ("nothing is taken", used, 0);
    CHECK_EQ("no deadline", sgl_smtp_server_deadline(s, 5), 0);
    CHECK_EQ("a challenge is no answer", sgl_smtp_server_challenge(s, SGL_LIT("")), SGL_E_MISUSE);
    CHECK_EQ("an answer with a line end",
             sgl_smtp_server_answer(s, 550, SGL_LIT("5.7.1"), SGL_LIT("a\r\n250 b")), SGL_OK);
    CHECK_EQ("only once", sgl_smtp_server_answer(s, 250, SGL_LIT(""), SGL_LIT("")), SGL_E_MISUSE);
    CHECK_TRUE("output", sgl_smtp_server_pull(s, &out));
    CHECK_TRUE("is not said", sgl_view_ends(out, SGL_LIT("451 4.3.0 internal error\r\n")));
    sgl_smtp_server_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transactions),
        cmocka_unit_test(commands_and_their_faults),
        cmocka_unit_test(auth_under_tls),
        cmocka_unit_test(offers_follow_tls),
        cmocka_unit_test(required_tls_within_tls),
        cmocka_unit_test(tokens_need_tls),
        cmocka_unit_test(shutting_down_waits_for_the_message),
        cmocka_unit_test(answers_that_come_later_hold_the_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
