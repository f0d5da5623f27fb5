/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assertions that were taken once and are not taken again until they have ended  [RFC 7523 s3].  A table of fixed size in memory: where it is full, an assertion is refused
 * rather than taken unseen.  A restart forgets them.
 */
#ifndef SERVER_TOKENS_REPLAY_H
#define SERVER_TOKENS_REPLAY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "sigillo/view.h"

#define REPLAY_ROWS     2048
#define REPLAY_WAYS     16
#define REPLAY_KEY_SIZE 16

enum replay { REPLAY_FRESH, REPLAY_SEEN, REPLAY_FULL };
struct replay_table {
    pthread_mutex_t lock;
    uint8_t key[32];
    struct {
        uint8_t what[REPLAY_KEY_SIZE];
        int64_t until; /* Unix seconds; 0: empty */
    } slot[REPLAY_ROWS][REPLAY_WAYS];
};
void replay_init(struct replay_table *r);
void replay_done(struct replay_table *r);
/* Notes it until then. what: who made it and its name, in a form that is no other's. */
enum replay replay_take(struct replay_table *r, sgl_view what, int64_t until, int64_t now);
/* It was not made use of after all. */
void replay_give_back(struct replay_table *r, sgl_view what);

#endif
