/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's session: its life, its lines, its replies.  What commands mean is in smtp_server_command.c, the bytes of a message in smtp_server_data.c, the shell's answers and
 * the end of patience in smtp_server_answer.c.
 */
#include "smtp_server_internal.h"

#include <stdlib.h>

#include "sigillo/crypto.h"

enum { ARENA_MAX = 64 * 1024, ERRORS_MAX = 20, IDLE_COMMANDS_MAX = 200 };

/* ---- replies ----------------------------------------------------------------------------------------------------- */

void sgl_smtp_server_reply_begin(struct sgl_smtp_server *s)
{
    if (s->pulled)
        sgl_buf_reset(&s->out);
    s->pulled = false;
}

static struct sgl_buf *output(struct sgl_smtp_server *s)
{
    sgl_smtp_server_reply_begin(s);
    return &s->out;
}

void sgl_smtp_server_put_reply(struct sgl_smtp_server *s, uint16_t code, sgl_view enhanced,
                               sgl_view text)
{
    if ((s->config->offer & SGL_SMTP_ENHANCED) == 0)
        enhanced.len = 0;
    sgl_smtp_reply_put(output(s), code, enhanced, text);
    if (s->out.status != SGL_OK && s->state != ST_CLOSED)
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_NOMEM, "no memory for replies");
}

void sgl_smtp_server_reply(struct sgl_smtp_server *s, uint16_t code, const char *enhanced,
                           const char *text)
{
    sgl_smtp_server_put_reply(s, code, sgl_view_cstr(enhanced), sgl_view_cstr(text));
}

void sgl_smtp_server_close(struct sgl_smtp_server *s, enum sgl_smtp_close reason, const char *text)
{
    if (s->state == ST_CLOSED)
        return;
    sgl_smtp_server_end_transaction(s, true, text);
    s->state = ST_CLOSED;
    s->wait = SGL_SMTP_SERVER_CLOSED;
    s->has_event = false;
    s->has_close = true;
    s->close_reason = reason;
    s->close_text = text;
}

void sgl_smtp_server_give_up(struct sgl_smtp_server *s, enum sgl_smtp_close reason,
                             const char *enhanced, const char *text)
{
    sgl_smtp_server_reply(s, 421, enhanced, text);
    sgl_smtp_server_close(s, reason, text);
}

void sgl_smtp_server_errors_check(struct sgl_smtp_server *s)
{
    uint32_t max = s->config->errors_max != 0 ? s->config->errors_max : ERRORS_MAX;

    if (s->errors >= max && s->state != ST_CLOSED)
        sgl_smtp_server_give_up(s, SGL_SMTP_CLOSE_ERRORS, "4.7.0", "too many errors");
}

void sgl_smtp_server_mistake(struct sgl_smtp_server *s, uint16_t code, const char *enhanced,
                             const char *text)
{
    sgl_smtp_server_reply(s, code, enhanced, text);
    s->errors++;
    sgl_smtp_server_errors_check(s);
}

void sgl_smtp_server_idle_command(struct sgl_smtp_server *s)
{
    uint32_t max =
        s->config->idle_commands_max != 0 ? s->config->idle_commands_max : IDLE_COMMANDS_MAX;

    if (++s->idle_commands > max)
        sgl_smtp_server_give_up(s, SGL_SMTP_CLOSE_ERRORS, "4.7.0",
                                "too many commands without a message");
}

void sgl_smtp_server_ask(struct sgl_smtp_server *s, enum sgl_smtp_server_event_kind kind)
{
    s->event.kind = kind;
    s->has_event = true;
    s->asked = kind;
    s->wait = SGL_SMTP_SERVER_WANTS_ANSWER;
}

void sgl_smtp_server_end_transaction(struct sgl_smtp_server *s, bool tell, const char *text)
{
    if (tell && s->mail) {
        s->has_reset = true;
        s->reset_text = text;
    }
    s->mail = s->body = s->bdat_failed = s->smtputf8 = s->body_8bit = s->last = false;
    s->early = s->body_clock = false;
    s->announced = s->size = s->left = 0;
    s->rcpts = s->rcpt_commands = 0;
    s->fault = TEXT_CLEAN;
    if (s->state == ST_DATA || s->state == ST_BDAT)
        s->state = ST_COMMAND;
}

static void empty_line(struct sgl_smtp_server *s)
{
    if (s->line.data != NULL)
        sgl_wipe(s->line.data, s->line.len); /* it may have been a password */
    sgl_buf_reset(&s->line);
    s->line_spent = false;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static struct sgl_smtp_server *make(const struct sgl_smtp_server_config *config, bool tls)
{
    struct sgl_smtp_server *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->config = config;
    s->tls = tls;
    sgl_buf_init(&s->line, SGL_LIMIT_SMTP_AUTH_LINE + 2);
    sgl_buf_init(&s->out, SGL_LIMIT_SMTP_OUTPUT);
    sgl_buf_init(&s->decoded, SGL_LIMIT_SASL_MESSAGE);
    sgl_arena_init(&s->arena, ARENA_MAX);
    return s;
}

struct sgl_smtp_server *sgl_smtp_server_new(const struct sgl_smtp_server_config *config, bool tls)
{
    struct sgl_smtp_server *s = make(config, tls);

    if (s == NULL)
        return NULL;
    sgl_buf_add(&s->out, SGL_LIT("220 "));
    sgl_buf_add_line_safe(&s->out, config->hostname);
    sgl_buf_add(&s->out, SGL_LIT(" ESMTP ready\r\n"));
    if (s->out.status != SGL_OK) {
        sgl_smtp_server_free(s);
        return NULL;
    }
    return s;
}

struct sgl_smtp_server *sgl_smtp_server_new_refused(const struct sgl_smtp_server_config *config,
                                                    uint16_t code, sgl_view enhanced, sgl_view text)
{
    struct sgl_smtp_server *s = make(config, false);

    if (s == NULL)
        return NULL;
    sgl_smtp_server_put_reply(s, code, enhanced, text);
    sgl_smtp_server_close(s, SGL_SMTP_CLOSE_ANSWER, "refused at the greeting");
    return s;
}

void sgl_smtp_server_free(struct sgl_smtp_server *s)
{
    if (s == NULL)
        return;
    if (s->line.data != NULL)
        sgl_wipe(s->line.data, s->line.cap);
    if (s->decoded.data != NULL)
        sgl_wipe(s->decoded.data, s->decoded.cap);
    sgl_buf_done(&s->line);
    sgl_buf_done(&s->out);
    sgl_buf_done(&s->decoded);
    sgl_arena_done(&s->arena);
    free(s);
}

void sgl_smtp_server_trust(struct sgl_smtp_server *s)
{
    s->trusted = true;
}

enum sgl_status sgl_smtp_server_tls_started(struct sgl_smtp_server *s)
{
    if (s->wait != SGL_SMTP_SERVER_WANTS_TLS)
        return SGL_E_MISUSE;
    s->wait = SGL_SMTP_SERVER_RUNS;
    s->tls = true;
    s->extended = s->greeted = s->authenticated = false; /* [RFC 3207 s4.2] */
    s->progress = true;
    return SGL_OK;
}

void sgl_smtp_server_shut_down(struct sgl_smtp_server *s, const char *enhanced, const char *text)
{
    s->shut_enhanced = enhanced;
    s->shut_text = text;
    if (!s->mail && s->wait == SGL_SMTP_SERVER_RUNS)
        sgl_smtp_server_give_up(s, SGL_SMTP_CLOSE_ANSWER, enhanced, text);
}

void sgl_smtp_server_relax(struct sgl_smtp_server *s)
{
    if (s->wait == SGL_SMTP_SERVER_WANTS_ANSWER || s->has_event)
        return;
    if (s->line_spent)
        empty_line(s);
    if (s->line.len == 0)
        sgl_buf_done(&s->line);
    if (s->pulled || s->out.len == 0) {
        sgl_buf_done(&s->out);
        s->pulled = false;
    }
    if (s->state != ST_DISCARD)
        sgl_buf_done(&s->decoded);
    sgl_arena_done(&s->arena);
    sgl_arena_init(&s->arena, ARENA_MAX);
}

size_t sgl_smtp_server_memory(const struct sgl_smtp_server *s)
{
    return sizeof *s + s->line.cap + s->out.cap + s->decoded.cap + s->arena.used;
}

enum sgl_smtp_server_wait sgl_smtp_server_wait(const struct sgl_smtp_server *s)
{
    return s->wait;
}

bool sgl_smtp_server_in_transaction(const struct sgl_smtp_server *s)
{
    return s->mail;
}

bool sgl_smtp_server_is_tls(const struct sgl_smtp_server *s)
{
    return s->tls;
}

bool sgl_smtp_server_is_authenticated(const struct sgl_smtp_server *s)
{
    return s->authenticated;
}

bool sgl_smtp_server_is_extended(const struct sgl_smtp_server *s)
{
    return s->extended;
}

bool sgl_smtp_server_sane(const struct sgl_smtp_server *s)
{
    if (!sgl_buf_sane(&s->line) || !sgl_buf_sane(&s->out) || !sgl_buf_sane(&s->decoded))
        return false;
    if ((s->state == ST_CLOSED) != (s->wait == SGL_SMTP_SERVER_CLOSED))
        return false;
    if ((s->state == ST_DATA || s->state == ST_BDAT) && (!s->mail || !s->body || s->rcpts == 0))
        return false;
    if (s->mail && !s->greeted)
        return false;
    if (s->mail && s->config->auth_required && !s->authenticated && !s->trusted)
        return false;
    if (s->authenticated && !s->tls && !s->config->auth_in_plain)
        return false;
    return s->left == 0 || s->state == ST_BDAT || s->state == ST_DISCARD ||
           s->wait != SGL_SMTP_SERVER_RUNS;
}

/* ---- bytes in ---------------------------------------------------------------------------------------------------- */

static size_t line_max(const struct sgl_smtp_server *s, sgl_view head)
{
    if (s->state == ST_AUTH || sgl_view_starts_nocase(head, SGL_LIT("AUTH ")))
        return SGL_LIMIT_SMTP_AUTH_LINE;
    return SGL_LIMIT_SMTP_LINE;
}

static void cancel_auth(struct sgl_smtp_server *s)
{
    s->state = ST_COMMAND;
    s->event.kind = SGL_SMTP_SERVER_AUTH_CANCEL;
    s->has_event = true;
}

/* The end of a line that was too long was found. */
static void skipped(struct sgl_smtp_server *s)
{
    s->state = ST_COMMAND;
    s->progress = true;
    if (s->skip_auth)
        cancel_auth(s);
    sgl_smtp_server_mistake(s, 500, s->skip_auth ? "5.5.6" : "5.5.2", "line too long");
    s->skip_auth = false;
}

/* A line with its LF. */
static void whole_line(struct sgl_smtp_server *s, sgl_view line)
{
    size_t cr = sgl_view_find(line, '\r');

    s->progress = true;
    if (line.len < 2 || cr != line.len - 2) { /* [RFC 5321 s2.3.8] CR and LF only together */
        sgl_smtp_server_reply(s, 500, "5.5.2", "a bare CR or LF in a command");
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_FRAMING, "bare CR or LF in a command");
        return;
    }
    line.len -= 2;
    if (line.len > line_max(s, line)) {
        s->skip_auth = s->state == ST_AUTH;
        skipped(s);
        return;
    }
    if (sgl_view_find(line, '\0') != line.len) {
        if (s->state == ST_AUTH)
            cancel_auth(s);
        sgl_smtp_server_mistake(s, 500, "5.5.2", "a NUL in a command");
        return;
    }
    if (s->state == ST_AUTH)
        sgl_smtp_server_auth_line(s, line);
    else
        sgl_smtp_server_command(s, line);
}

static size_t take_line(struct sgl_smtp_server *s, sgl_view bytes)
{
    size_t lf = sgl_view_find(bytes, '\n');
    sgl_view part = sgl_view_sub(bytes, 0, lf < bytes.len ? lf + 1 : lf);

    if (s->line.len == 0 && lf < bytes.len) {
        whole_line(s, part);
        return part.len;
    }
    if (s->line.len + part.len >
        line_max(s, s->line.len != 0 ? sgl_buf_view(&s->line) : part) + 2) {
        if (s->line.data != NULL)
            sgl_wipe(s->line.data, s->line.len);
        sgl_buf_reset(&s->line);
        s->skip_auth = s->state == ST_AUTH;
        s->state = ST_SKIP;
        if (lf < bytes.len)
            skipped(s);
        return part.len;
    }
    sgl_buf_add(&s->line, part);
    if (s->line.status != SGL_OK) {
        sgl_smtp_server_give_up(s, SGL_SMTP_CLOSE_NOMEM, "4.3.0", "out of memory");
        return part.len;
    }
    if (lf < bytes.len) {
        whole_line(s, sgl_buf_view(&s->line));
        s->line_spent = true;
    }
    return part.len;
}

static size_t take_skip(struct sgl_smtp_server *s, sgl_view bytes)
{
    size_t lf = sgl_view_find(bytes, '\n');

    if (lf == bytes.len)
        return lf;
    skipped(s);
    return lf + 1;
}

static size_t take_discard(struct sgl_smtp_server *s, sgl_view bytes)
{
    size_t n = bytes.len < s->left ? bytes.len : (size_t)s->left;

    s->left -= n;
    s->progress = true;
    if (s->left == 0)
        sgl_smtp_server_discarded(s);
    return n;
}

static size_t take(struct sgl_smtp_server *s, sgl_view bytes)
{
    switch (s->state) {
    case ST_COMMAND:
    case ST_AUTH:
        return take_line(s, bytes);
    case ST_SKIP:
        return take_skip(s, bytes);
    case ST_DATA:
        return sgl_smtp_server_data(s, bytes);
    case ST_BDAT:
        return sgl_smtp_server_bdat(s, bytes);
    case ST_DISCARD:
        return take_discard(s, bytes);
    case ST_CLOSED:
        break;
    }
    return bytes.len;
}

/* Bytes before our reply was even written: harmless in a pipeline, not where the meaning of the bytes depends on the reply. */
static bool too_early(struct sgl_smtp_server *s)
{
    if (s->wait ==
        SGL_SMTP_SERVER_WANTS_TLS) { /* [RFC 3207 s4.2] whoever wrote this was not the client */
        sgl_buf_reset(output(s));
        sgl_smtp_server_reply(s, 501, "5.5.4", "plaintext behind STARTTLS");
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_FRAMING, "plaintext behind STARTTLS");
        return true;
    }
    if (s->data_refused) {
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_FRAMING, "a message before the reply to DATA");
        return true;
    }
    if ((s->config->offer & SGL_SMTP_PIPELINING) == 0 && s->out.len != 0 && !s->pulled &&
        s->wait == SGL_SMTP_SERVER_RUNS) {
        sgl_smtp_server_reply(s, 503, "5.5.0",
                              "commands before the reply, and PIPELINING was not offered");
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_FRAMING, "commands before the reply");
        return true;
    }
    return false;
}

void sgl_smtp_server_feed(struct sgl_smtp_server *s, sgl_view bytes, size_t *used)
{
    *used = 0;
    if (s->line_spent && !s->has_event && s->wait != SGL_SMTP_SERVER_WANTS_ANSWER)
        empty_line(s);
    while (*used < bytes.len && !s->has_event && !s->has_reset && !s->has_close) {
        if (s->wait == SGL_SMTP_SERVER_WANTS_ANSWER)
            break;
        if (s->state != ST_CLOSED && too_early(s))
            continue;
        if (s->line_spent)
            empty_line(s);
        *used += take(s, sgl_view_from(bytes, *used));
    }
    if (*used < bytes.len && s->wait == SGL_SMTP_SERVER_WANTS_ANSWER &&
        s->asked == SGL_SMTP_SERVER_BODY)
        s->early = true;
}

bool sgl_smtp_server_next(struct sgl_smtp_server *s, struct sgl_smtp_server_event *out)
{
    if (s->has_reset) {
        s->has_reset = false;
        *out = (struct sgl_smtp_server_event){.kind = SGL_SMTP_SERVER_RESET, .text = s->reset_text};
        return true;
    }
    if (s->has_event) {
        s->has_event = false;
        *out = s->event;
        if (out->kind == SGL_SMTP_SERVER_CHUNK && s->state == ST_BDAT && s->left == 0)
            sgl_smtp_server_end_chunk(s); /* maybe another event */
        return true;
    }
    if (s->has_close) {
        s->has_close = false;
        *out = (struct sgl_smtp_server_event){
            .kind = SGL_SMTP_SERVER_CLOSE, .reason = s->close_reason, .text = s->close_text};
        return true;
    }
    return false;
}

bool sgl_smtp_server_pull(struct sgl_smtp_server *s, sgl_view *out)
{
    if (s->pulled || s->out.len == 0)
        return false;
    s->pulled = true;
    s->data_refused = false;
    *out = sgl_buf_view(&s->out);
    return true;
}
