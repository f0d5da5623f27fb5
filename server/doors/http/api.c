/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/messages:  authenticated -> read (JSON or a whole message) -> composed -> admission -> 202.
 *
 * The request is answered at once when anything is wrong, else from sent(), when the message is durable or refused.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "api_internal.h"
#include "http_internal.h"
#include "sigillo/ascii.h"

#define IDEMPOTENCY_KEY_MAX 255
#define DECODED_SLACK       1024 /* rounding of the bound, three bytes for each attachment */

struct posting {
    struct submission submission;
    struct http_request *r;
    const struct api *api;
    struct sgl_buf raw; /* what compose wrote */
};

static void posting_free(struct posting *p)
{
    identity_unref(p->submission.who);
    sgl_buf_done(&p->raw);
    free(p);
}

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
    struct posting *p =
        (struct posting *)(void *)((char *)s - offsetof(struct posting, submission));
    struct admission_answer mine = *answer;
    char id[ID_TEXT_SIZE], location[64];

    if (answer->smtp >= 400) {
        if (p->raw.len > 0)
            rename_field(&mine);
        http_reply_answer(p->r, &mine);
        posting_free(p);
        return;
    }
    id_text(s->existing_id != 0 ? s->existing_id : s->message.id, id);
    snprintf(location, sizeof(location), "/v1/messages/%s", id);
    http_reply_header(p->r, "Location", sgl_view_cstr(location));
    http_reply_json(p->r, 202,
                    json_pack("{s:s, s:b, s:o}", "id", id, "repeated", s->existing_id != 0,
                              "recipients", recipients_json(&s->message)));
    posting_free(p);
}

/* ---- the request ---- */

/* The same key may be used again only with the same request. */
static bool take_idempotency_key(struct posting *p, struct api_refusal *why)
{
    sgl_view key = http_header(p->r, "Idempotency-Key"), body = http_body(p->r),
             type = http_header(p->r, "Content-Type");
    crypto_hash_sha256_state state;

    if (key.ptr == NULL)
        return true;
    if (key.len == 0 || key.len > IDEMPOTENCY_KEY_MAX || !sgl_ascii_is_printable(key))
        return api_refuse(why, 400, "idempotency-key", "Idempotency-Key",
                          "The key must be 1 to 255 printable ASCII characters.", SGL_LIT(""));
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, type.ptr, type.len);
    crypto_hash_sha256_update(&state, (const unsigned char *)"", 1);
    crypto_hash_sha256_update(&state, p->r->query.ptr, p->r->query.len);
    crypto_hash_sha256_update(&state, (const unsigned char *)"", 1);
    crypto_hash_sha256_update(&state, body.ptr, body.len);
    crypto_hash_sha256_final(&state, p->submission.request_hash);
    if (sgl_arena_dup(p->submission.arena, key, &p->submission.idempotency_key) != SGL_OK)
        return api_refuse_memory(why);
    return true;
}

static bool compose(struct posting *p, struct api_message *m, struct api_refusal *why)
{
    size_t bound = sgl_compose_bound(&m->compose);
    struct admission_answer answer;
    struct sgl_diag diag = {0};
    enum sgl_status status;

    if (!admission_has_room(p->api->admission, bound, &answer))
        return api_refuse(why, answer.http, answer.code, "body", answer.text, SGL_LIT(""));
    if (getrandom(m->compose.random, sizeof(m->compose.random), 0) !=
        (ssize_t)sizeof(m->compose.random))
        return api_refuse_memory(why);
    m->compose.date = clock_now_s();
    sgl_buf_init(&p->raw, bound + 4096);
    status = sgl_buf_reserve(&p->raw, bound);
    if (status == SGL_OK)
        status = sgl_compose_put(&p->raw, &m->compose, &diag);
    if (status != SGL_OK)
        api_compose_refusal(m, status, &diag, why);
    return status == SGL_OK;
}

/* The JSON is gone when admission is done. */
static bool keep_list(struct submission *s, struct api_refusal *why)
{
    return s->list.ptr == NULL ||
           (sgl_arena_dup(s->arena, s->list, &s->list) == SGL_OK &&
            sgl_arena_dup(s->arena, s->list_name, &s->list_name) == SGL_OK) ||
           api_refuse_memory(why);
}

static bool take_json(struct posting *p, const json_t *json, struct api_refusal *why)
{
    struct submission *s = &p->submission;
    struct api_message m = {.decoded = SGL_BUF_INIT(http_body(p->r).len + DECODED_SLACK)};
    bool fine = api_parse(p->api, s->who, json, s->arena, &m, why) && compose(p, &m, why);

    s->raw = sgl_buf_view(&p->raw);
    s->message.env_from = m.from.mailbox.text;
    s->message.rcpt = m.rcpt;
    s->message.rcpts = m.rcpts;
    s->list = m.list;
    s->list_name = m.list_name;
    sgl_buf_done(&m.decoded);
    return fine && keep_list(s, why);
}

static bool take_raw(struct posting *p, struct api_refusal *why)
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

static void fill_submission(struct posting *p, struct identity *who)
{
    struct submission *s = &p->submission;
    struct http_request *r = p->r;
    struct sgl_buf peer = SGL_BUF_INIT(128);
    bool v6 = strchr(http_peer(r), ':') != NULL;

    *s =
        (struct submission){.who = who, .arena = http_arena(r), .loop = http_loop(r), .done = sent};
    s->message.door = SGL_LIT("http");
    s->message.peer = sgl_view_cstr(http_peer(r));
    s->message.smtputf8 = true;
    s->protocol = http_is_tls(r) ? SGL_LIT("HTTPS") : SGL_LIT("HTTP");
    s->tls_text = http_tls_text(r);
    sgl_buf_addf(&peer, "[%s%s]", v6 ? "IPv6:" : "", http_peer(r));
    if (sgl_arena_dup(s->arena, sgl_buf_view(&peer), &s->peer_text) != SGL_OK)
        s->peer_text = SGL_LIT("");
    s->helo = s->peer_text;
    sgl_buf_done(&peer);
}

static bool is_raw(const struct http_request *r)
{
    sgl_view rest, type = sgl_view_trim(sgl_view_split(http_header(r, "Content-Type"), ';', &rest));

    return sgl_view_eq_nocase(type, SGL_LIT("message/rfc822")) ||
           sgl_view_eq_nocase(type, SGL_LIT("message/global"));
}

static void message_post(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_authenticate(r, api->directory);
    struct api_refusal why = {0};
    struct posting *p;
    json_t *json = NULL;
    bool fine;

    if (who == NULL)
        return;
    if (!is_raw(r)) {
        json = http_json(r);
        if (json == NULL) {
            identity_unref(who);
            return;
        }
    }
    p = calloc(1, sizeof(*p));
    if (p == NULL) {
        identity_unref(who);
        json_decref(json);
        api_refuse_memory(&why);
        reply_refusal(r, &why);
        return;
    }
    p->r = r;
    p->api = api;
    fill_submission(p, who);
    fine = take_idempotency_key(p, &why) &&
           (json == NULL ? take_raw(p, &why) : take_json(p, json, &why));
    json_decref(json);
    if (fine) {
        admission_submit(api->admission, &p->submission);
        return;
    }
    posting_free(p);
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
