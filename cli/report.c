/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo report usage */
#include <stdlib.h>

#include "noun.h"
#include "verbs.h"

/* Escapes what a query may not hold: cli_path() does it for a segment, which is stricter. */
static char *usage_path(const struct cli *c)
{
    const char *since = cli_text(c, "--since"), *subscription = cli_text(c, "--subscription");
    char *path = cli_path("/admin/v1/usage?since=", since == NULL ? "1d" : since,
                          subscription == NULL ? "" : "&subscription=");
    char *whole;

    if (subscription == NULL)
        return path;
    whole = cli_path(path, subscription, "");
    free(path);
    return whole;
}

static int report_usage_run(struct cli *c)
{
    static const struct cli_column column[] = {
        {"SUBSCRIPTION", "subscription", NULL},
        {"IDENTITY", "identity", NULL},
        {"MESSAGES", "messages", NULL},
        {"RECIPIENTS", "recipients", NULL},
        {"INTERNAL", "internal_recipients", NULL},
        {"EXTERNAL", "external_recipients", NULL},
        {"BYTES", "bytes", NULL},
    };
    char *path = usage_path(c);
    int status = cli_noun_list(c, path, "usage", column, 7);

    free(path);
    return status;
}
static const struct cli_option usage_options[] = {
    {"--since", "TIME", "RFC 3339, or a span before now: 90s, 15m, 2h, 3d (default 1d)", false},
    {"--subscription", "NAME", "only this tenant", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_report_usage = {
    "report usage",
    "",
    "tells who sent how much",
    usage_options,
    0,
    0,
    report_usage_run,
    "Accepted messages are counted, by subscription and identity. INTERNAL recipients are in "
    "domains of the same subscription."};
