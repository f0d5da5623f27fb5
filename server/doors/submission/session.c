/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection.  Bytes go to the engine, its events to whom they concern, and all that it says in one turn goes out in one write.
 *
 * An answer may come later (a password is being checked, a message made durable): then the stream is paused, and session_go_on() takes up the thread.
 * When the client leaves meanwhile the session stays, without a stream, until the answer has come.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../log/log.h"
#include "internal.h"

enum { OUTPUT_HIGH = 64 * 1024, IDLE_SLACK_MS = 30 * 1000 };

const struct config *session_config(const struct session *s)
{
    return s->generation->config;
}

sgl_view session_peer(const struct session *s, char out[SESSION_PEER_SIZE])
{
    if (!s->local)
        return sgl_ip_text(&s->ip, out);
    snprintf(out, SESSION_PEER_SIZE, "unix:uid=%" PRIu32, s->uid);
    return sgl_view_cstr(out);
}

void session_answer(struct session *s, uint16_t code, const char *enhanced, const char *text)
{
    if (sgl_smtp_server_answer(s->smtp, code, sgl_view_cstr(enhanced), sgl_view_cstr(text)) !=
        SGL_OK)
        log_line(LOG_ERROR_, "answer out of turn", LOG_INT("code", code));
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void enlist(struct session *s)
{
    s->next = s->on->first;
    if (s->next != NULL)
        s->next->prev = s;
    s->on->first = s;
}

static void delist(struct session *s)
{
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        s->on->first = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
}

void session_free(struct session *s)
{
    struct submission_door *d = s->door;

    delist(s);
    stream_free(s->stream);
    mail_free(s);
    auth_free(s);
    sgl_smtp_server_free(s->smtp);
    identity_unref(s->who);
    generation_unref(s->generation);
    if (s->counted)
        peers_leave(d->peers, &s->ip);
    free(s->hello);
    free(s);
    atomic_fetch_sub(&d->sessions_now, 1);
    door_session_gone(d);
}

/* The stream is over; what still waits for an answer keeps the session until then. */
static void lose_stream(struct session *s)
{
    stream_free(s->stream);
    s->stream = NULL;
    s->closing = true;
    s->deadline_ms = 0;
    if (!mail_pending(s) && !auth_pending(s))
        session_free(s);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static void on_hello(struct session *s, sgl_view name)
{
    free(s->hello);
    s->hello = strndup((const char *)name.ptr, name.len);
}

static void on_close(struct session *s, const struct sgl_smtp_server_event *e)
{
    char peer[SESSION_PEER_SIZE];

    s->closing = true;
    if (e->reason == SGL_SMTP_CLOSE_TIMEOUT)
        atomic_fetch_add(&s->door->timeouts, 1);
    if (e->reason != SGL_SMTP_CLOSE_QUIT)
        log_line(LOG_INFO_, "session closed", LOG_STR("door", "submission"),
                 LOG_VIEW("peer", session_peer(s, peer)), LOG_STR("why", e->text));
}

static void on_event(struct session *s, const struct sgl_smtp_server_event *e)
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
        auth_event(s, e);
        break;
    case SGL_SMTP_SERVER_MAIL:
    case SGL_SMTP_SERVER_RCPT:
    case SGL_SMTP_SERVER_BODY:
    case SGL_SMTP_SERVER_CHUNK:
    case SGL_SMTP_SERVER_MESSAGE:
    case SGL_SMTP_SERVER_RESET:
        mail_event(s, e);
        break;
    case SGL_SMTP_SERVER_CLOSE:
        on_close(s, e);
        break;
    case SGL_SMTP_SERVER_NONE:
        break;
    }
}

static bool take_events(struct session *s)
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

static size_t feed_all(struct session *s, sgl_view bytes)
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
static void write_out(struct session *s)
{
    sgl_view out;

    if (!sgl_smtp_server_pull(s->smtp, &out))
        return;
    stream_write(s->stream, out);
}

static void pause_or_go(struct session *s)
{
    bool wait = sgl_smtp_server_wait(s->smtp) == SGL_SMTP_SERVER_WANTS_ANSWER ||
                stream_pending(s->stream) > OUTPUT_HIGH;

    if (wait && !s->paused)
        stream_pause(s->stream);
    else if (!wait && s->paused)
        stream_resume(s->stream);
    s->paused = wait;
}

static void start_tls(struct session *s)
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
static void settle(struct session *s, bool rest)
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
    struct session *s = ctx;
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

void session_go_on(struct session *s)
{
    if (s->running) /* an answer within the call that asked */
        return;
    if (s->stream == NULL) {
        if (!mail_pending(s) && !auth_pending(s))
            session_free(s);
        return;
    }
    (void)take_events(s);
    settle(s, true);
}

static void on_drained(void *ctx)
{
    struct session *s = ctx;

    if (!s->closing && s->paused)
        pause_or_go(s);
}

static void on_ended(void *ctx, enum stream_end why)
{
    struct session *s = ctx;

    if (why == STREAM_TLS) {
        char peer[SESSION_PEER_SIZE];

        atomic_fetch_add(&s->door->tls_failures, 1);
        log_line(LOG_INFO_, "TLS failed", LOG_STR("door", "submission"),
                 LOG_VIEW("peer", session_peer(s, peer)),
                 LOG_STR("why", stream_tls_error(s->stream)));
    }
    lose_stream(s);
}

static const struct stream_events events = {on_input, on_drained, NULL, on_ended};

/* ---- a new one --------------------------------------------------------------------------------------------------- */

static struct sgl_ip ip_of(const struct sockaddr *peer)
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

static bool trusts(const struct config_listen *l, const struct sgl_ip *ip)
{
    for (size_t i = 0; i < l->trusts; i++) {
        const struct config_network *n = &l->trust[i];
        struct sgl_ip_prefix prefix = {.ip = n->family == AF_INET ? sgl_ip_v4(n->bytes)
                                                                  : sgl_ip_v6(n->bytes),
                                       .bits = (uint8_t)n->prefix};

        if (sgl_ip_in_prefix(ip, &prefix))
            return true;
    }
    return false;
}

static void trust(struct session *s, const struct config_listen *l)
{
    if (l->trust_credential == NULL || !trusts(l, &s->ip))
        return;
    s->who = directory_credential(s->door->directory, sgl_view_cstr(l->trust_credential));
    if (s->who != NULL)
        sgl_smtp_server_trust(s->smtp);
    else
        log_line(LOG_WARN_, "trusted network without its credential", LOG_STR("listen", l->name),
                 LOG_STR("credential", l->trust_credential));
}

/* Costs as little as it can: one send, no session. */
static void turn_away(struct submission_door *d, const struct config_listen *l, int fd,
                      const char *code, const char *text)
{
    static const struct linger at_once = {0, 0};
    char line[256];
    int n = snprintf(line, sizeof line, "%s %s\r\n", code, text);

    atomic_fetch_add(&d->refused, 1);
    if (l->tls != LISTEN_IMPLICIT && n > 0)
        (void)!send(fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    else
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

static struct generation *current(struct submission_door *d)
{
    struct generation *g;

    pthread_mutex_lock(&d->lock);
    g = generation_ref(d->generation);
    pthread_mutex_unlock(&d->lock);
    return g;
}

static const char *no_room(struct submission_door *d, const struct config *c,
                           const struct sgl_ip *ip)
{
    if (atomic_fetch_add(&d->sessions_now, 1) >= c->limits.connections)
        return "too many connections";
    if (!peers_enter(d->peers, ip, c->limits.connections_per_address))
        return "too many connections from your address";
    return NULL;
}

static struct session *make(struct door_loop *on, struct generation *g, size_t listen,
                            const struct sgl_ip *ip)
{
    struct session *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->smtp = sgl_smtp_server_new(generation_smtp(g, on->door, listen),
                                  generation_listen(g, listen)->tls == LISTEN_IMPLICIT);
    if (s->smtp == NULL) {
        free(s);
        return NULL;
    }
    s->on = on;
    s->door = on->door;
    s->generation = generation_ref(g);
    s->ip = *ip;
    s->counted = true;
    enlist(s);
    return s;
}

static void begin(struct session *s, size_t listen, int fd)
{
    const struct config_listen *l = generation_listen(s->generation, listen);
    bool implicit = l->tls == LISTEN_IMPLICIT;
    SSL *tls = implicit && s->door->tls != NULL ? tls_server_session(s->door->tls) : NULL;

    if (implicit && tls == NULL) {
        close(fd);
        session_free(s);
        return;
    }
    s->stream = stream_new(s->on->loop, fd, tls, &events, s);
    if (s->stream == NULL) {
        session_free(s);
        return;
    }
    if (implicit)
        atomic_fetch_add(&s->door->tls_sessions, 1);
    /* The engine's deadlines come first; the stream's own is for a peer that takes no output. */
    stream_idle_timeout(s->stream,
                        (uint64_t)session_config(s)->limits.idle_s * 1000 + IDLE_SLACK_MS);
    trust(s, l);
    settle(s, true);
}

/* A client as the kernel tells of it. */
struct client {
    struct sgl_ip ip;
    bool local;
    uint32_t uid;
    struct identity *who; /* of a local process; NULL: not known here */
};

/*
 * Connections are counted by address: a uid has one, too, in a network of its own (peers.c counts networks of IPv6), in the part of the addresses that leads nowhere
 * [RFC 6666].
 */
static void look_at_process(struct submission_door *d, int fd, struct client *c)
{
    uint8_t bytes[16] = {0x01};
    struct ucred cred;
    socklen_t len = sizeof cred;

    c->local = true;
    c->uid = UINT32_MAX;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && len == sizeof cred) {
        c->uid = cred.uid;
        c->who = directory_process(d->directory, cred.uid);
    }
    memcpy(bytes + 4, &c->uid, sizeof c->uid);
    c->ip = sgl_ip_v6(bytes);
}

static void turn_away_process(struct submission_door *d, const struct config_listen *l, int fd,
                              const struct client *c)
{
    char text[160];

    log_line(LOG_INFO_, "local process refused", LOG_INT("uid", c->uid));
    snprintf(text, sizeof text,
             "uid %" PRIu32 " may not send here; an operator lets it: sigillo local add NAME --uid "
             "%" PRIu32 " --domain DOMAIN",
             c->uid, c->uid);
    turn_away(d, l, fd, "554 5.7.1", text);
}

static void greet(struct door_loop *on, struct generation *g, size_t listen, int fd,
                  const struct client *c)
{
    struct submission_door *d = on->door;
    const char *why = no_room(d, g->config, &c->ip);
    struct session *s = NULL;

    if (why == NULL) {
        s = make(on, g, listen, &c->ip);
        if (s == NULL) {
            peers_leave(d->peers, &c->ip);
            why = "out of memory";
        }
    }
    if (s == NULL) {
        atomic_fetch_sub(&d->sessions_now, 1);
        turn_away(d, generation_listen(g, listen), fd, "421 4.7.0", why);
        return;
    }
    atomic_fetch_add(&d->sessions, 1);
    if (c->local) {
        s->local = true;
        s->uid = c->uid;
        s->who = identity_ref(c->who);
        sgl_smtp_server_trust(s->smtp);
    }
    begin(s, listen, fd);
}

void session_accept(struct door_loop *on, size_t listen, int fd, const struct sockaddr *peer)
{
    struct generation *g = current(on->door);
    struct client c = {.ip = {0}};

    if (listen == LISTEN_LOCAL)
        look_at_process(on->door, fd, &c);
    else
        c.ip = ip_of(peer);
    if (c.local && c.who == NULL)
        turn_away_process(on->door, generation_listen(g, listen), fd, &c);
    else
        greet(on, g, listen, fd, &c);
    identity_unref(c.who);
    generation_unref(g);
}

/* ---- patience, drain --------------------------------------------------------------------------------------------- */

void session_sweep(struct door_loop *on)
{
    uint64_t now = clock_mono_ms();

    for (struct session *s = on->first, *next; s != NULL; s = next) {
        next = s->next;
        if (s->deadline_ms != 0 && s->deadline_ms <= now && s->stream != NULL && !s->closing)
            settle(s, true);
    }
}

void session_drain_all(struct door_loop *on)
{
    for (struct session *s = on->first, *next; s != NULL; s = next) {
        next = s->next;
        if (s->stream == NULL || s->closing)
            continue;
        sgl_smtp_server_shut_down(s->smtp, "4.3.2", "this server is going down");
        (void)take_events(s);
        settle(s, true);
    }
}
