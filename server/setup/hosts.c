/* SPDX-License-Identifier: Apache-2.0 */
#include "hosts.h"

#include "sigillo/dane.h"
#include "sigillo/limits.h"
#include "sigillo/mx.h"

_Static_assert(HOSTS_QUESTIONS == 1 + 5 * SGL_LIMIT_MX_HOSTS, "as many as may be asked");

#define SMTP_PORT 25
#define WORD_MAX  12 /* what stands beside a name */

struct seeing {
    const struct domain *domain;
    struct sgl_dns *dns;
    struct sgl_arena *arena;
    struct sgl_mx mx;
};

/* What was known of the host. */
static enum domain_tlsa known(const struct domain *d, sgl_view name)
{
    sgl_view rest = sgl_view_cstr(d->hosts);
    struct domain_host h;

    while (domain_hosts_next(&rest, &h))
        if (sgl_view_eq(h.name, name))
            return h.tlsa;
    return DOMAIN_TLSA_UNKNOWN;
}

static enum domain_tlsa tlsa_of(const struct sgl_dane *dane)
{
    switch (dane->level) {
    case SGL_DANE_AUTHENTICATE:
        return DOMAIN_TLSA_PUBLISHED;
    case SGL_DANE_ENCRYPT:
        return DOMAIN_TLSA_UNUSABLE;
    case SGL_DANE_LOOKUP_ERROR:
        return DOMAIN_TLSA_UNKNOWN;
    case SGL_DANE_NONE:
        break;
    }
    if (dane->addresses_state != SGL_DANE_ADDRESSES_OK)
        return DOMAIN_TLSA_UNKNOWN;
    return dane->address_security == SGL_DNS_SECURE ? DOMAIN_TLSA_MISSING : DOMAIN_TLSA_UNSIGNED;
}

/*
 * Where the MX records are not signed, whoever forges them names another host: nothing more is asked.  A domain without any takes its own mail, if it has an address at all.
 */
static enum sgl_status see_host(struct seeing *s, struct sgl_name name, bool *is_host,
                                enum domain_tlsa *out)
{
    struct sgl_dane_request request = {.host = name,
                                       .port = SMTP_PORT,
                                       .ipv4 = true,
                                       .ipv6 = true,
                                       .domain = s->mx.canonical,
                                       .canonical = s->mx.canonical,
                                       .mx_secure = s->mx.security == SGL_DNS_SECURE};
    struct sgl_dane dane;

    *is_host = true;
    *out = DOMAIN_TLSA_UNSIGNED;
    if (!request.mx_secure && !s->mx.implicit)
        return SGL_OK;
    SGL_TRY(sgl_dane_check(&request, s->dns, s->arena, &dane));
    *is_host = !s->mx.implicit || dane.addresses_state != SGL_DANE_ADDRESSES_NONE;
    if (request.mx_secure)
        *out = tlsa_of(&dane);
    if (*out == DOMAIN_TLSA_UNKNOWN)
        *out = known(s->domain, name.text);
    return SGL_OK;
}

/* By name: hosts of the same preference come in any order. */
static enum sgl_status sort(struct seeing *s, const struct sgl_mx_host **out)
{
    struct sgl_mx_host *host = SGL_NEW_N(s->arena, s->mx.hosts + 1, struct sgl_mx_host);
    size_t at;

    if (host == NULL)
        return s->arena->status;
    for (size_t i = 0; i < s->mx.hosts; i++) {
        for (at = i; at > 0 && sgl_view_cmp(host[at - 1].name.text, s->mx.host[i].name.text) > 0;
             at--)
            host[at] = host[at - 1];
        host[at] = s->mx.host[i];
    }
    *out = host;
    return SGL_OK;
}

static enum sgl_status see_all(struct seeing *s, struct sgl_buf *text)
{
    const struct sgl_mx_host *host = NULL;
    enum sgl_status status = SGL_OK;

    SGL_TRY(sort(s, &host));
    for (size_t i = 0; i < s->mx.hosts; i++) {
        struct domain_host h = {.name = host[i].name.text};
        bool is_host;

        status = sgl_join(status, see_host(s, host[i].name, &is_host, &h.tlsa));
        if (status == SGL_OK && is_host && text->len + h.name.len + WORD_MAX <= DOMAIN_HOSTS_MAX)
            domain_hosts_put(text, &h);
    }
    return sgl_join(status, text->status);
}

static enum sgl_status see_custom(struct seeing *s, sgl_view *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(DOMAIN_HOSTS_MAX);
    struct sgl_mx_request request = {.seed = 0};

    SGL_TRY(sgl_name_parse(sgl_view_cstr(s->domain->name), SGL_NAME_UNDERSCORE, s->arena, NULL,
                           &request.domain));
    SGL_TRY(sgl_mx_check(&request, s->dns, s->arena, &s->mx));
    SGL_TRY(see_all(s, &text));
    if (text.len > 0)
        return sgl_arena_dup(s->arena, sgl_buf_view(&text), out);
    *out = s->mx.state == SGL_MX_FAILED ? sgl_view_of(NULL, 0) : SGL_LIT("");
    return SGL_OK;
}

/* What is not custom takes no mail of others, or is the operator's to look after. */
enum sgl_status hosts_see(const struct domain *domain, struct sgl_dns *dns, struct sgl_arena *arena,
                          sgl_view *out)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    struct seeing s = {.domain = domain, .dns = dns, .arena = arena};
    enum sgl_status status = SGL_OK;

    if (domain->kind == DOMAIN_CUSTOM)
        status = see_custom(&s, out);
    else
        *out = SGL_LIT("");
    if (status != SGL_OK)
        sgl_arena_rewind(arena, mark);
    return status;
}
