/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes.  checked -> (domain: keys made in the keys process | credential: hashed on a worker) -> stored -> shown in the tables -> done()
 *
 * Every step runs on the change's loop, or on one worker; the store decides between two changes of the same noun by its version.
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"

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

void change_finish(struct change *g)
{
    struct directory_change *c = g->c;

    if (c->result != DIRECTORY_OK)
        sodium_memzero(c->secret, sizeof(c->secret));
    change_free(g);
    c->private_ = NULL;
    c->done(c);
}

void change_say(struct directory_change *c, enum directory_result result, const char *field,
                const char *format, ...)
{
    va_list args;

    c->result = result;
    snprintf(c->field, sizeof(c->field), "%s", field);
    va_start(args, format);
    vsnprintf(c->why, sizeof(c->why), format, args);
    va_end(args);
}

void change_no_memory(struct directory_change *c)
{
    change_say(c, DIRECTORY_UNAVAILABLE, "", "out of memory");
}

static void finish_later(struct loop_task *task)
{
    struct directory_change *c =
        (struct directory_change *)(void *)((char *)task - offsetof(struct directory_change, task));

    if (c->private_ != NULL)
        change_finish(c->private_);
    else
        c->done(c);
}

void change_refuse(struct change *g)
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
            change_say(c, DIRECTORY_UNAVAILABLE, "",
                       "it is stored, and will be seen after a restart: out of memory");
    } else if (op->result == STORE_EXISTS) {
        change_say(c, DIRECTORY_EXISTS, "name", "%s \"%s\" exists already",
                   (const char *)g->kind.ptr, g->key);
    } else if (op->result == STORE_NOT_FOUND || op->result == STORE_CONFLICT) {
        change_say(c, DIRECTORY_NOT_FOUND, "name",
                   "%s \"%s\" was changed or removed by somebody else", (const char *)g->kind.ptr,
                   g->key);
    } else {
        change_say(c, DIRECTORY_UNAVAILABLE, "", "the store did not take it: %s",
                   store_result_text(op->result));
    }
    change_finish(g);
}

void change_store(struct change *g, json_t *json)
{
    g->value = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (g->value == NULL) {
        change_no_memory(g->c);
        change_finish(g);
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

void change_delete(struct change *g, uint64_t version)
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

bool change_check_name(struct change *g)
{
    if (name_ok(g->c->name)) {
        g->key = text_of(g->c->name);
        if (g->key != NULL)
            return true;
        change_no_memory(g->c);
        return false;
    }
    change_say(g->c, DIRECTORY_INVALID, "name",
               "a name has 1 to %d letters, digits or any of - _ . @ +", NAME_MAX_LEN);
    return false;
}

bool change_check_subscription(struct change *g)
{
    struct subscription *s = directory_subscription(g->d, sgl_view_cstr(g->subscription));
    bool known = s != NULL;

    if (!known)
        change_say(g->c, DIRECTORY_NOT_FOUND, "subscription",
                   "there is no such subscription; add it first");
    subscription_unref(s);
    return known;
}

void directory_change(struct directory *d, struct directory_change *c)
{
    struct change *g = calloc(1, sizeof(*g));

    c->private_ = g;
    c->field[0] = c->why[0] = c->secret[0] = c->id[0] = '\0';
    if (g == NULL) {
        change_no_memory(c);
        c->task.run = finish_later;
        loop_post(c->loop, &c->task);
        return;
    }
    g->d = d;
    g->c = c;
    g->verb = c->verb;
    g->subscription = text_of(c->subscription.len == 0 ? SGL_LIT("default") : c->subscription);
    if (g->subscription == NULL) {
        change_say(c, DIRECTORY_INVALID, "subscription", "this is no name of a subscription");
        change_refuse(g);
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
