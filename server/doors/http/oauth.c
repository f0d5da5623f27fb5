/* SPDX-License-Identifier: Apache-2.0 */
/* The token endpoint, and what it publishes of itself. */
#include "oauth.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../log/log.h"
#include "../../tokens/request.h"
#include "guess.h"
#include "oauth_internal.h"

#define RETRY_S    5
#define LOGGED_MAX 100 /* of what may be as long as a request */

/* ---- tenants ---- */

/* The subscription that the path names; *name its name in this request, empty where the path has none. false: refused. */
static bool take_tenant(struct http_request *r, const struct oauth *o, enum oauth_error error,
                        struct subscription **out)
{
    sgl_view name = http_param(r, "tenant");

    *out = name.ptr == NULL ? NULL : directory_tenant(o->directory, name);
    if (name.ptr == NULL || *out != NULL)
        return true;
    oauth_refuse(r, error, name);
    return false;
}

/* ---- what is published ---- */

static json_t *address(const struct oauth *o, sgl_view tenant, const char *plain, const char *below)
{
    struct sgl_buf text = SGL_BUF_INIT(1024);
    json_t *json = NULL;

    sgl_buf_add_cstr(&text, tokens_url(o->tokens));
    if (tenant.len > 0)
        sgl_buf_addf(&text, "/%.*s%s", SGL_FMT(tenant), below);
    else
        sgl_buf_add_cstr(&text, plain);
    if (text.status == SGL_OK)
        json = json_stringn((const char *)text.data, text.len);
    sgl_buf_done(&text);
    return json;
}

static json_t *issuer(const struct oauth *o, sgl_view tenant)
{
    struct sgl_buf text = SGL_BUF_INIT(1024);
    json_t *json = NULL;

    tokens_issuer(o->tokens, tenant, &text);
    if (text.status == SGL_OK)
        json = json_stringn((const char *)text.data, text.len);
    sgl_buf_done(&text);
    return json;
}

static void metadata_get(struct http_request *r, void *ctx)
{
    const struct oauth *o = ctx;
    sgl_view tenant = http_param(r, "tenant");
    struct subscription *s;

    if (!take_tenant(r, o, OAUTH_METADATA_TENANT, &s))
        return;
    subscription_unref(s);
    http_reply_json(
        r, 200,
        json_pack(
            "{s:o, s:o, s:o, s:o, s:[s,s,s], s:[s,s,s], s:[s], s:[s], s:[s], s:[s]}", "issuer",
            issuer(o, tenant), "token_endpoint",
            address(o, tenant, "/oauth2/token", "/oauth2/v2.0/token"), "authorization_endpoint",
            address(o, tenant, "/oauth2/authorize", "/oauth2/v2.0/authorize"), "jwks_uri",
            address(o, tenant, "/oauth2/keys", "/discovery/v2.0/keys"),
            "token_endpoint_auth_methods_supported", "client_secret_post", "client_secret_basic",
            "private_key_jwt", "token_endpoint_auth_signing_alg_values_supported", "RS256", "PS256",
            "ES256", "grant_types_supported", "client_credentials", "response_types_supported",
            "token", "subject_types_supported", "public", "id_token_signing_alg_values_supported",
            "ES256"));
}

static void keys_get(struct http_request *r, void *ctx)
{
    const struct oauth *o = ctx;
    struct subscription *s;

    if (!take_tenant(r, o, OAUTH_METADATA_TENANT, &s))
        return;
    subscription_unref(s);
    http_reply_json(r, 200, tokens_key_set(o->tokens));
}

/* ---- a token is asked for ---- */

struct asking {
    struct token_issue issue; /* first: cast from it */
    struct http_request *r;
    struct identity *who;
    struct oauth *oauth;
    struct federated_check check; /* by an assertion */
    bool asserted;
    char subscription[80]; /* whose name it borrows */
};

static void asking_free(struct asking *a)
{
    identity_unref(a->who);
    free(a);
}

static void issued(struct token_issue *i)
{
    struct asking *a = (struct asking *)(void *)i;

    if (i->ok) {
        http_reply_header(a->r, "Pragma", SGL_LIT("no-cache"));
        http_reply_json(a->r, 200,
                        json_pack("{s:s, s:i, s:i, s:s%}", "token_type", "Bearer", "expires_in",
                                  TOKEN_EXPIRES_IN, "ext_expires_in", TOKEN_EXPIRES_IN,
                                  "access_token", (const char *)i->token.data, i->token.len));
    } else {
        if (a->asserted)
            federation_give_back(a->oauth->federation, &a->check);
        oauth_refuse_until(a->r, OAUTH_UNAVAILABLE, RETRY_S);
    }
    sgl_buf_done(&i->token);
    asking_free(a);
}

/* NULL: refused. */
static struct asking *asking_new(struct http_request *r, struct oauth *o, sgl_view client_id,
                                 enum token_audience audience)
{
    struct asking *a = calloc(1, sizeof(*a));

    if (a == NULL || !guid_take(client_id, a->issue.client_id)) {
        free(a);
        oauth_refuse_until(r, OAUTH_UNAVAILABLE, RETRY_S);
        return NULL;
    }
    a->r = r;
    a->oauth = o;
    a->issue.loop = http_loop(r);
    a->issue.done = issued;
    a->issue.audience = audience;
    a->issue.tenant = http_param(r, "tenant");
    if (a->issue.tenant.ptr == NULL)
        a->issue.tenant = SGL_LIT("");
    return a;
}

/* Takes the reference. */
static void issue(struct asking *a, struct identity *who)
{
    a->who = who;
    a->issue.who = who;
    tokens_issue(a->oauth->tokens, &a->issue);
}

static void log_refused(const struct http_request *r, sgl_view client_id, const char *why)
{
    log_line(LOG_INFO_, "token refused", LOG_VIEW("client", sgl_view_sub(client_id, 0, LOGGED_MAX)),
             LOG_STR("peer", http_peer(r)), LOG_STR("why", why));
}

/* Is it too soon for another attempt?  true: refused. */
static bool is_limited(struct http_request *r, struct oauth *o, sgl_view client_id)
{
    unsigned wait_s =
        attempts_wait_s(&o->attempts, client_id, sgl_view_cstr(http_peer(r)), clock_mono_ms());

    if (wait_s > 0)
        oauth_refuse_until(r, OAUTH_TOO_MANY, wait_s);
    return wait_s > 0;
}

static void refuse_proof(struct http_request *r, struct oauth *o, sgl_view client_id,
                         enum oauth_error error, const char *why)
{
    attempts_wrong(&o->attempts, client_id, sgl_view_cstr(http_peer(r)), clock_mono_ms());
    log_refused(r, client_id, why);
    oauth_refuse(r, error, client_id);
}

/* The application whose secret this is: a reference, or NULL when it has been refused. */
static struct identity *authenticate(struct http_request *r, struct oauth *o,
                                     const struct token_request *q, sgl_view subscription)
{
    struct identity *who = NULL;

    switch (directory_app_login(o->directory, q->client_id, subscription, q->client_secret,
                                clock_now_s(), &who)) {
    case APP_OK:
        return who;
    case APP_UNKNOWN:
        refuse_proof(r, o, q->client_id, OAUTH_CLIENT_UNKNOWN, "unknown application");
        break;
    case APP_WRONG:
        refuse_proof(r, o, q->client_id, OAUTH_SECRET_WRONG, "wrong secret");
        break;
    case APP_EXPIRED:
        log_refused(r, q->client_id, "expired secret");
        oauth_refuse(r, OAUTH_SECRET_EXPIRED, q->client_id);
        break;
    }
    return NULL;
}

/* ---- by the token of another issuer ---- */

static enum oauth_error error_of(enum federated result)
{
    switch (result) {
    case FEDERATED_UNKNOWN:
        return OAUTH_CLIENT_UNKNOWN;
    case FEDERATED_BROKEN:
    case FEDERATED_ALGORITHM:
        return OAUTH_ASSERTION_BROKEN;
    case FEDERATED_ISSUER:
        return OAUTH_ASSERTION_ISSUER;
    case FEDERATED_SUBJECT:
        return OAUTH_ASSERTION_SUBJECT;
    case FEDERATED_AUDIENCE:
        return OAUTH_ASSERTION_AUDIENCE;
    case FEDERATED_EXPIRED:
    case FEDERATED_EARLY:
    case FEDERATED_LONG:
        return OAUTH_ASSERTION_TIME;
    case FEDERATED_KEY:
    case FEDERATED_SIGNATURE:
        return OAUTH_ASSERTION_SIGNATURE;
    case FEDERATED_SEEN:
        return OAUTH_ASSERTION_SEEN;
    case FEDERATED_OK:
    case FEDERATED_UNAVAILABLE:
        break;
    }
    return OAUTH_ASSERTION_UNAVAILABLE;
}

static void asserted(struct federated_check *c)
{
    struct asking *a = (struct asking *)(void *)((char *)c - offsetof(struct asking, check));

    if (c->result == FEDERATED_OK) {
        a->asserted = true;
        issue(a, c->who);
        return;
    }
    if (c->result == FEDERATED_UNAVAILABLE) {
        log_refused(a->r, c->client_id, federated_text(c->result));
        oauth_refuse_until(a->r, OAUTH_ASSERTION_UNAVAILABLE, RETRY_S);
    } else {
        refuse_proof(a->r, a->oauth, c->client_id, error_of(c->result), federated_text(c->result));
    }
    asking_free(a);
}

static void assert_(struct http_request *r, struct oauth *o, const struct token_request *q,
                    const struct subscription *s, enum token_audience audience)
{
    struct asking *a;
    char guid[GUID_TEXT_SIZE];

    if (!guid_take(q->client_id, guid)) {
        refuse_proof(r, o, q->client_id, OAUTH_CLIENT_UNKNOWN, "unknown application");
        return;
    }
    a = asking_new(r, o, q->client_id, audience);
    if (a == NULL)
        return;
    snprintf(a->subscription, sizeof(a->subscription), "%s", s == NULL ? "" : s->name);
    a->check.loop = http_loop(r);
    a->check.done = asserted;
    a->check.client_id = q->client_id;
    a->check.subscription = sgl_view_cstr(a->subscription);
    a->check.assertion = q->assertion;
    federation_check(o->federation, &a->check);
}

/* The API that it asks for: by the address without a tenant, ours where it names none. false: refused. */
static bool take_audience(struct http_request *r, const struct oauth *o,
                          const struct token_request *q, enum token_audience *out)
{
    sgl_view resource;

    if (q->scope.len == 0 && http_param(r, "tenant").ptr == NULL) {
        *out = TOKEN_FOR_US;
        return true;
    }
    if (q->scope.len == 0) {
        oauth_refuse(r, OAUTH_FIELD_MISSING, SGL_LIT("scope"));
        return false;
    }
    if (token_scope_resource(q->scope, &resource)) {
        *out = tokens_audience(o->tokens, resource);
        if (*out != TOKEN_FOR_NOTHING)
            return true;
    }
    oauth_refuse(r, OAUTH_SCOPE, q->scope);
    return false;
}

/* false: refused. */
static bool check_fields(struct http_request *r, const struct token_request *q)
{
    if (q->grant_type.len == 0)
        oauth_refuse(r, OAUTH_FIELD_MISSING, SGL_LIT("grant_type"));
    else if (!sgl_view_eq(q->grant_type, SGL_LIT("client_credentials")))
        oauth_refuse(r, OAUTH_GRANT_TYPE, q->grant_type);
    else if (q->client_id.len == 0)
        oauth_refuse(r, OAUTH_FIELD_MISSING, SGL_LIT("client_id"));
    else if (q->client_secret.len == 0 && q->assertion.len == 0)
        oauth_refuse(r, OAUTH_NO_PROOF, SGL_LIT(""));
    else if (q->client_secret.len > 0 && q->assertion.len > 0)
        oauth_refuse(r, OAUTH_FIELD_TWICE, SGL_LIT("client_assertion' or 'client_secret"));
    else if (q->assertion.len > 0 && !sgl_view_eq(q->assertion_type, SGL_LIT(ASSERTION_TYPE)))
        oauth_refuse(r, OAUTH_ASSERTION_TYPE, SGL_LIT(""));
    else
        return true;
    return false;
}

static void answer(struct http_request *r, struct oauth *o, const struct token_request *q,
                   const struct subscription *s)
{
    enum token_audience audience;
    struct identity *who;
    struct asking *a;

    if (!check_fields(r, q) || !take_audience(r, o, q, &audience) || is_limited(r, o, q->client_id))
        return;
    if (q->assertion.len > 0) {
        assert_(r, o, q, s, audience);
        return;
    }
    who = authenticate(r, o, q, s == NULL ? SGL_LIT("") : sgl_view_cstr(s->name));
    a = who == NULL ? NULL : asking_new(r, o, q->client_id, audience);
    if (a != NULL)
        issue(a, who);
    else
        identity_unref(who);
}

static void refuse_form(struct http_request *r, enum token_request_fault fault, const char *field)
{
    switch (fault) {
    case REQUEST_FINE:
    case REQUEST_NO_MEMORY:
        oauth_refuse_until(r, OAUTH_UNAVAILABLE, RETRY_S);
        break;
    case REQUEST_TWICE:
    case REQUEST_BOTH:
        oauth_refuse(r, OAUTH_FIELD_TWICE, sgl_view_cstr(field));
        break;
    case REQUEST_ENCODING:
    case REQUEST_TOO_LONG:
    case REQUEST_BASIC:
        oauth_refuse(r, OAUTH_FORM_BROKEN, sgl_view_cstr(field));
        break;
    }
}

/* [RFC 6749 s3.2]: over TLS, unless the client sits on this machine (or a proxy that ends TLS does). */
static bool is_safe(const struct http_request *r)
{
    sgl_view peer = sgl_view_cstr(http_peer(r));

    return http_is_tls(r) || sgl_view_starts(peer, SGL_LIT("127.")) ||
           sgl_view_eq(peer, SGL_LIT("::1"));
}

static bool is_form(const struct http_request *r)
{
    sgl_view rest, type = sgl_view_split(http_header(r, "Content-Type"), ';', &rest);

    return sgl_view_eq_nocase(sgl_view_trim(type), SGL_LIT("application/x-www-form-urlencoded"));
}

static sgl_view basic_of(const struct http_request *r)
{
    sgl_view value = http_header(r, "Authorization");

    return sgl_view_starts_nocase(value, SGL_LIT("Basic ")) ? sgl_view_from(value, 6)
                                                            : sgl_view_of(NULL, 0);
}

static void token_post(struct http_request *r, void *ctx)
{
    struct oauth *o = ctx;
    sgl_view body = is_form(r) ? http_body(r) : SGL_LIT("");
    enum token_request_fault fault;
    struct token_request q;
    struct subscription *s;
    const char *field;

    if (!is_safe(r)) {
        oauth_refuse(r, OAUTH_TLS, SGL_LIT(""));
        return;
    }
    if (!take_tenant(r, o, OAUTH_TENANT, &s))
        return;
    fault = token_request_read(body, basic_of(r), http_arena(r), &q, &field);
    if (fault == REQUEST_FINE)
        answer(r, o, &q, s);
    else
        refuse_form(r, fault, field);
    subscription_unref(s);
}

/* ---- tokens at this door ---- */

static struct identity *check_token(void *ctx, sgl_view token, bool *unavailable, const char **why)
{
    struct oauth *o = ctx;
    enum token_fault fault = TOKEN_FINE;
    struct identity *who = tokens_verify(o->tokens, token, TOKEN_FOR_US, clock_now_s(), &fault);

    *unavailable = fault == TOKEN_UNAVAILABLE;
    *why = token_fault_text(fault);
    return who;
}

void oauth_routes(struct http *http, struct oauth *oauth)
{
    static const char *const metadata[] = {"/.well-known/openid-configuration",
                                           "/.well-known/oauth-authorization-server",
                                           "/{tenant}/v2.0/.well-known/openid-configuration"};

    for (size_t i = 0; i < sizeof(metadata) / sizeof(metadata[0]); i++)
        http_route(http, HTTP_PUBLIC, "GET", metadata[i], metadata_get, oauth);
    http_route(http, HTTP_PUBLIC, "POST", "/oauth2/token", token_post, oauth);
    http_route(http, HTTP_PUBLIC, "POST", "/{tenant}/oauth2/v2.0/token", token_post, oauth);
    http_route(http, HTTP_PUBLIC, "GET", "/oauth2/keys", keys_get, oauth);
    http_route(http, HTTP_PUBLIC, "GET", "/{tenant}/discovery/v2.0/keys", keys_get, oauth);
    http_use_tokens(http, check_token, oauth);
    guess_use(http, &oauth->shown);
}
