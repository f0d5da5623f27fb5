/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo report reputation, sigillo reputation forget */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "verbs.h"

#define PATH_MAX_LEN 2048u

static const char *const members[] = {
    "name",       "score", "advice", "good", "failed", "junk", "unknown_recipients",
    "complaints", "traps", "last"};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

/* NULL: *status says why. */
static json_t *get(struct cli *c, int *status)
{
    struct sgl_buf path = SGL_BUF_INIT(PATH_MAX_LEN);
    json_t *answer = NULL;

    sgl_buf_add_cstr(&path, "/admin/v1/reports/reputation");
    cli_add_query(&path, "by", cli_text(c, "--by"));
    cli_add_query(&path, "top", cli_text(c, "--top"));
    cli_add_query(&path, "name", c->arguments > 0 ? c->argument[0] : NULL);
    if (sgl_cstr(&path) == NULL)
        *status = cli_error(CLI_USAGE, "report reputation", "the options are too long");
    else
        *status = cli_call(c, "GET", sgl_cstr(&path), NULL, &answer);
    sgl_buf_done(&path);
    return answer;
}

/* A count to a tenth, without one where it is whole. */
static const char *cell(const json_t *row, const char *name, char out[64])
{
    const json_t *value = json_object_get(row, name);

    if (json_is_real(value))
        snprintf(out, 64, "%.4g", json_real_value(value));
    else
        snprintf(out, 64, "%s",
                 strcmp(name, "last") == 0 ? cli_time(row, name, 0) : cli_member(row, name, 0));
    return out;
}

static void print_table(const struct cli *c, const json_t *rows)
{
    static const char *const head[MEMBERS] = {"WHO",    "SCORE", "ADVICE",       "GOOD",
                                              "FAILED", "JUNK",  "UNKNOWN RCPT", "COMPLAINTS",
                                              "TRAPS",  "LAST"};
    struct cli_table t;
    const json_t *row;
    char text[64];
    size_t at;

    cli_table_init(&t, MEMBERS, head);
    json_array_foreach(rows, at, row)
    {
        cli_table_add(&t, cli_member(row, "name", 1));
        for (size_t i = 1; i < MEMBERS; i++)
            cli_table_add(&t, cell(row, members[i], text));
    }
    cli_table_print(c, &t, stdout);
    cli_table_done(&t);
}

/* Names are addresses and domains without blanks, commas and quotes. [RFC 4180] */
static void print_csv(const json_t *rows)
{
    const json_t *row;
    char text[64];
    size_t at;

    for (size_t i = 0; i < MEMBERS; i++)
        printf("%s%s", members[i], i + 1 < MEMBERS ? "," : "\r\n");
    json_array_foreach(rows, at, row)
    {
        bool plain = strpbrk(cli_member(row, "name", 1), ",\"") == NULL;

        cli_put(stdout, plain ? cli_member(row, "name", 1) : "?");
        for (size_t i = 1; i < MEMBERS; i++)
            printf(",%s",
                   i + 1 < MEMBERS ? cell(row, members[i], text) : cli_member(row, members[i], 2));
        fputs("\r\n", stdout);
    }
}

static int report_reputation_run(struct cli *c)
{
    int status;
    json_t *answer, *rows;

    if (cli_flag(c, "--csv") && c->json)
        return cli_error(CLI_USAGE, "--csv", "either this or --json");
    answer = get(c, &status);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    rows = json_object_get(answer, "rows");
    if (cli_flag(c, "--csv"))
        print_csv(rows);
    else if (json_array_size(rows) == 0)
        puts("Nothing was seen yet.");
    else
        print_table(c, rows);
    json_decref(answer);
    return CLI_YES;
}

static const struct cli_option report_options[] = {
    {"--by", "WHAT", "address, network or domain (default address)", false},
    {"--top", "N", "so many, the worst first (default 25)", false},
    {"--csv", NULL, "comma-separated values instead of a table", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_report_reputation = {
    "report reputation",
    "[NAME]",
    "tells who sends to this server, and how well they behave",
    report_options,
    0,
    1,
    report_reputation_run,
    "What was seen of those who send to this server, the worst first, with the score that follows "
    "(0 to 100; 50: nothing is known) and what they meet now. Counts fade with time. NAME is an "
    "address, a network (/24, of IPv6 /48) or a domain: then only this one."};

/* ---- forgetting ---- */

static int forget_run(struct cli *c)
{
    char *path = cli_path("/admin/v1/reputation/", c->argument[0], "");
    json_t *answer = NULL;
    int status = cli_call(c, "DELETE", path, NULL, &answer);

    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    printf("forgotten: ");
    cli_put(stdout, cli_member(answer, "forgotten", 0));
    putchar('\n');
    json_decref(answer);
    return CLI_YES;
}

static const struct cli_option no_options[] = {{NULL, NULL, NULL, false}};
const struct cli_verb verb_reputation_forget = {
    "reputation forget",
    "NAME",
    "forgets what was seen of an address, a network or a domain",
    no_options,
    1,
    1,
    forget_run,
    "From then on it is as if it had never been seen. What it does next counts again."};
