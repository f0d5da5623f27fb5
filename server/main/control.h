/* SPDX-License-Identifier: Apache-2.0 */
/* What supervisor and service tell each other: small messages over a socketpair, some with a descriptor. */
#ifndef SERVER_MAIN_CONTROL_H
#define SERVER_MAIN_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

enum control_kind {
    CONTROL_KEYS = 1, /* to the service: the socket of a new keys process */
    CONTROL_RELOAD,   /* to the service: a memory file with the handover of a new configuration */
    CONTROL_DRAIN,    /* to the service: stop accepting, finish, exit */
    CONTROL_READY,    /* from the service: it serves */
    CONTROL_RELOADED, /* from the service */
    CONTROL_CERTIFICATES, /* to the service: the same with new files of certificates, and nothing else new */
    CONTROL_REFUSED, /* from the service: the new configuration was not taken; to the service: it was not even handed over, for the audit. text says why */
};

#define CONTROL_TEXT_MAX 400

struct control_message {
    enum control_kind kind;
    int fd; /* -1, or the receiver's to close */
    char text[CONTROL_TEXT_MAX];
};

/* fd[0] for the supervisor, fd[1] for the service; both non-blocking and closed on exec. */
bool control_pair(int fd[2]);
/* fd: -1 for none, stays the caller's. false: the other end is gone or does not read. */
bool control_send(int control, enum control_kind kind, int fd, const char *text);
/* 1: a message; 0: none now; -1: the other end is gone. Anything malformed is skipped. */
int control_receive(int control, struct control_message *out);

#endif
