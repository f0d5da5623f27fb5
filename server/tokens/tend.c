/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys' life.  All of it happens on the room's loop, one step at a time:
 *
 *   IDLE -> a key is not loaded     -> KEYS_LOAD                    -> IDLE
 *        -> the ring wants a new one -> KEYS_GENERATE -> stored      -> IDLE
 *        -> one is over              -> deleted from the store       -> IDLE
 *
 * What cannot be done now is tried again: the timer ends each pause.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "../log/log.h"
#include "tokens_internal.h"

#define SOON_S  1
#define LATER_S 60

static void step(struct tokens *t);

void tend_ring(const struct tokens *t, struct ring_key ring[RING_MAX])
{
    for (size_t i = 0; i < t->count; i++)
        ring[i] = (struct ring_key){t->key[i]->made_at, t->key[i]->handle != 0};
}

static void pause_for(struct tokens *t, unsigned seconds)
{
    struct timeval wait = {(time_t)seconds, 0};

    t->tending.busy = false;
    (void)event_add(t->timer, &wait);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct tokens *t = arg;

    (void)fd;
    (void)what;
    if (!t->tending.busy)
        step(t);
}

static struct tokens *of(struct tending *d)
{
    return (struct tokens *)(void *)((char *)d - offsetof(struct tokens, tending));
}

/* ---- loaded ---- */

static void loaded(struct keys_op *op)
{
    struct tending *d = (struct tending *)(void *)op;
    struct tokens *t = of(d);

    if (op->result == KEYS_DOWN || op->result == KEYS_BUSY) {
        pause_for(t, SOON_S);
        return;
    }
    pthread_rwlock_wrlock(&t->lock);
    d->key->handle = op->result == KEYS_OK ? op->handle : 0;
    d->key->refused = op->result == KEYS_REFUSED;
    pthread_rwlock_unlock(&t->lock);
    if (op->result == KEYS_REFUSED)
        log_line(LOG_ERROR_, "token key cannot be opened", LOG_STR("key", d->key->id));
    d->key = NULL;
    step(t);
}

static struct token_key *not_loaded(const struct tokens *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->key[i]->handle == 0 && !t->key[i]->refused)
            return t->key[i];
    return NULL;
}

static void load(struct tokens *t, struct token_key *k)
{
    struct tending *d = &t->tending;

    d->key = k;
    token_key_context(k, d->context);
    d->keys.verb = KEYS_LOAD;
    d->keys.loop = t->loop;
    d->keys.done = loaded;
    d->keys.in = sgl_view_of(k->sealed, k->sealed_len);
    d->keys.context = sgl_view_cstr(d->context);
    keys_submit(t->keys, &d->keys);
}

/* ---- made, and stored ---- */

/* With its line in the audit, durable with it. */
static void write_row(struct tokens *t, enum store_op_kind kind, void (*done)(struct store_op *op))
{
    struct tending *d = &t->tending;

    snprintf(d->object, sizeof(d->object), TOKEN_KEY_KIND ":%.*s", SGL_FMT(d->row.key));
    d->audit =
        (struct store_audit){.at_ms = clock_now_ms(),
                             .actor = SGL_LIT("system:tokens"),
                             .action = kind == STORE_NOUN_PUT ? SGL_LIT(TOKEN_KEY_KIND " add")
                                                              : SGL_LIT(TOKEN_KEY_KIND " remove"),
                             .object = sgl_view_cstr(d->object),
                             .result = SGL_LIT("done")};

    d->store = (struct store_noun_op){.op = {.kind = kind, .loop = t->loop, .done = done},
                                      .noun = &d->row,
                                      .nouns = 1,
                                      .audit = &d->audit};
    store_submit(t->store, &d->store.op);
}

static struct tending *of_store(struct store_op *op)
{
    return (struct tending *)(void *)((char *)op - offsetof(struct tending, store));
}

static void stored(struct store_op *op)
{
    struct tending *d = of_store(op);
    struct tokens *t = of(d);

    free(d->value);
    d->value = NULL;
    if (op->result != STORE_OK) {
        log_line(LOG_WARN_, "token key not stored", LOG_STR("why", store_result_text(op->result)));
        token_key_free(d->key);
        d->key = NULL;
        pause_for(t, LATER_S);
        return;
    }
    d->key->version = d->row.version;
    log_line(LOG_INFO_, "token key made", LOG_STR("key", d->key->id));
    pthread_rwlock_wrlock(&t->lock);
    t->key[t->count++] = d->key;
    pthread_rwlock_unlock(&t->lock);
    d->key = NULL;
    step(t);
}

static void generated(struct keys_op *op)
{
    struct tending *d = (struct tending *)(void *)op;
    struct tokens *t = of(d);

    if (op->result == KEYS_OK && token_key_take(d->key, op))
        d->value = token_key_value(d->key);
    if (d->value == NULL) {
        token_key_free(d->key);
        d->key = NULL;
        pause_for(t, SOON_S);
        return;
    }
    d->row = (struct store_noun){.kind = SGL_LIT(TOKEN_KEY_KIND),
                                 .key = sgl_view_cstr(d->key->id),
                                 .value = sgl_view_cstr(d->value)};
    write_row(t, STORE_NOUN_PUT, stored);
}

static void make(struct tokens *t)
{
    struct tending *d = &t->tending;

    d->key = calloc(1, sizeof(*d->key));
    if (d->key == NULL) {
        pause_for(t, LATER_S);
        return;
    }
    guid_random(d->key->id);
    d->key->made_at = clock_now_s();
    token_key_context(d->key, d->context);
    d->keys.verb = KEYS_GENERATE;
    d->keys.algorithm = KEYS_ES256;
    d->keys.loop = t->loop;
    d->keys.done = generated;
    d->keys.in = sgl_view_of(NULL, 0);
    d->keys.context = sgl_view_cstr(d->context);
    keys_submit(t->keys, &d->keys);
}

/* ---- over ---- */

/* Out of the ring: nobody needs it even if the store kept it, and then it goes the next time. */
static void drop(struct tokens *t, size_t at)
{
    struct token_key *k;

    pthread_rwlock_wrlock(&t->lock);
    k = t->key[at];
    for (size_t i = at; i + 1 < t->count; i++)
        t->key[i] = t->key[i + 1];
    t->count--;
    pthread_rwlock_unlock(&t->lock);
    token_key_free(k);
}

static void deleted(struct store_op *op)
{
    struct tending *d = of_store(op);
    struct tokens *t = of(d);

    if (op->result != STORE_OK && op->result != STORE_NOT_FOUND)
        log_line(LOG_WARN_, "token key not removed", LOG_STR("key", d->over),
                 LOG_STR("why", store_result_text(op->result)));
    step(t);
}

static void remove_over(struct tokens *t, size_t at)
{
    struct tending *d = &t->tending;

    snprintf(d->over, sizeof(d->over), "%s", t->key[at]->id);
    d->row = (struct store_noun){.kind = SGL_LIT(TOKEN_KEY_KIND),
                                 .key = sgl_view_cstr(d->over),
                                 .version = t->key[at]->version};
    drop(t, at);
    write_row(t, STORE_NOUN_DELETE, deleted);
}

/* ---- steps ---- */

static void step(struct tokens *t)
{
    struct token_key *k = not_loaded(t);
    struct ring_key ring[RING_MAX];
    int64_t now = clock_now_s();
    size_t over;

    t->tending.busy = true;
    tend_ring(t, ring); /* only this loop changes them */
    over = ring_over(ring, t->count, now);
    if (k != NULL)
        load(t, k);
    else if (over != RING_NONE)
        remove_over(t, over);
    else if (ring_wants_new(ring, t->count, now))
        make(t);
    else
        pause_for(t, LATER_S);
}

/* ---- start ---- */

static bool read_one(void *ctx, const struct store_noun *noun)
{
    struct tokens *t = ctx;
    struct token_key *k = t->count < RING_MAX ? token_key_from_noun(noun) : NULL;
    size_t at = t->count;

    if (k == NULL) {
        log_line(LOG_ERROR_, "token key cannot be read", LOG_VIEW("key", noun->key));
        return true;
    }
    for (; at > 0 && t->key[at - 1]->made_at > k->made_at; at--)
        t->key[at] = t->key[at - 1];
    t->key[at] = k;
    t->count++;
    return true;
}

bool tend_start(struct tokens *t, char *why, size_t why_size)
{
    struct timeval now = {0, 0};
    enum store_result result = store_read_nouns(t->store, SGL_LIT(TOKEN_KEY_KIND), read_one, t);

    if (result != STORE_OK) {
        snprintf(why, why_size, "cannot read the token keys: %s", store_result_text(result));
        return false;
    }
    t->timer = event_new(loop_base(t->loop), -1, 0, on_timer, t);
    return t->timer != NULL && event_add(t->timer, &now) == 0;
}

void tend_stop(struct tokens *t)
{
    bool listed = false;

    if (t->timer != NULL)
        event_free(t->timer);
    for (size_t i = 0; i < t->count; i++) {
        listed = listed || t->key[i] == t->tending.key;
        token_key_free(t->key[i]);
    }
    if (!listed) /* one that was being made */
        token_key_free(t->tending.key);
    free(t->tending.value);
}
