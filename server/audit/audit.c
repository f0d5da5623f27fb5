/* SPDX-License-Identifier: Apache-2.0 */
#include "audit.h"

#include <pthread.h>
#include <stdio.h>
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

/* ---- what was refused ---- */

#define SLOTS     64u
#define MINUTE_MS 60000u

/* Actors that share a slot share its room. */
struct slot {
    uint64_t began_ms;
    unsigned written, left_out;
};
struct audit {
    struct store *store;
    pthread_mutex_t lock;
    struct slot slot[SLOTS];
};

struct audit *audit_new(struct store *store)
{
    struct audit *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return NULL;
    a->store = store;
    pthread_mutex_init(&a->lock, NULL);
    return a;
}

void audit_free(struct audit *a)
{
    if (a == NULL)
        return;
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static struct slot *slot_of(struct audit *a, sgl_view actor)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < actor.len; i++)
        hash = (hash ^ actor.ptr[i]) * 16777619u;
    return &a->slot[hash % SLOTS];
}

/* Is there room for one more?  *left_out: how many had none before it. */
static bool take_room(struct audit *a, sgl_view actor, uint64_t now, unsigned *left_out)
{
    struct slot *s = slot_of(a, actor);
    bool room;

    pthread_mutex_lock(&a->lock);
    if (s->written == 0 || now - s->began_ms >= MINUTE_MS) {
        s->began_ms = now;
        s->written = 0;
    }
    room = s->written < AUDIT_REFUSED_MAX;
    *left_out = room ? s->left_out : 0;
    s->left_out = room ? 0 : s->left_out + 1;
    s->written += room;
    pthread_mutex_unlock(&a->lock);
    return room;
}

void audit_refused(struct audit *a, const struct store_audit *line, uint64_t now_ms)
{
    struct store_audit more = *line;
    char detail[STORE_AUDIT_DETAIL_MAX];
    unsigned left_out;

    if (a == NULL || !take_room(a, line->actor, now_ms, &left_out))
        return;
    if (left_out > 0) {
        snprintf(detail, sizeof(detail), "%.*s (%u before it are left out)",
                 SGL_FMT(sgl_view_sub(line->detail, 0, sizeof(detail) - 64)), left_out);
        more.detail = sgl_view_cstr(detail);
    }
    audit_append(a->store, &more);
}
