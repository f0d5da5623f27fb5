/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain with its DKIM selectors, whose keys are made in the keys process and kept sealed.
 *
 *   {"created_at":N,"selectors":[{"name":"s1","algorithm":"rsa-2048","active":true,"public":BASE64,"sealed":BASE64}]}
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"
#include "sigillo/mailbox.h"

#define SELECTORS_FIRST 2

struct domain *domain_ref(struct domain *domain)
{
    atomic_fetch_add_explicit(&domain->refs, 1, memory_order_relaxed);
    return domain;
}

void domain_unref(struct domain *domain)
{
    if (domain == NULL || !noun_last_reference(&domain->refs))
        return;
    for (size_t i = 0; i < domain->selectors; i++) {
        free(domain->selector[i].name);
        free(domain->selector[i].public_key);
        free(domain->selector[i].sealed);
    }
    free(domain->selector);
    free(domain->name);
    free(domain->subscription);
    free(domain);
}

char *selector_context(const char *domain, const char *selector)
{
    struct sgl_buf text = SGL_BUF_INIT(512);
    char *out;

    sgl_buf_addf(&text, "dkim:%s:%s", domain, selector);
    out = text.status == SGL_OK ? text_of(sgl_buf_view(&text)) : NULL;
    sgl_buf_done(&text);
    return out;
}

/* A name as the tables know it: lower case, A-labels, no dot at the end; at least two labels. NULL with a reason when it is no domain name. */
static char *domain_canonical(sgl_view name, const char **why)
{
    struct sgl_arena arena = SGL_ARENA_INIT(8192);
    struct sgl_buf address = SGL_BUF_INIT(1024);
    struct sgl_mailbox mailbox;
    struct sgl_diag diag = {0};
    char *out = NULL;

    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    sgl_buf_add(&address, SGL_LIT("x@"));
    sgl_buf_add(&address, name);
    *why = "is not a domain name";
    if (name.len == 0 || sgl_view_find(name, '@') < name.len || address.status != SGL_OK)
        goto done;
    if (sgl_mailbox_parse(sgl_buf_view(&address), &arena, &mailbox, &diag) != SGL_OK ||
        mailbox.literal)
        goto done;
    if (sgl_view_find(mailbox.domain, '.') == mailbox.domain.len) {
        *why = "has one label only; a domain for mail has at least two, as in example.org";
        goto done;
    }
    out = text_of(mailbox.domain);
    *why = out == NULL ? "did not fit into memory" : NULL;
done:
    sgl_buf_done(&address);
    sgl_arena_done(&arena);
    return out;
}

/* ---- as JSON ---- */

static const struct {
    enum keys_algorithm algorithm;
    const char *name;
} algorithms[] = {
    {KEYS_RSA_2048, "rsa-2048"}, {KEYS_RSA_4096, "rsa-4096"}, {KEYS_ED25519, "ed25519"}};

static bool selector_from_json(struct selector *s, const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *algorithm = json_string_value(json_object_get(json, "algorithm"));

    if (name == NULL || algorithm == NULL)
        return false;
    s->name = text_of(sgl_view_cstr(name));
    s->active = json_is_true(json_object_get(json, "active"));
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (strcmp(algorithms[i].name, algorithm) == 0)
            s->algorithm = algorithms[i].algorithm;
    s->public_key = json_base64(json, "public", 1024, &s->public_len);
    s->sealed = json_base64(json, "sealed", KEYS_DATA_MAX, &s->sealed_len);
    return s->name != NULL && s->algorithm != 0 && s->public_key != NULL && s->sealed != NULL;
}

static void *from_json(const struct store_noun *noun, const json_t *json)
{
    const json_t *list = json_object_get(json, "selectors"), *item;
    struct domain *d = calloc(1, sizeof(*d));
    size_t at;

    if (d == NULL)
        return NULL;
    atomic_init(&d->refs, 1);
    d->name = text_of(noun->key);
    d->subscription = text_of(noun->subscription);
    d->version = noun->version;
    d->created_at = json_integer_value(json_object_get(json, "created_at"));
    d->selector = calloc(json_array_size(list) + 1, sizeof(*d->selector));
    if (d->name == NULL || d->subscription == NULL || d->selector == NULL)
        goto fail;
    json_array_foreach(list, at, item)
    {
        d->selectors = at + 1;
        if (!selector_from_json(&d->selector[at], item))
            goto fail;
    }
    return d;
fail:
    domain_unref(d);
    return NULL;
}

static json_t *selector_to_json(const struct selector *s)
{
    const char *algorithm = "";

    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (algorithms[i].algorithm == s->algorithm)
            algorithm = algorithms[i].name;
    return json_pack("{s:s, s:s, s:b, s:o, s:o}", "name", s->name, "algorithm", algorithm, "active",
                     (int)s->active, "public", base64_json(s->public_key, s->public_len), "sealed",
                     base64_json(s->sealed, s->sealed_len));
}

static json_t *to_json(const void *noun)
{
    const struct domain *domain = noun;
    json_t *list = json_array();

    for (size_t i = 0; i < domain->selectors; i++)
        json_array_append_new(list, selector_to_json(&domain->selector[i]));
    return json_pack("{s:I, s:o}", "created_at", (json_int_t)domain->created_at, "selectors", list);
}

/* ---- added: one key after the other is made ---- */

static void generate_next(struct change *g);

static bool keep_generated(struct selector *s, const struct keys_op *op)
{
    s->public_key = malloc(op->public_len);
    s->sealed = malloc(op->out_len);
    if (s->public_key == NULL || s->sealed == NULL)
        return false;
    memcpy(s->public_key, op->public_key, op->public_len);
    memcpy(s->sealed, op->out, op->out_len);
    s->public_len = op->public_len;
    s->sealed_len = op->out_len;
    s->active = true;
    atomic_store(&s->handle, op->handle);
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
    g->selector++;
    generate_next(g);
}

static void generate_next(struct change *g)
{
    const struct domain *domain = g->noun;
    const struct selector *s = &domain->selector[g->selector];

    if (g->selector == domain->selectors) {
        change_store(g);
        return;
    }
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

static struct domain *domain_new(const char *name, const char *subscription, bool ed25519)
{
    struct domain *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return NULL;
    atomic_init(&d->refs, 1);
    d->created_at = clock_now_s();
    d->name = text_of(sgl_view_cstr(name));
    d->subscription = text_of(sgl_view_cstr(subscription));
    d->selector = calloc(SELECTORS_FIRST, sizeof(*d->selector));
    if (d->name == NULL || d->subscription == NULL || d->selector == NULL)
        goto fail;
    d->selectors = ed25519 ? 2 : 1;
    d->selector[0].algorithm = KEYS_RSA_2048;
    d->selector[0].name = text_of(SGL_LIT("s1"));
    d->selector[1].algorithm = KEYS_ED25519;
    d->selector[1].name = ed25519 ? text_of(SGL_LIT("e1")) : NULL;
    if (d->selector[0].name != NULL && (!ed25519 || d->selector[1].name != NULL))
        return d;
fail:
    domain_unref(d);
    return NULL;
}

static bool prepare(struct change *g)
{
    const char *why = NULL;

    g->key = domain_canonical(g->c->name, &why);
    if (g->key == NULL) {
        change_say(g->c, DIRECTORY_INVALID, "domain", "this %s", why);
        return false;
    }
    if (!change_check_free(g) || !change_check_subscription(g))
        return false;
    if (g->d->keys != NULL)
        g->noun = domain_new(g->key, g->subscription, g->c->ed25519);
    if (g->noun == NULL)
        change_no_memory(g->c);
    return g->noun != NULL;
}

/* ---- removed, when nobody uses it ---- */

struct user_search {
    const char *domain;
    char found[96];
};

static bool uses_domain(void *ctx, struct identity *i)
{
    struct user_search *s = ctx;

    for (size_t n = 0; n < i->domains; n++)
        if (strcmp(i->domain[n], s->domain) == 0)
            snprintf(s->found, sizeof(s->found), "%.90s", i->name);
    return s->found[0] == '\0';
}

static bool may_go(struct change *g)
{
    static const enum identity_kind kind[] = {IDENTITY_CREDENTIAL, IDENTITY_KEY, IDENTITY_APP};
    struct user_search search = {.domain = g->key};

    for (size_t i = 0; i < sizeof(kind) / sizeof(kind[0]) && search.found[0] == '\0'; i++)
        directory_each_identity(g->d, kind[i], uses_domain, &search);
    if (search.found[0] == '\0')
        return true;
    change_say(g->c, DIRECTORY_IN_USE, "domain", "%s may send as this domain; remove that first",
               search.found);
    return false;
}

/* As a look-up means it: case and one dot at the end are ignored. */
static char *key_meant(sgl_view name)
{
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

const struct noun_kind noun_domain = {
    .name = "domain",
    .field = "domain",
    .key = key,
    .version = version,
    .free = free_,
    .from_json = from_json,
    .to_json = to_json,
    .subscription = subscription,
    .unshown = "selectors",
    .prepare = prepare,
    .make = generate_next,
    .key_meant = key_meant,
    .may_go = may_go,
};
