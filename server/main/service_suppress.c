/* SPDX-License-Identifier: Apache-2.0 */
/* Hard bounces become suppressions, when the configuration says for how long. */
#include <stdio.h>
#include <stdlib.h>

#include "../log/log.h"
#include "service_internal.h"

struct bounce {
    struct directory_suppress op; /* first: cast from it */
    uint64_t message;
    char address[330];
};

static void suppressed(struct directory_suppress *s)
{
    const struct bounce *b = (const struct bounce *)(void *)s;

    if (s->result != DIRECTORY_OK)
        log_line(LOG_WARN_, "hard bounce not suppressed", LOG_ID(b->message),
                 LOG_STR("address", b->address), LOG_STR("why", s->why));
    else if (s->fresh > 0)
        log_line(LOG_INFO_, "suppressed", LOG_ID(b->message), LOG_STR("address", b->address));
    free(s);
}

void service_configure_suppression(struct service *s, const struct config *c)
{
    atomic_store(&s->suppress_s, c->delivery.suppress_s);
    directory_suppress_exact(s->directory, c->suppress_exact);
}

void service_bounced(void *service, const struct store_message *message,
                     const struct store_rcpt *rcpt, sgl_view reply)
{
    struct service *s = service;
    unsigned suppress_s = atomic_load(&s->suppress_s);
    struct suppression item = {
        .address = rcpt->address, .reason = SUPPRESSION_HARD_BOUNCE, .reply = reply};
    struct bounce *b;

    /* A report of ours that comes back says nothing of somebody who is written to. */
    if (suppress_s == 0 || message->env_from.len == 0)
        return;
    b = calloc(1, sizeof(*b));
    if (b == NULL)
        return; /* the next message to it bounces, and says it again */
    item.expires_at = clock_now_s() + (int64_t)suppress_s;
    b->message = message->id;
    snprintf(b->address, sizeof(b->address), "%.*s", SGL_FMT(rcpt->address));
    b->op.keep = true; /* who has unsubscribed is not forgotten when the bounce is over */
    b->op.subscription = message->subscription;
    b->op.item = &item;
    b->op.items = 1;
    b->op.loop = s->outgoing;
    b->op.done = suppressed;
    directory_suppress(s->directory, &b->op);
}
