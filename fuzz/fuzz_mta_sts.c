/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a record, a policy, or refused; what was read is written so that it reads the same. */
#include <stdlib.h>

#include "sigillo/limits.h"
#include "sigillo/mta_sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_policy(const struct sgl_mta_sts_policy *p, struct sgl_arena *arena)
{
    sgl_auto(sgl_buf) body = SGL_BUF_INIT(1 << 20);
    struct sgl_mta_sts_policy again;

    if (p->max_age_s > SGL_LIMIT_MTA_STS_AGE || p->count > SGL_LIMIT_MTA_STS_MX ||
        (p->count == 0 && p->mode != SGL_MTA_STS_MODE_NONE) ||
        sgl_mta_sts_policy_put(p, &body) != SGL_OK)
        abort();
    if (body.len > SGL_LIMIT_MTA_STS_POLICY)
        return;
    if (sgl_mta_sts_policy_parse(sgl_buf_view(&body), arena, &again, NULL) != SGL_OK ||
        again.count != p->count || again.max_age_s != p->max_age_s || again.mode != p->mode)
        abort();
    for (size_t i = 0; i < p->count; i++) {
        if (!sgl_name_eq(p->mx[i].name, again.mx[i].name) ||
            (!p->mx[i].wildcard && !sgl_mta_sts_matches(p, p->mx[i].name)))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
    sgl_view text = sgl_view_of(data, size);
    struct sgl_findings findings = {0};
    struct sgl_mta_sts_record record;
    struct sgl_mta_sts_policy policy;
    bool good = sgl_mta_sts_record_parse(text, &record, NULL) == SGL_OK;

    if (good && (!sgl_mta_sts_is_record(text) || record.id.len == 0 || record.id.len > 32))
        abort();
    if (sgl_mta_sts_record_lint(text, &arena, &findings) != SGL_OK ||
        (findings.errors == 0) != good)
        abort();
    good = sgl_mta_sts_policy_parse(text, &arena, &policy, NULL) == SGL_OK;
    if (good)
        check_policy(&policy, &arena);
    findings = (struct sgl_findings){0};
    if (sgl_mta_sts_policy_lint(text, &arena, &findings) != SGL_OK ||
        (findings.errors == 0) != good)
        abort();
    return 0;
}
