/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: opens what needs rights, starts the keys process and the service, starts them again when they die, passes signals on.
 *
 *   SIGTERM, SIGINT   drain: the service finishes what is under way for at most drain_timeout; a second one ends it at once
 *   SIGHUP            the configuration is read again; a bad one is refused and the old one stays
 */
#ifndef SERVER_MAIN_SUPERVISOR_H
#define SERVER_MAIN_SUPERVISOR_H

#include "../config/config.h"
#include "sockets.h"

/* Takes config over. Returns the exit status of the program. */
int supervisor_run(struct config *config);
/* What config_load() can't see: the user, certificate and key, CA files. `why`: "FILE: KEY: reason". */
bool supervisor_check(const struct config *config, struct sandbox_user *user, char *why,
                      size_t why_size);

#endif
