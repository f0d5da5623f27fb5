/* SPDX-License-Identifier: Apache-2.0 */
/* A listener for every socket on every loop, and the way out. */
#include "door.h"

#include <event2/event.h>
#include <stdlib.h>

enum { SWEEP_S = 1 };

struct smtp_acceptor {
    struct smtp_loop *on;
    size_t listen;
    struct listener *listener;
};

static void on_accept(void *ctx, int fd, const struct sockaddr *peer, socklen_t peer_len)
{
    const struct smtp_acceptor *a = ctx;

    (void)peer_len;
    a->on->door->kind->accept(a->on, a->listen, fd, peer);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct smtp_loop *on = arg;
    struct smtp_door *d = on->door;
    uint64_t now = clock_mono_ms();

    (void)fd;
    (void)what;
    smtp_session_sweep(on);
    if (on != d->loop)
        return;
    peers_sweep(d->peers, now);
    if (d->kind->swept != NULL)
        d->kind->swept(d, now);
}

static bool prepare_loop(struct smtp_door *d, size_t i, struct loop *loop)
{
    static const struct timeval every = {SWEEP_S, 0};
    struct smtp_loop *on = &d->loop[i];

    *on = (struct smtp_loop){.door = d, .loop = loop};
    event_assign(&on->sweep, loop_base(loop), -1, EV_PERSIST, on_sweep, on);
    return event_add(&on->sweep, &every) == 0;
}

bool smtp_door_init(struct smtp_door *d, const struct smtp_kind *kind, struct tls_server *tls,
                    struct loop *const *loop, size_t loops, size_t sockets)
{
    pthread_mutex_init(&d->lock, NULL);
    d->kind = kind;
    d->tls = tls;
    d->peers = peers_new();
    d->loop = calloc(loops, sizeof *d->loop);
    d->acceptors_max = loops * sockets;
    d->acceptor = calloc(d->acceptors_max + 1, sizeof *d->acceptor);
    if (d->peers == NULL || d->loop == NULL || d->acceptor == NULL)
        return false;
    for (; d->loops < loops; d->loops++) {
        if (!prepare_loop(d, d->loops, loop[d->loops]))
            return false;
    }
    return true;
}

bool smtp_door_listen(struct smtp_door *d, int fd, size_t listen)
{
    for (size_t k = 0; k < d->loops && d->acceptors < d->acceptors_max; k++) {
        struct smtp_acceptor *a = &d->acceptor[d->acceptors];

        *a = (struct smtp_acceptor){.on = &d->loop[k], .listen = listen};
        a->listener = listener_new(d->loop[k].loop, fd, on_accept, a);
        if (a->listener == NULL)
            return false;
        d->acceptors++;
    }
    return true;
}

/* ---- drain, end -------------------------------------------------------------------------------------------------- */

void smtp_door_session_gone(struct smtp_door *d)
{
    void (*drained)(void *ctx) = NULL;

    pthread_mutex_lock(&d->lock);
    if (d->drained != NULL && d->loops_draining == d->loops && atomic_load(&d->sessions_now) == 0) {
        drained = d->drained;
        d->drained = NULL;
    }
    pthread_mutex_unlock(&d->lock);
    if (drained != NULL)
        drained(d->drained_ctx);
}

static void drain_loop(struct loop_task *task)
{
    struct smtp_loop *on =
        (struct smtp_loop *)(void *)((char *)task - offsetof(struct smtp_loop, drain));
    struct smtp_door *d = on->door;

    for (size_t i = 0; i < d->acceptors; i++) {
        if (d->acceptor[i].on == on)
            listener_pause(d->acceptor[i].listener);
    }
    smtp_session_drain_all(on);
    pthread_mutex_lock(&d->lock);
    d->loops_draining += !on->draining;
    on->draining = true;
    pthread_mutex_unlock(&d->lock);
    smtp_door_session_gone(d);
}

void smtp_door_drain(struct smtp_door *d, void (*done)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&d->lock);
    d->drained = done;
    d->drained_ctx = ctx;
    pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < d->loops; i++) {
        d->loop[i].drain.run = drain_loop;
        loop_post(d->loop[i].loop, &d->loop[i].drain);
    }
}

void smtp_door_done(struct smtp_door *d)
{
    for (size_t i = 0; i < d->acceptors; i++)
        listener_free(d->acceptor[i].listener);
    for (size_t i = 0; i < d->loops; i++) {
        event_del(&d->loop[i].sweep);
        while (d->loop[i].first != NULL)
            smtp_session_free(d->loop[i].first);
    }
    free(d->acceptor);
    free(d->loop);
    peers_free(d->peers);
    pthread_mutex_destroy(&d->lock);
}
