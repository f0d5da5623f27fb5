/* SPDX-License-Identifier: Apache-2.0 */
#include "heard_names_internal.h"

#define REVERSE_MAX 100 /* 32 nibbles with dots, and the zone */

static enum sgl_status reverse_of(const struct sgl_ip *ip, struct sgl_arena *arena,
                                  struct sgl_name *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(REVERSE_MAX);

    sgl_ip_put_reverse(&text, ip);
    sgl_buf_add_cstr(&text, ip->version == 4 ? ".in-addr.arpa" : ".ip6.arpa");
    if (text.status != SGL_OK)
        return text.status;
    return sgl_name_parse(sgl_buf_view(&text), SGL_NAME_UNDERSCORE, arena, NULL, out);
}

static bool leads_to(const struct sgl_dns_answer *answer, const struct sgl_ip *ip)
{
    for (size_t i = 0; i < answer->count; i++)
        if (sgl_ip_eq(&answer->rr[i].ip, ip))
            return true;
    return false;
}

/* What is remembered lasts as long as the shortest of what it is made of, within bounds. */
static void lasts(struct heard_name_found *out, const struct sgl_dns_answer *answer)
{
    uint32_t ttl_s = answer->ttl_s < HEARD_NAMES_LEAST ? HEARD_NAMES_LEAST : answer->ttl_s;

    if (sgl_dns_is_error(answer))
        ttl_s = HEARD_NAMES_FAILED;
    out->ttl_s = ttl_s < out->ttl_s ? ttl_s : out->ttl_s;
}

enum sgl_status heard_name_find(const struct sgl_ip *ip, struct sgl_dns *dns,
                                struct sgl_arena *arena, struct heard_name_found *out)
{
    enum sgl_rr type = ip->version == 4 ? SGL_RR_A : SGL_RR_AAAA;
    const struct sgl_dns_answer *names, *answer;
    struct sgl_name reverse;
    size_t tried;

    *out = (struct heard_name_found){.name = SGL_LIT(""), .ttl_s = HEARD_NAMES_MOST};
    SGL_TRY(reverse_of(ip, arena, &reverse));
    SGL_TRY(sgl_dns_get(dns, reverse, SGL_RR_PTR, &names));
    lasts(out, names);
    tried = names->count < HEARD_NAMES_TRIED ? names->count : HEARD_NAMES_TRIED;
    for (size_t i = 0; i < tried; i++)
        sgl_dns_want(dns, names->rr[i].name, type);
    for (size_t i = 0; i < tried; i++) {
        SGL_TRY(sgl_dns_get(dns, names->rr[i].name, type, &answer));
        lasts(out, answer);
        if (!leads_to(answer, ip))
            continue;
        out->name = names->rr[i].name.text;
        break;
    }
    return SGL_OK;
}
