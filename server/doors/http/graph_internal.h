/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of the door for Microsoft Graph, for its own files. */
#ifndef SERVER_DOORS_HTTP_GRAPH_INTERNAL_H
#define SERVER_DOORS_HTTP_GRAPH_INTERNAL_H

#include "api_internal.h"
#include "graph.h"

#define GRAPH_HEADERS_MAX 5 /* of internetMessageHeaders */

/* ---- graph_error.c ---- */

/* Problems of this API: {"error":{"code","message","target","innerError"}}. */
json_t *graph_shape(struct http_request *r, const struct http_problem *p, int *status);
/* request-id and client-request-id of every answer. */
void graph_put_ids(struct http_request *r);
void graph_refuse(struct http_request *r, const struct api_refusal *why);

/* ---- graph_auth.c ---- */

/* Who asks: a reference. NULL: refused. */
struct identity *graph_caller(struct http_request *r, const struct graph *g);
/* The mailbox that the path names, which `who` may send as. false: refused. */
bool graph_mailbox(struct http_request *r, const struct graph *g, const struct identity *who,
                   struct sgl_mailbox *out);

/* ---- graph_request.c: the JSON of a message becomes the model. All are false with *p->why set ---- */

struct graph_reader {
    struct api_reader *p;
    const char *at;             /* the path of the message in the request: "message", or "" */
    struct sgl_mailbox mailbox; /* that it is from, where it does not say */
    int64_t now;                /* Unix seconds */
    uint8_t random[16];         /* for the boundaries of messages that are attached */
    bool attached;              /* it is one: nobody sends it, and it goes to nobody */
    bool receipt;               /* of delivery, which was asked for */
    const struct graph_upload *upload;
    size_t uploads;
};
/* A file that came by itself: what is said of it as an attachment, and its bytes. */
struct graph_upload {
    const json_t *item;
    sgl_view content;
};
/* Any of its members may be missing, the recipients too. */
bool graph_message(struct graph_reader *g, const json_t *message);
/* The body of sendMail. */
bool graph_send_mail(struct graph_reader *g, const json_t *body);
/* Known now: who it goes to, and of whom a receipt is wanted. */
bool graph_complete(struct graph_reader *g);
/* The path of a member: at.name, or name. */
void graph_path(const char *at, const char *name, char out[API_PATH_SIZE]);
/* An optional true or false; *out stays as it is without one. */
bool graph_bool(const struct api_reader *p, const json_t *object, const char *name,
                const char *path, bool *out);
/* Names with an @ are annotations of OData, and say nothing here. */
bool graph_known_only(const struct api_reader *p, const json_t *object, const char *path,
                      const char *const *known);

/* ---- graph_attachment.c ---- */

/* Those of the list, and behind them those that were uploaded. */
bool graph_attachments(const struct graph_reader *g, const json_t *list, const char *path);
/* What createUploadSession says of a file. */
bool graph_upload_item(const struct graph_reader *g, const json_t *item, const char *path,
                       struct sgl_compose_part *out);

/* ---- graph.c ---- */

/* The bytes for the boundaries. false: *why says it. */
bool graph_reader_begin(struct graph_reader *g, struct api_refusal *why);
/* As what admission() said is answered. */
void graph_sent(struct submission *s, const struct admission_answer *answer);

/* ---- graph_draft.c, graph_draft_send.c, graph_upload.c ---- */

void graph_draft_routes(struct http *http, const struct graph *g);
void graph_upload_routes(struct http *http, const struct graph *g);

/* ---- graph_mime.c ---- */

/* The base64 in *raw becomes the message that it is, with CRLF line ends and a From, in the same memory; and its envelope. */
bool graph_mime(const struct api_reader *p, const struct sgl_mailbox *mailbox, struct sgl_buf *raw,
                struct store_message *m);

#endif
