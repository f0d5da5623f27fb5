/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include "publish.h"
#include "sigillo/limits.h"

#define STS_ID "1" /* the policy is the same for all domains, and has not changed yet */

static enum sgl_status name_of(const char *text, struct sgl_arena *arena, struct sgl_name *out)
{
    return sgl_name_parse(sgl_view_cstr(text), SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT, arena,
                          NULL, out);
}

/* "LABEL.BASE" */
static enum sgl_status name_below(const char *label, const char *base, struct sgl_arena *arena,
                                  struct sgl_name *out)
{
    struct sgl_name above;

    SGL_TRY(name_of(base, arena, &above));
    return sgl_name_under(sgl_view_cstr(label), above, arena, out);
}

static enum sgl_status text_of_term(const char *hostname, struct sgl_arena *arena, sgl_view *out)
{
    struct sgl_buf text = SGL_BUF_INIT(512);
    enum sgl_status status;

    sgl_buf_addf(&text, "a:%s", hostname);
    status = text.status == SGL_OK ? sgl_arena_dup(arena, sgl_buf_view(&text), out) : text.status;
    sgl_buf_done(&text);
    return status;
}

static enum sgl_status add_spf(const struct config *config, struct sgl_arena *arena,
                               struct sgl_setup_request *out)
{
    size_t count = config->domains.spfs == 0 ? 1 : config->domains.spfs;
    sgl_view *term = SGL_NEW_N(arena, count, sgl_view);

    if (term == NULL)
        return arena->status;
    if (config->domains.spfs == 0)
        SGL_TRY(text_of_term(config->hostname, arena, &term[0]));
    for (size_t i = 0; i < config->domains.spfs; i++)
        term[i] = sgl_view_cstr(config->domains.spf[i]);
    out->spf_term = term;
    out->spf_terms = count;
    return SGL_OK;
}

/* Where the key of a selector is published, when the operator does it: "s1.example.org.ZONE". */
static enum sgl_status alias_of(const struct domain *domain, const struct selector *s,
                                const char *zone, struct sgl_arena *arena, struct sgl_name *out)
{
    struct sgl_name base;

    SGL_TRY(name_of(zone, arena, &base));
    SGL_TRY(sgl_name_under(sgl_view_cstr(domain->name), base, arena, &base));
    return sgl_name_under(sgl_view_cstr(s->name), base, arena, out);
}

/* Without its key no record of a selector can be made. */
static enum sgl_status add_public(const struct selector *s, struct sgl_arena *arena, sgl_view *out)
{
    uint8_t space[SELECTOR_PUBLIC_MAX];
    sgl_view key = selector_key_public(s->key, space);

    return key.len == 0 ? SGL_E_NOMEM : sgl_arena_dup(arena, key, out);
}

static enum sgl_status add_selectors(const struct domain *domain, const struct config *config,
                                     struct sgl_arena *arena, struct sgl_setup_request *out)
{
    struct sgl_setup_selector *list =
        SGL_NEW_N(arena, domain->selectors + 1, struct sgl_setup_selector);

    if (list == NULL)
        return arena->status;
    for (size_t i = 0; i < domain->selectors && i < SGL_LIMIT_SETUP_SELECTORS; i++) {
        const struct selector *s = &domain->selector[i];
        struct sgl_setup_selector *to = &list[out->selectors];

        if (s->retires && domain->rotation.step == ROTATION_REVOKE)
            continue; /* nobody wants it published any more */
        out->selectors++;
        *to = (struct sgl_setup_selector){.algorithm = s->algorithm == KEYS_ED25519
                                                           ? SGL_DKIM_ED25519_SHA256
                                                           : SGL_DKIM_RSA_SHA256,
                                          .signs = s->active};
        SGL_TRY(sgl_arena_dup(arena, sgl_view_cstr(s->name), &to->name));
        SGL_TRY(add_public(s, arena, &to->public_key));
        if (config->domains.dkim_zone != NULL)
            SGL_TRY(alias_of(domain, s, config->domains.dkim_zone, arena, &to->alias));
    }
    out->selector = list;
    return SGL_OK;
}

static enum sgl_status add_return_path(const struct domain *domain, const struct config *config,
                                       struct sgl_arena *arena, struct sgl_setup_request *out)
{
    const char *host =
        config->domains.return_host != NULL ? config->domains.return_host : config->hostname;

    if (domain->return_path[0] == '\0')
        return SGL_OK;
    SGL_TRY(name_below(domain->return_path, domain->name, arena, &out->return_path));
    return name_of(host, arena, &out->return_mx);
}

/* Of the policy that is served here. */
static enum sgl_status add_policy(const struct domain *domain, const struct config *config,
                                  struct sgl_arena *arena, struct sgl_setup_request *out)
{
    const char *host =
        config->domains.sts_host != NULL ? config->domains.sts_host : config->hostname;
    char id[DOMAIN_STS_ID_SIZE];

    domain_sts_id(domain, id);
    if (id[0] == '\0')
        return SGL_OK;
    out->sts_own = true;
    SGL_TRY(sgl_arena_dup(arena, sgl_view_cstr(id), &out->sts_id));
    return name_of(host, arena, &out->sts_host);
}

static enum sgl_status add_transport(const struct domain *domain, const struct config *config,
                                     struct sgl_arena *arena, struct sgl_setup_request *out)
{
    out->tlsrpt = true;
    if (config->domains.tls_reports != NULL)
        out->tls_rua = sgl_view_cstr(config->domains.tls_reports);
    SGL_TRY(add_policy(domain, config, arena, out));
    if (out->sts_own || config->domains.sts_host == NULL)
        return SGL_OK;
    out->sts_id = SGL_LIT(STS_ID);
    return name_of(config->domains.sts_host, arena, &out->sts_host);
}

enum sgl_status setup_request(const struct domain *domain, const struct config *config,
                              struct sgl_arena *arena, struct sgl_setup_request *out)
{
    struct sgl_setup_request r = {.parked = domain->kind == DOMAIN_PARKED,
                                  .psl = sgl_psl_builtin()};

    SGL_TRY(name_of(domain->name, arena, &r.domain));
    if (config->domains.dmarc_reports != NULL)
        r.dmarc_rua = sgl_view_cstr(config->domains.dmarc_reports);
    /* Where the server publishes it itself the zone is found: names for managed domains may lie deep in it. */
    if (domain->kind == DOMAIN_MANAGED && config->domains.managed_zone != NULL &&
        update_zone(config, r.domain) == NULL)
        SGL_TRY(name_of(config->domains.managed_zone, arena, &r.zone));
    if (domain->kind != DOMAIN_PARKED) {
        SGL_TRY(add_spf(config, arena, &r));
        SGL_TRY(add_selectors(domain, config, arena, &r));
    }
    if (domain->kind == DOMAIN_CUSTOM) {
        SGL_TRY(sgl_arena_dup(arena, sgl_view_cstr(domain->token), &r.token));
        SGL_TRY(add_return_path(domain, config, arena, &r));
        SGL_TRY(add_transport(domain, config, arena, &r));
    }
    *out = r;
    return SGL_OK;
}
