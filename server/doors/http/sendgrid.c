/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v3/mail/send:  whose -> read, and each message tried -> composed and admitted, one after the other -> all made durable at once -> 202.
 *
 * Everything that can be known beforehand is known before the first message goes to admission.  What remains, a limit that is reached between two or a store that fails, ends the
 * request, and nothing of it was accepted.
 */
#include "sendgrid.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../templates/templates.h"
#include "http_internal.h"
#include "sendgrid_internal.h"

#define ARENA_MAX (160u << 20)

struct call {
    struct http_request *r;
    const struct api *api;
    struct identity *who; /* a reference */
    json_t *json;
    struct sendgrid_mail mail;
    struct sgl_arena arena; /* what all messages have in common */
    struct sgl_arena own;   /* its personalization */
    struct sgl_arena one;   /* the message that is on its way */
    struct sendgrid_one personalization;
    struct api_refusal why;
    size_t personal, rcpt;        /* which it is; rcpt counts where each recipient has a message */
    struct admission_all *all;    /* of more than one message; else NULL */
    size_t messages;              /* of the request */
    char id[ID_TEXT_SIZE];        /* of the first */
    struct templates_call lookup; /* of a template */
    struct sgl_arena words;       /* the template, as it was read */
    struct sendgrid_template template_;
};

static void call_free(struct call *c)
{
    identity_unref(c->who);
    json_decref(c->json);
    admission_all_free(c->all);
    sgl_arena_done(&c->words);
    templates_call_done(&c->lookup);
    sgl_arena_done(&c->one);
    sgl_arena_done(&c->own);
    sgl_arena_done(&c->arena);
    free(c);
}

/* ---- the answer ---- */

static void reply(struct call *c, int status)
{
    sendgrid_put_rate(c->r, c->who, (void *)(uintptr_t)c->api);
    if (c->id[0] != '\0')
        http_reply_header(c->r, "X-Message-Id", sgl_view_cstr(c->id));
    http_reply_bytes(c->r, status, "text/plain; charset=utf-8", SGL_LIT(""));
    call_free(c);
}

static void refuse(struct call *c)
{
    if (c->why.status == 503)
        http_reply_header(c->r, "Retry-After", SGL_LIT("30"));
    http_reply_problem(c->r, c->why.status, c->why.code, c->why.field, c->why.detail);
    call_free(c);
}

/* Admission speaks of the envelope; the request has other names for it. */
static void refuse_answer(struct call *c, const struct admission_answer *answer)
{
    struct admission_answer mine = *answer;

    if (strcmp(mine.field, "MAIL FROM") == 0 || strcmp(mine.field, "From") == 0)
        snprintf(mine.field, sizeof(mine.field), "from");
    else if (strcmp(mine.field, "RCPT TO") == 0 || strcmp(mine.field, "recipients") == 0)
        snprintf(mine.field, sizeof(mine.field), "personalizations.%zu.to", c->personal);
    else if (strcmp(mine.code, "list-syntax") == 0)
        snprintf(mine.field, sizeof(mine.field), "asm.group_id");
    else if (strcmp(mine.code, "batch-unknown") == 0) {
        snprintf(mine.field, sizeof(mine.field), "batch_id");
        snprintf(mine.text, sizeof(mine.text), "invalid batch id");
    }
    sendgrid_put_rate(c->r, c->who, (void *)(uintptr_t)c->api);
    http_reply_answer(c->r, &mine);
    call_free(c);
}

static void cut_off(struct call *c)
{
    (void)api_refuse(&c->why, 503, "stopping", "", "The server ends; try again soon.", SGL_LIT(""));
    refuse(c);
}

/* ---- one message after the other ---- */

static void send_next(struct call *c);

static void step(struct call *c)
{
    c->rcpt++;
    if (c->mail.one_each && c->rcpt < c->personalization.m.rcpts)
        return;
    c->rcpt = 0;
    c->personal++;
}

static void durable(void *ctx, const struct admission_answer *answer)
{
    if (answer->smtp >= 400)
        refuse_answer(ctx, answer);
    else
        reply(ctx, 202);
}

static void end(struct call *c, const struct admission_answer *last)
{
    if (c->all == NULL)
        durable(c, last);
    else if (c->r->http == NULL) /* the server ends, and admission with it */
        cut_off(c);
    else
        admission_all_commit(c->all, durable, c);
}

static void sent(struct submission *s, const struct admission_answer *answer)
{
    struct api_post *p = api_post_of(s);
    struct call *c = (struct call *)(uintptr_t)p->ctx;
    struct admission_answer mine = *answer; /* which is the submission's own */

    if (mine.smtp < 400 && c->id[0] == '\0')
        id_text(s->message.id, c->id);
    api_post_free(p);
    if (mine.smtp >= 400) {
        refuse_answer(c, &mine);
        return;
    }
    step(c);
    if (c->personal == c->mail.personalizations)
        end(c, &mine);
    else if (c->r->http == NULL)
        cut_off(c);
    else
        send_next(c);
}

static bool is_last(const struct call *c)
{
    return c->personal + 1 == c->mail.personalizations &&
           (!c->mail.one_each || c->rcpt + 1 == c->personalization.m.rcpts);
}

/* All is composed: the request is not needed any more. */
static void give_back(struct call *c)
{
    json_decref(c->json);
    c->json = NULL;
    c->mail.json = NULL;
    http_body_done(c->r);
    sgl_arena_done(&c->words);
    templates_call_done(&c->lookup);
}

/* Once for all of its recipients. false: c->why says it. */
static bool read_personalization(struct call *c)
{
    struct api_reader reader = {.api = c->api, .who = c->who, .arena = &c->own, .why = &c->why};

    if (c->rcpt > 0)
        return true;
    sgl_arena_reset(&c->own);
    return sendgrid_personal(&reader, &c->mail, c->personal, &c->personalization);
}

/* false: c->why says it. */
static bool make(struct call *c, struct api_post *p)
{
    struct api_message m;

    p->ctx = c;
    p->submission.arena = &c->one;
    if (!read_personalization(c))
        return false;
    m = c->personalization.m;
    m.compose.from = (struct sgl_compose_addresses){&m.from, 1};
    if (c->mail.one_each) {
        m.rcpt += c->rcpt;
        m.rcpts = 1;
    }
    if (c->personalization.not_before > c->mail.now)
        p->submission.message.not_before = c->personalization.not_before;
    if (!api_post_message(p, &m, &c->why))
        return false;
    if (is_last(c))
        give_back(c);
    return true;
}

static void send_next(struct call *c)
{
    struct api_post *p = api_post_new(c->r, c->api, identity_ref(c->who), SGL_LIT("sendgrid"));

    sgl_arena_reset(&c->one);
    if (p == NULL) {
        api_refuse_memory(&c->why);
        refuse(c);
        return;
    }
    if (make(c, p)) {
        api_post_submit(p, c->all, sent);
        return;
    }
    api_post_free(p);
    refuse(c);
}

/* ---- the request ---- */

/* A group is made before mail is sent for it. */
static bool check_group(struct call *c)
{
    struct asm_group *group;
    uint32_t id;
    bool known;

    if (!asm_group_of_list(c->mail.common.list, &id))
        return true;
    group = directory_asm_group(c->api->directory, sgl_view_cstr(c->who->subscription), id);
    known = group != NULL;
    asm_group_unref(group);
    return known || api_refuse(&c->why, 400, "group-unknown", "asm.group_id",
                               "There is no unsubscribe group of this number.", SGL_LIT(""));
}

static bool read_request(struct call *c)
{
    struct api_reader reader = {
        .api = c->api, .who = c->who, .arena = &c->arena, .m = &c->mail.common, .why = &c->why};
    struct admission_answer answer;

    if (!sendgrid_parse(&reader, c->json, clock_now_s(), &c->mail) || !check_group(c))
        return false;
    c->messages = c->mail.one_each ? c->mail.recipients : c->mail.personalizations;
    if (admission_may_send_many(c->api->admission, c->who, c->mail.common.from.mailbox.text,
                                c->messages, &answer))
        return true;
    c->why = (struct api_refusal){0};
    if (answer.retry_after_s > 0) {
        char after[16];

        snprintf(after, sizeof(after), "%u", answer.retry_after_s);
        http_reply_header(c->r, "Retry-After", sgl_view_cstr(after));
    }
    return api_refuse(&c->why, answer.http, answer.code, "personalizations", answer.text,
                      SGL_LIT(""));
}

/* Takes both references. */
static struct call *call_new(struct http_request *r, const struct api *api, struct identity *who,
                             json_t *json)
{
    struct call *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        identity_unref(who);
        json_decref(json);
        return NULL;
    }
    c->r = r;
    c->api = api;
    c->who = who;
    c->json = json;
    sgl_arena_init(&c->arena, ARENA_MAX);
    sgl_arena_init(&c->own, ARENA_MAX);
    sgl_arena_init(&c->one, ARENA_MAX);
    sgl_arena_init(&c->words, ARENA_MAX);
    return c;
}

static void begin(struct call *c)
{
    if (!read_request(c)) {
        refuse(c);
        return;
    }
    if (c->mail.sandbox) {
        reply(c, 200);
        return;
    }
    if (c->messages > 1) {
        c->all = admission_all_new(c->api->admission, http_loop(c->r));
        if (c->all == NULL) {
            api_refuse_memory(&c->why);
            refuse(c);
            return;
        }
    }
    send_next(c);
}

/* false: c->why says it. */
static bool take_template(struct call *c)
{
    struct templates_call *found = &c->lookup;
    struct api_reader reader = {
        .api = c->api, .who = c->who, .arena = &c->words, .m = &c->mail.common, .why = &c->why};

    if (found->result == TEMPLATES_UNAVAILABLE)
        return api_refuse(&c->why, 503, "store", "template_id", found->why, SGL_LIT(""));
    if (found->result != TEMPLATES_OK)
        return api_refuse(&c->why, 422, "template-unknown", "template_id", found->why, SGL_LIT(""));
    if (!sendgrid_template_read(&reader, found, &c->template_))
        return false;
    c->mail.template_ = &c->template_;
    return templates_hold(found, c->words.used) ||
           api_refuse(&c->why, 503, "busy", "template_id",
                      "Too many templates are being filled in; try again soon.", SGL_LIT(""));
}

static void template_found(struct templates_call *found)
{
    struct call *c = found->ctx;

    if (c->r->http == NULL) /* the server ends */
        cut_off(c);
    else if (take_template(c))
        begin(c);
    else
        refuse(c);
}

/* true: one is looked for, and the request goes on when it was found. */
static bool find_template(struct call *c)
{
    const json_t *id = sendgrid_member(c->json, "template_id");

    if (!json_is_string(id))
        return false;
    c->lookup = (struct templates_call){.verb = TEMPLATES_VERSION_GET,
                                        .loop = http_loop(c->r),
                                        .done = template_found,
                                        .ctx = c,
                                        .subscription = sgl_view_cstr(c->who->subscription),
                                        .id = api_string_view(id)};
    templates_call(c->api->templates, &c->lookup);
    return true;
}

static void send_post(struct http_request *r, void *ctx)
{
    static const char *const long_strings[] = {"content.*.value", "attachments.*.content", NULL};
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, "mail.send");
    struct call *c;
    json_t *json;

    if (who == NULL)
        return;
    json = http_json_long(r, long_strings);
    if (json == NULL) {
        identity_unref(who);
        return;
    }
    c = call_new(r, api, who, json);
    if (c == NULL) {
        http_reply_header(r, "Retry-After", SGL_LIT("5"));
        http_reply_problem(r, 503, "memory-full", NULL,
                           "The server has no memory left for this; try again soon.");
    } else if (!find_template(c)) {
        begin(c);
    }
}

void sendgrid_routes(struct http *http, const struct api *api)
{
    void *ctx = (void *)(uintptr_t)api;

    http_shape_below(http, "/v3/", sendgrid_shape);
    http_tell_who(http, "/v3/", sendgrid_put_rate, ctx);
    http_route(http, HTTP_PUBLIC, "POST", "/v3/mail/send", send_post, ctx);
    sendgrid_keys_routes(http, api);
    sendgrid_suppression_routes(http, api);
    sendgrid_group_routes(http, api);
    sendgrid_template_routes(http, api);
    sendgrid_ips_routes(http, api);
    sendgrid_batch_routes(http, api);
    sendgrid_stats_routes(http, api);
}
