/* SPDX-License-Identifier: Apache-2.0 */
/* Hard bounces become suppressions, when the configuration says for how long; and who is suppressed while mail for him waits gets it no more. */
#include <stdio.h>
#include <stdlib.h>

#include "../lists/list_fields.h"
#include "../log/log.h"
#include "service_internal.h"

struct bounce {
    struct directory_suppress op; /* first: cast from it */
    uint64_t message;
    char address[330];
    bool stops; /* it is suppressed, and not only noted */
};

static void suppressed(struct directory_suppress *s)
{
    const struct bounce *b = (const struct bounce *)(void *)s;

    if (s->result != DIRECTORY_OK)
        log_line(LOG_WARN_, b->stops ? "hard bounce not suppressed" : "refusal not noted",
                 LOG_ID(b->message), LOG_STR("address", b->address), LOG_STR("why", s->why));
    else if (s->fresh > 0 && b->stops)
        log_line(LOG_INFO_, "suppressed", LOG_ID(b->message), LOG_STR("address", b->address));
    free(s);
}

void service_configure_suppression(struct service *s, const struct config *c)
{
    atomic_store(&s->suppress_s, c->delivery.suppress_s);
    directory_suppress_exact(s->directory, c->suppress_exact);
}

static enum suppression_reason reason_of(enum delivery_bounce kind)
{
    switch (kind) {
    case BOUNCE_ADDRESS:
        return SUPPRESSION_HARD_BOUNCE;
    case BOUNCE_INVALID:
        return SUPPRESSION_INVALID;
    case BOUNCE_REFUSED:
        break;
    }
    return SUPPRESSION_BLOCKED;
}

/* What the server writes itself (bounces, reports), and what arrived: it says nothing of somebody who is written to, and nobody can leave it. */
static bool is_nobodys(const struct store_message *m)
{
    return sgl_view_eq(m->identity, SGL_LIT("system")) || sgl_view_eq(m->door, SGL_LIT("inbound"));
}

void service_bounced(void *service, const struct store_message *message,
                     const struct store_rcpt *rcpt, enum delivery_bounce kind, sgl_view status,
                     sgl_view reply)
{
    struct service *s = service;
    unsigned suppress_s = atomic_load(&s->suppress_s);
    struct suppression item = {
        .address = rcpt->address, .reason = reason_of(kind), .status = status, .reply = reply};
    struct bounce *b;

    if (suppress_s == 0 || message->env_from.len == 0 || is_nobodys(message))
        return;
    b = calloc(1, sizeof(*b));
    if (b == NULL)
        return; /* the next message to it bounces, and says it again */
    item.expires_at = clock_now_s() + (int64_t)suppress_s;
    b->message = message->id;
    snprintf(b->address, sizeof(b->address), "%.*s", SGL_FMT(rcpt->address));
    b->stops = suppression_reason_stops(item.reason);
    b->op.keep = true; /* who has unsubscribed is not forgotten when the bounce is over */
    b->op.subscription = message->subscription;
    b->op.item = &item;
    b->op.items = 1;
    b->op.loop = s->outgoing;
    b->op.done = suppressed;
    directory_suppress(s->directory, &b->op);
}

/* ---- mail that waits already ---- */

#define HEADERS_MAX (4u * 1024u * 1024u)

/* What the question says of a domain is of the list here. */
static bool has_left_list(struct service *s, struct suppression_question q, sgl_view body,
                          enum suppression_reason *reason)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(HEADERS_MAX);
    struct sgl_headers headers;

    return sgl_headers_parse(body, SGL_HEADERS_TOLERANT, &arena, &headers, NULL) == SGL_OK &&
           list_id_of(&headers, &arena, &q.domain) &&
           directory_unsubscribed(s->directory, &q, reason);
}

static sgl_view domain_in(sgl_view address)
{
    size_t at = address.len;

    while (at > 0 && address.ptr[at - 1] != '@')
        at--;
    return sgl_view_from(address, at);
}

/* To a mail store or a program of one's own. */
static bool is_arrival(const struct store_rcpt *rcpt)
{
    return rcpt->domain.len > 0 && rcpt->domain.ptr[0] == DELIVERY_ARRIVAL;
}

enum queue_stop_answer service_stops(void *service, const struct store_message *message,
                                     const struct store_rcpt *rcpt, sgl_view body,
                                     struct queue_stop_why *why)
{
    struct service *s = service;
    struct suppression_question q = {.subscription = message->subscription,
                                     .domain = domain_in(message->header_from),
                                     .address = rcpt->address,
                                     .now = clock_now_s(),
                                     .passed = message->bypass};
    enum suppression_reason reason;
    bool ends;

    if (store_batch_status(s->store, message->subscription, message->batch) != BATCH_GOES)
        return QUEUE_STOP_YIELDS;
    if (is_nobodys(message) || is_arrival(rcpt))
        return QUEUE_STOP_GOES;
    ends = directory_suppressed_now(s->directory, &q, &reason) ||
           directory_left_sender(s->directory, &q, message->header_from, &reason);
    if (!ends &&
        directory_may_be_unsubscribed(s->directory, message->subscription, rcpt->address)) {
        if (body.len == 0)
            return QUEUE_STOP_WANTS_BODY;
        ends = has_left_list(s, q, body, &reason);
    }
    if (!ends)
        return QUEUE_STOP_GOES;
    *why = (struct queue_stop_why){suppression_reason_text(reason),
                                   (uint8_t)suppression_reason_drop(reason)};
    log_line(LOG_INFO_, "suppressed", LOG_ID(message->id), LOG_VIEW("address", rcpt->address),
             LOG_STR("why", why->text));
    return QUEUE_STOP_ENDS;
}
