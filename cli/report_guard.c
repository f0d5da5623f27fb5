/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo report guard */
#include "cli.h"
#include "verbs.h"

#define PATH_MAX_LEN 2048u
#define TEXT_INDENT  4

/* NULL: *status says why. */
static json_t *get(struct cli *c, int *status)
{
    struct sgl_buf path = SGL_BUF_INIT(PATH_MAX_LEN);
    json_t *answer = NULL;

    sgl_buf_add_cstr(&path, "/admin/v1/guard");
    cli_add_query(&path, "domain", cli_text(c, "--domain"));
    cli_add_query(&path, "subscription", cli_text(c, "--subscription"));
    if (sgl_cstr(&path) == NULL)
        *status = cli_error(CLI_USAGE, "report guard", "the options are too long");
    else
        *status = cli_call(c, "GET", sgl_cstr(&path), NULL, &answer);
    sgl_buf_done(&path);
    return answer;
}

/* ---- for people ---- */

/* "0.12 %"; "" where nobody complained. */
static const char *share(const json_t *count, char *out, size_t size)
{
    json_int_t messages = json_integer_value(json_object_get(count, "messages"));
    json_int_t complaints = json_integer_value(json_object_get(count, "complaints"));

    if (messages <= 0 || complaints <= 0)
        snprintf(out, size, "%s", "");
    else
        snprintf(out, size, "%.2f %%", (double)complaints * 100.0 / (double)messages);
    return out;
}

static void print_counts(const struct cli *c, const json_t *domains)
{
    static const char *const head[] = {"DOMAIN", "COUNTED AS", "RECEIVER", "MESSAGES",
                                       "OF",     "COMPLAINTS", "SHARE"};
    const json_t *domain, *count;
    struct cli_table t;
    size_t at, n;
    char text[32];

    cli_table_init(&t, 7, head);
    json_array_foreach(domains, at, domain)
    {
        json_array_foreach(json_object_get(domain, "receivers"), n, count)
        {
            cli_table_add(&t, cli_member(domain, "domain", 0));
            cli_table_add(&t, cli_member(domain, "organisation", 1));
            cli_table_add(&t, cli_member(count, "receiver", 2));
            cli_table_add(&t, cli_member(count, "messages", 3));
            cli_table_add(&t, cli_member(count, "limit", 4));
            cli_table_add(&t, cli_member(count, "complaints", 5));
            cli_table_add(&t, share(count, text, sizeof(text)));
        }
    }
    cli_table_print(c, &t, stdout);
    cli_table_done(&t);
}

static void print_cause(const struct cli *c, const json_t *domain, const json_t *cause)
{
    const char *receiver = cli_member(cause, "receiver", 2);

    printf("\n%s", cli_bold(c));
    cli_put(stdout, cli_member(domain, "domain", 0));
    printf(": ");
    cli_put(stdout, cli_member(cause, "cause", 1));
    printf("%s%s", cli_plain(c), receiver[0] == '\0' ? "" : " at ");
    cli_put(stdout, receiver);
    printf(", since ");
    cli_put(stdout, cli_time(cause, "since", 3));
    printf(", last ");
    cli_put(stdout, cli_time(cause, "last", 4));
    printf("%s\n%*s", json_is_true(json_object_get(cause, "stopped")) ? ", mail was refused" : "",
           TEXT_INDENT, "");
    cli_put_folded(stdout, sgl_view_cstr(cli_member(cause, "text", 5)), TEXT_INDENT);
}

static void print_causes(const struct cli *c, const json_t *domains)
{
    const json_t *domain, *cause;
    size_t at, n, causes = 0;

    json_array_foreach(domains, at, domain)
    {
        json_array_foreach(json_object_get(domain, "causes"), n, cause)
        {
            print_cause(c, domain, cause);
            causes++;
        }
    }
    if (causes == 0)
        printf("\nNo rule of a receiver is broken.\n");
}

static int report_guard_run(struct cli *c)
{
    int status;
    json_t *answer = get(c, &status);
    const json_t *domains = json_object_get(answer, "domains");
    const char *action = cli_member(json_object_get(answer, "settings"), "action", 0);

    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    if (json_array_size(domains) == 0)
        puts("Nothing was counted in the last day.");
    else {
        print_counts(c, domains);
        print_causes(c, domains);
    }
    if (action[0] == 'o')
        puts("The guard is off (guard.action of the configuration).");
    json_decref(answer);
    return CLI_YES;
}

static const struct cli_option guard_options[] = {
    {"--domain", "NAME", "only this domain", false},
    {"--subscription", "NAME", "only what is of this tenant", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_report_guard = {
    "report guard",
    "",
    "tells how near bulk mail is to what large receivers refuse",
    guard_options,
    0,
    0,
    report_guard_run,
    "Copies of the last 24 hours, by domain and receiver, and the rules that are broken: since "
    "when, and what to do. All domains of an organisation are counted together."};
