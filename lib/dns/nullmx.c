/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/nullmx.h"

#include "sigillo/banned.h"

static enum sgl_nullmx classify(const struct sgl_dns_answer *mx)
{
    size_t roots = 0;

    if (sgl_dns_is_error(mx))
        return SGL_NULLMX_TEMPERROR;
    for (size_t i = 0; i < mx->count; i++)
        roots += sgl_name_is_root(mx->rr[i].mx.host);
    if (roots == 0)
        return SGL_NULLMX_ABSENT;
    if (mx->count + mx->dropped == 1 && mx->rr[0].mx.preference == 0)
        return SGL_NULLMX_PRESENT;
    return SGL_NULLMX_BROKEN;
}

enum sgl_status sgl_nullmx_check(struct sgl_name domain, struct sgl_dns *dns, enum sgl_nullmx *out)
{
    const struct sgl_dns_answer *mx = NULL;

    SGL_TRY(sgl_dns_get(dns, domain, SGL_RR_MX, &mx));
    *out = classify(mx);
    return SGL_OK;
}
