/* SPDX-License-Identifier: Apache-2.0 */
/* The server's session, driven as a shell would drive it: a transcript of its events and its output, whole, byte by byte and split at each point. */
#ifndef TESTS_UNIT_SMTP_SERVER_FIXTURE_H
#define TESTS_UNIT_SMTP_SERVER_FIXTURE_H

#include "check.h"

#include <stdlib.h>

#include "sigillo/buf.h"
#include "sigillo/smtp_server.h"

enum { TRANSCRIPT_MAX = 4 * 1024 * 1024 };

static const struct sgl_smtp_server_config standard = {
    .hostname = {(const uint8_t *)"mx.example", 10},
    .offer = SGL_SMTP_PIPELINING | SGL_SMTP_SIZE | SGL_SMTP_8BITMIME | SGL_SMTP_SMTPUTF8 |
             SGL_SMTP_CHUNKING | SGL_SMTP_DSN | SGL_SMTP_ENHANCED | SGL_SMTP_LIMITS | SGL_SMTP_TLS,
    .mechanisms = SGL_SASL_PLAIN | SGL_SASL_LOGIN | SGL_SASL_SCRAM_SHA_256,
    .size_max = 1000,
    .rcpt_max = 3,
    .errors_max = 5,
    .idle_commands_max = 20,
};

/* What a session did: events as words, the bytes of messages, all output. */
struct run {
    struct sgl_smtp_server *s;
    struct sgl_buf events, out;
    bool in_chunk, stop;
};

static inline void run_init(struct run *r, const struct sgl_smtp_server_config *config, bool tls)
{
    *r = (struct run){.s = sgl_smtp_server_new(config, tls),
                      .events = SGL_BUF_INIT(TRANSCRIPT_MAX),
                      .out = SGL_BUF_INIT(TRANSCRIPT_MAX)};
    CHECK_TRUE("memory", r->s != NULL);
}

static inline void run_done(struct run *r)
{
    sgl_smtp_server_free(r->s);
    sgl_buf_done(&r->events);
    sgl_buf_done(&r->out);
}

static inline void answer(struct run *r, uint16_t code, const char *enhanced, const char *text)
{
    CHECK_EQ("answer",
             sgl_smtp_server_answer(r->s, code, sgl_view_cstr(enhanced), sgl_view_cstr(text)),
             SGL_OK);
}

static inline void on_path(struct run *r, const char *word, const struct sgl_path *path)
{
    sgl_buf_addf(&r->events, "%s<", word);
    if (path->kind == SGL_PATH_MAILBOX)
        sgl_buf_add(&r->events, path->mailbox.text);
    else if (path->kind == SGL_PATH_POSTMASTER)
        sgl_buf_add(&r->events, SGL_LIT("postmaster"));
    sgl_buf_add(&r->events, SGL_LIT("> "));
}

static inline void on_auth(struct run *r, const struct sgl_smtp_server_event *e)
{
    sgl_buf_addf(&r->events, "auth%s[", e->kind == SGL_SMTP_SERVER_AUTH_START ? "" : "-response");
    sgl_buf_add_escaped(&r->events, e->data, 100);
    sgl_buf_add(&r->events, SGL_LIT("] "));
    if (e->data.len == 0)
        CHECK_EQ("challenge", sgl_smtp_server_challenge(r->s, SGL_LIT("who?")), SGL_OK);
    else if (sgl_view_find_view(e->data, SGL_LIT("good")) < e->data.len)
        answer(r, 235, "2.7.0", "welcome");
    else
        answer(r, 535, "5.7.8", "no");
}

static inline void on_event(struct run *r, const struct sgl_smtp_server_event *e)
{
    if (e->kind != SGL_SMTP_SERVER_CHUNK && r->in_chunk) {
        sgl_buf_add(&r->events, SGL_LIT("} "));
        r->in_chunk = false;
    }
    switch (e->kind) {
    case SGL_SMTP_SERVER_EHLO:
        sgl_buf_add_cstr(&r->events, e->extended ? "ehlo " : "helo ");
        break;
    case SGL_SMTP_SERVER_STARTTLS:
        sgl_buf_add(&r->events, SGL_LIT("starttls "));
        break;
    case SGL_SMTP_SERVER_AUTH_START:
    case SGL_SMTP_SERVER_AUTH_RESPONSE:
        on_auth(r, e);
        break;
    case SGL_SMTP_SERVER_AUTH_CANCEL:
        sgl_buf_add(&r->events, SGL_LIT("cancel "));
        break;
    case SGL_SMTP_SERVER_MAIL:
        on_path(r, "mail", &e->mail.from);
        answer(r, sgl_view_eq(e->mail.from.mailbox.local, SGL_LIT("bad")) ? 550 : 250, "", "m");
        break;
    case SGL_SMTP_SERVER_RCPT:
        on_path(r, "rcpt", &e->rcpt.to);
        answer(r, sgl_view_eq(e->rcpt.to.mailbox.local, SGL_LIT("bad")) ? 550 : 250, "", "r");
        break;
    case SGL_SMTP_SERVER_BODY:
        sgl_buf_addf(&r->events, "body(%u) ", (unsigned)e->size);
        answer(r, e->size == 666 ? 452 : 354, e->size == 666 ? "4.3.1" : "", "b");
        break;
    case SGL_SMTP_SERVER_CHUNK:
        if (!r->in_chunk)
            sgl_buf_add_byte(&r->events, '{');
        r->in_chunk = true;
        sgl_buf_add(&r->events, e->data);
        break;
    case SGL_SMTP_SERVER_MESSAGE:
        sgl_buf_addf(&r->events, "message(%u) ", (unsigned)e->size);
        answer(r, 250, "2.6.0", "stored");
        break;
    case SGL_SMTP_SERVER_RESET:
        sgl_buf_add(&r->events, SGL_LIT("reset "));
        break;
    case SGL_SMTP_SERVER_CLOSE:
        sgl_buf_addf(&r->events, "close(%d) ", (int)e->reason);
        r->stop = true;
        break;
    case SGL_SMTP_SERVER_NONE:
        break;
    }
}

static inline void run_feed(struct run *r, sgl_view bytes)
{
    struct sgl_smtp_server_event e;
    size_t used;

    do {
        sgl_smtp_server_feed(r->s, bytes, &used);
        bytes = sgl_view_from(bytes, used);
        while (sgl_smtp_server_next(r->s, &e)) {
            on_event(r, &e);
            CHECK_TRUE("the session is sane", sgl_smtp_server_sane(r->s));
        }
    } while (bytes.len != 0);
}

static inline void run_pull(struct run *r)
{
    sgl_view out;

    if (sgl_smtp_server_pull(r->s, &out))
        sgl_buf_add(&r->out, out);
}

/* Whole, cut in two at each point (cut), or byte by byte (cut == SIZE_MAX). */
static inline void run_all(struct run *r, sgl_view input, size_t cut)
{
    run_pull(r);
    sgl_buf_reset(&r->out); /* the greeting */
    if (cut == SIZE_MAX) {
        for (size_t i = 0; i < input.len; i++) {
            /* A copy of its own, so that a sanitizer sees what reaches too far. */
            uint8_t *one = malloc(1);

            CHECK_TRUE("memory", one != NULL);
            *one = input.ptr[i];
            run_feed(r, sgl_view_of(one, 1));
            free(one);
        }
    } else {
        run_feed(r, sgl_view_sub(input, 0, cut));
        run_feed(r, sgl_view_from(input, cut));
    }
    run_pull(r);
    if (r->in_chunk)
        sgl_buf_add(&r->events, SGL_LIT("}..."));
}

/* Replies as their codes: "250-" lines left out. */
static inline void codes(sgl_view out, struct sgl_buf *to)
{
    while (out.len >= 4) {
        sgl_view line = sgl_view_split(out, '\n', &out);

        if (line.len > 3 && line.ptr[3] == ' ') {
            sgl_buf_add(to, sgl_view_sub(line, 0, 3));
            sgl_buf_add_byte(to, ' ');
        }
    }
}

#define EHLO    "EHLO c.example\r\n"
#define TO      EHLO "MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\n"
#define SAID_TO "ehlo mail<a@a.test> rcpt<b@b.test> "

/* What the client says, and the events and reply codes that it leads to; NULL: not looked at. */
struct dialogue {
    const char *name, *input, *events, *codes;
};

static inline void one_dialogue(const struct dialogue *d,
                                const struct sgl_smtp_server_config *config, bool tls, size_t cut)
{
    struct run r;
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(TRANSCRIPT_MAX);

    run_init(&r, config, tls);
    run_all(&r, sgl_view_cstr(d->input), cut);
    codes(sgl_buf_view(&r.out), &got);
    if (d->events != NULL)
        CHECK_VIEW(d->name, sgl_buf_view(&r.events), sgl_view_cstr(d->events));
    if (d->codes != NULL)
        CHECK_VIEW(d->name, sgl_buf_view(&got), sgl_view_cstr(d->codes));
    run_done(&r);
}

/* Whole, byte by byte, and cut in two at each point. */
static inline void check_dialogue(const struct dialogue *d,
                                  const struct sgl_smtp_server_config *config, bool tls)
{
    size_t len = strlen(d->input);

    one_dialogue(d, config, tls, SIZE_MAX);
    for (size_t cut = 0; cut <= len; cut++)
        one_dialogue(d, config, tls, cut);
}

static inline void check_dialogues(const struct dialogue *d, size_t count,
                                   const struct sgl_smtp_server_config *config, bool tls)
{
    for (size_t i = 0; i < count; i++)
        check_dialogue(&d[i], config, tls);
}

#define CHECK_DIALOGUES(rows, config, tls)                                                         \
    check_dialogues(rows, sizeof(rows) / sizeof((rows)[0]), config, tls)

#endif
