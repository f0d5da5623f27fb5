/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receiving SMTP server that plays a script, on a loopback address and the loop of the test.  For each step a reply, or what else it does:
 *
 *     NULL     the ordinary reply          ""      silence
 *     "!"      cuts the connection         "^..."  says the rest, then cuts
 *     "*..."   this once, then the ordinary reply (the rest may be "!", "" or "^...", too)
 *
 * A reply of several lines has CRLF in it.  For RCPT the script has one entry after another, separated by "|", the last one repeats.
 */
#ifndef TESTS_UNIT_SMTP_PEER_H
#define TESTS_UNIT_SMTP_PEER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../server/loop/listener.h"
#include "../../server/loop/stream.h"
#include "../../server/loop/tls.h"
#include "check.h"
#include "sigillo/buf.h"

/* A test of what happens without memory has these leave the peer alone. */
#ifndef PEER_BEGIN
#define PEER_BEGIN() ((void)0)
#define PEER_END()   ((void)0)
#endif

struct script {
    const char *greeting, *ehlo, *starttls, *tls_ehlo, *auth, *mail, *rcpt, *data, *dot;
    bool tls;         /* offers STARTTLS */
    bool cut_body;    /* cuts once some of the body has come */
    bool deaf_hands;  /* cuts within the TLS handshake */
    unsigned tickets; /* so many, 0: what the server does */
    bool tls12;       /* nothing newer */
    unsigned deaf_at; /* cuts within the handshake of this connection, 1 is the first */
    bool asks_back;   /* TLS 1.2, and ends the handshake for want of the client's certificate */
};

struct smtp_peer {
    struct loop *loop;
    struct listener *listener;
    int fd;
    struct script script;
    struct tls_server *tls;
    struct peer_session *sessions;
    unsigned connections, messages, tls_messages, mails,
        used_once;           /* bits of steps whose "*" is used up */
    struct sgl_buf received; /* all messages, one after the other */
    char from[200];          /* the addresses of those who connected, a blank behind each */
    char helo[64];           /* the last EHLO */
    char mail[300];          /* the last MAIL */
    unsigned quits;
};

struct peer_session {
    struct smtp_peer *peer;
    struct peer_session *next;
    struct stream *stream; /* NULL: over */
    struct sgl_buf in;
    bool in_data, tls_on;
    unsigned rcpts;
};

static inline void peer_cut(struct peer_session *s)
{
    stream_free(s->stream);
    s->stream = NULL;
}

/* Plays one step; `ordinary` where the script says nothing. False when it said anything else than the ordinary thing. */
static inline bool peer_play(struct peer_session *s, unsigned step, const char *scripted,
                             const char *ordinary)
{
    const char *say = scripted == NULL ? ordinary : scripted;

    if (say[0] == '*') {
        if (s->peer->used_once & 1u << step)
            say = ordinary;
        else
            say++;
        s->peer->used_once |= 1u << step;
    }
    if (say[0] == '!') {
        peer_cut(s);
        return false;
    }
    if (say[0] == 0)
        return false;
    stream_write(s->stream, sgl_view_cstr(say[0] == '^' ? say + 1 : say));
    stream_write(s->stream, SGL_LIT("\r\n"));
    if (say[0] == '^')
        stream_close_after_write(s->stream);
    return say == ordinary;
}

static inline void peer_starttls(struct peer_session *s)
{
    SSL *ssl;

    if (!peer_play(s, 2, s->peer->script.starttls, "220 2.0.0 go ahead"))
        return;
    if (s->peer->script.deaf_hands || s->peer->connections == s->peer->script.deaf_at) {
        stream_close_after_write(s->stream);
        return;
    }
    s->in.len = 0;
    ssl = tls_server_session(s->peer->tls);
    if (s->peer->script.tickets > 0)
        SSL_set_num_tickets(ssl, s->peer->script.tickets);
    if (s->peer->script.tls12)
        SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    if (s->peer->script.asks_back) {
        SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
        SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    (void)stream_start_tls(s->stream, ssl);
    s->tls_on = true;
}

static inline void peer_ehlo(struct peer_session *s)
{
    const struct script *script = &s->peer->script;

    if (s->tls_on)
        peer_play(
            s, 3, script->tls_ehlo,
            "250-peer.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-AUTH PLAIN\r\n250 SIZE 100000");
    else
        peer_play(s, 1, script->ehlo,
                  script->tls
                      ? "250-peer.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-STARTTLS\r\n250 "
                        "SIZE 100000"
                      : "250-peer.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000");
}

static inline void peer_rcpt(struct peer_session *s)
{
    static char entry[512];
    const char *at = s->peer->script.rcpt, *end;

    for (unsigned i = 0; at != NULL && i < s->rcpts && strchr(at, '|') != NULL; i++)
        at = strchr(at, '|') + 1;
    s->rcpts++;
    if (at != NULL) {
        end = strchr(at, '|') == NULL ? at + strlen(at) : strchr(at, '|');
        snprintf(entry, sizeof entry, "%.*s", (int)(end - at), at);
        at = entry;
    }
    peer_play(s, 6, at, "250 2.1.5 recipient ok");
}

static inline bool peer_is(sgl_view line, const char *verb)
{
    return sgl_view_starts_nocase(line, sgl_view_cstr(verb));
}

static inline void peer_command(struct peer_session *s, sgl_view line)
{
    const struct script *script = &s->peer->script;

    if (peer_is(line, "EHLO") || peer_is(line, "HELO") || peer_is(line, "LHLO")) {
        snprintf(s->peer->helo, sizeof s->peer->helo, "%.*s", SGL_FMT(line));
        peer_ehlo(s);
    } else if (peer_is(line, "STARTTLS")) {
        peer_starttls(s);
    } else if (peer_is(line, "AUTH")) {
        peer_play(s, 4, script->auth, "235 2.7.0 welcome");
    } else if (peer_is(line, "MAIL")) {
        s->rcpts = 0;
        s->peer->mails++;
        snprintf(s->peer->mail, sizeof s->peer->mail, "%.*s", SGL_FMT(line));
        peer_play(s, 5, script->mail, "250 2.1.0 sender ok");
    } else if (peer_is(line, "RCPT")) {
        peer_rcpt(s);
    } else if (peer_is(line, "DATA")) {
        s->in_data = peer_play(s, 7, script->data, "354 go on");
    } else if (peer_is(line, "QUIT")) {
        s->peer->quits++;
        peer_play(s, 8, "^221 2.0.0 bye", "");
    } else {
        peer_play(s, 9, NULL, "250 2.0.0 ok");
    }
}

/* The end of data, or false when it has not come. */
static inline bool peer_data(struct peer_session *s)
{
    size_t end = sgl_view_find_view(sgl_buf_view(&s->in), SGL_LIT("\r\n.\r\n"));

    if (s->peer->script.cut_body) {
        peer_cut(s);
        return false;
    }
    if (end == s->in.len)
        return false;
    s->in_data = false;
    if (peer_play(s, 10, s->peer->script.dot, "250 2.6.0 taken")) {
        s->peer->messages++;
        s->peer->tls_messages += s->tls_on;
        sgl_buf_add(&s->peer->received, sgl_view_sub(sgl_buf_view(&s->in), 0, end + 2));
    }
    sgl_buf_remove_front(&s->in, end + 5);
    return true;
}

static inline size_t peer_input(void *ctx, sgl_view bytes)
{
    struct peer_session *s = ctx;

    PEER_BEGIN();
    sgl_buf_add(&s->in, bytes);
    while (s->stream != NULL && s->in.len > 0) {
        size_t end = sgl_view_find(sgl_buf_view(&s->in), '\n');
        char line[2048];

        if (s->in_data) {
            if (!peer_data(s))
                break;
            continue;
        }
        if (end == s->in.len)
            break;
        snprintf(line, sizeof line, "%.*s", (int)end, (const char *)s->in.data);
        sgl_buf_remove_front(&s->in, end + 1);
        peer_command(s, sgl_view_trim(sgl_view_cstr(line)));
    }
    PEER_END();
    return bytes.len;
}

static inline void peer_ended(void *ctx, enum stream_end why)
{
    struct peer_session *s = ctx;

    (void)why;
    peer_cut(s);
}

static inline void peer_accepted(void *ctx, int fd, const struct sockaddr *from, socklen_t len)
{
    static const struct stream_events events = {.input = peer_input, .ended = peer_ended};
    struct smtp_peer *p = ctx;
    struct peer_session *s = calloc(1, sizeof *s);

    char address[INET_ADDRSTRLEN] = "";

    (void)len;
    inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)from)->sin_addr, address,
              sizeof address);
    if (strlen(p->from) + strlen(address) + 2 < sizeof p->from) {
        strcat(p->from, address);
        strcat(p->from, " ");
    }
    PEER_BEGIN();
    s->peer = p;
    s->next = p->sessions;
    p->sessions = s;
    p->connections++;
    sgl_buf_init(&s->in, 10 << 20);
    s->stream = stream_new(p->loop, fd, NULL, &events, s);
    stream_idle_timeout(s->stream, 20000);
    peer_play(s, 0, p->script.greeting, "220 peer.test ready");
    PEER_END();
}

/* Listens on 127.0.0.<last> at *port; with *port 0 a free one is chosen. */
static inline void smtp_peer_init(struct smtp_peer *p, struct loop *loop, uint8_t last,
                                  uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(*port),
                             .sin_addr.s_addr = htonl(0x7f000000u | last)};
    socklen_t len = sizeof at;
    int one = 1;

    memset(p, 0, sizeof *p);
    p->loop = loop;
    sgl_buf_init(&p->received, 10 << 20);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    assert_int_equal(bind(p->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(p->fd, 64), 0);
    assert_int_equal(getsockname(p->fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    p->listener = listener_new(loop, p->fd, peer_accepted, p);
}

/* No more connections: they are refused. */
static inline void smtp_peer_close(struct smtp_peer *p)
{
    listener_free(p->listener);
    p->listener = NULL;
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}

static inline void smtp_peer_done(struct smtp_peer *p)
{
    smtp_peer_close(p);
    while (p->sessions != NULL) {
        struct peer_session *s = p->sessions;

        p->sessions = s->next;
        stream_free(s->stream);
        sgl_buf_done(&s->in);
        free(s);
    }
    sgl_buf_done(&p->received);
}

#endif
