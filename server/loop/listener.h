/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting connections on a socket that the supervisor bound. */
#ifndef SERVER_LOOP_LISTENER_H
#define SERVER_LOOP_LISTENER_H

#include <sys/socket.h>

#include "loop.h"

struct listener;

/* accepted(): a new non-blocking, close-on-exec fd and its peer, on the listener's loop. Several listeners (one per loop) may share one listening fd. */
struct listener *listener_new(struct loop *loop, int fd,
                              void (*accepted)(void *ctx, int fd, const struct sockaddr *peer,
                                               socklen_t peer_len),
                              void *ctx);
void listener_pause(struct listener *l); /* stops accepting, for good: a drain */
void listener_free(struct listener *l);

#endif
