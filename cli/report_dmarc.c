/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo report dmarc: who sends as our domains. sigillo dmarc take: a report that came another way is handed to the server. */
#include <string.h>

#include "../server/intake/intake.h"
#include "transit_chart.h"
#include "verbs.h"

#define PATH        "/admin/v1/reports/dmarc"
#define PATH_SIZE   2048u
#define FILES_MAX   1000
#define TOP_MAX     1000
#define TOP_DEFAULT "25"
#define DAYS_MAX    "1000" /* of an answer by day: more than are kept */
#define BAR_CELLS   40

/* ---- what is asked of the server ---- */

/* NULL: *status says why. */
static json_t *get(struct cli *c, const char *by, int *status)
{
    const char *top = cli_text(c, "--top");
    struct sgl_buf path = SGL_BUF_INIT(PATH_SIZE);
    json_t *answer = NULL;

    sgl_buf_addf(&path, PATH "?by=%s", by);
    cli_add_query(&path, "max",
                  strcmp(by, "day") == 0 ? DAYS_MAX
                  : top == NULL          ? TOP_DEFAULT
                                         : top);
    cli_add_query(&path, "since", cli_text(c, "--since"));
    cli_add_query(&path, "until", cli_text(c, "--until"));
    cli_add_query(&path, "domain", cli_text(c, "--domain"));
    cli_add_query(&path, "subscription", cli_text(c, "--subscription"));
    if (sgl_cstr(&path) == NULL)
        *status = cli_error(CLI_USAGE, "report dmarc", "the options are too long");
    else
        *status = cli_call(c, "GET", sgl_cstr(&path), NULL, &answer);
    sgl_buf_done(&path);
    return answer;
}

/* ---- for people ---- */

static uint64_t number(const json_t *row, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(row, name));

    return n < 0 ? 0 : (uint64_t)n;
}

static const char *share_of(const json_t *row, const char *part, char out[16])
{
    uint64_t whole = number(row, "messages");

    return whole == 0 ? "" : transit_share(number(row, part), whole, out);
}

static void print_domains(const struct cli *c, const json_t *domains)
{
    const json_t *row;
    char share[16];
    size_t i;

    json_array_foreach(domains, i, row)
    {
        const char *p = cli_member(row, "p", 1);

        fputs(cli_bold(c), stdout);
        cli_put(stdout, cli_member(row, "name", 0));
        printf("%s: p=%s, %s messages on %s days, %s pass", cli_plain(c),
               p[0] == '\0' ? "not told" : p, cli_member(row, "messages", 2),
               cli_member(row, "days", 3), share_of(row, "passed", share));
        if (number(row, "quarantined") + number(row, "rejected") > 0)
            printf("; %s were put aside, %s refused", cli_member(row, "quarantined", 4),
                   cli_member(row, "rejected", 5));
        putchar('\n');
        if (number(row, "unverified") > 0)
            printf("  %s%s messages stand in reports that anybody may have sent: their own mail "
                   "did not pass DMARC%s\n",
                   cli_yellow(c), cli_member(row, "unverified", 6), cli_plain(c));
        if (cli_member(row, "advice", 7)[0] != '\0') {
            fputs("  ", stdout);
            cli_put_folded(stdout, sgl_view_cstr(cli_member(row, "advice", 7)), 2);
        }
    }
}

static void add_shares(struct cli_table *table, const json_t *row)
{
    static const char *const part[] = {"passed", "dkim", "spf"};
    char share[16];

    for (size_t i = 0; i < 3; i++)
        cli_table_add(table, share_of(row, part[i], share));
}

static void print_rows(const struct cli *c, const json_t *rows, const char *by)
{
    static const char *const head[] = {"",          "MESSAGES", "PASS",    "DKIM", "SPF",
                                       "PUT ASIDE", "REFUSED",  "SERVICE", "NAME"};
    bool source = strcmp(by, "source") == 0;
    struct cli_table table;
    const json_t *row;
    const char *title[9];
    char upper[16] = "";
    size_t i;

    memcpy(title, head, sizeof(title));
    for (i = 0; by[i] != '\0' && i < sizeof(upper) - 1; i++)
        upper[i] = (char)(by[i] - 'a' + 'A');
    title[0] = upper;
    cli_table_init(&table, source ? 9 : 7, title);
    json_array_foreach(rows, i, row)
    {
        const char *name = cli_member(row, "name", 0);

        cli_table_add(&table, name[0] == '\0' ? "not told" : name);
        cli_table_add(&table, cli_member(row, "messages", 1));
        add_shares(&table, row);
        cli_table_add(&table, cli_member(row, "quarantined", 2));
        cli_table_add(&table, cli_member(row, "rejected", 3));
        if (source) {
            cli_table_add(&table, cli_member(row, "service", 4));
            cli_table_add(&table, cli_member(row, "reverse_name", 5));
        }
    }
    putchar('\n');
    cli_table_print(c, &table, stdout);
    cli_table_done(&table);
}

/* Below the table, what to do about each source. */
static void print_advice(const struct cli *c, const json_t *rows)
{
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const char *advice = cli_member(row, "advice", 0);

        if (advice[0] == '\0')
            continue;
        printf("\n%s",
               number(row, "passed") * 2 < number(row, "messages") ? cli_red(c) : cli_yellow(c));
        cli_put(stdout, cli_member(row, "name", 1));
        printf("%s\n  ", cli_plain(c));
        cli_put_folded(stdout, sgl_view_cstr(advice), 2);
    }
}

/* A line for each day: how much of it passed, as long as the day is busy. */
static void print_bars(const struct cli *c, const json_t *rows)
{
    uint64_t most = 1;
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) if (number(row, "messages") > most) most =
        number(row, "messages");
    putchar('\n');
    json_array_foreach(rows, i, row)
    {
        uint64_t passed = number(row, "passed"), all = number(row, "messages");
        int good = (int)((double)passed * BAR_CELLS / (double)most + 0.5);
        int bad = (int)((double)(all - passed) * BAR_CELLS / (double)most + 0.5);

        good += good == 0 && passed > 0;
        bad += bad == 0 && all > passed;
        printf("%s  %s%.*s%s%.*s%s\n", cli_member(row, "name", 0), cli_green(c), good,
               "##########################################", cli_red(c), bad,
               "..........................................", cli_plain(c));
    }
    puts("# passed DMARC   . did not");
}

static void print_answer(const struct cli *c, const json_t *answer)
{
    const char *by = json_string_value(json_object_get(answer, "by"));
    const json_t *rows = json_object_get(answer, "rows");

    if (by == NULL || json_array_size(rows) == 0) {
        puts("Nobody has reported about your domains in this time. Receivers do when the DMARC "
             "record of a domain has\nrua=: `sigillo domain records DOMAIN` shows it. `sigillo "
             "dmarc take FILE` hands over reports that came another way.");
        return;
    }
    print_domains(c, json_object_get(answer, "domains"));
    print_rows(c, rows, by);
    if (strcmp(by, "source") == 0)
        print_advice(c, rows);
    if (strcmp(by, "day") == 0 && !cli_flag(c, "--no-chart"))
        print_bars(c, rows);
    if (!json_is_null(json_object_get(answer, "next")))
        puts("\nThere are more; --top shows them.");
}

/* ---- for programs ---- */

static void print_csv(const json_t *answer)
{
    static const char *const column[] = {
        "name",          "messages",    "passed",      "dkim",          "spf",
        "quarantined",   "rejected",    "overridden",  "unverified",    "reverse_name",
        "network",       "service",     "header_from", "envelope_from", "dkim_domain",
        "dkim_selector", "dkim_result", "spf_domain",  "spf_result"};
    size_t columns =
        strcmp(cli_member(answer, "by", 0), "source") == 0 ? sizeof(column) / sizeof(column[0]) : 9;
    sgl_auto(sgl_buf) out = SGL_BUF_INIT((size_t)16 << 20);
    const json_t *row;
    size_t i;

    for (size_t k = 0; k < columns; k++)
        transit_csv_put(&out, sgl_view_cstr(k == 0 ? cli_member(answer, "by", 0) : column[k]),
                        k + 1 == columns ? "\r\n" : ",");
    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        for (size_t k = 0; k < columns; k++)
            transit_csv_put(&out, sgl_view_cstr(cli_member(row, column[k], 0)),
                            k + 1 == columns ? "\r\n" : ",");
    }
    fwrite(out.data, 1, out.len, stdout);
}

/* ---- report dmarc ---- */

static bool is_by(const char *by)
{
    static const char *const known[] = {"source", "network", "domain", "org", "day", "result"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(by, known[i]) == 0)
            return true;
    return false;
}

static int report_dmarc_run(struct cli *c)
{
    const char *by = cli_text(c, "--by"), *top = cli_text(c, "--top");
    int status = CLI_YES;
    json_t *answer;
    uint64_t n;

    by = by == NULL ? "source" : by;
    if (!is_by(by))
        return cli_error(CLI_USAGE, "--by", "one of source, network, domain, org, day, result");
    if (c->json && cli_flag(c, "--csv"))
        return cli_error(CLI_USAGE, "--csv", "either this or --json");
    if (top != NULL && (!sgl_view_u64(sgl_view_cstr(top), TOP_MAX, &n) || n == 0))
        return cli_error(CLI_USAGE, "--top", "a number from 1 to %d", TOP_MAX);
    answer = get(c, by, &status);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    if (cli_flag(c, "--csv"))
        print_csv(answer);
    else
        print_answer(c, answer);
    json_decref(answer);
    return CLI_YES;
}

static const struct cli_option report_dmarc_options[] = {
    {"--domain", "DOMAIN", "only what is about this domain", false},
    {"--since", "TIME",
     "the first day: RFC 3339, or a span before now: 15m, 2h, 3d (default: 30 days with today)",
     false},
    {"--until", "TIME", "the last day, likewise (default: today)", false},
    {"--by", "WHAT", "source (default), network, domain, org, day or result", false},
    {"--top", "N", "so many rows, those with the most messages (default 25)", false},
    {"--subscription", "NAME", "only this tenant's domains", false},
    {"--csv", NULL, "comma-separated values instead of tables", false},
    {"--no-chart", NULL, "no bars below the days", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_report_dmarc = {
    .name = "report dmarc",
    .arguments = "",
    .summary = "tells who sends as your domains, whether it passes, why not, and what to do",
    .option = report_dmarc_options,
    .run = report_dmarc_run,
    .more = "Receivers report what they saw of mail that says it is of your domains. Sources are "
            "named by their address and, where it is known, the service; below the table stands "
            "what to do about each."};

/* ---- dmarc take ---- */

static int take_file(const struct cli *c, const char *path, json_t *all)
{
    sgl_auto(sgl_buf) bytes = SGL_BUF_INIT(INTAKE_MAIL_MAX);
    const char *file = path == NULL || strcmp(path, "-") == 0 ? "standard input" : path;
    json_t *answer = NULL;
    int status;

    if (!cli_read_file(file, path, INTAKE_MAIL_MAX, &bytes))
        return CLI_USAGE;
    status =
        cli_call_bytes(c, "POST", PATH, "application/octet-stream", sgl_buf_view(&bytes), &answer);
    if (status == CLI_YES)
        json_array_append(all, answer);
    json_decref(answer);
    return status;
}

static void print_taken(const json_t *all)
{
    const json_t *one;
    size_t i;

    json_array_foreach(all, i, one)
    {
        cli_put(stdout, cli_member(one, "domain", 0));
        fputs(": ", stdout);
        cli_put(stdout, cli_member(one, "messages", 1));
        fputs(" messages, reported by ", stdout);
        cli_put(stdout, cli_member(one, "organization", 2)[0] == '\0'
                            ? "somebody without a name"
                            : cli_member(one, "organization", 2));
        puts(json_is_true(json_object_get(one, "known")) ? ": this report was there already"
             : json_is_true(json_object_get(one, "partial"))
                 ? ": taken, as far as it goes: it breaks off"
                 : ": taken");
    }
}

static int dmarc_take_run(struct cli *c)
{
    json_t *all = json_array();
    int worst = CLI_YES;

    for (size_t i = 0; i < c->arguments || i == 0; i++) {
        int status = take_file(c, i < c->arguments ? c->argument[i] : NULL, all);

        worst = status > worst ? status : worst;
    }
    if (c->json) {
        (void)cli_print_json(all);
        return worst;
    }
    print_taken(all);
    json_decref(all);
    return worst;
}

const struct cli_verb verb_dmarc_take = {
    .name = "dmarc take",
    .arguments = "[FILE...]",
    .summary = "hands DMARC aggregate reports to the server",
    .arguments_max = FILES_MAX,
    .run = dmarc_take_run,
    .more =
        "FILE is the XML, the same as gzip or zip, or a mail that carries one; without FILE, or "
        "with -, standard input is read.\nThe server keeps each report once, when it is about "
        "a domain of its own; `sigillo report dmarc` shows what they say."};
