/* SPDX-License-Identifier: Apache-2.0 */
#include "http_internal.h"

struct identity *http_authenticate(struct http_request *r, struct directory *directory)
{
    sgl_view token = http_bearer(r);
    struct identity *who = token.ptr == NULL ? NULL : directory_bearer(directory, token);

    if (who != NULL)
        return who;
    http_reply_header(r, "WWW-Authenticate", SGL_LIT("Bearer realm=\"sigillo\""));
    http_reply_problem(r, 401, token.ptr == NULL ? "key-missing" : "key-unknown", "Authorization",
                       token.ptr == NULL ? "This needs an access key: Authorization: Bearer sk_..."
                                         : "This access key is not known.");
    return NULL;
}
