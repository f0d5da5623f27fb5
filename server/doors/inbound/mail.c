/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message on its way in: envelope and bytes are gathered here, and handed to reception as one.  All memory of it goes with the transaction, as soon as reception has
 * answered or the client gave up.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../log/log.h"
#include "internal.h"
#include "sigillo/limits.h"

enum { ARENA_BASE = 64 * 1024, ARENA_PER_RCPT = 2048, RESERVE_MAX = 64 * 1024 };

struct arriving {
    struct inbound_session *s;
    struct sgl_arena arena;
    struct sgl_buf raw;
    struct reception_to *to; /* as many as a message may have */
    size_t tos, max;
    struct reception_ask ask;
    struct reception_mail mail;
    bool asking, taken; /* reception has a question, or the message */
    bool no_room;       /* bytes were thrown away: the answer will be 452 */
    char ip[SMTP_PEER_SIZE], peer[SMTP_PEER_SIZE + 8], tls[96];
};

static struct inbound_session *of(struct smtp_session *s)
{
    return (struct inbound_session *)(void *)s;
}

bool inbound_pending(const struct smtp_session *base)
{
    const struct inbound_session *s = (const struct inbound_session *)(const void *)base;

    return s->mail != NULL && (s->mail->asking || s->mail->taken);
}

static void forget_bytes(struct arriving *a)
{
    atomic_fetch_sub(&a->s->door->collecting, a->raw.len);
    sgl_buf_done(&a->raw);
}

void inbound_mail_free(struct inbound_session *s)
{
    struct arriving *a = s->mail;

    if (a == NULL)
        return;
    forget_bytes(a);
    for (size_t i = 0; a->to != NULL && i <= a->tos && i < a->max; i++)
        reception_to_done(&a->to[i]);
    free(a->to);
    sgl_arena_done(&a->arena);
    free(a);
    s->mail = NULL;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static bool take_rate(struct inbound_session *s, enum rate what, unsigned max)
{
    if (rates_take(s->door->rates, &s->smtp.ip, what, inbound_share(s, max), clock_mono_ms()))
        return true;
    atomic_fetch_add(&s->door->limited, 1);
    return false;
}

static void answer(struct inbound_session *s, uint16_t code, const char *enhanced, const char *text)
{
    if (code >= 500)
        (void)rates_take(s->door->rates, &s->smtp.ip, RATE_ERRORS,
                         inbound_config(s)->inbound.errors_per_minute, clock_mono_ms());
    smtp_session_answer(&s->smtp, code, enhanced, text);
}

static void no_memory(struct inbound_session *s)
{
    answer(s, 452, "4.3.1", "no memory for this message now");
}

static bool has_room(struct inbound_session *s, uint64_t more, struct reception_answer *out)
{
    size_t collecting = atomic_load(&s->door->collecting);

    if (!reception_has_room(s->door->reception, more, out))
        return false;
    if (more <= SIZE_MAX - collecting && collecting + more <= inbound_config(s)->limits.memory)
        return true;
    *out = (struct reception_answer){
        .code = 452, .enhanced = "4.3.1", .text = "no memory for this message now"};
    return false;
}

/* ---- MAIL -------------------------------------------------------------------------------------------------------- */

/* xtext off, into the arena. The parser has proven that it decodes. */
static bool keep_xtext(struct arriving *a, sgl_view v, sgl_view *out)
{
    sgl_auto(sgl_buf) plain = SGL_BUF_INIT(SGL_LIMIT_SMTP_LINE);

    return v.len == 0 || (sgl_smtp_xtext_decode(v, &plain) == SGL_OK &&
                          sgl_arena_dup(&a->arena, sgl_buf_view(&plain), out) == SGL_OK);
}

static struct arriving *make(struct inbound_session *s)
{
    struct arriving *a = calloc(1, sizeof *a);
    const struct config *c = inbound_config(s);

    if (a == NULL)
        return NULL;
    a->s = s;
    a->max = c->inbound.recipients;
    sgl_arena_init(&a->arena, ARENA_BASE + a->max * ARENA_PER_RCPT);
    sgl_buf_init(&a->raw, c->limits.message_size);
    s->mail = a;
    a->to = calloc(a->max, sizeof *a->to);
    return a;
}

/* A name may be lost while a session lasts.  false: answered. */
static bool is_welcome_still(struct inbound_session *s)
{
    enum reputation_advice advice = inbound_advice(s->door, &s->smtp.ip);

    s->slow = advice == REPUTATION_SLOW;
    if (advice != REPUTATION_DEFER && advice != REPUTATION_REFUSE)
        return true;
    answer(s, 421, "4.7.1", "your address has got a bad name here; try again later");
    return false;
}

/* Bounces of what others forged come in floods.  false: answered. */
static bool may_mail(struct inbound_session *s, bool null_sender)
{
    const struct config *c = inbound_config(s);

    if (!is_welcome_still(s))
        return false;
    if (!take_rate(s, RATE_MESSAGES, c->inbound.messages_per_minute)) {
        answer(s, 451, "4.7.1", "too many messages from your address; slow down");
        return false;
    }
    if (!null_sender)
        return true;
    if (!take_rate(s, RATE_NULL, c->inbound.null_per_minute)) {
        answer(s, 451, "4.7.1", "too many messages without a sender from your address; slow down");
        return false;
    }
    if (!rates_take_all(s->door->rates, RATE_NULL, c->inbound.null_per_minute_all,
                        clock_mono_ms())) {
        atomic_fetch_add(&s->door->limited, 1);
        answer(s, 451, "4.7.1", "too many messages without a sender; try again later");
        return false;
    }
    return true;
}

static void on_mail(struct inbound_session *s, const struct sgl_smtp_mail *m)
{
    bool null_sender = m->from.kind == SGL_PATH_NULL;
    sgl_view from = null_sender ? SGL_LIT("") : m->from.mailbox.text;
    struct reception_answer no;
    struct arriving *a;

    if (!may_mail(s, null_sender))
        return;
    if (!has_room(s, m->size, &no)) {
        answer(s, no.code, no.enhanced, no.text);
        return;
    }
    inbound_mail_free(s);
    a = make(s);
    if (a == NULL || a->to == NULL || sgl_arena_dup(&a->arena, from, &a->mail.env_from) != SGL_OK ||
        !keep_xtext(a, m->envid, &a->mail.env_id)) {
        inbound_mail_free(s);
        no_memory(s);
        return;
    }
    a->mail.ret = m->ret;
    a->mail.require_tls = m->require_tls;
    a->mail.smtputf8 = m->smtputf8;
    answer(s, 250, "2.1.0", "sender ok");
}

/* ---- RCPT -------------------------------------------------------------------------------------------------------- */

/* The postmaster without a domain is the host's.  [RFC 5321 s4.5.1] */
static bool keep_address(struct arriving *a, const struct sgl_path *to, sgl_view *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(512);

    if (to->kind != SGL_PATH_POSTMASTER)
        return sgl_arena_dup(&a->arena, to->mailbox.text, out) == SGL_OK;
    sgl_buf_addf(&text, "postmaster@%s", inbound_config(a->s)->hostname);
    return text.status == SGL_OK && sgl_arena_dup(&a->arena, sgl_buf_view(&text), out) == SGL_OK;
}

/* "rfc822;a+2Bb@x" becomes "rfc822;a+b@x"; an address of type utf-8 has escapes of its own and stays. */
static bool keep_orcpt(struct arriving *a, sgl_view v, sgl_view *out)
{
    if (sgl_view_starts_nocase(v, SGL_LIT("utf-8;")))
        return sgl_arena_dup(&a->arena, v, out) == SGL_OK;
    return keep_xtext(a, v, out);
}

static bool is_named_already(const struct arriving *a, const struct reception_to *to)
{
    for (size_t i = 0; i < a->tos; i++)
        if (sgl_view_eq(a->to[i].address, to->address))
            return true;
    return false;
}

static void refuse_unknown(struct arriving *a, const struct reception_answer *said)
{
    struct inbound_session *s = a->s;
    const struct config *c = inbound_config(s);

    atomic_fetch_add(&s->door->unknown, 1);
    (void)rates_take(s->door->rates, &s->smtp.ip, RATE_UNKNOWN, c->inbound.unknown_per_minute,
                     clock_mono_ms());
    if (s->door->reputation != NULL && a->mail.env_from.len > 0)
        reputation_note(s->door->reputation, &s->smtp.ip, SGL_LIT(""), REPUTATION_UNKNOWN_RCPT,
                        clock_now_s());
    if (c->inbound.unknown_per_session > 0 && ++s->unknown > c->inbound.unknown_per_session)
        answer(s, 421, "4.7.0", "too many recipients that nobody knows");
    else
        answer(s, said->code, said->enhanced, said->text);
}

/* What reception says of the place behind the recipients there are. */
static void settle_rcpt(struct arriving *a, const struct reception_answer *said)
{
    struct reception_to *to = &a->to[a->tos];

    if (said->code != 250) {
        reception_to_done(to);
        if (said->code >= 500)
            refuse_unknown(a, said);
        else
            answer(a->s, said->code, said->enhanced, said->text);
    } else if (is_named_already(a, to)) {
        reception_to_done(to);
        answer(a->s, 250, "2.1.5", "recipient ok");
    } else if (a->tos > 0 && to->mode != a->to[0].mode) { /* one answer cannot be two */
        reception_to_done(to);
        answer(a->s, 452, "4.5.3", "its domain judges mail in another way: send it by itself");
    } else {
        a->tos++;
        answer(a->s, 250, "2.1.5", "recipient ok");
    }
}

static void on_asked(struct reception_ask *ask, const struct reception_answer *said)
{
    struct arriving *a = ask->ctx;
    struct inbound_session *s = a->s;
    struct reception_answer answer_ = *said;

    a->asking = false;
    if (s->smtp.stream == NULL) {
        smtp_session_go_on(&s->smtp);
        return;
    }
    settle_rcpt(a, &answer_);
    smtp_session_go_on(&s->smtp);
}

static bool may_rcpt(struct inbound_session *s)
{
    const struct arriving *a = s->mail;

    if (!take_rate(s, RATE_RECIPIENTS, inbound_config(s)->inbound.recipients_per_minute)) {
        answer(s, 451, "4.7.1", "too many recipients from your address; slow down");
        return false;
    }
    if (a->mail.env_from.len == 0 && a->tos > 0) { /* a report is about one thing */
        answer(s, 452, "4.5.3", "one recipient is enough for a message without a sender");
        return false;
    }
    if (a->tos == a->max) {
        answer(s, 452, "4.5.3", "too many recipients");
        return false;
    }
    return true;
}

static void on_rcpt(struct inbound_session *s, const struct sgl_smtp_rcpt *r)
{
    struct arriving *a = s->mail;
    struct reception_to *to;

    if (!may_rcpt(s))
        return;
    to = &a->to[a->tos];
    *to = (struct reception_to){.notify = r->notify};
    if (!keep_address(a, &r->to, &to->address) || !keep_orcpt(a, r->orcpt, &to->orcpt)) {
        no_memory(s);
        return;
    }
    a->ask = (struct reception_ask){.to = to,
                                    .env_from = a->mail.env_from,
                                    .loop = s->smtp.on->loop,
                                    .done = on_asked,
                                    .ctx = a};
    a->asking = true;
    reception_ask(s->door->reception, &a->ask);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static void on_body(struct inbound_session *s, uint64_t announced)
{
    struct arriving *a = s->mail;
    struct reception_answer no;
    size_t reserve = announced < RESERVE_MAX ? (size_t)announced : RESERVE_MAX;

    if (!has_room(s, announced, &no)) {
        answer(s, no.code, no.enhanced, no.text);
        return;
    }
    if (sgl_buf_reserve(&a->raw, reserve) != SGL_OK) {
        no_memory(s);
        return;
    }
    answer(s, 354, "", "go ahead, and end with a dot on a line of its own");
}

/* Short of memory the bytes are dropped, but the message is still read to its end. */
static void on_chunk(struct inbound_session *s, sgl_view bytes)
{
    struct arriving *a = s->mail;
    struct reception_answer no;

    atomic_fetch_add(&s->door->bytes_in, bytes.len);
    if (a->no_room)
        return;
    if (bytes.len > a->raw.cap - a->raw.len && !has_room(s, bytes.len, &no)) {
        a->no_room = true;
    } else {
        sgl_buf_add(&a->raw, bytes);
        a->no_room = a->raw.status != SGL_OK;
        if (!a->no_room)
            atomic_fetch_add(&s->door->collecting, bytes.len);
    }
    if (a->no_room)
        forget_bytes(a);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void count(struct inbound_door *d, uint16_t code)
{
    atomic_fetch_add(code < 400 ? &d->accepted : code < 500 ? &d->deferred : &d->declined, 1);
}

static void on_taken(struct reception_mail *mail, const struct reception_answer *said)
{
    struct arriving *a =
        (struct arriving *)(void *)((char *)mail - offsetof(struct arriving, mail));
    struct inbound_session *s = a->s;
    struct reception_answer answer_ = *said;

    a->taken = false;
    count(s->door, answer_.code);
    if (s->smtp.stream == NULL && answer_.code < 400)
        log_line(LOG_INFO_, "accepted, but the client had left", LOG_ID(mail->id),
                 LOG_VIEW("peer", mail->peer));
    inbound_mail_free(s);
    if (s->smtp.stream != NULL)
        answer(s, answer_.code, answer_.enhanced, answer_.text);
    smtp_session_go_on(&s->smtp);
}

static void describe_client(struct inbound_session *s, struct arriving *a)
{
    struct reception_mail *m = &a->mail;

    m->ip = s->smtp.ip;
    m->helo = sgl_view_cstr(s->smtp.hello != NULL ? s->smtp.hello : "");
    m->peer = sgl_ip_text(&s->smtp.ip, a->ip);
    snprintf(a->peer, sizeof a->peer, "[%s%s]", s->smtp.ip.version == 6 ? "IPv6:" : "", a->ip);
    m->peer_text = sgl_view_cstr(a->peer);
    m->protocol = smtp_session_protocol(&s->smtp, m->smtputf8);
    m->tls_text = smtp_session_tls_text(&s->smtp, a->tls, sizeof a->tls);
}

static void on_message(struct inbound_session *s)
{
    struct arriving *a = s->mail;

    if (a->no_room) {
        inbound_mail_free(s);
        count(s->door, 452);
        no_memory(s);
        return;
    }
    describe_client(s, a);
    a->mail.to = a->to;
    a->mail.tos = a->tos;
    a->mail.raw = sgl_buf_view(&a->raw);
    a->mail.loop = s->smtp.on->loop;
    a->mail.done = on_taken;
    a->taken = true;
    if (reception_take(s->door->reception, &a->mail))
        return;
    a->taken = false;
    inbound_mail_free(s);
    count(s->door, 452);
    no_memory(s);
}

void inbound_event(struct smtp_session *base, const struct sgl_smtp_server_event *e)
{
    struct inbound_session *s = of(base);

    if (e->kind == SGL_SMTP_SERVER_MAIL)
        on_mail(s, &e->mail);
    else if (e->kind == SGL_SMTP_SERVER_RESET)
        inbound_mail_free(s);
    else if (s->mail == NULL) /* only when the engine and we disagree */
        answer(s, 451, "4.3.0", "internal error");
    else if (e->kind == SGL_SMTP_SERVER_RCPT)
        on_rcpt(s, &e->rcpt);
    else if (e->kind == SGL_SMTP_SERVER_BODY)
        on_body(s, e->size);
    else if (e->kind == SGL_SMTP_SERVER_CHUNK)
        on_chunk(s, e->data);
    else if (e->kind == SGL_SMTP_SERVER_MESSAGE)
        on_message(s);
}
