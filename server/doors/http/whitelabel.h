/* SPDX-License-Identifier: Apache-2.0 */
/* Domains by the paths of SendGrid's API, /v3/whitelabel/domains, for programs that set them up there; docs/sendgrid.md. */
#ifndef SERVER_DOORS_HTTP_WHITELABEL_H
#define SERVER_DOORS_HTTP_WHITELABEL_H

#include "admin.h"

/* On each door loop's shell, HTTP_PUBLIC; *admin is borrowed for its life. What goes wrong is told in the shape that sendgrid_routes() has set. */
void whitelabel_routes(struct http *http, const struct admin *admin);

#endif
