/* SPDX-License-Identifier: Apache-2.0 */
/* What a message counts against the limits of its subscription and of its sender, and how a refusal reads. */
#include <stdio.h>
#include <time.h>

#include "../log/log.h"
#include "admission_internal.h"

static bool is_internal(struct admission *a, sgl_view name, const char *subscription)
{
    struct domain *domain = directory_domain(a->directory, name);
    bool internal = domain != NULL && strcmp(domain->subscription, subscription) == 0 &&
                    is_domain_proven(a, domain);

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

/* ---- who is charged ---- */

#define ACCOUNTS_PROFILE "high-volume"

/*
 * Beside its subscription: all high-volume accounts of it together, and an identity that has limits of its own.  The names cannot be those of subscriptions, which have no
 * slash and no colon.
 */
struct charged {
    struct limits_names names;
    struct limits_scope scope[LIMITS_SCOPES_MAX];
    size_t scopes;
    struct subscription *tenant; /* a reference; has the profile's name */
};

static void add_name(struct limits_names *names, sgl_view what, const char *end)
{
    snprintf(names->name[names->count++], sizeof(names->name[0]), "%.*s%s", SGL_FMT(what), end);
}

static void beside(sgl_view subscription, sgl_view identity, const char *profile,
                   struct limits_names *out)
{
    out->count = 0;
    if (sgl_view_starts(identity, SGL_LIT("account:")))
        add_name(out, subscription, "/accounts");
    if (profile[0] != '\0')
        add_name(out, identity, "");
}

void admission_charged_beside(void *directory, sgl_view subscription, sgl_view identity,
                              struct limits_names *out)
{
    struct identity *who = directory_identity(directory, identity);

    beside(subscription, identity, who == NULL ? "" : identity_profile(who), out);
    identity_unref(who);
}

static void charged_begin(struct admission *a, const struct identity *who, sgl_view subscription,
                          struct charged *c)
{
    const char *own = identity_profile(who);
    size_t names;

    c->tenant = directory_subscription(a->directory, subscription);
    c->scope[0] = (struct limits_scope){
        subscription,
        c->tenant == NULL || c->tenant->profile[0] == '\0' ? LIMITS_DEFAULT : c->tenant->profile};
    beside(subscription, sgl_view_cstr(who->name), own, &c->names);
    names = c->names.count;
    for (size_t i = 0; i < names; i++)
        c->scope[i + 1] = (struct limits_scope){sgl_view_cstr(c->names.name[i]), own};
    if (who->kind == IDENTITY_ACCOUNT)
        c->scope[1].profile = ACCOUNTS_PROFILE;
    c->scopes = names + 1;
}

static void charged_end(struct charged *c)
{
    subscription_unref(c->tenant);
}

/* ---- how a refusal reads ---- */

/* "profile standard", "profile mailbox of app:crm" */
static void whose(const struct limits_scope *scope, size_t which, char *out, size_t size)
{
    int n = snprintf(out, size, "profile %.64s", scope[which].profile);

    if (which > 0 && n > 0)
        snprintf(out + n, size - (size_t)n, " of %.*s",
                 SGL_FMT(sgl_view_sub(scope[which].name, 0, 64)));
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
             "The limit of %s (%.100s) is reached; there is room again at %s.", limit, profile,
             when);
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
        snprintf(out->text, sizeof(out->text), "A message may have %llu recipients (%.100s).", max,
                 profile);
    } else if (answer == LIMITS_SIZE) {
        answer_set(out, 552, "5.3.4", 413, "message-too-large", "bytes");
        snprintf(out->text, sizeof(out->text), "A message may have %llu bytes (%.100s).", max,
                 profile);
    } else {
        limit_text(&why->limit, limit, sizeof(limit));
        answer_set(out, 550, "5.7.0", 422, "over-limit", limit_what_name(why->limit.what));
        snprintf(out->text, sizeof(out->text),
                 "This message alone is over the limit of %s (%.100s).", limit, profile);
    }
    return false;
}

/* Not being able to count turns a message away for now: it is neither lost nor let through uncounted. */
static bool refuse_uncounted(const struct limits_scope *scope, struct admission_answer *out)
{
    log_line(LOG_ERROR_, "limit profile is not known", LOG_VIEW("of", scope->name),
             LOG_STR("profile", scope->profile));
    return refuse(out, 451, "4.3.5", 503, "profile-unknown", "",
                  "The limit profile of this subscription is not configured; the operator has to "
                  "name another.",
                  SGL_LIT(""));
}

static bool answered(enum limits_answer answer, const struct charged *c,
                     const struct limits_refusal *why, struct admission_answer *out)
{
    char profile[160];

    whose(c->scope, why->scope, profile, sizeof(profile));
    switch (answer) {
    case LIMITS_OK:
        return true;
    case LIMITS_REACHED:
        return refuse_reached(why, profile, out);
    case LIMITS_NEVER:
    case LIMITS_RECIPIENTS:
    case LIMITS_SIZE:
        return refuse_message(answer, why, profile, out);
    case LIMITS_NO_PROFILE:
        return refuse_uncounted(&c->scope[why->scope], out);
    case LIMITS_NO_MEMORY:
        break;
    }
    return refuse_memory(out);
}

/* true: charged, as the ticket says. */
static bool take(struct admission *a, const struct charged *c, const struct limit_charge *want,
                 struct limits_ticket *ticket, struct admission_answer *out)
{
    struct limits_refusal why;
    enum limits_answer answer = limits_take_all(a->limits, c->scope, c->scopes, want, ticket, &why);

    return answered(answer, c, &why, out);
}

/* A domain of the operator's own zone is for tests, whatever its subscription may send else. */
static bool charge_managed(struct admission *a, struct submission *s, const struct domain *domain,
                           const struct limit_charge *want, struct charges *c,
                           struct admission_answer *out)
{
    struct charged one = {.scopes = 1};
    char key[300];

    if (domain->kind != DOMAIN_MANAGED)
        return true;
    snprintf(key, sizeof(key), "domain:%s", domain->name);
    if (sgl_arena_dup(s->arena, sgl_view_cstr(key), &c->domain_name) != SGL_OK)
        return refuse_memory(out);
    one.scope[0] = (struct limits_scope){c->domain_name, LIMITS_MANAGED};
    return take(a, &one, want, &c->domain, out);
}

bool charge_limits(struct admission *a, struct submission *s, const struct domain *domain,
                   struct charges *c, struct admission_answer *out)
{
    struct limit_charge want = {.n = {[LIMIT_MESSAGES] = 1, [LIMIT_BYTES] = s->raw.len}};
    struct charged who;
    bool fine;

    if (a->limits == NULL)
        return true;
    charged_begin(a, s->who, s->message.subscription, &who);
    count_recipients(a, &s->message, (const char *)s->message.subscription.ptr, &want);
    fine =
        charge_managed(a, s, domain, &want, c, out) && take(a, &who, &want, &c->subscription, out);
    charged_end(&who);
    return fine;
}

void charges_give_back(struct admission *a, struct charges *c)
{
    if (a->limits == NULL)
        return;
    limits_give_back(a->limits, &c->domain);
    limits_give_back(a->limits, &c->subscription);
}

/* ---- while the message comes in ---- */

static bool ask(struct admission *a, const struct identity *who, const struct admission_draft *d,
                const struct limit_charge *want, struct admission_answer *out)
{
    struct limits_refusal why;
    struct charged c;
    enum limits_answer answer;
    bool fine;

    charged_begin(a, who, sgl_view_cstr(d->subscription), &c);
    answer = limits_ask(a->limits, c.scope, c.scopes, want, &why);
    fine = answered(answer, &c, &why, out);
    charged_end(&c);
    return fine;
}

/* Whose limits count: the sender's subscription; for those who have none, that of the domain. false: not known before the header is. */
static bool draft_subscription(struct admission *a, const struct identity *who, sgl_view mailbox,
                               struct admission_draft *d)
{
    struct domain *domain = NULL;
    const char *name = who->subscription;
    int n;

    if (name[0] == '\0' && sgl_view_find(mailbox, '@') < mailbox.len)
        domain =
            directory_domain(a->directory, sgl_view_from(mailbox, sgl_view_find(mailbox, '@') + 1));
    if (domain != NULL)
        name = domain->subscription;
    n = snprintf(d->subscription, sizeof(d->subscription), "%s", name);
    domain_unref(domain);
    return n > 0 && (size_t)n < sizeof(d->subscription);
}

bool admission_begin(struct admission *a, const struct identity *who, sgl_view mailbox,
                     uint64_t size, struct admission_draft *d, struct admission_answer *out)
{
    *d = (struct admission_draft){.charge = {.n = {[LIMIT_MESSAGES] = 1, [LIMIT_BYTES] = size}}};
    d->known = a->limits != NULL && draft_subscription(a, who, mailbox, d);
    return !d->known || ask(a, who, d, &d->charge, out);
}

bool admission_add(struct admission *a, const struct identity *who, sgl_view mailbox,
                   struct admission_draft *d, struct admission_answer *out)
{
    struct limit_charge want = d->charge;
    sgl_view at = mailbox, rest;

    if (!d->known)
        return true;
    while (sgl_view_find(at, '@') < at.len) {
        (void)sgl_view_split(at, '@', &rest);
        at = rest;
    }
    want.n[is_internal(a, at, d->subscription) ? LIMIT_INTERNAL : LIMIT_EXTERNAL]++;
    want.n[LIMIT_RECIPIENTS]++;
    if (ask(a, who, d, &want, out)) {
        d->charge = want;
        return true;
    }
    if (out->smtp == 550 && d->charge.n[LIMIT_RECIPIENTS] > 0) {
        out->smtp =
            452; /* those before it are fine; the client sends the rest in another transaction [RFC 5321 s4.5.3.1.10] */
        snprintf(out->enhanced, sizeof(out->enhanced), "4.5.3");
    }
    return false;
}

bool admission_rate(struct admission *a, const struct identity *who, struct admission_rate *out)
{
    struct limits_room room;
    struct charged c;
    bool found;

    if (a->limits == NULL || who->subscription[0] == '\0')
        return false;
    charged_begin(a, who, sgl_view_cstr(who->subscription), &c);
    found = limits_room(a->limits, c.scope, c.scopes, &room);
    charged_end(&c);
    if (found)
        *out = (struct admission_rate){room.limit.max, room.left, (room.frees_at_ms + 999) / 1000};
    return found;
}

bool admission_may_send_many(struct admission *a, const struct identity *who, sgl_view mailbox,
                             uint64_t messages, struct admission_answer *out)
{
    struct admission_draft d = {.charge = {.n = {[LIMIT_MESSAGES] = messages}}};

    d.known = a->limits != NULL && draft_subscription(a, who, mailbox, &d);
    return !d.known || ask(a, who, &d, &d.charge, out);
}
