/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of an application: who it is, and what it may begin with; doors/smtp/ does the rest. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../../log/log.h"
#include "internal.h"

static struct session *of(struct smtp_session *s)
{
    return (struct session *)(void *)s;
}

const struct config *session_config(const struct session *s)
{
    return s->generation->config;
}

sgl_view session_peer(const struct smtp_session *base, char *out)
{
    const struct session *s = (const struct session *)(const void *)base;

    if (!s->local)
        return sgl_ip_text(&base->ip, out);
    snprintf(out, SMTP_PEER_SIZE, "unix:uid=%" PRIu32, s->uid);
    return sgl_view_cstr(out);
}

void session_answer(struct session *s, uint16_t code, const char *enhanced, const char *text)
{
    smtp_session_answer(&s->smtp, code, enhanced, text);
}

bool session_pending(const struct smtp_session *base)
{
    const struct session *s = (const struct session *)(const void *)base;

    return mail_pending(s) || auth_pending(s);
}

void session_ended(struct smtp_session *base)
{
    struct session *s = of(base);

    mail_free(s);
    auth_free(s);
    identity_unref(s->who);
    generation_unref(s->generation);
}

void session_event(struct smtp_session *base, const struct sgl_smtp_server_event *e)
{
    if (e->kind == SGL_SMTP_SERVER_AUTH_START || e->kind == SGL_SMTP_SERVER_AUTH_RESPONSE ||
        e->kind == SGL_SMTP_SERVER_AUTH_CANCEL)
        auth_event(of(base), e);
    else
        mail_event(of(base), e);
}

/* ---- a new one --------------------------------------------------------------------------------------------------- */

static bool trusts(const struct config_listen *l, const struct sgl_ip *ip)
{
    for (size_t i = 0; i < l->trusts; i++) {
        const struct config_network *n = &l->trust[i];
        struct sgl_ip_prefix prefix = {.ip = n->family == AF_INET ? sgl_ip_v4(n->bytes)
                                                                  : sgl_ip_v6(n->bytes),
                                       .bits = (uint8_t)n->prefix};

        if (sgl_ip_in_prefix(ip, &prefix))
            return true;
    }
    return false;
}

static void trust(struct session *s, const struct config_listen *l)
{
    if (l->trust_credential == NULL || !trusts(l, &s->smtp.ip))
        return;
    s->who = directory_credential(s->door->directory, sgl_view_cstr(l->trust_credential));
    if (s->who != NULL)
        sgl_smtp_server_trust(s->smtp.smtp);
    else
        log_line(LOG_WARN_, "trusted network without its credential", LOG_STR("listen", l->name),
                 LOG_STR("credential", l->trust_credential));
}

static struct generation *current(struct submission_door *d)
{
    struct generation *g;

    pthread_mutex_lock(&d->smtp.lock);
    g = generation_ref(d->generation);
    pthread_mutex_unlock(&d->smtp.lock);
    return g;
}

static struct session *make(struct smtp_loop *on, struct generation *g, size_t listen,
                            const struct sgl_ip *ip)
{
    struct session *s = calloc(1, sizeof *s);
    struct sgl_smtp_server *smtp;

    if (s == NULL)
        return NULL;
    s->door = (struct submission_door *)(void *)on->door;
    smtp = sgl_smtp_server_new(generation_smtp(g, s->door, listen),
                               generation_listen(g, listen)->tls == LISTEN_IMPLICIT);
    if (smtp == NULL) {
        free(s);
        return NULL;
    }
    s->generation = generation_ref(g);
    smtp_session_begin(&s->smtp, on, smtp, ip);
    return s;
}

static void begin(struct session *s, size_t listen, int fd)
{
    const struct config_listen *l = generation_listen(s->generation, listen);

    if (!smtp_session_open(&s->smtp, fd, l->tls == LISTEN_IMPLICIT,
                           session_config(s)->limits.idle_s))
        return;
    trust(s, l);
    smtp_session_greet(&s->smtp);
}

/* A client as the kernel tells of it. */
struct client {
    struct sgl_ip ip;
    bool local;
    uint32_t uid;
    struct identity *who; /* of a local process; NULL: not known here */
};

/*
 * Connections are counted by address: a uid has one, too, in a network of its own (peers.c counts networks of IPv6), in the part of the addresses that leads nowhere
 * [RFC 6666].
 */
static void look_at_process(struct submission_door *d, int fd, struct client *c)
{
    uint8_t bytes[16] = {0x01};
    struct ucred cred;
    socklen_t len = sizeof cred;

    c->local = true;
    c->uid = UINT32_MAX;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && len == sizeof cred) {
        c->uid = cred.uid;
        c->who = directory_process(d->directory, cred.uid);
    }
    memcpy(bytes + 4, &c->uid, sizeof c->uid);
    c->ip = sgl_ip_v6(bytes);
}

static void turn_away_process(struct submission_door *d, const struct config_listen *l, int fd,
                              const struct client *c)
{
    char text[160];

    log_line(LOG_INFO_, "local process refused", LOG_INT("uid", c->uid));
    snprintf(text, sizeof text,
             "uid %" PRIu32 " may not send here; an operator lets it: sigillo local add NAME --uid "
             "%" PRIu32 " --domain DOMAIN",
             c->uid, c->uid);
    smtp_turn_away(&d->smtp, l->tls == LISTEN_IMPLICIT, fd, "554 5.7.1", text);
}

static void greet(struct smtp_loop *on, struct generation *g, size_t listen, int fd,
                  const struct client *c)
{
    const struct config *config = g->config;
    const char *why = smtp_no_room(on->door, &c->ip, config->limits.connections,
                                   config->limits.connections_per_address);
    struct session *s = why == NULL ? make(on, g, listen, &c->ip) : NULL;

    if (s == NULL) {
        if (why == NULL) {
            smtp_gave_up(on->door, &c->ip);
            why = "out of memory";
        }
        smtp_turn_away(on->door, generation_listen(g, listen)->tls == LISTEN_IMPLICIT, fd,
                       "421 4.7.0", why);
        return;
    }
    if (c->local) {
        s->local = true;
        s->uid = c->uid;
        s->who = identity_ref(c->who);
        sgl_smtp_server_trust(s->smtp.smtp);
    }
    begin(s, listen, fd);
}

void session_accept(struct smtp_loop *on, size_t listen, int fd, const struct sockaddr *peer)
{
    struct submission_door *d = (struct submission_door *)(void *)on->door;
    struct generation *g = current(d);
    struct client c = {.ip = {0}};

    if (listen == LISTEN_LOCAL)
        look_at_process(d, fd, &c);
    else
        c.ip = smtp_ip_of(peer);
    if (c.local && c.who == NULL)
        turn_away_process(d, generation_listen(g, listen), fd, &c);
    else
        greet(on, g, listen, fd, &c);
    identity_unref(c.who);
    generation_unref(g);
}
