/* SPDX-License-Identifier: Apache-2.0 */
/* The dialogue with one server: TLS and AUTH as far as they are wanted, the transaction, and what the engine's events mean. */
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

#include "connection.h"

#define REPLY_KEPT_MAX 32768

static void upgrade(struct connection *c)
{
    SSL *ssl = connection_tls(c);

    if (ssl == NULL) {
        if (connection_host(c)->demand == DEMAND_DANE)
            session_is(c, SGL_TLS_TLSA_INVALID, "none of its TLSA records can be used");
        connection_failed(
            c, demand_requires_tls(connection_host(c)->demand) ? FAILURE_TLS : FAILURE_LOCAL,
            SGL_SMTP_AT_STARTTLS, NULL, "no TLS session could be made from its records");
        return;
    }
    c->shaking = true;
    if (!stream_start_tls(c->stream, ssl)) {
        session_is(c, SGL_TLS_VALIDATION_FAILURE, "bytes in plain followed the answer to STARTTLS");
        connection_failed(c, FAILURE_PROTOCOL, SGL_SMTP_AT_STARTTLS, NULL,
                          "bytes in plain followed the answer to STARTTLS");
    }
}

bool connection_is_prepared(struct connection *c)
{
    const struct sgl_smtp_offer *offer = sgl_smtp_client_offer(c->client);
    enum tls_demand demand = connection_host(c)->demand;
    const struct config_route *route = c->plan->route;
    enum sgl_status st;

    session_carries(c);
    if (!c->tls_on && demand != DEMAND_NOTHING && !c->plain_only) {
        if ((offer->extensions & SGL_SMTP_TLS) != 0) {
            st = sgl_smtp_client_start_tls(c->client);
            c->resting = false;
            if (st == SGL_OK)
                return false;
            connection_failed(c, FAILURE_LOCAL, SGL_SMTP_AT_STARTTLS, NULL, sgl_status_name(st));
            return false;
        }
        session_is(c, SGL_TLS_STARTTLS_NOT_SUPPORTED, "STARTTLS is not offered");
        if (demand_requires_tls(demand)) {
            connection_failed(c, FAILURE_NO_STARTTLS, SGL_SMTP_AT_EHLO, NULL,
                              demand == DEMAND_DANE ? "DANE requires it"
                              : demand == DEMAND_STS
                                  ? connection_sts_says(c, "STARTTLS is required")
                                  : "");
            return false;
        }
        c->tls_why = "the server does not offer STARTTLS, and nothing requires TLS here";
    }
    if (!c->tls_on && demand_requires_tls(demand)) { /* whatever led here: never in plain */
        connection_failed(c, FAILURE_NO_STARTTLS, SGL_SMTP_AT_EHLO, NULL, "");
        return false;
    }
    if (route != NULL && route->user != NULL && !c->authenticated) {
        c->authenticated = true;
        c->resting = false;
        st = sgl_smtp_client_auth(c->client, sgl_view_cstr(route->user),
                                  sgl_view_cstr(route->password));
        if (st == SGL_OK)
            return false;
        connection_failed(c, FAILURE_AUTH, SGL_SMTP_AT_AUTH, NULL,
                          c->tls_on ? "it offers no mechanism that we know"
                                    : "passwords are sent under TLS only");
        return false;
    }
    return true;
}

/* A null sender stays one: nobody is told of what becomes of a report [RFC 5321 s4.5.5]. */
static void make_return_path(struct connection *c)
{
    const struct delivery_return_paths *paths = &c->delivery->return_paths;

    c->return_path[0] = '\0';
    if (paths->make != NULL && c->job->message->env_from.len > 0 &&
        !paths->make(paths->ctx, c->job->message, c->job->rcpt[0], c->return_path))
        c->return_path[0] = '\0';
}

static bool fill_recipients(struct connection *c)
{
    const struct sgl_smtp_offer *offer = sgl_smtp_client_offer(c->client);
    size_t n = c->job->rcpts, most = c->plan->config->delivery.recipients_per_message;

    if (most > 0 && n > most)
        n = most;
    if (offer->rcpt_max > 0 && n > offer->rcpt_max)
        n = offer->rcpt_max;
    if (c->return_path[0] != '\0')
        n = 1;
    if (n > c->to_room) {
        struct sgl_smtp_to *to = reallocarray(c->to, n, sizeof *to);

        if (to == NULL)
            return false;
        c->to = to;
        c->to_room = n;
    }
    for (size_t i = 0; i < n; i++)
        c->to[i] = (struct sgl_smtp_to){.mailbox = c->job->rcpt[i]->address,
                                        .notify = c->job->rcpt[i]->notify,
                                        .orcpt = c->job->rcpt[i]->orcpt};
    c->tos = n;
    return true;
}

/* The job is over, the session is not. */
static void job_over(struct connection *c, enum failure failure, enum sgl_smtp_stage stage,
                     const char *detail)
{
    connection_finish_job(c, failure, stage, NULL, detail);
    c->phase = PHASE_TALKING;
}

static enum failure failure_of_lack(unsigned lacks)
{
    if (lacks & SGL_SMTP_SMTPUTF8)
        return FAILURE_NO_SMTPUTF8;
    if (lacks & SGL_SMTP_8BITMIME)
        return FAILURE_NO_8BITMIME;
    if (lacks & SGL_SMTP_REQUIRETLS)
        return FAILURE_NO_REQUIRETLS;
    return FAILURE_TOO_LARGE;
}

/* Is it known whom we talk to, from the domain's name on?  [RFC 8689 s2, s4.2.1] A policy that is only tested says so, too, but REQUIRETLS wants one that is enforced. */
static bool is_proved(const struct connection *c)
{
    const struct plan_host *host = connection_host(c);
    bool named = host->named || (host->sts_listed && !c->job->message->require_tls);

    return c->tls_on && named && host->demand >= DEMAND_NAME;
}

/* The last word before a message goes, whatever brought it to this connection. */
static bool may_carry(const struct connection *c)
{
    const struct store_message *m = c->job->message;

    if (m->tls == MESSAGE_TLS_VERIFIED || (m->require_tls && m->env_from.len > 0))
        return is_proved(c);
    if (m->require_tls)
        return c->tls_on;
    return m->tls == MESSAGE_TLS_OPTIONAL || c->plan->tls != DEST_TLS_LAX;
}

/* It was not demanded, and was proved all the same. */
static bool proves_itself(const struct connection *c)
{
    return c->tls_on && connection_host(c)->named && c->seen.version != NULL &&
           c->seen.verify == X509_V_OK;
}

/* A report with the null sender asks for REQUIRETLS where it can be had, and goes without where not [RFC 8689 s5]. */
static bool asks_requiretls(const struct connection *c)
{
    const struct store_message *m = c->job->message;

    if (!m->require_tls || m->env_from.len > 0)
        return m->require_tls;
    return (is_proved(c) || proves_itself(c)) &&
           (sgl_smtp_client_offer(c->client)->extensions & SGL_SMTP_REQUIRETLS) != 0;
}

static bool set_envelope(struct connection *c)
{
    const struct store_message *m = c->job->message;

    make_return_path(c);
    if (!fill_recipients(c))
        return false;
    c->envelope = (struct sgl_smtp_envelope){
        .from = c->return_path[0] != '\0' ? sgl_view_cstr(c->return_path) : m->env_from,
        .to = c->to,
        .tos = c->tos,
        .envid = m->env_id,
        .ret = m->ret,
        .size = c->job->body->len,
        .body_8bit = m->eightbit,
        .smtputf8 = m->smtputf8,
        .require_tls = asks_requiretls(c),
    };
    return true;
}

void connection_transact(struct connection *c)
{
    unsigned lacks;
    enum sgl_status st;

    if (!set_envelope(c)) {
        connection_failed(c, FAILURE_LOCAL, SGL_SMTP_AT_REST, NULL, "out of memory");
        return;
    }
    if (!may_carry(c)) {
        connection_failed(c, FAILURE_DEMAND, SGL_SMTP_AT_MAIL, NULL, "");
        return;
    }
    lacks = sgl_smtp_client_lacks(c->client, &c->envelope);
    if ((lacks & SGL_SMTP_REQUIRETLS) != 0 &&
        c->joined) { /* the best hosts were not asked for it */
        connection_start_over(c);
        return;
    }
    if (lacks != 0 && connection_may_go_on(c, failure_of_lack(lacks))) {
        connection_failed(c, failure_of_lack(lacks), SGL_SMTP_AT_MAIL, NULL, "");
        return;
    }
    if (lacks != 0) { /* the session is as good as before */
        job_over(c, failure_of_lack(lacks), SGL_SMTP_AT_MAIL, "");
        return;
    }
    st = sgl_smtp_client_begin(c->client, &c->envelope);
    if (st != SGL_OK) {
        job_over(c, FAILURE_LOCAL, SGL_SMTP_AT_MAIL, sgl_status_name(st));
        return;
    }
    c->phase = PHASE_SENDING;
    c->resting = c->committed = c->dot_gone = false;
}

/* The body has gone but for the dot: what happens from here on may happen twice. */
static void commit(struct connection *c)
{
    uint64_t few[16], *ids = few;

    if (c->tos > sizeof few / sizeof *few)
        ids = reallocarray(NULL, c->tos, sizeof *ids);
    if (ids != NULL) {
        for (size_t i = 0; i < c->tos; i++)
            ids[i] = c->job->rcpt[i]->id;
        if (!store_doubt(c->delivery->store, ids, c->tos, &c->doubt))
            c->doubt = UINT32_MAX;
    }
    if (ids != few)
        free(ids);
    c->dot_gone = false;
    c->committed = c->doubt != UINT32_MAX && sgl_smtp_client_commit(c->client) == SGL_OK;
    if (!c->committed)
        sgl_smtp_client_abandon(c->client);
}

/* The engine counts the dot as sent once we took it from there; the server can have it only when the kernel has it. */
static enum sgl_smtp_stage reached(const struct connection *c, enum sgl_smtp_stage stage)
{
    return stage == SGL_SMTP_AT_DOT && !c->dot_gone ? SGL_SMTP_AT_BODY : stage;
}

static void session_over(struct connection *c, const struct sgl_smtp_client_event *e)
{
    const struct sgl_smtp_reply *reply = e->reply.code >= 400 ? &e->reply : NULL;
    struct sgl_smtp_reply kept;
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(REPLY_KEPT_MAX);
    enum failure failure = FAILURE_LOST;

    if (reply != NULL) {
        kept = *reply;
        sgl_buf_add(&text, reply->text);
        sgl_buf_add(&text, reply->enhanced_text);
        kept.text = sgl_view_sub(sgl_buf_view(&text), 0, reply->text.len);
        kept.enhanced_text = sgl_view_from(sgl_buf_view(&text), reply->text.len);
        reply = &kept;
    }
    switch (e->why) {
    case SGL_SMTP_END_QUIT:
        connection_end(c);
        return;
    case SGL_SMTP_END_REFUSED:
    case SGL_SMTP_END_CLOSING:
        failure = reply != NULL ? FAILURE_REPLY : FAILURE_LOST;
        break;
    case SGL_SMTP_END_PROTOCOL:
        failure = FAILURE_PROTOCOL;
        if (e->stage == SGL_SMTP_AT_STARTTLS) /* somebody between us may have spoken */
            session_is(c, SGL_TLS_VALIDATION_FAILURE, e->text);
        break;
    case SGL_SMTP_END_TIMEOUT:
        failure = FAILURE_TIMEOUT;
        break;
    case SGL_SMTP_END_LOST:
        failure = FAILURE_LOST;
        break;
    case SGL_SMTP_END_NOMEM:
        failure = FAILURE_LOCAL;
        break;
    }
    if (failure != FAILURE_REPLY)
        reply = NULL;
    connection_failed(c, failure, reached(c, e->stage), reply,
                      failure == FAILURE_PROTOCOL ? e->text : "");
}

static void refused(struct connection *c, const struct sgl_smtp_client_event *e)
{
    if (e->stage == SGL_SMTP_AT_AUTH) {
        connection_failed(c, FAILURE_REPLY, SGL_SMTP_AT_AUTH, &e->reply, "");
        return;
    }
    session_is(c, SGL_TLS_STARTTLS_NOT_SUPPORTED, "STARTTLS was refused");
    if (demand_requires_tls(connection_host(c)->demand)) {
        connection_failed(c, FAILURE_NO_STARTTLS, SGL_SMTP_AT_STARTTLS, NULL,
                          connection_sts_says(c, "STARTTLS was refused"));
        return;
    }
    c->plain_only = true;
    c->tls_why = "the server refused STARTTLS, and nothing requires TLS here";
}

void connection_on_event(struct connection *c, const struct sgl_smtp_client_event *e)
{
    switch (e->kind) {
    case SGL_SMTP_CLIENT_NONE:
        return;
    case SGL_SMTP_CLIENT_READY:
        c->resting = true;
        return;
    case SGL_SMTP_CLIENT_TLS:
        upgrade(c);
        return;
    case SGL_SMTP_CLIENT_REFUSED:
        c->resting = true;
        refused(c, e);
        return;
    case SGL_SMTP_CLIENT_BODY:
        if (sgl_smtp_client_body(c->client, sgl_view_of(c->job->body->bytes, c->job->body->len)) !=
            SGL_OK)
            sgl_smtp_client_abandon(c->client);
        return;
    case SGL_SMTP_CLIENT_COMMIT:
        commit(c);
        return;
    case SGL_SMTP_CLIENT_DONE:
        job_over(c, FAILURE_LOST, e->stage, "");
        c->carried++;
        c->resting = true;
        return;
    case SGL_SMTP_CLIENT_END:
        session_over(c, e);
        return;
    }
}
