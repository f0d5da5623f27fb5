/* SPDX-License-Identifier: Apache-2.0 */
/* What the keys process may still ask of the kernel: bytes over descriptors that it has, memory, time, random numbers, waiting. */
#ifndef SERVER_KEYS_SANDBOX_H
#define SERVER_KEYS_SANDBOX_H

#include <stdbool.h>

/* No core dumps, no ptrace by others of the same user, memory locked where the limit allows it.  Before threads are started. */
bool sandbox_hide_memory(void);
/* For all threads of the process, from now on.  Opening a file fails with EPERM; anything else that is not named kills the process. */
bool sandbox_enter(void);

#endif
