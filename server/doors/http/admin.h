/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API, below /admin/v1.  On the unix socket the kernel says who is calling, and he is an operator; over TCP it is served with TLS only, and the role of the access key says
 * what it may: an operator all, an owner and a reader what admin_access.c lists, of their own subscription.
 *
 *   GET, POST    /admin/v1/subscriptions    GET, PATCH /admin/v1/subscriptions/{name}   with its limits and what counts now
 *   GET          /admin/v1/doors            where clients connect
 *   GET          /admin/v1/tls/records      ?host=, TLSA records of the keys of the certificates
 *   GET          /admin/v1/profiles         limit profiles
 *   GET          /admin/v1/usage            ?since= (a day) ?subscription=, who sent how much
 *   GET, POST    /admin/v1/domains          GET, PATCH, DELETE /admin/v1/domains/{name}      GET /admin/v1/domains/{name}/records ?check=true
 *   POST         /admin/v1/domains/{name}/verify   asks its name servers now
 *   POST         /admin/v1/domains/{name}/publish  {"dry_run":B,"replace":B}, by dynamic update; DELETE of a domain with ?withdraw=true takes it away
 *   GET, POST, DELETE /admin/v1/domains/{name}/rotation  of its DKIM key; POST {"now":B} begins or goes on, DELETE takes it back
 *   GET, PUT     /admin/v1/domains/{name}/mta-sts   the policy that is served for it: {"mode":"enforce","mx":[...],"max_age":N,"look":B,"forget":B}
 *   GET, POST    /admin/v1/credentials      PATCH, DELETE /admin/v1/credentials/{name}
 *   GET, POST    /admin/v1/keys             PATCH, DELETE /admin/v1/keys/{id}
 *   GET, POST    /admin/v1/apps             GET, PATCH, DELETE /admin/v1/apps/{name}   a PATCH makes and removes secrets, too
 *   GET, POST    /admin/v1/suppressions     ?subscription= ?domain= ?after= ?max=, in the order of their keys; DELETE /admin/v1/suppressions/{address} ?subscription= ?domain=
 *   GET          /admin/v1/suppressions/export ?subscription= ?domain=, POST /admin/v1/suppressions/import: text/csv; docs/suppression.md
 *   POST         /admin/v1/messages         a whole message as message/rfc822; ?from= and ?to= (several) are its envelope, or the header's fields are
 *   GET          /admin/v1/messages         ?to= ?from= ?domain= ?since= ?open= ?after= ?max=, newest first
 *   GET          /admin/v1/messages/{id}    with recipients and trail
 *   POST         /admin/v1/queue/retry, cancel, hold, release    {"message":ID,"recipient":N,"domain":NAME}; at least one of message, domain
 *   GET          /admin/v1/stats
 *   GET, POST    /admin/v1/reports/dmarc   ?by= ?domain= ?since= ?until= ?subscription= ?max= ?skip=, who sends as your domains; POST brings a report
 *   GET          /admin/v1/reports/reputation   ?by= ?top= ?name=, the worst first; DELETE /admin/v1/reputation/{name}
 *   GET          /admin/v1/openapi.json    all of this, for programs; without a key
 *   GET          /admin/v1/audit            ?since= ?by= ?object= ?action= ?subscription= ?after= ?max=, newest first
 *
 * A PATCH changes the members that are given. With "version" (as listings show it) it does so only when nobody else did meanwhile; else it is 409 "conflict".
 *
 * Times are RFC 3339 in UTC.  Every change is logged with who asked for it.
 */
#ifndef SERVER_DOORS_HTTP_ADMIN_H
#define SERVER_DOORS_HTTP_ADMIN_H

#include <stdatomic.h>

#include "../../audit/audit.h"
#include "http.h"

struct certs;
struct config;
struct guard;
struct heard_names;
struct lists;
struct reputation;
struct setup;
struct tls_server;

struct admin {
    struct directory *directory;
    struct admission *admission;
    struct store *store;
    struct queue *queue;
    struct workers *workers;
    const struct config *_Atomic
        config; /* that counts now; the one before lives on for those who still look at it */
    struct limits *limits;
    struct audit *audit;           /* of what was refused; NULL: that is not kept */
    struct setup *setup;           /* looks at what domains publish; NULL: nobody does */
    struct lists *lists;           /* knows where links lead; NULL: there are none */
    struct guard *guard;           /* of bulk mail; NULL: nobody looks at it */
    struct certs *certs;           /* NULL: there are none */
    struct tls_server *tls;        /* what clients are shown; NULL: there is no TLS */
    struct reputation *reputation; /* of those who send to us; NULL: nobody looks */
    struct heard_names *names;     /* of addresses in reports; NULL: nobody asks for them */
};

/* On each door loop's shell; *admin is borrowed for its life. */
void admin_routes(struct http *http, const struct admin *admin);

#endif
