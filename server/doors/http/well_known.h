/* SPDX-License-Identifier: Apache-2.0 */
/* What the world fetches from well-known places: the MTA-STS policies of domains, GET https://mta-sts.DOMAIN/.well-known/mta-sts.txt.  [RFC 8461 s3.2, s3.3] */
#ifndef SERVER_DOORS_HTTP_WELL_KNOWN_H
#define SERVER_DOORS_HTTP_WELL_KNOWN_H

#include "http.h"

/* On each door loop's shell. */
void well_known_routes(struct http *http, struct directory *directory);

#endif
