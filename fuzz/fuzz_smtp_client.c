/* SPDX-License-Identifier: Apache-2.0 */
/* A client against a server that says anything, by SMTP and by LMTP: never delivered without a 2xx behind the final dot, and always sane. */
#include <stdlib.h>

#include "sigillo/smtp_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sgl_smtp_to to[] = {{SGL_LIT_INIT("a@b.test"), 2, SGL_LIT_INIT("rfc822;x@y")},
                                        {SGL_LIT_INIT("c@b.test"), 0, {NULL, 0}}};
static const struct sgl_smtp_envelope envelope = {
    .from = SGL_LIT_INIT("a@a.test"), .to = to, .tos = 2, .size = 9, .ret = 'F'};

static int at_rest(struct sgl_smtp_client *c, unsigned turn)
{
    enum sgl_status st = SGL_E_MISUSE;

    if (turn == 0)
        st = sgl_smtp_client_start_tls(c);
    else if (turn == 1)
        st = sgl_smtp_client_auth(c, SGL_LIT("u"), SGL_LIT("p"));
    else if (turn > 5)
        st = sgl_smtp_client_quit(c);
    return st != SGL_OK && sgl_smtp_client_begin(c, &envelope) == SGL_OK;
}

/* Since the last begin(): 0 no transaction, 1 no final dot yet, 2 it was sent. */
static void act(struct sgl_smtp_client *c, const struct sgl_smtp_client_event *e, unsigned turn,
                int *sent)
{
    bool over = e->kind == SGL_SMTP_CLIENT_DONE || e->kind == SGL_SMTP_CLIENT_END;

    if (e->kind == SGL_SMTP_CLIENT_TLS)
        (void)!(sgl_smtp_client_tls_started(c) == SGL_OK);
    else if (e->kind == SGL_SMTP_CLIENT_BODY)
        (void)!(sgl_smtp_client_body(c, SGL_LIT(".a\r\n\r\n.b\r\n")) == SGL_OK);
    else if (e->kind == SGL_SMTP_CLIENT_COMMIT && sgl_smtp_client_commit(c) == SGL_OK)
        *sent = 2;
    for (size_t i = 0; i < 2 && over && *sent == 1; i++) {
        if (sgl_smtp_client_result(c, i).reply.code / 100 == 2)
            abort();
    }
    if (over)
        *sent = 0;
    if (e->kind == SGL_SMTP_CLIENT_READY || e->kind == SGL_SMTP_CLIENT_REFUSED ||
        e->kind == SGL_SMTP_CLIENT_DONE)
        *sent = at_rest(c, turn);
}

static void run(const struct sgl_smtp_client_config *config, const uint8_t *data, size_t size)
{
    struct sgl_smtp_client *c = sgl_smtp_client_new(config);
    struct sgl_smtp_client_event e;
    struct sgl_smtp_out out;
    int sent = 0;
    unsigned turn = 0;

    /* A line at a time: what comes in one breath with more is a protocol error, and would end most runs early. */
    for (sgl_view in = sgl_view_of(data, size), line; c != NULL && in.len != 0;
         in = sgl_view_from(in, line.len)) {
        line = sgl_view_sub(in, 0, sgl_view_find(in, '\n') + 1);
        sgl_smtp_client_feed(c, line);
        do {
            while (sgl_smtp_client_next(c, &e))
                act(c, &e, turn++, &sent);
        } while (sgl_smtp_client_pull(c, &out));
        if (!sgl_smtp_client_sane(c))
            abort();
    }
    sgl_smtp_client_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sgl_smtp_client_config smtp = {.helo = SGL_LIT_INIT("h")},
                                               lmtp = {.helo = SGL_LIT_INIT("h"), .lmtp = true};

    run(&smtp, data, size);
    run(&lmtp, data, size);
    return 0;
}
