/* SPDX-License-Identifier: Apache-2.0 */
/* What the resources below /v3/whitelabel have in common: their numbers, and the subscription as SendGrid's API calls it. */
#include "whitelabel.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "whitelabel_internal.h"

/* A number that every JSON reader keeps as it is; of the same words the same one. */
int64_t whitelabel_number(const char *kind, const char *name, int64_t made_at)
{
    char text[600];
    uint8_t hash[crypto_generichash_BYTES];
    uint64_t number = 0;

    snprintf(text, sizeof(text), "%s/%s/%lld", kind, name, (long long)made_at);
    crypto_generichash(hash, sizeof(hash), (const uint8_t *)text, strlen(text), NULL, 0);
    memcpy(&number, hash, sizeof(number));
    number &= (UINT64_C(1) << 52) - 1;
    return (int64_t)(number == 0 ? 1 : number);
}

int64_t whitelabel_user(const struct admin *admin, const char *subscription)
{
    struct subscription *s = directory_subscription(admin->directory, sgl_view_cstr(subscription));
    int64_t number = whitelabel_number("user", s == NULL ? subscription : s->guid, 0);

    subscription_unref(s);
    return number;
}

bool whitelabel_integer(struct http_request *r, const char *name, int64_t least, int64_t most,
                        int64_t *out)
{
    sgl_view text = http_query(r, name);
    uint64_t n;

    if (text.ptr == NULL)
        return true;
    if (sgl_view_u64(text, (uint64_t)most, &n) && (int64_t)n >= least) {
        *out = (int64_t)n;
        return true;
    }
    http_reply_problem(r, 400, "number", name, "A whole number is wanted here.");
    return false;
}

bool whitelabel_is_user(struct http_request *r, const struct identity *who)
{
    sgl_view user = http_query(r, "username");

    return user.ptr == NULL || sgl_view_eq(user, sgl_view_cstr(who->subscription));
}

/* ---- changes ---- */

void whitelabel_call_free(struct admin_change *n)
{
    identity_unref(n->who);
    json_decref(n->body);
    free(n);
}

bool whitelabel_call_about(struct admin_change *n, const char *name)
{
    const char *copy = sgl_arena_cstr(http_arena(n->r), sgl_view_cstr(name));

    if (copy != NULL) {
        n->change.name = sgl_view_cstr(copy);
        snprintf(n->about, sizeof(n->about), "%.70s", copy);
        return true;
    }
    http_reply_problem(n->r, 503, "memory-full", NULL, "The server has no memory left for this.");
    whitelabel_call_free(n);
    return false;
}

struct admin_change *whitelabel_call_new(struct http_request *r, const struct admin *admin,
                                         struct identity *who, enum directory_noun noun,
                                         enum directory_verb verb)
{
    struct admin_change *n = calloc(1, sizeof(*n));

    if (n == NULL) {
        identity_unref(who);
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        return NULL;
    }
    n->r = r;
    n->admin = admin;
    n->who = who;
    n->change = (struct directory_change){.noun = noun,
                                          .verb = verb,
                                          .loop = http_loop(r),
                                          .actor = sgl_view_cstr(who->name),
                                          .peer = sgl_view_cstr(http_peer(r)),
                                          .within = sgl_view_cstr(who->subscription),
                                          .subscription = sgl_view_cstr(who->subscription)};
    return n;
}

bool whitelabel_take_body(struct admin_change *n)
{
    n->body = http_json(n->r);
    if (n->body != NULL && !json_is_object(n->body))
        http_reply_problem(n->r, 400, "member-type", NULL, "The body is no JSON object.");
    return json_is_object(n->body);
}

const json_t *whitelabel_member(const struct admin_change *n, const char *name, bool string,
                                bool *fine)
{
    const json_t *value = json_object_get(n->body, name);

    if (!*fine || value == NULL || json_is_null(value))
        return NULL;
    if (string ? json_is_string(value) : json_is_boolean(value))
        return value;
    *fine = false;
    http_reply_problem(n->r, 400, "member-type", name,
                       string ? "A string is wanted here." : "This is true or false.");
    return NULL;
}

void whitelabel_routes(struct http *http, const struct admin *admin)
{
    whitelabel_link_routes(http, (void *)(uintptr_t)admin);
    whitelabel_domain_routes(http, (void *)(uintptr_t)admin);
}
