/* SPDX-License-Identifier: Apache-2.0 */
/* A client's session: greeting, EHLO, STARTTLS, AUTH, rest and end.  What happens between MAIL and the reply to the final dot is in smtp_client_transaction.c. */
#include "smtp_client_internal.h"

#include <stdlib.h>

#include "sigillo/base64.h"
#include "sigillo/crypto.h"
#include "sigillo/sasl.h"
#include "smtp_internal.h"

enum { MINUTE = 60 * 1000, RESULTS_MAX = 1024 * 1024, COMMANDS_MAX = 8 * 1024 * 1024 };

const char *sgl_smtp_stage_name(enum sgl_smtp_stage stage)
{
    static const char *const names[] = {"greeting", "EHLO", "STARTTLS",    "AUTH", "MAIL", "RCPT",
                                        "DATA",     "body", "end of data", "RSET", "QUIT", "rest"};

    return (size_t)stage < sizeof names / sizeof names[0] ? names[stage] : "";
}

static enum sgl_smtp_stage stage_of(const struct sgl_smtp_client *c)
{
    switch (c->state) {
    case CL_GREETING:
        return SGL_SMTP_AT_GREETING;
    case CL_EHLO:
    case CL_HELO:
        return SGL_SMTP_AT_EHLO;
    case CL_STARTTLS:
    case CL_TLS:
        return SGL_SMTP_AT_STARTTLS;
    case CL_AUTH:
    case CL_AUTH_USER:
    case CL_AUTH_PASSWORD:
        return SGL_SMTP_AT_AUTH;
    case CL_ENVELOPE:
        if (c->heard == 0 && c->rset_first)
            return SGL_SMTP_AT_RSET;
        if (c->heard <= (c->rset_first ? 1u : 0u))
            return SGL_SMTP_AT_MAIL;
        return c->heard + 1 < c->commands ? SGL_SMTP_AT_RCPT : SGL_SMTP_AT_DATA;
    case CL_LONE_DOT:
        return SGL_SMTP_AT_DATA;
    case CL_BODY:
    case CL_SENDING:
    case CL_COMMIT:
        return SGL_SMTP_AT_BODY;
    case CL_DOT:
        return SGL_SMTP_AT_DOT;
    case CL_RSET:
        return SGL_SMTP_AT_RSET;
    case CL_QUIT:
        return SGL_SMTP_AT_QUIT;
    case CL_REST:
    case CL_OVER:
        break;
    }
    return SGL_SMTP_AT_REST;
}

/* ---- output, events ---------------------------------------------------------------------------------------------- */

struct sgl_buf *sgl_smtp_client_output(struct sgl_smtp_client *c)
{
    if (c->pulled) {
        if (c->secret_out)
            sgl_wipe(c->out.data, c->out.len);
        c->secret_out = false;
        sgl_buf_reset(&c->out);
    }
    c->pulled = false;
    return &c->out;
}

void sgl_smtp_client_add_event(struct sgl_smtp_client *c, enum sgl_smtp_client_event_kind kind)
{
    c->event = (struct sgl_smtp_client_event){.kind = kind, .stage = stage_of(c), .text = ""};
    c->has_event = true;
}

void sgl_smtp_client_over(struct sgl_smtp_client *c, enum sgl_smtp_end why, const char *text,
                          const struct sgl_smtp_reply *reply)
{
    if (c->state == CL_OVER)
        return;
    c->end = (struct sgl_smtp_client_event){
        .kind = SGL_SMTP_CLIENT_END, .stage = stage_of(c), .why = why, .text = text};
    if (reply != NULL)
        c->end.reply = *reply;
    if (c->envelope != NULL) /* what is no refusal decides nothing here */
        sgl_smtp_client_settle(c, stage_of(c), reply != NULL && reply->code >= 400 ? reply : NULL);
    c->envelope = NULL;
    c->has_end = true;
    c->state = CL_OVER;
}

static void say(struct sgl_smtp_client *c, const char *command, sgl_view args,
                enum client_state wait)
{
    struct sgl_buf *out = sgl_smtp_client_output(c);

    sgl_buf_add_cstr(out, command);
    sgl_buf_add_line_safe(out, args);
    sgl_buf_add(out, SGL_LIT("\r\n"));
    c->state = wait;
    c->progress = true;
    if (out->status != SGL_OK)
        sgl_smtp_client_over(c, SGL_SMTP_END_NOMEM, "out of memory", NULL);
}

static void rest(struct sgl_smtp_client *c)
{
    c->state = CL_REST;
    sgl_smtp_client_add_event(c, SGL_SMTP_CLIENT_READY);
}

/* start_tls() or auth() was refused; the text outlives the parser's, because more may come in the same breath. */
static void refused(struct sgl_smtp_client *c, const struct sgl_smtp_reply *reply)
{
    sgl_smtp_client_add_event(c, SGL_SMTP_CLIENT_REFUSED);
    c->event.reply = *reply;
    if (sgl_arena_dup(&c->arena, reply->text, &c->event.reply.text) != SGL_OK ||
        sgl_arena_dup(&c->arena, reply->enhanced_text, &c->event.reply.enhanced_text) != SGL_OK)
        c->event.reply.text = c->event.reply.enhanced_text = (sgl_view){NULL, 0};
    c->state = CL_REST;
}

/* ---- replies ----------------------------------------------------------------------------------------------------- */

/* [RFC 2033 s4.1] */
static void say_hello(struct sgl_smtp_client *c)
{
    say(c, c->config->lmtp ? "LHLO " : "EHLO ", c->config->helo, CL_EHLO);
}

static void greeting(struct sgl_smtp_client *c, const struct sgl_smtp_reply *r)
{
    if (r->code == 220)
        say_hello(c);
    else if (r->code >= 400)
        sgl_smtp_client_over(c, SGL_SMTP_END_REFUSED, "the greeting is a refusal", r);
    else
        sgl_smtp_client_over(c, SGL_SMTP_END_PROTOCOL, "the greeting is not 220", r);
}

static void hello(struct sgl_smtp_client *c, const struct sgl_smtp_reply *r)
{
    if (r->code / 100 == 2) {
        c->offer = (struct sgl_smtp_offer){0};
        if (c->state == CL_EHLO)
            sgl_smtp_offer_parse(r->text, c->tls, &c->offer);
        rest(c);
    } else if (c->state == CL_EHLO && r->code >= 500 && !c->config->lmtp) { /* [RFC 5321 s3.2] */
        say(c, "HELO ", c->config->helo, CL_HELO);
    } else {
        sgl_smtp_client_over(c, r->code >= 400 ? SGL_SMTP_END_REFUSED : SGL_SMTP_END_PROTOCOL,
                             r->code >= 400 ? "EHLO was refused"
                                            : "EHLO was answered with neither 250 nor a refusal",
                             r);
    }
}

static void start_tls_reply(struct sgl_smtp_client *c, const struct sgl_smtp_reply *r)
{
    if (r->code == 220) {
        c->state = CL_TLS;
        sgl_smtp_client_add_event(c, SGL_SMTP_CLIENT_TLS);
    } else if (r->code >= 400) {
        refused(c, r);
    } else {
        sgl_smtp_client_over(c, SGL_SMTP_END_PROTOCOL,
                             "STARTTLS was answered with neither 220 nor a refusal", r);
    }
}

static void forget_secrets(struct sgl_smtp_client *c)
{
    if (c->user.data != NULL)
        sgl_wipe(c->user.data, c->user.cap);
    if (c->password.data != NULL)
        sgl_wipe(c->password.data, c->password.cap);
    sgl_buf_done(&c->user);
    sgl_buf_done(&c->password);
}

static void say_secret(struct sgl_smtp_client *c, const char *command, sgl_view secret,
                       enum client_state wait)
{
    struct sgl_buf *out = sgl_smtp_client_output(c);

    sgl_buf_add_cstr(out, command);
    sgl_base64_encode(out, secret);
    c->secret_out = true;
    say(c, "", (sgl_view){NULL, 0}, wait);
}

static void auth_reply(struct sgl_smtp_client *c, const struct sgl_smtp_reply *r)
{
    if (r->code == 334 && c->state == CL_AUTH_USER) {
        say_secret(c, "", sgl_buf_view(&c->user), CL_AUTH_PASSWORD);
        return;
    }
    if (r->code == 334 && c->state == CL_AUTH_PASSWORD) {
        say_secret(c, "", sgl_buf_view(&c->password), CL_AUTH);
        return;
    }
    forget_secrets(c);
    if (r->code == 235)
        rest(c);
    else if (r->code >= 400)
        refused(c, r);
    else
        sgl_smtp_client_over(c, SGL_SMTP_END_PROTOCOL, "AUTH was answered out of turn", r);
}

/* The server speaks although nothing was asked, or a message is half sent. */
static void unasked(struct sgl_smtp_client *c, const struct sgl_smtp_reply *r)
{
    bool sending = c->state == CL_BODY || c->state == CL_SENDING || c->state == CL_COMMIT;

    if (sending && r->code >= 400)
        sgl_smtp_client_over(c, SGL_SMTP_END_CLOSING, "the message was refused before its end", r);
    else
        sgl_smtp_client_over(c, SGL_SMTP_END_PROTOCOL, "a reply without a command", r);
}

static void heard(struct sgl_smtp_client *c, const struct sgl_smtp_reply *r)
{
    c->progress = true;
    if (r->code == 421 && c->state != CL_QUIT && c->state != CL_GREETING) {
        sgl_smtp_client_over(c, SGL_SMTP_END_CLOSING, "the server closes the session", r);
        return;
    }
    switch (c->state) {
    case CL_GREETING:
        greeting(c, r);
        break;
    case CL_EHLO:
    case CL_HELO:
        hello(c, r);
        break;
    case CL_STARTTLS:
        start_tls_reply(c, r);
        break;
    case CL_AUTH:
    case CL_AUTH_USER:
    case CL_AUTH_PASSWORD:
        auth_reply(c, r);
        break;
    case CL_ENVELOPE:
        sgl_smtp_client_envelope_reply(c, r);
        break;
    case CL_LONE_DOT:
    case CL_DOT:
        sgl_smtp_client_dot_reply(c, r);
        break;
    case CL_RSET:
        rest(c);
        break;
    case CL_QUIT:
        sgl_smtp_client_over(c, SGL_SMTP_END_QUIT, "", r);
        break;
    case CL_REST:
    case CL_TLS:
    case CL_BODY:
    case CL_SENDING:
    case CL_COMMIT:
    case CL_OVER:
        unasked(c, r);
        break;
    }
}

static const char *parse_fault(enum sgl_status st)
{
    if (st == SGL_E_LIMIT)
        return "the reply is too long";
    return st == SGL_E_NOMEM ? "out of memory" : "not an SMTP reply";
}

void sgl_smtp_client_feed(struct sgl_smtp_client *c, sgl_view bytes)
{
    while (bytes.len != 0 && c->state != CL_OVER) {
        struct sgl_smtp_reply reply;
        enum sgl_status st;
        size_t used;

        if (c->state == CL_TLS) { /* [RFC 3207 s4.2] */
            sgl_smtp_client_over(c, SGL_SMTP_END_PROTOCOL, "plaintext behind the reply to STARTTLS",
                                 NULL);
            return;
        }
        st = sgl_smtp_reply_feed(&c->parser, bytes, &used, &reply);
        bytes = sgl_view_from(bytes, used);
        if (st == SGL_OK)
            heard(c, &reply);
        else if (st != SGL_MORE)
            sgl_smtp_client_over(c, st == SGL_E_NOMEM ? SGL_SMTP_END_NOMEM : SGL_SMTP_END_PROTOCOL,
                                 parse_fault(st), NULL);
    }
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

struct sgl_smtp_client *sgl_smtp_client_new(const struct sgl_smtp_client_config *config)
{
    struct sgl_smtp_client *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->config = config;
    sgl_smtp_reply_parser_init(&c->parser);
    sgl_buf_init(&c->out, COMMANDS_MAX);
    sgl_buf_init(&c->user, SGL_LIMIT_SASL_FIELD);
    sgl_buf_init(&c->password, SGL_LIMIT_SASL_FIELD);
    sgl_arena_init(&c->arena, RESULTS_MAX);
    return c;
}

void sgl_smtp_client_free(struct sgl_smtp_client *c)
{
    if (c == NULL)
        return;
    forget_secrets(c);
    if (c->secret_out)
        sgl_wipe(c->out.data, c->out.cap);
    sgl_smtp_reply_parser_done(&c->parser);
    sgl_buf_done(&c->out);
    sgl_arena_done(&c->arena);
    free(c);
}

void sgl_smtp_client_lost(struct sgl_smtp_client *c)
{
    if (c->state == CL_QUIT)
        sgl_smtp_client_over(c, SGL_SMTP_END_QUIT, "", NULL);
    else
        sgl_smtp_client_over(c, SGL_SMTP_END_LOST, "the connection was lost", NULL);
}

bool sgl_smtp_client_next(struct sgl_smtp_client *c, struct sgl_smtp_client_event *out)
{
    if (c->has_event) {
        c->has_event = false;
        *out = c->event;
        return true;
    }
    if (c->has_end) {
        c->has_end = false;
        *out = c->end;
        return true;
    }
    return false;
}

bool sgl_smtp_client_pull(struct sgl_smtp_client *c, struct sgl_smtp_out *out)
{
    if (c->out.len != 0 && !c->pulled) {
        c->pulled = true;
        *out = (struct sgl_smtp_out){sgl_buf_view(&c->out), false};
        return true;
    }
    return c->state == CL_SENDING && sgl_smtp_client_pull_body(c, out);
}

bool sgl_smtp_client_sane(const struct sgl_smtp_client *c)
{
    bool in_transaction = c->state == CL_ENVELOPE || c->state == CL_LONE_DOT ||
                          c->state == CL_BODY || c->state == CL_SENDING || c->state == CL_COMMIT ||
                          c->state == CL_DOT;

    return sgl_buf_sane(&c->out) && sgl_buf_sane(&c->parser.text) &&
           in_transaction == (c->envelope != NULL) && c->heard <= c->said &&
           c->said <= c->commands && c->accepted_count <= c->tos && c->answered <= c->tos &&
           c->at <= c->body.len;
}

/* ---- what the shell asks for ------------------------------------------------------------------------------------- */

const struct sgl_smtp_offer *sgl_smtp_client_offer(const struct sgl_smtp_client *c)
{
    return &c->offer;
}

void sgl_smtp_client_tls_implicit(struct sgl_smtp_client *c)
{
    c->tls = true;
}

enum sgl_status sgl_smtp_client_start_tls(struct sgl_smtp_client *c)
{
    if (c->state != CL_REST || (c->offer.extensions & SGL_SMTP_TLS) == 0)
        return SGL_E_MISUSE;
    sgl_arena_reset(&c->arena);
    c->tos = 0;
    say(c, "STARTTLS", (sgl_view){NULL, 0}, CL_STARTTLS);
    return SGL_OK;
}

enum sgl_status sgl_smtp_client_tls_started(struct sgl_smtp_client *c)
{
    if (c->state != CL_TLS)
        return SGL_E_MISUSE;
    c->tls = true;
    c->offer = (struct sgl_smtp_offer){0};
    say_hello(c);
    return SGL_OK;
}

static enum sgl_status auth_plain(struct sgl_smtp_client *c, sgl_view user, sgl_view password)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(SGL_LIMIT_SASL_MESSAGE);

    SGL_TRY(sgl_sasl_plain_put(&message, user, password));
    say_secret(c, "AUTH PLAIN ", sgl_buf_view(&message), CL_AUTH);
    sgl_wipe(message.data, message.len);
    return SGL_OK;
}

enum sgl_status sgl_smtp_client_auth(struct sgl_smtp_client *c, sgl_view user, sgl_view password)
{
    if (c->state != CL_REST || !c->tls)
        return SGL_E_MISUSE;
    if ((c->offer.mechanisms & (SGL_SASL_PLAIN | SGL_SASL_LOGIN)) == 0)
        return SGL_E_LIMIT;
    sgl_arena_reset(&c->arena);
    c->tos = 0;
    if ((c->offer.mechanisms & SGL_SASL_PLAIN) != 0)
        return auth_plain(c, user, password);
    sgl_buf_add(&c->user, user);
    sgl_buf_add(&c->password, password);
    if (c->user.status != SGL_OK || c->password.status != SGL_OK) {
        forget_secrets(c);
        return SGL_E_NOMEM;
    }
    say(c, "AUTH LOGIN", (sgl_view){NULL, 0}, CL_AUTH_USER);
    return SGL_OK;
}

enum sgl_status sgl_smtp_client_rset(struct sgl_smtp_client *c)
{
    if (c->state != CL_REST)
        return SGL_E_MISUSE;
    c->rset_first = false;
    say(c, "RSET", (sgl_view){NULL, 0}, CL_RSET);
    return SGL_OK;
}

enum sgl_status sgl_smtp_client_quit(struct sgl_smtp_client *c)
{
    if (c->state != CL_REST)
        return SGL_E_MISUSE;
    say(c, "QUIT", (sgl_view){NULL, 0}, CL_QUIT);
    return SGL_OK;
}

/* ---- patience ---------------------------------------------------------------------------------------------------- */

static uint64_t or_default(uint32_t ms, uint32_t other)
{
    return ms != 0 ? ms : other;
}

/* [RFC 5321 s4.5.3.2]; 0: the shell's turn. */
static uint64_t patience(const struct sgl_smtp_client *c)
{
    const struct sgl_smtp_client_config *f = c->config;

    switch (c->state) {
    case CL_GREETING:
        return or_default(f->greeting_ms, 5 * MINUTE);
    case CL_ENVELOPE:
        if (stage_of(c) == SGL_SMTP_AT_DATA)
            return or_default(f->data_ms, 2 * MINUTE);
        return or_default(f->command_ms, 5 * MINUTE);
    case CL_EHLO:
    case CL_HELO:
    case CL_STARTTLS:
    case CL_TLS:
    case CL_AUTH:
    case CL_AUTH_USER:
    case CL_AUTH_PASSWORD:
    case CL_RSET:
        return or_default(f->command_ms, 5 * MINUTE);
    case CL_SENDING:
    case CL_COMMIT:
        return or_default(f->block_ms, 3 * MINUTE);
    case CL_DOT:
    case CL_LONE_DOT:
        return or_default(f->dot_ms, 10 * MINUTE);
    case CL_QUIT:
        return or_default(f->quit_ms, 10 * 1000);
    case CL_REST:
    case CL_BODY:
    case CL_OVER:
        break;
    }
    return 0;
}

void sgl_smtp_client_moved(struct sgl_smtp_client *c)
{
    if (c->state == CL_SENDING || c->state == CL_COMMIT || c->state == CL_DOT)
        c->progress = true;
}

uint64_t sgl_smtp_client_deadline(struct sgl_smtp_client *c, uint64_t now_ms)
{
    uint64_t wait = patience(c);

    if (!c->started || c->progress || wait == 0)
        c->mark_ms = now_ms;
    c->started = true;
    c->progress = false;
    if (wait == 0)
        return 0;
    if (now_ms - c->mark_ms < wait)
        return c->mark_ms + wait;
    if (c->state == CL_QUIT)
        sgl_smtp_client_over(c, SGL_SMTP_END_QUIT, "", NULL);
    else
        sgl_smtp_client_over(c, SGL_SMTP_END_TIMEOUT, "the server did not answer in time", NULL);
    return 0;
}
