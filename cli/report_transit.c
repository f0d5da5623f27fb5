/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo report transit */
#include "report_transit.h"

#include <string.h>

#include "verbs.h"

#define PATH_MAX_LEN  2048u
#define TOP_MAX       1000
#define TOP_DEFAULT   "25"
#define DAYS_MAX      "1000" /* of an answer: more than are kept */
#define LINES_MAX     31     /* of a chart on a terminal */
#define BARS_MAX      92     /* of a picture */
#define PICTURE_BYTES ((size_t)1 << 20)

static const char *const sums[TRANSIT_SUMS] = {
    "", "day", "domain", "sender", "subscription", "mechanism", "version", "cause"};

/* ---- what is asked of the server ---- */

/* NULL: *status says why. */
static json_t *get(struct cli *c, enum transit_sums by, int *status)
{
    bool days = by <= TRANSIT_DAYS || by > TRANSIT_SUBSCRIPTIONS;
    const char *top = cli_text(c, "--top");
    struct sgl_buf path = SGL_BUF_INIT(PATH_MAX_LEN);
    json_t *answer = NULL;

    sgl_buf_addf(&path, "/admin/v1/reports/transit?by=%s", days ? "day" : sums[by]);
    cli_add_query(&path, "max", days ? DAYS_MAX : top == NULL ? TOP_DEFAULT : top);
    cli_add_query(&path, "since", cli_text(c, "--since"));
    cli_add_query(&path, "until", cli_text(c, "--until"));
    cli_add_query(&path, "subscription", cli_text(c, "--subscription"));
    if (sgl_cstr(&path) == NULL)
        *status = cli_error(CLI_USAGE, "report transit", "the options are too long");
    else
        *status = cli_call(c, "GET", sgl_cstr(&path), NULL, &answer);
    sgl_buf_done(&path);
    return answer;
}

/* ---- parts of the total as rows ---- */

static void add_total(json_t *rows, const char *name, const json_t *value)
{
    json_t *row = json_pack("{s:s}", "name", name);

    if (json_is_object(value))
        json_object_update(row, (json_t *)(uintptr_t)value);
    else
        json_object_set(row, "delivered", (json_t *)(uintptr_t)value);
    json_array_append_new(rows, row);
}

json_t *transit_total_rows(const json_t *total, enum transit_sums by)
{
    const char *member = by == TRANSIT_BY_MECHANISM ? "mechanisms"
                         : by == TRANSIT_BY_VERSION ? "versions"
                                                    : "causes";
    json_t *rows = json_array(), *value;
    const char *name;

    json_object_foreach(json_object_get(total, member), name, value)
    {
        add_total(rows, name, value);
    }
    return rows;
}

static void put_rows(json_t *answer, enum transit_sums by)
{
    if (by <= TRANSIT_SUBSCRIPTIONS)
        return;
    json_object_set_new(answer, "by", json_string(sums[by]));
    json_object_set_new(answer, "rows", transit_total_rows(json_object_get(answer, "total"), by));
}

/* ---- the picture ---- */

static int write_file(const char *path, const struct sgl_buf *picture)
{
    FILE *to = fopen(path, "w");
    bool written;

    if (to == NULL)
        return cli_error(CLI_USAGE, "--chart", "%s cannot be written: %m", path);
    written = fwrite(picture->data, 1, picture->len, to) == picture->len;
    if (fclose(to) != 0 || !written)
        return cli_error(CLI_UNKNOWN, "--chart", "%s cannot be written: %m", path);
    return CLI_YES;
}

static int draw(const struct cli *c, const json_t *days)
{
    const char *path = cli_text(c, "--chart"), *whose = cli_text(c, "--subscription");
    struct sgl_buf picture = SGL_BUF_INIT(PICTURE_BYTES);
    struct transit_chart chart;
    int status;

    if (!transit_chart_init(&chart, days, BARS_MAX, false))
        return cli_error(CLI_UNKNOWN, "--chart", "the answer of the server has no days");
    transit_svg(&picture, &chart, sgl_view_cstr(whose));
    status = picture.status == SGL_OK
                 ? write_file(path, &picture)
                 : cli_error(CLI_UNKNOWN, "--chart", "there is no memory left for the picture");
    transit_chart_done(&chart);
    sgl_buf_done(&picture);
    return status;
}

/* ---- the verb ---- */

static bool take_by(const struct cli *c, enum transit_sums *by)
{
    const char *text = cli_text(c, "--by");

    *by = TRANSIT_OVERVIEW;
    for (size_t i = TRANSIT_DAYS; text != NULL && i < TRANSIT_SUMS; i++)
        if (strcmp(text, sums[i]) == 0)
            *by = (enum transit_sums)i;
    return text == NULL || *by != TRANSIT_OVERVIEW;
}

static int check_options(const struct cli *c, enum transit_sums *by)
{
    const char *top = cli_text(c, "--top"), *chart = cli_text(c, "--chart");
    uint64_t n;

    if (!take_by(c, by))
        return cli_error(CLI_USAGE, "--by",
                         "one of day, domain, sender, subscription, mechanism, version, cause");
    if (c->json && cli_flag(c, "--csv"))
        return cli_error(CLI_USAGE, "--csv", "either this or --json");
    if (top != NULL && (!sgl_view_u64(sgl_view_cstr(top), TOP_MAX, &n) || n == 0))
        return cli_error(CLI_USAGE, "--top", "a number from 1 to %d", TOP_MAX);
    if (chart != NULL && (chart[0] == '\0' || strcmp(chart, "-") == 0))
        return cli_error(CLI_USAGE, "--chart", "the name of a file is wanted");
    return CLI_YES;
}

static int show(struct cli *c, json_t *answer, const json_t *days, enum transit_sums by)
{
    struct transit_chart chart;
    bool drawn = !c->json && !cli_flag(c, "--csv") && !cli_flag(c, "--no-chart") &&
                 by <= TRANSIT_DAYS && transit_chart_init(&chart, days, LINES_MAX, true);

    put_rows(answer, by);
    if (c->json)
        return cli_print_json(json_incref(answer));
    if (cli_flag(c, "--csv"))
        transit_print_csv(answer, by);
    else
        transit_print(c, answer, by, drawn ? &chart : NULL);
    if (drawn)
        transit_chart_done(&chart);
    return CLI_YES;
}

static int report_transit_run(struct cli *c)
{
    enum transit_sums by;
    int status = check_options(c, &by);
    json_t *answer, *days;

    if (status != CLI_YES)
        return status;
    answer = get(c, by, &status);
    if (status != CLI_YES)
        return status;
    days = by >= TRANSIT_DOMAINS && by <= TRANSIT_SUBSCRIPTIONS && cli_text(c, "--chart") != NULL
               ? get(c, TRANSIT_DAYS, &status)
               : json_deep_copy(answer);
    if (status == CLI_YES && cli_text(c, "--chart") != NULL)
        status = draw(c, days);
    if (status == CLI_YES)
        status = show(c, answer, days, by);
    json_decref(answer);
    json_decref(days);
    return status;
}

static const struct cli_option transit_options[] = {
    {"--since", "TIME",
     "the first day: RFC 3339, or a span before now: 15m, 2h, 3d (default: 30 days with today)",
     false},
    {"--until", "TIME", "the last day, likewise (default: today)", false},
    {"--by", "WHAT", "day, domain, sender, subscription, mechanism, version or cause", false},
    {"--top", "N", "so many domains, senders or subscriptions, the busiest (default 25)", false},
    {"--subscription", "NAME", "only what is of this tenant", false},
    {"--csv", NULL, "comma-separated values instead of tables", false},
    {"--chart", "FILE", "also draw the days into this file, as SVG", false},
    {"--no-chart", NULL, "no bars on the terminal", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_report_transit = {
    "report transit",
    "",
    "tells how mail went over the wire, and who could be stricter",
    transit_options,
    0,
    0,
    report_transit_run,
    "Recipients that were delivered to are counted by what the connection proved: DANE, MTA-STS, "
    "verified TLS (a route, the message or its domain asked for it), opportunistic TLS, plaintext. "
    "What TLS failed at is counted by attempt. Days are of UTC."};
