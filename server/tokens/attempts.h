/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wrong secrets are counted for each client id (or id of a key) and address that they came from: so nobody can lock out an application from elsewhere.  A table of fixed size; when two fall
 * together the older is forgotten, which costs nothing but a few more guesses at 256 bits.
 */
#ifndef SERVER_TOKENS_ATTEMPTS_H
#define SERVER_TOKENS_ATTEMPTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "sigillo/view.h"

#define ATTEMPTS_MAX      10 /* wrong ones in a window */
#define ATTEMPTS_WINDOW_S 60
#define ATTEMPTS_SLOTS    4096

struct attempts {
    pthread_mutex_t lock;
    uint8_t key[16];
    struct {
        uint64_t who;
        uint64_t until_ms; /* the window's end, on the monotonic clock */
        unsigned wrong;
    } slot[ATTEMPTS_SLOTS];
};
void attempts_init(struct attempts *a);
void attempts_done(struct attempts *a);
/* Seconds until the next attempt is allowed; 0: now. */
unsigned attempts_wait_s(struct attempts *a, sgl_view client_id, sgl_view peer, uint64_t now_ms);
void attempts_wrong(struct attempts *a, sgl_view client_id, sgl_view peer, uint64_t now_ms);
/* The same for a name that is no client id; empty: all that have none count as one. */
unsigned attempts_named_wait_s(struct attempts *a, sgl_view name, sgl_view peer, uint64_t now_ms);
void attempts_named_wrong(struct attempts *a, sgl_view name, sgl_view peer, uint64_t now_ms);

#endif
