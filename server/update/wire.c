/* SPDX-License-Identifier: Apache-2.0 */
/* Messages over TCP, each behind its length.  [RFC 1035 s4.2.2] */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../loop/loop.h"
#include "update_internal.h"

/* NULL: it is ready. */
static const char *wait_for(const struct wire *w, short what)
{
    struct pollfd p = {.fd = w->fd, .events = what};
    int n;

    for (;;) {
        uint64_t now = clock_mono_ms();

        if (now >= w->deadline_ms)
            return "no answer in time";
        n = poll(&p, 1, (int)(w->deadline_ms - now));
        if (n > 0)
            return NULL;
        if (n < 0 && errno != EINTR)
            return "the connection could not be waited for";
    }
}

static const char *connected(struct wire *w)
{
    const char *why = wait_for(w, POLLOUT);
    int error = 0;
    socklen_t len = sizeof(error);

    if (why != NULL)
        return why;
    if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return "no connection";
    return error == 0 ? NULL : error == ECONNREFUSED ? "connection refused" : "no connection";
}

const char *wire_open(struct wire *w, const struct config_address *server, unsigned timeout_ms)
{
    w->deadline_ms = clock_mono_ms() + timeout_ms;
    w->fd = socket(server->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (w->fd < 0)
        return "no socket";
    if (connect(w->fd, (const struct sockaddr *)&server->addr, server->len) == 0)
        return NULL;
    if (errno == EINPROGRESS)
        return connected(w);
    return errno == ECONNREFUSED ? "connection refused" : "no connection";
}

static bool try_again(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static const char *put(const struct wire *w, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(w->fd, bytes, len, MSG_NOSIGNAL);
        const char *why;

        if (n < 0 && !try_again())
            return "the connection was closed";
        why = n < 0 ? wait_for(w, POLLOUT) : NULL;
        if (why != NULL)
            return why;
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return NULL;
}

static const char *get(const struct wire *w, uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = recv(w->fd, bytes, len, 0);
        const char *why;

        if (n == 0 || (n < 0 && !try_again()))
            return "the connection was closed";
        why = n < 0 ? wait_for(w, POLLIN) : NULL;
        if (why != NULL)
            return why;
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return NULL;
}

const char *wire_exchange(struct wire *w, const uint8_t *message, size_t len)
{
    uint8_t head[2] = {(uint8_t)(len >> 8), (uint8_t)len};
    const char *why = len > MESSAGE_MAX ? "the message is too long" : put(w, head, 2);

    if (why == NULL)
        why = put(w, message, len);
    if (why == NULL)
        why = get(w, head, 2);
    if (why != NULL)
        return why;
    w->answer_len = (size_t)head[0] << 8 | head[1];
    return get(w, w->answer, w->answer_len);
}

void wire_close(struct wire *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}
