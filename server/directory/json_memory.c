/* SPDX-License-Identifier: Apache-2.0 */
#include "json_memory.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

static _Thread_local bool ended;

static void *allocate(size_t size)
{
    void *made = malloc(size > 0 ? size : 1);

    ended = ended || made == NULL;
    return made;
}

static void set(void)
{
    json_set_alloc_funcs(allocate, free);
}

void json_memory_watch(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, set);
}

void json_memory_begin(void)
{
    ended = false;
}

void json_memory_note(void)
{
    ended = true;
}

bool json_memory_ended(void)
{
    return ended;
}
