/* SPDX-License-Identifier: Apache-2.0 */
/* Services, domains and senders by the paths of Azure's resource manager, for programs that manage Azure Communication Services; docs/acs.md. */
#ifndef SERVER_DOORS_HTTP_ARM_H
#define SERVER_DOORS_HTTP_ARM_H

#include "admin.h"

/* On each door loop's shell, HTTP_PUBLIC; *admin is borrowed for its life. */
void arm_routes(struct http *http, const struct admin *admin);

#endif
