/* SPDX-License-Identifier: Apache-2.0 */
/* A policy as a value. */
#include <stdio.h>
#include <stdlib.h>

#include "sigillo/limits.h"
#include "sts.h"

#define PATTERN_BYTES 512 /* a name as it is kept, and its place in the list */
#define POLICY_MEMORY_MAX                                                                          \
    (2 * SGL_LIMIT_MTA_STS_POLICY + SGL_LIMIT_MTA_STS_MX * PATTERN_BYTES + 4096)

struct sts_policy *sts_policy_ref(struct sts_policy *p)
{
    p->refs++;
    return p;
}

void sts_policy_unref(struct sts_policy *p)
{
    if (p == NULL || --p->refs > 0)
        return;
    sgl_arena_done(&p->arena);
    free(p);
}

static enum sgl_status fill(struct sts_policy *p, sgl_view domain, sgl_view id, sgl_view body,
                            struct sgl_diag *diag)
{
    SGL_TRY(sgl_arena_dup(&p->arena, domain, &p->domain));
    SGL_TRY(sgl_arena_dup(&p->arena, id, &p->id));
    SGL_TRY(sgl_arena_dup(&p->arena, body, &p->body));
    return sgl_mta_sts_policy_parse(p->body, &p->arena, &p->policy, diag);
}

enum sgl_status sts_policy_read(sgl_view domain, sgl_view id, sgl_view body, int64_t fetched_at,
                                struct sts_policy **out, char why[STS_WHY_SIZE])
{
    struct sts_policy *p = calloc(1, sizeof(*p));
    struct sgl_diag diag = {0};
    enum sgl_status status;

    if (p == NULL)
        return SGL_E_NOMEM;
    p->refs = 1;
    p->fetched_at = fetched_at;
    sgl_arena_init(&p->arena, POLICY_MEMORY_MAX);
    status = body.len > SGL_LIMIT_MTA_STS_POLICY ? SGL_E_LIMIT : fill(p, domain, id, body, &diag);
    if (status != SGL_OK) {
        snprintf(why, STS_WHY_SIZE, "its policy cannot be read: %s",
                 diag.what != NULL ? diag.what : "it is too large");
        sts_policy_unref(p);
        return status;
    }
    p->expires_at = fetched_at + p->policy.max_age_s;
    *out = p;
    return SGL_OK;
}
