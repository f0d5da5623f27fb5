/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail that waits already for somebody who has unsubscribed:  found on a worker thread -> cancelled, one message after the other.
 *
 * Which list a message is of stands in its List-ID, which every message has that was marked as list mail.
 */
#include <stdlib.h>
#include <string.h>

#include "../../lists/list_fields.h"
#include "../../log/log.h"
#include "unsubscribe.h"

#define PAGE        200u
#define STOPPED_MAX 2000u
#define ARENA_MAX   (4u * 1024u * 1024u)

struct stopping {
    struct work work; /* first: cast from it */
    struct unsubscribe *u;
    struct sgl_arena arena;
    struct list_token token;
    struct store_control control;
    struct store_audit audit;
    char object[40];
    uint64_t page[PAGE], message[STOPPED_MAX];
    size_t in_page, messages, next;
    enum store_result result;
};

static void end(struct stopping *s)
{
    if (s->result != STORE_OK)
        log_line(LOG_WARN_, "queued mail of an unsubscribed list is not stopped",
                 LOG_VIEW("list", s->token.list), LOG_VIEW("address", s->token.address),
                 LOG_STR("why", store_result_text(s->result)));
    sgl_arena_done(&s->arena);
    free(s);
}

/* ---- found ---- */

static bool note(void *ctx, const struct store_message *m)
{
    struct stopping *s = ctx;

    s->page[s->in_page++] = m->id;
    return s->in_page < PAGE;
}

static bool is_of_list(struct stopping *s, uint64_t id)
{
    struct sgl_arena arena = SGL_ARENA_INIT(ARENA_MAX);
    struct sgl_headers headers;
    struct body *body = NULL;
    sgl_view list;
    bool is = false;

    if (store_read_body(s->u->store, id, &body) == STORE_OK)
        is = sgl_headers_parse(sgl_view_of(body->bytes, body->len), SGL_HEADERS_TOLERANT, &arena,
                               &headers, NULL) == SGL_OK &&
             list_id_of(&headers, &arena, &list) &&
             sgl_view_eq_nocase(directory_list_scope(list), directory_list_scope(s->token.list));
    body_unref(body);
    sgl_arena_done(&arena);
    return is;
}

static void find(struct work *w)
{
    struct stopping *s = (struct stopping *)(void *)w;
    struct store_filter filter = {.subscription = s->token.subscription,
                                  .to = s->token.address,
                                  .open_only = true,
                                  .max = PAGE};

    do {
        s->in_page = 0;
        s->result = store_read_messages(s->u->store, &filter, note, s);
        for (size_t i = 0; i < s->in_page && s->messages < STOPPED_MAX; i++)
            if (is_of_list(s, s->page[i]))
                s->message[s->messages++] = s->page[i];
        if (s->in_page > 0)
            filter.after = s->page[s->in_page - 1];
    } while (s->result == STORE_OK && s->in_page == PAGE && s->messages < STOPPED_MAX);
}

/* ---- cancelled ---- */

static void cancel(struct stopping *s);

static void cancelled(struct store_op *op)
{
    struct stopping *s =
        (struct stopping *)(void *)((char *)op - offsetof(struct stopping, control));

    if (op->result != STORE_OK && op->result != STORE_NOT_FOUND)
        s->result = op->result;
    cancel(s);
}

static void cancel(struct stopping *s)
{
    char id[ID_TEXT_SIZE];

    if (s->next == s->messages) {
        if (s->messages > 0)
            queue_nudge(s->u->queue);
        end(s);
        return;
    }
    id_text(s->message[s->next], id);
    snprintf(s->object, sizeof(s->object), "message:%s", id);
    s->audit = (struct store_audit){.at_ms = clock_now_ms(),
                                    .actor = SGL_LIT("system:unsubscribe"),
                                    .action = SGL_LIT("queue cancel"),
                                    .object = sgl_view_cstr(s->object),
                                    .subscription = s->token.subscription,
                                    .result = SGL_LIT("done"),
                                    .detail = SGL_LIT("the recipient unsubscribed")};
    s->control = (struct store_control){
        .op = {.kind = STORE_CONTROL, .loop = s->work.loop, .done = cancelled},
        .verb = CONTROL_CANCEL,
        .message = s->message[s->next++],
        .subscription = s->token.subscription,
        .actor = SGL_LIT("system:unsubscribe"),
        .now = clock_now_s(),
        .audit = &s->audit};
    store_submit(s->u->store, &s->control.op);
}

static void found(struct work *w)
{
    cancel((struct stopping *)(void *)w);
}

void unsubscribe_stop_queued(struct unsubscribe *u, struct loop *loop,
                             const struct list_token *token)
{
    struct stopping *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return;
    s->u = u;
    s->work = (struct work){.work = find, .done = found, .loop = loop};
    sgl_arena_init(&s->arena, 4096);
    s->result = STORE_BUSY;
    if (sgl_arena_dup(&s->arena, token->subscription, &s->token.subscription) != SGL_OK ||
        sgl_arena_dup(&s->arena, token->list, &s->token.list) != SGL_OK ||
        sgl_arena_dup(&s->arena, token->address, &s->token.address) != SGL_OK ||
        !workers_submit(u->workers, &s->work))
        end(s);
}
