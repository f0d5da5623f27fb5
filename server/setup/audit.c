/* SPDX-License-Identifier: Apache-2.0 */
/* What checks tell: lines for the audit and the log. */
#include "../audit/audit.h"

#include <stdio.h>

#include "../log/log.h"
#include "setup_internal.h"

static void say(struct setup *s, const struct domain *d, enum log_level level, const char *action,
                const char *detail)
{
    char object[300];

    snprintf(object, sizeof(object), "domain:%s", d->name);
    audit_note(s->parts.store, SGL_LIT("system:verification"), sgl_view_cstr(action),
               sgl_view_cstr(object), sgl_view_cstr(d->subscription), sgl_view_cstr(detail));
    log_line(level, action, LOG_STR("domain", d->name), LOG_STR("detail", detail));
}

static unsigned required(unsigned parts)
{
    for (int p = 0; p < DOMAIN_PARTS; p++)
        if (!domain_part_required((enum domain_part)p))
            parts &= ~(1u << p);
    return parts;
}

/* The gate's opinion as it was at the check before, and as it is now: what time alone has changed counts, too. */
struct opinion {
    enum domain_verdict was, is;
    unsigned missing;
};

static struct opinion gate(const struct setup *s, const struct domain *before,
                           const struct domain *after)
{
    const struct config *c = s->config;
    struct domain_rules rules = {.required = c->verification.required,
                                 .grace_s = c->verification.grace_s};
    int64_t then = atomic_load(&((struct domain *)(uintptr_t)before)->checked_at_s);
    struct opinion o;

    o.was = domain_may_send(before, &rules, then, &o.missing);
    o.is = domain_may_send(after, &rules, clock_now_s(), &o.missing);
    return o;
}

bool gate_has_moved(const struct setup *s, const struct domain *d)
{
    struct opinion o = gate(s, d, d);

    return o.was != o.is;
}

static void tell_gate(struct setup *s, const struct domain *before, const struct domain *after)
{
    struct opinion o = gate(s, before, after);
    char parts[100], text[300];

    if (o.was == o.is)
        return;
    if (o.is == DOMAIN_MAY_SEND) {
        say(s, after, LOG_INFO_, "domain may send", "All records that are required are there.");
    } else if (o.is == DOMAIN_LOST) {
        domain_parts_text(o.missing, parts, sizeof(parts));
        snprintf(text, sizeof(text),
                 "%s was gone for longer than the grace period: nothing is sent any more.", parts);
        say(s, after, LOG_WARN_, "domain stopped", text);
    }
}

void tell(struct setup *s, const struct domain *before, const struct domain *after,
          const struct state_next *next)
{
    char parts[160], text[400];

    if (next->verified != 0) {
        domain_parts_text(next->verified, parts, sizeof(parts));
        say(s, after, LOG_INFO_, "record verified", parts);
    }
    if (next->back != 0) {
        domain_parts_text(next->back, parts, sizeof(parts));
        say(s, after, LOG_INFO_, "record back", parts);
    }
    if (next->lost != 0) {
        bool counts = required(next->lost) != 0 && after->kind == DOMAIN_CUSTOM;

        domain_parts_text(next->lost, parts, sizeof(parts));
        snprintf(text, sizeof(text), "%s was verified and is not there any more.%s", parts,
                 counts ? " Sending stops when the grace period has passed." : "");
        say(s, after, LOG_WARN_, "record lost", text);
    }
    tell_gate(s, before, after);
}
