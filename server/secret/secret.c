/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Its life, on the room's loop, one step at a time; what cannot be done now is tried again when the timer ends the pause:
 *
 *   SEALED (from the store) -> KEYS_OPEN -> OPEN
 *   NONE -> KEYS_SEAL -> stored -> OPEN
 */
#include "secret.h"

#include <jansson.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "../log/log.h"

#define NAME       "1"
#define SOON_S     1
#define LATER_S    60
#define SEALED_MAX (SECRET_SIZE + KEYS_SEAL_EXTRA)
#define BASE64     sodium_base64_VARIANT_ORIGINAL
#define BASE64_MAX 128

struct secret {
    struct loop *loop;
    struct store *store;
    struct keys *keys;
    const char *kind;
    struct event *timer;
    bool busy, sealed_there;
    _Atomic bool refused;
    uint8_t sealed[SEALED_MAX];
    uint8_t bytes[SECRET_SIZE]; /* written once, before `open` */
    _Atomic bool open;
    struct keys_op op;
    struct store_noun_op put;
    struct store_noun row;
    struct store_audit audit;
    char context[64], value[256], object[80], action[80];
};

static void step(struct secret *s);

static struct secret *of_keys(struct keys_op *op)
{
    return (struct secret *)(void *)((char *)op - offsetof(struct secret, op));
}

static void pause_for(struct secret *s, unsigned seconds)
{
    struct timeval wait = {(time_t)seconds, 0};

    s->busy = false;
    (void)event_add(s->timer, &wait);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct secret *s = arg;

    (void)fd;
    (void)what;
    if (!s->busy)
        step(s);
}

static void ask_keys(struct secret *s, enum keys_verb verb, sgl_view in,
                     void (*done)(struct keys_op *op))
{
    snprintf(s->context, sizeof(s->context), "%s:" NAME, s->kind);
    s->op = (struct keys_op){.verb = verb,
                             .loop = s->loop,
                             .done = done,
                             .in = in,
                             .context = sgl_view_cstr(s->context)};
    keys_submit(s->keys, &s->op);
}

/* ---- opened ---- */

static void opened(struct keys_op *op)
{
    struct secret *s = of_keys(op);

    if (op->result == KEYS_DOWN || op->result == KEYS_BUSY) {
        pause_for(s, SOON_S);
        return;
    }
    if (op->result != KEYS_OK || op->out_len != SECRET_SIZE) {
        atomic_store(&s->refused, true);
        log_line(LOG_ERROR_, "secret cannot be opened", LOG_STR("kind", s->kind));
        return;
    }
    memcpy(s->bytes, op->out, SECRET_SIZE);
    sodium_memzero(op->out, sizeof(op->out));
    atomic_store(&s->open, true);
}

/* ---- made ---- */

static void stored(struct store_op *op)
{
    struct secret *s = (struct secret *)(void *)((char *)op - offsetof(struct secret, put));

    if (op->result == STORE_OK) {
        log_line(LOG_INFO_, "secret made", LOG_STR("kind", s->kind));
        atomic_store(&s->open, true);
        return;
    }
    log_line(LOG_WARN_, "secret not stored", LOG_STR("kind", s->kind),
             LOG_STR("why", store_result_text(op->result)));
    pause_for(s, LATER_S);
}

static void put_row(struct secret *s)
{
    snprintf(s->object, sizeof(s->object), "%s:" NAME, s->kind);
    snprintf(s->action, sizeof(s->action), "%s add", s->kind);
    s->row = (struct store_noun){
        .kind = sgl_view_cstr(s->kind), .key = SGL_LIT(NAME), .value = sgl_view_cstr(s->value)};
    s->audit = (struct store_audit){.at_ms = clock_now_ms(),
                                    .actor = SGL_LIT("system"),
                                    .action = sgl_view_cstr(s->action),
                                    .object = sgl_view_cstr(s->object),
                                    .result = SGL_LIT("done")};
    s->put = (struct store_noun_op){.op = {.kind = STORE_NOUN_PUT, .loop = s->loop, .done = stored},
                                    .noun = &s->row,
                                    .nouns = 1,
                                    .audit = &s->audit};
    store_submit(s->store, &s->put.op);
}

static void sealed(struct keys_op *op)
{
    struct secret *s = of_keys(op);
    char text[BASE64_MAX];

    if (op->result != KEYS_OK || op->out_len != SEALED_MAX) {
        pause_for(s, SOON_S);
        return;
    }
    sodium_bin2base64(text, sizeof(text), op->out, op->out_len, BASE64);
    snprintf(s->value, sizeof(s->value), "{\"made_at\":%lld,\"sealed\":\"%s\"}",
             (long long)clock_now_s(), text);
    put_row(s);
}

static void step(struct secret *s)
{
    s->busy = true;
    if (s->sealed_there) {
        ask_keys(s, KEYS_OPEN, sgl_view_of(s->sealed, sizeof(s->sealed)), opened);
        return;
    }
    randombytes_buf(s->bytes, sizeof(s->bytes));
    ask_keys(s, KEYS_SEAL, sgl_view_of(s->bytes, sizeof(s->bytes)), sealed);
}

/* ---- start ---- */

static bool read_one(void *ctx, const struct store_noun *noun)
{
    struct secret *s = ctx;
    json_t *json = json_loadb((const char *)noun->value.ptr, noun->value.len, 0, NULL);
    const char *text = json_string_value(json_object_get(json, "sealed"));
    size_t len = 0;

    s->sealed_there = true; /* also one that cannot be read: never another in its place */
    if (text == NULL ||
        sodium_base642bin(s->sealed, sizeof(s->sealed), text, strlen(text), NULL, &len, NULL,
                          BASE64) != 0 ||
        len != sizeof(s->sealed))
        sodium_memzero(s->sealed, sizeof(s->sealed));
    json_decref(json);
    return true;
}

struct secret *secret_new(struct loop *loop, struct store *store, struct keys *keys,
                          const char *kind, char *why, size_t why_size)
{
    struct secret *s = calloc(1, sizeof(*s));
    struct timeval now = {0, 0};
    enum store_result result;

    snprintf(why, why_size, "out of memory");
    if (s == NULL)
        return NULL;
    s->loop = loop;
    s->store = store;
    s->keys = keys;
    s->kind = kind;
    s->timer = event_new(loop_base(loop), -1, 0, on_timer, s);
    result = store_read_nouns(store, sgl_view_cstr(kind), read_one, s);
    if (result != STORE_OK)
        snprintf(why, why_size, "cannot read the %s: %s", kind, store_result_text(result));
    if (result == STORE_OK && s->timer != NULL && event_add(s->timer, &now) == 0)
        return s;
    secret_free(s);
    return NULL;
}

void secret_free(struct secret *s)
{
    if (s == NULL)
        return;
    if (s->timer != NULL)
        event_free(s->timer);
    sodium_memzero(s, sizeof(*s));
    free(s);
}

bool secret_is_lost(struct secret *s)
{
    return atomic_load(&s->refused);
}

bool secret_get(struct secret *s, uint8_t out[SECRET_SIZE])
{
    if (!atomic_load(&s->open))
        return false;
    memcpy(out, s->bytes, SECRET_SIZE);
    return true;
}
