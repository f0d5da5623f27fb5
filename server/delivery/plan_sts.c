/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a domain's MTA-STS policy means for its hosts  [RFC 8461 s4, s5].  Asked for beside DNS; the plan waits for both.
 *
 * An enforced policy names the hosts that may have the mail, and asks each for a certificate with its name from a public authority.  Where DANE authenticates a host that signed MX
 * records name, DANE decides [RFC 8461 s2].  What cannot be known is asked for again, and nothing is sent meanwhile.
 */
#include <stdio.h>
#include <string.h>

#include "plan_internal.h"
#include "sigillo/limits.h"

static void take(struct planner *p)
{
    struct plan *plan = p->plan;
    struct sts_answer *answer = &p->sts.answer;

    plan->sts_state = answer->state;
    plan->sts_trouble = answer->trouble;
    snprintf(plan->sts_why, sizeof plan->sts_why, "%s", answer->why);
    if (sts_policy_counts(answer->policy))
        plan->sts = answer->policy;
    else
        sts_policy_unref(answer->policy);
    answer->policy = NULL;
}

static void answered(struct sts_ask *ask)
{
    struct planner *p = (struct planner *)(void *)((char *)ask - offsetof(struct planner, sts));

    p->sts_waits = false;
    take(p);
    if (p->dns_is_done)
        plan_pass(p);
}

/* The name whose policy it is: the recipients' domain, or the smart host  [RFC 8461 s3.4]. false: there is none. */
static bool policy_domain(const struct planner *p, struct sgl_arena *arena, struct sgl_name *out)
{
    *out = p->domain;
    if (p->literal)
        return false;
    return !plan_has_smart_host(p->plan) ||
           sgl_name_parse(sgl_view_cstr(p->plan->route->host),
                          SGL_NAME_HOST | SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT, arena, NULL,
                          out) == SGL_OK;
}

/* Of a smart host that has to prove its name anyway nothing more could be asked; and where nothing published counts, nobody asks. */
static bool is_wanted(const struct plan *plan)
{
    if (plan->route != NULL &&
        (plan->route->tls == ROUTE_TLS_NONE ||
         (plan_has_smart_host(plan) && plan->route->tls == ROUTE_TLS_VERIFIED)))
        return false;
    return plan->tls != DEST_TLS_LAX;
}

void plan_ask_sts(struct planner *p, struct sts *sts)
{
    sgl_auto(sgl_arena) names = SGL_ARENA_INIT(4 * SGL_LIMIT_NAME_TEXT);
    struct sgl_name domain;

    if (sts == NULL || !is_wanted(p->plan) || !policy_domain(p, &names, &domain))
        return;
    p->sts = (struct sts_ask){.done = answered};
    if (sts_ask(sts, domain, &p->sts))
        take(p);
    else
        p->sts_waits = true;
}

/* ---- what it means for a host ---- */

static bool is_enforced(const struct plan *plan)
{
    return plan->sts != NULL && plan->sts->policy.mode == SGL_MTA_STS_ENFORCE;
}

void plan_note_sts(const struct plan *plan, struct plan_host *host)
{
    host->sts_listed = plan->sts != NULL && sgl_mta_sts_matches(&plan->sts->policy, host->name);
    host->sts_demands = host->sts_listed && is_enforced(plan);
    host->named = host->named || host->sts_demands; /* [RFC 8689 s4.2.1] */
}

/*
 * DANE decides where it proves the host and that the domain's own signed MX records name it.  With MX records that nobody signed it proves a host that anybody may have named:
 * that is what the policy is for [RFC 7672 s2.2.1, RFC 8461 s2].
 */
static bool is_proved_by_dane(const struct plan_host *host)
{
    return host->dane.level == SGL_DANE_AUTHENTICATE && host->dane.domain_protected;
}

enum sgl_status plan_refused_by_sts(struct plan *plan, const struct plan_host *host,
                                    const char **why)
{
    char text[3 * SGL_LIMIT_NAME_TEXT];
    sgl_view kept;

    *why = NULL;
    if (is_proved_by_dane(host))
        return SGL_OK;
    if (plan->sts_state == STS_UNKNOWN)
        *why = plan->sts_why;
    if (plan->sts_state == STS_UNKNOWN || !is_enforced(plan) || host->sts_listed)
        return SGL_OK;
    snprintf(text, sizeof text, "MTA-STS of %.*s (enforce): %.*s is not in the policy",
             SGL_FMT(plan->sts->domain), SGL_FMT(host->name.text));
    SGL_TRY(sgl_arena_dup(&plan->arena, sgl_view_of(text, strlen(text) + 1), &kept));
    *why = (const char *)kept.ptr;
    return SGL_OK;
}
