/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_TEMPLATES_TEMPLATES_INTERNAL_H
#define SERVER_TEMPLATES_TEMPLATES_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "../directory/guid.h"
#include "templates.h"

#define TEMPLATE_KIND "template"
#define VERSION_KIND  "template-version"
#define KEY_MAX       400

struct templates {
    struct store *store;
    struct workers *workers;
    _Atomic size_t held;
    pthread_mutex_t lock;
    bool turn_taken;
    struct templates_call *first, **last; /* that wait for their turn */
};

/* A change on its way to the store. */
struct templates_private {
    struct templates_call *next; /* in turn */
    struct store_noun_op op;
    struct store_noun *noun;
    char **text; /* of its nouns: key and value of each */
    struct store_audit audit;
    char audit_object[STORE_AUDIT_TEXT_MAX];
    struct loop_task task;
    uint64_t version; /* of the template's noun */
};

/* ---- template_row.c: what is in the store ---- */

bool template_id_ok(sgl_view id);
void template_id_new(bool dynamic, char out[GUID_TEXT_SIZE]);
/* "SUBSCRIPTION/ID" or "SUBSCRIPTION/ID/VERSION"; false: too long. */
bool template_key(const struct templates_call *c, sgl_view id, sgl_view version, char *out,
                  size_t size);
/* Into c->json, with its id; false: c->result says why. */
bool template_load(struct templates_call *c);
/* The row of c->version, or of the active one, into c->row; false: there is none. */
bool template_find_version(struct templates_call *c);
/* c->row's content into c->content. */
bool template_load_version(struct templates_call *c);
json_t *template_read_content(struct templates_call *c, sgl_view version);
bool template_list(struct templates_call *c);
struct template_sums {
    size_t count;
    int64_t bytes;
};
bool template_sum(struct templates_call *c, struct template_sums *out);

/* ---- template_change.c ---- */

bool template_say(struct templates_call *c, enum templates_result result, const char *field,
                  const char *why);
bool template_room_ended(struct templates_call *c);
/* What the change asks for as nouns of c->private_; false: c->result says why. */
bool template_change(struct templates_call *c);

/* ---- template_check.c ---- */

/* Of the version as it would be: its texts, and that they can be read. */
bool template_check(struct templates_call *c, const json_t *row, const json_t *content,
                    bool dynamic);
bool template_check_name(struct templates_call *c, sgl_view name);

#endif
