/* SPDX-License-Identifier: Apache-2.0 */
/* A whole verdict as JSON and as text: the two faces of sigillo verify. */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include "cli.h"
#include "sigillo/verdict.h"

/* One document: spf, dkim, arc, dmarc, authentication_results. NULL: memory ended. */
json_t *verify_json(const struct sgl_verdict *verdict);
/* A paragraph for each part, then the field. */
void verify_put(const struct cli *c, const struct sgl_verdict *verdict);

/* "  selector s1  rsa-sha256": what a signature says of its key, each at most `shown` bytes. */
void verify_put_key(const struct sgl_dkim_verdict *v, size_t shown);

#endif
