/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service process may do once it is set up: files below its store, a few files to read, its sockets, no other program, no other process.
 * The calls here last for the life of the process and of every thread it starts later; so they come before the first thread.
 */
#ifndef SERVER_MAIN_SANDBOX_H
#define SERVER_MAIN_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../config/config.h"

/* A user and group to become; read from the system before anything is closed. */
struct sandbox_user {
    bool change; /* false: stay who we are */
    uid_t uid;
    gid_t gid;
    char name[64];
};
/* name NULL: nobody else. false with a reason: no such user, or we may not become another. */
bool sandbox_user_find(const char *name, struct sandbox_user *out, char *why, size_t why_size);
/* For good, supplementary groups included; checks that there is no way back. */
bool sandbox_user_become(const struct sandbox_user *user, char *why, size_t why_size);

/* Where the store lives: `folder` may be written to; what the configuration names may be read. */
struct sandbox_files {
    const char *folder;
    const struct config *config;
};
/*
 * No new privileges, no core file that another process of the user could ask for, Landlock over the files, seccomp over the system calls.
 * *landlock_abi gets the version of the kernel's Landlock, 0 when it has none (then only seccomp and the user's rights hold; the caller logs it).
 */
bool sandbox_enter_service(const struct sandbox_files *files, int *landlock_abi, char *why,
                           size_t why_size);

/*
 * In a child that has become `user` and entered the same sandbox: tries what must fail (reading /etc/shadow, the master key, the configured TLS key; running a program;
 * tracing) and what must work (a file below the folder).  true: all as it should be; `why` has a line per attempt either way.
 */
bool sandbox_self_check(const struct sandbox_files *files, const struct sandbox_user *user,
                        const char *master_key, char *why, size_t why_size);

#endif
