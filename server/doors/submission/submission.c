/* SPDX-License-Identifier: Apache-2.0 */
/* The door: the configuration that new sessions begin with. */
#include "submission.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../log/log.h"
#include "internal.h"

enum { RATE_MIN = 64, RATE_GRACE_MS = 60 * 1000, IDLE_COMMANDS_MAX = 1000 };

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
    struct generation *new = generation_new(config, d->smtp.tls != NULL), *old;

    if (new == NULL || config->listens != d->generation->config->listens) {
        log_line(LOG_ERROR_, "reload", LOG_STR("door", "submission"),
                 LOG_STR("why", new == NULL ? "out of memory"
                                            : "the listen sections changed: restart to use them"));
        generation_unref(new);
        return;
    }
    pthread_mutex_lock(&d->smtp.lock);
    old = d->generation;
    d->generation = new;
    pthread_mutex_unlock(&d->smtp.lock);
    generation_unref(old);
}

/* ---- figures ----------------------------------------------------------------------------------- */

void submission_stats(struct submission_door *d, struct submission_stats *out)
{
    *out = (struct submission_stats){
        .sessions = atomic_load(&d->smtp.sessions),
        .sessions_now = atomic_load(&d->smtp.sessions_now),
        .refused_connections = atomic_load(&d->smtp.refused),
        .tls_sessions = atomic_load(&d->smtp.tls_sessions),
        .tls_failures = atomic_load(&d->smtp.tls_failures),
        .auth_ok = atomic_load(&d->auth_ok),
        .auth_failed = atomic_load(&d->auth_failed),
        .messages_accepted = atomic_load(&d->accepted),
        .messages_refused = atomic_load(&d->declined),
        .messages_deferred = atomic_load(&d->deferred),
        .bytes_in = atomic_load(&d->bytes_in),
        .timeouts = atomic_load(&d->smtp.timeouts),
    };
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static const struct smtp_kind kind = {.name = "submission",
                                      .accept = session_accept,
                                      .event = session_event,
                                      .pending = session_pending,
                                      .ended = session_ended,
                                      .peer = session_peer};

static bool listen_on(struct submission_door *d, const struct submission_setup *setup)
{
    for (size_t i = 0; i < setup->sockets; i++)
        if (!smtp_door_listen(&d->smtp, setup->socket[i].fd, setup->socket[i].listen))
            return false;
    return setup->local <= 0 || smtp_door_listen(&d->smtp, setup->local, LISTEN_LOCAL);
}

static bool prepare(struct submission_door *d, const struct submission_setup *setup)
{
    d->generation = generation_new(setup->config, setup->tls != NULL);
    d->crypto = sgl_crypto_new();
    return smtp_door_init(&d->smtp, &kind, setup->tls, setup->loop, setup->loops,
                          setup->sockets + 1) &&
           d->generation != NULL && d->crypto != NULL && listen_on(d, setup);
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
        d->admission = setup->admission;
        d->directory = setup->directory;
        d->tokens = setup->tokens;
        d->workers = setup->workers;
    }
    if (d == NULL || !prepare(d, setup)) {
        submission_free(d);
        snprintf(why, why_size, "submission: out of memory");
        return NULL;
    }
    return d;
}

void submission_drain(struct submission_door *d, void (*done)(void *ctx), void *ctx)
{
    smtp_door_drain(&d->smtp, done, ctx);
}

void submission_free(struct submission_door *d)
{
    if (d == NULL)
        return;
    smtp_door_done(&d->smtp);
    sgl_crypto_free(d->crypto);
    generation_unref(d->generation);
    free(d);
}
