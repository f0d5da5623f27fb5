/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 8   /* so that the loops which share the socket share the clients, too */
#define STARVED_PAUSE_MS 200 /* no descriptors left: look again after this */

struct listener {
    struct loop *loop;
    int fd;
    struct event readable;
    struct event again;
    bool paused;
    bool accepting, freed; /* listener_free() inside the callback leaves the struct to its caller */
    void (*accepted)(void *ctx, int fd, const struct sockaddr *peer, socklen_t peer_len);
    void *ctx;
};

static void starve(struct listener *l)
{
    struct timeval wait = {0, STARVED_PAUSE_MS * 1000};

    event_del(&l->readable);
    event_add(&l->again, &wait);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    struct listener *l = arg;

    (void)fd;
    (void)what;
    if (!l->paused)
        event_add(&l->readable, NULL);
}

static void on_readable(evutil_socket_t listening, short what, void *arg)
{
    struct listener *l = arg;

    (void)what;
    l->accepting = true;
    for (int i = 0; i < ACCEPTS_PER_TURN && !l->freed && !l->paused; i++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof(peer);
        int fd = accept4(listening, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            l->accepted(l->ctx, fd, (struct sockaddr *)&peer, len);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            starve(l);
        if (errno != ECONNABORTED && errno != EINTR)
            break;
    }
    l->accepting = false;
    if (l->freed)
        free(l);
}

struct listener *listener_new(struct loop *loop, int fd,
                              void (*accepted)(void *ctx, int fd, const struct sockaddr *peer,
                                               socklen_t peer_len),
                              void *ctx)
{
    struct listener *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return NULL;
    l->loop = loop;
    l->fd = fd;
    l->accepted = accepted;
    l->ctx = ctx;
    evutil_make_socket_nonblocking(fd);
    event_assign(&l->readable, loop_base(loop), fd, EV_READ | EV_PERSIST, on_readable, l);
    event_assign(&l->again, loop_base(loop), -1, EV_TIMEOUT, on_again, l);
    if (event_add(&l->readable, NULL) == 0)
        return l;
    free(l);
    return NULL;
}

void listener_pause(struct listener *l)
{
    l->paused = true;
    event_del(&l->readable);
    event_del(&l->again);
}

void listener_free(struct listener *l)
{
    if (l == NULL)
        return;
    event_del(&l->readable);
    event_del(&l->again);
    l->freed = true;
    if (!l->accepting)
        free(l);
}
