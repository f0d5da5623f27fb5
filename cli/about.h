/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody is told who gets a login: where it connects, as whom it sends, how much, and how to try it. */
#ifndef CLI_ABOUT_H
#define CLI_ABOUT_H

#include "cli.h"

struct cli_about {
    const char *identity;     /* "account:app1@example.org" */
    const char *user;         /* its user name for SMTP; NULL: it sends by HTTP */
    const char *client;       /* of an application that has a secret: its client id */
    const char *subscription; /* NULL: the one of --subscription, or "default" */
    const char *profile;      /* its own; NULL or "": none */
    const json_t *domains;    /* a list of names; NULL: it has senders from the start */
    bool high_volume;         /* all of this kind are counted together, too */
};

/* Lines "server", "sends as", "limits". What cannot be asked has been said on standard error, and is left out. */
void cli_about_print(struct cli *c, const struct cli_about *about);
/* An address that it may send as, for examples: "app1@example.org". */
void cli_about_from(const struct cli_about *about, char *out, size_t size);
/* The command that sends a first message with this login; false: no door takes it. */
bool cli_about_try(struct cli *c, const struct cli_about *about);

#endif
