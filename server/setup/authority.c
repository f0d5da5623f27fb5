/* SPDX-License-Identifier: Apache-2.0 */
#include "authority.h"

#define HOSTS_MAX  6
#define LABELS_MAX 24

/* The name servers at or above the name, the nearest ones; *zone is theirs, the root when there are none. A failed lookup is passed over: those above know the way down. */
static enum sgl_status find_zone(struct sgl_name name, struct sgl_dns *dns, struct sgl_name *zone,
                                 const struct sgl_dns_answer **servers)
{
    for (size_t i = 0; i < LABELS_MAX && !sgl_name_is_root(name); i++) {
        const struct sgl_dns_answer *ns = NULL;

        SGL_TRY(sgl_dns_get(dns, name, SGL_RR_NS, &ns));
        if (ns->outcome == SGL_DNS_OK && ns->count > 0 && !ns->aliased) {
            *zone = name;
            *servers = ns;
            return SGL_OK;
        }
        name = sgl_name_parent(name);
    }
    *zone = (struct sgl_name){.text = SGL_LIT("")};
    *servers = NULL;
    return SGL_OK;
}

static void add_addresses(struct authority *a, const struct sgl_dns_answer *answer)
{
    for (size_t i = 0; i < answer->count && a->servers < AUTHORITY_SERVERS_MAX; i++)
        sgl_ip_text(&answer->rr[i].ip, a->server[a->servers++]);
}

/* Both families of all of them travel together. */
static enum sgl_status find_addresses(const struct sgl_dns_answer *ns, struct sgl_dns *dns,
                                      struct authority *a)
{
    static const enum sgl_rr family[] = {SGL_RR_A, SGL_RR_AAAA};
    size_t hosts = ns->count < HOSTS_MAX ? ns->count : HOSTS_MAX;
    enum sgl_status status = SGL_OK;

    for (size_t i = 0; i < 2 * hosts; i++) {
        const struct sgl_dns_answer *answer = NULL;
        enum sgl_status one = sgl_dns_get(dns, ns->rr[i / 2].name, family[i % 2], &answer);

        status = sgl_join(status, one);
        if (one == SGL_OK && answer->outcome == SGL_DNS_OK)
            add_addresses(a, answer);
    }
    return status;
}

enum sgl_status authority_find(struct sgl_name name, struct sgl_dns *dns, struct authority *out)
{
    const struct sgl_dns_answer *ns = NULL;
    struct authority found = {.servers = 0};

    SGL_TRY(find_zone(name, dns, &found.zone, &ns));
    if (ns != NULL)
        SGL_TRY(find_addresses(ns, dns, &found));
    *out = found;
    return SGL_OK;
}
