/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong, as programs for SendGrid know it. */
#include <stdio.h>

#include "http_internal.h"
#include "sendgrid_internal.h"

#define FROM                                                                                       \
    "The from address does not match a verified Sender Identity. Mail cannot be sent until this "  \
    "error is resolved."

struct said {
    const char *message; /* the service's sentence; NULL: our own */
    bool field;          /* is it named? */
};

static bool is_from(const struct http_problem *p)
{
    sgl_view field = sgl_view_cstr(p->field == NULL ? "" : p->field);

    return p->status == 403 &&
           (sgl_view_eq(field, SGL_LIT("from")) || sgl_view_ends(field, SGL_LIT(".from")));
}

static struct said say(const struct http_problem *p)
{
    if (p->status == 401)
        return (struct said){"The provided authorization grant is invalid, expired, or revoked",
                             false};
    if (p->status == 403 && (strcmp(p->code, "scope") == 0 || strcmp(p->code, "on-behalf-of") == 0))
        return (struct said){"access forbidden", false};
    if (p->status == 429)
        return (struct said){"too many requests", false};
    if (strcmp(p->code, "address-syntax") == 0)
        return (struct said){"Does not contain a valid address.", true};
    if (is_from(p))
        return (struct said){FROM, true};
    return (struct said){NULL, p->status != 413};
}

/* A place in the JSON is written with brackets elsewhere: here "content[0].type" is "content.0.type". */
static void put_dots(const char *field, struct sgl_buf *out)
{
    for (const char *c = field; *c != '\0'; c++) {
        if (*c == '[' && c > field)
            sgl_buf_add_byte(out, '.');
        else if (*c != '[' && *c != ']')
            sgl_buf_add_byte(out, (uint8_t)*c);
    }
}

/* Nothing is left now, and there is more when Retry-After says so. */
static void put_rate(struct http_request *r)
{
    const char *after =
        r->ev == NULL ? NULL
                      : evhttp_find_header(evhttp_request_get_output_headers(r->ev), "Retry-After");
    char reset[32];

    snprintf(reset, sizeof(reset), "%lld",
             (long long)(clock_now_s() + (after == NULL ? 1 : strtoll(after, NULL, 10))));
    http_reply_header(r, "X-RateLimit-Remaining", SGL_LIT("0"));
    http_reply_header(r, "X-RateLimit-Reset", sgl_view_cstr(reset));
}

/* Our own word for it, and our own sentence where the service's takes its place, stand under help. */
json_t *sendgrid_shape(struct http_request *r, const struct http_problem *p, int *status)
{
    const struct said said = say(p);
    const char *detail = p->detail == NULL ? http_reason(p->status) : p->detail;
    const char *field = said.field && p->field != NULL && p->field[0] != '\0' ? p->field : NULL;
    json_t *help = json_pack("{s:s}", "code", p->code), *json;
    struct sgl_buf dots = SGL_BUF_INIT(4096);

    *status = p->status == 422 ? 400 : p->status;
    if (p->status == 429)
        put_rate(r);
    if (said.message != NULL)
        json_object_set_new(help, "text", json_string(detail));
    if (field != NULL)
        put_dots(field, &dots);
    sgl_buf_add_byte(&dots, '\0');
    json = json_pack("{s:[{s:s, s:s?, s:o}]}", "errors", "message",
                     said.message == NULL ? detail : said.message, "field",
                     field == NULL || dots.status != SGL_OK ? NULL : (const char *)dots.data,
                     "help", help);
    sgl_buf_done(&dots);
    return json;
}
