/* SPDX-License-Identifier: Apache-2.0 */
/* The service process: everything but keys. */
#ifndef SERVER_MAIN_SERVICE_H
#define SERVER_MAIN_SERVICE_H

#include "sockets.h"

struct service_setup {
    struct config *config; /* a reference, the service's */
    const struct sandbox_user *user;
    const struct bound_sockets *sockets;
    const char *store; /* folder */
    uid_t owner;       /* who started us: may use the admin socket */
    int control, keys;
};
/* In the child: becomes the user, enters the sandbox, serves until told to drain or the supervisor is gone. The exit status. */
int service_run(const struct service_setup *setup);

#endif
