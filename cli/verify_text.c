/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"

#include <string.h>

#include "sigillo/ascii.h"

#define SHOWN_MAX 200
#define FIELD_MAX ((size_t)64 * 1024)

static const char *colour(const struct cli *c, const char *result)
{
    if (strcmp(result, "pass") == 0)
        return cli_green(c);
    if (strcmp(result, "fail") == 0 || strcmp(result, "permerror") == 0 ||
        strcmp(result, "policy") == 0)
        return cli_red(c);
    return cli_yellow(c);
}

/* "spf    pass       " and what it is about. */
static void begin(const struct cli *c, const char *part, const char *result, sgl_view about)
{
    printf("%s%-6s%s %s%-9s%s  ", cli_bold(c), part, cli_plain(c), colour(c, result), result,
           cli_plain(c));
    cli_put_view(stdout, about, SHOWN_MAX);
}

/* A line below it. */
static void more(const char *text)
{
    if (text[0] != '\0')
        printf("                  %s\n", text);
}

static void put_spf(const struct cli *c, const struct sgl_spf *spf)
{
    begin(c, "spf", sgl_spf_result_name(spf->result),
          spf->domain.len > 0 ? spf->domain : SGL_LIT("(no domain)"));
    fputs(spf->identity == SGL_SPF_HELO ? " (HELO)" : " (MAIL FROM)", stdout);
    if (spf->mechanism.len > 0) {
        fputs("  matched ", stdout);
        cli_put_view(stdout, spf->mechanism, SHOWN_MAX);
    }
    printf("  %u lookup%s\n", spf->lookups, spf->lookups == 1 ? "" : "s");
    more(spf->problem);
    if (spf->explanation.len > 0) {
        fputs("                  the domain says: ", stdout);
        cli_put_view(stdout, spf->explanation, SHOWN_MAX);
        putchar('\n');
    }
}

void verify_put_key(const struct sgl_dkim_verdict *v, size_t shown)
{
    if (v->tags.selector.len > 0) {
        fputs("  selector ", stdout);
        cli_put_view(stdout, v->tags.selector, shown);
    }
    if (v->tags.algorithm.len > 0) {
        fputs("  ", stdout);
        cli_put_view(stdout, v->tags.algorithm, shown);
    }
}

static void put_signature(const struct cli *c, const struct sgl_dkim_verdict *v)
{
    begin(c, "dkim", sgl_dkim_result_name(v->result),
          v->tags.domain.len > 0 ? v->tags.domain : SGL_LIT("(no domain)"));
    verify_put_key(v, SHOWN_MAX);
    putchar('\n');
    more(v->reason);
}

static void put_arc(const struct cli *c, const struct sgl_arc *arc)
{
    if (arc->result == SGL_ARC_NONE) {
        begin(c, "arc", "none", SGL_LIT("no chain"));
        putchar('\n');
        return;
    }
    begin(c, "arc", sgl_arc_result_name(arc->result), SGL_LIT("sealed by"));
    for (size_t i = 0; i < arc->sets; i++) {
        printf("%s %u ", i == 0 ? "" : ",", arc->set[i].instance);
        cli_put_view(stdout, arc->set[i].seal_tags.domain, SHOWN_MAX);
    }
    putchar('\n');
    more(arc->reason);
    more(arc->detail);
}

static void put_alignment(const struct sgl_dmarc *d)
{
    if (d->spf_aligned && d->dkim_aligned)
        more("SPF and DKIM passed for this domain");
    else if (d->spf_aligned)
        more("SPF passed for this domain");
    else if (d->dkim_aligned)
        more("DKIM passed for this domain");
}

static void put_dmarc(const struct cli *c, const struct sgl_verdict *verdict)
{
    const struct sgl_dmarc *d = &verdict->dmarc;

    begin(c, "dmarc", sgl_dmarc_result_name(d->result),
          d->author.text.len > 0 ? d->author.text : SGL_LIT("(no author)"));
    if (d->has_policy) {
        printf("  policy %s of ", sgl_dmarc_policy_name(d->policy));
        cli_put_view(stdout, d->policy_domain.text, SHOWN_MAX);
    }
    putchar('\n');
    more(d->reason);
    put_alignment(d);
    if (verdict->overridden) {
        fputs("                  overridden: ", stdout);
        cli_put_view(stdout, verdict->witness->seal_tags.domain, SHOWN_MAX);
        puts(", which is trusted, saw it pass");
    }
    if (d->result == SGL_DMARC_FAIL)
        printf("                  to be done with it: %s\n",
               verdict->disposition == SGL_DMARC_POLICY_NONE
                   ? "nothing"
                   : sgl_dmarc_policy_name(verdict->disposition));
}

/* Line by line; only UTF-8 could hold what disturbs a terminal, all else has been replaced. */
static void put_field(const struct sgl_authres *results)
{
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(FIELD_MAX);
    sgl_view rest;

    if (sgl_authres_put(results, &field) != SGL_OK)
        return;
    rest = sgl_buf_view(&field);
    while (rest.len > 0) {
        sgl_view line = sgl_view_trim(sgl_view_split(rest, '\n', &rest));

        if (line.ptr > field.data)
            putchar(' ');
        if (sgl_ascii_only(line))
            fwrite(line.ptr, 1, line.len, stdout);
        else
            cli_put_view(stdout, line, SHOWN_MAX);
        putchar('\n');
    }
}

void verify_put(const struct cli *c, const struct sgl_verdict *verdict)
{
    if (verdict->spf_checked) {
        put_spf(c, &verdict->spf);
        /* Of the null sender the first one is HELO's already. */
        if (verdict->spf_helo.result != SGL_SPF_NONE && verdict->spf.identity != SGL_SPF_HELO)
            put_spf(c, &verdict->spf_helo);
    } else {
        begin(c, "spf", "none", SGL_LIT("not checked: --ip was not given"));
        putchar('\n');
    }
    if (verdict->dkim.count == 0) {
        begin(c, "dkim", "none", SGL_LIT("no signature"));
        putchar('\n');
    }
    for (size_t i = 0; i < verdict->dkim.count; i++)
        put_signature(c, &verdict->dkim.item[i]);
    put_arc(c, &verdict->arc);
    put_dmarc(c, verdict);
    putchar('\n');
    put_field(&verdict->results);
}
