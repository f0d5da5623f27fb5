/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /emails/operations/{id}: an operation is a message, and its status is made from the states of the recipients, when it is asked for.
 *
 *   Running    nobody has been tried yet
 *   Succeeded  out for delivery: somebody got it, or a first attempt was made and the next ones follow
 *   Failed     everybody's end is known, and nobody got it
 *   Canceled   the same, and it was taken back
 */
#include <stdio.h>
#include <stdlib.h>

#include "acs_internal.h"

#define REASON_SHOWN 300

bool acs_key(sgl_view id, char out[ACS_KEY_SIZE])
{
    memcpy(out, ACS_KEY_PREFIX, sizeof(ACS_KEY_PREFIX));
    return guid_take(id, out + sizeof(ACS_KEY_PREFIX) - 1);
}

/* ---- the status ---- */

struct tally {
    size_t waiting, tried, delivered, failed, suppressed, cancelled;
    sgl_view reason;
};

static void count(struct tally *t, const struct store_rcpt *r)
{
    switch (r->state) {
    case RCPT_QUEUED:
    case RCPT_HELD:
        t->waiting++;
        t->tried += r->attempts > 0;
        return;
    case RCPT_DELIVERED:
        t->delivered++;
        return;
    case RCPT_FAILED:
    case RCPT_EXPIRED:
        t->failed++;
        if (r->reason.len > 0)
            t->reason = r->reason;
        return;
    case RCPT_SUPPRESSED:
        t->suppressed++;
        return;
    case RCPT_CANCELLED:
        t->cancelled++;
        return;
    }
}

/* The longer it runs, the less often it is worth asking. */
static unsigned retry_after(int64_t age_s)
{
    return age_s < 10 ? 1 : age_s < 60 ? 5 : 20;
}

void acs_result(const struct store_message *m, int64_t now, struct acs_result *out)
{
    struct tally t = {0};

    for (size_t i = 0; i < m->rcpts; i++)
        count(&t, &m->rcpt[i]);
    *out = (struct acs_result){.status = "Failed"};
    if (t.delivered > 0 || t.tried > 0) {
        out->status = "Succeeded";
    } else if (t.waiting > 0) {
        out->status = "Running";
        out->retry_after = retry_after(now - m->accepted_at / 1000);
    } else if (t.failed > 0) {
        out->code = "EmailDropped";
        out->message = "Email was dropped after several attempts to deliver.";
        out->reason = t.reason;
    } else if (t.cancelled > 0) {
        out->status = "Canceled";
        out->code = "OperationCanceled";
        out->message = "The message was taken out of the queue.";
    } else {
        out->code = "EmailDroppedAllRecipientsSuppressed";
        out->message = "Message dropped because all recipients were suppressed";
    }
}

static json_t *result_json(const struct acs_result *a, const char *id)
{
    json_t *json = json_pack("{s:s, s:s}", "id", id, "status", a->status), *error;
    struct sgl_buf reason = SGL_BUF_INIT(4 * REASON_SHOWN);

    if (a->code == NULL)
        return json;
    error = json_pack("{s:s, s:s}", "code", a->code, "message", a->message);
    sgl_buf_add_escaped(&reason, a->reason, REASON_SHOWN);
    if (reason.len > 0)
        json_object_set_new(error, "details",
                            json_pack("[{s:s, s:s%}]", "code", "LastAnswer", "message",
                                      (const char *)reason.data, reason.len));
    sgl_buf_done(&reason);
    json_object_set_new(json, "error", error);
    return json;
}

/* ---- the request ---- */

struct operation_read {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct api *api;
    struct identity *who;
    char key[ACS_KEY_SIZE];
    enum store_result result;
    struct store_message *m;
};

/* Keys are a subscription's own, so an operation of somebody else is not found. */
static void read_on_worker(struct work *w)
{
    struct operation_read *g = (struct operation_read *)(void *)w;
    uint64_t message = 0;

    g->result = store_read_key(g->api->store, sgl_view_cstr(g->who->subscription),
                               sgl_view_cstr(g->key), &message);
    if (g->result == STORE_OK)
        g->result = store_read_message(g->api->store, message, &g->m);
}

static void not_found(struct http_request *r)
{
    http_reply_problem(r, 404, "operation-unknown", "operationId",
                       "There is no such operation of yours, or its trail has expired.");
}

static void reply(struct operation_read *g)
{
    sgl_view given = http_param(g->r, "id");
    struct acs_result result;
    char after[16], id[GUID_TEXT_SIZE];

    acs_result(g->m, clock_now_s(), &result);
    snprintf(id, sizeof(id), "%.*s", SGL_FMT(given));
    snprintf(after, sizeof(after), "%u", result.retry_after);
    if (result.retry_after > 0)
        http_reply_header(g->r, "retry-after", sgl_view_cstr(after));
    http_reply_json(g->r, 200, result_json(&result, id));
}

static void read_done(struct work *w)
{
    struct operation_read *g = (struct operation_read *)(void *)w;

    if (g->result == STORE_OK) {
        reply(g);
    } else if (g->result == STORE_NOT_FOUND) {
        not_found(g->r);
    } else {
        http_reply_header(g->r, "Retry-After", SGL_LIT("5"));
        http_reply_problem(g->r, 503, "store", NULL, store_result_text(g->result));
    }
    store_message_free(g->m);
    identity_unref(g->who);
    free(g);
}

static void read_operation(struct acs_call *c)
{
    struct operation_read *g = calloc(1, sizeof(*g));

    if (g != NULL && !acs_key(http_param(c->r, "id"), g->key)) {
        free(g);
        not_found(c->r);
        return;
    }
    if (g != NULL) {
        g->work = (struct work){.work = read_on_worker, .done = read_done, .loop = http_loop(c->r)};
        g->r = c->r;
        g->api = c->acs->api;
        g->who = identity_ref(c->who);
        if (workers_submit(g->api->workers, &g->work))
            return;
        identity_unref(g->who);
        free(g);
    }
    http_reply_header(c->r, "Retry-After", SGL_LIT("5"));
    http_reply_problem(c->r, 503, "busy", NULL, "Too much is waiting to be read; try again soon.");
}

void acs_operation_get(struct http_request *r, void *ctx)
{
    acs_begin(r, ctx, read_operation);
}
