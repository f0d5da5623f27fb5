/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   missing records -> publishing -> look again soon
 *   a rotation's step -> (publishing of the revocation) -> look (at all name servers) -> change of the domain -> look again soon
 */
#include "act.h"

#include <stdio.h>
#include <stdlib.h>

#include "../audit/audit.h"
#include "../log/log.h"
#include "look.h"
#include "publishing.h"
#include "request.h"
#include "rotation.h"

#define AGAIN_MS 200 /* the servers of a zone learn from each other */

struct act {
    struct act *next, **prev; /* of the setup's */
    struct setup *setup;
    struct domain *domain; /* a reference */
    enum rotation_do todo;
    struct domain_change what;
    struct directory_change change;
};

/* ---- told ---- */

static void say(struct setup *s, const struct domain *d, enum log_level level, const char *actor,
                const char *action, const char *detail)
{
    char object[300];

    snprintf(object, sizeof(object), "domain:%s", d->name);
    audit_note(s->parts.store, sgl_view_cstr(actor), sgl_view_cstr(action), sgl_view_cstr(object),
               sgl_view_cstr(d->subscription), sgl_view_cstr(detail));
    log_line(level, action, LOG_STR("domain", d->name), LOG_STR("detail", detail));
}

/* Once, until it is something else. */
static void say_once(struct setup *s, struct plan *p, enum plan_told kind, const struct domain *d,
                     const char *detail)
{
    static const struct {
        const char *actor, *action;
    } of[PLAN_TOLDS] = {
        [TOLD_HELD] = {"system:publishing", "records not published"},
        [TOLD_FAILED] = {"system:publishing", "records not published"},
        [TOLD_NOT_REVOKED] = {"system:publishing", "old key not revoked"},
        [TOLD_WAITS] = {"system:rotation", "rotation waits"},
    };
    char *told = p->told[kind];

    if (strncmp(told, detail, sizeof(p->told[kind]) - 1) == 0)
        return;
    snprintf(told, sizeof(p->told[kind]), "%.199s", detail);
    say(s, d, LOG_WARN_, of[kind].actor, of[kind].action, detail);
}

/* ---- life ---- */

static struct act *act_new(struct setup *s, struct domain *d)
{
    struct act *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return NULL;
    a->setup = s;
    a->domain = domain_ref(d);
    a->next = s->acts;
    a->prev = &s->acts;
    if (a->next != NULL)
        a->next->prev = &a->next;
    s->acts = a;
    return a;
}

static void act_free(struct act *a)
{
    *a->prev = a->next;
    if (a->next != NULL)
        a->next->prev = a->prev;
    domain_unref(a->domain);
    free(a);
}

void acts_cut(struct setup *s)
{
    while (s->acts != NULL)
        act_free(s->acts);
}

/* moved: there may be more to do at once. */
static void finish(struct act *a, bool moved)
{
    struct plan *p = table_find(&a->setup->plans, sgl_view_cstr(a->domain->name));

    if (p != NULL) {
        p->busy = false;
        if (moved) {
            p->due_ms = clock_mono_ms() + AGAIN_MS;
            p->step = p->turn = 0;
        }
    }
    act_free(a);
}

/* ---- what is lacking is published ---- */

static void rotate(struct setup *s, struct plan *plan, struct domain *d);

/* What cannot be published does not hold up a rotation. */
static void published(struct publishing *p, void *ctx)
{
    struct act *a = ctx;
    struct setup *s = a->setup;
    struct domain *d = domain_ref(a->domain);
    struct plan *plan = table_find(&s->plans, sgl_view_cstr(d->name));
    char text[100];

    if (p->changed > 0) {
        snprintf(text, sizeof(text), "%zu records by dynamic update.", p->changed);
        say(a->setup, a->domain, LOG_INFO_, "system:publishing", "records published", text);
    }
    if (p->result != UPDATE_DONE && plan != NULL)
        say_once(a->setup, plan, TOLD_FAILED, a->domain, p->why);
    else if (plan != NULL)
        plan->told[TOLD_FAILED][0] = '\0';
    finish(a, p->changed > 0);
    if (p->changed == 0 && plan != NULL)
        rotate(s, plan, d);
    publishing_free(p);
    domain_unref(d);
}

static struct publishing *plan_missing(struct setup *s, const struct verification *v)
{
    struct domain *d = verification_domain(v);
    struct publishing *p = publishing_new(s, d->name);
    struct sgl_setup_request request;

    if (p == NULL)
        return NULL;
    if (setup_request(d, p->config, &p->arena, &request) == SGL_OK &&
        publish_missing(verification_seen(v), &request, p->config, false, &p->arena, &p->plan) ==
            SGL_OK)
        return p;
    publishing_free(p);
    return NULL;
}

static void tell_held(struct setup *s, struct plan *p, const struct domain *d,
                      const struct publish_held *h)
{
    char text[600];

    snprintf(text, sizeof(text), "%s %.*s: %.*s", sgl_rr_name(h->type), SGL_FMT(h->name.text),
             SGL_FMT(h->why));
    say_once(s, p, TOLD_HELD, d, text);
}

/* true: it has begun. */
static bool publish(struct setup *s, struct plan *plan, const struct verification *v)
{
    struct publishing *p = s->config->updates == 0 ? NULL : plan_missing(s, v);
    struct act *a = NULL;

    if (p == NULL)
        return false;
    if (p->plan.helds > 0)
        tell_held(s, plan, verification_domain(v), &p->plan.held[0]);
    else
        plan->told[TOLD_HELD][0] = '\0';
    if (p->plan.items > 0)
        a = act_new(s, verification_domain(v));
    if (a == NULL) {
        publishing_free(p);
        return false;
    }
    plan->busy = true;
    p->done = published;
    p->ctx = a;
    publishing_start(p);
    return true;
}

/* ---- rotation: a step is stored ---- */

static void names_of(const struct domain *d, bool retired, char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < d->selectors; i++) {
        const struct selector *s = &d->selector[i];
        int n;

        if (retired ? !s->retires : s->active || s->retires)
            continue;
        n = snprintf(out + len, size - len, "%s%s._domainkey.%s", len == 0 ? "" : ", ", s->name,
                     d->name);
        if (n < 0 || (size_t)n >= size - len)
            return;
        len += (size_t)n;
    }
}

/* The step that the domain is in now; with what somebody has to do, when nobody else does it. */
static void tell_step(struct setup *s, const struct domain *d)
{
    bool automatic = publish_is_automatic(s->config, d);
    char names[600], text[900] = "";

    switch (d->rotation.step) {
    case ROTATION_PUBLISH:
        names_of(d, false, names, sizeof(names));
        snprintf(text, sizeof(text),
                 automatic ? "The new key is published at %s."
                           : "Publish the new key at %s; it is waited for.",
                 names);
        break;
    case ROTATION_SETTLE:
        snprintf(text, sizeof(text),
                 "All name servers that answer have the new key; it signs in %lld s.",
                 (long long)(d->rotation.until_s - d->rotation.since_s));
        break;
    case ROTATION_KEEP:
        names_of(d, true, names, sizeof(names));
        snprintf(text, sizeof(text), "The new key signs. The old one stays at %s for %lld s.",
                 names, (long long)(d->rotation.until_s - d->rotation.since_s));
        break;
    case ROTATION_REVOKE:
        names_of(d, true, names, sizeof(names));
        snprintf(text, sizeof(text),
                 automatic ? "The old key at %s is revoked."
                           : "Revoke the old key: put \"" PUBLISH_REVOKED
                             "\" at %s, or remove the record; it is waited for.",
                 names);
        break;
    case ROTATION_NONE:
        snprintf(text, sizeof(text), "The rotation is done; the next key is made.");
        break;
    }
    say(s, d, LOG_INFO_, "system:rotation", "key rotation", text);
}

static void stored(struct directory_change *c)
{
    struct act *a = (struct act *)(void *)((char *)c - offsetof(struct act, change));
    struct domain *now;

    if (c->result == DIRECTORY_OK) {
        now = directory_domain(a->setup->parts.directory, sgl_view_cstr(a->domain->name));
        if (now != NULL)
            tell_step(a->setup, now);
        domain_unref(now);
    } else if (c->result != DIRECTORY_CONFLICT) {
        log_line(LOG_WARN_, "rotation not stored", LOG_STR("domain", a->domain->name),
                 LOG_STR("why", c->why));
    }
    finish(a, c->result == DIRECTORY_OK);
}

static void store(struct act *a, enum rotation_verb verb, int64_t until_s)
{
    a->what = (struct domain_change){.rotate = verb,
                                     .rotate_until_s = until_s,
                                     .reuse_names = a->setup->config->domains.dkim_zone != NULL};
    a->change = (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                          .verb = DIRECTORY_CHANGE,
                                          .loop = a->setup->parts.loop,
                                          .done = stored,
                                          .name = sgl_view_cstr(a->domain->name),
                                          .version = a->domain->version,
                                          .actor = SGL_LIT("system:rotation"),
                                          .domain_change = &a->what};
    directory_change(a->setup->parts.directory, &a->change);
}

/* ---- rotation: a step is taken ---- */

/*
 * A name server that gives no answer does not hold up a rotation for good: who asks it for the key gets nothing either and goes on to the others.  Those must have had it for the
 * settle time and rotation.silent, so that one that is only out of our reach has it by then.
 */
static bool silence_is_over(const struct act *a, int64_t settle, int64_t now)
{
    return a->todo == ROTATION_LOOK_NEW || now >= a->domain->rotation.since_s + settle +
                                                      (int64_t)a->setup->config->rotation.silent_s;
}

static void looked(struct look *l)
{
    struct act *a = l->ctx;
    struct plan *plan = table_find(&a->setup->plans, sgl_view_cstr(a->domain->name));
    const struct config *c = a->setup->config;
    int64_t now = clock_now_s();
    int64_t settle = l->ttl_s > c->rotation.settle_s ? l->ttl_s : c->rotation.settle_s;
    bool silent = l->result == LOOK_SILENT;
    bool seen = l->result == LOOK_SEEN || (silent && silence_is_over(a, settle, now));

    if ((l->result == LOOK_UNKNOWN || silent) && plan != NULL)
        say_once(a->setup, plan, TOLD_WAITS, a->domain, l->why);
    else if (plan != NULL)
        plan->told[TOLD_WAITS][0] = '\0';
    if (!seen) {
        log_line(LOG_INFO_, "rotation waits", LOG_STR("domain", a->domain->name),
                 LOG_STR("why", l->why));
        finish(a, false);
    } else if (a->todo == ROTATION_LOOK_NEW) {
        store(a, ROTATE_SETTLE, now + settle + (silent ? (int64_t)c->rotation.silent_s : 0));
    } else if (a->todo == ROTATION_LOOK_AGAIN) {
        store(a, ROTATE_SWITCH, now + (int64_t)c->rotation.keep_s);
    } else {
        store(a, ROTATE_FINISH, 0);
    }
    look_free(l);
}

static void look(struct act *a)
{
    enum look_for what = a->todo == ROTATION_LOOK_REVOKED ? LOOK_RETIRED : LOOK_WAITING;

    if (look_new(a->setup, a->domain, what, looked, a) == NULL)
        finish(a, false);
}

static void revoked(struct publishing *p, void *ctx)
{
    struct act *a = ctx;
    struct plan *plan = table_find(&a->setup->plans, sgl_view_cstr(a->domain->name));

    if (p->result != UPDATE_DONE && plan != NULL)
        say_once(a->setup, plan, TOLD_NOT_REVOKED, a->domain, p->why);
    else if (plan != NULL)
        plan->told[TOLD_NOT_REVOKED][0] = '\0';
    publishing_free(p);
    look(a);
}

/* Where nobody gave us the zone's key somebody does it by hand, and it is looked for. */
static void revoke(struct act *a)
{
    struct publishing *p = publishing_new(a->setup, a->domain->name);

    if (p == NULL || publish_revocation(a->domain, p->config, &p->arena, &p->plan) != SGL_OK ||
        p->plan.items == 0) {
        publishing_free(p);
        look(a);
        return;
    }
    p->done = revoked;
    p->ctx = a;
    publishing_start(p);
}

static void rotate(struct setup *s, struct plan *plan, struct domain *d)
{
    int64_t wait_s;
    enum rotation_do todo =
        rotation_next(d, s->config, publish_is_automatic(s->config, d), clock_now_s(), &wait_s);
    struct act *a = todo == ROTATION_WAIT ? NULL : act_new(s, d);

    if (a == NULL)
        return;
    plan->busy = true;
    a->todo = todo;
    switch (todo) {
    case ROTATION_START:
        store(a, ROTATE_BEGIN, 0);
        return;
    case ROTATION_REVOKE_OLD:
        store(a, ROTATE_REVOKE, 0);
        return;
    case ROTATION_LOOK_REVOKED:
        revoke(a);
        return;
    case ROTATION_LOOK_NEW:
    case ROTATION_LOOK_AGAIN:
        look(a);
        return;
    case ROTATION_WAIT:
        break;
    }
}

void act_after(struct setup *s, struct plan *p, const struct verification *v)
{
    struct domain *d = verification_domain(v);

    if (p->busy || d == NULL || verification_result(v)->result != SETUP_CHECKED)
        return;
    if (!publish(s, p, v))
        rotate(s, p, d);
}
