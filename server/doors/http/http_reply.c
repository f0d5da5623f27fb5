/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: JSON, bytes, and problem documents [RFC 9457]. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "../../metrics/metrics.h"
#include "http_internal.h"

#define RETRY_AFTER_S 30u

static struct metric answers[3] = {
    METRIC_COUNTER("sigillo_http_responses_total", "HTTP responses by class of status",
                   "class=\"2xx\""),
    METRIC_COUNTER("sigillo_http_responses_total", "HTTP responses by class of status",
                   "class=\"4xx\""),
    METRIC_COUNTER("sigillo_http_responses_total", "HTTP responses by class of status",
                   "class=\"5xx\""),
};

static void count_answer(int status)
{
    struct metric *m = &answers[status < 400 ? 0 : status < 500 ? 1 : 2];

    metrics_register(m);
    metric_add(m, 1);
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } known[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {507, "Insufficient Storage"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].status == status)
            return known[i].reason;
    return status < 400 ? "OK" : "Error";
}

void http_reply_header(struct http_request *r, const char *name, sgl_view value)
{
    struct sgl_buf safe = SGL_BUF_INIT(4096);
    const char *text;

    if (r->ev == NULL)
        return;
    sgl_buf_add_line_safe(&safe, value);
    text = safe.status == SGL_OK ? sgl_cstr(&safe) : NULL;
    if (text != NULL) {
        evhttp_remove_header(evhttp_request_get_output_headers(r->ev), name);
        evhttp_add_header(evhttp_request_get_output_headers(r->ev), name, text);
    }
    sgl_buf_done(&safe);
}

static void put_head(struct http_request *r, int status, const char *content_type)
{
    if (content_type != NULL)
        http_reply_header(r, "Content-Type", sgl_view_cstr(content_type));
    http_reply_header(r, "X-Content-Type-Options", SGL_LIT("nosniff"));
    http_reply_header(r, "Cache-Control", SGL_LIT("no-store"));
    if (r->http != NULL && r->http->draining)
        http_reply_header(r, "Connection", SGL_LIT("close"));
    count_answer(status);
}

/* Content that must outlive the call is copied into evhttp's buffer; `release` frees what was given by reference. */
static void send_reply(struct http_request *r, int status, const char *content_type,
                       struct evbuffer *content)
{
    if (r->ev != NULL) {
        put_head(r, status, content_type);
        evhttp_send_reply(r->ev, status, http_reason(status), content);
        r->ev = NULL;
    }
    if (content != NULL)
        evbuffer_free(content);
    http_request_end(r);
}

void http_reply_bytes(struct http_request *r, int status, const char *content_type, sgl_view bytes)
{
    struct evbuffer *content = evbuffer_new();

    if (content == NULL || (bytes.len > 0 && evbuffer_add(content, bytes.ptr, bytes.len) != 0))
        status = 500;
    send_reply(r, status, content_type, content);
}

void http_reply_empty(struct http_request *r, int status)
{
    send_reply(r, status, NULL, NULL);
}

static void release_json(const void *data, size_t len, void *arg)
{
    (void)data;
    (void)len;
    free(arg);
}

static void reply_json(struct http_request *r, int status, const char *type, json_t *json)
{
    struct evbuffer *content = evbuffer_new();
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);

    json_decref(json);
    if (content == NULL || text == NULL ||
        evbuffer_add_reference(content, text, strlen(text), release_json, text) != 0) {
        free(text);
        status = 500;
    } else {
        (void)evbuffer_add(content, "\n", 1);
    }
    send_reply(r, status, type, content);
}

void http_reply_json(struct http_request *r, int status, json_t *json)
{
    reply_json(r, status, "application/json", json);
}

static json_t *problem(int status, const char *code, const char *field, const char *detail)
{
    json_t *p = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title",
                          http_reason(status), "status", status, "code", code);

    if (p != NULL && detail != NULL)
        json_object_set_new(p, "detail", json_string(detail));
    if (p != NULL && field != NULL && field[0] != '\0')
        json_object_set_new(p, "field", json_string(field));
    return p;
}

static void tell(struct http_request *r, const struct http_problem *p)
{
    void (*told)(struct http_request * r, const struct http_problem *p, void *ctx) = r->told;

    r->told = NULL;
    if (told != NULL)
        told(r, p, r->told_ctx);
}

void http_watch(struct http_request *r,
                void (*told)(struct http_request *r, const struct http_problem *p, void *ctx),
                void *ctx)
{
    tell(r, NULL);
    r->told = told;
    r->told_ctx = ctx;
}

void http_shape_problems(struct http_request *r, http_problem_shape shape)
{
    r->shape = shape;
}

void http_shape_below(struct http *http, const char *prefix, http_problem_shape shape)
{
    if (http->shapes == HTTP_SHAPES_MAX)
        abort(); /* at start only: ours to have given room for */
    http->shape[http->shapes++] = (struct http_shape){prefix, shape};
}

void http_reply_problem(struct http_request *r, int status, const char *code, const char *field,
                        const char *detail)
{
    const struct http_problem p = {status, code, field, detail};
    json_t *json;

    tell(r, &p);
    if (r->shape == NULL) {
        reply_json(r, status, "application/problem+json", problem(status, code, field, detail));
        return;
    }
    json = r->shape(r, &p, &status);
    reply_json(r, status, "application/json", json);
}

void http_reply_answer(struct http_request *r, const struct admission_answer *answer)
{
    char after[16];

    if (answer->http == 503 || answer->retry_after_s > 0) {
        snprintf(after, sizeof(after), "%u",
                 answer->retry_after_s > 0 ? answer->retry_after_s : RETRY_AFTER_S);
        http_reply_header(r, "Retry-After", sgl_view_cstr(after));
    }
    http_reply_problem(r, answer->http, answer->code, answer->field, answer->text);
}

/* In the shape of an API, with the fields that it adds. */
static json_t *shaped(http_problem_shape shape, const struct http_problem *p, int *status,
                      struct sgl_buf *fields)
{
    struct http_request r = {.ev = evhttp_request_new(NULL, NULL)};
    const struct evkeyval *field;
    json_t *json;

    if (r.ev == NULL)
        return NULL;
    json = shape(&r, p, status);
    TAILQ_FOREACH(field, evhttp_request_get_output_headers(r.ev), next)
    {
        sgl_buf_add_cstr(fields, field->key);
        sgl_buf_add(fields, SGL_LIT(": "));
        sgl_buf_add_cstr(fields, field->value);
        sgl_buf_add(fields, SGL_LIT("\r\n"));
    }
    evhttp_request_free(r.ev);
    return json;
}

size_t http_raw_problem(http_problem_shape shape, const struct http_problem *p, char *out,
                        size_t out_size)
{
    struct sgl_buf reply = SGL_BUF_INIT(out_size), fields = SGL_BUF_INIT(out_size);
    int status = p->status;
    json_t *json = shape == NULL ? problem(status, p->code, p->field, p->detail)
                                 : shaped(shape, p, &status, &fields);
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
    size_t len = 0;

    if (text != NULL) {
        sgl_buf_addf(&reply, "HTTP/1.1 %d %s\r\nContent-Type: application/%sjson\r\n", status,
                     http_reason(status), shape == NULL ? "problem+" : "");
        sgl_buf_add(&reply, sgl_buf_view(&fields));
        sgl_buf_addf(&reply, "Content-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
                     strlen(text) + 1, text);
        if (reply.status == SGL_OK && fields.status == SGL_OK)
            memcpy(out, reply.data, len = reply.len);
    }
    count_answer(status);
    free(text);
    json_decref(json);
    sgl_buf_done(&fields);
    sgl_buf_done(&reply);
    return len;
}

/* ---- a long reply ---- */

void http_stream_start(struct http_request *r, int status, const char *content_type)
{
    if (r->ev == NULL)
        return;
    put_head(r, status, content_type);
    evhttp_send_reply_start(r->ev, status, http_reason(status));
}

bool http_stream_gone(const struct http_request *r)
{
    return r->ev == NULL || evhttp_request_get_connection(r->ev) == NULL ||
           evhttp_request_get_command(r->ev) == EVHTTP_REQ_HEAD;
}

static void ask_for_more(struct http_request *r)
{
    void (*more)(struct http_request * r, void *ctx) = r->more;

    r->more = NULL;
    if (more != NULL)
        more(r, r->more_ctx);
}

static void piece_gone_out(struct evhttp_connection *conn, void *arg)
{
    (void)conn;
    ask_for_more(arg);
}

/* evhttp tells nobody that the reader of a reply has gone. */
void http_stream_sweep(struct http *http)
{
    struct http_request *next;

    for (struct http_request *r = http->busy; r != NULL; r = next) {
        next = r->next;
        if (r->more != NULL && http_stream_gone(r))
            ask_for_more(r);
    }
}

bool http_stream_put(struct http_request *r, sgl_view bytes,
                     void (*more)(struct http_request *r, void *ctx), void *ctx)
{
    struct evbuffer *content = evbuffer_new();

    if (content == NULL || evbuffer_add(content, bytes.ptr, bytes.len) != 0) {
        if (content != NULL)
            evbuffer_free(content);
        return false;
    }
    r->more = more;
    r->more_ctx = ctx;
    if (!http_stream_gone(r)) /* else the sweep finds it */
        evhttp_send_reply_chunk_with_cb(r->ev, content, piece_gone_out, r);
    evbuffer_free(content);
    return true;
}

void http_stream_end(struct http_request *r)
{
    if (r->ev != NULL)
        evhttp_send_reply_end(r->ev);
    r->ev = NULL;
    http_request_end(r);
}

void http_stream_abort(struct http_request *r)
{
    struct evhttp_connection *conn = r->ev == NULL ? NULL : evhttp_request_get_connection(r->ev);

    if (conn == NULL) {
        http_stream_end(r);
        return;
    }
    evhttp_connection_free(conn); /* and its request */
    r->ev = NULL;
    http_request_end(r);
}
