/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor has open and whom it watches; for the files of supervisor*.c. */
#ifndef SERVER_MAIN_SUPERVISOR_INTERNAL_H
#define SERVER_MAIN_SUPERVISOR_INTERNAL_H

#include <sys/types.h>

#include "control.h"
#include "supervisor.h"
#include "watch.h"

struct child {
    pid_t pid;                       /* 0: down */
    uint64_t started_ms, restart_ms; /* restart_ms 0: not waiting */
    unsigned failures;
};

struct supervisor {
    struct config *config;
    struct sandbox_user user;
    struct bound_sockets sockets;
    struct state_paths paths;
    int lock, signals, control; /* control -1: no service */
    struct watch *watch;        /* the certificates' files */
    struct child keys, service;
    struct config *next; /* handed to the service, its answer is awaited */
    bool ever_ready, draining, over;
    uint64_t kill_ms; /* when draining ends */
    int status;
};

/* ---- supervisor_children.c ---- */

/* The keys process and the service: both, or neither. */
void supervisor_start(struct supervisor *s);
/* A new keys process for the service that runs. */
void supervisor_start_keys(struct supervisor *s);
void supervisor_end_keys(struct supervisor *s);
/* Whoever has died, and what follows from it. */
void supervisor_reap(struct supervisor *s);

/* ---- supervisor_reload.c ---- */

void supervisor_reload(
    struct supervisor *s); /* reads it again; the service's answer is one of these two */
/* Files of certificates may have changed. */
void supervisor_look(struct supervisor *s);
void supervisor_reloaded(struct supervisor *s);
void supervisor_reload_refused(struct supervisor *s, const char *why);

#endif
