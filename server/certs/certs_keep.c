/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pair in use outlives a restart, so that files which were replaced meanwhile wait like others:
 *
 *   sealed by the keys process -> a row of the store -> at the next start opened again, where the files have another key
 *
 *   {"certificate":PEM, "sealed":BASE64, "candidate":HEX, "since":N, "ttl":N}
 */
#include <event2/event.h>
#include <jansson.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../keys/keys.h"
#include "../log/log.h"
#include "../store/store.h"
#include "certs_internal.h"

#define KIND       "certificate"
#define BASE64     sodium_base64_VARIANT_ORIGINAL
#define PEM_MAX    (256u * 1024u)
#define RESTORE_MS 3000
#define AGAIN_S    10

/* ---- kept ---- */

struct keep {
    struct certs *certs;
    struct keys_op keys;
    struct store_noun_op store;
    struct store_noun row;
    struct sgl_buf certificate, key;
    struct roll roll;
    char name[80], context[100];
    uint8_t hash[32]; /* of the pair that is kept */
    char *value;
};

static void keep_free(struct keep *k)
{
    k->certs->keep = NULL;
    if (k->key.data != NULL)
        sodium_memzero(k->key.data, k->key.cap);
    sgl_buf_done(&k->key);
    sgl_buf_done(&k->certificate);
    free(k->value);
    free(k);
}

static void again_soon(struct keep *k)
{
    struct cert *one = certs_find(k->certs, k->name);

    if (one != NULL && !one->kept)
        one->due_s = clock_now_s() + AGAIN_S;
    keep_free(k);
}

static void stored(struct store_op *op)
{
    struct keep *k = (struct keep *)(void *)((char *)op - offsetof(struct keep, store));
    struct cert *one = certs_find(k->certs, k->name);

    if (op->result != STORE_OK)
        log_line(LOG_WARN_, "certificate not kept for the next start",
                 LOG_STR("certificate", k->name), LOG_STR("why", store_result_text(op->result)));
    else if (one != NULL && memcmp(tls_pair_key_hash(one->pair), k->hash, 32) == 0)
        one->kept = true;
    again_soon(k);
}

static char *value_of(const struct keep *k, sgl_view sealed)
{
    size_t room = sodium_base64_encoded_len(sealed.len, BASE64);
    char *text = malloc(room), hex[65];
    json_t *json = NULL;
    char *value;

    if (text == NULL)
        return NULL;
    sodium_bin2base64(text, room, sealed.ptr, sealed.len, BASE64);
    sodium_bin2hex(hex, sizeof(hex), k->roll.hash, sizeof(k->roll.hash));
    json = json_pack("{s:s%, s:s, s:s, s:I, s:I}", "certificate", k->certificate.data,
                     k->certificate.len, "sealed", text, "candidate", hex, "since",
                     (json_int_t)k->roll.since_s, "ttl", (json_int_t)k->roll.ttl_s);
    value = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    free(text);
    return value;
}

static void sealed(struct keys_op *op)
{
    struct keep *k = (struct keep *)(void *)((char *)op - offsetof(struct keep, keys));

    if (op->result == KEYS_OK)
        k->value = value_of(k, sgl_view_of(op->out, op->out_len));
    if (k->value == NULL) {
        again_soon(k);
        return;
    }
    k->row = (struct store_noun){.kind = SGL_LIT(KIND),
                                 .key = sgl_view_cstr(k->name),
                                 .value = sgl_view_cstr(k->value),
                                 .version = STORE_NOUN_ANY};
    k->store = (struct store_noun_op){
        .op = {.kind = STORE_NOUN_PUT, .loop = k->certs->parts.loop, .done = stored},
        .noun = &k->row,
        .nouns = 1};
    store_submit(k->certs->parts.store, &k->store.op);
}

static void put_context(char out[100], const char *name)
{
    snprintf(out, 100, KIND ":%.64s", name);
}

void certs_keep(struct certs *c, const struct cert *one)
{
    struct keep *k = c->keep == NULL ? calloc(1, sizeof(*k)) : NULL;

    if (k == NULL)
        return;
    c->keep = k;
    k->certs = c;
    k->roll = one->roll;
    memcpy(k->hash, tls_pair_key_hash(one->pair), sizeof(k->hash));
    snprintf(k->name, sizeof(k->name), "%s", one->name);
    put_context(k->context, k->name);
    sgl_buf_init(&k->certificate, PEM_MAX);
    sgl_buf_init(&k->key, KEYS_DATA_MAX - KEYS_SEAL_EXTRA);
    if (!tls_pair_export(one->pair, &k->certificate, &k->key)) {
        keep_free(k);
        return;
    }
    k->keys.verb = KEYS_SEAL;
    k->keys.loop = c->parts.loop;
    k->keys.done = sealed;
    k->keys.in = sgl_buf_view(&k->key);
    k->keys.context = sgl_view_cstr(k->context);
    keys_submit(c->parts.keys, &k->keys);
}

/* ---- opened again ---- */

struct restore {
    struct certs *certs;
    struct keys *keys;
    struct loop *loop; /* the keys client's */
    struct keys_op op;
    bool done;
    bool any;
};

static void opened(struct keys_op *op)
{
    ((struct restore *)(void *)((char *)op - offsetof(struct restore, op)))->done = true;
}

/* The loop is run here, before it has anything else to do. */
static bool open_key(struct restore *r, const char *name, sgl_view sealed_key)
{
    uint64_t end = clock_mono_ms() + RESTORE_MS;
    struct timespec pause = {0, 1000000};
    char context[100];

    put_context(context, name);
    memset(&r->op, 0, offsetof(struct keys_op, out));
    r->op.verb = KEYS_OPEN;
    r->op.loop = r->loop;
    r->op.done = opened;
    r->op.in = sealed_key;
    r->op.context = sgl_view_cstr(context);
    r->done = false;
    keys_submit(r->keys, &r->op);
    while (!r->done && clock_mono_ms() < end) {
        event_base_loop(loop_base(r->loop), EVLOOP_NONBLOCK);
        nanosleep(&pause, NULL);
    }
    return r->done && r->op.result == KEYS_OK;
}

static bool take_roll(const json_t *json, struct roll *out)
{
    const char *hex = json_string_value(json_object_get(json, "candidate"));
    size_t len = 0;

    if (hex == NULL ||
        sodium_hex2bin(out->hash, sizeof(out->hash), hex, strlen(hex), NULL, &len, NULL) != 0 ||
        len != sizeof(out->hash))
        return false;
    out->since_s = json_integer_value(json_object_get(json, "since"));
    out->ttl_s = (uint32_t)json_integer_value(json_object_get(json, "ttl"));
    return true;
}

/* What was in use comes back, and the files' pair waits. */
static void hold(struct restore *r, struct cert *one, const char *certificate)
{
    char why[200];
    struct tls_pair *old = tls_pair_new(sgl_view_cstr(certificate),
                                        sgl_view_of(r->op.out, r->op.out_len), why, sizeof(why));

    sodium_memzero(r->op.out, sizeof(r->op.out));
    if (old == NULL || tls_pair_expires_at(old) <= clock_now_s()) {
        tls_pair_unref(old);
        return;
    }
    one->offered = one->pair;
    one->pair = old;
    one->kept = r->any = true;
    certs_roll_for(one);
}

static void restore_one(struct restore *r, struct cert *one, const json_t *json)
{
    const char *certificate = json_string_value(json_object_get(json, "certificate"));
    const char *text = json_string_value(json_object_get(json, "sealed"));
    uint8_t sealed_key[KEYS_DATA_MAX];
    size_t len = 0;

    if (certificate == NULL || text == NULL || !take_roll(json, &one->roll) ||
        sodium_base642bin(sealed_key, sizeof(sealed_key), text, strlen(text), NULL, &len, NULL,
                          BASE64) != 0)
        return;
    if (open_key(r, one->name, sgl_view_of(sealed_key, len)))
        hold(r, one, certificate);
    else
        log_line(LOG_ERROR_, "the certificate of before can't be opened, that of the files is used",
                 LOG_STR("certificate", one->name));
}

/* Is the row of the pair that is in the files already? */
static bool is_same(const struct cert *one, const json_t *json)
{
    const char *certificate = json_string_value(json_object_get(json, "certificate"));
    BIO *in = certificate != NULL ? BIO_new_mem_buf(certificate, -1) : NULL;
    X509 *x = in != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    bool same = x != NULL &&
                EVP_PKEY_eq(X509_get0_pubkey(x), X509_get0_pubkey(tls_pair_x509(one->pair))) == 1;

    X509_free(x);
    BIO_free(in);
    return same;
}

static bool read_row(void *ctx, const struct store_noun *noun)
{
    struct restore *r = ctx;
    char name[80];
    struct cert *one;
    json_t *json;

    snprintf(name, sizeof(name), "%.*s", SGL_FMT(sgl_view_sub(noun->key, 0, sizeof(name) - 1)));
    one = certs_find(r->certs, name);
    json = one != NULL ? json_loadb((const char *)noun->value.ptr, noun->value.len, 0, NULL) : NULL;
    if (json == NULL)
        return true;
    if (!is_same(one, json))
        restore_one(r, one, json);
    else if (take_roll(json, &one->roll))
        certs_roll_for(one);
    json_decref(json);
    return true;
}

void certs_restore(struct certs *c, struct store *store, struct keys *keys, struct loop *keys_loop)
{
    struct restore *r = calloc(1, sizeof(*r));
    enum store_result result;

    if (r == NULL)
        return;
    r->certs = c;
    r->keys = keys;
    r->loop = keys_loop;
    result = store_read_nouns(store, SGL_LIT(KIND), read_row, r);
    if (result != STORE_OK)
        log_line(LOG_ERROR_, "the certificates of before can't be read",
                 LOG_STR("why", store_result_text(result)));
    if (r->any && !certs_show(c))
        log_line(LOG_ERROR_, "out of memory: the certificates of the files are used");
    if (r->done || !r->op.done)
        free(r); /* else the keys client still holds the request */
}
