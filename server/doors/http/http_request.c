/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler may ask about its request. */
#include <stdio.h>
#include <string.h>

#include <event2/bufferevent_ssl.h>

#include "../../loop/tls.h"
#include "http_internal.h"

#define JSON_PATH_MAX 127

struct loop *http_loop(const struct http_request *r)
{
    return r->loop;
}

struct sgl_arena *http_arena(struct http_request *r)
{
    return &r->arena;
}

const char *http_method(const struct http_request *r)
{
    return r->method;
}

const char *http_pattern(const struct http_request *r)
{
    return r->pattern;
}

sgl_view http_param(const struct http_request *r, const char *name)
{
    sgl_view want = sgl_view_cstr(name);

    for (size_t i = 0; i < r->params; i++)
        if (sgl_view_eq(want, sgl_view_of(r->param[i].name, r->param[i].name_len)))
            return r->param[i].value;
    return sgl_view_of(NULL, 0);
}

sgl_view http_query(struct http_request *r, const char *name)
{
    return http_query_at(r, name, 0);
}

sgl_view http_query_at(struct http_request *r, const char *name, size_t index)
{
    sgl_view want = sgl_view_cstr(name), rest = r->query;

    while (rest.len > 0) {
        sgl_view value, pair = sgl_view_split(rest, '&', &rest);
        sgl_view key = sgl_view_split(pair, '=', &value);
        sgl_view decoded;

        if (!sgl_view_eq(key, want) || index-- > 0)
            continue;
        if (value.len == 0)
            return SGL_LIT("");
        return http_decode(value, true, &r->arena, &decoded) ? decoded : SGL_LIT("");
    }
    return sgl_view_of(NULL, 0);
}

sgl_view http_target(const struct http_request *r)
{
    return r->target;
}

sgl_view http_header(const struct http_request *r, const char *name)
{
    if (r->ev == NULL)
        return sgl_view_of(NULL, 0);
    return sgl_view_cstr(evhttp_find_header(evhttp_request_get_input_headers(r->ev), name));
}

sgl_view http_body(struct http_request *r)
{
    return r->body;
}

sgl_view http_bearer(const struct http_request *r)
{
    sgl_view value = http_header(r, "Authorization"), none = {NULL, 0};

    if (!sgl_view_starts_nocase(value, SGL_LIT("Bearer ")))
        return none;
    value = sgl_view_trim(sgl_view_from(value, 7));
    return value.len == 0 ? none : value;
}

const char *http_peer(const struct http_request *r)
{
    return r->peer;
}

uid_t http_peer_uid(const struct http_request *r)
{
    return r->uid;
}

uid_t http_process_uid(const struct http_request *r)
{
    return r->process_uid;
}

static SSL *request_ssl(const struct http_request *r)
{
    struct evhttp_connection *c = r->ev == NULL ? NULL : evhttp_request_get_connection(r->ev);

    if (c == NULL || r->listener->tls == NULL)
        return NULL;
    return bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(c));
}

/* The connection itself is asked: where memory ends for its session, evhttp makes one in plain on the door that was meant for TLS. */
bool http_is_tls(const struct http_request *r)
{
    return request_ssl(r) != NULL;
}

sgl_view http_tls_text(struct http_request *r)
{
    struct sgl_buf text = SGL_BUF_INIT(128);
    SSL *ssl = request_ssl(r);
    sgl_view out = SGL_LIT("");

    if (ssl == NULL)
        return out;
    sgl_buf_addf(&text, "%s %s", tls_version_text(ssl), tls_cipher_text(ssl));
    if (sgl_arena_dup(&r->arena, sgl_buf_view(&text), &out) != SGL_OK)
        out = SGL_LIT("");
    sgl_buf_done(&text);
    return out;
}

/* By the path of the place where it went wrong. */
static void refuse_json(struct http_request *r, size_t off, const char *code, const char *why)
{
    struct sgl_buf path = SGL_BUF_INIT(JSON_PATH_MAX);
    char field[JSON_PATH_MAX + 1];

    http_json_path(r->body, off, &path);
    snprintf(field, sizeof(field), "%.*s", (int)path.len,
             path.data == NULL ? "" : (const char *)path.data);
    sgl_buf_done(&path);
    http_reply_problem(r, 400, code, field[0] == '\0' ? "body" : field, why);
}

/* What the reader of JSON says of it. */
static void refuse_syntax(struct http_request *r, const json_error_t *error)
{
    struct sgl_buf text = SGL_BUF_INIT(199);
    char why[200];

    if (json_error_code(error) == json_error_out_of_memory) {
        http_reply_header(r, "Retry-After", SGL_LIT("5"));
        http_reply_problem(r, 503, "memory-full", NULL,
                           "The server has no memory left for this; try again soon.");
        return;
    }
    if (json_error_code(error) == json_error_duplicate_key) {
        refuse_json(r, (size_t)error->position, "member-twice",
                    "This member stands there twice, and only one of them could count.");
        return;
    }
    sgl_buf_addf(&text, "The body is not JSON: line %d, column %d: ", error->line, error->column);
    sgl_buf_add_escaped(&text, sgl_view_cstr(error->text), 100);
    snprintf(why, sizeof(why), "%.*s", (int)text.len,
             text.data == NULL ? "" : (const char *)text.data);
    sgl_buf_done(&text);
    http_reply_problem(r, 400, "json-syntax", "body", why);
}

static json_t *load(struct http_request *r, const char *const *paths, json_error_t *error)
{
    uint8_t hash[32];

    /* Where a string stays in the body, it is written anew without its escapes: what came must be known by then. */
    if (r->body.len > HTTP_JSON_LONG && paths != NULL && !http_body_hash(r, hash))
        paths = NULL;
    return http_json_load((uint8_t *)(uintptr_t)r->body.ptr, r->body.len, paths, error);
}

json_t *http_json(struct http_request *r)
{
    return http_json_long(r, NULL);
}

json_t *http_json_long(struct http_request *r, const char *const *paths)
{
    sgl_view type = http_header(r, "Content-Type"), rest;
    struct http_json_size size;
    json_error_t error;
    json_t *json;

    type = sgl_view_trim(sgl_view_split(type, ';', &rest));
    if (type.len > 0 && !sgl_view_eq_nocase(type, SGL_LIT("application/json"))) {
        http_reply_problem(r, 415, "media-type", "Content-Type",
                           "The body must be application/json.");
        return NULL;
    }
    if (!http_unpack(r))
        return NULL;
    if (r->body.len == 0) {
        http_reply_problem(r, 400, "body-missing", "body",
                           "The request needs a JSON document as its body.");
        return NULL;
    }
    size = http_json_measure(r->body);
    if (size.depth > HTTP_JSON_DEPTH_MAX) {
        refuse_json(r, r->body.len, "json-depth",
                    "The JSON document is nested more than 32 levels deep.");
        return NULL;
    }
    if (size.values > r->http->config.json_values_max) {
        http_reply_problem(r, 400, "json-values", "body",
                           "The JSON document has more values than any message needs.");
        return NULL;
    }
    json = load(r, paths, &error);
    if (json == NULL)
        refuse_syntax(r, &error);
    return json;
}
