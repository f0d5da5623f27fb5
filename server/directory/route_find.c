/* SPDX-License-Identifier: Apache-2.0 */
/* Which route takes an address. */
#include "route.h"

#include "directory_internal.h"
#include "sigillo/ascii.h"

/* ---- an address ---- */

/* As patterns are kept; false: it is none that mail could arrive for. */
static bool read_address(sgl_view text, struct access_address *a)
{
    const char *why;

    if (sgl_view_find(text, '@') == text.len || access_address_parse(text, a, &why) != SGL_OK ||
        a->at == 0)
        return false;
    for (size_t i = 0; i < a->at; i++)
        a->text[i] = (char)sgl_ascii_lower((uint8_t)a->text[i]);
    return true;
}

/* Where "+detail" begins; a->at: there is none. A local part in quotes is taken as it is. */
static size_t detail_of(const struct access_address *a)
{
    size_t plus = sgl_view_find(sgl_view_of(a->text, a->at), '+');

    return a->text[0] == '"' || plus == 0 ? a->at : plus;
}

static struct arrival_route *find(struct directory *d, const char *text, size_t len)
{
    return table_find(&d->alias[DIRECTORY_ROUTE], sgl_view_of(text, len));
}

static struct arrival_route *find_any(struct directory *d, const struct access_address *a,
                                      enum route_match *match)
{
    struct arrival_route *r = find(d, a->text, a->len);
    size_t detail = detail_of(a);
    char plain[ACCESS_TEXT_MAX + 1];

    *match = ROUTE_MATCH_ADDRESS;
    if (r == NULL && detail < a->at) {
        memcpy(plain, a->text, detail);
        memcpy(plain + detail, a->text + a->at, a->len - a->at);
        r = find(d, plain, a->len - (a->at - detail));
        *match = ROUTE_MATCH_DETAIL;
    }
    if (r == NULL) {
        r = find(d, a->text + a->at, a->len - a->at);
        *match = ROUTE_MATCH_DOMAIN;
    }
    return r;
}

/* Under the lock: is the domain still what it was when the route was made? */
static bool is_ours(struct directory *d, const struct arrival_route *r)
{
    sgl_view domain = sgl_view_cstr(strrchr(r->pattern, '@') + 1);
    const struct domain *found = table_find(&d->table[DIRECTORY_DOMAIN], domain);

    return found != NULL && found->kind == DOMAIN_CUSTOM &&
           strcmp(found->subscription, r->owned.subscription) == 0;
}

struct arrival_route *directory_route_match(struct directory *d, sgl_view address,
                                            enum route_match *match)
{
    struct arrival_route *r;
    struct access_address a;
    enum route_match found = ROUTE_MATCH_NONE;

    if (match != NULL)
        *match = ROUTE_MATCH_NONE;
    if (!read_address(address, &a))
        return NULL;
    pthread_rwlock_rdlock(&d->lock);
    r = find_any(d, &a, &found);
    if (r != NULL && is_ours(d, r))
        (void)owned_ref(r);
    else
        r = NULL;
    pthread_rwlock_unlock(&d->lock);
    if (match != NULL && r != NULL)
        *match = found;
    return r;
}

struct arrival_route *directory_route(struct directory *d, sgl_view address)
{
    return directory_route_match(d, address, NULL);
}

struct arrival_route *directory_route_by_key(struct directory *d, sgl_view key)
{
    struct arrival_route *r;

    pthread_rwlock_rdlock(&d->lock);
    r = table_find(&d->table[DIRECTORY_ROUTE], key);
    if (r != NULL)
        (void)owned_ref(r);
    pthread_rwlock_unlock(&d->lock);
    return r;
}

struct arrival_route *directory_route_named(struct directory *d, sgl_view name)
{
    char pattern[ROUTE_PATTERN_SIZE];
    struct arrival_route *r = NULL;
    const char *why;

    if (sgl_view_find(name, '@') == name.len)
        return directory_route_by_key(d, name);
    if (route_pattern_read(name, pattern, &why) != SGL_OK)
        return NULL;
    pthread_rwlock_rdlock(&d->lock);
    r = table_find(&d->alias[DIRECTORY_ROUTE], sgl_view_cstr(pattern));
    if (r != NULL)
        (void)owned_ref(r);
    pthread_rwlock_unlock(&d->lock);
    return r;
}

enum sgl_status route_pattern_read(sgl_view text, char out[ROUTE_PATTERN_SIZE], const char **why)
{
    struct sgl_buf star = SGL_BUF_INIT(ROUTE_PATTERN_SIZE);
    struct access_address a;
    enum sgl_status status;

    *why = "this is no address: write user@example.org, or @example.org for all of a domain";
    if (sgl_view_find(text, '@') == text.len || text.len >= ROUTE_PATTERN_SIZE - 1)
        return SGL_E_SYNTAX;
    if (text.ptr[0] == '@')
        sgl_buf_add_byte(&star, '*');
    sgl_buf_add(&star, text);
    status =
        star.status == SGL_OK ? access_address_parse(sgl_buf_view(&star), &a, why) : star.status;
    sgl_buf_done(&star);
    if (status != SGL_OK)
        return status;
    for (size_t i = 0; i < a.len; i++)
        out[i] = (char)sgl_ascii_lower((uint8_t)a.text[i]);
    out[a.len] = '\0';
    return SGL_OK;
}

/* ---- of a domain ---- */

bool directory_receives_for(struct directory *d, sgl_view domain)
{
    const struct table *t = &d->table[DIRECTORY_ROUTE];
    bool found = false;

    pthread_rwlock_rdlock(&d->lock);
    for (size_t i = 0; i < t->slots && !found; i++) {
        const struct arrival_route *r = t->slot[i].name == NULL ? NULL : t->slot[i].value;

        found = r != NULL &&
                sgl_view_eq_nocase(sgl_view_cstr(strrchr(r->pattern, '@') + 1), domain) &&
                is_ours(d, r);
    }
    pthread_rwlock_unlock(&d->lock);
    return found;
}

/* ---- all ---- */

void directory_each_route(struct directory *d, bool (*each)(void *ctx, struct arrival_route *r),
                          void *ctx)
{
    size_t count;
    void **all = nouns_referenced(d, DIRECTORY_ROUTE, owned_ref, &count);
    bool more = true;

    for (size_t i = 0; i < count; i++) {
        more = more && each(ctx, all[i]);
        arrival_route_unref(all[i]);
    }
    free(all);
}
