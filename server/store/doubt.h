/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which recipients are between the final dot and our record: a file mapped into memory.  Writing it costs no system call, and the kernel keeps it when the process dies.
 * When the machine itself dies it may be older than the truth; doubt_machine_died() says so.
 */
#ifndef SERVER_STORE_DOUBT_H
#define SERVER_STORE_DOUBT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct doubt;

/* Opens or makes FOLDER/doubt. NULL with a sentence in `why`. */
struct doubt *doubt_open(const char *folder, char *why, size_t why_size);
/* What the former life left: calls each() for every recipient noted. */
void doubt_each(const struct doubt *d, void (*each)(void *ctx, uint64_t rcpt), void *ctx);
/* The former life did not end in order, and the machine has been started since. */
bool doubt_machine_died(const struct doubt *d);
/* Forgets what was left, once it has been recorded elsewhere. */
void doubt_forget(struct doubt *d);
/* Any thread. false: no place. */
bool doubt_note(struct doubt *d, const uint64_t *rcpt, size_t rcpts, uint32_t *slot);
void doubt_clear(struct doubt *d, uint32_t slot);
/* An orderly end. NULL accepted. */
void doubt_close(struct doubt *d);

#endif
