/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file without a name for what is seldom read again and need not stay in memory.  It only grows, and is gone with the process.  One writer at a time; what was put may be
 * read meanwhile.
 */
#ifndef SERVER_LOOP_SCRATCH_H
#define SERVER_LOOP_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "sigillo/view.h"

struct scratch { /* zeroed: there is none, and nothing can be put */
    int fd;
    bool open;
    uint64_t end;
};
/* In this folder; false: the file system has no such files, or refuses, and there is none. */
bool scratch_open(struct scratch *s, const char *folder);
void scratch_close(struct scratch *s);
/* *at: where it stands. false: it was not written, as on a full disk. */
bool scratch_put(struct scratch *s, sgl_view bytes, uint64_t *at);
bool scratch_get(const struct scratch *s, uint64_t at, uint8_t *out, size_t len);

#endif
