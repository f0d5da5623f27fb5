/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo serve: the supervisor reads its own options; this row is for the help. */
#include "verbs.h"

static int serve_run(struct cli *c)
{
    return cli_error(CLI_USAGE, c->verb->name, "it is the first word of the command line");
}

static const struct cli_option options[] = {
    {"--config", "FILE", "the configuration (default /etc/sigillo/sigillo.conf)", false},
    {"--check", NULL, "only check the configuration: exit 0 when it is good", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_serve = {
    "serve",
    "",
    "runs the server in the foreground, logging JSON lines on standard error",
    options,
    0,
    0,
    serve_run,
    "  SIGTERM drains and ends it, SIGHUP reads configuration and certificates again."};
