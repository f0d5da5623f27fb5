/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows of senders, groups and policies have in common: each begins with a struct owned, so that one set of functions serves all of them. */
#include "directory_internal.h"

void *owned_ref(void *noun)
{
    atomic_fetch_add_explicit(&((struct owned *)noun)->refs, 1, memory_order_relaxed);
    return noun;
}

const char *owned_key(const void *noun)
{
    return ((const struct owned *)noun)->key;
}

uint64_t *owned_version(void *noun)
{
    return &((struct owned *)noun)->version;
}

const char *owned_subscription(const void *noun)
{
    return ((const struct owned *)noun)->subscription;
}
