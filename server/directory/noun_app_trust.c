/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose tokens prove an application beside its secrets: an issuer, a subject, an audience.  A list never changes once it is there; a change makes a new one, so whoever looks at
 * a token keeps the one that he began with.
 *
 *   "trusts":[{"id":"...","issuer":"https://...","subject":"...","audience":"...","reusable":false,"created_at":N}]
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"

#define TEXT_MAX  255
#define ID_LETTER 8
#define HTTPS     SGL_LIT("https://")

struct app_trusts *app_trusts_ref(struct app_trusts *t)
{
    if (t != NULL)
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

static void item_done(struct app_trust *t)
{
    free(t->issuer);
    free(t->subject);
    free(t->audience);
}

void app_trusts_unref(struct app_trusts *t)
{
    if (t == NULL || !noun_last_reference(&t->refs))
        return;
    for (size_t i = 0; i < t->count; i++)
        item_done(&t->item[i]);
    free(t);
}

/* At the end of a list that has room; false: memory has ended. */
static bool append(struct app_trusts *to, const struct app_trust *from)
{
    struct app_trust t = {.reusable = from->reusable, .created_at = from->created_at};

    memcpy(t.id, from->id, sizeof(t.id));
    t.issuer = strdup(from->issuer);
    t.subject = strdup(from->subject);
    t.audience = strdup(from->audience);
    if (t.issuer == NULL || t.subject == NULL || t.audience == NULL) {
        item_done(&t);
        return false;
    }
    to->item[to->count++] = t;
    return true;
}

/* A list with those of another, but for one; NULL: no memory. */
static struct app_trusts *list_without(const struct app_trusts *from, size_t without)
{
    struct app_trusts *made = calloc(1, sizeof(*made));
    bool whole = made != NULL;

    if (made != NULL)
        atomic_init(&made->refs, 1);
    for (size_t i = 0; whole && from != NULL && i < from->count; i++)
        whole = i == without || append(made, &from->item[i]);
    if (whole)
        return made;
    app_trusts_unref(made);
    return NULL;
}

/* ---- as JSON ---- */

static bool item_from_json(struct app_trusts *to, const json_t *json)
{
    struct app_trust t = {.reusable = json_is_true(json_object_get(json, "reusable")),
                          .created_at = json_integer_value(json_object_get(json, "created_at"))};
    const char *id, *issuer, *subject, *audience;

    if (to->count == APP_TRUSTS_MAX ||
        json_unpack((json_t *)(uintptr_t)json, "{s:s, s:s, s:s, s:s}", "id", &id, "issuer", &issuer,
                    "subject", &subject, "audience", &audience) != 0 ||
        strlen(id) >= sizeof(t.id))
        return false;
    memcpy(t.id, id, strlen(id) + 1);
    t.issuer = (char *)(uintptr_t)issuer;
    t.subject = (char *)(uintptr_t)subject;
    t.audience = (char *)(uintptr_t)audience;
    return append(to, &t);
}

bool app_trusts_from_json(struct app *a, const json_t *json)
{
    const json_t *list = json_object_get(json, "trusts"), *item;
    size_t at;

    if (json_array_size(list) == 0)
        return true;
    a->trusts = list_without(NULL, 0);
    json_array_foreach(list, at, item)
    {
        if (a->trusts == NULL || !item_from_json(a->trusts, item))
            return false;
    }
    return a->trusts != NULL;
}

json_t *app_trusts_to_json(const struct app *a)
{
    json_t *list = json_array();

    for (size_t i = 0; a->trusts != NULL && i < a->trusts->count; i++) {
        const struct app_trust *t = &a->trusts->item[i];

        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:b, s:I}", "id", t->id,
                                              "issuer", t->issuer, "subject", t->subject,
                                              "audience", t->audience, "reusable", (int)t->reusable,
                                              "created_at", (json_int_t)t->created_at));
    }
    return list;
}

/* ---- changed ---- */

static bool is_printable(sgl_view text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    return true;
}

/* "https://HOST..." without a name of a user, a query or a fragment  [OpenID Connect Discovery s3]. */
static bool is_issuer(sgl_view url)
{
    sgl_view rest, host;

    if (!sgl_view_starts(url, HTTPS) || !is_printable(url) || sgl_view_find(url, '?') < url.len ||
        sgl_view_find(url, '#') < url.len || sgl_view_find(url, '\\') < url.len)
        return false;
    host = sgl_view_split(sgl_view_from(url, HTTPS.len), '/', &rest);
    return host.len > 0 && host.ptr[0] != ':' && sgl_view_find(host, '@') == host.len;
}

/* false: said. */
static bool check_text(struct directory_change *c, sgl_view text, const char *field)
{
    bool control = false;

    for (size_t i = 0; i < text.len; i++)
        control = control || sgl_ascii_is_control(text.ptr[i]);
    if (text.len > 0 && text.len <= TEXT_MAX && !control)
        return true;
    change_say(c, DIRECTORY_INVALID, field, "1 to %d bytes without control characters are wanted",
               TEXT_MAX);
    return false;
}

static bool check(struct directory_change *c, const struct app_trust_change *want)
{
    if (!check_text(c, want->issuer, "trust_issuer") ||
        !check_text(c, want->subject, "trust_subject") ||
        !check_text(c, want->audience, "trust_audience"))
        return false;
    if (is_issuer(want->issuer))
        return true;
    change_say(c, DIRECTORY_INVALID, "trust_issuer",
               "an issuer is an address that begins with https://, without a query");
    return false;
}

static bool is_there(const struct app_trusts *t, const struct app_trust_change *want)
{
    for (size_t i = 0; t != NULL && i < t->count; i++)
        if (sgl_view_eq(want->issuer, sgl_view_cstr(t->item[i].issuer)) &&
            sgl_view_eq(want->subject, sgl_view_cstr(t->item[i].subject)) &&
            sgl_view_eq(want->audience, sgl_view_cstr(t->item[i].audience)))
            return true;
    return false;
}

static bool append_new(struct app_trusts *to, const struct app_trust_change *want, char id[16])
{
    char *made = noun_id_new();
    struct app_trust t = {.reusable = want->reusable, .created_at = clock_now_s()};
    bool added = false;

    t.issuer = text_of(want->issuer);
    t.subject = text_of(want->subject);
    t.audience = text_of(want->audience);
    if (made != NULL && t.issuer != NULL && t.subject != NULL && t.audience != NULL) {
        snprintf(t.id, sizeof(t.id), "%.*s", ID_LETTER, made);
        memcpy(id, t.id, sizeof(t.id));
        added = append(to, &t);
    }
    free(made);
    item_done(&t);
    return added;
}

bool app_trust_add(struct change *g, struct app *a, const struct app_trust_change *want)
{
    struct directory_change *c = g->c;
    struct app_trusts *made;
    char id[16];

    if (!check(c, want))
        return false;
    if (is_there(a->trusts, want)) {
        change_say(c, DIRECTORY_EXISTS, "trust_issuer", "the application trusts just this already");
        return false;
    }
    if (a->trusts != NULL && a->trusts->count == APP_TRUSTS_MAX) {
        change_say(c, DIRECTORY_INVALID, "trust_issuer", "an application trusts at most %d issuers",
                   APP_TRUSTS_MAX);
        return false;
    }
    made = list_without(a->trusts, SIZE_MAX);
    if (made == NULL || !append_new(made, want, id)) {
        app_trusts_unref(made);
        change_no_memory(c);
        return false;
    }
    snprintf(c->id, sizeof(c->id), "%s", id);
    app_trusts_unref(a->trusts);
    a->trusts = made;
    return true;
}

bool app_trust_remove(struct change *g, struct app *a, sgl_view id)
{
    size_t at = 0, count = a->trusts == NULL ? 0 : a->trusts->count;
    struct app_trusts *made;

    while (at < count && !sgl_view_eq(id, sgl_view_cstr(a->trusts->item[at].id)))
        at++;
    if (at == count) {
        change_say(g->c, DIRECTORY_NOT_FOUND, "remove_trust",
                   "the application trusts no issuer under this id");
        return false;
    }
    made = list_without(a->trusts, at);
    if (made == NULL) {
        change_no_memory(g->c);
        return false;
    }
    app_trusts_unref(a->trusts);
    a->trusts = made;
    return true;
}

/* ---- looked up ---- */

struct identity *directory_app_trusts(struct directory *d, sgl_view client_id,
                                      sgl_view subscription, struct app_trusts **out)
{
    struct identity *who = NULL;
    const struct app *a = NULL;
    char guid[GUID_TEXT_SIZE];

    *out = NULL;
    pthread_rwlock_rdlock(&d->lock);
    if (guid_take(client_id, guid))
        a = table_find(&d->alias[DIRECTORY_APP], sgl_view_cstr(guid));
    if (a != NULL && (subscription.len == 0 ||
                      sgl_view_eq(subscription, sgl_view_cstr(a->holder.identity->subscription)))) {
        who = identity_ref(a->holder.identity);
        *out = app_trusts_ref(a->trusts);
    }
    pthread_rwlock_unlock(&d->lock);
    return who;
}
