/* SPDX-License-Identifier: Apache-2.0 */
/* Access keys of a directory: made, written into the store as they are, and requests that are signed with them. */
#ifndef TESTS_UNIT_KEY_FIXTURE_H
#define TESTS_UNIT_KEY_FIXTURE_H

#include <sodium.h>

#include "../../server/directory/hmac.h"
#include "../../server/directory/hmac_form.h"
#include "directory_fixture.h"

struct made_key {
    char id[32], secret[128], access_key[48];
};

static inline struct made_key key_taken(const struct directory_change *c)
{
    struct made_key k;

    memcpy(k.id, c->id, sizeof(k.id));
    memcpy(k.secret, c->secret, sizeof(k.secret));
    memcpy(k.access_key, c->access_key, sizeof(k.access_key));
    return k;
}

static inline struct made_key key_add(struct directory_fixture *f)
{
    struct directory_change c = {
        .noun = DIRECTORY_KEY, .verb = DIRECTORY_ADD, .domain = {SGL_LIT_INIT("*")}, .domains = 1};

    assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
    return key_taken(&c);
}

static inline enum directory_result key_rotate(struct directory_fixture *f, const char *id,
                                               enum key_rotate which, struct made_key *out)
{
    const struct key_change rotate = {which};
    struct directory_change c = {
        .noun = DIRECTORY_KEY, .verb = DIRECTORY_CHANGE, .name = sgl_view_cstr(id), .key = &rotate};
    enum directory_result result = fixture_change(f, &c);

    *out = key_taken(&c);
    return result;
}

/* ---- a noun of the kind "key", as it stands in the store ---- */

struct key_put {
    struct store_noun_op op; /* first: cast from it */
    sem_t done;
};

static inline void key_put_done(struct store_op *op)
{
    sem_post(&((struct key_put *)(void *)op)->done);
}

static inline void key_put(struct directory_fixture *f, const char *id, const char *value)
{
    struct store_noun noun = {.kind = SGL_LIT("key"),
                              .key = sgl_view_cstr(id),
                              .subscription = SGL_LIT("default"),
                              .value = sgl_view_cstr(value),
                              .version = STORE_NOUN_ANY};
    struct key_put p = {
        .op = {.op = {.kind = STORE_NOUN_PUT, .loop = f->loop, .done = key_put_done},
               .noun = &noun,
               .nouns = 1}};

    sem_init(&p.done, 0, 0);
    store_submit(f->store, &p.op.op);
    sem_wait(&p.done);
    sem_destroy(&p.done);
    assert_int_equal(p.op.op.result, STORE_OK);
}

/* ---- signed requests ---- */

#define SIGNED_NOW 1767608430 /* Mon, 05 Jan 2026 10:20:30 GMT */

struct signed_request {
    const char *method, *target, *date, *host, *body;
    char content[48], signature[48], authorization[160];
};

static inline void base64_of(const uint8_t bytes[32], char out[48])
{
    sodium_bin2base64(out, 48, bytes, 32, sodium_base64_VARIANT_ORIGINAL);
}

static inline void request_sign(struct signed_request *r, const char *access_key)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(16384);
    uint8_t bytes[32];
    size_t len;

    assert_int_equal(sgl_sha256(fake_keys.crypto, sgl_view_cstr(r->body), bytes), SGL_OK);
    base64_of(bytes, r->content);
    sgl_buf_addf(&text, "%s\n%s\n%s;%s;%s", r->method, r->target, r->date, r->host, r->content);
    assert_int_equal(sodium_base642bin(bytes, 32, access_key, strlen(access_key), NULL, &len, NULL,
                                       sodium_base64_VARIANT_ORIGINAL),
                     0);
    assert_int_equal(len, 32);
    assert_int_equal(
        sgl_hmac_sha256(fake_keys.crypto, sgl_view_of(bytes, 32), sgl_buf_view(&text), bytes),
        SGL_OK);
    base64_of(bytes, r->signature);
    snprintf(r->authorization, sizeof(r->authorization),
             "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=%s",
             r->signature);
}

static inline struct signed_request request_of(const char *access_key)
{
    struct signed_request r = {"POST",
                               "/emails:send?api-version=2025-09-01",
                               "Mon, 05 Jan 2026 10:20:30 GMT",
                               "mail.example.com:8443",
                               "{}",
                               "",
                               "",
                               ""};

    request_sign(&r, access_key);
    return r;
}

struct hmac_test {
    struct hmac_check check; /* first: cast from it */
    struct directory_fixture *f;
};

static inline void hmac_test_done(struct hmac_check *h)
{
    sem_post(&((struct hmac_test *)(void *)h)->f->done);
}

/* The answer; *who is its name, or "". */
static inline enum hmac_answer request_check(struct directory_fixture *f,
                                             const struct signed_request *r, int64_t now,
                                             char who[64])
{
    struct hmac_test t = {.check = {.method = sgl_view_cstr(r->method),
                                    .target = sgl_view_cstr(r->target),
                                    .authorization = sgl_view_cstr(r->authorization),
                                    .date = sgl_view_cstr(r->date),
                                    .host = sgl_view_cstr(r->host),
                                    .content_sha256 = sgl_view_cstr(r->content),
                                    .now = now,
                                    .loop = f->loop,
                                    .done = hmac_test_done},
                          .f = f};

    assert_int_equal(sgl_sha256(fake_keys.crypto, sgl_view_cstr(r->body), t.check.body_hash),
                     SGL_OK);
    directory_hmac(f->directory, &t.check);
    sem_wait(&f->done);
    snprintf(who, 64, "%s", t.check.identity == NULL ? "" : t.check.identity->name);
    assert_true((t.check.answer == HMAC_OK) == (t.check.identity != NULL));
    identity_unref(t.check.identity);
    return t.check.answer;
}

/* Does this access key, in base64, sign for the key of that id? */
static inline bool key_signs(struct directory_fixture *f, const char *access_key, const char *id)
{
    struct signed_request r = request_of(access_key);
    char who[64], want[64];
    enum hmac_answer answer = request_check(f, &r, SIGNED_NOW, who);

    snprintf(want, sizeof(want), "key:%s", id);
    return answer == HMAC_OK && strcmp(who, want) == 0;
}

static inline bool key_bears(struct directory_fixture *f, const char *secret, const char *id)
{
    struct identity *who = directory_bearer(f->directory, sgl_view_cstr(secret));
    bool right = who != NULL && strcmp(who->name + strlen("key:"), id) == 0;

    identity_unref(who);
    return right;
}

#endif
