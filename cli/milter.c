/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo milter: the mail filter runs until it is told to end. */
#include "../milter/milter.h"

#include "verbs.h"

#define CONFIG_DEFAULT "/etc/sigillo/milter.conf"

static int milter_verb(struct cli *c)
{
    const char *path = cli_text(c, "--config") != NULL ? cli_text(c, "--config") : CONFIG_DEFAULT;
    char why[800] = "";
    int status;

    if (cli_flag(c, "--check")) {
        if (!milter_check(path, why, sizeof why))
            return cli_error(CLI_USAGE, "--config", "%s", why);
        printf("%s is good\n", path);
        return CLI_YES;
    }
    status = milter_run(path, why, sizeof why);
    return why[0] == '\0' ? status : cli_error(status, "--config", "%s", why);
}

static const struct cli_option options[] = {
    {"--config", "FILE", "the configuration (default " CONFIG_DEFAULT ")", false},
    {"--check", NULL, "only check it, its tables and keys: exit 0 when all is good", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_milter = {
    .name = "milter",
    .arguments = "",
    .summary = "signs and judges mail for Postfix, as a mail filter",
    .option = options,
    .run = milter_verb,
    .more = "Runs in the foreground, logging JSON lines on standard error. In Postfix's main.cf:\n"
            "\n"
            "  smtpd_milters = inet:127.0.0.1:8891\n"
            "  non_smtpd_milters = inet:127.0.0.1:8891\n"
            "  milter_default_action = tempfail\n"
            "\n"
            "SIGHUP reads configuration, tables and keys again; SIGTERM lets sessions end first.",
    .needs = CLI_OFFLINE,
};
