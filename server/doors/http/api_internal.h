/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of the public API, for its own files. */
#ifndef SERVER_DOORS_HTTP_API_INTERNAL_H
#define SERVER_DOORS_HTTP_API_INTERNAL_H

#include "api.h"
#include "sigillo/compose.h"
#include "sigillo/diag.h"

#define API_ATTACHMENTS_MAX 100
#define API_HEADERS_MAX     100

/* Why a request is refused: the member at fault and the rule. */
struct api_refusal {
    int status;
    const char *code;
    char field[128];
    char detail[300];
};

/* A message as the JSON describes it. Views point into the JSON, the arena and `decoded`. */
struct api_message {
    struct sgl_compose compose;
    struct sgl_compose_address from;
    struct store_rcpt *rcpt; /* to, cc, bcc */
    size_t rcpts;
    sgl_view list, list_name; /* of list mail; ptr NULL: it is none */
    struct sgl_buf decoded;   /* the attachments' bytes, one behind the other */
};

/* Notes the refusal; always false. detail may hold one %s for `about`, which is shown escaped and shortened. */
bool api_refuse(struct api_refusal *why, int status, const char *code, const char *field,
                const char *detail, sgl_view about);
bool api_refuse_memory(struct api_refusal *why);

/* Reads and checks the JSON document. false: *why says it. m->decoded is the caller's to free in either case. */
bool api_parse(const struct api *api, const struct identity *who, const json_t *json,
               struct sgl_arena *arena, struct api_message *m, struct api_refusal *why);
/* compose() failed: its reason, in the words of the JSON. */
void api_compose_refusal(const struct api_message *m, enum sgl_status status,
                         const struct sgl_diag *diag, struct api_refusal *why);
/* May `who` send as this, to that? The field named is the caller's. */
bool api_check_sender(const struct api *api, const struct identity *who, sgl_view mailbox,
                      const char *field, struct api_refusal *why);
bool api_check_recipient(const struct api *api, const struct identity *who, sgl_view mailbox,
                         const char *field, struct api_refusal *why);
/* Envelope of a message/rfc822 body: ?from= and ?to= (several), else its header. */
bool api_raw_envelope(const struct api *api, const struct identity *who, struct http_request *r,
                      struct store_message *m, struct api_refusal *why);

void api_message_get(struct http_request *r, void *ctx);

extern const unsigned char api_openapi_json[];
extern const size_t api_openapi_json_len;

#endif
