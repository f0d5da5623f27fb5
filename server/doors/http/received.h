/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports about TLS that others have sent about domains of this server [RFC 8460]: taken in and shown.
 *
 *   POST /tls-reports                      by whoever sends reports, where the configuration opens that door: nobody has to say who he is [RFC 8460 s5.4]
 *   POST /admin/v1/reports/tls/received    by hand: a file, or the mail that brought it
 *   GET  /admin/v1/reports/tls/received    ?since= ?domain= ?subscription=, summed up by domain
 */
#ifndef SERVER_DOORS_HTTP_RECEIVED_H
#define SERVER_DOORS_HTTP_RECEIVED_H

#include <jansson.h>

#include "../../heard/heard.h"
#include "admin.h"

struct received_report;

void received_routes(struct http *http, const struct admin *admin);
void admin_received_routes(struct http *http, const struct admin *admin);

/*
 * The body of the request becomes reports of those domains that are ours (with a scope: of this subscription's).  scope is borrowed until the answer; text_max: bytes, unpacked.
 */
void received_take(struct http_request *r, const struct admin *admin, sgl_view scope,
                   size_t text_max);

/*
 * A report that is brought was not kept, of whatever kind: why.  about: the member of it that names its domain; form: one more sentence behind a space, or "".
 */
void received_refuse(struct http_request *r, enum heard_result result, const char *why,
                     const char *about, const char *form);
void received_busy(struct http_request *r);

/* ---- received_sum.c: what they say of a domain, summed up ---- */

struct received_sum;
struct received_sum *received_sum_new(void); /* NULL: memory has ended */
/* false: memory has ended. What cannot be read any more is passed over. */
bool received_sum_add(struct received_sum *sum, const struct received_report *r);
/* [{"domain":..., "reports":N, "successful_sessions":N, "failed_sessions":N, "senders":[...], "policies":[...], "failures":[...]}], the worst first */
json_t *received_sum_json(struct received_sum *sum);
void received_sum_free(struct received_sum *sum);

#endif
