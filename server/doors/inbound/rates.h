/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each address (IPv6: its /64) did in the last minute.  A table of fixed size: when two fall together, the older is forgotten.  Any thread; the lock is held for a few
 * instructions.
 */
#ifndef SERVER_DOORS_INBOUND_RATES_H
#define SERVER_DOORS_INBOUND_RATES_H

#include "sigillo/ip.h"

enum rate { RATE_MESSAGES, RATE_RECIPIENTS, RATE_UNKNOWN, RATE_ERRORS, RATE_NULL, RATES };

struct rates;
struct rates *rates_new(void);
void rates_free(struct rates *r); /* NULL accepted */
/* One more.  false: `max` of it were there within the minute (0: any number); it is not counted then. */
bool rates_take(struct rates *r, const struct sgl_ip *ip, enum rate what, unsigned max,
                uint64_t now_ms);
/* Would rates_take() say false? */
bool rates_is_over(struct rates *r, const struct sgl_ip *ip, enum rate what, unsigned max,
                   uint64_t now_ms);
/* The same, of all addresses together. */
bool rates_take_all(struct rates *r, enum rate what, unsigned max, uint64_t now_ms);

#endif
