/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "stream_internal.h"

#define CHUNK_MIN 992 /* with its head about 1 KiB: most replies of a turn fit into one */
#define IOV_MAX_  16

static struct out_chunk *chunk_new(struct out_queue *q, size_t room)
{
    struct out_chunk *c = malloc(sizeof(*c) + room);

    if (c == NULL)
        return NULL;
    c->next = NULL;
    c->ptr = c->bytes;
    c->len = 0;
    c->room = room;
    c->release = NULL;
    c->arg = NULL;
    if (q->last == NULL)
        q->first = c;
    else
        q->last->next = c;
    q->last = c;
    return c;
}

bool out_add(struct out_queue *q, sgl_view bytes)
{
    struct out_chunk *c = q->last;

    if (bytes.len == 0)
        return true;
    if (c == NULL || c->room < bytes.len)
        c = chunk_new(q, bytes.len > CHUNK_MIN ? bytes.len : CHUNK_MIN);
    if (c == NULL)
        return false;
    /* ptr of a chunk with room points into its own bytes */
    memcpy(c->bytes + (c->ptr - c->bytes) + c->len, bytes.ptr, bytes.len);
    c->len += bytes.len;
    c->room -= bytes.len;
    q->len += bytes.len;
    return true;
}

bool out_add_ref(struct out_queue *q, sgl_view bytes, void (*release)(void *arg), void *arg)
{
    struct out_chunk *c;

    if (bytes.len == 0) {
        if (release != NULL)
            release(arg);
        return true;
    }
    c = chunk_new(q, 0);
    if (c == NULL)
        return false;
    c->ptr = bytes.ptr;
    c->len = bytes.len;
    c->release = release;
    c->arg = arg;
    q->len += bytes.len;
    return true;
}

static void drop_first(struct out_queue *q)
{
    struct out_chunk *c = q->first;

    q->first = c->next;
    if (q->first == NULL)
        q->last = NULL;
    if (c->release != NULL)
        c->release(c->arg);
    free(c);
}

void out_consume(struct out_queue *q, size_t n)
{
    q->len -= n;
    while (q->first != NULL && q->first->len <= n) {
        n -= q->first->len;
        drop_first(q);
    }
    if (n > 0) {
        q->first->ptr += n;
        q->first->len -= n;
    }
}

void out_clear(struct out_queue *q)
{
    while (q->first != NULL)
        drop_first(q);
    q->len = 0;
}

ssize_t out_send(struct out_queue *q, int fd)
{
    struct iovec iov[IOV_MAX_];
    struct msghdr msg = {.msg_iov = iov};
    ssize_t n;

    for (struct out_chunk *c = q->first; c != NULL && msg.msg_iovlen < IOV_MAX_; c = c->next) {
        iov[msg.msg_iovlen].iov_base = (void *)(uintptr_t)c->ptr;
        iov[msg.msg_iovlen++].iov_len = c->len;
    }
    n = sendmsg(fd, &msg, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -1;
    out_consume(q, (size_t)n);
    return n;
}
