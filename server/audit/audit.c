/* SPDX-License-Identifier: Apache-2.0 */
#include "audit.h"

#include <stdlib.h>

#include "../log/log.h"

#define TEXTS 7

struct appended {
    struct store_audit_op op; /* first: cast from it */
    struct store_audit line;
    uint8_t text[];
};

static void log_lost(const struct store_audit *line, const char *why)
{
    log_line(LOG_ERROR_, "a line of the audit is lost", LOG_VIEW("actor", line->actor),
             LOG_VIEW("action", line->action), LOG_VIEW("object", line->object),
             LOG_STR("why", why));
}

static void appended(struct store_op *op)
{
    struct appended *a = (struct appended *)(void *)op;

    if (op->result != STORE_OK)
        log_lost(&a->line, store_result_text(op->result));
    free(a);
}

void audit_append(struct store *store, const struct store_audit *line)
{
    const sgl_view from[TEXTS] = {line->actor,        line->peer,   line->action, line->object,
                                  line->subscription, line->result, line->detail};
    struct appended *a;
    size_t len = 0;

    for (int i = 0; i < TEXTS; i++)
        len += sgl_view_sub(from[i], 0, STORE_AUDIT_DETAIL_MAX).len;
    a = calloc(1, sizeof(*a) + len);
    if (a == NULL) {
        log_lost(line, "out of memory");
        return;
    }
    a->line = (struct store_audit){.at_ms = line->at_ms != 0 ? line->at_ms : clock_now_ms()};
    sgl_view *const to[TEXTS] = {&a->line.actor,  &a->line.peer,         &a->line.action,
                                 &a->line.object, &a->line.subscription, &a->line.result,
                                 &a->line.detail};
    len = 0;
    for (int i = 0; i < TEXTS; i++) {
        sgl_view text = sgl_view_sub(from[i], 0, STORE_AUDIT_DETAIL_MAX);

        if (text.len > 0)
            memcpy(a->text + len, text.ptr, text.len);
        *to[i] = sgl_view_of(a->text + len, text.len);
        len += text.len;
    }
    a->op =
        (struct store_audit_op){.op = {.kind = STORE_AUDIT, .done = appended}, .audit = &a->line};
    store_submit(store, &a->op.op);
}

void audit_note(struct store *store, sgl_view actor, sgl_view action, sgl_view object,
                sgl_view subscription, sgl_view detail)
{
    const struct store_audit line = {.actor = actor,
                                     .action = action,
                                     .object = object,
                                     .subscription = subscription,
                                     .result = SGL_LIT("noted"),
                                     .detail = detail};

    audit_append(store, &line);
}
