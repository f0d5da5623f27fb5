/* SPDX-License-Identifier: Apache-2.0 */
/* A whole message from an operator's hand: `sigillo send`. The envelope is in the query, or taken from the header. */
#include <stdio.h>
#include <stdlib.h>

#include "admin_internal.h"
#include "sigillo/header.h"
#include "sigillo/mailbox.h"

#define RCPTS_MAX 10000

struct sending {
    struct submission submission;
    struct http_request *r;
};

static void sent(struct submission *s, const struct admission_answer *answer)
{
    struct sending *g =
        (struct sending *)(void *)((char *)s - offsetof(struct sending, submission));
    char id[ID_TEXT_SIZE];

    if (answer->smtp >= 400) {
        http_reply_answer(g->r, answer);
    } else {
        id_text(s->existing_id != 0 ? s->existing_id : s->message.id, id);
        http_reply_json(g->r, 202,
                        json_pack("{s:s, s:o, s:I, s:f}", "id", id, "message_id",
                                  admin_json_view(s->message.message_id), "recipients",
                                  (json_int_t)s->message.rcpts, "durable_ms",
                                  (double)s->durable_us / 1000.0));
    }
    identity_unref(s->who);
    free(g);
}

static bool add_rcpt(struct submission *s, sgl_view address, size_t *room)
{
    struct store_message *m = &s->message;

    if (m->rcpts == *room) {
        struct store_rcpt *more =
            *room >= RCPTS_MAX ? NULL : SGL_NEW_N(s->arena, *room * 2 + 16, struct store_rcpt);

        if (more == NULL)
            return false;
        if (m->rcpts > 0)
            memcpy(more, m->rcpt, m->rcpts * sizeof(*more));
        m->rcpt = more;
        *room = *room * 2 + 16;
    }
    m->rcpt[m->rcpts++] = (struct store_rcpt){.address = address};
    return true;
}

static bool add_field(struct submission *s, const struct sgl_headers *headers, sgl_view name,
                      size_t *room)
{
    for (const struct sgl_header *h = sgl_headers_next(headers, name, NULL); h != NULL;
         h = sgl_headers_next(headers, name, h)) {
        struct sgl_address_list list;

        if (sgl_address_list_parse(h->value, s->arena, &list, NULL) != SGL_OK)
            return false;
        for (size_t i = 0; i < list.count; i++)
            if (!add_rcpt(s, list.item[i].mailbox.text, room))
                return false;
    }
    return true;
}

/* Sender, else the first of From. */
static sgl_view sender_of(struct submission *s, const struct sgl_headers *headers)
{
    const struct sgl_header *field = sgl_headers_first(headers, SGL_LIT("Sender"));
    struct sgl_address_list list;

    if (field == NULL)
        field = sgl_headers_first(headers, SGL_LIT("From"));
    if (field == NULL || sgl_address_list_parse(field->value, s->arena, &list, NULL) != SGL_OK ||
        list.count == 0)
        return SGL_LIT("");
    return list.item[0].mailbox.text;
}

/* false: answered. A broken header is admission's to refuse: then the envelope stays empty. */
static bool take_envelope(struct http_request *r, struct submission *s)
{
    sgl_view from = http_query(r, "from"), to;
    struct sgl_headers headers = {0};
    size_t room = 0;
    bool fine = true;

    for (size_t i = 0; fine && (to = http_query_at(r, "to", i)).ptr != NULL; i++)
        fine = add_rcpt(s, to, &room);
    if (sgl_headers_parse(s->raw, SGL_HEADERS_STRICT, s->arena, &headers, NULL) != SGL_OK)
        headers = (struct sgl_headers){0};
    s->message.env_from = from.ptr != NULL ? from : sender_of(s, &headers);
    if (s->message.rcpts == 0)
        fine = fine && add_field(s, &headers, SGL_LIT("To"), &room) &&
               add_field(s, &headers, SGL_LIT("Cc"), &room) &&
               add_field(s, &headers, SGL_LIT("Bcc"), &room);
    if (!fine)
        http_reply_problem(r, 422, "address-syntax", "to",
                           "The recipients cannot be read, or there are too many.");
    return fine;
}

static void messages_post(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = admin_who(r, admin);
    struct sending *g;
    struct submission *s;

    if (who == NULL)
        return;
    g = calloc(1, sizeof(*g));
    if (g == NULL) {
        identity_unref(who);
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        return;
    }
    g->r = r;
    s = &g->submission;
    s->who = who;
    s->arena = http_arena(r);
    s->raw = http_body(r);
    s->message.door = SGL_LIT("admin");
    s->message.peer = sgl_view_cstr(http_peer(r));
    s->message.smtputf8 = true;
    s->protocol = http_is_tls(r) ? SGL_LIT("HTTPS") : SGL_LIT("HTTP");
    s->helo = SGL_LIT("localhost");
    s->tls_text = http_tls_text(r);
    s->loop = http_loop(r);
    s->done = sent;
    if (!take_envelope(r, s)) {
        identity_unref(who);
        free(g);
        return;
    }
    admission_submit(admin->admission, s);
}

void admin_send_routes(struct http *http, const struct admin *admin)
{
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/messages", messages_post,
               (void *)(uintptr_t)admin);
}
