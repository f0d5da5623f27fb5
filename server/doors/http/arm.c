/* SPDX-License-Identifier: Apache-2.0 */
/* What the resources have in common: who asks for them, where they are, what is wrong. */
#include "arm.h"

#include "arm_internal.h"

/* ---- what is wrong ---- */

static const char *code_of(const struct http_problem *p)
{
    switch (p->status) {
    case 401:
        return "InvalidAuthenticationToken";
    case 403:
        return "AuthorizationFailed";
    case 404:
        return strcmp(p->code, "subscription-unknown") == 0 ? "SubscriptionNotFound"
                                                            : "ResourceNotFound";
    case 409:
        return "Conflict";
    case 413:
        return "RequestEntityTooLarge";
    case 429:
        return "TooManyRequests";
    case 500:
    case 503:
    case 507:
        return "ServiceUnavailable";
    default:
        return "BadRequest";
    }
}

static json_t *shape(struct http_request *r, const struct http_problem *p, int *status)
{
    const char *code = code_of(p);
    json_t *error = json_pack("{s:s, s:s, s:{s:s}}", "code", code, "message",
                              p->detail == NULL ? code : p->detail, "innererror", "code", p->code);

    if (*status == 422 || *status == 415)
        *status = 400;
    http_reply_header(r, "x-ms-error-code", sgl_view_cstr(code));
    if (p->field != NULL && p->field[0] != '\0')
        json_object_set_new(error, "target", json_string(p->field));
    return json_pack("{s:o}", "error", error);
}

void arm_begin(struct http_request *r)
{
    http_shape_problems(r, shape);
}

/* ---- where it is ---- */

struct subscription *arm_subscription(struct http_request *r, const struct admin *admin,
                                      const struct identity *who)
{
    struct subscription *s = directory_tenant(admin->directory, http_param(r, "subscription"));

    if (s != NULL && admin_sees(who, sgl_view_cstr(s->name)))
        return s;
    subscription_unref(s);
    http_reply_problem(r, 404, "subscription-unknown", "subscriptionId",
                       "There is no such subscription here: its tenant id is wanted, as "
                       "sigillo app show has it.");
    return NULL;
}

/* What is not there need not be removed. */
static void not_there(struct http_request *r)
{
    if (strcmp(http_method(r), "DELETE") == 0)
        http_reply_empty(r, 204);
    else
        http_reply_problem(r, 404, "domain-unknown", "domainName", ADMIN_NO_DOMAIN);
}

struct domain *arm_domain(struct http_request *r, const struct admin *admin)
{
    struct identity *who = admin_who(r, admin);
    struct subscription *s = who == NULL ? NULL : arm_subscription(r, admin, who);
    struct domain *domain;

    identity_unref(who);
    if (s == NULL)
        return NULL;
    domain = directory_domain(admin->directory, http_param(r, "name"));
    if (domain != NULL && strcmp(domain->subscription, s->name) != 0) {
        domain_unref(domain);
        domain = NULL;
    }
    if (domain == NULL)
        not_there(r);
    subscription_unref(s);
    return domain;
}

bool arm_keep(struct http_request *r, const char *text, sgl_view *out)
{
    if (sgl_arena_dup(http_arena(r), sgl_view_cstr(text), out) == SGL_OK)
        return true;
    http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
    return false;
}

json_t *arm_id(struct http_request *r, const char *domain, sgl_view username)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(4096);

    sgl_buf_addf(&text,
                 "/subscriptions/%.*s/resourceGroups/%.*s/providers/Microsoft.Communication/"
                 "emailServices/%.*s/domains/%s",
                 SGL_FMT(http_param(r, "subscription")), SGL_FMT(http_param(r, "group")),
                 SGL_FMT(http_param(r, "service")), domain);
    if (username.len > 0)
        sgl_buf_addf(&text, "/senderUsernames/%.*s", SGL_FMT(username));
    return admin_json_view(sgl_buf_view(&text));
}

void arm_routes(struct http *http, const struct admin *admin)
{
    void *ctx = (void *)(uintptr_t)admin;

    arm_domain_routes(http, ctx);
    arm_sender_routes(http, ctx);
    arm_mail_routes(http, ctx);
    arm_suppression_routes(http, ctx);
    arm_service_routes(http, ctx);
}
