/* SPDX-License-Identifier: Apache-2.0 */
/* Domain names from the command line, in any script. */
#ifndef CLI_NAME_H
#define CLI_NAME_H

#include "cli.h"
#include "sigillo/dns_name.h"

/* As A-labels, in the arena; a final dot may stand there. flags: of sgl_name_parse(). diag may be NULL. */
bool name_parse(sgl_view text, unsigned flags, struct sgl_arena *arena, struct sgl_diag *diag,
                struct sgl_name *out);

#endif
