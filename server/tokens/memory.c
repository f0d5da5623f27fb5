/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include <cjose/cjose.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "../directory/json_memory.h"

#define RESERVE_SIZE                                                                               \
    131072 /* for a token of the greatest size, in all the forms that cjose makes of it */

static _Thread_local bool ended;
static _Thread_local bool lending, lent; /* may this thread have of the reserve?  has it any? */
static struct {
    atomic_flag taken; /* by one thread at a time */
    size_t used;
    _Alignas(max_align_t) uint8_t bytes[RESERVE_SIZE];
} reserve = {.taken = ATOMIC_FLAG_INIT};

static void *noted(void *made)
{
    ended = ended || made == NULL;
    return made;
}

static void *allocate(size_t size)
{
    return noted(malloc(size > 0 ? size : 1));
}

static void *lend(size_t size)
{
    size_t whole = (size / alignof(max_align_t) + 1) * alignof(max_align_t);

    if (!lending || (!lent && atomic_flag_test_and_set(&reserve.taken)))
        return NULL;
    if (!lent)
        reserve.used = 0;
    lent = true;
    if (size > RESERVE_SIZE || whole > RESERVE_SIZE - reserve.used)
        return NULL;
    reserve.used += whole;
    return reserve.bytes + reserve.used - whole;
}

static bool is_lent(const void *p)
{
    uintptr_t at = (uintptr_t)p, start = (uintptr_t)reserve.bytes;

    return at >= start && at - start < RESERVE_SIZE;
}

static void *allocate_or_lend(size_t size)
{
    void *made = allocate(size);

    return made != NULL ? made : lend(size);
}

static void give_back(void *p)
{
    if (!is_lent(p))
        free(p);
}

static void *allocate_again(void *old, size_t size)
{
    return noted(is_lent(old) ? NULL : realloc(old, size > 0 ? size : 1));
}

static void set(void)
{
    /* cjose would give its functions to OpenSSL, too, which keeps things for longer than we lend; once it has allocated it takes no others. */
    OPENSSL_free(OPENSSL_malloc(1));
    cjose_set_alloc_funcs(allocate_or_lend, allocate_again, give_back);
}

void memory_watch(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    json_memory_watch();
    pthread_once(&once, set);
}

void memory_begin(void)
{
    ended = false;
    json_memory_begin();
    ERR_clear_error();
}

void memory_lend_begin(void)
{
    lending = true;
}

void memory_lend_end(void)
{
    if (lent)
        atomic_flag_clear(&reserve.taken);
    lending = lent = false;
}

void memory_note(void)
{
    ended = true;
}

bool memory_ended(void)
{
    unsigned long error;

    while ((error = ERR_get_error()) != 0)
        ended = ended || ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
    return ended || json_memory_ended();
}
