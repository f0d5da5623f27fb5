/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v3/mail/batch and /v3/user/scheduled_sends: messages that are held or cancelled together, in the words of SendGrid's API.
 *
 * 201 and 204 are said when the store has it: from then on no message of the batch is given to anybody to deliver, those that come later included.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "../../log/log.h"
#include "http_internal.h"
#include "sendgrid_internal.h"

#define ID_BYTES 24
#define ID_SIZE  33 /* of their base64url, which has no padding */
#define ONE      "/v3/user/scheduled_sends/{batch_id}"

struct call {
    struct work work; /* of what is read */
    struct store_batch make;
    struct store_control control;
    struct store_audit audit;
    struct http_request *r;
    const struct api *api;
    struct identity *who; /* a reference */
    json_t *list;         /* of what is read */
    enum batch_status status;
    char id[STORE_BATCH_ID_MAX + 1];
    char object[STORE_BATCH_ID_MAX + 16];
    enum store_result result;
};

static const char *status_name(enum batch_status status)
{
    return status == BATCH_PAUSED ? "pause" : "cancel";
}

static void call_free(struct call *c)
{
    identity_unref(c->who);
    json_decref(c->list);
    free(c);
}

static void say_busy(struct http_request *r)
{
    http_reply_header(r, "Retry-After", SGL_LIT("5"));
    http_reply_problem(r, 503, "busy", NULL, "The server cannot do this now; try again soon.");
}

static void say_invalid(struct http_request *r)
{
    http_reply_problem(r, 400, "batch-unknown", "batch_id", "invalid batch id");
}

/* What the store says beside "done". */
static void say(struct http_request *r, enum store_result result)
{
    switch (result) {
    case STORE_NOT_FOUND:
        say_invalid(r);
        return;
    case STORE_EXISTS:
        http_reply_problem(r, 400, "batch-stopped", "batch_id",
                           "This batch is paused or cancelled already: change its status with "
                           "PATCH, or let it go with DELETE.");
        return;
    case STORE_CONFLICT:
        http_reply_problem(r, 404, "batch-goes", "batch_id",
                           "This batch is neither paused nor cancelled.");
        return;
    case STORE_BUSY:
        http_reply_problem(r, 400, "too-many", "batch_id",
                           "There are too many batches: 10000, or 1000 that are paused or "
                           "cancelled.");
        return;
    case STORE_OK:
    case STORE_FULL:
    case STORE_IO:
    case STORE_CORRUPT:
    case STORE_NOMEM:
        break;
    }
    say_busy(r);
}

/* NULL: answered. */
static struct call *call_new(struct http_request *r, const struct api *api, const char *scope)
{
    struct identity *who = http_caller(r, api->directory, scope);
    struct call *c = who == NULL ? NULL : calloc(1, sizeof(*c));

    if (c == NULL) {
        if (who != NULL)
            say_busy(r);
        identity_unref(who);
        return NULL;
    }
    c->r = r;
    c->api = api;
    c->who = who;
    return c;
}

/* false: answered, and the call is gone. */
static bool take_id(struct call *c, sgl_view id)
{
    if (sendgrid_is_batch(id)) {
        memcpy(c->id, id.ptr, id.len);
        return true;
    }
    say_invalid(c->r);
    call_free(c);
    return false;
}

/* ---- made ---- */

static void made(struct store_op *op)
{
    struct call *c = (struct call *)(void *)((char *)op - offsetof(struct call, make));

    if (op->result == STORE_OK)
        http_reply_json(c->r, 201, json_pack("{s:s}", "batch_id", c->id));
    else
        say(c->r, op->result);
    call_free(c);
}

static void batch_post(struct http_request *r, void *ctx)
{
    struct call *c = call_new(r, ctx, "mail.batch.create");
    uint8_t random[ID_BYTES];

    if (c == NULL)
        return;
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        say_busy(r);
        call_free(c);
        return;
    }
    sodium_bin2base64(c->id, ID_SIZE, random, sizeof(random),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    c->make = (struct store_batch){.op = {.kind = STORE_BATCH, .loop = http_loop(r), .done = made},
                                   .subscription = sgl_view_cstr(c->who->subscription),
                                   .id = sgl_view_cstr(c->id),
                                   .at_ms = clock_now_ms()};
    store_submit(c->api->store, &c->make.op);
}

/* ---- read ---- */

static bool add(void *ctx, sgl_view id, enum batch_status status)
{
    json_array_append_new(ctx, json_pack("{s:s%, s:s}", "batch_id", (const char *)id.ptr, id.len,
                                         "status", status_name(status)));
    return true;
}

static void read_on_worker(struct work *w)
{
    struct call *c = (struct call *)(void *)w;
    sgl_view subscription = sgl_view_cstr(c->who->subscription);

    if (c->id[0] == '\0')
        c->result = store_read_batches(c->api->store, subscription, add, c->list);
    else
        c->result = store_read_batch(c->api->store, subscription, sgl_view_cstr(c->id), &c->status);
}

static void start_read(struct call *c, void (*done)(struct work *w))
{
    c->work = (struct work){.work = read_on_worker, .done = done, .loop = http_loop(c->r)};
    c->list = json_array();
    if (workers_submit(c->api->workers, &c->work))
        return;
    say_busy(c->r);
    call_free(c);
}

static void batch_read(struct work *w)
{
    struct call *c = (struct call *)(void *)w;

    if (c->result == STORE_OK)
        http_reply_json(c->r, 200, json_pack("{s:s}", "batch_id", c->id));
    else
        say(c->r, c->result);
    call_free(c);
}

static void batch_get_(struct http_request *r, void *ctx)
{
    struct call *c = call_new(r, ctx, "mail.batch.read");

    if (c != NULL && take_id(c, http_param(r, "batch_id")))
        start_read(c, batch_read);
}

static void sends_read(struct work *w)
{
    struct call *c = (struct call *)(void *)w;

    if (c->result != STORE_OK) {
        say(c->r, c->result);
    } else {
        if (c->status != BATCH_GOES)
            (void)add(c->list, sgl_view_cstr(c->id), c->status);
        http_reply_json(c->r, 200, json_incref(c->list));
    }
    call_free(c);
}

static void sends_get(struct http_request *r, void *ctx)
{
    struct call *c = call_new(r, ctx, "user.scheduled_sends.read");

    if (c != NULL)
        start_read(c, sends_read);
}

static void one_get(struct http_request *r, void *ctx)
{
    struct call *c = call_new(r, ctx, "user.scheduled_sends.read");

    if (c != NULL && take_id(c, http_param(r, "batch_id")))
        start_read(c, sends_read);
}

/* ---- paused, cancelled, let go ---- */

static const char *action_of(enum store_control_verb verb)
{
    return verb == CONTROL_HOLD     ? "batch pause"
           : verb == CONTROL_CANCEL ? "batch cancel"
                                    : "batch release";
}

static void changed(struct store_op *op)
{
    struct call *c = (struct call *)(void *)((char *)op - offsetof(struct call, control));

    log_line(LOG_INFO_, "admin", LOG_STR("who", c->who->name), LOG_STR("peer", http_peer(c->r)),
             LOG_STR("what", action_of(c->control.verb)), LOG_STR("about", c->id),
             LOG_STR("result", store_result_text(op->result)));
    if (op->result != STORE_OK) {
        say(c->r, op->result);
    } else {
        if (c->control.verb == CONTROL_RELEASE && c->api->queue != NULL)
            queue_nudge(c->api->queue);
        if (c->control.batch_new)
            http_reply_json(c->r, 201,
                            json_pack("{s:s, s:s}", "batch_id", c->id, "status",
                                      c->control.verb == CONTROL_HOLD ? "pause" : "cancel"));
        else
            http_reply_empty(c->r, 204);
    }
    call_free(c);
}

static void start_change(struct call *c, enum store_control_verb verb, bool first)
{
    snprintf(c->object, sizeof(c->object), "batch:%s", c->id);
    c->audit = (struct store_audit){.at_ms = clock_now_ms(),
                                    .actor = sgl_view_cstr(c->who->name),
                                    .peer = sgl_view_cstr(http_peer(c->r)),
                                    .action = sgl_view_cstr(action_of(verb)),
                                    .object = sgl_view_cstr(c->object),
                                    .subscription = sgl_view_cstr(c->who->subscription),
                                    .result = SGL_LIT("done")};
    c->control = (struct store_control){
        .op = {.kind = STORE_CONTROL, .loop = http_loop(c->r), .done = changed},
        .verb = verb,
        .subscription = c->audit.subscription,
        .batch = sgl_view_cstr(c->id),
        .batch_new = first,
        .actor = c->audit.actor,
        .now = clock_now_s(),
        .audit = &c->audit};
    store_submit(c->api->store, &c->control.op);
}

/* false: answered, and the call is gone. */
static bool take_status(struct call *c, const json_t *json, enum store_control_verb *verb)
{
    const char *status = json_string_value(sendgrid_member(json, "status"));

    if (status != NULL && strcmp(status, "pause") == 0)
        *verb = CONTROL_HOLD;
    else if (status != NULL && strcmp(status, "cancel") == 0)
        *verb = CONTROL_CANCEL;
    else {
        http_reply_problem(c->r, 400, SENDGRID_WRONG, "status",
                           "The status is \"pause\" or \"cancel\".");
        call_free(c);
        return false;
    }
    return true;
}

static void sends_post(struct http_request *r, void *ctx)
{
    struct call *c = call_new(r, ctx, "user.scheduled_sends.create");
    json_t *json = c == NULL ? NULL : http_json(r);
    enum store_control_verb verb;

    if (json == NULL) {
        if (c != NULL)
            call_free(c);
        return;
    }
    if (take_id(c, api_string_view(sendgrid_member(json, "batch_id"))) &&
        take_status(c, json, &verb))
        start_change(c, verb, true);
    json_decref(json);
}

static void one_patch(struct http_request *r, void *ctx)
{
    struct call *c = call_new(r, ctx, "user.scheduled_sends.update");
    json_t *json = c == NULL ? NULL : http_json(r);
    enum store_control_verb verb;

    if (json == NULL) {
        if (c != NULL)
            call_free(c);
        return;
    }
    if (take_id(c, http_param(r, "batch_id")) && take_status(c, json, &verb))
        start_change(c, verb, false);
    json_decref(json);
}

static void one_delete(struct http_request *r, void *ctx)
{
    struct call *c = call_new(r, ctx, "user.scheduled_sends.delete");

    if (c != NULL && take_id(c, http_param(r, "batch_id")))
        start_change(c, CONTROL_RELEASE, false);
}

void sendgrid_batch_routes(struct http *http, const struct api *api)
{
    void *ctx = (void *)(uintptr_t)api;

    http_route(http, HTTP_PUBLIC, "POST", "/v3/mail/batch", batch_post, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v3/mail/batch/{batch_id}", batch_get_, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v3/user/scheduled_sends", sends_get, ctx);
    http_route(http, HTTP_PUBLIC, "POST", "/v3/user/scheduled_sends", sends_post, ctx);
    http_route(http, HTTP_PUBLIC, "GET", ONE, one_get, ctx);
    http_route(http, HTTP_PUBLIC, "PATCH", ONE, one_patch, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", ONE, one_delete, ctx);
}
