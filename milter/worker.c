/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second process: listens, gives its rights away, and serves.  The main thread is libmilter's listener; sessions run on its threads; DNS, orders of the first
 * process and the figures live on one loop.
 *
 *   RUNNING  -- stop, or the first process is gone -->  DRAINING  -- no session left, or time over -->  gone
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <grp.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../server/log/log.h"
#include "../server/main/sandbox.h"
#include "filter.h"
#include "process.h"
#include "session.h"
#include "trim.h"

#define BACKLOG     64
#define FIGURES_MAX ((size_t)1 << 20)
#define HEAP_KEPT   (256 * 1024)
#define LOOK_MS     50 /* while draining */
#define NO_FOLDER   "/nonexistent"

struct filter filter;

struct worker {
    int control, metrics;
    struct sgl_buf order; /* what has come of one */
    struct event *orders, *look;
    struct evhttp *http;
    uint64_t drain_ends_ms;
    char why[400];
};

/* ---- the edition in use -------------------------------------------------------------------------------------------- */

static pthread_mutex_t edition_lock = PTHREAD_MUTEX_INITIALIZER;
static struct edition *in_use;

struct edition *filter_edition(void)
{
    struct edition *g;

    pthread_mutex_lock(&edition_lock);
    g = edition_ref(in_use);
    pthread_mutex_unlock(&edition_lock);
    return g;
}

void filter_use(struct edition *g)
{
    static const char *const words[] = {"debug", "info", "warn", "error"};
    struct edition *old;

    for (int i = 0; i < 4; i++)
        if (strcmp(g->settings->log_level, words[i]) == 0)
            log_set_level((enum log_level)i);
    pthread_mutex_lock(&edition_lock);
    old = in_use;
    in_use = g;
    pthread_mutex_unlock(&edition_lock);
    edition_unref(old);
}

/* ---- orders ----------------------------------------------------------------------------------------------------------- */

static _Noreturn void leave(int status)
{
    log_line(LOG_INFO_, "ended");
    _exit(status);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What was settled at the start stays. */
static void warn_of_restart(const struct milter_settings *old, const struct milter_settings *new)
{
    bool same =
        same_text(old->socket, new->socket) &&
        old->socket_mode == new->socket_mode &&same_text(old->socket_group, new->socket_group) &&
        same_text(old->user, new->user) && same_text(old->metrics.text, new->metrics.text) &&
        old->forwards == new->forwards &&same_text(old->root_hints, new->root_hints) &&
        same_text(old->trust_anchor, new->trust_anchor);

    for (size_t i = 0; same && i < old->forwards; i++)
        same = strcmp(old->forward[i], new->forward[i]) == 0;
    if (!same)
        log_line(LOG_WARN_, "socket, user, metrics and resolver change with a restart only");
}

static void take_reload(sgl_view bundle)
{
    struct files files = {0};
    struct edition *old = filter_edition(), *g = NULL;
    char why[600] = "";

    if (!files_take(bundle, &files))
        snprintf(why, sizeof why, "out of memory");
    else
        g = edition_read(filter.crypto, old->settings->path, &files, why, sizeof why);
    files_done(&files);
    if (g == NULL) {
        log_line(LOG_WARN_, "configuration not reloaded: what ran goes on", LOG_STR("why", why));
    } else {
        warn_of_restart(old->settings, g->settings);
        filter_use(g);
        log_line(LOG_INFO_, "configuration reloaded", LOG_INT("keys", g->signing.keys));
    }
    edition_unref(old);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;
    unsigned left = atomic_load(&filter.sessions);

    (void)fd;
    (void)what;
    if (left == 0)
        leave(0);
    if (clock_mono_ms() < w->drain_ends_ms)
        return;
    log_line(LOG_WARN_, "draining takes too long", LOG_INT("sessions", left));
    leave(0);
}

static void drain(struct worker *w)
{
    struct timeval look = {0, LOOK_MS * 1000};
    struct edition *g = filter_edition();

    log_line(LOG_INFO_, "draining", LOG_INT("sessions", atomic_load(&filter.sessions)));
    w->drain_ends_ms = clock_mono_ms() + g->settings->drain_ms;
    edition_unref(g);
    atomic_store(&filter.draining, true);
    event_del(w->orders);
    if (event_add(w->look, &look) != 0)
        leave(0);
}

/* One whole order at the front of the buffer. false: it is not all there. */
static bool take_order(struct worker *w)
{
    const uint8_t *head = w->order.data;
    size_t len;

    if (w->order.len < ORDER_HEAD)
        return false;
    len = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    if (w->order.len - ORDER_HEAD < len)
        return false;
    if (head[0] == ORDER_RELOAD)
        take_reload(sgl_view_of(head + ORDER_HEAD, len));
    else
        drain(w);
    sgl_wipe(w->order.data, w->order.len);
    sgl_buf_remove_front(&w->order, ORDER_HEAD + len);
    return true;
}

static void on_orders(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;
    uint8_t bytes[65536];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

    (void)what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        sgl_buf_add(&w->order, sgl_view_of(bytes, (size_t)n));
    sgl_wipe(bytes, sizeof bytes);
    if (n <= 0 || w->order.status != SGL_OK) { /* nobody is there to tell us anything */
        drain(w);
        return;
    }
    while (!atomic_load(&filter.draining) && take_order(w))
        ;
}

/* ---- figures ---------------------------------------------------------------------------------------------------------- */

static void on_request(struct evhttp_request *request, void *arg)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(FIGURES_MAX);
    struct evbuffer *out = evhttp_request_get_output_buffer(request);
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));

    (void)arg;
    if (path == NULL || strcmp(path, "/metrics") != 0) {
        evhttp_send_error(request, HTTP_NOTFOUND, NULL);
        return;
    }
    metrics_put(&text);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "text/plain; version=0.0.4");
    if (text.status != SGL_OK || evbuffer_add(out, text.data, text.len) != 0)
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
    else
        evhttp_send_reply(request, HTTP_OK, "OK", NULL);
}

static bool serve_figures(struct worker *w)
{
    if (w->metrics < 0)
        return true;
    w->http = evhttp_new(loop_base(filter.dns.loop));
    if (w->http == NULL)
        return false;
    evhttp_set_allowed_methods(w->http, EVHTTP_REQ_GET);
    evhttp_set_max_headers_size(w->http, 8192);
    evhttp_set_timeout(w->http, 10);
    evhttp_set_gencb(w->http, on_request, NULL);
    return evhttp_accept_socket(w->http, w->metrics) == 0;
}

static bool open_figures(struct worker *w, const struct milter_settings *c)
{
    int on = 1;

    w->metrics = -1;
    if (!c->has_metrics)
        return true;
    w->metrics = socket(c->metrics.addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (w->metrics >= 0 && setsockopt(w->metrics, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(w->metrics, (const struct sockaddr *)&c->metrics.addr, c->metrics.len) == 0 &&
        listen(w->metrics, BACKLOG) == 0)
        return true;
    snprintf(w->why, sizeof w->why, "metrics: %s: %s", c->metrics.text, strerror(errno));
    return false;
}

/* ---- the socket ------------------------------------------------------------------------------------------------------- */

static const char *unix_path(const char *where)
{
    const char *path = strchr(where, ':') + 1;

    return path[0] == '/' ? path : NULL;
}

static bool somebody_answers(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers;

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    answers = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return answers;
}

static bool give_socket(struct worker *w, const struct milter_settings *c, const char *path,
                        const struct sandbox_user *user)
{
    const struct group *group = c->socket_group != NULL ? getgrnam(c->socket_group) : NULL;
    gid_t gid = group != NULL ? group->gr_gid : user->change ? user->gid : (gid_t)-1;
    uid_t uid = user->change ? user->uid : (uid_t)-1;

    if (c->socket_group != NULL && group == NULL) {
        snprintf(w->why, sizeof w->why, "socket_group: there is no group %s", c->socket_group);
        return false;
    }
    if (chown(path, uid, gid) == 0 && chmod(path, c->socket_mode) == 0)
        return true;
    snprintf(w->why, sizeof w->why, "socket: %s: %s", path, strerror(errno));
    return false;
}

static bool open_socket(struct worker *w, const struct milter_settings *c,
                        const struct sandbox_user *user)
{
    const char *path = unix_path(c->socket);
    mode_t before;
    bool good;

    if (path != NULL && somebody_answers(path)) {
        snprintf(w->why, sizeof w->why, "socket: %s: another process listens there", path);
        return false;
    }
    before = umask(0777);
    good = session_open(c->socket, w->why, sizeof w->why);
    umask(before);
    return good && (path == NULL || give_socket(w, c, path, user));
}

/* ---- the start -------------------------------------------------------------------------------------------------------- */

static bool build_dns(struct worker *w, const struct milter_settings *c)
{
    struct resolver_config config = {.forward = c->forward,
                                     .forwards = c->forwards,
                                     .trust_anchor = c->trust_anchor,
                                     .root_hints = c->root_hints,
                                     .loopback_allowed = true};

    filter.dns.loop = loop_new("dns");
    if (filter.dns.loop == NULL)
        return false;
    filter.dns.resolver = resolver_new(filter.dns.loop, &config, w->why, sizeof w->why);
    return filter.dns.resolver != NULL;
}

static bool enter_sandbox(struct worker *w, const struct milter_settings *c,
                          const struct sandbox_user *user)
{
    const struct config seen = {
        .resolver = {.root_hints = c->root_hints, .trust_anchor = c->trust_anchor}};
    const struct sandbox_files files = {NO_FOLDER, &seen};
    int landlock = 0;

    if (!sandbox_user_become(user, w->why, sizeof w->why) ||
        !sandbox_enter_service(&files, &landlock, w->why, sizeof w->why))
        return false;
    if (landlock == 0)
        log_line(LOG_WARN_, "this kernel has no Landlock: files are protected by their modes only");
    return true;
}

static bool start(struct worker *w, const struct milter_settings *c)
{
    struct event_base *base;
    struct sandbox_user user;
    uint8_t ready = REPORT_READY;

    if (!sandbox_user_find(c->user, &user, w->why, sizeof w->why) || !open_figures(w, c) ||
        !open_socket(w, c, &user) || !build_dns(w, c) || !enter_sandbox(w, c, &user))
        return false;
    base = loop_base(filter.dns.loop);
    w->orders = event_new(base, w->control, EV_READ | EV_PERSIST, on_orders, w);
    w->look = event_new(base, -1, EV_PERSIST, on_look, w);
    return w->orders != NULL && w->look != NULL && event_add(w->orders, NULL) == 0 &&
           serve_figures(w) && loop_start(filter.dns.loop) &&
           send(w->control, &ready, 1, MSG_NOSIGNAL) == 1;
}

void worker_run(int control, const struct sgl_crypto *crypto, struct edition *g)
{
    static struct worker w;

    mallopt(M_ARENA_MAX, 1); /* threads come and go; a heap for each of them would stay */
    mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
    signal(SIGPIPE, SIG_IGN);
    (void)setpgid(0, 0); /* what a terminal sends is for the first process */
    w.control = control;
    sgl_buf_init(&w.order, FILES_BUNDLE_MAX);
    filter.crypto = crypto;
    filter_use(g);
    report_register();
    if (!start(&w, g->settings)) {
        log_line(LOG_ERROR_, "not started",
                 LOG_STR("why", w.why[0] != '\0' ? w.why : "out of memory"));
        _exit(2);
    }
    trim_memory(); /* the filter of system calls took some to be made */
    log_line(LOG_INFO_, "listening", LOG_STR("address", g->settings->socket),
             LOG_INT("keys", g->signing.keys));
    if (session_run())
        leave(0);
    log_line(LOG_ERROR_, "the listener failed");
    _exit(3);
}
