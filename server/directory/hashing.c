/* SPDX-License-Identifier: Apache-2.0 */
#include "hashing.h"

#include <stdatomic.h>

#define FIRST_US 25000 /* before one was made */
#define SLOWNESS 8     /* one of so many moves the mean */

void hashing_init(struct hashing *h, unsigned threads)
{
    h->threads = threads > 0 ? threads : 1;
    atomic_init(&h->under_way, 0);
    atomic_init(&h->mean_us, FIRST_US);
}

/* Would one wait too long behind so many?  For a thread that has nothing to do it does not. */
static bool is_long(struct hashing *h, unsigned before)
{
    uint64_t mean_us = atomic_load_explicit(&h->mean_us, memory_order_relaxed);

    return before >= h->threads && before * mean_us / h->threads > HASHING_WAIT_MS * UINT64_C(1000);
}

bool hashing_submit(struct hashing *h, struct workers *workers, struct work *w)
{
    unsigned before = atomic_fetch_add(&h->under_way, 1);

    if (!is_long(h, before) && workers_submit(workers, w))
        return true;
    atomic_fetch_sub(&h->under_way, 1);
    return false;
}

/* Two at once may lose one of their times, which is no harm. */
void hashing_done(struct hashing *h, uint64_t took_us)
{
    uint64_t mean_us = atomic_load_explicit(&h->mean_us, memory_order_relaxed);

    if (took_us > 0)
        mean_us = (mean_us * (SLOWNESS - 1) + took_us) / SLOWNESS;
    atomic_store_explicit(&h->mean_us, mean_us, memory_order_relaxed);
    atomic_fetch_sub(&h->under_way, 1);
}
