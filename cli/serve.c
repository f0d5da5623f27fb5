/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo serve: the supervisor reads its own options; this row is for the help. */
#include "verbs.h"

static const struct cli_option options[] = {
    {"--config", "FILE", "the configuration (default /etc/sigillo/sigillo.conf)", false},
    {"--check", NULL, "only check the configuration: exit 0 when it is good", false},
    {"--help", NULL, "print this help", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_serve = {
    "serve",
    "",
    "runs the server in the foreground, logging JSON lines on standard error",
    options,
    0,
    0,
    NULL,
    "  SIGTERM drains and ends it, SIGHUP reads configuration and certificates again."};
