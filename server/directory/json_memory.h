/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Did memory end while a document was made or read?  Jansson leaves a member away that there is no memory for, and says nothing; what is stored like that is broken for good.  So
 * its allocations are watched.  Each thread for itself.
 */
#ifndef SERVER_DIRECTORY_JSON_MEMORY_H
#define SERVER_DIRECTORY_JSON_MEMORY_H

#include <stdbool.h>

void json_memory_watch(void); /* before anything is made; again is harmless */
void json_memory_begin(void);
void json_memory_note(void);  /* an allocation beside Jansson's failed */
bool json_memory_ended(void); /* since json_memory_begin() */

#endif
