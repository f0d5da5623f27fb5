/* SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

static void forget(struct window *w, int64_t cell)
{
    uint32_t *messages = &w->messages[cell % WINDOW_CELLS];
    uint32_t *complaints = &w->complaints[cell % WINDOW_CELLS];

    w->messages_sum -= *messages;
    w->complaints_sum -= *complaints;
    *messages = *complaints = 0;
}

void window_advance(struct window *w, int64_t now_ms)
{
    int64_t cell = now_ms < 0 ? 0 : now_ms / WINDOW_CELL_MS;

    if (cell > w->cell - WINDOW_CELLS && cell <= w->cell)
        return;
    if (cell <= w->cell || cell - w->cell >= WINDOW_CELLS) {
        *w = (struct window){.cell = cell};
        return;
    }
    while (w->cell < cell)
        forget(w, ++w->cell);
}

/* More than fits is as good as all that fits. */
static uint32_t room(uint32_t in, uint32_t more)
{
    return more < UINT32_MAX - in ? more : UINT32_MAX - in;
}

int64_t window_add(struct window *w, int64_t now_ms, uint32_t messages, uint32_t complaints)
{
    int64_t cell;

    window_advance(w, now_ms);
    cell = now_ms < 0 ? 0 : now_ms / WINDOW_CELL_MS;
    messages = room(w->messages[cell % WINDOW_CELLS], messages);
    complaints = room(w->complaints[cell % WINDOW_CELLS], complaints);
    w->messages[cell % WINDOW_CELLS] += messages;
    w->complaints[cell % WINDOW_CELLS] += complaints;
    w->messages_sum += messages;
    w->complaints_sum += complaints;
    return cell;
}

void window_give_back(struct window *w, int64_t cell, uint32_t messages)
{
    uint32_t *in = &w->messages[cell % WINDOW_CELLS];

    if (cell > w->cell || cell <= w->cell - WINDOW_CELLS)
        return;
    if (messages > *in)
        messages = *in;
    *in -= messages;
    w->messages_sum -= messages;
}

int64_t window_stored_ms(int64_t now_ms)
{
    return (now_ms / WINDOW_CELL_MS + 1) * WINDOW_CELL_MS - 1;
}
