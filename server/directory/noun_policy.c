/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy: an identity may send as the members of a group and nobody else, or as anybody but them.
 *
 *   {"created_at":N,"identity":"app:billing","group":"sales","deny":false,"description":"..."}      identity: also "app:*", all of a kind, and "*", all
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"

void policy_unref(struct policy *p)
{
    if (p != NULL && noun_last_reference(&p->owned.refs))
        free(p); /* its texts are behind it */
}

static char *put(char **to, sgl_view text)
{
    char *at = *to;

    if (text.len > 0)
        memcpy(at, text.ptr, text.len);
    at[text.len] = '\0';
    *to += text.len + 1;
    return at;
}

static bool is_text(sgl_view v)
{
    return v.len == 0 || memchr(v.ptr, 0, v.len) == NULL;
}

static struct policy *policy_new(sgl_view id, sgl_view subscription, const struct policy_change *c)
{
    size_t size =
        id.len + 2 * subscription.len + c->identity.len + c->group.len + c->description.len + 7;
    struct policy *p = is_text(c->identity) && is_text(c->group) && is_text(c->description)
                           ? calloc(1, sizeof(*p) + size)
                           : NULL;
    char *text = (char *)(p + 1);

    if (p == NULL)
        return NULL;
    atomic_init(&p->owned.refs, 1);
    p->owned.key = put(&text, id);
    p->owned.subscription = put(&text, subscription);
    p->identity = put(&text, c->identity);
    p->group_key = put(&text, subscription);
    text[-1] = '/';
    p->group = put(&text, c->group);
    p->description = put(&text, c->description);
    p->deny = c->deny;
    return p;
}

/* ---- as JSON ---- */

static void *from_json(const struct store_noun *stored, const json_t *json)
{
    const char *identity = json_string_value(json_object_get(json, "identity"));
    const char *group = json_string_value(json_object_get(json, "group"));
    const json_t *deny = json_object_get(json, "deny");
    const struct policy_change c = {
        .identity = sgl_view_cstr(identity),
        .group = sgl_view_cstr(group),
        .description = sgl_view_cstr(json_string_value(json_object_get(json, "description"))),
        .deny = json_is_true(deny)};
    struct policy *p;

    if (identity == NULL || identity[0] == '\0' || group == NULL || !json_is_boolean(deny))
        return NULL;
    p = policy_new(stored->key, stored->subscription, &c);
    if (p == NULL)
        return NULL;
    p->owned.version = stored->version;
    p->owned.created_at = json_integer_value(json_object_get(json, "created_at"));
    return p;
}

static json_t *to_json(const void *noun)
{
    const struct policy *p = noun;

    return json_pack("{s:I, s:s, s:s, s:b, s:s}", "created_at", (json_int_t)p->owned.created_at,
                     "identity", p->identity, "group", p->group, "deny", (int)p->deny,
                     "description", p->description);
}

/* ---- added ---- */

static bool say_no_identity(struct change *g)
{
    change_say(g->c, DIRECTORY_NOT_FOUND, "identity",
               "the subscription has no such identity; write it as in credential:NAME, key:ID, "
               "or * for all");
    return false;
}

/* "*", "KIND:*", or an identity of the subscription, whose name it gets as it is shown. */
static bool check_identity(struct change *g, struct policy_change *p, struct identity **who)
{
    if (sgl_view_eq(p->identity, SGL_LIT("*")) || noun_is_kind_pattern(p->identity))
        return true;
    *who = directory_identity(g->d, p->identity);
    if (*who == NULL || !change_may_name(g, *who))
        return say_no_identity(g);
    p->identity = sgl_view_cstr((*who)->name);
    return true;
}

static bool check_group(struct change *g, const struct policy_change *p)
{
    struct group *group = directory_group(g->d, sgl_view_cstr(g->subscription), p->group);
    bool known = group != NULL;

    group_unref(group);
    if (!known)
        change_say(g->c, DIRECTORY_NOT_FOUND, "group",
                   "the subscription has no such group; add it first: sigillo group add");
    return known;
}

static bool check_count(struct change *g, const struct policy_change *p)
{
    if (access_policies_of(g->d, sgl_view_cstr(g->subscription), p->identity) <
        DIRECTORY_POLICIES_MAX)
        return true;
    change_say(g->c, DIRECTORY_INVALID, "identity", "an identity has at most %d policies",
               DIRECTORY_POLICIES_MAX);
    return false;
}

static bool make_policy(struct change *g, const struct policy_change *p)
{
    struct policy *made = NULL;

    g->key = noun_id_new();
    if (g->key != NULL)
        made = policy_new(sgl_view_cstr(g->key), sgl_view_cstr(g->subscription), p);
    g->noun = made;
    if (made == NULL) {
        change_no_memory(g->c);
        return false;
    }
    made->owned.created_at = clock_now_s();
    snprintf(g->c->id, sizeof(g->c->id), "%s", g->key);
    return true;
}

static bool prepare(struct change *g)
{
    struct policy_change p = *g->c->policy;
    struct identity *who = NULL;
    bool made = change_check_subscription(g) && check_identity(g, &p, &who) && check_group(g, &p) &&
                check_count(g, &p) && change_check_description(g, p.description) &&
                make_policy(g, &p);

    identity_unref(who);
    return made;
}

/* ---- the row ---- */

static void free_(void *noun)
{
    policy_unref(noun);
}

static const char *const shown[] = {"identity", "deny", "group", "description", NULL};

const struct noun_kind noun_policy = {
    .name = "policy",
    .field = "id",
    OWNED_ROW,
    .free = free_,
    .index = access_index_policy,
    .unindex = access_unindex_policy,
    .decides = true,
    .from_json = from_json,
    .to_json = to_json,
    .shown = shown,
    .prepare = prepare,
};
