/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suppressed addresses from CSV: the whole list, or, when one line of it is wrong, nothing.
 *
 *   copied -> read and checked line by line, then by the directory (a worker) -> stored together -> answered
 *
 * The worker's end and the directory's are both told on the request's loop; the answer comes with the second of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "admin_suppression.h"

struct import {
    struct directory_suppress op; /* first: cast from it */
    struct work work;
    struct http_request *r;
    const struct admin *admin;
    struct identity *who;
    uint8_t *text;
    size_t len;
    struct suppression_list list;
    bool handed_over; /* the directory has it */
    unsigned ends;    /* that are still to come */
};

static void import_free(struct import *m)
{
    identity_unref(m->who);
    free(m->text);
    suppression_list_done(&m->list);
    free(m);
}

/* ---- on a worker ---- */

static void read_on_worker(struct work *w)
{
    struct import *m = (struct import *)(void *)((char *)w - offsetof(struct import, work));

    m->op.result = DIRECTORY_INVALID;
    if (!suppression_list_read(&m->list, m->text, m->len))
        return;
    m->op.result = DIRECTORY_OK;
    m->op.item = m->list.item;
    m->op.items = m->list.items;
    m->handed_over = m->op.items > 0;
    if (m->handed_over)
        directory_suppress(m->admin->directory, &m->op);
}

/* ---- on the loop ---- */

static void reply_fault(struct import *m)
{
    char field[32];

    snprintf(field, sizeof(field), "line %zu", m->list.fault_line);
    if (m->list.fault_line > 0)
        http_reply_problem(m->r, admin_result_status(m->op.result), admin_result_word(m->op.result),
                           field, m->list.fault);
    else
        http_reply_problem(m->r, 503, "memory-full", NULL,
                           "The server has no memory left for this.");
}

static void reply(struct import *m)
{
    bool fine = m->op.result == DIRECTORY_OK;

    /* What is wrong with the whole list names no line. */
    if (m->handed_over && !fine && m->op.wrong < m->op.items &&
        (strcmp(m->op.field, "address") == 0 || strcmp(m->op.field, "domain") == 0 ||
         strcmp(m->op.field, "created_at") == 0 || strcmp(m->op.field, "expires_at") == 0))
        suppression_list_fault(&m->list, m->list.line[m->op.wrong], m->op.field, m->op.why);
    if (m->handed_over && !fine && m->list.fault_line == 0) {
        http_reply_problem(m->r, admin_result_status(m->op.result), admin_result_word(m->op.result),
                           m->op.field, m->op.why);
    } else if (!fine) {
        reply_fault(m);
    } else {
        http_reply_json(m->r, 200,
                        json_pack("{s:I, s:I}", "added", (json_int_t)m->op.fresh, "known",
                                  (json_int_t)(m->op.items - m->op.fresh)));
    }
}

static void end(struct import *m)
{
    char about[48];

    if (--m->ends > 0)
        return;
    snprintf(about, sizeof(about), "%zu addresses", m->op.items);
    admin_audit(m->r, m->who, "suppression import", about, admin_result_word(m->op.result));
    reply(m);
    import_free(m);
}

static void suppress_done(struct directory_suppress *op)
{
    end((struct import *)(void *)op);
}

static void read_done(struct work *w)
{
    struct import *m = (struct import *)(void *)((char *)w - offsetof(struct import, work));

    if (!m->handed_over)
        m->ends--;
    end(m);
}

/* ---- the request ---- */

static bool is_csv(struct http_request *r)
{
    sgl_view rest, type = sgl_view_trim(sgl_view_split(http_header(r, "Content-Type"), ';', &rest));

    if (type.len == 0 || sgl_view_eq_nocase(type, SGL_LIT("text/csv")))
        return true;
    http_reply_problem(r, 415, "media-type", "Content-Type", "The body must be text/csv.");
    return false;
}

/* What counts for every line that does not say otherwise. */
static bool take_query(struct import *m)
{
    for (unsigned i = SUPPRESSION_DOMAIN; i < SUPPRESSION_PARTS; i++) {
        const char *why =
            admin_suppression_take((enum admin_suppression_part)i,
                                   http_query(m->r, admin_suppression_part[i]), &m->list.given);

        if (why != NULL) {
            http_reply_problem(m->r, 422, "invalid", admin_suppression_part[i], why);
            return false;
        }
    }
    m->op.subscription = http_query(m->r, "subscription");
    m->op.domain = m->list.given.domain;
    return admin_take_scope(m->r, admin_scope(m->who), &m->op.subscription);
}

/* The body is copied: the shell may drop the request while a worker reads. */
static bool take_body(struct import *m)
{
    sgl_view body = http_body(m->r);

    m->len = body.len;
    m->text = malloc(body.len + 1);
    if (m->text == NULL) {
        http_reply_problem(m->r, 503, "memory-full", NULL,
                           "The server has no memory left for this.");
        return false;
    }
    if (body.len > 0)
        memcpy(m->text, body.ptr, body.len);
    return true;
}

static struct import *import_new(struct http_request *r, const struct admin *admin,
                                 struct identity *who)
{
    struct import *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return NULL;
    m->r = r;
    m->admin = admin;
    m->who = who;
    suppression_list_init(&m->list);
    m->ends = 2;
    m->op.loop = http_loop(r);
    m->op.done = suppress_done;
    m->op.actor = sgl_view_cstr(who->name);
    m->op.peer = sgl_view_cstr(http_peer(r));
    m->work = (struct work){.work = read_on_worker, .done = read_done, .loop = http_loop(r)};
    return m;
}

static void import_post(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = admin_who(r, admin);
    struct import *m;

    if (who == NULL)
        return;
    m = import_new(r, admin, who);
    if (m == NULL) {
        identity_unref(who);
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        return;
    }
    if (is_csv(r) && take_query(m) && take_body(m)) {
        if (workers_submit(admin->workers, &m->work))
            return;
        http_reply_problem(r, 503, "busy", NULL, "Too much is waiting; try again soon.");
    }
    import_free(m);
}

void admin_suppression_import_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/suppressions/import", import_post, ctx);
}
