/* SPDX-License-Identifier: Apache-2.0 */
/* Which user of this machine is at the other end of a connection over loopback?  The kernel is asked for that very socket. */
#ifndef SERVER_LOOP_OWNER_H
#define SERVER_LOOP_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

struct owners;

/* What owner_of() asks by: a descriptor that is opened before the sandbox is closed, which forbids it. -1: the kernel cannot be asked. */
int owners_socket(void);
/* Takes the descriptor. NULL: no memory, and it is closed. */
struct owners *owners_new(int fd);
void owners_free(struct owners *o); /* NULL accepted */
/*
 * The user who made the socket that fd, a connection over TCP, leads to.  (uid_t)-1: it cannot be told, which is also said of a peer on another machine, and of one who has closed
 * his end.  Any thread; a few microseconds.
 */
uid_t owners_find(struct owners *o, int fd);

#endif
