/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AUTH by a token: OAUTHBEARER and XOAUTH2.  [RFC 7628]
 *
 *   message -> a worker looks at the token -> 235
 *                                          -> a while -> 334 and why, as JSON -> the client's empty answer -> 535
 *
 * A wrong token is counted when it is found to be wrong, not with the 535: a client need not wait for that.
 */
#include <stdio.h>
#include <stdlib.h>

#include "session_auth.h"

#define BY_TOKEN_WRONG 535

/* ---- refused ---- */

void token_refuse(struct session *s)
{
    struct auth_exchange *x = s->auth;
    const char *url = session_config(s)->public_url;
    sgl_auto(sgl_buf) scope = SGL_BUF_INIT(1024);
    sgl_auto(sgl_buf) metadata = SGL_BUF_INIT(1024);
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(4096);

    sgl_buf_addf(&scope, "%s/.default", url);
    sgl_buf_addf(&metadata, "%s/.well-known/openid-configuration", url);
    if (sgl_join(scope.status, metadata.status) == SGL_OK &&
        sgl_sasl_bearer_refuse(&x->bearer, sgl_buf_view(&scope), sgl_buf_view(&metadata), &out) ==
            SGL_SASL_CHALLENGE)
        auth_challenge(s, &out);
    else
        auth_finish_refused(s); /* without memory it hears less */
}

/* The holder of a token that is good hears what is missing; nothing of other subscriptions. */
static void fail_login(struct session *s, sgl_view user, enum login_fault fault)
{
    char text[AUTH_TEXT_SIZE];

    if (fault == LOGIN_NO_TOKENS)
        snprintf(text, sizeof(text),
                 "tokens are off for this account; say: sigillo account set %.*s --oauth on",
                 SGL_FMT(user));
    else if (fault == LOGIN_NOT_ALLOWED)
        snprintf(text, sizeof(text),
                 "the account does not let this application in; say: sigillo account set %.*s "
                 "--allow-app APPLICATION",
                 SGL_FMT(user));
    else
        snprintf(text, sizeof(text), "the application may not log in as this user");
    auth_fail(s, user, BY_TOKEN_WRONG, text);
}

/* ---- looked at ---- */

/* The answer comes later when it is a refusal. */
static bool answer(struct session *s, struct token_login *l)
{
    if (l->unavailable) {
        auth_finish(s, 454, "4.7.0", "the token can't be checked now");
    } else if (l->identity != NULL) {
        peers_guessed(s->door->smtp.peers, &s->smtp.ip, l->user, true, clock_mono_ms());
        auth_succeed(s, l->identity);
    } else if (l->token_is != TOKEN_FINE) {
        auth_fail(s, l->user, BY_TOKEN_WRONG, token_fault_text(l->token_is));
        return false;
    } else {
        fail_login(s, l->user, l->fault);
        return false;
    }
    return true;
}

static void on_looked(struct token_login *l)
{
    struct session *s = l->private_;

    s->auth->checking = false;
    if (s->smtp.stream == NULL) {
        identity_unref(l->identity);
        auth_free(s);
    } else if (!answer(s, l)) {
        return;
    }
    smtp_session_go_on(&s->smtp);
}

static void look(struct session *s)
{
    struct auth_exchange *x = s->auth;
    sgl_view user = sgl_buf_view(&x->bearer.user);

    if (x->bearer.token.len == 0) { /* it asks where they come from: nothing was guessed */
        x->code = BY_TOKEN_WRONG;
        snprintf(x->text, sizeof(x->text), "no token was shown");
        token_refuse(s);
        return;
    }
    if (!auth_may_guess(s, user))
        return;
    x->token = (struct token_login){
        .user = user, .token = x->bearer.token, .done = on_looked, .private_ = s};
    x->checking = true;
    tokens_login(s->door->tokens, s->door->workers, s->smtp.on->loop, &x->token);
}

void token_step(struct session *s, bool has_data, sgl_view data)
{
    static const struct sgl_buf nothing = SGL_BUF_INIT(0);

    switch (sgl_sasl_bearer_step(&s->auth->bearer, has_data, data)) {
    case SGL_SASL_CHALLENGE:
        auth_challenge(s, &nothing);
        break;
    case SGL_SASL_CHECK:
        look(s);
        break;
    case SGL_SASL_REFUSED:
        auth_finish_refused(s);
        break;
    case SGL_SASL_NOMEM:
        auth_finish(s, 454, "4.3.0", "out of memory");
        break;
    case SGL_SASL_OK:
    case SGL_SASL_BROKEN:
        auth_broken(s);
        break;
    }
}
