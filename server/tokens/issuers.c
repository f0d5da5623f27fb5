/* SPDX-License-Identifier: Apache-2.0 */
#include "issuers.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "../log/log.h"

#define METADATA SGL_LIT("/.well-known/openid-configuration")

struct issuer {
    struct issuers *room;
    char *url;
    struct jwks *set;   /* NULL: none yet */
    int64_t fetched_at; /* Unix seconds */
    int64_t tried_at;   /* 0: never */
    int64_t used_at;
    bool failed; /* the last time */
    bool busy;   /* being asked; then the rest belongs to the loop */
    struct issuer_wait *waiting;
    size_t waits;
    struct loop_task task;
    struct https_get get;
    char address[JWKS_URL_MAX];
};

struct issuers {
    struct loop *loop;
    struct https *https;
    pthread_mutex_t lock;
    struct issuer *issuer[ISSUERS_MAX];
    size_t count;
};

static void issuer_free(struct issuer *i)
{
    jwks_unref(i->set);
    free(i->url);
    free(i);
}

/* ---- asked ---- */

static void wake(struct loop_task *task)
{
    struct issuer_wait *w =
        (struct issuer_wait *)(void *)((char *)task - offsetof(struct issuer_wait, task));

    w->done(w);
}

/* Takes the reference. set NULL: why not. */
static void finish(struct issuer *i, struct jwks *set, const char *why)
{
    struct issuers *s = i->room;
    struct issuer_wait *w, *next;

    sgl_buf_done(&i->get.body);
    if (set == NULL)
        log_line(LOG_WARN_, "issuer gives no keys", LOG_STR("issuer", i->url), LOG_STR("why", why));
    pthread_mutex_lock(&s->lock);
    i->busy = false;
    i->failed = set == NULL;
    i->tried_at = clock_now_s();
    if (set != NULL) {
        jwks_unref(i->set);
        i->set = set;
        i->fetched_at = i->tried_at;
    }
    w = i->waiting;
    i->waiting = NULL;
    i->waits = 0;
    pthread_mutex_unlock(&s->lock);
    for (; w != NULL; w = next) {
        next = w->next;
        w->task.run = wake;
        loop_post(w->loop, &w->task);
    }
}

static struct issuer *of(struct https_get *g)
{
    return (struct issuer *)(void *)((char *)g - offsetof(struct issuer, get));
}

static void got_keys(struct https_get *g)
{
    struct issuer *i = of(g);
    struct jwks *set = g->ok ? jwks_read(sgl_buf_view(&g->body)) : NULL;

    finish(i, set, g->ok ? "its key set cannot be read, or has no key that can be used" : g->why);
}

static void got_metadata(struct https_get *g)
{
    struct issuer *i = of(g);

    if (!g->ok || !jwks_metadata_read(sgl_buf_view(&g->body), sgl_view_cstr(i->url), i->address)) {
        finish(i, NULL, g->ok ? "its metadata are broken, or another issuer's" : g->why);
        return;
    }
    sgl_buf_done(&g->body);
    i->get = (struct https_get){.url = i->address, .size_max = JWKS_SIZE_MAX, .done = got_keys};
    https_get(i->room->https, &i->get);
}

/* [OpenID Connect Discovery s4.1]: a slash at the issuer's end does not count. */
static bool put_address(struct issuer *i)
{
    sgl_view url = sgl_view_cstr(i->url);

    if (sgl_view_ends(url, SGL_LIT("/")))
        url = sgl_view_sub(url, 0, url.len - 1);
    return (size_t)snprintf(i->address, sizeof(i->address), "%.*s%.*s", SGL_FMT(url),
                            SGL_FMT(METADATA)) < sizeof(i->address);
}

static void ask(struct loop_task *task)
{
    struct issuer *i = (struct issuer *)(void *)((char *)task - offsetof(struct issuer, task));

    i->get = (struct https_get){.url = i->address, .size_max = JWKS_SIZE_MAX, .done = got_metadata};
    if (put_address(i))
        https_get(i->room->https, &i->get);
    else
        finish(i, NULL, "its address is too long");
}

/* ---- kept; under the lock ---- */

static bool within(int64_t since, int64_t now, int64_t span)
{
    return now >= since && now - since < span;
}

/* The one that was not used for the longest time, and is not being asked; false: there is none. */
static bool make_room(struct issuers *s)
{
    size_t oldest = ISSUERS_MAX;

    if (s->count < ISSUERS_MAX)
        return true;
    for (size_t i = 0; i < s->count; i++)
        if (!s->issuer[i]->busy &&
            (oldest == ISSUERS_MAX || s->issuer[i]->used_at < s->issuer[oldest]->used_at))
            oldest = i;
    if (oldest == ISSUERS_MAX)
        return false;
    issuer_free(s->issuer[oldest]);
    s->issuer[oldest] = s->issuer[--s->count];
    return true;
}

static struct issuer *find(struct issuers *s, const char *url)
{
    struct issuer *made;

    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->issuer[i]->url, url) == 0)
            return s->issuer[i];
    made = make_room(s) ? calloc(1, sizeof(*made)) : NULL;
    if (made == NULL)
        return NULL;
    made->room = s;
    made->url = strdup(url);
    made->task.run = ask;
    if (made->url != NULL)
        return s->issuer[s->count++] = made;
    free(made);
    return NULL;
}

/* Is there a reason to ask it, and may it be asked? */
static bool wants_asking(const struct issuer *i, const char *key_id, int64_t now)
{
    int64_t pause = i->failed ? ISSUER_RETRY_S : ISSUER_AGAIN_S;

    if (i->busy || (i->tried_at != 0 && within(i->tried_at, now, pause)))
        return false;
    return i->set == NULL || !within(i->fetched_at, now, ISSUER_FRESH_S) ||
           !jwks_has(i->set, key_id);
}

/* A key that is not there may be a new one: only an issuer that could be asked has said that it has none such. */
static bool is_answer(const struct issuer *i, const char *key_id)
{
    return jwks_has(i->set, key_id) || (!i->failed && !i->busy);
}

static bool wait_for(struct issuer *i, struct issuer_wait *w)
{
    if (!i->busy || w == NULL || i->waits == ISSUER_WAITING_MAX)
        return false;
    w->next = i->waiting;
    i->waiting = w;
    i->waits++;
    return true;
}

struct jwks *issuers_keys(struct issuers *s, const char *url, const char *key_id, int64_t now,
                          struct issuer_wait *w, bool *waiting)
{
    struct jwks *set = NULL;
    struct issuer *i;
    bool usable;

    *waiting = false;
    pthread_mutex_lock(&s->lock);
    i = find(s, url);
    if (i != NULL) {
        i->used_at = now;
        if (w != NULL && wants_asking(i, key_id, now)) {
            i->busy = true;
            loop_post(s->loop, &i->task);
        }
        usable = i->set != NULL && within(i->fetched_at, now, ISSUER_KEEP_S);
        if (!usable || !jwks_has(i->set, key_id))
            *waiting = wait_for(i, w);
        if (usable && !*waiting && is_answer(i, key_id))
            set = jwks_ref(i->set);
    }
    pthread_mutex_unlock(&s->lock);
    return set;
}

/* ---- the room ---- */

struct issuers *issuers_new(struct loop *loop, struct https *https)
{
    struct issuers *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->loop = loop;
    s->https = https;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void issuers_free(struct issuers *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++)
        issuer_free(s->issuer[i]);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
