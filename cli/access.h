/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a verb is about: --app or --identity. */
#ifndef CLI_ACCESS_H
#define CLI_ACCESS_H

#include "cli.h"

#define CLI_IDENTITY_OPTIONS                                                                       \
    {"--app", "ID", "the application of this name or client id; * for all of them", false},        \
    {                                                                                              \
        "--identity", "NAME", "credential:NAME, key:ID, app:ID, account:ADDRESS, local:uid=N",     \
            false                                                                                  \
    }

#define CLI_IDENTITY_MAX 256
/* "app:ID", or what --identity gives; empty when neither is there. false: both are, or it is too long, and that has been said. */
bool cli_identity(const struct cli *c, char out[CLI_IDENTITY_MAX]);

#endif
