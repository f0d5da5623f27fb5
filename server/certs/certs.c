/* SPDX-License-Identifier: Apache-2.0 */
#include "certs_internal.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "../loop/loop.h"

#define SOON_S    (7 * 86400)
#define MAIL_PORT 25

/* ---- what the configuration says ---- */

bool certs_files(const struct config *c, size_t i, struct certs_files *out)
{
    const struct config_certificate *s;

    if (c->tls_certificate == NULL || i > c->certificates)
        return false;
    if (i == 0) {
        *out = (struct certs_files){CERTS_DEFAULT,       c->tls_certificate,     c->tls_key,
                                    c->tls_next_key,     c->tls_certificate_pem, c->tls_key_pem,
                                    c->tls_next_key_pem, c->tls_publish};
        return true;
    }
    s = &c->certificate[i - 1];
    *out = (struct certs_files){s->name,         s->certificate,     s->key,
                                s->next_key,     s->certificate_pem, s->key_pem,
                                s->next_key_pem, s->publish};
    return true;
}

/* "tls_certificate", "certificate web: key" */
static void say_key(const struct certs_files *f, const char *key, const char *reason, char *why,
                    size_t why_size)
{
    if (strcmp(f->name, CERTS_DEFAULT) == 0)
        snprintf(why, why_size, "tls_%s%s", key, reason);
    else
        snprintf(why, why_size, "certificate %s: %s%s", f->name, key, reason);
}

/* NULL: `why` says what is wrong. */
static struct tls_pair *pair_of(const struct certs_files *f, char *why, size_t why_size)
{
    struct tls_pair *pair;
    char reason[200];
    uint8_t hash[32];

    pair = tls_pair_new(sgl_view_cstr(f->certificate_pem), sgl_view_cstr(f->key_pem), reason,
                        sizeof(reason));
    if (pair == NULL) { /* the reason begins with "certificate" or "key" */
        say_key(f, "", reason, why, why_size);
        return NULL;
    }
    if (f->next_key_pem == NULL || tls_key_hash(sgl_view_cstr(f->next_key_pem), hash))
        return pair;
    say_key(f, "next_key", ": not an unencrypted PEM key, private or public", why, why_size);
    tls_pair_unref(pair);
    return NULL;
}

bool certs_files_check(const struct certs_files *f, char *why, size_t why_size)
{
    struct tls_pair *pair = pair_of(f, why, why_size);

    tls_pair_unref(pair);
    return pair != NULL;
}

bool certs_check(const struct config *c, char *why, size_t why_size)
{
    struct certs_files f;

    for (size_t i = 0; certs_files(c, i, &f); i++)
        if (!certs_files_check(&f, why, why_size))
            return false;
    return true;
}

/* ---- what is in use ---- */

static void free_list(struct cert *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(list[i].name);
        tls_pair_unref(list[i].pair);
        tls_pair_unref(list[i].offered);
    }
    free(list);
}

struct cert *certs_find(const struct certs *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->cert[i].name, name) == 0)
            return &c->cert[i];
    return NULL;
}

static bool same_pair(const struct tls_pair *a, const struct tls_pair *b)
{
    return X509_cmp(tls_pair_x509(a), tls_pair_x509(b)) == 0;
}

static bool same_key(const struct tls_pair *a, const struct tls_pair *b)
{
    return memcmp(tls_pair_key_hash(a), tls_pair_key_hash(b), 32) == 0;
}

static void use(struct cert *to, struct tls_pair *pair, const struct cert *was)
{
    to->pair = pair;
    if (was == NULL || same_pair(was->pair, pair)) /* the chain may be another */
        return;
    to->kept = false;
    log_line(LOG_INFO_, "certificate taken", LOG_STR("certificate", was->name),
             LOG_INT("expires", tls_pair_expires_at(pair)));
}

void certs_roll_for(struct cert *one)
{
    const uint8_t *hash = one->offered != NULL ? tls_pair_key_hash(one->offered) : one->next_hash;

    if (memcmp(one->roll.hash, hash, 32) == 0)
        return;
    one->roll = (struct roll){.since_s = 0};
    memcpy(one->roll.hash, hash, 32);
}

/* Another key waits, where DNS can be asked: the old one stays in use. */
static void offer(struct cert *to, struct tls_pair *pair, const struct cert *was)
{
    to->pair = tls_pair_ref(was->pair);
    to->offered = pair;
    if (was->offered != NULL && same_key(was->offered, pair)) {
        to->todo = was->todo;
        to->until_s = was->until_s;
        to->asked = was->asked;
        return;
    }
    certs_roll_for(to); /* it may have been seen early */
}

/* From the files to what is used from now on: their pair, or what was. pair NULL: there is none. */
static void choose(struct cert *to, const struct certs_files *f, const struct cert *was, bool waits)
{
    char why[400];
    struct tls_pair *pair = pair_of(f, why, sizeof(why));

    if (was != NULL) {
        to->roll = was->roll;
        to->kept = was->kept;
        memcpy(to->host, was->host, sizeof(to->host));
    }
    if (pair == NULL) {
        log_line(LOG_ERROR_, "certificate not taken", LOG_STR("certificate", f->name),
                 LOG_STR("why", why));
        to->pair = was != NULL ? tls_pair_ref(was->pair) : NULL;
        to->offered = was != NULL && was->offered != NULL ? tls_pair_ref(was->offered) : NULL;
    } else if (waits && was != NULL && !same_key(was->pair, pair)) {
        offer(to, pair, was);
    } else {
        use(to, pair, was);
    }
}

static void take_next(struct cert *to, const struct certs_files *f)
{
    const uint8_t *used = tls_pair_key_hash(to->offered != NULL ? to->offered : to->pair);

    to->has_next = f->next_key_pem != NULL &&
                   tls_key_hash(sgl_view_cstr(f->next_key_pem), to->next_hash) &&
                   memcmp(to->next_hash, used, 32) != 0;
    certs_roll_for(to);
}

/* false: no memory, or what has to be there cannot be used. */
static bool make_list(const struct certs *c, const struct config *config, struct cert **out,
                      size_t *count)
{
    struct cert *list = calloc(config->certificates + 1, sizeof(*list));
    struct certs_files f;
    size_t n = 0;

    for (size_t i = 0; list != NULL && certs_files(config, i, &f); i++) {
        const struct cert *was = certs_find(c, f.name);
        struct cert *to = &list[n];

        choose(to, &f, was, c->parts.loop != NULL);
        if (to->pair == NULL)
            continue;
        to->name = strdup(f.name);
        to->publish = f.publish;
        take_next(to, &f);
        to->told = was != NULL && same_pair(was->pair, to->pair) ? was->told : TOLD_NOTHING;
        n++;
        if (to->name == NULL) {
            free_list(list, n);
            return false;
        }
    }
    /* at the start all of them, or nothing */
    if (list == NULL || n < (c->cert == NULL ? config->certificates + 1 : 1) ||
        strcmp(list[0].name, CERTS_DEFAULT) != 0) {
        free_list(list, n);
        return false;
    }
    *out = list;
    *count = n;
    return true;
}

static bool show(struct certs *c, const struct cert *list, size_t count)
{
    struct tls_pair **pair = calloc(count, sizeof(struct tls_pair *));
    bool done = pair != NULL;

    for (size_t i = 0; done && i < count; i++)
        pair[i] = list[i].pair;
    if (done && c->server != NULL)
        done = tls_server_set(c->server, pair, count);
    else if (done)
        done = (c->server = tls_server_of(pair, count)) != NULL;
    free(pair);
    return done;
}

bool certs_show(struct certs *c)
{
    return show(c, c->cert, c->count);
}

static bool take(struct certs *c, const struct config *config)
{
    struct cert *list = NULL, *old = c->cert;
    size_t count = 0, olds = c->count;

    if (!make_list(c, config, &list, &count))
        return false;
    if (!show(c, list, count)) {
        free_list(list, count);
        return false;
    }
    pthread_mutex_lock(&c->lock);
    c->cert = list;
    c->count = count;
    pthread_mutex_unlock(&c->lock);
    free_list(old, olds);
    return true;
}

struct certs *certs_new(const struct config *config, char *why, size_t why_size)
{
    struct certs *c;

    if (!certs_check(config, why, why_size))
        return NULL;
    c = calloc(1, sizeof(*c));
    snprintf(why, why_size, "out of memory");
    if (c == NULL)
        return NULL;
    pthread_mutex_init(&c->lock, NULL);
    if (config->tls_certificate == NULL || take(c, config))
        return c;
    certs_free(c);
    return NULL;
}

/* A door with TLS needs a restart: a certificate that comes first has nobody to serve, one that is given up serves on. */
void certs_offer(struct certs *c, struct config *config)
{
    if (c->server == NULL || config->tls_certificate == NULL)
        return;
    if (!take(c, config))
        log_line(LOG_ERROR_, "out of memory: the certificates stay as they were");
    c->ports = certs_ports(config, c->port, CERTS_PORTS_MAX);
    c->tlsa_stale = true;
    if (c->config != NULL) {
        config_unref(c->config);
        c->config = config_ref(config);
    }
}

/* ---- ports ---- */

static unsigned port_of(const struct config_address *a)
{
    return ntohs(a->addr.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)(const void *)&a->addr)->sin6_port
                     : ((const struct sockaddr_in *)(const void *)&a->addr)->sin_port);
}

static size_t add_port(unsigned *port, size_t n, size_t max, unsigned one)
{
    for (size_t i = 0; i < n; i++)
        if (port[i] == one)
            return n;
    if (n < max)
        port[n++] = one;
    return n;
}

size_t certs_ports(const struct config *c, unsigned *port, size_t max)
{
    size_t n = add_port(port, 0, max, MAIL_PORT);

    for (size_t i = 0; i < c->listens; i++)
        for (size_t k = 0; k < c->listen[i].addresses; k++)
            if (c->listen[i].door == DOOR_SUBMISSION && c->listen[i].tls != LISTEN_PLAIN)
                n = add_port(port, n, max, port_of(&c->listen[i].address[k]));
    return n;
}

/* ---- life ---- */

struct tls_server *certs_server(struct certs *c)
{
    return c->server;
}

void certs_free(struct certs *c)
{
    if (c == NULL)
        return;
    if (c->timer != NULL)
        event_free(c->timer);
    workers_free(c->updaters);
    tlsa_done(&c->tlsa);
    config_unref(c->config);
    free_list(c->cert, c->count);
    tls_server_free(c->server);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ---- their keys ---- */

/* As a session chooses: the name itself before a wildcard, the first of a kind. */
static const struct cert *shown_to(const struct certs *c, const char *host)
{
    const struct cert *best = NULL;
    enum tls_match best_match = TLS_MATCH_NONE;

    for (size_t i = 0; i < c->count; i++) {
        enum tls_match match = tls_pair_match(c->cert[i].pair, host);

        if (match > best_match) {
            best = &c->cert[i];
            best_match = match;
        }
    }
    return best;
}

void certs_each_key(struct certs *c, const char *host,
                    void (*each)(void *ctx, const struct certs_key *key), void *ctx)
{
    const struct cert *only;

    pthread_mutex_lock(&c->lock);
    only = host != NULL ? shown_to(c, host) : NULL;
    for (size_t i = 0; i < c->count; i++) {
        const struct cert *one = &c->cert[i];
        struct certs_key key = {one->name, one->pair, CERTS_KEY_USED, tls_pair_key_hash(one->pair)};

        if (host != NULL && one != only)
            continue;
        each(ctx, &key);
        key.use = CERTS_KEY_NEXT;
        if (one->offered != NULL) {
            key.hash = tls_pair_key_hash(one->offered);
            each(ctx, &key);
        }
        key.hash = one->next_hash;
        if (one->has_next)
            each(ctx, &key);
    }
    pthread_mutex_unlock(&c->lock);
}

/* ---- their ends ---- */

void certs_tend(struct certs *c, int64_t now_s)
{
    for (size_t i = 0; i < c->count; i++) {
        struct cert *one = &c->cert[i];
        int64_t end = tls_pair_expires_at(one->pair);
        enum told state = end <= now_s            ? TOLD_OVER
                          : end - now_s <= SOON_S ? TOLD_SOON
                                                  : TOLD_NOTHING;

        if (state > one->told)
            log_line(LOG_WARN_,
                     state == TOLD_OVER ? "certificate has expired" : "certificate ends soon",
                     LOG_STR("certificate", one->name), LOG_INT("expires", end));
        one->told = state;
    }
}

int64_t certs_expire_at(struct certs *c)
{
    int64_t first = 0;

    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->count; i++) {
        int64_t end = tls_pair_expires_at(c->cert[i].pair);

        first = i == 0 || end < first ? end : first;
    }
    pthread_mutex_unlock(&c->lock);
    return first;
}

int64_t certs_expired(struct certs *c, int64_t now_s)
{
    int64_t over = 0;

    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->count; i++)
        over += tls_pair_expires_at(c->cert[i].pair) <= now_s;
    pthread_mutex_unlock(&c->lock);
    return over;
}
