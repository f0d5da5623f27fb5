/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of both machines is made to fail once: the session ends, and nothing is taken that was not whole. */
#include "check.h"

#include "fail_alloc.h"
#include "sigillo/sasl.h"
#include "sigillo/smtp_client.h"
#include "sigillo/smtp_server.h"

static const struct sgl_smtp_server_config settings = {
    .hostname = SGL_LIT_INIT("mx.example"),
    .offer = SGL_SMTP_PIPELINING | SGL_SMTP_SIZE | SGL_SMTP_CHUNKING | SGL_SMTP_DSN |
             SGL_SMTP_ENHANCED | SGL_SMTP_LIMITS,
    .mechanisms = SGL_SASL_PLAIN,
};

static const char dialogue[] =
    "EHLO c\r\nAUTH PLAIN\r\nAGEAYg==\r\nMAIL FROM:<a@b.test> ENVID=x+2By\r\nRCPT TO:<c@d.test> "
    "ORCPT=rfc822;c@d.test\r\n"
    "DATA\r\nSubject: x\r\n\r\n.\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nBDAT "
    "3\r\nx\r\nBDAT 0 LAST\r\n"
    "MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nx\ny\r\n.\r\nQUIT\r\n";

struct seen {
    size_t messages, bytes;
    bool closed;
};

static void answer(struct sgl_smtp_server *s, const struct sgl_smtp_server_event *e,
                   struct seen *seen)
{
    if (e->kind == SGL_SMTP_SERVER_CHUNK)
        seen->bytes += e->data.len;
    if (e->kind == SGL_SMTP_SERVER_RESET)
        seen->bytes = 0;
    seen->closed |= e->kind == SGL_SMTP_SERVER_CLOSE;
    if (e->kind == SGL_SMTP_SERVER_MESSAGE) {
        CHECK_EQ("a message is whole", seen->bytes, e->size);
        seen->messages++;
        seen->bytes = 0;
    }
    if (sgl_smtp_server_wait(s) != SGL_SMTP_SERVER_WANTS_ANSWER)
        return;
    if (e->kind == SGL_SMTP_SERVER_AUTH_START)
        CHECK_EQ("challenge", sgl_smtp_server_challenge(s, SGL_LIT("")), SGL_OK);
    else
        CHECK_EQ("answer",
                 sgl_smtp_server_answer(s, e->kind == SGL_SMTP_SERVER_BODY ? 354 : 250, SGL_LIT(""),
                                        SGL_LIT("t")),
                 SGL_OK);
}

static struct seen serve(size_t portion)
{
    struct sgl_smtp_server *s = sgl_smtp_server_new(&settings, true);
    sgl_view in = sgl_view_of(dialogue, sizeof dialogue - 1), out;
    struct sgl_smtp_server_event e;
    struct seen seen = {0};
    size_t used;

    if (s == NULL)
        return seen;
    while (in.len != 0) {
        sgl_smtp_server_feed(s, sgl_view_sub(in, 0, portion), &used);
        in = sgl_view_from(in, used);
        while (sgl_smtp_server_next(s, &e))
            answer(s, &e, &seen);
        CHECK_TRUE("sane", sgl_smtp_server_sane(s));
        if (used == 0)
            (void)sgl_smtp_server_pull(s, &out);
    }
    sgl_smtp_server_free(s);
    return seen;
}

static void the_server_without_memory(void **state)
{
    (void)state;
    for (size_t portion = 1; portion <= sizeof dialogue; portion += sizeof dialogue - 1) {
        CHECK_EQ("with memory", serve(portion).messages, 2);
        for (size_t n = 1; fail_alloc_round(n); n++) {
            struct seen seen = serve(portion);

            fail_alloc_off();
            CHECK_TRUE("never more than was sent", seen.messages <= 2);
        }
    }
}

static const struct sgl_smtp_to to[] = {{SGL_LIT_INIT("a@b.test"), 2, SGL_LIT_INIT("rfc822;x@y")},
                                        {SGL_LIT_INIT("c@b.test"), 0, {NULL, 0}}};
static const struct sgl_smtp_envelope envelope = {
    .from = SGL_LIT_INIT("a@a.test"), .to = to, .tos = 2, .size = 9, .ret = 'F'};

/* Whether the message was taken. */
static bool deliver(const char *const *lines)
{
    static const struct sgl_smtp_client_config config = {.helo = SGL_LIT_INIT("h")};
    struct sgl_smtp_client *c = sgl_smtp_client_new(&config);
    struct sgl_smtp_client_event e;
    struct sgl_smtp_out out;
    bool taken = false, dot = false;

    for (; c != NULL && *lines != NULL; lines++) {
        sgl_smtp_client_feed(c, sgl_view_cstr(*lines));
        do {
            while (sgl_smtp_client_next(c, &e)) {
                if (e.kind == SGL_SMTP_CLIENT_READY)
                    (void)!(sgl_smtp_client_begin(c, &envelope) == SGL_OK);
                else if (e.kind == SGL_SMTP_CLIENT_BODY)
                    CHECK_EQ("body", sgl_smtp_client_body(c, SGL_LIT(".x\r\n")), SGL_OK);
                else if (e.kind == SGL_SMTP_CLIENT_COMMIT)
                    dot = sgl_smtp_client_commit(c) == SGL_OK;
                else if (e.kind == SGL_SMTP_CLIENT_DONE)
                    taken = sgl_smtp_client_result(c, 0).reply.code / 100 == 2;
            }
        } while (sgl_smtp_client_pull(c, &out));
        CHECK_TRUE("sane", sgl_smtp_client_sane(c));
    }
    sgl_smtp_client_free(c);
    CHECK_TRUE("taken only behind the dot", !taken || dot);
    return taken;
}

static void the_client_without_memory(void **state)
{
    static const char *const lines[] = {"220 mx\r\n", "250-mx\r\n250-DSN\r\n250 PIPELINING\r\n",
                                        "250 ok\r\n250 ok\r\n550 5.1.1 no such user\r\n354 go\r\n",
                                        "250 2.0.0 taken\r\n", NULL};

    (void)state;
    CHECK_TRUE("with memory", deliver(lines));
    for (size_t n = 1; fail_alloc_round(n); n++) {
        (void)deliver(lines);
        fail_alloc_off();
    }
}

/* A name that is half there is nobody's. */
static void a_token_without_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1000);
        struct sgl_sasl_bearer b;
        enum sgl_sasl_step step;

        sgl_sasl_bearer_init(&b, SGL_SASL_OAUTHBEARER);
        step = sgl_sasl_bearer_step(&b, true,
                                    SGL_LIT("n,a=u@a.test,\x01"
                                            "auth=Bearer t\x01\x01"));
        if (step == SGL_SASL_CHECK)
            step = sgl_sasl_bearer_refuse(&b, SGL_LIT("s"), SGL_LIT("c"), &out);
        CHECK_EQ("whole, or said that it is not", step,
                 fail_alloc_hit() ? SGL_SASL_NOMEM : SGL_SASL_CHALLENGE);
        sgl_sasl_bearer_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_without_memory),
        cmocka_unit_test(the_client_without_memory),
        cmocka_unit_test(a_token_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
