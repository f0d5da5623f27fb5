/* SPDX-License-Identifier: Apache-2.0 */
#include "federation.h"

#include <sodium.h>
#include <stdlib.h>

#include "memory.h"

const char *federated_text(enum federated result)
{
    switch (result) {
    case FEDERATED_OK:
        return "good";
    case FEDERATED_UNKNOWN:
        return "unknown application";
    case FEDERATED_BROKEN:
        return "no assertion that can be read";
    case FEDERATED_ALGORITHM:
        return "assertion with another algorithm";
    case FEDERATED_ISSUER:
        return "assertion of an issuer that is not trusted";
    case FEDERATED_SUBJECT:
        return "assertion for another subject";
    case FEDERATED_AUDIENCE:
        return "assertion for another audience";
    case FEDERATED_EXPIRED:
        return "expired assertion";
    case FEDERATED_EARLY:
        return "assertion that is not valid yet";
    case FEDERATED_LONG:
        return "assertion that lives too long";
    case FEDERATED_KEY:
        return "assertion by an unknown key";
    case FEDERATED_SIGNATURE:
        return "assertion with a wrong signature";
    case FEDERATED_SEEN:
        return "assertion that was taken before";
    case FEDERATED_UNAVAILABLE:
        break;
    }
    return "issuer cannot be asked";
}

/* ---- what it says ---- */

/* A text, or a list of texts with just this one among them  [RFC 7519 s4.1.3]. */
static bool is_for(const struct jwt *j, const char *audience)
{
    const json_t *value = json_object_get(j->claims, "aud"), *item;
    size_t at;

    if (json_is_string(value))
        return sgl_view_eq(jwt_text(j, "aud"), sgl_view_cstr(audience));
    json_array_foreach(value, at, item)
    {
        if (json_is_string(item) &&
            sgl_view_eq(sgl_view_of(json_string_value(item), json_string_length(item)),
                        sgl_view_cstr(audience)))
            return true;
    }
    return false;
}

/* All three must be one line's; the result is how far the best line came. */
static enum federated match(const struct jwt *j, const struct app_trusts *trusts,
                            const struct app_trust **out)
{
    sgl_view issuer = jwt_text(j, "iss"), subject = jwt_text(j, "sub");
    enum federated result = FEDERATED_ISSUER;

    for (size_t i = 0; trusts != NULL && i < trusts->count; i++) {
        const struct app_trust *t = &trusts->item[i];

        if (!sgl_view_eq(issuer, sgl_view_cstr(t->issuer)))
            continue;
        if (!sgl_view_eq(subject, sgl_view_cstr(t->subject))) {
            result = result == FEDERATED_ISSUER ? FEDERATED_SUBJECT : result;
        } else if (!is_for(j, t->audience)) {
            result = FEDERATED_AUDIENCE;
        } else {
            *out = t;
            return FEDERATED_OK;
        }
    }
    return result;
}

static int64_t end_of(const struct jwt *j)
{
    return (int64_t)json_number_value(json_object_get(j->claims, "exp"));
}

static enum federated of_fault(enum token_fault fault)
{
    switch (fault) {
    case TOKEN_FINE:
        return FEDERATED_OK;
    case TOKEN_ALGORITHM:
        return FEDERATED_ALGORITHM;
    case TOKEN_KEY:
        return FEDERATED_KEY;
    case TOKEN_SIGNATURE:
        return FEDERATED_SIGNATURE;
    case TOKEN_EXPIRED:
        return FEDERATED_EXPIRED;
    case TOKEN_EARLY:
        return FEDERATED_EARLY;
    case TOKEN_UNAVAILABLE:
        return FEDERATED_UNAVAILABLE;
    case TOKEN_BROKEN:
    case TOKEN_ISSUER:
    case TOKEN_AUDIENCE:
    case TOKEN_SUBJECT:
        break;
    }
    return FEDERATED_BROKEN;
}

/* All that is known before its issuer is asked. */
static enum federated read_it(struct federation *f, struct federated_check *c, int64_t now)
{
    enum federated result;

    if (!jwt_read(c->assertion, &c->jwt))
        return memory_ended() ? FEDERATED_UNAVAILABLE : FEDERATED_BROKEN;
    if (!jwks_algorithm_ok(c->jwt.algorithm))
        return FEDERATED_ALGORITHM;
    c->app = directory_app_trusts(f->directory, c->client_id, c->subscription, &c->trusts);
    if (c->app == NULL)
        return FEDERATED_UNKNOWN;
    result = match(&c->jwt, c->trusts, &c->trust);
    if (result == FEDERATED_OK)
        result = of_fault(jwt_check_times(&c->jwt, now));
    if (result == FEDERATED_OK && !c->trust->reusable && end_of(&c->jwt) > now + ASSERTION_MAX_S)
        result = FEDERATED_LONG;
    return result;
}

/* ---- once ---- */

/* By its jti, or by what is signed: a signature can often be written in more than one way. */
static void name_it(struct federated_check *c)
{
    sgl_view id = jwt_text(&c->jwt, "jti"), text = c->assertion;
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)c->trust->issuer,
                              strlen(c->trust->issuer) + 1);
    if (id.len == 0) {
        while (text.len > 0 && text.ptr[text.len - 1] != '.')
            text.len--;
        id = text;
        crypto_hash_sha256_update(&state, (const uint8_t *)"", 1);
    }
    crypto_hash_sha256_update(&state, id.ptr, id.len);
    crypto_hash_sha256_final(&state, c->once);
}

static enum federated take_once(struct federation *f, struct federated_check *c, int64_t now)
{
    name_it(c);
    switch (replay_take(&f->replay, sgl_view_of(c->once, sizeof(c->once)),
                        end_of(&c->jwt) + TOKEN_SKEW_S, now)) {
    case REPLAY_FRESH:
        return FEDERATED_OK;
    case REPLAY_SEEN:
        return FEDERATED_SEEN;
    case REPLAY_FULL:
        break;
    }
    return FEDERATED_UNAVAILABLE;
}

void federation_give_back(struct federation *f, const struct federated_check *c)
{
    replay_give_back(&f->replay, sgl_view_of(c->once, sizeof(c->once)));
}

/* ---- checked ---- */

static void finish(struct federated_check *c, enum federated result)
{
    c->result = result;
    c->who = result == FEDERATED_OK ? c->app : NULL;
    if (result != FEDERATED_OK)
        identity_unref(c->app);
    c->app = NULL;
    app_trusts_unref(c->trusts);
    jwt_done(&c->jwt);
    c->done(c);
}

/* A thread of its loop. Takes the reference. */
static void judge(struct federated_check *c, struct jwks *set)
{
    int64_t now = clock_now_s();
    enum federated result =
        set == NULL ? FEDERATED_UNAVAILABLE : of_fault(jwks_check(set, &c->jwt));

    jwks_unref(set);
    if (result == FEDERATED_OK) /* it may have ended while its issuer was asked */
        result = of_fault(jwt_check_times(&c->jwt, now));
    if (result == FEDERATED_OK && !c->trust->reusable)
        result = take_once(c->federation, c, now);
    finish(c, result);
}

static void asked(struct issuer_wait *w)
{
    struct federated_check *c =
        (struct federated_check *)(void *)((char *)w - offsetof(struct federated_check, wait));
    bool waiting;

    judge(c, issuers_keys(c->federation->issuers, c->trust->issuer, c->jwt.key_id, clock_now_s(),
                          NULL, &waiting));
}

static void start(struct loop_task *task)
{
    struct federated_check *c =
        (struct federated_check *)(void *)((char *)task - offsetof(struct federated_check, task));
    int64_t now = clock_now_s();
    enum federated result = read_it(c->federation, c, now);
    struct jwks *set;
    bool waiting;

    if (result != FEDERATED_OK) {
        finish(c, result);
        return;
    }
    set = issuers_keys(c->federation->issuers, c->trust->issuer, c->jwt.key_id, now, &c->wait,
                       &waiting);
    if (!waiting)
        judge(c, set);
}

void federation_check(struct federation *f, struct federated_check *c)
{
    c->federation = f;
    c->who = c->app = NULL;
    c->trusts = NULL;
    c->trust = NULL;
    c->jwt = (struct jwt){0};
    c->wait = (struct issuer_wait){.loop = c->loop, .done = asked};
    c->task.run = start;
    loop_post(c->loop, &c->task);
}

/* ---- the room ---- */

struct federation *federation_new(struct loop *loop, struct resolver *resolver,
                                  struct directory *directory, const struct https_config *https)
{
    struct federation *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return NULL;
    memory_watch();
    f->directory = directory;
    replay_init(&f->replay);
    f->https = https_new(loop, resolver, https);
    f->issuers = f->https == NULL ? NULL : issuers_new(loop, f->https);
    if (f->issuers != NULL)
        return f;
    federation_free(f);
    return NULL;
}

void federation_free(struct federation *f)
{
    if (f == NULL)
        return;
    https_free(f->https);
    issuers_free(f->issuers);
    replay_done(&f->replay);
    free(f);
}
