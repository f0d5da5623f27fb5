/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which TLSA records are ours outlives a restart: one row of the store for each name.
 *
 *   {"certificate":NAME, "ttl":N, "keys":[{"hash":HEX, "gone":N}]}
 */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "../loop/loop.h"
#include "../store/store.h"
#include "certs_internal.h"

#define KIND    "tlsa"
#define AGAIN_S 10

struct tlsa_keep {
    struct store_noun_op store; /* first: cast from it */
    struct certs *certs;
    struct store_noun row;
    char name[TLSA_NAME];
    char *value;
};

static void keep_free(struct tlsa_keep *k)
{
    free(k->value);
    free(k);
}

static void stored(struct store_op *op)
{
    struct tlsa_keep *k = (struct tlsa_keep *)(void *)op;
    struct certs *c = k->certs;
    struct tlsa_set *s = tlsa_find(&c->tlsa, k->name);
    int64_t now_s = clock_now_s();

    c->tlsa_busy = false;
    if (op->result != STORE_OK) {
        log_line(LOG_WARN_, "TLSA records not published: the store can't remember them",
                 LOG_STR("name", k->name), LOG_STR("why", store_result_text(op->result)));
        if (s != NULL) {
            s->kept = false;
            s->due_s = now_s + AGAIN_S;
        }
    } else if (s != NULL && s->kept && s->keys == 0) {
        tlsa_forget(&c->tlsa, s);
    }
    keep_free(k);
    certs_publish(c, now_s);
}

static char *value_of(const struct tlsa_set *s)
{
    json_t *keys = json_array(), *json;
    char *value;

    for (size_t i = 0; i < s->keys; i++) {
        char hex[65];

        sodium_bin2hex(hex, sizeof(hex), s->key[i].hash, sizeof(s->key[i].hash));
        if (json_array_append_new(keys, json_pack("{s:s, s:I}", "hash", hex, "gone",
                                                  (json_int_t)s->key[i].gone_s)) != 0) {
            json_decref(keys);
            return NULL;
        }
    }
    json = json_pack("{s:s, s:I, s:o}", "certificate", s->certificate, "ttl", (json_int_t)s->ttl_s,
                     "keys", keys);
    value = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return value;
}

void certs_tlsa_keep(struct certs *c, struct tlsa_set *s)
{
    struct tlsa_keep *k = calloc(1, sizeof(*k));

    if (k != NULL)
        k->value = value_of(s);
    if (k == NULL || k->value == NULL) {
        s->due_s = clock_now_s() + AGAIN_S;
        free(k);
        return;
    }
    k->certs = c;
    snprintf(k->name, sizeof(k->name), "%s", s->name);
    k->row = (struct store_noun){.kind = SGL_LIT(KIND),
                                 .key = sgl_view_cstr(k->name),
                                 .value = sgl_view_cstr(k->value),
                                 .version = STORE_NOUN_ANY,
                                 .remove = s->keys == 0};
    k->store = (struct store_noun_op){
        .op = {.kind = STORE_NOUN_PUT, .loop = c->parts.loop, .done = stored},
        .noun = &k->row,
        .nouns = 1};
    s->kept = true; /* what changes meanwhile is kept again */
    c->tlsa_busy = true;
    store_submit(c->parts.store, &k->store.op);
}

/* ---- read ---- */

static bool take_key(struct tlsa_set *s, const json_t *json)
{
    const char *hex = json_string_value(json_object_get(json, "hash"));
    struct tlsa_key *k = &s->key[s->keys];
    size_t len = 0;

    if (hex == NULL || s->keys == TLSA_KEYS_MAX ||
        sodium_hex2bin(k->hash, sizeof(k->hash), hex, strlen(hex), NULL, &len, NULL) != 0 ||
        len != sizeof(k->hash))
        return false;
    k->gone_s = json_integer_value(json_object_get(json, "gone"));
    s->keys++;
    return true;
}

static bool take_row(struct certs *c, const char *name, const json_t *json)
{
    const char *certificate = json_string_value(json_object_get(json, "certificate"));
    json_int_t ttl = json_integer_value(json_object_get(json, "ttl"));
    struct tlsa_set *s = NULL;
    const json_t *key;
    size_t i;

    if (certificate != NULL && ttl >= 0 && ttl <= INT32_MAX)
        s = tlsa_add(&c->tlsa, name, certificate);
    if (s == NULL)
        return false;
    s->ttl_s = (uint32_t)ttl;
    s->kept = s->there = s->proved = true;
    json_array_foreach(json_object_get(json, "keys"), i, key)
    {
        if (!take_key(s, key))
            return false;
    }
    return true;
}

static bool read_row(void *ctx, const struct store_noun *noun)
{
    struct certs *c = ctx;
    char name[TLSA_NAME];
    json_t *json = json_loadb((const char *)noun->value.ptr, noun->value.len, 0, NULL);

    if (noun->key.len < sizeof(name)) {
        snprintf(name, sizeof(name), "%.*s", SGL_FMT(noun->key));
        c->tlsa_unknown = json == NULL || !take_row(c, name, json) || c->tlsa_unknown;
    }
    json_decref(json);
    return true;
}

void certs_tlsa_read(struct certs *c)
{
    enum store_result result;

    if (c->parts.store == NULL)
        return;
    result = store_read_nouns(c->parts.store, SGL_LIT(KIND), read_row, c);
    c->tlsa_unknown = c->tlsa_unknown || result != STORE_OK;
    if (c->tlsa_unknown)
        log_line(LOG_ERROR_, "TLSA records are not published: those of before can't be read",
                 LOG_STR("why", store_result_text(result)));
}
