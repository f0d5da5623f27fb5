/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree walk: from a name up to its last label, by way of the records at _dmarc names.  [RFC 9989 s4.10]
 *
 *     the name itself -> its parent, or the tail of 7 labels -> ... -> the tail of 1 label
 *
 * A record with psd=n or psd=y ends it.  What it found gives both the record that applies (s4.10.1) and the Organizational
 * Domain (s4.10.2), since the search for the record may start at the name itself: the answer there is known already.
 */
#include "dmarc_internal.h"
#include "sigillo/banned.h"

#define TAIL_MAX 7 /* labels of the longest tail that is asked for below the name itself */

/* The next name of a walk; false: there is none. */
static bool go_up(struct sgl_name *name)
{
    size_t labels = sgl_name_labels(*name);

    if (labels <= 1)
        return false;
    do {
        *name = sgl_name_parent(*name);
        labels--;
    } while (labels > TAIL_MAX);
    return true;
}

/* *exists false: the name would be too long to exist. */
static enum sgl_status record_name(struct sgl_name domain, struct sgl_arena *arena,
                                   struct sgl_name *out, bool *exists)
{
    enum sgl_status st = sgl_name_under(SGL_LIT("_dmarc"), domain, arena, out);

    *exists = st == SGL_OK;
    return st == SGL_E_LIMIT && arena->status == SGL_OK ? SGL_OK : st;
}

enum sgl_status sgl_dmarc_get(struct sgl_dns *dns, struct sgl_name name, enum sgl_rr type,
                              const struct sgl_dns_answer **out)
{
    enum sgl_status st = sgl_dns_get(dns, name, type, out);

    if (st != SGL_E_LIMIT)
        return st;
    *out = NULL;
    return SGL_OK;
}

/* ---- the record at one name ---- */

struct lookup {
    enum { NOTHING, RECORD, SEVERAL, UNKNOWN } found;
    struct sgl_dmarc_record record; /* RECORD */
};

/* Text that is no DMARC record is discarded first, then several discard each other. [RFC 9989 s4.10 steps 2 and 6] */
static enum sgl_status pick(const struct sgl_dns_answer *answer, struct sgl_arena *arena,
                            struct lookup *out)
{
    const struct sgl_dns_rr *only = NULL;
    enum sgl_status st;

    for (size_t i = 0; i < answer->count; i++) {
        if (!sgl_dmarc_is_record(answer->rr[i].txt))
            continue;
        if (only != NULL) {
            out->found = SEVERAL;
            return SGL_OK;
        }
        only = &answer->rr[i];
    }
    if (only == NULL)
        return SGL_OK;
    st = sgl_dmarc_parse(only->txt, arena, &out->record, NULL);
    if (st == SGL_E_SYNTAX || (st == SGL_E_LIMIT && arena->status == SGL_OK))
        return SGL_OK; /* a record that is not valid is none */
    if (st == SGL_OK)
        out->found = RECORD;
    return st;
}

static enum sgl_status look(struct sgl_name domain, struct sgl_dns *dns, struct sgl_arena *arena,
                            struct lookup *out)
{
    const struct sgl_dns_answer *answer = NULL;
    struct sgl_name name;
    bool exists;

    out->found = NOTHING;
    SGL_TRY(record_name(domain, arena, &name, &exists));
    if (!exists)
        return SGL_OK;
    SGL_TRY(sgl_dmarc_get(dns, name, SGL_RR_TXT, &answer));
    if (answer == NULL || sgl_dns_is_error(answer)) {
        out->found = UNKNOWN;
        return SGL_OK;
    }
    return pick(answer, arena, out);
}

/* ---- the walk ---- */

/* What psd= says; a public suffix that forgot it is taken for what it is. [RFC 9989 s11.8] */
static enum sgl_dmarc_psd psd_of(const struct sgl_dmarc_record *record, struct sgl_name at,
                                 const struct sgl_psl *psl)
{
    if (record->psd == SGL_DMARC_PSD_UNKNOWN && psl != NULL && sgl_psl_is_suffix(psl, at))
        return SGL_DMARC_PSD_YES;
    return record->psd;
}

/* The tail of start that has one label more than tail: it may have been skipped by the walk. */
static struct sgl_name one_below(struct sgl_name start, struct sgl_name tail)
{
    size_t labels = sgl_name_labels(tail) + 1;

    while (sgl_name_labels(start) > labels)
        start = sgl_name_parent(start);
    return start;
}

static void take(struct sgl_dmarc_walk *w, struct sgl_name at,
                 const struct sgl_dmarc_record *record)
{
    w->found = true;
    if (w->own)
        return; /* the one at the start goes before all others [RFC 9989 s4.10.1] */
    w->record = *record;
    w->record_at = at;
}

/* Uses one record; true: the walk is over. */
static bool use(struct sgl_dmarc_walk *w, struct sgl_name at, const struct sgl_dmarc_record *record,
                const struct sgl_psl *psl)
{
    bool at_start = sgl_name_eq(at, w->start);
    enum sgl_dmarc_psd psd = psd_of(record, at, psl);

    if (psd == SGL_DMARC_PSD_YES && !at_start) { /* [RFC 9989 s4.10.2 rule 2] */
        w->org = one_below(w->start, at);
        /* The suffix's record is for those whose Organizational Domain has none. [RFC 9989 s4.10.1] */
        if (!w->found || !sgl_name_eq(w->record_at, w->org))
            take(w, at, record);
        return true;
    }
    take(w, at, record); /* rule 1, and so far rule 3: the fewest labels */
    w->org = at;
    w->own = w->own || at_start;
    return psd != SGL_DMARC_PSD_UNKNOWN;
}

enum sgl_status sgl_dmarc_walk(struct sgl_name start, const struct sgl_psl *psl,
                               struct sgl_dns *dns, struct sgl_arena *arena,
                               struct sgl_dmarc_walk *out)
{
    struct sgl_dmarc_walk w = {.start = start, .org = start};
    struct sgl_name at = start;

    do {
        struct lookup found;
        enum sgl_status st = look(at, dns, arena, &found);

        if (st == SGL_NEED_DNS) /* few records end a walk before its last label */
            sgl_dmarc_walk_want(at, dns, arena);
        SGL_TRY(st);
        w.asked[w.asked_count++] = at;
        if (found.found == UNKNOWN) {
            w.failed = true;
            w.found = w.own;
            break;
        }
        if (found.found == RECORD && use(&w, at, &found.record, psl))
            break;
    } while (go_up(&at));
    *out = w;
    return SGL_OK;
}

enum sgl_status sgl_dmarc_walk_psl(struct sgl_name start, const struct sgl_psl *psl,
                                   struct sgl_dns *dns, struct sgl_arena *arena,
                                   struct sgl_dmarc_walk *out)
{
    struct sgl_dmarc_walk w = {.start = start, .org = sgl_psl_registrable(psl, start)};
    struct sgl_name at = start;

    for (;;) {
        struct lookup found;

        SGL_TRY(look(at, dns, arena, &found));
        w.asked[w.asked_count++] = at;
        w.failed = found.found == UNKNOWN;
        w.terminated = found.found == SEVERAL; /* [RFC 7489 s6.6.3 step 5] */
        if (found.found == RECORD) {
            take(&w, at, &found.record);
            w.own = sgl_name_eq(at, start);
        }
        if (found.found != NOTHING || sgl_name_eq(at, w.org))
            break;
        at = w.org;
    }
    *out = w;
    return SGL_OK;
}

void sgl_dmarc_walk_want(struct sgl_name start, struct sgl_dns *dns, struct sgl_arena *arena)
{
    struct sgl_name at = start, name;
    bool exists;

    do {
        struct sgl_arena_mark mark = sgl_arena_mark(arena);

        if (record_name(at, arena, &name, &exists) == SGL_OK && exists)
            sgl_dns_want(dns, name, SGL_RR_TXT);
        sgl_arena_rewind(arena, mark);
    } while (go_up(&at));
}

bool sgl_dmarc_share_labels(struct sgl_name a, struct sgl_name b, size_t labels)
{
    if (sgl_name_labels(a) < labels || sgl_name_labels(b) < labels)
        return false;
    while (sgl_name_labels(a) > labels)
        a = sgl_name_parent(a);
    return sgl_name_is_at_or_below(b, a);
}

enum sgl_status sgl_dmarc_org(struct sgl_name name, struct sgl_dns *dns, struct sgl_arena *arena,
                              struct sgl_name *out)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    struct sgl_dmarc_walk walk;
    enum sgl_status st;

    if (sgl_name_is_root(name)) {
        *out = name;
        return SGL_OK;
    }
    st = sgl_dmarc_walk(name, NULL, dns, arena, &walk);
    sgl_arena_rewind(arena, mark); /* the result is a tail of name */
    SGL_TRY(st);
    *out = walk.failed ? (struct sgl_name){SGL_LIT("")} : walk.org;
    return SGL_OK;
}
