/* SPDX-License-Identifier: Apache-2.0 */
/* What the shell answers to events that wait for it, and how long a client may take for his part. */
#include "sigillo/base64.h"
#include "smtp_internal.h"
#include "smtp_server_internal.h"

enum { COMMAND_MS = 5 * 60 * 1000, DATA_MS = 3 * 60 * 1000, RATE_GRACE_MS = 30 * 1000 };

/* ---- answers of the shell ---------------------------------------------------------------------------------------- */

static void answered_auth(struct sgl_smtp_server *s, uint16_t code)
{
    s->state = ST_COMMAND;
    if (code / 100 == 2) {
        s->authenticated = true;
        s->idle_commands = 0;
        return;
    }
    s->errors++;
    sgl_smtp_server_errors_check(s);
}

static void answered_body(struct sgl_smtp_server *s, bool taken)
{
    if (taken) {
        s->body = true;
        s->body_clock = true;
        sgl_smtp_server_begin_text(s);
        return;
    }
    if (s->bdat_asked) {
        s->bdat_failed = true;
        s->has_reset = true;
        s->reset_text = "refused at BDAT";
        s->state = ST_DISCARD;
        if (s->left == 0)
            sgl_smtp_server_discarded(s);
        return;
    }
    if (s->early) { /* the message is here already, and would be read as commands */
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_FRAMING, "a message before the reply to DATA");
        return;
    }
    sgl_smtp_server_end_transaction(s, true, "refused at DATA");
    s->data_refused = true;
}

static void answered(struct sgl_smtp_server *s, enum sgl_smtp_server_event_kind asked,
                     uint16_t code)
{
    bool good = code / 100 == 2;

    if (asked == SGL_SMTP_SERVER_AUTH_START || asked == SGL_SMTP_SERVER_AUTH_RESPONSE) {
        answered_auth(s, code);
    } else if (asked == SGL_SMTP_SERVER_MAIL) {
        s->mail = good;
        s->mails += good;
        if (!good)
            sgl_smtp_server_end_transaction(s, false, "");
    } else if (asked == SGL_SMTP_SERVER_RCPT) {
        s->rcpts += good;
    } else if (asked == SGL_SMTP_SERVER_BODY) {
        answered_body(s, code == 354);
    } else if (asked == SGL_SMTP_SERVER_MESSAGE) {
        if (good)
            s->idle_commands = 0;
        sgl_smtp_server_end_transaction(s, false, "");
    }
}

/* Is this reply one that BODY's answer says at once?  A BDAT that is taken says nothing yet; a refused one speaks when its octets are gone. */
static bool speaks(struct sgl_smtp_server *s, enum sgl_smtp_server_event_kind asked, uint16_t code,
                   sgl_view enhanced, sgl_view text)
{
    struct sgl_buf *kept = &s->decoded;

    if (asked != SGL_SMTP_SERVER_BODY || !s->bdat_asked)
        return true;
    if (code == 354)
        return false;
    sgl_buf_reset(kept);
    sgl_smtp_reply_put(
        kept, code, (s->config->offer & SGL_SMTP_ENHANCED) != 0 ? enhanced : (sgl_view){0}, text);
    return false;
}

enum sgl_status sgl_smtp_server_answer(struct sgl_smtp_server *s, uint16_t code, sgl_view enhanced,
                                       sgl_view text)
{
    enum sgl_smtp_server_event_kind asked = s->asked;

    if (s->wait != SGL_SMTP_SERVER_WANTS_ANSWER || s->has_event || code < 200 || code > 599)
        return SGL_E_MISUSE;
    s->wait = SGL_SMTP_SERVER_RUNS;
    s->asked = SGL_SMTP_SERVER_NONE;
    s->progress = true;
    sgl_arena_reset(&s->arena);
    if (!sgl_smtp_text_ok(enhanced) || !sgl_smtp_text_ok(text)) {
        code = 451;
        enhanced = SGL_LIT("4.3.0");
        text = SGL_LIT("internal error");
    }
    if (code == 421) {
        sgl_smtp_server_put_reply(s, code, enhanced, text);
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_ANSWER, "answered with 421");
        return SGL_OK;
    }
    if (speaks(s, asked, code, enhanced, text))
        sgl_smtp_server_put_reply(s, code, enhanced, text);
    if (s->state == ST_CLOSED) /* there was no memory to say it */
        return SGL_OK;
    answered(s, asked, code);
    if (s->shut_text != NULL && !s->mail && s->state != ST_CLOSED &&
        s->wait == SGL_SMTP_SERVER_RUNS)
        sgl_smtp_server_give_up(s, SGL_SMTP_CLOSE_ANSWER, s->shut_enhanced, s->shut_text);
    return SGL_OK;
}

enum sgl_status sgl_smtp_server_challenge(struct sgl_smtp_server *s, sgl_view challenge)
{
    if (s->wait != SGL_SMTP_SERVER_WANTS_ANSWER || s->has_event ||
        (s->asked != SGL_SMTP_SERVER_AUTH_START && s->asked != SGL_SMTP_SERVER_AUTH_RESPONSE))
        return SGL_E_MISUSE;
    sgl_smtp_server_reply_begin(s);
    sgl_buf_add(&s->out,
                SGL_LIT("334 ")); /* [RFC 4954 s4] with its blank, even if nothing follows */
    sgl_base64_encode(&s->out, challenge);
    sgl_buf_add(&s->out, SGL_LIT("\r\n"));
    s->wait = SGL_SMTP_SERVER_RUNS;
    s->asked = SGL_SMTP_SERVER_NONE;
    s->state = ST_AUTH;
    s->progress = true;
    if (s->out.status != SGL_OK)
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_NOMEM, "no memory for replies");
    return SGL_OK;
}

/* ---- patience ---------------------------------------------------------------------------------------------------- */

static uint64_t or_default(uint32_t ms, uint32_t other)
{
    return ms != 0 ? ms : other;
}

/* When a message comes too slowly on average: the time by which one more byte must be here. 0: no such rule. */
static uint64_t rate_deadline(const struct sgl_smtp_server *s)
{
    const struct sgl_smtp_server_config *c = s->config;

    if (c->rate_min == 0)
        return UINT64_MAX;
    return s->body_at + or_default(c->rate_grace_ms, RATE_GRACE_MS) +
           (s->body_bytes / c->rate_min) * 1000 + 1000;
}

static uint64_t patience_ends(const struct sgl_smtp_server *s)
{
    const struct sgl_smtp_server_config *c = s->config;
    bool in_text = s->state == ST_DATA || s->state == ST_BDAT;
    uint64_t end = s->mark_at + (in_text ? or_default(c->data_ms, DATA_MS)
                                         : or_default(c->command_ms, COMMAND_MS));

    if (in_text && rate_deadline(s) < end)
        end = rate_deadline(s);
    if (c->session_ms != 0 && !s->mail && s->session_at + c->session_ms < end)
        end = s->session_at + c->session_ms;
    return end;
}

uint64_t sgl_smtp_server_deadline(struct sgl_smtp_server *s, uint64_t now_ms)
{
    uint64_t end;

    if (s->state == ST_CLOSED)
        return 0;
    if (!s->started) {
        s->started = true;
        s->session_at = s->mark_at = now_ms;
    }
    if (s->body_clock) {
        s->body_clock = false;
        s->body_at = now_ms;
        s->body_bytes = 0;
    }
    if (s->progress || s->wait == SGL_SMTP_SERVER_WANTS_ANSWER)
        s->mark_at = now_ms;
    s->progress = false;
    if (s->wait == SGL_SMTP_SERVER_WANTS_ANSWER)
        return 0;
    end = patience_ends(s);
    if (now_ms < end)
        return end;
    sgl_smtp_server_give_up(s, SGL_SMTP_CLOSE_TIMEOUT, "4.4.2", "too slow");
    return 0;
}
