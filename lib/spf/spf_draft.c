/* SPDX-License-Identifier: Apache-2.0 */
#include "spf_draft_internal.h"

#include "sigillo/arith.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "spf_internal.h"

#define VERSION_SIZE 6 /* "v=spf1" */

static bool is_qualifier(uint8_t c)
{
    return c == '+' || c == '-' || c == '~' || c == '?';
}

sgl_view sgl_spf_term_bare(sgl_view term)
{
    return term.len > 0 && is_qualifier(term.ptr[0]) ? sgl_view_from(term, 1) : term;
}

static uint8_t qualifier_of(sgl_view term)
{
    return term.len > 0 && is_qualifier(term.ptr[0]) ? term.ptr[0] : '+';
}

enum spf_kind sgl_spf_term_kind(sgl_view term)
{
    sgl_view bare = sgl_spf_term_bare(term);
    size_t len = 0;

    if (sgl_view_eq_nocase(bare, SGL_LIT("all")))
        return SPF_KIND_ALL;
    while (len < bare.len && bare.ptr[len] != ':' && bare.ptr[len] != '/' && bare.ptr[len] != '=')
        len++;
    return len < bare.len && bare.ptr[len] == '=' ? SPF_KIND_MODIFIER : SPF_KIND_MECHANISM;
}

/* ---- what is the same --------------------------------------------------------------------------------------------- */

static bool same_network(sgl_view a, sgl_view b)
{
    struct sgl_ip_prefix pa, pb;

    if (!sgl_view_starts_nocase(a, SGL_LIT("ip")) || !sgl_view_starts_nocase(b, SGL_LIT("ip")) ||
        sgl_ip_prefix_parse(sgl_view_from(a, 4), &pa) != SGL_OK ||
        sgl_ip_prefix_parse(sgl_view_from(b, 4), &pb) != SGL_OK)
        return false;
    return pa.bits == pb.bits && sgl_ip_in_prefix(&pa.ip, &pb);
}

static sgl_view without_dot(sgl_view text)
{
    return text.len > 1 && text.ptr[text.len - 1] == '.' ? sgl_view_sub(text, 0, text.len - 1)
                                                         : text;
}

bool sgl_spf_term_same_bare(sgl_view a, sgl_view b)
{
    if (sgl_spf_term_kind(a) != sgl_spf_term_kind(b))
        return false;
    a = sgl_spf_term_bare(a);
    b = sgl_spf_term_bare(b);
    /* The case of a macro's letter means something.  [RFC 7208 s7.3] */
    if (sgl_view_find(a, '%') < a.len || sgl_view_find(b, '%') < b.len)
        return sgl_view_eq(a, b);
    return sgl_view_eq_nocase(without_dot(a), without_dot(b)) || same_network(a, b);
}

bool sgl_spf_term_same(sgl_view a, sgl_view b)
{
    return qualifier_of(a) == qualifier_of(b) && sgl_spf_term_same_bare(a, b);
}

/* ---- the list ----------------------------------------------------------------------------------------------------- */

enum sgl_status sgl_spf_draft_read(sgl_view record, size_t more, struct sgl_arena *arena,
                                   struct spf_draft *out)
{
    sgl_view terms = sgl_view_from(record, VERSION_SIZE), rest = terms, term;
    struct spf_draft draft = {0};

    while (sgl_spf_next_term(&rest).len > 0)
        draft.room++;
    if (!sgl_add_size(draft.room, more, &draft.room))
        return SGL_E_LIMIT;
    draft.term = SGL_NEW_N(arena, draft.room, sgl_view);
    if (draft.term == NULL)
        return arena->status;
    while ((term = sgl_spf_next_term(&terms)).len > 0)
        draft.term[draft.count++] = term;
    *out = draft;
    return SGL_OK;
}

size_t sgl_spf_draft_find_all(const struct spf_draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (sgl_spf_term_kind(draft->term[i]) == SPF_KIND_ALL)
            return i;
    }
    return SIZE_MAX;
}

bool sgl_spf_draft_has_redirect(const struct spf_draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (sgl_view_starts_nocase(draft->term[i], SGL_LIT("redirect=")))
            return true;
    }
    return false;
}

bool sgl_spf_draft_sends(const struct spf_draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        enum spf_kind kind = sgl_spf_term_kind(draft->term[i]);

        if (kind == SPF_KIND_ALL)
            return qualifier_of(draft->term[i]) == '+';
        if (kind == SPF_KIND_MECHANISM && qualifier_of(draft->term[i]) == '+')
            return true;
    }
    return sgl_spf_draft_has_redirect(draft);
}

void sgl_spf_draft_drop(struct spf_draft *draft, size_t i)
{
    draft->count--;
    for (; i < draft->count; i++)
        draft->term[i] = draft->term[i + 1];
}

static void insert(struct spf_draft *draft, size_t at, sgl_view term)
{
    if (draft->count >= draft->room)
        return;
    for (size_t i = draft->count; i > at; i--)
        draft->term[i] = draft->term[i - 1];
    draft->term[at] = term;
    draft->count++;
}

/* Behind the last term that is no modifier. */
static size_t end_of_mechanisms(const struct spf_draft *draft)
{
    size_t at = draft->count;

    while (at > 0 && sgl_spf_term_kind(draft->term[at - 1]) == SPF_KIND_MODIFIER)
        at--;
    return at;
}

void sgl_spf_draft_add(struct spf_draft *draft, sgl_view term)
{
    size_t all = sgl_spf_draft_find_all(draft);

    insert(draft, all == SIZE_MAX ? end_of_mechanisms(draft) : all, term);
}

void sgl_spf_draft_set_all(struct spf_draft *draft, sgl_view all)
{
    size_t at = sgl_spf_draft_find_all(draft);

    if (at == SIZE_MAX)
        insert(draft, end_of_mechanisms(draft), all);
    else
        draft->term[at] = all;
}

/* Of redirect and exp only one may stand there, whatever it says.  [RFC 7208 s6] */
static bool same_modifier(sgl_view a, sgl_view b)
{
    static const sgl_view once[] = {SGL_LIT_INIT("redirect="), SGL_LIT_INIT("exp=")};

    for (size_t i = 0; i < sizeof once / sizeof once[0]; i++) {
        if (sgl_view_starts_nocase(a, once[i]) && sgl_view_starts_nocase(b, once[i]))
            return true;
    }
    return false;
}

static bool stands_before(const struct spf_draft *draft, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (sgl_spf_term_same(draft->term[k], draft->term[i]) ||
            same_modifier(draft->term[k], draft->term[i]))
            return true;
    }
    return false;
}

size_t sgl_spf_draft_drop_doubles(struct spf_draft *draft)
{
    size_t dropped = 0;

    for (size_t i = 0; i < draft->count;) {
        if (stands_before(draft, i)) {
            sgl_spf_draft_drop(draft, i);
            dropped++;
        } else {
            i++;
        }
    }
    return dropped;
}

/* "+all" gives way to any other. */
static void take_all(struct spf_draft *to, sgl_view all)
{
    size_t at = sgl_spf_draft_find_all(to);

    if (at == SIZE_MAX)
        to->term[to->count++] = all;
    else if (qualifier_of(to->term[at]) == '+')
        to->term[at] = all;
}

/* Adds to `to` what is of that kind; of several "all" one. */
static void take_kind(struct spf_draft *to, const struct spf_draft *from, enum spf_kind kind)
{
    for (size_t i = 0; i < from->count; i++) {
        if (sgl_spf_term_kind(from->term[i]) != kind)
            continue;
        if (kind == SPF_KIND_ALL)
            take_all(to, from->term[i]);
        else
            to->term[to->count++] = from->term[i];
    }
}

enum sgl_status sgl_spf_draft_join(const struct spf_draft *draft, sgl_view record,
                                   struct sgl_arena *arena, struct spf_draft *out)
{
    static const enum spf_kind order[] = {SPF_KIND_MECHANISM, SPF_KIND_ALL, SPF_KIND_MODIFIER};
    struct spf_draft more, whole = {0};

    SGL_TRY(sgl_spf_draft_read(record, 0, arena, &more));
    whole.room = draft->count + more.count + 1;
    whole.term = SGL_NEW_N(arena, whole.room, sgl_view);
    if (whole.term == NULL)
        return arena->status;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        take_kind(&whole, draft, order[i]);
        take_kind(&whole, &more, order[i]);
    }
    (void)sgl_spf_draft_drop_doubles(&whole);
    *out = whole;
    return SGL_OK;
}

void sgl_spf_draft_put(const struct spf_draft *draft, struct sgl_buf *out)
{
    sgl_buf_add(out, SGL_LIT("v=spf1"));
    for (size_t i = 0; i < draft->count; i++) {
        sgl_buf_add_byte(out, ' ');
        sgl_buf_add(out, draft->term[i]);
    }
}

enum sgl_status sgl_spf_draft_text(const struct spf_draft *draft, struct sgl_arena *arena,
                                   sgl_view *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(4 * SGL_LIMIT_SPF_RECORD);

    sgl_spf_draft_put(draft, &text);
    SGL_TRY(text.status);
    return sgl_arena_dup(arena, sgl_buf_view(&text), out);
}
