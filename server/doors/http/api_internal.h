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
    const char *rule; /* as in struct admission_answer */
    char field[128];
    char detail[300];
};

/* The member of an API that compose() speaks of by a word: its path; with `behind`, path and behind stand around an index. */
struct api_word {
    const char *word, *path, *behind;
};

/* A message as the JSON describes it. Views point into the JSON and the arena. */
struct api_message {
    struct sgl_compose compose;
    struct sgl_compose_address from;
    struct store_rcpt *rcpt; /* to, cc, bcc */
    size_t rcpts;
    sgl_view list, list_name;     /* of list mail; ptr NULL: it is none */
    sgl_view labels, batch, pool; /* as of the message in the store */
    uint8_t tls, bypass;          /* the same */
    const struct api_word
        *words;            /* up to one without a word; what is not among them is its own path */
    const size_t *part_at; /* where the parts stood in the request; NULL: in their own order */
};

/* Notes the refusal; always false. detail may hold one %s for `about`, which is shown escaped and shortened. */
bool api_refuse(struct api_refusal *why, int status, const char *code, const char *field,
                const char *detail, sgl_view about);
bool api_refuse_memory(struct api_refusal *why);

/* Reads and checks the JSON document. false: *why says it. */
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

/* ---- api_read.c: what the parser of each API is made of. All are false with *p->why set, and path is the member's in the request ---- */

#define API_PATH_SIZE 96

struct api_reader {
    const struct api *api;
    const struct identity *who;
    struct sgl_arena *arena;
    struct api_message *m;
    struct api_refusal *why;
    size_t rcpt_room;
};
bool api_wrong(const struct api_reader *p, const char *code, const char *field, const char *detail);
bool api_wrong_syntax(const struct api_reader *p, const char *code, const char *field,
                      const char *before, const struct sgl_diag *diag);
/* Only these names may stand in the object; path is "" at the top. */
bool api_known_only(const struct api_reader *p, const json_t *object, const char *path,
                    const char *const *known);
sgl_view api_string_view(const json_t *json);
/* An optional string; *out stays as it is without one. null counts as absent. */
bool api_read_string(const struct api_reader *p, const json_t *object, const char *name,
                     const char *path, sgl_view *out);
/* What goes into a header must be one line, and not longer than this. */
#define API_LINE_MAX (64u * 1024u)
bool api_one_line(const struct api_reader *p, sgl_view v, const char *path);
bool api_read_mailbox(const struct api_reader *p, sgl_view text, const char *path,
                      struct sgl_mailbox *out);
bool api_add_recipient(struct api_reader *p, const struct sgl_mailbox *mailbox, const char *field);
/* A field of `headers`, which is where its path begins. */
bool api_read_header(const struct api_reader *p, const char *name, const json_t *value,
                     struct sgl_compose_field *out);
/* It becomes the part's content, as it is: compose() decodes it. */
bool api_read_base64(const struct api_reader *p, sgl_view text, const char *path,
                     struct sgl_compose_part *out);

/* ---- api_post.c: a message on its way to admission ---- */

struct api_post {
    struct submission submission;
    struct http_request *r;
    const struct api *api;
    struct sgl_buf raw; /* what compose wrote; empty: the message came whole */
    const void *ctx;    /* the door's own */
};
/* Takes the reference, whatever comes. NULL: no memory. */
struct api_post *api_post_new(struct http_request *r, const struct api *api, struct identity *who,
                              sgl_view door);
void api_post_free(struct api_post *p);
struct api_post *api_post_of(struct submission *s);
/* This request once only under that key: another one with it is refused by admission. */
bool api_post_once(struct api_post *p, sgl_view key, struct api_refusal *why);
/* Composed, and made the submission's own; m is not needed afterwards. */
bool api_post_message(struct api_post *p, struct api_message *m, struct api_refusal *why);
/* all: the others that it goes with, or NULL. */
void api_post_submit(struct api_post *p, struct admission_all *all,
                     void (*done)(struct submission *s, const struct admission_answer *answer));

/* Envelope of a message/rfc822 body: ?from= and ?to= (several), else its header. */
bool api_raw_envelope(const struct api *api, const struct identity *who, struct http_request *r,
                      struct store_message *m, struct api_refusal *why);

/* The same from the header of any message; without From and Sender env_from is empty, and nobody has looked whether it may be. */
bool api_raw_header_envelope(const struct api *api, const struct identity *who,
                             struct sgl_arena *arena, sgl_view raw, struct store_message *m,
                             struct api_refusal *why);

void api_message_get(struct http_request *r, void *ctx);

extern const unsigned char api_openapi_json[];
extern const size_t api_openapi_json_len;

#endif
