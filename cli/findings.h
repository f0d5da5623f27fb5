/* SPDX-License-Identifier: Apache-2.0 */
/* Findings of the linters, for people and for scripts. */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

#include "cli.h"
#include "sigillo/finding.h"

/* A JSON string; bytes that are not printable ASCII are escaped. NULL when memory ends. */
json_t *findings_string(sgl_view text);
/* [{"code","severity","text","mend","rule"}], in their order; NULL when memory ends. */
json_t *findings_json(const struct sgl_findings *list);
/* Errors first, then warnings, then the rest, folded to 80 columns; what mends it stands below, records on one line to copy. */
void findings_print(const struct cli *c, FILE *to, const struct sgl_findings *list);
/* What a line about a finding begins with on a terminal; cli_plain() ends it. */
const char *findings_colour(const struct cli *c, enum sgl_severity severity);
/* One line each, for standard error: "sigillo: warning: TEXT (help: MEND)". */
void findings_warn(const struct sgl_findings *list);

#endif
