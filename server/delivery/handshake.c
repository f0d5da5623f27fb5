/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS handshake of a connection, with a session of an earlier one where there is one that proved the same.  What comes of a resumed session is what the full handshake showed,
 * and no more; one that was taken without success is followed by a full handshake, never by anything less.
 */
#include <openssl/x509_vfy.h>
#include <string.h>

#include "connection.h"

/* The server gave us a session to come back with: in TLS 1.2 within the handshake, in 1.3 whenever it likes. */
static void session_made(void *ctx, SSL_SESSION *session)
{
    struct connection *c = ctx;

    if (c->tls_on) {
        resume_put(&c->delivery->resume, &c->resume_key, session, &c->seen, c->verified_ms,
                   clock_mono_ms());
        return;
    }
    SSL_SESSION_free(c->made);
    c->made = SSL_SESSION_dup(session);
}

SSL *handshake_begin(struct connection *c, struct tls_target *target,
                     const struct config_route *route)
{
    struct delivery *d = c->delivery;
    struct resume_trust trust = {route != NULL ? route->ca_file : NULL, d->generation};

    handshake_forget(c);
    c->listener = (struct tls_sessions){.made = session_made, .ctx = c};
    if (!c->unresumed &&
        resume_key_of(&trust, target, &connection_host(c)->dane.address[c->address], c->plan->port,
                      &c->resume_key)) {
        c->resume = resume_take(&d->resume, &c->resume_key, clock_mono_ms(), clock_now_s());
        target->sessions = &c->listener;
        target->resume = c->resume != NULL ? c->resume->session : NULL;
    }
    return tls_client_session(delivery_trust(d, route), target, NULL);
}

/* What the full handshake showed, over the version and the keys of this one. */
static bool take_over(struct connection *c, SSL *ssl)
{
    struct tls_seen now = c->seen;
    bool must_prove = SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE;

    if (c->resume == NULL)
        return !must_prove;
    c->seen = c->resume->seen;
    c->seen.version = now.version;
    c->seen.cipher = now.cipher;
    memcpy(c->seen.group, now.group, sizeof c->seen.group);
    c->seen.resumed = true;
    c->verified_ms = c->resume->verified_ms;
    if (must_prove && (c->seen.verify != X509_V_OK || SSL_get_verify_result(ssl) != X509_V_OK))
        return false;
    if (SSL_version(ssl) < TLS1_3_VERSION) {
        resume_give_back(&c->delivery->resume, c->resume);
        c->resume = NULL;
    }
    return true;
}

bool handshake_done(struct connection *c)
{
    SSL *ssl = stream_tls(c->stream);
    bool good = true;

    tls_see(ssl, &c->seen);
    c->verified_ms = clock_mono_ms();
    if (SSL_session_reused(ssl) == 1)
        good = take_over(c, ssl);
    resume_entry_free(c->resume);
    c->resume = NULL;
    if (good && c->made != NULL)
        resume_put(&c->delivery->resume, &c->resume_key, c->made, &c->seen, c->verified_ms,
                   clock_mono_ms());
    SSL_SESSION_free(c->made);
    c->made = NULL;
    if (good)
        account_handshake(c->seen.resumed);
    return good;
}

bool handshake_once_more(struct connection *c)
{
    if (c->resume == NULL)
        return false;
    resume_forget(&c->delivery->resume, &c->resume_key);
    c->unresumed = true;
    return true;
}

void handshake_forget(struct connection *c)
{
    if (c->stream != NULL && stream_tls(c->stream) != NULL)
        tls_client_silence(stream_tls(c->stream));
    resume_entry_free(c->resume);
    c->resume = NULL;
    SSL_SESSION_free(c->made);
    c->made = NULL;
}
