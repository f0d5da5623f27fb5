/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of the door for SendGrid's API, for its own files. */
#ifndef SERVER_DOORS_HTTP_SENDGRID_INTERNAL_H
#define SERVER_DOORS_HTTP_SENDGRID_INTERNAL_H

#include "api_internal.h"
#include "sendgrid.h"

#define SENDGRID_PERSONALIZATIONS_MAX 1000
#define SENDGRID_RECIPIENTS_MAX       1000
#define SENDGRID_BYTES_MAX            (512u << 20) /* of all messages of a request, composed */
#define SENDGRID_COMPARES_MAX         (64u << 20)  /* of substitutions, for a request */
#define SENDGRID_STEPS_MAX            (16u << 20)  /* of templates, for a request */
#define SENDGRID_AHEAD_S              (72ll * 60 * 60)

/* ---- sendgrid_error.c ---- */

/* Problems of this API: {"errors":[{"message","field","help"}]}. */
json_t *sendgrid_shape(struct http_request *r, const struct http_problem *p, int *status);

/* ---- sendgrid_rate.c ---- */

/* X-RateLimit-Limit, -Remaining and -Reset, as it is now; ctx is the API. */
void sendgrid_put_rate(struct http_request *r, const struct identity *who, void *ctx);

/* ---- sendgrid_batch.c ---- */

void sendgrid_batch_routes(struct http *http, const struct api *api);

/* ---- sendgrid_keys.c ---- */

void sendgrid_keys_routes(struct http *http, const struct api *api);
/* Addresses to send from, and their pools. */
void sendgrid_ips_routes(struct http *http, const struct api *api);
/* ---- sendgrid_pool.c ---- */

void sendgrid_pool_routes(struct http *http, const struct api *api);
void sendgrid_no_pool(struct http_request *r); /* 404 */

/* A list of all that he may do. */
json_t *sendgrid_scopes_json(const struct identity *who);
/* What a request says of a key. Views point into the JSON. */
struct sendgrid_key {
    sgl_view name;
    struct scopes scopes; /* listed: they were given */
};
bool sendgrid_key_parse(const json_t *json, struct sendgrid_key *out, struct api_refusal *why);

/* ---- sendgrid_template.c ---- */

void sendgrid_template_routes(struct http *http, const struct api *api);

/* ---- sendgrid_fill.c: messages that are made of a template ---- */

struct templates_call;
struct sgl_template;
/* The active version of one; views point into what was found. */
struct sendgrid_template {
    sgl_view id, subject, html, plain;
    bool dynamic, generate; /* the plain text is made of the HTML */
    const struct sgl_template *subject_words, *html_words, *plain_words; /* dynamic */
};
bool sendgrid_template_read(const struct api_reader *p, const struct templates_call *found,
                            struct sendgrid_template *out);
struct sendgrid_mail;
/* Subject, HTML and text of p->m by a dynamic template; path is that of the data. */
bool sendgrid_fill(const struct api_reader *p, struct sendgrid_mail *mail, const json_t *data,
                   const char *path);
/* The request's own content, or subject, in its place in a legacy template; without one nothing is done. */
bool sendgrid_body(const struct api_reader *p, struct sendgrid_mail *mail);
bool sendgrid_subject(const struct api_reader *p, const struct sendgrid_mail *mail,
                      sgl_view *subject);

/* ---- sendgrid_request.c: what all messages of a request have in common ---- */

/* Views point into the JSON, which must stay, and the arena. */
struct sendgrid_mail {
    const json_t *json;
    struct api_message common; /* from, attachments; its recipients are of no message */
    sgl_view text, html;       /* before substitution, as the forms in `common` are */
    const json_t *sections;    /* an object of strings, or NULL */
    int64_t now, send_at;      /* Unix seconds; send_at 0: at once */
    bool sandbox;
    bool one_each; /* list mail: a message for each recipient */
    size_t personalizations, recipients;
    size_t compares, bytes;                    /* that were needed so far */
    const struct sendgrid_template *template_; /* NULL: none; set before it is parsed */
    size_t steps;                              /* that templates may still take */
    sgl_view footer_text, footer_html;         /* of dynamic templates: they come last */
};
/* Everything in the request, each personalization with it, or the whole is refused. p->m is &mail->common. */
bool sendgrid_parse(struct api_reader *p, const json_t *json, int64_t now,
                    struct sendgrid_mail *mail);

/* ---- sendgrid_read.c: members as this API has them ---- */

#define SENDGRID_WRONG "member-value"
const json_t *sendgrid_member(const json_t *object, const char *name); /* null counts as absent */
bool sendgrid_address(const struct api_reader *p, const json_t *json, const char *path,
                      struct sgl_compose_address *out);
/* An optional array of addresses; recipients are counted in. */
bool sendgrid_addresses(struct api_reader *p, const json_t *list, const char *path, bool recipients,
                        struct sgl_compose_addresses *out);
/* From, and may it be?  The field that is named is the member itself. */
bool sendgrid_from(const struct api_reader *p, const json_t *json, const char *path,
                   struct sgl_compose_address *out);
/* An optional integer that is not negative; *out stays as it is without one. */
bool sendgrid_integer(const struct api_reader *p, const json_t *object, const char *name,
                      const char *path, int64_t *out);
bool sendgrid_send_at(const struct api_reader *p, const json_t *object, const char *path,
                      int64_t now, int64_t *out);
bool sendgrid_is_batch(sgl_view id); /* by its form */
/* An optional whole number of the query, from least to most. false: answered. */
bool sendgrid_query_number(struct http_request *r, const char *name, int64_t least, int64_t most,
                           int64_t *out);
bool sendgrid_custom_args(const struct api_reader *p, const json_t *object, const char *path);

/* ---- sendgrid_content.c ---- */

bool sendgrid_content(const struct api_reader *p, struct sendgrid_mail *mail);

/* ---- routes of other resources, a file each ---- */

void sendgrid_suppression_routes(struct http *http, const struct api *api);
void sendgrid_group_routes(struct http *http, const struct api *api);
void sendgrid_stats_routes(struct http *http, const struct api *api);

/* ---- sendgrid_settings.c: what a request asks beside the message ---- */

bool sendgrid_settings(const struct api_reader *p, struct sendgrid_mail *mail);
/* The footer behind what a dynamic template gave. */
bool sendgrid_footer(const struct api_reader *p, const struct sendgrid_mail *mail, sgl_view *text,
                     sgl_view *html);

/* ---- sendgrid_personal.c: one message ---- */

struct sendgrid_one {
    struct api_message m;
    int64_t not_before;
};
/* The message of that personalization, on p->arena; p->m becomes &one->m. */
bool sendgrid_personal(struct api_reader *p, struct sendgrid_mail *mail, size_t index,
                       struct sendgrid_one *one);

/* ---- sendgrid_replace.c ---- */

/*
 * What the keys of a personalization stand for where there are sections: a key of either is replaced, in a value of a substitution sections are, and in a section
 * substitutions; what these put there is not looked at again.  A new reference.  SGL_E_LIMIT: that is more than a message needs.
 */
enum sgl_status sendgrid_expand(const json_t *substitutions, const json_t *sections,
                                struct sgl_arena *arena, size_t *compares, json_t **out);
/* Each key of the object stands for its value, the longest that fits first. *compares counts up, to SENDGRID_COMPARES_MAX. */
enum sgl_status sendgrid_replace(const json_t *values, sgl_view text, struct sgl_arena *arena,
                                 size_t *compares, sgl_view *out);

#endif
