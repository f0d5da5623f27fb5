/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: listed, shown with their trail, and an operator's hand on the queue.  The store is read on worker threads. */
#include <stdio.h>
#include <stdlib.h>

#include "admin_internal.h"
#include "labels.h"
#include "message_tls.h"

#define LIST_DEFAULT 100
#define EVENTS_MAX   10000

/* ---- as JSON ---- */

static json_t *id_json(uint64_t id)
{
    char text[ID_TEXT_SIZE];

    id_text(id, text);
    return json_string(text);
}

/* That of the address: where a route carries the mail, its destination is a key that nobody else knows. */
static sgl_view domain_of(sgl_view address)
{
    size_t at = address.len;

    while (at > 0 && address.ptr[at - 1] != '@')
        at--;
    return sgl_view_from(address, at);
}

static json_t *rcpt_json(const struct store_rcpt *r)
{
    return json_pack(
        "{s:I, s:o, s:o, s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:b}", "id", (json_int_t)r->id,
        "address", admin_json_view(r->address), "domain", admin_json_view(domain_of(r->address)),
        "state", rcpt_state_name(r->state), "next_at",
        r->state == RCPT_QUEUED || r->state == RCPT_HELD ? admin_time(r->next_at * 1000)
                                                         : json_null(),
        "attempts", (json_int_t)r->attempts, "status", admin_json_view(r->status), "reason",
        admin_json_view(r->reason), "why_wait", admin_json_view(r->why_wait), "remote_mta",
        admin_json_view(r->remote_mta), "possibly_repeated", (int)r->possibly_repeated);
}

/* A message for people and programs. events may be NULL. */
static json_t *message_json(const struct store_message *m)
{
    json_t *rcpts = json_array();
    json_t *json;

    for (size_t i = 0; i < m->rcpts; i++)
        json_array_append_new(rcpts, rcpt_json(&m->rcpt[i]));
    json = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "id", id_json(m->id),
                     "subscription", admin_json_view(m->subscription), "identity",
                     admin_json_view(m->identity), "from", admin_json_view(m->env_from),
                     "header_from", admin_json_view(m->header_from), "subject",
                     admin_json_view(m->subject), "message_id", admin_json_view(m->message_id),
                     "size", (json_int_t)m->size, "accepted_at", admin_time(m->accepted_at),
                     "expires_at", admin_time(m->expires_at * 1000));
    json_object_set_new(json, "signed_by", admin_json_view(m->signed_by));
    json_object_set_new(json, "door", admin_json_view(m->door));
    json_object_set_new(json, "peer", admin_json_view(m->peer));
    json_object_set_new(json, "smtputf8", json_boolean(m->smtputf8));
    json_object_set_new(json, "eightbit", json_boolean(m->eightbit));
    message_tls_show(m, json);
    json_object_set_new(json, "batch", admin_json_view(m->batch));
    json_object_set_new(json, "pool", admin_json_view(m->pool));
    labels_show(m->labels, json);
    json_object_set_new(json, "recipients", rcpts);
    return json;
}

static json_t *event_json(const struct store_event *e)
{
    json_t *detail = json_loadb((const char *)e->detail.ptr, e->detail.len, 0, NULL);

    if (detail == NULL)
        detail = json_object();
    return json_pack("{s:o, s:I, s:o, s:o}", "at", admin_time(e->at_ms), "recipient",
                     (json_int_t)e->rcpt, "kind", admin_json_view(e->kind), "detail", detail);
}

/* ---- reads ---- */

struct message_read {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct store_filter filter;
    bool one;
    json_t *messages, *events;
    enum store_result result;
};

static bool add_message(void *ctx, const struct store_message *m)
{
    json_array_append_new(ctx, message_json(m));
    return true;
}

static bool add_event(void *ctx, const struct store_event *e)
{
    json_array_append_new(ctx, event_json(e));
    return json_array_size(ctx) < EVENTS_MAX;
}

static void read_on_worker(struct work *w)
{
    struct message_read *m = (struct message_read *)(void *)w;

    m->messages = json_array();
    m->result = store_read_messages(m->admin->store, &m->filter, add_message, m->messages);
    if (!m->one || m->result != STORE_OK || json_array_size(m->messages) == 0)
        return;
    m->events = json_array();
    m->result = store_read_events(m->admin->store, m->filter.message, add_event, m->events);
}

static json_t *one_message(struct message_read *m)
{
    json_t *message = json_incref(json_array_get(m->messages, 0));
    uint64_t us;

    if (admission_durable_us(m->admin->admission, m->filter.message, &us))
        json_object_set_new(message, "durable_ms", json_real((double)us / 1000.0));
    json_object_set(message, "events", m->events);
    return message;
}

static void read_done(struct work *w)
{
    struct message_read *m = (struct message_read *)(void *)w;

    if (m->result != STORE_OK && m->result != STORE_NOT_FOUND)
        http_reply_problem(m->r, 503, "store", NULL, store_result_text(m->result));
    else if (m->one && json_array_size(m->messages) == 0)
        http_reply_problem(m->r, 404, "message-unknown", "id",
                           "There is no such message, or its trail has expired.");
    else if (m->one)
        http_reply_json(m->r, 200, one_message(m));
    else
        http_reply_json(m->r, 200, json_pack("{s:O}", "messages", m->messages));
    json_decref(m->messages);
    json_decref(m->events);
    free(m);
}

static void start_read(struct http_request *r, const struct admin *admin,
                       const struct store_filter *filter, bool one)
{
    struct message_read *m = calloc(1, sizeof(*m));

    if (m != NULL) {
        m->work = (struct work){.work = read_on_worker, .done = read_done, .loop = http_loop(r)};
        m->r = r;
        m->admin = admin;
        m->filter = *filter;
        m->one = one;
        if (workers_submit(admin->workers, &m->work))
            return;
    }
    free(m);
    http_reply_problem(r, 503, "busy", NULL, "Too much is waiting to be read; try again soon.");
}

/* false: answered. */
static bool take_filter(struct http_request *r, sgl_view scope, struct store_filter *f)
{
    sgl_view after = http_query(r, "after");
    uint64_t n = LIST_DEFAULT;

    f->to = http_query(r, "to");
    f->from = http_query(r, "from");
    f->domain = http_query(r, "domain");
    f->subscription = http_query(r, "subscription");
    f->open_only = sgl_view_eq(http_query(r, "open"), SGL_LIT("true"));
    if (!admin_take_scope(r, scope, &f->subscription))
        return false;
    if (!admin_take_time(r, "since", &f->since_ms))
        return false;
    if (after.ptr != NULL && !id_parse(after, &f->after)) {
        http_reply_problem(r, 400, "id-syntax", "after", "This is no message id.");
        return false;
    }
    if (!admin_take_count(r, "max", &n))
        return false;
    f->max = (size_t)n;
    return true;
}

static void messages_get(struct http_request *r, void *ctx)
{
    struct store_filter filter = {0};
    sgl_view scope;

    if (admin_may_read(r, ctx, &scope) && take_filter(r, scope, &filter))
        start_read(r, ctx, &filter, false);
}

static void message_get(struct http_request *r, void *ctx)
{
    struct store_filter filter = {.max = 1};

    if (!admin_may_read(r, ctx, &filter.subscription))
        return;
    if (!id_parse(http_param(r, "id"), &filter.message)) {
        http_reply_problem(r, 404, "id-syntax", "id",
                           "This is no message id: 13 letters and digits are wanted.");
        return;
    }
    start_read(r, ctx, &filter, true);
}

/* ---- the hand ---- */

struct control {
    struct store_control control;
    struct store_audit audit;
    struct http_request *r;
    const struct admin *admin;
    struct identity *who;
    json_t *body;
    const char *what;
    char about[80], object[40], detail[300];
};

static void control_free(struct control *c)
{
    identity_unref(c->who);
    json_decref(c->body);
    free(c);
}

static void control_done(struct store_op *op)
{
    struct control *c = (struct control *)(void *)((char *)op - offsetof(struct control, control));

    admin_audit(c->r, c->who, c->what, c->about, store_result_text(op->result));
    if (op->result == STORE_OK && c->control.changed == 0)
        http_reply_problem(c->r, 409, "nothing-to-do", NULL,
                           "No recipient is in a state in which this can be done.");
    else if (op->result == STORE_OK)
        http_reply_json(c->r, 200, json_pack("{s:I}", "changed", (json_int_t)c->control.changed));
    else if (op->result == STORE_NOT_FOUND)
        http_reply_problem(c->r, 404, "message-unknown", "message", "There is no such message.");
    else
        http_reply_problem(c->r, 503, "store", NULL, store_result_text(op->result));
    if (op->result == STORE_OK)
        queue_nudge(c->admin->queue);
    control_free(c);
}

static void control_audit(struct control *c, const char *message)
{
    if (message != NULL)
        snprintf(c->object, sizeof(c->object), "message:%s", message);
    if (c->control.domain.len > 0)
        snprintf(c->detail, sizeof(c->detail), "to %.*s", SGL_FMT(c->control.domain));
    c->control.subscription = admin_scope(c->who);
    c->audit = (struct store_audit){.at_ms = clock_now_ms(),
                                    .actor = sgl_view_cstr(c->who->name),
                                    .peer = sgl_view_cstr(http_peer(c->r)),
                                    .action = sgl_view_cstr(c->what),
                                    .object = sgl_view_cstr(message == NULL ? "queue" : c->object),
                                    .subscription = c->control.subscription,
                                    .result = SGL_LIT("done"),
                                    .detail = sgl_view_cstr(c->detail)};
    c->control.audit = &c->audit;
}

/* false: answered. */
static bool control_fill(struct control *c, struct admin_member *member)
{
    const char *message = json_string_value(member[0].value);

    if (message != NULL && !id_parse(sgl_view_cstr(message), &c->control.message)) {
        http_reply_problem(c->r, 422, "id-syntax", "message",
                           "This is no message id: 13 letters and digits are wanted.");
        return false;
    }
    c->control.rcpt = (uint64_t)json_integer_value(member[1].value);
    c->control.domain = admin_text(member[2].value);
    if (message == NULL && c->control.domain.len == 0) {
        http_reply_problem(c->r, 400, "member-missing", "message",
                           "Name a message, or a destination domain.");
        return false;
    }
    c->control.actor = sgl_view_cstr(c->who->name);
    c->control.now = clock_now_s();
    snprintf(c->about, sizeof(c->about), "%s %.*s", message == NULL ? "" : message,
             SGL_FMT(c->control.domain));
    control_audit(c, message);
    return true;
}

static void control_start(struct http_request *r, const struct admin *admin,
                          enum store_control_verb verb, const char *what)
{
    struct admin_member member[] = {{.name = "message", .type = JSON_STRING},
                                    {.name = "recipient", .type = JSON_INTEGER},
                                    {.name = "domain", .type = JSON_STRING}};
    struct identity *who = admin_who(r, admin);
    struct control *c;

    if (who == NULL)
        return;
    c = calloc(1, sizeof(*c));
    if (c == NULL) {
        identity_unref(who);
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        return;
    }
    c->r = r;
    c->admin = admin;
    c->who = who;
    c->what = what;
    c->control.verb = verb;
    c->control.op =
        (struct store_op){.kind = STORE_CONTROL, .loop = http_loop(r), .done = control_done};
    c->body = admin_object(r, member, 3);
    if (c->body == NULL || !control_fill(c, member)) {
        control_free(c);
        return;
    }
    store_submit(admin->store, &c->control.op);
}

static void queue_retry(struct http_request *r, void *ctx)
{
    control_start(r, ctx, CONTROL_RETRY, "queue retry");
}

static void queue_cancel(struct http_request *r, void *ctx)
{
    control_start(r, ctx, CONTROL_CANCEL, "queue cancel");
}

static void queue_hold(struct http_request *r, void *ctx)
{
    control_start(r, ctx, CONTROL_HOLD, "queue hold");
}

static void queue_release(struct http_request *r, void *ctx)
{
    control_start(r, ctx, CONTROL_RELEASE, "queue release");
}

void admin_messages_routes(struct http *http, const struct admin *admin)
{
    void *ctx = (void *)(uintptr_t)admin;

    http_route(http, HTTP_BOTH, "GET", "/admin/v1/messages", messages_get, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/messages/{id}", message_get, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/queue/retry", queue_retry, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/queue/cancel", queue_cancel, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/queue/hold", queue_hold, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/queue/release", queue_release, ctx);
}
