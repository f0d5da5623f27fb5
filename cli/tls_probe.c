/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "../server/loop/stream.h"

#define QUIT_MS 500 /* nobody waits long for a good-bye */

/* ---- the end ---- */

static void finish(struct tls_probe *p)
{
    if (p->over)
        return;
    p->over = true;
    if (p->timer != NULL)
        event_free(p->timer);
    stream_free(p->stream);
    sgl_smtp_client_free(p->client);
    loop_later_cancel(&p->later);
    p->timer = NULL;
    p->stream = NULL;
    p->client = NULL;
    p->done(p);
}

static void fail(struct tls_probe *p, enum tls_probe_end end, enum sgl_smtp_stage stage,
                 sgl_view why)
{
    if (p->over)
        return;
    if (!p->leaving) { /* after QUIT everything is known already */
        p->end = end;
        p->stage = stage;
        tls_text_put(p->why, why);
    }
    finish(p);
}

void tls_probe_stop(struct tls_probe *p, const char *why)
{
    enum tls_probe_end end = p->client == NULL ? TLS_PROBE_UNREACHABLE
                             : p->shaking      ? TLS_PROBE_HANDSHAKE
                                               : TLS_PROBE_NO_SMTP;

    fail(p, end, p->stage, sgl_view_cstr(why));
}

/* ---- what the handshake showed ---- */

/* Matched by what was sent, or by a key that stands in the record itself, where it completed the chain. */
static void compare_records(struct tls_probe *p, SSL *ssl, X509 *leaf, STACK_OF(X509) * sent)
{
    const unsigned char *data = NULL;
    uint8_t usage = 0, selector = 0, matching = 0;
    size_t len = 0;
    bool by_record = p->verified == X509_V_OK && p->target.demand.verify == TLS_VERIFY_DANE &&
                     SSL_get0_dane_tlsa(ssl, &usage, &selector, &matching, &data, &len) >= 0;

    for (size_t i = 0; i < p->target.records && i < SGL_LIMIT_TLSA_RECORDS; i++) {
        const struct sgl_tlsa *r = &p->target.record[i];

        p->matched[i] = tls_certificate_matches(leaf, sent, r);
        if (by_record && r->usage == usage && r->selector == selector && r->matching == matching &&
            sgl_view_eq(r->data, sgl_view_of(data, len)))
            p->matched[i] = true;
    }
}

static void read_session(struct tls_probe *p)
{
    SSL *ssl = stream_tls(p->stream);
    X509 *leaf = SSL_get0_peer_certificate(ssl);
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);
    const char *group = SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));

    p->tls = true;
    p->version = tls_version_text(ssl);
    p->cipher = tls_cipher_text(ssl);
    snprintf(p->group, sizeof p->group, "%s", group == NULL ? "" : group);
    p->verified = (int)SSL_get_verify_result(ssl);
    p->chain = X509_V_ERR_UNSPECIFIED;
    if (leaf == NULL) { /* an anonymous cipher proves nothing */
        p->verified = X509_V_ERR_UNSPECIFIED;
        return;
    }
    tls_certificate_read(&p->certificate, leaf, sent);
    p->chain = tls_certificate_chain(leaf, sent, SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)),
                                     p->target.now);
    p->named = tls_certificate_names(leaf, p->target.host);
    compare_records(p, ssl, leaf, sent);
}

/* ---- the dialogue ---- */

/* As a delivery makes it; but a proof that fails does not end the handshake, the result stays readable. */
static SSL *session(const struct tls_probe *p)
{
    SSL *ssl = tls_client_session(p->target.trust, &p->target.demand, NULL);

    if (ssl == NULL)
        return NULL;
    SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    if (p->target.now != 0)
        X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl), p->target.now);
    return ssl;
}

static void upgrade(struct tls_probe *p)
{
    SSL *ssl = session(p);

    p->stage = SGL_SMTP_AT_STARTTLS;
    if (ssl == NULL) {
        fail(p, TLS_PROBE_LOCAL, p->stage, SGL_LIT("no TLS session could be made"));
        return;
    }
    p->shaking = true;
    if (!stream_start_tls(p->stream, ssl))
        fail(p, TLS_PROBE_HANDSHAKE, p->stage,
             SGL_LIT("bytes in plain followed the answer to STARTTLS"));
}

static void leave(struct tls_probe *p)
{
    struct timeval soon = {0, QUIT_MS * 1000};

    p->end = TLS_PROBE_DONE;
    p->leaving = true;
    if (sgl_smtp_client_quit(p->client) != SGL_OK || event_add(p->timer, &soon) != 0)
        finish(p);
}

static void at_rest(struct tls_probe *p)
{
    const struct sgl_smtp_offer *offer = sgl_smtp_client_offer(p->client);

    p->stage = SGL_SMTP_AT_EHLO;
    if (p->tls) {
        p->requiretls = (offer->extensions & SGL_SMTP_REQUIRETLS) != 0;
        leave(p);
        return;
    }
    p->starttls = (offer->extensions & SGL_SMTP_TLS) != 0;
    if (!p->starttls)
        fail(p, TLS_PROBE_NO_STARTTLS, p->stage, SGL_LIT("the server does not offer STARTTLS"));
    else if (sgl_smtp_client_start_tls(p->client) != SGL_OK)
        fail(p, TLS_PROBE_LOCAL, p->stage, SGL_LIT("out of memory"));
}

static void said(struct tls_probe *p, enum tls_probe_end end, const struct sgl_smtp_client_event *e)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(2048);

    sgl_buf_addf(&text, "the server said %u %.*s%s", (unsigned)e->reply.code,
                 (int)(e->reply.enhanced_text.len < 20 ? e->reply.enhanced_text.len : 0),
                 (const char *)e->reply.enhanced_text.ptr,
                 e->reply.enhanced_text.len > 0 ? " " : "");
    sgl_buf_add(&text, sgl_view_sub(e->reply.text, 0, 500));
    fail(p, end, e->stage, sgl_buf_view(&text));
}

static void on_event(struct tls_probe *p, const struct sgl_smtp_client_event *e)
{
    switch (e->kind) {
    case SGL_SMTP_CLIENT_READY:
        at_rest(p);
        return;
    case SGL_SMTP_CLIENT_TLS:
        upgrade(p);
        return;
    case SGL_SMTP_CLIENT_REFUSED:
        said(p, TLS_PROBE_REFUSED, e);
        return;
    case SGL_SMTP_CLIENT_END:
        if (e->reply.code >= 400)
            said(p, TLS_PROBE_NO_SMTP, e);
        else
            fail(p, TLS_PROBE_NO_SMTP, e->stage, sgl_view_cstr(e->text));
        return;
    case SGL_SMTP_CLIENT_NONE:
    case SGL_SMTP_CLIENT_BODY:
    case SGL_SMTP_CLIENT_COMMIT:
    case SGL_SMTP_CLIENT_DONE:
        return;
    }
}

static void turn(struct tls_probe *p)
{
    struct sgl_smtp_client_event e;
    struct sgl_smtp_out out;

    while (p->client != NULL && sgl_smtp_client_next(p->client, &e))
        on_event(p, &e);
    while (p->client != NULL && sgl_smtp_client_pull(p->client, &out))
        stream_write(p->stream, out.bytes);
}

/* ---- the stream ---- */

static size_t on_input(void *ctx, sgl_view bytes)
{
    struct tls_probe *p = ctx;

    sgl_smtp_client_feed(p->client, bytes);
    turn(p);
    return bytes.len;
}

static void on_ready(void *ctx)
{
    struct tls_probe *p = ctx;

    if (p->client == NULL) {
        p->client = sgl_smtp_client_new(&p->settings);
        if (p->client == NULL)
            fail(p, TLS_PROBE_LOCAL, SGL_SMTP_AT_GREETING, SGL_LIT("out of memory"));
        return;
    }
    p->shaking = false;
    p->stage = SGL_SMTP_AT_EHLO;
    read_session(p);
    if (sgl_smtp_client_tls_started(p->client) != SGL_OK)
        fail(p, TLS_PROBE_LOCAL, SGL_SMTP_AT_STARTTLS, SGL_LIT("out of memory"));
    else
        turn(p);
}

static void on_ended(void *ctx, enum stream_end why)
{
    struct tls_probe *p = ctx;

    if (p->client == NULL) {
        fail(p, TLS_PROBE_UNREACHABLE, SGL_SMTP_AT_GREETING,
             why == STREAM_TIMEOUT          ? SGL_LIT("no answer to the connection attempt")
             : stream_errno(p->stream) != 0 ? sgl_view_cstr(strerror(stream_errno(p->stream)))
                                            : SGL_LIT("connection refused"));
        return;
    }
    if (p->shaking) {
        fail(p, TLS_PROBE_HANDSHAKE, SGL_SMTP_AT_STARTTLS,
             sgl_view_cstr(stream_tls_error(p->stream)));
        return;
    }
    sgl_smtp_client_lost(p->client);
    turn(p);
    fail(p, TLS_PROBE_NO_SMTP, p->stage, SGL_LIT("the connection ended"));
}

static const struct stream_events probe_events = {
    .input = on_input, .ready = on_ready, .ended = on_ended};

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    tls_probe_stop(arg, "no answer in time");
}

/* ---- begun ---- */

static socklen_t address_of(const struct tls_probe_target *t, struct sockaddr_storage *out)
{
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)out;

    memset(out, 0, sizeof *out);
    if (t->ip.version == 4) {
        four->sin_family = AF_INET;
        four->sin_port = htons(t->port);
        memcpy(&four->sin_addr, t->ip.bytes, 4);
        return sizeof *four;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(t->port);
    memcpy(&six->sin6_addr, t->ip.bytes, 16);
    return sizeof *six;
}

static void could_not_start(struct loop_later *later)
{
    struct tls_probe *p =
        (struct tls_probe *)(void *)((char *)later - offsetof(struct tls_probe, later));

    fail(p, TLS_PROBE_LOCAL, SGL_SMTP_AT_GREETING,
         SGL_LIT("no memory or no file descriptor for a connection"));
}

void tls_probe_start(struct tls_probe *p, struct loop *loop)
{
    uint64_t ms = p->target.timeout_ms;
    struct timeval limit = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000};
    struct sockaddr_storage to;
    socklen_t to_len = address_of(&p->target, &to);

    p->loop = loop;
    p->settings.helo = sgl_view_cstr(p->target.helo);
    p->stage = SGL_SMTP_AT_GREETING;
    p->timer = event_new(loop_base(loop), -1, 0, on_timer, p);
    if (p->timer != NULL && event_add(p->timer, &limit) == 0)
        p->stream = stream_connect(loop, (const struct sockaddr *)&to, to_len, NULL, 0, ms,
                                   &probe_events, p);
    if (p->stream != NULL)
        return;
    p->later.run = could_not_start; /* done() comes later, as always */
    loop_later(loop, &p->later);
}
