/* SPDX-License-Identifier: Apache-2.0 */
/* The door: a listener for every socket on every loop, the configuration that new sessions begin with, and the way out. */
#include "submission.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../log/log.h"
#include "internal.h"

enum { SWEEP_S = 1, RATE_MIN = 64, RATE_GRACE_MS = 60 * 1000, IDLE_COMMANDS_MAX = 1000 };

struct acceptor {
    struct door_loop *on;
    size_t listen;
    struct listener *listener;
};

/* ---- generations ------------------------------------------------------------------------------------------------- */

struct generation *generation_ref(struct generation *g)
{
    atomic_fetch_add(&g->refs, 1);
    return g;
}

void generation_unref(struct generation *g)
{
    if (g == NULL || atomic_fetch_sub(&g->refs, 1) != 1)
        return;
    config_unref(g->config);
    free(g);
}

static const struct config_listen local_listen = {.name = "local", .tls = LISTEN_PLAIN};

const struct config_listen *generation_listen(const struct generation *g, size_t listen)
{
    return listen == LISTEN_LOCAL ? &local_listen : &g->config->listen[listen];
}

static void fill(struct sgl_smtp_server_config *e, const struct config *c,
                 const struct config_listen *l, bool has_tls)
{
    *e = (struct sgl_smtp_server_config){
        .hostname = sgl_view_cstr(c->hostname),
        .offer = SGL_SMTP_PIPELINING | SGL_SMTP_SIZE | SGL_SMTP_8BITMIME | SGL_SMTP_SMTPUTF8 |
                 SGL_SMTP_CHUNKING | SGL_SMTP_DSN | SGL_SMTP_ENHANCED | SGL_SMTP_LIMITS |
                 SGL_SMTP_REQUIRETLS | SGL_SMTP_XTLS,
        .mechanisms = SGL_SASL_PLAIN | SGL_SASL_LOGIN | SGL_SASL_SCRAM_SHA_256,
        .auth_required = true,
        .size_max = c->limits.message_size,
        .rcpt_max = (uint32_t)c->limits.recipients,
        .mail_max = c->limits.messages_per_session,
        .errors_max = (uint32_t)c->limits.errors,
        .idle_commands_max = IDLE_COMMANDS_MAX,
        .command_ms = c->limits.idle_s * 1000,
        .data_ms = c->limits.idle_s * 1000,
        .session_ms = c->limits.session_s * 1000,
        .rate_min = RATE_MIN,
        .rate_grace_ms = RATE_GRACE_MS,
    };
    if (l->tls == LISTEN_STARTTLS && has_tls)
        e->offer |= SGL_SMTP_TLS;
}

/* A process of this machine: the kernel has said who it is, so there is nothing to log in with. */
static void fill_local(struct sgl_smtp_server_config *e, const struct config *c)
{
    fill(e, c, &local_listen, false);
    e->mechanisms = 0;
}

static struct generation *generation_new(struct config *config, bool has_tls)
{
    struct generation *g = calloc(1, sizeof *g + (2 * config->listens + 1) * sizeof g->smtp[0]);

    if (g == NULL)
        return NULL;
    g->refs = 1;
    g->config = config_ref(config);
    for (size_t i = 0; i < config->listens; i++) {
        struct sgl_smtp_server_config *with = &g->smtp[config->listens + i];

        fill(&g->smtp[i], config, &config->listen[i], has_tls);
        *with = g->smtp[i];
        with->mechanisms |= SGL_SASL_OAUTHBEARER | SGL_SASL_XOAUTH2;
    }
    fill_local(&g->smtp[2 * config->listens], config);
    return g;
}

/* May anybody have a token?  An application, or a process that asks for one by its uid. */
static bool has_tokens(const struct config *c, struct directory *d)
{
    return directory_has_apps(d) || c->metadata.addresses > 0 || c->metadata.socket != NULL;
}

const struct sgl_smtp_server_config *generation_smtp(const struct generation *g,
                                                     const struct submission_door *d, size_t listen)
{
    bool tokens = d->tokens != NULL && has_tokens(g->config, d->directory);

    if (listen == LISTEN_LOCAL)
        return &g->smtp[2 * g->config->listens];
    return &g->smtp[tokens ? g->config->listens + listen : listen];
}

void submission_reload(struct submission_door *d, struct config *config)
{
    struct generation *new = generation_new(config, d->tls != NULL), *old;

    if (new == NULL || config->listens != d->generation->config->listens) {
        log_line(LOG_ERROR_, "reload", LOG_STR("door", "submission"),
                 LOG_STR("why", new == NULL ? "out of memory"
                                            : "the listen sections changed: restart to use them"));
        generation_unref(new);
        return;
    }
    pthread_mutex_lock(&d->lock);
    old = d->generation;
    d->generation = new;
    pthread_mutex_unlock(&d->lock);
    generation_unref(old);
}

/* ---- figures ----------------------------------------------------------------------------------- */

void submission_stats(struct submission_door *d, struct submission_stats *out)
{
    *out = (struct submission_stats){
        .sessions = atomic_load(&d->sessions),
        .sessions_now = atomic_load(&d->sessions_now),
        .refused_connections = atomic_load(&d->refused),
        .tls_sessions = atomic_load(&d->tls_sessions),
        .tls_failures = atomic_load(&d->tls_failures),
        .auth_ok = atomic_load(&d->auth_ok),
        .auth_failed = atomic_load(&d->auth_failed),
        .messages_accepted = atomic_load(&d->accepted),
        .messages_refused = atomic_load(&d->declined),
        .messages_deferred = atomic_load(&d->deferred),
        .bytes_in = atomic_load(&d->bytes_in),
        .timeouts = atomic_load(&d->timeouts),
    };
}

/* ---- loops ------------------------------------------------------------------------------------------------------- */

static void on_accept(void *ctx, int fd, const struct sockaddr *peer, socklen_t peer_len)
{
    const struct acceptor *a = ctx;

    (void)peer_len;
    session_accept(a->on, a->listen, fd, peer);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct door_loop *on = arg;

    (void)fd;
    (void)what;
    session_sweep(on);
    if (on == on->door->loop)
        peers_sweep(on->door->peers, clock_mono_ms());
}

static bool prepare_loop(struct submission_door *d, size_t i, struct loop *loop)
{
    static const struct timeval every = {SWEEP_S, 0};
    struct door_loop *on = &d->loop[i];

    *on = (struct door_loop){.door = d, .loop = loop};
    event_assign(&on->sweep, loop_base(loop), -1, EV_PERSIST, on_sweep, on);
    return event_add(&on->sweep, &every) == 0;
}

/* On every loop. */
static bool listen_at(struct submission_door *d, int fd, size_t listen)
{
    for (size_t k = 0; k < d->loops; k++) {
        struct acceptor *a = &d->acceptor[d->acceptors];

        *a = (struct acceptor){.on = &d->loop[k], .listen = listen};
        a->listener = listener_new(d->loop[k].loop, fd, on_accept, a);
        if (a->listener == NULL)
            return false;
        d->acceptors++;
    }
    return true;
}

static bool listen_on(struct submission_door *d, const struct submission_setup *setup)
{
    for (size_t i = 0; i < setup->sockets; i++)
        if (!listen_at(d, setup->socket[i].fd, setup->socket[i].listen))
            return false;
    return setup->local <= 0 || listen_at(d, setup->local, LISTEN_LOCAL);
}

static bool prepare(struct submission_door *d, const struct submission_setup *setup)
{
    d->generation = generation_new(setup->config, setup->tls != NULL);
    d->crypto = sgl_crypto_new();
    d->peers = peers_new();
    d->loop = calloc(setup->loops, sizeof *d->loop);
    d->acceptor = calloc(setup->loops * (setup->sockets + 1), sizeof *d->acceptor);
    if (d->generation == NULL || d->crypto == NULL || d->peers == NULL || d->loop == NULL ||
        d->acceptor == NULL)
        return false;
    for (; d->loops < setup->loops; d->loops++) {
        if (!prepare_loop(d, d->loops, setup->loop[d->loops]))
            return false;
    }
    return listen_on(d, setup);
}

static bool check(const struct submission_setup *setup, char *why, size_t why_size)
{
    for (size_t i = 0; i < setup->sockets; i++) {
        size_t at = setup->socket[i].listen;

        if (at < setup->config->listens &&
            (setup->tls != NULL || setup->config->listen[at].tls != LISTEN_IMPLICIT))
            continue;
        snprintf(why, why_size, "submission: listen %s wants TLS, and no certificate is configured",
                 at < setup->config->listens ? setup->config->listen[at].name : "?");
        return false;
    }
    return true;
}

struct submission_door *submission_new(const struct submission_setup *setup, char *why,
                                       size_t why_size)
{
    struct submission_door *d;

    if (!check(setup, why, why_size))
        return NULL;
    d = calloc(1, sizeof *d);
    if (d != NULL) {
        pthread_mutex_init(&d->lock, NULL);
        d->admission = setup->admission;
        d->directory = setup->directory;
        d->tokens = setup->tokens;
        d->workers = setup->workers;
        d->tls = setup->tls;
    }
    if (d == NULL || !prepare(d, setup)) {
        submission_free(d);
        snprintf(why, why_size, "submission: out of memory");
        return NULL;
    }
    return d;
}

/* ---- drain, end -------------------------------------------------------------------------------------------------- */

void door_session_gone(struct submission_door *d)
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
    struct door_loop *on =
        (struct door_loop *)(void *)((char *)task - offsetof(struct door_loop, drain));
    struct submission_door *d = on->door;

    for (size_t i = 0; i < d->acceptors; i++) {
        if (d->acceptor[i].on == on)
            listener_pause(d->acceptor[i].listener);
    }
    session_drain_all(on);
    pthread_mutex_lock(&d->lock);
    d->loops_draining += !on->draining;
    on->draining = true;
    pthread_mutex_unlock(&d->lock);
    door_session_gone(d);
}

void submission_drain(struct submission_door *d, void (*done)(void *ctx), void *ctx)
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

void submission_free(struct submission_door *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->acceptors; i++)
        listener_free(d->acceptor[i].listener);
    for (size_t i = 0; i < d->loops; i++) {
        event_del(&d->loop[i].sweep);
        while (d->loop[i].first != NULL)
            session_free(d->loop[i].first);
    }
    free(d->acceptor);
    free(d->loop);
    peers_free(d->peers);
    sgl_crypto_free(d->crypto);
    generation_unref(d->generation);
    pthread_mutex_destroy(&d->lock);
    free(d);
}
