/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses that are suppressed no more: those that are named, or all of a list.
 *
 *   named: -> removed together -> 204, or 404 when the one that the path names is not there
 *   all:   -> a page is read -> removed -> read on ... -> 204
 */
#include <stdio.h>
#include <stdlib.h>

#include "sendgrid_walk.h"
#include "sigillo/mailbox.h"

#define ARENA_MAX  (4u << 20)
#define OF_DOMAINS 4096 /* entries of single domains, of all that are named */

struct own { /* a domain of the subscription */
    sgl_view name;
    struct own *next;
};
struct removing {
    struct sendgrid_walk walk; /* first: cast from it */
    struct own *own;           /* those that are looked at, in the arena */
    struct directory_suppress op;
    struct identity *who;
    json_t *body;
    struct sgl_arena arena; /* the items of a page, and their texts */
    struct suppression *item;
    size_t items, room;
    bool one;
};

static void removing_free(struct removing *m)
{
    sendgrid_walk_done(&m->walk);
    identity_unref(m->who);
    json_decref(m->body);
    sgl_arena_done(&m->arena);
    free(m);
}

static void answer(struct removing *m)
{
    http_reply_empty(m->walk.r, 204);
    removing_free(m);
}

static void answer_fault(struct removing *m)
{
    const struct directory_suppress *op = &m->op;

    if (op->result == DIRECTORY_INVALID) {
        http_reply_problem(m->walk.r, 400, "invalid", m->one ? "email" : "emails", op->why);
    } else {
        http_reply_header(m->walk.r, "Retry-After", SGL_LIT("5"));
        http_reply_problem(m->walk.r, 503, "unavailable", NULL, op->why);
    }
    removing_free(m);
}

static void submit(struct removing *m, void (*done)(struct directory_suppress *op))
{
    const struct identity *who = m->who;

    m->op.remove = true;
    m->op.absent_ok = true;
    m->op.subscription = sgl_view_cstr(m->walk.subscription);
    m->op.item = m->item;
    m->op.items = m->items;
    m->op.loop = http_loop(m->walk.r);
    m->op.done = done;
    m->op.actor = sgl_view_cstr(who->name);
    m->op.peer = sgl_view_cstr(http_peer(m->walk.r));
    m->op.reasons = m->walk.reasons;
    directory_suppress(m->walk.api->directory, &m->op);
}

static struct removing *removing_of(struct directory_suppress *op)
{
    return (struct removing *)(void *)((char *)op - offsetof(struct removing, op));
}

/* ---- named ---- */

static void named_done(struct directory_suppress *op)
{
    struct removing *m = removing_of(op);

    if (op->result != DIRECTORY_OK) {
        answer_fault(m);
    } else if (m->one && op->fresh == 0) {
        http_reply_problem(m->walk.r, 404, "not-found", "email",
                           "This address is not on the list.");
        removing_free(m);
    } else {
        answer(m);
    }
}

static bool add_item(struct removing *m, sgl_view address, sgl_view scope)
{
    if (m->items == m->room)
        return false;
    m->item[m->items++] = (struct suppression){.address = address, .domain = scope};
    return true;
}

static bool note_domain(void *ctx, struct domain *d)
{
    struct removing *m = ctx;
    struct own *own;

    if (strcmp(d->subscription, m->walk.subscription) != 0)
        return true;
    own = SGL_NEW(&m->arena, struct own);
    if (own == NULL || sgl_arena_dup(&m->arena, sgl_view_cstr(d->name), &own->name) != SGL_OK)
        return false;
    own->next = m->own;
    m->own = own;
    return true;
}

static bool is_listed(const struct removing *m, sgl_view domain, sgl_view address)
{
    const struct suppression_question q = {.subscription = sgl_view_cstr(m->walk.subscription),
                                           .domain = domain,
                                           .address = address,
                                           .now = m->walk.now};
    enum suppression_reason reason;

    return directory_suppression_listed(m->walk.api->directory, &q, &reason);
}

/* All that the address is suppressed for. Text that is no address is left for the directory, which says so. */
static bool add_address(struct removing *m, sgl_view text, const struct sendgrid_removal *what)
{
    struct sgl_mailbox mailbox;

    if (!add_item(m, text, sgl_view_cstr(what->scope)))
        return false;
    if (what->scope != NULL || sgl_mailbox_parse(text, &m->arena, &mailbox, NULL) != SGL_OK)
        return true;
    for (const struct own *own = m->own; own != NULL; own = own->next)
        if (is_listed(m, own->name, mailbox.text) && !add_item(m, mailbox.text, own->name))
            return false;
    return true;
}

static void remove_named(struct removing *m, const sgl_view *one, const json_t *list,
                         const struct sendgrid_removal *what)
{
    size_t count = one != NULL ? 1 : json_array_size(list);
    bool fine;

    m->room = count * 2 + OF_DOMAINS;
    m->item = SGL_NEW_N(&m->arena, m->room, struct suppression);
    if (what->scope == NULL) /* once, not for each address: there may be many domains of others */
        directory_each_domain(m->walk.api->directory, note_domain, m);
    fine = m->item != NULL && m->arena.status == SGL_OK;
    for (size_t i = 0; fine && i < count; i++)
        fine = add_address(m, one != NULL ? *one : api_string_view(json_array_get(list, i)), what);
    if (fine) {
        submit(m, named_done);
        return;
    }
    sendgrid_no_memory(m->walk.r);
    removing_free(m);
}

/* ---- all of them ---- */

static void page_removed(struct directory_suppress *op)
{
    struct removing *m = removing_of(op);

    if (op->result != DIRECTORY_OK) {
        answer_fault(m);
    } else if (m->walk.over) {
        answer(m);
    } else {
        sgl_arena_reset(&m->arena);
        m->item = NULL;
        m->items = 0;
        if (sendgrid_walk_on(&m->walk))
            return;
        sendgrid_walk_fault(&m->walk, m->walk.r);
        removing_free(m);
    }
}

/* On a worker. */
static bool note_entry(struct sendgrid_walk *w, const struct sendgrid_entry *e)
{
    struct removing *m = (struct removing *)(void *)w;
    sgl_view address, scope;

    if (m->item == NULL)
        m->item = SGL_NEW_N(&m->arena, m->room, struct suppression);
    if (m->item == NULL || sgl_arena_dup(&m->arena, e->address, &address) != SGL_OK ||
        sgl_arena_dup(&m->arena, e->scope, &scope) != SGL_OK || !add_item(m, address, scope)) {
        w->result = STORE_NOMEM;
        return false;
    }
    return true;
}

static void page_read(struct sendgrid_walk *w)
{
    struct removing *m = (struct removing *)(void *)w;

    if (w->result != STORE_OK) {
        sendgrid_walk_fault(w, w->r);
        removing_free(m);
    } else if (m->items > 0) {
        submit(m, page_removed);
    } else {
        m->op.result = DIRECTORY_OK;
        page_removed(&m->op);
    }
}

static void remove_all(struct removing *m, const struct sendgrid_removal *what)
{
    struct sendgrid_walk *w = &m->walk;
    char after[80], before[80];
    bool fine;

    if (what->scope == NULL) {
        fine = sendgrid_walk_between(w, "/", "/list:") && sendgrid_walk_between(w, "/list;", "0");
    } else {
        snprintf(after, sizeof(after), "/%s/", what->scope);
        snprintf(before, sizeof(before), "/%s0", what->scope);
        fine = sendgrid_walk_between(w, after, before);
    }
    m->room = SENDGRID_WALK_ROWS;
    w->each = note_entry;
    w->page = page_read;
    if (fine && sendgrid_walk_on(w))
        return;
    sendgrid_walk_fault(w, w->r);
    removing_free(m);
}

/* ---- asked ---- */

static struct removing *removing_new(struct http_request *r, const struct api *api,
                                     struct identity *who, const struct sendgrid_removal *what)
{
    struct removing *m = calloc(1, sizeof(*m));

    if (m == NULL) {
        identity_unref(who);
        sendgrid_no_memory(r);
        return NULL;
    }
    m->who = who;
    m->one = what->one.ptr != NULL;
    sgl_arena_init(&m->arena, ARENA_MAX);
    if (sendgrid_walk_init(&m->walk, r, api, who, 2)) {
        m->walk.reasons = what->reasons;
        return m;
    }
    removing_free(m);
    sendgrid_no_memory(r);
    return NULL;
}

static void remove_by_body(struct removing *m, const struct sendgrid_removal *what)
{
    struct http_request *r = m->walk.r;
    const json_t *emails, *all;

    m->body = http_json(r);
    if (m->body == NULL) {
        removing_free(m);
        return;
    }
    emails = sendgrid_member(m->body, "emails");
    all = sendgrid_member(m->body, "delete_all");
    if (all != NULL && !json_is_boolean(all)) {
        http_reply_problem(r, 400, "member-type", "delete_all", "true or false is wanted here.");
    } else if (json_is_true(all) && emails == NULL) {
        remove_all(m, what);
        return;
    } else if (json_is_true(all) || json_array_size(emails) == 0) {
        http_reply_problem(r, 400, "member-type", emails == NULL ? "delete_all" : "emails",
                           "Either delete_all is true, or emails is an array of 1 to 1000 "
                           "addresses.");
    } else if (sendgrid_are_emails(r, emails, "emails")) {
        remove_named(m, NULL, emails, what);
        return;
    }
    removing_free(m);
}

void sendgrid_remove(struct http_request *r, const struct api *api, struct identity *who,
                     const struct sendgrid_removal *what)
{
    struct removing *m = removing_new(r, api, who, what);

    if (m == NULL)
        return;
    if (what->all)
        remove_all(m, what);
    else if (m->one)
        remove_named(m, &what->one, NULL, what);
    else
        remove_by_body(m, what);
}
