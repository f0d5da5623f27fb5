/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "../../directory/key_form.h"
#include "http_internal.h"

void http_use_tokens(struct http *http, http_token_check check, void *ctx)
{
    http->token_check = check;
    http->token_ctx = ctx;
}

void http_use_guesses(struct http *http, struct http_guesses guesses)
{
    http->guesses = guesses;
}

void http_guessed_wrong(struct http_request *r, sgl_view bearer, const char *why)
{
    const struct http_guesses *g = &r->http->guesses;

    if (g->wrong != NULL)
        g->wrong(g->ctx, bearer, http_peer(r), why);
}

bool http_may_guess(struct http_request *r, sgl_view bearer)
{
    const struct http_guesses *g = &r->http->guesses;
    unsigned wait = g->wait_s == NULL ? 0 : g->wait_s(g->ctx, bearer, http_peer(r));
    char text[128], seconds[16];

    if (wait == 0)
        return true;
    snprintf(seconds, sizeof(seconds), "%u", wait);
    snprintf(text, sizeof(text),
             "Too many wrong keys or tokens of this name came from your address; try again in %u "
             "seconds.",
             wait);
    http_reply_header(r, "Retry-After", sgl_view_cstr(seconds));
    http_reply_problem(r, 429, "too-many-guesses", "Authorization", text);
    return false;
}

/* [RFC 6750 s3]: without a token the client is told no more than how to bring one. */
static void refuse(struct http_request *r, const char *code, const char *why)
{
    struct sgl_buf field = SGL_BUF_INIT(512);

    sgl_buf_add_cstr(&field, "Bearer realm=\"sigillo\"");
    if (strcmp(code, "key-missing") != 0)
        sgl_buf_addf(&field, ", error=\"invalid_token\", error_description=\"%s\"", why);
    http_reply_header(r, "WWW-Authenticate", sgl_buf_view(&field));
    sgl_buf_done(&field);
    http_reply_problem(r, 401, code, "Authorization", why);
}

/* Nothing was looked at, so nothing was guessed. */
static void refuse_for_now(struct http_request *r, const char *why)
{
    http_reply_header(r, "Retry-After", SGL_LIT("5"));
    http_reply_problem(r, 503, "authentication-unavailable", NULL, why);
}

void http_tell_who(struct http *http, const char *prefix,
                   void (*tell)(struct http_request *r, const struct identity *who, void *ctx),
                   void *ctx)
{
    http->told_below = prefix;
    http->tell_who = tell;
    http->tell_who_ctx = ctx;
}

static struct identity *known(struct http_request *r, struct identity *who)
{
    struct http *http = r->http;

    if (http->tell_who != NULL && r->listener->side == HTTP_PUBLIC &&
        sgl_view_starts(r->path, sgl_view_cstr(http->told_below)))
        http->tell_who(r, who, http->tell_who_ctx);
    return who;
}

struct identity *http_authenticate(struct http_request *r, struct directory *directory)
{
    sgl_view token = http_bearer(r);
    const char *why = "This access key is not known.", *code = "key-unknown";
    struct identity *who = NULL;
    bool unavailable = false;

    if (token.ptr == NULL) {
        refuse(r, "key-missing", "This needs an access key: Authorization: Bearer sk_...");
        return NULL;
    }
    if (!http_may_guess(r, token))
        return NULL;
    if (key_form_is(token) || r->http->token_check == NULL) {
        who = directory_bearer(directory, token);
    } else {
        code = "token";
        who = r->http->token_check(r->http->token_ctx, token, &unavailable, &why);
    }
    if (who != NULL)
        return known(r, who);
    if (unavailable) {
        refuse_for_now(r, why);
        return NULL;
    }
    http_guessed_wrong(r, token, why);
    refuse(r, code, why);
    return NULL;
}

/* [RFC 6750 s3.1] */
bool http_has_scope(struct http_request *r, const struct identity *who, const char *scope)
{
    char field[128], text[160];

    if (identity_has_scope(who, scope))
        return true;
    snprintf(field, sizeof(field),
             "Bearer realm=\"sigillo\", error=\"insufficient_scope\", scope=\"%s\"", scope);
    snprintf(text, sizeof(text), "This needs the scope %s, which your key does not have.", scope);
    http_reply_header(r, "WWW-Authenticate", sgl_view_cstr(field));
    http_reply_problem(r, 403, "scope", "Authorization", text);
    return false;
}

/* Takes the reference. In place of another subscription only for who may act for it: never silently for his own. NULL: answered. */
static struct identity *on_behalf_of(struct http_request *r, struct directory *directory,
                                     struct identity *who)
{
    sgl_view name = http_header(r, "On-Behalf-Of");
    struct identity *acting = NULL;
    enum directory_result result;

    if (name.ptr == NULL)
        return who;
    result = directory_acting_for(directory, who, name, &acting);
    identity_unref(who);
    if (result == DIRECTORY_UNAVAILABLE)
        refuse_for_now(r, "The server has no memory left for this; try again soon.");
    else if (result != DIRECTORY_OK)
        http_reply_problem(r, 403, "on-behalf-of", "On-Behalf-Of",
                           "There is no such subscription that this key may act for.");
    return acting;
}

struct identity *http_caller(struct http_request *r, struct directory *directory, const char *scope)
{
    struct identity *who = http_authenticate(r, directory);

    if (who != NULL)
        who = on_behalf_of(r, directory, who);
    if (who == NULL || scope == NULL || http_has_scope(r, who, scope))
        return who;
    identity_unref(who);
    return NULL;
}
