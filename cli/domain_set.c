/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo domain set */
#include <string.h>

#include "domain.h"
#include "noun.h"
#include "verbs.h"

static void say_set(struct cli *c, const json_t *answer)
{
    bool verified = strcmp(cli_member(answer, "tls", 0), "verified") == 0;

    (void)c;
    printf(verified ? "mail of %s goes only to servers that prove who they are, from now on\n"
                    : "mail of %s goes as its receivers and the routes ask, from now on\n",
           cli_member(answer, "name", 1));
}

static int set_run(struct cli *c)
{
    const char *tls = cli_text(c, "--tls");

    if (tls == NULL || (strcmp(tls, "verified") != 0 && strcmp(tls, "default") != 0))
        return cli_error(CLI_USAGE, "--tls", "this is verified or default");
    return cli_noun_set(c, DOMAINS "/", json_pack("{s:s}", "tls", tls), say_set);
}

static const struct cli_option set_options[] = {
    {"--tls", "WHAT", "verified: its mail goes only to servers that prove who they are; default",
     false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_domain_set = {
    "domain set", "DOMAIN", "changes what the mail of a domain asks of TLS", set_options, 1, 1,
    set_run,      NULL};
