/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v3/api_keys: access keys of the caller's subscription, in the words of SendGrid's API.
 *
 * Nobody gives what he has not.  An owner has all of his subscription.  Who has scopes gives some of those, for his own domains; and as long as his own sending is narrowed by
 * policies, senders or limits, which are his and not the new key's, no key that sends.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../log/log.h"
#include "http_internal.h"
#include "sendgrid_internal.h"
#include "sigillo/crypto.h"

#define KEYS_MAX 100 /* of a subscription, as there */
#define ONE      "/v3/api_keys/{api_key_id}"

/* ---- as JSON ---- */

static const char *id_of(const struct identity *key)
{
    return key->name + strlen("key:");
}

json_t *sendgrid_scopes_json(const struct identity *who)
{
    json_t *list = json_array();
    struct scopes held;
    const char *name;

    scopes_of(&who->scopes, who->role, &held);
    for (size_t at = 0; (name = scopes_next(&held, &at)) != NULL;)
        json_array_append_new(list, json_string(name));
    return list;
}

static json_t *key_json(const struct identity *key)
{
    return json_pack("{s:s, s:s}", "name", key->label, "api_key_id", id_of(key));
}

static json_t *whole_key_json(const struct identity *key)
{
    json_t *json = key_json(key);

    json_object_set_new(json, "scopes", sendgrid_scopes_json(key));
    return json;
}

/* ---- what a request says ---- */

static bool wrong(struct api_refusal *why, const char *field, const char *text)
{
    return api_refuse(why, 400, SENDGRID_WRONG, field, text, SGL_LIT(""));
}

static bool take_scopes(const json_t *list, struct scopes *out, struct api_refusal *why)
{
    const json_t *item;
    size_t at;

    if (list == NULL)
        return true;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return wrong(why, "scopes", "An array of at least one scope is wanted here.");
    json_array_foreach(list, at, item)
    {
        char field[32];

        snprintf(field, sizeof(field), "scopes.%zu", at);
        if (!json_is_string(item))
            return wrong(why, field, "A scope is a string.");
        if (!scopes_add(out, api_string_view(item)))
            return api_refuse(why, 400, SENDGRID_WRONG, field, "There is no scope %s here.",
                              api_string_view(item));
    }
    return true;
}

bool sendgrid_key_parse(const json_t *json, struct sendgrid_key *out, struct api_refusal *why)
{
    const json_t *name = sendgrid_member(json, "name");

    *out = (struct sendgrid_key){0};
    if (!json_is_object(json))
        return wrong(why, "", "The body is an object with a name.");
    if (name == NULL || (json_is_string(name) && json_string_length(name) == 0))
        return wrong(why, "name", "The name is required.");
    if (!json_is_string(name))
        return wrong(why, "name", "The name is a string.");
    out->name = api_string_view(name);
    return take_scopes(sendgrid_member(json, "scopes"), &out->scopes, why);
}

/* ---- who may give what ---- */

static bool is_owner(const struct identity *who)
{
    return !who->scopes.listed && who->role >= ROLE_OWNER;
}

/* May he make a key with these scopes, or give them to `to`, which is there (NULL: a new one, for his own domains)? */
static bool may_give(struct directory *d, const struct identity *who, const struct scopes *scopes,
                     const struct identity *to)
{
    if (is_owner(who))
        return true;
    if (!scopes_within(scopes, &who->scopes, who->role))
        return false;
    if (!scopes_allow(scopes, ROLE_NONE, "mail.send"))
        return true;
    return !directory_is_narrowed(d, who) && (to == NULL || identity_has_domains_of(who, to));
}

/* Of keys with a role above his own he only sees that they are there. */
static bool may_change(const struct identity *who, const struct identity *key)
{
    return is_owner(who) || key->role == ROLE_NONE;
}

/* ---- a change on its way ---- */

struct call {
    struct directory_change change; /* first: cast from it */
    struct http_request *r;
    const struct api *api;
    struct identity *who; /* a reference */
    json_t *body;
    struct sendgrid_key asked;
    struct key_change key;
    char id[40];
};

static void call_free(struct call *c)
{
    sgl_wipe(c->change.secret, sizeof(c->change.secret));
    sgl_wipe(c->change.access_key, sizeof(c->change.access_key));
    sgl_wipe(c->change.dotted, sizeof(c->change.dotted));
    identity_unref(c->who);
    json_decref(c->body);
    free(c);
}

static const char *action_of(enum directory_verb verb)
{
    static const char *const action[] = {[DIRECTORY_ADD] = "key add",
                                         [DIRECTORY_CHANGE] = "key change",
                                         [DIRECTORY_REMOVE] = "key remove"};

    return action[verb];
}

/* Who tries to give more than he has stands in the audit. */
static void refuse(const struct call *c, const char *why)
{
    struct sgl_buf object = SGL_BUF_INIT(512);
    struct store_audit line = {.actor = c->change.actor,
                               .peer = c->change.peer,
                               .action = sgl_view_cstr(action_of(c->change.verb)),
                               .subscription = c->change.within,
                               .result = SGL_LIT("scope"),
                               .detail = sgl_view_cstr(why)};

    sgl_buf_add_cstr(&object, "key:");
    sgl_buf_add(&object, http_param(c->r, "api_key_id"));
    line.object = sgl_buf_view(&object);
    audit_refused(c->api->audit, &line, clock_mono_ms());
    sgl_buf_done(&object);
    http_reply_problem(c->r, 403, "scope", NULL, why);
}

static void out_of_memory(struct http_request *r)
{
    http_reply_header(r, "Retry-After", SGL_LIT("5"));
    http_reply_problem(r, 503, "memory-full", NULL,
                       "The server has no memory left for this; try again soon.");
}

static int status_of(enum directory_result result)
{
    switch (result) {
    case DIRECTORY_OK:
        return 200;
    case DIRECTORY_INVALID:
        return 400;
    case DIRECTORY_NOT_FOUND:
        return 404;
    case DIRECTORY_EXISTS:
    case DIRECTORY_IN_USE:
    case DIRECTORY_CONFLICT:
        return 409;
    case DIRECTORY_UNAVAILABLE:
        break;
    }
    return 503;
}

static json_t *made_json(const struct call *c)
{
    json_t *json = json_pack("{s:s, s:s}", "api_key", c->change.dotted, "api_key_id", c->change.id);
    struct identity *key = directory_key(c->api->directory, sgl_view_cstr(c->change.id), NULL);

    json_object_set_new(json, "name",
                        json_stringn((const char *)c->asked.name.ptr, c->asked.name.len));
    json_object_set_new(json, "scopes", key == NULL ? json_array() : sendgrid_scopes_json(key));
    identity_unref(key);
    return json;
}

static json_t *changed_json(const struct call *c)
{
    struct identity *key = directory_key(c->api->directory, sgl_view_cstr(c->id), NULL);
    json_t *json = key == NULL              ? json_object() /* removed again already */
                   : c->asked.scopes.listed ? whole_key_json(key)
                                            : key_json(key);

    identity_unref(key);
    return json;
}

static void answer(const struct call *c)
{
    switch (c->change.verb) {
    case DIRECTORY_ADD:
        http_reply_json(c->r, 201, made_json(c));
        return;
    case DIRECTORY_CHANGE:
        http_reply_json(c->r, 200, changed_json(c));
        return;
    case DIRECTORY_REMOVE:
        break;
    }
    http_reply_empty(c->r, 204);
}

static void changed(struct directory_change *change)
{
    struct call *c = (struct call *)(void *)change;
    int status = status_of(change->result);

    log_line(LOG_INFO_, "admin", LOG_STR("who", c->who->name), LOG_STR("peer", http_peer(c->r)),
             LOG_STR("what", action_of(change->verb)),
             LOG_STR("about", change->verb == DIRECTORY_ADD ? change->id : c->id),
             LOG_STR("result", status == 200 ? "done" : change->why));
    if (change->result == DIRECTORY_OK) {
        answer(c);
    } else {
        if (status == 503)
            http_reply_header(c->r, "Retry-After", SGL_LIT("5"));
        http_reply_problem(c->r, status, status == 404 ? "not-found" : SENDGRID_WRONG,
                           strcmp(change->field, "label") == 0 ? "name" : change->field,
                           change->why);
    }
    call_free(c);
}

/* NULL: answered. */
static struct call *call_new(struct http_request *r, const struct api *api, const char *scope,
                             enum directory_verb verb)
{
    struct identity *who = http_caller(r, api->directory, scope);
    struct call *c = who == NULL ? NULL : calloc(1, sizeof(*c));

    if (c == NULL) {
        if (who != NULL)
            out_of_memory(r);
        identity_unref(who);
        return NULL;
    }
    assert(who->subscription[0] != '\0'); /* of none is only who used the admin socket */
    c->r = r;
    c->api = api;
    c->who = who;
    c->change.noun = DIRECTORY_KEY;
    c->change.verb = verb;
    c->change.loop = http_loop(r);
    c->change.done = changed;
    c->change.within = c->change.subscription = sgl_view_cstr(who->subscription);
    c->change.actor = sgl_view_cstr(who->name);
    c->change.peer = sgl_view_cstr(http_peer(r));
    c->change.key = &c->key;
    return c;
}

/* false: answered. */
static bool read_body(struct call *c)
{
    struct api_refusal why = {0};

    c->body = http_json(c->r);
    if (c->body == NULL)
        return false;
    if (sendgrid_key_parse(c->body, &c->asked, &why))
        return true;
    http_reply_problem(c->r, why.status, why.code, why.field, why.detail);
    return false;
}

/* ---- which there are ---- */

struct listing {
    const struct identity *who;
    json_t *list; /* NULL: they are only counted */
    size_t count, max;
};

/* What an operator holds is nobody else's to see. */
static bool sees(const struct identity *who, const struct identity *key)
{
    return who->subscription[0] != '\0' && strcmp(key->subscription, who->subscription) == 0 &&
           key->role != ROLE_OPERATOR;
}

static bool list_one(void *ctx, struct identity *key)
{
    struct listing *l = ctx;

    if (!sees(l->who, key))
        return true;
    l->count++;
    if (l->list != NULL)
        json_array_append_new(l->list, key_json(key));
    return l->count < l->max;
}

static struct identity *find(const struct api *api, const struct identity *who, sgl_view id)
{
    struct identity *key = directory_key(api->directory, id, NULL);

    if (key == NULL || sees(who, key))
        return key;
    identity_unref(key);
    return NULL;
}

static void not_found(struct http_request *r)
{
    http_reply_problem(r, 404, "not-found", NULL, "There is no such API key.");
}

static void list_get(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, "api_keys.read");
    struct listing l = {.who = who, .max = SIZE_MAX};
    sgl_view limit = http_query(r, "limit");
    uint64_t max = 0;

    if (who == NULL)
        return;
    if (limit.ptr != NULL && (!sgl_view_u64(limit, INT32_MAX, &max) || max == 0)) {
        identity_unref(who);
        http_reply_problem(r, 400, SENDGRID_WRONG, "limit", "A whole number above 0 is wanted.");
        return;
    }
    if (max > 0)
        l.max = (size_t)max;
    l.list = json_array();
    directory_each_identity(api->directory, IDENTITY_KEY, list_one, &l);
    identity_unref(who);
    http_reply_json(r, 200, json_pack("{s:o}", "result", l.list));
}

/* The specification has it in a list, and programs look for its members beside that. */
static void one_get(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, "api_keys.read"), *key;
    json_t *json;

    if (who == NULL)
        return;
    key = find(api, who, http_param(r, "api_key_id"));
    identity_unref(who);
    if (key == NULL) {
        not_found(r);
        return;
    }
    json = whole_key_json(key);
    json_object_set_new(json, "result", json_pack("[o]", whole_key_json(key)));
    identity_unref(key);
    http_reply_json(r, 200, json);
}

/* ---- made ---- */

/* What is not said is as with him: his scopes, or the role of an owner. */
static void fill_new(struct call *c)
{
    struct directory_change *change = &c->change;
    const struct identity *who = c->who;

    change->name = c->asked.name;
    c->key.scopes = c->asked.scopes.listed ? c->asked.scopes : who->scopes;
    if (!c->key.scopes.listed)
        change->role = ROLE_OWNER;
    if (is_owner(who) || who->any_domain)
        change->domain[change->domains++] = SGL_LIT("*");
    for (size_t i = 0; change->domains < DIRECTORY_DOMAINS_MAX && i < who->domains; i++)
        if (!is_owner(who) && !who->any_domain)
            change->domain[change->domains++] = sgl_view_cstr(who->domain[i]);
}

static void key_post(struct http_request *r, void *ctx)
{
    struct call *c = call_new(r, ctx, "api_keys.create", DIRECTORY_ADD);
    struct listing l;

    if (c == NULL)
        return;
    if (!read_body(c)) {
        call_free(c);
        return;
    }
    l = (struct listing){.who = c->who, .max = KEYS_MAX};
    directory_each_identity(c->api->directory, IDENTITY_KEY, list_one, &l);
    fill_new(c);
    if (l.count >= KEYS_MAX) {
        refuse(c, "There are 100 API keys; remove one of them first.");
        call_free(c);
    } else if (!may_give(c->api->directory, c->who, &c->key.scopes, NULL)) {
        refuse(c, "Nobody can give scopes that he does not have, or, while policies, senders or "
                  "limits narrow his own sending, one to send.");
        call_free(c);
    } else {
        directory_change(c->api->directory, &c->change);
    }
}

/* ---- changed, removed ---- */

/* false: answered. It is changed as it was seen. */
static bool aim(struct call *c)
{
    struct identity *key = find(c->api, c->who, http_param(c->r, "api_key_id"));
    bool may = key != NULL && may_change(c->who, key);
    bool gives = may && (!c->asked.scopes.listed ||
                         may_give(c->api->directory, c->who, &c->asked.scopes, key));

    if (key == NULL)
        not_found(c->r);
    else if (!gives)
        refuse(c, may ? "Nobody can give scopes that he does not have, or for domains of others."
                      : "This key has a role, and yours has none.");
    if (gives) {
        snprintf(c->id, sizeof(c->id), "%s", id_of(key));
        c->change.name = sgl_view_cstr(c->id);
        c->change.version = key->version;
    }
    identity_unref(key);
    return gives;
}

static void change(struct http_request *r, void *ctx, bool scopes)
{
    struct call *c = call_new(r, ctx, "api_keys.update", DIRECTORY_CHANGE);

    if (c == NULL)
        return;
    if (!read_body(c)) {
        call_free(c);
        return;
    }
    if (!scopes)
        c->asked.scopes = (struct scopes){0};
    if (!aim(c)) {
        call_free(c);
        return;
    }
    c->change.label = c->asked.name;
    c->key.scopes = c->asked.scopes;
    directory_change(c->api->directory, &c->change);
}

static void name_patch(struct http_request *r, void *ctx)
{
    change(r, ctx, false);
}

static void key_put(struct http_request *r, void *ctx)
{
    change(r, ctx, true);
}

static void key_delete(struct http_request *r, void *ctx)
{
    struct call *c = call_new(r, ctx, "api_keys.delete", DIRECTORY_REMOVE);

    if (c == NULL)
        return;
    if (aim(c))
        directory_change(c->api->directory, &c->change);
    else
        call_free(c);
}

/* ---- what the caller may do ---- */

static void scopes_get(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, NULL);
    json_t *list;

    if (who == NULL)
        return;
    list = sendgrid_scopes_json(who);
    identity_unref(who);
    http_reply_json(r, 200, json_pack("{s:o}", "scopes", list));
}

void sendgrid_keys_routes(struct http *http, const struct api *api)
{
    void *ctx = (void *)(uintptr_t)api;

    http_route(http, HTTP_PUBLIC, "GET", "/v3/scopes", scopes_get, ctx);
    http_route(http, HTTP_PUBLIC, "POST", "/v3/api_keys", key_post, ctx);
    http_route(http, HTTP_PUBLIC, "GET", "/v3/api_keys", list_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", ONE, one_get, ctx);
    http_route(http, HTTP_PUBLIC, "PATCH", ONE, name_patch, ctx);
    http_route(http, HTTP_PUBLIC, "PUT", ONE, key_put, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", ONE, key_delete, ctx);
}
