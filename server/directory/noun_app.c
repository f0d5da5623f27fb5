/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OAuth application: it proves itself with one of its secrets at the token endpoint, and uses the token.
 *
 *   {"created_at":N,"client_id":GUID,"domains":["example.org"],"label":"...","role":"none",
 *    "secrets":[{"id":"...","sha256":BASE64,"created_at":N,"expires_at":N}],"trusts":[...]}
 *
 * A secret is 256 random bits that we make: nobody can guess it, so one SHA-256 keeps it as well as a slow hash would, and a wrong one costs a microsecond.  There is no way
 * to choose one, since what people choose would need Argon2id.
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"

#define SECRET_BYTES   32
#define SECRET_ID_LEN  8
#define SECRET_DAYS    365
#define SECRET_MAX_S   ((int64_t)10 * 365 * 86400)
#define SECRET_MIN_S   60
#define SECRET_DEFAULT ((int64_t)SECRET_DAYS * 86400)

static void secrets_free(struct app *a)
{
    if (a->secret != NULL)
        sodium_memzero(a->secret, a->secrets * sizeof(*a->secret));
    free(a->secret);
    a->secret = NULL;
    a->secrets = 0;
}

static void free_(void *noun)
{
    if (noun != NULL) {
        secrets_free(noun);
        app_trusts_unref(((struct app *)noun)->trusts);
    }
    holder_free(noun, sizeof(struct app));
}

/* Room for so many; those that were there stay. false: no memory, and it is as it was. */
static bool secrets_resize(struct app *a, size_t secrets)
{
    struct kept_secret *more = calloc(secrets + 1, sizeof(*more));
    size_t kept = a->secrets < secrets ? a->secrets : secrets;

    if (more == NULL)
        return false;
    if (kept > 0)
        memcpy(more, a->secret, kept * sizeof(*more));
    secrets_free(a);
    a->secret = more;
    a->secrets = (uint8_t)secrets;
    return true;
}

static void *copy(const void *noun)
{
    struct app *made = holder_copy(noun, sizeof(struct app));
    const struct app *from = noun;

    if (made == NULL)
        return NULL;
    (void)app_trusts_ref(made->trusts);
    made->secret = NULL;
    made->secrets = 0;
    if (!secrets_resize(made, from->secrets)) {
        free_(made);
        return NULL;
    }
    if (from->secrets > 0)
        memcpy(made->secret, from->secret, from->secrets * sizeof(*from->secret));
    return made;
}

static const char *alias(const void *noun)
{
    return ((const struct app *)noun)->client_id;
}

static struct app *app_new(sgl_view name, sgl_view subscription)
{
    return holder_new(sizeof(struct app), IDENTITY_APP, "app:", name, subscription);
}

/* ---- as JSON ---- */

static bool secret_from_json(struct kept_secret *s, const json_t *json)
{
    const char *id = json_string_value(json_object_get(json, "id"));

    if (id == NULL || strlen(id) >= sizeof(s->shown.id))
        return false;
    memcpy(s->shown.id, id, strlen(id) + 1);
    s->shown.created_at = json_integer_value(json_object_get(json, "created_at"));
    s->shown.expires_at = json_integer_value(json_object_get(json, "expires_at"));
    return json_base64_exact(json, "sha256", s->hash, sizeof(s->hash));
}

static bool secrets_from_json(struct app *a, const json_t *list)
{
    size_t count = json_array_size(list);

    if (count > APP_SECRETS_MAX || (count > 0 && !secrets_resize(a, count)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!secret_from_json(&a->secret[i], json_array_get(list, i)))
            return false;
    return true;
}

static void *from_json(const struct store_noun *noun, const json_t *json)
{
    const char *client_id = json_string_value(json_object_get(json, "client_id"));
    const char *label = json_string_value(json_object_get(json, "label"));
    struct app *a = app_new(noun->key, noun->subscription);

    if (a == NULL || client_id == NULL || !guid_take(sgl_view_cstr(client_id), a->client_id) ||
        label == NULL || !identity_set_label(a->holder.identity, sgl_view_cstr(label)) ||
        !identity_domains_from_json(a->holder.identity, json) ||
        !identity_role_from_json(a->holder.identity, json) ||
        !secrets_from_json(a, json_object_get(json, "secrets")) || !app_trusts_from_json(a, json))
        goto fail;
    a->holder.identity->version = noun->version;
    return a;
fail:
    free_(a);
    return NULL;
}

static json_t *to_json(const void *noun)
{
    const struct app *a = noun;
    json_t *secrets = json_array();

    for (size_t i = 0; i < a->secrets; i++) {
        const struct kept_secret *s = &a->secret[i];

        json_array_append_new(secrets, json_pack("{s:s, s:o, s:I, s:I}", "id", s->shown.id,
                                                 "sha256", base64_json(s->hash, sizeof(s->hash)),
                                                 "created_at", (json_int_t)s->shown.created_at,
                                                 "expires_at", (json_int_t)s->shown.expires_at));
    }
    return json_pack("{s:I, s:s, s:o, s:s, s:s, s:o, s:o}", "created_at",
                     (json_int_t)a->holder.identity->created_at, "client_id", a->client_id,
                     "domains", identity_domains_to_json(a->holder.identity), "label",
                     a->holder.identity->label, "role", role_name(a->holder.identity->role),
                     "secrets", secrets, "trusts", app_trusts_to_json(a));
}

/* ---- secrets ---- */

/* When it ends; 0: said why not. */
static int64_t secret_end(struct directory_change *c, int64_t now)
{
    int64_t until = c->app == NULL ? 0 : c->app->secret_until;

    if (until == 0)
        return now + SECRET_DEFAULT;
    if (until >= now + SECRET_MIN_S && until <= now + SECRET_MAX_S)
        return until;
    change_say(c, DIRECTORY_INVALID, "expires",
               "a secret lasts a minute at least and ten years at most");
    return 0;
}

static void secret_id_new(char out[SECRET_ID_LEN + 1])
{
    static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";

    for (size_t i = 0; i < SECRET_ID_LEN; i++)
        out[i] = letters[randombytes_uniform(sizeof(letters) - 1)];
    out[SECRET_ID_LEN] = '\0';
}

/* Shown once, kept as a hash. false: said. */
static bool secret_add(struct change *g, struct app *a)
{
    struct directory_change *c = g->c;
    int64_t now = clock_now_s(), end = secret_end(c, now);
    struct kept_secret *s;
    uint8_t bytes[SECRET_BYTES];

    if (end == 0)
        return false;
    if (a->secrets == APP_SECRETS_MAX) {
        change_say(c, DIRECTORY_INVALID, "secret",
                   "an application has at most %d secrets; remove one that is not in use",
                   APP_SECRETS_MAX);
        return false;
    }
    if (!secrets_resize(a, a->secrets + 1u)) {
        change_no_memory(c);
        return false;
    }
    s = &a->secret[a->secrets - 1];
    secret_id_new(s->shown.id);
    s->shown.created_at = now;
    s->shown.expires_at = end;
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(c->secret, sizeof(c->secret), bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof(bytes));
    crypto_hash_sha256(s->hash, (const uint8_t *)c->secret, strlen(c->secret));
    snprintf(c->id, sizeof(c->id), "%s", s->shown.id);
    return true;
}

/* false: said. */
static bool secret_remove(struct change *g, struct app *a, sgl_view id)
{
    size_t at = 0, last = a->secrets;

    while (at < last && !sgl_view_eq(id, sgl_view_cstr(a->secret[at].shown.id)))
        at++;
    if (at == last) {
        change_say(g->c, DIRECTORY_NOT_FOUND, "secret", "the application has no such secret");
        return false;
    }
    for (; at + 1 < last; at++)
        a->secret[at] = a->secret[at + 1];
    sodium_memzero(&a->secret[last - 1], sizeof(a->secret[0]));
    a->secrets--;
    return true;
}

/* ---- added, changed ---- */

static bool prepare(struct change *g)
{
    struct directory_change *c = g->c;
    bool secret = c->app == NULL || !c->app->no_secret;
    struct app *a;

    if (!change_check_name(g) || !change_check_subscription(g) || !change_check_free(g))
        return false;
    g->noun = a = app_new(c->name, sgl_view_cstr(g->subscription));
    if (a == NULL) {
        change_no_memory(c);
        return false;
    }
    guid_random(a->client_id);
    a->holder.identity->role = c->role;
    return identity_take_label(g, a->holder.identity, "label") &&
           identity_check_domains(g, a->holder.identity, c->role == ROLE_NONE) &&
           (!secret || secret_add(g, a));
}

static bool alter(struct change *g)
{
    const struct app_change *want = g->c->app;
    struct app *a = g->noun;

    if (!identity_take_label(g, a->holder.identity, "label") ||
        !identity_alter(g, a->holder.identity))
        return false;
    if (want != NULL && want->secret_remove.len > 0 && !secret_remove(g, a, want->secret_remove))
        return false;
    if (want != NULL && want->trust_remove.len > 0 && !app_trust_remove(g, a, want->trust_remove))
        return false;
    if (want != NULL && want->trust_add != NULL && !app_trust_add(g, a, want->trust_add))
        return false;
    return want == NULL || !want->secret_add || secret_add(g, a);
}

static const char *const shown[] = {"client_id", "domains", "label", "role",
                                    "profile",   "trusts",  NULL};

const struct noun_kind noun_app = {
    .name = "app",
    .field = "name",
    .prefix = "app:",
    HOLDER_ROW,
    .alias = alias,
    .free = free_,
    .from_json = from_json,
    .to_json = to_json,
    .shown = shown,
    .unshown = "secrets",
    .prepare = prepare,
    .copy = copy,
    .alter = alter,
};

/* ---- who is it? ---- */

/*
 * All places are compared, also those that hold nothing and those of an application that is not there, so that the time tells nothing of what was found.
 */
static enum app_login compare(const struct app *a, const uint8_t hash[32], int64_t now)
{
    static const uint8_t nobody[32] = {0};
    enum app_login found = a == NULL ? APP_UNKNOWN : APP_WRONG;

    for (size_t i = 0; i < APP_SECRETS_MAX; i++) {
        bool there = a != NULL && i < a->secrets;
        bool same = sodium_memcmp(hash, there ? a->secret[i].hash : nobody, sizeof(nobody)) == 0;

        if (there && same)
            found = a->secret[i].shown.expires_at > now ? APP_OK : APP_EXPIRED;
    }
    return found;
}

enum app_login app_login(struct directory *d, sgl_view client_id, sgl_view subscription,
                         sgl_view secret, int64_t now, struct identity **out)
{
    const struct app *a = NULL;
    char guid[GUID_TEXT_SIZE];
    enum app_login found;
    uint8_t hash[32];

    crypto_hash_sha256(hash, secret.ptr, secret.len);
    pthread_rwlock_rdlock(&d->lock);
    if (guid_take(client_id, guid))
        a = table_find(&d->alias[DIRECTORY_APP], sgl_view_cstr(guid));
    if (a != NULL && subscription.len > 0 &&
        !sgl_view_eq(subscription, sgl_view_cstr(a->holder.identity->subscription)))
        a = NULL;
    found = compare(a, hash, now);
    if (found == APP_OK)
        *out = identity_ref(a->holder.identity);
    pthread_rwlock_unlock(&d->lock);
    return found;
}

enum app_login directory_app_login(struct directory *d, sgl_view client_id, sgl_view subscription,
                                   sgl_view secret, int64_t now, struct identity **out)
{
    enum app_login found = app_login(d, client_id, subscription, secret, now, out);

    if (found != APP_OK)
        atomic_fetch_add_explicit(&d->refused, 1, memory_order_relaxed);
    return found;
}

static void facts_of(const struct app *a, struct app_facts *out)
{
    *out = (struct app_facts){.secrets = a->secrets};
    memcpy(out->client_id, a->client_id, sizeof(out->client_id));
    for (size_t i = 0; i < a->secrets; i++)
        out->secret[i] = a->secret[i].shown;
}

static struct identity *find(struct directory *d, const struct table *in, sgl_view name,
                             struct app_facts *facts)
{
    struct identity *who = NULL;
    const struct app *a;

    pthread_rwlock_rdlock(&d->lock);
    a = table_find(in, name);
    if (a != NULL)
        who = identity_ref(a->holder.identity);
    if (a != NULL && facts != NULL)
        facts_of(a, facts);
    pthread_rwlock_unlock(&d->lock);
    return who;
}

struct identity *directory_app(struct directory *d, sgl_view name, struct app_facts *facts)
{
    return find(d, &d->table[DIRECTORY_APP], name, facts);
}

struct identity *directory_app_of_client(struct directory *d, sgl_view client_id,
                                         struct app_facts *facts)
{
    char guid[GUID_TEXT_SIZE];

    if (!guid_take(client_id, guid))
        return NULL;
    return find(d, &d->alias[DIRECTORY_APP], sgl_view_cstr(guid), facts);
}
