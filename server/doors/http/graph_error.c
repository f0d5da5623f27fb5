/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong, as programs for Microsoft Graph know it. */
#include <stdio.h>
#include <time.h>

#include "graph_internal.h"
#include "http_internal.h"
#include "sigillo/ascii.h"

#define CLIENT_ID_MAX 100

struct row {
    const char *code; /* ours */
    int status;
    const char *name, *message; /* message NULL: our own sentence */
};

static const struct row rows[] = {
    {"graph-mime", 400, "ErrorMimeContentInvalidBase64String",
     "Invalid base64 string for MIME content."},
    {"header-syntax", 400, "ErrorMimeContentInvalid", NULL},
    {"graph-header", 400, "InvalidInternetMessageHeader", NULL},
    {"graph-headers", 400, "InvalidInternetMessageHeaderCollection", NULL},
    {"no-recipients", 400, "ErrorInvalidRecipients", NULL},
    {"too-many-recipients", 400, "ErrorInvalidRecipients", NULL},
    {"graph-recipient", 400, "ErrorInvalidRecipients", NULL},
    {"graph-user", 404, "ErrorInvalidUser", NULL},
    {"graph-me", 400, "BadRequest",
     "/me request is only valid with delegated authentication flow."},
    {"graph-send-as", 403, "ErrorSendAsDenied", NULL},
    {"draft-unknown", 404, "ErrorItemNotFound", "The specified object was not found in the store."},
    {"draft-limit", 507, "ErrorQuotaExceeded", NULL},
    {"upload-range", 416, "ErrorInvalidRange", NULL},
    {"too-many-guesses", 429, "TooManyRequests", NULL},
    {"json-syntax", 400, "BadRequest", NULL},
    {"json-depth", 400, "BadRequest", NULL},
    {"json-values", 400, "BadRequest", NULL},
    {"body-missing", 400, "BadRequest", NULL},
    {"member-unknown", 400, "BadRequest", NULL},
};

/* What has no row goes by its status. */
static const struct row by_status[] = {
    {NULL, 400, "BadRequest", NULL},
    {NULL, 401, "InvalidAuthenticationToken", NULL},
    {NULL, 403, "ErrorAccessDenied", NULL},
    {NULL, 404, "ResourceNotFound", NULL},
    {NULL, 405, "MethodNotAllowed", NULL},
    {NULL, 409, "ErrorIrresolvableConflict", NULL},
    {NULL, 413, "ErrorMessageSizeExceeded", NULL},
    {NULL, 415, "UnsupportedMediaType", NULL},
    {NULL, 429, "ApplicationThrottled", NULL},
    {NULL, 500, "InternalServerError", NULL},
    {NULL, 503, "ServiceUnavailable", NULL},
    {NULL, 507, "InsufficientStorage", NULL},
};

static struct row find(const struct http_problem *p)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(p->code, rows[i].code) == 0)
            return rows[i];
    for (size_t i = 0; i < sizeof(by_status) / sizeof(by_status[0]); i++)
        if (p->status == by_status[i].status)
            return by_status[i];
    return (struct row){NULL, 400, "ErrorInvalidParameter", NULL};
}

/* ---- the ids by which both sides find a request again ---- */

static const char *given_id(const struct http_request *r)
{
    const char *id =
        r->ev == NULL ? NULL
                      : evhttp_find_header(evhttp_request_get_output_headers(r->ev), "request-id");

    return id == NULL ? "" : id;
}

static sgl_view client_id(const struct http_request *r)
{
    sgl_view id = http_header(r, "client-request-id");

    return id.len <= CLIENT_ID_MAX && sgl_ascii_is_printable(id) ? id : SGL_LIT("");
}

void graph_put_ids(struct http_request *r)
{
    char id[GUID_TEXT_SIZE];

    if (given_id(r)[0] != '\0')
        return;
    guid_random(id);
    http_reply_header(r, "request-id", sgl_view_cstr(id));
    http_reply_header(r, "client-request-id",
                      client_id(r).len > 0 ? client_id(r) : sgl_view_cstr(id));
}

static json_t *inner(const struct http_request *r, const struct http_problem *p)
{
    time_t now = (time_t)clock_now_s();
    struct tm tm;
    char date[40] = "";

    if (gmtime_r(&now, &tm) != NULL)
        (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    return json_pack("{s:s, s:s, s:s, s:s%}", "code", p->code, "date", date, "request-id",
                     given_id(r), "client-request-id",
                     client_id(r).len > 0 ? (const char *)client_id(r).ptr : given_id(r),
                     client_id(r).len > 0 ? client_id(r).len : strlen(given_id(r)));
}

/* Where the message is what programs compare, our own sentence stands within. */
json_t *graph_shape(struct http_request *r, const struct http_problem *p, int *status)
{
    const struct row row = find(p);
    const char *detail = p->detail == NULL ? row.name : p->detail;
    json_t *error, *in;

    graph_put_ids(r);
    error = json_pack("{s:s, s:s}", "code", row.name, "message",
                      row.message == NULL ? detail : row.message);
    in = inner(r, p);
    *status = row.status;
    if (p->field != NULL && p->field[0] != '\0')
        json_object_set_new(error, "target", json_string(p->field));
    if (row.message != NULL)
        json_object_set_new(in, "message", json_string(detail));
    json_object_set_new(error, "innerError", in);
    return json_pack("{s:o}", "error", error);
}

void graph_refuse(struct http_request *r, const struct api_refusal *why)
{
    if (why->status == 503)
        http_reply_header(r, "Retry-After", SGL_LIT("30"));
    http_reply_problem(r, why->status, why->code, why->field, why->detail);
}
