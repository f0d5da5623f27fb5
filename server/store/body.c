/* SPDX-License-Identifier: Apache-2.0 */
/* Counted bodies: one block each, and how many bytes all of them hold. */
#include <stdatomic.h>
#include <stdlib.h>

#include "sigillo/banned.h"
#include "store.h"

static _Atomic size_t held;

struct body *body_new(size_t len)
{
    struct body *b;

    if (len > SIZE_MAX - sizeof(*b))
        return NULL;
    b = malloc(sizeof(*b) + len);
    if (b == NULL)
        return NULL;
    atomic_init(&b->refs, 1);
    b->len = len;
    b->bytes = (uint8_t *)(b + 1);
    b->header_len = 0;
    atomic_fetch_add_explicit(&held, len, memory_order_relaxed);
    return b;
}

struct body *body_ref(struct body *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void body_unref(struct body *b)
{
    if (b == NULL || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    atomic_fetch_sub_explicit(&held, b->len, memory_order_relaxed);
    free(b);
}

size_t body_bytes_held(void)
{
    return atomic_load_explicit(&held, memory_order_relaxed);
}
