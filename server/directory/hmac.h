/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that are signed with an access key, as programs for Azure Communication Services sign theirs:
 *
 *   Authorization: HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=BASE64
 *   x-ms-date: Mon, 05 Jan 2026 10:20:30 GMT
 *   x-ms-content-sha256: BASE64 of the SHA-256 of the body
 *
 * What is signed is METHOD "\n" TARGET "\n" DATE ";" HOST ";" CONTENT-SHA256.  The secrets are sealed, and the keys process alone opens them: it is asked for the HMAC.
 *
 * Nothing in such a request names its key.  If the first label of HOST is the id of one ("01ftz85b24zv.mail.example.org"), that key is meant; else the HMAC_SHARED_MAX oldest
 * keys are tried.  A signature that comes twice is no replay: clients send a request again as it was, and the date has whole seconds.
 */
#ifndef SERVER_DIRECTORY_HMAC_H
#define SERVER_DIRECTORY_HMAC_H

#include "directory.h"

#define HMAC_SHARED_MAX     16
#define HMAC_TARGET_MAX     4096
#define HMAC_HOST_MAX       256
#define HMAC_WINDOW_DEFAULT 900 /* seconds, either way */

enum hmac_answer {
    HMAC_OK,
    HMAC_MALFORMED,   /* a header is missing, or not of the form above */
    HMAC_CONTENT,     /* x-ms-content-sha256 is not that of the body */
    HMAC_DATE,        /* the date is too far from now */
    HMAC_REFUSED,     /* no key made this signature */
    HMAC_UNAVAILABLE, /* could not be looked at now: a temporary failure */
};
/* One sentence without names or values, for a reply: "The signature does not match." */
const char *hmac_answer_text(enum hmac_answer answer);

/* Does this value of Authorization belong here?  The scheme in whatever case. */
bool hmac_is_meant(sgl_view authorization);

/* One request; alive until done().  The views are borrowed until then; one that is missing has ptr NULL. */
struct hmac_check {
    sgl_view method,
        target; /* as in the request line: "POST", "/emails:send?api-version=2025-09-01" */
    sgl_view authorization, date, host, content_sha256; /* the fields' values as they came */
    uint8_t body_hash[32];                              /* SHA-256 of the body's octets */
    int64_t now;                                        /* Unix seconds */
    struct loop *loop;
    void (*done)(struct hmac_check *h); /* always later, on loop */
    void *ctx;
    enum hmac_answer answer;   /* out */
    struct identity *identity; /* out: a reference with HMAC_OK, else NULL */
    struct loop_task task;     /* directory's own, as is private_ */
    void *private_;
};
/*
 * Whose request is it?  Looked at in this order, and the first that fails is the answer: form, content, date, signature (in constant time).  Any thread that runs h->loop.
 */
void directory_hmac(struct directory *d, struct hmac_check *h);
/* How far a date may be from now; any thread, any time. A client repeats a request with its old date: this is more than any Retry-After that it is given. */
void directory_hmac_window(struct directory *d, unsigned seconds);

#endif
