/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of the door for Azure Communication Services Email, for its own files. */
#ifndef SERVER_DOORS_HTTP_ACS_INTERNAL_H
#define SERVER_DOORS_HTTP_ACS_INTERNAL_H

#include "../../directory/hmac.h"
#include "acs.h"
#include "api_internal.h"

/* ---- acs_auth.c ---- */

/* A request whose version is known and whose sender is not yet. */
struct acs_call {
    struct hmac_check check;
    struct http_request *r;
    const struct acs *acs;
    struct identity *who; /* a reference; then() may take it and leave NULL */
    bool content_ids;     /* the version has them */
    void (*then)(struct acs_call *call);
};
/* Answers what is wrong; else then() runs, at once or later, and the call is gone after it. */
void acs_begin(struct http_request *r, const struct acs *acs, void (*then)(struct acs_call *call));

/* ---- acs_error.c ---- */

/* Problems of this API: {"error":{"code","message","target","innererror"}} and x-ms-error-code. */
json_t *acs_shape(struct http_request *r, const struct http_problem *p, int *status);
/* The word for a refusal: where the sender may not be one, which of the two that this API has. */
const char *acs_code(const char *code, const char *rule);

/* ---- acs_request.c ---- */

/* The JSON of /emails:send becomes the message model. false: *why says it. */
bool acs_parse(struct api_reader *p, const json_t *json, bool content_ids);

/* ---- acs_types.c ---- */

/* May an attachment be of this type?  Parameters do not count. */
bool acs_type_allowed(sgl_view content_type);

/* ---- acs_operation.c ---- */

#define ACS_KEY_PREFIX                                                                             \
    "acs:" /* of an operation's idempotency key; its GUID in lower case follows */
#define ACS_KEY_SIZE (sizeof(ACS_KEY_PREFIX) - 1 + GUID_TEXT_SIZE)
/* false: it is no GUID. */
bool acs_key(sgl_view id, char out[ACS_KEY_SIZE]);

struct acs_result {
    const char *status;   /* "Running", "Succeeded", "Failed", "Canceled" */
    const char *code;     /* of a failure, else NULL */
    const char *message;  /* the same */
    sgl_view reason;      /* what the last answer was, where it is known */
    unsigned retry_after; /* seconds; 0: it has ended */
};
/* What the operation has come to; `now` in Unix seconds. */
void acs_result(const struct store_message *m, int64_t now, struct acs_result *out);
void acs_operation_get(struct http_request *r, void *ctx);

#endif
