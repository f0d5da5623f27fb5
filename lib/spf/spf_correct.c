/* SPDX-License-Identifier: Apache-2.0 */
/* Slips of those who write records, and what they meant: for the record that mends one which cannot be read. */
#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "spf_tree_internal.h"

#define TEXT_MAX (4 * SGL_LIMIT_SPF_RECORD)

/* As it begins, and as it should; in lower case. */
struct slip {
    sgl_view wrong, right;
};
static const struct slip slips[] = {
    {SGL_LIT_INIT("ipv4:"), SGL_LIT_INIT("ip4:")},
    {SGL_LIT_INIT("ip:"), SGL_LIT_INIT("ip4:")},
    {SGL_LIT_INIT("ipv6:"), SGL_LIT_INIT("ip6:")},
    {SGL_LIT_INIT("includes:"), SGL_LIT_INIT("include:")},
    {SGL_LIT_INIT("host:"), SGL_LIT_INIT("a:")},
    {SGL_LIT_INIT("redirect:"), SGL_LIT_INIT("redirect=")},
    {SGL_LIT_INIT("exp:"), SGL_LIT_INIT("exp=")},
};

enum sgl_status sgl_spf_term_ok(sgl_view term, struct sgl_arena *arena, bool *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(TEXT_MAX);
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    struct sgl_spf_record record;
    enum sgl_status st;

    *out = false;
    sgl_buf_add(&text, SGL_LIT("v=spf1 "));
    sgl_buf_add(&text, term);
    SGL_TRY(text.status);
    st = sgl_spf_parse(sgl_buf_view(&text), arena, &record, NULL);
    if (st == SGL_E_NOMEM || arena->status != SGL_OK)
        return st;
    sgl_arena_rewind(arena, mark);
    *out = st == SGL_OK;
    return SGL_OK;
}

enum sgl_status sgl_spf_join(sgl_view first, sgl_view second, struct sgl_arena *arena,
                             sgl_view *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(TEXT_MAX);

    sgl_buf_add(&text, first);
    sgl_buf_add(&text, second);
    SGL_TRY(text.status);
    return sgl_arena_dup(arena, sgl_buf_view(&text), out);
}

/* What separates in other lists, and the quotes of a form. */
static sgl_view without_ends(sgl_view term)
{
    while (term.len > 0 && memchr(",;\"'\\", term.ptr[term.len - 1], 5) != NULL)
        term.len--;
    return term;
}

/* The dashes that word processors make of a hyphen, in UTF-8. */
static size_t dash_length(sgl_view term)
{
    static const sgl_view dashes[] = {SGL_LIT_INIT("\xe2\x80\x93"), SGL_LIT_INIT("\xe2\x80\x94"),
                                      SGL_LIT_INIT("\xe2\x88\x92")};

    for (size_t i = 0; i < sizeof dashes / sizeof dashes[0]; i++) {
        if (sgl_view_starts(term, dashes[i]))
            return dashes[i].len;
    }
    return 0;
}

/* "ip4:" or "ip6:" in front of an address, "a:" in front of a host's name; empty: neither. */
static sgl_view mechanism_for(sgl_view value)
{
    struct sgl_ip_prefix network;

    if (sgl_ip_prefix_parse(value, &network) == SGL_OK)
        return network.ip.version == 4 ? SGL_LIT("ip4:") : SGL_LIT("ip6:");
    return sgl_name_ok(value, SGL_NAME_HOST | SGL_NAME_FINAL_DOT) ? SGL_LIT("a:")
                                                                  : sgl_view_of(NULL, 0);
}

/* What was meant by a term without its qualifier: a mechanism's name in place of a slip, or of one that does not go with the address. */
static void guess(sgl_view bare, sgl_view *name, sgl_view *value)
{
    struct sgl_ip_prefix network;
    bool address = sgl_view_starts_nocase(bare, SGL_LIT("ip4:")) ||
                   sgl_view_starts_nocase(bare, SGL_LIT("ip6:"));

    *name = sgl_view_of(NULL, 0);
    *value = sgl_view_from(bare, address ? 4 : 0);
    for (size_t i = 0; i < sizeof slips / sizeof slips[0]; i++) {
        if (!sgl_view_starts_nocase(bare, slips[i].wrong))
            continue;
        *name = slips[i].right;
        *value = sgl_view_from(bare, slips[i].wrong.len);
        address = sgl_view_starts(slips[i].right, SGL_LIT("ip"));
    }
    if (address || sgl_ip_prefix_parse(bare, &network) == SGL_OK)
        *name = mechanism_for(*value);
}

/* *ok: *term can be read now. */
static enum sgl_status correct_term(sgl_view *term, struct sgl_arena *arena, bool *ok)
{
    sgl_view text = without_ends(*term), bare, sign, name, value;
    size_t dash = dash_length(text);

    bare = dash > 0 ? sgl_view_from(text, dash) : sgl_spf_term_bare(text);
    sign = dash > 0 ? SGL_LIT("-") : sgl_view_sub(text, 0, text.len - bare.len);
    guess(bare, &name, &value);
    SGL_TRY(sgl_spf_join(sign, name, arena, &sign));
    SGL_TRY(sgl_spf_join(sign, value, arena, &text));
    SGL_TRY(sgl_spf_term_ok(text, arena, ok));
    if (*ok)
        *term = text;
    return SGL_OK;
}

/* "include: example.org": a blank too many. */
static enum sgl_status correct_blank(struct spf_draft *draft, size_t i, struct sgl_arena *arena,
                                     bool *ok)
{
    sgl_view term = draft->term[i], whole;

    *ok = false;
    if (term.ptr[term.len - 1] != ':' || i + 1 == draft->count)
        return SGL_OK;
    SGL_TRY(sgl_spf_join(term, draft->term[i + 1], arena, &whole));
    SGL_TRY(sgl_spf_term_ok(whole, arena, ok));
    if (!*ok)
        return SGL_OK;
    draft->term[i] = whole;
    sgl_spf_draft_drop(draft, i + 1);
    return SGL_OK;
}

enum sgl_status sgl_spf_correct(struct spf_draft *draft, struct sgl_arena *arena, size_t *dropped)
{
    *dropped = 0;
    for (size_t i = 0; i < draft->count;) {
        bool ok;

        SGL_TRY(sgl_spf_term_ok(draft->term[i], arena, &ok));
        if (!ok)
            SGL_TRY(correct_blank(draft, i, arena, &ok));
        if (!ok)
            SGL_TRY(correct_term(&draft->term[i], arena, &ok));
        if (ok) {
            i++;
            continue;
        }
        sgl_spf_draft_drop(draft, i);
        ++*dropped;
    }
    (void)sgl_spf_draft_drop_doubles(
        draft); /* a second redirect or exp is what one term alone does not show */
    return SGL_OK;
}
