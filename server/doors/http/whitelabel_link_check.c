/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Would a link with this host lead to the server?  Its alias has to lead to the name in public_url, and the certificate has to cover it.  What DNS said is kept in the noun; the
 * certificate is looked at anew each time, since it changes without anybody asking.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../lists/lists.h"
#include "../../setup/alias.h"
#include "whitelabel_internal.h"

#define REASON_SIZE 700

int64_t whitelabel_link_number(const struct branded_link *l)
{
    return whitelabel_number("link", l->owned.key, l->owned.created_at);
}

static bool leads_here(const struct admin *admin, const char *target)
{
    return target[0] != '\0' && strcmp(target, lists_host(admin->lists)) == 0;
}

bool whitelabel_link_is_valid(const struct admin *admin, const struct branded_link *l)
{
    return leads_here(admin, l->target) && lists_covers(admin->lists, l->host);
}

struct check {
    struct setup_alias alias; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct identity *who;
    int64_t number;
    struct branded_link_change what;
    struct directory_change change;
};

static void check_free(struct check *k)
{
    identity_unref(k->who);
    free(k);
}

/* ---- answered ---- */

static json_t *result_json(bool valid, const char *reason)
{
    return json_pack("{s:b, s:o}", "valid", (int)valid, "reason",
                     valid ? json_null() : admin_json_view(sgl_view_cstr(reason)));
}

static json_t *alias_json(const struct check *k)
{
    const char *host = lists_host(k->admin->lists), *target = k->alias.target;
    char reason[REASON_SIZE];

    if (host[0] == '\0')
        snprintf(reason, sizeof(reason),
                 "The server's public_url has no name that an alias could lead to.");
    else if (target[0] == '\0')
        snprintf(reason, sizeof(reason), "There is no CNAME record at %s.", k->alias.name);
    else
        snprintf(reason, sizeof(reason), "The CNAME record of %s leads to %s and not to %s.",
                 k->alias.name, target, host);
    return result_json(leads_here(k->admin, target), reason);
}

static json_t *certificate_json(const struct check *k)
{
    char reason[REASON_SIZE];

    snprintf(reason, sizeof(reason), "The server's certificate does not cover %s.", k->alias.name);
    return result_json(lists_covers(k->admin->lists, k->alias.name), reason);
}

static void answer(struct check *k)
{
    bool valid =
        leads_here(k->admin, k->alias.target) && lists_covers(k->admin->lists, k->alias.name);

    http_reply_json(k->r, 200,
                    json_pack("{s:I, s:b, s:{s:o, s:o}}", "id", (json_int_t)k->number, "valid",
                              (int)valid, "validation_results", "domain_cname", alias_json(k),
                              "certificate", certificate_json(k)));
}

static void kept(struct directory_change *c)
{
    struct check *k = (struct check *)(void *)((char *)c - offsetof(struct check, change));

    if (c->result == DIRECTORY_OK)
        answer(k);
    else if (c->result == DIRECTORY_NOT_FOUND)
        http_reply_problem(k->r, 404, "not-found", "id", "The link was removed meanwhile.");
    else
        http_reply_problem(k->r, 503, admin_result_word(c->result), NULL, c->why);
    check_free(k);
}

/* ---- asked ---- */

static void looked(struct setup_alias *a)
{
    struct check *k = (struct check *)(void *)a;
    char why[REASON_SIZE];

    if (a->result == SETUP_CHECKED) {
        k->what.target = sgl_view_cstr(a->target);
        k->change.loop = http_loop(k->r);
        directory_change(k->admin->directory, &k->change);
        return;
    }
    snprintf(why, sizeof(why), "The CNAME record of %s could not be looked at: %s", a->name,
             a->why);
    if (a->result == SETUP_BUSY)
        http_reply_problem(k->r, 503, "busy", NULL, a->why);
    else
        http_reply_problem(k->r, 500, "check-failed", NULL, why);
    check_free(k);
}

void whitelabel_link_validate(struct http_request *r, const struct admin *admin,
                              const struct identity *who, const struct branded_link *l)
{
    struct check *k = admin->setup == NULL ? NULL : calloc(1, sizeof(*k));

    if (k == NULL) {
        http_reply_problem(r, 503, "check-failed", NULL, "Nothing can be checked at this moment.");
        return;
    }
    k->r = r;
    k->admin = admin;
    k->who = identity_ref((struct identity *)(uintptr_t)who);
    k->number = whitelabel_link_number(l);
    snprintf(k->alias.name, sizeof(k->alias.name), "%s", l->host);
    k->alias.loop = http_loop(r);
    k->alias.done = looked;
    k->change = (struct directory_change){.noun = DIRECTORY_BRANDED_LINK,
                                          .verb = DIRECTORY_CHANGE,
                                          .done = kept,
                                          .actor = sgl_view_cstr(k->who->name),
                                          .peer = sgl_view_cstr(http_peer(r)),
                                          .within = sgl_view_cstr(k->who->subscription),
                                          .subscription = sgl_view_cstr(k->who->subscription),
                                          .name = sgl_view_cstr(k->alias.name),
                                          .branded_link = &k->what};
    setup_alias(admin->setup, &k->alias);
}
