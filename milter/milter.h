/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mail filter for Postfix and others that speak the milter protocol: signs what its own users send, judges what others send.
 *
 * Two processes.  The first reads configuration, tables and private keys with the rights it was started with, and reads them again on SIGHUP; it parses no mail and
 * opens no network.  The second listens, as another user and inside a sandbox, and gets what the first one read.
 */
#ifndef MILTER_MILTER_H
#define MILTER_MILTER_H

#include <stdbool.h>
#include <stddef.h>

/* Reads everything that the configuration names. false: why is "FILE:LINE: what is wrong". */
bool milter_check(const char *path, char *why, size_t why_size);
/* Runs until SIGTERM or SIGINT.  0: ended as asked; 2: the configuration is wrong, or can't be put to use, said so in `why`; 3: ended by itself. */
int milter_run(const char *path, char *why, size_t why_size);

#endif
