/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS for the sessions' threads: one loop thread with the resolver; whoever asks waits.
 */
#ifndef MILTER_DNS_H
#define MILTER_DNS_H

#include "../server/loop/loop.h"
#include "../server/resolver/resolver.h"

struct milter_dns {
    struct loop *loop;
    struct resolver *resolver;
};
/* From any thread but the loop's: answers all that is open, or marks it failed when timeout_ms are over.  Gives back how many got no answer. */
size_t milter_dns_fill(struct milter_dns *d, struct sgl_dns *dns, uint64_t timeout_ms);

#endif
