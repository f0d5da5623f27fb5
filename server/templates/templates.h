/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates and their versions, in the store and nowhere else: read when they are wanted, on a worker.  Each belongs to a subscription; another one's is not there.  One version of a
 * template is the active one, which is sent; a template may have none.  A template of the dynamic kind is in the words of Handlebars (sigillo/template.h), and no version is kept that
 * could not be read.  One that is not dynamic is text with places for content and substitutions.
 *
 * Two kinds of nouns: "template" by "SUBSCRIPTION/ID" is what is known of it and of its versions, "template-version" by "SUBSCRIPTION/ID/VERSION" is what a version holds.  Changes take
 * turns, in the order in which they came.
 */
#ifndef SERVER_TEMPLATES_TEMPLATES_H
#define SERVER_TEMPLATES_TEMPLATES_H

#include <jansson.h>

#include "../store/store.h"
#include "sigillo/view.h"

#define TEMPLATES_MAX          300          /* of a subscription */
#define TEMPLATES_VERSIONS_MAX 300          /* of a template */
#define TEMPLATES_BYTES_MAX    (256u << 20) /* of all versions of a subscription */
#define TEMPLATES_NAME_MAX     100          /* characters, as below */
#define TEMPLATES_SUBJECT_MAX  255
#define TEMPLATES_TEXT_MAX     (1u << 20) /* bytes of an HTML, of a plain text, of test data */

#define TEMPLATES_HELD_MAX                                                                         \
    (256u << 20) /* bytes of versions that are being sent, all calls together */
#define TEMPLATES_PAGE_BYTES (1u << 20) /* a list's page ends behind the row that reaches this */

struct templates;
struct templates *templates_new(struct store *store, struct workers *workers); /* both borrowed */
void templates_free(struct templates *t); /* no loop and no worker runs any more; NULL accepted */

enum templates_verb {
    TEMPLATES_LIST,
    TEMPLATES_GET,
    TEMPLATES_ADD,
    TEMPLATES_RENAME,
    TEMPLATES_COPY,
    TEMPLATES_REMOVE,
    TEMPLATES_VERSION_GET, /* without a version: the active one */
    TEMPLATES_VERSION_ADD,
    TEMPLATES_VERSION_CHANGE,
    TEMPLATES_VERSION_ACTIVATE,
    TEMPLATES_VERSION_REMOVE,
};
enum templates_result {
    TEMPLATES_OK,
    TEMPLATES_INVALID,   /* field and why say what */
    TEMPLATES_NOT_FOUND, /* field: "template" or "version" */
    TEMPLATES_LIMIT,     /* as INVALID: there are too many, or they are too large together */
    TEMPLATES_UNAVAILABLE,
};

/* Texts with ptr NULL stay as they are, or are empty in what is new. */
struct templates_change {
    sgl_view name;
    bool dynamic; /* ADD */
    sgl_view subject, html, plain, test_data, editor;
    int active, generate; /* -1: not said. generate: the plain text is made from the HTML */
};
struct templates_page {
    bool dynamic, legacy; /* which are wanted */
    sgl_view after;       /* the id that the page before ended with */
    size_t max;
};

struct templates_call {
    struct work work; /* the room's own, as is private_ */
    struct templates *templates;
    enum templates_verb verb;
    struct loop *loop;
    void (*done)(struct templates_call *c); /* always later, on loop */
    void *ctx;
    /* in: what is pointed to is borrowed until done() */
    sgl_view subscription, actor, peer;
    sgl_view id, version;
    struct templates_change change;
    struct templates_page page;
    /* out */
    enum templates_result result;
    char field[24], why[240];
    /*
     * GET and changes: the template; LIST: an array of them.
     * {"id","name","dynamic":B,"created_at":N,"updated_at":N,"bytes":N,"versions":[{"id","name","subject","active":B,"generate":B,"editor","updated_at":N,"bytes":N}]}
     */
    json_t *json;
    json_t *row;     /* VERSION_...: the version's, a part of json, borrowed */
    json_t *content; /* VERSION_...: {"html","plain","test_data"} */
    size_t count;    /* LIST: of all pages */
    bool more;       /* LIST: there is another page */
    size_t held;     /* bytes that are counted for it */
    struct templates_private *private_;
};
/* Any thread. Zeroed at first, but for what is in. */
void templates_call(struct templates *t, struct templates_call *c);
/* So many bytes more are in memory until templates_call_done(); false: that is too much, and the work is refused for now. */
bool templates_hold(struct templates_call *c, size_t bytes);
void templates_call_done(struct templates_call *c); /* gives back what came out */

#endif
