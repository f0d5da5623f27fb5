/* SPDX-License-Identifier: Apache-2.0 */
#include "publish.h"

#include <stdarg.h>
#include <string.h>

#include "request.h"
#include "sigillo/limits.h"

#define KEY_RECORD_MAX 8192

bool publish_is_automatic(const struct config *config, const struct domain *domain)
{
    const char *zone = config->domains.dkim_zone != NULL ? config->domains.dkim_zone : domain->name;

    return update_zone(config, (struct sgl_name){.text = sgl_view_cstr(zone)}) != NULL;
}

/* ---- a plan ---- */

static enum sgl_status plan_new(size_t most, struct sgl_arena *arena, struct publish_plan *out)
{
    out->items = out->helds = 0;
    out->item = SGL_NEW_N(arena, most + 1, struct publish_item);
    out->held = SGL_NEW_N(arena, most + 1, struct publish_held);
    return out->item == NULL || out->held == NULL ? arena->status : SGL_OK;
}

static enum sgl_status hold(struct publish_plan *p, const struct sgl_setup_row *row,
                            struct sgl_arena *arena, const char *format, ...) SGL_PRINTF(4, 5);
static enum sgl_status hold(struct publish_plan *p, const struct sgl_setup_row *row,
                            struct sgl_arena *arena, const char *format, ...)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(2048);
    struct publish_held *h = &p->held[p->helds];
    char line[1024];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    sgl_buf_add_cstr(&text, line);
    if (text.status != SGL_OK)
        return text.status;
    h->type = row->type;
    SGL_TRY(sgl_name_dup(row->name, arena, &h->name));
    SGL_TRY(sgl_arena_dup(arena, sgl_buf_view(&text), &h->why));
    p->helds++;
    return SGL_OK;
}

/* ---- what is lacking ---- */

/* What stands there was ours, or is carried along in the value that takes its place. */
static bool may_go(const struct sgl_setup_row *row)
{
    return row->old_count == 0 || row->merged || strcmp(row->code, "dkim-revoked") == 0 ||
           strcmp(row->code, "mta-sts-other-id") == 0;
}

static bool of_other_type(const struct sgl_setup_row *row)
{
    for (size_t i = 0; i < row->old_count; i++)
        if (row->old[i].type != row->type)
            return true;
    return row->old_count > UPDATE_OLD_MAX;
}

static enum sgl_status add_row(const struct sgl_setup_row *row, struct sgl_arena *arena,
                               struct update_change *c)
{
    *c = (struct update_change){.type = row->type};
    c->only = row->purpose != SGL_SETUP_OWNERSHIP && row->purpose != SGL_SETUP_SPF;
    SGL_TRY(sgl_name_dup(row->name, arena, &c->name));
    SGL_TRY(sgl_arena_dup(arena, row->value, &c->add));
    for (size_t i = 0; i < row->old_count; i++)
        SGL_TRY(sgl_arena_dup(arena, row->old[i].value, &c->old[c->olds++]));
    return SGL_OK;
}

static enum sgl_status plan_row(const struct sgl_setup *seen, const struct sgl_setup_row *row,
                                const struct config *config, bool replace, struct sgl_arena *arena,
                                struct publish_plan *out)
{
    const struct config_update *to = update_zone(config, row->name);

    if (to != NULL && row->state == SGL_SETUP_UNKNOWN)
        return hold(out, row, arena, "What stands there could not be asked.");
    if (!row->publish || row->value.len == 0 || to == NULL)
        return SGL_OK;
    if (seen->zone_known && !sgl_view_eq_nocase(row->zone.text, sgl_view_cstr(to->zone)))
        return hold(out, row, arena, "It lies in the zone %.*s, and dns_update %s is for %s.",
                    SGL_FMT(row->zone.text), to->name, to->zone);
    if (of_other_type(row))
        return hold(out, row, arena, "A record of another type stands there: remove it first.");
    if (!may_go(row) && !replace)
        return hold(out, row, arena, "Something else stands there, which is not ours: %.*s",
                    SGL_FMT(sgl_view_sub(row->found, 0, 300)));
    if (out->items >= UPDATE_CHANGES_MAX)
        return SGL_E_LIMIT;
    SGL_TRY(add_row(row, arena, &out->item[out->items].change));
    out->item[out->items++].to = to;
    return SGL_OK;
}

static enum sgl_status key_text(const struct sgl_setup_selector *s, struct sgl_arena *arena,
                                sgl_view *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(KEY_RECORD_MAX);

    SGL_TRY(sgl_dkim_key_record(s->algorithm, s->public_key, &text));
    return sgl_arena_dup(arena, sgl_buf_view(&text), out);
}

/* A key at the end of an alias stands in the operator's zone, of which no row speaks. */
static enum sgl_status plan_alias(const struct sgl_setup_selector *s, const struct config *config,
                                  bool withdraw, struct sgl_arena *arena, struct publish_plan *out)
{
    struct publish_item *item = &out->item[out->items];
    struct update_change *c = &item->change;
    sgl_view text;

    if (sgl_name_is_root(s->alias) || out->items >= UPDATE_CHANGES_MAX)
        return SGL_OK;
    item->to = update_zone(config, s->alias);
    if (item->to == NULL)
        return SGL_OK;
    SGL_TRY(key_text(s, arena, &text));
    *c = (struct update_change){.type = SGL_RR_TXT, .lenient = true, .only = !withdraw};
    SGL_TRY(sgl_name_dup(s->alias, arena, &c->name));
    if (!withdraw)
        c->add = text;
    else
        c->old[c->olds++] = text;
    c->old[c->olds++] = SGL_LIT(PUBLISH_REVOKED);
    out->items++;
    return SGL_OK;
}

/* Is the key at the end of this selector's alias to be seen to? */
static bool lacks_key(const struct sgl_setup *seen, const struct sgl_setup_selector *s)
{
    for (size_t i = 0; i < seen->rows; i++) {
        const struct sgl_setup_row *row = &seen->row[i];

        if ((row->purpose == SGL_SETUP_DKIM || row->purpose == SGL_SETUP_DKIM2) &&
            sgl_view_starts_nocase(row->name.text, s->name) &&
            sgl_view_starts(sgl_view_from(row->name.text, s->name.len), SGL_LIT("._domainkey")))
            return row->state == SGL_SETUP_MISSING || row->state == SGL_SETUP_WRONG;
    }
    return false;
}

enum sgl_status publish_missing(const struct sgl_setup *seen,
                                const struct sgl_setup_request *request,
                                const struct config *config, bool replace, struct sgl_arena *arena,
                                struct publish_plan *out)
{
    struct publish_plan p;

    SGL_TRY(plan_new(seen->rows + request->selectors, arena, &p));
    for (size_t i = 0; i < seen->rows; i++)
        SGL_TRY(plan_row(seen, &seen->row[i], config, replace, arena, &p));
    for (size_t i = 0; i < request->selectors; i++)
        if (lacks_key(seen, &request->selector[i]))
            SGL_TRY(plan_alias(&request->selector[i], config, false, arena, &p));
    *out = p;
    return SGL_OK;
}

/* ---- withdrawn ---- */

static enum sgl_status plan_gone(const struct sgl_setup_row *row, const struct config *config,
                                 struct sgl_arena *arena, struct publish_plan *out)
{
    struct publish_item *item = &out->item[out->items];
    struct update_change *c = &item->change;

    item->to = update_zone(config, row->name);
    if (item->to == NULL || row->value.len == 0 || out->items >= UPDATE_CHANGES_MAX)
        return SGL_OK;
    *c = (struct update_change){.type = row->type, .lenient = true};
    SGL_TRY(sgl_name_dup(row->name, arena, &c->name));
    SGL_TRY(sgl_arena_dup(arena, row->value, &c->old[c->olds++]));
    if (row->purpose == SGL_SETUP_DKIM || row->purpose == SGL_SETUP_DKIM2)
        c->old[c->olds++] = SGL_LIT(PUBLISH_REVOKED);
    out->items++;
    return SGL_OK;
}

enum sgl_status publish_withdrawal(const struct sgl_setup *seen,
                                   const struct sgl_setup_request *request,
                                   const struct config *config, struct sgl_arena *arena,
                                   struct publish_plan *out)
{
    struct publish_plan p;

    SGL_TRY(plan_new(seen->rows + request->selectors, arena, &p));
    for (size_t i = 0; i < seen->rows; i++)
        SGL_TRY(plan_gone(&seen->row[i], config, arena, &p));
    for (size_t i = 0; i < request->selectors; i++)
        SGL_TRY(plan_alias(&request->selector[i], config, true, arena, &p));
    *out = p;
    return SGL_OK;
}

/* ---- revoked ---- */

enum sgl_status publish_key_name(const struct domain *domain, const char *selector,
                                 const struct config *config, struct sgl_arena *arena,
                                 struct sgl_name *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1024);

    if (config->domains.dkim_zone != NULL)
        sgl_buf_addf(&text, "%s.%s.%s", selector, domain->name, config->domains.dkim_zone);
    else
        sgl_buf_addf(&text, "%s._domainkey.%s", selector, domain->name);
    SGL_TRY(text.status);
    return sgl_name_parse(sgl_buf_view(&text), SGL_NAME_UNDERSCORE, arena, NULL, out);
}

static enum sgl_status revoke(const struct domain *domain, const struct selector *s,
                              const struct config *config, struct sgl_arena *arena,
                              struct publish_plan *out)
{
    uint8_t space[SELECTOR_PUBLIC_MAX];
    struct sgl_setup_selector key = {
        .algorithm = s->algorithm == KEYS_ED25519 ? SGL_DKIM_ED25519_SHA256 : SGL_DKIM_RSA_SHA256,
        .public_key = selector_key_public(s->key, space)};
    struct publish_item *item = &out->item[out->items];
    struct update_change *c = &item->change;

    *c = (struct update_change){.type = SGL_RR_TXT, .lenient = true, .only = true};
    c->add = SGL_LIT(PUBLISH_REVOKED);
    SGL_TRY(publish_key_name(domain, s->name, config, arena, &c->name));
    item->to = update_zone(config, c->name);
    if (item->to == NULL)
        return SGL_OK;
    if (key.public_key.len == 0)
        return SGL_E_NOMEM;
    SGL_TRY(key_text(&key, arena, &c->old[c->olds++]));
    out->items++;
    return SGL_OK;
}

enum sgl_status publish_revocation(const struct domain *domain, const struct config *config,
                                   struct sgl_arena *arena, struct publish_plan *out)
{
    struct publish_plan p;

    SGL_TRY(plan_new(domain->selectors, arena, &p));
    for (size_t i = 0; i < domain->selectors; i++)
        if (domain->selector[i].retires)
            SGL_TRY(revoke(domain, &domain->selector[i], config, arena, &p));
    *out = p;
    return SGL_OK;
}
