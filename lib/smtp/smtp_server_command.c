/* SPDX-License-Identifier: Apache-2.0 */
/* What a client's commands mean: one function a command, named after it. */
#include "sigillo/ascii.h"
#include "sigillo/base64.h"
#include "sigillo/crypto.h"
#include "sigillo/utf8.h"
#include "smtp_server_internal.h"

enum { RCPT_MAX = 1000, HELLO_MAX = 255, SMALL_CHUNK = 512 };

static const struct {
    unsigned bit;
    const char *name;
} mechanisms[] = {
    {SGL_SASL_SCRAM_SHA_256, "SCRAM-SHA-256"},
    {SGL_SASL_PLAIN, "PLAIN"},
    {SGL_SASL_LOGIN, "LOGIN"},
    {SGL_SASL_OAUTHBEARER, "OAUTHBEARER"},
    {SGL_SASL_XOAUTH2, "XOAUTH2"},
};

/* Those that count now: a token is never taken in plaintext, since whoever reads it may use it.  [RFC 7628 s5] */
static unsigned mechanisms_now(const struct sgl_smtp_server *s)
{
    unsigned with_token = SGL_SASL_OAUTHBEARER | SGL_SASL_XOAUTH2;

    return s->tls ? s->config->mechanisms : s->config->mechanisms & ~with_token;
}

static bool auth_allowed(const struct sgl_smtp_server *s)
{
    return mechanisms_now(s) != 0 && (s->tls || s->config->auth_in_plain);
}

static uint32_t rcpt_max(const struct sgl_smtp_server *s)
{
    return s->config->rcpt_max != 0 ? s->config->rcpt_max : RCPT_MAX;
}

/* The extensions that count in this session now. */
static unsigned offer_now(const struct sgl_smtp_server *s)
{
    unsigned offer = s->config->offer & ~(unsigned)SGL_SMTP_HAS_AUTH;

    if (!s->extended)
        return 0;
    if (!s->tls) /* [RFC 8689 s2] only within TLS */
        offer &= ~(unsigned)(SGL_SMTP_REQUIRETLS | SGL_SMTP_XTLS);
    if (s->config->mechanisms != 0)
        offer |= SGL_SMTP_HAS_AUTH; /* the parameter of MAIL [RFC 4954 s5] */
    return offer;
}

/* ---- EHLO -------------------------------------------------------------------------------------------------------- */

static void put_limits(const struct sgl_smtp_server *s, struct sgl_buf *line)
{
    sgl_buf_addf(line, "LIMITS RCPTMAX=%u", (unsigned)rcpt_max(s)); /* [RFC 9422 s4] */
    if (s->config->mail_max != 0)
        sgl_buf_addf(line, " MAILMAX=%u", (unsigned)s->config->mail_max);
}

static void put_mechanisms(const struct sgl_smtp_server *s, struct sgl_buf *line)
{
    sgl_buf_add(line, SGL_LIT("AUTH"));
    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
        if ((mechanisms_now(s) & mechanisms[i].bit) != 0)
            sgl_buf_addf(line, " %s", mechanisms[i].name);
    }
}

/* One line of the reply to EHLO; an empty text writes nothing. */
static void offer_line(struct sgl_smtp_server *s, bool offered, const char *text)
{
    if (offered)
        sgl_smtp_reply_put_line(&s->out, 250, false, sgl_view_cstr(text));
}

static void put_offer(struct sgl_smtp_server *s)
{
    sgl_auto(sgl_buf) line = SGL_BUF_INIT(SGL_LIMIT_SMTP_REPLY_OURS);
    unsigned offer = offer_now(s);

    sgl_smtp_reply_put_line(&s->out, 250, false, s->config->hostname);
    offer_line(s, (offer & SGL_SMTP_PIPELINING) != 0, "PIPELINING");
    offer_line(s, (offer & SGL_SMTP_8BITMIME) != 0, "8BITMIME");
    offer_line(s, (offer & SGL_SMTP_SMTPUTF8) != 0, "SMTPUTF8");
    offer_line(s, (offer & SGL_SMTP_CHUNKING) != 0, "CHUNKING");
    offer_line(s, (offer & SGL_SMTP_DSN) != 0, "DSN");
    offer_line(s, (offer & SGL_SMTP_ENHANCED) != 0, "ENHANCEDSTATUSCODES");
    offer_line(s, (offer & SGL_SMTP_REQUIRETLS) != 0, "REQUIRETLS");
    offer_line(s, (offer & SGL_SMTP_XTLS) != 0, "XTLS");
    offer_line(s, (offer & SGL_SMTP_TLS) != 0 && !s->tls, "STARTTLS");
    if ((offer & SGL_SMTP_LIMITS) != 0) {
        put_limits(s, &line);
        sgl_smtp_reply_put_line(&s->out, 250, false, sgl_buf_view(&line));
        sgl_buf_reset(&line);
    }
    if (auth_allowed(s)) {
        put_mechanisms(s, &line);
        sgl_smtp_reply_put_line(&s->out, 250, false, sgl_buf_view(&line));
        sgl_buf_reset(&line);
    }
    sgl_buf_addf(&line, "SIZE %llu", (unsigned long long)s->config->size_max);
    sgl_smtp_reply_put_line(&s->out, 250, true,
                            (offer & SGL_SMTP_SIZE) != 0 ? sgl_buf_view(&line) : SGL_LIT("HELP"));
    s->out.status = sgl_join(s->out.status, line.status);
}

static bool hello_ok(sgl_view name)
{
    if (name.len == 0 || name.len > HELLO_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] < 0x80 && !sgl_ascii_is_visible(name.ptr[i]))
            return false;
    }
    return sgl_utf8_valid(name);
}

static void ehlo(struct sgl_smtp_server *s, sgl_view args, bool extended)
{
    sgl_view name = sgl_view_trim(args);

    if (!hello_ok(name)) {
        sgl_smtp_server_mistake(s, 501, "5.5.4", "a host name or address literal is wanted");
        return;
    }
    sgl_smtp_server_end_transaction(s, true, "EHLO"); /* [RFC 5321 s4.1.4] it resets */
    s->greeted = true;
    s->extended = extended;
    sgl_smtp_server_reply_begin(s);
    if (extended)
        put_offer(s);
    else
        sgl_smtp_reply_put_line(&s->out, 250, true, s->config->hostname);
    s->event = (struct sgl_smtp_server_event){
        .kind = SGL_SMTP_SERVER_EHLO, .hello = name, .extended = extended};
    s->has_event = true;
    if (s->out.status != SGL_OK)
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_NOMEM, "no memory for replies");
    else
        sgl_smtp_server_idle_command(s);
}

/* ---- AUTH, STARTTLS ---------------------------------------------------------------------------------------------- */

static void starttls(struct sgl_smtp_server *s, sgl_view args)
{
    if ((s->config->offer & SGL_SMTP_TLS) == 0) {
        sgl_smtp_server_mistake(s, 502, "5.5.1", "STARTTLS is not offered here");
    } else if (s->tls) {
        sgl_smtp_server_mistake(s, 503, "5.5.1", "TLS is on already");
    } else if (args.len != 0) {
        sgl_smtp_server_mistake(s, 501, "5.5.4", "STARTTLS takes no argument");
    } else if (s->mail) {
        sgl_smtp_server_mistake(s, 503, "5.5.1", "not within a transaction");
    } else {
        sgl_smtp_server_reply(s, 220, "2.0.0", "go ahead");
        if (s->state == ST_CLOSED)
            return;
        s->event = (struct sgl_smtp_server_event){.kind = SGL_SMTP_SERVER_STARTTLS};
        s->has_event = true;
        s->wait = SGL_SMTP_SERVER_WANTS_TLS;
    }
}

static bool may_auth(struct sgl_smtp_server *s)
{
    if (s->config->mechanisms == 0)
        sgl_smtp_server_mistake(s, 502, "5.5.1", "AUTH is not offered here");
    else if (!s->extended)
        sgl_smtp_server_mistake(s, 503, "5.5.1", "EHLO first");
    else if (s->authenticated)
        sgl_smtp_server_mistake(s, 503, "5.5.1", "authenticated already");
    else if (s->mail)
        sgl_smtp_server_mistake(s, 503, "5.5.1", "not within a transaction");
    else if (!auth_allowed(s))
        sgl_smtp_server_mistake(s, 538, "5.7.11", "AUTH needs TLS: say STARTTLS first");
    else
        return true;
    return false;
}

static unsigned mechanism_of(sgl_view name)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
        if (sgl_view_eq_nocase(name, sgl_view_cstr(mechanisms[i].name)))
            return mechanisms[i].bit;
    }
    return 0;
}

static bool decode(struct sgl_smtp_server *s, sgl_view text)
{
    if (s->decoded.data != NULL)
        sgl_wipe(s->decoded.data, s->decoded.len);
    sgl_buf_reset(&s->decoded);
    return sgl_base64_decode(text, &s->decoded) == SGL_OK;
}

static void auth(struct sgl_smtp_server *s, sgl_view args)
{
    sgl_view rest, name = sgl_view_split(args, ' ', &rest);
    unsigned mechanism = mechanism_of(name);
    bool has_data = rest.len != 0;

    if (!may_auth(s))
        return;
    if ((mechanism & mechanisms_now(s)) == 0) {
        sgl_smtp_server_mistake(s, 504, "5.5.4", "mechanism not offered");
        return;
    }
    if (sgl_view_eq(rest, SGL_LIT("="))) /* [RFC 4954 s4] an initial response that is empty */
        rest.len = 0;
    if (!decode(s, rest)) {
        sgl_smtp_server_mistake(s, 501, "5.5.2", "the initial response is not base64");
        return;
    }
    s->event = (struct sgl_smtp_server_event){
        .mechanism = mechanism, .has_data = has_data, .data = sgl_buf_view(&s->decoded)};
    sgl_smtp_server_ask(s, SGL_SMTP_SERVER_AUTH_START);
}

void sgl_smtp_server_auth_line(struct sgl_smtp_server *s, sgl_view line)
{
    bool cancel = sgl_view_eq(line, SGL_LIT("*"));

    if (!cancel && decode(s, line)) {
        s->event =
            (struct sgl_smtp_server_event){.has_data = true, .data = sgl_buf_view(&s->decoded)};
        sgl_smtp_server_ask(s, SGL_SMTP_SERVER_AUTH_RESPONSE);
        return;
    }
    s->state = ST_COMMAND;
    s->event = (struct sgl_smtp_server_event){.kind = SGL_SMTP_SERVER_AUTH_CANCEL};
    s->has_event = true;
    if (cancel)
        sgl_smtp_server_mistake(s, 501, "5.7.0", "AUTH cancelled");
    else
        sgl_smtp_server_mistake(s, 501, "5.5.2", "the response is not base64");
}

/* ---- a transaction ----------------------------------------------------------------------------------------------- */

static bool may_mail(struct sgl_smtp_server *s)
{
    if (!s->greeted)
        sgl_smtp_server_mistake(s, 503, "5.5.1", "EHLO first");
    else if (s->mail)
        sgl_smtp_server_mistake(s, 503, "5.5.1", "a transaction is under way: RSET first");
    else if (s->config->auth_required && !s->authenticated && !s->trusted)
        sgl_smtp_server_mistake(s, 530, "5.7.0", "authentication required"); /* [RFC 6409 s4.3] */
    else
        return true;
    return false;
}

static void parse_fault(struct sgl_smtp_server *s, enum sgl_status st,
                        const struct sgl_smtp_fault *fault)
{
    sgl_arena_reset(&s->arena);
    if (st == SGL_E_SYNTAX)
        sgl_smtp_server_mistake(s, fault->code, fault->enhanced, fault->text);
    else
        sgl_smtp_server_reply(s, 451, "4.3.0", "out of memory");
}

static void mail(struct sgl_smtp_server *s, sgl_view args)
{
    struct sgl_smtp_fault fault;
    struct sgl_smtp_mail m;
    enum sgl_status st;

    if (!may_mail(s))
        return;
    sgl_smtp_server_idle_command(s);
    if (s->state == ST_CLOSED)
        return;
    if (s->config->mail_max != 0 && s->mails >= s->config->mail_max) {
        sgl_smtp_server_reply(s, 421, "4.7.0", "too many messages in one session");
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_ERRORS, "too many messages in one session");
        return;
    }
    st = sgl_smtp_mail_parse(args, offer_now(s), &s->arena, &m, &fault);
    if (st != SGL_OK) {
        parse_fault(s, st, &fault);
        return;
    }
    if (s->config->size_max != 0 && m.size > s->config->size_max) { /* [RFC 1870 s6.1] */
        sgl_arena_reset(&s->arena);
        sgl_smtp_server_mistake(s, 552, "5.3.4",
                                "SIZE: the message is larger than this server takes");
        return;
    }
    s->smtputf8 = m.smtputf8;
    s->body_8bit = m.body_8bit;
    s->announced = m.size;
    s->event = (struct sgl_smtp_server_event){.mail = m};
    sgl_smtp_server_ask(s, SGL_SMTP_SERVER_MAIL);
}

static bool may_rcpt(struct sgl_smtp_server *s)
{
    if (!s->mail)
        sgl_smtp_server_mistake(s, 503, "5.5.1", "MAIL first");
    else if (s->body || s->bdat_failed)
        sgl_smtp_server_mistake(s, 503, "5.5.1", "the message has begun");
    else if (s->rcpt_commands++ > 2 * rcpt_max(s) + RCPT_MAX) {
        sgl_smtp_server_reply(s, 421, "4.7.0", "too many recipients");
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_ERRORS, "too many recipients");
    } else if (s->rcpts >= rcpt_max(s))
        sgl_smtp_server_reply(s, 452, "4.5.3",
                              "too many recipients"); /* [RFC 5321 s4.5.3.1.10] never 552 */
    else
        return true;
    return false;
}

static void rcpt(struct sgl_smtp_server *s, sgl_view args)
{
    struct sgl_smtp_fault fault;
    struct sgl_smtp_rcpt r;
    enum sgl_status st;

    if (!may_rcpt(s))
        return;
    st = sgl_smtp_rcpt_parse(args, offer_now(s), s->smtputf8, &s->arena, &r, &fault);
    if (st != SGL_OK) {
        parse_fault(s, st, &fault);
        return;
    }
    s->event = (struct sgl_smtp_server_event){.rcpt = r};
    sgl_smtp_server_ask(s, SGL_SMTP_SERVER_RCPT);
}

static void ask_body(struct sgl_smtp_server *s, uint64_t size, bool by_bdat)
{
    s->bdat_asked = by_bdat;
    s->early = false;
    s->event = (struct sgl_smtp_server_event){.size = size};
    sgl_smtp_server_ask(s, SGL_SMTP_SERVER_BODY);
}

static void data(struct sgl_smtp_server *s, sgl_view args)
{
    s->data_refused = true;
    if (args.len != 0)
        sgl_smtp_server_mistake(s, 501, "5.5.4", "DATA takes no argument");
    else if (!s->mail)
        sgl_smtp_server_mistake(s, 503, "5.5.1", "MAIL first");
    else if (s->body || s->bdat_failed)
        sgl_smtp_server_mistake(s, 503, "5.5.1", "DATA and BDAT do not mix");
    else if (s->rcpts == 0)
        sgl_smtp_server_mistake(s, 554, "5.5.1", "no valid recipients");
    else {
        s->data_refused = false;
        ask_body(s, s->announced, false);
    }
}

/* Refuses a BDAT: its octets come all the same, and only then the reply goes.  [RFC 3030 s2] */
static void refuse_bdat(struct sgl_smtp_server *s, uint16_t code, const char *enhanced,
                        const char *text)
{
    sgl_buf_reset(&s->decoded);
    sgl_smtp_reply_put(&s->decoded, code,
                       sgl_view_cstr((s->config->offer & SGL_SMTP_ENHANCED) != 0 ? enhanced : ""),
                       sgl_view_cstr(text));
    s->errors++;
    s->state = ST_DISCARD;
    if (s->left == 0)
        sgl_smtp_server_discarded(s);
}

void sgl_smtp_server_discarded(struct sgl_smtp_server *s)
{
    s->state = ST_COMMAND;
    sgl_smtp_server_reply_begin(s);
    sgl_buf_add(&s->out, sgl_buf_view(&s->decoded));
    s->out.status = sgl_join(s->out.status, s->decoded.status);
    sgl_buf_reset(&s->decoded);
    if (s->out.status != SGL_OK)
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_NOMEM, "no memory for replies");
    else
        sgl_smtp_server_errors_check(s);
}

static bool too_large(const struct sgl_smtp_server *s, uint64_t more)
{
    return s->config->size_max != 0 &&
           (more > s->config->size_max || s->size > s->config->size_max - more);
}

static void bdat(struct sgl_smtp_server *s, sgl_view args)
{
    uint64_t size;
    bool last;

    if ((s->config->offer & SGL_SMTP_CHUNKING) == 0) {
        sgl_smtp_server_mistake(s, 502, "5.5.1", "BDAT is not offered here");
        return;
    }
    if (!sgl_smtp_bdat_parse(args, &size, &last)) { /* where its octets end is not known */
        sgl_smtp_server_reply(s, 501, "5.5.4", "BDAT: a size and perhaps LAST wanted");
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_FRAMING, "BDAT without a size");
        return;
    }
    s->left = size;
    s->last = last;
    if (!last && size < SMALL_CHUNK)
        sgl_smtp_server_idle_command(s);
    if (s->state == ST_CLOSED)
        return;
    if (!s->mail || s->bdat_failed) {
        refuse_bdat(s, 503, "5.5.1",
                    s->mail ? "an earlier BDAT was refused: RSET first" : "MAIL first");
    } else if (s->rcpts == 0) {
        refuse_bdat(s, 554, "5.5.1", "no valid recipients");
    } else if (too_large(s, size)) {
        s->bdat_failed = true;
        s->has_reset = true;
        s->reset_text = "larger than this server takes";
        refuse_bdat(s, 552, "5.3.4", "the message is larger than this server takes");
    } else if (!s->body) {
        ask_body(s, s->announced > size ? s->announced : size, true);
    } else {
        s->state = ST_BDAT;
    }
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static void rset(struct sgl_smtp_server *s, sgl_view args)
{
    if (args.len != 0) {
        sgl_smtp_server_mistake(s, 501, "5.5.4", "RSET takes no argument");
        return;
    }
    sgl_smtp_server_end_transaction(s, true, "RSET");
    sgl_smtp_server_reply(s, 250, "2.0.0", "reset");
    sgl_smtp_server_idle_command(s);
}

static void small_talk(struct sgl_smtp_server *s, uint16_t code, const char *enhanced,
                       const char *text)
{
    sgl_smtp_server_reply(s, code, enhanced, text);
    sgl_smtp_server_idle_command(s);
}

void sgl_smtp_server_command(struct sgl_smtp_server *s, sgl_view line)
{
    sgl_view args;

    switch (sgl_smtp_verb_parse(line, &args)) {
    case SGL_SMTP_EHLO:
        ehlo(s, args, true);
        return;
    case SGL_SMTP_HELO:
        ehlo(s, args, false);
        return;
    case SGL_SMTP_MAIL:
        mail(s, args);
        return;
    case SGL_SMTP_RCPT:
        rcpt(s, args);
        return;
    case SGL_SMTP_DATA:
        data(s, args);
        return;
    case SGL_SMTP_BDAT:
        bdat(s, args);
        return;
    case SGL_SMTP_RSET:
        rset(s, args);
        return;
    case SGL_SMTP_NOOP:
        small_talk(s, 250, "2.0.0", "fine");
        return;
    case SGL_SMTP_QUIT:
        sgl_smtp_server_reply(s, 221, "2.0.0", "goodbye");
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_QUIT, "QUIT");
        return;
    case SGL_SMTP_VRFY:
        small_talk(s, 252, "2.5.2", "send the message and see");
        return;
    case SGL_SMTP_EXPN:
        sgl_smtp_server_mistake(s, 502, "5.5.1", "EXPN is off");
        return;
    case SGL_SMTP_HELP:
        small_talk(s, 214, "2.0.0", "EHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY QUIT");
        return;
    case SGL_SMTP_AUTH:
        auth(s, args);
        return;
    case SGL_SMTP_STARTTLS:
        starttls(s, args);
        return;
    case SGL_SMTP_UNKNOWN:
        break;
    }
    sgl_smtp_server_mistake(s, 500, "5.5.1", "command not known");
}
