/* SPDX-License-Identifier: Apache-2.0 */
/* Failure reports of DMARC [RFC 6591, 9991] for `sigillo dmarc report`: one message that was not authenticated. */
#ifndef CLI_DMARC_FAILURE_H
#define CLI_DMARC_FAILURE_H

#include "cli.h"

/* What the mail says, as an object; NULL: it is no failure report. */
json_t *dmarc_failure_json(sgl_view message);
void dmarc_failure_print(const struct cli *c, const json_t *failure);

#endif
