/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Through the suppressed addresses of a subscription, page by page, in the order of their names.
 *
 *   init -> ranges added -> sendgrid_walk_on() -> each() for the entries of a page, on a worker -> page(), on the loop -> sendgrid_walk_on() ... -> over
 */
#ifndef SERVER_DOORS_HTTP_SENDGRID_WALK_H
#define SERVER_DOORS_HTTP_SENDGRID_WALK_H

#include "sendgrid_internal.h"

struct sendgrid_entry { /* views into the row */
    sgl_view scope, address, reply, status;
    enum suppression_reason reason;
    int64_t created_at;
};
struct sendgrid_range {
    sgl_view after, before;
};
struct sendgrid_walk {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct api *api;
    const char *subscription; /* in the request's arena, as the ranges are */
    struct sendgrid_range *range;
    size_t ranges, ranges_max, at, rows;
    struct sgl_buf after;
    int64_t now;
    unsigned reasons; /* bits: entries of these */
    bool (*each)(struct sendgrid_walk *w,
                 const struct sendgrid_entry *e); /* on a worker; false: it is enough */
    void (*page)(struct sendgrid_walk *w);        /* a page was read; w->over: the last one */
    bool over;
    enum store_result result;
};
/* For the subscription of `who`, of at most so many ranges. false: no memory. */
bool sendgrid_walk_init(struct sendgrid_walk *w, struct http_request *r, const struct api *api,
                        const struct identity *who, size_t ranges);
void sendgrid_walk_done(struct sendgrid_walk *w);
/* All false: no memory. */
bool sendgrid_walk_add(struct sendgrid_walk *w, sgl_view after, sgl_view before);
bool sendgrid_walk_between(struct sendgrid_walk *w, const char *after,
                           const char *before); /* both behind the subscription's name */
/* Entries of one address in a scope (a domain, "list:ID", or "" for all mail), and perhaps a few others: each() has to look. */
bool sendgrid_walk_one(struct sendgrid_walk *w, sgl_view scope, sgl_view address);
/* false: too much waits; then page() is not called. */
bool sendgrid_walk_on(struct sendgrid_walk *w);
/* Answers that it cannot be read now. */
void sendgrid_walk_fault(const struct sendgrid_walk *w, struct http_request *r);

#define SENDGRID_WALK_ROWS 1000u                 /* of a page */
void sendgrid_no_memory(struct http_request *r); /* answers that */
/* ASCII letters in lower case, in the request's arena. false: no memory. */
bool sendgrid_lower(struct http_request *r, sgl_view text, sgl_view *out);
/* {email} of the path, as the noun has it, in the request's arena. false: answered. */
bool sendgrid_take_email(struct http_request *r, sgl_view *out);

/* Is it an array of at most so many strings?  If not, it was answered, with the path of what is wrong: "emails.3". */
#define SENDGRID_EMAILS_MAX 1000u
bool sendgrid_are_emails(struct http_request *r, const json_t *list, const char *name);

/* ---- sendgrid_group.c ---- */

bool sendgrid_group_id(struct http_request *r,
                       uint32_t *out);          /* of the path; false: it is none, 0 */
void sendgrid_no_group(struct http_request *r); /* answers that */
void sendgrid_asm_routes(struct http *http, const struct api *api); /* sendgrid_asm.c */

/* ---- sendgrid_remove.c: addresses that are suppressed no more ---- */

struct sendgrid_removal {
    const char *scope; /* "list:ID"; "": all mail; NULL: all mail, and that of single domains */
    unsigned reasons;  /* bits */
    bool all;          /* all of them; else: */
    sgl_view
        one; /* this address; ptr NULL: what the body says, {"emails": [...]} or {"delete_all": true} */
};
/* Answers with 204 when it is done. Takes the reference. */
void sendgrid_remove(struct http_request *r, const struct api *api, struct identity *who,
                     const struct sendgrid_removal *what);

/* ---- sendgrid_listing.c: a walk whose entries are the answer, a JSON array, sent piece by piece ---- */

struct sendgrid_listing {
    struct sendgrid_walk walk; /* first: cast from it */
    struct sgl_buf piece;
    bool begun, some;
    int64_t from, until; /* made between the two, both included; until 0: no bound */
    sgl_view email;      /* the beginning of the address, % for anything; ptr NULL: any */
    sgl_view only;       /* just this address, in any spelling of the local part; ptr NULL: any */
    int64_t skip, left;  /* left < 0: all */
    json_t *(*json)(const struct sendgrid_listing *l, const struct sendgrid_entry *e);
    const void *ctx;
};
/* NULL: answered. */
struct sendgrid_listing *sendgrid_listing_new(struct http_request *r, const struct api *api,
                                              const struct identity *who, size_t ranges);
void sendgrid_listing_drop(struct sendgrid_listing *l); /* it has been answered */
/* Takes it, and answers. ranges_fine: what was added was. */
void sendgrid_listing_run(struct sendgrid_listing *l, bool ranges_fine);
void sendgrid_class_routes(struct http *http, const struct api *api); /* sendgrid_class.c */
/* Does the address begin with the pattern?  "%" stands for anything; A to Z match in either case. */
bool sendgrid_email_match(sgl_view pattern, sgl_view address);

#endif
