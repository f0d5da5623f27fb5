/* SPDX-License-Identifier: Apache-2.0 */
/* How much may still be sent, on every answer whose asker is known: the narrowest limit of messages or recipients that counts for him. */
#include <stdio.h>

#include "sendgrid_internal.h"

/* Whoever has no limit reads a number that his client can hold, and never comes near. */
#define NO_LIMIT INT32_MAX

static void put(struct http_request *r, const char *name, int64_t value)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld", (long long)value);
    http_reply_header(r, name, sgl_view_cstr(text));
}

static int64_t bounded(uint64_t n)
{
    return n < NO_LIMIT ? (int64_t)n : NO_LIMIT;
}

void sendgrid_put_rate(struct http_request *r, const struct identity *who, void *ctx)
{
    const struct api *api = ctx;
    struct admission_rate rate = {NO_LIMIT, NO_LIMIT, clock_now_s()};

    (void)admission_rate(api->admission, who, &rate);
    put(r, "X-RateLimit-Limit", bounded(rate.max));
    put(r, "X-RateLimit-Remaining", bounded(rate.left));
    put(r, "X-RateLimit-Reset", rate.frees_at_s);
}
