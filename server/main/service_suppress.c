/* SPDX-License-Identifier: Apache-2.0 */
/* Hard bounces become suppressions, when the configuration says for how long. */
#include <stdlib.h>

#include "../log/log.h"
#include "service_internal.h"

static void suppressed(struct directory_suppress *s)
{
    if (s->result != DIRECTORY_OK)
        log_line(LOG_WARN_, "hard bounce not suppressed", LOG_STR("why", s->why));
    free(s);
}

void service_bounced(void *service, const struct store_message *message,
                     const struct store_rcpt *rcpt, sgl_view reply)
{
    struct service *s = service;
    struct suppression item = {
        .address = rcpt->address, .reason = SUPPRESSION_HARD_BOUNCE, .reply = reply};
    struct directory_suppress *op;

    /* A report of ours that comes back says nothing of somebody who is written to. */
    if (s->config->delivery.suppress_s == 0 || message->env_from.len == 0)
        return;
    op = calloc(1, sizeof(*op));
    if (op == NULL)
        return; /* the next message to it bounces, and says it again */
    item.expires_at = clock_now_s() + (int64_t)s->config->delivery.suppress_s;
    op->subscription = message->subscription;
    op->item = &item;
    op->items = 1;
    op->loop = s->outgoing;
    op->done = suppressed;
    log_line(LOG_INFO_, "suppressed", LOG_ID(message->id), LOG_VIEW("address", rcpt->address),
             LOG_VIEW("reply", reply));
    directory_suppress(s->directory, op);
}
