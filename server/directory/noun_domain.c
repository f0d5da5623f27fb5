/* SPDX-License-Identifier: Apache-2.0 */
/* A domain: its DKIM keys are made in the keys process and kept sealed; what it consists of stands in domain.h. */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"
#include "domain_internal.h"
#include "route.h"
#include "sigillo/ascii.h"
#include "sigillo/limits.h"

#define RETURN_PATH_DEFAULT "bounces"

char *selector_context(const char *domain, const char *selector)
{
    struct sgl_buf text = SGL_BUF_INIT(512);
    char *out;

    sgl_buf_addf(&text, "dkim:%s:%s", domain, selector);
    out = text.status == SGL_OK ? text_of(sgl_buf_view(&text)) : NULL;
    sgl_buf_done(&text);
    return out;
}

/* ---- added: one key after the other is made ---- */

static void generate_next(struct change *g);

static bool keep_generated(struct selector *s, const struct keys_op *op)
{
    s->key = selector_key_new(op->public_key, op->public_len, op->out, op->out_len);
    if (s->key == NULL)
        return false;
    atomic_store(&s->key->handle, op->handle);
    return true;
}

static void generated(struct keys_op *op)
{
    struct change *g = (struct change *)(void *)((char *)op - offsetof(struct change, keys));

    if (op->result != KEYS_OK) {
        change_say(g->c, DIRECTORY_UNAVAILABLE, "",
                   "the keys process could not make a key; try again soon");
        change_finish(g);
        return;
    }
    if (!keep_generated(&((struct domain *)g->noun)->selector[g->selector], op)) {
        change_no_memory(g->c);
        change_finish(g);
        return;
    }
    generate_next(g);
}

static void generate_next(struct change *g)
{
    const struct domain *domain = g->noun;
    const struct selector *s;

    while (g->selector < domain->selectors && domain->selector[g->selector].key != NULL)
        g->selector++;
    if (g->selector == domain->selectors) {
        change_store(g);
        return;
    }
    s = &domain->selector[g->selector];
    free(g->context);
    g->context = selector_context(domain->name, s->name);
    if (g->context == NULL) {
        change_no_memory(g->c);
        change_refuse(g);
        return;
    }
    memset(&g->keys, 0, offsetof(struct keys_op, out));
    g->keys.verb = KEYS_GENERATE;
    g->keys.algorithm = s->algorithm;
    g->keys.context = sgl_view_cstr(g->context);
    g->keys.loop = g->c->loop;
    g->keys.done = generated;
    keys_submit(g->d->keys, &g->keys);
}

static bool add_selector(struct domain *d, const char *name, enum keys_algorithm algorithm,
                         bool active)
{
    struct selector *s = &d->selector[d->selectors];

    *s = (struct selector){
        .name = text_of(sgl_view_cstr(name)), .algorithm = algorithm, .active = active};
    if (s->name == NULL)
        return false;
    d->selectors++;
    return true;
}

/* One that signs, and the next one already: when it is published early, a rotation has nothing to wait for. */
static bool first_selectors(struct domain *d, bool ed25519)
{
    return add_selector(d, "s1", KEYS_RSA_2048, true) &&
           add_selector(d, "s2", KEYS_RSA_2048, false) &&
           (!ed25519 || add_selector(d, "e1", KEYS_ED25519, true));
}

/* Who knows the domain's DNS can publish it, nobody else can guess it. */
static bool new_token(struct domain *d)
{
    uint8_t bytes[DOMAIN_TOKEN_BYTES];
    char text[2 * DOMAIN_TOKEN_BYTES + 1];

    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2hex(text, sizeof(text), bytes, sizeof(bytes));
    free(d->token);
    d->token = text_of(sgl_view_cstr(text));
    return d->token != NULL;
}

static bool set_return_path(struct change *g, struct domain *d, sgl_view label)
{
    char *path = label.len == 0 ? text_of(label) : domain_label(label);

    if (path == NULL) {
        change_say(g->c, DIRECTORY_INVALID, "return_path",
                   "a return path is one label of letters, digits and hyphens below the domain");
        return false;
    }
    free(d->return_path);
    d->return_path = path;
    return true;
}

static bool below(const char *name, sgl_view zone)
{
    sgl_view v = sgl_view_cstr(name);

    return zone.len > 0 && v.len > zone.len + 1 && v.ptr[v.len - zone.len - 1] == '.' &&
           sgl_view_eq_nocase(sgl_view_from(v, v.len - zone.len), zone);
}

/* NAME below the operator's zone. false: said. */
static bool managed_name(struct change *g, const struct domain_change *dc)
{
    struct sgl_buf full = SGL_BUF_INIT(512);
    const char *why = NULL;
    char *label;

    if (dc->managed_zone.len == 0) {
        change_say(g->c, DIRECTORY_INVALID, "kind",
                   "this server has no zone for managed domains: domains.managed_zone in its "
                   "configuration names one");
        return false;
    }
    label = domain_label(g->c->name);
    if (label == NULL) {
        change_say(g->c, DIRECTORY_INVALID, "name",
                   "a managed domain is named by one label of letters, digits and hyphens");
        return false;
    }
    sgl_buf_addf(&full, "%s.%.*s", label, SGL_FMT(dc->managed_zone));
    free(label);
    g->key = domain_name_canonical(sgl_buf_view(&full), &why);
    sgl_buf_done(&full);
    if (g->key == NULL)
        change_say(g->c, DIRECTORY_INVALID, "name", "this %s", why);
    return g->key != NULL;
}

static bool asked_name(struct change *g, const struct domain_change *dc)
{
    const char *why = NULL;

    if (dc->kind == DOMAIN_MANAGED)
        return managed_name(g, dc);
    g->key = domain_name_canonical(g->c->name, &why);
    if (g->key == NULL) {
        change_say(g->c, DIRECTORY_INVALID, "domain", "this %s", why);
        return false;
    }
    if (g->c->within.len > 0 && dc->kept != NULL && dc->kept(dc->kept_ctx, sgl_view_cstr(g->key))) {
        change_say(g->c, DIRECTORY_INVALID, "domain",
                   "this server itself publishes the records of %.100s, which would prove it to "
                   "anybody who names it; the operator adds it for a subscription",
                   g->key);
        return false;
    }
    if (!below(g->key, dc->managed_zone))
        return true;
    change_say(g->c, DIRECTORY_INVALID, "domain",
               "names below %.*s are the operator's; a managed domain is one of them",
               SGL_FMT(sgl_view_sub(dc->managed_zone, 0, 100)));
    return false;
}

/* A name exists once.  A claim that was never verified gives way to another subscription when it is old: then *version is its, and it is replaced. */
static bool name_is_free(struct change *g, const struct domain_change *dc)
{
    const struct domain *there;
    bool own = false, verified = false, taken;

    pthread_rwlock_rdlock(&g->d->lock);
    there = table_find(&g->d->table[DIRECTORY_DOMAIN], sgl_view_cstr(g->key));
    taken = there != NULL;
    if (taken) {
        own = strcmp(there->subscription, g->subscription) == 0;
        verified =
            there->kind == DOMAIN_MANAGED || there->status[PART_OWNERSHIP].verified_at_s != 0;
        if (!own && !verified && dc->claim_expires_s > 0 &&
            clock_now_s() - there->created_at > dc->claim_expires_s) {
            g->version = there->version;
            taken = false;
        }
    }
    pthread_rwlock_unlock(&g->d->lock);
    if (taken && own)
        change_say(g->c, DIRECTORY_EXISTS, "domain", "domain \"%.100s\" exists already", g->key);
    else if (taken && verified)
        change_say(g->c, DIRECTORY_EXISTS, "domain",
                   "domain \"%.100s\" belongs to another subscription, which has proved it",
                   g->key);
    else if (taken)
        change_say(g->c, DIRECTORY_EXISTS, "domain",
                   "another subscription is setting domain \"%.100s\" up; its claim ends when it "
                   "does not prove it",
                   g->key);
    return !taken;
}

/* The names of its records stand below it: "s1000000._domainkey.NAME", "PATH.NAME". [RFC 1035 s2.3.4] */
static bool names_fit(struct change *g, const char *name, const char *return_path,
                      const struct domain_change *dc)
{
    size_t most = SGL_LIMIT_NAME_TEXT - strlen("s1000000._domainkey."), path = strlen(return_path);

    if (path > 0 && SGL_LIMIT_NAME_TEXT - path - 1 < most)
        most = SGL_LIMIT_NAME_TEXT - path - 1;
    if (dc->name_max > 0 && dc->name_max < most)
        most = dc->name_max;
    if (strlen(name) <= most)
        return true;
    change_say(
        g->c, DIRECTORY_INVALID, "domain",
        "the domain has %zu characters; with more than %zu the names of its records below it "
        "are longer than the 253 of DNS",
        strlen(name), most);
    return false;
}

static bool fill_new(struct change *g, struct domain *d, const struct domain_change *dc)
{
    sgl_view path = dc->return_path;

    d->kind = dc->kind;
    d->created_at = clock_now_s();
    d->default_at = dc->set_default ? dc->default_at : 0;
    d->tls_verified = dc->tls_verified;
    d->incoming = dc->incoming;
    if (!new_token(d) || (dc->kind != DOMAIN_PARKED && !first_selectors(d, g->c->ed25519))) {
        change_no_memory(g->c);
        return false;
    }
    if (path.ptr == NULL && dc->kind == DOMAIN_CUSTOM)
        path = SGL_LIT(RETURN_PATH_DEFAULT);
    return set_return_path(g, d, path) && names_fit(g, d->name, d->return_path, dc);
}

static bool prepare(struct change *g)
{
    static const struct domain_change custom = {.kind = DOMAIN_CUSTOM};
    const struct domain_change *dc = g->c->domain_change == NULL ? &custom : g->c->domain_change;
    struct domain *d = NULL;

    if (!asked_name(g, dc) || !change_check_subscription(g) || !name_is_free(g, dc))
        return false;
    if (g->d->keys != NULL || dc->kind == DOMAIN_PARKED)
        d = domain_new(sgl_view_cstr(g->key), sgl_view_cstr(g->subscription),
                       DOMAIN_SELECTORS_FIRST);
    g->noun = d;
    snprintf(g->c->canonical, sizeof(g->c->canonical), "%s", g->key);
    if (d == NULL)
        change_no_memory(g->c);
    return d != NULL && fill_new(g, d, dc);
}

/* ---- changed ---- */

static void *copy(const void *noun)
{
    return domain_copy(noun);
}

/* Custom domains are parked and taken up again; other records are wanted then. */
static bool set_kind(struct change *g, struct domain *d, enum domain_kind kind)
{
    if (kind == d->kind)
        return true;
    if (kind == DOMAIN_MANAGED || d->kind == DOMAIN_MANAGED) {
        change_say(g->c, DIRECTORY_INVALID, "kind",
                   "a managed domain stays one, and no other becomes one");
        return false;
    }
    d->kind = kind;
    for (int p = 0; p < DOMAIN_PARTS; p++)
        if (p != PART_OWNERSHIP)
            domain_status_done(&d->status[p]);
    d->hosts[0] = '\0';
    if (kind == DOMAIN_PARKED || d->selectors > 0 || first_selectors(d, false))
        return true;
    change_no_memory(g->c);
    return false;
}

static bool set_hosts(struct change *g, struct domain *d, sgl_view hosts)
{
    char *text = text_of(hosts);

    if (text == NULL) {
        change_no_memory(g->c);
        return false;
    }
    free(d->hosts);
    d->hosts = text;
    return true;
}

static bool set_statuses(struct change *g, struct domain *d, const struct domain_change *dc)
{
    for (int p = 0; p < DOMAIN_PARTS; p++)
        if (!domain_status_copy(&d->status[p], &dc->status[p])) {
            change_no_memory(g->c);
            return false;
        }
    atomic_store(&d->checked_at_s, dc->checked_at_s);
    return dc->hosts.ptr == NULL || set_hosts(g, d, dc->hosts);
}

static bool rotate(struct change *g, struct domain *d, const struct domain_change *dc)
{
    const char *why = domain_rotate(d, dc, clock_now_s());

    if (why != NULL)
        change_say(g->c, DIRECTORY_CONFLICT, "rotation", "%s", why);
    return why == NULL;
}

static bool set_policy(struct change *g, struct domain *d, const struct domain_change *dc)
{
    const char *why;

    if (dc->sts_policy.ptr == NULL)
        return true;
    if (d->kind != DOMAIN_CUSTOM) {
        change_say(g->c, DIRECTORY_INVALID, "mode", "only a custom domain has a policy of its own");
        return false;
    }
    why = domain_sts_set(d, dc, clock_now_s());
    if (why != NULL)
        change_say(g->c, DIRECTORY_CONFLICT, "mode", "%s", why);
    return why == NULL;
}

static bool alter(struct change *g)
{
    const struct domain_change *dc = g->c->domain_change;
    struct domain *d = g->noun;

    snprintf(g->c->canonical, sizeof(g->c->canonical), "%s", g->key);
    if (dc == NULL) {
        change_say(g->c, DIRECTORY_INVALID, "domain", "nothing that could be changed is named");
        return false;
    }
    free(g->subscription); /* its own, whatever the request named */
    g->subscription = text_of(sgl_view_cstr(d->subscription));
    if (g->subscription == NULL || (d->token[0] == '\0' && !new_token(d))) {
        change_no_memory(g->c);
        return false;
    }
    if (dc->set_default)
        d->default_at = dc->default_at;
    if (dc->set_tls)
        d->tls_verified = dc->tls_verified;
    if (dc->set_incoming)
        d->incoming = dc->incoming;
    if (dc->set_bounces)
        d->bounces_plain = dc->bounces_plain;
    return (!dc->set_kind || set_kind(g, d, dc->kind)) &&
           (dc->return_path.ptr == NULL || (set_return_path(g, d, dc->return_path) &&
                                            names_fit(g, d->name, d->return_path, dc))) &&
           set_policy(g, d, dc) && (dc->status == NULL || set_statuses(g, d, dc)) &&
           (dc->rotate == ROTATE_NOT || rotate(g, d, dc));
}

/* ---- removed, when nobody uses it ---- */

static bool uses_domain(const struct identity *i, const char *domain)
{
    for (size_t n = 0; n < i->domains; n++)
        if (strcmp(i->domain[n], domain) == 0)
            return true;
    return false;
}

/* All identities are looked at where they are: sorting a hundred thousand of them would hold up a loop. */
static bool has_user(struct directory *d, const char *domain, char *out, size_t size)
{
    bool found = false;

    pthread_rwlock_rdlock(&d->lock);
    for (unsigned n = 0; n < DIRECTORY_NOUNS && !found; n++) {
        const struct table *t = &d->table[n];

        if (noun_kind_of((enum directory_noun)n)->prefix == NULL)
            continue;
        for (size_t at = 0; at < t->slots && !found; at++) {
            const struct holder *h = t->slot[at].value;

            found = t->slot[at].name != NULL && uses_domain(h->identity, domain);
            if (found)
                snprintf(out, size, "%.90s", h->identity->name);
        }
    }
    pthread_rwlock_unlock(&d->lock);
    return found;
}

static bool may_go(struct change *g)
{
    char by[160];

    if (has_user(g->d, g->key, by, sizeof(by)))
        change_say(g->c, DIRECTORY_IN_USE, "domain",
                   "%s may send as this domain; remove that first: sigillo %.*s remove %s", by,
                   (int)strcspn(by, ":"), by, strchr(by, ':') + 1);
    else if (access_uses_domain(g->d, g->owner, g->key, by, sizeof(by)))
        change_say(g->c, DIRECTORY_IN_USE, "domain",
                   "%s is of this domain; remove that first: sigillo sender remove", by);
    else if (directory_receives_for(g->d, sgl_view_cstr(g->key)))
        change_say(
            g->c, DIRECTORY_IN_USE, "domain",
            "a route receives mail for this domain; remove that first: sigillo route remove");
    else
        return true;
    return false;
}

/* As a look-up means it: case and one dot at the end are ignored. */
static char *key_meant(const struct change *g)
{
    sgl_view name = g->c->name;
    char *key;

    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    key = text_of(name);
    for (size_t i = 0; key != NULL && i < name.len; i++)
        key[i] = (char)sgl_ascii_lower((uint8_t)key[i]);
    return key;
}

/* ---- the row ---- */

static const char *key(const void *noun)
{
    return ((const struct domain *)noun)->name;
}

static uint64_t *version(void *noun)
{
    return &((struct domain *)noun)->version;
}

static void free_(void *noun)
{
    domain_unref(noun);
}

static const char *subscription(const void *noun)
{
    return ((const struct domain *)noun)->subscription;
}

/* What is seldom wanted leaves memory. A copy shares the keys of the one that it was made of, which have left it already. */
static void settle(struct directory *d, void *noun)
{
    struct domain *domain = noun;

    for (size_t i = 0; i < domain->selectors; i++)
        selector_key_spill(domain->selector[i].key, &d->file);
    domain_pack(domain);
}

static const char *const shown[] = {"kind", "return_path", "tls", "bounces", NULL};

const struct noun_kind noun_domain = {
    .name = "domain",
    .field = "domain",
    .key = key,
    .version = version,
    .free = free_,
    .settle = settle,
    .from_json = domain_from_json,
    .to_json = domain_to_json,
    .subscription = subscription,
    .shown = shown,
    .unshown = "selectors or what is known of its records",
    .prepare = prepare,
    .make = generate_next,
    .copy = copy,
    .alter = alter,
    .key_meant = key_meant,
    .may_go = may_go,
};
