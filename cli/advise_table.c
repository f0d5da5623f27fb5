/* SPDX-License-Identifier: Apache-2.0 */
#include "advise.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

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

static bool by_tokens(const struct advise_request *q)
{
    return q->by != ADVISE_SENDMAIL && (q->login != ADVISE_PASSWORD || q->by == ADVISE_GRAPH);
}

/* Mail that machines write to our own people, or much of any. */
static bool is_high_volume(const struct advise_request *q)
{
    return q->by == ADVISE_SMTP && q->to == ADVISE_INTERNAL && q->what != ADVISE_PEOPLE &&
           q->what != ADVISE_TEST;
}

static const char *why_tokens(const struct advise_request *q)
{
    if (q->login == ADVISE_FEDERATED)
        return "its platform gives it tokens of its own; trusted here, they replace a secret";
    return q->by == ADVISE_GRAPH ? "clients of Microsoft Graph log in with tokens; which senders "
                                   "it may use is an access policy"
                                 : "tokens are short-lived, and no password is given away";
}

static void choose_kind(const struct advise_request *q, struct advice *a)
{
    a->in_this_version = true;
    if (q->by == ADVISE_SENDMAIL) {
        a->kind = ADVISE_LOCAL_PROCESS;
        a->why = "programs on the server's own machine are known by their user, no password has to "
                 "lie in a file";
        a->in_this_version = false;
        a->instead = "SMTP to 127.0.0.1:2525, where programs of this machine need no password: "
                     "they send as the credential \"local\", as init sets it up";
    } else if (by_tokens(q)) {
        a->kind = ADVISE_OAUTH_APPLICATION;
        a->why = why_tokens(q);
    } else if (is_high_volume(q)) {
        a->kind = ADVISE_HIGH_VOLUME;
        a->why = "devices and applications that write to your own people: an address with a "
                 "password, which sends as that address only";
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

/* Shipped profiles; docs/limits.md has them. */
static const struct {
    const char *profile, *of, *counted;
    uint64_t window_s, maximum;
} profile_rows[] = {
    {"managed-test", "Sigillo, profile managed-test", "messages", MINUTE, 5},
    {"managed-test", "Sigillo, profile managed-test", "messages", HOUR, 10},
    {"mailbox", "Sigillo, profile mailbox", "messages", MINUTE, 30},
    {"mailbox", "Sigillo, profile mailbox", "recipients", DAY, 10000},
    {"mailbox", "Sigillo, profile mailbox", "recipients outside", DAY, 2000},
    {"high-volume", "Sigillo, profile high-volume", "recipients inside", DAY, 100000},
    {"high-volume", "Sigillo, profile high-volume", "recipients outside", DAY, 2000},
};

/* The smallest shipped profile with room for a day's need. */
static const char *profile_for(const struct advise_request *q, const struct advice *a)
{
    if (a->managed)
        return "managed-test";
    if (a->kind == ADVISE_HIGH_VOLUME)
        return "high-volume";
    if (a->kind == ADVISE_LOCAL_PROCESS || q->per_day > 10000 ||
        (q->to != ADVISE_INTERNAL && q->per_day > 2000))
        return NULL;
    return "mailbox";
}

static void choose_profile(const struct advise_request *q, struct advice *a)
{
    a->profile = profile_for(q, a);
    for (size_t i = 0; i < sizeof profile_rows / sizeof profile_rows[0]; i++)
        if (a->profile != NULL && strcmp(profile_rows[i].profile, a->profile) == 0)
            add_limit(a, q, profile_rows[i].of, profile_rows[i].counted,
                      (const uint64_t[2]){profile_rows[i].window_s, profile_rows[i].maximum});
}

static void choose_limits(const struct advise_request *q, struct advice *a)
{
    choose_profile(q, a);
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

/* What `sigillo domain add` prints, with its values. */
static const struct advise_record records[] = {
    {"%s", "TXT", "sigillo-domain-verification=...", "required: the domain is yours"},
    {"%s", "TXT", "v=spf1 a:SERVER ~all", "required: this server may send for it"},
    {"s1._domainkey.%s", "TXT", "v=DKIM1; k=rsa; p=...", "required: the key that signs"},
    {"s2._domainkey.%s", "TXT", "v=DKIM1; k=rsa; p=...", "the next key, ready for a rotation"},
    {"_dmarc.%s", "TXT", "v=DMARC1; p=none; rua=mailto:dmarc@%s",
     "what receivers do with mail that fails; `sigillo domain coach %s` says when to tighten it"},
    {"bounces.%s", "MX", "10 SERVER", "bounces come back to this server"},
    {"bounces.%s", "TXT", "v=spf1 a:SERVER ~all", "so that SPF aligns with the domain"},
    {"_smtp._tls.%s", "TXT", "v=TLSRPTv1; rua=mailto:tls-reports@%s",
     "reports about mail to you that could not be protected"},
    {"%s", "MX", "10 HOST", "answers have to arrive somewhere: your own mail server"},
};
static const struct advise_record ptr = {
    "ADDRESS", "PTR", "the server's name",
    "receivers refuse addresses without a name that leads back to them"};

static void add_record(struct advice *a, const struct advise_record *r)
{
    if (a->records < ADVISE_RECORDS_MAX)
        a->record[a->records++] = r;
}

static void choose_records(const struct advise_request *q, struct advice *a)
{
    if (a->managed)
        return;
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++)
        add_record(a, &records[i]);
    if (q->to != ADVISE_INTERNAL)
        add_record(a, &ptr);
}

/* ---- words ---- */

static void say(const char **list, size_t *count, const char *text)
{
    if (*count < ADVISE_TEXTS_MAX)
        list[(*count)++] = text;
}

static void run(struct advice *a, const char *command)
{
    if (a->commands < ADVISE_COMMANDS_MAX)
        a->command[a->commands++] = command;
}

static void run_account(struct advice *a)
{
    run(a, "sigillo account add --name %n --address %n@%s");
    run(a, "sigillo policy test --identity account:%n@%s --sender %n@%s");
}

static void run_app(const struct advise_request *q, struct advice *a)
{
    if (q->login == ADVISE_FEDERATED) {
        run(a, "sigillo app add %n --domain %s --no-secret");
        run(a, "sigillo app federate %n --issuer %i --subject %u --audience api://sigillo");
    } else {
        run(a, "sigillo app add %n --domain %s");
    }
    if (q->by == ADVISE_SMTP) {
        run(a, "sigillo account add --name %n --address %n@%s --allow-app %n");
        run(a, "sigillo policy test --identity account:%n@%s --sender %n@%s");
        if (a->profile != NULL && !a->managed)
            run(a, "sigillo account set %n@%s --profile mailbox");
        return;
    }
    run(a, "sigillo group add %n-senders --member %n@%s");
    run(a, "sigillo policy add --app %n --allow --senders %n-senders");
    run(a, "sigillo policy test --app %n --sender %n@%s");
    if (a->profile != NULL && !a->managed)
        run(a, "sigillo app set %n --profile mailbox");
}

static void run_credential(struct advice *a)
{
    run(a, "sigillo credential add %n --domain %s");
    run(a, "sigillo sender add %n@%s --identity credential:%n");
    run(a, "sigillo policy test --identity credential:%n --sender %n@%s");
    if (a->profile != NULL && !a->managed)
        run(a, "sigillo credential set %n --profile mailbox");
}

static void choose_commands(const struct advise_request *q, struct advice *a)
{
    run(a, a->managed ? "sigillo domain add --managed %l" : "sigillo domain add %s");
    if (!a->managed)
        run(a, "sigillo domain verify %s --wait");
    switch (a->kind) {
    case ADVISE_ACCESS_KEY:
        run(a, "sigillo key add --domain %s --label %n");
        break;
    case ADVISE_SMTP_CREDENTIAL:
        run_credential(a);
        break;
    case ADVISE_OAUTH_APPLICATION:
        run_app(q, a);
        break;
    case ADVISE_HIGH_VOLUME:
        run_account(a);
        break;
    case ADVISE_LOCAL_PROCESS:
        run(a, "sigillo policy test --identity credential:local --sender %n@%s");
        break;
    }
    if (q->what == ADVISE_NEWSLETTER)
        run(a, "echo It works. | sigillo send --from %n@%s --to someone@example.net --subject News "
               "--text - --list news --wait");
    run(a, "sigillo status");
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
            "A domain in the operator's own zone (domains.managed_zone in the configuration) sends "
            "at once, and little. Where there is none, take a custom one.");
    if (a->kind == ADVISE_ACCESS_KEY && a->profile != NULL && !a->managed)
        say(a->note, &a->notes,
            "A key gets limits of its own by its id: sigillo key set ID --profile mailbox.");
    if (a->profile == NULL && a->kind != ADVISE_LOCAL_PROCESS)
        say(a->note, &a->notes,
            "No shipped profile has room for so much: only the subscription's counts, unlimited "
            "at first. Own profiles stand in the configuration.");
    if (outside && q->per_day >= BULK)
        say(a->note, &a->notes,
            "5000 and more a day: Google, Yahoo and Microsoft want SPF and DKIM to pass, DMARC, "
            "and few complaints; below 3 of 1000.");
    if (q->what == ADVISE_NEWSLETTER)
        say(a->note, &a->notes,
            "Advertising needs one-click unsubscribe (RFC 8058): mark such messages as list mail, "
            "and "
            "the server makes the links; their address is public_url.");
    if (a->own_subdomain)
        say(a->note, &a->notes,
            "Send it from a subdomain of its own, with its own records: its reputation stays apart "
            "from that of your other mail.");
    if (q->by == ADVISE_SMTP && q->login == ADVISE_PASSWORD)
        say(a->note, &a->notes,
            "Exchange Online switches passwords for SMTP off by default at the end of 2026.");
    if (q->by == ADVISE_SENDGRID || q->by == ADVISE_GRAPH)
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
    choose_commands(q, &a);
    choose_backs(q, &a);
    choose_notes(q, &a);
    *out = a;
}
