/* SPDX-License-Identifier: Apache-2.0 */
/* An identity: who may send and as which domains.  A credential, an access key and the like hold one each. */
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"
#include "sigillo/utf8.h"

static const char *const role_names[] = {[ROLE_NONE] = "none",
                                         [ROLE_READER] = "reader",
                                         [ROLE_OWNER] = "owner",
                                         [ROLE_OPERATOR] = "operator"};

const char *role_name(enum role role)
{
    return role_names[role];
}

bool role_parse(sgl_view name, enum role *out)
{
    for (size_t i = 0; i < sizeof(role_names) / sizeof(role_names[0]); i++)
        if (sgl_view_eq(name, sgl_view_cstr(role_names[i]))) {
            *out = (enum role)i;
            return true;
        }
    return false;
}

struct identity *identity_ref(struct identity *i)
{
    atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
    return i;
}

static void texts_free(struct identity *i)
{
    for (size_t d = 0; d < i->domains; d++)
        free(i->domain[d]);
    free(i->domain);
    free(i->name);
    free(i->subscription);
    free(i->label);
}

static void identity_free(struct identity *i)
{
    if (!i->packed)
        texts_free(i);
    free(i->profile);
    free(i);
}

void identity_unref(struct identity *i)
{
    while (i != NULL && noun_last_reference(&i->refs)) {
        struct identity *newer = atomic_load(&i->newer);

        identity_free(i);
        i = newer;
    }
}

struct identity *identity_new(enum identity_kind kind, const char *prefix, sgl_view name,
                              sgl_view subscription)
{
    struct identity *i = calloc(1, sizeof(*i));
    struct sgl_buf text = SGL_BUF_INIT(512);

    if (i == NULL)
        return NULL;
    atomic_init(&i->refs, 1);
    i->kind = kind;
    sgl_buf_add_cstr(&text, prefix);
    sgl_buf_add(&text, name);
    i->name = text.status == SGL_OK ? text_of(sgl_buf_view(&text)) : NULL;
    i->subscription = text_of(subscription);
    i->label = text_of(SGL_LIT(""));
    sgl_buf_done(&text);
    if (i->name == NULL || i->subscription == NULL || i->label == NULL) {
        identity_unref(i);
        return NULL;
    }
    return i;
}

bool identity_add_domain(struct identity *i, sgl_view domain)
{
    char **more;

    if (sgl_view_eq(domain, SGL_LIT("*"))) {
        i->any_domain = true;
        return true;
    }
    more = realloc(i->domain, (i->domains + 1) * sizeof(*more));
    if (more == NULL)
        return false;
    i->domain = more;
    i->domain[i->domains] = text_of(domain);
    if (i->domain[i->domains] == NULL)
        return false;
    i->domains++;
    return true;
}

bool identity_set_label(struct identity *i, sgl_view label)
{
    free(i->label);
    i->label = text_of(label);
    return i->label != NULL;
}

void identity_pack(struct identity **identity)
{
    struct identity *i = *identity, *p;
    size_t size = sizeof(*i) + i->domains * sizeof(char *) + strlen(i->name) +
                  strlen(i->subscription) + strlen(i->label) + 3;
    char *to;

    for (size_t d = 0; d < i->domains; d++)
        size += strlen(i->domain[d]) + 1;
    p = i->packed || atomic_load(&i->refs) != 1 ? NULL : malloc(size);
    if (p == NULL)
        return;
    memcpy(p, i, sizeof(*i));
    p->packed = true;
    p->domain = (char **)(p + 1);
    to = (char *)(p->domain + i->domains);
    p->name = text_move(&to, i->name);
    p->subscription = text_move(&to, i->subscription);
    p->label = text_move(&to, i->label);
    for (size_t d = 0; d < i->domains; d++)
        p->domain[d] = text_move(&to, i->domain[d]);
    texts_free(i);
    free(i);
    *identity = p;
}

bool identity_set_profile(struct identity *i, sgl_view profile)
{
    char *text = profile.len == 0 ? NULL : text_of(profile);

    if (profile.len > 0 && text == NULL)
        return false;
    free(i->profile);
    i->profile = text;
    return true;
}

const char *identity_profile(const struct identity *i)
{
    for (const struct identity *newer; (newer = atomic_load(&i->newer)) != NULL;)
        i = newer;
    return i->profile == NULL ? "" : i->profile;
}

bool identity_has_scope(const struct identity *i, const char *scope)
{
    for (const struct identity *newer; (newer = atomic_load(&i->newer)) != NULL;)
        i = newer;
    return !atomic_load(&i->removed) && scopes_allow(&i->scopes, i->role, scope);
}

struct identity *identity_copy(const struct identity *i)
{
    struct identity *copy =
        identity_new(i->kind, "", sgl_view_cstr(i->name), sgl_view_cstr(i->subscription));

    if (copy == NULL)
        return NULL;
    copy->any_domain = i->any_domain;
    copy->role = i->role;
    copy->scopes = i->scopes;
    copy->created_at = i->created_at;
    for (size_t d = 0; d < i->domains; d++)
        if (!identity_add_domain(copy, sgl_view_cstr(i->domain[d])))
            goto fail;
    if (identity_set_label(copy, sgl_view_cstr(i->label)) &&
        identity_set_profile(copy, sgl_view_cstr(identity_profile(i))))
        return copy;
fail:
    identity_unref(copy);
    return NULL;
}

void identity_replaced(struct identity *old, struct identity *newer)
{
    atomic_store(&old->newer, identity_ref(newer));
}

bool identity_domains_from_json(struct identity *i, const json_t *json)
{
    const json_t *list = json_object_get(json, "domains"), *item;
    size_t at;

    json_array_foreach(list, at, item)
    {
        if (!identity_add_domain(i, sgl_view_cstr(json_string_value(item))))
            return false;
    }
    i->created_at = json_integer_value(json_object_get(json, "created_at"));
    return true;
}

bool identity_role_from_json(struct identity *i, const json_t *json)
{
    const json_t *role = json_object_get(json, "role");

    i->role = json_is_true(json_object_get(json, "admin")) ? ROLE_OPERATOR : ROLE_NONE;
    return role == NULL ||
           (json_is_string(role) && role_parse(sgl_view_cstr(json_string_value(role)), &i->role));
}

json_t *identity_domains_to_json(const struct identity *i)
{
    json_t *list = json_array();

    if (i->any_domain)
        json_array_append_new(list, json_string("*"));
    for (size_t d = 0; d < i->domains; d++)
        json_array_append_new(list, json_string(i->domain[d]));
    return list;
}

bool change_label_ok(struct directory_change *c, sgl_view label, const char *field)
{
    if (label.len == 0 ||
        (label.len <= NAME_MAX_LEN && sgl_utf8_valid(label) && sgl_ascii_is_printable(label)))
        return true;
    change_say(c, DIRECTORY_INVALID, field, "a label has at most %d printable characters",
               NAME_MAX_LEN);
    return false;
}

bool identity_take_label(struct change *g, struct identity *i, const char *field)
{
    sgl_view label = g->c->label;

    if (label.ptr == NULL)
        return true;
    if (!change_label_ok(g->c, label, field))
        return false;
    if (identity_set_label(i, label))
        return true;
    change_no_memory(g->c);
    return false;
}

bool identity_check_domains(struct change *g, struct identity *i, bool needed)
{
    struct directory_change *c = g->c;

    if (c->domains == 0 && needed) {
        change_say(
            c, DIRECTORY_INVALID, "domain",
            "name at least one domain that it may send as, or * for all of its subscription");
        return false;
    }
    for (size_t n = 0; n < c->domains; n++) {
        struct domain *domain = directory_domain(g->d, c->domain[n]);
        bool fits = domain != NULL && strcmp(domain->subscription, g->subscription) == 0;
        bool any = sgl_view_eq(c->domain[n], SGL_LIT("*"));

        if (!fits && !any) {
            domain_unref(domain);
            change_say(c, DIRECTORY_NOT_FOUND, "domain",
                       "subscription \"%s\" has no such domain (number %zu of those given); add it "
                       "first: sigillo domain add",
                       g->subscription, n + 1);
            return false;
        }
        if (!identity_add_domain(i, any ? SGL_LIT("*") : sgl_view_cstr(domain->name))) {
            domain_unref(domain);
            change_no_memory(c);
            return false;
        }
        domain_unref(domain);
    }
    i->created_at = clock_now_s();
    return true;
}

void identity_no_domains(struct identity *i)
{
    for (size_t d = 0; d < i->domains; d++)
        free(i->domain[d]);
    i->domains = 0;
    i->any_domain = false;
}

bool identity_alter(struct change *g, struct identity *i)
{
    int64_t created_at = i->created_at;
    bool fits;

    free(g->subscription); /* its own, whatever the request named */
    g->subscription = text_of(sgl_view_cstr(i->subscription));
    if (g->subscription == NULL ||
        (g->c->profile.ptr != NULL && !identity_set_profile(i, g->c->profile))) {
        change_no_memory(g->c);
        return false;
    }
    if (g->c->domains == 0)
        return true;
    identity_no_domains(i);
    fits = identity_check_domains(g, i, true);
    i->created_at = created_at;
    return fits;
}
