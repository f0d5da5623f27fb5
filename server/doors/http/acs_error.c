/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong, as programs for Azure Communication Services know it. */
#include <stdio.h>

#include "acs_internal.h"

struct row {
    const char *code; /* ours */
    int status;
    const char *name, *message; /* message NULL: our own sentence */
};

#define DENIED     "Denied by the resource provider."
#define NOT_LINKED "The specified sender domain has not been linked."

static const struct row rows[] = {
    {"denied", 401, "Denied", DENIED},
    {"domain-not-linked", 404, "DomainNotLinked", NOT_LINKED},
    {"domain-not-verified", 404, "DomainNotLinked", NOT_LINKED},
    {"domain-records-lost", 404, "DomainNotLinked", NOT_LINKED},
    {"domain-parked", 404, "DomainNotLinked", NOT_LINKED},
    {"sender-unknown", 400, "InvalidSenderUserName", "Invalid email sender username"},
    {"api-version-missing", 400, "MissingApiVersionParameter", NULL},
    {"api-version", 400, "UnsupportedApiVersionValue", NULL},
    {"operation-id", 400, "InvalidOperationId", NULL},
    {"idempotency-conflict", 409, "OperationIdConflict",
     "This Operation-Id was used before with another message."},
};

/* What has no row goes by its status: all that is wrong with a message is one code. */
static const struct row by_status[] = {
    {NULL, 401, "Denied", DENIED},
    {NULL, 403, "Forbidden", NULL},
    {NULL, 404, "NotFound", NULL},
    {NULL, 405, "MethodNotAllowed", NULL},
    {NULL, 413, "RequestEntityTooLarge", NULL},
    {NULL, 429, "TooManyRequests", NULL},
    {NULL, 500, "InternalServerError", NULL},
    {NULL, 503, "ServiceUnavailable", NULL},
    {NULL, 507, "ServiceUnavailable", NULL},
};

static struct row find(const struct http_problem *p)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(p->code, rows[i].code) == 0)
            return rows[i];
    for (size_t i = 0; i < sizeof(by_status) / sizeof(by_status[0]); i++)
        if (p->status == by_status[i].status)
            return by_status[i];
    return (struct row){NULL, 400, "BadRequest", NULL};
}

const char *acs_code(const char *code, const char *rule)
{
    if (rule == NULL)
        return code;
    if (strcmp(rule, access_rule_name(ACCESS_RULE_FOREIGN)) == 0 ||
        strcmp(rule, access_rule_name(ACCESS_RULE_NOT_OWN_DOMAIN)) == 0)
        return "domain-not-linked";
    if (strcmp(rule, access_rule_name(ACCESS_RULE_NOT_OWN_SENDER)) == 0 ||
        strcmp(rule, access_rule_name(ACCESS_RULE_NOT_DOMAIN_SENDER)) == 0)
        return "sender-unknown";
    return code;
}

/* Where the message is what programs compare, our own sentence stands within. */
json_t *acs_shape(struct http_request *r, const struct http_problem *p, int *status)
{
    const struct row row = find(p);
    const char *detail = p->detail == NULL ? row.name : p->detail;
    json_t *error = json_pack("{s:s, s:s}", "code", row.name, "message",
                              row.message == NULL ? detail : row.message);
    json_t *inner = json_pack("{s:s}", "code", p->code);

    *status = row.status;
    http_reply_header(r, "x-ms-error-code", sgl_view_cstr(row.name));
    if (p->field != NULL && p->field[0] != '\0')
        json_object_set_new(error, "target", json_string(p->field));
    if (row.message != NULL)
        json_object_set_new(inner, "message", json_string(detail));
    json_object_set_new(error, "innererror", inner);
    return json_pack("{s:o}", "error", error);
}
