/* SPDX-License-Identifier: Apache-2.0 */
/* What the resources below /v3/whitelabel have in common: their numbers, and the subscription as SendGrid's API calls it. */
#include "whitelabel.h"

#include <sodium.h>
#include <stdio.h>

#include "whitelabel_internal.h"

/* A number that every JSON reader keeps as it is; of the same words the same one. */
int64_t whitelabel_number(const char *kind, const char *name, int64_t made_at)
{
    char text[600];
    uint8_t hash[crypto_generichash_BYTES];
    uint64_t number = 0;

    snprintf(text, sizeof(text), "%s/%s/%lld", kind, name, (long long)made_at);
    crypto_generichash(hash, sizeof(hash), (const uint8_t *)text, strlen(text), NULL, 0);
    memcpy(&number, hash, sizeof(number));
    number &= (UINT64_C(1) << 52) - 1;
    return (int64_t)(number == 0 ? 1 : number);
}

int64_t whitelabel_user(const struct admin *admin, const char *subscription)
{
    struct subscription *s = directory_subscription(admin->directory, sgl_view_cstr(subscription));
    int64_t number = whitelabel_number("user", s == NULL ? subscription : s->guid, 0);

    subscription_unref(s);
    return number;
}

bool whitelabel_integer(struct http_request *r, const char *name, int64_t least, int64_t most,
                        int64_t *out)
{
    sgl_view text = http_query(r, name);
    uint64_t n;

    if (text.ptr == NULL)
        return true;
    if (sgl_view_u64(text, (uint64_t)most, &n) && (int64_t)n >= least) {
        *out = (int64_t)n;
        return true;
    }
    http_reply_problem(r, 400, "number", name, "A whole number is wanted here.");
    return false;
}

void whitelabel_routes(struct http *http, const struct admin *admin)
{
    whitelabel_domain_routes(http, (void *)(uintptr_t)admin);
}
