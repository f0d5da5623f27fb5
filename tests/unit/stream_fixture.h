/* SPDX-License-Identifier: Apache-2.0 */
/* Two streams at the ends of a socketpair on one loop; the loop runs until a condition holds or a deadline passes. */
#ifndef TESTS_UNIT_STREAM_FIXTURE_H
#define TESTS_UNIT_STREAM_FIXTURE_H

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../server/loop/stream.h"
#include "check.h"

struct end_point {
    struct stream *stream;
    struct loop *loop;
    uint8_t *got;
    size_t got_len;
    size_t take_max; /* of one input() */
    unsigned inputs, drains, readies, ends;
    enum stream_end why;
    bool echo, free_inside, pause_inside, in_call;
    void (*on_input)(struct end_point *e, sgl_view bytes);
    bool (*stop_when)(const struct end_point *e);
    size_t want;
};

static inline void fixture_look(struct end_point *e)
{
    if (e->in_call)
        fail_msg("a callback ran inside the call that caused it");
    if (e->stop_when != NULL && e->stop_when(e))
        loop_stop(e->loop);
}

static inline size_t fixture_input(void *ctx, sgl_view bytes)
{
    struct end_point *e = ctx;
    sgl_view take = sgl_view_sub(bytes, 0, e->take_max);

    e->inputs++;
    e->got = realloc(e->got, e->got_len + take.len + 1);
    memcpy(e->got + e->got_len, take.ptr, take.len);
    e->got_len += take.len;
    if (e->echo)
        stream_write(e->stream, take);
    if (e->pause_inside)
        stream_pause(e->stream);
    if (e->on_input != NULL)
        e->on_input(e, take);
    if (e->free_inside) {
        stream_free(e->stream);
        e->stream = NULL;
    }
    fixture_look(e);
    return take.len;
}

static inline void fixture_drained(void *ctx)
{
    struct end_point *e = ctx;

    e->drains++;
    fixture_look(e);
}

static inline void fixture_ready(void *ctx)
{
    struct end_point *e = ctx;

    e->readies++;
    fixture_look(e);
}

static inline void fixture_ended(void *ctx, enum stream_end why)
{
    struct end_point *e = ctx;

    e->ends++;
    e->why = why;
    fixture_look(e);
}

static const struct stream_events fixture_events = {fixture_input, fixture_drained, fixture_ready,
                                                    fixture_ended};

struct pair {
    struct loop *loop;
    struct end_point a, b;
    int raw; /* with pair_raw(): the other end of a */
    struct event *watchdog;
    bool late;
};

static inline void fixture_late(evutil_socket_t fd, short what, void *arg)
{
    struct pair *p = arg;

    (void)fd;
    (void)what;
    p->late = true;
    loop_stop(p->loop);
}

static inline void pair_loop(struct pair *p)
{
    struct timeval limit = {20, 0};

    memset(p, 0, sizeof(*p));
    p->raw = -1;
    p->loop = loop_new("test");
    p->watchdog = event_new(loop_base(p->loop), -1, EV_TIMEOUT, fixture_late, p);
    event_add(p->watchdog, &limit);
    p->a.loop = p->b.loop = p->loop;
    p->a.take_max = p->b.take_max = SIZE_MAX;
}

static inline void pair_sockets(int fd[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
}

static inline void pair_init(struct pair *p, SSL *a_tls, SSL *b_tls)
{
    int fd[2];

    pair_loop(p);
    pair_sockets(fd);
    p->a.stream = stream_new(p->loop, fd[0], a_tls, &fixture_events, &p->a);
    p->b.stream = stream_new(p->loop, fd[1], b_tls, &fixture_events, &p->b);
    assert_non_null(p->a.stream);
    assert_non_null(p->b.stream);
}

/* Only `a` is a stream; the other end is a plain blocking-free descriptor. */
static inline void pair_raw(struct pair *p)
{
    int fd[2];

    pair_loop(p);
    pair_sockets(fd);
    p->a.stream = stream_new(p->loop, fd[0], NULL, &fixture_events, &p->a);
    p->raw = fd[1];
}

static inline void pair_run(struct pair *p)
{
    loop_run(p->loop);
    CHECK_TRUE("the condition is met in time", !p->late);
}

static inline void pair_done(struct pair *p)
{
    stream_free(p->a.stream);
    stream_free(p->b.stream);
    if (p->raw >= 0)
        close(p->raw);
    event_free(p->watchdog);
    loop_free(p->loop);
    free(p->a.got);
    free(p->b.got);
}

static inline bool got_all(const struct end_point *e)
{
    return e->got_len >= e->want;
}

static inline bool has_ended(const struct end_point *e)
{
    return e->ends > 0;
}

static inline bool is_ready(const struct end_point *e)
{
    return e->readies > 0;
}

/* Bytes that differ from place to place, so that a piece lost or twice is seen. */
static inline uint8_t *pattern(size_t len)
{
    uint8_t *p = malloc(len);
    uint32_t x = 12345;

    for (size_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (uint8_t)(x >> 24);
    }
    return p;
}

#endif
