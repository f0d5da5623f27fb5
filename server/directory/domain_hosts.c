/* SPDX-License-Identifier: Apache-2.0 */
/* The hosts that take a domain's mail, as one text: "mx1.example.org published,mx2.example.org missing". */
#include "domain_internal.h"

static const char *const tlsa_name[DOMAIN_TLSAS] = {
    [DOMAIN_TLSA_UNKNOWN] = "unknown",   [DOMAIN_TLSA_PUBLISHED] = "published",
    [DOMAIN_TLSA_MISSING] = "missing",   [DOMAIN_TLSA_UNSIGNED] = "unsigned",
    [DOMAIN_TLSA_UNUSABLE] = "unusable",
};

const char *domain_tlsa_name(enum domain_tlsa tlsa)
{
    return tlsa_name[tlsa];
}

void domain_hosts_put(struct sgl_buf *to, const struct domain_host *host)
{
    if (to->len > 0)
        sgl_buf_add_byte(to, ',');
    sgl_buf_add(to, host->name);
    sgl_buf_add_byte(to, ' ');
    sgl_buf_add_cstr(to, tlsa_name[host->tlsa]);
}

/* A word that is not ours, of a newer program maybe, says nothing. */
bool domain_hosts_next(sgl_view *rest, struct domain_host *out)
{
    sgl_view one, word;

    if (rest->len == 0)
        return false;
    one = sgl_view_split(*rest, ',', rest);
    *out = (struct domain_host){sgl_view_split(one, ' ', &word), DOMAIN_TLSA_UNKNOWN};
    for (int i = 0; i < DOMAIN_TLSAS; i++)
        if (sgl_view_eq(word, sgl_view_cstr(tlsa_name[i])))
            out->tlsa = (enum domain_tlsa)i;
    return true;
}
