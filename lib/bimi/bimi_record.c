/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/bimi.h"

#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "sigillo/tags.h"

#define RULE "draft-brand-indicators s4.2"

bool sgl_bimi_is_record(sgl_view txt)
{
    sgl_view rest, value, name;

    name = sgl_view_split(sgl_view_split(txt, ';', &rest), '=', &value);
    return sgl_view_eq(sgl_view_trim(name), SGL_LIT("v")) &&
           sgl_view_eq(sgl_view_trim(value), SGL_LIT("BIMI1"));
}

/* An https URI of printable characters, without comma and semicolon; a host follows. */
static bool uri_ok(sgl_view uri)
{
    if (!sgl_view_starts_nocase(uri, SGL_LIT("https://")) || uri.len < 9 || uri.ptr[8] == '/')
        return false;
    for (size_t i = 0; i < uri.len; i++) {
        if (!sgl_ascii_is_visible(uri.ptr[i]) || uri.ptr[i] == ',' || uri.ptr[i] == ';')
            return false;
    }
    return true;
}

static sgl_view value_of(const struct sgl_tags *tags, sgl_view name)
{
    const struct sgl_tag *tag = sgl_tags_find(tags, name);

    return tag == NULL ? sgl_view_of(NULL, 0) : tag->value;
}

static enum sgl_status refuse(struct sgl_diag *diag, const char *what, sgl_view text, size_t off)
{
    sgl_diag_set(diag, what, RULE, text, off);
    return SGL_E_SYNTAX;
}

static enum sgl_status read_tags(const struct sgl_tags *tags, struct sgl_bimi_record *r,
                                 struct sgl_diag *diag)
{
    const struct sgl_tag *l = sgl_tags_find(tags, SGL_LIT("l")),
                         *a = sgl_tags_find(tags, SGL_LIT("a"));

    if (l == NULL)
        return refuse(diag, "l= is missing", r->text, r->text.len);
    r->location = l->value;
    r->authority = a == NULL ? sgl_view_of(NULL, 0) : a->value;
    r->avatar = value_of(tags, SGL_LIT("avp"));
    r->declined = r->location.len == 0;
    if (r->location.len > 0 && !uri_ok(r->location))
        return refuse(diag, "l= is not an https address", r->text, l->off);
    if (r->authority.len > 0 && !uri_ok(r->authority))
        return refuse(diag, "a= is not an https address", r->text, a->off);
    if (r->declined && r->authority.len > 0)
        return refuse(diag, "a= without l=", r->text, a->off);
    return SGL_OK;
}

enum sgl_status sgl_bimi_parse(sgl_view text, struct sgl_arena *arena, struct sgl_bimi_record *out,
                               struct sgl_diag *diag)
{
    struct sgl_bimi_record record = {.text = text};
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    struct sgl_tags tags;
    enum sgl_status st;

    if (!sgl_bimi_is_record(text))
        return refuse(diag, "the record does not begin with v=BIMI1", text, 0);
    st = sgl_tags_parse(text, 0, arena, &tags, diag);
    if (st == SGL_OK)
        st = read_tags(&tags, &record, diag);
    sgl_arena_rewind(arena, mark); /* values point into the text */
    SGL_TRY(st);
    *out = record;
    return SGL_OK;
}

enum sgl_status sgl_bimi_put(const struct sgl_bimi_record *record, struct sgl_buf *out)
{
    sgl_view avatar = record->avatar;

    if ((record->location.len > 0 && !uri_ok(record->location)) ||
        (record->authority.len > 0 && (record->location.len == 0 || !uri_ok(record->authority))) ||
        (avatar.len > 0 && !sgl_view_eq(avatar, SGL_LIT("brand")) &&
         !sgl_view_eq(avatar, SGL_LIT("personal"))))
        return SGL_E_MISUSE;
    sgl_buf_add(out, SGL_LIT("v=BIMI1; l="));
    sgl_buf_add(out, record->location);
    sgl_buf_add(out, SGL_LIT("; a="));
    sgl_buf_add(out, record->authority);
    sgl_buf_add_byte(out, ';');
    if (avatar.len > 0) {
        sgl_buf_add(out, SGL_LIT(" avp="));
        sgl_buf_add(out, avatar);
        sgl_buf_add_byte(out, ';');
    }
    return out->status;
}

/* ---- finding it ---- */

static enum sgl_status judge(const struct sgl_dns_answer *txt, struct sgl_arena *arena,
                             struct sgl_bimi_answer *answer)
{
    struct sgl_diag diag = {0};
    size_t found = 0;
    sgl_view text = {NULL, 0};
    enum sgl_status st;

    for (size_t i = 0; txt->outcome == SGL_DNS_OK && i < txt->count; i++) {
        if (sgl_bimi_is_record(txt->rr[i].txt) && found++ == 0)
            text = txt->rr[i].txt;
    }
    if (sgl_dns_is_error(txt)) {
        answer->state = SGL_BIMI_TEMPERROR;
        answer->why = txt->why;
    } else if (found > 1) {
        answer->state = SGL_BIMI_SEVERAL;
    } else if (found == 1) {
        st = sgl_bimi_parse(text, arena, &answer->record, &diag);
        if (st != SGL_OK && diag.what == NULL)
            return st;
        answer->state = st == SGL_OK ? SGL_BIMI_FOUND : SGL_BIMI_BROKEN;
        answer->why = st == SGL_OK ? "" : diag.what;
        answer->record.text = text;
    }
    return SGL_OK;
}

enum sgl_status sgl_bimi_find(struct sgl_name domain, sgl_view selector, struct sgl_dns *dns,
                              struct sgl_arena *arena, struct sgl_bimi_answer *out)
{
    struct sgl_bimi_answer answer = {.state = SGL_BIMI_NONE, .why = ""};
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    const struct sgl_dns_answer *txt = NULL;
    sgl_auto(sgl_buf) labels = SGL_BUF_INIT(300);
    struct sgl_name name;
    enum sgl_status st;

    sgl_buf_add(&labels, selector.len == 0 ? SGL_LIT("default") : selector);
    sgl_buf_add(&labels, SGL_LIT("._bimi"));
    if (labels.status == SGL_E_LIMIT)
        return SGL_E_SYNTAX;
    SGL_TRY(labels.status);
    st = sgl_name_under(sgl_buf_view(&labels), domain, arena, &name);
    if (st == SGL_E_LIMIT && arena->status == SGL_OK) {
        *out = answer; /* a name that long cannot exist: no record */
        return SGL_OK;
    }
    SGL_TRY(st);
    st = sgl_dns_get(dns, name, SGL_RR_TXT, &txt);
    sgl_arena_rewind(arena, mark);
    SGL_TRY(st);
    SGL_TRY(judge(txt, arena, &answer));
    *out = answer;
    return SGL_OK;
}

/* ---- judging it ---- */

bool sgl_bimi_dmarc_enforces(const struct sgl_dmarc_record *record, const char **why)
{
    *why = "";
    if (!record->has_p || record->p == SGL_DMARC_POLICY_NONE)
        *why = "p=none asks for nothing";
    else if (record->has_sp && record->sp == SGL_DMARC_POLICY_NONE)
        *why = "sp=none leaves the subdomains out";
    else if (record->has_np && record->np == SGL_DMARC_POLICY_NONE)
        *why = "np=none leaves names out that do not exist";
    else if (record->test)
        *why = "t=y says that the policy is only tested";
    else if (record->percent < 100)
        *why = "pct= is below 100";
    return (*why)[0] == '\0';
}

enum sgl_status sgl_bimi_lint(sgl_view text, struct sgl_arena *arena, struct sgl_findings *out)
{
    static const struct sgl_finding syntax = {.code = "bimi-syntax",
                                              .severity = SGL_ERROR,
                                              .rule = RULE},
                                    no_mark = {.code = "bimi-no-certificate", .severity = SGL_INFO},
                                    not_svg = {.code = "bimi-not-svg", .severity = SGL_WARNING},
                                    avatar = {.code = "bimi-avp", .severity = SGL_WARNING};
    struct sgl_bimi_record r;
    struct sgl_diag diag = {0};
    enum sgl_status st = sgl_bimi_parse(text, arena, &r, &diag);

    if (st != SGL_OK && diag.what == NULL)
        return st;
    if (st != SGL_OK)
        return sgl_finding_add(out, arena, &syntax,
                               "v=BIMI1; l=https://HOST/logo.svg; a=https://HOST/mark.pem;",
                               "The BIMI record can't be read (%s, at character %zu): no logo is "
                               "shown.",
                               diag.what, diag.off + 1);
    if (r.declined)
        return SGL_OK;
    if (!sgl_view_ends_nocase(r.location, SGL_LIT(".svg")) &&
        !sgl_view_ends_nocase(r.location, SGL_LIT(".svgz")) &&
        sgl_view_find(r.location, '?') == r.location.len)
        SGL_TRY(sgl_finding_add(out, arena, &not_svg,
                                "name the https address of an SVG picture in l=",
                                "The BIMI record's l= does not look like an SVG file; receivers "
                                "take no other picture."));
    if (r.authority.len == 0)
        SGL_TRY(sgl_finding_add(out, arena, &no_mark, NULL,
                                "The BIMI record names no mark certificate (a=): Gmail and Apple "
                                "show a logo only with one."));
    if (r.avatar.len > 0 && !sgl_view_eq(r.avatar, SGL_LIT("brand")) &&
        !sgl_view_eq(r.avatar, SGL_LIT("personal")))
        SGL_TRY(sgl_finding_add(out, arena, &avatar, "write avp=brand, or leave avp= out",
                                "The BIMI record's avp= is neither brand nor personal."));
    return SGL_OK;
}
