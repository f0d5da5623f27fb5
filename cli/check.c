/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo check */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "name.h"
#include "sigillo/limits.h"
#include "verbs.h"

#define ARENA_MAX (32u * 1024u * 1024u)

struct checking {
    const struct cli *c;
    struct lookup lookup;
    struct sgl_arena arena;
    struct sgl_survey_request request;
    sgl_view selector[SGL_LIMIT_SURVEY_SELECTORS];
    struct check_fetch fetch;
};

static bool take_domain(struct checking *k, const char *text, int *status)
{
    struct sgl_diag diag = {0};

    if (name_parse(sgl_view_cstr(text), SGL_NAME_HOST, &k->arena, &diag, &k->request.domain))
        return true;
    *status = cli_error(CLI_USAGE, text, "this is not a domain%s%s", diag.what == NULL ? "" : ": ",
                        diag.what == NULL ? "" : diag.what);
    return false;
}

static bool take_selectors(struct checking *k, int *status)
{
    const char *value;

    k->request.selector = k->selector;
    for (size_t n = 0; (value = cli_nth(k->c, "--selector", n)) != NULL; n++) {
        sgl_view text = sgl_view_cstr(value);

        if (n == SGL_LIMIT_SURVEY_SELECTORS) {
            *status = cli_error(CLI_USAGE, "--selector", "at most %d can be given",
                                SGL_LIMIT_SURVEY_SELECTORS);
            return false;
        }
        if (!sgl_name_ok(text, SGL_NAME_UNDERSCORE)) {
            *status = cli_error(CLI_USAGE, "--selector", "must be a DKIM selector, not %s", value);
            return false;
        }
        k->selector[n] = text;
        k->request.selectors = n + 1;
    }
    if (cli_text(k->c, "--bimi-selector") != NULL) {
        k->request.bimi_selector = sgl_view_cstr(cli_text(k->c, "--bimi-selector"));
        if (!sgl_name_ok(k->request.bimi_selector, SGL_NAME_UNDERSCORE)) {
            *status = cli_error(CLI_USAGE, "--bimi-selector", "must be a BIMI selector, not %s",
                                cli_text(k->c, "--bimi-selector"));
            return false;
        }
    }
    return true;
}

static enum sgl_status survey(struct checking *k, struct sgl_survey *out)
{
    enum sgl_status st;

    while ((st = sgl_survey(&k->request, &k->lookup.dns, &k->arena, out)) == SGL_NEED_DNS)
        lookup_fill(&k->lookup);
    return st;
}

static int answer(struct checking *k)
{
    struct sgl_survey s;
    enum sgl_status st = survey(k, &s);
    bool unvalidated;

    if (st == SGL_OK && s.policy_wanted && !cli_flag(k->c, "--no-https")) {
        check_fetch_policy(&k->fetch, &k->lookup, &k->request, &k->arena, cli_text(k->c, "--ca"));
        st = survey(k, &s);
    }
    if (st == SGL_E_LIMIT)
        return cli_error(CLI_UNKNOWN, k->c->argument[0],
                         "its records are more than this program looks at");
    if (st != SGL_OK)
        return cli_error(CLI_UNKNOWN, "memory", "there is none left");
    unvalidated = k->lookup.unvalidated && !s.failed; /* who does not answer passes nothing on */
    if (k->c->json)
        (void)cli_print_json(check_json(&s, unvalidated));
    else
        check_print(k->c, &s, unvalidated);
    if (s.errors > 0)
        return CLI_NO;
    if (!s.failed)
        return CLI_YES;
    return cli_error(CLI_UNKNOWN, k->c->argument[0], "not everything could be looked up");
}

static int check_run(struct cli *c)
{
    struct checking *k = calloc(1, sizeof(*k));
    struct sgl_crypto *crypto = sgl_crypto_new();
    const char *ca = cli_text(c, "--ca");
    int status = CLI_UNKNOWN;

    if (k == NULL || crypto == NULL) {
        sgl_crypto_free(crypto);
        free(k);
        return cli_error(CLI_UNKNOWN, "memory", "there is none left");
    }
    k->c = c;
    k->request.crypto = crypto;
    sgl_arena_init(&k->arena, ARENA_MAX);
    sgl_buf_init(&k->fetch.body, SGL_LIMIT_MTA_STS_POLICY);
    if (ca != NULL && access(ca, R_OK) != 0)
        status = cli_error(CLI_USAGE, "--ca", "%s can't be read", ca);
    else if (take_domain(k, c->argument[0], &status) && take_selectors(k, &status) &&
             lookup_init(&k->lookup, c, SGL_LIMIT_SURVEY_QUESTIONS, &status)) {
        status = answer(k);
        lookup_done(&k->lookup);
    }
    sgl_buf_done(&k->fetch.body);
    sgl_arena_done(&k->arena);
    sgl_crypto_free(crypto);
    free(k);
    return status;
}

static const struct cli_option check_options[] = {
    {"--selector", "S", "a DKIM selector of the domain (default: well-known ones are tried)", true},
    {"--bimi-selector", "S", "the BIMI selector (default: default)", false},
    {"--no-https", NULL, "do not fetch the MTA-STS policy", false},
    {"--ca", "FILE", "authorities for that fetch, in PEM (default: the system's)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_check = {
    .name = "check",
    .arguments = "DOMAIN",
    .summary = "judges everything that a domain publishes for mail",
    .option = check_options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = check_run,
    .more = "Looks up MX, SPF, DKIM, DMARC, MTA-STS, TLS-RPT, DANE and BIMI, says of each fault\n"
            "what follows from it and which record mends it, gives a mark from A to F, and tells\n"
            "which rules of Google, Yahoo and Microsoft for bulk senders are met.",
    .needs = CLI_DNS,
};
