/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose signature is it?  The form is looked at here; then the keys process is asked for the HMAC under one secret after the other, until one is the signature that came.
 *
 *   checked -> asked -> compared -> asked ... -> answered
 */
#include <stdio.h>
#include <stdlib.h>

#include "../log/log.h"
#include "directory_internal.h"
#include "hmac_form.h"
#include "sigillo/ascii.h"

#define TRIALS_MAX  ((size_t)HMAC_SHARED_MAX * KEY_SECRETS)
#define REQUEST_MAX (KEYS_MAC_SEALED + HMAC_TARGET_MAX + HMAC_HOST_MAX + 256)
_Static_assert(REQUEST_MAX <= KEYS_DATA_MAX, "the keys process takes the longest request");

/* A secret that may have made the signature, as it was when the request came. */
struct trial {
    struct identity *identity; /* a reference */
    struct key_secret secret;
    size_t which;
};
struct ask {
    struct keys_op op; /* first: cast from it */
    struct directory *d;
    struct hmac_check *h;
    uint8_t signature[HMAC_SIZE];
    struct trial trial[TRIALS_MAX];
    size_t trials, at;
    char context[KEY_CONTEXT_SIZE];
    struct sgl_buf request; /* the sealed secret, and the text that is signed */
    struct loop_task task;
};

const char *hmac_answer_text(enum hmac_answer answer)
{
    switch (answer) {
    case HMAC_OK:
        return "The signature is right.";
    case HMAC_MALFORMED:
        return "Authorization: HMAC-SHA256 "
               "SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=... is wanted, with "
               "the two fields that it names.";
    case HMAC_CONTENT:
        return "x-ms-content-sha256 is not the SHA-256 of the body.";
    case HMAC_DATE:
        return "x-ms-date is too far from the time of this server.";
    case HMAC_REFUSED:
        return "No access key made this signature.";
    case HMAC_UNAVAILABLE:
        break;
    }
    return "The signature cannot be looked at now; try again soon.";
}

void directory_hmac_window(struct directory *d, unsigned seconds)
{
    atomic_store(&d->hmac_window, seconds);
}

/* ---- ends ---- */

static void ask_free(struct ask *k)
{
    for (size_t i = 0; i < k->trials; i++) {
        identity_unref(k->trial[i].identity);
        key_secret_done(&k->trial[i].secret);
    }
    if (k->request.data != NULL)
        sodium_memzero(k->request.data, k->request.cap);
    sgl_buf_done(&k->request);
    sodium_memzero(k, sizeof(*k));
    free(k);
}

static void answer(struct ask *k, enum hmac_answer answer)
{
    struct hmac_check *h = k->h;

    h->answer = answer;
    if (answer != HMAC_OK && answer != HMAC_UNAVAILABLE)
        atomic_fetch_add_explicit(&k->d->refused, 1, memory_order_relaxed);
    ask_free(k);
    h->private_ = NULL;
    h->done(h);
}

static void answer_later(struct loop_task *task)
{
    struct ask *k = (struct ask *)(void *)((char *)task - offsetof(struct ask, task));

    answer(k, k->h->answer);
}

/* ---- whose it may be ---- */

/* Under the lock; false: memory has ended. */
static bool add_trials(struct ask *k, struct access_key *key)
{
    for (size_t i = 0; i < KEY_SECRETS; i++) {
        struct trial *t = &k->trial[k->trials];

        if (!key->secret[i].signs || key_is_locked(key))
            continue;
        if (!key_secret_copy(&t->secret, &key->secret[i]))
            return false;
        t->identity = identity_ref(key->holder.identity);
        t->which = i;
        k->trials++;
    }
    return true;
}

/* "01FTZ85B24ZV.mail.example.org:8443" names the key of that id, if there is one. Under the lock. */
static struct access_key *named(const struct directory *d, sgl_view host)
{
    uint8_t id[32];
    size_t len = 0;

    while (len < host.len && len < sizeof(id) && host.ptr[len] != '.') {
        id[len] = sgl_ascii_lower(host.ptr[len]);
        len++;
    }
    if (len == host.len || len == sizeof(id))
        return NULL;
    return table_find(&d->table[DIRECTORY_KEY], sgl_view_of(id, len));
}

static bool find_trials(struct ask *k)
{
    struct directory *d = k->d;
    struct access_key *key;
    bool whole = true;

    pthread_rwlock_rdlock(&d->lock);
    key = named(d, k->h->host);
    if (key != NULL)
        whole = add_trials(k, key);
    for (size_t i = 0; key == NULL && whole && i < d->shares; i++)
        whole = add_trials(k, d->shared[i]);
    pthread_rwlock_unlock(&d->lock);
    return whole;
}

/* ---- one secret after the other ---- */

static const char *id_of(const struct identity *who)
{
    return who->name + strlen("key:");
}

static void note_use(struct directory *d, const struct trial *t, int64_t now)
{
    struct access_key *k;

    pthread_rwlock_rdlock(&d->lock);
    k = table_find(&d->table[DIRECTORY_KEY], sgl_view_cstr(id_of(t->identity)));
    if (k != NULL)
        key_secret_used(&k->secret[t->which], now);
    pthread_rwlock_unlock(&d->lock);
}

static void ask_next(struct ask *k, bool inside);

static void compared(struct keys_op *op)
{
    struct ask *k = (struct ask *)(void *)op;
    struct trial *t = &k->trial[k->at];

    if (op->result == KEYS_DOWN || op->result == KEYS_BUSY) {
        answer(k, HMAC_UNAVAILABLE);
        return;
    }
    if (op->result != KEYS_OK || op->out_len != HMAC_SIZE) {
        log_line(LOG_ERROR_, "secret cannot be opened", LOG_STR("key", id_of(t->identity)),
                 LOG_STR("secret", key_secret_name(t->which)));
    } else if (sodium_memcmp(op->out, k->signature, HMAC_SIZE) == 0 &&
               !atomic_load(&t->identity->removed)) {
        note_use(k->d, t, k->h->now);
        k->h->identity = identity_ref(t->identity);
        answer(k, HMAC_OK);
        return;
    }
    k->at++;
    ask_next(k, false);
}

static void end(struct ask *k, enum hmac_answer what, bool inside)
{
    if (!inside) {
        answer(k, what);
        return;
    }
    k->h->answer = what;
    k->task.run = answer_later;
    loop_post(k->h->loop, &k->task);
}

/* inside: of the caller's call, where nothing may be answered yet. */
static void ask_next(struct ask *k, bool inside)
{
    const struct trial *t = &k->trial[k->at];

    if (k->at == k->trials) {
        end(k, HMAC_REFUSED, inside);
        return;
    }
    if (!key_secret_sealed(&t->secret, &k->d->file, k->request.data)) {
        end(k, HMAC_UNAVAILABLE, inside);
        return;
    }
    key_secret_context(id_of(t->identity), t->which, k->context);
    k->op.verb = KEYS_MAC;
    k->op.loop = k->h->loop;
    k->op.done = compared;
    k->op.in = sgl_buf_view(&k->request);
    k->op.context = sgl_view_cstr(k->context);
    keys_submit(k->d->keys, &k->op);
}

/* ---- begun ---- */

static bool is_near(int64_t a, int64_t b, unsigned window)
{
    return (a > b ? a - b : b - a) <= (int64_t)window;
}

/* Everything but whose it is; HMAC_OK: so far it is good, and k->request is filled. */
static enum hmac_answer check_form(struct ask *k)
{
    const struct hmac_check *h = k->h;
    struct hmac_text text = {h->method, h->target, h->date, h->host, h->content_sha256};
    uint8_t content[HMAC_SIZE];
    int64_t date;

    memset(k->request.data, 0, KEYS_MAC_SEALED); /* its place; the reserved room is there */
    k->request.len = KEYS_MAC_SEALED;
    if (!hmac_authorization_parse(h->authorization, k->signature) ||
        !hmac_base64_parse(h->content_sha256, content) || !hmac_date_parse(h->date, &date) ||
        !hmac_text_put(&text, &k->request) || k->request.status != SGL_OK)
        return HMAC_MALFORMED;
    if (sodium_memcmp(content, h->body_hash, HMAC_SIZE) != 0)
        return HMAC_CONTENT;
    return is_near(date, h->now, atomic_load(&k->d->hmac_window)) ? HMAC_OK : HMAC_DATE;
}

/* Memory has ended before there was anything to answer from. */
static void unavailable(struct loop_task *task)
{
    struct hmac_check *h =
        (struct hmac_check *)(void *)((char *)task - offsetof(struct hmac_check, task));

    h->done(h);
}

void directory_hmac(struct directory *d, struct hmac_check *h)
{
    struct ask *k = calloc(1, sizeof(*k));
    enum hmac_answer form;

    h->private_ = k;
    h->identity = NULL;
    h->answer = HMAC_UNAVAILABLE;
    if (k == NULL) {
        h->task.run = unavailable;
        loop_post(h->loop, &h->task);
        return;
    }
    k->d = d;
    k->h = h;
    k->request = (struct sgl_buf)SGL_BUF_INIT(REQUEST_MAX);
    if (sgl_buf_reserve(&k->request, REQUEST_MAX) != SGL_OK) {
        end(k, HMAC_UNAVAILABLE, true);
        return;
    }
    form = check_form(k);
    if (form == HMAC_OK && !find_trials(k))
        form = HMAC_UNAVAILABLE;
    if (form == HMAC_OK)
        ask_next(k, true);
    else
        end(k, form, true);
}
