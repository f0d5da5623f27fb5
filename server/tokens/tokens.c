/* SPDX-License-Identifier: Apache-2.0 */
/* The room as a whole: its start and end, its names, the key set. */
#include "tokens.h"

#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "tokens_internal.h"

struct tokens *tokens_new(struct loop *loop, struct store *store, struct keys *keys,
                          struct directory *directory, const char *url, char *why, size_t why_size)
{
    struct tokens *t = calloc(1, sizeof(*t));

    snprintf(why, why_size, "out of memory");
    if (t == NULL)
        return NULL;
    memory_watch();
    t->loop = loop;
    t->store = store;
    t->keys = keys;
    t->directory = directory;
    pthread_rwlock_init(&t->lock, NULL);
    pthread_mutex_init(&t->seen_lock, NULL);
    t->url = strdup(url);
    if (t->url != NULL && tend_start(t, why, why_size))
        return t;
    tokens_free(t);
    return NULL;
}

void tokens_free(struct tokens *t)
{
    if (t == NULL)
        return;
    tend_stop(t);
    pthread_rwlock_destroy(&t->lock);
    pthread_mutex_destroy(&t->seen_lock);
    free(t->url);
    free(t);
}

const char *tokens_url(const struct tokens *t)
{
    return t->url;
}

bool tokens_ready(struct tokens *t)
{
    struct ring_key ring[RING_MAX];
    size_t signer;

    pthread_rwlock_rdlock(&t->lock);
    tend_ring(t, ring);
    signer = ring_signer(ring, t->count, clock_now_s());
    pthread_rwlock_unlock(&t->lock);
    return signer != RING_NONE;
}

void tokens_stats(struct tokens *t, struct tokens_stats *out)
{
    *out = (struct tokens_stats){.issued = atomic_load(&t->issued),
                                 .accepted = atomic_load(&t->accepted),
                                 .refused = atomic_load(&t->refused)};
}

json_t *tokens_key_set(struct tokens *t)
{
    json_t *list = json_array();
    bool whole = true;

    pthread_rwlock_rdlock(&t->lock);
    for (size_t i = 0; i < t->count; i++)
        whole = json_array_append_new(list, token_key_public(t->key[i])) == 0 && whole;
    pthread_rwlock_unlock(&t->lock);
    if (whole)
        return json_pack("{s:o}", "keys", list);
    json_decref(list);
    return NULL;
}

/* ---- names ---- */

const char *tokens_resource(const struct tokens *t, enum token_audience audience)
{
    switch (audience) {
    case TOKEN_FOR_US:
        return t->url;
    case TOKEN_FOR_ACS:
        return "https://communication.azure.com/";
    case TOKEN_FOR_GRAPH:
        return "https://graph.microsoft.com";
    case TOKEN_FOR_SMTP:
        return "https://outlook.office365.com";
    case TOKEN_FOR_NOTHING:
        break;
    }
    return "";
}

static sgl_view without_slash(sgl_view v)
{
    return sgl_view_ends(v, SGL_LIT("/")) ? sgl_view_sub(v, 0, v.len - 1) : v;
}

enum token_audience tokens_audience(const struct tokens *t, sgl_view resource)
{
    static const enum token_audience all[] = {TOKEN_FOR_US, TOKEN_FOR_ACS, TOKEN_FOR_GRAPH,
                                              TOKEN_FOR_SMTP};
    sgl_view name = without_slash(resource);

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (sgl_view_eq(name, without_slash(sgl_view_cstr(tokens_resource(t, all[i])))))
            return all[i];
    return TOKEN_FOR_NOTHING;
}

void tokens_issuer(const struct tokens *t, sgl_view tenant, struct sgl_buf *out)
{
    sgl_buf_add_cstr(out, t->url);
    if (tenant.len == 0)
        return;
    sgl_buf_add_byte(out, '/');
    sgl_buf_add(out, tenant);
    sgl_buf_add(out, SGL_LIT("/v2.0"));
}
