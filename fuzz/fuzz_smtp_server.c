/* SPDX-License-Identifier: Apache-2.0 */
/* A session that is fed whole and one that is fed byte by byte do and say the same, and stay sane. The first byte chooses the settings. */
#include <stdlib.h>

#include "sigillo/smtp_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void act(struct sgl_smtp_server *s, const struct sgl_smtp_server_event *e,
                struct sgl_buf *log, struct sgl_buf *text)
{
    bool challenge = e->kind == SGL_SMTP_SERVER_AUTH_START && !e->has_data;
    bool refuse = e->data.len % 5 == 4 || e->mail.size % 7 == 6 || e->rcpt.notify == 2;

    if (e->kind == SGL_SMTP_SERVER_CHUNK) {
        sgl_buf_add(text, e->data);
        return;
    }
    if (e->kind == SGL_SMTP_SERVER_MESSAGE)
        sgl_buf_add(log, sgl_buf_view(text));
    if (e->kind == SGL_SMTP_SERVER_RESET || e->kind == SGL_SMTP_SERVER_MESSAGE)
        sgl_buf_reset(
            text); /* how much of a refused message was given out depends on the portions */
    if (e->kind != SGL_SMTP_SERVER_RESET)
        sgl_buf_addf(log, "[%d]", (int)e->kind);
    if (sgl_smtp_server_wait(s) != SGL_SMTP_SERVER_WANTS_ANSWER)
        return;
    if (challenge && sgl_smtp_server_challenge(s, SGL_LIT("x")) != SGL_OK)
        abort();
    if (!challenge && sgl_smtp_server_answer(s,
                                             refuse                            ? 550
                                             : e->kind == SGL_SMTP_SERVER_BODY ? 354
                                                                               : 250,
                                             SGL_LIT(""), SGL_LIT("t")) != SGL_OK)
        abort();
}

static void run(const struct sgl_smtp_server_config *config, bool tls, sgl_view in, size_t portion,
                struct sgl_buf *log)
{
    struct sgl_smtp_server *s = sgl_smtp_server_new(config, tls);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 20);
    struct sgl_smtp_server_event e;
    size_t used;
    sgl_view out;

    if (s == NULL)
        return;
    while (in.len != 0) {
        sgl_smtp_server_feed(s, sgl_view_sub(in, 0, portion), &used);
        in = sgl_view_from(in, used);
        while (sgl_smtp_server_next(s, &e))
            act(s, &e, log, &text);
        if (!sgl_smtp_server_sane(s))
            abort();
    }
    if (sgl_smtp_server_pull(s, &out))
        sgl_buf_add(log, out);
    sgl_smtp_server_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sgl_smtp_server_config config = {.hostname = SGL_LIT_INIT("h"),
                                            .offer = ~0u,
                                            .mechanisms = ~0u,
                                            .size_max = 300,
                                            .rcpt_max = 3};
    sgl_auto(sgl_buf) a = SGL_BUF_INIT(1 << 24);
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 24);
    bool tls = size > 0 && (data[0] & 1) != 0;

    if (size == 0)
        return 0;
    config.auth_required = (data[0] & 2) != 0;
    run(&config, tls, sgl_view_of(data + 1, size - 1), size, &a);
    run(&config, tls, sgl_view_of(data + 1, size - 1), 1, &b);
    if (!sgl_view_eq(sgl_buf_view(&a), sgl_buf_view(&b)))
        abort();
    return 0;
}
