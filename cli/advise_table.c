/* SPDX-License-Identifier: Apache-2.0 */
#include "advise.h"

#include <math.h>
#include <stddef.h>

#define MINUTE UINT64_C(60)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define BULK   5000 /* messages a day from which Google and Microsoft call a sender a bulk sender */
#define MIB    (UINT64_C(1024) * 1024)

const char *advise_kind_name(enum advise_kind kind)
{
    switch (kind) {
    case ADVISE_ACCESS_KEY:
        return "access key";
    case ADVISE_SMTP_CREDENTIAL:
        return "SMTP credential";
    case ADVISE_OAUTH_APPLICATION:
        return "OAuth application";
    case ADVISE_HIGH_VOLUME:
        return "high-volume account";
    case ADVISE_LOCAL_PROCESS:
        return "local process";
    }
    return "?";
}

uint64_t advise_tenant_limit(uint64_t licences)
{
    return (uint64_t)(500.0 * pow((double)licences, 0.7) + 9500.0);
}

/* ---- the kind of account ---- */

static void choose_kind(const struct advise_request *q, struct advice *a)
{
    a->in_this_version = true;
    if (q->by == ADVISE_SENDMAIL) {
        a->kind = ADVISE_LOCAL_PROCESS;
        a->why = "programs on the server's own machine are known by their user, no password has to "
                 "lie in a file";
        a->in_this_version = false;
        a->instead = "an SMTP credential, used by `trust` of a listener on 127.0.0.1";
    } else if (q->login == ADVISE_OAUTH || q->by == ADVISE_GRAPH) {
        a->kind = ADVISE_OAUTH_APPLICATION;
        a->why = q->by == ADVISE_GRAPH
                     ? "clients of Microsoft Graph log in with tokens; which senders it may use is "
                       "an access policy"
                     : "tokens are short-lived, and no password is given away";
        a->in_this_version = q->by == ADVISE_HTTP; /* at the other doors tokens open nothing yet */
        if (!a->in_this_version)
            a->instead = q->by == ADVISE_SMTP ? "an SMTP credential" : "an access key";
    } else if (q->by == ADVISE_SMTP && q->to == ADVISE_INTERNAL && q->what != ADVISE_PEOPLE &&
               q->what != ADVISE_TEST) {
        a->kind = ADVISE_HIGH_VOLUME;
        a->why = "devices and applications that write to your own people: an address with a "
                 "password, without the limits for mail to others";
        a->in_this_version = false;
        a->instead = "an SMTP credential";
    } else if (q->by == ADVISE_SMTP) {
        a->kind = ADVISE_SMTP_CREDENTIAL;
        a->why = "a user name and password over TLS: every program that sends mail knows this";
    } else {
        a->kind = ADVISE_ACCESS_KEY;
        a->why = "one key for each application, that can be withdrawn alone";
    }
}

/* ---- limits ---- */

struct limit_row {
    const char *of, *counted;
    uint64_t window_s, maximum;
    unsigned by; /* a set of 1 << enum advise_by; 0: for all */
    unsigned to; /* a set of 1 << enum advise_to; 0: for all */
};

#define BY(x) (1u << ADVISE_##x)

static const struct limit_row limit_rows[] = {
    {"Sigillo (preset)", "recipients of one message", 0, 1000, 0, 0},
    {"Sigillo (preset)", "bytes of one message", 0, 36 * MIB, 0, 0},
    {"Sigillo (preset)", "SMTP sessions from one address at once", 0, 200, BY(SMTP), 0},
    {"Azure Communication Services", "messages", MINUTE, 30, BY(ACS), 0},
    {"Azure Communication Services", "messages", HOUR, 100, BY(ACS), 0},
    {"Azure Communication Services", "recipients of one message", 0, 50, BY(ACS), 0},
    {"Azure Communication Services", "bytes of one request", 0, 10 * 1000 * 1000, BY(ACS), 0},
    {"SendGrid", "recipients of one request", 0, 1000, BY(SENDGRID), 0},
    {"SendGrid", "bytes of one message", 0, 30 * 1000 * 1000, BY(SENDGRID), 0},
    {"Microsoft Graph", "requests of an application to a mailbox", 10 * MINUTE, 10000, BY(GRAPH),
     0},
    {"Microsoft Graph", "requests at once", 0, 4, BY(GRAPH), 0},
    {"Exchange Online mailbox", "messages", MINUTE, 30, BY(SMTP) | BY(GRAPH), 0},
    {"Exchange Online mailbox", "recipients", DAY, 10000, BY(SMTP) | BY(GRAPH), 0},
    {"Exchange Online mailbox", "recipients of one message", 0, 500, BY(SMTP) | BY(GRAPH), 0},
    {"Exchange Online, SMTP", "connections at once", 0, 3, BY(SMTP), 0},
    {"Exchange Online, High Volume Email", "recipients outside", DAY, 0, BY(SMTP),
     1u << ADVISE_EXTERNAL | 1u << ADVISE_BOTH},
};

/* What counts messages or recipients in a window is compared with a day's need, evenly spread. */
static bool fits(const struct advise_limit *l, uint64_t per_day)
{
    if (l->window_s == 0)
        return true;
    return l->maximum >= per_day || l->maximum * (DAY / l->window_s) >= per_day;
}

static void add_limit(struct advice *a, const struct advise_request *q, const char *of,
                      const char *counted, const uint64_t window_and_maximum[2])
{
    struct advise_limit *l = &a->limit[a->limits];

    if (a->limits == ADVISE_LIMITS_MAX)
        return;
    l->of = of;
    l->counted = counted;
    l->window_s = window_and_maximum[0];
    l->maximum = window_and_maximum[1];
    l->fits = fits(l, q->per_day);
    a->limits++;
}

static void choose_limits(const struct advise_request *q, struct advice *a)
{
    for (size_t i = 0; i < sizeof limit_rows / sizeof limit_rows[0]; i++) {
        const struct limit_row *r = &limit_rows[i];

        if ((r->by == 0 || (r->by & 1u << q->by) != 0) &&
            (r->to == 0 || (r->to & 1u << q->to) != 0))
            add_limit(a, q, r->of, r->counted, (const uint64_t[2]){r->window_s, r->maximum});
    }
    if (q->licences > 0 && q->to != ADVISE_INTERNAL)
        add_limit(a, q, "Microsoft 365 tenant", "recipients outside",
                  (const uint64_t[2]){DAY, advise_tenant_limit(q->licences)});
}

/* ---- records ---- */

static const struct advise_record
    spf = {"%s", "TXT", "v=spf1 ip4:ADDRESS -all",
           "which addresses send for the domain; `sigillo spf build` makes it"},
    dkim = {"SELECTOR._domainkey.%s", "TXT", "v=DKIM1; k=rsa; p=...",
            "the key of the signatures; `sigillo domain records` prints it"},
    dmarc = {"_dmarc.%s", "TXT", "v=DMARC1; p=none; rua=mailto:dmarc@%s",
             "what receivers do with mail that fails; tighten it when the reports are clean"},
    mx = {"%s", "MX", "10 HOST", "replies and bounces have to arrive somewhere"},
    ptr = {"ADDRESS", "PTR", "the server's name",
           "receivers refuse addresses without a name that leads back to them"},
    tlsrpt = {"_smtp._tls.%s", "TXT", "v=TLSRPTv1; rua=mailto:tls-reports@%s",
              "reports about mail to you that could not be protected"};

static void add_record(struct advice *a, const struct advise_record *r)
{
    if (a->records < ADVISE_RECORDS_MAX)
        a->record[a->records++] = r;
}

static void choose_records(const struct advise_request *q, struct advice *a)
{
    if (a->managed)
        return;
    add_record(a, &spf);
    add_record(a, &dkim);
    add_record(a, &dmarc);
    add_record(a, &mx);
    if (q->to != ADVISE_INTERNAL)
        add_record(a, &ptr);
    add_record(a, &tlsrpt);
}

/* ---- words ---- */

static void say(const char **list, size_t *count, const char *text)
{
    if (*count < ADVISE_TEXTS_MAX)
        list[(*count)++] = text;
}

static void choose_commands(struct advice *a)
{
    a->command[a->commands++] = "sigillo domain add %s";
    a->command[a->commands++] = "sigillo domain records %s";
    if (a->kind == ADVISE_OAUTH_APPLICATION && a->in_this_version)
        a->command[a->commands++] = "sigillo app add NAME --domain %s";
    else if (a->kind == ADVISE_ACCESS_KEY ||
             (a->kind == ADVISE_OAUTH_APPLICATION && a->instead[3] == 'a'))
        a->command[a->commands++] = "sigillo key add --domain %s --label NAME";
    else
        a->command[a->commands++] = "sigillo credential add --domain %s USER";
    a->command[a->commands++] = "sigillo check %s";
}

static void choose_backs(const struct advise_request *q, struct advice *a)
{
    if ((q->wants & ADVISE_BOUNCES) != 0)
        say(a->back, &a->backs,
            "bounces: messages to the envelope sender, which needs a mailbox that somebody reads");
    if ((q->wants & ADVISE_STATUS) != 0)
        say(a->back, &a->backs,
            "status: GET /v1/messages/{id}, or `sigillo trace ID`: each attempt, its TLS, the "
            "answer");
    if ((q->wants & ADVISE_EVENTS) != 0)
        say(a->back, &a->backs,
            "events: webhooks are not in this version; until then ask for the status");
}

static void choose_notes(const struct advise_request *q, struct advice *a)
{
    bool outside = q->to != ADVISE_INTERNAL;

    if (a->managed)
        say(a->note, &a->notes,
            "A managed domain would do for tests; it is not in this version: add a subdomain that "
            "nobody knows.");
    if (outside && q->per_day >= BULK)
        say(a->note, &a->notes,
            "5000 and more a day: Google, Yahoo and Microsoft want SPF and DKIM to pass, DMARC, "
            "and few complaints; below 3 of 1000.");
    if (q->what == ADVISE_NEWSLETTER)
        say(a->note, &a->notes,
            "Advertising needs one-click unsubscribe (RFC 8058): two List-Unsubscribe fields, both "
            "signed.");
    if (a->own_subdomain)
        say(a->note, &a->notes,
            "Send it from a subdomain of its own, with its own records: its reputation stays apart "
            "from that of your other mail.");
    if (q->by == ADVISE_SMTP && q->login == ADVISE_PASSWORD)
        say(a->note, &a->notes,
            "Exchange Online switches passwords for SMTP off by default at the end of 2026.");
    if (q->by == ADVISE_ACS || q->by == ADVISE_SENDGRID || q->by == ADVISE_GRAPH)
        say(a->note, &a->notes,
            "That service's own API is not in this version: send by POST /v1/messages or SMTP.");
    if (a->kind == ADVISE_HIGH_VOLUME)
        say(a->note, &a->notes,
            "Microsoft's High Volume Email sends to your own people only, and costs by the "
            "recipient since June 2026.");
    if (outside && q->per_day > 0 && q->what == ADVISE_PEOPLE)
        say(a->note, &a->notes,
            "People's own mail belongs on their mail server; here it can only go out.");
}

void advise(const struct advise_request *q, struct advice *out)
{
    struct advice a = {0};

    choose_kind(q, &a);
    a.managed = q->what == ADVISE_TEST;
    a.own_subdomain = q->what == ADVISE_NEWSLETTER ||
                      (q->what == ADVISE_NOTIFICATIONS && q->to != ADVISE_INTERNAL);
    choose_limits(q, &a);
    choose_records(q, &a);
    choose_commands(&a);
    choose_backs(q, &a);
    choose_notes(q, &a);
    *out = a;
}
