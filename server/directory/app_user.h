/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An application as a user name, for programs that know user names and passwords only:
 *
 *   RESOURCE|CLIENT ID|TENANT    the tenant is a subscription, by its name or its GUID
 *   RESOURCE.CLIENT ID.TENANT    by its GUID
 *
 * as programs for Azure Communication Services have it.  The resource may be any name; what counts are the other two.  No credential and no account has a name of this shape.
 */
#ifndef SERVER_DIRECTORY_APP_USER_H
#define SERVER_DIRECTORY_APP_USER_H

#include <stdbool.h>

#include "guid.h"

#define APP_USER_RESOURCE_MAX 64

struct app_user {
    char client_id[GUID_TEXT_SIZE]; /* in lower case */
    sgl_view tenant;                /* borrowed */
};
/* false: it is no such name, and *out is untouched. */
bool app_user_parse(sgl_view user, struct app_user *out);

#endif
