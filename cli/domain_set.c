/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo domain set */
#include <string.h>

#include "domain.h"
#include "noun.h"
#include "verbs.h"

static void say_set(struct cli *c, const json_t *answer)
{
    const char *name = cli_member(answer, "name", 0);
    bool verified = strcmp(cli_member(answer, "tls", 1), "verified") == 0;

    if (cli_text(c, "--tls") != NULL)
        printf(verified ? "mail of %s goes only to servers that prove who they are, from now on\n"
                        : "mail of %s goes as its receivers and the routes ask, from now on\n",
               name);
    if (cli_text(c, "--incoming") != NULL)
        printf("mail to %s that DMARC fails: %s\n", name, cli_member(answer, "incoming", 2));
    if (cli_text(c, "--bounces") != NULL)
        printf(
            strcmp(cli_member(answer, "bounces", 3), "plain") == 0
                ? "bounces of %s go where its senders say, from now on\n"
                : "bounces of %s come back for each recipient, once its return path is verified\n",
            name);
}

static bool is_incoming(const char *word)
{
    return strcmp(word, "follow") == 0 || strcmp(word, "quarantine") == 0 ||
           strcmp(word, "mark") == 0 || strcmp(word, "default") == 0;
}

static int set_run(struct cli *c)
{
    const char *tls = cli_text(c, "--tls"), *incoming = cli_text(c, "--incoming"),
               *bounces = cli_text(c, "--bounces");

    if (tls == NULL && incoming == NULL && bounces == NULL)
        return cli_error(CLI_USAGE, "--tls",
                         "what is to be changed?  --tls, --incoming or --bounces");
    if (tls != NULL && strcmp(tls, "verified") != 0 && strcmp(tls, "default") != 0)
        return cli_error(CLI_USAGE, "--tls", "this is verified or default");
    if (incoming != NULL && !is_incoming(incoming))
        return cli_error(CLI_USAGE, "--incoming", "this is follow, quarantine, mark or default");
    if (bounces != NULL && strcmp(bounces, "verp") != 0 && strcmp(bounces, "plain") != 0)
        return cli_error(CLI_USAGE, "--bounces", "this is verp or plain");
    return cli_noun_set(
        c, DOMAINS "/",
        json_pack("{s:s*, s:s*, s:s*}", "tls", tls, "incoming", incoming, "bounces", bounces),
        say_set);
}

static const struct cli_option set_options[] = {
    {"--tls", "WHAT", "verified: its mail goes only to servers that prove who they are; default",
     false},
    {"--incoming", "WHAT",
     "what is done with mail to it that DMARC fails: follow, quarantine, mark; default", false},
    {"--bounces", "WHAT",
     "verp: a return path of its own for each recipient (default); plain: what the sender says",
     false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_domain_set = {
    "domain set",
    "DOMAIN",
    "changes what the mail of a domain asks of TLS, how mail to it is judged, where bounces go",
    set_options,
    1,
    1,
    set_run,
    NULL};
