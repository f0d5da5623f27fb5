/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kind of account suits what somebody wants to send.  Pure: answers in, advice out.
 *
 * The figures of other services are those that they published by November 2026; they change them without notice.
 */
#ifndef CLI_ADVISE_H
#define CLI_ADVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum advise_what {
    ADVISE_TRANSACTIONAL,
    ADVISE_NOTIFICATIONS,
    ADVISE_NEWSLETTER,
    ADVISE_PEOPLE,
    ADVISE_TEST,
};
enum advise_to { ADVISE_INTERNAL, ADVISE_EXTERNAL, ADVISE_BOTH };
enum advise_by {
    ADVISE_SMTP,
    ADVISE_HTTP,
    ADVISE_ACS,
    ADVISE_SENDGRID,
    ADVISE_GRAPH,
    ADVISE_SENDMAIL,
};
enum advise_login { ADVISE_PASSWORD, ADVISE_OAUTH, ADVISE_FEDERATED };
enum { /* what is wanted back, a set */
       ADVISE_BOUNCES = 1,
       ADVISE_STATUS = 2,
       ADVISE_EVENTS = 4,
};

struct advise_request {
    enum advise_what what;
    enum advise_to to;
    enum advise_by by;
    enum advise_login login;
    unsigned wants;
    uint64_t per_day;  /* recipients */
    uint64_t licences; /* of Microsoft 365, to compare with; 0: not asked */
};

enum advise_kind {
    ADVISE_ACCESS_KEY,
    ADVISE_SMTP_CREDENTIAL,
    ADVISE_OAUTH_APPLICATION,
    ADVISE_HIGH_VOLUME,
    ADVISE_LOCAL_PROCESS,
};

struct advise_limit {
    const char *of;      /* "Sigillo (preset)", "Azure Communication Services" */
    const char *counted; /* "messages", "recipients of one message" */
    uint64_t window_s;   /* 0: of one message, or at once */
    uint64_t maximum;
    bool fits; /* per_day stays below it */
};

struct advise_record { /* %s stands for the domain */
    const char *name, *type, *value, *why;
};

#define ADVISE_LIMITS_MAX   16
#define ADVISE_RECORDS_MAX  12
#define ADVISE_TEXTS_MAX    10
#define ADVISE_COMMANDS_MAX 12

struct advice {
    enum advise_kind kind;
    const char *why;
    bool in_this_version;
    const char *instead; /* what to use until then; NULL when it is in this version */
    bool managed;        /* a subdomain of the operator's would do: for tests only */
    const char *profile; /* limits that leave room for what is wanted; NULL: none shipped does */
    bool own_subdomain;  /* better from a subdomain of its own */
    struct advise_limit limit[ADVISE_LIMITS_MAX];
    size_t limits;
    const struct advise_record *record[ADVISE_RECORDS_MAX];
    size_t records;
    /* Ready to be run, with %s for the domain, %l for its first label, %n for the name of the application, %i and %u for issuer and subject of its tokens. */
    const char *command[ADVISE_COMMANDS_MAX];
    size_t commands;
    const char *back[ADVISE_TEXTS_MAX]; /* what comes back, and how */
    size_t backs;
    const char *note[ADVISE_TEXTS_MAX];
    size_t notes;
};

/* "access key", "SMTP credential", "OAuth application", "high-volume account", "local process". */
const char *advise_kind_name(enum advise_kind kind);
void advise(const struct advise_request *q, struct advice *out);
/* External recipients that Microsoft 365 lets a tenant with so many licences send to in 24 hours: 500 x licences^0.7 + 9500. */
uint64_t advise_tenant_limit(uint64_t licences);

#endif
