/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/messages/{id}: the trail of one message, read on a worker thread. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "api_internal.h"
#include "labels.h"
#include "message_tls.h"

#define EVENTS_MAX 10000

struct message_read {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct api *api;
    struct identity *who;
    uint64_t id;
    enum store_result result;
    bool ours;
    json_t *json, *events;
};

static json_t *text_json(sgl_view v)
{
    json_t *s = json_stringn(v.len == 0 ? "" : (const char *)v.ptr, v.len);

    return s == NULL ? json_string("") : s; /* not UTF-8: nothing of ours is */
}

/* RFC 3339 in UTC with milliseconds; null for 0. */
static json_t *time_json(int64_t ms)
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    char text[40];

    if (ms <= 0 || gmtime_r(&s, &tm) == NULL)
        return json_null();
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ms % 1000));
    return json_string(text);
}

static json_t *rcpt_json(const struct store_rcpt *r)
{
    bool waits = r->state == RCPT_QUEUED || r->state == RCPT_HELD;

    return json_pack("{s:I, s:o, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:b}", "id", (json_int_t)r->id,
                     "address", text_json(r->address), "state", rcpt_state_name(r->state),
                     "attempts", (json_int_t)r->attempts, "next_at",
                     waits ? time_json(r->next_at * 1000) : json_null(), "status",
                     text_json(r->status), "reason", text_json(r->reason), "why_wait",
                     waits ? text_json(r->why_wait) : json_string(""), "remote_mta",
                     text_json(r->remote_mta), "possibly_repeated", (int)r->possibly_repeated);
}

static json_t *message_json(const struct store_message *m)
{
    json_t *rcpts = json_array();
    char id[ID_TEXT_SIZE];
    json_t *json;

    id_text(m->id, id);
    for (size_t i = 0; i < m->rcpts; i++)
        json_array_append_new(rcpts, rcpt_json(&m->rcpt[i]));
    json = json_pack("{s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "id", id, "from",
                     text_json(m->env_from), "subject", text_json(m->subject), "message_id",
                     text_json(m->message_id), "size", (json_int_t)m->size, "accepted_at",
                     time_json(m->accepted_at), "expires_at", time_json(m->expires_at * 1000),
                     "signed_by", text_json(m->signed_by), "batch", text_json(m->batch), "pool",
                     text_json(m->pool), "recipients", rcpts);
    message_tls_show(m, json);
    labels_show(m->labels, json);
    return json;
}

static bool add_event(void *ctx, const struct store_event *e)
{
    json_t *detail =
        json_loadb(e->detail.len == 0 ? "" : (const char *)e->detail.ptr, e->detail.len, 0, NULL);

    json_array_append_new(ctx,
                          json_pack("{s:o, s:I, s:o, s:o}", "at", time_json(e->at_ms), "recipient",
                                    (json_int_t)e->rcpt, "kind", text_json(e->kind), "detail",
                                    detail == NULL ? json_object() : detail));
    return json_array_size(ctx) < EVENTS_MAX;
}

static void read_on_worker(struct work *w)
{
    struct message_read *g = (struct message_read *)(void *)w;
    struct store_message *m = NULL;

    g->result = store_read_message(g->api->store, g->id, &m);
    if (g->result != STORE_OK)
        return;
    g->ours = sgl_view_eq(m->subscription, sgl_view_cstr(g->who->subscription));
    if (g->ours) {
        g->json = message_json(m);
        g->events = json_array();
        g->result = store_read_events(g->api->store, g->id, add_event, g->events);
        json_object_set(g->json, "events", g->events);
    }
    store_message_free(m);
}

/* A message of somebody else and one that never was look the same. */
static void read_done(struct work *w)
{
    struct message_read *g = (struct message_read *)(void *)w;

    if (g->result != STORE_OK && g->result != STORE_NOT_FOUND) {
        http_reply_header(g->r, "Retry-After", SGL_LIT("30"));
        http_reply_problem(g->r, 503, "store", NULL, store_result_text(g->result));
    } else if (!g->ours) {
        http_reply_problem(g->r, 404, "message-unknown", "id",
                           "There is no such message of yours, or its trail has expired.");
    } else {
        http_reply_json(g->r, 200, json_incref(g->json));
    }
    json_decref(g->json);
    json_decref(g->events);
    identity_unref(g->who);
    free(g);
}

void api_message_get(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, "mail.send");
    struct message_read *g;
    uint64_t id;

    if (who == NULL)
        return;
    if (!id_parse(http_param(r, "id"), &id)) {
        identity_unref(who);
        http_reply_problem(r, 404, "message-unknown", "id",
                           "This is no message id: it has 13 letters and digits.");
        return;
    }
    g = calloc(1, sizeof(*g));
    if (g != NULL) {
        *g = (struct message_read){
            .work = {.work = read_on_worker, .done = read_done, .loop = http_loop(r)},
            .r = r,
            .api = api,
            .who = who,
            .id = id};
        if (workers_submit(api->workers, &g->work))
            return;
        free(g);
    }
    identity_unref(who);
    http_reply_header(r, "Retry-After", SGL_LIT("5"));
    http_reply_problem(r, 503, "busy", NULL, "Too much is waiting to be read; try again soon.");
}
