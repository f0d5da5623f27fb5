/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of the HTTP shell, for its own folder. */
#ifndef SERVER_DOORS_HTTP_HTTP_INTERNAL_H
#define SERVER_DOORS_HTTP_HTTP_INTERNAL_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include "http.h"
#include "sigillo/crypto.h"

#define HTTP_PARAMS_MAX   6
#define HTTP_CONN_BUCKETS 256
#define HTTP_SHAPES_MAX   8

struct http_param {
    const char *name; /* in the pattern, not terminated */
    size_t name_len;
    sgl_view value;
};

struct http_route_entry {
    struct http_route_entry *next;
    enum http_side side;
    const char *method;
    const char *pattern;
    http_handler handler;
    void *ctx;
};

struct http_listener {
    struct http_listener *next;
    struct http *http;
    struct evhttp *ev;
    struct evconnlistener *socket;
    enum http_side side;
    uid_t owner;
    struct owners *owners; /* metadata over TCP; else NULL */
    SSL *(*tls)(void *ctx);
    void *tls_ctx;
};

/*
 * evhttp tells nobody when it frees a connection.  So each bufferevent is held by one more reference, and a sweep finds those that evhttp has let go (their callbacks are
 * gone then) and lets go of them, too.  evhttp has shut the socket down before, so that the peer never waits for the sweep.
 */
struct http_conn {
    struct http_conn *next; /* in its bucket */
    struct http_listener *listener;
    struct bufferevent *bev;
    size_t bytes;        /* of the request being received */
    uint64_t started_ms; /* when its first byte came; 0 between requests */
    http_problem_shape
        shape; /* of what the request asks for, once that is known; NULL: problem documents */
    uint64_t refused_ms; /* when it was refused; 0: it was not */
    size_t thrown;       /* bytes since then */
};

struct http {
    struct loop *loop;
    struct sgl_crypto *crypto;
    struct http_config config;
    struct http_listener *listener;
    struct http_route_entry *route;
    struct http_request *busy;
    size_t busy_count;
    struct http_conn *conn[HTTP_CONN_BUCKETS];
    size_t conns;
    size_t bytes; /* of requests in memory */
    struct event *sweep;
    bool draining;
    http_token_check token_check; /* NULL: access keys only */
    void *token_ctx;
    struct http_guesses guesses; /* wait_s NULL: nobody counts */
    const char *told_below;      /* of what lies below it tell_who() hears */
    void (*tell_who)(struct http_request *r, const struct identity *who, void *ctx); /* or NULL */
    void *tell_who_ctx;
    struct http_shape {
        const char *below; /* what lies below this path has the shape */
        http_problem_shape shape;
    } shape[HTTP_SHAPES_MAX];
    size_t shapes;
};

struct http_request {
    struct http_request *next, **prev;
    struct http *http; /* NULL: the shell is gone */
    struct http_listener *listener;
    struct evhttp_request *ev; /* NULL: the shell is gone */
    struct loop *loop;
    struct sgl_arena arena;
    struct http_param param[HTTP_PARAMS_MAX];
    size_t params;
    sgl_view target, path, query;
    sgl_view
        body; /* writable: in `gathered`, in `unpacked` or, a short one, in the buffer of `ev` */
    struct sgl_buf gathered;
    uint8_t body_hash[32];
    bool is_hashed;
    struct sgl_buf unpacked; /* the body points there once it is unpacked */
    bool is_unpacked;
    size_t bytes;
    const char *method, *pattern; /* of its route */
    http_problem_shape shape;     /* NULL: problem documents */
    void (*told)(struct http_request *r, const struct http_problem *p, void *ctx);
    void *told_ctx;
    uid_t uid, process_uid;
    uint64_t started_us;
    char peer[64];
    void (*more)(struct http_request *r, void *ctx); /* a piece of a reply is on its way */
    void *more_ctx;
};
/* Ends long replies that nobody reads any more. */
void http_stream_sweep(struct http *http);

/* evhttp asks for the bufferevent of a new connection; arg is its listener. */
struct bufferevent *http_conn_opened(struct event_base *base, void *arg);
/* The connection of a bufferevent; NULL: it is not counted. */
struct http_conn *http_conn_find(struct http *http, const struct bufferevent *bev);
/* Its bytes are no longer held, or they belong to its request now: how many. */
size_t http_conn_take_bytes(struct http_conn *c);
/* Lets go of connections that are gone, refuses slow ones, listens again when there is room. */
void http_conn_sweep(struct http *http);
/* Does `path` (undecoded, starting with "/") match the pattern?  Fills params with decoded values that live in the arena. */
bool http_pattern_match(const char *pattern, sgl_view path, struct sgl_arena *arena,
                        struct http_param param[HTTP_PARAMS_MAX], size_t *params);
/* Percent-decoding; plus_is_space for queries. false: a bad escape, a NUL, or memory ended. */
bool http_decode(sgl_view in, bool plus_is_space, struct sgl_arena *arena, sgl_view *out);
/* What a JSON text would cost to read: how deep brackets are nested, and at most how many values there are. Strings are skipped. */
struct http_json_size {
    size_t depth, values;
};
struct http_json_size http_json_measure(sgl_view text);
#define HTTP_JSON_DEPTH_MAX 32
#define HTTP_JSON_LONG      512 /* shorter strings, with what stands around them, are copied */
/* An array, with how many elements came before; or an object, with the key that came last. */
struct http_json_level {
    bool array, key_is_next;
    size_t index;
    sgl_view key;
};
/* Of a walk through a JSON text. */
struct http_json_place {
    struct http_json_level level[HTTP_JSON_DEPTH_MAX];
    size_t depth;
};
/* The string that begins there, a key or a value: what stands behind it, beyond the text when it does not end. */
size_t http_json_skip_string(struct http_json_place *p, sgl_view text, size_t begin);
/* Any other byte. false: deeper than a text may be. */
bool http_json_skip_mark(struct http_json_place *p, uint8_t c);
/*
 * json_loadb() with JSON_REJECT_DUPLICATES, but for long strings at one of the paths ("attachments.*.content", where the star is any index; up to a NULL): these stay in the text,
 * which must outlive the result, and are read by http_json_view().  With a result the text may have changed, without one it is as it was.  paths may be NULL.
 */
json_t *http_json_load(uint8_t *text, size_t len, const char *const *paths, json_error_t *error);
/* The path of what stands before `off`, as far as it is that deep; empty: it is the document itself. Keys are escaped, and shortened. */
void http_json_path(sgl_view text, size_t off, struct sgl_buf *out);
/* The whole of a request's body in one piece. false: no memory. */
bool http_body_take(struct http_request *r);
/* The reply has been given, or nobody waits for it: frees the request. */
void http_request_end(struct http_request *r);
const char *http_reason(int status);
/* A whole response for a connection that has no request yet, in that shape, into `out`. */
size_t http_raw_problem(http_problem_shape shape, const struct http_problem *p, char *out,
                        size_t out_size);
/* The shape of what goes wrong at that path; NULL: problem documents. */
http_problem_shape http_shape_of(const struct http_listener *l, sgl_view path);
/* What the first bytes of a request say of it, as far as they hold it. */
struct http_head {
    sgl_view target;  /* ptr NULL: not known */
    uint64_t content; /* bytes that are announced; 0: none, or not known */
};
void http_head_read(sgl_view first, struct http_head *out);

#endif
