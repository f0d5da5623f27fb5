/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Did memory end while a token was looked at?  jansson, cjose and OpenSSL say "broken" or "wrong" then, as they do of what is broken or wrong; jansson may even leave the end of a
 * long string away.  A good token must not be refused for that, so their allocations are watched.  Each thread for itself.
 */
#ifndef SERVER_TOKENS_MEMORY_H
#define SERVER_TOKENS_MEMORY_H

#include <stdbool.h>

void memory_watch(void); /* once, before others use the libraries; again is harmless */
void memory_begin(void);
/* Between begin and end cjose gets memory from a reserve when there is no other: it does not look whether it got any. What was made in between has to be given back before the end. */
void memory_lend_begin(void);
void memory_lend_end(void);
void memory_note(void);  /* one of our own allocations failed */
bool memory_ended(void); /* since memory_begin() */

#endif
