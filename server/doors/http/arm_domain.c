/* SPDX-License-Identifier: Apache-2.0 */
/* Domains as resources: listed, shown, added, removed, and checked when somebody asks for it. */
#include <stdio.h>
#include <stdlib.h>

#include "../../setup/setup.h"
#include "arm_internal.h"

#define DOMAINS                                                                                    \
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Communication/"      \
    "emailServices/{service}/domains"
#define DOMAIN_ DOMAINS "/{name}"

/* ---- as JSON ---- */

/* The parts that a resource shows, and the purpose of the record of each. */
static const struct part {
    const char *name, *purpose;
    enum domain_part part;
} parts[] = {
    {"Domain", "ownership", PART_OWNERSHIP},
    {"SPF", "spf", PART_SPF},
    {"DKIM", "dkim", PART_DKIM},
    {"DKIM2", "dkim2", PART_DKIM2},
    {"DMARC", "dmarc", PART_DMARC},
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static const char *state_word(enum domain_state state)
{
    static const char *const words[DOMAIN_STATES] = {
        [DOMAIN_NOT_STARTED] = "NotStarted",
        [DOMAIN_IN_PROGRESS] = "VerificationInProgress",
        [DOMAIN_VERIFIED] = "Verified",
        [DOMAIN_FAILED] = "VerificationFailed",
    };

    return words[state];
}

static json_t *states_json(const struct domain *d)
{
    json_t *json = json_object();

    for (size_t i = 0; i < PARTS; i++) {
        const struct domain_status *s = &d->status[parts[i].part];
        json_t *state = json_pack("{s:s}", "status", state_word(s->state));

        if (s->state == DOMAIN_FAILED && s->why != NULL)
            json_object_set_new(state, "errorCode", admin_json_view(sgl_view_cstr(s->why)));
        json_object_set_new(json, parts[i].name, state);
    }
    return json;
}

/* The first record of a purpose. */
static json_t *record_json(const json_t *rows, const char *purpose)
{
    const json_t *row;
    size_t at;

    json_array_foreach((json_t *)(uintptr_t)rows, at, row)
    {
        const char *of = json_string_value(json_object_get(row, "purpose"));

        if (of != NULL && strcmp(of, purpose) == 0)
            return json_pack("{s:O, s:O, s:O, s:i}", "type", json_object_get(row, "type"), "name",
                             json_object_get(row, "name"), "value", json_object_get(row, "value"),
                             "ttl", 3600);
    }
    return NULL;
}

static json_t *records_json(const struct admin *admin, struct domain *d)
{
    json_t *rows = admin_records_json(admin, d), *json = json_object();

    for (size_t i = 0; i < PARTS; i++) {
        json_t *record = record_json(rows, parts[i].purpose);

        if (record != NULL)
            json_object_set_new(json, parts[i].name, record);
    }
    json_decref(rows);
    return json;
}

static json_t *domain_json(struct http_request *r, const struct admin *admin, struct domain *d)
{
    json_t *properties = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:s}", "provisioningState",
                                   "Succeeded", "dataLocation", "local", "fromSenderDomain",
                                   d->name, "mailFromSenderDomain", d->name, "domainManagement",
                                   d->kind == DOMAIN_MANAGED ? "AzureManaged" : "CustomerManaged",
                                   "verificationStates", states_json(d), "verificationRecords",
                                   records_json(admin, d), "userEngagementTracking", "Disabled");

    return json_pack("{s:o, s:s, s:s, s:s, s:o}", "id", arm_id(r, d->name, SGL_LIT("")), "name",
                     d->name, "type", "microsoft.communication/emailservices/domains", "location",
                     "global", "properties", properties);
}

/* ---- read ---- */

struct listing {
    struct http_request *r;
    const struct admin *admin;
    const char *subscription;
    json_t *list;
};

static bool list_one(void *ctx, struct domain *d)
{
    const struct listing *l = ctx;

    if (strcmp(d->subscription, l->subscription) == 0)
        json_array_append_new(l->list, domain_json(l->r, l->admin, d));
    return true;
}

static void domains_get(struct http_request *r, void *ctx)
{
    struct listing l = {.r = r, .admin = ctx};
    struct subscription *s;
    struct identity *who;

    arm_begin(r);
    who = admin_who(r, l.admin);
    s = who == NULL ? NULL : arm_subscription(r, l.admin, who);
    identity_unref(who);
    if (s == NULL)
        return;
    l.subscription = s->name;
    l.list = json_array();
    directory_each_domain(l.admin->directory, list_one, &l);
    subscription_unref(s);
    arm_reply_list(r, l.admin, l.list);
}

static void domain_get(struct http_request *r, void *ctx)
{
    struct domain *d;

    arm_begin(r);
    d = arm_domain(r, ctx);
    if (d != NULL)
        http_reply_json(r, 200, domain_json(r, ctx, d));
    domain_unref(d);
}

/* ---- added and removed ---- */

static bool take_properties(struct admin_change *n, const json_t *properties)
{
    const json_t *management = json_object_get(properties, "domainManagement");
    const char *word = json_string_value(management);

    if (word != NULL && strcmp(word, "AzureManaged") == 0) {
        n->domain.set_kind = true;
        n->domain.kind = DOMAIN_MANAGED;
        return true;
    }
    if (word != NULL && strcmp(word, "CustomerManaged") == 0)
        return true;
    http_reply_problem(n->r, 422, "member-value", "properties.domainManagement",
                       "A domain is CustomerManaged, or AzureManaged below a zone of this server.");
    return false;
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    struct subscription *s = arm_subscription(n->r, n->admin, n->who);
    bool fine = s != NULL && take_properties(n, member[1].value) &&
                arm_keep(n->r, s->name, &n->change.subscription);

    subscription_unref(s);
    n->change.name = http_param(n->r, "name");
    admin_new_domain(n);
    return fine;
}

static json_t *added(const struct admin_change *n)
{
    struct domain *d = directory_domain(n->admin->directory, sgl_view_cstr(n->change.canonical));
    json_t *json = d == NULL ? json_object() : domain_json(n->r, n->admin, d);

    domain_unref(d);
    return json;
}

static const struct admin_noun domains = {
    .noun = DIRECTORY_DOMAIN,
    .name = "domain",
    .param = "name",
    .member = {{.name = "location", .type = JSON_STRING},
               {.name = "properties", .type = JSON_OBJECT, .required = true},
               {.name = "tags", .type = JSON_OBJECT}},
    .take = take,
    .added = added,
};

/* One that is there stays as it is: what could be changed of it by this API has no meaning here. */
static void domain_put(struct http_request *r, void *ctx)
{
    struct domain *d;

    arm_begin(r);
    d = directory_domain(((const struct admin *)ctx)->directory, http_param(r, "name"));
    domain_unref(d);
    if (d == NULL)
        admin_noun_add(r, ctx, &domains);
    else
        domain_get(r, ctx);
}

/* Nothing is tracked here, so that there is nothing to turn on. */
static void domain_patch(struct http_request *r, void *ctx)
{
    struct admin_member member[] = {{.name = "tags", .type = JSON_OBJECT},
                                    {.name = "properties", .type = JSON_OBJECT}};
    struct domain *d;
    json_t *body;

    arm_begin(r);
    d = arm_domain(r, ctx);
    body = d == NULL ? NULL : admin_object(r, member, 2);
    if (body != NULL)
        http_reply_json(r, 200, domain_json(r, ctx, d));
    json_decref(body);
    domain_unref(d);
}

static void domain_delete(struct http_request *r, void *ctx)
{
    struct domain *d;

    arm_begin(r);
    d = arm_domain(r, ctx);
    domain_unref(d);
    if (d != NULL)
        admin_noun_remove(r, ctx, &domains);
}

/* ---- verified ---- */

static json_t *verified(struct http_request *r, const struct admin *admin,
                        const struct setup_check *c)
{
    return domain_json(r, admin, c->domain);
}

/* false: answered. */
static bool take_type(struct http_request *r)
{
    struct admin_member member = {
        .name = "verificationType", .type = JSON_STRING, .required = true};
    json_t *body = admin_object(r, &member, 1);
    sgl_view type = body == NULL ? SGL_LIT("") : admin_text(member.value);
    bool known = false;

    for (size_t i = 0; i < PARTS; i++)
        known |= sgl_view_eq_nocase(type, sgl_view_cstr(parts[i].name));
    if (body != NULL && !known)
        http_reply_problem(r, 422, "member-value", "verificationType",
                           "It is one of Domain, SPF, DKIM, DKIM2 and DMARC.");
    json_decref(body);
    return known;
}

/* All records are looked at, whichever was asked for; the answer comes when they were. */
static void verify_post(struct http_request *r, void *ctx)
{
    struct domain *d;

    arm_begin(r);
    d = arm_domain(r, ctx);
    if (d != NULL && take_type(r))
        admin_verify(r, ctx, d, "domainName", verified);
    domain_unref(d);
}

/* A check is over when its request is: there is nothing to cancel. */
static void cancel_post(struct http_request *r, void *ctx)
{
    struct domain *d;

    arm_begin(r);
    d = arm_domain(r, ctx);
    if (d != NULL && take_type(r))
        http_reply_json(r, 200, domain_json(r, ctx, d));
    domain_unref(d);
}

void arm_domain_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_PUBLIC, "GET", DOMAINS, domains_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", DOMAIN_, domain_get, ctx);
    http_route(http, HTTP_PUBLIC, "PUT", DOMAIN_, domain_put, ctx);
    http_route(http, HTTP_PUBLIC, "PATCH", DOMAIN_, domain_patch, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", DOMAIN_, domain_delete, ctx);
    http_route(http, HTTP_PUBLIC, "POST", DOMAIN_ "/initiateVerification", verify_post, ctx);
    http_route(http, HTTP_PUBLIC, "POST", DOMAIN_ "/cancelVerification", cancel_post, ctx);
}
