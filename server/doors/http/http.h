/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP shell: libevent's server with a router, limits, problem documents (RFC 9457) and replies that may come later.  One `struct http` per door loop; every call here is
 * made on that loop, after http_new() and the http_route() calls, which come before the loop starts.
 *
 *   bytes -> evhttp -> route (method + pattern) -> handler -> http_reply_*() at once, or later from the same loop
 */
#ifndef SERVER_DOORS_HTTP_HTTP_H
#define SERVER_DOORS_HTTP_HTTP_H

#include <jansson.h>
#include <openssl/ssl.h>
#include <sys/types.h>

#include "../../admission/admission.h"
#include "../../directory/directory.h"
#include "../../loop/loop.h"
#include "sigillo/arena.h"
#include "sigillo/buf.h"

struct http;
struct http_request;

struct http_config {
    size_t header_max; /* request line and header fields; 16 KiB */
    size_t body_max;   /* refused with 413 above */
    size_t
        connections_max; /* per loop; above it new ones wait in the kernel's backlog, but for the admin socket's */
    size_t memory_max; /* bytes of requests being received, per loop; above it reading pauses */
    unsigned idle_s;
    size_t json_values_max; /* in one document: read, each takes many times its bytes */
};

/* Which requests a listener takes: a route names the sides it answers on. */
enum http_side {
    HTTP_PUBLIC = 1, /* TCP, plain or TLS */
    HTTP_ADMIN = 2,  /* the unix socket: root, the service's own user, or the one that started it */
    HTTP_BOTH = 3,
    HTTP_METADATA =
        4, /* for processes of this machine, whose user the kernel tells; nothing else is served there */
};

/* NULL when memory ends. */
struct http *http_new(struct loop *loop, const struct http_config *config);
/*
 * Takes connections from a listening, non-blocking fd (owned from here on; dup() it for each loop).
 * tls: gives a new SSL in accept role for each connection, or NULL for plain.  Any thread may swap what it gives (certificate reload).
 */
bool http_listen(struct http *http, int fd, SSL *(*tls)(void *ctx), void *tls_ctx);
/* The admin socket. Peers whose uid is not root, not ours and not owner_uid are refused with 403. */
bool http_listen_admin(struct http *http, int fd, uid_t owner_uid);
/* For processes of this machine: a unix socket, or an address of the loopback; then `owners` tells who is there, and must outlive the shell. */
struct owners;
bool http_listen_metadata(struct http *http, int fd, struct owners *owners);
/* No new connections; what is open ends after its present request. http_busy(): requests not yet answered. */
void http_drain(struct http *http);
size_t http_busy(const struct http *http);
void http_free(
    struct http *
        http); /* requests not yet answered are cut off; their handlers may still reply, into nothing */

typedef void (*http_handler)(struct http_request *r, void *ctx);
/*
 * method: "GET", "POST", "PUT", "DELETE".  pattern: segments, a {name} takes one whole segment: "/v1/messages/{id}".  Both strings are borrowed for ever.
 * An unknown path gets 404, a known path with another method 405 with Allow; HEAD is answered as GET without the body.
 */
void http_route(struct http *http, enum http_side side, const char *method, const char *pattern,
                http_handler handler, void *ctx);

/* Calls each() for every route, in the order in which they were made. */
void http_each_route(const struct http *http,
                     void (*each)(void *ctx, enum http_side side, const char *method,
                                  const char *pattern),
                     void *ctx);

/* ---- the request; everything is valid until the reply ---- */

struct loop *http_loop(const struct http_request *r);
struct sgl_arena *http_arena(struct http_request *r);   /* lives until the reply was given */
const char *http_method(const struct http_request *r);  /* of its route, as it was registered */
const char *http_pattern(const struct http_request *r); /* the same */
sgl_view http_param(const struct http_request *r,
                    const char *name); /* of the pattern, percent-decoded */
sgl_view http_query(struct http_request *r,
                    const char *name); /* first value, percent-decoded; ptr NULL: not given */
sgl_view http_query_at(struct http_request *r, const char *name,
                       size_t index); /* the same for the index-th of that name, from 0 */
sgl_view
http_target(const struct http_request *r); /* as it stands in the request line, path and query */
sgl_view http_header(const struct http_request *r,
                     const char *name); /* first field of that name; ptr NULL: not given */
sgl_view http_body(struct http_request *r);
/* SHA-256 of it: as it came, or once it is unpacked of that. false: no memory. */
bool http_body_hash(struct http_request *r, uint8_t out[32]);
/* The body itself, without a copy where it is long: memory of the handler's, and the request has none from here on. false: no memory. */
bool http_body_move(struct http_request *r, struct sgl_buf *to);
/* It is not needed any more, nor is what http_json_view() gave: its memory goes back, and it is empty. */
void http_body_done(struct http_request *r);
/* A body that came as gzip is what it was before, from here on; http_json() does it itself.  false: 400, 413, 415 or 503 has been sent, and the handler returns. */
bool http_unpack(struct http_request *r);
sgl_view http_bearer(
    const struct http_request *r); /* the token of "Authorization: Bearer ...", or ptr NULL */
const char *http_peer(const struct http_request *r); /* "198.51.100.7", "unix:uid=0" */
uid_t http_peer_uid(const struct http_request *r);   /* of the admin socket; (uid_t)-1 else */
uid_t http_process_uid(
    const struct http_request
        *r); /* of a process, by http_listen_metadata(); (uid_t)-1: nobody can tell */
bool http_is_tls(const struct http_request *r);
sgl_view http_tls_text(struct http_request *r); /* "TLSv1.3 TLS_AES_256_GCM_SHA384", or empty */
/*
 * The body, unpacked, as JSON: media type application/json (or absent), at most the configured bytes and values, 32 levels, no duplicate keys, no NUL in strings, UTF-8.  NULL: the problem
 * document has been sent and the handler returns.  The caller owns the reference.
 */
json_t *http_json(struct http_request *r);
/*
 * The same where long strings are looked for: at these paths ("attachments.*.content", where the star is any index; up to a NULL) a string may be no copy, but stay in the body.  It is
 * read by http_json_view(), and by nothing else, and the body is no longer what it was: http_body_hash() tells of it as it came.
 */
json_t *http_json_long(struct http_request *r, const char *const *paths);
sgl_view http_json_view(const json_t *string); /* of any string, until http_body_done() */
/*
 * Who looks at tokens (a JWT instead of an access key): a reference, or NULL with one sentence that says why; *unavailable: nothing is known of the token.  Set before the loop
 * starts.
 */
typedef struct identity *(*http_token_check)(void *ctx, sgl_view token, bool *unavailable,
                                             const char **why);
void http_use_tokens(struct http *http, http_token_check check, void *ctx);
/* Who counts bearers that are wrong; without any, nobody does. Set before the loop starts. */
struct http_guesses {
    void *ctx;
    /* Seconds until what is shown from there is looked at; 0: now. */
    unsigned (*wait_s)(void *ctx, sgl_view bearer, const char *peer);
    void (*wrong)(void *ctx, sgl_view bearer, const char *peer, const char *why);
};
void http_use_guesses(struct http *http, struct http_guesses guesses);
/* Before a bearer is looked at: false: 429 has been sent, and the handler returns. */
bool http_may_guess(struct http_request *r, sgl_view bearer);
void http_guessed_wrong(struct http_request *r, sgl_view bearer, const char *why);
/* The identity of the bearer of a key or a token. NULL: 401 has been sent (with WWW-Authenticate), or 429, and the handler returns. A reference. */
struct identity *http_authenticate(struct http_request *r, struct directory *directory);
/*
 * The same for a route that needs a scope, "mail.send" (NULL: none): who lacks it has got 403 "scope". Scopes are those of access/scope.c; one that is not there needs an owner.
 * With On-Behalf-Of it is the owner of that subscription, or 403 "on-behalf-of".
 */
struct identity *http_caller(struct http_request *r, struct directory *directory,
                             const char *scope);
/* For who is known already; false: 403 has been sent. */
bool http_has_scope(struct http_request *r, const struct identity *who, const char *scope);

/* ---- the reply: exactly one, at once or later, on the loop; the request is gone afterwards ---- */

void http_reply_header(
    struct http_request *r, const char *name,
    sgl_view value); /* before the reply; CR, LF and NUL are refused: the field is left out */
void http_reply_json(struct http_request *r, int status, json_t *json); /* takes the reference */
void http_reply_bytes(struct http_request *r, int status, const char *content_type,
                      sgl_view bytes); /* copies */
/* A reply without a body, and so without a Content-Type. */
void http_reply_empty(struct http_request *r, int status);
/* application/problem+json: {"type":"about:blank","title":...,"status":N,"code":code,"field":field,"detail":detail}; field may be NULL or "". */
void http_reply_problem(struct http_request *r, int status, const char *code, const char *field,
                        const char *detail);
/* An admission answer as a problem document (adds Retry-After to 503, and where the answer knows when). */
void http_reply_answer(struct http_request *r, const struct admission_answer *answer);

/* What a problem document said. */
struct http_problem {
    int status;
    const char *code, *field, *detail; /* field, detail: may be NULL */
};
/*
 * An API with a shape of its own for what goes wrong: its document for this problem, a new reference, which goes out as application/json with *status.  It may add header fields.
 * From this call on, what answers the request with a problem speaks so.
 */
typedef json_t *(*http_problem_shape)(struct http_request *r, const struct http_problem *p,
                                      int *status);
void http_shape_problems(struct http_request *r, http_problem_shape shape);
/* All that lies below the path has that shape, also what no route takes.  Before the loop starts; the prefix is borrowed for ever. */
void http_shape_below(struct http *http, const char *prefix, http_problem_shape shape);
/* Told of each request of the public side below the path who asks, as soon as that is known: it may add header fields to the answer.  Before the loop starts. */
void http_tell_who(struct http *http, const char *prefix,
                   void (*tell)(struct http_request *r, const struct identity *who, void *ctx),
                   void *ctx);
/*
 * told() runs once, while the request is still there: with the problem that it was answered with, or with NULL when it was answered otherwise.  One watch a request; a second one takes
 * the place of the first, which is told NULL.
 */
void http_watch(struct http_request *r,
                void (*told)(struct http_request *r, const struct http_problem *p, void *ctx),
                void *ctx);

/* ---- a long reply, piece by piece ---- */

/* The head of a reply whose length is not known yet; then pieces until one of the two ends. */
void http_stream_start(struct http_request *r, int status, const char *content_type);
/*
 * One piece, not empty, copied.  more(): later, on the loop, when it has gone out, or when nobody reads any more; then comes the next piece, or an end.
 * false: memory has ended, and more() will not be called.
 */
bool http_stream_put(struct http_request *r, sgl_view bytes,
                     void (*more)(struct http_request *r, void *ctx), void *ctx) SGL_MUST_USE;
bool http_stream_gone(const struct http_request *r); /* nobody reads any more: only an end is due */
void http_stream_end(struct http_request *r);
void http_stream_abort(struct http_request *r); /* the peer sees that the reply is cut off */

/* ---- what every listener answers ---- */

/* GET /healthz, /readyz, /metrics on both sides. ready(): false with a reason. metrics(): appends Prometheus text. */
struct http_status_page {
    void *ctx;
    bool (*ready)(void *ctx, char *why, size_t why_size);
    void (*metrics)(void *ctx, struct sgl_buf *out);
};
void http_status_routes(struct http *http,
                        const struct http_status_page *page); /* *page is borrowed */

#endif
