/* SPDX-License-Identifier: Apache-2.0 */
/* A token is written here and signed in the keys process. */
#include <sodium.h>

#include "jwt.h"
#include "tokens_internal.h"

#define SIGNATURE_SIZE 64

/* What it may do at that API, in the words that the API knows. */
static json_t *roles_of(const struct token_issue *i)
{
    return json_pack("[s]", i->audience == TOKEN_FOR_SMTP ? "SMTP.SendAsApp" : "Mail.Send");
}

/* "backup" of "local:backup" */
static const char *local_name(const struct identity *who)
{
    return who->name + strlen("local:");
}

static json_t *claims_of(const struct tokens *t, const struct token_issue *i, const char *tenant)
{
    struct sgl_buf issuer = SGL_BUF_INIT(1024);
    int64_t now = clock_now_s();
    char id[GUID_TEXT_SIZE];
    json_t *claims = NULL;

    guid_random(id);
    tokens_issuer(t, i->tenant, &issuer);
    if (issuer.status == SGL_OK)
        claims = json_pack("{s:s%, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:s, s:s}",
                           "iss", (const char *)issuer.data, issuer.len, "aud",
                           tokens_resource(t, i->audience), "sub", i->client_id, "oid",
                           i->client_id, "appid", i->client_id, "azp", i->client_id, "tid", tenant,
                           "roles", roles_of(i), "iat", (json_int_t)now, "nbf", (json_int_t)now,
                           "exp", (json_int_t)(now + TOKEN_LIFETIME_S), "jti", id, "ver", "2.0");
    sgl_buf_done(&issuer);
    if (claims == NULL || i->who->kind != IDENTITY_LOCAL ||
        json_object_set_new(claims, TOKEN_LOCAL, json_string(local_name(i->who))) == 0)
        return claims;
    json_decref(claims);
    return NULL;
}

/* The GUID of its subscription; false: that is gone. */
static bool tenant_of(const struct tokens *t, const struct identity *who, char out[GUID_TEXT_SIZE])
{
    struct subscription *s = directory_subscription(t->directory, sgl_view_cstr(who->subscription));

    if (s == NULL)
        return false;
    memcpy(out, s->guid, GUID_TEXT_SIZE);
    subscription_unref(s);
    return true;
}

/* The key that signs now: its handle, or 0. */
static uint64_t signer(struct tokens *t, char id[GUID_TEXT_SIZE])
{
    struct ring_key ring[RING_MAX];
    uint64_t handle = 0;
    size_t at;

    pthread_rwlock_rdlock(&t->lock);
    tend_ring(t, ring);
    at = ring_signer(ring, t->count, clock_now_s());
    if (at != RING_NONE) {
        handle = t->key[at]->handle;
        memcpy(id, t->key[at]->id, GUID_TEXT_SIZE);
    }
    pthread_rwlock_unlock(&t->lock);
    return handle;
}

static void signed_(struct keys_op *op)
{
    struct token_issue *i = (struct token_issue *)(void *)op;

    if (op->result == KEYS_OK && op->out_len == SIGNATURE_SIZE) {
        sgl_buf_add_byte(&i->token, '.');
        jwt_put_base64url(sgl_view_of(op->out, op->out_len), &i->token);
        i->ok = i->token.status == SGL_OK;
    }
    if (i->ok)
        atomic_fetch_add_explicit(&i->tokens->issued, 1, memory_order_relaxed);
    i->done(i);
}

static void refused(struct loop_task *task)
{
    struct keys_op *op = (struct keys_op *)(void *)((char *)task - offsetof(struct keys_op, task));
    struct token_issue *i = (struct token_issue *)(void *)op;

    i->done(i);
}

void tokens_issue(struct tokens *t, struct token_issue *i)
{
    char key[GUID_TEXT_SIZE], tenant[GUID_TEXT_SIZE];

    i->ok = false;
    i->tokens = t;
    i->token = (struct sgl_buf)SGL_BUF_INIT(TOKEN_SIZE_MAX);
    i->op.verb = KEYS_SIGN;
    i->op.loop = i->loop;
    i->op.done = signed_;
    i->op.handle = signer(t, key);
    if (i->op.handle != 0 && tenant_of(t, i->who, tenant) &&
        jwt_put_signed_part(
            json_pack("{s:s, s:s, s:s}", "alg", CJOSE_HDR_ALG_ES256, "typ", "JWT", "kid", key),
            claims_of(t, i, tenant), &i->token)) {
        crypto_hash_sha256(i->op.digest, i->token.data, i->token.len);
        keys_submit(t->keys, &i->op);
        return;
    }
    i->op.task.run = refused;
    loop_post(i->loop, &i->op.task);
}
