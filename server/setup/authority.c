/* SPDX-License-Identifier: Apache-2.0 */
#include "authority.h"

#include <stdio.h>

#include "sigillo/ascii.h"

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

/* The first addresses, of each family as many. */
static void add_addresses(struct authority *a, struct sgl_name host,
                          const struct sgl_dns_answer *answer)
{
    struct authority_host *h;

    if (a->hosts == 0 || !sgl_name_eq(a->host[a->hosts - 1].name, host))
        a->host[a->hosts++] = (struct authority_host){.name = host, .first = a->servers};
    h = &a->host[a->hosts - 1];
    for (size_t i = 0; i < answer->count && i < AUTHORITY_EACH_MAX / 2; i++, h->count++)
        sgl_ip_text(&answer->rr[i].ip, a->server[a->servers++]);
}

/* Both families of all of them travel together. */
static enum sgl_status find_addresses(const struct sgl_dns_answer *ns, struct sgl_dns *dns,
                                      struct authority *a)
{
    static const enum sgl_rr family[] = {SGL_RR_A, SGL_RR_AAAA};
    size_t hosts = ns->count < AUTHORITY_HOSTS_MAX ? ns->count : AUTHORITY_HOSTS_MAX;
    enum sgl_status status = SGL_OK;

    for (size_t i = 0; i < 2 * hosts; i++) {
        const struct sgl_dns_answer *answer = NULL;
        enum sgl_status one = sgl_dns_get(dns, ns->rr[i / 2].name, family[i % 2], &answer);

        status = sgl_join(status, one);
        if (one == SGL_OK && answer->outcome == SGL_DNS_OK && answer->count > 0)
            add_addresses(a, ns->rr[i / 2].name, answer);
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

void authority_where(const struct authority *a, size_t host, char out[AUTHORITY_WHERE_SIZE])
{
    const struct authority_host *h = &a->host[host];

    if (sgl_ascii_is_printable(h->name.text))
        snprintf(out, AUTHORITY_WHERE_SIZE, "%.*s (%s)", SGL_FMT(h->name.text),
                 a->server[h->first]);
    else
        snprintf(out, AUTHORITY_WHERE_SIZE, "%s", a->server[h->first]);
}
