/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs of domains share. */
#ifndef CLI_DOMAIN_H
#define CLI_DOMAIN_H

#include "cli.h"

#define DOMAINS "/admin/v1/domains"

/* Each record as host, type and value, one under the other: three fields to copy, and what is known of it. */
void domain_print_records(const struct cli *c, const json_t *records);

/* What a domain that may send is used for: commands, below cli_next_head(). */
void domain_next(const char *name);

#endif
