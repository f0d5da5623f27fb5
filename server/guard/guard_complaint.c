/* SPDX-License-Identifier: Apache-2.0 */
/* Recipients who complained, by hand or by a report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "guard_internal.h"

struct tally {
    struct store_tally_op op; /* first: cast from it */
    char name[];
};

static void tallied(struct store_op *op)
{
    struct tally *t = (struct tally *)(void *)op;

    if (op->result != STORE_OK)
        log_line(LOG_ERROR_, "a complaint is counted until the next start only",
                 LOG_STR("of", t->name), LOG_STR("why", store_result_text(op->result)));
    free(t);
}

static void store_complaints(struct guard *g, const struct counted *c, uint32_t complaints,
                             int64_t now_ms)
{
    const char *who = c->name + strlen(TALLY_MESSAGES);
    size_t size = sizeof(TALLY_COMPLAINTS) + strlen(who);
    struct tally *t = calloc(1, sizeof(*t) + size);

    if (t == NULL) {
        log_line(LOG_ERROR_, "a complaint is counted until the next start only", LOG_STR("of", who),
                 LOG_STR("why", "out of memory"));
        return;
    }
    snprintf(t->name, size, TALLY_COMPLAINTS "%s", who);
    t->op.op = (struct store_op){.kind = STORE_TALLY, .done = tallied};
    t->op.tally =
        (struct store_tally){.name = sgl_view_cstr(t->name),
                             .charge = {.at_ms = window_stored_ms(now_ms), .messages = complaints}};
    store_submit(g->store, &t->op.op);
}

void guard_complaint(struct guard *g, sgl_view domain, sgl_view subscription, sgl_view destination,
                     uint32_t complaints, int64_t now_ms)
{
    struct sender *s;
    struct counted *c = NULL;
    struct found f = {.kind = GUARD_COMPLAINTS};

    pthread_mutex_lock(&g->lock);
    f.receiver = receiver_of(g, destination);
    s = sender_of(g, domain);
    if (s != NULL)
        c = counted_of(g, s->organisation, f.receiver);
    if (c != NULL) {
        window_add(&c->window, now_ms, 0, complaints);
        store_complaints(g, c, complaints, now_ms);
        f.messages = c->window.messages_sum;
        f.complaints = c->window.complaints_sum;
        f.level = complaint_level(g->rules, f.messages, f.complaints);
        if (f.level == LEVEL_STOP)
            f.level = LEVEL_WARN; /* nothing is refused by it yet */
        if (g->rules->action != GUARD_OFF)
            (void)cause_found(g, s, subscription, &f, now_ms);
    } else {
        metric_add(&guard_uncounted, 1);
    }
    pthread_mutex_unlock(&g->lock);
}
