/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States, as flags:  connecting -> open -> (eof | closing -> shut) -> ending -> ended.  TLS lies across: handshaking -> open.
 *
 * Every entry from the loop (readable, writable, timer, end of turn) raises `depth`, so that stream_free() inside a callback closes at once but leaves the struct to the entry.
 * Reading is switched off lazily: a pause costs nothing unless bytes arrive meanwhile.
 */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "stream_internal.h"

#define LEAVE_MS        5000
#define IDLE_DEFAULT_MS 300000
#define LINGER_MS       2000 /* after our last byte, for what the peer still sends */
#define LINGER_BYTES    (1024 * 1024)
#define SENDS_PER_TURN  8

static void flush(struct stream *s);

/* ---- life ---- */

static void release_all(struct stream *s)
{
    event_del(&s->read_event);
    event_del(&s->write_event);
    event_del(&s->timer);
    loop_later_cancel(&s->later);
    if (s->tls != NULL)
        SSL_free(s->tls);
    s->tls = NULL;
    out_clear(&s->wire);
    out_clear(&s->clear);
    in_done(&s->cipher);
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

static void enter(struct stream *s)
{
    s->depth++;
}

static void leave(struct stream *s)
{
    if (--s->depth > 0 || !s->freed)
        return;
    in_done(&s->in);
    free(s);
}

void stream_free(struct stream *s)
{
    if (s == NULL || s->freed)
        return;
    s->freed = true;
    release_all(s);
    enter(s);
    leave(s);
}

void stream_end_soon(struct stream *s, enum stream_end why)
{
    if (s->ending || s->freed)
        return;
    s->ending = true;
    s->end = why;
    event_del(&s->read_event);
    s->reading = false;
    loop_later(s->loop, &s->later);
}

static void tell_end(struct stream *s)
{
    s->ended = true;
    event_del(&s->read_event);
    event_del(&s->write_event);
    event_del(&s->timer);
    s->events->ended(s->ctx, s->end);
}

/* ---- deadlines ---- */

static void arm(struct stream *s, uint64_t now)
{
    uint64_t wait = s->deadline_ms > now ? s->deadline_ms - now : 1;
    struct timeval tv = {(time_t)(wait / 1000), (suseconds_t)(wait % 1000) * 1000};

    s->timer_ms = s->deadline_ms;
    event_add(&s->timer, &tv);
}

/* Something moved. The timer is set anew only when it would come too late: when it fires early it looks at the deadline. */
static void touch(struct stream *s)
{
    uint64_t now = clock_mono_ms();

    s->deadline_ms = now + s->idle_ms;
    if (s->timer_ms == 0 || s->timer_ms > s->deadline_ms)
        arm(s, now);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct stream *s = arg;
    uint64_t now = clock_mono_ms();

    (void)fd;
    (void)what;
    s->timer_ms = 0;
    if (now < s->deadline_ms)
        arm(s, now);
    else
        stream_end_soon(s, s->shut ? STREAM_EOF : STREAM_TIMEOUT);
}

void stream_idle_timeout(struct stream *s, uint64_t ms)
{
    s->idle_ms = ms;
    if (!s->shut && !s->ended && !s->connecting)
        touch(s);
}

/* ---- input ---- */

static bool wants_input(const struct stream *s)
{
    return !s->paused && !s->ending && !s->ended && !s->freed && !s->closing &&
           s->in.len < STREAM_INPUT_MAX;
}

static void read_on(struct stream *s)
{
    if (s->reading || s->connecting || s->eof || s->ending || s->freed)
        return;
    s->reading = event_add(&s->read_event, NULL) == 0;
}

static void read_off(struct stream *s)
{
    event_del(&s->read_event);
    s->reading = false;
}

static void fail_socket(struct stream *s, int error)
{
    s->error = error;
    s->broken = true;
    out_clear(&s->wire);
    out_clear(&s->clear);
    stream_end_soon(s, STREAM_RESET);
}

/* What input() left after it had switched to TLS was plaintext that somebody put behind STARTTLS. */
static void judge_upgrade(struct stream *s, size_t left)
{
    s->upgraded_inside = false;
    in_done(&s->in);
    if (left == 0)
        return;
    s->tls_error = "plaintext behind STARTTLS";
    stream_end_soon(s, STREAM_TLS);
}

void stream_offer(struct stream *s, sgl_view bytes)
{
    bool kept = s->in.len > 0;
    sgl_view offered = bytes;
    size_t taken;

    if (kept && !in_append(&s->in, bytes)) {
        fail_socket(s, ENOMEM);
        return;
    }
    if (kept)
        offered = sgl_view_of(s->in.data, s->in.len);
    if (offered.len == 0)
        return;
    s->in_input = true;
    taken = s->events->input(s->ctx, offered);
    s->in_input = false;
    assert(taken <= offered.len);
    if (s->freed)
        return;
    if (s->upgraded_inside)
        judge_upgrade(s, offered.len - taken);
    else if (kept)
        in_keep(&s->in, taken);
    else if (!in_append(&s->in, sgl_view_from(bytes, taken)))
        fail_socket(s, ENOMEM);
}

/* The peer sends no more. What we wrote before still goes. */
static void peer_done(struct stream *s)
{
    s->eof = true;
    read_off(s);
    if (s->handshaking && !s->ending) {
        s->tls_error = "connection closed during the TLS handshake";
        stream_end_soon(s, STREAM_TLS);
    } else if (s->shut || stream_pending(s) == 0) {
        stream_end_soon(s, STREAM_EOF);
    }
}

static void linger(struct stream *s, size_t n)
{
    s->lingered += (uint32_t)n;
    if (s->lingered > LINGER_BYTES)
        stream_end_soon(s, STREAM_EOF);
}

static void receive(struct stream *s)
{
    uint8_t *room = loop_scratch(s->loop)->wire;
    ssize_t n = recv(s->fd, room, LOOP_SCRATCH_SIZE, 0);

    if (n < 0) {
        if (errno == EAGAIN || errno == EINTR)
            return;
        if (s->shut)
            stream_end_soon(s, STREAM_EOF);
        else
            fail_socket(s, errno);
        return;
    }
    if (n == 0) {
        peer_done(s);
        return;
    }
    if (s->shut) {
        linger(s, (size_t)n);
        return;
    }
    touch(s);
    if (s->tls != NULL)
        stream_tls_receive(s, sgl_view_of(room, (size_t)n));
    else
        stream_offer(s, sgl_view_of(room, (size_t)n));
    if (!s->freed && s->eof && stream_pending(s) == 0) /* close_notify */
        peer_done(s);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct stream *s = arg;

    (void)fd;
    (void)what;
    if (!wants_input(s) && !s->shut && !s->handshaking) {
        read_off(s);
        return;
    }
    enter(s);
    receive(s);
    leave(s);
}

void stream_pause(struct stream *s)
{
    s->paused = true;
}

void stream_resume(struct stream *s)
{
    s->paused = false;
    if (s->in.len > 0 || s->cipher.len > 0 || (s->tls != NULL && SSL_has_pending(s->tls) == 1)) {
        s->offer = true;
        loop_later(s->loop, &s->later);
    }
    if (wants_input(s))
        read_on(s);
}

/* ---- output ---- */

void stream_flush_soon(struct stream *s)
{
    if (!s->connecting && !s->writing && !s->broken)
        loop_later(s->loop, &s->later);
}

/* All is out: our side of the socket closes, and what the peer still sends is thrown away for a moment, lest a reset destroy our last reply on its way. */
static void shut_down(struct stream *s)
{
    uint8_t *room = loop_scratch(s->loop)->wire;
    ssize_t n;

    s->shut = true;
    shutdown(s->fd, SHUT_WR);
    n = s->eof ? 0 : recv(s->fd, room, LOOP_SCRATCH_SIZE, 0);
    if (n <= 0) {
        stream_end_soon(s, STREAM_EOF);
        return;
    }
    s->idle_ms = LINGER_MS;
    touch(s);
    linger(s, (size_t)n);
    read_on(s);
}

static void wait_writable(struct stream *s)
{
    s->writing = event_add(&s->write_event, NULL) == 0;
    if (!s->writing)
        fail_socket(s, ENOMEM);
}

/* The socket takes no more. What the peer said before it left is still worth reading, unless nobody listens. */
static void stop_sending(struct stream *s, int error)
{
    s->error = error;
    s->broken = true;
    out_clear(&s->wire);
    out_clear(&s->clear);
    if (!s->reading || !wants_input(s))
        stream_end_soon(s, STREAM_RESET);
}

static void send_some(struct stream *s)
{
    for (int i = 0;; i++) {
        ssize_t n;

        if (s->tls != NULL)
            stream_tls_send(s);
        if (s->wire.len == 0 || s->broken)
            return;
        n = i < SENDS_PER_TURN ? out_send(&s->wire, s->fd) : 0;
        if (n < 0) {
            stop_sending(s, errno);
            return;
        }
        if (n == 0) {
            wait_writable(s);
            return;
        }
        touch(s);
    }
}

static void flush(struct stream *s)
{
    bool had = stream_pending(s) > 0;

    if (s->connecting || s->writing || s->broken || s->ended)
        return;
    send_some(s);
    if (s->writing || s->broken || stream_pending(s) > 0)
        return;
    if (had && !s->ending && s->events->drained != NULL)
        s->events->drained(s->ctx);
    if (s->freed || s->ending || stream_pending(s) > 0)
        return;
    if (s->closing && !s->shut) {
        if (s->tls != NULL) {
            stream_tls_close_notify(s);
            send_some(s);
        }
        shut_down(s);
    } else if (s->eof) {
        stream_end_soon(s, STREAM_EOF);
    }
}

static void connected(struct stream *s)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error != 0) {
        s->error = error;
        stream_end_soon(s, STREAM_REFUSED);
        return;
    }
    s->connecting = false;
    touch(s);
    read_on(s);
    stream_flush_soon(s);
    if (s->events->ready != NULL)
        s->events->ready(s->ctx);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct stream *s = arg;

    (void)fd;
    (void)what;
    enter(s);
    s->writing = false;
    if (s->connecting)
        connected(s);
    else
        flush(s);
    leave(s);
}

/* The end of a turn in which something was noted: input again, then output, then the end. */
static void on_later(struct loop_later *later)
{
    struct stream *s = (struct stream *)((char *)later - offsetof(struct stream, later));

    enter(s);
    if (s->offer && !s->ending) {
        s->offer = false;
        if (s->tls != NULL)
            stream_tls_receive(s, sgl_view_of(NULL, 0));
        else if (!s->paused && !s->closing)
            stream_offer(s, sgl_view_of(NULL, 0));
        if (!s->freed && wants_input(s))
            read_on(s);
    }
    if (!s->freed)
        flush(s);
    if (!s->freed && s->ending && !s->ended)
        tell_end(s);
    leave(s);
}

void stream_write(struct stream *s, sgl_view bytes)
{
    if (s->broken || s->closing || s->ended || s->freed)
        return;
    if (!out_add(s->tls != NULL ? &s->clear : &s->wire, bytes)) {
        fail_socket(s, ENOMEM);
        return;
    }
    stream_flush_soon(s);
}

void stream_write_ref(struct stream *s, sgl_view bytes, void (*release)(void *arg), void *arg)
{
    bool closed = s->broken || s->closing || s->ended || s->freed;

    if (!closed && out_add_ref(s->tls != NULL ? &s->clear : &s->wire, bytes, release, arg)) {
        stream_flush_soon(s);
        return;
    }
    if (release != NULL)
        release(arg);
    if (!closed)
        fail_socket(s, ENOMEM);
}

size_t stream_pending(const struct stream *s)
{
    return s->wire.len + s->clear.len;
}

void stream_close_after_write(struct stream *s)
{
    if (s->closing || s->ended)
        return;
    s->closing = true;
    s->offer = false;
    if (s->broken)
        stream_end_soon(s, STREAM_RESET);
    else
        stream_flush_soon(s);
}

static size_t nobody_reads(void *ctx, sgl_view bytes)
{
    (void)ctx;
    return bytes.len;
}

static void left_ended(void *ctx, enum stream_end why)
{
    (void)why;
    stream_free(ctx);
}

void stream_leave(struct stream *s)
{
    static const struct stream_events nobody = {.input = nobody_reads, .ended = left_ended};

    if (s == NULL || s->ended) {
        stream_free(s);
        return;
    }
    s->events = &nobody;
    s->ctx = s;
    stream_idle_timeout(s, LEAVE_MS);
    stream_close_after_write(s);
}

/* ---- making one ---- */

static struct stream *make(struct loop *loop, int fd, const struct stream_events *events, void *ctx)
{
    struct stream *s = fd < 0 ? NULL : calloc(1, sizeof(*s));
    int one = 1;

    if (s == NULL)
        return NULL;
    s->loop = loop;
    s->events = events;
    s->ctx = ctx;
    s->fd = fd;
    s->later.run = on_later;
    s->idle_ms = IDLE_DEFAULT_MS;
    s->tls_error = "";
    event_assign(&s->read_event, loop_base(loop), fd, EV_READ | EV_PERSIST, on_readable, s);
    event_assign(&s->write_event, loop_base(loop), fd, EV_WRITE, on_writable, s);
    event_assign(&s->timer, loop_base(loop), -1, EV_TIMEOUT, on_timer, s);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* we gather writes ourselves */
    return s;
}

struct stream *stream_new(struct loop *loop, int fd, SSL *tls, const struct stream_events *events,
                          void *ctx)
{
    struct stream *s = make(loop, fd, events, ctx);

    if (s == NULL) {
        SSL_free(tls);
        close(fd);
        return NULL;
    }
    if (tls != NULL && !stream_tls_attach(s, tls)) {
        stream_free(s);
        return NULL;
    }
    touch(s);
    read_on(s);
    return s;
}

struct stream *stream_connect(struct loop *loop, const struct sockaddr *to, socklen_t to_len,
                              const struct sockaddr *source, socklen_t source_len,
                              uint64_t timeout_ms, const struct stream_events *events, void *ctx)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int opened = fd >= 0 ? 0 : errno;
    int one = 1;
    struct stream *s;

    if (fd < 0) /* the failure is told like any other, on a stream that stands in */
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    s = make(loop, fd, events, ctx);
    if (s == NULL) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    s->connecting = true;
    s->idle_ms = timeout_ms;
    s->error = opened;
    if (opened == 0 && source != NULL) {
        if (source->sa_family == AF_INET || source->sa_family == AF_INET6)
            setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
        if (bind(fd, source, source_len) != 0)
            s->error = errno;
    }
    if (s->error == 0 && connect(fd, to, to_len) != 0 && errno != EINPROGRESS)
        s->error = errno;
    touch(s);
    if (s->error == 0)
        s->writing = event_add(&s->write_event, NULL) == 0;
    if (s->error != 0 || !s->writing)
        stream_end_soon(s, STREAM_REFUSED);
    s->idle_ms = IDLE_DEFAULT_MS; /* from ready() on; the first deadline stands */
    return s;
}

bool stream_start_tls(struct stream *s, SSL *tls)
{
    bool clean = s->in_input || s->in.len == 0;

    if (!clean) {
        s->tls_error = "plaintext behind STARTTLS";
        SSL_free(tls);
        return false;
    }
    s->upgraded_inside = s->in_input;
    if (!stream_tls_attach(s, tls))
        fail_socket(s, ENOMEM);
    return true;
}

SSL *stream_tls(const struct stream *s)
{
    return s->tls;
}

const char *stream_tls_error(const struct stream *s)
{
    return s->tls_error;
}

bool stream_local(const struct stream *s, struct sockaddr_storage *out)
{
    socklen_t len = sizeof *out;

    memset(out, 0, sizeof *out);
    return s->fd >= 0 && getsockname(s->fd, (struct sockaddr *)out, &len) == 0;
}

int stream_errno(const struct stream *s)
{
    return s->error;
}
