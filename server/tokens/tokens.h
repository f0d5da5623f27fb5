/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: for an hour they prove who an application is.  We make them (JWT, ES256) and every door looks at them; the key that signs lives in the keys process, sealed in the
 * store as a noun "token-key".
 *
 *   application + secret -> token endpoint (doors/http) -> tokens_issue() -> JWT
 *   JWT, at a door       -> tokens_verify()             -> the application's identity
 *
 * A new key is made each month.  It is published for a day before it signs, so that whoever keeps our key set knows it by then, and the one before stays published for a day
 * after, longer than any token lives.
 */
#ifndef SERVER_TOKENS_TOKENS_H
#define SERVER_TOKENS_TOKENS_H

#include <jansson.h>

#include "../directory/directory.h"
#include "sigillo/buf.h"

#define TOKEN_SIZE_MAX   8192
#define TOKEN_LIFETIME_S 3600
#define TOKEN_EXPIRES_IN 3599 /* as clients are told: it has not ended when it comes to them */
#define TOKEN_SKEW_S     300  /* by which clocks may differ */

struct tokens;

/*
 * Reads the keys (synchronously, at start) and loads them, or makes the first.  url: where the world reaches our HTTP door, "https://mail.example.org:8443", without a slash
 * at its end; copied.  Its work is done on `loop`.  NULL: *why.
 */
struct tokens *tokens_new(struct loop *loop, struct store *store, struct keys *keys,
                          struct directory *directory, const char *url, char *why, size_t why_size);
void tokens_free(
    struct tokens *t); /* after all loops have ended, before they are freed; NULL accepted */
bool tokens_ready(struct tokens *t); /* can one be signed now? */
const char *tokens_url(const struct tokens *t);

/* The key set, as the world may have it  [RFC 7517 s5]. NULL: no memory. A new reference. */
json_t *tokens_key_set(struct tokens *t);

/* Which API a token is for: one that is for another opens nothing. */
enum token_audience {
    TOKEN_FOR_NOTHING,
    TOKEN_FOR_US,    /* our own APIs: the url above */
    TOKEN_FOR_ACS,   /* https://communication.azure.com/ */
    TOKEN_FOR_GRAPH, /* https://graph.microsoft.com */
    TOKEN_FOR_SMTP,  /* https://outlook.office365.com */
};
/* The one of that name, with or without a slash at its end. */
enum token_audience tokens_audience(const struct tokens *t, sgl_view resource);

/* ---- issued ---- */

struct token_issue {
    struct keys_op op; /* first: cast from it */
    struct loop *loop;
    void (*done)(struct token_issue *i); /* on loop, always later */
    void *ctx;
    /* in; borrowed until done() */
    const struct identity *who; /* an application, or a local process */
    char client_id[GUID_TEXT_SIZE];
    enum token_audience audience;
    sgl_view tenant; /* as the request named it; empty: it came to the address without one */
    /* out */
    bool ok;               /* false: no key can sign now, try again soon */
    struct sgl_buf token;  /* the caller's to free, in either case */
    struct tokens *tokens; /* the room's own */
};
void tokens_issue(struct tokens *t, struct token_issue *i);
/* "https://mail.example.org:8443/default/v2.0": iss, as discovery tells it. */
void tokens_issuer(const struct tokens *t, sgl_view tenant, struct sgl_buf *out);

/* ---- looked at ---- */

enum token_fault {
    TOKEN_FINE,
    TOKEN_BROKEN,    /* no JWT, or one with what we do not know how to obey */
    TOKEN_ALGORITHM, /* none, or another one than its key is for */
    TOKEN_KEY,       /* signed by a key that is not in the set */
    TOKEN_SIGNATURE,
    TOKEN_ISSUER,
    TOKEN_AUDIENCE,
    TOKEN_EXPIRED,
    TOKEN_EARLY,       /* not valid yet */
    TOKEN_SUBJECT,     /* its application is not there, or not in that subscription any more */
    TOKEN_UNAVAILABLE, /* memory has ended: nothing is known of it */
};
const char *token_fault_text(enum token_fault fault); /* one sentence, for the client */
/* The application that it says it is for, of which nothing is proven: "" when it says none. */
void token_claimed_client(sgl_view token, char out[GUID_TEXT_SIZE]);
/* Whom it proves, as that is now; at the door for SMTP those for us and for ACS are good, too: a reference, or NULL with *fault. Any thread; about 200 us for a token that is new, 50 for one seen before. */
struct identity *tokens_verify(struct tokens *t, sgl_view token, enum token_audience audience,
                               int64_t now, enum token_fault *fault);

struct tokens_stats {
    uint64_t issued, accepted, refused; /* made; looked at, and good or not */
};
void tokens_stats(struct tokens *t, struct tokens_stats *out);

#endif
