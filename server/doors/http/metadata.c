/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../log/log.h"
#include "sigillo/ip.h"

#define PATH "/metadata/identity/oauth2/token"

static void refuse(struct http_request *r, int status, const char *error, const char *text)
{
    log_line(LOG_INFO_, "token refused", LOG_STR("peer", http_peer(r)), LOG_STR("why", text));
    if (status == 503)
        http_reply_header(r, "Retry-After", SGL_LIT("5"));
    http_reply_json(r, status, json_pack("{s:s, s:s}", "error", error, "error_description", text));
}

static void refuse_request(struct http_request *r, const char *text)
{
    refuse(r, 400, "invalid_request", text);
}

/* ---- the request ---- */

/* Somebody's program that fetches what others tell it to sends no such field, or was sent by somebody itself. */
static bool is_meant(struct http_request *r)
{
    if (!sgl_view_eq_nocase(http_header(r, "Metadata"), SGL_LIT("true")))
        refuse_request(r, "Required metadata header not specified");
    else if (http_header(r, "X-Forwarded-For").ptr != NULL)
        refuse_request(r, "Requests that were forwarded (X-Forwarded-For) are not answered");
    else
        return true;
    return false;
}

/* A page in a browser can have a name of its own lead to this machine, and say all else that is wanted; but then the name is that one. */
static bool is_by_address(struct http_request *r)
{
    sgl_view host = http_header(r, "Host");
    size_t colon = sgl_view_find(host, ':');
    struct sgl_ip ip;

    if (host.len > 0 && host.ptr[0] == '[')
        host = sgl_view_sub(host, 1, sgl_view_find(host, ']') - 1);
    else if (colon < host.len)
        host = sgl_view_sub(host, 0, colon);
    if (strncmp(http_peer(r), "unix:", 5) == 0 || sgl_view_eq_nocase(host, SGL_LIT("localhost")) ||
        sgl_ip_parse(host, &ip) == SGL_OK)
        return true;
    refuse_request(r, "The host has to be an address or localhost");
    return false;
}

/* Each at most once: of two, one would be looked at and the other one obeyed somewhere. */
static bool take_parameter(struct http_request *r, const char *name, bool required, sgl_view *out)
{
    char text[96];

    *out = http_query(r, name);
    if (http_query_at(r, name, 1).ptr != NULL)
        snprintf(text, sizeof(text), "Query variable '%s' is there more than once", name);
    else if (required && out->len == 0)
        snprintf(text, sizeof(text), "Required query variable '%s' is missing", name);
    else
        return true;
    refuse_request(r, text);
    return false;
}

struct question {
    sgl_view version, resource, client_id, object_id, resource_id;
    enum token_audience audience;
};

static bool take_question(struct http_request *r, const struct metadata *m, struct question *q)
{
    if (!take_parameter(r, "api-version", true, &q->version) ||
        !take_parameter(r, "resource", true, &q->resource) ||
        !take_parameter(r, "client_id", false, &q->client_id) ||
        !take_parameter(r, "object_id", false, &q->object_id) ||
        !take_parameter(r, "msi_res_id", false, &q->resource_id))
        return false;
    if (!sgl_view_eq(q->version, SGL_LIT("2018-02-01"))) {
        refuse_request(r, "Unsupported api-version; it is 2018-02-01 here");
        return false;
    }
    q->audience = tokens_audience(m->tokens, q->resource);
    if (q->audience != TOKEN_FOR_NOTHING)
        return true;
    refuse(r, 400, "invalid_resource",
           "AADSTS500011: The resource named in the request is not known here");
    return false;
}

/* ---- who is it? ---- */

/* An id that is given has to be that of the one who asks. */
static bool is_his(sgl_view given, const char *id)
{
    return given.len == 0 || sgl_view_eq_nocase(given, sgl_view_cstr(id));
}

/* A reference, or NULL: refused. All that can be wrong with him is one sentence, which clients know. */
static struct identity *find(struct http_request *r, const struct metadata *m,
                             const struct question *q, char id[GUID_TEXT_SIZE])
{
    uid_t uid = http_process_uid(r);
    struct identity *who = uid == (uid_t)-1 ? NULL : directory_process(m->directory, uid);

    if (who != NULL && directory_process_guid(m->directory, who, id) && is_his(q->client_id, id) &&
        is_his(q->object_id, id) && q->resource_id.len == 0)
        return who;
    identity_unref(who);
    refuse_request(r, "Identity not found");
    return NULL;
}

/* ---- the answer ---- */

struct asking {
    struct token_issue issue; /* first: cast from it */
    struct http_request *r;
    struct identity *who;
    int64_t now;
    sgl_view resource;
};

/* All values are strings. */
static json_t *token_json(const struct asking *a)
{
    char lives[16], until[32], from[32];

    snprintf(lives, sizeof(lives), "%d", TOKEN_EXPIRES_IN);
    snprintf(until, sizeof(until), "%lld", (long long)a->now + TOKEN_EXPIRES_IN);
    snprintf(from, sizeof(from), "%lld", (long long)a->now);
    return json_pack("{s:s%, s:s, s:s, s:s, s:s, s:s, s:s%, s:s}", "access_token",
                     (const char *)a->issue.token.data, a->issue.token.len, "client_id",
                     a->issue.client_id, "expires_in", lives, "expires_on", until, "ext_expires_in",
                     lives, "not_before", from, "resource", (const char *)a->resource.ptr,
                     a->resource.len, "token_type", "Bearer");
}

static void issued(struct token_issue *i)
{
    struct asking *a = (struct asking *)(void *)i;

    if (i->ok) {
        log_line(LOG_INFO_, "token issued", LOG_STR("who", a->who->name),
                 LOG_STR("peer", http_peer(a->r)));
        http_reply_json(a->r, 200, token_json(a));
    } else {
        refuse(a->r, 503, "temporarily_unavailable", "No token can be signed now; try again soon");
    }
    sgl_buf_done(&i->token);
    identity_unref(a->who);
    free(a);
}

static void token_get(struct http_request *r, void *ctx)
{
    const struct metadata *m = ctx;
    struct asking *a;
    struct question q;
    char id[GUID_TEXT_SIZE];
    struct identity *who;

    if (!is_meant(r) || !is_by_address(r) || !take_question(r, m, &q))
        return;
    who = find(r, m, &q, id);
    if (who == NULL)
        return;
    a = calloc(1, sizeof(*a));
    if (a == NULL) {
        identity_unref(who);
        refuse(r, 503, "temporarily_unavailable", "The server has no memory left for this");
        return;
    }
    a->r = r;
    a->who = who;
    a->now = clock_now_s();
    a->resource = q.resource;
    a->issue = (struct token_issue){.loop = http_loop(r),
                                    .done = issued,
                                    .who = who,
                                    .audience = q.audience,
                                    .tenant = SGL_LIT("")};
    memcpy(a->issue.client_id, id, sizeof(id));
    tokens_issue(m->tokens, &a->issue);
}

void metadata_routes(struct http *http, const struct metadata *metadata)
{
    void *ctx = (void *)(uintptr_t)metadata;

    http_route(http, HTTP_METADATA, "GET", PATH, token_get, ctx);
    http_route(http, HTTP_METADATA, "GET", PATH "/", token_get, ctx);
}
