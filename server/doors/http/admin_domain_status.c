/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a domain's records, whether it may send, and a check on demand. */
#include <stdio.h>
#include <stdlib.h>

#include "../../config/config.h"
#include "../../setup/setup.h"
#include "admin_internal.h"
#include "sigillo/idn.h"

/* ---- as JSON ---- */

static json_t *text_json(const char *text)
{
    return text == NULL ? json_null() : admin_json_view(sgl_view_cstr(text));
}

static json_t *time_json(int64_t time_s)
{
    return admin_time(time_s * 1000);
}

/* Which parts a kind of domain has. */
static bool has_part(const struct domain *d, enum domain_part part)
{
    switch (part) {
    case PART_SPF:
    case PART_DKIM:
    case PART_DMARC:
        return true;
    case PART_DKIM2:
        return d->kind != DOMAIN_PARKED;
    case PART_OWNERSHIP:
    case PART_RETURN_PATH:
    case PART_MTA_STS:
    case PART_TLS_RPT:
        return d->kind == DOMAIN_CUSTOM;
    case PART_NULL_MX:
        return d->kind == DOMAIN_PARKED;
    case DOMAIN_PARTS:
        break;
    }
    return false;
}

static json_t *status_json(const struct domain *d, enum domain_part part)
{
    const struct domain_status *s = &d->status[part];
    bool required = d->kind == DOMAIN_CUSTOM && domain_part_required(part);

    return json_pack(
        "{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "title", domain_part_title(part), "state",
        domain_state_name(s->state), "required", (int)required, "since", time_json(s->since_s),
        "verified_at", time_json(s->verified_at_s), "lost_at", time_json(s->lost_at_s), "found",
        text_json(s->found), "expected", text_json(s->expected), "why", text_json(s->why));
}

static json_t *statuses_json(const struct domain *d)
{
    json_t *json = json_object();

    for (int p = 0; p < DOMAIN_PARTS; p++)
        if (has_part(d, (enum domain_part)p))
            json_object_set_new(json, domain_part_name((enum domain_part)p),
                                status_json(d, (enum domain_part)p));
    return json;
}

static const char *verdict_name(enum domain_verdict verdict)
{
    switch (verdict) {
    case DOMAIN_MAY_SEND:
        return "yes";
    case DOMAIN_UNVERIFIED:
        return "unverified";
    case DOMAIN_LOST:
        return "lost";
    case DOMAIN_IS_PARKED:
        break;
    }
    return "parked";
}

/* When a domain that goes on sending without a record stops. */
static int64_t stops_at(const struct domain *d, const struct config *c)
{
    int64_t first = 0;

    if (!c->verification.required || d->kind != DOMAIN_CUSTOM)
        return 0;
    for (int p = 0; p < DOMAIN_PARTS; p++) {
        int64_t lost = d->status[p].lost_at_s;

        if (lost != 0 && domain_part_required((enum domain_part)p) && (first == 0 || lost < first))
            first = lost;
    }
    return first == 0 ? 0 : first + (int64_t)c->verification.grace_s;
}

static void put_gate(json_t *json, const struct domain *d, const struct config *c)
{
    struct domain_rules rules = {.required = c->verification.required,
                                 .grace_s = c->verification.grace_s};
    unsigned missing;
    enum domain_verdict verdict = domain_may_send(d, &rules, clock_now_s(), &missing);
    json_t *list = json_array();

    for (int p = 0; p < DOMAIN_PARTS; p++)
        if ((missing >> p & 1) != 0)
            json_array_append_new(list, json_string(domain_part_name((enum domain_part)p)));
    json_object_set_new(json, "may_send", json_boolean(verdict == DOMAIN_MAY_SEND));
    json_object_set_new(json, "sending", json_string(verdict_name(verdict)));
    json_object_set_new(json, "missing", list);
    json_object_set_new(json, "stops_at", time_json(stops_at(d, c)));
}

/* The name in its own script, where it has one. */
static void put_unicode(json_t *json, const char *name)
{
    struct sgl_arena arena = SGL_ARENA_INIT(8192);
    sgl_view text;

    if (strstr(name, "xn--") != NULL &&
        sgl_idn_to_unicode(sgl_view_cstr(name), &arena, &text) == SGL_OK)
        json_object_set_new(json, "unicode", admin_json_view(text));
    sgl_arena_done(&arena);
}

void admin_domain_put_status(json_t *json, const struct admin *admin, struct domain *d)
{
    put_unicode(json, d->name);
    json_object_set_new(json, "kind", json_string(domain_kind_name(d->kind)));
    json_object_set_new(json, "return_path", json_string(d->return_path));
    json_object_set_new(json, "checked_at", time_json(atomic_load(&d->checked_at_s)));
    json_object_set_new(json, "unknown_since", time_json(atomic_load(&d->unknown_since_s)));
    put_gate(json, d, atomic_load(&admin->config));
    json_object_set_new(json, "status", statuses_json(d));
    if (d->sts_policy[0] != '\0')
        json_object_set_new(json, "mta_sts", admin_domain_sts_json(admin, d));
}

/* ---- a check on demand ---- */

struct verify {
    struct setup_check check; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    const char *param;
    admin_verified *answer;
};

static json_t *coach_json(const struct sgl_setup_coach *coach)
{
    return json_pack("{s:s, s:o, s:o}", "step", sgl_setup_step_name(coach->step), "text",
                     admin_json_view(coach->text), "record", admin_json_view(coach->record));
}

static json_t *seen_json(struct http_request *r, const struct admin *admin,
                         const struct setup_check *c)
{
    json_t *json = admin_setup_json(c->seen), *domain = admin_domain_json(admin, c->domain);

    (void)r;
    json_object_update(json, domain);
    json_decref(domain);
    json_object_set_new(json, "unknown", json_boolean(c->unknown));
    if (c->domain->kind != DOMAIN_PARKED)
        json_object_set_new(json, "coach", coach_json(&c->seen->coach));
    return json;
}

static void verified(struct setup_check *c)
{
    struct verify *v = (struct verify *)(void *)c;

    switch (c->result) {
    case SETUP_CHECKED:
        http_reply_json(v->r, 200, v->answer(v->r, v->admin, c));
        break;
    case SETUP_NO_DOMAIN:
        http_reply_problem(v->r, 404, "domain-unknown", v->param, ADMIN_NO_DOMAIN);
        break;
    case SETUP_BUSY:
        http_reply_problem(v->r, 503, "busy", NULL, c->why);
        break;
    case SETUP_FAILED:
        http_reply_problem(v->r, 503, "check-failed", NULL, c->why);
        break;
    }
    setup_check_done(c);
    free(v);
}

void admin_verify(struct http_request *r, const struct admin *admin, const struct domain *d,
                  const char *param, admin_verified *answer)
{
    struct verify *v = admin->setup == NULL ? NULL : calloc(1, sizeof(*v));

    if (v == NULL) {
        http_reply_problem(r, 503, "check-failed", NULL, "Nothing can be checked at this moment.");
        return;
    }
    v->check.loop = http_loop(r);
    v->check.done = verified;
    v->r = r;
    v->admin = admin;
    v->param = param;
    v->answer = answer;
    snprintf(v->check.name, sizeof(v->check.name), "%s", d->name);
    setup_verify(admin->setup, &v->check);
}

void admin_domain_verify(struct http_request *r, void *ctx)
{
    struct domain *domain = admin_named_domain(r, ctx);

    if (domain != NULL)
        admin_verify(r, ctx, domain, "name", seen_json);
    domain_unref(domain);
}
