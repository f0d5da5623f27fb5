/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs "spf tree" and "spf build" share. */
#ifndef CLI_SPF_H
#define CLI_SPF_H

#include "cli.h"
#include "sigillo/dns_name.h"

#define SPF_ARENA     (16u * 1024 * 1024)
#define SPF_QUESTIONS 2048 /* of a hostile tree: 100 lookups of an "mx" with 10 exchanges */

/* A name from the command line, in any script; `what` is the option or argument that it came from. false: said so. */
bool spf_name(const char *what, const char *text, struct sgl_arena *arena, struct sgl_name *out);

#endif
