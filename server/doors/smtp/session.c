/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection.  The engine (sigillo/smtp_server.h) knows the protocol; here its bytes meet a socket, its deadlines a timer, and its questions the door's own files.
 *
 *   running -> awaiting an answer (input paused) -> running -> ... -> closing (output goes out) -> gone
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../log/log.h"
#include "door.h"

enum { OUTPUT_HIGH = 64 * 1024, IDLE_SLACK_MS = 30 * 1000 };

void smtp_session_answer(struct smtp_session *s, uint16_t code, const char *enhanced,
                         const char *text)
{
    if (sgl_smtp_server_answer(s->smtp, code, sgl_view_cstr(enhanced), sgl_view_cstr(text)) !=
        SGL_OK)
        log_line(LOG_ERROR_, "answer out of turn", LOG_INT("code", code));
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void enlist(struct smtp_session *s)
{
    s->next = s->on->first;
    if (s->next != NULL)
        s->next->prev = s;
    s->on->first = s;
}

static void delist(struct smtp_session *s)
{
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        s->on->first = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
}

void smtp_session_free(struct smtp_session *s)
{
    struct smtp_door *d = s->door;

    delist(s);
    stream_free(s->stream);
    d->kind->ended(s);
    sgl_smtp_server_free(s->smtp);
    if (s->counted)
        peers_leave(d->peers, &s->ip);
    free(s->hello);
    free(s);
    atomic_fetch_sub(&d->sessions_now, 1);
    smtp_door_session_gone(d);
}

/* The stream is over; what still waits for an answer keeps the session until then. */
static void lose_stream(struct smtp_session *s)
{
    stream_free(s->stream);
    s->stream = NULL;
    s->closing = true;
    s->deadline_ms = 0;
    if (!s->door->kind->pending(s))
        smtp_session_free(s);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static void on_hello(struct smtp_session *s, sgl_view name)
{
    free(s->hello);
    s->hello = strndup((const char *)name.ptr, name.len);
}

static void on_close(struct smtp_session *s, const struct sgl_smtp_server_event *e)
{
    char peer[SMTP_PEER_SIZE];

    s->closing = true;
    if (s->door->kind->closed != NULL)
        s->door->kind->closed(s, e->reason);
    if (e->reason == SGL_SMTP_CLOSE_TIMEOUT)
        atomic_fetch_add(&s->door->timeouts, 1);
    if (e->reason != SGL_SMTP_CLOSE_QUIT)
        log_line(LOG_INFO_, "session closed", LOG_STR("door", s->door->kind->name),
                 LOG_VIEW("peer", s->door->kind->peer(s, peer)), LOG_STR("why", e->text));
}

static void on_event(struct smtp_session *s, const struct sgl_smtp_server_event *e)
{
    switch (e->kind) {
    case SGL_SMTP_SERVER_EHLO:
        on_hello(s, e->hello);
        break;
    case SGL_SMTP_SERVER_STARTTLS:
        s->tls_next = true;
        break;
    case SGL_SMTP_SERVER_AUTH_START:
    case SGL_SMTP_SERVER_AUTH_RESPONSE:
    case SGL_SMTP_SERVER_AUTH_CANCEL:
    case SGL_SMTP_SERVER_MAIL:
    case SGL_SMTP_SERVER_RCPT:
    case SGL_SMTP_SERVER_BODY:
    case SGL_SMTP_SERVER_CHUNK:
    case SGL_SMTP_SERVER_MESSAGE:
    case SGL_SMTP_SERVER_RESET:
        s->door->kind->event(s, e);
        break;
    case SGL_SMTP_SERVER_CLOSE:
        on_close(s, e);
        break;
    case SGL_SMTP_SERVER_NONE:
        break;
    }
}

static bool take_events(struct smtp_session *s)
{
    struct sgl_smtp_server_event e;
    bool any = false;

    while (sgl_smtp_server_next(s->smtp, &e)) {
        any = true;
        on_event(s, &e);
    }
    return any;
}

/* ---- a turn ------------------------------------------------------------------------------------------------------ */

static size_t feed_all(struct smtp_session *s, sgl_view bytes)
{
    size_t total = 0, used;
    bool any;

    do {
        sgl_smtp_server_feed(s->smtp, sgl_view_from(bytes, total), &used);
        total += used;
        any = take_events(s);
    } while ((used != 0 || any) && total < bytes.len && !s->closing && !s->tls_next);
    return total;
}

/* What was said goes out together; nobody may make us hold more than a little that he does not read. */
static void write_out(struct smtp_session *s)
{
    sgl_view out;

    if (!sgl_smtp_server_pull(s->smtp, &out))
        return;
    stream_write(s->stream, out);
}

static void pause_or_go(struct smtp_session *s)
{
    bool wait = sgl_smtp_server_wait(s->smtp) == SGL_SMTP_SERVER_WANTS_ANSWER ||
                stream_pending(s->stream) > OUTPUT_HIGH;

    if (wait && !s->paused)
        stream_pause(s->stream);
    else if (!wait && s->paused)
        stream_resume(s->stream);
    s->paused = wait;
}

static void start_tls(struct smtp_session *s)
{
    SSL *tls = s->door->tls == NULL ? NULL : tls_server_session(s->door->tls);

    s->tls_next = false;
    if (tls == NULL || sgl_smtp_server_tls_started(s->smtp) != SGL_OK) {
        SSL_free(tls);
        s->closing = true;
        return;
    }
    atomic_fetch_add(&s->door->tls_sessions, 1);
    if (!stream_start_tls(s->stream, tls))
        s->closing = true;
}

/* After every turn: output, the next deadline, and memory given back by those who rest. */
static void settle(struct smtp_session *s, bool rest)
{
    if (s->closing) {
        write_out(s);
        stream_close_after_write(s->stream);
        s->deadline_ms = 0;
        return;
    }
    s->deadline_ms = sgl_smtp_server_deadline(s->smtp, clock_mono_ms());
    (void)take_events(s);
    write_out(s);
    if (s->closing) {
        stream_close_after_write(s->stream);
        return;
    }
    if (rest)
        sgl_smtp_server_relax(s->smtp);
    pause_or_go(s);
}

static size_t on_input(void *ctx, sgl_view bytes)
{
    struct smtp_session *s = ctx;
    size_t used;

    if (s->closing)
        return bytes.len;
    if (sgl_smtp_server_wait(s->smtp) == SGL_SMTP_SERVER_WANTS_ANSWER) {
        pause_or_go(s);
        return 0;
    }
    s->running = true;
    used = feed_all(s, bytes);
    if (s->tls_next &&
        used < bytes.len) /* the engine says what it thinks of plaintext behind STARTTLS */
        used += feed_all(s, sgl_view_from(bytes, used));
    s->running = false;
    if (s->tls_next && !s->closing) {
        write_out(s);
        start_tls(s);
    }
    settle(s, used == bytes.len);
    return s->closing ? bytes.len : used;
}

void smtp_session_go_on(struct smtp_session *s)
{
    if (s->running) /* an answer within the call that asked */
        return;
    if (s->stream == NULL) {
        if (!s->door->kind->pending(s))
            smtp_session_free(s);
        return;
    }
    (void)take_events(s);
    settle(s, true);
}

static void on_drained(void *ctx)
{
    struct smtp_session *s = ctx;

    if (!s->closing && s->paused)
        pause_or_go(s);
}

static void on_ended(void *ctx, enum stream_end why)
{
    struct smtp_session *s = ctx;

    if (why == STREAM_TLS) {
        char peer[SMTP_PEER_SIZE];

        atomic_fetch_add(&s->door->tls_failures, 1);
        log_line(LOG_INFO_, "TLS failed", LOG_STR("door", s->door->kind->name),
                 LOG_VIEW("peer", s->door->kind->peer(s, peer)),
                 LOG_STR("why", stream_tls_error(s->stream)));
    }
    lose_stream(s);
}

static const struct stream_events events = {on_input, on_drained, NULL, on_ended};

/* ---- a new one --------------------------------------------------------------------------------------------------- */

struct sgl_ip smtp_ip_of(const struct sockaddr *peer)
{
    struct sgl_ip ip = {0};

    if (peer->sa_family == AF_INET)
        ip =
            sgl_ip_v4((const uint8_t *)&((const struct sockaddr_in *)(const void *)peer)->sin_addr);
    else if (peer->sa_family == AF_INET6)
        ip = sgl_ip_v6(
            (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr);
    return sgl_ip_unmap(&ip);
}

void smtp_turn_away(struct smtp_door *d, bool implicit, int fd, const char *code, const char *text)
{
    static const struct linger at_once = {0, 0};
    char line[256];
    int n = snprintf(line, sizeof line, "%s %s\r\n", code, text);

    atomic_fetch_add(&d->refused, 1);
    if (!implicit && n > 0)
        (void)!send(fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    else
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

const char *smtp_no_room(struct smtp_door *d, const struct sgl_ip *ip, size_t max,
                         size_t max_per_address)
{
    const char *why = "too many connections";

    if (atomic_fetch_add(&d->sessions_now, 1) < max) {
        if (peers_enter(d->peers, ip, max_per_address))
            return NULL;
        why = "too many connections from your address";
    }
    atomic_fetch_sub(&d->sessions_now, 1);
    return why;
}

void smtp_gave_up(struct smtp_door *d, const struct sgl_ip *ip)
{
    peers_leave(d->peers, ip);
    atomic_fetch_sub(&d->sessions_now, 1);
}

void smtp_session_begin(struct smtp_session *s, struct smtp_loop *on, struct sgl_smtp_server *smtp,
                        const struct sgl_ip *ip)
{
    s->on = on;
    s->door = on->door;
    s->smtp = smtp;
    s->ip = *ip;
    s->counted = true;
    enlist(s);
    atomic_fetch_add(&s->door->sessions, 1);
}

bool smtp_session_open(struct smtp_session *s, int fd, bool implicit, unsigned idle_s)
{
    SSL *tls = implicit && s->door->tls != NULL ? tls_server_session(s->door->tls) : NULL;

    if (implicit && tls == NULL) {
        close(fd);
        smtp_session_free(s);
        return false;
    }
    s->stream = stream_new(s->on->loop, fd, tls, &events, s);
    if (s->stream == NULL) {
        smtp_session_free(s);
        return false;
    }
    if (implicit)
        atomic_fetch_add(&s->door->tls_sessions, 1);
    /* The engine's deadlines come first; the stream's own is for a peer that takes no output. */
    stream_idle_timeout(s->stream, (uint64_t)idle_s * 1000 + IDLE_SLACK_MS);
    return true;
}

void smtp_session_greet(struct smtp_session *s)
{
    settle(s, true);
}

/* ---- for its mail ------------------------------------------------------------------------------------------------ */

sgl_view smtp_session_protocol(const struct smtp_session *s, bool utf8)
{
    static const sgl_view names[2][2][2] = {
        {{SGL_LIT_INIT("ESMTP"), SGL_LIT_INIT("ESMTPA")},
         {SGL_LIT_INIT("ESMTPS"), SGL_LIT_INIT("ESMTPSA")}},
        {{SGL_LIT_INIT("UTF8SMTP"), SGL_LIT_INIT("UTF8SMTPA")},
         {SGL_LIT_INIT("UTF8SMTPS"), SGL_LIT_INIT("UTF8SMTPSA")}}};

    if (!sgl_smtp_server_is_extended(s->smtp))
        return SGL_LIT("SMTP");
    return names[utf8][sgl_smtp_server_is_tls(s->smtp)][sgl_smtp_server_is_authenticated(s->smtp)];
}

sgl_view smtp_session_tls_text(const struct smtp_session *s, char *out, size_t size)
{
    SSL *tls = stream_tls(s->stream);

    if (tls == NULL)
        return SGL_LIT("");
    snprintf(out, size, "%s %s", tls_version_text(tls), tls_cipher_text(tls));
    return sgl_view_cstr(out);
}

/* ---- patience, drain --------------------------------------------------------------------------------------------- */

void smtp_session_sweep(struct smtp_loop *on)
{
    uint64_t now = clock_mono_ms();

    for (struct smtp_session *s = on->first, *next; s != NULL; s = next) {
        next = s->next;
        if (s->deadline_ms != 0 && s->deadline_ms <= now && s->stream != NULL && !s->closing)
            settle(s, true);
    }
}

void smtp_session_drain_all(struct smtp_loop *on)
{
    for (struct smtp_session *s = on->first, *next; s != NULL; s = next) {
        next = s->next;
        if (s->stream == NULL || s->closing)
            continue;
        sgl_smtp_server_shut_down(s->smtp, "4.3.2", "this server is going down");
        (void)take_events(s);
        settle(s, true);
    }
}
