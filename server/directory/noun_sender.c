/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sender: an address, or all of a domain, that may stand where a sender stands.  Its key is "ADDRESS" for all identities that may use the domain, "ADDRESS IDENTITY" for one.
 *
 *   {"created_at":N,"address":"news@example.org","identity":"app:news","display_name":"News"}
 *
 * address "*@example.org": all of the domain; identity may be "", and display_name may be left out.
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"
#include "sigillo/utf8.h"

void sender_unref(struct sender *s)
{
    if (s == NULL || !noun_last_reference(&s->owned.refs))
        return;
    free(s->owned.key);
    free(s->owned.subscription);
    free(s->address);
    free(s->identity);
    free(s->display);
    free(s);
}

static char *key_of(const char *address, sgl_view identity)
{
    char text[ACCESS_TEXT_MAX + 2];
    struct sgl_buf key = SGL_BUF_INIT(1024);
    char *out;

    access_address_text(address, text);
    sgl_buf_addf(&key, "%s%s", text, identity.len == 0 ? "" : " ");
    sgl_buf_add(&key, identity);
    out = key.status == SGL_OK ? text_of(sgl_buf_view(&key)) : NULL;
    sgl_buf_done(&key);
    return out;
}

static struct sender *sender_new(const char *address, sgl_view identity, sgl_view subscription,
                                 sgl_view display, int64_t created_at)
{
    struct sender *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    atomic_init(&s->owned.refs, 1);
    s->owned.key = key_of(address, identity);
    s->owned.subscription = text_of(subscription);
    s->owned.created_at = created_at;
    s->address = text_of(sgl_view_cstr(address));
    s->identity = text_of(identity);
    s->display = text_of(display);
    if (s->owned.key != NULL && s->owned.subscription != NULL && s->address != NULL &&
        s->identity != NULL && s->display != NULL)
        return s;
    sender_unref(s);
    return NULL;
}

/* ---- as JSON ---- */

static void *from_json(const struct store_noun *stored, const json_t *json)
{
    const char *address = json_string_value(json_object_get(json, "address")), *why;
    const char *identity = json_string_value(json_object_get(json, "identity"));
    const char *display = json_string_value(json_object_get(json, "display_name"));
    struct access_address a;
    struct sender *s;

    if (address == NULL || identity == NULL ||
        access_address_parse(sgl_view_cstr(address), &a, &why) != SGL_OK)
        return NULL;
    s = sender_new(a.text, sgl_view_cstr(identity), stored->subscription,
                   sgl_view_cstr(display == NULL ? "" : display),
                   json_integer_value(json_object_get(json, "created_at")));
    if (s != NULL)
        s->owned.version = stored->version;
    return s;
}

static json_t *to_json(const void *noun)
{
    const struct sender *s = noun;
    char text[ACCESS_TEXT_MAX + 2];
    json_t *json;

    access_address_text(s->address, text);
    json = json_pack("{s:I, s:s, s:s}", "created_at", (json_int_t)s->owned.created_at, "address",
                     text, "identity", s->identity);
    if (json == NULL || s->display[0] == '\0' ||
        json_object_set_new(json, "display_name", json_string(s->display)) == 0)
        return json;
    json_decref(json);
    return NULL;
}

/* ---- added ---- */

/* As it is shown: an application may be named by its client id. */
static struct identity *identity_meant(const struct change *g)
{
    return g->c->sender == NULL || g->c->sender->identity.len == 0
               ? NULL
               : directory_identity(g->d, g->c->sender->identity);
}

static sgl_view name_of(const struct change *g, const struct identity *who)
{
    if (who != NULL)
        return sgl_view_cstr(who->name);
    return g->c->sender == NULL ? SGL_LIT("") : g->c->sender->identity;
}

static bool parse(struct change *g, struct access_address *a)
{
    const char *why;
    enum sgl_status status = access_address_parse(g->c->name, a, &why);

    if (status == SGL_OK)
        return true;
    if (status == SGL_E_NOMEM)
        change_no_memory(g->c);
    else
        change_say(g->c, DIRECTORY_INVALID, "address", "%s", why);
    return false;
}

/* Its subscription becomes that of the domain; where one was named, that must be it. */
static bool check_domain(struct change *g, const struct access_address *a, struct domain **domain)
{
    struct domain *found = directory_domain(g->d, sgl_view_from(sgl_view_cstr(a->text), a->at + 1));
    bool any = g->c->subscription.len == 0 && g->c->within.len == 0;
    bool fits = found != NULL && (any || strcmp(found->subscription, g->subscription) == 0);

    if (fits) {
        free(g->subscription);
        g->subscription = text_of(sgl_view_cstr(found->subscription));
        *domain = found;
        if (g->subscription != NULL)
            return true;
        change_no_memory(g->c);
        return false;
    }
    domain_unref(found);
    change_say(g->c, DIRECTORY_NOT_FOUND, "address",
               "there is no such domain in the subscription; add it first: sigillo domain add");
    return false;
}

static bool check_identity(struct change *g, const struct identity *who,
                           const struct domain *domain)
{
    if (name_of(g, who).len == 0)
        return true;
    if (who == NULL || !change_may_name(g, who)) {
        change_say(g->c, DIRECTORY_NOT_FOUND, "identity",
                   "there is no such identity; write it as in credential:NAME or key:ID");
        return false;
    }
    if (directory_may_use(g->d, who, domain))
        return true;
    change_say(g->c, DIRECTORY_INVALID, "identity",
               "it may not use this domain; add the domain to it, or allow the address to it by a "
               "policy");
    return false;
}

static bool check_new(struct change *g, sgl_view identity, const struct access_address *a)
{
    bool known;

    pthread_rwlock_rdlock(&g->d->lock);
    known = access_known_sender(g->d, sgl_view_cstr(g->subscription), identity, a) != NULL;
    pthread_rwlock_unlock(&g->d->lock);
    if (known)
        change_say(g->c, DIRECTORY_EXISTS, "address", "this sender exists already");
    return !known;
}

/* One of a subscription that the domain was taken from, since it never proved it, gives way. */
static void take_place(struct change *g)
{
    const struct sender *there;

    pthread_rwlock_rdlock(&g->d->lock);
    there = table_find(&g->d->table[DIRECTORY_SENDER], sgl_view_cstr(g->key));
    if (there != NULL && strcmp(there->owned.subscription, g->subscription) != 0)
        g->version = there->owned.version;
    pthread_rwlock_unlock(&g->d->lock);
}

static sgl_view display_of(const struct change *g)
{
    return g->c->sender == NULL ? SGL_LIT("") : g->c->sender->display;
}

/* It goes into a header. */
static bool check_display(struct change *g)
{
    sgl_view name = display_of(g);
    bool fits = name.len <= SENDER_DISPLAY_MAX && sgl_utf8_valid(name);

    for (size_t i = 0; fits && i < name.len; i++)
        fits = !sgl_ascii_is_control(name.ptr[i]);
    if (!fits)
        change_say(g->c, DIRECTORY_INVALID, "display_name",
                   "a display name has at most %d bytes of UTF-8 without control characters",
                   SENDER_DISPLAY_MAX);
    return fits;
}

static bool make_sender(struct change *g, sgl_view identity, const struct access_address *a)
{
    g->key = key_of(a->text, identity);
    g->noun =
        sender_new(a->text, identity, sgl_view_cstr(g->subscription), display_of(g), clock_now_s());
    if (g->key != NULL && g->noun != NULL) {
        take_place(g);
        return true;
    }
    change_no_memory(g->c);
    return false;
}

static bool prepare(struct change *g)
{
    struct identity *who = identity_meant(g);
    struct domain *domain = NULL;
    struct access_address a;
    bool made = parse(g, &a) && check_display(g) && check_domain(g, &a, &domain) &&
                check_identity(g, who, domain) && check_new(g, name_of(g, who), &a) &&
                make_sender(g, name_of(g, who), &a);

    domain_unref(domain);
    identity_unref(who);
    return made;
}

/* In the case of letters in which it was given, where that does not count. It is of the subscription of its domain. */
static char *key_meant(const struct change *g)
{
    struct identity *who = identity_meant(g);
    sgl_view identity = name_of(g, who), tenant = sgl_view_cstr(g->subscription);
    struct access_address a;
    struct domain *domain;
    const char *known, *why;
    char *key = NULL;

    if (access_address_parse(g->c->name, &a, &why) == SGL_OK) {
        domain = directory_domain(g->d, sgl_view_from(sgl_view_cstr(a.text), a.at + 1));
        tenant = domain == NULL ? tenant : sgl_view_cstr(domain->subscription);
        pthread_rwlock_rdlock(&g->d->lock);
        known = access_known_sender(g->d, tenant, identity, &a);
        key = key_of(known == NULL ? a.text : known, identity);
        pthread_rwlock_unlock(&g->d->lock);
        domain_unref(domain);
    }
    identity_unref(who);
    return key;
}

/* ---- changed: what it is called ---- */

static void *copy(const void *noun)
{
    const struct sender *s = noun;
    struct sender *made =
        sender_new(s->address, sgl_view_cstr(s->identity), sgl_view_cstr(s->owned.subscription),
                   sgl_view_cstr(s->display), s->owned.created_at);

    if (made != NULL)
        made->owned.version = s->owned.version;
    return made;
}

static bool alter(struct change *g)
{
    struct sender *s = g->noun;
    char *display;

    if (!check_display(g))
        return false;
    if (display_of(g).ptr == NULL)
        return true;
    display = text_of(display_of(g));
    if (display == NULL) {
        change_no_memory(g->c);
        return false;
    }
    free(s->display);
    s->display = display;
    return true;
}

/* ---- looked at ---- */

/* Under the lock. false: memory has ended. */
static bool display_find(struct directory *d, sgl_view subscription, sgl_view identity,
                         const struct access_address *a, struct sgl_arena *arena, sgl_view *out)
{
    const char *known = access_known_sender(d, subscription, identity, a);
    const struct sender *s;
    char *key;

    if (known == NULL)
        return true;
    key = key_of(known, identity);
    if (key == NULL)
        return false;
    s = table_find(&d->table[DIRECTORY_SENDER], sgl_view_cstr(key));
    free(key);
    return s == NULL || s->display[0] == '\0' ||
           sgl_arena_dup(arena, sgl_view_cstr(s->display), out) == SGL_OK;
}

bool directory_display_name(struct directory *d, const struct identity *who,
                            const struct sgl_mailbox *mailbox, struct sgl_arena *arena,
                            sgl_view *out)
{
    struct access_address a;
    struct domain *domain;
    bool fine = true;

    *out = SGL_LIT("");
    access_address_of(mailbox, &a);
    domain = directory_domain(d, sgl_view_from(sgl_view_of(a.text, a.len), a.at + 1));
    if (domain == NULL)
        return true;
    pthread_rwlock_rdlock(&d->lock);
    fine = display_find(d, sgl_view_cstr(domain->subscription), sgl_view_cstr(who->name), &a, arena,
                        out) &&
           (out->len > 0 ||
            display_find(d, sgl_view_cstr(domain->subscription), SGL_LIT(""), &a, arena, out));
    pthread_rwlock_unlock(&d->lock);
    domain_unref(domain);
    return fine;
}

/* ---- the row ---- */

static void free_(void *noun)
{
    sender_unref(noun);
}

static const char *const shown[] = {"address", "identity", "display_name", NULL};

const struct noun_kind noun_sender = {
    .name = "sender",
    .field = "address",
    OWNED_ROW,
    .free = free_,
    .index = access_index_sender,
    .unindex = access_unindex_sender,
    .decides = true,
    .from_json = from_json,
    .to_json = to_json,
    .shown = shown,
    .prepare = prepare,
    .copy = copy,
    .alter = alter,
    .key_meant = key_meant,
};
