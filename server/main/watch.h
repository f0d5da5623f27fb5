/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks after the files of certificates, which others replace: by writing into them, by renaming, by turning a link.  Who may read them watches them: the supervisor.
 *
 *   same --(a file is another)--> changed --(quiet for a moment, and the pair fits)--> ready --(watch_took())--> same
 *
 * A pair that does not fit may be half replaced: it is looked at again, and told of when that takes long.  The kernel tells of changes in the folders; what it does not tell of is
 * found when they are looked at anyway.
 */
#ifndef SERVER_MAIN_WATCH_H
#define SERVER_MAIN_WATCH_H

#include "../certs/certs.h"

#define WATCH_EVERY_MS    30000
#define WATCH_SETTLE_MS   300
#define WATCH_PATIENCE_MS 10000

struct watch;

struct watch *watch_new(void); /* NULL when memory ends */
/* What is watched from now on: what stands in the configuration counts as seen. */
void watch_begin(struct watch *w, const struct config *c, uint64_t now_ms);
int watch_fd(const struct watch *w); /* readable: look; -1: nobody tells */
uint64_t watch_due_ms(const struct watch *w);
/* true: some are ready. c: with the same certificates as that of watch_begin(); borrowed until the next look. */
bool watch_look(struct watch *w, const struct config *c, uint64_t now_ms);
bool watch_is_ready(void *watch, const char *name); /* NULL: the default; for config_refresh() */
void watch_took(struct watch *w);                   /* those that are ready were taken */
void watch_free(struct watch *w);                   /* NULL accepted */

#endif
