/* SPDX-License-Identifier: Apache-2.0 */
/* The tables: filled at start, looked up by any thread under a read lock; what leaves the lock is counted and never changes. */
#include "directory.h"

#include <stdio.h>
#include <stdlib.h>

#include "../log/log.h"
#include "directory_internal.h"
#include "sigillo/ascii.h"

/* ---- look-ups ---- */

struct domain *directory_domain(struct directory *d, sgl_view name)
{
    uint8_t lower[256];
    struct domain *found;

    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    if (name.len > sizeof(lower))
        return NULL;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = sgl_ascii_lower(name.ptr[i]);
    pthread_rwlock_rdlock(&d->lock);
    found = table_find(&d->table[DIRECTORY_DOMAIN], sgl_view_of(lower, name.len));
    if (found != NULL)
        domain_ref(found);
    pthread_rwlock_unlock(&d->lock);
    return found;
}

static struct subscription *find_subscription(struct directory *d, const struct table *in,
                                              sgl_view name)
{
    struct subscription *found;

    pthread_rwlock_rdlock(&d->lock);
    found = table_find(in, name);
    if (found != NULL)
        atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
    pthread_rwlock_unlock(&d->lock);
    return found;
}

struct subscription *directory_subscription(struct directory *d, sgl_view name)
{
    return find_subscription(d, &d->table[DIRECTORY_SUBSCRIPTION], name);
}

struct subscription *directory_tenant(struct directory *d, sgl_view name)
{
    struct subscription *found = directory_subscription(d, name);
    char guid[GUID_TEXT_SIZE];

    if (found != NULL || !guid_take(name, guid))
        return found;
    return find_subscription(d, &d->alias[DIRECTORY_SUBSCRIPTION], sgl_view_cstr(guid));
}

struct identity *directory_identity(struct directory *d, sgl_view name)
{
    struct identity *found = NULL;
    char guid[GUID_TEXT_SIZE];
    uint64_t uid;

    if (sgl_view_starts(name, SGL_LIT("local:uid=")) &&
        sgl_view_u64(sgl_view_from(name, 10), UINT32_MAX, &uid))
        return directory_local((uint32_t)uid);
    pthread_rwlock_rdlock(&d->lock);
    for (unsigned i = 0; found == NULL && i < DIRECTORY_NOUNS; i++) {
        sgl_view prefix = sgl_view_cstr(noun_kind_of((enum directory_noun)i)->prefix);
        const struct holder *h;

        if (prefix.len == 0 || !sgl_view_starts(name, prefix))
            continue;
        h = table_find(&d->table[i], sgl_view_from(name, prefix.len));
        if (h == NULL && guid_take(sgl_view_from(name, prefix.len), guid))
            h = table_find(&d->alias[i], sgl_view_cstr(guid));
        found = h == NULL ? NULL : identity_ref(h->identity);
    }
    pthread_rwlock_unlock(&d->lock);
    return found;
}

bool directory_may_use(struct directory *d, const struct identity *who, const struct domain *domain)
{
    (void)d;
    for (const struct identity *newer; (newer = atomic_load(&who->newer)) != NULL;)
        who = newer;
    if (atomic_load_explicit(&who->removed, memory_order_relaxed))
        return false;
    if (who->subscription[0] != '\0' && strcmp(who->subscription, domain->subscription) != 0)
        return false;
    if (who->any_domain)
        return true;
    for (size_t i = 0; i < who->domains; i++)
        if (strcmp(who->domain[i], domain->name) == 0)
            return true;
    return false;
}

struct group *directory_group(struct directory *d, sgl_view subscription, sgl_view name)
{
    struct sgl_buf key = SGL_BUF_INIT(512);
    struct group *found = NULL;

    sgl_buf_add(&key, subscription);
    sgl_buf_add_byte(&key, '/');
    sgl_buf_add(&key, name);
    pthread_rwlock_rdlock(&d->lock);
    if (key.status == SGL_OK)
        found = table_find(&d->table[DIRECTORY_GROUP], sgl_buf_view(&key));
    if (found != NULL)
        (void)owned_ref(found);
    pthread_rwlock_unlock(&d->lock);
    sgl_buf_done(&key);
    return found;
}

struct identity *directory_credential(struct directory *d, sgl_view user)
{
    const struct credential *c;
    struct identity *who;

    pthread_rwlock_rdlock(&d->lock);
    c = table_find(&d->table[DIRECTORY_CREDENTIAL], user);
    who = c == NULL ? NULL : identity_ref(c->holder.identity);
    pthread_rwlock_unlock(&d->lock);
    return who;
}

struct identity *directory_local(uint32_t uid)
{
    char text[32];
    struct identity *who;

    snprintf(text, sizeof(text), "uid=%u", uid);
    who = identity_new(IDENTITY_LOCAL, "local:", sgl_view_cstr(text), SGL_LIT(""));
    if (who != NULL) {
        who->any_domain = true;
        who->role = ROLE_OPERATOR;
    }
    return who;
}

/* ---- listings: the table is copied, with references, so that each() runs without the lock ---- */

void **nouns_referenced(struct directory *d, enum directory_noun noun, void *(*ref)(void *noun),
                        size_t *count)
{
    void **all;

    pthread_rwlock_rdlock(&d->lock);
    all = table_sorted(&d->table[noun], count);
    for (size_t i = 0; i < *count; i++)
        all[i] = ref(all[i]);
    pthread_rwlock_unlock(&d->lock);
    return all;
}

static void *ref_domain(void *noun)
{
    return domain_ref(noun);
}

static void *ref_subscription(void *noun)
{
    struct subscription *s = noun;

    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

static void *ref_held(void *noun)
{
    return identity_ref(((struct holder *)noun)->identity);
}

void directory_each_domain(struct directory *d, bool (*each)(void *ctx, struct domain *domain),
                           void *ctx)
{
    size_t count;
    void **all = nouns_referenced(d, DIRECTORY_DOMAIN, ref_domain, &count);
    bool more = true;

    for (size_t i = 0; i < count; i++) {
        more = more && each(ctx, all[i]);
        domain_unref(all[i]);
    }
    free(all);
}

void directory_each_sender(struct directory *d, bool (*each)(void *ctx, struct sender *s),
                           void *ctx)
{
    size_t count;
    void **all = nouns_referenced(d, DIRECTORY_SENDER, owned_ref, &count);
    bool more = true;

    for (size_t i = 0; i < count; i++) {
        more = more && each(ctx, all[i]);
        sender_unref(all[i]);
    }
    free(all);
}

void directory_each_group(struct directory *d, bool (*each)(void *ctx, struct group *g), void *ctx)
{
    size_t count;
    void **all = nouns_referenced(d, DIRECTORY_GROUP, owned_ref, &count);
    bool more = true;

    for (size_t i = 0; i < count; i++) {
        more = more && each(ctx, all[i]);
        group_unref(all[i]);
    }
    free(all);
}

void directory_each_resource(struct directory *d, bool (*each)(void *ctx, struct resource *r),
                             void *ctx)
{
    size_t count;
    void **all = nouns_referenced(d, DIRECTORY_RESOURCE, owned_ref, &count);
    bool more = true;

    for (size_t i = 0; i < count; i++) {
        more = more && each(ctx, all[i]);
        resource_unref(all[i]);
    }
    free(all);
}

void directory_each_pool(struct directory *d, bool (*each)(void *ctx, struct pool *p), void *ctx)
{
    size_t count;
    void **all = nouns_referenced(d, DIRECTORY_POOL, owned_ref, &count);
    bool more = true;

    for (size_t i = 0; i < count; i++) {
        more = more && each(ctx, all[i]);
        pool_unref(all[i]);
    }
    free(all);
}

void directory_each_branded_link(struct directory *d,
                                 bool (*each)(void *ctx, struct branded_link *l), void *ctx)
{
    size_t count;
    void **all = nouns_referenced(d, DIRECTORY_BRANDED_LINK, owned_ref, &count);
    bool more = true;

    for (size_t i = 0; i < count; i++) {
        more = more && each(ctx, all[i]);
        branded_link_unref(all[i]);
    }
    free(all);
}

void directory_each_asm_group(struct directory *d, bool (*each)(void *ctx, struct asm_group *g),
                              void *ctx)
{
    size_t count;
    void **all = nouns_referenced(d, DIRECTORY_ASM_GROUP, owned_ref, &count);
    bool more = true;

    for (size_t i = 0; i < count; i++) {
        more = more && each(ctx, all[i]);
        asm_group_unref(all[i]);
    }
    free(all);
}

void directory_each_policy(struct directory *d, bool (*each)(void *ctx, struct policy *p),
                           void *ctx)
{
    size_t count;
    void **all = nouns_referenced(d, DIRECTORY_POLICY, owned_ref, &count);
    bool more = true;

    for (size_t i = 0; i < count; i++) {
        more = more && each(ctx, all[i]);
        policy_unref(all[i]);
    }
    free(all);
}

void directory_each_subscription(struct directory *d,
                                 bool (*each)(void *ctx, struct subscription *s), void *ctx)
{
    size_t count;
    void **all = nouns_referenced(d, DIRECTORY_SUBSCRIPTION, ref_subscription, &count);
    bool more = true;

    for (size_t i = 0; i < count; i++) {
        more = more && each(ctx, all[i]);
        subscription_unref(all[i]);
    }
    free(all);
}

/* The nouns that hold identities of this kind; false: none does. */
static bool noun_of_kind(enum identity_kind kind, enum directory_noun *out)
{
    switch (kind) {
    case IDENTITY_CREDENTIAL:
        *out = DIRECTORY_CREDENTIAL;
        return true;
    case IDENTITY_KEY:
        *out = DIRECTORY_KEY;
        return true;
    case IDENTITY_APP:
        *out = DIRECTORY_APP;
        return true;
    case IDENTITY_ACCOUNT:
        *out = DIRECTORY_ACCOUNT;
        return true;
    case IDENTITY_LOCAL:
        *out = DIRECTORY_LOCAL;
        return true;
    case IDENTITY_SYSTEM:
        break;
    }
    return false;
}

void directory_each_identity(struct directory *d, enum identity_kind kind,
                             bool (*each)(void *ctx, struct identity *i), void *ctx)
{
    enum directory_noun noun;
    size_t count;
    void **all;
    bool more = true;

    if (!noun_of_kind(kind, &noun))
        return;
    all = nouns_referenced(d, noun, ref_held, &count);
    for (size_t i = 0; i < count; i++) {
        more = more && each(ctx, all[i]);
        identity_unref(all[i]);
    }
    free(all);
}

void directory_stats(struct directory *d, struct directory_stats *out)
{
    pthread_rwlock_rdlock(&d->lock);
    *out = (struct directory_stats){.domains = d->table[DIRECTORY_DOMAIN].used,
                                    .credentials = d->table[DIRECTORY_CREDENTIAL].used,
                                    .keys = d->table[DIRECTORY_KEY].used,
                                    .apps = d->table[DIRECTORY_APP].used,
                                    .subscriptions = d->table[DIRECTORY_SUBSCRIPTION].used,
                                    .suppressions = d->suppressed.used,
                                    .suppression_bytes = suppression_set_bytes(&d->suppressed) +
                                                         suppression_set_bytes(&d->on_lists)};
    pthread_rwlock_unlock(&d->lock);
    out->selectors_loading = atomic_load(&d->loading);
    out->passwords_hashed = atomic_load(&d->hashed);
    out->passwords_cached = atomic_load(&d->cached);
    out->passwords_refused = atomic_load(&d->refused);
}

bool directory_ready(const struct directory *d)
{
    return atomic_load(&d->loading) == 0;
}

/* ---- start and end ---- */

struct reader {
    struct directory *d;
    enum directory_noun noun;
    char *why;
    size_t why_size;
    bool failed;
};

static bool take_noun(struct reader *r, const struct store_noun *stored, const json_t *json)
{
    const struct noun_kind *kind = noun_kind_of(r->noun);
    void *noun = json == NULL ? NULL : noun_from_json(kind, stored, json);

    if (noun != NULL && noun_show(r->d, r->noun, noun))
        return true;
    kind->free(noun);
    return false;
}

static bool read_noun(void *ctx, const struct store_noun *stored)
{
    struct reader *r = ctx;
    json_t *json = json_loadb((const char *)stored->value.ptr, stored->value.len,
                              JSON_REJECT_DUPLICATES, NULL);

    if (!take_noun(r, stored, json)) {
        snprintf(r->why, r->why_size, "the stored %s \"%.*s\" cannot be read",
                 noun_kind_of(r->noun)->name, SGL_FMT(sgl_view_sub(stored->key, 0, 100)));
        r->failed = true;
    }
    json_decref(json);
    return !r->failed;
}

/* The secret behind the answers for unknown users; kept, so that a restart does not tell them apart. */
static bool read_fake_key(void *ctx, const struct store_noun *noun)
{
    struct directory *d = ctx;
    json_t *json = json_loadb((const char *)noun->value.ptr, noun->value.len, 0, NULL);
    const char *hex = json_string_value(json_object_get(json, "key"));

    if (sgl_view_eq(noun->key, SGL_LIT("unknown-users")) && hex != NULL)
        (void)sodium_hex2bin(d->fake_key, sizeof(d->fake_key), hex, strlen(hex), NULL, NULL, NULL);
    json_decref(json);
    return true;
}

/* A noun that the directory writes for itself at start; freed when done. */
struct own_noun {
    struct store_noun_op op;
    struct store_noun noun;
    struct store_audit audit;
    char *value;
};

static void own_noun_done(struct store_op *op)
{
    struct own_noun *own = (struct own_noun *)(void *)op;

    if (op->result != STORE_OK && op->result != STORE_EXISTS)
        log_line(LOG_WARN_, "noun not stored", LOG_VIEW("kind", own->noun.kind),
                 LOG_VIEW("key", own->noun.key), LOG_STR("why", store_result_text(op->result)));
    free(own->value);
    free(own);
}

static void write_own_noun(struct directory *d, sgl_view kind, sgl_view key, json_t *json,
                           const struct store_audit *audit)
{
    struct own_noun *own = calloc(1, sizeof(*own));

    if (own != NULL)
        own->value = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (own == NULL || own->value == NULL || json_memory_ended()) {
        if (own != NULL)
            free(own->value);
        free(own);
        return;
    }
    own->noun = (struct store_noun){.kind = kind, .key = key, .value = sgl_view_cstr(own->value)};
    own->op = (struct store_noun_op){
        .op = {.kind = STORE_NOUN_PUT, .loop = d->loop, .done = own_noun_done},
        .noun = &own->noun,
        .nouns = 1};
    if (audit != NULL) {
        own->audit = *audit;
        own->audit.at_ms = clock_now_ms();
        own->op.audit = &own->audit;
    }
    store_submit(d->store, &own->op.op);
}

/* What a store that has never been used needs: the first subscription, and our secret. */
static bool first_nouns(struct directory *d)
{
    static const struct store_audit line = {.actor = SGL_LIT_INIT("system"),
                                            .action = SGL_LIT_INIT("subscription add"),
                                            .object = SGL_LIT_INIT("subscription:default"),
                                            .subscription = SGL_LIT_INIT("default"),
                                            .result = SGL_LIT_INIT("done")};
    static const uint8_t nothing[32] = {0};

    if (sodium_memcmp(d->fake_key, nothing, sizeof(nothing)) == 0) {
        char hex[sizeof(d->fake_key) * 2 + 1];

        randombytes_buf(d->fake_key, sizeof(d->fake_key));
        sodium_bin2hex(hex, sizeof(hex), d->fake_key, sizeof(d->fake_key));
        write_own_noun(d, SGL_LIT("secret"), SGL_LIT("unknown-users"),
                       json_pack("{s:s}", "key", hex), NULL);
    }
    if (d->table[DIRECTORY_SUBSCRIPTION].used == 0) {
        struct reader r = {.d = d, .noun = DIRECTORY_SUBSCRIPTION};
        struct store_noun first = {.key = SGL_LIT("default"), .version = 1};
        json_t *json = json_pack("{s:I}", "created_at", (json_int_t)clock_now_s());

        if (!take_noun(&r, &first, json)) {
            json_decref(json);
            return false;
        }
        write_own_noun(d, SGL_LIT("subscription"), SGL_LIT("default"), json, &line);
    }
    return true;
}

static bool read_all(struct directory *d, char *why, size_t why_size)
{
    struct reader r = {.d = d, .why = why, .why_size = why_size};

    for (unsigned i = 0; i < DIRECTORY_NOUNS; i++) {
        const char *kind = noun_kind_of((enum directory_noun)i)->name;
        enum store_result result;

        r.noun = (enum directory_noun)i;
        result = store_read_nouns(d->store, sgl_view_cstr(kind), read_noun, &r);
        if (r.failed)
            return false;
        if (result != STORE_OK) {
            snprintf(why, why_size, "cannot read the stored %ss: %s", kind,
                     store_result_text(result));
            return false;
        }
    }
    return store_read_nouns(d->store, SGL_LIT("secret"), read_fake_key, d) == STORE_OK;
}

struct directory *directory_open(struct store *store, struct keys *keys, struct workers *workers,
                                 struct loop *loop, char *why, size_t why_size)
{
    struct directory *d = calloc(1, sizeof(*d));

    snprintf(why, why_size, "out of memory");
    if (d == NULL || sodium_init() < 0) {
        free(d);
        return NULL;
    }
    json_memory_watch();
    json_memory_begin();
    d->store = store;
    d->keys = keys;
    d->workers = workers;
    hashing_init(&d->hashing, workers_threads(workers));
    d->loop = loop;
    (void)scratch_open(&d->file, store_folder(store)); /* without it, all stays in memory */
    pthread_rwlock_init(&d->lock, NULL);
    pthread_mutex_init(&d->cache_lock, NULL);
    turns_init(d);
    for (unsigned i = 0; i < DIRECTORY_NOUNS; i++) {
        table_init(&d->table[i]);
        table_init(&d->alias[i]);
    }
    suppression_set_init(&d->suppressed);
    suppression_set_init(&d->on_lists);
    d->suppressions_max = DIRECTORY_SUPPRESSIONS_KEPT;
    d->resources_max = RESOURCES_MAX;
    d->suppressions_own = DIRECTORY_SUPPRESSIONS_OWN;
    directory_accounts_max(d, ACCOUNTS_MAX_DEFAULT);
    directory_hmac_window(d, HMAC_WINDOW_DEFAULT);
    access_init(d);
    randombytes_buf(d->cache_key, sizeof(d->cache_key));
    d->fake_argon = (struct argon_hash){.memory_kib = ARGON_MEMORY / 1024, .passes = ARGON_PASSES};
    randombytes_buf(d->fake_argon.salt, sizeof(d->fake_argon.salt));
    randombytes_buf(d->fake_argon.hash, sizeof(d->fake_argon.hash));
    d->crypto = sgl_crypto_new();
    if (d->crypto == NULL || !read_all(d, why, why_size) || !suppressions_read(d, why, why_size) ||
        !first_nouns(d) || !loads_start(d)) {
        directory_free(d);
        return NULL;
    }
    return d;
}

static void free_values(struct table *t, void (*free_one)(void *value))
{
    for (size_t i = 0; i < t->slots; i++)
        if (t->slot[i].name != NULL)
            free_one(t->slot[i].value);
    table_done(t);
}

void directory_free(struct directory *d)
{
    if (d == NULL)
        return;
    loads_stop(d);
    turns_done(d);
    for (unsigned i = 0; i < DIRECTORY_NOUNS; i++) {
        table_done(&d->alias[i]);
        free_values(&d->table[i], noun_kind_of((enum directory_noun)i)->free);
    }
    suppression_set_done(&d->suppressed);
    suppression_set_done(&d->on_lists);
    access_done(d);
    sweep_free(d);
    scratch_close(&d->file);
    sgl_crypto_free(d->crypto);
    pthread_rwlock_destroy(&d->lock);
    pthread_mutex_destroy(&d->cache_lock);
    sodium_memzero(d, sizeof(*d));
    free(d);
}
