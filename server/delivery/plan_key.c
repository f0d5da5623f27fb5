/* SPDX-License-Identifier: Apache-2.0 */
/* The key of a site: destinations that share connections have the same. */
#include <stdlib.h>

#include "plan_internal.h"

#define SITE_KEY_MAX 16384

static int by_name(const void *a, const void *b)
{
    return sgl_view_cmp((*(const struct plan_host *const *)a)->name.text,
                        (*(const struct plan_host *const *)b)->name.text);
}

/* May the certificate have to carry a name that depends on the destination?  With DANE-EE names do not count [RFC 7672 s3.1.1]. */
static bool proves_destination(const struct plan_host *host)
{
    if (host->demand != DEMAND_DANE || host->dane.names < 2)
        return false;
    for (size_t i = 0; i < host->dane.tlsas; i++)
        if (host->dane.tlsa[i].usage != 3)
            return true;
    return false;
}

/*
 * Destinations share connections when their mail and they ask the same of the same hosts.  Where a name has to be proved that depends on the destination (DANE-TA), the
 * destination is a part of the key, and where it has an MTA-STS policy, which is nobody else's; whether the way to the host was secure is, too, because the trail tells it.  A host that can't be tried (its TLSA lookup failed) is not the
 * same as one that can: a connection to it, made when the lookup went well, carries nothing for those who must not use it.
 */
enum sgl_status plan_make_site_key(struct planner *p, sgl_view domain)
{
    static const char *const demand[] = {"published", "lax", "encrypted", "proved"};
    struct plan *plan = p->plan;
    sgl_auto(sgl_buf) key = SGL_BUF_INIT(SITE_KEY_MAX);
    const struct plan_host **sorted =
        SGL_NEW_N(&plan->arena, plan->hosts + 1, const struct plan_host *);
    bool own = plan->failed || plan->sts != NULL;
    char text[SGL_IP_TEXT_SIZE];

    if (sorted == NULL)
        return plan->arena.status;
    sgl_buf_addf(&key, "%s ", demand[plan->tls]);
    if (plan->route != NULL)
        sgl_buf_addf(&key, "route %s ", plan->route->name);
    for (size_t i = 0; i < plan->hosts; i++)
        sorted[i] = &plan->host[i];
    if (plan->hosts > 1)
        qsort(sorted, plan->hosts, sizeof *sorted, by_name);
    for (size_t i = 0; i < plan->hosts; i++) {
        sgl_buf_add(&key, sorted[i]->name.text);
        if (p->literal)
            sgl_buf_add(&key, sgl_ip_text(&p->literal_ip, text));
        sgl_buf_addf(&key, ":%u/%s%s ", (unsigned)plan->port,
                     sorted[i]->usable ? tls_demand_name(sorted[i]->demand)
                                       : failure_name(sorted[i]->failure),
                     sorted[i]->dane.domain_protected ? "+" : "");
        own = own || proves_destination(sorted[i]);
    }
    if (own)
        sgl_buf_add(&key, domain);
    SGL_TRY(key.status);
    return sgl_arena_dup(&plan->arena, sgl_buf_view(&key), &plan->site_key);
}
