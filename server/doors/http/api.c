/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/messages:  authenticated -> read (JSON or a whole message) -> composed -> admission -> 202.
 *
 * The request is answered at once when anything is wrong, else from sent(), when the message is durable or refused.
 */
#include <stdio.h>

#include "api_internal.h"
#include "sigillo/ascii.h"

#define IDEMPOTENCY_KEY_MAX 255

static void reply_refusal(struct http_request *r, const struct api_refusal *why)
{
    if (why->status == 503)
        http_reply_header(r, "Retry-After", SGL_LIT("30"));
    http_reply_problem(r, why->status, why->code, why->field, why->detail);
}

/* ---- the answer ---- */

static json_t *recipients_json(const struct store_message *m)
{
    json_t *list = json_array();

    for (size_t i = 0; i < m->rcpts; i++)
        json_array_append_new(list, json_pack("{s:s%, s:s}", "address", m->rcpt[i].address.ptr,
                                              m->rcpt[i].address.len, "state",
                                              rcpt_state_name(m->rcpt[i].state)));
    return list;
}

/* Admission speaks of the envelope; the JSON has other names for it. */
static void rename_field(struct admission_answer *answer)
{
    if (strcmp(answer->field, "MAIL FROM") == 0 || strcmp(answer->field, "From") == 0)
        snprintf(answer->field, sizeof(answer->field), "from");
    else if (strcmp(answer->field, "RCPT TO") == 0)
        snprintf(answer->field, sizeof(answer->field), "to");
    else if (strcmp(answer->code, "list-syntax") == 0)
        snprintf(answer->field, sizeof(answer->field), "list");
}

static void sent(struct submission *s, const struct admission_answer *answer)
{
    struct api_post *p = api_post_of(s);
    struct admission_answer mine = *answer;
    char id[ID_TEXT_SIZE], location[64];

    if (answer->smtp >= 400) {
        if (p->raw.len > 0)
            rename_field(&mine);
        http_reply_answer(p->r, &mine);
        api_post_free(p);
        return;
    }
    id_text(s->existing_id != 0 ? s->existing_id : s->message.id, id);
    snprintf(location, sizeof(location), "/v1/messages/%s", id);
    http_reply_header(p->r, "Location", sgl_view_cstr(location));
    http_reply_json(p->r, 202,
                    json_pack("{s:s, s:b, s:o}", "id", id, "repeated", s->existing_id != 0,
                              "recipients", recipients_json(&s->message)));
    api_post_free(p);
}

/* ---- the request ---- */

/* The same key may be used again only with the same request. */
static bool take_idempotency_key(struct api_post *p, struct api_refusal *why)
{
    sgl_view key = http_header(p->r, "Idempotency-Key");

    if (key.ptr == NULL)
        return true;
    if (key.len == 0 || key.len > IDEMPOTENCY_KEY_MAX || !sgl_ascii_is_printable(key))
        return api_refuse(why, 400, "idempotency-key", "Idempotency-Key",
                          "The key must be 1 to 255 printable ASCII characters.", SGL_LIT(""));
    return api_post_once(p, key, why);
}

static bool take_json(struct api_post *p, const json_t *json, struct api_refusal *why)
{
    struct submission *s = &p->submission;
    struct api_message m = {0};

    return api_parse(p->api, s->who, json, s->arena, &m, why) && api_post_message(p, &m, why);
}

static bool take_raw(struct api_post *p, struct api_refusal *why)
{
    struct submission *s = &p->submission;
    struct admission_answer answer;

    s->raw = http_body(p->r);
    if (s->raw.len == 0)
        return api_refuse(why, 400, "body-missing", "body",
                          "The request needs a message as its body.", SGL_LIT(""));
    if (!admission_has_room(p->api->admission, s->raw.len, &answer))
        return api_refuse(why, answer.http, answer.code, "body", answer.text, SGL_LIT(""));
    return api_raw_envelope(p->api, s->who, p->r, &s->message, why);
}

static bool is_raw(const struct http_request *r)
{
    sgl_view rest, type = sgl_view_trim(sgl_view_split(http_header(r, "Content-Type"), ';', &rest));

    return sgl_view_eq_nocase(type, SGL_LIT("message/rfc822")) ||
           sgl_view_eq_nocase(type, SGL_LIT("message/global"));
}

static void message_post(struct http_request *r, void *ctx)
{
    static const char *const long_strings[] = {"text", "html", "attachments.*.content", NULL};
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, "mail.send");
    struct api_refusal why = {0};
    struct api_post *p;
    json_t *json = NULL;
    bool raw, fine;

    if (who == NULL)
        return;
    raw = is_raw(r);
    if (!raw)
        json = http_json_long(r, long_strings);
    if (raw ? !http_unpack(r) : json == NULL) {
        identity_unref(who);
        return;
    }
    p = api_post_new(r, api, who, SGL_LIT("http"));
    if (p == NULL) {
        json_decref(json);
        api_refuse_memory(&why);
        reply_refusal(r, &why);
        return;
    }
    fine = take_idempotency_key(p, &why) &&
           (json == NULL ? take_raw(p, &why) : take_json(p, json, &why));
    json_decref(json);
    if (fine && json != NULL)
        http_body_done(r); /* the message is composed */
    if (fine) {
        api_post_submit(p, NULL, sent);
        return;
    }
    api_post_free(p);
    reply_refusal(r, &why);
}

static void openapi_get(struct http_request *r, void *ctx)
{
    (void)ctx;
    http_reply_bytes(r, 200, "application/json",
                     sgl_view_of(api_openapi_json, api_openapi_json_len));
}

void api_routes(struct http *http, const struct api *api)
{
    void *ctx = (void *)(uintptr_t)api;

    http_route(http, HTTP_PUBLIC, "POST", "/v1/messages", message_post, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v1/messages/{id}", api_message_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/openapi.json", openapi_get, NULL);
}
