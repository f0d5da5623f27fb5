/* SPDX-License-Identifier: Apache-2.0 */
/* What comes next: after each step the program says which commands continue, each alone on its line, ready to be copied. */
#ifndef CLI_NEXT_H
#define CLI_NEXT_H

#include "cli.h"

/* An empty line and "Next:". */
void cli_next_head(const struct cli *c);
/* One command, and below it what it is for. */
void cli_next(const char *why, const char *command, ...) SGL_PRINTF(2, 3);
/* The text as one word of a shell, in quotes where it needs them. false: it does not fit, or no quotes hold it: then no command is shown. */
bool cli_next_word(const char *text, char *out, size_t size);

/* A list that is empty, by its name in the answer ("domains"): what to run to add to it. false: it is not one that is added to. */
bool cli_next_first(const struct cli *c, const char *list);

#endif
