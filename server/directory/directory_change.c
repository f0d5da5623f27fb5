/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes.  its turn -> checked -> made (a domain's keys in the keys process, a credential's hashes on a worker) -> stored -> shown in the tables -> done()
 *
 * The way is the same for all kinds of nouns; what differs is in their rows, struct noun_kind.
 *
 * Every step runs on the change's loop, or on one worker.  One change is under way at a time: what it was checked against is still so when it is stored.
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"
#include "sigillo/utf8.h"

#define DESCRIPTION_MAX 200

/* ---- ends ---- */

void change_free(struct change *g)
{
    if (g->kind != NULL)
        g->kind->free(g->noun);
    if (g->password != NULL)
        sodium_memzero(g->password, strlen(g->password));
    free(g->password);
    free(g->key);
    free(g->subscription);
    free(g->value);
    free(g->owner);
    free(g->line);
    json_decref(g->before);
    free(g->context);
    sodium_memzero(g, sizeof(*g));
    free(g);
}

void change_finish(struct change *g)
{
    struct directory_change *c = g->c;

    if (c->result != DIRECTORY_OK) {
        sodium_memzero(c->secret, sizeof(c->secret));
        sodium_memzero(c->access_key, sizeof(c->access_key));
    }
    turn_pass(g);
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

/* ---- stored, then shown in the tables ---- */

static struct table *table_of(const struct change *g)
{
    return &g->d->table[g->c->noun];
}

/* In place of the old one, if there is one: then it fits. */
static bool show_stored(struct change *g)
{
    void *old = NULL;
    bool fits;

    *g->kind->version(g->noun) = g->row.version;
    pthread_rwlock_wrlock(&g->d->lock);
    if (g->version != 0)
        old = noun_hide(g->d, g->c->noun, sgl_view_cstr(g->key));
    fits = noun_show(g->d, g->c->noun, g->noun);
    if (old != NULL && g->kind->replaced != NULL)
        g->kind->replaced(old, g->noun);
    pthread_rwlock_unlock(&g->d->lock);
    if (fits)
        g->noun = old;
    if (g->version != 0)
        cache_forget(g->d);
    return fits;
}

static void show_removed(struct change *g)
{
    pthread_rwlock_wrlock(&g->d->lock);
    g->noun = noun_hide(g->d, g->c->noun, sgl_view_cstr(g->key));
    if (g->noun != NULL && g->kind->hidden != NULL)
        g->kind->hidden(g->noun);
    pthread_rwlock_unlock(&g->d->lock);
    cache_forget(g->d);
}

static void say_conflict(struct change *g)
{
    change_say(g->c, DIRECTORY_CONFLICT, g->kind->field,
               "%s \"%s\" was changed or removed by somebody else", g->kind->name, g->key);
}

static void stored(struct store_op *op)
{
    struct change *g = (struct change *)(void *)((char *)op - offsetof(struct change, store));
    struct directory_change *c = g->c;

    if (op->result == STORE_OK && op->kind == STORE_NOUN_DELETE) {
        show_removed(g);
        c->result = DIRECTORY_OK;
    } else if (op->result == STORE_OK) {
        c->result = DIRECTORY_OK;
        if (!show_stored(g))
            change_say(c, DIRECTORY_UNAVAILABLE, "",
                       "it is stored, and will be seen after a restart: out of memory");
    } else if (op->result == STORE_EXISTS) {
        change_say(c, DIRECTORY_EXISTS, "name", "%s \"%s\" exists already", g->kind->name, g->key);
    } else if (op->result == STORE_NOT_FOUND || op->result == STORE_CONFLICT) {
        say_conflict(g);
    } else {
        change_say(c, DIRECTORY_UNAVAILABLE, "", "the store did not take it: %s",
                   store_result_text(op->result));
    }
    change_finish(g);
}

static void submit(struct change *g, enum store_op_kind kind)
{
    if (!change_audit(g)) {
        change_no_memory(g->c);
        change_refuse(g);
        return;
    }
    g->row = (struct store_noun){.kind = sgl_view_cstr(g->kind->name),
                                 .key = sgl_view_cstr(g->key),
                                 .subscription = sgl_view_cstr(g->subscription),
                                 .version = g->version};
    if (g->value != NULL)
        g->row.value = sgl_view_cstr(g->value);
    g->store = (struct store_noun_op){.op = {.kind = kind, .loop = g->c->loop, .done = stored},
                                      .noun = &g->row,
                                      .nouns = 1,
                                      .audit = &g->audit};
    store_submit(g->d->store, &g->store.op);
}

void change_store(struct change *g)
{
    g->value = noun_text(g->kind, g->noun);
    if (g->value == NULL) {
        change_no_memory(g->c);
        change_refuse(g);
        return;
    }
    submit(g, STORE_NOUN_PUT);
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

bool change_check_free(struct change *g)
{
    bool taken;

    pthread_rwlock_rdlock(&g->d->lock);
    taken = table_find(table_of(g), sgl_view_cstr(g->key)) != NULL;
    pthread_rwlock_unlock(&g->d->lock);
    if (taken) /* what is of a subscription has its name in front, which nobody wrote */
        change_say(g->c, DIRECTORY_EXISTS, g->kind->field, "%s \"%s\" exists already",
                   g->kind->name, strrchr(g->key, '/') == NULL ? g->key : strrchr(g->key, '/') + 1);
    return !taken;
}

static void say_no_subscription(struct directory_change *c)
{
    change_say(c, DIRECTORY_NOT_FOUND, "subscription",
               "there is no such subscription; add it first: sigillo subscription add");
}

bool change_check_subscription(struct change *g)
{
    struct subscription *s = directory_subscription(g->d, sgl_view_cstr(g->subscription));
    bool known = s != NULL;

    if (!known)
        say_no_subscription(g->c);
    subscription_unref(s);
    return known;
}

bool change_check_description(struct change *g, sgl_view text)
{
    bool fits = text.len <= DESCRIPTION_MAX && sgl_utf8_valid(text);

    for (size_t i = 0; fits && i < text.len; i++)
        fits = !sgl_ascii_is_control(text.ptr[i]);
    if (!fits)
        change_say(g->c, DIRECTORY_INVALID, "description",
                   "a description has at most %d bytes of UTF-8 without control characters",
                   DESCRIPTION_MAX);
    return fits;
}

bool change_may_name(const struct change *g, const struct identity *who)
{
    if (g->c->within.len > 0 && who->role == ROLE_OPERATOR)
        return false;
    return who->subscription[0] == '\0' || strcmp(who->subscription, g->subscription) == 0;
}

/* ---- begun ---- */

/* Is it there for who asks?  Keeps whose it is. */
static bool is_within(struct change *g, const void *noun)
{
    const char *owner = g->kind->subscription == NULL ? "" : g->kind->subscription(noun);

    g->owner = text_of(sgl_view_cstr(owner));
    return g->c->within.len == 0 || sgl_view_eq(g->c->within, sgl_view_cstr(owner));
}

/* Finds the one that is meant, and with `copy` makes a copy of it to change. false: said. */
static bool find(struct change *g, bool copy)
{
    const struct directory_change *c = g->c;
    const void *noun;

    g->key = g->kind->key_meant == NULL ? text_of(c->name) : g->kind->key_meant(g);
    pthread_rwlock_rdlock(&g->d->lock);
    noun = g->key == NULL ? NULL : table_find(table_of(g), sgl_view_cstr(g->key));
    if (noun != NULL && !is_within(g, noun))
        noun = NULL;
    json_memory_begin();
    if (noun != NULL) {
        g->before = noun_to_json(g->kind, noun);
        g->version = *g->kind->version((void *)(uintptr_t)noun);
        g->noun = copy ? g->kind->copy(noun) : NULL;
    }
    pthread_rwlock_unlock(&g->d->lock);
    if (noun == NULL)
        change_say(g->c, DIRECTORY_NOT_FOUND, g->kind->field,
                   "there is no such %s; sigillo %s list shows those that are there", g->kind->name,
                   g->kind->name);
    else if (c->version != 0 && c->version != g->version)
        say_conflict(g);
    else if ((copy && g->noun == NULL) || g->before == NULL || g->owner == NULL ||
             json_memory_ended())
        change_no_memory(g->c);
    else
        return true;
    return false;
}

static void make(struct change *g)
{
    if (g->kind->make != NULL)
        g->kind->make(g);
    else
        change_store(g);
}

static void add(struct change *g)
{
    sgl_view within = g->c->within;

    /* Before anything is said of it: what another subscription has is not told. */
    if (within.len > 0 && !sgl_view_eq(within, sgl_view_cstr(g->subscription))) {
        say_no_subscription(g->c);
        change_refuse(g);
    } else if (!g->kind->prepare(g)) {
        change_refuse(g);
    } else if (!is_within(g, g->noun)) {
        say_no_subscription(g->c);
        change_refuse(g);
    } else if (g->owner == NULL) {
        change_no_memory(g->c);
        change_refuse(g);
    } else {
        make(g);
    }
}

static void alter(struct change *g)
{
    if (g->kind->copy == NULL) {
        change_say(g->c, DIRECTORY_INVALID, g->kind->field, "nothing of a %s can be changed",
                   g->kind->name);
        change_refuse(g);
    } else if (find(g, true) && g->kind->alter(g)) {
        make(g);
    } else {
        change_refuse(g);
    }
}

static void remove_(struct change *g)
{
    if (find(g, false) && (g->kind->may_go == NULL || g->kind->may_go(g)))
        submit(g, STORE_NOUN_DELETE);
    else
        change_refuse(g);
}

/* Whose what is added will be: what is asked for, or what there is for who asks. */
static sgl_view subscription_meant(const struct directory_change *c)
{
    if (c->subscription.len > 0)
        return c->subscription;
    return c->within.len > 0 ? c->within : SGL_LIT("default");
}

void change_begin(struct change *g)
{
    struct directory_change *c = g->c;

    g->subscription = text_of(subscription_meant(c));
    if (g->subscription == NULL) {
        change_say(c, DIRECTORY_INVALID, "subscription", "this is no name of a subscription");
        change_refuse(g);
        return;
    }
    switch (c->verb) {
    case DIRECTORY_ADD:
        add(g);
        break;
    case DIRECTORY_CHANGE:
        alter(g);
        break;
    case DIRECTORY_REMOVE:
        remove_(g);
        break;
    }
}

void directory_change(struct directory *d, struct directory_change *c)
{
    struct change *g = calloc(1, sizeof(*g));

    c->private_ = g;
    c->field[0] = c->why[0] = c->secret[0] = c->access_key[0] = c->id[0] = '\0';
    c->which = NULL;
    if (g == NULL) {
        change_no_memory(c);
        c->task.run = finish_later;
        loop_post(c->loop, &c->task);
        return;
    }
    g->d = d;
    g->c = c;
    g->kind = noun_kind_of(c->noun);
    if (turn_take(g))
        change_begin(g);
}
