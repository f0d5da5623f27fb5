/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory over a real store in a folder of its own, a loop in a thread, and a stand-in for the keys process: it makes and uses real keys, kept in this process, and can
 * be told to be down.
 */
#ifndef TESTS_UNIT_DIRECTORY_FIXTURE_H
#define TESTS_UNIT_DIRECTORY_FIXTURE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../server/directory/directory.h"
#include "check.h"
#include "sigillo/crypto.h"

/* ---- the keys process's stand-in: a sealed key is "sealed" + its number ---- */

#define FAKE_KEYS_MAX 256
#define FAKE_RSA_KEYS                                                                              \
    2 /* that are really made: it takes long, and what comes later can have the same ones */

struct fake_keys {
    struct sgl_crypto *crypto;
    struct sgl_private_key *key[FAKE_KEYS_MAX], *rsa[FAKE_RSA_KEYS];
    _Atomic unsigned count;
    _Atomic int down, refuse; /* the next so many requests meet this */
    _Atomic unsigned signed_count, macs;
};
static struct fake_keys fake_keys;

static void fake_done(struct loop_task *task)
{
    struct keys_op *op = (struct keys_op *)(void *)((char *)task - offsetof(struct keys_op, task));

    op->done(op);
}

static void fake_generate(struct keys_op *op)
{
    unsigned n = atomic_fetch_add(&fake_keys.count, 1);
    enum sgl_key_type type = op->algorithm == KEYS_ED25519 ? SGL_KEY_ED25519
                             : op->algorithm == KEYS_ES256 ? SGL_KEY_P256
                                                           : SGL_KEY_RSA;
    struct sgl_buf pub = SGL_BUF_INIT(sizeof(op->public_key));

    assert_true(n < FAKE_KEYS_MAX);
    fake_keys.key[n] = type == SGL_KEY_RSA ? fake_keys.rsa[n % FAKE_RSA_KEYS] : NULL;
    if (fake_keys.key[n] == NULL)
        assert_int_equal(sgl_private_key_generate(fake_keys.crypto, type, 2048, &fake_keys.key[n]),
                         SGL_OK);
    if (type == SGL_KEY_RSA)
        fake_keys.rsa[n % FAKE_RSA_KEYS] = fake_keys.key[n];
    assert_int_equal(sgl_private_key_public(fake_keys.key[n], &pub), SGL_OK);
    memcpy(op->public_key, pub.data, pub.len);
    op->public_len = pub.len;
    sgl_buf_done(&pub);
    op->out_len = (size_t)snprintf((char *)op->out, sizeof(op->out), "sealed%u", n);
    op->handle = n + 1;
    op->result = KEYS_OK;
}

static void fake_load(struct keys_op *op)
{
    uint64_t n;

    op->result = KEYS_REFUSED;
    if (!sgl_view_starts(op->in, SGL_LIT("sealed")) ||
        !sgl_view_u64(sgl_view_from(op->in, 6), FAKE_KEYS_MAX - 1, &n))
        return;
    op->handle = n + 1;
    op->result = KEYS_OK;
}

static void fake_sign(struct keys_op *op)
{
    op->result = KEYS_REFUSED;
    if (op->handle == 0 || op->handle > atomic_load(&fake_keys.count))
        return;
    if (sgl_private_key_sign(fake_keys.crypto, fake_keys.key[op->handle - 1], op->digest, op->out,
                             &op->out_len) == SGL_OK)
        op->result = KEYS_OK;
    atomic_fetch_add(&fake_keys.signed_count, 1);
}

/* Sealed are: 9 bytes, a hash of the context, the key itself. */
static void fake_mac_seal(struct keys_op *op)
{
    assert_int_equal(op->in.len, KEYS_MAC_KEY);
    memcpy(op->out, "fakemac: ", 9);
    assert_int_equal(sgl_sha256(fake_keys.crypto, op->context, op->out + 9), SGL_OK);
    memcpy(op->out + 9 + 32, op->in.ptr, KEYS_MAC_KEY);
    op->out_len = KEYS_MAC_SEALED;
    op->result = KEYS_OK;
}

static void fake_mac(struct keys_op *op)
{
    uint8_t context[32];

    atomic_fetch_add(&fake_keys.macs, 1);
    op->result = KEYS_REFUSED;
    assert_int_equal(sgl_sha256(fake_keys.crypto, op->context, context), SGL_OK);
    if (op->in.len < KEYS_MAC_SEALED || memcmp(op->in.ptr + 9, context, 32) != 0)
        return;
    assert_int_equal(sgl_hmac_sha256(fake_keys.crypto, sgl_view_sub(op->in, 9 + 32, KEYS_MAC_KEY),
                                     sgl_view_from(op->in, KEYS_MAC_SEALED), op->out),
                     SGL_OK);
    op->out_len = 32;
    op->result = KEYS_OK;
}

/* What fake_mac_seal() made, by a seal that can be opened. */
static void fake_open(struct keys_op *op)
{
    uint8_t context[32];

    op->result = KEYS_REFUSED;
    assert_int_equal(sgl_sha256(fake_keys.crypto, op->context, context), SGL_OK);
    if (op->in.len != KEYS_MAC_SEALED || memcmp(op->in.ptr + 9, context, 32) != 0)
        return;
    memcpy(op->out, op->in.ptr + 9 + 32, KEYS_MAC_KEY);
    op->out_len = KEYS_MAC_KEY;
    op->result = KEYS_OK;
}

void keys_submit(struct keys *keys, struct keys_op *op)
{
    (void)keys;
    if (atomic_load(&fake_keys.down) > 0) {
        atomic_fetch_sub(&fake_keys.down, 1);
        op->result = KEYS_DOWN;
    } else if (atomic_load(&fake_keys.refuse) > 0) {
        atomic_fetch_sub(&fake_keys.refuse, 1);
        op->result = KEYS_REFUSED;
    } else if (op->verb == KEYS_GENERATE) {
        fake_generate(op);
    } else if (op->verb == KEYS_LOAD) {
        fake_load(op);
    } else if (op->verb == KEYS_MAC_SEAL || op->verb == KEYS_SEAL) {
        fake_mac_seal(op);
    } else if (op->verb == KEYS_OPEN) {
        fake_open(op);
    } else if (op->verb == KEYS_MAC) {
        fake_mac(op);
    } else {
        fake_sign(op);
    }
    op->task.run = fake_done;
    loop_post(op->loop, &op->task);
}

/* ---- the fixture ---- */

struct directory_fixture {
    char folder[64];
    struct loop *loop;
    struct workers *workers;
    struct store *store;
    struct directory *directory;
    sem_t done;
};

static void fixture_open(struct directory_fixture *f)
{
    struct store_config config = {
        .folder = f->folder, .inline_max = 131072, .group_max = 64, .waiting_max = 1000};
    char why[256] = "";

    f->loop = loop_new("test");
    f->workers = workers_new("test", 2, 100);
    f->store = store_open(&config, why, sizeof(why));
    if (f->store == NULL)
        fail_msg("store: %s", why);
    f->directory =
        directory_open(f->store, (struct keys *)&fake_keys, f->workers, f->loop, why, sizeof(why));
    if (f->directory == NULL)
        fail_msg("directory: %s", why);
    assert_true(loop_start(f->loop));
}

static inline void fixture_close(struct directory_fixture *f)
{
    workers_free(f->workers);
    store_close(f->store);
    loop_stop(f->loop);
    loop_join(f->loop);
    directory_free(f->directory);
    loop_free(f->loop);
}

static struct directory_fixture *fixture_new(void)
{
    struct directory_fixture *f = calloc(1, sizeof(*f));

    if (fake_keys.crypto == NULL)
        fake_keys.crypto = sgl_crypto_new();
    snprintf(f->folder, sizeof(f->folder), "/tmp/test_directory.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    sem_init(&f->done, 0, 0);
    fixture_open(f);
    return f;
}

static inline void fixture_free(struct directory_fixture *f)
{
    char command[128];

    fixture_close(f);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->folder);
    assert_int_equal(system(command), 0);
    sem_destroy(&f->done);
    free(f);
}

static void fixture_changed(struct directory_change *c)
{
    sem_post(&((struct directory_fixture *)c->ctx)->done);
}

/* Waits until the change is done; gives its result. */
static inline enum directory_result fixture_change(struct directory_fixture *f,
                                                   struct directory_change *c)
{
    c->loop = f->loop;
    c->done = fixture_changed;
    c->ctx = f;
    directory_change(f->directory, c);
    sem_wait(&f->done);
    return c->result;
}

static inline enum directory_result fixture_domain(struct directory_fixture *f, const char *name,
                                                   bool ed25519)
{
    struct directory_change c = {.noun = DIRECTORY_DOMAIN,
                                 .verb = DIRECTORY_ADD,
                                 .name = sgl_view_cstr(name),
                                 .ed25519 = ed25519};

    return fixture_change(f, &c);
}

static inline enum directory_result fixture_credential(struct directory_fixture *f,
                                                       const char *user, const char *password,
                                                       const char *domain)
{
    struct directory_change c = {.noun = DIRECTORY_CREDENTIAL,
                                 .verb = DIRECTORY_ADD,
                                 .name = sgl_view_cstr(user),
                                 .password = sgl_view_cstr(password),
                                 .domain = {sgl_view_cstr(domain)},
                                 .domains = 1};

    return fixture_change(f, &c);
}

/* ---- passwords ---- */

struct password_test {
    struct auth_check check; /* first: cast from it */
    struct directory_fixture *f;
};

static char last_user[64]; /* as the end of the last check told it */

static inline void password_done(struct auth_check *a)
{
    snprintf(last_user, sizeof(last_user), "%.*s", SGL_FMT(a->user));
    sem_post(&((struct password_test *)(void *)a)->f->done);
}

/* The name of the identity, or "refused", "unavailable". */
static inline const char *fixture_login(struct directory_fixture *f, const char *user,
                                        const char *password)
{
    static char text[128];
    struct password_test t = {.check = {.user = sgl_view_cstr(user),
                                        .password = sgl_view_cstr(password),
                                        .done = password_done},
                              .f = f};

    directory_check_password(f->directory, f->loop, &t.check);
    sem_wait(&f->done);
    snprintf(text, sizeof(text), "%s",
             t.check.identity != NULL ? t.check.identity->name
             : t.check.unavailable    ? "unavailable"
                                      : "refused");
    identity_unref(t.check.identity);
    return text;
}

/* ---- tests with a directory each ---- */

static inline int directory_setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static inline int directory_teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

#define DIRECTORY_TEST(f) cmocka_unit_test_setup_teardown(f, directory_setup, directory_teardown)

#endif
