/* SPDX-License-Identifier: Apache-2.0 */
/* A survey for people, 80 columns wide.  Summaries and findings are printable ASCII already. */
#include "check.h"
#include "findings.h"

#define SHOWN_MAX 2048

static const char *state_colour(const struct cli *c, enum sgl_survey_state state)
{
    switch (state) {
    case SGL_SURVEY_GOOD:
        return cli_green(c);
    case SGL_SURVEY_WEAK:
        return cli_yellow(c);
    case SGL_SURVEY_BAD:
        return cli_red(c);
    case SGL_SURVEY_ABSENT:
    case SGL_SURVEY_UNKNOWN:
    case SGL_SURVEY_APART:
        return cli_dim(c);
    }
    return "";
}

static void put_parts(const struct cli *c, const struct sgl_survey *s)
{
    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        const struct sgl_survey_judged *p = &s->part[i];

        printf("  %-8s %s%-15s%s", sgl_survey_part_name((enum sgl_survey_part)i),
               state_colour(c, p->state), sgl_survey_state_name(p->state), cli_plain(c));
        cli_put_folded(stdout, p->summary, 26);
    }
}

static void put_hosts(const struct sgl_survey *s)
{
    for (size_t i = 0; i < s->hosts; i++) {
        const struct sgl_survey_host *h = &s->host[i];
        sgl_auto(sgl_buf) line = SGL_BUF_INIT(4096);

        sgl_buf_addf(&line, "%.*s", SGL_FMT(h->name.text));
        for (size_t a = 0; a < h->dane.addresses; a++) {
            char address[SGL_IP_TEXT_SIZE];

            sgl_ip_text(&h->dane.address[a], address);
            sgl_buf_addf(&line, "%s%s", a == 0 ? " " : ", ", address);
        }
        if (h->dane.level != SGL_DANE_NONE)
            sgl_buf_addf(&line, ", DANE: %s", sgl_dane_level_name(h->dane.level));
        printf("  MX %5u  ", h->preference);
        cli_put_folded(stdout, sgl_buf_view(&line), 12);
    }
}

static void put_keys(const struct sgl_survey *s)
{
    for (size_t i = 0; i < s->keys; i++) {
        const struct sgl_survey_key *k = &s->key[i];
        sgl_auto(sgl_buf) line = SGL_BUF_INIT(1024);

        sgl_buf_add_escaped(&line, k->selector, 63);
        if (k->broken)
            sgl_buf_add_cstr(&line, ": can't be read");
        else if (k->revoked)
            sgl_buf_add_cstr(&line, ": revoked");
        else
            sgl_buf_addf(&line, ": %s, %u bits%s", k->type == SGL_KEY_ED25519 ? "Ed25519" : "RSA",
                         k->bits, k->testing ? ", testing" : "");
        printf("  DKIM      ");
        cli_put_folded(stdout, sgl_buf_view(&line), 12);
    }
}

static bool has_records(const struct sgl_survey *s)
{
    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        if (s->part[i].record.len > 0)
            return true;
    }
    return false;
}

/* The texts that were found, as they are; a DKIM key says nothing to people, what it is stands above. */
static void put_records(const struct sgl_survey *s)
{
    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        sgl_auto(sgl_buf) line = SGL_BUF_INIT(4 * SHOWN_MAX + 16);
        sgl_view record = s->part[i].record;

        if (i == SGL_SURVEY_DKIM || record.len == 0)
            continue;
        sgl_buf_add_escaped(&line, record, SHOWN_MAX);
        printf("  %-8s  ", sgl_survey_part_name((enum sgl_survey_part)i));
        cli_put_folded(stdout, sgl_buf_view(&line), 12);
    }
}

/* A record alone, to be copied as it is: "v=...", "at NAME: v=...", "without it: v=...", or NAME TXT "...". */
static bool is_record(sgl_view mend)
{
    sgl_view after_name = sgl_view_from(mend, sgl_view_find(mend, ' '));

    if (sgl_view_starts(mend, SGL_LIT("v=")))
        return true;
    if (sgl_view_starts(mend, SGL_LIT("at ")) || sgl_view_starts(mend, SGL_LIT("without ")))
        return sgl_view_find_view(mend, SGL_LIT(": v=")) < mend.len;
    return sgl_view_starts(after_name, SGL_LIT(" TXT \"")) && mend.ptr[mend.len - 1] == '"';
}

static void put_finding(const struct cli *c, const struct sgl_finding *f, const char *part)
{
    printf("  %s%-8s%s %-8s ", findings_colour(c, f->severity), sgl_severity_name(f->severity),
           cli_plain(c), part);
    cli_put_folded(stdout, f->text, 20);
    if (f->mend.len == 0)
        return;
    printf("           %smend:%s ", cli_bold(c), cli_plain(c));
    if (is_record(f->mend))
        printf("%.*s\n", SGL_FMT(f->mend));
    else
        cli_put_folded(stdout, f->mend, 17);
}

/* All of one severity, errors first. */
static void put_findings(const struct cli *c, const struct sgl_survey *s,
                         enum sgl_severity severity)
{
    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        for (const struct sgl_finding *f = s->part[i].findings.first; f != NULL; f = f->next) {
            if (f->severity == severity)
                put_finding(c, f, sgl_survey_part_name((enum sgl_survey_part)i));
        }
    }
}

static void put_rules(const struct cli *c, const struct sgl_survey *s)
{
    printf("\n%sWhat Google, Yahoo and Microsoft ask of bulk senders%s\n", cli_bold(c),
           cli_plain(c));
    for (size_t i = 0; i < SGL_SURVEY_RULES; i++) {
        const struct sgl_survey_rule *r = &s->rule[i];
        const char *colour = r->met == SGL_SURVEY_MET       ? cli_green(c)
                             : r->met == SGL_SURVEY_NOT_MET ? cli_red(c)
                                                            : cli_dim(c);

        if (r->met != SGL_SURVEY_NOT_DNS)
            printf("  %s%-8s%s %s\n", colour, sgl_survey_met_name(r->met), cli_plain(c), r->text);
    }
    printf("  DNS does not tell whether\n");
    for (size_t i = 0; i < SGL_SURVEY_RULES; i++) {
        if (s->rule[i].met == SGL_SURVEY_NOT_DNS)
            printf("           %s\n", s->rule[i].text);
    }
}

static size_t count_infos(const struct sgl_survey *s)
{
    size_t n = 0;

    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++)
        n += s->part[i].findings.count;
    return n - s->errors - s->warnings;
}

void check_print(const struct cli *c, const struct sgl_survey *s, bool unvalidated)
{
    printf("%s%.*s%s  mark %c", cli_bold(c), SGL_FMT(s->domain.text), cli_plain(c), s->mark);
    if (s->mark != '-')
        printf(", %u of 100 points", s->points);
    printf("\n\n");
    put_parts(c, s);
    if (s->hosts + s->keys > 0 || has_records(s))
        printf("\n");
    put_hosts(s);
    put_keys(s);
    put_records(s);
    if (s->errors + s->warnings > 0)
        printf("\n%sFaults%s\n", cli_bold(c), cli_plain(c));
    put_findings(c, s, SGL_ERROR);
    put_findings(c, s, SGL_WARNING);
    if (unvalidated || count_infos(s) > 0)
        printf("\n%sWorth knowing%s\n", cli_bold(c), cli_plain(c));
    put_findings(c, s, SGL_INFO);
    if (unvalidated)
        printf("  info     The name servers that were asked do not pass DNSSEC on: nothing is\n"
               "           validated, and DANE can't be judged. See --resolver.\n");
    put_rules(c, s);
}
