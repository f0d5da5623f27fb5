/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message: its envelope in one write where PIPELINING is offered (else a command at a time), one result for each recipient, and the body as views of the
 * shell's own bytes.  The commands are numbered 0 to commands - 1: [RSET] MAIL RCPT ... DATA; `said` and `heard` count them.
 */
#include "sigillo/ascii.h"
#include "smtp_client_internal.h"
#include "smtp_internal.h"

enum { PIECE_MIN = 1024, COPY_MAX = 16 * 1024, TEXT_MAX = 1000 };

/* ---- the envelope, said ------------------------------------------------------------------------------------------ */

/* May it stand between angle brackets?  Whoever made it should know; what goes out is looked at all the same. */
static bool address_ok(sgl_view a, bool utf8)
{
    bool quoted = false;

    if (a.len > SGL_LIMIT_MAILBOX)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        uint8_t byte = a.ptr[i];

        if (sgl_ascii_is_control(byte) || (byte >= 0x80 && !utf8))
            return false;
        if (byte == '"')
            quoted = !quoted;
        else if (quoted && byte == '\\' && ++i == a.len)
            return false;
        else if (quoted && byte == '\\' && sgl_ascii_is_control(a.ptr[i]))
            return false;
        else if (!quoted && (byte == ' ' || byte == '<' || byte == '>'))
            return false;
    }
    return !quoted;
}

static bool orcpt_ok(sgl_view orcpt)
{
    size_t semicolon = sgl_view_find(orcpt, ';');

    for (size_t i = 0; i < semicolon; i++) {
        if (!sgl_ascii_is_alnum(orcpt.ptr[i]) && orcpt.ptr[i] != '-')
            return false;
    }
    return semicolon > 0 && semicolon + 1 < orcpt.len && orcpt.len <= SGL_LIMIT_SMTP_ORCPT &&
           sgl_smtp_text_ok(orcpt);
}

static bool envelope_ok(const struct sgl_smtp_envelope *e)
{
    if (e->tos == 0 || !address_ok(e->from, e->smtputf8) || !sgl_smtp_text_ok(e->envid))
        return false;
    if (e->ret != 0 && e->ret != 'F' && e->ret != 'H')
        return false;
    for (size_t i = 0; i < e->tos; i++) {
        if (e->to[i].mailbox.len == 0 || !address_ok(e->to[i].mailbox, e->smtputf8))
            return false;
        if (e->to[i].orcpt.len != 0 && !orcpt_ok(e->to[i].orcpt))
            return false;
    }
    return true;
}

unsigned sgl_smtp_client_lacks(const struct sgl_smtp_client *c, const struct sgl_smtp_envelope *e)
{
    unsigned needs = (e->body_8bit ? SGL_SMTP_8BITMIME : 0u) |
                     (e->smtputf8 ? SGL_SMTP_SMTPUTF8 : 0u) |
                     (e->require_tls ? SGL_SMTP_REQUIRETLS : 0u);
    unsigned lacks = needs & ~c->offer.extensions;

    if (c->offer.size_max != 0 && e->size > c->offer.size_max)
        lacks |= SGL_SMTP_SIZE;
    return lacks;
}

static void put_mail(const struct sgl_smtp_client *c, struct sgl_buf *out)
{
    const struct sgl_smtp_envelope *e = c->envelope;
    unsigned offer = c->offer.extensions;

    sgl_buf_add(out, SGL_LIT("MAIL FROM:<"));
    sgl_buf_add_line_safe(out, e->from);
    sgl_buf_add_byte(out, '>');
    if ((offer & SGL_SMTP_SIZE) != 0 && e->size != 0) {
        sgl_buf_add(out, SGL_LIT(" SIZE="));
        sgl_buf_add_u64(out, e->size);
    }
    if (e->body_8bit)
        sgl_buf_add(out, SGL_LIT(" BODY=8BITMIME"));
    if (e->smtputf8)
        sgl_buf_add(out, SGL_LIT(" SMTPUTF8"));
    if (e->require_tls)
        sgl_buf_add(out, SGL_LIT(" REQUIRETLS"));
    if ((offer & SGL_SMTP_DSN) != 0 && e->ret != 0)
        sgl_buf_add_cstr(out, e->ret == 'F' ? " RET=FULL" : " RET=HDRS");
    if ((offer & SGL_SMTP_DSN) != 0 && e->envid.len != 0) {
        sgl_buf_add(out, SGL_LIT(" ENVID="));
        sgl_smtp_xtext_put(out, e->envid);
    }
    sgl_buf_add(out, SGL_LIT("\r\n"));
}

static void put_notify(struct sgl_buf *out, uint8_t notify)
{
    if ((notify & SGL_SMTP_NOTIFY_NEVER) != 0) {
        sgl_buf_add(out, SGL_LIT(" NOTIFY=NEVER"));
        return;
    }
    sgl_buf_add(out, SGL_LIT(" NOTIFY="));
    if ((notify & SGL_SMTP_NOTIFY_SUCCESS) != 0)
        sgl_buf_add(out, SGL_LIT("SUCCESS,"));
    if ((notify & SGL_SMTP_NOTIFY_FAILURE) != 0)
        sgl_buf_add(out, SGL_LIT("FAILURE,"));
    if ((notify & SGL_SMTP_NOTIFY_DELAY) != 0)
        sgl_buf_add(out, SGL_LIT("DELAY,"));
    if (out->status == SGL_OK)
        sgl_buf_truncate(out, out->len - 1);
}

static void put_orcpt(struct sgl_buf *out, sgl_view orcpt)
{
    size_t semicolon = sgl_view_find(orcpt, ';');
    sgl_view type = sgl_view_sub(orcpt, 0, semicolon);

    if (sgl_view_eq_nocase(type, SGL_LIT("utf-8"))) /* has escapes of its own [RFC 6533 s3] */
        return;
    sgl_buf_add(out, SGL_LIT(" ORCPT="));
    sgl_buf_add(out, type);
    sgl_buf_add_byte(out, ';');
    sgl_smtp_xtext_put(out, sgl_view_from(orcpt, semicolon + 1));
}

static void put_rcpt(const struct sgl_smtp_client *c, size_t i, struct sgl_buf *out)
{
    const struct sgl_smtp_to *to = &c->envelope->to[i];
    bool dsn = (c->offer.extensions & SGL_SMTP_DSN) != 0;

    sgl_buf_add(out, SGL_LIT("RCPT TO:<"));
    sgl_buf_add_line_safe(out, to->mailbox);
    sgl_buf_add_byte(out, '>');
    if (dsn && (to->notify & 15) != 0)
        put_notify(out, to->notify);
    if (dsn && to->orcpt.len != 0)
        put_orcpt(out, to->orcpt);
    sgl_buf_add(out, SGL_LIT("\r\n"));
}

static size_t mail_number(const struct sgl_smtp_client *c)
{
    return c->rset_first ? 1 : 0;
}

static void put_command(struct sgl_smtp_client *c, struct sgl_buf *out)
{
    size_t n = c->said++, mail = mail_number(c);

    if (n < mail)
        sgl_buf_add(out, SGL_LIT("RSET\r\n"));
    else if (n == mail)
        put_mail(c, out);
    else if (n + 1 < c->commands)
        put_rcpt(c, n - mail - 1, out);
    else
        sgl_buf_add(out, SGL_LIT("DATA\r\n"));
}

/* What may be said now: all of it in a pipeline, else the next command. A question ends before DATA. */
static void say_more(struct sgl_smtp_client *c)
{
    bool pipelining = (c->offer.extensions & SGL_SMTP_PIPELINING) != 0;
    size_t last = c->commands - (c->envelope->probe ? 1 : 0);
    struct sgl_buf *out = sgl_smtp_client_output(c);

    do {
        put_command(c, out);
    } while (pipelining && c->said < last);
    if (out->status != SGL_OK)
        sgl_smtp_client_over(c, SGL_SMTP_END_NOMEM, "out of memory", NULL);
}

enum sgl_status sgl_smtp_client_begin(struct sgl_smtp_client *c,
                                      const struct sgl_smtp_envelope *envelope)
{
    if (c->state != CL_REST)
        return SGL_E_MISUSE;
    if (!envelope_ok(envelope))
        return SGL_E_SYNTAX;
    if (sgl_smtp_client_lacks(c, envelope) != 0)
        return SGL_E_LIMIT;
    sgl_arena_reset(&c->arena);
    c->tos = 0;
    c->result = sgl_arena_alloc_n(&c->arena, envelope->tos, sizeof *c->result);
    c->accepted = sgl_arena_alloc_n(&c->arena, envelope->tos, sizeof *c->accepted);
    if (c->result == NULL || c->accepted == NULL)
        return SGL_E_NOMEM;
    c->envelope = envelope;
    c->tos = envelope->tos;
    c->accepted_count = c->answered = 0;
    c->commands = mail_number(c) + 1 + envelope->tos + 1;
    c->said = c->heard = 0;
    c->mail_refused = false;
    c->state = CL_ENVELOPE;
    c->progress = true;
    say_more(c);
    return SGL_OK;
}

/* ---- the envelope, answered -------------------------------------------------------------------------------------- */

/* A reply that stays: at most TEXT_MAX bytes of text; without text when memory is short. */
static struct sgl_smtp_reply keep(struct sgl_smtp_client *c, const struct sgl_smtp_reply *r)
{
    struct sgl_smtp_reply kept = *r;

    if (sgl_arena_dup(&c->arena, sgl_view_sub(r->text, 0, TEXT_MAX), &kept.text) != SGL_OK)
        kept.text = (sgl_view){NULL, 0};
    if (sgl_arena_dup(&c->arena, r->enhanced_text, &kept.enhanced_text) != SGL_OK)
        kept.enhanced_text = (sgl_view){NULL, 0};
    return kept;
}

void sgl_smtp_client_settle(struct sgl_smtp_client *c, enum sgl_smtp_stage stage,
                            const struct sgl_smtp_reply *reply)
{
    struct sgl_smtp_reply kept = {0};

    if (reply != NULL)
        kept = keep(c, reply);
    for (size_t i = 0; i < c->tos; i++) {
        if (c->result[i].reply.code != 0 && !c->accepted[i])
            continue;
        c->result[i] = (struct sgl_smtp_result){stage, kept};
        c->accepted[i] = false;
    }
}

static void done(struct sgl_smtp_client *c, bool rset_first)
{
    c->rset_first = rset_first;
    sgl_smtp_client_add_event(c, SGL_SMTP_CLIENT_DONE);
    c->state = CL_REST;
    c->envelope = NULL;
    c->body = (sgl_view){NULL, 0};
    c->at = 0;
}

static void rcpt_reply(struct sgl_smtp_client *c, size_t i, const struct sgl_smtp_reply *r)
{
    if (c->mail_refused)
        return;
    if (r->code / 100 == 2) {
        c->accepted[i] = true;
        c->accepted_count++;
        c->result[i] = (struct sgl_smtp_result){SGL_SMTP_AT_RCPT, {.code = r->code}};
    } else {
        c->result[i] = (struct sgl_smtp_result){SGL_SMTP_AT_RCPT, keep(c, r)};
    }
}

static void data_reply(struct sgl_smtp_client *c, const struct sgl_smtp_reply *r)
{
    if (r->code == 354 && c->accepted_count != 0) {
        c->state = CL_BODY;
        sgl_smtp_client_add_event(c, SGL_SMTP_CLIENT_BODY);
        return;
    }
    if (r->code == 354 && c->config->lmtp) { /* [RFC 2033 s4.2] and nobody would answer for it */
        sgl_smtp_client_over(c, SGL_SMTP_END_PROTOCOL, "a message for no recipient is wanted",
                             NULL);
        return;
    }
    if (r->code == 354) { /* [RFC 2920 s3.1] it wants a message for nobody */
        sgl_buf_add(sgl_smtp_client_output(c), SGL_LIT(".\r\n"));
        c->state = CL_LONE_DOT;
        if (c->out.status != SGL_OK)
            sgl_smtp_client_over(c, SGL_SMTP_END_NOMEM, "out of memory", NULL);
        return;
    }
    sgl_smtp_client_settle(c, SGL_SMTP_AT_DATA, r);
    done(c, !c->mail_refused);
}

/* Does the reply's class fit the command?  RSET, MAIL, RCPT: 2, 4, 5; DATA: 354, 4, 5. */
static bool class_fits(const struct sgl_smtp_reply *r, bool data)
{
    if (r->code >= 400)
        return true;
    return data ? r->code == 354 : r->code / 100 == 2;
}

void sgl_smtp_client_envelope_reply(struct sgl_smtp_client *c, const struct sgl_smtp_reply *r)
{
    size_t n = c->heard, mail = mail_number(c);
    bool data = n + 1 == c->commands;

    if (!class_fits(r, data)) {
        sgl_smtp_client_over(c, SGL_SMTP_END_PROTOCOL,
                             data ? "DATA was answered with neither 354 nor a refusal"
                                  : "a reply of the wrong class",
                             NULL);
        return;
    }
    c->heard++;
    if (data) {
        data_reply(c, r);
        return;
    }
    if (n == mail && r->code / 100 != 2) {
        sgl_smtp_client_settle(c, SGL_SMTP_AT_MAIL, r);
        c->mail_refused = true;
    } else if (n > mail) {
        rcpt_reply(c, n - mail - 1, r);
    }
    if (c->said != c->heard) /* a pipeline: more replies are on their way */
        return;
    if (c->mail_refused)
        done(c, false);
    else if (c->heard + 1 == c->commands && (c->accepted_count == 0 || c->envelope->probe))
        done(c, true);
    else
        say_more(c);
}

static size_t next_unanswered(const struct sgl_smtp_client *c)
{
    size_t i = c->answered;

    while (i < c->tos && !c->accepted[i])
        i++;
    return i;
}

/* One reply for each recipient that was accepted, in their order; what was said stays, whatever comes later. [RFC 2033 s4.2] */
static void recipient_reply(struct sgl_smtp_client *c, const struct sgl_smtp_reply *r)
{
    size_t i = next_unanswered(c);

    if (i < c->tos) {
        c->result[i] = (struct sgl_smtp_result){SGL_SMTP_AT_DOT, keep(c, r)};
        c->accepted[i] = false;
        c->answered = i + 1;
    }
    if (next_unanswered(c) == c->tos)
        done(c, false);
}

void sgl_smtp_client_dot_reply(struct sgl_smtp_client *c, const struct sgl_smtp_reply *r)
{
    if (r->code < 400 && r->code / 100 != 2) {
        sgl_smtp_client_over(c, SGL_SMTP_END_PROTOCOL,
                             "the end of data was answered with neither 250 nor a refusal", NULL);
        return;
    }
    if (c->config->lmtp) {
        recipient_reply(c, r);
        return;
    }
    if (c->state == CL_DOT)
        sgl_smtp_client_settle(c, SGL_SMTP_AT_DOT, r);
    done(c, false);
}

struct sgl_smtp_result sgl_smtp_client_result(const struct sgl_smtp_client *c, size_t i)
{
    if (i >= c->tos)
        return (struct sgl_smtp_result){SGL_SMTP_AT_REST, {0}};
    return c->result[i];
}

size_t sgl_smtp_client_accepted(const struct sgl_smtp_client *c)
{
    return c->accepted_count;
}

/* ---- the body ---------------------------------------------------------------------------------------------------- */

enum sgl_status sgl_smtp_client_body_scanned(struct sgl_smtp_client *c, sgl_view body,
                                             bool stuffing)
{
    if (c->state != CL_BODY)
        return SGL_E_MISUSE;
    c->body = body;
    c->at = 0;
    c->stuffing = stuffing;
    c->dot_done = c->body_ended = false;
    c->state = CL_SENDING;
    c->progress = true;
    return SGL_OK;
}

enum sgl_status sgl_smtp_client_body(struct sgl_smtp_client *c, sgl_view body)
{
    struct sgl_smtp_scan scan;

    if (c->state != CL_BODY)
        return SGL_E_MISUSE;
    sgl_smtp_scan(body, &scan);
    if (scan.bad_line != 0)
        return SGL_E_SYNTAX;
    return sgl_smtp_client_body_scanned(c, body, scan.stuffing);
}

/*
 * The next bytes of the body that can go out as they are.  A dot at the start of a line goes out twice: once as the end of a piece, once as the
 * start of the next, so that stuffing needs no byte of its own.
 */
static sgl_view next_piece(struct sgl_smtp_client *c)
{
    sgl_view rest = sgl_view_from(c->body, c->at);
    size_t at = 0;

    if (!c->stuffing)
        return rest;
    if (c->dot_done || (c->at > 0 && rest.ptr[-1] != '\n'))
        at = sgl_view_find(rest, '\n') + 1;
    while (at < rest.len && rest.ptr[at] != '.')
        at += sgl_view_find(sgl_view_from(rest, at), '\n') + 1;
    return sgl_view_sub(rest, 0, at < rest.len ? at + 1 : rest.len);
}

/* The piece was taken: go on behind it, or at its last dot once more. */
static void piece_taken(struct sgl_smtp_client *c, sgl_view piece)
{
    size_t end = c->at + piece.len;
    bool at_line_start = piece.len > 1 ? piece.ptr[piece.len - 2] == '\n'
                                       : c->at == 0 || c->body.ptr[c->at - 1] == '\n';
    bool dot = c->stuffing && piece.ptr[piece.len - 1] == '.' && at_line_start &&
               !(c->dot_done && piece.len == 1);

    c->at = dot ? end - 1 : end;
    c->dot_done = dot;
}

static void end_body(struct sgl_smtp_client *c)
{
    c->body_ended = true;
    c->state = CL_COMMIT;
    c->progress = true;
    sgl_smtp_client_add_event(c, SGL_SMTP_CLIENT_COMMIT);
}

static bool last_line_open(const struct sgl_smtp_client *c)
{
    return c->body.len != 0 && !sgl_view_ends(c->body, SGL_LIT("\r\n"));
}

bool sgl_smtp_client_pull_body(struct sgl_smtp_client *c, struct sgl_smtp_out *out)
{
    struct sgl_buf *small = sgl_smtp_client_output(c);

    while (c->at < c->body.len) {
        sgl_view piece = next_piece(c);

        if (small->len == 0 && piece.len >= PIECE_MIN) {
            piece_taken(c, piece);
            *out = (struct sgl_smtp_out){piece, true};
            if (c->at == c->body.len && !last_line_open(c))
                end_body(c);
            return true;
        }
        if (small->len != 0 && small->len + piece.len > COPY_MAX)
            break;
        sgl_buf_add(small, piece);
        piece_taken(c, piece);
    }
    if (c->at == c->body.len) {
        if (last_line_open(c)) /* the dot needs a line of its own */
            sgl_buf_add(small, SGL_LIT("\r\n"));
        end_body(c);
    }
    if (small->status != SGL_OK) {
        sgl_smtp_client_over(c, SGL_SMTP_END_NOMEM, "out of memory", NULL);
        return false;
    }
    c->pulled = true;
    *out = (struct sgl_smtp_out){sgl_buf_view(small), false};
    return small->len != 0;
}

enum sgl_status sgl_smtp_client_commit(struct sgl_smtp_client *c)
{
    if (c->state != CL_COMMIT)
        return SGL_E_MISUSE;
    sgl_buf_add(sgl_smtp_client_output(c), SGL_LIT(".\r\n"));
    c->state = CL_DOT;
    c->progress = true;
    if (c->out.status != SGL_OK)
        sgl_smtp_client_over(c, SGL_SMTP_END_NOMEM, "out of memory", NULL);
    return SGL_OK;
}

void sgl_smtp_client_abandon(struct sgl_smtp_client *c)
{
    sgl_smtp_client_over(c, SGL_SMTP_END_LOST, "given up before the end of the message", NULL);
}
