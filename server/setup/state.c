/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <string.h>

#include "sigillo/arena.h"

enum domain_part state_part(enum sgl_setup_purpose purpose)
{
    switch (purpose) {
    case SGL_SETUP_OWNERSHIP:
        return PART_OWNERSHIP;
    case SGL_SETUP_SPF:
        return PART_SPF;
    case SGL_SETUP_DKIM:
        return PART_DKIM;
    case SGL_SETUP_DKIM2:
        return PART_DKIM2;
    case SGL_SETUP_DMARC:
        return PART_DMARC;
    case SGL_SETUP_RETURN_MX:
    case SGL_SETUP_RETURN_SPF:
        return PART_RETURN_PATH;
    case SGL_SETUP_MTA_STS:
    case SGL_SETUP_MTA_STS_HOST:
        return PART_MTA_STS;
    case SGL_SETUP_TLSRPT:
        return PART_TLS_RPT;
    case SGL_SETUP_NULL_MX:
        break;
    }
    return PART_NULL_MX;
}

/* The row of a part that is worst off; NULL: it has none. Something wrong is worse than nothing, and what could not be asked may be either. */
static const struct sgl_setup_row *worst_row(const struct sgl_setup *seen, enum domain_part part)
{
    static const int rank[] = {[SGL_SETUP_PRESENT] = 0,
                               [SGL_SETUP_UNCHECKED] = 1,
                               [SGL_SETUP_UNKNOWN] = 2,
                               [SGL_SETUP_MISSING] = 3,
                               [SGL_SETUP_WRONG] = 4};
    const struct sgl_setup_row *worst = NULL;

    for (size_t i = 0; i < seen->rows; i++)
        if (state_part(seen->row[i].purpose) == part &&
            (worst == NULL || rank[seen->row[i].state] > rank[worst->state]))
            worst = &seen->row[i];
    return worst;
}

static enum sgl_status text_of(sgl_view text, struct sgl_arena *arena, char **out)
{
    *out = NULL;
    if (text.len == 0)
        return SGL_OK;
    *out = (char *)(uintptr_t)sgl_arena_cstr(arena, sgl_view_sub(text, 0, STATE_TEXT_MAX));
    return *out != NULL || arena->status == SGL_OK ? SGL_OK : arena->status;
}

static enum sgl_status take_texts(const struct sgl_setup_row *row, struct sgl_arena *arena,
                                  struct domain_status *to)
{
    bool there = row->state == SGL_SETUP_PRESENT;

    SGL_TRY(text_of(there ? SGL_LIT("") : row->found, arena, &to->found));
    SGL_TRY(text_of(there ? SGL_LIT("") : row->value, arena, &to->expected));
    return text_of(row->why, arena, &to->why);
}

static enum domain_state state_of(const struct sgl_setup_row *row, const struct domain_status *was)
{
    if (row->state == SGL_SETUP_PRESENT)
        return DOMAIN_VERIFIED;
    return row->state == SGL_SETUP_MISSING && was->verified_at_s == 0 ? DOMAIN_IN_PROGRESS
                                                                      : DOMAIN_FAILED;
}

/* row: of what is known, so neither unknown nor absent. */
static enum sgl_status next_of(const struct domain_status *was, const struct sgl_setup_row *row,
                               int64_t now_s, struct sgl_arena *arena, struct domain_status *out)
{
    *out = (struct domain_status){
        .state = state_of(row, was), .since_s = now_s, .verified_at_s = was->verified_at_s};
    if (out->state == was->state)
        out->since_s = was->since_s;
    if (out->state != DOMAIN_VERIFIED && was->verified_at_s != 0)
        out->lost_at_s = was->lost_at_s != 0 ? was->lost_at_s : now_s;
    if (out->state == DOMAIN_VERIFIED && was->verified_at_s == 0)
        out->verified_at_s = now_s;
    return take_texts(row, arena, out);
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same(const struct domain_status *a, const struct domain_status *b)
{
    return a->state == b->state && a->since_s == b->since_s &&
           a->verified_at_s == b->verified_at_s && a->lost_at_s == b->lost_at_s &&
           same_text(a->found, b->found) && same_text(a->expected, b->expected) &&
           same_text(a->why, b->why);
}

static void note(struct state_next *n, enum domain_part part, const struct domain_status *was)
{
    const struct domain_status *is = &n->status[part];
    unsigned bit = 1u << part;

    n->changed = n->changed || !same(was, is);
    if (was->verified_at_s == 0 && is->verified_at_s != 0)
        n->verified |= bit;
    if (was->lost_at_s == 0 && is->lost_at_s != 0)
        n->lost |= bit;
    if (was->lost_at_s != 0 && is->lost_at_s == 0 && is->state == DOMAIN_VERIFIED)
        n->back |= bit;
}

enum sgl_status state_next(const struct domain *was, const struct sgl_setup *seen, int64_t now_s,
                           struct sgl_arena *arena, struct state_next *out)
{
    struct state_next n = {.complete = seen->ready};

    for (int p = 0; p < DOMAIN_PARTS; p++) {
        const struct sgl_setup_row *row = worst_row(seen, (enum domain_part)p);

        if (row != NULL && (row->state == SGL_SETUP_UNKNOWN || row->state == SGL_SETUP_UNCHECKED)) {
            n.status[p] = was->status[p];
            n.unknown = n.unknown || row->required;
            continue;
        }
        if (row != NULL)
            SGL_TRY(next_of(&was->status[p], row, now_s, arena, &n.status[p]));
        note(&n, (enum domain_part)p, &was->status[p]);
    }
    *out = n;
    return SGL_OK;
}
