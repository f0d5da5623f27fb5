/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder know of a loop. */
#ifndef SERVER_LOOP_LOOP_INTERNAL_H
#define SERVER_LOOP_LOOP_INTERNAL_H

#include <stddef.h>

#include "loop.h"

#define LOOP_SCRATCH_SIZE 65536

#define LOOP_RECORD_MAX 16384 /* what one record of TLS carries at most */

/* Buffers that every stream of a loop goes through, so that none owns one while it is idle. */
struct loop_scratch {
    uint8_t wire[LOOP_SCRATCH_SIZE];  /* as it came from the socket */
    uint8_t clear[LOOP_SCRATCH_SIZE]; /* decrypted */
    uint8_t record[LOOP_RECORD_MAX];  /* to be encrypted, gathered from several places */
};
struct loop_scratch *loop_scratch(struct loop *loop);

#endif
