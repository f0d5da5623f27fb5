/* SPDX-License-Identifier: Apache-2.0 */
/* A DMARC record as data.  [RFC 9989 s4.7, s4.8] */
#include "dmarc_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"

#define PERCENT_MAX    100
#define INTERVAL_USUAL 86400

const char *sgl_dmarc_policy_name(enum sgl_dmarc_policy policy)
{
    switch (policy) {
    case SGL_DMARC_POLICY_NONE:
        return "none";
    case SGL_DMARC_QUARANTINE:
        return "quarantine";
    case SGL_DMARC_REJECT:
        return "reject";
    }
    return "?";
}

/* The tag's name and its value's case count: "V=DMARC1" and "v=dmarc1" are something else. [RFC 9989 s4.7] */
bool sgl_dmarc_is_record(sgl_view txt)
{
    sgl_view rest, value, name = sgl_view_split(sgl_view_split(txt, ';', &rest), '=', &value);

    return sgl_view_eq(sgl_view_trim(name), SGL_LIT("v")) &&
           sgl_view_eq(sgl_view_trim(value), SGL_LIT("DMARC1"));
}

enum sgl_status sgl_dmarc_tags(sgl_view text, struct sgl_arena *arena, struct sgl_tags *out,
                               struct sgl_diag *diag)
{
    /* Values with 8-bit bytes are kept, so that "sp=r\xe9ject" counts as an sp= that is not valid. */
    return sgl_tags_parse(text, SGL_TAGS_SKIP_BAD | SGL_TAGS_UTF8, arena, out, diag);
}

/* Values are literals of the ABNF, whose case does not count. [RFC 9989 s4.8; RFC 5234 s2.3] */
static bool policy_read(sgl_view value, enum sgl_dmarc_policy *out)
{
    static const enum sgl_dmarc_policy all[] = {SGL_DMARC_POLICY_NONE, SGL_DMARC_QUARANTINE,
                                                SGL_DMARC_REJECT};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (sgl_view_eq_nocase(value, sgl_view_cstr(sgl_dmarc_policy_name(all[i])))) {
            *out = all[i];
            return true;
        }
    }
    return false;
}

/* Each of 0, 1, d, s at most once; 0 and 1 exclude each other. */
bool sgl_dmarc_fo_read(sgl_view value, unsigned *out)
{
    static const char letters[] = "01ds"; /* in the order of the bits */
    unsigned fo = 0;
    sgl_view rest = value;

    do {
        sgl_view item = sgl_view_trim(sgl_view_split(rest, ':', &rest));
        const char *letter = NULL;
        unsigned bit;

        if (item.len == 1 && item.ptr[0] != 0)
            letter = memchr(letters, sgl_ascii_lower(item.ptr[0]), sizeof letters - 1);
        if (letter == NULL)
            return false;
        bit = 1u << (letter - letters);
        if ((fo & bit) != 0)
            return false;
        fo |= bit;
    } while (rest.ptr != NULL);
    if ((fo & SGL_DMARC_FO_ALL) != 0 && (fo & SGL_DMARC_FO_ANY) != 0)
        return false;
    *out = fo;
    return true;
}

static void read_policy(const struct sgl_tags *tags, sgl_view name, bool *has, bool *bad,
                        enum sgl_dmarc_policy *out)
{
    const struct sgl_tag *tag = sgl_tags_find(tags, name);

    *has = tag != NULL && policy_read(tag->value, out);
    *bad = tag != NULL && !*has;
}

static bool is_letter(const struct sgl_tags *tags, sgl_view name, sgl_view letter)
{
    const struct sgl_tag *tag = sgl_tags_find(tags, name);

    return tag != NULL && sgl_view_eq_nocase(tag->value, letter);
}

static uint64_t read_number(const struct sgl_tags *tags, sgl_view name, uint64_t max,
                            uint64_t usual)
{
    const struct sgl_tag *tag = sgl_tags_find(tags, name);
    uint64_t n;

    return tag != NULL && sgl_view_u64(tag->value, max, &n) ? n : usual;
}

/* A URI that is malformed is left out, the others stay. [RFC 9989 s4.7, s4.8] */
static enum sgl_status read_uris(const struct sgl_tags *tags, sgl_view name,
                                 struct sgl_arena *arena, const sgl_view **out, size_t *count)
{
    const struct sgl_tag *tag = sgl_tags_find(tags, name);
    sgl_view rest, *list;

    if (tag == NULL)
        return SGL_OK;
    list = SGL_NEW_N(arena, SGL_LIMIT_DMARC_URIS, sgl_view);
    if (list == NULL)
        return arena->status;
    rest = tag->value;
    do {
        sgl_view uri;
        bool sized;

        if (sgl_dmarc_uri_read(sgl_view_split(rest, ',', &rest), &uri, &sized))
            list[(*count)++] = uri;
    } while (rest.ptr != NULL && *count < SGL_LIMIT_DMARC_URIS);
    *out = list;
    return SGL_OK;
}

static void read_flags(const struct sgl_tags *tags, struct sgl_dmarc_record *r)
{
    r->strict_dkim = is_letter(tags, SGL_LIT("adkim"), SGL_LIT("s"));
    r->strict_spf = is_letter(tags, SGL_LIT("aspf"), SGL_LIT("s"));
    r->test = is_letter(tags, SGL_LIT("t"), SGL_LIT("y"));
    r->psd = SGL_DMARC_PSD_UNKNOWN;
    if (is_letter(tags, SGL_LIT("psd"), SGL_LIT("y")))
        r->psd = SGL_DMARC_PSD_YES;
    if (is_letter(tags, SGL_LIT("psd"), SGL_LIT("n")))
        r->psd = SGL_DMARC_PSD_NO;
}

enum sgl_status sgl_dmarc_parse(sgl_view text, struct sgl_arena *arena,
                                struct sgl_dmarc_record *out, struct sgl_diag *diag)
{
    struct sgl_dmarc_record r = {.text = text, .fo = SGL_DMARC_FO_ALL};
    const struct sgl_tag *fo;
    struct sgl_diag skipped = {0}; /* what is left out is no fault of the record as a whole */
    struct sgl_tags tags;
    enum sgl_status st;

    if (!sgl_dmarc_is_record(text)) {
        sgl_diag_set(diag, "the first tag is not v=DMARC1", "RFC 9989 s4.7", text, 0);
        return SGL_E_SYNTAX;
    }
    st = sgl_dmarc_tags(text, arena, &tags, &skipped);
    if (st == SGL_E_SYNTAX)
        sgl_diag_set(diag, "a tag stands twice", "RFC 6376 s3.2", text, skipped.off);
    else if (st != SGL_OK)
        sgl_diag_set(diag, skipped.what, skipped.rule, text, skipped.off);
    SGL_TRY(st);
    read_policy(&tags, SGL_LIT("p"), &r.has_p, &r.bad_p, &r.p);
    read_policy(&tags, SGL_LIT("sp"), &r.has_sp, &r.bad_sp, &r.sp);
    read_policy(&tags, SGL_LIT("np"), &r.has_np, &r.bad_np, &r.np);
    read_flags(&tags, &r);
    r.percent = (unsigned)read_number(&tags, SGL_LIT("pct"), PERCENT_MAX, PERCENT_MAX);
    r.interval_s = (uint32_t)read_number(&tags, SGL_LIT("ri"), UINT32_MAX, INTERVAL_USUAL);
    SGL_TRY(read_uris(&tags, SGL_LIT("rua"), arena, &r.rua, &r.ruas));
    SGL_TRY(read_uris(&tags, SGL_LIT("ruf"), arena, &r.ruf, &r.rufs));
    fo = sgl_tags_find(&tags, SGL_LIT("fo"));
    if (fo != NULL && r.rufs > 0) /* without ruf= it says nothing [RFC 9989 s4.7] */
        (void)sgl_dmarc_fo_read(fo->value, &r.fo);
    *out = r;
    return SGL_OK;
}

/* ---- writing ---- */

static void put_policy(struct sgl_buf *out, const char *tag, bool has, enum sgl_dmarc_policy policy)
{
    if (has)
        sgl_buf_addf(out, "; %s=%s", tag, sgl_dmarc_policy_name(policy));
}

static void put_fo(struct sgl_buf *out, unsigned fo)
{
    static const char letters[] = "01ds";
    const char *between = "; fo=";

    for (unsigned i = 0; i < 4; i++) {
        if ((fo & 1u << i) == 0)
            continue;
        sgl_buf_addf(out, "%s%c", between, letters[i]);
        between = ":";
    }
}

static void put_uris(struct sgl_buf *out, const char *tag, const sgl_view *uri, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sgl_buf_addf(out, i == 0 ? "; %s=" : ",", tag);
        sgl_buf_add(out, uri[i]);
    }
}

static bool uris_ok(const sgl_view *uri, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!sgl_dmarc_uri_ok(uri[i]))
            return false;
    }
    return true;
}

enum sgl_status sgl_dmarc_put(const struct sgl_dmarc_record *record, struct sgl_buf *out)
{
    const struct sgl_dmarc_record *r = record;

    if (!uris_ok(r->rua, r->ruas) || !uris_ok(r->ruf, r->rufs))
        return SGL_E_SYNTAX;
    sgl_buf_add(out, SGL_LIT("v=DMARC1"));
    put_policy(out, "p", r->has_p, r->p);
    put_policy(out, "sp", r->has_sp, r->sp);
    put_policy(out, "np", r->has_np, r->np);
    if (r->strict_dkim)
        sgl_buf_add(out, SGL_LIT("; adkim=s"));
    if (r->strict_spf)
        sgl_buf_add(out, SGL_LIT("; aspf=s"));
    if (r->psd != SGL_DMARC_PSD_UNKNOWN)
        sgl_buf_add_cstr(out, r->psd == SGL_DMARC_PSD_YES ? "; psd=y" : "; psd=n");
    if (r->test)
        sgl_buf_add(out, SGL_LIT("; t=y"));
    if (r->rufs > 0 && r->fo != SGL_DMARC_FO_ALL)
        put_fo(out, r->fo);
    put_uris(out, "rua", r->rua, r->ruas);
    put_uris(out, "ruf", r->ruf, r->rufs);
    return out->status;
}
