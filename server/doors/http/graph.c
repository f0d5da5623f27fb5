/* SPDX-License-Identifier: Apache-2.0 */
/* sendMail:  whose and for which mailbox -> read (JSON or MIME) -> composed -> admission -> 202 without a body. */
#include "graph.h"

#include <stdio.h>
#include <sys/random.h>

#include "graph_internal.h"

/* ---- the answer ---- */

/* Admission speaks of the envelope; the request has other names for it. */
static void reply_answer(struct http_request *r, const struct admission_answer *answer)
{
    struct admission_answer mine = *answer;
    bool from = strcmp(mine.field, "MAIL FROM") == 0 || strcmp(mine.field, "From") == 0 ||
                strcmp(mine.field, "Sender") == 0;

    if (from)
        snprintf(mine.field, sizeof(mine.field), "message.from");
    else if (strcmp(mine.field, "RCPT TO") == 0 || strcmp(mine.field, "recipients") == 0)
        snprintf(mine.field, sizeof(mine.field), "message.toRecipients");
    if (from && mine.rule != NULL)
        mine.code = "graph-send-as";
    http_reply_answer(r, &mine);
}

void graph_sent(struct submission *s, const struct admission_answer *answer)
{
    struct api_post *p = api_post_of(s);

    if (answer->smtp >= 400)
        reply_answer(p->r, answer);
    else
        http_reply_empty(p->r, 202);
    api_post_free(p);
}

/* ---- the request ---- */

bool graph_reader_begin(struct graph_reader *g, struct api_refusal *why)
{
    g->now = clock_now_s();
    return getrandom(g->random, sizeof(g->random), 0) == (ssize_t)sizeof(g->random) ||
           api_refuse_memory(why);
}

static bool take_json(struct api_post *p, const struct sgl_mailbox *mailbox, const json_t *json,
                      struct api_refusal *why)
{
    struct submission *s = &p->submission;
    struct api_message m = {0};
    struct api_reader reader = {
        .api = p->api, .who = s->who, .arena = s->arena, .m = &m, .why = why};
    struct graph_reader g = {.p = &reader, .at = "message", .mailbox = *mailbox};

    return graph_reader_begin(&g, why) && graph_send_mail(&g, json) && api_post_message(p, &m, why);
}

static bool take_mime(struct api_post *p, const struct sgl_mailbox *mailbox,
                      struct api_refusal *why)
{
    struct submission *s = &p->submission;
    struct api_reader reader = {.api = p->api, .who = s->who, .arena = s->arena, .why = why};
    struct admission_answer answer;

    if (!admission_has_room(p->api->admission, http_body(p->r).len / 4 * 3, &answer))
        return api_refuse(why, answer.http, answer.code, "body", answer.text, SGL_LIT(""));
    if (!http_body_move(p->r, &p->raw))
        return api_refuse_memory(why);
    if (!graph_mime(&reader, mailbox, &p->raw, &s->message))
        return false;
    s->raw = sgl_buf_view(&p->raw);
    return true;
}

static bool is_mime(const struct http_request *r)
{
    sgl_view rest, type = sgl_view_trim(sgl_view_split(http_header(r, "Content-Type"), ';', &rest));

    return sgl_view_eq_nocase(type, SGL_LIT("text/plain"));
}

/* Takes the reference. */
static void send_(struct http_request *r, const struct graph *g, struct identity *who,
                  const struct sgl_mailbox *mailbox)
{
    static const char *const long_strings[] = {
        "message.body.content", "message.attachments.*.contentBytes", "Message.body.content",
        "Message.attachments.*.contentBytes", NULL};
    struct api_refusal why = {0};
    json_t *json = NULL;
    struct api_post *p;
    bool mime, fine;

    mime = is_mime(r);
    if (!mime)
        json = http_json_long(r, long_strings);
    if (mime ? !http_unpack(r) : json == NULL) {
        identity_unref(who);
        return;
    }
    p = api_post_new(r, g->api, who, SGL_LIT("graph"));
    if (p == NULL)
        fine = api_refuse_memory(&why);
    else
        fine = json == NULL ? take_mime(p, mailbox, &why) : take_json(p, mailbox, json, &why);
    json_decref(json);
    if (fine) {
        http_body_done(r); /* the message is composed */
        api_post_submit(p, NULL, graph_sent);
        return;
    }
    if (p != NULL)
        api_post_free(p);
    graph_refuse(r, &why);
}

static void send_mail_post(struct http_request *r, void *ctx)
{
    const struct graph *g = ctx;
    struct identity *who = graph_caller(r, g);
    struct sgl_mailbox mailbox;

    if (who == NULL)
        return;
    if (graph_mailbox(r, g, who, &mailbox))
        send_(r, g, who, &mailbox);
    else
        identity_unref(who);
}

void graph_routes(struct http *http, const struct graph *graph)
{
    void *ctx = (void *)(uintptr_t)graph;
    static const char *const names[] = {"/v1.0/users/{user}/sendMail", "/v1.0/me/sendMail",
                                        "/v1.0/users/{user}/microsoft.graph.sendMail",
                                        "/v1.0/me/microsoft.graph.sendMail"};

    http_shape_below(http, "/v1.0/", graph_shape);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        http_route(http, HTTP_PUBLIC, "POST", names[i], send_mail_post, ctx);
    graph_draft_routes(http, graph);
    graph_upload_routes(http, graph);
}
