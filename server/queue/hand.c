/* SPDX-License-Identifier: Apache-2.0 */
/* An administrator changed recipients that are in memory: what is held or cancelled leaves it, what is to be retried goes now. What is out with delivery ends as it ends; if that is no end, it yields. */
#include <stdlib.h>

#include "queue_internal.h"
#include "sigillo/banned.h"

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void hand_takes(struct qjob *j, const uint64_t *sorted, size_t count)
{
    struct queue *q = j->env->q;
    bool stack[128], *keep = j->job.rcpts <= 128 ? stack : malloc(j->job.rcpts * sizeof(bool));
    size_t kept = 0;

    if (keep == NULL)
        return; /* its outcome will meet what the hand wrote */
    for (size_t i = 0; i < j->job.rcpts; i++) {
        keep[i] = bsearch(&j->rcpt[i]->id, sorted, count, sizeof(*sorted), by_number) == NULL;
        kept += keep[i];
        if (!keep[i])
            give_back_rcpts(q, &j->rcpt[i]->id, &j->rcpt[i]->fence, 1);
    }
    if (kept == 0)
        job_free(j);
    else
        job_shrink(j, keep);
    if (keep != stack)
        free(keep);
}

static bool names_any(const struct qjob *j, const uint64_t *sorted, size_t count)
{
    for (size_t i = 0; i < j->job.rcpts; i++) {
        if (bsearch(&j->rcpt[i]->id, sorted, count, sizeof(*sorted), by_number) != NULL)
            return true;
    }
    return false;
}

/* Out, or its outcome on the way to the store: remembered until it comes back to memory. */
static void hand_marks(struct qjob *j, enum store_control_verb verb, const uint64_t *sorted,
                       size_t count)
{
    static const enum rcpt_state state[] = {[CONTROL_RETRY] = RCPT_QUEUED,
                                            [CONTROL_HOLD] = RCPT_HELD,
                                            [CONTROL_RELEASE] = RCPT_QUEUED,
                                            [CONTROL_CANCEL] = RCPT_CANCELLED};

    for (size_t i = 0; i < j->job.rcpts; i++) {
        if (bsearch(&j->rcpt[i]->id, sorted, count, sizeof(*sorted), by_number) != NULL)
            j->rcpt[i]->state = state[verb];
    }
}

void queue_hand_changed(void *ctx, enum store_control_verb verb, const uint64_t *rcpt, size_t rcpts)
{
    struct queue *q = ctx;
    uint64_t *sorted = malloc(rcpts * sizeof(*rcpt));

    if (sorted == NULL)
        return;
    memcpy(sorted, rcpt, rcpts * sizeof(*rcpt));
    qsort(sorted, rcpts, sizeof(*sorted), by_number);
    for (struct qjob *j = q->all, *next; j != NULL; j = next) {
        next = j->all_next;
        if (!names_any(j, sorted, rcpts))
            continue;
        if (j->place == OUT || j->place == RECORDING)
            hand_marks(j, verb, sorted, rcpts);
        else if (verb == CONTROL_HOLD || verb == CONTROL_CANCEL)
            hand_takes(j, sorted, rcpts);
        else if (j->place == WAITING)
            j->due = 0; /* the next turn of the clock lines it up */
    }
    free(sorted);
    queue_nudge(q);
}
