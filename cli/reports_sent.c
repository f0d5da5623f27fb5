/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo tlsrpt sent, sigillo dmarc sent: the reports that this server has made. */
#include "cli.h"
#include "verbs.h"

#define PAGE         500
#define PATH_MAX_LEN 4096u

/* NULL: *status says why. */
static json_t *get_page(struct cli *c, const char *kind, json_int_t skip, int *status)
{
    struct sgl_buf path = SGL_BUF_INIT(PATH_MAX_LEN);
    json_t *answer = NULL;

    sgl_buf_addf(&path, "/admin/v1/reports/%s/sent?max=%d&skip=%lld", kind, PAGE, (long long)skip);
    cli_add_query(&path, "since", cli_text(c, "--since"));
    cli_add_query(&path, "domain", cli_text(c, "--domain"));
    if (sgl_cstr(&path) == NULL)
        *status = cli_error(CLI_USAGE, "reports", "the options are too long");
    else
        *status = cli_call(c, "GET", sgl_cstr(&path), NULL, &answer);
    sgl_buf_done(&path);
    return answer;
}

/* What is known of it now, for people: "queued as 0123456789abc", "trying: it answered 503". */
static void add_row(struct cli_table *t, const json_t *report)
{
    const char *message = json_string_value(json_object_get(report, "message"));
    const char *detail = cli_member(report, "detail", 0), *state = cli_member(report, "state", 1);
    char what[600];

    if (message != NULL)
        snprintf(what, sizeof(what), "%s as %s", state, message);
    else
        snprintf(what, sizeof(what), "%s%s%s", state, detail[0] != '\0' ? ": " : "", detail);
    cli_table_add(t, cli_member(report, "day", 2));
    cli_table_add(t, cli_member(report, "domain", 3));
    cli_table_add(t, cli_member(report, "to", 4));
    cli_table_add(t, what);
}

static int each_page(struct cli *c, const char *kind, struct cli_table *table, json_t *all)
{
    json_int_t skip = 0;
    int status;

    do {
        json_t *page = get_page(c, kind, skip, &status);
        const json_t *report;
        size_t at;

        if (status != CLI_YES)
            return status;
        json_array_foreach(json_object_get(page, "reports"), at, report)
        {
            json_array_append(all, (json_t *)(uintptr_t)report);
            if (!c->json)
                add_row(table, report);
        }
        skip = json_integer_value(json_object_get(page, "next"));
        json_decref(page);
    } while (skip != 0);
    return CLI_YES;
}

static int sent_run(struct cli *c, const char *kind)
{
    static const char *const head[] = {"DAY", "DOMAIN", "TO", "STATE"};
    struct cli_table table;
    json_t *all = json_array();
    int status;

    cli_table_init(&table, 4, head);
    status = each_page(c, kind, &table, all);
    if (status == CLI_YES && c->json) {
        json_incref(all);
        status = cli_print_json(json_pack("{s:o}", "reports", all));
    } else if (status == CLI_YES) {
        cli_table_print(c, &table, stdout);
    }
    json_decref(all);
    cli_table_done(&table);
    return status;
}

static int tls_run(struct cli *c)
{
    return sent_run(c, "tls");
}

static int dmarc_run(struct cli *c)
{
    return sent_run(c, "dmarc");
}

static const struct cli_option sent_options[] = {
    {"--since", "TIME",
     "days from then on: RFC 3339, or a span before now: 15m, 2h, 3d (default 30d)", false},
    {"--domain", "NAME", "only reports to this domain", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_tlsrpt_sent = {
    "tlsrpt sent",
    "",
    "tells which reports about TLS were made, and what came of them",
    sent_options,
    0,
    0,
    tls_run,
    "The newest day first. A report is made when its day is over, if tls_reports.from of the "
    "configuration is set and the domain asks for one; they are remembered for 30 days. "
    "`sigillo trace` tells more of one that is mail."};
const struct cli_verb verb_dmarc_sent = {
    "dmarc sent",
    "",
    "tells which DMARC reports were made, and what came of them",
    sent_options,
    0,
    0,
    dmarc_run,
    "The newest day first. A report is made when its day is over, if dmarc_reports.from of the "
    "configuration is set and the domain asks for one; they are remembered for 30 days. "
    "`sigillo trace` tells more of each."};
