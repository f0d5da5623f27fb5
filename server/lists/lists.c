/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys' life, on the room's loop, one step at a time:
 *
 *   IDLE -> a key is sealed still      -> KEYS_OPEN           -> IDLE
 *        -> one is over                -> deleted             -> IDLE
 *        -> the newest is a year old   -> KEYS_SEAL -> stored -> IDLE
 *
 * What cannot be done now is tried again when the timer ends the pause.
 */
#include "lists.h"

#include <jansson.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "list_url.h"
#include "sigillo/ascii.h"

#define SOON_S     1
#define LATER_S    60
#define SEALED_MAX (LIST_SECRET_SIZE + KEYS_SEAL_EXTRA)
#define BASE64     sodium_base64_VARIANT_ORIGINAL
#define BASE64_MAX 128
#define OVER_S     (LISTS_KEY_S + LIST_TOKEN_VALID_S)

struct entry {
    char name[12]; /* its number in hexadecimal */
    uint32_t number;
    int64_t made_at;
    uint64_t version;
    uint8_t sealed[SEALED_MAX];
    bool open, refused;
    uint8_t secret[LIST_SECRET_SIZE];
};

struct lists {
    struct loop *loop;
    struct store *store;
    struct keys *keys;
    char *url;
    char host[LIST_HOST_SIZE];
    struct tls_server *tls;
    struct event *timer;
    pthread_rwlock_t lock;
    struct entry entry[LISTS_KEYS_MAX]; /* in the order in which they were made */
    size_t entries;
    _Atomic bool started;
    struct tending {
        struct keys_op keys;
        struct store_noun_op store;
        struct store_noun row;
        struct store_audit audit;
        struct entry entry; /* that is being made */
        size_t at;          /* that is being opened */
        char context[64], value[256], object[64];
        bool busy;
    } tending;
};

static void step(struct lists *l);

static struct lists *of_keys(struct keys_op *op)
{
    return (struct lists *)(void *)((char *)op - offsetof(struct lists, tending.keys));
}

static struct lists *of_store(struct store_op *op)
{
    return (struct lists *)(void *)((char *)op - offsetof(struct lists, tending.store));
}

static void pause_for(struct lists *l, unsigned seconds)
{
    struct timeval wait = {(time_t)seconds, 0};

    l->tending.busy = false;
    if (seconds == LATER_S)
        atomic_store(&l->started, true);
    (void)event_add(l->timer, &wait);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct lists *l = arg;

    (void)fd;
    (void)what;
    if (!l->tending.busy)
        step(l);
}

static void ask_keys(struct lists *l, enum keys_verb verb, const struct entry *e, sgl_view in,
                     void (*done)(struct keys_op *op))
{
    struct tending *t = &l->tending;

    snprintf(t->context, sizeof(t->context), LISTS_KEY_KIND ":%s", e->name);
    t->keys.verb = verb;
    t->keys.loop = l->loop;
    t->keys.done = done;
    t->keys.in = in;
    t->keys.context = sgl_view_cstr(t->context);
    keys_submit(l->keys, &t->keys);
}

/* ---- opened ---- */

static void opened(struct keys_op *op)
{
    struct lists *l = of_keys(op);
    struct entry *e = &l->entry[l->tending.at];

    if (op->result == KEYS_DOWN || op->result == KEYS_BUSY) {
        pause_for(l, SOON_S);
        return;
    }
    pthread_rwlock_wrlock(&l->lock);
    e->open = op->result == KEYS_OK && op->out_len == LIST_SECRET_SIZE;
    e->refused = !e->open;
    if (e->open)
        memcpy(e->secret, op->out, LIST_SECRET_SIZE);
    pthread_rwlock_unlock(&l->lock);
    sodium_memzero(op->out, sizeof(op->out));
    if (e->refused)
        log_line(LOG_ERROR_, "unsubscribe key cannot be opened", LOG_STR("key", e->name));
    step(l);
}

/* ---- stored, and gone ---- */

static void write_row(struct lists *l, enum store_op_kind kind, void (*done)(struct store_op *op))
{
    struct tending *t = &l->tending;

    snprintf(t->object, sizeof(t->object), LISTS_KEY_KIND ":%.*s", SGL_FMT(t->row.key));
    t->audit =
        (struct store_audit){.at_ms = clock_now_ms(),
                             .actor = SGL_LIT("system:lists"),
                             .action = kind == STORE_NOUN_PUT ? SGL_LIT(LISTS_KEY_KIND " add")
                                                              : SGL_LIT(LISTS_KEY_KIND " remove"),
                             .object = sgl_view_cstr(t->object),
                             .result = SGL_LIT("done")};
    t->store = (struct store_noun_op){.op = {.kind = kind, .loop = l->loop, .done = done},
                                      .noun = &t->row,
                                      .nouns = 1,
                                      .audit = &t->audit};
    store_submit(l->store, &t->store.op);
}

static void stored(struct store_op *op)
{
    struct lists *l = of_store(op);
    struct tending *t = &l->tending;

    if (op->result != STORE_OK) {
        log_line(LOG_WARN_, "unsubscribe key not stored",
                 LOG_STR("why", store_result_text(op->result)));
        sodium_memzero(&t->entry, sizeof(t->entry));
        pause_for(l, LATER_S);
        return;
    }
    t->entry.version = t->row.version;
    log_line(LOG_INFO_, "unsubscribe key made", LOG_STR("key", t->entry.name));
    pthread_rwlock_wrlock(&l->lock);
    l->entry[l->entries++] = t->entry;
    pthread_rwlock_unlock(&l->lock);
    sodium_memzero(&t->entry, sizeof(t->entry));
    step(l);
}

static void sealed(struct keys_op *op)
{
    struct lists *l = of_keys(op);
    struct tending *t = &l->tending;
    char text[BASE64_MAX];

    if (op->result != KEYS_OK || op->out_len != SEALED_MAX) {
        sodium_memzero(&t->entry, sizeof(t->entry));
        pause_for(l, SOON_S);
        return;
    }
    sodium_bin2base64(text, sizeof(text), op->out, op->out_len, BASE64);
    snprintf(t->value, sizeof(t->value), "{\"made_at\":%lld,\"sealed\":\"%s\"}",
             (long long)t->entry.made_at, text);
    t->row = (struct store_noun){.kind = SGL_LIT(LISTS_KEY_KIND),
                                 .key = sgl_view_cstr(t->entry.name),
                                 .value = sgl_view_cstr(t->value)};
    write_row(l, STORE_NOUN_PUT, stored);
}

static bool number_is_free(const struct lists *l, uint32_t number)
{
    for (size_t i = 0; i < l->entries; i++)
        if (l->entry[i].number == number)
            return false;
    return true;
}

static void make(struct lists *l)
{
    struct entry *e = &l->tending.entry;

    *e = (struct entry){.made_at = clock_now_s(), .open = true};
    do
        e->number = randombytes_random();
    while (!number_is_free(l, e->number));
    snprintf(e->name, sizeof(e->name), "%08x", e->number);
    randombytes_buf(e->secret, sizeof(e->secret));
    ask_keys(l, KEYS_SEAL, e, sgl_view_of(e->secret, sizeof(e->secret)), sealed);
}

static void deleted(struct store_op *op)
{
    struct lists *l = of_store(op);

    if (op->result != STORE_OK && op->result != STORE_NOT_FOUND)
        log_line(LOG_WARN_, "unsubscribe key not removed",
                 LOG_STR("why", store_result_text(op->result)));
    step(l);
}

/* Nobody needs it, even if the store kept it: then it goes the next time. */
static void drop(struct lists *l, size_t at)
{
    struct tending *t = &l->tending;

    t->entry = l->entry[at];
    pthread_rwlock_wrlock(&l->lock);
    for (size_t i = at; i + 1 < l->entries; i++)
        l->entry[i] = l->entry[i + 1];
    l->entries--;
    pthread_rwlock_unlock(&l->lock);
    t->row = (struct store_noun){.kind = SGL_LIT(LISTS_KEY_KIND),
                                 .key = sgl_view_cstr(t->entry.name),
                                 .version = t->entry.version};
    write_row(l, STORE_NOUN_DELETE, deleted);
}

/* ---- steps ---- */

static void step(struct lists *l)
{
    int64_t now = clock_now_s(), newest = 0;

    l->tending.busy = true;
    for (size_t i = 0; i < l->entries; i++) {
        struct entry *e = &l->entry[i];

        if (e->made_at + OVER_S <= now) {
            drop(l, i);
            return;
        }
        if (!e->open && !e->refused) {
            l->tending.at = i;
            ask_keys(l, KEYS_OPEN, e, sgl_view_of(e->sealed, sizeof(e->sealed)), opened);
            return;
        }
        if (e->open)
            newest = e->made_at;
    }
    if (newest + LISTS_KEY_S <= now && l->entries < LISTS_KEYS_MAX)
        make(l);
    else
        pause_for(l, LATER_S);
}

/* ---- start ---- */

static bool read_entry(const struct store_noun *noun, struct entry *e)
{
    json_t *json = json_loadb((const char *)noun->value.ptr, noun->value.len, 0, NULL);
    const char *text = json_string_value(json_object_get(json, "sealed"));
    size_t len = 0;
    bool fine = text != NULL && noun->key.len == 8 &&
                sodium_base642bin(e->sealed, sizeof(e->sealed), text, strlen(text), NULL, &len,
                                  NULL, BASE64) == 0 &&
                len == sizeof(e->sealed);

    e->made_at = json_integer_value(json_object_get(json, "made_at"));
    e->version = noun->version;
    for (size_t i = 0; fine && i < noun->key.len; i++) {
        int digit = sgl_ascii_hex_value(noun->key.ptr[i]);

        fine = digit >= 0;
        e->number = e->number << 4 | (uint32_t)(digit & 15);
    }
    snprintf(e->name, sizeof(e->name), "%08x", e->number);
    json_decref(json);
    return fine;
}

static bool read_one(void *ctx, const struct store_noun *noun)
{
    struct lists *l = ctx;
    struct entry e = {0};
    size_t at = l->entries;

    if (at == LISTS_KEYS_MAX || !read_entry(noun, &e)) {
        log_line(LOG_ERROR_, "unsubscribe key cannot be read", LOG_VIEW("key", noun->key));
        return true;
    }
    for (; at > 0 && l->entry[at - 1].made_at > e.made_at; at--)
        l->entry[at] = l->entry[at - 1];
    l->entry[at] = e;
    l->entries++;
    return true;
}

struct lists *lists_new(struct loop *loop, struct store *store, struct keys *keys,
                        const char *public_url, char *why, size_t why_size)
{
    struct lists *l = calloc(1, sizeof(*l));
    struct timeval now = {0, 0};
    enum store_result result;

    snprintf(why, why_size, "out of memory");
    if (l == NULL)
        return NULL;
    l->loop = loop;
    l->store = store;
    l->keys = keys;
    pthread_rwlock_init(&l->lock, NULL);
    l->url = strdup(public_url);
    l->timer = event_new(loop_base(loop), -1, 0, on_timer, l);
    result = store_read_nouns(store, SGL_LIT(LISTS_KEY_KIND), read_one, l);
    if (result != STORE_OK)
        snprintf(why, why_size, "cannot read the unsubscribe keys: %s", store_result_text(result));
    list_url_host(sgl_view_cstr(public_url), l->host);
    if (result == STORE_OK && l->url != NULL && l->timer != NULL && event_add(l->timer, &now) == 0)
        return l;
    lists_free(l);
    return NULL;
}

void lists_free(struct lists *l)
{
    if (l == NULL)
        return;
    if (l->timer != NULL)
        event_free(l->timer);
    pthread_rwlock_destroy(&l->lock);
    free(l->url);
    sodium_memzero(l, sizeof(*l));
    free(l);
}

/* ---- look-ups ---- */

/* The newest that is open; false: there is none. */
static bool newest(struct lists *l, struct list_key *key)
{
    bool found = false;

    pthread_rwlock_rdlock(&l->lock);
    for (size_t i = l->entries; i > 0 && !found; i--) {
        const struct entry *e = &l->entry[i - 1];

        found = e->open;
        key->number = e->number;
        memcpy(key->secret, e->secret, sizeof(key->secret));
    }
    pthread_rwlock_unlock(&l->lock);
    return found;
}

bool lists_started(struct lists *l)
{
    return atomic_load(&l->started);
}

bool lists_ready(struct lists *l)
{
    struct list_key key;
    bool ready = newest(l, &key);

    sodium_memzero(&key, sizeof(key));
    return ready;
}

void lists_show_certificate(struct lists *l, struct tls_server *tls)
{
    l->tls = tls;
}

const char *lists_host(const struct lists *l)
{
    return l->host;
}

bool lists_covers(struct lists *l, const char *host)
{
    return l->host[0] != '\0' && l->tls != NULL && tls_server_covers(l->tls, host);
}

bool lists_link(struct lists *l, const char *host, const struct list_token *token,
                struct sgl_buf *out)
{
    struct list_key key;

    if (!newest(l, &key))
        return false;
    list_url_put(sgl_view_cstr(l->url), host, out);
    sgl_buf_add(out, SGL_LIT("/u/"));
    list_token_put(&key, token, out);
    sodium_memzero(&key, sizeof(key));
    return out->status == SGL_OK;
}

enum list_token_fault lists_open(struct lists *l, sgl_view text, int64_t now,
                                 struct sgl_arena *arena, struct list_token *out)
{
    struct list_key key[LISTS_KEYS_MAX];
    enum list_token_fault fault;
    size_t keys = 0;

    pthread_rwlock_rdlock(&l->lock);
    for (size_t i = 0; i < l->entries; i++) {
        if (!l->entry[i].open)
            continue;
        key[keys].number = l->entry[i].number;
        memcpy(key[keys++].secret, l->entry[i].secret, LIST_SECRET_SIZE);
    }
    pthread_rwlock_unlock(&l->lock);
    fault = list_token_open(key, keys, text, now, arena, out);
    sodium_memzero(key, sizeof(key));
    return fault;
}

size_t lists_secrets(struct lists *l, const char *purpose,
                     uint8_t out[LISTS_KEYS_MAX][LIST_SECRET_SIZE])
{
    size_t count = 0;

    pthread_rwlock_rdlock(&l->lock);
    for (size_t i = l->entries; i > 0; i--) {
        const struct entry *e = &l->entry[i - 1];

        if (e->open)
            crypto_generichash(out[count++], LIST_SECRET_SIZE, (const uint8_t *)purpose,
                               strlen(purpose), e->secret, LIST_SECRET_SIZE);
    }
    pthread_rwlock_unlock(&l->lock);
    return count;
}
