/* SPDX-License-Identifier: Apache-2.0 */
#include "findings.h"

#include "sigillo/ascii.h"

#define INDENT 9 /* "warning  " */

json_t *findings_string(sgl_view text)
{
    struct sgl_buf safe = SGL_BUF_INIT(1 << 20);
    json_t *string;

    if (sgl_ascii_is_printable(text))
        return json_stringn(text.len == 0 ? "" : (const char *)text.ptr, text.len);
    sgl_buf_add_escaped(&safe, text, SIZE_MAX);
    string = safe.status == SGL_OK ? json_stringn((const char *)safe.data, safe.len) : NULL;
    sgl_buf_done(&safe);
    return string;
}

json_t *findings_json(const struct sgl_findings *list)
{
    json_t *array = json_array();

    for (const struct sgl_finding *f = list->first; f != NULL && array != NULL; f = f->next) {
        json_t *one = json_pack("{s:s, s:s, s:o, s:o, s:s?}", "code", f->code, "severity",
                                sgl_severity_name(f->severity), "text", findings_string(f->text),
                                "mend", findings_string(f->mend), "rule", f->rule);

        if (one == NULL || json_array_append_new(array, one) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

/* ---- for people ---- */

const char *findings_colour(const struct cli *c, enum sgl_severity severity)
{
    switch (severity) {
    case SGL_ERROR:
        return cli_red(c);
    case SGL_WARNING:
        return cli_yellow(c);
    case SGL_INFO:
        return cli_dim(c);
    }
    return "";
}

/* "v=spf1 ...", or with "at NAME: " or "without it: " in front, or NAME TLSA ...: to be copied, so it is not folded. */
static bool is_record(sgl_view mend)
{
    sgl_view after_name = sgl_view_from(mend, sgl_view_find(mend, ' '));

    if (sgl_view_starts(after_name, SGL_LIT(" TLSA ")))
        return sgl_view_find(mend, '(') == mend.len && sgl_view_find(mend, ',') == mend.len;
    return sgl_view_starts(mend, SGL_LIT("v=")) ||
           ((sgl_view_starts(mend, SGL_LIT("at ")) || sgl_view_starts(mend, SGL_LIT("without "))) &&
            sgl_view_find_view(mend, SGL_LIT(": v=")) < mend.len);
}

static void print_one(const struct cli *c, FILE *to, const struct sgl_finding *f)
{
    const char *name = sgl_severity_name(f->severity);

    fprintf(to, "%s%-*s%s", findings_colour(c, f->severity), INDENT, name, cli_plain(c));
    cli_put_folded(to, f->text, INDENT);
    if (f->mend.len > 0 && is_record(f->mend)) {
        fprintf(to, "%*s%s%.*s%s\n", INDENT, "      -> ", cli_green(c), SGL_FMT(f->mend),
                cli_plain(c));
    } else if (f->mend.len > 0) {
        fprintf(to, "%*s%s", INDENT, "      -> ", cli_green(c));
        cli_put_folded(to, f->mend, INDENT);
        fputs(cli_plain(c), to);
    }
    fprintf(to, "%*s%s%s%s%s%s\n", INDENT, "", cli_dim(c), f->code, f->rule == NULL ? "" : ", ",
            f->rule == NULL ? "" : f->rule, cli_plain(c));
}

void findings_print(const struct cli *c, FILE *to, const struct sgl_findings *list)
{
    static const enum sgl_severity order[] = {SGL_ERROR, SGL_WARNING, SGL_INFO};

    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        for (const struct sgl_finding *f = list->first; f != NULL; f = f->next) {
            if (f->severity == order[i])
                print_one(c, to, f);
        }
    }
    if (list->full)
        fprintf(to, "%-*sand more\n", INDENT, "");
}

void findings_warn(const struct sgl_findings *list)
{
    fflush(stdout);
    for (const struct sgl_finding *f = list->first; f != NULL; f = f->next)
        fprintf(stderr, "sigillo: %s: %.*s%s%.*s%s\n", sgl_severity_name(f->severity),
                SGL_FMT(f->text), f->mend.len == 0 ? "" : " (help: ", SGL_FMT(f->mend),
                f->mend.len == 0 ? "" : ")");
}
