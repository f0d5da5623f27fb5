/* SPDX-License-Identifier: Apache-2.0 */
/* What sigillo advise is told. */
#ifndef CLI_ADVISE_ASK_H
#define CLI_ADVISE_ASK_H

#include "advise.h"
#include "cli.h"

/* What the options do not say is asked for, on a terminal. false: said why not, and *status set. */
bool advise_ask(const struct cli *c, struct advise_request *out, int *status);

#endif
