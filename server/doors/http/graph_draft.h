/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request about a draft on its way:  caller and mailbox -> the draft read on a worker thread -> then() on the loop -> maybe changed in the store -> stored() -> answered.
 *
 * Each step ends in an answer when something is wrong, and the job is gone with it.
 */
#ifndef SERVER_DOORS_HTTP_GRAPH_DRAFT_H
#define SERVER_DOORS_HTTP_GRAPH_DRAFT_H

#include "../../store/draft.h"
#include "graph_internal.h"

#define DRAFT_LIFE_S    (24 * 60 * 60)
#define DRAFTS_MAX      1000                /* of a subscription */
#define DRAFT_BYTES_MAX (UINT64_C(1) << 30) /* the same */

struct draft_job {
    struct work work;         /* first: cast from it */
    struct store_draft_op op; /* when something is changed */
    struct http_request *r;
    const struct graph *graph;
    struct identity *who; /* a reference; NULL for an upload, whose address is the secret */
    struct sgl_mailbox mailbox;
    struct sgl_arena arena; /* what is read */
    uint64_t id, file_id;
    struct store_draft draft;
    struct store_draft_file file;
    struct body *bytes; /* of all its uploads, one behind the other */
    struct api_refusal why;
    enum store_result result;
    json_t *json; /* the body, or what is answered */
    char *text;   /* its value in the store */
    struct store_draft_file files[API_ATTACHMENTS_MAX];
    char *file_text[API_ATTACHMENTS_MAX];
    size_t file_texts;
    void (*read)(struct draft_job *j); /* on a worker: sets result and why */
    void (*then)(struct draft_job *j);
    void (*stored)(struct draft_job *j);
};

/* NULL: refused. */
struct draft_job *draft_job_new(struct http_request *r, const struct graph *g);
struct draft_job *draft_job_open(struct http_request *r, const struct graph *g); /* by nobody */
void draft_job_free(struct draft_job *j);
/* Refuses by j->why, or as the draft or file is not there, and frees. */
void draft_job_refuse(struct draft_job *j);
void draft_job_unknown(struct draft_job *j);
/* read() on a worker, then then(). */
void draft_job_start(struct draft_job *j, void (*read)(struct draft_job *j),
                     void (*then)(struct draft_job *j));
/* The draft that the path names, which belongs to the caller and the mailbox; then then(). */
void draft_job_read(struct draft_job *j, void (*then)(struct draft_job *j));
/* The same with what its attachments are, as far as there is room for it. */
void draft_job_read_whole(struct draft_job *j, void (*then)(struct draft_job *j));
void draft_job_look_whole(struct draft_job *j); /* on a worker, for read() */
void draft_job_change(struct draft_job *j, enum store_draft_verb verb,
                      void (*stored)(struct draft_job *j));
/* Could the draft still be sent with so many bytes more, as base64? false: j->why. */
bool draft_job_fits(struct draft_job *j, uint64_t more, const char *field);
/* One more file of op.file, with this as its value: takes the reference. false: j->why. */
bool draft_job_add_file(struct draft_job *j, json_t *value, uint64_t size);
/* The attachment as it is shown; a new reference. */
json_t *draft_file_json(const struct store_draft_file *f);
/* "2026-01-05T10:20:30Z" */
json_t *draft_time(int64_t seconds);
/* PUBLIC_URL/v1.0/users/.../messages/ID/attachments/ID */
void draft_file_url(const struct draft_job *j, uint64_t draft, uint64_t file, sgl_view mailbox,
                    struct sgl_buf *out);

/* ---- graph_draft_send.c, graph_upload.c ---- */

void draft_send_post(struct http_request *r, void *ctx);
void draft_session_post(struct http_request *r, void *ctx);

#endif
