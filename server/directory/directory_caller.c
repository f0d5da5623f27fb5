/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and in whose place: what one may do for another subscription, and whether one's own sending is narrowed. */
#include "directory_internal.h"

/* He has all that is of that subscription, and nothing beyond it. */
static struct identity *made_owner(const struct identity *who, const char *subscription)
{
    struct identity *made =
        identity_new(who->kind, "", sgl_view_cstr(who->name), sgl_view_cstr(subscription));

    if (made == NULL)
        return NULL;
    made->role = ROLE_OWNER;
    made->any_domain = true;
    made->created_at = who->created_at;
    if (identity_set_label(made, sgl_view_cstr(who->label)))
        return made;
    identity_unref(made);
    return NULL;
}

enum directory_result directory_acting_for(struct directory *d, struct identity *who,
                                           sgl_view subscription, struct identity **out)
{
    struct subscription *s = directory_tenant(d, subscription);
    enum directory_result result = DIRECTORY_NOT_FOUND;

    if (s != NULL && strcmp(s->name, who->subscription) == 0) {
        *out = identity_ref(who);
        result = DIRECTORY_OK;
    } else if (s != NULL && who->role == ROLE_OPERATOR && !atomic_load(&who->removed)) {
        *out = made_owner(who, s->name);
        result = *out == NULL ? DIRECTORY_UNAVAILABLE : DIRECTORY_OK;
    }
    subscription_unref(s);
    return result;
}

bool directory_is_narrowed(struct directory *d, const struct identity *who)
{
    char by[160];

    return identity_profile(who)[0] != '\0' ||
           access_uses_identity(d, who->subscription, who->name, by, sizeof(by));
}

static bool has_domain(const struct identity *who, const char *name)
{
    for (size_t i = 0; i < who->domains; i++)
        if (strcmp(who->domain[i], name) == 0)
            return true;
    return who->any_domain;
}

bool identity_has_domains_of(const struct identity *who, const struct identity *other)
{
    if (other->any_domain && !who->any_domain)
        return false;
    for (size_t i = 0; i < other->domains; i++)
        if (!has_domain(who, other->domain[i]))
            return false;
    return true;
}
