/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may send as whom: the facts about one identity and one address, gathered from the tables under their lock, for access_judge().
 *
 * Two tables find what concerns an identity without a search, both by "SUBSCRIPTION/IDENTITY": its policies, chained, and its senders, a set; the senders of a domain stand
 * under "SUBSCRIPTION/@domain".  So nothing that one subscription says counts in another one, whoever is named: the operator is in all of them, and a domain may have been
 * claimed by somebody else before.
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_internal.h"

#define TENANT_NAME_MAX 640 /* 64 of a subscription, and the longest name of an identity */

struct scope {
    char *name;
    struct access_set set;
};
struct bound {
    struct policy *first;
    char name[]; /* beside it: a look-up reads both */
};

static void scope_free(void *value)
{
    struct scope *s = value;

    access_set_done(&s->set);
    free(s->name);
    free(s);
}

static struct bound *bound_new(sgl_view name)
{
    struct bound *b = malloc(sizeof(*b) + name.len + 1);

    if (b == NULL)
        return NULL;
    b->first = NULL;
    memcpy(b->name, name.ptr, name.len);
    b->name[name.len] = '\0';
    return b;
}

void access_init(struct directory *d)
{
    table_init(&d->scopes);
    table_init(&d->bound);
}

void access_done(struct directory *d)
{
    for (size_t i = 0; i < d->scopes.slots; i++)
        if (d->scopes.slot[i].name != NULL)
            scope_free(d->scopes.slot[i].value);
    for (size_t i = 0; i < d->bound.slots; i++)
        if (d->bound.slot[i].name != NULL)
            free(d->bound.slot[i].value);
    table_done(&d->scopes);
    table_done(&d->bound);
}

void directory_exact_local_parts(struct directory *d, bool exact)
{
    atomic_store(&d->exact_local_parts, exact);
}

/* ---- senders ---- */

/* An address as it is kept in memory: valid, since it was when it was taken. */
static bool kept_address(const char *text, struct access_address *out)
{
    char given[ACCESS_TEXT_MAX + 2];
    const char *why;

    access_address_text(text, given);
    return access_address_parse(sgl_view_cstr(given), out, &why) == SGL_OK;
}

/* "SUBSCRIPTION/IDENTITY"; empty when it does not fit, and names nothing. */
static sgl_view tenant_name(char name[TENANT_NAME_MAX], sgl_view subscription, sgl_view identity)
{
    if (subscription.len >= TENANT_NAME_MAX ||
        identity.len > TENANT_NAME_MAX - 1 - subscription.len)
        return SGL_LIT("");
    memcpy(name, subscription.ptr, subscription.len);
    name[subscription.len] = '/';
    memcpy(name + subscription.len + 1, identity.ptr, identity.len);
    return sgl_view_of(name, subscription.len + 1 + identity.len);
}

static sgl_view domain_part(const struct access_address *a)
{
    return sgl_view_of(a->text + a->at, a->len - a->at);
}

/* identity: empty, or of whom the address is a sender. */
static struct scope *scope_find(struct directory *d, sgl_view subscription, sgl_view identity,
                                const struct access_address *a)
{
    char name[TENANT_NAME_MAX];
    sgl_view key = tenant_name(name, subscription, identity.len > 0 ? identity : domain_part(a));

    return key.len == 0 ? NULL : table_find(&d->scopes, key);
}

static struct scope *scope_of(struct directory *d, const struct sender *s,
                              const struct access_address *a)
{
    return scope_find(d, sgl_view_cstr(s->owned.subscription), sgl_view_cstr(s->identity), a);
}

static struct scope *scope_made(struct directory *d, const struct sender *sender,
                                const struct access_address *a)
{
    char name[TENANT_NAME_MAX];
    sgl_view identity = sgl_view_cstr(sender->identity);
    sgl_view key = tenant_name(name, sgl_view_cstr(sender->owned.subscription),
                               identity.len > 0 ? identity : domain_part(a));
    struct scope *s = key.len == 0 ? NULL : table_find(&d->scopes, key);

    if (s != NULL || key.len == 0)
        return s;
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    access_set_init(&s->set);
    s->name = text_of(key);
    if (s->name != NULL && table_add(&d->scopes, s->name, s))
        return s;
    scope_free(s);
    return NULL;
}

static void scope_drop_empty(struct directory *d, struct scope *s)
{
    if (s->set.used > 0)
        return;
    (void)table_remove(&d->scopes, sgl_view_cstr(s->name));
    scope_free(s);
}

bool access_index_sender(struct directory *d, void *sender)
{
    const struct sender *s = sender;
    struct access_address a;
    struct scope *scope = kept_address(s->address, &a) ? scope_made(d, s, &a) : NULL;

    if (scope == NULL)
        return false;
    if (access_set_add(&scope->set, &a))
        return true;
    scope_drop_empty(d, scope);
    return false;
}

void access_unindex_sender(struct directory *d, void *sender)
{
    const struct sender *s = sender;
    struct access_address a;
    struct scope *scope = kept_address(s->address, &a) ? scope_of(d, s, &a) : NULL;

    if (scope == NULL || !access_set_remove(&scope->set, &a)) {
        atomic_store(&d->access_unsure, true); /* it stays allowed otherwise */
        return;
    }
    scope_drop_empty(d, scope);
}

const char *access_known_sender(struct directory *d, sgl_view subscription, sgl_view identity,
                                const struct access_address *a)
{
    const struct scope *s = scope_find(d, subscription, identity, a);

    return s == NULL ? NULL : access_set_find_same(&s->set, a, atomic_load(&d->exact_local_parts));
}

/* ---- policies ---- */

static struct bound *bound_find(struct directory *d, sgl_view subscription, sgl_view identity)
{
    char name[TENANT_NAME_MAX];
    sgl_view key = tenant_name(name, subscription, identity);

    return key.len == 0 ? NULL : table_find(&d->bound, key);
}

static struct bound *bound_of(struct directory *d, const struct policy *p)
{
    return bound_find(d, sgl_view_cstr(p->owned.subscription), sgl_view_cstr(p->identity));
}

static bool is_pattern(const struct policy *p)
{
    return p->identity[strlen(p->identity) - 1] == '*';
}

bool access_index_policy(struct directory *d, void *policy)
{
    struct policy *p = policy;
    struct bound *b = bound_of(d, p);
    char name[TENANT_NAME_MAX];
    sgl_view key;

    if (b == NULL) {
        key = tenant_name(name, sgl_view_cstr(p->owned.subscription), sgl_view_cstr(p->identity));
        b = key.len == 0 ? NULL : bound_new(key);
        if (b == NULL)
            return false;
        if (!table_add(&d->bound, b->name, b)) {
            free(b);
            return false;
        }
    }
    p->next = b->first;
    b->first = p;
    d->patterns += is_pattern(p);
    return true;
}

void access_unindex_policy(struct directory *d, void *policy)
{
    struct policy *p = policy;
    struct bound *b = bound_of(d, p);
    struct policy **at = b == NULL ? NULL : &b->first;

    while (at != NULL && *at != NULL && *at != p)
        at = &(*at)->next;
    if (at == NULL || *at == NULL)
        return; /* it was never shown, and all is denied */
    *at = p->next;
    d->patterns -= is_pattern(p);
    if (b->first != NULL)
        return;
    (void)table_remove(&d->bound, sgl_view_cstr(b->name));
    free(b);
}

size_t access_policies_of(struct directory *d, sgl_view subscription, sgl_view identity)
{
    const struct bound *b;
    size_t count = 0;

    pthread_rwlock_rdlock(&d->lock);
    b = bound_find(d, subscription, identity);
    for (const struct policy *p = b == NULL ? NULL : b->first; p != NULL; p = p->next)
        count++;
    pthread_rwlock_unlock(&d->lock);
    return count;
}

/* ---- what is in use ---- */

/* "policy a, policy b and 3 more" */
struct users {
    char *out;
    size_t size, len, named, more;
};

static void users_add(struct users *u, const char *kind, const char *name)
{
    int n = u->named == 3 ? 0
                          : snprintf(u->out + u->len, u->size - u->len, "%s%s %.48s",
                                     u->named == 0 ? "" : ", ", kind, name);

    if (n <= 0 || (size_t)n >= u->size - u->len - 16) {
        u->out[u->len] = '\0';
        u->more++;
        return;
    }
    u->len += (size_t)n;
    u->named++;
}

static bool users_end(struct users *u)
{
    if (u->more > 0)
        snprintf(u->out + u->len, u->size - u->len, " and %zu more", u->more);
    return u->named + u->more > 0;
}

/* All of a table, or the users are unknown for want of memory: then it counts as used. */
static void **users_look(struct directory *d, enum directory_noun noun, struct users *u,
                         size_t *count)
{
    void **all = table_sorted(&d->table[noun], count);

    if (all == NULL && d->table[noun].used > 0)
        users_add(u, "perhaps a", noun_kind_of(noun)->name);
    return all;
}

bool access_uses_group(struct directory *d, const char *group_key, char *out, size_t size)
{
    struct users u = {out, size, 0, 0, 0};
    size_t count;
    void **all;

    pthread_rwlock_rdlock(&d->lock);
    all = users_look(d, DIRECTORY_POLICY, &u, &count);
    for (size_t i = 0; i < count; i++) {
        const struct policy *p = all[i];

        if (strcmp(p->group_key, group_key) == 0)
            users_add(&u, "policy", p->owned.key);
    }
    pthread_rwlock_unlock(&d->lock);
    free(all);
    return users_end(&u);
}

bool access_uses_identity(struct directory *d, const char *subscription, const char *identity,
                          char *out, size_t size)
{
    struct users u = {out, size, 0, 0, 0};
    char text[ACCESS_TEXT_MAX + 2];
    const struct scope *s;
    const struct bound *b;

    pthread_rwlock_rdlock(&d->lock);
    b = bound_find(d, sgl_view_cstr(subscription), sgl_view_cstr(identity));
    for (const struct policy *p = b == NULL ? NULL : b->first; p != NULL; p = p->next)
        users_add(&u, "policy", p->owned.key);
    s = scope_find(d, sgl_view_cstr(subscription), sgl_view_cstr(identity), NULL);
    for (const char *m = s == NULL ? NULL : access_set_next(&s->set, NULL); m != NULL;
         m = access_set_next(&s->set, m)) {
        access_address_text(m, text);
        users_add(&u, "sender", text);
    }
    pthread_rwlock_unlock(&d->lock);
    return users_end(&u);
}

bool access_uses_domain(struct directory *d, const char *subscription, const char *domain,
                        char *out, size_t size)
{
    struct users u = {out, size, 0, 0, 0};
    size_t count;
    void **all;

    pthread_rwlock_rdlock(&d->lock);
    all = users_look(d, DIRECTORY_SENDER, &u, &count);
    for (size_t i = 0; i < count; i++) {
        const struct sender *s = all[i];

        if (strcmp(strrchr(s->address, '@') + 1, domain) == 0 &&
            strcmp(s->owned.subscription, subscription) == 0)
            users_add(&u, "sender", s->owned.key);
    }
    pthread_rwlock_unlock(&d->lock);
    free(all);
    return users_end(&u);
}

/* ---- the decision ---- */

/* A policy and the member of its group that matched. */
struct match {
    const struct policy *policy;
    const char *member;
};
struct facts {
    unsigned known;
    const struct access_address *a;
    bool exact;
    struct match gone, denied, doubtful, allowed; /* the first of each */
    const char *sender;                           /* that matched */
};

static void note(struct facts *f, unsigned fact, struct match *m, const struct policy *p,
                 const char *member)
{
    f->known |= fact;
    if (m->policy == NULL)
        *m = (struct match){p, member};
}

static void ask_policy(struct directory *d, const struct policy *p, struct facts *f)
{
    const struct group *group = table_find(&d->table[DIRECTORY_GROUP], sgl_view_cstr(p->group_key));
    const char *member;

    if (group == NULL) {
        note(f, ACCESS_GROUP_GONE, &f->gone, p, "");
        return;
    }
    member = access_set_find(&group->members, f->a, f->exact);
    if (!p->deny)
        f->known |= ACCESS_CONFINED;
    if (p->deny && member != NULL)
        note(f, ACCESS_DENIED, &f->denied, p, member);
    else if (p->deny && !f->a->ascii && group->members.used > group->members.wholes)
        note(f, ACCESS_DOUBTFUL, &f->doubtful, p, "");
    else if (member != NULL)
        note(f, ACCESS_ALLOWED | (member[0] == '@' ? 0 : ACCESS_NAMED), &f->allowed, p, member);
}

static void ask_bound(struct directory *d, sgl_view subscription, sgl_view identity,
                      struct facts *f)
{
    const struct bound *b = bound_find(d, subscription, identity);

    for (const struct policy *p = b == NULL ? NULL : b->first; p != NULL; p = p->next)
        ask_policy(d, p, f);
}

/* Those for the identity itself, for all of its kind, and for all. */
static void ask_policies(struct directory *d, const struct identity *who, const char *subscription,
                         struct facts *f)
{
    sgl_view tenant = sgl_view_cstr(subscription), name = sgl_view_cstr(who->name);
    size_t colon = sgl_view_find(name, ':');
    char kind[32];

    if (d->bound.used == 0)
        return;
    ask_bound(d, tenant, name, f);
    if (d->patterns == 0)
        return;
    if (colon + 2 < sizeof(kind)) {
        memcpy(kind, name.ptr, colon);
        memcpy(kind + colon, ":*", 2);
        ask_bound(d, tenant, sgl_view_of(kind, colon + 2), f);
    }
    ask_bound(d, tenant, SGL_LIT("*"), f);
}

/* identity: empty for the domain's senders. */
static void ask_scope(struct directory *d, const char *subscription, const char *identity,
                      unsigned has, unsigned is, struct facts *f)
{
    const struct scope *s = d->scopes.used == 0 ? NULL
                                                : scope_find(d, sgl_view_cstr(subscription),
                                                             sgl_view_cstr(identity), f->a);
    const char *member;

    if (s == NULL)
        return;
    f->known |= has;
    member = access_set_find(&s->set, f->a, f->exact);
    if (member == NULL)
        return;
    f->known |= is | (member[0] == '@' ? 0 : ACCESS_NAMED);
    if (f->sender == NULL)
        f->sender = member;
}

static void put_text(char *to, size_t size, const char *text)
{
    size_t len = strlen(text);

    len = len < size ? len : size - 1;
    memcpy(to, text, len);
    to[len] = '\0';
}

/* The policy behind an answer, if one is. */
static const struct match *match_of(const struct facts *f, enum access_rule rule)
{
    if (rule == ACCESS_RULE_GROUP_GONE)
        return &f->gone;
    if (rule == ACCESS_RULE_DENY)
        return &f->denied;
    if (rule == ACCESS_RULE_DOUBTFUL)
        return &f->doubtful;
    return rule == ACCESS_RULE_ALLOW ? &f->allowed : NULL;
}

static void answer(const struct facts *f, struct directory_access *out)
{
    const struct match *m;

    out->rule = access_judge(f->known, &out->granted);
    out->policy[0] = out->group[0] = out->member[0] = '\0';
    m = match_of(f, out->rule);
    if (m != NULL) {
        put_text(out->policy, sizeof(out->policy), m->policy->owned.key);
        put_text(out->group, sizeof(out->group), m->policy->group);
        access_address_text(m->member, out->member);
    } else if (out->granted && f->sender != NULL) {
        access_address_text(f->sender, out->member);
    }
}

/* An account has one sender from the start: its address. */
static void ask_account(const struct identity *who, struct facts *f)
{
    sgl_view own = sgl_view_from(sgl_view_cstr(who->name), strlen("account:"));
    sgl_view is = sgl_view_of(f->a->text, f->a->len);

    if (who->kind != IDENTITY_ACCOUNT)
        return;
    f->known |= ACCESS_HAS_SENDERS;
    if (!(f->exact ? sgl_view_eq(own, is) : sgl_view_eq_nocase(own, is)))
        return;
    f->known |= ACCESS_IS_SENDER | ACCESS_NAMED;
    f->sender = f->a->text;
}

static bool same_tenant(const struct identity *who, const struct domain *domain)
{
    return who->subscription[0] == '\0' || strcmp(who->subscription, domain->subscription) == 0;
}

bool directory_may_send(struct directory *d, const struct identity *who,
                        const struct sgl_mailbox *mailbox, struct domain **domain,
                        struct directory_access *out)
{
    struct domain *found = mailbox->literal ? NULL : directory_domain(d, mailbox->domain);
    struct access_address a;
    struct facts f = {.a = &a, .exact = atomic_load(&d->exact_local_parts)};

    for (const struct identity *newer; (newer = atomic_load(&who->newer)) != NULL;)
        who = newer;
    access_address_of(mailbox, &a);
    if (atomic_load(&who->removed))
        f.known |= ACCESS_REMOVED;
    if (!scopes_allow(&who->scopes, who->role, "mail.send"))
        f.known |= ACCESS_NO_SCOPE;
    if (access_is_disguised(mailbox->local))
        f.known |= ACCESS_DISGUISED;
    if (found == NULL || !same_tenant(who, found))
        f.known |= ACCESS_FOREIGN;
    else if (directory_may_use(d, who, found))
        f.known |= ACCESS_OWN_DOMAIN;
    pthread_rwlock_rdlock(&d->lock);
    if (atomic_load(&d->access_unsure))
        f.known |= ACCESS_UNSURE;
    if ((f.known & ACCESS_FOREIGN) == 0) {
        ask_policies(d, who, found->subscription, &f);
        ask_account(who, &f);
        ask_scope(d, found->subscription, who->name, ACCESS_HAS_SENDERS, ACCESS_IS_SENDER, &f);
        ask_scope(d, found->subscription, "", ACCESS_DOMAIN_LISTS, ACCESS_IS_LISTED, &f);
    }
    answer(&f, out);
    pthread_rwlock_unlock(&d->lock);
    if (out->granted && domain != NULL)
        *domain = found;
    else
        domain_unref(found);
    return out->granted;
}
