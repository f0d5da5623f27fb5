/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nouns as JSON documents, and back.
 *
 *   subscription  {"created_at":N}
 *   domain        {"created_at":N,"selectors":[{"name":"s1","algorithm":"rsa-2048","active":true,"public":BASE64,"sealed":BASE64}]}
 *   credential    {"created_at":N,"domains":["example.org"],"argon2id":"$argon2id$...","scram":{"salt":BASE64,"iterations":N,"stored":BASE64,"server":BASE64}}
 *   key           {"created_at":N,"domains":["*"],"label":"...","admin":false,"sha256":BASE64}
 */
#include <stdlib.h>

#include "directory_internal.h"
#include "sigillo/mailbox.h"

#define BASE64 sodium_base64_VARIANT_ORIGINAL

char *text_of(sgl_view v)
{
    char *text = v.len > 0 && memchr(v.ptr, 0, v.len) != NULL ? NULL : malloc(v.len + 1);

    if (text == NULL)
        return NULL;
    if (v.len > 0)
        memcpy(text, v.ptr, v.len);
    text[v.len] = '\0';
    return text;
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

char *domain_canonical(sgl_view name, const char **why)
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

/* ---- pieces ---- */

static json_t *base64_json(const uint8_t *bytes, size_t len)
{
    size_t size = sodium_base64_ENCODED_LEN(len, BASE64);
    char *text = malloc(size);
    json_t *json = NULL;

    if (text != NULL)
        json = json_string(sodium_bin2base64(text, size, bytes, len, BASE64));
    free(text);
    return json;
}

/* A base64 member as bytes of at most max; NULL when it is absent or broken. */
static uint8_t *json_base64(const json_t *object, const char *member, size_t max, size_t *len)
{
    const char *text = json_string_value(json_object_get(object, member));
    uint8_t *bytes = text == NULL ? NULL : malloc(max);

    if (bytes != NULL &&
        sodium_base642bin(bytes, max, text, strlen(text), NULL, len, NULL, BASE64) != 0) {
        free(bytes);
        bytes = NULL;
    }
    return bytes;
}

static bool json_base64_exact(const json_t *object, const char *member, uint8_t *out, size_t size)
{
    size_t len = 0;
    uint8_t *bytes = json_base64(object, member, size, &len);
    bool fits = bytes != NULL && len == size;

    if (fits)
        memcpy(out, bytes, size);
    free(bytes);
    return fits;
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

static bool identity_domains_from_json(struct identity *i, const json_t *json)
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

static json_t *identity_domains_to_json(const struct identity *i)
{
    json_t *list = json_array();

    if (i->any_domain)
        json_array_append_new(list, json_string("*"));
    for (size_t d = 0; d < i->domains; d++)
        json_array_append_new(list, json_string(i->domain[d]));
    return list;
}

/* ---- subscription, domain ---- */

struct subscription *subscription_from_json(sgl_view name, const json_t *json)
{
    struct subscription *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    atomic_init(&s->refs, 1);
    s->name = text_of(name);
    s->created_at = json_integer_value(json_object_get(json, "created_at"));
    if (s->name == NULL) {
        subscription_unref(s);
        return NULL;
    }
    return s;
}

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

struct domain *domain_from_json(const struct store_noun *noun, const json_t *json)
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

json_t *domain_to_json(const struct domain *domain)
{
    json_t *list = json_array();

    for (size_t i = 0; i < domain->selectors; i++)
        json_array_append_new(list, selector_to_json(&domain->selector[i]));
    return json_pack("{s:I, s:o}", "created_at", (json_int_t)domain->created_at, "selectors", list);
}

/* ---- credential, key ---- */

void credential_free(struct credential *c)
{
    if (c == NULL)
        return;
    identity_unref(c->identity);
    free(c->user);
    sodium_memzero(c, sizeof(*c));
    free(c);
}

struct credential *credential_from_json(const struct store_noun *noun, const json_t *json)
{
    const char *argon = json_string_value(json_object_get(json, "argon2id"));
    const json_t *scram = json_object_get(json, "scram");
    struct credential *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->user = text_of(noun->key);
    c->identity = identity_new(IDENTITY_CREDENTIAL, "credential:", noun->key, noun->subscription);
    if (c->user == NULL || c->identity == NULL || argon == NULL ||
        strlen(argon) >= sizeof(c->argon))
        goto fail;
    c->identity->version = noun->version;
    memcpy(c->argon, argon, strlen(argon) + 1);
    c->scram.iterations = (uint32_t)json_integer_value(json_object_get(scram, "iterations"));
    c->scram.known = true;
    if (!json_base64_exact(scram, "salt", c->scram.salt, sizeof(c->scram.salt)) ||
        !json_base64_exact(scram, "stored", c->scram.stored_key, sizeof(c->scram.stored_key)) ||
        !json_base64_exact(scram, "server", c->scram.server_key, sizeof(c->scram.server_key)) ||
        !identity_domains_from_json(c->identity, json))
        goto fail;
    return c;
fail:
    credential_free(c);
    return NULL;
}

json_t *credential_to_json(const struct credential *c)
{
    json_t *scram =
        json_pack("{s:o, s:I, s:o, s:o}", "salt", base64_json(c->scram.salt, sizeof(c->scram.salt)),
                  "iterations", (json_int_t)c->scram.iterations, "stored",
                  base64_json(c->scram.stored_key, sizeof(c->scram.stored_key)), "server",
                  base64_json(c->scram.server_key, sizeof(c->scram.server_key)));

    return json_pack("{s:I, s:o, s:s, s:o}", "created_at", (json_int_t)c->identity->created_at,
                     "domains", identity_domains_to_json(c->identity), "argon2id", c->argon,
                     "scram", scram);
}

void access_key_free(struct access_key *k)
{
    if (k == NULL)
        return;
    identity_unref(k->identity);
    free(k->id);
    free(k);
}

struct access_key *key_from_json(const struct store_noun *noun, const json_t *json)
{
    const char *label = json_string_value(json_object_get(json, "label"));
    struct access_key *k = calloc(1, sizeof(*k));

    if (k == NULL)
        return NULL;
    k->id = text_of(noun->key);
    k->identity = identity_new(IDENTITY_KEY, "key:", noun->key, noun->subscription);
    if (k->id == NULL || k->identity == NULL)
        goto fail;
    k->identity->version = noun->version;
    k->identity->admin = json_is_true(json_object_get(json, "admin"));
    free(k->identity->label);
    k->identity->label = text_of(sgl_view_cstr(label));
    if (k->identity->label == NULL ||
        !json_base64_exact(json, "sha256", k->hash, sizeof(k->hash)) ||
        !identity_domains_from_json(k->identity, json))
        goto fail;
    return k;
fail:
    access_key_free(k);
    return NULL;
}

json_t *key_to_json(const struct access_key *k)
{
    return json_pack("{s:I, s:o, s:s, s:b, s:o}", "created_at", (json_int_t)k->identity->created_at,
                     "domains", identity_domains_to_json(k->identity), "label", k->identity->label,
                     "admin", (int)k->identity->admin, "sha256",
                     base64_json(k->hash, sizeof(k->hash)));
}
