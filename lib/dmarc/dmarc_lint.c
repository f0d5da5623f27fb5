/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a domain's DMARC record, what follows from it, and what would mend it. */
#include "dmarc_internal.h"
#include "sigillo/banned.h"

#define LABELS_OF_A_WALK 8 /* [RFC 9989 s5.1.8] */

struct lint {
    struct sgl_name domain;
    sgl_view text;
    struct sgl_arena *arena;
    struct sgl_findings *out;
    struct sgl_tags tags;
    struct sgl_dmarc_record record;
};

static const struct sgl_finding error_s47 = {.severity = SGL_ERROR, .rule = "RFC 9989 s4.7"};

static struct sgl_finding found(const char *code, enum sgl_severity severity, const char *rule)
{
    return (struct sgl_finding){.code = code, .severity = severity, .rule = rule};
}

/*
 * The record that would say what this one means, after a change: "publish" in the finding.  A policy that cannot be read cannot be said again, and a record
 * without it would ask for less than its owner meant.
 */
static const char *mended(const struct lint *l, const struct sgl_dmarc_record *record)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(SGL_LIMIT_FINDING_TEXT);

    if (!record->has_p || record->bad_sp || record->bad_np)
        return "first give p=, sp= and np= one of none, quarantine and reject";
    if (sgl_dmarc_put(record, &text) != SGL_OK)
        return NULL;
    return sgl_arena_cstr(l->arena, sgl_buf_view(&text));
}

/* ---- what makes receivers ignore all of it ---- */

static enum sgl_status no_record(const struct lint *l)
{
    struct sgl_finding what = error_s47;
    size_t escaped = sgl_view_find_view(l->text, SGL_LIT("\\;"));

    if (escaped < l->text.len) {
        what.code = "dmarc-escaped-semicolon";
        return sgl_finding_add(
            l->out, l->arena, &what, "publish the record without backslashes",
            "A backslash stands before a semicolon; receivers see it and ignore the record.");
    }
    what.code = "dmarc-not-a-record";
    return sgl_finding_add(l->out, l->arena, &what,
                           "begin with \"v=DMARC1;\", in exactly this spelling",
                           "The text does not begin with v=DMARC1 as its first tag; receivers "
                           "ignore all of it.");
}

static enum sgl_status not_parsed(const struct lint *l, const struct sgl_diag *diag)
{
    struct sgl_finding what = found("dmarc-duplicate-tag", SGL_ERROR, "RFC 6376 s3.2");
    sgl_view rest,
        spec = sgl_view_trim(sgl_view_split(sgl_view_from(l->text, diag->off), ';', &rest));

    return sgl_finding_add(l->out, l->arena, &what, "keep each tag once",
                           "A tag stands twice, at \"%.*s\"; receivers ignore the whole record.",
                           SGL_FMT(sgl_view_sub(spec, 0, 60)));
}

/* ---- p, sp, np ---- */

static enum sgl_status bad_policy(const struct lint *l, const char *code, const char *tag)
{
    struct sgl_finding what = found(code, SGL_ERROR, "RFC 9989 s4.10.1");

    return sgl_finding_add(l->out, l->arena, &what, "use none, quarantine or reject",
                           l->record.ruas > 0
                               ? "The value of %s= is not a policy; receivers act as if the whole "
                                 "record said p=none."
                               : "The value of %s= is not a policy and no report address is "
                                 "given; receivers act as if there were no record.",
                           tag);
}

static enum sgl_status no_policy(const struct lint *l)
{
    struct sgl_finding what = found("dmarc-no-p", SGL_WARNING, "RFC 9989 s4.10.1");
    struct sgl_dmarc_record better = l->record;

    better.has_p = true;
    better.p = SGL_DMARC_POLICY_NONE;
    if (l->record.ruas > 0)
        return sgl_finding_add(l->out, l->arena, &what, mended(l, &better),
                               "There is no p=; receivers read it as p=none, older ones may "
                               "ignore the record.");
    what.severity = SGL_ERROR;
    return sgl_finding_add(l->out, l->arena, &what, mended(l, &better),
                           "There is neither p= nor a report address; receivers act as if there "
                           "were no record.");
}

static enum sgl_status weak(const struct lint *l, const char *code, const char *tag,
                            enum sgl_dmarc_policy weaker, enum sgl_dmarc_policy than)
{
    struct sgl_finding what = found(code, SGL_WARNING, "RFC 9989 s4.7");
    struct sgl_dmarc_record better = l->record;

    if (weaker >= than)
        return SGL_OK;
    if (strcmp(tag, "sp") == 0)
        better.has_sp = false;
    else
        better.has_np = false;
    return sgl_finding_add(l->out, l->arena, &what, mended(l, &better),
                           "%s=%s is weaker than %s for the domain itself; forgers will use a "
                           "subdomain.",
                           tag, sgl_dmarc_policy_name(weaker), sgl_dmarc_policy_name(than));
}

static enum sgl_status lint_strength(const struct lint *l)
{
    const struct sgl_dmarc_record *r = &l->record;
    struct sgl_finding none = found("dmarc-p-none", SGL_INFO, "RFC 9989 s4.7");
    struct sgl_finding reject = found("dmarc-p-reject", SGL_INFO, "RFC 9989 s7.4");
    struct sgl_dmarc_record better = *r;

    if (!r->has_p)
        return SGL_OK;
    better.p = SGL_DMARC_QUARANTINE;
    if (r->p == SGL_DMARC_POLICY_NONE && r->ruas == 0) {
        none.severity = SGL_WARNING;
        SGL_TRY(sgl_finding_add(l->out, l->arena, &none, mended(l, &better),
                                "p=none without a report address has no effect at all."));
    } else if (r->p == SGL_DMARC_POLICY_NONE) {
        SGL_TRY(sgl_finding_add(l->out, l->arena, &none, mended(l, &better),
                                "p=none only collects reports; forged mail is delivered as "
                                "before."));
    } else if (r->p == SGL_DMARC_REJECT) {
        SGL_TRY(sgl_finding_add(l->out, l->arena, &reject, NULL,
                                "p=reject needs an aligned DKIM signature on all mail, and loses "
                                "mail of people who write to mailing lists."));
    }
    if (r->has_sp)
        SGL_TRY(weak(l, "dmarc-weak-sp", "sp", r->sp, r->p));
    if (r->has_np)
        SGL_TRY(weak(l, "dmarc-weak-np", "np", r->np, r->p));
    return SGL_OK;
}

static enum sgl_status lint_policies(const struct lint *l)
{
    const struct sgl_dmarc_record *r = &l->record;

    if (r->bad_p)
        SGL_TRY(bad_policy(l, "dmarc-bad-p", "p"));
    if (r->bad_sp)
        SGL_TRY(bad_policy(l, "dmarc-bad-sp", "sp"));
    if (r->bad_np)
        SGL_TRY(bad_policy(l, "dmarc-bad-np", "np"));
    if (!r->has_p && !r->bad_p)
        SGL_TRY(no_policy(l));
    return lint_strength(l);
}

/* ---- the other tags ---- */

static bool value_in(sgl_view value, const char *letters)
{
    for (; *letters != 0; letters++) {
        if (sgl_view_eq_nocase(value, sgl_view_of(letters, 1)))
            return true;
    }
    return false;
}

static enum sgl_status lint_values(const struct lint *l)
{
    static const struct {
        const char *tag, *letters, *meant;
    } rows[] = {{"adkim", "rs", "r"}, {"aspf", "rs", "r"}, {"psd", "ynu", "u"}, {"t", "yn", "n"}};
    struct sgl_finding what = found("dmarc-bad-value", SGL_WARNING, "RFC 9989 s4.8");
    const struct sgl_tag *fo = sgl_tags_find(&l->tags, SGL_LIT("fo"));
    unsigned bits;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct sgl_tag *tag = sgl_tags_find(&l->tags, sgl_view_cstr(rows[i].tag));

        if (tag != NULL && !value_in(tag->value, rows[i].letters))
            SGL_TRY(sgl_finding_add(l->out, l->arena, &what, mended(l, &l->record),
                                    "%s=%.*s is not valid; receivers read %s=%s.", rows[i].tag,
                                    SGL_FMT(sgl_view_sub(tag->value, 0, 60)), rows[i].tag,
                                    rows[i].meant));
    }
    if (fo == NULL)
        return SGL_OK;
    if (!sgl_dmarc_fo_read(fo->value, &bits))
        return sgl_finding_add(l->out, l->arena, &what, mended(l, &l->record),
                               "fo=%.*s is not valid; receivers read fo=0.",
                               SGL_FMT(sgl_view_sub(fo->value, 0, 60)));
    what = found("dmarc-fo-without-ruf", SGL_INFO, "RFC 9989 s4.7");
    if (l->record.rufs == 0)
        return sgl_finding_add(l->out, l->arena, &what, mended(l, &l->record),
                               "fo= has no effect without an address in ruf=.");
    return SGL_OK;
}

static bool is_known(sgl_view name, bool (*same)(sgl_view, sgl_view))
{
    static const char *const known[] = {"v", "p",   "sp",  "np", "adkim", "aspf", "psd",
                                        "t", "rua", "ruf", "fo", "pct",   "ri",   "rf"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (same(name, sgl_view_cstr(known[i])))
            return true;
    }
    return false;
}

static bool same_bytes(sgl_view a, sgl_view b)
{
    return sgl_view_eq(a, b);
}

/* pct=100 and the usual ri= and rf= ask for nothing; a lower pct= once softened the policy. */
static enum sgl_status historic(const struct lint *l, const struct sgl_tag *tag)
{
    struct sgl_finding what = found("dmarc-historic-tag", SGL_INFO, "RFC 9989 sA.6");
    struct sgl_dmarc_record better = l->record;

    if (!sgl_view_eq(tag->name, SGL_LIT("pct")) || l->record.percent == 100)
        return sgl_finding_add(l->out, l->arena, &what, mended(l, &l->record),
                               "%.*s= is no longer part of DMARC; receivers ignore it.",
                               SGL_FMT(tag->name));
    what.severity = SGL_WARNING;
    better.test = better.p != SGL_DMARC_POLICY_NONE; /* what is left of its purpose */
    return sgl_finding_add(l->out, l->arena, &what, mended(l, &better),
                           "pct= is no longer part of DMARC: receivers apply the policy to all "
                           "mail. t=y asks for the next weaker one.");
}

static enum sgl_status lint_names(const struct lint *l)
{
    struct sgl_finding unknown = found("dmarc-unknown-tag", SGL_WARNING, "RFC 9989 s4.7");

    for (size_t i = 0; i < l->tags.count; i++) {
        const struct sgl_tag *tag = &l->tags.tag[i];
        int len = (int)(tag->name.len > 60 ? 60 : tag->name.len);
        const char *name = (const char *)tag->name.ptr;

        if (sgl_view_eq(tag->name, SGL_LIT("pct")) || sgl_view_eq(tag->name, SGL_LIT("ri")) ||
            sgl_view_eq(tag->name, SGL_LIT("rf")))
            SGL_TRY(historic(l, tag));
        else if (!is_known(tag->name, same_bytes) && is_known(tag->name, sgl_view_eq_nocase))
            SGL_TRY(sgl_finding_add(l->out, l->arena, &unknown, "write tags in lower case",
                                    "%.*s= is not in lower case; receivers that keep to the "
                                    "grammar ignore it.",
                                    len, name));
        else if (!is_known(tag->name, same_bytes))
            SGL_TRY(sgl_finding_add(l->out, l->arena, &unknown, NULL,
                                    "%.*s= is not a tag of DMARC; receivers ignore it.", len,
                                    name));
    }
    return SGL_OK;
}

/* Specs that the tag list leaves out: "fo:1", ";;", control characters. */
static enum sgl_status lint_broken(const struct lint *l)
{
    struct sgl_finding what = found("dmarc-broken-tag", SGL_WARNING, "RFC 9989 s4.8");
    struct sgl_diag diag = {0};
    sgl_view rest, spec;
    struct sgl_tags tags;
    enum sgl_status st = sgl_tags_parse(l->text, SGL_TAGS_UTF8, l->arena, &tags, &diag);

    if (st != SGL_E_SYNTAX)
        return st;
    spec = sgl_view_trim(sgl_view_split(sgl_view_from(l->text, diag.off), ';', &rest));
    return sgl_finding_add(l->out, l->arena, &what, mended(l, &l->record),
                           "A part of the record is no tag and is ignored: %s, at \"%.*s\".",
                           diag.what, SGL_FMT(sgl_view_sub(spec, 0, 60)));
}

/* ---- report addresses ---- */

/* The record at the other side that lets reports come in. [RFC 9990 s4] */
static enum sgl_status lint_external(const struct lint *l, const char *tag, sgl_view uri)
{
    struct sgl_finding what = found("dmarc-external-destination", SGL_INFO, "RFC 9990 s4");
    sgl_auto(sgl_buf) mend = SGL_BUF_INIT(SGL_LIMIT_FINDING_TEXT);
    struct sgl_name host;
    enum sgl_status st = sgl_dmarc_uri_host(uri, l->arena, &host);

    if (st == SGL_E_SYNTAX)
        return SGL_OK;
    SGL_TRY(st);
    if (sgl_name_is_at_or_below(host, l->domain) || sgl_name_is_at_or_below(l->domain, host))
        return SGL_OK;
    sgl_buf_addf(&mend, "%.*s._report._dmarc.%.*s. IN TXT \"v=DMARC1\"", SGL_FMT(l->domain.text),
                 SGL_FMT(host.text));
    SGL_TRY(mend.status);
    return sgl_finding_add(l->out, l->arena, &what, sgl_cstr(&mend),
                           "%s= names another organisation's %.*s; reports come only if it "
                           "allows them.",
                           tag, SGL_FMT(host.text));
}

static enum sgl_status lint_uri(const struct lint *l, const char *tag, sgl_view item)
{
    struct sgl_finding bad = found("dmarc-bad-uri", SGL_WARNING, "RFC 9989 s4.8");
    struct sgl_finding size = found("dmarc-uri-size", SGL_INFO, "RFC 9989 s4.8");
    struct sgl_finding scheme = found("dmarc-uri-scheme", SGL_WARNING, "RFC 9989 s4.7");
    sgl_view uri;
    bool sized;

    if (!sgl_dmarc_uri_read(item, &uri, &sized))
        return sgl_finding_add(l->out, l->arena, &bad, "write mailto: and an address",
                               "%s= holds \"%.*s\", which is no valid URI; no report goes there.",
                               tag, SGL_FMT(sgl_view_sub(item, 0, 100)));
    if (sized)
        SGL_TRY(sgl_finding_add(l->out, l->arena, &size, mended(l, &l->record),
                                "A size limit behind a URI of %s= is obsolete and ignored.", tag));
    if (!sgl_dmarc_uri_is_mailto(uri))
        return sgl_finding_add(l->out, l->arena, &scheme, "write mailto: and an address",
                               "%s= names a URI that is not mailto:; receivers need not support "
                               "any other.",
                               tag);
    return lint_external(l, tag, uri);
}

static enum sgl_status lint_uris(const struct lint *l, const char *name)
{
    const struct sgl_tag *tag = sgl_tags_find(&l->tags, sgl_view_cstr(name));
    struct sgl_finding many = found("dmarc-many-uris", SGL_WARNING, NULL);
    sgl_view rest;
    size_t n = 0;

    if (tag == NULL)
        return SGL_OK;
    rest = tag->value;
    do {
        if (n++ == SGL_LIMIT_DMARC_URIS)
            return sgl_finding_add(l->out, l->arena, &many, NULL,
                                   "%s= holds more than %d addresses; receivers look at a few.",
                                   name, SGL_LIMIT_DMARC_URIS);
        SGL_TRY(lint_uri(l, name, sgl_view_trim(sgl_view_split(rest, ',', &rest))));
    } while (rest.ptr != NULL);
    return SGL_OK;
}

static enum sgl_status lint_reports(const struct lint *l)
{
    struct sgl_finding what = found("dmarc-no-rua", SGL_WARNING, "RFC 9989 s4.7");
    sgl_auto(sgl_buf) mend = SGL_BUF_INIT(SGL_LIMIT_FINDING_TEXT);

    SGL_TRY(lint_uris(l, "rua"));
    SGL_TRY(lint_uris(l, "ruf"));
    if (l->record.ruas > 0)
        return SGL_OK;
    sgl_buf_addf(&mend, "add rua=mailto: and an address such as dmarc-reports@%.*s",
                 SGL_FMT(l->domain.text));
    SGL_TRY(mend.status);
    return sgl_finding_add(l->out, l->arena, &what, sgl_cstr(&mend),
                           "There is no address for aggregate reports; nobody tells you of "
                           "forgeries, or of your own mail that fails.");
}

/* ---- what the record says about the domain ---- */

static enum sgl_status lint_modes(const struct lint *l)
{
    struct sgl_finding test = found("dmarc-test-mode", SGL_WARNING, "RFC 9989 s4.7");
    struct sgl_finding psd = found("dmarc-psd", SGL_WARNING, "RFC 9989 s4.7");
    struct sgl_finding deep = found("dmarc-deep-name", SGL_INFO, "RFC 9989 s5.1.8");
    struct sgl_finding blank = found("dmarc-leading-blank", SGL_WARNING, "RFC 9989 s4.8");
    struct sgl_dmarc_record better = l->record;

    if (l->record.test) {
        better.test = false;
        SGL_TRY(sgl_finding_add(l->out, l->arena, &test, mended(l, &better),
                                "t=y asks receivers to apply the next weaker policy only."));
    }
    better = l->record;
    if (l->record.psd == SGL_DMARC_PSD_YES) {
        better.psd = SGL_DMARC_PSD_UNKNOWN;
        SGL_TRY(sgl_finding_add(l->out, l->arena, &psd, mended(l, &better),
                                "psd=y says that others register names below this domain; none of "
                                "its subdomains aligns with it."));
    }
    if (sgl_name_labels(l->domain) >= LABELS_OF_A_WALK)
        SGL_TRY(sgl_finding_add(l->out, l->arena, &deep, NULL,
                                "A name this deep is not found from names below it; each of them "
                                "needs a record of its own."));
    if (!sgl_view_starts(l->text, SGL_LIT("v")))
        SGL_TRY(sgl_finding_add(l->out, l->arena, &blank, mended(l, &l->record),
                                "Blanks stand before v=DMARC1; some receivers ignore such a "
                                "record."));
    return SGL_OK;
}

static enum sgl_status lint(struct lint *l)
{
    struct sgl_diag diag = {0};
    enum sgl_status st;

    if (!sgl_dmarc_is_record(l->text))
        return no_record(l);
    st = sgl_dmarc_parse(l->text, l->arena, &l->record, &diag);
    if (st == SGL_E_SYNTAX)
        return not_parsed(l, &diag);
    SGL_TRY(st);
    SGL_TRY(sgl_dmarc_tags(l->text, l->arena, &l->tags, NULL));
    SGL_TRY(lint_policies(l));
    SGL_TRY(lint_values(l));
    SGL_TRY(lint_names(l));
    SGL_TRY(lint_broken(l));
    SGL_TRY(lint_reports(l));
    return lint_modes(l);
}

enum sgl_status sgl_dmarc_lint(struct sgl_name domain, sgl_view text, struct sgl_arena *arena,
                               struct sgl_findings *out)
{
    struct sgl_finding many = found("dmarc-too-many-tags", SGL_ERROR, NULL);
    struct sgl_findings list = *out;
    struct lint l = {.domain = domain, .text = text, .arena = arena, .out = &list};
    enum sgl_status st = lint(&l);

    if (st == SGL_E_LIMIT && arena->status == SGL_OK)
        st = sgl_finding_add(&list, arena, &many, NULL,
                             "The record holds more than %d tags; receivers ignore it.",
                             SGL_LIMIT_TAGS);
    if (st == SGL_OK)
        *out = list;
    else if (out->last != NULL)
        out->last->next = NULL; /* what was added behind it goes again */
    return st;
}
