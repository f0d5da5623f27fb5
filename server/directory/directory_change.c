/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes.  checked -> (domain: keys made in the keys process | credential: hashed on a worker) -> stored -> shown in the tables -> done()
 *
 * Every step runs on the change's loop, or on one worker; the store decides between two changes of the same noun by its version.
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/utf8.h"

#define NAME_MAX_LEN    64
#define PASSWORD_MIN    10
#define SELECTORS_FIRST 2

struct change {
    struct work work; /* first: cast from it */
    struct keys_op keys;
    struct store_noun_op store;
    struct store_noun noun;
    struct directory *d;
    struct directory_change *c;
    enum directory_verb verb;
    sgl_view kind;
    char *key, *subscription, *value, *password;
    struct subscription *subscription_new; /* exactly one of these when something is added */
    struct domain *domain;
    struct credential *credential;
    struct access_key *access;
    char *context;
    size_t selector; /* being generated */
    bool hashed;
};

/* ---- ends ---- */

static void change_free(struct change *g)
{
    subscription_unref(g->subscription_new);
    domain_unref(g->domain);
    credential_free(g->credential);
    access_key_free(g->access);
    if (g->password != NULL)
        sodium_memzero(g->password, strlen(g->password));
    free(g->password);
    free(g->key);
    free(g->subscription);
    free(g->value);
    free(g->context);
    sodium_memzero(g, sizeof(*g));
    free(g);
}

static void finish(struct change *g)
{
    struct directory_change *c = g->c;

    if (c->result != DIRECTORY_OK)
        sodium_memzero(c->secret, sizeof(c->secret));
    change_free(g);
    c->private_ = NULL;
    c->done(c);
}

static void say(struct directory_change *c, enum directory_result result, const char *field,
                const char *format, ...) SGL_PRINTF(4, 5);
static void say(struct directory_change *c, enum directory_result result, const char *field,
                const char *format, ...)
{
    va_list args;

    c->result = result;
    snprintf(c->field, sizeof(c->field), "%s", field);
    va_start(args, format);
    vsnprintf(c->why, sizeof(c->why), format, args);
    va_end(args);
}

static void no_memory(struct directory_change *c)
{
    say(c, DIRECTORY_UNAVAILABLE, "", "out of memory");
}

static void finish_later(struct loop_task *task)
{
    struct directory_change *c =
        (struct directory_change *)(void *)((char *)task - offsetof(struct directory_change, task));

    if (c->private_ != NULL)
        finish(c->private_);
    else
        c->done(c);
}

static void refuse_at_start(struct change *g)
{
    g->c->task.run = finish_later;
    loop_post(g->c->loop, &g->c->task);
}

/* ---- shown in the tables ---- */

static bool show_added(struct change *g)
{
    struct directory *d = g->d;
    bool fits = false;

    pthread_rwlock_wrlock(&d->lock);
    if (g->subscription_new != NULL &&
        (fits = table_add(&d->subscription, g->subscription_new->name, g->subscription_new)))
        g->subscription_new = NULL;
    else if (g->domain != NULL && (fits = table_add(&d->domain, g->domain->name, g->domain)))
        g->domain = NULL;
    else if (g->credential != NULL &&
             (fits = table_add(&d->credential, g->credential->user, g->credential)))
        g->credential = NULL;
    else if (g->access != NULL && (fits = table_add(&d->key, g->access->id, g->access)))
        g->access = NULL;
    pthread_rwlock_unlock(&d->lock);
    return fits;
}

static void show_removed(struct change *g)
{
    struct directory *d = g->d;
    sgl_view key = sgl_view_cstr(g->key);

    pthread_rwlock_wrlock(&d->lock);
    if (g->verb == DIRECTORY_DOMAIN_REMOVE) {
        domain_unref(g->domain);
        g->domain = table_remove(&d->domain, key);
    } else if (g->verb == DIRECTORY_CREDENTIAL_REMOVE) {
        g->credential = table_remove(&d->credential, key);
        if (g->credential != NULL)
            atomic_store(&g->credential->identity->removed, true);
    } else if (g->verb == DIRECTORY_KEY_REMOVE) {
        g->access = table_remove(&d->key, key);
        if (g->access != NULL)
            atomic_store(&g->access->identity->removed, true);
    }
    pthread_rwlock_unlock(&d->lock);
    cache_forget(d);
}

static void stored(struct store_op *op)
{
    struct change *g = (struct change *)(void *)((char *)op - offsetof(struct change, store));
    struct directory_change *c = g->c;

    if (op->result == STORE_OK && op->kind == STORE_NOUN_DELETE) {
        show_removed(g);
        c->result = DIRECTORY_OK;
    } else if (op->result == STORE_OK) {
        if (g->domain != NULL)
            g->domain->version = g->noun.version;
        if (g->credential != NULL)
            g->credential->identity->version = g->noun.version;
        if (g->access != NULL)
            g->access->identity->version = g->noun.version;
        c->result = DIRECTORY_OK;
        if (!show_added(g))
            say(c, DIRECTORY_UNAVAILABLE, "",
                "it is stored, and will be seen after a restart: out of memory");
    } else if (op->result == STORE_EXISTS) {
        say(c, DIRECTORY_EXISTS, "name", "%s \"%s\" exists already", (const char *)g->kind.ptr,
            g->key);
    } else if (op->result == STORE_NOT_FOUND || op->result == STORE_CONFLICT) {
        say(c, DIRECTORY_NOT_FOUND, "name", "%s \"%s\" was changed or removed by somebody else",
            (const char *)g->kind.ptr, g->key);
    } else {
        say(c, DIRECTORY_UNAVAILABLE, "", "the store did not take it: %s",
            store_result_text(op->result));
    }
    finish(g);
}

static void store_it(struct change *g, json_t *json)
{
    g->value = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (g->value == NULL) {
        no_memory(g->c);
        finish(g);
        return;
    }
    g->noun = (struct store_noun){.kind = g->kind,
                                  .key = sgl_view_cstr(g->key),
                                  .subscription = sgl_view_cstr(g->subscription),
                                  .value = sgl_view_cstr(g->value)};
    g->store =
        (struct store_noun_op){.op = {.kind = STORE_NOUN_PUT, .loop = g->c->loop, .done = stored},
                               .noun = &g->noun,
                               .nouns = 1};
    store_submit(g->d->store, &g->store.op);
}

static void delete_it(struct change *g, uint64_t version)
{
    g->noun = (struct store_noun){.kind = g->kind,
                                  .key = sgl_view_cstr(g->key),
                                  .subscription = sgl_view_cstr(g->subscription),
                                  .version = version};
    g->store = (struct store_noun_op){
        .op = {.kind = STORE_NOUN_DELETE, .loop = g->c->loop, .done = stored},
        .noun = &g->noun,
        .nouns = 1};
    store_submit(g->d->store, &g->store.op);
}

/* ---- checks ---- */

/* Names of subscriptions, user names: what fits into a log line, an URL and a shell word. An address is a good user name. */
static bool name_ok(sgl_view name)
{
    if (name.len == 0 || name.len > NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];

        if (!sgl_ascii_is_alnum(c) && c != '-' && c != '_' && c != '.' && c != '@' && c != '+')
            return false;
    }
    return true;
}

static bool check_name(struct change *g)
{
    if (name_ok(g->c->name)) {
        g->key = text_of(g->c->name);
        if (g->key != NULL)
            return true;
        no_memory(g->c);
        return false;
    }
    say(g->c, DIRECTORY_INVALID, "name", "a name has 1 to %d letters, digits or any of - _ . @ +",
        NAME_MAX_LEN);
    return false;
}

static bool check_subscription(struct change *g)
{
    struct subscription *s = directory_subscription(g->d, sgl_view_cstr(g->subscription));
    bool known = s != NULL;

    if (!known)
        say(g->c, DIRECTORY_NOT_FOUND, "subscription",
            "there is no such subscription; add it first");
    subscription_unref(s);
    return known;
}

/* The domains that an identity may use must exist and belong to its subscription. */
static bool check_domains(struct change *g, struct identity *i)
{
    struct directory_change *c = g->c;

    if (c->domains == 0 && !(g->verb == DIRECTORY_KEY_ADD && c->admin)) {
        say(c, DIRECTORY_INVALID, "domain",
            "name at least one domain that it may send as, or * for all of its subscription");
        return false;
    }
    for (size_t n = 0; n < c->domains; n++) {
        struct domain *domain = directory_domain(g->d, c->domain[n]);
        bool fits = domain != NULL && strcmp(domain->subscription, g->subscription) == 0;
        bool any = sgl_view_eq(c->domain[n], SGL_LIT("*"));

        if (!fits && !any) {
            domain_unref(domain);
            say(c, DIRECTORY_NOT_FOUND, "domain",
                "subscription \"%s\" has no such domain (number %zu of those given); add it first",
                g->subscription, n + 1);
            return false;
        }
        if (!identity_add_domain(i, any ? SGL_LIT("*") : sgl_view_cstr(domain->name))) {
            domain_unref(domain);
            no_memory(c);
            return false;
        }
        domain_unref(domain);
    }
    i->created_at = clock_now_s();
    return true;
}

static bool password_ok(sgl_view password)
{
    if (password.len < PASSWORD_MIN || password.len > PASSWORD_MAX || !sgl_utf8_valid(password))
        return false;
    for (size_t i = 0; i < password.len; i++)
        if (sgl_ascii_is_control(password.ptr[i]))
            return false;
    return true;
}

/* ---- subscription ---- */

static void subscription_add(struct change *g)
{
    json_t *json;

    g->kind = SGL_LIT("subscription");
    if (!check_name(g)) {
        refuse_at_start(g);
        return;
    }
    json = json_pack("{s:I}", "created_at", (json_int_t)clock_now_s());
    g->subscription_new = subscription_from_json(sgl_view_cstr(g->key), json);
    if (g->subscription_new == NULL) {
        json_decref(json);
        no_memory(g->c);
        refuse_at_start(g);
        return;
    }
    store_it(g, json);
}

/* ---- domain ---- */

static void generate_next(struct change *g);

static bool keep_generated(struct selector *s, const struct keys_op *op)
{
    s->public_key = malloc(op->public_len);
    s->sealed = malloc(op->out_len);
    if (s->public_key == NULL || s->sealed == NULL)
        return false;
    memcpy(s->public_key, op->public_key, op->public_len);
    memcpy(s->sealed, op->out, op->out_len);
    s->public_len = op->public_len;
    s->sealed_len = op->out_len;
    s->active = true;
    atomic_store(&s->handle, op->handle);
    return true;
}

static void generated(struct keys_op *op)
{
    struct change *g = (struct change *)(void *)((char *)op - offsetof(struct change, keys));

    if (op->result != KEYS_OK) {
        say(g->c, DIRECTORY_UNAVAILABLE, "",
            "the keys process could not make a key; try again soon");
        finish(g);
        return;
    }
    if (!keep_generated(&g->domain->selector[g->selector], op)) {
        no_memory(g->c);
        finish(g);
        return;
    }
    g->selector++;
    generate_next(g);
}

static void generate_next(struct change *g)
{
    const struct selector *s = &g->domain->selector[g->selector];

    if (g->selector == g->domain->selectors) {
        store_it(g, domain_to_json(g->domain));
        return;
    }
    free(g->context);
    g->context = selector_context(g->domain->name, s->name);
    if (g->context == NULL) {
        no_memory(g->c);
        finish(g);
        return;
    }
    memset(&g->keys, 0, offsetof(struct keys_op, out));
    g->keys.verb = KEYS_GENERATE;
    g->keys.algorithm = s->algorithm;
    g->keys.context = sgl_view_cstr(g->context);
    g->keys.loop = g->c->loop;
    g->keys.done = generated;
    keys_submit(g->d->keys, &g->keys);
}

static struct domain *domain_new(const char *name, const char *subscription, bool ed25519)
{
    struct domain *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return NULL;
    atomic_init(&d->refs, 1);
    d->created_at = clock_now_s();
    d->name = text_of(sgl_view_cstr(name));
    d->subscription = text_of(sgl_view_cstr(subscription));
    d->selector = calloc(SELECTORS_FIRST, sizeof(*d->selector));
    if (d->name == NULL || d->subscription == NULL || d->selector == NULL)
        goto fail;
    d->selectors = ed25519 ? 2 : 1;
    d->selector[0].algorithm = KEYS_RSA_2048;
    d->selector[0].name = text_of(SGL_LIT("s1"));
    d->selector[1].algorithm = KEYS_ED25519;
    d->selector[1].name = ed25519 ? text_of(SGL_LIT("e1")) : NULL;
    if (d->selector[0].name != NULL && (!ed25519 || d->selector[1].name != NULL))
        return d;
fail:
    domain_unref(d);
    return NULL;
}

static void domain_add(struct change *g)
{
    const char *why = NULL;
    struct domain *existing;

    g->kind = SGL_LIT("domain");
    g->key = domain_canonical(g->c->name, &why);
    if (g->key == NULL) {
        say(g->c, DIRECTORY_INVALID, "domain", "this %s", why);
        refuse_at_start(g);
        return;
    }
    existing = directory_domain(g->d, sgl_view_cstr(g->key));
    if (existing != NULL) {
        domain_unref(existing);
        say(g->c, DIRECTORY_EXISTS, "domain", "domain \"%s\" exists already", g->key);
        refuse_at_start(g);
        return;
    }
    if (!check_subscription(g)) {
        refuse_at_start(g);
        return;
    }
    if (g->d->keys == NULL ||
        (g->domain = domain_new(g->key, g->subscription, g->c->ed25519)) == NULL) {
        no_memory(g->c);
        refuse_at_start(g);
        return;
    }
    generate_next(g);
}

/* ---- credential, key ---- */

static void credential_hash(struct work *w)
{
    struct change *g = (struct change *)(void *)w;

    g->hashed = password_hash(g->d, sgl_view_cstr(g->password), g->credential);
}

static void credential_hashed(struct work *w)
{
    struct change *g = (struct change *)(void *)w;

    if (g->hashed) {
        store_it(g, credential_to_json(g->credential));
        return;
    }
    no_memory(g->c);
    finish(g);
}

/* Five groups of five letters and digits that are not mistaken for each other: 125 bits. */
static char *password_new(void)
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
    char text[30];
    size_t at = 0;

    for (unsigned i = 0; i < 25; i++) {
        if (i > 0 && i % 5 == 0)
            text[at++] = '-';
        text[at++] = letters[randombytes_uniform(sizeof(letters) - 1)];
    }
    return text_of(sgl_view_of(text, at));
}

static bool credential_prepare(struct change *g)
{
    struct directory_change *c = g->c;
    struct identity *existing;

    if (!check_name(g) || !check_subscription(g))
        return false;
    existing = directory_credential(g->d, c->name);
    if (existing != NULL) {
        identity_unref(existing);
        say(c, DIRECTORY_EXISTS, "name", "credential \"%s\" exists already", g->key);
        return false;
    }
    if (c->password.len > 0 && !password_ok(c->password)) {
        say(c, DIRECTORY_INVALID, "password",
            "a password has %d to %d bytes of UTF-8 without control characters", PASSWORD_MIN,
            PASSWORD_MAX);
        return false;
    }
    g->password = c->password.len > 0 ? text_of(c->password) : password_new();
    g->credential = calloc(1, sizeof(*g->credential));
    if (g->password == NULL || g->credential == NULL) {
        no_memory(c);
        return false;
    }
    g->credential->user = text_of(c->name);
    g->credential->identity =
        identity_new(IDENTITY_CREDENTIAL, "credential:", c->name, sgl_view_cstr(g->subscription));
    if (g->credential->user == NULL || g->credential->identity == NULL) {
        no_memory(c);
        return false;
    }
    return check_domains(g, g->credential->identity);
}

static void credential_add(struct change *g)
{
    g->kind = SGL_LIT("credential");
    if (!credential_prepare(g)) {
        refuse_at_start(g);
        return;
    }
    if (g->c->password.len == 0)
        snprintf(g->c->secret, sizeof(g->c->secret), "%s", g->password);
    g->work = (struct work){.work = credential_hash, .done = credential_hashed, .loop = g->c->loop};
    if (!workers_submit(g->d->workers, &g->work)) {
        say(g->c, DIRECTORY_UNAVAILABLE, "", "too much is waiting to be hashed; try again soon");
        refuse_at_start(g);
    }
}

/* id: 12 letters and digits; secret: 32 random bytes. Shown once, kept as a hash. */
static bool key_prepare(struct change *g)
{
    static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";
    struct directory_change *c = g->c;
    uint8_t secret[32];
    char text[sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    char id[13];

    if (!check_subscription(g))
        return false;
    if (c->name.len > 0 && (c->name.len > NAME_MAX_LEN || !sgl_utf8_valid(c->name) ||
                            !sgl_ascii_is_printable(c->name))) {
        say(c, DIRECTORY_INVALID, "name", "a label has at most %d printable characters",
            NAME_MAX_LEN);
        return false;
    }
    for (size_t i = 0; i < 12; i++)
        id[i] = letters[randombytes_uniform(sizeof(letters) - 1)];
    id[12] = '\0';
    randombytes_buf(secret, sizeof(secret));
    sodium_bin2base64(text, sizeof(text), secret, sizeof(secret),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof(secret));
    g->key = text_of(sgl_view_cstr(id));
    g->access = calloc(1, sizeof(*g->access));
    if (g->key == NULL || g->access == NULL) {
        no_memory(c);
        return false;
    }
    g->access->id = text_of(sgl_view_cstr(id));
    g->access->identity =
        identity_new(IDENTITY_KEY, "key:", sgl_view_cstr(id), sgl_view_cstr(g->subscription));
    if (g->access->id == NULL || g->access->identity == NULL) {
        no_memory(c);
        return false;
    }
    free(g->access->identity->label);
    g->access->identity->label = text_of(c->name);
    if (g->access->identity->label == NULL) {
        no_memory(c);
        return false;
    }
    g->access->identity->admin = c->admin;
    crypto_hash_sha256(g->access->hash, (const uint8_t *)text, strlen(text));
    snprintf(c->id, sizeof(c->id), "%s", id);
    snprintf(c->secret, sizeof(c->secret), "sk_%s_%s", id, text);
    sodium_memzero(text, sizeof(text));
    return check_domains(g, g->access->identity);
}

static void key_add(struct change *g)
{
    g->kind = SGL_LIT("key");
    if (key_prepare(g))
        store_it(g, key_to_json(g->access));
    else
        refuse_at_start(g);
}

/* ---- removals ---- */

struct user_search {
    const char *domain;
    char found[96];
};

static bool uses_domain(void *ctx, struct identity *i)
{
    struct user_search *s = ctx;

    for (size_t n = 0; n < i->domains; n++)
        if (strcmp(i->domain[n], s->domain) == 0)
            snprintf(s->found, sizeof(s->found), "%.90s", i->name);
    return s->found[0] == '\0';
}

static void domain_remove(struct change *g)
{
    struct user_search search = {NULL, ""};

    g->kind = SGL_LIT("domain");
    g->domain = directory_domain(g->d, g->c->name);
    if (g->domain == NULL) {
        say(g->c, DIRECTORY_NOT_FOUND, "domain", "there is no such domain");
        refuse_at_start(g);
        return;
    }
    search.domain = g->domain->name;
    directory_each_identity(g->d, IDENTITY_CREDENTIAL, uses_domain, &search);
    if (search.found[0] == '\0')
        directory_each_identity(g->d, IDENTITY_KEY, uses_domain, &search);
    if (search.found[0] != '\0') {
        say(g->c, DIRECTORY_IN_USE, "domain", "%s may send as this domain; remove that first",
            search.found);
        refuse_at_start(g);
        return;
    }
    g->key = text_of(sgl_view_cstr(g->domain->name));
    if (g->key == NULL) {
        no_memory(g->c);
        refuse_at_start(g);
        return;
    }
    delete_it(g, g->domain->version);
}

static void identity_remove(struct change *g, bool key)
{
    const struct access_key *k;
    struct identity *who = NULL;

    g->kind = key ? SGL_LIT("key") : SGL_LIT("credential");
    g->key = text_of(g->c->name);
    if (key) {
        pthread_rwlock_rdlock(&g->d->lock);
        k = table_find(&g->d->key, g->c->name);
        who = k == NULL ? NULL : identity_ref(k->identity);
        pthread_rwlock_unlock(&g->d->lock);
    } else {
        who = directory_credential(g->d, g->c->name);
    }
    if (who == NULL || g->key == NULL) {
        identity_unref(who);
        say(g->c, DIRECTORY_NOT_FOUND, "name", "there is no such %s", (const char *)g->kind.ptr);
        refuse_at_start(g);
        return;
    }
    delete_it(g, who->version);
    identity_unref(who);
}

void directory_change(struct directory *d, struct directory_change *c)
{
    struct change *g = calloc(1, sizeof(*g));

    c->private_ = g;
    c->field[0] = c->why[0] = c->secret[0] = c->id[0] = '\0';
    if (g == NULL) {
        no_memory(c);
        c->task.run = finish_later;
        loop_post(c->loop, &c->task);
        return;
    }
    g->d = d;
    g->c = c;
    g->verb = c->verb;
    g->subscription = text_of(c->subscription.len == 0 ? SGL_LIT("default") : c->subscription);
    if (g->subscription == NULL) {
        say(c, DIRECTORY_INVALID, "subscription", "this is no name of a subscription");
        refuse_at_start(g);
        return;
    }
    switch (c->verb) {
    case DIRECTORY_SUBSCRIPTION_ADD:
        subscription_add(g);
        break;
    case DIRECTORY_DOMAIN_ADD:
        domain_add(g);
        break;
    case DIRECTORY_DOMAIN_REMOVE:
        domain_remove(g);
        break;
    case DIRECTORY_CREDENTIAL_ADD:
        credential_add(g);
        break;
    case DIRECTORY_CREDENTIAL_REMOVE:
        identity_remove(g, false);
        break;
    case DIRECTORY_KEY_ADD:
        key_add(g);
        break;
    case DIRECTORY_KEY_REMOVE:
        identity_remove(g, true);
        break;
    }
}
