/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLSA records that publish themselves, where the operator has asked for it: one name after the other, by a dynamic update on a worker thread.
 *
 * A record is in the store before it is in the zone, so that a crash leaves none that is not known to be ours; and nothing is published for a pair that would not be back after a
 * restart.  All of a name changes in one update: never is an old record gone where a new one is not there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../audit/audit.h"
#include "../log/log.h"
#include "../loop/loop.h"
#include "../update/update.h"
#include "certs_internal.h"
#include "sigillo/hex.h"

#define THREADS     1
#define WAITING_MAX 4
#define MEMORY_MAX  4096
#define ACTOR       SGL_LIT("system:certificates")

/* ---- what there is to be ---- */

/* NULL: it is not in a zone that a key of ours is for. */
static const struct config_update *zone_of(const struct config *config, const char *name)
{
    return update_zone(config, (struct sgl_name){.text = sgl_view_cstr(name)});
}

static void want(struct certs *c, const struct tlsa_want *w)
{
    if (!tlsa_want(&c->tlsa, w))
        log_line(LOG_ERROR_, "TLSA record not published: too many, or no memory",
                 LOG_STR("name", w->name), LOG_STR("certificate", w->certificate));
}

static void want_keys(struct certs *c, const struct cert *one, struct tlsa_want *w)
{
    w->hash = tls_pair_key_hash(one->pair);
    want(c, w);
    if (one->offered != NULL) {
        w->hash = tls_pair_key_hash(one->offered);
        want(c, w);
    }
    w->hash = one->next_hash;
    if (one->has_next)
        want(c, w);
}

/* Whoever asks for the host may be shown another certificate that has its name: its keys, too. */
static void want_host(struct certs *c, const struct cert *one, const char *host,
                      const struct config_update *to)
{
    char name[TLSA_NAME];
    struct tlsa_want w = {.name = name, .certificate = one->name, .ttl_s = to->ttl_s};

    for (size_t p = 0; p < c->ports; p++) {
        snprintf(name, sizeof(name), "_%u._tcp.%s", c->port[p], host);
        for (size_t i = 0; i < c->count; i++)
            if (&c->cert[i] == one || tls_pair_match(c->cert[i].pair, host) != TLS_MATCH_NONE)
                want_keys(c, &c->cert[i], &w);
    }
}

static void want_pair(struct certs *c, const struct cert *one, const struct tls_pair *pair)
{
    const char *host;

    for (size_t i = 0; pair != NULL && (host = tls_pair_name(pair, i)) != NULL; i++) {
        const struct config_update *to =
            certs_is_mail_host(host) && strlen(host) < 256 ? zone_of(c->config, host) : NULL;

        if (to != NULL)
            want_host(c, one, host, to);
        else if (certs_is_mail_host(host))
            log_line(LOG_WARN_, "TLSA records not published: no dns_update for the zone",
                     LOG_STR("certificate", one->name), LOG_STR("host", host));
    }
}

static bool publishes(const void *ctx, const char *name)
{
    const struct cert *one = certs_find(ctx, name);

    return one != NULL && one->publish;
}

static void refresh(struct certs *c)
{
    c->tlsa_stale = false;
    tlsa_begin(&c->tlsa);
    for (size_t i = 0; i < c->count; i++) {
        if (!c->cert[i].publish)
            continue;
        want_pair(c, &c->cert[i], c->cert[i].pair);
        want_pair(c, &c->cert[i], c->cert[i].offered);
    }
    tlsa_end(&c->tlsa, clock_now_s(), publishes, c);
}

/* ---- an update ---- */

struct tlsa_job {
    struct work work; /* first: cast from it */
    struct certs *certs;
    struct config *config; /* a reference: the zone lives in it */
    struct sgl_arena arena;
    char name[TLSA_NAME], certificate[80];
    struct update_change change[TLSA_KEYS_MAX + 1];
    char value[TLSA_KEYS_MAX][80];
    bool taken[TLSA_KEYS_MAX];
    struct update update;
};

static void job_free(struct tlsa_job *j)
{
    config_unref(j->config);
    sgl_arena_done(&j->arena);
    free(j);
}

static void put_value(const uint8_t hash[32], char out[80])
{
    sgl_auto(sgl_buf) hex = SGL_BUF_INIT(64);

    sgl_hex_encode(&hex, sgl_view_of(hash, 32));
    snprintf(out, 80, "3 1 1 %.*s", SGL_FMT(sgl_buf_view(&hex)));
}

/* What is to be there, and behind it what goes. */
static void fill(struct tlsa_job *j, struct sgl_name name, const struct tlsa_set *s, int64_t now_s)
{
    struct update_change goes = {.name = name, .type = SGL_RR_TLSA, .lenient = true};
    size_t n = 0;

    for (size_t i = 0; i < s->keys; i++) {
        put_value(s->key[i].hash, j->value[i]);
        j->taken[i] = tlsa_may_go(s, &s->key[i], now_s);
        if (j->taken[i])
            goes.old[goes.olds++] = sgl_view_cstr(j->value[i]);
        else if (s->key[i].gone_s == 0)
            j->change[n++] = (struct update_change){
                .name = name, .type = SGL_RR_TLSA, .add = sgl_view_cstr(j->value[i])};
    }
    if (goes.olds > 0)
        j->change[n++] = goes;
    j->update.change = j->change;
    j->update.changes = n;
}

static void note(struct certs *c, const struct tlsa_job *j, const char *what, const char *detail)
{
    char object[100];

    snprintf(object, sizeof(object), "certificate:%s", j->certificate);
    audit_note(c->parts.store, ACTOR, sgl_view_cstr(what), sgl_view_cstr(object),
               sgl_view_of(NULL, 0), sgl_view_cstr(detail));
}

static void tell(const struct tlsa_job *j, const struct tlsa_set *s)
{
    char detail[UPDATE_WHY_SIZE + TLSA_NAME + 40];

    if (j->update.result == UPDATE_DONE && j->update.changed == 0)
        return;
    if (j->update.result == UPDATE_DONE) {
        snprintf(detail, sizeof(detail), "%s: %zu records changed", j->name, j->update.changed);
        note(j->certs, j, "TLSA records changed", detail);
        log_line(LOG_INFO_, "TLSA records changed", LOG_STR("certificate", j->certificate),
                 LOG_STR("name", j->name), LOG_INT("records", j->update.changed));
        return;
    }
    snprintf(detail, sizeof(detail), "%s: %s", j->name, j->update.why);
    if (s == NULL || s->fails == 1) /* once, however often it is tried */
        note(j->certs, j, "TLSA records not changed", detail);
    log_line(LOG_WARN_, "TLSA records not changed", LOG_STR("certificate", j->certificate),
             LOG_STR("name", j->name), LOG_STR("why", j->update.why));
}

static enum tlsa_result result_of(enum update_result r)
{
    switch (r) {
    case UPDATE_DONE:
        return TLSA_DONE;
    case UPDATE_CONFLICT:
    case UPDATE_REFUSED:
        return TLSA_REFUSED;
    case UPDATE_FAILED:
        break;
    }
    return TLSA_FAILED;
}

static void work(struct work *w)
{
    update_run(&((struct tlsa_job *)(void *)w)->update);
}

static void worked(struct work *w)
{
    struct tlsa_job *j = (struct tlsa_job *)(void *)w;
    struct certs *c = j->certs;
    struct tlsa_set *s = tlsa_find(&c->tlsa, j->name);

    c->tlsa_busy = false;
    if (s != NULL)
        tlsa_told(s, result_of(j->update.result), j->update.ttl_s, j->taken, clock_now_s());
    tell(j, s);
    job_free(j);
    certs_publish(c, clock_now_s());
}

static void begin(struct certs *c, struct tlsa_set *s, int64_t now_s)
{
    struct tlsa_job *j = calloc(1, sizeof(*j));
    struct sgl_name name;

    s->due_s = now_s + 60; /* when memory ends */
    if (j == NULL)
        return;
    sgl_arena_init(&j->arena, MEMORY_MAX);
    j->certs = c;
    j->config = config_ref(c->config);
    snprintf(j->name, sizeof(j->name), "%s", s->name);
    snprintf(j->certificate, sizeof(j->certificate), "%s", s->certificate);
    if (sgl_name_parse(sgl_view_cstr(j->name), SGL_NAME_UNDERSCORE, &j->arena, NULL, &name) !=
        SGL_OK) {
        job_free(j); /* nobody can ask for it */
        return;
    }
    j->update.to = zone_of(j->config, j->name);
    fill(j, name, s, now_s);
    j->work = (struct work){.work = work, .done = worked, .loop = c->parts.loop};
    if (c->updaters == NULL)
        c->updaters = workers_new("tlsa-update", THREADS, WAITING_MAX);
    if (j->update.to == NULL || j->update.changes == 0 || c->updaters == NULL ||
        !workers_submit(c->updaters, &j->work)) {
        job_free(j);
        return;
    }
    s->there = c->tlsa_busy = true;
}

/* Would the pairs in use be back after a restart? */
static bool is_safe(const struct certs *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->cert[i].publish && !c->cert[i].kept)
            return false;
    return true;
}

void certs_publish(struct certs *c, int64_t now_s)
{
    struct tlsa_set *s;

    if (c->config == NULL || c->tlsa_busy || c->tlsa_unknown)
        return;
    if (c->tlsa_stale)
        refresh(c);
    s = tlsa_next(&c->tlsa, now_s);
    if (s == NULL)
        return;
    if (!s->kept)
        certs_tlsa_keep(c, s);
    else if (is_safe(c))
        begin(c, s, now_s);
}
