/* SPDX-License-Identifier: Apache-2.0 */
/* What a message counts against the limits of its subscription, and how a refusal reads. */
#include <stdio.h>
#include <time.h>

#include "../log/log.h"
#include "admission_internal.h"

static bool is_internal(struct admission *a, sgl_view name, const char *subscription)
{
    struct domain *domain = directory_domain(a->directory, name);
    bool internal = domain != NULL && strcmp(domain->subscription, subscription) == 0;

    domain_unref(domain);
    return internal;
}

/* Recipients of one destination often stand together: it is looked up once then. Who is suppressed is not sent to and does not count. */
static void count_recipients(struct admission *a, const struct store_message *m,
                             const char *subscription, struct limit_charge *want)
{
    sgl_view last = {0};
    bool internal = false;

    for (size_t i = 0; i < m->rcpts; i++) {
        if (m->rcpt[i].state == RCPT_SUPPRESSED)
            continue;
        if (last.ptr == NULL || !sgl_view_eq(m->rcpt[i].domain, last)) {
            last = m->rcpt[i].domain;
            internal = is_internal(a, last, subscription);
        }
        want->n[internal ? LIMIT_INTERNAL : LIMIT_EXTERNAL]++;
        want->n[LIMIT_RECIPIENTS]++;
    }
}

static void time_text(int64_t ms, char *out, size_t size)
{
    time_t s = (time_t)((ms + 999) / 1000);
    struct tm tm;

    if (gmtime_r(&s, &tm) == NULL || strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(out, size, "later");
}

static bool refuse_reached(const struct limits_refusal *why, const char *profile,
                           struct admission_answer *out)
{
    char limit[64], when[32];

    limit_text(&why->limit, limit, sizeof(limit));
    time_text(why->frees_at_ms, when, sizeof(when));
    answer_set(out, 452, "4.7.0", 429, "limit-reached", limit_what_name(why->limit.what));
    snprintf(out->text, sizeof(out->text),
             "The limit of %s (profile %.64s) is reached; there is room again at %s.", limit,
             profile, when);
    out->retry_after_s = (uint32_t)((why->frees_in_ms + 999) / 1000);
    return false;
}

static bool refuse_message(enum limits_answer answer, const struct limits_refusal *why,
                           const char *profile, struct admission_answer *out)
{
    char limit[64];
    unsigned long long max = why->limit.max;

    if (answer == LIMITS_RECIPIENTS) {
        answer_set(out, 550, "5.5.3", 422, "too-many-recipients", "recipients");
        snprintf(out->text, sizeof(out->text),
                 "A message may have %llu recipients (profile %.64s).", max, profile);
    } else if (answer == LIMITS_SIZE) {
        answer_set(out, 552, "5.3.4", 413, "message-too-large", "bytes");
        snprintf(out->text, sizeof(out->text), "A message may have %llu bytes (profile %.64s).",
                 max, profile);
    } else {
        limit_text(&why->limit, limit, sizeof(limit));
        answer_set(out, 550, "5.7.0", 422, "over-limit", limit_what_name(why->limit.what));
        snprintf(out->text, sizeof(out->text),
                 "This message alone is over the limit of %s (profile %.64s).", limit, profile);
    }
    return false;
}

/* Not being able to count turns a message away for now: it is neither lost nor let through uncounted. */
static bool refuse_uncounted(const struct submission *s, const char *profile,
                             struct admission_answer *out)
{
    log_line(LOG_ERROR_, "the subscription's limit profile is not known",
             LOG_VIEW("subscription", s->message.subscription), LOG_STR("profile", profile));
    return refuse(out, 451, "4.3.5", 503, "profile-unknown", "",
                  "The limit profile of this subscription is not configured; the operator has to "
                  "name another.",
                  SGL_LIT(""));
}

/* true: charged to `key`, as the ticket says. */
static bool take(struct admission *a, const struct submission *s, sgl_view key, const char *profile,
                 const struct limit_charge *want, struct limits_ticket *ticket,
                 struct admission_answer *out)
{
    struct limits_refusal why;
    enum limits_answer answer = limits_take(a->limits, key, profile, want, ticket, &why);

    switch (answer) {
    case LIMITS_OK:
        return true;
    case LIMITS_REACHED:
        return refuse_reached(&why, profile, out);
    case LIMITS_NEVER:
    case LIMITS_RECIPIENTS:
    case LIMITS_SIZE:
        return refuse_message(answer, &why, profile, out);
    case LIMITS_NO_PROFILE:
        return refuse_uncounted(s, profile, out);
    case LIMITS_NO_MEMORY:
        break;
    }
    return refuse_memory(out);
}

/* A domain of the operator's own zone is for tests, whatever its subscription may send else. */
static bool charge_managed(struct admission *a, struct submission *s, const struct domain *domain,
                           const struct limit_charge *want, struct charges *c,
                           struct admission_answer *out)
{
    char key[300];

    if (domain->kind != DOMAIN_MANAGED)
        return true;
    snprintf(key, sizeof(key), "domain:%s", domain->name);
    if (sgl_arena_dup(s->arena, sgl_view_cstr(key), &c->domain_name) != SGL_OK)
        return refuse_memory(out);
    return take(a, s, c->domain_name, LIMITS_MANAGED, want, &c->domain, out);
}

bool charge_limits(struct admission *a, struct submission *s, const struct domain *domain,
                   struct charges *c, struct admission_answer *out)
{
    struct limit_charge want = {.n = {[LIMIT_MESSAGES] = 1, [LIMIT_BYTES] = s->raw.len}};
    struct subscription *tenant;
    const char *profile;
    bool fine;

    if (a->limits == NULL)
        return true;
    tenant = directory_subscription(a->directory, s->message.subscription);
    profile = tenant == NULL || tenant->profile[0] == '\0' ? LIMITS_DEFAULT : tenant->profile;
    count_recipients(a, &s->message, (const char *)s->message.subscription.ptr, &want);
    fine = charge_managed(a, s, domain, &want, c, out) &&
           take(a, s, s->message.subscription, profile, &want, &c->subscription, out);
    subscription_unref(tenant);
    return fine;
}

void charges_give_back(struct admission *a, struct charges *c)
{
    if (a->limits == NULL)
        return;
    limits_give_back(a->limits, &c->domain);
    limits_give_back(a->limits, &c->subscription);
}
