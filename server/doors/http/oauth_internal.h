/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of the token service, for its own files. */
#ifndef SERVER_DOORS_HTTP_OAUTH_INTERNAL_H
#define SERVER_DOORS_HTTP_OAUTH_INTERNAL_H

#include "oauth.h"

/* What can be wrong with a request, as clients know it. */
enum oauth_error {
    OAUTH_FIELD_MISSING,
    OAUTH_FIELD_TWICE,
    OAUTH_FORM_BROKEN,
    OAUTH_GRANT_TYPE,
    OAUTH_SCOPE,
    OAUTH_TENANT,          /* at the token address */
    OAUTH_METADATA_TENANT, /* at the metadata address */
    OAUTH_CLIENT_UNKNOWN,
    OAUTH_SECRET_WRONG,
    OAUTH_SECRET_EXPIRED,
    OAUTH_NO_PROOF,
    OAUTH_ASSERTION_TYPE,
    OAUTH_ASSERTION_BROKEN,
    OAUTH_ASSERTION_ISSUER,
    OAUTH_ASSERTION_SUBJECT,
    OAUTH_ASSERTION_AUDIENCE,
    OAUTH_ASSERTION_TIME,
    OAUTH_ASSERTION_SIGNATURE,
    OAUTH_ASSERTION_SEEN,
    OAUTH_ASSERTION_UNAVAILABLE,
    OAUTH_TLS,
    OAUTH_TOO_MANY,
    OAUTH_UNAVAILABLE,
};
/* Answers. about: the field or the name at fault, printable, or "". */
void oauth_refuse(struct http_request *r, enum oauth_error error, sgl_view about);
/* The same with Retry-After. */
void oauth_refuse_until(struct http_request *r, enum oauth_error error, unsigned seconds);

#endif
