/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is it?  Passwords are hashed on worker threads, never on a loop; one that was right a minute ago is recognised by a keyed hash.
 * A user who does not exist costs the same time as a wrong password.
 */
#include <stdlib.h>

#include "app_user.h"
#include "directory_internal.h"
#include "key_form.h"
#include "sigillo/sasl.h"

/* ---- the cache of recent successes ---- */

static void cache_mac(const struct directory *d, sgl_view user, sgl_view password, uint8_t out[32])
{
    crypto_generichash_state state;
    uint64_t user_len = user.len;

    crypto_generichash_init(&state, d->cache_key, sizeof(d->cache_key), 32);
    crypto_generichash_update(&state, (const uint8_t *)&user_len, sizeof(user_len));
    crypto_generichash_update(&state, user.ptr, user.len);
    crypto_generichash_update(&state, password.ptr, password.len);
    crypto_generichash_final(&state, out, 32);
}

static struct cached *cache_slot(struct directory *d, const uint8_t mac[32])
{
    uint32_t at;

    memcpy(&at, mac, sizeof(at));
    return &d->cache[at % CACHE_SLOTS];
}

static bool cache_has(struct directory *d, const uint8_t mac[32], uint64_t version)
{
    struct cached *slot = cache_slot(d, mac);
    bool hit;

    pthread_mutex_lock(&d->cache_lock);
    hit = slot->until_ms > clock_mono_ms() && slot->version == version &&
          sodium_memcmp(slot->mac, mac, 32) == 0;
    pthread_mutex_unlock(&d->cache_lock);
    return hit;
}

static void cache_keep(struct directory *d, const uint8_t mac[32], uint64_t version)
{
    struct cached *slot = cache_slot(d, mac);

    pthread_mutex_lock(&d->cache_lock);
    memcpy(slot->mac, mac, 32);
    slot->version = version;
    slot->until_ms = clock_mono_ms() + CACHE_MS;
    pthread_mutex_unlock(&d->cache_lock);
}

void cache_forget(struct directory *d)
{
    pthread_mutex_lock(&d->cache_lock);
    sodium_memzero(d->cache, sizeof(d->cache));
    pthread_mutex_unlock(&d->cache_lock);
}

/* ---- passwords ---- */

/* Whose password it would be; under the lock, NULL: nobody's. An account that may not log in by password is none. */
static const struct credential *find_login(const struct directory *d, sgl_view user)
{
    const struct credential *c = table_find(&d->table[DIRECTORY_CREDENTIAL], user);
    const struct account *a = c == NULL ? account_find(d, user) : NULL;

    return a != NULL && a->basic && a->password ? &a->login : c;
}

struct identity *directory_login(struct directory *d, sgl_view user)
{
    const struct credential *c;
    struct identity *who;

    pthread_rwlock_rdlock(&d->lock);
    c = find_login(d, user);
    who = c == NULL ? NULL : identity_ref(c->holder.identity);
    pthread_rwlock_unlock(&d->lock);
    return who;
}

/* Its identity and password hash, copied out from under the lock. */
static struct identity *find_credential(struct directory *d, sgl_view user,
                                        struct argon_hash *argon)
{
    struct identity *who = NULL;
    const struct credential *c;

    pthread_rwlock_rdlock(&d->lock);
    c = find_login(d, user);
    if (c != NULL)
        who = identity_ref(c->holder.identity);
    *argon = c != NULL ? c->argon : d->fake_argon;
    pthread_rwlock_unlock(&d->lock);
    return who;
}

enum compared { RIGHT, WRONG, NOT_COMPARED };

/* libsodium's own comparison says of one that found no memory what it says of one that found another password. */
static enum compared compare(const struct argon_hash *argon, sgl_view password)
{
    uint8_t hash[sizeof(argon->hash)];
    enum compared result = NOT_COMPARED;

    if (crypto_pwhash(hash, sizeof(hash), (const char *)password.ptr, password.len, argon->salt,
                      argon->passes, (size_t)argon->memory_kib * 1024,
                      crypto_pwhash_ALG_ARGON2ID13) == 0)
        result = sodium_memcmp(hash, argon->hash, sizeof(hash)) == 0 ? RIGHT : WRONG;
    sodium_memzero(hash, sizeof(hash));
    return result;
}

/* Is it right, and somebody's?  Many sessions of one user often come at once: who waits behind the first of them need not be hashed any more. */
static bool is_right(struct auth_check *a, const struct identity *who,
                     const struct argon_hash *argon)
{
    struct directory *d = a->directory;
    uint64_t start_us = clock_mono_us();
    enum compared result;
    uint8_t mac[32];

    cache_mac(d, a->user, a->password, mac);
    if (who != NULL && cache_has(d, mac, who->version)) {
        atomic_fetch_add_explicit(&d->cached, 1, memory_order_relaxed);
        hashing_done(&d->hashing, 0);
        return true;
    }
    result = compare(argon, a->password);
    hashing_done(&d->hashing, clock_mono_us() - start_us);
    atomic_fetch_add_explicit(&d->hashed, 1, memory_order_relaxed);
    a->unavailable = result == NOT_COMPARED;
    if (result == RIGHT && who != NULL)
        cache_keep(d, mac, who->version);
    return result == RIGHT && who != NULL;
}

static void check_on_worker(struct work *w)
{
    struct auth_check *a = (struct auth_check *)w;
    struct argon_hash argon;
    struct identity *who = find_credential(a->directory, a->user, &argon);

    if (is_right(a, who, &argon))
        a->identity = who;
    else
        identity_unref(who);
    sodium_memzero(&argon, sizeof(argon));
}

/* `a` belongs to the caller again with done(): it may be gone when that returns. */
static void check_end(struct auth_check *a)
{
    char *copy = a->copy;
    size_t len = a->user.len + a->password.len;

    if (a->identity == NULL && !a->unavailable && a->fault == LOGIN_WRONG)
        a->fault = directory_login_fault(a->directory, a->user);
    if (a->identity == NULL && !a->unavailable)
        atomic_fetch_add_explicit(&a->directory->refused, 1, memory_order_relaxed);
    a->copy = NULL;
    a->done(a);
    if (copy != NULL) {
        sodium_memzero(copy, len);
        free(copy);
    }
}

static void check_done(struct work *w)
{
    check_end((struct auth_check *)w);
}

static void check_done_at_once(struct loop_task *task)
{
    check_end((struct auth_check *)(void *)((char *)task - offsetof(struct auth_check, task)));
}

static bool copy_words(struct auth_check *a)
{
    a->copy = malloc(a->user.len + a->password.len + 1);
    if (a->copy == NULL)
        return false;
    if (a->user.len > 0)
        memcpy(a->copy, a->user.ptr, a->user.len);
    if (a->password.len > 0)
        memcpy(a->copy + a->user.len, a->password.ptr, a->password.len);
    a->user.ptr = (const uint8_t *)a->copy;
    a->password.ptr = (const uint8_t *)a->copy + a->user.len;
    return true;
}

/* ---- access keys ---- */

/* Both are compared, also of a key that is not there, so that the time tells nothing of which one it was. */
static bool is_secret_of(struct access_key *k, const uint8_t hash[32])
{
    static const uint8_t nobody[32] = {0};
    bool found = false;

    for (size_t i = 0; i < KEY_SECRETS; i++) {
        bool there = k != NULL && k->secret[i].made_at != 0;
        bool same = sodium_memcmp(hash, there ? k->secret[i].hash : nobody, sizeof(nobody)) == 0;

        if (there && same)
            key_secret_used(&k->secret[i], clock_now_s());
        found = found || (there && same);
    }
    return found;
}

static struct identity *bearer_of_key(struct directory *d, sgl_view token)
{
    struct identity *who = NULL;
    struct access_key *k;
    uint8_t hash[32];
    sgl_view id, secret;

    if (token.len > PASSWORD_MAX || !key_form_split(token, &id, &secret))
        return NULL;
    crypto_hash_sha256(hash, secret.ptr, secret.len);
    pthread_rwlock_rdlock(&d->lock);
    k = table_find(&d->table[DIRECTORY_KEY], id);
    if (is_secret_of(k, hash) && !key_is_locked(k))
        who = identity_ref(k->holder.identity);
    pthread_rwlock_unlock(&d->lock);
    return who;
}

struct identity *directory_bearer(struct directory *d, sgl_view token)
{
    struct identity *who = bearer_of_key(d, token);

    if (who == NULL)
        atomic_fetch_add_explicit(&d->refused, 1, memory_order_relaxed);
    return who;
}

/* ---- a name and a password ---- */

/* Programs for SendGrid have this name for whoever shows a key. Who really has it here is looked for afterwards, with his password. */
static struct identity *login_by_key(struct directory *d, const struct auth_check *a)
{
    return sgl_view_eq(a->user, KEY_FORM_USER) ? bearer_of_key(d, a->password) : NULL;
}

/* true: it is decided, or cannot be; else a worker has to hash. */
static bool check_at_once(struct directory *d, struct auth_check *a)
{
    struct app_user app;
    struct identity *who;
    uint8_t mac[32];

    if (app_user_parse(a->user, &app)) {
        a->identity = login_by_secret(d, &app, a->password, clock_now_s(), &a->fault);
        return true;
    }
    a->identity = login_by_key(d, a);
    if (a->identity != NULL)
        return true;
    cache_mac(d, a->user, a->password, mac);
    who = directory_login(d, a->user);
    if (who != NULL && cache_has(d, mac, who->version)) {
        atomic_fetch_add_explicit(&d->cached, 1, memory_order_relaxed);
        a->identity = who;
        return true;
    }
    identity_unref(who);
    return false;
}

void directory_check_password(struct directory *d, struct loop *loop, struct auth_check *a)
{
    a->directory = d;
    a->identity = NULL;
    a->fault = LOGIN_WRONG;
    a->unavailable = false;
    a->copy = NULL;
    a->loop = loop;
    a->task.run = check_done_at_once;
    a->work = (struct work){.work = check_on_worker, .done = check_done, .loop = loop};
    if (a->user.len > PASSWORD_MAX || a->password.len > PASSWORD_MAX) {
        a->user = a->password = sgl_view_of(NULL, 0); /* nobody has such a name or password */
    } else if (!copy_words(a)) {
        a->user = a->password = sgl_view_of(NULL, 0);
        a->unavailable = true;
    } else if (!check_at_once(d, a)) {
        if (hashing_submit(&d->hashing, d->workers, &a->work))
            return;
        a->unavailable = true;
    }
    loop_post(loop, &a->task);
}

bool password_hash(struct directory *d, sgl_view password, struct credential *out)
{
    struct sgl_scram_secret secret = {.iterations = SCRAM_ITERATIONS, .known = true};
    char argon[ARGON_TEXT_SIZE];

    if (crypto_pwhash_str_alg(argon, (const char *)password.ptr, password.len, ARGON_PASSES,
                              ARGON_MEMORY, crypto_pwhash_ALG_ARGON2ID13) != 0 ||
        !argon_parse(sgl_view_cstr(argon), &out->argon))
        return false;
    sodium_memzero(argon, sizeof(argon));
    randombytes_buf(out->scram.salt, sizeof(out->scram.salt));
    secret.salt = sgl_view_of(out->scram.salt, sizeof(out->scram.salt));
    if (sgl_scram_secret_make(d->crypto, password, &secret) != SGL_OK)
        return false;
    out->scram.iterations = SCRAM_ITERATIONS;
    out->scram.known = true;
    memcpy(out->scram.stored_key, secret.stored_key, sizeof(out->scram.stored_key));
    memcpy(out->scram.server_key, secret.server_key, sizeof(out->scram.server_key));
    sodium_memzero(&secret, sizeof(secret));
    return true;
}

/* What a user who does not exist seems to have: the same each time he asks. */
static void fake_scram(const struct directory *d, sgl_view user, struct scram_secret *out)
{
    uint8_t bytes[64];

    crypto_generichash(bytes, sizeof(bytes), user.ptr, user.len, d->fake_key, sizeof(d->fake_key));
    memcpy(out->salt, bytes, sizeof(out->salt));
    out->iterations = SCRAM_ITERATIONS;
    memcpy(out->stored_key, bytes + 16, sizeof(out->stored_key));
    memcpy(out->server_key, bytes + 32, sizeof(out->server_key));
    out->known = false;
}

void directory_scram(struct directory *d, sgl_view user, struct scram_secret *out)
{
    const struct credential *c;
    struct scram_secret fake;

    fake_scram(d, user, &fake);
    pthread_rwlock_rdlock(&d->lock);
    c = find_login(d, user);
    *out = c == NULL ? fake : c->scram;
    pthread_rwlock_unlock(&d->lock);
}
