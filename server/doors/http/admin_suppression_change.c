/* SPDX-License-Identifier: Apache-2.0 */
/* Suppressed addresses: added one or many, removed. */
#include <stdio.h>
#include <stdlib.h>

#include "admin_suppression.h"

#define ADDRESSES_MAX 1000 /* of one call; an import takes more */

struct suppress {
    struct directory_suppress op; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct identity *who;
    json_t *body;
    struct suppression one, *item;
    char about[80];
};

static void suppress_free(struct suppress *s)
{
    identity_unref(s->who);
    json_decref(s->body);
    if (s->item != &s->one)
        free(s->item);
    free(s);
}

static void suppress_done(struct directory_suppress *op)
{
    struct suppress *s = (struct suppress *)(void *)op;
    char field[64];

    admin_audit(s->r, s->who, op->remove ? "suppression remove" : "suppression add", s->about,
                admin_result_word(op->result));
    if (op->result == DIRECTORY_OK) {
        if (!op->remove && s->one.reason == SUPPRESSION_COMPLAINT)
            admin_guard_complaints(s->admin, op->domain, op->item, op->items);
        http_reply_json(s->r, op->remove ? 200 : 201,
                        op->remove ? json_pack("{s:I}", "removed", (json_int_t)op->items)
                                   : json_pack("{s:I, s:I}", "added", (json_int_t)op->fresh,
                                               "known", (json_int_t)(op->items - op->fresh)));
    } else {
        if (!op->remove && strcmp(op->field, "address") == 0)
            snprintf(field, sizeof(field), "addresses[%zu]", op->wrong);
        else
            snprintf(field, sizeof(field), "%s", op->field);
        http_reply_problem(s->r, admin_result_status(op->result), admin_result_word(op->result),
                           field, op->why);
    }
    suppress_free(s);
}

static struct suppress *suppress_new(struct http_request *r, const struct admin *admin, bool remove)
{
    struct identity *who = admin_who(r, admin);
    struct suppress *s;

    if (who == NULL)
        return NULL;
    s = calloc(1, sizeof(*s));
    if (s == NULL) {
        identity_unref(who);
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        return NULL;
    }
    s->op.remove = remove;
    s->op.loop = http_loop(r);
    s->op.done = suppress_done;
    s->op.item = s->item = &s->one;
    s->op.items = 1;
    s->op.actor = sgl_view_cstr(who->name);
    s->op.peer = sgl_view_cstr(http_peer(r));
    s->one.reason = SUPPRESSION_MANUAL;
    s->r = r;
    s->admin = admin;
    s->who = who;
    return s;
}

static void suppress_start(struct suppress *s)
{
    if (!admin_take_scope(s->r, admin_scope(s->who), &s->op.subscription)) {
        suppress_free(s);
        return;
    }
    snprintf(s->about, sizeof(s->about), "%.*s%s", SGL_FMT(sgl_view_sub(s->item[0].address, 0, 60)),
             s->op.items > 1 ? " ..." : "");
    directory_suppress(s->admin->directory, &s->op);
}

/* The same for all addresses of a call. false: answered. */
static bool take(struct suppress *s, enum admin_suppression_part part, sgl_view text)
{
    const char *why = admin_suppression_take(part, text, &s->one);

    if (why != NULL)
        http_reply_problem(s->r, 422, "invalid", admin_suppression_part[part], why);
    return why == NULL;
}

static sgl_view text_of_bool(const json_t *value)
{
    return value == NULL ? SGL_LIT("") : json_is_true(value) ? SGL_LIT("true") : SGL_LIT("false");
}

static bool take_addresses(struct suppress *s, const json_t *list)
{
    const json_t *item;
    size_t at, count = json_array_size(list);

    if (count == 0 || count > ADDRESSES_MAX) {
        http_reply_problem(s->r, 422, "too-many", "addresses",
                           "Name 1 to 1000 addresses at a time; an import takes more.");
        return false;
    }
    s->item = calloc(count, sizeof(*s->item));
    if (s->item == NULL) {
        s->item = &s->one;
        http_reply_problem(s->r, 503, "memory-full", NULL,
                           "The server has no memory left for this.");
        return false;
    }
    json_array_foreach(list, at, item)
    {
        s->item[at] = s->one;
        s->item[at].address = admin_text(item);
    }
    s->op.item = s->item;
    s->op.items = count;
    return true;
}

static void suppressions_post(struct http_request *r, void *ctx)
{
    struct admin_member member[] = {{.name = "addresses", .type = JSON_ARRAY, .required = true},
                                    {.name = "subscription", .type = JSON_STRING},
                                    {.name = "domain", .type = JSON_STRING},
                                    {.name = "reason", .type = JSON_STRING},
                                    {.name = "reply", .type = JSON_STRING},
                                    {.name = "expires_at", .type = JSON_STRING},
                                    {.name = "case_sensitive", .type = JSON_TRUE}};
    struct suppress *s = suppress_new(r, ctx, false);

    if (s == NULL)
        return;
    s->body = admin_object(r, member, 7);
    if (s->body == NULL || !take(s, SUPPRESSION_REASON, admin_text(member[3].value)) ||
        !take(s, SUPPRESSION_REPLY, admin_text(member[4].value)) ||
        !take(s, SUPPRESSION_EXPIRES_AT, admin_text(member[5].value)) ||
        !take(s, SUPPRESSION_CASE_SENSITIVE, text_of_bool(member[6].value)) ||
        !take_addresses(s, member[0].value)) {
        suppress_free(s);
        return;
    }
    s->op.subscription = admin_text(member[1].value);
    s->op.domain = admin_text(member[2].value);
    suppress_start(s);
}

static void suppression_delete(struct http_request *r, void *ctx)
{
    struct suppress *s = suppress_new(r, ctx, true);

    if (s == NULL)
        return;
    s->one.address = http_param(r, "address");
    s->op.subscription = http_query(r, "subscription");
    s->op.domain = http_query(r, "domain");
    suppress_start(s);
}

void admin_suppression_change_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/suppressions", suppressions_post, ctx);
    http_route(http, HTTP_BOTH, "DELETE", "/admin/v1/suppressions/{address}", suppression_delete,
               ctx);
}
