/* SPDX-License-Identifier: Apache-2.0 */
/* The MTA-STS policy of a domain that is served here: one text, from which the rest follows. */
#include "domain_internal.h"
#include "sigillo/limits.h"
#include "sigillo/mta_sts.h"

#define POLICY_MEMORY (64u * 1024u)

/* How long those who have the policy remember it; 0: it asks for nothing. false: no memory. */
static bool remembered_s(const char *policy, uint32_t *out)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(POLICY_MEMORY);
    struct sgl_mta_sts_policy p;
    enum sgl_status status;

    *out = 0;
    if (policy[0] == '\0')
        return true;
    status = sgl_mta_sts_policy_parse(sgl_view_cstr(policy), &arena, &p, NULL);
    if (status == SGL_OK && p.mode != SGL_MTA_STS_MODE_NONE)
        *out = p.max_age_s;
    return status == SGL_OK || status == SGL_E_SYNTAX;
}

/* [RFC 8461 s8.3] What was asked for is taken back by a policy of mode none, and only when nobody remembers the former one it goes. */
const char *domain_sts_set(struct domain *d, const struct domain_change *dc, int64_t now_s)
{
    uint32_t asks_s;
    char *text;

    if (sgl_view_eq(dc->sts_policy, sgl_view_cstr(d->sts_policy)))
        return NULL;
    if (!remembered_s(d->sts_policy, &asks_s))
        return "there is no memory left";
    if (dc->sts_policy.len == 0 && asks_s > 0 && !dc->sts_forget)
        return "senders remember the policy: let mode none stand until it is forgotten everywhere";
    if (dc->sts_policy.len == 0 && d->sts_until_s > now_s && !dc->sts_forget)
        return "senders may still remember the policy of before; mode none has to stand until it "
               "is forgotten everywhere";
    text = text_of(dc->sts_policy);
    if (text == NULL)
        return "there is no memory left";
    if (asks_s > 0 && d->sts_until_s < now_s + asks_s)
        d->sts_until_s = now_s + asks_s;
    if (text[0] == '\0')
        d->sts_until_s = 0;
    free(d->sts_policy);
    d->sts_policy = text;
    return NULL;
}
