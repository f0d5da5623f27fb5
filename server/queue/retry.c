/* SPDX-License-Identifier: Apache-2.0 */
#include "retry.h"

#include "sigillo/banned.h"

#define WAIT_DEFAULT_S 900u

size_t retry_step(const struct retry_schedule *s, uint32_t attempts)
{
    if (s->waits == 0)
        return 0;
    if (attempts == 0)
        return 1;
    return attempts < s->waits ? attempts : s->waits;
}

uint32_t retry_wait_s(const struct retry_schedule *s, uint32_t attempts, uint32_t random)
{
    uint64_t wait = s->waits == 0 ? WAIT_DEFAULT_S : s->wait_s[retry_step(s, attempts) - 1];
    uint64_t jitter = s->jitter_percent > 100 ? 100 : s->jitter_percent;
    uint64_t spread = wait * jitter * 2 / 100; /* from wait - spread/2 to wait + spread/2 */

    wait = wait - spread / 2 + (spread + 1) * random / (UINT64_C(1) << 32);
    return wait == 0 ? 1 : (uint32_t)wait;
}

int64_t retry_next_at(int64_t now, uint32_t wait_s, int64_t not_before, int64_t expires_at)
{
    int64_t next = now + wait_s;

    if (next < not_before)
        next = not_before;
    if (next > expires_at)
        next = expires_at > now ? expires_at : now + 1;
    return next;
}
