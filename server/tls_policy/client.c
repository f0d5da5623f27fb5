/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: one question at a time each; what comes meanwhile waits in the kernel. */
#include <stdlib.h>
#include <unistd.h>

#include "../log/log.h"
#include "internal.h"
#include "netstring.h"

/* ---- the end of one ---- */

static void client_gone(struct loop_later *later)
{
    free((struct client *)(void *)((char *)later - offsetof(struct client, gone)));
}

static void tell_gone(struct loop_later *later)
{
    struct tls_policy *t =
        (struct tls_policy *)(void *)((char *)later - offsetof(struct tls_policy, later));

    t->gone(t->gone_ctx);
}

/* Callbacks of its stream may be below us on the stack: the memory goes later. */
static void client_end(struct client *c)
{
    struct tls_policy *t = c->room;

    inquiry_end(&c->inquiry);
    sgl_buf_done(&c->inquiry.reply);
    stream_free(c->stream);
    c->stream = NULL;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        t->first = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    t->clients--;
    if (t->draining && t->clients == 0)
        loop_later(t->config.loop, &t->later);
    c->gone = (struct loop_later){.run = client_gone};
    loop_later(t->config.loop, &c->gone);
}

/* ---- questions and answers ---- */

static void write_reply(struct client *c, sgl_view reply)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(ANSWER_MAX + 16);

    netstring_put(&out, reply);
    if (out.status == SGL_OK)
        stream_write(c->stream, sgl_buf_view(&out));
}

static void on_answer(struct inquiry *q)
{
    struct client *c = (struct client *)(void *)((char *)q - offsetof(struct client, inquiry));

    c->waits = false;
    write_reply(c, sgl_buf_view(&q->reply));
    sgl_buf_done(&q->reply);
    sgl_buf_init(&q->reply, ANSWER_MAX);
    if (c->room->draining)
        stream_close_after_write(c->stream);
    else
        stream_resume(c->stream);
}

static size_t on_input(void *ctx, sgl_view bytes)
{
    struct client *c = ctx;
    size_t used = 0;
    sgl_view text;

    switch (netstring_read(bytes, QUESTION_MAX, &text, &used)) {
    case NETSTRING_MORE:
        return 0;
    case NETSTRING_BROKEN:
    case NETSTRING_TOO_LONG: /* where the next one would begin nobody knows */
        write_reply(c, SGL_LIT("PERM this is no lookup"));
        stream_close_after_write(c->stream);
        return bytes.len;
    case NETSTRING_OK:
        break;
    }
    c->waits = true;
    stream_pause(c->stream);
    inquiry_begin(&c->inquiry, text);
    return used;
}

static void on_ended(void *ctx, enum stream_end why)
{
    (void)why;
    client_end(ctx);
}

static const struct stream_events client_events = {.input = on_input, .ended = on_ended};

/* ---- the room ---- */

static void on_accepted(void *ctx, int fd, const struct sockaddr *peer, socklen_t peer_len)
{
    struct tls_policy *t = ctx;
    struct client *c = NULL;

    (void)peer;
    (void)peer_len;
    if (t->clients < TLS_POLICY_CLIENTS_MAX)
        c = calloc(1, sizeof *c);
    else
        log_line(LOG_WARN_, "too many clients", LOG_INT("clients", t->clients));
    if (c == NULL) { /* Postfix takes a connection that ends as TEMP */
        close(fd);
        return;
    }
    c->room = c->inquiry.room = t;
    c->inquiry.done = on_answer;
    sgl_buf_init(&c->inquiry.reply, ANSWER_MAX);
    c->stream = stream_new(t->config.loop, fd, NULL, &client_events, c);
    if (c->stream == NULL) {
        free(c);
        return;
    }
    stream_idle_timeout(c->stream, TLS_POLICY_IDLE_MS);
    c->next = t->first;
    if (t->first != NULL)
        t->first->prev = c;
    t->first = c;
    t->clients++;
}

struct tls_policy *tls_policy_new(const struct tls_policy_config *config)
{
    struct tls_policy *t = calloc(1, sizeof *t);

    if (t != NULL)
        t->config = *config;
    return t;
}

bool tls_policy_listen(struct tls_policy *t, int fd)
{
    if (t->listeners < LISTENERS_MAX)
        t->listener[t->listeners] = listener_new(t->config.loop, fd, on_accepted, t);
    if (t->listeners == LISTENERS_MAX || t->listener[t->listeners] == NULL) {
        close(fd);
        return false;
    }
    t->fd[t->listeners++] = fd;
    return true;
}

void tls_policy_drain(struct tls_policy *t, void (*gone)(void *ctx), void *ctx)
{
    struct client *next;

    t->draining = true;
    t->gone = gone;
    t->gone_ctx = ctx;
    t->later = (struct loop_later){.run = tell_gone};
    for (size_t i = 0; i < t->listeners; i++)
        listener_pause(t->listener[i]);
    if (t->clients == 0)
        loop_later(t->config.loop, &t->later);
    for (struct client *c = t->first; c != NULL; c = next) {
        next = c->next;
        if (!c->waits)
            client_end(c);
    }
}

void tls_policy_free(struct tls_policy *t)
{
    if (t == NULL)
        return;
    while (t->first != NULL) {
        struct client *c = t->first;

        client_end(c);
        loop_later_cancel(&c->gone);
        free(c);
    }
    loop_later_cancel(&t->later);
    for (size_t i = 0; i < t->listeners; i++) {
        listener_free(t->listener[i]);
        close(t->fd[i]);
    }
    free(t);
}
