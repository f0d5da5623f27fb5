/* SPDX-License-Identifier: Apache-2.0 */
/* Message ids: time-ordered, so that tables and folders fill at one end. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>

#include "sigillo/ascii.h"
#include "sigillo/banned.h"
#include "store_internal.h"

#define EPOCH_MS    INT64_C(1704067200000) /* 2024-01-01T00:00:00Z */
#define LOW_BITS    22
#define RANDOM_MASK ((UINT64_C(1) << 20) - 1) /* two bits stay free for the counter */
#define STEP_MASK   0x1f

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

static _Atomic uint64_t last_id;

/* splitmix64: ids need to be distinct and hard to collide, not secret. */
static uint64_t draw(void)
{
    static _Thread_local uint64_t state;
    uint64_t z;

    while (state == 0) {
        if (getrandom(&state, sizeof(state), 0) != (ssize_t)sizeof(state) && errno != EINTR)
            state = clock_mono_us() ^ (uint64_t)(uintptr_t)&state;
    }
    z = (state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t id_new(void)
{
    uint64_t random = draw();
    int64_t ms = clock_now_ms() - EPOCH_MS;
    uint64_t fresh = ((uint64_t)(ms < 0 ? 0 : ms) << LOW_BITS) | (random & RANDOM_MASK);
    uint64_t last = atomic_load_explicit(&last_id, memory_order_relaxed);
    uint64_t id;

    do {
        id = fresh > last ? fresh : last + 1 + (random >> 40 & STEP_MASK);
    } while (!atomic_compare_exchange_weak(&last_id, &last, id));
    return id;
}

int64_t id_time_ms(uint64_t id)
{
    return (int64_t)(id >> LOW_BITS) + EPOCH_MS;
}

uint64_t id_of_time_ms(int64_t ms)
{
    return ms <= EPOCH_MS ? 0 : (uint64_t)(ms - EPOCH_MS) << LOW_BITS;
}

void id_text(uint64_t id, char out[ID_TEXT_SIZE])
{
    for (size_t i = ID_TEXT_SIZE - 1; i-- > 0;) {
        out[i] = alphabet[id & 31];
        id >>= 5;
    }
    out[ID_TEXT_SIZE - 1] = '\0';
}

/* The value of one character, or -1. As Crockford has it, o reads as 0, i and l as 1, and case does not matter. */
static int digit_value(uint8_t c)
{
    c = sgl_ascii_lower(c);
    if (c == 'o')
        return 0;
    if (c == 'i' || c == 'l')
        return 1;
    for (int i = 0; i < 32; i++) {
        if ((uint8_t)alphabet[i] == c)
            return i;
    }
    return -1;
}

bool id_parse(sgl_view text, uint64_t *out)
{
    uint64_t id = 0;

    if (text.len != ID_TEXT_SIZE - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int value = digit_value(text.ptr[i]);

        if (value < 0 || id > UINT64_MAX >> 5)
            return false;
        id = id << 5 | (uint64_t)value;
    }
    if (id == 0 || id > INT64_MAX)
        return false;
    *out = id;
    return true;
}
