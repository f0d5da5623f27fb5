/* SPDX-License-Identifier: Apache-2.0 */
/* The rotation of a domain's DKIM keys: begun, hurried, taken back, and told where it is. */
#include <stdio.h>
#include <stdlib.h>

#include "../../config/config.h"
#include "../../setup/publish.h"
#include "../../setup/setup.h"
#include "admin_internal.h"

/* ---- as JSON ---- */

enum part { SIGNS, WAITS, RETIRES };

static json_t *names(const struct domain *d, enum part part)
{
    json_t *list = json_array();

    for (size_t i = 0; i < d->selectors; i++) {
        const struct selector *s = &d->selector[i];
        enum part is = s->active ? SIGNS : s->retires ? RETIRES : WAITS;

        if (is == part)
            json_array_append_new(list, json_string(s->name));
    }
    return list;
}

/* What happens next, and whose turn it is. */
static const char *next_text(const struct domain *d, bool automatic)
{
    switch (d->rotation.step) {
    case ROTATION_NONE:
        return "No rotation is under way.";
    case ROTATION_PUBLISH:
        return automatic ? "The new key is published; it signs when all name servers have it."
                         : "Publish the record of the selector that waits (sigillo domain records "
                           "shows it); it is waited for until all name servers have it.";
    case ROTATION_SETTLE:
        return "All name servers that answer have the new key. It signs when what was known of its "
               "name "
               "before is forgotten everywhere.";
    case ROTATION_KEEP:
        return "The new key signs. Leave the record of the old one where it is, for messages that "
               "are on their way.";
    case ROTATION_REVOKE:
        break;
    }
    return automatic ? "The old key is being revoked."
                     : "Revoke the old key: put \"" PUBLISH_REVOKED
                       "\" in the place of its record, or remove that; it is waited for.";
}

static json_t *time_json(int64_t s)
{
    return s == 0 ? json_null() : admin_time(s * 1000);
}

static json_t *rotation_json(const struct admin *admin, const struct domain *d)
{
    const struct domain_rotation *r = &d->rotation;
    bool automatic = publish_is_automatic(atomic_load(&admin->config), d);

    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:s}", "domain", d->name,
                     "step", rotation_step_name(r->step), "since", time_json(r->since_s), "until",
                     time_json(r->until_s), "last", time_json(r->last_s), "automatic",
                     (int)automatic, "signs", names(d, SIGNS), "waits", names(d, WAITS), "retires",
                     names(d, RETIRES), "next", next_text(d, automatic));
}

void admin_rotation_get(struct http_request *r, void *ctx)
{
    struct domain *domain = admin_named_domain(r, ctx);

    if (domain == NULL)
        return;
    http_reply_json(r, 200, rotation_json(ctx, domain));
    domain_unref(domain);
}

/* ---- changed ---- */

struct turn {
    struct directory_change change; /* first: cast from it */
    struct domain_change what;
    struct http_request *r;
    const struct admin *admin;
    struct identity *who;
    struct domain *domain; /* as it was */
};

static void turn_free(struct turn *t)
{
    domain_unref(t->domain);
    identity_unref(t->who);
    free(t);
}

static void reply_newest(const struct turn *t)
{
    struct domain *d = directory_domain(t->admin->directory, sgl_view_cstr(t->domain->name));

    if (d == NULL)
        http_reply_problem(t->r, 404, "domain-unknown", "name", ADMIN_NO_DOMAIN);
    else
        http_reply_json(t->r, 200, rotation_json(t->admin, d));
    domain_unref(d);
}

static void turned(struct directory_change *c)
{
    struct turn *t = (struct turn *)(void *)c;

    admin_audit(t->r, t->who, "domain rotate", t->domain->name, admin_result_word(c->result));
    if (c->result == DIRECTORY_OK) {
        if (t->admin->setup != NULL)
            setup_look_soon(t->admin->setup, t->domain->name);
        reply_newest(t);
    } else {
        http_reply_problem(t->r, admin_result_status(c->result), admin_result_word(c->result),
                           c->field, c->why);
    }
    turn_free(t);
}

/* NULL: answered. */
static struct turn *turn_new(struct http_request *r, const struct admin *admin)
{
    struct identity *who = admin_who(r, admin);
    struct domain *domain;
    struct turn *t;

    if (who == NULL)
        return NULL;
    domain = directory_domain(admin->directory, http_param(r, "name"));
    if (domain == NULL || !admin_sees(who, sgl_view_cstr(domain->subscription))) {
        http_reply_problem(r, 404, "domain-unknown", "name", ADMIN_NO_DOMAIN);
    } else if ((t = calloc(1, sizeof(*t))) == NULL) {
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
    } else {
        *t = (struct turn){.r = r, .admin = admin, .who = who, .domain = domain};
        return t;
    }
    domain_unref(domain);
    identity_unref(who);
    return NULL;
}

static void change(struct turn *t, enum rotation_verb verb)
{
    const struct config *c = atomic_load(&t->admin->config);

    t->what = (struct domain_change){.rotate = verb};
    if (verb == ROTATE_SWITCH)
        t->what.rotate_until_s = clock_now_s() + (int64_t)c->rotation.keep_s;
    t->change = (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                          .verb = DIRECTORY_CHANGE,
                                          .loop = http_loop(t->r),
                                          .done = turned,
                                          .name = sgl_view_cstr(t->domain->name),
                                          .version = t->domain->version,
                                          .within = admin_scope(t->who),
                                          .actor = sgl_view_cstr(t->who->name),
                                          .peer = sgl_view_cstr(http_peer(t->r)),
                                          .domain_change = &t->what};
    directory_change(t->admin->directory, &t->change);
}

/* What somebody may do at this step: what DNS has to show first cannot be hurried. */
static enum rotation_verb verb_of(const struct domain *d, bool now)
{
    switch (d->rotation.step) {
    case ROTATION_NONE:
        return ROTATE_BEGIN;
    case ROTATION_SETTLE:
        return now ? ROTATE_SWITCH : ROTATE_NOT;
    case ROTATION_KEEP:
        return now ? ROTATE_REVOKE : ROTATE_NOT;
    case ROTATION_PUBLISH:
    case ROTATION_REVOKE:
        break;
    }
    return ROTATE_NOT;
}

void admin_rotation_post(struct http_request *r, void *ctx)
{
    struct admin_member member = {.name = "now", .type = JSON_TRUE};
    struct turn *t = turn_new(r, ctx);
    enum rotation_verb verb;
    json_t *body;

    if (t == NULL)
        return;
    body = admin_object(r, &member, 1);
    if (body == NULL) {
        turn_free(t);
        return;
    }
    verb = verb_of(t->domain, json_is_true(member.value));
    json_decref(body);
    if (verb != ROTATE_NOT) {
        change(t, verb);
        return;
    }
    if (t->admin->setup != NULL)
        setup_look_soon(t->admin->setup, t->domain->name);
    reply_newest(t);
    turn_free(t);
}

void admin_rotation_delete(struct http_request *r, void *ctx)
{
    struct turn *t = turn_new(r, ctx);

    if (t != NULL)
        change(t, ROTATE_CANCEL);
}
