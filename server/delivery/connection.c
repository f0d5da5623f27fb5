/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One place at a site: tries hosts and addresses in turn for its first job, then carries job after job over the connection that it got.
 *
 *   CONNECTING --ready--> TALKING (greeting, EHLO, TLS, AUTH) --at rest--> LOADING (body) --> SENDING --DONE--> next job, or IDLE --> QUIT
 *        \________________________ failure: the next address, the next host, or the job's outcome ________________________/
 *
 * The dialogue itself is the library's sgl_smtp_client; what a failure means is decided in policy.c.
 */
#include <assert.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "tls_result.h"

#define SHARE                10 /* messages that a connection carries before it makes room where others wait */
#define STILL_MS             60000 /* an idle connection is closed politely long before */
#define ATTEMPT_MAX_MS       (60 * 60 * 1000) /* twice what a patient server needs for one message */
#define SLOWEST_BYTES_PER_MS 1                /* a body gets as much longer as it takes at 1 KB/s */

static void start_job(struct connection *c);

/* ---- small parts ------------------------------------------------------------------------------------------------- */

struct connection *connection_next(const struct connection *c)
{
    return c->next;
}

struct connection **connection_idle_link(struct connection *c)
{
    return &c->next_idle;
}

/* The session goes, the connection stays. */
static void close_session(struct connection *c)
{
    handshake_forget(c);
    stream_free(c->stream);
    c->stream = NULL;
    sgl_smtp_client_free(c->client);
    c->client = NULL;
    c->tls_on = false;
    c->shaking = false;
    c->authenticated = false;
    c->resting = false;
    c->carried = 0;
    c->joined = false;
    c->deadline_ms = 0;
    c->session = (struct session){.known = false};
    c->seen.version = NULL;
}

static bool write_out(struct connection *c);

/* A server that waits for a command hears QUIT [RFC 5321 s4.1.1.10, RFC 8689 s4.2.1]; its answer is not waited for. */
static void leave_session(struct connection *c)
{
    if (c->client != NULL && c->stream != NULL && c->resting &&
        sgl_smtp_client_quit(c->client) == SGL_OK) {
        (void)write_out(c);
        handshake_forget(c); /* nobody hears of its tickets any more */
        stream_leave(c->stream);
        c->stream = NULL;
    }
    close_session(c);
}

static void connection_gone(struct loop_task *task)
{
    struct connection *c =
        (struct connection *)(void *)((char *)task - offsetof(struct connection, gone));

    free(c->to);
    free(c);
}

static void unlink_connection(struct connection *c)
{
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        c->delivery->connections = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
}

/* Callbacks of the stream may be below us on the stack: the memory goes in the next turn of the loop. */
void connection_end(struct connection *c)
{
    struct site *site = c->site;

    assert(c->job == NULL);
    if (c->phase == PHASE_IDLE)
        site_not_idle(site, c);
    c->phase = PHASE_QUITTING;
    close_session(c);
    connection_forget_befores(c);
    unlink_connection(c);
    plan_unref(c->plan);
    c->plan = NULL;
    c->gone.run = connection_gone;
    loop_post(c->delivery->loop, &c->gone);
    site_closed(site, c);
}

/* ---- failures ---------------------------------------------------------------------------------------------------- */

/* Has the server said anything about a recipient that must be kept? */
static bool something_decided(const struct connection *c)
{
    if (c->phase != PHASE_SENDING || c->client == NULL)
        return false;
    for (size_t i = 0; i < c->tos; i++) {
        uint16_t code = sgl_smtp_client_result(c->client, i).reply.code;

        if (code >= 400 && code != 421) /* 421 speaks of the session */
            return true;
    }
    return false;
}

/*
 * The session can't go on (or never came to be).  With a job: the next address, or its outcome.  A connection that carried messages before and was closed while at rest is no
 * failure of the host: the job gets a fresh connection.
 */
void connection_failed(struct connection *c, enum failure failure, enum sgl_smtp_stage stage,
                       const struct sgl_smtp_reply *reply, const char *detail)
{
    sgl_auto(sgl_buf) reason = SGL_BUF_INIT(REASON_MAX);
    struct decision d;

    if (c->job == NULL) {
        connection_end(c);
        return;
    }
    failure = connection_failure(c, failure, stage);
    if (c->phase == PHASE_LOADING && c->load_pending) {
        close_session(c); /* the body comes first; start_job() then connects again */
        return;
    }
    if (c->carried > 0 &&
        (failure == FAILURE_LOST || failure == FAILURE_TIMEOUT ||
         (reply != NULL && reply->code == 421)) &&
        (stage == SGL_SMTP_AT_REST || stage == SGL_SMTP_AT_MAIL || stage == SGL_SMTP_AT_RSET)) {
        connection_start_over(c);
        return;
    }
    d = policy_decide(failure, stage, reply, !connection_may_go_on(c, failure));
    if (d.action == ACTION_NEXT_HOST && !something_decided(c)) {
        policy_reason_put(&reason, failure, stage, reply, sgl_view_cstr(c->peer),
                          sgl_view_cstr(detail));
        connection_note_before(c, failure, stage, sgl_buf_view(&reason));
        c->may_pass |= policy_decide(failure, stage, reply, true).action != ACTION_BOUNCE;
        leave_session(c);
        if (c->doubt != UINT32_MAX) /* the dot never left: there is no doubt about this host */
            store_doubt_clear(c->delivery->store, c->doubt);
        c->doubt = UINT32_MAX;
        if (failure_is_of_address(failure))
            connection_go_to(c, c->host, c->address + 1);
        else
            connection_go_to(c, c->host + 1, 0);
        connection_try_next(c);
        return;
    }
    connection_finish_job(c, failure, stage, reply, detail);
    leave_session(c);
    connection_end(c);
}

enum failure connection_failure(const struct connection *c, enum failure failure,
                                enum sgl_smtp_stage stage)
{
    const struct store_message *m = c->job->message;
    bool untried = c->tried >= HOSTS_TRIED_MAX && c->host + 1 < c->plan->hosts;
    bool unfetched = c->plan->sts_trouble != SGL_TLS_OK && c->plan->sts == NULL &&
                     !connection_host(c)->named; /* its policy may say so later */

    if (!m->require_tls || m->env_from.len == 0)
        return failure;
    return policy_requiretls(failure, stage, c->may_pass || untried || unfetched);
}

void connection_start_over(struct connection *c)
{
    leave_session(c);
    connection_go_to(c, 0, 0);
    c->tried = 0;
    connection_try_next(c);
}

/* ---- the stream ---- */

static size_t on_input(void *ctx, sgl_view bytes)
{
    struct connection *c = ctx;

    if (c->client != NULL)
        sgl_smtp_client_feed(c->client, bytes);
    connection_turn(c);
    return bytes.len;
}

static void on_drained(void *ctx)
{
    struct connection *c = ctx;

    if (c->client != NULL)
        sgl_smtp_client_moved(c->client);
    c->dot_gone = c->committed;
}

static void start_client(struct connection *c)
{
    const struct config *config = c->plan->config;
    struct sockaddr_storage own;
    uint16_t port;

    c->settings = (struct sgl_smtp_client_config){
        .helo = sgl_view_cstr(connection_hostname(c)),
        .greeting_ms = config->delivery.command_timeout_ms,
        .command_ms = config->delivery.command_timeout_ms,
        .data_ms = config->delivery.data_timeout_ms,
        .block_ms = config->delivery.data_timeout_ms,
        .dot_ms = config->delivery.dot_timeout_ms,
        .lmtp = c->plan->arrival != NULL && c->plan->arrival->action == ROUTE_LMTP,
    };

    c->client = sgl_smtp_client_new(&c->settings);
    if (c->client == NULL) {
        connection_failed(c, FAILURE_LOCAL, SGL_SMTP_AT_GREETING, NULL, "out of memory");
        return;
    }
    c->phase = PHASE_TALKING;
    c->connected_ms = clock_mono_ms();
    if (c->plan->socket == NULL && stream_local(c->stream, &own))
        c->session.from = plan_ip(&own, &port);
    connection_turn(c);
}

/* TCP is up, or a TLS handshake is through. */
static void on_ready(void *ctx)
{
    struct connection *c = ctx;

    if (c->client == NULL) {
        start_client(c);
        if (c->client != NULL && stream_tls(c->stream) != NULL) {
            c->tls_on = true;
            sgl_smtp_client_tls_implicit(c->client);
        }
        return;
    }
    c->shaking = false;
    if (!handshake_done(c)) {
        session_is(c, SGL_TLS_VALIDATION_FAILURE, "the session that was resumed proves nothing");
        connection_failed(c, FAILURE_TLS_VERIFY, SGL_SMTP_AT_STARTTLS, NULL,
                          "the session that was resumed proves nothing");
        return;
    }
    c->tls_on = true;
    session_is(c, tls_result_of_host(connection_host(c)), connection_host(c)->why);
    if (sgl_smtp_client_tls_started(c->client) != SGL_OK) {
        connection_failed(c, FAILURE_LOCAL, SGL_SMTP_AT_STARTTLS, NULL, "");
        return;
    }
    connection_turn(c);
}

/* What comes is the same session still: it is not told again. */
static void same_address_again(struct connection *c)
{
    struct session told = c->session;

    close_session(c);
    c->session = told;
    c->tried = c->tried > 0 ? c->tried - 1 : 0;
    connection_try_next(c);
}

static void say_why(struct connection *c, const char *what, bool by_dane)
{
    snprintf(c->tls_error, sizeof c->tls_error, "%s%s", by_dane ? "DANE: " : "", what);
    (void)connection_sts_says(c, what);
}

static void tls_failed(struct connection *c, enum stream_end why)
{
    SSL *ssl = stream_tls(c->stream);
    long verify = X509_V_OK;
    bool unproved = false;

    if (ssl != NULL) {
        tls_see(ssl, &c->seen);
        verify = SSL_get_verify_result(ssl);
        unproved = verify != X509_V_OK && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE;
    }
    if (unproved && verify == X509_V_ERR_DANE_NO_MATCH)
        snprintf(c->tls_error, sizeof c->tls_error,
                 "DANE: none of its %zu TLSA records matches the certificate",
                 connection_host(c)->dane.tlsa_published);
    else
        say_why(c, unproved ? tls_verify_text(ssl) : stream_tls_error(c->stream),
                unproved && connection_host(c)->demand == DEMAND_DANE);
    if (why != STREAM_TIMEOUT)
        session_is(c, unproved ? tls_result_of_certificate(verify) : SGL_TLS_VALIDATION_FAILURE,
                   c->tls_error);
    if (demand_requires_tls(connection_host(c)->demand)) {
        connection_failed(c, unproved ? FAILURE_TLS_VERIFY : FAILURE_TLS, SGL_SMTP_AT_STARTTLS,
                          NULL, c->tls_error);
        return;
    }
    /* Opportunistic: nobody asked for TLS here, so the same address once more, without [RFC 7435 s3]. */
    c->plain_only = true;
    c->tls_why = "the handshake failed, and nothing requires TLS here";
    same_address_again(c);
}

static void on_ended(void *ctx, enum stream_end why)
{
    struct connection *c = ctx;

    if (c->shaking && handshake_once_more(c)) {
        same_address_again(c);
        return;
    }
    if (c->shaking) { /* later on it is a broken connection like any other */
        tls_failed(c, why);
        return;
    }
    if (c->phase == PHASE_CONNECTING) {
        connection_failed(c, why == STREAM_TIMEOUT ? FAILURE_CONNECT_TIMEOUT : FAILURE_REFUSED,
                          SGL_SMTP_AT_GREETING, NULL, "");
        return;
    }
    if (c->client == NULL) {
        if (c->job == NULL)
            connection_end(c);
        return;
    }
    if (why == STREAM_TIMEOUT) {
        (void)sgl_smtp_client_deadline(c->client, clock_mono_ms()); /* what moved, moved before */
        (void)sgl_smtp_client_deadline(c->client, UINT64_MAX);
    }
    sgl_smtp_client_lost(
        c->client); /* if it is not over already: nothing was asked of the server */
    connection_turn(c);
}

const struct stream_events connection_events = {
    .input = on_input, .drained = on_drained, .ready = on_ready, .ended = on_ended};

/* ---- jobs and their bodies ---------------------------------------------------------------------------------------- */

/* It outlived its site, and maybe the whole room, because the queue had its job. */
static void bury_orphan(struct connection *c)
{
    struct delivery *d = c->delivery;

    connection_forget_befores(c);
    plan_unref(c->plan);
    free(c->to);
    free(c);
    d->orphans--;
    if (d->freed && d->orphans == 0)
        free(d);
}

static void body_loaded(void *ctx, struct job *job)
{
    struct connection *c = ctx;

    c->load_pending = false;
    if (c->aborted) {
        c->job = NULL;
        job_put_back(c->delivery, job, "this server is stopping", 0);
        bury_orphan(c);
        return;
    }
    if (job->body == NULL) {
        c->job = NULL;
        job_put_back(c->delivery, job, "its body could not be read from the store",
                     clock_now_s() + 60);
        if (c->stream == NULL) {
            connection_end(c);
            return;
        }
        c->phase = PHASE_TALKING;
        connection_turn(c);
        return;
    }
    c->phase = PHASE_TALKING;
    if (c->stream == NULL) { /* the session ended meanwhile, or there was none yet */
        connection_go_to(c, 0, 0);
        c->tried = 0;
        connection_try_next(c);
        return;
    }
    connection_turn(c);
}

static void start_job(struct connection *c)
{
    c->attempt_ms = clock_mono_ms();
    c->joined = c->client != NULL;
    c->may_pass = false;
    if (c->job->body != NULL)
        return;
    c->phase = PHASE_LOADING;
    c->load_pending = true;
    queue_load_body(c->delivery->queue, c->job, body_loaded, c);
}

/* Nobody may keep an idle connection while other sites wait for one. */
static bool others_wait(const struct delivery *d)
{
    return d->line_first != NULL && d->stats.connections_open >= d->config->delivery.connections;
}

/* The engine waits: the present job, the next one, or none. false when there is no step to take now. */
static bool take_step(struct connection *c)
{
    bool worn = c->carried >= c->plan->config->delivery.messages_per_connection;
    struct dest *dest = NULL;

    if (c->load_pending)
        return false;
    if ((c->carried >= SHARE && others_wait(c->delivery)) || !connection_is_current(c))
        worn = true;
    if (c->job == NULL && !c->delivery->draining && !worn) {
        c->job = site_take_job(c->site, &dest);
        if (c->job != NULL) {
            c->delivery->stats.connections_reused++;
            start_job(c);
            if (c->load_pending)
                return false;
        }
    }
    if (c->job != NULL) {
        c->phase = PHASE_TALKING;
        if (connection_is_prepared(c))
            connection_transact(c);
        return true;
    }
    if (c->delivery->draining || worn || others_wait(c->delivery)) {
        connection_quit(c);
        return false;
    }
    if (c->phase != PHASE_IDLE) {
        c->phase = PHASE_IDLE;
        c->idle_since_ms = clock_mono_ms();
        site_idle(c->site, c);
    }
    return false;
}

static void release_body(void *arg)
{
    body_unref(arg);
}

static bool write_out(struct connection *c)
{
    struct sgl_smtp_out out;
    bool wrote = false;

    while (sgl_smtp_client_pull(c->client, &out)) {
        if (out.borrowed && c->job != NULL)
            stream_write_ref(c->stream, out.bytes, release_body, body_ref(c->job->body));
        else
            stream_write(c->stream, out.bytes);
        wrote = true;
    }
    return wrote;
}

static void set_deadline(struct connection *c)
{
    uint64_t now = clock_mono_ms(), at = sgl_smtp_client_deadline(c->client, now);

    if (c->phase == PHASE_IDLE)
        at = now + STILL_MS;
    if (c->job != NULL && c->job->body != NULL) { /* byte by byte can be a way never to end */
        uint64_t end = c->attempt_ms + ATTEMPT_MAX_MS + c->job->body->len / SLOWEST_BYTES_PER_MS;

        if (at == 0 || at > end)
            at = end > now ? end : now + 1;
    }
    if (at == 0 || at <= now)
        return;
    if (c->deadline_ms == 0 || at > c->deadline_ms + 1000 || at + 1000 < c->deadline_ms) {
        c->deadline_ms = at;
        stream_idle_timeout(c->stream, at - now);
    }
}

/* After anything that happened: events, then the next step, then output, until nothing moves; then the deadline. */
void connection_turn(struct connection *c)
{
    struct sgl_smtp_client_event e;
    bool moved = true;

    while (moved) {
        moved = false;
        while (c->client != NULL && sgl_smtp_client_next(c->client, &e)) {
            connection_on_event(c, &e);
            moved = true;
        }
        if (c->client != NULL && c->resting)
            moved = take_step(c) || moved;
        if (c->client == NULL)
            return;
        moved = write_out(c) || moved;
    }
    set_deadline(c);
}

/* ---- for the pump ------------------------------------------------------------------------------------------------ */

bool connection_open(struct site *site, struct plan *plan, struct job *job)
{
    struct connection *c = calloc(1, sizeof *c);
    struct delivery *d = site->delivery;

    if (c == NULL)
        return false;
    *c = (struct connection){
        .site = site, .delivery = d, .plan = plan_ref(plan), .job = job, .doubt = UINT32_MAX};
    c->next = d->connections;
    if (c->next != NULL)
        c->next->prev = c;
    d->connections = c;
    start_job(c);
    if (!c->load_pending)
        connection_try_next(c);
    return true;
}

void connection_give(struct connection *c, struct job *job)
{
    assert(c->phase == PHASE_IDLE && c->job == NULL);
    site_not_idle(c->site, c);
    c->phase = PHASE_TALKING;
    c->job = job;
    c->delivery->stats.connections_reused++;
    start_job(c);
    if (!c->load_pending)
        connection_turn(c);
}

bool connection_is_idle(const struct connection *c)
{
    return c->phase == PHASE_IDLE;
}

uint64_t connection_idle_since(const struct connection *c)
{
    return c->idle_since_ms;
}

void connection_quit(struct connection *c)
{
    if (c->phase == PHASE_IDLE)
        site_not_idle(c->site, c);
    c->phase = PHASE_QUITTING;
    c->resting = false;
    if (c->client != NULL && c->stream != NULL && sgl_smtp_client_quit(c->client) == SGL_OK) {
        (void)write_out(c);
        stream_idle_timeout(c->stream, 5000);
        return;
    }
    connection_end(c);
}

void connection_abort(struct connection *c)
{
    struct job *job = c->job;

    if (c->load_pending) {
        close_session(c);
        unlink_connection(c);
        c->aborted = true;
        c->site = NULL;
        c->delivery->orphans++;
        return;
    }
    c->job = NULL;
    if (job != NULL)
        job_put_back(c->delivery, job, "this server is stopping", 0);
    connection_end(c);
}
