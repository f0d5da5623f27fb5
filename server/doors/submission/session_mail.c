/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message on its way in: envelope and bytes are gathered here, and handed to admission as one submission.  All memory of it goes with the transaction, as soon as
 * admission has answered or the client gave up.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../log/log.h"
#include "internal.h"

enum { ARENA_BASE = 256 * 1024, ARENA_PER_RCPT = 1536, FIRST_RCPTS = 4, RESERVE_MAX = 64 * 1024 };

struct transaction {
    struct session *s;
    struct sgl_arena arena;
    struct sgl_buf raw;
    struct store_rcpt *rcpt;
    size_t rcpts, rcpts_cap;
    struct submission submission;
    struct admission_draft draft;
    bool in_admission;
    bool no_room; /* bytes were thrown away: the answer will be 452 */
    bool eightbit;
    char ip[SMTP_PEER_SIZE], peer[SMTP_PEER_SIZE + 8], tls[96];
};

_Static_assert((int)SGL_SMTP_NOTIFY_NEVER == (int)RCPT_NOTIFY_NEVER &&
                   (int)SGL_SMTP_NOTIFY_SUCCESS == (int)RCPT_NOTIFY_SUCCESS &&
                   (int)SGL_SMTP_NOTIFY_FAILURE == (int)RCPT_NOTIFY_FAILURE &&
                   (int)SGL_SMTP_NOTIFY_DELAY == (int)RCPT_NOTIFY_DELAY,
               "the same bits");

bool mail_pending(const struct session *s)
{
    return s->mail != NULL && s->mail->in_admission;
}

static void forget_bytes(struct transaction *t)
{
    atomic_fetch_sub(&t->s->door->collecting, t->raw.len);
    sgl_buf_done(&t->raw);
}

void mail_free(struct session *s)
{
    struct transaction *t = s->mail;

    if (t == NULL)
        return;
    forget_bytes(t);
    free(t->rcpt);
    sgl_arena_done(&t->arena);
    identity_unref(t->submission.who);
    free(t);
    s->mail = NULL;
}

static void answer_as(struct session *s, const struct admission_answer *a)
{
    session_answer(s, a->smtp, a->enhanced, a->text);
}

static void no_memory(struct session *s)
{
    session_answer(s, 452, "4.3.1", "no memory for this message now");
}

/* ---- envelope ---------------------------------------------------------------------------------------------------- */

static bool has_room(struct session *s, uint64_t more, struct admission_answer *answer)
{
    size_t collecting = atomic_load(&s->door->collecting);

    if (more > SIZE_MAX - collecting)
        more = SIZE_MAX - collecting;
    if (!admission_has_room(s->door->admission, (size_t)more, answer))
        return false;
    if (collecting + more <= session_config(s)->limits.memory)
        return true;
    *answer = (struct admission_answer){
        .smtp = 452, .enhanced = "4.3.1", .text = "no memory for this message now"};
    return false;
}

/* xtext off, into the arena. The parser has proven that it decodes. */
static bool keep_xtext(struct transaction *t, sgl_view v, sgl_view *out)
{
    sgl_auto(sgl_buf) plain = SGL_BUF_INIT(SGL_LIMIT_SMTP_LINE);

    return v.len == 0 || (sgl_smtp_xtext_decode(v, &plain) == SGL_OK &&
                          sgl_arena_dup(&t->arena, sgl_buf_view(&plain), out) == SGL_OK);
}

static struct transaction *make(struct session *s)
{
    struct transaction *t = calloc(1, sizeof *t);
    const struct config *c = session_config(s);

    if (t == NULL)
        return NULL;
    t->s = s;
    sgl_arena_init(&t->arena,
                   ARENA_BASE + c->limits.recipients * ARENA_PER_RCPT + 2 * SGL_LIMIT_HEADER_SIZE);
    sgl_buf_init(&t->raw, c->limits.message_size);
    s->mail = t;
    return t;
}

static void on_mail(struct session *s, const struct sgl_smtp_mail *m)
{
    sgl_view from = m->from.kind == SGL_PATH_NULL ? SGL_LIT("") : m->from.mailbox.text;
    struct admission_answer answer;
    struct admission_draft draft;
    struct transaction *t;

    if (!admission_may_send_as(s->door->admission, s->who, from, &answer) ||
        !has_room(s, m->size, &answer) ||
        !admission_begin(s->door->admission, s->who, from, m->size, &draft, &answer)) {
        answer_as(s, &answer);
        return;
    }
    mail_free(s);
    t = make(s);
    if (t == NULL || sgl_arena_dup(&t->arena, from, &t->submission.message.env_from) != SGL_OK ||
        !keep_xtext(t, m->envid, &t->submission.message.env_id)) {
        mail_free(s);
        no_memory(s);
        return;
    }
    t->draft = draft;
    t->submission.message.ret = m->ret;
    t->submission.message.require_tls = m->require_tls;
    if (m->xtls != 0)
        t->submission.message.tls = m->xtls == 'V' ? MESSAGE_TLS_VERIFIED : MESSAGE_TLS_OPTIONAL;
    t->submission.message.smtputf8 = m->smtputf8;
    t->submission.message.eightbit = m->body_8bit;
    session_answer(s, 250, "2.1.0", "sender ok");
}

static struct store_rcpt *next_rcpt(struct transaction *t)
{
    if (t->rcpts == t->rcpts_cap) {
        size_t cap = t->rcpts_cap == 0 ? FIRST_RCPTS : 2 * t->rcpts_cap;
        struct store_rcpt *more = reallocarray(t->rcpt, cap, sizeof *more);

        if (more == NULL)
            return NULL;
        t->rcpt = more;
        t->rcpts_cap = cap;
    }
    t->rcpt[t->rcpts] = (struct store_rcpt){0};
    return &t->rcpt[t->rcpts];
}

/* "rfc822;a+2Bb@x" becomes "rfc822;a+b@x"; an address of type utf-8 has escapes of its own and stays. */
static bool keep_orcpt(struct transaction *t, sgl_view v, sgl_view *out)
{
    if (sgl_view_starts_nocase(v, SGL_LIT("utf-8;")))
        return sgl_arena_dup(&t->arena, v, out) == SGL_OK;
    return keep_xtext(t, v, out);
}

/* The postmaster without a domain is ours.  [RFC 5321 s4.5.1] */
static bool keep_address(struct session *s, const struct sgl_path *to, sgl_view *out)
{
    struct transaction *t = s->mail;
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(512);

    if (to->kind != SGL_PATH_POSTMASTER)
        return sgl_arena_dup(&t->arena, to->mailbox.text, out) == SGL_OK;
    sgl_buf_addf(&text, "postmaster@%s", session_config(s)->hostname);
    return text.status == SGL_OK && sgl_arena_dup(&t->arena, sgl_buf_view(&text), out) == SGL_OK;
}

static void on_rcpt(struct session *s, const struct sgl_smtp_rcpt *r)
{
    struct transaction *t = s->mail;
    struct store_rcpt *to = next_rcpt(t);
    struct admission_answer answer;

    if (to == NULL || !keep_address(s, &r->to, &to->address) ||
        !keep_orcpt(t, r->orcpt, &to->orcpt)) {
        session_answer(s, 452, "4.3.1", "no memory for this recipient");
        return;
    }
    if (!admission_may_send_to(s->door->admission, s->who, to->address, &answer) ||
        !admission_add(s->door->admission, s->who, to->address, &t->draft, &answer)) {
        answer_as(s, &answer);
        return;
    }
    to->notify = r->notify;
    t->rcpts++;
    session_answer(s, 250, "2.1.5", "recipient ok");
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static void on_body(struct session *s, uint64_t announced)
{
    struct transaction *t = s->mail;
    struct admission_answer answer;
    size_t reserve = announced < RESERVE_MAX ? (size_t)announced : RESERVE_MAX;

    if (!has_room(s, announced, &answer)) {
        answer_as(s, &answer);
        return;
    }
    if (sgl_buf_reserve(&t->raw, reserve) != SGL_OK) {
        no_memory(s);
        return;
    }
    session_answer(s, 354, "", "go ahead, and end with a dot on a line of its own");
}

/* Short of memory the bytes are dropped, but the message is still read to its end. */
static void on_chunk(struct session *s, sgl_view bytes)
{
    struct transaction *t = s->mail;
    struct admission_answer answer;

    atomic_fetch_add(&s->door->bytes_in, bytes.len);
    if (t->no_room)
        return;
    if (bytes.len > t->raw.cap - t->raw.len && !has_room(s, bytes.len, &answer)) {
        t->no_room = true;
    } else {
        sgl_buf_add(&t->raw, bytes);
        t->no_room = t->raw.status != SGL_OK;
        if (!t->no_room)
            atomic_fetch_add(&s->door->collecting, bytes.len);
    }
    if (t->no_room)
        forget_bytes(t);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void count(struct submission_door *d, uint16_t code)
{
    if (code < 400)
        atomic_fetch_add(&d->accepted, 1);
    else if (code < 500)
        atomic_fetch_add(&d->deferred, 1);
    else
        atomic_fetch_add(&d->declined, 1);
}

static void on_admitted(struct submission *submission, const struct admission_answer *answer)
{
    struct transaction *t =
        (struct transaction *)(void *)((char *)submission -
                                       offsetof(struct transaction, submission));
    struct session *s = t->s;
    struct admission_answer said = *answer; /* it may live in what goes away now */
    uint64_t id = submission->message.id;

    t->in_admission = false;
    count(s->door, said.smtp);
    if (s->smtp.stream == NULL && said.smtp < 400)
        log_line(LOG_INFO_, "accepted, but the client had left", LOG_ID(id),
                 LOG_VIEW("peer", sgl_view_cstr(t->ip)));
    mail_free(s);
    if (s->smtp.stream != NULL)
        answer_as(s, &said);
    smtp_session_go_on(&s->smtp);
}

static void describe_client(struct session *s, struct transaction *t)
{
    struct submission *u = &t->submission;

    (void)session_peer(&s->smtp, t->ip);
    if (s->local)
        memcpy(t->peer, t->ip, sizeof t->ip);
    else
        snprintf(t->peer, sizeof t->peer, "[%s%s]", s->smtp.ip.version == 6 ? "IPv6:" : "", t->ip);
    u->peer_text = sgl_view_cstr(t->peer);
    u->helo = sgl_view_cstr(s->smtp.hello != NULL ? s->smtp.hello : "");
    u->protocol = smtp_session_protocol(&s->smtp, u->message.smtputf8);
    u->tls_text = smtp_session_tls_text(&s->smtp, t->tls, sizeof t->tls);
    u->message.door = SGL_LIT("submission");
    u->message.peer = sgl_view_cstr(t->ip);
}

static void on_message(struct session *s)
{
    struct transaction *t = s->mail;
    struct submission *u = &t->submission;

    if (t->no_room) {
        mail_free(s);
        count(s->door, 452);
        no_memory(s);
        return;
    }
    describe_client(s, t);
    u->who = identity_ref(s->who);
    u->message.rcpt = t->rcpt;
    u->message.rcpts = t->rcpts;
    u->message.size = t->raw.len;
    u->arena = &t->arena;
    u->raw = sgl_buf_view(&t->raw);
    u->loop = s->smtp.on->loop;
    u->done = on_admitted;
    t->in_admission = true;
    admission_submit(s->door->admission, u);
}

void mail_event(struct session *s, const struct sgl_smtp_server_event *e)
{
    if (e->kind == SGL_SMTP_SERVER_MAIL)
        on_mail(s, &e->mail);
    else if (e->kind == SGL_SMTP_SERVER_RESET)
        mail_free(s);
    else if (s->mail == NULL) /* only when the engine and we disagree */
        session_answer(s, 451, "4.3.0", "internal error");
    else if (e->kind == SGL_SMTP_SERVER_RCPT)
        on_rcpt(s, &e->rcpt);
    else if (e->kind == SGL_SMTP_SERVER_BODY)
        on_body(s, e->size);
    else if (e->kind == SGL_SMTP_SERVER_CHUNK)
        on_chunk(s, e->data);
    else if (e->kind == SGL_SMTP_SERVER_MESSAGE)
        on_message(s);
}
