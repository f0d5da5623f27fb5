/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question to the server of a route: would it take mail for this address?
 *
 *   PLAN -> connect (the first address that can be) -> greeting, EHLO, TLS as far as it is demanded -> MAIL, RCPT -> answered, QUIT
 *
 * Who is answered sees no difference between a server that is gone and one that cannot prove who it is: nobody knows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define TRIES_MAX  3
#define TIMEOUT_MS 10000 /* without a byte */

struct asking {
    struct asking *prev, *next; /* delivery->askings */
    struct delivery *delivery;
    struct delivery_ask *ask; /* NULL: answered */
    struct planner *planner;
    struct plan *plan;
    struct stream *stream;
    struct sgl_smtp_client *client;
    struct sgl_smtp_client_config settings;
    struct sgl_smtp_envelope envelope;
    struct sgl_smtp_to to;
    size_t host, address;
    unsigned tries;
    uint64_t ends_ms;
    bool tls_on, shaking, asked;
    struct loop_task gone;
};

static void turn(struct asking *q);
static void try_next(struct asking *q);

/* ---- the end ---- */

static void free_later(struct loop_task *task)
{
    free((char *)task - offsetof(struct asking, gone));
}

static void close_session(struct asking *q)
{
    stream_free(q->stream);
    q->stream = NULL;
    sgl_smtp_client_free(q->client);
    q->client = NULL;
    q->tls_on = q->shaking = q->asked = false;
}

/* Callbacks of the stream may be below us on the stack. */
static void end(struct asking *q)
{
    struct delivery *d = q->delivery;

    if (q->planner != NULL)
        planner_cancel(q->planner);
    close_session(q);
    plan_unref(q->plan);
    if (q->prev != NULL)
        q->prev->next = q->next;
    else
        d->askings = q->next;
    if (q->next != NULL)
        q->next->prev = q->prev;
    d->asking_count--;
    q->gone.run = free_later;
    loop_post(d->loop, &q->gone);
}

static void answer(struct asking *q, enum delivery_asked asked, uint16_t code, const char *why)
{
    struct delivery_ask *a = q->ask;

    q->ask = NULL;
    end(q);
    a->asked = asked;
    a->code = code;
    snprintf(a->why, sizeof a->why, "%s", why);
    a->done(a);
}

static void failed(struct asking *q, const char *why)
{
    if (q->tries < TRIES_MAX && !q->asked &&
        (q->address + 1 < q->plan->host[q->host].dane.addresses || q->host + 1 < q->plan->hosts)) {
        close_session(q);
        q->address++;
        try_next(q);
        return;
    }
    answer(q, ASKED_UNKNOWN, 0, why);
}

/* ---- the dialogue ---- */

static void begin_tls(struct asking *q)
{
    struct host_target to;
    SSL *ssl;

    host_target_of(&q->plan->host[q->host], &to);
    ssl = tls_client_session(delivery_trust(q->delivery, q->plan->route), &to.target, NULL);
    q->shaking = true;
    if (ssl == NULL || !stream_start_tls(q->stream, ssl))
        failed(q, "no TLS session could be made");
}

/* Where nothing has to be proved, nothing is: the address is all that goes over the wire. */
static bool wants_tls(const struct asking *q)
{
    return q->plan->host[q->host].demand >= DEMAND_ENCRYPTED;
}

static void at_rest(struct asking *q)
{
    const struct sgl_smtp_offer *offer = sgl_smtp_client_offer(q->client);

    if (wants_tls(q) && !q->tls_on) {
        if ((offer->extensions & SGL_SMTP_TLS) == 0 ||
            sgl_smtp_client_start_tls(q->client) != SGL_OK)
            failed(q, "it does not offer the TLS that is demanded");
        return;
    }
    q->to = (struct sgl_smtp_to){.mailbox = q->ask->address};
    q->envelope = (struct sgl_smtp_envelope){.to = &q->to, .tos = 1, .probe = true};
    for (size_t i = 0; i < q->ask->address.len; i++)
        q->envelope.smtputf8 = q->envelope.smtputf8 || q->ask->address.ptr[i] >= 0x80;
    q->asked = true;
    if (sgl_smtp_client_begin(q->client, &q->envelope) != SGL_OK)
        answer(q, ASKED_UNKNOWN, 0, "it cannot be asked for this address");
}

/* A word about the recipient is one that was said at RCPT. */
static void judge(struct asking *q)
{
    struct sgl_smtp_result r = sgl_smtp_client_result(q->client, 0);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1000);
    const char *why;
    struct sgl_smtp_out out;

    sgl_buf_add_escaped(&text, r.reply.text, 150);
    why = sgl_cstr(&text);
    if (sgl_smtp_client_quit(q->client) == SGL_OK)
        while (sgl_smtp_client_pull(q->client, &out))
            stream_write(q->stream, out.bytes);
    stream_leave(q->stream);
    q->stream = NULL;
    if (r.stage == SGL_SMTP_AT_RCPT && r.reply.code / 100 == 2)
        answer(q, ASKED_TAKEN, r.reply.code, "");
    else if (r.stage == SGL_SMTP_AT_RCPT && r.reply.code >= 500)
        answer(q, ASKED_REFUSED, r.reply.code, why == NULL ? "" : why);
    else
        answer(q, ASKED_UNKNOWN, r.reply.code, why == NULL ? "" : why);
}

/* false: the question is over, or begun anew. */
static bool on_event(struct asking *q, const struct sgl_smtp_client_event *e)
{
    const struct sgl_smtp_client *client = q->client;

    switch (e->kind) {
    case SGL_SMTP_CLIENT_NONE:
        return true;
    case SGL_SMTP_CLIENT_READY:
        at_rest(q);
        break;
    case SGL_SMTP_CLIENT_TLS:
        begin_tls(q);
        break;
    case SGL_SMTP_CLIENT_DONE:
        judge(q);
        return false;
    case SGL_SMTP_CLIENT_REFUSED:
    case SGL_SMTP_CLIENT_BODY:
    case SGL_SMTP_CLIENT_COMMIT:
    case SGL_SMTP_CLIENT_END:
        failed(q, "its server did not answer as one does");
        return false;
    }
    return q->ask != NULL && q->client == client;
}

/* Events, then output, until nothing moves. */
static void turn(struct asking *q)
{
    const struct sgl_smtp_client *client = q->client;
    struct sgl_smtp_client_event e;
    struct sgl_smtp_out out;

    while (sgl_smtp_client_next(q->client, &e))
        if (!on_event(q, &e) || q->client != client)
            return;
    while (sgl_smtp_client_pull(q->client, &out))
        stream_write(q->stream, out.bytes);
}

/* ---- the stream ---- */

static size_t on_input(void *ctx, sgl_view bytes)
{
    struct asking *q = ctx;

    if (q->client != NULL) {
        sgl_smtp_client_feed(q->client, bytes);
        turn(q);
    }
    return bytes.len;
}

static void on_ready(void *ctx)
{
    struct asking *q = ctx;

    if (q->client == NULL) {
        q->client = sgl_smtp_client_new(&q->settings);
        if (q->client == NULL)
            answer(q, ASKED_UNKNOWN, 0, "out of memory");
        else
            turn(q);
        return;
    }
    q->shaking = false;
    q->tls_on = true;
    if (sgl_smtp_client_tls_started(q->client) != SGL_OK)
        failed(q, "out of memory");
    else
        turn(q);
}

static void on_ended(void *ctx, enum stream_end why)
{
    struct asking *q = ctx;

    (void)why;
    failed(q, q->shaking          ? "it does not prove who it is"
              : q->client == NULL ? "its server cannot be reached"
                                  : "its server closed the connection");
}

static const struct stream_events asking_events = {
    .input = on_input, .ready = on_ready, .ended = on_ended};

/* ---- where ---- */

static void connect_to(struct asking *q, const struct sgl_ip *ip)
{
    struct sockaddr_storage to;
    socklen_t len = plan_sockaddr(q->plan, ip, &to);

    q->tries++;
    q->settings = (struct sgl_smtp_client_config){
        .helo = sgl_view_cstr(q->plan->config->hostname),
        .lmtp = q->plan->arrival->action == ROUTE_LMTP,
    };
    q->stream = stream_connect(q->delivery->loop, (const struct sockaddr *)&to, len, NULL, 0,
                               TIMEOUT_MS, &asking_events, q);
    if (q->stream == NULL)
        answer(q, ASKED_UNKNOWN, 0, "no memory or no file descriptor for a connection");
    else
        stream_idle_timeout(q->stream, TIMEOUT_MS);
}

static void try_next(struct asking *q)
{
    const struct plan_host *host = &q->plan->host[q->host];

    while (!host->usable || q->address >= host->dane.addresses) {
        if (q->host + 1 >= q->plan->hosts) {
            answer(q, ASKED_UNKNOWN, 0, host->usable ? "its server cannot be reached" : host->why);
            return;
        }
        host = &q->plan->host[++q->host];
        q->address = 0;
    }
    connect_to(q, &host->dane.address[q->address]);
}

static void planned(void *ctx, struct plan *plan)
{
    struct asking *q = ctx;

    q->planner = NULL;
    q->plan = plan;
    if (plan == NULL)
        answer(q, ASKED_UNKNOWN, 0, "out of memory");
    else if (plan->failed)
        answer(q, ASKED_UNKNOWN, 0, plan->why);
    else
        try_next(q);
}

/* ---- asked ---- */

static void refuse(struct loop_task *task)
{
    struct delivery_ask *a =
        (struct delivery_ask *)(void *)((char *)task - offsetof(struct delivery_ask, task));

    a->done(a);
}

/* A server that keeps its questions waiting takes no place from those of others. */
static bool has_place(const struct delivery *d, const struct arrival_route *route)
{
    unsigned own = 0;

    for (const struct asking *q = d->askings; q != NULL; q = q->next)
        own += strcmp(q->ask->route->owned.subscription, route->owned.subscription) == 0;
    return own < DELIVERY_ASKS_SHARE && d->asking_count < DELIVERY_ASKS_MAX && !d->draining;
}

void delivery_ask(struct delivery *d, struct delivery_ask *a)
{
    struct asking *q = has_place(d, a->route) ? calloc(1, sizeof *q) : NULL;

    a->asked = ASKED_UNKNOWN;
    a->code = 0;
    snprintf(a->why, sizeof a->why, "too many are asked for at once");
    if (q != NULL)
        q->planner = plan_find(&(struct plan_request){.loop = d->loop,
                                                      .resolver = d->resolver,
                                                      .config = d->config,
                                                      .seed = d->seed++,
                                                      .arrival = a->route},
                               planned, q);
    if (q == NULL || q->planner == NULL) {
        free(q);
        a->task.run = refuse;
        loop_post(d->loop, &a->task);
        return;
    }
    q->delivery = d;
    q->ask = a;
    q->ends_ms = clock_mono_ms() + ASK_MS;
    q->next = d->askings;
    if (q->next != NULL)
        q->next->prev = q;
    d->askings = q;
    d->asking_count++;
}

void ask_end_late(struct delivery *d, uint64_t now_ms)
{
    for (struct asking *q = d->askings, *next; q != NULL; q = next) {
        next = q->next;
        if (now_ms >= q->ends_ms)
            answer(q, ASKED_UNKNOWN, 0, "its server takes too long");
    }
}

void ask_end_all(struct delivery *d)
{
    while (d->askings != NULL)
        answer(d->askings, ASKED_UNKNOWN, 0, "this server is stopping");
}
