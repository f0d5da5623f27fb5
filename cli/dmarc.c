/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo dmarc check */
#include <string.h>

#include "lookup.h"
#include "name.h"
#include "sigillo/dmarc.h"
#include "verbs.h"

#define ARENA_MAX ((size_t)1 << 20)
#define IDS_MAX   20
#define QUESTIONS 256
#define SHOWN_MAX 512

struct evaluation {
    const struct cli *c;
    struct sgl_arena arena;
    struct lookup l;
    struct sgl_dmarc_request request;
    struct sgl_dmarc_identifier spf, dkim[IDS_MAX];
    const char *spf_word, *dkim_word[IDS_MAX]; /* as given: "softfail:example.org" */
    struct sgl_dmarc dmarc;
};

/* ---- what was given ---- */

static bool take_auth(sgl_view word, enum sgl_dmarc_auth *out)
{
    static const char *const failed[] = {"fail", "softfail",  "neutral",
                                         "none", "permerror", "policy"};

    if (sgl_view_eq(word, SGL_LIT("pass")))
        *out = SGL_DMARC_AUTH_PASS;
    else if (sgl_view_eq(word, SGL_LIT("temperror")))
        *out = SGL_DMARC_AUTH_TEMPERROR;
    else
        *out = SGL_DMARC_AUTH_FAIL;
    for (size_t i = 0; *out == SGL_DMARC_AUTH_FAIL; i++) {
        if (i == sizeof failed / sizeof failed[0])
            return false;
        if (sgl_view_eq(word, sgl_view_cstr(failed[i])))
            break;
    }
    return true;
}

/* "RESULT:DOMAIN"; an address stands for its domain. */
static bool take_identifier(struct evaluation *e, const char *option, const char *text,
                            struct sgl_dmarc_identifier *out, int *status)
{
    sgl_view domain, word = sgl_view_split(sgl_view_cstr(text), ':', &domain);
    struct sgl_name name;
    size_t at;

    while ((at = sgl_view_find(domain, '@')) < domain.len)
        domain = sgl_view_from(domain, at + 1);
    if (!take_auth(word, &out->auth)) {
        *status = cli_error(CLI_USAGE, option,
                            "must be RESULT:DOMAIN, as in pass:example.org; a result is one of "
                            "pass, fail, softfail, neutral, none, policy, temperror, permerror");
        return false;
    }
    if (!name_parse(domain, SGL_NAME_UNDERSCORE, &e->arena, NULL, &name)) {
        *status = cli_error(CLI_USAGE, option,
                            "behind the result stands a domain name: "
                            "pass:example.org");
        return false;
    }
    out->domain = name.text;
    return true;
}

static bool take_rules(struct evaluation *e, int *status)
{
    const char *rules = cli_text(e->c, "--rules");

    if (rules == NULL || strcmp(rules, "rfc9989") == 0)
        return true;
    if (strcmp(rules, "rfc7489") != 0) {
        *status = cli_error(CLI_USAGE, "--rules", "must be rfc9989 or rfc7489");
        return false;
    }
    e->request.rules = SGL_DMARC_RFC7489;
    e->request.psl = sgl_psl_builtin();
    if (e->request.psl == NULL)
        *status = cli_error(CLI_UNKNOWN, "--rules", "libpsl was built without a list");
    return e->request.psl != NULL;
}

static bool take(struct evaluation *e, int *status)
{
    struct sgl_dmarc_request *q = &e->request;
    const char *author = cli_text(e->c, "--from-domain"), *word;

    if (author == NULL ||
        !name_parse(sgl_view_cstr(author), SGL_NAME_UNDERSCORE, &e->arena, NULL, &q->author) ||
        sgl_name_is_root(q->author)) {
        *status = cli_error(CLI_USAGE, "--from-domain", "the domain of the From field is needed");
        return false;
    }
    e->spf_word = cli_text(e->c, "--spf");
    if (e->spf_word != NULL) {
        if (!take_identifier(e, "--spf", e->spf_word, &e->spf, status))
            return false;
        q->spf = &e->spf;
    }
    q->dkim = e->dkim;
    while ((word = cli_nth(e->c, "--dkim", q->dkims)) != NULL) {
        if (q->dkims == IDS_MAX) {
            *status = cli_error(CLI_USAGE, "--dkim", "at most %d can be given", IDS_MAX);
            return false;
        }
        if (!take_identifier(e, "--dkim", word, &e->dkim[q->dkims], status))
            return false;
        e->dkim_word[q->dkims++] = word;
    }
    return take_rules(e, status);
}

/* ---- what was found ---- */

static enum sgl_status judge(struct evaluation *e, const struct sgl_dmarc_request *request,
                             struct sgl_dmarc *out)
{
    enum sgl_status status;

    while ((status = sgl_dmarc_check(request, &e->l.dns, &e->arena, out)) == SGL_NEED_DNS)
        lookup_fill(&e->l);
    return status;
}

/* Would this identifier align if it had passed? */
static const char *alignment(struct evaluation *e, sgl_view domain, bool dkim)
{
    struct sgl_dmarc_identifier one = {domain, SGL_DMARC_AUTH_PASS};
    struct sgl_dmarc_request request = e->request;
    struct sgl_dmarc d;

    request.spf = dkim ? NULL : &one;
    request.dkim = &one;
    request.dkims = dkim;
    if (judge(e, &request, &d) != SGL_OK)
        return "alignment is not known";
    if (d.result == SGL_DMARC_PASS)
        return "aligned";
    return d.result == SGL_DMARC_FAIL ? "not aligned" : "alignment is not known";
}

/* A record that the walk does not count looks like any other to its owner. */
static const char *kind_of(struct evaluation *e, sgl_view txt)
{
    struct sgl_dmarc_record record;
    enum sgl_status st = sgl_dmarc_parse(txt, &e->arena, &record, NULL);

    if (st == SGL_E_SYNTAX)
        return "a record with a tag twice: it does not count";
    if (st == SGL_E_LIMIT && e->arena.status == SGL_OK)
        return "a record with too many tags: it does not count";
    return "a record";
}

/* What the snapshot has at _dmarc.NAME. */
static const char *found_at(struct evaluation *e, struct sgl_name name)
{
    const struct sgl_dns_answer *answer;
    struct sgl_name at;
    sgl_view record = {NULL, 0};
    size_t records = 0;

    if (sgl_name_under(SGL_LIT("_dmarc"), name, &e->arena, &at) != SGL_OK)
        return "too long to exist";
    if (sgl_dns_get(&e->l.dns, at, SGL_RR_TXT, &answer) != SGL_OK)
        return "not asked";
    if (sgl_dns_is_error(answer))
        return "the lookup failed";
    for (size_t i = 0; i < answer->count; i++) {
        if (!sgl_dmarc_is_record(answer->rr[i].txt))
            continue;
        record = answer->rr[i].txt;
        records++;
    }
    if (records > 1)
        return "several records: none counts";
    if (records == 1)
        return kind_of(e, record);
    return answer->count > 0 ? "no record of DMARC" : "nothing";
}

static json_t *name_json(struct sgl_name name)
{
    return sgl_name_is_root(name) ? json_null() : cli_json_text(name.text);
}

static const char *rules_name(const struct sgl_dmarc *d)
{
    return d->rules == SGL_DMARC_RFC7489 ? "rfc7489" : "rfc9989";
}

static int put_json(struct evaluation *e)
{
    const struct sgl_dmarc *d = &e->dmarc;
    json_t *asked = json_array(), *out;

    for (size_t i = 0; i < d->asked_count; i++)
        json_array_append_new(asked,
                              json_pack("{s:o, s:s}", "name",
                                        json_sprintf("_dmarc.%.*s", SGL_FMT(d->asked[i].text)),
                                        "found", found_at(e, d->asked[i])));
    out = json_pack("{s:s, s:s, s:o, s:o, s:s, s:b, s:b, s:s, s:b, s:o}", "result",
                    sgl_dmarc_result_name(d->result), "reason", d->reason, "domain",
                    name_json(d->author), "org_domain", name_json(d->org), "disposition",
                    sgl_dmarc_policy_name(d->disposition), "spf_aligned", d->spf_aligned,
                    "dkim_aligned", d->dkim_aligned, "rules", rules_name(d), "testing", d->tested,
                    "asked", asked);
    json_object_set_new(out, "policy_domain", name_json(d->policy_domain));
    json_object_set_new(out, "record", d->record.len == 0 ? json_null() : cli_json_text(d->record));
    json_object_set_new(
        out, "policy", d->has_policy ? json_string(sgl_dmarc_policy_name(d->policy)) : json_null());
    json_object_set_new(out, "requested",
                        d->has_policy ? json_string(sgl_dmarc_policy_name(d->requested))
                                      : json_null());
    json_object_set_new(out, "tag", d->tag[0] != 0 ? json_string(d->tag) : json_null());
    return cli_print_json(out);
}

/* ---- for people ---- */

static const char *colour(const struct cli *c, enum sgl_dmarc_result result)
{
    switch (result) {
    case SGL_DMARC_PASS:
        return cli_green(c);
    case SGL_DMARC_FAIL:
        return cli_red(c);
    case SGL_DMARC_NONE:
    case SGL_DMARC_TEMPERROR:
    case SGL_DMARC_PERMERROR:
        return cli_yellow(c);
    }
    return "";
}

static void put_identifier(struct evaluation *e, const char *kind, const char *word,
                           const struct sgl_dmarc_identifier *id, bool strict)
{
    const char *aligned;

    printf("  %-12s ", kind);
    cli_put(stdout, word);
    if (!e->dmarc.has_policy) {
        putchar('\n');
        return;
    }
    aligned = alignment(e, id->domain, kind[0] == 'D');
    printf("  %s%s%s\n", aligned, strict ? " (strict)" : " (relaxed)",
           id->auth == SGL_DMARC_AUTH_PASS ? "" : ", did not pass");
}

static void put_identifiers(struct evaluation *e)
{
    const struct sgl_dmarc_record *r = &e->dmarc.parsed;

    if (e->request.spf != NULL)
        put_identifier(e, "SPF", e->spf_word, &e->spf, r->strict_spf);
    for (size_t i = 0; i < e->request.dkims; i++)
        put_identifier(e, "DKIM", e->dkim_word[i], &e->dkim[i], r->strict_dkim);
    if (e->request.spf == NULL && e->request.dkims == 0)
        printf("  %-12s nothing was given with --spf or --dkim\n", "identifiers");
}

static void put_policy(const struct sgl_dmarc *d)
{
    sgl_auto(sgl_buf) record = SGL_BUF_INIT(4 * SHOWN_MAX + 16);

    if (d->record.len == 0)
        return;
    sgl_buf_add_escaped(&record, d->record, SHOWN_MAX);
    printf("  %-12s %.*s\n", "record at", SGL_FMT(d->policy_domain.text));
    printf("  %-12s %.*s\n", "record", SGL_FMT(sgl_buf_view(&record)));
    if (!d->has_policy)
        return;
    printf("  %-12s %s", "policy", sgl_dmarc_policy_name(d->policy));
    if (d->tag[0] == 0)
        fputs(", because p=, sp= or np= is missing or not valid", stdout);
    else
        printf(", from %s=%s", d->tag, sgl_dmarc_policy_name(d->requested));
    if (d->tested)
        printf(", softened by %s", d->rules == SGL_DMARC_RFC7489 ? "pct=" : "t=y");
    if (d->author_exists_unknown)
        fputs("; whether the domain exists could not be looked up", stdout);
    putchar('\n');
}

static void put_text(struct evaluation *e)
{
    const struct sgl_dmarc *d = &e->dmarc;
    bool walk = d->rules == SGL_DMARC_RFC9989;

    printf("%s%s%s  %.*s\n", colour(e->c, d->result), sgl_dmarc_result_name(d->result),
           cli_plain(e->c), SGL_FMT(d->author.text));
    if (d->reason[0] != 0)
        printf("      %s\n", d->reason);
    for (size_t i = 0; i < d->asked_count; i++)
        printf("  %-12s _dmarc.%.*s  %s%s%s\n", i == 0 ? "asked" : "", SGL_FMT(d->asked[i].text),
               cli_dim(e->c), found_at(e, d->asked[i]), cli_plain(e->c));
    put_policy(d);
    if (sgl_name_is_root(d->org))
        printf("  %-12s not known: a lookup failed\n", "organisation");
    else
        printf("  %-12s %.*s, by %s\n", "organisation", SGL_FMT(d->org.text),
               walk ? "the tree walk of RFC 9989" : "the Public Suffix List (RFC 7489)");
    put_identifiers(e);
    printf("  %-12s %s\n", "disposition", sgl_dmarc_policy_name(d->disposition));
    if (d->disposition == SGL_DMARC_REJECT)
        puts("      Receivers should not reject for this alone, but weigh it with what else they\n"
             "      know, and quarantine where they know nothing else. [RFC 9989 s7.4]");
}

/* ---- the verb ---- */

static int answer_of(const struct sgl_dmarc *d)
{
    if (d->result == SGL_DMARC_TEMPERROR)
        return CLI_UNKNOWN;
    return d->result == SGL_DMARC_PASS ? CLI_YES : CLI_NO;
}

static int evaluate(struct evaluation *e)
{
    enum sgl_status status = judge(e, &e->request, &e->dmarc);
    int printed = CLI_YES;

    if (status != SGL_OK)
        return cli_error(CLI_UNKNOWN, e->c->verb->name, "%s", sgl_status_name(status));
    if (e->c->json)
        printed = put_json(e);
    else
        put_text(e);
    return printed != CLI_YES ? printed : answer_of(&e->dmarc);
}

static int check_run(struct cli *c)
{
    struct evaluation e = {.c = c};
    int status = CLI_YES;

    sgl_arena_init(&e.arena, ARENA_MAX);
    if (take(&e, &status) && lookup_init(&e.l, c, QUESTIONS, &status)) {
        status = evaluate(&e);
        lookup_done(&e.l);
    }
    sgl_arena_done(&e.arena);
    return status;
}

static const struct cli_option check_options[] = {
    {"--from-domain", "DOMAIN", "the domain of the From field", false},
    {"--spf", "RESULT:DOMAIN", "what SPF said of MAIL FROM: pass:example.org", false},
    {"--dkim", "RESULT:DOMAIN", "what one signature said, with its d=", true},
    {"--rules", "RULES", "rfc9989 (default) or rfc7489: by the Public Suffix List", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_dmarc_check = {
    "dmarc check",
    "",
    "finds the DMARC policy of a domain and judges what SPF and DKIM said",
    check_options,
    0,
    0,
    check_run,
    "Exit status: 0 pass, 1 fail or no policy, 3 a lookup failed that matters.",
    CLI_DNS};
