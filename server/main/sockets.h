/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor opens before anybody gives up rights: doors, the admin socket, the state folder and its lock. */
#ifndef SERVER_MAIN_SOCKETS_H
#define SERVER_MAIN_SOCKETS_H

#include "sandbox.h"

struct bound_socket {
    int fd;
    size_t listen; /* index in config->listen */
};
struct bound_sockets {
    struct bound_socket *socket;
    size_t sockets;
    int admin; /* -1: not open */
    int local; /* of local.socket; -1: there is none */
    /* Of metadata.listen and metadata.socket, and what tells whose a connection is; NULL, -1: there is none. */
    int *metadata;
    size_t metadatas;
    int owners;
};

/* All or nothing. `why`: "FILE: listen NAME: ADDRESS: Address already in use". */
bool sockets_bind(const struct config *config, const struct sandbox_user *user,
                  struct bound_sockets *out, char *why, size_t why_size);
void sockets_close(struct bound_sockets *s);

/* The places of the state folder. */
struct state_paths {
    char store[3000]; /* the service's: queue, spool */
    char master_key[3000];
    char lock[3000];
};
bool state_paths(const struct config *config, struct state_paths *out, char *why, size_t why_size);
/*
 * Makes what is missing, gives the store to the user, and takes the lock, for which it waits up to wait_ms: a killed server's service may need a moment to notice.
 * The descriptor of the lock, or -1 with a reason.
 */
int state_open(const struct config *config, const struct sandbox_user *user, unsigned wait_ms,
               char *why, size_t why_size);

#endif
