/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners, and requests on their way to a handler.  Connections and their limits are in http_conn.c. */
#include "http_internal.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../log/log.h"
#include "../../loop/owner.h"

#define SWEEP_MS 500

/* ---- requests ---- */

void http_request_end(struct http_request *r)
{
    struct http *http = r->http;

    http_watch(r, NULL, NULL);
    if (http != NULL) {
        *r->prev = r->next;
        if (r->next != NULL)
            r->next->prev = r->prev;
        http->busy_count--;
        http->bytes -= r->bytes;
    }
    sgl_buf_done(&r->gathered);
    sgl_buf_done(&r->unpacked);
    sgl_arena_done(&r->arena);
    free(r);
}

static const char *method_name(enum evhttp_cmd_type type)
{
    switch (type) {
    case EVHTTP_REQ_GET:
    case EVHTTP_REQ_HEAD:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    case EVHTTP_REQ_OPTIONS:
    case EVHTTP_REQ_TRACE:
    case EVHTTP_REQ_CONNECT:
        break;
    }
    return "";
}

/* Is no administrator, whoever it is: that is another socket. */
static void note_process(struct http_request *r, int fd)
{
    struct owners *owners = r->listener->owners;
    struct ucred cred;
    socklen_t len = sizeof(cred);
    bool over_unix = owners == NULL;
    int one = 1;

    if (!over_unix)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (!over_unix)
        r->process_uid = owners_find(owners, fd);
    else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
        r->process_uid = cred.uid;
    snprintf(r->peer, sizeof(r->peer), "%s:uid=%lld", over_unix ? "unix" : "loopback",
             r->process_uid == (uid_t)-1 ? -1LL : (long long)r->process_uid);
}

static void note_peer(struct http_request *r, struct evhttp_connection *conn)
{
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(conn)), one = 1;
    struct sockaddr_storage addr;
    socklen_t len = sizeof(addr);
    struct ucred cred;
    socklen_t cred_len = sizeof(cred);

    r->uid = r->process_uid = (uid_t)-1;
    memset(&addr, 0, sizeof(addr));
    if (r->listener->side == HTTP_ADMIN) {
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) == 0)
            r->uid = cred.uid;
        snprintf(r->peer, sizeof(r->peer), "unix:uid=%lld",
                 r->uid == (uid_t)-1 ? -1LL : (long long)r->uid);
        return;
    }
    if (r->listener->side == HTTP_METADATA) {
        note_process(r, fd);
        return;
    }
    /* Head and content of a reply go out apart: the second would wait until the first is acknowledged. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (getpeername(fd, (struct sockaddr *)&addr, &len) != 0)
        return;
    if (addr.ss_family == AF_INET)
        inet_ntop(AF_INET, &((struct sockaddr_in *)&addr)->sin_addr, r->peer, sizeof(r->peer));
    else if (addr.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&addr)->sin6_addr, r->peer, sizeof(r->peer));
}

/* A path that begins with two slashes is a path here; read as a reference it would begin with a host [RFC 9112 s3.2.1]. */
static void take_target(struct http_request *r, const struct evhttp_uri *uri)
{
    r->target = sgl_view_cstr(evhttp_request_get_uri(r->ev));
    if (sgl_view_starts(r->target, SGL_LIT("//"))) {
        r->path = sgl_view_split(r->target, '?', &r->query);
        return;
    }
    r->path = sgl_view_cstr(uri == NULL ? "/" : evhttp_uri_get_path(uri));
    r->query = sgl_view_cstr(uri == NULL ? NULL : evhttp_uri_get_query(uri));
}

static struct http_request *new_request(struct http_listener *l, struct evhttp_request *ev)
{
    struct http *http = l->http;
    struct http_request *r = calloc(1, sizeof(*r));
    struct evhttp_connection *conn = evhttp_request_get_connection(ev);
    struct http_conn *c;

    if (r == NULL)
        return NULL;
    r->http = http;
    r->listener = l;
    r->ev = ev;
    r->loop = http->loop;
    r->started_us = clock_mono_us();
    sgl_arena_init(&r->arena, http->config.body_max * 2 + 1024 * 1024);
    note_peer(r, conn);
    take_target(r, evhttp_request_get_evhttp_uri(ev));
    if (!http_body_take(r)) {
        sgl_arena_done(&r->arena);
        free(r);
        return NULL;
    }
    c = http_conn_find(http, evhttp_connection_get_bufferevent(conn));
    r->bytes = c == NULL ? 0 : http_conn_take_bytes(c);
    r->next = http->busy;
    r->prev = &http->busy;
    if (http->busy != NULL)
        http->busy->prev = &r->next;
    http->busy = r;
    http->busy_count++;
    return r;
}

/* A known path with another method: 405 that lists the methods; else 404. */
static void reply_no_route(struct http_request *r)
{
    struct sgl_buf allow = SGL_BUF_INIT(128);

    for (struct http_route_entry *e = r->http->route; e != NULL; e = e->next) {
        size_t params;

        if ((e->side & r->listener->side) == 0 ||
            !http_pattern_match(e->pattern, r->path, &r->arena, r->param, &params))
            continue;
        if (sgl_view_find_view(sgl_buf_view(&allow), sgl_view_cstr(e->method)) < allow.len)
            continue;
        sgl_buf_addf(&allow, "%s%s", allow.len == 0 ? "" : ", ", e->method);
    }
    if (allow.len > 0) {
        http_reply_header(r, "Allow", sgl_buf_view(&allow));
        http_reply_problem(r, 405, "method", NULL, "This path does not know that method.");
    } else {
        http_reply_problem(r, 404, "path", NULL, "There is nothing at this path.");
    }
    sgl_buf_done(&allow);
}

static bool admin_allowed(const struct http_request *r)
{
    const struct http_listener *l = r->listener;

    if (l->side != HTTP_ADMIN)
        return true;
    return r->uid != (uid_t)-1 && (r->uid == 0 || r->uid == geteuid() || r->uid == l->owner);
}

http_problem_shape http_shape_of(const struct http_listener *l, sgl_view path)
{
    const struct http *http = l->http;
    http_problem_shape shape = NULL;

    for (size_t i = 0; l->side == HTTP_PUBLIC && i < http->shapes; i++)
        if (sgl_view_starts(path, sgl_view_cstr(http->shape[i].below)))
            shape = http->shape[i].shape;
    return shape;
}

static void request_arrived(struct evhttp_request *ev, void *arg)
{
    struct http_listener *l = arg;
    struct http_request *r = new_request(l, ev);
    const char *method = method_name(evhttp_request_get_command(ev));

    if (r == NULL) {
        evhttp_send_reply(ev, 503, http_reason(503), NULL);
        return;
    }
    r->shape = http_shape_of(l, r->path);
    if (!admin_allowed(r)) {
        log_line(LOG_WARN_, "admin refused", LOG_STR("peer", r->peer));
        http_reply_problem(r, 403, "peer", NULL,
                           "Only root and the service's own user may use the admin socket.");
        return;
    }
    if (r->body.len > l->http->config.body_max) {
        http_reply_problem(r, 413, "body-too-large", "body",
                           "The body is larger than this server accepts.");
        return;
    }
    for (struct http_route_entry *e = l->http->route; e != NULL; e = e->next) {
        if ((e->side & l->side) == 0 || strcmp(e->method, method) != 0)
            continue;
        if (!http_pattern_match(e->pattern, r->path, &r->arena, r->param, &r->params))
            continue;
        r->method = e->method;
        r->pattern = e->pattern;
        e->handler(r, e->ctx);
        return;
    }
    reply_no_route(r);
}

/* ---- life ---- */

static void sweep_on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    http_conn_sweep(arg);
    http_stream_sweep(arg);
}

struct http *http_new(struct loop *loop, const struct http_config *config)
{
    struct http *http = calloc(1, sizeof(*http));
    struct timeval every = {0, SWEEP_MS * 1000};
    size_t seed = 0;

    if (http == NULL)
        return NULL;
    http->loop = loop;
    http->config = *config;
    http->crypto = sgl_crypto_new();
    if (getrandom(&seed, sizeof(seed), 0) == sizeof(seed))
        json_object_seed(seed); /* here, since nothing may be opened once the sandbox is closed */
    http->sweep = event_new(loop_base(loop), -1, EV_PERSIST, sweep_on_timer, http);
    if (http->crypto == NULL || http->sweep == NULL || event_add(http->sweep, &every) != 0) {
        http_free(http);
        return NULL;
    }
    return http;
}

/* Out of descriptors: accepting again at once would spin. The sweep turns it on again. */
static void accept_failed(struct evconnlistener *socket, void *arg)
{
    struct http_listener *l = arg;

    (void)socket;
    log_line(LOG_WARN_, "accept failed", LOG_STR("door", "http"),
             LOG_INT("errno", EVUTIL_SOCKET_ERROR()));
    evconnlistener_disable(l->socket);
}

static struct http_listener *listen_on(struct http *http, int fd, enum http_side side)
{
    struct http_listener *l = calloc(1, sizeof(*l));
    struct evhttp_bound_socket *bound;

    if (l == NULL) {
        close(fd);
        return NULL;
    }
    l->http = http;
    l->side = side;
    l->owner = (uid_t)-1;
    l->ev = evhttp_new(loop_base(http->loop));
    bound = l->ev == NULL ? NULL : evhttp_accept_socket_with_handle(l->ev, fd);
    if (bound == NULL) {
        close(fd);
        if (l->ev != NULL)
            evhttp_free(l->ev);
        free(l);
        return NULL;
    }
    l->socket = evhttp_bound_socket_get_listener(bound);
    evconnlistener_set_error_cb(l->socket, accept_failed);
    evhttp_set_bevcb(l->ev, http_conn_opened, l);
    evhttp_set_gencb(l->ev, request_arrived, l);
    evhttp_set_allowed_methods(l->ev, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                          EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
                                          EVHTTP_REQ_PATCH);
    evhttp_set_max_headers_size(l->ev, (ev_ssize_t)http->config.header_max);
    evhttp_set_timeout(l->ev, (int)http->config.idle_s);
    evhttp_set_default_content_type(l->ev, NULL);
    l->next = http->listener;
    http->listener = l;
    return l;
}

bool http_listen(struct http *http, int fd, SSL *(*tls)(void *ctx), void *tls_ctx)
{
    struct http_listener *l = listen_on(http, fd, HTTP_PUBLIC);

    if (l == NULL)
        return false;
    l->tls = tls;
    l->tls_ctx = tls_ctx;
    return true;
}

bool http_listen_admin(struct http *http, int fd, uid_t owner_uid)
{
    struct http_listener *l = listen_on(http, fd, HTTP_ADMIN);

    if (l == NULL)
        return false;
    l->owner = owner_uid;
    return true;
}

bool http_listen_metadata(struct http *http, int fd, struct owners *owners)
{
    struct http_listener *l = listen_on(http, fd, HTTP_METADATA);

    if (l == NULL)
        return false;
    l->owners = owners;
    return true;
}

void http_route(struct http *http, enum http_side side, const char *method, const char *pattern,
                http_handler handler, void *ctx)
{
    struct http_route_entry **at = &http->route;
    struct http_route_entry *e = calloc(1, sizeof(*e));

    if (e == NULL)
        abort(); /* at start only: a server without one of its routes must not run */
    e->side = side;
    e->method = method;
    e->pattern = pattern;
    e->handler = handler;
    e->ctx = ctx;
    while (*at != NULL)
        at = &(*at)->next;
    *at = e;
}

void http_each_route(const struct http *http,
                     void (*each)(void *ctx, enum http_side side, const char *method,
                                  const char *pattern),
                     void *ctx)
{
    for (const struct http_route_entry *e = http->route; e != NULL; e = e->next)
        each(ctx, e->side, e->method, e->pattern);
}

void http_drain(struct http *http)
{
    for (struct http_listener *l = http->listener; l != NULL; l = l->next)
        evconnlistener_disable(l->socket);
    http->draining = true;
}

size_t http_busy(const struct http *http)
{
    return http->busy_count;
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    http->draining = true;
    for (struct http_request *r = http->busy; r != NULL; r = r->next) {
        r->http = NULL;
        /* evhttp frees those that still have a connection. */
        if (r->ev != NULL && evhttp_request_get_connection(r->ev) == NULL)
            evhttp_request_free(r->ev);
        r->ev = NULL;
        r->body = sgl_view_of(NULL, 0);
        r->path = r->query = r->target = r->body;
    }
    for (struct http_listener *l = http->listener; l != NULL; l = l->next)
        evhttp_free(l->ev);
    http_conn_sweep(http);
    http_stream_sweep(http);
    while (http->listener != NULL) {
        struct http_listener *l = http->listener;

        http->listener = l->next;
        free(l);
    }
    while (http->route != NULL) {
        struct http_route_entry *e = http->route;

        http->route = e->next;
        free(e);
    }
    if (http->sweep != NULL)
        event_free(http->sweep);
    sgl_crypto_free(http->crypto);
    free(http);
}
