/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An unsubscribe group: a kind of mail that people may leave without leaving the rest.  Its number is drawn, and one of this server only, so that a link in old mail never comes to
 * mean another group.  Group 42 is the list asm-42 of whichever domain of its subscription the mail is from, and what is suppressed for it is suppressed for "list:asm-42".
 *
 *   {"created_at":N,"name":"Newsletter","description":"...","is_default":true,"default_at":N}      default_at: milliseconds, when is_default was last said; 0: never
 *
 * The default group of a subscription is the one for which that was said last, as long as it was not taken back.
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"
#include "sigillo/utf8.h"

#define ID_FIRST 1000000u
#define ID_LAST  2147483647u
#define ID_DRAWS 16

void asm_group_unref(struct asm_group *g)
{
    if (g == NULL || !noun_last_reference(&g->owned.refs))
        return;
    free(g->owned.key);
    free(g->owned.subscription);
    free(g->name);
    free(g->description);
    free(g);
}

static struct asm_group *group_new(sgl_view key, sgl_view subscription, sgl_view name,
                                   sgl_view description)
{
    struct asm_group *g = calloc(1, sizeof(*g));
    uint64_t id;

    if (g == NULL)
        return NULL;
    atomic_init(&g->owned.refs, 1);
    g->owned.key = text_of(key);
    g->owned.subscription = text_of(subscription);
    g->name = text_of(name);
    g->description = text_of(description);
    if (g->owned.key != NULL && g->owned.subscription != NULL && g->name != NULL &&
        g->description != NULL && sgl_view_u64(key, ID_LAST, &id)) {
        g->id = (uint32_t)id;
        return g;
    }
    asm_group_unref(g);
    return NULL;
}

/* ---- as JSON ---- */

static void *from_json(const struct store_noun *stored, const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *description = json_string_value(json_object_get(json, "description"));
    struct asm_group *g = name == NULL || description == NULL
                              ? NULL
                              : group_new(stored->key, stored->subscription, sgl_view_cstr(name),
                                          sgl_view_cstr(description));

    if (g == NULL)
        return NULL;
    g->owned.version = stored->version;
    g->owned.created_at = json_integer_value(json_object_get(json, "created_at"));
    g->default_at = json_integer_value(json_object_get(json, "default_at"));
    g->chosen = json_is_true(json_object_get(json, "is_default"));
    return g;
}

static json_t *to_json(const void *noun)
{
    const struct asm_group *g = noun;

    return json_pack("{s:I, s:s, s:s, s:b, s:I}", "created_at", (json_int_t)g->owned.created_at,
                     "name", g->name, "description", g->description, "is_default", (int)g->chosen,
                     "default_at", (json_int_t)g->default_at);
}

/* ---- of a subscription; under the lock ---- */

struct look { /* at all groups of a subscription */
    const char *subscription;
    size_t count;
    const struct asm_group *named; /* the one of that name */
    const struct asm_group *last;  /* of which the default was said last */
};

static struct look look_at(const struct directory *d, const char *subscription, sgl_view name)
{
    const struct table *t = &d->table[DIRECTORY_ASM_GROUP];
    struct look l = {.subscription = subscription};

    for (size_t i = 0; i < t->slots; i++) {
        const struct asm_group *g = t->slot[i].name == NULL ? NULL : t->slot[i].value;

        if (g == NULL || strcmp(g->owned.subscription, subscription) != 0)
            continue;
        l.count++;
        if (sgl_view_eq(sgl_view_cstr(g->name), name))
            l.named = g;
        if (g->default_at > 0 && (l.last == NULL || g->default_at > l.last->default_at ||
                                  (g->default_at == l.last->default_at && g->id > l.last->id)))
            l.last = g;
    }
    return l;
}

static bool is_default(const struct look *l, uint32_t id)
{
    return l->last != NULL && l->last->id == id && l->last->chosen;
}

/* ---- what was asked for ---- */

static bool text_ok(sgl_view text, size_t max)
{
    size_t characters = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (sgl_ascii_is_control(text.ptr[i]))
            return false;
        characters += (text.ptr[i] & 0xc0) != 0x80;
    }
    return characters <= max && sgl_utf8_valid(text);
}

static bool put_text(struct change *g, char **to, sgl_view text)
{
    char *copy = text_of(text);

    if (copy == NULL) {
        change_no_memory(g->c);
        return false;
    }
    free(*to);
    *to = copy;
    return true;
}

/* Names of a subscription's groups are all different, and of a sane number. */
static bool check_free(struct change *g, const struct asm_group *group)
{
    struct look l;

    pthread_rwlock_rdlock(&g->d->lock);
    l = look_at(g->d, group->owned.subscription, sgl_view_cstr(group->name));
    pthread_rwlock_unlock(&g->d->lock);
    if (l.named != NULL && l.named->id != group->id) /* one change at a time: it is still there */
        change_say(g->c, DIRECTORY_EXISTS, "name", "there is a group of this name already");
    else if (g->c->verb == DIRECTORY_ADD && l.count >= DIRECTORY_ASM_GROUPS_MAX)
        change_say(g->c, DIRECTORY_INVALID, "name", "a subscription has at most %d groups",
                   DIRECTORY_ASM_GROUPS_MAX);
    else
        return true;
    return false;
}

static bool take_name(struct change *g, struct asm_group *group)
{
    sgl_view name = g->c->asm_group->name;

    if (name.ptr == NULL)
        return true;
    if (name.len == 0 || !text_ok(name, ASM_GROUP_NAME_MAX)) {
        change_say(g->c, DIRECTORY_INVALID, "name",
                   "the name of a group has 1 to %d characters, none of them control characters",
                   ASM_GROUP_NAME_MAX);
        return false;
    }
    return put_text(g, &group->name, name) && check_free(g, group);
}

static bool take_description(struct change *g, struct asm_group *group)
{
    sgl_view text = g->c->asm_group->description;

    if (text.ptr == NULL)
        return true;
    if (!text_ok(text, ASM_GROUP_DESCRIPTION_MAX)) {
        change_say(
            g->c, DIRECTORY_INVALID, "description",
            "the description of a group has at most %d characters, none of them control characters",
            ASM_GROUP_DESCRIPTION_MAX);
        return false;
    }
    return put_text(g, &group->description, text);
}

/* To take back what was never said says nothing. */
static void take_default(struct change *g, struct asm_group *group)
{
    struct look l;

    if (g->c->asm_group->is_default == ASM_DEFAULT_AS_IT_IS)
        return;
    pthread_rwlock_rdlock(&g->d->lock);
    l = look_at(g->d, group->owned.subscription, SGL_LIT(""));
    if (g->c->asm_group->is_default == ASM_DEFAULT_YES || is_default(&l, group->id)) {
        group->chosen = g->c->asm_group->is_default == ASM_DEFAULT_YES;
        group->default_at = clock_now_ms();
        if (l.last != NULL && group->default_at <= l.last->default_at)
            group->default_at = l.last->default_at + 1; /* the clock was set back */
    }
    pthread_rwlock_unlock(&g->d->lock);
}

static bool take(struct change *g, struct asm_group *group)
{
    if (!take_name(g, group) || !take_description(g, group))
        return false;
    take_default(g, group);
    return true;
}

/* ---- added, changed, removed ---- */

static bool draw_key(struct change *g)
{
    char text[16];
    bool taken = true;

    for (unsigned i = 0; taken && i < ID_DRAWS; i++) {
        snprintf(text, sizeof(text), "%u", ID_FIRST + randombytes_uniform(ID_LAST - ID_FIRST + 1));
        pthread_rwlock_rdlock(&g->d->lock);
        taken = table_find(&g->d->table[DIRECTORY_ASM_GROUP], sgl_view_cstr(text)) != NULL;
        pthread_rwlock_unlock(&g->d->lock);
    }
    g->key = taken ? NULL : text_of(sgl_view_cstr(text));
    if (g->key == NULL)
        change_no_memory(g->c);
    return g->key != NULL;
}

static bool prepare(struct change *g)
{
    struct asm_group *made;

    if (!change_check_subscription(g) || !draw_key(g))
        return false;
    g->noun = made =
        group_new(sgl_view_cstr(g->key), sgl_view_cstr(g->subscription), SGL_LIT(""), SGL_LIT(""));
    if (made == NULL) {
        change_no_memory(g->c);
        return false;
    }
    made->owned.created_at = clock_now_s();
    snprintf(g->c->id, sizeof(g->c->id), "%s", g->key);
    return take(g, made);
}

static void *copy(const void *noun)
{
    const struct asm_group *g = noun;
    struct asm_group *made =
        group_new(sgl_view_cstr(g->owned.key), sgl_view_cstr(g->owned.subscription),
                  sgl_view_cstr(g->name), sgl_view_cstr(g->description));

    if (made == NULL)
        return NULL;
    made->owned.created_at = g->owned.created_at;
    made->default_at = g->default_at;
    made->chosen = g->chosen;
    return made;
}

static bool alter(struct change *g)
{
    return take(g, g->noun);
}

/* ---- looked up ---- */

struct asm_group *directory_asm_group(struct directory *d, sgl_view subscription, uint32_t id)
{
    struct asm_group *found;
    char key[16];

    snprintf(key, sizeof(key), "%u", id);
    pthread_rwlock_rdlock(&d->lock);
    found = table_find(&d->table[DIRECTORY_ASM_GROUP], sgl_view_cstr(key));
    if (found != NULL && !sgl_view_eq(sgl_view_cstr(found->owned.subscription), subscription))
        found = NULL;
    if (found != NULL)
        (void)owned_ref(found);
    pthread_rwlock_unlock(&d->lock);
    return found;
}

bool directory_asm_is_default(struct directory *d, const struct asm_group *g)
{
    struct look l;
    bool is;

    pthread_rwlock_rdlock(&d->lock);
    l = look_at(d, g->owned.subscription, SGL_LIT(""));
    is = is_default(&l, g->id);
    pthread_rwlock_unlock(&d->lock);
    return is;
}

bool asm_group_of_list(sgl_view list, uint32_t *id)
{
    const size_t mark = sizeof(ASM_GROUP_LIST) - 1;
    uint64_t number;

    if (!sgl_view_starts_nocase(list, SGL_LIT(ASM_GROUP_LIST)))
        return false;
    list = sgl_view_sub(list, mark, sgl_view_find(list, '.') - mark);
    if (list.len == 0 || list.ptr[0] == '0' || !sgl_view_u64(list, ID_LAST, &number))
        return false;
    *id = (uint32_t)number;
    return true;
}

/* ---- the row ---- */

static void free_(void *noun)
{
    asm_group_unref(noun);
}

static const char *const shown[] = {"name", "description", "is_default", NULL};

const struct noun_kind noun_asm_group = {
    .name = "asm-group",
    .field = "group_id",
    OWNED_ROW,
    .free = free_,
    .from_json = from_json,
    .to_json = to_json,
    .shown = shown,
    .prepare = prepare,
    .copy = copy,
    .alter = alter,
};
