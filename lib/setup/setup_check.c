/* SPDX-License-Identifier: Apache-2.0 */
/* The rows beside what is published. */
#include "setup_internal.h"
#include "sigillo/banned.h"

#define ZONE_WALK_MAX 16

/* ---- the zone -------------------------------------------------------------------------------------------------------- */

/* Nobody puts records into a public suffix: a walk that comes so far has found no zone. */
static bool is_above_all(const struct setup_work *w, struct sgl_name name)
{
    return sgl_name_labels(name) < 2 ||
           (w->request->psl != NULL && sgl_psl_is_suffix(w->request->psl, name));
}

/* The nearest name with name servers is the top of the zone  [RFC 1034 s4.2.1]; none: the guess of the rows stays. */
static enum sgl_status find_zone(struct setup_work *w)
{
    struct sgl_name name = w->s->domain;

    if (w->s->zone_known)
        return SGL_OK;
    for (int i = 0; i < ZONE_WALK_MAX && !is_above_all(w, name); i++) {
        const struct sgl_dns_answer *ns;

        sgl_dns_want(w->dns, sgl_name_parent(name), SGL_RR_NS);
        SGL_TRY(sgl_setup_ask(w, name, SGL_RR_NS, &ns));
        if (sgl_setup_is_unknown(ns))
            return SGL_OK;
        if (ns->outcome == SGL_DNS_NXDOMAIN && !ns->aliased && sgl_name_eq(name, w->s->zone))
            w->domain_missing = true; /* and then nothing below it [RFC 8020 s2] */
        if (ns->count > 0 && !ns->aliased) {
            w->s->zone_known = true;
            sgl_setup_set_zone(w, name);
            return SGL_OK;
        }
        name = sgl_name_parent(name);
    }
    return SGL_OK;
}

/* ---- the rows -------------------------------------------------------------------------------------------------------- */

static enum sgl_status judge(struct setup_work *w, struct sgl_setup_row *row)
{
    if (w->request->parked)
        return sgl_setup_judge_parked(w, row);
    switch (row->purpose) {
    case SGL_SETUP_OWNERSHIP:
        return sgl_setup_judge_ownership(w, row);
    case SGL_SETUP_SPF:
    case SGL_SETUP_RETURN_SPF:
        return sgl_setup_judge_spf(w, row);
    case SGL_SETUP_DKIM:
    case SGL_SETUP_DKIM2:
        return sgl_setup_judge_dkim(w, row);
    case SGL_SETUP_DMARC:
        return sgl_setup_judge_dmarc(w, row);
    case SGL_SETUP_RETURN_MX:
    case SGL_SETUP_NULL_MX:
        return sgl_setup_judge_mx(w, row);
    case SGL_SETUP_MTA_STS:
        return sgl_setup_judge_mta_sts(w, row);
    case SGL_SETUP_MTA_STS_HOST:
        return sgl_setup_judge_sts_host(w, row);
    case SGL_SETUP_TLSRPT:
        return sgl_setup_judge_tlsrpt(w, row);
    }
    return SGL_E_MISUSE;
}

/* What stands in the way is looked into only where something is not right. */
static enum sgl_status judge_row(struct setup_work *w, struct sgl_setup_row *row, bool zone_found)
{
    sgl_view fresh = row->value;

    SGL_TRY(judge(w, row));
    if (row->state != SGL_SETUP_MISSING && row->state != SGL_SETUP_WRONG)
        return SGL_OK;
    if (!zone_found)
        return SGL_NEED_DNS;
    if (w->request->parked)
        return SGL_OK;
    if (row->state == SGL_SETUP_WRONG)
        SGL_TRY(sgl_setup_look_for_wildcard(w, row, fresh));
    return row->state == SGL_SETUP_MISSING ? sgl_setup_look_elsewhere(w, row) : SGL_OK;
}

static enum sgl_status judge_rows(struct setup_work *w)
{
    enum sgl_status zone = find_zone(w), st = zone;

    if (zone != SGL_OK && zone != SGL_NEED_DNS)
        return zone;
    for (size_t i = 0; i < w->s->rows; i++)
        st = sgl_join(st, judge_row(w, &w->row[i], zone == SGL_OK));
    return st;
}

static void total(struct sgl_setup *s)
{
    s->ready = true;
    for (size_t i = 0; i < s->rows; i++) {
        s->failed = s->failed || s->row[i].state == SGL_SETUP_UNKNOWN;
        s->ready = s->ready && (!s->row[i].required || s->row[i].state == SGL_SETUP_PRESENT);
    }
}

/* What the linter of DMARC says of the domain's own record. */
static enum sgl_status lint(struct setup_work *w)
{
    if (w->dmarc.record.len == 0 || !sgl_name_eq(w->dmarc.policy_domain, w->s->domain))
        return SGL_OK;
    return sgl_dmarc_lint(w->s->domain, w->dmarc.record, w->arena, &w->s->findings);
}

enum sgl_status sgl_setup_check(const struct sgl_setup_request *request, struct sgl_dns *dns,
                                struct sgl_arena *arena, struct sgl_setup *out)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    struct sgl_setup made = {0};
    struct setup_work w = {.request = request, .dns = dns, .arena = arena, .s = &made};
    enum sgl_status st = sgl_setup_make_rows(&w);

    if (st == SGL_OK)
        st = judge_rows(&w);
    if (st == SGL_OK && !request->parked) {
        st = sgl_setup_coach(&w);
        st = st == SGL_OK ? lint(&w) : st;
    }
    if (st != SGL_OK) {
        sgl_arena_rewind(arena, mark);
        return st;
    }
    total(&made);
    *out = made;
    return SGL_OK;
}
