/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A high-volume account: an application's login, which may send as one address only.  The address, in lower case, is its key and its user name.
 *
 *   {"created_at":N,"domains":["example.org"],"label":"LOB App 1","basic":true,"oauth":true,"apps":[GUID],"argon2id":"...","scram":{...}}
 *
 * argon2id and scram are there once it had a password; without `basic` nobody logs in by it.  What it may send as is directory_may_send()'s to say, as for all.
 */
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"

static void free_(void *noun)
{
    if (noun != NULL)
        free(((struct account *)noun)->app);
    holder_free(noun, sizeof(struct account));
}

/* The facts as they are handed out, and as they are kept: most accounts let one application in. */
static void facts_of(const struct account *a, struct account_facts *out)
{
    *out = (struct account_facts){
        .basic = a->basic, .oauth = a->oauth, .password = a->password, .apps = a->apps};
    if (a->apps > 0)
        memcpy(out->app, a->app, a->apps * sizeof(a->app[0]));
}

static bool keep_facts(struct account *a, const struct account_facts *f)
{
    char(*app)[GUID_TEXT_SIZE] = f->apps == 0 ? NULL : malloc(f->apps * sizeof(*app));

    if (app == NULL && f->apps > 0)
        return false;
    if (app != NULL)
        memcpy(app, f->app, f->apps * sizeof(*app));
    free(a->app);
    a->app = app;
    a->apps = (uint8_t)f->apps;
    a->basic = f->basic;
    a->oauth = f->oauth;
    a->password = f->password;
    return true;
}

static void *copy(const void *noun)
{
    struct account *made = holder_copy(noun, sizeof(struct account));
    struct account_facts facts;

    if (made == NULL)
        return NULL;
    made->app = NULL;
    facts_of(noun, &facts);
    if (keep_facts(made, &facts))
        return made;
    free_(made);
    return NULL;
}

static struct identity *identity_of(const struct account *a)
{
    return a->login.holder.identity;
}

static struct account *account_new(sgl_view address, sgl_view subscription)
{
    return holder_new(sizeof(struct account), IDENTITY_ACCOUNT, "account:", address, subscription);
}

/* ---- as JSON ---- */

static bool facts_from_json(struct account *a, const json_t *json)
{
    struct account_facts f = {.basic = json_is_true(json_object_get(json, "basic")),
                              .oauth = json_is_true(json_object_get(json, "oauth")),
                              .password = json_object_get(json, "argon2id") != NULL};
    const json_t *item;
    size_t at;

    json_array_foreach(json_object_get(json, "apps"), at, item)
    {
        if (f.apps == ACCOUNT_APPS_MAX ||
            !guid_take(sgl_view_cstr(json_string_value(item)), f.app[f.apps++]))
            return false;
    }
    return keep_facts(a, &f);
}

static void *from_json(const struct store_noun *noun, const json_t *json)
{
    const char *label = json_string_value(json_object_get(json, "label"));
    struct account *a = account_new(noun->key, noun->subscription);

    if (a == NULL || label == NULL || !identity_set_label(identity_of(a), sgl_view_cstr(label)) ||
        !identity_domains_from_json(identity_of(a), json) || !facts_from_json(a, json))
        goto fail;
    identity_of(a)->version = noun->version;
    if (!a->password || password_from_json(&a->login, json))
        return a;
fail:
    free_(a);
    return NULL;
}

static json_t *to_json(const void *noun)
{
    const struct account *a = noun;
    json_t *apps = json_array(), *json;

    for (size_t i = 0; i < a->apps; i++)
        json_array_append_new(apps, json_string(a->app[i]));
    json = json_pack("{s:I, s:o, s:s, s:b, s:b, s:o}", "created_at",
                     (json_int_t)identity_of(a)->created_at, "domains",
                     identity_domains_to_json(identity_of(a)), "label", identity_of(a)->label,
                     "basic", (int)a->basic, "oauth", (int)a->oauth, "apps", apps);
    if (json == NULL || !a->password || password_to_json(&a->login, json))
        return json;
    json_decref(json);
    return NULL;
}

/* ---- its address ---- */

static bool say_address(struct change *g, const char *why)
{
    change_say(g->c, DIRECTORY_INVALID, "address", "%s", why);
    return false;
}

/* In lower case: the case of letters tells no accounts apart, as it tells no mailboxes apart. */
static char *key_meant(const struct change *g)
{
    char *key = text_of(g->c->name);

    for (char *c = key; c != NULL && *c != '\0'; c++)
        *c = (char)sgl_ascii_lower((uint8_t)*c);
    return key;
}

/* Letters, digits and a few more: it goes through shells, URLs and logs as it is. */
static bool is_plain(sgl_view address)
{
    for (size_t i = 0; i < address.len; i++)
        if (!sgl_ascii_is_alnum(address.ptr[i]) && memchr("-_.@+", address.ptr[i], 5) == NULL)
            return false;
    return true;
}

/* g->key, and the domain, which is one of the subscription's: a reference; NULL: said. */
static struct domain *check_address(struct change *g)
{
    sgl_view address = g->c->name;
    struct access_address a;
    struct domain *domain;
    const char *why;

    if (address.len > ACCOUNT_ADDRESS_MAX || !is_plain(address)) {
        say_address(g,
                    "the address of an account has at most 128 letters, digits or any of - _ . + "
                    "and its @");
        return NULL;
    }
    if (access_address_parse(address, &a, &why) != SGL_OK || a.at == 0) {
        say_address(g, "an account has one whole address, as in app1@example.org");
        return NULL;
    }
    g->key = key_meant(g);
    if (g->key == NULL) {
        change_no_memory(g->c);
        return NULL;
    }
    domain = directory_domain(g->d, sgl_view_of(a.text + a.at + 1, a.len - a.at - 1));
    if (domain != NULL && strcmp(domain->subscription, g->subscription) == 0)
        return domain;
    domain_unref(domain);
    change_say(g->c, DIRECTORY_NOT_FOUND, "address",
               "subscription \"%s\" has no such domain; add it first: sigillo domain add %.*s",
               g->subscription, (int)(a.len - a.at - 1), a.text + a.at + 1);
    return NULL;
}

static bool check_no_credential(struct change *g)
{
    struct identity *given = directory_credential(g->d, g->c->name);
    struct identity *lower = directory_credential(g->d, sgl_view_cstr(g->key));
    bool taken = given != NULL || lower != NULL;

    identity_unref(given);
    identity_unref(lower);
    if (taken)
        change_say(g->c, DIRECTORY_EXISTS, "address", "a credential has this user name");
    return !taken;
}

/* ---- how many there are ---- */

struct count {
    const char *subscription;
    size_t found;
};

static bool count_one(void *ctx, struct identity *i)
{
    struct count *c = ctx;

    c->found += strcmp(i->subscription, c->subscription) == 0;
    return true;
}

static size_t count_of(struct change *g, enum identity_kind kind)
{
    struct count c = {.subscription = g->subscription};

    directory_each_identity(g->d, kind, count_one, &c);
    return c.found;
}

static bool check_count(struct change *g)
{
    unsigned max = atomic_load(&g->d->accounts_max);

    if (count_of(g, IDENTITY_ACCOUNT) < max)
        return true;
    change_say(g->c, DIRECTORY_INVALID, "address",
               "a subscription has at most %u accounts (limits.accounts)", max);
    return false;
}

void directory_accounts_max(struct directory *d, unsigned max)
{
    atomic_store(&d->accounts_max, max);
}

/* ---- the applications that it lets in ---- */

/* Of its subscription, by name or client id; false: said. */
static bool find_app(struct change *g, sgl_view name, char id[GUID_TEXT_SIZE])
{
    struct app_facts facts;
    struct identity *app = directory_app(g->d, name, &facts);
    bool fits;

    if (app == NULL)
        app = directory_app_of_client(g->d, name, &facts);
    fits = app != NULL && strcmp(app->subscription, g->subscription) == 0;
    identity_unref(app);
    if (fits)
        memcpy(id, facts.client_id, GUID_TEXT_SIZE);
    else
        change_say(g->c, DIRECTORY_NOT_FOUND, "app", "the subscription has no application \"%.*s\"",
                   SGL_FMT(sgl_view_sub(name, 0, 64)));
    return fits;
}

static size_t place_of(const struct account_facts *f, const char *id)
{
    size_t at = 0;

    while (at < f->apps && strcmp(f->app[at], id) != 0)
        at++;
    return at;
}

static bool allow_app(struct change *g, struct account_facts *f, sgl_view name)
{
    char id[GUID_TEXT_SIZE];

    if (!find_app(g, name, id))
        return false;
    if (place_of(f, id) < f->apps)
        return true;
    if (f->apps < ACCOUNT_APPS_MAX) {
        memcpy(f->app[f->apps++], id, sizeof(id));
        return true;
    }
    change_say(g->c, DIRECTORY_INVALID, "app", "an account allows at most %d applications",
               ACCOUNT_APPS_MAX);
    return false;
}

/* One that was removed has its client id only, which is on the list of `account show`. */
static bool forbid_app(struct change *g, struct account_facts *f, sgl_view name)
{
    char id[GUID_TEXT_SIZE];
    size_t at;

    if (!guid_take(name, id) && !find_app(g, name, id))
        return false;
    at = place_of(f, id);
    if (at == f->apps) {
        change_say(g->c, DIRECTORY_NOT_FOUND, "app", "the account does not allow \"%.*s\"",
                   SGL_FMT(sgl_view_sub(name, 0, 64)));
        return false;
    }
    for (f->apps--; at < f->apps; at++)
        memcpy(f->app[at], f->app[at + 1], sizeof(f->app[at]));
    return true;
}

static bool take_apps(struct change *g, struct account_facts *f)
{
    const struct account_change *want = g->c->account;

    for (size_t i = 0; want != NULL && i < want->forbids; i++)
        if (!forbid_app(g, f, want->forbid[i]))
            return false;
    for (size_t i = 0; want != NULL && i < want->allows; i++)
        if (!allow_app(g, f, want->allow[i]))
            return false;
    return true;
}

/* ---- added, changed ---- */

static void take_ways(const struct change *g, struct account_facts *f)
{
    const struct account_change *want = g->c->account;

    if (want != NULL && want->basic != ACCOUNT_AS_IT_IS)
        f->basic = want->basic == ACCOUNT_ON;
    if (want != NULL && want->oauth != ACCOUNT_AS_IT_IS)
        f->oauth = want->oauth == ACCOUNT_ON;
}

/* One that is given or asked for, or that `basic` cannot do without. */
static bool take_password(struct change *g, struct account_facts *f)
{
    const struct directory_change *c = g->c;

    if (c->password.len == 0 && !c->password_new && (f->password || !f->basic))
        return true;
    f->password = true;
    return password_take(g);
}

/* All that is asked for, on top of what it has. */
static bool take_facts(struct change *g, struct account *a, struct account_facts *f)
{
    take_ways(g, f);
    if (!take_apps(g, f) || !take_password(g, f))
        return false;
    if (keep_facts(a, f))
        return true;
    change_no_memory(g->c);
    return false;
}

static bool add_domain(struct change *g, struct account *a, const struct domain *domain)
{
    if (identity_add_domain(identity_of(a), sgl_view_cstr(domain->name)))
        return true;
    change_no_memory(g->c);
    return false;
}

static bool build(struct change *g, const struct domain *domain)
{
    struct account *a = account_new(sgl_view_cstr(g->key), sgl_view_cstr(g->subscription));
    struct account_facts facts = {.oauth = true};

    g->noun = a;
    if (a == NULL) {
        change_no_memory(g->c);
        return false;
    }
    /* Whoever has applications has what is better than passwords. */
    facts.basic = count_of(g, IDENTITY_APP) == 0;
    identity_of(a)->created_at = clock_now_s();
    return add_domain(g, a, domain) && identity_take_label(g, identity_of(a), "name") &&
           take_facts(g, a, &facts);
}

static bool prepare(struct change *g)
{
    struct domain *domain;
    bool made;

    if (!change_check_subscription(g))
        return false;
    domain = check_address(g);
    made = domain != NULL && change_check_free(g) && check_no_credential(g) && check_count(g) &&
           build(g, domain);
    domain_unref(domain);
    return made;
}

static bool alter(struct change *g)
{
    struct account *a = g->noun;
    struct account_facts facts;

    facts_of(a, &facts);
    return identity_alter(g, identity_of(a)) && identity_take_label(g, identity_of(a), "name") &&
           take_facts(g, a, &facts);
}

static const char *const shown[] = {"label", "basic", "oauth", "apps", "profile", NULL};

const struct noun_kind noun_account = {
    .name = "account",
    .field = "address",
    .prefix = "account:",
    HOLDER_ROW,
    .free = free_,
    .from_json = from_json,
    .to_json = to_json,
    .shown = shown,
    .unshown = "password",
    .prepare = prepare,
    .copy = copy,
    .alter = alter,
    .key_meant = key_meant,
    .make = password_make,
};

/* ---- who is it? ---- */

const struct account *account_find(const struct directory *d, sgl_view address)
{
    uint8_t lower[ACCOUNT_ADDRESS_MAX];

    if (address.len > sizeof(lower))
        return NULL;
    for (size_t i = 0; i < address.len; i++)
        lower[i] = sgl_ascii_lower(address.ptr[i]);
    return table_find(&d->table[DIRECTORY_ACCOUNT], sgl_view_of(lower, address.len));
}

struct identity *directory_account(struct directory *d, sgl_view address,
                                   struct account_facts *facts)
{
    struct identity *who = NULL;
    const struct account *a;

    pthread_rwlock_rdlock(&d->lock);
    a = account_find(d, address);
    if (a != NULL)
        who = identity_ref(identity_of(a));
    if (a != NULL && facts != NULL)
        facts_of(a, facts);
    pthread_rwlock_unlock(&d->lock);
    return who;
}

/* The application by its name only says who it is now; what the account allows is its client id. */
struct identity *directory_account_of_app(struct directory *d, sgl_view address,
                                          const struct identity *app)
{
    sgl_view name = sgl_view_from(sgl_view_cstr(app->name), strlen("app:"));
    struct account_facts facts;
    struct app_facts of_app;
    struct identity *who = directory_account(d, address, &facts), *now;
    bool allowed = false;

    if (who == NULL || app->kind != IDENTITY_APP)
        goto end;
    now = directory_app(d, name, &of_app);
    allowed = now != NULL && !atomic_load(&app->removed) && facts.oauth &&
              strcmp(now->subscription, who->subscription) == 0 &&
              place_of(&facts, of_app.client_id) < facts.apps;
    identity_unref(now);
end:
    if (allowed)
        return who;
    identity_unref(who);
    return NULL;
}
