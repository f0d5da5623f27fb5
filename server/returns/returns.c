/* SPDX-License-Identifier: Apache-2.0 */
/* The room, and the return paths that go out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "returns_internal.h"

#define PURPOSE "sigillo return path 1"
#define HOST_MAX                                                                                   \
    (253 - RETURN_PATH_LOCAL) /* a path has 256 bytes, with its brackets [RFC 5321 s4.5.3.1.3] */

struct returns *returns_new(const struct returns_setup *setup)
{
    struct returns *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->setup = *setup;
    r->config = config_ref(setup->config);
    pthread_rwlock_init(&r->lock, NULL);
    return r;
}

void returns_free(struct returns *r)
{
    if (r == NULL)
        return;
    config_unref(r->config);
    pthread_rwlock_destroy(&r->lock);
    free(r);
}

void returns_reconfigure(struct returns *r, struct config *config)
{
    struct config *before;

    pthread_rwlock_wrlock(&r->lock);
    before = r->config;
    r->config = config_ref(config);
    pthread_rwlock_unlock(&r->lock);
    config_unref(before);
}

void returns_rules(struct returns *r, struct returns_rules *out)
{
    const struct config *c;

    pthread_rwlock_rdlock(&r->lock);
    c = r->config;
    *out = (struct returns_rules){.trail_s = (int64_t)c->queue.keep_trail_s,
                                  .suppress_s = c->delivery.suppress_s,
                                  .refusing_days = c->inbound.refusing_days};
    for (size_t i = 0; i < c->listens; i++)
        out->receives |= c->listen[i].door == DOOR_INBOUND;
    pthread_rwlock_unlock(&r->lock);
}

static bool at_or_below(sgl_view domain, sgl_view name)
{
    return sgl_view_eq_nocase(domain, name) ||
           (domain.len > name.len && sgl_view_ends_nocase(domain, name) &&
            domain.ptr[domain.len - name.len - 1] == '.');
}

bool returns_believes(struct returns *r, sgl_view domain)
{
    bool believed = false;

    pthread_rwlock_rdlock(&r->lock);
    for (size_t i = 0; i < r->config->inbound.complaint_senders; i++)
        believed |= at_or_below(domain, sgl_view_cstr(r->config->inbound.complaint_sender[i]));
    pthread_rwlock_unlock(&r->lock);
    return believed;
}

/* ---- out ---- */

static sgl_view domain_of(sgl_view address)
{
    size_t at = address.len;

    while (at > 0 && address.ptr[at - 1] != '@')
        at--;
    return sgl_view_from(address, at);
}

/* The domain whose return path it is; a reference, or NULL: the sender's own stays. */
static struct domain *domain_for(struct returns *r, const struct store_message *m)
{
    struct returns_rules rules;
    struct domain *d;

    returns_rules(r, &rules);
    /* What the server writes or sends on itself is not a sender's. */
    if (!rules.receives || m->env_from.len == 0 || sgl_view_eq(m->identity, SGL_LIT("system")) ||
        sgl_view_eq(m->door, SGL_LIT("inbound")))
        return NULL;
    d = directory_domain(r->setup.directory, domain_of(m->env_from));
    if (d != NULL && d->kind == DOMAIN_CUSTOM && !d->bounces_plain && d->return_path[0] != '\0' &&
        d->status[PART_RETURN_PATH].state == DOMAIN_VERIFIED &&
        sgl_view_eq(sgl_view_cstr(d->subscription), m->subscription))
        return d;
    domain_unref(d);
    return NULL;
}

bool returns_alone(void *returns, const struct store_message *message)
{
    struct domain *d = domain_for(returns, message);

    domain_unref(d);
    return d != NULL;
}

bool returns_make(void *returns, const struct store_message *message, const struct store_rcpt *rcpt,
                  char out[320])
{
    struct returns *r = returns;
    uint8_t secret[LISTS_KEYS_MAX][LIST_SECRET_SIZE];
    char local[RETURN_PATH_LOCAL + 1], host[256];
    struct domain *d = domain_for(r, message);
    int len = 0;

    if (d != NULL && lists_secrets(r->setup.lists, PURPOSE, secret) > 0) {
        len = snprintf(host, sizeof(host), "%s.%s", d->return_path, d->name);
        len = len <= HOST_MAX ? len : 0;
        return_path_put(secret[0], &(struct return_path){message->id, rcpt->id},
                        sgl_view_cstr(host), local);
        snprintf(out, 320, "%s@%s", local, host);
    }
    domain_unref(d);
    return len > 0;
}

/* ---- in: at RCPT ---- */

enum return_path_kind returns_open(struct returns *r, sgl_view address, struct return_path *out)
{
    uint8_t secret[LISTS_KEYS_MAX][LIST_SECRET_SIZE];
    size_t secrets = lists_secrets(r->setup.lists, PURPOSE, secret);

    return return_path_open(secret, secrets, address, out);
}

enum reception_known returns_knows(void *returns, sgl_view address, enum route_action *action)
{
    struct returns *r = returns;
    struct returns_rules rules;
    struct return_path path;
    bool started = lists_started(r->setup.lists); /* before it is looked at */

    switch (returns_open(r, address, &path)) {
    case RETURN_PATH_NONE:
        return RECEPTION_NOT_MINE;
    case RETURN_PATH_FORGED:
        *action = ROUTE_BOUNCES;
        return started ? RECEPTION_FORGED
                       : RECEPTION_KNOWN; /* it is asked again, and answered by 451 */
    case RETURN_PATH_OURS:
        break;
    }
    returns_rules(r, &rules);
    if (id_time_ms(path.message) / 1000 + rules.trail_s < clock_now_s())
        return RECEPTION_FORGED; /* nobody remembers the message any more */
    *action = ROUTE_BOUNCES;
    return RECEPTION_KNOWN;
}
