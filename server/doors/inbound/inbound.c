/* SPDX-License-Identifier: Apache-2.0 */
/* The door: the configuration that new sessions begin with, and who may connect. */
#include "inbound.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../../log/log.h"
#include "internal.h"

enum { RATE_MIN = 64, RATE_GRACE_MS = 60 * 1000, IDLE_COMMANDS_MAX = 100 };

/* ---- generations ------------------------------------------------------------------------------------------------- */

void inbound_generation_unref(struct inbound_generation *g)
{
    if (g == NULL || atomic_fetch_sub(&g->refs, 1) != 1)
        return;
    config_unref(g->config);
    free(g);
}

/* Nobody logs in; TLS is offered, and never asked for.  [RFC 3207 s4] */
static void fill(struct sgl_smtp_server_config *e, const struct config *c,
                 const struct config_listen *l, bool has_tls)
{
    *e = (struct sgl_smtp_server_config){
        .hostname = sgl_view_cstr(c->hostname),
        .offer = SGL_SMTP_PIPELINING | SGL_SMTP_SIZE | SGL_SMTP_8BITMIME | SGL_SMTP_SMTPUTF8 |
                 SGL_SMTP_CHUNKING | SGL_SMTP_DSN | SGL_SMTP_ENHANCED | SGL_SMTP_LIMITS |
                 SGL_SMTP_REQUIRETLS,
        .size_max = c->limits.message_size,
        .rcpt_max = c->inbound.recipients,
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

static struct inbound_generation *generation_new(struct config *config, bool has_tls)
{
    struct inbound_generation *g = calloc(1, sizeof *g + config->listens * sizeof g->smtp[0]);

    if (g == NULL)
        return NULL;
    g->refs = 1;
    g->config = config_ref(config);
    for (size_t i = 0; i < config->listens; i++)
        fill(&g->smtp[i], config, &config->listen[i], has_tls);
    return g;
}

static struct inbound_generation *current(struct inbound_door *d)
{
    struct inbound_generation *g;

    pthread_mutex_lock(&d->smtp.lock);
    g = d->generation;
    atomic_fetch_add(&g->refs, 1);
    pthread_mutex_unlock(&d->smtp.lock);
    return g;
}

void inbound_reload(struct inbound_door *d, struct config *config)
{
    struct inbound_generation *new = generation_new(config, d->smtp.tls != NULL), *old;

    if (new == NULL || config->listens != d->generation->config->listens) {
        log_line(LOG_ERROR_, "reload", LOG_STR("door", "inbound"),
                 LOG_STR("why", new == NULL ? "out of memory"
                                            : "the listen sections changed: restart to use them"));
        inbound_generation_unref(new);
        return;
    }
    pthread_mutex_lock(&d->smtp.lock);
    old = d->generation;
    d->generation = new;
    pthread_mutex_unlock(&d->smtp.lock);
    inbound_generation_unref(old);
}

/* ---- a new connection -------------------------------------------------------------------------------------------- */

struct refusal {
    const char *code, *text;
};

/* Who talks before he is greeted does not listen, either.  [RFC 5321 s4.3.1] */
static bool talks_early(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

enum reputation_advice inbound_advice(struct inbound_door *d, const struct sgl_ip *ip)
{
    return d->reputation == NULL ? REPUTATION_NORMAL
                                 : reputation_of(d->reputation, ip, clock_now_s()).advice;
}

static bool is_unwanted(struct inbound_door *d, const struct config *c, const struct sgl_ip *ip,
                        int fd, enum reputation_advice advice, struct refusal *out)
{
    uint64_t now = clock_mono_ms();

    if (advice == REPUTATION_REFUSE) {
        *out = (struct refusal){"554 5.7.1", "your address is refused for what came from it"};
    } else if (advice == REPUTATION_DEFER) {
        *out = (struct refusal){"421 4.7.1", "your address has a bad name here; try again later"};
    } else if (rates_is_over(d->rates, ip, RATE_ERRORS, c->inbound.errors_per_minute, now) ||
               rates_is_over(d->rates, ip, RATE_UNKNOWN, c->inbound.unknown_per_minute, now)) {
        *out = (struct refusal){"421 4.7.0", "too many errors from your address; slow down"};
    } else if (talks_early(fd)) {
        atomic_fetch_add(&d->early, 1);
        (void)rates_take(d->rates, ip, RATE_ERRORS, c->inbound.errors_per_minute, now);
        *out = (struct refusal){"554 5.5.1", "you talked before you were greeted"};
    } else {
        return false;
    }
    return true;
}

static struct inbound_session *make(struct smtp_loop *on, struct inbound_generation *g,
                                    size_t listen, const struct sgl_ip *ip)
{
    struct inbound_session *s = calloc(1, sizeof *s);
    struct sgl_smtp_server *smtp = s == NULL ? NULL : sgl_smtp_server_new(&g->smtp[listen], false);

    if (smtp == NULL) {
        free(s);
        return NULL;
    }
    s->door = (struct inbound_door *)(void *)on->door;
    s->generation = g;
    atomic_fetch_add(&g->refs, 1);
    smtp_session_begin(&s->smtp, on, smtp, ip);
    return s;
}

static void greet(struct smtp_loop *on, struct inbound_generation *g, size_t listen, int fd,
                  const struct sgl_ip *ip)
{
    struct inbound_door *d = (struct inbound_door *)(void *)on->door;
    const struct config *c = g->config;
    enum reputation_advice advice = inbound_advice(d, ip);
    bool slow = advice == REPUTATION_SLOW;
    size_t each = c->inbound.connections_per_address;
    struct refusal no = {"421 4.7.0", "out of memory"};
    struct inbound_session *s = NULL;
    const char *full;

    if (!is_unwanted(d, c, ip, fd, advice, &no)) {
        full = smtp_no_room(on->door, ip, c->inbound.connections,
                            slow ? (each + SLOW_SHARE - 1) / SLOW_SHARE : each);
        if (full != NULL)
            no.text = full;
        else if ((s = make(on, g, listen, ip)) == NULL)
            smtp_gave_up(on->door, ip);
    }
    if (s == NULL) {
        smtp_turn_away(on->door, false, fd, no.code, no.text);
        return;
    }
    s->slow = slow;
    if (smtp_session_open(&s->smtp, fd, false, c->limits.idle_s))
        smtp_session_greet(&s->smtp);
}

static void on_accept(struct smtp_loop *on, size_t listen, int fd, const struct sockaddr *peer)
{
    struct inbound_generation *g = current((struct inbound_door *)(void *)on->door);
    struct sgl_ip ip = smtp_ip_of(peer);

    greet(on, g, listen, fd, &ip);
    inbound_generation_unref(g);
}

/* ---- its end ----------------------------------------------------------------------------------------------------- */

static void on_ended(struct smtp_session *base)
{
    struct inbound_session *s = (struct inbound_session *)(void *)base;

    inbound_mail_free(s);
    inbound_generation_unref(s->generation);
}

static void on_closed(struct smtp_session *base, enum sgl_smtp_close reason)
{
    struct inbound_session *s = (struct inbound_session *)(void *)base;

    if (reason == SGL_SMTP_CLOSE_ERRORS || reason == SGL_SMTP_CLOSE_FRAMING)
        (void)rates_take(s->door->rates, &base->ip, RATE_ERRORS,
                         inbound_config(s)->inbound.errors_per_minute, clock_mono_ms());
}

static sgl_view peer_of(const struct smtp_session *s, char *out)
{
    return sgl_ip_text(&s->ip, out);
}

static const struct smtp_kind kind = {.name = "inbound",
                                      .accept = on_accept,
                                      .event = inbound_event,
                                      .pending = inbound_pending,
                                      .ended = on_ended,
                                      .peer = peer_of,
                                      .closed = on_closed};

/* ---- life -------------------------------------------------------------------------------------------------------- */

static bool prepare(struct inbound_door *d, const struct inbound_setup *setup)
{
    d->reception = setup->reception;
    d->reputation = setup->reputation;
    d->generation = generation_new(setup->config, setup->tls != NULL);
    d->rates = rates_new();
    if (!smtp_door_init(&d->smtp, &kind, setup->tls, setup->loop, setup->loops, setup->sockets) ||
        d->generation == NULL || d->rates == NULL)
        return false;
    for (size_t i = 0; i < setup->sockets; i++)
        if (!smtp_door_listen(&d->smtp, setup->socket[i].fd, setup->socket[i].listen))
            return false;
    return true;
}

struct inbound_door *inbound_new(const struct inbound_setup *setup, char *why, size_t why_size)
{
    struct inbound_door *d = calloc(1, sizeof *d);

    if (d != NULL && prepare(d, setup))
        return d;
    inbound_free(d);
    snprintf(why, why_size, "inbound: out of memory");
    return NULL;
}

void inbound_drain(struct inbound_door *d, void (*done)(void *ctx), void *ctx)
{
    smtp_door_drain(&d->smtp, done, ctx);
}

void inbound_free(struct inbound_door *d)
{
    if (d == NULL)
        return;
    smtp_door_done(&d->smtp);
    rates_free(d->rates);
    inbound_generation_unref(d->generation);
    free(d);
}

void inbound_stats(struct inbound_door *d, struct inbound_stats *out)
{
    *out = (struct inbound_stats){
        .sessions = atomic_load(&d->smtp.sessions),
        .sessions_now = atomic_load(&d->smtp.sessions_now),
        .refused_connections = atomic_load(&d->smtp.refused),
        .tls_sessions = atomic_load(&d->smtp.tls_sessions),
        .tls_failures = atomic_load(&d->smtp.tls_failures),
        .timeouts = atomic_load(&d->smtp.timeouts),
        .early = atomic_load(&d->early),
        .limited = atomic_load(&d->limited),
        .unknown = atomic_load(&d->unknown),
        .messages_accepted = atomic_load(&d->accepted),
        .messages_refused = atomic_load(&d->declined),
        .messages_deferred = atomic_load(&d->deferred),
        .bytes_in = atomic_load(&d->bytes_in),
    };
}
