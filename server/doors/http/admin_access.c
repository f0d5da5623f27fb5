/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles: which route is for whom, and what of it he sees.  An owner and a reader are held to their own subscription: what is of another one is not there for them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "admin_internal.h"

#define V1 "/admin/v1/"
/* arm.h */
#define ARM_SUBSCRIPTION "/subscriptions/{subscription}/providers/Microsoft.Communication/"
#define ARM_GROUP                                                                                  \
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Communication/"
#define ARM           ARM_GROUP "emailServices/{service}/domains"
#define ARM_LISTS     ARM "/{name}/suppressionLists"
#define ARM_ADDRESSES ARM_LISTS "/{list}/suppressionListAddresses"
#define ARM_SERVICES  ARM_GROUP "communicationServices"
#define ARM_MAIL      ARM_GROUP "emailServices"

static const struct admin_access table[] = {
    {"GET", V1 "subscriptions", ROLE_READER, "subscription list"},
    {"POST", V1 "subscriptions", ROLE_OPERATOR, "subscription add"},
    {"GET", V1 "subscriptions/{name}", ROLE_READER, "subscription show"},
    {"PATCH", V1 "subscriptions/{name}", ROLE_OPERATOR, "subscription change"},
    {"GET", V1 "doors", ROLE_READER, "door list"},
    {"GET", V1 "tls/records", ROLE_READER, "tls records"},
    {"GET", V1 "profiles", ROLE_READER, "profile list"},
    {"GET", V1 "usage", ROLE_READER, "usage"},
    {"GET", V1 "guard", ROLE_READER, "guard"},
    {"GET", V1 "reports/tls/received", ROLE_READER, "report list"},
    {"POST", V1 "reports/tls/received", ROLE_OWNER, "report add"},
    {"GET", V1 "reports/dmarc", ROLE_READER, "dmarc reports"},
    {"POST", V1 "reports/dmarc", ROLE_OWNER, "dmarc report add"},
    {"GET", V1 "reports/transit", ROLE_READER, "transit"},
    {"GET", V1 "reports/tls/sent", ROLE_OPERATOR, "tls reports sent"},
    {"GET", V1 "reports/dmarc/sent", ROLE_OPERATOR, "dmarc reports sent"},
    {"GET", V1 "reports/reputation", ROLE_OPERATOR, "reputation"},
    {"DELETE", V1 "reputation/{name}", ROLE_OPERATOR, "reputation forget"},
    {"GET", V1 "domains", ROLE_READER, "domain list"},
    {"POST", V1 "domains", ROLE_OWNER, "domain add"},
    {"GET", V1 "domains/{name}", ROLE_READER, "domain show"},
    {"PATCH", V1 "domains/{name}", ROLE_OWNER, "domain change"},
    {"DELETE", V1 "domains/{name}", ROLE_OWNER, "domain remove"},
    {"POST", V1 "domains/{name}/verify", ROLE_OWNER, "domain verify"},
    {"POST", V1 "domains/{name}/publish", ROLE_OWNER, "domain publish"},
    {"GET", V1 "domains/{name}/rotation", ROLE_READER, "domain rotation"},
    {"POST", V1 "domains/{name}/rotation", ROLE_OWNER, "domain rotate"},
    {"DELETE", V1 "domains/{name}/rotation", ROLE_OWNER, "domain rotate cancel"},
    {"GET", V1 "domains/{name}/mta-sts", ROLE_READER, "domain mta-sts"},
    {"PUT", V1 "domains/{name}/mta-sts", ROLE_OWNER, "domain mta-sts"},
    {"GET", V1 "domains/{name}/records", ROLE_READER, "domain records"},
    {"GET", V1 "credentials", ROLE_READER, "credential list"},
    {"POST", V1 "credentials", ROLE_OWNER, "credential add"},
    {"PATCH", V1 "credentials/{name}", ROLE_OWNER, "credential change"},
    {"DELETE", V1 "credentials/{name}", ROLE_OWNER, "credential remove"},
    {"GET", V1 "keys", ROLE_READER, "key list"},
    {"POST", V1 "keys", ROLE_OWNER, "key add"},
    {"GET", V1 "keys/{id}", ROLE_READER, "key show"},
    {"PATCH", V1 "keys/{id}", ROLE_OWNER, "key change"},
    {"DELETE", V1 "keys/{id}", ROLE_OWNER, "key remove"},
    {"GET", V1 "apps", ROLE_READER, "app list"},
    {"POST", V1 "apps", ROLE_OWNER, "app add"},
    {"GET", V1 "apps/{name}", ROLE_READER, "app show"},
    {"PATCH", V1 "apps/{name}", ROLE_OWNER, "app change"},
    {"DELETE", V1 "apps/{name}", ROLE_OWNER, "app remove"},
    {"GET", V1 "accounts", ROLE_READER, "account list"},
    {"POST", V1 "accounts", ROLE_OWNER, "account add"},
    {"GET", V1 "accounts/{address}", ROLE_READER, "account show"},
    {"PATCH", V1 "accounts/{address}", ROLE_OWNER, "account change"},
    {"DELETE", V1 "accounts/{address}", ROLE_OWNER, "account remove"},
    {"GET", V1 "locals", ROLE_READER, "local list"},
    {"POST", V1 "locals", ROLE_OPERATOR, "local add"},
    {"GET", V1 "locals/{name}", ROLE_READER, "local show"},
    {"PATCH", V1 "locals/{name}", ROLE_OWNER, "local change"},
    {"DELETE", V1 "locals/{name}", ROLE_OWNER, "local remove"},
    {"GET", V1 "senders", ROLE_READER, "sender list"},
    {"POST", V1 "senders", ROLE_OWNER, "sender add"},
    {"PATCH", V1 "senders/{address}", ROLE_OWNER, "sender change"},
    {"DELETE", V1 "senders/{address}", ROLE_OWNER, "sender remove"},
    {"GET", V1 "groups", ROLE_READER, "group list"},
    {"POST", V1 "groups", ROLE_OWNER, "group add"},
    {"GET", V1 "groups/{name}", ROLE_READER, "group show"},
    {"PATCH", V1 "groups/{name}", ROLE_OWNER, "group change"},
    {"DELETE", V1 "groups/{name}", ROLE_OWNER, "group remove"},
    {"GET", V1 "policies", ROLE_READER, "policy list"},
    {"GET", V1 "policies/test", ROLE_READER, "policy test"},
    {"POST", V1 "policies", ROLE_OWNER, "policy add"},
    {"DELETE", V1 "policies/{id}", ROLE_OWNER, "policy remove"},
    {"GET", V1 "routes", ROLE_READER, "route list"},
    {"POST", V1 "routes", ROLE_OWNER, "route add"},
    {"GET", V1 "routes/test", ROLE_READER, "route test"},
    {"GET", V1 "routes/{pattern}", ROLE_READER, "route show"},
    {"PATCH", V1 "routes/{pattern}", ROLE_OWNER, "route change"},
    {"DELETE", V1 "routes/{pattern}", ROLE_OWNER, "route remove"},
    {"GET", V1 "suppressions", ROLE_READER, "suppression list"},
    {"POST", V1 "suppressions", ROLE_OWNER, "suppression add"},
    {"GET", V1 "suppressions/export", ROLE_READER, "suppression export"},
    {"POST", V1 "suppressions/import", ROLE_OWNER, "suppression import"},
    {"DELETE", V1 "suppressions/{address}", ROLE_OWNER, "suppression remove"},
    {"GET", V1 "messages", ROLE_READER, "message list"},
    {"POST", V1 "messages", ROLE_OWNER, "message send"},
    {"GET", V1 "messages/{id}", ROLE_READER, "message show"},
    {"POST", V1 "queue/retry", ROLE_OWNER, "queue retry"},
    {"POST", V1 "queue/cancel", ROLE_OWNER, "queue cancel"},
    {"POST", V1 "queue/hold", ROLE_OWNER, "queue hold"},
    {"POST", V1 "queue/release", ROLE_OWNER, "queue release"},
    {"GET", V1 "stats", ROLE_OPERATOR, "stats"},
    {"GET", V1 "audit", ROLE_READER, "audit"},
    {"GET", V1 "openapi.json", ROLE_NONE, "openapi"},
    {"GET", ARM, ROLE_READER, "domain list"},
    {"GET", ARM "/{name}", ROLE_READER, "domain show"},
    {"PUT", ARM "/{name}", ROLE_OWNER, "domain add"},
    {"DELETE", ARM "/{name}", ROLE_OWNER, "domain remove"},
    {"POST", ARM "/{name}/initiateVerification", ROLE_OWNER, "domain verify"},
    {"POST", ARM "/{name}/cancelVerification", ROLE_OWNER, "domain verify"},
    {"GET", ARM "/{name}/senderUsernames", ROLE_READER, "sender list"},
    {"GET", ARM "/{name}/senderUsernames/{username}", ROLE_READER, "sender show"},
    {"PUT", ARM "/{name}/senderUsernames/{username}", ROLE_OWNER, "sender add"},
    {"DELETE", ARM "/{name}/senderUsernames/{username}", ROLE_OWNER, "sender remove"},
    {"GET", ARM_SUBSCRIPTION "communicationServices", ROLE_READER, "service list"},
    {"GET", ARM_SUBSCRIPTION "emailServices", ROLE_READER, "resource list"},
    {"POST", ARM_SUBSCRIPTION "checkNameAvailability", ROLE_OWNER, "service list"},
    {"GET", ARM_SERVICES, ROLE_READER, "service list"},
    {"GET", ARM_SERVICES "/{service}", ROLE_READER, "service show"},
    {"PUT", ARM_SERVICES "/{service}", ROLE_OWNER, "service add"},
    {"PATCH", ARM_SERVICES "/{service}", ROLE_OWNER, "service change"},
    {"DELETE", ARM_SERVICES "/{service}", ROLE_OWNER, "service remove"},
    {"POST", ARM_SERVICES "/{service}/listKeys", ROLE_OWNER, "service keys"},
    {"POST", ARM_SERVICES "/{service}/regenerateKey", ROLE_OWNER, "service change"},
    {"GET", ARM_MAIL, ROLE_READER, "resource list"},
    {"GET", ARM_MAIL "/{service}", ROLE_READER, "resource show"},
    {"PUT", ARM_MAIL "/{service}", ROLE_OWNER, "resource add"},
    {"PATCH", ARM_MAIL "/{service}", ROLE_OWNER, "resource change"},
    {"DELETE", ARM_MAIL "/{service}", ROLE_OWNER, "resource remove"},
    {"PATCH", ARM "/{name}", ROLE_OWNER, "domain change"},
    {"GET", ARM_LISTS, ROLE_READER, "resource list"},
    {"GET", ARM_LISTS "/{list}", ROLE_READER, "resource show"},
    {"PUT", ARM_LISTS "/{list}", ROLE_OWNER, "resource add"},
    {"DELETE", ARM_LISTS "/{list}", ROLE_OWNER, "resource remove"},
    {"GET", ARM_ADDRESSES, ROLE_READER, "suppression list"},
    {"GET", ARM_ADDRESSES "/{address}", ROLE_READER, "suppression show"},
    {"PUT", ARM_ADDRESSES "/{address}", ROLE_OWNER, "suppression add"},
    {"DELETE", ARM_ADDRESSES "/{address}", ROLE_OWNER, "suppression remove"},
};

const struct admin_access *admin_access(const char *method, const char *pattern)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(table[i].pattern, pattern) == 0 && strcmp(table[i].method, method) == 0)
            return &table[i];
    return NULL;
}

sgl_view admin_scope(const struct identity *who)
{
    return who->role == ROLE_OPERATOR ? SGL_LIT("") : sgl_view_cstr(who->subscription);
}

bool admin_sees(const struct identity *who, sgl_view subscription)
{
    return who->role == ROLE_OPERATOR || sgl_view_eq(admin_scope(who), subscription);
}

/* ---- what was refused, for the audit ---- */

struct watch {
    struct identity *who;
    const struct admin *admin;
};

/* What the request is about: what its path names last, or the name that its body gives. */
static void put_object(struct sgl_buf *out, struct http_request *r)
{
    static const char *const members[] = {"address", "name",  "message",
                                          "domain",  "label", "identity"};
    const char *open = strrchr(http_pattern(r), '{');
    sgl_view body = http_body(r);
    size_t start = out->len;
    json_t *json;

    if (open != NULL) {
        char name[32];

        snprintf(name, sizeof(name), "%.*s", (int)strcspn(open + 1, "}"), open + 1);
        sgl_buf_add(out, http_param(r, name));
        return;
    }
    json = body.len == 0 ? NULL : json_loadb((const char *)body.ptr, body.len, 0, NULL);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && out->len == start; i++) {
        const json_t *value = json_object_get(json, members[i]);

        if (json_is_string(value))
            sgl_buf_add_cstr(out, json_string_value(value));
    }
    json_decref(json);
}

/* "domain add" is about a domain. */
static void put_kind(struct sgl_buf *out, const char *action)
{
    sgl_buf_add(out, sgl_view_of(action, strcspn(action, " ")));
    sgl_buf_add_byte(out, ':');
}

static void write_line(struct http_request *r, const struct watch *w, const struct http_problem *p)
{
    const struct admin_access *a = admin_access(http_method(r), http_pattern(r));
    const char *action = a == NULL ? http_pattern(r) : a->action;
    struct sgl_buf object = SGL_BUF_INIT(65536), detail = SGL_BUF_INIT(4096);
    struct store_audit line = {.actor = sgl_view_cstr(w->who->name),
                               .peer = sgl_view_cstr(http_peer(r)),
                               .action = sgl_view_cstr(action),
                               .subscription = admin_scope(w->who),
                               .result = sgl_view_cstr(p->code)};

    put_kind(&object, action);
    put_object(&object, r);
    sgl_buf_addf(&detail, "%s%s%s", p->field == NULL ? "" : p->field,
                 p->field == NULL || p->field[0] == '\0' ? "" : ": ",
                 p->detail == NULL ? "" : p->detail);
    line.object = sgl_buf_view(&object);
    line.detail = sgl_buf_view(&detail);
    audit_refused(w->admin->audit, &line, clock_mono_ms());
    sgl_buf_done(&object);
    sgl_buf_done(&detail);
}

/* Of what only reads, the audit keeps who was not allowed to. */
static void told(struct http_request *r, const struct http_problem *p, void *ctx)
{
    struct watch *w = ctx;

    if (p != NULL && (p->status == 403 || strcmp(http_method(r), "GET") != 0))
        write_line(r, w, p);
    identity_unref(w->who);
    free(w);
}

static void watch(struct http_request *r, const struct admin *admin, struct identity *who)
{
    struct watch *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return; /* what was refused for want of memory is not kept either */
    w->who = identity_ref(who);
    w->admin = admin;
    http_watch(r, told, w);
}

/* ---- may he? ---- */

static bool refuse(struct http_request *r, const struct identity *who, enum role least)
{
    char text[160];

    snprintf(text, sizeof(text), "This is for the role %s; the one of this key is %s.",
             role_name(least), role_name(who->role));
    http_reply_problem(r, 403, "role", "Authorization", text);
    return false;
}

bool admin_role_fits(struct http_request *r, const struct admin *admin, struct identity *who)
{
    const struct admin_access *a = admin_access(http_method(r), http_pattern(r));
    enum role least = a == NULL ? ROLE_OPERATOR : a->least;

    watch(r, admin, who);
    /* Held to no subscription, a role below an operator's would see all. */
    if (who->role < least || (who->role != ROLE_OPERATOR && who->subscription[0] == '\0'))
        return refuse(r, who, least);
    return true;
}

bool admin_take_scope(struct http_request *r, sgl_view scope, sgl_view *subscription)
{
    if (scope.len == 0 || sgl_view_eq(scope, *subscription))
        return true;
    if (subscription->len == 0) {
        *subscription = scope;
        return true;
    }
    http_reply_problem(
        r, 404, "not-found", "subscription",
        "there is no such subscription; sigillo subscription list shows those that are there");
    return false;
}

bool admin_may_read(struct http_request *r, const struct admin *admin, sgl_view *scope)
{
    struct identity *who = admin_who(r, admin);
    bool kept;

    if (who == NULL)
        return false;
    kept = sgl_arena_dup(http_arena(r), admin_scope(who), scope) == SGL_OK;
    identity_unref(who);
    if (!kept)
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
    return kept;
}
