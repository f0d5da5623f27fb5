/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo report tls: what others have reported about TLS with our servers. sigillo tlsrpt take: a report that came another way is handed to the server. */
#include <inttypes.h>
#include <string.h>

#include "../server/intake/intake.h"
#include "tls_advice.h"
#include "verbs.h"

#define PATH      "/admin/v1/reports/tls/received"
#define PATH_MAX_ 2048u
#define FILES_MAX 1000

/* ---- report tls ---- */

static void print_list(const struct cli *c, const json_t *list, const char *const head[3],
                       const char *const name[3])
{
    struct cli_table table;
    const json_t *row;
    size_t i;

    if (json_array_size(list) == 0)
        return;
    cli_table_init(&table, 3, head);
    json_array_foreach(list, i, row)
    {
        for (unsigned k = 0; k < 3; k++) {
            const char *cell = cli_member(row, name[k], k);

            cli_table_add(&table, cell[0] == '\0' ? "not told" : cell);
        }
    }
    putchar('\n');
    cli_table_print(c, &table, stdout);
    cli_table_done(&table);
}

static void print_failure(const struct cli *c, const json_t *failure)
{
    const char *result = cli_member(failure, "result", 0), *mx = cli_member(failure, "mx", 1);

    printf("%s%s sessions: ", cli_red(c), cli_member(failure, "failed_sessions", 2));
    cli_put(stdout, result[0] == '\0' ? "a failure without a name" : result);
    fputs(cli_plain(c), stdout);
    if (mx[0] != '\0') {
        fputs(" at ", stdout);
        cli_put(stdout, mx);
    }
    putchar('\n');
    if (tls_advice(sgl_view_cstr(result))[0] != '\0')
        printf("  %s\n", tls_advice(sgl_view_cstr(result)));
}

static void print_domain(const struct cli *c, const json_t *about)
{
    static const char *const sender_head[] = {"SENDER", "SESSIONS THAT WENT WELL", "FAILED"},
                             *const policy_head[] = {"POLICY", "SESSIONS THAT WENT WELL", "FAILED"},
                             *const sender[] = {"organization", "successful_sessions",
                                                "failed_sessions"},
                             *const policy[] = {"type", "successful_sessions", "failed_sessions"};
    const json_t *failures = json_object_get(about, "failures"), *failure;
    size_t i;

    fputs(cli_bold(c), stdout);
    cli_put(stdout, cli_member(about, "domain", 0));
    printf("%s: %s reports, %s sessions went well, %s failed\n", cli_plain(c),
           cli_member(about, "reports", 1), cli_member(about, "successful_sessions", 2),
           cli_member(about, "failed_sessions", 3));
    print_list(c, json_object_get(about, "senders"), sender_head, sender);
    print_list(c, json_object_get(about, "policies"), policy_head, policy);
    if (json_array_size(failures) > 0)
        putchar('\n');
    json_array_foreach(failures, i, failure) print_failure(c, failure);
}

static void print_answer(const struct cli *c, const json_t *answer)
{
    const json_t *domains = json_object_get(answer, "domains"), *about;
    size_t i;

    if (json_array_size(domains) == 0)
        puts("Nobody has sent a report about TLS since then. Senders do when a domain publishes a "
             "TLS-RPT record:\n`sigillo domain records DOMAIN` shows it.");
    json_array_foreach(domains, i, about)
    {
        if (i > 0)
            putchar('\n');
        print_domain(c, about);
    }
    if (json_is_true(json_object_get(answer, "more")))
        puts("\nOlder reports are not counted: there are too many for one answer. Ask for one "
             "--domain.");
}

static int report_tls_run(struct cli *c)
{
    struct sgl_buf path = SGL_BUF_INIT(PATH_MAX_);
    json_t *answer = NULL;
    int status;

    sgl_buf_add_cstr(&path, PATH);
    cli_add_query(&path, "since", cli_text(c, "--since"));
    cli_add_query(&path, "domain", cli_text(c, "--domain"));
    cli_add_query(&path, "subscription", cli_text(c, "--subscription"));
    status = sgl_cstr(&path) == NULL
                 ? cli_error(CLI_USAGE, "report tls", "the options are too long")
                 : cli_call(c, "GET", sgl_cstr(&path), NULL, &answer);
    sgl_buf_done(&path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    print_answer(c, answer);
    json_decref(answer);
    return CLI_YES;
}

static const struct cli_option report_tls_options[] = {
    {"--since", "TIME", "RFC 3339, or a span before now: 2h, 3d (default 30d)", false},
    {"--domain", "DOMAIN", "only what is about this domain", false},
    {"--subscription", "NAME", "only this tenant's domains", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_report_tls = {
    .name = "report tls",
    .arguments = "",
    .summary = "tells what others reported about TLS with your mail servers",
    .option = report_tls_options,
    .run = report_tls_run,
    .more =
        "Reports come by POST to /tls-reports, where the configuration has tls_reports { "
        "receive = true }, or by hand with\n`sigillo tlsrpt take`. They are summed up by domain; "
        "below each failure stands what mends it."};

/* ---- tlsrpt take ---- */

static int take_file(const struct cli *c, const char *path, json_t *all)
{
    sgl_auto(sgl_buf) bytes = SGL_BUF_INIT(INTAKE_PACKED_MAX);
    const char *file = path == NULL || strcmp(path, "-") == 0 ? "standard input" : path;
    json_t *answer = NULL;
    int status;

    if (!cli_read_file(file, path, INTAKE_PACKED_MAX, &bytes))
        return CLI_USAGE;
    status =
        cli_call_bytes(c, "POST", PATH, "application/octet-stream", sgl_buf_view(&bytes), &answer);
    if (status == CLI_YES)
        json_array_extend(all, json_object_get(answer, "kept"));
    json_decref(answer);
    return status;
}

static void print_kept(const json_t *all)
{
    const json_t *one;
    size_t i;

    json_array_foreach(all, i, one)
    {
        cli_put(stdout, cli_member(one, "domain", 0));
        puts(json_is_true(json_object_get(one, "known")) ? ": this report was there already"
                                                         : ": taken");
    }
}

static int tlsrpt_take_run(struct cli *c)
{
    json_t *all = json_array();
    int worst = CLI_YES;

    for (size_t i = 0; i < c->arguments || i == 0; i++) {
        int status = take_file(c, i < c->arguments ? c->argument[i] : NULL, all);

        if (status > worst)
            worst = status;
    }
    if (c->json) {
        (void)cli_print_json(all);
        return worst;
    }
    print_kept(all);
    json_decref(all);
    return worst;
}

const struct cli_verb verb_tlsrpt_take = {
    .name = "tlsrpt take",
    .arguments = "[FILE...]",
    .summary = "hands reports about TLS to the server",
    .arguments_max = FILES_MAX,
    .run = tlsrpt_take_run,
    .more =
        "FILE is the JSON, the same as gzip, or a mail that carries one; without FILE, or with "
        "-, standard input is read.\nThe server keeps each report once, for those domains in it "
        "that are its own; `sigillo report tls` shows them."};
