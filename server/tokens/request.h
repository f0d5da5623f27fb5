/* SPDX-License-Identifier: Apache-2.0 */
/* What a client sends to the token endpoint: a form  [RFC 6749 s4.4.2, appendix B], and perhaps an Authorization field of the Basic kind. */
#ifndef SERVER_TOKENS_REQUEST_H
#define SERVER_TOKENS_REQUEST_H

#include "sigillo/arena.h"
#include "sigillo/view.h"

#define TOKEN_REQUEST_MAX        65536 /* an assertion is a JWT of some KiB */
#define TOKEN_REQUEST_FIELDS_MAX 64

enum token_request_fault {
    REQUEST_FINE,
    REQUEST_ENCODING, /* of a field */
    REQUEST_TWICE,    /* a field stands there more than once */
    REQUEST_TOO_LONG,
    REQUEST_BASIC, /* the Authorization field is broken */
    REQUEST_BOTH,  /* two ways of proving who it is  [RFC 6749 s2.3] */
    REQUEST_NO_MEMORY,
};

/* Fields that it knows; empty: absent, or without a value, which is the same  [RFC 6749 s3.2].  They live in the arena, and hold no control characters. */
struct token_request {
    sgl_view grant_type, client_id, client_secret, scope;
    sgl_view assertion_type, assertion;
};
/* basic: what follows "Basic " in the Authorization field; ptr NULL: there is none. field: the one at fault, or "". */
enum token_request_fault token_request_read(sgl_view body, sgl_view basic, struct sgl_arena *arena,
                                            struct token_request *out, const char **field);

/* "https://graph.microsoft.com/.default": the resource before the last slash. false: it is not one scope of this form. */
bool token_scope_resource(sgl_view scope, sgl_view *resource);

#endif
