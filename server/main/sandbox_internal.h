/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_MAIN_SANDBOX_INTERNAL_H
#define SERVER_MAIN_SANDBOX_INTERNAL_H

#include "sandbox.h"

/* sandbox_landlock.c: 0 without Landlock, its version, or -1 with a reason. */
int landlock_enter(const struct sandbox_files *files, char *why, size_t why_size);
/* sandbox_seccomp.c */
bool seccomp_enter(char *why, size_t why_size);

#endif
