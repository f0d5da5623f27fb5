/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "loop.h"

static struct timespec now(clockid_t id)
{
    struct timespec t = {0, 0};

    clock_gettime(id, &t);
    return t;
}

int64_t clock_now_s(void)
{
    return now(CLOCK_REALTIME_COARSE).tv_sec;
}

int64_t clock_now_ms(void)
{
    struct timespec t = now(CLOCK_REALTIME_COARSE);

    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

uint64_t clock_mono_us(void)
{
    struct timespec t = now(CLOCK_MONOTONIC);

    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}
