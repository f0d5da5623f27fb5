/* SPDX-License-Identifier: Apache-2.0 */
/* The store that admissionbench reads: subscriptions, domains with their keys, identities of all kinds, groups, policies, senders, suppressed addresses. */
#ifndef BENCH_ADMISSION_STORE_H
#define BENCH_ADMISSION_STORE_H

#include <semaphore.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../server/directory/directory.h"
#include "sigillo/crypto.h"

#define SUBSCRIPTIONS 100
#define BATCH         1000
#define RCPTS_MAX     50
#define VALUE_MAX     16384

struct bench {
    char folder[256];
    uint64_t domains, identities, suppressed;
    struct loop *loop;
    struct workers *workers;
    struct store *store;
    struct directory *directory;
    struct limits *limits;
    struct guard *guard;
    struct admission *admission;
    sem_t done;
    char public_key[1024], sealed[4096]; /* base64 */
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "admissionbench: %s: %s\n", what, why);
    exit(1);
}

struct batch {
    struct bench *b;
    const char *kind;
    size_t used;
    struct store_noun_op op;
    struct store_noun noun[BATCH];
    char key[BATCH][256], subscription[BATCH][24];
    char *value[BATCH];
};

static void stored(struct store_op *op)
{
    struct batch *batch = (struct batch *)(void *)((char *)op - offsetof(struct batch, op));

    if (op->result != STORE_OK)
        die(batch->kind, store_result_text(op->result));
    sem_post(&batch->b->done);
}

static void batch_flush(struct batch *batch)
{
    if (batch->used == 0)
        return;
    batch->op = (struct store_noun_op){
        .op = {.kind = STORE_NOUN_PUT, .loop = batch->b->loop, .done = stored},
        .noun = batch->noun,
        .nouns = batch->used};
    store_submit(batch->b->store, &batch->op.op);
    sem_wait(&batch->b->done);
    for (size_t i = 0; i < batch->used; i++)
        free(batch->value[i]);
    batch->used = 0;
}

static void put(struct batch *batch, const char *kind, const char *key, uint64_t tenant,
                const char *value)
{
    size_t at = batch->used;

    if (at == BATCH || (at > 0 && strcmp(kind, batch->kind) != 0)) {
        batch_flush(batch);
        at = 0;
    }
    batch->kind = kind;
    batch->value[at] = strdup(value);
    snprintf(batch->key[at], sizeof(batch->key[at]), "%s", key);
    snprintf(batch->subscription[at], sizeof(batch->subscription[at]), "tenant%llu",
             (unsigned long long)tenant % SUBSCRIPTIONS);
    batch->noun[at] = (struct store_noun){.kind = sgl_view_cstr(kind),
                                          .key = sgl_view_cstr(batch->key[at]),
                                          .subscription = sgl_view_cstr(batch->subscription[at]),
                                          .value = sgl_view_cstr(batch->value[at])};
    batch->used = at + 1;
}

static void base64(const uint8_t *bytes, size_t len, char *out, size_t size)
{
    sodium_bin2base64(out, size, bytes, len, sodium_base64_VARIANT_ORIGINAL);
}

/* A key as long as a real one is, and so many bytes as the vault makes of it. */
static void make_key(struct bench *b)
{
    struct sgl_crypto *crypto = sgl_crypto_new();
    struct sgl_private_key *key = NULL;
    struct sgl_buf public_key = SGL_BUF_INIT(1024), der = SGL_BUF_INIT(KEYS_DATA_MAX);

    if (crypto == NULL || sgl_private_key_generate(crypto, SGL_KEY_RSA, 2048, &key) != SGL_OK ||
        sgl_private_key_public(key, &public_key) != SGL_OK ||
        sgl_private_key_export_der(key, &der) != SGL_OK ||
        sgl_buf_reserve(&der, KEYS_SEAL_EXTRA) != SGL_OK)
        die("key", "it cannot be made");
    base64(public_key.data, public_key.len, b->public_key, sizeof(b->public_key));
    base64(der.data, der.len + KEYS_SEAL_EXTRA, b->sealed, sizeof(b->sealed));
    sgl_buf_done(&public_key);
    sgl_buf_done(&der);
    sgl_private_key_free(key);
    sgl_crypto_free(crypto);
}

static void put_domains(struct bench *b, struct batch *batch)
{
    static char value[VALUE_MAX], status[4096];
    char name[64];
    size_t len = 0;

    for (int p = 0; p < PART_NULL_MX; p++)
        len += (size_t)snprintf(
            status + len, sizeof(status) - len,
            "%s\"%s\":{\"state\":\"verified\",\"since\":1790000000,\"verified_at\":1790000000}",
            p == 0 ? "" : ",", domain_part_name((enum domain_part)p));
    for (uint64_t i = 0; i <= b->domains; i++) { /* the last one is nobody's */
        snprintf(name, sizeof(name), "domain%llu.test", (unsigned long long)i);
        snprintf(value, sizeof(value),
                 "{\"created_at\":1790000000,\"kind\":\"custom\",\"token\":\"%040llx\","
                 "\"return_path\":\"bounces\",\"checked_at\":1790000000,\"selectors\":["
                 "{\"name\":\"s1\",\"algorithm\":\"rsa-2048\",\"active\":true,\"public\":\"%s\","
                 "\"sealed\":\"%s\"},{\"name\":\"s2\",\"algorithm\":\"rsa-2048\",\"active\":false,"
                 "\"public\":\"%s\",\"sealed\":\"%s\"}],\"status\":{%s}}",
                 (unsigned long long)i, b->public_key, b->sealed, b->public_key, b->sealed, status);
        put(batch, "domain", name, i, value);
    }
}

static void put_subscriptions(struct batch *batch)
{
    char name[32];

    for (uint64_t i = 0; i < SUBSCRIPTIONS; i++) {
        snprintf(name, sizeof(name), "tenant%llu", (unsigned long long)i);
        put(batch, "subscription", name, i, "{\"created_at\":1,\"profile\":\"bench\"}");
    }
}

static void random_base64(size_t len, char *out, size_t size)
{
    uint8_t bytes[64];

    randombytes_buf(bytes, len);
    base64(bytes, len, out, size);
}

/* "argon2id" and "scram" of a document. */
static void password_json(char *out, size_t size)
{
    uint8_t bytes[48];
    char salt[64], hash[64], stored_key[64], server[64], scram_salt[64];

    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(salt, sizeof(salt), bytes, 16, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    sodium_bin2base64(hash, sizeof(hash), bytes + 16, 32,
                      sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    random_base64(16, scram_salt, sizeof(scram_salt));
    random_base64(32, stored_key, sizeof(stored_key));
    random_base64(32, server, sizeof(server));
    snprintf(out, size,
             "\"argon2id\":\"$argon2id$v=19$m=19456,t=2,p=1$%s$%s\",\"scram\":{\"salt\":\"%s\","
             "\"iterations\":15000,\"stored\":\"%s\",\"server\":\"%s\"}",
             salt, hash, scram_salt, stored_key, server);
}

/* The name of an identity and of its domain. */
static const char *const kinds[] = {"credential", "key", "app", "account"};

static void name_of(const struct bench *b, uint64_t i, char out[96])
{
    if (i % 4 == 3)
        snprintf(out, 96, "app%llu@domain%llu.test", (unsigned long long)i,
                 (unsigned long long)(i % b->domains));
    else
        snprintf(out, 96, "%s%llu", kinds[i % 4], (unsigned long long)i);
}

static void put_identity(struct bench *b, struct batch *batch, uint64_t i)
{
    char name[96], value[2048], secret[64], other[64], password[512], sealed[128];
    unsigned long long n = i, domain = i % b->domains;

    name_of(b, i, name);
    random_base64(32, secret, sizeof(secret));
    random_base64(32, other, sizeof(other));
    random_base64(KEYS_MAC_SEALED, sealed, sizeof(sealed));
    password_json(password, sizeof(password));
    switch (i % 4) {
    case 0:
        snprintf(value, sizeof(value), "{\"created_at\":1,\"domains\":[\"domain%llu.test\"],%s}",
                 domain, password);
        break;
    case 1:
        snprintf(
            value, sizeof(value),
            "{\"created_at\":1,\"domains\":[\"domain%llu.test\"],\"label\":\"invoices %llu\","
            "\"role\":\"none\",\"primary\":{\"made_at\":1,\"sha256\":\"%s\",\"sealed\":\"%s\"},"
            "\"secondary\":{\"made_at\":2,\"sha256\":\"%s\",\"sealed\":\"%s\"}}",
            domain, n, secret, sealed, other, sealed);
        break;
    case 2:
        snprintf(
            value, sizeof(value),
            "{\"created_at\":1,\"client_id\":\"00000000-0000-4000-8000-%012llx\","
            "\"domains\":[\"domain%llu.test\"],\"label\":\"\",\"role\":\"none\",\"secrets\":["
            "{\"id\":\"first000\",\"sha256\":\"%s\",\"created_at\":1,\"expires_at\":2000000000},"
            "{\"id\":\"second00\",\"sha256\":\"%s\",\"created_at\":1,\"expires_at\":2000000000}]}",
            n, domain, secret, other);
        break;
    default:
        snprintf(value, sizeof(value),
                 "{\"created_at\":1,\"domains\":[\"domain%llu.test\"],\"label\":\"LOB App %llu\","
                 "\"basic\":true,\"oauth\":true,\"apps\":[\"00000000-0000-4000-8000-%012llx\"],%s}",
                 domain, n, n - 1, password);
    }
    put(batch, kinds[i % 4], name, domain, value);
}

/* One application in five sends as the members of a group only, one credential in five as one address. */
static void put_access(struct bench *b, struct batch *batch)
{
    char key[256], value[512], name[96];

    for (uint64_t i = 0; i < b->identities; i++) {
        unsigned long long domain = i % b->domains;

        if (i / 4 % 5 != 0 || i % 4 != 2)
            continue;
        name_of(b, i, name);
        snprintf(key, sizeof(key), "p%llu", (unsigned long long)i);
        snprintf(value, sizeof(value),
                 "{\"created_at\":1,\"identity\":\"app:%s\",\"group\":\"members\",\"deny\":false}",
                 name);
        put(batch, "policy", key, domain, value);
    }
    for (uint64_t i = 0; i < b->identities; i++) {
        unsigned long long domain = i % b->domains;

        if (i / 4 % 5 != 0 || i % 4 != 0)
            continue;
        name_of(b, i, name);
        snprintf(key, sizeof(key), "app%llu@domain%llu.test credential:%s", (unsigned long long)i,
                 domain, name);
        snprintf(value, sizeof(value),
                 "{\"created_at\":1,\"address\":\"app%llu@domain%llu.test\","
                 "\"identity\":\"credential:%s\"}",
                 (unsigned long long)i, domain, name);
        put(batch, "sender", key, domain, value);
    }
}

static void put_groups(struct bench *b, struct batch *batch)
{
    static char value[BATCH * 64];
    char key[64];

    for (uint64_t s = 0; s < SUBSCRIPTIONS; s++) {
        size_t len = (size_t)snprintf(value, sizeof(value), "{\"created_at\":1,\"members\":[");

        for (unsigned m = 0; m < 10; m++)
            len +=
                (size_t)snprintf(value + len, sizeof(value) - len, "%s\"boss%u@domain%llu.test\"",
                                 m == 0 ? "" : ",", m, (unsigned long long)s % b->domains);
        for (uint64_t m = s; m < b->domains && len + 64 < sizeof(value); m += SUBSCRIPTIONS)
            len += (size_t)snprintf(value + len, sizeof(value) - len, ",\"*@domain%llu.test\"",
                                    (unsigned long long)m);
        snprintf(value + len, sizeof(value) - len, "]}");
        snprintf(key, sizeof(key), "tenant%llu/members", (unsigned long long)s);
        put(batch, "group", key, s, value);
    }
}

static void put_suppressed(struct bench *b, struct batch *batch)
{
    char key[160];

    for (uint64_t i = 0; i < b->suppressed; i++) {
        snprintf(key, sizeof(key), "tenant%llu//someone.%llu@example%llu.test",
                 (unsigned long long)i % SUBSCRIPTIONS, (unsigned long long)i,
                 (unsigned long long)i % 997);
        put(batch, "suppression", key, i,
            "{\"reason\":\"hard-bounce\",\"reply\":\"550 5.1.1 no such user here\","
            "\"created_at\":1,\"expires_at\":0}");
    }
}

#endif
