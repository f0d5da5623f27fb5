/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A branded link: the name that one-click links of a domain begin with, once its owner has published it as an alias.
 *
 *   {"created_at":N,"domain":"example.org","subdomain":"links","target":"mail.example.net","default_at":N}
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"

#define LABEL_MAX    63
#define HOST_MAX     253
#define SUBDOMAIN    SGL_LIT("links")
#define NO_SUBDOMAIN "a subdomain is one label of letters, digits and -"

void branded_link_unref(struct branded_link *l)
{
    if (l == NULL || !noun_last_reference(&l->owned.refs))
        return;
    free(l->owned.key);
    free(l->owned.subscription);
    free(l->domain);
    free(l->subdomain);
    free(l->host);
    free(l->target);
    free(l);
}

/* "FIRST" mark "SECOND" in lower case, malloc()ed. */
static char *joined(sgl_view first, char mark, sgl_view second)
{
    char *text = malloc(first.len + second.len + 2);
    size_t n = 0;

    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < first.len; i++)
        text[n++] = (char)sgl_ascii_lower(first.ptr[i]);
    text[n++] = mark;
    for (size_t i = 0; i < second.len; i++)
        text[n++] = (char)sgl_ascii_lower(second.ptr[i]);
    text[n] = '\0';
    return text;
}

static struct branded_link *link_new(sgl_view subscription, sgl_view domain, sgl_view subdomain,
                                     sgl_view target, int64_t created_at)
{
    struct branded_link *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return NULL;
    atomic_init(&l->owned.refs, 1);
    l->owned.created_at = created_at;
    l->owned.subscription = text_of(subscription);
    l->domain = text_of(domain);
    l->subdomain = text_of(subdomain);
    l->target = text_of(target);
    l->host = joined(subdomain, '.', domain);
    l->owned.key = l->host == NULL ? NULL : joined(subscription, '/', sgl_view_cstr(l->host));
    if (l->owned.subscription != NULL && l->domain != NULL && l->subdomain != NULL &&
        l->target != NULL && l->owned.key != NULL)
        return l;
    branded_link_unref(l);
    return NULL;
}

/* ---- as JSON ---- */

static void *from_json(const struct store_noun *stored, const json_t *json)
{
    const char *domain = json_string_value(json_object_get(json, "domain"));
    const char *subdomain = json_string_value(json_object_get(json, "subdomain"));
    const char *target = json_string_value(json_object_get(json, "target"));
    struct branded_link *l;

    if (domain == NULL || subdomain == NULL || target == NULL)
        return NULL;
    l = link_new(stored->subscription, sgl_view_cstr(domain), sgl_view_cstr(subdomain),
                 sgl_view_cstr(target), json_integer_value(json_object_get(json, "created_at")));
    if (l == NULL)
        return NULL;
    l->owned.version = stored->version;
    l->default_at = json_integer_value(json_object_get(json, "default_at"));
    return l;
}

static json_t *to_json(const void *noun)
{
    const struct branded_link *l = noun;

    return json_pack("{s:I, s:s, s:s, s:s, s:I}", "created_at", (json_int_t)l->owned.created_at,
                     "domain", l->domain, "subdomain", l->subdomain, "target", l->target,
                     "default_at", (json_int_t)l->default_at);
}

/* ---- of a subscription; under the lock ---- */

struct look {
    size_t count;
    int64_t default_at;        /* the latest */
    struct branded_link *best; /* of the domain that was asked for */
};

/* Two of one second are told by their names, so that it is the same one after a restart. */
static bool is_better(const struct branded_link *l, const struct branded_link *than)
{
    if (than == NULL || l->default_at != than->default_at)
        return than == NULL || l->default_at > than->default_at;
    if (l->owned.created_at != than->owned.created_at)
        return l->owned.created_at < than->owned.created_at;
    return strcmp(l->host, than->host) < 0;
}

static struct look look_at(const struct directory *d, sgl_view subscription, sgl_view domain)
{
    const struct table *t = &d->table[DIRECTORY_BRANDED_LINK];
    struct look found = {.count = 0};

    for (size_t i = 0; i < t->slots; i++) {
        struct branded_link *l = t->slot[i].name == NULL ? NULL : t->slot[i].value;

        if (l == NULL || !sgl_view_eq(sgl_view_cstr(l->owned.subscription), subscription))
            continue;
        found.count++;
        if (l->default_at > found.default_at)
            found.default_at = l->default_at;
        if ((domain.len == 0 || sgl_view_eq_nocase(sgl_view_cstr(l->domain), domain)) &&
            is_better(l, found.best))
            found.best = l;
    }
    return found;
}

struct branded_link *directory_branded_link(struct directory *d, sgl_view subscription,
                                            sgl_view domain)
{
    struct branded_link *best;

    pthread_rwlock_rdlock(&d->lock);
    best = look_at(d, subscription, domain).best;
    if (best != NULL)
        (void)owned_ref(best);
    pthread_rwlock_unlock(&d->lock);
    return best;
}

struct branded_link *directory_branded_link_of(struct directory *d, sgl_view subscription,
                                               sgl_view host)
{
    char *key = joined(subscription, '/', host);
    struct branded_link *l;

    if (key == NULL)
        return NULL;
    pthread_rwlock_rdlock(&d->lock);
    l = table_find(&d->table[DIRECTORY_BRANDED_LINK], sgl_view_cstr(key));
    if (l != NULL)
        (void)owned_ref(l);
    pthread_rwlock_unlock(&d->lock);
    free(key);
    return l;
}

static struct look look(struct directory *d, const char *subscription)
{
    struct look found;

    pthread_rwlock_rdlock(&d->lock);
    found = look_at(d, sgl_view_cstr(subscription), SGL_LIT(""));
    pthread_rwlock_unlock(&d->lock);
    return found;
}

/* ---- added, changed ---- */

static bool is_label(sgl_view text)
{
    bool fits = text.len > 0 && text.len <= LABEL_MAX && text.ptr[0] != '-' &&
                text.ptr[text.len - 1] != '-';

    for (size_t i = 0; fits && i < text.len; i++)
        fits = sgl_ascii_is_alnum(text.ptr[i]) || text.ptr[i] == '-';
    return fits;
}

/* false: said. */
static bool check(struct change *g, const struct domain *domain, sgl_view subdomain)
{
    if (domain == NULL || strcmp(domain->subscription, g->subscription) != 0)
        change_say(g->c, DIRECTORY_NOT_FOUND, "domain",
                   "there is no such domain in the subscription; add it first");
    else if (!is_label(subdomain))
        change_say(g->c, DIRECTORY_INVALID, "subdomain", NO_SUBDOMAIN);
    else if (subdomain.len + 1 + strlen(domain->name) > HOST_MAX)
        change_say(g->c, DIRECTORY_INVALID, "subdomain", "a host name has at most %d characters",
                   HOST_MAX);
    else if (sgl_view_eq_nocase(subdomain, sgl_view_cstr(domain->return_path)))
        change_say(g->c, DIRECTORY_INVALID, "subdomain",
                   "the return path of the domain has this name, and no alias can stand beside "
                   "its records");
    else if (look(g->d, g->subscription).count >= DIRECTORY_BRANDED_LINKS_MAX)
        change_say(g->c, DIRECTORY_INVALID, "domain", "a subscription has at most %d branded links",
                   DIRECTORY_BRANDED_LINKS_MAX);
    else
        return true;
    return false;
}

/* Later than every other one, also when the clock was set back. */
static void take_default(struct change *g, struct branded_link *l)
{
    int64_t last, now = clock_now_ms();

    if (!g->c->branded_link->set_default)
        return;
    last = look(g->d, g->subscription).default_at;
    if (!g->c->branded_link->is_default)
        l->default_at = 0;
    else
        l->default_at = now > last ? now : last + 1;
}

static bool make(struct change *g, const struct domain *domain, sgl_view subdomain)
{
    struct branded_link *made =
        link_new(sgl_view_cstr(g->subscription), sgl_view_cstr(domain->name), subdomain,
                 SGL_LIT(""), clock_now_s());

    g->noun = made;
    g->key = made == NULL ? NULL : text_of(sgl_view_cstr(made->owned.key));
    if (g->key == NULL) {
        change_no_memory(g->c);
        return false;
    }
    if (!change_check_free(g))
        return false;
    take_default(g, made);
    snprintf(g->c->canonical, sizeof(g->c->canonical), "%s", made->host);
    return true;
}

static bool prepare(struct change *g)
{
    sgl_view subdomain = g->c->branded_link->subdomain;
    struct domain *domain;
    bool made;

    if (!change_check_subscription(g))
        return false;
    if (subdomain.len == 0)
        subdomain = SUBDOMAIN;
    domain = directory_domain(g->d, g->c->branded_link->domain);
    made = check(g, domain, subdomain) && make(g, domain, subdomain);
    domain_unref(domain);
    return made;
}

static void *copy(const void *noun)
{
    const struct branded_link *l = noun;
    struct branded_link *made =
        link_new(sgl_view_cstr(l->owned.subscription), sgl_view_cstr(l->domain),
                 sgl_view_cstr(l->subdomain), sgl_view_cstr(l->target), l->owned.created_at);

    if (made == NULL)
        return NULL;
    made->owned.version = l->owned.version;
    made->default_at = l->default_at;
    return made;
}

static bool alter(struct change *g)
{
    struct branded_link *l = g->noun;
    char *target;

    if (g->c->branded_link->target.ptr != NULL) {
        target = text_of(g->c->branded_link->target);
        if (target == NULL) {
            change_no_memory(g->c);
            return false;
        }
        free(l->target);
        l->target = target;
    }
    take_default(g, l);
    snprintf(g->c->canonical, sizeof(g->c->canonical), "%s", l->host);
    return true;
}

static char *key_meant(const struct change *g)
{
    return joined(sgl_view_cstr(g->subscription), '/', g->c->name);
}

/* ---- the row ---- */

static void free_(void *noun)
{
    branded_link_unref(noun);
}

static const char *const shown[] = {"domain", "subdomain", "target", NULL};

const struct noun_kind noun_branded_link = {
    .name = "branded-link",
    .field = "subdomain",
    OWNED_ROW,
    .free = free_,
    .from_json = from_json,
    .to_json = to_json,
    .shown = shown,
    .prepare = prepare,
    .copy = copy,
    .alter = alter,
    .key_meant = key_meant,
};
