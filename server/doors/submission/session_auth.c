/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AUTH.  PLAIN and LOGIN ask the directory to compare a password (on a worker thread); SCRAM-SHA-256 proves without one; tokens are in session_token.c.  A failure is answered
 * the later the more of them came from that address, and the same whether the user exists or not; only what its owner has switched off is said.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../directory/key_form.h"
#include "../../log/log.h"
#include "session_auth.h"

enum { DELAY_STEP_MS = 250, DELAY_MAX_MS = 5000, FAILURES_MAX = 100, NONCE_SIZE = 24 };

static const char *mechanism_name(unsigned mechanism)
{
    switch (mechanism) {
    case SGL_SASL_SCRAM_SHA_256:
        return "SCRAM-SHA-256";
    case SGL_SASL_OAUTHBEARER:
        return "OAUTHBEARER";
    case SGL_SASL_XOAUTH2:
        return "XOAUTH2";
    default:
        return mechanism == SGL_SASL_PLAIN ? "PLAIN" : "LOGIN";
    }
}

bool auth_pending(const struct session *s)
{
    return s->auth != NULL && s->auth->checking;
}

void auth_free(struct session *s)
{
    struct auth_exchange *x = s->auth;

    if (x == NULL)
        return;
    if (x->delayed)
        event_del(&x->delay);
    sgl_sasl_login_done(&x->login);
    sgl_scram_server_done(&x->scram);
    sgl_sasl_bearer_done(&x->bearer);
    free(x);
    s->auth = NULL;
}

/* ---- ends of an exchange ----------------------------------------------------------------------------------------- */

void auth_finish(struct session *s, uint16_t code, const char *enhanced, const char *text)
{
    auth_free(s);
    session_answer(s, code, enhanced, text);
}

void auth_succeed(struct session *s, struct identity *who)
{
    char ip[SGL_IP_TEXT_SIZE];

    atomic_fetch_add(&s->door->auth_ok, 1);
    if (log_wants(LOG_DEBUG_))
        log_line(LOG_DEBUG_, "login", LOG_STR("identity", who->name),
                 LOG_VIEW("peer", sgl_ip_text(&s->smtp.ip, ip)),
                 LOG_STR("mechanism", mechanism_name(s->auth->mechanism)));
    identity_unref(s->who);
    s->who = who;
    auth_finish(s, 235, "2.7.0", "authenticated");
}

void auth_finish_refused(struct session *s)
{
    struct auth_exchange *x = s->auth;
    uint16_t code = x->code;
    char text[sizeof(x->text)];

    memcpy(text, x->text, sizeof(text)); /* it goes with the exchange */
    auth_finish(s, code, code == 534 ? "5.7.9" : "5.7.8", text);
}

static void refuse_now(struct session *s)
{
    if (auth_is_token(s->auth->mechanism))
        token_refuse(s);
    else
        auth_finish_refused(s);
}

static void on_delay(evutil_socket_t fd, short what, void *arg)
{
    struct session *s = arg;

    (void)fd;
    (void)what;
    s->auth->delayed = false;
    refuse_now(s);
    smtp_session_go_on(&s->smtp);
}

/* A name that all keys share is none that guesses are counted by: what stands before the secret is. */
static sgl_view counted_name(const struct session *s, sgl_view user)
{
    sgl_view key = s->auth->check.password, id, secret;

    if (!sgl_view_eq(user, KEY_FORM_USER) || !key_form_split(key, &id, &secret))
        return user;
    return sgl_view_sub(key, 0, (size_t)(id.ptr - key.ptr) + id.len);
}

/* Counts and logs it; how long the answer waits. */
static unsigned note_failure(struct session *s, sgl_view user)
{
    uint64_t now = clock_mono_ms();
    unsigned n = peers_failures(s->door->smtp.peers, &s->smtp.ip, now);
    char ip[SGL_IP_TEXT_SIZE];

    peers_failed(s->door->smtp.peers, &s->smtp.ip, now);
    peers_guessed(s->door->smtp.peers, &s->smtp.ip, counted_name(s, user), false, now);
    atomic_fetch_add(&s->door->auth_failed, 1);
    log_line(LOG_INFO_, "login refused", LOG_VIEW("user", user),
             LOG_VIEW("peer", sgl_ip_text(&s->smtp.ip, ip)),
             LOG_STR("mechanism", mechanism_name(s->auth->mechanism)),
             LOG_STR("why", s->auth->text), LOG_INT("failures", n + 1));
    return n >= DELAY_MAX_MS / DELAY_STEP_MS ? DELAY_MAX_MS : (n + 1) * DELAY_STEP_MS;
}

void auth_fail(struct session *s, sgl_view user, uint16_t code, const char *text)
{
    struct auth_exchange *x = s->auth;
    struct timeval wait;
    unsigned ms;

    x->code = code;
    snprintf(x->text, sizeof(x->text), "%s", text);
    ms = note_failure(s, user);
    wait = (struct timeval){(time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000};
    event_assign(&x->delay, loop_base(s->smtp.on->loop), -1, 0, on_delay, s);
    x->delayed = event_add(&x->delay, &wait) == 0;
    if (x->delayed)
        return;
    refuse_now(s);
    smtp_session_go_on(&s->smtp);
}

void auth_broken(struct session *s)
{
    auth_finish(s, 501, "5.5.2", "not what the mechanism wants");
}

void auth_challenge(struct session *s, const struct sgl_buf *text)
{
    if (sgl_smtp_server_challenge(s->smtp.smtp, sgl_buf_view(text)) != SGL_OK)
        log_line(LOG_ERROR_, "challenge out of turn", LOG_STR("door", "submission"));
}

bool auth_may_guess(struct session *s, sgl_view user)
{
    uint64_t pause = peers_pause_ms(s->door->smtp.peers, &s->smtp.ip, user, clock_mono_ms());
    char text[96];

    if (pause == 0)
        return true;
    atomic_fetch_add(&s->door->auth_failed, 1);
    snprintf(text, sizeof(text), "too many failed logins; try again in %llu seconds",
             (unsigned long long)((pause + 999) / 1000));
    auth_finish(s, 421, "4.7.0", text);
    return false;
}

/* Whoever knows the address of an account may hear that guessing its password is in vain.  [RFC 4954 s6] */
static void fail_password(struct session *s, sgl_view user, enum login_fault fault)
{
    char text[AUTH_TEXT_SIZE];

    if (fault == LOGIN_NO_PASSWORDS) {
        snprintf(text, sizeof(text),
                 "passwords are off for this account: log in with a token (XOAUTH2, OAUTHBEARER), "
                 "or say: sigillo account set %.*s --basic on",
                 SGL_FMT(user));
        auth_fail(s, user, 534, text);
    } else if (fault == LOGIN_EXPIRED) {
        auth_fail(s, user, 535, "this secret has expired: sigillo app secret makes a new one");
    } else {
        auth_fail(s, user, 535, "user name or password wrong");
    }
}

/* ---- passwords --------------------------------------------------------------------------------------------------- */

static void on_checked(struct auth_check *check)
{
    struct session *s = check->private_;

    s->auth->checking = false;
    if (s->smtp.stream == NULL) {
        identity_unref(check->identity);
        auth_free(s);
    } else if (check->unavailable) {
        auth_finish(s, 454, "4.7.0", "the password can't be checked now");
    } else if (check->identity != NULL) {
        peers_guessed(s->door->smtp.peers, &s->smtp.ip, counted_name(s, check->user), true,
                      clock_mono_ms());
        auth_succeed(s, check->identity);
    } else {
        fail_password(s, check->user, check->fault);
        return; /* the answer comes later */
    }
    smtp_session_go_on(&s->smtp);
}

static void check_password(struct session *s, sgl_view user, sgl_view password)
{
    struct auth_exchange *x = s->auth;

    x->check =
        (struct auth_check){.user = user, .password = password, .done = on_checked, .private_ = s};
    if (!auth_may_guess(s, counted_name(s, user)))
        return;
    x->checking = true;
    directory_check_password(s->door->directory, s->smtp.on->loop, &x->check);
}

static void plain(struct session *s, sgl_view message)
{
    sgl_view as, user, password;

    if (sgl_sasl_plain_parse(message, &as, &user, &password) != SGL_OK)
        auth_broken(s);
    else if (as.len != 0 && !sgl_view_eq(as, user))
        fail_password(s, user, LOGIN_WRONG); /* nobody may act for somebody else */
    else
        check_password(s, user, password);
}

static void login(struct session *s, bool has_data, sgl_view data)
{
    struct auth_exchange *x = s->auth;
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(64);

    switch (sgl_sasl_login_step(&x->login, has_data, data, &out)) {
    case SGL_SASL_CHALLENGE:
        auth_challenge(s, &out);
        break;
    case SGL_SASL_CHECK:
        check_password(s, sgl_buf_view(&x->login.user), sgl_buf_view(&x->login.password));
        break;
    case SGL_SASL_NOMEM:
        auth_finish(s, 454, "4.3.0", "out of memory");
        break;
    case SGL_SASL_OK:
    case SGL_SASL_REFUSED:
    case SGL_SASL_BROKEN:
        auth_broken(s);
        break;
    }
}

/* ---- SCRAM ------------------------------------------------------------------------------------------------------- */

/* It may answer itself; then there is no exchange any more. */
static enum sgl_sasl_step scram_first(struct session *s, sgl_view data, struct sgl_buf *out)
{
    struct auth_exchange *x = s->auth;
    enum sgl_sasl_step step = sgl_scram_server_first(&x->scram, data);
    struct sgl_scram_secret secret;
    struct scram_secret kept;
    uint8_t nonce[NONCE_SIZE];

    if (step != SGL_SASL_CHECK || !auth_may_guess(s, sgl_buf_view(&x->scram.user)))
        return step;
    if (getentropy(nonce, sizeof nonce) != 0)
        return SGL_SASL_NOMEM;
    directory_scram(s->door->directory, sgl_buf_view(&x->scram.user), &kept);
    secret = (struct sgl_scram_secret){.salt = sgl_view_of(kept.salt, sizeof kept.salt),
                                       .iterations = kept.iterations,
                                       .known = kept.known};
    memcpy(secret.stored_key, kept.stored_key, sizeof secret.stored_key);
    memcpy(secret.server_key, kept.server_key, sizeof secret.server_key);
    return sgl_scram_server_secret(&x->scram, &secret, sgl_view_of(nonce, sizeof nonce), out);
}

/* The proof was right, and the client has seen ours. */
static void scram_end(struct session *s, sgl_view data)
{
    sgl_view user = sgl_buf_view(&s->auth->scram.user);
    struct identity *who;

    if (data.len != 0) {
        auth_broken(s);
        return;
    }
    who = directory_login(s->door->directory, user);
    if (who == NULL) {
        fail_password(s, user, LOGIN_WRONG);
        return;
    }
    peers_guessed(s->door->smtp.peers, &s->smtp.ip, user, true, clock_mono_ms());
    auth_succeed(s, who);
}

static void scram(struct session *s, bool has_data, sgl_view data)
{
    struct auth_exchange *x = s->auth;
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(4096);
    enum sgl_sasl_step step = SGL_SASL_CHALLENGE;

    if (x->proven) {
        scram_end(s, data);
        return;
    }
    if (x->scram.text.len != 0)
        step = sgl_scram_server_final(&x->scram, s->door->crypto, data, &out);
    else if (has_data)
        step = scram_first(s, data, &out);
    if (s->auth == NULL)
        return;
    switch (step) {
    case SGL_SASL_OK:
        x->proven = true; /* [RFC 5802 s3, RFC 4954 s4] the last message travels as a challenge */
        auth_challenge(s, &out);
        break;
    case SGL_SASL_CHALLENGE:
        auth_challenge(s, &out);
        break;
    case SGL_SASL_REFUSED:
        fail_password(s, sgl_buf_view(&x->scram.user),
                      directory_login_fault(s->door->directory, sgl_buf_view(&x->scram.user)));
        break;
    case SGL_SASL_NOMEM:
        auth_finish(s, 454, "4.3.0", "out of memory");
        break;
    case SGL_SASL_CHECK:
    case SGL_SASL_BROKEN:
        auth_broken(s);
        break;
    }
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static bool begin(struct session *s, unsigned mechanism)
{
    struct auth_exchange *x;

    if (peers_failures(s->door->smtp.peers, &s->smtp.ip, clock_mono_ms()) >= FAILURES_MAX) {
        session_answer(s, 421, "4.7.0", "too many failed logins from your address");
        return false;
    }
    auth_free(s);
    x = calloc(1, sizeof *x);
    if (x == NULL) {
        session_answer(s, 454, "4.3.0", "out of memory");
        return false;
    }
    x->s = s;
    x->mechanism = mechanism;
    sgl_sasl_login_init(&x->login);
    sgl_scram_server_init(&x->scram);
    sgl_sasl_bearer_init(&x->bearer, mechanism);
    s->auth = x;
    return true;
}

static void step(struct session *s, bool has_data, sgl_view data)
{
    static const struct sgl_buf nothing = SGL_BUF_INIT(0);

    if (auth_is_token(s->auth->mechanism))
        token_step(s, has_data, data);
    else if (s->auth->mechanism == SGL_SASL_SCRAM_SHA_256)
        scram(s, has_data, data);
    else if (s->auth->mechanism == SGL_SASL_LOGIN)
        login(s, has_data, data);
    else if (has_data)
        plain(s, data);
    else
        auth_challenge(s, &nothing);
}

void auth_event(struct session *s, const struct sgl_smtp_server_event *e)
{
    if (e->kind == SGL_SMTP_SERVER_AUTH_CANCEL)
        auth_free(s);
    else if (e->kind == SGL_SMTP_SERVER_AUTH_RESPONSE && s->auth != NULL)
        step(s, true, e->data);
    else if (e->kind == SGL_SMTP_SERVER_AUTH_START && begin(s, e->mechanism))
        step(s, e->has_data, e->data);
}
