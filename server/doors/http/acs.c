/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /emails:send:  whose -> read -> composed -> admission -> 202 with the operation's address.
 *
 * The operation's id, which the client chooses or we do, is the message's idempotency key: a request that comes again is the operation that it was.
 */
#include "acs.h"

#include <stdio.h>

#include "acs_internal.h"
#include "sigillo/ascii.h"

#define RETRY_AFTER_S "1"
/* A client sends a request again up to three times with the date that it had at first, which must still be good then; who is told to come too early is told so once more. */
#define WAIT_MAX_S (HMAC_WINDOW_DEFAULT / 4)

/* ---- the answer ---- */

/* May it stand in an address that we hand out? */
static bool is_host(sgl_view host)
{
    for (size_t i = 0; i < host.len; i++)
        if (!sgl_ascii_is_alnum(host.ptr[i]) &&
            sgl_view_find(SGL_LIT(".-:[]_"), host.ptr[i]) == SGL_LIT(".-:[]_").len)
            return false;
    return host.len > 0;
}

/* The one that the host is known by: behind a proxy it is not the one that the request came by. A key's own name stands before the host, with a dot. */
static const char *scheme_of(const struct http_request *r, sgl_view url, sgl_view host)
{
    size_t at = sgl_view_find_view(url, SGL_LIT("://"));
    sgl_view public = at == url.len ? SGL_LIT("") : sgl_view_from(url, at + 3);
    bool https = http_is_tls(r);

    if (public.len > 0 && sgl_view_ends(host, public) &&
        (host.len == public.len || host.ptr[host.len - public.len - 1] == '.'))
        https = sgl_view_starts(url, SGL_LIT("https:"));
    return https ? "https" : "http";
}

/* Where the operation is asked for: at the host that the client reached; where that cannot be said, a path, which the client completes itself. */
static void put_location(struct http_request *r, const struct acs *acs, const char *id)
{
    struct sgl_buf text = SGL_BUF_INIT(2048);
    sgl_view host = http_header(r, "Host"), version = http_query(r, "api-version");

    if (is_host(host))
        sgl_buf_addf(&text, "%s://%.*s", scheme_of(r, sgl_view_cstr(tokens_url(acs->tokens)), host),
                     SGL_FMT(host));
    sgl_buf_addf(&text, "/emails/operations/%s?api-version=%.*s", id, SGL_FMT(version));
    if (text.status == SGL_OK)
        http_reply_header(r, "Operation-Location", sgl_buf_view(&text));
    sgl_buf_done(&text);
}

/* Admission speaks of the envelope; the request has other names for it. */
static void reply_answer(struct api_post *p, const struct admission_answer *answer)
{
    struct admission_answer mine = *answer;

    if (strcmp(mine.field, "MAIL FROM") == 0 || strcmp(mine.field, "From") == 0)
        snprintf(mine.field, sizeof(mine.field), "senderAddress");
    else if (strcmp(mine.field, "RCPT TO") == 0 || strcmp(mine.field, "recipients") == 0)
        snprintf(mine.field, sizeof(mine.field), "recipients");
    else if (strcmp(mine.field, "Idempotency-Key") == 0)
        snprintf(mine.field, sizeof(mine.field), "Operation-Id");
    if (mine.retry_after_s > WAIT_MAX_S)
        mine.retry_after_s = WAIT_MAX_S;
    mine.code = acs_code(mine.code, mine.rule);
    http_reply_answer(p->r, &mine);
}

static void sent(struct submission *s, const struct admission_answer *answer)
{
    struct api_post *p = api_post_of(s);
    sgl_view given = http_header(p->r, "Operation-Id");
    char id[GUID_TEXT_SIZE];

    if (answer->smtp >= 400) {
        reply_answer(p, answer);
        api_post_free(p);
        return;
    }
    if (given.len == 0)
        given = sgl_view_from(s->idempotency_key, sizeof(ACS_KEY_PREFIX) - 1);
    snprintf(id, sizeof(id), "%.*s", SGL_FMT(given));
    put_location(p->r, p->ctx, id);
    http_reply_header(p->r, "retry-after", SGL_LIT(RETRY_AFTER_S));
    http_reply_json(p->r, 202, json_pack("{s:s, s:s}", "id", id, "status", "Running"));
    api_post_free(p);
}

/* ---- the request ---- */

static bool take_operation_id(struct api_post *p, struct api_refusal *why)
{
    sgl_view given = http_header(p->r, "Operation-Id");
    char made[GUID_TEXT_SIZE], key[ACS_KEY_SIZE];

    if (given.len == 0) {
        guid_random(made);
        given = sgl_view_cstr(made);
    }
    if (!acs_key(given, key))
        return api_refuse(why, 400, "operation-id", "Operation-Id",
                          "The Operation-Id must be a UUID.", SGL_LIT(""));
    return api_post_once(p, sgl_view_cstr(key), why);
}

static bool take_message(struct api_post *p, const json_t *json, bool content_ids,
                         struct api_refusal *why)
{
    struct submission *s = &p->submission;
    struct api_message m = {0};
    struct api_reader reader = {
        .api = p->api, .who = s->who, .arena = s->arena, .m = &m, .why = why};

    return acs_parse(&reader, json, content_ids) && api_post_message(p, &m, why);
}

static void refuse(struct http_request *r, const struct api_refusal *why)
{
    if (why->status == 503)
        http_reply_header(r, "Retry-After", SGL_LIT("30"));
    http_reply_problem(r, why->status, acs_code(why->code, why->rule), why->field, why->detail);
}

static void send_(struct acs_call *c)
{
    static const char *const long_strings[] = {"content.plainText", "content.html",
                                               "attachments.*.contentInBase64", NULL};
    struct http_request *r = c->r;
    struct api_refusal why = {0};
    json_t *json = http_json_long(r, long_strings);
    struct api_post *p;
    bool fine;

    if (json == NULL)
        return;
    p = api_post_new(r, c->acs->api, c->who, SGL_LIT("acs"));
    c->who = NULL;
    if (p == NULL) {
        json_decref(json);
        api_refuse_memory(&why);
        refuse(r, &why);
        return;
    }
    p->ctx = c->acs;
    fine = take_operation_id(p, &why) && take_message(p, json, c->content_ids, &why);
    json_decref(json);
    if (fine) {
        http_body_done(r); /* the message is composed */
        api_post_submit(p, NULL, sent);
        return;
    }
    api_post_free(p);
    refuse(r, &why);
}

static void send_post(struct http_request *r, void *ctx)
{
    acs_begin(r, ctx, send_);
}

void acs_routes(struct http *http, const struct acs *acs)
{
    void *ctx = (void *)(uintptr_t)acs;

    http_shape_below(http, "/emails:send", acs_shape);
    http_shape_below(http, "/emails/", acs_shape);
    http_route(http, HTTP_PUBLIC, "POST", "/emails:send", send_post, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/emails/operations/{id}", acs_operation_get, ctx);
    /* as the examples of the service itself write it */
    http_route(http, HTTP_PUBLIC, "GET", "//emails/operations/{id}", acs_operation_get, ctx);
}
