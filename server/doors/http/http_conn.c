/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections and their limits.
 *
 * A connection: open -> receiving (started_ms set by its first byte) -> request (handed to a handler) -> open again, or closed.
 * While receiving it may be refused: too large, too slow, or no memory left; then it gets its answer at once, and is closed when its sender has heard it.  Closed at once, what he
 * still sends would be answered with a reset, which may overtake the answer; so what comes is thrown away until he closes, for a while and not without end.
 */
#include "http_internal.h"

#include <event2/bufferevent_ssl.h>
#include <stdlib.h>
#include <sys/socket.h>

#define RECEIVE_TIMES_IDLE                                                                         \
    6 /* a request may take so many idle times from its first byte to its last */

#define HEAD_PEEK    4096
#define LINGER_MS    10000
#define LINGER_TIMES 4 /* so many of the largest requests are thrown away */

static size_t bucket_of(const struct bufferevent *bev)
{
    return ((uintptr_t)bev >> 6) % HTTP_CONN_BUCKETS;
}

struct http_conn *http_conn_find(struct http *http, const struct bufferevent *bev)
{
    struct http_conn *c = http->conn[bucket_of(bev)];

    while (c != NULL && c->bev != bev)
        c = c->next;
    return c;
}

static bool conn_is_gone(const struct http_conn *c)
{
    bufferevent_event_cb event = NULL;

    bufferevent_getcb(c->bev, NULL, NULL, &event, NULL);
    return event == NULL;
}

/* The connection's bytes are no longer held, or they belong to its request now. */
size_t http_conn_take_bytes(struct http_conn *c)
{
    size_t bytes = c->bytes;

    c->bytes = 0;
    c->started_ms = 0;
    c->shape = NULL;
    return bytes;
}

static void input_counted(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg);

static void conn_release(struct http *http, struct http_conn *c)
{
    http->bytes -= http_conn_take_bytes(c);
    http->conns--;
    evbuffer_remove_cb(bufferevent_get_input(c->bev), input_counted, c);
    bufferevent_decref(c->bev);
    free(c);
}

static void conn_close(const struct http_conn *c)
{
    bufferevent_trigger_event(c->bev, BEV_EVENT_READING | BEV_EVENT_EOF, BEV_TRIG_DEFER_CALLBACKS);
}

/* Answers a connection whose request has not come in whole; nothing more will be sent on it. */
static void conn_refuse(struct http_conn *c, int status, const char *code, const char *detail)
{
    const struct http_problem p = {status, code, NULL, detail};
    char text[2048];
    size_t len = http_raw_problem(c->shape, &p, text, sizeof(text));
    SSL *ssl = c->listener->tls == NULL ? NULL : bufferevent_openssl_get_ssl(c->bev);

    c->refused_ms = clock_mono_ms();
    if (ssl != NULL && SSL_is_init_finished(ssl)) {
        (void)!SSL_write(ssl, text, (int)len);
        (void)!SSL_shutdown(ssl);
    } else if (ssl == NULL) {
        (void)!send(bufferevent_getfd(c->bev), text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)!shutdown(bufferevent_getfd(c->bev), SHUT_WR);
    }
}

/* What a refused connection sends is not kept. */
static void throw_away(struct http_conn *c, struct evbuffer *buffer)
{
    const struct http_config *config = &c->listener->http->config;

    c->thrown += evbuffer_get_length(buffer);
    (void)evbuffer_drain(buffer, evbuffer_get_length(buffer));
    if (c->thrown > LINGER_TIMES * (config->body_max + config->header_max))
        conn_close(c);
}

/* The first bytes of a request are its head, or most of it: a body that is announced too large is not waited for. true: it is not. */
static bool head_is_good(struct http_conn *c, struct evbuffer *buffer)
{
    const struct http_config *config = &c->listener->http->config;
    uint8_t first[HEAD_PEEK];
    struct http_head head;
    ev_ssize_t n = evbuffer_copyout(buffer, first, sizeof(first));

    http_head_read(sgl_view_of(first, n < 0 ? 0 : (size_t)n), &head);
    c->shape = http_shape_of(c->listener, head.target);
    return head.content <= config->body_max;
}

static void input_counted(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
    struct http_conn *c = arg;
    struct http *http = c->listener->http;
    bool fits = true;

    if (info->n_added == 0)
        return;
    if (c->refused_ms != 0) {
        throw_away(c, buffer);
        return;
    }
    c->bytes += info->n_added;
    http->bytes += info->n_added;
    if (c->started_ms == 0) {
        c->started_ms = clock_mono_ms();
        fits = head_is_good(c, buffer);
    }
    if (!fits || c->bytes > http->config.body_max + http->config.header_max)
        conn_refuse(c, 413, "body-too-large", "The request is larger than this server accepts.");
    else if (http->bytes > http->config.memory_max && c->listener->side != HTTP_ADMIN)
        conn_refuse(c, 503, "memory-full",
                    "The server holds as many requests as it may; try again soon.");
    if (c->refused_ms == 0)
        return;
    http->bytes -= http_conn_take_bytes(c);
    throw_away(c, buffer);
}

/* The administrator's door stays open: when strangers hold all connections he is needed most. */
static void listeners_set(struct http *http, bool room)
{
    if (http->draining)
        return;
    for (struct http_listener *l = http->listener; l != NULL; l = l->next) {
        if (room || l->side == HTTP_ADMIN)
            evconnlistener_enable(l->socket);
        else
            evconnlistener_disable(l->socket);
    }
}

/* Who is too slow is not waited for. */
static void sweep_one(struct http_conn *c, uint64_t now, uint64_t slow_ms)
{
    if (c->refused_ms == 0 && c->started_ms != 0 && now - c->started_ms > slow_ms) {
        conn_refuse(c, 408, "request-slow", "The request did not arrive in time.");
        conn_close(c);
    } else if (c->refused_ms != 0 && now - c->refused_ms > LINGER_MS) {
        conn_close(c);
    }
}

void http_conn_sweep(struct http *http)
{
    uint64_t now = clock_mono_ms();
    uint64_t slow_ms = (uint64_t)http->config.idle_s * 1000 * RECEIVE_TIMES_IDLE;

    for (size_t i = 0; i < HTTP_CONN_BUCKETS; i++) {
        struct http_conn **at = &http->conn[i];

        while (*at != NULL) {
            struct http_conn *c = *at;

            if (conn_is_gone(c)) {
                *at = c->next;
                conn_release(http, c);
                continue;
            }
            sweep_one(c, now, slow_ms);
            at = &c->next;
        }
    }
    listeners_set(http, http->conns < http->config.connections_max);
}

static struct bufferevent *new_bufferevent(struct http_listener *l)
{
    struct event_base *base = loop_base(l->http->loop);
    SSL *ssl;

    if (l->tls == NULL)
        return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    ssl = l->tls(l->tls_ctx);
    if (ssl == NULL)
        return NULL;
    return bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                          BEV_OPT_CLOSE_ON_FREE);
}

/* evhttp asks for the bufferevent of a new connection. */
struct bufferevent *http_conn_opened(struct event_base *base, void *arg)
{
    struct http_listener *l = arg;
    struct http *http = l->http;
    struct bufferevent *bev = new_bufferevent(l);
    struct http_conn *c = bev == NULL ? NULL : calloc(1, sizeof(*c));

    (void)base;
    if (c == NULL)
        return bev; /* uncounted; for NULL evhttp makes one in plain: http_is_tls() knows */
    c->listener = l;
    c->bev = bev;
    c->next = http->conn[bucket_of(bev)];
    bufferevent_incref(bev);
    if (evbuffer_add_cb(bufferevent_get_input(bev), input_counted, c) == NULL) {
        bufferevent_decref(bev);
        free(c);
        return bev;
    }
    http->conn[bucket_of(bev)] = c;
    if (++http->conns >= http->config.connections_max)
        listeners_set(http, false);
    return bev;
}
