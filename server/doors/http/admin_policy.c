/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: whom an identity may send as; and the question whether it may, with the rule that answers it. */
#include "admin_internal.h"

static bool list_one(void *ctx, struct policy *p)
{
    json_array_append_new(
        ctx, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:I}", "id", p->owned.key, "identity",
                       p->identity, "right", p->deny ? "deny" : "allow", "group", p->group,
                       "subscription", p->owned.subscription, "description", p->description,
                       "created_at", admin_time(p->owned.created_at * 1000), "version",
                       (json_int_t)p->owned.version));
    return true;
}

static void list(struct directory *d, json_t *to)
{
    directory_each_policy(d, list_one, to);
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    sgl_view right = admin_text(member[1].value);

    n->policy = (struct policy_change){.identity = admin_text(member[0].value),
                                       .group = admin_text(member[2].value),
                                       .description = admin_text(member[3].value),
                                       .deny = sgl_view_eq(right, SGL_LIT("deny"))};
    n->change.name = n->policy.identity;
    n->change.subscription = admin_text(member[4].value);
    n->change.policy = &n->policy;
    if (n->policy.deny || sgl_view_eq(right, SGL_LIT("allow")))
        return true;
    http_reply_problem(n->r, 422, "invalid", "right", "The right is \"allow\" or \"deny\".");
    return false;
}

static json_t *added(const struct admin_change *n)
{
    return json_pack("{s:s}", "id", n->change.id);
}

const struct admin_noun admin_policies = {
    .noun = DIRECTORY_POLICY,
    .name = "policy",
    .plural = "policies",
    .path = "/admin/v1/policies",
    .one = "/admin/v1/policies/{id}",
    .param = "id",
    .list = list,
    .member = {{.name = "identity", .type = JSON_STRING, .required = true},
               {.name = "right", .type = JSON_STRING, .required = true},
               {.name = "group", .type = JSON_STRING, .required = true},
               {.name = "description", .type = JSON_STRING},
               {.name = "subscription", .type = JSON_STRING}},
    .take = take,
    .added = added,
};

/* ---- asked ---- */

/* The identity, when it is there for him, as an operator's is not; NULL: answered. */
static struct identity *take_identity(struct http_request *r, const struct admin *admin,
                                      sgl_view scope)
{
    sgl_view name = http_query(r, "identity");
    struct identity *who = name.len == 0 ? NULL : directory_identity(admin->directory, name);

    if (who != NULL && (scope.len == 0 || (who->role != ROLE_OPERATOR &&
                                           sgl_view_eq(scope, sgl_view_cstr(who->subscription)))))
        return who;
    identity_unref(who);
    if (name.len == 0)
        http_reply_problem(r, 400, "member-missing", "identity", "This must be given.");
    else
        http_reply_problem(r, 404, "not-found", "identity",
                           "there is no such identity; write it as in credential:NAME or key:ID");
    return NULL;
}

static bool take_sender(struct http_request *r, struct sgl_mailbox *out)
{
    sgl_view text = http_query(r, "sender");
    struct sgl_diag diag = {0};

    if (text.len > 0 && text.ptr[text.len - 1] == '.')
        text.len--;
    if (sgl_mailbox_parse(text, http_arena(r), out, &diag) == SGL_OK)
        return true;
    http_reply_problem(r, 422, "address-syntax", "sender",
                       diag.what == NULL ? "This is no mail address." : diag.what);
    return false;
}

static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

static void policy_test(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct directory_access access;
    struct sgl_mailbox mailbox;
    struct identity *who;
    sgl_view scope;

    if (!admin_may_read(r, admin, &scope))
        return;
    who = take_identity(r, admin, scope);
    if (who == NULL)
        return;
    if (take_sender(r, &mailbox)) {
        (void)directory_may_send(admin->directory, who, &mailbox, NULL, &access);
        http_reply_json(r, 200,
                        json_pack("{s:b, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "granted",
                                  (int)access.granted, "rule", access_rule_name(access.rule),
                                  "text", access_rule_text(access.rule), "identity", who->name,
                                  "sender", admin_json_view(mailbox.text), "policy",
                                  text_or_null(access.policy), "group", text_or_null(access.group),
                                  "member", text_or_null(access.member)));
    }
    identity_unref(who);
}

void admin_policy_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/policies/test", policy_test, ctx);
}
