/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail that is carried on: one message of the store for each subscription, and one for each recipient that somebody else composes; all of them become durable in one
 * transaction, or none.
 */
#include <stdlib.h>
#include <string.h>

#include "reception_internal.h"
#include "sigillo/mailbox.h"
#include "sigillo/message_id.h"

#define SUBJECT_MAX 200
#define DETAIL_MAX  ((size_t)4096)

struct carried {
    struct store_accept accept; /* first */
    struct carried *next;
    struct run *run;
    struct store_message message;
    struct body *body;
    size_t room_bytes; /* taken with queue_room(), when it is claimed */
};

void carry_free(struct run *run)
{
    for (struct carried *c = run->first, *next; c != NULL; c = next) {
        next = c->next;
        if (c->accept.claim)
            queue_unreserve(run->r->queue, c->message.rcpts, c->room_bytes);
        body_unref(c->body);
        free(c);
    }
    run->first = NULL;
}

static void fail(struct run *run)
{
    told_memory(&run->answer);
    run_end(run);
}

/* ---- a message ---- */

static bool has_eightbit(sgl_view raw)
{
    for (size_t i = 0; i < raw.len; i++)
        if (raw.ptr[i] >= 0x80)
            return true;
    return false;
}

static sgl_view author_of(struct run *run)
{
    const struct sgl_header *from = sgl_headers_first(run->headers, SGL_LIT("From"));
    struct sgl_address_list list;

    if (from == NULL ||
        sgl_address_list_parse_received(from->value, &run->arena, &list, NULL) != SGL_OK ||
        list.count == 0)
        return SGL_LIT("");
    return list.item[0].mailbox.text;
}

static sgl_view subject_of(struct run *run)
{
    const struct sgl_header *subject = sgl_headers_first(run->headers, SGL_LIT("Subject"));
    sgl_view text;

    if (subject == NULL || sgl_header_unfold(subject->value, &run->arena, &text) != SGL_OK)
        return SGL_LIT("");
    return sgl_view_sub(text, 0, SUBJECT_MAX);
}

static sgl_view message_id_of(struct run *run)
{
    const struct sgl_header *id = sgl_headers_first(run->headers, SGL_LIT("Message-ID"));
    sgl_view text;

    return id != NULL && sgl_message_id_parse(id->value, &text, NULL) == SGL_OK ? text
                                                                                : SGL_LIT("");
}

/* What all messages that are made of this one have in common; whoever forwards changes what he has to. */
static void describe(struct run *run, const char *subscription, struct store_message *out)
{
    const struct reception_mail *m = run->m;

    *out = (struct store_message){
        .id = run->first == NULL ? m->id : id_new(),
        .subscription = sgl_view_cstr(subscription),
        .identity = SGL_LIT("inbound"),
        .env_from = m->env_from,
        .env_id = m->env_id,
        .ret = m->ret,
        .eightbit = has_eightbit(m->raw),
        .smtputf8 = m->smtputf8,
        .require_tls = m->require_tls,
        .accepted_at = run->at_ms,
        .expires_at = run->at_ms / 1000 + run->rules->config->queue.expire_s,
        .message_id = message_id_of(run),
        .header_from = author_of(run),
        .subject = subject_of(run),
        .door = SGL_LIT("inbound"),
        .peer = m->peer,
    };
}

static struct body *make_body(const struct run *run)
{
    sgl_view part[] = {sgl_buf_view(&run->fields), sgl_buf_view(&run->header), SGL_LIT("\r\n"),
                       run->body};
    size_t len = 0, parts = sizeof(part) / sizeof(part[0]);
    struct body *body;

    for (size_t i = 0; i < parts; i++)
        len += part[i].len; /* of what is in memory already */
    body = body_new(len);
    if (body == NULL)
        return NULL;
    len = 0;
    for (size_t i = 0; i < parts; i++) {
        if (part[i].len > 0)
            memcpy(body->bytes + len, part[i].ptr, part[i].len);
        len += part[i].len;
    }
    body->header_len = len - run->body.len;
    return body;
}

static struct carried *add(struct run *run)
{
    struct carried *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->run = run;
    *run->tail = c;
    run->tail = &c->next;
    return c;
}

/* ---- by the routes' targets ---- */

/* "=r_...": a destination that is no domain. */
static bool route_destination(struct run *run, const struct arrival_route *route, sgl_view *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(256);

    sgl_buf_addf(&text, "=%s", route->owned.key);
    return text.status == SGL_OK && sgl_arena_dup(&run->arena, sgl_buf_view(&text), out) == SGL_OK;
}

/* To the junk's address where there is one; else it is marked. */
static sgl_view deliver_to(const struct run *run, const struct reception_to *to)
{
    if (run->decision.action == JUDGED_QUARANTINE && to->route->junk != NULL)
        return sgl_view_cstr(to->route->junk);
    return to->address;
}

static bool is_there(const struct store_message *m, const struct store_rcpt *r)
{
    for (size_t i = 0; i < m->rcpts; i++)
        if (sgl_view_eq(m->rcpt[i].address, r->address) &&
            sgl_view_eq(m->rcpt[i].domain, r->domain))
            return true;
    return false;
}

static bool add_rcpt(struct run *run, const struct reception_to *to, struct store_message *m)
{
    struct store_rcpt r = {.address = deliver_to(run, to),
                           .orcpt = to->orcpt,
                           .notify = run->authenticated ? to->notify : RCPT_NOTIFY_NEVER};

    if (!route_destination(run, to->route, &r.domain))
        return false;
    if (!is_there(m, &r))
        m->rcpt[m->rcpts++] = r;
    return true;
}

static bool is_plain(const struct reception_to *to)
{
    return route_is_carried(to->action) && to->action != ROUTE_FORWARD && to->route != NULL;
}

static bool is_first_of(const struct reception_mail *m, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (is_plain(&m->to[i]) && strcmp(m->to[i].subscription, m->to[at].subscription) == 0)
            return false;
    return is_plain(&m->to[at]);
}

static bool make_one(struct run *run, const char *subscription, struct body *body)
{
    const struct reception_mail *m = run->m;
    struct carried *c;
    struct store_message message;

    describe(run, subscription, &message);
    message.rcpt = SGL_NEW_N(&run->arena, m->tos, struct store_rcpt);
    for (size_t i = 0; message.rcpt != NULL && i < m->tos; i++)
        if (is_plain(&m->to[i]) && strcmp(m->to[i].subscription, subscription) == 0 &&
            !add_rcpt(run, &m->to[i], &message))
            return false;
    message.size = body->len;
    c = message.rcpt == NULL ? NULL : add(run);
    if (c == NULL)
        return false;
    c->message = message;
    c->body = body_ref(body);
    return true;
}

static bool make_plain(struct run *run)
{
    struct body *body = NULL;
    bool made = true;

    for (size_t i = 0; made && i < run->m->tos; i++) {
        if (!is_first_of(run->m, i))
            continue;
        if (body == NULL)
            body = make_body(run);
        made = body != NULL && make_one(run, run->m->to[i].subscription, body);
    }
    body_unref(body);
    return made;
}

/* ---- durable ---- */

static void claim(struct run *run, struct carried *c)
{
    if (!queue_room(run->r->queue, c->message.rcpts, c->body->len))
        return;
    c->room_bytes = c->body->len;
    c->accept.claim = true;
    c->accept.lease_until = (uint64_t)(run->at_ms / 1000) + run->r->lease_s;
}

/* The room is the queue's now, or given back with the rest: then the lease ends, and the store hands the message out again. */
static void hand_over(struct run *run, struct carried *c)
{
    struct store_message *copy = store_message_dup(&c->message);

    if (copy == NULL)
        return;
    c->accept.claim = false;
    queue_offer(run->r->queue, copy, body_ref(c->body));
}

static void stored(struct store_op *op)
{
    struct carried *first = (struct carried *)(void *)op;
    struct run *run = first->run;
    bool nudge = false;

    if (op->result != STORE_OK) {
        told_store(&run->answer, op->result);
        run_end(run);
        return;
    }
    for (struct carried *c = first; c != NULL; c = c->next) {
        nudge = nudge || !c->accept.claim;
        if (c->accept.claim)
            hand_over(run, c);
    }
    if (nudge)
        queue_nudge(run->r->queue);
    told_about(&run->answer, 250, "2.0.0", "accepted as %s", sgl_view_cstr(run->id));
    run_end(run);
}

static bool prepare(struct run *run)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(DETAIL_MAX);
    struct store_event *event = SGL_NEW(&run->arena, struct store_event);

    told_detail(run, &text);
    if (event == NULL || text.status != SGL_OK ||
        sgl_arena_dup(&run->arena, sgl_buf_view(&text), &event->detail) != SGL_OK)
        return false;
    event->at_ms = run->at_ms;
    event->kind = SGL_LIT("judged");
    for (struct carried *c = run->first; c != NULL; c = c->next) {
        c->accept = (struct store_accept){.op = {.kind = STORE_ACCEPT, .loop = run->m->loop},
                                          .with = c->next == NULL ? NULL : &c->next->accept,
                                          .message = &c->message,
                                          .body = c->body,
                                          .event = event,
                                          .events = 1};
        claim(run, c);
    }
    return true;
}

static void commit(struct run *run)
{
    if (run->first == NULL) {
        told_about(&run->answer, 250, "2.0.0", "taken as %s", sgl_view_cstr(run->id));
        run_end(run);
        return;
    }
    if (!prepare(run)) {
        fail(run);
        return;
    }
    run->first->accept.op.done = stored;
    store_submit(run->r->store, &run->first->accept.op);
}

/* ---- by whoever forwards ---- */

static void forward_rest(struct run *run);

static void forwarded(struct reception_forward *f, enum arrival_result result, const char *why)
{
    struct run *run = (struct run *)(void *)((char *)f - offsetof(struct run, forward));
    struct carried *c;

    run->answered = true;
    if (result == ARRIVAL_DONE) {
        c = add(run);
        if (c == NULL) {
            body_unref(f->made);
            told_memory(&run->answer);
        } else {
            c->message = *f->message;
            c->body = f->made;
        }
        run->over = c == NULL;
    } else {
        told_about(&run->answer, result == ARRIVAL_LATER ? 451 : 550,
                   result == ARRIVAL_LATER ? "4.3.0" : "5.7.1", "%s",
                   sgl_view_cstr(why != NULL ? why : "this cannot be forwarded"));
        run->over = true;
    }
    if (!run->calling)
        forward_rest(run);
}

static bool describe_forward(struct run *run, const struct reception_to *to)
{
    struct reception_forward *f = &run->forward;
    const struct reception_mail *m = run->m;
    sgl_auto(sgl_buf) results = SGL_BUF_INIT((size_t)64 << 10);

    *f = (struct reception_forward){.arrival = {.subscription = to->subscription,
                                                .route = to->route,
                                                .rcpt = to->address,
                                                .env_from = m->env_from,
                                                .ip = m->ip,
                                                .helo = m->helo,
                                                .raw = m->raw,
                                                .headers = run->headers,
                                                .verdict = run->verdict,
                                                .decision = &run->decision,
                                                .at_ms = run->at_ms,
                                                .loop = m->loop},
                                    .fields = sgl_buf_view(&run->fields),
                                    .header = sgl_buf_view(&run->header),
                                    .body = run->body,
                                    .authserv_id = run->rules->authserv_id,
                                    .authenticated = run->authenticated,
                                    .arena = &run->arena,
                                    .done = forwarded};
    f->message = SGL_NEW(&run->arena, struct store_message);
    if (f->message == NULL || sgl_authres_put_results(&run->verdict->results, &results) != SGL_OK ||
        sgl_arena_dup(&run->arena, sgl_buf_view(&results), &f->results) != SGL_OK)
        return false;
    describe(run, to->subscription, f->message);
    return true;
}

/* false: it will go on by itself. */
static bool forward_one(struct run *run, const struct reception_to *to)
{
    run->answered = true;
    if (run->r->forward == NULL) {
        told_set(&run->answer, 451, "4.3.0", "nothing here forwards mail yet");
        run->over = true;
        return true;
    }
    if (!describe_forward(run, to)) {
        told_memory(&run->answer);
        run->over = true;
        return true;
    }
    run->answered = false;
    run->calling = true;
    run->r->forward(run->r->forward_ctx, &run->forward);
    run->calling = false;
    return run->answered;
}

static void forward_rest(struct run *run)
{
    while (!run->over && run->next < run->m->tos) {
        const struct reception_to *to = &run->m->to[run->next++];

        if (to->action == ROUTE_FORWARD && !forward_one(run, to))
            return;
    }
    if (run->over)
        run_end(run);
    else
        commit(run);
}

void carry_all(struct run *run)
{
    if (!make_plain(run)) {
        fail(run);
        return;
    }
    run->next = 0;
    forward_rest(run);
}
