/* SPDX-License-Identifier: Apache-2.0 */
/* Our own tokens, looked at. What they say is believed only once the signature is ours, and who they name is looked up anew: a removed application is refused at once. */
#include <sodium.h>

#include "jwt.h"
#include "memory.h"
#include "tokens_internal.h"

const char *token_fault_text(enum token_fault fault)
{
    switch (fault) {
    case TOKEN_FINE:
        return "The token is good.";
    case TOKEN_BROKEN:
        return "This is not a token that can be read.";
    case TOKEN_ALGORITHM:
        return "The token is not signed with ES256.";
    case TOKEN_KEY:
        return "The token is signed by a key that is not known here.";
    case TOKEN_SIGNATURE:
        return "The signature of the token is wrong.";
    case TOKEN_ISSUER:
        return "The token was issued by somebody else.";
    case TOKEN_AUDIENCE:
        return "The token is for another API.";
    case TOKEN_EXPIRED:
        return "The token has expired.";
    case TOKEN_EARLY:
        return "The token is not valid yet.";
    case TOKEN_UNAVAILABLE:
        return "The token cannot be looked at now; try again soon.";
    case TOKEN_SUBJECT:
        break;
    }
    return "Whoever the token was given to is not there any more.";
}

void token_claimed_client(sgl_view token, char out[GUID_TEXT_SIZE])
{
    struct jwt j;

    out[0] = '\0';
    if (!jwt_read(token, &j))
        return;
    if (!guid_take(jwt_text(&j, "appid"), out))
        out[0] = '\0';
    jwt_done(&j);
}

/*
 * ---- seen before ----
 *
 * A program shows the same token for an hour, and the signature is what costs.  So the hash of a whole token that was signed right is kept; everything else about it is looked at
 * each time.
 */

static uint8_t *slot_of(struct tokens *t, const uint8_t hash[32])
{
    uint32_t at;

    memcpy(&at, hash, sizeof(at));
    return t->seen[at % SEEN_SLOTS];
}

static bool was_seen(struct tokens *t, const uint8_t hash[32])
{
    bool same;

    pthread_mutex_lock(&t->seen_lock);
    same = sodium_memcmp(slot_of(t, hash), hash, 32) == 0;
    pthread_mutex_unlock(&t->seen_lock);
    return same;
}

static void keep_seen(struct tokens *t, const uint8_t hash[32])
{
    pthread_mutex_lock(&t->seen_lock);
    memcpy(slot_of(t, hash), hash, 32);
    pthread_mutex_unlock(&t->seen_lock);
}

/* ---- checks ---- */

static enum token_fault check_by(struct tokens *t, const struct jwt *j, const struct token_key *k)
{
    enum token_fault fault;
    uint8_t hash[32];

    crypto_hash_sha256(hash, j->text.ptr, j->text.len);
    if (was_seen(t, hash))
        return TOKEN_FINE;
    fault = jwt_check_signature(j, k->jwk, CJOSE_HDR_ALG_ES256);
    if (fault == TOKEN_FINE)
        keep_seen(t, hash);
    return fault;
}

/* By one of our keys; the lock keeps it where it is meanwhile. */
static enum token_fault check_signature(struct tokens *t, const struct jwt *j)
{
    enum token_fault fault = TOKEN_KEY;

    if (strcmp(j->algorithm, CJOSE_HDR_ALG_ES256) != 0)
        return TOKEN_ALGORITHM;
    pthread_rwlock_rdlock(&t->lock);
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->key[i]->id, j->key_id) == 0)
            fault = check_by(t, j, t->key[i]);
    pthread_rwlock_unlock(&t->lock);
    return fault;
}

/* url, url/NAME/v2.0 or url/GUID/v2.0, of the subscription that the application belongs to. */
static enum token_fault check_issuer(const struct tokens *t, const struct jwt *j,
                                     const struct subscription *s)
{
    sgl_view url = sgl_view_cstr(t->url), issuer = jwt_text(j, "iss"), tenant, end;

    if (!sgl_view_starts(issuer, url))
        return TOKEN_ISSUER;
    if (issuer.len == url.len)
        return TOKEN_FINE;
    tenant = sgl_view_from(issuer, url.len);
    if (tenant.ptr[0] != '/')
        return TOKEN_ISSUER;
    tenant = sgl_view_split(sgl_view_from(tenant, 1), '/', &end);
    if (!sgl_view_eq(end, SGL_LIT("v2.0")))
        return TOKEN_ISSUER;
    return sgl_view_eq(tenant, sgl_view_cstr(s->name)) ||
                   sgl_view_eq_nocase(tenant, sgl_view_cstr(s->guid))
               ? TOKEN_FINE
               : TOKEN_ISSUER;
}

/* A local process, which has no client id of its own, or an application. */
static struct identity *subject_of(struct tokens *t, const struct jwt *j)
{
    sgl_view local = jwt_text(j, TOKEN_LOCAL), id = jwt_text(j, "appid");

    return local.len > 0 ? directory_process_of_guid(t->directory, local, id)
                         : directory_app_of_client(t->directory, id, NULL);
}

/* As it is now, in the subscription that the token says. */
static enum token_fault check_subject(struct tokens *t, const struct jwt *j, struct identity **out)
{
    struct identity *who = subject_of(t, j);
    struct subscription *s =
        who == NULL ? NULL : directory_subscription(t->directory, sgl_view_cstr(who->subscription));
    enum token_fault fault = TOKEN_SUBJECT;

    if (s != NULL && sgl_view_eq(jwt_text(j, "tid"), sgl_view_cstr(s->guid)))
        fault = check_issuer(t, j, s);
    subscription_unref(s);
    if (fault == TOKEN_FINE)
        *out = who;
    else
        identity_unref(who);
    return fault;
}

/* A program that logs in by SMTP has a token for the service that it was written for. */
static bool opens(enum token_audience of_token, enum token_audience door)
{
    if (door == TOKEN_FOR_SMTP && (of_token == TOKEN_FOR_US || of_token == TOKEN_FOR_ACS))
        return true;
    return of_token == door && door != TOKEN_FOR_NOTHING;
}

static enum token_fault check(struct tokens *t, const struct jwt *j, enum token_audience audience,
                              int64_t now, struct identity **who)
{
    enum token_fault fault = check_signature(t, j);

    if (fault != TOKEN_FINE)
        return fault;
    if (!opens(tokens_audience(t, jwt_text(j, "aud")), audience))
        return TOKEN_AUDIENCE;
    fault = jwt_check_times(j, now);
    return fault == TOKEN_FINE ? check_subject(t, j, who) : fault;
}

struct identity *tokens_verify(struct tokens *t, sgl_view token, enum token_audience audience,
                               int64_t now, enum token_fault *fault)
{
    struct identity *who = NULL;
    struct jwt j;

    if (jwt_read(token, &j)) {
        *fault = check(t, &j, audience, now, &who);
        jwt_done(&j);
    } else {
        *fault = memory_ended() ? TOKEN_UNAVAILABLE : TOKEN_BROKEN;
    }
    if (*fault != TOKEN_UNAVAILABLE)
        atomic_fetch_add_explicit(*fault == TOKEN_FINE ? &t->accepted : &t->refused, 1,
                                  memory_order_relaxed);
    return who;
}
