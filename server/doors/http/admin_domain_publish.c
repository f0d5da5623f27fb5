/* SPDX-License-Identifier: Apache-2.0 */
/* What the server does in a domain's zone when somebody asks for it: records are published, or withdrawn when the domain goes. */
#include <stdio.h>
#include <stdlib.h>

#include "../../config/config.h"
#include "../../setup/publishing.h"
#include "admin_internal.h"

struct publish_job {
    struct setup_publish publish; /* first: cast from it */
    struct directory_change change;
    struct http_request *r;
    const struct admin *admin;
    struct identity *who;
    struct domain *domain;
};

static void job_free(struct publish_job *j)
{
    publishing_free(j->publish.publishing);
    domain_unref(j->domain);
    identity_unref(j->who);
    free(j);
}

/* ---- as JSON ---- */

static json_t *change_json(const struct publish_item *item)
{
    const struct update_change *c = &item->change;
    json_t *remove = json_array();

    for (size_t i = 0; i < c->olds && !c->lenient; i++)
        json_array_append_new(remove, admin_json_view(c->old[i]));
    return json_pack("{s:s, s:o, s:s, s:o, s:o}", "zone", item->to->zone, "name",
                     admin_json_view(c->name.text), "type", sgl_rr_name(c->type), "add",
                     admin_json_view(c->add), "remove", remove);
}

static json_t *plan_json(const struct publish_job *j)
{
    const struct publishing *p = j->publish.publishing;
    json_t *changes = json_array(), *held = json_array();

    for (size_t i = 0; i < p->shown; i++)
        json_array_append_new(changes, change_json(&p->plan.item[i]));
    for (size_t i = 0; i < p->plan.helds; i++) {
        const struct publish_held *h = &p->plan.held[i];

        json_array_append_new(
            held, json_pack("{s:o, s:s, s:o}", "name", admin_json_view(h->name.text), "type",
                            sgl_rr_name(h->type), "why", admin_json_view(h->why)));
    }
    return json_pack("{s:s, s:I, s:o, s:o}", "domain", j->domain->name, "changed",
                     (json_int_t)p->changed, "changes", changes, "held", held);
}

static const char *result_word(enum update_result result)
{
    switch (result) {
    case UPDATE_CONFLICT:
        return "update-conflict";
    case UPDATE_REFUSED:
        return "update-refused";
    case UPDATE_DONE:
    case UPDATE_FAILED:
        break;
    }
    return "update-failed";
}

static void reply_failure(const struct publish_job *j)
{
    const struct setup_publish *p = &j->publish;

    if (p->result == SETUP_NO_DOMAIN)
        http_reply_problem(j->r, 404, "domain-unknown", "name", ADMIN_NO_DOMAIN);
    else if (p->result != SETUP_CHECKED)
        http_reply_problem(j->r, 503, "check-failed", NULL, p->why);
    else
        http_reply_problem(j->r, p->publishing->result == UPDATE_FAILED ? 503 : 409,
                           result_word(p->publishing->result), NULL, p->publishing->why);
}

/* ---- published ---- */

static void published(struct setup_publish *p)
{
    struct publish_job *j = (struct publish_job *)(void *)p;
    bool good = p->result == SETUP_CHECKED && p->publishing->result == UPDATE_DONE;

    if (p->verb == SETUP_PUBLISH)
        admin_audit(j->r, j->who, "domain publish", j->domain->name,
                    good ? "done" : "not published");
    if (good)
        http_reply_json(j->r, 200, plan_json(j));
    else
        reply_failure(j);
    job_free(j);
}

/* NULL: answered. */
static struct publish_job *job_new(struct http_request *r, const struct admin *admin)
{
    struct identity *who = admin_who(r, admin);
    struct domain *domain;
    struct publish_job *j;

    if (who == NULL)
        return NULL;
    domain = directory_domain(admin->directory, http_param(r, "name"));
    j = calloc(1, sizeof(*j));
    if (domain != NULL && admin_sees(who, sgl_view_cstr(domain->subscription)) && j != NULL &&
        admin->setup != NULL) {
        *j = (struct publish_job){.r = r, .admin = admin, .who = who, .domain = domain};
        j->publish.loop = http_loop(r);
        snprintf(j->publish.name, sizeof(j->publish.name), "%s", domain->name);
        return j;
    }
    if (domain == NULL || !admin_sees(who, sgl_view_cstr(domain->subscription)))
        http_reply_problem(r, 404, "domain-unknown", "name", ADMIN_NO_DOMAIN);
    else
        http_reply_problem(r, 503, "check-failed", NULL,
                           "Nothing can be published at this moment.");
    domain_unref(domain);
    identity_unref(who);
    free(j);
    return NULL;
}

/* Has the configuration a key for where these records go?  false: answered. */
static bool has_zone(const struct publish_job *j)
{
    const struct config *c = atomic_load(&j->admin->config);
    struct sgl_name name = {.text = sgl_view_cstr(j->domain->name)};
    char text[400];

    if (update_zone(c, name) != NULL || publish_is_automatic(c, j->domain))
        return true;
    snprintf(text, sizeof(text),
             "The configuration has no dns_update for the zone of %s: publish its records by hand.",
             j->domain->name);
    http_reply_problem(j->r, 409, "no-zone", "name", text);
    return false;
}

void admin_domain_publish(struct http_request *r, void *ctx)
{
    struct admin_member member[] = {{.name = "dry_run", .type = JSON_TRUE},
                                    {.name = "replace", .type = JSON_TRUE}};
    struct publish_job *j = job_new(r, ctx);
    json_t *body;

    if (j == NULL)
        return;
    body = admin_object(r, member, 2);
    if (body == NULL || !has_zone(j)) {
        json_decref(body);
        job_free(j);
        return;
    }
    j->publish.verb = json_is_true(member[0].value) ? SETUP_PUBLISH_PLAN : SETUP_PUBLISH;
    j->publish.replace = json_is_true(member[1].value);
    j->publish.done = published;
    json_decref(body);
    setup_publish(j->admin->setup, &j->publish);
}

/* ---- removed, and withdrawn then ---- */

/* The domain is gone; what could not be withdrawn is told. */
static void withdrawn(struct setup_publish *p)
{
    struct publish_job *j = (struct publish_job *)(void *)p;
    bool checked = p->result == SETUP_CHECKED;
    bool good = checked && p->publishing->result == UPDATE_DONE;
    const char *why = good ? "" : checked ? p->publishing->why : p->why;

    http_reply_json(j->r, 200,
                    json_pack("{s:s, s:I, s:s}", "name", j->domain->name, "withdrawn",
                              (json_int_t)(good ? p->publishing->changed : 0), "problem", why));
    job_free(j);
}

static void removed(struct directory_change *c)
{
    struct publish_job *j =
        (struct publish_job *)(void *)((char *)c - offsetof(struct publish_job, change));

    admin_audit(j->r, j->who, "domain remove", j->domain->name, admin_result_word(c->result));
    if (c->result == DIRECTORY_OK) {
        setup_publish(j->admin->setup, &j->publish);
        return;
    }
    http_reply_problem(j->r, admin_result_status(c->result), admin_result_word(c->result), c->field,
                       c->why);
    job_free(j);
}

void admin_domain_withdraw(struct http_request *r, const struct admin *admin)
{
    struct publish_job *j = job_new(r, admin);

    if (j == NULL)
        return;
    if (!has_zone(j)) {
        job_free(j);
        return;
    }
    j->publish.verb = SETUP_WITHDRAW;
    j->publish.domain = j->domain;
    j->publish.done = withdrawn;
    j->change = (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                          .verb = DIRECTORY_REMOVE,
                                          .loop = http_loop(r),
                                          .done = removed,
                                          .name = sgl_view_cstr(j->domain->name),
                                          .within = admin_scope(j->who),
                                          .actor = sgl_view_cstr(j->who->name),
                                          .peer = sgl_view_cstr(http_peer(r))};
    directory_change(admin->directory, &j->change);
}
