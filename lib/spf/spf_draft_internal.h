/* SPDX-License-Identifier: Apache-2.0 */
/* A record as a list of terms that can be changed: what mended and built records are written from. */
#ifndef SPF_DRAFT_INTERNAL_H
#define SPF_DRAFT_INTERNAL_H

#include "sigillo/spf.h"

struct spf_draft {
    sgl_view *term; /* behind "v=spf1", as written */
    size_t count, room;
};

enum spf_kind { SPF_KIND_MECHANISM, SPF_KIND_ALL, SPF_KIND_MODIFIER };

/* By its look; the term need not be right. */
enum spf_kind sgl_spf_term_kind(sgl_view term);
/* What stands behind the qualifier. */
sgl_view sgl_spf_term_bare(sgl_view term);
/* Do both say the same?  Case, a "+", a final dot and the spelling of a network make no difference. */
bool sgl_spf_term_same(sgl_view a, sgl_view b);
/* The same without a look at the qualifiers: only the first one of the two can ever match. */
bool sgl_spf_term_same_bare(sgl_view a, sgl_view b);

/* The terms of a record, with room for `more`. */
enum sgl_status sgl_spf_draft_read(sgl_view record, size_t more, struct sgl_arena *arena,
                                   struct spf_draft *out) SGL_MUST_USE;
/*
 * The terms of `draft` (may be empty) and then of a record, with room for one more: mechanisms in their order, behind them the first
 * "all" that does not let everybody pass (else the first), the first of each modifier.
 */
enum sgl_status sgl_spf_draft_join(const struct spf_draft *draft, sgl_view record,
                                   struct sgl_arena *arena, struct spf_draft *out) SGL_MUST_USE;
/* SIZE_MAX: none. */
size_t sgl_spf_draft_find_all(const struct spf_draft *draft);
/* Is there a term by which somebody may send? */
bool sgl_spf_draft_sends(const struct spf_draft *draft);
bool sgl_spf_draft_has_redirect(const struct spf_draft *draft);
void sgl_spf_draft_drop(struct spf_draft *draft, size_t i);
/* Behind the last mechanism that is looked at: before "all", else before the modifiers at the end.  There must be room. */
void sgl_spf_draft_add(struct spf_draft *draft, sgl_view term);
/* "-all" and so on, in the place of the "all" that is there, else behind all mechanisms.  There must be room for one. */
void sgl_spf_draft_set_all(struct spf_draft *draft, sgl_view all);
/* Terms that stand there already go. How many went? */
size_t sgl_spf_draft_drop_doubles(struct spf_draft *draft);
/* "v=spf1 ..." */
void sgl_spf_draft_put(const struct spf_draft *draft, struct sgl_buf *out);
enum sgl_status sgl_spf_draft_text(const struct spf_draft *draft, struct sgl_arena *arena,
                                   sgl_view *out) SGL_MUST_USE;

#endif
